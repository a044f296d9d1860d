//! What is said about a place in a query.
//!
//! Invariant: the place lies in what was typed, at character boundaries; the texts are safe to
//! show. This file must not know what a query may hold.

use std::ops::Range;

use crate::safe_text;

/// How much a mark weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It is not finished yet: what is there so far counts.
    Open,
    /// It counts, but perhaps not as it was meant.
    Warning,
    /// It cannot be asked; the rest of the query can.
    Error,
}

/// A remark about a part of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What it is about, in bytes of what was typed.
    pub span: Range<usize>,
    /// How much it weighs.
    pub weight: Weight,
    /// What is there, one line.
    pub message: String,
    /// What to write instead, one line; may be empty.
    pub hint: String,
}

impl Mark {
    /// A remark; its texts are made safe.
    #[must_use]
    pub fn new(span: Range<usize>, weight: Weight, message: &str, hint: &str) -> Self {
        Self { span, weight, message: safe_text::line(message), hint: safe_text::line(hint) }
    }
}
