//! Purge: conversations go for ever, with their logs, rows, index entries and blobs.
//!
//! Invariant: a conversation goes only as it was looked at: all its threads or none, and none that
//! got a message since. The logs go in one transaction with their tombstones; the Mailbox store
//! hears of it in the next, and a crash between the two is made good before anything else is done.

use std::collections::BTreeSet;

use crate::backend::core::Backend;
use crate::backend::storage::Purged;
use crate::backend::thread_client::state_of;
use crate::crash;
use crate::id::{StoreId, ThreadId};
use crate::label::Place;
use crate::limits::PURGE_ROWS;
use crate::store::{Durability, Log, StoreError};
use crate::sync::{PurgeOrder, PurgedRow, SeenThread};
use crate::thread::ThreadState;

/// A thread that goes, with its messages and their bytes.
type Going = (ThreadId, u64, u64);
/// Why a conversation stays: a stable word and a line.
type Kept = (&'static str, &'static str);

impl Backend {
    /// Purges what the order names; on disk when it returns. What cannot go is kept, and why.
    ///
    /// # Errors
    /// When the storage refuses; what is gone by then is gone, and the rest is there.
    pub fn purge(&mut self, order: &PurgeOrder) -> Result<Vec<PurgedRow>, StoreError> {
        // What was taken in before is on disk before anything goes.
        self.commit()?;
        let (mut rows, mut going, mut gone) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (index, row) in order.rows.iter().enumerate() {
            let looked = if index < PURGE_ROWS {
                self.look(row, order)?
            } else {
                Err(("limit", "too many conversations at a time"))
            };
            rows.push(match looked {
                Ok(mut threads) => {
                    threads.retain(|(thread, ..)| gone.insert(thread.clone()));
                    let messages = threads.iter().map(|(_, messages, _)| messages).sum();
                    let bytes = threads.iter().map(|(.., bytes)| bytes).sum();
                    going.append(&mut threads);
                    PurgedRow { messages, bytes, kept: None }
                }
                Err((code, line)) => PurgedRow {
                    kept: Some((code.to_owned(), line.to_owned())),
                    ..PurgedRow::default()
                },
            });
        }
        if !order.dry && !going.is_empty() {
            let now = self.now;
            let going: Vec<_> = going.into_iter().map(|(thread, ..)| (thread, now)).collect();
            self.erase(&going)?;
            self.tell_purges()?;
        }
        Ok(rows)
    }

    /// The threads of a conversation that go, or why it stays. One that is gone is no obstacle.
    fn look(
        &self,
        row: &[SeenThread],
        order: &PurgeOrder,
    ) -> Result<Result<Vec<Going>, Kept>, StoreError> {
        let mut going = Vec::new();
        for SeenThread { thread, seen } in row {
            if Purged::is(&self.db, thread)? {
                continue;
            }
            let store = StoreId::thread(thread);
            let state = state_of(&self.db, &store)?;
            if state.position == 0 {
                return Ok(Err(("no-such-thread", "it is not on the backend")));
            }
            // Positions of another epoch say nothing of what was looked at.
            let seen = if seen.epoch == self.epoch { seen.position } else { 0 };
            if state.last_message() > seen {
                return Ok(Err(("new-mail", "a message came to it since it was looked at")));
            }
            let (_, cells) = state.trail();
            let thrown = matches!(cells.place, Place::Trash | Place::Spam) || cells.is_gone();
            if !order.anywhere && !thrown {
                return Ok(Err(("not-in-trash", "it is neither in trash nor spam")));
            }
            if let Some(kept) = order.older {
                let since = Purged::trashed(&self.db, &store)?;
                if since.is_none_or(|since| since.saturating_add(kept) > self.now) {
                    return Ok(Err(("young", "it is not in trash for that long")));
                }
            }
            for other in &cells.links {
                let named = row.iter().any(|named| named.thread == *other);
                if !named && Log::head(&self.db, &StoreId::thread(other))?.position > 0 {
                    return Ok(Err(("grown", "it is linked with what was not looked at")));
                }
            }
            going.push((thread.clone(), state.messages.len() as u64, bytes_of(&state)));
        }
        Ok(Ok(going))
    }

    /// The first transaction, with the times of the purges: logs, index, blobs and what waits go;
    /// tombstones are there.
    pub(super) fn erase(&mut self, going: &[(ThreadId, i64)]) -> Result<(), StoreError> {
        self.begin()?;
        self.untold = true;
        let mut keys = Vec::new();
        for (thread, at) in going {
            keys.extend(Purged::erase(&self.db, thread, *at)?);
        }
        crash::point("purge.before-commit");
        self.db.commit()?;
        crash::point("purge.after-commit");
        for key in &keys {
            self.clients.leave(*key);
        }
        self.note_worked(&keys)
    }

    /// The second transaction, in the Mailbox store, and the third, which says that it was: all of
    /// it again should it be broken off.
    pub(super) fn tell_purges(&mut self) -> Result<(), StoreError> {
        if !self.untold {
            return Ok(());
        }
        let untold = Purged::untold(&self.db)?;
        if !untold.is_empty() {
            self.mailbox.purge(&untold, &self.epoch)?;
            crash::point("purge.before-told");
            self.mailbox.commit()?;
            crash::point("purge.after-told");
            let gone: Vec<ThreadId> = untold.iter().map(|(thread, _)| thread.clone()).collect();
            self.snapshots.redact(self.mailbox.db(), &gone)?;
            self.db.durable(Durability::Normal)?;
            self.db.begin()?;
            Purged::told(&self.db, &untold)?;
            crash::point("purge.before-done");
            self.db.commit()?;
        }
        self.untold = false;
        Ok(())
    }
}

/// The bytes of a thread's mail.
fn bytes_of(state: &ThreadState) -> u64 {
    let rows = state.messages.iter();
    let all = rows.flat_map(|row| std::iter::once(&row.message).chain(&row.copies));
    all.map(|message| message.size).sum()
}
