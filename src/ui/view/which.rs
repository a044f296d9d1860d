//! What may follow a prefix, above the hints: each key with what it does.
//!
//! Invariant: one rule, columns that begin at the same cells; at most half of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{columns, put};
use crate::ui::app::Model;
use crate::ui::layout::too_small;
use crate::ui::palette::title;
use crate::ui::{text, which};

/// Columns of one column of keys.
const COLUMN: u16 = 38;
/// Columns of a key.
const KEY: u16 = 5;

/// A panel of this many rows above the hints, with a rule that says what it is and, at its end,
/// `more`; returns its inside.
pub(super) fn panel(
    model: &Model,
    name: &str,
    more: &str,
    rows: u16,
    area: Rect,
    buf: &mut Buffer,
) -> Rect {
    let theme = model.theme;
    let rows = rows.min(area.height.saturating_sub(2));
    let top = area.bottom().saturating_sub(rows + 2);
    let blank = " ".repeat(area.width.into());
    for y in top..area.bottom() - 1 {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
            }
        }
        put(buf, (area.x, y), &blank, area.width, theme.text());
    }
    let rule = "─".repeat(area.width.into());
    put(buf, (area.x, top), &rule, area.width, theme.dim());
    put(buf, (area.x + 1, top), &format!(" {name} "), area.width - 1, theme.strong());
    if !more.is_empty() {
        let more = format!(" {more} ");
        let x = area.right().saturating_sub(columns(&more) + 1);
        put(buf, (x, top), &more, columns(&more), theme.dim());
    }
    Rect { x: area.x + 1, y: top + 1, width: area.width.saturating_sub(2), height: rows }
}

/// Draws it where a prefix has stood for a while.
pub(super) fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    if !which::is_shown(model) || too_small((area.width, area.height)) {
        return;
    }
    let all = model.keymap.continuations(model.context(), &model.keys);
    let across = (area.width.saturating_sub(2) / COLUMN).max(1);
    let rows = u16::try_from(all.len().div_ceil(across.into())).unwrap_or(u16::MAX);
    let rows = rows.min(area.height / 2);
    let prefix: Vec<String> = model.keys.iter().map(ToString::to_string).collect();
    let shown = usize::from(rows) * usize::from(across);
    let more = all.len().saturating_sub(shown);
    let more = if more > 0 { format!("{more} more") } else { String::new() };
    let inside = panel(model, &format!("{} …", prefix.join(" ")), &more, rows, area, buf);
    for (at, (keys, command)) in all.iter().take(shown).enumerate() {
        let at = u16::try_from(at).unwrap_or(u16::MAX);
        let (column, row) = (at / rows.max(1), at % rows.max(1));
        let (x, y) = (inside.x + column * COLUMN, inside.y + row);
        let room = COLUMN.saturating_sub(2).min(inside.right().saturating_sub(x));
        let keys = text::fit(keys, KEY.into());
        let end = put(buf, (x, y), &keys, room, model.theme.key());
        let left = (x + room).saturating_sub(end + 1);
        put(buf, (end + 1, y), &title(command), left, model.theme.text());
    }
}
