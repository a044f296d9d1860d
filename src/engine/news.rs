//! What changed on a device, for who looks now and then.
//!
//! Invariant: each change is told once; who takes the news tells all of it, or keeps it.

use std::collections::BTreeSet;

use crate::engine::Device;
use crate::engine::elsewhere::FoundThere;
use crate::engine::told::Told;
use crate::id::ThreadId;

/// What changed in the stores since it was last asked.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct News {
    /// Rows or counts.
    pub lists: bool,
    /// Threads whose messages or cells may have changed.
    pub threads: BTreeSet<ThreadId>,
    /// Mailbox events taken in.
    pub pulled: u64,
    /// Own events confirmed.
    pub pushed: u64,
    /// Conversations fetched to be kept.
    pub fetched: u64,
    /// Lines of refused events.
    pub refused: Vec<String>,
    /// Lines of what was taken back too late.
    pub late: Vec<String>,
    /// What the backend said was wrong.
    pub error: Option<(String, String, bool)>,
    /// What it told of its accounts.
    pub told: Option<Box<Told>>,
    /// What it found.
    pub found: Option<FoundThere>,
    /// It can be asked to search from now on.
    pub finder: bool,
}

impl Device {
    /// What changed since the last call.
    pub fn news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    /// Why the backend could not go on, if it said so: code and line.
    pub(super) fn take_failure(&mut self) -> Option<(String, String)> {
        self.news.error.take().map(|(code, message, _)| (code, message))
    }
}
