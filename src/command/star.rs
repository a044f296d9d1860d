//! `star`: on if any of the rows is without a star as drawn, else off. Absolute either way.

use super::context::{Context, Subject, change};
use super::intent::{Change, Intent};
use super::registry::{Command, Group, Verb};

/// The declaration.
pub const STAR: Command = Command {
    name: "star",
    does: "Star; unstar when all are starred",
    hint: "star",
    group: Group::Triage,
    contexts: &[Context::List, Context::Reader],
    keys: &["s"],
    undoable: true,
    verb: Verb::Decide(decide),
};

fn decide(subjects: &[Subject]) -> Option<Intent> {
    change(subjects, Change::Star(subjects.iter().any(|row| !row.starred)))
}

#[cfg(test)]
mod tests {
    use super::super::context::sample::subject;
    use super::*;

    fn check(starred: &[bool], on: bool) {
        let rows: Vec<Subject> = starred.iter().map(|s| subject("aaaaaaaa", *s)).collect();
        let Some(Intent::Change { changes, .. }) = decide(&rows) else { panic!("no intent") };
        assert_eq!(changes, [Change::Star(on)], "{starred:?}");
    }

    #[test]
    fn decides_by_what_was_drawn() {
        check(&[false], true);
        check(&[true], false);
        check(&[true, false], true);
        check(&[true, true], false);
        assert_eq!(decide(&[]), None);
    }
}
