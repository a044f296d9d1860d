//! Where a server said otherwise than what was done here and not written yet, and what stands.
//!
//! Invariant: nothing of a message is in it: places and the conversation's id. It is bounded, the
//! oldest go, and it changes in the transaction that decides.

use rusqlite::params;

use crate::id::ThreadId;
use crate::imap::Conflict;
use crate::label::Place;
use crate::store::{Db, StoreError};

/// How many are kept of one account.
pub(super) const MOST: i64 = 50;

/// The table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conflicts;

impl Conflicts {
    /// The table.
    pub(crate) const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS edgeConflicts(
            id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, thread TEXT NOT NULL,
            at INTEGER NOT NULL, here TEXT NOT NULL, there TEXT);
        CREATE INDEX IF NOT EXISTS edgeConflicts_account ON edgeConflicts(account, id);
    ";

    /// Remembers one.
    pub(crate) fn note(
        db: &Db,
        account: &str,
        thread: &ThreadId,
        (here, there): (Place, Option<Place>),
        at: i64,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO edgeConflicts(account, thread, at, here, there)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let there = there.map(Place::as_str);
        let of = params![account, thread.as_str(), at, here.as_str(), there];
        db.sql().prepare_cached(sql)?.execute(of)?;
        let sql = "DELETE FROM edgeConflicts WHERE account = ?1 AND id <= (
                   SELECT id FROM edgeConflicts WHERE account = ?1
                   ORDER BY id DESC LIMIT 1 OFFSET ?2)";
        db.sql().prepare_cached(sql)?.execute(params![account, MOST])?;
        Ok(())
    }

    /// Those of an account, the newest last.
    pub(crate) fn of(db: &Db, account: &str) -> Result<Vec<Conflict>, StoreError> {
        // A directory that an earlier version wrote, opened for reading, has no such table.
        let there = "SELECT 1 FROM sqlite_master WHERE name = 'edgeConflicts'";
        if !db.sql().prepare_cached(there)?.exists([])? {
            return Ok(Vec::new());
        }
        let sql = "SELECT thread, at, here, there FROM edgeConflicts WHERE account = ?1
                   ORDER BY id";
        let mut statement = db.sql().prepare_cached(sql)?;
        let mut rows = statement.query([account])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let place = |text: String| Place::parse(&text);
            let thread = ThreadId::try_from(row.get::<_, String>(0)?);
            let Some((thread, here)) = thread.ok().zip(place(row.get(2)?)) else { continue };
            let there = row.get::<_, Option<String>>(3)?.and_then(place);
            all.push(Conflict { thread, at: row.get(1)?, here, there });
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_each_account_are_kept() {
        let db = Db::memory(Conflicts::SQL).unwrap();
        let thread = ThreadId::try_from("aaaaaaaa").unwrap();
        for at in 0..MOST + 3 {
            let what = (Place::Archive, Some(Place::Trash));
            Conflicts::note(&db, "ann", &thread, what, at).unwrap();
            Conflicts::note(&db, "bob", &thread, (Place::Inbox, None), at).unwrap();
        }
        for account in ["ann", "bob"] {
            let all = Conflicts::of(&db, account).unwrap();
            let times: Vec<i64> = all.iter().map(|one| one.at).collect();
            assert_eq!(times, (3..MOST + 3).collect::<Vec<_>>(), "{account}");
        }
        assert_eq!(Conflicts::of(&db, "bob").unwrap()[0].there, None);
        assert_eq!(Conflicts::of(&Db::memory("").unwrap(), "ann").unwrap(), []);
    }
}
