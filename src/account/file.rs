//! `DIR/accounts.toml`: which accounts there are.
//!
//! Invariant: it is the user's file. It is read whole or not at all, and what is wrong is said with
//! its line and without what stands there; a key that is not known is named and left alone. It is
//! changed under a lock, one table at a time, and put in place at once: who reads it sees the old
//! one or the new one.

mod edit;
mod read;
mod removed;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

pub use edit::Editor;
pub use removed::{forgotten, removed};

use super::{Account, AccountError, AccountId};
use crate::store::StoreError;

/// The file's name in a data directory.
pub const FILE: &str = "accounts.toml";
/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// The accounts of a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    /// Whether new mail is announced in the terminal at all: `notify` before the first table.
    pub notify: bool,
    /// In the order of the file.
    pub list: Vec<Account>,
    /// What was not understood, and does nothing.
    pub unknown: Vec<Unknown>,
}

impl Default for Accounts {
    fn default() -> Self {
        Self { notify: true, list: Vec::new(), unknown: Vec::new() }
    }
}

/// A key that means nothing to this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Its line, from 1.
    pub line: usize,
    /// Its name, safe to show.
    pub key: String,
}

/// By what a file is known to be the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    bytes: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    /// Of the file in `dir` now; `None` where there is none. One look, to be taken every second.
    #[must_use]
    pub fn of(dir: &Path) -> Option<Self> {
        let meta = std::fs::metadata(dir.join(FILE)).ok()?;
        Some(Self {
            inode: meta.ino(),
            bytes: meta.len(),
            seconds: meta.mtime(),
            nanoseconds: meta.mtime_nsec(),
        })
    }
}

impl Accounts {
    /// Reads the file in `dir`; none is no accounts.
    ///
    /// # Errors
    /// When it cannot be read, says something that cannot be, or others may write it: it names
    /// programs that are started.
    pub fn read(dir: &Path) -> Result<Self, AccountError> {
        text(dir)?.map_or_else(|| Ok(Self::default()), |text| Self::parse(&text, &dir.join(FILE)))
    }

    /// Reads the text of the file at `path`.
    ///
    /// # Errors
    /// When it says something that cannot be.
    pub fn parse(text: &str, path: &Path) -> Result<Self, AccountError> {
        read::accounts(text, path)
    }

    /// An account by its id.
    #[must_use]
    pub fn get(&self, id: &AccountId) -> Option<&Account> {
        self.list.iter().find(|account| account.id == *id)
    }

    /// An account by what a user calls it: its id, or its address in any case.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(&self, name: &str) -> Result<&Account, AccountError> {
        let is = |account: &&Account| {
            account.id.as_str() == name || account.address.as_str().eq_ignore_ascii_case(name)
        };
        let found = self.list.iter().find(is);
        found.ok_or_else(|| AccountError::NoAccount(name.to_owned()))
    }
}

/// The file's text; `None` where there is none.
fn text(dir: &Path) -> Result<Option<String>, AccountError> {
    let path = dir.join(FILE);
    let io = |error| AccountError::Store(StoreError::Io { path: path.clone(), error });
    let meta = match std::fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        meta => meta.map_err(io)?,
    };
    let rights = meta.permissions().mode() & 0o7777;
    if rights & 0o022 != 0 {
        return Err(AccountError::Exposed { path, rights });
    }
    let broken =
        |what: &str| AccountError::File { path: path.clone(), line: 1, what: what.to_owned() };
    if meta.len() > MAX_FILE_BYTES {
        return Err(broken("the file is too long"));
    }
    let bytes = std::fs::read(&path).map_err(io)?;
    String::from_utf8(bytes).map(Some).map_err(|_| broken("the file is not UTF-8"))
}
