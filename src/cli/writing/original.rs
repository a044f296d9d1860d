//! The message that is answered, forwarded, or whose list is left.
//!
//! Invariant: it only reads. A message is found by what `show` says of it; where a name could mean
//! none, nothing is answered.

use crate::backend::Reader;
use crate::cli::home::Home;
use crate::cli::{rest, show};
use crate::engine::view::Message;
use crate::engine::{Device, EngineError};
use crate::mail::compose::{Hints, Shown};
use crate::notice::{Exit, Explain as _, Notice};
use crate::safe_text;

/// Messages whose bytes can be asked for.
pub(in crate::cli) struct Original<'a> {
    home: &'a Home,
    device: Device,
    logs: Option<Reader>,
    /// The messages of the conversation, oldest first.
    pub(in crate::cli) messages: Vec<Message>,
    /// Which of them is meant.
    pub(in crate::cli) at: usize,
}

impl<'a> Original<'a> {
    /// Finds a message: by its conversation, which has it as its newest or by this `id`, or by its
    /// Message-ID.
    pub(in crate::cli) fn find(
        home: &'a Home,
        target: &str,
        id: Option<&str>,
    ) -> Result<Self, Notice> {
        let none = || EngineError::NoThread(safe_text::line(target)).notice();
        let mut device = crate::cli::caught_up(home)?.ok_or_else(none)?;
        let logs = Reader::open(&home.backend_dir()).map_err(|error| error.notice())?;
        let bare = bare(target);
        let by_message_id = bare.contains('@');
        let thread = match &logs {
            Some(logs) if by_message_id => {
                let found = logs.thread_of(bare).map_err(|error| error.notice())?;
                found.ok_or_else(|| no_message(bare))?.to_string()
            }
            None if by_message_id => {
                let hint = "name its conversation, and the message with --message";
                return Err(Notice { hint: hint.to_owned(), ..no_message(bare) });
            }
            _ => target.to_owned(),
        };
        let (thread, _) = show::one(home, &mut device, logs.as_ref(), &thread)?;
        let messages = thread.messages;
        let wanted = id.map(self::bare).or(Some(bare).filter(|_| by_message_id));
        let at = match wanted {
            Some(wanted) => messages
                .iter()
                .position(|m| m.id.as_str() == wanted || m.message_id.as_deref() == Some(wanted))
                .ok_or_else(|| no_message(wanted))?,
            None => messages.iter().rposition(|m| !m.flags.draft).ok_or_else(none)?,
        };
        Ok(Self { home, device, logs, messages, at })
    }

    /// The one that is meant.
    pub(in crate::cli) fn message(&self) -> &Message {
        &self.messages[self.at]
    }

    /// The beginning of a message at least: its header.
    pub(in crate::cli) fn head(&self, message: &Message) -> Result<Vec<u8>, Notice> {
        match &message.outline {
            Some(hash) => show::bytes(self.home, &self.device, self.logs.as_ref(), hash),
            None => self.raw(message),
        }
    }

    /// The bytes of a message as they came; of one that is not whole the rest is fetched first.
    pub(in crate::cli) fn raw(&self, message: &Message) -> Result<Vec<u8>, Notice> {
        if message.outline.is_some() {
            return rest::raw(self.home, &message.thread, &message.id);
        }
        let hash = message.raw.as_ref().ok_or_else(|| no_message(message.id.as_str()))?;
        show::bytes(self.home, &self.device, self.logs.as_ref(), hash)
    }

    /// What of the message its answers need. Where its bytes are not here, what only its header
    /// says is not known.
    pub(in crate::cli) fn shown(&self) -> Shown {
        let message = self.message();
        let hints = self.head(message).map(|raw| Hints::read(&raw)).unwrap_or_default();
        message.shown(hints)
    }
}

/// A Message-ID without what it may stand in.
fn bare(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text)
}

fn no_message(name: &str) -> Notice {
    let line = format!("there is no message {}", safe_text::line(name));
    Notice::error("no-message", line, "`mailtui show THREAD --json` lists those of a conversation")
        .exit(Exit::NotFound)
}
