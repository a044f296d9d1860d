//! A backend that is put back to an earlier moment, and devices that held more: what they hold
//! comes back, nothing twice, and everybody ends with the same.

use std::collections::BTreeSet;

use mailtui::bridge::{Folder, Outcome};
use mailtui::command::intent::{Change, Intent};
use mailtui::id::{LabelId, StoreId, ThreadId};
use mailtui::label::{Place, user_label};
use mailtui::mailbox;
use mailtui::store::Log;
use mailtui::sync::{PurgeOrder, SeenThread};

use crate::support::health;
use crate::support::mail::mail;
use crate::support::truth::Truth;
use crate::support::world::World;

pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;

/// Two devices that keep the logs they open.
pub(crate) fn world(seed: u64) -> World {
    World::new(&[("a", true), ("b", true)], seed)
}

/// A message of the conversation that `first` begins.
pub(crate) fn receive(world: &mut World, first: &str, name: &str) -> ThreadId {
    world.clock.turn(60_000);
    let message = if first == name { mail(name) } else { mail(name).reply_to(first, first) };
    match world.mail(message.bytes(), Folder::default()) {
        Outcome::Imported { thread, .. } => thread,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn hold(world: &mut World, at: usize, thread: &ThreadId) {
    world.device_mut(at).load(thread).unwrap();
    world.sync();
    assert!(!world.device(at).kept_log(thread).unwrap().is_empty());
}

pub(crate) fn decide(world: &mut World, at: usize, intent: &Intent) {
    world.device_mut(at).intend(intent).unwrap();
    world.save(at);
}

pub(crate) fn change(world: &mut World, at: usize, thread: &ThreadId, change: Change) {
    let row = world.device(at).row(thread).unwrap().unwrap();
    decide(world, at, &Intent::Change { changes: vec![change], targets: row.members });
}

fn place(world: &World, at: usize, thread: &ThreadId) -> Place {
    world.device(at).row(thread).unwrap().unwrap().place
}

/// Everybody has the same, nothing waits, and nothing is wrong with anything.
pub(crate) fn rest(world: &mut World, labels: &[LabelId]) -> Truth {
    world.heal();
    world.sync();
    let truth = Truth::read(&world.backend_dir());
    let labels: BTreeSet<LabelId> = labels.iter().cloned().collect();
    let wrong = health::of(world, &truth, &labels);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let dump = |at: usize| mailbox::dump(world.device(at).db()).unwrap();
    assert_eq!(dump(A), dump(B));
    truth
}

#[test]
fn two_restores_of_one_backup_and_a_device_that_was_away_through_both() {
    let mut world = world(1);
    let thread = receive(&mut world, "one", "one");
    world.sync();
    hold(&mut world, A, &thread);
    hold(&mut world, B, &thread);
    world.backup("first");
    receive(&mut world, "one", "two");
    change(&mut world, A, &thread, Change::Star(true));
    world.sync();
    // B has seen all of it, and is away from now on.
    world.cut(B);
    world.stations[B].apart = true;
    change(&mut world, B, &thread, Change::Label(user_label("work"), true));
    world.restore("first");
    receive(&mut world, "one", "three");
    world.sync();
    world.restore("first");
    receive(&mut world, "one", "four");
    world.sync();
    let truth = rest(&mut world, &[user_label("work")]);
    let told = &truth.threads[&thread];
    assert_eq!(told.state.messages.len(), 4, "what one of them held is back");
    assert!(told.cells.starred && told.cells.labels.contains(&user_label("work")));
    let epochs = told.log.iter().filter(|event| event.event.name.contains("EpochBegan")).count();
    assert_eq!(epochs, 1, "of the epoch that lasts");
}

#[test]
fn a_conversation_that_only_a_device_holds_comes_back_whole() {
    let mut world = world(2);
    receive(&mut world, "old", "old");
    world.sync();
    world.backup("one");
    let thread = receive(&mut world, "new", "new");
    receive(&mut world, "new", "more");
    world.sync();
    hold(&mut world, B, &thread);
    change(&mut world, A, &thread, Change::Star(true));
    world.sync();
    world.restore("one");
    let truth = rest(&mut world, &[]);
    let told = &truth.threads[&thread];
    assert_eq!((told.state.messages.len(), told.cells.starred), (2, true));
    // The same mail again is known by what it is.
    world.mail(mail("new").bytes(), Folder::default());
    let truth = rest(&mut world, &[]);
    assert_eq!(truth.threads[&thread].state.messages.len(), 2);
}

#[test]
fn what_was_purged_after_the_backup_is_purged_again() {
    let mut world = world(3);
    let thread = receive(&mut world, "one", "one");
    world.sync();
    hold(&mut world, A, &thread);
    world.backup("one");
    let seen = mailbox::watermark(world.device(A).db(), &thread).unwrap().unwrap();
    let row = vec![SeenThread { thread: thread.clone(), seen }];
    let order = PurgeOrder { rows: vec![row], anywhere: true, ..PurgeOrder::default() };
    let rows = world.backend().purge(&order).unwrap();
    assert_eq!(rows[0].kept, None);
    world.sync();
    world.restore("one");
    let truth = rest(&mut world, &[]);
    assert!(truth.purged.contains(&thread) && !truth.threads.contains_key(&thread));
}

#[test]
fn labels_that_were_made_and_changed_after_the_backup_come_back() {
    let mut world = world(4);
    let thread = receive(&mut world, "one", "one");
    decide(&mut world, A, &Intent::CreateLabel("Old".to_owned()));
    world.sync();
    world.backup("one");
    decide(&mut world, A, &Intent::CreateLabel("Work".to_owned()));
    world.sync();
    decide(&mut world, B, &Intent::RenameLabel(user_label("Work"), "Job".to_owned()));
    decide(&mut world, B, &Intent::DeleteLabel(user_label("Old")));
    hold(&mut world, B, &thread);
    change(&mut world, B, &thread, Change::Label(user_label("Work"), true));
    world.sync();
    let before = mailbox::labels(world.device(A).db()).unwrap();
    world.restore("one");
    rest(&mut world, &[user_label("Work")]);
    assert_eq!(mailbox::labels(world.device(A).db()).unwrap(), before);
    assert!(world.device(A).row(&thread).unwrap().unwrap().labels.contains(&user_label("Work")));
}

#[test]
fn an_undo_reaches_over_a_restore() {
    let mut world = world(5);
    let thread = receive(&mut world, "one", "one");
    world.sync();
    hold(&mut world, A, &thread);
    change(&mut world, A, &thread, Change::Place(Place::Archive));
    world.sync();
    world.backup("one");
    decide(&mut world, A, &Intent::Undo(None));
    world.sync();
    assert_eq!(place(&world, B, &thread), Place::Inbox);
    world.restore("one");
    rest(&mut world, &[]);
    assert_eq!(place(&world, B, &thread), Place::Inbox);
    change(&mut world, A, &thread, Change::Place(Place::Trash));
    world.sync();
    world.restore("one");
    decide(&mut world, A, &Intent::Undo(None));
    rest(&mut world, &[]);
    assert_eq!(place(&world, B, &thread), Place::Inbox);
}

#[test]
fn keys_that_were_half_pushed_keep_their_order() {
    let mut world = world(6);
    let (one, two) = (receive(&mut world, "one", "one"), receive(&mut world, "two", "two"));
    world.sync();
    hold(&mut world, A, &one);
    world.backup("one");
    change(&mut world, A, &one, Change::Place(Place::Trash));
    change(&mut world, A, &two, Change::Star(true));
    world.connect(A);
    while world.deliver_down(A) {}
    world.send(A, Some);
    while world.deliver_up(A) {}
    // The answer is lost with the connection, and with it the epoch.
    world.commit();
    world.cut(A);
    change(&mut world, A, &one, Change::Place(Place::Archive));
    world.restore("one");
    change(&mut world, A, &two, Change::Star(false));
    let truth = rest(&mut world, &[]);
    assert_eq!(truth.threads[&one].cells.place, Place::Archive);
    assert!(!truth.threads[&two].cells.starred);
}

#[test]
fn links_and_splits_come_back() {
    let mut world = world(7);
    let (one, two) = (receive(&mut world, "one", "one"), receive(&mut world, "two", "two"));
    world.sync();
    hold(&mut world, A, &one);
    hold(&mut world, A, &two);
    world.backup("one");
    decide(&mut world, A, &Intent::Join(vec![one.clone(), two.clone()]));
    world.sync();
    world.restore("one");
    rest(&mut world, &[]);
    assert_eq!(world.device(B).row(&one).unwrap().unwrap().members.len(), 2);
    decide(&mut world, A, &Intent::Split(vec![two.clone()]));
    world.sync();
    world.restore("one");
    rest(&mut world, &[]);
    assert_eq!(world.device(B).row(&one).unwrap().unwrap().members.len(), 1);
}

#[test]
fn a_key_on_a_conversation_that_another_device_holds_waits_for_it() {
    let mut world = world(8);
    receive(&mut world, "old", "old");
    world.sync();
    world.backup("one");
    let thread = receive(&mut world, "new", "new");
    world.sync();
    hold(&mut world, B, &thread);
    world.cut(B);
    world.stations[B].apart = true;
    change(&mut world, A, &thread, Change::Star(true));
    world.restore("one");
    world.sync();
    let said = world.device_mut(A).news().refused;
    assert_eq!(said.len(), 1, "in the list: {said:?}");
    // B is back, and the conversation with it.
    let truth = rest(&mut world, &[]);
    assert!(truth.threads[&thread].cells.starred);
}

/// Until when the device that pressed the key is told of what the ended life did with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Acknowledged,
    Shown,
}

/// A key after the backup, of which the ended life tells as far as `told`, some of it after the
/// restore; whether it is there in the end.
fn comes_back(told: Told, other_keeps_it: bool) -> bool {
    let mut world = World::new(&[("a", false), ("b", true)], 9);
    let thread = receive(&mut world, "one", "one");
    world.sync();
    if other_keeps_it {
        hold(&mut world, B, &thread);
    }
    world.backup("one");
    change(&mut world, A, &thread, Change::Star(true));
    world.send(A, Some);
    world.send(A, Some);
    while world.deliver_up(A) {}
    world.project();
    while world.pump() {}
    while world.deliver_down(B) {}
    world.restore("one");
    match told {
        Told::Nothing => {}
        Told::Acknowledged => assert!(world.deliver_down(A)),
        Told::Shown => while world.deliver_down(A) {},
    }
    world.let_go(A);
    let waits = world.device(A).pending().unwrap();
    assert_eq!(waits == (0, 0), told == Told::Shown, "{waits:?}");
    rest(&mut world, &[]).threads[&thread].cells.starred
}

#[test]
fn what_the_ended_life_still_says_is_believed_and_what_a_log_holds_comes_back() {
    for (told, other_keeps_it, wanted) in [
        (Told::Nothing, false, true),
        (Told::Acknowledged, false, true),
        // As if it had been read a moment before: rows show it, and nobody keeps that log.
        (Told::Shown, false, false),
        (Told::Shown, true, true),
    ] {
        let found = comes_back(told, other_keeps_it);
        assert_eq!(found, wanted, "{told:?}, kept by the other: {other_keeps_it}");
    }
}

/// Only one of them is there.
pub(crate) fn without(world: &mut World, at: usize) {
    world.cut(at);
    world.stations[at].apart = true;
}

#[test]
fn what_another_device_brought_back_before_stands_where_it_was_put() {
    let mut world = world(20);
    let thread = receive(&mut world, "one", "one");
    world.sync();
    hold(&mut world, A, &thread);
    hold(&mut world, B, &thread);
    world.backup("one");
    change(&mut world, B, &thread, Change::Star(true));
    world.sync();
    without(&mut world, B);
    world.restore("one");
    world.sync();
    change(&mut world, A, &thread, Change::Star(false));
    world.sync();
    // Now B comes with its own, which was taken back since.
    let truth = rest(&mut world, &[]);
    assert!(!truth.threads[&thread].cells.starred);
}

#[test]
fn a_label_that_was_brought_back_and_deleted_stays_deleted() {
    let mut world = world(21);
    receive(&mut world, "one", "one");
    world.sync();
    world.backup("one");
    decide(&mut world, B, &Intent::CreateLabel("Work".to_owned()));
    world.sync();
    without(&mut world, B);
    world.restore("one");
    world.sync();
    decide(&mut world, A, &Intent::DeleteLabel(user_label("work")));
    world.sync();
    // The log that B could compare with is gone; all that it held waits behind the snapshot.
    world.commit();
    assert!(world.backend().make_snapshot().unwrap());
    world.commit();
    assert!(world.backend().truncate().unwrap() > 0);
    rest(&mut world, &[user_label("work")]);
    assert!(world.device(B).labels().unwrap().iter().all(|label| label.id != user_label("work")));
}

#[test]
fn keys_of_one_device_keep_their_order_as_far_as_it_has_them_itself() {
    let mut world = world(22);
    let thread = receive(&mut world, "one", "one");
    world.sync();
    world.backup("one");
    // B keeps nothing of this conversation, A does.
    change(&mut world, B, &thread, Change::Star(true));
    world.sync();
    hold(&mut world, A, &thread);
    without(&mut world, A);
    change(&mut world, B, &thread, Change::Place(Place::Archive));
    world.restore("one");
    world.sync();
    let truth = rest(&mut world, &[]);
    let told = &truth.threads[&thread];
    let mut keys = told.log.iter().filter(|event| event.event.action.is_some());
    let (first, then) = (keys.next().unwrap(), keys.next().unwrap());
    assert!(first.event.id > then.event.id, "what B had let go comes back behind what it had");
    assert!(told.cells.starred && told.cells.place == Place::Archive, "and nothing is lost");
}

#[test]
fn a_key_that_its_device_let_go_is_shown_when_another_has_brought_it_back() {
    let mut world = world(23);
    let thread = receive(&mut world, "one", "one");
    world.sync();
    world.backup("one");
    // Only A keeps a log of this conversation, and is away when the restore is heard of.
    change(&mut world, B, &thread, Change::Label(user_label("work"), true));
    world.sync();
    hold(&mut world, A, &thread);
    without(&mut world, A);
    world.restore("one");
    world.sync();
    change(&mut world, B, &thread, Change::Star(true));
    let shows = |world: &World| {
        let row = world.device(B).row(&thread).unwrap().unwrap();
        (row.starred, row.labels.contains(&user_label("work")))
    };
    assert_eq!(shows(&world), (true, false), "nobody that it can ask has the label");
    let own = world.promises.own(B, &StoreId::thread(&thread));
    assert_eq!(own.len(), 1, "and nothing holds it to a label that it let go: {own:?}");
    rest(&mut world, &[user_label("work")]);
    assert_eq!(shows(&world), (true, true));
}

#[test]
fn a_message_that_was_fetched_again_before_it_comes_back_is_that_message() {
    let mut world = world(24);
    receive(&mut world, "old", "old");
    world.sync();
    world.backup("one");
    let labels = || vec!["Work".to_owned()];
    let folder = Folder { place: Some(Place::Archive), labels: labels(), ..Folder::default() };
    let Outcome::Imported { thread, .. } = world.mail(mail("one").bytes(), folder) else {
        panic!("it is new")
    };
    world.sync();
    hold(&mut world, B, &thread);
    without(&mut world, B);
    world.restore("one");
    // By now its source says something else of it.
    world.clock.turn(60_000);
    world.mail(mail("one").bytes(), Folder { labels: labels(), ..Folder::default() });
    world.sync();
    let truth = rest(&mut world, &[user_label("work")]);
    let told = &truth.threads[&thread];
    assert_eq!((told.state.messages.len(), told.cells.place), (1, Place::Inbox));
}

/// How a device comes to the rows of the life that a restore began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// Its log goes back to where both are the same, and on from there.
    Back,
    /// It has a snapshot in place of a log, and takes the whole log in.
    Log,
    /// Or another snapshot.
    Snapshot,
}

fn snapshot(world: &mut World) {
    world.commit();
    assert!(world.backend().make_snapshot().unwrap());
    world.commit();
    assert!(world.backend().truncate().unwrap() > 0);
}

/// A device did something, rows showed it, and a restore took it; the device has it in a log that
/// it keeps. It hears of the restore frame by frame, and shows it at each.
fn shows_what_it_did(by: Rows) {
    let mut world = world(25);
    let thread = receive(&mut world, "one", "one");
    let other = receive(&mut world, "two", "two");
    world.sync();
    world.backup("whole log");
    let mut at = B;
    if by != Rows::Back {
        snapshot(&mut world);
        at = world.join("c", true);
        world.sync();
    }
    world.backup("snapshot");
    (world.slice, world.boot_slices) = (1, 1);
    hold(&mut world, at, &thread);
    change(&mut world, at, &thread, Change::Label(user_label("work"), true));
    change(&mut world, at, &other, Change::Star(true));
    world.sync();
    without(&mut world, at);
    // That log is not open, and is compared when the Mailbox log was.
    world.restart_device(at);
    world.restore(if by == Rows::Snapshot { "snapshot" } else { "whole log" });
    world.turn_pages_of(1);
    world.sync();
    change(&mut world, A, &thread, Change::Star(true));
    world.sync();
    if by == Rows::Snapshot {
        snapshot(&mut world);
    }
    world.stations[at].apart = false;
    world.connect(at);
    let (mut starred, mut quiet) = (false, 0);
    while quiet < 3 {
        // There may be no row while the rows are made again.
        if let Some(row) = world.device(at).row(&thread).unwrap() {
            let shown = row.labels.contains(&user_label("work"));
            assert!(shown, "{by:?}, starred {starred}: {row:?}");
            starred |= row.starred;
        }
        world.send(at, Some);
        let mut moved = world.deliver_up(at);
        world.commit();
        moved |= world.step() | world.pump() | world.deliver_down(at);
        quiet = if moved { 0 } else { quiet + 1 };
    }
    assert!(starred, "{by:?}: it has heard of what others did since");
    rest(&mut world, &[user_label("work")]);
}

#[test]
fn what_a_device_did_is_shown_at_every_moment_of_a_restore() {
    [Rows::Back, Rows::Log, Rows::Snapshot].into_iter().for_each(shows_what_it_did);
}

/// Whether a device's Mailbox log holds an event that a purge has emptied.
fn has_gone(world: &World, at: usize) -> bool {
    let log = Log::all(world.device(at).db(), &StoreId::mailbox()).unwrap();
    log.iter().any(|event| event.event.args.is_gone())
}

#[test]
fn what_a_purge_emptied_on_a_device_is_whole_again_when_a_restore_took_the_purge() {
    let mut world = world(31);
    // A page of the Mailbox log at a time: the device sees what the purge emptied, not the purge.
    world.turn_pages_of(1);
    let thread = receive(&mut world, "one", "one");
    world.sync();
    world.cut(B);
    world.stations[B].apart = true;
    change(&mut world, A, &thread, Change::Place(Place::Archive));
    world.sync();
    change(&mut world, A, &thread, Change::Place(Place::Trash));
    world.sync();
    world.backup("one");
    let seen = mailbox::watermark(world.device(A).db(), &thread).unwrap().unwrap();
    let row = vec![SeenThread { thread: thread.clone(), seen }];
    let order = PurgeOrder { rows: vec![row], anywhere: true, ..PurgeOrder::default() };
    assert_eq!(world.backend().purge(&order).unwrap()[0].kept, None);
    world.commit();
    // A never hears of it; B fetches until just before it.
    world.cut(A);
    world.stations[B].apart = false;
    world.connect(B);
    for _ in 0..100 {
        if has_gone(&world, B) {
            break;
        }
        world.deliver_down(B);
        world.send(B, Some);
        while world.deliver_up(B) {}
        world.pump();
    }
    assert!(has_gone(&world, B) && world.device(B).row(&thread).unwrap().is_some());
    world.let_go(B);
    world.restore("one");
    let truth = rest(&mut world, &[]);
    assert!(truth.threads.contains_key(&thread));
    assert_eq!(place(&world, B, &thread), Place::Trash);
}
