//! The files of a data directory change places: what was put back takes the place of what was
//! there, which is put aside.
//!
//! Invariant: nothing is deleted, and nothing takes the place of a file that is there. The backend
//! goes last and comes at once: its directory is the old one or the new one, whole, and between the
//! two renames it is absent, which [`is_broken_off`] tells from a directory that never had one.

use std::path::{Path, PathBuf};

use crate::crash;
use crate::store::{StoreError, disk};

/// The backend's directory, in a data directory.
const BACKEND: &str = "backend";
/// Where a restore makes the next one.
const FRESH: &str = "backend.new";
/// What is remembered of imported files: it is of mail that may not be there any more.
const SOURCES: [&str; 3] = ["sources.db", "sources.db-wal", "sources.db-shm"];
/// The device.
const DEVICE: [&str; 3] = ["mailbox.db", "mailbox.db-wal", "mailbox.db-shm"];

/// Whether a restore of this directory was broken off where the backend is absent.
#[must_use]
pub fn is_broken_off(home: &Path) -> bool {
    !home.join(BACKEND).exists() && home.join(FRESH).exists()
}

/// An empty directory beside the backend's, for what will take its place. What a restore left there
/// that was broken off goes.
///
/// # Errors
/// When the disk refuses.
pub fn fresh(home: &Path) -> Result<PathBuf, StoreError> {
    let fresh = home.join(FRESH);
    if fresh.exists() {
        disk::remove_tree(&fresh)?;
    }
    disk::make_dir(&fresh)?;
    Ok(fresh)
}

/// What was made in [`fresh`] takes the backend's place, for good. What was there goes into a new
/// directory called like `aside`, the device with it where it is `another`'s; `None` when nothing
/// was.
///
/// # Errors
/// When the disk refuses. Then it can be done again, from [`fresh`] on.
pub fn exchange(home: &Path, aside: &str, another: bool) -> Result<Option<PathBuf>, StoreError> {
    let device = if another { &DEVICE[..] } else { &[] };
    // While the backend is there, what is there is as it was.
    let names = SOURCES.iter().chain(device).chain([&BACKEND]).copied();
    let names: Vec<&str> = names.filter(|name| home.join(name).exists()).collect();
    let aside = if names.is_empty() { None } else { Some(make_aside(home, aside)?) };
    if let Some(aside) = &aside {
        for name in names {
            if name == BACKEND {
                // Before its name is gone here, the others are there for good.
                disk::sync_dir(aside)?;
                crash::point("restore.before-aside");
            }
            disk::rename(&home.join(name), &aside.join(name))?;
        }
        disk::sync_dir(aside)?;
        disk::sync_dir(home)?;
    }
    crash::point("restore.between");
    disk::rename(&home.join(FRESH), &home.join(BACKEND))?;
    crash::point("restore.after");
    disk::sync_dir(home)?;
    Ok(aside)
}

/// A new directory: another restore of this second, or of a clock that was put back, keeps what it
/// put aside.
fn make_aside(home: &Path, first: &str) -> Result<PathBuf, StoreError> {
    let mut aside = home.join(first);
    for again in 2.. {
        match disk::make_dir(&aside) {
            Err(StoreError::Io { error, .. })
                if error.kind() == std::io::ErrorKind::AlreadyExists =>
            {
                aside = home.join(format!("{first}-{again}"));
            }
            made => {
                made?;
                break;
            }
        }
    }
    disk::sync_dir(home)?;
    Ok(aside)
}
