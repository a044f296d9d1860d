//! The line for a command: typed, completed, remembered, done.
//!
//! Invariant: as for a key, what is done is for the rows that were drawn when the line opened; a
//! line that is not understood does nothing and says what was near.

use jiff::Timestamp;

use crate::command::context::{Context, change};
use crate::command::fuzzy::nearest;
use crate::command::intent::{Change, Intent};
use crate::command::line::{Asked, Offer, offers, read};
use crate::command::motion::Edit;
use crate::command::{label as labels, snooze, when};
use crate::engine::view::LabelKind;
use crate::label::{self, folded};
use crate::notice::Severity;
use crate::ui::app::{Effect, Layer, Model, UiExit};
use crate::ui::asking::{self, Behind};
use crate::ui::line::Line;
use crate::ui::{help, keys, mover, search};

/// Lines that are remembered.
const MAX_LINES: usize = 100;

/// The line.
#[derive(Debug, Clone)]
pub struct ExLine {
    /// What is typed.
    pub line: Line,
    /// What may be meant by it.
    pub offers: Vec<Offer>,
    /// The choice that was taken.
    pub chosen: Option<usize>,
    /// Which of the lines before it shows, and what was typed first.
    recalled: Option<(usize, Line)>,
    behind: Behind,
}

/// Opens it.
pub fn open(model: &mut Model) -> Vec<Effect> {
    model.notice = None;
    let behind = Behind::of(model);
    let line = Line::default();
    let (offers, chosen, recalled) = (Vec::new(), None, None);
    model.layers.push(Layer::Ex(Box::new(ExLine { line, offers, chosen, recalled, behind })));
    offer(model);
    Vec::new()
}

/// Finds what may be meant.
fn offer(model: &mut Model) {
    let lists: Vec<String> = model.sidebar().into_iter().map(|entry| entry.name).collect();
    let user = model.labels.iter().filter(|label| label.kind == LabelKind::User);
    let labels: Vec<String> = user.map(|label| label.name.clone()).collect();
    if let Some(Layer::Ex(open)) = model.layers.last_mut() {
        open.offers = offers(open.line.text(), open.behind.context, &lists, &labels);
        (open.chosen, open.recalled) = (None, None);
    }
}

/// Types text.
pub fn insert(model: &mut Model, text: &str) {
    if let Some(Layer::Ex(open)) = model.layers.last_mut() {
        open.line.insert(text);
    }
    offer(model);
}

/// Does an edit key; one that has nothing to erase closes the line.
pub fn edit(model: &mut Model, how: Edit) {
    if let Some(Layer::Ex(open)) = model.layers.last_mut() {
        if open.line.text().is_empty() && how == Edit::Erase {
            model.layers.pop();
            return;
        }
        open.line.edit(how);
    }
    offer(model);
}

/// Completes the line by the next (`true`) or previous choice.
pub fn complete(model: &mut Model, next: bool) {
    let Some(Layer::Ex(open)) = model.layers.last_mut() else { return };
    let count = open.offers.len();
    if count == 0 {
        return;
    }
    let at = match open.chosen {
        None if next => 0,
        Some(at) if next => (at + 1) % count,
        None => count - 1,
        Some(at) => (at + count - 1) % count,
    };
    let Some(offer) = open.offers.get(at) else { return };
    open.line = Line::default();
    open.line.insert(&offer.line);
    open.chosen = Some(at);
    if count == 1 {
        // What comes behind it is offered next.
        self::offer(model);
    }
}

/// Shows an older (`true`) or newer line.
pub fn recall(model: &mut Model, older: bool) {
    let Some(Layer::Ex(open)) = model.layers.last_mut() else { return };
    let (at, first) = match open.recalled.take() {
        Some((at, first)) if older => (Some(at + 1), first),
        Some((at, first)) => (at.checked_sub(1), first),
        None if older => (Some(0), open.line.clone()),
        None => return,
    };
    let most = model.lines.len().checked_sub(1);
    let (Some(at), Some(most)) = (at, most) else {
        open.line = first;
        return;
    };
    let at = at.min(most);
    if let Some(text) = model.lines.get(at) {
        open.line = Line::default();
        open.line.insert(text);
        open.recalled = Some((at, first));
    }
}

/// Does what is typed.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Ex(open)) = model.layers.last() else { return Vec::new() };
    let (text, behind) = (open.line.text().to_owned(), open.behind.clone());
    model.layers.pop();
    let kept = text.trim();
    if !kept.is_empty() {
        model.lines.retain(|known| known != kept);
        model.lines.insert(0, kept.to_owned());
        model.lines.truncate(MAX_LINES);
    }
    match read(&text, behind.context) {
        Asked::Nothing => Vec::new(),
        Asked::Run(command) => asking::run(model, command, behind),
        Asked::Label(name, on) => label(model, name, on, &behind),
        Asked::Move(name) => move_to(model, name, &behind),
        Asked::Go(name) => go(model, name),
        Asked::Search(query) => search_for(model, query),
        Asked::Snooze(until) => sleep(model, until, &behind),
        Asked::Help(words) => help::open(model, words),
        Asked::Quit(false) => keys::quit(model),
        Asked::Quit(true) => vec![Effect::Exit(UiExit::Forced)],
        Asked::NotHere(command) => {
            let place = behind.context.name();
            refuse(model, format!("{} does nothing in the {place}", command.name), "")
        }
        Asked::NoWords(command) => {
            refuse(model, format!("{} takes no words", command.name), command.does)
        }
        Asked::Unknown(word, near) => {
            let near = near.map_or_else(
                || "Tab lists the commands".to_owned(),
                |near| format!("{near} is near"),
            );
            refuse(model, format!("There is no command {word}"), &near)
        }
    }
}

fn refuse(model: &mut Model, line: String, hint: &str) -> Vec<Effect> {
    model.say(Severity::Warning, line, hint);
    Vec::new()
}

/// Puts a label on or takes it off.
fn label(model: &mut Model, name: &str, on: bool, behind: &Behind) -> Vec<Effect> {
    if !matches!(behind.context, Context::List | Context::Reader) {
        let place = behind.context.name();
        return refuse(model, format!("label does nothing in the {place}"), "");
    }
    if behind.context != model.context_behind_layers() {
        return asking::gone(model);
    }
    let wanted = folded(name);
    let known = model.labels.iter().find(|label| folded(&label.name) == wanted);
    let intent: Option<Intent> = match known {
        Some(label) if label.kind == LabelKind::System => {
            let line = format!("{} is no label that is put on by hand", label.name);
            return refuse(model, line, ": go LIST goes there");
        }
        Some(label) => change(&behind.subjects, Change::Label(label.id.clone(), on)),
        None if on && label::is_system(&wanted) => {
            let line = format!("{name} is no label that is put on by hand");
            return refuse(model, line, ": go LIST goes there");
        }
        None if on && !behind.subjects.is_empty() => labels::create(&behind.subjects, name),
        None if on => None,
        None => {
            let names: Vec<&str> = model.labels.iter().map(|label| label.name.as_str()).collect();
            let near = nearest(name, names).map(|near| format!("{near} is near"));
            let line = format!("There is no label {name}");
            return refuse(model, line, &near.unwrap_or_default());
        }
    };
    keys::triage(model, intent)
}

/// What is said where `what` is done to rows, and there are none or others by now.
fn not_of_rows(model: &mut Model, what: &str, behind: &Behind) -> Option<Vec<Effect>> {
    if !matches!(behind.context, Context::List | Context::Reader) {
        let place = behind.context.name();
        return Some(refuse(model, format!("{what} does nothing in the {place}"), ""));
    }
    (behind.context != model.context_behind_layers()).then(|| asking::gone(model))
}

/// Moves the rows to a place or label by its name.
fn move_to(model: &mut Model, name: &str, behind: &Behind) -> Vec<Effect> {
    if let Some(refused) = not_of_rows(model, "move", behind) {
        return refused;
    }
    match mover::named(model, &behind.subjects, name) {
        Ok(intent) => keys::triage(model, intent),
        Err(near) => {
            let near = near.map(|near| format!("{near} is near")).unwrap_or_default();
            refuse(model, format!("There is no place or label {name}"), &near)
        }
    }
}

/// Goes to a list by its name or id.
fn go(model: &mut Model, name: &str) -> Vec<Effect> {
    let wanted = folded(name);
    let entries = model.sidebar();
    let found = entries
        .iter()
        .find(|entry| folded(&entry.name) == wanted || entry.label.as_str() == wanted)
        .map(|entry| entry.label.clone())
        .or_else(|| label::system_id(&wanted));
    if let Some(label) = found {
        asking::used(model, label.as_str());
        return keys::show(model, label);
    }
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let near = nearest(name, names).map(|near| format!("{near} is near")).unwrap_or_default();
    refuse(model, format!("There is no list {name}"), &near)
}

/// Lets the rows sleep.
fn sleep(model: &mut Model, text: &str, behind: &Behind) -> Vec<Effect> {
    if let Some(refused) = not_of_rows(model, "snooze", behind) {
        return refused;
    }
    let now = Timestamp::from_millisecond(model.now_ms).map(|at| at.to_zoned(model.zone.clone()));
    let Ok(now) = now else { return Vec::new() };
    match when::read(text, &now) {
        Ok(until) => {
            let intent = snooze::until(&behind.subjects, until);
            keys::triage(model, intent)
        }
        Err(wrong) => refuse(model, wrong, &format!("say {}", when::EXAMPLES)),
    }
}

/// Searches for `query`, and keeps what is found as a list.
pub fn search_for(model: &mut Model, query: &str) -> Vec<Effect> {
    let mut effects = search::press(model, crate::command::search::Does::Open);
    search::edit(model, Edit::EraseAll);
    search::insert(model, query);
    effects.extend(search::look(model));
    effects.extend(search::keep(model));
    effects
}
