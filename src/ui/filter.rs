//! The line that leaves of the history only what has the words that are typed.
//!
//! Invariant: it hides rows and changes none; Esc gives back what was shown before. What is not
//! loaded yet is asked for page by page, by the history itself.

use crate::command::motion::Edit;
use crate::ui::app::{Effect, Layer, Model};
use crate::ui::line::Line;
use crate::ui::update::ask;

/// The line.
#[derive(Debug, Clone)]
pub struct FilterBox {
    /// What is typed.
    pub line: Line,
    /// What the filter was before.
    before: String,
}

/// Opens it, over what was typed in it last.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some(history) = model.history.as_ref().filter(|history| history.reached.is_none()) else {
        return Vec::new();
    };
    let before = history.filter().to_owned();
    let mut line = Line::default();
    line.insert(&before);
    model.notice = None;
    model.layers.push(Layer::Filter(Box::new(FilterBox { line, before })));
    Vec::new()
}

/// Types text.
pub fn insert(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Some(Layer::Filter(open)) = model.layers.last_mut() {
        open.line.insert(&text.replace(['\n', '\r'], " "));
    }
    look(model)
}

/// Does an edit key.
pub fn edit(model: &mut Model, how: Edit) -> Vec<Effect> {
    if let Some(Layer::Filter(open)) = model.layers.last_mut() {
        open.line.edit(how);
    }
    look(model)
}

fn look(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Filter(open)) = model.layers.last() else { return Vec::new() };
    let typed = open.line.text().to_owned();
    set(model, &typed)
}

fn set(model: &mut Model, filter: &str) -> Vec<Effect> {
    let Some(history) = &mut model.history else { return Vec::new() };
    ask(history.set_filter(filter))
}

/// Esc in the line: as before.
pub fn close(model: &mut Model) -> Vec<Effect> {
    match model.layers.pop() {
        Some(Layer::Filter(open)) => set(model, &open.before),
        _ => Vec::new(),
    }
}

/// Shows all again, so that the next Esc leaves; whether something was hidden.
pub fn clear(model: &mut Model) -> bool {
    let held = model.history.as_ref();
    let hides = held.is_some_and(|held| held.reached.is_none() && !held.filter().is_empty());
    if hides {
        set(model, "");
    }
    hides
}
