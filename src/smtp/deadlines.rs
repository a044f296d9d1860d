//! How long each step of a submission may take.
//!
//! Invariant: there is no wait without one, and the one behind the last dot is the longest: who
//! gives up there does not know what became of the message (RFC 1047; RFC 5321, 4.5.3.2.6).

use std::time::Duration;

use crate::account::smtp_wire::Patience;

/// A way to the server. What takes longer is a network that loses packets; trying again is free.
const CONNECT: Duration = Duration::from_secs(30);
/// TLS, from its first byte to its last.
const TLS: Duration = Duration::from_secs(30);
/// The greeting. RFC 5321 has five minutes, for relays that greet late on purpose; a server for
/// submission greets its own users, and somebody looks at the outbox meanwhile.
const GREETING: Duration = Duration::from_mins(1);
/// EHLO, STARTTLS and each line of a login.
const COMMAND: Duration = Duration::from_mins(1);
/// MAIL, each RCPT, and the answer to DATA. RFC 5321 has five minutes and two; servers that look
/// an address up elsewhere do need one, and what fails here is surely not sent.
const ENVELOPE: Duration = Duration::from_mins(2);
/// Each block of the message until it is taken (RFC 5321, 4.5.3.2.5).
const BLOCK: Duration = Duration::from_mins(3);
/// The answer to the last dot (RFC 5321, 4.5.3.2.6).
const ANSWER: Duration = Duration::from_mins(10);

/// Deadlines of a submission; those of the program unless a test has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Name and connection.
    pub connect: Duration,
    /// TLS.
    pub tls: Duration,
    /// The greeting.
    pub greeting: Duration,
    /// EHLO, STARTTLS and each line of a login.
    pub command: Duration,
    /// MAIL, each RCPT, DATA.
    pub envelope: Duration,
    /// Each block of the message.
    pub block: Duration,
    /// The answer to the last dot.
    pub answer: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: CONNECT,
            tls: TLS,
            greeting: GREETING,
            command: COMMAND,
            envelope: ENVELOPE,
            block: BLOCK,
            answer: ANSWER,
        }
    }
}

impl Deadlines {
    pub(super) const fn patience(&self) -> Patience {
        Patience { greeting: self.greeting, tls: self.tls, command: self.command }
    }
}
