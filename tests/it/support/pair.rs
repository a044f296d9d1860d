//! Two devices on one conversation, and what a device of the first holds back, offers, hears.
//!
//! Invariant: every event is told by its id. Device `A` is the one that a case is about; `B` stands
//! for everybody else.

use std::collections::BTreeSet;

use mailtui::backend::Reader;
use mailtui::bridge::Folder;
use mailtui::command::intent::{Change, Intent, Target};
use mailtui::engine::view::Window;
use mailtui::id::{EventId, LabelId, StoreId};
use mailtui::label::{system, user_label};
use mailtui::mailbox::{self, raw_row};
use mailtui::store::{Db, Event, Kind, Log, NewEvent, Own};
use mailtui::sync::Frame;

use crate::support::mail::mail;
use crate::support::world::World;

/// The device that a case is about.
pub(crate) const A: usize = 0;
/// Everybody else.
pub(crate) const B: usize = 1;
/// Exchanges in which all that can be said is said.
const ROUNDS: usize = 8;
/// The format of a device's kept logs.
const KEPT: u32 = 3;

/// Two devices that know one conversation, loaded on both.
pub(crate) struct Pair {
    pub(crate) world: World,
    pub(crate) target: Target,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let mut world = World::new(&[("A", true), ("B", true)], 7);
        world.mail(mail("first").bytes(), Folder::default());
        world.sync();
        let page = world.device(A).page(&system("inbox"), &Window::First, 9).expect("readable");
        let target = page.rows[0].members[0].clone();
        let mut pair = Self { world, target };
        for at in [A, B] {
            pair.load(at);
        }
        pair.world.sync();
        pair
    }

    pub(crate) fn store(&self) -> StoreId {
        StoreId::thread(&self.target.thread)
    }

    pub(crate) fn load(&mut self, at: usize) {
        let thread = self.target.thread.clone();
        self.world.device_mut(at).load(&thread).expect("loads");
    }

    /// A key on a device, on disk and not sent.
    pub(crate) fn key(&mut self, at: usize, label: &str) -> EventId {
        self.decide(at, label);
        self.world.save(at);
        let own = Own::of(self.world.device(at).db(), &self.store()).expect("readable");
        own.last().expect("it is its own").id.clone()
    }

    /// A key on a device that is not on disk yet.
    pub(crate) fn decide(&mut self, at: usize, label: &str) {
        let changes = vec![Change::Label(user_label(label), true)];
        let intent = Intent::Change { changes, targets: vec![self.target.clone()] };
        self.world.device_mut(at).intend(&intent).expect("decides");
    }

    /// Everything but pushes goes up and down for one device, until nothing does.
    pub(crate) fn listen(&mut self, at: usize) {
        self.world.connect(at);
        for _ in 0..ROUNDS {
            self.world.save(at);
            self.world.send(at, |frame| (!matches!(frame, Frame::Push { .. })).then_some(frame));
            while self.world.deliver_up(at) {}
            self.world.commit();
            while self.world.pump() {}
            while self.world.deliver_down(at) {}
        }
    }

    /// The device connects and hears the welcome, and nothing more.
    pub(crate) fn greet(&mut self, at: usize) {
        self.world.cut(at);
        self.world.connect(at);
        assert!(self.world.deliver_down(at), "the welcome");
    }

    /// What is pending reaches the backend, of it only `these` if named, and the answer is lost.
    pub(crate) fn push_lost(&mut self, at: usize, these: Option<&[EventId]>) {
        self.greet(at);
        self.world.send(at, |frame| Some(only(frame, these)));
        while self.world.deliver_up(at) {}
        self.world.commit();
        self.world.cut(at);
    }

    /// The pipeline runs, and the device hears of it without pushing.
    pub(crate) fn pull(&mut self, at: usize) {
        self.world.project();
        self.world.cut(at);
        self.listen(at);
        self.world.cut(at);
    }

    /// Own events of a device that have no position, in order.
    pub(crate) fn pending(&self, at: usize) -> Vec<EventId> {
        let own = Own::pending(self.world.device(at).db(), 0, usize::MAX >> 1).expect("readable");
        own.into_iter().map(|own| own.id).collect()
    }

    /// The conversation's log on the backend.
    pub(crate) fn log(&self) -> Vec<Event> {
        let reader = Reader::open(&self.world.backend_dir()).expect("opens").expect("there");
        reader.log(&self.store()).expect("readable")
    }

    /// Ids of the log above a position.
    pub(crate) fn ids_above(&self, position: u64) -> Vec<EventId> {
        let above = self.log().into_iter().filter(|event| event.position > position);
        above.map(|event| event.event.id).collect()
    }

    pub(crate) fn head(&self) -> u64 {
        self.log().last().map_or(0, |event| event.position)
    }

    /// The log of the conversation that a device keeps.
    pub(crate) fn kept(&self, at: usize) -> Vec<Event> {
        let path = self.world.device(at).dir().join("threads.db");
        let db = Db::read(&path, Kind::Threads, KEPT).expect("opens").expect("there");
        Log::all(&db, &self.store()).expect("readable")
    }

    /// The user labels that a device shows.
    pub(crate) fn shown(&self, at: usize) -> BTreeSet<LabelId> {
        let (db, thread) = (self.world.device(at).db(), &self.target.thread);
        let row = raw_row(db, thread).expect("readable").expect("there");
        let shown = mailbox::overlaid(db, thread).expect("readable").unwrap_or(row.shown);
        let user = |label: &LabelId| label.as_str() != "inbox" && label.as_str() != "unread";
        shown.labels.into_iter().filter(user).collect()
    }

    /// Frames are handed to the backend as if they came from this device, and committed.
    pub(crate) fn offer(&mut self, at: usize, events: &[NewEvent]) {
        self.greet(at);
        let session = self.world.session(at);
        let events = serde_json::to_string(events).expect("encodes");
        let push = format!("{{\"store\":\"{}\",\"events\":{events}}}", self.store());
        let push = serde_json::from_str(&push).expect("a push");
        let now = mailtui::clock::Clock::now(&self.world.clock);
        let frame = Frame::Push { stores: vec![push] };
        self.world.backend().handle(session, frame, now).expect("handled");
        self.world.commit();
    }

    /// All is quiet, everybody has the same, and the log above `position` is this.
    pub(crate) fn ends(&mut self, what: &str, position: u64, ids: &[EventId]) {
        self.world.sync();
        assert_eq!(self.ids_above(position), ids, "{what}: the log");
        let unique: BTreeSet<&EventId> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{what}: an event is there twice");
        for at in [A, B] {
            assert_eq!(self.pending(at), [], "{what}: nothing is pending");
            assert_eq!(self.kept(at), self.log(), "{what}: the log of a device");
            let pending = self.world.device(at).pending().expect("readable");
            assert_eq!(pending, (0, 0), "{what}: nothing waits for its row");
        }
        assert_eq!(self.shown(A), self.shown(B), "{what}: what devices show");
        let tables = |at| mailbox::dump(self.world.device(at).db()).expect("readable");
        assert_eq!(tables(A), tables(B), "{what}: tables");
    }
}

/// A push with only these events.
fn only(frame: Frame, these: Option<&[EventId]>) -> Frame {
    match (frame, these) {
        (Frame::Push { mut stores }, Some(these)) => {
            for push in &mut stores {
                push.events.retain(|event| these.contains(&event.id));
            }
            Frame::Push { stores }
        }
        (frame, _) => frame,
    }
}

/// What reaches the log while the device is not heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A pending event of the device, by its place among them; the answer is lost.
    Own(usize),
    /// An event of somebody else.
    Foreign(String),
}

/// A device has pending events, and either commits more or hears of what the log got.
#[derive(Debug, Clone)]
pub(crate) struct Merge {
    pub(crate) name: String,
    /// Events that were in the log and known to all before.
    pub(crate) upstream: usize,
    /// Pending before.
    pub(crate) pending: Vec<String>,
    /// Committed then.
    pub(crate) commits: Vec<String>,
    /// In the log then.
    pub(crate) incoming: Vec<Incoming>,
    /// Still pending afterwards, by place among all that were pending.
    pub(crate) left: Vec<usize>,
}

/// Plays it: what is pending after the device heard of the log, and the order in the end.
pub(crate) fn check(case: &Merge) {
    let mut pair = Pair::new();
    for n in 0..case.upstream {
        pair.key(B, &format!("before-{n}"));
    }
    pair.world.sync();
    let position = pair.head();
    pair.world.cut(A);
    pair.world.cut(B);
    let mut number = 0;
    let mut own = |pair: &mut Pair, body: &String| {
        number += 1;
        pair.key(A, &format!("own-{number}-{body}"))
    };
    let mut mine: Vec<EventId> = case.pending.iter().map(|body| own(&mut pair, body)).collect();
    mine.extend(case.commits.iter().map(|body| own(&mut pair, body)).collect::<Vec<_>>());
    let mut order = Vec::new();
    for (n, incoming) in case.incoming.iter().enumerate() {
        match incoming {
            Incoming::Own(at) => {
                pair.push_lost(A, Some(&mine[*at..=*at]));
                // One that comes again is known.
                order.extend((!order.contains(&mine[*at])).then(|| mine[*at].clone()));
            }
            Incoming::Foreign(body) => {
                order.push(pair.key(B, &format!("foreign-{n}-{body}")));
                pair.push_lost(B, None);
            }
        }
    }
    assert_eq!(pair.ids_above(position), order, "{}: what the log got", case.name);
    pair.pull(A);
    let left: Vec<EventId> = case.left.iter().map(|at| mine[*at].clone()).collect();
    assert_eq!(pair.pending(A), left, "{}: pending afterwards", case.name);
    let shows = pair.shown(A).len();
    assert_eq!(shows, case.upstream + mine.len() + order.len() - (mine.len() - left.len()));
    order.extend(left);
    pair.ends(&case.name, position, &order);
}
