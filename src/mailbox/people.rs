//! Who was met in mail, row by row: for addresses that are being typed.
//!
//! Invariant: it only reads, the newest rows first and so many at a time; who is in spam or trash
//! was not met. The row of a draft names whom it is to, its trail to whom it went.

use rusqlite::params;

use crate::id::ThreadId;
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
    /// The thread, where mail of the user's own is in it.
    pub sent: Option<ThreadId>,
    /// The trail of the row of a draft: to whom it went is known by that.
    pub trail: Option<String>,
}

/// People of rows before the row with this number, the newest first, and the number to go on from;
/// `None` behind the last.
///
/// # Errors
/// When the database refuses.
pub fn met(db: &Db, before: i64, most: usize) -> Result<(Vec<Met>, Option<i64>), StoreError> {
    let sql = "SELECT rowid, id, participants, lastActivity, EXISTS(
                   SELECT 1 FROM threadLabels WHERE threadId = id AND labelId = 'sent'),
                   place IN ('spam', 'trash'), CASE WHEN id LIKE 'draft-%' THEN trail END
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
        let (sent, trail): (bool, Option<String>) = (row.get(4)?, row.get(6)?);
        let wrote = trail.is_some() || sent;
        let people = serde_json::from_str(&people).unwrap_or_default();
        let sent = ThreadId::try_from(id).ok().filter(|_| sent);
        found.push(Met { people, last: row.get(3)?, wrote, sent, trail });
    }
    Ok((found, next))
}
