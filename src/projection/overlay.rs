//! What a device shows of its own events until the watermark passes them: the thread's fold over
//! the row's trail.
//!
//! Invariant: for every intent, the overlay of its events on the row before is the row after.

use crate::id::DeviceId;
use crate::mailbox::{Shown, ThreadRow};
use crate::projection::snapshot::shown;
use crate::store::{NewEvent, OwnEvent};
use crate::thread::{Entry, Trail};

/// Own events as entries, those above `watermark` or without a position.
#[must_use]
pub fn entries(own: &[OwnEvent], device: &DeviceId, watermark: u64) -> Vec<Entry> {
    own.iter()
        .filter(|event| event.position.is_none_or(|position| position > watermark))
        .filter_map(|event| {
            let offered = NewEvent {
                id: event.id.clone(),
                name: event.name.clone(),
                args: event.args.clone(),
                device: device.clone(),
                action: event.action.clone(),
                epoch: crate::id::Epoch::try_from("own").ok()?,
            };
            Entry::of(&offered, None)
        })
        .collect()
}

/// What to show instead of the confirmed row; `None` when own events change nothing.
#[must_use]
pub fn overlay(row: &ThreadRow, own: &[Entry]) -> Option<Shown> {
    if own.is_empty() {
        return None;
    }
    let trail: Trail = serde_json::from_str(&row.trail).unwrap_or_default();
    let after = shown(&trail.with(own));
    (after != row.shown).then_some(after)
}
