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
        self.tell_writers();
        self.tell_status();
    }

    /// Goes on with what is open.
    pub(super) fn compose_on(&mut self) {
        let opened = self.open_drafts();
        self.told(opened);
        self.answer_originals();
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

    /// Remembers an open draft at once, and forgets one when it is safe to.
    pub(super) fn journal(&mut self, journal: Journal) -> Result<(), EngineError> {
        if journal.entry.is_none() {
            self.saved.push(journal);
            return Ok(());
        }
        self.saved.retain(|saved| saved.slot != journal.slot);
        Ok(self.driver.device.journal(&journal)?)
    }

    /// Forgets what is saved and on disk.
    pub(super) fn forget_saved(&mut self) {
        let device = &mut self.driver.device;
        if self.saved.is_empty() || device.is_saving() || device.unsynced().is_some() {
            return;
        }
        for journal in std::mem::take(&mut self.saved) {
            let done = self.driver.device.journal(&journal).map_err(EngineError::from);
            self.told(done);
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
