//! `read` and `unread`.

use super::context::{Context, Subject, change};
use super::intent::{Change, Intent};
use super::registry::{Command, Group, Verb};

/// The declaration of `read`.
pub const READ: Command = Command {
    name: "read",
    does: "Mark as read",
    hint: "read",
    group: Group::Triage,
    contexts: &[Context::List, Context::Reader],
    keys: &["I"],
    undoable: true,
    verb: Verb::Decide(read),
};

/// The declaration of `unread`.
pub const UNREAD: Command = Command {
    name: "unread",
    does: "Mark as unread",
    hint: "unread",
    group: Group::Triage,
    contexts: &[Context::List, Context::Reader],
    keys: &["U"],
    undoable: true,
    verb: Verb::Decide(unread),
};

/// Marks `subjects` read; also what opening a conversation does once it is drawn.
#[must_use]
pub fn read(subjects: &[Subject]) -> Option<Intent> {
    change(subjects, Change::Read(true))
}

fn unread(subjects: &[Subject]) -> Option<Intent> {
    change(subjects, Change::Read(false))
}

#[cfg(test)]
mod tests {
    use super::super::context::sample::subject;
    use super::*;

    #[test]
    fn both_are_absolute() {
        for (decide, on) in [(read as fn(&[Subject]) -> _, true), (unread, false)] {
            let intent = decide(&[subject("aaaaaaaa", false)]);
            assert!(matches!(intent, Some(Intent::Change { changes, .. })
                if changes == [Change::Read(on)]));
        }
    }
}
