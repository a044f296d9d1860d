//! A backend that waits between two commits, so that files are read as of one moment.
//!
//! Invariant: it waits for a moment only, whatever becomes of who holds it.

use std::sync::mpsc::{self, Receiver, SyncSender};

use super::{HostHandle, Input};
use crate::backend::BackendError;

impl HostHandle {
    /// Has the backend wait between two commits, for a moment: what is read meanwhile is of one
    /// moment. It goes on when [`Hold::release`] is called, and soon in any case.
    ///
    /// # Errors
    /// When the backend has stopped, or the disk refuses what it has to commit before.
    pub fn hold(&self) -> Result<Hold, BackendError> {
        let (held, is_held) = mpsc::sync_channel(1);
        let (release, released) = mpsc::sync_channel(1);
        let (done, is_done) = mpsc::sync_channel(1);
        self.send(Input::Hold { held, release: released, done })?;
        is_held.recv().map_err(|_| BackendError::Stopped)?;
        Ok(Hold { release, is_done })
    }
}

/// A backend that waits between two commits.
#[derive(Debug)]
pub struct Hold {
    release: SyncSender<()>,
    is_done: Receiver<bool>,
}

impl Hold {
    /// It goes on; whether it has waited until now.
    #[must_use]
    pub fn release(self) -> bool {
        self.release.send(()).is_ok() && self.is_done.recv().unwrap_or(false)
    }
}
