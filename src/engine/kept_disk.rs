//! When the end of a kept log is on disk: only then an own event that it holds is forgotten.
//!
//! Invariant: of an own event that the backend has there is a copy on this device's disk until rows
//! show it and the log of its thread, where that is kept, holds it on disk: otherwise a power cut
//! and a restore of before it would leave it nowhere. A log without own events is not synced: it
//! can be fetched again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::engine::{Device, EngineError};
use crate::id::{StoreId, ThreadId};
use crate::mailbox;
use crate::store::{Durability, Own, StoreError, disk};

/// What was put behind kept logs and is not on disk.
#[derive(Debug, Default)]
pub(super) struct KeptDisk {
    /// The number of the last commit that somebody waits for.
    commits: u64,
    /// Threads with own events, and the commit that has to be on disk before they are forgotten.
    waits: BTreeMap<ThreadId, u64>,
}

impl KeptDisk {
    /// Whether the end of this thread's log may not be on disk.
    pub(super) fn awaits(&self, thread: &ThreadId) -> bool {
        self.waits.contains_key(thread)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }
}

impl Device {
    /// Begins a transaction in which something is put behind a thread's kept log.
    pub(super) fn begin_kept(&mut self, thread: &ThreadId) -> Result<(), StoreError> {
        if self.kept.is_none() {
            return Ok(());
        }
        let own = Own::has(&self.db, &StoreId::thread(thread))?;
        let Some(kept) = &mut self.kept else { return Ok(()) };
        let full = own && !self.later;
        kept.durable(if full { Durability::Full } else { Durability::Normal })?;
        kept.begin()?;
        if own && self.later {
            self.kept_disk.commits += 1;
            self.kept_disk.waits.insert(thread.clone(), self.kept_disk.commits);
        }
        Ok(())
    }

    /// The write-ahead log of the kept logs that must be synced before own events are forgotten,
    /// with the number of the last commit; `None` when none waits for that.
    #[must_use]
    pub fn unsynced_kept(&self) -> Option<(PathBuf, u64)> {
        let kept = self.kept.as_ref().filter(|_| !self.kept_disk.is_empty())?;
        let mut log = kept.path().as_os_str().to_owned();
        log.push("-wal");
        Some((PathBuf::from(log), self.kept_disk.commits))
    }

    /// Commits of the kept logs up to this number are on disk: own events that they hold are
    /// forgotten, where rows show them.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn synced_kept(&mut self, commit: u64) -> Result<(), EngineError> {
        let waits = self.kept_disk.waits.clone();
        // What was decided by keys has its own durability.
        self.commit()?;
        self.kept_disk.waits.retain(|_, at| *at > commit);
        let done = waits.iter().filter(|(_, at)| **at <= commit);
        let done = done.map(|(thread, _)| thread).try_for_each(|thread| self.forget_kept(thread));
        if done.is_err() {
            self.db.rollback();
            self.kept_disk.waits = waits;
        }
        done?;
        self.commit()
    }

    /// Forgets own events that rows show and the kept log holds on disk.
    fn forget_kept(&mut self, thread: &ThreadId) -> Result<(), EngineError> {
        let epoch = Own::setting(&self.db, "epoch")?;
        let seen = mailbox::watermark(&self.db, thread)?;
        if let Some(seen) = seen.filter(|seen| Some(seen.epoch.as_str()) == epoch.as_deref()) {
            self.begin_full()?;
            self.forget_projected(thread, seen.position)?;
        }
        Ok(())
    }

    /// Waits until the disk has what own events wait for; `anew` writes it to another place.
    pub(super) fn sync_kept(&mut self, anew: bool) -> Result<(), EngineError> {
        let Some((log, commit)) = self.unsynced_kept() else { return Ok(()) };
        match &mut self.kept {
            Some(kept) if anew => kept.checkpoint()?,
            _ => disk::sync_log(&log)?,
        }
        self.synced_kept(commit)
    }
}
