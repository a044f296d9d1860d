//! The sidebar: the lists with their counts.
//!
//! Invariant: the list that is shown is always visible and marked by more than colour.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::put;
use crate::ui::app::Model;
use crate::ui::sidebar::Entry;
use crate::ui::text;

/// Columns of a count.
const COUNT_COLUMNS: usize = 6;

/// Draws the sidebar; its last column is left to the frame.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    if area.width < 8 {
        return;
    }
    for (y, line) in (area.top()..area.bottom()).zip(lines(model, area.height)) {
        if let Some(entry) = line {
            let here = entry.label == *model.shown_list();
            let line = Rect { y, height: 1, width: area.width - 1, ..area };
            draw_entry(model, &entry, here, line, buf);
        }
    }
}

/// What stands in the rows of a sidebar of this height, from the top; a row may be blank.
#[must_use]
pub fn lines(model: &Model, height: u16) -> Vec<Option<Entry>> {
    let entries = model.sidebar();
    let mut lines: Vec<Option<Entry>> = Vec::new();
    for entry in entries {
        if entry.user && lines.last().is_some_and(|last| last.as_ref().is_some_and(|e| !e.user)) {
            lines.push(None);
        }
        lines.push(Some(entry));
    }
    let current = lines
        .iter()
        .position(|line| line.as_ref().is_some_and(|entry| entry.label == *model.shown_list()));
    let top = (current.unwrap_or(0) + 1).saturating_sub(usize::from(height));
    lines.split_off(top.min(lines.len()))
}

fn draw_entry(model: &Model, entry: &Entry, here: bool, line: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let count = if entry.count > 0 { text::count(entry.count) } else { String::new() };
    let count_columns = text::width(&count).min(COUNT_COLUMNS);
    let name_columns = usize::from(line.width).saturating_sub(3 + count_columns + 1);
    // A long name does not touch its count.
    let gap = usize::from(!count.is_empty());
    let name = text::fit(&text::cut(&entry.name, name_columns.saturating_sub(gap)), name_columns);
    let own = entry.color.as_deref().and_then(|name| theme.palette(name));
    let style = match own {
        _ if here => theme.accent().patch(theme.strong()),
        Some(own) => own,
        None => theme.text(),
    };
    let mark = if here { " ▸" } else { "  " };
    let x = put(buf, (line.x, line.y), mark, 2, style);
    let x = put(buf, (x, line.y), &name, line.right() - x, style);
    let style = if entry.strong { theme.strong() } else { theme.dim() };
    put(buf, (x, line.y), &text::fit_right(&count, count_columns), line.right() - x, style);
}
