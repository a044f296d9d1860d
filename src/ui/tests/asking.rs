//! The palette, the line, the help, prefixes and own keys: what they do is what a key does.

use super::keys::{intents, screen};
use crate::command::bindings;
use crate::command::context::Context;
use crate::engine::handle::Update;
use crate::ui::app::{Layer, Message, Quitting};
use crate::ui::double::{Double, NOW_MS};
use crate::ui::harness::Screen;
use crate::ui::which::AFTER_MS;

/// What `keys` ask for is what `others` do, and so is what is said.
fn same(keys: &str, others: &str) {
    let (mut one, mut other) = (screen(), screen());
    one.press(keys);
    other.press(others);
    assert_eq!(intents(&one), intents(&other), "{keys} {others}");
    let said = |screen: &Screen| screen.model.notice.clone().map(|n| (n.text, n.hint));
    assert_eq!(said(&one), said(&other), "{keys} {others}");
    assert_eq!(one.text(), other.text(), "{keys} {others}");
}

#[test]
fn a_command_does_what_its_key_does() {
    same("<C-k>archive<Enter>", "e");
    same("j<C-p>star<Enter>", "js");
    same("xjx<C-k>trash<Enter>", "xjx#");
    same("e<C-k>undo last<Enter>", "ez");
    same(":archive<Enter>", "e");
    same(":arch<Enter>", "e");
    same("xjx:trash<Enter>", "xjx#");
    same(":undo<Enter>", "z");
    same(":star<Enter>z", "sz");
    same("<Enter>:archive<Enter>", "<Enter>e");
    same(":go starred<Enter>", "gs");
    same(":go Sent<Enter>", "gt");
    same("j:label work<Enter>", "jlwork<Enter>");
    same(":label -work<Enter>", "lwork<Enter>");
    same("<C-k>Mark as read<Enter>", "I");
}

fn notice(screen: &Screen) -> String {
    screen.model.notice.as_ref().map(|n| format!("{} · {}", n.text, n.hint)).unwrap_or_default()
}

#[test]
fn what_is_not_understood_does_nothing_and_says_so() {
    for (keys, says) in [
        (":archvie<Enter>", "There is no command archvie · archive is near"),
        (":zebra<Enter>", "There is no command zebra"),
        (":archive now<Enter>", "archive takes no words"),
        (":go wrok<Enter>", "There is no list wrok · Work is near"),
        (":label -Wrok<Enter>", "There is no label Wrok · Work is near"),
        (":label inbox<Enter>", "no label that is put on by hand"),
        (":snooze soon<Enter>", "that is no time"),
        (":fold<Enter>", "fold does nothing in the list"),
        ("gd:archive<Enter>", "archive does nothing in the drafts"),
        ("gd:label Work<Enter>", "label does nothing in the drafts"),
    ] {
        let mut screen = screen();
        screen.press(keys);
        assert!(notice(&screen).contains(says), "{keys}: {}", notice(&screen));
        assert_eq!(intents(&screen), [""; 0], "{keys}");
        assert!(screen.model.layers.is_empty(), "{keys}");
    }
}

#[test]
fn labels_and_people_are_gone_to() {
    let mut one = screen();
    one.press("<C-k>work<Enter>");
    assert_eq!(one.model.label_name(&one.model.list.label.clone()), "Work");
    one.press(":label Big Plans<Enter>");
    assert!(intents(&one)[0].starts_with("NewLabel Big Plans"), "{:?}", intents(&one));
    one.press(":search from:ann<Enter>");
    assert!(one.model.search.as_ref().is_some_and(|s| !s.open && s.line.text() == "from:ann"));
    one.press(":search from:bob<Enter><Esc>");
    assert!(one.model.search.is_none(), "one step back");
}

#[test]
fn a_label_that_vanishes_is_said_and_nothing_is_done() {
    let mut screen = screen();
    screen.press("<C-k>travel");
    screen.double.user_labels.retain(|name| name != "Travel");
    screen.labels();
    let before = screen.model.list.label.clone();
    screen.press("<Enter>");
    assert!(notice(&screen).contains("Travel is not here any more"), "{}", notice(&screen));
    assert_eq!((screen.model.list.label.clone(), intents(&screen)), (before, Vec::new()));
}

/// A row that goes while a box lies over it takes no other row with it.
#[test]
fn a_row_that_vanishes_is_said_and_no_other_row_is_touched() {
    for keys in ["j<C-k>archive", "j:archive", "j:trash", "j<C-k>Put labels"] {
        let mut screen = screen();
        screen.press(keys);
        screen.double.rows.remove(1);
        screen.send(Message::Engine(Box::new(Update::Changed)));
        screen.press("<Enter>");
        assert!(notice(&screen).contains("nothing was done"), "{keys}: {}", notice(&screen));
        assert_eq!(intents(&screen), [""; 0], "{keys}");
        assert!(screen.model.layers.is_empty(), "{keys}");
    }
    // The conversation that is read goes.
    let mut screen = screen();
    screen.press("<Enter><C-k>archive");
    let id = screen.model.reader.as_ref().unwrap().row.thread.clone();
    screen.double.log.clear();
    screen.send(Message::Engine(Box::new(Update::Thread(id, None))));
    screen.press("<Enter>");
    assert_eq!(intents(&screen), [""; 0]);
}

#[test]
fn what_was_used_last_is_first() {
    let mut screen = screen();
    screen.press("<C-k>star<Enter><C-k>");
    let first = |screen: &Screen| match screen.model.layers.last() {
        Some(Layer::Palette(open)) => open.found[0].title.clone(),
        _ => String::new(),
    };
    assert_eq!(first(&screen), "Star; unstar when all are starred");
    screen.press("<Up><Down>");
    assert!(matches!(screen.model.layers.last(), Some(Layer::Palette(open)) if open.cursor == 0));
    screen.press("<Esc>");
    assert!(screen.model.layers.is_empty());
}

#[test]
fn lines_are_completed_and_remembered() {
    let mut screen = screen();
    let line = |screen: &Screen| match screen.model.layers.last() {
        Some(Layer::Ex(open)) => open.line.text().to_owned(),
        _ => String::new(),
    };
    screen.press(":archi<Tab>");
    assert_eq!(line(&screen), "archive");
    screen.press("<Enter>:la<Tab>");
    assert_eq!(line(&screen), "label ");
    screen.press("<Esc>:label tr<Tab>");
    assert_eq!(line(&screen), "label Travel");
    screen.press("<Enter>:<Up>");
    assert_eq!(line(&screen), "label Travel");
    screen.press("<Up><Up>");
    assert_eq!(line(&screen), "archive");
    screen.press("<Down><Down>");
    assert_eq!(line(&screen), "");
    screen.press("<Backspace>");
    assert!(screen.model.layers.is_empty(), "nothing is left to erase");
    screen.press(":q<Enter>");
    assert_eq!(screen.model.quitting, Quitting::Saving);
}

#[test]
fn the_help_is_found_by_words_and_keys() {
    let mut screen = screen();
    for (typed, there, not) in [
        ("spam", "Move to spam", "Move to the trash"),
        ("g i", "Inbox", "Starred"),
        ("ctrl-d", "Half a page down", "Archive"),
        ("#", "Move to the trash", "Move to spam"),
        ("enter", "Open the conversation", "Star;"),
        ("qqq", "no key is about that", "Archive"),
    ] {
        screen.press("?").press(typed);
        let text = screen.text();
        assert!(text.contains(there) && !text.contains(not), "{typed}: {text}");
        screen.press("<Esc>");
        assert!(matches!(screen.model.layers.last(), Some(Layer::Help(_))), "all is shown again");
        screen.press("<Esc>");
        assert!(screen.model.layers.is_empty());
    }
    screen.press(":help archive<Enter>");
    assert!(screen.text().contains("Archive: out of the inbox"));
    assert_eq!(intents(&screen), [""; 0]);
}

#[test]
fn a_prefix_that_stands_says_what_may_follow() {
    for (columns, rows) in [(40, 10), (80, 24), (200, 50)] {
        let mut screen = Screen::new(Double::sample(), columns, rows);
        screen.press("g");
        let at_once = screen.text();
        screen.send(Message::Time(NOW_MS + AFTER_MS - 1));
        assert_eq!(screen.text(), at_once);
        screen.send(Message::Time(NOW_MS + AFTER_MS));
        insta::assert_snapshot!(format!("which-{columns}x{rows}"), screen.text());
        screen.press("<Esc>");
        assert_eq!((screen.model.keys.len(), notice(&screen)), (0, String::new()));
        screen.press("gs");
        assert_eq!(screen.model.list.label.as_str(), "starred");
    }
}

#[test]
fn rows_are_selected_by_kind_and_by_range() {
    for (keys, wanted) in [
        ("*a", 14),
        ("*a*n", 0),
        ("*u", 3),
        ("*r", 11),
        ("*s", 2),
        ("jVjj", 3),
        ("jVjjk", 2),
        ("jVkV", 2),
        ("xjjVj", 3),
        ("jVjVjj", 2),
        ("jVjj<Esc>", 0),
    ] {
        let mut screen = screen();
        screen.press(keys);
        assert_eq!(screen.model.list.selected.len(), wanted, "{keys}");
    }
    let mut screen = screen();
    screen.press("jVjje");
    assert_eq!(intents(&screen), ["Place(Archive) 01 02 03"], "one step");
    assert!(screen.model.list.range.is_none());
    screen.press("j");
    assert!(screen.model.list.selected.is_empty(), "the range has ended");
}

#[test]
fn own_keys_hold_everywhere() {
    let mut screen = screen();
    let text = "preset = \"vim\"\n[keys]\nspam = \"X\"\narchvie = \"e\"\n";
    screen.send(Message::Keys(bindings::read(text)));
    assert!(notice(&screen).starts_with("keys.toml line 4: no command is called archvie"));
    assert!(notice(&screen).contains("archive is near"));
    screen.press("dd");
    assert_eq!(intents(&screen), ["Place(Trash) 00"]);
    screen.press("X?mark as");
    assert_eq!(screen.model.context(), Context::Help);
    screen.press("<Esc><Esc>?spam");
    assert!(screen.text().contains("X              Move to spam"), "{}", screen.text());
    screen.press("<Esc><Esc><C-k>to spam");
    assert!(screen.text().lines().any(|l| l.contains("Move to spam  ") && l.contains("  X ")));
    screen.send(Message::Keys(bindings::read("")));
    assert!(notice(&screen).contains("keys.toml"), "it is said");
    screen.press("<Esc>e");
    assert_eq!(intents(&screen).last().unwrap(), "Place(Archive) 02");
}

#[test]
fn a_conversation_is_moved_by_a_typed_line() {
    let mut screen = screen();
    screen.press(":move trash<Enter>");
    assert_eq!(intents(&screen), ["Place(Trash) 00"]);
    screen.press(":move WORK<Enter>");
    assert!(
        intents(&screen)[1].starts_with("Label(LabelId(\"work\"), true)"),
        "{:?}",
        intents(&screen)
    );
    screen.press(":move wrok<Enter>");
    assert_eq!(intents(&screen).len(), 2);
    assert!(screen.text().contains("There is no place or label wrok · Work is near"));
    screen.press(":move tra<Tab><Enter>");
    assert_eq!(intents(&screen)[2..], ["Place(Trash) 02"], "completed");
}

#[test]
fn keys_that_mean_nothing_are_named_as_they_were_pressed() {
    let mut screen = screen();
    screen.press("gx");
    assert!(screen.text().contains("g x does nothing here"), "{}", screen.text());
}
