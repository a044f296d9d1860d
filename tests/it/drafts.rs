//! Drafts and the outbox between two devices and a backend: seen on both, forked and never put over
//! each other, listed offline, and gone from the journal only when they are saved.

use mailtui::clock::Clock as _;
use mailtui::command::intent::{Intent, SendOrder};
use mailtui::engine::view::{OpenDraft, OutboxState, Outgoing};
use mailtui::engine::writing::{Journal, JournalEntry, Writing};
use mailtui::id::{EventId, ThreadId};
use mailtui::mail::compose::{Attached, Draft};

use crate::support::world::World;

const A: usize = 0;
const B: usize = 1;

fn draft(subject: &str, body: &str) -> Draft {
    Draft {
        to: "Ann <ann@example.org>".to_owned(),
        subject: subject.to_owned(),
        body: body.to_owned(),
        ..Draft::default()
    }
}

fn intend(world: &mut World, at: usize, intent: &Intent) -> (ThreadId, EventId) {
    let done = world.device_mut(at).intend(intent).expect("decides");
    world.save(at);
    let wrote = done.wrote.expect("something was written");
    (wrote.thread, wrote.event)
}

fn save(
    world: &mut World,
    at: usize,
    of: Option<(&ThreadId, &EventId)>,
    draft: Draft,
) -> (ThreadId, EventId) {
    let (thread, from) = (of.map(|of| of.0.clone()), of.map(|of| of.1.clone()));
    intend(world, at, &Intent::SaveDraft { slot: None, thread, from, draft: Box::new(draft) })
}

fn send(world: &mut World, at: usize, thread: &ThreadId, save: &EventId) -> EventId {
    let order = SendOrder {
        thread: thread.clone(),
        save: save.clone(),
        domain: "example.org".to_owned(),
        hold: 10,
        send_at: None,
        offset: 60,
        again: None,
        partial: false,
        remind: None,
    };
    intend(world, at, &Intent::Send(order)).1
}

fn rows(world: &World, at: usize) -> Outgoing {
    world.device(at).outgoing_rows().expect("readable")
}

fn subjects(world: &World, at: usize) -> Vec<String> {
    rows(world, at).drafts.into_iter().map(|row| row.subject).collect()
}

fn open(world: &mut World, at: usize, thread: &ThreadId, save: Option<&EventId>) -> OpenDraft {
    world.device_mut(at).load(thread).expect("loads");
    world.sync();
    let draft = world.device(at).open_draft(thread, save).expect("readable");
    draft.expect("no blob is missing").expect("it is there")
}

/// The rows of a list.
fn listed(world: &World, at: usize, list: &'static str) -> Vec<String> {
    let window = mailtui::engine::view::Window::First;
    let page = world.device(at).page(&mailtui::label::system(list), &window, 50);
    page.expect("readable").rows.into_iter().filter_map(|row| row.subject).collect()
}

#[test]
fn a_draft_is_on_every_device_with_its_history() {
    let mut world = World::new(&[("A", false), ("B", true)], 7);
    let (thread, first) = save(&mut world, A, None, draft("Plan", "one"));
    assert_eq!(subjects(&world, A), ["Plan"], "before the backend has heard of it");
    let (_, second) = save(&mut world, A, Some((&thread, &first)), draft("Plan B", "one two"));
    assert_eq!(subjects(&world, A), ["Plan B"]);
    world.sync();
    for at in [A, B] {
        assert_eq!(subjects(&world, at), ["Plan B"], "device {at}");
        assert_eq!(listed(&world, at, "drafts"), ["Plan B"]);
        for list in ["inbox", "archive", "all", "anywhere", "sent"] {
            assert_eq!(listed(&world, at, list), [""; 0], "{list}");
        }
        let opened = open(&mut world, at, &thread, None);
        assert_eq!((opened.draft.body.as_str(), &opened.save), ("one two", &second));
        assert_eq!(opened.history.len(), 2);
        assert_eq!(open(&mut world, at, &thread, Some(&first)).draft.body, "one");
    }
    // B goes on where A ended.
    save(&mut world, B, Some((&thread, &second)), draft("Plan C", "one two three"));
    world.sync();
    assert_eq!(subjects(&world, A), ["Plan C"]);
}

#[test]
fn two_devices_that_write_make_two_drafts() {
    let mut world = World::new(&[("A", true), ("B", true)], 8);
    let (thread, first) = save(&mut world, A, None, draft("Plan", "one"));
    world.sync();
    world.stations[A].apart = true;
    world.stations[B].apart = true;
    save(&mut world, A, Some((&thread, &first)), draft("of A", "a"));
    let (_, of_b) = save(&mut world, B, Some((&thread, &first)), draft("of B", "b"));
    save(&mut world, B, Some((&thread, &of_b)), draft("of B again", "b b"));
    world.stations[A].apart = false;
    world.stations[B].apart = false;
    world.sync();
    for at in [A, B] {
        let mut both = subjects(&world, at);
        both.sort();
        assert_eq!(both, ["of A", "of B again"]);
    }
}

#[test]
fn what_is_queued_can_be_taken_back_undone_and_discarded() {
    let mut world = World::new(&[("A", false), ("B", true)], 9);
    let (thread, first) = save(&mut world, A, None, draft("Plan", "one"));
    let queued = send(&mut world, A, &thread, &first);
    assert_eq!((subjects(&world, A).len(), rows(&world, A).outbox.len()), (0, 1));
    assert!(!rows(&world, A).outbox[0].confirmed);
    world.sync();
    assert_eq!(listed(&world, B, "outbox"), ["Plan"]);
    let row = rows(&world, B).outbox.remove(0);
    assert_eq!((row.state, row.hold, row.confirmed), (OutboxState::Queued, 10, true));
    intend(&mut world, B, &Intent::CancelSend { thread: thread.clone(), queued });
    assert_eq!(subjects(&world, B), ["Plan"]);
    assert_eq!(rows(&world, B).drafts[0].snippet, "one", "it begins as it did");
    world.sync();
    assert_eq!((subjects(&world, A), rows(&world, A).outbox.len()), (vec!["Plan".to_owned()], 0));
    // Undo of the sending does the same.
    send(&mut world, A, &thread, &first);
    world.sync();
    let done = world.device_mut(A).intend(&Intent::Undo(None)).expect("undoes");
    assert!(done.undid.is_some(), "{done:?}");
    world.save(A);
    world.sync();
    for at in [A, B] {
        assert_eq!((subjects(&world, at).len(), rows(&world, at).outbox.len()), (1, 0));
    }
    let discard = Intent::DiscardDraft { thread: thread.clone(), save: first };
    intend(&mut world, B, &discard);
    world.sync();
    assert_eq!((subjects(&world, A).len(), listed(&world, A, "drafts").len()), (0, 0));
    world.device_mut(B).intend(&Intent::Undo(None)).expect("undoes");
    world.save(B);
    world.sync();
    assert_eq!(
        (subjects(&world, A), subjects(&world, B)),
        (vec!["Plan".into()], vec!["Plan".into()])
    );
}

#[test]
fn undo_takes_back_the_last_key_and_not_the_last_pause_of_writing() {
    let mut world = World::new(&[("A", false)], 10);
    let (thread, first) = save(&mut world, A, None, draft("Plan", "one"));
    save(&mut world, A, Some((&thread, &first)), draft("Plan", "one two"));
    world.sync();
    assert!(world.device_mut(A).intend(&Intent::Undo(None)).is_err(), "there is nothing to undo");
    assert_eq!(open(&mut world, A, &thread, None).draft.body, "one two");
}

#[test]
fn what_is_attached_and_what_is_long_reaches_the_other_device() {
    for remote in [false, true] {
        let mut world = World::new(&[("A", remote), ("B", true)], 11);
        let bytes = b"0123456789".repeat(30_000);
        let hash = world.device_mut(A).put_own(&bytes).expect("kept");
        let long = "A long line of text, and another.\n".repeat(4_000);
        let attached = Attached {
            name: "digits.txt".to_owned(),
            media_type: "text/plain".to_owned(),
            hash: hash.clone(),
            size: bytes.len() as u64,
        };
        let written = Draft { attachments: vec![attached], ..draft("Long", &long) };
        let (thread, save) = save(&mut world, A, None, written.clone());
        world.sync();
        assert!(rows(&world, B).drafts[0].attachments);
        world.device_mut(B).load(&thread).expect("loads");
        world.sync();
        let device = world.device_mut(B);
        let blob = match device.open_draft(&thread, Some(&save)).expect("readable") {
            Err(blob) => blob,
            Ok(draft) => panic!("{draft:?} without its blob"),
        };
        device.fetch_blob(&blob).expect("asks");
        device.fetch_blob(&hash).expect("asks");
        world.sync();
        let device = world.device(B);
        let opened = device.open_draft(&thread, Some(&save)).expect("readable");
        assert_eq!(opened.expect("the blob is here").expect("it is there").draft, written);
        assert_eq!(device.blob(&hash).as_deref(), Some(&bytes[..]), "remote: {remote}");
    }
}

#[test]
fn a_journal_that_a_kill_left_becomes_a_draft_once() {
    let mut world = World::new(&[("A", false)], 12);
    let (thread, first) = save(&mut world, A, None, draft("Plan", "one"));
    world.sync();
    let entry = |thread: Option<&ThreadId>, from: Option<&EventId>, draft| {
        Some(Box::new(JournalEntry { thread: thread.cloned(), from: from.cloned(), draft }))
    };
    let written = [
        Journal { slot: 1, entry: entry(Some(&thread), Some(&first), draft("Plan", "one two")) },
        Journal { slot: 2, entry: entry(None, None, draft("New", "n")) },
        Journal { slot: 3, entry: entry(None, None, draft("Left", "not wanted")) },
        Journal { slot: 3, entry: None },
    ];
    for journal in &written {
        world.device_mut(A).journal(journal).expect("remembers");
    }
    world.kill_device(A);
    world.restart_device(A);
    assert_eq!(world.device_mut(A).recover_drafts().expect("recovers"), 2);
    assert_eq!(world.device_mut(A).recover_drafts().expect("recovers"), 0);
    world.save(A);
    world.sync();
    let mut both = subjects(&world, A);
    both.sort();
    assert_eq!(both, ["New", "Plan"]);
    assert_eq!(open(&mut world, A, &thread, None).draft.body, "one two");
    let dir = world.device(A).dir().to_owned();
    let left = Writing::existing(&dir).expect("readable").expect("it is there");
    assert_eq!(left.journal().expect("readable"), []);
}

#[test]
fn what_was_saved_before_a_kill_is_no_second_draft_and_is_written_on() {
    let entry = |draft| Some(Box::new(JournalEntry { thread: None, from: None, draft }));
    for (typed_since, has_ended, bodies, recovered) in [
        (false, "", &["one"][..], 0),
        (true, "", &["one two"], 1),
        (false, "queued", &[], 0),
        (false, "discarded", &[], 0),
    ] {
        for projected in [false, true] {
            let mut world = World::new(&[("A", false)], 14);
            let (slot, one) = (7, draft("Plan", "one"));
            // The journal had it, it was saved, and something was done with it; then the kill.
            let journal = Journal { slot, entry: entry(one.clone()) };
            world.device_mut(A).journal(&journal).expect("remembers");
            let (thread, from, slot) = (None, None, Some(slot));
            let intent = Intent::SaveDraft { slot, thread, from, draft: Box::new(one) };
            let (thread, save) = intend(&mut world, A, &intent);
            match has_ended {
                "queued" => drop(send(&mut world, A, &thread, &save)),
                "discarded" => {
                    let thread = thread.clone();
                    drop(intend(&mut world, A, &Intent::DiscardDraft { thread, save }));
                }
                _ => {}
            }
            if typed_since {
                let entry = entry(draft("Plan", "one two"));
                let journal = Journal { slot: 7, entry };
                world.device_mut(A).journal(&journal).expect("remembers");
            }
            if projected {
                world.sync();
            }
            world.kill_device(A);
            world.restart_device(A);
            let count = world.device_mut(A).recover_drafts().expect("recovers");
            world.save(A);
            world.sync();
            let told = format!("typed: {typed_since}, {has_ended}, projected: {projected}");
            assert_eq!(count, recovered, "{told}");
            assert_eq!(subjects(&world, A).len(), bodies.len(), "{told}");
            for body in bodies {
                assert_eq!(open(&mut world, A, &thread, None).draft.body, *body, "{told}");
            }
        }
    }
}

#[test]
fn what_a_device_may_not_write_is_refused_and_listed() {
    let mut world = World::new(&[("A", true)], 13);
    world.mail(crate::support::mail::mail("first").bytes(), mailtui::bridge::Folder::default());
    world.sync();
    let window = mailtui::engine::view::Window::First;
    let page = world.device(A).page(&mailtui::label::system("inbox"), &window, 5);
    let thread = page.expect("readable").rows[0].thread.clone();
    // Into a conversation of mail.
    save(&mut world, A, Some((&thread, &EventId::try_from("x").expect("an id"))), draft("No", ""));
    world.sync();
    let refused = mailtui::store::Own::refused(world.device(A).db()).expect("readable");
    assert_eq!(refused.len(), 1);
    assert_eq!(subjects(&world, A), [""; 0]);
    assert_eq!(listed(&world, A, "inbox").len(), 1);
}

#[test]
fn a_send_that_was_undone_before_the_backend_heard_of_it_is_not_sent() {
    for remote in [false, true] {
        let mut world = World::new(&[("A", remote)], 14);
        let (thread, first) = save(&mut world, A, None, draft("Plan", "one"));
        send(&mut world, A, &thread, &first);
        let done = world.device_mut(A).intend(&Intent::Undo(None)).expect("undoes");
        assert!(done.says.contains("1 conversation"), "{}", done.says);
        world.save(A);
        assert_eq!((subjects(&world, A), rows(&world, A).outbox.len()), (vec!["Plan".into()], 0));
        world.sync();
        world.clock.turn(3_600_000);
        let now = world.clock.now();
        let due = world.backend().outbox_look(now).expect("readable").due;
        assert!(due.is_empty(), "{due:?}");
        assert_eq!((subjects(&world, A), rows(&world, A).outbox.len()), (vec!["Plan".into()], 0));
        let redone = world.device_mut(A).intend(&Intent::Redo(None)).expect("answers");
        assert!(redone.action.is_none() && redone.says.contains("not done again"), "{redone:?}");
    }
}

/// The hold is over, and the backend claims what waits.
fn claim(world: &mut World) {
    world.clock.turn(60_000);
    let now = world.clock.now();
    let due = world.backend().outbox_look(now).expect("readable").due.remove(0);
    let raw = mailtui::store::Blobs::pack(b"From: a@example.org\r\n\r\nx\r\n");
    let claim = mailtui::backend::Claim { due, account: "a".to_owned(), raw };
    assert!(world.backend().outbox_claim(&claim, now).expect("claims"));
    world.commit();
}

#[test]
fn what_was_taken_back_too_late_is_told_once() {
    for (undo, kept) in [(false, false), (true, false), (false, true)] {
        let mut world = World::new(&[("A", true)], 16);
        let (thread, first) = save(&mut world, A, None, draft("Plan", "one"));
        let queued = send(&mut world, A, &thread, &first);
        world.sync();
        if kept {
            world.device_mut(A).load(&thread).expect("loads");
            world.sync();
        }
        world.stations[A].apart = true;
        let take_back = Intent::CancelSend { thread: thread.clone(), queued };
        let take_back = if undo { Intent::Undo(None) } else { take_back };
        world.device_mut(A).intend(&take_back).expect("decides");
        world.save(A);
        assert_eq!(subjects(&world, A), ["Plan"], "as far as A knows");
        claim(&mut world);
        world.stations[A].apart = false;
        drop(world.device_mut(A).news());
        world.sync();
        world.sync();
        assert_eq!(rows(&world, A).outbox[0].state, OutboxState::Sending);
        let late = world.device_mut(A).news().late;
        assert_eq!(late, ["Plan was on its way before it was taken back"], "undo: {undo}");
        // What is taken back in time is not told of.
        let (thread, save) = save(&mut world, A, None, draft("Other", "two"));
        let queued = send(&mut world, A, &thread, &save);
        intend(&mut world, A, &Intent::CancelSend { thread, queued });
        world.sync();
        assert_eq!(world.device_mut(A).news().late, [""; 0]);
    }
}

#[test]
fn what_was_taken_back_too_late_is_told_by_who_has_somebody_to_tell() {
    let mut world = World::new(&[("A", true)], 17);
    let (thread, first) = save(&mut world, A, None, draft("Plan", "one"));
    let queued = send(&mut world, A, &thread, &first);
    world.sync();
    world.stations[A].apart = true;
    world.device_mut(A).intend(&Intent::CancelSend { thread, queued }).expect("decides");
    world.save(A);
    claim(&mut world);
    world.stations[A].apart = false;
    world.sync();
    world.sync();
    // A command that tells nobody ends here.
    drop(world.device_mut(A).news());
    for told in [&["Plan was on its way before it was taken back"][..], &[]] {
        world.kill_device(A);
        world.restart_device(A);
        assert_eq!(world.device_mut(A).take_late(), told);
    }
}

#[test]
fn undo_of_what_is_on_its_way_says_that_it_is_too_late() {
    let mut world = World::new(&[("A", false)], 15);
    let (thread, first) = save(&mut world, A, None, draft("Plan", "one"));
    send(&mut world, A, &thread, &first);
    world.sync();
    claim(&mut world);
    world.sync();
    let late = world.device_mut(A).intend(&Intent::Undo(None)).expect("answers");
    assert!(late.undid.is_none() && late.says.contains("too late"), "{late:?}");
    // What was sent long ago is not what is meant.
    world.stations[A].clock.turn(120_000);
    assert!(world.device_mut(A).intend(&Intent::Undo(None)).is_err(), "there is nothing to undo");
}
