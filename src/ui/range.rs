//! Many rows at once: all of a kind, and a range that goes with the cursor.
//!
//! Invariant: a row is selected as it was drawn when it was, and only a row that the list has; a
//! range whose beginning the list has let go ends there, with what was selected.

use std::collections::BTreeMap;

use crate::command::registry::Verb;
use crate::command::select::Which;
use crate::engine::view::Row;
use crate::id::ThreadId;
use crate::notice::Severity;
use crate::ui::app::{Effect, Model};
use crate::ui::asking;
use crate::ui::list::List;
use crate::ui::text;

/// A range that is being made.
#[derive(Debug, Clone)]
pub struct Range {
    from: ThreadId,
    before: BTreeMap<ThreadId, Row>,
}

impl List {
    /// Begins a range at the cursor, or ends the one that there is.
    pub fn range(&mut self) -> bool {
        if self.range.take().is_some() {
            return false;
        }
        let Some(row) = self.current() else { return false };
        self.range = Some(Range { from: row.thread.clone(), before: self.selected.clone() });
        self.stretch();
        true
    }

    /// Lets the range reach to the cursor.
    pub fn stretch(&mut self) {
        let Some(range) = &self.range else { return };
        let Some(from) = self.rows.iter().position(|row| row.thread == range.from) else {
            self.range = None;
            return;
        };
        let (first, last) = (from.min(self.cursor), from.max(self.cursor));
        let mut selected = range.before.clone();
        for row in self.rows.iter().take(last + 1).skip(first) {
            // A row that is selected stays as it was drawn then.
            let was = self.selected.get(&row.thread).unwrap_or(row).clone();
            selected.entry(row.thread.clone()).or_insert(was);
        }
        self.selected = selected;
    }

    /// Selects these rows and no others.
    pub fn select_some(&mut self, which: Which) {
        self.range = None;
        let wanted = |row: &&Row| match which {
            Which::All => true,
            Which::None => false,
            Which::Read => row.unread_count == 0,
            Which::Unread => row.unread_count > 0,
            Which::Starred => row.starred,
        };
        let rows = self.rows.iter().filter(wanted);
        self.selected = rows.map(|row| (row.thread.clone(), row.clone())).collect();
    }
}

/// Does one of the keys.
pub fn press(model: &mut Model, verb: Verb) -> Vec<Effect> {
    match verb {
        Verb::SelectRange if model.list.range() => {
            let hint = asking::hint(model, "select-range", "ends there");
            model.say(Severity::Info, "Selecting as you go", hint);
        }
        Verb::SelectSome(which) => {
            model.list.select_some(which);
            let many = model.list.selected.len() as u64;
            let part = model.list.more_before || model.list.more_after;
            let hint = if part && many > 0 { "of the part of the list that is loaded" } else { "" };
            let line = match many {
                0 => "Nothing is selected".to_owned(),
                many => {
                    format!("Selected {}", text::plural(many, "conversation", "conversations"))
                }
            };
            model.say(Severity::Info, line, hint);
        }
        _ => model.notice = None,
    }
    Vec::new()
}
