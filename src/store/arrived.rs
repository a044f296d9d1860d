//! What came to any log of a file after a row of it: how a reader beside the writer finds what is
//! new, with nothing written down for it.
//!
//! Invariant: rows are numbered in the order of their commits and no number is used again, so what
//! stands after a row that was read is all that came since, whichever program wrote it.

use rusqlite::{OptionalExtension as _, params};

use crate::id::StoreId;
use crate::store::log_row::args_of;
use crate::store::{Args, Db, Log, StoreError};

/// An event as it came.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Its row.
    pub row: i64,
    /// Its store.
    pub store: StoreId,
    /// Its name.
    pub name: String,
    /// Its arguments; `None` where they cannot be read.
    pub args: Option<Args>,
}

impl Log {
    /// Events of these names after a row, at most `most` and about `bytes` of arguments; and the
    /// row up to which that is all.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn arrived(
        db: &Db,
        after: i64,
        names: &[&str],
        most: usize,
        bytes: usize,
    ) -> Result<(Vec<Arrived>, i64), StoreError> {
        let _still = db.still()?;
        let through = Self::last_row(db)?.max(after);
        let mut statement = db.sql().prepare_cached(
            "SELECT e.gseq, s.id, e.name, e.args FROM eventlog e JOIN stores s ON s.key = e.store
             WHERE e.gseq > ?1 AND e.name IN (SELECT value FROM json_each(?2)) ORDER BY e.gseq",
        )?;
        let names = serde_json::to_string(names).unwrap_or_default();
        let mut rows = statement.query(params![after, names])?;
        let (mut arrived, mut size) = (Vec::<Arrived>::new(), 0);
        while let Some(row) = rows.next()? {
            if let Some(last) = arrived.last()
                && (arrived.len() >= most || size >= bytes)
            {
                let through = last.row;
                return Ok((arrived, through));
            }
            let store: String = row.get(1)?;
            let event = Arrived {
                row: row.get(0)?,
                store: StoreId::try_from(store)
                    .map_err(|error| StoreError::Row(error.to_string()))?,
                name: row.get(2)?,
                args: args_of(row, 3).ok(),
            };
            size += event.args.as_ref().map_or(0, |args| args.text().len());
            arrived.push(event);
        }
        Ok((arrived, through))
    }

    /// How many events of these names stand after a row, counted up to `most`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn arrived_count(
        db: &Db,
        after: i64,
        names: &[&str],
        most: usize,
    ) -> Result<usize, StoreError> {
        let sql = "SELECT count(*) FROM (SELECT 1 FROM eventlog WHERE gseq > ?1
                   AND name IN (SELECT value FROM json_each(?2)) LIMIT ?3)";
        let names = serde_json::to_string(names).unwrap_or_default();
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut statement = db.sql().prepare_cached(sql)?;
        let count: i64 = statement.query_row(params![after, names, most], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// The chain behind a row, which no other row has; `None` where it is gone or never was.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn mark_of_row(db: &Db, row: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement =
            db.sql().prepare_cached("SELECT chain FROM eventlog WHERE gseq = ?1")?;
        Ok(statement.query_row([row], |row| row.get(0)).optional()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::log::tests::{event, store};

    #[test]
    fn what_came_after_a_row_is_found_in_order_and_by_name() {
        let db = Db::memory(Log::SQL).unwrap();
        let (a, b) = (store("thread-aaaaaaaa"), store("thread-bbbbbbbb"));
        let other = crate::store::NewEvent { name: "v1.Other".to_owned(), ..event(2, "{}") };
        Log::append(&db, &a, &[event(1, "{}"), other]).unwrap();
        Log::append(&db, &b, &[event(3, "{}"), event(4, "{}")]).unwrap();
        let names = ["v1.Test"];
        let (found, through) = Log::arrived(&db, 0, &names, 9, usize::MAX).unwrap();
        let rows: Vec<i64> = found.iter().map(|arrived| arrived.row).collect();
        assert_eq!((rows, through), (vec![1, 3, 4], 4));
        let (found, through) = Log::arrived(&db, 1, &names, 1, usize::MAX).unwrap();
        assert_eq!((found[0].store.clone(), found.len(), through), (b, 1, 3));
        assert_eq!(Log::arrived_count(&db, 1, &names, 9).unwrap(), 2);
        assert_eq!(Log::arrived_count(&db, 1, &names, 1).unwrap(), 1);
        let (found, through) = Log::arrived(&db, 4, &names, 9, usize::MAX).unwrap();
        assert_eq!((found.len(), through), (0, 4));
        assert_ne!(Log::mark_of_row(&db, 3).unwrap(), Log::mark_of_row(&db, 4).unwrap());
        assert_eq!(Log::mark_of_row(&db, 5).unwrap(), None);
    }
}
