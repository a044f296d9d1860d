//! The box that asks where conversations are moved.
//!
//! Invariant: a place has no sign of a label, and a label has one.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::boxes::{open, typed};
use super::{put, put_all};
use crate::ui::app::Model;
use crate::ui::mover::{MoveBox, To};
use crate::ui::text;

/// Columns inside the box.
const COLUMNS: u16 = 44;
/// The fewest and the most rows of choices.
const ROWS: (u16, u16) = (4, 12);

/// Draws the box.
pub(super) fn draw(model: &Model, asked: &MoveBox, area: Rect, buf: &mut Buffer) -> Position {
    let choices = asked.choices();
    let many = asked.subjects.len() as u64;
    let title = format!("Move {} to", text::plural(many, "conversation", "conversations"));
    let rows = u16::try_from(choices.len()).unwrap_or(u16::MAX).clamp(ROWS.0, ROWS.1) + 2;
    let area = Rect { height: area.height - 1, ..area };
    let inside = open(model, &title, (COLUMNS, rows), area, buf);
    let caret = typed(model, &asked.line, Rect { height: 1, ..inside }, buf);
    let top = inside.y + 2.min(inside.height.saturating_sub(1));
    if choices.is_empty() {
        let key = model.keymap.key("label");
        let line = format!("no place or label of this name; {key} makes labels");
        put(buf, (inside.x, top), &line, inside.width, model.theme.dim());
    }
    let height = usize::from(inside.bottom().saturating_sub(top));
    let first = (asked.cursor + 1).saturating_sub(height);
    let visible = choices.iter().enumerate().skip(first);
    for ((at, choice), y) in visible.zip(top..inside.bottom()) {
        let here = at == asked.cursor;
        let line = Rect { y, height: 1, ..inside };
        let mark = if here { "▸ " } else { "  " };
        let (sign, style) = match choice.to {
            To::Place(_) => ("", model.theme.text()),
            To::Label(_) => ("#", model.theme.chip(choice.color.as_deref())),
        };
        let style = if here { model.theme.strong() } else { style };
        let parts = [(mark, style), (sign, style), (choice.name.as_str(), style)];
        put_all(buf, (line.x, y), &parts, line.width);
        if here {
            buf.set_style(line, model.theme.cursor());
        }
    }
    caret
}
