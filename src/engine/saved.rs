//! Saved searches on the device: what there is, one more, one less.
//!
//! Invariant: what is shown is the fold of the log's events and this device's own behind them; each
//! change is an action, which an undo takes back. What a query means is not asked here.

use crate::engine::view::Done;
use crate::engine::{Device, EngineError};
use crate::id::StoreId;
use crate::label::clean_name;
use crate::mailbox::{self, MAX_SAVED_QUERY_BYTES, SearchRemoved, SearchSaved, name, saved_id};
use crate::search::Named;
use crate::search::query::find_named;
use crate::store::{Args, Own};

/// Saved searches that a device makes at most.
const MOST_SAVED: usize = 200;

impl Device {
    /// The saved searches in the order of their names; own changes included.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn saved_searches(&self) -> Result<Vec<Named>, EngineError> {
        let own = Own::of(&self.db, &StoreId::mailbox())?;
        let saved = mailbox::saved(&self.db, &own)?.into_iter();
        Ok(saved.map(|one| Named { id: one.id, name: one.name, query: one.query }).collect())
    }

    pub(super) fn save_search(&mut self, text: &str, query: &str) -> Result<Done, EngineError> {
        let name = clean_name(text).ok_or(EngineError::NoSearchName)?;
        let query = crate::safe_text::line(query).trim().to_owned();
        if query.len() > MAX_SAVED_QUERY_BYTES {
            return Err(EngineError::LongSearch(query.len()));
        }
        let all = self.saved_searches()?;
        let id = saved_id(&name);
        let before = all.iter().find(|saved| saved.id == id);
        if before.is_some_and(|saved| saved.name == name && saved.query == query) {
            let says = format!("The search {name} is saved.");
            return Ok(Done { says, ..Done::default() });
        }
        if before.is_none() && all.len() >= MOST_SAVED {
            return Err(EngineError::ManySearches(MOST_SAVED));
        }
        let verb = if before.is_some() { "Changed" } else { "Saved" };
        let says = format!("{verb} the search {name}.");
        let action = self.action("save search");
        let saved = SearchSaved { id, name, query };
        self.add(&StoreId::mailbox(), name::SEARCH_SAVED, &Args::of(&saved), &action)?;
        Ok(Done { action: Some(action.id), says, ..Done::default() })
    }

    pub(super) fn remove_search(&mut self, text: &str) -> Result<Done, EngineError> {
        let all = self.saved_searches()?;
        let none = || EngineError::NoSearch(crate::safe_text::line(text));
        let found = find_named(text, &all).ok_or_else(none)?;
        let says = format!("Removed the saved search {}.", found.name);
        let gone = SearchRemoved { id: found.id.clone(), name: found.name.clone() };
        let action = self.action("remove search");
        self.add(&StoreId::mailbox(), name::SEARCH_REMOVED, &Args::of(&gone), &action)?;
        Ok(Done { action: Some(action.id), says, ..Done::default() })
    }
}
