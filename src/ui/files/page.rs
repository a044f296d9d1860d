//! What is read over the reader: a text, or a picture.
//!
//! Invariant: values only; a picture is shown only on a screen of the size that it was made for,
//! and is asked for again for another.

use std::sync::Arc;

use ratatui::layout::{Position, Rect};

use super::{FileAct, FileItem, FileStep, begin, current};
use crate::notice::Severity;
use crate::ui::app::{Effect, Layer, Model};
use crate::ui::picture::{Drawing, Picture, Shape};
use crate::ui::text;

/// Lines of a page that are kept; what is longer is cut, and says so.
const MAX_PAGE_LINES: usize = 20_000;
/// Columns and rows that a page has around it: its frame, the hints, and for a picture its facts.
const AROUND: (u16, u16) = (4, 3);
const FACTS_ROWS: u16 = 1;

/// What is read over the reader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// What it is.
    pub title: String,
    /// Its text; `None` until it is here, and for a picture.
    pub text: Option<String>,
    /// The picture.
    pub picture: Option<Arc<Picture>>,
    /// Its lines, for `columns`.
    pub lines: Vec<String>,
    /// The first visible line.
    pub top: usize,
    /// How it is asked for again.
    pub(super) of: Option<(FileItem, FileAct)>,
    pub(super) columns: usize,
}

impl Page {
    /// Lays it out for a screen of this size.
    pub fn lay_out(&mut self, columns: usize, rows: usize) {
        if self.columns != columns
            && let Some(text) = &self.text
        {
            self.columns = columns;
            let lines = text.lines().flat_map(|line| text::wrap(line, columns.max(1)));
            self.lines = lines.take(MAX_PAGE_LINES).collect();
        }
        self.top = self.top.min(self.lines.len().saturating_sub(rows.max(1)));
    }

    /// Whether what comes belongs on it.
    pub(super) fn waits(&self) -> bool {
        self.text.is_none() || matches!(self.of, Some((_, FileAct::Picture(_))))
    }

    /// The picture, where it was made for a screen of this size.
    #[must_use]
    pub fn picture(&self, screen: (u16, u16)) -> Option<&Arc<Picture>> {
        self.picture.as_ref().filter(|picture| picture.room == room(screen))
    }
}

/// Columns and rows that a picture may have on a screen.
#[must_use]
pub(super) fn room((columns, rows): (u16, u16)) -> (u16, u16) {
    (columns.saturating_sub(AROUND.0), rows.saturating_sub(AROUND.1 + FACTS_ROWS))
}

/// Where the picture is, inside of the frame of a page: in its middle.
#[must_use]
pub fn place(picture: &Picture, inside: Rect) -> Rect {
    let (width, height) = (picture.columns.min(inside.width), picture.rows);
    let height = height.min(inside.height.saturating_sub(FACTS_ROWS));
    let x = inside.x + (inside.width - width) / 2;
    let y = inside.y + (inside.height.saturating_sub(FACTS_ROWS) - height) / 2;
    Rect { x, y, width, height }
}

/// What the terminal itself draws, and where.
#[must_use]
pub fn drawn(model: &Model) -> Option<(Position, Arc<Drawing>)> {
    let Some(Layer::Page(page)) = model.layers.last() else { return None };
    let picture = page.picture(model.size)?;
    let Shape::Drawn(drawing) = &picture.shape else { return None };
    let (columns, rows) = model.size;
    let (width, height) = (columns - AROUND.0, rows - AROUND.1);
    let at = place(picture, Rect { x: AROUND.0 / 2, y: 1, width, height });
    Some((Position { x: at.x, y: at.y }, Arc::clone(drawing)))
}

/// The pictures of the message that is read, from its first.
pub(super) fn pictures(model: &mut Model) -> Vec<Effect> {
    let Some(item) = current(model) else {
        model.say(Severity::Info, "There is nothing to show yet", "");
        return Vec::new();
    };
    super::read(model, "Pictures".to_owned(), vec![item], FileAct::Picture(0))
}

/// The picture after the one that is shown, or before it.
pub(super) fn turn(model: &mut Model, by: i64) -> Vec<Effect> {
    let Some(Layer::Page(page)) = model.layers.last_mut() else { return Vec::new() };
    let Some((item, FileAct::Picture(at))) = &mut page.of else { return Vec::new() };
    *at += by;
    let (item, act) = (item.clone(), FileAct::Picture(*at));
    begin(model, vec![item], act)
}

/// From a message as it came to the form of it that is not shown, and back.
pub(super) fn turn_form(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Page(page)) = model.layers.last() else { return Vec::new() };
    let (item, act) = match &page.of {
        Some((item, FileAct::Source)) => (item.clone(), FileAct::Other),
        Some((item, FileAct::Other)) => (item.clone(), FileAct::Source),
        _ => return Vec::new(),
    };
    model.layers.pop();
    super::read(model, String::new(), vec![item], act)
}

/// A picture is made again for a screen of another size.
pub fn resized(model: &mut Model) -> Vec<Effect> {
    let size = model.size;
    let Some(Layer::Page(page)) = model.layers.last() else { return Vec::new() };
    let Some((item, act)) = page.of.clone() else { return Vec::new() };
    if page.picture.is_none() || page.picture(size).is_some() {
        return Vec::new();
    }
    begin(model, vec![item], act)
}

/// Puts what came on the page that waits for it.
pub(super) fn put(page: &mut Page, step: FileStep) {
    let of = page.of.take();
    match step {
        FileStep::Page(title, text) => {
            *page = Page { title, text: Some(text), of, ..Page::default() };
        }
        FileStep::Picture(title, picture) => {
            *page = Page { title, picture: Some(picture), of, ..Page::default() };
        }
        _ => page.of = of,
    }
}
