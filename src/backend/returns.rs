//! Events that come back from a device: what a restore lost, and what must be known of it again
//! beside the logs.
//!
//! Invariant: the index, links and references say of what came back what they said of it when it
//! came first. A purge that comes back purges again, but never what came since.
//!
//! Mail that was queued to be sent (`MessageQueued`) and comes back must never be sent silently: it
//! may have been, in the life that the restore ended. The outbox looks at the epoch of the event,
//! which is that of its first offer: another than the backend's is *unknown, check*.

use std::collections::{BTreeMap, BTreeSet};

use crate::backend::core::Backend;
use crate::backend::storage::{self, Index, Links, Outlines, Purged, references};
use crate::backend::thread_client::state_of;
use crate::backend::{ingest, mailbox_client, wake};
use crate::id::{Epoch, EventId, MessageId, StoreId, ThreadId};
use crate::mail;
use crate::mailbox::{self, MailboxEvent};
use crate::store::{Blobs, Db, Log, NewEvent, StoreError};
use crate::sync::{Refused, StorePush};
use crate::thread::{MessageAdded, MessageRow, ThreadEvent, ThreadState, name, named_blobs};

/// Messages that came back and are in another thread as well, by that thread.
type Doubles = BTreeMap<ThreadId, BTreeSet<MessageId>>;

/// Messages that one link names.
const HELD_AT_A_TIME: usize = 500;

/// Of these events, those that a log does not hold.
pub(super) fn unknown(
    db: &Db,
    store: &StoreId,
    events: &[NewEvent],
) -> Result<Vec<NewEvent>, StoreError> {
    let mut unknown = Vec::new();
    for event in events {
        if !Log::holds(db, store, &event.id)? {
            unknown.push(event.clone());
        }
    }
    Ok(unknown)
}

/// Whether the backend named this event, by what it is: a message by its bytes, a label by its
/// name. Where another life took the same in, it is here, whatever its source says of it since:
/// its folder, its flags, when it was made.
pub(super) fn is_named_by_what_it_is(events: &[NewEvent], id: &EventId) -> bool {
    let its = events.iter().find(|event| event.id == *id);
    let writers = [ingest::MAIL_EDGE, mailbox_client::CLIENT, wake::CLIENT];
    its.is_some_and(|event| writers.contains(&event.device.as_str()))
}

/// These events of a thread came back, and are in its log now. Whether other threads are joined
/// with it for that.
pub(super) fn take_back(
    db: &Db,
    epoch: &Epoch,
    store: &StoreId,
    events: &[NewEvent],
) -> Result<bool, StoreError> {
    let Some(thread) = store.as_thread() else { return Ok(false) };
    let (mut joined, mut doubles) = (false, Doubles::new());
    for event in events {
        match ThreadEvent::read(&event.name, &event.args) {
            Some(ThreadEvent::Created(_)) => Links::begun(db, &thread)?,
            Some(ThreadEvent::Message(message)) => {
                joined |= index(db, epoch, &thread, &message, &mut doubles)?;
                if message.outline && !message.copy {
                    Outlines::note(db, &message.message, &thread)?;
                }
            }
            Some(ThreadEvent::Reparsed(message)) => {
                joined |= index(db, epoch, &thread, &message, &mut doubles)?;
                if !message.outline {
                    Outlines::done(db, &message.message)?;
                }
            }
            Some(ThreadEvent::Saved(_) | ThreadEvent::Claimed(_)) => {
                for blob in named_blobs(&event.name, &event.args) {
                    references::refer(db, &blob)?;
                }
            }
            _ => {}
        }
    }
    for (other, messages) in doubles {
        joined |= count_once(db, epoch, &thread, &other, &messages)?;
    }
    Ok(joined)
}

/// Of two threads that are one conversation and hold the same messages, one counts each of them:
/// the one that was there, but for what would leave the other with none.
fn count_once(
    db: &Db,
    epoch: &Epoch,
    thread: &ThreadId,
    other: &ThreadId,
    messages: &BTreeSet<MessageId>,
) -> Result<bool, StoreError> {
    if Links::root(db, thread)? != Links::root(db, other)? {
        return Ok(false); // a user split them
    }
    let mine = state_of(db, &StoreId::thread(thread))?;
    let theirs = state_of(db, &StoreId::thread(other))?;
    let counts = |row: &&MessageRow| !row.removed && row.counted_by.is_none();
    let counted = |state: &ThreadState, message: &MessageId| {
        state.message(message).filter(counts).map(|row| row.message.raw.clone())
    };
    let same = |message: &&MessageId| {
        let raw = counted(&mine, message);
        raw.is_some() && raw == counted(&theirs, message)
    };
    let mut held: Vec<MessageId> = messages.iter().filter(same).cloned().collect();
    let left = mine.messages.iter().filter(counts).count();
    let last = if held.len() < left { None } else { held.pop() };
    if held.is_empty() && last.is_none() {
        return Ok(false);
    }
    for held in held.chunks(HELD_AT_A_TIME) {
        ingest::link(db, epoch, thread, other, "counted", held)?;
    }
    ingest::link(db, epoch, other, thread, "counted", last.as_slice())?;
    Links::join(db, thread, other)?;
    Ok(true)
}

/// Knows a message again by its name and, where its bytes are here, by these. One that was taken in
/// anew meanwhile, in another order, may be in a thread with another name: these are then one
/// conversation.
fn index(
    db: &Db,
    epoch: &Epoch,
    thread: &ThreadId,
    message: &MessageAdded,
    doubles: &mut Doubles,
) -> Result<bool, StoreError> {
    for blob in std::iter::once(&message.raw).chain(&message.text_blob) {
        references::refer(db, blob)?;
    }
    let raw = Blobs::get(db, &message.raw).ok().flatten();
    let key = match (&message.message_id, &raw) {
        (Some(id), _) if !id.is_empty() => id.clone(),
        (_, Some(raw)) => mail::message_key(&mail::Parsed::default(), raw),
        _ => return Ok(false),
    };
    Index::found(db, &key, thread)?;
    if let Some(raw) = &raw {
        Index::add(db, &key, &mail::canonical_hash(raw))?;
    }
    message.references.iter().try_for_each(|ancestor| Index::name(db, ancestor, thread))?;
    match Index::thread(db, &key)? {
        Some(other) if other != *thread => {
            let joined = ingest::join(db, epoch, thread, &other, &key)?;
            doubles.entry(other).or_default().insert(message.message.clone());
            Ok(joined)
        }
        _ => Ok(false),
    }
}

impl Backend {
    /// Purges that come back, done before anything of the push they came with: that a conversation
    /// is gone must be known when what it held is offered. What got mail in this epoch stays.
    pub(super) fn purge_again(
        &mut self,
        stores: &mut [StorePush],
    ) -> Result<Vec<Refused>, StoreError> {
        let (mut going, mut kept) = (BTreeSet::new(), Vec::new());
        for push in stores.iter_mut().filter(|push| push.again) {
            if push.store.as_str() != StoreId::MAILBOX {
                continue;
            }
            let mut left = Vec::new();
            for event in std::mem::take(&mut push.events) {
                let purged = match MailboxEvent::read(&event.name, &event.args) {
                    Some(MailboxEvent::Purged(purged)) if event.epoch != self.epoch => purged,
                    _ => {
                        left.push(event);
                        continue;
                    }
                };
                if Purged::is(&self.db, &purged.thread)? {
                    left.push(event);
                } else if self.has_new_mail(&purged.thread)? {
                    let (code, reason) = ("new-mail", "a message came to it since it was purged");
                    let (code, reason) = (code.to_owned(), reason.to_owned());
                    kept.push(Refused { id: event.id, code, reason });
                } else {
                    going.insert((purged.thread, purged.at));
                    left.push(event);
                }
            }
            push.events = left;
        }
        if !going.is_empty() {
            self.commit()?;
            self.erase(&going.into_iter().collect::<Vec<_>>())?;
            self.tell_purges()?;
        }
        Ok(kept)
    }

    /// Whether a thread got a message in this epoch that it never had before.
    fn has_new_mail(&self, thread: &ThreadId) -> Result<bool, StoreError> {
        let log = Log::all(&self.db, &StoreId::thread(thread))?;
        let new = |event: &NewEvent| event.name == name::MESSAGE_ADDED && event.epoch == self.epoch;
        Ok(log.iter().any(|event| new(&event.event)))
    }
}

/// The first thing in an epoch that a restore began: the Mailbox store hears of it, so that rows
/// count in it. Nothing when it has.
pub(super) fn begin_epoch(
    threads: &Db,
    mailbox: &mut super::mailbox_client::MailboxClient,
    epoch: &crate::id::Epoch,
) -> Result<(), StoreError> {
    if !storage::is_restored(threads)? {
        return Ok(());
    }
    let args = crate::store::Args::of(&mailbox::EpochBegan { epoch: epoch.clone() });
    mailbox.begin_epoch(epoch, args)
}
