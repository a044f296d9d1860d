//! The attachments of a conversation, and their bytes.
//!
//! Invariant: the numbers are those of the whole conversation, in the order in which `show` lists
//! them. Bytes are found where the message has them; where what was read of it once says otherwise
//! than it does now, the one that is the same in name, type and size is meant, and no other.

use crate::cli::home::Home;
use crate::cli::writing::Original;
use crate::id::{MessageId, ThreadId};
use crate::mail::{Attachment, each_attachment};
use crate::notice::{Exit, Notice};

/// Gets an attachment's bytes, or why there are none.
pub(super) type Take<'t> = dyn FnMut(&Item, Result<&[u8], Notice>) + 't;

/// One attachment.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Its number in the conversation, from 1.
    pub(super) number: usize,
    /// The thread of its message.
    pub(super) thread: ThreadId,
    /// Its message.
    pub(super) message: MessageId,
    /// That message's Message-ID.
    pub(super) message_id: Option<String>,
    /// Who wrote that.
    pub(super) whose: String,
    /// What it is.
    pub(super) attachment: Attachment,
    /// The message's place in the conversation, and its own in the message.
    at: (usize, usize),
}

/// A conversation with what is attached to it.
pub(super) struct Conversation<'a> {
    original: Original<'a>,
    /// What is attached to the messages that are meant.
    pub(super) items: Vec<Item>,
}

impl<'a> Conversation<'a> {
    /// Finds it; `message` keeps to one of its messages.
    pub(super) fn find(
        home: &'a Home,
        thread: &str,
        message: Option<&str>,
    ) -> Result<Self, Notice> {
        let original = Original::find(home, thread, message)?;
        let one = message.is_some() || ThreadId::try_from(thread).is_err();
        let mut items = Vec::new();
        for (place, message) in original.messages.iter().enumerate() {
            if message.raw.is_none() && message.outline.is_none() {
                continue; // a draft: what goes with it has no message yet
            }
            for (own, attachment) in message.attachments.iter().enumerate() {
                let from = message.from.first();
                let name = |from: &crate::mail::Address| {
                    from.name.clone().unwrap_or_else(|| from.address.clone())
                };
                items.push(Item {
                    number: items.len() + 1,
                    thread: message.thread.clone(),
                    message: message.id.clone(),
                    message_id: message.message_id.clone(),
                    whose: from.map(name).unwrap_or_default(),
                    attachment: attachment.clone(),
                    at: (place, own),
                });
            }
        }
        items.retain(|item| !one || item.at.0 == original.at);
        Ok(Self { original, items })
    }

    /// The one with this number; without a number the only one.
    pub(super) fn one(&self, number: Option<usize>) -> Result<&Item, Notice> {
        match (number, self.items.as_slice()) {
            (_, []) => Err(nothing()),
            (None, [item]) => Ok(item),
            (None, several) => {
                let line = format!("which of {} attachments?", several.len());
                let hint = "name its number; `mailtui attachment list` says it";
                Err(Notice::error("which", line, hint).exit(Exit::Usage))
            }
            (Some(number), items) => {
                let found = items.iter().find(|item| item.number == number);
                found.ok_or_else(|| no_such(number))
            }
        }
    }

    /// Its bytes.
    pub(super) fn bytes(&self, item: &Item) -> Result<Vec<u8>, Notice> {
        let raw = self.raw(item)?;
        bytes_of(&raw, item.at.1, &self.listed(item, &raw)).ok_or_else(|| not_in_it(item))
    }

    /// Gives the bytes of `items` to `take`, or why there are none; each message is read once.
    pub(super) fn each(&self, items: &[&Item], take: &mut Take<'_>) {
        for of_one in items.chunk_by(|a, b| a.at.0 == b.at.0) {
            let raw = match self.raw(of_one[0]) {
                Ok(raw) => raw,
                Err(notice) => {
                    for item in of_one {
                        take(item, Err(notice.clone()));
                    }
                    continue;
                }
            };
            let (mut now, mut left) = (0, of_one.to_vec());
            each_attachment(&raw, &mut |attachment, _, bytes| {
                let here = |item: &&Item| item.at.1 == now && item.attachment == *attachment;
                if let Some(found) = left.iter().position(here) {
                    take(left.remove(found), Ok(bytes));
                }
                now += 1;
            });
            for item in left {
                match bytes_of(&raw, item.at.1, &self.listed(item, &raw)) {
                    Some(bytes) => take(item, Ok(&bytes)),
                    None => take(item, Err(not_in_it(item))),
                }
            }
        }
    }

    /// What it is. Of a message that was not whole its size was not known.
    fn listed(&self, item: &Item, raw: &[u8]) -> Attachment {
        let mut listed = item.attachment.clone();
        if self.original.messages[item.at.0].outline.is_some() {
            let mut now = 0;
            each_attachment(raw, &mut |found, _, _| {
                let same = (&found.name, &found.media_type) == (&listed.name, &listed.media_type);
                if now == item.at.1 && same {
                    listed.size = found.size;
                }
                now += 1;
            });
        }
        listed
    }

    fn raw(&self, item: &Item) -> Result<Vec<u8>, Notice> {
        self.original.raw(&self.original.messages[item.at.0])
    }
}

fn not_in_it(item: &Item) -> Notice {
    let line = format!("attachment {} is not in its message", item.number);
    Notice::error("attachment", line, "`mailtui show --raw` gives the message as it came")
}

/// The bytes of the attachment that was listed at this place.
pub(in crate::cli) fn bytes_of(raw: &[u8], at: usize, listed: &Attachment) -> Option<Vec<u8>> {
    let (mut now, mut there, mut alike) = (0, None, None);
    each_attachment(raw, &mut |attachment, _, bytes| {
        if attachment == listed {
            if now == at {
                there = Some(bytes.to_vec());
            } else if there.is_none() && alike.is_none() {
                alike = Some(bytes.to_vec());
            }
        }
        now += 1;
    });
    there.or(alike)
}

fn nothing() -> Notice {
    Notice::error("no-attachment", "nothing is attached", "").exit(Exit::NotFound)
}

/// There is none with this number.
pub(super) fn no_such(number: usize) -> Notice {
    let line = format!("there is no attachment {number}");
    let hint = "`mailtui attachment list` says the number of each";
    Notice::error("no-attachment", line, hint).exit(Exit::NotFound)
}
