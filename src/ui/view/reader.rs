//! The reader: the subject on top, then the lines of the conversation.
//!
//! Invariant: draws only the visible lines; the lines were laid out for this width.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{FELT_MS, columns, put, put_all};
use crate::label;
use crate::ui::app::Model;
use crate::ui::layout::READER_HEAD_ROWS;
use crate::ui::osc8::Anchor;
use crate::ui::reader::anchors::Found;
use crate::ui::reader::{Kind, Line, Reader};
use crate::ui::text;

/// Columns before text.
const INDENT_COLUMNS: u16 = 3;
/// Stands before what the program says of a message, where no text of a message can stand.
const OURS: &str = "┊";
/// The fewest columns that a head keeps for the name.
const NAME_LEAST: u16 = 8;

/// What of the open conversation leads somewhere, where nothing lies on top.
#[must_use]
pub fn anchors(reader: &Reader, area: Rect) -> Vec<Anchor> {
    let top = area.y + READER_HEAD_ROWS.min(area.height);
    let part = |found: Found| {
        let text = &reader.lines.get(found.line)?.text;
        let y = top + u16::try_from(found.line.checked_sub(reader.top)?).ok()?;
        let x = area.x + INDENT_COLUMNS + columns(text.get(..found.range.start)?);
        let text = text.get(found.range)?.to_owned();
        let at = Position { x, y };
        Some(Anchor { at, text, target: found.target, number: found.number })
    };
    let parts = reader.anchors().into_iter().filter_map(part);
    parts.filter(|part| part.at.y < area.bottom()).collect()
}

/// Draws the open conversation.
pub fn draw(model: &Model, reader: &Reader, area: Rect, buf: &mut Buffer) {
    if area.width < 8 || area.height == 0 {
        return;
    }
    subject(model, reader, Rect { height: 1, ..area }, buf);
    let top = area.y + READER_HEAD_ROWS.min(area.height);
    if reader.messages.is_none() {
        // The answer comes within a frame or two; only a wait that is felt is worth a word.
        if model.now_ms - reader.opened_ms >= FELT_MS {
            let x = area.x + INDENT_COLUMNS;
            put(buf, (x, top), "opening…", area.width, model.theme.dim());
        }
        return;
    }
    let lines = &reader.lines[reader.top.min(reader.lines.len())..];
    for ((y, line), number) in (top..area.bottom()).zip(lines).zip(reader.top..) {
        draw_line(model, reader, line, Rect { y, height: 1, ..area }, buf);
        mark(model, reader, (number, &line.text), Rect { y, height: 1, ..area }, buf);
    }
}

fn subject(model: &Model, reader: &Reader, line: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let star = if reader.row.starred { "★ " } else { "" };
    let mut right: Vec<(String, _)> = Vec::new();
    for id in reader.row.labels.iter().filter(|id| !label::is_system(id.as_str())) {
        let label = model.labels.iter().find(|label| label.id == *id);
        let name = label.map_or(id.as_str(), |label| label.name.as_str());
        let own = label.and_then(|label| label.color.as_deref());
        right.push((format!("#{} ", text::cut(name, 14)), theme.chip(own)));
    }
    right.push((position(reader), theme.dim()));
    while right.len() > 1 && right.iter().map(|(t, _)| columns(t)).sum::<u16>() > line.width / 2 {
        right.remove(0);
    }
    let wide: u16 = right.iter().map(|(text, _)| columns(text)).sum();
    let x = line.right().saturating_sub(wide + 1);
    let parts: Vec<_> = right.iter().map(|(text, style)| (text.as_str(), *style)).collect();
    put_all(buf, (x, line.y), &parts, line.right() - x);
    let title = reader.row.subject.as_deref().unwrap_or("(no subject)");
    let start = line.x + INDENT_COLUMNS;
    let parts = [(star, theme.star()), (title, theme.strong())];
    put_all(buf, (start, line.y), &parts, x.saturating_sub(start + 2));
}

/// Where in the conversation this is.
fn position(reader: &Reader) -> String {
    let messages = text::plural(reader.row.message_count, "message", "messages");
    match reader.last_top() {
        0 => messages,
        _ if reader.top == 0 => format!("{messages} · top"),
        last if reader.top >= last => format!("{messages} · end"),
        last => format!("{messages} · {}%", reader.top * 100 / last),
    }
}

fn draw_line(model: &Model, reader: &Reader, line: &Line, at: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    if line.head {
        // The head of what is read stands out from its text.
        buf.set_style(at, theme.raised());
    }
    let style = match &line.kind {
        Kind::Head { .. } => {
            head(model, reader, line, at, buf);
            return;
        }
        Kind::Folded => {
            folded(model, line, at, buf);
            return;
        }
        Kind::Meta | Kind::Defect | Kind::Link | Kind::Target | Kind::Signature | Kind::Rule => {
            theme.dim()
        }
        Kind::Text | Kind::Blank => theme.text(),
        Kind::Quote(depth) => theme.quote(*depth),
        Kind::Attachment => theme.accent(),
        Kind::Warning => theme.warning(),
    };
    if line.kind.is_ours() {
        put(buf, (at.x, at.y), OURS, INDENT_COLUMNS, style);
    }
    let x = at.x + INDENT_COLUMNS;
    put(buf, (x, at.y), &line.text, at.right().saturating_sub(x), style);
}

/// A long quote that is folded, with the key that unfolds it.
fn folded(model: &Model, line: &Line, at: Rect, buf: &mut Buffer) {
    let key = match model.keymap.key("quotes") {
        "" => String::new(),
        key => format!(" · {key} shows"),
    };
    let theme = model.theme;
    let parts = [
        (OURS, theme.dim()),
        ("  ", theme.dim()),
        (line.text.as_str(), theme.quote(1)),
        (key.as_str(), theme.dim()),
    ];
    put_all(buf, (at.x, at.y), &parts, at.width);
}

/// Marks what was searched for; the hit that was gone to also where there are no colours.
fn mark(model: &Model, reader: &Reader, (number, text): (usize, &str), at: Rect, buf: &mut Buffer) {
    let first = reader.hits.partition_point(|(line, _)| *line < number);
    let here = reader.hits[first..].iter().take_while(|(line, _)| *line == number);
    for (at_hit, (_, place)) in here.enumerate() {
        let now = reader.hit == Some(first + at_hit);
        let style =
            if now { model.theme.hit().patch(model.theme.cursor()) } else { model.theme.hit() };
        let from = (at.x + INDENT_COLUMNS, at.y);
        super::search::mark(from, text, std::slice::from_ref(place), at.right(), style, buf);
    }
}

fn head(model: &Model, reader: &Reader, line: &Line, at: Rect, buf: &mut Buffer) {
    let Kind::Head { name, detail, date, unread, starred, folded, doubtful } = &line.kind else {
        return;
    };
    let theme = model.theme;
    let weight = if *unread || !folded { theme.strong() } else { theme.text() };
    let marks = [
        (if line.message == reader.current { "▸" } else { " " }, theme.accent()),
        (if *unread { "● " } else { "  " }, theme.unread()),
    ];
    let x = put_all(buf, (at.x, at.y), &marks, INDENT_COLUMNS);
    let date_x = at.right().saturating_sub(columns(date) + 1);
    let star = if *starred { "★ " } else { "" };
    let star_x = date_x.saturating_sub(columns(star));
    let room = star_x.saturating_sub(x + 2);
    if room < NAME_LEAST {
        let name = sender(name, usize::from(at.right() - x));
        put(buf, (x, at.y), &name, at.right() - x, weight);
        return;
    }
    let right = [(star, theme.star()), (date.as_str(), theme.dim())];
    put_all(buf, (star_x, at.y), &right, at.right() - star_x);
    if *folded && !doubtful {
        // What they say begins in one column.
        let names = reader.names.min(usize::from(room));
        let name = text::fit(&sender(name, names), names);
        let parts = [(name.as_str(), weight), ("  ", weight), (detail.as_str(), theme.dim())];
        put_all(buf, (x, at.y), &parts, room);
        return;
    }
    let style = if *doubtful { theme.warning() } else { theme.dim() };
    let detail = if detail.is_empty() { String::new() } else { format!(" <{detail}>") };
    // A long name must not push the address out. Where it has no room it stands below, or in place
    // of a name that nobody should believe, and its end is seen.
    let fits = columns(&detail) + NAME_LEAST <= room;
    let (name, detail) = match (detail.is_empty(), fits) {
        (false, true) => (text::cut(name, usize::from(room - columns(&detail))), detail),
        (false, false) if *doubtful => {
            let inside = detail.trim_start_matches(" <").trim_end_matches('>');
            let most = usize::from(room).saturating_sub(" <>".len());
            (String::new(), format!(" <{}>", text::cut_address(inside, most)))
        }
        _ => (sender(name, usize::from(room)), String::new()),
    };
    put_all(buf, (x, at.y), &[(name.as_str(), weight), (&detail, style)], room);
}

/// A name, or an address where there is none: its end stays.
fn sender(name: &str, most: usize) -> String {
    let is_address = name.contains('@') && !name.contains(char::is_whitespace);
    if is_address { text::cut_address(name, most) } else { text::cut(name, most) }
}
