//! Counts before a key: `3j`, `5x`, `4e`.
//!
//! Invariant: digits are a count only where they mean nothing else; a count never reaches rows that
//! are not here: then nothing is done, and that is said. What it is done to is one action.

use crate::command::context::Context;
use crate::command::key::{Code, Key};
use crate::command::motion::Motion;
use crate::command::registry::{Command, Resolved, Verb};
use crate::notice::Severity;
use crate::ui::app::{Effect, Model};
use crate::ui::keys;
use crate::ui::list;
use crate::ui::text;

/// The largest count.
pub const MOST: usize = 9_999;
/// Where counts are taken.
const COUNTED: [Context; 5] =
    [Context::List, Context::Reader, Context::History, Context::Drafts, Context::Outbox];

/// Takes a digit of a count, and Esc that calls one off; whether it was one.
pub fn takes(model: &mut Model, context: Context, key: Key) -> bool {
    if !model.keys.is_empty() || !COUNTED.contains(&context) {
        return false;
    }
    if key.code == Code::Esc && model.count.is_some() {
        model.count = None;
        return true;
    }
    let Some(digit) = key.typed().and_then(|c| c.to_digit(10)) else { return false };
    let bound = !matches!(model.keymap.resolve(context, &[key]), Resolved::Nothing);
    if bound || (digit == 0 && model.count.is_none()) {
        return false;
    }
    let digit = usize::try_from(digit).unwrap_or(0);
    model.count = Some((model.count.unwrap_or(0) * 10 + digit).min(MOST));
    true
}

/// Does `command` so many times, or to so many rows.
pub fn perform(model: &mut Model, command: &Command, key: Key, count: usize) -> Vec<Effect> {
    match command.verb {
        Verb::Motion(motion) => motions(model, command, key, (motion, count)),
        Verb::Message(_) | Verb::Conversation(_) | Verb::Along(_) | Verb::Undo | Verb::Redo => {
            repeated(model, command, key, count)
        }
        Verb::Select => select(model, count, false),
        Verb::SelectNext => select(model, count, true),
        Verb::Decide(_)
        | Verb::ArchiveGo(_)
        | Verb::Again
        | Verb::PickLabels
        | Verb::PickPlace
        | Verb::PickTime => rows(model, command, key, count),
        _ => keys::perform(model, command, key),
    }
}

fn repeated(model: &mut Model, command: &Command, key: Key, count: usize) -> Vec<Effect> {
    let mut effects = Vec::new();
    for _ in 0..count {
        effects.extend(keys::perform(model, command, key));
    }
    effects
}

fn motions(
    model: &mut Model,
    command: &Command,
    key: Key,
    (motion, count): (Motion, usize),
) -> Vec<Effect> {
    let ends = matches!(motion, Motion::First | Motion::Last);
    let in_list = model.layers.is_empty() && model.context() == Context::List;
    if in_list && !ends {
        model.waiting_since = model.now_ms;
        let requests = model.list.go_by(motion, count);
        model.list.stretch();
        return crate::ui::update::ask(requests);
    }
    repeated(model, command, key, if ends { 1 } else { count })
}

/// The rows from the cursor down.
fn select(model: &mut Model, count: usize, next: bool) -> Vec<Effect> {
    if too_far(model, count) {
        return Vec::new();
    }
    let from = model.list.cursor;
    let last = (from + count).min(model.list.rows.len());
    for row in &model.list.rows[from..last] {
        model.list.selected.entry(row.thread.clone()).or_insert_with(|| row.clone());
    }
    let down = if next { count } else { count - 1 };
    model.waiting_since = model.now_ms;
    let requests = model.list.go_by(Motion::Down, down);
    crate::ui::update::ask(requests)
}

/// Does it to the rows from the cursor down.
fn rows(model: &mut Model, command: &Command, key: Key, count: usize) -> Vec<Effect> {
    if model.reader.is_some() {
        model.say(Severity::Info, "A count is for rows of the list; nothing was done", "");
        return Vec::new();
    }
    if !model.list.selected.is_empty() {
        let hint = crate::ui::asking::hint(model, "clear", "unselects");
        let line = "Either what is selected or a count; nothing was done";
        model.say(Severity::Info, line, hint);
        return Vec::new();
    }
    if too_far(model, count) {
        return Vec::new();
    }
    let from = model.list.cursor;
    let last = (from + count).min(model.list.rows.len());
    model.drawn = Some(model.list.rows[from..last].iter().map(list::subject).collect());
    let effects = keys::perform(model, command, key);
    model.drawn = None;
    effects
}

/// Whether the list goes on beyond the rows that are here, and the count too; then it is said.
fn too_far(model: &mut Model, count: usize) -> bool {
    let here = model.list.rows.len().saturating_sub(model.list.cursor);
    if count <= here || !model.list.more_after {
        return false;
    }
    let here = text::count(here as u64);
    let line = format!("Only {here} rows from here on are loaded; nothing was done");
    model.say(Severity::Info, line, "");
    true
}
