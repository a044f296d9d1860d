//! Writing where the disk takes nothing, or what is written on does not come: no word is lost.

use super::compose::writer;
use super::keys::intents;
use crate::command::intent::Intent;
use crate::engine::handle::Update;
use crate::id::ThreadId;
use crate::mail::compose::{Attached, Draft};
use crate::notice::Notice;
use crate::ui::app::{Message, UiExit};
use crate::ui::compose::desk::{DeskAsk, DeskSaid};
use crate::ui::compose::rescue::unkept;
use crate::ui::double::NOW_MS;
use crate::ui::harness::Screen;

fn full() -> Notice {
    Notice::error("disk-full", "the disk is full", "free some space")
}

/// A screen with a message on a disk that takes nothing.
fn on_full_disk() -> Screen {
    let mut screen = writer();
    screen.press("cbob@x.org<Tab><Tab><Tab>Lunch<Tab>Hello");
    screen.double.full = Some(full());
    screen.send(Message::Time(NOW_MS + 400));
    screen
}

fn bodies(screen: &Screen) -> Vec<String> {
    unkept(&screen.model).into_iter().map(|left| left.draft.body).collect()
}

fn saves(screen: &Screen) -> Vec<&Draft> {
    screen.double.saves.iter().map(|(.., draft)| draft).collect()
}

#[test]
fn a_full_disk_is_said_while_one_types_and_the_journal_is_asked_again() {
    let mut screen = on_full_disk();
    assert!(screen.text().contains("not kept: the disk is full"), "{}", screen.text());
    assert_eq!(bodies(&screen), ["Hello"]);
    screen.double.full = None;
    screen.send(Message::Time(NOW_MS + 4_000));
    assert!(screen.double.journal.is_empty(), "it rests");
    screen.press("!");
    screen.send(Message::Time(NOW_MS + 5_900));
    let noted: Vec<&str> = screen.double.journal.values().map(|d| d.body.as_str()).collect();
    assert_eq!(noted, ["Hello!"]);
    assert!(screen.text().contains("is kept again"), "{}", screen.text());
    assert_eq!(bodies(&screen), [""; 0]);
}

#[test]
fn the_program_does_not_end_with_words_that_are_nowhere() {
    let mut screen = on_full_disk();
    screen.press("<C-c>");
    screen.send(Message::Time(NOW_MS + 4_000));
    assert_eq!(screen.exit, None);
    assert!(screen.text().contains("Not ended"), "{}", screen.text());
    screen.press("<C-c>");
    assert_eq!(screen.exit, Some(UiExit::Forced));
    assert_eq!(bodies(&screen), ["Hello"], "the caller puts them in a file");

    let mut screen = on_full_disk();
    screen.press("<C-c>");
    screen.send(Message::Time(NOW_MS + 4_000));
    screen.double.full = None;
    screen.send(Message::Time(NOW_MS + 9_000));
    assert_eq!(screen.exit, Some(UiExit::Quit), "there is room again");
    assert_eq!(saves(&screen).last().unwrap().body, "Hello");
    assert_eq!(bodies(&screen), [""; 0]);
}

#[test]
fn what_is_left_on_a_full_disk_is_said_to_be_tried_again_and_to_be_saved() {
    let mut screen = writer();
    screen.press("cbob@x.org<Tab><Tab><Tab>Lunch");
    screen.send(Message::Time(NOW_MS + 400));
    screen.double.full = Some(full());
    screen.press("<Esc>");
    let text = screen.text();
    assert!(text.contains("not saved yet: the disk is full"), "{text}");
    assert!(text.contains("tried again") && !text.contains("taken back"), "{text}");
    screen.double.full = None;
    screen.send(Message::Time(NOW_MS + 9_000));
    let text = screen.text();
    assert!(text.contains("is saved now") && !text.contains("not saved yet"), "{text}");
    assert_eq!(screen.double.outgoing.drafts.len(), 1);
}

#[test]
fn what_the_journal_has_may_wait_for_the_next_start() {
    let mut screen = writer();
    screen.press("cbob@x.org<Tab><Tab><Tab>Lunch");
    screen.send(Message::Time(NOW_MS + 400));
    screen.double.full = Some(full());
    screen.press("<C-c>");
    screen.send(Message::Time(NOW_MS + 4_000));
    assert_eq!(screen.exit, Some(UiExit::Quit));
    assert_eq!(screen.double.journal.len(), 1, "what was not saved is not forgotten");
}

#[test]
fn a_save_that_was_taken_back_is_made_anew_and_what_was_to_be_sent_is_on_the_screen() {
    let mut screen = on_full_disk();
    screen.press("<C-x>s<Enter>");
    let lost = |screen: &Screen| {
        let threads = screen.double.log.iter().filter_map(|intent| match intent {
            Intent::SaveDraft { thread, .. } => Some(thread.clone()),
            _ => None,
        });
        threads.flatten().count()
    };
    assert_eq!(lost(&screen), 0);
    let text = screen.text();
    assert!(!text.contains("Sending in") && text.contains("not sent"), "{text}");
    assert_eq!(screen.model.writing.open.as_ref().unwrap().draft().body, "Hello");
    let error = Notice::error("no-draft", "there is no draft x", "");
    screen.send(Message::Engine(Box::new(Update::Notice(error))));
    assert!(!screen.text().contains("there is no draft"), "{}", screen.text());
    screen.press("<C-c>");
    screen.send(Message::Time(NOW_MS + 4_500));
    assert_eq!(screen.exit, None, "it is not sent yet");
    screen.double.full = None;
    screen.send(Message::Time(NOW_MS + 11_000));
    assert_eq!(lost(&screen), 0, "no save goes on from one that is not there");
    assert_eq!((screen.double.outgoing.outbox.len(), screen.double.outgoing.drafts.len()), (0, 1));
    assert_eq!(screen.exit, Some(UiExit::Quit));
}

#[test]
fn an_end_at_which_the_disk_refuses_is_told() {
    let mut screen = writer();
    screen.press("e");
    screen.paused = true;
    screen.press("q");
    let notice = full();
    screen.send(Message::Engine(Box::new(Update::TakenBack(notice.clone()))));
    screen.send(Message::Engine(Box::new(Update::Ended)));
    assert_eq!(screen.exit, Some(UiExit::Unsaved(notice)));
}

#[test]
fn what_is_typed_for_something_that_does_not_come_is_a_message() {
    let begin = || {
        let mut screen = writer();
        screen.press("j");
        screen.paused = true;
        screen.press("rHee#");
        screen.send(Message::Paste(" and this".into()));
        screen
    };
    let mut screen = begin();
    screen.resume();
    let body = screen.model.writing.open.as_ref().unwrap().draft().body;
    assert!(body.contains("Hee# and this"), "{body:?}");

    let gone = |screen: &mut Screen| {
        screen.waiting.clear();
        let id = screen.model.list.current().unwrap().thread.clone();
        screen.send(Message::Engine(Box::new(Update::Thread(id, None))));
    };
    let mut screen = begin();
    gone(&mut screen);
    let open = screen.model.writing.open.as_ref().unwrap().draft();
    assert_eq!((open.to.as_str(), open.body.as_str()), ("", "Hee# and this"));
    assert!(screen.text().contains("your words are a new message"), "{}", screen.text());

    let mut screen = begin();
    assert_eq!(bodies(&screen), ["Hee# and this"]);
    screen.press("<Esc>");
    screen.waiting.clear();
    assert!(screen.model.writing.open.is_none());
    assert_eq!(screen.model.writing.leaving[0].draft().body, "Hee# and this");

    let mut screen = writer();
    screen.paused = true;
    screen.press("r");
    gone(&mut screen);
    assert!(screen.model.writing.open.is_none(), "nothing was typed");
}

#[test]
fn a_draft_that_is_gone_takes_no_typed_word_along() {
    let mut screen = writer();
    screen.press("cbob@x.org<Esc>gd");
    screen.paused = true;
    screen.press("<Enter>more");
    let ticket = screen.model.writing.ticket;
    screen.waiting.clear();
    screen.send(Message::Engine(Box::new(Update::Draft(ticket, None))));
    assert_eq!(screen.model.writing.open.as_ref().unwrap().draft().body, "more");
}

#[test]
fn a_file_that_is_still_being_read_goes_along_though_the_draft_is_left() {
    let mut screen = writer();
    screen.press("cbob@x.org<C-x>anotes.txt<Enter>");
    let Some(DeskAsk::Attach { ticket, .. }) = screen.desk.last().cloned() else { panic!() };
    screen.press("<Esc>q");
    screen.send(Message::Time(NOW_MS + 4_000));
    assert_eq!(screen.exit, None);
    assert!(screen.text().contains("notes.txt is still being read"), "{}", screen.text());
    let hash = crate::id::BlobHash::try_from("ab").unwrap();
    let (name, media_type) = ("notes.txt".to_owned(), "text/plain".to_owned());
    let file = Attached { name, media_type, hash, size: 5 };
    screen.send(Message::Desk(Box::new(DeskSaid::Attached(ticket, Ok(file)))));
    assert_eq!(saves(&screen).last().unwrap().attachments.len(), 1);
    assert_eq!(screen.exit, Some(UiExit::Quit));
}

#[test]
fn a_mailbox_that_cannot_be_opened_leaves_the_words() {
    let mut screen = Screen::older(80, 24);
    screen.press("cbob@x.org<Tab><Tab><Tab><Tab>Hello");
    let notice = Notice::error("in-use", "in use", "");
    screen.send(Message::NotOpened(notice.clone()));
    assert_eq!(screen.exit, Some(UiExit::NotOpened(notice)));
    assert_eq!(bodies(&screen), ["Hello"]);
}

#[test]
fn an_undo_does_not_send_what_is_being_written_on() {
    let mut screen = writer();
    screen.press("cbob@x.org<Tab><Tab><Tab>Lunch<Tab>Hi<C-x>s<Enter>go<Enter>");
    assert_eq!(screen.model.writing.open.as_ref().unwrap().draft().body, "Hi");
    screen.press(" there<Esc>");
    let before = intents(&screen).len();
    assert!(screen.double.outgoing.outbox.is_empty());
    screen.press("z");
    let last: Vec<String> = intents(&screen).split_off(before);
    assert!(screen.double.outgoing.outbox.len() <= 1, "{last:?}");
    let cancels = |intent: &Intent| matches!(intent, Intent::CancelSend { .. });
    assert!(screen.double.log.iter().any(cancels));
    let undone = screen.model.done.len() + screen.model.undone.len();
    assert!(undone <= 1, "only the order itself is remembered: {undone}");
}

#[test]
fn files_of_an_editor_go_when_the_save_is_on_disk() {
    let mut screen = writer();
    screen.double.full = Some(full());
    let thread: Option<ThreadId> = None;
    let draft = Draft { body: "from the editor".into(), ..Draft::default() };
    let left = crate::ui::compose::desk::Leftover { slot: 9, thread, from: None, draft };
    screen.send(Message::Desk(Box::new(DeskSaid::Leftover(Box::new(left)))));
    assert!(!screen.desk.contains(&DeskAsk::Forget(9)), "{:?}", screen.desk);
}
