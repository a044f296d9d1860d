//! What is known of a message that was given to a server.
//!
//! Invariant: pure data, safe to show: every text of a server is one line
//! of bounded length, and no password is in it.

use super::SmtpError;
use crate::account::Cause;
use crate::notice::Explain as _;

/// How a submission ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// The server has nothing of it: it may be sent again.
    Refused(Refusal),
    /// The server has all of it.
    Accepted(Acceptance),
    /// It was perhaps given away, and nobody said what became of it: it must not be sent again
    /// before somebody has looked.
    Unknown(Doubt),
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// Not as it is: something has to be changed.
    Permanent,
    /// Later.
    Temporary,
    /// Whoever sent it stopped it.
    Stopped,
}

/// Why a server has nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Whether trying again can help.
    pub lasting: Lasting,
    /// A stable word for scripts.
    pub code: String,
    /// What happened, with the server's words where there are any.
    pub line: String,
    /// What to do about it.
    pub hint: String,
    /// What the server said to each recipient, in the order of the envelope.
    pub recipients: Vec<Recipient>,
}

/// What a server took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// What the server said to each recipient, in the order of the envelope. None is refused
    /// unless the envelope said that others may get it all the same.
    pub recipients: Vec<Recipient>,
    /// Its answer to the message; many name it as it is called there.
    pub answer: String,
}

/// Why it is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// A stable word for scripts.
    pub code: String,
    /// What happened behind the last dot.
    pub why: String,
    /// What to do about it.
    pub hint: String,
    /// Whom the server took before, in the order of the envelope.
    pub recipients: Vec<Recipient>,
}

/// A recipient, and what the server said to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// As the envelope has it.
    pub address: String,
    /// What was said.
    pub outcome: Outcome,
}

/// What a server said to a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was not named, or nothing was said.
    NotAsked,
    /// It would get the message.
    Taken {
        /// The server's words.
        words: String,
    },
    /// It would not.
    Refused {
        /// Whether that lasts.
        permanent: bool,
        /// The server's words.
        words: String,
    },
}

impl Outcome {
    pub(super) const fn is_taken(&self) -> bool {
        matches!(self, Self::Taken { .. })
    }
}

impl Refusal {
    pub(super) fn new(error: &SmtpError, recipients: Vec<Recipient>) -> Self {
        let notice = error.notice();
        let lasting = match error {
            SmtpError::Stopped => Lasting::Stopped,
            error if error.is_permanent() => Lasting::Permanent,
            _ => Lasting::Temporary,
        };
        Self {
            lasting,
            code: notice.code.to_owned(),
            line: notice.message,
            hint: notice.hint,
            recipients,
        }
    }
}

impl Doubt {
    pub(super) fn new(server: &str, cause: &Cause, recipients: Vec<Recipient>) -> Self {
        Self {
            code: cause.code().to_owned(),
            why: format!(
                "{server} was given the message and did not say what became of it: {cause}"
            ),
            hint: "look into Sent, or ask somebody who was to get it, before it is sent again"
                .to_owned(),
            recipients,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_neither_for_ever_nor_for_now() {
        let lasting = |error: SmtpError| Refusal::new(&error, Vec::new()).lasting;
        assert_eq!(lasting(SmtpError::Stopped), Lasting::Stopped);
        assert_eq!(lasting(SmtpError::Empty), Lasting::Permanent);
        let said = |code| SmtpError::Said {
            server: "s".to_owned(),
            step: super::super::Step::Message,
            code,
            words: String::new(),
        };
        assert_eq!(lasting(said(499)), Lasting::Temporary);
        assert_eq!(lasting(said(500)), Lasting::Permanent);
    }
}
