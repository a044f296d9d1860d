//! Content-addressed bytes beside the logs: raw mail, and text too long for an event.
//!
//! Invariant: the name of a blob is the BLAKE3 hash of its bytes; equal bytes are stored once, and
//! go with the last event that names them. References are counted in the transaction that appends
//! or removes the event.

use std::cell::RefCell;

use rusqlite::{OptionalExtension, params};

use crate::id::BlobHash;
use crate::store::{Db, StoreError};

/// The zstd level for blobs.
const LEVEL: i32 = 3;
/// The largest blob that is read back, in bytes. A message is at most 50 MiB; its text in UTF-8 can
/// be three times that, when every byte is one that its charset has no character for.
const MAX_BLOB_BYTES: usize = 256 * 1024 * 1024;
const _: () = assert!(MAX_BLOB_BYTES > 3 * crate::limits::MAX_MESSAGE_BYTES);

/// A blob ready to be stored: hashed and compressed away from the writer's thread.
#[derive(Debug, Clone)]
pub struct Packed {
    hash: BlobHash,
    size: usize,
    data: Vec<u8>,
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
    /// The table.
    pub const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS blobs(
            key INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,
            size INTEGER NOT NULL, refs INTEGER NOT NULL, data BLOB NOT NULL);
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
        Ok(())
    }

    /// The name of `bytes`.
    ///
    /// # Panics
    /// Never: a hash in hex is a valid id.
    #[must_use]
    #[expect(clippy::expect_used, reason = "hexadecimal digits are a valid id")]
    pub fn name(bytes: &[u8]) -> BlobHash {
        let hex = blake3::hash(bytes).to_hex().to_string();
        BlobHash::try_from(hex).expect("invariant: hex digits are a valid id")
    }

    /// Hashes and compresses.
    #[must_use]
    pub fn pack(bytes: &[u8]) -> Packed {
        thread_local! {
            // Making a compressor costs more than most messages.
            static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> =
                RefCell::new(zstd::bulk::Compressor::new(LEVEL).ok());
        }
        let data = PACKER.with_borrow_mut(|packer| packer.as_mut()?.compress(bytes).ok());
        let data = data.unwrap_or_else(|| bytes.to_vec());
        Packed { hash: Self::name(bytes), size: bytes.len(), data }
    }

    /// Stores a blob unless it is there, for one event more that names it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn put(db: &Db, blob: &Packed) -> Result<(), StoreError> {
        let size = i64::try_from(blob.size).unwrap_or(i64::MAX);
        db.sql()
            .prepare_cached(
                "INSERT INTO blobs(hash, size, refs, data) VALUES (?1, ?2, 1, ?3)
                 ON CONFLICT(hash) DO UPDATE SET refs = refs + 1",
            )?
            .execute(params![key(&blob.hash), size, blob.data])?;
        Ok(())
    }

    /// One event more names a blob, which may be here.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn claim(db: &Db, hash: &BlobHash) -> Result<(), StoreError> {
        let sql = "UPDATE blobs SET refs = refs + 1 WHERE hash = ?1";
        db.sql().prepare_cached(sql)?.execute([key(hash)])?;
        Ok(())
    }

    /// One event less names a blob; the last one takes it along.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn release(db: &Db, hash: &BlobHash) -> Result<(), StoreError> {
        let gone = "DELETE FROM blobs WHERE hash = ?1 AND refs <= 1";
        if db.sql().prepare_cached(gone)?.execute([key(hash)])? == 0 {
            db.sql()
                .prepare_cached("UPDATE blobs SET refs = refs - 1 WHERE hash = ?1")?
                .execute([key(hash)])?;
        }
        Ok(())
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
    /// goes.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn recount(db: &Db, begins: &[u8], refs: u64) -> Result<(), StoreError> {
        // All names that begin so: up to the one that goes on with nothing but ones.
        let most = [begins, &[0xff; 32]].concat();
        let refs = i64::try_from(refs).unwrap_or(i64::MAX);
        for sql in [
            "UPDATE blobs SET refs = ?3 WHERE hash BETWEEN ?1 AND ?2",
            "DELETE FROM blobs WHERE hash BETWEEN ?1 AND ?2 AND refs = 0 AND ?3 = 0",
        ] {
            db.sql().prepare_cached(sql)?.execute(params![begins, most, refs])?;
        }
        Ok(())
    }

    /// A blob's name as the table has it.
    #[must_use]
    pub fn key(hash: &BlobHash) -> Vec<u8> {
        key(hash)
    }

    /// Reads every blob; lines about those that are not what their names say.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn verify(db: &Db) -> Result<Vec<String>, StoreError> {
        let mut statement = db.sql().prepare("SELECT hash FROM blobs")?;
        let mut rows = statement.query([])?;
        let mut wrong = Vec::new();
        while let Some(row) = rows.next()? {
            let name: Vec<u8> = row.get(0)?;
            let name = <[u8; 32]>::try_from(name).map(blake3::Hash::from_bytes);
            let hash = name.ok().and_then(|n| BlobHash::try_from(n.to_hex().as_str()).ok());
            match hash.map(|hash| Self::get(db, &hash)) {
                Some(Ok(_)) => {}
                Some(Err(StoreError::Row(line))) => wrong.push(line),
                Some(Err(error)) => return Err(error),
                None => wrong.push("a blob has no name that can be read".to_owned()),
            }
        }
        Ok(wrong)
    }

    /// The bytes of a blob; `None` when it is not here.
    ///
    /// # Errors
    /// When the database refuses or the bytes do not have the blob's name any more.
    pub fn get(db: &Db, hash: &BlobHash) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement =
            db.sql().prepare_cached("SELECT size, data FROM blobs WHERE hash = ?1")?;
        let found: Option<(i64, Vec<u8>)> =
            statement.query_row([key(hash)], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((size, data)) = found else { return Ok(None) };
        let size = usize::try_from(size).unwrap_or(MAX_BLOB_BYTES).min(MAX_BLOB_BYTES);
        let bytes = zstd::bulk::decompress(&data, size).unwrap_or(data);
        if Self::name(&bytes) != *hash {
            return Err(StoreError::Row(format!("blob {hash} is not what its name says")));
        }
        Ok(Some(bytes))
    }
}

/// A blob's name as the table has it.
fn key(hash: &BlobHash) -> Vec<u8> {
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
        assert_eq!(Blobs::verify(&db).unwrap(), Vec::<String>::new());
        let other = Blobs::pack(b"other");
        db.sql().execute("UPDATE blobs SET data = ?1", [other.data]).unwrap();
        assert!(Blobs::get(&db, packed.hash()).is_err());
        assert_eq!(Blobs::verify(&db).unwrap().len(), 1);
        Blobs::release(&db, packed.hash()).unwrap();
        Blobs::release(&db, packed.hash()).unwrap();
        assert!(counts(&db).is_empty(), "the last reference takes it along");
    }
}
