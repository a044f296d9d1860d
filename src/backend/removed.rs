//! Messages that are gone where they came from, and those that are there again.
//!
//! Invariant: written by the mail edge alone, with ids that come from the change's name, so that
//! the same again adds nothing. Nothing is destroyed by it: the log and the blobs keep the message.

use std::collections::BTreeMap;

use crate::backend::core::Backend;
use crate::backend::ingest::{event, event_id};
use crate::backend::storage;
use crate::id::{Epoch, MessageId, StoreId, ThreadId};
use crate::store::{Args, Db, Log, NewEvent, StoreError, holds_name};
use crate::thread::{MessageOnly, ThreadState, name};

impl Backend {
    /// Takes in that messages are gone where they came from (`removed`), or there again; durable
    /// after the commit. What is so already, or is not there, is left alone. Returns how many
    /// messages changed.
    ///
    /// # Errors
    /// As [`Backend::push`].
    pub fn remove_messages(
        &mut self,
        messages: &[(ThreadId, MessageId)],
        removed: bool,
        token: &str,
    ) -> Result<usize, StoreError> {
        self.begin()?;
        let mut threads: BTreeMap<&ThreadId, Vec<&MessageId>> = BTreeMap::new();
        for (thread, message) in messages {
            threads.entry(thread).or_default().push(message);
        }
        let mut changed = 0;
        for (thread, mut messages) in threads {
            let store = StoreId::thread(thread);
            let mut state = ThreadState::default();
            state.apply(&Log::all(&self.db, &store)?);
            messages.sort();
            messages.dedup();
            let mut events = Vec::new();
            for message in messages {
                if state.message(message).is_some_and(|row| row.removed != removed) {
                    let cause = [token, thread.as_str()];
                    events.push(change(message, removed, &cause, &self.epoch)?);
                }
            }
            let added = storage::append(&self.db, &self.epoch, &store, &events)?.added;
            changed += usize::try_from(added).unwrap_or(usize::MAX);
        }
        Ok(changed)
    }
}

/// Puts a message back that came in again, should it be gone.
pub(super) fn came_again(
    db: &Db,
    epoch: &Epoch,
    thread: &ThreadId,
    message: &MessageId,
) -> Result<(), StoreError> {
    let store = StoreId::thread(thread);
    if !holds_name(db, &store, name::MESSAGE_REMOVED)? {
        return Ok(());
    }
    let mut state = ThreadState::default();
    state.apply(&Log::all(db, &store)?);
    if state.message(message).is_some_and(|row| row.removed) {
        // It was not there a moment ago, so what ends here is its last absence.
        let at = state.position.to_string();
        let event = change(message, false, &["came-again", thread.as_str(), &at], epoch)?;
        storage::append(db, epoch, &store, &[event])?;
    }
    Ok(())
}

fn change(
    message: &MessageId,
    removed: bool,
    cause: &[&str],
    epoch: &Epoch,
) -> Result<NewEvent, StoreError> {
    let name = if removed { name::MESSAGE_REMOVED } else { name::MESSAGE_RETURNED };
    let args = Args::of(&MessageOnly { message: message.clone() });
    let parts = [&["removed", name, message.as_str()], cause].concat();
    event(event_id(&parts, &[]), name, args, epoch)
}
