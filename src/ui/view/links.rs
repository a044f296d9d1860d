//! The box of links: number, text, host; below, all of where the one under the cursor leads.
//!
//! Invariant: the host of every link that is seen is seen, and a warning is marked by a sign.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{boxes, put, put_all};
use crate::mail::links::{Link, host};
use crate::ui::app::Model;
use crate::ui::links::LinksBox;
use crate::ui::text;

/// Columns inside the box.
const COLUMNS: u16 = 76;
/// Lines of the target that are shown.
const TARGET_LINES: usize = 6;
/// Columns of a host at most.
const HOST_COLUMNS: usize = 34;

/// Draws the box.
pub(super) fn draw(model: &Model, open: &LinksBox, area: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let columns = usize::from(COLUMNS.min(area.width.saturating_sub(4))).max(1);
    let current = open.current();
    let target = current.map(|link| text::wrap(&link.target, columns)).unwrap_or_default();
    let warned: Vec<&str> =
        current.map(|link| link.warnings.iter().map(|w| w.says()).collect()).unwrap_or_default();
    let below = 1 + target.len().min(TARGET_LINES) + usize::from(!warned.is_empty());
    let rows = u16::try_from(open.links.len() + below).unwrap_or(u16::MAX);
    let area = Rect { height: area.height.saturating_sub(1), ..area };
    let title = text::plural(open.links.len() as u64, "link", "links");
    let inside = boxes::open(model, &title, (COLUMNS, rows), area, buf);
    let below = u16::try_from(below).unwrap_or(0).min(inside.height.saturating_sub(1));
    let list = Rect { height: inside.height - below, ..inside };
    let height = usize::from(list.height).max(1);
    let first = (open.cursor + 1).saturating_sub(height);
    for ((at, link), y) in open.links.iter().enumerate().skip(first).zip(list.y..list.bottom()) {
        let line = Rect { y, height: 1, ..list };
        draw_link(model, link, at == open.cursor, line, buf);
    }
    let mut y = list.bottom() + 1;
    let mut say = |line: &str, style, y: &mut u16| {
        if *y < inside.bottom() {
            put(buf, (inside.x, *y), line, inside.width, style);
            *y += 1;
        }
    };
    if !warned.is_empty() {
        let again = if open.seen { " Enter again opens it." } else { "" };
        say(&format!("! {}.{again}", warned.join("; ")), theme.warning(), &mut y);
    }
    for line in target.iter().take(TARGET_LINES) {
        say(line, theme.text(), &mut y);
    }
}

fn draw_link(model: &Model, link: &Link, here: bool, line: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let style = if here { theme.strong() } else { theme.text() };
    let host = host(&link.target).unwrap_or_else(|| link.target.clone());
    let room = usize::from(line.width).saturating_sub(8);
    let host = text::cut_address(&host, HOST_COLUMNS.min(room / 2));
    let said = if link.text.is_empty() { "(no text)" } else { link.text.as_str() };
    let said = text::cut(said, room.saturating_sub(text::width(&host) + 2));
    let sign = if link.warnings.is_empty() { "  " } else { "! " };
    let number = format!("{:>3} ", link.n);
    let parts = [
        (number.as_str(), theme.key()),
        (sign, theme.warning()),
        (said.as_str(), style),
        ("  ", style),
        (host.as_str(), theme.dim()),
    ];
    put_all(buf, (line.x, line.y), &parts, line.width);
    if here {
        buf.set_style(line, theme.cursor());
    }
}
