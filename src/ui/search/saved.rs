//! Saved searches on the screen: shown like lists, saved and removed by a key.
//!
//! Invariant: what is saved is what the line says; a search that was kept asks again when mail
//! changes while nobody works on its rows.

use super::{look, open, seek};
use crate::command::intent::Intent;
use crate::notice::Severity;
use crate::search::Named;
use crate::ui::app::{Effect, Layer, Model, Sent};
use crate::ui::keys::send;
use crate::ui::line::Line;

/// What was found is asked for again at most so often, in milliseconds.
const AGAIN_MS: i64 = 1_000;
/// And so often after mail has changed: its words are in the index within a second.
const AGAIN_TIMES: u8 = 2;

/// A name is asked for.
#[derive(Debug, Clone)]
pub struct SaveBox {
    /// What is saved.
    pub query: String,
    /// The name that it has, if it has one.
    pub was: Option<String>,
    /// What is typed.
    pub line: Line,
}

/// Asks for the name under which what is searched is saved.
pub(super) fn ask_name(model: &mut Model) -> Vec<Effect> {
    let query = model.search.as_ref().map(|search| search.line.text().trim().to_owned());
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        model.say(Severity::Info, "There is no search to save", "/ searches");
        return Vec::new();
    };
    let id = model.search.as_ref().and_then(|search| search.saved.clone());
    let was = model.saved.iter().find(|saved| Some(&saved.id) == id.as_ref());
    let was = was.map(|saved| saved.name.clone());
    let mut line = Line::default();
    line.insert(was.as_deref().unwrap_or_default());
    model.layers.push(Layer::SaveSearch(SaveBox { query, was, line }));
    Vec::new()
}

/// Saves it, or removes it where its name was taken away.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::SaveSearch(open)) = model.layers.pop() else { return Vec::new() };
    let name = open.line.text().trim().trim_start_matches('@').to_owned();
    match open.was {
        Some(was) if name.is_empty() => {
            let mut effects = super::leave(model);
            effects.extend(send(model, Intent::RemoveSearch(was), Sent::Key));
            effects
        }
        _ if name.is_empty() => Vec::new(),
        _ => send(model, Intent::SaveSearch { name, query: open.query }, Sent::Key),
    }
}

/// Takes in what is saved now.
pub fn came(model: &mut Model, saved: Vec<Named>) -> Vec<Effect> {
    if model.saved == saved {
        return Vec::new();
    }
    model.saved = saved;
    if let Some(search) = &mut model.search {
        // What the line says may mean something else now.
        search.read = None;
        let text = search.line.text().trim();
        let found = model.saved.iter().find(|one| one.query == text);
        search.saved = found.map(|one| one.id.clone());
    }
    Vec::new()
}

/// Shows what a saved search finds, like a list.
pub fn show(model: &mut Model, saved: &Named) -> Vec<Effect> {
    let mut effects = if model.search.is_some() { super::leave(model) } else { Vec::new() };
    effects.extend(open(model));
    if let Some(search) = &mut model.search {
        search.line.insert(&saved.query);
        search.saved = Some(saved.id.clone());
    }
    effects.extend(look(model));
    if let Some(search) = &mut model.search {
        search.open = false;
    }
    effects.extend(super::ask_kept(model));
    effects
}

/// Mail has changed: what was found is asked for again, unless somebody works on its rows.
pub fn changed(model: &mut Model) -> Vec<Effect> {
    if let Some(search) = &mut model.search {
        search.again = AGAIN_TIMES;
    }
    tick(model)
}

/// Whether it is to be asked again soon.
#[must_use]
pub fn waits(model: &Model) -> bool {
    let rests = model.list.cursor == 0 && model.list.selected.is_empty() && !model.list.jumping();
    let is_read = model.reader.is_some() || !model.layers.is_empty();
    let asks = model.search.as_ref().is_some_and(|search| search.again > 0 && !search.open);
    asks && rests && !is_read
}

/// Asks again, once that may be.
pub fn tick(model: &mut Model) -> Vec<Effect> {
    if !waits(model) {
        return Vec::new();
    }
    let Some(search) = &mut model.search else { return Vec::new() };
    if model.now_ms < search.asked_at.saturating_add(AGAIN_MS) {
        return Vec::new();
    }
    search.again -= 1;
    match search.asked.clone() {
        Some(asked) => seek(model, asked),
        None => Vec::new(),
    }
}
