//! Messages that are not whole, and the rest of them when it comes.
//!
//! Invariant: the bytes of a message take the place of its outline only where who fetched them
//! knows that they are the same message, or where they have the same header; other bytes under its
//! id are kept as a copy, as always. Nothing of where the message is, or of its flags, changes by
//! it.

use super::{Ready, append_blobs, event, event_id};
use crate::backend::storage::{self, Index, Outlines};
use crate::backend::thread_client::state_of;
use crate::id::{Epoch, StoreId, ThreadId};
use crate::mail;
use crate::store::{Args, Blobs, Db, StoreError};
use crate::thread::name;

/// Puts a whole message in the place of its outline; its thread, or `None` where there is no
/// outline of it.
pub(super) fn complete(
    db: &Db,
    epoch: &Epoch,
    ready: &Ready,
) -> Result<Option<ThreadId>, StoreError> {
    let message = &ready.message.message;
    if ready.message.outline {
        return Ok(None);
    }
    let Some(thread) = Outlines::of(db, message)? else { return Ok(None) };
    let store = StoreId::thread(&thread);
    let state = state_of(db, &store)?;
    let Some(row) = state.message(message).filter(|row| row.message.outline) else {
        Outlines::done(db, message)?;
        return Ok(None);
    };
    let held = Blobs::get(db, &row.message.raw)?.unwrap_or_default();
    let alike = mail::header_hash(&held) == ready.head;
    if !alike && ready.completes.as_ref() != Some(message) {
        return Ok(None);
    }
    append_blobs(db, ready)?;
    Index::add(db, &ready.key, &ready.hash)?;
    let id = event_id(&["reparsed", &ready.key], &ready.hash);
    let event = event(id, name::MESSAGE_REPARSED, Args::of(&ready.message), epoch)?;
    storage::append(db, epoch, &store, &[event])?;
    Outlines::done(db, message)?;
    Ok(Some(thread))
}
