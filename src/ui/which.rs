//! What may be pressed next, once a hand rests on a prefix.
//!
//! Invariant: it waits for nothing and changes nothing; whoever knows the keys never sees it.

use std::time::Duration;

use crate::ui::app::Model;

/// How long a prefix stands before what follows is shown, in milliseconds.
pub const AFTER_MS: i64 = 300;

/// Whether it is shown now.
#[must_use]
pub fn is_shown(model: &Model) -> bool {
    !model.keys.is_empty() && model.now_ms - model.keys_since >= AFTER_MS
}

/// How long until it is to be shown; `None` when it is, or nothing is pressed.
#[must_use]
pub fn wait(model: &Model) -> Option<Duration> {
    let left = AFTER_MS - (model.now_ms - model.keys_since);
    let waits = !model.keys.is_empty() && left > 0;
    waits.then(|| Duration::from_millis(left.min(AFTER_MS).unsigned_abs()))
}
