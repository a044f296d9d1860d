//! Room that is made ahead at the end of a write-ahead log: to write where a file has bytes
//! already, and to sync that, is half the work of letting it grow, since only the bytes are new.
//!
//! Invariant: only who holds the database's write lock makes room, so that it lies behind all that
//! anybody has written. Zeros are no frame of a log, whose salt and checksum must fit (SQLite file
//! format, section 4.2): who reads it stops before them. Nothing needs the room: where the disk
//! refuses it, the log grows as it would.

use std::path::Path;

use rusqlite::{Connection, TransactionState};

use crate::store::disk;

/// Bytes that are made at a time, at least.
const LEAST: u64 = 64 * 1_024;
/// And at most; between them as many as the log has.
const MOST: u64 = 1_024 * 1_024;

/// Bytes of a log that gets no more: about as long it is copied into its file, and begins anew
/// where it is.
const LONGEST: u64 = 16 * 1_024 * 1_024;

/// How far there is room in a log.
#[derive(Default)]
pub(super) struct Room {
    end: u64,
}

/// Where it ends makes nobody do anything else.
impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Room").finish_non_exhaustive()
    }
}

impl Room {
    /// Makes room for a transaction that may have written, and is about to be committed.
    pub(super) fn before_commit(&mut self, connection: &Connection, log: &Path) {
        if matches!(connection.transaction_state(Some(c"main")), Ok(TransactionState::Write)) {
            self.make(log, LONGEST);
        }
    }

    /// Makes more where the log has outgrown what there was and is shorter than `longest`. One that
    /// is empty, or not there, stays so: many a process commits once.
    fn make(&mut self, log: &Path, longest: u64) {
        let size = std::fs::metadata(log).map_or(0, |meta| meta.len());
        let grew = size > self.end;
        self.end = size;
        if grew && size < longest {
            let zeros = vec![0; usize::try_from(size.clamp(LEAST, MOST)).unwrap_or_default()];
            if disk::append(log, size, &zeros).is_ok() {
                self.end += zeros.len() as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Db, Durability, Kind};

    fn rows(db: &Db) -> i64 {
        db.sql().query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_log_has_room_ahead_and_what_reads_it_stops_before_that() {
        let dir = tempfile::tempdir().unwrap();
        let (path, log) = (dir.path().join("f.db"), dir.path().join("f.db-wal"));
        let mut db = Db::open(&path, Kind::Threads, 1, "CREATE TABLE t(x)").unwrap();
        let size = |log: &Path| std::fs::metadata(log).unwrap().len();
        let (mut sizes, most) = (vec![size(&log)], 40);
        for n in 1..=most {
            db.begin().unwrap();
            db.sql().execute("INSERT INTO t VALUES (zeroblob(3000))", []).unwrap();
            db.commit().unwrap();
            let now = size(&log);
            if sizes.last() != Some(&now) {
                sizes.push(now);
            }
            assert_eq!(rows(&db), n);
        }
        assert!(sizes.len() < 10, "it grew {} times in {most} commits: {sizes:?}", sizes.len());
        // As a process leaves it that was killed.
        let left = dir.path().join("left.db");
        std::fs::copy(&path, &left).unwrap();
        std::fs::copy(&log, dir.path().join("left.db-wal")).unwrap();
        let left = Db::open(&left, Kind::Threads, 1, "").unwrap();
        assert_eq!((rows(&left), left.integrity().unwrap()), (most, Vec::new()));
    }

    #[test]
    fn who_only_reads_makes_none() {
        let dir = tempfile::tempdir().unwrap();
        let (path, log) = (dir.path().join("f.db"), dir.path().join("f.db-wal"));
        let check = |begin: fn(&mut Db) -> Result<(), crate::store::StoreError>, grows: bool| {
            let mut db = Db::open(&path, Kind::Threads, 1, "CREATE TABLE t(x)").unwrap();
            db.durable(Durability::Normal).unwrap();
            db.begin().unwrap();
            db.sql().execute("INSERT INTO t VALUES (1)", []).unwrap();
            db.commit().unwrap();
            db.durable(Durability::Full).unwrap();
            let before = std::fs::metadata(&log).unwrap().len();
            begin(&mut db).unwrap();
            assert!(rows(&db) > 0);
            db.commit().unwrap();
            assert_eq!(std::fs::metadata(&log).unwrap().len() > before, grows);
        };
        check(Db::begin_read, false);
        check(Db::begin, true);
    }

    #[test]
    fn a_log_that_is_not_there_or_is_cut_gets_none() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let mut room = Room::default();
        room.make(&log, u64::MAX);
        assert!(!log.exists());
        let check = |room: &mut Room, size: usize, then: u64| {
            std::fs::write(&log, vec![7; size]).unwrap();
            room.make(&log, 1_000_000);
            assert_eq!(std::fs::metadata(&log).unwrap().len(), then, "of {size}");
        };
        check(&mut room, 0, 0);
        check(&mut room, 1_000, 1_000 + LEAST);
        check(&mut room, 900, 900);
        check(&mut room, 300_000, 600_000);
        check(&mut room, 600_000, 600_000);
        check(&mut room, 1_000_000, 1_000_000);
    }
}
