//! The cells of a thread that keys write and a row shows: place, snooze, star, mute, labels, and
//! which messages are unread.
//!
//! Invariant: applying an entry is total and pure. A cell takes no write of a device that wrote the
//! same or a later one there before; nothing hides a received message above what the key's row
//! showed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, EventId, LabelId, ThreadId};
use crate::label::{self, Place};
use crate::thread::fold::{Entry, Marks, What};
use crate::thread::outgoing::Outgoing;

/// Messages at neighbouring positions that are alike: first position, how many, bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run(pub u64, pub u64, pub u8);

/// Bit of a [`Run`]: unread.
const UNREAD: u8 = 1;
/// Bit of a [`Run`]: our own (sent or a draft); never unread.
const OWN: u8 = 2;
/// Bit of a [`Run`]: gone where it came from, and not shown.
const GONE: u8 = 4;
/// Bit of a [`Run`]: it was gone when a key hid the thread, so that the key's row did not show it.
const MISSED: u8 = 8;

/// The value of every cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cells {
    /// Where it is.
    #[serde(rename = "p")]
    pub place: Place,
    /// Unix seconds until which it is hidden.
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    pub snoozed: Option<i64>,
    /// When the last snooze that ran out did, Unix seconds.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub woken: Option<i64>,
    /// Muted.
    #[serde(rename = "x", default, skip_serializing_if = "std::ops::Not::not")]
    pub muted: bool,
    /// Starred.
    #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
    pub starred: bool,
    /// Holds our own sent mail.
    #[serde(rename = "t", default, skip_serializing_if = "std::ops::Not::not")]
    pub sent: bool,
    /// Holds a draft.
    #[serde(rename = "d", default, skip_serializing_if = "std::ops::Not::not")]
    pub drafts: bool,
    /// User labels.
    #[serde(rename = "l", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<LabelId>,
    /// Threads that are one conversation with this one.
    #[serde(rename = "k", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub links: BTreeSet<ThreadId>,
    /// Threads that a user split from this one, and nobody joined since: mail does not join them.
    #[serde(rename = "y", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub split: BTreeSet<ThreadId>,
    /// All messages.
    #[serde(rename = "r", default)]
    pub runs: Vec<Run>,
    /// The position of the last received message.
    #[serde(rename = "n", default)]
    pub last_received: u64,
    /// What is written and sent in it, where anything ever was.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub outgoing: Option<Box<Outgoing>>,
    /// Per cell the last write of each device.
    #[serde(rename = "w", default, skip_serializing_if = "BTreeMap::is_empty")]
    writers: BTreeMap<String, BTreeMap<DeviceId, EventId>>,
    /// Read marks of each device: the event and how far it reached.
    #[serde(rename = "q", default, skip_serializing_if = "Vec::is_empty")]
    reads: Vec<(DeviceId, EventId, u64)>,
}

impl Default for Cells {
    fn default() -> Self {
        Self {
            place: Place::Inbox,
            snoozed: None,
            woken: None,
            muted: false,
            starred: false,
            sent: false,
            drafts: false,
            labels: BTreeSet::new(),
            links: BTreeSet::new(),
            split: BTreeSet::new(),
            runs: Vec::new(),
            last_received: 0,
            outgoing: None,
            writers: BTreeMap::new(),
            reads: Vec::new(),
        }
    }
}

impl Cells {
    /// The cells that yield these labels and counts, as far as a row tells: which message is
    /// unread, and who wrote a cell last, it does not.
    #[must_use]
    pub fn of_labels(
        labels: &BTreeSet<LabelId>,
        snoozed: Option<i64>,
        messages: u64,
        unread: u64,
    ) -> Self {
        let has = |id: &str| labels.iter().any(|label| label.as_str() == id);
        let read = messages.saturating_sub(unread);
        let place = Place::ALL.into_iter().find(|place| has(place.as_str()));
        // A row that is in no place shows no message.
        let gone = Run(read + unread + 1, u64::from(place.is_none()), GONE);
        let runs = [Run(1, read, 0), Run(read + 1, unread, UNREAD), gone];
        Self {
            place: place.unwrap_or(Place::Inbox),
            snoozed,
            muted: has("muted"),
            starred: has("starred"),
            sent: has("sent"),
            drafts: has("drafts"),
            labels: labels.iter().filter(|l| !label::is_system(l.as_str())).cloned().collect(),
            runs: runs.into_iter().filter(|run| run.1 > 0).collect(),
            ..Self::default()
        }
    }

    /// How many messages are shown.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.runs.iter().filter(|run| run.2 & GONE == 0).map(|run| run.1).sum()
    }

    /// Whether all its messages are gone where they came from: it is in no list.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        !self.runs.is_empty() && self.messages() == 0
    }

    /// How many unread messages.
    #[must_use]
    pub fn unread(&self) -> u64 {
        let unread = |run: &&Run| run.2 & (UNREAD | GONE) == UNREAD;
        self.runs.iter().filter(unread).map(|run| run.1).sum()
    }

    /// Whether the message at a position is unread.
    #[must_use]
    pub fn is_unread(&self, position: u64) -> bool {
        self.runs
            .iter()
            .any(|run| run.2 & UNREAD != 0 && (run.0..run.0 + run.1).contains(&position))
    }

    /// All labels as listed: the place, what is derived, and the user's. Where no message is left
    /// to show, or none was ever, only those of what is being written.
    #[must_use]
    pub fn all_labels(&self) -> BTreeSet<LabelId> {
        let has = |is: fn(&Outgoing) -> bool| self.outgoing.as_deref().is_some_and(is);
        let writes = has(|outgoing| !outgoing.drafts.is_empty());
        let sends = has(|of| !of.items.is_empty() || !of.partly.is_empty());
        if self.messages() == 0 {
            let listed = [("drafts", writes), ("outbox", sends)].into_iter();
            return listed.filter(|(_, on)| *on).map(|(id, _)| label::system(id)).collect();
        }
        let derived = [
            ("starred", self.starred),
            ("unread", self.unread() > 0),
            ("sent", self.sent),
            ("drafts", self.drafts || writes),
            ("outbox", sends),
            ("snoozed", self.snoozed.is_some()),
            ("muted", self.muted),
        ];
        let mut labels = self.labels.clone();
        labels.insert(self.place.label());
        labels.extend(derived.into_iter().filter(|(_, on)| *on).map(|(id, _)| label::system(id)));
        labels
    }

    /// Whether it hides a thread more than this place and snooze do.
    #[must_use]
    pub fn hides(&self, place: Place, snoozed: Option<i64>) -> bool {
        self.place.hidden() > place.hidden() || (self.snoozed.is_some() && snoozed.is_none())
    }

    /// Leaves the thread where it was, should it be hidden more now.
    pub fn stay(&mut self, place: Place, snoozed: Option<i64>) {
        if self.hides(place, snoozed) {
            self.place = place;
            self.snoozed = snoozed;
        }
    }

    /// Applies an entry.
    pub fn apply(&mut self, entry: &Entry) {
        match &entry.what {
            What::Place { place, seen } => self.put(entry, *place, *seen),
            What::Leave { place, seen } => {
                if self.place == *place && *place != Place::Archive {
                    self.put(entry, Place::Archive, *seen);
                }
            }
            What::Snooze { until, seen } => self.snooze(entry, *until, *seen),
            What::Woken { until } => {
                if self.snoozed == Some(*until) && self.may_write("snooze", entry) {
                    self.snoozed = None;
                    self.woken = Some(*until);
                }
            }
            What::Message { .. } => self.message(entry),
            What::Label { label, on } => {
                if !label::is_system(label.as_str()) && self.may_write(label.as_str(), entry) {
                    if *on {
                        self.labels.insert(label.clone());
                    } else {
                        self.labels.remove(label);
                    }
                }
            }
            What::Read { read, seen } => self.mark(entry, *read, *seen),
            What::Flags(marks) => self.flags(*marks),
            What::Gone { on, marks } => self.gone(*on, *marks),
            What::Star { on } => {
                if self.may_write("starred", entry) {
                    self.starred = *on;
                }
            }
            What::Mute { on } => {
                if self.may_write("muted", entry) {
                    self.muted = *on;
                }
            }
            What::Link { thread, on } => self.link(entry, thread, *on),
            What::Outgoing(step) => {
                if self.runs.is_empty() {
                    // Nothing that is in an inbox.
                    self.place = Place::Archive;
                }
                self.outgoing.get_or_insert_default().apply(&entry.id, step);
            }
            What::Undo { .. } => {}
        }
    }

    fn link(&mut self, entry: &Entry, other: &ThreadId, on: bool) {
        let mail = entry.action.is_none();
        if !self.may_write(&format!("link {other}"), entry)
            || (on && mail && self.split.contains(other))
        {
            return;
        }
        if on {
            self.split.remove(other);
            self.links.insert(other.clone());
        } else {
            self.links.remove(other);
            if !mail {
                self.split.insert(other.clone());
            }
        }
    }

    /// Whether this write is newer than each of the same device in this cell; notes it. The same
    /// one comes a second time where a device does not know yet that its row holds it.
    fn may_write(&mut self, cell: &str, entry: &Entry) -> bool {
        if entry.action.is_none() {
            return true; // mail has no keys that could change order
        }
        let last = self.writers.entry(cell.to_owned()).or_default();
        match last.get(&entry.device) {
            Some(last) if *last >= entry.id => false,
            _ => {
                last.insert(entry.device.clone(), entry.id.clone());
                true
            }
        }
    }

    fn put(&mut self, entry: &Entry, place: Place, seen: u64) {
        if !self.may_write("place", entry) {
            return;
        }
        if place.hidden() > self.place.hidden() && self.last_received > seen {
            return;
        }
        if place.hidden() > self.place.hidden() {
            self.miss(entry);
        }
        self.place = place;
        if self.may_write("snooze", entry) {
            self.snoozed = None;
        }
    }

    fn snooze(&mut self, entry: &Entry, until: Option<i64>, seen: u64) {
        if self.may_write("snooze", entry) && (until.is_none() || self.last_received <= seen) {
            if until.is_some() {
                self.miss(entry);
            }
            self.snoozed = until;
        }
    }

    /// A key hides the thread: its row did not show what is gone, which is not to be hidden by it
    /// should it return.
    fn miss(&mut self, entry: &Entry) {
        if entry.action.is_some() {
            for run in self.runs.iter_mut().filter(|run| run.2 & (GONE | OWN) == GONE) {
                run.2 |= MISSED;
            }
        }
    }

    fn message(&mut self, entry: &Entry) {
        let What::Message { unread, own, draft, starred, place, labels } = &entry.what else {
            return;
        };
        let home = place.unwrap_or(if *own { Place::Archive } else { Place::Inbox });
        // What was thrown away and is gone is no conversation that goes on there.
        let over = self.place.hidden() > 1 && self.messages() == 0;
        if self.runs.is_empty() || over {
            self.place = home;
        } else if !*own && home == Place::Inbox && !self.muted {
            let kept = matches!(self.place, Place::Trash | Place::Spam);
            if !kept {
                self.place = Place::Inbox;
                self.snoozed = None;
            }
        }
        self.starred |= *starred;
        self.sent |= *own && !*draft;
        self.drafts |= *draft;
        self.labels.extend(labels.iter().cloned());
        if !*own {
            self.last_received = self.last_received.max(entry.position);
        }
        let bits = if *own { OWN } else { u8::from(*unread) * UNREAD };
        self.push(Run(entry.position, 1, bits));
    }

    fn push(&mut self, run: Run) {
        match self.runs.last_mut() {
            Some(last) if last.0 + last.1 == run.0 && last.2 == run.2 => last.1 += run.1,
            _ => self.runs.push(run),
        }
    }

    /// What changed of one message. A source has no keys whose order could change, so no guard.
    fn flags(&mut self, marks: Marks) {
        self.starred = marks.starred.unwrap_or(self.starred);
        self.sent = marks.sent.unwrap_or(self.sent);
        self.drafts = marks.drafts.unwrap_or(self.drafts);
        if marks.own == Some(false) {
            self.last_received = self.last_received.max(marks.at);
        }
        for Run(first, count, bits) in std::mem::take(&mut self.runs) {
            let end = first + count;
            if !(first..end).contains(&marks.at) {
                self.push(Run(first, count, bits));
                continue;
            }
            let marked = if marks.own.unwrap_or(bits & OWN != 0) {
                OWN
            } else {
                marks.read.map_or(bits & UNREAD, |read| u8::from(!read) * UNREAD)
            };
            let marked = marked | (bits & (GONE | MISSED));
            self.split(Run(first, count, bits), marks.at, marked);
        }
    }

    /// Puts a run back, with other bits at one position of it.
    fn split(&mut self, Run(first, count, bits): Run, at: u64, marked: u8) {
        for (from, to, bits) in
            [(first, at, bits), (at, at + 1, marked), (at + 1, first + count, bits)]
        {
            if from < to {
                self.push(Run(from, to - from, bits));
            }
        }
    }

    /// A message is gone where it came from, or there again, as it was. What keys said of the star
    /// stands; what it hid while it was gone comes to the inbox with it.
    fn gone(&mut self, on: bool, marks: Marks) {
        if self.writers.get("starred").is_none_or(BTreeMap::is_empty) {
            self.starred = marks.starred.unwrap_or(self.starred);
        }
        self.sent = marks.sent.unwrap_or(self.sent);
        self.drafts = marks.drafts.unwrap_or(self.drafts);
        for run in std::mem::take(&mut self.runs) {
            let Run(first, count, bits) = run;
            if !(first..first + count).contains(&marks.at) {
                self.push(run);
                continue;
            }
            let marked = if on { bits | GONE } else { bits & !(GONE | MISSED) };
            if !on && bits & MISSED != 0 && bits & OWN == 0 {
                self.place = Place::Inbox;
                self.snoozed = None;
            }
            self.split(run, marks.at, marked);
        }
    }

    /// Marks the received messages at or below `seen` that no later mark of this device covers.
    fn mark(&mut self, entry: &Entry, read: bool, seen: u64) {
        if self.reads.iter().any(|(device, id, _)| (device, id) == (&entry.device, &entry.id)) {
            return;
        }
        let above = self
            .reads
            .iter()
            .filter(|(device, id, _)| *device == entry.device && *id > entry.id)
            .map(|(_, _, reach)| *reach)
            .max()
            .unwrap_or(0);
        self.reads.retain(|(device, id, reach)| {
            !(*device == entry.device && *id < entry.id && *reach <= seen)
        });
        self.reads.push((entry.device.clone(), entry.id.clone(), seen));
        for Run(first, count, bits) in std::mem::take(&mut self.runs) {
            let end = first + count;
            let (low, high) = ((above + 1).clamp(first, end), (seen + 1).clamp(first, end));
            // What is gone was not in the key's row.
            let marked = if bits & (OWN | GONE) != 0 {
                bits
            } else if read {
                bits & !UNREAD
            } else {
                bits | UNREAD
            };
            for (from, to, bits) in
                [(first, low, bits), (low, high.max(low), marked), (high.max(low), end, bits)]
            {
                if from < to {
                    self.push(Run(from, to - from, bits));
                }
            }
        }
    }
}
