//! Thread logs that were found not to be what was written to them, until they are mended.
//!
//! Invariant: a log is in this list from when somebody met the damage, so that devices are asked
//! for what they hold of it after a restart too.

use rusqlite::{OptionalExtension as _, params};

use crate::id::StoreId;
use crate::store::{Db, Log, StoreError};

/// The list; a namespace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Damaged;

impl Damaged {
    /// The table.
    pub(crate) const SQL: &'static str =
        "CREATE TABLE IF NOT EXISTS damaged(store INTEGER PRIMARY KEY);";

    /// Puts a store on the list; `false` when it is there, or there is no such store.
    pub(crate) fn note(db: &Db, store: &StoreId) -> Result<bool, StoreError> {
        let Some(key) = Log::key(db, store, false)? else { return Ok(false) };
        let sql = "INSERT OR IGNORE INTO damaged(store) VALUES (?1)";
        Ok(db.sql().prepare_cached(sql)?.execute([key])? > 0)
    }

    /// The key of a store that is on the list.
    pub(crate) fn key(db: &Db, store: &StoreId) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT d.store FROM damaged d JOIN stores s ON s.key = d.store WHERE s.id = ?1";
        let mut statement = db.sql().prepare_cached(sql)?;
        Ok(statement.query_row([store.as_str()], |row| row.get(0)).optional()?)
    }

    /// Stores of the list, at most so many.
    pub(crate) fn some(db: &Db, most: usize) -> Result<Vec<StoreId>, StoreError> {
        let sql = "SELECT s.id FROM damaged d JOIN stores s ON s.key = d.store
                   ORDER BY d.store LIMIT ?1";
        let mut statement = db.sql().prepare_cached(sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = statement.query([most])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let id = StoreId::try_from(row.get::<_, String>(0)?);
            found.push(id.map_err(|error| StoreError::Row(error.to_string()))?);
        }
        Ok(found)
    }

    /// A log is whole again: its store is projected as far as it was not.
    pub(crate) fn mended(db: &Db, key: i64) -> Result<(), StoreError> {
        db.sql().prepare_cached("DELETE FROM damaged WHERE store = ?1")?.execute([key])?;
        let ahead = "INSERT OR IGNORE INTO ahead(store) VALUES (?1)";
        db.sql().prepare_cached(ahead)?.execute(params![key])?;
        Ok(())
    }
}
