//! Conversations by what no list has in order: when their snooze ends, and those of which nothing
//! is left to show.
//!
//! Invariant: read from the confirmed rows alone.

use rusqlite::params;

use crate::id::ThreadId;
use crate::store::{Db, StoreError};

/// Makes the index by which [`snoozed_until`] finds what is due, where it is not there: only the
/// backend's store has it, whatever program made the file.
///
/// # Errors
/// When the database refuses.
pub fn index_snoozes(db: &Db) -> Result<(), StoreError> {
    db.sql().execute_batch(
        "CREATE INDEX IF NOT EXISTS threadIndex_snoozed ON threadIndex(snoozedUntil)
         WHERE snoozedUntil IS NOT NULL;",
    )?;
    Ok(())
}

/// The rows that are due.
const DUE: &str = "SELECT id FROM threadIndex
     WHERE snoozedUntil IS NOT NULL AND snoozedUntil <= ?1 ORDER BY snoozedUntil LIMIT ?2";

/// Threads whose rows sleep until `now` (Unix seconds) or before, the longest due first.
///
/// # Errors
/// When the database refuses.
pub fn snoozed_until(db: &Db, now: i64, most: usize) -> Result<Vec<ThreadId>, StoreError> {
    let mut statement = db.sql().prepare_cached(DUE)?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    ids(statement.query_map(params![now, most], |row| row.get(0))?)
}

/// Whether a conversation in the list of what is snoozed sleeps until `now` or before.
///
/// # Errors
/// When the database refuses.
pub fn has_overslept(db: &Db, now: i64) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM shown s JOIN threadIndex t ON t.id = s.thread
               WHERE s.label = 'snoozed' AND t.snoozedUntil <= ?1";
    Ok(db.sql().prepare(sql)?.exists([now])?)
}

/// The roots of conversations of which nothing is left to show: their rows are in no list, so all
/// rows are read.
///
/// # Errors
/// When the database refuses.
pub fn without_messages(db: &Db) -> Result<Vec<ThreadId>, StoreError> {
    let mut statement = db.sql().prepare(
        "SELECT DISTINCT root FROM threadIndex t WHERE messageCount = 0 AND NOT EXISTS (
             SELECT 1 FROM threadIndex m WHERE (m.id = t.root OR (m.root = t.root AND
                 m.root <> m.id)) AND m.messageCount > 0)",
    )?;
    ids(statement.query_map([], |row| row.get(0))?)
}

fn ids(
    rows: impl Iterator<Item = Result<String, rusqlite::Error>>,
) -> Result<Vec<ThreadId>, StoreError> {
    let mut ids = Vec::new();
    for id in rows {
        let id = ThreadId::try_from(id?);
        ids.push(id.map_err(|error| StoreError::Row(error.to_string()))?);
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::SQL;
    use crate::store::Log;

    #[test]
    fn what_is_due_is_found_by_its_index() {
        let db = Db::memory(&[Log::SQL, SQL].concat()).unwrap();
        index_snoozes(&db).unwrap();
        index_snoozes(&db).unwrap();
        let mut plan = db.sql().prepare(&format!("EXPLAIN QUERY PLAN {DUE}")).unwrap();
        let steps = plan.query_map([1, 1], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
        assert!(steps.len() == 1 && steps[0].contains("threadIndex_snoozed"), "{steps:?}");
    }
}
