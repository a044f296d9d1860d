//! The tour's panel: which step, what to do with which key, and what is done of it.
//!
//! Invariant: it has rows of its own and covers nothing; on a screen with no room for it there is
//! none.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{columns, put, put_all};
use crate::command::registry::{Verb, all};
use crate::ui::app::{Model, Stage};
use crate::ui::tour::{STEPS, Step, Tour};

/// From this many rows on there is a panel.
const PANEL_FROM: u16 = 9;
/// From this many rows on it has room for a sentence.
const SENTENCE_FROM: u16 = 20;
/// From this many columns on a line may be long.
const WIDE_FROM: u16 = 72;

/// What is next, when all steps are done.
const OWN_MAIL: &str = "That is the most of it. Your own mail: quit, then `mailtui import PATH`";
/// The same where there is less room.
const OWN_MAIL_SHORT: &str = "Own mail: quit, mailtui import PATH";

/// Rows of the panel on this screen.
#[must_use]
pub fn rows(model: &Model) -> u16 {
    match (&model.stage, model.tour, model.size.1) {
        (Stage::Mail, Some(_), SENTENCE_FROM..) => 3,
        (Stage::Mail, Some(_), PANEL_FROM..) => 2,
        _ => 0,
    }
}

/// Draws the panel; the rule on top of it is there already.
pub fn draw(model: &Model, panel: Rect, buf: &mut Buffer) {
    let Some(tour) = model.tour.filter(|_| panel.height > 0) else { return };
    let line = |at: u16| Rect { y: panel.y + at, height: 1, ..panel };
    title(model, tour, line(0), buf);
    let says = if let Some(step) = tour.now() {
        goals(model, step, tour.reached, line(1), buf);
        step.says
    } else {
        let wide = panel.width >= WIDE_FROM;
        let own = if wide { OWN_MAIL } else { OWN_MAIL_SHORT };
        put(buf, (panel.x + 1, panel.y + 1), own, panel.width - 1, model.theme.good());
        "`mailtui` by itself looks for mail on this machine and asks first."
    };
    if panel.height > 2 {
        put(buf, (panel.x + 1, panel.y + 2), says, panel.width - 1, model.theme.dim());
    }
}

fn title(model: &Model, tour: Tour, line: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let key = |verb: fn(&Verb) -> bool| {
        all().find(|c| verb(&c.verb)).map_or("", |c| model.keymap.key(c.name))
    };
    let end = key(|verb| matches!(verb, Verb::Tour));
    let skip = key(|verb| matches!(verb, Verb::SkipStep));
    let (step, title) = match tour.now() {
        Some(step) => (format!("Tour {} of {}", tour.step + 1, STEPS.len()), step.title),
        None => ("Tour done".to_owned(), "well done"),
    };
    let left = [
        (" ", theme.text()),
        (step.as_str(), theme.accent().patch(theme.strong())),
        (" · ", theme.dim()),
        (title, theme.strong()),
        (" ", theme.text()),
    ];
    let x = put_all(buf, (line.x + 1, line.y), &left, line.width.saturating_sub(2));
    let skips = [(" ", theme.text()), (skip, theme.key()), (" skip ·", theme.dim())];
    let ends = [(" ", theme.text()), (end, theme.key()), (" ends ", theme.dim())];
    let wide = |parts: &[(&str, Style)]| parts.iter().map(|(text, _)| columns(text)).sum::<u16>();
    let room = line.right().saturating_sub(x + 3);
    let mut parts = Vec::new();
    if tour.now().is_some() && wide(&skips) + wide(&ends) <= room {
        parts.extend(skips);
    }
    if wide(&ends) <= room {
        parts.extend(ends);
    }
    let start = line.right().saturating_sub(wide(&parts) + 1);
    put_all(buf, (start, line.y), &parts, line.right() - start);
}

fn goals(model: &Model, step: &Step, reached: usize, line: Rect, buf: &mut Buffer) {
    let theme = model.theme;
    let mut x = line.x + 1;
    for (at, goal) in step.goals.iter().enumerate() {
        let (mark, mark_style, key, word) = match at.cmp(&reached) {
            std::cmp::Ordering::Less => ("✓ ", theme.good(), theme.dim(), theme.dim()),
            std::cmp::Ordering::Equal => ("▸ ", theme.accent(), theme.key(), theme.text()),
            std::cmp::Ordering::Greater => ("  ", theme.text(), theme.key(), theme.dim()),
        };
        let keys = goal.keys(&model.keymap);
        let word_text = format!(" {}  ", goal.word);
        let parts = [(mark, mark_style), (keys.as_str(), key), (word_text.as_str(), word)];
        x = put_all(buf, (x, line.y), &parts, line.right().saturating_sub(x));
    }
}
