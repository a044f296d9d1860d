//! What can be counted of rows: who wrote, when, how much.
//!
//! Invariant: it only reads, the newest rows first and so many at a time. Drafts, spam and trash do
//! not count, nor what shows nothing.

use rusqlite::params;

use crate::mail::Address;
use crate::store::{Db, StoreError};

/// What of a row can be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Who wrote, whoever wrote first first.
    pub people: Vec<Address>,
    /// When the first message came, Unix seconds.
    pub first: i64,
    /// When the last one came, or a snooze ended.
    pub last: i64,
    /// Messages.
    pub messages: u64,
    /// Whether mail of the user's own is in it.
    pub sent: bool,
}

/// Rows before the row with this number, the newest first, and the number to go on from; `None`
/// behind the last.
///
/// # Errors
/// When the database refuses.
pub fn counted(
    db: &Db,
    before: i64,
    most: usize,
) -> Result<(Vec<Counted>, Option<i64>), StoreError> {
    let sql = "SELECT rowid, participants, createdAt, lastActivity, messageCount, EXISTS(
                   SELECT 1 FROM threadLabels WHERE threadId = id AND labelId = 'sent'),
                   place IN ('spam', 'trash') OR id LIKE 'draft-%' OR NOT EXISTS(
                   SELECT 1 FROM threadLabels WHERE threadId = id)
               FROM threadIndex WHERE rowid < ?1 ORDER BY rowid DESC LIMIT ?2";
    let mut statement = db.sql().prepare_cached(sql)?;
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![before, limit])?;
    let (mut found, mut next) = (Vec::new(), None);
    while let Some(row) = rows.next()? {
        next = Some(row.get(0)?);
        if row.get::<_, bool>(6)? {
            continue;
        }
        let people: String = row.get(1)?;
        found.push(Counted {
            people: serde_json::from_str(&people).unwrap_or_default(),
            first: row.get(2)?,
            last: row.get(3)?,
            messages: u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0),
            sent: row.get(5)?,
        });
    }
    Ok((found, next))
}
