//! What is shown about the program itself: how fast it is, what it said, what there is to count.
//!
//! Invariant: looking changes nothing; none of these decides about mail.

use super::context::Context::{self, Drafts, History, List, Outbox, Panel, Reader};
use super::registry::{Command, Group, Verb, declare};

/// What a panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// What was said, the last first.
    Notices,
    /// What can be counted in the mail.
    Stats,
}

/// Where they can be opened.
const ANYWHERE: &[Context] = &[List, Reader, History, Drafts, Outbox];

/// The declarations.
pub const PANELS: [Command; 5] = [
    declare(
        Group::Program,
        "notices",
        "Notices: what was said",
        "",
        ANYWHERE,
        &["g n"],
        Verb::Panel(Shows::Notices),
    ),
    declare(
        Group::Program,
        "stats",
        "Statistics of your mail",
        "",
        ANYWHERE,
        &["g S"],
        Verb::Panel(Shows::Stats),
    ),
    declare(
        Group::Program,
        "latency",
        "How fast keys are drawn; again: stop",
        "",
        ANYWHERE,
        &["g L"],
        Verb::Latency,
    ),
    declare(
        Group::Program,
        "stop-import",
        "Stop the running import; what is in stays",
        "",
        ANYWHERE,
        &["g X"],
        Verb::Stop,
    ),
    declare(Group::Program, "close-panel", "Close", "close", &[Panel], &["Esc", "q"], Verb::Close),
];
