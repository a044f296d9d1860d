//! Which events end up where: what a device holds back, offers again, hears of and has confirmed,
//! whoever was first and whatever was lost; and what the backend and the loaded stores owe it.
//!
//! Invariant: the real device and the real backend, on data of our own. `livestore_vectors` names
//! these scenarios for what others have written down of the same situations.

use std::collections::BTreeSet;

use mailtui::bridge::Folder;
use mailtui::engine::Device;
use mailtui::id::{EventId, StoreId, ThreadId};
use mailtui::limits::{PAGE_EVENTS, THREAD_IDLE};
use mailtui::store::{Args, Db, Event, Kind, Log, NewEvent};
use mailtui::sync::{Cursor, Frame, decode, encode};

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
    ("a page twice", page_twice),
    ("pages that do not follow", pages_out_of_order),
    ("an event twice in a page of rows", row_twice),
    ("a conversation that is one with itself", one_with_itself),
    ("a page that says nothing of mine", unrelated_page),
    ("an event of an unknown name", unknown_name),
    ("order and bounds of pushes", order_and_bounds),
    ("the same id with other arguments", same_id),
    ("ping", ping),
    ("an empty log", empty_log),
    ("a live event after a while", live_after_idle),
    ("from a cursor", from_cursor),
    ("eight at once", eight_at_once),
    ("few large events", few_large),
    ("many small events", many_small),
    ("a backend that comes back", backend_comes_back),
    ("an error over the wire", error_over_the_wire),
    ("a store that is being loaded", loading),
    ("a store that is not there", load_nothing),
    ("an idle store goes", idle_goes),
    ("the open conversation stays", open_stays),
    ("a store that goes while it is loaded", evicted_while_loading),
    ("two stores", two_stores),
    ("a store that comes back is fresh", fresh_again),
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

fn page_twice() {
    let mut pair = Pair::new();
    let head = pair.head();
    pair.listen(A);
    let theirs = keys(&mut pair, B, "theirs", 3);
    pair.push_lost(B, None);
    pair.world.project();
    let chain = |pair: &Pair| {
        pair.log().iter().fold(mailtui::store::Chain::default(), |c, e| c.after(&e.event))
    };
    let page = Frame::Live {
        store: pair.store(),
        events: pair.log().into_iter().filter(|event| event.position > head).collect(),
        head: pair.head(),
        chain: chain(&pair),
    };
    for _ in 0..3 {
        pair.world.device_mut(A).receive(page.clone()).expect("taken in, or known");
    }
    assert_eq!(ids(&pair.kept(A)), ids(&pair.log()));
    pair.ends("twice", head, &theirs);
}

fn pages_out_of_order() {
    let mut pair = Pair::new();
    let head = pair.head();
    let mine = keys(&mut pair, A, "mine", 1);
    pair.world.cut(A);
    let theirs = keys(&mut pair, B, "theirs", 3);
    pair.push_lost(B, None);
    let new: Vec<Event> = pair.log().into_iter().filter(|e| e.position > head).collect();
    let (log, chain) = (pair.log(), mailtui::store::Chain::default());
    let chain = log.iter().fold(chain, |chain, event| chain.after(&event.event));
    let turned: Vec<Event> = new.iter().rev().cloned().collect();
    let mut below: Vec<Event> = log[..1].to_vec();
    below.extend(new.iter().skip(1).cloned());
    let mut again = new.clone();
    again.push(new[0].clone());
    for events in [turned, below, again, new[1..].to_vec()] {
        pair.greet(A);
        let page = Frame::Page { store: pair.store(), events, more: false, head: head + 3, chain };
        // Refused, asked for again or not taken in: none of it may stand in the log.
        let _ = pair.world.device_mut(A).receive(page);
        let held = ids(&pair.kept(A));
        assert_eq!(held, ids(&log)[..held.len()], "a prefix of the log");
        pair.world.cut(A);
    }
    pair.ends("out of order", head, &[theirs, mine].concat());
}

fn row_twice() {
    let mut pair = Pair::new();
    pair.listen(A);
    let here = pair.world.device(A).head().expect("readable");
    pair.world.mail(mail("another").bytes(), Folder::default());
    pair.world.project();
    let path = pair.world.backend_dir().join("mailbox.db");
    let db = Db::read(&path, Kind::Mailbox, mailtui::mailbox::VERSION).expect("opens");
    let store = StoreId::mailbox();
    let log = Log::all(db.as_ref().expect("there"), &store).expect("readable");
    let head = Log::head(db.as_ref().expect("there"), &store).expect("readable");
    drop(db);
    let mut events: Vec<Event> = log.into_iter().filter(|event| event.position > here).collect();
    let again = events[0].clone();
    events.push(Event { position: head.position + 1, ..again });
    let page = Frame::Live { store, events, head: head.position + 1, chain: head.chain };
    // It is fetched again from what fits; the one that is there twice is applied once.
    let _ = pair.world.device_mut(A).receive(page);
    pair.world.cut(A);
    let log = pair.head();
    pair.ends("twice in a page", log, &[]);
    assert_eq!(pair.world.device(A).head().expect("readable"), head.position);
}

fn one_with_itself() {
    let mut pair = Pair::new();
    let head = pair.head();
    let text = format!("{{\"thread\":\"{}\"}}", pair.target.thread);
    let link = NewEvent {
        name: mailtui::thread::name::THREAD_LINKED.to_owned(),
        args: Args::from_text(text),
        ..event(&pair, 1, 0)
    };
    let id = link.id.clone();
    pair.offer(A, &[link]);
    pair.world.cut(A);
    pair.ends("one with itself", head, &[id]);
    let found = pair.world.backend().doctor().expect("looks");
    assert!(found.is_empty(), "{found:?}");
}

fn unrelated_page() {
    let mut pair = Pair::new();
    let head = pair.head();
    let mine = keys(&mut pair, A, "mine", 1);
    pair.world.mail(mail("another").bytes(), Folder::default());
    pair.pull(A);
    assert_eq!(pair.pending(A), mine, "nothing was said of it");
    pair.ends("unrelated", head, &mine);
}

fn unknown_name() {
    let mut pair = Pair::new();
    let head = pair.head();
    let newer = [mailtui::thread::name::LABEL_APPLIED];
    let theirs = keys(&mut pair, B, "theirs", 1);
    pair.push_lost(B, None);
    pair.world.project();
    mailtui::store::without(&newer);
    pair.world.restart_device(A);
    pair.load(A);
    pair.pull(A);
    mailtui::store::without(&[]);
    assert_eq!(ids(&pair.kept(A)), ids(&pair.log()), "kept, and the head went on");
    assert_eq!(pair.shown(A).len(), 0, "and not applied");
    pair.world.restart_device(A);
    assert_eq!(pair.shown(A).len(), 1, "a program that knows it shows it");
    pair.load(A);
    pair.ends("unknown", head, &theirs);
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

fn same_id() {
    // What an event is known by is its id: equal arguments are not an event, and others not either.
    let cases = [
        (r#"{"label":"u-a"}"#, r#"{"label":"u-a"}"#),
        (r#"{"label":"u-a","x":1}"#, r#"{"x":1,"label":"u-a"}"#),
        (r#"{"label":"u-a"}"#, r#"{"label":"u-b"}"#),
    ];
    for (a, b) in cases {
        let mut pair = Pair::new();
        let head = pair.head();
        let args = |n, text: &str| NewEvent {
            args: Args::from_text(text.to_owned()),
            ..event(&pair, n, 0)
        };
        let (first, other, new) = (args(1, a), args(1, b), args(2, b));
        pair.offer(A, &[first.clone(), other]);
        pair.offer(A, &[new.clone(), first.clone()]);
        let log = pair.log();
        let above: Vec<&NewEvent> =
            log.iter().filter(|e| e.position > head).map(|e| &e.event).collect();
        assert_eq!(above, [&first, &new], "the first stands, byte for byte");
        pair.world.cut(A);
        pair.world.sync();
        assert_eq!(pair.kept(A), pair.log());
    }
}

fn ping() {
    let mut pair = Pair::new();
    pair.greet(A);
    let session = pair.world.session(A);
    pair.world.backend().handle(session, Frame::Ping { n: 7 }, 1).expect("handled");
    pair.world.backend().commit().expect("commits");
    let answers = pair.world.backend().frames();
    assert!(answers.contains(&(session, Frame::Pong { n: 7 })), "{answers:?}");
}

/// The pages that the backend gives for a store from a cursor, until it has no more to give.
fn pages(pair: &mut Pair, store: &StoreId, cursor: Option<Cursor>) -> Vec<(Vec<Event>, bool)> {
    pair.greet(A);
    let session = pair.world.session(A);
    let subscribe = Frame::Subscribe { store: store.clone(), cursor };
    pair.world.backend().handle(session, subscribe, 1).expect("handled");
    let mut pages = Vec::new();
    loop {
        pair.world.backend().commit().expect("commits");
        pair.world.backend().pump().expect("reads");
        let frames = pair.world.backend().frames();
        if frames.is_empty() {
            return pages;
        }
        for (_, frame) in frames {
            let (Frame::Page { .. } | Frame::Live { .. }) = &frame else { continue };
            pair.world.backend().written(session);
            match frame {
                Frame::Page { store: of, events, more, .. } if of == *store => {
                    pages.push((events, more));
                }
                Frame::Live { store: of, events, .. } if of == *store => {
                    pages.push((events, false));
                }
                _ => {}
            }
        }
    }
}

fn cursor_at(pair: &Pair, position: u64) -> Cursor {
    let log = pair.log();
    let chain = log
        .iter()
        .take_while(|event| event.position <= position)
        .fold(mailtui::store::Chain::default(), |chain, event| chain.after(&event.event));
    Cursor { epoch: log[0].event.epoch.clone(), position, chain }
}

fn empty_log() {
    let mut pair = Pair::new();
    let nothing = StoreId::thread(&ThreadId::try_from("nobodyknows").unwrap());
    let pages = pages(&mut pair, &nothing, None);
    assert_eq!(pages, [(Vec::new(), false)], "one page, empty, and no more");
}

fn live_after_idle() {
    let mut pair = Pair::new();
    let head = pair.head();
    for at in [A, B] {
        pair.listen(at);
    }
    pair.world.clock.turn(800);
    let mine = keys(&mut pair, A, "mine", 1);
    pair.world.send(A, Some);
    while pair.world.deliver_up(A) {}
    pair.world.commit();
    while pair.world.pump() {}
    for at in [A, B] {
        while pair.world.deliver_down(at) {}
        assert_eq!(ids(&pair.kept(at)), ids(&pair.log()), "who pushed it hears it too");
    }
    pair.ends("live", head, &mine);
}

fn from_cursor() {
    let mut pair = Pair::new();
    let head = pair.head();
    let count = 10_000;
    let all: Vec<NewEvent> = (0..count).map(|n| event(&pair, n, 0)).collect();
    for group in all.chunks(1_000) {
        pair.offer(A, group);
    }
    let last = pair.head();
    assert_eq!(last, head + count as u64);
    let (store, middle) = (pair.store(), head + 5_000);
    let (from_end, from_middle) = (cursor_at(&pair, last), cursor_at(&pair, middle));
    let nothing = pages(&mut pair, &store, Some(from_end));
    assert!(nothing.iter().all(|(events, more)| events.is_empty() && !more), "{nothing:?}");
    let later = pages(&mut pair, &store, Some(from_middle));
    let positions: Vec<u64> = later.iter().flat_map(|(e, _)| e).map(|e| e.position).collect();
    assert_eq!(positions, (middle + 1..=last).collect::<Vec<_>>());
}

fn eight_at_once() {
    let mut pair = Pair::new();
    let head = pair.head();
    let all: Vec<NewEvent> = (0..8).map(|n| event(&pair, n, 0)).collect();
    for event in &all {
        pair.offer(A, std::slice::from_ref(event));
    }
    let expected: Vec<EventId> = all.iter().map(|event| event.id.clone()).collect();
    assert_eq!(pair.ids_above(head), expected, "all are taken, in the order in which they came");
}

/// Events of this size, pushed in groups, come back as they were; in how many pages.
fn come_back(count: usize, padding: usize, group: usize) -> usize {
    let mut pair = Pair::new();
    let head = pair.head();
    let all: Vec<NewEvent> = (0..count).map(|n| event(&pair, n, padding)).collect();
    for events in all.chunks(group) {
        pair.offer(B, events);
    }
    let (store, cursor) = (pair.store(), cursor_at(&pair, head));
    let pages = pages(&mut pair, &store, Some(cursor));
    let back: Vec<NewEvent> =
        pages.iter().flat_map(|(events, _)| events).map(|event| event.event.clone()).collect();
    assert!(back == all, "they come back as they were");
    assert!(pages.iter().rev().skip(1).all(|(_, more)| *more), "each page but the last says more");
    pages.len()
}

fn few_large() {
    assert!(come_back(24, 90_000, 6) > 1);
}

fn many_small() {
    assert!(come_back(1_400, 1_000, 160) > 1);
    assert_eq!(come_back(2, 10, 2), 1);
}

fn backend_comes_back() {
    let mut pair = Pair::new();
    let head = pair.head();
    for at in [A, B] {
        pair.listen(at);
    }
    pair.world.restart_backend();
    let theirs = keys(&mut pair, B, "theirs", 1);
    pair.ends("a backend that comes back", head, &theirs);
}

fn error_over_the_wire() {
    let error = Frame::Error {
        code: "other-backend".to_owned(),
        message: "it is of another mailbox".to_owned(),
        retry: false,
    };
    assert_eq!(decode(&encode(&error).expect("encodes")).expect("decodes"), error);
}

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

fn loading() {
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

fn load_nothing() {
    let mut pair = Pair::new();
    let nothing = ThreadId::try_from("nobodyknows").unwrap();
    load(&mut pair, &nothing);
    pair.world.sync();
    assert!(!pair.world.device(A).holds(&nothing));
}

fn idle_goes() {
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

fn open_stays() {
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

fn evicted_while_loading() {
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

fn two_stores() {
    let mut pair = Pair::new();
    let (one, other) = (another(&mut pair), pair.target.thread.clone());
    load(&mut pair, &one);
    load(&mut pair, &other);
    idle(&mut pair, 0.6);
    load(&mut pair, &other);
    idle(&mut pair, 0.6);
    assert!(!is_open(&pair, &one) && is_open(&pair, &other), "each by its own time");
}

fn fresh_again() {
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
