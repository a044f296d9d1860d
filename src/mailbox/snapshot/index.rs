//! The lists of rows that were put in bulk: read once by id, and put into `shown` in its own order.
//!
//! Invariant: what is confirmed, and nothing else: a conversation that an own event covers by then
//! is in the lists already, for whoever covered it put it there. It can be given up and begun again
//! at any time. In memory are 16 bytes for each entry, and the ids.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

use rusqlite::params;

use crate::id::{LabelId, ThreadId};
use crate::label::Place;
use crate::mailbox::group::{MemberRow, group};
use crate::mailbox::groups;
use crate::store::{Db, StoreError};

/// Entries that are sorted at a time: some milliseconds.
const RUN: usize = 32 * 1024;

/// A row of `shown`: label and thread by number, so that sorting compares no text. Threads are
/// numbered in the order of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    label: u32,
    age: i64,
    thread: u32,
    unread: bool,
}

/// Builds the lists; see the file.
#[derive(Debug, Default)]
pub struct Indexer {
    /// Where the scan goes on.
    after: String,
    scanned: bool,
    /// Roots with further members; read when the scan begins.
    joined: Option<HashSet<String>>,
    labels: Vec<LabelId>,
    numbers: HashMap<LabelId, u32>,
    /// The lists of a conversation of one thread, by what they follow from.
    lists: HashMap<String, Vec<u32>>,
    /// All ids, one behind the other, and where each ends.
    ids: String,
    ends: Vec<usize>,
    open: Vec<Entry>,
    runs: Vec<Vec<Entry>>,
    heap: BinaryHeap<Reverse<(Entry, usize, usize)>>,
    counts: BTreeMap<LabelId, (i64, i64)>,
}

/// What the scan reads of a row.
struct Scanned {
    id: String,
    is_root: bool,
    last_activity: i64,
    unread: bool,
    place: String,
    snoozed: bool,
}

impl Indexer {
    /// The confirmed counts, once all is scanned.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<LabelId, (i64, i64)> {
        &self.counts
    }

    /// The confirmed counts of all rows.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn count(db: &Db) -> Result<BTreeMap<LabelId, (i64, i64)>, StoreError> {
        let mut indexer = Self::default();
        while !indexer.scanned {
            indexer.scan(db, RUN)?;
            indexer.forget();
        }
        Ok(indexer.counts)
    }

    /// Forgets what was scanned, but for its counts.
    fn forget(&mut self) {
        self.open.clear();
        self.runs.clear();
        self.ids.clear();
        self.ends.clear();
    }

    /// Does a slice of about `most` rows; `false` when there is nothing left to do.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn step(&mut self, db: &Db, most: usize) -> Result<bool, StoreError> {
        if self.scanned { self.insert(db, most.saturating_mul(2)) } else { self.scan(db, most) }
    }

    fn scan(&mut self, db: &Db, most: usize) -> Result<bool, StoreError> {
        if self.joined.is_none() {
            let sql = "SELECT DISTINCT root FROM threadIndex WHERE root <> id";
            let mut statement = db.sql().prepare_cached(sql)?;
            let roots = statement.query_map([], |row| row.get(0))?;
            self.joined = Some(roots.collect::<Result<_, _>>()?);
        }
        let rows = rows(db, &self.after, most)?;
        let Some(last) = rows.last() else {
            self.end_run();
            self.lists = HashMap::new();
            self.scanned = true;
            for (run, entries) in self.runs.iter().enumerate() {
                self.heap.extend(entries.first().map(|entry| Reverse((*entry, run, 0))));
            }
            return Ok(true);
        };
        let last = last.id.clone();
        let labels = labels(db, &self.after, &last)?;
        let mut labels = labels.into_iter().peekable();
        for row in rows {
            let mut own = Vec::new();
            while let Some((_, label)) =
                labels.next_if(|(thread, _)| thread.as_str() <= row.id.as_str())
            {
                own.push(label);
            }
            if row.is_root {
                self.conversation(db, &row, own)?;
            }
        }
        self.after = last;
        Ok(true)
    }

    fn conversation(
        &mut self,
        db: &Db,
        row: &Scanned,
        labels: Vec<String>,
    ) -> Result<(), StoreError> {
        if self.joined.as_ref().is_some_and(|joined| joined.contains(&row.id)) {
            let root = id(&row.id)?;
            let Some(whole) = group(&groups::confirmed(db, &root)?) else { return Ok(()) };
            let numbers: Vec<u32> = whole.lists.iter().map(|list| self.number(list)).collect();
            self.enter(&row.id, whole.last_activity, whole.unread > 0, &numbers);
            return Ok(());
        }
        let mut key = format!("{}\n{}", row.place, row.snoozed);
        for label in &labels {
            key.push('\n');
            key.push_str(label);
        }
        let numbers = if let Some(numbers) = self.lists.get(&key) {
            numbers.clone()
        } else {
            let numbers = self.lists_of(row, labels)?;
            self.lists.insert(key, numbers.clone());
            numbers
        };
        self.enter(&row.id, row.last_activity, row.unread, &numbers);
        Ok(())
    }

    /// The lists that a conversation of this one thread is in.
    fn lists_of(&mut self, row: &Scanned, labels: Vec<String>) -> Result<Vec<u32>, StoreError> {
        let labels = labels.into_iter().map(|label| {
            LabelId::try_from(label).map_err(|error| StoreError::Row(error.to_string()))
        });
        let member = MemberRow {
            id: id(&row.id)?,
            last_activity: row.last_activity,
            unread: u64::from(row.unread),
            place: Place::parse(&row.place).unwrap_or(Place::Inbox),
            snoozed: row.snoozed,
            labels: labels.collect::<Result<_, _>>()?,
        };
        let lists = group(&[member]).map(|row| row.lists).unwrap_or_default();
        Ok(lists.iter().map(|list| self.number(list)).collect())
    }

    fn number(&mut self, label: &LabelId) -> u32 {
        if let Some(number) = self.numbers.get(label) {
            return *number;
        }
        let number = u32::try_from(self.labels.len()).unwrap_or(u32::MAX);
        self.labels.push(label.clone());
        self.numbers.insert(label.clone(), number);
        number
    }

    fn enter(&mut self, root: &str, last_activity: i64, unread: bool, lists: &[u32]) {
        let thread = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.ids.push_str(root);
        self.ends.push(self.ids.len());
        for label in lists {
            let entry = Entry { label: *label, age: -last_activity, thread, unread };
            self.open.push(entry);
            if let Some(name) = self.labels.get(*label as usize) {
                let count = self.counts.entry(name.clone()).or_default();
                count.0 += 1;
                count.1 += i64::from(unread);
            }
        }
        if self.open.len() >= RUN {
            self.end_run();
        }
    }

    fn end_run(&mut self) {
        let mut run = std::mem::take(&mut self.open);
        run.sort_unstable();
        self.runs.push(run);
    }

    /// Puts the next entries into the lists, list by list and each in its order.
    fn insert(&mut self, db: &Db, most: usize) -> Result<bool, StoreError> {
        let covered: bool =
            db.sql().query_row("SELECT EXISTS (SELECT 1 FROM overlay)", [], |row| row.get(0))?;
        let mut insert = db.sql().prepare_cached(groups::LIST)?;
        let mut counts: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
        for _ in 0..most {
            let Some(Reverse((entry, run, at))) = self.heap.pop() else { break };
            if let Some(next) = self.runs[run].get(at + 1) {
                self.heap.push(Reverse((*next, run, at + 1)));
            }
            let thread = self.thread(entry.thread);
            if covered && groups::is_covered(db, &id(thread)?)? {
                continue;
            }
            let label = self.labels[entry.label as usize].as_str();
            if insert.execute(params![label, entry.age, thread, entry.unread])? > 0 {
                let count = counts.entry(entry.label).or_default();
                *count = (count.0 + 1, count.1 + i64::from(entry.unread));
            }
        }
        for (label, (total, unread)) in &counts {
            groups::count_shown(db, &self.labels[*label as usize], *total, *unread)?;
        }
        Ok(!self.heap.is_empty())
    }

    fn thread(&self, number: u32) -> &str {
        let at = number as usize;
        let from = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.ids[from..self.ends[at]]
    }
}

fn id(text: &str) -> Result<ThreadId, StoreError> {
    ThreadId::try_from(text).map_err(|error| StoreError::Row(error.to_string()))
}

fn rows(db: &Db, after: &str, most: usize) -> Result<Vec<Scanned>, StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT id, root = id, lastActivity, unreadCount > 0, place, snoozedUntil IS NOT NULL
         FROM threadIndex WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![after, most], |row| {
        Ok(Scanned {
            id: row.get(0)?,
            is_root: row.get(1)?,
            last_activity: row.get(2)?,
            unread: row.get(3)?,
            place: row.get(4)?,
            snoozed: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Labels of the threads after one and up to another, by thread.
fn labels(db: &Db, after: &str, last: &str) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT threadId, labelId FROM threadLabels WHERE threadId > ?1 AND threadId <= ?2
         ORDER BY threadId, labelId",
    )?;
    let rows = statement.query_map([after, last], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
