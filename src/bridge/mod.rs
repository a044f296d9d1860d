//! The outside mail world: what reads mbox, Maildir and `.eml` and hands messages to a
//! [`MailSink`].
//!
//! Invariant: a bridge never touches a store; the sink decides what is new. It must not stop for
//! one bad message: that is listed with its place and reason, and the rest goes on.
//!
//! An import is [`discover`] (which files, in which order, by `probe` and [`folder`] and
//! [`maildir`]), then `survey` (which of them are as the [`ledger`] has them), then [`import`]
//! (read, batch, submit, count), with [`mbox`] for files of many messages and [`packed`] for packed
//! ones, then `changes` (what of what was known is otherwise now, by the rule of [`follow`]).
//! `thunderbird` and `notmuch` know what these programs keep beside mail. [`find`] looks for mail
//! before anybody named some. A file that ends in `.eml`, has Maildir flags in its name or lies in
//! `cur` or `new` is one message even where lines in it look like an mbox: patches and forwarded
//! mailboxes do.

mod changes;
pub mod discover;
pub mod failures;
pub mod find;
pub mod folder;
pub mod follow;
mod from_line;
pub mod import;
mod keyword;
pub mod leave;
pub mod ledger;
pub mod maildir;
pub mod mbox;
mod notmuch;
pub mod packed;
mod probe;
mod reading;
mod report;
mod said;
mod survey;
mod thunderbird;
pub mod watch;

pub use follow::{Follow, Followed};
pub use said::Said;

use std::path::PathBuf;

use crate::id::{MessageId, ThreadId};
use crate::label::Place;
use crate::mail::Flags;

/// One message as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// RFC 5322 bytes: mbox quoting undone, no `From ` line.
    pub raw: Vec<u8>,
    /// What its folder says.
    pub folder: Folder,
    /// Flags from a Maildir name; `None` where none are known (then unread).
    pub flags: Option<Flags>,
    /// The file's time or the `From ` line's, Unix seconds.
    pub file_time: Option<i64>,
}

/// What a folder says of the messages in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Folder {
    /// The place; `None` is the inbox by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Our own sent mail.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sent: bool,
    /// Drafts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drafts: bool,
    /// Names of user labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The user's word, not a folder's: take them in again though they were purged.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub revive: bool,
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase", tag = "outcome")]
pub enum Outcome {
    /// New.
    Imported {
        /// Its thread.
        thread: ThreadId,
        /// Whether the thread began with it.
        new: bool,
        /// The message.
        #[serde(default)]
        message: Option<MessageId>,
    },
    /// Equal bytes are there already.
    Duplicate {
        /// Its thread.
        thread: ThreadId,
        /// The message.
        #[serde(default)]
        message: Option<MessageId>,
    },
    /// Other bytes under an id that is there; kept as a further copy.
    Copy {
        /// Its thread.
        thread: ThreadId,
        /// The message.
        #[serde(default)]
        message: Option<MessageId>,
    },
    /// It was purged, and stays so.
    Purged,
    /// Not taken in.
    Failed {
        /// A stable word.
        code: String,
        /// One line.
        reason: String,
    },
}

/// Where the sink stops: the backend is gone, the disk is full.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.message)]
pub struct SinkError(pub crate::notice::Notice);

/// What the bridge hands messages to. The backend implements it, and so does the device side of a
/// remote backend.
pub trait MailSink {
    /// Takes a batch (at most `limits::INGEST_MESSAGES`). Returns outcomes of earlier messages, in
    /// the order in which those were submitted; durable when returned.
    ///
    /// # Errors
    /// When nothing more can be taken in. What was answered before stays.
    fn submit(&mut self, batch: Vec<Incoming>) -> Result<Vec<Outcome>, SinkError>;

    /// Waits for all that was submitted; returns the remaining outcomes in order.
    ///
    /// # Errors
    /// As `submit`.
    fn finish(&mut self) -> Result<Vec<Outcome>, SinkError>;

    /// Takes in what a source changed of conversations; one answer for each, durable when returned.
    /// What was submitted before is finished. Rows are waited for by another `finish`.
    ///
    /// # Errors
    /// As `submit`.
    fn follow(&mut self, changes: Vec<Follow>) -> Result<Vec<Followed>, SinkError>;

    /// The row (root) that shows each of `threads` now, in the same order: linked threads have one.
    ///
    /// # Errors
    /// As `submit`.
    fn roots(&mut self, threads: &[ThreadId]) -> Result<Vec<ThreadId>, SinkError>;
}

/// A place in the source, for the list of failures.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Failure {
    /// The file.
    #[serde(serialize_with = "failures::safe_path")]
    pub path: PathBuf,
    /// Byte offset in it (0 for a file that is one message).
    pub offset: u64,
    /// One line.
    pub reason: String,
    /// A stable word.
    pub code: String,
}
