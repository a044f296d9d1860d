//! Whether a command can do anything where one is, so that nothing is offered that cannot.
//!
//! Invariant: pure; of a command that is not known to do nothing it says that it can act.

use crate::command::compose::Write;
use crate::command::context::Subject;
use crate::command::order;
use crate::command::registry::{Command, Verb};
use crate::command::search::Does;
use crate::label::Place;
use crate::ui::app::Model;
use crate::ui::search;

/// Whether `command` can act, with these rows under it.
#[must_use]
pub fn can(model: &Model, command: &Command, subjects: &[Subject]) -> bool {
    let thrown = |row: &Subject| matches!(row.place, Place::Trash | Place::Spam);
    match command.verb {
        Verb::Search(Does::Turn | Does::Save) => model.search.is_some(),
        Verb::Search(Does::Hit(_)) => search::hits(model),
        Verb::Clear => model.search.is_some() || !model.list.selected.is_empty(),
        Verb::Again => model.last.is_some() && !subjects.is_empty(),
        Verb::Purge(false) => subjects.iter().any(thrown),
        Verb::Purge(true) => {
            let trash = model.labels.iter().find(|label| label.id.as_str() == "trash");
            trash.is_none_or(|trash| trash.thread_count > 0)
        }
        Verb::Join => order::join(subjects).is_some(),
        Verb::Split => model.reader.is_some() || order::split(subjects, None).is_some(),
        Verb::SkipStep => model.tour.is_some(),
        Verb::Write(Write::Reply | Write::ReplyAll | Write::Forward | Write::ForwardAttached)
        | Verb::Decide(_)
        | Verb::ArchiveGo(_)
        | Verb::PickLabels
        | Verb::PickPlace
        | Verb::PickTime
        | Verb::Select
        | Verb::SelectNext
        | Verb::SelectRange => !subjects.is_empty(),
        _ => true,
    }
}
