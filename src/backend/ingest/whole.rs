//! Whole conversations put in at once, already projected: how a large mailbox is generated.
//!
//! Invariant: logs, index, snapshots and rows are what ingest and the pipeline make of the same
//! messages one after the other, through the same functions; nothing waits afterwards. It is for
//! conversations of which nothing is there yet: who calls knows that, or is told. It must not be
//! used for mail of a user: a crash in between leaves logs whose rows are not there.

use std::collections::BTreeMap;

use super::{Ready, event, event_id, prepare, thread_id};
use crate::backend::core::Backend;
use crate::backend::storage::{Index, Snapshots, references};
use crate::bridge::Incoming;
use crate::id::{Epoch, LabelId, StoreId};
use crate::projection::{Batch, BatchSource, Snapshot, diff, of_thread};
use crate::store::{Args, Db, Durability, Event, Log, NewEvent, StoreError};
use crate::thread::{ThreadCreated, ThreadState, name};

/// What is needed to make conversations ready, on any thread.
#[derive(Debug, Clone)]
pub struct Packer {
    epoch: Epoch,
    labels: BTreeMap<String, LabelId>,
    now: i64,
}

/// A conversation, ready to be put in.
#[derive(Debug)]
pub struct Whole {
    store: StoreId,
    ready: Vec<Ready>,
    events: Vec<NewEvent>,
    snapshot: Snapshot,
    batch: Batch,
}

impl Packer {
    /// Parses the messages of one conversation, the first one first, and makes its log and row.
    /// `None` when a message cannot be taken in. Labels that the packer was not made with are left
    /// out.
    #[must_use]
    pub fn pack(&self, messages: Vec<Incoming>) -> Option<Whole> {
        let mut ready = Vec::with_capacity(messages.len());
        for incoming in messages {
            let mut one = *prepare(incoming, self.now).0.ok()?;
            let labels = one.keywords.iter().filter_map(|name| self.labels.get(name));
            let labels: Vec<LabelId> = labels.cloned().collect();
            let message = one.change();
            message.labels = labels;
            message.labels.sort();
            message.labels.dedup();
            ready.push(one);
        }
        let thread = thread_id(&ready.first()?.key, 0);
        let begin = Args::of(&ThreadCreated { thread: thread.clone() });
        let id = event_id(&["created", thread.as_str()], &[]);
        let mut events = vec![event(id, name::THREAD_CREATED, begin, &self.epoch).ok()?];
        for one in &ready {
            let id = event_id(&["message", &one.key], &one.hash);
            let args = Args::of(&one.message);
            events.push(event(id, name::MESSAGE_ADDED, args, &self.epoch).ok()?);
        }
        let log: Vec<Event> = (1..)
            .zip(&events)
            .map(|(position, event)| Event { position, event: event.clone() })
            .collect();
        let mut state = ThreadState::default();
        state.apply(&log);
        let snapshot = of_thread(&thread, &state);
        let store = StoreId::thread(&thread);
        let source = BatchSource {
            store: store.clone(),
            epoch: self.epoch.clone(),
            from: 0,
            through: state.position,
            actions: Vec::new(),
        };
        let batch = Batch { source, events: diff(None, &snapshot) };
        Some(Whole { store, ready, events, snapshot, batch })
    }
}

impl Backend {
    /// Makes the labels with these names, and what packs conversations that may carry them.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn packer(&mut self, labels: &[String], now: i64) -> Result<Packer, StoreError> {
        let mut known = BTreeMap::new();
        for label in labels {
            if let Some(id) = self.mailbox.label(label, &self.epoch, now)? {
                known.insert(label.clone(), id);
            }
        }
        self.mailbox.commit()?;
        self.db.expect_bulk()?;
        self.mailbox.db().expect_bulk()?;
        Ok(Packer { epoch: self.epoch.clone(), labels: known, now })
    }

    /// Puts conversations in, one transaction for each of the two files.
    ///
    /// # Errors
    /// When the storage refuses, or something of a conversation is there already.
    pub fn put_whole(&mut self, threads: &[Whole]) -> Result<(), StoreError> {
        let batches: Vec<&Batch> = threads.iter().map(|whole| &whole.batch).collect();
        self.db.durable(Durability::Normal)?;
        let (db, mailbox, epoch) = (&mut self.db, &mut self.mailbox, &self.epoch);
        let (logs, rows) = std::thread::scope(|scope| {
            let logs = scope.spawn(|| {
                db.begin()?;
                threads.iter().try_for_each(|whole| whole.put(db))?;
                db.commit()
            });
            let rows = mailbox.take(&batches, epoch).and_then(|_| mailbox.commit());
            (logs.join(), rows)
        });
        let died = || StoreError::Row("the thread that writes logs has died".to_owned());
        let done = logs.unwrap_or_else(|_| Err(died())).and(rows);
        if done.is_err() {
            self.roll_back();
        }
        done
    }
}

impl Whole {
    fn put(&self, db: &Db) -> Result<(), StoreError> {
        let Some(thread) = self.store.as_thread() else { return Ok(()) };
        for one in &self.ready {
            references::put(db, &one.raw)?;
            if let Some(text) = &one.text {
                references::put(db, text)?;
            }
            Index::add(db, &one.key, &one.hash)?;
            Index::name(db, &one.key, &thread)?;
        }
        let appended = Log::append(db, &self.store, &self.events)?;
        if appended.added != appended.head.position {
            return Err(StoreError::Row(format!("something of thread {thread} is there already")));
        }
        let key = Log::key(db, &self.store, true)?.unwrap_or_default();
        Snapshots::put(db, key, appended.head.position, &self.snapshot)
    }
}
