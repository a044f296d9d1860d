//! The interface as lines, for who hears the screen: what one is on, what was said, what is read.
//!
//! Invariant: pure; nothing is said twice, and what is drawn is never needed to know it: a row says
//! its marks in words. No line has a control character.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::context::Context;
use crate::command::key::{Code, Key};
use crate::command::registry::{Resolved, Verb};
use crate::command::search::Does;
use crate::config::Preview;
use crate::engine::view::Row;
use crate::notice::Severity;
use crate::ui::app::{Model, Stage};
use crate::ui::compose::outgoing::Held;
use crate::ui::layout::{self, Panes};
use crate::ui::{date, linear_write, people, text, view};

/// Columns and rows of the screen that nobody sees: lists and boxes are laid out on it.
pub const SIZE: (u16, u16) = (78, 60);
/// Columns of who takes part, as they are said.
const WHO_COLUMNS: usize = 60;
/// Columns of a line that is said back.
const SLIP_COLUMNS: usize = 40;

/// What stands before what the cursor is on.
const HERE: &str = "here: ";

/// What was said last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    place: String,
    row: Vec<String>,
    shown: Vec<String>,
    /// What was read last, while it is open.
    read: Vec<String>,
    what: Option<Context>,
    notice: Option<(String, i64)>,
    sends: String,
    link: String,
}

/// The model as lines are said of it: one thing at a time.
pub fn begin(model: &mut Model) {
    model.panes = Panes::One;
    model.look.loaded.settings.sidebar = false;
    model.look.loaded.settings.preview = Preview::Off;
}

/// The keys that a typed line is: a text for a box that asks for one, a search behind `/`, keys,
/// else a command, also without its `:`. An empty line is Enter.
///
/// # Errors
/// What is said instead, where no line can be typed and these are no keys: letter by letter it
/// would do what its letters do.
pub fn keys(model: &Model, line: &str) -> Result<Vec<Key>, String> {
    let enter = Key::plain(Code::Enter);
    let typed = |text: &str| text.chars().map(|c| Key::plain(Code::Char(c))).collect::<Vec<_>>();
    let line = line.trim();
    let asks = matches!(
        model.context(),
        Context::Prompt | Context::Picker | Context::Palette | Context::Ex | Context::Search
    );
    match line {
        "" => return Ok(vec![enter]),
        "esc" | "Esc" => return Ok(vec![Key::plain(Code::Esc)]),
        _ => {}
    }
    let mut keys = if asks {
        typed(line)
    } else {
        let known = if line.starts_with([':', '/']) { None } else { parsed(model, line) };
        if let Some(keys) = known {
            return Ok(keys);
        }
        let (first, rest) = match line.strip_prefix('/') {
            Some(rest) => ('/', rest),
            None => (':', line.strip_prefix(':').unwrap_or(line)),
        };
        let mut keys = opener(model, first).ok_or_else(|| no_line(line))?;
        keys.extend(typed(rest));
        keys
    };
    keys.push(enter);
    Ok(keys)
}

/// The keys that open what a command, or behind `/` a search, is typed into; `None` where nothing
/// does.
fn opener(model: &Model, first: char) -> Option<Vec<Key>> {
    let opens = |verb: Verb| match first {
        '/' => matches!(verb, Verb::Find | Verb::Search(Does::Open)),
        _ => matches!(verb, Verb::Ex),
    };
    let plain = vec![Key::plain(Code::Char(first))];
    match model.keymap.resolve(model.context(), &plain) {
        Resolved::Command(command) if opens(command.verb) => Some(plain),
        _ => model.keymap.keys_of(model.context(), opens),
    }
}

/// What is said of a line that can be no command here.
fn no_line(line: &str) -> String {
    let line = text::cut(&text::clean(line), SLIP_COLUMNS);
    format!("no keys of this box: {line}; esc leaves it")
}

/// Keys as they are written, where the line is nothing else: `j`, `3j`, `gi`, `g i`, `C-d`, `PgDn`.
/// A word whose letters would each do something is none: a slip would do all of that.
fn parsed(model: &Model, line: &str) -> Option<Vec<Key>> {
    let count = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (count, rest) = line.split_at(count);
    let digits = count.chars().map(|c| Key::plain(Code::Char(c)));
    let words: Option<Vec<Key>> = rest.split_whitespace().map(Key::parse).collect();
    let keys = words.or_else(|| {
        let keys: Vec<Key> = rest.chars().map(|c| Key::plain(Code::Char(c))).collect();
        let found = model.keymap.resolve(model.context(), &keys);
        matches!(found, Resolved::Command(_)).then_some(keys)
    })?;
    Some(digits.chain(keys).collect())
}

/// What is other than what was said before, as lines.
pub fn changed(model: &Model, before: &mut Said) -> Vec<String> {
    let now = Said {
        place: place(model),
        row: row(model),
        shown: shown(model),
        read: Vec::new(),
        what: Some(model.context()),
        notice: model.notice.as_ref().map(|notice| (said(notice), notice.since)),
        sends: sends(model),
        link: model.link(),
    };
    let mut lines = Vec::new();
    if let Some((words, _)) = now.notice.as_ref().filter(|_| now.notice != before.notice) {
        lines.push(words.clone());
    }
    if now.sends != before.sends && !now.sends.is_empty() {
        lines.push(now.sends.clone());
    }
    if now.place != before.place && !now.place.is_empty() {
        lines.push(now.place.clone());
    }
    let opened = now.what != before.what || now.shown.first() != before.shown.first();
    if opened && now.what == Some(Context::Reader) && now.shown == before.read {
        // One is back at what was read: its subject says so.
        lines.extend(now.shown.first().cloned());
    } else if opened {
        lines.extend(now.shown.iter().cloned());
    } else {
        // What the cursor has left is not news.
        let known =
            |line: &String| before.shown.iter().any(|old| old.trim_start_matches(HERE) == line);
        let fresh = now.shown.iter().filter(|line| !before.shown.contains(line) && !known(line));
        lines.extend(fresh.cloned());
    }
    let came_back = now.what != before.what && now.shown.is_empty();
    if now.row != before.row || came_back {
        lines.extend(now.row.iter().cloned());
    }
    if now.link != before.link && !before.link.is_empty() {
        lines.push(now.link.clone());
    }
    let read = match now.what {
        Some(Context::Reader) => now.shown.clone(),
        // A box over it, or an answer to it: it is still there.
        _ if model.reader.is_some() => std::mem::take(&mut before.read),
        _ => Vec::new(),
    };
    *before = Said { read, ..now };
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

/// What becomes of what was sent just now; the seconds that are left are not counted aloud.
fn sends(model: &Model) -> String {
    let says = |held: &Held| held.says(model.now_ms, model.demo);
    match model.writing.held.iter().rev().find_map(says) {
        Some((line, hint)) if line.contains(|c: char| c.is_ascii_digit()) => {
            let line = line.trim_end_matches(|c: char| c == 's' || c == ' ' || c.is_ascii_digit());
            format!("{line} a few seconds; {hint}")
        }
        Some((line, "")) => line,
        Some((line, hint)) => format!("{line}; {hint}"),
        None => String::new(),
    }
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

/// A conversation in words: `2: unread, starred, Ann Example, Numbers, 3 messages, 09:41`.
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
    if let (Context::Compose, Some(composer)) = (model.context(), &model.writing.open) {
        return linear_write::head(composer);
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
        let (mut line, mut here) = (String::new(), false);
        let mut x = 0;
        while x < width {
            let cell = &buffer[(x, y)];
            here |= cell.symbol() == "▸";
            line.push_str(if "─│┊▸●".contains(cell.symbol()) {
                " "
            } else {
                cell.symbol()
            });
            x += u16::try_from(text::width(cell.symbol())).unwrap_or(1).max(1);
        }
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if !line.is_empty() {
            let mark = if here { HERE } else { "" };
            lines.push(text::clean(&format!("{mark}{line}")));
        }
    }
    lines
}
