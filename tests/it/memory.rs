//! What a device holds in memory: the open conversation stays, the rest is bounded and goes when
//! nobody asks for it, and what goes comes back.
//!
//! Invariant: time is a manual clock's; nothing here waits for it to pass.

use std::sync::Arc;

use mailtui::backend::{Host, Options, listener};
use mailtui::bridge::Folder;
use mailtui::clock::SystemClock;
use mailtui::engine::handle::Request;
use mailtui::engine::link::Endpoint;
use mailtui::engine::view::Window;
use mailtui::engine::{Device, start};
use mailtui::id::ThreadId;
use mailtui::label::system;
use mailtui::limits::{THREAD_IDLE, THREAD_STORES_DEVICE};

use crate::support::binary::Home;
use crate::support::mail::{mail, many, write_maildir};
use crate::support::world::World;
use crate::support::{SCREEN_DEADLINE, wait_for};

/// A backend and a device, with so many conversations of one message.
fn with_conversations(remote: bool, count: i64) -> (World, Vec<ThreadId>) {
    let mut world = World::new(&[("A", remote)], 1);
    for mail in many("note", count) {
        world.mail(mail.bytes(), Folder::default());
    }
    world.sync();
    let most = usize::try_from(count).expect("small");
    let page = world.device(0).page(&system("inbox"), &Window::First, most).expect("readable");
    let threads = page.rows.into_iter().map(|row| row.thread).collect();
    (world, threads)
}

fn load(world: &mut World, threads: &[ThreadId]) {
    for thread in threads {
        world.device_mut(0).load(thread).expect("loads");
    }
    world.sync();
}

#[test]
fn a_conversation_of_more_threads_than_are_kept_is_read_as_a_whole() {
    let linked = THREAD_STORES_DEVICE + 20;
    for remote in [false, true] {
        let count = i64::try_from(linked + THREAD_STORES_DEVICE).expect("small") + 5;
        let (mut world, threads) = with_conversations(remote, count);
        let (members, others) = threads.split_at(linked);
        for member in &members[1..] {
            world.backend().link(&members[0], member).expect("linked");
        }
        world.sync();
        let row = world.device(0).row(&members[0]).expect("readable").expect("there");
        assert_eq!(row.members.len(), linked);

        world.device_mut(0).pin(members.iter().cloned());
        load(&mut world, members);
        let shown = world.device_mut(0).thread(&members[0]).expect("readable").expect("there");
        assert_eq!(shown.messages.len(), linked);

        // Neighbours that are loaded beside it are bounded, and push nothing of it out.
        load(&mut world, others);
        assert!(members.iter().all(|member| world.device(0).is_loaded(member)));
        assert_eq!(world.device(0).loaded(), linked + THREAD_STORES_DEVICE);
        assert!(world.device(0).is_loaded(others.last().expect("some")));
        assert!(!world.device(0).is_open(&others[0]), "the least recently used one goes first");

        // Closed, it is as any other.
        world.device_mut(0).pin([]);
        load(&mut world, &others[..1]);
        assert_eq!(world.device(0).loaded(), THREAD_STORES_DEVICE);
    }
}

#[test]
fn what_nobody_asks_for_goes_and_comes_back() {
    for remote in [false, true] {
        let (mut world, threads) = with_conversations(remote, 3);
        let clock = world.stations[0].clock.clone();
        let idle_ms = i64::try_from(THREAD_IDLE.as_millis()).expect("short");
        world.device_mut(0).pin([threads[0].clone()]);
        load(&mut world, &threads[..2]);
        clock.turn(idle_ms - 1);
        load(&mut world, &threads[2..]);
        world.device_mut(0).evict_idle().expect("evicts");
        assert_eq!(world.device(0).loaded(), 3, "none is idle yet");
        clock.turn(1);
        world.device_mut(0).evict_idle().expect("evicts");
        let held: Vec<bool> = threads.iter().map(|t| world.device(0).is_open(t)).collect();
        assert_eq!(held, [true, false, true], "the open one stays, and the one used just now");
        // The clock set back does not bring anything down.
        clock.turn(-10 * idle_ms);
        world.device_mut(0).evict_idle().expect("evicts");
        assert_eq!(world.device(0).loaded(), 2);
        world.sync();
        load(&mut world, &threads[1..2]);
        let thread = world.device_mut(0).thread(&threads[1]).expect("readable").expect("there");
        assert_eq!(thread.messages.len(), 1);
    }
}

#[test]
fn a_long_text_goes_with_its_thread_and_is_fetched_again() {
    let mut world = World::new(&[("A", false)], 1);
    let long = "a line of a very long letter\n".repeat(5_000);
    world.mail(mail("long").body(&long).bytes(), Folder::default());
    world.sync();
    let page = world.device(0).page(&system("inbox"), &Window::First, 1).expect("readable");
    let thread = page.rows[0].thread.clone();
    for _ in 0..2 {
        load(&mut world, std::slice::from_ref(&thread));
        assert!(world.device(0).is_loaded(&thread));
        let shown = world.device_mut(0).thread(&thread).expect("readable").expect("there");
        assert!(shown.messages[0].text.len() > 100_000);
        let hash = world.device(0).text_blobs(&thread).pop().expect("it is beside the log");
        world.stations[0].clock.turn(i64::try_from(THREAD_IDLE.as_millis()).expect("short"));
        world.device_mut(0).evict_idle().expect("evicts");
        assert!(!world.device(0).has_blob(&hash) && world.device(0).loaded() == 0);
        world.sync();
    }
}

#[test]
fn what_the_screen_asks_for_ahead_is_there_before_it_is_opened() {
    let home = Home::new();
    let mails: Vec<_> = many("note", 20);
    write_maildir(&home.path("Mail"), "", &mails);
    home.import(&home.path("Mail"));
    let options = Options { dir: home.data().join("backend"), thread_clients: 4 };
    let host = Host::start(&options, Box::new(SystemClock)).expect("the backend starts");
    let device = Device::open(&home.data(), false, Box::new(SystemClock)).expect("opens");
    let page = device.page(&system("inbox"), &Window::First, 20).expect("readable");
    let near: Vec<ThreadId> = page.rows.into_iter().map(|row| row.thread).collect();
    let handle = host.handle();
    let endpoint = Endpoint::Pipe(Arc::new(move || listener::pipe(&handle)));
    let (engine, side) = start(device, Some(endpoint), None).expect("the engine starts");

    let ask = |threads: &[ThreadId]| {
        engine.requests.send(Request::Prefetch(threads.to_vec())).expect("it runs");
    };
    let loaded = |thread: &ThreadId| {
        let thread = thread.clone();
        side.ask(move |driver| driver.device.is_loaded(&thread)).expect("it runs")
    };
    ask(&near[..3]);
    let all = || near[..3].iter().all(loaded).then_some(());
    assert!(wait_for(SCREEN_DEADLINE, all).is_some(), "the neighbours were never loaded");
    // However much is asked for, few are loaded.
    ask(&near[5..]);
    assert!(wait_for(SCREEN_DEADLINE, || loaded(&near[12]).then_some(())).is_some());
    assert_eq!(side.ask(|driver| driver.device.loaded()), Some(3 + 8));
    drop(engine);
}
