//! An operator and its value, as a query: words, labels, dates, sizes.
//!
//! Invariant: a value that means nothing is marked at its place, with what can stand there.

use super::operator::{self, Operator};
use super::parse::{Reader, Value};
use super::value::{self, Meaning, Row};
use super::{Field, MAX_PHRASE_WORDS, Query, Test, date, size};
use crate::search::mark::Weight;
use crate::search::words;

impl Reader<'_> {
    /// What an operator asks with this value.
    pub(super) fn value(&mut self, operator: Operator, value: &Value<'_>) -> Option<Query> {
        if let Operator::Text(field) = operator {
            return self.text(field, value);
        }
        let raw = value.raw.trim();
        if raw.is_empty() {
            let hint = "write what to look for";
            self.missing(value.span.clone(), "nothing stands between the quotes", hint);
            return None;
        }
        match operator {
            Operator::Text(field) => self.text(field, value),
            Operator::DeliveredTo => self.text(Field::To, value),
            Operator::Label => self.leaf(value.span.clone(), Test::Label(raw.to_owned())),
            Operator::Category => {
                let label = format!("category {}", raw.to_lowercase());
                self.leaf(value.span.clone(), Test::Label(label))
            }
            Operator::In => match value::find(value::IN, raw) {
                Some(meaning) => self.meaning(meaning, value),
                None => self.leaf(value.span.clone(), Test::Label(raw.to_owned())),
            },
            Operator::Is => self.known(value::IS, "is:", value),
            Operator::Has => self.known(value::HAS, "has:", value),
            Operator::Larger => self.size(value, Test::Larger),
            Operator::Smaller => self.size(value, Test::Smaller),
            Operator::Before
            | Operator::After
            | Operator::On
            | Operator::OlderThan
            | Operator::NewerThan => self.date(operator, value),
            Operator::Account => self.leaf(value.span.clone(), Test::Account(raw.to_owned())),
            Operator::MessageId => {
                let id = raw.trim_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '>'));
                if id.is_empty() {
                    let hint = "write the id that its source shows";
                    self.mark(value.span.clone(), Weight::Error, "no Message-ID is here", hint);
                    return None;
                }
                self.leaf(value.span.clone(), Test::MessageId(id.to_owned()))
            }
        }
    }

    fn meaning(&mut self, meaning: Meaning, value: &Value<'_>) -> Option<Query> {
        let (tests, absent) = meaning.tests();
        self.room_for(tests.len(), value)?;
        let leaves = tests.into_iter().filter_map(|test| self.leaf(value.span.clone(), test));
        let query = Query::or(leaves.collect());
        (query != Query::All).then(|| if absent { Query::not(query) } else { query })
    }

    /// One of the words that an operator knows.
    fn known(&mut self, rows: &[Row], operator: &str, value: &Value<'_>) -> Option<Query> {
        let raw = value.raw.trim();
        if let Some(meaning) = value::find(rows, raw) {
            return self.meaning(meaning, value);
        }
        let names = || rows.iter().flat_map(|row| row.names).copied();
        let lower = raw.to_ascii_lowercase();
        let begun = value.open && names().any(|name| name.starts_with(&lower));
        let weight = if begun && self.context.typing { Weight::Open } else { Weight::Error };
        let hint = if let Some(near) = operator::nearest(raw, names()) {
            format!("did you mean {operator}{near} ?")
        } else {
            let first: Vec<&str> = rows.iter().take(8).map(|row| row.names[0]).collect();
            format!("there are {}", first.join(", "))
        };
        self.mark(value.span.clone(), weight, &format!("{operator}{raw} is not known"), &hint);
        None
    }

    fn size(&mut self, value: &Value<'_>, test: fn(u64) -> Test) -> Option<Query> {
        if let Some(bytes) = size::parse(value.raw) {
            return self.leaf(value.span.clone(), test(bytes));
        }
        let message = format!("{} is no size", value.raw.trim());
        self.mark(value.span.clone(), Weight::Error, &message, "write 5M, 100k or 2000");
        None
    }

    fn date(&mut self, operator: Operator, value: &Value<'_>) -> Option<Query> {
        let (now, zone) = (self.context.now, self.context.zone);
        let span = value.span.clone();
        let Some(when) = date::parse(value.raw, now, zone) else {
            self.no_date(operator, value);
            return None;
        };
        if when.unclear {
            let day = date::print(when.start, zone);
            let hint = format!("write {day} to be sure");
            self.mark(span.clone(), Weight::Warning, "read as month/day/year", &hint);
        }
        match operator {
            Operator::Before | Operator::OlderThan => self.leaf(span, Test::Before(when.start)),
            Operator::After | Operator::NewerThan => self.leaf(span, Test::After(when.start)),
            _ => {
                let (start, end) = if when.moment {
                    date::day_of(when.start, zone)?
                } else {
                    (when.start, when.end)
                };
                self.room_for(2, value)?;
                let from = self.leaf(span.clone(), Test::After(start))?;
                let until = self.leaf(span, Test::Before(end))?;
                Some(Query::and(vec![from, until]))
            }
        }
    }

    fn no_date(&mut self, operator: Operator, value: &Value<'_>) {
        let raw = value.raw.trim();
        let age = matches!(operator, Operator::OlderThan | Operator::NewerThan);
        let (what, hint) = if age {
            ("no age", "write 3d, 2w, 1m or 1y")
        } else {
            ("no date", "write 2024-01-31, 2024-01, 2024, yesterday, monday or 3d")
        };
        let begun = date::is_begun(raw);
        let coming = value.open && self.context.typing && begun;
        let weight = if coming { Weight::Open } else { Weight::Error };
        self.mark(value.span.clone(), weight, &format!("{raw} is {what}"), hint);
    }

    /// Words in a text.
    fn text(&mut self, field: Field, value: &Value<'_>) -> Option<Query> {
        let raw = value.raw.trim();
        let people = matches!(field, Field::From | Field::To | Field::Cc | Field::Bcc);
        if people && !value.quoted && raw.eq_ignore_ascii_case("me") {
            if !self.context.me.is_empty() {
                return self.me(field, value);
            }
            let hint = "`mailtui account add` says which addresses are yours";
            self.mark(value.span.clone(), Weight::Warning, "none is known to be yours", hint);
        }
        let star = raw.ends_with('*');
        let found = words::words(value.raw);
        let reaches_end = found.last().is_some_and(|word| word.at.end == value.raw.len());
        let grows = self.context.typing && value.open && reaches_end && !self.negated;
        let mut words: Vec<String> = found.into_iter().map(|word| word.text).collect();
        if words.is_empty() {
            let hint = "it is left out";
            if value.open && value.quoted {
                return None;
            }
            self.mark(value.span.clone(), Weight::Warning, "no letter or digit is here", hint);
            return None;
        }
        if words.len() > MAX_PHRASE_WORDS {
            words.truncate(MAX_PHRASE_WORDS);
            let message = format!("a phrase has at most {MAX_PHRASE_WORDS} words");
            self.mark(value.span.clone(), Weight::Warning, &message, "the rest is left out");
        }
        if raw.trim_end_matches('*').trim_start_matches("*.").contains('*') {
            let hint = "write the beginning of a word, and * behind it";
            self.mark(value.span.clone(), Weight::Warning, "* stands behind a word only", hint);
        }
        self.leaf(value.span.clone(), Test::Text { field, words, prefix: star || grows })
    }

    /// `from:me`: any of the user's addresses.
    fn me(&mut self, field: Field, value: &Value<'_>) -> Option<Query> {
        let mut parts = Vec::new();
        self.room_for(self.context.me.len(), value)?;
        for address in self.context.me {
            let words = words::folded(address);
            if !words.is_empty() {
                let test = Test::Text { field, words, prefix: false };
                parts.extend(self.leaf(value.span.clone(), test));
            }
        }
        let query = Query::or(parts);
        (query != Query::All).then_some(query)
    }
}
