//! A device's own events from commit until the Mailbox store has taken them in.
//!
//! Invariant: an event is in this table from the transaction that commits its action until its
//! effect is in confirmed tables; without a position it is *pending*. Nothing provisional is ever
//! written into confirmed tables. It lies in the Mailbox store's file, so that an action, what it
//! shows and its events are one transaction.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Row, params};

use crate::id::{ActionId, DeviceId, Epoch, EventId, StoreId};
use crate::store::log::{number, position};
use crate::store::{Action, Args, Db, Event, NewEvent, StoreError};

/// An own event with what is known of its confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnEvent {
    /// Order of commit on this device.
    pub seq: i64,
    /// Its store.
    pub store: StoreId,
    /// The identity.
    pub id: EventId,
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub args: Args,
    /// Its action.
    pub action: Option<Action>,
    /// The epoch in which it was first offered.
    pub offered: Option<Epoch>,
    /// Where the backend put it; `None` while pending.
    pub position: Option<u64>,
    /// Who wrote it, where that is another: it was in a log that the backend has no more.
    pub device: Option<DeviceId>,
    /// Whether the backend had it once: it is offered again under its first writer's right.
    pub again: bool,
}

impl OwnEvent {
    /// The event as it is offered.
    #[must_use]
    pub fn offer(&self, device: &DeviceId, epoch: &Epoch) -> NewEvent {
        NewEvent {
            id: self.id.clone(),
            name: self.name.clone(),
            args: self.args.clone(),
            device: self.device.as_ref().unwrap_or(device).clone(),
            action: self.action.clone(),
            epoch: self.offered.clone().unwrap_or_else(|| epoch.clone()),
        }
    }
}

/// Why an event on a store that the backend does not have is in the visible list.
pub const ABSENT: &str = "the backend has no such conversation";
/// Why an event on a store that is gone is refused.
const PURGED: &str = "this conversation was purged";

/// The table of own events, and the device's few settings.
#[derive(Debug, Clone, Copy)]
pub struct Own;

impl Own {
    /// The tables.
    pub const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS unprojected(
            seq INTEGER PRIMARY KEY AUTOINCREMENT, store TEXT NOT NULL, id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL, args TEXT NOT NULL, action TEXT, actionId TEXT,
            offered TEXT, position INTEGER, device TEXT, again INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX IF NOT EXISTS unprojected_store ON unprojected(store);
        CREATE INDEX IF NOT EXISTS unprojected_pending ON unprojected(seq) WHERE position IS NULL;
        CREATE INDEX IF NOT EXISTS unprojected_action ON unprojected(actionId);
        CREATE TABLE IF NOT EXISTS refused(
            id TEXT PRIMARY KEY, store TEXT NOT NULL, name TEXT NOT NULL, args TEXT NOT NULL,
            action TEXT, reason TEXT NOT NULL, offered TEXT);
        CREATE TABLE IF NOT EXISTS device(name TEXT PRIMARY KEY, value TEXT NOT NULL);
    ";

    /// Brings the tables of the format `found` to this one; [`Own::SQL`] follows.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn upgrade(db: &Db, found: u32) -> Result<(), StoreError> {
        if (1..3).contains(&found) {
            db.sql().execute_batch(
                "ALTER TABLE unprojected ADD COLUMN device TEXT;
                 ALTER TABLE unprojected ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
                 ALTER TABLE refused ADD COLUMN offered TEXT;",
            )?;
        }
        Ok(())
    }

    /// A setting of this device.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn setting(db: &Db, name: &str) -> Result<Option<String>, StoreError> {
        let mut statement = db.sql().prepare_cached("SELECT value FROM device WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }

    /// Keeps a setting of this device.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn set(db: &Db, name: &str, value: &str) -> Result<(), StoreError> {
        db.sql()
            .prepare_cached("INSERT OR REPLACE INTO device(name, value) VALUES (?1, ?2)")?
            .execute([name, value])?;
        Ok(())
    }

    /// Keeps the `most` settings that were set last, of those whose names begin with `prefix`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn trim(db: &Db, prefix: &str, most: usize) -> Result<(), StoreError> {
        // A setting that is set again is a new row.
        let sql = "DELETE FROM device WHERE rowid IN (
            SELECT rowid FROM device WHERE substr(name, 1, length(?1)) = ?1
            ORDER BY rowid DESC LIMIT -1 OFFSET ?2)";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        db.sql().prepare_cached(sql)?.execute(rusqlite::params![prefix, most])?;
        Ok(())
    }

    /// The stores with own events of a name.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn stores_with(db: &Db, name: &str) -> Result<Vec<StoreId>, StoreError> {
        let sql = "SELECT DISTINCT store FROM unprojected WHERE name = ?1 ORDER BY store";
        let mut statement = db.sql().prepare_cached(sql)?;
        let rows = statement.query_map([name], |row| row.get::<_, String>(0))?;
        let id =
            |id: String| StoreId::try_from(id).map_err(|error| StoreError::Row(error.to_string()));
        rows.map(|row| id(row?)).collect()
    }

    /// Whether an event is here that the backend has not confirmed.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn is_pending(db: &Db, id: &EventId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM unprojected WHERE id = ?1 AND position IS NULL";
        Ok(db.sql().prepare_cached(sql)?.exists([id.as_str()])?)
    }

    /// Adds an own event.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn add(
        db: &Db,
        store: &StoreId,
        id: &EventId,
        name: &str,
        args: &Args,
        action: Option<&Action>,
    ) -> Result<(), StoreError> {
        let text = action.and_then(|action| serde_json::to_string(action).ok());
        db.sql()
            .prepare_cached(
                "INSERT INTO unprojected(store, id, name, args, action, actionId)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                store.as_str(),
                id.as_str(),
                name,
                args.text(),
                text,
                action.map(|action| action.id.as_str())
            ])?;
        Ok(())
    }

    /// Own events of one store, in order of commit.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn of(db: &Db, store: &StoreId) -> Result<Vec<OwnEvent>, StoreError> {
        select(db, "WHERE store = ?1 ORDER BY seq", params![store.as_str()])
    }

    /// Whether there are own events of a store.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn has(db: &Db, store: &StoreId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM unprojected WHERE store = ?1";
        Ok(db.sql().prepare_cached(sql)?.exists([store.as_str()])?)
    }

    /// Whether there are own events of a store that are pending, or above a position.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn waits(db: &Db, store: &StoreId, through: u64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM unprojected
                   WHERE store = ?1 AND (position IS NULL OR position > ?2)";
        Ok(db.sql().prepare_cached(sql)?.exists(params![store.as_str(), number(through)])?)
    }

    /// Whether there are any own events, pending or not projected.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn any(db: &Db) -> Result<bool, StoreError> {
        Ok(db.sql().prepare_cached("SELECT 1 FROM unprojected")?.exists([])?)
    }

    /// Pending events after `seq`, in order of commit.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn pending(db: &Db, after: i64, most: usize) -> Result<Vec<OwnEvent>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        select(
            db,
            "WHERE position IS NULL AND seq > ?1 ORDER BY seq LIMIT ?2",
            params![after, most],
        )
    }

    /// All own events, in order of commit.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn all(db: &Db) -> Result<Vec<OwnEvent>, StoreError> {
        select(db, "ORDER BY seq", [])
    }

    /// The actions of this device's own events, the newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn actions(db: &Db) -> Result<Vec<Action>, StoreError> {
        let mut statement = db.sql().prepare_cached(
            "SELECT action FROM unprojected WHERE actionId IS NOT NULL AND device IS NULL
             GROUP BY actionId ORDER BY actionId DESC",
        )?;
        let mut rows = statement.query([])?;
        let mut actions = Vec::new();
        while let Some(row) = rows.next()? {
            let text: Option<String> = row.get(0)?;
            actions.extend(text.and_then(|text| serde_json::from_str(&text).ok()));
        }
        Ok(actions)
    }

    /// Own events of one action, in order of commit.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn of_action(db: &Db, action: &ActionId) -> Result<Vec<OwnEvent>, StoreError> {
        select(db, "WHERE actionId = ?1 ORDER BY seq", params![action.as_str()])
    }

    /// Own events of one action on the Mailbox store and on the first of its threads, in order of
    /// commit: what it does, without all of where.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn sample_of(db: &Db, action: &ActionId) -> Result<Vec<OwnEvent>, StoreError> {
        let filter = "WHERE actionId = ?1 AND (store = ?2 OR store = (
             SELECT min(store) FROM unprojected WHERE actionId = ?1 AND store <> ?2)) ORDER BY seq";
        select(db, filter, params![action.as_str(), StoreId::MAILBOX])
    }

    /// Stores with own events whose position is known.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn confirmed(db: &Db) -> Result<Vec<StoreId>, StoreError> {
        let mut statement = db
            .sql()
            .prepare_cached("SELECT DISTINCT store FROM unprojected WHERE position IS NOT NULL")?;
        let mut rows = statement.query([])?;
        let mut stores = Vec::new();
        while let Some(row) = rows.next()? {
            stores.push(parse(&row.get::<_, String>(0)?)?);
        }
        Ok(stores)
    }

    /// How many own events are pending, and how many are not projected yet in all.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn counts(db: &Db) -> Result<(u64, u64), StoreError> {
        let count = |sql| db.sql().prepare_cached(sql)?.query_row([], |row| position(row, 0));
        Ok((
            count("SELECT count(*) FROM unprojected WHERE position IS NULL")?,
            count("SELECT count(*) FROM unprojected")?,
        ))
    }

    /// Writes down the epoch in which these events are first offered. Must be committed before a
    /// frame with them leaves.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn offered(db: &Db, seqs: &[i64], epoch: &Epoch) -> Result<(), StoreError> {
        let mut statement = db.sql().prepare_cached(
            "UPDATE unprojected SET offered = ?2 WHERE seq = ?1 AND offered IS NULL",
        )?;
        for seq in seqs {
            statement.execute(params![seq, epoch.as_str()])?;
        }
        Ok(())
    }

    /// The backend put this event at a position.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn confirm(db: &Db, id: &EventId, at: u64) -> Result<(), StoreError> {
        db.sql()
            .prepare_cached("UPDATE unprojected SET position = ?2 WHERE id = ?1")?
            .execute(params![id.as_str(), number(at)])?;
        Ok(())
    }

    /// Takes all that is pending of a store for confirmed: a rule broken on purpose.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn confirm_up_to(db: &Db, store: &StoreId, head: u64) -> Result<(), StoreError> {
        let pending = "UPDATE unprojected SET position = ?2 WHERE store = ?1 AND position IS NULL";
        db.sql().execute(pending, params![store.as_str(), number(head)])?;
        Ok(())
    }

    /// Drops all that is pending: a rule broken on purpose.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn drop_pending(db: &Db) -> Result<(), StoreError> {
        db.sql().execute("DELETE FROM unprojected WHERE position IS NULL", [])?;
        Ok(())
    }

    /// A batch says that the events of this action are in the store's log at or below a position.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn confirm_action(
        db: &Db,
        store: &StoreId,
        action: &ActionId,
        at: u64,
    ) -> Result<(), StoreError> {
        db.sql()
            .prepare_cached(
                "UPDATE unprojected SET position = ?3
                 WHERE store = ?1 AND actionId = ?2 AND position IS NULL",
            )?
            .execute(params![store.as_str(), action.as_str(), number(at)])?;
        Ok(())
    }

    /// Forgets events of a store at or below a position: confirmed tables show them now.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn projected(db: &Db, store: &StoreId, through: u64) -> Result<usize, StoreError> {
        Ok(db
            .sql()
            .prepare_cached("DELETE FROM unprojected WHERE store = ?1 AND position <= ?2")?
            .execute(params![store.as_str(), number(through)])?)
    }

    /// Forgets one event: a confirmed log that this device materialises holds it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn projected_id(db: &Db, id: &EventId) -> Result<usize, StoreError> {
        Ok(db
            .sql()
            .prepare_cached("DELETE FROM unprojected WHERE id = ?1")?
            .execute([id.as_str()])?)
    }

    /// The backend did not have this store when it was offered these events: now that it has, they
    /// wait again, each with the epoch in which it was first offered. How many there were.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn revive(db: &Db, store: &StoreId) -> Result<usize, StoreError> {
        let of = params![store.as_str(), ABSENT];
        let back = db
            .sql()
            .prepare_cached(
                "INSERT OR IGNORE INTO unprojected(store, id, name, args, action, actionId, offered)
                 SELECT store, id, name, args, action, json_extract(action, '$.id'), offered
                 FROM refused WHERE store = ?1 AND reason = ?2 ORDER BY id",
            )?
            .execute(of)?;
        db.sql()
            .prepare_cached("DELETE FROM refused WHERE store = ?1 AND reason = ?2")?
            .execute(of)?;
        Ok(back)
    }

    /// Whether an event is one that is offered again.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn is_again(db: &Db, id: &EventId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM unprojected WHERE id = ?1 AND again = 1";
        Ok(db.sql().prepare_cached(sql)?.exists([id.as_str()])?)
    }

    /// Whether events wait in the visible list for a store that the backend did not have.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn any_absent(db: &Db) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM refused WHERE reason = ?1 LIMIT 1";
        Ok(db.sql().prepare_cached(sql)?.exists([ABSENT])?)
    }

    /// A store is gone for ever: what the backend holds of it is forgotten, and what it does not
    /// hold is in the visible list. Returns its lines.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn purge(db: &Db, store: &StoreId) -> Result<Vec<String>, StoreError> {
        let mut lines = Vec::new();
        for own in Self::of(db, store)? {
            if own.position.is_none() && !own.again {
                Self::refuse(db, &own.id, PURGED)?;
                lines.push(PURGED.to_owned());
            }
        }
        db.sql()
            .prepare_cached("DELETE FROM unprojected WHERE store = ?1")?
            .execute([store.as_str()])?;
        Ok(lines)
    }

    /// The backend's log of this store ends before these events of it, which were confirmed: they
    /// are offered again, by id, before what waits there, whoever wrote them; `me` is this device.
    /// What the backend has said of positions in this store is forgotten.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn offer_again(
        db: &Db,
        store: &StoreId,
        me: &DeviceId,
        events: &[Event],
    ) -> Result<(), StoreError> {
        let waiting = Self::of(db, store)?;
        db.sql()
            .prepare_cached("DELETE FROM unprojected WHERE store = ?1")?
            .execute([store.as_str()])?;
        let mut halves: BTreeSet<&ActionId> = BTreeSet::new();
        for Event { event, .. } in events {
            let other = (event.device != *me).then(|| event.device.clone());
            if other.is_none() {
                halves.extend(event.action.as_ref().map(|action| &action.id));
            }
            let held = OwnEvent {
                seq: 0,
                store: store.clone(),
                id: event.id.clone(),
                name: event.name.clone(),
                args: event.args.clone(),
                action: event.action.clone(),
                offered: Some(event.epoch.clone()),
                position: None,
                device: other,
                again: true,
            };
            put(db, &held)?;
        }
        for own in waiting {
            // All of an action goes in one frame, though its log was cut in the middle of it.
            let half = own.action.as_ref().is_some_and(|action| halves.contains(&action.id));
            put(db, &OwnEvent { again: own.again || half, ..own })?;
        }
        Ok(())
    }

    /// The positions of another epoch say nothing: everything own is offered again, by id.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn forget_positions(db: &Db) -> Result<(), StoreError> {
        db.sql().execute("UPDATE unprojected SET position = NULL", [])?;
        Ok(())
    }

    /// Forgets an event that is offered again; `false` when it is none of these.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn drop_again(db: &Db, id: &EventId) -> Result<bool, StoreError> {
        let gone = "DELETE FROM unprojected WHERE id = ?1 AND again = 1";
        Ok(db.sql().prepare_cached(gone)?.execute([id.as_str()])? > 0)
    }
}

/// Adds an event behind all others, without a position; one that is there stays as it is.
fn put(db: &Db, own: &OwnEvent) -> Result<(), StoreError> {
    let action = own.action.as_ref();
    db.sql()
        .prepare_cached(
            "INSERT OR IGNORE INTO unprojected(store, id, name, args, action, actionId, offered,
                 device, again)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            own.store.as_str(),
            own.id.as_str(),
            own.name,
            own.args.text(),
            action.and_then(|action| serde_json::to_string(action).ok()),
            action.map(|action| action.id.as_str()),
            own.offered.as_ref().map(Epoch::as_str),
            own.device.as_ref().map(DeviceId::as_str),
            own.again,
        ])?;
    Ok(())
}

pub(super) fn parse<'a, T: TryFrom<&'a str, Error = crate::id::InvalidId>>(
    text: &'a str,
) -> Result<T, StoreError> {
    T::try_from(text).map_err(|error| StoreError::Row(error.to_string()))
}

fn select(
    db: &Db,
    filter: &str,
    params: impl rusqlite::Params,
) -> Result<Vec<OwnEvent>, StoreError> {
    let mut statement = db.sql().prepare_cached(&format!(
        "SELECT seq, store, id, name, args, action, offered, position, device, again
         FROM unprojected {filter}"
    ))?;
    let mut rows = statement.query(params)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(own_event(row)?);
    }
    Ok(events)
}

fn own_event(row: &Row<'_>) -> Result<OwnEvent, StoreError> {
    let action: Option<String> = row.get(5)?;
    let offered: Option<String> = row.get(6)?;
    Ok(OwnEvent {
        seq: row.get(0)?,
        store: parse(&row.get::<_, String>(1)?)?,
        id: parse(&row.get::<_, String>(2)?)?,
        name: row.get(3)?,
        args: Args::from_text(row.get(4)?),
        action: action.and_then(|text| serde_json::from_str(&text).ok()),
        offered: offered.as_deref().map(parse).transpose()?,
        position: match row.get::<_, Option<i64>>(7)? {
            Some(_) => Some(position(row, 7)?),
            None => None,
        },
        device: row.get::<_, Option<String>>(8)?.as_deref().map(parse).transpose()?,
        again: row.get(9)?,
    })
}
