//! The test disk itself: it loses what SQLite does not sync, and never what it does.
//!
//! Invariant: what is shown here about the disk is what every other test with power cuts stands on.

use std::path::{Path, PathBuf};

use mailtui::store::disk::{CAN_BE_WATCHED, replace, sync_log};
use mailtui::store::{Db, Durability, Kind, StoreError};

use crate::support::clock::Dice;
use crate::support::disk::{CHANGES, Call, Disk, Fault};
use crate::support::platter::Loss;
use crate::support::world::scratch;

const SQL: &str = "CREATE TABLE t(n INTEGER PRIMARY KEY, text TEXT)";

fn open(path: &Path) -> Result<Db, StoreError> {
    Db::open(path, Kind::Threads, 1, SQL)
}

/// Rows 1.. that are there, after a check of the file; or what is wrong with it.
fn counted(db: &Db) -> Result<i64, String> {
    let wrong = db.integrity().map_err(|error| error.to_string())?;
    let row = "SELECT count(*), coalesce(max(n), 0) FROM t";
    let read = db.sql().query_row(row, [], |row| Ok((row.get(0)?, row.get(1)?)));
    let (count, last): (i64, i64) = read.map_err(|error| error.to_string())?;
    if wrong.is_empty() && count == last {
        Ok(count)
    } else {
        Err(format!("{count} rows up to {last}: {wrong:?}"))
    }
}

fn count(db: &Db) -> i64 {
    counted(db).unwrap()
}

/// Adds rows in transactions of their own; how many commits answered that all is well.
fn fill(db: &mut Db, from: i64, rows: i64) -> i64 {
    for n in from..from + rows {
        let done = db.begin().and_then(|()| {
            let text = "some text ".repeat(100);
            db.sql().execute("INSERT INTO t VALUES (?1, ?2)", (n, text))?;
            db.commit()
        });
        if done.is_err() {
            db.rollback();
            return n - from;
        }
        if n % 7 == 0 {
            let _ = db.checkpoint();
        }
    }
    rows
}

/// What is there after a power cut at the `at`-th change, and what was said to be there.
fn cut(durability: &str, at: u64, dice: &mut Dice) -> (Result<i64, String>, i64) {
    let home = scratch();
    let disk = Disk::new(home.path());
    let path = home.path().join("dir/f.db");
    disk.plan(CHANGES, at, 1, Fault::Cut);
    let said = open(&path).map_or(0, |mut db| {
        db.sql().pragma_update(None, "synchronous", durability).unwrap();
        fill(&mut db, 1, 30)
    });
    disk.die();
    disk.start_after_cut(if dice.once_in(4) { Loss::All } else { Loss::Some(dice.clone()) });
    dice.next();
    (open(&path).map_err(|error| error.to_string()).and_then(|db| counted(&db)), said)
}

#[test]
fn a_power_cut_loses_what_is_not_synced_and_nothing_else() {
    if !CAN_BE_WATCHED {
        return println!("skipped: a release build has no way to a test's disk");
    }
    let mut dice = Dice::new(1);
    let mut lost = 0;
    for at in 1..200 {
        let (is, said) = cut("full", at, &mut dice);
        let holds = is.as_ref().is_ok_and(|is| *is >= said);
        assert!(holds, "cut at change {at}: {said} acknowledged, {is:?} there");
        // The file may also be of no use at all.
        let (is, said) = cut("off", at, &mut Dice::new(at));
        lost += u32::from(is.map_or(true, |is| is < said));
    }
    assert!(lost > 20, "with synchronous=OFF {lost} cuts lose something");
}

#[test]
fn a_log_that_is_synced_beside_sqlite_is_kept() {
    if !CAN_BE_WATCHED {
        return println!("skipped: a release build has no way to a test's disk");
    }
    let check = |sync: bool| {
        let home = scratch();
        let disk = Disk::new(home.path());
        let path = home.path().join("f.db");
        let mut db = open(&path).unwrap();
        db.durable(Durability::Normal).unwrap();
        assert_eq!(fill(&mut db, 1, 3), 3);
        if sync {
            sync_log(&home.path().join("f.db-wal")).unwrap();
        }
        disk.die();
        assert!(sync_log(&home.path().join("f.db-wal")).is_err(), "a dead disk syncs nothing");
        drop(db);
        disk.start_after_cut(Loss::All);
        count(&open(&path).unwrap())
    };
    assert_eq!((check(true), check(false)), (3, 0));
}

#[test]
fn a_killed_process_leaves_what_it_had_written() {
    if !CAN_BE_WATCHED {
        return println!("skipped: a release build has no way to a test's disk");
    }
    let home = scratch();
    let disk = Disk::new(home.path());
    let path = home.path().join("f.db");
    let mut db = open(&path).unwrap();
    db.durable(Durability::Normal).unwrap();
    fill(&mut db, 1, 3);
    db.begin().unwrap();
    db.sql().execute("INSERT INTO t VALUES (4, '')", []).unwrap();
    disk.die();
    assert!(db.commit().is_err());
    disk.start();
    assert!(!disk.is_synced() && !disk.is_dead());
    let other = open(&path).unwrap();
    assert_eq!(count(&other), 3);
    // What was opened in the former life is of no use, and does no harm.
    assert_eq!(fill(&mut db, 4, 1), 0);
    drop(db);
    assert_eq!(count(&other), 3);
}

#[test]
fn what_a_killed_process_had_committed_is_kept_once_it_is_opened_again() {
    if !CAN_BE_WATCHED {
        return println!("skipped: a release build has no way to a test's disk");
    }
    let home = scratch();
    let disk = Disk::new(home.path());
    let path = home.path().join("f.db");
    let mut db = open(&path).unwrap();
    db.durable(Durability::Normal).unwrap();
    fill(&mut db, 1, 3);
    disk.die();
    drop(db);
    disk.start();
    let db = open(&path).unwrap();
    assert_eq!(count(&db), 3);
    disk.die();
    drop(db);
    disk.start_after_cut(Loss::All);
    assert_eq!(count(&open(&path).unwrap()), 3);
}

#[test]
fn a_log_that_nobody_synced_has_its_name_for_good_with_the_next_sync_of_it() {
    if !CAN_BE_WATCHED {
        return println!("skipped: a release build has no way to a test's disk");
    }
    let home = scratch();
    let disk = Disk::new(home.path());
    let path = home.path().join("f.db");
    drop(open(&path).unwrap());
    disk.record();
    // The last to close a file takes its log away: this one makes it, and is killed.
    let db = open(&path).unwrap();
    disk.die();
    drop(db);
    disk.start();
    let log = Path::new("f.db-wal");
    let calls = disk.recorded();
    let on_log = |call| calls.iter().any(|(made, file)| *made == call && file.as_path() == log);
    assert_eq!((on_log(Call::Make), on_log(Call::Sync)), (true, false));
    let mut db = open(&path).unwrap();
    assert_eq!(fill(&mut db, 1, 3), 3);
    disk.die();
    drop(db);
    disk.start_after_cut(Loss::All);
    assert_eq!(count(&open(&path).unwrap()), 3);
}

#[test]
fn what_a_disk_refused_to_sync_is_kept_elsewhere_before_anything_after_it() {
    if !CAN_BE_WATCHED {
        return println!("skipped: a release build has no way to a test's disk");
    }
    for killed in [false, true] {
        let home = scratch();
        let disk = Disk::new(home.path());
        let path = home.path().join("f.db");
        let mut db = open(&path).unwrap();
        db.durable(Durability::Normal).unwrap();
        assert_eq!(fill(&mut db, 1, 3), 3);
        db.durable(Durability::Full).unwrap();
        disk.plan(&[Call::Sync], 1, 1, Fault::Error);
        assert_eq!(fill(&mut db, 4, 1), 0, "it is not acknowledged");
        if killed {
            disk.die();
            drop(db);
            disk.start();
            db = open(&path).unwrap();
        }
        let there = count(&db);
        assert_eq!(fill(&mut db, there + 1, 1), 1);
        disk.die();
        drop(db);
        disk.start_after_cut(Loss::All);
        assert_eq!(count(&open(&path).unwrap()), there + 1, "killed: {killed}");
    }
}

#[test]
fn a_file_is_replaced_for_good_or_not_at_all() {
    if !CAN_BE_WATCHED {
        return println!("skipped: a release build has no way to a test's disk");
    }
    for at in 1..12 {
        for fault in [Fault::Cut, Fault::Error, Fault::Full] {
            let home = scratch();
            let path: PathBuf = home.path().join("token");
            let disk = Disk::new(home.path());
            replace(&path, b"old").unwrap();
            disk.plan(CHANGES, at, 1, fault);
            let done = replace(&path, b"new");
            disk.heal();
            disk.die();
            disk.start_after_cut(Loss::Some(Dice::new(at)));
            let is = std::fs::read(&path).unwrap();
            assert!(is == b"new" || is == b"old" && done.is_err(), "{at} {fault:?} {is:?}");
            replace(&path, b"new").unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"new");
        }
    }
}

#[test]
fn each_call_can_fail_and_is_counted() {
    if !CAN_BE_WATCHED {
        return println!("skipped: a release build has no way to a test's disk");
    }
    let home = scratch();
    let disk = Disk::new(home.path());
    let path = home.path().join("f.db");
    disk.record();
    fill(&mut open(&path).unwrap(), 1, 8);
    let calls = disk.recorded();
    for kind in [Call::Open, Call::Read, Call::Write, Call::Sync, Call::Delete, Call::Make] {
        assert!(calls.iter().any(|(call, _)| *call == kind), "{kind:?} of {calls:?}");
    }
    let mut db = open(&path).unwrap();
    let mut rows = count(&db);
    disk.plan(&[Call::Read], 1, 1_000, Fault::Flip);
    let sound = "SELECT count(*) FROM t WHERE text = ?1";
    let sound = open(&path).and_then(|db| {
        let text = "some text ".repeat(100);
        Ok(db.sql().query_row(sound, [text], |row| row.get::<_, i64>(0))?)
    });
    assert!(sound.map_or(true, |sound| sound < 8) && disk.heal() > 0);
    for kind in [Call::Write, Call::Sync] {
        disk.plan(&[kind], 1, 1, Fault::Error);
        assert_eq!(fill(&mut db, rows + 1, 1), 0, "{kind:?}");
        assert_eq!(disk.heal(), 1);
        assert_eq!(fill(&mut db, rows + 1, 1), 1, "{kind:?}, tried again");
        rows += 1;
    }
    disk.room(Some(10_000));
    let done = fill(&mut db, rows + 1, 100);
    assert!(done < 20 && disk.heal() > 0, "{done}");
    drop(db);
    assert_eq!(count(&open(&path).unwrap()), rows + done);
}
