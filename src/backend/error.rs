//! What can go wrong in the backend.

use crate::notice::{Explain, Notice};
use crate::store::StoreError;
use crate::sync::SyncError;

/// An error of the backend.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The storage said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The wire said no.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// It cannot listen there.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// Where.
        address: String,
        /// Why.
        reason: String,
    },
    /// The backend's thread has ended.
    #[error("the backend has stopped")]
    Stopped,
}

impl Explain for BackendError {
    fn is_permanent(&self) -> bool {
        match self {
            Self::Store(error) => error.is_permanent(),
            Self::Sync(error) => error.is_permanent(),
            Self::Listen { .. } | Self::Stopped => false,
        }
    }

    fn notice(&self) -> Notice {
        match self {
            Self::Store(error) => error.notice(),
            Self::Sync(error) => error.notice(),
            Self::Listen { .. } => Notice::error(
                "listen",
                self.to_string(),
                "is the port free, and is the address one of this machine?",
            ),
            Self::Stopped => Notice::error("stopped", self.to_string(), "start it again"),
        }
    }
}
