//! `undo`: takes back the last action.

use super::context::Context;
use super::registry::{Command, Group, Verb};

/// The declaration. Which action it names is the caller's to know: the last one a key asked for,
/// not the read mark that opening a conversation made by itself.
pub const UNDO: Command = Command {
    name: "undo",
    does: "Undo the last action, at any depth",
    hint: "undo",
    group: Group::Triage,
    contexts: &[Context::List, Context::Reader],
    keys: &["z"],
    undoable: false,
    verb: Verb::Undo,
};
