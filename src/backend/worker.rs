//! The pipeline's two steps: dirty threads → queue, queue → Mailbox store.
//!
//! Invariant: a batch is acknowledged after the Mailbox commit, never before. At least once, and
//! idempotent by source and position: effectively once, in order.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::backend::core::Backend;
use crate::backend::mailbox_client::Taken;
use crate::backend::storage::{Edges, Queue, Queued, Snapshots};
use crate::backend::thread_client::from_log;
use crate::crash;
use crate::id::StoreId;
use crate::limits::BATCH_ATTEMPTS;
use crate::notice::Explain as _;
use crate::projection::Batch;
use crate::store::{Durability, Log, StoreError};

/// Dirty threads and batches taken in one transaction, at most and at least.
pub(super) const A_STEP: (usize, usize) = (200, 8);
/// How long a step should take: a device's push waits for it to end.
const STEP_TAKES: Duration = Duration::from_millis(10);

impl Backend {
    /// Does a slice of the pipeline's work; `false` when there was none.
    ///
    /// # Errors
    /// When the storage refuses; everything of the slice is rolled back and done again later.
    pub fn step(&mut self) -> Result<bool, StoreError> {
        let done = self.tell_purges().and_then(|()| self.advance_clients()).and_then(|advanced| {
            let worked = self.work_queue()?;
            Ok(advanced || worked || self.project_slice()?)
        });
        if done.is_err() {
            self.roll_back();
        }
        done
    }

    /// Whether a conversation changed that a mail server has; asked once.
    pub fn take_touched(&mut self) -> bool {
        std::mem::take(&mut self.touched)
    }

    /// The last step took so long: the next are made smaller or larger by it.
    pub fn pace(&mut self, took: Duration) {
        let (most, least) = A_STEP;
        if took > STEP_TAKES {
            self.a_step = (self.a_step / 2).max(least);
        } else if took < STEP_TAKES / 2 {
            self.a_step = (self.a_step * 2).min(most);
        }
    }

    fn advance_clients(&mut self) -> Result<bool, StoreError> {
        let dirty = Snapshots::dirty(&self.db, self.a_step)?;
        if dirty.is_empty() {
            return Ok(false);
        }
        // What this writes is made again from the logs, should the machine lose power.
        self.db.durable(Durability::Normal)?;
        self.db.begin()?;
        let mut passed = Vec::new();
        for (key, store) in &dirty {
            match self.clients.advance(&self.db, &self.epoch, (*key, store), self.now) {
                // It is `doctor`'s concern, and holds up no other thread.
                Err(StoreError::Broken { .. }) => {
                    if self.met_damage(store)? {
                        Snapshots::pass_over(&self.db, *key)?;
                        passed.push(*key);
                    }
                }
                other => other?,
            }
            if let Some(thread) = store.as_thread() {
                self.touched |= Edges::touch(&self.db, &thread)?;
            }
        }
        crash::point("client.before-commit");
        self.db.commit()?;
        crash::point("client.after-commit");
        if !passed.is_empty() {
            self.note_worked(&passed)?;
        }
        Ok(true)
    }

    fn work_queue(&mut self) -> Result<bool, StoreError> {
        let mut leased = Queue::lease(&self.db, self.a_step)?;
        if leased.is_empty() {
            return Ok(false);
        }
        // After a failure one at a time, so that a bad batch is told from its neighbours.
        if leased.iter().any(|item| item.attempts > 0) {
            leased.sort_by_key(|item| (item.attempts, item.id));
            leased.truncate(1);
        }
        let batches: Vec<&Batch> = leased.iter().filter_map(|item| item.batch.as_ref()).collect();
        let taken = self.mailbox.take(&batches, &self.epoch);
        let taken = match taken {
            Ok(taken) => taken,
            Err(error) => return self.note_failure(&leased, error),
        };
        let mut again: Vec<StoreId> = Vec::new();
        for (batch, taken) in batches.iter().zip(&taken) {
            if *taken == Taken::Gap {
                again.push(batch.source.store.clone());
            }
        }
        for store in &again {
            self.project_again(store)?;
        }
        crash::point("worker.before-commit");
        self.mailbox.commit()?;
        crash::point("worker.after-commit");
        self.acknowledge(&leased)?;
        Ok(true)
    }

    fn acknowledge(&mut self, leased: &[Queued]) -> Result<(), StoreError> {
        self.db.durable(Durability::Normal)?;
        self.db.begin()?;
        for item in leased {
            if item.batch.is_some() {
                Queue::acknowledge(&self.db, item.id)?;
            } else {
                Queue::poison(&self.db, item.id, "it cannot be read")?;
                self.project_key_again(item.store)?;
            }
        }
        crash::point("queue.before-ack");
        self.mailbox.commit()?;
        self.db.commit()?;
        crash::point("queue.after-ack");
        self.note_worked(&leased.iter().map(|item| item.store).collect::<Vec<_>>())
    }

    /// A try failed as a whole: every batch of it counts one, and one that failed too often is put
    /// where a person can read it.
    fn note_failure(&mut self, leased: &[Queued], error: StoreError) -> Result<bool, StoreError> {
        self.mailbox.rollback();
        if !error.is_permanent() {
            return Err(error);
        }
        self.db.begin()?;
        for item in leased {
            Queue::failed(&self.db, item.id, &error.to_string())?;
            if item.attempts + 1 >= BATCH_ATTEMPTS {
                Queue::poison(&self.db, item.id, &error.to_string())?;
                Snapshots::forget(&self.db, item.store)?;
            }
        }
        self.db.commit()?;
        Err(error)
    }

    fn project_key_again(&mut self, key: i64) -> Result<(), StoreError> {
        let stores = Log::stores_by_key(&self.db, &BTreeSet::from([key]))?;
        for store in &stores {
            self.project_again(store)?;
        }
        Ok(())
    }

    /// Projects a thread from its log, whatever the index holds of it.
    pub(super) fn project_again(&mut self, store: &StoreId) -> Result<(), StoreError> {
        let Some(thread) = store.as_thread() else { return Ok(()) };
        let (snapshot, through) = match from_log(&self.db, store) {
            // Its row stays as it is until the log is mended.
            Ok(None) | Err(StoreError::Broken { .. }) => return Ok(()),
            found => match found? {
                Some(found) => found,
                None => return Ok(()),
            },
        };
        let log = Log::all(&self.db, store)?;
        self.mailbox.project_again(&thread, &snapshot, through, &log, &self.epoch)
    }
}
