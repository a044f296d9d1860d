//! The box that asks where conversations are moved: places, then the user's labels.
//!
//! Invariant: what is chosen is for the rows as they were drawn when the box opened; a label that
//! vanishes meanwhile is said when it is chosen, and no other one takes its place.

use crate::command::again;
use crate::command::context::Subject;
use crate::command::fuzzy::{nearest, score};
use crate::command::intent::Intent;
use crate::command::motion::{Edit, Motion};
use crate::engine::view::LabelKind;
use crate::id::LabelId;
use crate::label::{Place, folded};
use crate::notice::Severity;
use crate::ui::app::{Effect, Layer, Model};
use crate::ui::keys;
use crate::ui::line::Line;

/// The places, by what they are called.
const PLACES: [(Place, &str); 4] = [
    (Place::Inbox, "Inbox"),
    (Place::Archive, "Archive"),
    (Place::Spam, "Spam"),
    (Place::Trash, "Trash"),
];

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// A place.
    Place(Place),
    /// Under a label, out of the inbox.
    Label(LabelId),
}

/// A choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Where to.
    pub to: To,
    /// Its name.
    pub name: String,
    /// A label's colour, a name of the palette.
    pub color: Option<String>,
}

/// The box.
#[derive(Debug, Clone)]
pub struct MoveBox {
    /// The rows it is for.
    pub subjects: Vec<Subject>,
    /// What is typed.
    pub line: Line,
    /// The choice under the cursor.
    pub cursor: usize,
    /// All choices there were when it opened.
    all: Vec<Choice>,
    /// The label that was listed, which what is moved leaves.
    from: Option<LabelId>,
}

impl MoveBox {
    /// What can be chosen now, the best match first.
    #[must_use]
    pub fn choices(&self) -> Vec<&Choice> {
        let typed = self.line.text().trim();
        if typed.is_empty() {
            return self.all.iter().collect();
        }
        let mut found: Vec<(i32, &Choice)> = self
            .all
            .iter()
            .filter_map(|choice| {
                let has = folded(&choice.name).contains(&folded(typed));
                let fits = score(typed, &choice.name).or(has.then_some(0))?;
                Some((fits, choice))
            })
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, choice)| choice).collect()
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion) {
        let last = self.choices().len().saturating_sub(1);
        self.cursor = match motion {
            Motion::Down => self.cursor + 1,
            Motion::Up => self.cursor.saturating_sub(1),
            _ => self.cursor,
        }
        .min(last);
    }

    /// Types text.
    pub fn insert(&mut self, text: &str) {
        self.line.insert(text.trim_matches(['\n', '\r']));
        self.cursor = 0;
    }

    /// Does an edit key.
    pub fn edit(&mut self, how: Edit) {
        self.line.edit(how);
        self.cursor = 0;
    }
}

/// Opens it.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let subjects = keys::subjects(model);
    if subjects.is_empty() {
        return keys::triage(model, None);
    }
    let (all, from) = (all(model, &subjects), from(model));
    let (line, cursor) = (Line::default(), 0);
    model.notice = None;
    model.layers.push(Layer::Move(Box::new(MoveBox { subjects, line, cursor, all, from })));
    Vec::new()
}

/// Where rows can be moved.
fn all(model: &Model, subjects: &[Subject]) -> Vec<Choice> {
    let there = |place: Place| subjects.iter().all(|row| row.place == place);
    let places = PLACES.iter().filter(|(place, _)| !there(*place));
    let places = places.map(|(place, name)| Choice {
        to: To::Place(*place),
        name: (*name).to_owned(),
        color: None,
    });
    let labels = model.labels.iter().filter(|label| label.kind == LabelKind::User);
    let labels = labels.map(|label| Choice {
        to: To::Label(label.id.clone()),
        name: label.name.clone(),
        color: label.color.clone(),
    });
    places.chain(labels).collect()
}

/// The user's label that is listed.
fn from(model: &Model) -> Option<LabelId> {
    let known = model.labels.iter().find(|label| label.id == model.list.label);
    known.filter(|label| label.kind == LabelKind::User).map(|label| label.id.clone())
}

/// The move of `subjects` to the place or label of this name, in any case.
///
/// # Errors
/// The nearest name, where there is no such place or label.
pub fn named(
    model: &Model,
    subjects: &[Subject],
    name: &str,
) -> Result<Option<Intent>, Option<String>> {
    let wanted = folded(name);
    if let Some((place, _)) = PLACES.iter().find(|(_, known)| folded(known) == wanted) {
        return Ok(again::to_place(subjects, *place));
    }
    let choices = all(model, subjects);
    let found = choices.iter().find(|choice| folded(&choice.name) == wanted);
    match found.map(|choice| &choice.to) {
        Some(To::Label(id)) => Ok(again::to_label(subjects, id, from(model).as_ref())),
        Some(To::Place(place)) => Ok(again::to_place(subjects, *place)),
        None => {
            let names = choices.iter().map(|choice| choice.name.as_str());
            Err(nearest(name, names).map(str::to_owned))
        }
    }
}

/// Enter in the box.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Move(open)) = model.layers.last() else { return Vec::new() };
    let Some(choice) = open.choices().get(open.cursor).map(|choice| (*choice).clone()) else {
        let line = format!("There is no place or label {}", open.line.text().trim());
        let hint = crate::ui::asking::hint(model, "label", "makes a label");
        model.say(Severity::Info, line, hint);
        return Vec::new();
    };
    let Some(Layer::Move(open)) = model.layers.pop() else { return Vec::new() };
    let intent = match &choice.to {
        To::Place(place) => again::to_place(&open.subjects, *place),
        To::Label(id) if !model.labels.iter().any(|label| label.id == *id) => {
            let line = format!("{} is not here any more; nothing was done", choice.name);
            model.say(Severity::Warning, line, "");
            return Vec::new();
        }
        To::Label(id) => again::to_label(&open.subjects, id, open.from.as_ref()),
    };
    keys::triage(model, intent)
}
