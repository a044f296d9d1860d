//! The tables of the Mailbox store, and those that a device keeps beside them.
//!
//! Invariant: confirmed tables first, device tables after; only the former enter `dump`. No column
//! says where a row lies in the file: a log that something was purged from puts it elsewhere.

use rusqlite::types::ValueRef;

use crate::store::{Db, StoreError};

/// The format of `mailbox.db`. Confirmed tables of an older one are made again from the log.
pub const VERSION: u32 = 3;

/// The tables of this room.
pub const SQL: &str = r"
    CREATE TABLE IF NOT EXISTS labels(
        id TEXT PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, color TEXT,
        displayOrder INTEGER NOT NULL, createdAt INTEGER NOT NULL,
        deleted INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS labelEvents(
        label TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, args TEXT NOT NULL,
        action TEXT, PRIMARY KEY(label, position)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS labelEvents_action ON labelEvents(action) WHERE action IS NOT NULL;
    CREATE TABLE IF NOT EXISTS labelCounts(
        labelId TEXT PRIMARY KEY, threadCount INTEGER NOT NULL,
        unreadCount INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS threadIndex(
        id TEXT NOT NULL UNIQUE, subject TEXT, participants TEXT NOT NULL,
        snippet TEXT NOT NULL, lastActivity INTEGER NOT NULL, createdAt INTEGER NOT NULL,
        messageCount INTEGER NOT NULL, unreadCount INTEGER NOT NULL, starred INTEGER NOT NULL,
        muted INTEGER NOT NULL, hasAttachment INTEGER NOT NULL, place TEXT NOT NULL,
        snoozedUntil INTEGER, root TEXT NOT NULL, trail TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS threadIndex_root ON threadIndex(root) WHERE root <> id;
    CREATE TABLE IF NOT EXISTS threadLabels(
        threadId TEXT NOT NULL, labelId TEXT NOT NULL, appliedAt INTEGER NOT NULL,
        PRIMARY KEY(threadId, labelId)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS threadLinks(
        a TEXT NOT NULL, b TEXT NOT NULL, PRIMARY KEY(a, b)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS threadLinks_b ON threadLinks(b);
    CREATE TABLE IF NOT EXISTS watermarks(
        threadId TEXT PRIMARY KEY, epoch TEXT NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS actions(
        position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
        at INTEGER NOT NULL, device TEXT NOT NULL, changes TEXT NOT NULL, redoes TEXT, undoes TEXT,
        threads INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS actions_redoes ON actions(redoes) WHERE redoes IS NOT NULL;
    CREATE TABLE IF NOT EXISTS actionThreads(
        actionId TEXT NOT NULL, threadId TEXT NOT NULL, changes TEXT,
        PRIMARY KEY(actionId, threadId)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS actionThreads_thread ON actionThreads(threadId);
    CREATE TABLE IF NOT EXISTS undone(
        actionId TEXT PRIMARY KEY, undoneBy TEXT) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS purged(
        threadId TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS threadEvents(
        thread INTEGER NOT NULL, position INTEGER NOT NULL,
        PRIMARY KEY(thread, position)) WITHOUT ROWID;

    CREATE TABLE IF NOT EXISTS shown(
        label TEXT NOT NULL, age INTEGER NOT NULL, thread TEXT NOT NULL, unread INTEGER NOT NULL,
        PRIMARY KEY(label, age, thread)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS shownCounts(
        label TEXT PRIMARY KEY, total INTEGER NOT NULL, unread INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS overlay(
        thread TEXT PRIMARY KEY, shown TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS labelsShown(
        id TEXT PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, color TEXT,
        displayOrder INTEGER NOT NULL, createdAt INTEGER NOT NULL, deleted INTEGER NOT NULL,
        folded TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS labelsShown_folded ON labelsShown(folded);
    CREATE TABLE IF NOT EXISTS arrived(thread TEXT PRIMARY KEY) WITHOUT ROWID;
";

/// Confirmed tables with the order in which their rows are compared.
const CONFIRMED: [(&str, &str); 11] = [
    ("labels", "id"),
    ("labelEvents", "label, position"),
    ("labelCounts", "labelId"),
    ("threadIndex", "id"),
    ("threadLabels", "threadId, labelId"),
    ("threadLinks", "a, b"),
    ("watermarks", "threadId"),
    ("actions", "position"),
    ("actionThreads", "actionId, threadId"),
    ("undone", "actionId"),
    ("purged", "threadId"),
];

/// Which events of the log mirror a thread: an index of the log that is held here, and of how much
/// of it is.
pub(super) const LOG_INDEX: (&str, &str) = ("threadEvents", "thread, position");

/// What a device keeps beside them, and can make again; `arrived` is there while it takes a
/// snapshot in.
const DEVICE: [&str; 5] = ["shown", "shownCounts", "overlay", "labelsShown", "arrived"];

/// A hash of each confirmed table's rows: equal logs give equal dumps, on every machine.
///
/// # Errors
/// When the database refuses.
pub fn dump(db: &Db) -> Result<Vec<(&'static str, String)>, StoreError> {
    CONFIRMED.iter().map(|(table, order)| Ok((*table, hash(db, table, order)?))).collect()
}

/// A hash of a table's rows.
pub(super) fn hash(db: &Db, table: &str, order: &str) -> Result<String, StoreError> {
    let mut hasher = blake3::Hasher::new();
    let mut statement = db.sql().prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            match row.get_ref(column)? {
                ValueRef::Null => hasher.update(b"n;"),
                ValueRef::Integer(n) => hasher.update(format!("i{n};").as_bytes()),
                ValueRef::Real(n) => hasher.update(format!("r{n};").as_bytes()),
                ValueRef::Text(text) | ValueRef::Blob(text) => {
                    hasher.update(format!("t{};", text.len()).as_bytes()).update(text)
                }
            };
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Drops every table of this room, of this format or an older one.
///
/// # Errors
/// When the database refuses.
pub(super) fn drop_tables(db: &Db) -> Result<(), StoreError> {
    let confirmed = CONFIRMED.iter().chain([&LOG_INDEX]).map(|(table, _)| table);
    for table in confirmed.chain(&DEVICE) {
        db.sql().execute(&format!("DROP TABLE IF EXISTS {table}"), [])?;
    }
    Ok(())
}

/// Empties the confirmed tables and what is made from them; own events are not touched.
///
/// # Errors
/// When the database refuses.
pub fn clear(db: &Db) -> Result<(), StoreError> {
    let confirmed = CONFIRMED.iter().chain([&LOG_INDEX]).map(|(table, _)| table);
    for table in confirmed.chain(&DEVICE) {
        db.sql().execute(&format!("DELETE FROM {table}"), [])?;
    }
    Ok(())
}
