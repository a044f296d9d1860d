//! The embedded storage driver: one SQLite file for Thread logs, the queue, snapshots, the message
//! index and blobs.
//!
//! Invariant: what must be true together is in one file and one transaction: an event and its
//! message's index entry; a snapshot, its position and the queued batch.

mod again;
mod conflicts;
mod damaged;
mod edge;
mod epoch;
mod feed;
mod index;
mod links;
mod outbox;
mod outlines;
mod purged;
mod queue;
pub(super) mod references;
mod snapshot_file;
mod snapshots;
mod undo;

pub(crate) use again::Again;
pub(crate) use conflicts::Conflicts;
pub(crate) use damaged::Damaged;
pub(crate) use edge::{Base, Dirty, EdgeFolder, EdgeMessage, Edges};
pub(crate) use epoch::{
    append, append_at, begin, begin_first, epoch, is_restored, new_epoch, put_back, restored,
};
pub(crate) use feed::{Feed, look};
pub use feed::{Logs, Looked, Texts};
pub(crate) use index::{Index, Known};
pub(crate) use links::Links;
pub(crate) use outbox::{CopyRow, Outbox, OutboxRow};
pub(crate) use outlines::Outlines;
pub(crate) use purged::Purged;
pub(crate) use queue::{Queue, Queued};
pub(crate) use snapshot_file::{Held, SnapshotFile};
pub(crate) use snapshots::Snapshots;
pub(crate) use undo::{reached, spread};

use std::path::Path;

use crate::store::{Blobs, Db, Kind, Log, StoreError};

/// The format of `threads.db`.
pub const VERSION: u32 = 4;

/// Opens or makes the file in the backend's directory. `now` is Unix seconds.
pub(crate) fn open(dir: &Path, now: i64) -> Result<Db, StoreError> {
    let make = |db: &Db, found| make(db, found, now);
    let mut db = Db::open_with(&dir.join("threads.db"), Kind::Threads, VERSION, &make)?;
    // They came within this format: a file of it may lack them.
    db.sql().execute_batch(Outbox::SQL)?;
    db.sql().execute_batch(Damaged::SQL)?;
    references::open(&mut db, now)?;
    if Again::is_due(&db)? {
        db.begin()?;
        if let Err(error) = Again::list(&db) {
            db.rollback();
            return Err(error);
        }
        db.commit()?;
    }
    Ok(db)
}

fn make(db: &Db, found: u32, now: i64) -> Result<(), StoreError> {
    if found > 0 {
        Log::upgrade(db, found)?;
        Blobs::upgrade(db, found)?;
    }
    db.sql().execute_batch(&sql())?;
    if found > 0 {
        references::put_right(db, now)?;
        Links::put_right(db)?;
        Purged::upgrade(db, found, now)?;
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
        Again::SQL,
        Edges::SQL,
        Conflicts::SQL,
        Outbox::SQL,
        Outlines::SQL,
        Damaged::SQL,
        references::SQL,
    ];
    tables.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_trash_when_the_format_changes_is_there_since_then() {
        let old = "
            CREATE TABLE stores(key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
                head INTEGER NOT NULL DEFAULT 0, chain BLOB NOT NULL DEFAULT x'');
            CREATE TABLE blobs(key INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,
                size INTEGER NOT NULL, data BLOB NOT NULL);
            CREATE TABLE snapshots(store INTEGER PRIMARY KEY, position INTEGER NOT NULL,
                snapshot TEXT NOT NULL);
            INSERT INTO stores(key, id) VALUES (7, 'thread-aaaaaaaa'), (8, 'thread-bbbbbbbb');
            INSERT INTO snapshots VALUES (7, 1, '{\"facts\":{\"place\":\"trash\"}}'),
                (8, 1, '{\"facts\":{\"place\":\"inbox\"}}'), (9, 1, '');";
        let db = Db::memory(old).unwrap();
        make(&db, 1, 1_000).unwrap();
        let store = |id| crate::id::StoreId::try_from(format!("thread-{id}")).unwrap();
        assert_eq!(Purged::trashed(&db, &store("aaaaaaaa")).unwrap(), Some(1_000));
        assert_eq!(Purged::trashed(&db, &store("bbbbbbbb")).unwrap(), None);
        assert_eq!(Purged::in_trash(&db, 999).unwrap(), (1, 0));
    }
}
