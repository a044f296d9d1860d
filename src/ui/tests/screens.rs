//! What the screens look like. `INSTA_UPDATE=always` writes them anew; read the difference.

use crate::command::registry;
use crate::ui::app::Message;
use crate::ui::double::{Double, NOW_MS};
use crate::ui::harness::Screen;
use crate::ui::view::help;

use super::beginning::told;

fn check(name: &str, size: (u16, u16), keys: &str) {
    let mut screen = Screen::new(Double::sample(), size.0, size.1);
    screen.press(keys);
    insta::assert_snapshot!(name, screen.text());
}

#[test]
fn list() {
    check("list-80x24", (80, 24), "jxj");
    check("list-60x15", (60, 15), "jxj");
    check("list-40x10", (40, 10), "j");
    check("notice-40x10", (40, 10), "#");
    check("notice-60x15", (60, 15), "#");
    check("list-140x30", (140, 30), "je");
    check("list-30x6", (30, 6), "j");
    check("list-200x50", (200, 50), "jj");
    check("list-all-80x24", (80, 24), "ega");
    check("list-empty-60x15", (60, 15), "gd");
    check("list-prefix-80x24", (80, 24), "g");
}

#[test]
fn reader() {
    check("reader-80x24", (80, 24), "j<Enter>");
    check("reader-60x15", (60, 15), "<Enter>;gg");
    check("reader-40x10", (40, 10), "<Enter>");
    check("reader-140x30", (140, 30), "<Enter>");
    check("reader-200x50", (200, 50), "j<Enter>");
}

#[test]
fn layers() {
    check("picker-80x24", (80, 24), "<Space><Space>lra");
    check("picker-60x15", (60, 15), "l");
    check("picker-40x10", (40, 10), "l");
    check("colours-80x24", (80, 24), "l<C-o>jj");
    check("rename-40x10", (40, 10), "l<C-r>");
    check("palette-80x24", (80, 24), "<C-k>");
    check("palette-typed-80x24", (80, 24), "<C-p>wo<Down>");
    check("palette-40x10", (40, 10), "<C-k>lab");
    check("palette-200x50", (200, 50), "<Enter><C-k>re");
    check("line-80x24", (80, 24), ":");
    check("line-40x10", (40, 10), ":la<Tab>");
    check("line-200x50", (200, 50), ":go <Tab>");
    check("help-typed-80x24", (80, 24), "?label");
    check("help-key-40x10", (40, 10), "?g i");
    check("help-40x10", (40, 10), "?");
    check("help-200x50", (200, 50), "?");
    check("purge-80x24", (80, 24), "##Day");
    check("purge-40x10", (40, 10), "#Da");
    check("purge-30x6", (30, 6), "#Da");
    check("help-80x24", (80, 24), "?");
    check("help-60x15", (60, 15), "<Enter>?<C-d>");
}

/// Files of an older format take a while to open, and nothing can be shown of them before.
#[test]
fn an_older_mailbox() {
    for (columns, rows) in [(40, 10), (80, 24)] {
        let mut screen = Screen::older(columns, rows);
        screen.send(Message::Time(NOW_MS + 3_000));
        insta::assert_snapshot!(format!("older-{columns}x{rows}"), screen.text());
        screen.press("q");
        assert!(screen.exit.is_some(), "it can be left");
    }
}

#[test]
fn the_first_page_is_taken_however_late_it_comes() {
    for keys in ["", "gs", "j"] {
        let mut screen = Screen::unanswered(80, 24);
        screen.press(keys);
        screen.send(Message::Time(NOW_MS + 60_000));
        screen.press("k");
        screen.send(Message::Time(NOW_MS + 120_000));
        screen.resume();
        assert!(screen.model.list.loaded, "{keys:?}");
        assert!(!screen.model.list.rows.is_empty(), "{keys:?}");
    }
}

#[test]
fn scripts() {
    for (columns, rows) in [(40, 10), (80, 24), (200, 50)] {
        let mut screen = Screen::new(Double::scripts(), columns, rows);
        screen.press("jxj");
        insta::assert_snapshot!(format!("scripts-{columns}x{rows}"), screen.text());
    }
}

#[test]
fn first_run() {
    for (columns, rows) in [(80, 24), (60, 15), (40, 10), (200, 50)] {
        let mut screen = Screen::first_run(told(), columns, rows);
        screen.press("j");
        insta::assert_snapshot!(format!("first-run-{columns}x{rows}"), screen.text());
    }
    let mut screen = Screen::first_run(told(), 80, 24);
    screen.press("3~/old");
    insta::assert_snapshot!("first-run-path-80x24", screen.text());
}

#[test]
fn a_screen_that_is_too_small_says_so_in_one_line() {
    for (columns, rows) in [(29, 6), (80, 5), (10, 1), (1, 1)] {
        let screen = Screen::new(Double::sample(), columns, rows);
        let text = screen.text();
        let line = text.lines().next().unwrap();
        let said = line.trim_end_matches('…');
        let full = ["terminal too small: 30x6 needed", "too small: 30x6 needed", "too small"];
        assert!(full.iter().any(|full| full.starts_with(said)), "{text}");
        assert_eq!(text.trim().lines().count(), 1);
    }
}

#[test]
fn help_lists_every_command_with_its_keys() {
    let mut screen = Screen::new(Double::sample(), 80, 240);
    // The tour is there in the sample mailbox only.
    screen.model.demo = true;
    screen.press("?");
    let text = screen.text();
    for command in registry::all() {
        let listed = text.lines().any(|line| {
            line.contains(command.does) && command.keys.iter().all(|key| line.contains(key))
        });
        assert!(listed, "{} is not in the help", command.name);
    }
    assert!(help::lines(&screen.model, "").len() > registry::all().count());
}

#[test]
fn without_colour_nothing_is_lost_but_colour() {
    let mut screen = Screen::new(Double::sample(), 80, 24);
    screen.press("jxs");
    let coloured = screen.text();
    screen.model.theme = crate::ui::theme::Theme::new(false);
    screen.draw();
    assert_eq!(screen.text(), coloured);
    for cell in &screen.buffer().content {
        assert_eq!(cell.fg, ratatui::style::Color::Reset);
        assert_eq!(cell.bg, ratatui::style::Color::Reset);
    }
}

#[test]
fn a_long_error_gives_its_hint_the_line_of_the_keys() {
    let mut screen = Screen::new(Double::sample(), 60, 15);
    let notice = crate::notice::Notice::error(
        "refused",
        "The backend refused this device: the token is wrong",
        "give the token of the backend with --token-file",
    );
    let update = crate::engine::handle::Update::Notice(notice);
    screen.send(crate::ui::app::Message::Engine(Box::new(update)));
    let text = screen.text();
    let mut last = text.trim_end().lines().rev();
    let hint = "give the token of the backend with --token-file";
    assert!(last.next().unwrap().contains(hint), "{text}");
    assert!(last.next().unwrap().contains("✗ The backend refused this device"), "{text}");
}
