//! `archive`: out of the inbox, kept.

use super::context::{Context, Subject, change};
use super::intent::{Change, Intent};
use super::registry::{Command, Group, Verb};
use crate::label::Place;

/// The declaration.
pub const ARCHIVE: Command = Command {
    name: "archive",
    does: "Archive: out of the inbox, kept",
    hint: "archive",
    group: Group::Triage,
    contexts: &[Context::List, Context::Reader],
    keys: &["e"],
    undoable: true,
    verb: Verb::Decide(decide),
};

fn decide(subjects: &[Subject]) -> Option<Intent> {
    change(subjects, Change::Place(Place::Archive))
}

#[cfg(test)]
mod tests {
    use super::super::context::sample::subject;
    use super::*;

    #[test]
    fn names_every_member_as_it_was_drawn() {
        let rows = [subject("aaaaaaaa", false), subject("bbbbbbbb", true)];
        let Some(Intent::Change { changes, targets }) = decide(&rows) else { panic!("no intent") };
        assert_eq!(changes, [Change::Place(Place::Archive)]);
        assert_eq!(targets, [rows[0].targets[0].clone(), rows[1].targets[0].clone()]);
        assert_eq!(targets[0].seen.position, 7);
        assert_eq!(decide(&[]), None);
    }
}
