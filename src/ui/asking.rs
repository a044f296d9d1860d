//! What lies on top and asks for a command: the palette, the line, the help. Their keys, and what
//! was on the screen when they opened.
//!
//! Invariant: a command acts on the rows as they were drawn when the box over them opened; where
//! these are gone since, nothing is done and that is said.

use crate::command::bindings::Bindings;
use crate::command::context::{Context, Subject};
use crate::command::motion::Motion;
use crate::command::registry::{Command, Group, Verb};
use crate::command::search::Does;
use crate::notice::Severity;
use crate::ui::app::{Effect, Layer, Model};
use crate::ui::compose::outgoing::{self, Shown};
use crate::ui::{ex, help, keys, palette, panel};

/// Commands and lists that are remembered as used last.
const MAX_RECENT: usize = 50;

/// What a box opened over.
#[derive(Debug, Clone)]
pub struct Behind {
    /// Whose keys were meant.
    pub context: Context,
    /// The rows that a command is for, as they were drawn.
    pub subjects: Vec<Subject>,
    /// What the cursor was on.
    under: Option<String>,
}

impl Behind {
    /// What is there now.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        Self {
            context: model.context_behind_layers(),
            subjects: keys::subjects(model),
            under: under(model),
        }
    }

    /// Whether the cursor is on what it was on.
    #[must_use]
    pub fn is_still(&self, model: &Model) -> bool {
        self.context == model.context_behind_layers() && self.under == under(model)
    }
}

/// What the cursor is on.
fn under(model: &Model) -> Option<String> {
    if let Some(reader) = &model.reader {
        return Some(reader.row.thread.to_string());
    }
    if let Some(history) = &model.history {
        return history.current().map(|row| row.action.to_string());
    }
    let cursor = model.writing.cursor;
    let out = &model.writing.outgoing;
    match outgoing::shown(model) {
        Some(Shown::Drafts) => out.drafts.get(cursor).map(|row| row.thread.to_string()),
        Some(Shown::Outbox) => out.outbox.get(cursor).map(|row| row.thread.to_string()),
        None => model.list.current().map(|row| row.thread.to_string()),
    }
}

/// Whether a command is for what the cursor is on.
fn is_for_rows(command: &Command) -> bool {
    let free = matches!(
        command.verb,
        Verb::Undo
            | Verb::Redo
            | Verb::History
            | Verb::Search(Does::Open | Does::Turn)
            | Verb::Back
            | Verb::Clear
            | Verb::SelectSome(_)
            | Verb::Purge(true)
    );
    let writes_new = command.name == "compose";
    let group = matches!(command.group, Group::Triage | Group::Read | Group::Write);
    group && !free && !writes_new
}

/// Does `command` exactly as its key would have when the box opened.
pub fn run(model: &mut Model, command: &'static Command, behind: Behind) -> Vec<Effect> {
    if !command.applies(model.context_behind_layers()) {
        return gone(model);
    }
    if is_for_rows(command) && !behind.is_still(model) {
        return gone(model);
    }
    used(model, command.name);
    model.drawn = Some(behind.subjects);
    let effects = keys::run(model, command);
    model.drawn = None;
    effects
}

/// What the key of the command of this name does: `z undoes`; nothing where it has none.
#[must_use]
pub fn hint(model: &Model, name: &str, does: &str) -> String {
    match model.keymap.key(name) {
        "" => String::new(),
        key => format!("{key} {does}"),
    }
}

/// Says that nothing was done.
pub fn gone(model: &mut Model) -> Vec<Effect> {
    let line = "What that was for is not here any more; nothing was done";
    model.say(Severity::Warning, line, "");
    Vec::new()
}

/// Remembers what was used last.
pub fn used(model: &mut Model, name: &str) {
    model.recent.retain(|known| known != name);
    model.recent.insert(0, name.to_owned());
    model.recent.truncate(MAX_RECENT);
}

/// Takes in what keys mean; what could not be bound is said, and so is it that they are others.
pub fn bound(model: &mut Model, bound: Bindings, anew: bool) {
    model.keymap = bound.keymap;
    model.keys.clear();
    match bound.wrong.as_slice() {
        [] if anew => model.say(Severity::Info, "The keys are as keys.toml has them now", ""),
        [] => {}
        wrong => {
            let lines = wrong.iter().map(|wrong| format!("keys.toml {wrong}")).collect();
            panel::complain(model, lines, "the rest of it holds");
        }
    }
}

/// Whether what is on top takes this verb.
#[must_use]
pub fn takes(model: &Model, verb: Verb) -> bool {
    let ours = matches!(
        verb,
        Verb::Edit(_) | Verb::Motion(_) | Verb::Accept | Verb::Close | Verb::CompleteEx(_)
    );
    ours && matches!(model.layers.last(), Some(Layer::Palette(_) | Layer::Ex(_) | Layer::Help(_)))
}

/// Does it.
pub fn perform(model: &mut Model, verb: Verb) -> Vec<Effect> {
    match (model.layers.last_mut(), verb) {
        (Some(Layer::Palette(_)), Verb::Accept) => return palette::accept(model),
        (Some(Layer::Ex(_)), Verb::Accept) => return ex::accept(model),
        (Some(Layer::Palette(open)), Verb::Motion(motion)) => open.go(motion),
        (Some(Layer::Palette(open)), Verb::Edit(how)) => {
            open.line.edit(how);
            palette::find(model);
        }
        (Some(Layer::Ex(_)), Verb::Motion(motion)) => ex::recall(model, motion == Motion::Up),
        (Some(Layer::Ex(_)), Verb::CompleteEx(next)) => ex::complete(model, next),
        (Some(Layer::Ex(_)), Verb::Edit(how)) => ex::edit(model, how),
        (Some(Layer::Help(_)), verb) => help::press(model, verb),
        (Some(Layer::Palette(_) | Layer::Ex(_)), Verb::Close) => drop(model.layers.pop()),
        _ => {}
    }
    Vec::new()
}

/// Types into what is on top; whether that takes text.
pub fn insert(model: &mut Model, text: &str) -> bool {
    let text = text.replace(['\n', '\r'], " ");
    match model.layers.last_mut() {
        Some(Layer::Palette(open)) => {
            open.line.insert(&text);
            palette::find(model);
        }
        Some(Layer::Ex(_)) => ex::insert(model, &text),
        Some(Layer::Help(open)) => open.insert(&text),
        _ => return false,
    }
    true
}
