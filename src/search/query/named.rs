//! `@name`: what a saved search asks, at its place in a query.
//!
//! Invariant: bounded: a search that asks itself, or too many one in another, is marked and left
//! out, and its parts count as parts of the query. A name that no search has is a word as any.

use std::ops::Range;

use super::parse::Reader;
use super::{Context, MAX_DEPTH, MAX_NAMED, MAX_NAMED_DEPTH, Named, Query, hyphened};
use crate::label::folded;
use crate::search::mark::Weight;

/// The saved search that `given` means: its name in any case, or with `-` for spaces and signs.
#[must_use]
pub fn find_named<'a>(given: &str, saved: &'a [Named]) -> Option<&'a Named> {
    let given = folded(given);
    let is = |named: &&Named| folded(&named.name) == given;
    let is_like = |named: &&Named| hyphened(&folded(&named.name)) == hyphened(&given);
    saved.iter().find(is).or_else(|| saved.iter().find(is_like))
}

impl<'a> Reader<'a> {
    /// The name behind an `@`, and where what is written ends.
    fn name_here(&self) -> (&'a str, usize) {
        let from = self.at() + 1;
        let rest = &self.text[from..];
        if let Some(quoted) = rest.strip_prefix('"') {
            let len = quoted.find('"').unwrap_or(quoted.len());
            let closed = usize::from(len < quoted.len());
            return (&quoted[..len], from + 1 + len + closed);
        }
        let end = self.word_end(from);
        (&self.text[from..end], end)
    }

    /// Whether what begins here is the name of a saved search; one that it may be is marked.
    pub(super) fn is_named(&mut self) -> bool {
        let (name, end) = self.name_here();
        if find_named(name, self.context.saved).is_some() {
            return true;
        }
        // A host, or an address of somebody elsewhere, is looked for as such.
        let is_name = name.chars().next().is_some_and(char::is_alphanumeric) && !name.contains('.');
        if is_name && !(self.context.typing && self.rest_is_blank(end)) {
            let message = format!("no search is saved as {name}");
            let hint = "`mailtui search --saved` lists them; it is searched for as text";
            self.mark(self.at()..end, Weight::Warning, &message, hint);
        }
        false
    }

    /// Reads what the saved search asks that is named here.
    pub(super) fn named_search(&mut self) -> Option<Query> {
        let (name, end) = self.name_here();
        let span = self.at()..end;
        self.go_to(end);
        let named = find_named(name, self.context.saved)?;
        self.named += 1;
        let no = if self.inside.contains(&named.name) {
            "it asks itself"
        } else if self.inside.len() >= MAX_NAMED_DEPTH || self.depth >= MAX_DEPTH {
            "too many ask each other"
        } else if self.named > MAX_NAMED {
            "too many are asked for"
        } else {
            return self.read_named(named, span);
        };
        self.cannot(&named.name, no, span);
        None
    }

    fn cannot(&mut self, name: &str, why: &str, span: Range<usize>) {
        let message = format!("the saved search {name} cannot be asked: {why}");
        self.mark(span, Weight::Error, &message, "save it again, or remove it");
    }

    fn read_named(&mut self, named: &Named, span: Range<usize>) -> Option<Query> {
        let context = Context { typing: false, ..self.context.clone() };
        let mut reader = Reader::new(&named.query, &context);
        (reader.leaves, reader.named) = (self.leaves, self.named);
        (reader.depth, reader.negated) = (self.depth + 1, self.negated);
        reader.inside.clone_from(&self.inside);
        reader.inside.push(named.name.clone());
        let query = reader.all();
        let wrong = reader.marks.iter().find(|mark| mark.weight == Weight::Error);
        let wrong = wrong.map(|mark| mark.message.clone());
        (self.leaves, self.named) = (reader.leaves, reader.named);
        match wrong {
            Some(wrong) => {
                self.cannot(&named.name, &wrong, span);
                None
            }
            None if query == Query::All => {
                self.cannot(&named.name, "it asks nothing", span);
                None
            }
            None => Some(query.placed(&span)),
        }
    }
}

impl Query {
    /// The same, with all of it at one place.
    fn placed(self, span: &Range<usize>) -> Self {
        let all = |parts: Vec<Self>| parts.into_iter().map(|part| part.placed(span)).collect();
        match self {
            Self::All => Self::All,
            Self::And(parts) => Self::And(all(parts)),
            Self::Or(parts) => Self::Or(all(parts)),
            Self::Not(part) => Self::Not(Box::new(part.placed(span))),
            Self::Leaf(mut leaf) => {
                leaf.span = span.clone();
                Self::Leaf(leaf)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::parse;
    use super::*;

    /// Sunday, 2024-03-10, 12:00 UTC.
    const NOW: i64 = 1_710_072_000;

    /// Reads `text` where these searches have names, and prints it; or says what is wrong.
    fn named(text: &str, saved: &[(&str, &str)]) -> Result<String, String> {
        let saved: Vec<Named> = saved
            .iter()
            .map(|(name, query)| Named {
                id: crate::id::LabelId::try_from("_s_a").unwrap(),
                name: (*name).to_owned(),
                query: (*query).to_owned(),
            })
            .collect();
        let zone = TimeZone::UTC;
        let context = Context { now: NOW, zone: &zone, me: &[], typing: false, saved: &saved };
        let parsed = parse(text, &context);
        match parsed.marks.iter().find(|mark| mark.weight != Weight::Open) {
            Some(mark) => Err(format!("{:?} {}", &text[mark.span.clone()], mark.message)),
            None => Ok(parsed.query.print(&zone)),
        }
    }

    #[test]
    fn a_name_asks_what_its_search_asks() {
        let saved = [
            ("Bills", "from:bank OR from:shop"),
            ("Late Bills", "@bills -is:read in:inbox"),
            ("me", "@me x"),
            ("bad", "larger:soon"),
            ("none", "  "),
        ];
        let check = |text: &str, wanted: &str| {
            assert_eq!(named(text, &saved).as_deref(), Ok(wanted), "{text}");
        };
        check("@bills", "from:bank OR from:shop");
        check("x @BILLS y", "x from:bank OR from:shop y");
        check("-@bills", "-(from:bank OR from:shop)");
        check("@late-bills", "from:bank OR from:shop -is:read in:inbox");
        check("@\"Late Bills\" z", "from:bank OR from:shop -is:read in:inbox z");
        check("a@bills", "\"a bills\"");
        check("from:@bills", "from:bills");
        check("@example.org", "\"example org\"");
        let wrong = |text: &str, part: &str| {
            let said = named(text, &saved).unwrap_err();
            assert!(said.contains(part), "{text}: {said}");
        };
        wrong("x @me", "\"@me\" the saved search me cannot be asked: the saved search me");
        wrong("@bad", "soon is no size");
        wrong("@none", "it asks nothing");
        wrong("@bils", "no search is saved as bils");
        wrong(&"@bills ".repeat(65), "too many are asked for");
        let chain: Vec<(String, String)> =
            (0..9).map(|n| (format!("s{n}"), format!("@s{} x", n + 1))).collect();
        let chain: Vec<(&str, &str)> =
            chain.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert!(named("@s0", &chain).unwrap_err().contains("too many ask each other"));
    }

    #[test]
    fn named_searches_count_as_parts_of_the_query() {
        let many = "a ".repeat(1_000);
        let text = "@many @many @many".to_owned();
        let said = named(&text, &[("many", &many)]).unwrap_err();
        assert!(said.contains("too much is asked for"), "{said}");
    }
}
