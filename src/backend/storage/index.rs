//! The index of ingest: which message is in which thread, by which bytes.
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

    /// Whether a message is here, whatever its bytes.
    pub(crate) fn holds(db: &Db, message: &str) -> Result<bool, StoreError> {
        let sql = "SELECT count(*) > 0 FROM messageBytes WHERE key = ?1";
        let mut statement = db.sql().prepare_cached(sql)?;
        Ok(statement.query_row([Self::key(message)], |row| row.get(0))?)
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

    /// A message is in this thread, whatever others that name it made of it before. Where its bytes
    /// are known it stays where it is.
    pub(crate) fn found(db: &Db, message: &str, thread: &ThreadId) -> Result<(), StoreError> {
        let sql = "INSERT INTO messages(key, thread) VALUES (?1, ?2)
                   ON CONFLICT(key) DO UPDATE SET thread = excluded.thread
                   WHERE NOT EXISTS (SELECT 1 FROM messageBytes AS b WHERE b.key = excluded.key)";
        let mut statement = db.sql().prepare_cached(sql)?;
        statement.execute(params![Self::key(message), thread.as_str()])?;
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

    /// How many messages are indexed in threads that are not there.
    pub(crate) fn astray(db: &Db) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM messages
                   WHERE 'thread-' || thread NOT IN (SELECT id FROM stores)";
        Ok(db.sql().prepare(sql)?.query_row([], |row| row.get(0))?)
    }
}
