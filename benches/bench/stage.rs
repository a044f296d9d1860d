//! The mailboxes that benches work on: made when first asked for, kept until the end of the run.
//!
//! Invariant: a bench that changes a mailbox changes a copy, or puts it back. With
//! `MAILTUI_BENCH_DIR` the generated mailboxes stay there for the next run.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::measure::timed;
use crate::seed::{self, Seeded};
use crate::{generator, program};

/// Messages in the generated Maildir.
pub(crate) const MESSAGES: u64 = 20_000;
/// The seed of what is generated.
pub(crate) const SEED: u64 = 2;
/// The size that every other is compared with, in conversations.
pub(crate) const SMALL: u64 = 10_000;

/// A Maildir that was imported.
#[derive(Debug, Clone)]
pub(crate) struct Imported {
    /// The Maildir.
    pub(crate) mail: PathBuf,
    /// The data directory.
    pub(crate) data: PathBuf,
    /// Bytes of mail.
    pub(crate) bytes: u64,
    /// How long the import took, as a process.
    pub(crate) took: Duration,
    /// How much memory it had at most, in KiB.
    pub(crate) peak_kib: u64,
    /// Its disk usage right after.
    pub(crate) disk: u64,
}

/// Where mailboxes lie, and how large they are.
pub(crate) struct Stage {
    temporary: tempfile::TempDir,
    kept: Option<PathBuf>,
    /// Sizes of generated mailboxes, in conversations, the smallest first.
    pub(crate) sizes: Vec<u64>,
    imported: Option<Imported>,
}

impl Stage {
    /// A stage for mailboxes of these sizes.
    pub(crate) fn new(mut sizes: Vec<u64>) -> Self {
        sizes.sort_unstable();
        sizes.dedup();
        let temporary = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("room");
        let kept = std::env::var_os("MAILTUI_BENCH_DIR").map(PathBuf::from);
        Self { temporary, kept, sizes, imported: None }
    }

    /// The largest size.
    pub(crate) fn largest(&self) -> u64 {
        *self.sizes.last().expect("there is one")
    }

    /// A folder that is gone at the end.
    pub(crate) fn folder(&self) -> &Path {
        self.temporary.path()
    }

    /// A data directory with so many generated conversations, the device at its head.
    pub(crate) fn seeded(&self, threads: u64) -> PathBuf {
        self.made(&format!("seed-{threads}"), |dir| seed::seed(dir, threads, SEED))
    }

    /// One whose device has taken in none but the first `held` of `threads`.
    pub(crate) fn behind(&self, threads: u64, held: u64) -> PathBuf {
        let name = format!("behind-{threads}-{held}");
        self.made(&name, |dir| seed::seed_behind(dir, threads, SEED, held))
    }

    /// Takes away the snapshot that a backend makes when it has run for a while: with one, a device
    /// that was away would not take the log in.
    pub(crate) fn without_snapshot(data: &Path) {
        for name in ["snapshots.db", "snapshots.db-wal", "snapshots.db-shm"] {
            let _ = std::fs::remove_file(data.join("backend").join(name));
        }
    }

    fn made(&self, name: &str, make: impl FnOnce(&Path) -> Seeded) -> PathBuf {
        // One that an earlier version of the tables made is not one of this version.
        let mut tables = DefaultHasher::new();
        mailtui::mailbox::SQL.hash(&mut tables);
        let name = format!("{name}-{:08x}", tables.finish() >> 32);
        let dir = self.kept.as_deref().unwrap_or(self.folder()).join(name);
        if !dir.exists() {
            // Under another name until it is whole.
            let half = dir.with_extension("half");
            let _ = std::fs::remove_dir_all(&half);
            make(&half);
            std::fs::rename(&half, &dir).expect("a directory of ours");
        }
        dir
    }

    /// A directory with a copy of a mailbox's device and nothing else.
    pub(crate) fn device_alone(&self, data: &Path) -> tempfile::TempDir {
        let dir = tempfile::tempdir_in(self.folder()).expect("room on the disk");
        for name in ["mailbox.db", "mailbox.db-wal"] {
            let from = data.join(name);
            // A program that was ended leaves what it had not copied into the file yet beside it.
            if from.exists() {
                std::fs::copy(from, dir.path().join(name)).expect("room on the disk");
            }
        }
        dir
    }

    /// The generated Maildir, imported.
    pub(crate) fn imported(&mut self) -> Imported {
        if let Some(imported) = &self.imported {
            return imported.clone();
        }
        let mail = self.folder().join("Mail");
        let bytes = generator::write_maildir(&mail, MESSAGES, SEED);
        let data = self.folder().join("imported");
        let mut command = program::command(&data, &["import", "--json"]);
        command.arg(&mail);
        let (finished, took) = timed(|| program::finish_watched(command));
        let summary: serde_json::Value = serde_json::from_slice(&finished.stdout).expect("JSON");
        assert_eq!(summary["imported"], MESSAGES, "{summary}");
        let (peak_kib, disk) = (finished.peak_kib, program::disk_bytes(&data));
        self.imported.insert(Imported { mail, data, bytes, took, peak_kib, disk }).clone()
    }
}
