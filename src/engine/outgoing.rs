//! What a device offers, and what of it has to wait.
//!
//! Invariant: nothing is sent that is not on disk, with the epoch in which it is first offered; at
//! most one unacknowledged push a store, from its oldest pending event on; what an action does to a
//! store is in one frame.

use std::collections::{BTreeMap, BTreeSet};

use crate::crash::{self, Broken};
use crate::engine::{Device, EngineError};
use crate::id::StoreId;
use crate::limits::PUSH_EVENTS;
use crate::store::{Own, OwnEvent};
use crate::sync::{Frame, StorePush};

impl Device {
    /// What to send now. The epoch in which an event is first offered is on disk before this
    /// returns; nothing is sent of an open transaction.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn outgoing(&mut self) -> Result<Vec<Frame>, EngineError> {
        let Some(epoch) = self.epoch.clone() else { return Ok(Vec::new()) };
        if self.db.is_open() {
            return Ok(Vec::new());
        }
        if !self.unsent || self.unsynced().is_some() {
            return Ok(std::mem::take(&mut self.wanted));
        }
        let (mut unsent, mut last_of) = (false, None);
        let mut stores: BTreeMap<StoreId, (bool, Vec<_>)> = BTreeMap::new();
        let mut later: BTreeSet<StoreId> = BTreeSet::new();
        let (mut after, mut count, mut new) = (0, 0, Vec::new());
        'pages: loop {
            let pending = Own::pending(&self.db, after, PUSH_EVENTS)?;
            let Some(last) = pending.last() else { break };
            after = last.seq;
            let fresh = |own: &OwnEvent| own.offered.is_none();
            let later_first = crash::broken(Broken::LaterFirst) && pending.iter().any(fresh);
            unsent |= later_first;
            for own in pending {
                let frame = stores.get(&own.store).map(|(again, _)| *again);
                let waits = self.has_to_wait(&own, frame, &mut later)?;
                if waits || (later_first && !fresh(&own)) {
                    continue;
                }
                // What an action does to one store is in one frame: a batch that names the action
                // says that all of it is there.
                let action = own.action.as_ref().map(|action| action.id.clone());
                if count >= PUSH_EVENTS && last_of != Some((own.store.clone(), action.clone())) {
                    unsent = true;
                    break 'pages;
                }
                last_of = Some((own.store.clone(), action));
                if own.offered.is_none() {
                    new.push(own.seq);
                }
                let of = stores.entry(own.store.clone()).or_insert((own.again, Vec::new()));
                of.1.push(own.offer(&self.id, &epoch));
                count += 1;
            }
        }
        if !new.is_empty() && !crash::broken(Broken::EpochAfterOffer) {
            self.begin_full()?;
            if let Err(error) = Own::offered(&self.db, &new, &epoch) {
                self.db.rollback();
                return Err(error.into());
            }
            self.commit()?;
            if self.unsynced().is_some() {
                // The epoch is written down and not yet on disk: the events leave when it is.
                return Ok(std::mem::take(&mut self.wanted));
            }
        }
        self.unsent = unsent;
        let mut frames = std::mem::take(&mut self.wanted);
        if !stores.is_empty() {
            self.in_flight.extend(stores.keys().cloned());
            for (store, (_, events)) in &stores {
                let ids = events.iter().map(|event| event.id.clone());
                self.sent.insert(store.clone(), ids.collect());
            }
            let stores = stores.into_iter();
            let stores = stores.map(|(store, (again, events))| {
                let expect = None;
                StorePush { store, expect, events, again }
            });
            frames.push(Frame::Push { stores: stores.collect() });
        }
        Ok(frames)
    }

    /// Whether a pending event cannot be sent now. What comes back has a right of its own, and goes
    /// before what is new: `frame` is of which kind its store's events in the frame are. Who ends
    /// what it waits for sees to it that it is sent then.
    fn has_to_wait(
        &mut self,
        own: &OwnEvent,
        frame: Option<bool>,
        later: &mut BTreeSet<StoreId>,
    ) -> Result<bool, EngineError> {
        if !self.comparing.may_push(&own.store) || later.contains(&own.store) {
            return Ok(true);
        }
        let other = frame.is_some_and(|again| again != own.again);
        let waits = other || self.in_flight.contains(&own.store) || self.waits_for_blobs(own)?;
        if waits {
            later.insert(own.store.clone());
            self.held_back.insert(own.store.clone());
        }
        Ok(waits)
    }
}
