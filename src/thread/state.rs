//! A loaded Thread store: its tables as values, made from the log.
//!
//! Invariant: equal logs give equal values. Loading is one pass over the log; nothing is cached
//! between loads.

use std::collections::{BTreeSet, HashMap};

use crate::id::{BlobHash, DeviceId, Epoch, EventId, MessageId, ThreadId};
use crate::mail::Address;
use crate::mail::compose::parse_addresses;
use crate::store::{Event, NewEvent};
use crate::thread::event::{DraftSaved, FlagsChanged, MessageAdded, MessageQueued, ThreadEvent};
use crate::thread::fold::{Entry, Marks, What};
use crate::thread::outgoing::{MAX_TITLE_CHARS, Title};
use crate::thread::{Cells, Epochs, Trail};

/// Participants listed in a row at most.
const MAX_PARTICIPANTS: usize = 100;

/// A row of `messages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Where its event stands.
    pub position: u64,
    /// The message.
    pub message: MessageAdded,
    /// Further messages under its id.
    pub copies: Vec<MessageAdded>,
    /// Whether it is gone where it came from: kept, and not shown.
    pub removed: bool,
    /// Whether the rest of it was asked for, where it is not whole.
    pub wanted: bool,
    /// The thread that has it as well, and counts it while the two are linked.
    pub counted_by: Option<ThreadId>,
}

/// A save of a draft, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveRow {
    /// Its name.
    pub save: EventId,
    /// Who wrote it.
    pub device: DeviceId,
    /// What was written.
    pub saved: DraftSaved,
}

/// What was queued to be sent, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedRow {
    /// Its name.
    pub queued: EventId,
    /// The epoch in which it was first offered.
    pub epoch: Epoch,
    /// What.
    pub of: MessageQueued,
    /// The bytes that were last claimed for it.
    pub raw: Option<BlobHash>,
}

/// What a list needs of the messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Of the first message.
    pub subject: Option<String>,
    /// Who wrote, in order of first appearance.
    pub participants: Vec<Address>,
    /// Of the newest message.
    pub snippet: String,
    /// Sort date of the newest, Unix seconds.
    pub last_activity: i64,
    /// Sort date of the first, Unix seconds.
    pub created_at: i64,
    /// Messages, copies not counted, also those that a linked thread counts.
    pub message_count: u64,
    /// Whether any has an attachment.
    pub has_attachment: bool,
}

/// A thread's tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThreadState {
    /// The last position that was applied.
    pub position: u64,
    /// The messages, in log order, also those that are not shown.
    pub messages: Vec<MessageRow>,
    /// Every save of its drafts, in log order; what is in each blob is not looked at.
    pub saves: Vec<SaveRow>,
    /// Everything that was ever queued, in log order.
    pub queued: Vec<QueuedRow>,
    /// The log as the cells see it.
    pub entries: Vec<Entry>,
    /// Where the last message, or copy of one, stands.
    last_message: u64,
    epochs: Epochs,
    index: HashMap<MessageId, usize>,
}

impl ThreadState {
    /// Applies the next events of the log.
    pub fn apply(&mut self, events: &[Event]) {
        for Event { position, event } in events {
            self.position = *position;
            let Some(read) = ThreadEvent::read(&event.name, &event.args) else { continue };
            if let ThreadEvent::Flags(change) = &read {
                let marks = self.flags(change);
                let entry = |marks| Entry::new(event, Some(*position), What::Flags(marks));
                self.entries.extend(marks.map(entry));
                continue;
            }
            if let ThreadEvent::Removed(only, on) = &read {
                let marks = self.removed(&only.message, *on);
                let entry =
                    |marks| Entry::new(event, Some(*position), What::Gone { on: *on, marks });
                self.entries.extend(marks.map(entry));
                continue;
            }
            if let ThreadEvent::Reparsed(_) | ThreadEvent::Wanted(_) | ThreadEvent::StarPut(..) =
                &read
            {
                self.read_again(read);
                continue;
            }
            if let ThreadEvent::Began(began) = &read {
                self.epochs.begin(began.epoch.clone(), began.at);
                continue;
            }
            let known = match &read {
                ThreadEvent::Message(message) => self.index.get(&message.message).copied(),
                _ => None,
            };
            if known.is_none() {
                self.entries.extend(Entry::of_read(event, Some(*position), &read, &self.epochs));
            }
            if matches!(read, ThreadEvent::Message(_)) {
                self.last_message = *position;
            }
            self.write(event, &read);
            match (read, known) {
                (ThreadEvent::Message(message), Some(at)) => {
                    self.messages[at].copies.push(message);
                }
                (ThreadEvent::Message(message), None) if !message.copy => {
                    self.index.insert(message.message.clone(), self.messages.len());
                    let position = *position;
                    self.messages.push(MessageRow {
                        position,
                        message,
                        copies: Vec::new(),
                        removed: false,
                        wanted: false,
                        counted_by: None,
                    });
                }
                _ => {}
            }
        }
    }

    /// A message was read again, is wanted as a whole, or has the star that a key gave its
    /// conversation: nothing of where it is, of its order or of the cells changes.
    fn read_again(&mut self, read: ThreadEvent) {
        match read {
            ThreadEvent::Reparsed(new) => {
                let Some(at) = self.index.get(&new.message) else { return };
                let row = &mut self.messages[*at];
                let was = &row.message;
                row.message = MessageAdded {
                    copy: was.copy,
                    flags: was.flags,
                    place: was.place,
                    sent: was.sent,
                    labels: was.labels.clone(),
                    sort_date: was.sort_date,
                    sort_from: was.sort_from,
                    ..new
                };
                row.wanted &= row.message.outline;
            }
            ThreadEvent::Wanted(only) => {
                let Some(at) = self.index.get(&only.message) else { return };
                let row = &mut self.messages[*at];
                row.wanted = row.message.outline;
            }
            ThreadEvent::StarPut(only, on) => {
                let Some(at) = self.index.get(&only.message) else { return };
                self.messages[*at].message.flags.starred = on;
            }
            _ => {}
        }
    }

    /// What is written and sent, and what another thread has as well: the contents, of which cells
    /// know the state.
    fn write(&mut self, event: &NewEvent, read: &ThreadEvent) {
        match read {
            ThreadEvent::Saved(saved) => self.saves.push(SaveRow {
                save: event.id.clone(),
                device: event.device.clone(),
                saved: saved.clone(),
            }),
            ThreadEvent::Queued(of) => self.queued.push(QueuedRow {
                queued: event.id.clone(),
                epoch: event.epoch.clone(),
                of: of.clone(),
                raw: None,
            }),
            ThreadEvent::Claimed(of) => {
                let mut rows = self.queued.iter_mut();
                if let Some(row) = rows.find(|row| row.queued == of.queued) {
                    row.raw = Some(of.raw.clone());
                }
            }
            ThreadEvent::Linked(link, true) => {
                for message in &link.held {
                    let Some(at) = self.index.get(message) else { continue };
                    self.messages[*at].counted_by = Some(link.thread.clone());
                }
            }
            _ => {}
        }
    }

    /// A save by its name.
    #[must_use]
    pub fn save(&self, save: &EventId) -> Option<&SaveRow> {
        self.saves.iter().find(|row| row.save == *save)
    }

    /// Changes the flags of one message; what that writes. `None` when there is no such message.
    fn flags(&mut self, change: &FlagsChanged) -> Option<Marks> {
        let row = self.messages.get_mut(*self.index.get(&change.message)?)?;
        let (at, removed) = (row.position, row.removed);
        let message = &mut row.message;
        let (set, cleared) = (change.set, change.cleared);
        let after = |was: bool, on: bool, off: bool| (was || on) && !off;
        let flags = &mut message.flags;
        let was_own = message.sent || flags.draft;
        flags.read = after(flags.read, set.read, cleared.read);
        flags.starred = after(flags.starred, set.starred, cleared.starred);
        flags.answered = after(flags.answered, set.answered, cleared.answered);
        flags.forwarded = after(flags.forwarded, set.forwarded, cleared.forwarded);
        flags.draft = after(flags.draft, set.draft, cleared.draft);
        message.sent = change.sent.unwrap_or(message.sent);
        let (own, flags) = (message.sent || message.flags.draft, message.flags);
        let kind = set.draft || cleared.draft || change.sent.is_some();
        let any = |has: fn(&MessageAdded) -> bool| self.shows(has);
        // A message that was our own has no read mark of its own yet.
        let read = (set.read || cleared.read || (was_own && !own)).then_some(flags.read);
        // Another starred message keeps the thread's star.
        let unstarred = cleared.starred && !any(|message| message.flags.starred);
        Some(Marks {
            at,
            read,
            own: (own != was_own).then_some(own),
            starred: (!removed && (set.starred || unstarred)).then_some(!unstarred),
            sent: kind.then(|| any(|message| message.sent && !message.flags.draft)),
            drafts: kind.then(|| any(|message| message.flags.draft)),
        })
    }

    /// Whether any message that is shown is so.
    fn shows(&self, is: fn(&MessageAdded) -> bool) -> bool {
        self.messages.iter().any(|row| !row.removed && is(&row.message))
    }

    /// Takes a message out of what is shown, or puts it back; what that writes. `None` when there
    /// is no such message, or nothing changes.
    fn removed(&mut self, message: &MessageId, on: bool) -> Option<Marks> {
        let row = self.messages.get_mut(*self.index.get(message)?)?;
        if std::mem::replace(&mut row.removed, on) == on {
            return None;
        }
        let (at, flagged) = (row.position, row.message.flags.starred);
        // The star that it brought goes with it, and comes back with it.
        let star = flagged && (!on || !self.shows(|message| message.flags.starred));
        Some(Marks {
            at,
            starred: star.then_some(!on),
            sent: Some(self.shows(|message| message.sent && !message.flags.draft)),
            drafts: Some(self.shows(|message| message.flags.draft)),
            ..Marks::default()
        })
    }

    /// A message by its id, also one that is not shown.
    #[must_use]
    pub fn message(&self, message: &MessageId) -> Option<&MessageRow> {
        self.messages.get(*self.index.get(message)?)
    }

    /// Where the last message, or further copy of one, stands; 0 without any.
    #[must_use]
    pub const fn last_message(&self) -> u64 {
        self.last_message
    }

    /// The trail and the cells.
    #[must_use]
    pub fn trail(&self) -> (Trail, Cells) {
        let (mut trail, cells) = Trail::of(&self.entries);
        trail.base.epochs.clone_from(&self.epochs);
        (trail, cells)
    }

    /// The epochs that its log tells of.
    #[must_use]
    pub const fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// The messages that are shown, in the order of the reader: sort date, then id.
    #[must_use]
    pub fn sorted(&self) -> Vec<&MessageRow> {
        let mut rows: Vec<_> = self.messages.iter().filter(|row| !row.removed).collect();
        rows.sort_by(|a, b| {
            (a.message.sort_date, &a.message.message)
                .cmp(&(b.message.sort_date, &b.message.message))
        });
        rows
    }

    /// What a list needs of the messages.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let rows = self.sorted();
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return self.written();
        };
        let mut participants: Vec<Address> = Vec::new();
        let mut met = std::collections::HashSet::new();
        for address in rows.iter().flat_map(|row| &row.message.from) {
            if participants.len() < MAX_PARTICIPANTS && met.insert(address.address.to_lowercase()) {
                participants.push(address.clone());
            }
        }
        Summary {
            subject: first.message.subject.clone(),
            participants,
            snippet: last.message.snippet.clone(),
            last_activity: last.message.sort_date,
            created_at: first.message.sort_date,
            message_count: rows.len() as u64,
            has_attachment: rows.iter().any(|row| !row.message.attachments.is_empty()),
        }
    }

    /// How many messages a row of this thread, linked with those, counts: what a linked thread has
    /// as well is counted there. One that shows any counts at least one.
    #[must_use]
    pub fn counted(&self, links: &BTreeSet<ThreadId>) -> u64 {
        let shown = || self.messages.iter().filter(|row| !row.removed);
        let elsewhere =
            |row: &MessageRow| row.counted_by.as_ref().is_some_and(|by| links.contains(by));
        let own = shown().filter(|row| !elsewhere(row)).count().max(shown().count().min(1));
        own as u64
    }

    /// What a list needs of a store that holds nothing but what is being written.
    fn written(&self) -> Summary {
        if self.saves.is_empty() {
            return Summary::default();
        }
        let (_, cells) = self.trail();
        let outgoing = cells.outgoing.unwrap_or_default();
        let Some(title) = outgoing.newest() else { return Summary::default() };
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Summary {
            subject: text(&title.subject),
            participants: written_to(&title.to),
            snippet: title.snippet.clone(),
            last_activity: title.at,
            created_at: self.saves.first().map_or(title.at, |first| first.saved.at),
            message_count: 0,
            has_attachment: title.attachments,
        }
    }
}

impl Title {
    /// To whom it is, as far as it tells.
    #[must_use]
    pub fn people(&self) -> Vec<Address> {
        written_to(&self.to)
    }
}

/// To whom something is written. Of a title that was cut the last address may be half of one; what
/// is no address yet is a name without one.
fn written_to(to: &str) -> Vec<Address> {
    let whole = match to.rfind(',') {
        Some(comma) if to.chars().count() >= MAX_TITLE_CHARS => &to[..comma],
        _ => to,
    };
    let (mut addresses, _) = parse_addresses(whole);
    addresses.truncate(MAX_PARTICIPANTS);
    if addresses.is_empty() && !to.is_empty() {
        addresses.push(Address { name: Some(to.to_owned()), address: String::new() });
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_says_to_whom_it_is_written() {
        let check = |to: &str, want: &[(Option<&str>, &str)]| {
            let found = written_to(to);
            let found: Vec<_> =
                found.iter().map(|a| (a.name.as_deref(), a.address.as_str())).collect();
            assert_eq!(found, want, "{to:?}");
        };
        check("", &[]);
        check("Ann <a@x.org>, b@y.org", &[(Some("Ann"), "a@x.org"), (None, "b@y.org")]);
        check("Ann <a@x.org>, bo", &[(Some("Ann"), "a@x.org")]);
        check("bo", &[(Some("bo"), "")]);
        let many: Vec<String> = (10..50).map(|n| format!("p{n}@example.org")).collect();
        let many = many.join(", ");
        let cut: String = many.chars().take(MAX_TITLE_CHARS).collect();
        let found = written_to(&cut);
        assert!(found.iter().all(|a| a.address.ends_with("@example.org")), "{found:?}");
        assert_eq!(written_to(&"x".repeat(MAX_TITLE_CHARS)).len(), 1);
    }
}
