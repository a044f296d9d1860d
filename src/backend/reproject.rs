//! Threads are projected again in the background when the projection is another than the one that
//! made their rows, or when events are read now that were not before.
//!
//! Invariant: a slice at a time, and only when the pipeline has nothing else to do: no push, import
//! or answer waits for more than one slice. Rows are put right by events, so that devices see them
//! change as they see any other; a thread whose row is right already gets none. A crash between the
//! Mailbox commit and the other repeats a slice that then finds nothing to change.

use crate::backend::core::Backend;
use crate::backend::storage::{Again, Links, Purged, Snapshots};
use crate::backend::thread_client::{from_log, is_trash};
use crate::id::StoreId;
use crate::store::{Durability, Log, StoreError};

/// Threads in a slice.
const THREADS_A_SLICE: usize = 16;

impl Backend {
    /// How many threads still wait to be projected again, and of how many; `None` when none does.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn projecting(&self) -> Result<Option<(u64, u64)>, StoreError> {
        Again::progress(&self.db)
    }

    /// Projects a slice of the threads that wait; `false` when none does.
    pub(super) fn project_slice(&mut self) -> Result<bool, StoreError> {
        let next = Again::next(&self.db, THREADS_A_SLICE)?;
        if next.is_empty() {
            return Ok(false);
        }
        self.db.durable(Durability::Normal)?;
        self.db.begin()?;
        for (key, store) in next {
            if let Some(store) = store {
                self.project_anew(key, &store)?;
            }
            Again::done(&self.db, key)?;
        }
        self.mailbox.commit()?;
        self.db.commit()?;
        Ok(true)
    }

    fn project_anew(&mut self, key: i64, store: &StoreId) -> Result<(), StoreError> {
        let Some(thread) = store.as_thread() else { return Ok(()) };
        let Some((snapshot, through)) = from_log(&self.db, store)? else { return Ok(()) };
        let (held, position) = self.mailbox.mirrored(&thread, &self.epoch)?;
        if held.as_ref() != Some(&snapshot) {
            let mut log = Log::all(&self.db, store)?;
            // What rows say of actions at or below the watermark they said already.
            log.retain(|event| event.position > position);
            self.mailbox.project_again(&thread, &snapshot, through, &log, &self.epoch)?;
        }
        let trashed = is_trash(&snapshot);
        if Purged::trashed(&self.db, store)?.is_some() != trashed {
            Purged::trash(&self.db, key, trashed, self.now)?;
        }
        Links::read(&self.db, &thread)?;
        Snapshots::put(&self.db, key, through, &snapshot)
    }
}
