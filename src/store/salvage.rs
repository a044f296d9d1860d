//! A database that is not what was written to it: recognised, put aside, and read as far as it can
//! be.
//!
//! Invariant: nothing is deleted, and what is another program's file is never touched. What was
//! read of a damaged file is what parses; whoever gets it is told whether that is all of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{OpenFlags, params_from_iter};

use crate::store::{Db, Kind, Own, StoreError, disk};

/// Settings of a device that outlive its file: who it is, whose it is, its last id, what it keeps.
const SETTINGS: [&str; 4] = ["id", "backend", "last-id", "keep"];
/// Own events as they were decided; where the backend put them is asked again.
const EVENTS: &str = "store, id, name, args, action, actionId, offered, device, again";
/// What the backend refused.
const REFUSED: &str = "id, store, name, args, action, reason, offered";

/// What could be read of a device's own things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salvaged {
    /// Own events.
    pub events: usize,
    /// Whether that is all there was.
    pub whole: bool,
}

impl Db {
    /// What is wrong with the file at `path`, one line; `None` when it is sound, or not there.
    ///
    /// # Errors
    /// When it is not ours, newer, or cannot be read at all.
    pub fn damage(path: &Path, kind: Kind, version: u32) -> Result<Option<String>, StoreError> {
        let found = Self::read(path, kind, version).and_then(|db| match db {
            Some(db) => db.integrity().map(|lines| lines.into_iter().next()),
            None => Ok(None),
        });
        match found {
            Err(error) if error.is_damage() => Ok(Some(error.to_string())),
            Err(StoreError::Older { .. }) => Ok(None),
            found => found,
        }
    }

    /// Makes the indexes of a file again, where nothing but them is not what was written; a line
    /// that says so. A file that is not ours, newer or damaged beyond that is left as it is.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn mend_indexes(
        path: &Path,
        kind: Kind,
        version: u32,
    ) -> Result<Option<String>, StoreError> {
        let Ok(Some(why)) = Self::damage(path, kind, version) else { return Ok(None) };
        // It is one transaction: what it cannot do it does not do.
        let tried = Self::salvage(path).and_then(|db| Ok(db.sql().execute_batch("REINDEX")?));
        if tried.is_err() || Self::damage(path, kind, version)?.is_some() {
            return Ok(None);
        }
        let why = crate::safe_text::line(&why);
        Ok(Some(format!("{}: {why}; its indexes were made again", path.display())))
    }

    /// Opens a damaged file as it is, for what can be read of it.
    ///
    /// # Errors
    /// When SQLite cannot open it.
    pub fn salvage(path: &Path) -> Result<Self, StoreError> {
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
    }

    /// Rows of a table as far as they can be read, from both ends, and whether those are all.
    pub(crate) fn rows(&self, columns: &str, table: &str) -> (Vec<Vec<Value>>, bool) {
        let mut found = BTreeMap::new();
        for order in ["", " DESC"] {
            let sql =
                format!("SELECT rowid, {columns} FROM {table} NOT INDEXED ORDER BY rowid{order}");
            if self.scan(&sql, &mut found).is_ok() {
                return (found.into_values().collect(), true);
            }
        }
        (found.into_values().collect(), false)
    }

    fn scan(&self, sql: &str, found: &mut BTreeMap<i64, Vec<Value>>) -> rusqlite::Result<()> {
        let mut statement = self.sql().prepare(sql)?;
        let width = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let values = (1..width).map(|at| row.get(at)).collect::<rusqlite::Result<_>>()?;
            found.insert(row.get(0)?, values);
        }
        Ok(())
    }
}

impl Own {
    /// Puts what can be read of a damaged device's own things into a new one; its transaction is
    /// the caller's. Own events wait to be offered again: what the backend has it knows by id.
    ///
    /// # Errors
    /// When the new file refuses.
    pub fn salvage(from: &Db, into: &Db) -> Result<Salvaged, StoreError> {
        let (settings, mut whole) = from.rows("name, value", "device");
        for row in &settings {
            if let [Value::Text(name), Value::Text(value)] = row.as_slice()
                && SETTINGS.contains(&name.as_str())
            {
                Self::set(into, name, value)?;
            }
        }
        let mut events = 0;
        for (table, columns, args) in [("unprojected", EVENTS, 3), ("refused", REFUSED, 3)] {
            let (rows, all) = from.rows(columns, table);
            whole &= all;
            let places = vec!["?"; columns.split(',').count()].join(", ");
            let sql = format!("INSERT OR IGNORE INTO {table}({columns}) VALUES ({places})");
            for row in rows {
                if !row.get(args).is_some_and(is_json) {
                    whole = false;
                    continue;
                }
                into.sql().prepare_cached(&sql)?.execute(params_from_iter(row))?;
                events += usize::from(table == "unprojected");
            }
        }
        // A row that does not parse would stop whoever reads them all.
        if Self::all(into).is_err() || Self::refused(into).is_err() {
            into.sql().execute_batch("DELETE FROM unprojected; DELETE FROM refused;")?;
            return Ok(Salvaged { events: 0, whole: false });
        }
        Ok(Salvaged { events, whole })
    }
}

fn is_json(value: &Value) -> bool {
    let Value::Text(text) = value else { return false };
    serde_json::from_str::<serde_json::Value>(text).is_ok()
}

/// Puts a damaged file aside, with its write-ahead log, under a name that is free; which.
///
/// # Errors
/// When the system refuses.
pub fn put_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let named = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let mut end = ".damaged".to_owned();
    for again in 2.. {
        if !named(&end).exists() {
            break;
        }
        end = format!(".damaged-{again}");
    }
    let aside = named(&end);
    disk::rename(path, &aside)?;
    let log = named("-wal");
    if log.exists() {
        disk::rename(&log, &named(&format!("{end}-wal")))?;
    }
    let index = named("-shm");
    if index.exists() {
        disk::remove(&index)?;
    }
    if let Some(dir) = path.parent() {
        disk::sync_dir(dir)?;
    }
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "CREATE TABLE t(n INTEGER PRIMARY KEY, text TEXT)";

    #[test]
    fn what_is_around_a_damaged_page_is_read_and_the_file_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f.db");
        let mut db = Db::open(&path, Kind::Mailbox, 1, SQL).unwrap();
        db.begin().unwrap();
        for n in 0..400 {
            let text = "some text ".repeat(20);
            db.sql().execute("INSERT INTO t VALUES (?1, ?2)", (n, text)).unwrap();
        }
        db.commit().unwrap();
        drop(db);
        assert_eq!(Db::damage(&path, Kind::Mailbox, 1).unwrap(), None);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0xff);
        std::fs::write(&path, &bytes).unwrap();
        assert!(Db::damage(&path, Kind::Mailbox, 1).unwrap().is_some());
        let (rows, whole) = Db::salvage(&path).unwrap().rows("n, text", "t");
        assert!(!whole && (300..400).contains(&rows.len()), "{}", rows.len());
        let first = put_aside(&path).unwrap();
        std::fs::write(&path, b"again").unwrap();
        assert_ne!(put_aside(&path).unwrap(), first);
        assert!(std::fs::read(&first).unwrap() == bytes && !path.exists());
    }

    #[test]
    fn own_events_move_and_what_does_not_parse_stays() {
        let [from, into] = [(); 2].map(|()| Db::memory(Own::SQL).unwrap());
        let rows = "INSERT INTO unprojected(store, id, name, args, position) VALUES
             ('thread-aaaaaaaa', '018f4d21-9e80-7d7c-8d0d-02708c71c2f4', 'v1.A', '{}', 7),
             ('thread-aaaaaaaa', '018f4d21-9e80-7d7c-8d0d-02708c71c2f5', 'v1.A', '{', NULL);
             INSERT INTO device VALUES ('id', 'dabc'), ('epoch', '1.a');";
        from.sql().execute_batch(rows).unwrap();
        let salvaged = Own::salvage(&from, &into).unwrap();
        assert_eq!(salvaged, Salvaged { events: 1, whole: false });
        assert_eq!(Own::counts(&into).unwrap(), (1, 1), "it is offered again");
        let setting = |name| Own::setting(&into, name).unwrap();
        assert_eq!((setting("id").as_deref(), setting("epoch")), (Some("dabc"), None));
    }
}
