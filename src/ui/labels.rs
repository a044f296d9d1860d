//! What the label picker's keys do to the label under its cursor: rename, recolour, delete.
//!
//! Invariant: each is one intent on the label that was under the cursor when the key was pressed;
//! the picker stays open and shows what the engine makes of it.

use crate::command::intent::Intent;
use crate::command::motion::Motion;
use crate::command::registry::Verb;
use crate::id::LabelId;
use crate::label::{COLORS, Place};
use crate::notice::Severity;
use crate::ui::app::{Effect, Layer, Model, Sent};
use crate::ui::keys::{send, show};
use crate::ui::line::Line;

/// A new name is asked for.
#[derive(Debug, Clone)]
pub struct Rename {
    /// Of which label.
    pub label: LabelId,
    /// What it is called.
    pub was: String,
    /// What is typed.
    pub line: Line,
}

/// A colour is asked for.
#[derive(Debug, Clone)]
pub struct Colours {
    /// Of which label.
    pub label: LabelId,
    /// What it is called.
    pub name: String,
    /// The choice under the cursor: none, then the colours of the palette.
    pub cursor: usize,
}

impl Colours {
    /// The choices: none, then the palette.
    pub fn choices() -> impl Iterator<Item = Option<&'static str>> {
        std::iter::once(None).chain(COLORS.into_iter().map(Some))
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion) {
        let last = COLORS.len();
        self.cursor = match motion {
            Motion::Down => self.cursor + 1,
            Motion::Up => self.cursor.saturating_sub(1),
            Motion::First => 0,
            Motion::Last => last,
            _ => self.cursor,
        }
        .min(last);
    }
}

/// Presses one of the picker's keys for labels.
pub fn press(model: &mut Model, verb: Verb) -> Vec<Effect> {
    let Some(Layer::Picker(picker)) = model.layers.last_mut() else { return Vec::new() };
    if let Some(name) = picker.take_lost() {
        return gone(model, &name);
    }
    let Some(label) = picker.current().cloned() else {
        model.say(Severity::Info, "There is no label under the cursor", "");
        return Vec::new();
    };
    match verb {
        Verb::RenameLabel => {
            let mut line = Line::default();
            line.insert(&label.name);
            let rename = Rename { label: label.id, was: label.name, line };
            model.layers.push(Layer::Rename(rename));
            Vec::new()
        }
        Verb::RecolorLabel => {
            let now = label.color.as_deref();
            let cursor = Colours::choices().position(|choice| choice == now).unwrap_or(0);
            let colours = Colours { label: label.id, name: label.name, cursor };
            model.layers.push(Layer::Colours(colours));
            Vec::new()
        }
        _ => {
            // The list that is shown goes with its label.
            let mut effects = Vec::new();
            if model.list.label == label.id {
                effects = show(model, Place::Inbox.label());
            }
            effects.extend(send(model, Intent::DeleteLabel(label.id), Sent::Key));
            effects
        }
    }
}

/// Says that a label vanished under the hand.
pub(super) fn gone(model: &mut Model, name: &str) -> Vec<Effect> {
    let line = format!("{name} is not here any more; nothing was done");
    model.say(Severity::Warning, line, "");
    Vec::new()
}

/// Does what was typed or chosen; the picker is on top again.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let known = |id: &LabelId| model.labels.iter().any(|label| label.id == *id);
    let lost = match model.layers.last() {
        Some(Layer::Rename(rename)) if !known(&rename.label) => Some(rename.was.clone()),
        Some(Layer::Colours(colours)) if !known(&colours.label) => Some(colours.name.clone()),
        _ => None,
    };
    if let Some(name) = lost {
        model.layers.pop();
        return gone(model, &name);
    }
    let intent = match model.layers.pop() {
        Some(Layer::Rename(rename)) if rename.line.text().trim().is_empty() => return Vec::new(),
        Some(Layer::Rename(rename)) => {
            Intent::RenameLabel(rename.label, rename.line.text().to_owned())
        }
        Some(Layer::Colours(colours)) => {
            let color = Colours::choices().nth(colours.cursor).flatten();
            Intent::RecolorLabel(colours.label, color.map(str::to_owned))
        }
        _ => return Vec::new(),
    };
    send(model, intent, Sent::Key)
}
