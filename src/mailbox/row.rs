//! A row of the thread index.

use std::collections::BTreeSet;

use rusqlite::Row;
use rusqlite::types::Type;
use serde::{Deserialize, Serialize};

use crate::id::{LabelId, ThreadId};
use crate::label::Place;
use crate::mail::Address;
use crate::store::StoreError;

/// What of a row keys change, and own events can cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Where it is.
    pub place: Place,
    /// Unix seconds until which it is hidden.
    pub snoozed_until: Option<i64>,
    /// Starred.
    pub starred: bool,
    /// Muted.
    pub muted: bool,
    /// Unread messages.
    pub unread_count: u64,
    /// All labels, places and derived ones included.
    pub labels: BTreeSet<LabelId>,
}

/// A row of `threadIndex` with its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadRow {
    /// The thread.
    pub id: ThreadId,
    /// The first message's subject.
    pub subject: Option<String>,
    /// Who wrote.
    pub participants: Vec<Address>,
    /// The newest message's beginning.
    pub snippet: String,
    /// Unix seconds.
    pub last_activity: i64,
    /// Unix seconds.
    pub created_at: i64,
    /// Messages.
    pub message_count: u64,
    /// Has an attachment.
    pub has_attachment: bool,
    /// What keys change.
    pub shown: Shown,
    /// The least id of its conversation.
    pub root: ThreadId,
    /// For the overlay; opaque here.
    pub trail: String,
}

impl ThreadRow {
    /// Whether it shows anything: a thread whose messages are all gone where they came from, and a
    /// draft that was sent, have no label.
    #[must_use]
    pub fn is_there(&self) -> bool {
        !self.shown.labels.is_empty()
    }
}

/// The columns that [`read`] expects, in order; behind them it expects the trail, or an empty text
/// for who does not need it.
pub(super) const COLUMNS: &str = "id, subject, participants, snippet, lastActivity, createdAt, \
     messageCount, unreadCount, starred, muted, hasAttachment, place, snoozedUntil, root";

/// How many they are with it: a statement's further columns come after them.
pub(super) const COUNT: usize = 15;

/// Where some of them stand.
pub(super) const ID: usize = 0;
pub(super) const PLACE: usize = 11;
pub(super) const ROOT: usize = 13;

/// A column's text, where it lies.
pub(super) fn text<'a>(row: &'a Row<'_>, at: usize) -> Result<&'a str, StoreError> {
    let wrong = |error| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error));
    Ok(row.get_ref(at)?.as_str().map_err(wrong)?)
}

/// Reads a row selected by [`COLUMNS`]; the labels are added by the caller.
pub(super) fn read(row: &Row<'_>) -> Result<ThreadRow, StoreError> {
    let bad = |error: crate::id::InvalidId| StoreError::Row(error.to_string());
    let count = |at| -> Result<u64, StoreError> {
        Ok(u64::try_from(row.get::<_, i64>(at)?).unwrap_or_default())
    };
    let id = ThreadId::try_from(text(row, ID)?).map_err(bad)?;
    let root = text(row, ROOT)?;
    // Most are their own, and share the text.
    let root = if root == id.as_str() { id.clone() } else { root.try_into().map_err(bad)? };
    Ok(ThreadRow {
        id,
        subject: row.get(1)?,
        participants: serde_json::from_str(text(row, 2)?).unwrap_or_default(),
        snippet: row.get(3)?,
        last_activity: row.get(4)?,
        created_at: row.get(5)?,
        message_count: count(6)?,
        has_attachment: row.get(10)?,
        shown: Shown {
            place: Place::parse(text(row, PLACE)?).unwrap_or(Place::Inbox),
            snoozed_until: row.get(12)?,
            starred: row.get(8)?,
            muted: row.get(9)?,
            unread_count: count(7)?,
            labels: BTreeSet::new(),
        },
        root,
        trail: row.get(14)?,
    })
}
