//! Where the words of a query stand in a text, and the line of it that shows most of them.
//!
//! Invariant: places lie at character boundaries, in order, and do not overlap; a text is parted
//! into words as the index does it, so what was found is what is shown as found. Time is linear in
//! the text for a given query. This file must not know where texts come from.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::query::{Field, Query, Test};
use super::words;

mod snippet;

pub use snippet::Snippet;

/// Words and phrases of a query that are looked for in a text; further ones are not shown.
pub const MAX_NEEDLES: usize = 200;
/// Words of a phrase that are looked for: a bit each. A query has no longer ones.
const MAX_WORDS: usize = 64;

/// What a query wants to stand in texts.
#[derive(Debug, Clone, Default)]
pub struct Needles {
    list: Vec<Needle>,
    /// Whole words: which needles have one, and at which of their places (bits).
    whole: HashMap<String, Vec<(usize, u64)>>,
    /// Beginnings of words, each the last of a needle.
    begun: Vec<(String, usize, u64)>,
}

#[derive(Debug, Clone, Copy)]
struct Needle {
    field: Field,
    /// How many words it has.
    len: usize,
}

/// A place of a needle.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hit {
    needle: usize,
    at: Range<usize>,
}

impl Needles {
    /// What `query` wants; what it wants to be absent is not looked for, and what it wants twice is
    /// looked for once.
    #[must_use]
    pub fn of(query: &Query) -> Self {
        let (mut needles, mut known) = (Self::default(), HashSet::new());
        let mut add = |field: Field, words: &[String], prefix| {
            if known.insert((field, words.to_vec(), prefix)) {
                needles.add(field, words, prefix);
            }
        };
        query.leaves(&mut |leaf, wanted| match &leaf.test {
            Test::Text { field, words, prefix } if wanted => add(*field, words, *prefix),
            Test::Near { field, first, second, .. } if wanted => {
                add(*field, first, false);
                add(*field, second, false);
            }
            _ => {}
        });
        needles
    }

    fn add(&mut self, field: Field, words: &[String], prefix: bool) {
        let fits = (1..=MAX_WORDS).contains(&words.len());
        if !fits || self.list.len() >= MAX_NEEDLES {
            return;
        }
        let needle = self.list.len();
        self.list.push(Needle { field, len: words.len() });
        for (place, word) in words.iter().enumerate() {
            let bit = 1 << place;
            if prefix && place + 1 == words.len() {
                self.begun.push((word.clone(), needle, bit));
                continue;
            }
            let places = self.whole.entry(word.clone()).or_default();
            match places.iter_mut().find(|(known, _)| *known == needle) {
                Some((_, bits)) => *bits |= bit,
                None => places.push((needle, bit)),
            }
        }
    }

    /// Whether nothing is looked for in texts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Where what is wanted of `field` stands in `text`; of what overlaps, the whole.
    #[must_use]
    pub fn find(&self, field: Field, text: &str) -> Vec<Range<usize>> {
        merged(self.hits(field, text).into_iter().map(|hit| hit.at).collect())
    }

    /// Whether anything that is wanted of `field` stands in `text`.
    #[must_use]
    pub fn is_in(&self, field: Field, text: &str) -> bool {
        !self.hits(field, text).is_empty()
    }

    /// Each place of each needle, by where it ends: the words of a text go by, and each needle has
    /// a bit for each of its beginnings that they just were.
    fn hits(&self, field: Field, text: &str) -> Vec<Hit> {
        let wanted: Vec<bool> = self.list.iter().map(|needle| is_of(field, needle.field)).collect();
        let mut hits = Vec::new();
        if !wanted.contains(&true) {
            return hits;
        }
        let mut begun: Vec<(u64, usize)> = vec![(0, 0); self.list.len()];
        let mut starts = [0; MAX_WORDS];
        let mut count = 0;
        let mut now: Vec<(usize, u64)> = Vec::new();
        words::each(text, |word, at| {
            count += 1;
            starts[count % MAX_WORDS] = at.start;
            now.clear();
            now.extend(self.whole.get(word).into_iter().flatten());
            for (start, needle, bit) in &self.begun {
                if word.starts_with(start.as_str()) {
                    match now.iter_mut().find(|(known, _)| known == needle) {
                        Some((_, bits)) => *bits |= bit,
                        None => now.push((*needle, *bit)),
                    }
                }
            }
            for (needle, bits) in now.iter().filter(|(needle, _)| wanted[*needle]) {
                let (old, when) = begun[*needle];
                let old = if when + 1 == count { old } else { 0 };
                let new = (old << 1 | 1) & bits;
                begun[*needle] = (new, count);
                let len = self.list[*needle].len;
                if new & (1 << (len - 1)) != 0 {
                    let start = starts[(count + 1 - len) % MAX_WORDS];
                    hits.push(Hit { needle: *needle, at: start..at.end });
                }
            }
        });
        hits
    }
}

/// Whether what is wanted in `wanted` may stand in a text that is `field`.
const fn is_of(field: Field, wanted: Field) -> bool {
    match wanted {
        Field::Any => !matches!(field, Field::List),
        Field::To => matches!(field, Field::To | Field::Cc | Field::Bcc | Field::Any),
        Field::From => matches!(field, Field::From | Field::Any),
        Field::Cc => matches!(field, Field::Cc | Field::Any),
        Field::Bcc => matches!(field, Field::Bcc | Field::Any),
        Field::Subject => matches!(field, Field::Subject | Field::Any),
        Field::Body => matches!(field, Field::Body | Field::Any),
        Field::Filename => matches!(field, Field::Filename | Field::Any),
        Field::List => matches!(field, Field::List),
    }
}

/// The same places in order, those that overlap or touch as one.
fn merged(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_unstable_by_key(|at| (at.start, at.end));
    let mut out: Vec<Range<usize>> = Vec::with_capacity(places.len());
    for at in places {
        match out.last_mut() {
            Some(last) if at.start <= last.end => last.end = last.end.max(at.end),
            _ => out.push(at),
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::super::query::{Context, parse};
    use super::*;

    pub(in crate::search::hits) fn needles(query: &str) -> Needles {
        let context = Context { now: 0, zone: &TimeZone::UTC, me: &[], typing: false, saved: &[] };
        Needles::of(&parse(query, &context).query)
    }

    /// `text` with `[` and `]` around what is shown as found.
    pub(in crate::search::hits) fn marked(text: &str, places: &[Range<usize>]) -> String {
        let mut out = String::new();
        let mut last = 0;
        for at in places {
            out.push_str(&text[last..at.start]);
            out.extend(["[", &text[at.clone()], "]"]);
            last = at.end;
        }
        out + &text[last..]
    }

    fn check(query: &str, field: Field, text: &str, expected: &str) {
        let found = needles(query).find(field, text);
        assert_eq!(marked(text, &found), expected, "{query} in {text:?}");
    }

    #[test]
    fn what_was_found_is_shown_as_found() {
        for (query, text, expected) in [
            ("lunch", "Lunch, LUNCH; lunches", "[Lunch], [LUNCH]; lunches"),
            ("lun*", "Lunch, LUNCH; lunches", "[Lunch], [LUNCH]; [lunches]"),
            ("cafe", "Das Café", "Das [Café]"),
            ("big lunch", "a big lunch", "a [big] [lunch]"),
            ("\"big lunch\"", "big big, lunch. big", "big [big, lunch]. big"),
            ("\"a a b\"", "a a a b", "a [a a b]"),
            ("\"a b a\"", "a b a b a", "[a b a b a]"),
            ("\"big lun*\"", "big lunches", "[big lunches]"),
            ("\"lun lun*\"", "lun lun lunch", "[lun lun lunch]"),
            ("ann@example.org", "<ann@example.org>", "<[ann@example.org]>"),
            ("本語", "日本語で", "日[本語]で"),
            ("a -b", "a b", "[a] b"),
            ("a OR b", "a b c", "[a] [b] c"),
            ("a AROUND 3 b", "a x b", "[a] x [b]"),
            ("is:unread", "unread", "unread"),
            ("", "text", "text"),
        ] {
            check(query, Field::Body, text, expected);
        }
    }

    #[test]
    fn each_field_shows_what_was_asked_of_it() {
        let query = "ann from:bob to:carl subject:lunch list:dev filename:pdf";
        let text = "ann bob carl lunch dev pdf";
        for (field, expected) in [
            (Field::From, "[ann] [bob] carl lunch dev pdf"),
            (Field::To, "[ann] bob [carl] lunch dev pdf"),
            (Field::Cc, "[ann] bob [carl] lunch dev pdf"),
            (Field::Subject, "[ann] bob carl [lunch] dev pdf"),
            (Field::Body, "[ann] bob carl lunch dev pdf"),
            (Field::Filename, "[ann] bob carl lunch dev [pdf]"),
            (Field::List, "ann bob carl lunch [dev] pdf"),
        ] {
            check(query, field, text, expected);
        }
        check("cc:ann", Field::To, "ann", "ann");
    }

    #[test]
    fn what_is_asked_twice_is_looked_for_once() {
        for query in ["a ".repeat(50), "a OR ".repeat(50) + "a", "a AROUND 3 ".repeat(50) + "a"] {
            assert_eq!(needles(&query).hits(Field::Body, "a b a").len(), 2, "{query}");
        }
        // The same word of another field, or as a beginning, is not the same.
        assert_eq!(needles("a from:a \"a*\"").hits(Field::From, "a").len(), 3);
    }

    #[test]
    fn a_phrase_as_long_as_one_may_be() {
        let phrase = "a ".repeat(MAX_WORDS);
        let text = "a ".repeat(MAX_WORDS + 3);
        check(&format!("\"{phrase}\""), Field::Body, &text, &format!("[{}] ", text.trim_end()));
    }

    /// The same, looked for at each place anew.
    fn slow(words: &[&str], prefix: bool, text: &str) -> Vec<Range<usize>> {
        let all = words::words(text);
        let fits = |at: usize| {
            words.iter().enumerate().all(|(i, word)| match all.get(at + i) {
                Some(found) if prefix && i + 1 == words.len() => found.text.starts_with(word),
                Some(found) => found.text == *word,
                None => false,
            })
        };
        let place = |at: usize| all[at].at.start..all[at + words.len() - 1].at.end;
        merged((0..all.len()).filter(|at| fits(*at)).map(place).collect())
    }

    proptest! {
        #[test]
        fn places_are_those_of_a_slow_search(
            words in prop::collection::vec(prop::sample::select(vec!["a", "b", "ab", "日"]), 1..5),
            text in "[ab日, ]{0,40}",
            prefix in any::<bool>(),
        ) {
            let star = if prefix { "*" } else { "" };
            let query = format!("\"{}{star}\"", words.join(" "));
            let found = needles(&query).find(Field::Body, &text);
            prop_assert_eq!(found, slow(&words, prefix, &text));
        }

        #[test]
        fn what_holds_for_any_text(query in "\\PC{0,20}", text in "\\PC{0,60}") {
            let mut last = 0;
            for at in needles(&query).find(Field::Body, &text) {
                prop_assert!(at.start >= last && at.start < at.end);
                prop_assert!(text.get(at.clone()).is_some());
                last = at.end;
            }
        }

        #[test]
        fn every_word_of_a_text_is_found_in_it(text in "\\PC{0,40}") {
            for word in text.split_whitespace().filter(|word| !word.contains('"')) {
                if words::folded(word).is_empty() { continue; }
                let found = needles(&format!("\"{word}\"")).find(Field::Body, &text);
                prop_assert!(!found.is_empty(), "{word:?} in {text:?}");
            }
        }
    }
}
