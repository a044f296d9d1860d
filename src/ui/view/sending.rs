//! The boxes of the composer: when to send, what to attach, earlier saves.
//!
//! Invariant: what may be wrong stands above the choices where there is room for a line of it; then
//! the first choice is to go back, at any size.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::boxes::{open, typed};
use super::{columns, put, put_all};
use crate::command::when::EXAMPLES;
use crate::ui::app::Model;
use crate::ui::compose::keys::{AttachBox, SavesBox};
use crate::ui::compose::sending::{Choice, REMINDERS, SendBox};
use crate::ui::{date, text};

/// Columns inside the boxes.
const COLUMNS: u16 = 56;

/// Draws the box that asks when to send.
pub(super) fn draw(model: &Model, asked: &SendBox, area: Rect, buf: &mut Buffer) -> Position {
    let theme = model.theme;
    let area = Rect { height: area.height - 1, ..area };
    let title = format!("Send to {}", text::cut(&asked.to, 40));
    let inner = usize::from(COLUMNS.min(area.width.saturating_sub(4)));
    let warnings: Vec<String> = asked
        .warnings
        .iter()
        .flat_map(|line| text::wrap(&format!("! {line}"), inner.max(1)))
        .collect();
    let count = asked.choices().map_or(1, |choices| choices.len());
    let rows = u16::try_from(warnings.len() + count + 3).unwrap_or(u16::MAX);
    let inside = open(model, &title, (COLUMNS, rows), area, buf);
    let mut y = inside.y;
    // The choices are never pushed out.
    for line in warnings.iter().take(usize::from(inside.height.saturating_sub(3))) {
        put(buf, (inside.x, y), line, inside.width, theme.warning());
        y += 1;
    }
    let bottom = inside.bottom();
    let height = usize::from(bottom.saturating_sub(y + 2)).max(1);
    if let Ok(choices) = asked.choices() {
        let first = (asked.cursor + 1).saturating_sub(height);
        for (at, choice) in choices.iter().enumerate().skip(first).take(height) {
            let line = Rect { y, height: 1, ..inside };
            choose(model, (choice, asked), at == asked.cursor, line, buf);
            y += 1;
        }
    } else {
        let examples = text::cut(EXAMPLES, usize::from(inside.width));
        put(buf, (inside.x, y), &examples, inside.width, theme.dim());
    }
    let remind = REMINDERS.get(asked.remind).map_or("no", |(says, _)| *says);
    if bottom.saturating_sub(2) > inside.y {
        let parts = [
            ("Remind me if nobody answers: ", theme.text()),
            (remind, theme.strong()),
            ("  Tab", theme.key()),
        ];
        put_all(buf, (inside.x, bottom - 2), &parts, inside.width);
    }
    let line = Rect { y: bottom.saturating_sub(1), height: 1, ..inside };
    let caret = typed(model, &asked.line, line, buf);
    if asked.line.text().is_empty() {
        let says = "or type when: 3h, monday 9:00";
        put(buf, (inside.x + 2, line.y), says, inside.width.saturating_sub(2), theme.dim());
    }
    caret
}

fn choose(
    model: &Model,
    (choice, asked): (&Choice, &SendBox),
    here: bool,
    line: Rect,
    buf: &mut Buffer,
) {
    let theme = model.theme;
    let style = if here { theme.strong() } else { theme.text() };
    let mark = if here { "▸ " } else { "  " };
    let (name, when) = match choice {
        Choice::Back => (asked.back().to_owned(), String::new()),
        Choice::Now => ("Send now".to_owned(), format!("{} s to take it back", asked.hold)),
        Choice::At(name, at) => (name.clone(), date::long(*at, &model.zone)),
    };
    let room = line.width.saturating_sub(columns(&when) + 1);
    put_all(buf, (line.x, line.y), &[(mark, style), (&name, style)], room);
    let at = line.right().saturating_sub(columns(&when)).max(line.x);
    put(buf, (at, line.y), &when, line.right() - at, theme.dim());
    if here {
        buf.set_style(line, theme.cursor());
    }
}

/// Draws the box that asks for a file.
pub(super) fn attach(model: &Model, asked: &AttachBox, area: Rect, buf: &mut Buffer) -> Position {
    let area = Rect { height: area.height - 1, ..area };
    let inside = open(model, "Attach a file", (COLUMNS, 8), area, buf);
    let shown = usize::from(inside.height.saturating_sub(2));
    let found = asked.found.iter().take(shown);
    let below = if asked.found.is_empty() {
        vec!["Its path; Tab lets it go on".to_owned()]
    } else {
        found.map(|path| text::cut(&crate::safe_text::line(path), inside.width.into())).collect()
    };
    for (text, y) in below.iter().zip(inside.y + 2..inside.bottom()) {
        put(buf, (inside.x, y), text, inside.width, model.theme.dim());
    }
    typed(model, &asked.line, Rect { height: 1, ..inside }, buf)
}

/// Draws the saves of a draft.
pub(super) fn saves(model: &Model, asked: &SavesBox, area: Rect, buf: &mut Buffer) {
    let Some(composer) = model.writing.open.as_deref() else { return };
    let theme = model.theme;
    let area = Rect { height: area.height - 1, ..area };
    let rows = u16::try_from(composer.history.len().min(12)).unwrap_or(12).max(3);
    let inside = open(model, "Earlier saves: Enter goes back to one", (COLUMNS, rows), area, buf);
    let top = (asked.cursor + 1).saturating_sub(inside.height.into());
    let visible = composer.history.iter().enumerate().skip(top);
    for ((at, row), y) in visible.zip(inside.top()..inside.bottom()) {
        let here = at == asked.cursor;
        let line = Rect { y, height: 1, ..inside };
        let style = if here { theme.strong() } else { theme.text() };
        let mark = if here { "▸ " } else { "  " };
        let when = text::fit(&date::listed(row.at, model, false), 10);
        let who = crate::safe_text::line(&row.device_name);
        let who = text::fit(if who.is_empty() { "this device" } else { &who }, 12);
        let parts = [
            (mark, style),
            (when.as_str(), style),
            (" ", style),
            (who.as_str(), theme.dim()),
            (" ", style),
            (row.snippet.as_str(), style),
        ];
        put_all(buf, (line.x, y), &parts, line.width);
        if here {
            buf.set_style(line, theme.cursor());
        }
    }
}
