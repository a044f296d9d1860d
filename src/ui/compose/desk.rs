//! What writing needs of the world outside the model, and what comes back.
//!
//! Invariant: values only. Files are read and the editor is run by whoever starts the interface,
//! on threads of their own; nothing here waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::{EventId, ThreadId};
use crate::mail::compose::{Attached, Draft, Identity};
use crate::notice::Notice;
use crate::ui::files::{FileAsk, FileStep};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskAsk {
    /// As whom is written.
    Identities,
    /// Drafts that an editor was given and that did not come back.
    Leftovers,
    /// A file to attach, by the path as it was typed.
    Attach {
        /// Returned with the answer.
        ticket: u64,
        /// The path.
        path: String,
    },
    /// How a path that is being typed may go on.
    Paths {
        /// Returned with the answer.
        ticket: u64,
        /// What is typed.
        typed: String,
    },
    /// What the editor was given is saved: its file can go.
    Forget(i64),
    /// Something with files of a conversation.
    File(Box<FileAsk>),
    /// What was asked of files under this ticket is wanted no more.
    StopFile(u64),
    /// A link, to be opened by the program that the user has for it.
    OpenLink(String),
    /// To be taken off a mailing list, by one click (RFC 8058).
    Leave {
        /// What is asked.
        url: String,
        /// Its host.
        host: String,
    },
}

/// What comes back.
#[derive(Debug, Clone)]
pub enum DeskSaid {
    /// As whom is written, and how long what an account sends is held where it says so, in seconds.
    Identities(Vec<Identity>, BTreeMap<String, u64>),
    /// Something is wrong with that.
    Problem(Notice),
    /// A draft that an editor was given and that did not come back.
    Leftover(Box<Leftover>),
    /// A file is kept, to be attached.
    Attached(u64, Result<Attached, Notice>),
    /// How a path may go on.
    Paths(u64, Vec<String>),
    /// How far it is with files.
    File(Box<FileAsk>, FileStep),
    /// What came of asking this host to be taken off its list.
    Left(String, Result<(), Notice>),
}

/// A draft in an editor's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The number of its file.
    pub slot: i64,
    /// Its store, where it was saved.
    pub thread: Option<ThreadId>,
    /// The save that it goes on from.
    pub from: Option<EventId>,
    /// What is written.
    pub draft: Draft,
}

/// A draft on its way to an editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditorJob {
    /// Its number.
    pub slot: i64,
    /// Its store, where it was saved.
    pub thread: Option<ThreadId>,
    /// The save that it goes on from.
    pub from: Option<EventId>,
    /// What is written.
    pub draft: Draft,
}

/// What an editor gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditorSaid {
    /// The number of what it was given.
    pub slot: i64,
    /// The text; `None` when there was none to read.
    pub text: Option<String>,
    /// Why it is not as it was wanted.
    pub problem: Option<Notice>,
}

/// Answers what is asked, on a thread of its own.
pub type DeskJob = Arc<dyn Fn(DeskAsk, DeskTell) + Send + Sync>;

/// Tells the interface what came of it; whether it still listens.
pub type DeskTell = Box<dyn Fn(DeskSaid) -> bool + Send>;

/// Runs the user's editor, which has the terminal meanwhile; returns when it has ended.
pub type EditorRun = Box<dyn FnMut(&EditorJob) -> EditorSaid>;
