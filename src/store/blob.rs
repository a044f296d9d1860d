//! Content-addressed bytes beside the logs: raw mail, and text too long for an event.
//!
//! Invariant: the name of a blob is the BLAKE3 hash of its bytes; equal bytes are stored once.
//! References are counted in the transaction that appends or removes the event; a blob that no
//! event names says since when, and is collected long after. A long one lies in parts, so that
//! reading one part of it reads no other.

use std::cell::RefCell;

use rusqlite::{OptionalExtension, params};

use crate::id::BlobHash;
use crate::limits::BLOB_CHUNK_BYTES;
use crate::store::log::position;
use crate::store::{Db, StoreError, log_row};

/// The zstd level for blobs.
const LEVEL: i32 = 3;
/// The largest blob, in bytes. A message is at most 50 MiB; its text in UTF-8 can be three times
/// that, when every byte is one that its charset has no character for.
pub const MAX_BLOB_BYTES: usize = 256 * 1024 * 1024;
const _: () = assert!(MAX_BLOB_BYTES > 3 * crate::limits::MAX_MESSAGE_BYTES);

/// A blob ready to be stored: hashed and compressed away from the writer's thread.
#[derive(Debug, Clone)]
pub struct Packed {
    hash: BlobHash,
    size: usize,
    /// One for each [`BLOB_CHUNK_BYTES`] of it, at least one.
    parts: Vec<Vec<u8>>,
}

impl Packed {
    /// Its name.
    #[must_use]
    pub const fn hash(&self) -> &BlobHash {
        &self.hash
    }

    /// Bytes before compression.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }
}

/// The blob table of a file.
#[derive(Debug, Clone, Copy)]
pub struct Blobs;

impl Blobs {
    /// The tables. `unnamed` says since when no event names it, Unix seconds; `pack` where its
    /// parts are, when it has more than the one in `data`.
    pub const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS blobs(
            key INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,
            size INTEGER NOT NULL, refs INTEGER NOT NULL, data BLOB NOT NULL,
            unnamed INTEGER, pack INTEGER);
        CREATE INDEX IF NOT EXISTS blobs_unnamed ON blobs(unnamed) WHERE unnamed IS NOT NULL;
        CREATE TABLE IF NOT EXISTS blobParts(
            pack INTEGER NOT NULL, part INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE(pack, part));
        CREATE TABLE IF NOT EXISTS uploads(
            hash BLOB PRIMARY KEY, pack INTEGER NOT NULL, size INTEGER NOT NULL,
            have INTEGER NOT NULL, at INTEGER NOT NULL);
    ";

    /// Brings the table of the format `found` to this one. Who knows the events counts how many
    /// name each blob ([`Blobs::recount`]).
    ///
    /// # Errors
    /// When the database refuses.
    pub fn upgrade(db: &Db, found: u32) -> Result<(), StoreError> {
        if found < 2 {
            let sql = "ALTER TABLE blobs ADD COLUMN refs INTEGER NOT NULL DEFAULT 0";
            db.sql().execute(sql, [])?;
        }
        if found < 3 {
            db.sql().execute("ALTER TABLE blobs ADD COLUMN unnamed INTEGER", [])?;
            db.sql().execute("ALTER TABLE blobs ADD COLUMN pack INTEGER", [])?;
        }
        Ok(())
    }

    /// The name of `bytes`.
    #[must_use]
    pub fn name(bytes: &[u8]) -> BlobHash {
        name_of(&blake3::hash(bytes))
    }

    /// Hashes and compresses.
    #[must_use]
    pub fn pack(bytes: &[u8]) -> Packed {
        let parts = match bytes.len() {
            0..=BLOB_CHUNK_BYTES => vec![compress(bytes)],
            _ => bytes.chunks(BLOB_CHUNK_BYTES).map(compress).collect(),
        };
        Packed { hash: Self::name(bytes), size: bytes.len(), parts }
    }

    /// Stores a blob unless it is there, for one event more that names it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put(db: &Db, blob: &Packed) -> Result<(), StoreError> {
        if blob.parts.len() > 1 && Self::refer(db, &blob.hash, 1)? {
            return Ok(());
        }
        Self::insert(db, blob, 1, None)
    }

    /// Stores a blob that no event names yet, unless it is there; it is kept from `now` on.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn keep(db: &Db, blob: &Packed, now: i64) -> Result<(), StoreError> {
        if Self::size(db, &blob.hash)?.is_some() {
            return Self::renew(db, &blob.hash, now);
        }
        Self::insert(db, blob, 0, Some(now))
    }

    fn insert(db: &Db, blob: &Packed, refs: i64, unnamed: Option<i64>) -> Result<(), StoreError> {
        let size = i64::try_from(blob.size).unwrap_or(i64::MAX);
        let (pack, data) = match blob.parts.as_slice() {
            [only] => (None, only.as_slice()),
            parts => {
                let pack = new_pack(db)?;
                for (part, data) in (0..).zip(parts) {
                    put_part(db, pack, part, data)?;
                }
                (Some(pack), &[][..])
            }
        };
        db.sql()
            .prepare_cached(
                "INSERT INTO blobs(hash, size, refs, data, unnamed, pack)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT(hash) DO UPDATE SET refs = refs + excluded.refs, unnamed = NULL",
            )?
            .execute(params![key(&blob.hash), size, refs, data, unnamed, pack])?;
        Ok(())
    }

    /// So many events more, at least one, name a blob; `false` when it is not here.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn refer(db: &Db, hash: &BlobHash, events: u64) -> Result<bool, StoreError> {
        let sql = "UPDATE blobs SET refs = refs + ?2, unnamed = NULL WHERE hash = ?1";
        let events = i64::try_from(events).unwrap_or(i64::MAX);
        Ok(db.sql().prepare_cached(sql)?.execute(params![key(hash), events])? > 0)
    }

    /// A blob that no event names is wanted still, at `now`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn renew(db: &Db, hash: &BlobHash, now: i64) -> Result<(), StoreError> {
        let sql = "UPDATE blobs SET unnamed = ?2 WHERE hash = ?1 AND unnamed < ?2";
        db.sql().prepare_cached(sql)?.execute(params![key(hash), now])?;
        Ok(())
    }

    /// One event less names a blob; the last one takes it along.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn release(db: &Db, hash: &BlobHash) -> Result<(), StoreError> {
        let less = "UPDATE blobs SET refs = refs - 1 WHERE hash = ?1 AND refs > 1";
        if db.sql().prepare_cached(less)?.execute([key(hash)])? == 0 {
            Self::remove(db, hash)?;
        }
        Ok(())
    }

    /// Takes a blob out, whoever names it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn remove(db: &Db, hash: &BlobHash) -> Result<(), StoreError> {
        let key = key(hash);
        let parts = "DELETE FROM blobParts WHERE pack = (SELECT pack FROM blobs WHERE hash = ?1)";
        db.sql().prepare_cached(parts)?.execute([&key])?;
        db.sql().prepare_cached("DELETE FROM blobs WHERE hash = ?1")?.execute([&key])?;
        Ok(())
    }

    /// Takes out at most `most` blobs that no event has named since `before`; how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn collect(db: &Db, before: i64, most: usize) -> Result<usize, StoreError> {
        let mut find = db
            .sql()
            .prepare_cached("SELECT hash FROM blobs WHERE unnamed <= ?1 AND refs = 0 LIMIT ?2")?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let old = find.query_map([before, most], |row| row.get::<_, Vec<u8>>(0))?;
        let old: Vec<Vec<u8>> = old.collect::<Result<_, _>>()?;
        for key in &old {
            match name_at(key) {
                Some(hash) => Self::remove(db, &hash)?,
                None => drop(db.sql().execute("DELETE FROM blobs WHERE hash = ?1", [key])?),
            }
        }
        Ok(old.len())
    }

    /// How many blobs there are, and how many of them no event names.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn census(db: &Db) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT count(*), count(unnamed) FROM blobs";

        let mut counts = db.sql().prepare(sql)?;
        Ok(counts.query_row([], |row| Ok((position(row, 0)?, position(row, 1)?)))?)
    }

    /// Says the key of every blob, and how many events are said to name it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn counts(db: &Db, mut each: impl FnMut(&[u8], u64)) -> Result<(), StoreError> {
        let mut statement = db.sql().prepare("SELECT hash, refs FROM blobs")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (key, refs): (Vec<u8>, i64) = (row.get(0)?, row.get(1)?);
            each(&key, u64::try_from(refs).unwrap_or_default());
        }
        Ok(())
    }

    /// Puts right how many events name the blob whose key begins like this; one that none names
    /// is kept from `now` on like one that was uploaded.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn recount(db: &Db, begins: &[u8], refs: u64, now: i64) -> Result<(), StoreError> {
        // All names that begin so: up to the one that goes on with nothing but ones.
        let most = [begins, &[0xff; 32]].concat();
        let refs = i64::try_from(refs).unwrap_or(i64::MAX);
        let sql = "UPDATE blobs SET refs = ?3, unnamed = iif(?3 > 0, NULL, coalesce(unnamed, ?4))
                   WHERE hash BETWEEN ?1 AND ?2";
        db.sql().prepare_cached(sql)?.execute(params![begins, most, refs, now])?;
        Ok(())
    }

    /// A blob's name as the table has it.
    #[must_use]
    pub fn key(hash: &BlobHash) -> Vec<u8> {
        key(hash)
    }

    /// Reads every blob, until `go_on` says no; lines about those that are not what their names
    /// say.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn verify(db: &Db, go_on: &dyn Fn() -> bool) -> Result<Vec<String>, StoreError> {
        let mut statement = db.sql().prepare("SELECT hash FROM blobs")?;
        let mut rows = statement.query([])?;
        let mut wrong = Vec::new();
        while let Some(row) = rows.next()?
            && go_on()
        {
            let hash = name_at(&row.get::<_, Vec<u8>>(0)?);
            match hash.map(|hash| Self::get(db, &hash)) {
                Some(Ok(_)) => {}
                Some(Err(StoreError::Row(line))) => wrong.push(line),
                Some(Err(error)) => return Err(error),
                None => wrong.push("a blob has no name that can be read".to_owned()),
            }
        }
        Ok(wrong)
    }

    /// How long a blob is; `None` when it is not here.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn size(db: &Db, hash: &BlobHash) -> Result<Option<u64>, StoreError> {
        let mut statement = db.sql().prepare_cached("SELECT size FROM blobs WHERE hash = ?1")?;
        Ok(statement.query_row([key(hash)], |row| position(row, 0)).optional()?)
    }

    /// The bytes of a blob; `None` when it is not here.
    ///
    /// # Errors
    /// When the database refuses or the bytes do not have the blob's name any more.
    pub fn get(db: &Db, hash: &BlobHash) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(row) = Stored::find(db, hash)? else { return Ok(None) };
        let bytes = match row.pack {
            None => inflate(&row.data, row.size).unwrap_or(row.data),
            Some(pack) => {
                let mut bytes = Vec::new();
                for part in 0..row.parts() {
                    bytes.extend(part_of(db, pack, part)?.ok_or_else(|| damaged(hash))?);
                }
                bytes
            }
        };
        if Self::name(&bytes) != *hash {
            return Err(damaged(hash));
        }
        Ok(Some(bytes))
    }

    /// The bytes of a blob from `offset` to the end of that part, and the size of the whole; `None`
    /// when it is not here. What is damaged is noticed by whoever has all of it.
    ///
    /// # Errors
    /// When the database refuses, or a part cannot be read.
    pub fn part(
        db: &Db,
        hash: &BlobHash,
        offset: u64,
    ) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let Some(row) = Stored::find(db, hash)? else { return Ok(None) };
        let size = row.size as u64;
        if offset >= size {
            return Ok(Some((size, Vec::new())));
        }
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let (part, from) = (offset / BLOB_CHUNK_BYTES, offset % BLOB_CHUNK_BYTES);
        let bytes = match row.pack {
            None => {
                let whole = Self::get(db, hash)?.ok_or_else(|| damaged(hash))?;
                whole.chunks(BLOB_CHUNK_BYTES).nth(part).map(<[u8]>::to_vec)
            }
            Some(pack) => part_of(db, pack, part)?,
        };
        let bytes = bytes.ok_or_else(|| damaged(hash))?;
        let rest = bytes.get(from..).ok_or_else(|| damaged(hash))?;
        Ok(Some((size, rest.to_vec())))
    }

    /// Whether a blob is a long one of an older form, which has no parts.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn is_unsplit(db: &Db, hash: &BlobHash) -> Result<bool, StoreError> {
        let long = i64::try_from(BLOB_CHUNK_BYTES).unwrap_or(i64::MAX);
        let sql = "SELECT 1 FROM blobs WHERE hash = ?1 AND size > ?2 AND pack IS NULL";
        Ok(db.sql().prepare_cached(sql)?.exists(params![key(hash), long])?)
    }

    /// Writes a long blob of an older form in parts; whether it was one.
    ///
    /// # Errors
    /// As [`Blobs::get`].
    pub fn split(db: &Db, hash: &BlobHash) -> Result<bool, StoreError> {
        if !Self::is_unsplit(db, hash)? {
            return Ok(false);
        }
        let Some(bytes) = Self::get(db, hash)? else { return Ok(false) };
        let pack = new_pack(db)?;
        for (part, bytes) in (0..).zip(bytes.chunks(BLOB_CHUNK_BYTES)) {
            put_part(db, pack, part, &compress(bytes))?;
        }
        let sql = "UPDATE blobs SET data = x'', pack = ?2 WHERE hash = ?1";
        db.sql().prepare_cached(sql)?.execute(params![key(hash), pack])?;
        Ok(true)
    }
}

/// A row of the table.
struct Stored {
    size: usize,
    data: Vec<u8>,
    pack: Option<i64>,
}

impl Stored {
    fn find(db: &Db, hash: &BlobHash) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT size, data, pack FROM blobs WHERE hash = ?1";
        let mut statement = db.sql().prepare_cached(sql)?;
        let row = statement.query_row([key(hash)], |row| {
            let size = usize::try_from(row.get::<_, i64>(0)?).unwrap_or(MAX_BLOB_BYTES);
            Ok(Self { size: size.min(MAX_BLOB_BYTES), data: row.get(1)?, pack: row.get(2)? })
        });
        Ok(row.optional()?)
    }

    const fn parts(&self) -> usize {
        self.size.div_ceil(BLOB_CHUNK_BYTES)
    }
}

/// A number under which no parts are stored.
pub(super) fn new_pack(db: &Db) -> Result<i64, StoreError> {
    let sql = "SELECT 1 + max(coalesce((SELECT max(pack) FROM blobParts), 0),
                              coalesce((SELECT max(pack) FROM uploads), 0))";
    Ok(db.sql().prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Stores a part, compressed already.
pub(super) fn put_part(db: &Db, pack: i64, part: i64, data: &[u8]) -> Result<(), StoreError> {
    let sql = "INSERT INTO blobParts(pack, part, data) VALUES (?1, ?2, ?3)";
    db.sql().prepare_cached(sql)?.execute(params![pack, part, data])?;
    Ok(())
}

/// The bytes of a part; `None` when it is not there or damaged.
pub(super) fn part_of(db: &Db, pack: i64, part: usize) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT data FROM blobParts WHERE pack = ?1 AND part = ?2";
    let part = i64::try_from(part).unwrap_or(i64::MAX);
    let mut statement = db.sql().prepare_cached(sql)?;
    let data = statement.query_row([pack, part], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    Ok(data.and_then(|data| inflate(&data, BLOB_CHUNK_BYTES)))
}

pub(super) fn compress(bytes: &[u8]) -> Vec<u8> {
    thread_local! {
        // Making a compressor costs more than most messages.
        static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> = RefCell::new(packer());
    }
    let data = PACKER.with_borrow_mut(|packer| packer.as_mut()?.compress(bytes).ok());
    data.unwrap_or_else(|| bytes.to_vec())
}

/// With a checksum: a part that is read alone has no other.
fn packer() -> Option<zstd::bulk::Compressor<'static>> {
    let mut packer = zstd::bulk::Compressor::new(LEVEL).ok()?;
    packer.include_checksum(true).ok()?;
    Some(packer)
}

fn inflate(data: &[u8], most: usize) -> Option<Vec<u8>> {
    log_row::inflate(data, most).ok()
}

fn damaged(hash: &BlobHash) -> StoreError {
    StoreError::Row(format!("blob {hash} is not what its name says"))
}

/// The name that a hash is.
///
/// # Panics
/// Never: a hash in hex is a valid id.
#[expect(clippy::expect_used, reason = "hexadecimal digits are a valid id")]
pub(super) fn name_of(hash: &blake3::Hash) -> BlobHash {
    let hex = hash.to_hex().to_string();
    BlobHash::try_from(hex).expect("invariant: hex digits are a valid id")
}

/// A name as the table has it; `None` when it cannot be read.
fn name_at(key: &[u8]) -> Option<BlobHash> {
    <[u8; 32]>::try_from(key).ok().map(|bytes| name_of(&blake3::Hash::from_bytes(bytes)))
}

/// A blob's name as the table has it.
pub(super) fn key(hash: &BlobHash) -> Vec<u8> {
    blake3::Hash::from_hex(hash.as_str())
        .map_or_else(|_| hash.as_str().as_bytes().to_vec(), |hash| hash.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_comes_back_and_a_flipped_bit_is_noticed() {
        let db = Db::memory(Blobs::SQL).unwrap();
        let packed = Blobs::pack(&b"mail ".repeat(100));
        Blobs::put(&db, &packed).unwrap();
        Blobs::put(&db, &packed).unwrap();
        let counts = |db: &Db| {
            let mut counts = Vec::new();
            Blobs::counts(db, |_, refs| counts.push(refs)).unwrap();
            counts
        };
        assert_eq!(counts(&db), [2]);
        Blobs::release(&db, packed.hash()).unwrap();
        assert_eq!(Blobs::get(&db, packed.hash()).unwrap().unwrap().len(), 500);
        assert_eq!(Blobs::verify(&db, &|| true).unwrap(), Vec::<String>::new());
        let other = Blobs::pack(b"other");
        db.sql().execute("UPDATE blobs SET data = ?1", [&other.parts[0]]).unwrap();
        assert!(Blobs::get(&db, packed.hash()).is_err());
        assert_eq!(Blobs::verify(&db, &|| true).unwrap().len(), 1);
        Blobs::release(&db, packed.hash()).unwrap();
        Blobs::release(&db, packed.hash()).unwrap();
        assert!(counts(&db).is_empty(), "the last reference takes it along");
    }

    #[test]
    fn a_long_blob_is_read_part_by_part() {
        let db = Db::memory(Blobs::SQL).unwrap();
        let bytes = b"0123456789a".repeat(BLOB_CHUNK_BYTES / 5);
        let packed = Blobs::pack(&bytes);
        Blobs::put(&db, &packed).unwrap();
        Blobs::put(&db, &packed).unwrap();
        let hash = packed.hash();
        let part = |offset: u64| Blobs::part(&db, hash, offset).unwrap().unwrap().1;
        assert_eq!(Blobs::get(&db, hash).unwrap().unwrap(), bytes);
        for offset in [0, 7, BLOB_CHUNK_BYTES - 1, BLOB_CHUNK_BYTES, bytes.len() - 1, bytes.len()] {
            let end = (offset / BLOB_CHUNK_BYTES + 1) * BLOB_CHUNK_BYTES;
            assert_eq!(part(offset as u64), bytes[offset..end.min(bytes.len())], "{offset}");
        }
        assert_eq!(part(u64::MAX), [0; 0]);
        // One bit of a part that is read alone.
        let sql = "UPDATE blobParts SET data = CAST(replace(hex(data), '1', '2') AS BLOB)
                   WHERE part = 1";
        db.sql().execute(sql, []).unwrap();
        assert!(Blobs::part(&db, hash, BLOB_CHUNK_BYTES as u64).is_err());
        assert_eq!(part(0), bytes[..BLOB_CHUNK_BYTES], "the others are whole");
        assert_eq!(Blobs::verify(&db, &|| true).unwrap().len(), 1);
        Blobs::release(&db, hash).unwrap();
        Blobs::release(&db, hash).unwrap();
        let left: i64 =
            db.sql().query_row("SELECT count(*) FROM blobParts", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0, "its parts go along");
    }

    #[test]
    fn a_long_blob_of_an_older_form_is_written_in_parts() {
        let db = Db::memory(Blobs::SQL).unwrap();
        let bytes = b"older ".repeat(BLOB_CHUNK_BYTES / 5);
        let hash = Blobs::name(&bytes);
        let data = zstd::bulk::compress(&bytes, 1).unwrap();
        let sql = "INSERT INTO blobs(hash, size, refs, data) VALUES (?1, ?2, 1, ?3)";
        db.sql()
            .execute(sql, params![key(&hash), i64::try_from(bytes.len()).unwrap(), data])
            .unwrap();
        let from = BLOB_CHUNK_BYTES as u64;
        let before = Blobs::part(&db, &hash, from).unwrap();
        assert!(Blobs::split(&db, &hash).unwrap() && !Blobs::split(&db, &hash).unwrap());
        assert_eq!(Blobs::part(&db, &hash, from).unwrap(), before);
        assert_eq!(Blobs::get(&db, &hash).unwrap(), Some(bytes));
    }

    #[test]
    fn what_nothing_names_goes_after_its_time_and_not_before() {
        let db = Db::memory(Blobs::SQL).unwrap();
        let (kept, named) = (Blobs::pack(b"kept"), Blobs::pack(b"named"));
        Blobs::keep(&db, &kept, 100).unwrap();
        Blobs::keep(&db, &named, 100).unwrap();
        assert!(Blobs::refer(&db, named.hash(), 1).unwrap());
        assert_eq!(Blobs::census(&db).unwrap(), (2, 1));
        assert_eq!(Blobs::collect(&db, 99, 9).unwrap(), 0);
        Blobs::keep(&db, &kept, 200).unwrap();
        assert_eq!(Blobs::collect(&db, 150, 9).unwrap(), 0, "an upload renews it");
        assert_eq!(Blobs::collect(&db, 200, 9).unwrap(), 1);
        assert_eq!(Blobs::size(&db, kept.hash()).unwrap(), None);
        assert!(!Blobs::refer(&db, kept.hash(), 1).unwrap());
        assert_eq!(Blobs::size(&db, named.hash()).unwrap(), Some(5));
    }
}
