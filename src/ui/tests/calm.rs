//! A calm screen, counted: on 80 columns and 24 rows at most one line between parts, columns that
//! begin in one cell, and three colours of letters besides the usual one, in every view and theme.
//!
//! What a user chose for labels is not counted: the sample's labels have no colours of their own.

use std::collections::BTreeSet;

use ratatui::style::{Color, Modifier};

use super::beginning::told;
use super::sizes::VIEWS;
use crate::config::theme::{BUILT_IN, Palette};
use crate::ui::ability::{Ability, Colours};
use crate::ui::app::Message;
use crate::ui::double::Double;
use crate::ui::harness::Screen;
use crate::ui::text;
use crate::ui::theme::Theme;

const SIZE: (u16, u16) = (80, 24);
/// The most lines, and the most colours of letters.
const MOST_LINES: usize = 1;
const MOST_COLOURS: usize = 3;
/// So many cells of a line are one; a mark before a row is none.
const LINE_CELLS: usize = 4;

/// Views beside those of every size.
const MORE: [(&str, &str); 4] = [
    ("snooze", "<Space><Space>h"),
    ("what was done", "e"),
    ("something is wrong", "S"),
    ("all mail", "ga"),
];

fn theme(name: &str) -> Theme {
    let ability = Ability { screen: true, colours: Colours::True, signs: true };
    Theme::painted(&Palette::built_in(name).unwrap(), ability)
}

/// Runs of cells that are drawn as a line, along rows and columns.
fn lines(screen: &Screen) -> usize {
    let buffer = screen.buffer();
    let runs = |cells: &mut dyn Iterator<Item = bool>| {
        let (mut runs, mut length) = (0, 0);
        for drawn in cells.chain(std::iter::once(false)) {
            runs += usize::from(!drawn && length >= LINE_CELLS);
            length = if drawn { length + 1 } else { 0 };
        }
        runs
    };
    let is = |x, y, signs: &str| signs.contains(buffer[(x, y)].symbol());
    let along: usize = (0..SIZE.1).map(|y| runs(&mut (0..SIZE.0).map(|x| is(x, y, "─━═┄┈")))).sum();
    let down: usize = (0..SIZE.0).map(|x| runs(&mut (0..SIZE.1).map(|y| is(x, y, "│┃║┆")))).sum();
    along + down
}

fn colours(screen: &Screen, usual: Color) -> BTreeSet<String> {
    let cells = screen.buffer().content.iter();
    let seen = cells.filter(|cell| cell.symbol() != " ");
    seen.map(|cell| cell.fg).filter(|fg| *fg != usual).map(|fg| format!("{fg:?}")).collect()
}

/// What holds of every view, in every theme.
fn check(what: &str, screen: &mut Screen) {
    screen.draw();
    assert!(lines(screen) <= MOST_LINES, "{what}: {}\n{}", lines(screen), screen.text());
    let corners = screen.buffer().content.iter().any(|c| "╭╮╰╯┌┐└┘├┤┬┴┼".contains(c.symbol()));
    assert!(!corners, "{what}\n{}", screen.text());
    let before = screen.text();
    for (name, _) in BUILT_IN {
        screen.model.theme = theme(name);
        screen.draw();
        let blank = screen.model.theme.usual();
        let found = colours(screen, blank);
        assert!(found.len() <= MOST_COLOURS, "{what}, {name}: {found:?}\n{}", screen.text());
        assert_eq!(screen.text(), before, "{what}: a theme is colours and emphasis alone");
    }
}

#[test]
fn every_view_is_calm() {
    for (view, keys) in VIEWS.into_iter().chain(MORE) {
        for double in [Double::sample, Double::scripts] {
            let mut screen = Screen::new(double(), SIZE.0, SIZE.1);
            screen.press(keys);
            check(view, &mut screen);
        }
    }
    let mut screen = Screen::first_run(told(), SIZE.0, SIZE.1);
    check("first run", &mut screen);
    screen.press("3~/old");
    check("a path", &mut screen);
    screen.press("<Esc>4ann@example.org");
    check("an account", &mut screen);
    check("an older mailbox", &mut Screen::older(SIZE.0, SIZE.1));
    let mut demo = Screen::new(Double::sample(), SIZE.0, SIZE.1);
    demo.model.demo = true;
    demo.model.tour = Some(crate::ui::tour::Tour::default());
    demo.send(Message::Resize(SIZE.0, SIZE.1));
    check("the tour", &mut demo);
    let mut below = Screen::new(Double::sample(), SIZE.0, SIZE.1);
    below.model.look.loaded.settings.preview = crate::config::Preview::Below;
    below.press("j<Enter>");
    check("a conversation under the list", &mut below);
    let mut tabs = Screen::new(Double::sample(), SIZE.0, SIZE.1);
    let text = "tabs = [\"inbox\", \"unread\", \"label:Work\", \"search:none\"]";
    let set = crate::config::Loaded::of(Some(text), |_| None);
    tabs.send(Message::Settings(Box::new(set)));
    tabs.press("<Tab>j");
    check("tabs", &mut tabs);
}

#[test]
fn the_counts_can_fail() {
    let mut screen = Screen::new(Double::sample(), SIZE.0, SIZE.1);
    assert_eq!(lines(&screen), 1, "the sidebar's");
    screen.press("j<Enter>");
    assert_eq!(lines(&screen), 0);
    screen.press("<Esc>l");
    assert_eq!(lines(&screen), 1, "the title's");
    screen.model.theme = theme("16-colours");
    screen.press("<Esc>");
    assert!(!colours(&screen, Color::Reset).is_empty());
}

#[test]
fn columns_begin_in_one_cell_in_every_row() {
    for double in [Double::sample, Double::scripts] {
        for (columns, rows) in [SIZE, (100, 30), (140, 40), (200, 50)] {
            let screen = Screen::new(double(), columns, rows);
            let list = crate::ui::layout::of(&screen.model).list;
            let buffer = screen.buffer();
            let shown = screen.model.list.rows.len().min(list.height.into());
            let who = list.x + 5;
            let subject = who + (list.width / 4).clamp(10, 26) + 2;
            for y in (list.y..list.bottom()).take(shown) {
                for x in [who, subject] {
                    let (before, first) = (buffer[(x - 1, y)].symbol(), buffer[(x, y)].symbol());
                    assert!(before == " " && first != " ", "row {y}, column {x}: {before}{first}");
                }
                assert_ne!(buffer[(list.right() - 2, y)].symbol(), " ", "row {y}: the date's end");
            }
        }
    }
}

/// The real widths: what stands behind a name in any script stands where the terminal puts it.
#[test]
fn signs_of_two_columns_take_two_cells() {
    let screen = Screen::new(Double::scripts(), SIZE.0, SIZE.1);
    let buffer = screen.buffer();
    let mut wide = 0;
    for y in 0..SIZE.1 {
        let mut x = 0;
        while x < SIZE.0 {
            let symbol = buffer[(x, y)].symbol();
            let columns = u16::try_from(text::width(symbol)).unwrap();
            for covered in x + 1..(x + columns).min(SIZE.0) {
                assert_eq!(buffer[(covered, y)].symbol(), " ", "{symbol} at {x}, row {y}");
            }
            wide += usize::from(columns == 2);
            x += columns.max(1);
        }
        assert_eq!(x, SIZE.0, "row {y} ends inside a sign");
    }
    assert!(wide > 50, "only {wide}");
}

#[test]
fn without_colours_marks_and_emphasis_say_the_same() {
    let mut screen = Screen::new(Double::sample(), SIZE.0, SIZE.1);
    screen.model.theme = theme("monochrome");
    screen.press("xj");
    let shown = screen.text();
    for sign in ['●', '★', '✓', '▸'] {
        assert!(shown.contains(sign), "{sign}\n{shown}");
    }
    let cells = &screen.buffer().content;
    assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(cells.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
}
