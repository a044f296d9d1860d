//! History: which actions were done, in the order in which the Mailbox store took them in.
//!
//! Invariant: derived from the `actions` that every projected batch names, and from the actions of
//! the store's own events; no device writes it, and no device's clock orders it.

use rusqlite::{OptionalExtension, Row, params};

use crate::id::{ActionId, DeviceId, ThreadId};
use crate::mailbox::deed::{Deed, deeds_text, read_deeds};
use crate::mailbox::event::{MailboxEvent, Source};
use crate::store::{Action, Db, Event, StoreError};

/// Actions of one batch that keep their own order.
const SPREAD: u64 = 1_000_000;

/// An action that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Where in the history it stands; greater is newer.
    pub position: u64,
    /// Its id.
    pub id: ActionId,
    /// What it was, such as `archive`.
    pub name: String,
    /// When, by its device's clock, Unix milliseconds.
    pub at: i64,
    /// Who did it.
    pub device: DeviceId,
    /// What it did; on threads of which more is kept ([`deeds_on`]) something else.
    pub deeds: Vec<Deed>,
    /// The action that it did again.
    pub redoes: Option<ActionId>,
    /// The action that it undid.
    pub undoes: Option<ActionId>,
    /// How many threads it reached, as far as they are projected.
    pub threads: u64,
    /// The undo that undid it.
    pub undone_by: Option<ActionId>,
}

/// Takes in the actions of a batch. An action keeps the position at which it was first seen;
/// several actions of one batch stand at fractions that SQLite's integers cannot hold, so the
/// position is spread by their index.
pub(super) fn note(db: &Db, position: u64, source: &Source) -> Result<(), StoreError> {
    for (index, done) in (0_u64..).zip(&source.actions) {
        let deeds: Vec<Deed> = done.changes.iter().map(Deed::read).collect();
        let action = Action {
            id: done.id.clone(),
            name: done.name.clone(),
            at: done.at,
            redoes: done.redoes.clone(),
        };
        let changes = deeds_text(&deeds);
        put(db, spread(position, index), &action, &done.device, &deeds)?;
        let reached = db
            .sql()
            .prepare_cached(
                "INSERT OR IGNORE INTO actionThreads(actionId, threadId, changes)
                 SELECT ?1, ?2, CASE WHEN changes = ?3 THEN NULL ELSE ?3 END
                 FROM actions WHERE id = ?1",
            )?
            .execute([action.id.as_str(), source.thread.as_str(), &changes])?;
        if reached > 0 {
            db.sql()
                .prepare_cached("UPDATE actions SET threads = threads + 1 WHERE id = ?1")?
                .execute([action.id.as_str()])?;
        }
    }
    Ok(())
}

/// Takes in the action of an event of the Mailbox store itself.
pub(super) fn note_own(db: &Db, event: &Event, read: &MailboxEvent) -> Result<(), StoreError> {
    let (Some(deed), Some(action)) = (Deed::of_mailbox(read), &event.event.action) else {
        return Ok(());
    };
    let deeds = std::slice::from_ref(&deed);
    if put(db, spread(event.position, 0), action, &event.event.device, deeds)? {
        return Ok(());
    }
    let held = action_changes(db, &action.id)?;
    let mut deeds = read_deeds(&held);
    if !deeds.contains(&deed) && deeds.len() < super::deed::MAX_DEEDS {
        // Threads that had what the action had keep what they had.
        db.sql()
            .prepare_cached(
                "UPDATE actionThreads SET changes = ?2 WHERE actionId = ?1 AND changes IS NULL",
            )?
            .execute([action.id.as_str(), &held])?;
        deeds.push(deed);
        db.sql()
            .prepare_cached("UPDATE actions SET changes = ?2 WHERE id = ?1")?
            .execute([action.id.as_str(), &deeds_text(&deeds)])?;
    }
    Ok(())
}

/// An action was undone by the action of `event`, if it was not before.
pub(super) fn note_undone(db: &Db, event: &Event, undone: &ActionId) -> Result<(), StoreError> {
    let by = event.event.action.as_ref().map(|action| action.id.as_str());
    db.sql()
        .prepare_cached("INSERT OR IGNORE INTO undone(actionId, undoneBy) VALUES (?1, ?2)")?
        .execute(params![undone.as_str(), by])?;
    Ok(())
}

fn spread(position: u64, index: u64) -> i64 {
    let at = position.saturating_mul(SPREAD).saturating_add(index.min(SPREAD - 1));
    i64::try_from(at).unwrap_or(i64::MAX)
}

/// Adds an action; `false` when it is there.
fn put(
    db: &Db,
    at: i64,
    action: &Action,
    device: &DeviceId,
    deeds: &[Deed],
) -> Result<bool, StoreError> {
    let undoes = deeds.iter().find_map(|deed| match deed {
        Deed::Undo(action) => Some(action.as_str()),
        _ => None,
    });
    let added = db
        .sql()
        .prepare_cached(
            "INSERT OR IGNORE INTO actions(position, id, name, at, device, changes, redoes, undoes,
                 threads) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
        )?
        .execute(params![
            at,
            action.id.as_str(),
            action.name,
            action.at,
            device.as_str(),
            deeds_text(deeds),
            action.redoes.as_ref().map(ActionId::as_str),
            undoes,
        ])?;
    Ok(added > 0)
}

fn action_changes(db: &Db, id: &ActionId) -> Result<String, StoreError> {
    let mut statement = db.sql().prepare_cached("SELECT changes FROM actions WHERE id = ?1")?;
    Ok(statement.query_row([id.as_str()], |row| row.get(0)).optional()?.unwrap_or_default())
}

/// Takes in what an event says of actions.
pub(super) fn take(db: &Db, event: &Event, read: &MailboxEvent) -> Result<(), StoreError> {
    if let MailboxEvent::Undone(undo) = read {
        note_undone(db, event, &undo.action)?;
    }
    match read.source() {
        Some(source) if source.last => note(db, event.position, source),
        Some(_) => Ok(()),
        None => note_own(db, event, read),
    }
}

/// The columns that [`read_done`] expects, in order.
const COLUMNS: &str = "a.position, a.id, a.name, a.at, a.device, a.changes, a.redoes, a.undoes, \
     a.threads, u.undoneBy, u.actionId";
const FROM: &str = "actions a LEFT JOIN undone u ON u.actionId = a.id";

fn read_done(row: &Row<'_>) -> Result<Done, StoreError> {
    let bad = |error: crate::id::InvalidId| StoreError::Row(error.to_string());
    let id = |at: usize| -> Result<Option<ActionId>, StoreError> {
        let text: Option<String> = row.get(at)?;
        text.map(ActionId::try_from).transpose().map_err(bad)
    };
    let number = |at: usize| -> Result<u64, StoreError> {
        Ok(u64::try_from(row.get::<_, i64>(at)?).unwrap_or_default())
    };
    let named = |found: Option<ActionId>| found.ok_or_else(|| StoreError::Row("no id".to_owned()));
    // An undo without an action is somebody's all the same: the action's own id says that it is.
    let undone_by = id(9)?.or(id(10)?);
    Ok(Done {
        position: number(0)?,
        id: named(id(1)?)?,
        name: row.get(2)?,
        at: row.get(3)?,
        device: DeviceId::try_from(row.get::<_, String>(4)?).map_err(bad)?,
        deeds: read_deeds(&row.get::<_, String>(5)?),
        redoes: id(6)?,
        undoes: id(7)?,
        threads: number(8)?,
        undone_by,
    })
}

fn select(db: &Db, filter: &str, params: impl rusqlite::Params) -> Result<Vec<Done>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM {FROM} {filter}");
    let mut statement = db.sql().prepare_cached(&sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read_done(row)?);
    }
    Ok(found)
}

/// Which actions a page of the history is of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Of {
    /// Of this device.
    pub device: Option<DeviceId>,
    /// That reached one of these threads; empty for all.
    pub threads: Vec<ThreadId>,
}

/// Actions before a position, the newest first.
///
/// # Errors
/// When the database refuses.
pub fn history(
    db: &Db,
    of: &Of,
    before: Option<u64>,
    most: usize,
) -> Result<Vec<Done>, StoreError> {
    let before = before.map_or(i64::MAX, |at| i64::try_from(at).unwrap_or(i64::MAX));
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let threads = serde_json::to_string(&of.threads).unwrap_or_default();
    let device = of.device.as_ref().map(DeviceId::as_str);
    let reached = if of.threads.is_empty() {
        // The number of parameters stays the same.
        "?4 = ?4"
    } else {
        "a.id IN (SELECT actionId FROM actionThreads
             WHERE threadId IN (SELECT value FROM json_each(?4)))"
    };
    let filter = format!(
        "WHERE a.position < ?1 AND (?2 IS NULL OR a.device = ?2) AND {reached}
         ORDER BY a.position DESC LIMIT ?3"
    );
    select(db, &filter, params![before, device, most, threads])
}

/// Actions of a device, the newest first, from before one of them on. Ids of one device only grow;
/// positions are in the order of projection, which is another.
///
/// # Errors
/// When the database refuses.
pub fn of_device(
    db: &Db,
    device: &DeviceId,
    before: Option<&ActionId>,
    most: usize,
) -> Result<Vec<Done>, StoreError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let before = before.map(ActionId::as_str);
    let filter = "WHERE a.device = ?1 AND (?2 IS NULL OR a.id < ?2) ORDER BY a.id DESC LIMIT ?3";
    select(db, filter, params![device.as_str(), before, most])
}

/// The threads that an action reached, as far as they are projected.
///
/// # Errors
/// When the database refuses.
pub fn threads_of(db: &Db, action: &ActionId) -> Result<Vec<ThreadId>, StoreError> {
    Ok(deeds_on(db, action)?.into_iter().map(|(thread, _)| thread).collect())
}

/// A thread that an action reached, with what it did there; `None` for what it did to the first.
pub type Reached = (ThreadId, Option<Vec<Deed>>);

/// The threads that an action reached, as far as they are projected, with what it did to each.
///
/// # Errors
/// When the database refuses.
pub fn deeds_on(db: &Db, action: &ActionId) -> Result<Vec<Reached>, StoreError> {
    let mut statement = db
        .sql()
        .prepare_cached("SELECT threadId, changes FROM actionThreads WHERE actionId = ?1")?;
    let mut rows = statement.query([action.as_str()])?;
    let mut threads = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, changes): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        let id = ThreadId::try_from(id).map_err(|error| StoreError::Row(error.to_string()))?;
        threads.push((id, changes.as_deref().map(read_deeds)));
    }
    Ok(threads)
}

/// An action by its id, whoever did it.
///
/// # Errors
/// When the database refuses.
pub fn action(db: &Db, id: &ActionId) -> Result<Option<Done>, StoreError> {
    Ok(select(db, "WHERE a.id = ?1", [id.as_str()])?.pop())
}

/// Actions that do an action again, whoever did them.
///
/// # Errors
/// When the database refuses.
pub fn redos_of(db: &Db, id: &ActionId) -> Result<Vec<Done>, StoreError> {
    select(db, "WHERE a.redoes = ?1 ORDER BY a.position", [id.as_str()])
}
