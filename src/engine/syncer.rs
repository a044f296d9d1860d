//! The thread that waits for the disk, so that nobody who answers keys does.
//!
//! Invariant: it knows files and numbers, and nothing of what is in them. Several commits of a file
//! that wait are one sync; each answer is for all commits up to its number.

use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};

use crate::notice::{Explain as _, Notice};
use crate::store::disk::sync_log;

/// A write-ahead log that is to be on disk.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// Whether it is that of the kept logs, and not the Mailbox store's.
    pub(super) kept: bool,
    pub(super) log: PathBuf,
    /// The number of its last commit.
    pub(super) commit: u64,
}

/// Starts the thread; `tell` says what became of it, and whether anybody listens still.
pub(super) fn syncer(
    tell: impl Fn(Written, Result<(), Notice>) -> bool + Send + 'static,
) -> Sender<Written> {
    let (disk, jobs) = mpsc::channel::<Written>();
    std::thread::spawn(move || {
        while let Ok(first) = jobs.recv() {
            let mut newest = [None, None];
            for written in std::iter::once(first).chain(jobs.try_iter()) {
                let at = usize::from(written.kept);
                newest[at] = Some(written);
            }
            for written in newest.into_iter().flatten() {
                let done = sync_log(&written.log).map_err(|error| error.notice());
                if !tell(written, done) {
                    return;
                }
            }
        }
    });
    disk
}
