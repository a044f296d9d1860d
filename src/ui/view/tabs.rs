//! The tabs above the list.
//!
//! Invariant: the one that is shown is seen, and marked by a sign; one that is not there has a
//! question mark.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{columns, put, put_all};
use crate::ui::app::Model;
use crate::ui::tabs::{Shown, all};
use crate::ui::text;

/// Columns of a name.
const NAME_COLUMNS: usize = 20;

/// Draws them in one line.
pub(super) fn draw(model: &Model, line: Rect, buf: &mut Buffer) {
    let tabs = all(model);
    if line.height == 0 || tabs.is_empty() {
        return;
    }
    let room = line.width.saturating_sub(2);
    let here = tabs.iter().position(|tab| tab.here).unwrap_or(0);
    let wide = |from: usize| tabs[from..=here].iter().map(wide).sum::<u16>();
    // What has no room is left out before the one that is shown.
    let first = (0..=here).find(|from| wide(*from) + 2 * u16::from(*from > 0) <= room);
    let first = first.unwrap_or(here);
    let mut x = line.x + 1;
    if first > 0 {
        x = put(buf, (x, line.y), "… ", line.right() - x, model.theme.dim());
    }
    for (at, tab) in tabs.iter().enumerate().skip(first) {
        let end = line.right().saturating_sub(1);
        if x + self::wide(tab).saturating_sub(2) > end && at > first {
            put(buf, (x, line.y), "…", line.right().saturating_sub(x), model.theme.dim());
            break;
        }
        x = one(model, tab, (x, line.y), end.saturating_sub(x), buf);
    }
}

fn name(tab: &Shown) -> String {
    let missing = if tab.label.is_none() { "?" } else { "" };
    format!("{}{missing}", text::cut(&tab.name, NAME_COLUMNS))
}

/// Columns of a tab and of what parts it from the next.
fn wide(tab: &Shown) -> u16 {
    let count = if tab.count.is_empty() { 0 } else { columns(&tab.count) + 1 };
    columns(&name(tab)) + count + 3
}

fn one(model: &Model, tab: &Shown, at: (u16, u16), room: u16, buf: &mut Buffer) -> u16 {
    let theme = model.theme;
    let count = if tab.count.is_empty() { String::new() } else { format!(" {}", tab.count) };
    let (mark, style) = match (tab.here, tab.label.is_some()) {
        (true, _) => ("▸", theme.accent().patch(theme.strong())),
        (false, true) => (" ", theme.text()),
        (false, false) => (" ", theme.dim()),
    };
    let name = name(tab);
    let parts = [
        (mark, theme.accent()),
        (name.as_str(), style),
        (count.as_str(), theme.dim()),
        ("  ", theme.text()),
    ];
    put_all(buf, at, &parts, room)
}
