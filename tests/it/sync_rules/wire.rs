//! What the backend owes a device that asks: pages from a cursor, whatever their size, and answers.
//!
//! Invariant: events come back as they went in, in the order of their positions.

use mailtui::id::{EventId, StoreId, ThreadId};
use mailtui::store::{Args, Event, NewEvent};
use mailtui::sync::{Cursor, Frame, decode, encode};

use super::{event, ids, keys};
use crate::support::pair::{A, B, Pair};

pub(crate) fn same_id() {
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

pub(crate) fn ping() {
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
        for (_, frame) in frames.into_iter().filter(|(to, _)| *to == session) {
            let (Frame::Page { .. } | Frame::Live { .. }) = &frame else { continue };
            pair.world.backend().written(session);
            let taken = Frame::Credit { store: store.clone(), pages: 1 };
            pair.world.backend().handle(session, taken, 1).expect("handled");
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

pub(crate) fn empty_log() {
    let mut pair = Pair::new();
    let nothing = StoreId::thread(&ThreadId::try_from("nobodyknows").unwrap());
    let pages = pages(&mut pair, &nothing, None);
    assert_eq!(pages, [(Vec::new(), false)], "one page, empty, and no more");
}

pub(crate) fn live_after_idle() {
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

pub(crate) fn from_cursor() {
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
    assert!(nothing.iter().all(|(events, more)| events.is_empty() && !more), "none");
    let later = pages(&mut pair, &store, Some(from_middle));
    let positions: Vec<u64> = later.iter().flat_map(|(e, _)| e).map(|e| e.position).collect();
    assert_eq!(positions, (middle + 1..=last).collect::<Vec<_>>());
}

pub(crate) fn eight_at_once() {
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
        pair.offer(A, events);
    }
    let (store, cursor) = (pair.store(), cursor_at(&pair, head));
    let pages = pages(&mut pair, &store, Some(cursor));
    let back: Vec<NewEvent> =
        pages.iter().flat_map(|(events, _)| events).map(|event| event.event.clone()).collect();
    assert!(back == all, "they come back as they were");
    assert!(pages.iter().rev().skip(1).all(|(_, more)| *more), "each page but the last says more");
    pages.len()
}

pub(crate) fn few_large() {
    assert!(come_back(24, 90_000, 6) > 1);
}

pub(crate) fn many_small() {
    assert!(come_back(1_400, 1_000, 160) > 1);
    assert_eq!(come_back(2, 10, 2), 1);
}

pub(crate) fn backend_comes_back() {
    let mut pair = Pair::new();
    let head = pair.head();
    for at in [A, B] {
        pair.listen(at);
    }
    pair.world.restart_backend();
    let theirs = keys(&mut pair, B, "theirs", 1);
    pair.ends("a backend that comes back", head, &theirs);
}

pub(crate) fn error_over_the_wire() {
    let error = Frame::Error {
        code: "other-backend".to_owned(),
        message: "it is of another mailbox".to_owned(),
        retry: false,
    };
    assert_eq!(decode(&encode(&error).expect("encodes")).expect("decodes"), error);
}
