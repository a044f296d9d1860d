//! `select` and `select-next`: which rows the next command is for.

use super::context::Context;
use super::registry::{Command, Group, Verb};

/// Which rows are selected at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// None.
    None,
    /// Those that are read.
    Read,
    /// Those in which something is unread.
    Unread,
    /// Those with a star.
    Starred,
}

/// Several at once, and a range.
pub const SELECTING: [Command; 6] = [
    which("select-all", "Select all that is listed", "all", &["* a"], Which::All),
    which("select-none", "Select nothing", "none", &["* n"], Which::None),
    which("select-read", "Select what is read", "read", &["* r"], Which::Read),
    which("select-unread", "Select what is unread", "unread", &["* u"], Which::Unread),
    which("select-starred", "Select what is starred", "starred", &["* s"], Which::Starred),
    Command {
        name: "select-range",
        does: "Select from here to where you go; again: ends there",
        hint: "",
        group: Group::Triage,
        contexts: &[Context::List],
        keys: &["V"],
        undoable: false,
        verb: Verb::SelectRange,
    },
];

const fn which(
    name: &'static str,
    does: &'static str,
    hint: &'static str,
    keys: &'static [&'static str],
    which: Which,
) -> Command {
    Command {
        name,
        does,
        hint,
        group: Group::Triage,
        contexts: &[Context::List],
        keys,
        undoable: false,
        verb: Verb::SelectSome(which),
    }
}

/// The declaration of `select`.
pub const SELECT: Command = Command {
    name: "select",
    does: "Select or unselect the row",
    hint: "select",
    group: Group::Triage,
    contexts: &[Context::List],
    keys: &["x"],
    undoable: false,
    verb: Verb::Select,
};

/// The declaration of `select-next`.
pub const SELECT_NEXT: Command = Command {
    name: "select-next",
    does: "Select the row and go to the next",
    hint: "",
    group: Group::Triage,
    contexts: &[Context::List],
    keys: &["Space"],
    undoable: false,
    verb: Verb::SelectNext,
};

/// The declaration of `clear`.
pub const CLEAR: Command = Command {
    name: "clear",
    does: "Unselect all rows",
    hint: "",
    group: Group::Triage,
    contexts: &[Context::List],
    keys: &["Esc"],
    undoable: false,
    verb: Verb::Clear,
};
