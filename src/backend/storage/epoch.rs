//! The epoch of the logs, and what a restore says of it: how the first event of an epoch that a
//! restore began is told from what was put back.
//!
//! Invariant: an epoch is never used again. In an epoch that a restore began, the first event that
//! a Thread log gets is `v1.EpochBegan`, or the second in a log that begins in it.

use crate::backend::ingest::{event, event_id};
use crate::backend::storage::Snapshots;
use crate::clock::Clock;
use crate::id::{DeviceId, Epoch, StoreId, base32};
use crate::store::{Appended, Args, Db, Head, Log, NewEvent, Place, StoreError};
use crate::thread::{EpochBegan, name};

/// Who writes that an epoch began.
const BACKEND: &str = "backend";
/// Setting: the epoch.
const EPOCH: &str = "epoch";
/// Setting: the last row of `threads.db` that was put back; absent where nothing ever was.
const RESTORED: &str = "restored";
/// Setting: the last position of the Mailbox log that was put back.
const MAILBOX: &str = "restored-mailbox";

/// A new epoch: its number says how many there were, its random tail that it is no other.
pub(crate) fn new_epoch(last: Option<&Epoch>, clock: &dyn Clock) -> Result<Epoch, StoreError> {
    let number = last.and_then(|last| last.as_str().split('.').next()?.parse::<u32>().ok());
    let mut random = [0; 10];
    clock.random(&mut random);
    let number = number.unwrap_or(0).saturating_add(1);
    Epoch::try_from(format!("{number}.{}", base32(&random, 14)))
        .map_err(|error| StoreError::Row(error.to_string()))
}

/// The epoch of the logs; `None` in a new file.
pub(crate) fn epoch(db: &Db) -> Result<Option<Epoch>, StoreError> {
    let text = Snapshots::setting(db, EPOCH)?;
    text.map(Epoch::try_from).transpose().map_err(|error| StoreError::Row(error.to_string()))
}

/// The first epoch of a new file.
pub(crate) fn begin_first(db: &Db, epoch: &Epoch) -> Result<(), StoreError> {
    Snapshots::set(db, EPOCH, epoch.as_str())
}

/// What is here was put back, the Mailbox log up to a position, and a new epoch begins. What waits
/// for the Mailbox store counts in it: the logs that it comes from are the same.
pub(crate) fn begin(db: &Db, epoch: &Epoch, mailbox: u64) -> Result<(), StoreError> {
    Snapshots::set(db, EPOCH, epoch.as_str())?;
    Snapshots::set(db, RESTORED, &Log::last_row(db)?.to_string())?;
    Snapshots::set(db, MAILBOX, &mailbox.to_string())?;
    db.sql().execute(
        "UPDATE queue SET batch = json_set(batch, '$.source.epoch', ?1) WHERE json_valid(batch)",
        [epoch.as_str()],
    )?;
    Ok(())
}

/// The last row that was put back; `None` where nothing ever was.
pub(crate) fn restored(db: &Db) -> Result<Option<i64>, StoreError> {
    Ok(Snapshots::setting(db, RESTORED)?.and_then(|row| row.parse().ok()))
}

/// Whether a restore began this epoch.
pub(crate) fn is_restored(db: &Db) -> Result<bool, StoreError> {
    Ok(restored(db)?.is_some())
}

/// A log as it was put back; as it is, where nothing ever was.
pub(crate) fn put_back(threads: &Db, mailbox: &Db, store: &StoreId) -> Result<Head, StoreError> {
    let is_mailbox = store.as_str() == StoreId::MAILBOX;
    let log = if is_mailbox { mailbox } else { threads };
    let Some(row) = restored(threads)? else { return Log::head(log, store) };
    if !is_mailbox {
        return Log::head_at_row(threads, store, row);
    }
    let at = Snapshots::setting(threads, MAILBOX)?.and_then(|at| at.parse().ok()).unwrap_or(0);
    let chain = Log::chain_at(log, store, at)?.unwrap_or_default();
    Ok(Head { position: at, chain })
}

/// Appends to a Thread log what it does not hold by id, behind the mark of its epoch where it is
/// the first of one that a restore began.
pub(crate) fn append(
    db: &Db,
    epoch: &Epoch,
    store: &StoreId,
    events: &[NewEvent],
) -> Result<Appended, StoreError> {
    append_at(db, epoch, restored(db)?, (store, Log::find(db, store)?), events)
}

/// As [`append`], to a log that was looked for in this transaction and has not changed since, and
/// with what [`restored`] says.
pub(crate) fn append_at(
    db: &Db,
    epoch: &Epoch,
    restored: Option<i64>,
    (store, found): (&StoreId, Option<Place>),
    events: &[NewEvent],
) -> Result<Appended, StoreError> {
    let Some(row) = restored else { return Log::append_at(db, store, found, events) };
    let head = found.map_or_else(Head::default, |place| place.head);
    if Log::head_at_row(db, store, row)? != head {
        // It got something in this epoch already.
        return Log::append_at(db, store, found, events);
    }
    let mut known = true;
    for event in events {
        known = known && Log::holds(db, store, &event.id)?;
    }
    let Some((first, rest)) = events.split_first().filter(|_| !known) else {
        return Log::append_at(db, store, found, events);
    };
    let mark = mark(epoch, store, head.position)?;
    let marked: Vec<NewEvent> = if head.position == 0 {
        [first, &mark].into_iter().chain(rest).cloned().collect()
    } else {
        std::iter::once(&mark).chain(events).cloned().collect()
    };
    let mut appended = Log::append_at(db, store, found, &marked)?;
    appended.positions.retain(|(id, _)| *id != mark.id);
    Ok(appended)
}

fn mark(epoch: &Epoch, store: &StoreId, at: u64) -> Result<NewEvent, StoreError> {
    let id = event_id(&["epoch", epoch.as_str(), store.as_str()], &[]);
    let args = Args::of(&EpochBegan { epoch: epoch.clone(), at });
    let device = DeviceId::try_from(BACKEND).map_err(|e| StoreError::Row(e.to_string()))?;
    Ok(NewEvent { device, ..event(id, name::EPOCH_BEGAN, args, epoch)? })
}
