//! Records into tables: in place, a row for a row, or into empty tables as fast as they take it.
//!
//! Invariant: in place, counts and what is shown follow row by row, as they do when events are
//! taken in; what is put in bulk is in no list until the [`Indexer`] has put it
//! there. A row that is as it was costs a look and no write. The caller owns the transaction.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension as _, ToSql, params, params_from_iter};

use super::codec::{COLUMNS, Cell, HISTORY, Mark, Record, Records, TABLES, Thread, bad};
use super::index::Indexer;
use crate::id::{LabelId, ThreadId};
use crate::mailbox::groups::{self, Groups};
use crate::mailbox::{label_log, materializer};
use crate::store::{Db, StoreError};

/// How records are put in.
#[derive(Debug)]
pub struct Way<'a> {
    /// As fast as possible, into an index that has none of these rows; not for the threads of
    /// `own`.
    pub bulk: bool,
    /// Rows were there before: what arrives is noted, and the rest goes in the end.
    pub sweep: bool,
    /// Threads that the device has events of its own on.
    pub own: &'a BTreeSet<ThreadId>,
}

/// What putting a record in did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// A thread's row may have changed, or may have to be covered again.
    Thread(ThreadId),
    /// The index has what the record says, and nothing has to be covered.
    Same,
    /// A row in bulk.
    Bulk,
    /// Something else.
    Other,
}

/// Empties what the first chunk fills. With `bulk`, rows may be in no list from now on.
///
/// # Errors
/// When the database refuses.
pub fn begin(db: &Db, bulk: bool) -> Result<(), StoreError> {
    db.sql().execute_batch(
        "DELETE FROM labelEvents; DELETE FROM undone; DELETE FROM purged; DELETE FROM arrived;
         DELETE FROM threadEvents;",
    )?;
    if bulk {
        db.sql().execute("INSERT INTO arrived(thread) VALUES ('')", [])?;
    }
    Ok(())
}

/// Empties what the last chunks fill.
///
/// # Errors
/// When the database refuses.
pub fn start_history(db: &Db) -> Result<(), StoreError> {
    Ok(db.sql().execute_batch("DELETE FROM actions; DELETE FROM actionThreads;")?)
}

/// Whether a record is of the history.
#[must_use]
pub const fn is_history(record: &Record<'_>) -> bool {
    matches!(record, Record::Row(table, _) if *table >= HISTORY)
}

/// Puts a record in. `groups` is settled by the caller.
///
/// # Errors
/// When the database refuses, or the record cannot be one of a mailbox.
pub fn put(
    db: &Db,
    record: &Record<'_>,
    way: &Way<'_>,
    groups: &mut Groups,
) -> Result<Put, StoreError> {
    match record {
        Record::Row(table, cells) => {
            row(db, *table, cells)?;
            Ok(Put::Other)
        }
        Record::Mark(mark) => {
            let id = ThreadId::try_from(mark.thread).map_err(|_| bad())?;
            if way.sweep {
                groups.touch(db, &id)?;
                materializer::remove(db, &id, groups)?;
                groups::set_overlay(db, &id, None)?;
            }
            put_mark(db, mark)?;
            arrived(db, mark.thread, way)?;
            Ok(Put::Other)
        }
        Record::Thread(thread) => {
            let id = ThreadId::try_from(thread.mark.thread).map_err(|_| bad())?;
            let own = way.own.contains(&id);
            if way.bulk && !own {
                in_bulk(db, thread)?;
                return Ok(Put::Bulk);
            }
            arrived(db, thread.mark.thread, way)?;
            if is_same(db, thread)? {
                if own {
                    groups.touch(db, &id)?;
                }
                return Ok(if own { Put::Thread(id) } else { Put::Same });
            }
            in_place(db, &id, thread, groups)?;
            Ok(Put::Thread(id))
        }
    }
}

fn row(db: &Db, table: usize, cells: &[Cell<'_>]) -> Result<(), StoreError> {
    let name = TABLES.get(table).ok_or_else(bad)?.name;
    let marks = vec!["?"; cells.len()].join(", ");
    let sql = format!("INSERT OR REPLACE INTO {name} VALUES ({marks})");
    db.sql().prepare_cached(&sql)?.execute(params_from_iter(cells))?;
    Ok(())
}

fn arrived(db: &Db, thread: &str, way: &Way<'_>) -> Result<(), StoreError> {
    if way.sweep {
        let sql = "INSERT OR IGNORE INTO arrived(thread) VALUES (?1)";
        db.sql().prepare_cached(sql)?.execute([thread])?;
    }
    Ok(())
}

fn put_mark(db: &Db, mark: &Mark<'_>) -> Result<(), StoreError> {
    db.sql()
        .prepare_cached(
            "INSERT OR REPLACE INTO watermarks(threadId, epoch, position) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![mark.thread, mark.epoch, mark.position])?;
    Ok(())
}

fn put_labels(db: &Db, thread: &Thread<'_>) -> Result<(), StoreError> {
    let mut insert = db.sql().prepare_cached(
        "INSERT OR REPLACE INTO threadLabels(threadId, labelId, appliedAt) VALUES (?1, ?2, ?3)",
    )?;
    for (label, at) in &thread.labels {
        insert.execute(params![thread.mark.thread, label, at])?;
    }
    Ok(())
}

/// Inserts a row whose root is itself.
fn in_bulk(db: &Db, thread: &Thread<'_>) -> Result<(), StoreError> {
    db.sql()
        .prepare_cached(
            "INSERT OR REPLACE INTO threadIndex(id, subject, participants, snippet, lastActivity,
                 createdAt, messageCount, unreadCount, starred, muted, hasAttachment, place,
                 snoozedUntil, trail, root)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?1)",
        )?
        .execute(params_from_iter(&thread.cells))?;
    put_labels(db, thread)?;
    for link in &thread.links {
        put_link(db, thread.mark.thread, link)?;
    }
    put_mark(db, &thread.mark)
}

fn put_link(db: &Db, a: &str, b: &str) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO threadLinks(a, b) VALUES (?1, ?2)";
    db.sql().prepare_cached(sql)?.execute([a, b])?;
    Ok(())
}

/// Whether the index has a thread just so.
fn is_same(db: &Db, thread: &Thread<'_>) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, epoch, position FROM threadIndex
         LEFT JOIN watermarks ON threadId = id WHERE id = ?1"
    );
    let mut statement = db.sql().prepare_cached(&sql)?;
    let mut rows = statement.query([thread.mark.thread])?;
    let Some(row) = rows.next()? else { return Ok(false) };
    let mark = [Cell::Text(thread.mark.epoch), Cell::Number(thread.mark.position)];
    for (at, cell) in thread.cells.iter().chain(&mark).enumerate() {
        let held = row.get_ref(at)?;
        let same = match cell {
            Cell::Null => held == rusqlite::types::ValueRef::Null,
            Cell::Number(number) => held.as_i64_or_null().is_ok_and(|held| held == Some(*number)),
            Cell::Text(text) => held.as_str_or_null().is_ok_and(|held| held == Some(*text)),
        };
        if !same {
            return Ok(false);
        }
    }
    let labels = "SELECT labelId, appliedAt FROM threadLabels WHERE threadId = ?1 ORDER BY labelId";
    let links = "SELECT b, 0 FROM threadLinks WHERE a = ?1 ORDER BY b";
    let wanted: Vec<(&str, i64)> = thread.links.iter().map(|link| (*link, 0)).collect();
    Ok(are_same(db, labels, &thread.labels, thread.mark.thread)?
        && are_same(db, links, &wanted, thread.mark.thread)?)
}

fn are_same(db: &Db, sql: &str, wanted: &[(&str, i64)], thread: &str) -> Result<bool, StoreError> {
    let mut statement = db.sql().prepare_cached(sql)?;
    let mut rows = statement.query([thread])?;
    let mut wanted = wanted.iter();
    while let Some(row) = rows.next()? {
        let same = wanted.next().is_some_and(|(what, at)| {
            row.get_ref(0).is_ok_and(|held| held.as_str().is_ok_and(|held| held == *what))
                && row.get(1).is_ok_and(|held: i64| held == *at)
        });
        if !same {
            return Ok(false);
        }
    }
    Ok(wanted.next().is_none())
}

/// Puts a row in the place of the one that is there, if one is.
fn in_place(
    db: &Db,
    id: &ThreadId,
    thread: &Thread<'_>,
    groups: &mut Groups,
) -> Result<(), StoreError> {
    groups.touch(db, id)?;
    db.sql()
        .prepare_cached(
            "INSERT INTO threadIndex(id, subject, participants, snippet, lastActivity, createdAt,
                 messageCount, unreadCount, starred, muted, hasAttachment, place, snoozedUntil,
                 trail, root)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?1)
             ON CONFLICT(id) DO UPDATE SET subject = ?2, participants = ?3, snippet = ?4,
                 lastActivity = ?5, createdAt = ?6, messageCount = ?7, unreadCount = ?8,
                 starred = ?9, muted = ?10, hasAttachment = ?11, place = ?12, snoozedUntil = ?13,
                 trail = ?14",
        )?
        .execute(params_from_iter(thread.cells.iter().map(|cell| cell as &dyn ToSql)))?;
    db.sql()
        .prepare_cached("DELETE FROM threadLabels WHERE threadId = ?1")?
        .execute([thread.mark.thread])?;
    put_labels(db, thread)?;
    put_mark(db, &thread.mark)?;
    let links = thread.links.iter().map(|link| ThreadId::try_from(*link).map_err(|_| bad()));
    let links: Vec<ThreadId> = links.collect::<Result<_, _>>()?;
    materializer::link(db, id, &links, groups)
}

/// Puts all chunks of a snapshot into empty tables.
///
/// # Errors
/// When the database refuses, and those of `chunks`.
pub fn load(
    db: &Db,
    chunks: impl Iterator<Item = Result<Vec<u8>, StoreError>>,
) -> Result<(), StoreError> {
    let own = BTreeSet::new();
    let way = Way { bulk: true, sweep: false, own: &own };
    let mut groups = Groups::new(false);
    for chunk in chunks {
        let chunk = chunk?;
        let mut records = Records::from(&chunk, 0);
        while let Some(record) = records.read()? {
            put(db, &record, &way, &mut groups)?;
        }
    }
    labels(db)?;
    roots(db, "", usize::MAX, &mut groups)?;
    // They are counted below, all at once.
    drop(groups);
    finish(db, Some(&Indexer::count(db)?))
}

/// Folds the labels that the first chunk brought.
///
/// # Errors
/// When the database refuses.
pub fn labels(db: &Db) -> Result<(), StoreError> {
    label_log::fold_all(db)
}

/// Gives linked threads that were put in bulk their roots, at most `most` after `after`; where to
/// go on, if there is more.
///
/// # Errors
/// When the database refuses.
pub fn roots(
    db: &Db,
    after: &str,
    most: usize,
    groups: &mut Groups,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT DISTINCT a FROM threadLinks WHERE a > ?1 ORDER BY a LIMIT ?2";
    let ids = some(db, sql, after, most)?;
    for id in &ids {
        let id = ThreadId::try_from(id.as_str()).map_err(|_| bad())?;
        materializer::join(db, &id, groups)?;
    }
    Ok(ids.last().filter(|_| ids.len() == most).cloned())
}

/// Takes threads out that did not arrive, among `most` after `after`; where to go on, if there is
/// more. The ids of those that went are added to `gone`.
///
/// # Errors
/// When the database refuses.
pub fn sweep(
    db: &Db,
    after: &str,
    most: usize,
    groups: &mut Groups,
    gone: &mut Vec<ThreadId>,
) -> Result<Option<String>, StoreError> {
    // Whatever is known of a thread is known under its watermark, or its row.
    let sql = "SELECT id FROM (SELECT threadId AS id FROM watermarks WHERE threadId > ?1
                   UNION SELECT id FROM threadIndex WHERE id > ?1) ORDER BY id LIMIT ?2";
    let ids = some(db, sql, after, most)?;
    let mut known = db.sql().prepare_cached("SELECT 1 FROM arrived WHERE thread = ?1")?;
    for id in &ids {
        if known.exists([id])? {
            continue;
        }
        let id = ThreadId::try_from(id.as_str()).map_err(|_| bad())?;
        groups.touch(db, &id)?;
        materializer::remove(db, &id, groups)?;
        db.sql()
            .prepare_cached("DELETE FROM watermarks WHERE threadId = ?1")?
            .execute([id.as_str()])?;
        gone.push(id);
    }
    Ok(ids.last().filter(|_| ids.len() == most).cloned())
}

fn some(db: &Db, sql: &str, after: &str, most: usize) -> Result<Vec<String>, StoreError> {
    let mut statement = db.sql().prepare_cached(sql)?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let ids = statement.query_map(params![after, most], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// The last of it: confirmed counts, where rows were put in bulk, and nothing is noted any more.
///
/// # Errors
/// When the database refuses.
pub fn finish(db: &Db, counts: Option<&BTreeMap<LabelId, (i64, i64)>>) -> Result<(), StoreError> {
    db.sql().execute("DELETE FROM arrived", [])?;
    let Some(counts) = counts else { return Ok(()) };
    db.sql().execute("DELETE FROM labelCounts", [])?;
    let mut insert = db.sql().prepare_cached(
        "INSERT INTO labelCounts(labelId, threadCount, unreadCount) VALUES (?1, ?2, ?3)",
    )?;
    for (label, (threads, unread)) in counts {
        insert.execute(params![label.as_str(), threads, unread])?;
    }
    Ok(())
}

/// Whether the confirmed counts are those of the rows.
///
/// # Errors
/// When the database refuses.
pub fn counts_fit(db: &Db) -> Result<bool, StoreError> {
    let mut statement =
        db.sql().prepare("SELECT labelId, threadCount, unreadCount FROM labelCounts")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, (row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
    })?;
    let held: BTreeMap<String, (i64, i64)> = rows.collect::<Result<_, _>>()?;
    let anew = Indexer::count(db)?;
    let anew = anew.into_iter().map(|(label, counts)| (label.to_string(), counts));
    Ok(held == anew.collect())
}

/// Whether the index has no thread at all.
///
/// # Errors
/// When the database refuses.
pub fn is_empty(db: &Db) -> Result<bool, StoreError> {
    let found = db.sql().query_row("SELECT 1 FROM threadIndex LIMIT 1", [], |_| Ok(())).optional();
    Ok(found?.is_none())
}
