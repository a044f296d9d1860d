//! The rows of the Mailbox store, as a search of the backend asks for them.
//!
//! Invariant: labels and places are those that the backend's rows have; what is in no row is not
//! found. It reads only, and must not know what a word is.

use crate::backend::storage::Texts;
use crate::id::{LabelId, ThreadId};
use crate::label;
use crate::mailbox::{self, Conversations, Member, MemberRow};
use crate::search::query::is_label;
use crate::search::{Names, Rows};
use crate::store::{Db, StoreError};

/// Conversations as the backend shows them, of one moment of the file.
pub(super) struct Showing<'a> {
    db: &'a Db,
    conversations: Conversations<'a>,
    logs: &'a Texts,
}

impl<'a> Showing<'a> {
    /// Of a Mailbox store; [`Db::still`] holds its moment.
    pub(super) fn of(db: &'a Db, logs: &'a Texts) -> Result<Self, StoreError> {
        Ok(Self { db, conversations: Conversations::to_show(db)?, logs })
    }
}

impl Names for Showing<'_> {
    fn labels(&mut self, name: &str) -> Vec<LabelId> {
        if let Some(id) = label::system_id(&name.to_lowercase()) {
            return vec![id];
        }
        if let Ok(Some((id, _))) = mailbox::find_label(self.db, name) {
            return vec![id];
        }
        let all = mailbox::labels(self.db).unwrap_or_default().into_iter();
        let named = all.filter(|(id, known)| is_label(name, id.as_str(), known));
        named.map(|(id, _)| id).collect()
    }

    /// Accounts by their ids, which are made of their addresses.
    fn account(&mut self, name: &str) -> Vec<ThreadId> {
        let sign = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let begins: String = name.chars().map(sign).collect();
        let mut ids = self.logs.accounts().unwrap_or_default();
        let whole = ids.contains(&begins);
        ids.retain(|id| if whole { *id == begins } else { id.starts_with(&begins) });
        ids.iter().filter_map(|id| self.logs.of_account(id).ok()).flatten().collect()
    }
}

impl Rows for Showing<'_> {
    fn shown(&mut self, thread: &ThreadId) -> Result<Option<(ThreadId, Vec<LabelId>)>, StoreError> {
        let mut members = self.conversations.showing(thread, false)?;
        let rows: Vec<MemberRow> = members.iter_mut().map(Member::take_grouped).collect();
        Ok(mailbox::group(&rows).map(|row| (row.root, row.labels.into_iter().collect())))
    }

    /// A backend shows nobody a list, so it has no index of lists: each row is asked.
    fn few(&mut self, _: &[LabelId], _: usize) -> Result<Option<Vec<ThreadId>>, StoreError> {
        Ok(None)
    }
}
