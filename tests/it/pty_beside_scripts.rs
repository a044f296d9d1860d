//! Scripts beside an open terminal: one process owns the data directory, the others ask it, and
//! all of them say the same.
//!
//! Invariant: nothing here waits longer than its deadline for the other side to show a change.

use crate::support::binary::Home;
use crate::support::mail::{mail, many, mbox, write};
use crate::support::pty::Pty;

fn home() -> Home {
    let home = Home::new();
    write(&home.path("box"), &mbox(&many("row", 8)));
    home.import(&home.path("box"));
    home
}

fn quit(mut pty: Pty) {
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}

#[test]
fn both_say_the_same_while_the_terminal_is_open() {
    let home = home();
    let commands: [&[&str]; 4] = [
        &["list", "--json"],
        &["list"],
        &["list", "--label", "anywhere", "--limit", "3", "--json"],
        &["labels", "--json"],
    ];
    let outputs = || commands.map(|args| home.run(args).ok().stdout);
    let alone = outputs();
    let shown = home.run(&["show", &home.thread("row-003"), "--json"]).ok().stdout;
    let pty = Pty::start(&home, (80, 24), &[]);
    pty.wait_text("row-007");
    assert!(outputs() == alone, "the same bytes, asked of the files and of the owner");
    let beside = home.run(&["show", &home.thread("row-003"), "--json"]).ok().stdout;
    assert_eq!(beside, shown);
    quit(pty);
    assert!(outputs() == alone, "the same bytes after it has ended");
}

#[test]
fn what_a_script_does_shows_in_the_terminal_and_back() {
    let home = home();
    let mut pty = Pty::start(&home, (80, 24), &[]);
    pty.wait_text("row-007");
    home.run(&["archive", &home.thread("row-006")]).ok();
    pty.wait("the archived row gone", |screen| !screen.contains("row-006"));
    mail("fresh").at(100).write(&home.path("fresh.eml"));
    home.import(&home.path("fresh.eml"));
    pty.wait_text("fresh");
    home.run(&["undo"]).ok();
    pty.wait_text("row-006");

    pty.press("gge");
    pty.wait("the newest archived", |screen| !screen.contains("fresh"));
    let archived = crate::support::wait_for(crate::support::SCREEN_DEADLINE, || {
        home.list("archive").iter().any(|row| row["subject"] == "fresh").then_some(())
    });
    assert!(archived.is_some(), "a key is seen by scripts: {:#?}", home.list("archive"));
    quit(pty);
    home.assert_healthy("scripts beside a terminal");
}

#[test]
fn the_demo_is_gone_on_quit_and_touches_nothing() {
    let home = home();
    let before = home.list("anywhere");
    let mut pty = Pty::start(&home, (80, 24), &["demo"]);
    pty.wait("the sample's inbox", |s| s.contains("Inbox") && !s.contains("row-00"));
    pty.press("eez");
    quit(pty);
    assert_eq!(home.list("anywhere"), before);
}
