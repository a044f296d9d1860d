//! The interface as lines: a script types, and hears what it did; no byte moves a cursor.
//!
//! Invariant: the real binary; each line is taken when what the line before it asked for is there.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::SCREEN_DEADLINE;
use crate::support::binary::{Home, finish, text};
use crate::support::mail::{Mail, mail, write_maildir};
use crate::support::pty::Pty;

fn home() -> Home {
    let home = Home::new();
    let mails: Vec<Mail> =
        (0..5).map(|n| mail(&format!("topic-{n:02}")).body("the text").at(n)).collect();
    write_maildir(&home.path("Mail"), "", &mails);
    home.import(&home.path("Mail"));
    home
}

/// What is said to a script.
fn said(home: &Home, script: &str) -> String {
    let mut command = home.command(&["--linear"]);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(script.as_bytes()).expect("it reads");
    drop(input);
    let run = finish(child, "--linear".to_owned(), SCREEN_DEADLINE).ok();
    let said = String::from_utf8(run.stdout).expect("UTF-8");
    assert!(!said.contains('\u{1b}'), "{said}");
    said
}

#[test]
fn a_script_triages_by_lines_and_hears_it() {
    let home = home();
    let said = said(&home, "j\narchive\n\nu\nz\ne\nq\n");
    let at = |what: &str| said.find(what).unwrap_or_else(|| panic!("no {what:?} in:\n{said}"));
    assert!(at("Inbox: 5 conversations") < at("1: unread"), "{said}");
    assert!(at("topic-04") < at("topic-03"), "{said}");
    assert!(at("z undoes") < at("the text"), "{said}");
    assert!(said.contains("Inbox: 4 conversations"), "{said}");
    let archived: Vec<_> = home.list("archive").iter().map(|row| text(row, "subject")).collect();
    assert_eq!(archived.len(), 1, "{said}");
    home.assert_healthy("the lines");
}

#[test]
fn the_end_of_what_is_typed_is_the_end_and_what_was_decided_is_saved() {
    let home = home();
    said(&home, "s\n");
    assert_eq!(home.list("starred").len(), 1);
    let nothing = said(&home, "");
    assert!(nothing.contains("q quits"), "{nothing}");
}

#[test]
fn a_terminal_without_a_screen_can_be_used_by_lines() {
    let home = home();
    let mut pty = Pty::start_in(&home, (80, 24), &[("TERM", "dumb")], &["--linear"]);
    pty.wait_text("topic-04");
    pty.press("archive\n");
    pty.wait_text("z undoes");
    pty.press("q\n");
    assert_eq!(pty.wait_end(), 0);
    assert!(!pty.bytes().contains(&0x1b));
    assert_eq!(home.list("archive").len(), 1);
}

#[test]
fn a_message_is_written_by_lines_and_kept_when_nothing_more_is_typed() {
    let home = home();
    let heard = said(&home, "compose\n.to bob@example.org\n.subject Lines\nHello\n.keep\nq\n");
    assert!(heard.contains("To: bob@example.org") && heard.contains("Kept as a draft"), "{heard}");
    let heard = said(&home, "reply\nan answer that ends with the pipe\n");
    assert!(heard.contains("Answer"), "{heard}");
    let run = home.run(&["drafts", "--json"]).ok();
    let drafts = String::from_utf8(run.stdout).expect("UTF-8");
    assert_eq!(drafts.lines().count(), 2, "{drafts}");
    assert!(drafts.contains("Lines"), "{drafts}");
}
