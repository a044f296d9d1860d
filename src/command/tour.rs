//! `tour` and `skip-step`: the tour of the sample mailbox.

use super::context::Context::{self, List, Reader};
use super::registry::{Command, Group, Verb};

const CONTEXTS: &[Context] = &[List, Reader];

/// The declarations.
pub const TOURING: [Command; 2] = [
    declare("tour", "End the tour, or start it again", &["T"], Verb::Tour),
    declare("skip-step", "Skip a step of the tour", &[">"], Verb::SkipStep),
];

const fn declare(
    name: &'static str,
    does: &'static str,
    keys: &'static [&'static str],
    verb: Verb,
) -> Command {
    let (hint, group, contexts) = ("", Group::Tour, CONTEXTS);
    Command { name, does, hint, group, contexts, keys, undoable: false, verb }
}
