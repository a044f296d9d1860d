//! What is done with what is read: its links opened, pieces of it copied.

use super::context::Context::{self, Links, Reader};
use super::registry::{Command, Group, Verb};

/// What is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// The address of who wrote it.
    Address,
    /// Its text.
    Text,
    /// Its Message-ID.
    Id,
    /// The link under the cursor.
    Link,
}

/// The declarations.
pub const READING: [Command; 6] = [
    reads("links", "Its links; a number goes to one", "links", &[Reader], &["L"], Verb::Links),
    reads(
        "copy-address",
        "Copy the writer's address",
        "address",
        &[Reader],
        &["y a"],
        Verb::Copy(Copied::Address),
    ),
    reads("copy-text", "Copy its text", "text", &[Reader], &["y t"], Verb::Copy(Copied::Text)),
    reads("copy-id", "Copy its Message-ID", "id", &[Reader], &["y i"], Verb::Copy(Copied::Id)),
    reads("open-link", "Open the link", "open", &[Links], &["Enter", "o"], Verb::OpenLink),
    reads("copy-link", "Copy the link", "copy", &[Links], &["y"], Verb::Copy(Copied::Link)),
];

const fn reads(
    name: &'static str,
    does: &'static str,
    hint: &'static str,
    contexts: &'static [Context],
    keys: &'static [&'static str],
    verb: Verb,
) -> Command {
    Command { name, does, hint, group: Group::Read, contexts, keys, undoable: false, verb }
}
