//! What can go wrong on the wire.

use crate::notice::{Exit, Explain, Notice};
use crate::sync::PROTOCOL;

/// An error of the protocol or its transport.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SyncError {
    /// The other side is not there, or went away.
    #[error("the backend was not reached: {0}")]
    Unreached(String),
    /// It said no, for good.
    #[error("the backend refused: {message}")]
    Refused {
        /// A stable word.
        code: String,
        /// One line.
        message: String,
    },
    /// It said that it cannot now.
    #[error("the backend could not go on: {message}")]
    Failed {
        /// A stable word.
        code: String,
        /// One line.
        message: String,
    },
    /// It said something that is no frame.
    #[error("not a frame: {0}")]
    Frame(String),
    /// The address cannot be used.
    #[error("not an address of a backend: {0}")]
    Address(String),
    /// A deadline passed.
    #[error("the backend did not answer in time")]
    Timeout,
}

/// What a backend says to a device of an older protocol, and to one of a newer.
const BACKEND_NEWER: &str = "backend-newer";
const BACKEND_OLDER: &str = "backend-older";
/// What a backend of protocol 1 said to every other.
const PROTOCOL_1: &str = "protocol";

impl SyncError {
    /// What a backend says to a device of another protocol: a code and a line.
    #[must_use]
    pub fn other_protocol(theirs: u32) -> (&'static str, String) {
        if theirs < PROTOCOL {
            let line =
                format!("this backend is newer: it speaks protocol {PROTOCOL}, not {theirs}");
            (BACKEND_NEWER, line)
        } else {
            let line =
                format!("this backend is older: it speaks protocol {PROTOCOL}, not {theirs}");
            (BACKEND_OLDER, line)
        }
    }
}

impl Explain for SyncError {
    fn is_permanent(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Address(_))
    }

    fn notice(&self) -> Notice {
        let line = self.to_string();
        match self {
            Self::Unreached(_) | Self::Timeout => Notice::error(
                "unreached",
                line,
                "what you did is kept and sent when the backend is there again",
            )
            .exit(Exit::Unreached),
            Self::Failed { code, .. } => Notice::error(
                if code == "disk-full" { "disk-full" } else { "backend" },
                line,
                "what you did is kept; put that right and run the same command again",
            ),
            Self::Refused { code, .. } if code == "token" => Notice::error(
                "token",
                line,
                "check --token-file: the backend wrote its token to `token` in its data directory",
            ),
            Self::Refused { code, .. } if code == BACKEND_NEWER => Notice::error(
                "backend-newer",
                line,
                "upgrade mailtui here; what you did is kept and sent then",
            )
            .exit(Exit::Unreached),
            Self::Refused { code, .. } if code == BACKEND_OLDER || code == PROTOCOL_1 => {
                Notice::error(
                    "backend-older",
                    line,
                    "upgrade mailtui where the backend runs; what you did is kept and sent then",
                )
                .exit(Exit::Unreached)
            }
            Self::Refused { .. } => Notice::error("refused", line, "is it the right backend?"),
            Self::Frame(_) => {
                Notice::error("protocol", line, "is the other side a mailtui of this version?")
            }
            Self::Address(_) => {
                Notice::error("address", line, "use ws://HOST:PORT, such as ws://127.0.0.1:7070")
                    .exit(Exit::Usage)
            }
        }
    }
}
