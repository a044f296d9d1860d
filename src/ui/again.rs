//! What was done last, once more; and archiving that goes on to a neighbour.
//!
//! Invariant: what is done again is absolute, for the rows as drawn; a label that is gone since, or
//! a time that is over, is said, and nothing is done.

use crate::command::again::{self, Last};
use crate::command::intent::Intent;
use crate::config::Advance;
use crate::notice::Severity;
use crate::ui::advance;
use crate::ui::app::{Effect, Model, Sent};
use crate::ui::keys;

/// Remembers what a key asked for.
pub fn remember(model: &mut Model, intent: &Intent, sent: Sent) {
    if sent == Sent::Key
        && let Some(last) = Last::of(intent)
    {
        model.last = Some(last);
    }
}

/// Does it to the rows of now.
pub fn repeat(model: &mut Model) -> Vec<Effect> {
    let Some(last) = model.last.clone() else {
        model.say(Severity::Info, "Nothing was done yet that can be done again", "");
        return Vec::new();
    };
    let known = |id: &crate::id::LabelId| model.labels.iter().any(|label| label.id == *id);
    if !last.labels().all(known) {
        model.say(Severity::Warning, "That label is not here any more; nothing was done", "");
        return Vec::new();
    }
    if matches!(last, Last::Snooze(until) if until <= model.now()) {
        model.say(Severity::Warning, "That time is over; nothing was done", "");
        return Vec::new();
    }
    keys::triage(model, last.on(&keys::subjects(model)))
}

/// Archives, and goes on to the next (`true`) or the previous one.
pub fn archive(model: &mut Model, next: bool) -> Vec<Effect> {
    let Some(intent) = again::archive(&keys::subjects(model)) else {
        return keys::triage(model, None);
    };
    let at = model.list.cursor;
    if model.reader.is_some() {
        let mut effects = keys::send(model, intent, Sent::Key);
        let to = if next { Advance::Next } else { Advance::Previous };
        effects.extend(advance::to(model, at, to));
        return effects;
    }
    let one = model.list.selected.is_empty();
    let thread = model.list.current().map(|row| row.thread.clone());
    let effects = keys::send(model, intent, Sent::Key);
    let stays = model.list.current().map(|row| &row.thread) == thread.as_ref();
    let to = match (next, stays) {
        (true, false) => model.list.cursor,
        (true, true) => model.list.cursor + 1,
        (false, _) => at.saturating_sub(1),
    };
    if one && to < model.list.rows.len() {
        model.list.point(to);
    }
    effects
}
