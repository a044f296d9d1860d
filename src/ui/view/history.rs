//! The history: a line an action with when, where, what, to how many, and what became of it.
//!
//! Invariant: that an action is undone, pending or done again is a word, not a colour alone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{FELT_MS, columns, put, put_all};
use crate::engine::view::HistoryRow;
use crate::ui::app::Model;
use crate::ui::history::{History, Reached, device, state};
use crate::ui::{date, people, text};

/// Columns of the mark before a row.
const MARK_COLUMNS: u16 = 2;
/// The fewest columns of a line that say on which device.
const DEVICE_FROM: u16 = 56;
/// Columns of a time: an old one is a date with its year.
const WHEN_COLUMNS: usize = 10;
/// Columns of a device's name.
const DEVICE_COLUMNS: usize = 12;

/// Columns that what was done has at least, beside what it was done to.
const WHAT_COLUMNS: u16 = 24;

/// Draws the history, or the conversations of one of its actions.
pub fn draw(model: &Model, history: &History, area: Rect, buf: &mut Buffer) {
    if area.height < 2 || area.width < MARK_COLUMNS {
        return;
    }
    let blank = " ".repeat(area.width.into());
    for y in area.top()..area.bottom() {
        put(buf, (area.x, y), &blank, area.width, model.theme.text());
    }
    let head = Rect { height: 1, ..area };
    let rows = Rect { y: area.y + 1, height: area.height - 1, ..area };
    match &history.reached {
        Some(reached) => conversations(model, reached, head, rows, buf),
        None => actions(model, history, head, rows, buf),
    }
}

fn head(model: &Model, title: &str, more: &str, line: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let parts =
        [(" ", theme.text()), (title, theme.strong()), ("  ", theme.text()), (more, theme.dim())];
    put_all(buf, (line.x, line.y), &parts, line.width);
}

fn actions(model: &Model, history: &History, line: Rect, area: Rect, buf: &mut Buffer) {
    let filter = history.filter();
    let more = match filter {
        "" => "what was done, the newest first".to_owned(),
        words => format!("only: {words}"),
    };
    head(model, "History", &more, line, buf);
    if history.current().is_none() {
        let waits = model.now_ms - model.waiting_since;
        let says = match history.loaded {
            true if history.held() > 0 && history.more => "looking further back…",
            true if history.held() > 0 => "Nothing that was done has that",
            true => "Nothing was done yet",
            false if waits >= FELT_MS => "opening…",
            false => "",
        };
        put(buf, (area.x + MARK_COLUMNS, area.y), says, area.width, model.theme.dim());
        return;
    }
    let visible = history.shown().enumerate().skip(history.top);
    for ((at, row), y) in visible.zip(area.top()..area.bottom()) {
        let line = Rect { y, height: 1, ..area };
        action(model, row, at == history.cursor, line, buf);
    }
}

fn action(model: &Model, row: &HistoryRow, here: bool, line: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let undone = row.undone_by.is_some();
    let plain = if here { theme.strong() } else { theme.text() };
    let weight = if undone && !here { theme.dim() } else { plain };
    let look = |style: Style| if here { plain } else { style };
    let y = line.y;
    let when = date::listed(row.at.div_euclid(1_000), model, false);
    let when = text::fit_right(&when, WHEN_COLUMNS);
    let mark = if here { "▸ " } else { "  " };
    let mut x = put(buf, (line.x, y), mark, MARK_COLUMNS, look(theme.accent()));
    x = put(buf, (x, y), &when, line.right() - x, look(theme.dim())) + 2;
    if line.width >= DEVICE_FROM {
        let who = text::fit(device(row), DEVICE_COLUMNS);
        x = put(buf, (x, y), &who, line.right().saturating_sub(x), look(theme.dim())) + 2;
    }
    let words = state(row).join(" ");
    let right = line.right().saturating_sub(columns(&words) + 1);
    let style = if undone { theme.warning() } else { theme.dim() };
    put(buf, (right, y), &words, line.right() - right, look(style));
    let room = right.saturating_sub(x + 1);
    let reached = match (row.threads, &row.subject) {
        (0, _) => String::new(),
        (1, Some(subject)) => format!("  {subject}"),
        (n, _) => format!("  {}", text::plural(n, "conversation", "conversations")),
    };
    // What was done and what it was done to share the line: neither hides the other.
    let least = room.min(WHAT_COLUMNS);
    let what = room.saturating_sub(columns(&reached)).max(least);
    x = put(buf, (x, y), &row.what, what, weight);
    let left = right.saturating_sub(x + 1);
    put(buf, (x, y), &text::cut(&reached, left.into()), left, look(theme.dim()));
    if here {
        buf.set_style(line, theme.cursor());
    }
}

fn conversations(model: &Model, reached: &Reached, line: Rect, area: Rect, buf: &mut Buffer) {
    let shown = reached.rows.as_ref().map_or(0, Vec::len);
    let more = if shown < reached.total {
        format!("{} of {}", text::count(shown as u64), text::count(reached.total as u64))
    } else {
        text::plural(reached.total as u64, "conversation", "conversations")
    };
    let more = if reached.rows.is_some() { more } else { String::new() };
    head(model, &reached.of.what, &more, line, buf);
    let Some(rows) = &reached.rows else { return };
    if rows.is_empty() {
        put(buf, (area.x + MARK_COLUMNS, area.y), "They are gone", area.width, model.theme.dim());
    }
    let top = (reached.cursor + 1).saturating_sub(area.height.into());
    for ((at, row), y) in rows.iter().enumerate().skip(top).zip(area.top()..area.bottom()) {
        let (here, theme) = (at == reached.cursor, model.theme);
        let line = Rect { y, height: 1, ..area };
        let mark = if here { "▸ " } else { "  " };
        let who = text::fit(&people::short(&row.participants, 18), 18);
        let place = format!("  {}", row.place.as_str());
        let subject = row.subject.as_deref().unwrap_or("(no subject)");
        let right = line.right().saturating_sub(columns(&place) + 1);
        let x = put(buf, (line.x, y), mark, MARK_COLUMNS, theme.accent());
        let x = put(buf, (x, y), &who, right.saturating_sub(x), theme.text()) + 2;
        put(buf, (x, y), subject, right.saturating_sub(x), theme.text());
        put(buf, (right, y), &place, line.right() - right, theme.dim());
        if here {
            buf.set_style(line, theme.cursor());
        }
    }
}
