//! What may be written next in a query: operators, their values, labels, people, and what was
//! searched for before.
//!
//! Invariant: total and bounded; what is offered is safe to show, and put in its place it is read
//! as what it says. This file must not look anything up: what is known comes in.

use std::ops::Range;

use super::query::operator::{self, Operator};
use super::query::value::{self, Row};
use super::query::{Field, Named, hyphened, value_text};
use super::words;
use crate::safe_text;

/// The most that is offered at a time.
pub const MAX_COMPLETIONS: usize = 50;
/// Of these, what was searched for before.
pub const MAX_HISTORY: usize = 5;
/// Labels and people of each kind.
const MAX_EACH: usize = 10;
/// Letters of a word from which on people and labels are offered for it.
const FROM_CHARS: usize = 2;

/// Somebody that mail came from or went to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The display name.
    pub name: Option<String>,
    /// The address.
    pub address: String,
}

/// What is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// Names of labels.
    pub labels: &'a [String],
    /// People, the likeliest first.
    pub people: &'a [Person],
    /// What was searched for, the newest first.
    pub history: &'a [String],
    /// Searches that have a name.
    pub saved: &'a [Named],
}

/// What is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole query that was searched for before.
    History,
    /// An operator: its value comes behind it.
    Operator,
    /// A value of an operator.
    Value,
    /// A label.
    Label,
    /// Somebody.
    Person,
    /// A saved search.
    Saved,
}

/// Something that may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What it stands instead of, in bytes.
    pub replace: Range<usize>,
    /// What is written there.
    pub insert: String,
    /// What it is, one line; may be empty.
    pub what: String,
    /// Of what kind.
    pub kind: Kind,
}

/// What may be written in `text` at `cursor` (in bytes; it is moved to a character's beginning).
#[must_use]
pub fn complete(text: &str, cursor: usize, known: &Known<'_>) -> Vec<Completion> {
    let at = Place::of(text, text.floor_char_boundary(cursor));
    let mut list = List { at: &at, known, out: Vec::new() };
    if at.operator.is_none() {
        list.history(text);
    }
    match at.operator {
        None if !at.quoted && at.typed.starts_with('@') => list.saved(MAX_COMPLETIONS),
        None if !at.quoted => {
            list.operators();
            if at.typed.chars().count() >= FROM_CHARS {
                list.labels("label:", MAX_EACH);
                list.people("from:", MAX_EACH);
                list.saved(MAX_EACH);
            }
        }
        Some(Operator::Label) => list.labels("", MAX_COMPLETIONS),
        Some(Operator::In) => {
            list.rows(value::IN);
            list.labels("", MAX_EACH);
        }
        Some(Operator::Is) => list.rows(value::IS),
        Some(Operator::Has) => list.rows(value::HAS),
        Some(
            Operator::Text(Field::From | Field::To | Field::Cc | Field::Bcc)
            | Operator::DeliveredTo,
        ) => {
            list.plain(&[("me", "you")]);
            list.people("", MAX_COMPLETIONS);
        }
        Some(Operator::Text(Field::Filename)) => list.plain(FILES),
        Some(Operator::Before | Operator::After | Operator::On) => list.plain(DAYS),
        Some(Operator::OlderThan | Operator::NewerThan) => list.plain(AGES),
        Some(Operator::Larger | Operator::Smaller) => list.plain(SIZES),
        Some(Operator::Category) => list.plain(CATEGORIES),
        None | Some(Operator::Text(_) | Operator::Account | Operator::MessageId) => {}
    }
    list.out.truncate(MAX_COMPLETIONS);
    list.out
}

const DAYS: &[(&str, &str)] = &[
    ("today", "this day"),
    ("yesterday", "the day before"),
    ("monday", "the last Monday"),
    ("7d", "seven days ago"),
    ("1m", "a month ago"),
    ("1y", "a year ago"),
    ("2024-01-31", "a day"),
    ("2024-01", "a month"),
    ("2024", "a year"),
];
const AGES: &[(&str, &str)] = &[
    ("1d", "a day"),
    ("7d", "seven days"),
    ("2w", "two weeks"),
    ("1m", "a month"),
    ("6m", "six months"),
    ("1y", "a year"),
];
const SIZES: &[(&str, &str)] =
    &[("100k", "100 KiB"), ("1M", "1 MiB"), ("5M", "5 MiB"), ("10M", "10 MiB"), ("25M", "25 MiB")];
const FILES: &[(&str, &str)] = &[
    ("pdf", "PDF"),
    ("docx", "a document"),
    ("xlsx", "a spreadsheet"),
    ("jpg", "a picture"),
    ("png", "a picture"),
    ("zip", "an archive"),
    ("ics", "an invitation"),
];
const CATEGORIES: &[(&str, &str)] = &[
    ("personal", "Gmail's category"),
    ("social", "Gmail's category"),
    ("promotions", "Gmail's category"),
    ("updates", "Gmail's category"),
    ("forums", "Gmail's category"),
];

/// What is being written.
#[derive(Debug, PartialEq, Eq)]
struct Place<'a> {
    /// The operator that it is a value of.
    operator: Option<Operator>,
    /// What there is of it before the cursor, without operator and quote.
    typed: &'a str,
    /// Where that begins, up to the end of the word at the cursor.
    replace: Range<usize>,
    /// A quote is open.
    quoted: bool,
}

impl<'a> Place<'a> {
    /// Reads `text` up to `cursor`, from left to right: which groups and quotes are open there.
    fn of(text: &'a str, cursor: usize) -> Self {
        let before = &text[..cursor];
        let mut groups: Vec<Option<Operator>> = Vec::new();
        // The operator right before what comes, and where the word or phrase began.
        let mut operator = None;
        let mut start = 0;
        let mut quoted = false;
        for (at, c) in before.char_indices() {
            if quoted {
                if c == '"' {
                    (quoted, operator, start) = (false, None, at + 1);
                }
                continue;
            }
            match c {
                '"' => (quoted, start) = (true, at),
                '(' | '{' => {
                    let scope = operator.take().or_else(|| groups.last().copied().flatten());
                    groups.push(scope);
                    start = at + 1;
                }
                ')' | '}' => {
                    groups.pop();
                    (operator, start) = (None, at + 1);
                }
                ':' => {
                    let word = before[start..at].trim_start_matches(['-', '+', '\u{2212}']);
                    if let Some(found) = operator::find(word) {
                        (operator, start) = (Some(found), at + 1);
                    }
                }
                c if c.is_whitespace() || c == '|' => {
                    // An operator may stand with a space behind it.
                    if start < at || c == '|' {
                        operator = None;
                    }
                    start = at + c.len_utf8();
                }
                _ => {}
            }
        }
        let operator = operator.or_else(|| groups.last().copied().flatten());
        let mut typed = &before[start..];
        if quoted {
            typed = &typed[1..];
        } else if operator.is_none() {
            typed = typed.trim_start_matches(['-', '+', '\u{2212}']);
            start = cursor - typed.len();
        }
        let ends = |c: char| c.is_whitespace() || "(){}|\"".contains(c);
        let end = if quoted {
            text[cursor..].find('"').map_or(text.len(), |len| cursor + len + 1)
        } else {
            text[cursor..].find(ends).map_or(text.len(), |len| cursor + len)
        };
        Self { operator, typed, replace: start..end, quoted }
    }
}

struct List<'a> {
    at: &'a Place<'a>,
    known: &'a Known<'a>,
    out: Vec<Completion>,
}

impl List<'_> {
    fn add(&mut self, insert: &str, what: &str, kind: Kind) {
        let (replace, what) = (self.at.replace.clone(), safe_text::line(what));
        let insert = safe_text::line(insert);
        if !self.out.iter().any(|known| known.insert == insert) {
            self.out.push(Completion { replace, insert, what, kind });
        }
    }

    fn history(&mut self, text: &str) {
        let typed = text.trim_start().to_lowercase();
        let begins = |old: &&String| {
            let old = old.to_lowercase();
            old.starts_with(&typed) && old != typed.trim_end()
        };
        for old in self.known.history.iter().filter(begins).take(MAX_HISTORY) {
            let (replace, insert) = (0..text.len(), safe_text::line(old));
            let what = "searched for before".to_owned();
            self.out.push(Completion { replace, insert, what, kind: Kind::History });
        }
    }

    fn operators(&mut self) {
        let typed = self.at.typed.to_lowercase();
        for row in operator::ALL {
            if row.names.iter().any(|name| name.starts_with(&typed)) {
                self.add(&format!("{}:", row.names[0]), row.what, Kind::Operator);
            }
        }
    }

    /// Saved searches of whose name a word begins with what was typed, with or without `@`.
    fn saved(&mut self, most: usize) {
        let typed = words::folded(self.at.typed);
        let fits = |named: &&Named| holds(&words::folded(&named.name), &typed);
        for named in self.known.saved.iter().filter(fits).take(most) {
            let written = hyphened(&safe_text::line(&named.name));
            self.add(&format!("@{written}"), &named.query, Kind::Saved);
        }
    }

    fn rows(&mut self, rows: &[Row]) {
        let typed = self.at.typed.to_lowercase();
        for row in rows {
            if row.names.iter().any(|name| name.starts_with(&typed)) {
                self.add(row.names[0], row.what, Kind::Value);
            }
        }
    }

    fn plain(&mut self, values: &[(&str, &str)]) {
        let typed = self.at.typed.to_lowercase();
        for (value, what) in values.iter().filter(|(value, _)| value.starts_with(&typed)) {
            self.add(value, what, Kind::Value);
        }
    }

    /// Labels of which a word begins with what was typed.
    fn labels(&mut self, operator: &str, most: usize) {
        let typed = words::folded(self.at.typed);
        let fits = |name: &&String| holds(&words::folded(name), &typed);
        for name in self.known.labels.iter().filter(fits).take(most) {
            let clean = safe_text::line(name);
            let written = if self.at.quoted { value_text(&clean) } else { hyphened(&clean) };
            self.add(&format!("{operator}{written}"), &clean, Kind::Label);
        }
    }

    /// People of whose name or address words begin with what was typed.
    fn people(&mut self, operator: &str, most: usize) {
        let typed = words::folded(self.at.typed);
        let fits = |person: &&Person| {
            let mut all = words::folded(person.name.as_deref().unwrap_or_default());
            all.extend(words::folded(&person.address));
            holds(&all, &typed)
        };
        for person in self.known.people.iter().filter(fits).take(most) {
            let insert = format!("{operator}{}", value_text(&person.address));
            self.add(&insert, person.name.as_deref().unwrap_or_default(), Kind::Person);
        }
    }
}

/// Whether the words of a name have what was typed next to each other, the last of it begun.
fn holds(name: &[String], typed: &[String]) -> bool {
    let Some((last, first)) = typed.split_last() else { return true };
    name.windows(typed.len()).any(|part| {
        let (end, begin) = (&part[first.len()], &part[..first.len()]);
        begin == first && end.starts_with(last.as_str())
    })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::super::mark::Weight;
    use super::super::query::{Context, parse};
    use super::*;

    fn with_known<T>(then: impl FnOnce(&Known<'_>) -> T) -> T {
        let person = |name: Option<&str>, address: &str| Person {
            name: name.map(str::to_owned),
            address: address.to_owned(),
        };
        let people = [
            person(Some("Ann Lee"), "ann@example.org"),
            person(None, "bob.lee@example.org"),
            person(Some("Größe"), "carl@x.de"),
        ];
        let labels = ["Work", "My Label", "Größe/A"].map(str::to_owned);
        let history = ["from:ann lunch", "lunch", "from:ann"].map(str::to_owned);
        let id = crate::id::LabelId::try_from("_s_a").unwrap();
        let saved = [Named { id, name: "Late Bills".to_owned(), query: "from:bank".to_owned() }];
        then(&Known { labels: &labels, people: &people, history: &history, saved: &saved })
    }

    /// `text` (with `^` for the cursor) after each completion.
    fn check(text: &str, expected: &[&str]) {
        let cursor = text.find('^').expect("a cursor");
        let text = text.replace('^', "");
        let found = with_known(|known| complete(&text, cursor, known));
        let mut after: Vec<String> = Vec::new();
        for one in found {
            let mut text = text.clone();
            text.replace_range(one.replace, &one.insert);
            after.push(text);
        }
        assert_eq!(after, expected, "{text}");
    }

    #[test]
    fn operators_and_their_values() {
        check("fr^", &["from:ann lunch", "from:ann", "from:"]);
        check("a -su^", &["a -subject:"]);
        check("a (fi^ b)", &["a (filename: b)"]);
        check("is:un^", &["is:unread", "is:unstarred"]);
        check(
            "is:^x b",
            &[
                "is:unread b",
                "is:read b",
                "is:starred b",
                "is:unstarred b",
                "is:snoozed b",
                "is:muted b",
                "is:important b",
                "is:inbox b",
                "is:archived b",
                "is:sent b",
                "is:draft b",
                "is:spam b",
                "is:trash b",
                "is:scheduled b",
            ],
        );
        check("in:wo^", &["in:Work"]);
        check("in:tr^", &["in:trash"]);
        check("has:att^", &["has:attachment"]);
        check(
            "older_than:^",
            &[
                "older_than:1d",
                "older_than:7d",
                "older_than:2w",
                "older_than:1m",
                "older_than:6m",
                "older_than:1y",
            ],
        );
        check("after:y^", &["after:yesterday"]);
        check("subject:fr^", &[]);
        check("\"fr^", &[]);
    }

    #[test]
    fn labels_and_people() {
        check("label:^", &["label:Work", "label:My-Label", "label:Größe-A"]);
        check("label:lab^", &["label:My-Label"]);
        check("label:\"my l^", &["label:\"My Label\""]);
        check("l:gros^", &["l:Größe-A"]);
        check("from:le^", &["from:ann@example.org", "from:bob.lee@example.org"]);
        check("from: le^", &["from: ann@example.org", "from: bob.lee@example.org"]);
        check("from:(x OR gr^)", &["from:(x OR carl@x.de)"]);
        check("to:m^", &["to:me"]);
        check("x lee^", &["x from:ann@example.org", "x from:bob.lee@example.org"]);
        check("from:ann@example.o^", &["from:ann@example.org"]);
        check("lu^", &["lunch"]);
        check("x @^ y", &["x @Late-Bills y"]);
        check("-@bi^", &["-@Late-Bills"]);
        check("late^", &["@Late-Bills"]);
    }

    #[test]
    fn nothing_typed_offers_what_was_searched_and_all_operators() {
        let found = with_known(|known| complete("", 0, known));
        assert_eq!(found[0].insert, "from:ann lunch");
        assert_eq!(found.iter().filter(|one| one.kind == Kind::Operator).count(), 23);
    }

    #[test]
    fn values_that_are_offered_are_read() {
        let context = Context {
            now: 1_710_072_000,
            zone: &TimeZone::UTC,
            me: &[],
            typing: false,
            saved: &[],
        };
        for row in operator::ALL {
            let text = format!("{}:", row.names[0]);
            for one in with_known(|known| complete(&text, text.len(), known)) {
                let mut text = text.clone();
                text.replace_range(one.replace, &one.insert);
                let parsed = parse(&text, &context);
                assert!(parsed.marks.iter().all(|m| m.weight != Weight::Error), "{text}");
            }
        }
    }

    #[test]
    fn what_is_offered_is_safe_to_show() {
        let labels = ["a\u{1b}[2J\u{202e}".to_owned()];
        let known = Known { labels: &labels, people: &[], history: &labels, saved: &[] };
        for one in complete("a", 1, &known).iter().chain(&complete("label:", 6, &known)) {
            let shown = format!("{}{}", one.insert, one.what);
            assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
        }
    }

    proptest! {
        #[test]
        fn a_place_is_in_the_text(text in "[a-z:\"(){}| é-]{0,30}", cursor in 0_usize..40) {
            for one in with_known(|known| complete(&text, cursor, known)) {
                prop_assert!(text.get(one.replace.clone()).is_some(), "{:?}", one);
            }
        }
    }
}
