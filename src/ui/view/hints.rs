//! The bottom: notices and running work above, what keys do here and the connection below.
//!
//! Invariant: the hints come from the registry; an error is marked by a sign, not by colour alone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{columns, put, put_all};
use crate::command::context::Context;
use crate::command::registry::{Command, Group, all};
use crate::engine::view::Link;
use crate::notice::Severity;
use crate::ui::app::{Import, Model, Quitting, Shown};
use crate::ui::{date, text};

/// Cells of a progress bar.
const BAR_CELLS: u128 = 10;
/// From this many columns on it is said how an import is stopped.
const STOPS_FROM: u16 = 80;
/// Columns of a notice's line that are not its words: the rule at both ends, blanks, and ` · `.
const NOTICE_FRAME: u16 = 9;
/// The shortest run by which the time left is guessed, in milliseconds.
const GUESS_FROM_MS: i64 = 1_000;

/// The line above the hints: it says what happened.
pub fn notice(model: &Model, line: Rect, buf: &mut Buffer) {
    if line.height == 0 {
        return;
    }
    let work = work(model);
    let right = line.right().saturating_sub(columns(&work) + 3);
    if !work.is_empty() {
        put(
            buf,
            (right, line.y),
            &format!(" {work} "),
            line.right() - right,
            model.theme.warning(),
        );
    }
    let mut parts = said(model, line.width);
    if parts.is_empty() {
        // What an account does is said where nothing else is.
        parts.extend(super::accounts::short(model));
    }
    if !parts.is_empty() {
        let room = right.saturating_sub(line.x + 3);
        let parts: Vec<_> = parts.iter().map(|(text, style)| (text.as_str(), *style)).collect();
        put_all(buf, (line.x + 1, line.y), &parts, room);
    }
}

/// The line of hints; it also carries the notice where that has no line of its own.
pub fn hints(model: &Model, line: Rect, with_notice: bool, buf: &mut Buffer) {
    let theme = model.theme;
    let mut link = model.link();
    let wide = |parts: &Parts| parts.iter().map(|(text, _)| columns(text)).sum::<u16>();
    let healthy = model.status.link == Link::Online { behind: 0 };
    let room = line.width.saturating_sub(columns(&link) + 3);
    let all = |parts: &Parts| model.keys.is_empty() || parts.len() == keys(model, u16::MAX).len();
    if healthy && !(wide(&keys(model, room)) <= room && all(&keys(model, room))) {
        // Keys are of more use than that all is well.
        link.clear();
    }
    let style = match model.status.link {
        Link::Refused => theme.error(),
        _ => theme.dim(),
    };
    let right = line.right().saturating_sub(columns(&link) + 1);
    put(buf, (right, line.y), &link, line.right() - right, style);
    let room = right.saturating_sub(line.x + 2);
    let said = if with_notice { said(model, u16::MAX) } else { cut_hint(model, line.width) };
    let parts = match said.as_slice() {
        [] => keys(model, room),
        // A hint leaves what room it has to the keys.
        [(hint, style)] if !with_notice => {
            let mut parts = vec![(format!("{hint}   "), *style)];
            parts.extend(rest_of_keys(model, room.saturating_sub(columns(hint) + 3)));
            parts
        }
        _ => said,
    };
    let parts: Vec<_> = parts.iter().map(|(text, style)| (text.as_str(), *style)).collect();
    put_all(buf, (line.x + 1, line.y), &parts, room);
}

/// What keys do here, or nothing where not even help and quit have room.
fn rest_of_keys(model: &Model, room: u16) -> Parts {
    let keys = keys(model, room);
    let wide = keys.iter().map(|(text, _)| columns(text)).sum::<u16>();
    if wide <= room { keys } else { Parts::new() }
}

type Parts = Vec<(String, Style)>;

/// The notice, or the running import; its hint only where all of it has room.
fn said(model: &Model, width: u16) -> Parts {
    let theme = model.theme;
    // What holds it up is said where that is known.
    let wrong = model.notice.as_ref().is_some_and(|notice| notice.severity > Severity::Info);
    if model.quitting == Quitting::Saving && !wrong {
        return vec![
            ("saving… ".to_owned(), theme.strong()),
            ("C-c C-c quits at once".to_owned(), theme.dim()),
        ];
    }
    if let Some(notice) = &model.notice {
        let (sign, style) = match notice.severity {
            Severity::Info => ("", theme.text()),
            Severity::Warning => ("! ", theme.warning()),
            Severity::Error => ("✗ ", theme.error()),
        };
        let mut parts = vec![(format!("{sign}{}", notice.text), style)];
        if !notice.hint.is_empty() && has_room(model, notice, width) {
            parts.push((format!(" · {}", notice.hint), theme.dim()));
        }
        return parts;
    }
    let held = model.writing.held.iter().rev().find_map(|held| held.says(model.now_ms, model.demo));
    if let Some((line, hint)) = held {
        let mut parts = vec![(line, theme.strong())];
        if !hint.is_empty() {
            parts.push((format!(" · {hint}"), theme.dim()));
        }
        return parts;
    }
    match &model.import {
        Some(import) if !import.progress.ended => {
            let mut parts = vec![(progress(import, model.now_ms), theme.accent())];
            let stops = crate::ui::asking::hint(model, "stop-import", "stops");
            if !import.stopping && !stops.is_empty() && width >= STOPS_FROM {
                parts.push((format!(" · {stops}"), theme.dim()));
            }
            parts
        }
        _ => Vec::new(),
    }
}

/// The hint of a notice that is too long for the line above: it is what to do, so it comes before
/// the keys.
fn cut_hint(model: &Model, width: u16) -> Parts {
    // What lies on top is of more use: its keys are the way out of it.
    let notice = model.notice.as_ref().filter(|notice| !notice.hint.is_empty());
    notice
        .filter(|_| model.layers.is_empty())
        .filter(|notice| model.quitting == Quitting::No && !has_room(model, notice, width))
        .map(|notice| vec![(notice.hint.clone(), model.theme.text())])
        .unwrap_or_default()
}

/// Whether a notice and its hint have room beside the running work in a rule of `width` columns.
fn has_room(model: &Model, notice: &Shown, width: u16) -> bool {
    let sign = if notice.severity > Severity::Info { 2 } else { 0 };
    let words = columns(&notice.text).saturating_add(columns(&notice.hint));
    words.saturating_add(columns(&work(model))).saturating_add(sign + NOTICE_FRAME) <= width
}

/// What is under way: `saving 2 · pending 1`.
fn work(model: &Model) -> String {
    let status = &model.status;
    [(status.saving, "saving"), (status.pending, "pending")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{what} {}", text::count(n)))
        .collect::<Vec<_>>()
        .join(" · ")
}

/// `importing ███░░ 18,240/41,203 · 6 s left`.
#[must_use]
pub fn progress(import: &Import, now_ms: i64) -> String {
    let progress = &import.progress;
    let verb = if import.stopping { "stopping" } else { "importing" };
    let Some(total) = progress.total.filter(|total| *total > 0) else {
        return format!("{verb} {}", text::count(progress.done));
    };
    let done = progress.done.min(total);
    let cells = u128::from(done) * BAR_CELLS / u128::from(total);
    let full = usize::try_from(cells).unwrap_or(0);
    let empty = usize::try_from(BAR_CELLS).unwrap_or(0).saturating_sub(full);
    let bar = "█".repeat(full) + &"░".repeat(empty);
    let spent = now_ms - import.began.min(now_ms);
    let left = u64::try_from(spent)
        .ok()
        .filter(|_| spent >= GUESS_FROM_MS && done > 0)
        .map(|spent| spent.saturating_mul(total - done) / done / 1_000)
        .map(|seconds| format!(" · {} left", date::wait(seconds)));
    let counts = format!("{}/{}", text::count(done), text::count(total));
    format!("{verb} {bar} {counts}{}", left.unwrap_or_default())
}

/// What one who reads wants first, where there is no room for all.
const READING: [&str; 6] =
    ["back", "reply", "archive", "trash", "next-message", "next-conversation"];

/// Each command by its first key.
fn once_each(
    all: Vec<(String, &'static Command)>,
) -> impl Iterator<Item = (String, &'static Command)> {
    let mut last = "";
    all.into_iter()
        .filter(move |(_, command)| std::mem::replace(&mut last, command.name) != command.name)
}

/// The commands that are hinted at in `context`.
fn hinted(model: &Model, context: Context) -> impl Iterator<Item = (String, &'static Command)> {
    let mut commands: Vec<&'static Command> = all().collect();
    if context == Context::Reader {
        let rank = |command: &&Command| match command.group {
            Group::Program => usize::MAX,
            _ => READING.iter().position(|n| *n == command.name).unwrap_or(READING.len()),
        };
        commands.sort_by_key(rank);
    }
    commands
        .into_iter()
        .filter(move |command| command.applies(context) && !command.hint.is_empty())
        // In the composer all that is not typed begins with `C-x`.
        .filter(move |command| {
            context == Context::Compose
                || model.keymap.keys(command.name).all(|key| !key.contains(' '))
        })
        .map(|command| (model.keymap.key(command.name).to_owned(), command))
        .filter(|(key, _)| !key.is_empty())
}

/// What keys do here, as many as fit; help and quit always.
pub fn keys(model: &Model, room: u16) -> Parts {
    let theme = model.theme;
    let context = model.context();
    let mut keep = 0;
    let count = model.count.map(|count| (format!("{count}…"), ""));
    let hints: Vec<(String, &str)> = if model.keys.is_empty() {
        let movement = matches!(context, Context::FirstRun).then(|| ("j k".to_owned(), "choose"));
        let scroll = matches!(context, Context::Accounts | Context::Page | Context::Panel)
            .then(|| ("j k".to_owned(), "scroll"));
        // Help, quit and closing are never left out; the registry has them last.
        let program = |(_, command): &(String, &Command)| command.group == Group::Program;
        keep = hinted(model, context).filter(program).count();
        let commands = hinted(model, context).map(|(key, command)| (key, command.hint));
        let types = (context == Context::Help).then(|| ("a-z".to_owned(), "find"));
        let message = crate::ui::compose::original::read(model);
        let head = message.and_then(|message| model.writing.heads.of(&message.id));
        let list = context == Context::Reader && head.is_some_and(|head| head.leave.is_some());
        let list = list.then(|| ("g u".to_owned(), "leave the list"));
        count
            .into_iter()
            .chain(movement)
            .chain(scroll)
            .chain(types)
            .chain(list)
            .chain(commands)
            .collect()
    } else {
        let typed: String = model.keys.iter().map(ToString::to_string).collect();
        std::iter::once((typed + "…", ""))
            .chain(once_each(model.keymap.continuations(context, &model.keys)).map(
                |(keys, command)| {
                    (keys, if command.hint.is_empty() { command.name } else { command.hint })
                },
            ))
            .collect()
    };
    let wide = |(key, word): &(String, &str)| columns(key) + columns(word) + 1;
    let (first, last) = hints.split_at(hints.len().saturating_sub(keep));
    let mut used: u16 = last.iter().map(|hint| wide(hint) + 3).sum();
    let mut shown: Vec<&(String, &str)> = Vec::new();
    for hint in first {
        used = used.saturating_add(wide(hint) + 3);
        if used > room.saturating_add(3) {
            break;
        }
        shown.push(hint);
    }
    shown.extend(last);
    let mut parts = Parts::new();
    for (at, (key, word)) in shown.into_iter().enumerate() {
        if at > 0 {
            parts.push((" · ".to_owned(), theme.dim()));
        }
        parts.push((key.clone(), theme.key()));
        if !word.is_empty() {
            parts.push((format!(" {word}"), theme.dim()));
        }
    }
    parts
}
