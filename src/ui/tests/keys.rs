//! What keys ask of the engine, and what they show at once.

use std::collections::BTreeSet;

use crate::command::intent::{Change, Intent};
use crate::command::key::Key;
use crate::engine::handle::{Request, Update};
use crate::engine::view::Window;
use crate::id::ThreadId;
use crate::label::Place;
use crate::ui::app::{Layer, Message, UiExit};
use crate::ui::double::{Double, NOW_MS};
use crate::ui::harness::Screen;

pub(super) fn screen() -> Screen {
    Screen::new(Double::sample(), 80, 24)
}

/// What the keys asked for, reads that opening made by itself left out.
pub(super) fn intents(screen: &Screen) -> Vec<String> {
    let thread = |id: &ThreadId| id.as_str().trim_start_matches("thread-0000").to_owned();
    screen
        .double
        .log
        .iter()
        .map(|intent| match intent {
            Intent::Change { changes, targets } => {
                let targets: Vec<String> = targets.iter().map(|t| thread(&t.thread)).collect();
                format!("{:?} {}", changes[0], targets.join(" "))
            }
            Intent::Undo(action) => {
                format!("Undo {}", action.as_ref().map_or("last", |action| action.as_str()))
            }
            Intent::Redo(action) => {
                format!("Redo {}", action.as_ref().map_or("last", |action| action.as_str()))
            }
            Intent::Fetch(messages) => format!("Fetch {}", messages.len()),
            Intent::CreateLabel(name) => format!("CreateLabel {name}"),
            Intent::NewLabel { name, targets, .. } => {
                let targets: Vec<String> = targets.iter().map(|t| thread(&t.thread)).collect();
                format!("NewLabel {name} {}", targets.join(" "))
            }
            Intent::RenameLabel(id, name) => format!("RenameLabel {id} {name}"),
            Intent::RecolorLabel(id, color) => {
                format!("RecolorLabel {id} {}", color.as_deref().unwrap_or("none"))
            }
            Intent::DeleteLabel(id) => format!("DeleteLabel {id}"),
            Intent::SaveSearch { name, query } => format!("SaveSearch {name} {query}"),
            Intent::RemoveSearch(name) => format!("RemoveSearch {name}"),
            Intent::SaveDraft { draft, .. } => format!("SaveDraft {}", draft.subject),
            Intent::DiscardDraft { save, .. } => format!("DiscardDraft {save}"),
            Intent::Send(order) => format!("Send {}", order.save),
            Intent::CancelSend { queued, .. } => format!("CancelSend {queued}"),
            Intent::Join(threads) => {
                format!("Join {}", threads.iter().map(thread).collect::<Vec<_>>().join(" "))
            }
            Intent::Split(threads) => {
                format!("Split {}", threads.iter().map(thread).collect::<Vec<_>>().join(" "))
            }
        })
        .collect()
}

fn check(keys: &str, asked: &[&str]) {
    let mut screen = screen();
    screen.press(keys);
    assert_eq!(intents(&screen), asked, "{keys}");
}

#[test]
fn triage_keys_ask_absolutely() {
    check("e", &["Place(Archive) 00"]);
    check("jjxje", &["Place(Archive) 02"]);
    check("#", &["Place(Trash) 00"]);
    check("<Delete>", &["Place(Trash) 00"]);
    check("s", &["Star(true) 00"]);
    check("js", &["Star(false) 01"]);
    check("<Space><Space>s", &["Star(true) 00 01"]);
    check("jxs", &["Star(false) 01"]);
    check("I", &["Read(true) 00"]);
    check("jU", &["Read(false) 01"]);
    check("xx<Esc>je", &["Place(Archive) 01"]);
    check("g", &[]);
    check("gx", &[]);
}

#[test]
fn fast_keys_meet_the_next_row_before_the_engine_has_answered() {
    let mut screen = screen();
    screen.paused = true;
    screen.press("eee");
    assert_eq!(screen.subject(), "[rust-users] Pinning, once more");
    screen.resume();
    assert_eq!(intents(&screen), ["Place(Archive) 00", "Place(Archive) 01", "Place(Archive) 02"]);
    assert_eq!(screen.subject(), "[rust-users] Pinning, once more");
    assert_eq!(screen.model.list.rows.len(), 11);
}

#[test]
fn a_page_from_before_an_intent_is_not_shown_after_it() {
    let mut screen = Screen::new(Double::many(300), 80, 24);
    screen.paused = true;
    screen.send(Message::Engine(Box::new(Update::Changed)));
    let stale = screen.waiting.remove(0);
    let answer = screen.double.answer(stale);
    screen.press("e");
    for update in answer {
        screen.send(Message::Engine(Box::new(update)));
    }
    assert_eq!(screen.subject(), "row 1", "the archived row must not flicker back");
    screen.resume();
    assert_eq!(screen.subject(), "row 1");
}

#[test]
fn an_intent_names_what_the_row_showed() {
    let mut screen = screen();
    screen.paused = true;
    screen.double.rows[0].members[0].seen.position = 99;
    screen.press("e");
    screen.resume();
    let Intent::Change { targets, .. } = &screen.double.log[0] else { panic!("no change") };
    assert_eq!(targets[0].seen.position, 10);
}

#[test]
fn undo_takes_back_what_keys_did_and_not_what_opening_did() {
    let mut screen = screen();
    screen.press("je");
    screen.press("gg<Enter>u");
    assert_eq!(intents(&screen), ["Place(Archive) 01", "Read(true) 00"]);
    screen.press("zz");
    assert_eq!(intents(&screen)[2..], ["Undo action-0001", "Undo last"]);
}

#[test]
fn undo_right_behind_an_action_waits_for_its_name() {
    let mut screen = screen();
    screen.paused = true;
    screen.press("esz");
    screen.resume();
    assert_eq!(intents(&screen), ["Place(Archive) 00", "Star(false) 01", "Undo action-0002"]);
}

#[test]
fn an_intent_that_failed_is_answered_too_and_does_not_shift_the_next_answer() {
    let mut screen = screen();
    screen.paused = true;
    screen.press("z");
    screen.waiting.clear();
    let refused = crate::notice::Notice::error("nothing", "There is nothing to undo", "");
    let done = crate::engine::view::Done::default();
    screen.send(Message::Engine(Box::new(Update::Notice(refused))));
    screen.send(Message::Engine(Box::new(Update::Done(done))));
    assert!(screen.text().contains("✗ There is nothing to undo"), "the notice stays");
    screen.resume();
    screen.press("e");
    assert!(screen.text().contains("· z undoes"), "{}", screen.text());
}

#[test]
fn an_answer_that_never_comes_does_not_hold_keys_for_ever() {
    let mut screen = Screen::new(Double::many(3_000), 80, 24);
    screen.paused = true;
    screen.press("ezGx");
    assert_eq!((screen.model.held.len(), screen.model.wanted.len()), (1, 1));
    screen.send(Message::Time(NOW_MS + 10_000));
    assert_eq!((screen.model.held.len(), screen.model.wanted.len()), (0, 0));
}

#[test]
fn opening_marks_read_once_it_is_seen_and_unread_goes_back() {
    let mut screen = screen();
    screen.press("<Enter>");
    assert_eq!(intents(&screen), ["Read(true) 00"]);
    assert!(screen.model.notice.is_none(), "nobody asked for it");
    screen.press("U");
    assert_eq!(intents(&screen)[1..], ["Read(false) 00"]);
    assert!(screen.model.reader.is_none());
    screen.press("j<Enter>");
    assert_eq!(intents(&screen).len(), 2, "it was read already");
}

#[test]
fn reader_keys_go_through_messages_and_conversations() {
    let mut screen = screen();
    screen.press("j<Enter>");
    let reader = |screen: &Screen| {
        let reader = screen.model.reader.as_ref().unwrap();
        (reader.row.subject.clone().unwrap(), reader.current, reader.lines.len())
    };
    let (_, newest, lines) = reader(&screen);
    assert_eq!(newest, 4);
    screen.press("p<Enter>");
    assert_eq!(reader(&screen).1, 3);
    assert!(reader(&screen).2 > lines, "unfolded");
    screen.press(",");
    assert_eq!(reader(&screen).2, 5, "all folded to a line each");
    screen.press("J");
    assert_eq!(reader(&screen).0, "来週の会議について");
    screen.press("KK");
    assert_eq!(reader(&screen).0, "Quarterly numbers");
    screen.press("K");
    assert_eq!(reader(&screen).0, "Quarterly numbers", "there is none before");
    screen.press("e");
    assert!(screen.model.reader.is_none());
    assert_eq!(screen.subject(), "Lunch on Friday?", "the next one has the cursor");
}

#[test]
fn a_long_list_is_walked_without_gaps_both_ways() {
    let total = 2_000;
    for (step, back, size) in [("j", "k", 24), ("<C-d>", "<C-u>", 15), ("<PgDn>", "<PgUp>", 24)] {
        let mut screen = Screen::new(Double::many(total), 80, size);
        let mut seen = BTreeSet::new();
        for keys in [step, back] {
            for _ in 0..total {
                let list = &screen.model.list;
                let end = (list.top + list.height).min(list.rows.len());
                let visible = &list.rows[list.top..end];
                assert_eq!(visible.len(), list.height, "no blank rows");
                seen.extend(visible.iter().map(|row| row.subject.clone()));
                let at = screen.subject();
                screen.press(keys);
                if screen.subject() == at {
                    break;
                }
            }
            assert!(screen.model.list.rows.len() < 700, "the window is bounded");
        }
        assert_eq!(seen.len(), total, "{step}");
        assert_eq!(screen.subject(), "row 0", "{back}");
    }
}

#[test]
fn jumps_land_and_hold_the_keys_behind_them() {
    let mut screen = Screen::new(Double::many(3_000), 80, 24);
    screen.press("G");
    assert_eq!(screen.subject(), "row 2999");
    screen.press("gg");
    assert_eq!(screen.subject(), "row 0");
    screen.paused = true;
    screen.press("Gkx");
    assert!(screen.model.list.selected.is_empty(), "the row is not there yet");
    screen.resume();
    assert_eq!(screen.subject(), "row 2998");
    screen.paused = true;
    screen.press("gg");
    screen.send(Message::Engine(Box::new(Update::Changed)));
    screen.resume();
    assert_eq!(screen.subject(), "row 0", "a change meanwhile does not throw back");
    let selected: Vec<_> = screen.model.list.selected.values().map(|r| r.subject.clone()).collect();
    assert_eq!(selected, [Some("row 2998".to_owned())]);
}

#[test]
fn the_cursor_stays_on_its_conversation_when_lists_change() {
    let mut screen = Screen::new(Double::many(500), 80, 24);
    screen.press("jjjjj");
    let mut newer = screen.double.rows[0].clone();
    newer.thread = ThreadId::try_from("thread-new").unwrap();
    newer.last_activity += 60;
    screen.double.rows.insert(0, newer);
    screen.send(Message::Engine(Box::new(Update::Changed)));
    assert_eq!((screen.subject().as_str(), screen.model.list.cursor), ("row 5", 6));
    assert_eq!(screen.model.list.top, 0, "new mail shows at the top");
    screen.double.rows.retain(|row| row.subject.as_deref() != Some("row 5"));
    screen.send(Message::Engine(Box::new(Update::Changed)));
    assert_eq!(screen.subject(), "row 6", "the next one");
}

#[test]
fn changes_in_the_middle_ask_from_the_window_on() {
    let mut screen = Screen::new(Double::many(3_000), 80, 24);
    screen.press("G");
    screen.paused = true;
    screen.send(Message::Engine(Box::new(Update::Changed)));
    screen.send(Message::Engine(Box::new(Update::Changed)));
    let lists: Vec<&Request> = screen.waiting.iter().collect();
    assert!(matches!(lists[..], [Request::List { window: Window::From(_), .. }]), "{lists:?}");
    screen.resume();
    assert_eq!(screen.subject(), "row 2999");
}

#[test]
fn lists_are_gone_to_by_name_and_along_the_sidebar() {
    let at = |screen: &Screen| screen.model.list.label.as_str().to_owned();
    let mut screen = screen();
    for (keys, label) in [
        ("gs", "starred"),
        ("ga", "all"),
        ("gt", "sent"),
        ("gd", "drafts"),
        ("gi", "inbox"),
        ("<Tab>", "starred"),
        ("<S-Tab><S-Tab>", "work"),
        ("<Tab><Enter>gi", "inbox"),
    ] {
        screen.press(keys);
        assert_eq!(at(&screen), label, "{keys}");
        assert!(screen.model.list.loaded && screen.model.reader.is_none());
    }
}

#[test]
fn the_picker_toggles_and_creates() {
    let mut screen = screen();
    screen.press("lwork<Enter>");
    assert_eq!(intents(&screen), ["Label(LabelId(\"work\"), false) 00"], "it carried it");
    screen.press("l<Down><Down><Tab><Tab><Esc>");
    assert_eq!(
        intents(&screen)[1..],
        ["Label(LabelId(\"travel\"), true) 00", "Label(LabelId(\"travel\"), false) 00"]
    );
    screen.press("<Space><Space>lBig plans<Enter>");
    assert_eq!(intents(&screen)[3..], ["NewLabel Big plans 00 01"]);
    assert!(screen.model.layers.is_empty());
    assert!(screen.text().contains("#Big plans"));
}

#[test]
fn the_picker_renames_recolours_and_deletes_the_label_under_its_cursor() {
    let mut screen = screen();
    screen.press("l<Down><C-r><C-u>Cash<Enter>");
    assert_eq!(intents(&screen), ["RenameLabel money Cash"]);
    assert!(matches!(screen.model.layers[..], [Layer::Picker(_)]), "it stays open");
    screen.press("<C-r> more<Esc><C-o>jj<Enter>");
    assert_eq!(intents(&screen)[1..], ["RecolorLabel money red"]);
    screen.press("<C-o>k<Up>k<Enter><C-x>");
    assert_eq!(intents(&screen)[2..], ["RecolorLabel money none", "DeleteLabel money"]);
    assert!(!screen.text().contains("Money"));
    // With nothing under the cursor there is nothing to do.
    screen.press("zzz<C-x><C-r><C-o>");
    assert_eq!(intents(&screen).len(), 4);
    screen.press("<Esc>z");
    assert_eq!(intents(&screen).len(), 5, "z undoes, once the picker is closed");
}

#[test]
fn a_list_whose_label_is_deleted_is_left() {
    let mut screen = screen();
    screen.press("<S-Tab>lwork<C-x><Esc>");
    assert_eq!(intents(&screen), ["DeleteLabel work"]);
    assert_eq!(screen.model.list.label.as_str(), "inbox");
}

#[test]
fn joining_is_for_selected_rows_and_splitting_for_what_is_under_the_cursor() {
    check("J", &[]);
    check("xJ", &[]);
    check("<Space><Space>J", &["Join 00 01"]);
    check("S", &[]);
    let mut screen = screen();
    let other = screen.double.rows[1].members.clone();
    screen.double.rows[0].members.extend(other);
    screen.double.rows.remove(1);
    screen.press("gaSgi");
    assert_eq!(intents(&screen), ["Split 00 01"]);
    screen.press("<Enter>S");
    assert_eq!(intents(&screen)[1..], ["Read(true) 00 01", "Split 00"], "the message's thread");
}

#[test]
fn quitting_waits_until_all_is_saved() {
    let mut screen = screen();
    screen.paused = true;
    screen.press("eq");
    assert_eq!(screen.exit, None);
    assert!(screen.text().contains("saving…"));
    screen.press("qje");
    assert!(screen.waiting.iter().filter(|r| matches!(r, Request::Quit)).count() == 1);
    screen.resume();
    assert_eq!(screen.exit, Some(UiExit::Quit));

    let mut screen = self::screen();
    screen.paused = true;
    screen.press("<C-c>");
    assert_eq!(screen.exit, None);
    screen.press("<C-c>");
    assert_eq!(screen.exit, Some(UiExit::Forced));
}

#[test]
fn an_engine_that_ends_by_itself_is_told() {
    let mut screen = screen();
    screen.send(Message::EngineGone);
    assert_eq!(screen.exit, Some(UiExit::EngineGone));
}

#[test]
fn the_reader_closes_when_its_conversation_is_gone() {
    let mut screen = screen();
    screen.press("j<Enter>");
    let id = screen.model.reader.as_ref().unwrap().row.thread.clone();
    screen.send(Message::Engine(Box::new(Update::Thread(id, None))));
    assert!(screen.model.reader.is_none());
    assert!(screen.text().contains("not here any more"));
}

#[test]
fn places_move_rows_only_where_they_cannot_stay() {
    let mut screen = screen();
    screen.press("gse");
    assert_eq!(screen.model.list.rows.len(), 2, "a star stays in Starred");
    assert!(screen.model.list.rows.iter().any(|row| row.place == Place::Archive));
    let change = Change::Place(Place::Archive);
    assert!(
        matches!(&screen.double.log[0], Intent::Change { changes, .. } if changes[0] == change)
    );
    let unbound = Key::parse("%").unwrap();
    screen.send(Message::Key(unbound));
    assert_eq!(screen.double.log.len(), 1);
}

#[test]
fn what_was_decided_before_the_mailbox_was_open_is_saved_before_the_end() {
    use crate::ui::app::{Beginning, Effect, Model};
    let page = crate::engine::view::Page {
        label: crate::label::system("inbox"),
        rows: Double::sample().rows,
        more_before: false,
        more_after: false,
    };
    let status = crate::engine::view::Status::default();
    let mut model = Model::new(Beginning {
        now_ms: NOW_MS,
        zone: jiff::tz::TimeZone::UTC,
        theme: crate::ui::theme::Theme::new(true),
        demo: false,
        first: Some((page, Vec::new(), status)),
        first_run: None,
    });
    let mut press = |message| crate::ui::update::update(&mut model, message);
    press(Message::Key(Key::parse("e").unwrap()));
    let effects = press(Message::Hangup);
    assert!(matches!(effects[..], [Effect::Ask(Request::Quit)]), "{effects:?}");
}

#[test]
fn keys_at_the_edge_of_what_is_loaded_wait_for_the_rows_they_are_for() {
    let mut screen = Screen::new(Double::many(3_000), 80, 24);
    screen.paused = true;
    screen.press(&"j".repeat(1_500));
    screen.press("kkx");
    assert!(screen.model.list.selected.is_empty(), "the row is not there yet");
    screen.resume();
    assert_eq!(screen.subject(), "row 1498");
    let selected: Vec<_> = screen.model.list.selected.values().map(|r| r.subject.clone()).collect();
    assert_eq!(selected, [Some("row 1498".to_owned())]);
    screen.press("x");
    screen.paused = true;
    // The way back, while what is in the window changes.
    screen.press(&"k".repeat(700));
    screen.send(Message::Engine(Box::new(Update::Changed)));
    screen.press(&"k".repeat(100));
    screen.resume();
    assert_eq!(screen.subject(), "row 698");
    screen.press(&"j".repeat(2_400));
    assert_eq!(screen.subject(), "row 2999");
}

#[test]
fn only_a_typed_yes_deletes_for_ever() {
    let open = |screen: &Screen| matches!(screen.model.layers[..], [Layer::Purge(_)]);
    let rows = |screen: &Screen| screen.double.rows.len();
    let mut screen = screen();
    let all = rows(&screen);
    screen.press("DD");
    assert!(!open(&screen), "the inbox is no trash");
    assert!(screen.text().contains("Only what is in trash"), "{}", screen.text());
    screen.press("##Da");
    assert!(open(&screen) && screen.text().contains("2 conversations, "), "{}", screen.text());
    assert!(screen.text().contains("cannot be undone"), "{}", screen.text());
    for keys in ["<Enter>", "y<Enter>", "\u{20}<Enter>", "es!<Enter>", "<Esc>"] {
        assert!(open(&screen), "before {keys}");
        screen.press(keys);
        assert_eq!(rows(&screen), all, "{keys}");
    }
    assert!(!open(&screen), "Esc keeps all");
    screen.press("Dayes<Enter>");
    assert_eq!((rows(&screen), open(&screen)), (all - 2, false));
    assert!(screen.text().contains("Gone for ever: 2 conversations"), "{}", screen.text());
    screen.press("Da");
    assert!(screen.text().contains("nothing to delete"), "{}", screen.text());
    screen.press("<Enter>");
    assert!(!open(&screen));
}

#[test]
fn a_yes_is_for_what_the_box_shows() {
    use crate::engine::handle::{PurgeStep, Request};
    use crate::engine::view::PurgeSum;
    let mut screen = screen();
    screen.press("#Da<Esc>Da");
    // What was counted for the first box comes late: it is not what this one is about.
    let late = PurgeSum { rows: 9, messages: 9, bytes: 9, kept: 0 };
    screen.send(Message::Engine(Box::new(Update::Purge(1, PurgeStep::Found(late)))));
    assert!(screen.text().contains("1 conversation, "), "{}", screen.text());
    screen.paused = true;
    screen.press("yes<Enter>");
    let asked = |request: &Request| matches!(request, Request::Purge(2));
    assert!(screen.waiting.iter().any(asked), "{:?}", screen.waiting);
}
