//! What a device holds in memory: loaded Thread stores. Long texts are in `blobs`.
//!
//! Invariant: bounded, and the open conversation stays, however many members it has. Evicting a
//! store loses nothing: its state is its log and the own events that the log does not hold.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use crate::engine::kept::Kept;
use crate::engine::threads::OpenThread;
use crate::engine::{Device, EngineError};
use crate::id::{BlobHash, StoreId, ThreadId};
use crate::limits::{THREAD_IDLE, THREAD_STORES_DEVICE};
use crate::sync::Frame;

impl Device {
    /// Loads a thread and keeps it up to date while it is loaded. Its messages may come later; see
    /// [`Device::is_loaded`].
    ///
    /// # Errors
    /// When the database refuses.
    pub fn load(&mut self, thread: &ThreadId) -> Result<(), EngineError> {
        let used_ms = self.clock.now_ms();
        if let Some(open) = self.open.get_mut(thread) {
            open.used_ms = used_ms;
            // A long text may have gone before its thread.
            self.fetch_blobs(thread)?;
        } else {
            self.make_room()?;
            let mut open = OpenThread::default();
            open.used_ms = used_ms;
            if let Some(kept) = &mut self.kept {
                match Kept::log(kept, &StoreId::thread(thread))? {
                    Some(log) => open.add(&log),
                    None => Kept::empty(kept, thread)?,
                }
            }
            self.open.push(thread.clone(), open);
            self.no_fetch(thread);
        }
        self.subscribe_thread(thread);
        Ok(())
    }

    /// From now on these threads stay loaded once they are: they are the open conversation. What
    /// was pinned before is as any other.
    pub fn pin(&mut self, threads: impl IntoIterator<Item = ThreadId>) {
        self.pinned = threads.into_iter().collect();
    }

    /// Whether a thread is loaded or being loaded.
    #[must_use]
    pub fn is_open(&self, thread: &ThreadId) -> bool {
        self.open.contains(thread)
    }

    /// How many threads are loaded or being loaded.
    #[must_use]
    pub fn loaded(&self) -> usize {
        self.open.len()
    }

    /// Lets go of what nobody has asked for in [`THREAD_IDLE`].
    ///
    /// # Errors
    /// When the database refuses.
    pub fn evict_idle(&mut self) -> Result<(), EngineError> {
        let idle_ms = i64::try_from(THREAD_IDLE.as_millis()).unwrap_or(i64::MAX);
        let since = self.clock.now_ms().saturating_sub(idle_ms);
        let idle = |(thread, open): &(&ThreadId, &OpenThread)| {
            open.used_ms <= since && !self.pinned.contains(*thread)
        };
        let idle: Vec<ThreadId> =
            self.open.iter().filter(idle).map(|(thread, _)| thread.clone()).collect();
        for thread in idle {
            self.evict(&thread)?;
        }
        let needed: BTreeSet<BlobHash> =
            self.open.iter().flat_map(|(_, open)| open.text_blobs()).collect();
        let held: Vec<BlobHash> = self.blobs.iter().map(|(hash, _)| hash.clone()).collect();
        for hash in held.iter().filter(|hash| !needed.contains(*hash)) {
            self.blobs.pop(hash);
        }
        Ok(())
    }

    /// Makes room for one more thread beside the open conversation.
    fn make_room(&mut self) -> Result<(), EngineError> {
        let free = |device: &Self| {
            let threads = device.open.iter().rev().map(|(thread, _)| thread);
            threads.filter(|thread| !device.pinned.contains(*thread)).count()
        };
        while free(self) >= THREAD_STORES_DEVICE {
            let threads = self.open.iter().rev().map(|(thread, _)| thread);
            let Some(oldest) = threads.clone().find(|t| !self.pinned.contains(*t)).cloned() else {
                break;
            };
            self.evict(&oldest)?;
        }
        let needed = NonZeroUsize::MIN.saturating_add(self.open.len().max(THREAD_STORES_DEVICE));
        self.open.resize(needed);
        Ok(())
    }

    fn evict(&mut self, thread: &ThreadId) -> Result<(), EngineError> {
        let Some(old) = self.open.pop(thread) else { return Ok(()) };
        if !old.subscribed {
            return Ok(());
        }
        self.wanted.push(Frame::Unsubscribe { store: StoreId::thread(thread) });
        if let Some(seen) = crate::mailbox::watermark(&self.db, thread)? {
            self.begin_full()?;
            self.forget_projected(thread, seen.position)?;
            self.commit()?;
        }
        Ok(())
    }
}
