//! What was typed, read from left to right into a query and marks.
//!
//! Invariant: total, and linear in the length: each character is looked at a bounded number of
//! times, groups nest at most [`MAX_DEPTH`] deep. What is left out is marked.

use std::ops::Range;

use super::operator::{self, Operator};
use super::{Context, Field, MAX_DEPTH, MAX_LEAVES, MAX_MARKS, MAX_QUERY_BYTES};
use super::{Leaf, Parsed, Query, Test};
use crate::search::mark::{Mark, Weight};

/// Words between two that are `AROUND` each other, unless it is said.
const AROUND_WORDS: u32 = 10;

/// Words that two may be apart and still be `AROUND` each other.
const MAX_AROUND_WORDS: u32 = 10_000;

/// Reads a query.
#[must_use]
pub fn parse(text: &str, context: &Context<'_>) -> Parsed {
    let kept = &text[..text.floor_char_boundary(MAX_QUERY_BYTES)];
    let mut reader = Reader::new(kept, context);
    let query = reader.all();
    if kept.len() < text.len() {
        let at = kept.len()..text.len();
        reader.mark(at, Weight::Error, "the query is too long", "ask for less at a time");
    }
    reader.close(query)
}

/// A group that is open: what ends it, and where it began.
#[derive(Clone, Copy)]
struct Open {
    closer: u8,
    at: usize,
}

/// What is being read.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) context: &'a Context<'a>,
    at: usize,
    pub(super) marks: Vec<Mark>,
    pub(super) leaves: usize,
    pub(super) depth: usize,
    /// Groups that were opened and are too deep.
    too_deep: usize,
    /// What is read is asked to be absent.
    pub(super) negated: bool,
    /// Saved searches that were read, and the names of those that this text is in.
    pub(super) named: usize,
    pub(super) inside: Vec<String>,
}

/// A value behind an operator, or a word or phrase.
#[derive(Debug, Clone)]
pub(super) struct Value<'a> {
    /// With its operator.
    pub(super) span: Range<usize>,
    /// Without quotes.
    pub(super) raw: &'a str,
    pub(super) quoted: bool,
    /// More may come: it ends where the text does, and no quote ended it.
    pub(super) open: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, context: &'a Context<'a>) -> Self {
        let (at, leaves, depth, too_deep, named) = (0, 0, 0, 0, 0);
        let (marks, inside, negated) = (Vec::new(), Vec::new(), false);
        Self { text, context, at, marks, leaves, depth, too_deep, negated, named, inside }
    }

    /// Reads all of it.
    pub(super) fn all(&mut self) -> Query {
        self.group(None, None)
    }

    fn close(mut self, query: Query) -> Parsed {
        let nothing = query == Query::All && !self.text.trim().is_empty();
        let is_told = |mark: &Mark| match mark.weight {
            Weight::Error => true,
            Weight::Open => self.context.typing, // it may come
            Weight::Warning => false,
        };
        let told = self.marks.iter().any(is_told);
        if nothing && !told {
            let hint = "write a word, or an operator such as from:ann";
            self.mark(0..self.text.len(), Weight::Error, "nothing is asked for", hint);
        }
        self.marks.sort_by_key(|mark| mark.span.start);
        Parsed { query, marks: self.marks }
    }

    pub(super) fn mark(&mut self, span: Range<usize>, weight: Weight, message: &str, hint: &str) {
        if self.marks.len() < MAX_MARKS {
            self.marks.push(Mark::new(span, weight, message, hint));
        }
    }

    /// Something is missing at `span`: while it is typed at its end, it may come.
    pub(super) fn missing(&mut self, span: Range<usize>, message: &str, hint: &str) {
        let coming = self.context.typing && self.rest_is_blank(span.end);
        let weight = if coming { Weight::Open } else { Weight::Error };
        self.mark(span, weight, message, hint);
    }

    pub(super) fn rest_is_blank(&self, at: usize) -> bool {
        self.text[at..].bytes().all(|b| matches!(b, b' ' | b')' | b'}'))
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) const fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Where a word that begins at `from` ends.
    pub(super) fn word_end(&self, from: usize) -> usize {
        self.text[from..].find(ends_word).map_or(self.text.len(), |len| from + len)
    }

    fn word(&self) -> &'a str {
        &self.text[self.at..self.word_end(self.at)]
    }

    /// Whether the next word is this keyword; it looks no further than that.
    fn is_next(&self, keyword: &str) -> bool {
        let behind = self.text[self.at..].strip_prefix(keyword);
        behind.is_some_and(|rest| rest.is_empty() || rest.starts_with(ends_word))
    }

    /// A leaf, if there is still room for one.
    pub(super) fn leaf(&mut self, span: Range<usize>, test: Test) -> Option<Query> {
        self.leaves += 1;
        if self.leaves == MAX_LEAVES + 1 {
            let at = span.start..self.text.len();
            self.mark(at, Weight::Error, "too much is asked for", "ask for less at a time");
        }
        (self.leaves <= MAX_LEAVES).then_some(Query::Leaf(Leaf { span, test }))
    }

    /// Reads up to what closes the group; `scope` is the operator before it.
    fn group(&mut self, scope: Option<Operator>, open: Option<Open>) -> Query {
        // Each of these is a list of alternatives.
        let mut parts: Vec<Vec<Query>> = Vec::new();
        let mut or = None;
        loop {
            self.skip_space();
            match self.peek() {
                None => {
                    self.unclosed(open);
                    break;
                }
                Some(closer @ (b')' | b'}')) => {
                    self.at += 1;
                    if self.too_deep > 0 {
                        self.too_deep -= 1;
                    } else if open.is_some_and(|open| open.closer == closer) {
                        break;
                    } else {
                        self.stray(closer);
                    }
                }
                Some(b'|') => {
                    or = Some(self.at);
                    self.at += 1;
                }
                Some(_) if self.is_next("OR") => {
                    or = Some(self.at);
                    self.at += 2;
                }
                Some(_) if self.is_next("AND") => self.at += 3,
                Some(_) if self.is_next("AROUND") && !parts.is_empty() => {
                    self.around(scope, &mut parts);
                }
                Some(_) => {
                    let part = self.part(scope);
                    if let (Some(at), true) = (or, parts.is_empty()) {
                        self.one_sided(at, "before");
                    }
                    match (parts.last_mut(), part) {
                        (_, None) => {}
                        (Some(last), Some(part)) if or.is_some() => last.push(part),
                        (_, Some(part)) => parts.push(vec![part]),
                    }
                    or = None;
                }
            }
        }
        if let Some(at) = or {
            self.one_sided(at, "behind");
        }
        if open.is_some_and(|open| open.closer == b'}') {
            Query::or(parts.into_iter().flatten().collect())
        } else {
            Query::and(parts.into_iter().map(Query::or).collect())
        }
    }

    fn unclosed(&mut self, open: Option<Open>) {
        if let Some(open) = open {
            let (message, hint) = match open.closer {
                b')' => ("( is not closed yet", "close it with )"),
                _ => ("{ is not closed yet", "close it with }"),
            };
            self.mark(open.at..open.at + 1, Weight::Open, message, hint);
        }
    }

    fn stray(&mut self, closer: u8) {
        let message = if closer == b')' { ") closes nothing" } else { "} closes nothing" };
        self.mark(self.at - 1..self.at, Weight::Warning, message, "it is left out");
    }

    fn one_sided(&mut self, at: usize, side: &str) {
        let len = if self.text[at..].starts_with('|') { 1 } else { 2 };
        let weight = if self.rest_is_blank(at + len) { Weight::Open } else { Weight::Warning };
        let message = format!("OR has nothing {side} it");
        self.mark(at..at + len, weight, &message, "for the word itself, write or");
    }

    /// Something with what negates it.
    fn part(&mut self, scope: Option<Operator>) -> Option<Query> {
        let before = self.negated;
        let mut not = false;
        loop {
            let rest = &self.text[self.at..];
            if rest.starts_with(['-', '\u{2212}']) {
                let behind = rest.trim_start_matches(['-', '\u{2212}']);
                self.at = self.text.len() - behind.len();
                if behind.is_empty() || behind.starts_with(char::is_whitespace) {
                    // A dash between words.
                    self.negated = before;
                    return None;
                }
                not = !not;
            } else if self.is_next("NOT") {
                let at = self.at;
                self.at += 3;
                self.skip_space();
                if matches!(self.peek(), None | Some(b')' | b'}' | b'|')) {
                    self.missing(at..at + 3, "NOT has nothing behind it", "write what must not be");
                    self.negated = before;
                    return None;
                }
                not = !not;
            } else if rest.starts_with('+') {
                // Gmail's sign for a word as it stands: words are always taken as they stand.
                self.at += 1;
            } else {
                break;
            }
        }
        self.negated = before != not;
        let found = self.one(scope);
        self.negated = before;
        if not { found.map(Query::not) } else { found }
    }

    /// A group, a phrase, an operator with its value, or a word.
    fn one(&mut self, scope: Option<Operator>) -> Option<Query> {
        match self.peek()? {
            b'(' | b'{' => self.nested(scope),
            b'@' if scope.is_none() && self.is_named() => self.named_search(),
            b'"' => {
                let value = self.quoted(self.at);
                self.value(scope.unwrap_or(Operator::Text(Field::Any)), &value)
            }
            _ => self.bare(scope),
        }
    }

    fn nested(&mut self, scope: Option<Operator>) -> Option<Query> {
        let at = self.at;
        let closer = if self.peek() == Some(b'(') { b')' } else { b'}' };
        self.at += 1;
        if self.depth >= MAX_DEPTH {
            if self.too_deep == 0 {
                self.deeper(at..at + 1);
            }
            self.too_deep += 1;
            return None;
        }
        self.depth += 1;
        let query = self.group(scope, Some(Open { closer, at }));
        self.depth -= 1;
        (query != Query::All).then_some(query)
    }

    fn deeper(&mut self, span: Range<usize>) {
        let message = format!("groups are more than {MAX_DEPTH} deep");
        self.mark(span, Weight::Error, &message, "leave some of them out");
    }

    /// A value that means more than one thing is a group.
    pub(super) fn room_for(&mut self, leaves: usize, value: &Value<'_>) -> Option<()> {
        let fits = leaves < 2 || self.depth < MAX_DEPTH;
        if !fits {
            self.deeper(value.span.clone());
        }
        fits.then_some(())
    }

    /// A phrase; `start` is where its operator stands.
    fn quoted(&mut self, start: usize) -> Value<'a> {
        let at = self.at;
        let rest = &self.text[at + 1..];
        let (raw, closed) = match rest.find('"') {
            Some(len) => (&rest[..len], true),
            None => (rest, false),
        };
        self.at = at + 1 + raw.len() + usize::from(closed);
        if !closed {
            let hint = "close it with another \"";
            self.mark(at..at + 1, Weight::Open, "the quote is not closed yet", hint);
        }
        Value { span: start..self.at, raw, quoted: true, open: !closed }
    }

    fn bare(&mut self, scope: Option<Operator>) -> Option<Query> {
        let start = self.at;
        let word = self.word();
        if let Some((name, behind)) = word.split_once(':')
            && operator::is_name(name)
        {
            if let Some(operator) = operator::find(name) {
                self.at = start + name.len() + 1;
                return self.operator(operator, start);
            }
            if scope.is_none() && !operator::is_common(name) && !behind.starts_with("//") {
                self.unknown(start, name);
            }
        }
        self.at = start + word.len();
        let open = self.at == self.text.len();
        let value = Value { span: start..self.at, raw: word, quoted: false, open };
        self.value(scope.unwrap_or(Operator::Text(Field::Any)), &value)
    }

    fn unknown(&mut self, start: usize, name: &str) {
        let names = operator::ALL.iter().flat_map(|row| row.names).copied();
        let hint = match operator::nearest(name, names) {
            Some(near) => format!("did you mean {near}: ?"),
            None => "it is searched for as text".to_owned(),
        };
        let message = format!("{name}: is no operator");
        self.mark(start..start + name.len() + 1, Weight::Warning, &message, &hint);
    }

    /// What stands behind an operator's colon, with or without a space.
    fn operator(&mut self, operator: Operator, start: usize) -> Option<Query> {
        let behind = self.at;
        self.skip_space();
        let spaced = self.at > behind;
        match self.peek() {
            Some(b'(' | b'{') => return self.nested(Some(operator)),
            Some(b'"') => {
                let value = self.quoted(start);
                return self.value(operator, &value);
            }
            Some(b')' | b'}' | b'|') | None => {}
            Some(_) => {
                let word = self.word();
                if !spaced || is_value(word) {
                    self.at += word.len();
                    let open = self.at == self.text.len();
                    let value = Value { span: start..self.at, raw: word, quoted: false, open };
                    return self.value(operator, &value);
                }
            }
        }
        let name = &self.text[start..behind];
        let message = format!("{name} has nothing behind it");
        self.missing(start..behind, &message, "write what to look for, without a space");
        self.at = behind;
        None
    }

    /// `a AROUND 5 b`, behind the `a`.
    fn around(&mut self, scope: Option<Operator>, parts: &mut Vec<Vec<Query>>) {
        let at = self.at;
        self.at += "AROUND".len();
        self.skip_space();
        let number = self.word();
        let within = number.parse::<u32>().ok();
        if within.is_some() {
            self.at += number.len();
            self.skip_space();
        }
        let second = match self.peek() {
            None | Some(b')' | b'}' | b'|') => None,
            Some(_) => self.part(scope),
        };
        let Some(last) = parts.last_mut() else { return };
        let first = last.pop();
        let near = match (&first, &second) {
            (Some(Query::Leaf(first)), Some(Query::Leaf(second))) => {
                near(first, second, within.unwrap_or(AROUND_WORDS).min(MAX_AROUND_WORDS))
            }
            _ => None,
        };
        if let Some(near) = near {
            last.push(Query::Leaf(near));
            return;
        }
        last.extend(first);
        let span = at..at + "AROUND".len();
        if second.is_none() {
            self.missing(at..self.at, "AROUND has nothing behind it", "write a word behind it");
        } else {
            let hint = "two words or phrases of one field can be around each other";
            self.mark(span, Weight::Warning, "AROUND is left out", hint);
        }
        parts.extend(second.map(|part| vec![part]));
    }
}

/// Whether a word behind a colon and a space is meant as the operator's.
fn is_value(word: &str) -> bool {
    let other = word.split_once(':').and_then(|(name, _)| operator::find(name));
    other.is_none() && !word.starts_with('-') && !matches!(word, "OR" | "AND" | "NOT" | "AROUND")
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '{' | '}' | '"' | '|')
}

fn near(first: &Leaf, second: &Leaf, within: u32) -> Option<Leaf> {
    match (&first.test, &second.test) {
        (
            Test::Text { field, words: one, prefix: false },
            Test::Text { field: same, words: two, .. },
        ) if field == same => {
            let (first_words, second_words) = (one.clone(), two.clone());
            Some(Leaf {
                span: first.span.start..second.span.end,
                test: Test::Near {
                    field: *field,
                    first: first_words,
                    second: second_words,
                    within,
                },
            })
        }
        _ => None,
    }
}
