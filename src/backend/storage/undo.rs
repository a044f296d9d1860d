//! An undo reaches every thread that an event of its action reaches, whichever comes first.
//!
//! Invariant: written in the transaction of the push that makes it true; a thread gets at most one
//! undo of an action from here.

use rusqlite::params;

use crate::backend::ingest::event_id;
use crate::id::{ActionId, DeviceId, StoreId};
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

/// Notes which actions reach this store, and carries undos to where they are missing.
pub(crate) fn spread(db: &Db, store: &StoreId, events: &[NewEvent]) -> Result<(), StoreError> {
    for event in events {
        if event.name == name::ACTION_UNDONE {
            let Some(undo) = event.args.read::<ActionUndone>() else { continue };
            db.sql()
                .prepare_cached("INSERT OR IGNORE INTO undoneActions(action) VALUES (?1)")?
                .execute([undo.action.as_str()])?;
            for other in reached(db, &undo.action)? {
                if other != *store {
                    append(db, &other, &undo.action, event)?;
                }
            }
        } else if let Some(action) = &event.action {
            db.sql()
                .prepare_cached(
                    "INSERT OR IGNORE INTO actionStores(action, store) VALUES (?1, ?2)",
                )?
                .execute([action.id.as_str(), store.as_str()])?;
            let undone: bool = db
                .sql()
                .prepare_cached("SELECT count(*) > 0 FROM undoneActions WHERE action = ?1")?
                .query_row(params![action.id.as_str()], |row| row.get(0))?;
            if undone {
                append(db, store, &action.id, event)?;
            }
        }
    }
    Ok(())
}

fn reached(db: &Db, action: &ActionId) -> Result<Vec<StoreId>, StoreError> {
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
fn append(db: &Db, store: &StoreId, action: &ActionId, cause: &NewEvent) -> Result<(), StoreError> {
    let device = DeviceId::try_from(CLIENT).map_err(|error| StoreError::Row(error.to_string()))?;
    let event = NewEvent {
        id: event_id(&["undone", store.as_str(), action.as_str()], &[]),
        name: name::ACTION_UNDONE.to_owned(),
        args: Args::of(&ActionUndone { action: action.clone(), seen: None }),
        device,
        action: None,
        epoch: cause.epoch.clone(),
    };
    Log::append(db, store, &[event])?;
    Ok(())
}
