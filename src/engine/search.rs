//! What is asked of a search on the screen, and what it answers, as values.
//!
//! Invariant: a search is of one ticket; who asks anew has given up what was asked before.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::elsewhere::AskedThere;
use crate::engine::view::Row;
use crate::id::ThreadId;
use crate::mail::Address;
use crate::notice::Notice;
use crate::search::{Order, Query};

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// What is asked.
    pub query: Query,
    /// In which order.
    pub order: Order,
    /// Somebody is typing; see [`crate::search::Ask`].
    pub typing: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The conversations, in the order that was asked for, each once.
    pub rows: Vec<Row>,
    /// Whether there are more than were wanted.
    pub more: bool,
    /// Why nothing, or not all, could be looked at.
    pub wrong: Option<Notice>,
    /// Those of them that the backend alone found: this device does not hold their words.
    pub elsewhere: BTreeSet<ThreadId>,
    /// How far the backend is.
    pub there: AskedThere,
}

/// How far the index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Indexed {
    /// Messages that are in it.
    pub has: u64,
    /// Messages that it lacks.
    pub lacks: u64,
    /// Only what this device keeps can be looked at.
    pub kept_only: bool,
    /// It has more than when something was found last.
    pub grew: bool,
}

/// Reads what the message of a thread with this date says; `None` where it is not here.
pub type Reading = Box<dyn Fn(&ThreadId, i64) -> Option<String>>;

/// To whom the messages of a thread went that are the user's own, and when; what is not here went
/// to nobody.
pub type SentTo = Box<dyn Fn(&ThreadId) -> Vec<(Vec<Address>, i64)>>;

/// Makes one, on the thread that asks.
pub type SentToDoor = Arc<dyn Fn() -> Option<SentTo> + Send + Sync>;

/// The threads of which an account has a message, by its address or id, or what these begin with;
/// `None` where there is no such account.
pub type OfAccount = Arc<dyn Fn(&str) -> Option<Vec<ThreadId>> + Send + Sync>;

/// Where the words of mail are: the index, and who can tell what it lacks. Made by the wiring.
#[derive(Clone)]
pub struct Shelf {
    /// The directory of the index.
    pub dir: PathBuf,
    /// The index cannot be read: takes it away if it is damaged, and has it made again beside.
    /// Whether it was.
    pub spoilt: Arc<dyn Fn() -> bool + Send + Sync>,
    /// How many messages the index lacks; it may take in some first. It may take a while.
    pub lacks: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Who reads texts, made on the thread that searches.
    pub reading: Arc<dyn Fn() -> Option<Reading> + Send + Sync>,
    /// Who reads to whom mail went, made on the thread that asks.
    pub sent_to: SentToDoor,
    /// Which threads are of an account.
    pub of_account: OfAccount,
    /// The index has only what this device keeps.
    pub kept_only: bool,
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").field("dir", &self.dir).finish_non_exhaustive()
    }
}
