//! A change on a thread as an event of its store, and as a line for the user.
//!
//! Invariant: pure; what can hide mail carries what its row showed.

use crate::command::count::conversations;
use crate::command::intent::{Change, Target};
use crate::id::LabelId;
use crate::label::Place;
use crate::store::Args;
use crate::thread::{LabelChange, Muted, Read, Snoozed, Starred, Unsnoozed, name};

/// The event of a change on one thread: name and arguments.
#[must_use]
pub fn event(change: &Change, target: &Target) -> (&'static str, Args) {
    let seen = Some(target.seen.clone());
    match change {
        Change::Place(place) => {
            (name::LABEL_APPLIED, Args::of(&LabelChange { label: place.label(), seen }))
        }
        Change::Label(label, true) => {
            (name::LABEL_APPLIED, Args::of(&LabelChange { label: label.clone(), seen: None }))
        }
        // Leaving a place can hide mail; taking a user label off cannot.
        Change::Label(label, false) => {
            let seen = Place::parse(label.as_str()).and(seen);
            (name::LABEL_REMOVED, Args::of(&LabelChange { label: label.clone(), seen }))
        }
        Change::Read(read) => (name::THREAD_READ, Args::of(&Read { read: *read, seen })),
        Change::Star(starred) => (name::THREAD_STARRED, Args::of(&Starred { starred: *starred })),
        Change::Mute(muted) => (name::THREAD_MUTED, Args::of(&Muted { muted: *muted })),
        Change::Snooze(Some(until)) => {
            (name::THREAD_SNOOZED, Args::of(&Snoozed { until: *until, seen }))
        }
        Change::Snooze(None) => {
            (name::THREAD_UNSNOOZED, Args::of(&Unsnoozed { until: None, snooze: None }))
        }
    }
}

/// What an action with these changes is called in history.
#[must_use]
pub fn action_name(changes: &[Change]) -> &'static str {
    match changes {
        // It wakes in the inbox.
        [Change::Place(Place::Inbox), Change::Snooze(Some(_))] | [Change::Snooze(Some(_)), ..] => {
            "snooze"
        }
        [Change::Place(Place::Inbox), ..] => "inbox",
        [Change::Place(place), ..] => place.as_str(),
        [Change::Label(..), ..] => "label",
        [Change::Read(true), ..] => "read",
        [Change::Read(false), ..] => "unread",
        [Change::Star(true), ..] => "star",
        [Change::Star(false), ..] => "unstar",
        [Change::Mute(true), ..] => "mute",
        [Change::Mute(false), ..] => "unmute",
        [Change::Snooze(None), ..] => "unsnooze",
        [] => "nothing",
    }
}

/// What is said when an action is done: "Archived 3 conversations.", "Label +Work -Home: 1
/// conversation."; `name` is what a label is called.
#[must_use]
pub fn says(changes: &[Change], rows: usize, name: &dyn Fn(&LabelId) -> String) -> String {
    let labels: Vec<String> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Label(id, on) => Some(format!("{}{}", if *on { "+" } else { "-" }, name(id))),
            _ => None,
        })
        .collect();
    let moved = match changes {
        [Change::Label(id, true), Change::Place(Place::Archive), ..] => name(id),
        _ => String::new(),
    };
    let moved = format!("Moved to {moved}:");
    let labels = format!("Label {}:", labels.join(" "));
    let verb = match changes {
        [Change::Label(_, true), Change::Place(Place::Archive), ..] => moved.as_str(),
        [Change::Place(Place::Inbox), Change::Snooze(Some(_))] | [Change::Snooze(Some(_)), ..] => {
            "Snoozed"
        }
        [Change::Place(Place::Inbox), ..] => "Moved to the inbox:",
        [Change::Place(Place::Archive), ..] => "Archived",
        [Change::Place(Place::Spam), ..] => "Marked as spam:",
        [Change::Place(Place::Trash), ..] => "Moved to trash:",
        [Change::Label(..), ..] => labels.as_str(),
        [Change::Read(true), ..] => "Marked read:",
        [Change::Read(false), ..] => "Marked unread:",
        [Change::Star(true), ..] => "Starred",
        [Change::Star(false), ..] => "Unstarred",
        [Change::Mute(true), ..] => "Muted",
        [Change::Mute(false), ..] => "Unmuted",
        [Change::Snooze(None), ..] => "Woke",
        [] => return "Nothing to do.".to_owned(),
    };
    format!("{verb} {}.", conversations(rows as u64))
}
