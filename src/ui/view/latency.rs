//! How fast keys are drawn, in a corner over everything.
//!
//! Invariant: it covers a few cells of the list and takes no key; each figure stands behind its
//! name, so that a program can read it as well.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::put;
use crate::ui::app::Model;
use crate::ui::meter::{Figures, millis};
use crate::ui::text;

/// Columns of the figures, a blank at both ends included.
const COLUMNS: u16 = 24;

/// Draws the figures below the title, at the right.
pub(super) fn draw(model: &Model, figures: &Figures, area: Rect, buf: &mut Buffer) {
    let lines = [
        ("last keys", text::count(figures.keys as u64)),
        ("p50", format!("{} ms", millis(figures.p50))),
        ("p99", format!("{} ms", millis(figures.p99))),
        ("max", format!("{} ms", millis(figures.max))),
        ("CPU a key", format!("{} ms", millis(figures.cpu))),
        ("CPU p99", format!("{} ms", millis(figures.cpu_p99))),
    ];
    let width = COLUMNS.min(area.width);
    let x = area.right() - width;
    let rows = area.y + 1..area.bottom().saturating_sub(1);
    let style = model.theme.text().patch(model.theme.panel());
    for ((name, value), y) in lines.iter().zip(rows) {
        // A sign of two columns that begins left of it would reach into it.
        let before = x.checked_sub(1).and_then(|x| buf.cell_mut((x, y)));
        if let Some(cell) = before.filter(|cell| text::width(cell.symbol()) > 1) {
            cell.set_symbol(" ");
        }
        let room = usize::from(width).saturating_sub(2 + text::width(name));
        let line = format!(" {name}{} ", text::fit_right(value, room));
        put(buf, (x, y), &line, width, style);
    }
}
