//! Reading the thread index: pages by key, rows with their labels, watermarks.
//!
//! Invariant: a page is read over the covering index, by key; never by offset, never sorted.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use crate::id::{Epoch, LabelId, Seen, ThreadId};
use crate::mailbox::row::{self, ThreadRow};
use crate::store::{Db, StoreError};

/// Which side of a key a page lies on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// From the list's beginning.
    Start,
    /// From the list's end, backwards.
    End,
    /// After this last activity and thread.
    After(i64, ThreadId),
    /// From this last activity and thread on, it included.
    From(i64, ThreadId),
    /// Before this last activity and thread, backwards.
    Before(i64, ThreadId),
}

pub(super) fn id<T: for<'a> TryFrom<&'a str, Error = crate::id::InvalidId>>(
    text: &str,
) -> Result<T, StoreError> {
    T::try_from(text).map_err(|error| StoreError::Row(error.to_string()))
}

/// Keys (last activity, root) of the conversations in any of `lists`, in list order, and whether
/// there are more in the direction of reading. One that is in several of them is there once.
///
/// # Errors
/// When the database refuses.
pub fn page(
    db: &Db,
    lists: &[&str],
    bound: &Bound,
    most: usize,
) -> Result<(Vec<(i64, ThreadId)>, bool), StoreError> {
    let (filter, order, age, thread) = match bound {
        Bound::Start => (">", "", i64::MIN, ""),
        Bound::End => ("<", "DESC", i64::MAX, ""),
        Bound::After(at, thread) => (">", "", -at, thread.as_str()),
        Bound::From(at, thread) => (">=", "", -at, thread.as_str()),
        Bound::Before(at, thread) => ("<", "DESC", -at, thread.as_str()),
    };
    let sql = format!(
        "SELECT age, thread FROM shown WHERE label = ?1 AND (age, thread) {filter} (?2, ?3)
         ORDER BY age {order}, thread {order} LIMIT ?4"
    );
    let mut statement = db.sql().prepare_cached(&sql)?;
    let limit = i64::try_from(most.saturating_add(1)).unwrap_or(i64::MAX);
    let mut keys: Vec<(i64, String)> = Vec::new();
    for list in lists {
        let rows = statement
            .query_map(params![list, age, thread, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for row in rows {
            keys.push(row?);
        }
    }
    keys.sort();
    keys.dedup();
    let more = keys.len() > most;
    if order.is_empty() {
        keys.truncate(most);
    } else {
        keys.drain(..keys.len().saturating_sub(most));
    }
    let keys = keys.into_iter().map(|(age, thread)| Ok((-age, id(&thread)?)));
    Ok((keys.collect::<Result<_, StoreError>>()?, more))
}

/// How many conversations, and how many of them with unread mail, are in any of `lists`.
///
/// # Errors
/// When the database refuses.
pub fn count(db: &Db, lists: &[&str]) -> Result<(u64, u64), StoreError> {
    let mut statement =
        db.sql().prepare_cached("SELECT total, unread FROM shownCounts WHERE label = ?1")?;
    let mut sum = (0, 0);
    for list in lists {
        let found: Option<(i64, i64)> =
            statement.query_row([list], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (total, unread) = found.unwrap_or_default();
        sum.0 += u64::try_from(total).unwrap_or_default();
        sum.1 += u64::try_from(unread).unwrap_or_default();
    }
    Ok(sum)
}

/// How many conversations, and how many of them with unread mail, are in at least one of `labels`,
/// which may share conversations: counted live, so only for labels that show as one.
///
/// # Errors
/// When the database refuses.
pub fn count_any(db: &Db, labels: &[LabelId]) -> Result<(u64, u64), StoreError> {
    let [first, others @ ..] = labels else { return Ok((0, 0)) };
    let mut sum = count(db, &[first.as_str()])?;
    let mut statement = db.sql().prepare_cached(
        "SELECT count(*), coalesce(sum(unread), 0) FROM shown s WHERE s.label = ?1
         AND NOT EXISTS (SELECT 1 FROM json_each(?2) o JOIN shown t
             ON t.label = o.value AND t.age = s.age AND t.thread = s.thread)",
    )?;
    for (at, label) in others.iter().enumerate() {
        let before = serde_json::to_string(&labels[..=at]).unwrap_or_default();
        let (total, unread): (i64, i64) =
            statement.query_row([label.as_str(), &before], |row| Ok((row.get(0)?, row.get(1)?)))?;
        sum.0 += u64::try_from(total).unwrap_or_default();
        sum.1 += u64::try_from(unread).unwrap_or_default();
    }
    Ok(sum)
}

/// The root of the conversation that a thread belongs to; `None` when it is not in the index.
///
/// # Errors
/// When the database refuses.
pub fn root_of(db: &Db, thread: &ThreadId) -> Result<Option<ThreadId>, StoreError> {
    let mut statement = db.sql().prepare_cached("SELECT root FROM threadIndex WHERE id = ?1")?;
    let root: Option<String> =
        statement.query_row([thread.as_str()], |row| row.get(0)).optional()?;
    root.map(|root| id(&root)).transpose()
}

/// The labels of a thread's confirmed row.
pub(super) fn labels_of(db: &Db, thread: &ThreadId) -> Result<BTreeSet<LabelId>, StoreError> {
    let mut statement =
        db.sql().prepare_cached("SELECT labelId FROM threadLabels WHERE threadId = ?1")?;
    let mut rows = statement.query([thread.as_str()])?;
    let mut labels = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let label: String = row.get(0)?;
        labels.insert(id(&label)?);
    }
    Ok(labels)
}

/// A thread's confirmed row, without this device's overlay.
///
/// # Errors
/// When the database refuses.
pub fn raw_row(db: &Db, thread: &ThreadId) -> Result<Option<ThreadRow>, StoreError> {
    let mut statement = db.sql().prepare_cached(&format!(
        "SELECT {}, trail FROM threadIndex WHERE id = ?1",
        row::COLUMNS
    ))?;
    let mut rows = statement.query([thread.as_str()])?;
    let Some(found) = rows.next()? else { return Ok(None) };
    let mut found = row::read(found)?;
    found.shown.labels = labels_of(db, thread)?;
    Ok(Some(found))
}

/// How far the index has taken in a thread's log.
///
/// # Errors
/// When the database refuses.
pub fn watermark(db: &Db, thread: &ThreadId) -> Result<Option<Seen>, StoreError> {
    let mut statement =
        db.sql().prepare_cached("SELECT epoch, position FROM watermarks WHERE threadId = ?1")?;
    let found: Option<(String, i64)> =
        statement.query_row([thread.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    found
        .map(|(epoch, position)| {
            let epoch: Epoch = id(&epoch)?;
            Ok(Seen { epoch, position: u64::try_from(position).unwrap_or_default() })
        })
        .transpose()
}

/// The threads of the conversation with this root, and what the index has taken in of each.
///
/// # Errors
/// When the database refuses.
pub fn seen_members(db: &Db, root: &ThreadId) -> Result<Vec<(ThreadId, Seen)>, StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT w.threadId, w.epoch, w.position FROM watermarks w WHERE w.threadId IN (
             SELECT ?1 UNION ALL SELECT id FROM threadIndex WHERE root = ?1 AND root <> id)",
    )?;
    let mut rows = statement.query([root.as_str()])?;
    let mut seen = Vec::new();
    while let Some(row) = rows.next()? {
        let (thread, epoch): (String, String) = (row.get(0)?, row.get(1)?);
        let position = u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
        seen.push((id(&thread)?, Seen { epoch: id(&epoch)?, position }));
    }
    Ok(seen)
}

/// The threads of the index that are linked with this one, whichever of the two rows says it.
///
/// # Errors
/// When the database refuses.
pub fn linked_with(db: &Db, thread: &ThreadId) -> Result<BTreeSet<ThreadId>, StoreError> {
    super::materializer::neighbours(db, thread)
}

/// The threads that a thread's row says it is one conversation with, by id.
///
/// # Errors
/// When the database refuses.
pub fn links_of(db: &Db, thread: &ThreadId) -> Result<Vec<ThreadId>, StoreError> {
    let mut statement =
        db.sql().prepare_cached("SELECT b FROM threadLinks WHERE a = ?1 ORDER BY b")?;
    let mut rows = statement.query([thread.as_str()])?;
    let mut links = Vec::new();
    while let Some(row) = rows.next()? {
        let link: String = row.get(0)?;
        links.push(id(&link)?);
    }
    Ok(links)
}

/// All stores of drafts that have a row, whatever became of them.
///
/// # Errors
/// When the database refuses.
pub fn drafts(db: &Db) -> Result<Vec<ThreadId>, StoreError> {
    let sql = "SELECT id FROM threadIndex WHERE id >= ?1 ORDER BY id";
    let mut statement = db.sql().prepare_cached(sql)?;
    let mut rows = statement.query([ThreadId::DRAFT])?;
    let mut threads = Vec::new();
    while let Some(row) = rows.next()? {
        let thread: String = row.get(0)?;
        let thread: ThreadId = id(&thread)?;
        if !thread.is_draft() {
            break; // they stand together
        }
        threads.push(thread);
    }
    Ok(threads)
}

/// All threads of the conversations in any of `lists`; `None` when they are more than `most`.
///
/// # Errors
/// When the database refuses.
pub fn threads_in(
    db: &Db,
    lists: &[LabelId],
    most: usize,
) -> Result<Option<Vec<ThreadId>>, StoreError> {
    let names: Vec<&str> = lists.iter().map(LabelId::as_str).collect();
    let (total, _) = count(db, &names)?;
    if usize::try_from(total).unwrap_or(usize::MAX) > most {
        return Ok(None);
    }
    let mut roots = db.sql().prepare_cached("SELECT thread FROM shown WHERE label = ?1")?;
    let mut members =
        db.sql().prepare_cached("SELECT id FROM threadIndex WHERE root = ?1 AND root <> id")?;
    let mut threads = BTreeSet::new();
    for list in names {
        for root in roots.query_map([list], |row| row.get::<_, String>(0))? {
            let root = root?;
            for member in members.query_map([&root], |row| row.get::<_, String>(0))? {
                threads.insert(id(&member?)?);
            }
            threads.insert(id(&root)?);
        }
    }
    Ok(Some(threads.into_iter().collect()))
}

/// Stores of drafts that are shown in a list, at most `most`.
///
/// # Errors
/// When the database refuses.
pub fn drafts_in(db: &Db, label: &LabelId, most: usize) -> Result<Vec<ThreadId>, StoreError> {
    let sql = "SELECT thread FROM shown WHERE label = ?1 AND thread >= ?2 ORDER BY age LIMIT ?3";
    let mut statement = db.sql().prepare_cached(sql)?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let begins = ThreadId::DRAFT;
    let rows = statement.query_map(params![label.as_str(), begins, most], |row| row.get(0))?;
    let mut threads = Vec::new();
    for row in rows {
        let id: String = row?;
        let id = ThreadId::try_from(id).map_err(|error| StoreError::Row(error.to_string()))?;
        threads.extend(id.is_draft().then_some(id));
    }
    Ok(threads)
}
