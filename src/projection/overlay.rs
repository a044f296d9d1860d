//! What a device shows of its own events until the watermark passes them: the thread's fold over
//! the row's trail.
//!
//! Invariant: for every intent, the overlay of its events on the row before is the row after.

use crate::id::{DeviceId, Seen};
use crate::mailbox::{Shown, ThreadRow};
use crate::projection::snapshot::shown;
use crate::store::{NewEvent, OwnEvent};
use crate::thread::{Entry, Epochs, Trail, What};

/// Own events as entries over a log that is known up to `here`, with the epochs that it tells of;
/// those that it holds already are left out.
///
/// The marker of an epoch is appended to a log with the first event of that epoch: until then it is
/// not in the log, and stands where the log ends.
#[must_use]
pub fn entries(
    own: &[OwnEvent],
    device: &DeviceId,
    epochs: &Epochs,
    here: Option<&Seen>,
) -> Vec<Entry> {
    let known = here.map_or(0, |here| here.position);
    let epochs = here.map_or_else(|| epochs.clone(), |here| epochs.ahead(here));
    own.iter()
        .filter(|event| event.position.is_none_or(|position| position > known))
        .filter_map(|event| {
            let offered = NewEvent {
                id: event.id.clone(),
                name: event.name.clone(),
                args: event.args.clone(),
                device: event.device.as_ref().unwrap_or(device).clone(),
                action: event.action.clone(),
                epoch: crate::id::Epoch::try_from("own").ok()?,
            };
            Entry::of(&offered, None, &epochs)
        })
        // A message that is offered again has no place among the others before the backend says so.
        .filter(|entry| !matches!(entry.what, What::Message { .. }))
        .collect()
}

/// What to show instead of the confirmed row, which has taken the log in up to `here`; `None` when
/// own events change nothing.
#[must_use]
pub fn overlay(
    row: &ThreadRow,
    own: &[OwnEvent],
    device: &DeviceId,
    here: Option<&Seen>,
) -> Option<Shown> {
    if own.is_empty() {
        return None;
    }
    let trail: Trail = serde_json::from_str(&row.trail).unwrap_or_default();
    let own = entries(own, device, &trail.base.epochs, here);
    if own.is_empty() {
        return None;
    }
    let after = shown(&trail.with(&own));
    (after != row.shown).then_some(after)
}
