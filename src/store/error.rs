//! What can go wrong with a data directory and the files in it.

use std::path::PathBuf;

use crate::id::StoreId;
use crate::notice::{Exit, Explain, Notice};

/// An error of the storage.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite said no.
    #[error("the database answered: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The operating system said no.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        error: std::io::Error,
    },
    /// The file is no database of ours, or a damaged one.
    #[error("{path} is damaged: {detail}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// How.
        detail: String,
    },
    /// The file is another program's, or another one of ours.
    #[error("{path} is damaged: it is not a file of this kind")]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// A newer mailtui wrote the file.
    #[error("{path} was written by a newer mailtui (format {found}, this one knows {known})")]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The format in the file.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// An older mailtui wrote the file, and it is only read here.
    #[error("{path} is of an older mailtui (format {found}, this one has {known})")]
    Older {
        /// Which file.
        path: PathBuf,
        /// The format in the file.
        found: u32,
        /// The format of this program.
        known: u32,
    },
    /// Another process owns the data directory.
    #[error("{path} is in use by another mailtui")]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// A write failed, and what was to be committed with it was taken back.
    #[error("a write before this one failed; what belongs to it was taken back")]
    GivenUp,
    /// A log is not what was written to it.
    #[error("the log of {store} is damaged at position {position}")]
    Broken {
        /// Which.
        store: StoreId,
        /// The first position that does not fit.
        position: u64,
    },
    /// A row that cannot have been written by us.
    #[error("a row that cannot be read: {0}")]
    Row(String),
}

impl StoreError {
    fn code(&self) -> Option<rusqlite::ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        }
    }

    /// Whether it says that a file is not what was written to it.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            // A value that was never written into its column is damage too.
            Self::Damaged { .. }
            | Self::Row(_)
            | Self::Sqlite(
                rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..),
            ) => true,
            _ => matches!(self.code(), Some(DatabaseCorrupt | NotADatabase)),
        }
    }

    /// Whether there is no room left to write.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Io { error, .. } => error.kind() == std::io::ErrorKind::StorageFull,
            // Where there is not even room for the index of the log of writes, which readers need
            // as well, SQLite calls it an error of the disk.
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => {
                error.code == rusqlite::ErrorCode::DiskFull
                    || error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
            }
            _ => false,
        }
    }
}

impl Explain for StoreError {
    fn is_permanent(&self) -> bool {
        match self {
            Self::Sqlite(_) => {
                !self.is_full() && self.code() != Some(rusqlite::ErrorCode::DatabaseBusy)
            }
            Self::Io { .. } | Self::InUse { .. } | Self::Older { .. } | Self::GivenUp => false,
            Self::Damaged { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Broken { .. }
            | Self::Row(_) => true,
        }
    }

    fn notice(&self) -> Notice {
        let line = self.to_string();
        if self.is_full() {
            return Notice::error(
                "disk-full",
                "the disk is full; nothing half-written was kept",
                "free some space and run the same command again",
            );
        }
        match self {
            Self::InUse { .. } => {
                Notice::error("in-use", line, "quit the other mailtui, or name another --data-dir")
                    .exit(Exit::DataDir)
            }
            Self::Newer { .. } => {
                Notice::error("newer", line, "update this mailtui").exit(Exit::DataDir)
            }
            Self::Older { .. } => {
                let hint = "quit the other mailtui; the next start brings it to this format";
                Notice::error("older", line, hint).exit(Exit::DataDir)
            }
            Self::Broken { .. } => {
                let hint = "run `mailtui doctor`; what other devices have is taken from them";
                Notice::error("damaged-log", line, hint).exit(Exit::DataDir)
            }
            Self::Foreign { .. } => {
                let hint = "move the file away and keep it; restore it from a backup";
                Notice::error("damaged", line, hint).exit(Exit::DataDir)
            }
            Self::Damaged { .. } | Self::Row(_) => {
                let hint = "run `mailtui doctor`; if that does not help, restore a backup";
                Notice::error("damaged", line, hint).exit(Exit::DataDir)
            }
            Self::Sqlite(_)
                if self.is_damage() || self.code() == Some(rusqlite::ErrorCode::CannotOpen) =>
            {
                Notice::error(
                    "damaged",
                    line,
                    "run `mailtui doctor`; if that does not help, restore a backup",
                )
                .exit(Exit::DataDir)
            }
            Self::GivenUp => Notice::error("given-up", line, "is there room on the disk?"),
            Self::Sqlite(_) => Notice::error("database", line, "run `mailtui doctor`"),
            Self::Io { .. } => Notice::error(
                "io",
                line,
                "check that the directory exists and that you may write in it",
            ),
        }
    }
}
