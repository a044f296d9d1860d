//! What the rows on screen become at once when an intent is sent, until the engine's answer.
//!
//! Invariant: trivial changes only, so that the next key of a fast hand finds the next row; the
//! engine's answer, asked for right behind the intent, decides. `seen` is never touched.

use std::collections::HashSet;

use crate::command::intent::{Change, Intent};
use crate::engine::view::Row;
use crate::id::{LabelId, ThreadId};
use crate::label::{self, Place};
use crate::ui::app::Model;

/// Whether a row that moves to `place` leaves the list `label`.
fn leaves(label: &LabelId, place: Place) -> bool {
    match Place::parse(label.as_str()) {
        Some(listed) => listed != place,
        None => label.as_str() == "all" && place.hidden() > 1,
    }
}

fn set_label(row: &mut Row, id: &LabelId, on: bool) {
    match (row.labels.binary_search(id), on) {
        (Err(at), true) => row.labels.insert(at, id.clone()),
        (Ok(at), false) => {
            row.labels.remove(at);
        }
        _ => {}
    }
}

fn apply(row: &mut Row, change: &Change) {
    match change {
        Change::Place(place) => {
            for other in Place::ALL {
                set_label(row, &other.label(), other == *place);
            }
            row.place = *place;
        }
        Change::Label(id, on) => set_label(row, id, *on),
        Change::Read(read) => {
            row.unread_count = match (read, row.unread_count) {
                (true, _) => 0,
                (false, 0) => 1,
                (false, unread) => unread,
            };
            set_label(row, &label::system("unread"), !read);
        }
        Change::Star(on) => {
            row.starred = *on;
            set_label(row, &label::system("starred"), *on);
        }
        Change::Mute(on) => {
            row.muted = *on;
            set_label(row, &label::system("muted"), *on);
        }
        Change::Snooze(until) => {
            row.snoozed_until = *until;
            set_label(row, &label::system("snoozed"), until.is_some());
        }
    }
}

/// Shows `intent` on the rows of `model`.
pub fn foresee(model: &mut Model, intent: &Intent) {
    let Intent::Change { changes, targets } = intent else { return };
    let targets: HashSet<&ThreadId> = targets.iter().map(|target| &target.thread).collect();
    let meant = |row: &Row| row.members.iter().any(|member| targets.contains(&member.thread));
    let list = &mut model.list;
    let rows = list.rows.iter_mut().chain(list.selected.values_mut());
    for row in rows.chain(model.reader.as_mut().map(|reader| &mut reader.row)) {
        if meant(row) {
            for change in changes {
                apply(row, change);
            }
        }
    }
    for change in changes {
        let goes = match change {
            Change::Place(place) => leaves(&list.label.clone(), *place),
            Change::Snooze(Some(_)) => Place::parse(list.label.as_str()).is_some(),
            Change::Snooze(None) => list.label.as_str() == "snoozed",
            _ => continue,
        };
        list.selected.clear();
        list.range = None;
        if goes {
            list.leave(meant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_leaves_only_lists_that_cannot_hold_it() {
        for (list, place, gone) in [
            ("inbox", Place::Archive, true),
            ("inbox", Place::Inbox, false),
            ("archive", Place::Archive, false),
            ("all", Place::Archive, false),
            ("all", Place::Trash, true),
            ("starred", Place::Archive, false),
            ("anywhere", Place::Trash, false),
        ] {
            let label = LabelId::try_from(list).unwrap();
            assert_eq!(leaves(&label, place), gone, "{list} {place:?}");
        }
    }
}
