//! One SQLite file of ours: opened with the right permissions, format check and pragmas.
//!
//! Invariant: a file that is readable by others, newer than this program or not a database is never
//! written to. Transactions are begun and ended here, so that a caller can group several writes
//! into one sync to disk.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::store::StoreError;
use crate::store::disk::{self, make_private, private_dir};
use crate::store::kind::Kind;
use crate::store::room::Room;

/// How long a reader or writer waits for another's lock, in milliseconds.
const BUSY_MS: u64 = 5_000;
/// Page cache of a connection, in KiB.
const CACHE_KIB: i32 = 8 * 1024;
/// The write-ahead log is copied into the file when it is longer than this many pages of 4 KiB.
const CHECKPOINT_PAGES: i32 = 4_000;
/// Page cache of a connection that loads a whole mailbox, in KiB.
const BULK_CACHE_KIB: i32 = 192 * 1024;
/// How long its write-ahead log may get, in pages of 4 KiB.
const BULK_CHECKPOINT_PAGES: i32 = 64_000;
/// Prepared statements kept for reuse.
const STATEMENTS: usize = 128;

/// When a commit is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// At commit: what is acknowledged or exists only here.
    Full,
    /// At the next checkpoint or full commit: what can be fetched again.
    Normal,
}

/// One moment of a file that is held for reading; see [`Db::still`].
#[derive(Debug)]
#[must_use = "reads agree only while it is there"]
pub struct Still<'a>(
    #[expect(dead_code, reason = "it is there to be dropped")] Option<rusqlite::Transaction<'a>>,
);

/// Breaks off what a connection reads; may be held by another thread.
pub struct Interrupter(rusqlite::InterruptHandle);

impl std::fmt::Debug for Interrupter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupter")
    }
}

impl Interrupter {
    /// What is being read ends with an error; what is not begun yet is not touched.
    pub fn interrupt(&self) {
        self.0.interrupt();
    }
}

/// An open file.
#[derive(Debug)]
pub struct Db {
    connection: Connection,
    path: PathBuf,
    durability: Durability,
    in_transaction: bool,
    /// Whether the write-ahead log may lack what was written to it.
    distrusted: bool,
    /// How far there is room in it.
    room: Room,
}

impl Db {
    /// Opens `path` for writing, makes it where it is absent, and makes the tables of `sql` when
    /// its format is older than `version`.
    ///
    /// # Errors
    /// When the file cannot be opened, is damaged, or was written by a newer program.
    pub fn open(path: &Path, kind: Kind, version: u32, sql: &str) -> Result<Self, StoreError> {
        Self::open_with(path, kind, version, &|db, _| Ok(db.connection.execute_batch(sql)?))
    }

    /// As [`Db::open`]; `make` brings a file of an older format (0 is a new file) to this one, in
    /// one transaction with the mark that it has it.
    ///
    /// # Errors
    /// As [`Db::open`], and those of `make`: nothing is then changed.
    pub fn open_with(
        path: &Path,
        kind: Kind,
        version: u32,
        make: &dyn Fn(&Self, u32) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        if let Some(dir) = path.parent() {
            private_dir(dir)?;
        }
        make_private(path).map_err(|error| StoreError::Io { path: path.to_owned(), error })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let left = !is_still(path);
        let mut db = Self::connect(path, flags)?;
        db.check_format(kind, version)?;
        db.prepare_file(kind, version, make).map_err(|error| db.explain(error))?;
        if left {
            // A process that was killed may have committed what the disk does not have yet, or
            // refused; who reads it from now on takes it for kept. A full disk has no room for it
            // in another place.
            db.checkpoint().or_else(|_| disk::sync_log(&log_of(path)))?;
        }
        Ok(db)
    }

    /// Opens `path` for reading only; `None` when it is not there.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub fn read(path: &Path, kind: Kind, version: u32) -> Result<Option<Self>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        // Read-only by pragma and not by flag: a reader of a write-ahead log must be able to make
        // its index file when the last writer died.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Self::connect(path, flags)?;
        let found = match db.check_format(kind, version) {
            Err(error) if cannot_write(&error) && is_still(path) => {
                db = Self::connect_still(path)?;
                db.check_format(kind, version)?
            }
            other => other?,
        };
        if found == 0 {
            return Ok(None);
        }
        if found < version {
            return Err(StoreError::Older { path: path.to_owned(), found, known: version });
        }
        db.connection.pragma_update(None, "query_only", true)?;
        Ok(Some(db))
    }

    /// Opens `path` for reading, without a lock and with nothing made beside it; `None` when it is
    /// not there or not of this format. Only what is read while the file does not change is right:
    /// the caller sees to it that it did not.
    ///
    /// # Errors
    /// When it cannot be opened, or is no such file.
    pub fn read_quiet(path: &Path, kind: Kind, version: u32) -> Result<Option<Self>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        let db = Self::connect_still(path)?;
        // What is new to a process costs more than what is read again.
        db.connection.pragma_update(None, "cache_size", kind.quiet_pages())?;
        Ok((db.check_format(kind, version)? == version).then_some(db))
    }

    /// Whether the file at `path` may be of a format before `version`, by its first bytes alone: a
    /// newer format may still be in the write-ahead log beside it. `false` when it is not there.
    #[must_use]
    pub fn may_be_older(path: &Path, version: u32) -> bool {
        use std::os::unix::fs::FileExt as _;
        /// Where a database keeps its `user_version` (SQLite file format, section 1.3).
        const AT: u64 = 60;
        let mut found = [0; 4];
        let read = std::fs::File::open(path).and_then(|file| file.read_exact_at(&mut found, AT));
        // 0 is a file whose first format is not copied out of its write-ahead log yet.
        read.is_ok() && (1..version).contains(&u32::from_be_bytes(found))
    }

    /// A database in memory, for a rebuild that is compared with a file.
    ///
    /// # Errors
    /// When SQLite refuses the tables.
    pub fn memory(sql: &str) -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(sql)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(Self {
            connection,
            path: PathBuf::new(),
            durability: Durability::Normal,
            in_transaction: false,
            distrusted: false,
            room: Room::default(),
        })
    }

    /// A database that is gone when it is closed, for a rebuild that is too large for memory.
    ///
    /// # Errors
    /// When SQLite refuses the tables.
    pub fn scratch(&self, sql: &str) -> Result<Self, StoreError> {
        // SQLite's own temporary file: private to this process, and without a name. It lies beside
        // the file that it is compared with, where that can be.
        let db = Self::connect(Path::new(""), OpenFlags::default())?;
        if let Some(dir) = self.path.parent().and_then(Path::to_str).filter(|dir| !dir.is_empty()) {
            let _ = db.connection.pragma_update(None, "temp_store_directory", dir);
        }
        db.connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        db.connection.execute_batch(sql)?;
        db.connection.execute_batch("BEGIN")?;
        Ok(db)
    }

    pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let connection = disk::connect(path, flags)?;
        connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Without this guarantee SQLite plans a statement anew for every value bound to it.
        connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            durability: Durability::Full,
            in_transaction: false,
            distrusted: false,
            room: Room::default(),
        })
    }

    /// Opens a file that nobody writes and that we may not write beside: without the index file of
    /// a write-ahead log.
    fn connect_still(path: &Path) -> Result<Self, StoreError> {
        use std::os::unix::ffi::OsStrExt as _;
        let mut uri = "file:".to_owned();
        let hex = |digit: u8| char::from_digit(u32::from(digit), 16).unwrap_or('0');
        for byte in std::path::absolute(path).unwrap_or_default().as_os_str().as_bytes() {
            uri.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
        uri.push_str("?immutable=1");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let db = Self::connect(Path::new(&uri), flags)?;
        Ok(Self { path: path.to_owned(), ..db })
    }

    /// The format of the file (0 when it is empty), after checking that it is ours and not newer.
    fn check_format(&self, kind: Kind, version: u32) -> Result<u32, StoreError> {
        // As of one moment: another process may be making the tables between two of these looks.
        let _moment = self.connection.unchecked_transaction()?;
        let pragma = |name: &str| {
            self.connection
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
                .map_err(|error| self.explain(error.into()))
        };
        let found = u32::try_from(pragma("user_version")?).unwrap_or(u32::MAX);
        let application = pragma("application_id")?;
        // Without a version it is new, and has nothing in it; a file with tables is somebody's.
        let ours = match found {
            0 => application == 0 && self.is_blank()?,
            _ => application == i64::from(kind.application()),
        };
        if !ours {
            return Err(StoreError::Foreign { path: self.path.clone() });
        }
        if found > version {
            let path = self.path.clone();
            return Err(StoreError::Newer { path, found, known: version });
        }
        Ok(found)
    }

    fn is_blank(&self) -> Result<bool, StoreError> {
        let tables = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)";
        let blank = self.connection.query_row(tables, [], |row| row.get(0));
        blank.map_err(|error| self.explain(error.into()))
    }

    fn prepare_file(
        &self,
        kind: Kind,
        version: u32,
        make: &dyn Fn(&Self, u32) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let c = &self.connection;
        c.pragma_update(None, "auto_vacuum", kind.gives_back())?;
        c.pragma_update(None, "journal_mode", "wal")?;
        c.pragma_update(None, "synchronous", "full")?;
        c.pragma_update(None, "cache_size", -CACHE_KIB)?;
        c.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        c.pragma_update(None, "temp_store", "memory")?;
        let found = c.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))?;
        if found != version {
            // One that is not committed is rolled back when it is dropped.
            let all = c.unchecked_transaction()?;
            make(self, found)?;
            c.pragma_update(None, "application_id", kind.application())?;
            c.pragma_update(None, "user_version", version)?;
            all.commit()?;
        }
        Ok(())
    }

    /// SQLite's corruption answers, as damage of this file.
    fn explain(&self, error: StoreError) -> StoreError {
        match &error {
            StoreError::Sqlite(inner)
                if matches!(
                    inner.sqlite_error_code(),
                    Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt)
                ) =>
            {
                StoreError::Damaged { path: self.path.clone(), detail: inner.to_string() }
            }
            _ => error,
        }
    }

    /// The connection, for the schemas' queries and materializers.
    #[must_use]
    pub const fn sql(&self) -> &Connection {
        &self.connection
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a transaction unless one is open. Readers of this connection see its writes at once;
    /// others see them after [`Db::commit`].
    ///
    /// # Errors
    /// When another process holds the write lock for too long.
    pub fn begin(&mut self) -> Result<(), StoreError> {
        if self.was_given_up() {
            self.in_transaction = false;
            return Err(StoreError::GivenUp);
        }
        if !self.in_transaction {
            if self.distrusted {
                self.checkpoint()?;
            }
            self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            self.in_transaction = true;
        }
        Ok(())
    }

    /// Holds one moment of the file for reading, until the value is dropped.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn begin_read(&mut self) -> Result<(), StoreError> {
        self.connection.execute_batch("BEGIN")?;
        self.in_transaction = true;
        Ok(())
    }

    /// Holds one moment of the file for the reads that follow, until the value is dropped: they
    /// agree, and do not lock it one by one. What is open holds it already.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn still(&self) -> Result<Still<'_>, StoreError> {
        let open = self.in_transaction || !self.connection.is_autocommit();
        Ok(Still((!open).then(|| self.connection.unchecked_transaction()).transpose()?))
    }

    /// What breaks off reads of this connection.
    #[must_use]
    pub fn interrupter(&self) -> Interrupter {
        Interrupter(self.connection.get_interrupt_handle())
    }

    /// Whether a transaction is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.in_transaction
    }

    /// Whether SQLite itself has rolled the open transaction back, as it does when the disk is full
    /// in the middle of a write. Without this check what follows would be committed a statement at
    /// a time, and what came before taken for written.
    fn was_given_up(&self) -> bool {
        self.in_transaction && self.connection.is_autocommit()
    }

    /// Ends the open transaction, if there is one.
    ///
    /// # Errors
    /// When the disk refuses; the transaction is then rolled back as a whole.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        if !self.in_transaction {
            return Ok(());
        }
        if self.was_given_up() {
            self.in_transaction = false;
            return Err(StoreError::GivenUp);
        }
        if self.durability == Durability::Full && !self.path.as_os_str().is_empty() {
            self.room.before_commit(&self.connection, &log_of(&self.path));
        }
        let commit = self.connection.prepare_cached("COMMIT");
        let done = commit.and_then(|mut commit| commit.execute([]));
        match done {
            Ok(_) => {
                self.in_transaction = false;
                Ok(())
            }
            Err(error) => {
                // After a sync that failed the system takes for written what it could not write,
                // also of transactions before this one: a later sync says nothing of them.
                let failed = error.sqlite_error_code();
                self.distrusted |= failed == Some(rusqlite::ErrorCode::SystemIoFailure);
                self.rollback();
                Err(self.explain(error.into()))
            }
        }
    }

    /// Sets how durable the next transactions are. Outside a transaction only.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn durable(&mut self, durability: Durability) -> Result<(), StoreError> {
        if self.durability != durability && !self.in_transaction {
            let value = match durability {
                Durability::Full => "full",
                Durability::Normal => "normal",
            };
            self.connection.pragma_update(None, "synchronous", value)?;
            self.durability = durability;
        }
        Ok(())
    }

    /// Prepares for a load of a whole mailbox: more cache, and fewer copies of the write-ahead log.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn expect_bulk(&self) -> Result<(), StoreError> {
        self.connection.pragma_update(None, "cache_size", -BULK_CACHE_KIB)?;
        self.connection.pragma_update(None, "wal_autocheckpoint", BULK_CHECKPOINT_PAGES)?;
        Ok(())
    }

    /// Gives up the open transaction.
    pub fn rollback(&mut self) {
        if self.in_transaction {
            // A failed COMMIT may have ended it already; then there is nothing to roll back.
            let _ = self.connection.execute_batch("ROLLBACK");
            self.in_transaction = false;
        }
    }

    /// Copies the write-ahead log into the file, on disk, and empties it: what could not be synced
    /// where it was is then in another place.
    ///
    /// # Errors
    /// When the disk refuses, or a reader holds a moment of the log for too long.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        // The log first: what a power cut leaves of a file that is half copied is mended from it.
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let again = disk::write_again(&log_of(&self.path));
        let _ = self.connection.execute_batch("ROLLBACK");
        again?;
        let truncate = "PRAGMA wal_checkpoint(TRUNCATE)";
        let held: bool = self.connection.query_row(truncate, [], |row| row.get(0))?;
        if held {
            let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
            return Err(rusqlite::Error::SqliteFailure(busy, None).into());
        }
        self.distrusted = false;
        Ok(())
    }

    /// Copies as much of the write-ahead log into the file as can be copied without waiting for
    /// anybody.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn checkpoint_some(&self) -> Result<(), StoreError> {
        self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// From now on commits copy nothing (`true`), since somebody else does; or what they do.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn checkpoint_elsewhere(&self, elsewhere: bool) -> Result<(), StoreError> {
        let pages = if elsewhere { 0 } else { CHECKPOINT_PAGES };
        self.connection.pragma_update(None, "wal_autocheckpoint", pages)?;
        Ok(())
    }

    /// What SQLite's own check finds; empty when the file is sound.
    ///
    /// # Errors
    /// When the check itself cannot run.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare("PRAGMA integrity_check(20)")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let found: Vec<String> = rows.collect::<Result<_, _>>()?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }
}

/// Whether SQLite was refused to write beside a file that it only had to read, or had no room to.
fn cannot_write(error: &StoreError) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
    if error.is_full() {
        return true;
    }
    let StoreError::Sqlite(error) = error else { return false };
    matches!(error.sqlite_error_code(), Some(CannotOpen | ReadOnly))
}

/// Where a file's write-ahead log is.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log)
}

/// Whether a file has no write-ahead log, so that it holds all that was committed.
fn is_still(path: &Path) -> bool {
    match std::fs::metadata(log_of(path)) {
        Ok(meta) => meta.len() == 0,
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_that_sqlite_gave_up_is_not_taken_for_written() {
        let dir = tempfile::tempdir().unwrap();
        let sql = "CREATE TABLE t(x)";
        let mut db = Db::open(&dir.path().join("f.db"), Kind::Threads, 1, sql).unwrap();
        let count = |db: &Db| -> i64 {
            db.sql().query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
        };
        for end in [Db::commit, Db::begin] {
            db.sql().execute_batch("PRAGMA max_page_count = 1000").unwrap();
            db.begin().unwrap();
            db.sql().execute("INSERT INTO t VALUES (1)", []).unwrap();
            db.sql().execute_batch("PRAGMA max_page_count = 4").unwrap();
            let large = vec![0_u8; 100_000];
            let full = db.sql().execute("INSERT INTO t VALUES (?1)", [large]).unwrap_err();
            assert!(StoreError::from(full).is_full());
            assert!(matches!(end(&mut db), Err(StoreError::GivenUp)));
            assert_eq!(count(&db), 0);
        }
        db.begin().unwrap();
        db.sql().execute("INSERT INTO t VALUES (1)", []).unwrap();
        db.commit().unwrap();
        assert_eq!(count(&db), 1);
    }

    #[test]
    fn a_file_that_another_one_is_making_is_never_taken_for_a_strangers() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..40 {
            let path = dir.path().join(format!("{n}.db"));
            std::thread::scope(|both| {
                both.spawn(|| Db::open(&path, Kind::Threads, 1, "CREATE TABLE t(x)").unwrap());
                while Db::read(&path, Kind::Threads, 1).unwrap().is_none() {}
            });
        }
    }

    /// By `.cargo/config.toml`: what a connection and a statement need not prepare.
    #[test]
    fn sqlite_is_built_without_what_nobody_asks_for() {
        let db = Connection::open_in_memory().unwrap();
        let used = |option: &str| -> bool {
            let sql = "SELECT sqlite_compileoption_used(?1)";
            db.query_row(sql, [option], |row| row.get(0)).unwrap()
        };
        assert!(used("DEFAULT_MEMSTATUS=0") && used("ENABLE_FTS5"));
        for option in ["ENABLE_FTS3", "ENABLE_RTREE", "ENABLE_COLUMN_METADATA"] {
            assert!(!used(option), "{option}");
        }
    }
}
