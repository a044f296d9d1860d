//! How long messages waited for their answers, as the index has them.
//!
//! Invariant: it only reads, and keeps no more than so many waits. What counts is from whom a
//! message is and when it came, in the order of its conversation; copies count once.

use rusqlite::params;

use super::{Index, words};
use crate::store::StoreError;

/// Waits that are kept, each way.
const MAX_WAITS: usize = 200_000;

/// How long answers took, in seconds, in no order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waits {
    /// The user's to others.
    pub yours: Vec<i64>,
    /// Others' to the user.
    pub theirs: Vec<i64>,
}

impl Index {
    /// The waits in conversations in which `address` wrote: from a message of another to the next
    /// one of the address's, where that is the next message at all, and the other way round.
    /// Longer ones than `latest` seconds answer something else.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn waits(&self, address: &str, latest: i64) -> Result<Waits, StoreError> {
        let mut phrase = String::new();
        words::join(address, &mut phrase);
        if phrase.is_empty() {
            return Ok(Waits::default());
        }
        let asked = format!("sender : \"{}\"", phrase.replace('"', "\"\""));
        let sql = "WITH own(id) AS MATERIALIZED (SELECT rowid FROM words WHERE words MATCH ?1)
                   SELECT thread, min(date), max(id IN own) FROM message
                   WHERE gone = 0 AND thread IN (SELECT thread FROM message WHERE id IN own)
                   GROUP BY thread, name ORDER BY thread, 2, name";
        let mut statement = self.db.sql().prepare(sql)?;
        let mut rows = statement.query(params![asked])?;
        let mut waits = Waits::default();
        let mut last: Option<(i64, i64, bool)> = None;
        while let Some(row) = rows.next()? {
            let (thread, date, own): (i64, i64, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if let Some((before, since, was_own)) = last
                && before == thread
                && was_own != own
                && (0..=latest).contains(&date.saturating_sub(since))
            {
                let side = if own { &mut waits.yours } else { &mut waits.theirs };
                if side.len() < MAX_WAITS {
                    side.push(date - since);
                }
            }
            last = Some((thread, date, own));
        }
        Ok(waits)
    }
}
