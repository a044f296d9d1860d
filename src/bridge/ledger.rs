//! What was read where, and what it said: so that what is as it was need not be read again, and
//! what changed can be told from what did not.
//!
//! Invariant: a cache. A row is written only after the sink's durable answer, so that losing rows
//! costs time and never a message.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Said;
use crate::id::{MessageId, ThreadId};

/// By what a file is known to be as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// When it was written, Unix nanoseconds.
    pub modified: i64,
    /// When it was changed in any way, Unix nanoseconds; 0 for a file of one message, which is
    /// never changed and often renamed. Mail programs turn the other time of an mbox back.
    pub changed: i64,
    /// Its inode.
    pub inode: u64,
}

impl Stamp {
    /// Of a file.
    #[must_use]
    pub fn of(metadata: &Metadata, mbox: bool) -> Self {
        let nanos =
            |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        let changed = if mbox { nanos(metadata.ctime(), metadata.ctime_nsec()) } else { 0 };
        Self {
            size: metadata.len(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed,
            inode: metadata.ino(),
        }
    }
}

/// A message in a file, as last seen there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The message.
    #[serde(rename = "m")]
    pub message: MessageId,
    /// Its thread.
    #[serde(rename = "t")]
    pub thread: ThreadId,
    /// What was said of it.
    #[serde(rename = "s")]
    pub said: Said,
    /// Whether its own header said some of that, so that its file's name is not all.
    #[serde(rename = "h", default, skip_serializing_if = "std::ops::Not::not")]
    pub header: bool,
}

/// How many messages of a file were left out, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// They were purged.
    pub purged: u64,
    /// A mail program holds them as gone.
    pub expunged: u64,
}

/// A file as last seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileRow {
    /// The row; 0 for one that is not written yet.
    pub id: i64,
    /// As it was; `None` when it must be read again in any case.
    pub stamp: Option<Stamp>,
    /// Whether it was not there when last looked for.
    pub gone: bool,
    /// Grows with every write of any row.
    pub version: u64,
    /// Its messages.
    pub held: Vec<Held>,
    /// Messages of it that were left out.
    pub left_out: LeftOut,
}

/// A write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file is so now.
    Put(PathBuf, FileRow),
    /// A row is no longer needed: its message is followed elsewhere.
    Forget(i64),
    /// The file of a row is gone.
    Gone(i64),
}

/// Where it is remembered. Paths are absolute and without links. One that cannot be read has no
/// rows, and one that cannot be written keeps none: neither is in the way of an import.
pub trait Ledger {
    /// The rows of a directory, by file name.
    fn directory(&mut self, dir: &Path) -> HashMap<OsString, FileRow>;

    /// Directories with rows, at or below `root`.
    fn below(&mut self, root: &Path) -> Vec<PathBuf>;

    /// Every row with a message of this thread.
    fn of_thread(&mut self, thread: &ThreadId) -> Vec<(PathBuf, FileRow)>;

    /// Writes, all or none.
    fn write(&mut self, entries: Vec<Entry>);

    /// Whether everything at or below `root` was read once.
    fn is_complete(&mut self, root: &Path) -> bool;

    /// Everything at or below `root` was read.
    fn complete(&mut self, root: &Path);

    /// Its own name, made when it began; and the version of the last write.
    fn name(&self) -> (String, u64);
}

/// Remembers nothing: everything is read, nothing is followed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Forgetful;

impl Ledger for Forgetful {
    fn directory(&mut self, _: &Path) -> HashMap<OsString, FileRow> {
        HashMap::new()
    }

    fn below(&mut self, _: &Path) -> Vec<PathBuf> {
        Vec::new()
    }

    fn of_thread(&mut self, _: &ThreadId) -> Vec<(PathBuf, FileRow)> {
        Vec::new()
    }

    fn write(&mut self, _: Vec<Entry>) {}

    fn is_complete(&mut self, _: &Path) -> bool {
        false
    }

    fn complete(&mut self, _: &Path) {}

    fn name(&self) -> (String, u64) {
        (String::new(), 0)
    }
}
