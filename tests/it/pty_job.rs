//! The program as a shell's job: stopped, continued, stopped from elsewhere.
//!
//! Invariant: a real shell with job control runs it; nothing of that is played.

use rustix::process::{Pid, Signal, kill_process};

use crate::support::binary::{Home, text};
use crate::support::mail::{Mail, mail, write_maildir};
use crate::support::pty::Pty;
use crate::support::{SCREEN_DEADLINE, wait_for};

const SIZE: (u16, u16) = (80, 24);

/// Runs the program as a job; when it stops, says so and waits for a line.
const SCRIPT: &str = "set -m; \"$MAILTUI\" --data-dir \"$DATA\"; code=$?; \
    while [ $code -gt 128 ]; do echo \"stopped with $code\"; read line; fg >/dev/null; code=$?; \
    done; echo \"ended with $code\"";

fn home() -> Home {
    let home = Home::new();
    let mails: Vec<Mail> = (0..5).map(|n| mail(&format!("topic-{n:02}")).at(n)).collect();
    write_maildir(&home.path("Mail"), "", &mails);
    home.import(&home.path("Mail"));
    home
}

/// The program's process: the shell's only child.
fn job(pty: &Pty) -> Pid {
    let found = wait_for(SCREEN_DEADLINE, || {
        let task = format!("/proc/{0}/task/{0}/children", pty.pid());
        let children = std::fs::read_to_string(task).ok()?;
        Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
    });
    found.expect("the shell runs the program")
}

/// The one-letter state of a process.
fn state(pid: Pid) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn wait_state(pid: Pid, wanted: char) {
    let reached = wait_for(SCREEN_DEADLINE, || (state(pid) == Some(wanted)).then_some(()));
    assert!(reached.is_some(), "state {:?}, not {wanted}", state(pid));
}

#[test]
fn the_suspend_key_gives_the_terminal_to_the_shell_and_takes_it_again() {
    let home = home();
    let mut pty = Pty::shell(&home, SIZE, SCRIPT);
    pty.wait_text("topic-04");
    for (key, left) in [("e", 4), ("s", 4)] {
        pty.press(key);
        pty.wait(key, |s| s.matches("  topic-").count() == left);
        pty.press("\u{1a}");
        pty.wait_text("stopped with");
        pty.wait_sane("stopped by the key");
        wait_state(job(&pty), 'T');
        // What was decided is on disk, and no transaction keeps readers out.
        let archived: Vec<_> =
            home.list("archive").iter().map(|row| text(row, "subject")).collect();
        assert_eq!(archived, ["topic-04"]);
        // The window is another one when it comes back.
        pty.resize((100, 30));
        pty.press("\n");
        pty.wait("the list in the new size", |s| {
            s.contains("topic-03") && !s.contains("stopped") && s.lines().count() == 30
        });
        pty.resize(SIZE);
        pty.wait("the list in the old size", |s| s.contains("topic-03") && s.lines().count() == 24);
    }
    pty.press("z");
    pty.press("z");
    pty.wait_text("topic-04");
    pty.press("q");
    pty.wait_text("ended with 0");
    assert_eq!(pty.wait_end(), 0);
    pty.wait_sane("ended");
}

#[test]
fn it_is_stopped_and_continued_from_elsewhere() {
    let home = home();
    let mut pty = Pty::shell(&home, SIZE, SCRIPT);
    pty.wait_text("topic-04");
    let job = job(&pty);
    for (signal, sane) in [(Signal::TSTP, true), (Signal::STOP, false), (Signal::TSTP, true)] {
        kill_process(job, signal).expect("it is there");
        wait_state(job, 'T');
        pty.wait_text("stopped with");
        if sane {
            pty.wait_sane(&format!("{signal:?}"));
        }
        // After SIGSTOP the terminal is still in raw mode: a line ends with the byte itself.
        pty.press("\n");
        pty.wait("the list", |s| s.contains("topic-03") && !s.contains("stopped with"));
        assert_ne!(state(job), Some('T'));
        pty.press("s");
        pty.wait("an answer to a key", |s| s.contains("tarred 1"));
        pty.press("\u{1b}");
        pty.wait("the answer gone", |s| !s.contains("tarred 1"));
    }
    pty.press("q");
    pty.wait_text("ended with 0");
}

#[test]
fn without_a_shell_it_is_not_stopped() {
    let home = home();
    let mut pty = Pty::start(&home, SIZE, &[]);
    pty.wait_text("topic-04");
    pty.press("\u{1a}");
    pty.wait_text("no shell");
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}
