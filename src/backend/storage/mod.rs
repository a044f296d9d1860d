//! The embedded storage driver: one SQLite file for Thread logs, the queue, snapshots, the message
//! index and blobs.
//!
//! Invariant: what must be true together is in one file and one transaction: an event and its
//! message's index entry; a snapshot, its position and the queued batch.

mod index;
mod links;
mod purged;
mod queue;
pub(super) mod references;
mod snapshots;
mod undo;

pub(crate) use index::{Index, Known};
pub(crate) use links::Links;
pub(crate) use purged::Purged;
pub(crate) use queue::{Queue, Queued};
pub(crate) use snapshots::Snapshots;
pub(crate) use undo::spread;

use std::path::Path;

use crate::store::{Blobs, Db, Kind, Log, StoreError};

/// The format of `threads.db`.
pub const VERSION: u32 = 2;

/// Opens or makes the file in the backend's directory. `now` is Unix seconds.
pub(crate) fn open(dir: &Path, now: i64) -> Result<Db, StoreError> {
    let make = |db: &Db, found: u32| make(db, found, now);
    Db::open_with(&dir.join("threads.db"), Kind::Threads, VERSION, &make)
}

fn make(db: &Db, found: u32, now: i64) -> Result<(), StoreError> {
    if found > 0 {
        Log::upgrade(db, found)?;
        Blobs::upgrade(db, found)?;
    }
    db.sql().execute_batch(&sql())?;
    if found > 0 {
        references::put_right(db)?;
        Links::put_right(db)?;
        Purged::trash_all(db, now)?;
    }
    Ok(())
}

/// Opens the file for reading; `None` when it is not there.
pub(crate) fn read(dir: &Path) -> Result<Option<Db>, StoreError> {
    Db::read(&dir.join("threads.db"), Kind::Threads, VERSION)
}

fn sql() -> String {
    let tables = [
        Log::SQL,
        Blobs::SQL,
        Snapshots::SQL,
        Queue::SQL,
        Index::SQL,
        Links::SQL,
        Purged::SQL,
        undo::SQL,
    ];
    tables.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_trash_without_a_time_is_there_from_now_on() {
        let db = Db::memory(&sql()).unwrap();
        let rows = [
            (1, r#"{"facts":{"place":"trash"}}"#),
            (2, r#"{"facts":{"place":"inbox"}}"#),
            (3, "damaged"),
            (4, r#"{"facts":{"place":"trash"}}"#),
        ];
        for (store, snapshot) in rows {
            let sql = "INSERT INTO snapshots(store, position, snapshot) VALUES (?1, 1, ?2)";
            db.sql().execute(sql, (store, snapshot)).unwrap();
        }
        Purged::trash(&db, 4, true, 5).unwrap();
        Purged::trash_all(&db, 70).unwrap();
        for (before, count) in [(4, 0), (5, 1), (69, 1), (70, 2)] {
            assert_eq!(Purged::in_trash(&db, before).unwrap(), (2, count), "before {before}");
        }
    }
}
