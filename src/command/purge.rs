//! `purge`: gone for ever. Two keys and a typed word, so that none of it is done by a slip.
//!
//! Invariant: these only ask what would go; nothing goes before the box that they open has a `yes`.

use super::context::{Context, Subject};
use super::intent::Target;
use super::registry::{Command, Group, Verb};
use crate::label::Place;

/// The declarations.
pub const PURGING: [Command; 2] = [
    declare("purge", "Delete for ever, out of trash or spam", &["D D"], Verb::Purge(false)),
    declare("empty-trash", "Delete all of the trash for ever", &["D a"], Verb::Purge(true)),
];

const fn declare(
    name: &'static str,
    does: &'static str,
    keys: &'static [&'static str],
    verb: Verb,
) -> Command {
    let contexts = &[Context::List, Context::Reader];
    Command { name, does, hint: "", group: Group::Triage, contexts, keys, undoable: false, verb }
}

/// The conversations that may go for ever, each with its threads: those in trash and spam. `None`
/// when one of them is elsewhere, or there are none.
#[must_use]
pub fn rows(subjects: &[Subject]) -> Option<Vec<Vec<Target>>> {
    let thrown = |subject: &Subject| matches!(subject.place, Place::Trash | Place::Spam);
    let all = !subjects.is_empty() && subjects.iter().all(thrown);
    all.then(|| subjects.iter().map(|subject| subject.targets.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::super::context::sample::subject;
    use super::*;

    #[test]
    fn only_what_is_thrown_away_goes_for_ever() {
        let inside = |id: &str, place: Place| Subject { place, ..subject(id, false) };
        assert_eq!(rows(&[]), None);
        assert_eq!(rows(&[inside("aaaaaaaa", Place::Inbox)]), None);
        let mixed = [inside("aaaaaaaa", Place::Trash), inside("bbbbbbbb", Place::Archive)];
        assert_eq!(rows(&mixed), None);
        let both = [inside("aaaaaaaa", Place::Trash), inside("bbbbbbbb", Place::Spam)];
        assert_eq!(rows(&both).map(|rows| rows.len()), Some(2));
    }
}
