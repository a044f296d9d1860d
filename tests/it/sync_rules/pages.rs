//! What comes in: pages that come twice, out of order, or say what nobody knows.
//!
//! Invariant: whatever comes, a device ends with the backend's log and each event once.

use mailtui::bridge::Folder;
use mailtui::command::intent::{Change, Intent};
use mailtui::id::StoreId;
use mailtui::label::user_label;
use mailtui::limits::TRAIL_ENTRIES;
use mailtui::store::{Args, Db, Event, Kind, Log, NewEvent};
use mailtui::sync::Frame;

use super::{event, ids, keys};
use crate::support::mail::mail;
use crate::support::pair::{A, B, Pair};

pub(crate) fn page_twice() {
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

pub(crate) fn pages_out_of_order() {
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

pub(crate) fn row_twice() {
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

pub(crate) fn one_with_itself() {
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

pub(crate) fn unrelated_page() {
    let mut pair = Pair::new();
    let head = pair.head();
    let mine = keys(&mut pair, A, "mine", 1);
    pair.world.mail(mail("another").bytes(), Folder::default());
    pair.pull(A);
    assert_eq!(pair.pending(A), mine, "nothing was said of it");
    pair.ends("unrelated", head, &mine);
}

/// The rows of a snapshot have what this device did, and what others did after that; the answer
/// that says where it is comes last.
pub(crate) fn answer_after_rows() {
    let mut pair = Pair::new();
    pair.key(A, "mine");
    pair.push_lost(A, None);
    // More than the trail of a row holds.
    let off = |on| vec![Change::Label(user_label("mine"), false), Change::Star(on)];
    for n in 0..TRAIL_ENTRIES {
        let intent =
            Intent::Change { changes: off(n % 2 == 0), targets: vec![pair.target.clone()] };
        pair.world.device_mut(B).intend(&intent).expect("decides");
        pair.world.save(B);
    }
    pair.push_lost(B, None);
    pair.world.project();
    assert!(pair.world.backend().make_snapshot().expect("room on the disk"));
    pair.world.commit();
    assert!(pair.world.backend().truncate().expect("room on the disk") > 0);
    pair.pull(A);
    let base = Log::base(pair.world.device(A).db(), &StoreId::mailbox()).expect("readable");
    assert_eq!((base.position > 0, pair.pending(A).len()), (true, 1), "it took the snapshot");
    pair.world.sync();
    assert!(pair.shown(A).is_empty() && pair.shown(B).is_empty(), "{:?}", pair.shown(A));
    let found = pair.world.device_mut(A).doctor(true).expect("the doctor runs");
    assert!(found.is_empty(), "{found:?}");
}

pub(crate) fn unknown_name() {
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
