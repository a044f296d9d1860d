//! SMTP submission (RFC 6409, over RFC 5321): one message is given to the server of an account.
//!
//! Invariant: what comes back is what is known, never more: [`Submission::Refused`] when the server
//! surely has nothing, [`Submission::Accepted`] when it said that it has all, and
//! [`Submission::Unknown`] when the last dot may have left and no answer came. Everything that can
//! be wrong with a message or an address is found before a connection is opened; no line of them
//! can become a command of its own, or a second message. This room keeps nothing and tries nothing
//! again: whoever calls it claimed the message first, and records what it says.
//!
//! When a recipient is refused nobody gets the message, unless [`Envelope::partial`] says that the
//! others are to have it: who wrote it decides.
//!
//! The bytes on the wire are `account/smtp_wire`'s; `envelope` says who it is from and for, `body`
//! what may be sent and how, `offers` what a server can do; [`submit()`] is the talk.

mod body;
mod deadlines;
mod envelope;
mod error;
mod offers;
mod submission;
mod submit;
mod watch;
mod way;

pub use deadlines::Deadlines;
pub use envelope::Envelope;
pub use error::{SmtpError, Step};
pub use submission::{Acceptance, Doubt, Lasting, Outcome, Recipient, Refusal, Submission};
pub use submit::{Delivery, submit, submit_on};
pub use watch::{Progress, Stop, Stopper, Watch};
pub use way::Way;
