//! The lists of drafts and of what is being sent.
//!
//! Invariant: a line says to whom, what and when; of what is being sent also how far it is, in
//! words. What is wrong with the one under the cursor is said in full below the list.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{columns, put, put_all};
use crate::engine::view::{OutboxRow, OutboxState};
use crate::mail::compose::parse_addresses;
use crate::ui::app::Model;
use crate::ui::compose::outgoing::{Entry, Shown, entries, shown};
use crate::ui::{date, people, reader, text};

/// Columns of the mark before a row.
const MARK_COLUMNS: u16 = 2;
/// Columns of whom it is to.
const WHO_COLUMNS: usize = 22;
/// Columns of a time.
const WHEN_COLUMNS: usize = 10;
/// Lists of fewer columns say less.
const NARROW: u16 = 60;

/// The rows of the list, the first of them that is seen, and what is said below of the one under
/// the cursor.
fn parts(model: &Model, rows: &[Entry<'_>], area: Rect) -> (Rect, usize, Vec<String>) {
    let about = rows.get(model.writing.cursor).map(|entry| about(model, entry)).unwrap_or_default();
    let wrapped: Vec<String> = about
        .iter()
        .flat_map(|line| text::wrap(line, usize::from(area.width.saturating_sub(4)).max(1)))
        .collect();
    let below = u16::try_from(wrapped.len()).unwrap_or(0).min(area.height / 2);
    let list = Rect { height: area.height - below, ..area };
    let top = (model.writing.cursor + 1).saturating_sub(list.height.into());
    (list, top, wrapped)
}

/// The row that stands in line `y` of the screen.
pub(in crate::ui) fn row_at(model: &Model, area: Rect, y: u16) -> Option<usize> {
    let rows = entries(model);
    let (list, top, _) = parts(model, &rows, area);
    let line = y.checked_sub(list.y).filter(|line| *line < list.height)?;
    Some(top + usize::from(line)).filter(|row| *row < rows.len())
}

/// Draws the list that is shown.
pub(super) fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let rows = entries(model);
    if rows.is_empty() {
        empty(model, area, buf);
        return;
    }
    let (list, top, wrapped) = parts(model, &rows, area);
    for ((at, entry), y) in rows.iter().enumerate().skip(top).zip(list.top()..list.bottom()) {
        let here = at == model.writing.cursor;
        line(model, entry, here, Rect { y, height: 1, ..list }, buf);
    }
    for (line, y) in wrapped.iter().zip(list.bottom()..area.bottom()) {
        put(buf, (area.x + 2, y), line, area.width.saturating_sub(3), model.theme.text());
    }
}

fn empty(model: &Model, area: Rect, buf: &mut Buffer) {
    let (line, hint) = match shown(model) {
        Some(Shown::Drafts) => ("No drafts", "c writes a message"),
        _ => ("Nothing is being sent", "g t shows what was sent"),
    };
    let top = area.y + area.height.saturating_sub(2) / 3;
    let lines = [(line, model.theme.strong()), (hint, model.theme.dim())];
    for ((line, style), y) in lines.into_iter().zip(top..area.bottom()) {
        let x = area.x + area.width.saturating_sub(columns(line)) / 2;
        put(buf, (x, y), line, area.right() - x, style);
    }
}

fn line(model: &Model, entry: &Entry<'_>, here: bool, line: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let (who, subject, more, at, state) = match entry {
        Entry::Draft(row) => {
            let sign = if row.attachments { "@ " } else { "" };
            (names(&row.to), row.subject.clone(), row.snippet.clone(), row.at, sign.to_owned())
        }
        Entry::Other(row) => {
            let who = people::short(&row.participants, WHO_COLUMNS);
            let subject = row.subject.clone().unwrap_or_default();
            (who, subject, row.snippet.clone(), row.last_activity, "elsewhere ".to_owned())
        }
        Entry::Out(row) => {
            (names(&row.to), row.subject.clone(), String::new(), row.at, format!("{} ", state(row)))
        }
    };
    let who = if who.is_empty() { "(to nobody yet)".to_owned() } else { who };
    let subject = if subject.is_empty() { "(no subject)".to_owned() } else { subject };
    let plain = if here { theme.strong() } else { theme.text() };
    let mark = if here { "▸ " } else { "  " };
    let narrow = line.width < NARROW;
    let wide = if narrow { WHO_COLUMNS / 2 } else { WHO_COLUMNS };
    let when = date::listed(at, model, false);
    let when = if narrow { when } else { text::fit_right(&when, WHEN_COLUMNS) };
    let right = line.right().saturating_sub(columns(&when) + 1);
    put(buf, (right, line.y), &when, line.right() - right, theme.dim());
    let style = match entry {
        Entry::Out(row) if row.state.is_wrong() => theme.warning(),
        _ => theme.accent(),
    };
    let x = put(buf, (line.x, line.y), mark, MARK_COLUMNS, theme.accent());
    let who = text::fit(&who, wide);
    let x = put(buf, (x, line.y), &who, right.saturating_sub(x), plain) + 1;
    let parts = [
        (state.as_str(), style),
        (subject.as_str(), plain),
        ("  ", plain),
        (more.as_str(), theme.dim()),
    ];
    put_all(buf, (x, line.y), &parts, right.saturating_sub(x + 1));
    if here {
        buf.set_style(line, theme.cursor());
    }
}

/// The names in what was typed as recipients; what is no address as it is.
fn names(typed: &str) -> String {
    let (people, wrong) = parse_addresses(typed);
    let half = wrong.into_iter().filter_map(|(range, _)| typed.get(range).map(str::to_owned));
    let whole = people.iter().map(|who| reader::name(who).into_owned());
    whole.chain(half).collect::<Vec<_>>().join(", ")
}

/// How far it is, in one or two words.
const fn state(row: &OutboxRow) -> &'static str {
    match (row.state, row.confirmed) {
        (OutboxState::Queued, false) => "offline",
        (OutboxState::Queued, true) => "waits",
        (OutboxState::Retrying, _) => "tried again",
        (OutboxState::Sending, _) => "sending",
        (OutboxState::Failed, _) => "✗ not sent",
        (OutboxState::Unknown, _) => "! unknown",
        (OutboxState::Partly, _) => "! not to all",
    }
}

/// What there is to say of the line under the cursor.
fn about(model: &Model, entry: &Entry<'_>) -> Vec<String> {
    let row = match entry {
        Entry::Draft(_) => return Vec::new(),
        Entry::Other(_) => {
            return vec!["Written with another program; it is only read here.".into()];
        }
        Entry::Out(row) => *row,
    };
    let long = |at: i64| date::long(at, &model.zone);
    let why = row.why.clone().unwrap_or_default();
    match row.state {
        OutboxState::Queued if !row.confirmed => {
            vec!["It is on this device alone; it goes out when the backend is reached.".into()]
        }
        OutboxState::Queued => match row.send_at {
            Some(at) => vec![format!("It is sent {}. # takes it back.", long(at))],
            None => vec!["It is sent when its hold is over. # takes it back.".into()],
        },
        OutboxState::Retrying => {
            let next = row.retry_at.map(|at| format!(" Next try {}.", long(at)));
            vec![why, format!("It is tried again by itself.{}", next.unwrap_or_default())]
        }
        OutboxState::Sending => vec!["It is on its way; nobody stops it any more.".into()],
        OutboxState::Failed if row.is_twin() => vec![why, "# makes it a draft.".into()],
        OutboxState::Failed => {
            vec![
                why,
                "This was not sent. Enter writes on, r sends it again, # keeps a draft.".into(),
            ]
        }
        OutboxState::Unknown => vec![
            why,
            "It may have been sent: look in Sent (g t), or ask who was to get it. r sends it \
             once more, # makes it a draft."
                .into(),
        ],
        OutboxState::Partly => {
            let line = "The others got it. r sends it to these alone, Enter lets you correct them \
                        first, # takes this line away.";
            let mut lines = vec!["It was sent, but not to:".to_owned()];
            lines.extend(row.refused.iter().map(|to| format!("{}: {}", to.address, to.reason)));
            lines.push(line.to_owned());
            lines
        }
    }
}
