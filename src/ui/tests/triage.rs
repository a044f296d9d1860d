//! Triage with few keys: counts, once more, on to a neighbour, moved; and what must not happen.

use super::keys::{intents, screen};
use crate::command::key::Key;
use crate::config::Loaded;
use crate::engine::handle::Update;
use crate::label;
use crate::ui::app::{Layer, Message};
use crate::ui::double::{Double, NOW_MS};
use crate::ui::harness::{Screen, parse};
use crate::ui::update::update;

fn check(keys: &str, asked: &[&str]) {
    let mut screen = screen();
    screen.press(keys);
    assert_eq!(intents(&screen), asked, "{keys}: {}", notice(&screen));
}

fn notice(screen: &Screen) -> String {
    screen.model.notice.as_ref().map(|n| format!("{} · {}", n.text, n.hint)).unwrap_or_default()
}

fn set(screen: &mut Screen, text: &str) {
    let loaded = Loaded::of(Some(text), |_| None);
    screen.send(Message::Settings(Box::new(loaded)));
}

#[test]
fn a_count_is_as_many_rows_and_one_action() {
    check("3e", &["Place(Archive) 00 01 02"]);
    check("j2#", &["Place(Trash) 01 02"]);
    check("3je", &["Place(Archive) 03"]);
    check("3j2ke", &["Place(Archive) 01"]);
    check("12je", &["Place(Archive) 12"]);
    check("5x", &[]);
    check("2xe", &["Place(Archive) 00 01"]);
    check("2<Space>e", &["Place(Archive) 00 01"]);
    check("2lwo<Enter>", &["Label(LabelId(\"work\"), true) 00 01"]);
    check("e2z", &["Place(Archive) 00", "Undo action-0001", "Undo last"]);
    check("3ez", &["Place(Archive) 00 01 02", "Undo action-0001"]);
    // At the end of the list there are no more.
    check("G9e", &["Place(Archive) 13"]);
    let mut screen = screen();
    screen.press("5x");
    assert_eq!((screen.model.list.selected.len(), screen.model.list.cursor), (5, 4));
    screen.press("<Esc>3<Space>");
    assert_eq!((screen.model.list.selected.len(), screen.model.list.cursor), (3, 7));
}

#[test]
fn a_count_that_is_called_off_or_does_not_fit_does_nothing() {
    check("3<Esc>e", &["Place(Archive) 00"]);
    check("0e", &["Place(Archive) 00"]);
    check("30<Esc>je", &["Place(Archive) 01"]);
    check("3de", &["Place(Archive) 00"]);
    check("3ge", &[]);
    for (keys, says) in [
        ("jx3e", "Either what is selected or a count; nothing was done · Esc unselects"),
        ("<Enter>3e", "A count is for rows of the list; nothing was done"),
    ] {
        let mut screen = screen();
        screen.press(keys);
        assert!(notice(&screen).contains(says), "{keys}: {}", notice(&screen));
        assert!(!intents(&screen).iter().any(|asked| asked.contains("Archive")), "{keys}");
    }
    // Rows that are not here yet are not meant.
    let mut screen = Screen::new(Double::many(3_000), 80, 24);
    screen.press("2000e");
    assert!(notice(&screen).contains("are loaded; nothing was done"), "{}", notice(&screen));
    assert_eq!(intents(&screen), [""; 0]);
    screen.press("2000x");
    assert!(screen.model.list.selected.is_empty());
}

#[test]
fn a_count_goes_through_a_long_list_to_the_row() {
    let mut screen = Screen::new(Double::many(3_000), 80, 24);
    screen.press("1234j");
    assert_eq!(screen.subject(), "row 1234");
    screen.press("1000k");
    assert_eq!(screen.subject(), "row 234");
    screen.press("20<C-d>20<C-u>");
    assert_eq!(screen.subject(), "row 234");
    screen.press("99999999j");
    assert_eq!(screen.subject(), "row 2999");
}

#[test]
fn digits_keep_what_they_mean_elsewhere() {
    let mut screen = screen();
    screen.press("j<Enter>L1");
    assert_eq!(screen.model.count, None);
    assert!(matches!(screen.model.layers.last(), Some(Layer::Links(_))));
    screen.press("<Esc><Esc>/3");
    assert_eq!(screen.model.search.as_ref().unwrap().line.text(), "3");
    screen.press("<Esc>3");
    assert_eq!(screen.model.count, Some(3));
    assert!(screen.text().contains(" 3…"), "{}", screen.text());
}

#[test]
fn what_was_done_last_is_done_once_more() {
    check("e.", &["Place(Archive) 00", "Place(Archive) 01"]);
    check("#..", &["Place(Trash) 00", "Place(Trash) 01", "Place(Trash) 02"]);
    check("sj.", &["Star(true) 00", "Star(true) 01"]);
    check(
        "lwo<Enter>j.",
        &["Label(LabelId(\"work\"), false) 00", "Label(LabelId(\"work\"), false) 01"],
    );
    check("e3.", &["Place(Archive) 00", "Place(Archive) 01 02 03"]);
    check("ejx.", &["Place(Archive) 00", "Place(Archive) 02"]);
    check(
        "e.zz",
        &["Place(Archive) 00", "Place(Archive) 01", "Undo action-0002", "Undo action-0001"],
    );
    check("e&", &["Place(Archive) 00", "Place(Archive) 01"]);
    check(".", &[]);
    // An undo is not what is done again, and neither is what opening does.
    check("ezgg.", &["Place(Archive) 00", "Undo action-0001", "Place(Archive) 00"]);
    check("sj<Enter>u.", &["Star(true) 00", "Star(true) 01"]);
}

#[test]
fn a_snooze_once_more_has_the_same_end_and_not_a_past_one() {
    let mut screen = screen();
    screen.press("h<Enter>.");
    let both = intents(&screen);
    assert_eq!(both.len(), 2);
    assert_eq!(both[0].trim_end_matches("00"), both[1].trim_end_matches("01"));
    screen.send(Message::Time(NOW_MS + 90 * 24 * 3_600_000));
    screen.press(".");
    assert!(notice(&screen).contains("That time is over; nothing was done"), "{}", notice(&screen));
    assert_eq!(intents(&screen).len(), 2);
}

#[test]
fn archiving_goes_on_to_a_neighbour() {
    let after = |keys: &str| {
        let mut screen = screen();
        screen.press(keys);
        assert_eq!(intents(&screen).last().unwrap().split(' ').next(), Some("Place(Archive)"));
        let read = screen.model.reader.as_ref().map(|reader| reader.row.thread.to_string());
        (
            read.map(|id| id[10..].to_owned()),
            screen.model.list.current().unwrap().thread.to_string(),
        )
    };
    let list = |at: &str| (None, format!("thread-0000{at}"));
    assert_eq!(after("jj]"), list("03"));
    assert_eq!(after("jjE"), list("03"));
    assert_eq!(after("jj["), list("01"));
    assert_eq!(after("["), list("01"), "there is none before the first");
    assert_eq!(after("G]"), list("12"), "there is none behind the last");
    // In a list that it does not leave.
    assert_eq!(after("gajj]"), list("03"));
    assert_eq!(after("gajj["), list("01"));
    let read = |at: &str| (Some(format!("00{at}")), format!("thread-0000{at}"));
    // What opening marks comes before or after; only the place counts.
    let reading = |keys: &str| {
        let mut screen = screen();
        set(&mut screen, "mark_read_after = -1");
        screen.press(keys);
        let read = screen.model.reader.as_ref().map(|reader| reader.row.thread.to_string());
        (read.map(|id| id[9..].to_owned()), screen.model.list.current().unwrap().thread.to_string())
    };
    assert_eq!(reading("jj<Enter>]"), read("03"));
    assert_eq!(reading("jj<Enter>["), read("01"));
    assert_eq!(reading("jj<Enter>]]").0, Some("0004".to_owned()));
}

#[test]
fn a_move_is_one_action_out_of_the_inbox() {
    let mut screen = screen();
    screen.press("vtrav<Enter>");
    let crate::command::intent::Intent::Change { changes, .. } = &screen.double.log[0] else {
        panic!("a change")
    };
    assert_eq!(format!("{changes:?}"), "[Label(LabelId(\"travel\"), true), Place(Archive)]");
    assert_eq!(screen.subject(), "Lunch on Friday?");
    screen.press("zgg");
    assert_eq!(screen.subject(), "Quarterly numbers");
    check("vspam<Enter>", &["Place(Spam) 00"]);
    check("v<Enter>", &["Place(Archive) 00"]);
    check("2vtrash<Enter>", &["Place(Trash) 00 01"]);
    check("vtrash<Enter>.", &["Place(Trash) 00", "Place(Trash) 01"]);
    check("v<Esc>", &[]);
    check("vnowhere<Enter>", &[]);
    let mut screen = self::screen();
    screen.press("vnowhere<Enter>");
    assert!(notice(&screen).contains("There is no place or label nowhere · l makes a label"));
}

#[test]
fn what_vanishes_under_a_box_is_said_and_nothing_else_takes_its_place() {
    for keys in ["vtravel", "ltravel", "l<Down><Down>", "v<Down><Down><Down><Down><Down>"] {
        let mut screen = screen();
        screen.press(keys);
        screen.double.user_labels.retain(|name| name != "Travel");
        screen.labels();
        screen.press("<Enter>");
        assert!(
            notice(&screen).contains("Travel is not here any more"),
            "{keys}: {}",
            notice(&screen)
        );
        assert_eq!(intents(&screen), [""; 0], "{keys}");
        screen.press("<Esc>");
    }
    // The same for what is done once more.
    let mut screen = screen();
    screen.press("jltravel<Enter>j");
    screen.double.user_labels.retain(|name| name != "Travel");
    screen.labels();
    screen.press(".");
    assert!(notice(&screen).contains("That label is not here any more"), "{}", notice(&screen));
    assert_eq!(intents(&screen).len(), 1);
}

#[test]
fn a_conversation_that_is_deleted_elsewhere_while_it_is_read_takes_its_boxes_with_it() {
    for keys in ["", "l", "h", "v", "\\lunch", "L", "3"] {
        let mut screen = screen();
        set(&mut screen, "mark_read_after = -1");
        screen.press("j<Enter>").press(keys);
        let id = screen.model.reader.as_ref().unwrap().row.thread.clone();
        screen.double.rows.remove(1);
        screen.send(Message::Engine(Box::new(Update::Thread(id, None))));
        screen.send(Message::Engine(Box::new(Update::Changed)));
        assert!(notice(&screen).contains("is not here any more"), "{keys}: {}", notice(&screen));
        assert!(screen.model.reader.is_none() && screen.model.layers.is_empty(), "{keys}");
        screen.press("<Enter>");
        assert_eq!(intents(&screen), [""; 0], "{keys}");
    }
}

#[test]
fn nothing_is_done_to_rows_on_a_screen_that_shows_none() {
    for (columns, rows) in [(1, 1), (29, 5), (80, 2)] {
        let mut screen = Screen::new(Double::sample(), 80, 24);
        screen.resize(columns, rows);
        screen.press("e#!s.3exl<Enter>h<Enter>]v<Enter>z");
        assert_eq!(intents(&screen), [""; 0], "{columns}x{rows}");
        screen.resize(80, 24);
        assert!(notice(&screen).contains("too small"), "{}", notice(&screen));
        screen.press("<Esc><Esc>gge");
        assert_eq!(intents(&screen).last().map(String::as_str), Some("Place(Archive) 00"));
    }
    // What is written is not lost.
    let mut screen = Screen::new(Double::sample(), 80, 24);
    screen.press("cann@example.org<Tab><Tab>");
    screen.resize(1, 1);
    screen.press("words");
    screen.resize(80, 24);
    assert!(screen.text().contains("words"), "{}", screen.text());
    screen.resize(1, 1);
    screen.press("<Esc>q");
    assert!(screen.exit.is_some() || screen.model.quitting != crate::ui::app::Quitting::No);
}

/// Keys with Ctrl wait for the rows that they are for, as all others do.
#[test]
fn half_a_page_waits_for_the_list_that_it_is_for() {
    let mut screen = Screen::new(Double::many(300), 80, 24);
    screen.paused = true;
    screen.press("gi<C-d>");
    assert_eq!(screen.model.held.len(), 1);
    screen.resume();
    assert_eq!(screen.subject(), "row 10");
}

#[test]
fn what_is_pasted_is_no_key_and_no_control() {
    let hostile = "e#!3.z\u{1b}[31m\u{7}\u{8}\r\n\u{202e}\u{9b}2Jq";
    for keys in ["", "<Enter>", "gh", "gd"] {
        let mut screen = screen();
        set(&mut screen, "mark_read_after = -1");
        screen.press(keys);
        screen.send(Message::Paste(hostile.to_owned()));
        assert_eq!(intents(&screen), [""; 0], "{keys}");
        assert!(screen.exit.is_none() && screen.model.count.is_none(), "{keys}");
    }
    for keys in ["/", "l", "v", "h", ":", "<C-k>", "?", "<Enter>\\", "c"] {
        let mut screen = screen();
        set(&mut screen, "mark_read_after = -1");
        screen.press(keys);
        // Every frame is looked at for control characters.
        screen.send(Message::Paste(hostile.to_owned()));
        assert!(screen.exit.is_none(), "{keys}");
        assert_eq!(intents(&screen), [""; 0], "{keys}");
    }
}

/// Keys that come faster than frames do what they do with a frame after each.
#[test]
fn keys_faster_than_frames_do_the_same() {
    let keys = "3jx2je.s]j[<Enter>2<C-d>uvtra<Enter>G5ke/lun<Enter><Esc>gie".repeat(3);
    let mut slow = Screen::new(Double::many(200), 80, 24);
    set(&mut slow, "mark_read_after = -1");
    let mut fast = Screen::new(Double::many(200), 80, 24);
    set(&mut fast, "mark_read_after = -1");
    slow.press(&keys);
    fast.paused = true;
    for key in parse(&keys) {
        let asked = pressed(&mut fast, key);
        fast.waiting.extend(asked);
    }
    fast.resume();
    fast.send(Message::Drawn);
    let sorted = |screen: &Screen| {
        let mut asked = intents(screen);
        asked.sort_unstable();
        asked
    };
    assert_eq!(sorted(&slow), sorted(&fast));
    assert!(sorted(&slow).len() > 20 && fast.model.held.is_empty());
}

/// An undo takes back what came before it, also where more came before it could.
#[test]
fn an_undo_is_for_what_came_before_it() {
    let mut screen = screen();
    screen.paused = true;
    screen.press("ezsj#zI");
    screen.resume();
    let mut asked = intents(&screen);
    asked.sort_unstable();
    // By then three were asked for; the undo of each names it.
    let done: Vec<&str> =
        asked.iter().map(String::as_str).filter(|a| a.starts_with("Undo")).collect();
    assert_eq!(done, ["Undo action-0001", "Undo action-0003"], "{asked:?}");
}

fn pressed(screen: &mut Screen, key: Key) -> Vec<crate::engine::handle::Request> {
    let effects = update(&mut screen.model, Message::Key(key));
    let ask = |effect| match effect {
        crate::ui::app::Effect::Ask(request) => Some(request),
        _ => None,
    };
    effects.into_iter().filter_map(ask).collect()
}

#[test]
fn only_what_can_act_here_is_offered() {
    let offered = |keys: &str| {
        let mut screen = screen();
        screen.press(keys).press("<C-k>");
        let Some(Layer::Palette(open)) = screen.model.layers.last() else { panic!("no palette") };
        open.found.iter().map(|found| found.title.clone()).collect::<Vec<_>>()
    };
    let has = |keys: &str, title: &str| offered(keys).iter().any(|found| found.starts_with(title));
    for (title, with) in [
        ("What was found: newest", "/lunch<Enter>"),
        ("Save what was searched", "/lunch<Enter>"),
        ("Unselect all rows", "x"),
        ("Join the selected", "xjx"),
        ("Delete all of the trash", "#"),
        ("Do what was done last", "e"),
    ] {
        assert!(!has("", title), "{title} in the list");
        assert!(has(with, title), "{title} after {with}");
    }
    assert!(!has("<Enter>", "After a search, the previous hit"));
    assert!(has("", "Archive: out of the inbox"));
}

#[test]
fn tabs_are_a_key_away_with_their_counts() {
    let text =
        "tabs = [\"inbox\", \"unread\", \"label:Work\", \"label:Nowhere\", \"search:lunch\"]";
    for (name, size) in
        [("tabs-40x10", (40, 10)), ("tabs-80x24", (80, 24)), ("tabs-200x50", (200, 50))]
    {
        let mut screen = Screen::new(Double::sample(), size.0, size.1);
        let saved = crate::search::Named {
            id: label::user_label("search-lunch"),
            name: "lunch".to_owned(),
            query: "lunch".to_owned(),
        };
        screen.send(Message::Engine(Box::new(Update::Saved(vec![saved]))));
        set(&mut screen, text);
        screen.model.notice = None;
        let mut been = Vec::new();
        for _ in 0..5 {
            been.push(screen.model.shown_list().to_string());
            screen.press("<Tab>");
        }
        let round = ["inbox", "unread", "work", "search-lunch", "inbox"];
        assert_eq!(been, round.map(str::to_owned), "what is not there is passed over");
        screen.press("<S-Tab><S-Tab>");
        assert_eq!(screen.model.shown_list().as_str(), "search-lunch");
        screen.press("2<S-Tab>");
        insta::assert_snapshot!(name, screen.text());
    }
    let none = screen();
    assert!(!none.text().contains("@lunch"));
}

#[test]
fn an_empty_inbox_says_so_kindly() {
    for (name, size) in
        [("done-40x10", (40, 10)), ("done-80x24", (80, 24)), ("done-200x50", (200, 50))]
    {
        let mut screen = Screen::new(Double::sample(), size.0, size.1);
        screen.press("*ae").labels();
        screen.model.notice = None;
        screen.draw();
        insta::assert_snapshot!(name, screen.text());
    }
}

#[test]
fn the_box_for_a_move_at_every_size() {
    for (name, size) in
        [("move-40x10", (40, 10)), ("move-80x24", (80, 24)), ("move-200x50", (200, 50))]
    {
        let mut screen = Screen::new(Double::sample(), size.0, size.1);
        screen.press("jxjxvr");
        insta::assert_snapshot!(name, screen.text());
    }
}
