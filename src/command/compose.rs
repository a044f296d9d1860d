//! Writing, sending, and the lists of drafts and of what is being sent.
//!
//! Invariant: in the composer only keys with Ctrl, and those that type nothing, are commands; the
//! first of a sequence is always `C-x`, which every terminal passes.

use super::context::Context::{self, Compose, Drafts, History, List, Outbox, Reader};
use super::motion::{Edit, Motion};
use super::registry::{Command, Group, Verb, declare};

/// What a key does about writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// A new message.
    New,
    /// An answer to who wrote it.
    Reply,
    /// An answer to everybody.
    ReplyAll,
    /// A forward with the message in its text.
    Forward,
    /// A forward with the message attached.
    ForwardAttached,
    /// Leaves the mailing list that it came by.
    Unsubscribe,
    /// Leaves it, kept as a draft.
    Leave,
    /// Enter: a new line, the next field, or the address that is chosen.
    Enter,
    /// To the next (`true`) or previous field.
    Field(bool),
    /// Sends it.
    Send,
    /// Gives it to the editor.
    Editor,
    /// Attaches a file.
    Attach,
    /// Takes the last attached file off.
    Detach,
    /// The next identity in From.
    Identity,
    /// Takes back (`true`) or does again what was typed.
    Step(bool),
    /// Throws it away.
    Discard,
    /// Its saves.
    Saves,
}

/// What a key does in the lists of drafts and of what is being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out {
    /// Opens it to be written on.
    Open,
    /// Throws the draft away, or takes back what is to be sent.
    Discard,
    /// Sends it again.
    Again,
}

/// Where mail is read.
const READING: &[Context] = &[List, Reader];

/// The declarations.
pub const WRITING: [Command; 27] = [
    write(
        "compose",
        "Write a new message",
        "write",
        &[List, Reader, Drafts, Outbox, History],
        &["c"],
        Write::New,
    ),
    write("reply", "Answer who wrote it", "reply", READING, &["r"], Write::Reply),
    write("reply-all", "Answer everybody", "", READING, &["a"], Write::ReplyAll),
    write("forward", "Forward it in the text", "", READING, &["f"], Write::Forward),
    write(
        "forward-attached",
        "Forward it as it came, attached",
        "",
        READING,
        &["F"],
        Write::ForwardAttached,
    ),
    write(
        "unsubscribe",
        "Leave the mailing list that it came by: asks first",
        "",
        &[Reader],
        &["g u"],
        Write::Unsubscribe,
    ),
    write(
        "send",
        "Send: asks when, and what may be wrong",
        "send",
        &[Compose],
        &["C-x s", "C-x C-x"],
        Write::Send,
    ),
    write("attach", "Attach a file", "attach", &[Compose], &["C-x a"], Write::Attach),
    write("detach", "Take the last attached file off", "", &[Compose], &["C-x d"], Write::Detach),
    write(
        "editor",
        "Write on in your editor",
        "editor",
        &[Compose],
        &["C-x e", "C-x C-e"],
        Write::Editor,
    ),
    write(
        "identity",
        "The next of your addresses in From",
        "",
        &[Compose],
        &["C-x f"],
        Write::Identity,
    ),
    write("untype", "Take back what was typed", "", &[Compose], &["C-x u"], Write::Step(true)),
    write("retype", "Do that again", "", &[Compose], &["C-x r"], Write::Step(false)),
    write("saves", "Earlier saves of this draft", "", &[Compose], &["C-x h"], Write::Saves),
    Command {
        undoable: true,
        ..write("throw-away", "Throw the draft away", "", &[Compose], &["C-x k"], Write::Discard)
    },
    write(
        "next-field",
        "The next field, or the first proposal",
        "next",
        &[Compose],
        &["Tab"],
        Write::Field(true),
    ),
    write("previous-field", "The field before", "", &[Compose], &["S-Tab"], Write::Field(false)),
    write(
        "enter",
        "A new line; from a field to the next",
        "",
        &[Compose],
        &["Enter"],
        Write::Enter,
    ),
    moving("row-down", "A row down", &["Down", "C-n"], Motion::Down),
    moving("row-up", "A row up", &["Up", "C-p"], Motion::Up),
    moving("rows-down", "A page down in the text", &["PgDn"], Motion::PageDown),
    moving("rows-up", "A page up in the text", &["PgUp"], Motion::PageUp),
    Command {
        group: Group::Program,
        ..write(
            "leave-draft",
            "Leave it: it is kept as a draft",
            "leave",
            &[Compose],
            &["Esc"],
            Write::Leave,
        )
    },
    out("open-draft", "Write on", "open", &[Drafts, Outbox], &["Enter", "o"], Out::Open),
    Command {
        undoable: true,
        ..out(
            "discard-draft",
            "Throw the draft away",
            "discard",
            &[Drafts],
            &["#", "Delete"],
            Out::Discard,
        )
    },
    Command {
        undoable: true,
        ..out(
            "take-back",
            "Do not send it: it is a draft again",
            "take back",
            &[Outbox],
            &["#", "Delete"],
            Out::Discard,
        )
    },
    out("send-again", "Send it again", "again", &[Outbox], &["r"], Out::Again),
];

/// What only the composer has of the keys for text.
pub const EDITS: [Command; 1] = [Command {
    name: "erase-rest",
    does: "Erase to the end of the line",
    hint: "",
    group: Group::Write,
    contexts: &[Compose],
    keys: &["C-k"],
    undoable: false,
    verb: Verb::Edit(Edit::EraseRest),
}];

const fn write(
    name: &'static str,
    does: &'static str,
    hint: &'static str,
    contexts: &'static [Context],
    keys: &'static [&'static str],
    what: Write,
) -> Command {
    declare(Group::Write, name, does, hint, contexts, keys, Verb::Write(what))
}

const fn out(
    name: &'static str,
    does: &'static str,
    hint: &'static str,
    contexts: &'static [Context],
    keys: &'static [&'static str],
    what: Out,
) -> Command {
    declare(Group::Write, name, does, hint, contexts, keys, Verb::Out(what))
}

const fn moving(
    name: &'static str,
    does: &'static str,
    keys: &'static [&'static str],
    motion: Motion,
) -> Command {
    declare(Group::Write, name, does, "", &[Compose], keys, Verb::Motion(motion))
}
