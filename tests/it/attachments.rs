//! `attachment`: what is listed, saved, opened and piped, from outside.
//!
//! Invariant: every byte that is compared was written by the test itself; openers are scripts in
//! the test's own directory.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::binary::{Home, count, one, run, text};
use crate::support::mail::{Mail, mail, write};
use crate::support::serve::Serve;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot really a picture\0\xff";

/// A conversation of two messages: a text and a picture, then a script, a message and one without a
/// name.
fn conversation(home: &Home) -> String {
    let png = STANDARD.encode(PNG);
    let picture = "Content-Type: image/png; name=\"../../p\u{202e}ic.png\"\n\
                   Content-Transfer-Encoding: base64\nContent-Disposition: attachment";
    let first = mail("first").parts(&[
        ("Content-Type: text/plain", b"See both."),
        ("Content-Type: text/plain\nContent-Disposition: attachment; filename=n.txt", b"notes\n"),
        (picture, png.as_bytes()),
    ]);
    let inner = mail("inner").parts(&[
        ("Content-Type: text/plain", b"Deep."),
        ("Content-Type: text/csv; name=deep.csv", b"1,2"),
    ]);
    let second = mail("second").at(1).reply_to("first", "first").parts(&[
        ("Content-Type: text/plain; name=run.txt", b"#!/bin/sh\necho owned\n"),
        ("Content-Type: message/rfc822", &inner.bytes()),
        ("Content-Type: application/pdf\nContent-Disposition: attachment", b"%PDF-1"),
    ]);
    import(home, &[first, second]);
    home.thread("first")
}

fn import(home: &Home, mails: &[Mail]) {
    for (at, mail) in mails.iter().enumerate() {
        mail.write(&home.path(&format!("mail/{at}.eml")));
    }
    home.import(&home.path("mail"));
}

fn listed(home: &Home, thread: &str) -> Vec<(u64, Value, String)> {
    let rows = home.json(&["attachment", "list", thread]);
    rows.iter().map(|row| (count(row, "n"), row["name"].clone(), text(row, "file"))).collect()
}

#[test]
fn what_is_attached_is_listed_by_number_in_the_order_of_show() {
    let home = Home::new();
    let thread = conversation(&home);
    let names = listed(&home, &thread);
    let expected = [
        (1, Value::from("n.txt"), "n.txt"),
        (2, Value::from("../../pic.png"), "_.._pic.png"),
        (3, Value::from("run.txt"), "run.txt"),
        (4, Value::Null, "attachment.eml"),
        (5, Value::from("deep.csv"), "deep.csv"),
        (6, Value::Null, "attachment.pdf"),
    ];
    assert_eq!(names, expected.map(|(n, name, file)| (n, name, file.to_owned())));
    let shown = home.show(&thread);
    let of_show: Vec<Value> = shown["messages"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|message| message["attachments"].as_array().unwrap().clone())
        .collect();
    let rows = home.json(&["attachment", "list", &thread]);
    for (row, shown) in rows.iter().zip(&of_show) {
        for key in ["name", "type", "size"] {
            assert_eq!(row[key], shown[key], "{row} {shown}");
        }
    }
    assert_eq!(rows.len(), of_show.len());
    // Of one message they keep their numbers.
    let second = &shown["messages"][1];
    for name in [text(second, "id"), "<second@example.org>".to_owned()] {
        let rows = home.json(&["attachment", "list", &thread, &name]);
        let numbers: Vec<u64> = rows.iter().map(|row| count(row, "n")).collect();
        assert_eq!(numbers, [3, 4, 5, 6], "{name}");
    }
    assert_eq!(home.json(&["attachment", "list", "second@example.org"]).len(), 4);
    home.run(&["attachment", "list", "no-such-thread"]).exited(3);
    home.run(&["attachment", "list", &thread, "none@example.org"]).exited(3);
}

#[test]
fn saving_writes_over_nothing_and_follows_no_link() {
    let home = Home::new();
    let thread = conversation(&home);
    let to = home.path("to");
    std::fs::create_dir(&to).unwrap();
    write(&to.join("n.txt"), b"mine");
    symlink(home.path("victim"), to.join("_.._pic.png")).unwrap();
    let args = ["attachment", "save", &thread, "--all", "--to", "to"];
    let said = one(home.json(&args));
    assert_eq!(
        (said["saved"].as_array().unwrap().len(), said["failed"].as_array().unwrap().len()),
        (6, 0)
    );
    let read = |name: &str| std::fs::read(to.join(name)).unwrap();
    assert_eq!(read("n.txt"), b"mine");
    assert_eq!(read("n (2).txt"), b"notes\n");
    assert_eq!(read("_.._pic (2).png"), PNG);
    assert!(!home.path("victim").exists());
    assert_eq!(read("run.txt"), b"#!/bin/sh\necho owned\n");
    assert_eq!(read("deep.csv"), b"1,2");
    assert_eq!(read("attachment.pdf"), b"%PDF-1");
    assert!(read("attachment.eml").starts_with(b"From: Ada Moser"));
    for row in said["saved"].as_array().unwrap() {
        let path = home.path(&text(row, "path"));
        let about = std::fs::metadata(&path).unwrap();
        assert_eq!(about.permissions().mode() & 0o7777, 0o600, "{}", path.display());
        assert_eq!(about.len(), count(row, "size"));
    }
    // Some of them, again, beside the others.
    let said = one(home.json(&["attachment", "save", &thread, "1", "5", "1", "--to", "to"]));
    let paths: Vec<String> =
        said["saved"].as_array().unwrap().iter().map(|row| text(row, "path")).collect();
    assert_eq!(paths, ["to/n (3).txt", "to/deep (2).csv"]);
    home.run(&["attachment", "save", &thread]).exited(2);
    home.run(&["attachment", "save", &thread, "7", "--to", "to"]).exited(3);
    home.run(&["attachment", "save", &thread, "1", "--to", "nowhere"]).exited(3);
}

/// A program that copies what it gets to `NAME`, with the arguments that it got.
fn script(home: &Home, name: &str, body: &str) -> std::path::PathBuf {
    let path = home.path(name);
    write(&path, format!("#!/bin/sh\n{body}\n").as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[test]
fn opening_hands_a_private_file_to_the_opener_and_asks_for_programs() {
    let home = Home::new();
    let thread = conversation(&home);
    let opener = script(&home, "opener", "printf '%s\\n' \"$@\" > got; cp \"$2\" copy");
    let open = |args: &[&str]| {
        let args = [&["attachment", "open", &thread], args].concat();
        let mut command = home.command(&args);
        run({
            command.env("MAILTUI_OPEN", format!("'{}' '--as it is'", opener.display()));
            command
        })
    };
    let said = open(&["2", "--json"]).ok().object();
    let got = std::fs::read_to_string(home.path("got")).unwrap();
    let path = text(&said, "path");
    assert_eq!(got, format!("--as it is\n{path}\n"));
    assert_eq!(std::fs::read(home.path("copy")).unwrap(), PNG);
    let path = Path::new(&path);
    assert_eq!(path.file_name().unwrap(), "_.._pic.png");
    for (path, mode) in [(path, 0o600), (path.parent().unwrap(), 0o700)] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
    }
    std::fs::remove_file(home.path("got")).unwrap();
    // A script that calls itself a text.
    let refused = open(&["3", "--json"]).exited(2);
    assert_eq!(text(&refused.error(), "code"), "program");
    assert!(!home.path("got").exists());
    open(&["3", "--force"]).ok();
    assert_eq!(std::fs::read(home.path("copy")).unwrap(), b"#!/bin/sh\necho owned\n");
    let mut fails = home.command(&["attachment", "open", &thread, "1", "--wait", "--json"]);
    fails.env("MAILTUI_OPEN", "false");
    assert_eq!(text(&run(fails).exited(1).error(), "code"), "opener");
}

#[test]
fn a_program_gets_the_bytes_and_no_shell_reads_its_arguments() {
    let home = Home::new();
    let thread = conversation(&home);
    let pipe = |number: &str, command: &[&str]| {
        let args = [&["attachment", "pipe", &thread, number, "--"], command].concat();
        home.run(&args)
    };
    assert_eq!(pipe("2", &["cat"]).ok().stdout, PNG);
    assert_eq!(pipe("1", &["printf", "%s", "$HOME; `id`"]).ok().stdout, b"$HOME; `id`");
    // One that reads nothing is no failure; one that fails is.
    pipe("1", &["true"]).ok();
    pipe("1", &["false"]).exited(1);
    pipe("1", &["/no/such/program"]).exited(1);
    home.run(&["attachment", "pipe", &thread, "1"]).exited(2);
    let said = home.run(&["attachment", "pipe", &thread, "2", "--json", "--", "cat"]).ok();
    assert_eq!(count(&said.object(), "size"), PNG.len() as u64);
    // What stands behind `--` is the program's.
    assert_eq!(pipe("1", &["printf", "%s", "--json"]).ok().stdout, b"--json");
}

#[test]
fn what_is_not_on_this_device_is_fetched_and_offline_it_is_said() {
    let serve = Serve::start();
    let (home, other) = (Home::new(), Home::new());
    let big: Vec<u8> =
        (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let encoded = STANDARD.encode(&big);
    let header = "Content-Type: application/zip; name=big.zip\nContent-Transfer-Encoding: base64";
    let message = mail("big").parts(&[(header, encoded.as_bytes())]);
    message.write(&home.path("mail/big.eml"));
    run(serve.command(&home, &["import", "mail"])).ok();
    run(serve.command(&other, &["--sync-only"])).ok();
    let thread = other.thread("big");
    run(serve.command(&other, &["show", &thread])).ok();
    let save = ["attachment", "save", &thread, "--json", "--offline"];
    let refused = run(serve.command(&other, &save)).exited(3).object();
    assert_eq!(text(&refused["failed"][0], "code"), "not-here");
    assert!(!other.path("big.zip").exists());
    run(serve.command(&other, &save[..4])).ok();
    assert_eq!(std::fs::read(other.path("big.zip")).unwrap(), big);
}
