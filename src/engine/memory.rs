//! What a device holds in memory: loaded Thread stores, and long texts.
//!
//! Invariant: bounded, and the open conversation stays, however many members it has. Evicting a
//! store loses nothing: its state is its log and the own events that the log does not hold.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use crate::engine::device::BLOBS_KEPT;
use crate::engine::threads::OpenThread;
use crate::engine::{Device, EngineError};
use crate::id::{BlobHash, StoreId, ThreadId};
use crate::limits::{BLOB_CHUNK_BYTES, THREAD_IDLE, THREAD_STORES_DEVICE};
use crate::store::Log;
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
            self.fetch_blobs(thread);
        } else {
            self.make_room()?;
            let mut open = OpenThread::default();
            open.used_ms = used_ms;
            if let Some(kept) = &self.kept {
                open.add(&Log::all(kept, &StoreId::thread(thread))?);
            }
            self.open.push(thread.clone(), open);
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

    pub(super) fn missing_blobs(&self, thread: &ThreadId) -> Vec<BlobHash> {
        let blobs = self.open.peek(thread).map(OpenThread::text_blobs).unwrap_or_default();
        blobs.into_iter().filter(|hash| !self.has_blob(hash)).collect()
    }

    /// Asks for the long texts of a loaded thread that are not here.
    pub(super) fn fetch_blobs(&mut self, thread: &ThreadId) {
        let texts = |device: &Self, thread: &ThreadId| {
            device.open.peek(thread).map(OpenThread::text_blobs).unwrap_or_default()
        };
        let shown: BTreeSet<BlobHash> =
            self.pinned.iter().flat_map(|pinned| texts(self, pinned)).collect();
        // What is shown and what is asked for must have room at the same time; and what is shown
        // is not what goes first.
        let room = shown.len() + texts(self, thread).len() + BLOBS_KEPT;
        self.blobs.resize(NonZeroUsize::new(room).unwrap_or(NonZeroUsize::MIN));
        for hash in &shown {
            self.blobs.promote(hash);
        }
        for hash in self.missing_blobs(thread) {
            let offset = self.blobs.peek(&hash).map_or(0, |bytes| bytes.len() as u64);
            self.wanted.push(Frame::BlobGet { hash, offset });
        }
    }

    /// Whether a blob is here as a whole.
    #[must_use]
    pub fn has_blob(&self, hash: &BlobHash) -> bool {
        self.blobs.peek(hash).is_some_and(|bytes| crate::store::Blobs::name(bytes) == *hash)
    }

    /// A blob that was fetched.
    #[must_use]
    pub fn blob(&self, hash: &BlobHash) -> Option<Vec<u8>> {
        self.blobs.peek(hash).filter(|_| self.has_blob(hash)).cloned()
    }

    pub(super) fn blob_part(
        &mut self,
        hash: &BlobHash,
        offset: u64,
        size: Option<u64>,
        data: Vec<u8>,
    ) -> Result<(), EngineError> {
        if size.is_none() {
            return Err(EngineError::NoBlob(hash.to_string()));
        }
        let held = self.blobs.get_or_insert_mut(hash.clone(), Vec::new);
        if held.len() as u64 != offset {
            return Ok(()); // a part that was asked for twice
        }
        let last = data.len() < BLOB_CHUNK_BYTES;
        held.extend(data);
        let (here, whole) = (held.len() as u64, size.unwrap_or(0));
        if here < whole && !last {
            self.wanted.push(Frame::BlobGet { hash: hash.clone(), offset: here });
        }
        let threads: Vec<_> = self.open.iter().map(|(thread, _)| thread.clone()).collect();
        self.news.threads.extend(threads);
        Ok(())
    }
}
