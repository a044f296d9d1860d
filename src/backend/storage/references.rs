//! How many events name each blob: counted anew from the logs.
//!
//! Invariant: the count that a blob keeps is the number of events in the logs that name it; a purge
//! relies on it.

use std::collections::HashMap;

use crate::id::BlobHash;
use crate::store::{Blobs, Db, Log, StoreError};
use crate::thread::name;

/// Enough of a blob's name to tell it from all others here.
pub(in crate::backend) type ShortName = [u8; 16];

/// What of a message names blobs.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    raw: BlobHash,
    #[serde(default)]
    text_blob: Option<BlobHash>,
}

/// A blob by its short name, and how often it is named.
pub(in crate::backend) type Count = (ShortName, u64);

/// Blobs whose count is not what the logs say.
pub(in crate::backend) fn wrong(threads: &Db) -> Result<Vec<Count>, StoreError> {
    Ok(look(threads)?.0)
}

/// Blobs that are named and not here.
pub(in crate::backend) fn missing(threads: &Db) -> Result<Vec<Count>, StoreError> {
    Ok(look(threads)?.1)
}

fn look(threads: &Db) -> Result<(Vec<Count>, Vec<Count>), StoreError> {
    let mut named: HashMap<ShortName, u64> = HashMap::new();
    for (store, _) in Log::stores(threads)? {
        for args in Log::named(threads, &store, name::MESSAGE_ADDED)? {
            let Some(message) = args.read::<Named>() else { continue };
            for blob in std::iter::once(&message.raw).chain(&message.text_blob) {
                *named.entry(short(&Blobs::key(blob))).or_default() += 1;
            }
        }
    }
    let mut wrong = Vec::new();
    Blobs::counts(threads, |key, refs| {
        let short = short(key);
        let times = named.remove(&short).unwrap_or_default();
        if times != refs {
            wrong.push((short, times));
        }
    })?;
    let mut missing: Vec<Count> = named.into_iter().collect();
    missing.sort_unstable();
    wrong.sort_unstable();
    Ok((wrong, missing))
}

/// Puts the counts right; what was wrong. The transaction is the caller's.
pub(in crate::backend) fn put_right(threads: &Db) -> Result<Vec<Count>, StoreError> {
    let wrong = wrong(threads)?;
    for (name, times) in &wrong {
        Blobs::recount(threads, name, *times)?;
    }
    Ok(wrong)
}

fn short(key: &[u8]) -> ShortName {
    let mut short = [0; 16];
    short.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    short
}
