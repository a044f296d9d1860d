//! Loaded Thread stores: when they are asked for, stay, and go.
//!
//! Invariant: letting go of one loses nothing.

use std::collections::BTreeSet;

use mailtui::bridge::Folder;
use mailtui::engine::Device;
use mailtui::id::{StoreId, ThreadId};
use mailtui::limits::THREAD_IDLE;
use mailtui::store::Log;
use mailtui::sync::Frame;

use super::keys;
use crate::support::mail::mail;
use crate::support::pair::{A, B, Pair};

/// Another conversation, known to both devices and loaded on none.
fn another(pair: &mut Pair) -> ThreadId {
    let known: BTreeSet<ThreadId> = threads(pair);
    pair.world.mail(mail("another").bytes(), Folder::default());
    pair.world.sync();
    threads(pair).difference(&known).next().expect("one more").clone()
}

fn threads(pair: &Pair) -> BTreeSet<ThreadId> {
    let window = mailtui::engine::view::Window::First;
    let page = pair.world.device(A).page(&mailtui::label::system("inbox"), &window, 99);
    page.expect("readable").rows.into_iter().flat_map(|r| r.members).map(|m| m.thread).collect()
}

fn load(pair: &mut Pair, thread: &ThreadId) {
    pair.world.device_mut(A).load(thread).expect("loads");
}

/// How often a device asks for a store now.
fn asks(pair: &mut Pair, thread: &ThreadId) -> usize {
    let (store, frames) = (StoreId::thread(thread), pair.world.device_mut(A).outgoing());
    let asks = |frame: &Frame| matches!(frame, Frame::Subscribe { store: s, .. } if *s == store);
    frames.expect("speaks").iter().filter(|frame| asks(frame)).count()
}

fn idle(pair: &mut Pair, part: f64) {
    let idle_ms = THREAD_IDLE.mul_f64(part).as_millis();
    pair.world.stations[A].clock.turn(i64::try_from(idle_ms).expect("small"));
    pair.world.device_mut(A).evict_idle().expect("evicts");
}

fn is_open(pair: &Pair, thread: &ThreadId) -> bool {
    pair.world.device(A).is_open(thread)
}

fn is_loaded(device: &Device, thread: &ThreadId) -> bool {
    device.is_loaded(thread)
}

pub(crate) fn loading() {
    let mut pair = Pair::new();
    let thread = another(&mut pair);
    for _ in 0..3 {
        load(&mut pair, &thread);
    }
    assert!(is_open(&pair, &thread) && !is_loaded(pair.world.device(A), &thread), "not yet");
    assert_eq!(asks(&mut pair, &thread), 1, "asked for once");
    pair.world.cut(A);
    pair.world.sync();
    assert!(is_loaded(pair.world.device(A), &thread));
    load(&mut pair, &thread);
    assert!(is_loaded(pair.world.device(A), &thread), "at once");
    assert_eq!(asks(&mut pair, &thread), 0);
}

pub(crate) fn load_nothing() {
    let mut pair = Pair::new();
    let nothing = ThreadId::try_from("nobodyknows").unwrap();
    load(&mut pair, &nothing);
    pair.world.sync();
    assert!(!pair.world.device(A).holds(&nothing));
}

pub(crate) fn idle_goes() {
    let mut pair = Pair::new();
    let thread = another(&mut pair);
    load(&mut pair, &thread);
    pair.world.sync();
    idle(&mut pair, 0.9);
    assert!(is_open(&pair, &thread), "not idle for long enough");
    load(&mut pair, &thread);
    idle(&mut pair, 0.9);
    assert!(is_open(&pair, &thread), "it was asked for since");
    idle(&mut pair, 0.2);
    assert!(!is_open(&pair, &thread));
    // One that nobody waited for goes too, loaded or not.
    load(&mut pair, &thread);
    idle(&mut pair, 1.1);
    assert!(!is_open(&pair, &thread));
}

pub(crate) fn open_stays() {
    let mut pair = Pair::new();
    let thread = another(&mut pair);
    load(&mut pair, &thread);
    pair.world.device_mut(A).pin([thread.clone()]);
    idle(&mut pair, 3.0);
    assert!(is_open(&pair, &thread));
    for _ in 0..50 {
        pair.world.device_mut(A).pin([]);
        pair.world.device_mut(A).pin([thread.clone()]);
    }
    idle(&mut pair, 3.0);
    assert!(is_open(&pair, &thread), "let go and taken again in time");
    pair.world.device_mut(A).pin([]);
    idle(&mut pair, 1.1);
    assert!(!is_open(&pair, &thread));
}

pub(crate) fn evicted_while_loading() {
    let mut pair = Pair::new();
    let thread = another(&mut pair);
    load(&mut pair, &thread);
    pair.world.send(A, Some);
    while pair.world.deliver_up(A) {}
    pair.world.pump();
    idle(&mut pair, 1.1);
    assert!(!is_open(&pair, &thread));
    // The answer comes all the same, and is nobody's.
    while pair.world.deliver_down(A) {}
    assert!(!is_open(&pair, &thread) && !pair.world.device(A).holds(&thread));
    pair.world.sync();
}

pub(crate) fn two_stores() {
    let mut pair = Pair::new();
    let (one, other) = (another(&mut pair), pair.target.thread.clone());
    load(&mut pair, &one);
    load(&mut pair, &other);
    idle(&mut pair, 0.6);
    load(&mut pair, &other);
    idle(&mut pair, 0.6);
    assert!(!is_open(&pair, &one) && is_open(&pair, &other), "each by its own time");
}

pub(crate) fn fresh_again() {
    let mut pair = Pair::new();
    let head = pair.head();
    let thread = pair.target.thread.clone();
    idle(&mut pair, 1.1);
    pair.world.sync();
    let theirs = keys(&mut pair, B, "theirs", 1);
    pair.world.sync();
    assert!(!is_loaded(pair.world.device(A), &thread));
    pair.load(A);
    pair.world.sync();
    assert!(is_loaded(pair.world.device(A), &thread));
    pair.ends("fresh", head, &theirs);
    let mailbox = StoreId::mailbox();
    let heads = [A, B].map(|at| Log::head(pair.world.device(at).db(), &mailbox).expect("readable"));
    assert_eq!(heads[0], heads[1]);
}
