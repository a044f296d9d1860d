//! What each Thread store's client saw last, and which stores have grown since.
//!
//! Invariant: a store is dirty while its head is above its snapshot's position; so a start-up goes
//! on with exactly what a crash left.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use crate::id::StoreId;
use crate::projection::Snapshot;
use crate::store::{Db, StoreError};

/// Dirty stores. The join is crossed, so that SQLite reads the few that are dirty and not, at every
/// step of the pipeline, all that there are.
const DIRTY: &str = "SELECT a.store, s.id FROM ahead a CROSS JOIN stores s ON s.key = a.store
     ORDER BY a.store LIMIT ?1";

/// The snapshot table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Snapshots;

impl Snapshots {
    /// The table.
    pub(crate) const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS snapshots(
            store INTEGER PRIMARY KEY, position INTEGER NOT NULL, snapshot TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS ahead(store INTEGER PRIMARY KEY);
        CREATE TRIGGER IF NOT EXISTS stores_grew AFTER UPDATE OF head ON stores
            BEGIN INSERT OR IGNORE INTO ahead(store) VALUES (new.key); END;
        CREATE TABLE IF NOT EXISTS backend(name TEXT PRIMARY KEY, value TEXT NOT NULL);
    ";

    /// The last snapshot of a store with its position.
    pub(crate) fn get(db: &Db, store: i64) -> Result<(u64, Option<Snapshot>), StoreError> {
        let mut statement =
            db.sql().prepare_cached("SELECT position, snapshot FROM snapshots WHERE store = ?1")?;
        let found: Option<(i64, String)> =
            statement.query_row([store], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((position, text)) = found else { return Ok((0, None)) };
        Ok((u64::try_from(position).unwrap_or_default(), serde_json::from_str(&text).ok()))
    }

    /// Keeps the snapshot of a store; it is not dirty any more.
    pub(crate) fn put(
        db: &Db,
        store: i64,
        position: u64,
        snapshot: &Snapshot,
    ) -> Result<(), StoreError> {
        db.sql()
            .prepare_cached(
                "INSERT OR REPLACE INTO snapshots(store, position, snapshot) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![
                store,
                i64::try_from(position).unwrap_or(i64::MAX),
                serde_json::to_string(snapshot).unwrap_or_default()
            ])?;
        db.sql().prepare_cached("DELETE FROM ahead WHERE store = ?1")?.execute([store])?;
        Ok(())
    }

    /// Dirty stores, oldest key first.
    pub(crate) fn dirty(db: &Db, most: usize) -> Result<Vec<(i64, StoreId)>, StoreError> {
        let mut statement = db.sql().prepare_cached(DIRTY)?;
        let mut rows = statement.query([i64::try_from(most).unwrap_or(i64::MAX)])?;
        let mut dirty = Vec::new();
        while let Some(row) = rows.next()? {
            let id: String = row.get(1)?;
            let id = StoreId::try_from(id).map_err(|error| StoreError::Row(error.to_string()))?;
            dirty.push((row.get(0)?, id));
        }
        Ok(dirty)
    }

    /// Whether any store was projected.
    pub(crate) fn any(db: &Db) -> Result<bool, StoreError> {
        Ok(db.sql().prepare_cached("SELECT 1 FROM snapshots LIMIT 1")?.exists([])?)
    }

    /// Keys of all dirty stores.
    pub(crate) fn dirty_keys(db: &Db) -> Result<BTreeSet<i64>, StoreError> {
        let mut statement = db.sql().prepare_cached("SELECT store FROM ahead")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets which stores are dirty: a rule broken on purpose.
    pub(crate) fn forget_dirty(db: &Db) -> Result<(), StoreError> {
        db.sql().execute("DELETE FROM ahead", [])?;
        Ok(())
    }

    /// Whether one store is dirty.
    pub(crate) fn is_dirty(db: &Db, store: i64) -> Result<bool, StoreError> {
        let mut statement =
            db.sql().prepare_cached("SELECT count(*) > 0 FROM ahead WHERE store = ?1")?;
        Ok(statement.query_row([store], |row| row.get(0))?)
    }

    /// Makes a store dirty from its beginning: its next batch is all that its log yields.
    pub(crate) fn forget(db: &Db, store: i64) -> Result<(), StoreError> {
        db.sql().prepare_cached("DELETE FROM snapshots WHERE store = ?1")?.execute([store])?;
        db.sql()
            .prepare_cached("INSERT OR IGNORE INTO ahead(store) VALUES (?1)")?
            .execute([store])?;
        Ok(())
    }

    /// Passes a store over whose log cannot be read as it was written. It is dirty again when it
    /// grows, or when its log was mended.
    pub(crate) fn pass_over(db: &Db, store: i64) -> Result<(), StoreError> {
        db.sql().prepare_cached("DELETE FROM ahead WHERE store = ?1")?.execute([store])?;
        Ok(())
    }

    /// Forgets a store that is gone.
    pub(crate) fn erase(db: &Db, store: i64) -> Result<(), StoreError> {
        for table in ["snapshots", "ahead"] {
            let gone = format!("DELETE FROM {table} WHERE store = ?1");
            db.sql().prepare_cached(&gone)?.execute([store])?;
        }
        Ok(())
    }

    /// A setting of this backend.
    pub(crate) fn setting(db: &Db, name: &str) -> Result<Option<String>, StoreError> {
        let mut statement = db.sql().prepare_cached("SELECT value FROM backend WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }

    /// Keeps a setting of this backend.
    pub(crate) fn set(db: &Db, name: &str, value: &str) -> Result<(), StoreError> {
        db.sql()
            .prepare_cached("INSERT OR REPLACE INTO backend(name, value) VALUES (?1, ?2)")?
            .execute([name, value])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Log;

    #[test]
    fn what_is_dirty_is_found_without_a_look_at_the_rest() {
        let db = Db::memory(&[Log::SQL, Snapshots::SQL].concat()).unwrap();
        let mut plan = db.sql().prepare(&format!("EXPLAIN QUERY PLAN {DIRTY}")).unwrap();
        let steps = plan.query_map([1], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
        assert_eq!(steps.len(), 2, "{steps:?}");
        assert!(steps[0].starts_with("SCAN a"), "{steps:?}");
        assert!(steps[1].starts_with("SEARCH s USING INTEGER PRIMARY KEY"), "{steps:?}");
    }
}
