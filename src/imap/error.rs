//! What can go wrong with a mail server.
//!
//! Invariant: an error says what the cause is and what cures it; a server's own words are shown
//! sanitised and cut, and never hold a secret: what was sent is in no error.

use crate::account::{Cause, Server};
use crate::notice::{Explain, Notice};
use crate::safe_text;

/// The longest text of a server that is shown, in characters.
const MAX_WORDS: usize = 200;

/// An error of a mail server, or of the way to it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ImapError {
    /// The name of the server is not known.
    #[error("{0} is not found")]
    NoHost(String),
    /// Nobody listens there, or the way is cut.
    #[error("{0} cannot be reached: {1}")]
    Unreached(String, String),
    /// TLS failed.
    #[error("no safe connection to {0}: {1}")]
    Tls(String, Cause),
    /// The server offers no TLS where it must.
    #[error("{0} offers no encryption (STARTTLS)")]
    NoTls(String),
    /// Something was sent in clear where it may not be trusted.
    #[error("{0}: what came before the encryption cannot be trusted")]
    Injected(String),
    /// The password, or the token, is refused.
    #[error("{server} refuses this sign-in: {words}")]
    Refused {
        /// Who.
        server: String,
        /// Its words.
        words: String,
    },
    /// No way of signing in that both know.
    #[error("{0} offers no way to sign in that is safe here")]
    NoAuth(String),
    /// Something took longer than it may.
    #[error("{0} does not answer")]
    Slow(String),
    /// The connection ended.
    #[error("the connection ended")]
    Closed,
    /// Something is larger than it may be.
    #[error("the server sends {0}")]
    TooLarge(&'static str),
    /// What it says cannot be all true.
    #[error("the server contradicts itself: {0}")]
    Contradiction(&'static str),
    /// Something that is no IMAP.
    #[error("the server sends what is no IMAP")]
    Malformed,
    /// The server says no to a command.
    #[error("the server says no to {command}: {words}")]
    No {
        /// The command's name.
        command: &'static str,
        /// Its words.
        words: String,
    },
    /// The backend took nothing more in.
    #[error("{}", .0.message)]
    Backend(Notice),
    /// Told to stop.
    #[error("stopped")]
    Stopped,
}

impl ImapError {
    /// Why there is no connection to a server.
    #[must_use]
    pub fn of(server: &Server, cause: Cause) -> Self {
        match cause {
            Cause::NoHost => Self::NoHost(server.host.clone()),
            Cause::Closed => Self::Unreached(server.authority(), cause.to_string()),
            Cause::Unreached(why) => Self::Unreached(server.authority(), why),
            Cause::Slow(_) => Self::Slow(server.authority()),
            cause => Self::Tls(server.authority(), cause),
        }
    }

    /// A server's words, safe to show.
    #[must_use]
    pub fn words(text: &str) -> String {
        safe_text::line(text).chars().take(MAX_WORDS).collect()
    }

    /// Whether the connection is of no more use.
    #[must_use]
    pub const fn ends_connection(&self) -> bool {
        !matches!(self, Self::No { .. } | Self::Contradiction(_))
    }
}

impl Explain for ImapError {
    fn is_permanent(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::NoAuth(_) | Self::NoTls(_) | Self::Injected(_))
    }

    fn notice(&self) -> Notice {
        let (code, hint) = match self {
            Self::NoHost(_) => ("no-host", "is the server's name right, and is there a network?"),
            Self::Unreached(..) => ("unreached", "it is tried again; is there a network?"),
            Self::Tls(..) => ("tls", "is the server's name the one in its certificate?"),
            Self::NoTls(_) => ("no-tls", "nothing was sent; use its port for TLS (imaps, 993)"),
            Self::Injected(_) => ("injected", "nothing was sent; somebody may be in between"),
            Self::Refused { .. } => {
                ("sign-in", "check the password; some providers want an app password here")
            }
            Self::NoAuth(_) => ("no-auth", "this provider may want OAuth instead of a password"),
            Self::Slow(_) => ("slow", "it is tried again"),
            Self::Closed => ("closed", "it is tried again"),
            Self::TooLarge(_) => ("too-large", "the connection was ended; it is tried again"),
            Self::Contradiction(_) => {
                ("contradiction", "nothing was taken from it; it is tried again")
            }
            Self::Malformed => ("malformed", "the connection was ended; it is tried again"),
            Self::No { .. } => ("server-no", "the rest goes on"),
            Self::Backend(notice) => return notice.clone(),
            Self::Stopped => ("stopped", "what was taken in stays"),
        };
        Notice::error(code, self.to_string(), hint)
    }
}
