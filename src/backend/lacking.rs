//! What the backend asks devices for that it lacks, and tells who runs it.
//!
//! Invariant: only a device whose hello says that it can be asked is asked; what is told waits
//! until there is somebody to tell.

use super::{HostHandle, Input, Loop};
use crate::backend::BackendError;
use crate::notice::Notice;

impl HostHandle {
    /// A device's hello says that it can be asked for what it holds of a damaged log.
    ///
    /// # Errors
    /// When the backend has stopped.
    pub async fn hears_lacks(&self, session: u64) -> Result<(), BackendError> {
        self.forward(Input::Lacks { session }).await
    }

    /// From now on this hears what who runs the backend should know.
    ///
    /// # Errors
    /// When the backend has stopped.
    pub fn tell_notices(
        &self,
        tell: impl Fn(&Notice) + Send + 'static,
    ) -> Result<(), BackendError> {
        self.send(Input::Notices { tell: Box::new(tell) })
    }
}

impl Loop {
    pub(super) fn tell_notices(&mut self) {
        let Some(tell) = &self.tell else { return };
        self.backend.take_notices().iter().for_each(tell);
    }
}
