//! The data directory of format 4, as the program that wrote it left it: how it was made, and that
//! it is opened.
//!
//! Invariant: `tests/fixtures/format-4` is made once, by [`makes_the_fixture`] with
//! `MAILTUI_FIXTURE=make`, and never changed after a release. It holds what format 3 does not: an
//! account's folders and messages, with what was agreed on with its server; a conversation that was
//! archived and whose server has not heard of it; one of which another client expunged a message;
//! one that sleeps.

use std::path::{Path, PathBuf};

use mailtui::store::{Db, Kind};

use crate::support::binary::{Home, run, text};
use crate::support::dovecot::Dovecot;
use crate::support::mail::mail;

/// Files of the fixture, and where they belong in a data directory.
const FILES: [&str; 3] = ["mailbox.db", "backend/mailbox.db", "backend/threads.db"];

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-4")
}

fn pack(from: &Path, to: &Path) {
    let sql = rusqlite::Connection::open(from).expect("opens");
    sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("copied into the file");
    drop(sql);
    std::fs::create_dir_all(to.parent().expect("a directory")).expect("made");
    let bytes = std::fs::read(from).expect("readable");
    std::fs::write(to, zstd::encode_all(bytes.as_slice(), 19).expect("packs")).expect("written");
}

fn unpack(name: &str, to: &Path) {
    let packed = std::fs::read(fixture().join(format!("{name}.zst"))).expect("the fixture");
    let bytes = zstd::decode_all(packed.as_slice()).expect("a fixture is compressed");
    std::fs::create_dir_all(to.parent().expect("a directory")).expect("made");
    std::fs::write(to, bytes).expect("written");
}

/// Makes the fixture anew: only when asked, and only before a release of this format.
#[test]
fn makes_the_fixture() {
    if std::env::var("MAILTUI_FIXTURE").as_deref() != Ok("make") {
        return;
    }
    let server = Dovecot::start().expect("Dovecot is installed");
    let mut client = server.client("u1");
    client.ok("CREATE work");
    for (at, subject) in (1..).zip(["Apples", "Pears", "Plans", "Lunch"]) {
        let raw = mail(&subject.to_lowercase()).subject(subject).at(at).bytes();
        client.append(if subject == "Plans" { "work" } else { "INBOX" }, "", &raw);
    }
    let answer = mail("more").subject("Re: Plans").at(9).reply_to("plans", "plans").bytes();
    client.append("work", "\\Seen", &answer);
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    let did = |args: &[&str]| drop(run(home.command(args)).ok());
    did(&["--sync-only"]);
    client.ok("SELECT work");
    client.ok("STORE 2 +FLAGS (\\Deleted)");
    client.ok("EXPUNGE");
    did(&["star", &home.thread("Lunch")]);
    did(&["--sync-only"]);
    did(&["archive", &home.thread("Apples")]);
    did(&["snooze", &home.thread("Pears"), "--until", "2099-01-01T09:00:00Z"]);
    for name in FILES {
        pack(&home.data().join(name), &fixture().join(format!("{name}.zst")));
    }
}

#[test]
fn a_directory_of_format_4_is_opened_by_any_command() {
    let firsts: [&[&str]; 4] = [&["list"], &["--sync-only"], &["doctor"], &["list", "--offline"]];
    for first in firsts {
        let home = Home::new();
        for name in FILES {
            unpack(name, &home.data().join(name));
        }
        run(home.command(first)).ok();
        run(home.command(&["--sync-only"])).ok();
        home.assert_healthy(&format!("{first:?}"));
        let told = |row: &serde_json::Value| {
            let star = if row["starred"] == true { " starred" } else { "" };
            let (subject, place) = (text(row, "subject"), text(row, "place"));
            format!("{subject}: {place}{star} {}/{}", row["unreadCount"], row["messageCount"])
        };
        let mut rows: Vec<String> = home.list("anywhere").iter().map(told).collect();
        rows.sort();
        let expected = [
            "Apples: archive 1/1",
            "Lunch: inbox starred 1/1",
            "Pears: inbox 1/1",
            "Plans: archive 1/1",
        ];
        assert_eq!(rows, expected, "{first:?}");
        let file = home.data().join("backend/threads.db");
        let db = Db::read(&file, Kind::Threads, mailtui::backend::FORMAT).expect("opens");
        let count = |sql: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {sql}");
            db.as_ref()
                .expect("there")
                .sql()
                .query_row(&sql, [], |row| row.get(0))
                .expect("counted")
        };
        assert_eq!(count("edgeMessages"), 4, "what is known of the server stays");
        let waits = count("edgeThreads WHERE dirty = 1");
        assert!(waits >= 1, "what is to be written waits: {first:?}");
    }
}
