//! The mouse points at what is drawn, and decides nothing.

use crate::engine::handle::Request;
use crate::ui::app::{Layer, Message};
use crate::ui::double::Double;
use crate::ui::harness::Screen;
use crate::ui::layout;
use crate::ui::mouse::{Does, Mouse};

fn screen(columns: u16, rows: u16) -> Screen {
    Screen::new(Double::sample(), columns, rows)
}

fn at(screen: &mut Screen, does: Does, at: (u16, u16)) {
    screen.send(Message::Mouse(Mouse { does, at }));
}

/// Where this row of the list is.
fn row(screen: &Screen, n: u16) -> (u16, u16) {
    let list = layout::of(&screen.model).list;
    (list.x + 8, list.y + n)
}

#[test]
fn a_press_points_and_another_opens() {
    for (columns, rows) in [(40, 10), (80, 24), (200, 50)] {
        let mut screen = screen(columns, rows);
        let third = row(&screen, 2);
        at(&mut screen, Does::Press, third);
        assert_eq!((screen.model.list.cursor, screen.model.reader.is_some()), (2, false));
        at(&mut screen, Does::Press, third);
        assert!(screen.model.reader.is_some(), "{columns}x{rows}");
    }
}

#[test]
fn beside_a_conversation_a_press_shows_another() {
    let mut screen = screen(200, 50);
    screen.press("<Enter>");
    let (first, second) = (row(&screen, 0), row(&screen, 1));
    let before = screen.model.reader.as_ref().unwrap().row.thread.clone();
    at(&mut screen, Does::Press, first);
    assert_eq!(screen.model.reader.as_ref().unwrap().row.thread, before);
    at(&mut screen, Does::Press, second);
    assert_ne!(screen.model.reader.as_ref().unwrap().row.thread, before);
    assert_eq!(screen.model.list.cursor, 1);
}

#[test]
fn a_list_of_the_sidebar_is_gone_to() {
    let mut screen = screen(80, 24);
    let sidebar = layout::of(&screen.model).sidebar;
    at(&mut screen, Does::Press, (sidebar.x + 3, sidebar.y + 1));
    assert_eq!(screen.model.list.label.as_str(), "starred");
    // Below the last entry there is nothing.
    at(&mut screen, Does::Press, (sidebar.x + 3, sidebar.bottom() - 1));
    assert_eq!(screen.model.list.label.as_str(), "starred");
}

#[test]
fn the_wheel_scrolls_what_is_under_it() {
    let mut list = screen(80, 24);
    let over = row(&list, 1);
    at(&mut list, Does::Wheel(true), over);
    assert_eq!(list.model.list.cursor, 3);
    at(&mut list, Does::Wheel(false), over);
    assert_eq!(list.model.list.cursor, 0);
    let mut reader = screen(200, 12);
    reader.press("j<Enter>;gg");
    let (list, text) = (layout::of(&reader.model).list, layout::of(&reader.model).reader);
    at(&mut reader, Does::Wheel(true), (text.x + 5, text.y + 3));
    assert_eq!(reader.model.reader.as_ref().unwrap().top, 3);
    at(&mut reader, Does::Wheel(true), (list.x + 5, list.y + 3));
    assert_eq!((reader.model.list.cursor, reader.model.reader.as_ref().unwrap().top), (1, 3));
    let mut help = screen(80, 24);
    help.press("?");
    at(&mut help, Does::Wheel(true), over);
    assert!(matches!(help.model.layers.last(), Some(Layer::Help(open)) if open.top == 3));
}

#[test]
fn where_something_lies_on_top_or_is_typed_a_press_does_nothing() {
    for keys in ["?", "l", ":", "#Da", "gn", "c", "h", "/a"] {
        let mut screen = screen(80, 24);
        screen.press(keys);
        let (before, log) = (screen.text(), screen.double.log.len());
        for y in 0..24 {
            for x in [0, 5, 30, 79] {
                at(&mut screen, Does::Press, (x, y));
            }
        }
        assert_eq!(screen.text(), before, "{keys}");
        assert_eq!(screen.double.log.len(), log, "{keys}");
    }
}

#[test]
fn no_press_anywhere_decides_about_mail() {
    for keys in ["", "<Enter>", "gh", "gd", "x", "gs"] {
        let mut screen = screen(140, 30);
        screen.press(keys);
        let before = screen.double.rows.clone();
        for y in (0..30).step_by(2) {
            for x in (0..140).step_by(23) {
                at(&mut screen, Does::Press, (x, y));
                at(&mut screen, Does::Wheel(y % 4 == 0), (x, y));
            }
        }
        // What is opened counts as read; nothing else is other.
        let strip = |row: &crate::engine::view::Row| {
            let stays = |label: &&crate::id::LabelId| label.as_str() != "unread";
            (row.thread.clone(), row.labels.iter().filter(stays).cloned().collect::<Vec<_>>())
        };
        let after = screen.double.rows.iter().map(strip);
        assert_eq!(after.collect::<Vec<_>>(), before.iter().map(strip).collect::<Vec<_>>());
        assert!(screen.exit.is_none());
    }
}

#[test]
fn history_drafts_and_what_is_sent_are_pointed_at_like_the_list() {
    for (columns, rows) in [(40, 10), (80, 24), (200, 50)] {
        let mut past = screen(columns, rows);
        past.press("e#sgh");
        let list = layout::without_sidebar(layout::of(&past.model)).list;
        at(&mut past, Does::Press, (list.x + 4, list.y));
        assert_eq!(past.model.history.as_ref().unwrap().cursor, 0, "its title is no row");
        at(&mut past, Does::Press, (list.x + 4, list.y + 2));
        let history = past.model.history.as_ref().unwrap();
        assert_eq!((history.cursor, history.reached.is_some()), (1, false), "{columns}x{rows}");
        at(&mut past, Does::Press, (list.x + 4, list.y + 2));
        assert!(past.model.history.as_ref().unwrap().reached.is_some());
        at(&mut past, Does::Press, (list.x + 4, list.y + 1));
        assert!(past.model.reader.is_some(), "its conversation is opened");
        let mut drafts = screen(columns, rows);
        drafts.press("ca@x.org<Esc>cb@x.org<Esc>gd");
        let list = layout::of(&drafts.model).list;
        at(&mut drafts, Does::Wheel(true), (list.x + 4, list.y));
        assert_eq!(drafts.model.writing.cursor, 1);
        at(&mut drafts, Does::Press, (list.x + 4, list.y));
        assert_eq!((drafts.model.writing.cursor, drafts.model.writing.open.is_some()), (0, false));
        at(&mut drafts, Does::Press, (list.x + 4, list.bottom() - 1));
        assert!(drafts.model.writing.open.is_none(), "there is no row");
        at(&mut drafts, Does::Press, (list.x + 4, list.y));
        assert!(drafts.model.writing.open.is_some(), "{columns}x{rows}\n{}", drafts.text());
    }
    for keys in ["gn", "gS", "gm"] {
        let mut panel = screen(40, 10);
        panel.press("#z#z#z").press(keys);
        let before = panel.text();
        at(&mut panel, Does::Wheel(true), (20, 5));
        at(&mut panel, Does::Wheel(false), (20, 5));
        assert_eq!(panel.text(), before, "{keys}");
    }
}

#[test]
fn a_border_is_dragged_and_stays_where_it_was_let_go() {
    let mut wide = screen(200, 50);
    wide.press("<Enter>");
    let before = layout::of(&wide.model);
    let border = (before.list.right() - 1, before.list.y + 5);
    at(&mut wide, Does::Press, border);
    assert_eq!(wide.model.list.cursor, 0, "a border is no row");
    at(&mut wide, Does::Drag, (60, 2));
    at(&mut wide, Does::Drag, (70, 49));
    assert_eq!(layout::of(&wide.model).list.right(), 71);
    wide.paused = true;
    at(&mut wide, Does::Drag, (71, 30));
    assert!(wide.waiting.is_empty(), "not before its end");
    at(&mut wide, Does::Release, (72, 30));
    assert_eq!(layout::of(&wide.model).list.right(), 73);
    let kept = wide.waiting.iter().any(
        |asked| matches!(asked, Request::Divided(sizes) if *sizes == wide.model.divided.sizes),
    );
    assert!(kept, "{:?}", wide.waiting);
    wide.resume();
    at(&mut wide, Does::Drag, (100, 30));
    assert_eq!(layout::of(&wide.model).list.right(), 73, "nothing is held any more");
    assert!(wide.text().contains('│'));
    let mut below = screen(80, 24);
    below.model.look.loaded.settings.preview = crate::config::Preview::Below;
    below.press("<Enter>");
    let between = layout::of(&below.model).between();
    at(&mut below, Does::Press, (40, between.y));
    at(&mut below, Does::Drag, (40, between.y + 4));
    assert_eq!(layout::of(&below.model).between().y, between.y + 4);
    let mut sidebar = screen(80, 24);
    at(&mut sidebar, Does::Press, (16, 10));
    at(&mut sidebar, Does::Release, (24, 10));
    assert_eq!(layout::of(&sidebar.model).sidebar.width, 25);
    // A press elsewhere lets go of a border whose end was not heard of.
    at(&mut sidebar, Does::Press, (24, 10));
    at(&mut sidebar, Does::Press, (40, 5));
    at(&mut sidebar, Does::Drag, (30, 10));
    assert_eq!(layout::of(&sidebar.model).sidebar.width, 25);
    for keys in ["?", "l", "c", "/"] {
        sidebar.press(keys);
        at(&mut sidebar, Does::Press, (24, 10));
        at(&mut sidebar, Does::Drag, (30, 10));
        assert_eq!(layout::of(&sidebar.model).sidebar.width, 25, "{keys}");
        sidebar.press("<Esc><Esc>");
    }
}
