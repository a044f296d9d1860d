//! How many events name each blob: counted when one is appended or goes, and anew from the logs.
//!
//! Invariant: the count that a blob keeps is the number of events in the logs that name it; a purge
//! relies on it. Events that came back after a restore may name one that is not here: they are
//! counted beside the blobs, and the blob has that count from when it comes.

use std::collections::HashMap;

use rusqlite::{OptionalExtension as _, params};

use crate::id::BlobHash;
use crate::store::{Blobs, Db, Log, Packed, StoreError};
use crate::thread::{name, named_blobs};

/// Events of a conversation that name blobs.
const MESSAGES: &[&str] = &[name::MESSAGE_ADDED, name::MESSAGE_REPARSED];
/// Events of a draft's store that do.
const DRAFTS: &[&str] =
    &[name::DRAFT_SAVED, name::SEND_CLAIMED, name::MESSAGE_ADDED, name::MESSAGE_REPARSED];

/// Enough of a blob's name to tell it from all others here.
pub(in crate::backend) type ShortName = [u8; 16];

/// A blob that is miscounted: its short name, how often it is named, and whether it is there.
pub(in crate::backend) type Miscounted = (ShortName, u64, bool);

/// How often blobs are named that are not here.
pub(super) const SQL: &str = "
    CREATE TABLE IF NOT EXISTS missingBlobs(
        name BLOB PRIMARY KEY, refs INTEGER NOT NULL) WITHOUT ROWID;";

/// Makes the table where a file of this format lacks it, and counts what a restore left.
pub(super) fn open(db: &mut Db, now: i64) -> Result<(), StoreError> {
    if db.sql().table_exists(None, "missingBlobs")? {
        return Ok(());
    }
    db.begin()?;
    if let Err(error) = make(db, now) {
        db.rollback();
        return Err(error);
    }
    db.commit()
}

fn make(db: &Db, now: i64) -> Result<(), StoreError> {
    db.sql().execute_batch(SQL)?;
    if super::is_restored(db)? {
        put_right(db, now)?;
    }
    Ok(())
}

/// Stores a blob unless it is there, for one event more that names it.
pub(in crate::backend) fn put(db: &Db, blob: &Packed) -> Result<(), StoreError> {
    Blobs::put(db, blob)?;
    arrived(db, blob.hash())
}

/// Stores a blob unless it is there, for an event that is counted already.
pub(in crate::backend) fn put_counted(db: &Db, blob: &Packed) -> Result<(), StoreError> {
    if Blobs::size(db, blob.hash())?.is_none() {
        Blobs::put(db, blob)?;
        // This one is among those that wait for it.
        match take_waiting(db, blob.hash())? {
            0 | 1 => {}
            waiting => drop(Blobs::refer(db, blob.hash(), waiting - 1)?),
        }
    }
    Ok(())
}

/// A blob is here that may not have been: events that named it before count.
pub(in crate::backend) fn arrived(db: &Db, blob: &BlobHash) -> Result<(), StoreError> {
    match take_waiting(db, blob)? {
        0 => {}
        waiting => drop(Blobs::refer(db, blob, waiting)?),
    }
    Ok(())
}

/// One event more names a blob, which may not be here.
pub(in crate::backend) fn refer(db: &Db, blob: &BlobHash) -> Result<(), StoreError> {
    if !Blobs::refer(db, blob, 1)? {
        let sql = "INSERT INTO missingBlobs(name, refs) VALUES (?1, 1)
                   ON CONFLICT(name) DO UPDATE SET refs = refs + 1";
        db.sql().prepare_cached(sql)?.execute([short(&Blobs::key(blob))])?;
    }
    Ok(())
}

/// One event less names a blob; the last one takes it along.
pub(in crate::backend) fn release(db: &Db, blob: &BlobHash) -> Result<(), StoreError> {
    if Blobs::size(db, blob)?.is_some() {
        return Blobs::release(db, blob);
    }
    match take_waiting(db, blob)? {
        0 | 1 => Ok(()),
        waiting => wait(db, &short(&Blobs::key(blob)), waiting - 1),
    }
}

/// How many events name a blob that was not here; they wait for it no longer.
fn take_waiting(db: &Db, blob: &BlobHash) -> Result<u64, StoreError> {
    let sql = "DELETE FROM missingBlobs WHERE name = ?1 RETURNING refs";
    let mut statement = db.sql().prepare_cached(sql)?;
    let name = short(&Blobs::key(blob));
    let refs: Option<i64> = statement.query_row([name], |row| row.get(0)).optional()?;
    Ok(refs.and_then(|refs| u64::try_from(refs).ok()).unwrap_or_default())
}

/// So many events name a blob that is not here.
fn wait(db: &Db, name: &ShortName, times: u64) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO missingBlobs(name, refs) VALUES (?1, ?2)";
    let times = i64::try_from(times).unwrap_or(i64::MAX);
    db.sql().prepare_cached(sql)?.execute(params![name, times])?;
    Ok(())
}

/// Blobs whose count is not what the logs say.
pub(in crate::backend) fn wrong(threads: &Db) -> Result<Vec<Miscounted>, StoreError> {
    let mut named: HashMap<ShortName, u64> = HashMap::new();
    for (store, _) in Log::stores(threads)? {
        let draft = store.as_thread().is_some_and(|thread| thread.is_draft());
        let names = if draft { DRAFTS } else { MESSAGES };
        for event in names {
            for args in Log::named(threads, &store, event)? {
                for blob in named_blobs(event, &args) {
                    *named.entry(short(&Blobs::key(&blob))).or_default() += 1;
                }
            }
        }
    }
    let mut wrong = Vec::new();
    Blobs::counts(threads, |key, refs| {
        let short = short(key);
        let times = named.remove(&short).unwrap_or_default();
        if times != refs {
            wrong.push((short, times, true));
        }
    })?;
    wrong.extend(named.into_iter().map(|(name, times)| (name, times, false)));
    wrong.sort_unstable();
    Ok(wrong)
}

/// Puts the counts right; what was wrong. The transaction is the caller's.
pub(in crate::backend) fn put_right(threads: &Db, now: i64) -> Result<Vec<Miscounted>, StoreError> {
    let wrong = wrong(threads)?;
    threads.sql().execute("DELETE FROM missingBlobs", [])?;
    for (name, times, there) in &wrong {
        if *there {
            Blobs::recount(threads, name, *times, now)?;
        } else {
            wait(threads, name, *times)?;
        }
    }
    Ok(wrong)
}

fn short(key: &[u8]) -> ShortName {
    let mut short = [0; 16];
    short.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    short
}
