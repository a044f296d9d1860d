//! `undo` and `redo`, and the history in which any action can be undone.

use super::context::Context;
use super::registry::{Command, Group, Verb, declare};

/// Where the last action is taken back.
const ANYWHERE: &[Context] =
    &[Context::List, Context::Reader, Context::History, Context::Drafts, Context::Outbox];

/// The declaration. Which action it names is the caller's to know: the last one a key asked for,
/// not the read mark that opening a conversation made by itself.
pub const UNDO: Command = declare(
    Group::Triage,
    "undo",
    "Undo the last action, at any depth",
    "undo",
    ANYWHERE,
    &["z"],
    Verb::Undo,
);

/// The declarations of what goes with it.
pub const UNDOING: [Command; 6] = [
    declare(
        Group::Triage,
        "redo",
        "Do again what was undone last",
        "",
        ANYWHERE,
        &["Z", "C-r"],
        Verb::Redo,
    ),
    declare(
        Group::Triage,
        "undo-this",
        "Undo this action, whatever came after",
        "undo this",
        &[Context::History],
        &["u"],
        Verb::UndoThis,
    ),
    declare(
        Group::Triage,
        "redo-this",
        "Do this undone action again",
        "redo this",
        &[Context::History],
        &["r", "U"],
        Verb::RedoThis,
    ),
    declare(
        Group::Triage,
        "open-action",
        "What it was done to",
        "open",
        &[Context::History],
        &["Enter", "o"],
        Verb::Open,
    ),
    declare(
        Group::Triage,
        "filter",
        "Only what has these words",
        "filter",
        &[Context::History],
        &["\\"],
        Verb::Filter,
    ),
    declare(
        Group::Triage,
        "history",
        "History: what was done, and where",
        "history",
        &[Context::List, Context::Reader, Context::Drafts, Context::Outbox],
        &["g h"],
        Verb::History,
    ),
];
