//! The accounts: what each is doing, its folders, and what went wrong with its cure.
//!
//! Invariant: says what it was told and nothing more; where the backend has the accounts it says
//! so.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{boxes, columns, put};
use crate::engine::accounts::{AccountLine, Accounts, FolderLine, Work};
use crate::engine::view::Link;
use crate::notice::Notice;
use crate::ui::app::Model;
use crate::ui::text;

/// Columns of the box at most.
const BOX_COLUMNS: u16 = 92;
/// Rows that the box leaves free at least.
const MARGIN_ROWS: u16 = 2;
/// Columns of a folder's name at most.
const NAME_COLUMNS: usize = 40;
/// Problems that are shown of each account: the last.
const PROBLEMS: usize = 3;
/// Conflicts that are shown of each account: the last.
const CONFLICTS: usize = 3;

type Line = (String, Style);

/// What an account is doing, in words.
#[must_use]
pub fn doing(work: &Work) -> String {
    match work {
        Work::Nothing => "starting".to_owned(),
        Work::Connecting => "connecting".to_owned(),
        Work::Listing => "asking for the folders".to_owned(),
        Work::Reading { folder, done, total } if *total > 0 => {
            let (done, total) = (text::count(*done), text::count(*total));
            format!("fetching {folder} {done}/{total}")
        }
        Work::Reading { folder, .. } => format!("looking at {folder}"),
        Work::Writing(messages) => {
            format!("writing {}", text::plural(*messages, "change", "changes"))
        }
        Work::Waiting => "up to date, waiting for news".to_owned(),
        Work::Resting => "not connected, tries again".to_owned(),
        Work::Stopped => "stopped".to_owned(),
    }
}

/// The accounts in few words, for the line above the hints: what one fetches, or that one cannot
/// be reached; nothing while all is well.
#[must_use]
pub fn short(model: &Model) -> Option<Line> {
    let lines = &model.accounts.as_ref()?.lines;
    let failed = lines.iter().find(|line| line.work == Work::Resting && line.error.is_some());
    if let Some((line, error)) = failed.and_then(|line| Some((line, line.error.as_ref()?))) {
        let said = format!("! {}: {} · g m shows more", line.short(), error.message);
        return Some((said, model.theme.warning()));
    }
    lines.iter().find_map(|line| match &line.work {
        Work::Reading { folder, done, total } if *total > 0 => {
            let (done, total) = (text::count(*done), text::count(*total));
            Some((format!("{} {folder} {done}/{total}", line.short()), model.theme.accent()))
        }
        _ => None,
    })
}

/// How far the view scrolls.
#[must_use]
pub fn last_top(model: &Model) -> usize {
    let inside = usize::from(width(model.size.0));
    all(model, inside).len().saturating_sub(rows(model.size.1))
}

fn width(columns: u16) -> u16 {
    BOX_COLUMNS.min(columns.saturating_sub(4))
}

fn rows(height: u16) -> usize {
    usize::from(height.saturating_sub(2 + MARGIN_ROWS)).max(1)
}

/// Draws the view, scrolled by `top` lines.
pub fn draw(model: &Model, top: usize, area: Rect, buf: &mut Buffer) {
    let lines = all(model, usize::from(width(area.width)));
    let height = u16::try_from(lines.len().min(rows(area.height))).unwrap_or(u16::MAX);
    let area = Rect { height: area.height - 1, ..area };
    let inside = boxes::open(model, "Accounts", (BOX_COLUMNS, height), area, buf);
    for ((line, style), y) in lines.iter().skip(top).zip(inside.top()..inside.bottom()) {
        put(buf, (inside.x, y), line, inside.width, *style);
    }
    if usize::from(inside.height) < lines.len().saturating_sub(top) {
        let more = " more below ";
        let x = inside.right().saturating_sub(columns(more));
        put(buf, (x, inside.bottom()), more, columns(more), model.theme.dim());
    }
}

/// All lines, wrapped to `width` columns.
fn all(model: &Model, width: usize) -> Vec<Line> {
    let theme = model.theme;
    let mut lines = Vec::new();
    let mut say = |line: &str, style: Style| {
        lines.extend(text::wrap(line, width).into_iter().map(|part| (part, style)));
    };
    match &model.accounts {
        None if model.status.remote => {
            say("The backend has the accounts and fetches their mail.", theme.text());
            say("`mailtui account list` there says how they are.", theme.dim());
        }
        Some(accounts) if accounts.lines.is_empty() && accounts.error.is_none() => {
            say("There is no account yet.", theme.text());
            if model.status.remote {
                say("The backend has none: `mailtui account add` there adds one.", theme.dim());
                return lines;
            }
            say("`mailtui account add you@example.org` adds one, also now.", theme.dim());
        }
        Some(accounts) => return told(model, accounts, width),
        None if model.demo => say("Sample mail has no account.", theme.text()),
        None => say("Nothing is known of the accounts yet.", theme.text()),
    }
    lines
}

fn told(model: &Model, accounts: &Accounts, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    if model.status.remote {
        let says = match model.status.link {
            Link::Online { .. } | Link::Syncing { .. } => {
                "The backend fetches their mail; what is to be done is to be done there."
            }
            _ => "The backend is not connected: this is what it said last.",
        };
        lines.extend(text::wrap(says, width).into_iter().map(|part| (part, model.theme.dim())));
    }
    if let Some(error) = &accounts.error {
        wrong(model, error, "", width, &mut lines);
    }
    for account in &accounts.lines {
        if !lines.is_empty() {
            lines.push((String::new(), model.theme.text()));
        }
        one(model, account, width, &mut lines);
    }
    lines
}

fn one(model: &Model, account: &AccountLine, width: usize, lines: &mut Vec<Line>) {
    let theme = model.theme;
    lines.push((account.address.clone(), theme.strong()));
    let style = match account.work {
        Work::Resting | Work::Stopped => theme.warning(),
        Work::Waiting => theme.good(),
        _ => theme.accent(),
    };
    let mut wrap = |line: &str, style: Style| {
        let parts = text::wrap(line, width.saturating_sub(2));
        lines.extend(parts.into_iter().map(|part| (format!("  {part}"), style)));
    };
    wrap(&doing(&account.work), style);
    let (new, written) = (account.new, account.written);
    if new + written > 0 {
        let new = text::plural(new, "new message", "new messages");
        let written = text::plural(written, "change", "changes");
        wrap(&format!("{new}, {written} written, since the start"), theme.dim());
    }
    let count = account.conflicts.len();
    if count > 0 {
        let all = text::plural(count as u64, "conflict", "conflicts");
        wrap(&format!("{all} with what was done at the server, the last:"), theme.dim());
    }
    for conflict in account.conflicts.iter().skip(count.saturating_sub(CONFLICTS)) {
        wrap(&format!("≠ {conflict}"), theme.text());
    }
    if let Some(error) = &account.error {
        wrong(model, error, "  ", width, lines);
    }
    let skipped = account.problems.len().saturating_sub(PROBLEMS);
    for problem in account.problems.iter().skip(skipped) {
        let parts = text::wrap(&format!("! {problem}"), width.saturating_sub(2));
        lines.extend(parts.into_iter().map(|part| (format!("  {part}"), theme.warning())));
    }
    let names = account.folders.iter().map(|folder| text::width(&folder.name)).max();
    let names = names.unwrap_or(0).min(NAME_COLUMNS).min(width / 2);
    lines.extend(account.folders.iter().map(|folder| folder_line(model, folder, names)));
}

fn folder_line(model: &Model, folder: &FolderLine, names: usize) -> Line {
    let theme = model.theme;
    let name = text::fit(&folder.name, names);
    let count = text::count(folder.messages);
    let line = format!("  {name}  {count:>9}  {}", folder.role);
    match &folder.problem {
        Some(problem) => (format!("{line}  ! {problem}"), theme.warning()),
        None if folder.whole => (line, theme.text()),
        None => (format!("{line}  …"), theme.dim()),
    }
}

fn wrong(model: &Model, error: &Notice, indent: &str, width: usize, lines: &mut Vec<Line>) {
    let room = width.saturating_sub(indent.len());
    let said = [(format!("✗ {}", error.message), model.theme.error())];
    let hint = (!error.hint.is_empty()).then(|| (error.hint.clone(), model.theme.text()));
    for (line, style) in said.into_iter().chain(hint) {
        let parts = text::wrap(&line, room);
        lines.extend(parts.into_iter().map(|part| (format!("{indent}{part}"), style)));
    }
}
