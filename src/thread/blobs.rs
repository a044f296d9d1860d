//! Which blobs an event names.
//!
//! Invariant: what names blobs in its arguments is listed here, so that nothing is taken for whole
//! whose bytes are missing.

use serde::Deserialize;

use crate::id::BlobHash;
use crate::store::Args;
use crate::thread::event::name;

/// The blobs that an event of this name and these arguments names: what is known of it without them
/// is not all.
#[must_use]
pub fn named_blobs(event: &str, args: &Args) -> Vec<BlobHash> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        raw: BlobHash,
        #[serde(default)]
        text_blob: Option<BlobHash>,
    }
    #[derive(Deserialize)]
    struct Saved {
        #[serde(default)]
        blob: Option<BlobHash>,
        #[serde(default)]
        attachments: Vec<BlobHash>,
        #[serde(default)]
        raw: Option<BlobHash>,
    }
    #[derive(Deserialize)]
    struct Claimed {
        raw: BlobHash,
    }
    match event {
        name::MESSAGE_ADDED | name::MESSAGE_REPARSED => {
            let named = args.read::<Named>().into_iter();
            named.flat_map(|named| [Some(named.raw), named.text_blob]).flatten().collect()
        }
        name::DRAFT_SAVED => {
            let saved = args.read::<Saved>().into_iter();
            let all = |of: Saved| of.blob.into_iter().chain(of.attachments).chain(of.raw);
            saved.flat_map(all).collect()
        }
        name::SEND_CLAIMED => {
            args.read::<Claimed>().map(|claimed| claimed.raw).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
