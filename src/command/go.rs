//! Going to another list: by name after `g`, or along the sidebar.

use super::context::Context;
use super::registry::{Command, Group, Verb};

const CONTEXTS: &[Context] =
    &[Context::List, Context::Reader, Context::History, Context::Drafts, Context::Outbox];

/// The declarations.
pub const GOING: [Command; 8] = [
    go("go-inbox", "Inbox", "inbox", &["g i"], Verb::Go("inbox")),
    go("go-starred", "Starred", "starred", &["g s"], Verb::Go("starred")),
    go("go-all", "All mail but trash and spam", "all", &["g a"], Verb::Go("all")),
    go("go-sent", "Sent", "sent", &["g t"], Verb::Go("sent")),
    go("go-drafts", "Drafts", "drafts", &["g d"], Verb::Go("drafts")),
    go("go-outbox", "Outbox: what is being sent", "outbox", &["g o"], Verb::Go("outbox")),
    go("next-label", "Next tab, or label in the sidebar", "", &["Tab"], Verb::Along(true)),
    go(
        "previous-label",
        "Previous tab, or label in the sidebar",
        "",
        &["S-Tab"],
        Verb::Along(false),
    ),
];

pub(super) const fn go(
    name: &'static str,
    does: &'static str,
    hint: &'static str,
    keys: &'static [&'static str],
    verb: Verb,
) -> Command {
    Command { name, does, hint, group: Group::Go, contexts: CONTEXTS, keys, undoable: false, verb }
}
