//! What a source changed becomes events of the conversation, written by the mail edge.
//!
//! Invariant: ids come from the change's name, so that the same again adds nothing. A message that
//! the source does not know is never hidden by it.

use std::collections::BTreeSet;

use crate::backend::core::Backend;
use crate::backend::ingest::{event, event_id};
use crate::backend::storage;
use crate::bridge::{Follow, Followed};
use crate::id::{Epoch, LabelId, MessageId, Seen, StoreId};
use crate::label::Place;
use crate::store::{Args, Db, Log, NewEvent, StoreError};
use crate::thread::{FlagsChanged, LabelChange, ThreadState, name};

impl Backend {
    /// Takes in what a source changed; durable after the commit.
    ///
    /// # Errors
    /// As [`Backend::push`].
    pub fn follow(&mut self, changes: &[Follow], now: i64) -> Result<Vec<Followed>, StoreError> {
        self.begin()?;
        self.now = now;
        let mut done = Vec::with_capacity(changes.len());
        for follow in changes {
            let store = StoreId::thread(&follow.thread);
            let log = Log::all(&self.db, &store)?;
            if log.is_empty() {
                done.push(Followed::Absent);
                continue;
            }
            let mut state = ThreadState::default();
            state.apply(&log);
            let mut labels: Vec<(LabelId, bool)> = Vec::new();
            for text in &follow.change.on {
                let label = self.mailbox.label(text, &self.epoch, now)?;
                labels.extend(label.map(|label| (label, true)));
            }
            for text in &follow.change.off {
                let label = self.mailbox.known_label(text)?;
                labels.extend(label.map(|label| (label, false)));
            }
            append(&self.db, &self.epoch, follow, &state, &labels)?;
            done.push(Followed::Done);
        }
        Ok(done)
    }
}

fn append(
    db: &Db,
    epoch: &Epoch,
    follow: &Follow,
    state: &ThreadState,
    labels: &[(LabelId, bool)],
) -> Result<(), StoreError> {
    let store = StoreId::thread(&follow.thread);
    let make = |what: &[&str], name: &str, args: Args| -> Result<NewEvent, StoreError> {
        let named = [&["follow", &follow.token, follow.thread.as_str(), name], what].concat();
        event(event_id(&named, &[]), name, args, epoch)
    };
    let mut events = Vec::new();
    for change in &follow.change.flags {
        if !state.messages.iter().any(|row| row.message.message == change.message) {
            continue;
        }
        let change = FlagsChanged {
            message: change.message.clone(),
            set: change.set,
            cleared: change.cleared,
            sent: change.sent,
        };
        let args = Args::of(&change);
        let what = [change.message.as_str(), args.text()];
        events.push(make(&what, name::FLAGS_CHANGED, args.clone())?);
    }
    for (label, on) in labels {
        let name = if *on { name::LABEL_APPLIED } else { name::LABEL_REMOVED };
        let args = Args::of(&LabelChange { label: label.clone(), seen: None });
        events.push(make(&[label.as_str()], name, args)?);
    }
    if let Some(place) = follow.change.place
        && let Some(position) = reach(state, &follow.covers, place)
    {
        let seen = Some(Seen { epoch: epoch.clone(), position });
        let args = Args::of(&LabelChange { label: place.label(), seen });
        events.push(make(&["place", place.as_str()], name::LABEL_APPLIED, args)?);
    }
    storage::append(db, epoch, &store, &events)?;
    Ok(())
}

/// How far a move by the source reaches: before the first received message that it does not know.
/// `None` when it would hide such a one, and does nothing.
fn reach(state: &ThreadState, covers: &[MessageId], place: Place) -> Option<u64> {
    let covers: BTreeSet<&MessageId> = covers.iter().collect();
    let received = state.messages.iter().filter(|row| {
        let message = &row.message;
        !(row.removed || message.sent || message.flags.draft || covers.contains(&message.message))
    });
    match received.map(|row| row.position).min() {
        None => Some(state.position),
        Some(_) if place.hidden() > state.trail().1.place.hidden() => None,
        Some(first) => Some(first.saturating_sub(1)),
    }
}
