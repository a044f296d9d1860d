//! Where a log begins that is not held from its first event, and arguments that are given up.
//!
//! Invariant: below its base a log holds nothing, and the chain at the base is kept, so that what
//! follows can be checked. Arguments that are given up leave their hash; ids and positions stay.

use rusqlite::{OptionalExtension as _, params};

use crate::id::StoreId;
use crate::store::log::{number, position};
use crate::store::log_row::{args_of, pack};
use crate::store::{Chain, Db, Head, Log, StoreError};

/// What is left of arguments that were given up.
#[derive(serde::Serialize)]
struct Nothing {}

impl Log {
    /// Where a log begins; position 0 for one that is held from its first event.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn base(db: &Db, store: &StoreId) -> Result<Head, StoreError> {
        let mut statement = db.sql().prepare_cached(
            "SELECT b.position, b.chain FROM bases b JOIN stores s ON s.key = b.store
             WHERE s.id = ?1",
        )?;
        let base = statement.query_row([store.as_str()], |row| {
            let chain: Vec<u8> = row.get(1)?;
            Ok(Head { position: position(row, 0)?, chain: Chain::from_bytes(&chain) })
        });
        Ok(base.optional()?.unwrap_or_default())
    }

    /// Begins a log, of which nothing may be held, behind `base`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn rebase(db: &Db, store: &StoreId, base: Head) -> Result<(), StoreError> {
        let Some(key) = Self::key(db, store, true)? else { return Ok(()) };
        let at = params![key, number(base.position), base.chain.bytes()];
        db.sql()
            .prepare_cached(
                "INSERT OR REPLACE INTO bases(store, position, chain) VALUES (?, ?, ?)",
            )?
            .execute(at)?;
        db.sql()
            .prepare_cached("UPDATE stores SET head = ?2, chain = ?3 WHERE key = ?1")?
            .execute(at)?;
        Ok(())
    }

    /// The names of a store's events after a position.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn names(db: &Db, store: &StoreId, after: u64) -> Result<Vec<String>, StoreError> {
        let Some(key) = Self::key(db, store, false)? else { return Ok(Vec::new()) };
        let mut statement = db.sql().prepare_cached(
            "SELECT DISTINCT name FROM eventlog WHERE store = ?1 AND position > ?2",
        )?;
        let names = statement.query_map(params![key, number(after)], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// Forgets at most `most` events of a log, the first; how many there were.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn forget(db: &Db, store: &StoreId, most: usize) -> Result<usize, StoreError> {
        let Some(key) = Self::key(db, store, false)? else { return Ok(0) };
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        Ok(db
            .sql()
            .prepare_cached(
                "DELETE FROM eventlog WHERE gseq IN (SELECT gseq FROM eventlog
                     WHERE store = ?1 ORDER BY position LIMIT ?2)",
            )?
            .execute(params![key, most])?)
    }

    /// Gives the arguments of events up, at most `most` after one position and up to another:
    /// their hash stays. Returns the last of them; `None` when there were none.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn give_up(
        db: &Db,
        store: &StoreId,
        (after, through): (u64, u64),
        most: usize,
    ) -> Result<Option<u64>, StoreError> {
        let Some(key) = Self::key(db, store, false)? else { return Ok(None) };
        let mut select = db.sql().prepare_cached(
            "SELECT gseq, position, args FROM eventlog
             WHERE store = ?1 AND position > ?2 AND position <= ?3 ORDER BY position LIMIT ?4",
        )?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = select.query(params![key, number(after), number(through), most])?;
        let (mut left, mut last) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            last = Some(position(row, 1)?);
            left.push((row.get::<_, i64>(0)?, args_of(row, 2)?.without_content(&Nothing {})));
        }
        let mut update =
            db.sql().prepare_cached("UPDATE eventlog SET args = ?2 WHERE gseq = ?1")?;
        for (gseq, args) in left {
            update.execute(params![gseq, pack(args.text())])?;
        }
        Ok(last)
    }
}
