//! Keys that move: the cursor, the list that is shown, the reader.
//!
//! Invariant: nothing here decides about mail; what is to be read is asked of the engine.

use crate::command::context::Context;
use crate::command::motion::Motion;
use crate::command::registry::Verb;
use crate::engine::handle::Request;
use crate::engine::view::Row;
use crate::notice::Severity;
use crate::ui::app::{Effect, Layer, Model, Stage};
use crate::ui::compose::desk::DeskAsk;
use crate::ui::compose::{self, outgoing};
use crate::ui::files;
use crate::ui::help;
use crate::ui::past;
use crate::ui::reader::Reader;
use crate::ui::search;
use crate::ui::tabs;
use crate::ui::update::ask;

pub(in crate::ui) fn go(model: &mut Model, motion: Motion) -> Vec<Effect> {
    if model.context() == Context::Drafts || model.context() == Context::Outbox {
        outgoing::go(model, motion);
        return Vec::new();
    }
    let page = help::page(model);
    match (model.layers.last_mut(), &mut model.stage, &mut model.reader) {
        (Some(Layer::Accounts(top)), ..) => *top = help::scrolled(*top, motion, page),
        (Some(Layer::Panel(open)), ..) => open.top = help::scrolled(open.top, motion, page),
        (Some(Layer::Picker(picker)), ..) => picker.go(motion),
        (Some(Layer::Colours(colours)), ..) => colours.go(motion),
        (Some(Layer::Snooze(open)), ..) => open.go(motion),
        (Some(Layer::Sending(open)), ..) => open.go(motion),
        (Some(Layer::Move(open)), ..) => open.go(motion),
        (Some(Layer::Files(_) | Layer::Page(_)), ..) => files::go(model, motion),
        (Some(Layer::Links(open)), ..) => open.go(motion),
        (Some(Layer::Saves(open)), ..) => {
            let last = model.writing.open.as_ref().map_or(0, |c| c.history.len().saturating_sub(1));
            open.cursor = match motion {
                Motion::Down => open.cursor + 1,
                Motion::Up => open.cursor.saturating_sub(1),
                _ => open.cursor,
            }
            .min(last);
        }
        (None, Stage::Mail, _) if model.writing.open.is_some() => {
            if let Some(composer) = model.writing.open.as_deref_mut() {
                compose::keys::go(composer, motion);
            }
        }
        (
            Some(
                Layer::Wizard(_)
                | Layer::Path(_)
                | Layer::Purge(_)
                | Layer::Rename(_)
                | Layer::SaveSearch(_)
                | Layer::FileLine(_)
                | Layer::Attach(_)
                | Layer::Leave(_)
                | Layer::Palette(_)
                | Layer::Ex(_)
                | Layer::Find(_)
                | Layer::Filter(_)
                | Layer::Help(_),
            ),
            ..,
        ) => {}
        (None, Stage::FirstRun(screen), _) => screen.go(motion),
        (None, Stage::Mail, Some(reader)) => reader.go(motion),
        (None, Stage::Mail, None) if model.history.is_some() => {
            return ask(model.history.as_mut().map(|h| h.go(motion)).unwrap_or_default());
        }
        (None, Stage::Mail, None) => {
            model.waiting_since = model.now_ms;
            let requests = model.list.go(motion);
            model.list.stretch();
            return ask(requests);
        }
    }
    Vec::new()
}

pub(super) fn with_reader(model: &mut Model, act: impl FnOnce(&mut Reader)) -> Vec<Effect> {
    if let Some(reader) = &mut model.reader {
        act(reader);
    }
    Vec::new()
}

/// To the next (`true`) or previous message; after a search, the next hit.
pub(super) fn message(model: &mut Model, next: bool) -> Vec<Effect> {
    if next && search::hits(model) {
        return search::hit(model, true);
    }
    with_reader(model, |reader| reader.step(next))
}

/// Opens what is under the cursor.
pub fn open(model: &mut Model) -> Vec<Effect> {
    if model.history.is_some() {
        return past::enter(model);
    }
    let Some(row) = model.list.current().cloned() else { return Vec::new() };
    if row.thread.is_draft() {
        return compose::opening::kept(model, &row.thread, None);
    }
    read(model, row)
}

/// Opens a conversation in the reader.
pub fn read(model: &mut Model, row: Row) -> Vec<Effect> {
    let request = Request::Open(row.thread.clone());
    let mut reader = Reader::new(row, model.now_ms);
    reader.needles = model.search.as_ref().map(|search| search.needles.clone());
    model.reader = Some(reader);
    ask([request])
}

pub(in crate::ui) fn back(model: &mut Model) -> Vec<Effect> {
    if model.reader.take().is_none() {
        past::leave_history(model);
        return Vec::new();
    }
    // The one conversation of an action was opened at once: back is back to the history.
    if let Some(history) = &mut model.history {
        history.reached.take_if(|reached| reached.total == 1);
    }
    ask([Request::Close])
}

pub(super) fn conversation(model: &mut Model, next: bool) -> Vec<Effect> {
    if model.history.is_some() {
        return past::conversation(model, next);
    }
    let before = model.list.current().map(|row| row.thread.clone());
    let requests = model.list.go(if next { Motion::Down } else { Motion::Up });
    let mut effects = ask(requests);
    if model.list.jumping() {
        // It comes within a frame; until then this one stays open.
        model.waiting_since = model.now_ms;
    } else if model.list.current().map(|row| &row.thread) == before.as_ref() {
        let what = if next { "last" } else { "first" };
        model.say(Severity::Info, format!("This is the {what} conversation"), "");
    } else {
        effects.extend(back(model));
        effects.extend(open(model));
    }
    effects
}

pub(in crate::ui) fn show(model: &mut Model, label: crate::id::LabelId) -> Vec<Effect> {
    let mut effects = if model.reader.is_some() { back(model) } else { Vec::new() };
    while model.history.is_some() {
        past::leave_history(model);
    }
    model.waiting_since = model.now_ms;
    if let Some(saved) = model.saved.iter().find(|saved| saved.id == label).cloned() {
        effects.extend(search::saved::show(model, &saved));
        return effects;
    }
    if model.search.take().is_some() {
        effects.extend(ask([Request::StopSearch]));
    }
    effects.extend(ask([model.list.show(label)]));
    if outgoing::shown(model).is_some() {
        model.writing.cursor = 0;
        effects.extend(ask([Request::Outgoing]));
        // An editor that outlived its program may have ended meanwhile.
        effects.extend(model.open.then_some(Effect::Desk(DeskAsk::Leftovers)));
    }
    effects
}

pub(super) fn along(model: &mut Model, next: bool) -> Vec<Effect> {
    if !model.settings().tabs.is_empty() {
        return tabs::along(model, next);
    }
    let entries = model.sidebar();
    let here = model.shown_list();
    let at = entries.iter().position(|entry| entry.label == *here).unwrap_or(0);
    let count = entries.len();
    let to = if next { at + 1 } else { at + count - 1 } % count.max(1);
    match entries.into_iter().nth(to) {
        Some(entry) => show(model, entry.label),
        None => Vec::new(),
    }
}

pub(super) fn select(model: &mut Model, verb: Verb) -> Vec<Effect> {
    if matches!(verb, Verb::Clear) {
        if model.search.is_some() && model.list.selected.is_empty() {
            return search::leave(model);
        }
        model.list.selected.clear();
        model.list.range = None;
        model.notice = None;
        return Vec::new();
    }
    model.list.toggle();
    if matches!(verb, Verb::SelectNext) { go(model, Motion::Down) } else { Vec::new() }
}
