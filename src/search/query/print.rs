//! A query as text, in one way.
//!
//! Invariant: reading what was printed gives the same query, unless that is longer than a query may
//! be; no group is deeper than it was typed.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::{Field, Leaf, Query, State, Test, Thing, Where, date, size};

impl Query {
    /// The query as it is written; days are those of `zone`.
    #[must_use]
    pub fn print(&self, zone: &TimeZone) -> String {
        let mut out = String::new();
        write(self, zone, &mut out);
        out
    }
}

fn write(query: &Query, zone: &TimeZone, out: &mut String) {
    match query {
        Query::All => {}
        Query::And(parts) => join(parts, " ", zone, out),
        Query::Or(parts) => join(parts, " OR ", zone, out),
        Query::Not(part) => {
            out.push('-');
            let near = matches!(**part, Query::Leaf(Leaf { test: Test::Near { .. }, .. }));
            let grouped = near || !matches!(**part, Query::Leaf(_));
            group(part, grouped, zone, out);
        }
        Query::Leaf(leaf) => test(&leaf.test, zone, out),
    }
}

/// `OR` binds tighter than a space, so only what is joined by spaces needs a group in it.
fn join(parts: &[Query], between: &str, zone: &TimeZone, out: &mut String) {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.push_str(between);
        }
        group(part, matches!(part, Query::And(_)), zone, out);
    }
}

fn group(query: &Query, grouped: bool, zone: &TimeZone, out: &mut String) {
    if grouped {
        out.push('(');
    }
    write(query, zone, out);
    if grouped {
        out.push(')');
    }
}

fn test(test: &Test, zone: &TimeZone, out: &mut String) {
    match test {
        Test::Text { field, words, prefix } => text(*field, words, *prefix, out),
        Test::Near { field, first, second, within } => {
            text(*field, first, false, out);
            // A String takes all that is written.
            let _ = write!(out, " AROUND {within} ");
            text(*field, second, false, out);
        }
        Test::Label(name) => named("label:", name, out),
        Test::In(place) => {
            out.push_str("in:");
            out.push_str(match place {
                Where::Place(place) => place.as_str(),
                Where::All => "all",
                Where::Anywhere => "anywhere",
                Where::System(id) => id,
            });
        }
        Test::Is(state) => {
            out.push_str("is:");
            out.push_str(match state {
                State::Unread => "unread",
                State::Read => "read",
                State::Starred => "starred",
                State::Unstarred => "unstarred",
                State::Muted => "muted",
                State::Snoozed => "snoozed",
            });
        }
        Test::Has(Thing::Attachment) => out.push_str("has:attachment"),
        Test::Has(Thing::UserLabel) => out.push_str("has:userlabels"),
        Test::Larger(bytes) => named("larger:", &size::print(*bytes), out),
        Test::Smaller(bytes) => named("smaller:", &size::print(*bytes), out),
        Test::Before(at) => named("before:", &date::print(*at, zone), out),
        Test::After(at) => named("after:", &date::print(*at, zone), out),
        Test::Account(name) => named("account:", name, out),
        Test::MessageId(id) => named("rfc822msgid:", id, out),
    }
}

const fn operator(field: Field) -> &'static str {
    match field {
        Field::Any => "",
        Field::From => "from:",
        Field::To => "to:",
        Field::Cc => "cc:",
        Field::Bcc => "bcc:",
        Field::Subject => "subject:",
        Field::Body => "body:",
        Field::Filename => "filename:",
        Field::List => "list:",
    }
}

fn text(field: Field, words: &[String], prefix: bool, out: &mut String) {
    out.push_str(operator(field));
    // `from:me` is the user; the word is meant in quotes.
    let quoted = words.len() > 1 || words.iter().any(|word| word == "me");
    let star = if prefix { "*" } else { "" };
    let quote = if quoted { "\"" } else { "" };
    let _ = write!(out, "{quote}{}{star}{quote}", words.join(" "));
}

/// An operator and a value that is taken as it stands.
fn named(operator: &str, value: &str, out: &mut String) {
    out.push_str(operator);
    out.push_str(&super::value_text(value));
}
