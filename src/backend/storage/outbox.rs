//! What is to be looked at because something may have to be sent, and what is to be filed at a
//! mail server afterwards.
//!
//! Invariant: a row only makes something looked at; what the log of its store says decides. A row
//! is made in the transaction that appends what was queued, and one that is missing is no more than
//! a message that waits until `doctor` looks.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Row, params};

use crate::id::{BlobHash, EventId, StoreId, ThreadId};
use crate::store::{Db, StoreError};

/// Something that was queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutboxRow {
    /// What queued it.
    pub(crate) queued: EventId,
    /// The store of its draft.
    pub(crate) store: StoreId,
    /// When the backend took it, Unix seconds by its own clock.
    pub(crate) accepted: i64,
    /// When it is to be looked at; `None` when something else has to happen first.
    pub(crate) due: Option<i64>,
}

/// A message of ours that is to be filed at a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyRow {
    /// What queued it.
    pub(crate) queued: EventId,
    /// Its Message-ID, without angle brackets.
    pub(crate) message_id: String,
    /// Its bytes.
    pub(crate) raw: BlobHash,
}

/// The tables.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outbox;

impl Outbox {
    /// The tables. A program before them ignores them, and queues nothing. `problem` is written by
    /// programs before this one: why a copy is not filed is said of the account.
    pub(crate) const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS outbox(
            queued TEXT PRIMARY KEY, store TEXT NOT NULL, accepted INTEGER NOT NULL,
            due INTEGER, unknown INTEGER NOT NULL DEFAULT 0, account TEXT,
            messageId TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS sentCopies(
            queued TEXT PRIMARY KEY, account TEXT NOT NULL, messageId TEXT NOT NULL,
            raw TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, problem TEXT) WITHOUT ROWID;
    ";

    /// Whether the tables are there: a file that was not opened for writing since may lack them.
    pub(crate) fn is_there(db: &Db) -> Result<bool, StoreError> {
        let sql = "SELECT count(*) = 2 FROM sqlite_schema WHERE name IN ('outbox', 'sentCopies')";
        Ok(db.sql().prepare(sql)?.query_row([], |row| row.get(0))?)
    }

    /// Something was queued, and is looked at soon. What is known already stays as it is.
    pub(crate) fn note(
        db: &Db,
        queued: &EventId,
        store: &StoreId,
        message_id: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT OR IGNORE INTO outbox(queued, store, accepted, due, messageId)
                   VALUES (?1, ?2, ?3, ?3, ?4)";
        let of = params![queued.as_str(), store.as_str(), now, message_id];
        Ok(db.sql().prepare_cached(sql)?.execute(of)? > 0)
    }

    /// Something was written to a store: what waits in it is looked at soon.
    pub(crate) fn stir(db: &Db, store: &StoreId, now: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE outbox SET due = ?2 WHERE store = ?1";
        Ok(db.sql().prepare_cached(sql)?.execute(params![store.as_str(), now])? > 0)
    }

    /// Everything is looked at soon.
    pub(crate) fn stir_all(db: &Db, now: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE outbox SET due = ?1";
        Ok(db.sql().prepare_cached(sql)?.execute([now])? > 0)
    }

    /// What is of unknown end is looked at soon.
    pub(crate) fn stir_unknown(db: &Db, now: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE outbox SET due = ?1 WHERE unknown = 1";
        Ok(db.sql().prepare_cached(sql)?.execute([now])? > 0)
    }

    /// How many there are.
    pub(crate) fn waiting(db: &Db) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM outbox";
        let count: i64 = db.sql().prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// What is to be looked at: the oldest first, and which of `past` were passed over for others.
    /// What was taken at a time that has not come yet was taken by a clock that was put back since.
    pub(crate) fn due(
        db: &Db,
        now: i64,
        past: &BTreeSet<EventId>,
        most: usize,
    ) -> Result<(Vec<OutboxRow>, BTreeSet<EventId>), StoreError> {
        let sql = "SELECT queued, store, accepted, due FROM outbox
                   WHERE due <= ?1 OR (due > ?1 AND accepted > ?1) ORDER BY due, queued";
        let mut statement = db.sql().prepare_cached(sql)?;
        let mut rows = statement.query([now])?;
        let (mut found, mut passed) = (Vec::new(), BTreeSet::new());
        while let Some(row) = rows.next()? {
            let row = outbox_row(row)?;
            if past.contains(&row.queued) {
                passed.insert(row.queued);
            } else if found.len() < most {
                found.push(row);
            }
        }
        Ok((found, passed))
    }

    /// When the next is to be looked at.
    pub(crate) fn next(db: &Db) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT min(due) FROM outbox";
        Ok(db.sql().prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    /// One row.
    pub(crate) fn get(db: &Db, queued: &EventId) -> Result<Option<OutboxRow>, StoreError> {
        let sql = "SELECT queued, store, accepted, due FROM outbox WHERE queued = ?1";
        let mut statement = db.sql().prepare_cached(sql)?;
        let mut rows = statement.query([queued.as_str()])?;
        rows.next()?.map(outbox_row).transpose()
    }

    /// It is looked at then; `None` when something else happens first. A clock that was put back
    /// does not make a hold longer: `accepted` never lies ahead.
    pub(crate) fn wait(
        db: &Db,
        queued: &EventId,
        due: Option<i64>,
        now: i64,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET due = ?2, accepted = min(accepted, ?3) WHERE queued = ?1";
        db.sql().prepare_cached(sql)?.execute(params![queued.as_str(), due, now])?;
        Ok(())
    }

    /// Which account sends it.
    pub(crate) fn sends(db: &Db, queued: &EventId, account: &str) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET account = ?2, due = NULL WHERE queued = ?1";
        db.sql().prepare_cached(sql)?.execute(params![queued.as_str(), account])?;
        Ok(())
    }

    /// Nobody knows whether it was sent.
    pub(crate) fn doubt(db: &Db, queued: &EventId) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET unknown = 1, due = NULL WHERE queued = ?1";
        db.sql().prepare_cached(sql)?.execute([queued.as_str()])?;
        Ok(())
    }

    /// It is done with.
    pub(crate) fn remove(db: &Db, queued: &EventId) -> Result<(), StoreError> {
        let sql = "DELETE FROM outbox WHERE queued = ?1";
        db.sql().prepare_cached(sql)?.execute([queued.as_str()])?;
        Ok(())
    }

    /// What may be in an account's folder of sent mail, without anybody knowing: what queued it,
    /// and its Message-ID; in the order of their names, behind `after`.
    pub(crate) fn doubtful(
        db: &Db,
        account: &str,
        after: Option<&EventId>,
        most: usize,
    ) -> Result<Vec<(EventId, String)>, StoreError> {
        let sql = "SELECT queued, messageId FROM outbox
                   WHERE unknown = 1 AND messageId <> '' AND (account = ?1 OR account IS NULL)
                   AND queued > ?2 ORDER BY queued LIMIT ?3";
        let mut statement = db.sql().prepare_cached(sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let after = after.map_or("", EventId::as_str);
        let mut rows = statement.query(params![account, after, most])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push((id(row.get(0)?)?, row.get(1)?));
        }
        Ok(found)
    }

    /// A message is to be filed at the server of an account.
    pub(crate) fn file(db: &Db, account: &str, copy: &CopyRow) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO sentCopies(queued, account, messageId, raw)
                   VALUES (?1, ?2, ?3, ?4)";
        let of = params![copy.queued.as_str(), account, copy.message_id, copy.raw.as_str()];
        db.sql().prepare_cached(sql)?.execute(of)?;
        Ok(())
    }

    /// What is to be filed at the server of an account; `fresh`, only what was not tried yet.
    pub(crate) fn copies(
        db: &Db,
        account: &str,
        fresh: bool,
        most: usize,
    ) -> Result<Vec<CopyRow>, StoreError> {
        let sql = "SELECT queued, messageId, raw FROM sentCopies
                   WHERE account = ?1 AND (tries = 0 OR NOT ?2) ORDER BY tries, queued LIMIT ?3";
        let mut statement = db.sql().prepare_cached(sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![account, fresh, most])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let raw: String = row.get(2)?;
            let raw =
                BlobHash::try_from(raw).map_err(|error| StoreError::Row(error.to_string()))?;
            found.push(CopyRow { queued: id(row.get(0)?)?, message_id: row.get(1)?, raw });
        }
        Ok(found)
    }

    /// The bytes of what is to be filed.
    pub(crate) fn copy(db: &Db, queued: &EventId) -> Result<Option<BlobHash>, StoreError> {
        let mut statement =
            db.sql().prepare_cached("SELECT raw FROM sentCopies WHERE queued = ?1")?;
        let raw: Option<String> =
            statement.query_row([queued.as_str()], |row| row.get(0)).optional()?;
        let raw = raw.map(BlobHash::try_from).transpose();
        raw.map_err(|error| StoreError::Row(error.to_string()))
    }

    /// It is filed, or nothing is left of it to file.
    pub(crate) fn filed(db: &Db, queued: &EventId) -> Result<(), StoreError> {
        let sql = "DELETE FROM sentCopies WHERE queued = ?1";
        db.sql().prepare_cached(sql)?.execute([queued.as_str()])?;
        Ok(())
    }

    /// The server did not take it; it is tried again at the next look.
    pub(crate) fn unfiled(db: &Db, queued: &EventId) -> Result<(), StoreError> {
        let sql = "UPDATE sentCopies SET tries = tries + 1 WHERE queued = ?1";
        db.sql().prepare_cached(sql)?.execute([queued.as_str()])?;
        Ok(())
    }

    /// How many of an account were not tried to be filed yet.
    pub(crate) fn unfiled_count(db: &Db, account: &str) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM sentCopies WHERE tries = 0 AND account = ?1";
        let count: i64 = db.sql().prepare_cached(sql)?.query_row([account], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// The stores of drafts: they alone can hold what is queued.
    pub(crate) fn stores(db: &Db) -> Result<Vec<StoreId>, StoreError> {
        let first = format!("thread-{}", ThreadId::DRAFT);
        let sql = "SELECT id FROM stores WHERE id >= ?1 AND id < ?2 AND head > 0 ORDER BY id";
        // '.' is the character behind '-', with which the prefix ends.
        let behind = format!("{}.", first.trim_end_matches('-'));
        let mut statement = db.sql().prepare(sql)?;
        let rows = statement.query_map([&first, &behind], |row| row.get::<_, String>(0))?;
        let store =
            |id: String| StoreId::try_from(id).map_err(|error| StoreError::Row(error.to_string()));
        rows.map(|row| store(row?)).collect()
    }
}

fn outbox_row(row: &Row<'_>) -> Result<OutboxRow, StoreError> {
    let store: String = row.get(1)?;
    let store = StoreId::try_from(store).map_err(|error| StoreError::Row(error.to_string()))?;
    Ok(OutboxRow { queued: id(row.get(0)?)?, store, accepted: row.get(2)?, due: row.get(3)? })
}

fn id(text: String) -> Result<EventId, StoreError> {
    EventId::try_from(text).map_err(|error| StoreError::Row(error.to_string()))
}
