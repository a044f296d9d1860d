//! Opening, leaving, and moving inside and between conversations.

use super::context::Context::{List, Reader};
use super::registry::{Command, Group, Verb, declare};

/// The declarations.
pub const OPENING: [Command; 9] = [
    declare(
        Group::Read,
        "open",
        "Open the conversation",
        "open",
        &[List],
        &["Enter", "o"],
        Verb::Open,
    ),
    declare(
        Group::Read,
        "back",
        "Back to the list",
        "back",
        &[Reader],
        &["u", "Esc", "q"],
        Verb::Back,
    ),
    declare(
        Group::Read,
        "next-message",
        "Next message; after a search, the next hit",
        "message",
        &[Reader],
        &["n"],
        Verb::Message(true),
    ),
    declare(
        Group::Read,
        "previous-message",
        "Previous message",
        "",
        &[Reader],
        &["p"],
        Verb::Message(false),
    ),
    declare(
        Group::Read,
        "next-conversation",
        "Next conversation",
        "next",
        &[Reader],
        &["J"],
        Verb::Conversation(true),
    ),
    declare(
        Group::Read,
        "previous-conversation",
        "Previous conversation",
        "",
        &[Reader],
        &["K"],
        Verb::Conversation(false),
    ),
    declare(
        Group::Read,
        "fold",
        "Fold or unfold the message",
        "",
        &[Reader],
        &["Enter", "o"],
        Verb::Fold,
    ),
    declare(
        Group::Read,
        "unfold-all",
        "Unfold all messages",
        "",
        &[Reader],
        &[";"],
        Verb::FoldAll(false),
    ),
    declare(
        Group::Read,
        "fold-all",
        "Fold all messages",
        "",
        &[Reader],
        &[","],
        Verb::FoldAll(true),
    ),
];
