//! One process owns a data directory.
//!
//! Invariant: the lock is held by the open file and goes with the process, however that ends; a
//! stale file locks nobody out.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::store::StoreError;

/// Ownership of a data directory.
#[derive(Debug)]
pub struct Owner {
    _file: File,
}

impl Owner {
    /// Makes the directory where it is absent, and takes it.
    ///
    /// # Errors
    /// When another process has it, or it cannot be made.
    pub fn take(dir: &Path) -> Result<Self, StoreError> {
        crate::store::private_dir(dir)?;
        let path = dir.join("lock");
        let io = |error| StoreError::Io { path: path.clone(), error };
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::InUse { path: dir.to_owned() }),
            Err(error) => Err(io(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_owner_and_a_stale_lock_locks_nobody_out() {
        let dir = tempfile::tempdir().unwrap();
        let first = Owner::take(dir.path()).unwrap();
        assert!(matches!(Owner::take(dir.path()), Err(StoreError::InUse { .. })));
        drop(first);
        assert!(Owner::take(dir.path()).is_ok());
    }
}
