//! The engine's thread and open drafts: the journal, and drafts that are opened when they are here.
//!
//! Invariant: an entry of the journal is forgotten when what was decided before is on disk, never
//! earlier: between the two there is no moment at which a kill loses a word.

use super::Engine;
use crate::engine::EngineError;
use crate::engine::handle::Update;
use crate::engine::writing::Journal;
use crate::id::{EventId, ThreadId};
use crate::notice::{Explain as _, Notice};

/// A draft that is to be opened.
pub(super) struct Opening {
    /// The request's.
    pub(super) ticket: u64,
    /// Its store.
    pub(super) thread: ThreadId,
    /// The save.
    pub(super) save: Option<EventId>,
    /// Whether its log, or a blob of it, was asked for.
    pub(super) asked: bool,
}

impl Engine {
    /// The first moment: what was being written is saved, and what there is told.
    pub(super) fn begin(&mut self) {
        self.recover_drafts();
        self.tell_labels();
        self.tell_status();
    }

    /// Goes on with what is open.
    pub(super) fn compose_on(&mut self) {
        let opened = self.open_drafts();
        self.told(opened);
        self.tell_lost();
        self.forget_saved();
    }

    /// Drafts that a killed program left in the journal become saves.
    fn recover_drafts(&mut self) {
        match self.driver.device.recover_drafts() {
            Ok(0) => {}
            Ok(count) => {
                let noun = if count == 1 { "draft" } else { "drafts" };
                let line = format!("{count} {noun} that were being written are in Drafts");
                self.tell(Update::Notice(Notice::info(line)));
            }
            Err(error) => self.tell(Update::Notice(error.notice())),
        }
    }

    /// Remembers an open draft at once.
    pub(super) fn journal(&mut self, journal: &Journal) {
        let slot = journal.slot;
        self.saved.retain(|saved| saved.slot != slot);
        let done = self.driver.device.journal(journal).map_err(|error| error.notice());
        self.tell(Update::Noted(slot, done));
    }

    /// Forgets one when it is safe to.
    pub(super) fn forget(&mut self, slot: i64, losses: u64) {
        self.tell_lost();
        self.saved.retain(|saved| saved.slot != slot);
        if losses == self.losses {
            self.saved.push(Journal { slot, entry: None });
        }
    }

    /// Where a commit failed, whoever asked for it: no save that was answered since the one before
    /// is there, so the journal keeps what it has.
    pub(super) fn tell_lost(&mut self) {
        let Some(notice) = self.driver.device.take_lost() else { return };
        self.saved.clear();
        self.losses += 1;
        self.driver.saving = 0;
        self.tell(Update::TakenBack(notice));
        self.tell_labels();
    }

    /// Forgets what is saved and on disk.
    pub(super) fn forget_saved(&mut self) {
        let device = &mut self.driver.device;
        if self.saved.is_empty() || device.is_saving() || device.unsynced().is_some() {
            return;
        }
        for journal in std::mem::take(&mut self.saved) {
            match self.driver.device.journal(&journal) {
                Ok(()) => self.tell(Update::Kept(journal.slot)),
                // It is offered once more at the next start, and known again then.
                Err(error) => {
                    self.tell(Update::Notice(error.notice()));
                    self.tell(Update::Kept(journal.slot));
                }
            }
        }
    }

    /// Opens what is here of the drafts that were asked for, and asks for the others once.
    pub(super) fn open_drafts(&mut self) -> Result<(), EngineError> {
        for mut opening in std::mem::take(&mut self.opening) {
            let device = &mut self.driver.device;
            let found = device.open_draft(&opening.thread, opening.save.as_ref())?;
            let loaded = device.is_loaded(&opening.thread);
            match found {
                Ok(Some(draft)) => {
                    self.tell(Update::Draft(opening.ticket, Some(Box::new(draft))));
                    continue;
                }
                Ok(None) if loaded => {
                    self.tell(Update::Draft(opening.ticket, None));
                    continue;
                }
                Ok(None) if !opening.asked => device.load(&opening.thread)?,
                Err(blob) if !opening.asked => device.fetch_blob(&blob)?,
                _ => {
                    self.opening.push(opening);
                    continue;
                }
            }
            opening.asked = true;
            self.opening.push(opening);
            self.driver.send()?;
        }
        Ok(())
    }
}
