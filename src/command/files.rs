//! What is done with the files of a conversation, and how a message is seen as it came.

use super::context::Context::{self, Files, Page, Reader};
use super::registry::{Command, Group, Verb};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileVerb {
    /// Lists what is attached to the conversation.
    List,
    /// Shows a message as it came.
    Source,
    /// Shows the pictures of a message.
    Pictures,
    /// The next of them.
    NextPicture,
    /// The one before.
    PreviousPicture,
    /// Shows the file under the cursor: a text, or a message.
    View,
    /// Saves it where the last one was saved.
    Save,
    /// Saves it into a directory that is asked for.
    SaveTo,
    /// Saves all of them.
    SaveAll,
    /// Opens it with the program for its kind.
    Open,
    /// Gives it to a program that is asked for.
    Pipe,
}

/// The declarations.
pub const FILES: [Command; 12] = [
    files("attachments", "Its attachments", "files", &[Reader], &["A"], FileVerb::List),
    files(
        "source",
        "The message as it came; again: its other form",
        "",
        &[Reader, Page],
        &["H"],
        FileVerb::Source,
    ),
    files("pictures", "Its pictures", "", &[Reader], &["P"], FileVerb::Pictures),
    files("next-picture", "The next picture", "", &[Page], &["n"], FileVerb::NextPicture),
    files("last-picture", "The picture before", "", &[Page], &["p"], FileVerb::PreviousPicture),
    files(
        "view-file",
        "Read it, or see it, here",
        "read",
        &[Files],
        &["Enter", "v"],
        FileVerb::View,
    ),
    files("save-file", "Save it", "save", &[Files], &["s"], FileVerb::Save),
    files("save-file-to", "Save it elsewhere", "", &[Files], &["S"], FileVerb::SaveTo),
    files("save-all-files", "Save all of them", "all", &[Files], &["a"], FileVerb::SaveAll),
    files("open-file", "Open it", "open", &[Files], &["o"], FileVerb::Open),
    files("pipe-file", "Give it to a program", "pipe", &[Files], &["|"], FileVerb::Pipe),
    Command {
        name: "close-files",
        does: "Close; stop what is being fetched",
        hint: "close",
        group: Group::Read,
        contexts: &[Files, Page],
        keys: &["Esc", "q"],
        undoable: false,
        verb: Verb::Close,
    },
];

const fn files(
    name: &'static str,
    does: &'static str,
    hint: &'static str,
    contexts: &'static [Context],
    keys: &'static [&'static str],
    verb: FileVerb,
) -> Command {
    let verb = Verb::Files(verb);
    Command { name, does, hint, group: Group::Read, contexts, keys, undoable: false, verb }
}
