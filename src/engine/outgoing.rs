//! What a device offers, and what of it has to wait.
//!
//! Invariant: nothing is sent that is not on disk, with the epoch in which it is first offered; at
//! most one unacknowledged push a store, from its oldest pending event on; what an action does to a
//! store is in one frame.

use std::collections::{BTreeMap, BTreeSet};

use crate::crash::{self, Broken};
use crate::engine::{Device, EngineError};
use crate::id::{ActionId, Epoch, StoreId};
use crate::limits::PUSH_EVENTS;
use crate::notice::Explain as _;
use crate::store::{NewEvent, Own, OwnEvent};
use crate::sync::{Frame, StorePush};

/// What goes in one frame.
#[derive(Default)]
struct Gathered {
    /// Of each store whether it comes back, and its events with their numbers here.
    stores: BTreeMap<StoreId, (bool, Vec<(i64, NewEvent)>)>,
    /// The numbers of those that were never offered.
    new: Vec<i64>,
    /// Whether there is more than one frame takes.
    more: bool,
}

impl Gathered {
    /// Takes the last events of a store out again as far as they are of this action; how many.
    fn leave(&mut self, store: &StoreId, action: Option<&ActionId>) -> usize {
        let Some((_, events)) = self.stores.get_mut(store) else { return 0 };
        let mine = |(_, event): &&(i64, NewEvent)| {
            action.is_some() && event.action.as_ref().map(|action| &action.id) == action
        };
        let left = events.iter().rev().take_while(mine).count();
        let left = events.split_off(events.len() - left);
        if events.is_empty() {
            self.stores.remove(store);
        }
        self.new.retain(|new| left.iter().all(|(seq, _)| seq != new));
        left.len()
    }
}

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
        let Gathered { stores, new, more } = self.gather(&epoch)?;
        if !new.is_empty() && !crash::broken(Broken::EpochAfterOffer) {
            self.begin_full()?;
            if let Err(error) = Own::offered(&self.db, &new, &epoch) {
                self.db.rollback();
                self.lost = Some(error.notice());
                return Err(error.into());
            }
            self.commit()?;
            if self.unsynced().is_some() {
                // The epoch is written down and not yet on disk: the events leave when it is.
                return Ok(std::mem::take(&mut self.wanted));
            }
        }
        self.unsent = more;
        let mut frames = std::mem::take(&mut self.wanted);
        if !stores.is_empty() {
            self.in_flight.extend(stores.keys().cloned());
            for (store, (_, events)) in &stores {
                let ids = events.iter().map(|(_, event)| event.id.clone());
                self.sent.insert(store.clone(), ids.collect());
            }
            let stores = stores.into_iter();
            let stores = stores.map(|(store, (again, events))| {
                let (expect, events) = (None, events.into_iter().map(|(_, event)| event).collect());
                StorePush { store, expect, events, again }
            });
            frames.push(Frame::Push { stores: stores.collect() });
        }
        Ok(frames)
    }

    /// Gathers the pending events that may go, in the order in which they were decided.
    fn gather(&mut self, epoch: &Epoch) -> Result<Gathered, EngineError> {
        let mut last_of = None;
        let mut frame = Gathered::default();
        let mut later: BTreeSet<StoreId> = BTreeSet::new();
        let (mut after, mut count) = (0, 0);
        loop {
            let pending = Own::pending(&self.db, after, PUSH_EVENTS)?;
            let Some(last) = pending.last() else { return Ok(frame) };
            after = last.seq;
            let fresh = |own: &OwnEvent| own.offered.is_none();
            let later_first = crash::broken(Broken::LaterFirst) && pending.iter().any(fresh);
            frame.more |= later_first;
            for own in pending {
                let comes_back = frame.stores.get(&own.store).map(|(again, _)| *again);
                let waits = self.has_to_wait(&own, comes_back, &mut later)?;
                // What an action does to one store is in one frame: a batch that names the action
                // says that all of it is there. So what is before one that waits, waits with it.
                let action = own.action.as_ref().map(|action| action.id.clone());
                if waits {
                    count -= frame.leave(&own.store, action.as_ref());
                }
                if waits || (later_first && !fresh(&own)) {
                    continue;
                }
                if count >= PUSH_EVENTS && last_of != Some((own.store.clone(), action.clone())) {
                    frame.more = true;
                    return Ok(frame);
                }
                last_of = Some((own.store.clone(), action));
                if own.offered.is_none() {
                    frame.new.push(own.seq);
                }
                let of = frame.stores.entry(own.store.clone()).or_insert((own.again, Vec::new()));
                of.1.push((own.seq, own.offer(&self.id, epoch)));
                count += 1;
            }
        }
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
