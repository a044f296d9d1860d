//! What changes under the hand: a label, a conversation, a file of settings. It is said, and no key
//! does it to something else.

use super::keys::{intents, screen};
use crate::command::bindings;
use crate::config::Loaded;
use crate::engine::handle::Update;
use crate::label::Place;
use crate::ui::app::{Layer, Message};
use crate::ui::double::{Double, NOW_MS};
use crate::ui::harness::Screen;

fn notice(screen: &Screen) -> String {
    screen.model.notice.as_ref().map(|n| format!("{} · {}", n.text, n.hint)).unwrap_or_default()
}

/// The screen on which another device deletes the label of this name.
fn without(screen: &mut Screen, name: &str) {
    screen.double.user_labels.retain(|known| known != name);
    let labels = Update::Labels(screen.double.labels());
    screen.send(Message::Engine(Box::new(labels)));
}

#[test]
fn a_label_that_vanishes_is_not_replaced_by_its_neighbour() {
    // Chosen, deleted, renamed, recoloured: with the cursor on it, or with its box open.
    for keys in ["<Enter>", "<Tab>", "<C-x>", "<C-r>", "<C-o>"] {
        let mut screen = screen();
        screen.press("l<Down>");
        without(&mut screen, "Money");
        screen.press(keys);
        assert_eq!(intents(&screen), [""; 0], "{keys}");
        assert!(notice(&screen).starts_with("Money is not here any more"), "{keys}");
    }
    for keys in ["<C-r>", "<C-o>"] {
        let mut screen = screen();
        screen.press("l<Down>");
        screen.press(keys);
        without(&mut screen, "Money");
        screen.press("<Down><Enter>");
        assert_eq!(intents(&screen), [""; 0], "{keys}");
        assert!(notice(&screen).starts_with("Money is not here any more"), "{keys}");
        assert!(matches!(screen.model.layers[..], [Layer::Picker(_)]), "{keys}");
    }
}

/// The open conversation as another device has moved it.
fn moved(screen: &mut Screen, place: Place) {
    let reader = screen.model.reader.as_ref().unwrap();
    let (id, mut row) = (reader.row.thread.clone(), reader.row.clone());
    let messages = reader.messages.clone().unwrap();
    row.place = place;
    let thread = crate::engine::view::Thread { row, messages };
    screen.send(Message::Engine(Box::new(Update::Thread(id, Some(Box::new(thread))))));
}

#[test]
fn a_conversation_that_is_moved_elsewhere_while_it_is_read_says_so() {
    let mut screen = screen();
    screen.press("<Enter>");
    // What was read by opening it was long ago.
    screen.send(Message::Time(NOW_MS + 10_000));
    moved(&mut screen, Place::Trash);
    assert!(screen.model.reader.is_some(), "what is read stays");
    assert!(
        notice(&screen).starts_with("This conversation is in Trash now"),
        "{}",
        notice(&screen)
    );
    // What comes again says nothing new.
    screen.model.notice = None;
    moved(&mut screen, Place::Trash);
    assert_eq!(notice(&screen), "");
}

#[test]
fn what_is_done_here_is_not_said_to_come_from_elsewhere() {
    let mut screen = screen();
    screen.press("<Enter>");
    screen.send(Message::Time(NOW_MS + 10_000));
    screen.press("s");
    moved(&mut screen, Place::Archive);
    assert!(!notice(&screen).contains("now"), "{}", notice(&screen));
}

#[test]
fn every_mistake_in_a_file_stands_among_the_notices() {
    let mut screen = screen();
    let loaded = Loaded::of(Some("themme = 1\nhours = 7\ntabs = 3"), |_| None);
    screen.send(Message::Settings(Box::new(loaded)));
    assert!(notice(&screen).contains("themme"), "{}", notice(&screen));
    assert!(notice(&screen).ends_with("and 2 more: g n shows them"), "{}", notice(&screen));
    screen.send(Message::Keys(bindings::read("[keys]\nspamm = \"X\"\ntrahs = \"Y\"")));
    assert!(notice(&screen).contains("spamm"), "{}", notice(&screen));
    screen.press("gn");
    let text = screen.text();
    for wrong in ["themme", "hours", "tabs", "spamm", "trahs"] {
        assert!(text.contains(wrong), "{wrong}: {text}");
    }
    let at = |what: &str| text.find(what).unwrap();
    assert!(at("line 1: themme") < at("line 2: hours"), "in their order: {text}");
}

#[test]
fn all_that_is_listed_is_more_than_what_is_loaded() {
    let mut screen = Screen::new(Double::many(2_000), 80, 24);
    assert!(screen.model.list.rows.len() < 200);
    screen.press("*a");
    assert_eq!(screen.model.list.selected.len(), 2_000);
    assert_eq!(notice(&screen), "Selected 2,000 conversations · ");
    screen.press("e");
    assert_eq!(screen.double.log.len(), 1, "one action");
    assert!(screen.model.list.rows.is_empty(), "inbox zero");
    screen.press("z");
    assert_eq!(intents(&screen)[1..], ["Undo action-0001"]);
    // Keys wait for what they are for.
    let mut screen = Screen::new(Double::many(2_000), 80, 24);
    screen.paused = true;
    screen.press("*ae");
    assert_eq!((screen.double.log.len(), screen.model.held.len()), (0, 1));
    screen.resume();
    let sent =
        screen.double.log.first().map(|intent| format!("{intent:?}").matches("seen").count());
    assert!(sent.is_some_and(|many| many >= 2_000), "{sent:?}");
    // More than can be selected at once is said.
    let mut screen = Screen::new(Double::many(10_050), 80, 24);
    screen.press("*a");
    let said = "Selected 10,000 conversations · among the first 10,000 of the list";
    assert_eq!(notice(&screen), said);
}

#[test]
fn a_list_that_does_not_answer_leaves_the_keys_behind_a_selection_undone() {
    let mut screen = Screen::new(Double::many(2_000), 80, 24);
    screen.paused = true;
    screen.press("*ae");
    screen.send(Message::Time(NOW_MS + 60_000));
    assert!(notice(&screen).contains("nothing was selected or done"), "{}", notice(&screen));
    screen.resume();
    assert_eq!(intents(&screen), [""; 0]);
    assert!(screen.model.list.selected.is_empty() && screen.model.held.is_empty());
}
