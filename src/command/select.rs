//! `select` and `select-next`: which rows the next command is for.

use super::context::Context;
use super::registry::{Command, Group, Verb};

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
