//! What is written by commands and does not come to be saved: kept, found, and said.
//!
//! Invariant: every command, and every editor, is its own process; what is killed is killed as the
//! kernel does it.

use std::process::Stdio;

use crate::contract_write::{ACCOUNTS, draft, drafts, editor, files};
use crate::support::binary::{Home, finish, text};
use crate::support::dovecot::write_accounts;
use crate::support::mail::write;
use crate::support::{RUN_DEADLINE, wait_for};

#[test]
fn what_is_piped_in_is_kept_whatever_becomes_of_it() {
    let home = Home::new();
    let failing = |input: &[u8], args: &[&str], code: &str| {
        use std::io::Write as _;
        let mut command = home.command(&[args, &["--json"]].concat());
        command.env("EDITOR", editor(&home, "exit 3")).stdin(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        child.stdin.take().expect("a pipe").write_all(input).expect("written");
        let run = finish(child, args.join(" "), RUN_DEADLINE);
        assert_eq!(run.error()["code"], code, "{run}");
        let thread = text(&drafts(&home)[0], "thread");
        draft(&home, &thread)["text"].clone()
    };
    let args = ["compose", "--edit", "--body-file", "-"];
    assert_eq!(failing(b"words of a pipe\n", &args, "editor"), "words of a pipe");
    let args = ["compose", "--send", "--to", "a@x.org", "--subject", "s"];
    assert_eq!(failing(b"gr\xfc\xdfe\n", &args, "not-utf8"), "grüße");
    assert_eq!((drafts(&home).len(), home.json(&["outbox"]).len()), (2, 0));
    assert_eq!(files(&home.data().join("compose")).len(), 0);
}

#[test]
fn an_editor_that_outlives_its_command_is_waited_for() {
    let home = Home::new();
    let dir = home.data().join("compose");
    // It writes when it is told to, and leaves the rights of a new file.
    let script = format!(
        "echo $$ > '{0}/pid'; read line < '{0}/pipe'; rm \"$3\"; umask 022; \
         printf 'To: bob@x.org\\n\\n%s\\n' \"$line\" > \"$3\"",
        home.path(".").display()
    );
    let made = std::process::Command::new("mkfifo").arg(home.path("pipe")).status();
    assert!(made.expect("mkfifo").success());
    let mut command = home.command(&["compose", "--edit"]);
    command.env("EDITOR", format!("'{}' --flag x", editor(&home, &script)));
    let mut child = command.stdin(Stdio::null()).spawn().expect("it starts");
    let started = wait_for(RUN_DEADLINE, || home.path("pid").exists().then_some(()));
    assert!(started.is_some(), "the editor never ran");
    child.kill().expect("killed");
    child.wait().expect("gone");
    home.run(&["compose", "--body", "other"]).ok();
    assert_eq!((drafts(&home).len(), files(&dir).len()), (1, 2), "the editor has it");
    std::fs::write(home.path("pipe"), "late words\n").expect("written");
    let taken = wait_for(RUN_DEADLINE, || {
        home.run(&["compose", "--body", "more"]).ok();
        drafts(&home).into_iter().find(|row| row["to"] == "bob@x.org")
    });
    let thread = text(&taken.expect("what it wrote is a draft"), "thread");
    assert_eq!(draft(&home, &thread)["text"], "late words");
    assert_eq!(files(&dir).len(), 0);
    // It may even write once more.
    write(&dir.join("command-7-7.eml"), b"To: eve@x.org\n\nonce more\n");
    home.run(&["compose", "--body", "last"]).ok();
    assert!(drafts(&home).iter().any(|row| row["to"] == "eve@x.org"));
    assert_eq!(files(&dir).len(), 0);
}

#[test]
fn a_pipe_is_no_attachment_and_nobody_waits_for_it() {
    let home = Home::new();
    let made = std::process::Command::new("mkfifo").arg(home.path("pipe")).status();
    assert!(made.expect("mkfifo").success());
    let refused = home.run(&["compose", "--body", "x", "--attach", "pipe", "--json"]).exited(2);
    assert_eq!(refused.error()["code"], "not-a-file");
    assert_eq!(drafts(&home).len(), 0);
}

#[test]
fn a_draft_with_words_that_are_not_saved_is_not_sent() {
    use mailtui::engine::writing::{JournalEntry, Writing};
    let home = Home::new();
    write_accounts(&home, ACCOUNTS);
    let args = ["compose", "--to", "a@x.org", "--subject", "s", "--body", "x", "--json"];
    let saved = home.run(&args).ok().object();
    let thread = text(&saved, "thread");
    let mut writing = Writing::open(&home.data()).expect("it opens");
    let of = mailtui::id::ThreadId::try_from(thread.as_str()).expect("an id");
    let draft = mailtui::mail::compose::Draft::default();
    writing.note(1, &JournalEntry { thread: Some(of), from: None, draft }, 1).expect("noted");
    let refused = home.run(&["send", &thread, "--json"]).exited(1);
    assert_eq!(refused.error()["code"], "open-elsewhere");
    assert_eq!(home.json(&["outbox"]).len(), 0);
    home.run(&["send", &thread, "--force"]).ok();
    assert_eq!(home.json(&["outbox"]).len(), 1);
}
