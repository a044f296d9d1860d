//! The box that asks until when conversations sleep.
//!
//! Invariant: each choice says its time beside its name; what is typed is read as it is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::boxes::{open, typed};
use super::{columns, put, put_all};
use crate::command::when::EXAMPLES;
use crate::ui::app::Model;
use crate::ui::snooze::SnoozeBox;
use crate::ui::{date, text};

/// Columns inside the box.
const COLUMNS: u16 = 44;
/// Rows inside it.
const ROWS: u16 = 8;

/// Draws the box.
pub(super) fn draw(model: &Model, asked: &SnoozeBox, area: Rect, buf: &mut Buffer) -> Position {
    let many = asked.subjects.len() as u64;
    let title = format!("Snooze {}", text::plural(many, "conversation", "conversations"));
    let area = Rect { height: area.height - 1, ..area };
    let inside = open(model, &title, (COLUMNS, ROWS), area, buf);
    let caret = typed(model, &asked.line, Rect { height: 1, ..inside }, buf);
    let top = inside.y + 2.min(inside.height.saturating_sub(1));
    let choices = match asked.choices() {
        Ok(choices) => choices,
        Err(wrong) => {
            let rest = Rect { y: top, height: inside.bottom().saturating_sub(top), ..inside };
            refused(model, &wrong, rest, buf);
            return caret;
        }
    };
    let height = usize::from(inside.bottom().saturating_sub(top));
    let first = (asked.cursor + 1).saturating_sub(height);
    let visible = choices.iter().enumerate().skip(first);
    for ((at, choice), y) in visible.zip(top..inside.bottom()) {
        let here = at == asked.cursor;
        let line = Rect { y, height: 1, ..inside };
        let style = if here { model.theme.strong() } else { model.theme.text() };
        let mark = if here { "▸ " } else { "  " };
        let when = choice.until.map(|until| date::long(until, &model.zone)).unwrap_or_default();
        let room = line.width.saturating_sub(columns(&when) + 1);
        put_all(buf, (line.x, y), &[(mark, style), (&choice.name, style)], room);
        let at = line.right().saturating_sub(columns(&when)).max(line.x);
        put(buf, (at, y), &when, line.right() - at, model.theme.dim());
        if here {
            buf.set_style(line, model.theme.cursor());
        }
    }
    caret
}

/// Why what is typed is no time, and what would be one.
fn refused(model: &Model, wrong: &str, area: Rect, buf: &mut Buffer) {
    let examples = text::wrap(EXAMPLES, usize::from(area.width));
    let lines = std::iter::once(wrong.to_owned()).chain(examples);
    for (line, y) in lines.zip(area.top()..area.bottom()) {
        put(buf, (area.x, y), &line, area.width, model.theme.dim());
    }
}
