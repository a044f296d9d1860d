//! The label picker, and what it asks for: a name, a colour.
//!
//! Invariant: a label's colour is beside its name, never instead of it; what the picker's keys do
//! comes from the registry.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::boxes::{open, typed};
use super::{columns, put, put_all};
use crate::command::context::Context;
use crate::command::label::Carried;
use crate::command::order::word;
use crate::command::registry::all;
use crate::ui::app::Model;
use crate::ui::labels::{Colours, Rename};
use crate::ui::picker::{Entry, Picker};
use crate::ui::text;

/// Columns inside the picker.
const COLUMNS: u16 = 44;
/// The fewest rows inside it with which the keys for labels have one.
const KEYS_FROM: u16 = 7;

/// Draws the label picker.
pub fn picker(model: &Model, picker: &Picker, area: Rect, buf: &mut Buffer) -> Position {
    let entries = picker.entries();
    let many = picker.subjects.len() as u64;
    let title = match many {
        0 => "Labels".to_owned(),
        many => format!("Label {}", text::plural(many, "conversation", "conversations")),
    };
    let rows = u16::try_from(entries.len()).unwrap_or(u16::MAX).clamp(4, 12) + 4;
    let area = Rect { height: area.height - 1, ..area };
    let mut inside = open(model, &title, (COLUMNS, rows), area, buf);
    if inside.height >= KEYS_FROM {
        let line = Rect { y: inside.bottom() - 1, height: 1, ..inside };
        keys(model, line, buf);
        inside.height -= 2;
    }
    let caret = typed(model, &picker.filter, Rect { height: 1, ..inside }, buf);
    let top = inside.y + 2.min(inside.height.saturating_sub(1));
    let height = usize::from(inside.bottom().saturating_sub(top));
    if entries.is_empty() {
        let line = "no labels yet: type a name";
        put(buf, (inside.x, top), line, inside.width, model.theme.dim());
    }
    let first = (picker.cursor + 1).saturating_sub(height);
    let visible = entries.iter().enumerate().skip(first);
    for ((at, entry), y) in visible.zip(top..inside.bottom()) {
        let here = at == picker.cursor;
        let line = Rect { y, height: 1, ..inside };
        let mark = if here { "▸ " } else { "  " };
        let (sign, name, style, count) = match entry {
            Entry::Label(label, carried) => {
                let sign = match carried {
                    _ if many == 0 => "",
                    Carried::All => "[x] ",
                    Carried::Some => "[-] ",
                    Carried::None => "[ ] ",
                };
                let style = model.theme.chip(label.color.as_deref());
                (sign, label.name.clone(), style, text::count(label.thread_count))
            }
            Entry::New(name) => {
                ("+ ", format!("new \"{name}\""), model.theme.good(), String::new())
            }
        };
        let style = if here { model.theme.strong() } else { style };
        let parts = [(mark, style), (sign, style), (name.as_str(), style)];
        let room = line.width.saturating_sub(columns(&count) + 1);
        put_all(buf, (line.x, y), &parts, room);
        let at = line.right().saturating_sub(columns(&count));
        put(buf, (at, y), &count, columns(&count), model.theme.dim());
        if here {
            buf.set_style(line, model.theme.cursor());
        }
    }
    caret
}

/// Draws what the keys for labels do, under the entries.
fn keys(model: &Model, line: Rect, buf: &mut Buffer) {
    let commands = all().filter(|command| command.applies(Context::Picker));
    let keymap = &model.keymap;
    let words = commands.filter_map(|c| Some((keymap.keys(c.name).next()?, word(c.verb)?)));
    let mut x = line.x;
    for (key, word) in words {
        let parts = [(key, model.theme.key()), (" ", model.theme.dim()), (word, model.theme.dim())];
        let wide = columns(key) + columns(word) + 1;
        if x + wide > line.right() {
            break;
        }
        x = put_all(buf, (x, line.y), &parts, wide) + 3;
    }
}

/// Draws the line for a label's new name.
pub fn rename(model: &Model, rename: &Rename, area: Rect, buf: &mut Buffer) -> Position {
    let title = format!("Rename {}", rename.was);
    let area = Rect { height: area.height - 1, ..area };
    let inside = open(model, &title, (COLUMNS, 1), area, buf);
    typed(model, &rename.line, Rect { height: 1, ..inside }, buf)
}

/// Draws the colours for a label.
pub fn colours(model: &Model, colours: &Colours, area: Rect, buf: &mut Buffer) {
    let title = format!("Colour of {}", colours.name);
    let rows = u16::try_from(Colours::choices().count()).unwrap_or(u16::MAX);
    let area = Rect { height: area.height - 1, ..area };
    let inside = open(model, &title, (24, rows), area, buf);
    let first = (colours.cursor + 1).saturating_sub(usize::from(inside.height));
    let visible = Colours::choices().enumerate().skip(first);
    for ((at, choice), y) in visible.zip(inside.top()..inside.bottom()) {
        let here = at == colours.cursor;
        let line = Rect { y, height: 1, ..inside };
        let name = choice.unwrap_or("none");
        let own = choice.and_then(|name| model.theme.palette(name));
        let text = model.theme.text();
        let mark = if here { "▸ " } else { "  " };
        put_all(buf, (line.x, y), &[(mark, text), ("   ", text), (name, text)], line.width);
        if here {
            buf.set_style(line, model.theme.cursor());
        }
        // The colour itself lies on the row, not its name in it: some cannot be read.
        if let Some(ground) = own.and_then(|own| own.fg) {
            put(buf, (line.x + 2, y), "  ", line.width.saturating_sub(2), text.bg(ground));
        }
    }
}
