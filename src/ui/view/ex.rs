//! The line for a command, in the place of the hints, and what may be meant above it.
//!
//! Invariant: stays inside the screen; the choice that was taken is seen and marked by a sign.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::boxes::typed_behind;
use super::which::panel;
use super::{columns, put};
use crate::ui::app::Model;
use crate::ui::ex::ExLine;
use crate::ui::text;

/// Choices that are shown at a time.
const ROWS: u16 = 8;
/// Columns of a choice's name, and where there are few.
const NAME: (usize, usize) = (22, 15);
/// From this many columns on there is room.
const WIDE_FROM: u16 = 60;

/// Draws it.
pub(super) fn draw(model: &Model, ex: &ExLine, area: Rect, buf: &mut Buffer) -> Position {
    let theme = model.theme;
    let bottom = Rect { y: area.bottom() - 1, height: 1, ..area };
    let rows = u16::try_from(ex.offers.len()).unwrap_or(u16::MAX).min(ROWS);
    let rows = rows.min(area.height.saturating_sub(4));
    let chosen = ex.chosen.unwrap_or(0);
    let first = (chosen + 1).saturating_sub(rows.into());
    let count = if ex.offers.len() > usize::from(rows) {
        format!("{} of {}", rows, ex.offers.len())
    } else {
        String::new()
    };
    if rows > 0 {
        let inside = panel(model, "Command", &count, rows, area, buf);
        let visible = ex.offers.iter().enumerate().skip(first);
        for ((at, offer), y) in visible.zip(inside.top()..inside.bottom()) {
            let here = ex.chosen == Some(at);
            let mark = if here { "▸ " } else { "  " };
            let x = put(buf, (inside.x, y), mark, inside.width, theme.text());
            let style = if here { theme.strong() } else { theme.text() };
            let wide = if inside.width < WIDE_FROM { NAME.1 } else { NAME.0 };
            let name = text::fit(&offer.shown, wide);
            let x = put(buf, (x, y), &name, inside.right().saturating_sub(x), style);
            let key = offer.command.map(|name| model.keymap.key(name)).unwrap_or_default();
            let end = inside.right().saturating_sub(columns(key));
            put(buf, (end, y), key, columns(key), theme.key());
            put(buf, (x + 1, y), &offer.does, end.saturating_sub(x + 3), theme.dim());
        }
    }
    put(buf, (bottom.x, bottom.y), &" ".repeat(bottom.width.into()), bottom.width, theme.text());
    let line = Rect { x: bottom.x + 1, width: bottom.width.saturating_sub(2), ..bottom };
    typed_behind(model, ":", &ex.line, line, buf)
}
