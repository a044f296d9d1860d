//! What is asked of mail, as a value: the language that people know from Gmail.
//!
//! `a b` and `a AND b` are both, `a OR b`, `a | b` and `{a b}` either; `OR` binds its neighbours
//! tighter than a space does, as there. `-a` and `NOT a` are without, `"a b"` is a phrase, `a*` any
//! word that begins so, `( )` a group, `from:(a b)` an operator for each of a group. [`parse()`]
//! is total: what cannot be asked is marked and left out, what is not finished counts so far.
//!
//! Invariant: a parsed query is in normal form (no group in a group of its kind, none of fewer
//! than two), and printing it and parsing that gives the same query. This file must not know how a
//! query is answered.

use std::ops::Range;

use jiff::tz::TimeZone;

use super::error::SearchError;
use super::mark::{Mark, Weight};
use crate::id::LabelId;
use crate::label::Place;

mod asked;
mod date;
mod labels;
mod named;
pub(in crate::search) mod operator;
mod parse;
mod print;
mod size;
#[cfg(test)]
mod tests;
pub(in crate::search) mod value;
mod wants;

pub use named::find_named;
pub use parse::parse;
pub use wants::Wants;

/// The longest query, in bytes; what is behind is left out.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;
/// Leaves of a query; what is behind is left out.
pub const MAX_LEAVES: usize = 2_000;
/// Groups in groups; deeper ones count as part of the last.
pub const MAX_DEPTH: usize = 32;
/// Words of a phrase; what is behind is left out.
pub const MAX_PHRASE_WORDS: usize = 64;
/// Marks that are given.
pub const MAX_MARKS: usize = 100;
/// Searches that a query asks by their names, those that they ask among them; what is behind is
/// left out.
pub const MAX_NAMED: usize = 64;
/// Searches that ask each other, one in another.
pub const MAX_NAMED_DEPTH: usize = 4;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Everything.
    All,
    /// Each of two or more.
    And(Vec<Query>),
    /// Any of two or more.
    Or(Vec<Query>),
    /// Not this.
    Not(Box<Query>),
    /// One thing.
    Leaf(Leaf),
}

/// One thing that is asked, and where it stands in what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// In bytes, with its operator.
    pub span: Range<usize>,
    /// What is asked.
    pub test: Test,
}

/// What is asked of a message, or of its conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Words in this order, next to each other, in one text of a message.
    Text {
        /// Where.
        field: Field,
        /// Folded; never empty.
        words: Vec<String>,
        /// The last may go on.
        prefix: bool,
    },
    /// Two phrases with at most so many words between them, in any order.
    Near {
        /// Where.
        field: Field,
        /// Folded; never empty.
        first: Vec<String>,
        /// Folded; never empty.
        second: Vec<String>,
        /// Words between them.
        within: u32,
    },
    /// The conversation has a label: its id, its name, or its name as it is written in a query
    /// ([`is_label`]).
    Label(String),
    /// Where the conversation is.
    In(Where),
    /// What the conversation is.
    Is(State),
    /// What the message has.
    Has(Thing),
    /// More bytes than this.
    Larger(u64),
    /// Fewer bytes than this.
    Smaller(u64),
    /// Dated before this Unix second.
    Before(i64),
    /// Dated at this Unix second or later.
    After(i64),
    /// A mail account has a message of the thread: its address or id, or what these begin with.
    Account(String),
    /// The message with this Message-ID, without angle brackets.
    MessageId(String),
}

/// A text of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// Any of the following but the list.
    Any,
    /// Who sent it.
    From,
    /// Who it is to: `To`, `Cc` and `Bcc`.
    To,
    /// `Cc` alone.
    Cc,
    /// `Bcc` alone.
    Bcc,
    /// The subject.
    Subject,
    /// What is read of it.
    Body,
    /// The names of what is attached.
    Filename,
    /// The id of the list that it came by.
    List,
}

/// Where a conversation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// In this place.
    Place(Place),
    /// Neither in trash nor in spam.
    All,
    /// Wherever it is.
    Anywhere,
    /// In a list of the system, by its id: `sent`, `drafts`, `outbox`, `snoozed`, `muted`.
    System(&'static str),
}

/// What a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// With mail that is not read.
    Unread,
    /// All of it is read.
    Read,
    /// With a star.
    Starred,
    /// Without one.
    Unstarred,
    /// Muted.
    Muted,
    /// Snoozed.
    Snoozed,
}

/// What a message has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Thing {
    /// Something attached.
    Attachment,
    /// A label that somebody made.
    UserLabel,
}

/// What a query may mean by `today`, `me`, and the end of what is typed.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// Unix seconds.
    pub now: i64,
    /// Where a day begins.
    pub zone: &'a TimeZone,
    /// The user's own addresses.
    pub me: &'a [String],
    /// The last word is still being written: it may go on.
    pub typing: bool,
    /// Searches that have a name: `@name` asks what they ask.
    pub saved: &'a [Named],
}

/// A search that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: LabelId,
    /// Its name.
    pub name: String,
    /// What it asks, as typed.
    pub query: String,
}

/// A query that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What is asked.
    pub query: Query,
    /// What is to say about it, in the order of its places.
    pub marks: Vec<Mark>,
}

impl Parsed {
    /// The query, unless a part of it cannot be asked.
    ///
    /// # Errors
    /// With the first such part.
    pub fn asked(self, text: &str) -> Result<Query, SearchError> {
        match self.marks.into_iter().find(|mark| mark.weight == Weight::Error) {
            None => Ok(self.query),
            Some(mark) => {
                let before = text.get(..mark.span.start).unwrap_or(text);
                Err(SearchError::Query { character: before.chars().count() + 1, mark })
            }
        }
    }
}

impl Query {
    /// Each of these.
    #[must_use]
    pub fn and(parts: Vec<Self>) -> Self {
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::All => {}
                Self::And(inner) => all.extend(inner),
                other => all.push(other),
            }
        }
        match all.len() {
            0 => Self::All,
            1 => all.swap_remove(0),
            _ => Self::And(all),
        }
    }

    /// Any of these; a part that asks nothing is none.
    #[must_use]
    pub fn or(parts: Vec<Self>) -> Self {
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::All => {}
                Self::Or(inner) => all.extend(inner),
                other => all.push(other),
            }
        }
        match all.len() {
            0 => Self::All,
            1 => all.swap_remove(0),
            _ => Self::Or(all),
        }
    }

    /// Not this; what asks nothing stays so.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "beside `and` and `or`")]
    pub fn not(part: Self) -> Self {
        match part {
            Self::All => Self::All,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Its leaves in order, and whether each is asked for (and not asked to be absent).
    pub fn leaves(&self, see: &mut impl FnMut(&Leaf, bool)) {
        self.walk(true, see);
    }

    fn walk(&self, wanted: bool, see: &mut impl FnMut(&Leaf, bool)) {
        match self {
            Self::All => {}
            Self::And(parts) | Self::Or(parts) => {
                for part in parts {
                    part.walk(wanted, see);
                }
            }
            Self::Not(part) => part.walk(!wanted, see),
            Self::Leaf(leaf) => see(leaf, wanted),
        }
    }
}

/// Whether `given`, as it stands in a query, means the label with this id and name: either of them
/// in any case, or the name with `-` for spaces and signs, as Gmail writes it.
#[must_use]
pub fn is_label(given: &str, id: &str, name: &str) -> bool {
    let (given_folded, name_folded) = (crate::label::folded(given), crate::label::folded(name));
    given_folded == id.to_lowercase()
        || given_folded == name_folded
        || hyphened(&given_folded) == hyphened(&name_folded)
}

/// Whether a label of this name is no label but the sum of several places.
#[must_use]
pub fn is_virtual(name: &str) -> bool {
    ["all", "anywhere"].contains(&name.to_lowercase().as_str())
}

/// The name among `names` that is nearest to the one that was given for a label, if one is near.
#[must_use]
pub fn nearest_label<'a>(given: &str, names: &'a [String]) -> Option<&'a str> {
    let folded = |name: &str| hyphened(&crate::label::folded(name));
    let all: Vec<String> = names.iter().map(|name| folded(name)).collect();
    let near = operator::nearest(&folded(given), all.iter().map(String::as_str))?;
    all.iter().position(|name| name == near).map(|at| names[at].as_str())
}

/// A value as it is written behind an operator: in quotes if it has white space or signs in it. A
/// quote cannot be written in a query; `-` stands for it, as in the name of a label.
#[must_use]
pub fn value_text(value: &str) -> String {
    let sign = |c: char| c.is_whitespace() || "(){}|".contains(c);
    let value = value.replace('"', "-");
    if value.is_empty() || value.contains(sign) { format!("\"{value}\"") } else { value }
}

/// A label's name as it is written in a query without quotes.
#[must_use]
pub fn hyphened(name: &str) -> String {
    let sign = |c: char| c.is_whitespace() || "\"&(){}/|".contains(c);
    name.chars().map(|c| if sign(c) { '-' } else { c }).collect()
}
