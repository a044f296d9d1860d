//! Where logs end, and ended: what a restore and those who were there before it have to know.
//!
//! Invariant: a log is cut from its end only, and its head and chain with it.

use rusqlite::{OptionalExtension, params};

use crate::id::StoreId;
use crate::store::log::{number, position};
use crate::store::{Chain, Db, Head, Log, StoreError};

impl Log {
    /// Forgets what stands above a position: the backend's log goes on otherwise.
    ///
    /// # Errors
    /// When the database refuses, or the position is none of this log.
    pub fn truncate(db: &Db, store: &StoreId, at: u64) -> Result<(), StoreError> {
        let Some(key) = Self::key(db, store, false)? else { return Ok(()) };
        let Some(chain) = Self::chain_at(db, store, at)? else {
            return Err(StoreError::Row(format!("{store}: there is no position {at}")));
        };
        db.sql()
            .prepare_cached("DELETE FROM eventlog WHERE store = ?1 AND position > ?2")?
            .execute(params![key, number(at)])?;
        db.sql()
            .prepare_cached("UPDATE stores SET head = ?2, chain = ?3 WHERE key = ?1")?
            .execute(params![key, number(at), chain.bytes()])?;
        Ok(())
    }

    /// Where a row of this file is the last, of all stores; 0 when there is none.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn last_row(db: &Db) -> Result<i64, StoreError> {
        let sql = "SELECT coalesce(max(gseq), 0) FROM eventlog";
        Ok(db.sql().prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    /// A store's log as it ended when `row` was the last of this file.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn head_at_row(db: &Db, store: &StoreId, row: i64) -> Result<Head, StoreError> {
        let Some(key) = Self::key(db, store, false)? else { return Ok(Head::default()) };
        let mut statement = db.sql().prepare_cached(
            "SELECT position, chain FROM eventlog WHERE store = ?1 AND gseq <= ?2
             ORDER BY position DESC LIMIT 1",
        )?;
        let head = statement
            .query_row(params![key, row], |row| {
                let chain: Vec<u8> = row.get(1)?;
                Ok(Head { position: position(row, 0)?, chain: Chain::from_bytes(&chain) })
            })
            .optional()?;
        Ok(head.unwrap_or_default())
    }
}
