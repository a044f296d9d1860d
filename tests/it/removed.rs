//! Messages that are gone where they came from: shown nowhere, kept, and back as they were.
//!
//! Invariant: what is gone is asked of every list, count and reader; what is kept, of the log.

use mailtui::bridge::{Folder, Outcome};
use mailtui::command::intent::{Change, Intent, Target};
use mailtui::engine::view::{Row, Window};
use mailtui::id::{MessageId, ThreadId};
use mailtui::label::{Place, system};
use mailtui::limits::TRASH_KEPT;
use mailtui::mailbox::raw_row;
use mailtui::sync::{PurgeOrder, SeenThread};

use crate::support::health;
use crate::support::mail::mail;
use crate::support::truth::{Truth, log_of, message_of};
use crate::support::world::World;

/// A world in which two devices have taken these messages in; each with its thread and id.
fn with(mails: &[crate::support::mail::Mail]) -> (World, Vec<(ThreadId, MessageId)>) {
    let mut world = World::new(&[("A", true), ("B", false)], 1);
    let mut ids = Vec::new();
    for mail in mails {
        let outcome = world.mail(mail.bytes(), Folder::default());
        let Outcome::Imported { thread, message, .. } = outcome else { panic!("{outcome:?}") };
        ids.push((thread, message.expect("it has an id")));
    }
    world.sync();
    (world, ids)
}

fn conversation() -> (World, Vec<(ThreadId, MessageId)>) {
    with(&[mail("plan"), mail("answer").at(1).reply_to("plan", "plan")])
}

fn remove(world: &mut World, what: &[(ThreadId, MessageId)], removed: bool, token: &str) -> usize {
    let changed = world.backend().remove_messages(what, removed, token).expect("taken in");
    world.backend().commit().expect("on disk");
    world.sync();
    changed
}

fn rows(world: &World, list: &str) -> Vec<Row> {
    let list = system(match list {
        "inbox" => "inbox",
        "archive" => "archive",
        "snoozed" => "snoozed",
        _ => "anywhere",
    });
    world.device(0).page(&list, &Window::First, 50).expect("readable").rows
}

fn targets(world: &World, thread: &ThreadId) -> Vec<Target> {
    world.device(0).targets(thread).expect("readable")
}

fn press(world: &mut World, thread: &ThreadId, changes: Vec<Change>) {
    let targets = targets(world, thread);
    world.device_mut(0).intend(&Intent::Change { changes, targets }).expect("decided");
    world.sync();
}

fn healthy(world: &mut World) {
    let truth = Truth::read(&world.backend_dir());
    let wrong = health::of(world, &truth, &std::collections::BTreeSet::new());
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn the_row_is_of_what_is_left_and_the_reader_shows_no_more() {
    let (mut world, ids) = conversation();
    let thread = ids[0].0.clone();
    let before = rows(&world, "inbox").remove(0);
    world.device_mut(0).load(&thread).expect("loads");
    world.sync();
    assert_eq!(remove(&mut world, &ids[1..], true, "one"), 1);
    assert_eq!(remove(&mut world, &ids[1..], true, "two"), 0, "it is gone already");
    let row = rows(&world, "inbox").remove(0);
    assert_eq!((row.message_count, row.unread_count), (1, 1));
    assert!(row.last_activity < before.last_activity && row.snippet != before.snippet);
    let open = world.device_mut(0).thread(&thread).expect("readable").expect("there");
    let shown: Vec<&MessageId> = open.messages.iter().map(|message| &message.id).collect();
    assert_eq!(shown, [&ids[0].1]);
    healthy(&mut world);
    // The log keeps it.
    let (log, _) = log_of(&world.backend_dir(), &thread);
    assert_eq!(log.iter().filter_map(message_of).count(), 2);
    remove(&mut world, &ids[1..], false, "three");
    let seen = |row: &Row| row.members[0].seen.position;
    let mut back = rows(&world, "inbox").remove(0);
    assert_eq!(seen(&back), seen(&before) + 2);
    back.members.clone_from(&before.members);
    assert_eq!(back, before);
    healthy(&mut world);
}

#[test]
fn a_conversation_of_which_nothing_is_left_is_in_no_list_and_no_count() {
    let (mut world, ids) = conversation();
    let thread = ids[0].0.clone();
    press(&mut world, &thread, vec![Change::Star(true), Change::Place(Place::Archive)]);
    assert_eq!(rows(&world, "archive").len(), 1);
    remove(&mut world, &ids, true, "all");
    for list in World::lists(&std::collections::BTreeSet::new()) {
        for at in [0, 1] {
            let page = world.device(at).page(&list, &Window::First, 50).expect("readable");
            let count = world.device(at).count(&list).expect("readable");
            assert_eq!((page.rows.len(), count), (0, (0, 0)), "{list} on {at}");
        }
    }
    assert!(raw_row(world.device(0).db(), &thread).expect("readable").is_some(), "its row stays");
    healthy(&mut world);
    // An undo of what was done to it does not bring it back.
    world.device_mut(0).intend(&Intent::Undo(None)).expect("undone");
    world.sync();
    assert!(rows(&world, "anywhere").is_empty());
    // A device that joins now finds it nowhere either, and everything when it is there again.
    world.join("C", true);
    world.sync();
    healthy(&mut world);
    remove(&mut world, &ids, false, "back");
    let row = rows(&world, "inbox").remove(0);
    assert_eq!((row.message_count, row.unread_count, row.starred), (2, 2, false));
    healthy(&mut world);
}

#[test]
fn new_mail_brings_a_conversation_back_also_out_of_trash() {
    for place in [Place::Inbox, Place::Archive, Place::Trash, Place::Spam] {
        let (mut world, ids) = conversation();
        let thread = ids[0].0.clone();
        press(&mut world, &thread, vec![Change::Place(place)]);
        remove(&mut world, &ids, true, "all");
        let reply = mail("late").at(2).reply_to("plan", "answer");
        world.mail(reply.bytes(), Folder::default());
        world.sync();
        let row = rows(&world, "inbox").remove(0);
        assert_eq!((row.thread, row.message_count), (thread, 1), "{place:?}");
        healthy(&mut world);
    }
}

#[test]
fn the_same_bytes_again_bring_a_message_back() {
    let (mut world, ids) = conversation();
    remove(&mut world, &ids, true, "all");
    let outcome = world.mail(mail("plan").bytes(), Folder::default());
    assert!(matches!(outcome, Outcome::Duplicate { .. }), "{outcome:?}");
    world.sync();
    assert_eq!(rows(&world, "inbox").remove(0).message_count, 1);
    // And they can be gone again, and come again.
    remove(&mut world, &ids, true, "again");
    assert!(rows(&world, "anywhere").is_empty());
    world.mail(mail("plan").bytes(), Folder::default());
    world.sync();
    assert_eq!(rows(&world, "inbox").len(), 1);
    healthy(&mut world);
}

#[test]
fn a_key_hides_nothing_that_was_gone_when_it_was_pressed() {
    for change in [
        Change::Place(Place::Archive),
        Change::Place(Place::Trash),
        Change::Snooze(Some(4_000_000_000)),
    ] {
        let (mut world, ids) = conversation();
        let thread = ids[0].0.clone();
        remove(&mut world, &ids[1..], true, "one");
        press(&mut world, &thread, vec![Change::Read(true), change.clone()]);
        assert!(rows(&world, "inbox").is_empty(), "{change:?}");
        remove(&mut world, &ids[1..], false, "back");
        let row = rows(&world, "inbox").remove(0);
        assert_eq!((row.message_count, row.unread_count), (2, 1), "{change:?}");
        healthy(&mut world);
    }
}

#[test]
fn the_star_that_a_message_brought_goes_with_it_and_a_users_stays() {
    for by_key in [false, true] {
        let (mut world, ids) = with(&[mail("plan")]);
        let thread = ids[0].0.clone();
        let flagged = mail("flagged").at(1).reply_to("plan", "plan").set("X-Status", "F");
        let outcome = world.mail(flagged.bytes(), Folder::default());
        let Outcome::Imported { message, .. } = outcome else { panic!("{outcome:?}") };
        let flagged = [(thread.clone(), message.expect("it has an id"))];
        world.sync();
        assert!(rows(&world, "inbox")[0].starred);
        if by_key {
            press(&mut world, &thread, vec![Change::Star(true)]);
        }
        remove(&mut world, &flagged, true, "one");
        assert_eq!(rows(&world, "inbox")[0].starred, by_key);
        remove(&mut world, &flagged, false, "two");
        assert!(rows(&world, "inbox")[0].starred);
        healthy(&mut world);
    }
}

#[test]
fn what_is_gone_for_long_is_purged_as_trash_is() {
    let (mut world, ids) = conversation();
    let thread = ids[0].0.clone();
    remove(&mut world, &ids, true, "all");
    let found = world.device(0).rows_without_messages().expect("readable");
    let row: Vec<SeenThread> = targets(&world, &thread)
        .into_iter()
        .map(|target| SeenThread { thread: target.thread, seen: target.seen })
        .collect();
    assert_eq!(found, [row]);
    let kept = i64::try_from(TRASH_KEPT.as_secs()).expect("small");
    let order = PurgeOrder { rows: found, older: Some(kept), ..PurgeOrder::default() };
    let ask = |world: &mut World| world.backend().purge(&order).expect("answers").remove(0).kept;
    assert_eq!(ask(&mut world).expect("it stays").0, "young");
    world.clock.turn((kept + 1) * 1_000);
    // The backend hears the time with the next mail.
    world.mail(mail("other").bytes(), Folder::default());
    assert_eq!(ask(&mut world), None);
    world.sync();
    assert!(raw_row(world.device(0).db(), &thread).expect("readable").is_none());
    healthy(&mut world);
}
