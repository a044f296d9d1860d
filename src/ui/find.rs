//! Finding in the conversation that is read: a line that is typed, and the hits as it is typed.
//!
//! Invariant: it asks nobody; what it finds is marked as what a search found is. Esc gives back
//! what was marked before.

use crate::command::motion::Edit;
use crate::notice::Severity;
use crate::search::{Context, Needles, parse};
use crate::ui::app::{Effect, Layer, Model};
use crate::ui::asking;
use crate::ui::line::Line;
use crate::ui::reader::turned::State;
use crate::ui::text;

/// The line.
#[derive(Debug, Clone)]
pub struct FindBox {
    /// What is typed.
    pub line: Line,
    /// What was marked, folded and seen before.
    before: State,
}

/// Opens it.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some(reader) = model.reader.as_ref() else { return Vec::new() };
    let before = reader.state();
    model.notice = None;
    model.layers.push(Layer::Find(Box::new(FindBox { line: Line::default(), before })));
    Vec::new()
}

/// Types text.
pub fn insert(model: &mut Model, text: &str) {
    if let Some(Layer::Find(open)) = model.layers.last_mut() {
        open.line.insert(&text.replace(['\n', '\r'], " "));
    }
    look(model);
}

/// Does an edit key.
pub fn edit(model: &mut Model, how: Edit) {
    if let Some(Layer::Find(open)) = model.layers.last_mut() {
        open.line.edit(how);
    }
    look(model);
}

/// Marks what the line says.
fn look(model: &mut Model) {
    let Some(Layer::Find(open)) = model.layers.last() else { return };
    let typed = open.line.text().to_owned();
    let before = open.before.clone();
    let needles = needles(model, &typed);
    let Some(reader) = model.reader.as_mut() else { return };
    if typed.trim().is_empty() {
        reader.restore(before);
    } else {
        reader.find(needles, &before);
    }
}

/// What is looked for by a text.
fn needles(model: &Model, typed: &str) -> Needles {
    let context =
        Context { now: model.now(), zone: &model.zone, me: &[], typing: true, saved: &[] };
    Needles::of(&parse(typed, &context).query)
}

/// Enter: what is marked stays.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Find(open)) = model.layers.pop() else { return Vec::new() };
    let typed = open.line.text().trim().to_owned();
    let Some(reader) = model.reader.as_ref() else { return Vec::new() };
    if typed.is_empty() {
        return Vec::new();
    }
    let many = reader.hits.len() as u64;
    if many == 0 {
        let line = format!("Nothing here has {typed}");
        let hint = asking::hint(model, "search", "searches all mail");
        model.say(Severity::Info, line, hint);
        return Vec::new();
    }
    let line = format!("{} of {typed}", text::plural(many, "place", "places"));
    let keys = [("next-message", "next"), ("previous-hit", "previous")];
    let hint = keys.map(|(name, does)| asking::hint(model, name, does)).join(", ");
    model.say(Severity::Info, line, hint);
    Vec::new()
}

/// Esc in the line: as before.
pub fn close(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Find(open)) = model.layers.pop() else { return Vec::new() };
    if let Some(reader) = model.reader.as_mut() {
        reader.restore(open.before);
    }
    Vec::new()
}

/// Ends a find that is active, so that the next Esc goes back; whether there was one.
pub fn clear(model: &mut Model) -> bool {
    let before = model.search.as_ref().map(|search| search.needles.clone());
    let Some(reader) = model.reader.as_mut().filter(|reader| reader.finding) else { return false };
    reader.end_find(before);
    model.notice = None;
    true
}
