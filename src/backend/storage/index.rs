//! The index of ingest: which message is in which thread, by which bytes; and which threads are
//! joined.
//!
//! Invariant: it changes in the transaction that appends the message; so the choice of a thread and
//! the recognition of a duplicate never disagree with the logs.

use rusqlite::{OptionalExtension, params};

use crate::id::ThreadId;
use crate::store::{Db, StoreError};

/// What the index knows of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    No,
    /// Other messages named it as an ancestor; it belongs into this thread.
    Named(ThreadId),
    /// It is there, with these very bytes.
    Equal(ThreadId),
    /// It is there, with other bytes.
    Other(ThreadId),
}

/// The index tables.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Index;

impl Index {
    /// The tables. Keys are the first 16 bytes of a hash.
    pub(crate) const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS messages(
            key BLOB PRIMARY KEY, thread TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS messageBytes(
            key BLOB NOT NULL, hash BLOB NOT NULL, PRIMARY KEY(key, hash)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS joined(
            thread TEXT PRIMARY KEY, root TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS joined_root ON joined(root);
    ";

    /// What a message is known by, as the tables have it.
    pub(crate) fn key(message: &str) -> [u8; 16] {
        let mut key = [0; 16];
        key.copy_from_slice(&blake3::hash(message.as_bytes()).as_bytes()[..16]);
        key
    }

    /// The thread that a message is in, or belongs into.
    pub(crate) fn thread(db: &Db, message: &str) -> Result<Option<ThreadId>, StoreError> {
        let mut statement =
            db.sql().prepare_cached("SELECT thread FROM messages WHERE key = ?1")?;
        let found: Option<String> =
            statement.query_row([Self::key(message)], |row| row.get(0)).optional()?;
        found
            .map(|id| ThreadId::try_from(id).map_err(|e| StoreError::Row(e.to_string())))
            .transpose()
    }

    /// What is known of a message with these bytes.
    pub(crate) fn look(db: &Db, message: &str, hash: &[u8; 32]) -> Result<Known, StoreError> {
        let Some(thread) = Self::thread(db, message)? else { return Ok(Known::No) };
        let mut statement = db.sql().prepare_cached(
            "SELECT count(*), coalesce(max(hash = ?2), 0) FROM messageBytes WHERE key = ?1",
        )?;
        let (held, equal): (i64, bool) = statement
            .query_row(params![Self::key(message), &hash[..16]], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok(match (held, equal) {
            (0, _) => Known::Named(thread),
            (_, true) => Known::Equal(thread),
            (_, false) => Known::Other(thread),
        })
    }

    /// A message belongs into a thread, unless it is known to be elsewhere.
    pub(crate) fn name(db: &Db, message: &str, thread: &ThreadId) -> Result<(), StoreError> {
        db.sql()
            .prepare_cached("INSERT OR IGNORE INTO messages(key, thread) VALUES (?1, ?2)")?
            .execute(params![Self::key(message), thread.as_str()])?;
        Ok(())
    }

    /// A message is there with these bytes.
    pub(crate) fn add(db: &Db, message: &str, hash: &[u8; 32]) -> Result<(), StoreError> {
        db.sql()
            .prepare_cached("INSERT OR IGNORE INTO messageBytes(key, hash) VALUES (?1, ?2)")?
            .execute(params![Self::key(message), &hash[..16]])?;
        Ok(())
    }

    /// Forgets a message, should it be in this thread or belong into it.
    pub(crate) fn forget(db: &Db, message: &str, thread: &ThreadId) -> Result<(), StoreError> {
        let key = Self::key(message);
        let gone = "DELETE FROM messages WHERE key = ?1 AND thread = ?2";
        if db.sql().prepare_cached(gone)?.execute(params![key, thread.as_str()])? > 0 {
            db.sql().prepare_cached("DELETE FROM messageBytes WHERE key = ?1")?.execute([key])?;
        }
        Ok(())
    }

    /// A thread is gone: those that are joined with it have another root.
    pub(crate) fn leave(db: &Db, thread: &ThreadId) -> Result<(), StoreError> {
        db.sql()
            .prepare_cached("DELETE FROM joined WHERE thread = ?1")?
            .execute([thread.as_str()])?;
        db.sql()
            .prepare_cached(
                "UPDATE joined SET root = (SELECT min(thread) FROM joined WHERE root = ?1)
                 WHERE root = ?1",
            )?
            .execute([thread.as_str()])?;
        Ok(())
    }

    /// How many messages are indexed in threads that are not there.
    pub(crate) fn astray(db: &Db) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM messages
                   WHERE 'thread-' || thread NOT IN (SELECT id FROM stores)";
        Ok(db.sql().prepare(sql)?.query_row([], |row| row.get(0))?)
    }

    /// The least id of the threads that are joined with this one.
    pub(crate) fn root(db: &Db, thread: &ThreadId) -> Result<ThreadId, StoreError> {
        let mut statement = db.sql().prepare_cached("SELECT root FROM joined WHERE thread = ?1")?;
        let found: Option<String> =
            statement.query_row([thread.as_str()], |row| row.get(0)).optional()?;
        found.map_or_else(
            || Ok(thread.clone()),
            |id| ThreadId::try_from(id).map_err(|error| StoreError::Row(error.to_string())),
        )
    }

    /// Joins two threads; `false` when they are joined already.
    pub(crate) fn join(db: &Db, a: &ThreadId, b: &ThreadId) -> Result<bool, StoreError> {
        let (a, b) = (Self::root(db, a)?, Self::root(db, b)?);
        if a == b {
            return Ok(false);
        }
        let (root, other) = if a < b { (a, b) } else { (b, a) };
        db.sql()
            .prepare_cached("UPDATE joined SET root = ?1 WHERE root = ?2")?
            .execute([root.as_str(), other.as_str()])?;
        for thread in [&root, &other] {
            db.sql()
                .prepare_cached("INSERT OR REPLACE INTO joined(thread, root) VALUES (?1, ?2)")?
                .execute([thread.as_str(), root.as_str()])?;
        }
        Ok(true)
    }
}
