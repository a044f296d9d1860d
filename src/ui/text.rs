//! Text in cells: width, cutting, padding and wrapping by what a terminal shows.
//!
//! Invariant: nothing that leaves this file holds a control character, and no result is wider than
//! asked. Width is counted per grapheme, as the screen buffer counts it.

pub use crate::command::count::{count, plural};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::safe_text;

/// Columns between tab stops in a message.
const TAB_COLUMNS: usize = 8;
/// What stands for a part that was cut.
const CUT: &str = "…";

/// Columns that `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.graphemes(true).map(UnicodeWidthStr::width).sum()
    }
}

/// `text` with every control character made visible: the last guard before a cell.
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Whether this is one character that joins letters: alone it is typed between two.
#[must_use]
pub fn is_joiner(text: &str) -> bool {
    matches!(text, "\u{200c}" | "\u{200d}")
}

/// What is typed or pasted into a line, as the line keeps it: safe, but for a joiner that comes
/// alone, since what it joins comes behind it.
#[must_use]
pub fn typed(text: &str) -> String {
    if is_joiner(text) { text.to_owned() } else { safe_text::line(text) }
}

/// At most `most` columns of `text`, with `…` where it was cut.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    let text = clean(text);
    if width(&text) <= most {
        return text;
    }
    let Some(room) = most.checked_sub(1) else { return String::new() };
    let (mut out, mut used) = (String::new(), 0);
    for grapheme in text.graphemes(true) {
        used += UnicodeWidthStr::width(grapheme);
        if used > room {
            break;
        }
        out.push_str(grapheme);
    }
    out.truncate(out.trim_end().len());
    out + CUT
}

/// At most `most` columns of an address or host, with `…` where it was cut: its end stays, which
/// says whose it is. What is cut is what stands before the `@`, then the beginning of the domain.
#[must_use]
pub fn cut_address(text: &str, most: usize) -> String {
    let text = clean(text);
    if width(&text) <= most {
        return text;
    }
    let at = text.rfind('@').unwrap_or(0);
    let (local, domain) = text.split_at(at);
    if let Some(room) = most.checked_sub(width(domain)).filter(|room| *room > 0 && at > 0) {
        return cut(local, room) + domain;
    }
    let Some(room) = most.checked_sub(1) else { return String::new() };
    let (mut from, mut used) = (text.len(), 0);
    for (start, grapheme) in text.grapheme_indices(true).rev() {
        used += UnicodeWidthStr::width(grapheme);
        if used > room {
            break;
        }
        from = start;
    }
    format!("{CUT}{}", &text[from..])
}

/// Exactly `columns` columns: cut, or filled with spaces on the right.
#[must_use]
pub fn fit(text: &str, columns: usize) -> String {
    let mut text = cut(text, columns);
    let missing = columns.saturating_sub(width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// Exactly `columns` columns: cut, or filled with spaces on the left.
#[must_use]
pub fn fit_right(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    " ".repeat(columns.saturating_sub(width(&text))) + &text
}

/// Bytes for a person.
#[must_use]
pub fn size(bytes: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..MIB => format!("{} KB", bytes.div_ceil(KIB)),
        _ => format!("{}.{} MB", bytes / MIB, bytes % MIB * 10 / MIB),
    }
}

/// How deep a line is quoted, and where its own text begins.
#[must_use]
pub fn quote(line: &str) -> (usize, usize) {
    let (mut depth, mut start) = (0, 0);
    for (index, c) in line.char_indices() {
        match c {
            '>' => {
                depth += 1;
                start = index + 1;
            }
            ' ' if depth > 0 && index == start => {}
            _ => break,
        }
        if c == ' ' {
            start = index + 1;
        }
    }
    (depth, start)
}

/// Wraps one line of a message to `columns`; a quoted line keeps its marks on each part.
#[must_use]
pub fn wrap(line: &str, columns: usize) -> Vec<String> {
    let line = untab(line.trim_end());
    if width(&line) <= columns {
        return vec![line];
    }
    let (depth, start) = quote(&line);
    let quoted = depth > 0 && start < columns / 2;
    let (marks, own) = if quoted { line.split_at(start) } else { ("", line.as_str()) };
    let options = textwrap::Options::new(columns.saturating_sub(width(marks)).max(1))
        .break_words(true)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    // `textwrap` counts characters, not graphemes: what is still too wide is broken here.
    textwrap::wrap(own, options)
        .into_iter()
        .flat_map(|part| split(&part, columns.saturating_sub(width(marks))))
        .map(|part| format!("{marks}{part}"))
        .collect()
}

fn split(text: &str, columns: usize) -> Vec<String> {
    if width(text) <= columns {
        return vec![text.to_owned()];
    }
    let (mut parts, mut part, mut used) = (Vec::new(), String::new(), 0);
    for grapheme in text.graphemes(true) {
        let wide = UnicodeWidthStr::width(grapheme);
        if used + wide > columns && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            used = 0;
        }
        if wide <= columns {
            part.push_str(grapheme);
            used += wide;
        }
    }
    parts.push(part);
    parts
}

fn untab(line: &str) -> String {
    if line.bytes().all(|b| (b' '..0x7f).contains(&b)) {
        return line.to_owned();
    }
    let (mut out, mut column) = (String::with_capacity(line.len()), 0);
    for grapheme in line.graphemes(true) {
        if grapheme == "\t" {
            let spaces = TAB_COLUMNS - column % TAB_COLUMNS;
            out.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
        } else {
            let shown = clean(grapheme);
            column += width(&shown);
            out.push_str(&shown);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_address_is_never_cut() {
        for (address, most, expected) in [
            ("ann@a.test", 10, "ann@a.test"),
            ("annabel@a.test", 10, "an…@a.test"),
            ("annabel@a.test", 8, "…@a.test"),
            ("annabel@a.test", 7, "…a.test"),
            ("x@bank.test.long.evil.test", 12, "…g.evil.test"),
            ("bank.test.long.evil.test", 12, "…g.evil.test"),
            ("日本@日本.test", 10, "…日本.test"),
            ("a@b", 1, "…"),
            ("a@b", 0, ""),
        ] {
            let cut = cut_address(address, most);
            assert!(width(&cut) <= most, "{cut}");
            assert_eq!(cut, expected, "{address} in {most}");
        }
    }

    #[test]
    fn cuts_and_fits_by_columns() {
        for (text, columns, shown) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("👩‍👩‍👧 family", 4, "👩‍👩‍👧…"),
            ("a\u{1b}[0mb\n", 9, "a\u{fffd}[0mb "),
            ("x", 0, ""),
        ] {
            assert_eq!(cut(text, columns), shown);
            assert_eq!(width(&fit(text, columns)), columns, "{text}");
            assert_eq!(width(&fit_right(text, columns)), columns, "{text}");
        }
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!([count(0), count(999), count(41_203)], ["0", "999", "41,203"]);
        assert_eq!([size(12), size(2_000), size(3_400_000)], ["12 B", "2 KB", "3.2 MB"]);
        assert_eq!(plural(1, "thread", "threads"), "1 thread");
    }

    #[test]
    fn quotes_are_measured() {
        for (line, depth, start) in
            [("hi > there", 0, 0), ("> hi", 1, 2), (">> hi", 2, 3), ("> > hi", 2, 4), (">", 1, 1)]
        {
            assert_eq!(quote(line), (depth, start), "{line}");
        }
    }

    #[test]
    fn wraps_by_words_and_keeps_quote_marks() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("> one two three", 9), ["> one two", "> three"]);
        assert_eq!(wrap("a\tb", 20), ["a       b"]);
        assert_eq!(wrap("", 20), [""]);
        for line in [
            "日本語日本語日本語",
            "x".repeat(50).as_str(),
            "👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧",
            "> > > > > aaaaaa bbbbb",
        ] {
            for columns in [1, 2, 5, 9] {
                let lines = wrap(line, columns);
                assert!(lines.iter().all(|part| width(part) <= columns), "{columns}: {lines:?}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_stays_in_its_columns(text: String, columns in 1_usize..40) {
            for part in wrap(&text, columns).into_iter().chain([cut(&text, columns)]) {
                assert!(width(&part) <= columns, "{columns}: {part:?}");
                assert!(!part.chars().any(char::is_control), "{part:?}");
            }
            assert_eq!(width(&fit(&text, columns)), columns);
        }
    }
}
