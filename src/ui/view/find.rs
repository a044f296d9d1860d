//! The lines that are typed to find something in the conversation and in the history, above the
//! hints.
//!
//! Invariant: it hides no line that is read but the one above the hints.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::boxes::typed_behind;
use super::{columns, put};
use crate::ui::app::Model;
use crate::ui::filter::FilterBox;
use crate::ui::find::FindBox;
use crate::ui::line::Line;
use crate::ui::text;

/// Draws the line.
pub(super) fn draw(model: &Model, open: &FindBox, area: Rect, buf: &mut Buffer) -> Position {
    let hits = model.reader.as_ref().map_or(0, |reader| reader.hits.len()) as u64;
    let count = match hits {
        _ if open.line.text().trim().is_empty() => String::new(),
        0 => "nothing".to_owned(),
        hits => text::plural(hits, "place", "places"),
    };
    line(model, &open.line, &count, area, buf)
}

/// Draws the line that the history is looked through with.
pub(super) fn filter(model: &Model, open: &FilterBox, area: Rect, buf: &mut Buffer) -> Position {
    let found = model.history.as_ref().map_or(0, |history| history.shown().count()) as u64;
    let loaded = model.history.as_ref().is_some_and(|history| history.loaded);
    let more = model.history.as_ref().is_some_and(|history| history.more);
    let count = match found {
        _ if !loaded => String::new(),
        0 if !more => "nothing".to_owned(),
        found if more => format!("{}+", text::count(found)),
        found => text::plural(found, "action", "actions"),
    };
    line(model, &open.line, &count, area, buf)
}

/// A line that is typed, and what it found at its right.
fn line(model: &Model, typed: &Line, count: &str, area: Rect, buf: &mut Buffer) -> Position {
    // The hints stay.
    let y = area.bottom().saturating_sub(2);
    let line = Rect { y, height: 1, ..area };
    put(buf, (line.x, y), &" ".repeat(line.width.into()), line.width, model.theme.text());
    let x = line.right().saturating_sub(columns(count) + 1);
    put(buf, (x, y), count, columns(count), model.theme.dim());
    let width = x.saturating_sub(line.x + 3);
    typed_behind(model, "\\ ", typed, Rect { x: line.x + 1, y, width, height: 1 }, buf)
}
