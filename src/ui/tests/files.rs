//! The files of a conversation: what keys ask for, and what answers show.

use super::keys::screen;
use crate::engine::view::Message as Mail;
use crate::id::BlobHash;
use crate::mail::Attachment;
use crate::notice::Notice;
use crate::ui::app::{Layer, Message};
use crate::ui::compose::desk::{DeskAsk, DeskSaid};
use crate::ui::files::{FileAct, FileAsk, FileStep};
use crate::ui::harness::Screen;
use crate::ui::picture::{Dot, Picture, Shape};

pub(super) fn attach(mail: &mut Mail, name: &str, media_type: &str) {
    let hash = "0".repeat(64);
    mail.raw = BlobHash::try_from(hash.as_str()).ok();
    mail.size = 2_000;
    let (name, media_type) = (Some(name.to_owned()), media_type.to_owned());
    mail.attachments.push(Attachment { name, media_type, size: 1_500 });
}

/// The reader with two files on its last message.
pub(super) fn reading() -> Screen {
    let mut screen = screen();
    screen.press("<Enter>");
    let messages = screen.model.reader.as_mut().unwrap().messages.as_mut().unwrap();
    for mail in messages.iter_mut() {
        mail.attachments.clear();
    }
    let last = messages.last_mut().unwrap();
    attach(last, "notes.txt", "text/plain");
    attach(last, "run.sh", "text/x-shellscript");
    screen.desk.clear();
    screen
}

/// What was asked of files last.
fn asked(screen: &Screen) -> FileAsk {
    match screen.desk.last() {
        Some(DeskAsk::File(ask)) => (**ask).clone(),
        other => panic!("{other:?}"),
    }
}

fn answer(screen: &mut Screen, ask: &FileAsk, step: FileStep) {
    screen.send(Message::Desk(Box::new(DeskSaid::File(Box::new(ask.clone()), step))));
}

#[test]
fn the_files_are_listed_and_saved_where_it_was_said_once() {
    let mut screen = reading();
    screen.press("A");
    let text = screen.text();
    assert!(text.contains("2 attachments") && text.contains("notes.txt"), "{text}");
    assert!(text.contains("text/plain, 2 KB"), "{text}");
    screen.press("s");
    assert!(screen.desk.is_empty(), "the directory is asked for first");
    assert!(screen.text().contains("~/Downloads"), "{}", screen.text());
    screen.press("<Enter>");
    let ask = asked(&screen);
    assert_eq!(ask.act, FileAct::Save("~/Downloads".to_owned()));
    answer(&mut screen, &ask, FileStep::Fetching(500, 2_000));
    assert!(screen.text().contains("Esc stops"), "{}", screen.text());
    answer(&mut screen, &ask, FileStep::Done("Saved notes.txt".to_owned()));
    assert!(screen.text().contains("Saved notes.txt"), "{}", screen.text());
    screen.press("js");
    let again = asked(&screen);
    assert_eq!((again.items[0].at, &again.act), (1, &FileAct::Save("~/Downloads".to_owned())));
    // Esc stops it; what comes of it then is nothing.
    screen.press("<Esc>");
    assert_eq!(screen.desk.last(), Some(&DeskAsk::StopFile(again.ticket)));
    answer(&mut screen, &again, FileStep::Failed(Notice::error("x", "too late", "")));
    assert!(!screen.text().contains("too late"));
    screen.press("<Esc>");
    assert!(screen.model.layers.is_empty() && screen.model.reader.is_some());
}

#[test]
fn a_program_is_opened_after_a_typed_yes() {
    let mut screen = reading();
    screen.press("Ajo");
    let ask = asked(&screen);
    assert_eq!(ask.act, FileAct::Open(false));
    answer(&mut screen, &ask, FileStep::Program("It is a script.".to_owned()));
    assert!(screen.text().contains("It is a script."), "{}", screen.text());
    screen.press("no<Enter>");
    assert_eq!(screen.desk.len(), 1, "no is no");
    screen.press("o");
    let ask = asked(&screen);
    answer(&mut screen, &ask, FileStep::Program("It is a script.".to_owned()));
    screen.press("yes<Enter>");
    assert_eq!(asked(&screen).act, FileAct::Open(true));
}

#[test]
fn a_text_and_the_message_as_it_came_are_read_on_a_page() {
    let mut screen = reading();
    screen.press("A<Enter>");
    let ask = asked(&screen);
    assert_eq!(ask.act, FileAct::View);
    let long: Vec<String> = (0..100).map(|n| format!("line {n}\tx")).collect();
    let page = FileStep::Page("notes.txt".to_owned(), long.join("\n"));
    answer(&mut screen, &ask, page);
    assert!(screen.text().contains("line 0") && !screen.text().contains("line 99"));
    screen.press("G");
    assert!(screen.text().contains("line 99"), "{}", screen.text());
    screen.resize(40, 10);
    assert!(screen.text().contains("line 79"), "{}", screen.text());
    screen.press("q");
    assert!(matches!(screen.model.layers.last(), Some(Layer::Files(_))));
    screen.press("qnnnH");
    let ask = asked(&screen);
    assert_eq!(ask.act, FileAct::Source);
    answer(&mut screen, &ask, FileStep::Failed(Notice::error("x", "not to be had", "")));
    assert!(screen.model.layers.is_empty() && screen.text().contains("not to be had"));
    // Again, and it is the form that is not shown; and back.
    screen.press("H");
    for (act, text) in
        [(FileAct::Source, "raw"), (FileAct::Other, "its page"), (FileAct::Source, "raw")]
    {
        let ask = asked(&screen);
        assert_eq!(ask.act, act);
        answer(&mut screen, &ask, FileStep::Page(text.to_owned(), text.to_owned()));
        assert!(screen.text().contains(text), "{}", screen.text());
        screen.press("H");
    }
    screen.press("q");
    screen.press("A|");
    screen.press("wc<Enter>");
    assert_eq!(asked(&screen).act, FileAct::Pipe("wc".to_owned()));
}

#[test]
fn nothing_attached_is_said() {
    let mut screen = reading();
    let messages = screen.model.reader.as_mut().unwrap().messages.as_mut().unwrap();
    for mail in messages.iter_mut() {
        mail.attachments.clear();
    }
    screen.press("A");
    assert!(screen.text().contains("Nothing is attached"));
}

#[test]
fn a_picture_is_shown_and_made_again_for_another_size() {
    let mut screen = reading();
    screen.press("P");
    let ask = asked(&screen);
    assert_eq!(ask.act, FileAct::Picture(0));
    let picture = |ask: &FileAsk, sign| {
        let dots = vec![Dot { sign, fg: None, bg: None }; 6];
        let facts = "3 × 2, PNG".to_owned();
        let shape = Shape::Cells(dots);
        FileStep::Picture(
            "sky.png".to_owned(),
            Picture { columns: 3, rows: 2, room: ask.room, facts, shape }.into(),
        )
    };
    answer(&mut screen, &ask, picture(&ask, '▓'));
    let text = screen.text();
    assert_eq!(text.matches("▓▓▓").count(), 2, "{text}");
    assert!(text.contains("sky.png") && text.contains("3 × 2, PNG"), "{text}");
    screen.resize(50, 20);
    let again = asked(&screen);
    assert!(again.room != ask.room && again.act == ask.act && !screen.text().contains('▓'));
    answer(&mut screen, &ask, picture(&ask, '▓'));
    assert!(!screen.text().contains('▓'), "made for another size");
    answer(&mut screen, &again, picture(&again, '▒'));
    assert_eq!(screen.text().matches("▒▒▒").count(), 2);
    screen.press("n");
    assert_eq!(asked(&screen).act, FileAct::Picture(1));
    screen.press("pp");
    let last = asked(&screen);
    assert_eq!(last.act, FileAct::Picture(-1), "the last is before the first");
    let broken = FileStep::Page("b.png".to_owned(), "it is broken".to_owned());
    answer(&mut screen, &last, broken);
    assert!(screen.text().contains("it is broken"));
    screen.press("n");
    let next = asked(&screen);
    answer(&mut screen, &next, picture(&again, '░'));
    assert_eq!(screen.text().matches("░░░").count(), 2, "one that is broken hides no other");
    screen.press("q");
    assert!(screen.model.layers.is_empty());
}
