//! The room that a file takes, and giving back what was deleted from it.
//!
//! Invariant: nothing here knows what a table is for, so that it works on every database of a data
//! directory. The caller owns the directory when a file is rewritten.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::store::{StoreError, disk};

/// How every database begins.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// How long a reader of the file is waited for, in milliseconds.
const BUSY_MS: u64 = 5_000;

/// Bytes of a file by table, its indexes counted with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Space {
    /// By table.
    pub tables: BTreeMap<String, u64>,
    /// Pages that hold nothing any more.
    pub free: u64,
}

/// Whether a file is a database.
///
/// # Errors
/// When it cannot be read.
pub fn is_database(path: &Path) -> Result<bool, StoreError> {
    let io = |error| StoreError::Io { path: path.to_owned(), error };
    let mut start = Vec::new();
    let file = match std::fs::File::open(path) {
        // A journal beside a database goes when its transaction ends.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        file => file.map_err(io)?,
    };
    file.take(MAGIC.len() as u64).read_to_end(&mut start).map_err(io)?;
    Ok(start == MAGIC)
}

/// What takes how much room in a database.
///
/// # Errors
/// When the file is damaged or cannot be read.
pub fn space(path: &Path) -> Result<Space, StoreError> {
    let db = open(path)?;
    db.pragma_update(None, "query_only", true)?;
    let mut statement = db.prepare(
        "SELECT coalesce(m.tbl_name, s.name), sum(s.pgsize)
         FROM dbstat s LEFT JOIN sqlite_schema m ON m.name = s.name
         WHERE s.aggregate = TRUE GROUP BY 1",
    )?;
    let mut rows = statement.query([])?;
    let mut tables = BTreeMap::new();
    while let Some(row) = rows.next()? {
        tables.insert(row.get(0)?, u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default());
    }
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let free = pragma("freelist_count")?.saturating_mul(pragma("page_size")?);
    Ok(Space { tables, free: u64::try_from(free).unwrap_or_default() })
}

/// Writes a database anew without what was deleted from it, and empties its write-ahead log. A
/// crash leaves the old file or the new one.
///
/// # Errors
/// When the file is damaged, is read by another process, or there is no room for a second one.
pub fn compact(path: &Path) -> Result<(), StoreError> {
    let db = open(path)?;
    // What is in the file is for its owner only; so is the second one that is made on the way.
    if let Some(dir) = path.parent().and_then(Path::to_str) {
        db.pragma_update(None, "temp_store_directory", dir)?;
    }
    db.execute_batch("VACUUM")?;
    let busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        return Err(StoreError::InUse { path: path.to_owned() });
    }
    Ok(())
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = disk::connect(path, flags)?;
    db.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    Ok(db)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Db, Kind};

    #[test]
    fn what_was_deleted_is_in_no_byte_of_a_compacted_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f.db");
        let mut db = Db::open(&path, Kind::Threads, 1, "CREATE TABLE t(x)").unwrap();
        for n in 0..200 {
            db.begin().unwrap();
            db.sql()
                .execute("INSERT INTO t VALUES (?1)", [format!("marker {n}").repeat(50)])
                .unwrap();
            db.commit().unwrap();
        }
        db.sql().execute("DELETE FROM t", []).unwrap();
        drop(db);
        let holds = || {
            let files = std::fs::read_dir(dir.path()).unwrap();
            let bytes = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
            bytes.map(|b| b.windows(6).filter(|w| *w == b"marker").count()).sum::<usize>()
        };
        assert!(holds() > 0, "the test would see it");
        let before = space(&path).unwrap();
        assert!(before.free > 0 && before.tables["t"] > 0, "{before:?}");
        compact(&path).unwrap();
        assert_eq!((holds(), space(&path).unwrap().free), (0, 0));
        assert!(is_database(&path).unwrap());
    }
}
