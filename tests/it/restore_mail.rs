//! Mail that is taken in again after a restore, from its files or its server: before or after what
//! the devices hold of it is back, it is there once.

use std::collections::BTreeSet;

use mailtui::bridge::{Folder, Outcome};
use mailtui::command::intent::Change;
use mailtui::label::user_label;

use crate::restore::{A, B, change, hold, receive, rest, without, world};
use crate::support::mail::mail;

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
}
