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

fn rows(model: &Model) -> usize {
    usize::from(model.size.1.saturating_sub(2 + MARGIN_ROWS)).max(1)
}

/// How far the help scrolls.
#[must_use]
pub fn last_top(model: &Model) -> usize {
    lines(model.demo).len().saturating_sub(rows(model))
}

/// Draws the help, scrolled by `top` lines.
pub fn draw(model: &Model, top: usize, area: Rect, buf: &mut Buffer) {
    let lines = lines(model.demo);
    let rows = u16::try_from(rows(model).min(lines.len())).unwrap_or(u16::MAX);
    let width = COLUMN + u16::try_from(KEY_COLUMNS).unwrap_or(0);
    let area = Rect { height: area.height - 1, ..area };
    let inside = boxes::open(model, "Keys", (width, rows), area, buf);
    let here = model.context_behind_layers();
    for (line, y) in lines.iter().skip(top).zip(inside.top()..inside.bottom()) {
        draw_line(model, line, here, Rect { y, height: 1, ..inside }, buf);
    }
    if usize::from(inside.height) < lines.len().saturating_sub(top) {
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
            let keys = text::fit(&command.keys.join("  "), KEY_COLUMNS);
            let style = if applies { theme.key() } else { theme.dim() };
            let x = put(buf, (at.x, at.y), &keys, at.width, style);
            let style = if applies { theme.text() } else { theme.dim() };
            put(buf, (x + 1, at.y), command.does, at.right().saturating_sub(x + 1), style);
        }
    }
}
