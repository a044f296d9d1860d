//! The box that asks before a mailing list is left.
//!
//! Invariant: who is asked is seen whole, whatever the width; what Enter does stands below it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::boxes::open;
use super::put;
use crate::ui::app::Model;
use crate::ui::text;
use crate::ui::unsubscribe::LeaveBox;

/// Columns inside the box.
const COLUMNS: u16 = 60;

/// Draws it.
pub(super) fn draw(model: &Model, asked: &LeaveBox, area: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let area = Rect { height: area.height.saturating_sub(1), ..area };
    let (says, keys) = asked.says();
    let columns = usize::from(COLUMNS.min(area.width.saturating_sub(4))).max(1);
    let lines: Vec<(usize, String)> = says
        .iter()
        .enumerate()
        .flat_map(|(at, said)| text::wrap(said, columns).into_iter().map(move |line| (at, line)))
        .collect();
    let rows = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let inside = open(model, "Leave the list", (COLUMNS, rows), area, buf);
    let last = inside.bottom().saturating_sub(1);
    for ((at, line), y) in lines.iter().zip(inside.y..last) {
        let style = if *at == 0 { theme.strong() } else { theme.text() };
        put(buf, (inside.x, y), line, inside.width, style);
    }
    put(buf, (inside.x, last), keys, inside.width, theme.dim());
}
