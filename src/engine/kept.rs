//! What a device of a remote backend keeps on disk of conversations: logs, long texts, and which of
//! them may go.
//!
//! Invariant: a blob is on disk here only beside a kept log that names it, so that it goes with it;
//! what is kept is counted, and goes in the order in which it was used, the least recent first.
//! Only this file knows the tables.

use rusqlite::{OptionalExtension, params};

use crate::id::{BlobHash, StoreId, ThreadId};
use crate::store::{Blobs, Db, Event, Log, StoreError, Uploads};
use crate::thread::{name, named_blobs};

/// About what a row of a log takes beside its arguments, in bytes.
const ROW_BYTES: i64 = 200;
/// Pages that are given back to the system in one step.
const GIVE_BACK_PAGES: u32 = 256;

/// The tables; a namespace. `used` is Unix milliseconds: when it was opened last, or else when its
/// last message came. `whole`: the log reached the head that its row shows, and its texts are here.
pub(super) struct Kept;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct KeptSum {
    /// Thread logs.
    pub threads: u64,
    /// Those of them that are at the head, with their texts.
    pub whole: u64,
    /// Those that are pinned, here or not yet.
    pub pinned: u64,
    /// Bytes of logs and texts, about.
    pub bytes: u64,
}

impl Kept {
    pub(super) const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS keeping(
            thread TEXT PRIMARY KEY, used INTEGER NOT NULL DEFAULT 0,
            bytes INTEGER NOT NULL DEFAULT 0, opened INTEGER NOT NULL DEFAULT 0,
            pinned INTEGER NOT NULL DEFAULT 0, whole INTEGER NOT NULL DEFAULT 0,
            mark INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS keeping_used ON keeping(used) WHERE bytes > 0;
        CREATE INDEX IF NOT EXISTS keeping_stale ON keeping(thread) WHERE whole = 0;
        CREATE INDEX IF NOT EXISTS keeping_pinned ON keeping(thread) WHERE pinned = 1;
        CREATE TABLE IF NOT EXISTS named(
            thread TEXT NOT NULL, blob TEXT NOT NULL, body INTEGER NOT NULL,
            PRIMARY KEY(thread, blob)) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS named_blob ON named(blob);
    ";

    /// A log that is kept; `None` when it is not what was written to it.
    pub(super) fn log(db: &Db, store: &StoreId) -> Result<Option<Vec<Event>>, StoreError> {
        match Log::checked(db, store, 0, usize::MAX, usize::MAX) {
            Ok((events, ..)) => Ok(Some(events)),
            Err(StoreError::Broken { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Empties a damaged log: it is fetched again.
    pub(super) fn empty(db: &mut Db, thread: &ThreadId) -> Result<(), StoreError> {
        db.begin()?;
        Log::clear(db, &StoreId::thread(thread))?;
        Self::recount(db, thread)?;
        db.commit()
    }

    /// Counts the logs of an older format: they were opened.
    pub(super) fn upgrade(db: &Db) -> Result<(), StoreError> {
        for (store, _) in Log::stores(db)? {
            if let Some(thread) = store.as_thread() {
                Self::note(db, &thread, &Log::all(db, &store)?)?;
                Self::opened(db, &thread, 0)?;
            }
        }
        Ok(())
    }

    /// Lets the file become smaller; a file that was made otherwise is written anew, once.
    pub(super) fn make_shrinkable(db: &Db) -> Result<(), StoreError> {
        const INCREMENTAL: i64 = 2;
        let now = db.sql().pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i64>(0))?;
        if now != INCREMENTAL {
            db.sql().pragma_update(None, "auto_vacuum", INCREMENTAL)?;
            db.sql().execute_batch("VACUUM")?;
        }
        Ok(())
    }

    /// Gives some of the file's free pages back; whether there are more.
    pub(super) fn give_back(db: &Db) -> Result<bool, StoreError> {
        let free = || db.sql().pragma_query_value(None, "freelist_count", |row| row.get(0));
        let before: i64 = free()?;
        if before == 0 {
            return Ok(false);
        }
        db.sql().execute_batch(&format!("PRAGMA incremental_vacuum({GIVE_BACK_PAGES})"))?;
        let after: i64 = free()?;
        Ok(after > 0 && after < before)
    }

    /// Counts events that were put behind a kept log, and what they name.
    pub(super) fn note(db: &Db, thread: &ThreadId, events: &[Event]) -> Result<u64, StoreError> {
        let Some(first) = events.first() else { return Ok(0) };
        let sql = "SELECT coalesce(sum(length(args) + ?3), 0) FROM eventlog
                   WHERE store = (SELECT key FROM stores WHERE id = ?1) AND position >= ?2";
        let from = i64::try_from(first.position).unwrap_or(i64::MAX);
        let store = StoreId::thread(thread);
        let bytes: i64 = db
            .sql()
            .prepare_cached(sql)?
            .query_row(params![store.as_str(), from, ROW_BYTES], |row| row.get(0))?;
        Self::grew(db, thread, bytes)?;
        for event in events {
            let named = named_blobs(&event.event.name, &event.event.args);
            // The raw bytes come first, and are fetched when they are asked for.
            for (at, blob) in named.iter().enumerate() {
                let message = [name::MESSAGE_ADDED, name::MESSAGE_REPARSED];
                let body = at > 0 || !message.contains(&event.event.name.as_str());
                db.sql()
                    .prepare_cached("INSERT OR IGNORE INTO named VALUES (?1, ?2, ?3)")?
                    .execute(params![thread.as_str(), blob.as_str(), body])?;
            }
        }
        Ok(bytes.unsigned_abs())
    }

    fn grew(db: &Db, thread: &ThreadId, bytes: i64) -> Result<(), StoreError> {
        let sql = "INSERT INTO keeping(thread, bytes) VALUES (?1, ?2)
                   ON CONFLICT(thread) DO UPDATE SET bytes = bytes + excluded.bytes";
        db.sql().prepare_cached(sql)?.execute(params![thread.as_str(), bytes])?;
        Ok(())
    }

    /// A blob is here now: it counts for the first thread that names it; `false` when none does.
    pub(super) fn has_come(db: &Db, blob: &BlobHash) -> Result<bool, StoreError> {
        let Some(thread) = Self::naming(db, blob)?.into_iter().next() else { return Ok(false) };
        let size = i64::try_from(Blobs::size(db, blob)?.unwrap_or(0)).unwrap_or(i64::MAX);
        Self::grew(db, &thread, size)?;
        Ok(true)
    }

    /// The kept threads that name a blob.
    pub(super) fn naming(db: &Db, blob: &BlobHash) -> Result<Vec<ThreadId>, StoreError> {
        let sql = "SELECT thread FROM named WHERE blob = ?1 ORDER BY thread";
        threads(db, sql, params![blob.as_str()])
    }

    /// Texts that a kept thread names and that are not here.
    pub(super) fn missing(db: &Db, thread: &ThreadId) -> Result<Vec<BlobHash>, StoreError> {
        let sql = "SELECT blob FROM named WHERE thread = ?1 AND body = 1";
        let mut statement = db.sql().prepare_cached(sql)?;
        let rows = statement.query_map([thread.as_str()], |row| row.get::<_, String>(0))?;
        let mut missing = Vec::new();
        for row in rows {
            let hash = BlobHash::try_from(row?);
            let hash = hash.map_err(|error| StoreError::Row(error.to_string()))?;
            if Blobs::size(db, &hash)?.is_none() {
                missing.push(hash);
            }
        }
        Ok(missing)
    }

    /// The backend has no such blob: it is not waited for.
    pub(super) fn is_nowhere(db: &Db, blob: &BlobHash) -> Result<(), StoreError> {
        let sql = "UPDATE named SET body = 0 WHERE blob = ?1";
        db.sql().prepare_cached(sql)?.execute([blob.as_str()])?;
        Ok(())
    }

    /// A user has opened a thread.
    pub(super) fn opened(db: &Db, thread: &ThreadId, now_ms: i64) -> Result<(), StoreError> {
        let sql = "INSERT INTO keeping(thread, used, opened) VALUES (?1, ?2, 1)
                   ON CONFLICT(thread) DO UPDATE SET used = max(used, ?2), opened = 1";
        db.sql().prepare_cached(sql)?.execute(params![thread.as_str(), now_ms])?;
        Ok(())
    }

    /// A thread is wanted by the walk `mark`; its last message came at `used`, Unix milliseconds.
    /// Whether it is kept as a whole.
    pub(super) fn wanted(
        db: &Db,
        thread: &ThreadId,
        mark: i64,
        used: i64,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO keeping(thread, mark, used) VALUES (?1, ?2, ?3)
                   ON CONFLICT(thread) DO UPDATE SET mark = ?2, used = max(used, ?3)
                   RETURNING whole";
        let mut statement = db.sql().prepare_cached(sql)?;
        Ok(statement.query_row(params![thread.as_str(), mark, used], |row| row.get(0))?)
    }

    /// Whether a thread is kept whatever lists it is in: pinned, or with `opened` also opened.
    pub(super) fn is_chosen(db: &Db, thread: &ThreadId, opened: bool) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM keeping WHERE thread = ?1 AND (pinned = 1 OR (?2 AND opened = 1))";
        Ok(db.sql().prepare_cached(sql)?.exists(params![thread.as_str(), opened])?)
    }

    /// Pins a thread, or lets it go again.
    pub(super) fn pin(db: &Db, thread: &ThreadId, pinned: bool) -> Result<(), StoreError> {
        let sql = "INSERT INTO keeping(thread, pinned) VALUES (?1, ?2)
                   ON CONFLICT(thread) DO UPDATE SET pinned = ?2";
        db.sql().prepare_cached(sql)?.execute(params![thread.as_str(), pinned])?;
        Ok(())
    }

    /// Threads that are pinned.
    pub(super) fn pinned(db: &Db) -> Result<Vec<ThreadId>, StoreError> {
        threads(db, "SELECT thread FROM keeping WHERE pinned = 1 ORDER BY thread", [])
    }

    /// Says whether a thread's log is at the head, with its texts.
    pub(super) fn set_whole(db: &Db, thread: &ThreadId, whole: bool) -> Result<(), StoreError> {
        let sql = "UPDATE keeping SET whole = ?2 WHERE thread = ?1 AND whole <> ?2";
        db.sql().prepare_cached(sql)?.execute(params![thread.as_str(), whole])?;
        Ok(())
    }

    /// Whether a thread's log is here as a whole, with its texts.
    pub(super) fn is_whole(db: &Db, thread: &ThreadId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM keeping WHERE thread = ?1 AND whole = 1";
        Ok(db.sql().prepare_cached(sql)?.exists([thread.as_str()])?)
    }

    /// Threads after `after` that are kept and not whole, at most `most`, in order.
    pub(super) fn stale(db: &Db, after: &str, most: usize) -> Result<Vec<ThreadId>, StoreError> {
        let sql = "SELECT thread FROM keeping WHERE whole = 0 AND thread > ?1
                   AND (bytes > 0 OR pinned = 1) ORDER BY thread LIMIT ?2";
        threads(db, sql, params![after, i64::try_from(most).unwrap_or(i64::MAX)])
    }

    /// Threads after `after` that are kept, at most `most`, in order.
    pub(super) fn after(db: &Db, after: &str, most: usize) -> Result<Vec<ThreadId>, StoreError> {
        let sql = "SELECT thread FROM keeping WHERE thread > ?1 ORDER BY thread LIMIT ?2";
        threads(db, sql, params![after, i64::try_from(most).unwrap_or(i64::MAX)])
    }

    /// Threads after `after` that the walk `mark` did not want, at most `most`, in order; opened
    /// ones only with `opened` too.
    pub(super) fn unwanted(
        db: &Db,
        after: &str,
        mark: i64,
        opened: bool,
        most: usize,
    ) -> Result<Vec<ThreadId>, StoreError> {
        let sql = "SELECT thread FROM keeping WHERE thread > ?1 AND mark <> ?2 AND pinned = 0
                   AND opened <= ?3 ORDER BY thread LIMIT ?4";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        threads(db, sql, params![after, mark, opened, most])
    }

    /// Threads that may go, the least recently used first, after the `skip` first ones.
    pub(super) fn oldest(db: &Db, skip: usize, most: usize) -> Result<Vec<ThreadId>, StoreError> {
        let sql = "SELECT thread FROM keeping WHERE bytes > 0 AND pinned = 0
                   ORDER BY used, thread LIMIT ?2 OFFSET ?1";
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        threads(db, sql, params![number(skip), number(most)])
    }

    /// Since when the least recently used one that may go is not used, Unix milliseconds.
    pub(super) fn oldest_use(db: &Db) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT used FROM keeping WHERE bytes > 0 AND pinned = 0
                   ORDER BY used LIMIT 1";
        Ok(db.sql().prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?)
    }

    /// Takes a thread's log away, with the blobs that no other kept thread names. One that is
    /// pinned stays wanted.
    pub(super) fn drop(db: &Db, thread: &ThreadId) -> Result<(), StoreError> {
        let sql = "SELECT blob FROM named n WHERE thread = ?1 AND NOT EXISTS
                   (SELECT 1 FROM named o WHERE o.blob = n.blob AND o.thread <> ?1)";
        let mut statement = db.sql().prepare_cached(sql)?;
        let blobs = statement.query_map([thread.as_str()], |row| row.get::<_, String>(0))?;
        let blobs: Vec<String> = blobs.collect::<Result<_, _>>()?;
        for hash in blobs.into_iter().filter_map(|hash| BlobHash::try_from(hash).ok()) {
            Blobs::remove(db, &hash)?;
            Uploads::default().forget(db, &hash)?;
        }
        for sql in [
            "DELETE FROM named WHERE thread = ?1",
            "DELETE FROM keeping WHERE thread = ?1 AND pinned = 0",
            "UPDATE keeping SET bytes = 0, whole = 0 WHERE thread = ?1",
        ] {
            db.sql().prepare_cached(sql)?.execute([thread.as_str()])?;
        }
        Log::remove(db, &StoreId::thread(thread))
    }

    /// A log was cut: it is counted anew, and what is missing is fetched.
    pub(super) fn recount(db: &Db, thread: &ThreadId) -> Result<(), StoreError> {
        let sql = "UPDATE keeping SET whole = 0, bytes = (
                       SELECT coalesce(sum(length(args) + ?3), 0) FROM eventlog
                       WHERE store = (SELECT key FROM stores WHERE id = ?2))
                   WHERE thread = ?1";
        let store = StoreId::thread(thread);
        db.sql().prepare_cached(sql)?.execute(params![
            thread.as_str(),
            store.as_str(),
            ROW_BYTES
        ])?;
        Ok(())
    }

    /// The bytes of a thread.
    pub(super) fn bytes(db: &Db, thread: &ThreadId) -> Result<u64, StoreError> {
        let sql = "SELECT bytes FROM keeping WHERE thread = ?1";
        let mut statement = db.sql().prepare_cached(sql)?;
        let bytes = statement.query_row([thread.as_str()], |row| row.get::<_, i64>(0));
        Ok(bytes.optional()?.unwrap_or(0).unsigned_abs())
    }

    /// How much is kept.
    pub(super) fn sum(db: &Db) -> Result<KeptSum, StoreError> {
        let sql = "SELECT count(*) FILTER (WHERE bytes > 0), coalesce(sum(whole), 0),
                          coalesce(sum(pinned), 0), coalesce(sum(bytes), 0) FROM keeping";
        let sum = db.sql().prepare_cached(sql)?.query_row([], |row| {
            let number = |at| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)?.unsigned_abs());
            Ok(KeptSum {
                threads: number(0)?,
                whole: number(1)?,
                pinned: number(2)?,
                bytes: number(3)?,
            })
        })?;
        Ok(sum)
    }
}

fn threads(db: &Db, sql: &str, params: impl rusqlite::Params) -> Result<Vec<ThreadId>, StoreError> {
    let mut statement = db.sql().prepare_cached(sql)?;
    let rows = statement.query_map(params, |row| row.get::<_, String>(0))?;
    let mut threads = Vec::new();
    for row in rows {
        let thread = ThreadId::try_from(row?);
        threads.push(thread.map_err(|error| StoreError::Row(error.to_string()))?);
    }
    Ok(threads)
}
