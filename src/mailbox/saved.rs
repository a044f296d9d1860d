//! Saved searches: a query under a name, the same on every device.
//!
//! Invariant: what is saved is the fold of all that was written of it, without the events of undone
//! actions, as labels are; its events lie among those of labels, under ids that no label has. A
//! query is kept as it was typed: what it means is not known here.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::label_log::{Write, add_own, writes};
use crate::id::{ActionId, LabelId, base32};
use crate::label::{clean_name, folded};
use crate::mailbox::event::MailboxEvent;
use crate::store::{Db, OwnEvent, StoreError};

/// The longest query that is saved, in bytes.
pub const MAX_SAVED_QUERY_BYTES: usize = 4 * 1024;
/// What the ids of saved searches begin with; no label's does.
const PREFIX: &str = "_s_";
/// What is behind all of them in the order of ids.
const BEHIND: &str = "_s`";
/// Saved searches that are read, at most; devices write fewer.
const MOST_READ: i64 = 1_000;

/// `v1.SearchSaved`: one that is there asks this from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchSaved {
    /// Its id.
    pub id: LabelId,
    /// Its name.
    pub name: String,
    /// What it asks, as typed.
    pub query: String,
}

/// `v1.SearchRemoved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchRemoved {
    /// Its id.
    pub id: LabelId,
    /// Its name, for who reads the history.
    pub name: String,
}

impl SearchSaved {
    /// Whether it is one that a device may have written.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let fits = self.query.len() <= MAX_SAVED_QUERY_BYTES && clean_name(&self.name).is_some();
        fits && self.id.as_str().starts_with(PREFIX)
    }
}

impl SearchRemoved {
    /// Whether it is one that a device may have written.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.id.as_str().starts_with(PREFIX)
    }
}

/// A saved search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its id.
    pub id: LabelId,
    /// Its name.
    pub name: String,
    /// What it asks, one line.
    pub query: String,
}

/// The id of the search that is saved under `name`: the same on every device, so that two that
/// save one offline save the same.
///
/// # Panics
/// Never: base 32 holds only characters of the id alphabet.
#[must_use]
#[expect(clippy::expect_used, reason = "base 32 holds only characters of the id alphabet")]
pub fn saved_id(name: &str) -> LabelId {
    let hash = blake3::hash(folded(name).as_bytes());
    let id = format!("{PREFIX}{}", base32(hash.as_bytes(), 16));
    LabelId::try_from(id).expect("invariant: a hash is a valid id")
}

/// What is saved after `writes`, in order: its name and what it asks.
fn fold(writes: &[Write], undone: &BTreeSet<ActionId>) -> Option<(String, String)> {
    let mut state = None;
    for write in writes {
        if write.action.as_ref().is_some_and(|id| undone.contains(id)) {
            continue;
        }
        match &write.event {
            MailboxEvent::SearchSaved(saved) => {
                let query = crate::safe_text::line(&saved.query);
                state = clean_name(&saved.name).map(|name| (name, query));
            }
            MailboxEvent::SearchRemoved(_) => state = None,
            _ => {}
        }
    }
    state
}

/// The saved searches in the order of their names: the log's, and what `own` events change.
///
/// # Errors
/// When the database refuses.
pub fn saved(db: &Db, own: &[OwnEvent]) -> Result<Vec<Saved>, StoreError> {
    let mut ids = BTreeSet::new();
    let mut find = db.sql().prepare_cached(
        "SELECT DISTINCT label FROM labelEvents WHERE label >= ?1 AND label < ?2 LIMIT ?3",
    )?;
    let mut rows = find.query(rusqlite::params![PREFIX, BEHIND, MOST_READ])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        ids.extend(LabelId::try_from(id));
    }
    for event in own {
        let read = MailboxEvent::read(&event.name, &event.args);
        let id = read.as_ref().and_then(MailboxEvent::label).cloned();
        ids.extend(id.filter(|id| id.as_str().starts_with(PREFIX)));
    }
    let mut all = Vec::new();
    for id in ids {
        let (mut writes, mut undone) = writes(db, &id)?;
        add_own(own, &id, &mut writes, &mut undone);
        if let Some((name, query)) = fold(&writes, &undone) {
            all.push(Saved { id, name, query });
        }
    }
    all.sort_by_cached_key(|saved| (folded(&saved.name), saved.id.clone()));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x+q` saves `q` in action x, `x-` removes.
    fn check(story: &str, undone: &str, wanted: Option<&str>) {
        let id = saved_id("Bills");
        let writes: Vec<Write> = story
            .split_whitespace()
            .map(|word| {
                let (action, what) = word.split_at(1);
                let (id, name) = (id.clone(), "Bills".to_owned());
                let event = match what.strip_prefix('+') {
                    Some(query) => {
                        let query = query.to_owned();
                        MailboxEvent::SearchSaved(SearchSaved { id, name, query })
                    }
                    None => MailboxEvent::SearchRemoved(SearchRemoved { id, name }),
                };
                Write { action: ActionId::try_from(action).ok(), event }
            })
            .collect();
        let undone = undone.split_whitespace().map(|id| ActionId::try_from(id).unwrap()).collect();
        let found = fold(&writes, &undone).map(|(_, query)| query);
        assert_eq!(found.as_deref(), wanted, "{story}");
    }

    #[test]
    fn the_last_that_stands_counts() {
        check("", "", None);
        check("a+x", "", Some("x"));
        check("a+x b+y", "", Some("y"));
        check("a+x b+y", "b", Some("x"));
        check("a+x b-", "", None);
        check("a+x b-", "b", Some("x"));
        check("a+x b- c+z", "a", Some("z"));
    }

    #[test]
    fn its_id_is_no_labels_and_what_is_not_sound_is_nothing() {
        assert_eq!(saved_id("Bills"), saved_id(" bILLS "));
        assert!(crate::label::user_label("_s_x").as_str().starts_with("l_"));
        let sound = |id: &str, name: &str, bytes: usize| {
            let id = LabelId::try_from(id).unwrap();
            SearchSaved { id, name: name.to_owned(), query: "x".repeat(bytes) }.is_sound()
        };
        assert!(sound("_s_a", "A", MAX_SAVED_QUERY_BYTES));
        assert!(!sound("_s_a", "A", MAX_SAVED_QUERY_BYTES + 1));
        assert!(!sound("work", "A", 1) && !sound("_s_a", " \n ", 1));
    }
}
