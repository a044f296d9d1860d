//! What is known of a message beside its text: what the text leaves out, where its links lead,
//! where its parts begin, and what the receiving server found out about its sender.
//!
//! Invariant: made once, at ingest, bounded, safe for a terminal. Every field may be missing:
//! messages that were taken in before it was known are shown without it.

use serde::{Deserialize, Serialize};

/// What is known of a message beside its text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// What the shown HTML has that the text has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<LeftOut>,
    /// What is said where the text has the number of a link.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Anchor>,
    /// Where in the text a further part begins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartStart>,
    /// Where in the text we have listed the targets of its links: lines elsewhere that look like
    /// these are the sender's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<Targets>,
    /// A page is shown in the place of a plain text that says nearly nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub page_instead: bool,
    /// What the receiving server found out about the sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
}

impl Facts {
    /// Whether the line at this byte of the text is one of ours, that lists a link; `None` where
    /// no list is known: the text has none, or was made before that was noted.
    #[must_use]
    pub fn lists_at(&self, at: usize) -> Option<bool> {
        let own = |list: &Targets| list.at <= at && at < list.to;
        let first = self.lists.partition_point(|list| list.to <= at);
        (!self.lists.is_empty()).then(|| self.lists.get(first).is_some_and(own))
    }

    /// Nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What an HTML page has that its text has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LeftOut {
    /// Words that the page hides.
    pub hidden: u32,
    /// Images that are there to tell that the message was opened.
    pub trackers: u32,
    /// Other content that a browser would fetch.
    pub remote: u32,
    /// Pictures that came with the message and stand in the page.
    #[serde(skip_serializing_if = "none")]
    pub inside: u32,
}

/// What is not there is not written, as by programs that did not know of it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "as it is asked")]
fn none(count: &u32) -> bool {
    *count == 0
}

impl LeftOut {
    /// Nothing was left out.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            hidden: self.hidden.saturating_add(other.hidden),
            trackers: self.trackers.saturating_add(other.trackers),
            remote: self.remote.saturating_add(other.remote),
            inside: self.inside.saturating_add(other.inside),
        }
    }
}

/// The text of a link: where it leads stands at the end of the text, under its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Its number.
    pub n: u32,
    /// What it says; empty for an image.
    pub text: String,
}

/// A list of targets in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// Its first byte.
    pub at: usize,
    /// The byte behind it.
    pub to: usize,
}

/// Where a part of the text begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartStart {
    /// The byte of the text.
    pub at: usize,
    /// It is a message inside the message.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub message: bool,
}

/// What a server says of a sender (RFC 8601).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// The server that says so.
    pub by: String,
    /// The result of SPF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spf: Option<String>,
    /// The result of DKIM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dkim: Option<String>,
    /// The result of DMARC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dmarc: Option<String>,
    /// The domain that the results are about, where the server says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}
