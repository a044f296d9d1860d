//! What a purge takes: a thread's rows, and the content of every event that mirrored it.
//!
//! Invariant: a device that took the events in before the purge and one that sees only what is left
//! of them have equal tables and equal chains. What stays of a thread is its id and when it went;
//! nothing brings its row back.

use rusqlite::params;

use crate::id::{StoreId, ThreadId};
use crate::mailbox::event::{MailboxEvent, ThreadOnly, ThreadPurged};
use crate::store::{Db, Log, StoreError};

/// Whether a thread was purged.
///
/// # Errors
/// When the database refuses.
pub fn is_purged(db: &Db, thread: &ThreadId) -> Result<bool, StoreError> {
    Ok(db
        .sql()
        .prepare_cached("SELECT 1 FROM purged WHERE threadId = ?1")?
        .exists([thread.as_str()])?)
}

/// The threads that were purged.
///
/// # Errors
/// When the database refuses.
pub fn purged(db: &Db) -> Result<Vec<ThreadId>, StoreError> {
    let mut statement = db.sql().prepare_cached("SELECT threadId FROM purged")?;
    let ids = statement.query_map([], |row| row.get::<_, String>(0))?;
    ids.map(|id| ThreadId::try_from(id?).map_err(|error| StoreError::Row(error.to_string())))
        .collect()
}

/// Whether any thread was purged.
pub(super) fn any(db: &Db) -> Result<bool, StoreError> {
    Ok(db.sql().prepare_cached("SELECT 1 FROM purged")?.exists([])?)
}

/// Which events mirror which threads: a purge finds them without reading the log.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<(u32, i64)>);

impl Notes {
    /// The event at `position` mirrors `thread`.
    pub(super) fn add(&mut self, thread: &ThreadId, position: u64) {
        self.0.push((short(thread), i64::try_from(position).unwrap_or(i64::MAX)));
    }

    /// Writes them down.
    pub(super) fn store(mut self, db: &Db) -> Result<(), StoreError> {
        // In the order of the table.
        self.0.sort_unstable();
        let mut insert = db.sql().prepare_cached(
            "INSERT OR IGNORE INTO threadEvents(thread, position) VALUES (?1, ?2)",
        )?;
        for (thread, position) in self.0 {
            insert.execute([i64::from(thread), position])?;
        }
        Ok(())
    }
}

/// Keeps the id and time of a purged thread.
pub(super) fn remember(db: &Db, gone: &ThreadPurged) -> Result<(), StoreError> {
    db.sql()
        .prepare_cached("INSERT OR IGNORE INTO purged(threadId, at) VALUES (?1, ?2)")?
        .execute(params![gone.thread.as_str(), gone.at])?;
    Ok(())
}

/// Whether a thread is known that has no row and was not purged, as far as the log here goes: its
/// purge comes later.
///
/// # Errors
/// When the database refuses.
pub fn lacks_rows(db: &Db) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM watermarks w
        WHERE NOT EXISTS (SELECT 1 FROM threadIndex t WHERE t.id = w.threadId)
            AND NOT EXISTS (SELECT 1 FROM purged p WHERE p.threadId = w.threadId)";
    Ok(db.sql().prepare_cached(sql)?.exists([])?)
}

/// Takes the content out of every event of the log that mirrored a thread: who wrote, the subject,
/// the text. What it said of positions and actions stays.
///
/// # Errors
/// When the database refuses.
pub fn redact(db: &Db, thread: &ThreadId) -> Result<(), StoreError> {
    let store = StoreId::mailbox();
    let mut statement =
        db.sql().prepare_cached("SELECT position FROM threadEvents WHERE thread = ?1")?;
    let positions = statement.query_map([short(thread)], |row| row.get::<_, i64>(0))?;
    for position in positions.collect::<Result<Vec<_>, _>>()? {
        let position = u64::try_from(position).unwrap_or_default();
        let Some(event) = Log::at(db, &store, position)? else { continue };
        let args = &event.event.args;
        let read = MailboxEvent::read(&event.event.name, args);
        // Another thread's id may be as short.
        let source = read.as_ref().and_then(MailboxEvent::source).filter(|s| s.thread == *thread);
        if let Some(source) = source
            && !args.is_gone()
        {
            let left = args.without_content(&ThreadOnly { source: source.clone() });
            Log::redact(db, &store, position, &left)?;
        }
    }
    Ok(())
}

/// Four bytes of a thread's hash: enough to find its events, at a few bytes an event.
fn short(thread: &ThreadId) -> u32 {
    let hash = blake3::hash(thread.as_str().as_bytes());
    hash.as_bytes()[..4].iter().fold(0, |short, byte| (short << 8) | u32::from(*byte))
}
