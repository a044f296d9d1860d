//! A query as it is answered: what the index is asked, and what is left to be looked at row by row.
//!
//! Invariant: pure; the plan means what the query means. What is about texts is one expression of
//! the index wherever it can be, so that the newest answers are read and no others.

use std::collections::HashSet;

use crate::id::{LabelId, ThreadId};
use crate::label;
use crate::search::fts::{self, Text};
use crate::search::index::number_of;
use crate::search::query::{Query, State, Test, Thing, Where};

/// What labels are called.
pub trait Names {
    /// The labels that a name in a query means; none where there is no such label.
    fn labels(&mut self, name: &str) -> Vec<LabelId>;

    /// The threads of which an account has a message; none where there is no such account.
    fn account(&mut self, name: &str) -> Vec<ThreadId> {
        let _ = name;
        Vec::new()
    }
}

/// What is asked of a message, or of its conversation, in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expr {
    All,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Text(Text),
    /// The conversation has one of these labels; of none it has none.
    Labels(Vec<LabelId>),
    /// It has one that somebody made.
    UserLabel,
    Attached,
    Larger(u64),
    Smaller(u64),
    Before(i64),
    After(i64),
    /// It is in one of these threads.
    Threads(HashSet<ThreadId>),
    /// Its Message-ID, as a number.
    Named(i64),
}

/// How deep an expression over words goes: the parser of FTS5 has a stack of a hundred, of which a
/// level takes up to seven. What goes deeper is looked at message by message.
const MAX_WORDS_DEPTH: usize = 10;

/// How a query is answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Plan {
    /// What the table of words is asked; nothing when it is not.
    pub(super) words: Option<String>,
    /// What the table of beginnings is asked.
    pub(super) short: Option<String>,
    /// Dates of the answers: from the first, to before the second.
    pub(super) dates: (Option<i64>, Option<i64>),
    /// Lists of which each answer is in one: labels that are asked of all.
    pub(super) lists: Vec<Vec<LabelId>>,
    /// What else is looked at.
    pub(super) rest: Vec<Expr>,
}

impl Plan {
    /// The plan of a query. `ranked` wants all words in one expression.
    pub(super) fn of(query: &Query, names: &mut dyn Names, typing: bool, ranked: bool) -> Self {
        let scoped = scoped(query);
        let mut parts = Vec::new();
        flatten(expr(&scoped, names, typing), &mut parts);
        let mut plan = Self::default();
        let (mut with, mut short, mut without) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            match part {
                Expr::All => {}
                Expr::Text(Text { short: Some(begin), beside, .. }) if !ranked => {
                    short.push(begin);
                    with.extend(beside);
                }
                Expr::Before(at) => {
                    plan.dates.1 = Some(plan.dates.1.map_or(at, |end| end.min(at)));
                }
                Expr::After(at) => {
                    plan.dates.0 = Some(plan.dates.0.map_or(at, |start| start.max(at)));
                }
                Expr::Labels(labels) => plan.lists.push(labels),
                Expr::Not(ref inner) => match words(inner) {
                    Some(text) => without.push((text, part)),
                    None => plan.rest.push(part),
                },
                part => match words(&part) {
                    Some(text) => with.push(text),
                    None => plan.rest.push(part),
                },
            }
        }
        // The index cannot be asked for what has not a word, only for what has others and not it.
        let (texts, parts): (Vec<_>, Vec<_>) = without.into_iter().unzip();
        plan.short = fts::all(&short);
        plan.words = fts::all(&with).map(|with| fts::without(&with, &texts));
        if plan.words.is_none() {
            plan.rest.extend(parts);
        }
        plan
    }
}

/// The query where it looks: everywhere but in trash and spam, unless it asks for a place that is
/// hidden. What is to be absent asks for nothing: `-in:trash` does not show spam.
fn scoped(query: &Query) -> Query {
    let mut named = false;
    query.leaves(&mut |leaf, wanted| {
        named |= wanted
            && match &leaf.test {
                Test::In(Where::Anywhere) => true,
                Test::In(Where::Place(place)) => place.hidden() > 1,
                Test::Label(name) => {
                    let name = name.to_lowercase();
                    ["trash", "spam", "anywhere"].contains(&name.as_str())
                }
                _ => false,
            };
    });
    if named {
        return query.clone();
    }
    let all = Query::Leaf(super::query::Leaf { span: 0..0, test: Test::In(Where::All) });
    Query::And(vec![all, query.clone()])
}

fn flatten(expr: Expr, parts: &mut Vec<Expr>) {
    match expr {
        Expr::And(inner) => inner.into_iter().for_each(|part| flatten(part, parts)),
        other => parts.push(other),
    }
}

/// The expression over words that means the same; `None` where other things are asked too, or the
/// parser of FTS5 would have to go too deep.
fn words(expr: &Expr) -> Option<String> {
    words_within(expr, MAX_WORDS_DEPTH)
}

fn words_within(expr: &Expr, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let words = |part: &Expr| words_within(part, depth);
    match expr {
        Expr::Text(text) => Some(text.words.clone()),
        Expr::Or(parts) => fts::any(&parts.iter().map(words).collect::<Option<Vec<_>>>()?),
        Expr::And(parts) => {
            let (mut with, mut without) = (Vec::new(), Vec::new());
            for part in parts {
                match part {
                    Expr::Not(inner) => without.push(words(inner)?),
                    part => with.push(words(part)?),
                }
            }
            Some(fts::without(&fts::all(&with)?, &without))
        }
        _ => None,
    }
}

fn expr(query: &Query, names: &mut dyn Names, typing: bool) -> Expr {
    let mut all = |parts: &[Query]| parts.iter().map(|part| expr(part, names, typing)).collect();
    match query {
        Query::All => Expr::All,
        Query::And(parts) => Expr::And(all(parts)),
        Query::Or(parts) => Expr::Or(all(parts)),
        Query::Not(part) => match expr(part, names, typing) {
            Expr::Not(inner) => *inner,
            // What asks nothing yet, asks nothing.
            Expr::All if matches!(**part, Query::Leaf(_)) => Expr::All,
            other => Expr::Not(Box::new(other)),
        },
        Query::Leaf(leaf) => leaf_expr(&leaf.test, names, typing),
    }
}

fn leaf_expr(test: &Test, names: &mut dyn Names, typing: bool) -> Expr {
    let labels =
        |ids: &[&'static str]| Expr::Labels(ids.iter().map(|id| label::system(id)).collect());
    let not = |expr| Expr::Not(Box::new(expr));
    match test {
        Test::Text { .. } | Test::Near { .. } => {
            Text::of(test, typing).map_or(Expr::All, Expr::Text)
        }
        Test::In(Where::All) => labels(&ALL),
        Test::In(Where::Anywhere) => labels(&ANYWHERE),
        Test::In(Where::Place(place)) => Expr::Labels(vec![place.label()]),
        Test::In(Where::System(id)) => labels(&[id]),
        Test::Label(name) => match name.to_lowercase().as_str() {
            "all" => labels(&ALL),
            "anywhere" => labels(&ANYWHERE),
            _ => Expr::Labels(names.labels(name)),
        },
        Test::Is(State::Unread) => labels(&["unread"]),
        Test::Is(State::Read) => not(labels(&["unread"])),
        Test::Is(State::Starred) => labels(&["starred"]),
        Test::Is(State::Unstarred) => not(labels(&["starred"])),
        Test::Is(State::Muted) => labels(&["muted"]),
        Test::Is(State::Snoozed) => labels(&["snoozed"]),
        Test::Has(Thing::Attachment) => Expr::Attached,
        Test::Has(Thing::UserLabel) => Expr::UserLabel,
        Test::Larger(size) => Expr::Larger(*size),
        Test::Smaller(size) => Expr::Smaller(*size),
        Test::Before(at) => Expr::Before(*at),
        Test::After(at) => Expr::After(*at),
        Test::Account(name) => Expr::Threads(names.account(name).into_iter().collect()),
        Test::MessageId(id) => Expr::Named(number_of(id)),
    }
}

/// Lists whose union is every conversation but those in trash and spam.
pub(super) const ALL: [&str; 3] = ["inbox", "archive", "snoozed"];
/// Lists whose union is every conversation.
const ANYWHERE: [&str; 5] = ["inbox", "archive", "snoozed", "spam", "trash"];

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::search::query::{Context, parse};

    struct Nobody;

    impl Names for Nobody {
        fn labels(&mut self, _: &str) -> Vec<LabelId> {
            Vec::new()
        }
    }

    fn words_of(text: &str) -> String {
        let context = Context { now: 0, zone: &TimeZone::UTC, me: &[], typing: false, saved: &[] };
        let query = parse(text, &context).query;
        Plan::of(&query, &mut Nobody, false, true).words.unwrap_or_default()
    }

    /// The parser of FTS5 takes a hundred parentheses within each other.
    #[test]
    fn as_many_words_as_there_are_stand_side_by_side() {
        for word in ["word ", "-word other ", "word OR ", "(a OR (b c)) "] {
            let text = words_of(&word.repeat(1_000));
            let deep = text.chars().scan(0, |deep, c| {
                *deep += i32::from(c == '(') - i32::from(c == ')');
                Some(*deep)
            });
            let deepest = deep.max();
            assert!(!text.is_empty() && deepest < Some(10), "{word}: {deepest:?}");
        }
        let nested = format!("y {}", "-(a -y ".repeat(31));
        assert!(
            words_of(&nested).matches('(').count() < 2 * MAX_WORDS_DEPTH,
            "looked at, not asked"
        );
        assert_eq!(words_of("a b -c -d"), "((\"a\") AND (\"b\")) NOT ((\"c\") OR (\"d\"))");
    }
}
