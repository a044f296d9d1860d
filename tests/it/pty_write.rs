//! Writing in the program in a terminal: what is kept when it is killed, and the user's editor.
//!
//! Invariant: the program is killed as the kernel does it, and the editor is another program that
//! reads the same terminal; nothing of either is played.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::binary::Home;
use crate::support::mail::{Mail, mail, write_maildir};
use crate::support::pty::Pty;
use crate::support::{SCREEN_DEADLINE, wait_for};

const SIZE: (u16, u16) = (80, 24);

fn home() -> Home {
    let home = Home::new();
    let mails: Vec<Mail> = (0..3).map(|n| mail(&format!("topic-{n:02}")).at(n)).collect();
    write_maildir(&home.path("Mail"), "", &mails);
    home.import(&home.path("Mail"));
    home
}

/// A program that is used as the editor: a script that gets the file as its argument.
fn editor(home: &Home, script: &str) -> PathBuf {
    let path = home.path("an editor");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).expect("a program");
    path
}

/// Files for the editor that are still there.
fn edited(home: &Home) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.data().join("compose"));
    entries.map(|all| all.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

fn write(pty: &mut Pty) {
    pty.wait_text("topic-02");
    pty.press("c");
    pty.wait_text("Subject");
    pty.press("bob@example.org\t\t\t\tHello Bob, e # q");
    pty.wait_text("Hello Bob, e # q");
}

#[test]
fn what_was_typed_before_a_kill_is_a_draft_at_the_next_start() {
    let home = home();
    let mut pty = Pty::start(&home, SIZE, &[]);
    write(&mut pty);
    let journal = home.data().join("writing.db");
    // The journal has it after the first pause; it says so by nothing but its bytes.
    let noted = wait_for(SCREEN_DEADLINE, || {
        let wal = std::fs::read(journal.with_extension("db-wal")).ok()?;
        wal.windows(16).any(|bytes| bytes == b"Hello Bob, e # q").then_some(())
    });
    assert!(noted.is_some(), "the journal never had it");
    pty.kill();
    let listed = home.run(&["drafts"]).ok();
    assert!(listed.stdout.is_empty(), "{listed}");
    let said = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert!(said.contains("the words of a draft are not saved yet"), "{said}");
    let mut pty = Pty::start(&home, SIZE, &[]);
    pty.wait_text("topic-02");
    pty.press("gd");
    pty.wait_text("bob@example.org");
    pty.press("\r");
    pty.wait_text("Hello Bob, e # q");
    pty.press("\u{1b}");
    pty.wait_text("Drafts");
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}

#[test]
fn what_a_kill_left_is_saved_also_where_no_screen_is_opened() {
    let home = home();
    let mut pty = Pty::start(&home, SIZE, &[]);
    write(&mut pty);
    let journal = home.data().join("writing.db");
    let noted = wait_for(SCREEN_DEADLINE, || {
        let wal = std::fs::read(journal.with_extension("db-wal")).ok()?;
        wal.windows(16).any(|bytes| bytes == b"Hello Bob, e # q").then_some(())
    });
    assert!(noted.is_some(), "the journal never had it");
    pty.kill();
    for (said, drafts) in [(true, 1), (false, 1)] {
        let run = home.run(&["--sync-only"]).ok();
        let told = String::from_utf8_lossy(&run.stderr).contains("that was being written is in");
        assert_eq!((told, home.json(&["drafts"]).len()), (said, drafts), "{run}");
    }
}

#[test]
fn the_end_of_the_program_keeps_what_is_open() {
    let home = home();
    let mut pty = Pty::start(&home, SIZE, &[]);
    write(&mut pty);
    pty.press("\u{3}");
    assert_eq!(pty.wait_end(), 0);
    let mut pty = Pty::start(&home, SIZE, &[]);
    pty.wait_text("topic-02");
    pty.press("gd");
    pty.wait("one draft", |s| s.matches("bob@example.org").count() == 1);
    pty.press("\r");
    pty.wait_text("Hello Bob, e # q");
    pty.kill();
}

#[test]
fn the_editor_has_the_terminal_and_gives_it_back() {
    let home = home();
    // It reads a line of the terminal: whoever else reads it would take it away.
    let script = "echo now in the editor; read line; stat -c %a \"$1\" >>\"$1\"; \
        echo \"$line\" >>\"$1\"";
    let program = format!("'{}'", editor(&home, script).display());
    let mut pty = Pty::start_in(&home, SIZE, &[("VISUAL", &program)], &[]);
    write(&mut pty);
    for (round, line) in ["first words", "more words"].into_iter().enumerate() {
        pty.press("\u{18}e");
        pty.wait("the editor", |s| s.matches("now in the editor").count() == round + 1);
        pty.wait_sane("the editor has it");
        pty.press(&format!("{line}\r"));
        pty.wait("the line in the composer", |s| s.contains(line) && s.contains("Subject"));
    }
    let screen = pty.screen();
    assert!(screen.contains("Hello Bob") && screen.contains("600"), "{screen}");
    pty.press("\u{1b}");
    pty.wait_text("topic-02");
    let gone = wait_for(SCREEN_DEADLINE, || edited(&home).is_empty().then_some(()));
    assert!(gone.is_some(), "{:?}", edited(&home));
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
    pty.wait_sane("ended");
}

#[test]
fn an_editor_that_fails_takes_nothing_away() {
    let home = home();
    let script = "echo and this too >>\"$1\"; exit 3";
    let program = format!("'{}'", editor(&home, script).display());
    let mut pty = Pty::start_in(&home, SIZE, &[("EDITOR", &program)], &[]);
    write(&mut pty);
    pty.press("\u{18}\u{5}");
    pty.wait_text("ended with 3");
    let screen = pty.screen();
    assert!(screen.contains("Hello Bob") && screen.contains("and this too"), "{screen}");
    pty.kill();
}

#[test]
fn a_kill_while_the_editor_has_it_loses_nothing_of_its_file() {
    let home = home();
    let script = "echo written in the editor >>\"$1\"; echo now in the editor; read line";
    let program = format!("'{}'", editor(&home, script).display());
    let mut pty = Pty::start_in(&home, SIZE, &[("EDITOR", &program)], &[]);
    write(&mut pty);
    pty.press("\u{18}e");
    pty.wait_text("now in the editor");
    pty.kill();
    let mut pty = Pty::start(&home, SIZE, &[]);
    pty.wait_text("topic-02");
    let taken = wait_for(SCREEN_DEADLINE, || edited(&home).is_empty().then_some(()));
    assert!(taken.is_some(), "{:?}", edited(&home));
    pty.press("gd");
    pty.wait_text("bob@example.org");
    // The journal has what it was before; what the editor wrote is the newer one of two, or all.
    pty.press("\r");
    pty.wait_text("written in the editor");
    pty.kill();
}

#[test]
fn what_is_too_long_for_the_screen_stays_in_its_file() {
    let home = home();
    let script = "head -c 3000000 /dev/zero | tr '\\0' x >>\"$1\"";
    let program = format!("'{}'", editor(&home, script).display());
    let mut pty = Pty::start_in(&home, SIZE, &[("EDITOR", &program)], &[]);
    write(&mut pty);
    pty.press("\u{18}e");
    pty.wait_text("more than a message can be");
    assert!(pty.screen().contains("Hello Bob, e # q"), "{}", pty.screen());
    pty.press("\u{1b}");
    pty.wait_text("topic-02");
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
    let files = edited(&home);
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert!(std::fs::metadata(file).expect("there").len() > 3_000_000);
    let mode = std::fs::metadata(file).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_pipe_that_is_attached_holds_nothing_up() {
    let home = home();
    let pipe = home.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let mut pty = Pty::start(&home, SIZE, &[]);
    write(&mut pty);
    pty.press(&format!("\u{18}a{}\r", pipe.display()));
    pty.wait_text("is not a file");
    pty.press(&format!("\u{18}a{}\r", home.path("Mail").display()));
    pty.wait_text("is not a file");
    pty.press("\u{3}");
    assert_eq!(pty.wait_end(), 0);
}

#[test]
fn a_link_that_says_more_than_it_may_is_told_of_on_the_screen() {
    let home = home();
    let link = "mailto:bob@example.org?subject=Hi%20Bob&bcc=eve@example.org&attach=/etc/passwd";
    let pty = Pty::start(&home, SIZE, &[link]);
    pty.wait_text("the link also says bcc, attach");
    assert!(pty.screen().contains("Hi Bob") && !pty.screen().contains("eve@"), "{}", pty.screen());
}
