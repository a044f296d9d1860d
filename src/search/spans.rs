//! How many messages the index has of each span of time.
//!
//! Invariant: it only reads; messages that are gone do not count.

use rusqlite::params;

use super::Index;
use crate::store::StoreError;

impl Index {
    /// Messages of each `span` of seconds from `begin` on, before `end` (Unix seconds).
    ///
    /// # Errors
    /// When the database refuses.
    pub fn spans(&self, begin: i64, end: i64, span: i64) -> Result<Vec<u64>, StoreError> {
        let span = span.max(1);
        let count = usize::try_from((end - begin).max(0) / span).unwrap_or(0);
        let mut spans = vec![0; count];
        let sql = "SELECT (date - ?1) / ?3, count(*) FROM message
                   WHERE gone = 0 AND date >= ?1 AND date < ?2 GROUP BY 1";
        let mut statement = self.db.sql().prepare(sql)?;
        let mut rows = statement.query(params![begin, end, span])?;
        while let Some(row) = rows.next()? {
            let at = usize::try_from(row.get::<_, i64>(0)?).ok();
            if let Some(found) = at.and_then(|at| spans.get_mut(at)) {
                *found = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
            }
        }
        Ok(spans)
    }
}
