//! A copy of one moment of a file, made while others write it.
//!
//! Invariant: the copy is what one read transaction sees; who writes waits for nothing.

use std::path::Path;

use rusqlite::OpenFlags;
use rusqlite::backup::{Backup, StepResult};

use crate::store::disk::{self, make_private};
use crate::store::{Db, StoreError};

/// Pages copied between two questions whether to go on.
const PAGES: i32 = 2_000;

impl Db {
    /// Holds one moment of the file from now on, until the value is dropped. For a file that was
    /// opened for reading.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn hold(&mut self) -> Result<(), StoreError> {
        self.begin_read()?;
        // A read transaction begins with its first read.
        let sql = "SELECT count(*) FROM sqlite_schema";
        self.sql().query_row(sql, [], |row| row.get::<_, i64>(0))?;
        Ok(())
    }

    /// Its bytes, those of the write-ahead log that are its own included.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn size(&self) -> Result<u64, StoreError> {
        let pragma = |name| self.sql().pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let bytes = pragma("page_count")?.saturating_mul(pragma("page_size")?);
        Ok(u64::try_from(bytes).unwrap_or_default())
    }

    /// Copies the moment that it holds into a new file. `go_on` is told how many bytes are done;
    /// `false` when it said no.
    ///
    /// # Errors
    /// When the storage or the disk refuses.
    pub fn copy_to(
        &self,
        path: &Path,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<bool, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        make_private(path).map_err(|error| StoreError::Io { path: path.to_owned(), error })?;
        let mut to = disk::connect(path, flags)?;
        // Whoever made it syncs it as a whole; half of it is no file of anybody.
        to.pragma_update(None, "synchronous", "off")?;
        let page: i64 = self.sql().pragma_query_value(None, "page_size", |row| row.get(0))?;
        let backup = Backup::new(self.sql(), &mut to)?;
        loop {
            let step = backup.step(PAGES)?;
            let progress = backup.progress();
            let done = i64::from(progress.pagecount - progress.remaining).saturating_mul(page);
            if !go_on(u64::try_from(done).unwrap_or_default()) {
                return Ok(false);
            }
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => std::thread::sleep(std::time::Duration::from_millis(5)),
            }
        }
        drop(backup);
        // One file, without a log beside it.
        to.pragma_update(None, "journal_mode", "delete")?;
        to.close().map_err(|(_, error)| error)?;
        Ok(true)
    }
}
