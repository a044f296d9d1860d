//! Many rows at once: all of a kind, and a range that goes with the cursor.
//!
//! Invariant: a row is selected as it was drawn when it was, and only a row that the list has; a
//! range whose beginning the list has let go ends there, with what was selected. "All" is all of
//! the list, up to [`MOST_SELECTED`], and not what of it happens to be loaded.

use std::collections::BTreeMap;

use crate::command::registry::Verb;
use crate::command::select::Which;
use crate::engine::handle::Request;
use crate::engine::view::Row;
use crate::id::ThreadId;
use crate::notice::Severity;
use crate::ui::app::{Effect, Model};
use crate::ui::asking;
use crate::ui::list::{List, MOST_SELECTED};
use crate::ui::text;
use crate::ui::update::ask;

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

    /// Selects of `rows` these and no others; `more` are in the list and not among them.
    pub fn select_among(&mut self, which: Which, rows: &[Row], more: bool) {
        self.range = None;
        let wanted = |row: &&Row| match which {
            Which::All => true,
            Which::None => false,
            Which::Read => row.unread_count == 0,
            Which::Unread => row.unread_count > 0,
            Which::Starred => row.starred,
        };
        let rows = rows.iter().filter(wanted);
        self.selected = rows.map(|row| (row.thread.clone(), row.clone())).collect();
        self.gathered = Some((self.selected.len(), more));
    }

    /// Selects these rows of the list and no others: at once where all of it is here; else what is
    /// to be asked for first.
    fn select_some(&mut self, which: Which) -> Option<Request> {
        let part = self.more_before || self.more_after;
        if which != Which::None && part && self.sought.is_none() {
            return Some(self.gather(which));
        }
        let rows = std::mem::take(&mut self.rows);
        self.select_among(which, &rows, part);
        self.rows = rows;
        None
    }
}

/// Says what was selected at once.
pub fn say(model: &mut Model) {
    let Some((many, more)) = model.list.gathered.take() else { return };
    let hint = match more && many > 0 {
        true if model.list.sought.is_some() => "of what is loaded; there are more".to_owned(),
        true => format!("among the first {} of the list", text::count(MOST_SELECTED as u64)),
        false => String::new(),
    };
    let line = match many as u64 {
        0 => "Nothing is selected".to_owned(),
        many => format!("Selected {}", text::plural(many, "conversation", "conversations")),
    };
    model.say(Severity::Info, line, hint);
}

/// Does one of the keys.
pub fn press(model: &mut Model, verb: Verb) -> Vec<Effect> {
    match verb {
        Verb::SelectRange if model.list.range() => {
            let hint = asking::hint(model, "select-range", "ends there");
            model.say(Severity::Info, "Selecting as you go", hint);
        }
        Verb::SelectSome(which) => {
            model.waiting_since = model.now_ms;
            let request = model.list.select_some(which);
            say(model);
            return ask(request);
        }
        _ => model.notice = None,
    }
    Vec::new()
}
