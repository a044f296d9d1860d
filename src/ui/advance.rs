//! Where one goes when the open conversation leaves: to the next, the previous, or the list; and
//! how many panes are seen.
//!
//! Invariant: goes only to a row that is there already; where there is none, to the list.

use crate::config::Advance;
use crate::notice::Severity;
use crate::ui::app::{Effect, Model};
use crate::ui::keys::{back, open};

/// Goes on from the conversation that was open and under the cursor at row `at`, as it is set.
pub fn from(model: &mut Model, at: usize) -> Vec<Effect> {
    to(model, at, model.settings().auto_advance)
}

/// Goes on from there to this one.
pub fn to(model: &mut Model, at: usize, to: Advance) -> Vec<Effect> {
    let gone = model.reader.as_ref().is_some_and(|reader| {
        model.list.rows.get(at).is_none_or(|row| row.thread != reader.row.thread)
    });
    let next = match to {
        // What left made room for the next one.
        Advance::Next if gone => Some(at),
        Advance::Next => Some(at + 1),
        Advance::Previous => at.checked_sub(1),
        Advance::List => None,
    };
    // A history has its own rows.
    let next = next.filter(|at| *at < model.list.rows.len() && model.history.is_none());
    let mut effects = back(model);
    if let Some(at) = next {
        model.list.point(at);
        effects.extend(open(model));
    }
    effects
}

/// Shows one pane fewer, or all again.
pub fn panes(model: &mut Model) -> Vec<Effect> {
    model.panes = model.panes.fewer();
    model.say(Severity::Info, model.panes.name(), "");
    Vec::new()
}
