//! The title line, and the lines between the parts: on a screen of the usual size, one.
//!
//! Invariant: the counts are the engine's; nothing is counted here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{columns, put, put_all};
use crate::ui::app::Model;
use crate::ui::compose::outgoing::{self, Shown};
use crate::ui::layout::Areas;
use crate::ui::text;

/// From this many columns on the title says whose it is.
const NAME_FROM: u16 = 60;

/// Draws the title and the lines between the parts; none under what lies on top, which has its own.
pub fn draw(model: &Model, areas: &Areas, buf: &mut Buffer) {
    title(model, areas.title, buf);
    if !model.layers.is_empty() {
        return;
    }
    let style = model.theme.rule();
    rule(areas.between(), style, buf);
    let beside = [areas.sidebar, areas.list].into_iter();
    let ends = beside.filter(|part| part.width > 0 && part.right() < areas.title.right());
    for x in ends.map(|part| part.right() - 1) {
        for y in areas.list.top() - areas.top.height..areas.list.bottom().max(areas.reader.bottom())
        {
            put(buf, (x, y), "│", 1, style);
        }
    }
}

/// A rule along `line`.
pub fn rule(line: Rect, style: ratatui::style::Style, buf: &mut Buffer) {
    if line.height > 0 {
        put(buf, (line.x, line.y), &"─".repeat(line.width.into()), line.width, style);
    }
}

fn title(model: &Model, line: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let mut right = Vec::new();
    if !model.list.selected.is_empty() {
        let selected = text::count(model.list.selected.len() as u64);
        right.push((format!("✓ {selected} selected"), theme.selected()));
    }
    if model.demo {
        right.push(("demo".to_owned(), theme.accent()));
    }
    if line.width >= NAME_FROM {
        right.push(("mailtui".to_owned(), theme.dim()));
    }
    let width: u16 = right.iter().map(|(text, _)| columns(text) + 2).sum();
    // It ends where dates and counts end.
    let mut x = line.right().saturating_sub(width.saturating_sub(1));
    let room = x;
    for (text, style) in right {
        x = put(buf, (x, line.y), &text, line.right() - x, style) + 2;
    }
    let room = room.saturating_sub(1);
    let (name, counts) = if let Some(composer) = &model.writing.open {
        super::compose::title(composer)
    } else {
        let name = model.label_name(&model.list.label);
        let room = usize::from(room).saturating_sub(1 + text::width(&name));
        let counts = counts(model, room);
        (name, counts)
    };
    let parts = [(" ", theme.text()), (name.as_str(), theme.strong()), (&counts, theme.dim())];
    put_all(buf, (line.x, line.y), &parts, room);
}

/// The list's counts, as many as fit in `room` columns.
fn counts(model: &Model, room: usize) -> String {
    let rows = outgoing::entries(model).len() as u64;
    match outgoing::shown(model) {
        Some(Shown::Drafts) => return format!("  {}", text::plural(rows, "draft", "drafts")),
        Some(Shown::Outbox) => return format!("  {}", text::plural(rows, "message", "messages")),
        None => {}
    }
    if let Some(search) = &model.search {
        return super::search::count(model, search);
    }
    let Some(label) = model.labels.iter().find(|label| label.id == model.list.label) else {
        return String::new();
    };
    let threads = text::plural(label.thread_count, "conversation", "conversations");
    let unread = format!("  {} unread", text::count(label.unread_count));
    let both = format!("{unread} · {threads}");
    let choices =
        if label.unread_count == 0 { vec![format!("  {threads}")] } else { vec![both, unread] };
    choices.into_iter().find(|counts| text::width(counts) <= room).unwrap_or_default()
}
