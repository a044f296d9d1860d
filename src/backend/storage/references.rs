//! How many events name each blob: counted anew from the logs.
//!
//! Invariant: the count that a blob keeps is the number of events in the logs that name it; a purge
//! relies on it.

use std::collections::HashMap;

use crate::store::{Blobs, Db, Log, StoreError};
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
    for (name, times, _) in &wrong {
        Blobs::recount(threads, name, *times, now)?;
    }
    Ok(wrong)
}

fn short(key: &[u8]) -> ShortName {
    let mut short = [0; 16];
    short.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    short
}
