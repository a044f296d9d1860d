//! Triage in one key: archived and on to the next or the previous one, moved, done once more.

use super::context::Context::{self, List, Reader};
use super::context::{Subject, change};
use super::intent::{Change, Intent};
use super::registry::{Command, Group, Verb};
use super::snooze;
use crate::id::LabelId;
use crate::label::Place;

/// The declarations.
pub const QUICK: [Command; 4] = [
    quick(
        "done-next",
        "Archive, and on to the next (older) one",
        &["]", "E"],
        Verb::ArchiveGo(true),
    ),
    quick(
        "done-previous",
        "Archive, and on to the previous (newer) one",
        &["["],
        Verb::ArchiveGo(false),
    ),
    quick("move", "Move to a place or label, out of the inbox", &["v"], Verb::PickPlace),
    quick("repeat", "Do what was done last once more, here", &[".", "&"], Verb::Again),
];

const fn quick(
    name: &'static str,
    does: &'static str,
    keys: &'static [&'static str],
    verb: Verb,
) -> Command {
    const CONTEXTS: &[Context] = &[List, Reader];
    let (hint, group) = ("", Group::Triage);
    Command { name, does, hint, group, contexts: CONTEXTS, keys, undoable: true, verb }
}

/// What was done last, as it can be done to other rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Last {
    /// These changes.
    Changes(Vec<Change>),
    /// A snooze until then, Unix seconds.
    Snooze(i64),
    /// The label of this name and colour.
    NewLabel(String, Option<String>),
}

impl Last {
    /// What of `intent` can be done to other rows, if anything.
    #[must_use]
    pub fn of(intent: &Intent) -> Option<Self> {
        match intent {
            Intent::Change { changes, .. } => {
                let until = changes.iter().find_map(|change| match change {
                    Change::Snooze(until) => *until,
                    _ => None,
                });
                Some(until.map_or_else(|| Self::Changes(changes.clone()), Self::Snooze))
            }
            Intent::NewLabel { name, color, .. } => {
                Some(Self::NewLabel(name.clone(), color.clone()))
            }
            _ => None,
        }
    }

    /// The same on `subjects`; `None` when there are none.
    #[must_use]
    pub fn on(&self, subjects: &[Subject]) -> Option<Intent> {
        let targets: Vec<_> = subjects.iter().flat_map(|row| row.targets.clone()).collect();
        if targets.is_empty() {
            return None;
        }
        match self {
            Self::Changes(changes) => Some(Intent::Change { changes: changes.clone(), targets }),
            Self::Snooze(until) => snooze::until(subjects, *until),
            Self::NewLabel(name, color) => {
                Some(Intent::NewLabel { name: name.clone(), color: color.clone(), targets })
            }
        }
    }

    /// The labels that it puts on or takes off.
    pub fn labels(&self) -> impl Iterator<Item = &LabelId> {
        let changes = if let Self::Changes(changes) = self { changes.as_slice() } else { &[] };
        changes.iter().filter_map(|change| match change {
            Change::Label(id, _) => Some(id),
            _ => None,
        })
    }
}

/// Archives `subjects`; `None` when there are none.
#[must_use]
pub fn archive(subjects: &[Subject]) -> Option<Intent> {
    change(subjects, Change::Place(Place::Archive))
}

/// Moves `subjects` to a place; `None` when there are none.
#[must_use]
pub fn to_place(subjects: &[Subject], place: Place) -> Option<Intent> {
    change(subjects, Change::Place(place))
}

/// Moves `subjects` under a label and out of the inbox, and out of the label that is listed.
#[must_use]
pub fn to_label(subjects: &[Subject], label: &LabelId, from: Option<&LabelId>) -> Option<Intent> {
    let targets: Vec<_> = subjects.iter().flat_map(|row| row.targets.clone()).collect();
    let mut changes = vec![Change::Label(label.clone(), true), Change::Place(Place::Archive)];
    changes
        .extend(from.filter(|from| *from != label).map(|from| Change::Label(from.clone(), false)));
    (!targets.is_empty()).then_some(Intent::Change { changes, targets })
}

#[cfg(test)]
mod tests {
    use super::super::context::sample::subject;
    use super::*;
    use crate::label::user_label;

    #[test]
    fn what_was_done_is_done_to_other_rows_as_they_are() {
        let (one, two) = (subject("aaaaaaaa", false), subject("bbbbbbbb", false));
        let elsewhere = Subject { place: Place::Archive, ..two.clone() };
        for intent in [
            archive(std::slice::from_ref(&one)).unwrap(),
            to_label(std::slice::from_ref(&one), &user_label("work"), None).unwrap(),
        ] {
            let again = Last::of(&intent).unwrap().on(std::slice::from_ref(&two));
            let Some(Intent::Change { changes, targets }) = again else { panic!() };
            let Intent::Change { changes: before, .. } = intent else { panic!() };
            assert_eq!((changes, targets), (before, two.targets.clone()));
        }
        // What is not in the inbox has to go there before it sleeps, whoever slept first.
        let asleep = snooze::until(std::slice::from_ref(&one), 7).unwrap();
        let again = Last::of(&asleep).unwrap().on(std::slice::from_ref(&elsewhere));
        assert_eq!(again, snooze::until(std::slice::from_ref(&elsewhere), 7));
        assert_eq!(Last::of(&asleep).unwrap().on(&[]), None);
        assert_eq!(Last::of(&Intent::Undo(None)), None);
    }

    #[test]
    fn a_move_leaves_the_label_that_is_listed() {
        let rows = [subject("aaaaaaaa", false)];
        let (work, home) = (user_label("work"), user_label("home"));
        let put = [Change::Label(work.clone(), true), Change::Place(Place::Archive)];
        for (from, more) in [
            (None, vec![]),
            (Some(&work), vec![]),
            (Some(&home), vec![Change::Label(home.clone(), false)]),
        ] {
            let Some(Intent::Change { changes, .. }) = to_label(&rows, &work, from) else {
                panic!()
            };
            assert_eq!(changes, [put.to_vec(), more].concat());
        }
        assert_eq!(to_label(&[], &work, None), None);
    }
}
