//! Somebody to whom a message did not go, though it went to others.
//!
//! Invariant: what is kept is of bounded length, and safe to show.

use serde::{Deserialize, Serialize};

/// Somebody to whom a message did not go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedTo {
    /// The address.
    pub address: String,
    /// What the server said.
    pub reason: String,
    /// It was refused for now only, and is tried again by itself, for those alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retried: bool,
}

/// Characters of an address, and of a reason, that are kept.
const MAX_REFUSED_CHARS: usize = 320;

impl RefusedTo {
    /// One of bounded length, and safe to show.
    #[must_use]
    pub fn cut(&self) -> Self {
        let cut =
            |text: &str| crate::safe_text::line(text).chars().take(MAX_REFUSED_CHARS).collect();
        Self { address: cut(&self.address), reason: cut(&self.reason), retried: self.retried }
    }
}
