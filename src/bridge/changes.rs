//! What an import found changed of what it knew: gathered while files are read, decided at the end.
//!
//! Invariant: a file that holds a message that was known before is not written into the ledger
//! until its change is in the conversation's log; so a run that is broken off decides the same
//! again, under the same name.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::Said;
use super::follow::{Change, Follow, Occurrence, Pair};
use super::ledger::{Entry, FileRow, Held, Ledger};
use super::report::{ImportReport, ImportRequest};
use crate::id::{MessageId, ThreadId};

/// Rows that are written at a time while files are read.
const ROWS: usize = 200;

/// A file that was read or renamed, and what it was before.
#[derive(Debug)]
pub(super) struct Now {
    /// Where it is.
    pub(super) path: PathBuf,
    /// What it was, and where.
    pub(super) was: Option<(PathBuf, FileRow)>,
    /// What it is.
    pub(super) row: FileRow,
    /// Which of its messages came in with this run.
    pub(super) imported: Vec<bool>,
}

/// What a run gathered.
#[derive(Debug)]
pub(super) struct Changes {
    /// The ledger's last version when the run began.
    start: u64,
    name: String,
    writes: Vec<Entry>,
    files: Vec<Now>,
}

/// What is to be done at the end.
#[derive(Debug, Default)]
pub(super) struct Decided {
    /// For the sink.
    pub(super) follow: Vec<Follow>,
    /// For the ledger, once the sink has answered.
    pub(super) writes: Vec<Entry>,
}

/// What is otherwise in one conversation.
#[derive(Debug, Default)]
struct Work {
    pairs: Vec<Pair>,
    /// In a file where they were not: the message, what is said, and the file.
    gained: Vec<(MessageId, Said, PathBuf)>,
    /// No more in a file where they were: the message, what was said, the file and its row.
    lost: Vec<(MessageId, Said, PathBuf, i64)>,
    now: Vec<Occurrence>,
}

impl Changes {
    /// Of a run that begins now.
    pub(super) fn new(ledger: &dyn Ledger) -> Self {
        let (name, start) = ledger.name();
        Self { start, name, writes: Vec::new(), files: Vec::new() }
    }

    /// A file is done with.
    pub(super) fn add(&mut self, ledger: &mut dyn Ledger, now: Now) {
        if now.was.is_some() || self.knew_any(ledger, &now) {
            self.files.push(now);
            return;
        }
        self.writes.push(Entry::Put(now.path, now.row));
        if self.writes.len() >= ROWS {
            self.flush(ledger);
        }
    }

    /// Writes what needs no decision.
    pub(super) fn flush(&mut self, ledger: &mut dyn Ledger) {
        ledger.write(std::mem::take(&mut self.writes));
    }

    /// Whether a message of it was known before this run.
    fn knew_any(&self, ledger: &mut dyn Ledger, now: &Now) -> bool {
        for (held, imported) in now.row.held.iter().zip(&now.imported) {
            if *imported {
                continue;
            }
            let rows = ledger.of_thread(&held.thread);
            let mut rows = rows.iter().filter(|(_, row)| row.version <= self.start);
            if rows.any(|(_, row)| row.held.iter().any(|known| known.message == held.message)) {
                return true;
            }
        }
        false
    }

    /// Decides what to follow and what to remember, and lists what is gone.
    pub(super) fn decide(
        self,
        ledger: &mut dyn Ledger,
        request: &ImportRequest,
        roots: &[PathBuf],
        lost: &[(PathBuf, FileRow)],
        report: &mut ImportReport,
    ) -> Decided {
        let mut works: BTreeMap<ThreadId, Work> = BTreeMap::new();
        let mut decided = Decided::default();
        // Rows that are no longer what they say.
        let mut replaced: HashSet<i64> = HashSet::new();
        for now in self.files {
            if let Some((path, was)) = &now.was {
                replaced.insert(was.id);
                if *path != now.path {
                    decided.writes.push(Entry::Forget(was.id));
                }
            }
            compare(&now, &mut works);
            decided.writes.push(Entry::Put(now.path, now.row));
        }
        for (path, row) in lost {
            replaced.insert(row.id);
            for held in &row.held {
                let lost = (held.message.clone(), held.said.clone(), path.clone(), row.id);
                works.entry(held.thread.clone()).or_default().lost.push(lost);
            }
        }
        let mut complete = BTreeMap::new();
        for root in roots {
            complete.insert(root.clone(), ledger.is_complete(root));
        }
        let mut scene = Scene { roots: &complete, replaced: &replaced, start: self.start, report };
        let mut gone = HashSet::new();
        for (thread, work) in works {
            if work.pairs.is_empty() && work.gained.is_empty() && work.lost.is_empty() {
                continue;
            }
            let rows = ledger.of_thread(&thread);
            let of = scene.follow(&thread, work, rows, &mut gone, &mut decided.writes);
            let (version, covers, mut change) = of;
            if request.place.is_some() {
                change.place = None; // the user said where this source's mail goes
            }
            if !change.is_empty() {
                let token = format!("{}.{version}", self.name);
                decided.follow.push(Follow { thread, token, covers, change });
            }
        }
        decided.writes.extend(lost.iter().map(|(_, row)| {
            if gone.contains(&row.id) { Entry::Gone(row.id) } else { Entry::Forget(row.id) }
        }));
        decided
    }
}

/// Puts what is otherwise in one file to the conversations that it is about. The k-th time that a
/// message is in a file is the k-th time that it was.
fn compare(now: &Now, works: &mut BTreeMap<ThreadId, Work>) {
    let (was_at, empty) = (now.was.as_ref(), Vec::new());
    let mut old: Vec<Option<&Held>> =
        was_at.map_or(&empty, |(_, was)| &was.held).iter().map(Some).collect();
    // Looked for from where the last one was found: a file is mostly in its old order.
    let mut from = 0;
    for (held, imported) in now.row.held.iter().zip(&now.imported) {
        let work = works.entry(held.thread.clone()).or_default();
        let (message, said) = (held.message.clone(), held.said.clone());
        work.now.push(Occurrence { message, said, new: *imported });
        if *imported {
            continue;
        }
        let is = |old: Option<&Held>| old.is_some_and(|old| old.message == held.message);
        let later = old[from..].iter().position(|old| is(*old)).map(|at| from + at);
        let found = later.or_else(|| old[..from].iter().position(|old| is(*old)));
        let (message, said) = (held.message.clone(), held.said.clone());
        match found.and_then(|at| old[at].take().map(|old| (at, old))) {
            Some((at, old)) => {
                from = at + 1;
                if old.said != said {
                    work.pairs.push(Pair { message, before: old.said.clone(), now: said });
                }
            }
            None => work.gained.push((message, said, now.path.clone())),
        }
    }
    if let Some((path, was)) = was_at {
        for held in old.into_iter().flatten() {
            let lost = (held.message.clone(), held.said.clone(), path.clone(), was.id);
            works.entry(held.thread.clone()).or_default().lost.push(lost);
        }
    }
}

/// What all conversations of a run are decided by.
struct Scene<'a> {
    /// Named paths, and whether each was read as a whole before.
    roots: &'a BTreeMap<PathBuf, bool>,
    replaced: &'a HashSet<i64>,
    start: u64,
    report: &'a mut ImportReport,
}

impl Scene<'_> {
    /// What changed of a conversation: the version of its rows, the messages that the source knows,
    /// and the change. Rows that stay gone are put to `gone`.
    fn follow(
        &mut self,
        thread: &ThreadId,
        mut work: Work,
        rows: Vec<(PathBuf, FileRow)>,
        gone: &mut HashSet<i64>,
        writes: &mut Vec<Entry>,
    ) -> (u64, Vec<MessageId>, Change) {
        let version = rows.iter().map(|(_, row)| row.version).filter(|v| *v <= self.start).max();
        let (mut before, mut missing) = (Vec::new(), Vec::new());
        for (path, row) in rows {
            if !self.roots.keys().any(|root| path.starts_with(root)) {
                continue; // another source, which says its own
            }
            for held in row.held.into_iter().filter(|held| held.thread == *thread) {
                let new = row.version > self.start;
                let occurrence = Occurrence { message: held.message, said: held.said, new };
                if row.gone {
                    missing.push((row.id, occurrence));
                    continue;
                }
                if !self.replaced.contains(&row.id) {
                    work.now.push(occurrence.clone());
                }
                before.extend((!new).then_some(occurrence));
            }
        }
        let mut changed: BTreeSet<MessageId> =
            work.pairs.iter().map(|pair| pair.message.clone()).collect();
        for (message, said, path) in std::mem::take(&mut work.gained) {
            let was = work.lost.iter().position(|(lost, ..)| *lost == message);
            let left = missing.iter().position(|(_, occurrence)| occurrence.message == message);
            if let Some(was) = was {
                let before = work.lost.swap_remove(was).1;
                work.pairs.push(Pair { message: message.clone(), before, now: said });
            } else if let Some(left) = left {
                let (id, occurrence) = missing.swap_remove(left);
                writes.push(Entry::Forget(id));
                before.push(occurrence.clone());
                let (message, before) = (message.clone(), occurrence.said);
                work.pairs.push(Pair { message, before, now: said });
            } else if !before.iter().any(|known| known.message == message) {
                unknown(&mut work.now, &message);
                continue;
            } else if !self.was_complete(&path) {
                // It may have been there when a first import was broken off before it.
                before.push(Occurrence { message, said, new: false });
                continue;
            }
            changed.insert(message);
        }
        for (message, _, path, row) in work.lost {
            if work.now.iter().any(|now| now.message == message) {
                changed.insert(message);
            } else {
                gone.insert(row);
                self.report.add_gone(&path, thread);
            }
        }
        let change = Change::of(&before, &work.now, &work.pairs);
        if !change.is_empty() {
            self.report.followed += changed.len() as u64;
        }
        let known = before.into_iter().chain(work.now).map(|occurrence| occurrence.message);
        let covers: BTreeSet<MessageId> = known.collect();
        (version.unwrap_or(0), covers.into_iter().collect(), change)
    }

    fn was_complete(&self, path: &Path) -> bool {
        self.roots.iter().any(|(root, complete)| *complete && path.starts_with(root))
    }
}

/// A message that the source did not have before has spoken for itself.
fn unknown(now: &mut [Occurrence], message: &MessageId) {
    for occurrence in now.iter_mut().filter(|occurrence| occurrence.message == *message) {
        occurrence.new = true;
    }
}
