//! The thread list.
//!
//! Invariant: one line a conversation, or two, columns aligned whatever the script; the cursor,
//! selection, unread and star marks are signs, not colours alone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{FELT_MS, columns, put, put_all};
use crate::config::Density;
use crate::engine::view::Row;
use crate::label::{self, Place};
use crate::search::Field;
use crate::ui::app::Model;
use crate::ui::{date, people, text};

/// Columns of the marks before a row.
const MARK_COLUMNS: u16 = 5;
/// Lists of fewer columns show less, so that there is room for the subject.
const NARROW: u16 = 52;
/// The fewest columns of the subject before labels are left out.
const SUBJECT_LEAST: u16 = 24;
/// The fewest columns of subject and labels that say that a row is in the inbox.
const PLACE_FROM: u16 = 48;
/// From this many rows on a conversation can have two.
const COMFORTABLE_FROM: u16 = 12;
/// The most label chips of a row.
const MAX_CHIPS: usize = 3;

/// The most columns of the count of messages, with the blank before it.
const COUNT_COLUMNS: u16 = 4;

/// Lines of a conversation.
#[must_use]
pub fn row_lines(model: &Model) -> u16 {
    // A screen of few rows has none to give away.
    let roomy = model.size.1 >= COMFORTABLE_FROM;
    if roomy && model.settings().density == Density::Comfortable { 2 } else { 1 }
}

/// Draws the visible rows.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    if area.width < MARK_COLUMNS || area.height == 0 {
        return;
    }
    // Beside a reader the last column belongs to the frame.
    let beside = u16::from(area.right() < model.size.0);
    let area = Rect { width: area.width - beside, ..area };
    let list = &model.list;
    let lines = row_lines(model);
    let end = (list.top + usize::from(area.height / lines).max(1)).min(list.rows.len());
    let Some(rows) = list.rows.get(list.top..end).filter(|rows| !rows.is_empty()) else {
        empty(model, area, buf);
        return;
    };
    let narrow = area.width < NARROW;
    let dates: Vec<String> =
        rows.iter().map(|row| date::listed(row.last_activity, model, narrow)).collect();
    let widest = dates.iter().map(|date| text::width(date)).max().unwrap_or(0);
    let date_columns = widest.max(date::NEAR_COLUMNS);
    for (at, (row, date)) in rows.iter().zip(dates).enumerate() {
        let y = area.y + u16::try_from(at).unwrap_or(0) * lines;
        let rect = Rect { y, height: lines.min(area.bottom().saturating_sub(y)), ..area };
        let date = text::fit_right(&date, date_columns);
        draw_row(model, row, list.top + at == list.cursor, &date, rect, buf);
    }
}

fn empty(model: &Model, area: Rect, buf: &mut Buffer) {
    if !model.list.loaded {
        if let Some(since) = model.older {
            bringing(model, since, area, buf);
        } else if model.now_ms - model.waiting_since >= FELT_MS {
            put(buf, (area.x + MARK_COLUMNS, area.y), "opening…", area.width, model.theme.dim());
        }
        return;
    }
    if let Some(search) = &model.search {
        let [what, why] = super::search::nothing(model, search);
        return said(&[(what, model.theme.strong()), (why, model.theme.dim())], area, buf);
    }
    let name = model.label_name(&model.list.label);
    let all = model.labels.iter().find(|label| label.id.as_str() == "archive");
    let some = all.is_some_and(|label| label.thread_count > 0);
    let elsewhere = match model.list.label.as_str() {
        "all" => "`mailtui import PATH` brings mail in".to_owned(),
        _ => crate::ui::asking::hint(model, "go-all", "shows all mail"),
    };
    let said_first = match model.list.label.as_str() {
        // What was there was done.
        "inbox" if some => "All done: the inbox is empty".to_owned(),
        _ => format!("Nothing in {name}"),
    };
    let mut lines = vec![(said_first, model.theme.strong())];
    let kind = "Nothing waits here. Have a good day.";
    if model.list.label.as_str() == "inbox" && some && columns(kind) <= area.width {
        lines.push((kind.to_owned(), model.theme.text()));
    }
    lines.push((elsewhere, model.theme.dim()));
    said(&lines, area, buf);
}

/// Lines in the middle of the list, in place of rows.
fn said(lines: &[(String, Style)], area: Rect, buf: &mut Buffer) {
    let rows = u16::try_from(lines.len()).unwrap_or(0);
    let top = area.y + area.height.saturating_sub(rows) / 3;
    for ((line, style), y) in lines.iter().zip(top..area.bottom()) {
        let x = area.x + area.width.saturating_sub(columns(line)) / 2;
        put(buf, (x, y), line, area.right() - x, *style);
    }
}

/// Instead of rows while the files are brought to this format: there is no other way to them.
fn bringing(model: &Model, since: i64, area: Rect, buf: &mut Buffer) {
    let seconds = u64::try_from((model.now_ms - since) / 1_000).unwrap_or(0);
    let spent = if seconds == 0 { String::new() } else { format!(" {}", date::wait(seconds)) };
    let lines = [
        (format!("Updating your mailbox…{spent}"), model.theme.strong()),
        ("This version keeps it in a new form.".to_owned(), model.theme.text()),
        ("It happens once. q stops it: nothing".to_owned(), model.theme.dim()),
        ("is lost, the next start begins again.".to_owned(), model.theme.dim()),
    ];
    said(&lines, area, buf);
}

fn draw_row(model: &Model, row: &Row, here: bool, date: &str, line: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let unread = row.unread_count > 0;
    let weight = if unread { theme.strong() } else { theme.text() };
    // Under the cursor everything has one look, or the reversed line falls into patches.
    let look = |style: Style| if here { weight } else { style };
    let y = line.y;
    let selected = model.list.selected.contains_key(&row.thread);
    let marks = [
        (if here { "▸" } else { " " }, look(theme.accent())),
        (if selected { "✓" } else { " " }, look(theme.selected())),
        (if unread { "●" } else { " " }, look(theme.unread())),
        (if row.starred { "★" } else { " " }, look(theme.star())),
        (" ", look(theme.text())),
    ];
    let x = put_all(buf, (line.x, y), &marks, MARK_COLUMNS);

    let two = line.height > 1;
    let who_columns = if two { line.width / 2 } else { (line.width / 4).clamp(10, 26) };
    let count = match row.message_count {
        0 | 1 => String::new(),
        n => format!(" {}", text::count(n)),
    };
    let counts = columns(&count).max(COUNT_COLUMNS.min(who_columns / 4));
    let names_columns = who_columns.saturating_sub(counts);
    let names = people::short(&row.participants, names_columns.into());
    let names_end = put(buf, (x, y), &names, names_columns, weight);
    let hit = if here { weight.add_modifier(Modifier::UNDERLINED) } else { theme.hit() };
    let found = |field, text: &str, (from, y): (u16, u16), end: u16, buf: &mut Buffer| {
        let Some(search) = &model.search else { return };
        let hits = search.needles.find(field, text);
        super::search::mark((from, y), text, &hits, end, hit, buf);
    };
    found(Field::From, &names, (x, y), names_end, buf);
    // Counts end in one column, whatever stands before them.
    let count_x = (x + who_columns).saturating_sub(columns(&count));
    put(buf, (count_x, y), &count, columns(&count), look(theme.dim()));

    let date_x = line.right().saturating_sub(columns(date) + 1);
    put(buf, (date_x, y), date, line.right() - date_x, look(theme.dim()));
    if row.has_attachment {
        put(buf, (date_x.saturating_sub(2), y), "@", 1, look(theme.dim()));
    }

    let beside = x + who_columns + 2;
    let end = date_x.saturating_sub(3).max(beside);
    let labels = chips(model, row, (beside, end, y), two, look, buf);
    let (x, y, end) = if two { (x, y + 1, line.right() - 1) } else { (beside, y, labels) };
    let room = end.saturating_sub(x);
    let subject = row.subject.as_deref().unwrap_or("(no subject)");
    let style = if row.subject.is_some() { weight } else { look(theme.dim()) };
    let subject_x = x;
    let x = put(buf, (x, y), subject, room, style);
    found(Field::Subject, subject, (subject_x, y), x, buf);
    let quoted = model.search.as_ref().and_then(|search| search.snippets.get(&row.thread));
    let snippet = quoted.map_or(row.snippet.as_str(), |quoted| quoted.text.as_str());
    // What this device does not hold is fetched when it is opened.
    let elsewhere = model.search.as_ref().is_some_and(|it| it.elsewhere.contains(&row.thread));
    let mark = if elsewhere { "⇅ " } else { "" };
    let snippet = format!("  {mark}{snippet}");
    if !snippet.trim().is_empty() && end > x + 6 {
        let shown = put(buf, (x, y), &snippet, end - x, look(theme.dim()));
        found(Field::Body, &snippet, (x, y), shown, buf);
    }
    if here {
        buf.set_style(line, theme.cursor());
    }
}

/// Draws the labels at the right of the subject, or `alone`; returns where the subject must end.
fn chips(
    model: &Model,
    row: &Row,
    (x, end, y): (u16, u16, u16),
    alone: bool,
    look: impl Fn(Style) -> Style,
    buf: &mut Buffer,
) -> u16 {
    let mut names: Vec<(String, &str, Option<&str>)> = Vec::new();
    let listed = model.list.label.as_str();
    // Most rows are in the inbox or archived: only a wide row has room to say it.
    let telling = row.place.hidden() > 1 || (row.place == Place::Inbox && end - x >= PLACE_FROM);
    if telling && Place::parse(listed).is_none() {
        names.push((row.place.as_str().to_owned(), row.place.as_str(), None));
    }
    for id in row.labels.iter().map(crate::id::LabelId::as_str) {
        if id != listed && !label::is_system(id) {
            let label = model.labels.iter().find(|label| label.id.as_str() == id);
            let name = label.map_or(id, |label| label.name.as_str()).to_owned();
            names.push((name, id, label.and_then(|label| label.color.as_deref())));
        }
    }
    let mut left = end;
    for (name, _, own) in names.iter().take(MAX_CHIPS).rev() {
        let chip = format!("#{}", text::cut(name, 14));
        let start = left.saturating_sub(columns(&chip));
        let least = if alone {
            0
        } else if model.size.0 < NARROW || end - x < SUBJECT_LEAST {
            SUBJECT_LEAST
        } else {
            SUBJECT_LEAST.min((end - x) * 3 / 5)
        };
        if start < x + least {
            break;
        }
        put(buf, (start, y), &chip, left - start, look(model.theme.chip(*own)));
        left = start.saturating_sub(1);
    }
    if left < end { left.saturating_sub(1).max(x) } else { end }
}
