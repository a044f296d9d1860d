//! The line of a text that shows most of what was asked.
//!
//! Invariant: one line, at most [`SNIPPET_CHARS`] characters and a mark at either end where the
//! text goes on; its places are those of the same words. It is as safe as the text is.

use std::collections::HashMap;
use std::ops::Range;

use super::{Hit, Needles, merged};
use crate::mail::SNIPPET_CHARS;
use crate::search::query::Field;

/// Characters before the first word that was asked for.
const BEFORE_CHARS: usize = 30;
/// Places that are weighed against each other; a text with more shows one of its first.
const MAX_HITS: usize = 2_000;
/// What stands where the text goes on.
const MORE: char = '…';

/// A line of a text, and what of it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The line.
    pub text: String,
    /// In bytes of the line.
    pub hits: Vec<Range<usize>>,
}

impl Needles {
    /// The part of a body that shows most of what was asked, most different words first; `None`
    /// when nothing of it stands there.
    #[must_use]
    pub fn snippet(&self, text: &str) -> Option<Snippet> {
        self.snippet_of(Field::Body, text, SNIPPET_CHARS)
    }

    /// The same of any field, in at most `chars` characters.
    #[must_use]
    pub fn snippet_of(&self, field: Field, text: &str, chars: usize) -> Option<Snippet> {
        let mut hits = self.hits(field, text);
        hits.sort_by_key(|hit| hit.at.start);
        let first = best(&hits[..hits.len().min(MAX_HITS)], text, chars)?;
        let start = begin(text, first.start, chars);
        let places = merged(hits.into_iter().map(|hit| hit.at).collect());
        Some(line(text, start, &places, chars))
    }
}

/// The first place of the window that has the most different needles, then the one that is no
/// quote, then the first.
fn best(hits: &[Hit], text: &str, chars: usize) -> Option<Range<usize>> {
    let width = chars.saturating_sub(BEFORE_CHARS);
    let mut seen: HashMap<usize, usize> = HashMap::new();
    let mut end = 0;
    let mut best: Option<(usize, bool, &Hit)> = None;
    for (index, hit) in hits.iter().enumerate() {
        while let Some(next) = hits.get(end)
            && (end <= index || next.at.end <= hit.at.start + width)
        {
            *seen.entry(next.needle).or_default() += 1;
            end += 1;
        }
        let plain = !is_quoted(text, hit.at.start);
        let score = (seen.len(), plain);
        if best.is_none_or(|(count, was_plain, _)| score > (count, was_plain)) {
            best = Some((score.0, score.1, hit));
        }
        if let Some(count) = seen.get_mut(&hit.needle) {
            *count -= 1;
            if *count == 0 {
                seen.remove(&hit.needle);
            }
        }
    }
    best.map(|(_, _, hit)| hit.at.clone())
}

/// Whether the line at `at` quotes another message; it is long, or it begins with `>`.
fn is_quoted(text: &str, at: usize) -> bool {
    const LONGEST_LINE_BYTES: usize = 200;
    let from = text.floor_char_boundary(at.saturating_sub(LONGEST_LINE_BYTES));
    let line = text[from..at].rsplit('\n').next().unwrap_or_default();
    line.trim_start().starts_with('>')
}

/// Where a snippet begins that has its first word at `hit`: some words before it.
fn begin(text: &str, hit: usize, chars: usize) -> usize {
    let back = BEFORE_CHARS.min(chars / 4);
    let start = text[..hit].char_indices().rev().take(back).last().map_or(hit, |(at, _)| at);
    if start == 0 {
        return 0;
    }
    // Not from the middle of a word, unless it is a script without spaces.
    let mut chars = text[start..hit].char_indices();
    chars.find(|(_, c)| c.is_whitespace()).map_or(start, |(at, _)| start + at)
}

/// One line of the text from `start`.
fn line(text: &str, start: usize, places: &[Range<usize>], most: usize) -> Snippet {
    let mut line = Line { text: String::new(), hits: Vec::new(), chars: 0 };
    if !text[..start].trim().is_empty() {
        line.text.push(MORE);
    }
    let mut places = places.iter().skip_while(|at| at.end <= start).peekable();
    let mut gap = false;
    let mut line_begins = false;
    let mut inside: Option<usize> = None;
    let mut cut = false;
    for (offset, c) in text[start..].char_indices() {
        let at = start + offset;
        if let (Some(begin), Some(place)) = (inside, places.peek())
            && at >= place.end
        {
            line.hits.push(begin..line.text.len());
            inside = None;
            places.next();
        }
        if c.is_whitespace() || c.is_control() {
            gap = true;
            line_begins |= c == '\n';
            continue;
        }
        if c == '>' && line_begins {
            continue;
        }
        line_begins = false;
        if line.chars + usize::from(gap) >= most {
            cut = true;
            break;
        }
        if gap && line.chars > 0 {
            line.push(' ');
        }
        gap = false;
        if inside.is_none()
            && places.peek().is_some_and(|place| (place.start..place.end).contains(&at))
        {
            inside = Some(line.text.len());
        }
        line.push(c);
    }
    if let Some(begin) = inside {
        line.hits.push(begin..line.text.len());
    }
    if cut {
        if !gap {
            line.drop_part_of_word();
        }
        line.text.push(MORE);
    }
    Snippet { text: line.text, hits: line.hits }
}

struct Line {
    text: String,
    hits: Vec<Range<usize>>,
    /// Characters of the source in it.
    chars: usize,
}

impl Line {
    fn push(&mut self, c: char) {
        self.text.push(c);
        self.chars += 1;
    }

    /// Of a word that does not fit, nothing is shown, if nothing of it was asked for and most of
    /// the line stays.
    fn drop_part_of_word(&mut self) {
        let shown = self.hits.last().map_or(0, |at| at.end).max(self.text.len() / 2);
        if let Some(space) = self.text.rfind(' ').filter(|space| *space >= shown) {
            self.text.truncate(space);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{marked, needles};
    use super::*;

    fn check(query: &str, text: &str, chars: usize, expected: Option<&str>) {
        let found = needles(query).snippet_of(Field::Body, text, chars);
        let shown = found.map(|found| marked(&found.text, &found.hits));
        assert_eq!(shown.as_deref(), expected, "{query} in {text:?}");
    }

    #[test]
    fn the_line_that_shows_most() {
        check("lunch", "Shall we have\r\nlunch?", 140, Some("Shall we have [lunch]?"));
        check("lunch", "dinner", 40, None);
        let text = "lunch is fine. And here are many other words that say nothing at all. A big \
                    lunch it was, and then we went home to sleep for a very long while.";
        check("big lunch", text, 40, Some("…all. A [big] [lunch] it was, and then we…"));
        check("lunch", text, 20, Some("[lunch] is fine. And…"));
        check("\"big lunch\"", text, 30, Some("…A [big lunch] it was, and then…"));
        check("x*", "a\n\n> x1 quoted\n\nx2 said", 12, Some("…[x2] said"));
        check("x", "> a\n> x\n> b", 40, Some("> a [x] b"));
        check("語", "日本語で書く", 4, Some("…本[語]で書…"));
    }

    proptest! {
        #[test]
        fn what_holds_for_any_snippet(
            query in "[a-c日 \"*]{1,8}",
            text in "[a-c日é> \n\u{301}]{0,200}",
            chars in 4_usize..60,
        ) {
            if let Some(found) = needles(&query).snippet_of(Field::Body, &text, chars) {
                prop_assert!(found.text.chars().count() <= chars + 2);
                prop_assert!(!found.text.contains(['\n', '\r', '\t']));
                prop_assert!(!found.hits.is_empty(), "{:?}", found);
                let mut last = 0;
                for at in &found.hits {
                    prop_assert!(at.start >= last && at.start < at.end, "{:?}", found);
                    prop_assert!(found.text.get(at.clone()).is_some());
                    last = at.end;
                }
            } else {
                prop_assert!(!needles(&query).is_in(Field::Body, &text));
            }
        }
    }
}
