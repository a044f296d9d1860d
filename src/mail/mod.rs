//! RFC 5322 and MIME as values: parse, addresses, references, text, writing ([`compose`]). Pure.
//!
//! Invariant: no database, socket, clock or terminal here; every function is total: bad input gives
//! a degraded value and a defect, never an error or a panic; time and memory are linear in the
//! input, depth is bounded.
//!
//! The header, MIME and HTML readers are ours, because what a reader is promised (sizes in octets
//! after transfer decoding, bounds, answers that other mail programs agree with) cannot be had from
//! a message that was already decoded; mail-parser gives the charset and entity tables, behind
//! `charset` and `html`.

mod address;
mod alternative;
mod auth;
mod base64;
mod body;
mod canonical;
mod charset;
pub mod compose;
mod date;
mod defect;
mod envelope;
mod facts;
mod field;
mod file_type;
mod gmail;
mod html;
pub mod links;
mod message_id;
mod outline;
mod param;
#[cfg(test)]
mod parse_tests;
mod part;
mod program;
mod report;
mod script;
mod searchable;
mod sender;
mod snippet;
mod sort_date;
mod status;
mod stored;
mod transfer;
mod word;

use serde::{Deserialize, Serialize};

pub use alternative::others;
pub use auth::Verdict;
pub use canonical::{canonical_hash, message_key};
pub use envelope::{attached, each_attachment, each_picture, message_id_of, parse};
pub use facts::{Anchor, Auth, Facts, LeftOut, PartStart, Targets};
pub use field::looks_like_mail;
pub use file_type::{file_ending, file_type};
pub use gmail::conversation_key;
pub use outline::{header_hash, outlined};
pub use program::program;
pub use report::is_report;
pub use searchable::{Searchable, parse_and_search, searchable};
pub use sender::{Doubt, Known, doubts, shows_another};
pub use snippet::{SNIPPET_CHARS, snippet};
pub use sort_date::sort_date;
pub use status::{MAX_KEYWORDS, expunged};
pub use stored::stored;

/// An address as it is listed: decoded display name, `local@domain`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The display name, decoded, white space folded; `None` when absent or empty.
    pub name: Option<String>,
    /// The addr-spec as written; may be empty for a group or a broken field.
    pub address: String,
}

impl Address {
    /// It as it is shown: its host in small letters, as those of links are, since a capital `I` is
    /// taken for a small `l`. What stands before is its owner's affair.
    #[must_use]
    pub fn shown(&self) -> std::borrow::Cow<'_, str> {
        match self.address.rsplit_once('@') {
            Some((local, host)) if host.chars().any(char::is_uppercase) => {
                format!("{local}@{}", host.to_lowercase()).into()
            }
            _ => self.address.as_str().into(),
        }
    }
}

/// A leaf part that a reader can save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The file name, decoded; `None` when absent.
    pub name: Option<String>,
    /// The media type, lower case, such as `image/png`.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Octets after transfer decoding.
    pub size: u64,
}

/// Flags that a mail store or the message's own status headers state.
#[expect(clippy::struct_excessive_bools, reason = "flags are independent of each other")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Flags {
    /// Read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read: bool,
    /// Starred.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub starred: bool,
    /// Answered.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
    /// Forwarded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
    /// A draft.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
    /// Marked as deleted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub trashed: bool,
}

/// Where a message's sort date comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SortFrom {
    /// The Date header.
    Date,
    /// The newest Received header.
    Received,
    /// The file's time, or the mbox `From ` line's.
    File,
    /// When it was imported.
    Import,
}

/// Everything that is read from a message, once, at ingest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// The Message-ID without angle brackets; `None` when absent or empty.
    pub message_id: Option<String>,
    /// Decoded, unfolded, runs of white space as one space; `None` when absent.
    pub subject: Option<String>,
    /// From.
    pub from: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc.
    pub bcc: Vec<Address>,
    /// Reply-To.
    pub reply_to: Vec<Address>,
    /// The Date header in Unix seconds; `None` when unreadable.
    pub date: Option<i64>,
    /// The date of the topmost Received header in Unix seconds.
    pub received: Option<i64>,
    /// The msg-ids this message names as its ancestors, oldest first, nearest last: References,
    /// else In-Reply-To; only real msg-ids (with `@`), without its own id, without repeats.
    pub references: Vec<String>,
    /// All shown text parts joined by an empty line, not wrapped, not cut, safe for a terminal.
    pub text: String,
    /// What is known beside the text.
    pub facts: Facts,
    /// What a reader can save.
    pub attachments: Vec<Attachment>,
    /// What its provider says it belongs to (`X-GM-THRID`), as a key that is no Message-ID.
    pub conversation: Option<String>,
    /// `X-Mozilla-Status`, else `Status` and `X-Status` (mbox), where present.
    pub status: Option<Flags>,
    /// Label names from `X-Keywords`, `X-Mozilla-Keys` and `X-Gmail-Labels`.
    pub keywords: Vec<String>,
    /// Stable codes of what was wrong with it, sorted, without repeats.
    pub defects: Vec<String>,
}
