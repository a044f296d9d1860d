//! Where things are on a screen of a given size.
//!
//! Invariant: pure; the areas never overlap and lie inside the screen. `update` lays out by the
//! same areas that drawing uses, so that a page is exactly what is seen.

use ratatui::layout::Rect;

use crate::ui::app::{BESIDE_FROM, LEAST_SIZE, SIDEBAR_FROM};

/// From this many rows on the bottom has a line of its own for notices.
const TWO_BOTTOM_ROWS_FROM: u16 = 10;
/// From this many rows on a rule is under the title.
const RULE_FROM: u16 = 14;
/// Columns of the sidebar, its rule included.
const SIDEBAR_COLUMNS: u16 = 17;
/// Columns of the list beside a reader, its rule included: at least, and at most where the reader
/// has more than it needs.
const BESIDE_COLUMNS: (u16, u16) = (46, 84);
/// Columns that a reader needs: its measure and what is around it.
const READER_COLUMNS: u16 = 106;
/// Rows of the reader's own head: the subject and a rule or blank.
pub const READER_HEAD_ROWS: u16 = 2;

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
        let above = |part: Rect| Rect { height: part.height - rows.min(part.height), ..part };
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

/// The areas on a screen of `size`, with or without an open reader.
#[must_use]
pub fn areas(size: (u16, u16), reading: bool) -> Areas {
    let (columns, rows) = size;
    let line = |y: u16, height: u16| Rect { x: 0, y, width: columns, height };
    let rule_rows = u16::from(rows >= RULE_FROM);
    let bottom_rows = if rows >= TWO_BOTTOM_ROWS_FROM { 2 } else { 1 };
    let body = 1 + rule_rows;
    let body_rows = rows.saturating_sub(body + bottom_rows);
    // Mail is written for some 72 columns: a reader has them before a sidebar does.
    let sided = columns >= if reading { BESIDE_FROM } else { SIDEBAR_FROM };
    let side = if sided { SIDEBAR_COLUMNS } else { 0 };
    let list_columns = match (reading, columns >= BESIDE_FROM) {
        (false, _) => columns - side.min(columns),
        (true, true) => {
            let (least, most) = BESIDE_COLUMNS;
            columns.saturating_sub(side + READER_COLUMNS).clamp(least, most)
        }
        (true, false) => 0,
    };
    let part = |x: u16, width: u16| Rect { x, y: body, width, height: body_rows };
    let reader_columns = if reading { columns.saturating_sub(side + list_columns) } else { 0 };
    Areas {
        title: line(0, 1.min(rows)),
        rule: line(1, rule_rows),
        sidebar: part(0, side),
        top: Rect::default(),
        list: part(side, list_columns),
        reader: part(side + list_columns, reader_columns),
        panel: Rect::default(),
        notice: line(rows.saturating_sub(2), bottom_rows - 1),
        hints: line(rows.saturating_sub(1), 1.min(rows)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
