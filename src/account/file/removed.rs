//! `DIR/accounts.removed`: accounts that were removed, for who fetches mail to forget what their
//! servers had.
//!
//! Invariant: an account is in it only after it was removed by command: a table that is missing
//! from `accounts.toml` may come back by the same editor that took it out. It is changed under the
//! lock of `accounts.toml`. Losing it leaves rows behind that nobody reads.

use std::path::Path;

use super::edit::lock;
use crate::account::{AccountError, AccountId};
use crate::store::{StoreError, disk};

/// The file's name in a data directory.
const FILE: &str = "accounts.removed";
/// So many are remembered; the oldest go.
const MOST: usize = 1_000;

/// Accounts that were removed and are not forgotten yet. One look at the disk where there are none.
#[must_use]
pub fn removed(dir: &Path) -> Vec<AccountId> {
    let text = std::fs::read_to_string(dir.join(FILE)).unwrap_or_default();
    text.lines().take(MOST).filter_map(|line| AccountId::try_from(line).ok()).collect()
}

/// These are forgotten now.
///
/// # Errors
/// When the disk refuses, or somebody else changes accounts for too long.
pub fn forgotten(dir: &Path, done: &[AccountId]) -> Result<(), AccountError> {
    let _lock = lock(dir)?;
    let mut left = removed(dir);
    left.retain(|id| !done.contains(id));
    write(dir, &left)
}

/// This one was removed; who calls has the lock.
pub(super) fn note(dir: &Path, id: &AccountId) -> Result<(), AccountError> {
    let mut all = removed(dir);
    all.retain(|held| held != id);
    all.push(id.clone());
    let most = all.len().saturating_sub(MOST);
    write(dir, &all[most..])
}

fn write(dir: &Path, all: &[AccountId]) -> Result<(), AccountError> {
    let path = dir.join(FILE);
    if all.is_empty() {
        return match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(AccountError::Store(StoreError::Io { path, error }))
            }
            _ => Ok(()),
        };
    }
    let lines: Vec<&str> = all.iter().flat_map(|id| [id.as_str(), "\n"]).collect();
    Ok(disk::replace(&path, lines.concat().as_bytes())?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_was_removed_is_there_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let ids = ["ann", "bob", "ann"].map(|id| AccountId::try_from(id).unwrap());
        assert!(removed(dir.path()).is_empty());
        for id in &ids {
            note(dir.path(), id).unwrap();
        }
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(removed(dir.path()), [ids[1].clone(), ids[0].clone()]);
        forgotten(dir.path(), &ids[..1]).unwrap();
        assert_eq!(removed(dir.path()), [ids[1].clone()]);
        forgotten(dir.path(), &ids).unwrap();
        assert!(!dir.path().join(FILE).exists());
        forgotten(dir.path(), &ids).unwrap();
        std::fs::write(dir.path().join(FILE), "no id at all\n../up\nbob\n").unwrap();
        assert_eq!(removed(dir.path()), [ids[1].clone()]);
    }
}
