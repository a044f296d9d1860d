//! What of a message's own bytes writing needs, as values: what only its header says, its files.
//!
//! Invariant: a view; it holds no bytes of the message but those that a draft needs.

use crate::id::{BlobHash, MessageId};
use crate::mail::compose::unsubscribe::{self, Way};
use crate::mail::compose::{Attached, Hints};
use crate::notice::Notice;

/// What is wanted of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// What its header says.
    Head,
    /// Its files, kept to go with a draft.
    Files,
    /// All of it without Bcc, kept to go with a draft under this name.
    Whole(String),
}

/// A message, and what is wanted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalAsk {
    /// Returned with the answer.
    pub ticket: u64,
    /// The message.
    pub message: MessageId,
    /// Its bytes.
    pub raw: BlobHash,
    /// What is wanted.
    pub want: Want,
}

/// What only the raw header of a message says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// About answers to it.
    pub hints: Hints,
    /// How its list is left.
    pub leave: Option<Way>,
}

/// The longest header that is looked at, in bytes.
const MAX_HEAD_BYTES: usize = 1024 * 1024;

impl Head {
    /// Reads a raw message, or only its header.
    #[must_use]
    pub fn read(raw: &[u8]) -> Self {
        // A header's end is looked for in its beginning only: a message may be large.
        let head = &raw[..raw.len().min(MAX_HEAD_BYTES)];
        Self { hints: Hints::read(head), leave: unsubscribe::of(head) }
    }
}

/// What was wanted of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// The request's.
    pub ticket: u64,
    /// The message.
    pub message: MessageId,
    /// What its header says; `None` where its bytes are not here.
    pub head: Option<Head>,
    /// What is kept to go with a draft, or why nothing is.
    pub files: Result<Vec<Attached>, Notice>,
}
