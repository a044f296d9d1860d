//! What is left of purged threads: ids and times, and by which hashes their messages are known.
//!
//! Invariant: a thread's log, its index entries and its references to blobs go in the transaction
//! that writes its tombstone. A tombstone that the Mailbox store has not heard of says so, and is
//! told until it has.

use rusqlite::params;

use crate::backend::storage::{Index, Links, Outlines, Queue, Snapshots, references, undo};
use crate::id::{StoreId, ThreadId};
use crate::mail;
use crate::store::{Blobs, Db, Log, StoreError};
use crate::thread::{MessageAdded, ThreadEvent, named_blobs};

/// The tombstones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purged;

impl Purged {
    /// The tables; `trashed` says since when a thread is in trash, by the backend's clock.
    pub(crate) const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS purged(
            thread TEXT PRIMARY KEY, at INTEGER NOT NULL,
            told INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS purged_untold ON purged(thread) WHERE told = 0;
        CREATE TABLE IF NOT EXISTS purgedMessages(key BLOB PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS trashed(store INTEGER PRIMARY KEY, at INTEGER NOT NULL);
    ";

    /// Brings the tables of the format `found` to this one: since when the trash of the first is
    /// there was not written down, so it is kept from now on, as if it had just been thrown away.
    pub(crate) fn upgrade(db: &Db, found: u32, now: i64) -> Result<(), StoreError> {
        if found < 2 {
            db.sql().execute(
                "INSERT OR IGNORE INTO trashed(store, at) SELECT store, ?1 FROM snapshots
                 WHERE json_valid(snapshot) AND json_extract(snapshot, '$.facts.place') = 'trash'",
                [now],
            )?;
        }
        Ok(())
    }

    /// Whether a thread was purged.
    pub(crate) fn is(db: &Db, thread: &ThreadId) -> Result<bool, StoreError> {
        let mut statement = db.sql().prepare_cached("SELECT 1 FROM purged WHERE thread = ?1")?;
        Ok(statement.exists([thread.as_str()])?)
    }

    /// How many purged threads have a log.
    pub(crate) fn undead(db: &Db) -> Result<i64, StoreError> {
        let sql =
            "SELECT count(*) FROM purged WHERE 'thread-' || thread IN (SELECT id FROM stores)";
        Ok(db.sql().prepare(sql)?.query_row([], |row| row.get(0))?)
    }

    /// How many threads are in trash, and how many of them since `at` or before.
    pub(crate) fn in_trash(db: &Db, at: i64) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT count(*), coalesce(sum(at <= ?1), 0) FROM trashed";
        let count = |row: &rusqlite::Row<'_>, at| {
            Ok::<_, rusqlite::Error>(u64::try_from(row.get::<_, i64>(at)?).unwrap_or_default())
        };
        Ok(db.sql().prepare(sql)?.query_row([at], |row| Ok((count(row, 0)?, count(row, 1)?)))?)
    }

    /// Purged threads, with the time, of which the Mailbox store may not have heard.
    pub(crate) fn untold(db: &Db) -> Result<Vec<(ThreadId, i64)>, StoreError> {
        let mut statement =
            db.sql().prepare_cached("SELECT thread, at FROM purged WHERE told = 0")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        let mut untold = Vec::new();
        for row in rows {
            let (thread, at) = row?;
            let thread = ThreadId::try_from(thread);
            untold.push((thread.map_err(|error| StoreError::Row(error.to_string()))?, at));
        }
        Ok(untold)
    }

    /// The Mailbox store is another, and has heard of none.
    pub(crate) fn untell(db: &Db) -> Result<(), StoreError> {
        db.sql().execute("UPDATE purged SET told = 0", [])?;
        Ok(())
    }

    /// The Mailbox store has heard of these.
    pub(crate) fn told(db: &Db, threads: &[(ThreadId, i64)]) -> Result<(), StoreError> {
        let mut statement =
            db.sql().prepare_cached("UPDATE purged SET told = 1 WHERE thread = ?1")?;
        for (thread, _) in threads {
            statement.execute([thread.as_str()])?;
        }
        Ok(())
    }

    /// Whether a message was purged: it is known by this.
    pub(crate) fn holds(db: &Db, message: &str) -> Result<bool, StoreError> {
        let mut statement =
            db.sql().prepare_cached("SELECT 1 FROM purgedMessages WHERE key = ?1")?;
        Ok(statement.exists([Index::key(message)])?)
    }

    /// A purged message is wanted back.
    pub(crate) fn revive(db: &Db, message: &str) -> Result<(), StoreError> {
        let mut statement = db.sql().prepare_cached("DELETE FROM purgedMessages WHERE key = ?1")?;
        statement.execute([Index::key(message)])?;
        Ok(())
    }

    /// A thread is in trash (`true`) or not. One that stays there keeps its time.
    pub(crate) fn trash(db: &Db, store: i64, trashed: bool, now: i64) -> Result<(), StoreError> {
        if trashed {
            db.sql()
                .prepare_cached("INSERT OR IGNORE INTO trashed(store, at) VALUES (?1, ?2)")?
                .execute(params![store, now])?;
        } else {
            db.sql().prepare_cached("DELETE FROM trashed WHERE store = ?1")?.execute([store])?;
        }
        Ok(())
    }

    /// Since when a thread is in trash, Unix seconds; `None` where it is not, as far as is known.
    pub(crate) fn trashed(db: &Db, store: &StoreId) -> Result<Option<i64>, StoreError> {
        use rusqlite::OptionalExtension as _;
        let mut statement = db.sql().prepare_cached(
            "SELECT t.at FROM trashed t JOIN stores s ON s.key = t.store WHERE s.id = ?1",
        )?;
        Ok(statement.query_row([store.as_str()], |row| row.get(0)).optional()?)
    }

    /// Takes a thread out of this file, but for its tombstone. Returns the key of its store.
    pub(crate) fn erase(db: &Db, thread: &ThreadId, at: i64) -> Result<Option<i64>, StoreError> {
        let store = StoreId::thread(thread);
        let key = Log::key(db, &store, false)?;
        for event in Log::all(db, &store)? {
            let read = ThreadEvent::read(&event.event.name, &event.event.args);
            match read {
                Some(ThreadEvent::Message(message) | ThreadEvent::Reparsed(message)) => {
                    erase_message(db, thread, &message)?;
                }
                Some(ThreadEvent::Saved(_) | ThreadEvent::Claimed(_)) => {
                    for blob in named_blobs(&event.event.name, &event.event.args) {
                        references::release(db, &blob)?;
                    }
                }
                _ => {}
            }
        }
        Outlines::forget(db, thread)?;
        undo::forget(db, &store)?;
        if let Some(key) = key {
            Queue::forget(db, key)?;
            Snapshots::erase(db, key)?;
            Self::trash(db, key, false, at)?;
        }
        Log::remove(db, &store)?;
        Links::leave(db, thread)?;
        db.sql()
            .prepare_cached("INSERT OR IGNORE INTO purged(thread, at) VALUES (?1, ?2)")?
            .execute(params![thread.as_str(), at])?;
        Ok(key)
    }
}

/// Takes a message's index entries and its references to blobs; what it is known by stays.
fn erase_message(db: &Db, thread: &ThreadId, message: &MessageAdded) -> Result<(), StoreError> {
    let known_by = match &message.message_id {
        Some(id) if !id.is_empty() => Some(id.clone()),
        // By its bytes, then; those that are damaged were known by something that is gone.
        _ => Blobs::get(db, &message.raw)
            .ok()
            .flatten()
            .map(|raw| mail::message_key(&mail::Parsed::default(), &raw)),
    };
    if let Some(known_by) = known_by {
        db.sql()
            .prepare_cached("INSERT OR IGNORE INTO purgedMessages(key) VALUES (?1)")?
            .execute([Index::key(&known_by)])?;
        Index::forget(db, &known_by, thread)?;
    }
    for ancestor in &message.references {
        Index::forget(db, ancestor, thread)?;
    }
    references::release(db, &message.raw)?;
    if let Some(text) = &message.text_blob {
        references::release(db, text)?;
    }
    Ok(())
}
