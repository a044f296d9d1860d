//! Searching: the line that is typed, and what was found.

use super::context::Context::{Drafts, History, List, Outbox, Reader, Search};
use super::registry::{Command, Group, Verb, declare};

/// The declarations.
pub const SEARCHING: [Command; 5] = [
    declare(
        Group::Read,
        "search",
        "Search all mail, as you type",
        "search",
        &[List, Reader, History, Drafts, Outbox],
        &["/"],
        Verb::Search,
    ),
    declare(
        Group::Read,
        "search-keep",
        "Keep what was found as a list",
        "keep",
        &[Search],
        &["Enter"],
        Verb::Accept,
    ),
    declare(
        Group::Read,
        "search-leave",
        "Back to where the search began",
        "back",
        &[Search],
        &["Esc"],
        Verb::Close,
    ),
    declare(
        Group::Read,
        "search-order",
        "What was found: newest or best first",
        "",
        &[Search, List],
        &["C-o"],
        Verb::SearchOrder,
    ),
    declare(
        Group::Read,
        "previous-hit",
        "After a search, the previous hit",
        "",
        &[Reader],
        &["N"],
        Verb::Hit(false),
    ),
];
