//! Scripts beside an open terminal: one process owns the data directory, the others ask it, and
//! all of them say the same.
//!
//! Invariant: nothing here waits longer than its deadline for the other side to show a change.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::RUN_DEADLINE;
use crate::support::binary::{Home, Run, count, finish, run, text};
use crate::support::mail::{mail, many, mbox, write};
use crate::support::pty::Pty;
use crate::support::serve::Serve;

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

/// Commands that write, and some that are wrong: the arguments, without `--json`.
fn work(home: &Home) -> Vec<Vec<String>> {
    let (one, two) = (home.thread("row-001"), home.thread("row-002"));
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    [
        format!("archive {one} {two}"),
        format!("label {one} +Work +home -home"),
        format!("label {one} -work"),
        format!("star {two}"),
        format!("read {one}"),
        format!("unread {one}"),
        format!("unstar {two}"),
        format!("move {one} trash"),
        "undo".to_owned(),
        "undo --no-wait".to_owned(),
        "redo".to_owned(),
        "undo".to_owned(),
        "undo no-such-action".to_owned(),
        "redo no-such-action".to_owned(),
        "trash no-such-thread".to_owned(),
        "labels create Plans --color red".to_owned(),
        "labels rename plans Later".to_owned(),
        "labels recolor Later none".to_owned(),
        "labels delete Later".to_owned(),
        "labels delete inbox".to_owned(),
        format!("link {one} {two}"),
        format!("unlink {two}"),
        format!("unlink {two}"),
        format!("label {one} -nowhere"),
        format!("label {one} +new +unread +sent"),
        format!("move {one} nowhere"),
        "import more half nothing".to_owned(),
        "import more --label Lists --place archive".to_owned(),
        "import nothing".to_owned(),
    ]
    .iter()
    .map(|line| words(line))
    .collect()
}

/// What a run said, without the ids that differ from run to run.
fn said(run: &Run) -> (Option<i32>, String, String) {
    let mut out = String::from_utf8_lossy(&run.stdout).into_owned();
    if let Ok(mut value) = serde_json::from_str::<serde_json::Value>(&out) {
        for id in ["action", "undid", "redid"] {
            if value[id].is_string() {
                value[id] = "an action".into();
            }
        }
        // Who does not wait may see the owner's link before or after it has sent.
        if run.args.contains("--no-wait") {
            value["pending"] = "some".into();
        }
        out = value.to_string();
    }
    (run.code(), out, String::from_utf8_lossy(&run.stderr).into_owned())
}

/// A home with the same mail every time, and files to import.
fn same() -> Home {
    let home = home();
    write(&home.path("more"), &mbox(&many("more", 30)));
    std::fs::create_dir(home.path("half")).unwrap();
    mail("late").write(&home.path("half/late.eml"));
    write(&home.path("half/picture"), b"\x89PNG");
    home
}

#[test]
fn every_writing_command_says_the_same_beside_a_terminal() {
    let (alone, beside) = (same(), same());
    let pty = Pty::start(&beside, (80, 24), &[]);
    pty.wait_text("row-007");
    let ids = |home: &Home| ["row-001", "row-002"].map(|row| home.thread(row));
    assert_eq!(ids(&alone), ids(&beside), "the same mail has the same ids");
    for args in work(&alone) {
        let json = [args.clone(), vec!["--json".to_owned()]].concat();
        let (one, other) = (alone.run(&json), beside.run(&json));
        assert_eq!(said(&one), said(&other), "{args:?}");
    }
    assert_eq!(alone.list("anywhere"), beside.list("anywhere"));
    assert_eq!(alone.list("anywhere").len(), 8 + 30 + 1, "all of it was done");
    quit(pty);
    beside.assert_healthy("every command beside a terminal");
}

#[test]
fn the_socket_is_its_owners_and_goes_with_it() {
    let home = home();
    let socket = home.data().join("socket");
    // What a crash left, and what is no socket at all.
    drop(UnixListener::bind(&socket).expect("a stale socket"));
    let thread = home.thread("row-001");
    home.run(&["archive", &thread]).ok();
    for _ in 0..2 {
        let pty = Pty::start(&home, (80, 24), &[]);
        pty.wait_text("row-007");
        home.run(&["star", &thread]).ok();
        let mode = std::fs::metadata(&socket).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        quit(pty);
        assert!(!socket.exists(), "gone on quit");
        write(&socket, b"no socket");
        home.run(&["unstar", &thread]).ok();
    }
    home.assert_healthy("stale sockets");
}

#[test]
fn a_killed_owner_keeps_nobody_out() {
    let home = home();
    let thread = home.thread("row-001");
    for (kill, command) in ["archive", "star", "trash"].into_iter().enumerate() {
        let pty = Pty::start(&home, (80, 24), &[]);
        pty.wait_text("row-007");
        home.run(&["read", &thread]).ok();
        pty.kill();
        assert!(home.data().join("socket").exists(), "nobody took it away");
        home.run(&[command, &thread]).ok();
        home.assert_healthy(&format!("kill {kill}"));
    }
    assert_eq!(home.threads("trash"), [thread]);
}

#[test]
fn scripts_at_once_all_succeed_alone_and_beside_a_terminal() {
    let home = home();
    let at_once = |label: &str| {
        let threads = home.threads("inbox");
        let start = |thread: &String| {
            let args = ["label", thread.as_str(), &format!("+{label}")];
            home.command(&args).spawn().expect("it starts")
        };
        let runs: Vec<_> = threads.iter().map(start).collect();
        for child in runs {
            finish(child, format!("label +{label}"), RUN_DEADLINE).ok();
        }
        assert_eq!(home.threads(label).len(), threads.len(), "{label}");
    };
    at_once("alone");
    let pty = Pty::start(&home, (80, 24), &[]);
    pty.wait_text("row-007");
    at_once("beside");
    quit(pty);
    home.assert_healthy("scripts at once");
}

#[test]
fn a_terminal_that_quits_leaves_scripts_their_work() {
    let home = home();
    let threads = home.threads("inbox");
    for (round, thread) in threads.iter().enumerate() {
        let pty = Pty::start(&home, (80, 24), &[]);
        pty.wait("a screen", |screen| screen.contains("row-00") || screen.contains("nbox"));
        let start = |args: &[&str]| home.command(args).spawn().expect("it starts");
        let star = start(&["star", thread]);
        std::thread::sleep(std::time::Duration::from_millis(3 * round as u64));
        quit(pty);
        finish(star, "star".to_owned(), RUN_DEADLINE).ok();
    }
    assert_eq!(home.threads("starred").len(), threads.len());
    home.assert_healthy("scripts while terminals quit");
}

#[test]
fn keys_answer_while_a_script_imports() {
    let home = home();
    write(&home.path("bulk"), &mbox(&many("bulk", 3_000)));
    let mut pty = Pty::start(&home, (80, 24), &[]);
    pty.wait_text("row-007");
    let import = home.command(&["import", "bulk", "--place", "archive", "--json"]).spawn();
    let import = import.expect("it starts");
    for row in ["row-007", "row-006", "row-005", "row-004"] {
        pty.wait_text(row);
        pty.press("gge");
        pty.wait("it archived", |screen| !screen.contains(row));
    }
    let report = finish(import, "import".to_owned(), RUN_DEADLINE).ok().object();
    assert_eq!(count(&report, "imported"), 3_000);
    assert_eq!(home.threads("archive").len(), 3_004);
    quit(pty);
    home.assert_healthy("keys while a script imports");
}

#[test]
fn beside_a_terminal_of_a_remote_backend() {
    let mut serve = Serve::start();
    let device = Home::new();
    write(&device.path("box"), &mbox(&many("row", 8)));
    serve.run(&device, &["import", "box"]).ok();
    let pty = Pty::start(&device, (80, 24), &[]);
    pty.wait_text("row-007");
    mail("fresh").at(100).write(&device.path("fresh.eml"));
    device.import(&device.path("fresh.eml"));
    pty.wait_text("fresh");
    // The terminal has opened few of the threads; the others come through it.
    let ids: Vec<String> = device.threads("inbox");
    let shown: Vec<Vec<u8>> =
        ids.iter().map(|id| device.run(&["show", id, "--json"]).ok().stdout).collect();
    let raw = device.run(&["show", &ids[3], "--raw"]).ok().stdout;
    let other = Home::new();
    serve.sync(&other);
    for (id, shown) in ids.iter().zip(&shown) {
        assert!(serve.run(&other, &["show", id, "--json"]).ok().stdout == *shown, "{id}");
    }
    assert!(serve.run(&other, &["show", &ids[3], "--raw"]).ok().stdout == raw && !raw.is_empty());
    serve.run(&device, &["archive", &device.thread("row-006")]).ok();
    pty.wait("the archived row gone", |screen| !screen.contains("row-006"));
    serve.sync(&other);
    assert_eq!(other.threads("archive"), device.threads("archive"));
    serve.stop();
    let kept = device.run(&["archive", &device.thread("row-005"), "--json"]).exited(5);
    assert_eq!(text(&kept.error(), "code"), "unreached");
    pty.wait("what is kept shows", |screen| !screen.contains("row-005"));
    quit(pty);
    let mut elsewhere = device.command(&["archive", &device.thread("row-004"), "--json"]);
    elsewhere.arg("--offline");
    run(elsewhere).ok();
    device.assert_healthy("beside a terminal of a remote backend");
}

#[test]
fn a_watcher_does_what_scripts_ask_and_says_it() {
    let mut serve = Serve::start();
    let device = Home::new();
    write(&device.path("box"), &mbox(&many("row", 4)));
    serve.run(&device, &["import", "box"]).ok();
    let watcher = serve.command(&device, &["--sync-only", "--watch", "--json"]).spawn();
    let watcher = watcher.expect("it starts");
    let socket = device.data().join("socket");
    let heard = crate::support::wait_for(RUN_DEADLINE, || socket.exists().then_some(()));
    assert!(heard.is_some(), "it hears");
    device.run(&["archive", &device.thread("row-001")]).ok();
    assert_eq!(device.list("archive").len(), 1);
    let pid = i32::try_from(watcher.id()).ok().and_then(Pid::from_raw).expect("a pid");
    kill_process(pid, Signal::INT).expect("it is there");
    let said = finish(watcher, "--watch".to_owned(), RUN_DEADLINE).exited(130);
    assert!(said.lines().len() > 1, "where it stands, and the change: {said}");
    assert!(!socket.exists(), "gone at the end");
    serve.stop();
    device.assert_healthy("beside a watcher");
}
