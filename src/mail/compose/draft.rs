//! A draft: what the user has typed so far, whole or half.
//!
//! Invariant: an address field is the text that was typed, so that half an address is never lost; it
//! is read on demand. Every field has a default and unknown ones are ignored: a draft that another
//! version saved can be read. This file must not decide what is sent.

use serde::{Deserialize, Serialize};

use crate::id::{BlobHash, MessageId};

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
