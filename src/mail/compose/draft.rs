//! A draft: what the user has typed so far, whole or half.
//!
//! Invariant: an address field is the text that was typed, so that half an address is never lost;
//! it is read on demand. Every field has a default and unknown ones are ignored: a draft that
//! another version saved can be read. This file must not decide what is sent.

use serde::{Deserialize, Serialize};

use super::super::Address;
use super::typed::{self, Wrong};
use crate::id::{BlobHash, MessageId, ThreadId};

/// A message that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Draft {
    /// The account that it is sent with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// From, as typed: one address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// To, as typed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// Cc, as typed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cc: String,
    /// Bcc, as typed. It is in the envelope and never in the message.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bcc: String,
    /// Reply-To, as typed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reply_to: String,
    /// The subject.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// The text, its lines ended by LF; a long line is a paragraph.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The Message-ID that it answers, without angle brackets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<String>,
    /// Its ancestors, oldest first, without angle brackets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// What is attached, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attached>,
    /// Messages of ours that are answered once it is sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<MessageId>,
    /// Messages of ours that are forwarded once it is sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<MessageId>,
    /// The conversations that those are in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<ThreadId>,
}

/// A file that goes with a draft; its bytes are a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attached {
    /// The file name that is sent.
    #[serde(default)]
    pub name: String,
    /// The media type, such as `image/png`.
    #[serde(default, rename = "type")]
    pub media_type: String,
    /// The blob with its bytes.
    pub hash: BlobHash,
    /// How many bytes.
    #[serde(default)]
    pub size: u64,
}

/// An address field of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// From.
    From,
    /// To.
    To,
    /// Cc.
    Cc,
    /// Bcc.
    Bcc,
    /// Reply-To.
    ReplyTo,
}

impl Field {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 5] = [Self::From, Self::To, Self::Cc, Self::Bcc, Self::ReplyTo];

    /// Its name in a header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::From => "From",
            Self::To => "To",
            Self::Cc => "Cc",
            Self::Bcc => "Bcc",
            Self::ReplyTo => "Reply-To",
        }
    }
}

/// What is wrong in an address field, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressError {
    /// The field.
    pub field: Field,
    /// The bytes of the field's text.
    pub range: std::ops::Range<usize>,
    /// What is wrong with them.
    pub wrong: Wrong,
}

impl std::fmt::Display for AddressError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field.name(), self.wrong)
    }
}

/// The addresses of a draft as far as they can be read, and what cannot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipients {
    /// From; more than one is an error as well.
    pub from: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc.
    pub bcc: Vec<Address>,
    /// Reply-To.
    pub reply_to: Vec<Address>,
    /// What cannot be read.
    pub errors: Vec<AddressError>,
}

impl Recipients {
    /// To, Cc and Bcc.
    pub fn all(&self) -> impl Iterator<Item = &Address> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }
}

impl Draft {
    /// The text of an address field.
    #[must_use]
    pub fn field(&self, field: Field) -> &str {
        match field {
            Field::From => &self.from,
            Field::To => &self.to,
            Field::Cc => &self.cc,
            Field::Bcc => &self.bcc,
            Field::ReplyTo => &self.reply_to,
        }
    }

    /// The text of an address field, to be typed into.
    pub fn field_mut(&mut self, field: Field) -> &mut String {
        match field {
            Field::From => &mut self.from,
            Field::To => &mut self.to,
            Field::Cc => &mut self.cc,
            Field::Bcc => &mut self.bcc,
            Field::ReplyTo => &mut self.reply_to,
        }
    }

    /// Reads the address fields.
    #[must_use]
    pub fn recipients(&self) -> Recipients {
        let mut out = Recipients::default();
        for field in Field::ALL {
            let (addresses, wrong) = typed::parse(self.field(field));
            out.errors.extend(wrong.into_iter().map(|(range, wrong)| AddressError {
                field,
                range,
                wrong,
            }));
            match field {
                Field::From => out.from = addresses,
                Field::To => out.to = addresses,
                Field::Cc => out.cc = addresses,
                Field::Bcc => out.bcc = addresses,
                Field::ReplyTo => out.reply_to = addresses,
            }
        }
        if out.from.len() > 1 {
            let range = 0..self.from.len();
            out.errors.push(AddressError { field: Field::From, range, wrong: Wrong::OneOnly });
        }
        out
    }

    /// Whether nothing was typed yet that would be missed.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let texts = [&self.to, &self.cc, &self.bcc, &self.subject, &self.body];
        texts.iter().all(|text| text.trim().is_empty()) && self.attachments.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_of_another_version_is_read() {
        let text = r#"{"to":"half an addr","newer":[1,{}],"references":["a@b"]}"#;
        let draft: Draft = serde_json::from_str(text).unwrap();
        assert_eq!(draft.to, "half an addr");
        assert_eq!(draft.references, ["a@b"]);
        assert_eq!(serde_json::from_str::<Draft>("{}").unwrap(), Draft::default());
        assert_eq!(serde_json::to_string(&Draft::default()).unwrap(), "{}");
        let again = serde_json::to_string(&draft).unwrap();
        assert_eq!(serde_json::from_str::<Draft>(&again).unwrap(), draft);
    }

    #[test]
    fn recipients_say_where_they_are_wrong() {
        let draft = Draft {
            from: "a@x.org, b@x.org".into(),
            to: "ann@x.org, bob".into(),
            ..Draft::default()
        };
        let read = draft.recipients();
        assert_eq!(read.to.len(), 1);
        let wrong: Vec<_> = read.errors.iter().map(|e| (e.field, e.range.clone())).collect();
        assert_eq!(wrong, [(Field::To, 11..14), (Field::From, 0..16)]);
        assert!(Draft::default().is_blank() && !draft.is_blank());
    }
}
