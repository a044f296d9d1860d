//! Every view at every size, in every script: the cursor and a key are seen, columns stand in
//! line, and no sign is cut in two.

use unicode_segmentation::UnicodeSegmentation as _;

use super::beginning::told;
use crate::config::Loaded;
use crate::engine::handle::Update;
use crate::engine::sizes::Sizes;
use crate::engine::view::ImportProgress;
use crate::ui::ability::{Ability, Colours};
use crate::ui::app::Message;
use crate::ui::double::{Double, NOW_MS};
use crate::ui::harness::Screen;
use crate::ui::text;
use crate::ui::theme::Theme;

/// The smallest screen that is drawn, small ones, the usual one, and a large one.
const SIZES: [(u16, u16); 7] =
    [(30, 6), (40, 10), (60, 15), (80, 24), (100, 30), (140, 40), (200, 50)];

/// The views, by the keys that lead there from the list.
pub(super) const VIEWS: [(&str, &str); 52] = [
    ("list", "jj"),
    ("the last row", "G"),
    ("selection", "xjxs"),
    ("reader", "<Enter>"),
    ("a message further down", "<Enter>;G"),
    ("picker", "l"),
    ("colours", "l<C-o>"),
    ("a label's name", "l<C-r>"),
    ("picker with a filter", "l日本<Left>e\u{301}"),
    ("a search", "/the"),
    ("a search of a word in another script", "/日本"),
    ("what was found", "/the<Enter>j"),
    ("a conversation that was found", "/the<Enter><Enter>"),
    ("a query that is wrong", "/lunch before:never"),
    ("a search's name", "/the<Enter><C-s>"),
    ("until when", "h"),
    ("until a time that is typed", "hin 2 weeks"),
    ("links", "<Enter>L"),
    ("a range", "Vjj"),
    ("folded and unfolded", "<Enter>;Q"),
    ("one pane", "ww<Enter>"),
    ("saves", "cb@x.org<Tab><Tab>x<C-x>h"),
    ("a file to attach", "c<C-x>a"),
    ("what one action was done to", "egh<Enter>"),
    ("a move", "v"),
    ("a move somewhere", "v日本"),
    ("finding", "<Enter>\\日本"),
    ("headers in full", "j<Enter>O"),
    ("a count", "12"),
    ("all is done", "*ae<Esc>"),
    ("help", "?"),
    ("the help's end", "?<End>"),
    ("the help about a word", "?日本"),
    ("the palette", "<C-k>"),
    ("the palette about a word", "<C-k>la日"),
    ("a command", ":"),
    ("a label's command", ":label 日本"),
    ("a prefix", "g"),
    ("nothing here", "gd"),
    ("history", "gh"),
    ("deleting for ever", "#Da"),
    ("accounts", "gm"),
    ("notices", "#zgn"),
    ("statistics", "gS"),
    ("latency", "gLj"),
    ("a new message", "c"),
    ("proposals", "ca"),
    ("an answer", "j<Enter>aHello 日本語 👩\u{200d}👩\u{200d}👧 e\u{301}"),
    ("a wrong address", "c日本語, b@<Tab>x"),
    ("sending", "cb@localhost<Tab><Tab><Tab><Tab>attached<C-x>s<Down><Down>"),
    ("drafts", "cb@x.org, 日本語<Esc>gd"),
    ("the outbox", "cb@x.org<Tab><Tab><Tab>日本語<Tab>x<C-x>s<Enter>go"),
];

fn import(done: u64, ended: bool) -> Message {
    let progress = ImportProgress { done, total: Some(41_203), imported: done, failed: 2, ended };
    Message::Engine(Box::new(Update::Import(progress)))
}

/// What holds of every view.
fn check(what: &str, screen: &Screen) {
    let shown = screen.text();
    let (columns, rows) = screen.model.size;
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), usize::from(rows), "{what}");
    for line in &lines {
        assert!(text::width(line) <= usize::from(columns), "{what}: {line:?}");
    }
    for cell in &screen.buffer().content {
        let symbol = cell.symbol();
        assert!(symbol.graphemes(true).count() <= 1, "{what}: {symbol:?} is more than one sign");
        let alone = symbol.chars().next().is_some_and(|first| {
            // What joins on to the sign before it stands in no cell of its own.
            unicode_width::UnicodeWidthChar::width(first) == Some(0)
        });
        assert!(!alone, "{what}: a part of a sign, {symbol:?}\n{shown}");
    }
    let keys =
        ["Enter", "Esc", "? help", "q quit", "u back", "C-x s", "g d", "· z", "g…", "z undoes"];
    let last = lines.last().unwrap();
    // A box may say its own keys.
    let said = shown.contains("Enter")
        || last.starts_with(" :")
        || keys.iter().any(|key| last.contains(key));
    assert!(said, "{what}: no key in {last:?}\n{shown}");
}

#[test]
fn every_view_holds_at_every_size_in_every_script() {
    for (columns, rows) in SIZES {
        for double in [Double::sample, Double::scripts] {
            for (view, keys) in VIEWS {
                let mut screen = Screen::new(double(), columns, rows);
                screen.press(keys);
                let what = format!("{view} at {columns}x{rows}");
                if rows < 10 && screen.model.notice.is_some() {
                    // Said and keys share the one line at the bottom.
                    screen.send(Message::Time(NOW_MS + 20_000));
                }
                check(&what, &screen);
                let points = ["list", "the last row", "selection", "picker"].contains(&view);
                assert!(!points || screen.text().contains('▸'), "{what}: {}", screen.text());
            }
        }
    }
}

/// What is set, and what only comes from outside: at every size too.
#[test]
fn what_is_set_and_what_comes_holds_at_every_size() {
    let with = |text: &str| Message::Settings(Box::new(Loaded::of(Some(text), |_| None)));
    for (columns, rows) in SIZES {
        for double in [Double::sample, Double::scripts] {
            let at = |what: &str| format!("{what} at {columns}x{rows}");
            for (view, text, keys) in [
                ("tabs", "tabs = [\"inbox\", \"unread\", \"label:Work\"]", "<Tab>j"),
                ("two lines a row", "density = \"comfortable\"", "jj"),
                ("read below", "preview = \"below\"", "j<Enter>"),
                ("read alone", "preview = \"off\"\nsidebar = false", "j<Enter>"),
                ("read in few columns", "preview_width = 40", "j<Enter>"),
            ] {
                let mut screen = Screen::new(double(), columns, rows);
                screen.send(with(text));
                screen.press(keys);
                // What was set was read; where it shares a line with the keys, these come back.
                screen.send(Message::Time(NOW_MS + 20_000));
                check(&at(view), &screen);
                let list = crate::ui::layout::of(&screen.model).list;
                assert!(list.width == 0 || screen.text().contains('▸'), "{}", at(view));
            }
            // However the screen was divided: wider and narrower than it is.
            for part in [1, 9, 45, 900] {
                let sizes = Sizes { sidebar: part, list: part, above: part };
                for text in ["preview = \"right\"", "preview = \"below\""] {
                    let mut screen = Screen::new(double(), columns, rows);
                    screen.send(Message::Engine(Box::new(Update::Sizes(sizes))));
                    screen.send(with(text));
                    screen.send(Message::Time(NOW_MS + 20_000));
                    check(&at("divided"), &screen);
                    screen.press("j<Enter>");
                    check(&at("divided and read"), &screen);
                }
            }
            let mut files = Screen::new(double(), columns, rows);
            files.press("<Enter>");
            let messages = files.model.reader.as_mut().unwrap().messages.as_mut().unwrap();
            for (n, name) in ["notes 日本語 e\u{301}.txt", "a.png"].into_iter().enumerate() {
                super::files::attach(&mut messages[n], name, "text/plain");
            }
            files.press("A");
            check(&at("files"), &files);
            files.press("s");
            check(&at("where a file goes"), &files);
            let mut demo = Screen::new(double(), columns, rows);
            demo.model.demo = true;
            demo.model.tour = Some(crate::ui::tour::Tour::default());
            demo.press("j");
            check(&at("the tour"), &demo);
        }
        check(&format!("an older mailbox at {columns}x{rows}"), &Screen::older(columns, rows));
    }
}

#[test]
fn columns_stand_in_line_in_every_script() {
    for (columns, rows) in SIZES {
        let mut screen = Screen::new(Double::scripts(), columns, rows);
        screen.press("j");
        let buffer = screen.buffer();
        let areas = crate::ui::layout::areas((columns, rows), false);
        for y in areas.list.top()..areas.list.bottom() {
            // The date ends in the last column but one of the list, whatever stands before it.
            let (end, after) = (&buffer[(columns - 2, y)], &buffer[(columns - 1, y)]);
            assert!(end.symbol().chars().all(|c| c.is_ascii_alphanumeric()), "row {y}");
            assert_eq!(after.symbol(), " ", "row {y}");
            let rule = areas.sidebar.width.checked_sub(1).map(|x| buffer[(x, y)].symbol());
            assert!(rule.is_none_or(|rule| rule == "│"), "row {y}: {rule:?}");
        }
    }
}

#[test]
fn the_first_run_and_its_import_hold_at_every_size() {
    for (columns, rows) in SIZES {
        let at = |what: &str| format!("{what} at {columns}x{rows}");
        let mut screen = Screen::first_run(told(), columns, rows);
        check(&at("first run"), &screen);
        assert!(screen.text().contains('▸'), "{}", screen.text());
        screen.press("3");
        screen.send(Message::Paste("日本/👩\u{200d}👩\u{200d}👧/".repeat(9)));
        check(&at("a path"), &screen);
        screen.press("<Esc>");
        screen.paused = true;
        screen.press("2");
        screen.send(Message::Time(NOW_MS + 6_000));
        screen.send(import(18_240, false));
        check(&at("import"), &screen);
        let shown = screen.text();
        assert!(shown.contains("importing"), "{}: {shown}", at("import"));
        screen.send(import(41_203, true));
        check(&at("imported"), &screen);
    }
}

#[test]
fn screens_of_any_size_are_drawn_without_a_word_of_panic() {
    for keys in ["jj", "<Enter>", "l", "?"] {
        let mut screen = Screen::new(Double::scripts(), 80, 24);
        screen.press(keys);
        for columns in [0, 1, 2, 8, 29, 30, 31, 71, 72, 129, 130, 300] {
            for rows in [0, 1, 2, 5, 6, 9, 10, 13, 14, 80] {
                screen.resize(columns, rows);
            }
        }
        screen.resize(80, 24);
        check(keys, &screen);
    }
    for size in [(20, 5), (9, 1), (200, 5), (29, 50)] {
        let screen = Screen::new(Double::sample(), size.0, size.1);
        assert!(screen.text().contains("too small"), "{}", screen.text());
    }
}

#[test]
fn a_font_of_few_signs_is_given_none_of_ours() {
    let mut screen = Screen::new(Double::sample(), 80, 24);
    screen.model.theme =
        Theme::of(Ability { screen: true, colours: Colours::Sixteen, signs: false });
    for keys in ["jxs", "<Enter>", "l", "<Esc>?"] {
        screen.press(keys);
        let shown = screen.text();
        let missing = ['▸', '●', '★', '✓', '…', '╭', '›'];
        assert!(!shown.contains(missing), "{shown}");
    }
    screen.press("<Esc><Esc>");
    assert!(screen.text().contains('>') && screen.text().contains('*'), "{}", screen.text());
}
