//! Which events end up where: what a device holds back, offers again, hears of and has confirmed,
//! whoever was first and whatever was lost; and what the backend and the loaded stores owe it.
//!
//! Invariant: the real device and the real backend, on data of our own. `livestore_vectors` names
//! these scenarios for what others have written down of the same situations.

mod loaded;
mod pages;
mod wire;

use mailtui::bridge::Folder;
use mailtui::id::EventId;
use mailtui::limits::PAGE_EVENTS;
use mailtui::store::{Args, Event, NewEvent};
use mailtui::sync::Frame;

use crate::support::mail::mail;
use crate::support::pair::{A, B, Incoming, Merge, Pair, check};

/// A merge case: name, events before, pending, committed then, incoming (`0` is the first pending
/// one, a word somebody else's), and what is left pending.
type Case = (&'static str, usize, usize, usize, &'static [&'static str], &'static [usize]);

const CASES: &[Case] = &[
    ("nothing comes in", 0, 2, 0, &[], &[0, 1]),
    ("the one that is pending", 0, 1, 0, &["0"], &[]),
    ("the first of two", 2, 2, 0, &["0"], &[1]),
    ("mine and then another's", 0, 1, 0, &["0", "x"], &[]),
    ("another's came first", 1, 2, 0, &["x"], &[0, 1]),
    ("another's came between", 0, 2, 0, &["0", "x"], &[1]),
    ("others came before and after", 0, 3, 0, &["x", "0", "y", "1", "z"], &[2]),
    ("nothing was pending", 0, 0, 0, &["x", "y"], &[]),
    ("more is committed", 1, 1, 2, &[], &[0, 1, 2]),
    // A later one without the earlier: no device sends that; it is still there once.
    ("the second of two, alone", 0, 2, 0, &["1"], &[0]),
    ("the second, another's, the first", 0, 3, 0, &["1", "x", "0"], &[2]),
];

#[test]
fn pending_events_end_up_behind_what_was_first() {
    for (name, upstream, pending, commits, incoming, left) in CASES {
        let named = |n: &usize| format!("{n}");
        let incoming = incoming.iter().map(|text| {
            text.parse().map_or_else(|_| Incoming::Foreign((*text).to_owned()), Incoming::Own)
        });
        check(&Merge {
            name: (*name).to_owned(),
            upstream: *upstream,
            pending: (0..*pending).collect::<Vec<_>>().iter().map(named).collect(),
            commits: (0..*commits).collect::<Vec<_>>().iter().map(named).collect(),
            incoming: incoming.collect(),
            left: left.to_vec(),
        });
    }
}

/// What is checked by name.
pub(crate) type Scenario = (&'static str, fn());

/// Every scenario here.
pub(crate) const SCENARIOS: &[Scenario] = &[
    ("commit reaches the backend", commit_reaches_backend),
    ("offered many times, there once", offered_many_times),
    ("another's came while mine were under way", retry_after_anothers),
    ("offline on both sides", offline_on_both_sides),
    ("many commits at once", many_commits),
    ("both sides at the same time", both_sides),
    ("pushes that fail", pushes_that_fail),
    ("a pull of many pages holds no commit up", pages_and_commits),
    ("a pull that breaks off", pull_breaks_off),
    ("another backend", another_backend),
    ("a later event waits for the earlier", fence),
    ("a lost answer leaves no fence", no_fence_left),
    ("before the first connection", before_connection),
    ("pending over a restart", pending_over_restart),
    ("a commit between page and push", commit_while_merging),
    ("a crash at every step of a push", crash_at_every_step),
    ("a page twice", pages::page_twice),
    ("pages that do not follow", pages::pages_out_of_order),
    ("an event twice in a page of rows", pages::row_twice),
    ("a conversation that is one with itself", pages::one_with_itself),
    ("a page that says nothing of mine", pages::unrelated_page),
    ("an event of an unknown name", pages::unknown_name),
    ("an answer that comes after the rows", pages::answer_after_rows),
    ("order and bounds of pushes", order_and_bounds),
    ("the same id with other arguments", wire::same_id),
    ("ping", wire::ping),
    ("an empty log", wire::empty_log),
    ("a live event after a while", wire::live_after_idle),
    ("from a cursor", wire::from_cursor),
    ("eight at once", wire::eight_at_once),
    ("few large events", wire::few_large),
    ("many small events", wire::many_small),
    ("a backend that comes back", wire::backend_comes_back),
    ("an error over the wire", wire::error_over_the_wire),
    ("a store that is being loaded", loaded::loading),
    ("a store that is not there", loaded::load_nothing),
    ("an idle store goes", loaded::idle_goes),
    ("the open conversation stays", loaded::open_stays),
    ("a store that goes while it is loaded", loaded::evicted_while_loading),
    ("two stores", loaded::two_stores),
    ("a store that comes back is fresh", loaded::fresh_again),
];

#[test]
fn every_scenario_holds() {
    for (name, scenario) in SCENARIOS {
        println!("{name}");
        scenario();
    }
}

fn keys(pair: &mut Pair, at: usize, name: &str, count: usize) -> Vec<EventId> {
    (0..count).map(|n| pair.key(at, &format!("{name}-{n}"))).collect()
}

/// A label put on, as a device would offer it.
fn event(pair: &Pair, n: usize, padding: usize) -> NewEvent {
    let text = format!("{{\"label\":\"u-l{n}\",\"pad\":\"{}\"}}", "x".repeat(padding));
    NewEvent {
        id: EventId::try_from(format!("raw-{n}")).unwrap(),
        name: mailtui::thread::name::LABEL_APPLIED.to_owned(),
        args: Args::from_text(text),
        device: pair.world.device(A).id().clone(),
        action: None,
        epoch: pair.log()[0].event.epoch.clone(),
    }
}

fn ids(events: &[Event]) -> Vec<EventId> {
    events.iter().map(|event| event.event.id.clone()).collect()
}

fn commit_reaches_backend() {
    let mut pair = Pair::new();
    let head = pair.head();
    let mine = keys(&mut pair, A, "mine", 2);
    assert_eq!((pair.shown(A).len(), pair.pending(A)), (2, mine.clone()), "seen at once");
    pair.ends("a commit", head, &mine);
}

fn offered_many_times() {
    let mut pair = Pair::new();
    let head = pair.head();
    let mine = keys(&mut pair, A, "mine", 10);
    for _ in 0..3 {
        pair.push_lost(A, None);
    }
    let known: Vec<NewEvent> = pair.log().into_iter().map(|event| event.event).collect();
    let again: Vec<NewEvent> = known.into_iter().filter(|e| mine.contains(&e.id)).collect();
    // Each twice in one push, and all of it ten times over.
    let twice: Vec<NewEvent> = again.iter().flat_map(|e| [e.clone(), e.clone()]).collect();
    for _ in 0..10 {
        pair.offer(A, &twice);
    }
    pair.ends("offered many times", head, &mine);
}

fn retry_after_anothers() {
    let mut pair = Pair::new();
    let head = pair.head();
    let mine = keys(&mut pair, A, "mine", 6);
    pair.greet(A);
    pair.world.send(A, Some);
    // Under way, and lost; somebody else's is there before the second try.
    pair.world.cut(A);
    let theirs = keys(&mut pair, B, "theirs", 1);
    pair.push_lost(B, None);
    let more = keys(&mut pair, A, "more", 1);
    pair.ends("tried again", head, &[theirs, mine, more].concat());
}

fn offline_on_both_sides() {
    let mut pair = Pair::new();
    let head = pair.head();
    pair.world.cut(A);
    let theirs = keys(&mut pair, B, "theirs", 1);
    pair.push_lost(B, None);
    let mine = keys(&mut pair, A, "mine", 1);
    assert_eq!(pair.shown(A).len(), 1, "seen at once");
    pair.ends("offline", head, &[theirs, mine].concat());
}

fn many_commits() {
    let mut pair = Pair::new();
    let head = pair.head();
    let mine = keys(&mut pair, A, "mine", 100);
    pair.ends("many", head, &mine);
}

fn both_sides() {
    let mut pair = Pair::new();
    let head = pair.head();
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    for n in 0..5 {
        theirs.extend(keys(&mut pair, B, &format!("theirs-{n}"), 1));
        mine.extend(keys(&mut pair, A, &format!("mine-{n}"), 1));
        pair.push_lost(if n % 2 == 0 { A } else { B }, None);
        pair.pull(A);
    }
    pair.world.sync();
    let order = pair.ids_above(head);
    let of = |whose: &[EventId]| -> Vec<EventId> {
        order.iter().filter(|id| whose.contains(id)).cloned().collect()
    };
    assert_eq!((of(&mine), of(&theirs)), (mine, theirs), "the order of each device");
    pair.ends("both sides", head, &order);
}

fn pushes_that_fail() {
    let mut pair = Pair::new();
    let head = pair.head();
    let mine = keys(&mut pair, A, "mine", 4);
    for _ in 0..2 {
        pair.greet(A);
        pair.world.send(A, Some);
        pair.world.cut(A);
    }
    // The storage gives up what it had taken, and the answer with it.
    pair.greet(A);
    pair.world.send(A, Some);
    while pair.world.deliver_up(A) {}
    pair.world.backend().roll_back();
    pair.world.cut(A);
    assert_eq!(pair.ids_above(head), []);
    pair.ends("failed pushes", head, &mine);
}

fn pages_and_commits() {
    let mut pair = Pair::new();
    for n in 0..3 * i64::try_from(PAGE_EVENTS).expect("small") {
        pair.world.mail(mail(&format!("page{n}")).at(n % 1_000).bytes(), Folder::default());
    }
    pair.world.project();
    let head = pair.head();
    pair.greet(A);
    let (mut pages, mut mine) = (0, Vec::new());
    for n in 0..64 {
        mine.extend(if n < 4 { keys(&mut pair, A, &format!("mine{n}"), 1) } else { Vec::new() });
        pair.world.send(A, Some);
        while pair.world.deliver_up(A) {}
        pair.world.pump();
        // One frame at a time: keys come between the pages.
        pages += usize::from(pair.world.deliver_down(A));
    }
    assert!(pages > 3, "{pages} frames");
    assert_eq!(pair.ids_above(head), mine, "sent while pages came");
    pair.ends("pages", head, &mine);
}

fn pull_breaks_off() {
    for kill in [false, true] {
        let mut pair = Pair::new();
        for n in 0..250 {
            pair.world.mail(mail(&format!("page{n}")).at(n).bytes(), Folder::default());
        }
        pair.world.project();
        let (head, before) = (pair.head(), pair.world.device(A).head().expect("readable"));
        pair.greet(A);
        pair.world.send(A, Some);
        while pair.world.deliver_up(A) {}
        pair.world.pump();
        while pair.world.device(A).head().expect("readable") == before {
            assert!(pair.world.deliver_down(A), "a page");
        }
        let first = pair.world.device(A).head().expect("readable");
        if kill {
            pair.world.restart_device(A);
        } else {
            pair.world.cut(A);
        }
        assert_eq!(pair.world.device(A).head().expect("readable"), first, "the page is kept");
        let mine = keys(&mut pair, A, "mine", 1);
        pair.load(A);
        pair.ends("broken off", head, &mine);
    }
}

fn another_backend() {
    let mut pair = Pair::new();
    let mine = keys(&mut pair, A, "mine", 1);
    let welcome = Frame::Welcome {
        protocol: mailtui::sync::PROTOCOL,
        backend: "banother00000".to_owned(),
        epoch: pair.log()[0].event.epoch.clone(),
    };
    let before = (pair.world.device(A).head().expect("readable"), pair.kept(A));
    pair.world.cut(A);
    assert!(pair.world.device_mut(A).receive(welcome).is_err(), "not this directory's");
    assert_eq!(pair.pending(A), mine);
    assert_eq!((pair.world.device(A).head().expect("readable"), pair.kept(A)), before);
    let head = pair.head();
    pair.ends("another backend", head, &mine);
}

/// Ids in the push that a device would send now, if any.
fn pushed(pair: &mut Pair, at: usize) -> Vec<EventId> {
    pair.world.save(at);
    let frames = pair.world.device_mut(at).outgoing().expect("speaks");
    let mut ids = Vec::new();
    for frame in frames {
        let Frame::Push { stores } = frame else { continue };
        ids.extend(stores.into_iter().flat_map(|push| push.events).map(|event| event.id));
    }
    ids
}

fn fence() {
    let mut pair = Pair::new();
    let head = pair.head();
    let first = keys(&mut pair, A, "first", 1);
    pair.greet(A);
    assert_eq!(pushed(&mut pair, A), first, "this one is under way, and lost");
    let later = keys(&mut pair, A, "later", 2);
    assert_eq!(pushed(&mut pair, A), [], "nothing later goes before it is answered");
    // An answer that says nothing of it changes nothing.
    pair.key(B, "theirs");
    pair.push_lost(B, None);
    let theirs = pair.ids_above(head);
    assert_eq!(pushed(&mut pair, A), []);
    pair.world.cut(A);
    pair.greet(A);
    let all = [first, later].concat();
    assert_eq!(pushed(&mut pair, A), all, "all of it, in order, on the next connection");
    pair.world.cut(A);
    pair.ends("the fence", head, &[theirs, all].concat());
}

fn no_fence_left() {
    let mut pair = Pair::new();
    let head = pair.head();
    let first = keys(&mut pair, A, "first", 1);
    pair.push_lost(A, None);
    pair.pull(A);
    assert_eq!(pair.pending(A), [], "the log told what the answer did not");
    let next = keys(&mut pair, A, "next", 1);
    pair.greet(A);
    assert_eq!(pushed(&mut pair, A), next);
    pair.world.cut(A);
    pair.ends("no fence", head, &[first, next].concat());
}

fn before_connection() {
    let mut pair = Pair::new();
    let head = pair.head();
    pair.world.restart_device(A);
    let mine = keys(&mut pair, A, "mine", 2);
    assert_eq!(pushed(&mut pair, A), [], "there is nobody to tell");
    pair.load(A);
    pair.ends("before a connection", head, &mine);
}

fn pending_over_restart() {
    let mut pair = Pair::new();
    let head = pair.head();
    let mine = keys(&mut pair, A, "mine", 3);
    let theirs = keys(&mut pair, B, "theirs", 2);
    pair.push_lost(B, None);
    pair.world.restart_device(A);
    assert_eq!((pair.pending(A), pair.shown(A).len()), (mine.clone(), 3));
    pair.load(A);
    pair.ends("a restart", head, &[theirs, mine].concat());
}

fn commit_while_merging() {
    let mut pair = Pair::new();
    let head = pair.head();
    let mine = keys(&mut pair, A, "mine", 2);
    let theirs = keys(&mut pair, B, "theirs", 2);
    pair.push_lost(B, None);
    pair.world.project();
    pair.greet(A);
    pair.world.send(A, |frame| (!matches!(frame, Frame::Push { .. })).then_some(frame));
    while pair.world.deliver_up(A) {}
    pair.world.pump();
    let mut all = mine;
    for n in 0..32 {
        // A key before each frame that comes in, the first of them not even on disk.
        if n < 3 {
            pair.decide(A, &format!("between-{n}"));
        }
        pair.world.deliver_down(A);
    }
    pair.world.save(A);
    let pending = pair.pending(A);
    assert_eq!(pending.len(), 5);
    all.extend(pending[2..].iter().cloned());
    pair.world.cut(A);
    pair.ends("between", head, &[theirs, all].concat());
}

fn crash_at_every_step() {
    for step in 0..4 {
        let mut pair = Pair::new();
        let head = pair.head();
        let mine = keys(&mut pair, A, "mine", 2);
        pair.greet(A);
        if step > 0 {
            pair.world.send(A, Some);
        }
        if step > 1 {
            while pair.world.deliver_up(A) {}
        }
        if step == 2 {
            pair.world.restart_backend();
        }
        if step > 2 {
            pair.world.commit();
        }
        pair.world.restart_device(A);
        pair.load(A);
        pair.ends(&format!("a crash at step {step}"), head, &mine);
    }
}

fn order_and_bounds() {
    for (seed, keys_at_once) in [(1_u64, 1_usize), (2, 3), (3, 4)] {
        let mut pair = Pair::new();
        let head = pair.head();
        let mut dice = crate::support::clock::Dice::new(seed);
        let mut mine = Vec::new();
        for n in 0..6 {
            mine.extend(keys(&mut pair, A, &format!("n{n}"), keys_at_once));
            match dice.below(4) {
                0 => pair.push_lost(A, None),
                1 => pair.world.restart_device(A),
                2 => pair.world.sync(),
                _ => {}
            }
        }
        pair.load(A);
        pair.ends("bounds", head, &mine);
    }
}
