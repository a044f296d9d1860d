//! What was searched on this device, so that it can be searched again.
//!
//! Invariant: it never leaves the device: it is a setting in its own file, which only its user
//! reads. The newest stand first, each once, and there are never more than a bound.

use crate::engine::{Device, EngineError};
use crate::store::Own;

/// Where they are kept among a file's settings.
const SETTING: &str = "searches";
/// Searches that are remembered.
const MOST: usize = 100;
/// The longest that is, in bytes.
const MAX_BYTES: usize = 1_024;

/// The list with one more, which stands first; `None` where nothing changes.
fn with(mut list: Vec<String>, text: &str) -> Option<Vec<String>> {
    let text = crate::safe_text::line(text).trim().to_owned();
    if text.is_empty() || text.len() > MAX_BYTES || list.first() == Some(&text) {
        return None;
    }
    list.retain(|known| *known != text);
    list.insert(0, text);
    list.truncate(MOST);
    Some(list)
}

impl Device {
    /// What was searched before, the newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn past_searches(&self) -> Result<Vec<String>, EngineError> {
        let text = Own::setting(&self.db, SETTING)?.unwrap_or_default();
        let list: Vec<String> = serde_json::from_str(&text).unwrap_or_default();
        // Another program may have written it.
        let fits = |text: &String| !text.is_empty() && text.len() <= MAX_BYTES;
        let list = list.iter().map(|text| crate::safe_text::line(text)).filter(fits);
        Ok(list.take(MOST).collect())
    }

    /// Remembers a search; the caller commits.
    pub(super) fn remember_search(&mut self, text: &str) -> Result<(), EngineError> {
        if let Some(list) = with(self.past_searches()?, text) {
            self.begin_full()?;
            Own::set(&self.db, SETTING, &serde_json::to_string(&list).unwrap_or_default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stand_first_each_once_and_not_without_end() {
        let mut list = Vec::new();
        for text in ["a", "b", "a", " a ", "", &"x".repeat(MAX_BYTES + 1), "c\u{1b}[2J"] {
            list = with(list.clone(), text).unwrap_or(list);
        }
        assert_eq!(list, ["c\u{fffd}[2J", "a", "b"]);
        for n in 0..2 * MOST {
            list = with(list, &n.to_string()).unwrap();
        }
        assert_eq!((list.len(), list[0].as_str()), (MOST, "199"));
    }
}
