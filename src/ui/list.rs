//! The thread list: a window of rows around the cursor, read page by page.
//!
//! Invariant: the cursor is a row of the window (or 0 when it is empty) and is on screen; an answer
//! is used only if its ticket is one that is still waited for. No I/O: what is to be asked is
//! returned as requests.

use std::collections::BTreeMap;

use crate::command::context::Subject;
use crate::command::motion::Motion;
use crate::command::select::Which;
use crate::engine::handle::Request;
use crate::engine::search::{Found, Sought};
use crate::engine::view::{Cursor, Page, Row, Window};
use crate::id::{LabelId, ThreadId};
use crate::label;
use crate::ui::range::Range;

/// Rows asked for at once, in screens.
const PAGE_SCREENS: usize = 3;
/// The fewest rows asked for at once.
const PAGE_ROWS_LEAST: usize = 50;
/// Rows are asked for when fewer than this many screens are left to an edge.
const EDGE_SCREENS: usize = 2;
/// Rows kept in the window, in screens on either side of the visible ones.
const KEEP_SCREENS: usize = 6;
/// Conversations of a search that are shown at most.
pub const MOST_FOUND: usize = 10_000;
/// Conversations of a list that are selected at once, at most.
pub const MOST_SELECTED: usize = 10_000;
/// Rows kept visible above and below the cursor.
const MARGIN_ROWS: usize = 2;

/// Why a page was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// To show what has changed.
    Refresh,
    /// To jump to the first row.
    First,
    /// To jump to the last row.
    Last,
    /// More rows above.
    Before,
    /// More rows below.
    After,
    /// To select rows of the whole list.
    Gather(Which),
}

impl Why {
    /// Whether keys wait for the answer: what they are for is not known before.
    const fn holds_keys(self) -> bool {
        matches!(self, Self::First | Self::Last | Self::Gather(_))
    }
}

/// The list's state.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone)]
pub struct List {
    /// Which list.
    pub label: LabelId,
    /// The window.
    pub rows: Vec<Row>,
    /// Whether there are rows before the window.
    pub more_before: bool,
    /// Whether there are rows after the window.
    pub more_after: bool,
    /// The row under the cursor.
    pub cursor: usize,
    /// The first visible row.
    pub top: usize,
    /// Visible rows.
    pub height: usize,
    /// Selected rows as they were drawn, by thread.
    pub selected: BTreeMap<ThreadId, Row>,
    /// A range that goes with the cursor.
    pub range: Option<Range>,
    /// What was selected at once and is still to be said: how many, and whether there are more.
    pub gathered: Option<(usize, bool)>,
    /// Whether a page of this list has come.
    pub loaded: bool,
    /// Rows that the cursor has still to go down, or up, once they are here.
    owed: (usize, usize),
    /// What was searched, where this is what was found and no list of the mailbox.
    pub sought: Option<Sought>,
    asked: Vec<(u64, Why)>,
    again: bool,
    next_ticket: u64,
}

/// What a command may know of `row`.
#[must_use]
pub fn subject(row: &Row) -> Subject {
    Subject {
        targets: row.members.clone(),
        place: row.place,
        labels: row.labels.clone(),
        unread: row.unread_count > 0,
        starred: row.starred,
    }
}

fn place_of(row: &Row) -> Cursor {
    Cursor { last_activity: row.last_activity, thread: row.thread.clone() }
}

impl List {
    /// An empty list of `label`; nothing is asked for yet.
    #[must_use]
    pub fn new(label: LabelId) -> Self {
        Self {
            label,
            rows: Vec::new(),
            more_before: false,
            more_after: false,
            cursor: 0,
            top: 0,
            height: 1,
            selected: BTreeMap::new(),
            range: None,
            gathered: None,
            loaded: false,
            owed: (0, 0),
            sought: None,
            asked: Vec::new(),
            again: false,
            next_ticket: 1,
        }
    }

    /// A list that shows `page`, read before the engine has started.
    #[must_use]
    pub fn of(page: Page) -> Self {
        let mut list = Self::new(page.label);
        (list.rows, list.loaded) = (page.rows, true);
        (list.more_before, list.more_after) = (page.more_before, page.more_after);
        list
    }

    /// The row under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&Row> {
        self.rows.get(self.cursor)
    }

    /// The rows that a command is for: the selected ones, else the one under the cursor.
    #[must_use]
    pub fn subjects(&self) -> Vec<Subject> {
        if self.selected.is_empty() {
            self.current().map(subject).into_iter().collect()
        } else {
            self.selected.values().map(subject).collect()
        }
    }

    /// Whether the cursor waits for its row: keys that are for a row must wait with it.
    #[must_use]
    pub fn jumping(&self) -> bool {
        self.lands() || self.owed != (0, 0)
    }

    /// Whether another part of the list is about to be shown.
    fn lands(&self) -> bool {
        self.asked.iter().any(|(_, why)| why.holds_keys())
    }

    /// Asks for the whole list, of which these rows shall be selected.
    pub fn gather(&mut self, which: Which) -> Request {
        self.ask(Why::Gather(which))
    }

    /// Whether rows of the whole list are waited for.
    #[must_use]
    pub fn gathers(&self) -> bool {
        self.asked.iter().any(|(_, why)| matches!(why, Why::Gather(_)))
    }

    /// Gives up a jump that was not answered: keys no longer wait for it. A list that has nothing
    /// to show yet takes the answer whenever it comes.
    pub fn give_up(&mut self) {
        self.asked.retain(|_| !self.loaded);
        for (_, why) in &mut self.asked {
            *why = Why::Refresh;
        }
        self.owed = (0, 0);
    }

    /// Goes to another list.
    pub fn show(&mut self, label: LabelId) -> Request {
        let (height, ticket) = (self.height, self.next_ticket);
        *self = Self::new(label);
        (self.height, self.next_ticket) = (height, ticket);
        self.ask(Why::First)
    }

    /// An empty list for what a search finds, instead of this one.
    #[must_use]
    pub fn to_seek(&self) -> Self {
        let mut list = Self::new(label::system("anywhere"));
        (list.height, list.next_ticket, list.loaded) = (self.height, self.next_ticket, true);
        list
    }

    /// Searches; what was found before stays until the answer.
    pub fn seek(&mut self, sought: Sought) -> Request {
        self.sought = Some(sought);
        self.selected.clear();
        self.range = None;
        self.owed = (0, 0);
        self.jump(Why::First)
    }

    /// Shows nothing, and waits for nothing.
    pub fn seek_nothing(&mut self) {
        *self = self.to_seek();
    }

    /// Goes on after another list stood in its place.
    pub fn resume(&mut self, other: &Self) -> Option<Request> {
        self.next_ticket = self.next_ticket.max(other.next_ticket);
        self.asked.clear();
        (self.owed, self.again) = ((0, 0), false);
        if self.loaded { self.refresh(true) } else { Some(self.ask(Why::First)) }
    }

    /// Takes in what was found.
    pub fn take_found(&mut self, ticket: u64, found: Found) -> Vec<Request> {
        let label = self.label.clone();
        let page = Page { label, rows: found.rows, more_before: false, more_after: found.more };
        self.take(ticket, page)
    }

    /// Takes in what was found with what came to it: the row under the cursor stays there, or the
    /// `first` one is meant.
    pub fn join_found(&mut self, found: Found, first: bool) -> Vec<Request> {
        let label = self.label.clone();
        self.replace(Page { label, rows: found.rows, more_before: false, more_after: found.more });
        if first {
            (self.cursor, self.top) = (0, 0);
        }
        self.settle();
        if self.jumping() { Vec::new() } else { self.more() }
    }

    /// Takes in what was found as it is now.
    pub fn take_rows(&mut self, ticket: u64, rows: Vec<Row>) -> Vec<Request> {
        let (label, more_after) = (self.label.clone(), self.more_after);
        self.take(ticket, Page { label, rows, more_before: false, more_after })
    }

    /// Whether this ticket is waited for.
    #[must_use]
    pub fn waits_for_ticket(&self, ticket: u64) -> bool {
        self.asked.iter().any(|(asked, _)| *asked == ticket)
    }

    /// Asks again for what is in the window; what was asked before is forgotten when `at_once`,
    /// since an intent was sent after it.
    pub fn refresh(&mut self, at_once: bool) -> Option<Request> {
        if at_once && !self.jumping() {
            self.asked.retain(|(_, why)| why.holds_keys());
        }
        if self.jumping() {
            // What is in the window now is about to be left.
            self.again = true;
            return None;
        }
        if self.asked.iter().any(|(_, why)| *why == Why::Refresh) {
            self.again = true;
            return None;
        }
        Some(self.ask(Why::Refresh))
    }

    /// Takes in a page; returns what to ask next.
    pub fn take(&mut self, ticket: u64, page: Page) -> Vec<Request> {
        let Some(at) = self.asked.iter().position(|(asked, _)| *asked == ticket) else {
            return Vec::new();
        };
        let (_, why) = self.asked.remove(at);
        if page.label != self.label {
            return Vec::new();
        }
        self.loaded = true;
        match why {
            Why::Refresh if page.rows.is_empty() && page.more_before => {
                return vec![self.ask(Why::Last)];
            }
            Why::Refresh => self.replace(page),
            Why::First | Why::Last => {
                self.set(page);
                self.cursor = if why == Why::Last { self.rows.len().saturating_sub(1) } else { 0 };
                self.top = self.cursor;
            }
            Why::Before | Why::After => self.extend(why, page),
            Why::Gather(which) => self.select_among(which, &page.rows, page.more_after),
        }
        let (down, up) = std::mem::take(&mut self.owed);
        self.down(down);
        self.up(up);
        self.settle();
        let mut next = self.more();
        if self.jumping() {
            return next;
        }
        if std::mem::take(&mut self.again) {
            next.extend(self.refresh(false));
        }
        next
    }

    /// Moves the cursor; returns what to ask.
    pub fn go(&mut self, motion: Motion) -> Vec<Request> {
        self.go_by(motion, 1)
    }

    /// Moves it as often.
    pub fn go_by(&mut self, motion: Motion, times: usize) -> Vec<Request> {
        let (half, page) = ((self.height / 2).max(1), self.height.max(1));
        match motion {
            Motion::Down => self.down(times),
            Motion::Up => self.up(times),
            Motion::HalfDown => self.scroll_down(half * times),
            Motion::HalfUp => self.scroll_up(half * times),
            Motion::PageDown => self.scroll_down(page * times),
            Motion::PageUp => self.scroll_up(page * times),
            Motion::First if self.more_before => return vec![self.jump(Why::First)],
            Motion::Last if self.more_after => return vec![self.jump(Why::Last)],
            Motion::First => self.cursor = 0,
            Motion::Last => self.cursor = self.rows.len().saturating_sub(1),
        }
        self.settle();
        self.more()
    }

    /// Whether its rows are there and nothing is waited for.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.loaded && !self.jumping()
    }

    /// Puts the cursor on a row that is there.
    pub fn point(&mut self, at: usize) {
        self.cursor = at;
        self.settle();
    }

    /// Selects or unselects the row under the cursor.
    pub fn toggle(&mut self) {
        let Some(row) = self.rows.get(self.cursor) else { return };
        if self.selected.remove(&row.thread).is_none() {
            self.selected.insert(row.thread.clone(), row.clone());
        }
    }

    /// Takes rows away at once that an intent moves out of this list; the engine's answer decides.
    pub fn leave(&mut self, gone: impl Fn(&Row) -> bool) {
        let above =
            self.rows[..self.cursor.min(self.rows.len())].iter().filter(|r| gone(r)).count();
        let off_screen =
            self.rows[..self.top.min(self.rows.len())].iter().filter(|r| gone(r)).count();
        self.rows.retain(|row| !gone(row));
        self.selected.retain(|_, row| !gone(row));
        self.cursor -= above;
        self.top -= off_screen;
        self.settle();
    }

    /// The screen changed.
    pub fn resize(&mut self, height: usize) -> Vec<Request> {
        if self.height == height {
            return Vec::new();
        }
        self.height = height.max(1);
        self.settle();
        if self.loaded { self.more() } else { Vec::new() }
    }

    fn down(&mut self, by: usize) {
        let here = self.rows.len().saturating_sub(1).saturating_sub(self.cursor).min(by);
        self.cursor += here;
        self.owed.0 = if self.more_after { by - here } else { 0 };
    }

    fn up(&mut self, by: usize) {
        let here = self.cursor.min(by);
        self.cursor -= here;
        self.owed.1 = if self.more_before { by - here } else { 0 };
    }

    fn scroll_down(&mut self, by: usize) {
        self.down(by);
        self.top = (self.top + by).min(self.rows.len().saturating_sub(self.height));
    }

    fn scroll_up(&mut self, by: usize) {
        self.up(by);
        self.top = self.top.saturating_sub(by);
    }

    fn settle(&mut self) {
        let last = self.rows.len().saturating_sub(1);
        self.cursor = self.cursor.min(last);
        let margin = MARGIN_ROWS.min(self.height.saturating_sub(1) / 2);
        let lowest = (self.cursor + margin + 1).saturating_sub(self.height);
        self.top = self.top.clamp(lowest, self.cursor.saturating_sub(margin).max(lowest));
        self.top = self.top.min((last + 1).saturating_sub(self.height));
        if !self.more_before
            && self.cursor < self.height.saturating_sub(margin)
            && self.top <= margin
        {
            self.top = 0;
        }
    }

    fn page_rows(&self) -> usize {
        (self.height * PAGE_SCREENS).max(PAGE_ROWS_LEAST)
    }

    fn jump(&mut self, why: Why) -> Request {
        self.asked.clear();
        self.ask(why)
    }

    fn ask(&mut self, why: Why) -> Request {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.asked.push((ticket, why));
        if let Some(sought) = self.sought.clone() {
            return self.ask_found(ticket, why, sought);
        }
        let first = self.rows.first().map(place_of);
        let last = self.rows.last().map(place_of);
        let (window, limit) = match (why, first, last) {
            (Why::Last, _, _) => (Window::Last, self.page_rows()),
            (Why::Before, Some(first), _) => (Window::Before(first), self.page_rows()),
            (Why::After, _, Some(last)) => (Window::After(last), self.page_rows()),
            (Why::Refresh, Some(first), _) if self.more_before => {
                (Window::From(first), self.rows.len().max(self.page_rows()))
            }
            (Why::Refresh, ..) => (Window::First, self.rows.len().max(self.page_rows())),
            (Why::Gather(_), ..) => (Window::First, MOST_SELECTED),
            _ => (Window::First, self.page_rows()),
        };
        Request::List { ticket, label: self.label.clone(), window, limit }
    }

    /// The same of what a search finds: rows that are here are asked for by their names, so that a
    /// row which does not answer any more stays where it is.
    fn ask_found(&self, ticket: u64, why: Why, sought: Sought) -> Request {
        let limit = match why {
            Why::Refresh => {
                let threads = self.rows.iter().map(|row| row.thread.clone()).collect();
                return Request::Rows { ticket, threads };
            }
            Why::First => self.page_rows(),
            Why::Before | Why::After => (self.rows.len() + self.page_rows()).min(MOST_FOUND),
            Why::Last | Why::Gather(_) => MOST_FOUND,
        };
        Request::Search { ticket, sought, limit }
    }

    fn waits_for(&self, what: Why) -> bool {
        self.asked.iter().any(|(_, why)| *why == what) || self.lands()
    }

    fn more(&mut self) -> Vec<Request> {
        let mut requests = Vec::new();
        let edge = self.height * EDGE_SCREENS;
        let below = self.rows.len().saturating_sub(self.top + self.height);
        if self.more_after && below < edge && !self.rows.is_empty() && !self.waits_for(Why::After) {
            requests.push(self.ask(Why::After));
        }
        if self.more_before
            && self.top < edge
            && !self.rows.is_empty()
            && !self.waits_for(Why::Before)
        {
            requests.push(self.ask(Why::Before));
        }
        requests
    }

    fn set(&mut self, page: Page) {
        self.rows = page.rows;
        self.more_before = page.more_before;
        self.more_after = page.more_after;
        for row in &self.rows {
            if let Some(selected) = self.selected.get_mut(&row.thread) {
                selected.clone_from(row);
            }
        }
    }

    /// The window as it is now: the cursor stays on its conversation; when that is gone, on the
    /// next one that is still there.
    fn replace(&mut self, page: Page) {
        let old = std::mem::take(&mut self.rows);
        // A page that begins at the window's edges is the whole truth about what was in it.
        self.asked.retain(|(_, why)| why.holds_keys());
        self.set(page);
        let index: BTreeMap<&ThreadId, usize> =
            self.rows.iter().enumerate().map(|(at, row)| (&row.thread, at)).collect();
        // What rows that came in pushed beyond the window is not gone.
        let key = |row: &Row| (-row.last_activity, row.thread.clone());
        let (first, last) = (self.rows.first().map(key), self.rows.last().map(key));
        let beyond = |row: &Row| {
            (self.more_before && first.as_ref().is_some_and(|first| key(row) < *first))
                || (self.more_after && last.as_ref().is_some_and(|last| key(row) > *last))
        };
        self.selected.retain(|thread, _| {
            let held = old.iter().find(|row| row.thread == *thread);
            index.contains_key(thread) || held.is_none_or(beyond)
        });
        let kept = |at: usize| old.get(at).and_then(|row| index.get(&row.thread)).copied();
        let after = || (self.cursor..old.len()).find_map(kept);
        let before = || (0..self.cursor.min(old.len())).rev().find_map(kept).map(|at| at + 1);
        let offset = self.cursor.saturating_sub(self.top);
        let at_start = self.top == 0 && !self.more_before;
        let cursor = after().or_else(before).unwrap_or(self.cursor);
        let top = kept(self.top).unwrap_or_else(|| cursor.saturating_sub(offset));
        self.cursor = cursor;
        self.top = if at_start { 0 } else { top };
    }

    fn extend(&mut self, why: Why, page: Page) {
        let fresh: Vec<Row> = page
            .rows
            .into_iter()
            .filter(|row| !self.rows.iter().any(|known| known.thread == row.thread))
            .collect();
        let keep = self.height * KEEP_SCREENS;
        if why == Why::After {
            self.more_after = page.more_after;
            self.rows.extend(fresh);
            if self.sought.is_some() {
                self.more_after &= self.rows.len() < MOST_FOUND;
                return;
            }
            let drop = self.top.saturating_sub(keep);
            self.rows.drain(..drop);
            (self.top, self.cursor) = (self.top - drop, self.cursor - drop);
            self.more_before |= drop > 0;
        } else {
            self.more_before = page.more_before;
            let added = fresh.len();
            self.rows.splice(..0, fresh);
            (self.top, self.cursor) = (self.top + added, self.cursor + added);
            let end = self.top + self.height + keep;
            if end < self.rows.len() {
                self.rows.truncate(end);
                self.more_after = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::double::Double;

    #[test]
    fn what_new_rows_push_out_of_the_window_stays_selected_and_what_is_gone_does_not() {
        let sample = Double::sample().rows;
        let rows = |ages: &[i64]| -> Vec<Row> {
            let row = |age: &i64| Row {
                thread: ThreadId::try_from(format!("thread-{age:04}")).unwrap(),
                last_activity: 10_000 - age,
                ..sample[0].clone()
            };
            ages.iter().map(row).collect()
        };
        let label = LabelId::try_from("inbox").unwrap();
        let page = |ages: &[i64]| Page {
            label: label.clone(),
            rows: rows(ages),
            more_before: false,
            more_after: true,
        };
        let mut list = List::of(page(&[10, 20, 30, 40]));
        for row in rows(&[20, 40]) {
            list.selected.insert(row.thread.clone(), row);
        }
        // Two came in above, so that the last two are beyond the window; one in it is gone.
        list.replace(page(&[5, 6, 10, 30]));
        let left: Vec<_> = list.selected.keys().map(ThreadId::as_str).collect();
        assert_eq!(left, ["thread-0040"]);
    }
}
