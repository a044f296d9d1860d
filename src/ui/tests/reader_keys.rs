//! The reader's keys: found in it, headers in full, quotes unfolded; a key that is held.

use crate::engine::handle::Update;
use crate::engine::view::Thread;
use crate::ui::app::{Layer, Message};
use crate::ui::double::Double;
use crate::ui::harness::Screen;
use crate::ui::reader::Kind;

/// A reader on a conversation whose last message says this.
fn reading(size: (u16, u16), text: &str) -> Screen {
    let mut screen = Screen::new(Double::sample(), size.0, size.1);
    screen.press("j<Enter>");
    let reader = screen.model.reader.as_ref().unwrap();
    let mut thread = Thread { row: reader.row.clone(), messages: reader.messages.clone().unwrap() };
    let last = thread.messages.last_mut().unwrap();
    text.clone_into(&mut last.text);
    last.message_id = Some("figures-7@example.org".to_owned());
    last.references = vec!["first@example.org".to_owned(), "second@example.org".to_owned()];
    let id = thread.row.thread.clone();
    screen.send(Message::Engine(Box::new(Update::Thread(id, Some(Box::new(thread))))));
    screen
}

/// A message with a long quote, a short one and a signature.
fn letter() -> String {
    let long = "> Somebody said a lot about figures before that.\n".repeat(12);
    format!("Yes.\n\n{long}\nAnd no.\n\n> Really?\n\nIndeed.\n-- \nAnn Example\nRoom 7\n")
}

#[test]
fn a_long_quote_is_folded_until_a_key_unfolds_it() {
    for (name, size) in
        [("quotes-40x10", (40, 10)), ("quotes-80x24", (80, 24)), ("quotes-200x50", (200, 50))]
    {
        let mut screen = reading(size, &letter());
        let many = |screen: &Screen, wanted: fn(&Kind) -> bool| {
            let reader = screen.model.reader.as_ref().unwrap();
            reader.lines.iter().filter(|line| wanted(&line.kind)).count()
        };
        let quoted = |kind: &Kind| matches!(kind, Kind::Quote(_));
        assert_eq!(many(&screen, |kind| *kind == Kind::Folded), 1);
        assert_eq!(many(&screen, quoted), 1);
        screen.press(if size.1 < 24 { "8j" } else { "" });
        insta::assert_snapshot!(name, screen.text());
        screen.press("Q");
        assert_eq!(many(&screen, |kind| *kind == Kind::Folded), 0);
        assert!(many(&screen, quoted) >= 13);
        assert_eq!(many(&screen, |kind| *kind == Kind::Signature), 3);
        screen.press("Q");
        assert_eq!(many(&screen, |kind| *kind == Kind::Folded), 1);
    }
}

#[test]
fn headers_are_shown_in_full_and_what_is_read_stays_in_sight() {
    for (name, size) in
        [("headers-40x10", (40, 10)), ("headers-80x24", (80, 24)), ("headers-200x50", (200, 50))]
    {
        let mut screen = reading(size, &letter());
        let first = |screen: &Screen| {
            let reader = screen.model.reader.as_ref().unwrap();
            reader.lines[reader.top].clone()
        };
        screen.press("O");
        assert!(matches!(first(&screen).kind, Kind::Head { .. }), "{}", screen.text());
        insta::assert_snapshot!(name, screen.text());
        let reader = screen.model.reader.as_ref().unwrap();
        let all: String = reader.lines.iter().map(|line| line.text.as_str()).collect();
        assert!(all.contains("Message-ID: figures-7@example.org"), "{all}");
        assert!(all.contains("<bob.builder@example.org>"), "{all}");
        screen.press("O");
        assert!(screen.text().contains("Carla Diaz"), "{}", screen.text());
        assert!(!screen.text().contains("Message-ID"), "{}", screen.text());
    }
}

#[test]
fn what_is_typed_is_found_in_the_conversation_and_gone_along() {
    for (name, size) in
        [("find-40x10", (40, 10)), ("find-80x24", (80, 24)), ("find-200x50", (200, 50))]
    {
        let mut screen = reading(size, &letter());
        screen.press("\\figures");
        insta::assert_snapshot!(name, screen.text());
    }
    let mut screen = reading((80, 24), &letter());
    let top = screen.model.reader.as_ref().unwrap().top;
    screen.press("\\figures");
    let hits = |screen: &Screen| screen.model.reader.as_ref().unwrap().hits.len();
    assert!(hits(&screen) >= 12, "also in a quote that was folded: {}", hits(&screen));
    screen.press("<Esc>");
    let reader = screen.model.reader.as_ref().unwrap();
    assert_eq!((reader.hits.len(), reader.top), (0, top), "as before");
    screen.press("\\figures<Enter>");
    let hit = |screen: &Screen| screen.model.reader.as_ref().unwrap().hit.unwrap();
    let first = hit(&screen);
    screen.press("nn");
    assert_eq!(hit(&screen), first + 2);
    screen.press("N");
    assert_eq!(hit(&screen), first + 1);
    assert!(screen.model.layers.is_empty());
    // Esc ends the find, and only then the reader.
    screen.press("<Esc>");
    assert!(screen.model.reader.is_some() && hits(&screen) == 0);
    screen.press("<Esc>");
    assert!(screen.model.reader.is_none());
    let mut screen = reading((80, 24), &letter());
    screen.press("\\zebra<Enter>");
    let notice = screen.model.notice.clone().unwrap();
    assert_eq!(
        (notice.text.as_str(), notice.hint.as_str()),
        ("Nothing here has zebra", "/ searches all mail")
    );
    screen.press("\\<Enter>");
    assert!(!matches!(screen.model.layers.last(), Some(Layer::Find(_))));
}

/// A key that is held loses no press: two hundred half pages are where a count of two hundred is.
#[test]
fn a_held_key_ends_where_a_jump_does() {
    let long = || {
        let mut double = Double::sample();
        double.rows[0].message_count = 300;
        let mut screen = Screen::new(double, 80, 24);
        screen.press("<Enter>;gg");
        screen
    };
    let (mut held, mut jumped) = (long(), long());
    for press in 1..=200 {
        held.press("<C-d>");
        let reader = held.model.reader.as_ref().unwrap();
        assert_eq!(reader.top, press * (reader.height / 2), "press {press}");
    }
    jumped.press("200<C-d>");
    let reader = jumped.model.reader.as_ref().unwrap();
    assert!(reader.top < reader.last_top(), "the end would hide a press that was lost");
    assert_eq!(held.text(), jumped.text());
    assert_eq!(held.buffer(), jumped.buffer());
    held.press("200<C-u>");
    assert_eq!(held.model.reader.as_ref().unwrap().top, 0);
}
