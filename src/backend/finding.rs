//! Searches of devices: they pass the backend by, and their answers go out in order with the rest.
//!
//! Invariant: the backend's thread does nothing for a search but to put its answer into the queue
//! of the session; only a device whose hello asked for it hears that there is somebody to ask.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use super::{HostHandle, Input};
use crate::backend::BackendError;
use crate::backend::finder::{Asked, Finder};
use crate::sync::Frame;

/// Who searches in `dir`, and answers by the backend's queue.
pub(super) fn finder(dir: &Path, inputs: &SyncSender<Input>) -> Finder {
    let inputs = inputs.clone();
    let tell = move |session, frame| {
        let frame = Box::new(frame);
        inputs.send(Input::Answer { session, frame }).is_ok()
    };
    Finder::new(dir, Arc::new(tell))
}

impl HostHandle {
    /// A device's hello says that it asks for searches.
    ///
    /// # Errors
    /// When the backend has stopped.
    pub async fn hears_finder(&self, session: u64) -> Result<(), BackendError> {
        let frame = Box::new(Frame::Finder {});
        self.forward(Input::Answer { session, frame }).await
    }

    /// A session searches; `Some` is what is no search.
    #[must_use]
    pub fn search(&self, session: u64, frame: Frame) -> Option<Frame> {
        let Frame::Search { seq, query, best, typing, limit } = frame else { return Some(frame) };
        self.finder.ask(session, Asked { seq, query, best, typing, limit });
        None
    }

    /// A session is gone: nobody waits for what it asked.
    pub fn stop_search(&self, session: u64) {
        self.finder.forget(session);
    }
}
