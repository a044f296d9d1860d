//! `snooze`: out of sight until a time, then in the inbox again.

use super::context::{Context, Subject, change};
use super::go::go;
use super::intent::{Change, Intent};
use super::registry::{Command, Group, Verb};
use crate::label::Place;

/// The declaration.
pub const SNOOZE: Command = Command {
    name: "snooze",
    does: "Hide until a time; then it is in the inbox again",
    hint: "",
    group: Group::Triage,
    contexts: &[Context::List, Context::Reader],
    keys: &["b", "h"],
    undoable: true,
    verb: Verb::PickTime,
};

/// The declaration of the way to what sleeps.
pub const GOING: [Command; 1] =
    [go("go-snoozed", "Snoozed", "snoozed", &["g z", "g b"], Verb::Go("snoozed"))];

/// The changes on conversations that are in these places: what sleeps wakes in the inbox, wherever
/// it was.
#[must_use]
pub fn changes(until: i64, places: impl IntoIterator<Item = Place>) -> Vec<Change> {
    let elsewhere = places.into_iter().any(|place| place != Place::Inbox);
    // A move ends a snooze: so it comes first.
    let back = elsewhere.then_some(Change::Place(Place::Inbox));
    back.into_iter().chain([Change::Snooze(Some(until))]).collect()
}

/// Hides `subjects` until then; `None` when there are none.
#[must_use]
pub fn until(subjects: &[Subject], until: i64) -> Option<Intent> {
    let targets: Vec<_> = subjects.iter().flat_map(|row| row.targets.clone()).collect();
    let changes = changes(until, subjects.iter().map(|row| row.place));
    (!targets.is_empty()).then_some(Intent::Change { changes, targets })
}

/// Ends the snooze of `subjects` now; `None` when there are none.
#[must_use]
pub fn wake(subjects: &[Subject]) -> Option<Intent> {
    change(subjects, Change::Snooze(None))
}

/// Until when `changes` let something sleep, Unix seconds.
#[must_use]
pub fn ends(changes: &[Change]) -> Option<i64> {
    changes.iter().find_map(|change| match change {
        Change::Snooze(until) => *until,
        _ => None,
    })
}

/// Whether all of `subjects` sleep, as drawn.
#[must_use]
pub fn all_sleep(subjects: &[Subject]) -> bool {
    let sleeps = |row: &Subject| row.labels.iter().any(|label| label.as_str() == "snoozed");
    !subjects.is_empty() && subjects.iter().all(sleeps)
}

#[cfg(test)]
mod tests {
    use super::super::context::sample::subject;
    use super::*;

    #[test]
    fn what_is_not_in_the_inbox_goes_there_first() {
        let row = subject("aaaaaaaa", false);
        let other = Subject { place: Place::Archive, ..subject("bbbbbbbb", false) };
        let sleep = Change::Snooze(Some(7));
        for (rows, wanted) in [
            (vec![row.clone()], vec![sleep.clone()]),
            (vec![row, other], vec![Change::Place(Place::Inbox), sleep]),
        ] {
            let Some(Intent::Change { changes, targets }) = until(&rows, 7) else { panic!() };
            assert_eq!((changes, targets.len()), (wanted, rows.len()));
        }
        assert_eq!(until(&[], 7), None);
    }

    #[test]
    fn who_sleeps_is_seen_by_what_was_drawn() {
        let awake = subject("aaaaaaaa", false);
        let mut asleep = awake.clone();
        asleep.labels.push(crate::label::system("snoozed"));
        assert!(all_sleep(std::slice::from_ref(&asleep)));
        assert!(!all_sleep(&[asleep, awake]) && !all_sleep(&[]));
    }
}
