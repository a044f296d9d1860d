//! The line that is searched by, above what was found; and what was found, marked as such.
//!
//! Invariant: what is wrong with a query is marked at its place and said in words; a place that was
//! found is marked by emphasis, not by colour alone.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use unicode_segmentation::UnicodeSegmentation as _;

use super::{columns, put, put_all, tour};
use crate::engine::elsewhere::AskedThere;
use crate::engine::view::Link;
use crate::notice::Severity;
use crate::search::{Order, Weight};
use crate::ui::app::Model;
use crate::ui::layout;
use crate::ui::search::Search;
use crate::ui::text;

/// Columns before what is typed.
const PROMPT_COLUMNS: u16 = 3;
/// Lists of fewer rows have no line of their own for what is wrong.
const REMARK_FROM: u16 = 12;
/// Completions that are shown at a time.
const OFFERS: usize = 5;
/// Columns of one.
const OFFER_COLUMNS: usize = 24;
/// Columns that what is typed has at least, before anything else is said on its line.
const TYPED_LEAST: u16 = 24;

/// Rows above the list.
#[must_use]
pub fn rows(model: &Model) -> u16 {
    let Some(search) = model.search.as_ref() else { return 0 };
    1 + u16::from(search.open && model.size.1 >= REMARK_FROM)
}

/// Draws the line and what is to say about it.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let Some(search) = model.search.as_ref().filter(|_| area.height > 0) else { return };
    let theme = model.theme;
    let beside = u16::from(model.reader.is_some());
    let area = Rect { width: area.width.saturating_sub(beside), ..area };
    let line = Rect { height: 1, ..area };
    let sign = if search.open { theme.key() } else { theme.dim() };
    put(buf, (line.x + 1, line.y), "/", 1, sign);
    let remark = remark(model, search);
    let typed = columns(search.line.text()).max(TYPED_LEAST) + PROMPT_COLUMNS;
    let room = line.width.saturating_sub(typed + 2);
    // The order goes first, where there is no room for all.
    let facts = facts(model, search);
    let fits = |facts: &&[String]| columns(&facts.join(" · ")) <= room;
    if let Some(facts) = (1..=facts.len()).rev().map(|n| &facts[..n]).find(|f| fits(f)) {
        let facts = facts.join(" · ");
        let x = line.right() - columns(&facts) - 1;
        put(buf, (x, line.y), &facts, columns(&facts), theme.dim());
    }
    line_text(model, search, line, buf);
    if area.height > 1 {
        let parts: Vec<_> = remark.iter().map(|(text, style)| (text.as_str(), *style)).collect();
        let x = area.x + PROMPT_COLUMNS;
        put_all(buf, (x, area.y + 1), &parts, area.right().saturating_sub(x + 1));
    }
}

/// What is typed, with a mark on what is wrong; what has no room is hidden on the left.
fn line_text(model: &Model, search: &Search, line: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let x = line.x + PROMPT_COLUMNS;
    let room = line.right().saturating_sub(x + 1);
    let hidden = hidden(search, room);
    let (mut skipped, mut at) = (0, x);
    for (start, grapheme) in search.line.text().grapheme_indices(true) {
        if skipped < hidden {
            skipped += text::width(grapheme);
            continue;
        }
        let inside = |span: &Range<usize>| span.contains(&start);
        let marks = search.parsed.marks.iter().filter(|mark| inside(&mark.span));
        let style = match marks.map(|mark| mark.weight).max() {
            Some(Weight::Error) => theme.error().add_modifier(Modifier::UNDERLINED),
            Some(Weight::Warning) => theme.warning().add_modifier(Modifier::UNDERLINED),
            _ => theme.strong(),
        };
        at = put(buf, (at, line.y), grapheme, line.right().saturating_sub(at), style);
    }
}

/// Columns of the line that are hidden on the left, so that the caret is always seen.
fn hidden(search: &Search, room: u16) -> usize {
    search.line.caret_column().saturating_sub(usize::from(room).saturating_sub(1))
}

/// Where the caret is.
#[must_use]
pub fn caret(model: &Model) -> Option<Position> {
    let search = model.search.as_ref().filter(|search| search.open)?;
    if model.writing.open.is_some() {
        return None;
    }
    let line = layout::of(model).with_panel(tour::rows(model)).with_top(rows(model)).top;
    let x = line.x + PROMPT_COLUMNS;
    let room = line.right().saturating_sub(x + 1);
    let column = search.line.caret_column() - hidden(search, room);
    let column = u16::try_from(column).unwrap_or(0).min(room);
    (line.height > 0).then_some(Position { x: x + column, y: line.y })
}

fn is_online(model: &Model) -> bool {
    matches!(model.status.link, Link::Online { .. } | Link::Syncing { .. })
}

/// The order, and how far the index is.
fn facts(model: &Model, search: &Search) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(at) = model.indexed.filter(|at| at.lacks > 0) {
        let (has, all) = (text::count(at.has), text::count(at.has + at.lacks));
        facts.push(format!("indexed {has}/{all}"));
    }
    if model.indexed.is_some_and(|at| at.kept_only) {
        facts.push(match search.there {
            AskedThere::Waits if is_online(model) => "asking the backend …".to_owned(),
            AskedThere::Waits | AskedThere::Nobody => "only what is on this device".to_owned(),
            AskedThere::Answered { lacks: 0 } => "with what the backend holds (⇅)".to_owned(),
            AskedThere::Answered { lacks } => {
                format!("with the backend (⇅), which has not indexed {}", text::count(lacks))
            }
        });
    }
    facts.push(match search.order {
        Order::Newest => "newest first".to_owned(),
        Order::Relevance => "best first".to_owned(),
    });
    facts
}

/// What is wrong with the query, the worst first; else what can be typed.
fn remark(model: &Model, search: &Search) -> Vec<(String, Style)> {
    let theme = model.theme;
    if let Some(wrong) = &search.wrong {
        return vec![match wrong.severity {
            Severity::Error => (format!("✗ {}", wrong.message), theme.error()),
            _ => (format!("! {}", wrong.message), theme.warning()),
        }];
    }
    let worst = search.parsed.marks.iter().filter(|mark| mark.weight > Weight::Open);
    if let Some(mark) = worst.max_by_key(|mark| mark.weight) {
        let (sign, style) = match mark.weight {
            Weight::Error => ("✗", theme.error()),
            _ => ("!", theme.warning()),
        };
        let mut parts = vec![(format!("{sign} {}", mark.message), style)];
        if !mark.hint.is_empty() {
            parts.push((format!(" · {}", mark.hint), theme.dim()));
        }
        return parts;
    }
    if !search.offers.is_empty() && !search.line.text().trim().is_empty() {
        return offers(model, search);
    }
    let help = "from: to: subject: label: in: is: has: before: \"a phrase\" -not OR";
    vec![(help.to_owned(), theme.dim())]
}

/// What Tab writes, the one that it wrote marked.
fn offers(model: &Model, search: &Search) -> Vec<(String, Style)> {
    let theme = model.theme;
    let taken = search.taken.as_ref().map(|(at, _)| *at);
    // The one that was taken is in sight.
    let first = taken.map_or(0, |at| at - at % OFFERS);
    let mut parts = vec![("Tab ".to_owned(), theme.key())];
    for (at, offer) in search.offers.iter().enumerate().skip(first).take(OFFERS) {
        let style = if taken == Some(at) { theme.cursor() } else { theme.dim() };
        parts.push((text::cut(offer.insert.trim_end(), OFFER_COLUMNS), style));
        parts.push(("  ".to_owned(), theme.dim()));
    }
    parts
}

/// How many conversations were found, for the title.
#[must_use]
pub fn count(model: &Model, search: &Search) -> String {
    if search.line.text().trim().is_empty() {
        return String::new();
    }
    let found = model.list.rows.len() as u64;
    if model.list.more_after {
        format!("  {}+ conversations", text::count(found))
    } else {
        format!("  {}", text::plural(found, "conversation", "conversations"))
    }
}

/// What stands in place of rows where there are none.
#[must_use]
pub fn nothing(model: &Model, search: &Search) -> [String; 2] {
    if search.line.text().trim().is_empty() {
        return ["Type what to find".to_owned(), "Esc goes back".to_owned()];
    }
    let lacks = model.indexed.map_or(0, |at| at.lacks);
    let why = if lacks > 0 {
        format!("{} not looked at yet", text::plural(lacks, "message is", "messages are"))
    } else {
        "in:anywhere looks in trash and spam too".to_owned()
    };
    ["Nothing was found".to_owned(), why]
}

/// Marks what was found in a text that was written at `at`, as far as it was written.
pub fn mark(
    at: (u16, u16),
    text: &str,
    hits: &[Range<usize>],
    end: u16,
    style: Style,
    buf: &mut Buffer,
) {
    for hit in hits {
        let (Some(before), Some(inside)) = (text.get(..hit.start), text.get(hit.clone())) else {
            continue;
        };
        let from = at.0.saturating_add(columns(before)).min(end);
        let to = from.saturating_add(columns(inside)).min(end);
        let area = Rect { x: from, y: at.1, width: to - from, height: 1 };
        buf.set_style(area.intersection(buf.area), style);
    }
}
