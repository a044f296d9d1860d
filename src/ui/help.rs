//! The help: how far it is scrolled, and what is looked for in it.
//!
//! Invariant: what is typed filters; it never acts.

use crate::command::motion::{Edit, Motion};
use crate::command::registry::Verb;
use crate::ui::app::{Effect, Layer, Model};
use crate::ui::line::Line;

/// The help.
#[derive(Debug, Clone, Default)]
pub struct HelpBox {
    /// Lines that it is scrolled by.
    pub top: usize,
    /// What is looked for: words, or a key.
    pub filter: Line,
}

impl HelpBox {
    /// Types text.
    pub fn insert(&mut self, text: &str) {
        self.filter.insert(text);
        self.top = 0;
    }
}

/// Opens it, with this looked for.
pub fn open(model: &mut Model, words: &str) -> Vec<Effect> {
    let mut help = HelpBox::default();
    help.insert(words);
    model.layers.push(Layer::Help(help));
    Vec::new()
}

/// Does one of its keys.
pub fn press(model: &mut Model, verb: Verb) {
    let page = page(model);
    let Some(Layer::Help(open)) = model.layers.last_mut() else { return };
    match verb {
        Verb::Motion(motion) => open.top = scrolled(open.top, motion, page),
        Verb::Edit(how) => edit(open, how),
        Verb::Close if !open.filter.text().is_empty() => *open = HelpBox::default(),
        Verb::Close => drop(model.layers.pop()),
        _ => {}
    }
}

fn edit(open: &mut HelpBox, how: Edit) {
    open.filter.edit(how);
    open.top = 0;
}

/// Rows of a page of what scrolls in a box.
#[must_use]
pub fn page(model: &Model) -> usize {
    usize::from(model.size.1).saturating_sub(4).max(1)
}

/// Where `top` is after a motion.
#[must_use]
pub const fn scrolled(top: usize, motion: Motion, page: usize) -> usize {
    match motion {
        Motion::Down => top.saturating_add(1),
        Motion::Up => top.saturating_sub(1),
        Motion::HalfDown => top.saturating_add(page / 2),
        Motion::HalfUp => top.saturating_sub(page / 2),
        Motion::PageDown => top.saturating_add(page),
        Motion::PageUp => top.saturating_sub(page),
        Motion::First => 0,
        Motion::Last => usize::MAX,
    }
}
