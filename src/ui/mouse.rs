//! The mouse: a press points at a conversation and opens it, or goes to a list; the wheel scrolls;
//! a border between two parts is dragged.
//!
//! Invariant: it points at what was drawn, by the areas that drawing uses; it never decides about
//! mail, and where something is typed a press does nothing.

use ratatui::layout::{Position, Rect};

use crate::command::compose::Out;
use crate::command::context::Context;
use crate::command::motion::Motion;
use crate::command::registry::Verb;
use crate::engine::handle::Request;
use crate::ui::app::{Effect, Layer, Model, Stage};
use crate::ui::compose::outgoing;
use crate::ui::layout::Border;
use crate::ui::update::ask;
use crate::ui::{asking, keys, layout, past, view};

/// Lines that the wheel scrolls at a time.
const WHEEL: usize = 3;

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Its first button was pressed.
    Press,
    /// It moved with the button held.
    Drag,
    /// The button was let go.
    Release,
    /// The wheel went down (`true`) or up.
    Wheel(bool),
}

/// The mouse, and where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What it did.
    pub does: Does,
    /// Where.
    pub at: (u16, u16),
}

/// Does what the mouse means.
pub fn press(model: &mut Model, mouse: Mouse) -> Vec<Effect> {
    if matches!(mouse.does, Does::Drag | Does::Release) {
        return drag(model, mouse);
    }
    // A key that was begun is called off.
    model.keys.clear();
    model.count = None;
    model.divided.held = None;
    match mouse.does {
        Does::Drag | Does::Release => Vec::new(),
        Does::Wheel(down) => wheel(model, mouse.at, if down { Motion::Down } else { Motion::Up }),
        Does::Press => point(model, mouse.at),
    }
}

fn holds(area: Rect, (x, y): (u16, u16)) -> bool {
    area.contains(Position { x, y })
}

fn areas(model: &Model) -> layout::Areas {
    let areas = layout::of(model).with_panel(view::tour::rows(model));
    areas.with_top(view::search::rows(model))
}

/// Points at a draft or at what is being sent.
fn point_outgoing(model: &mut Model, area: Rect, at: (u16, u16)) -> Vec<Effect> {
    let row = holds(area, at).then(|| view::outgoing::row_at(model, area, at.1)).flatten();
    match row {
        None => Vec::new(),
        Some(row) if row == model.writing.cursor => outgoing::perform(model, Out::Open),
        Some(row) => {
            model.writing.cursor = row;
            Vec::new()
        }
    }
}

/// Points at an action, or at a conversation of one.
fn point_history(model: &mut Model, area: Rect, at: (u16, u16)) -> Vec<Effect> {
    let Some(history) = model.history.as_mut().filter(|_| holds(area, at)) else {
        return Vec::new();
    };
    // Its first row is its title.
    let line = usize::from(at.1 - area.y).checked_sub(1);
    match line.and_then(|line| history.row_at(line)) {
        None => Vec::new(),
        Some(row) if history.is_at(row) => past::enter(model),
        Some(row) => ask(history.point(row)),
    }
}

/// Moves the border that is held; where it is let go is remembered.
fn drag(model: &mut Model, mouse: Mouse) -> Vec<Effect> {
    let Some(border) = model.divided.held else { return Vec::new() };
    model.divided.sizes = border.moved(model.divided.sizes, &areas(model), mouse.at);
    if mouse.does == Does::Drag {
        return Vec::new();
    }
    model.divided.held = None;
    ask([Request::Divided(model.divided.sizes)])
}

/// Scrolls what is under the mouse; a list beside a conversation stays where it is.
fn wheel(model: &mut Model, at: (u16, u16), motion: Motion) -> Vec<Effect> {
    let context = model.context();
    let behind = model.layers.is_empty() && model.reader.is_some();
    let typed = matches!(context, Context::Compose | Context::Prompt | Context::Ex);
    if typed || (behind && !holds(areas(model).reader, at)) {
        return Vec::new();
    }
    let mut effects = Vec::new();
    for _ in 0..WHEEL {
        effects.extend(match model.layers.last() {
            Some(Layer::Help(_) | Layer::Palette(_)) => {
                asking::perform(model, Verb::Motion(motion))
            }
            _ => keys::go(model, motion),
        });
    }
    effects
}

/// Points at what was pressed; what is pointed at already is opened.
fn point(model: &mut Model, at: (u16, u16)) -> Vec<Effect> {
    let open = matches!(model.stage, Stage::Mail) && model.layers.is_empty();
    let context = model.context();
    if !open || context == Context::Compose || context == Context::Search {
        return Vec::new();
    }
    let areas = areas(model);
    if let Some(border) = Border::at(&areas, at).filter(|_| model.history.is_none()) {
        model.divided.held = Some(border);
        return Vec::new();
    }
    if holds(areas.sidebar, at) && model.history.is_none() {
        let row = usize::from(at.1 - areas.sidebar.y);
        let entry = view::sidebar::lines(model, areas.sidebar.height).into_iter().nth(row);
        return entry.flatten().map(|entry| keys::show(model, entry.label)).unwrap_or_default();
    }
    if matches!(context, Context::Drafts | Context::Outbox) {
        return point_outgoing(model, areas.list, at);
    }
    if model.reader.is_none() && model.history.is_some() {
        return point_history(model, layout::without_sidebar(areas).list, at);
    }
    let listed = matches!(context, Context::List | Context::Reader) && model.history.is_none();
    if !listed || !holds(areas.list, at) || model.list.jumping() {
        return Vec::new();
    }
    let lines = usize::from(view::list::row_lines(model));
    let row = model.list.top + usize::from(at.1 - areas.list.y) / lines;
    if row >= model.list.rows.len() {
        return Vec::new();
    }
    let again = row == model.list.cursor;
    model.list.point(row);
    model.list.stretch();
    let reading = model.reader.is_some();
    if reading && again {
        return Vec::new();
    }
    let mut effects = if reading { keys::back(model) } else { Vec::new() };
    if reading || again {
        effects.extend(keys::open(model));
    }
    effects
}
