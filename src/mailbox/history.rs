//! History: which actions were done, in the order in which the Mailbox store took them in.
//!
//! Invariant: derived from the `actions` that every projected batch names; no device writes it, and
//! no device's clock orders it.

use rusqlite::{OptionalExtension, params};

use crate::id::{ActionId, DeviceId, ThreadId};
use crate::mailbox::event::{MailboxEvent, Source};
use crate::store::{Db, Event, StoreError};

/// An action that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Its id.
    pub id: ActionId,
    /// What it was, such as `archive`.
    pub name: String,
}

/// Takes in the actions of a batch. An action keeps the position at which it was first seen;
/// several actions of one batch stand at fractions that SQLite's integers cannot hold, so the
/// position is spread by their index.
pub(super) fn note(db: &Db, position: u64, source: &Source) -> Result<(), StoreError> {
    /// Actions of one batch that keep their own order.
    const SPREAD: u64 = 1_000_000;
    for (index, action) in (0_u64..).zip(&source.actions) {
        let at = position.saturating_mul(SPREAD).saturating_add(index.min(SPREAD - 1));
        db.sql()
            .prepare_cached(
                "INSERT OR IGNORE INTO actions(position, id, name, at, device)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                i64::try_from(at).unwrap_or(i64::MAX),
                action.id.as_str(),
                action.name,
                action.at,
                action.device.as_str()
            ])?;
        db.sql()
            .prepare_cached(
                "INSERT OR IGNORE INTO actionThreads(actionId, threadId) VALUES (?1, ?2)",
            )?
            .execute([action.id.as_str(), source.thread.as_str()])?;
    }
    Ok(())
}

/// Takes in the action of an event on a label.
pub(super) fn note_own(db: &Db, event: &Event, read: &MailboxEvent) -> Result<(), StoreError> {
    let (Some(action), Some(_)) = (&event.event.action, read.label()) else { return Ok(()) };
    let at = event.position.saturating_mul(1_000_000);
    db.sql()
        .prepare_cached(
            "INSERT OR IGNORE INTO actions(position, id, name, at, device)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            i64::try_from(at).unwrap_or(i64::MAX),
            action.id.as_str(),
            action.name,
            action.at,
            event.event.device.as_str()
        ])?;
    Ok(())
}

/// The last action of a device that still stands and was not itself an undo, leaving out `but`. Ids
/// of one device only grow; positions are in the order of projection, which is another.
///
/// # Errors
/// When the database refuses.
pub fn last_action(
    db: &Db,
    device: &DeviceId,
    but: &[ActionId],
) -> Result<Option<Done>, StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT id, name FROM actions WHERE device = ?1 AND name <> 'undo'
         AND id NOT IN (SELECT actionId FROM undone) ORDER BY id DESC LIMIT ?2",
    )?;
    let most = i64::try_from(but.len() + 1).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![device.as_str(), most])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let id = ActionId::try_from(id).map_err(|error| StoreError::Row(error.to_string()))?;
        if !but.contains(&id) {
            return Ok(Some(Done { id, name: row.get(1)? }));
        }
    }
    Ok(None)
}

/// The threads that an action reached, as far as they are projected and still there.
///
/// # Errors
/// When the database refuses.
pub fn threads_of(db: &Db, action: &ActionId) -> Result<Vec<ThreadId>, StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT threadId FROM actionThreads
             WHERE actionId = ?1 AND threadId NOT IN (SELECT threadId FROM purged)",
    )?;
    let mut rows = statement.query([action.as_str()])?;
    let mut threads = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        threads.push(ThreadId::try_from(id).map_err(|error| StoreError::Row(error.to_string()))?);
    }
    Ok(threads)
}

/// An action by its id, whoever did it.
///
/// # Errors
/// When the database refuses.
pub fn action(db: &Db, id: &ActionId) -> Result<Option<Done>, StoreError> {
    let mut statement = db.sql().prepare_cached("SELECT name FROM actions WHERE id = ?1")?;
    let name: Option<String> = statement.query_row([id.as_str()], |row| row.get(0)).optional()?;
    Ok(name.map(|name| Done { id: id.clone(), name }))
}
