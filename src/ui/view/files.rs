//! The files of a conversation, what is typed about one, and a text that is read.
//!
//! Invariant: all that comes from mail is safe text before it is here; a file's type and size are
//! seen with its name.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::boxes::{open, typed};
use super::{FELT_MS, columns, put, put_all};
use crate::ui::app::Model;
use crate::ui::files::{FileAsks, FileLine, FilesBox, Page, name, place};
use crate::ui::picture::{Dot, Picture, Shape};
use crate::ui::text;

/// Columns inside the boxes.
const COLUMNS: u16 = 72;
/// Columns of a type at most.
const TYPE_COLUMNS: usize = 28;

/// Draws the files.
pub(super) fn list(model: &Model, shown: &FilesBox, area: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let area = Rect { height: area.height.saturating_sub(1), ..area };
    let rows = u16::try_from(shown.items.len() + 1).unwrap_or(u16::MAX);
    let title = text::plural(shown.items.len() as u64, "attachment", "attachments");
    let inside = open(model, &title, (COLUMNS, rows), area, buf);
    let list = Rect { height: inside.height.saturating_sub(1), ..inside };
    let top = (shown.cursor + 1).saturating_sub(list.height.max(1).into());
    let visible = shown.items.iter().enumerate().skip(top);
    for ((at, item), y) in visible.zip(list.top()..list.bottom()) {
        let here = at == shown.cursor;
        let style = if here { theme.strong() } else { theme.text() };
        let kind = text::cut(&item.attachment.media_type, TYPE_COLUMNS);
        let facts = format!("{kind}, {}", text::size(item.attachment.size));
        let wide = columns(&facts).min(list.width / 2);
        let number = format!("{:>3} ", at + 1);
        let name = name(&item.attachment);
        let parts = [(number.as_str(), theme.key()), (name.as_str(), style)];
        put_all(buf, (list.x, y), &parts, list.width.saturating_sub(wide + 1));
        let facts = text::cut(&facts, wide.into());
        put(buf, (list.right() - wide, y), &facts, wide, theme.dim());
        if here {
            buf.set_style(Rect { y, height: 1, ..list }, theme.cursor());
        }
    }
    let says = waits(model).unwrap_or_default();
    put(buf, (inside.x, list.bottom()), &says, inside.width, theme.dim());
}

/// What is said while something is under way.
fn waits(model: &Model) -> Option<String> {
    model.files.waits?;
    Some(match model.files.fetched {
        Some((here, all)) if here < all => {
            format!("fetching {} of {} · Esc stops", text::size(here), text::size(all))
        }
        _ => "working · Esc stops".to_owned(),
    })
}

/// Draws what is typed about a file.
pub(super) fn line(model: &Model, asked: &FileLine, area: Rect, buf: &mut Buffer) -> Position {
    let area = Rect { height: area.height.saturating_sub(1), ..area };
    let what = match asked.items.as_slice() {
        [item] => name(&item.attachment),
        items => text::plural(items.len() as u64, "attachment", "attachments"),
    };
    let (title, help) = match &asked.asks {
        FileAsks::Dir => {
            (format!("Save {what}"), ["Into which directory?", "Nothing there is written over."])
        }
        FileAsks::Program => (
            format!("Give {what} to"),
            ["A program and its arguments; no shell reads them.", "It gets it on standard input."],
        ),
        FileAsks::Yes(kind) => (
            format!("Open {what}?"),
            [kind.as_str(), "It can do what its sender wants. Type yes to open it."],
        ),
    };
    let inside = open(model, &title, (COLUMNS, 4), area, buf);
    for (text, y) in help.iter().zip(inside.y + 2..inside.bottom()) {
        put(buf, (inside.x, y), text, inside.width, model.theme.dim());
    }
    typed(model, &asked.line, Rect { height: 1, ..inside }, buf)
}

/// Draws a text over everything.
pub(super) fn page(model: &Model, page: &Page, area: Rect, buf: &mut Buffer) {
    let area = Rect { height: area.height.saturating_sub(1), ..area };
    let inside = open(model, &page.title, (area.width, area.height), area, buf);
    if let Some(picture) = page.picture(model.size) {
        draw_picture(model, picture, inside, buf);
        return;
    }
    if page.text.is_none() {
        let since = model.now_ms - model.waiting_since;
        let says = waits(model).filter(|_| since >= FELT_MS || model.files.fetched.is_some());
        let says = says.unwrap_or_default();
        put(buf, (inside.x, inside.y), &says, inside.width, model.theme.dim());
        return;
    }
    let lines = page.lines.iter().skip(page.top);
    for (line, y) in lines.zip(inside.top()..inside.bottom()) {
        put(buf, (inside.x, y), line, inside.width, model.theme.text());
    }
}

/// Draws a picture in the middle, and below it what it is. Where the terminal draws it nothing is
/// written over.
fn draw_picture(model: &Model, picture: &Picture, inside: Rect, buf: &mut Buffer) {
    let at = place(picture, inside);
    if let Shape::Cells(dots) = &picture.shape {
        let rows = dots.chunks(usize::from(picture.columns.max(1)));
        for (row, y) in rows.zip(at.top()..at.bottom()) {
            for (dot, x) in row.iter().zip(at.left()..at.right()) {
                draw_dot(dot, Position { x, y }, buf);
            }
        }
    }
    let below = Position { x: inside.x, y: inside.bottom().saturating_sub(1) };
    put(buf, (below.x, below.y), &picture.facts, inside.width, model.theme.dim());
}

fn draw_dot(dot: &Dot, at: Position, buf: &mut Buffer) {
    if let Some(cell) = buf.cell_mut(at) {
        cell.set_char(dot.sign);
        if let Some(colour) = dot.fg {
            cell.set_fg(colour);
        }
        if let Some(colour) = dot.bg {
            cell.set_bg(colour);
        }
    }
}
