//! From cells to the terminal: only what changed, and nothing left over.
//!
//! Invariant: after a frame the terminal shows its cells and nothing of earlier frames, also where
//! it counts the columns of a sign differently than we do. Terminals disagree about signs of
//! several characters (families, flags, vowel signs): a line that has or had one is cleared and
//! written as a whole when it changes, with the cursor set anew after each such sign. So is a line
//! that has or had a link of the terminal's: what stands in one is written between its bytes.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect, Size};

use crate::ui::osc8::{self, Anchor};
use crate::ui::text;

/// What the terminal shows.
#[derive(Debug)]
pub struct Paint<W: Write> {
    backend: CrosstermBackend<W>,
    shown: Buffer,
    /// The links of what is shown.
    linked: Vec<Anchor>,
    caret: Option<Position>,
}

/// Whether terminals disagree about how wide this is.
fn doubtful(cell: &Cell) -> bool {
    let mut chars = cell.symbol().chars();
    chars.next();
    chars.next().is_some()
}

impl<W: Write> Paint<W> {
    /// Nothing is shown yet.
    pub fn new(out: W) -> Self {
        let backend = CrosstermBackend::new(out);
        Self { backend, shown: Buffer::empty(Rect::ZERO), linked: Vec::new(), caret: None }
    }

    /// The next frame is written as a whole, whatever the terminal shows now.
    pub fn forget(&mut self) {
        self.shown = Buffer::empty(Rect::ZERO);
    }

    /// Draws a frame of this size with `draw`, which returns where the cursor belongs, if anywhere;
    /// what of `anchors` the frame shows leads somewhere.
    ///
    /// # Errors
    /// When the terminal takes no bytes.
    pub fn frame(
        &mut self,
        (width, height): (u16, u16),
        mut anchors: Vec<Anchor>,
        draw: impl FnOnce(Rect, &mut Buffer) -> Option<Position>,
    ) -> io::Result<()> {
        let area = Rect::from(Size { width, height });
        if self.shown.area != area {
            self.backend.hide_cursor()?;
            self.backend.clear_region(ClearType::All)?;
            self.shown = Buffer::empty(area);
            self.linked.clear();
            self.caret = None;
        }
        let mut next = Buffer::empty(area);
        let caret = draw(area, &mut next);
        anchors.retain(|anchor| anchor.is_shown(&next));
        let mut plain = self.shown.clone();
        for y in area.top()..area.bottom() {
            let of = |all: &[Anchor]| -> Vec<Anchor> {
                all.iter().filter(|anchor| anchor.at.y == y).cloned().collect()
            };
            let linked = (of(&self.linked), of(&anchors));
            self.whole_line(&next, &mut plain, y, &linked)?;
        }
        self.backend.draw(plain.diff(&next).into_iter())?;
        match caret {
            Some(at) => {
                self.backend.set_cursor_position(at)?;
                if self.caret.is_none() {
                    self.backend.show_cursor()?;
                }
            }
            None if self.caret.is_some() => self.backend.hide_cursor()?,
            None => {}
        }
        (self.shown, self.linked, self.caret) = (next, anchors, caret);
        Backend::flush(&mut self.backend)
    }

    /// Writes line `y` as a whole, if it changes and is or was doubtful or `linked`, before and
    /// now; `shown` has it then.
    fn whole_line(
        &mut self,
        next: &Buffer,
        shown: &mut Buffer,
        y: u16,
        (before, now): &(Vec<Anchor>, Vec<Anchor>),
    ) -> io::Result<()> {
        let width = usize::from(next.area.width);
        let range = usize::from(y) * width..(usize::from(y) + 1) * width;
        let (old, new) = (&shown.content[range.clone()], &next.content[range.clone()]);
        let links = !before.is_empty() || !now.is_empty();
        let same = old == new && before == now;
        if same || !(links || old.iter().chain(new).any(doubtful)) {
            return Ok(());
        }
        self.backend.set_cursor_position(Position { x: 0, y })?;
        self.backend.clear_region(ClearType::CurrentLine)?;
        let mut x = 0;
        let mut piece: Vec<(u16, u16, &Cell)> = Vec::new();
        let mut links = now.iter().peekable();
        let mut ends = None;
        while let Some(cell) = new.get(usize::from(x)) {
            if let Some(link) = links.next_if(|link| link.at.x == x) {
                self.backend.draw(std::mem::take(&mut piece).into_iter())?;
                self.backend.write_all(&link.begin())?;
                ends = Some(x + link.columns());
            }
            piece.push((x, y, cell));
            if doubtful(cell) {
                self.backend.draw(std::mem::take(&mut piece).into_iter())?;
            }
            x += u16::try_from(text::width(cell.symbol())).unwrap_or(1).max(1);
            if ends.is_some_and(|end| x >= end) {
                ends = None;
                self.backend.draw(std::mem::take(&mut piece).into_iter())?;
                self.backend.write_all(osc8::END)?;
            }
        }
        self.backend.draw(piece.into_iter())?;
        shown.content[range.clone()].clone_from_slice(&next.content[range]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;
    use crate::ui::double::Double;
    use crate::ui::harness::Screen;
    use crate::ui::view;

    const SIZE: (u16, u16) = (80, 24);

    /// The bytes of the frames that `keys` lead to, one after another on one terminal.
    fn frames(keys: &[&str]) -> Vec<u8> {
        let mut screen = Screen::new(Double::scripts(), SIZE.0, SIZE.1);
        let mut bytes = Vec::new();
        let mut paint = Paint::new(&mut bytes);
        for keys in keys {
            screen.press(keys);
            paint
                .frame(SIZE, view::anchors(&screen.model), |area, buf| {
                    view::draw(&screen.model, area, buf)
                })
                .unwrap();
        }
        bytes
    }

    /// The links that the bytes make, each with what stands in it.
    fn links(bytes: &[u8]) -> Vec<(String, String)> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let mut found = Vec::new();
        let mut rest = text.as_str();
        while let Some((_, begun)) = rest.split_once("\x1b]8;id=") {
            let (head, body) = begun.split_once("\x1b\\").unwrap();
            let (inside, after) = body.split_once("\x1b]8;;\x1b\\").unwrap();
            let (_, target) = head.split_once(';').unwrap();
            assert!(!inside.contains("\x1b]"), "{inside:?}");
            let mut signs = inside.split('\x1b').map(|part| match part.strip_prefix('[') {
                Some(order) => order.trim_start_matches(|c: char| !c.is_alphabetic()).get(1..),
                None => Some(part),
            });
            let said = signs.by_ref().flatten().collect::<String>();
            found.push((target.to_owned(), said));
            rest = after;
        }
        assert_eq!(text.matches("\x1b]8;").count(), 2 * found.len(), "each is ended");
        found
    }

    #[test]
    fn links_of_what_is_read_are_links_of_the_terminal() {
        let read = links(&frames(&["<Enter>G"]));
        let figures =
            ("https://example.org/figures".to_owned(), "https://example.org/figures".to_owned());
        assert_eq!(read, std::slice::from_ref(&figures));
        // What lies on top covers it; gone, it is a link again.
        let closed = links(&frames(&["<Enter>G", "?", "<Esc>"]));
        assert_eq!(closed, [figures.clone(), figures.clone()]);
        // What did not change is not written again.
        assert_eq!(links(&frames(&["<Enter>G", "G"])).len(), 1);
        assert_eq!(links(&frames(&["<Enter>G", "u"])), [figures]);
    }

    /// What a terminal shows that counts every character for itself.
    fn shown(bytes: &[u8]) -> String {
        let cells = |n| NonZeroU16::new(n).unwrap();
        let mut terminal = vt100::Parser::new(cells(SIZE.1), cells(SIZE.0), 0);
        terminal.process(bytes);
        let contents = terminal.screen().contents();
        contents.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn nothing_is_left_of_a_frame_whatever_the_terminal_thinks_of_its_signs() {
        for (before, last) in [
            (&["j", "jjj", "<Enter>"][..], "<Esc>gd"),
            (&["j", "<Enter>", "J", "J", "J"][..], "<Esc>gs"),
            (&["G", "gg", "l"][..], "<Esc>?"),
        ] {
            let all: Vec<&str> = before.iter().copied().chain([last]).collect();
            let at_once = all.concat();
            assert_eq!(shown(&frames(&all)), shown(&frames(&[&at_once])), "{all:?}");
        }
    }

    #[test]
    fn what_did_not_change_is_not_written() {
        let (one, two) = (frames(&["j"]), frames(&["j", "kj"]));
        assert_eq!(one.len(), two.len() - frames_of_nothing(), "the same frame again");
    }

    /// Bytes of a frame without a change.
    fn frames_of_nothing() -> usize {
        let mut bytes = Vec::new();
        let mut paint = Paint::new(&mut bytes);
        paint.frame(SIZE, Vec::new(), |_, _| None).unwrap();
        let first = bytes.len();
        let mut bytes = Vec::new();
        let mut paint = Paint::new(&mut bytes);
        for _ in 0..2 {
            paint.frame(SIZE, Vec::new(), |_, _| None).unwrap();
        }
        bytes.len() - first
    }
}
