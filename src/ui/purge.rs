//! The box before a purge: it says what goes, and waits for a typed `yes`.
//!
//! Invariant: a yes is for exactly what the box shows: both carry the same ticket. Nothing is
//! chosen beforehand; Enter alone does nothing that cannot be undone.

use crate::command::purge;
use crate::engine::handle::{PurgeOf, PurgeStep, Request};
use crate::engine::view::PurgeSum;
use crate::notice::Severity;
use crate::ui::app::{Effect, Layer, Model};
use crate::ui::keys;
use crate::ui::line::Line;
use crate::ui::update::ask;

/// What must be typed.
const YES: &str = "yes";

/// The box.
#[derive(Debug, Clone)]
pub struct PurgeBox {
    /// Of the question and of its answers.
    pub ticket: u64,
    /// What would go; `None` until it is known.
    pub found: Option<PurgeSum>,
    /// What is typed.
    pub line: Line,
}

/// Asks what would go: all of the trash, or the rows of the command.
pub fn look(model: &mut Model, all: bool) -> Vec<Effect> {
    let of = if all {
        Some(PurgeOf::Trash)
    } else {
        purge::rows(&keys::subjects(model)).map(PurgeOf::Rows)
    };
    let Some(of) = of else {
        let line = "Only what is in trash or spam can be deleted for ever";
        model.say(Severity::Info, line, "# moves to trash");
        return Vec::new();
    };
    model.purges += 1;
    let ticket = model.purges;
    model.layers.push(Layer::Purge(PurgeBox { ticket, found: None, line: Line::default() }));
    ask([Request::LookPurge { ticket, of }])
}

/// Enter in the box.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Purge(open)) = model.layers.last() else { return Vec::new() };
    let nothing = open.found.is_some_and(|sum| sum.rows == 0);
    let wanted = open.found.is_some() && open.line.text().trim().eq_ignore_ascii_case(YES);
    if nothing || !wanted {
        return if nothing { close(model) } else { Vec::new() };
    }
    let ticket = open.ticket;
    model.layers.pop();
    model.list.selected.clear();
    let mut effects = keys::back(model);
    model.say(Severity::Info, "Deleting for ever…", "");
    effects.extend(ask([Request::Purge(ticket)]));
    effects
}

/// Closes the box; nothing goes.
pub fn close(model: &mut Model) -> Vec<Effect> {
    model.layers.pop();
    ask([Request::LeavePurge])
}

/// Takes in how far a purge is.
pub fn step(model: &mut Model, ticket: u64, step: PurgeStep) {
    match step {
        PurgeStep::Found(sum) => {
            let open = model.layers.iter_mut().find_map(|layer| match layer {
                Layer::Purge(open) if open.ticket == ticket => Some(open),
                _ => None,
            });
            if let Some(open) = open {
                open.found = Some(sum);
            }
        }
        PurgeStep::Gone(sum) => {
            let kept = match sum.kept {
                0 => String::new(),
                kept => format!("{kept} stay: they changed meanwhile"),
            };
            model.say(Severity::Info, format!("Gone for ever: {}", sum.what()), kept);
        }
        PurgeStep::Failed(notice) => {
            let mine = |layer: &Layer| matches!(layer, Layer::Purge(b) if b.ticket == ticket);
            model.layers.retain(|layer| !mine(layer));
            model.say(notice.severity, notice.message, notice.hint);
        }
    }
}
