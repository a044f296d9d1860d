//! The palette: what is typed, what it may mean, and beside each the key that does the same.
//!
//! Invariant: all rows begin and end in the same columns; the row under the cursor is seen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::boxes::{open, typed};
use super::{columns, put};
use crate::label::is_system;
use crate::ui::app::Model;
use crate::ui::palette::{Found, Item, PaletteBox};
use crate::ui::text;

/// Columns inside the box.
const COLUMNS: u16 = 64;
/// Rows of what is found, at most.
const ROWS: u16 = 14;
/// The fewest columns that what a row says has beside its key.
const LEAST_TITLE: u16 = 16;

/// Draws it.
pub(super) fn draw(model: &Model, palette: &PaletteBox, area: Rect, buf: &mut Buffer) -> Position {
    // The box does not move while one types.
    let area = Rect { height: area.height - 1, ..area };
    let inside = open(model, "Do", (COLUMNS, ROWS + 2), area, buf);
    let caret = typed(model, &palette.line, Rect { height: 1, ..inside }, buf);
    let top = inside.y + 2.min(inside.height.saturating_sub(1));
    let height = usize::from(inside.bottom().saturating_sub(top));
    if palette.found.is_empty() {
        let line = "nothing here is called that";
        put(buf, (inside.x, top), line, inside.width, model.theme.dim());
    }
    let first = (palette.cursor + 1).saturating_sub(height);
    let visible = palette.found.iter().enumerate().skip(first);
    for ((at, found), y) in visible.zip(top..inside.bottom()) {
        let line = Rect { y, height: 1, ..inside };
        row(model, found, at == palette.cursor, line, buf);
    }
    caret
}

fn row(model: &Model, found: &Found, here: bool, line: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let (end, style) = match &found.item {
        Item::Command(command) => {
            let keys: Vec<&str> = model.keymap.keys(command.name).take(2).collect();
            (keys.join("  "), theme.key())
        }
        Item::List(label) => {
            let is = if is_system(label.as_str()) { "list" } else { "label" };
            (is.to_owned(), theme.dim())
        }
        Item::Person(_) => ("person".to_owned(), theme.dim()),
    };
    let most = line.width.saturating_sub(LEAST_TITLE + 4);
    let end = text::cut(&end, most.into());
    let mark = if here { "▸ " } else { "  " };
    let x = put(buf, (line.x, line.y), mark, line.width, theme.text());
    let at = line.right().saturating_sub(columns(&end));
    let room = at.saturating_sub(x + 2);
    let title = if here { theme.strong() } else { theme.text() };
    put(buf, (x, line.y), &found.title, room, title);
    put(buf, (at, line.y), &end, columns(&end), style);
    if here {
        buf.set_style(line, theme.cursor());
    }
}
