//! Logs that a device of a remote backend keeps, when its disk refuses as they come in, or is late.
//!
//! Invariant: what is kept is a beginning of the backend's log, whichever call of the disk fails;
//! an own event is on the device's disk until a log that is kept has it there.

use mailtui::bridge::{Folder, Outcome};
use mailtui::command::intent::{Change, Intent};
use mailtui::id::{StoreId, ThreadId};
use mailtui::label::Place;
use mailtui::mailbox;
use mailtui::store::disk::CAN_BE_WATCHED;
use mailtui::store::{Event, Own};

use crate::support::disk::{CHANGES, Call, Fault};
use crate::support::mail::mail;
use crate::support::truth::log_of;
use crate::support::world::World;

/// Calls of the disk that taking the pages in makes, at most.
const MOST_CALLS: u64 = 500;

fn receive(world: &mut World, name: &str) -> ThreadId {
    world.clock.turn(60_000);
    let message = if name == "one" { mail(name) } else { mail(name).reply_to("one", "one") };
    match world.mail(message.bytes(), Folder::default()) {
        Outcome::Imported { thread, .. } => thread,
        other => panic!("{other:?}"),
    }
}

/// A page comes in while one call of the disk fails, and another when it works again; what is kept
/// in the end, what the backend has, and whether there was such a call.
fn kept_after(nth: u64) -> (Vec<Event>, Vec<Event>, bool) {
    let mut world = World::new(&[("a", true)], 1);
    let thread = receive(&mut world, "one");
    world.sync();
    world.device_mut(0).load(&thread).unwrap();
    world.sync();
    assert!(!world.device(0).kept_log(&thread).unwrap().is_empty());
    receive(&mut world, "two");
    world.project();
    while world.pump() {}
    world.stations[0].disk.plan(CHANGES, nth, 1, Fault::Error);
    while world.deliver_down(0) {}
    let failed = world.stations[0].disk.heal() > 0;
    receive(&mut world, "three");
    world.sync();
    let (log, _) = log_of(&world.backend_dir(), &thread);
    (world.device(0).kept_log(&thread).unwrap(), log, failed)
}

#[test]
fn a_page_that_the_disk_refuses_leaves_no_hole_in_a_kept_log() {
    let mut calls = 0;
    for nth in 1..=MOST_CALLS {
        let (kept, log, failed) = kept_after(nth);
        assert_eq!(kept, log, "call {nth} of the disk failed");
        if !failed {
            break;
        }
        calls = nth;
    }
    assert!((2..MOST_CALLS).contains(&calls), "{calls} calls");
}

#[test]
fn an_own_event_stays_until_the_kept_log_that_holds_it_is_on_disk() {
    if !CAN_BE_WATCHED {
        return println!("skipped: a release build has no way to a test's disk");
    }
    for refuses in [false, true] {
        let mut world = World::new(&[("a", true)], 1);
        world.sync_later(0);
        let thread = receive(&mut world, "one");
        world.sync();
        world.device_mut(0).load(&thread).unwrap();
        world.sync();
        let targets = world.device(0).targets(&thread).unwrap();
        let changes = vec![Change::Place(Place::Archive)];
        world.device_mut(0).intend(&Intent::Change { changes, targets }).unwrap();
        // It is on disk when it is sent, and so is that it was offered.
        for _ in 0..2 {
            world.save(0);
            world.sync_disk(0);
            world.send(0, Some);
        }
        while world.deliver_up(0) {}
        world.commit();
        world.project();
        while world.pump() {}
        while world.deliver_down(0) {}

        let store = StoreId::thread(&thread);
        let own = |world: &World| Own::of(world.device(0).db(), &store).unwrap();
        let waits = own(&world);
        let seen = mailbox::watermark(world.device(0).db(), &thread).unwrap().unwrap();
        let log = world.device(0).kept_log(&thread).unwrap();
        assert_eq!(waits.len(), 1, "its log is not on disk");
        assert!(waits[0].position.is_some_and(|at| at <= seen.position), "rows show it");
        assert!(log.iter().any(|event| event.event.id == waits[0].id), "its log holds it");
        assert!(world.device(0).unsynced_kept().is_some());
        if refuses {
            world.stations[0].disk.plan(&[Call::Sync], 1, 1, Fault::Error);
            assert!(world.sync_disk(0) && world.device(0).is_distrusted());
            assert_eq!(own(&world), waits);
        }
        world.sync_disk(0);
        assert_eq!(own(&world), []);
        assert!(world.device(0).unsynced_kept().is_none());
        let disk = world.stations[0].disk.kept();
        let name = |end: &str| disk.iter().find(|(path, _)| path.ends_with(end));
        let (whole, log) = (name("threads.db").unwrap(), name("threads.db-wal"));
        let id = uuid::Uuid::parse_str(waits[0].id.as_str()).unwrap();
        let has = |bytes: &[u8]| bytes.windows(16).any(|part| part == id.as_bytes());
        assert!(has(whole.1) || log.is_some_and(|(_, bytes)| has(bytes)), "{refuses}");
    }
}
