//! A panel: what was said, or what can be counted, in a box that scrolls.
//!
//! Invariant: how bad a notice is is a sign, not a colour alone; nothing is cut: lines wrap.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{boxes, columns, put};
use crate::command::panels::Shows;
use crate::notice::Severity;
use crate::ui::app::Model;
use crate::ui::panel::{Panel, Said};
use crate::ui::{date, text};

/// Columns of the box at most.
const BOX_COLUMNS: u16 = 92;
/// Rows that the box leaves free at least.
const MARGIN_ROWS: u16 = 2;
/// Columns of a notice's time, and of the sign behind it.
const WHEN_COLUMNS: usize = 7;
const SIGN_COLUMNS: usize = 2;

/// A line of a panel: parts one after another.
pub(super) type Line = Vec<(String, Style)>;

fn width(columns: u16) -> u16 {
    BOX_COLUMNS.min(columns.saturating_sub(4))
}

fn rows(height: u16) -> usize {
    usize::from(height.saturating_sub(2 + MARGIN_ROWS)).max(1)
}

/// How far a panel scrolls.
#[must_use]
pub fn last_top(model: &Model, panel: &Panel) -> usize {
    let lines = all(model, panel.shows, usize::from(width(model.size.0)));
    lines.len().saturating_sub(rows(model.size.1))
}

/// Draws a panel.
pub fn draw(model: &Model, panel: &Panel, area: Rect, buf: &mut Buffer) {
    let lines = all(model, panel.shows, usize::from(width(area.width)));
    let height = u16::try_from(lines.len().min(rows(area.height))).unwrap_or(u16::MAX);
    let area = Rect { height: area.height - 1, ..area };
    let title = match panel.shows {
        Shows::Notices => "Notices",
        Shows::Stats => "Statistics",
    };
    let inside = boxes::open(model, title, (BOX_COLUMNS, height), area, buf);
    for (line, y) in lines.iter().skip(panel.top).zip(inside.top()..inside.bottom()) {
        let parts: Vec<(&str, Style)> =
            line.iter().map(|(text, style)| (text.as_str(), *style)).collect();
        super::put_all(buf, (inside.x, y), &parts, inside.width);
    }
    if usize::from(inside.height) < lines.len().saturating_sub(panel.top) {
        let more = " more below ";
        let x = inside.right().saturating_sub(columns(more));
        put(buf, (x, inside.bottom()), more, columns(more), model.theme.dim());
    }
}

/// All lines of a panel.
fn all(model: &Model, shows: Shows, width: usize) -> Vec<Line> {
    match shows {
        Shows::Notices => notices(model, width),
        Shows::Stats => super::stats::lines(model, width),
    }
}

/// What was said, the last first.
fn notices(model: &Model, width: usize) -> Vec<Line> {
    let mut lines: Vec<Line> =
        model.said.newest().flat_map(|said| one(model, said, width)).collect();
    if lines.is_empty() {
        lines.push(vec![("Nothing was said yet.".to_owned(), model.theme.dim())]);
    }
    lines
}

fn one(model: &Model, said: &Said, width: usize) -> Vec<Line> {
    let theme = model.theme;
    let (sign, style) = match said.notice.severity {
        Severity::Info => ("", theme.text()),
        Severity::Warning => ("!", theme.warning()),
        Severity::Error => ("✗", theme.error()),
    };
    let when = date::listed(said.notice.since.div_euclid(1_000), model, true);
    let when = text::fit(&when, WHEN_COLUMNS);
    let indent = WHEN_COLUMNS + SIGN_COLUMNS;
    let room = width.saturating_sub(indent).max(1);
    let words = match said.times {
        1 => said.notice.text.clone(),
        times => format!("{} (×{times})", said.notice.text),
    };
    let mut lines: Vec<Line> = Vec::new();
    for (at, part) in text::wrap(&words, room).into_iter().enumerate() {
        let sign = text::fit(if at == 0 { sign } else { "" }, SIGN_COLUMNS);
        let when = if at == 0 { when.clone() } else { " ".repeat(WHEN_COLUMNS) };
        lines.push(vec![(when, theme.dim()), (sign, style), (part, style)]);
    }
    if !said.notice.hint.is_empty() {
        let hint = text::wrap(&said.notice.hint, room).into_iter();
        lines.extend(hint.map(|part| vec![(" ".repeat(indent), theme.dim()), (part, theme.dim())]));
    }
    lines
}
