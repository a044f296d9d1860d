//! Searching in a real terminal: as one types, with mail that is there and mail that comes.

use std::os::unix::fs::MetadataExt as _;

use crate::support::binary::Home;
use crate::support::mail::mail;
use crate::support::pty::Pty;

fn home() -> Home {
    let home = Home::new();
    for (name, subject, body) in [
        ("one", "Garden plans", "The seeds and the zeppelin budget\n"),
        ("two", "Lunch", "At noon, as always\n"),
        ("three", "Minutes", "We spoke of zeppelins, and of lunch\n"),
    ] {
        let path = home.path(&format!("{name}.eml"));
        mail(name).set("Subject", subject).body(body).write(&path);
        home.import(&path);
    }
    home
}

#[test]
fn what_is_typed_is_found_kept_read_and_left() {
    for size in [(80, 24), (40, 10)] {
        let home = home();
        let mut pty = Pty::start(&home, size, &[]);
        pty.wait("the inbox", |screen| screen.contains("Lunch") && screen.contains("Minutes"));
        pty.press("/");
        pty.press("zepp");
        let found = |screen: &str| {
            screen.contains("Search  2 conversations") && !screen.contains("/ zeppelin")
        };
        pty.wait("two conversations", found);
        pty.press("elins");
        pty.wait_text("Search  1 conversation");
        pty.press("\r");
        pty.press("e");
        pty.wait_text("z undoes");
        pty.press("\r");
        pty.wait_text("We spoke of zeppelins");
        pty.press("u");
        pty.wait_text("/ zeppelins");
        pty.press("q");
        pty.wait("the inbox without it", |screen| {
            screen.contains("Inbox") && screen.contains("Lunch") && !screen.contains("Minutes")
        });
        pty.press("/before:never");
        pty.wait("what is wrong", |screen| screen.contains("before:never"));
        pty.press("\x1b");
        pty.wait_text("Garden");
        pty.press("q");
        assert_eq!(pty.wait_end(), 0);
    }
}

#[test]
fn an_index_that_is_damaged_in_the_middle_is_made_again_while_one_searches() {
    let home = home();
    let path = home.data().join("backend/search.db");
    let file = || std::fs::metadata(&path).map(|meta| meta.ino()).unwrap_or_default();
    let mut bytes = std::fs::read(&path).expect("readable");
    let half = bytes.len() / 2;
    bytes[half..].fill(0x5a);
    std::fs::write(&path, bytes).expect("written");
    let damaged = file();
    let mut pty = Pty::start(&home, (80, 24), &[]);
    pty.wait("the inbox", |screen| screen.contains("Lunch") && screen.contains("Minutes"));
    pty.press("/zeppelin");
    pty.wait_text("Search  2 conversations");
    assert_ne!(file(), damaged, "it was made again");
    pty.press("\r");
    // What comes then is written to the new one.
    mail("four").set("Subject", "Late").body("Another zeppelin\n").write(&home.path("four.eml"));
    home.import(&home.path("four.eml"));
    pty.wait_text("Search  3 conversations");
    pty.press("qq");
    assert_eq!(pty.wait_end(), 0);
    home.assert_healthy("the index was made again");
}
