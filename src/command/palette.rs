//! Opening the palette and the line of commands, and what their keys do.
//!
//! Invariant: what is chosen there is a command of the registry, or a list, person or search that
//! is opened; nothing can be done there that no key could do.

use super::context::Context::{self, Drafts, Ex, Help, History, List, Outbox, Palette, Reader};
use super::motion::Motion;
use super::registry::{Command, Group, Verb, declare};

/// Where both open.
const ANYWHERE: &[Context] = &[List, Reader, History, Drafts, Outbox];

/// The declarations.
pub const ASKING: [Command; 14] = [
    declare(
        Group::Program,
        "palette",
        "Find a command, list or person by some letters",
        "",
        ANYWHERE,
        &["C-k", "C-p"],
        Verb::Palette,
    ),
    declare(Group::Program, "line", "Type a command", "", ANYWHERE, &[":"], Verb::Ex),
    declare(Group::Program, "do-this", "Do it", "do", &[Palette, Ex], &["Enter"], Verb::Accept),
    declare(
        Group::Program,
        "complete-command",
        "Complete the word; again: the next choice",
        "complete",
        &[Ex],
        &["Tab"],
        Verb::CompleteEx(true),
    ),
    declare(
        Group::Program,
        "complete-command-back",
        "The choice before",
        "",
        &[Ex],
        &["S-Tab"],
        Verb::CompleteEx(false),
    ),
    declare(
        Group::Program,
        "close-asking",
        "Close; nothing is done",
        "close",
        &[Palette, Ex],
        &["Esc"],
        Verb::Close,
    ),
    moves("next-choice", "Next choice", &[Palette], &["Down", "C-n"], Motion::Down),
    moves("previous-choice", "Previous choice", &[Palette], &["Up", "C-p"], Motion::Up),
    moves("older-line", "What was typed before", &[Ex], &["Up", "C-p"], Motion::Up),
    moves("newer-line", "What was typed after that", &[Ex], &["Down", "C-n"], Motion::Down),
    moves("help-on", "A page on in the help", &[Help], &["PgDn", "C-d", "C-f"], Motion::PageDown),
    moves("help-back", "A page back in the help", &[Help], &["PgUp", "C-u", "C-b"], Motion::PageUp),
    moves("help-start", "The start of the help", &[Help], &["Home"], Motion::First),
    moves("help-end", "The end of the help", &[Help], &["End"], Motion::Last),
];

const fn moves(
    name: &'static str,
    does: &'static str,
    contexts: &'static [Context],
    keys: &'static [&'static str],
    to: Motion,
) -> Command {
    declare(Group::Move, name, does, "", contexts, keys, Verb::Motion(to))
}
