//! Text of one or many lines that is being written: caret, edits, undo.
//!
//! Invariant: the caret stands between graphemes; the text holds no control character but the tab
//! (and line ends between lines), and nothing that hides or reorders text. No text is lost by an
//! edit that is not undone by as many undos. This file must not draw: `rows` says where signs are.

use unicode_segmentation::UnicodeSegmentation as _;

use super::rows::{self, Row};
use crate::command::motion::{Edit, Motion};
use crate::safe_text;
use crate::ui::text;

/// The longest text that is written here, in bytes: more is a file, to be attached.
pub const MAX_TEXT_BYTES: usize = 2 * 1024 * 1024;
/// Edits that can be undone.
const MAX_STEPS: usize = 1_000;
/// Bytes of what edits put in and took out that are kept for undo.
const MAX_STEP_BYTES: usize = 2 * MAX_TEXT_BYTES;

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct At {
    /// The line.
    pub line: usize,
    /// The byte in it.
    pub byte: usize,
}

/// One edit: at `at`, `removed` became `inserted`.
#[derive(Debug, Clone)]
struct Step {
    at: At,
    removed: String,
    inserted: String,
    caret: At,
}

/// The text and its caret.
#[derive(Debug, Clone)]
pub struct Area {
    lines: Vec<String>,
    caret: At,
    many: bool,
    bytes: usize,
    /// The column that moves up and down keep to.
    goal: Option<usize>,
    /// The first line that is seen, and its first row.
    top: (usize, usize),
    undo: Vec<Step>,
    redo: Vec<Step>,
    /// Whether what is typed next is one edit with what was typed before.
    joins: bool,
}

impl Area {
    /// A text of one line, or of many.
    #[must_use]
    pub fn new(text: &str, many: bool) -> Self {
        let text = if many { safe_text::text(text) } else { safe_text::line(text) };
        let lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        Self {
            bytes: text.len(),
            lines,
            caret: At::default(),
            many,
            goal: None,
            top: (0, 0),
            undo: Vec::new(),
            redo: Vec::new(),
            joins: false,
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// Its lines; there is always one.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Where the caret is.
    #[must_use]
    pub const fn caret(&self) -> At {
        self.caret
    }

    /// Whether nothing is written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Puts the caret into the line at this byte, or at the next boundary.
    pub fn place(&mut self, at: At) {
        let line = at.line.min(self.lines.len() - 1);
        let text = &self.lines[line];
        let bounds = text.grapheme_indices(true).map(|(byte, _)| byte);
        let byte = bounds.chain([text.len()]).find(|byte| *byte >= at.byte).unwrap_or(text.len());
        (self.caret, self.goal, self.joins) = (At { line, byte }, None, false);
    }

    /// Puts the caret behind the last character.
    pub fn to_end(&mut self) {
        let line = self.lines.len() - 1;
        self.place(At { line, byte: self.lines[line].len() });
    }

    /// Types `text` at the caret; `false` when there is no room for it, and then nothing is typed.
    pub fn insert(&mut self, text: &str) -> bool {
        let clean = if self.many && !text::is_joiner(text) {
            safe_text::text(text)
        } else {
            text::typed(text.trim_matches(['\n', '\r']))
        };
        if self.bytes + clean.len() > MAX_TEXT_BYTES {
            return false;
        }
        let one = clean.graphemes(true).nth(1).is_none();
        let joins = self.joins && one && !clean.starts_with(char::is_whitespace);
        self.change(self.caret, self.caret, &clean, joins);
        self.joins = one;
        true
    }

    /// Replaces bytes of the caret's line; the caret stands behind what was put there.
    pub fn replace(&mut self, range: std::ops::Range<usize>, text: &str) {
        let line = &self.lines[self.caret.line];
        let (start, end) = (range.start.min(line.len()), range.end.min(line.len()));
        if start > end || !line.is_char_boundary(start) || !line.is_char_boundary(end) {
            return;
        }
        let at = |byte| At { line: self.caret.line, byte };
        self.change(at(start), at(end), &safe_text::line(text), false);
    }

    /// Replaces all of it, as one edit.
    pub fn set(&mut self, text: &str) {
        let text = if self.many { safe_text::text(text) } else { safe_text::line(text) };
        if text == self.text() {
            return;
        }
        let line = self.lines.len() - 1;
        let end = At { line, byte: self.lines[line].len() };
        self.change(At::default(), end, &text, false);
        self.place(At::default());
    }

    fn change(&mut self, from: At, to: At, text: &str, joins: bool) {
        if from == to && text.is_empty() {
            return;
        }
        let caret = self.caret;
        let removed = self.splice(from, to, text);
        self.redo.clear();
        self.goal = None;
        match self.undo.last_mut() {
            // A sign that joined what follows has moved the caret behind it.
            Some(step)
                if joins && removed.is_empty() && end_of(step.at, &step.inserted) == from =>
            {
                step.inserted.push_str(text);
            }
            _ => self.undo.push(Step { at: from, removed, inserted: text.to_owned(), caret }),
        }
        self.joins = false;
        let mut held: usize = self.undo.iter().map(|s| s.removed.len() + s.inserted.len()).sum();
        while self.undo.len() > MAX_STEPS || (held > MAX_STEP_BYTES && self.undo.len() > 1) {
            let old = self.undo.remove(0);
            held -= old.removed.len() + old.inserted.len();
        }
    }

    /// Puts `text` in place of what is between `from` and `to`; returns that.
    fn splice(&mut self, from: At, to: At, text: &str) -> String {
        let head = self.lines[from.line][..from.byte].to_owned();
        let tail = self.lines[to.line][to.byte..].to_owned();
        let removed = if from.line == to.line {
            self.lines[from.line][from.byte..to.byte].to_owned()
        } else {
            let mut removed = self.lines[from.line][from.byte..].to_owned();
            for line in &self.lines[from.line + 1..to.line] {
                removed.push('\n');
                removed.push_str(line);
            }
            removed.push('\n');
            removed.push_str(&self.lines[to.line][..to.byte]);
            removed
        };
        let mut new: Vec<String> = text.split('\n').map(str::to_owned).collect();
        new[0].insert_str(0, &head);
        let last = new.len() - 1;
        let mut caret = At { line: from.line + last, byte: new[last].len() };
        new[last].push_str(&tail);
        // What is joined may be one sign with what follows.
        let line = &new[last];
        let bounds = line.grapheme_indices(true).map(|(byte, _)| byte).chain([line.len()]);
        caret.byte = bounds.into_iter().find(|byte| *byte >= caret.byte).unwrap_or(line.len());
        self.lines.splice(from.line..=to.line, new);
        self.bytes = self.bytes + text.len() - removed.len();
        self.caret = caret;
        removed
    }

    /// Takes the last edit back, or does it again.
    pub fn step(&mut self, undo: bool) -> bool {
        let Some(step) = (if undo { self.undo.pop() } else { self.redo.pop() }) else {
            return false;
        };
        let (out, back) =
            if undo { (&step.inserted, &step.removed) } else { (&step.removed, &step.inserted) };
        let end = end_of(step.at, out);
        self.splice(step.at, end, back);
        (self.goal, self.joins) = (None, false);
        if undo {
            self.caret = step.caret;
            self.redo.push(step);
        } else {
            self.undo.push(step);
        }
        true
    }

    /// Does an edit key; rows are as wide as `columns`.
    pub fn edit(&mut self, how: Edit, columns: usize) {
        let At { line, byte } = self.caret;
        match how {
            Edit::Erase => {
                let to = self.caret;
                self.change(self.before(to), to, "", false);
            }
            Edit::EraseNext => {
                let from = self.caret;
                self.change(from, self.after(from), "", false);
            }
            Edit::EraseWord => {
                let to = self.caret;
                let from = if byte == 0 { self.before(to) } else { self.word_start() };
                self.change(from, to, "", false);
            }
            Edit::EraseAll => {
                let start = At { line, byte: 0 };
                self.change(start, self.caret, "", false);
            }
            Edit::EraseRest => {
                let end = At { line, byte: self.lines[line].len() };
                let to = if end == self.caret { self.after(end) } else { end };
                self.change(self.caret, to, "", false);
            }
            Edit::Left => self.place(self.before(self.caret)),
            Edit::Right => self.place(self.after(self.caret)),
            Edit::Start | Edit::End => {
                let rows = rows::of(&self.lines[line], columns);
                let row = rows[rows::at(&rows, byte)].clone();
                let last = row.end == self.lines[line].len();
                let end = if last { row.end } else { self.before(At { line, byte: row.end }).byte };
                let byte = if how == Edit::Start { row.start } else { end };
                self.place(At { line, byte });
            }
        }
    }

    fn word_start(&self) -> At {
        let At { line, byte } = self.caret;
        let before = self.lines[line][..byte].trim_end();
        let separates = |c: char| c.is_whitespace() || matches!(c, '/' | ',' | '@');
        let start = before.char_indices().rev().find(|(_, c)| separates(*c));
        let start = start.map_or(0, |(at, c)| at + c.len_utf8());
        let start = if start == before.len() { before.len().saturating_sub(1) } else { start };
        At { line, byte: before.floor_char_boundary(start) }
    }

    fn before(&self, at: At) -> At {
        match self.lines[at.line][..at.byte].grapheme_indices(true).next_back() {
            Some((byte, _)) => At { byte, ..at },
            None if at.line > 0 => At { line: at.line - 1, byte: self.lines[at.line - 1].len() },
            None => at,
        }
    }

    fn after(&self, at: At) -> At {
        match self.lines[at.line][at.byte..].graphemes(true).next() {
            Some(sign) => At { byte: at.byte + sign.len(), ..at },
            None if at.line + 1 < self.lines.len() => At { line: at.line + 1, byte: 0 },
            None => at,
        }
    }

    /// Moves the caret by rows; `false` where there is none there.
    pub fn go(&mut self, motion: Motion, columns: usize, height: usize) -> bool {
        let many = height.saturating_sub(1).max(1);
        let (down, rows) = match motion {
            Motion::Down => (true, 1),
            Motion::Up => (false, 1),
            Motion::HalfDown => (true, many.div_ceil(2)),
            Motion::HalfUp => (false, many.div_ceil(2)),
            Motion::PageDown => (true, many),
            Motion::PageUp => (false, many),
            Motion::First => {
                self.place(At::default());
                return true;
            }
            Motion::Last => {
                self.to_end();
                return true;
            }
        };
        let mut moved = false;
        for _ in 0..rows {
            if !self.row(down, columns) {
                break;
            }
            moved = true;
        }
        moved
    }

    fn row(&mut self, down: bool, columns: usize) -> bool {
        let At { line, byte } = self.caret;
        let own = rows::of(&self.lines[line], columns);
        let at = rows::at(&own, byte);
        let goal = self.goal.unwrap_or_else(|| rows::column(&self.lines[line], &own[at], byte));
        let (line, row): (usize, Row) = if down {
            match own.get(at + 1) {
                Some(row) => (line, row.clone()),
                None if line + 1 < self.lines.len() => {
                    (line + 1, rows::of(&self.lines[line + 1], columns)[0].clone())
                }
                None => return false,
            }
        } else if at > 0 {
            (line, own[at - 1].clone())
        } else if line > 0 {
            let rows = rows::of(&self.lines[line - 1], columns);
            (line - 1, rows[rows.len() - 1].clone())
        } else {
            return false;
        };
        let byte = rows::byte(&self.lines[line], &row, goal);
        self.caret = At { line, byte };
        (self.goal, self.joins) = (Some(goal), false);
        true
    }

    /// Scrolls so that the caret is on one of `height` rows.
    pub fn lay_out(&mut self, columns: usize, height: usize) {
        let height = height.max(1);
        let own = rows::of(&self.lines[self.caret.line], columns);
        let caret = (self.caret.line, rows::at(&own, self.caret.byte));
        self.top.0 = self.top.0.min(self.lines.len() - 1);
        self.top.1 = self.top.1.min(rows::of(&self.lines[self.top.0], columns).len() - 1);
        if caret < self.top {
            self.top = caret;
            return;
        }
        // The highest top from which the caret is still seen.
        let mut highest = caret;
        for _ in 1..height {
            highest = match highest {
                (line, row) if row > 0 => (line, row - 1),
                (0, _) => break,
                (line, _) => (line - 1, rows::of(&self.lines[line - 1], columns).len() - 1),
            };
        }
        self.top = self.top.max(highest);
    }

    /// The rows that are seen: text, and the column of the caret where it is in the row.
    #[must_use]
    pub fn seen(&self, columns: usize, height: usize) -> Vec<(String, Option<usize>)> {
        let mut out = Vec::new();
        let (mut line, mut skip) = self.top;
        while out.len() < height && line < self.lines.len() {
            let text = &self.lines[line];
            let rows = rows::of(text, columns);
            let here = (line == self.caret.line).then(|| rows::at(&rows, self.caret.byte));
            for (at, row) in rows.iter().enumerate().skip(skip) {
                if out.len() == height {
                    break;
                }
                let column = (here == Some(at)).then(|| rows::column(text, row, self.caret.byte));
                out.push((rows::shown(text, row), column));
            }
            (line, skip) = (line + 1, 0);
        }
        out
    }

    /// How many rows it has, counted up to `most`.
    #[must_use]
    pub fn height(&self, columns: usize, most: usize) -> usize {
        let mut rows = 0;
        for line in &self.lines {
            rows += rows::of(line, columns).len();
            if rows >= most {
                return most;
            }
        }
        rows
    }
}

fn end_of(at: At, text: &str) -> At {
    match text.rsplit_once('\n') {
        None => At { byte: at.byte + text.len(), ..at },
        Some((_, last)) => At { line: at.line + text.matches('\n').count(), byte: last.len() },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text with `|` where the caret is.
    fn shown(area: &Area) -> String {
        let mut lines = area.lines.clone();
        lines[area.caret.line].insert(area.caret.byte, '|');
        lines.join("\n")
    }

    fn area(text: &str) -> Area {
        let (before, after) = text.split_once('|').unwrap();
        let mut area = Area::new(&format!("{before}{after}"), true);
        area.place(end_of(At::default(), before));
        area
    }

    fn check(text: &str, edit: Edit, expected: &str) {
        let mut area = area(text);
        area.edit(edit, 10);
        assert_eq!(shown(&area), expected, "{edit:?} in {text:?}");
    }

    #[test]
    fn edits() {
        check("ab|c", Edit::Erase, "a|c");
        check("a\n|b", Edit::Erase, "a|b");
        check("|b", Edit::Erase, "|b");
        check("x👩‍👩‍👧|", Edit::Erase, "x|");
        check("a|\nb", Edit::EraseNext, "a|b");
        check("a|é", Edit::EraseNext, "a|");
        check("one two  |", Edit::EraseWord, "one |");
        check("ann@x.org, bo|", Edit::EraseWord, "ann@x.org, |");
        check("a\n|b", Edit::EraseWord, "a|b");
        check("a\nbcd|e", Edit::EraseAll, "a\n|e");
        check("a|bc\nd", Edit::EraseRest, "a|\nd");
        check("a|\nd", Edit::EraseRest, "a|d");
        check("a\n|b", Edit::Left, "a|\nb");
        check("a|\nb", Edit::Right, "a\n|b");
        check("one two three|", Edit::Start, "one two |three");
        check("o|ne two three", Edit::End, "one two| three");
        check("one|", Edit::End, "one|");
    }

    #[test]
    fn rows_are_gone_along_in_their_column() {
        let mut area = area("one two th|ree\nx\n日本語");
        for (motion, expected) in [
            (Motion::Up, "on|e two three\nx\n日本語"),
            (Motion::Down, "one two th|ree\nx\n日本語"),
            (Motion::Down, "one two three\nx|\n日本語"),
            (Motion::Down, "one two three\nx\n日|本語"),
        ] {
            assert!(area.go(motion, 10, 5));
            assert_eq!(shown(&area), expected);
        }
        assert!(!area.go(Motion::Down, 10, 5));
        assert!(area.go(Motion::PageUp, 10, 10));
        assert_eq!(area.caret.line, 0);
    }

    #[test]
    fn undo_takes_back_words_and_what_was_pasted() {
        let mut area = Area::new("", true);
        for c in ["H", "i", " ", "A", "n", "n"] {
            area.insert(c);
        }
        area.insert("two\nlines");
        assert_eq!(area.text(), "Hi Anntwo\nlines");
        for expected in ["Hi Ann", "Hi", ""] {
            assert!(area.step(true));
            assert_eq!(area.text(), expected);
        }
        assert!(!area.step(true));
        assert!(area.step(false) && area.step(false));
        assert_eq!(area.text(), "Hi Ann");
    }

    #[test]
    fn what_is_pasted_is_safe() {
        let mut area = Area::new("", true);
        area.insert("a\r\nb\u{1b}[31m\u{202e}c\td");
        assert_eq!(area.text(), "a\nb\u{fffd}[31mc\td");
        let mut line = Area::new("", false);
        line.insert("a@x.org,\nb@x.org\n");
        assert_eq!(line.text(), "a@x.org, b@x.org");
        assert!(!area.insert(&"x".repeat(MAX_TEXT_BYTES)));
    }

    #[test]
    fn the_caret_is_always_seen() {
        let mut area = area(&format!("|{}", "one two three\n".repeat(50)));
        for motion in [Motion::PageDown, Motion::Last, Motion::Up, Motion::PageUp, Motion::First] {
            area.go(motion, 8, 5);
            area.lay_out(8, 5);
            let seen = area.seen(8, 5);
            assert_eq!(seen.iter().filter(|(_, caret)| caret.is_some()).count(), 1, "{motion:?}");
        }
    }

    fn key() -> impl Strategy<Value = u8> {
        0_u8..18
    }

    proptest! {
        #[test]
        fn all_edits_can_be_undone(
            text in "([a-z é日👩\u{200d}\u{301},]{0,12}\n?){0,4}",
            keys in prop::collection::vec((key(), "\\PC{0,3}|\n"), 0..40),
            columns in 1_usize..20,
        ) {
            let mut area = Area::new(&text, true);
            let begun = area.text();
            for (key, typed) in keys {
                match key {
                    0..=5 => { area.insert(&typed); }
                    6 => area.edit(Edit::Erase, columns),
                    7 => area.edit(Edit::EraseNext, columns),
                    8 => area.edit(Edit::EraseWord, columns),
                    9 => area.edit(Edit::EraseAll, columns),
                    10 => area.edit(Edit::EraseRest, columns),
                    11 => area.edit(Edit::Left, columns),
                    12 => area.edit(Edit::Right, columns),
                    13 => area.edit(Edit::Start, columns),
                    14 => area.edit(Edit::End, columns),
                    15 => { area.go(Motion::Up, columns, 4); }
                    16 => { area.go(Motion::Down, columns, 4); }
                    _ => { area.step(true); }
                }
                area.lay_out(columns, 4);
                let line = &area.lines()[area.caret().line];
                prop_assert!(line.is_char_boundary(area.caret().byte));
                let seen = area.seen(columns, 4);
                prop_assert!(seen.iter().any(|(_, caret)| caret.is_some()));
                prop_assert_eq!(area.bytes, area.text().len());
            }
            while area.step(true) {}
            prop_assert_eq!(&area.text(), &begun);
            while area.step(false) {}
            while area.step(true) {}
            prop_assert_eq!(&area.text(), &begun);
        }
    }
}
