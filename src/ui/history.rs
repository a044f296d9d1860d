//! The history on screen: actions, the newest first, and the conversations of one of them.
//!
//! Invariant: a value. Rows come from the engine page by page, an answer is used only if its ticket
//! is the one that is waited for, and the cursor stays on its action whatever comes above it. With
//! a filter the cursor is among the rows that have its words, and older pages are asked for until
//! enough of them are here.

use crate::command::motion::Motion;
use crate::engine::handle::Request;
use crate::engine::view::{HistoryPage, HistoryRow, Row};
use crate::id::ActionId;
use crate::label::folded;

/// Actions asked for at once.
const PAGE: usize = 100;
/// Actions kept at most; older ones are on the command line.
const MOST: usize = 5_000;
/// Conversations of one action that are listed.
pub const MOST_CONVERSATIONS: usize = 500;
/// More is asked for when fewer rows than this are left below the cursor.
const EDGE: usize = 30;

/// The conversations of one action.
#[derive(Debug, Clone)]
pub struct Reached {
    /// The action.
    pub of: HistoryRow,
    /// Its conversations; `None` until the engine has answered.
    pub rows: Option<Vec<Row>>,
    /// How many there are in all.
    pub total: usize,
    /// The row under the cursor.
    pub cursor: usize,
}

/// The history's state.
#[derive(Debug, Clone)]
pub struct History {
    /// The actions that are loaded.
    rows: Vec<HistoryRow>,
    /// Those that have the words of the filter, by their places among them.
    shown: Vec<usize>,
    /// Words that an action must have to be shown.
    filter: String,
    /// Whether there are older ones.
    pub more: bool,
    /// Whether a page has come.
    pub loaded: bool,
    /// The action under the cursor.
    pub cursor: usize,
    /// The first visible row.
    pub top: usize,
    /// Visible rows.
    pub height: usize,
    /// What one action was done to, when that is shown.
    pub reached: Option<Reached>,
    /// The ticket that is waited for, and whether it is for older actions.
    asked: Option<(u64, bool)>,
    /// Something changed since it was asked.
    again: bool,
    next_ticket: u64,
}

impl History {
    /// An empty one, and what to ask for.
    #[must_use]
    pub fn open(ticket: u64) -> (Self, Request) {
        let mut history = Self {
            rows: Vec::new(),
            shown: Vec::new(),
            filter: String::new(),
            more: false,
            loaded: false,
            cursor: 0,
            top: 0,
            height: 1,
            reached: None,
            asked: None,
            again: false,
            next_ticket: ticket,
        };
        let request = history.ask(None, PAGE);
        (history, request)
    }

    /// A ticket that no earlier history has used.
    #[must_use]
    pub const fn next_ticket(&self) -> u64 {
        self.next_ticket
    }

    fn ask(&mut self, before: Option<ActionId>, limit: usize) -> Request {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.asked = Some((ticket, before.is_some()));
        Request::History { ticket, before, limit }
    }

    /// The action under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&HistoryRow> {
        self.rows.get(*self.shown.get(self.cursor)?)
    }

    /// The actions that are shown.
    pub fn shown(&self) -> impl Iterator<Item = &HistoryRow> {
        self.shown.iter().filter_map(|at| self.rows.get(*at))
    }

    /// How many actions are loaded, shown or not.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.rows.len()
    }

    /// The words that an action must have.
    #[must_use]
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// Shows only what has these words; what is to be asked next.
    pub fn set_filter(&mut self, filter: &str) -> Vec<Request> {
        let here = self.current().map(|row| row.action.clone());
        filter.clone_into(&mut self.filter);
        self.sift();
        self.stay_on(here.as_ref());
        self.more_below()
    }

    /// Finds again what is shown.
    fn sift(&mut self) {
        let words: Vec<String> = self.filter.split_whitespace().map(folded).collect();
        let has = |row: &HistoryRow| {
            let text = folded(&words_of(row).join(" "));
            words.iter().all(|word| text.contains(word))
        };
        let rows = self.rows.iter().enumerate();
        self.shown =
            rows.filter(|(_, row)| words.is_empty() || has(row)).map(|(at, _)| at).collect();
    }

    /// Puts the cursor on this action, or leaves it where it is as far as there are rows.
    fn stay_on(&mut self, action: Option<&ActionId>) {
        let at = action.and_then(|id| self.shown().position(|row| row.action == *id));
        self.cursor = at.unwrap_or(self.cursor).min(self.shown.len().saturating_sub(1));
        self.keep_visible();
    }

    /// The conversation under the cursor, where conversations are shown.
    #[must_use]
    pub fn conversation(&self) -> Option<&Row> {
        let reached = self.reached.as_ref()?;
        reached.rows.as_ref()?.get(reached.cursor)
    }

    /// Asks again for all that is held.
    pub fn refresh(&mut self) -> Vec<Request> {
        if self.asked.is_some() {
            self.again = true;
            return Vec::new();
        }
        let held = self.rows.len().clamp(PAGE, MOST);
        let mut requests = vec![self.ask(None, held)];
        if let Some(reached) = &self.reached {
            requests.push(rows_of(&reached.of.action));
        }
        requests
    }

    /// Takes a page in; what is to be asked next.
    pub fn take(&mut self, ticket: u64, page: HistoryPage) -> Vec<Request> {
        let Some((_, older)) = self.asked.take_if(|(asked, _)| *asked == ticket) else {
            return Vec::new();
        };
        self.loaded = true;
        let here = self.current().map(|row| row.action.clone());
        self.more = page.more && self.rows.len() < MOST;
        // The first row is where the newest is; further down one stays with its action.
        let stays = here.filter(|_| older || self.cursor > 0);
        if older {
            self.rows.extend(page.rows);
        } else {
            self.rows = page.rows;
        }
        self.sift();
        self.stay_on(stays.as_ref());
        if std::mem::take(&mut self.again) { self.refresh() } else { self.more_below() }
    }

    /// Takes in what an action was done to.
    pub fn take_rows(&mut self, action: &ActionId, rows: Vec<Row>, total: usize) {
        if let Some(reached) = self.reached.as_mut().filter(|r| r.of.action == *action) {
            reached.cursor = reached.cursor.min(rows.len().saturating_sub(1));
            (reached.rows, reached.total) = (Some(rows), total);
        }
    }

    /// Shows what the action under the cursor was done to.
    pub fn enter(&mut self) -> Vec<Request> {
        let Some(of) = self.current().filter(|row| row.threads > 0).cloned() else {
            return Vec::new();
        };
        let request = rows_of(&of.action);
        self.reached = Some(Reached { of, rows: None, total: 0, cursor: 0 });
        vec![request]
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion) -> Vec<Request> {
        let page = self.height.max(1);
        let (cursor, count) = match &mut self.reached {
            Some(reached) => (&mut reached.cursor, reached.rows.as_ref().map_or(0, Vec::len)),
            None => (&mut self.cursor, self.shown.len()),
        };
        let to = match motion {
            Motion::Down => *cursor + 1,
            Motion::Up => cursor.saturating_sub(1),
            Motion::HalfDown => *cursor + page.div_ceil(2),
            Motion::HalfUp => cursor.saturating_sub(page.div_ceil(2)),
            Motion::PageDown => *cursor + page,
            Motion::PageUp => cursor.saturating_sub(page),
            Motion::First => 0,
            Motion::Last => usize::MAX,
        };
        *cursor = to.min(count.saturating_sub(1));
        self.keep_visible();
        self.more_below()
    }

    /// The row that stands in this visible line.
    #[must_use]
    pub fn row_at(&self, line: usize) -> Option<usize> {
        let (top, count) = match &self.reached {
            Some(reached) => {
                let rows = reached.rows.as_ref().map_or(0, Vec::len);
                ((reached.cursor + 1).saturating_sub(self.height), rows)
            }
            None => (self.top, self.shown.len()),
        };
        Some(top + line).filter(|row| line < self.height && *row < count)
    }

    /// Whether the cursor is on this row.
    #[must_use]
    pub fn is_at(&self, row: usize) -> bool {
        self.reached.as_ref().map_or(self.cursor, |reached| reached.cursor) == row
    }

    /// Puts the cursor on a row that is there.
    pub fn point(&mut self, row: usize) -> Vec<Request> {
        match &mut self.reached {
            Some(reached) => reached.cursor = row,
            None => self.cursor = row,
        }
        self.keep_visible();
        self.more_below()
    }

    fn more_below(&mut self) -> Vec<Request> {
        let near = self.cursor + EDGE >= self.shown.len() && self.more && self.asked.is_none();
        let last = self.rows.last().filter(|_| near).map(|row| row.action.clone());
        last.map(|last| self.ask(Some(last), PAGE)).into_iter().collect()
    }

    /// Fits it to so many rows.
    pub fn resize(&mut self, height: usize) {
        self.height = height.max(1);
        self.keep_visible();
    }

    fn keep_visible(&mut self) {
        let last = self.cursor.saturating_sub(self.height - 1);
        self.top = self.top.clamp(last, self.cursor.max(last));
    }
}

/// What became of an action, in a word each.
#[must_use]
pub fn state(row: &HistoryRow) -> Vec<&'static str> {
    let undone = row.undone_by.is_some();
    [(row.redoes.is_some(), "again"), (undone, "undone"), (row.pending, "pending")]
        .into_iter()
        .filter_map(|(is, word)| is.then_some(word))
        .collect()
}

/// Which device did it, in words.
#[must_use]
pub fn device(row: &HistoryRow) -> &str {
    if row.here { "this device" } else { &row.device_name }
}

/// All that is seen of an action but its time.
fn words_of(row: &HistoryRow) -> Vec<&str> {
    let mut words = state(row);
    words.extend([row.what.as_str(), device(row), row.subject.as_deref().unwrap_or_default()]);
    words
}

fn rows_of(action: &ActionId) -> Request {
    Request::ActionRows { action: action.clone(), limit: MOST_CONVERSATIONS }
}
