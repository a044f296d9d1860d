//! What a device holds of a log that is damaged at its backend.
//!
//! Invariant: it gives what fits the chain of its own log, behind where both are the same, and
//! keeps it; nothing here is changed, and nothing is remembered.

use crate::engine::Device;
use crate::id::StoreId;
use crate::limits::{PAGE_BYTES, PAGE_EVENTS};
use crate::store::{Head, Log, StoreError};
use crate::sync::Frame;

impl Device {
    /// The backend's log is what was written to it up to here, and not behind it.
    pub(super) fn lacks(&mut self, store: &StoreId, at: Head) -> Result<(), StoreError> {
        let Some(kept) = self.kept.as_ref().filter(|_| store.as_thread().is_some()) else {
            return Ok(());
        };
        if Log::chain_at(kept, store, at.position)? != Some(at.chain) {
            return Ok(());
        }
        let held = match Log::checked(kept, store, at.position, PAGE_EVENTS, PAGE_BYTES) {
            // It is fetched again, from where it is whole.
            Err(StoreError::Broken { .. }) => return Ok(()),
            held => held?.0,
        };
        if !held.is_empty() {
            let events = held.into_iter().map(|event| event.event).collect();
            self.want(Frame::Mend { store: store.clone(), after: at.position, events });
        }
        Ok(())
    }
}
