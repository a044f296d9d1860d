//! Drawing: (model, area) → cells. Pure.
//!
//! Invariant: reads the model only, and writes no control character into a cell. Whatever the size,
//! nothing is written outside the area.

pub mod accounts;
pub mod boxes;
pub mod compose;
mod ex;
mod files;
mod find;
pub mod first_run;
pub mod frame;
pub mod help;
pub mod hints;
pub mod history;
pub mod labels;
mod latency;
mod links;
pub mod list;
mod mover;
pub(super) mod outgoing;
mod palette;
pub mod panel;
pub mod reader;
pub mod search;
mod sending;
pub mod sidebar;
mod snooze;
mod stats;
mod tabs;
pub mod tour;
mod unsubscribe;
mod which;
pub mod wizard;

pub(super) use compose::title as writing_title;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::ui::app::{LEAST_SIZE, Layer, Model, Stage};
use crate::ui::layout::too_small;
use crate::ui::osc8::Anchor;
use crate::ui::picture::Drawing;
use crate::ui::{layout, text};

/// A wait that is felt, in milliseconds: only then is a word about it worth its flicker.
const FELT_MS: i64 = 200;

/// What the terminal itself draws into the frame, and where; nothing of the frame is there.
#[must_use]
pub fn drawing(model: &Model) -> Option<(Position, Arc<Drawing>)> {
    let fits = !too_small(model.size) && matches!(model.stage, Stage::Mail);
    crate::ui::files::drawn(model).filter(|_| fits)
}

/// What of the frame leads somewhere, that the terminal may open itself.
#[must_use]
pub fn anchors(model: &Model) -> Vec<Anchor> {
    let mail = matches!(model.stage, Stage::Mail) && !too_small(model.size);
    let clear = model.layers.is_empty() && model.writing.open.is_none();
    let Some(reader) = model.reader.as_ref().filter(|_| mail && clear) else { return Vec::new() };
    let areas = layout::of(model).with_panel(tour::rows(model)).with_top(search::rows(model));
    reader::anchors(reader, areas.reader)
}

/// Draws the model; returns where the terminal's own cursor belongs, if anywhere.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let area = area.intersection(buf.area);
    let caret = draw_all(model, area, buf);
    if !model.theme.has_signs() {
        for cell in &mut buf.content {
            if let Some(plain) = crate::ui::theme::plain(cell.symbol()) {
                cell.set_symbol(plain);
            }
        }
    }
    model.theme.lay_ground(buf);
    caret
}

fn draw_all(model: &Model, area: Rect, buf: &mut Buffer) -> Option<Position> {
    if too_small((area.width, area.height)) {
        say_too_small(model, area, buf);
        return None;
    }
    match &model.stage {
        Stage::FirstRun(screen) => first_run::draw(model, screen, area, buf),
        Stage::Mail => mail(model, area, buf),
    }
    let mut caret = compose::caret(model, area).or_else(|| search::caret(model));
    // What lies on top is alone there: what is under it steps back.
    if let Some(layer) = model.layers.last() {
        if !matches!(layer, Layer::Find(_) | Layer::Filter(_)) {
            step_back(model, area, buf);
        }
        caret = on_top(model, layer, area, buf);
    }
    which::draw(model, area, buf);
    if let Some(figures) = &model.latency {
        latency::draw(model, figures, area, buf);
    }
    caret
}

fn say_too_small(model: &Model, area: Rect, buf: &mut Buffer) {
    let (columns, rows) = LEAST_SIZE;
    let needed = format!("too small: {columns}x{rows} needed");
    let lines = [format!("terminal {needed}"), needed, "too small".to_owned()];
    let fits = |line: &&String| text::width(line) <= area.width.into();
    let line = lines.iter().find(fits).unwrap_or(&lines[2]);
    put(buf, (area.x, area.y), line, area.width, model.theme.text());
}

/// Draws what lies on top, and nothing of what is under it; returns where the cursor belongs.
pub(super) fn on_top(
    model: &Model,
    layer: &Layer,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    match layer {
        Layer::Help(open) => Some(help::draw(model, open, area, buf)),
        Layer::Palette(open) => Some(palette::draw(model, open, area, buf)),
        Layer::Ex(open) => Some(ex::draw(model, open, area, buf)),
        Layer::Accounts(top) => {
            accounts::draw(model, *top, area, buf);
            None
        }
        Layer::Panel(open) => {
            panel::draw(model, open, area, buf);
            None
        }
        Layer::Picker(picker) => Some(labels::picker(model, picker, area, buf)),
        Layer::Rename(rename) => Some(labels::rename(model, rename, area, buf)),
        Layer::SaveSearch(open) => Some(boxes::save_search(model, open, area, buf)),
        Layer::Colours(colours) => {
            labels::colours(model, colours, area, buf);
            None
        }
        Layer::Wizard(open) => wizard::draw(model, open, area, buf),
        Layer::Path(line) => Some(boxes::path(model, line, area, buf)),
        Layer::Purge(open) => Some(boxes::purge(model, open, area, buf)),
        Layer::Snooze(open) => Some(snooze::draw(model, open, area, buf)),
        Layer::Move(open) => Some(mover::draw(model, open, area, buf)),
        Layer::Find(open) => Some(find::draw(model, open, area, buf)),
        Layer::Filter(open) => Some(find::filter(model, open, area, buf)),
        Layer::Sending(open) => Some(sending::draw(model, open, area, buf)),
        Layer::Attach(open) => Some(sending::attach(model, open, area, buf)),
        Layer::FileLine(open) => Some(files::line(model, open, area, buf)),
        Layer::Files(open) => {
            files::list(model, open, area, buf);
            None
        }
        Layer::Page(open) => {
            files::page(model, open, area, buf);
            None
        }
        Layer::Links(open) => {
            links::draw(model, open, area, buf);
            None
        }
        Layer::Leave(open) => {
            unsubscribe::draw(model, open, area, buf);
            None
        }
        Layer::Saves(open) => {
            sending::saves(model, open, area, buf);
            None
        }
    }
}

/// Makes what is under a layer quiet: one look, no lines. The bottom, which says what keys do,
/// stays.
fn step_back(model: &Model, area: Rect, buf: &mut Buffer) {
    let bottom = layout::bottom_rows(area.height);
    let quiet = Style::reset().patch(model.theme.dim());
    for y in area.top()..area.bottom().saturating_sub(bottom) {
        buf.set_style(Rect { y, height: 1, ..area }, quiet);
    }
}

fn mail(model: &Model, area: Rect, buf: &mut Buffer) {
    let areas = layout::of(model);
    let areas = areas.with_panel(tour::rows(model)).with_top(search::rows(model));
    let past = model.history.as_ref().filter(|_| model.reader.is_none());
    let areas = past.map_or(areas, |_| layout::without_sidebar(areas));
    if let Some(composer) = &model.writing.open {
        let areas = compose::areas(model, area);
        frame::draw(model, &areas, buf);
        compose::draw(model, composer, areas.list, buf);
        tour::draw(model, areas.panel, buf);
        hints::notice(model, areas.notice, buf);
        hints::hints(model, areas.hints, areas.notice.height == 0, buf);
        return;
    }
    frame::draw(model, &areas, buf);
    tabs::draw(model, areas.rule, buf);
    sidebar::draw(model, areas.sidebar, buf);
    search::draw(model, areas.top, buf);
    match past {
        Some(past) => history::draw(model, past, areas.list, buf),
        None if crate::ui::compose::outgoing::shown(model).is_some() => {
            outgoing::draw(model, areas.list, buf);
        }
        None => list::draw(model, areas.list, buf),
    }
    if let Some(reader) = &model.reader {
        reader::draw(model, reader, areas.reader, buf);
    }
    tour::draw(model, areas.panel, buf);
    hints::notice(model, areas.notice, buf);
    hints::hints(model, areas.hints, areas.notice.height == 0, buf);
}

/// Writes at most `most` columns of `text`; returns the column after it.
fn put(buf: &mut Buffer, at: (u16, u16), text: &str, most: u16, style: Style) -> u16 {
    let (x, y) = at;
    if !buf.area.contains(Position { x, y }) {
        return x;
    }
    let most = most.min(buf.area.right() - x);
    // Styles add up in a cell: what is written over something starts from nothing but its ground.
    let style = Style { bg: None, ..Style::reset() }.patch(style);
    buf.set_stringn(x, y, text::cut(text, most.into()), most.into(), style).0
}

/// Writes `parts` one after another, at most `most` columns in all; returns the column after them.
fn put_all(buf: &mut Buffer, at: (u16, u16), parts: &[(&str, Style)], most: u16) -> u16 {
    let end = at.0.saturating_add(most);
    parts
        .iter()
        .fold(at.0, |x, (text, style)| put(buf, (x, at.1), text, end.saturating_sub(x), *style))
}

/// Columns of `text`, as the screen counts.
fn columns(text: &str) -> u16 {
    u16::try_from(text::width(text)).unwrap_or(u16::MAX)
}
