//! Where things are on a screen of a given size.
//!
//! Invariant: pure; the areas never overlap and lie inside the screen. `update` lays out by the
//! same areas that drawing uses, so that a page is exactly what is seen.

use ratatui::layout::Rect;

use crate::config::{Preview, Settings};
use crate::engine::sizes::Sizes;
use crate::ui::app::{BESIDE_FROM, LEAST_SIZE, Model, SIDEBAR_FROM};

/// From this many rows on the bottom has a line of its own for notices.
const TWO_BOTTOM_ROWS_FROM: u16 = 10;
/// From this many rows on tabs have a line.
const TABS_FROM: u16 = 8;
/// From this many rows on a rule is under the title.
const RULE_FROM: u16 = 14;
/// Columns of the sidebar, its rule included; and the fewest and the most that are asked for.
const SIDEBAR_COLUMNS: u16 = 17;
const SIDEBAR_BOUNDS: (u16, u16) = (10, 40);
/// Columns of the list beside a reader, its rule included: at least, and at most where the reader
/// has more than it needs.
const BESIDE_COLUMNS: (u16, u16) = (46, 84);
/// Columns that a reader needs: its measure and what is around it.
const READER_COLUMNS: u16 = 106;
/// The fewest columns of a list beside a reader whose width was asked for, and of that reader.
const LIST_COLUMNS_LEAST: u16 = 30;
const READER_COLUMNS_LEAST: u16 = 40;
/// The fewest rows of a list above a reader whose height was asked for, and of that reader.
const LIST_ROWS_LEAST: u16 = 3;
const READER_ROWS_LEAST: u16 = 6;
/// From this many rows on a reader has room under the list.
const BELOW_FROM: u16 = 24;
/// Parts of 100 of the rows that the list keeps above a reader.
const ABOVE_PARTS: u16 = 35;
/// Rows of the reader's own head: the subject and a rule or blank.
pub const READER_HEAD_ROWS: u16 = 2;

/// How many of the lists, the list and the reader may stand beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Panes {
    /// All three, where there is room.
    #[default]
    Three,
    /// The list and the reader.
    Two,
    /// The list, or the reader.
    One,
}

impl Panes {
    /// One fewer; after one, all again.
    #[must_use]
    pub const fn fewer(self) -> Self {
        match self {
            Self::Three => Self::Two,
            Self::Two => Self::One,
            Self::One => Self::Three,
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Three => "Lists, list and message, where there is room",
            Self::Two => "List and message, where there is room",
            Self::One => "One at a time",
        }
    }
}

/// What is wanted of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Whether the lists stand at the left.
    pub sidebar: bool,
    /// Where a conversation is read.
    pub preview: Preview,
    /// Columns of the reader at the right; 0 is what suits.
    pub width: u16,
    /// Whether tabs stand above the list.
    pub tabs: bool,
    /// How the user has divided the screen.
    pub sizes: Sizes,
}

impl Default for Shape {
    fn default() -> Self {
        Self::of(&Settings::default(), Panes::default())
    }
}

impl Shape {
    /// What is set, and how many panes are shown.
    #[must_use]
    pub fn of(settings: &Settings, panes: Panes) -> Self {
        let preview = if panes == Panes::One { Preview::Off } else { settings.preview };
        let sidebar = settings.sidebar && panes == Panes::Three;
        let tabs = !settings.tabs.is_empty();
        let sizes = Sizes::default();
        Self { sidebar, preview, width: settings.preview_width, tabs, sizes }
    }
}

/// The areas of the mail screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Areas {
    /// The title line.
    pub title: Rect,
    /// The rule under it; empty when there is none.
    pub rule: Rect,
    /// The sidebar; empty when hidden.
    pub sidebar: Rect,
    /// Rows above the list, for what is searched; empty when there are none.
    pub top: Rect,
    /// The list; empty while the reader replaces it.
    pub list: Rect,
    /// The reader; empty when closed.
    pub reader: Rect,
    /// Rows of their own under these, for a panel; empty when there is none.
    pub panel: Rect,
    /// The line for notices; empty when it shares the hints' line.
    pub notice: Rect,
    /// The line for hints.
    pub hints: Rect,
}

impl Areas {
    /// The row between a list and the reader under it; empty where there is none.
    #[must_use]
    pub const fn between(&self) -> Rect {
        if self.reader.height == 0 || self.list.width == 0 || self.list.x != self.reader.x {
            return Rect { x: 0, y: 0, width: 0, height: 0 };
        }
        Rect { y: self.reader.y - 1, height: 1, ..self.reader }
    }

    /// The same with this many rows above the list for what is searched.
    #[must_use]
    pub const fn with_top(self, rows: u16) -> Self {
        if self.list.width == 0 || self.list.height <= rows {
            return self;
        }
        let top = Rect { height: rows, ..self.list };
        let (y, height) = (self.list.y + rows, self.list.height - rows);
        Self { top, list: Rect { y, height, ..self.list }, ..self }
    }

    /// The same with a panel of this many rows under list and reader.
    #[must_use]
    pub fn with_panel(self, rows: u16) -> Self {
        let rows = rows.min(self.list.height.max(self.reader.height));
        let end = self.list.bottom().max(self.reader.bottom()) - rows;
        let above =
            |part: Rect| Rect { height: part.height.min(end.saturating_sub(part.y)), ..part };
        let y = self.notice.y.min(self.hints.y) - rows;
        let panel = if rows > 0 { Rect { y, height: rows, ..self.hints } } else { self.panel };
        let (sidebar, list, reader) = (above(self.sidebar), above(self.list), above(self.reader));
        Self { sidebar, list, reader, panel, ..self }
    }
}

/// The same with all between title and bottom for what is shown instead of sidebar and list.
#[must_use]
pub const fn without_sidebar(areas: Areas) -> Areas {
    let list = Rect { x: areas.title.x, width: areas.title.width, ..areas.list };
    Areas { sidebar: Rect { width: 0, ..areas.sidebar }, list, ..areas }
}

/// Whether a screen of `size` is too small to draw.
#[must_use]
pub fn too_small(size: (u16, u16)) -> bool {
    size.0 < LEAST_SIZE.0 || size.1 < LEAST_SIZE.1
}

/// Rows at the bottom of a screen: what happened, and what keys do.
#[must_use]
pub const fn bottom_rows(rows: u16) -> u16 {
    if rows >= TWO_BOTTOM_ROWS_FROM { 2 } else { 1 }
}

/// The areas of the model's screen.
#[must_use]
pub fn of(model: &Model) -> Areas {
    let shape = Shape { sizes: model.divided.sizes, ..Shape::of(model.settings(), model.panes) };
    areas_in(model.size, model.reader.is_some(), shape)
}

/// The areas on a screen of `size`, with or without an open reader, as without settings.
#[must_use]
pub fn areas(size: (u16, u16), reading: bool) -> Areas {
    areas_in(size, reading, Shape::default())
}

/// The same in the shape that is wanted.
#[must_use]
pub fn areas_in(size: (u16, u16), reading: bool, shape: Shape) -> Areas {
    let (columns, rows) = size;
    let line = |y: u16, height: u16| Rect { x: 0, y, width: columns, height };
    let rule_rows = u16::from(rows >= RULE_FROM || (shape.tabs && rows >= TABS_FROM));
    let bottom_rows = bottom_rows(rows);
    let body = 1 + rule_rows;
    let body_rows = rows.saturating_sub(body + bottom_rows);
    // Mail is written for some 72 columns: a reader has them before a sidebar does.
    let sided = columns >= if reading { BESIDE_FROM } else { SIDEBAR_FROM };
    let side = if sided && shape.sidebar { side_columns(shape.sizes.sidebar) } else { 0 };
    let part = |x: u16, width: u16| Rect { x, y: body, width, height: body_rows };
    let below = reading && shape.preview == Preview::Below && rows >= BELOW_FROM;
    let beside = shape.preview == Preview::Right && columns >= BESIDE_FROM;
    let list_columns = match (reading, beside) {
        (false, _) => columns - side.min(columns),
        (true, true) if shape.sizes.list > 0 => {
            let most = columns.saturating_sub(side + READER_COLUMNS_LEAST);
            shape.sizes.list.clamp(LIST_COLUMNS_LEAST, most.max(LIST_COLUMNS_LEAST))
        }
        (true, true) if shape.width > 0 => {
            columns.saturating_sub(side + shape.width).max(LIST_COLUMNS_LEAST)
        }
        (true, true) => {
            let (least, most) = BESIDE_COLUMNS;
            columns.saturating_sub(side + READER_COLUMNS).clamp(least, most)
        }
        (true, false) => 0,
    };
    let reader_columns = if reading { columns.saturating_sub(side + list_columns) } else { 0 };
    let (mut list, mut reader) =
        (part(side, list_columns), part(side + list_columns, reader_columns));
    if below {
        let above = match shape.sizes.above {
            0 => body_rows * ABOVE_PARTS / 100,
            rows => rows.clamp(LIST_ROWS_LEAST, body_rows - 1 - READER_ROWS_LEAST),
        };
        let all = part(side, columns.saturating_sub(side));
        list = Rect { height: above, ..all };
        // The row between them has the line.
        reader = Rect { y: body + above + 1, height: body_rows - above - 1, ..all };
    }
    Areas {
        title: line(0, 1.min(rows)),
        rule: line(1, rule_rows),
        sidebar: part(0, side),
        top: Rect::default(),
        list,
        reader,
        panel: Rect::default(),
        notice: line(rows.saturating_sub(2), bottom_rows - 1),
        hints: line(rows.saturating_sub(1), 1.min(rows)),
    }
}

/// Columns of the sidebar, where so many are wanted.
fn side_columns(wanted: u16) -> u16 {
    let (least, most) = SIDEBAR_BOUNDS;
    if wanted == 0 { SIDEBAR_COLUMNS } else { wanted.clamp(least, most) }
}

/// How the user has divided the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Divided {
    /// Columns and rows of its parts.
    pub sizes: Sizes,
    /// The border that the mouse has hold of.
    pub held: Option<Border>,
}

/// A border between two parts of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// At the right of the lists.
    Sidebar,
    /// Between the list and the conversation at its right.
    Beside,
    /// Between the list and the conversation under it.
    Below,
}

impl Border {
    /// The border that is drawn at a place.
    #[must_use]
    pub fn at(areas: &Areas, (x, y): (u16, u16)) -> Option<Self> {
        let right = |part: Rect| {
            let ends = part.width > 0 && part.right() < areas.title.right();
            ends && x + 1 == part.right() && (part.y..part.bottom()).contains(&y)
        };
        match () {
            () if right(areas.sidebar) => Some(Self::Sidebar),
            () if right(areas.list) => Some(Self::Beside),
            () if areas.between().contains((x, y).into()) => Some(Self::Below),
            () => None,
        }
    }

    /// The sizes with this border at a place.
    #[must_use]
    pub fn moved(self, sizes: Sizes, areas: &Areas, (x, y): (u16, u16)) -> Sizes {
        match self {
            Self::Sidebar => Sizes { sidebar: side_columns(x.saturating_add(1)), ..sizes },
            Self::Beside => {
                let most = areas.reader.right().saturating_sub(areas.list.x + READER_COLUMNS_LEAST);
                let list = x.saturating_add(1).saturating_sub(areas.list.x);
                let most = most.max(LIST_COLUMNS_LEAST);
                Sizes { list: list.clamp(LIST_COLUMNS_LEAST, most), ..sizes }
            }
            Self::Below => {
                let end = areas.reader.bottom().saturating_sub(areas.list.y + 1);
                let most = end.saturating_sub(READER_ROWS_LEAST).max(LIST_ROWS_LEAST);
                let above = y.saturating_sub(areas.list.y).clamp(LIST_ROWS_LEAST, most);
                Sizes { above, ..sizes }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_kept_where_there_is_room_for_it() {
        let right = Shape::default();
        let sizes = Sizes::default();
        let shape = |preview, sidebar, width| Shape { sidebar, preview, width, tabs: false, sizes };
        let read = |size, shape| areas_in(size, true, shape);
        assert_eq!(read((200, 50), right).list.width, 77);
        assert_eq!(read((200, 50), shape(Preview::Right, true, 60)).reader.width, 60);
        assert_eq!(read((200, 50), shape(Preview::Right, true, 400)).list.width, 30);
        assert_eq!(read((200, 50), shape(Preview::Right, false, 0)).sidebar.width, 0);
        assert_eq!(read((200, 50), shape(Preview::Off, true, 0)).list.width, 0);
        let below = read((80, 24), shape(Preview::Below, true, 0));
        assert_eq!((below.list.width, below.reader.width, below.sidebar.width), (80, 80, 0));
        assert_eq!(below.list.bottom() + 1, below.reader.top());
        assert_eq!(below.between().y, below.list.bottom());
        assert_eq!(read((80, 23), shape(Preview::Below, true, 0)).list.width, 0);
        assert_eq!(read((80, 24), right).between().height, 0);
        assert_eq!(areas((200, 50), false).between().height, 0);
        let one = Shape::of(&Settings::default(), Panes::One);
        assert_eq!((one.sidebar, one.preview), (false, Preview::Off));
        assert_eq!(Panes::default().fewer().fewer().fewer(), Panes::default());
    }

    #[test]
    fn a_border_goes_where_it_is_put_and_leaves_room_on_both_sides() {
        let reading = |size, preview, sizes| {
            let shape = Shape { preview, sizes, ..Shape::default() };
            areas_in(size, true, shape)
        };
        for size in [(140, 24), (200, 50)] {
            let before = reading(size, Preview::Right, Sizes::default());
            for x in 0..size.0 {
                let sizes = Border::Beside.moved(Sizes::default(), &before, (x, 9));
                let after = reading(size, Preview::Right, sizes);
                assert!(after.list.width >= 30 && after.reader.width >= 40, "{x}: {after:?}");
                let fits = (before.list.x + 29..size.0 - 40).contains(&x);
                assert!(!fits || after.list.right() == x + 1, "{x}: {after:?}");
                let sizes = Border::Sidebar.moved(Sizes::default(), &before, (x, 9));
                let after = reading(size, Preview::Right, sizes);
                assert!((10..=40).contains(&after.sidebar.width), "{x}: {after:?}");
                assert!(after.reader.width >= 40, "{x}: {after:?}");
            }
            let before = reading(size, Preview::Below, Sizes::default());
            assert_eq!(Border::at(&before, (50, before.between().y)), Some(Border::Below));
            for y in 0..size.1 {
                let sizes = Border::Below.moved(Sizes::default(), &before, (50, y));
                let after = reading(size, Preview::Below, sizes);
                assert!(after.list.height >= 3 && after.reader.height >= 6, "{y}: {after:?}");
            }
        }
        // What another screen was divided into fits this one.
        let wide = Sizes { sidebar: 40, list: 900, above: 900 };
        let small = reading((130, 24), Preview::Right, wide);
        assert!(small.reader.width >= 40 && small.list.width >= 30, "{small:?}");
        assert!(reading((130, 24), Preview::Below, wide).reader.height >= 6);
        let none = reading((80, 24), Preview::Right, wide);
        assert!((0..80).all(|x| Border::at(&none, (x, 9)).is_none()));
    }

    #[test]
    fn areas_lie_inside_the_screen_and_apart() {
        for columns in [30, 60, 80, 119, 120, 200] {
            for rows in [6, 10, 15, 24, 60] {
                for (reading, panel) in [(false, 0), (true, 0), (false, 3), (true, 2)] {
                    let all = areas((columns, rows), reading).with_panel(panel).with_top(panel);
                    let parts = [
                        all.title,
                        all.rule,
                        all.sidebar,
                        all.top,
                        all.list,
                        all.reader,
                        all.panel,
                        all.notice,
                        all.hints,
                    ];
                    let covered: u32 = parts.iter().map(|part| part.area()).sum();
                    assert_eq!(covered, u32::from(columns) * u32::from(rows), "{all:?}");
                    let screen = Rect::new(0, 0, columns, rows);
                    assert!(parts.iter().all(|part| screen.intersection(*part) == *part));
                    assert_eq!(all.reader.width > 0, reading);
                }
            }
        }
    }
}
