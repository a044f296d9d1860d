//! `snapshots.db`: snapshots of the Mailbox store, chunk by chunk as they are sent.
//!
//! Invariant: a snapshot is there when its last transaction is on disk, whole; one that was broken
//! off is dropped. What is taken out of it is overwritten. It can be made again from the Mailbox
//! store at any time, so that losing this file costs nothing but work.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{OptionalExtension as _, params};

use crate::id::ThreadId;
use crate::mailbox::snapshot::{Chunk, Packer, unpack, without};
use crate::store::{Db, Durability, Kind, StoreError, disk};
use crate::sync::{ChunkName, Manifest};

/// The format of the file.
const VERSION: u32 = 1;
const SQL: &str = "
    CREATE TABLE IF NOT EXISTS snapshots(
        id INTEGER PRIMARY KEY AUTOINCREMENT, manifest TEXT, purged INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE IF NOT EXISTS chunks(
        key INTEGER PRIMARY KEY, snapshot INTEGER NOT NULL, number INTEGER NOT NULL,
        first TEXT, last TEXT, data BLOB NOT NULL, UNIQUE(snapshot, number));
";

/// The file.
#[derive(Debug)]
pub(crate) struct SnapshotFile(Db);

/// A snapshot that is whole.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// Its key in the file.
    pub(crate) id: i64,
    /// What it is.
    pub(crate) manifest: Manifest,
    /// How many threads had been purged when it was made, or rid of them.
    pub(crate) purged: u64,
}

impl SnapshotFile {
    /// Its name in the backend's directory.
    pub(crate) const NAME: &'static str = "snapshots.db";

    /// Opens or makes the file.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        let mut db = Db::open(&dir.join(Self::NAME), Kind::Snapshots, VERSION, SQL)?;
        db.sql().pragma_update(None, "secure_delete", true)?;
        // Until the last transaction nobody relies on it.
        db.durable(Durability::Normal)?;
        Ok(Self(db))
    }

    /// Makes the file anew: what is in it is damaged, and costs nothing but work. It is not put
    /// aside, for it may hold what was purged since.
    pub(crate) fn anew(dir: &Path) -> Result<Self, StoreError> {
        for end in ["", "-wal", "-shm"] {
            let path = dir.join(format!("{}{end}", Self::NAME));
            if path.exists() {
                disk::remove(&path)?;
            }
        }
        Self::open(dir)
    }

    /// Opens the file for reading; `None` when it is not there.
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>, StoreError> {
        Ok(Db::read(&dir.join(Self::NAME), Kind::Snapshots, VERSION)?.map(Self))
    }

    /// Gives up what was begun and failed.
    pub(crate) fn roll_back(&mut self) {
        self.0.rollback();
    }

    /// Its database.
    pub(crate) fn into_db(self) -> Db {
        self.0
    }

    /// Begins a snapshot; it is there when [`SnapshotFile::complete`] is done.
    pub(crate) fn begin(&mut self) -> Result<i64, StoreError> {
        self.0.sql().execute("INSERT INTO snapshots(manifest) VALUES (NULL)", [])?;
        Ok(self.0.sql().last_insert_rowid())
    }

    /// Adds a chunk; returns what its snapshot says of it.
    pub(crate) fn add(
        &mut self,
        (id, number): (i64, u64),
        chunk: &Chunk,
        packer: &mut Packer,
    ) -> Result<ChunkName, StoreError> {
        let (data, hash) = packer.pack(&chunk.plain)?;
        let (first, last) = chunk.ids.clone().unzip();
        self.0
            .sql()
            .prepare_cached(
                "INSERT INTO chunks(snapshot, number, first, last, data)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![id, i64::try_from(number).unwrap_or(i64::MAX), first, last, data])?;
        Ok(ChunkName {
            hash: hash.to_hex().to_string(),
            size: data.len() as u64,
            plain: chunk.plain.len() as u64,
            rows: chunk.threads,
            recent: chunk.recent,
        })
    }

    /// Ends a snapshot: it is there, and on disk.
    pub(crate) fn complete(
        &mut self,
        id: i64,
        manifest: &Manifest,
        purged: u64,
    ) -> Result<(), StoreError> {
        let text = serde_json::to_string(manifest).unwrap_or_default();
        self.0.durable(Durability::Full)?;
        self.0.begin()?;
        self.0.sql().execute(
            "UPDATE snapshots SET manifest = ?2, purged = ?3 WHERE id = ?1",
            params![id, text, i64::try_from(purged).unwrap_or(i64::MAX)],
        )?;
        self.0.commit()?;
        self.0.durable(Durability::Normal)
    }

    /// The newest snapshot that is whole.
    pub(crate) fn newest(&self) -> Result<Option<Held>, StoreError> {
        let sql = "SELECT id, manifest, purged FROM snapshots WHERE manifest IS NOT NULL
             ORDER BY id DESC LIMIT 1";
        let found: Option<(i64, String, i64)> = self
            .0
            .sql()
            .prepare_cached(sql)?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let held = found.and_then(|(id, text, purged)| {
            let manifest: Manifest = serde_json::from_str(&text).ok()?;
            let purged = u64::try_from(purged).unwrap_or_default();
            manifest.is_whole().then_some(Held { id, manifest, purged })
        });
        Ok(held)
    }

    /// Drops every snapshot but one, whole or not.
    pub(crate) fn drop_all_but(&mut self, id: Option<i64>) -> Result<(), StoreError> {
        let id = id.unwrap_or_default();
        self.0.begin()?;
        let rows = self.0.sql().execute("DELETE FROM snapshots WHERE id <> ?1", [id])?;
        let chunks = self.0.sql().execute("DELETE FROM chunks WHERE snapshot <> ?1", [id])?;
        self.0.commit()?;
        if rows + chunks > 0 { self.overwritten() } else { Ok(()) }
    }

    /// What was deleted is in no file any more.
    fn overwritten(&mut self) -> Result<(), StoreError> {
        // A reader may hold it up: then the next one has it done, or the end of this process.
        self.0.checkpoint()
    }

    /// A chunk as it is sent, when it still is what the snapshot says.
    pub(crate) fn chunk(&self, held: &Held, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(name) = held.manifest.chunks.get(at) else { return Ok(None) };
        let data = self.data(held.id, number)?;
        Ok(data.filter(|data| blake3::hash(data).to_hex().as_str() == name.hash))
    }

    fn data(&self, id: i64, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self
            .0
            .sql()
            .prepare_cached("SELECT data FROM chunks WHERE snapshot = ?1 AND number = ?2")?;
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        Ok(statement.query_row(params![id, number], |row| row.get(0)).optional()?)
    }

    /// The chunks of a snapshot, inflated, in order.
    pub(crate) fn chunks<'a>(
        &'a self,
        held: &'a Held,
    ) -> impl Iterator<Item = Result<Vec<u8>, StoreError>> + 'a {
        (0..).zip(&held.manifest.chunks).map(move |(number, name)| {
            let data = self.data(held.id, number)?.unwrap_or_default();
            inflated(name, &data)
        })
    }

    /// Takes purged threads out of a snapshot, of which there are `purged` now. Other chunks stay
    /// as they are, so that a device that has them goes on. `false` when it is damaged.
    pub(crate) fn redact(
        &mut self,
        held: &mut Held,
        gone: &[ThreadId],
        purged: u64,
    ) -> Result<bool, StoreError> {
        let ids: BTreeSet<&str> = gone.iter().map(ThreadId::as_str).collect();
        let mut packer = Packer::new()?;
        let (mut manifest, mut changed) = (held.manifest.clone(), Vec::new());
        for number in self.with_any(held.id, &ids)? {
            let at = usize::try_from(number).unwrap_or(usize::MAX);
            let Some(name) = manifest.chunks.get_mut(at) else { return Ok(false) };
            let data = self.data(held.id, number)?.unwrap_or_default();
            let Ok(plain) = inflated(name, &data) else { return Ok(false) };
            let Some(left) = without(&plain, &ids)? else { continue };
            let (data, hash) = packer.pack(&left)?;
            *name = ChunkName {
                hash: hash.to_hex().to_string(),
                size: data.len() as u64,
                plain: left.len() as u64,
                ..name.clone()
            };
            changed.push((number, data));
        }
        manifest.hash = manifest.name();
        self.0.begin()?;
        for (number, data) in &changed {
            self.0.sql().execute(
                "UPDATE chunks SET data = ?3 WHERE snapshot = ?1 AND number = ?2",
                params![held.id, i64::try_from(*number).unwrap_or(i64::MAX), data],
            )?;
        }
        self.0.commit()?;
        self.complete(held.id, &manifest, purged)?;
        (held.manifest, held.purged) = (manifest, purged);
        if !changed.is_empty() {
            self.overwritten()?;
        }
        Ok(true)
    }

    /// The chunks of a snapshot in which any of these ids may be.
    fn with_any(&self, id: i64, ids: &BTreeSet<&str>) -> Result<Vec<u64>, StoreError> {
        let sql = "SELECT number, first, last FROM chunks
             WHERE snapshot = ?1 AND first IS NOT NULL ORDER BY number";
        let mut statement = self.0.sql().prepare_cached(sql)?;
        let mut rows = statement.query([id])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (number, first, last): (i64, String, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            if ids.range(first.as_str()..=last.as_str()).next().is_some() {
                found.push(u64::try_from(number).unwrap_or_default());
            }
        }
        Ok(found)
    }
}

/// A chunk's records, when it is what its name says.
fn inflated(name: &ChunkName, data: &[u8]) -> Result<Vec<u8>, StoreError> {
    let hash =
        blake3::Hash::from_hex(&name.hash).map_err(|error| StoreError::Row(error.to_string()))?;
    unpack(data, &hash, usize::try_from(name.plain).unwrap_or(usize::MAX))
}
