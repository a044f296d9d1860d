//! Undo, redo and the history's keys.
//!
//! Invariant: an undo names what a key asked for last, which is known once every intent before it
//! is answered; so it waits for that. What was undone here is redone by name, newest first.

use crate::command::intent::Intent;
use crate::engine::handle::Request;
use crate::engine::view::Done;
use crate::id::ActionId;
use crate::notice::Severity;
use crate::ui::app::{Effect, Model, Sent, UNDO_DEPTH};
use crate::ui::history::History;
use crate::ui::keys::send;
use crate::ui::reader::Reader;
use crate::ui::update::ask;

/// What waits until it is known what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// An undo.
    Undo,
    /// A redo.
    Redo,
}

/// Undoes or redoes the last one, as soon as it is known which that is.
pub fn want(model: &mut Model, wanted: Wanted) -> Vec<Effect> {
    model.wanted.push_back((wanted, model.asked));
    go_on(model)
}

/// Sends what waited for answers that are there now. Of one kind several go at once: each names
/// another action.
pub fn go_on(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    while let Some((wanted, before)) = model.wanted.front().copied() {
        let sent = if wanted == Wanted::Undo { Sent::Undo } else { Sent::Redo };
        // What was asked for behind the key is not what it takes back.
        let first = model.answered + model.late.len() as u64 + 1;
        let counts = |(number, other): (u64, &Sent)| {
            *other != sent && (number <= before || matches!(other, Sent::Undo | Sent::Redo))
        };
        if (first..).zip(&model.sent).any(counts) {
            break;
        }
        model.wanted.pop_front();
        let intent = match wanted {
            Wanted::Undo => Intent::Undo(newest(model, before)),
            Wanted::Redo => Intent::Redo(model.undone.pop()),
        };
        effects.extend(send(model, intent, sent));
    }
    effects
}

/// The newest action that stands and was asked for by then.
fn newest(model: &mut Model, before: u64) -> Option<ActionId> {
    let at = model.done.iter().rposition(|(number, _)| *number <= before)?;
    Some(model.done.remove(at).1)
}

/// Takes in the answer to an intent: what can be undone and redone next.
pub fn answered(model: &mut Model, sent: Option<Sent>, done: &Done) {
    let Some(action) = &done.action else { return };
    if let Some(undid) = &done.undid {
        model.done.retain(|(_, held)| held != undid);
        keep(&mut model.undone, undid.clone());
    } else if let Some(redid) = &done.redid {
        model.undone.retain(|held| held != redid);
        keep(&mut model.done, (model.answered, action.clone()));
    } else if matches!(sent, Some(Sent::Key | Sent::Order(_))) {
        model.undone.clear();
        keep(&mut model.done, (model.answered, action.clone()));
    }
}

fn keep<T>(actions: &mut Vec<T>, action: T) {
    if actions.len() == UNDO_DEPTH {
        actions.remove(0);
    }
    actions.push(action);
}

/// Opens the history.
pub fn open_history(model: &mut Model) -> Vec<Effect> {
    model.reader = None;
    let ticket = model.history.as_ref().map_or(model.tickets, History::next_ticket);
    let (history, request) = History::open(ticket);
    model.waiting_since = model.now_ms;
    model.history = Some(history);
    ask([Request::Close, request])
}

/// Leaves the conversations of an action, or the history.
pub fn leave_history(model: &mut Model) {
    if let Some(history) = &mut model.history
        && history.reached.take().is_none()
    {
        model.tickets = history.next_ticket();
        model.history = None;
    }
}

/// Opens the conversation under the cursor of the history, or shows those of the action.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    let Some(history) = &mut model.history else { return Vec::new() };
    if history.reached.is_none() {
        let requests = history.enter();
        if requests.is_empty() && history.current().is_some() {
            model.say(Severity::Info, "It was done to no conversation", "");
        }
        return ask(requests);
    }
    let Some(row) = history.conversation().cloned() else { return Vec::new() };
    let request = Request::Open(row.thread.clone());
    model.reader = Some(Reader::new(row, model.now_ms));
    ask([request])
}

/// Opens the next (`true`) or previous conversation of the action in the reader.
pub fn conversation(model: &mut Model, next: bool) -> Vec<Effect> {
    use crate::command::motion::Motion;
    let Some(history) = &mut model.history else { return Vec::new() };
    let before = history.conversation().map(|row| row.thread.clone());
    history.go(if next { Motion::Down } else { Motion::Up });
    if history.conversation().map(|row| &row.thread) == before.as_ref() {
        let what = if next { "last" } else { "first" };
        model.say(Severity::Info, format!("This is the {what} conversation"), "");
        return Vec::new();
    }
    model.reader = None;
    let mut effects = ask([Request::Close]);
    effects.extend(enter(model));
    effects
}

/// What an action was done to is here: the one conversation is opened at once.
pub fn reached(
    model: &mut Model,
    action: &ActionId,
    rows: Vec<crate::engine::view::Row>,
    total: usize,
) -> Vec<Effect> {
    let Some(history) = &mut model.history else { return Vec::new() };
    let first = history.reached.as_ref().is_some_and(|r| r.rows.is_none());
    history.take_rows(action, rows, total);
    if first && total == 1 && model.reader.is_none() { enter(model) } else { Vec::new() }
}

/// Undoes (`true`) or redoes the action under the cursor of the history.
pub fn this(model: &mut Model, undo: bool) -> Vec<Effect> {
    let Some(history) = &model.history else { return Vec::new() };
    let row = history.reached.as_ref().map(|reached| &reached.of).or_else(|| history.current());
    let Some(row) = row.cloned() else { return Vec::new() };
    if undo && row.undoes.is_some() {
        model.say(Severity::Info, "An undo is not undone", "r does again what it undid");
        return Vec::new();
    }
    let (intent, sent) = if undo {
        (Intent::Undo(Some(row.action)), Sent::Undo)
    } else {
        (Intent::Redo(Some(row.action)), Sent::Redo)
    };
    send(model, intent, sent)
}
