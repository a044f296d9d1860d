//! Threads that are projected again from their logs: by a program whose projection is another than
//! the one that made the rows, or that reads events which the one before it did not.
//!
//! Invariant: a thread leaves the table in the transaction that keeps its new snapshot, so that a
//! start-up goes on where the last one ended. The list is made in the transaction that notes for
//! which version and names it is.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, params};

use crate::backend::storage::Snapshots;
use crate::id::StoreId;
use crate::projection;
use crate::store::{Db, KNOWN_NAMES, StoreError, differing_names, recorded_names, stores_with};
use crate::thread::name;

/// Where the version of the projection that made the rows is kept.
const PROJECTION: &str = "projection";
/// Where it is kept of how many threads the table had when it was last filled.
const OF: &str = "again-of";

/// The table of threads that wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Again;

impl Again {
    /// The table.
    pub(crate) const SQL: &'static str =
        "CREATE TABLE IF NOT EXISTS again(store INTEGER PRIMARY KEY);";

    /// Whether rows were made by another projection, or by a program that read other events.
    pub(crate) fn is_due(db: &Db) -> Result<bool, StoreError> {
        let (all, names) = Self::differs(db)?;
        Ok(all || !names.is_empty())
    }

    fn differs(db: &Db) -> Result<(bool, BTreeSet<String>), StoreError> {
        let made = Snapshots::setting(db, PROJECTION)?;
        let names = differing_names(Snapshots::setting(db, KNOWN_NAMES)?.as_deref(), name::ALL);
        Ok((made != Some(projection::VERSION.to_string()), names))
    }

    /// Lists what this program must project again; the transaction is the caller's.
    pub(crate) fn list(db: &Db) -> Result<(), StoreError> {
        let (all, names) = Self::differs(db)?;
        if all {
            let every = "INSERT OR IGNORE INTO again(store) SELECT key FROM stores WHERE head > 0";
            db.sql().execute(every, [])?;
        } else {
            Self::add(db, &stores_with(db, &names)?)?;
        }
        Snapshots::set(db, PROJECTION, &projection::VERSION.to_string())?;
        Snapshots::set(db, KNOWN_NAMES, &recorded_names(name::ALL))?;
        Snapshots::set(db, OF, &Self::left(db)?.to_string())
    }

    /// Lists every thread; the transaction is the caller's.
    pub(crate) fn all(db: &Db) -> Result<(), StoreError> {
        let every = "INSERT OR IGNORE INTO again(store) SELECT key FROM stores WHERE head > 0";
        db.sql().execute(every, [])?;
        Snapshots::set(db, OF, &Self::left(db)?.to_string())
    }

    fn add(db: &Db, keys: &BTreeSet<i64>) -> Result<(), StoreError> {
        let mut insert = db.sql().prepare("INSERT OR IGNORE INTO again(store) VALUES (?1)")?;
        for key in keys {
            insert.execute([key])?;
        }
        Ok(())
    }

    /// The next threads that wait. One whose log is gone has nothing to project.
    pub(crate) fn next(db: &Db, most: usize) -> Result<Vec<(i64, Option<StoreId>)>, StoreError> {
        let mut statement = db.sql().prepare_cached(
            "SELECT a.store, s.id FROM again a LEFT JOIN stores s ON s.key = a.store
             ORDER BY a.store LIMIT ?1",
        )?;
        let mut rows = statement.query([i64::try_from(most).unwrap_or(i64::MAX)])?;
        let mut next = Vec::new();
        while let Some(row) = rows.next()? {
            let id = row.get::<_, Option<String>>(1)?.map(StoreId::try_from).transpose();
            next.push((row.get(0)?, id.map_err(|error| StoreError::Row(error.to_string()))?));
        }
        Ok(next)
    }

    /// It is projected.
    pub(crate) fn done(db: &Db, store: i64) -> Result<(), StoreError> {
        db.sql().prepare_cached("DELETE FROM again WHERE store = ?1")?.execute([store])?;
        Ok(())
    }

    /// Whether a thread waits.
    pub(crate) fn waits(db: &Db, store: &StoreId) -> Result<bool, StoreError> {
        let mut statement = db.sql().prepare_cached(
            "SELECT 1 FROM again WHERE store = (SELECT key FROM stores WHERE id = ?1)",
        )?;
        Ok(statement.query_row([store.as_str()], |_| Ok(())).optional()?.is_some())
    }

    fn left(db: &Db) -> Result<u64, StoreError> {
        let mut count = db.sql().prepare_cached("SELECT count(*) FROM again")?;
        Ok(u64::try_from(count.query_row(params![], |row| row.get::<_, i64>(0))?).unwrap_or(0))
    }

    /// How many threads wait, and of how many; `None` when none does.
    pub(crate) fn progress(db: &Db) -> Result<Option<(u64, u64)>, StoreError> {
        let left = Self::left(db)?;
        let of = Snapshots::setting(db, OF)?.and_then(|of| of.parse().ok()).unwrap_or(left);
        Ok((left > 0).then_some((left, of.max(left))))
    }
}
