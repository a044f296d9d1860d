//! Search: what the index finds, as the rows that this device shows.
//!
//! Invariant: labels and places are asked of the rows as shown, own changes included; what is in no
//! row is not found. This file must not know what a word is.

use std::collections::HashMap;

use crate::engine::view::Row;
use crate::engine::{Device, EngineError};
use crate::id::{LabelId, ThreadId};
use crate::mailbox;
use crate::search::query::is_label;
use crate::search::{Ask, Hit, Index, Names, Rows};
use crate::store::StoreError;

/// The rows of a device, as a search asks for them.
struct Asked<'a> {
    device: &'a Device,
    /// Rows that were read, by root.
    read: HashMap<ThreadId, Row>,
}

impl Names for Asked<'_> {
    fn labels(&mut self, name: &str) -> Vec<LabelId> {
        // A name that cannot be looked up is none.
        if let Ok(Some(id)) = self.device.find_label(name) {
            return vec![id];
        }
        let all = self.device.labels().unwrap_or_default().into_iter();
        all.filter(|label| is_label(name, label.id.as_str(), &label.name))
            .map(|label| label.id)
            .collect()
    }
}

impl Rows for Asked<'_> {
    fn shown(&mut self, thread: &ThreadId) -> Result<Option<(ThreadId, Vec<LabelId>)>, StoreError> {
        let row = self.device.row(thread).map_err(|error| match error {
            EngineError::Store(error) => error,
            other => StoreError::Row(other.to_string()),
        })?;
        Ok(row.map(|row| {
            let shown = (row.thread.clone(), row.labels.clone());
            self.read.insert(row.thread.clone(), row);
            shown
        }))
    }

    fn few(&mut self, lists: &[LabelId], most: usize) -> Result<Option<Vec<ThreadId>>, StoreError> {
        let mut all = Vec::new();
        for list in lists {
            all.extend(mailbox::twins(&self.device.db, list)?);
        }
        mailbox::threads_in(&self.device.db, &all, most)
    }
}

impl Device {
    /// The conversations that answer, in the order that is asked for; fewer when `go_on` says no
    /// meanwhile.
    ///
    /// # Errors
    /// When a database refuses.
    pub fn find(
        &self,
        index: &Index,
        ask: &Ask<'_>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Vec<Row>, EngineError> {
        let (hits, mut rows) = self.hits(index, ask, go_on)?;
        Ok(hits.into_iter().filter_map(|hit| rows.remove(&hit.root)).collect())
    }

    /// The same as hits, with the rows that were read, by root.
    pub(super) fn hits(
        &self,
        index: &Index,
        ask: &Ask<'_>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(Vec<Hit>, HashMap<ThreadId, Row>), EngineError> {
        // One moment, and one lock of the file instead of one for each row.
        let _still = self.db.still()?;
        let mut asked = Asked { device: self, read: HashMap::new() };
        let hits = index.find(ask, &mut asked, go_on)?;
        Ok((hits, asked.read))
    }
}
