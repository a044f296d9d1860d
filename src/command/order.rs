//! Ordering by hand: conversations joined and split, and in the label picker the label under the
//! cursor renamed, recoloured, deleted.

use super::context::{Context, Subject};
use super::intent::Intent;
use super::registry::{Command, Group, Verb};
use crate::id::ThreadId;

/// The declarations for conversations.
pub const LINKING: [Command; 2] = [
    declare(
        "join",
        "Join the selected conversations into one",
        Group::Triage,
        &[Context::List],
        &["J"],
        Verb::Join,
    ),
    declare(
        "split",
        "Split the conversation, or the message's part off",
        Group::Triage,
        &[Context::List, Context::Reader],
        &["S"],
        Verb::Split,
    ),
];

/// The declarations for labels.
pub const LABELS: [Command; 3] = [
    declare(
        "rename-label",
        "Rename the label",
        Group::Labels,
        &[Context::Picker],
        &["C-r"],
        Verb::RenameLabel,
    ),
    declare(
        "recolor-label",
        "Give the label a colour",
        Group::Labels,
        &[Context::Picker],
        &["C-o"],
        Verb::RecolorLabel,
    ),
    declare(
        "delete-label",
        "Delete the label; undo brings it back",
        Group::Labels,
        &[Context::Picker],
        &["C-x"],
        Verb::DeleteLabel,
    ),
];

const fn declare(
    name: &'static str,
    does: &'static str,
    group: Group,
    contexts: &'static [Context],
    keys: &'static [&'static str],
    verb: Verb,
) -> Command {
    Command { name, does, hint: "", group, contexts, keys, undoable: true, verb }
}

/// The word for a command on labels in the picker.
#[must_use]
pub const fn word(verb: Verb) -> Option<&'static str> {
    match verb {
        Verb::RenameLabel => Some("rename"),
        Verb::RecolorLabel => Some("colour"),
        Verb::DeleteLabel => Some("delete"),
        _ => None,
    }
}

/// Makes these rows one; `None` when there is only one.
#[must_use]
pub fn join(subjects: &[Subject]) -> Option<Intent> {
    let threads = subjects.iter().filter_map(|row| row.targets.first());
    let threads: Vec<ThreadId> = threads.map(|target| target.thread.clone()).collect();
    (threads.len() > 1).then_some(Intent::Join(threads))
}

/// Takes all threads of these rows apart, or only `one`; `None` when each row is one thread.
#[must_use]
pub fn split(subjects: &[Subject], one: Option<&ThreadId>) -> Option<Intent> {
    let joined = subjects.iter().filter(|row| row.targets.len() > 1);
    let threads = joined.flat_map(|row| &row.targets).map(|target| target.thread.clone());
    let threads: Vec<ThreadId> =
        threads.filter(|thread| one.is_none_or(|one| one == thread)).collect();
    (!threads.is_empty()).then_some(Intent::Split(threads))
}

#[cfg(test)]
mod tests {
    use super::super::context::sample::subject;
    use super::*;

    fn thread(id: &str) -> ThreadId {
        ThreadId::try_from(id).unwrap()
    }

    #[test]
    fn joining_needs_two_rows_and_names_each_once() {
        let rows = [subject("aaaaaaaa", false), subject("bbbbbbbb", true)];
        assert_eq!(join(&rows), Some(Intent::Join(vec![thread("aaaaaaaa"), thread("bbbbbbbb")])));
        assert_eq!(join(&rows[..1]), None);
        assert_eq!(join(&[]), None);
    }

    #[test]
    fn splitting_takes_a_row_apart_or_one_thread_out_of_it() {
        let mut row = subject("aaaaaaaa", false);
        assert_eq!(split(std::slice::from_ref(&row), None), None);
        row.targets.extend(subject("bbbbbbbb", false).targets);
        let rows = [row, subject("cccccccc", false)];
        let (a, b) = (thread("aaaaaaaa"), thread("bbbbbbbb"));
        assert_eq!(split(&rows, None), Some(Intent::Split(vec![a, b.clone()])));
        assert_eq!(split(&rows, Some(&b)), Some(Intent::Split(vec![b])));
        assert_eq!(split(&rows, Some(&thread("cccccccc"))), None);
    }
}
