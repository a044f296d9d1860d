//! The device: the Mailbox store, own events beside it, and what is known of the backend.
//!
//! Invariant: synchronous and single. Reads on it see the open transaction, so a view is right
//! before its action is on disk; nothing is offered to the backend before it is.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use lru::LruCache;

use crate::clock::Clock;
use crate::crash;
use crate::engine::EngineError;
use crate::engine::blobs::{BLOBS_KEPT, Held, Sending};
use crate::engine::bootstrap::Boot;
use crate::engine::errands::Errands;
use crate::engine::keep::Keeper;
use crate::engine::kept::Kept;
use crate::engine::kept_disk::KeptDisk;
use crate::engine::news::News;
use crate::engine::policy::KEEP_BYTES;
use crate::engine::rewind::Comparing;
use crate::engine::search::{OfAccount, SentToDoor, Shelf};
use crate::engine::threads::OpenThread;
use crate::engine::writing::Writing;
use crate::id::{BlobHash, DeviceId, Epoch, EventId, IdSource, StoreId, ThreadId};
use crate::limits::THREAD_STORES_DEVICE;
use crate::mailbox;
use crate::notice::{Explain as _, Notice};
use crate::store::{Action, Blobs, Db, Durability, Kind, Log, Own, StoreError, disk};
use crate::sync::{Cursor, Frame, PurgedRow};

/// A device.
pub struct Device {
    pub(super) db: Db,
    pub(super) dir: PathBuf,
    pub(super) id: DeviceId,
    pub(super) ids: IdSource,
    pub(super) clock: Box<dyn Clock>,
    /// The epoch of the backend's logs, since this connection's welcome.
    pub(super) epoch: Option<Epoch>,
    /// Stores with an unacknowledged push.
    pub(super) in_flight: BTreeSet<StoreId>,
    /// What of each store is in its unacknowledged push.
    pub(super) sent: BTreeMap<StoreId, BTreeSet<EventId>>,
    /// Pages taken in of each store since credit was given.
    pub(super) taken: BTreeMap<StoreId, u32>,
    /// Frames since this connection's welcome that did not fit what is here.
    pub(super) misfits: u32,
    /// Stores whose later events wait for the acknowledgement of earlier ones.
    pub(super) held_back: BTreeSet<StoreId>,
    /// Whether pending events may be there that no frame has carried yet.
    pub(super) unsent: bool,
    /// Whether commits are synced to disk by who drives this device.
    pub(super) later: bool,
    /// Whether a thread may copy its write-ahead log while much is taken in.
    pub(super) beside: bool,
    /// The number of the last commit that is to be synced, and of the last that is.
    commits: u64,
    on_disk: u64,
    /// Whether the write-ahead log may lack what was written to it.
    distrusted: bool,
    /// Why a commit failed, until whoever drives this device has heard of it.
    pub(super) lost: Option<Notice>,
    /// Loaded Thread stores, the least recently used one first to go.
    pub(super) open: LruCache<ThreadId, OpenThread>,
    /// The members of the open conversation: they stay loaded.
    pub(super) pinned: BTreeSet<ThreadId>,
    /// Logs of Thread stores that a device of a remote backend keeps.
    pub(super) kept: Option<Db>,
    /// What of them own events wait for.
    pub(super) kept_disk: KeptDisk,
    /// What of them is under way.
    pub(super) keeper: Keeper,
    /// Blobs that go to the backend.
    pub(super) sending: Sending,
    /// How many bytes of them may be kept.
    pub(super) limit: u64,
    /// Long texts that were fetched, in memory.
    pub(super) blobs: LruCache<BlobHash, Held>,
    /// Frames to send that are not pushes.
    pub(super) wanted: Vec<Frame>,
    /// The Mailbox log's end as the backend last said.
    pub(super) remote_head: Option<u64>,
    /// The snapshot that is being taken in.
    pub(super) boot: Option<Box<Boot>>,
    /// Snapshots that were declined since this connection's welcome.
    pub(super) declined: u32,
    /// What of the logs here is compared with the backend's.
    pub(super) comparing: Comparing,
    /// Answers to settle, by number: the Mailbox log's end then.
    pub(super) settled: BTreeMap<u64, u64>,
    /// Answers to ingest, by number.
    pub(super) ingested: BTreeMap<u64, Vec<serde_json::Value>>,
    /// Answers to purge orders, by number.
    pub(super) purged: BTreeMap<u64, Vec<PurgedRow>>,
    /// The action that several intents are, while they are decided.
    pub(super) joint: Option<Action>,
    /// What is being written here, where anything ever was.
    pub(super) writing: Option<Writing>,
    /// Where the words of mail are, until the engine's thread has taken it.
    pub(super) shelf: Option<Shelf>,
    /// Who reads to whom mail went.
    pub(super) sent_to: Option<SentToDoor>,
    /// Who knows which threads are of an account.
    pub(super) of_account: Option<OfAccount>,
    /// What the backend is asked to find.
    pub(super) errands: Errands,
    /// What changed since it was last asked.
    pub(super) news: News,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The format of a device's `threads.db`.
pub const KEPT_VERSION: u32 = 3;

/// Brings a device's `mailbox.db` to this format: what own events show is made again too.
pub(super) fn make(db: &Db, found: u32) -> Result<(), StoreError> {
    mailbox::make(db, found)?;
    show_own(db, found)
}

/// Lays own events over what rows there are, in the file and its lists.
pub(super) fn show_own(db: &Db, found: u32) -> Result<(), StoreError> {
    let id = if found > 0 { Own::setting(db, "id")? } else { None };
    let Some(id) = id.and_then(|id| DeviceId::try_from(id).ok()) else { return Ok(()) };
    for thread in Own::all(db)?.iter().filter_map(|event| event.store.as_thread()) {
        super::intents::cover(db, &id, &thread)?;
    }
    mailbox::show_all(db, &Own::of(db, &StoreId::mailbox())?)?;
    mailbox::rebuild_shown(db)
}

/// Brings a remote device's `threads.db` to this format.
fn make_kept(db: &Db, found: u32) -> Result<(), StoreError> {
    if found > 0 {
        Log::upgrade(db, found)?;
    }
    for sql in [Log::SQL, Blobs::SQL, Kept::SQL] {
        db.sql().execute_batch(sql)?;
    }
    if found > 0 { Kept::upgrade(db) } else { Ok(()) }
}

/// The device's id, where the file has one.
fn known_identity(db: &Db) -> Result<Option<DeviceId>, StoreError> {
    let id = Own::setting(db, "id")?.map(DeviceId::try_from);
    id.transpose().map_err(|error| StoreError::Row(error.to_string()))
}

impl Device {
    /// Opens or makes the device in `dir`. `remote` keeps the logs of opened threads.
    ///
    /// # Errors
    /// When a file is damaged, newer or cannot be written.
    pub fn open(dir: &Path, remote: bool, clock: Box<dyn Clock>) -> Result<Self, EngineError> {
        Self::open_on(dir, remote, clock, "")
    }

    /// As [`Device::open`]; a device that is made is called like its machine, `host`.
    ///
    /// # Errors
    /// As [`Device::open`].
    pub fn open_on(
        dir: &Path,
        remote: bool,
        clock: Box<dyn Clock>,
        host: &str,
    ) -> Result<Self, EngineError> {
        super::mend::take_place(dir)?;
        let path = dir.join("mailbox.db");
        let mut db = Db::open_with(&path, Kind::Mailbox, mailbox::VERSION, &make)?;
        mailbox::learn(&mut db, &|db| make(db, mailbox::VERSION))?;
        let id = identity(&mut db, clock.as_ref(), host)?;
        let kept = if remote {
            let path = dir.join("threads.db");
            let kept = Db::open_with(&path, Kind::Threads, KEPT_VERSION, &make_kept)?;
            Kept::make_shrinkable(&kept)?;
            Some(kept)
        } else {
            None
        };
        let mut device = Self::of(db, dir, id, kept, clock)?;
        device.recall_late()?;
        device.forget_shown()?;
        device.drop_purged()?;
        Ok(device)
    }

    /// Opens the device in `dir` for reading; `None` when there is none.
    ///
    /// # Errors
    /// When a file is damaged or newer.
    pub fn read(dir: &Path, clock: Box<dyn Clock>) -> Result<Option<Self>, EngineError> {
        let path = dir.join("mailbox.db");
        let Some(db) = Db::read(&path, Kind::Mailbox, mailbox::VERSION)? else { return Ok(None) };
        let Some(id) = known_identity(&db)? else { return Ok(None) };
        let kept = Db::read(&dir.join("threads.db"), Kind::Threads, KEPT_VERSION)?;
        Ok(Some(Self::of(db, dir, id, kept, clock)?))
    }

    /// As [`Device::read`], of an embedded backend's device whose file does not change meanwhile:
    /// see [`Db::read_quiet`].
    ///
    /// # Errors
    /// As [`Device::read`].
    pub fn read_quiet(dir: &Path, clock: Box<dyn Clock>) -> Result<Option<Self>, EngineError> {
        let path = dir.join("mailbox.db");
        let db = Db::read_quiet(&path, Kind::Mailbox, mailbox::VERSION)?;
        let Some(db) = db else { return Ok(None) };
        let Some(id) = known_identity(&db)? else { return Ok(None) };
        Ok(Some(Self::of(db, dir, id, None, clock)?))
    }

    /// Whether the tables were made by a program that knew other events than this one: the next
    /// that opens them for writing makes them again, should the log hold one.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn knew_others(&self) -> Result<bool, EngineError> {
        Ok(mailbox::knew_others(&self.db)?)
    }

    /// From now on one moment of the file is read, whoever writes it meanwhile: a list is not of
    /// two. Only for a device that was opened for reading.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn hold_still(&mut self) -> Result<(), EngineError> {
        Ok(self.db.begin_read()?)
    }

    fn of(
        db: Db,
        dir: &Path,
        id: DeviceId,
        kept: Option<Db>,
        clock: Box<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let last = Own::setting(&db, "last-id")?.and_then(|id| EventId::try_from(id).ok());
        let boot = Boot::read(&db)?.map(Box::new);
        Ok(Self {
            db,
            boot,
            declined: 0,
            dir: dir.to_owned(),
            id,
            ids: IdSource::after(last.as_ref()),
            clock,
            epoch: None,
            in_flight: BTreeSet::new(),
            sent: BTreeMap::new(),
            taken: BTreeMap::new(),
            misfits: 0,
            held_back: BTreeSet::new(),
            unsent: true,
            later: false,
            beside: false,
            commits: 0,
            on_disk: 0,
            distrusted: false,
            lost: None,
            open: LruCache::new(
                NonZeroUsize::new(THREAD_STORES_DEVICE).unwrap_or(NonZeroUsize::MIN),
            ),
            pinned: BTreeSet::new(),
            kept,
            kept_disk: KeptDisk::default(),
            keeper: Keeper::default(),
            sending: Sending::default(),
            limit: KEEP_BYTES,
            blobs: LruCache::new(NonZeroUsize::new(BLOBS_KEPT).unwrap_or(NonZeroUsize::MIN)),
            wanted: Vec::new(),
            remote_head: None,
            comparing: Comparing::default(),
            settled: BTreeMap::new(),
            ingested: BTreeMap::new(),
            purged: BTreeMap::new(),
            joint: None,
            writing: None,
            shelf: None,
            sent_to: None,
            of_account: None,
            errands: Errands::default(),
            news: News::default(),
        })
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &DeviceId {
        &self.id
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The Mailbox store.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// Begins a transaction that will be on disk at its commit.
    pub(super) fn begin_full(&mut self) -> Result<(), StoreError> {
        if !self.db.is_open() {
            let by_commit = if self.later { Durability::Normal } else { Durability::Full };
            self.db.durable(by_commit)?;
        }
        let begun = self.db.begin();
        if let Err(error @ StoreError::GivenUp) = &begun {
            self.lost = Some(error.notice());
        }
        begun
    }

    /// From now on a commit does not wait for the disk: who drives this device has the disk synced
    /// elsewhere ([`Device::unsynced`]) and says so ([`Device::synced`]). Until then nothing of it
    /// is sent.
    pub const fn sync_later(&mut self) {
        self.later = true;
    }

    /// The write-ahead log that must be synced for what was committed to be on disk, with the
    /// number of the last commit; `None` when all of it is.
    #[must_use]
    pub fn unsynced(&self) -> Option<(PathBuf, u64)> {
        let mut log = self.db.path().as_os_str().to_owned();
        log.push("-wal");
        (self.commits != self.on_disk).then(|| (PathBuf::from(log), self.commits))
    }

    /// Commits up to this number are on disk.
    pub fn synced(&mut self, commit: u64) {
        self.on_disk = self.on_disk.max(commit);
    }

    /// Waits until everything that was committed is on disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&mut self) -> Result<(), EngineError> {
        self.sync_kept(self.distrusted)?;
        let unsynced = self.unsynced();
        if self.distrusted {
            // Also what was taken for synced meanwhile: by a second try that said nothing.
            self.db.checkpoint()?;
            self.distrusted = false;
        } else if let Some((log, _)) = &unsynced {
            disk::sync_log(log)?;
        }
        if let Some((_, commit)) = unsynced {
            self.synced(commit);
        }
        Ok(())
    }

    /// The write-ahead log could not be synced. A second try that succeeds says nothing, for the
    /// system takes what it failed to write for written: the next [`Device::sync`] writes all of
    /// it anew, into the file.
    pub const fn distrust(&mut self) {
        self.distrusted = true;
    }

    /// Whether [`Device::distrust`] was said and nothing was written anew since.
    #[must_use]
    pub const fn is_distrusted(&self) -> bool {
        self.distrusted
    }

    /// Where who drives this device finds the words of mail.
    pub fn search_in(&mut self, shelf: Shelf) {
        self.sent_to = Some(SentToDoor::clone(&shelf.sent_to));
        self.of_account = Some(OfAccount::clone(&shelf.of_account));
        self.shelf = Some(shelf);
    }

    /// Who knows which threads are of an account.
    pub fn ask_accounts(&mut self, of_account: &OfAccount) {
        self.of_account = Some(OfAccount::clone(of_account));
    }

    /// Whether something is decided and not yet on disk.
    #[must_use]
    pub const fn is_saving(&self) -> bool {
        self.db.is_open()
    }

    /// Puts what was decided on disk.
    ///
    /// # Errors
    /// When the disk refuses: views go back to what is on disk.
    pub fn commit(&mut self) -> Result<(), EngineError> {
        if !self.db.is_open() {
            return Ok(());
        }
        crash::point("device.before-commit");
        if let Err(error) = self.db.commit() {
            self.news.lists = true;
            self.lost = Some(error.notice());
            return Err(error.into());
        }
        self.commits += u64::from(self.later);
        crash::point("device.after-commit");
        Ok(())
    }

    /// Whether a commit failed and nobody has heard of it.
    pub(super) const fn has_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Why a commit failed since this was asked last.
    pub(super) const fn take_lost(&mut self) -> Option<Notice> {
        self.lost.take()
    }

    /// Gives up what was decided and is not on disk.
    pub(super) fn take_back(&mut self) {
        self.db.rollback();
        self.news.lists = true;
    }

    /// Pending events, and own events that are not projected yet.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn pending(&self) -> Result<(u64, u64), EngineError> {
        Ok(Own::counts(&self.db)?)
    }

    /// The Mailbox log's last position here.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn head(&self) -> Result<u64, EngineError> {
        if self.boot.is_some() {
            return Ok(0); // what is left of a log belongs to no row any more
        }
        Ok(Log::head(&self.db, &StoreId::mailbox())?.position)
    }

    /// Mailbox events that the backend has and this device has not.
    #[must_use]
    pub fn behind(&self) -> Option<u64> {
        let head = self.head().ok()?;
        self.remote_head.map(|remote| remote.saturating_sub(head))
    }

    /// Where this device is in the Mailbox log.
    pub(super) fn cursor(&self) -> Result<Option<Cursor>, StoreError> {
        if self.boot.is_some() {
            return Ok(None);
        }
        let head = Log::head(&self.db, &StoreId::mailbox())?;
        let known = Own::setting(&self.db, "epoch")?.and_then(|e| Epoch::try_from(e).ok());
        let epoch = self.comparing.held(&StoreId::mailbox()).or(known);
        Ok(epoch.map(|epoch| Cursor { epoch, position: head.position, chain: head.chain }))
    }

    /// The connection is gone: what was not acknowledged is offered again on the next.
    pub fn disconnected(&mut self) {
        self.epoch = None;
        self.errands.disconnected();
        self.in_flight.clear();
        self.sent.clear();
        self.taken.clear();
        self.remote_head = None;
        self.comparing = Comparing::default();
        self.wanted.clear();
        if let Some(boot) = &mut self.boot {
            boot.disconnected();
        }
        self.keeper.disconnected();
        self.forget_sending();
        for (_, open) in &mut self.open {
            open.subscribed = false;
        }
    }

    /// Asks the backend to say when all it has is projected; see [`Device::is_settled`].
    pub fn settle(&mut self, seq: u64) {
        self.wanted.push(Frame::Settle { seq });
    }

    /// Whether this settle was answered and its Mailbox events are here.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn is_settled(&self, seq: u64) -> Result<bool, EngineError> {
        let head = self.head()?;
        Ok(self.settled.get(&seq).is_some_and(|needed| *needed <= head))
    }

    /// There was no room for these frames: they are the first to be sent on the next occasion.
    pub(super) fn unsaid(&mut self, frames: Vec<Frame>) {
        self.wanted.splice(0..0, frames);
    }

    /// Sends a frame on the next occasion.
    pub fn want(&mut self, frame: Frame) {
        self.wanted.push(frame);
    }

    /// The answer to a purge order, once it is there.
    pub fn take_purged(&mut self, seq: u64) -> Option<Vec<PurgedRow>> {
        self.purged.remove(&seq)
    }

    /// The answer to an ingest, once it is there.
    pub fn take_ingested(&mut self, seq: u64) -> Option<Vec<serde_json::Value>> {
        self.ingested.remove(&seq)
    }
}

/// This device's id, made at the first start.
fn identity(db: &mut Db, clock: &dyn Clock, host: &str) -> Result<DeviceId, StoreError> {
    let bad = |error: crate::id::InvalidId| StoreError::Row(error.to_string());
    if let Some(id) = Own::setting(db, "id")? {
        return DeviceId::try_from(id).map_err(bad);
    }
    let mut random = [0; 8];
    clock.random(&mut random);
    let id = DeviceId::make(host, &random);
    db.begin()?;
    Own::set(db, "id", id.as_str())?;
    db.commit()?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_offered_before_it_is_synced_to_disk() {
        use crate::command::intent::Intent;
        let dir = tempfile::tempdir().unwrap();
        let mut device =
            Device::open(dir.path(), false, Box::new(crate::clock::SystemClock)).unwrap();
        device.sync_later();
        device.epoch = Some(Epoch::try_from("e1").unwrap());
        device.intend(&Intent::CreateLabel("Work".to_owned())).unwrap();
        device.commit().unwrap();
        let pushes = |device: &mut Device| {
            let frames = device.outgoing().unwrap();
            frames.iter().filter(|frame| matches!(frame, Frame::Push { .. })).count()
        };
        assert_eq!(pushes(&mut device), 0, "committed, not synced");
        let (_, first) = device.unsynced().unwrap();
        device.synced(first);
        assert_eq!(pushes(&mut device), 0, "its epoch is written down, not synced");
        device.sync().unwrap();
        assert_eq!(pushes(&mut device), 1);
    }
}
