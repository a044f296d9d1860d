//! The first run's screen.
//!
//! Invariant: what is not built yet is dimmed and says so; nothing here promises what is not there.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::hints::{self, progress};
use super::{columns, frame, put, put_all};
use crate::notice::Severity;
use crate::ui::app::{Import, Model, Shown};
use crate::ui::first_run::{Choice, Does, Screen};
use crate::ui::text;

/// Columns of a choice's title at most.
const TITLE_COLUMNS: usize = 34;
/// From this many columns on the connection is shown.
const LINK_FROM: u16 = 56;
/// The most that is said to be readable.
const NEWEST: usize = 50;

/// Draws the screen.
pub fn draw(model: &Model, screen: &Screen, area: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let line = |y: u16| Rect { y, height: 1, ..area };
    let last = area.bottom() - 1;
    if model.layers.is_empty() {
        frame::rule(line(area.y), theme.rule(), buf);
    }
    let name = theme.accent().patch(theme.strong());
    put_all(buf, (area.x, area.y), &[("  mailtui ", name)], area.width);
    let airy = area.height >= 14;
    let mut y = area.y + 1 + u16::from(airy);
    let x = area.x + 2;
    let room = area.width.saturating_sub(3);
    let greeting = "No mail here yet. Pick one; the others stay for later.";
    put(buf, (x, y), greeting, room, theme.text());
    y += 1 + u16::from(airy);
    let busy = model.import.as_ref().is_some_and(|import| !import.progress.ended);
    let widest = screen.choices.iter().map(|choice| text::width(&choice.title)).max();
    let titles = widest.unwrap_or(0).min(TITLE_COLUMNS).min(usize::from(area.width) * 2 / 5);
    // What is under way has a line even where the choices have to be scrolled for it.
    let kept = u16::from(model.import.is_some() || screen.opening.is_some());
    let room_for_choices = usize::from(last.saturating_sub(y + kept)).max(1);
    let first = (screen.cursor + 1).saturating_sub(room_for_choices);
    for (at, choice) in screen.choices.iter().enumerate().skip(first).take(room_for_choices) {
        if y < last {
            draw_choice(model, (choice, titles), at == screen.cursor, busy, line(y), buf);
            y += 1;
        }
    }
    y += u16::from(airy);
    let lines = |kept: bool| -> Vec<_> {
        let lines = below(model, screen, kept).into_iter();
        let wrap = |(line, style): (String, Style)| {
            text::wrap(&line, room.into()).into_iter().map(move |part| (part, style))
        };
        lines.flat_map(wrap).collect()
    };
    // Where not all has room, what is under way comes before where mail is kept.
    let rows = usize::from(last.saturating_sub(y));
    let all = lines(true);
    let shown = if all.len() > rows && all.len() > lines(false).len() { lines(false) } else { all };
    for ((text, style), y) in shown.iter().zip(y..last) {
        put(buf, (x, y), text, room, *style);
    }
    bottom(model, line(last), buf);
}

fn bottom(model: &Model, line: Rect, buf: &mut Buffer) {
    let (theme, x, last) = (model.theme, line.x + 2, line.y);
    let shown = line.width >= LINK_FROM;
    let link = if shown && !model.link().is_empty() {
        format!(" {} ", model.link())
    } else {
        String::new()
    };
    let right = line.right().saturating_sub(columns(&link) + 2);
    put(buf, (right, last), &link, columns(&link), theme.dim());
    let parts = hints::keys(model, right.saturating_sub(x + 2));
    let parts: Vec<_> = parts.iter().map(|(text, style)| (text.as_str(), *style)).collect();
    let end = put_all(buf, (x, last), &parts, right.saturating_sub(x + 1));
    put(buf, (end, last), " ", 1, theme.text());
}

fn draw_choice(
    model: &Model,
    (choice, titles): (&Choice, usize),
    here: bool,
    busy: bool,
    line: Rect,
    buf: &mut Buffer,
) {
    let theme = model.theme;
    let later = choice.does == Does::Later || busy;
    let style = if later { theme.dim() } else { theme.text() };
    let number = choice.number.map_or(" ".to_owned(), |number| number.to_string());
    let title = text::fit(&choice.title, titles);
    let strong = if here && !later { theme.strong() } else { style };
    let parts = [
        (if here { "  ▸ " } else { "    " }, theme.accent()),
        (number.as_str(), if later { theme.dim() } else { theme.key() }),
        ("  ", style),
        (title.as_str(), strong),
        ("  ", style),
        (choice.detail.as_str(), theme.dim()),
    ];
    put_all(buf, (line.x, line.y), &parts, line.width.saturating_sub(1));
}

/// What is said under the choices, with or without where mail is kept.
fn below(model: &Model, screen: &Screen, kept: bool) -> Vec<(String, Style)> {
    let theme = model.theme;
    let mut lines = Vec::new();
    if kept && !screen.told.data_dir.is_empty() {
        let kept = format!("Mail stays in {}, readable by you only.", screen.told.data_dir);
        lines.push((kept, theme.dim()));
    }
    if let Some(what) = screen.opening {
        lines.push((format!("{what}…"), theme.accent()));
    }
    if let Some(import) = &model.import {
        lines.push(importing(model, import));
        if import.progress.ended && import.progress.failed > 0 {
            let why = "`mailtui import` on the same path lists each with its reason";
            lines.push((why.to_owned(), theme.dim()));
        }
        let readable = model.list.rows.len().min(NEWEST);
        if readable > 0 {
            let newest = if import.progress.ended {
                "the newest are readable now: Enter opens the inbox".to_owned()
            } else {
                format!("the newest {readable} are readable now: Enter opens the inbox")
            };
            lines.push((newest, theme.good()));
        }
    }
    // The end of an import is told above already.
    let told = model.import.as_ref().is_some_and(|import| import.progress.ended);
    let failed = model.import.as_ref().is_some_and(|import| import.progress.failed > 0);
    let least = if failed { Severity::Warning } else { Severity::Info };
    let worth = |notice: &&Shown| !told || notice.severity > least;
    if let Some(notice) = model.notice.as_ref().filter(worth) {
        let (sign, style) = match notice.severity {
            Severity::Info => ("", theme.text()),
            Severity::Warning => ("! ", theme.warning()),
            Severity::Error => ("✗ ", theme.error()),
        };
        lines.push((format!("{sign}{}", notice.text), style));
        if !notice.hint.is_empty() {
            lines.push((notice.hint.clone(), theme.dim()));
        }
    }
    lines
}

fn importing(model: &Model, import: &Import) -> (String, Style) {
    let progress_now = &import.progress;
    if !progress_now.ended {
        let stops = if import.stopping { "" } else { " · Esc stops, resumes later" };
        return (progress(import, model.now_ms) + stops, model.theme.accent());
    }
    let verb = if import.stopping { "stopped: imported" } else { "imported" };
    let new = text::plural(progress_now.imported, "message", "messages");
    let failed = match progress_now.failed {
        0 => String::new(),
        n => format!(", {} failed", text::count(n)),
    };
    let style = if failed.is_empty() { model.theme.good() } else { model.theme.warning() };
    (format!("{verb} {new}{failed}"), style)
}
