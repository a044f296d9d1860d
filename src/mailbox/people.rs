//! Who was met in mail, row by row: for addresses that are being typed.
//!
//! Invariant: it only reads, the newest rows first and so many at a time; who is in spam or trash
//! was not met. The row of a draft names whom it is to.

use rusqlite::params;

use crate::mail::Address;
use crate::store::{Db, StoreError};

/// The people of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// Who wrote; of a draft, to whom it is.
    pub people: Vec<Address>,
    /// When last, Unix seconds.
    pub last: i64,
    /// Whether the user wrote in it.
    pub wrote: bool,
}

/// People of rows before the row with this number, the newest first, and the number to go on from;
/// `None` behind the last.
///
/// # Errors
/// When the database refuses.
pub fn met(db: &Db, before: i64, most: usize) -> Result<(Vec<Met>, Option<i64>), StoreError> {
    let sql = "SELECT rowid, id, participants, lastActivity, EXISTS(
                   SELECT 1 FROM threadLabels WHERE threadId = id AND labelId = 'sent'),
                   place IN ('spam', 'trash')
               FROM threadIndex WHERE rowid < ?1 ORDER BY rowid DESC LIMIT ?2";
    let mut statement = db.sql().prepare_cached(sql)?;
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![before, limit])?;
    let (mut found, mut next) = (Vec::new(), None);
    while let Some(row) = rows.next()? {
        next = Some(row.get(0)?);
        let (id, people): (String, String) = (row.get(1)?, row.get(2)?);
        if row.get::<_, bool>(5)? {
            continue;
        }
        let wrote = id.starts_with("draft-") || row.get(4)?;
        let people = serde_json::from_str(&people).unwrap_or_default();
        found.push(Met { people, last: row.get(3)?, wrote });
    }
    Ok((found, next))
}
