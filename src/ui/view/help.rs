//! The help: every command, from the registry.
//!
//! Invariant: lists each command once with all its keys; what does not apply here is dimmed, not
//! left out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{boxes, columns, put};
use crate::command::context::Context;
use crate::command::registry::{Command, Group, all};
use crate::ui::app::Model;
use crate::ui::text;

/// Columns of the keys.
const KEY_COLUMNS: usize = 14;
const KEY_COLUMNS_U16: u16 = 14;
/// Columns of the keys where there are few.
const FEW_KEY_COLUMNS: usize = 9;
/// Columns of one column of help.
const COLUMN: u16 = 52;
/// Rows that the box leaves free at least.
const MARGIN_ROWS: u16 = 2;
/// What the signs in the list mean.
const SIGNS: &str = "● unread   ★ starred   ✓ selected   @ attachment   #label";

/// One line.
#[derive(Debug, Clone)]
pub enum Line {
    /// A group's heading.
    Heading(&'static str),
    /// A command.
    Command(&'static Command),
    /// What the signs mean.
    Signs,
    /// Nothing.
    Blank,
}

/// All lines of the help, in the sample mailbox or elsewhere.
#[must_use]
pub fn lines(demo: bool) -> Vec<Line> {
    let mut lines = vec![Line::Signs, Line::Blank];
    for group in Group::ALL.into_iter().filter(|group| demo || *group != Group::Tour) {
        lines.push(Line::Heading(group.title()));
        lines.extend(all().filter(|command| command.group == group).map(Line::Command));
        lines.push(Line::Blank);
    }
    lines.pop();
    lines
}

/// Rows and columns of lines that are seen at a time.
fn seen(model: &Model) -> (usize, usize) {
    let rows = usize::from(model.size.1.saturating_sub(2 + MARGIN_ROWS)).max(1);
    let all = lines(model.demo).len();
    let wide = model.size.0 >= 2 * (COLUMN + KEY_COLUMNS_U16) + 6;
    if wide && all > rows { (rows.min(all.div_ceil(2)), 2) } else { (rows.min(all), 1) }
}

/// How far the help scrolls.
#[must_use]
pub fn last_top(model: &Model) -> usize {
    let (rows, columns) = seen(model);
    lines(model.demo).len().saturating_sub(rows * columns)
}

/// Draws the help, scrolled by `top` lines.
pub fn draw(model: &Model, top: usize, area: Rect, buf: &mut Buffer) {
    let lines = lines(model.demo);
    let (rows, columns_seen) = seen(model);
    let height = u16::try_from(rows).unwrap_or(u16::MAX);
    let width = COLUMN + KEY_COLUMNS_U16;
    let all = if columns_seen == 2 { 2 * width + 2 } else { width };
    let area = Rect { height: area.height - 1, ..area };
    let inside = boxes::open(model, "Keys", (all, height), area, buf);
    let here = model.context_behind_layers();
    for (at, line) in lines.iter().skip(top).take(rows * columns_seen).enumerate() {
        let (column, row) = (at / rows.max(1), at % rows.max(1));
        let x = inside.x + if column == 0 { 0 } else { width + 2 };
        let y = inside.y + u16::try_from(row).unwrap_or(0);
        if y < inside.bottom() {
            let width = width.min(inside.right().saturating_sub(x));
            draw_line(model, line, here, Rect { x, y, width, height: 1 }, buf);
        }
    }
    if rows * columns_seen < lines.len().saturating_sub(top) {
        let more = " more below ";
        let x = inside.right().saturating_sub(columns(more));
        put(buf, (x, inside.bottom()), more, columns(more), model.theme.dim());
    }
}

fn draw_line(model: &Model, line: &Line, here: Context, at: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    match line {
        Line::Blank => {}
        Line::Signs => {
            put(buf, (at.x, at.y), SIGNS, at.width, theme.dim());
        }
        Line::Heading(title) => {
            put(buf, (at.x, at.y), title, at.width, theme.accent().patch(theme.strong()));
        }
        Line::Command(command) => {
            let applies = command.applies(here);
            let key_columns = if at.width < COLUMN { FEW_KEY_COLUMNS } else { KEY_COLUMNS };
            let keys = text::fit(&command.keys.join("  "), key_columns);
            let style = if applies { theme.key() } else { theme.dim() };
            let x = put(buf, (at.x, at.y), &keys, at.width, style);
            let style = if applies { theme.text() } else { theme.dim() };
            put(buf, (x + 1, at.y), command.does, at.right().saturating_sub(x + 1), style);
        }
    }
}
