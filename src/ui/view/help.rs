//! The help: every command, from the registry, with the keys that it has now; what is typed
//! filters.
//!
//! Invariant: lists each command once with all its keys; what does not apply here is dimmed, not
//! left out. What is looked for is found by what it does, by its name and by its key.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{boxes, columns, put};
use crate::command::context::Context;
use crate::command::key::Key;
use crate::command::registry::{Command, Group, all};
use crate::ui::app::{Layer, Model};
use crate::ui::help::HelpBox;
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
    /// Nothing is found.
    Nothing,
    /// Nothing.
    Blank,
}

/// The lines of the help about what is typed: all of them where nothing is.
#[must_use]
pub fn lines(model: &Model, typed: &str) -> Vec<Line> {
    let typed = typed.trim();
    let groups = || Group::ALL.into_iter().filter(|group| model.demo || *group != Group::Tour);
    let mut lines = if typed.is_empty() { vec![Line::Signs, Line::Blank] } else { Vec::new() };
    let keyed: Vec<&Command> = all()
        .filter(|command| !typed.is_empty() && has_key(model, command, typed))
        .filter(|command| model.demo || command.group != Group::Tour)
        .collect();
    if !keyed.is_empty() {
        lines.push(Line::Heading("This key"));
        lines.extend(keyed.iter().map(|command| Line::Command(command)));
        lines.push(Line::Blank);
    }
    // One who types `g i` means keys, and no letters that stand in some word.
    let letters = typed.split_whitespace().all(|word| word.chars().count() == 1);
    let words = typed.is_empty() || keyed.is_empty() || !letters;
    for group in groups().filter(|_| words) {
        let found = all().filter(|command| command.group == group && fits(command, typed));
        let found = found.filter(|c| !keyed.iter().any(|keyed| keyed.name == c.name));
        let found: Vec<Line> = found.map(Line::Command).collect();
        if !found.is_empty() {
            lines.push(Line::Heading(group.title()));
            lines.extend(found);
            lines.push(Line::Blank);
        }
    }
    if lines.is_empty() {
        lines.push(Line::Nothing);
    } else {
        lines.pop();
    }
    lines
}

/// Whether all that is typed stands in what is said of a command.
fn fits(command: &Command, typed: &str) -> bool {
    let said = format!("{} {} {}", command.does, command.name, command.group.title());
    let said = said.to_lowercase();
    typed.to_lowercase().split_whitespace().all(|word| said.contains(word))
}

/// Whether what is typed is one of a command's keys, or the beginning of one: `g`, `g i`, `C-d`,
/// `Ctrl-d`, `enter`.
fn has_key(model: &Model, command: &Command, typed: &str) -> bool {
    let typed = typed.replace("Ctrl-", "C-").replace("ctrl-", "C-").replace("Shift-", "S-");
    let named = |word: &str| {
        let exact = Key::parse(word).map(|key| key.to_string());
        let known = Key::named(word).map(|key| key.to_string());
        exact.or(known)
    };
    let Some(typed) = typed.split_whitespace().map(named).collect::<Option<Vec<_>>>() else {
        return false;
    };
    model.keymap.keys(command.name).any(|keys| {
        let mut keys = keys.split(' ');
        typed.iter().all(|key| keys.next() == Some(key.as_str()))
    })
}

/// The help that is open, and its lines.
fn shown(model: &Model) -> Vec<Line> {
    let typed = match model.layers.last() {
        Some(Layer::Help(open)) => open.filter.text(),
        _ => "",
    };
    lines(model, typed)
}

/// Rows and columns of lines that are seen at a time.
fn seen(model: &Model, all: usize) -> (usize, usize) {
    let rows = usize::from(model.size.1.saturating_sub(3 + MARGIN_ROWS)).max(1);
    let wide = model.size.0 >= 2 * (COLUMN + KEY_COLUMNS_U16) + 6;
    // What is found leaves the box as it was: it does not jump while one types.
    if wide { (rows.min(all.div_ceil(2)).max(rows / 2), 2) } else { (rows, 1) }
}

/// How far the help scrolls.
#[must_use]
pub fn last_top(model: &Model) -> usize {
    let all = shown(model).len();
    let (rows, columns) = seen(model, all);
    all.saturating_sub(rows * columns)
}

/// Draws the help; returns where the caret is.
pub fn draw(model: &Model, help: &HelpBox, area: Rect, buf: &mut Buffer) -> Position {
    let lines = lines(model, help.filter.text());
    let (rows, columns_seen) = seen(model, lines.len());
    let height = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(1);
    let width = COLUMN + KEY_COLUMNS_U16;
    let all = if columns_seen == 2 { 2 * width + 2 } else { width };
    let area = Rect { height: area.height - 1, ..area };
    let inside = boxes::open(model, "Keys", (all, height), area, buf);
    let caret = boxes::typed(model, &help.filter, Rect { height: 1, ..inside }, buf);
    if help.filter.text().is_empty() {
        let at = (inside.x + 2, inside.y);
        put(buf, at, "type words or a key", inside.width.saturating_sub(2), model.theme.dim());
    }
    let inside = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    let here = model.context_behind_layers();
    let visible = lines.iter().skip(help.top).take(rows * columns_seen);
    for (at, line) in visible.enumerate() {
        let (column, row) = (at / rows.max(1), at % rows.max(1));
        let x = inside.x + if column == 0 { 0 } else { width + 2 };
        let y = inside.y + u16::try_from(row).unwrap_or(0);
        if y < inside.bottom() {
            let width = width.min(inside.right().saturating_sub(x));
            draw_line(model, line, here, Rect { x, y, width, height: 1 }, buf);
        }
    }
    if rows * columns_seen < lines.len().saturating_sub(help.top) {
        let more = " more below ";
        let x = inside.right().saturating_sub(columns(more));
        put(buf, (x, inside.bottom()), more, columns(more), model.theme.dim());
    }
    caret
}

fn draw_line(model: &Model, line: &Line, here: Context, at: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    match line {
        Line::Blank => {}
        Line::Signs => {
            put(buf, (at.x, at.y), SIGNS, at.width, theme.dim());
        }
        Line::Nothing => {
            put(buf, (at.x, at.y), "no key is about that", at.width, theme.dim());
        }
        Line::Heading(title) => {
            put(buf, (at.x, at.y), title, at.width, theme.accent().patch(theme.strong()));
        }
        Line::Command(command) => {
            let applies = command.applies(here);
            let key_columns = if at.width < COLUMN { FEW_KEY_COLUMNS } else { KEY_COLUMNS };
            let keys: Vec<&str> = model.keymap.keys(command.name).collect();
            let keys = text::fit(&keys.join("  "), key_columns);
            let style = if applies { theme.key() } else { theme.dim() };
            let x = put(buf, (at.x, at.y), &keys, at.width, style);
            let style = if applies { theme.text() } else { theme.dim() };
            put(buf, (x + 1, at.y), command.does, at.right().saturating_sub(x + 1), style);
        }
    }
}
