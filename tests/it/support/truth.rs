//! What the logs of a backend say, worked out here from nothing but the logs: the threads, the rows
//! of the list, and its counts.
//!
//! Invariant: it reads no row, watermark, snapshot or count of the product; only a log and the fold
//! of one thread are shared with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mailtui::engine::view::Row;
use mailtui::id::{LabelId, StoreId, ThreadId};
use mailtui::label::{Place, system};
use mailtui::store::{Db, Event, Kind, Log};
use mailtui::thread::{
    Base, Cells, Entry, MessageAdded, ThreadEvent, ThreadState, What, decide, run,
};

/// A thread's log, and what it yields.
pub(crate) struct Told {
    pub(crate) log: Vec<Event>,
    pub(crate) cells: Cells,
    pub(crate) state: ThreadState,
}

/// All that the logs say.
pub(crate) struct Truth {
    pub(crate) threads: BTreeMap<ThreadId, Told>,
    /// Threads that are gone for ever.
    pub(crate) purged: BTreeSet<ThreadId>,
}

/// A row of the list, as far as it follows from cells and messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) members: Vec<(ThreadId, u64)>,
    pub(crate) place: Place,
    pub(crate) labels: BTreeSet<LabelId>,
    pub(crate) unread: u64,
    pub(crate) messages: u64,
    starred: bool,
    muted: bool,
    snoozed: Option<i64>,
    last_activity: i64,
}

impl From<&Row> for Line {
    fn from(row: &Row) -> Self {
        let members = row.members.iter();
        Self {
            members: members.map(|m| (m.thread.clone(), m.seen.position)).collect(),
            place: row.place,
            labels: row.labels.iter().cloned().collect(),
            unread: row.unread_count,
            messages: row.message_count,
            starred: row.starred,
            muted: row.muted,
            snoozed: row.snoozed_until,
            last_activity: row.last_activity,
        }
    }
}

/// The message that an event brings.
pub(crate) fn message_of(event: &Event) -> Option<MessageAdded> {
    match ThreadEvent::read(&event.event.name, &event.event.args)? {
        ThreadEvent::Message(message) => Some(message),
        _ => None,
    }
}

/// The state of a thread after some events of its log.
pub(crate) fn fold(log: &[Event]) -> ThreadState {
    let mut state = ThreadState::default();
    state.apply(log);
    state
}

/// What entries yield, from nothing.
pub(crate) fn cells_of(entries: &[Entry]) -> Cells {
    let start = Base::default();
    run(&start, entries, &decide(&start, entries, 0))
}

/// No key hid a message that was in the log before it and not in its row.
pub(crate) fn hidden(log: &[Entry]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut before = Cells::default();
    for (at, entry) in log.iter().enumerate() {
        let after = cells_of(&log[..=at]);
        let seen = match &entry.what {
            What::Place { seen, .. }
            | What::Leave { seen, .. }
            | What::Snooze { seen, .. }
            | What::Undo { seen, .. } => *seen,
            _ => 0,
        };
        let received =
            log[..at].iter().filter(|e| matches!(&e.what, What::Message { own: false, .. }));
        let last = received.map(|entry| entry.position).max().unwrap_or(0);
        if last > seen && after.hides(before.place, before.snoozed) && before.messages() > 0 {
            wrong.push(format!("{entry:?} hid the message at {last}"));
        }
        before = after;
    }
    wrong
}

/// The labels that users put on.
pub(crate) fn user_labels(labels: &BTreeSet<LabelId>) -> BTreeSet<String> {
    let user = labels.iter().filter(|label| !mailtui::label::is_system(label.as_str()));
    user.map(ToString::to_string).collect()
}

/// Threads that are gone for ever, by a backend's file of logs.
pub(crate) fn purged(threads: &Db) -> BTreeSet<ThreadId> {
    let mut gone = threads.sql().prepare("SELECT thread FROM purged").expect("readable");
    let gone = gone.query_map([], |row| row.get::<_, String>(0)).expect("readable");
    gone.map(|id| ThreadId::try_from(id.expect("text")).expect("an id")).collect()
}

/// The log of one thread, and whether the thread is gone for ever.
pub(crate) fn log_of(backend: &Path, thread: &ThreadId) -> (Vec<Event>, bool) {
    let file = Db::read(&backend.join("threads.db"), Kind::Threads, mailtui::backend::FORMAT);
    let db = file.expect("opens").expect("there are logs");
    let log = Log::all(&db, &StoreId::thread(thread)).expect("readable");
    (log, purged(&db).contains(thread))
}

impl Truth {
    /// Reads all logs of the backend in this directory.
    pub(crate) fn read(backend: &Path) -> Self {
        let file = Db::read(&backend.join("threads.db"), Kind::Threads, mailtui::backend::FORMAT);
        let db = file.expect("opens").expect("there are logs");
        let stores = Log::stores(&db).expect("readable").into_iter();
        let told = stores.filter(|(_, head)| head.position > 0).filter_map(|(store, _)| {
            let log = Log::all(&db, &store).expect("readable");
            let state = fold(&log);
            Some((store.as_thread()?, Told { cells: state.trail().1, log, state }))
        });
        Self { threads: told.collect(), purged: purged(&db) }
    }

    /// Conversations: threads that reach each other by links, by the least id among them.
    pub(crate) fn conversations(&self) -> BTreeMap<ThreadId, BTreeSet<ThreadId>> {
        let mut parts: Vec<BTreeSet<ThreadId>> = Vec::new();
        for (thread, told) in &self.threads {
            let mut joined = BTreeSet::from([thread.clone()]);
            joined
                .extend(told.cells.links.iter().filter(|l| self.threads.contains_key(l)).cloned());
            let (touching, apart): (Vec<_>, Vec<_>) =
                parts.into_iter().partition(|part| !part.is_disjoint(&joined));
            joined.extend(touching.into_iter().flatten());
            parts = apart;
            parts.push(joined);
        }
        let least = |part: &BTreeSet<ThreadId>| part.first().expect("not empty").clone();
        parts.into_iter().map(|part| (least(&part), part)).collect()
    }

    /// The rows, by root, and the lists that each is in.
    pub(crate) fn lines(&self) -> BTreeMap<ThreadId, (Line, BTreeSet<LabelId>)> {
        let conversations = self.conversations();
        let shown = |members: &BTreeSet<ThreadId>| {
            members.iter().any(|member| !self.threads[member].state.sorted().is_empty())
        };
        let shown = conversations.into_iter().filter(|(_, members)| shown(members));
        shown.map(|(root, members)| (root, self.line(&members))).collect()
    }

    fn line(&self, members: &BTreeSet<ThreadId>) -> (Line, BTreeSet<LabelId>) {
        // Threads of which nothing is left to show are in no list.
        let told = members.iter().map(|member| &self.threads[member]);
        let told: Vec<&Told> = told.filter(|told| !told.state.sorted().is_empty()).collect();
        let cells = || told.iter().map(|told| &told.cells);
        let is_in = |place: &Place| cells().any(|cells| cells.place == *place);
        let place = *Place::ALL.iter().find(|place| is_in(place)).expect("in some place");
        let asleep = matches!(place, Place::Inbox | Place::Archive)
            && cells().all(|cells| cells.place != place || cells.snoozed.is_some());
        let mut labels: BTreeSet<LabelId> = cells().flat_map(Cells::all_labels).collect();
        labels.retain(|label| Place::parse(label.as_str()).is_none());
        labels.remove(&system("snoozed"));
        let mut lists = labels.clone();
        labels.insert(place.label());
        lists.insert(if asleep { system("snoozed") } else { place.label() });
        labels.extend(asleep.then(|| system("snoozed")));
        let active = told.iter().map(|told| {
            let newest = told.state.summary().last_activity;
            newest.max(told.cells.woken.unwrap_or(newest))
        });
        let counted = told.iter().map(|told| told.state.counted(&told.cells.links));
        let messages = counted.sum();
        let line = Line {
            members: members.iter().map(|m| (m.clone(), self.threads[m].state.position)).collect(),
            place,
            labels,
            unread: cells().map(Cells::unread).sum::<u64>().min(messages),
            messages,
            starred: cells().any(|cells| cells.starred),
            muted: cells().any(|cells| cells.muted),
            snoozed: cells().filter_map(|cells| cells.snoozed).min(),
            last_activity: active.max().expect("members"),
        };
        let everywhere = [system("anywhere")].into_iter();
        let all = matches!(place, Place::Inbox | Place::Archive).then(|| system("all"));
        lists.extend(everywhere.chain(all));
        (line, lists)
    }

    /// Conversations in a list, and those of them with unread mail.
    pub(crate) fn count(&self, list: &LabelId) -> (u64, u64) {
        let lines = self.lines();
        let inside: Vec<_> = lines.values().filter(|(_, lists)| lists.contains(list)).collect();
        let unread = inside.iter().filter(|(line, _)| line.unread > 0).count();
        (inside.len() as u64, unread as u64)
    }
}
