//! Blobs that come in part by part: kept on disk until all of them are there, and verified then.
//!
//! Invariant: a blob is in the table of blobs only when all its bytes were there and have its name.
//! What is half here is bounded, survives a restart, and goes on where it was; the parts are those
//! in which the blob is stored, so that nothing is written twice or held in memory as a whole.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};

use crate::id::BlobHash;
use crate::limits::BLOB_CHUNK_BYTES;
use crate::store::blob::{MAX_BLOB_BYTES, compress, key, name_of, new_pack, part_of, put_part};
use crate::store::log::{number, position};
use crate::store::{Blobs, Db, StoreError};

/// Blobs that may be half here at a time.
pub const MAX_UPLOADS: u64 = 64;
/// Bytes that those may become, together.
const MAX_UPLOADS_BYTES: u64 = 1024 * 1024 * 1024;
/// One that nothing came for in so many seconds makes room for another.
const UPLOAD_IDLE: i64 = 60 * 60;
/// One that nothing came for in so many seconds is given up.
pub const UPLOAD_KEPT: i64 = 7 * 24 * 60 * 60;

/// A part of a blob that comes in.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// The whole blob's name.
    pub hash: &'a BlobHash,
    /// Where the part begins.
    pub offset: u64,
    /// The whole blob's size.
    pub size: u64,
    /// The part: [`BLOB_CHUNK_BYTES`] of them, or those that are left; none to ask how far it is.
    pub data: &'a [u8],
    /// Unix seconds.
    pub now: i64,
}

/// Why a part was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The blob is larger than any may be.
    TooLarge,
    /// It is known to have another size.
    Size,
    /// It does not begin where the last part ended.
    Offset,
    /// It is not a whole part.
    Part,
    /// All is here and does not have that name: it begins anew.
    Hash,
    /// Too many are half here; later there is room.
    Busy,
}

impl Unfit {
    /// A stable word.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Size => "size",
            Self::Offset => "offset",
            Self::Part => "part",
            Self::Hash => "hash",
            Self::Busy => "busy",
        }
    }
}

/// How much of a blob is here now, and why nothing was taken where nothing was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Bytes from the beginning; all of them when the blob is stored.
    pub have: u64,
    /// Why not.
    pub unfit: Option<Unfit>,
}

impl Taken {
    const fn of(have: u64) -> Self {
        Self { have, unfit: None }
    }

    const fn not(have: u64, unfit: Unfit) -> Self {
        Self { have, unfit: Some(unfit) }
    }
}

/// A blob that is half here.
#[derive(Clone, Copy)]
struct Half {
    pack: i64,
    size: u64,
    have: u64,
}

/// What comes in, with the hash so far of each; one that is not known is made from its parts.
#[derive(Debug, Default)]
pub struct Uploads {
    hashers: BTreeMap<BlobHash, (u64, blake3::Hasher)>,
}

impl Uploads {
    /// Takes a part in. The transaction is the caller's.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn take(&mut self, db: &Db, part: &Incoming<'_>) -> Result<Taken, StoreError> {
        let Incoming { hash, offset, size, data, now } = *part;
        if let Some(held) = Blobs::size(db, hash)? {
            self.forget(db, hash)?;
            if held != size {
                return Ok(Taken::not(held, Unfit::Size));
            }
            Blobs::renew(db, hash, now)?;
            return Ok(Taken::of(held));
        }
        let half = Half::find(db, hash)?;
        let have = half.as_ref().map_or(0, |half| half.have);
        if size > MAX_BLOB_BYTES as u64 {
            return Ok(Taken::not(have, Unfit::TooLarge));
        }
        if half.as_ref().is_some_and(|half| half.size != size) {
            return Ok(Taken::not(have, Unfit::Size));
        }
        if data.is_empty() && size > 0 {
            return Ok(Taken::of(have));
        }
        if offset != have {
            return Ok(Taken::not(have, Unfit::Offset));
        }
        if data.len() as u64 != (size - offset).min(BLOB_CHUNK_BYTES as u64) {
            return Ok(Taken::not(have, Unfit::Part));
        }
        if size <= BLOB_CHUNK_BYTES as u64 {
            let packed = Blobs::pack(data);
            if packed.hash() != hash {
                return Ok(Taken::not(0, Unfit::Hash));
            }
            Blobs::keep(db, &packed, now)?;
            return Ok(Taken::of(size));
        }
        let half = match half {
            Some(half) => half,
            None if self.has_room(db, size, now)? => Half::begin(db, hash, size, now)?,
            None => return Ok(Taken::not(0, Unfit::Busy)),
        };
        self.add(db, half, part)
    }

    fn add(&mut self, db: &Db, half: Half, part: &Incoming<'_>) -> Result<Taken, StoreError> {
        let (hash, have) = (part.hash, half.have + part.data.len() as u64);
        // One that another transaction left, which was given up, is of other bytes.
        let known = self.hashers.remove(hash).filter(|(at, _)| *at == half.have);
        let mut hasher = match known {
            Some((_, hasher)) => hasher,
            None => half.hasher(db)?,
        };
        hasher.update(part.data);
        put_part(db, half.pack, number(half.have / BLOB_CHUNK_BYTES as u64), &compress(part.data))?;
        if have < half.size {
            db.sql()
                .prepare_cached("UPDATE uploads SET have = ?2, at = ?3 WHERE hash = ?1")?
                .execute(params![key(hash), number(have), part.now])?;
            if self.hashers.len() as u64 >= MAX_UPLOADS {
                self.hashers.pop_first();
            }
            self.hashers.insert(hash.clone(), (have, hasher));
            return Ok(Taken::of(have));
        }
        if name_of(&hasher.finalize()) != *hash {
            self.forget(db, hash)?;
            return Ok(Taken::not(0, Unfit::Hash));
        }
        db.sql()
            .prepare_cached(
                "INSERT INTO blobs(hash, size, refs, data, unnamed, pack)
                 VALUES (?1, ?2, 0, x'', ?3, ?4)",
            )?
            .execute(params![key(hash), number(half.size), part.now, half.pack])?;
        db.sql().prepare_cached("DELETE FROM uploads WHERE hash = ?1")?.execute([key(hash)])?;
        Ok(Taken::of(have))
    }

    /// How much of a blob is half here.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn have(db: &Db, hash: &BlobHash) -> Result<u64, StoreError> {
        Ok(Half::find(db, hash)?.map_or(0, |half| half.have))
    }

    /// Gives up what is half here of a blob.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn forget(&mut self, db: &Db, hash: &BlobHash) -> Result<(), StoreError> {
        self.hashers.remove(hash);
        if let Some(half) = Half::find(db, hash)? {
            let parts = "DELETE FROM blobParts WHERE pack = ?1";
            db.sql().prepare_cached(parts)?.execute([half.pack])?;
            db.sql().prepare_cached("DELETE FROM uploads WHERE hash = ?1")?.execute([key(hash)])?;
        }
        Ok(())
    }

    /// Gives up those that nothing came for since `before`; how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn give_up(&mut self, db: &Db, before: i64) -> Result<usize, StoreError> {
        let sql = "DELETE FROM blobParts WHERE pack IN (SELECT pack FROM uploads WHERE at <= ?1)";
        db.sql().prepare_cached(sql)?.execute([before])?;
        let gone = "DELETE FROM uploads WHERE at <= ?1";
        Ok(db.sql().prepare_cached(gone)?.execute([before])?)
    }

    /// How many are half here, and the bytes that they may become.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn census(db: &Db) -> Result<(u64, u64), StoreError> {
        let mut sums =
            db.sql().prepare_cached("SELECT count(*), coalesce(sum(size), 0) FROM uploads")?;
        Ok(sums.query_row([], |row| Ok((position(row, 0)?, position(row, 1)?)))?)
    }

    fn has_room(&mut self, db: &Db, size: u64, now: i64) -> Result<bool, StoreError> {
        let fits = |(count, bytes): (u64, u64)| {
            count < MAX_UPLOADS && bytes.saturating_add(size) <= MAX_UPLOADS_BYTES
        };
        if fits(Self::census(db)?) {
            return Ok(true);
        }
        self.give_up(db, now.saturating_sub(UPLOAD_IDLE))?;
        Ok(fits(Self::census(db)?))
    }
}

impl Half {
    fn find(db: &Db, hash: &BlobHash) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT pack, size, have FROM uploads WHERE hash = ?1";
        let mut statement = db.sql().prepare_cached(sql)?;
        let half = statement.query_row([key(hash)], |row| {
            Ok(Self { pack: row.get(0)?, size: position(row, 1)?, have: position(row, 2)? })
        });
        Ok(half.optional()?)
    }

    fn begin(db: &Db, hash: &BlobHash, size: u64, now: i64) -> Result<Self, StoreError> {
        let half = Self { pack: new_pack(db)?, size, have: 0 };
        let sql = "INSERT INTO uploads(hash, pack, size, have, at) VALUES (?1, ?2, ?3, 0, ?4)";
        db.sql().prepare_cached(sql)?.execute(params![key(hash), half.pack, number(size), now])?;
        Ok(half)
    }

    /// The hash of the parts that are here. One that is damaged gives a wrong one: then all of it
    /// comes again.
    fn hasher(&self, db: &Db) -> Result<blake3::Hasher, StoreError> {
        let mut hasher = blake3::Hasher::new();
        let parts = usize::try_from(self.have).unwrap_or(usize::MAX).div_ceil(BLOB_CHUNK_BYTES);
        for part in 0..parts {
            hasher.update(&part_of(db, self.pack, part)?.unwrap_or_default());
        }
        Ok(hasher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: u64 = BLOB_CHUNK_BYTES as u64;

    /// So many parts and five bytes.
    fn bytes(parts: usize, fill: u8) -> Vec<u8> {
        vec![fill; parts * BLOB_CHUNK_BYTES + 5]
    }

    /// Offers a part of `bytes` under the name of `named`.
    fn offer(uploads: &mut Uploads, db: &Db, named: &[u8], bytes: &[u8], offset: u64) -> Taken {
        let from = usize::try_from(offset).unwrap().min(bytes.len());
        let data = &bytes[from..bytes.len().min(from + BLOB_CHUNK_BYTES)];
        let hash = Blobs::name(named);
        let size = bytes.len() as u64;
        uploads.take(db, &Incoming { hash: &hash, offset, size, data, now: 10 }).unwrap()
    }

    #[test]
    fn a_blob_comes_in_and_goes_on_after_a_restart() {
        let db = Db::memory(Blobs::SQL).unwrap();
        let all = bytes(2, 7);
        let mut uploads = Uploads::default();
        assert_eq!(offer(&mut uploads, &db, &all, &all, 0), Taken::of(PART));
        assert_eq!(Blobs::size(&db, &Blobs::name(&all)).unwrap(), None, "not before it is whole");
        let mut uploads = Uploads::default();
        assert_eq!(offer(&mut uploads, &db, &all, &all, PART), Taken::of(2 * PART));
        assert_eq!(offer(&mut uploads, &db, &all, &all, 2 * PART), Taken::of(2 * PART + 5));
        assert_eq!(Blobs::get(&db, &Blobs::name(&all)).unwrap().as_ref(), Some(&all));
        assert_eq!(Uploads::census(&db).unwrap(), (0, 0));
        assert_eq!(offer(&mut uploads, &db, &all, &all, 0), Taken::of(2 * PART + 5), "again");
    }

    #[test]
    fn what_does_not_fit_is_refused_and_says_how_far_it_is() {
        let db = Db::memory(Blobs::SQL).unwrap();
        let (all, other) = (bytes(2, 7), bytes(2, 9));
        let hash = Blobs::name(&all);
        let mut uploads = Uploads::default();
        offer(&mut uploads, &db, &all, &all, 0);
        let size = all.len() as u64;
        let fit = BLOB_CHUNK_BYTES;
        let cases: [(u64, u64, usize, Option<Unfit>); 8] = [
            (PART, size, 0, None),
            (0, size, fit, Some(Unfit::Offset)),
            (PART - 1, size, fit, Some(Unfit::Offset)),
            (2 * PART, size, 5, Some(Unfit::Offset)),
            (u64::MAX, size, 5, Some(Unfit::Offset)),
            (PART, size, fit - 1, Some(Unfit::Part)),
            (PART, size + 1, fit, Some(Unfit::Size)),
            (PART, MAX_BLOB_BYTES as u64 + 1, fit, Some(Unfit::TooLarge)),
        ];
        for (offset, size, len, unfit) in cases {
            let part = Incoming { hash: &hash, offset, size, data: &all[..len], now: 1 };
            let taken = uploads.take(&db, &part).unwrap();
            assert_eq!(taken, Taken { have: PART, unfit }, "{offset} {size} {len}");
        }
        offer(&mut uploads, &db, &all, &other, PART);
        let last = offer(&mut uploads, &db, &all, &other, 2 * PART);
        assert_eq!(last, Taken::not(0, Unfit::Hash), "other bytes under that name");
        assert_eq!((Blobs::size(&db, &hash).unwrap(), Uploads::census(&db).unwrap().0), (None, 0));
        assert_eq!(offer(&mut uploads, &db, b"a", b"b", 0), Taken::not(0, Unfit::Hash));
        assert_eq!(offer(&mut uploads, &db, b"", b"", 0), Taken::of(0));
        assert_eq!(Blobs::get(&db, &Blobs::name(b"")).unwrap(), Some(Vec::new()));
    }

    #[test]
    fn a_transaction_that_was_given_up_leaves_no_trace_in_the_hash() {
        let mut db = Db::memory(Blobs::SQL).unwrap();
        let (all, other) = (bytes(2, 7), bytes(2, 9));
        let mut uploads = Uploads::default();
        offer(&mut uploads, &db, &all, &all, 0);
        db.begin().unwrap();
        offer(&mut uploads, &db, &all, &other, PART);
        db.rollback();
        assert_eq!(offer(&mut uploads, &db, &all, &all, PART), Taken::of(2 * PART));
        assert_eq!(offer(&mut uploads, &db, &all, &all, 2 * PART).unfit, None);
    }

    #[test]
    fn what_is_half_here_is_bounded() {
        let db = Db::memory(Blobs::SQL).unwrap();
        let mut uploads = Uploads::default();
        let begin = |uploads: &mut Uploads, n: u64, now: i64| {
            let hash = Blobs::name(&n.to_le_bytes());
            let data = vec![0; BLOB_CHUNK_BYTES];
            let part = Incoming { hash: &hash, offset: 0, size: PART + 1, data: &data, now };
            uploads.take(&db, &part).unwrap()
        };
        for n in 0..MAX_UPLOADS {
            Half::begin(&db, &Blobs::name(&n.to_le_bytes()), PART + 1, 0).unwrap();
        }
        assert_eq!(begin(&mut uploads, 999, 1), Taken::not(0, Unfit::Busy));
        assert_eq!(begin(&mut uploads, 999, UPLOAD_IDLE), Taken::of(PART), "the idle make room");
        assert_eq!(Uploads::census(&db).unwrap().0, 1);
        assert_eq!(uploads.give_up(&db, UPLOAD_IDLE + UPLOAD_KEPT).unwrap(), 1);
        let left: i64 =
            db.sql().query_row("SELECT count(*) FROM blobParts", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 0);
    }
}
