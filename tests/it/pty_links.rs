//! Links in the program in a terminal: the program that opens one, and what the terminal is told to
//! copy.
//!
//! Invariant: what opens links is another program, given by its arguments; nothing else is started,
//! and no byte of mail is part of a sequence but in base 64.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::binary::Home;
use crate::support::mail::{base64, mail};
use crate::support::pty::Pty;
use crate::support::{SCREEN_DEADLINE, wait_for};

const PAGE: &str = "<div style='display:none'>a preview</div>\
    <p>Sign in at <a href='https://evil.test/$(touch gone);x'>www.bank.test</a> or \
    <a href='https://good.test/a?b=c&amp;d'>here</a>.</p>\
    <img src='http://127.0.0.1:9/o.gif' width=1 height=1><img src='//127.0.0.1:9/logo.png'>";

fn home() -> Home {
    let home = Home::new();
    mail("a-page").set("Content-Type", "text/html").body(PAGE).write(&home.path("m.eml"));
    home.import(&home.path("m.eml"));
    home
}

#[test]
fn show_says_where_links_lead_and_what_is_left_out() {
    let home = home();
    let shown = home.show(&home.threads("inbox")[0]);
    let message = &shown["messages"][0];
    assert_eq!(message["html"], json!({"hidden": 2, "trackers": 1, "remote": 1}));
    let link = |text: &str, target: &str, warnings: &[&str]| {
        let (text, target) = (text.to_owned(), target.to_owned());
        json!({"text": text, "target": target, "warnings": warnings})
    };
    assert_eq!(
        message["links"],
        json!([
            link("www.bank.test", "https://evil.test/$(touch%20gone);x", &["other-target"]),
            link("here", "https://good.test/a?b=c&d", &[]),
        ])
    );
    assert_eq!(message["auth"], json!(null));
}

#[test]
fn a_link_is_opened_by_a_program_and_copied_by_the_terminal() {
    let home = home();
    let (opener, said) = (home.path("an opener"), home.path("said"));
    let script = format!("#!/bin/sh\nprintf '%s|' \"$@\" >> '{}'\n", said.display());
    std::fs::write(&opener, script).expect("written");
    std::fs::set_permissions(&opener, PermissionsExt::from_mode(0o700)).expect("a program");
    let named = format!("'{}' --new", opener.display());
    let mut pty = Pty::start_in(&home, (80, 24), &[("MAILTUI_OPEN", &named)], &[]);
    pty.wait_text("a-page");
    pty.press("\r");
    pty.wait_text("1 tracker, 2 hidden words left out · remote images not loaded");
    pty.press("L");
    let screen = pty.wait_text("2 links");
    assert!(screen.contains("www.bank.test  evil.test"), "{screen}");
    pty.press("\r");
    pty.wait_text("Enter again opens it");
    assert!(!said.exists(), "a link with a warning is not opened at once");
    pty.press("2y");
    pty.wait_text("The link is copied");
    pty.press("\r");
    pty.wait_text("Opening good.test");
    // A shell makes the file before it writes to it.
    let read = || std::fs::read_to_string(&said).ok().filter(|told| !told.is_empty());
    let told = wait_for(SCREEN_DEADLINE, read);
    assert_eq!(told.as_deref(), Some("--new|https://good.test/a?b=c&d|"));
    let copied = format!("\x1b]52;c;{}\x07", base64(b"https://good.test/a?b=c&d").trim());
    let bytes = pty.bytes();
    assert!(bytes.windows(copied.len()).any(|bytes| bytes == copied.as_bytes()));
    pty.press("q");
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}
