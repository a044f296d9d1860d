//! A row's trail: enough of a thread's log to show own events over the row without loading it.
//!
//! Invariant: the fold over a trail is the fold over the log it was cut from; with further entries
//! it is the fold over the log with those appended, but for an undo of an action whose events are
//! older than the trail (that shows when it is projected).

use serde::{Deserialize, Serialize};

use crate::limits::TRAIL_ENTRIES;
use crate::thread::Cells;
use crate::thread::fold::{Base, Entry, What, decide, last_keys, run};

/// A base and the last entries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trail {
    /// The cells before the entries.
    #[serde(rename = "b", default)]
    pub base: Base,
    /// The last entries of the log.
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
}

impl Trail {
    /// Cuts the trail of a whole log, and says the cells it yields.
    #[must_use]
    pub fn of(entries: &[Entry]) -> (Self, Cells) {
        let start = Base::default();
        let undone = decide(&start, entries, 0);
        // Messages before the first key can be undone by nobody: they go into the base.
        let first_key = entries
            .iter()
            .position(|entry| !matches!(entry.what, What::Message { .. }))
            .unwrap_or(entries.len());
        let cut = first_key.max(entries.len().saturating_sub(TRAIL_ENTRIES));
        let cells = run(&start, &entries[..cut], &undone);
        let trail = Self {
            base: Base { cells, undone, keys: last_keys(&entries[..cut]), ..Base::default() },
            entries: entries[cut..].to_vec(),
        };
        let cells = run(&trail.base, &trail.entries, &trail.base.undone);
        (trail, cells)
    }

    /// The cells with own entries on top; those that the trail holds already are left out.
    #[must_use]
    pub fn with(&self, own: &[Entry]) -> Cells {
        let known = |entry: &&Entry| !self.entries.iter().any(|held| held.id == entry.id);
        let mut entries = self.entries.clone();
        entries.extend(own.iter().filter(known).cloned());
        let undone = decide(&self.base, &entries, self.entries.len());
        run(&self.base, &entries, &undone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trails_of_before_are_read_and_written_as_they_were() {
        // As rows have them that were made before messages could be gone and snoozes run out.
        let text = concat!(
            r#"{"b":{"c":{"p":"inbox","z":9,"s":true,"r":[[1,2,1],[3,1,2]],"n":2}},"#,
            r#""e":[{"p":4,"i":"e","d":"d","a":"a","w":{"p":{"p":"archive","s":3}}},"#,
            r#"{"p":5,"i":"f","d":"mail-edge","w":{"f":{"p":1,"r":true}}},"#,
            r#"{"p":6,"i":"g","d":"d","a":"b","w":{"z":{"u":null,"s":18446744073709551615}}}]}"#,
        );
        let trail: Trail = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&trail).unwrap(), text);
        let cells = trail.with(&[]);
        assert_eq!((cells.messages(), cells.unread(), cells.is_gone()), (3, 1, false));
    }
}
