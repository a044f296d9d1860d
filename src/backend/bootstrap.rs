//! Snapshots of the Mailbox store: made, offered, served; and what of the log may go below one.
//!
//! Invariant: a snapshot is made from one committed moment of the store, by connections of its own,
//! so that no push waits for it, and never above an event whose name is not known here. Arguments
//! are given up only below one that is whole and on disk; ids and positions never are. A log that
//! gave some up is its snapshot and what comes after.

use std::path::{Path, PathBuf};

use crate::backend::core::Backend;
use crate::backend::storage::{Held, SnapshotFile};
use crate::crash::Broken;
use crate::id::{StoreId, ThreadId};
use crate::limits::{LOG_KEPT, SNAPSHOT_EVENTS, TRUNCATE_EVENTS};
use crate::mailbox::snapshot::{self, Packer};
use crate::mailbox::{self, MailboxEvent};
use crate::projection;
use crate::store::{Db, Head, Kind, Log, Own, StoreError};
use crate::sync::Manifest;

/// The position up to which arguments are given up, and up to which they are gone.
const REACH: &str = "reach";
const GIVEN_UP: &str = "given-up";
/// Events whose arguments are given up in one transaction: a few milliseconds.
const GIVEN_UP_A_STEP: usize = 500;
/// A tail shorter than this many events is paged to a device that has the rest of the log.
const SHORT_TAIL: u64 = 20_000;

/// The snapshots of a backend.
#[derive(Debug)]
pub(super) struct Snapshotter {
    dir: PathBuf,
    file: SnapshotFile,
    held: Option<Held>,
    /// Up to which position arguments of the log may be gone.
    reach: u64,
    /// Whether there are some left to be given up.
    giving_up: bool,
    /// Whether a device waits for a snapshot.
    pub(super) wanted: bool,
}

impl Snapshotter {
    /// Opens what is there; a file that is damaged is made anew, and what was in it again.
    pub(super) fn open(dir: &Path, mailbox: &Db) -> Result<Self, StoreError> {
        let found = SnapshotFile::open(dir).and_then(|file| Self::of(dir, file, mailbox));
        match found {
            Err(error) if error.is_damage() => Self::of(dir, SnapshotFile::anew(dir)?, mailbox),
            found => found,
        }
    }

    fn of(dir: &Path, mut file: SnapshotFile, mailbox: &Db) -> Result<Self, StoreError> {
        let held = file.newest()?;
        let mut snapshots = Self {
            dir: dir.to_owned(),
            held: None,
            reach: number(mailbox, REACH)?,
            giving_up: number(mailbox, REACH)? > number(mailbox, GIVEN_UP)?,
            wanted: false,
            file: {
                // What was broken off, and what a newer one replaced, goes.
                file.drop_all_but(held.as_ref().map(|held| held.id))?;
                file
            },
        };
        snapshots.adopt(mailbox)?;
        snapshots.wanted = snapshots.reach > 0 && snapshots.held.is_none();
        Ok(snapshots)
    }

    /// Takes the newest snapshot of the file for ours, if it is one of this log.
    fn adopt(&mut self, mailbox: &Db) -> Result<(), StoreError> {
        let Some(mut held) = self.file.newest()? else { return Ok(()) };
        let store = StoreId::mailbox();
        let manifest = &held.manifest;
        let fits = manifest.format == snapshot::FORMAT
            && manifest.schema == mailbox::VERSION
            && manifest.projection == projection::VERSION
            && manifest.position >= self.reach
            && manifest.position <= Log::head(mailbox, &store)?.position
            && Log::chain_at(mailbox, &store, manifest.position)? == Some(manifest.chain);
        let gone = if fits { mailbox::purged(mailbox)? } else { Vec::new() };
        let sound = fits
            && (gone.len() as u64 == held.purged
                || self.file.redact(&mut held, &gone, gone.len() as u64)?);
        self.held = sound.then_some(held);
        self.file.drop_all_but(self.held.as_ref().map(|held| held.id))
    }

    /// Takes purged threads out of the snapshot; one that is damaged goes.
    pub(super) fn redact(&mut self, mailbox: &Db, gone: &[ThreadId]) -> Result<(), StoreError> {
        let Some(mut held) = self.held.take() else { return Ok(()) };
        let purged = mailbox::purged(mailbox)?.len() as u64;
        if self.file.redact(&mut held, gone, purged)? {
            self.held = Some(held);
            return Ok(());
        }
        self.wanted |= self.reach > 0;
        self.file.drop_all_but(None)
    }

    /// Gives up what was begun in their file and failed.
    pub(super) fn roll_back(&mut self) {
        self.file.roll_back();
    }

    /// Where snapshots are made: what [`make`] needs.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What a device that holds the log up to `position` is offered instead of its events.
    pub(super) fn offer(&self, position: u64) -> Offer<'_> {
        let short = position < self.reach;
        let Some(held) = &self.held else { return if short { Offer::Wait } else { Offer::Log } };
        let saved = held.manifest.position.saturating_sub(position);
        // A row costs about as much as half an event.
        let worth = saved > held.manifest.rows / 2 && (position == 0 || saved > SHORT_TAIL);
        if short || worth { Offer::Snapshot(&held.manifest) } else { Offer::Log }
    }

    /// A chunk; `None` when there is no such snapshot any more, or it is damaged: it goes then, and
    /// another is made.
    pub(super) fn chunk(&mut self, name: &str, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(held) = self.held.as_ref().filter(|held| held.manifest.hash == name) else {
            return Ok(None);
        };
        let chunk = match self.file.chunk(held, number) {
            Err(error) if error.is_damage() => {
                self.file = SnapshotFile::anew(&self.dir)?;
                None
            }
            chunk => chunk?,
        };
        if chunk.is_none() {
            self.held = None;
            self.wanted = true;
        }
        Ok(chunk)
    }

    /// Whether the log reaches back to the event after a position.
    pub(super) const fn reaches(&self, position: u64) -> bool {
        position >= self.reach
    }
}

/// What a device gets that subscribes to the Mailbox store.
pub(super) enum Offer<'a> {
    /// The events.
    Log,
    /// A snapshot in their place.
    Snapshot(&'a Manifest),
    /// The snapshot, once it is made: the log does not reach back so far.
    Wait,
}

impl Backend {
    /// Makes a snapshot of the Mailbox store now, as of its last commit. `false` when there is
    /// nothing to make one of, or an event is in the log whose name is not known here.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn make_snapshot(&mut self) -> Result<bool, StoreError> {
        let made = make(self.snapshots.dir(), &self.id, &|| false)?;
        if made {
            self.adopt_snapshot()?;
        }
        Ok(made)
    }

    /// A snapshot was made ([`make`]): it is the one that is offered from now on.
    pub(super) fn adopt_snapshot(&mut self) -> Result<(), StoreError> {
        self.snapshots.adopt(self.mailbox.db())?;
        self.snapshots.wanted = false;
        self.offer_waiting();
        Ok(())
    }

    /// Whether a snapshot must be made: the log does not reach back to its beginning, and there is
    /// none.
    #[must_use]
    pub const fn lacks_snapshot(&self) -> bool {
        self.snapshots.wanted
    }

    /// The position of the snapshot that is offered.
    #[must_use]
    pub fn snapshot_position(&self) -> Option<u64> {
        self.snapshots.held.as_ref().map(|held| held.manifest.position)
    }

    /// Gives the arguments of all Mailbox events below the snapshot up, now. Returns the position
    /// below which a device bootstraps.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn truncate(&mut self) -> Result<u64, StoreError> {
        if let Some(through) = self.snapshot_position() {
            self.set_reach(through)?;
            while self.give_up()? {}
        }
        Ok(self.snapshots.reach)
    }

    /// What may be done when there is nothing else to do: arguments are given up. `false` when
    /// nothing was.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn shorten(&mut self) -> Result<bool, StoreError> {
        let kept = self.snapshot_position().unwrap_or_default().saturating_sub(LOG_KEPT);
        if kept > self.snapshots.reach.saturating_add(TRUNCATE_EVENTS) {
            self.set_reach(kept)?;
        }
        self.give_up()
    }

    /// Whether a snapshot should be made: the log has grown by more than a part of its rows.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(super) fn wants_snapshot(&self) -> Result<bool, StoreError> {
        if self.snapshots.wanted {
            return Ok(true);
        }
        let head = Log::head(self.mailbox.db(), &StoreId::mailbox())?.position;
        let (at, rows) = self
            .snapshots
            .held
            .as_ref()
            .map_or((0, 0), |held| (held.manifest.position, held.manifest.rows));
        Ok(head.saturating_sub(at) >= SNAPSHOT_EVENTS.max(rows / 8))
    }

    fn set_reach(&mut self, through: u64) -> Result<(), StoreError> {
        if through <= self.snapshots.reach {
            return Ok(());
        }
        self.commit()?;
        let db = self.mailbox.writer()?;
        Own::set(db, REACH, &through.to_string())?;
        crate::crash::point("truncate.before-commit");
        self.mailbox.commit()?;
        self.snapshots.reach = through;
        self.snapshots.giving_up = true;
        Ok(())
    }

    /// Gives up the next arguments below the reach.
    fn give_up(&mut self) -> Result<bool, StoreError> {
        if !self.snapshots.giving_up {
            return Ok(false);
        }
        self.commit()?;
        let reach = self.snapshots.reach;
        let db = self.mailbox.writer()?;
        let from = number(db, GIVEN_UP)?;
        let last = Log::give_up(db, &StoreId::mailbox(), (from, reach), GIVEN_UP_A_STEP)?;
        if crate::crash::broken(Broken::IdsTruncated) {
            let through = i64::try_from(last.unwrap_or(reach)).unwrap_or(i64::MAX);
            db.sql().execute("DELETE FROM eventlog WHERE position <= ?1", [through])?;
        }
        Own::set(db, GIVEN_UP, &last.unwrap_or(reach).to_string())?;
        self.mailbox.commit()?;
        crate::crash::point("truncate.after-commit");
        self.snapshots.giving_up = last.is_some_and(|last| last < reach);
        Ok(self.snapshots.giving_up)
    }
}

/// Whether arguments of the Mailbox log were given up.
pub(super) fn is_cut(mailbox: &Db) -> Result<bool, StoreError> {
    Ok(number(mailbox, REACH)? > 0)
}

fn number(db: &Db, name: &str) -> Result<u64, StoreError> {
    let text = Own::setting(db, name)?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or_default())
}

/// Makes a snapshot of the Mailbox store in `dir` as of its last commit, for the backend `backend`;
/// see [`Backend::make_snapshot`]. It needs nothing but the files, and holds nobody up;
/// once `stop` says so it is given up.
pub(super) fn make(dir: &Path, backend: &str, stop: &dyn Fn() -> bool) -> Result<bool, StoreError> {
    let path = dir.join("mailbox.db");
    let Some(mut db) = Db::read(&path, Kind::Mailbox, mailbox::VERSION)? else { return Ok(false) };
    db.begin_read()?;
    let store = StoreId::mailbox();
    let head: Head = Log::head(&db, &store)?;
    let mut file = match SnapshotFile::open(dir) {
        Err(error) if error.is_damage() => SnapshotFile::anew(dir)?,
        file => file?,
    };
    let from = file.newest()?.map_or(0, |held| held.manifest.position);
    let names = Log::names(&db, &store, from.min(head.position))?;
    if head.position == 0 || names.iter().any(|name| !MailboxEvent::is_known(name)) {
        return Ok(false);
    }
    let (id, mut chunks, mut packer) = (file.begin()?, Vec::new(), Packer::new()?);
    snapshot::write(&db, &mut |chunk| {
        if stop() {
            return Err(StoreError::GivenUp);
        }
        let name = file.add((id, chunks.len() as u64), &chunk, &mut packer)?;
        crate::crash::point("snapshot.chunk");
        chunks.push(name);
        Ok(())
    })?;
    let mut manifest = Manifest {
        format: snapshot::FORMAT,
        schema: mailbox::VERSION,
        projection: projection::VERSION,
        backend: backend.to_owned(),
        store,
        position: head.position,
        chain: head.chain,
        rows: chunks.iter().map(|chunk| chunk.rows).sum(),
        chunks,
        hash: String::new(),
    };
    manifest.hash = manifest.name();
    crate::crash::point("snapshot.before-commit");
    file.complete(id, &manifest, mailbox::purged(&db)?.len() as u64)?;
    crate::crash::point("snapshot.after-commit");
    Ok(true)
}

/// Puts into empty tables what a log yields whose first arguments were given up: its snapshot.
/// Returns the position up to which that is; 0 where the log has all its arguments.
pub(super) fn load(mailbox: &Db, dir: &Path, into: &Db) -> Result<u64, StoreError> {
    let reach = number(mailbox, REACH)?;
    if reach == 0 {
        return Ok(0);
    }
    let missing = || StoreError::Row("the log is cut, and there is no snapshot of it".to_owned());
    let file = SnapshotFile::read(dir)?.ok_or_else(missing)?;
    let held = file.newest()?.ok_or_else(missing)?;
    if held.manifest.position < reach {
        return Err(missing());
    }
    snapshot::load(into, file.chunks(&held))?;
    Ok(held.manifest.position)
}
