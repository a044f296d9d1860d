//! The copy of a sent message at the account's mail server, and what is looked for there.
//!
//! Invariant: filing says nothing of sending: a copy that cannot be filed is tried again at each
//! look, and the message is never sent again for it. What is found in the folder of sent mail was
//! sent.

use super::{readable, whole};
use crate::backend::core::Backend;
use crate::backend::storage::Outbox;
use crate::id::EventId;
use crate::imap::{Filed, Letter};
use crate::store::StoreError;

/// Messages that are looked for, and filed, at one look at an account.
pub(super) const A_LOOK: usize = 50;

impl Backend {
    /// What is to be filed at an account's server, and what may be there; `fresh`, only what was
    /// not tried yet.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_letters(&mut self, account: &str, fresh: bool) -> Result<Vec<Letter>, StoreError> {
        let copies = Outbox::copies(&self.db, account, fresh, A_LOOK)?.into_iter();
        let mut letters: Vec<Letter> = copies
            .map(|copy| Letter {
                name: copy.queued.to_string(),
                message_id: copy.message_id,
                file: true,
            })
            .collect();
        if !fresh {
            let doubtful = self.doubtful(account)?.into_iter();
            let letter = |(queued, message_id): (EventId, String)| Letter {
                name: queued.to_string(),
                message_id,
                file: false,
            };
            letters.extend(doubtful.map(letter));
        }
        Ok(letters)
    }

    /// The next of what may be at an account's server: each has its turn, however many there are.
    fn doubtful(&mut self, account: &str) -> Result<Vec<(EventId, String)>, StoreError> {
        let last = self.outbox.asked.remove(account);
        let mut found = Outbox::doubtful(&self.db, account, last.as_ref(), A_LOOK)?;
        if found.len() < A_LOOK && last.is_some() {
            // From the first again, up to where this turn began.
            let rest = Outbox::doubtful(&self.db, account, None, A_LOOK - found.len())?;
            found.extend(rest.into_iter().filter(|(queued, _)| Some(queued) <= last.as_ref()));
        }
        if let Some((queued, _)) = found.last().filter(|_| found.len() >= A_LOOK) {
            self.outbox.asked.insert(account.to_owned(), queued.clone());
        }
        Ok(found)
    }

    /// The bytes of what is to be filed; `None` when they are not here any more.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_letter(&mut self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Ok(queued) = EventId::try_from(name) else { return Ok(None) };
        let raw = Outbox::copy(&self.db, &queued)?;
        let raw = raw.map(|raw| whole(&self.db, &raw)).transpose()?.flatten();
        if raw.is_none() {
            self.begin()?;
            Outbox::filed(&self.db, &queued)?; // its conversation was purged, or it is damaged
        }
        Ok(raw)
    }

    /// What became of filing, or of looking.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_filed(&mut self, name: &str, filed: &Filed, now: i64) -> Result<(), StoreError> {
        let Ok(queued) = EventId::try_from(name) else { return Ok(()) };
        self.now = now;
        self.begin()?;
        match filed {
            Filed::There | Filed::Done => {
                Outbox::filed(&self.db, &queued)?;
                self.found_there(&queued)
            }
            Filed::Absent => Ok(()),
            Filed::Refused => Outbox::unfiled(&self.db, &queued),
        }
    }

    fn found_there(&mut self, queued: &EventId) -> Result<(), StoreError> {
        let Some(row) = Outbox::get(&self.db, queued)? else { return Ok(()) };
        let Some(loaded) = readable(&self.db, &row.store)? else { return Ok(()) };
        if loaded.item(queued).is_none() || self.outbox.holds(queued) {
            return Ok(());
        }
        self.found(&loaded, queued)
    }

    /// How many copies of these accounts were not tried to be filed yet.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn outbox_unfiled(&self, accounts: &[String]) -> Result<u64, StoreError> {
        accounts.iter().try_fold(0, |sum, id| Ok(sum + Outbox::unfiled_count(&self.db, id)?))
    }

    /// An account was looked at: what may have come from there tells of messages whose end nobody
    /// knows.
    pub(in crate::backend) fn outbox_looked_at(&mut self) -> Result<(), StoreError> {
        self.outbox.rung |= Outbox::stir_unknown(&self.db, self.now)?;
        Ok(())
    }
}
