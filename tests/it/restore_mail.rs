//! Mail that is taken in again after a restore, from its files or its server: before or after what
//! the devices hold of it is back, it is there once.

use std::collections::BTreeSet;

use mailtui::bridge::{Folder, Outcome};
use mailtui::command::intent::{Change, Intent};
use mailtui::id::ThreadId;
use mailtui::label::user_label;
use mailtui::mailbox;
use mailtui::sync::{PurgeOrder, SeenThread};

use crate::restore::{A, B, change, decide, hold, receive, rest, without, world};
use crate::support::mail::{Mail, mail};
use crate::support::world::World;

/// Takes mail in; which conversation each message is in.
fn take_in(world: &mut World, all: &[Mail]) -> Vec<ThreadId> {
    let take_in = |message: &Mail| match world.mail(message.bytes(), Folder::default()) {
        Outcome::Imported { thread, .. } | Outcome::Duplicate { thread, .. } => thread,
        other => panic!("{other:?}"),
    };
    all.iter().map(take_in).collect()
}

#[test]
fn mail_that_came_back_and_is_taken_in_again_is_there_once() {
    let mut world = world(25);
    let backup = mail("old");
    world.mail(backup.bytes(), Folder::default());
    world.sync();
    world.backup("one");
    // Two conversations that turn out to be one: each has a message that names one of the other.
    let long = "A line of a long text.\n".repeat(4096);
    let mut all = vec![mail("one").body(&long), mail("two").body(&long)];
    all.push(mail("three").reply_to("one", "two"));
    all.push(mail("four").reply_to("two", "one"));
    let mut threads = BTreeSet::new();
    for message in &all {
        let Outcome::Imported { thread, .. } = world.mail(message.bytes(), Folder::default())
        else {
            panic!("it is new")
        };
        threads.insert(thread);
    }
    assert_eq!(threads.len(), 2);
    world.sync();
    for thread in &threads {
        hold(&mut world, B, thread);
    }
    world.restore("one");
    rest(&mut world, &[]);
    for message in all.iter().rev() {
        world.mail(message.bytes(), Folder::default());
    }
    let truth = rest(&mut world, &[]);
    let messages = threads.iter().map(|thread| truth.threads[thread].state.messages.len());
    assert_eq!(messages.sum::<usize>(), 4);
    assert_eq!(world.backend().doctor().unwrap(), Vec::new(), "their bytes are here again");
}

#[test]
fn a_text_that_two_messages_share_is_kept_for_the_one_that_is_left() {
    for older in [false, true] {
        let mut world = world(27);
        receive(&mut world, "old", "old");
        world.sync();
        world.backup("one");
        let long = "A line of a long text.\n".repeat(4096);
        let both = [mail("one").body(&long), mail("two").body(&long)];
        let threads = take_in(&mut world, &both);
        world.sync();
        for thread in &threads {
            hold(&mut world, B, thread);
        }
        world.restore("one");
        world.restart_without_texts(B);
        rest(&mut world, &[]);
        if older {
            // A program before this one counted nothing that was missing.
            let threads = rusqlite::Connection::open(world.backend_dir().join("threads.db"));
            threads.unwrap().execute("DROP TABLE missingBlobs", []).unwrap();
            world.restart_backend();
        }
        assert_eq!(take_in(&mut world, &both), threads);
        rest(&mut world, &[]);
        let seen = mailbox::watermark(world.device(A).db(), &threads[0]).unwrap().unwrap();
        let row = vec![SeenThread { thread: threads[0].clone(), seen }];
        let order = PurgeOrder { rows: vec![row], anywhere: true, ..PurgeOrder::default() };
        assert_eq!(world.backend().purge(&order).unwrap()[0].kept, None);
        assert_eq!(world.backend().doctor().unwrap(), Vec::new(), "the other has its text");
    }
}

#[test]
fn a_conversation_that_was_fetched_again_in_another_order_is_one_conversation() {
    let mut world = world(26);
    receive(&mut world, "old", "old");
    world.sync();
    world.backup("one");
    let thread = receive(&mut world, "one", "one");
    receive(&mut world, "one", "two");
    world.sync();
    hold(&mut world, B, &thread);
    without(&mut world, B);
    change(&mut world, B, &thread, Change::Label(user_label("work"), true));
    world.restore("one");
    // A mail server is asked for the newest first, and for the others next.
    let again = receive(&mut world, "one", "two");
    assert_ne!(again, thread);
    assert_eq!(receive(&mut world, "one", "one"), again);
    world.sync();
    change(&mut world, A, &again, Change::Star(true));
    rest(&mut world, &[user_label("work")]);
    let row = world.device(B).row(&thread).unwrap().unwrap();
    assert_eq!(row.members.len(), 2, "what holds the same messages is one");
    assert!(row.starred && row.labels.contains(&user_label("work")), "with every key");
    world.device_mut(B).load(&again).unwrap();
    world.sync();
    let read = world.device_mut(B).thread(&thread).unwrap().unwrap();
    let subjects: Vec<_> = read.messages.iter().map(|m| m.subject.clone().unwrap()).collect();
    assert_eq!(subjects, ["one", "two"], "each message once");
    assert_eq!(read.row.message_count, 2, "and counted once");
}

#[test]
fn messages_that_two_threads_hold_after_a_restore_count_once() {
    let mut world = world(28);
    receive(&mut world, "old", "old");
    world.sync();
    world.backup("one");
    let names = ["one", "two", "three"];
    let threads: BTreeSet<ThreadId> =
        names.iter().map(|name| receive(&mut world, "one", name)).collect();
    let thread = threads.first().unwrap().clone();
    world.sync();
    hold(&mut world, B, &thread);
    without(&mut world, B);
    world.restore("one");
    // The other way round, and one more that the device does not have.
    let again = receive(&mut world, "one", "three");
    for name in ["two", "one", "four"] {
        assert_eq!(receive(&mut world, "one", name), again);
    }
    world.sync();
    let truth = rest(&mut world, &[]);
    for at in [A, B] {
        let row = world.device(at).row(&thread).unwrap().unwrap();
        assert_eq!((row.members.len(), row.message_count), (2, 4));
    }
    let held = |thread| truth.threads[thread].state.messages.len();
    assert_eq!((threads.len(), held(&thread), held(&again)), (1, 3, 4), "nothing of it goes");
    // Who takes them apart sees in each what it holds.
    let row = world.device(A).row(&thread).unwrap().unwrap();
    let members = row.members.into_iter().map(|member| member.thread).collect();
    decide(&mut world, A, &Intent::Split(members));
    world.sync();
    for (thread, count) in [(&thread, 3), (&again, 4)] {
        assert_eq!(world.device(A).row(thread).unwrap().unwrap().message_count, count);
    }
}
