//! `spam`: unwanted, until undone.

use super::context::{Context, Subject, change};
use super::intent::{Change, Intent};
use super::registry::{Command, Group, Verb};
use crate::label::Place;

/// The declaration.
pub const SPAM: Command = Command {
    name: "spam",
    does: "Move to spam",
    hint: "spam",
    group: Group::Triage,
    contexts: &[Context::List, Context::Reader],
    keys: &["!"],
    undoable: true,
    verb: Verb::Decide(decide),
};

fn decide(subjects: &[Subject]) -> Option<Intent> {
    change(subjects, Change::Place(Place::Spam))
}

#[cfg(test)]
mod tests {
    use super::super::context::sample::subject;
    use super::*;

    #[test]
    fn moves_to_spam() {
        let intent = decide(&[subject("aaaaaaaa", false)]);
        assert!(matches!(intent, Some(Intent::Change { changes, .. })
            if changes == [Change::Place(Place::Spam)]));
    }
}
