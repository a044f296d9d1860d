//! How the user has divided the screen on this device, so that it is so again the next time.
//!
//! Invariant: as with what was searched: it never leaves the device, and what another program wrote
//! there is bounded before it is believed.

use serde::{Deserialize, Serialize};

use crate::engine::{Device, EngineError};
use crate::store::Own;

/// Where they are kept among a file's settings.
const SETTING: &str = "sizes";
/// The most columns or rows of a part.
const MOST: u16 = 1_000;

/// Columns and rows of the parts of the screen; 0 is what suits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sizes {
    /// Columns of the lists at the left.
    pub sidebar: u16,
    /// Columns of the list beside a conversation.
    pub list: u16,
    /// Rows of the list above one.
    pub above: u16,
}

impl Sizes {
    fn bounded(self) -> Self {
        let part = |size: u16| size.min(MOST);
        Self { sidebar: part(self.sidebar), list: part(self.list), above: part(self.above) }
    }
}

impl Device {
    /// How the screen was divided the last time. It is a convenience: what cannot be read is none.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        let text = Own::setting(&self.db, SETTING).ok().flatten().unwrap_or_default();
        serde_json::from_str::<Sizes>(&text).unwrap_or_default().bounded()
    }

    /// Remembers it; the caller commits.
    pub(super) fn remember_sizes(&mut self, sizes: Sizes) -> Result<(), EngineError> {
        if sizes.bounded() != self.sizes() {
            self.begin_full()?;
            let text = serde_json::to_string(&sizes.bounded()).unwrap_or_default();
            Own::set(&self.db, SETTING, &text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_program_wrote_is_bounded() {
        for (text, sizes) in [
            ("{}", Sizes::default()),
            (r#"{"list":60,"more":1}"#, Sizes { list: 60, ..Sizes::default() }),
            (r#"{"above":65535}"#, Sizes { above: MOST, ..Sizes::default() }),
            (r#"{"above":-1}"#, Sizes::default()),
            ("", Sizes::default()),
        ] {
            let read = serde_json::from_str::<Sizes>(text).unwrap_or_default();
            assert_eq!(read.bounded(), sizes, "{text}");
        }
    }
}
