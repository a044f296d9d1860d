//! Messages that are not whole: of which the header, the structure and the texts are here, and the
//! rest is at their server.
//!
//! Invariant: a row is made in the transaction that appends such a message, and goes in the one
//! that appends the rest of it; whether the rest is wanted changes with the event that says so.

use rusqlite::{OptionalExtension, params};

use crate::id::{MessageId, ThreadId};
use crate::imap::{FolderKey, Missing};
use crate::store::{Db, NewEvent, StoreError};
use crate::thread::{MessageOnly, ThreadEvent, name};

/// Messages that are fetched at one time, at most.
const MOST: i64 = 50;

/// The table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outlines;

impl Outlines {
    /// The table.
    pub(crate) const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS edgeOutlines(
            message TEXT PRIMARY KEY, thread TEXT NOT NULL, wanted INTEGER NOT NULL DEFAULT 0)
            WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS edgeOutlines_wanted ON edgeOutlines(message) WHERE wanted = 1;
        CREATE INDEX IF NOT EXISTS edgeOutlines_thread ON edgeOutlines(thread);
    ";

    /// A message came that is not whole.
    pub(crate) fn note(db: &Db, message: &MessageId, thread: &ThreadId) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO edgeOutlines(message, thread) VALUES (?1, ?2)";
        db.sql().prepare_cached(sql)?.execute([message.as_str(), thread.as_str()])?;
        Ok(())
    }

    /// The thread of a message that is not whole; `None` for one that is, or is not here.
    pub(crate) fn of(db: &Db, message: &MessageId) -> Result<Option<ThreadId>, StoreError> {
        let sql = "SELECT thread FROM edgeOutlines WHERE message = ?1";
        let mut statement = db.sql().prepare_cached(sql)?;
        let found: Option<String> =
            statement.query_row([message.as_str()], |row| row.get(0)).optional()?;
        let id =
            |id: String| ThreadId::try_from(id).map_err(|error| StoreError::Row(error.to_string()));
        found.map(id).transpose()
    }

    /// It is whole now, or gone.
    pub(crate) fn done(db: &Db, message: &MessageId) -> Result<(), StoreError> {
        let sql = "DELETE FROM edgeOutlines WHERE message = ?1";
        db.sql().prepare_cached(sql)?.execute([message.as_str()])?;
        Ok(())
    }

    /// A thread goes.
    pub(crate) fn forget(db: &Db, thread: &ThreadId) -> Result<(), StoreError> {
        let sql = "DELETE FROM edgeOutlines WHERE thread = ?1";
        db.sql().prepare_cached(sql)?.execute([thread.as_str()])?;
        Ok(())
    }

    /// Notes that the rest of messages is wanted: in the transaction that appends these events.
    pub(crate) fn want(db: &Db, events: &[NewEvent]) -> Result<(), StoreError> {
        for event in events.iter().filter(|event| event.name == name::MESSAGE_WANTED) {
            if let Some(ThreadEvent::Wanted(of)) = ThreadEvent::read(&event.name, &event.args) {
                Self::set(db, &of, true)?;
            }
        }
        Ok(())
    }

    /// What was wanted cannot be had as it is; it is tried again when it is asked for again.
    pub(crate) fn give_up(db: &Db, message: &MessageId) -> Result<(), StoreError> {
        Self::set(db, &MessageOnly { message: message.clone() }, false)
    }

    fn set(db: &Db, of: &MessageOnly, wanted: bool) -> Result<(), StoreError> {
        let sql = "UPDATE edgeOutlines SET wanted = ?2 WHERE message = ?1";
        db.sql().prepare_cached(sql)?.execute(params![of.message.as_str(), wanted])?;
        Ok(())
    }

    /// Where an account's server has messages whose rest is wanted, each once.
    pub(crate) fn wanted(db: &Db, account: &str) -> Result<Vec<Missing>, StoreError> {
        let sql = "SELECT m.folder, f.uidvalidity, min(m.uid) FROM edgeOutlines o
                   JOIN edgeMessages m ON m.thread = o.thread AND m.message = o.message
                   JOIN edgeFolders f ON f.key = m.folder AND f.account = ?1
                   WHERE o.wanted = 1 GROUP BY o.message LIMIT ?2";
        let mut statement = db.sql().prepare_cached(sql)?;
        let rows = statement.query_map(params![account, MOST], |row| {
            let folder: FolderKey = row.get(0)?;
            Ok(Missing { folder, uidvalidity: row.get(1)?, uid: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
