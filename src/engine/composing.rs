//! The engine's thread and open drafts: the journal, and drafts that are opened when they are here.
//!
//! Invariant: an entry of the journal is forgotten when what was decided before is on disk, never
//! earlier: between the two there is no moment at which a kill loses a word.

use super::Engine;
use crate::engine::EngineError;
use crate::engine::handle::Update;
use crate::engine::view::OpenDraft;
use crate::engine::writing::{Journal, recovered};
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
    /// What was asked for last.
    pub(super) asked: Asked,
}

/// What a draft that is to be opened waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Nothing,
    Log,
    Blob,
}

/// What a look at a draft that is to be opened found.
enum Look {
    /// It can be opened; or it is not there, for sure.
    There(Option<Box<OpenDraft>>),
    /// Something must come first.
    Waits,
}

impl Engine {
    /// The first moment: what was being written is saved, and what there is told.
    pub(super) fn begin(&mut self) {
        self.recover_drafts();
        self.tell_labels();
        self.tell_writers();
        self.tell_remembered();
        self.tell_status();
    }

    /// Goes on with what is open.
    pub(super) fn compose_on(&mut self) {
        self.open_drafts();
        self.answer_originals();
        self.tell_lost();
        self.forget_saved();
    }

    /// Drafts that a killed program left in the journal become saves.
    fn recover_drafts(&mut self) {
        match self.driver.device.recover_drafts() {
            Ok(0) => {}
            Ok(count) => {
                self.tell(Update::Notice(Notice::info(recovered(count))));
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

    /// Opens what is here of the drafts that were asked for, and asks for the others once. Each is
    /// answered by itself: one that cannot be opened says why, and keeps no other waiting.
    pub(super) fn open_drafts(&mut self) {
        for mut opening in std::mem::take(&mut self.opening) {
            match self.open_one(&mut opening) {
                Ok(Look::There(draft)) => self.tell(Update::Draft(opening.ticket, draft)),
                Ok(Look::Waits) => self.opening.push(opening),
                Err(error) => {
                    self.tell(Update::Draft(opening.ticket, None));
                    self.tell(Update::Notice(error.notice()));
                }
            }
        }
    }

    fn open_one(&mut self, opening: &mut Opening) -> Result<Look, EngineError> {
        let device = &mut self.driver.device;
        let found = device.open_draft(&opening.thread, opening.save.as_ref())?;
        let loaded = device.is_loaded(&opening.thread);
        match found {
            Ok(Some(draft)) => return Ok(Look::There(Some(Box::new(draft)))),
            Ok(None) if loaded => return Ok(Look::There(None)),
            Err(blob) if opening.asked == Asked::Blob && device.is_blob_nowhere(&blob) => {
                return Err(EngineError::NoText(opening.thread.to_string()));
            }
            Ok(None) if opening.asked != Asked::Log => {
                device.load(&opening.thread)?;
                opening.asked = Asked::Log;
            }
            Err(blob) if opening.asked != Asked::Blob => {
                device.fetch_blob(&blob)?;
                opening.asked = Asked::Blob;
            }
            _ => return Ok(Look::Waits),
        }
        // Should that not leave now, it does with what is sent next.
        let sent = self.driver.send();
        self.told(sent);
        Ok(Look::Waits)
    }
}
