//! What is being written on this device: a journal of open drafts, and the bytes of what is
//! attached until the backend has them.
//!
//! Invariant: an entry of the journal is on disk when [`Writing::note`] returns, and stays until
//! its draft is saved as an event that is on disk. Bytes are on disk before an event names them. It
//! lies in a file of its own, so that a command beside a terminal can attach something; only this
//! file knows its tables.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::{params, types::Value};
use serde::{Deserialize, Serialize};

use crate::id::{BlobHash, EventId, ThreadId};
use crate::mail::compose::Draft;
use crate::store::{Blobs, Db, Durability, Kind, StoreError, put_aside};

/// The file beside `mailbox.db`.
pub const FILE: &str = "writing.db";
/// Its format.
pub const VERSION: u32 = 1;
/// Bytes that nothing names stay for so many seconds: an event that names them may be on its way.
const UNNAMED_KEPT: i64 = 24 * 60 * 60;
/// Blobs that are collected at a time.
const A_TURN: usize = 256;

const SQL: &str = "
    CREATE TABLE IF NOT EXISTS journal(
        slot INTEGER PRIMARY KEY, at INTEGER NOT NULL, entry TEXT NOT NULL);
";

/// Something about an open draft that is to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Which open draft: a number of whoever writes it, that no other on this device has.
    pub slot: i64,
    /// What it is; `None` when it is saved or not wanted any more.
    pub entry: Option<Box<JournalEntry>>,
}

/// An open draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Its store, where it was saved before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadId>,
    /// The save that it goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<EventId>,
    /// What is written.
    pub draft: Draft,
}

/// What became of a damaged file.
#[derive(Debug)]
pub(super) struct Mended {
    /// What was wrong.
    pub(super) why: String,
    /// Where it is now.
    pub(super) aside: PathBuf,
    /// Open drafts that could be read.
    pub(super) drafts: usize,
    /// Whether those are all.
    pub(super) whole: bool,
}

/// The file.
#[derive(Debug)]
pub struct Writing {
    db: Db,
}

impl Writing {
    /// Opens or makes it, beside the device in `dir`.
    ///
    /// # Errors
    /// When it is damaged, newer or cannot be written.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let sql = [SQL, Blobs::SQL].concat();
        let mut db = Db::open(&dir.join(FILE), Kind::Writing, VERSION, &sql)?;
        db.durable(Durability::Full)?;
        Ok(Self { db })
    }

    /// Opens it where it is there.
    ///
    /// # Errors
    /// As [`Writing::open`].
    pub fn existing(dir: &Path) -> Result<Option<Self>, StoreError> {
        if dir.join(FILE).exists() { Self::open(dir).map(Some) } else { Ok(None) }
    }

    /// Keeps bytes; they are on disk when this returns. `now` is Unix seconds.
    ///
    /// # Errors
    /// When the disk refuses, or they are more than a blob may have.
    pub fn put(&mut self, bytes: &[u8], now: i64) -> Result<BlobHash, StoreError> {
        let packed = Blobs::pack(bytes);
        self.db.begin()?;
        match Blobs::keep(&self.db, &packed, now)
            .and_then(|()| Blobs::renew(&self.db, packed.hash(), now))
        {
            Ok(()) => self.db.commit()?,
            Err(error) => {
                self.db.rollback();
                return Err(error);
            }
        }
        Ok(packed.hash().clone())
    }

    /// Remembers an open draft; on disk when this returns.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn note(&mut self, slot: i64, entry: &JournalEntry, now: i64) -> Result<(), StoreError> {
        let text =
            serde_json::to_string(entry).map_err(|error| StoreError::Row(error.to_string()))?;
        let sql = "INSERT OR REPLACE INTO journal(slot, at, entry) VALUES (?1, ?2, ?3)";
        self.write(|db| Ok(db.sql().prepare_cached(sql)?.execute(params![slot, now, text])?))
    }

    /// Forgets one: it is saved.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn forget(&mut self, slot: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM journal WHERE slot = ?1";
        self.write(|db| Ok(db.sql().prepare_cached(sql)?.execute([slot])?))
    }

    fn write(
        &mut self,
        write: impl FnOnce(&Db) -> Result<usize, StoreError>,
    ) -> Result<(), StoreError> {
        self.db.begin()?;
        match write(&self.db) {
            Ok(_) => self.db.commit(),
            Err(error) => {
                self.db.rollback();
                Err(error)
            }
        }
    }

    /// What the journal holds, in the order of slots. One that cannot be read is left where it is.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn journal(&self) -> Result<Vec<(i64, JournalEntry)>, StoreError> {
        let mut statement =
            self.db.sql().prepare("SELECT slot, entry FROM journal ORDER BY slot")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        let mut entries = Vec::new();
        for row in rows {
            let (slot, text) = row?;
            entries.extend(serde_json::from_str(&text).ok().map(|entry| (slot, entry)));
        }
        Ok(entries)
    }

    /// Puts a damaged file aside and makes a new one of what can be read of it: the journal, and
    /// the bytes that it or `needed` name. What became of it, where it was damaged.
    ///
    /// # Errors
    /// When it is not ours or newer, or the disk refuses.
    pub(super) fn mend(
        dir: &Path,
        needed: &BTreeSet<BlobHash>,
    ) -> Result<Option<Mended>, StoreError> {
        let path = dir.join(FILE);
        let Some(why) = Db::damage(&path, Kind::Writing, VERSION)? else { return Ok(None) };
        let (mut entries, mut bytes, mut whole) = (Vec::new(), Vec::new(), false);
        if let Ok(from) = Db::salvage(&path) {
            let (rows, all) = from.rows("slot, at, entry", "journal");
            whole = all;
            for row in rows {
                let [Value::Integer(slot), Value::Integer(at), Value::Text(text)] = row.as_slice()
                else {
                    whole = false;
                    continue;
                };
                match serde_json::from_str::<JournalEntry>(text) {
                    Ok(entry) => entries.push((*slot, *at, entry)),
                    Err(_) => whole = false,
                }
            }
            let attached = entries.iter().flat_map(|(_, _, entry)| &entry.draft.attachments);
            let mut named: BTreeSet<BlobHash> = attached.map(|of| of.hash.clone()).collect();
            named.extend(needed.iter().cloned());
            for hash in named {
                bytes.extend(Blobs::get(&from, &hash).ok().flatten());
            }
        }
        let aside = put_aside(&path)?;
        let mut new = Self::open(dir)?;
        for (slot, at, entry) in &entries {
            new.note(*slot, entry, *at)?;
        }
        let at = entries.iter().map(|(_, at, _)| *at).max().unwrap_or_default();
        bytes.iter().try_for_each(|bytes| new.put(bytes, at).map(drop))?;
        Ok(Some(Mended { why, aside, drafts: entries.len(), whole }))
    }

    /// How many bytes a blob has that is here.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn size(&self, hash: &BlobHash) -> Result<Option<u64>, StoreError> {
        Blobs::size(&self.db, hash)
    }

    /// A part of a blob, with the size of the whole.
    ///
    /// # Errors
    /// When the disk refuses, or it is damaged.
    pub fn part(&self, hash: &BlobHash, offset: u64) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        Blobs::part(&self.db, hash, offset)
    }

    /// A blob.
    ///
    /// # Errors
    /// When the disk refuses, or it is damaged.
    pub fn get(&self, hash: &BlobHash) -> Result<Option<Vec<u8>>, StoreError> {
        Blobs::get(&self.db, hash)
    }

    /// Lets go of bytes that the backend has: those that neither `needed` nor the journal name, and
    /// that are not new. `now` is Unix seconds.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn tidy(&mut self, needed: &BTreeSet<BlobHash>, now: i64) -> Result<(), StoreError> {
        let mut needed = needed.clone();
        for (_, entry) in self.journal()? {
            needed.extend(entry.draft.attachments.into_iter().map(|attached| attached.hash));
        }
        for hash in &needed {
            if Blobs::size(&self.db, hash)?.is_some() {
                self.write(|db| Blobs::renew(db, hash, now).map(|()| 0))?;
            }
        }
        let before = now.saturating_sub(UNNAMED_KEPT);
        self.write(|db| Blobs::collect(db, before, A_TURN))
    }
}

/// What is said of drafts that a killed program left.
#[must_use]
pub fn recovered(count: usize) -> String {
    match count {
        1 => "a draft that was being written is in Drafts".to_owned(),
        count => format!("{count} drafts that were being written are in Drafts"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(body: &str) -> JournalEntry {
        let draft = Draft { body: body.to_owned(), ..Draft::default() };
        JournalEntry { thread: None, from: None, draft }
    }

    #[test]
    fn what_is_noted_is_there_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Writing::existing(dir.path()).unwrap().is_none());
        let mut writing = Writing::open(dir.path()).unwrap();
        writing.note(7, &entry("one"), 1).unwrap();
        writing.note(8, &entry("two"), 1).unwrap();
        writing.note(7, &entry("one more"), 2).unwrap();
        drop(writing);
        let mut writing = Writing::existing(dir.path()).unwrap().unwrap();
        assert_eq!(writing.journal().unwrap(), [(7, entry("one more")), (8, entry("two"))]);
        writing.forget(7).unwrap();
        assert_eq!(writing.journal().unwrap(), [(8, entry("two"))]);
    }

    #[test]
    fn bytes_stay_while_something_needs_them() {
        let dir = tempfile::tempdir().unwrap();
        let mut writing = Writing::open(dir.path()).unwrap();
        let (a, b) = (writing.put(b"a", 1).unwrap(), writing.put(b"b", 1).unwrap());
        let much_later = 1 + 2 * UNNAMED_KEPT;
        writing.tidy(&BTreeSet::from([a.clone()]), 1 + UNNAMED_KEPT).unwrap();
        writing.tidy(&BTreeSet::from([a.clone()]), much_later).unwrap();
        assert_eq!(writing.get(&a).unwrap().as_deref(), Some(&b"a"[..]));
        assert_eq!(writing.size(&b).unwrap(), None);
    }

    #[test]
    fn what_can_be_read_of_a_damaged_file_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut writing = Writing::open(dir.path()).unwrap();
        let words = "words ".repeat(400);
        for slot in 1..40 {
            writing.note(slot, &entry(&format!("{slot} {words}")), 1).unwrap();
        }
        let needed = BTreeSet::from([writing.put(b"attached", 1).unwrap()]);
        writing.db.checkpoint().unwrap();
        drop(writing);
        assert!(Writing::mend(dir.path(), &needed).unwrap().is_none(), "nothing is wrong");
        let path = dir.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2 / 4_096 * 4_096;
        bytes[middle..middle + 64].fill(0xa5);
        std::fs::write(&path, bytes).unwrap();
        let mended = Writing::mend(dir.path(), &needed).unwrap().expect("it is damaged");
        assert!(!mended.whole && mended.aside.exists(), "{mended:?}");
        let new = Writing::existing(dir.path()).unwrap().unwrap();
        let left = new.journal().unwrap();
        assert_eq!(left.len(), mended.drafts);
        assert!((20..39).contains(&left.len()), "{} of 39", left.len());
    }
}
