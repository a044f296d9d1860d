//! Searching: the line that is typed, and what was found.

use super::context::Context::{Drafts, History, List, Outbox, Reader, Search};
use super::motion::Motion;
use super::registry::{Command, Group, Verb, declare};

/// What is done about searching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Opens the line that is typed.
    Open,
    /// The newest first, or the best.
    Turn,
    /// Completes the word, by the next (`true`) or previous choice.
    Complete(bool),
    /// An older (`true`) or newer search.
    Past(bool),
    /// To the next (`true`) or previous hit.
    Hit(bool),
    /// Saves it under a name, or removes the saved one.
    Save,
}

/// The declarations.
pub const SEARCHING: [Command; 13] = [
    declare(
        Group::Read,
        "search",
        "Search all mail, as you type",
        "search",
        &[List, Reader, History, Drafts, Outbox],
        &["/"],
        Verb::Search(Does::Open),
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
        "search-complete",
        "Complete the word; again: the next choice",
        "complete",
        &[Search],
        &["Tab"],
        Verb::Search(Does::Complete(true)),
    ),
    declare(
        Group::Read,
        "search-complete-back",
        "The choice before",
        "",
        &[Search],
        &["S-Tab"],
        Verb::Search(Does::Complete(false)),
    ),
    declare(
        Group::Read,
        "search-older",
        "What was searched before",
        "",
        &[Search],
        &["C-p"],
        Verb::Search(Does::Past(true)),
    ),
    declare(
        Group::Read,
        "search-newer",
        "What was searched after that",
        "",
        &[Search],
        &["C-n"],
        Verb::Search(Does::Past(false)),
    ),
    declare(
        Group::Move,
        "next-found",
        "Down in what was found",
        "",
        &[Search],
        &["Down"],
        Verb::Motion(Motion::Down),
    ),
    declare(
        Group::Move,
        "previous-found",
        "Up in what was found",
        "",
        &[Search],
        &["Up"],
        Verb::Motion(Motion::Up),
    ),
    declare(
        Group::Read,
        "search-order",
        "What was found: newest or best first",
        "",
        &[Search, List],
        &["C-o"],
        Verb::Search(Does::Turn),
    ),
    declare(
        Group::Read,
        "search-save",
        "Save the search under a name, or remove it",
        "save",
        &[Search],
        &["C-s"],
        Verb::Search(Does::Save),
    ),
    declare(
        Group::Read,
        "search-save-found",
        "Save what was searched, or remove it",
        "",
        &[List],
        &["C-s"],
        Verb::Search(Does::Save),
    ),
    declare(
        Group::Read,
        "previous-hit",
        "After a search, the previous hit",
        "",
        &[Reader],
        &["N"],
        Verb::Search(Does::Hit(false)),
    ),
];
