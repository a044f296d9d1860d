//! Search: what the index finds, as the rows that this device shows.
//!
//! Invariant: labels and places are asked of the rows as shown, own changes included; what is in no
//! row is not found. This file must not know what a word is.

use std::collections::HashMap;

use crate::engine::view::Row;
use crate::engine::views::{Renamed, merge};
use crate::engine::{Device, EngineError};
use crate::id::{LabelId, ThreadId};
use crate::mailbox::{self, Conversations};
use crate::search::query::{is_label, is_virtual, nearest_label};
use crate::search::{Ask, Hit, Index, Names, Query, Rows, Test};
use crate::store::StoreError;

/// The rows of a device, as a search asks for them.
struct Asked<'a> {
    device: &'a Device,
    conversations: Conversations<'a>,
    /// Labels that rows show otherwise.
    renamed: Renamed,
    /// Rows that were read, by root.
    read: HashMap<ThreadId, Row>,
    /// Threads of those of several, with their roots: messages of one conversation answer together.
    joined: HashMap<ThreadId, ThreadId>,
}

impl Names for Asked<'_> {
    fn labels(&mut self, name: &str) -> Vec<LabelId> {
        self.device.labels_called(name)
    }

    fn account(&mut self, name: &str) -> Vec<ThreadId> {
        self.device.of_account(name).unwrap_or_default()
    }
}

impl Rows for Asked<'_> {
    fn shown(&mut self, thread: &ThreadId) -> Result<Option<(ThreadId, Vec<LabelId>)>, StoreError> {
        self.shown_in(thread, &[])
    }

    fn shown_in(
        &mut self,
        thread: &ThreadId,
        lists: &[Vec<LabelId>],
    ) -> Result<Option<(ThreadId, Vec<LabelId>)>, StoreError> {
        if let Some(row) = self.joined.get(thread).and_then(|root| self.read.get(root)) {
            return Ok(Some((row.thread.clone(), row.labels.clone())));
        }
        // Most of what is not to be shown is thrown away; its row need not be read.
        let passing = lists.iter().any(|list| list.iter().all(is_in_sight));
        let members = self.conversations.showing(thread, passing)?;
        let ids = members.iter().map(|member| member.row.id.clone());
        let joined: Vec<ThreadId> = if members.len() > 1 { ids.collect() } else { Vec::new() };
        let row = merge(members, &self.renamed);
        Ok(row.map(|row| {
            self.joined.extend(joined.into_iter().map(|thread| (thread, row.thread.clone())));
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

/// Whether nothing that is thrown away, or spam, is in this list.
fn is_in_sight(list: &LabelId) -> bool {
    ["inbox", "archive", "snoozed"].contains(&list.as_str())
}

impl Device {
    /// The conversations that answer, in the order that is asked for; fewer when `go_on` says no
    /// meanwhile. They are there to be shown, and have no members that anything could be done to.
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
        if !self.accounts_missing(ask.query).is_empty() {
            return Ok((Vec::new(), HashMap::new())); // what is not in it is not known either
        }
        // One moment, and one lock of the file instead of one for each row.
        let _still = self.db.still()?;
        let renamed = mailbox::renamed_in_rows(&self.db)?;
        let conversations = Conversations::to_show(&self.db)?;
        let (read, joined) = (HashMap::new(), HashMap::new());
        let mut asked = Asked { device: self, conversations, renamed, read, joined };
        let hits = index.find(ask, &mut asked, go_on)?;
        Ok((hits, asked.read))
    }

    /// The labels that a name in a query means; a name that cannot be looked up is none.
    fn labels_called(&self, name: &str) -> Vec<LabelId> {
        if let Ok(Some(id)) = self.find_label(name) {
            return vec![id];
        }
        let all = self.labels().unwrap_or_default().into_iter();
        all.filter(|label| is_label(name, label.id.as_str(), &label.name))
            .map(|label| label.id)
            .collect()
    }

    /// The threads of an account; `None` where none is called so, or nobody here knows.
    fn of_account(&self, name: &str) -> Option<Vec<ThreadId>> {
        self.of_account.as_ref().and_then(|of| of(name))
    }

    /// The names of accounts in a query that no account has: what is asked by them finds nothing.
    #[must_use]
    pub fn accounts_missing(&self, query: &Query) -> Vec<String> {
        let mut named: Vec<String> = Vec::new();
        query.leaves(&mut |leaf, _| {
            if let Test::Account(name) = &leaf.test
                && !named.contains(name)
            {
                named.push(name.clone());
            }
        });
        named.retain(|name| self.of_account(name).is_none());
        named
    }

    /// The names of labels in a query that no label has, each with the nearest one there is: what
    /// is asked by them finds nothing.
    #[must_use]
    pub fn labels_missing(&self, query: &Query) -> Vec<(String, Option<String>)> {
        let mut named: Vec<String> = Vec::new();
        query.leaves(&mut |leaf, _| {
            if let Test::Label(name) = &leaf.test
                && !named.contains(name)
            {
                named.push(name.clone());
            }
        });
        named.retain(|name| !is_virtual(name) && self.labels_called(name).is_empty());
        if named.is_empty() {
            return Vec::new();
        }
        let all: Vec<String> =
            self.labels().unwrap_or_default().into_iter().map(|label| label.name).collect();
        let nearest = |name: &str| nearest_label(name, &all).map(str::to_owned);
        named.into_iter().map(|name| (name.clone(), nearest(&name))).collect()
    }
}
