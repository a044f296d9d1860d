//! Opening, leaving, and moving inside and between conversations.

use super::context::Context::{self, List, Reader};
use super::registry::{Command, Group, Verb};

/// The declarations.
pub const OPENING: [Command; 9] = [
    declare("open", "Open the conversation", "open", &[List], &["Enter", "o"], Verb::Open),
    declare("back", "Back to the list", "back", &[Reader], &["u", "Esc", "q"], Verb::Back),
    declare("next-message", "Next message", "message", &[Reader], &["n"], Verb::Message(true)),
    declare("previous-message", "Previous message", "", &[Reader], &["p"], Verb::Message(false)),
    declare(
        "next-conversation",
        "Next conversation",
        "next",
        &[Reader],
        &["J"],
        Verb::Conversation(true),
    ),
    declare(
        "previous-conversation",
        "Previous conversation",
        "",
        &[Reader],
        &["K"],
        Verb::Conversation(false),
    ),
    declare("fold", "Fold or unfold the message", "", &[Reader], &["Enter", "o"], Verb::Fold),
    declare("unfold-all", "Unfold all messages", "", &[Reader], &[";"], Verb::FoldAll(false)),
    declare("fold-all", "Fold all messages", "", &[Reader], &[","], Verb::FoldAll(true)),
];

const fn declare(
    name: &'static str,
    does: &'static str,
    hint: &'static str,
    contexts: &'static [Context],
    keys: &'static [&'static str],
    verb: Verb,
) -> Command {
    Command { name, does, hint, group: Group::Read, contexts, keys, undoable: false, verb }
}
