//! Undo, redo and the history by keys.

use super::keys::{intents, screen};
use crate::command::context::Context;

#[test]
fn redo_names_what_was_undone_the_newest_first() {
    for (keys, asked) in [
        (
            "eszZ",
            &["Place(Archive) 00", "Star(false) 01", "Undo action-0002", "Redo action-0002"][..],
        ),
        (
            "eszzZZ",
            &[
                "Place(Archive) 00",
                "Star(false) 01",
                "Undo action-0002",
                "Undo action-0001",
                "Redo action-0001",
                "Redo action-0002",
            ],
        ),
        // What is done anew leaves nothing that this session knows of to redo.
        (
            "ezes<C-r>",
            &[
                "Place(Archive) 00",
                "Undo action-0001",
                "Place(Archive) 01",
                "Star(true) 02",
                "Redo last",
            ],
        ),
        // A redo is an action, and is undone by name.
        (
            "ezZz",
            &["Place(Archive) 00", "Undo action-0001", "Redo action-0001", "Undo action-0003"],
        ),
        ("Z", &["Redo last"]),
    ] {
        let mut screen = screen();
        screen.press(keys);
        assert_eq!(intents(&screen), asked, "{keys}");
    }
}

#[test]
fn a_redo_waits_for_the_undo_before_it() {
    let mut screen = screen();
    screen.press("e");
    screen.paused = true;
    screen.press("zZ");
    screen.resume();
    assert_eq!(
        intents(&screen),
        ["Place(Archive) 00", "Undo action-0001", "Redo action-0001"],
        "by name"
    );
}

#[test]
fn any_action_is_undone_and_done_again_out_of_order() {
    let mut screen = screen();
    screen.press("esgh");
    assert_eq!(screen.model.context(), Context::History);
    let text = screen.text();
    assert!(text.contains("History") && text.contains("starred"), "{text}");
    screen.press("ju");
    assert_eq!(intents(&screen)[2..], ["Undo action-0001"], "the older one");
    let text = screen.text();
    assert!(text.contains("undone"), "{text}");
    let row = screen.model.history.as_ref().and_then(|h| h.current()).unwrap();
    assert_eq!(row.action.as_str(), "action-0001", "the cursor stays with its action");
    screen.press("r");
    assert_eq!(intents(&screen)[3..], ["Redo action-0001"]);
    screen.press("ggju");
    assert_eq!(intents(&screen).len(), 4, "{}", screen.text());
    assert!(screen.text().contains("An undo is not undone"), "{}", screen.text());
    screen.press("q");
    assert_eq!(screen.model.context(), Context::List);
    // What was done again there is what `z` takes back first.
    screen.press("z");
    assert_eq!(intents(&screen)[4..], ["Undo action-0004"]);
}

#[test]
fn an_action_leads_to_its_conversations_and_back() {
    let mut screen = screen();
    screen.press("sjxjxjxsgh");
    screen.press("<Enter>");
    let text = screen.text();
    assert!(text.contains("3 conversations") && text.contains("inbox"), "{text}");
    assert_eq!(screen.model.context(), Context::History);
    screen.press("j<Enter>");
    assert_eq!(screen.model.context(), Context::Reader);
    screen.press("J");
    assert_eq!(screen.model.context(), Context::Reader, "the next of the action");
    screen.press("q");
    assert!(screen.text().contains("3 conversations"), "{}", screen.text());
    screen.press("q");
    let history = screen.model.history.as_ref().unwrap();
    assert!(history.reached.is_none());
    // The one conversation of an action is opened at once, and left to the history.
    screen.press("G<Enter>");
    assert_eq!(screen.model.context(), Context::Reader);
    screen.press("q");
    assert_eq!(screen.model.context(), Context::History);
    assert!(screen.text().contains("History"), "{}", screen.text());
    screen.press("qq");
    assert!(screen.exit.is_some(), "back to the list, and out");
}

#[test]
fn the_history_is_drawn_at_every_size() {
    for (columns, rows) in [(30, 6), (40, 10), (80, 24), (200, 50)] {
        let mut screen = screen();
        screen.press("e#sgh");
        screen.resize(columns, rows);
        assert!(screen.text().contains("History"), "{columns}x{rows}:\n{}", screen.text());
        screen.press("Gku<Enter>qq");
        assert!(screen.model.history.is_none());
    }
    let mut empty = screen();
    empty.press("gh");
    assert!(empty.text().contains("Nothing was done yet"), "{}", empty.text());
    empty.press("u<Enter>rqq");
}

#[test]
fn a_long_history_comes_page_by_page() {
    let mut screen = screen();
    for _ in 0..130 {
        screen.press("sk");
    }
    screen.press("gh");
    let held = |screen: &super::super::harness::Screen| {
        screen.model.history.as_ref().map(|h| (h.held(), h.more)).unwrap()
    };
    assert_eq!(held(&screen), (100, true));
    screen.press("G");
    assert_eq!(held(&screen), (130, false));
    screen.press("G");
    let row = screen.model.history.as_ref().and_then(|h| h.current()).unwrap();
    assert_eq!(row.action.as_str(), "action-0001");
    // What changes is asked for again, and all that was held stays.
    screen.press("u");
    assert_eq!(held(&screen), (131, false));
}

#[test]
fn the_history_is_looked_through_by_words() {
    let mut screen = screen();
    screen.press("sjejsgh");
    let shown = |screen: &super::super::harness::Screen| {
        screen.model.history.as_ref().map(|h| h.shown().count()).unwrap()
    };
    assert_eq!(shown(&screen), 3);
    screen.press("\\moved");
    assert_eq!(shown(&screen), 1, "{}", screen.text());
    assert!(screen.text().contains("1 action"), "{}", screen.text());
    // Out of order: what is found is undone, whatever came after it.
    screen.press("<Enter>u");
    assert_eq!(intents(&screen)[3..], ["Undo action-0002"]);
    assert_eq!(shown(&screen), 2, "it and its undo: {}", screen.text());
    screen.press("\\ undone<Enter>");
    assert_eq!(shown(&screen), 1);
    // Esc shows all again, and only then leaves.
    screen.press("<Esc>");
    assert_eq!((shown(&screen), screen.model.context()), (4, Context::History));
    screen.press("\\zebra");
    assert!(screen.text().contains("Nothing that was done has that"), "{}", screen.text());
    screen.press("u<Enter>");
    assert_eq!(intents(&screen).len(), 4, "a letter is text there");
    screen.press("u");
    assert_eq!(intents(&screen).len(), 4, "and no row is no row");
    screen.press("\\<Esc><Esc><Esc>");
    assert_eq!(screen.model.context(), Context::List);
}

#[test]
fn what_one_conversation_was_is_said_and_found() {
    let mut screen = screen();
    screen.press("jsgh");
    assert!(screen.text().contains("Lunch on Friday?"), "{}", screen.text());
    screen.press("\\friday");
    assert_eq!(screen.model.history.as_ref().unwrap().shown().count(), 1);
}

#[test]
fn older_pages_are_asked_for_until_enough_is_found() {
    let mut screen = screen();
    screen.press("e");
    for _ in 0..250 {
        screen.press("s");
    }
    screen.press("gh\\moved");
    let history = screen.model.history.as_ref().unwrap();
    assert_eq!((history.shown().count(), history.held(), history.more), (1, 251, false));
}
