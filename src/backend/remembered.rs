//! What a backend knows that is in no file, as text: a search through its states tells them apart
//! by it.
//!
//! Invariant: debug builds have it, and no user sees it.

use crate::backend::Backend;

impl Backend {
    /// All that a restart would forget.
    #[must_use]
    pub fn remembered(&self) -> String {
        format!("{self:?} {:?}", self.clients.positions())
    }
}
