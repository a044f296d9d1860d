//! What can go wrong on the way from a draft, or a link, to a message.
//!
//! Invariant: nothing here goes away by trying again; what is shown of a draft is safe to show.

use super::AddressError;
use super::mailto::MailtoError;
use crate::notice::{Exit, Explain, Notice};

/// Why a draft cannot be sent as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// From is empty.
    #[error("there is no sender")]
    NoSender,
    /// To, Cc and Bcc are empty.
    #[error("there is no recipient")]
    NoRecipients,
    /// Addresses that are none; there is at least one.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Addresses(Vec<AddressError>),
    /// The bytes of an attachment are not here, or not those that were attached.
    #[error("what was attached as {name} is not here")]
    Attachment {
        /// Its file name, safe to show.
        name: String,
    },
    /// Larger than any message that is taken in.
    #[error("the message would have {size} bytes; {most} is the most")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The bound.
        most: usize,
    },
    /// The Message-ID or the date of the stamp is none.
    #[error("the message cannot be dated or named")]
    Stamp,
}

impl BuildError {
    /// A stable word for scripts.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NoSender => "no-sender",
            Self::NoRecipients => "no-recipients",
            Self::Addresses(_) => "bad-address",
            Self::Attachment { .. } => "attachment-missing",
            Self::TooLarge { .. } => "message-too-large",
            Self::Stamp => "bad-stamp",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoSender => "write an address of yours into From",
            Self::NoRecipients => "write an address into To, Cc or Bcc",
            Self::Addresses(_) => "correct the address, or take it out",
            Self::Attachment { .. } => "attach it again",
            Self::TooLarge { .. } => "attach less",
            Self::Stamp => "set the clock of this machine",
        }
    }
}

impl Explain for BuildError {
    fn is_permanent(&self) -> bool {
        true
    }

    fn notice(&self) -> Notice {
        let notice = Notice::error(self.kind(), self.to_string(), self.hint());
        match self {
            Self::NoSender | Self::NoRecipients | Self::Addresses(_) => notice.exit(Exit::Usage),
            _ => notice,
        }
    }
}

impl Explain for MailtoError {
    fn is_permanent(&self) -> bool {
        true
    }

    fn notice(&self) -> Notice {
        let hint = "a link is like mailto:ann@example.org?subject=Hello";
        Notice::error("mailto", self.to_string(), hint).exit(Exit::Usage)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Field, Wrong};
    use super::*;

    #[test]
    fn every_error_says_what_to_do() {
        let wrong = AddressError { field: Field::Cc, range: 0..1, wrong: Wrong::NoAt };
        for (error, line) in [
            (BuildError::NoSender, "there is no sender"),
            (BuildError::NoRecipients, "there is no recipient"),
            (BuildError::Addresses(vec![wrong.clone(), wrong]), "Cc: no @ in it; Cc: no @ in it"),
            (BuildError::Attachment { name: "a".into() }, "what was attached as a is not here"),
            (
                BuildError::TooLarge { size: 2, most: 1 },
                "the message would have 2 bytes; 1 is the most",
            ),
            (BuildError::Stamp, "the message cannot be dated or named"),
        ] {
            let notice = error.notice();
            assert_eq!((notice.message.as_str(), notice.code), (line, error.kind()));
            assert!(!notice.hint.is_empty() && error.is_permanent());
        }
        assert_eq!(MailtoError::Scheme.notice().exit, Exit::Usage);
    }
}
