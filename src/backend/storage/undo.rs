//! An undo reaches every thread that an event of its action reaches, whichever comes first.
//!
//! Invariant: written in the transaction of the push that makes it true; a thread gets at most one
//! undo of an action from here, and none where a device's own stands.

use std::collections::BTreeMap;

use crate::backend::ingest::event_id;
use crate::id::{ActionId, DeviceId, Epoch, StoreId};
use crate::store::{Args, Db, Log, NewEvent, StoreError};
use crate::thread::{ActionUndone, name};

/// The writer.
const CLIENT: &str = "thread-client";

/// The tables.
pub(super) const SQL: &str = "
    CREATE TABLE IF NOT EXISTS actionStores(
        action TEXT NOT NULL, store TEXT NOT NULL, PRIMARY KEY(action, store)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS undoneActions(action TEXT PRIMARY KEY) WITHOUT ROWID;
";

/// Notes which actions reach these stores, and carries undos to where they are missing; whether a
/// log grew by that. `now` is the epoch of the logs. The events are in the logs already, those of
/// all stores of a push: so an undo that a device put on a thread
/// itself is not repeated there, and a bulk of them costs one look at each thread.
pub(crate) fn spread(
    db: &Db,
    now: &Epoch,
    pushed: &[(StoreId, Vec<NewEvent>)],
) -> Result<bool, StoreError> {
    let mut missing: BTreeMap<(StoreId, ActionId), Epoch> = BTreeMap::new();
    let mut undone: BTreeMap<ActionId, Epoch> = BTreeMap::new();
    for (store, events) in pushed {
        for event in events {
            if event.name == name::ACTION_UNDONE {
                let Some(undo) = event.args.read::<ActionUndone>() else { continue };
                undone.insert(undo.action, event.epoch.clone());
            } else if let Some(action) = &event.action {
                note(db, &action.id, store)?;
                if is_undone(db, &action.id)? {
                    missing.insert((store.clone(), action.id.clone()), event.epoch.clone());
                }
            }
        }
    }
    for (action, epoch) in undone {
        db.sql()
            .prepare_cached("INSERT OR IGNORE INTO undoneActions(action) VALUES (?1)")?
            .execute([action.as_str()])?;
        for store in reached(db, &action)? {
            missing.insert((store, action.clone()), epoch.clone());
        }
    }
    let mut grew = false;
    for ((store, action), epoch) in missing {
        if !holds_undo(db, &store, &action)? {
            append(db, now, &store, &action, epoch)?;
            grew = true;
        }
    }
    Ok(grew)
}

/// A store is gone: no action reaches it any more. Its log is still there.
pub(super) fn forget(db: &Db, store: &StoreId) -> Result<(), StoreError> {
    db.sql()
        .prepare_cached(
            "DELETE FROM actionStores WHERE store = ?1 AND action IN (
                 SELECT json_extract(e.action, '$.id') FROM eventlog e
                 JOIN stores s ON s.key = e.store WHERE s.id = ?1 AND e.action IS NOT NULL)",
        )?
        .execute([store.as_str()])?;
    Ok(())
}

fn note(db: &Db, action: &ActionId, store: &StoreId) -> Result<(), StoreError> {
    db.sql()
        .prepare_cached("INSERT OR IGNORE INTO actionStores(action, store) VALUES (?1, ?2)")?
        .execute([action.as_str(), store.as_str()])?;
    Ok(())
}

fn is_undone(db: &Db, action: &ActionId) -> Result<bool, StoreError> {
    Ok(db
        .sql()
        .prepare_cached("SELECT count(*) > 0 FROM undoneActions WHERE action = ?1")?
        .query_row([action.as_str()], |row| row.get(0))?)
}

/// Whether a thread's log has an undo of this action, whoever wrote it.
fn holds_undo(db: &Db, store: &StoreId, action: &ActionId) -> Result<bool, StoreError> {
    let undos = Log::named(db, store, name::ACTION_UNDONE)?;
    Ok(undos
        .iter()
        .any(|args| args.read().is_some_and(|undo: ActionUndone| undo.action == *action)))
}

/// The stores that an action reached.
pub(crate) fn reached(db: &Db, action: &ActionId) -> Result<Vec<StoreId>, StoreError> {
    let mut statement =
        db.sql().prepare_cached("SELECT store FROM actionStores WHERE action = ?1")?;
    let mut rows = statement.query([action.as_str()])?;
    let mut stores = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        stores.push(StoreId::try_from(id).map_err(|error| StoreError::Row(error.to_string()))?);
    }
    Ok(stores)
}

/// Appends the undo to a thread. It was pressed on no row of this thread, so it has no `seen`: it
/// hides nothing.
fn append(
    db: &Db,
    now: &Epoch,
    store: &StoreId,
    action: &ActionId,
    epoch: Epoch,
) -> Result<(), StoreError> {
    let device = DeviceId::try_from(CLIENT).map_err(|error| StoreError::Row(error.to_string()))?;
    let event = NewEvent {
        id: event_id(&["undone", store.as_str(), action.as_str()], &[]),
        name: name::ACTION_UNDONE.to_owned(),
        args: Args::of(&ActionUndone { action: action.clone(), seen: None }),
        device,
        action: None,
        epoch,
    };
    super::append(db, now, store, &[event])?;
    Ok(())
}
