//! The message that is answered or forwarded, as values.
//!
//! Invariant: total; what a message says here is a proposal for a draft, which the user sees before
//! it is sent. This file must not choose who is answered: `people` does.

use super::super::defect::Defects;
use super::super::{Address, address, field, parse};
use super::mailto;
use crate::id::MessageId;

/// What of a message its answers need.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// Our id of it.
    pub message: Option<MessageId>,
    /// Its Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// Its ancestors, oldest first.
    pub references: Vec<String>,
    /// From.
    pub from: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Reply-To.
    pub reply_to: Vec<Address>,
    /// Its subject, decoded.
    pub subject: Option<String>,
    /// Its date, in Unix seconds.
    pub date: Option<i64>,
    /// Its shown text.
    pub text: String,
    /// What only its raw header says.
    pub hints: Hints,
}

/// What only the raw header of a message says about answers to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hints {
    /// Where its list takes answers (List-Post, RFC 2369 section 3.4); never one that takes none.
    pub list_post: Option<String>,
    /// Who is to get answers to all (Mail-Followup-To).
    pub followup_to: Vec<Address>,
    /// To which address it was delivered (Delivered-To, X-Original-To, Envelope-To), top first.
    pub delivered_to: Vec<Address>,
}

impl Hints {
    /// Reads a message, or only its header.
    #[must_use]
    pub fn read(raw: &[u8]) -> Self {
        let mut defects = Defects::default();
        let head = field::message(raw, &mut defects);
        let mut all = |names: &[&str]| -> Vec<Address> {
            let values = names.iter().flat_map(|name| head.all(name)).take(MAX_FIELDS);
            let found: Vec<_> = values.flat_map(|v| address::parse(v, &mut defects)).collect();
            found.into_iter().filter(|address| address.address.contains('@')).collect()
        };
        Self {
            followup_to: all(&["Mail-Followup-To"]),
            delivered_to: all(&["Delivered-To", "X-Original-To", "Envelope-To"]),
            list_post: head.first("List-Post").and_then(list_post),
        }
    }
}

/// Fields of one kind that are read.
const MAX_FIELDS: usize = 20;

/// The first mailto address of a List-Post field; `NO` is none.
fn list_post(value: &[u8]) -> Option<String> {
    let uri =
        super::unsubscribe::uris(value).into_iter().find_map(|uri| mailto::parse(&uri).ok())?;
    uri.draft.recipients().to.first().map(|to| to.address.clone())
}

impl Shown {
    /// Reads a raw message.
    #[must_use]
    pub fn read(raw: &[u8]) -> Self {
        let parsed = parse(raw);
        Self {
            message: None,
            message_id: parsed.message_id,
            references: parsed.references,
            from: parsed.from,
            to: parsed.to,
            cc: parsed.cc,
            reply_to: parsed.reply_to,
            subject: parsed.subject,
            date: parsed.date,
            text: parsed.text,
            hints: Hints::read(raw),
        }
    }

    /// Whether there is a list that takes answers.
    #[must_use]
    pub fn has_list(&self) -> bool {
        self.hints.list_post.is_some()
    }
}
