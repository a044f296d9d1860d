//! That nothing has changed since a search found nothing lacking: then the next one reads what it
//! searches and nothing else, and locks nothing.
//!
//! Invariant: a hint and no more. It holds for files that are, before and after they are read, what
//! they were when it was written, and that no write-ahead log adds anything to; where it does not
//! hold, or cannot be read, everything is looked at. It may be deleted at any time.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::cli::home::Home;
use crate::clock::{Clock as _, SystemClock};
use crate::search::Index;
use crate::store::disk;

/// Where it is written, beside the backend.
const FILE: &str = "search.seen";
/// What it looks like; another program's is not read.
const FORMAT: &str = "1";
/// How old the last change of a file has to be, in seconds: a change that comes later then has
/// another time, whatever the file system counts in.
const SETTLED: i64 = 2;

/// The files of a directory as they are, with nothing beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quiet {
    file: PathBuf,
    text: String,
    /// When the last of them changed, Unix seconds.
    changed: i64,
}

impl Quiet {
    /// How the files are; `None` where somebody writes them, or they are not all there.
    pub(super) fn of(home: &Home) -> Option<Self> {
        if home.is_remote() {
            return None;
        }
        let (dir, backend) = (&home.dir, home.backend_dir());
        let files = [
            dir.join("mailbox.db"),
            backend.join("mailbox.db"),
            backend.join("threads.db"),
            backend.join(Index::NAME),
        ];
        let mut quiet =
            Self { file: backend.join(FILE), text: FORMAT.to_owned(), changed: i64::MIN };
        files.iter().all(|file| quiet.add(file)).then_some(quiet)
    }

    /// Adds how a file is; `false` when that cannot be said.
    fn add(&mut self, path: &Path) -> bool {
        use std::fmt::Write as _;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        // The log first: what was in it and is there no more is in the file, and seen there.
        let log = match std::fs::metadata(PathBuf::from(log)) {
            Ok(meta) => meta.len() == 0,
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        let Ok(meta) = std::fs::metadata(path) else { return false };
        self.changed = self.changed.max(meta.ctime()).max(meta.mtime());
        let written = write!(
            self.text,
            "\n{} {} {} {}.{:09} {}.{:09}",
            meta.dev(),
            meta.ino(),
            meta.len(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec(),
        );
        log && written.is_ok()
    }

    /// Whether a search found nothing lacking in files that were as these are.
    pub(super) fn is_known(&self) -> bool {
        std::fs::read(&self.file).is_ok_and(|text| text == self.text.as_bytes())
    }

    /// Whether the files are as they were.
    pub(super) fn holds(&self, home: &Home) -> bool {
        Self::of(home).as_ref() == Some(self)
    }

    /// Writes down that nothing is lacking, unless the files changed a moment ago. Where it cannot
    /// be written, the next search looks again.
    pub(super) fn remember(&self) {
        if self.changed.saturating_add(SETTLED) <= SystemClock.now() {
            let _ = disk::put_hint(&self.file, self.text.as_bytes());
        }
    }
}
