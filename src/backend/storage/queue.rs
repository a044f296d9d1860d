//! The durable queue `cross-store-events`: at most one waiting batch a thread.
//!
//! Invariant: a batch leaves the queue only after its Mailbox events are committed, or when the
//! watermark shows that they were. Waiting batches of one thread are merged.

use rusqlite::{OptionalExtension, params};

use crate::crash::{self, Broken};
use crate::projection::Batch;
use crate::store::{Db, StoreError};

/// A waiting batch.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    /// Its number.
    pub(crate) id: i64,
    /// Its store's key.
    pub(crate) store: i64,
    /// What changed; `None` when the row cannot be read.
    pub(crate) batch: Option<Batch>,
    /// How often it was tried.
    pub(crate) attempts: u32,
}

/// The queue's table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queue;

impl Queue {
    /// The tables.
    pub(crate) const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS queue(
            id INTEGER PRIMARY KEY AUTOINCREMENT, store INTEGER NOT NULL UNIQUE,
            batch TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, error TEXT);
        CREATE TABLE IF NOT EXISTS poisoned(
            id INTEGER PRIMARY KEY, store INTEGER NOT NULL, batch TEXT NOT NULL, error TEXT);
    ";

    /// Queues a batch, merged with the one that waits for the same thread.
    pub(crate) fn put(db: &Db, store: i64, batch: &Batch) -> Result<(), StoreError> {
        let mut find = db.sql().prepare_cached("SELECT batch FROM queue WHERE store = ?1")?;
        let waiting: Option<String> = find.query_row([store], |row| row.get(0)).optional()?;
        let merged = waiting
            .and_then(|text| serde_json::from_str::<Batch>(&text).ok())
            .and_then(|waiting| waiting.merge(batch));
        // A waiting batch that cannot be read or does not fit is replaced: the worker then sees
        // that the watermark is not where the new one begins, and projects the thread anew.
        if crash::broken(Broken::EmptyBatchDropped)
            && merged.as_ref().unwrap_or(batch).events.is_empty()
        {
            db.sql().execute("DELETE FROM queue WHERE store = ?1", [store])?;
            return Ok(());
        }
        let text = serde_json::to_string(merged.as_ref().unwrap_or(batch)).unwrap_or_default();
        db.sql()
            .prepare_cached(
                "INSERT INTO queue(store, batch) VALUES (?1, ?2)
                 ON CONFLICT(store) DO UPDATE SET batch = ?2",
            )?
            .execute(params![store, text])?;
        Ok(())
    }

    /// Leases the oldest batches. There is one worker, so a lease is its own turn: what it does
    /// not acknowledge waits on.
    pub(crate) fn lease(db: &Db, most: usize) -> Result<Vec<Queued>, StoreError> {
        let mut statement = db
            .sql()
            .prepare_cached("SELECT id, store, batch, attempts FROM queue ORDER BY id LIMIT ?1")?;
        let rows = statement.query_map([i64::try_from(most).unwrap_or(i64::MAX)], |row| {
            let text: String = row.get(2)?;
            Ok(Queued {
                id: row.get(0)?,
                store: row.get(1)?,
                batch: serde_json::from_str(&text).ok(),
                attempts: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keys of the stores that have a waiting batch.
    pub(crate) fn keys(db: &Db) -> Result<Vec<i64>, StoreError> {
        let mut statement = db.sql().prepare_cached("SELECT store FROM queue")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Takes a batch off the queue.
    pub(crate) fn acknowledge(db: &Db, id: i64) -> Result<(), StoreError> {
        db.sql().prepare_cached("DELETE FROM queue WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// Forgets what waits of a store, and what could not be taken in.
    pub(crate) fn forget(db: &Db, store: i64) -> Result<(), StoreError> {
        for table in ["queue", "poisoned"] {
            let gone = format!("DELETE FROM {table} WHERE store = ?1");
            db.sql().prepare_cached(&gone)?.execute([store])?;
        }
        Ok(())
    }

    /// Notes a failed try.
    pub(crate) fn failed(db: &Db, id: i64, error: &str) -> Result<(), StoreError> {
        db.sql()
            .prepare_cached("UPDATE queue SET attempts = attempts + 1, error = ?2 WHERE id = ?1")?
            .execute(params![id, error])?;
        Ok(())
    }

    /// Puts a batch where a person can read it; the thread is projected again from its log.
    pub(crate) fn poison(db: &Db, id: i64, error: &str) -> Result<(), StoreError> {
        // The last one of a thread says all: more would only grow while the cause is there.
        db.sql()
            .prepare_cached(
                "DELETE FROM poisoned WHERE store = (SELECT store FROM queue WHERE id = ?1)",
            )?
            .execute([id])?;
        db.sql()
            .prepare_cached(
                "INSERT OR REPLACE INTO poisoned(id, store, batch, error)
                 SELECT id, store, batch, coalesce(error, ?2) FROM queue WHERE id = ?1",
            )?
            .execute(params![id, error])?;
        Self::acknowledge(db, id)
    }

    /// How many batches wait, and how many are poisoned.
    pub(crate) fn counts(db: &Db) -> Result<(u64, u64), StoreError> {
        let count = |sql| {
            db.sql()
                .prepare_cached(sql)?
                .query_row([], |row| row.get::<_, i64>(0))
                .map(|count| u64::try_from(count).unwrap_or_default())
        };
        Ok((count("SELECT count(*) FROM queue")?, count("SELECT count(*) FROM poisoned")?))
    }
}
