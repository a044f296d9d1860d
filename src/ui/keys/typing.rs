//! Keys that type: into the line that is open on the screen, and what ends it.
//!
//! Invariant: what is typed goes to one line, the topmost; what is not a line takes nothing.

use crate::command::motion::Edit;
use crate::notice::Severity;
use crate::ui::app::{Effect, Layer, Model, Sent, Stage};
use crate::ui::asking;
use crate::ui::compose;
use crate::ui::files;
use crate::ui::filter;
use crate::ui::find;
use crate::ui::labels;
use crate::ui::mover;
use crate::ui::purge;
use crate::ui::search;
use crate::ui::snooze;
use crate::ui::wizard;

use super::beginning::import_from;
use super::send;

/// Types `text` into the line that is being typed, if one is.
pub fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    hush(model);
    if search::is_typed(model) {
        search::insert(model, text);
        return Vec::new();
    }
    if asking::insert(model, text) {
        return Vec::new();
    }
    match model.layers.last_mut() {
        Some(Layer::Picker(picker)) => picker.insert(text),
        Some(Layer::Rename(rename)) => rename.line.insert(text.trim_matches(['\n', '\r'])),
        Some(Layer::SaveSearch(open)) => open.line.insert(text.trim_matches(['\n', '\r'])),
        Some(Layer::Wizard(wizard)) => wizard.insert(text),
        Some(Layer::Path(line)) => line.insert(text.trim_matches(['\n', '\r'])),
        Some(Layer::Purge(open)) => open.line.insert(text),
        Some(Layer::Snooze(open)) => {
            open.line.insert(text.trim_matches(['\n', '\r']));
            open.cursor = 0;
        }
        Some(Layer::Sending(open)) => {
            open.line.insert(text.trim_matches(['\n', '\r']));
            open.cursor = 0;
        }
        Some(Layer::Move(open)) => open.insert(text),
        Some(Layer::Find(_)) => find::insert(model, text),
        Some(Layer::Attach(open)) => open.line.insert(text.trim_matches(['\n', '\r'])),
        Some(Layer::FileLine(open)) => open.line.insert(text.trim_matches(['\n', '\r'])),
        Some(Layer::Links(open)) => open.insert(text),
        Some(Layer::Filter(_)) => return filter::insert(model, text),
        None => compose::keys::insert(model, text),
        _ => {}
    }
    Vec::new()
}

/// What was said before one types in a box is about something else; an error stays.
fn hush(model: &mut Model) {
    if !model.layers.is_empty() {
        model.notice.take_if(|notice| notice.severity < Severity::Error);
    }
}

pub(super) fn edit(model: &mut Model, how: Edit) -> Vec<Effect> {
    hush(model);
    if search::is_typed(model) {
        search::edit(model, how);
        return Vec::new();
    }
    match model.layers.last_mut() {
        Some(Layer::Picker(picker)) => picker.edit(how),
        Some(Layer::Rename(rename)) => rename.line.edit(how),
        Some(Layer::SaveSearch(open)) => open.line.edit(how),
        Some(Layer::Wizard(wizard)) => wizard.edit(how),
        Some(Layer::Path(line)) => line.edit(how),
        Some(Layer::Purge(open)) => open.line.edit(how),
        Some(Layer::Snooze(open)) => {
            open.line.edit(how);
            open.cursor = 0;
        }
        Some(Layer::Sending(open)) => {
            open.line.edit(how);
            open.cursor = 0;
        }
        Some(Layer::Move(open)) => open.edit(how),
        Some(Layer::Find(_)) => find::edit(model, how),
        Some(Layer::Filter(_)) => return filter::edit(model, how),
        Some(Layer::Attach(open)) => open.line.edit(how),
        Some(Layer::FileLine(open)) => open.line.edit(how),
        None => compose::keys::edit(model, how),
        _ => {}
    }
    Vec::new()
}

/// Lets what is typed go on.
pub(super) fn complete(model: &mut Model) -> Vec<Effect> {
    match model.layers.last_mut() {
        Some(Layer::Sending(open)) => open.remind_next(),
        Some(Layer::Attach(_)) => return compose::keys::complete_path(model),
        _ => {}
    }
    Vec::new()
}

pub(super) fn accept(model: &mut Model) -> Vec<Effect> {
    match model.layers.last() {
        None if search::is_typed(model) => search::keep(model),
        Some(Layer::Wizard(_)) => wizard::accept(model),
        Some(Layer::Purge(_)) => purge::accept(model),
        Some(Layer::Snooze(_)) => snooze::accept(model),
        Some(Layer::Sending(_)) => compose::sending::accept(model),
        Some(Layer::Move(_)) => mover::accept(model),
        Some(Layer::Find(_)) => find::accept(model),
        // What is typed stays.
        Some(Layer::Filter(_)) => {
            model.layers.pop();
            Vec::new()
        }
        Some(Layer::Attach(_)) => compose::keys::accept_attach(model),
        Some(Layer::FileLine(_)) => files::accept(model),
        Some(Layer::Leave(_)) => crate::ui::unsubscribe::accept(model),
        Some(Layer::Saves(_)) => compose::keys::accept_save(model),
        Some(Layer::Rename(_) | Layer::Colours(_)) => labels::accept(model),
        Some(Layer::SaveSearch(_)) => search::saved::accept(model),
        Some(Layer::Picker(picker)) => {
            let effects = if picker.is_toggled() { Vec::new() } else { toggle(model) };
            model.layers.pop();
            effects
        }
        Some(Layer::Path(line)) => {
            let typed = line.clone();
            let path = match &mut model.stage {
                Stage::FirstRun(screen) => {
                    let path = screen.path(typed.text());
                    screen.typed = typed;
                    path
                }
                Stage::Mail => None,
            };
            model.layers.pop();
            path.map(|path| import_from(model, path)).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

pub(super) fn toggle(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Picker(picker)) = model.layers.last_mut() else { return Vec::new() };
    if let Some(name) = picker.take_lost() {
        return labels::gone(model, &name);
    }
    picker.toggle().map(|intent| send(model, intent, Sent::Key)).unwrap_or_default()
}
