//! A line of text in the rows that a screen has for it.
//!
//! Invariant: pure; the rows of a line are all of it, in order, and none is empty but that of an
//! empty line. A row is broken behind a blank, between signs of two columns, or where it must be;
//! blanks at its end hang over.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::ui::text;

/// Columns between tab stops.
const TAB_COLUMNS: usize = 8;

/// The bytes of a row in its line.
pub type Row = Range<usize>;

fn width(sign: &str, column: usize) -> usize {
    if sign == "\t" { TAB_COLUMNS - column % TAB_COLUMNS } else { text::width(sign) }
}

/// The rows of `line`, each at most `columns` wide but for blanks at its end.
#[must_use]
pub fn of(line: &str, columns: usize) -> Vec<Row> {
    let columns = columns.max(1);
    if line.len() <= columns && line.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return std::iter::once(0..line.len()).collect();
    }
    let (mut rows, mut start, mut column, mut stop) = (Vec::new(), 0, 0, 0);
    for (at, sign) in line.grapheme_indices(true) {
        let blank = sign.starts_with(char::is_whitespace);
        let mut wide = width(sign, column);
        if column + wide > columns && at > start && !blank {
            let cut = if stop > start { stop } else { at };
            rows.push(start..cut);
            start = cut;
            column = 0;
            for sign in line[start..at].graphemes(true) {
                column += width(sign, column);
            }
            wide = width(sign, column);
            // What is carried over may itself be too wide: a word that is longer than a row.
            if column + wide > columns && at > start {
                rows.push(start..at);
                (start, column) = (at, 0);
                wide = width(sign, column);
            }
        }
        column += wide;
        if blank || wide > 1 {
            stop = at + sign.len();
        }
    }
    rows.push(start..line.len());
    rows
}

/// The row that the caret at `byte` is in: at a break, the one behind it.
#[must_use]
pub fn at(rows: &[Row], byte: usize) -> usize {
    rows.iter().rposition(|row| row.start <= byte).unwrap_or(0)
}

/// The column of `byte` in its row.
#[must_use]
pub fn column(line: &str, row: &Row, byte: usize) -> usize {
    let end = byte.clamp(row.start, row.end);
    line[row.start..end].graphemes(true).fold(0, |column, sign| column + width(sign, column))
}

/// The byte in a row at `column`, or as near as the row has one.
#[must_use]
pub fn byte(line: &str, row: &Row, column: usize) -> usize {
    let (mut at, mut here) = (row.start, 0);
    for (offset, sign) in line[row.clone()].grapheme_indices(true) {
        let next = here + width(sign, here);
        // The place behind the last sign belongs to the row below, unless there is none.
        let end = row.start + offset + sign.len();
        if next > column || (end == row.end && row.end < line.len()) {
            return row.start + offset;
        }
        (at, here) = (end, next);
    }
    at
}

/// A row as it is drawn: tabs are blanks.
#[must_use]
pub fn shown(line: &str, row: &Row) -> String {
    let part = &line[row.clone()];
    if !part.contains('\t') {
        return part.to_owned();
    }
    let (mut out, mut column) = (String::new(), 0);
    for sign in part.graphemes(true) {
        let wide = width(sign, column);
        if sign == "\t" {
            out.extend(std::iter::repeat_n(' ', wide));
        } else {
            out.push_str(sign);
        }
        column += wide;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, columns: usize, expected: &[&str]) {
        let rows = of(line, columns);
        let parts: Vec<&str> = rows.iter().map(|row| &line[row.clone()]).collect();
        assert_eq!(parts, expected, "{line:?} in {columns}");
    }

    #[test]
    fn lines_are_broken_between_words() {
        check("", 5, &[""]);
        check("one two", 7, &["one two"]);
        check("one two", 6, &["one ", "two"]);
        check("one   two", 3, &["one   ", "two"]);
        check("abcdefgh", 3, &["abc", "def", "gh"]);
        check("a bcdefgh", 4, &["a ", "bcde", "fgh"]);
        check("日本語です", 4, &["日本", "語で", "す"]);
        check("👩‍👩‍👧👩‍👩‍👧", 2, &["👩‍👩‍👧", "👩‍👩‍👧"]);
        check("日", 1, &["日"]);
    }

    #[test]
    fn columns_and_bytes_agree() {
        let line = "日本 x\ty";
        let row = 0..line.len();
        for (byte_at, column_at) in [(0, 0), (3, 2), (6, 4), (7, 5), (8, 6), (9, 8), (10, 9)] {
            assert_eq!(column(line, &row, byte_at), column_at);
            assert_eq!(byte(line, &row, column_at), byte_at);
        }
        assert_eq!(byte(line, &row, 99), line.len());
        assert_eq!(shown(line, &row), "日本 x  y");
        assert_eq!(byte("one two", &(0..4), 99), 3, "a break belongs to the row below");
    }
}
