//! What an import is asked, how far it is, and what became of it.
//!
//! Invariant: [`ImportReport`] serialises as the command line's contract, field by field; a field
//! beyond it appears only where it has something to say.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::failures::Failures;
use crate::id::ThreadId;
use crate::label::Place;
use crate::notice::{Exit, Notice};

/// Messages that are listed as gone in one run; further ones are only counted.
const MAX_GONE: usize = 1_000;

/// What to import, and what to say of every message of it.
#[derive(Debug, Clone, Default)]
pub struct ImportRequest {
    /// Files and directories.
    pub paths: Vec<PathBuf>,
    /// Instead of what folders say.
    pub place: Option<Place>,
    /// Names of labels, beside those of folders.
    pub labels: Vec<String>,
    /// The output of `notmuch dump`: tags of messages that are imported.
    pub notmuch_tags: Option<PathBuf>,
    /// Directories in `paths` that alone are looked at, not those below them; all when empty. What
    /// is as it was is not counted then.
    pub only: Vec<PathBuf>,
    /// Whether messages that were purged are taken in again.
    pub revive: bool,
}

/// What became of an import; serialises as the command's contract.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Messages met: imported, duplicates, copies, and those that failed.
    pub messages: u64,
    /// New ones.
    pub imported: u64,
    /// Equal bytes were there already.
    pub duplicates: u64,
    /// Other bytes under an id that was there.
    pub copies: u64,
    /// Messages that were purged, and were not taken in again.
    #[serde(skip_serializing_if = "is_zero")]
    pub purged: u64,
    /// What was not taken in.
    pub failed: Failures,
    /// Failures beyond those listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed_left_off: u64,
    /// Files left alone on purpose, and messages that a mail program holds as gone.
    pub skipped: u64,
    /// Of those, the messages.
    #[serde(skip_serializing_if = "is_zero")]
    pub expunged: u64,
    /// Rows touched.
    pub threads: u64,
    /// Rows that began.
    pub new_threads: u64,
    /// Messages known before of which the source says something else now.
    #[serde(skip_serializing_if = "is_zero")]
    pub followed: u64,
    /// Messages whose files are gone since they were last seen; they stay here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Gone>,
    /// How many those are, listed or not.
    #[serde(skip_serializing_if = "is_zero")]
    pub gone_count: u64,
    /// Whether the user stopped it; what was counted is in.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
    /// Lines for the user.
    #[serde(skip)]
    pub notices: Vec<Notice>,
    /// Named paths that were there.
    #[serde(skip)]
    pub named: usize,
}

/// A message whose file is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gone {
    /// Where it was.
    #[serde(serialize_with = "super::failures::safe_path")]
    pub path: PathBuf,
    /// Its thread.
    pub thread: ThreadId,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl ImportReport {
    /// Whether anything came of it: something came in, was followed, is gone or failed.
    #[must_use]
    pub fn says_anything(&self) -> bool {
        let counts = [self.imported, self.copies, self.followed, self.gone_count, self.purged];
        counts.iter().any(|count| *count > 0) || self.failed.count() > 0
    }

    /// Notes that the file of a message is gone.
    pub(super) fn add_gone(&mut self, path: &Path, thread: &ThreadId) {
        self.gone_count += 1;
        if self.gone.len() < MAX_GONE {
            self.gone.push(Gone { path: path.to_owned(), thread: thread.clone() });
        }
    }

    /// Counts messages that a mail program holds as gone among what was skipped, and says so.
    pub(super) fn left_as_expunged(&mut self) {
        self.skipped += self.expunged;
        if self.expunged > 0 {
            let line =
                format!("{} messages were left out: Thunderbird deleted them", self.expunged);
            let hint = "they stay in its files until it compacts the folder";
            self.notices.push(Notice::warning("expunged", line, hint));
        }
    }

    /// The exit code of a command that did only this.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if self.stopped {
            Exit::Stopped
        } else if self.failed.count() == 0 {
            Exit::Done
        } else if self.named == 0 {
            Exit::NotFound
        } else {
            Exit::Partial
        }
    }
}

/// How far an import is; told after each batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Messages that are done with.
    pub done: u64,
    /// Messages in all; `None` where an mbox hides how many it holds: then bytes tell.
    pub total: Option<u64>,
    /// New ones so far.
    pub imported: u64,
    /// Failures so far.
    pub failed: u64,
    /// Bytes read.
    pub bytes_done: u64,
    /// Bytes in all.
    pub bytes_total: u64,
}
