//! The last save of each writing: what is offered once more, by a journal or an editor's file that
//! a killed program left, is known again.
//!
//! Invariant: it is written in the transaction of the save, so both are on disk or neither is. It
//! is a few settings of the device, the newest of them: what is older lies in no journal.

use serde::{Deserialize, Serialize};

use crate::engine::view::Wrote;
use crate::id::{EventId, ThreadId};
use crate::store::{Db, Own, StoreError};

/// How the names of these settings begin.
const PREFIX: &str = "written-";
/// How many are kept: more are open on no screen.
const KEPT: usize = 256;

/// The last save of a writing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    /// Its store.
    pub(super) thread: ThreadId,
    /// The save.
    pub(super) save: EventId,
    /// The hash of what was saved.
    text: String,
}

fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

impl Written {
    /// A save of `text`.
    pub(super) fn new(thread: &ThreadId, save: &EventId, text: &str) -> Self {
        Self { thread: thread.clone(), save: save.clone(), text: hash(text) }
    }

    /// The last one of a writing, if it is remembered.
    pub(super) fn last(db: &Db, slot: i64) -> Result<Option<Self>, StoreError> {
        let text = Own::setting(db, &format!("{PREFIX}{slot}"))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Whether this is the text that was saved.
    pub(super) fn is_of(&self, text: &str) -> bool {
        self.text == hash(text)
    }

    /// As an answer.
    pub(super) fn wrote(&self) -> Wrote {
        Wrote { thread: self.thread.clone(), event: self.save.clone() }
    }

    /// Remembers it.
    pub(super) fn keep(&self, db: &Db, slot: i64) -> Result<(), StoreError> {
        let text =
            serde_json::to_string(self).map_err(|error| StoreError::Row(error.to_string()))?;
        Own::set(db, &format!("{PREFIX}{slot}"), &text)?;
        Own::trim(db, PREFIX, KEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_remembered_and_nothing_else_goes() {
        let db = Db::memory(Own::SQL).unwrap();
        Own::set(&db, "last-id", "x").unwrap();
        let thread = ThreadId::of_draft(&[7; 13]);
        let written = |n: i64| {
            let save = EventId::try_from(format!("e{n}")).unwrap();
            Written::new(&thread, &save, &format!("text {n}"))
        };
        let last = i64::try_from(KEPT).unwrap() + 1;
        for slot in 0..=last {
            written(slot).keep(&db, slot).unwrap();
            // It is open all the time.
            written(slot).keep(&db, 0).unwrap();
        }
        for (slot, want) in
            [(0, Some(last)), (1, None), (2, None), (3, Some(3)), (last, Some(last))]
        {
            assert_eq!(Written::last(&db, slot).unwrap(), want.map(written), "{slot}");
        }
        assert!(written(3).is_of("text 3") && !written(3).is_of("text 4"));
        assert_eq!(Own::setting(&db, "last-id").unwrap().as_deref(), Some("x"));
    }
}
