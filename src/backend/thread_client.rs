//! The backend's client of a Thread store: what changed, by the snapshot before and after.
//!
//! Invariant: the snapshot, its position and the queued batch go to disk in one transaction (the
//! caller's): a crash can neither lose nor repeat a change.

use std::num::NonZeroUsize;

use lru::LruCache;

use crate::backend::storage::{Purged, Queue, Snapshots};
use crate::id::{Epoch, StoreId, ThreadId};
use crate::label::Place;
use crate::mailbox::{Deed, MAX_DEEDS, SourceAction};
use crate::projection::{Batch, BatchSource, Snapshot, deed, diff, of_thread};
use crate::store::{Db, Event, Log, StoreError};
use crate::thread::ThreadState;

/// Clients of Thread stores, loaded on demand; the least recently used one hibernates.
#[derive(Debug)]
pub(super) struct ThreadClients {
    loaded: LruCache<i64, ThreadState>,
}

impl ThreadClients {
    /// At most `capacity` loaded at a time.
    pub(super) fn new(capacity: usize) -> Self {
        Self { loaded: LruCache::new(NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN)) }
    }

    /// Forgets what is loaded: the transaction that it belonged to was rolled back.
    pub(super) fn forget(&mut self) {
        self.loaded.clear();
    }

    /// Which are loaded, and up to where.
    #[cfg(debug_assertions)]
    pub(super) fn positions(&self) -> Vec<(i64, u64)> {
        self.loaded.iter().map(|(key, state)| (*key, state.position)).collect()
    }

    /// Forgets the client of a store that is gone.
    pub(super) fn leave(&mut self, key: i64) {
        self.loaded.pop(&key);
    }

    /// Takes in what a dirty store's log holds above its snapshot, and queues what changed. `now`
    /// is Unix seconds.
    pub(super) fn advance(
        &mut self,
        db: &Db,
        epoch: &Epoch,
        (key, store): (i64, &StoreId),
        now: i64,
    ) -> Result<(), StoreError> {
        let Some(thread) = store.as_thread() else { return Ok(()) };
        let (from, before) = Snapshots::get(db, key)?;
        let (after, through, events) = self.load(db, key, store, &thread, from)?;
        if through <= from {
            return Snapshots::put(db, key, from, &before.unwrap_or(after));
        }
        let batch = Batch {
            source: BatchSource {
                store: store.clone(),
                epoch: epoch.clone(),
                from,
                through,
                actions: actions(&events),
            },
            events: diff(before.as_ref(), &after),
        };
        if before.as_ref().map(is_trash) != Some(is_trash(&after)) {
            Purged::trash(db, key, is_trash(&after), now)?;
        }
        Snapshots::put(db, key, through, &after)?;
        Queue::put(db, key, &batch)
    }

    /// Brings a store's client to the head; returns its snapshot, its position and the events
    /// above `from`.
    fn load(
        &mut self,
        db: &Db,
        key: i64,
        store: &StoreId,
        thread: &ThreadId,
        from: u64,
    ) -> Result<(Snapshot, u64, Vec<Event>), StoreError> {
        let state = self.loaded.get_or_insert_mut(key, ThreadState::default);
        let start = state.position.min(from);
        // What does not fit its chain makes no rows.
        let (mut events, ..) = Log::checked(db, store, start, usize::MAX, usize::MAX)?;
        let unseen = events.partition_point(|event| event.position <= state.position);
        state.apply(&events[unseen..]);
        events.retain(|event| event.position > from);
        Ok((of_thread(thread, state), state.position, events))
    }
}

/// Whether a thread is thrown away: in trash, or gone where all its messages came from.
pub(super) fn is_trash(snapshot: &Snapshot) -> bool {
    snapshot.facts.place == Place::Trash || snapshot.labels.is_empty()
}

/// The snapshot of a store at the head of its log, from nothing but the log.
pub(super) fn from_log(db: &Db, store: &StoreId) -> Result<Option<(Snapshot, u64)>, StoreError> {
    let Some(thread) = store.as_thread() else { return Ok(None) };
    let state = state_of(db, store)?;
    Ok((state.position > 0).then(|| (of_thread(&thread, &state), state.position)))
}

/// A store's tables, from nothing but its log; empty where there is none.
pub(super) fn state_of(db: &Db, store: &StoreId) -> Result<ThreadState, StoreError> {
    let mut state = ThreadState::default();
    state.apply(&Log::checked(db, store, 0, usize::MAX, usize::MAX)?.0);
    Ok(state)
}

/// Every action of a range, with the last position of its events and what they did, in order of
/// their first.
pub(super) fn actions(events: &[Event]) -> Vec<SourceAction> {
    let mut actions: Vec<SourceAction> = Vec::new();
    for Event { position, event } in events {
        let Some(action) = &event.action else { continue };
        let held = actions.iter().position(|held| held.id == action.id);
        let at = held.unwrap_or_else(|| {
            actions.push(SourceAction {
                id: action.id.clone(),
                name: action.name.clone(),
                at: action.at,
                device: event.device.clone(),
                position: *position,
                changes: Vec::new(),
                redoes: action.redoes.clone(),
            });
            actions.len() - 1
        });
        actions[at].position = *position;
        let deed = deed(&event.name, &event.args).unwrap_or(Deed::Unknown);
        // Half of what an action did would be another action: the last one says that there is more.
        match actions[at].changes.len() + 1 {
            ..MAX_DEEDS => actions[at].changes.push(deed.value()),
            MAX_DEEDS => actions[at].changes.push(Deed::Unknown.value()),
            _ => {}
        }
    }
    actions
}
