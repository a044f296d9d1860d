//! What lies on top of a screen: a title on a line, what is under it; lines that are typed.
//!
//! Invariant: a box lies inside the screen and hides what is under it. Its one line is its title's.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::put;
use crate::ui::app::Model;
use crate::ui::line::Line;
use crate::ui::purge::PurgeBox;
use crate::ui::search::saved::SaveBox;
use crate::ui::text;

/// Columns that a box leaves on either side at least; where it would leave fewer it leaves none,
/// since what shows there is a strip of halves of words.
const BESIDE: u16 = 4;

/// A box of about this size in the middle of `area`; returns its inside.
pub fn open(model: &Model, title: &str, size: (u16, u16), area: Rect, buf: &mut Buffer) -> Rect {
    let width = size.0.saturating_add(4).min(area.width);
    let width = if area.width - width < 2 * BESIDE { area.width } else { width };
    let height = size.1.saturating_add(2).min(area.height);
    let x = area.x + (area.width - width) / 2;
    let y = area.y + (area.height - height) / 2;
    let outer = Rect { x, y, width, height };
    let blank = " ".repeat(width.into());
    for y in outer.top()..outer.bottom() {
        for x in outer.left()..outer.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
            }
        }
        put(buf, (x, y), &blank, width, model.theme.text());
    }
    buf.set_style(outer, model.theme.panel());
    let room = width.saturating_sub(4);
    let title = text::cut(title, room.into());
    let under = model.theme.panel();
    let end = put(buf, (x + 2, y), &title, room, under.patch(model.theme.strong())) + 1;
    let bar = "─".repeat(usize::from((outer.right() - 2).saturating_sub(end)));
    put(buf, (end, y), &bar, room, under.patch(model.theme.rule()));
    Rect { x: x + 2, y: y + 1, width: width.saturating_sub(4), height: height.saturating_sub(2) }
}

/// Draws the typed text with its caret visible; returns where the caret is.
pub(super) fn typed(model: &Model, line: &Line, at: Rect, buf: &mut Buffer) -> Position {
    typed_behind(model, "› ", line, at, buf)
}

/// As [`typed`], behind another sign.
pub(super) fn typed_behind(
    model: &Model,
    sign: &str,
    line: &Line,
    at: Rect,
    buf: &mut Buffer,
) -> Position {
    let x = put(buf, (at.x, at.y), sign, at.width, model.theme.key());
    let room = usize::from(at.right().saturating_sub(x)).saturating_sub(1);
    let caret = line.caret_column();
    // What does not fit is hidden on the left, so that the caret is always seen.
    let hidden = caret.saturating_sub(room);
    let (mut skipped, mut shown) = (0, String::new());
    for grapheme in unicode_segmentation::UnicodeSegmentation::graphemes(line.text(), true) {
        if skipped < hidden {
            skipped += text::width(grapheme);
        } else {
            shown.push_str(grapheme);
        }
    }
    put(buf, (x, at.y), &shown, at.right().saturating_sub(x), model.theme.text());
    let column = u16::try_from(caret.saturating_sub(skipped)).unwrap_or(0);
    Position { x: x.saturating_add(column).min(at.right().saturating_sub(1)), y: at.y }
}

/// Draws the question before something goes for ever.
pub fn purge(model: &Model, open: &PurgeBox, area: Rect, buf: &mut Buffer) -> Position {
    let title = "Delete for ever";
    let inside = self::open(model, title, (54, 7), Rect { height: area.height - 1, ..area }, buf);
    let rows = inside.height.saturating_sub(1);
    let what = match open.found {
        None => "Counting…".to_owned(),
        Some(sum) if sum.rows == 0 => "There is nothing to delete.".to_owned(),
        Some(sum) => sum.what(),
    };
    let kept = open.found.map_or(0, |sum| sum.kept);
    let kept =
        if kept > 0 { format!("{kept} stay: changed, or elsewhere.") } else { String::new() };
    let asks = open.found.is_some_and(|sum| sum.rows > 0);
    let lines = if !asks {
        vec![what, kept]
    } else if rows < 5 {
        vec![what, "For ever! Type yes, Enter.".to_owned()]
    } else {
        let gone = "will be gone for ever, everywhere.".to_owned();
        let undone = "This cannot be undone.".to_owned();
        vec![what, gone, undone, kept, "Type yes and Enter; Esc keeps all.".to_owned()]
    };
    for (line, y) in lines.iter().zip(inside.y..inside.y + rows) {
        let style = if y == inside.y { model.theme.strong() } else { model.theme.text() };
        put(buf, (inside.x, y), line, inside.width, style);
    }
    let y = inside.y + rows;
    typed(model, &open.line, Rect { y, height: 1, ..inside }, buf)
}

/// Draws the line that asks for a path.
pub fn path(model: &Model, line: &Line, area: Rect, buf: &mut Buffer) -> Position {
    let inside = open(model, "Import from", (64, 4), Rect { height: area.height - 1, ..area }, buf);
    let help = ["A file or directory: mbox, Maildir, .eml", "It is only read."];
    for (text, y) in help.iter().zip(inside.y + 2..inside.bottom()) {
        put(buf, (inside.x, y), text, inside.width, model.theme.dim());
    }
    typed(model, line, Rect { height: 1, ..inside }, buf)
}

/// Draws the line for the name under which a search is saved.
pub fn save_search(model: &Model, save: &SaveBox, area: Rect, buf: &mut Buffer) -> Position {
    let area = Rect { height: area.height - 1, ..area };
    let inside = open(model, "Save this search as", (54, 4), area, buf);
    let hint = match &save.was {
        Some(_) => "Every device has it. Without a name it is removed.",
        None => "Every device has it; @name asks it in a query.",
    };
    for (text, y) in [save.query.as_str(), hint].iter().zip(inside.y + 2..inside.bottom()) {
        let text = text::cut(text, inside.width.into());
        put(buf, (inside.x, y), &text, inside.width, model.theme.dim());
    }
    typed(model, &save.line, Rect { height: 1, ..inside }, buf)
}
