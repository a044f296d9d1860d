//! What a device knows that is in no file, as text: a search through its states tells them apart by
//! it.
//!
//! Invariant: debug builds have it, and no user sees it; what only counts how often something was
//! done is left out.

use std::fmt::Write as _;

use crate::engine::Device;

impl Device {
    /// All that a restart would forget, but what changed since it was last asked.
    #[must_use]
    pub fn remembered(&self) -> String {
        let unsynced = self.unsynced().is_some();
        let mut text = format!(
            "{:?}",
            (
                (&self.ids, &self.epoch, &self.in_flight, &self.sent, &self.taken, self.misfits),
                (&self.held_back, self.unsent, unsynced, self.is_distrusted(), self.is_saving()),
                (&self.pinned, &self.keeper, &self.sending, &self.wanted, self.remote_head),
                (&self.boot, self.declined, &self.comparing, self.kept_disk.is_empty()),
                (&self.settled, &self.ingested, &self.purged, &self.joint),
            )
        );
        for (thread, open) in &self.open {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{thread:?}{open:?}");
        }
        for (hash, held) in &self.blobs {
            let _ = write!(text, "{hash:?}{held:?}");
        }
        text
    }
}
