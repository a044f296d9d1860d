//! Logs that a device of a remote backend keeps, when its disk refuses as they come in.
//!
//! Invariant: what is kept is a beginning of the backend's log, whichever call of the disk fails.

use mailtui::bridge::{Folder, Outcome};
use mailtui::id::ThreadId;
use mailtui::store::Event;

use crate::support::disk::{CHANGES, Fault};
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
