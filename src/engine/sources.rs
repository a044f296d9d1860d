//! `DIR/sources.db`: which files were imported from where, and what they said.
//!
//! Invariant: a cache, and never in anybody's way: when it cannot be read or written, or belongs to
//! another life of the backend, it is thrown away, and files are read again. It holds paths and
//! folder names, no mail.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension as _, Row, params};

use crate::bridge::ledger::{Entry, FileRow, Ledger, LeftOut, Stamp};
use crate::clock::Clock;
use crate::id::{ThreadId, base32};
use crate::notice::{Explain as _, Notice};
use crate::store::{Db, Durability, Kind, StoreError, disk};

/// The file's name in the data directory.
const NAME: &str = "sources.db";
/// The format of the file.
const VERSION: u32 = 1;
/// Rows of files that are gone and are still recognised, should they come back elsewhere.
const GONE_KEPT: i64 = 100_000;
/// Page cache, in KiB: rows are written in the order of their keys, and read once.
const CACHE_KIB: i32 = 1_024;
/// The columns of a row, in the order of [`row`].
const ROW: &str = "f.id, f.size, f.modified, f.changed, f.inode, f.gone, f.version, f.held, \
                   f.purged, f.expunged";

/// The column after those of [`ROW`].
const NAMED: usize = 10;

const SQL: &str = "
    CREATE TABLE IF NOT EXISTS settings(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS roots(path BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS dirs(id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS files(
        id INTEGER PRIMARY KEY, dir INTEGER NOT NULL, name BLOB NOT NULL,
        size INTEGER, modified INTEGER, changed INTEGER, inode INTEGER,
        gone INTEGER NOT NULL, version INTEGER NOT NULL, held TEXT NOT NULL,
        purged INTEGER NOT NULL, expunged INTEGER NOT NULL, UNIQUE(dir, name));
    CREATE INDEX IF NOT EXISTS files_gone ON files(version) WHERE gone;
    CREATE TABLE IF NOT EXISTS threads(
        thread INTEGER NOT NULL, file INTEGER NOT NULL, PRIMARY KEY(thread, file)) WITHOUT ROWID;
";

/// The ledger of a data directory.
#[derive(Debug)]
pub struct Sources {
    path: PathBuf,
    db: Option<Db>,
    name: String,
    version: u64,
    trouble: Option<Notice>,
}

impl Sources {
    /// Opens or makes it for a backend and the epoch of its logs; `None` where that is not known,
    /// and then nothing is remembered.
    #[must_use]
    pub fn open(dir: &Path, backend: Option<&(String, String)>, clock: &dyn Clock) -> Self {
        let path = dir.join(NAME);
        let (name, version, trouble) = (String::new(), 0, None);
        let mut sources = Self { path, db: None, name, version, trouble };
        if let Some(backend) = backend {
            let opened = sources.begin(backend, clock).or_else(|error| {
                if matches!(error, StoreError::Newer { .. }) {
                    return Err(error);
                }
                sources.discard();
                sources.begin(backend, clock)
            });
            if let Err(error) = opened {
                sources.give_up(&error);
            }
        }
        sources
    }

    fn begin(
        &mut self,
        (backend, epoch): &(String, String),
        clock: &dyn Clock,
    ) -> Result<(), StoreError> {
        let mut db = Db::open(&self.path, Kind::Sources, VERSION, SQL)?;
        db.durable(Durability::Normal)?;
        db.sql().pragma_update(None, "cache_size", -CACHE_KIB)?;
        let mine = |name: &str, value: &str| -> Result<bool, StoreError> {
            Ok(setting(&db, name)?.as_deref() == Some(value))
        };
        if !(mine("backend", backend)? && mine("epoch", epoch)?) {
            // What another life of the backend took in, this one may never have seen.
            let mut random = [0; 16];
            clock.random(&mut random);
            db.begin()?;
            for table in ["settings", "roots", "dirs", "files", "threads"] {
                db.sql().execute(&format!("DELETE FROM {table}"), [])?;
            }
            set(&db, "backend", backend)?;
            set(&db, "epoch", epoch)?;
            set(&db, "name", &base32(&random, 20))?;
            db.commit()?;
        }
        self.name = setting(&db, "name")?.unwrap_or_default();
        self.version = version(&db)?;
        self.db = Some(db);
        Ok(())
    }

    /// Forgets files with messages of purged threads: they are read again, so that it is said what
    /// was left out. `purged` are all of them, and only looked at when they are more than before.
    pub fn forget_purged(&mut self, purged: &[ThreadId]) {
        let count = purged.len().to_string();
        let known = self.with(|db| setting(db, "purged"));
        if known.as_deref().unwrap_or("0") == count {
            return;
        }
        self.with(|db| {
            db.begin()?;
            for thread in purged {
                let mut find =
                    db.sql().prepare_cached("SELECT file FROM threads WHERE thread = ?1")?;
                let files = find.query_map([short(thread)], |row| row.get::<_, i64>(0))?;
                for id in files.collect::<Result<Vec<_>, _>>()? {
                    forget(db, id)?;
                }
            }
            set(db, "purged", &count)?;
            db.commit()
        });
    }

    fn discard(&mut self) {
        self.db = None;
        for end in ["", "-wal", "-shm"] {
            let mut path = self.path.clone().into_os_string();
            path.push(end);
            // One that cannot be removed cannot be opened either, and that is said.
            let _ = disk::remove(Path::new(&path));
        }
    }

    fn give_up(&mut self, error: &StoreError) {
        self.db = None;
        let line = format!("what was imported from where is not remembered: {error}");
        let hint = "the next import reads every file again; nothing is taken in twice";
        self.trouble = Some(Notice::warning(error.notice().code, line, hint));
    }

    /// Why it remembers nothing, if so.
    #[must_use]
    pub fn trouble(&self) -> Option<&Notice> {
        self.trouble.as_ref()
    }

    /// Does something with the file; when that fails it is thrown away, and `T` is empty.
    fn with<T: Default>(&mut self, go: impl FnOnce(&mut Db) -> Result<T, StoreError>) -> T {
        let Some(db) = &mut self.db else { return T::default() };
        match go(db) {
            Ok(value) => value,
            Err(error) => {
                self.discard();
                self.give_up(&error);
                T::default()
            }
        }
    }
}

impl Ledger for Sources {
    fn directory(&mut self, dir: &Path) -> HashMap<OsString, FileRow> {
        self.with(|db| {
            let mut statement = db.sql().prepare_cached(&format!(
                "SELECT {ROW}, f.name FROM files f JOIN dirs d ON d.id = f.dir WHERE d.path = ?1"
            ))?;
            let mut rows = statement.query([dir.as_os_str().as_bytes()])?;
            let mut found = HashMap::new();
            while let Some(at) = rows.next()? {
                found.insert(OsString::from_vec(at.get(NAMED)?), row(at)?);
            }
            Ok(found)
        })
    }

    fn below(&mut self, root: &Path) -> Vec<PathBuf> {
        self.with(|db| {
            let mut statement = db.sql().prepare_cached("SELECT path FROM dirs ORDER BY path")?;
            let paths = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
            let paths: Vec<Vec<u8>> = paths.collect::<Result<_, _>>()?;
            let paths = paths.into_iter().map(|path| PathBuf::from(OsString::from_vec(path)));
            Ok(paths.filter(|path| path.starts_with(root)).collect())
        })
    }

    fn of_thread(&mut self, thread: &ThreadId) -> Vec<(PathBuf, FileRow)> {
        self.with(|db| {
            let mut statement = db.sql().prepare_cached(&format!(
                "SELECT {ROW}, f.name, d.path FROM threads t JOIN files f ON f.id = t.file
                 JOIN dirs d ON d.id = f.dir WHERE t.thread = ?1 ORDER BY f.id"
            ))?;
            let mut rows = statement.query([short(thread)])?;
            let mut found = Vec::new();
            while let Some(at) = rows.next()? {
                let row = row(at)?;
                if row.held.iter().any(|held| held.thread == *thread) {
                    let dir = PathBuf::from(OsString::from_vec(at.get(NAMED + 1)?));
                    found.push((dir.join(OsString::from_vec(at.get(NAMED)?)), row));
                }
            }
            Ok(found)
        })
    }

    fn write(&mut self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let version = self.with(|db| {
            db.begin()?;
            let version = version(db)? + 1;
            let mut last = (PathBuf::new(), 0);
            for entry in &entries {
                match entry {
                    Entry::Put(path, row) => put(db, &mut last, path, row, version)?,
                    Entry::Forget(id) => forget(db, *id)?,
                    Entry::Gone(id) => {
                        let sql = "UPDATE files SET gone = 1, version = ?2 WHERE id = ?1";
                        db.sql().prepare_cached(sql)?.execute(params![id, number(version)])?;
                    }
                }
            }
            set(db, "version", &version.to_string())?;
            db.commit()?;
            Ok(version)
        });
        self.version = self.version.max(version);
    }

    fn is_complete(&mut self, root: &Path) -> bool {
        self.with(|db| {
            let sql = "SELECT count(*) > 0 FROM roots WHERE path = ?1";
            let mut statement = db.sql().prepare_cached(sql)?;
            for at in root.ancestors() {
                if statement.query_row([at.as_os_str().as_bytes()], |row| row.get(0))? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    fn complete(&mut self, root: &Path) {
        self.with(|db| {
            db.begin()?;
            db.sql()
                .prepare_cached("INSERT OR IGNORE INTO roots(path) VALUES (?1)")?
                .execute([root.as_os_str().as_bytes()])?;
            db.sql()
                .prepare_cached(
                    "DELETE FROM files WHERE gone AND version < (SELECT version FROM files
                     WHERE gone ORDER BY version DESC LIMIT 1 OFFSET ?1)",
                )?
                .execute([GONE_KEPT])?;
            db.commit()
        });
    }

    fn name(&self) -> (String, u64) {
        (self.name.clone(), self.version)
    }
}

/// Writes a file's row. `last` is the directory of the row before it, and its key.
fn put(
    db: &Db,
    last: &mut (PathBuf, i64),
    path: &Path,
    row: &FileRow,
    version: u64,
) -> Result<(), StoreError> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default().as_bytes();
    if last.0 != dir {
        let bytes = dir.as_os_str().as_bytes();
        db.sql()
            .prepare_cached("INSERT OR IGNORE INTO dirs(path) VALUES (?1)")?
            .execute([bytes])?;
        let mut find = db.sql().prepare_cached("SELECT id FROM dirs WHERE path = ?1")?;
        *last = (dir.to_owned(), find.query_row([bytes], |row| row.get(0))?);
    }
    let stamp = row.stamp;
    let held = serde_json::to_string(&row.held).map_err(|e| StoreError::Row(e.to_string()))?;
    let id: i64 = db
        .sql()
        .prepare_cached(
            "INSERT INTO files(dir, name, size, modified, changed, inode, gone, version, held,
                               purged, expunged)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, ?10)
             ON CONFLICT(dir, name) DO UPDATE SET size = ?3, modified = ?4, changed = ?5,
             inode = ?6, gone = 0, version = ?7, held = ?8, purged = ?9, expunged = ?10
             RETURNING id",
        )?
        .query_row(
            params![
                last.1,
                name,
                stamp.map(|stamp| number(stamp.size)),
                stamp.map(|stamp| stamp.modified),
                stamp.map(|stamp| stamp.changed),
                stamp.map(|stamp| stamp.inode.cast_signed()),
                number(version),
                held,
                number(row.left_out.purged),
                number(row.left_out.expunged)
            ],
            |row| row.get(0),
        )?;
    let mut link =
        db.sql().prepare_cached("INSERT OR IGNORE INTO threads(thread, file) VALUES (?1, ?2)")?;
    for held in &row.held {
        link.execute([short(&held.thread), id])?;
    }
    Ok(())
}

/// Removes a row. Its links to threads are as good as gone with it.
fn forget(db: &Db, id: i64) -> Result<(), StoreError> {
    let mut find =
        db.sql().prepare_cached(&format!("SELECT {ROW} FROM files f WHERE f.id = ?1"))?;
    let row = find.query_row([id], |at| Ok(row(at))).optional()?.transpose()?;
    let mut unlink =
        db.sql().prepare_cached("DELETE FROM threads WHERE thread = ?1 AND file = ?2")?;
    for held in row.iter().flat_map(|row| &row.held) {
        unlink.execute([short(&held.thread), id])?;
    }
    db.sql().prepare_cached("DELETE FROM files WHERE id = ?1")?.execute([id])?;
    Ok(())
}

fn row(row: &Row<'_>) -> Result<FileRow, StoreError> {
    let size: Option<i64> = row.get(1)?;
    let stamp = match size {
        Some(size) => Some(Stamp {
            size: size.cast_unsigned(),
            modified: row.get(2)?,
            changed: row.get(3)?,
            inode: row.get::<_, i64>(4)?.cast_unsigned(),
        }),
        None => None,
    };
    // What cannot be read is read from the file again.
    let held = serde_json::from_str(row.get_ref(7)?.as_str().unwrap_or_default());
    Ok(FileRow {
        id: row.get(0)?,
        stamp: stamp.filter(|_| held.is_ok()),
        gone: row.get(5)?,
        version: row.get::<_, i64>(6)?.cast_unsigned(),
        held: held.unwrap_or_default(),
        left_out: LeftOut {
            purged: row.get::<_, i64>(8)?.cast_unsigned(),
            expunged: row.get::<_, i64>(9)?.cast_unsigned(),
        },
    })
}

fn number(number: u64) -> i64 {
    number.cast_signed()
}

/// A thread's key in the index of rows; two threads may share one.
fn short(thread: &ThreadId) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(thread.as_str().as_bytes()).as_bytes()[..8]);
    i64::from_le_bytes(first)
}

fn version(db: &Db) -> Result<u64, StoreError> {
    Ok(setting(db, "version")?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

fn setting(db: &Db, name: &str) -> Result<Option<String>, StoreError> {
    let mut find = db.sql().prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
    Ok(find.query_row([name], |row| row.get(0)).optional()?)
}

fn set(db: &Db, name: &str, value: &str) -> Result<(), StoreError> {
    db.sql()
        .prepare_cached("INSERT OR REPLACE INTO settings(name, value) VALUES (?1, ?2)")?
        .execute([name, value])?;
    Ok(())
}
