//! What an undo leaves alone on a thread, and why. Pure.
//!
//! Invariant: says only what the fold decided: a cell that the undone action wrote and that shows
//! the same without it, because another action wrote it since or because a message would be hidden.

use crate::id::{ActionId, LabelId, ThreadId};
use crate::thread::fold::{Entry, Keep, What, decide, run};
use crate::thread::{Cells, Trail};

/// A cell of a thread.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// Where it is.
    Place,
    /// Until when it is hidden.
    Snooze,
    /// One user label.
    Label(LabelId),
    /// The star.
    Star,
    /// Muting.
    Mute,
    /// Read marks.
    Read,
    /// A link to this thread.
    Link(ThreadId),
    /// What is written and sent.
    Outgoing,
}

/// Why a cell was left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// This action wrote it since.
    Action(ActionId),
    /// A message came that would be hidden.
    Message,
}

/// A cell that was left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which.
    pub cell: Cell,
    /// Why.
    pub why: Why,
}

impl Cell {
    /// The cell that an entry is about. A place also ends a snooze; that is not what it is about.
    fn of(what: &What) -> Option<Self> {
        Some(match what {
            What::Place { .. } | What::Leave { .. } => Self::Place,
            What::Snooze { .. } | What::Woken { .. } => Self::Snooze,
            What::Label { label, .. } => Self::Label(label.clone()),
            What::Star { .. } => Self::Star,
            What::Mute { .. } => Self::Mute,
            What::Read { .. } => Self::Read,
            What::Link { thread, .. } => Self::Link(thread.clone()),
            What::Outgoing(_) => Self::Outgoing,
            What::Message { .. } | What::Flags(_) | What::Gone { .. } | What::Undo { .. } => {
                return None;
            }
        })
    }

    fn is_written_by(&self, what: &What) -> bool {
        let ends = matches!((self, what), (Self::Snooze, What::Place { .. } | What::Leave { .. }));
        ends || Self::of(what).as_ref() == Some(self)
    }

    fn is_equal(&self, a: &Cells, b: &Cells) -> bool {
        match self {
            Self::Place => a.place == b.place,
            Self::Snooze => a.snoozed == b.snoozed,
            Self::Label(label) => a.labels.contains(label) == b.labels.contains(label),
            Self::Star => a.starred == b.starred,
            Self::Mute => a.muted == b.muted,
            Self::Read => a.runs == b.runs,
            Self::Outgoing => a.outgoing == b.outgoing,
            Self::Link(thread) => a.links.contains(thread) == b.links.contains(thread),
        }
    }
}

/// What the undo that is the last of `own` leaves alone of what its action did to this thread, and
/// the cells after it. `None` when the action is older than the trail.
#[must_use]
pub fn kept(trail: &Trail, own: &[Entry]) -> Option<(Vec<Kept>, Cells)> {
    let (undo, own) = own.split_last()?;
    let What::Undo { action, .. } = &undo.what else { return None };
    let known = |entry: &&Entry| !trail.entries.iter().any(|held| held.id == entry.id);
    let mut entries = trail.entries.clone();
    entries.extend(own.iter().filter(known).cloned());
    let is_mine = |entry: &Entry| entry.action.as_ref() == Some(action);
    if !entries.iter().any(is_mine) {
        return None;
    }
    let from = trail.entries.len();
    let undone = decide(&trail.base, &entries, from);
    let before = run(&trail.base, &entries, &undone);
    entries.push(undo.clone());
    let undone = decide(&trail.base, &entries, from);
    let after = run(&trail.base, &entries, &undone);
    let mut cells: Vec<Cell> =
        entries.iter().filter(|e| is_mine(e)).filter_map(|e| Cell::of(&e.what)).collect();
    cells.sort();
    cells.dedup();
    let hides = matches!(undone.get(action), Some(Keep::Place { by, .. }) if *by == undo.id);
    let stands = |entry: &&Entry| {
        entry.action.as_ref().is_some_and(|other| other != action && !undone.contains_key(other))
    };
    let mut kept = Vec::new();
    for cell in cells {
        if hides && matches!(cell, Cell::Place | Cell::Snooze) {
            kept.push(Kept { cell, why: Why::Message });
        } else if cell.is_equal(&before, &after) {
            let mine =
                |entry: &Entry| is_mine(entry) && Cell::of(&entry.what).as_ref() == Some(&cell);
            let since = entries.iter().rposition(mine).map_or(0, |at| at + 1);
            let writes = |entry: &&Entry| cell.is_written_by(&entry.what);
            let by = entries[since..].iter().rev().filter(stands).find(writes);
            if let Some(other) = by.and_then(|entry| entry.action.clone()) {
                kept.push(Kept { cell, why: Why::Action(other) });
            }
        }
    }
    Some((kept, after))
}

/// What this undo of an action left alone, once the trail holds it: what came before it in the log
/// may have been unknown where it was decided. `None` when the trail no longer reaches that far.
#[must_use]
pub fn kept_since(trail: &Trail, undone: &ActionId, by: &ActionId) -> Option<(Vec<Kept>, Cells)> {
    let is_it = |entry: &Entry| {
        let of = matches!(&entry.what, What::Undo { action, .. } if action == undone);
        of && entry.action.as_ref() == Some(by)
    };
    let at = trail.entries.iter().position(is_it)?;
    let mut before = Trail { base: trail.base.clone(), entries: trail.entries[..at].to_vec() };
    // What the base knows to be undone, it knows from this undo too.
    before.base.undone.remove(undone);
    kept(&before, &trail.entries[at..=at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{DeviceId, EventId};
    use crate::label::Place;

    /// `x archive` is action x; `m` a message; the last word may be what the row had seen.
    fn entry(position: u64, line: &str) -> Entry {
        let words: Vec<&str> = line.split(' ').collect();
        let seen = words.get(2).and_then(|w| w.parse().ok()).unwrap_or(position - 1);
        let label = |on| What::Label { label: LabelId::try_from("work").unwrap(), on };
        let what = match words.get(1).copied() {
            None => What::Message {
                unread: true,
                own: false,
                draft: false,
                starred: false,
                place: None,
                labels: Vec::new(),
            },
            Some("label") => label(true),
            Some("unlabel") => label(false),
            Some("read") => What::Read { read: true, seen },
            Some("mute") => What::Mute { on: true },
            Some("star") => What::Star { on: true },
            Some("snooze") => What::Snooze { until: Some(9), seen },
            Some("undo") => {
                What::Undo { action: ActionId::try_from(words[2]).unwrap(), seen: position - 1 }
            }
            Some(place) => What::Place { place: Place::parse(place).unwrap(), seen },
        };
        Entry {
            position,
            id: EventId::try_from(format!("e{position:03}")).unwrap(),
            device: DeviceId::try_from("d").unwrap(),
            action: (words[0] != "m").then(|| ActionId::try_from(words[0]).unwrap()),
            what,
        }
    }

    /// What the undo of `x` keeps after `story`, pressed on a row that had seen `seen`.
    fn check(story: &[&str], seen: u64, wanted: &[(Cell, Why)]) {
        let log: Vec<Entry> = (1..).zip(story).map(|(at, line)| entry(at, line)).collect();
        let mut undo = entry(100, "u undo x");
        if let What::Undo { seen: reach, .. } = &mut undo.what {
            *reach = seen;
        }
        let wanted: Vec<Kept> =
            wanted.iter().cloned().map(|(cell, why)| Kept { cell, why }).collect();
        for cut in 1..=log.len() {
            let (trail, _) = Trail::of(&log[..cut]);
            let own: Vec<Entry> = log[cut..].iter().chain([&undo]).cloned().collect();
            let found = kept(&trail, &own).map(|(kept, _)| kept);
            assert_eq!(found, Some(wanted.clone()), "{story:?} cut at {cut}");
        }
        // The same once the log holds the undo, and what came after it.
        let later = [entry(101, "later trash"), entry(102, "m")];
        for more in 0..=later.len() {
            let log: Vec<Entry> =
                log.iter().chain([&undo]).chain(&later[..more]).cloned().collect();
            let named = |name: &str| ActionId::try_from(name).unwrap();
            let found = kept_since(&Trail::of(&log).0, &named("x"), &named("u"));
            assert_eq!(found.map(|(kept, _)| kept), Some(wanted.clone()), "{story:?} +{more}");
        }
    }

    #[test]
    fn what_was_written_since_is_kept_and_named() {
        let by = |action: &str| Why::Action(ActionId::try_from(action).unwrap());
        let work = || Cell::Label(LabelId::try_from("work").unwrap());
        let all = u64::MAX;
        check(&["m", "x archive"], all, &[]);
        check(&["m", "x archive", "y trash"], all, &[(Cell::Place, by("y"))]);
        check(&["m", "x archive", "y archive"], all, &[(Cell::Place, by("y"))]);
        check(&["m", "y trash", "x archive"], all, &[]);
        check(&["m", "x archive", "y trash", "v undo y"], all, &[]);
        check(&["m", "x label", "y unlabel", "z label"], all, &[(work(), by("z"))]);
        check(&["m", "y label", "x label"], all, &[]);
        check(&["m", "x snooze", "y archive"], all, &[(Cell::Snooze, by("y"))]);
        check(&["m", "x archive", "y snooze"], all, &[]);
        check(&["m", "x read", "m", "y read"], all, &[(Cell::Read, by("y"))]);
        check(&["m", "x read", "m"], all, &[]);
        check(
            &["m", "x archive", "x label", "x star", "y spam", "y star"],
            all,
            &[(Cell::Place, by("y")), (Cell::Star, by("y"))],
        );
    }

    #[test]
    fn a_message_that_would_be_hidden_keeps_the_place() {
        let story = &["m", "y archive", "y mute", "x inbox", "m"];
        check(story, 3, &[(Cell::Place, Why::Message)]);
        check(story, 5, &[]);
        let (trail, _) = Trail::of(&[entry(1, "m"), entry(2, "y archive")]);
        assert_eq!(kept(&trail, &[entry(3, "u undo x")]), None, "an action that is not there");
    }
}
