//! `trash`: thrown away, until undone.

use super::context::{Context, Subject, change};
use super::intent::{Change, Intent};
use super::registry::{Command, Group, Verb};
use crate::label::Place;

/// The declaration. `#` needs `AltGr` on many layouts, so Delete does the same.
pub const TRASH: Command = Command {
    name: "trash",
    does: "Move to the trash",
    hint: "trash",
    group: Group::Triage,
    contexts: &[Context::List, Context::Reader],
    keys: &["#", "Delete"],
    undoable: true,
    verb: Verb::Decide(decide),
};

fn decide(subjects: &[Subject]) -> Option<Intent> {
    change(subjects, Change::Place(Place::Trash))
}

#[cfg(test)]
mod tests {
    use super::super::context::sample::subject;
    use super::*;

    #[test]
    fn moves_to_the_trash() {
        let intent = decide(&[subject("aaaaaaaa", false)]);
        assert!(matches!(intent, Some(Intent::Change { changes, .. })
            if changes == [Change::Place(Place::Trash)]));
    }
}
