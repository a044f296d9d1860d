//! The fold: what a log yields, without the events of undone actions.
//!
//! Invariant: pure and total. The same function makes a thread's rows from its whole log and a
//! row's overlay from its trail: so the two cannot disagree.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{ActionId, DeviceId, EventId, LabelId, Seen, ThreadId};
use crate::label::Place;
use crate::store::NewEvent;
use crate::thread::event::ThreadEvent;
use crate::thread::outgoing::Step;
use crate::thread::{Cells, Epochs};

/// An event as the cells see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its position; [`u64::MAX`] while it has none.
    #[serde(rename = "p")]
    pub position: u64,
    /// The event.
    #[serde(rename = "i")]
    pub id: EventId,
    /// Who committed it.
    #[serde(rename = "d")]
    pub device: DeviceId,
    /// Its action; mail that comes in has none.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionId>,
    /// What it does.
    #[serde(rename = "w")]
    pub what: What,
}

/// What an event does to the cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A message.
    #[serde(rename = "m")]
    Message {
        /// Not read where it came from.
        #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
        unread: bool,
        /// Our own: sent, or a draft.
        #[serde(rename = "o", default, skip_serializing_if = "std::ops::Not::not")]
        own: bool,
        /// A draft.
        #[serde(rename = "d", default, skip_serializing_if = "std::ops::Not::not")]
        draft: bool,
        /// Starred where it came from.
        #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
        starred: bool,
        /// Where its folder puts it.
        #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
        place: Option<Place>,
        /// User labels that it brings.
        #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
        labels: Vec<LabelId>,
    },
    /// To a place.
    #[serde(rename = "p")]
    Place {
        /// Where to.
        #[serde(rename = "p")]
        place: Place,
        /// What the row showed.
        #[serde(rename = "s")]
        seen: u64,
    },
    /// Out of a place: nothing when it is not there.
    #[serde(rename = "v")]
    Leave {
        /// Where from.
        #[serde(rename = "p")]
        place: Place,
        /// What the row showed.
        #[serde(rename = "s")]
        seen: u64,
    },
    /// A user label.
    #[serde(rename = "l")]
    Label {
        /// Which.
        #[serde(rename = "l")]
        label: LabelId,
        /// On or off.
        #[serde(rename = "o")]
        on: bool,
    },
    /// Read marks.
    #[serde(rename = "r")]
    Read {
        /// Read or unread.
        #[serde(rename = "r")]
        read: bool,
        /// What the row showed.
        #[serde(rename = "s")]
        seen: u64,
    },
    /// What changed of one message where it came from. What follows for the thread is decided by
    /// who knows its messages (see `state`).
    #[serde(rename = "f")]
    Flags(Marks),
    /// A message is gone where it came from, or there again.
    #[serde(rename = "g")]
    Gone {
        /// Gone (`true`) or there.
        #[serde(rename = "o")]
        on: bool,
        /// Which, and what follows for the thread.
        #[serde(rename = "m")]
        marks: Marks,
    },
    /// The star.
    #[serde(rename = "s")]
    Star {
        /// On or off.
        #[serde(rename = "o")]
        on: bool,
    },
    /// Muting.
    #[serde(rename = "x")]
    Mute {
        /// On or off.
        #[serde(rename = "o")]
        on: bool,
    },
    /// A snooze, or its end.
    #[serde(rename = "z")]
    Snooze {
        /// Unix seconds; `None` ends it.
        #[serde(rename = "u")]
        until: Option<i64>,
        /// What the row showed.
        #[serde(rename = "s")]
        seen: u64,
    },
    /// The snooze until this time is over, and no other.
    #[serde(rename = "w")]
    Woken {
        /// Unix seconds.
        #[serde(rename = "u")]
        until: i64,
    },
    /// A link to another thread.
    #[serde(rename = "k")]
    Link {
        /// The other.
        #[serde(rename = "t")]
        thread: ThreadId,
        /// On or off.
        #[serde(rename = "o")]
        on: bool,
    },
    /// A draft, or what is sent of it.
    #[serde(rename = "b")]
    Outgoing(Step),
    /// An undo.
    #[serde(rename = "u")]
    Undo {
        /// What is undone.
        #[serde(rename = "a")]
        action: ActionId,
        /// What the row showed.
        #[serde(rename = "s")]
        seen: u64,
    },
}

/// What changed of one message: the cells that it writes; `None` leaves one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// Where the message stands.
    #[serde(rename = "p")]
    pub at: u64,
    /// Read or unread.
    #[serde(rename = "r", skip_serializing_if = "Option::is_none")]
    pub read: Option<bool>,
    /// Our own (sent, or a draft) or received.
    #[serde(rename = "o", skip_serializing_if = "Option::is_none")]
    pub own: Option<bool>,
    /// The thread's star.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    pub starred: Option<bool>,
    /// Whether the thread holds our own sent mail.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub sent: Option<bool>,
    /// Whether it holds a draft.
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    pub drafts: Option<bool>,
}

impl Entry {
    /// The entry of an event of a log in which these epochs began before it; `None` when it writes
    /// no cell (a copy, a name that is not known).
    #[must_use]
    pub fn of(event: &NewEvent, position: Option<u64>, epochs: &Epochs) -> Option<Self> {
        Self::of_read(event, position, &ThreadEvent::read(&event.name, &event.args)?, epochs)
    }

    /// As [`Entry::of`], for an event that was read already.
    #[must_use]
    pub fn of_read(
        event: &NewEvent,
        position: Option<u64>,
        read: &ThreadEvent,
        epochs: &Epochs,
    ) -> Option<Self> {
        let reach = |seen: &Option<Seen>| seen.as_ref().map_or(0, |seen| epochs.reach(seen));
        let what = match read {
            // Flags are of a message, which only a loaded thread knows; so is what is gone.
            ThreadEvent::Created(_)
            | ThreadEvent::Flags(_)
            | ThreadEvent::Reparsed(_)
            | ThreadEvent::Wanted(_)
            | ThreadEvent::Removed(..)
            | ThreadEvent::StarPut(..)
            | ThreadEvent::Began(_) => return None,
            ThreadEvent::Message(message) if message.copy => return None,
            ThreadEvent::Message(message) => What::Message {
                unread: !message.flags.read && !message.sent && !message.flags.draft,
                own: message.sent || message.flags.draft,
                draft: message.flags.draft,
                starred: message.flags.starred,
                place: message.place,
                labels: message.labels.clone(),
            },
            ThreadEvent::Label(change, on) => match Place::parse(change.label.as_str()) {
                Some(place) if *on => What::Place { place, seen: reach(&change.seen) },
                Some(place) => What::Leave { place, seen: reach(&change.seen) },
                None => What::Label { label: change.label.clone(), on: *on },
            },
            ThreadEvent::Read(mark) => What::Read { read: mark.read, seen: reach(&mark.seen) },
            ThreadEvent::Starred(star) => What::Star { on: star.starred },
            ThreadEvent::Muted(mute) => What::Mute { on: mute.muted },
            ThreadEvent::Snoozed(snooze) => {
                What::Snooze { until: Some(snooze.until), seen: reach(&snooze.seen) }
            }
            ThreadEvent::Unsnoozed(woken) => match woken.until {
                Some(until) => What::Woken { until },
                None => What::Snooze { until: None, seen: u64::MAX },
            },
            ThreadEvent::Linked(link, on) => What::Link { thread: link.thread.clone(), on: *on },
            ThreadEvent::Saved(_)
            | ThreadEvent::Discarded(_)
            | ThreadEvent::Queued(_)
            | ThreadEvent::Cancelled(_)
            | ThreadEvent::Claimed(_)
            | ThreadEvent::Sent(_)
            | ThreadEvent::SendFailed(_) => What::Outgoing(Step::of(read)?),
            ThreadEvent::Undone(undo) => {
                What::Undo { action: undo.action.clone(), seen: reach(&undo.seen) }
            }
        };
        Some(Self::new(event, position, what))
    }

    /// The entry of an event that does this.
    pub(super) fn new(event: &NewEvent, position: Option<u64>, what: What) -> Self {
        Self {
            position: position.unwrap_or(u64::MAX),
            id: event.id.clone(),
            device: event.device.clone(),
            action: event.action.as_ref().map(|action| action.id.clone()),
            what,
        }
    }
}

/// What stays of an undone action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keep {
    /// Nothing.
    #[serde(rename = "n")]
    Nothing,
    /// Place and snooze, as they were before the undo: without the action a message would be hidden
    /// that the undo's row did not show. It may have been seen only because of what the action did
    /// to another cell (it was unmuted when the message came), so it is not the action's own writes
    /// that are kept.
    #[serde(rename = "p")]
    Place {
        /// The undo.
        #[serde(rename = "b")]
        by: EventId,
        /// The place before it.
        #[serde(rename = "p")]
        place: Place,
        /// The snooze before it.
        #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
        snoozed: Option<i64>,
    },
}

/// Undone actions.
pub type Undone = BTreeMap<ActionId, Keep>;

/// Where a fold begins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Base {
    /// The cells.
    #[serde(rename = "c")]
    pub cells: Cells,
    /// What is undone, by undos at or before the end of the trail.
    #[serde(rename = "u", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undone: Undone,
    /// The epochs that the whole log tells of: what it takes to know how far a further event's
    /// `seen` reaches.
    #[serde(rename = "e", default, skip_serializing_if = "Epochs::is_empty")]
    pub epochs: Epochs,
    /// The last key of each device that it holds. A device's ids grow, and its keys come in their
    /// order: what it holds itself up to here, this has taken in, whether it heard so or not.
    #[serde(rename = "k", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<DeviceId, EventId>,
}

impl Base {
    /// Whether it holds this key of a device, offered once and in its order.
    #[must_use]
    pub fn holds(&self, device: &DeviceId, key: &EventId) -> bool {
        self.keys.get(device).is_some_and(|last| last >= key)
    }
}

/// The last key of each device among `entries`.
#[must_use]
pub(super) fn last_keys(entries: &[Entry]) -> BTreeMap<DeviceId, EventId> {
    let mut last: BTreeMap<DeviceId, EventId> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.action.is_some()) {
        let of = last.entry(entry.device.clone()).or_insert_with(|| entry.id.clone());
        if *of < entry.id {
            *of = entry.id.clone();
        }
    }
    last
}

/// Decides the undos among `entries[from..]`, in order, over those decided before.
#[must_use]
pub fn decide(base: &Base, entries: &[Entry], from: usize) -> Undone {
    let mut undone = base.undone.clone();
    for (at, entry) in entries.iter().enumerate().skip(from) {
        let What::Undo { action, seen } = &entry.what else { continue };
        match undone.get(action) {
            Some(Keep::Nothing) => continue,
            Some(Keep::Place { by, .. }) if *by == entry.id => continue,
            _ => {}
        }
        let before = run(base, &entries[..at], &undone);
        let kept = undone.insert(action.clone(), Keep::Nothing);
        let after = run(base, &entries[..at], &undone);
        if after.hides(before.place, before.snoozed) && before.last_received > *seen {
            let (by, place, snoozed) = (entry.id.clone(), before.place, before.snoozed);
            let keep = kept.unwrap_or(Keep::Place { by, place, snoozed });
            undone.insert(action.clone(), keep);
        }
    }
    undone
}

/// The cells after `entries`, without those of undone actions.
#[must_use]
pub fn run(base: &Base, entries: &[Entry], undone: &Undone) -> Cells {
    let mut cells = base.cells.clone();
    for entry in entries {
        if !entry.action.as_ref().is_some_and(|action| undone.contains_key(action)) {
            cells.apply(entry);
        }
        if let What::Undo { action, .. } = &entry.what
            && let Some(Keep::Place { by, place, snoozed }) = undone.get(action)
            && *by == entry.id
        {
            cells.stay(*place, *snoozed);
        }
    }
    cells
}
