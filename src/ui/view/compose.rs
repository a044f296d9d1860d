//! The composer: fields on top, the text below them.
//!
//! Invariant: the field and the row that one types into are always seen, at any size; what is wrong
//! in an address is said right under its field. What is drawn is laid out by the same function that
//! `update` scrolls by.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;

use super::{columns, put, put_all};
use crate::ui::app::{Layer, Model, Stage};
use crate::ui::compose::composer::{Composer, Focus, Waits};
use crate::ui::layout::{self, Areas, too_small};
use crate::ui::text;

/// Columns of the fields' names.
const NAME_COLUMNS: u16 = 9;
/// Columns before text.
const INDENT: u16 = 1;
/// Columns that text is wrapped to: those that a line of mail has (RFC 5322, 2.1.1), so that what
/// is quoted stays as it was.
const MEASURE: u16 = 78;
/// Screens of fewer rows show one field at a time.
const FEW_ROWS: u16 = 8;
/// The most rows of a field.
const FIELD_ROWS: usize = 3;
/// The most proposals that are seen.
const POPUP_ROWS: usize = 6;

/// Where the composer's parts are.
struct Layout {
    /// Fields: which, their text's area, and what is wrong with them.
    fields: Vec<(Focus, Rect, Option<String>)>,
    /// The line of what is attached.
    attached: Option<Rect>,
    /// The line between fields and text.
    rule: Option<Rect>,
    /// The text.
    body: Rect,
}

/// The areas of the screen while something is written: it has all of it.
pub(super) fn areas(model: &Model, area: Rect) -> Areas {
    let areas = layout::areas((area.width, area.height), false);
    layout::without_sidebar(areas.with_panel(super::tour::rows(model)))
}

fn is_shown(composer: &Composer, focus: Focus) -> bool {
    let always = matches!(focus, Focus::From | Focus::To | Focus::Subject);
    let in_head = matches!(composer.focus, Focus::To | Focus::Cc | Focus::Bcc);
    always || in_head || !composer.field(focus).is_empty()
}

fn lay(composer: &Composer, area: Rect) -> Layout {
    let few = area.height < FEW_ROWS;
    let width = area.width.saturating_sub(INDENT + NAME_COLUMNS + 1).max(1);
    let mut y = area.y;
    let mut fields = Vec::new();
    for focus in Focus::ALL.into_iter().filter(|focus| *focus != Focus::Body) {
        let here = focus == composer.focus;
        if (few && !here) || (!few && !is_shown(composer, focus)) {
            continue;
        }
        // One row at least is left for the text.
        let left = area.bottom().saturating_sub(y + 2);
        if left == 0 {
            break;
        }
        let most = if few || area.height < 2 * FEW_ROWS { 1 } else { FIELD_ROWS };
        let rows = composer.field(focus).height(width.into(), most.min(left.into())).max(1);
        let height = u16::try_from(rows).unwrap_or(1);
        let x = area.x + INDENT + NAME_COLUMNS;
        let rect = Rect { x, y, width, height };
        y += height;
        let wrong = composer.errors(focus).into_iter().next().filter(|_| left > height);
        let wrong = wrong.map(|error| {
            let words = composer.field(focus).text();
            let words = words.get(error.range).unwrap_or_default().trim();
            format!("✗ {}: {}", text::cut(words, 30), error.wrong)
        });
        y += u16::from(wrong.is_some());
        fields.push((focus, rect, wrong));
    }
    let mut line = |wanted: bool| {
        let has = wanted && y + 2 < area.bottom();
        let rect = Rect { y, height: 1, ..area };
        y += u16::from(has);
        has.then_some(rect)
    };
    let files = !composer.base.attachments.is_empty() || !composer.coming.is_empty();
    let attached = line(files);
    let rule = line(!few);
    let body = Rect {
        x: area.x + INDENT,
        y,
        width: area.width.saturating_sub(2 * INDENT).clamp(1, MEASURE + 1),
        height: area.bottom().saturating_sub(y),
    };
    Layout { fields, attached, rule, body }
}

/// Scrolls fields and text so that the caret is seen.
pub fn lay_out(model: &mut Model) {
    let (width, height) = model.size;
    if too_small(model.size) {
        return;
    }
    let area = areas(model, Rect { x: 0, y: 0, width, height }).list;
    let Some(composer) = model.writing.open.as_deref_mut() else { return };
    let layout = lay(composer, area);
    let body = (usize::from(layout.body.width).max(2) - 1, usize::from(layout.body.height));
    let field = usize::from(area.width.saturating_sub(INDENT + NAME_COLUMNS + 1).max(1));
    for (focus, rect, _) in &layout.fields {
        composer.fields[*focus as usize].lay_out(field, rect.height.into());
    }
    composer.body.lay_out(body.0, body.1.max(1));
    composer.room = (field, body.0, body.1.max(1));
}

/// What the title says: what it is, and how far it is kept.
pub(in crate::ui) fn title(composer: &Composer) -> (String, String) {
    let what = if composer.base.answers.is_empty() { "Write" } else { "Answer" };
    let what = if composer.base.forwards.is_empty() { what } else { "Forward" };
    let state = match (&composer.waits, &composer.saved, composer.changed) {
        (Some(Waits::Editor), ..) => "  in your editor",
        (None, Some(_), None) if composer.saving.is_none() => "  kept as a draft",
        _ => "",
    };
    (what.to_owned(), state.to_owned())
}

/// Where the terminal's cursor is, when nothing lies over the composer.
pub(super) fn caret(model: &Model, area: Rect) -> Option<Position> {
    let composer = model.writing.open.as_deref().filter(|composer| composer.waits.is_none())?;
    if !matches!(model.stage, Stage::Mail) {
        return None;
    }
    let layout = lay(composer, areas(model, area).list);
    let rect = match composer.focus {
        Focus::Body => layout.body,
        focus => layout.fields.iter().find(|(of, ..)| *of == focus)?.1,
    };
    let columns = if composer.focus == Focus::Body { composer.room.1 } else { composer.room.0 };
    let seen = composer.field(composer.focus).seen(columns, rect.height.into());
    let (row, column) = seen.iter().enumerate().find_map(|(y, row)| Some((y, row.1?)))?;
    // Blanks may hang over the edge; the caret does not.
    let column = u16::try_from(column).unwrap_or(0).min(rect.width.saturating_sub(1));
    Some(Position { x: rect.x + column, y: rect.y + u16::try_from(row).unwrap_or(0) })
}

/// Draws it.
pub(super) fn draw(model: &Model, composer: &Composer, area: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let blank = " ".repeat(area.width.into());
    for y in area.top()..area.bottom() {
        put(buf, (area.x, y), &blank, area.width, theme.text());
    }
    if matches!(composer.waits, Some(Waits::Thread(..) | Waits::Draft(_) | Waits::Original(..))) {
        put(buf, (area.x + INDENT, area.y), "opening…", area.width, theme.dim());
        return;
    }
    let layout = lay(composer, area);
    for (focus, rect, wrong) in &layout.fields {
        let here = *focus == composer.focus;
        let name = if here { theme.accent().patch(theme.strong()) } else { theme.dim() };
        let x = area.x + INDENT;
        put(buf, (x, rect.y), &format!("{:<8}", focus.name()), NAME_COLUMNS, name);
        let seen = composer.field(*focus).seen(composer.room.0, rect.height.into());
        let mut style = if *focus == Focus::Subject { theme.strong() } else { theme.text() };
        if wrong.is_some() {
            style = style.add_modifier(Modifier::UNDERLINED);
        }
        for ((row, _), y) in seen.iter().zip(rect.top()..rect.bottom()) {
            put(buf, (rect.x, y), row, rect.width, style);
        }
        if let Some(wrong) = wrong {
            put(buf, (rect.x, rect.bottom()), wrong, rect.width, theme.error());
        }
    }
    if let Some(line) = layout.attached {
        attached(model, composer, line, buf);
    }
    if let Some(line) = layout.rule.filter(|_| model.layers.is_empty()) {
        super::frame::rule(line, theme.rule(), buf);
    }
    body(model, composer, layout.body, buf);
    let open = model.layers.iter().any(|layer| !matches!(layer, Layer::Help(_)));
    let field = layout.fields.iter().find(|(focus, ..)| *focus == composer.focus);
    if let (false, Some((_, rect, _))) = (open, field) {
        popup(model, composer, *rect, area, buf);
    }
}

fn body(model: &Model, composer: &Composer, area: Rect, buf: &mut Buffer) {
    let seen = composer.body.seen(composer.room.1, area.height.into());
    for ((row, _), y) in seen.iter().zip(area.top()..area.bottom()) {
        let depth = text::quote(row).0;
        let style = match depth {
            0 if row == "-- " => model.theme.dim(),
            0 => model.theme.text(),
            depth => model.theme.quote(depth),
        };
        put(buf, (area.x, y), row, area.width, style);
    }
    if composer.body.is_empty() && composer.focus != Focus::Body && area.height > 0 {
        let says = "Tab goes through the fields to the text";
        put(buf, (area.x, area.y), says, area.width, model.theme.dim());
    }
}

fn attached(model: &Model, composer: &Composer, line: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let files =
        composer.base.attachments.iter().map(|file| {
            format!("{} ({})", crate::safe_text::line(&file.name), text::size(file.size))
        });
    let coming = composer.coming.iter().map(|(_, path)| format!("{path} (being read…)"));
    let all = files.chain(coming).collect::<Vec<_>>().join("  ");
    let name = format!("{:<9}", "Attached");
    let parts =
        [(name.as_str(), theme.dim()), ("@ ", theme.accent()), (all.as_str(), theme.text())];
    put_all(buf, (line.x + INDENT, line.y), &parts, line.width.saturating_sub(2 * INDENT));
}

/// Addresses that may be meant, under the field.
fn popup(model: &Model, composer: &Composer, field: Rect, area: Rect, buf: &mut Buffer) {
    let Some(popup) = &composer.popup else { return };
    let theme = model.theme;
    let room = area.bottom().saturating_sub(field.bottom());
    let shown = popup.found.proposals.len().min(POPUP_ROWS).min(room.into());
    let first = popup.cursor.map_or(0, |at| (at + 1).saturating_sub(shown));
    let widest = popup.found.proposals.iter().map(|one| columns(one)).max().unwrap_or(0);
    let width = (widest + 4).min(field.width);
    for ((at, one), y) in
        popup.found.proposals.iter().enumerate().skip(first).take(shown).zip(field.bottom()..)
    {
        let here = popup.cursor == Some(at);
        let mark = if here { "▸ " } else { "  " };
        let room = usize::from(width.saturating_sub(2));
        let line = format!("{mark}{}", text::fit(one, room));
        let style = if here { theme.strong() } else { theme.text() };
        put(buf, (field.x, y), &line, width, style.patch(theme.cursor()));
    }
}
