//! Sending between two devices and a backend, with a server that answers as it is told: whoever
//! queued or took back, wherever its clock stands, and whether it is there or not.
//!
//! Invariant: the real state machines over real files; only the way to a mail server is left out.

use mailtui::backend::{Claim, Due, Gave, Given, prepare};
use mailtui::bridge::{Folder, Incoming};
use mailtui::clock::Clock as _;
use mailtui::command::intent::{Intent, SendOrder};
use mailtui::engine::view::OutboxState;
use mailtui::id::{EventId, ThreadId};
use mailtui::label::Place;
use mailtui::mail::compose::Draft;
use mailtui::store::Blobs;

use crate::support::world::World;

const A: usize = 0;
const B: usize = 1;
/// Milliseconds of a second, and of an hour.
const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;

fn intend(world: &mut World, at: usize, intent: &Intent) -> (ThreadId, EventId) {
    let done = world.device_mut(at).intend(intent).expect("decides");
    world.save(at);
    let wrote = done.wrote.expect("something was written");
    (wrote.thread, wrote.event)
}

/// Writes a draft and queues it on a device; nothing is sent to anybody yet.
fn queue(world: &mut World, at: usize, subject: &str) -> (ThreadId, EventId) {
    let draft = Draft {
        from: "ann@example.org".to_owned(),
        to: "bob@example.org".to_owned(),
        subject: subject.to_owned(),
        body: "At noon?".to_owned(),
        ..Draft::default()
    };
    let draft = Intent::SaveDraft { slot: None, thread: None, from: None, draft: Box::new(draft) };
    let (thread, save) = intend(world, at, &draft);
    send(world, at, &thread, save, None)
}

fn send(
    world: &mut World,
    at: usize,
    thread: &ThreadId,
    save: EventId,
    again: Option<EventId>,
) -> (ThreadId, EventId) {
    let order = SendOrder {
        thread: thread.clone(),
        save,
        domain: "example.org".to_owned(),
        hold: 10,
        send_at: None,
        offset: 60,
        again,
        partial: false,
        remind: None,
    };
    intend(world, at, &Intent::Send(order))
}

/// What the backend would send now.
fn due(world: &mut World) -> Vec<Due> {
    let now = world.clock.now();
    let due = world.backend().outbox_look(now).expect("looks").due;
    world.commit();
    due
}

fn raw(due: &Due) -> Vec<u8> {
    let (id, to, subject) = (&due.of.message_id, &due.draft.to, &due.draft.subject);
    let head = format!("From: ann@example.org\r\nTo: {to}\r\nSubject: {subject}\r\n");
    format!("{head}Message-ID: <{id}>\r\n\r\n{}\r\n", due.draft.body).into_bytes()
}

/// Claims a message; whether it may be given away.
fn claim(world: &mut World, due: &Due) -> bool {
    let account = "ann".to_owned();
    let claim = Claim { due: due.clone(), account, raw: Blobs::pack(&raw(due)) };
    let now = world.clock.now();
    let claimed = world.backend().outbox_claim(&claim, now).expect("claims");
    world.commit();
    claimed
}

fn settle(world: &mut World, due: &Due, given: Given) {
    let folder = Folder { place: Some(Place::Archive), sent: true, ..Folder::default() };
    let incoming = Incoming { raw: raw(due), folder, flags: None, file_time: None };
    let message = prepare(incoming, due.at);
    let (due, account) = (due.clone(), "ann".to_owned());
    let gave = Gave { due, account, file: false, message, given };
    let now = world.clock.now();
    world.backend().outbox_settle(gave, now).expect("settles");
    world.commit();
}

/// Gives everything away that is due; how many that were.
fn give_away(world: &mut World) -> usize {
    let all = due(world);
    let mut given = 0;
    for due in all {
        if claim(world, &due) {
            settle(world, &due, Given::Taken { refused: Vec::new() });
            given += 1;
        }
    }
    given
}

/// Subjects of drafts, and of the outbox with its states.
fn rows(world: &World, at: usize) -> (Vec<String>, Vec<(String, OutboxState)>) {
    let rows = world.device(at).outgoing_rows().expect("readable");
    let drafts = rows.drafts.into_iter().map(|row| row.subject).collect();
    (drafts, rows.outbox.into_iter().map(|row| (row.subject, row.state)).collect())
}

fn sent(world: &World, at: usize) -> usize {
    let window = mailtui::engine::view::Window::First;
    let list = mailtui::label::system("sent");
    world.device(at).page(&list, &window, 50).expect("readable").rows.len()
}

#[test]
fn one_device_queues_and_the_other_takes_it_back_within_the_hold() {
    let mut world = World::new(&[("A", false), ("B", true)], 21);
    let (thread, queued) = queue(&mut world, A, "Lunch");
    world.sync();
    world.clock.turn(9 * SECOND);
    assert_eq!(give_away(&mut world), 0);
    intend(&mut world, B, &Intent::CancelSend { thread, queued });
    world.sync();
    world.clock.turn(HOUR);
    assert_eq!(give_away(&mut world), 0);
    world.sync();
    for at in [A, B] {
        assert_eq!(rows(&world, at), (vec!["Lunch".to_owned()], Vec::new()), "{at}");
    }
}

#[test]
fn who_takes_it_back_too_late_sees_that_it_was_sent() {
    let mut world = World::new(&[("A", false), ("B", true)], 22);
    let (thread, queued) = queue(&mut world, A, "Lunch");
    world.sync();
    world.stations[B].apart = true;
    intend(&mut world, B, &Intent::CancelSend { thread, queued });
    assert_eq!(rows(&world, B).0, ["Lunch"], "as far as it knows");
    world.clock.turn(10 * SECOND);
    assert_eq!(give_away(&mut world), 1);
    world.stations[B].apart = false;
    world.sync();
    for at in [A, B] {
        assert_eq!((rows(&world, at), sent(&world, at)), ((Vec::new(), Vec::new()), 1), "{at}");
    }
    world.clock.turn(HOUR);
    assert_eq!(give_away(&mut world), 0);
}

#[test]
fn who_goes_offline_after_queueing_is_sent_for_and_hears_of_it_later() {
    let mut world = World::new(&[("A", false), ("B", true)], 23);
    queue(&mut world, A, "Lunch");
    world.sync();
    world.stations[A].apart = true;
    world.clock.turn(10 * SECOND);
    assert_eq!(give_away(&mut world), 1);
    assert_eq!(rows(&world, A).1, [("Lunch".to_owned(), OutboxState::Queued)]);
    world.stations[A].apart = false;
    world.sync();
    assert_eq!((rows(&world, A), sent(&world, A)), ((Vec::new(), Vec::new()), 1));
    // Queued offline: the hold begins when the backend takes it.
    world.stations[B].apart = true;
    queue(&mut world, B, "Dinner");
    world.clock.turn(HOUR);
    world.stations[B].apart = false;
    world.sync();
    assert_eq!(give_away(&mut world), 0);
    world.clock.turn(10 * SECOND);
    assert_eq!(give_away(&mut world), 1);
}

#[test]
fn clocks_of_devices_change_nothing() {
    for hours in [-50_000, -7, 7, 50_000] {
        let mut world = World::new(&[("A", false), ("B", true)], 24);
        for at in [A, B] {
            world.stations[at].clock.turn(hours * HOUR);
        }
        let (thread, queued) = queue(&mut world, A, "Lunch");
        queue(&mut world, B, "Dinner");
        world.sync();
        assert_eq!(give_away(&mut world), 0, "{hours}");
        intend(&mut world, B, &Intent::CancelSend { thread, queued });
        world.sync();
        world.clock.turn(9 * SECOND);
        assert_eq!(give_away(&mut world), 0, "{hours}");
        world.clock.turn(SECOND);
        assert_eq!(give_away(&mut world), 1, "{hours}");
        world.sync();
        assert_eq!(rows(&world, A), (vec!["Lunch".to_owned()], Vec::new()));
    }
}

#[test]
fn a_backend_that_dies_while_it_sends_does_not_send_again() {
    let mut world = World::new(&[("A", false), ("B", true)], 25);
    let (thread, queued) = queue(&mut world, A, "Lunch");
    world.sync();
    world.clock.turn(10 * SECOND);
    let one = due(&mut world).remove(0);
    assert!(claim(&mut world, &one));
    world.kill_backend();
    world.restart_backend();
    assert_eq!(give_away(&mut world), 0);
    world.sync();
    for at in [A, B] {
        assert_eq!(rows(&world, at).1, [("Lunch".to_owned(), OutboxState::Unknown)]);
    }
    // Both want it again, and do not know of each other.
    let save = world.device(A).outgoing_rows().expect("readable").outbox[0].save.clone();
    for at in [A, B] {
        world.stations[at].apart = true;
        send(&mut world, at, &thread, save.clone(), Some(queued.clone()));
    }
    for at in [A, B] {
        world.stations[at].apart = false;
    }
    world.sync();
    world.clock.turn(10 * SECOND);
    assert_eq!(give_away(&mut world), 1);
    world.clock.turn(HOUR);
    assert_eq!(give_away(&mut world), 0);
    world.sync();
    // It is the same message, and was sent.
    assert_eq!((rows(&world, B), sent(&world, B)), ((Vec::new(), Vec::new()), 1));
    assert_eq!(world.backend().doctor().expect("looks"), []);
}

#[test]
fn a_backup_that_is_put_back_sends_nothing_again() {
    for sent_before in [false, true] {
        let mut world = World::new(&[("A", false), ("B", true)], 26);
        queue(&mut world, A, "Lunch");
        world.sync();
        assert!(world.backup("older"));
        world.clock.turn(10 * SECOND);
        if sent_before {
            assert_eq!(give_away(&mut world), 1);
        }
        world.sync();
        assert!(world.restore("older"));
        // Nothing sends here, and nobody needs to: it is known from its epoch.
        world.sync();
        for at in [A, B] {
            assert_eq!(rows(&world, at).1, [("Lunch".to_owned(), OutboxState::Unknown)]);
        }
        for _ in 0..3 {
            assert_eq!(give_away(&mut world), 0, "{sent_before}");
            world.sync();
            world.clock.turn(HOUR);
        }
        for at in [A, B] {
            let (drafts, outbox) = rows(&world, at);
            assert_eq!((drafts.len(), outbox.len()), (0, 1), "{sent_before}: {outbox:?}");
            assert_eq!(outbox[0].1, OutboxState::Unknown);
        }
        // What is queued from now on is as ever.
        queue(&mut world, B, "Dinner");
        world.sync();
        world.clock.turn(10 * SECOND);
        assert_eq!(give_away(&mut world), 1);
    }
}
