//! Writing: from the first key to what the engine is asked to keep and to send.

use std::collections::BTreeMap;

use super::keys::{intents, screen};
use crate::command::intent::Intent;
use crate::engine::handle::{Request, Update};
use crate::engine::view::{Before, Done, OutboxState, Outgoing};
use crate::mail::Address;
use crate::mail::compose::{Attached, Draft, Identity};
use crate::notice::Notice;
use crate::thread::RefusedTo;
use crate::ui::app::{Layer, Message, UiExit};
use crate::ui::compose::composer::Focus;
use crate::ui::compose::desk::{DeskAsk, DeskSaid, EditorSaid, Leftover};
use crate::ui::double::NOW_MS;
use crate::ui::harness::Screen;

fn me() -> Vec<Identity> {
    let of = |name: &str, address: &str| Identity {
        account: Some(name.to_lowercase()),
        from: Address { name: Some(name.into()), address: address.into() },
        aliases: Vec::new(),
        signature: String::new(),
        above: false,
    };
    vec![of("Me", "me@example.org"), of("Work", "me@work.example")]
}

/// A screen on which one writes as somebody.
pub(super) fn writer() -> Screen {
    let mut screen = screen();
    screen.send(Message::Desk(Box::new(DeskSaid::Identities(
        me(),
        BTreeMap::from([("work".into(), 30)]),
    ))));
    screen
}

fn draft(screen: &Screen) -> Draft {
    screen.model.writing.open.as_ref().expect("a composer").draft()
}

fn asked(screen: &Screen) -> Vec<String> {
    let own = |line: &String| !line.starts_with("Read");
    intents(screen).into_iter().filter(own).collect()
}

#[test]
fn what_is_typed_is_a_draft_when_it_is_left() {
    let mut screen = writer();
    screen.press("cbob@example.org<Tab>");
    let focus = screen.model.writing.open.as_ref().unwrap().focus;
    assert_eq!(focus, Focus::Cc);
    screen.press("<Tab><Tab>Lunch<Enter>Hello,<Enter>q e # z");
    assert_eq!(screen.model.list.rows.len(), 14, "no letter was a command");
    let typed = draft(&screen);
    assert_eq!((typed.to.as_str(), typed.subject.as_str()), ("bob@example.org", "Lunch"));
    assert_eq!(
        (typed.from.as_str(), typed.body.as_str()),
        ("Me <me@example.org>", "Hello,\nq e # z")
    );
    screen.press("<Esc>");
    assert!(screen.model.writing.open.is_none());
    assert_eq!(asked(&screen), ["SaveDraft Lunch"]);
    assert!(screen.text().contains("Kept as a draft"));
    assert!(screen.double.journal.is_empty(), "the journal is told to forget");
    screen.press("gd<Enter>");
    assert_eq!(draft(&screen), typed);
    screen.press("<Esc>");
    assert_eq!(asked(&screen).len(), 1, "what was not changed is not saved again");
    screen.press("<Enter>x<Esc>");
    let Intent::SaveDraft { from, thread, .. } = &screen.double.log[1] else { panic!("a save") };
    assert_eq!(from.as_ref(), Some(&screen.double.saves[0].1), "it goes on from the save before");
    assert_eq!(thread.as_ref(), Some(&screen.double.saves[0].0));
    assert_eq!(screen.double.outgoing.drafts.len(), 1);
}

#[test]
fn what_was_begun_and_not_written_is_no_draft() {
    for keys in ["c<Esc>", "<Enter>r<Esc>", "cx<Backspace><Esc>"] {
        let mut screen = writer();
        screen.press(keys);
        assert_eq!(asked(&screen), [""; 0], "{keys}");
        assert!(screen.double.journal.is_empty() && screen.model.writing.open.is_none());
    }
}

#[test]
fn the_journal_gets_it_at_every_pause_and_while_one_types_on() {
    let mut screen = writer();
    screen.press("cb");
    assert!(screen.double.journal.is_empty());
    screen.send(Message::Time(NOW_MS + 299));
    assert!(screen.double.journal.is_empty());
    screen.send(Message::Time(NOW_MS + 300));
    let held: Vec<&str> = screen.double.journal.values().map(|d| d.to.as_str()).collect();
    assert_eq!(held, ["b"]);
    // A hand that makes no pause.
    for step in 0..30 {
        screen.press("x");
        screen.send(Message::Time(NOW_MS + 400 + step * 100));
    }
    let held = screen.double.journal.values().next().unwrap().to.len();
    assert!((10..31).contains(&held), "{held}");
    screen.send(Message::Time(NOW_MS + 40_000));
    assert_eq!(asked(&screen), ["SaveDraft "], "a long pause saves it");
    assert!(screen.double.journal.is_empty() && screen.model.writing.open.is_some());
}

#[test]
fn a_failed_save_keeps_it_in_the_journal_and_is_tried_again() {
    let mut screen = writer();
    screen.press("czed");
    screen.paused = true;
    screen.press("<Esc>");
    screen.waiting.retain(|request| !matches!(request, Request::Intend(_)));
    screen.resume();
    screen.send(Message::Engine(Box::new(Update::Done(Done::default()))));
    assert_eq!(screen.double.journal.len(), 1);
    screen.send(Message::Time(NOW_MS + 6_000));
    assert_eq!(asked(&screen), ["SaveDraft "]);
    assert!(screen.double.journal.is_empty() && screen.model.writing.leaving.is_empty());
}

#[test]
fn an_answer_goes_to_who_wrote_and_quotes() {
    let mut screen = writer();
    screen.press("j<Enter>r");
    let answer = draft(&screen);
    assert_eq!(answer.to, "Carla Diaz <carla.diaz@example.org>");
    assert_eq!((answer.subject.as_str(), answer.cc.as_str()), ("Re: Lunch on Friday?", ""));
    assert!(answer.body.contains("> Hello,"), "{}", answer.body);
    assert_eq!(answer.answers.len(), 1);
    screen.press("Yes<Esc>");
    assert!(screen.model.reader.is_some(), "back where one was");
    screen.press("a");
    assert_eq!(draft(&screen).cc, "Bob Builder <bob.builder@example.org>");
    screen.press("<Esc>f");
    let forward = draft(&screen);
    assert_eq!((forward.to.as_str(), forward.subject.as_str()), ("", "Fwd: Lunch on Friday?"));
    assert!(forward.body.contains("---------- Forwarded message ----------"));
}

#[test]
fn keys_behind_an_answer_wait_for_its_message_and_reach_nothing_else() {
    let mut screen = writer();
    screen.press("j");
    screen.paused = true;
    screen.press("rHee#");
    assert!(asked(&screen).is_empty());
    screen.resume();
    assert!(draft(&screen).body.contains("Hee#"), "{:?}", draft(&screen).body);
    assert!(asked(&screen).is_empty());
    assert_eq!(screen.double.rows[0].place, crate::label::Place::Inbox);
}

#[test]
fn sending_is_asked_held_and_taken_back() {
    let mut screen = writer();
    screen.press("cbob@example.org<Tab><Tab><Tab>Lunch<Tab>Hello<C-x>s");
    let text = screen.text();
    assert!(text.contains("Send to bob@example.org") && text.contains("▸ Send now"), "{text}");
    screen.press("<Enter>");
    let sent = asked(&screen);
    assert_eq!(sent.len(), 2, "{sent:?}");
    let Some(Intent::Send(order)) = screen.double.log.last() else { panic!("an order") };
    assert_eq!((order.hold, order.send_at, order.remind), (10, None, None));
    assert_eq!((order.domain.as_str(), order.offset), ("example.org", 0));
    assert!(screen.text().contains("Sending in 10 s · z takes it back"), "{}", screen.text());
    screen.send(Message::Time(NOW_MS + 4_200));
    assert!(screen.text().contains("Sending in 6 s"), "{}", screen.text());
    screen.press("z");
    assert!(asked(&screen)[2].starts_with("Undo"), "{:?}", asked(&screen));
    assert_eq!(screen.double.outgoing.drafts.len(), 1);
    assert!(!screen.text().contains("Sending in"), "{}", screen.text());
}

#[test]
fn what_was_sent_is_said_and_what_was_not_too() {
    let send = || {
        let mut screen = writer();
        screen.press("cbob@example.org<Tab><Tab><Tab>Lunch<Tab>Hello<C-x>s<Enter>");
        screen
    };
    let mut screen = send();
    screen.double.outgoing = Outgoing::default();
    screen.send(Message::Engine(Box::new(Update::Changed)));
    assert!(screen.text().contains("Sent to bob@example.org"), "{}", screen.text());
    for (state, says) in [
        (OutboxState::Failed, "✗ Not sent: no such user · g o: the outbox"),
        (OutboxState::Unknown, "! Nobody knows whether it was sent"),
        (OutboxState::Partly, "! Sent, but not to"),
    ] {
        let mut screen = send();
        let row = &mut screen.double.outgoing.outbox[0];
        (row.state, row.why) = (state, Some("no such user".to_owned()));
        screen.send(Message::Engine(Box::new(Update::Changed)));
        assert!(screen.text().contains(says), "{}", screen.text());
    }
}

#[test]
fn what_cannot_be_sent_is_said_where_it_is_wrong() {
    let mut screen = writer();
    screen.press("cann@x.org, zed<Tab><Tab><Tab>S<C-x>s");
    let text = screen.text();
    assert!(text.contains("✗ zed: no @ in it") && screen.model.layers.is_empty(), "{text}");
    assert_eq!(screen.model.writing.open.as_ref().unwrap().focus, Focus::To);
    let mut screen = writer();
    screen.press("c<C-x><C-x>");
    assert!(screen.text().contains("Nobody to send it to"), "{}", screen.text());
}

#[test]
fn what_may_be_forgotten_is_said_and_enter_goes_back_first() {
    let mut screen = writer();
    screen.press("cbob@localhost<Tab><Tab><Tab><Tab>See the attached file<C-x>s");
    let text = screen.text();
    assert!(text.matches("! ").count() >= 3 && text.contains("▸ Back to writing"), "{text}");
    screen.press("<Enter>");
    assert!(asked(&screen).is_empty() && screen.model.writing.open.is_some());
    screen.press("<C-x>s<Down><Enter>");
    assert_eq!(asked(&screen).len(), 2);
}

#[test]
fn later_and_with_a_reminder() {
    let mut screen = writer();
    screen.press("cbob@x.org<Tab><Tab><Tab>S<C-x>s<Tab><Tab>tomorrow 9:00<Enter>");
    let Some(Intent::Send(order)) = screen.double.log.last() else { panic!("an order") };
    assert_eq!((order.hold, order.send_at), (0, Some(1_763_110_800)));
    assert_eq!(order.remind, Some(3 * 24 * 3_600));
    assert!(screen.text().contains("It is sent Fri 14 Nov 2025, 09:00"), "{}", screen.text());
}

#[test]
fn addresses_of_mail_that_is_here_are_proposed() {
    let mut screen = writer();
    screen.press("ccar");
    assert!(screen.text().contains("Carla Diaz <carla.diaz@example.org>"), "{}", screen.text());
    screen.press("<Tab>");
    assert_eq!(draft(&screen).to, "Carla Diaz <carla.diaz@example.org>, ");
    screen.press("bob<Down><Enter>");
    let to = draft(&screen).to;
    assert_eq!(to, "Carla Diaz <carla.diaz@example.org>, Bob Builder <bob.builder@example.org>, ");
    screen.press("ann<Esc>");
    assert!(screen.model.writing.open.is_some(), "Esc closes the proposals first");
    screen.press("<C-w><Esc>");
    assert!(screen.model.writing.open.is_none());
}

#[test]
fn files_are_attached_by_their_path() {
    let mut screen = writer();
    screen.press("c<C-x>a~/no");
    screen.press("<Tab>");
    let Some(DeskAsk::Paths { ticket, typed }) = screen.desk.last().cloned() else { panic!() };
    assert_eq!(typed, "~/no");
    let found = vec!["~/notes.txt".to_owned(), "~/notes.old".to_owned()];
    screen.send(Message::Desk(Box::new(DeskSaid::Paths(ticket, found))));
    assert!(screen.text().contains("› ~/notes."), "{}", screen.text());
    screen.press("txt<Enter>");
    let Some(DeskAsk::Attach { ticket, path }) = screen.desk.last().cloned() else { panic!() };
    assert_eq!(path, "~/notes.txt");
    assert!(screen.text().contains("being read"), "{}", screen.text());
    let hash = crate::id::BlobHash::try_from("ab").unwrap();
    let (name, media_type) = ("notes.txt".to_owned(), "text/plain".to_owned());
    let file = Attached { name, media_type, hash, size: 2_048 };
    screen.send(Message::Desk(Box::new(DeskSaid::Attached(ticket, Ok(file)))));
    assert!(screen.text().contains("@ notes.txt (2 KB)"), "{}", screen.text());
    screen.press("<C-x>d");
    assert!(draft(&screen).attachments.is_empty());
    screen.press("<C-x>anone<Enter>");
    let Some(DeskAsk::Attach { ticket, .. }) = screen.desk.last().cloned() else { panic!() };
    let notice = Notice::error("attach", "none: not there", "nothing is attached");
    screen.send(Message::Desk(Box::new(DeskSaid::Attached(ticket, Err(notice)))));
    assert!(screen.text().contains("✗ none: not there"), "{}", screen.text());
}

#[test]
fn the_editor_has_it_and_gives_it_back() {
    let mut screen = writer();
    screen.press("cbob@x.org<C-x>e");
    let job = screen.edits.remove(0);
    assert_eq!(job.draft.to, "bob@x.org");
    let noted: Vec<&str> = screen.double.journal.values().map(|draft| draft.to.as_str()).collect();
    assert_eq!(noted, ["bob@x.org"], "while the editor runs nothing is noted");
    screen.press("typed meanwhile");
    let text = "From: Me <me@example.org>\nTo: ann@x.org\nSubject: From afar\n\nHello\n";
    let said = EditorSaid { slot: job.slot, text: Some(text.into()), problem: None };
    screen.send(Message::Edited(Box::new(said)));
    let back = draft(&screen);
    assert_eq!((back.subject.as_str(), back.body.as_str()), ("From afar", "Hello"));
    assert!(back.to.starts_with("ann@x.org"), "{}", back.to);
    screen.press("<Esc>");
    assert!(screen.desk.contains(&DeskAsk::Forget(job.slot)), "its file can go");
    let left = Leftover { slot: 9, thread: None, from: None, draft: back };
    screen.send(Message::Desk(Box::new(DeskSaid::Leftover(Box::new(left)))));
    assert_eq!(asked(&screen).len(), 2);
    assert!(screen.desk.contains(&DeskAsk::Forget(9)));
}

#[test]
fn the_outbox_says_how_far_and_does_what_can_be_done() {
    let queued = || {
        let mut screen = writer();
        screen.press("cbob@x.org<Tab><Tab><Tab>Lunch<Tab>Hi<C-x>s<Enter>go");
        screen
    };
    let mut screen = queued();
    assert!(screen.text().contains("waits Lunch"), "{}", screen.text());
    screen.press("#");
    assert!(asked(&screen)[2].starts_with("CancelSend"));
    let mut screen = queued();
    screen.press("<Enter>");
    assert_eq!(draft(&screen).body, "Hi", "taken back and open");
    let mut screen = queued();
    let row = &mut screen.double.outgoing.outbox[0];
    (row.state, row.why) = (OutboxState::Unknown, Some("the line was cut".to_owned()));
    screen.send(Message::Engine(Box::new(Update::Changed)));
    let text = screen.text();
    assert!(text.contains("the line was cut") && text.contains("It may have been sent"), "{text}");
    screen.press("r");
    let text = screen.text();
    assert!(
        text.contains("may have been sent already") && text.contains("▸ Do not send it"),
        "{text}"
    );
    screen.press("<Enter>");
    assert_eq!(asked(&screen).len(), 2, "not without being asked: {:?}", asked(&screen));
    screen.press("r<Down><Enter>");
    let Some(Intent::Send(order)) = screen.double.log.last() else { panic!("an order") };
    assert!(order.again.is_some());
    // Who writes on in what was refused has read why.
    let mut screen = queued();
    let row = &mut screen.double.outgoing.outbox[0];
    (row.state, row.why) = (OutboxState::Failed, Some("no such user".to_owned()));
    let refused = row.queued.clone();
    screen.send(Message::Engine(Box::new(Update::Changed)));
    screen.press("<Enter>, then<C-x>s<Enter>");
    let Some(Intent::Send(order)) = screen.double.log.last() else { panic!("an order") };
    assert_eq!(order.again, Some(refused));
}

#[test]
fn what_may_have_been_sent_is_asked_about_however_it_is_sent_again() {
    // Refused for the doubt.
    let mut screen = writer();
    screen.press("cbob@x.org<Tab><Tab><Tab>Lunch<Tab>Hi<C-x>s<Enter>go");
    let row = &mut screen.double.outgoing.outbox[0];
    let why = format!("{} it was queued now", crate::thread::DOUBTED);
    (row.state, row.why) = (OutboxState::Failed, Some(why));
    let refused = row.queued.clone();
    screen.send(Message::Engine(Box::new(Update::Changed)));
    screen.press("r");
    assert!(screen.text().contains("may have been sent already"), "{}", screen.text());
    screen.press("<Esc>");
    assert_eq!(asked(&screen).len(), 2);
    screen.press("<Enter><C-x>s");
    assert!(screen.text().contains("may have been sent already"), "{}", screen.text());
    screen.press("<Down><Enter>");
    let Some(Intent::Send(order)) = screen.double.log.last() else { panic!("an order") };
    assert_eq!(order.again, Some(refused.clone()));
    // A draft of which an earlier text was sent, or may have been.
    for (surely, says) in [(true, "was sent already"), (false, "may have been sent already")] {
        let mut screen = writer();
        screen.press("cbob@x.org<Tab><Tab><Tab>Lunch<Tab>Hi<Esc>gd");
        let before = Before { queued: refused.clone(), surely };
        screen.double.outgoing.drafts[0].before = Some(before);
        screen.send(Message::Engine(Box::new(Update::Changed)));
        screen.press("<Enter><C-x>s");
        let text = screen.text();
        assert!(text.contains(says) && text.contains("▸ Back to writing"), "{text}");
        screen.press("<Down><Enter>");
        let Some(Intent::Send(order)) = screen.double.log.last() else { panic!("an order") };
        assert_eq!(order.again, Some(refused.clone()));
    }
}

#[test]
fn what_went_to_some_only_is_sent_to_the_others_by_one_key() {
    let partly = || {
        let mut screen = writer();
        screen.press("cbob@x.org, eve@x.org<Tab><Tab><Tab>Lunch<Tab>Hi<C-x>s<Enter>go");
        let row = &mut screen.double.outgoing.outbox[0];
        row.state = OutboxState::Partly;
        let (address, reason) = ("eve@x.org".to_owned(), "no such user".to_owned());
        row.refused = vec![RefusedTo { address, reason, retried: false }];
        screen.send(Message::Engine(Box::new(Update::Changed)));
        screen
    };
    let mut screen = partly();
    let text = screen.text();
    assert!(text.contains("not to all") && text.contains("eve@x.org: no such user"), "{text}");
    let before = asked(&screen).len();
    screen.press("r");
    assert!(screen.text().contains("Send to eve@x.org"), "{}", screen.text());
    screen.press("<Enter>");
    let log = &screen.double.log[before..];
    let [Intent::SaveDraft { thread: None, from: None, draft, .. }, Intent::Send(order), last] =
        log
    else {
        panic!("a message of its own: {log:?}")
    };
    assert_eq!((draft.to.as_str(), &order.again), ("eve@x.org", &None));
    assert!(matches!(last, Intent::DiscardDraft { .. }), "the line goes: {last:?}");
    let mut screen = partly();
    screen.press("<Enter>");
    assert_eq!(self::draft(&screen).to, "eve@x.org", "it can be corrected");
    let mut screen = partly();
    screen.press("#");
    assert!(asked(&screen).last().unwrap().starts_with("DiscardDraft"), "{:?}", asked(&screen));
}

#[test]
fn what_is_thrown_away_comes_back() {
    let mut screen = writer();
    screen.press("czed<C-x>k");
    assert_eq!(asked(&screen).len(), 2, "{:?}", asked(&screen));
    assert!(screen.double.outgoing.drafts.is_empty());
    screen.press("z");
    assert_eq!(screen.double.outgoing.drafts.len(), 1);
    screen.press("gd#");
    assert!(screen.double.outgoing.drafts.is_empty());
    assert!(screen.text().contains("No drafts"), "{}", screen.text());
    screen.press("z");
    assert!(screen.text().contains("zed"), "{}", screen.text());
}

#[test]
fn earlier_saves_can_be_gone_back_to() {
    let mut screen = writer();
    screen.press("cbob@x.org<Tab><Tab><Tab><Tab>one<Esc>gd<Enter> two<Esc><Enter><C-x>h");
    assert!(matches!(screen.model.layers[..], [Layer::Saves(_)]), "{}", screen.text());
    screen.press("<Down><Enter>");
    assert_eq!(draft(&screen).body, "one");
    screen.press("<C-x>u");
    assert!(draft(&screen).body.contains("two"), "{}", draft(&screen).body);
}

#[test]
fn what_was_saved_while_it_is_open_can_be_gone_back_to() {
    let mut screen = writer();
    screen.press("cbob@x.org<Tab><Tab><Tab><Tab>one<C-x>h");
    assert!(screen.text().contains("It has no earlier save"), "{}", screen.text());
    screen.send(Message::Time(NOW_MS + 6_000));
    screen.press(" two");
    screen.send(Message::Time(NOW_MS + 12_000));
    screen.press("<C-x>h");
    assert!(screen.text().contains("this device  one two"), "{}", screen.text());
    screen.press("<Down><Enter>");
    assert_eq!(draft(&screen).body, "one");
}

#[test]
fn a_draft_is_written_on_above_its_signature() {
    let check = |body: &str, expected: &str| {
        let mut screen = writer();
        screen.press("cbob@x.org<Tab><Tab><Tab><Tab>");
        screen.send(Message::Paste(body.to_owned()));
        screen.press("<Esc>gd<Enter>!");
        assert_eq!(draft(&screen).body, expected, "{body:?}");
    };
    check("one", "one!");
    check("one\ntwo\n-- \nAnn", "one\ntwo!\n-- \nAnn");
    check("-- \nAnn", "-- \nAnn!");
    check("> -- \nhi", "> -- \nhi!");
}

#[test]
fn another_device_is_told_of() {
    let mut screen = writer();
    screen.press("czed<Esc>gd<Enter>");
    screen.double.outgoing.drafts[0].save = crate::id::EventId::try_from("other").unwrap();
    screen.send(Message::Engine(Box::new(Update::Changed)));
    assert!(screen.text().contains("Another device wrote on this draft"), "{}", screen.text());
}

#[test]
fn the_end_of_the_program_waits_for_what_is_open() {
    let mut screen = writer();
    screen.press("czed");
    screen.paused = true;
    screen.press("<C-c>");
    assert!(!screen.waiting.iter().any(|request| matches!(request, Request::Quit)));
    screen.resume();
    assert_eq!(asked(&screen), ["SaveDraft "]);
    assert_eq!(screen.exit, Some(UiExit::Quit));
    assert!(screen.double.journal.is_empty());
}

#[test]
fn what_is_pasted_goes_where_the_caret_is() {
    let mut screen = writer();
    screen.press("c");
    screen.send(Message::Paste("bob@x.org\n".to_owned()));
    screen.press("<Tab><Tab><Tab><Tab>");
    screen.send(Message::Paste("a\r\nb\u{1b}]0;x\u{7}".to_owned()));
    assert_eq!(draft(&screen).to, "bob@x.org");
    assert_eq!(draft(&screen).body, "a\nb\u{fffd}]0;x\u{fffd}");
}

#[test]
fn a_late_answer_is_taken_for_its_own_intent() {
    let mut screen = writer();
    screen.paused = true;
    screen.press("czed<Esc>");
    // The engine is slow; the keys go on without it.
    screen.send(Message::Time(NOW_MS + 4_000));
    screen.press("e");
    screen.resume();
    assert!(screen.model.writing.leaving.is_empty(), "the save was answered");
    assert_eq!(screen.model.done.len(), 1);
}

#[test]
fn the_composer_is_drawn_at_every_size() {
    let answer = "j<Enter>rYes, gladly.<Enter>日本語 👩\u{200d}👩\u{200d}👧";
    let sending = "ccarla<Tab><Tab><Tab><Tab>See the attached plan<C-x>s";
    for (name, keys) in [("answer", answer), ("sending", sending)] {
        for (columns, rows) in [(100, 30), (80, 24), (60, 15), (40, 10), (30, 6)] {
            let mut screen = Screen::new(crate::ui::double::Double::sample(), columns, rows);
            let me = DeskSaid::Identities(me(), BTreeMap::new());
            screen.send(Message::Desk(Box::new(me)));
            screen.press(keys);
            insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), screen.text());
        }
    }
}
