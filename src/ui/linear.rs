//! The interface as lines, for who hears the screen: what one is on, what was said, what is read.
//!
//! Invariant: pure; nothing is said twice, and what is drawn is never needed to know it: a row says
//! its marks in words. No line has a control character.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::context::Context;
use crate::command::key::{Code, Key};
use crate::command::registry;
use crate::config::Preview;
use crate::engine::view::Row;
use crate::notice::Severity;
use crate::ui::app::{Model, Stage};
use crate::ui::layout::{self, Panes};
use crate::ui::{date, people, text, view};

/// Columns and rows of the screen that nobody sees: lists and boxes are laid out on it.
pub const SIZE: (u16, u16) = (78, 60);
/// Columns of who takes part, as they are said.
const WHO_COLUMNS: usize = 60;

/// What was said last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    place: String,
    row: Vec<String>,
    shown: Vec<String>,
    what: Option<Context>,
    notice: Option<(String, i64)>,
    link: String,
}

/// The model as lines are said of it: one thing at a time.
pub fn begin(model: &mut Model) {
    model.panes = Panes::One;
    model.look.loaded.settings.sidebar = false;
    model.look.loaded.settings.preview = Preview::Off;
}

/// The keys that a typed line is: a command by its name or behind `:`, a search behind `/`, a text
/// for a box that asks for one, else keys one after another. An empty line is Enter.
#[must_use]
pub fn keys(model: &Model, line: &str) -> Vec<Key> {
    let enter = Key::plain(Code::Enter);
    let typed = |text: &str| text.chars().map(|c| Key::plain(Code::Char(c))).collect::<Vec<_>>();
    let line = line.trim();
    let asks = matches!(
        model.context(),
        Context::Prompt | Context::Picker | Context::Palette | Context::Ex | Context::Search
    );
    let named = registry::all().any(|command| Some(command.name) == line.split(' ').next());
    let mut keys = match line {
        "" => return vec![enter],
        "esc" | "Esc" => return vec![Key::plain(Code::Esc)],
        _ if line.starts_with(':') && !asks => typed(line),
        _ if line.starts_with('/') && !asks => typed(line),
        _ if asks => typed(line),
        _ if named => typed(&format!(":{line}")),
        _ => return parsed(line),
    };
    keys.push(enter);
    keys
}

/// Keys as they are written: characters, and names such as `C-d`, `PgDn` or `Tab` between blanks.
fn parsed(line: &str) -> Vec<Key> {
    let word = |word: &str| match Key::parse(word) {
        Some(key) => vec![key],
        None => word.chars().map(|c| Key::plain(Code::Char(c))).collect(),
    };
    line.split_whitespace().flat_map(word).collect()
}

/// What is other than what was said before, as lines.
pub fn changed(model: &Model, before: &mut Said) -> Vec<String> {
    let now = Said {
        place: place(model),
        row: row(model),
        shown: shown(model),
        what: Some(model.context()),
        notice: model.notice.as_ref().map(|notice| (said(notice), notice.since)),
        link: model.link(),
    };
    let mut lines = Vec::new();
    if let Some((words, _)) = now.notice.as_ref().filter(|_| now.notice != before.notice) {
        lines.push(words.clone());
    }
    if now.place != before.place && !now.place.is_empty() {
        lines.push(now.place.clone());
    }
    if now.what != before.what || now.shown.first() != before.shown.first() {
        lines.extend(now.shown.iter().cloned());
    } else {
        lines.extend(now.shown.iter().filter(|line| !before.shown.contains(line)).cloned());
    }
    let came_back = now.what != before.what && now.shown.is_empty();
    if now.row != before.row || came_back {
        lines.extend(now.row.iter().cloned());
    }
    if now.link != before.link && !before.link.is_empty() {
        lines.push(now.link.clone());
    }
    *before = now;
    lines
}

/// A notice, with how bad it is in a word.
fn said(notice: &crate::ui::app::Shown) -> String {
    let how = match notice.severity {
        Severity::Info => "",
        Severity::Warning => "warning: ",
        Severity::Error => "error: ",
    };
    let hint = if notice.hint.is_empty() { String::new() } else { format!("; {}", notice.hint) };
    text::clean(&format!("{how}{}{hint}", notice.text))
}

/// Where one is: the list, and how much is in it.
fn place(model: &Model) -> String {
    if !matches!(model.stage, Stage::Mail) || model.history.is_some() {
        return String::new();
    }
    let id = &model.list.label;
    let name = text::clean(&model.label_name(id));
    match model.labels.iter().find(|label| label.id == *id) {
        Some(label) if model.search.is_none() => {
            let all = text::plural(label.thread_count, "conversation", "conversations");
            format!("{name}: {all}, {} unread", text::count(label.unread_count))
        }
        _ => name,
    }
}

/// What the cursor is on, where it is on a conversation of a list.
fn row(model: &Model) -> Vec<String> {
    if model.context() != Context::List || model.history.is_some() {
        return Vec::new();
    }
    match model.list.current() {
        Some(row) => vec![of_row(model, row)],
        None if model.list.loaded => vec!["nothing here".to_owned()],
        None => Vec::new(),
    }
}

/// A conversation in words: `2: unread, starred, Ann Example, Quarterly numbers, 3 messages, 9:41`.
fn of_row(model: &Model, row: &Row) -> String {
    let marks = [
        (model.list.selected.contains_key(&row.thread), "selected"),
        (row.unread_count > 0, "unread"),
        (row.starred, "starred"),
        (row.muted, "muted"),
        (row.has_attachment, "with files"),
    ];
    let mut parts: Vec<String> =
        marks.iter().filter(|(is, _)| *is).map(|(_, word)| (*word).to_owned()).collect();
    parts.push(people::short(&row.participants, WHO_COLUMNS));
    parts.push(row.subject.clone().unwrap_or_else(|| "no subject".to_owned()));
    if row.message_count > 1 {
        parts.push(text::plural(row.message_count, "message", "messages"));
    }
    parts.push(date::listed(row.last_activity, model, false));
    let names = model.labels.iter().filter(|label| row.labels.contains(&label.id));
    let own = names.filter(|label| !crate::label::is_system(label.id.as_str()));
    parts.extend(own.map(|label| format!("label {}", label.name)));
    let number = if model.list.more_before { String::new() } else { position(model) };
    text::clean(&format!("{number}{}", parts.join(", ")))
}

fn position(model: &Model) -> String {
    format!("{}: ", text::count(model.list.cursor as u64 + 1))
}

/// What is read, or lies on top: the rows of the screen that nobody sees, without their frame.
fn shown(model: &Model) -> Vec<String> {
    if model.context() == Context::List && model.history.is_none() {
        return Vec::new();
    }
    let (width, height) = model.size;
    let screen = Rect { x: 0, y: 0, width, height };
    let mut buffer = Buffer::empty(screen);
    match model.layers.last() {
        Some(layer) => drop(view::on_top(model, layer, screen, &mut buffer)),
        None => drop(view::draw(model, screen, &mut buffer)),
    }
    let top = if model.layers.is_empty() { layout::of(model).title.height } else { 0 };
    let bottom = height.saturating_sub(layout::bottom_rows(height));
    let mut lines = Vec::new();
    for y in top..bottom {
        let mut line = String::new();
        let mut x = 0;
        while x < width {
            let cell = &buffer[(x, y)];
            line.push_str(if "─│┊▸●".contains(cell.symbol()) {
                " "
            } else {
                cell.symbol()
            });
            x += u16::try_from(text::width(cell.symbol())).unwrap_or(1).max(1);
        }
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.is_empty() {
            lines.push(text::clean(&line));
        }
    }
    lines
}
