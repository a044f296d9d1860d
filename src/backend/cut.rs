//! One moment of a running backend, copied while it goes on; and how such a copy begins a new life.
//!
//! Invariant: logs, queue, blobs and rows of a cut are of one moment between two commits. Copying
//! it takes nothing from who writes but the space of the write-ahead log. What a copy becomes has
//! an epoch of its own, never used before, from the first time that a backend opens it.

use std::path::Path;

use crate::backend::bootstrap;
use crate::backend::core::Backend;
use crate::backend::storage::{self, SnapshotFile};
use crate::clock::Clock;
use crate::crash::{self, Broken};
use crate::id::{Epoch, StoreId};
use crate::mailbox;
use crate::store::{Db, Kind, Log, StoreError};

/// The files of a backend that a cut holds, by their names in its directory.
pub const FILES: [&str; 2] = ["threads.db", "mailbox.db"];
/// And that which it holds besides where the Mailbox log does not reach back to its beginning.
pub const SNAPSHOTS: &str = SnapshotFile::NAME;

/// One moment of a backend.
#[derive(Debug)]
pub struct Cut {
    files: Vec<(&'static str, Db)>,
}

impl Backend {
    /// Holds this moment of the backend, to be copied on any thread while it goes on.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn cut(&mut self) -> Result<Cut, StoreError> {
        // Between two commits: both files are then of one moment.
        self.commit()?;
        Cut::of(self.db.path().parent().unwrap_or(Path::new("")))
    }
}

impl Cut {
    /// Holds this moment of the backend in `dir`. Nobody may commit to it meanwhile: it is the
    /// caller's, or its owner waits ([`HostHandle::hold`](super::HostHandle::hold)).
    ///
    /// # Errors
    /// When the storage refuses, or there is no backend.
    pub fn of(dir: &Path) -> Result<Self, StoreError> {
        let kinds = [(Kind::Threads, storage::VERSION), (Kind::Mailbox, mailbox::VERSION)];
        let mut files = Vec::new();
        for (name, (kind, version)) in FILES.into_iter().zip(kinds) {
            let path = dir.join(name);
            let Some(mut db) = Db::read(&path, kind, version)? else {
                return Err(StoreError::Damaged { path, detail: "it is not there".to_owned() });
            };
            db.hold()?;
            files.push((name, db));
        }
        // Of a log that is cut nothing but a snapshot tells the beginning: another one cannot be
        // made as long as an event is in it whose name is not known here.
        let is_cut = bootstrap::is_cut(&files[1].1)?;
        if let Some(file) = SnapshotFile::read(dir)?.filter(|_| is_cut) {
            let mut db = file.into_db();
            db.hold()?;
            files.push((SNAPSHOTS, db));
        }
        Ok(Self { files })
    }

    /// The names of its files.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.files.iter().map(|(name, _)| *name)
    }

    /// Which backend it is of, and the epoch of its logs.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn identity(&self) -> Result<(String, String), StoreError> {
        let (_, threads) = &self.files[0];
        let setting = |name| storage::Snapshots::setting(threads, name);
        Ok((setting("backend")?.unwrap_or_default(), setting("epoch")?.unwrap_or_default()))
    }

    /// The bytes of its files, about.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn size(&self) -> Result<u64, StoreError> {
        self.files.iter().try_fold(0, |size, (_, db)| Ok(size + db.size()?))
    }

    /// Copies its files into a directory. `go_on` is told how many bytes are done, and says whether
    /// to go on; `false` when it did not.
    ///
    /// # Errors
    /// When the storage or the disk refuses.
    pub fn copy_to(
        &self,
        dir: &Path,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<bool, StoreError> {
        let mut before = 0;
        for (name, db) in &self.files {
            let mut report = |done| go_on(before + done);
            if !db.copy_to(&dir.join(name), &mut report)? {
                return Ok(false);
            }
            before += db.size()?;
        }
        Ok(true)
    }
}

/// What lies in `dir` was put back from a copy: it is brought to this format, and a new epoch
/// begins in it. Nothing may have opened it since.
///
/// # Errors
/// When a file is damaged, newer or cannot be written.
pub fn begin_again(dir: &Path, clock: &dyn Clock) -> Result<Epoch, StoreError> {
    let mut threads = storage::open(dir, clock.now())?;
    let path = dir.join("mailbox.db");
    let mut rows = Db::open_with(&path, Kind::Mailbox, mailbox::VERSION, &mailbox::make)?;
    let last = storage::epoch(&threads)?;
    let epoch = match last.clone().filter(|_| crash::broken(Broken::EpochUsedAgain)) {
        Some(last) => last,
        None => storage::new_epoch(last.as_ref(), clock)?,
    };
    let head = Log::head(&rows, &StoreId::mailbox())?.position;
    threads.begin()?;
    storage::begin(&threads, &epoch, head)?;
    threads.commit()?;
    threads.checkpoint()?;
    rows.checkpoint()?;
    Ok(epoch)
}
