//! The palette: all that can be done here and all that can be gone to, found by some letters.
//!
//! Invariant: its rows change only by what is typed, never under the cursor; what a row stands for
//! is looked for again when it is chosen, and where it is gone that is said and nothing is done.

use std::cmp::Reverse;

use crate::command::fuzzy::score;
use crate::command::motion::Motion;
use crate::command::registry::{Command, Group, Verb, all};
use crate::id::LabelId;
use crate::notice::Severity;
use crate::search::query::value_text;
use crate::ui::acts;
use crate::ui::app::{Effect, Layer, Model};
use crate::ui::asking::{self, Behind};
use crate::ui::compose::outgoing;
use crate::ui::line::Line;
use crate::ui::{ex, keys, text};

/// Rows that are found at most.
const MAX_FOUND: usize = 200;
/// People that are looked through, the likeliest first.
const MAX_PEOPLE: usize = 2_000;
/// What having been used last is worth; one less for each that was used since.
const RECENT: usize = 12;
/// Lists that a command of their own goes to.
const HAS_COMMAND: [&str; 7] = ["inbox", "starred", "all", "sent", "drafts", "outbox", "snoozed"];

/// What a row stands for.
#[derive(Debug, Clone)]
pub enum Item {
    /// A command.
    Command(&'static Command),
    /// A list or label.
    List(LabelId),
    /// What somebody wrote, by the address.
    Person(String),
}

/// A row.
#[derive(Debug, Clone)]
pub struct Found {
    /// What it stands for.
    pub item: Item,
    /// What it says.
    pub title: String,
}

/// The palette.
#[derive(Debug, Clone)]
pub struct PaletteBox {
    /// What is typed.
    pub line: Line,
    /// The row under the cursor.
    pub cursor: usize,
    /// The rows.
    pub found: Vec<Found>,
    behind: Behind,
}

impl PaletteBox {
    /// Moves the cursor; behind the last row is the first.
    pub fn go(&mut self, motion: Motion) {
        let count = self.found.len().max(1);
        self.cursor = match motion {
            Motion::Down => (self.cursor + 1) % count,
            Motion::Up => (self.cursor + count - 1) % count,
            _ => self.cursor,
        };
    }
}

/// Opens it.
pub fn open(model: &mut Model) -> Vec<Effect> {
    model.notice = None;
    let behind = Behind::of(model);
    let (line, cursor, found) = (Line::default(), 0, Vec::new());
    model.layers.push(Layer::Palette(Box::new(PaletteBox { line, cursor, found, behind })));
    find(model);
    outgoing::ask_met(model)
}

/// Finds what is typed.
pub fn find(model: &mut Model) {
    let Some(Layer::Palette(open)) = model.layers.last() else { return };
    let typed = open.line.text().trim().to_owned();
    let mut found = commands(model, open, &typed);
    if !typed.is_empty() {
        found.extend(lists(model, &typed));
        found.extend(people(model, &typed));
    }
    // The order of the registry stays where nothing else decides.
    found.sort_by_key(|(score, _)| Reverse(*score));
    let found = found.into_iter().map(|(_, found)| found).take(MAX_FOUND).collect();
    if let Some(Layer::Palette(open)) = model.layers.last_mut() {
        (open.found, open.cursor) = (found, 0);
    }
}

fn recency(model: &Model, name: &str) -> i32 {
    let at = model.recent.iter().position(|known| known == name);
    i32::try_from(RECENT.saturating_sub(at.unwrap_or(RECENT))).unwrap_or(0)
}

/// What a command is called here.
#[must_use]
pub fn title(command: &Command) -> String {
    match command.verb {
        Verb::Go(_) => format!("Go to {}", command.does),
        _ => command.does.to_owned(),
    }
}

fn commands(model: &Model, open: &PaletteBox, typed: &str) -> Vec<(i32, Found)> {
    let acts = |command: &&'static Command| {
        command.applies(open.behind.context)
            && (model.demo || command.group != Group::Tour)
            && !matches!(command.verb, Verb::Palette | Verb::ChooseNumber)
            && acts::can(model, command, &open.behind.subjects)
    };
    let scored = |command: &'static Command| {
        let title = title(command);
        let fits = match typed {
            // Nobody looks for what an arrow does.
            "" if command.group == Group::Move => return None,
            "" => 0,
            typed => score(typed, command.name).max(score(typed, &title))?,
        };
        let item = Item::Command(command);
        Some((fits + recency(model, command.name), Found { item, title }))
    };
    all().filter(acts).filter_map(scored).collect()
}

fn lists(model: &Model, typed: &str) -> Vec<(i32, Found)> {
    let others = model.sidebar().into_iter();
    let others = others.filter(|entry| !HAS_COMMAND.contains(&entry.label.as_str()));
    let scored = others.filter_map(|entry| {
        let recent = recency(model, entry.label.as_str());
        let title = format!("Go to {}", text::clean(&entry.name));
        // That it is gone to is no part of its name, and counts less.
        let fits = score(typed, &entry.name).max(score(typed, &title).map(|s| s - 2))?;
        Some((fits + recent, Found { item: Item::List(entry.label), title }))
    });
    scored.collect()
}

fn people(model: &Model, typed: &str) -> Vec<(i32, Found)> {
    let mut known: Vec<_> = model.writing.known.values().collect();
    known.sort_by_key(|who| (!who.wrote_to, Reverse(who.count), Reverse(who.last)));
    let scored = known.into_iter().take(MAX_PEOPLE).filter_map(|who| {
        let address = &who.address.address;
        let name = who.address.name.as_deref().unwrap_or_default();
        let fits = score(typed, name).max(score(typed, address))?;
        let shown = if name.is_empty() { address.clone() } else { format!("{name} <{address}>") };
        let title = format!("Mail from {}", text::clean(&shown));
        Some((fits, Found { item: Item::Person(address.clone()), title }))
    });
    scored.collect()
}

/// Does what is under the cursor.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Palette(open)) = model.layers.last() else { return Vec::new() };
    let Some(found) = open.found.get(open.cursor).cloned() else { return Vec::new() };
    let behind = open.behind.clone();
    model.layers.pop();
    match found.item {
        Item::Command(command) => asking::run(model, command, behind),
        Item::List(label) => {
            if !model.sidebar().iter().any(|entry| entry.label == label) {
                let name = found.title.trim_start_matches("Go to ").to_owned();
                model.say(Severity::Warning, format!("{name} is not here any more"), "");
                return Vec::new();
            }
            asking::used(model, label.as_str());
            keys::show(model, label)
        }
        Item::Person(address) => ex::search_for(model, &format!("from:{}", value_text(&address))),
    }
}
