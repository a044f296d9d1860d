//! Style sheets as signs: what is no sign for us is taken out, and selectors and media are read.
//!
//! Invariant: each byte is passed a bounded number of times. Where a browser may read a sheet
//! otherwise than this does, it is said ([`Clean::sure`], [`Media::Unclear`], [`Selector::Wrong`]).

use super::style::is_css_space;

/// The widest screen that counts as a small one, in pixels.
const SMALL_SCREEN: u32 = 900;
/// Classes that one selector names; one with more is not looked into.
const MAX_NAMED: usize = 4;
/// Of what is behind a colon: what every browser knows.
const PSEUDO: [&str; 12] = [
    "link",
    "visited",
    "hover",
    "active",
    "focus",
    "checked",
    "first-child",
    "last-child",
    "first-line",
    "first-letter",
    "before",
    "after",
];

/// A sheet without comments, and without what is in strings and addresses.
pub(super) struct Clean {
    pub(super) text: String,
    /// To where in it blocks begin and end as in a browser.
    pub(super) sure: usize,
}

/// Takes out what is no sign: afterwards a brace or a semicolon is one.
pub(super) fn clean(source: &str) -> Clean {
    let mut out = String::with_capacity(source.len());
    let (mut sure, mut depth, mut last) = (usize::MAX, 0_usize, None);
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let mark = ["<!--", "-->"].iter().find(|mark| rest.starts_with(**mark));
        let is_url = rest.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("url("));
        if rest.starts_with("/*") {
            // It parts words.
            out.push(' ');
            rest = rest[2..].split_once("*/").map_or("", |(_, after)| after);
            continue;
        } else if let Some(mark) = mark {
            let between = depth == 0 && matches!(last, None | Some('}' | ';'));
            out.push(if between { ' ' } else { '\\' });
            rest = &rest[mark.len()..];
            continue;
        } else if c == '\\' {
            out.push_str("\\_");
            rest = after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
        } else if matches!(c, '"' | '\'') {
            out.extend([c, c]);
            let (end, whole) = end_of_string(after, c);
            if !whole {
                sure = sure.min(out.len());
            }
            rest = &after[end..];
        } else if is_url && !out.ends_with(is_name_sign) {
            out.push_str("url(");
            rest = rest[4..].trim_start_matches(is_css_space);
            if !rest.starts_with(['"', '\'']) {
                rest = &rest[end_of_address(rest)..];
            }
        } else {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            out.push(c);
            rest = after;
        }
        if !is_css_space(c) {
            last = Some(c);
        }
    }
    let sure = sure.min(out.len());
    Clean { text: out, sure }
}

/// Where a string ends, and whether by its quote.
fn end_of_string(text: &str, quote: char) -> (usize, bool) {
    let mut at = 0;
    while let Some(next) = text[at..].find([quote, '\\', '\n', '\r', '\u{c}']) {
        at += next;
        match text.as_bytes()[at] {
            b'\\' => {
                at += 1;
                at += text[at..].chars().next().map_or(0, char::len_utf8);
            }
            byte if char::from(byte) == quote => return (at + 1, true),
            _ => return (at, false),
        }
    }
    (text.len(), true)
}

/// Where an address without quotes has its bracket.
fn end_of_address(text: &str) -> usize {
    let mut at = 0;
    while let Some(next) = text[at..].find([')', '\\']) {
        at += next;
        if text.as_bytes()[at] == b')' {
            return at;
        }
        at += 1;
        at += text[at..].chars().next().map_or(0, char::len_utf8);
    }
    text.len()
}

/// Where rules count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// On a wide screen.
    Here,
    /// On small screens, on paper, or in the dark.
    Elsewhere,
    /// That is not looked into.
    Unclear,
}

impl Media {
    /// Of a block in this one.
    pub(super) fn and(self, inner: Self) -> Self {
        match (self, inner) {
            (Self::Elsewhere, _) | (_, Self::Elsewhere) => Self::Elsewhere,
            (Self::Here, Self::Here) => Self::Here,
            _ => Self::Unclear,
        }
    }

    /// Of a list of media queries: one is enough.
    pub(super) fn read(queries: &str) -> Self {
        let queries = queries.to_ascii_lowercase();
        let mut found = Self::Elsewhere;
        for query in queries.split(',') {
            match Self::one(query.trim()) {
                Self::Here => return Self::Here,
                Self::Unclear => found = Self::Unclear,
                Self::Elsewhere => {}
            }
        }
        found
    }

    fn one(query: &str) -> Self {
        if query.contains("not") {
            return Self::Unclear;
        }
        let small = query.split_once("max-").is_some_and(|(_, rest)| {
            rest.contains("width") && pixels(rest).is_some_and(|width| width <= SMALL_SCREEN)
        });
        let paper = query.contains("print");
        let dark = query.contains("prefers-color-scheme") && query.contains("dark");
        if small || paper || dark {
            return Self::Elsewhere;
        }
        let holds = query.split(" and ").map(str::trim).all(|part| match part {
            "" | "all" | "screen" | "only all" | "only screen" => true,
            _ => {
                let inner = part.strip_prefix('(').and_then(|part| part.strip_suffix(')'));
                inner.and_then(|inner| inner.split_once(':')).is_some_and(|(name, value)| {
                    let width = value.trim().strip_suffix("px").and_then(|w| w.parse().ok());
                    matches!(name.trim(), "min-width" | "min-device-width")
                        && width.is_some_and(|width: u32| width <= SMALL_SCREEN)
                })
            }
        });
        if holds { Self::Here } else { Self::Unclear }
    }
}

/// The first number.
fn pixels(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// What an element must be, by itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Compound {
    /// Lower case.
    pub(super) name: Option<String>,
    pub(super) id: Option<String>,
    pub(super) classes: Vec<String>,
}

/// A selector.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Selector {
    /// Of one element, by type, class and id.
    Simple(Compound),
    /// Of more than that.
    Other,
    /// One that some browser does not know: it makes the rule none.
    Wrong,
}

impl Selector {
    /// Reads a selector of a list.
    pub(super) fn read(text: &str) -> Self {
        let spread: String = text
            .chars()
            .flat_map(
                |c| if matches!(c, '>' | '+' | '~') { [' ', c, ' '] } else { [c, '\0', '\0'] },
            )
            .filter(|c| *c != '\0')
            .collect();
        let (mut parts, mut joined, mut plain) = (0_usize, true, true);
        let mut only = None;
        for part in spread.split(is_css_space).filter(|part| !part.is_empty()) {
            if matches!(part, ">" | "+" | "~") {
                if joined {
                    return Self::Wrong;
                }
                joined = true;
                continue;
            }
            let Some((compound, own)) = compound(part) else { return Self::Wrong };
            (only, joined) = (Some(compound), false);
            plain &= own;
            parts += 1;
        }
        match only {
            Some(_) if joined => Self::Wrong,
            Some(only) if parts == 1 && plain => Self::Simple(only),
            Some(_) => Self::Other,
            None => Self::Wrong,
        }
    }
}

/// One part of a selector, and whether nothing is in it but type, classes and one id.
fn compound(part: &str) -> Option<(Compound, bool)> {
    let mut out = Compound::default();
    let mut plain = true;
    let mut rest = part;
    if let Some(after) = rest.strip_prefix('*') {
        rest = after;
    } else if let Some((name, after)) = ident(rest) {
        out.name = Some(name.to_ascii_lowercase());
        rest = after;
    }
    while let Some(sign) = rest.chars().next() {
        let after = &rest[sign.len_utf8()..];
        match sign {
            '.' | '#' => {
                let (name, after) = ident(after)?;
                rest = after;
                if sign == '.' && out.classes.len() < MAX_NAMED {
                    out.classes.push(name.to_owned());
                } else if sign == '#' && out.id.is_none() {
                    out.id = Some(name.to_owned());
                } else {
                    plain = false;
                }
            }
            ':' => {
                let (name, after) = ident(after.strip_prefix(':').unwrap_or(after))?;
                PSEUDO.iter().find(|known| known.eq_ignore_ascii_case(name))?;
                (rest, plain) = (after, false);
            }
            '[' => {
                let (inner, after) = after.split_once(']')?;
                let (_, value) = ident(inner)?;
                let value = value.strip_prefix(['~', '|', '^', '$', '*']).unwrap_or(value);
                let value = value.strip_prefix('=').map_or(value, |value| {
                    let word = ident(value).is_some_and(|(_, rest)| rest.is_empty());
                    if word || matches!(value, "\"\"" | "''") { "" } else { value }
                });
                if !value.is_empty() {
                    return None;
                }
                (rest, plain) = (after, false);
            }
            _ => return None,
        }
    }
    Some((out, plain))
}

/// A name, and what stands behind it.
fn ident(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c| !is_name_sign(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let first = name.strip_prefix('-').unwrap_or(name).chars().next()?;
    (!first.is_ascii_digit()).then_some((name, rest))
}

fn is_name_sign(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_sign_is_taken_out() {
        for (source, expected) in [
            ("a/*{*/b", "a b"),
            ("a{b:\"};{\"}c", "a{b:\"\"}c"),
            ("a{b:url(x;}y)}c", "a{b:url()}c"),
            ("@import url(x;y);a{}", "@import url();a{}"),
            ("a{b:url( 'x;}y' )}c", "a{b:url('' )}c"),
            (".a\\{b", ".a\\_b"),
            ("<!-- .a{}\n--> .b{<!--}", "  .a{}\n  .b{\\}"),
            ("a{content:\"/*\"}b/*\"*/c", "a{content:\"\"}b c"),
            ("/*", " "),
        ] {
            let clean = clean(source);
            assert_eq!((clean.text.as_str(), clean.sure), (expected, expected.len()), "{source}");
        }
        let broken = clean("a{b:'\n}.c{}");
        assert_eq!((broken.text.as_str(), broken.sure), ("a{b:''\n}.c{}", 6));
    }

    #[test]
    fn media_are_here_elsewhere_or_unclear() {
        for (queries, expected) in [
            ("", Media::Here),
            (" screen", Media::Here),
            ("print, ALL", Media::Here),
            ("only screen and (min-width: 600px)", Media::Here),
            ("(max-width:600px)", Media::Elsewhere),
            ("only screen and (max-device-width : 480px), print", Media::Elsewhere),
            ("screen and (prefers-color-scheme:dark)", Media::Elsewhere),
            ("not all and (max-width:600px)", Media::Unclear),
            ("(min-width:2000px)", Media::Unclear),
            ("(max-width:2000px)", Media::Unclear),
            ("screen and (-webkit-min-device-pixel-ratio:0)", Media::Unclear),
            ("tv", Media::Unclear),
        ] {
            assert_eq!(Media::read(queries), expected, "{queries}");
        }
    }

    #[test]
    fn selectors_are_simple_other_or_wrong() {
        let simple = |text: &str| matches!(Selector::read(text), Selector::Simple(_));
        for text in ["a", "*", ".a", " #a ", "td.a.b#c", "*.a", "-a_1", ".é"] {
            assert!(simple(text), "{text}");
        }
        for text in ["a b", "a>b", "a + b", "a:hover", "a::before", "[a]", "a[b=\"\"]", "[a^='']"] {
            assert_eq!(Selector::read(text), Selector::Other, "{text}");
        }
        for text in [
            "", ".", "..a", ".1a", "> a", "a >", "a > > b", "a:foo", "a:not(b)", "a[", "[a b]",
            "a;b",
        ] {
            assert_eq!(Selector::read(text), Selector::Wrong, "{text}");
        }
        let found = Selector::read("TD.Big#x");
        let expected = Compound {
            name: Some("td".to_owned()),
            id: Some("x".to_owned()),
            classes: vec!["Big".to_owned()],
        };
        assert_eq!(found, Selector::Simple(expected));
    }
}
