//! However the screen ends — a signal, a panic in any thread, a terminal that is gone — the
//! terminal is as it was before, and what was decided is on disk.
//!
//! Invariant: the terminal is judged by what it was told (its modes as a terminal would have them)
//! and by the modes that the kernel holds for it.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, test_kill_process};

use crate::support::binary::{Home, text};
use crate::support::mail::{Mail, mail, write_maildir};
use crate::support::pty::Pty;
use crate::support::{SCREEN_DEADLINE, wait_for};

const SIZE: (u16, u16) = (80, 24);
/// A word that is in every message and must be in no report.
const SECRET: &str = "zanzibar";

/// A home with five conversations in its inbox.
fn home() -> Home {
    let home = Home::new();
    let mails: Vec<Mail> =
        (0..5).map(|n| mail(&format!("topic-{n:02}")).body(SECRET).at(n)).collect();
    write_maildir(&home.path("Mail"), "", &mails);
    home.import(&home.path("Mail"));
    home
}

fn archived(home: &Home) -> Vec<String> {
    home.list("archive").iter().map(|row| text(row, "subject")).collect()
}

/// The program with the newest conversation just archived: the decision may not be on disk yet.
fn decided(home: &Home, environment: &[(&str, &str)]) -> Pty {
    let mut pty = Pty::start_in(home, SIZE, environment, &[]);
    pty.wait_text("topic-04");
    assert!(pty.is_sane().is_err(), "the screen is ours while it runs");
    pty.press("e");
    pty.wait("it archived", |screen| !screen.contains("topic-04"));
    pty
}

#[test]
fn signals_give_the_terminal_back_and_lose_nothing() {
    for (signal, code) in
        [(Signal::TERM, 0), (Signal::HUP, 0), (Signal::INT, 130), (Signal::QUIT, 130)]
    {
        let home = home();
        let mut pty = decided(&home, &[]);
        pty.signal(signal);
        assert_eq!(pty.wait_end(), code, "{signal:?}");
        pty.wait_sane(&format!("{signal:?}"));
        assert_eq!(archived(&home), ["topic-04"], "{signal:?}");
    }
}

#[test]
fn a_panic_in_any_thread_gives_the_terminal_back_and_says_where_its_report_is() {
    // In the thread that draws, the engine's, the link's, and the backend's.
    for point in ["ui.frame:9", "device.after-commit:6", "link.frame:2", "push.after-commit"] {
        let home = home();
        let mut pty = Pty::start_in(&home, SIZE, &[("MAILTUI_PANIC_AT", point)], &[]);
        pty.wait("rows, or the end", |s| s.contains("topic-04") || s.contains("crashed"));
        pty.press("e");
        let said = pty.wait(point, |screen| {
            // What is behind keys differs; until the place is reached there are more of them.
            screen.contains("a report, without any mail in it")
        });
        assert_eq!(pty.wait_end(), 1, "{point}: {said}");
        pty.wait_sane(point);
        let report = home.data().join("crash.txt");
        let written = std::fs::read_to_string(&report).expect("the report is there");
        assert!(written.contains("a panic that MAILTUI_PANIC_AT asked for"), "{written}");
        assert!(!written.contains(SECRET) && !written.contains("topic-"), "{written}");
        let mode = std::fs::metadata(&report).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        home.assert_healthy(point);
    }
}

#[test]
fn a_terminal_that_is_gone_ends_the_program_within_a_second() {
    let home = home();
    // `script` holds the other end of a second terminal: killing it hangs that up.
    let start = "echo $$ >pid; exec \"$MAILTUI\" --data-dir \"$DATA\"";
    let script = format!("exec script -qec '{start}' /dev/null");
    let mut pty = Pty::shell(&home, SIZE, &script);
    let shown = pty
        .wait("a list, or no such program", |s| s.contains("topic-04") || s.contains("not found"));
    if shown.contains("not found") {
        println!("skipped: there is no `script` here to hang a terminal up");
        return;
    }
    pty.press("e");
    pty.wait("it archived", |screen| !screen.contains("topic-04"));
    let pid = std::fs::read_to_string(home.path("pid")).expect("it wrote its number");
    let pid = Pid::from_raw(pid.trim().parse().expect("a number")).expect("a number");
    let hung_up = Instant::now();
    pty.signal(Signal::KILL);
    let gone = wait_for(SCREEN_DEADLINE, || test_kill_process(pid).is_err().then_some(()));
    assert!(gone.is_some(), "the program outlives its terminal");
    // A second, and what a loaded machine takes to run anything at all.
    assert!(hung_up.elapsed() < Duration::from_secs(5), "{:?}", hung_up.elapsed());
    assert_eq!(archived(&home), ["topic-04"]);
}
