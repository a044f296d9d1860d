//! The first run: what keys do before there is a mailbox.

use super::keys::screen;
use crate::engine::handle::{Request, Update};
use crate::engine::view::ImportProgress;
use crate::ui::app::{Door, Layer, Message, Stage, UiExit};
use crate::ui::double::NOW_MS;
use crate::ui::first_run::{FirstRun, Found};
use crate::ui::harness::Screen;

pub(super) fn told() -> FirstRun {
    FirstRun {
        found: vec![Found {
            path: "/home/u/Mail".into(),
            shown: "~/Mail".to_owned(),
            kind: "Maildir".to_owned(),
            messages: Some(41_203),
        }],
        data_dir: "~/.local/share/mailtui".to_owned(),
        home: Some("/home/u".into()),
    }
}

#[test]
fn nothing_is_opened_before_a_choice() {
    let mut screen = Screen::first_run(told(), 80, 24);
    screen.press("jkj?j<Esc><Esc>4ann@example.org<Esc>5");
    assert!(screen.opened.is_empty() && screen.waiting.is_empty());
    screen.press("q");
    assert_eq!(screen.exit, Some(UiExit::Quit));
}

#[test]
fn looking_around_opens_the_sample() {
    let mut screen = Screen::first_run(told(), 80, 24);
    screen.press("<Enter>");
    assert_eq!(screen.opened, [Door::Demo]);
    assert!(matches!(screen.model.stage, Stage::Mail) && screen.model.demo);
    assert_eq!(screen.subject(), "Quarterly numbers");
}

#[test]
fn importing_shows_progress_and_lets_read_at_once() {
    let mut screen = Screen::first_run(told(), 80, 24);
    screen.paused = true;
    screen.press("2");
    assert_eq!(screen.opened, [Door::Own]);
    let import = screen.waiting.iter().find_map(|request| match request {
        Request::Import(paths) => Some(paths.clone()),
        _ => None,
    });
    assert_eq!(import, Some(vec!["/home/u/Mail".into()]));
    screen.waiting.retain(|request| !matches!(request, Request::Import(_)));
    screen.resume();
    screen.send(Message::Time(NOW_MS + 6_000));
    let progress = ImportProgress {
        done: 18_240,
        total: Some(41_203),
        imported: 18_000,
        failed: 2,
        ended: false,
    };
    screen.send(Message::Engine(Box::new(Update::Import(progress.clone()))));
    let text = screen.text();
    assert!(text.contains("importing ████░░░░░░ 18,240/41,203 · 7 s left · Esc stops"), "{text}");
    assert!(text.contains("newest 14 are readable now: Enter"), "{text}");
    screen.paused = true;
    screen.press("<Esc>");
    assert!(matches!(screen.waiting[..], [Request::StopImport]));
    screen.send(Message::Engine(Box::new(Update::Import(ImportProgress {
        ended: true,
        ..progress
    }))));
    assert!(screen.text().contains("stopped: imported 18,000 messages, 2 failed"));
    screen.press("<Enter>");
    assert!(matches!(screen.model.stage, Stage::Mail));
}

#[test]
fn another_path_is_typed_or_pasted() {
    let mut screen = Screen::first_run(told(), 80, 24);
    screen.paused = true;
    screen.press("3~/x<Backspace>");
    screen.send(Message::Paste("old.mbox\n".to_owned()));
    assert!(matches!(screen.model.layers[..], [Layer::Path(_)]));
    assert!(screen.text().contains("› ~/old.mbox"));
    screen.press("<Enter>");
    assert!(screen.waiting.iter().any(|request| matches!(request, Request::Import(paths)
        if *paths == [std::path::PathBuf::from("/home/u/old.mbox")])));
    // There was none: it is there to be mended.
    screen.model.import = None;
    screen.press("3");
    assert!(screen.text().contains("› ~/old.mbox"), "{}", screen.text());
}

#[test]
fn what_cannot_be_opened_is_said_with_its_hint() {
    let notice = crate::notice::Notice::error("in-use", "The mailbox is in use", "quit the other");
    let mut mail = screen();
    mail.send(Message::NotOpened(notice.clone()));
    assert_eq!(mail.exit, Some(UiExit::NotOpened(notice.clone())), "the caller prints it");
    let mut screen = Screen::first_run(told(), 80, 24);
    screen.send(Message::NotOpened(notice));
    let text = screen.text();
    assert!(text.contains("✗ The mailbox is in use") && text.contains("quit the other"), "{text}");
}
