//! One line of text that is being typed.
//!
//! Invariant: the caret stands between graphemes; the text holds no control character, and nothing
//! that hides or turns what is read.

use unicode_segmentation::UnicodeSegmentation;

use crate::command::motion::Edit;
use crate::ui::text;

/// The longest line that is taken, in bytes.
const MAX_LINE_BYTES: usize = 4_096;

/// The text and its caret (a byte offset).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    text: String,
    caret: usize,
}

impl Line {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the caret is, in bytes.
    #[must_use]
    pub const fn caret(&self) -> usize {
        self.caret
    }

    /// Writes `text` in place of `range` (bytes, between characters); the caret stands behind it.
    pub fn put(&mut self, range: std::ops::Range<usize>, text: &str) {
        if self.text.get(range.clone()).is_some() {
            self.text.replace_range(range.clone(), "");
            self.caret = range.start;
            self.insert(text);
        }
    }

    /// Columns before the caret.
    #[must_use]
    pub fn caret_column(&self) -> usize {
        text::width(&self.text[..self.caret])
    }

    /// Types `text` at the caret, as much as fits.
    pub fn insert(&mut self, text: &str) {
        // Only what can fit is looked at, however much was pasted.
        let room = MAX_LINE_BYTES.saturating_sub(self.text.len());
        let fits = text.grapheme_indices(true).map(|(at, sign)| at + sign.len());
        let end = fits.take_while(|end| *end <= room).last().unwrap_or(0);
        let text = text::typed(&text[..end]);
        // A control character takes more bytes once it is made visible.
        if text.len() <= room {
            self.text.insert_str(self.caret, &text);
            self.caret += text.len();
        }
    }

    /// Does an edit key.
    pub fn edit(&mut self, edit: Edit) {
        let before = |at: usize| self.text[..at].grapheme_indices(true).next_back().map(|(i, _)| i);
        match edit {
            Edit::Erase => {
                let start = before(self.caret).unwrap_or(0);
                self.text.replace_range(start..self.caret, "");
                self.caret = start;
            }
            Edit::EraseWord => {
                let trimmed = self.text[..self.caret].trim_end();
                let start = trimmed.rfind([' ', '/']).map_or(0, |at| at + 1);
                let start = start.min(self.caret);
                self.text.replace_range(start..self.caret, "");
                self.caret = start;
            }
            Edit::EraseNext => {
                let next = self.text[self.caret..].graphemes(true).next().map_or(0, str::len);
                self.text.replace_range(self.caret..self.caret + next, "");
            }
            Edit::EraseRest => self.text.truncate(self.caret),
            Edit::EraseAll => *self = Self::default(),
            Edit::Left => self.caret = before(self.caret).unwrap_or(0),
            Edit::Right => {
                let next = self.text[self.caret..].graphemes(true).next().map_or(0, str::len);
                self.caret += next;
            }
            Edit::Start => self.caret = 0,
            Edit::End => self.caret = self.text.len(),
        }
        // An edit may join what stood apart: the caret goes to the next boundary.
        while !self.text.is_char_boundary(self.caret) {
            self.caret += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_by_graphemes_and_words() {
        let mut line = Line::default();
        line.insert("~/Mail/é👩‍👩‍👧");
        line.edit(Edit::Erase);
        assert_eq!(line.text(), "~/Mail/é");
        line.edit(Edit::Left);
        line.insert("x\u{1b}");
        assert_eq!((line.text(), line.caret_column()), ("~/Mail/x\u{fffd}é", 9));
        line.edit(Edit::End);
        line.edit(Edit::EraseWord);
        assert_eq!(line.text(), "~/Mail/");
        line.edit(Edit::EraseWord);
        assert_eq!(line.text(), "~/Mail/", "nothing after the last slash");
        line.edit(Edit::EraseAll);
        line.edit(Edit::Erase);
        assert_eq!((line.text(), line.caret_column()), ("", 0));
        line.insert(&"é".repeat(MAX_LINE_BYTES));
        assert_eq!(line.text().len(), MAX_LINE_BYTES, "as much as fits");
        line.insert("x");
        assert_eq!(line.text().len(), MAX_LINE_BYTES);
    }
}
