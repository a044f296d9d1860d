//! Steps of a story that two devices and a backend play, and what must be true when it is over.
//!
//! Invariant: a step says all that happens; nothing is pushed, projected or pulled by itself. What
//! does not hold is a line, not a panic, so that a report can list all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use mailtui::bridge::{Folder, Outcome};
use mailtui::command::intent::{Change, Intent};
use mailtui::engine::view::Row;
use mailtui::id::{ActionId, LabelId, StoreId, ThreadId};
use mailtui::label::{Place, user_label};
use mailtui::sync::Frame;

use crate::support::mail::mail;
use crate::support::truth::{Line, Truth, message_of, user_labels};
use crate::support::world::World;

/// What is asked of a row; `None` is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shows {
    pub(crate) place: Option<String>,
    pub(crate) labels: Option<BTreeSet<String>>,
    pub(crate) unread: Option<u64>,
    pub(crate) messages: Option<u64>,
}

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Mail { thread: String, id: String, own: bool },
    Link(String, String),
    Key { device: String, action: String, on: Vec<String>, key: Key },
    Push { device: String, only: Option<String>, ack_lost: bool },
    Project,
    Pull(String),
    Sync,
    Restart(String),
    Holds { device: String, thread: String },
    Backup,
    Restore,
    Expect { device: String, thread: String, shows: Shows },
}

/// What a key asks for.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    Do(Change),
    Undo(String),
}

/// A thread as its log must have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Final {
    pub(crate) place: String,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) unread: u64,
    pub(crate) messages: u64,
    pub(crate) snoozed: bool,
    pub(crate) muted: bool,
}

/// A row as both devices must show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FinalRow {
    pub(crate) members: Vec<String>,
    pub(crate) place: String,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) unread: u64,
}

/// How it ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct End {
    pub(crate) threads: BTreeMap<String, Final>,
    pub(crate) rows: BTreeMap<String, FinalRow>,
    /// By label id; what is not named counts nothing.
    pub(crate) counts: BTreeMap<String, u64>,
    /// The log of each thread: messages by id, keys as `ACTION.THREAD`, undos that the backend
    /// carried there as `undo-ACTION.THREAD`.
    pub(crate) logs: BTreeMap<String, Vec<String>>,
}

/// Names of first messages, so that the ids of their threads grow in this order.
fn first_messages() -> &'static [String] {
    static FOUND: OnceLock<Vec<String>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut world = World::new(&[], 0);
        let mut found: Vec<(ThreadId, String)> = (0..12)
            .map(|n| {
                let name = format!("first-{n}");
                match world.mail(mail(&name).bytes(), Folder::default()) {
                    Outcome::Imported { thread, .. } => (thread, name),
                    other => panic!("{other:?}"),
                }
            })
            .collect();
        found.sort();
        found.into_iter().map(|(_, name)| name).collect()
    })
}

/// A story being played by devices A and B.
pub(crate) struct Play {
    pub(crate) world: World,
    threads: BTreeMap<String, ThreadId>,
    names: Vec<String>,
    messages: BTreeMap<String, String>,
    actions: BTreeMap<String, ActionId>,
    minute: i64,
    wrong: Vec<String>,
}

impl Play {
    /// Threads are named as the story does; their ids grow in the order of the names.
    pub(crate) fn new(threads: &[String]) -> Self {
        let mut names = threads.to_vec();
        names.sort();
        Self {
            world: World::new(&[("A", false), ("B", true)], 7),
            threads: BTreeMap::new(),
            names,
            messages: BTreeMap::new(),
            actions: BTreeMap::new(),
            minute: 0,
            wrong: Vec::new(),
        }
    }

    /// Plays the steps; what did not hold.
    pub(crate) fn run(mut self, steps: &[Step], end: &End) -> Vec<String> {
        for step in steps {
            self.step(step);
        }
        self.check(end);
        self.wrong
    }

    fn wrong(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }

    fn id(&self, thread: &str) -> ThreadId {
        self.threads.get(thread).unwrap_or_else(|| panic!("no thread {thread:?} yet")).clone()
    }

    fn step(&mut self, step: &Step) {
        self.world.clock.turn(1_000);
        match step {
            Step::Mail { thread, id, own } => self.mail(thread, id, *own),
            Step::Link(a, b) => {
                let (a, b) = (self.id(a), self.id(b));
                self.world.backend().link(&a, &b).expect("linked");
                self.world.commit();
            }
            Step::Key { device, action, on, key } => self.key(device, action, on, key),
            Step::Push { device, only, ack_lost } => {
                let only = only.as_ref().map(|thread| StoreId::thread(&self.id(thread)));
                self.push(device, only.as_ref(), *ack_lost);
            }
            Step::Project => self.world.project(),
            Step::Pull(device) => self.pull(device),
            Step::Sync => self.world.sync(),
            Step::Restart(device) => {
                let at = self.world.named(device);
                self.world.restart_device(at);
            }
            Step::Holds { device, thread } => {
                let (at, thread) = (self.world.named(device), self.id(thread));
                self.world.device_mut(at).load(&thread).expect("asked for");
                self.world.sync();
                if self.world.device(at).kept_log(&thread).expect("readable").is_empty() {
                    self.wrong(format!("{device} does not hold {thread}"));
                }
            }
            Step::Backup => assert!(self.world.backup("one")),
            Step::Restore => assert!(self.world.restore("one")),
            Step::Expect { device, thread, shows } => {
                let at = self.world.named(device);
                let row = self.row(at, thread);
                let line = Line::from(&row);
                let seen = Shows {
                    place: shows.place.as_ref().map(|_| line.place.as_str().to_owned()),
                    labels: shows.labels.as_ref().map(|_| user_labels(&line.labels)),
                    unread: shows.unread.map(|_| line.unread),
                    messages: shows.messages.map(|_| line.messages),
                };
                if seen != *shows {
                    self.wrong(format!("{device} shows {seen:?} for {thread}, not {shows:?}"));
                }
            }
        }
    }

    fn row(&self, at: usize, thread: &str) -> Row {
        let row = self.world.device(at).row(&self.id(thread)).expect("readable");
        row.unwrap_or_else(|| panic!("no row for {thread}"))
    }

    fn mail(&mut self, thread: &str, id: &str, own: bool) {
        let at = self.names.iter().position(|name| name == thread).expect("a named thread");
        let first = &first_messages()[at];
        self.minute += 1;
        let new = !self.threads.contains_key(thread);
        let name = if new { first.clone() } else { format!("later-{id}") };
        let mut message = mail(&name).at(self.minute);
        if !new {
            message = message.reply_to(first, first);
        }
        let folder = Folder { sent: own, ..Folder::default() };
        let Outcome::Imported { thread: here, .. } = self.world.mail(message.bytes(), folder)
        else {
            panic!("message {id} was not taken in");
        };
        self.messages.insert(format!("{name}@example.org"), id.to_owned());
        self.threads.insert(thread.to_owned(), here);
    }

    fn key(&mut self, device: &str, action: &str, on: &[String], key: &Key) {
        let at = self.world.named(device);
        let intent = match key {
            Key::Do(change) => {
                let mut targets = Vec::new();
                for thread in on {
                    targets.extend(self.row(at, thread).members);
                }
                targets.sort_by(|a, b| a.thread.cmp(&b.thread));
                targets.dedup();
                Intent::Change { changes: vec![change.clone()], targets }
            }
            Key::Undo(undone) => Intent::Undo(Some(self.actions[undone].clone())),
        };
        match self.world.device_mut(at).intend(&intent) {
            Ok(done) => {
                let id = done.action.expect("an action");
                self.actions.insert(action.to_owned(), id);
            }
            Err(error) => self.wrong(format!("{device} cannot do {action}: {error}")),
        }
        self.world.save(at);
    }

    /// A connection on which only a push of some stores gets through.
    fn push(&mut self, device: &str, only: Option<&StoreId>, ack_lost: bool) {
        let at = self.world.named(device);
        self.world.connect(at);
        while self.world.deliver_down(at) {}
        self.world.send(at, |frame| match frame {
            Frame::Push { mut stores } => {
                stores.retain(|push| only.is_none_or(|only| push.store == *only));
                Some(Frame::Push { stores })
            }
            _ => None,
        });
        while self.world.deliver_up(at) {}
        self.world.commit();
        if !ack_lost {
            while self.world.deliver_down(at) {}
        }
        self.world.cut(at);
    }

    /// A connection on which everything but pushes gets through.
    fn pull(&mut self, device: &str) {
        let at = self.world.named(device);
        self.world.connect(at);
        loop {
            let mut moved = false;
            self.world.send(at, |frame| (!matches!(frame, Frame::Push { .. })).then_some(frame));
            while self.world.deliver_up(at) {
                moved = true;
            }
            moved |= self.world.pump();
            while self.world.deliver_down(at) {
                moved = true;
            }
            if !moved {
                break;
            }
        }
        self.world.cut(at);
    }

    fn check(&mut self, end: &End) {
        let truth = Truth::read(&self.world.backend_dir());
        for (thread, wanted) in &end.threads {
            let told = &truth.threads[&self.id(thread)];
            let cells = &told.cells;
            let found = Final {
                place: cells.place.as_str().to_owned(),
                labels: cells.labels.iter().map(ToString::to_string).collect(),
                unread: cells.unread(),
                messages: told.state.messages.len() as u64,
                snoozed: cells.snoozed.is_some(),
                muted: cells.muted,
            };
            if found != *wanted {
                self.wrong(format!("the log of {thread} yields {found:?}, not {wanted:?}"));
            }
        }
        for (thread, wanted) in &end.logs {
            let found = self.log(&truth, thread);
            if found != *wanted {
                self.wrong(format!("the log of {thread} is {found:?}, not {wanted:?}"));
            }
        }
        let used = end.counts.keys().filter(|name| Place::parse(name).is_none());
        let used: BTreeSet<LabelId> = used.map(|name| user_label(name)).collect();
        for at in 0..self.world.stations.len() {
            self.check_rows(at, end);
            self.check_counts(at, end, &used);
        }
        let health = super::health::of(&mut self.world, &truth, &used);
        self.wrong.extend(health);
    }

    fn check_rows(&mut self, at: usize, end: &End) {
        let mut found = BTreeMap::new();
        for thread in self.threads.keys() {
            let row = self.row(at, thread);
            let name = |id: &ThreadId| {
                let here = self.threads.iter().find(|(_, known)| *known == id);
                here.map_or_else(|| id.to_string(), |(name, _)| name.clone())
            };
            let line = Line::from(&row);
            let row = FinalRow {
                members: line.members.iter().map(|(member, _)| name(member)).collect(),
                place: line.place.as_str().to_owned(),
                labels: user_labels(&line.labels),
                unread: line.unread,
            };
            found.insert(name(&line.members[0].0), row);
        }
        if found != end.rows {
            self.wrong(format!("device {at} shows {found:?}, not {:?}", end.rows));
        }
    }

    fn check_counts(&mut self, at: usize, end: &End, used: &BTreeSet<LabelId>) {
        let places = Place::ALL.map(Place::label);
        for label in places.iter().chain(used) {
            let wanted = end.counts.get(label.as_str()).copied().unwrap_or(0);
            let (found, _) = self.world.device(at).count(label).expect("readable");
            if found != wanted {
                self.wrong(format!("device {at} counts {found} in {label}, not {wanted}"));
            }
        }
    }

    fn log(&self, truth: &Truth, thread: &str) -> Vec<String> {
        let log = &truth.threads[&self.id(thread)].log;
        let names = log.iter().filter_map(|event| {
            if let Some(message) = message_of(event) {
                return self.messages.get(&message.message_id?).cloned();
            }
            let name_of = |id: &ActionId| {
                let known = self.actions.iter().find(|(_, known)| *known == id);
                known.map_or_else(|| id.to_string(), |(name, _)| name.clone())
            };
            if let Some(action) = &event.event.action {
                return Some(format!("{}.{thread}", name_of(&action.id)));
            }
            let undo: mailtui::thread::ActionUndone = event.event.args.read()?;
            Some(format!("undo-{}.{thread}", name_of(&undo.action)))
        });
        names.collect()
    }
}
