//! What is told of what became of a message.
//!
//! Invariant: pure, and made from what was written, never from what a server said alone: what is
//! told is what the outbox shows.

use super::{Due, NotTaken, Why};
use crate::notice::Notice;

/// Characters of a subject, and of recipients, in a notice.
const TITLE_CHARS: usize = 60;

/// What was written of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It was sent; to whom it did not go.
    Sent(Vec<NotTaken>),
    /// It was not sent, and is tried again when it has rested.
    Later(Why),
    /// It was not sent, and is not before its user does something.
    NotSent(Why),
    /// Nobody knows.
    Unknown(Why),
    /// The log of its draft is damaged, so nothing could be written; whether it was sent.
    Unwritten(bool),
    /// It goes on at once, or there is nobody any more whom it would concern.
    Nothing,
}

impl Told {
    /// What to tell.
    pub(super) fn notice(&self, due: &Due) -> Option<Notice> {
        let what = title(due);
        Some(match self {
            Self::Sent(refused) => match refused.first() {
                None => Notice::info(format!("Sent: {what}.")),
                Some(NotTaken { address, words, .. }) => {
                    let line = format!(
                        "Sent: {what}; but not to {} of its recipients: {address}: {words}",
                        refused.len()
                    );
                    let hint = if refused.iter().any(|one| one.lasting) {
                        "the outbox names them, and sends it to them"
                    } else {
                        "it is tried again for them by itself"
                    };
                    Notice::warning("sent-partly", line, hint)
                }
            },
            Self::Later(why) => {
                let line = format!("Not sent yet: {what}: {}", why.line);
                Notice::warning("sent-later", line, "it is tried again by itself")
            }
            Self::NotSent(why) => {
                let line = format!("Not sent: {what}: {}", why.line);
                Notice::error("not-sent", line, "it waits in the outbox; change it or discard it")
            }
            Self::Unknown(why) => {
                let line = format!("Nobody knows whether this was sent: {what}: {}", why.line);
                let hint = "it waits in the outbox; it is not sent again";
                Notice::warning("sent-unknown", line, hint)
            }
            Self::Unwritten(sent) => {
                let was = if *sent { "Sent" } else { "Not sent" };
                let line = format!("{was}: {what}; but its draft is damaged and does not say so");
                Notice::warning("sent-unwritten", line, "run `mailtui doctor`")
            }
            Self::Nothing => return None,
        })
    }
}

fn title(due: &Due) -> String {
    let cut = |text: &str| text.chars().take(TITLE_CHARS).collect::<String>();
    match (due.of.subject.as_str(), due.of.to.as_str()) {
        ("", to) => format!("to {}", cut(to)),
        (subject, to) => format!("{} to {}", cut(subject), cut(to)),
    }
}
