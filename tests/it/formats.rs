//! Data directories that older versions wrote are opened for ever: `tests/fixtures/format-N` is one
//! as that format's program left it, each file compressed by itself.
//!
//! Invariant: nothing of it is lost by the change, and nothing of a fixture is ever changed. Format
//! 1 holds eight messages in six threads; some are archived, starred and labelled, one was put into
//! trash and taken back, and two were archived without a backend hearing of it. Format 2 holds that
//! and a purged, a joined and a deleted label's conversation, an undo that was redone, and under
//! `remote` a device of a backend elsewhere, with logs that it keeps and actions it did not send.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use crate::support::binary::{Home, finish, run, text};
use crate::support::mail::{mail, write};
use crate::support::pty::Pty;
use crate::support::{RUN_DEADLINE, wait_for};

/// Puts a fixture into a home's data directory.
fn unpack(format: u32, home: &Home) {
    std::fs::create_dir_all(home.data().join("backend")).expect("a directory");
    for name in ["mailbox.db", "backend/mailbox.db", "backend/threads.db"] {
        unpack_file(format, name, &home.data().join(name));
    }
}

fn unpack_file(format: u32, name: &str, to: &Path) {
    let from =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/format-{format}"));
    let packed = std::fs::read(from.join(format!("{name}.zst"))).expect("the fixture");
    let bytes = zstd::decode_all(packed.as_slice()).expect("a fixture is compressed");
    std::fs::write(to, bytes).expect("a file");
}

/// Place, unread messages and user labels by subject.
fn state(home: &Home) -> BTreeMap<String, (String, u64, Vec<String>)> {
    let rows = home.list("anywhere").into_iter().map(|row| {
        let labels: Vec<String> = serde_json::from_value(row["labels"].clone()).expect("labels");
        let user = |label: &String| ["work", "travel", "starred"].contains(&label.as_str());
        let labels = labels.into_iter().filter(user).collect();
        let unread = row["unreadCount"].as_u64().expect("a count");
        (text(&row, "subject"), (text(&row, "place"), unread, labels))
    });
    rows.collect()
}

fn expected() -> BTreeMap<String, (String, u64, Vec<String>)> {
    [
        ("Apples", "archive", 1, ""),
        ("Invoice", "archive", 1, "work"),
        ("Long", "inbox", 1, ""),
        ("Lunch", "inbox", 1, "travel"),
        ("Pears", "archive", 1, ""),
        ("Plans", "inbox", 2, "starred"),
    ]
    .into_iter()
    .map(|(subject, place, unread, label)| {
        let labels = if label.is_empty() { Vec::new() } else { vec![label.to_owned()] };
        (subject.to_owned(), (place.to_owned(), unread, labels))
    })
    .collect()
}

/// Every way into the directory brings it to this format, whichever is first.
#[test]
fn a_directory_of_format_1_is_opened_by_any_command() {
    let firsts: [&[&str]; 7] = [
        &[],
        &["list"],
        &["labels"],
        &["--sync-only"],
        &["doctor"],
        &["undo", "--no-wait"],
        &["list", "--offline"],
    ];
    for first in firsts {
        let home = Home::new();
        unpack(1, &home);
        run(home.command(first)).ok();
        if first.first() == Some(&"undo") {
            // The last action was the archive of the apples.
            assert_eq!(state(&home)["Apples"].0, "inbox");
            continue;
        }
        assert_eq!(state(&home), expected(), "{first:?}");
        run(home.command(&["--sync-only"])).ok();
        home.assert_healthy(&format!("{first:?}"));
        assert_eq!(state(&home), expected(), "{first:?} and a sync");
        let long = home.show(&home.thread("Long"));
        let body = long["messages"][0]["text"].as_str().expect("a text");
        assert_eq!(body.lines().count(), 3_000);
    }
}

/// The first bytes of a file say what its format is only once they are copied out of the log.
#[test]
fn a_new_directory_is_not_taken_for_an_older_one_while_it_is_in_use() {
    let home = Home::new();
    let mut owner = home.command(&["--sync-only", "--watch"]).spawn().expect("starts");
    let there = || home.data().join("socket").exists().then_some(());
    wait_for(RUN_DEADLINE, there).expect("it listens");
    mail("m").write(&home.path("m.eml"));
    for command in [&["import", "m.eml"][..], &["list"], &["labels"]] {
        run(home.command(command)).ok();
    }
    owner.kill().expect("it runs");
    finish(owner, "--watch".into(), RUN_DEADLINE);
}

/// While another process brings the directory to this format a command waits, and says so.
#[test]
fn a_command_waits_for_who_changes_the_format() {
    let home = Home::new();
    unpack(2, &home);
    let other = mailtui::engine::Owner::take(&home.data()).expect("ours");
    let mut list = home.command(&["list"]).spawn().expect("starts");
    let mut says = BufReader::new(list.stderr.take().expect("piped"));
    let mut line = String::new();
    says.read_line(&mut line).expect("it says something");
    assert!(line.starts_with("waiting for another mailtui"), "{line}");
    assert!(list.try_wait().expect("asked").is_none(), "it waits");
    drop(other);
    let list = finish(list, "list".into(), RUN_DEADLINE).ok();
    assert!(!list.stdout.is_empty(), "it went on");
    home.assert_healthy("after the wait");
}

/// The screen opens first, and the mail is on it when it has this format.
#[test]
fn a_directory_of_format_1_is_opened_by_the_interface() {
    let home = Home::new();
    unpack(1, &home);
    let mut pty = Pty::start(&home, (80, 24), &[]);
    pty.wait_text("Lunch");
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
    assert_eq!(state(&home), expected());
    home.assert_healthy("opened by the interface");
}

#[test]
fn the_mail_of_format_1_is_known_when_it_comes_again() {
    let home = Home::new();
    unpack(1, &home);
    let again = "From: Ada Moser <ada@example.org>\nTo: Ben Okafor <ben@example.org>\n\
                 Subject: Pears\nDate: Mon, 06 May 2024 09:08:00 +0000\n\
                 Message-ID: <8@example.org>\n\nA line.\n";
    write(&home.path("pears.eml"), again.as_bytes());
    let report = home.import(&home.path("pears.eml"));
    assert_eq!((&report["duplicates"], &report["imported"]), (&1.into(), &0.into()), "{report}");
}

#[test]
fn a_directory_of_format_2_is_opened_by_any_command() {
    let firsts: [&[&str]; 5] =
        [&["list"], &["labels"], &["--sync-only"], &["doctor"], &["list", "--offline"]];
    for first in firsts {
        let home = Home::new();
        unpack(2, &home);
        run(home.command(first)).ok();
        run(home.command(&["--sync-only"])).ok();
        home.assert_healthy(&format!("{first:?}"));
        let rows = state(&home);
        let places: Vec<(&str, &str)> =
            rows.iter().map(|(subject, (place, ..))| (subject.as_str(), place.as_str())).collect();
        let expected = [
            ("Apples", "archive"),
            ("Invoice", "archive"),
            ("Joined one", "inbox"),
            ("Long", "inbox"),
            ("Lunch", "inbox"),
            ("Pears", "archive"),
            ("Plans", "inbox"),
            ("Split", "inbox"),
        ];
        assert_eq!(places, expected, "{first:?}");
        let members = |subject| {
            home.list("anywhere")
                .iter()
                .filter(|r| text(r, "subject") == subject)
                .map(|r| r["messageCount"].as_u64())
                .collect::<Vec<_>>()
        };
        assert_eq!(members("Joined one"), [Some(2)]);
        assert!(rows["Plans"].2.contains(&"work".to_owned()), "what was pending is there");
        let labels = run(home.command(&["labels", "--json"])).ok().stdout;
        let labels = String::from_utf8_lossy(&labels);
        assert!(labels.contains("\"Travel\"") && !labels.contains("\"Old\""), "{labels}");
    }
}

#[test]
fn a_remote_device_of_format_2_keeps_its_logs_and_what_it_did_not_send() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).expect("a directory");
    for name in ["mailbox.db", "threads.db"] {
        unpack_file(2, &format!("remote/{name}"), &home.data().join(name));
    }
    let remote = r#"{"url":"ws://127.0.0.1:9","token":"none"}"#;
    write(&home.data().join("remote.json"), remote.as_bytes());
    let rows = state(&home);
    assert_eq!(rows["Split"].0, "archive");
    assert_eq!(rows["Lunch"].0, "trash");
    let plans =
        run(home.command(&["show", "--offline", "--json", &home.thread("Plans")])).ok().stdout;
    let plans = String::from_utf8_lossy(&plans);
    assert!(plans.contains("A line."), "{plans}");
    assert_eq!(rows["Plans"].0, "inbox");
}
