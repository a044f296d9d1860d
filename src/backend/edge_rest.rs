//! The mail edge towards servers: the rest of messages that are not whole.
//!
//! Invariant: what is fetched for a UID is taken for the message that this UID is known to be, and
//! only where its own Message-ID says so too. What cannot be had is not asked for again by itself.

use crate::backend::core::Backend;
use crate::backend::ingest::Prepared;
use crate::backend::storage::{Edges, Outlines};
use crate::imap::{FolderKey, Missing};
use crate::store::StoreError;

impl Backend {
    /// Messages of an account whose rest is wanted.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_wanted(&self, account: &str) -> Result<Vec<Missing>, StoreError> {
        Outlines::wanted(&self.db, account)
    }

    /// Messages that were wanted, by UID, or `None` where they cannot be had.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_completed(
        &mut self,
        key: FolderKey,
        uidvalidity: u32,
        whole: Vec<(u32, Option<Prepared>)>,
        now: i64,
    ) -> Result<(), StoreError> {
        self.begin()?;
        let folder = Edges::folder(&self.db, key)?;
        if folder.is_none_or(|folder| folder.state.uidvalidity != uidvalidity) {
            return Ok(()); // it is met again where it is now
        }
        for (uid, prepared) in whole {
            let held = Edges::range(&self.db, key, &(uid..=uid))?.pop();
            let Some((_, message)) = held.and_then(|held| held.known) else { continue };
            let is_it = |one: &Prepared| one.message() == Some(&message);
            if let Some(prepared) = prepared.filter(is_it) {
                self.ingest(vec![prepared.completing(message.clone())], now)?;
            }
            // It has no row any more where the rest of it came.
            Outlines::give_up(&self.db, &message)?;
        }
        Ok(())
    }
}
