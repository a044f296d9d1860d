//! Why a message is not sent.
//!
//! Invariant: each of these was met before the last dot could have left, or is the server's own no
//! behind it; so nothing was taken. A server's words are one safe line, cut.

use crate::account::AccountError;
use crate::notice::{Explain, Notice};

/// At what a server said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// MAIL: who it is from.
    Sender,
    /// RCPT: it ended the talk there.
    Recipient,
    /// DATA, before the message.
    Data,
    /// The message.
    Message,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sender => "this sender",
            Self::Recipient => "to go on with the recipients",
            Self::Data => "to take a message",
            Self::Message => "the message",
        })
    }
}

/// An error of a submission.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The way to the server, the encryption, the login, or an answer that is none.
    #[error(transparent)]
    Server(#[from] AccountError),
    /// The server says no.
    #[error("{server} refuses {step}: {words}")]
    Said {
        /// Who.
        server: String,
        /// At what.
        step: Step,
        /// Its code.
        code: u16,
        /// Its words.
        words: String,
    },
    /// Recipients are refused, and nobody got it.
    #[error("{server} refuses {refused} of {count} recipients: {words}")]
    Recipients {
        /// Who.
        server: String,
        /// How many it refuses.
        refused: usize,
        /// Of how many.
        count: usize,
        /// The first of them, and its words to each.
        words: String,
        /// Whether that lasts for one of them.
        permanent: bool,
    },
    /// It is larger than the server takes.
    #[error("the message has {size} bytes, and {server} takes {most} at most")]
    TooLarge {
        /// Who.
        server: String,
        /// Its bytes.
        size: u64,
        /// The server's limit.
        most: u64,
    },
    /// The server takes no international addresses or headers.
    #[error("{0} takes no international addresses (SMTPUTF8)")]
    NoUtf8(String),
    /// The server takes no bytes above 127.
    #[error("{0} takes no 8-bit text (8BITMIME)")]
    NoEightBit(String),
    /// No address.
    #[error("{0} is not an address that can be sent to or from")]
    Address(String),
    /// Nobody to send to.
    #[error("it has no recipient")]
    NoRecipient,
    /// Too many to send to.
    #[error("it has {count} recipients, and {most} is the most at a time")]
    ManyRecipients {
        /// How many.
        count: usize,
        /// At most.
        most: usize,
    },
    /// Nothing to send.
    #[error("the message is empty")]
    Empty,
    /// A line that ends otherwise than with CRLF.
    #[error("line {line} of the message does not end with CRLF")]
    BareLineEnd {
        /// From 1.
        line: usize,
    },
    /// A NUL (RFC 5322, 4).
    #[error("line {line} of the message has a NUL in it")]
    Nul {
        /// From 1.
        line: usize,
    },
    /// A line that is too long.
    #[error("line {line} of the message is longer than 998 bytes")]
    LongLine {
        /// From 1.
        line: usize,
    },
    /// Whoever sent it stopped it.
    #[error("stopped before it was given away")]
    Stopped,
}

impl Explain for SmtpError {
    fn is_permanent(&self) -> bool {
        match self {
            Self::Server(error) => error.is_permanent(),
            Self::Said { code, .. } => *code >= 500,
            Self::Recipients { permanent, .. } => *permanent,
            Self::Stopped => false,
            _ => true,
        }
    }

    fn notice(&self) -> Notice {
        let line = self.to_string();
        let (code, hint) = match self {
            Self::Server(error) => return error.notice(),
            Self::Said { code: 400..=499, .. } => ("smtp-later", "it can be tried again later"),
            Self::Said { code: 530 | 538, .. } => {
                ("smtp-login", "it wants a login or an encryption that it did not offer")
            }
            Self::Said { code: 552, .. } | Self::TooLarge { .. } => {
                ("smtp-size", "send less at a time, or a link to it")
            }
            Self::Said { step: Step::Sender, .. } => {
                ("smtp-sender", "may this account send from that address?")
            }
            Self::Said { .. } => ("smtp-no", "its words say why; change the message and try again"),
            Self::Recipients { permanent: false, .. } => {
                ("smtp-later", "nobody got it; it can be tried again later")
            }
            Self::Recipients { .. } => {
                ("smtp-recipients", "nobody got it; correct them, or take them out")
            }
            Self::NoUtf8(_) => {
                ("smtp-utf8", "use an address in ASCII, or an account whose server takes others")
            }
            Self::NoEightBit(_) => {
                ("smtp-8bit", "encode the message as quoted-printable or base64")
            }
            Self::Address(_) => ("address", "an address is like ann@example.org"),
            Self::NoRecipient => ("no-recipient", "say whom it is for"),
            Self::ManyRecipients { .. } => ("many-recipients", "send it to some at a time"),
            Self::Empty | Self::BareLineEnd { .. } | Self::Nul { .. } | Self::LongLine { .. } => {
                ("message-form", "nothing was sent; write it anew")
            }
            Self::Stopped => ("stopped", "it is as it was"),
        };
        Notice::error(code, line, hint)
    }
}
