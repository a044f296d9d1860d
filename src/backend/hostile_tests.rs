//! What devices must not say, logs that are damaged, and floods: driven by hand.
//!
//! Invariant: what is refused is refused with its code and leaves the rest as it was.

use super::tests::{mail, open, push, star, take_in, text_id};
use super::*;
use crate::id::{Epoch, EventId, ThreadId};
use crate::limits::{MAX_PUSHED_EVENTS, SESSION_CREDIT, STORE_CREDIT};
use crate::mailbox;
use crate::store::{Args, NewEvent};
use crate::sync::{Cursor, Frame, StoreAck, StorePush};
use crate::thread::{Starred, name};

fn ack(frames: Vec<Frame>) -> StoreAck {
    match frames.into_iter().next() {
        Some(Frame::Ack { mut stores }) => stores.remove(0),
        other => panic!("{other:?}"),
    }
}

/// The code with which an event is refused; `None` when it is taken.
fn refused(
    backend: &mut Backend,
    store: &StoreId,
    expect: Option<u64>,
    event: NewEvent,
) -> Option<String> {
    backend
        .push(
            1,
            vec![StorePush { store: store.clone(), expect, events: vec![event], again: false }],
        )
        .unwrap();
    backend.commit().unwrap();
    let ack = ack(backend.frames().into_iter().map(|(_, frame)| frame).collect());
    assert_eq!(ack.positions.len() + ack.refused.len(), 1, "each has one answer");
    ack.refused.into_iter().next().map(|refused| refused.code)
}

fn starred(id: &str, on: bool) -> NewEvent {
    star(id, Args::of(&Starred { starred: on }).text())
}

#[test]
fn each_rule_of_the_one_way_to_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    let thread = take_in(&mut backend, vec![mail("one", &[])]).remove(0);
    backend.connect(1, text_id("device"));
    let store = StoreId::thread(&thread);
    let head = |backend: &Backend| Log::head(&backend.db, &store).unwrap().position;
    assert_eq!(refused(&mut backend, &store, None, starred("a", true)), None);
    assert_eq!(refused(&mut backend, &store, None, starred("a", true)), None, "a second try");
    let code = |backend: &mut Backend, event| refused(backend, &store, None, event);
    let reused = code(&mut backend, starred("a", false));
    assert_eq!(reused.as_deref(), Some("id-reused"));
    let other = NewEvent { device: text_id("other"), ..starred("b", true) };
    assert_eq!(code(&mut backend, other).as_deref(), Some("device"));
    for not_ours in [name::MESSAGE_ADDED, name::THREAD_CREATED, "v1.ThreadProjected", "v9.New"] {
        let event = NewEvent { name: not_ours.to_owned(), ..starred("c", true) };
        assert_eq!(code(&mut backend, event).as_deref(), Some("writer"), "{not_ours}");
    }
    assert_eq!(head(&backend), 3, "only the first is in");
    // Conditional: a second try of what is in is not refused, whatever came since.
    let expect = |backend: &mut Backend, head, event| refused(backend, &store, Some(head), event);
    assert_eq!(expect(&mut backend, 3, starred("d", true)), None);
    assert_eq!(expect(&mut backend, 3, starred("d", true)), None);
    assert_eq!(expect(&mut backend, 3, starred("e", true)).as_deref(), Some("moved"));
    assert_eq!(head(&backend), 4);
}

#[test]
fn a_projection_that_a_device_pushes_moves_no_watermark() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    let thread = take_in(&mut backend, vec![mail("one", &[])]).remove(0);
    backend.drain().unwrap();
    let log = Log::all(backend.mailbox.db(), &StoreId::mailbox()).unwrap();
    let of_source = |event: &&Event| {
        let read = mailbox::MailboxEvent::read(&event.event.name, &event.event.args);
        read.is_some_and(|read| read.source().is_some())
    };
    let projected = log.iter().rfind(of_source).unwrap().event.clone();
    let mark = mailbox::watermark(backend.mailbox.db(), &thread).unwrap();
    let mut args: serde_json::Value = projected.args.read().unwrap();
    args["source"]["through"] = 999.into();
    let args = args.to_string();
    for event in ["v1.ThreadProjected", "v1.ThreadRemoved", projected.name.as_str()] {
        let args = Args::from_text(args.clone());
        let forged = NewEvent { name: event.to_owned(), args, ..star("forged", "{}") };
        let code = refused(&mut backend, &StoreId::mailbox(), None, forged);
        assert_eq!(code.as_deref(), Some("writer"), "{event}");
    }
    assert_eq!(mailbox::watermark(backend.mailbox.db(), &thread).unwrap(), mark);
}

#[test]
fn a_push_of_too_many_events_is_not_begun() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    let thread = take_in(&mut backend, vec![mail("one", &[])]).remove(0);
    backend.connect(1, text_id("device"));
    let store = StoreId::thread(&thread);
    let one = starred("x", true);
    let events = (0..=MAX_PUSHED_EVENTS)
        .map(|n| NewEvent { id: EventId::try_from(format!("e{n}")).unwrap(), ..one.clone() });
    let push =
        StorePush { store: store.clone(), expect: None, events: events.collect(), again: false };
    backend.handle(1, Frame::Push { stores: vec![push] }, 1).unwrap();
    backend.commit().unwrap();
    let frames = backend.frames();
    assert!(matches!(&frames[0].1, Frame::Error { code, .. } if code == "limit"), "{frames:?}");
    assert_eq!(Log::head(&backend.db, &store).unwrap().position, 2);
}

/// What a device that subscribes is sent of a store, page by page, until nothing comes.
fn pulled(backend: &mut Backend, session: u64, store: &StoreId) -> Vec<Frame> {
    let subscribe = Frame::Subscribe { store: store.clone(), cursor: None };
    backend.handle(session, subscribe, 1).unwrap();
    backend.commit().unwrap();
    let mut frames = Vec::new();
    while backend.pump().unwrap() {
        for (_, frame) in backend.frames() {
            backend.written(session);
            frames.push(frame);
        }
    }
    frames
}

#[test]
fn a_damaged_log_is_withheld_makes_no_rows_and_stops_nobody_else() {
    for damage in [
        "UPDATE eventlog SET args = CAST(replace(CAST(args AS TEXT), 'true', 'tru3') AS BLOB)
         WHERE name = 'v1.ThreadStarred' AND store = 1",
        "UPDATE eventlog SET name = 'v1.ThreadRead' WHERE name = 'v1.ThreadStarred' AND store = 1",
        "DELETE FROM eventlog WHERE store = 1 AND position = 3",
        "UPDATE eventlog SET args = x'ff00' WHERE store = 1 AND position = 1",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut backend = open(dir.path());
        let threads = take_in(&mut backend, vec![mail("one", &[]), mail("two", &[])]);
        backend.drain().unwrap();
        for (n, thread) in threads.iter().enumerate() {
            push(&mut backend, thread, vec![starred(&format!("star-{n}"), true)]);
        }
        backend.clients.forget();
        backend.db.sql().execute_batch(damage).unwrap();
        backend.drain().unwrap();
        let row = |backend: &Backend, thread: &ThreadId| {
            mailbox::raw_row(backend.mailbox.db(), thread).unwrap().unwrap().shown.starred
        };
        assert!(!row(&backend, &threads[0]), "nothing is made of it: {damage}");
        assert!(row(&backend, &threads[1]), "the other goes on: {damage}");
        backend.connect(1, text_id("device"));
        let frames = pulled(&mut backend, 1, &StoreId::thread(&threads[0]));
        let [Frame::Withheld { code, .. }] = frames.as_slice() else { panic!("{frames:?}") };
        assert_eq!(code, "damaged-log", "{damage}");
        let good = pulled(&mut backend, 1, &StoreId::thread(&threads[1]));
        assert!(matches!(&good[0], Frame::Page { events, .. } if events.len() == 3), "{good:?}");
        let found = backend.doctor().unwrap();
        assert!(found.iter().any(|finding| finding.code == "log"), "{damage}: {found:?}");
    }
}

#[test]
fn a_device_keeps_what_it_holds_of_a_log_that_is_damaged_and_is_asked_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    let thread = take_in(&mut backend, vec![mail("one", &[])]).remove(0);
    let store = StoreId::thread(&thread);
    push(&mut backend, &thread, vec![starred("a", true), starred("b", false)]);
    backend.drain().unwrap();
    let log = Log::all(&backend.db, &store).unwrap();
    let end = Log::head(&backend.db, &store).unwrap();
    let damage = "UPDATE eventlog SET args = x'7b7d', chain = zeroblob(16) WHERE position = 4;
                  UPDATE stores SET chain = zeroblob(16) WHERE id LIKE 'thread-%'";
    backend.db.sql().execute_batch(damage).unwrap();
    for session in 1..=2 {
        backend.connect(session, text_id("device"));
    }
    backend.hears_lacks(2).unwrap();
    let epoch = backend.epoch().clone();
    let cursor = Some(Cursor { epoch, position: end.position, chain: end.chain });
    backend.handle(1, Frame::Subscribe { store: store.clone(), cursor }, 1).unwrap();
    backend.commit().unwrap();
    let frames = backend.frames();
    // It is not told that its log ends elsewhere: it would let go of what it has.
    let said = |frame: &Frame| matches!(frame, Frame::Withheld { .. } | Frame::Lacks { .. });
    assert!(frames.len() == 2 && frames.iter().all(|(_, frame)| said(frame)), "{frames:?}");
    let Some((2, Frame::Lacks { after, chain, .. })) =
        frames.iter().find(|(_, frame)| matches!(frame, Frame::Lacks { .. }))
    else {
        panic!("only who can be asked is: {frames:?}")
    };
    assert_eq!((*after, Log::chain_at(&backend.db, &store, 3).unwrap()), (3, Some(*chain)));
    // No chain is left that proves the last event: it stays withheld, whoever offers it.
    let events = vec![log[3].event.clone()];
    backend.handle(2, Frame::Mend { store: store.clone(), after: 3, events }, 1).unwrap();
    backend.commit().unwrap();
    assert!(Log::verify(&backend.db, &store).unwrap().is_some());
    // The one before it is proven by its own.
    let damage = "UPDATE eventlog SET args = x'7b7d' WHERE position = 3";
    backend.db.sql().execute_batch(damage).unwrap();
    let events = log[2..].iter().map(|event| event.event.clone()).collect();
    backend.handle(2, Frame::Mend { store: store.clone(), after: 2, events }, 1).unwrap();
    backend.commit().unwrap();
    assert_eq!(Log::sound(&backend.db, &store).unwrap().position, 3);
    let asked = backend.frames();
    assert!(matches!(asked.as_slice(), [(2, Frame::Lacks { after: 3, .. })]), "{asked:?}");
    let notices = backend.take_notices();
    assert!(notices.iter().all(|notice| notice.code == "damaged-log") && notices.len() == 1);
}

#[test]
fn a_flood_starves_no_store_and_a_slow_device_pulls() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    let mails: Vec<Prepared> = (0..40).map(|n| mail(&format!("m{n}"), &[])).collect();
    let threads = take_in(&mut backend, mails);
    backend.drain().unwrap();
    backend.connect(1, text_id("device"));
    let subscribe = |store| Frame::Subscribe { store, cursor: None };
    for thread in &threads {
        backend.handle(1, subscribe(StoreId::thread(thread)), 1).unwrap();
    }
    backend.commit().unwrap();
    while backend.pump().unwrap() {}
    let first = backend.frames();
    assert!(first.len() < SESSION_CREDIT, "threads leave room: {}", first.len());
    backend.handle(1, subscribe(StoreId::mailbox()), 1).unwrap();
    backend.commit().unwrap();
    backend.pump().unwrap();
    let frames = backend.frames();
    assert!(matches!(&frames[0].1, Frame::Page { store, .. } if *store == StoreId::mailbox()));
    // Every thread has its turn.
    let mut seen = first.len();
    for _ in 0..threads.len() {
        backend.written(1);
        backend.pump().unwrap();
        let frames = backend.frames();
        seen += frames
            .iter()
            .filter(|(_, frame)| {
                matches!(frame, Frame::Page { store, .. }
            if store.as_thread().is_some())
            })
            .count();
    }
    assert!(seen >= threads.len(), "{seen} of {}", threads.len());
    slow(&mut backend, &threads[0]);
}

/// A device that gives no credit is told once that it is behind, and pulls when it does.
fn slow(backend: &mut Backend, thread: &ThreadId) {
    let store = StoreId::thread(thread);
    backend.disconnect(1);
    backend.connect(1, text_id("device"));
    pulled(backend, 1, &store);
    let mut heard = Vec::new();
    let mut talk = |backend: &mut Backend, n: usize| {
        let event = NewEvent {
            epoch: Epoch::try_from("e").unwrap(),
            ..starred("live", n.is_multiple_of(2))
        };
        let id = EventId::try_from(format!("live-{n}")).unwrap();
        push(backend, thread, vec![NewEvent { id, ..event }]);
        while backend.pump().unwrap() {
            for (_, frame) in backend.frames() {
                backend.written(1);
                heard.push(frame);
            }
        }
        heard.len()
    };
    let credit = usize::try_from(STORE_CREDIT).unwrap();
    for n in 0..3 * credit {
        talk(backend, n);
    }
    backend.handle(1, Frame::Credit { store, pages: 99_999 }, 1).unwrap();
    talk(backend, 3 * credit);
    let live = heard.iter().filter(|frame| matches!(frame, Frame::Live { .. })).count();
    let behind = heard.iter().filter(|frame| matches!(frame, Frame::Behind { .. })).count();
    assert_eq!((live, behind), (credit - 1, 1), "{heard:?}");
    let Some(Frame::Page { events, more: false, .. }) = heard.last() else { panic!("{heard:?}") };
    assert_eq!(events.len(), 3 * credit + 1 - live, "what it missed");
}

#[test]
fn what_devices_push_does_not_wait_behind_mail() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    let thread = take_in(&mut backend, vec![mail("one", &[])]).remove(0);
    drop(backend);
    let options = Options { dir: dir.path().to_owned(), thread_clients: 4 };
    let host = Host::start(&options, Box::new(crate::clock::SystemClock)).unwrap();
    let batch = |n: usize| (0..100).map(|m| mail(&format!("b{n}-{m}"), &[])).collect::<Vec<_>>();
    let batches: Vec<_> = (0..20).map(batch).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut frames = runtime.block_on(host.handle().connect(1, text_id("device"))).unwrap();
    let mut answers: Vec<_> =
        batches.into_iter().map(|batch| host.handle().ingest(batch).unwrap()).collect();
    let last = answers.pop().unwrap();
    let push = StorePush {
        store: StoreId::thread(&thread),
        expect: None,
        events: vec![starred("key", true)],
        again: false,
    };
    runtime.block_on(async {
        host.handle().frame(1, Frame::Push { stores: vec![push] }).await.unwrap();
        loop {
            match frames.recv().await {
                Some(Frame::Ack { .. }) => break,
                Some(_) => {}
                None => panic!("the session has ended"),
            }
        }
    });
    assert!(last.try_recv().is_err(), "the key was confirmed before all the mail was in");
    assert_eq!(last.recv().unwrap().unwrap().len(), 100);
}
