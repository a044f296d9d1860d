//! A good citizen of the terminal: what it is told to report is taken back, however the program
//! ends; frames come as a whole; the mouse points; the meter counts keys.
//!
//! Invariant: every byte is looked at, so that what is switched on once is switched off once.

use crate::support::binary::Home;
use crate::support::mail::{Mail, mail, write_maildir};
use crate::support::pty::Pty;

const SIZE: (u16, u16) = (80, 24);
/// A terminal that tells keys apart.
const KITTY: &[(&str, &str)] = &[("TERM", "xterm-kitty")];
/// Switches keys on, and off.
const KEYS: (&[u8], &[u8]) = (b"\x1b[>1u", b"\x1b[<1u");

fn home() -> Home {
    let home = Home::new();
    let mails: Vec<Mail> = (0..30).map(|n| mail(&format!("topic-{n:02}")).at(n)).collect();
    write_maildir(&home.path("Mail"), "", &mails);
    home.import(&home.path("Mail"));
    home
}

/// How often `part` is in `bytes`.
fn count(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).filter(|at| *at == part).count()
}

fn quit(mut pty: Pty) -> Vec<u8> {
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
    pty.wait_sane("at the end");
    pty.bytes()
}

/// What is switched on, and how often; the same is switched off.
fn check_modes(bytes: &[u8], expected: usize, keys: usize, what: &str) {
    for mode in ["1002", "1006", "1004"] {
        let on = count(bytes, format!("\x1b[?{mode}h").as_bytes());
        let off = count(bytes, format!("\x1b[?{mode}l").as_bytes());
        assert_eq!((on, off), (expected, expected), "{what}: {mode}");
    }
    assert_eq!((count(bytes, KEYS.0), count(bytes, KEYS.1)), (keys, keys), "{what}");
    let (begun, ended) = (count(bytes, b"\x1b[?2026h"), count(bytes, b"\x1b[?2026l"));
    assert_eq!(begun, ended, "{what}: a frame has no end");
    assert_eq!(begun > 0, expected > 0, "{what}: frames as a whole");
}

#[test]
fn what_is_switched_on_is_switched_off_at_the_end_and_while_the_shell_has_the_terminal() {
    let home = home();
    let pty = Pty::start_in(&home, SIZE, KITTY, &[]);
    pty.wait_text("topic-29");
    check_modes(&quit(pty), 1, 1, "the end");
    let pty = Pty::start(&home, SIZE, &[]);
    pty.wait_text("topic-29");
    check_modes(&quit(pty), 1, 0, "a terminal that does not know keys");
    let pty = Pty::start_in(&home, SIZE, &[("TERM", "linux")], &[]);
    pty.wait_text("topic-29");
    check_modes(&quit(pty), 0, 0, "a console");
    let script = "set -m; TERM=xterm-kitty \"$MAILTUI\" --data-dir \"$DATA\"; echo stopped; \
        read line; fg >/dev/null; echo ended";
    let mut pty = Pty::shell(&home, SIZE, script);
    pty.wait_text("topic-29");
    pty.press("\u{1a}");
    pty.wait_text("stopped");
    pty.wait_sane("stopped");
    check_modes(&pty.bytes(), 1, 1, "stopped");
    pty.press("\n");
    pty.wait("the list again", |s| s.contains("topic-29") && !s.contains("stopped"));
    pty.press("q");
    pty.wait_text("ended");
    assert_eq!(pty.wait_end(), 0);
    // The shell's word to go on may come behind ours: then the terminal is taken twice.
    let bytes = pty.bytes();
    for (on, off) in [(&b"\x1b[?1002h"[..], &b"\x1b[?1002l"[..]), KEYS] {
        let (on, off) = (count(&bytes, on), count(&bytes, off));
        assert!(on == off && on >= 2, "continued, and ended: {on} times on, {off} times off");
    }
}

#[test]
fn a_panic_takes_back_what_was_switched_on() {
    // In the thread that draws, and in the engine's.
    for point in ["ui.frame:9", "device.after-commit:6"] {
        let home = home();
        let environment = [KITTY[0], ("MAILTUI_PANIC_AT", point)];
        let mut pty = Pty::start_in(&home, SIZE, &environment, &[]);
        pty.wait("rows, or the end", |s| s.contains("topic-29") || s.contains("crashed"));
        pty.press("e");
        pty.wait(point, |screen| screen.contains("a report, without any mail in it"));
        assert_eq!(pty.wait_end(), 1, "{point}");
        pty.wait_sane(point);
        let bytes = pty.bytes();
        assert_eq!((count(&bytes, KEYS.0), count(&bytes, KEYS.1)), (1, 1), "{point}");
        assert_eq!(count(&bytes, b"\x1b[?1002h"), count(&bytes, b"\x1b[?1002l"), "{point}");
    }
}

/// The row with the cursor.
fn under_cursor(screen: &str) -> Option<&str> {
    screen.lines().find_map(|line| {
        let row = &line[line.find('│').unwrap_or(0)..];
        let at = row.find("topic-").filter(|_| row.contains('▸'))?;
        row.get(at..at + "topic-00".len())
    })
}

#[test]
fn the_mouse_points_opens_and_scrolls_until_it_is_switched_off() {
    let home = home();
    let config = home.path(".config/mailtui");
    let mut pty = Pty::start(&home, SIZE, &[]);
    pty.wait_text("topic-29");
    // SGR reports (xterm, 1006): button, column and row from 1; M is a press, m a release.
    pty.press("\u{1b}[<0;40;6M\u{1b}[<0;40;6m");
    pty.wait("the cursor on a row", |s| under_cursor(s) == Some("topic-26"));
    pty.press("\u{1b}[<65;40;6M");
    pty.wait("the cursor three rows on", |s| under_cursor(s) == Some("topic-23"));
    // With Shift it is the terminal's.
    pty.press("\u{1b}[<4;40;3M");
    pty.press("\u{1b}[<64;40;6M");
    pty.wait("the cursor back", |s| under_cursor(s) == Some("topic-26"));
    // What begins like a report and is none does nothing; the focus is no key.
    pty.press("\u{1b}[<0;;M\u{1b}[<99999;99999;99999M\u{1b}[I\u{1b}[O");
    pty.press("\u{1b}[<0;40;6M");
    pty.wait_text("u back");
    pty.press("u");
    pty.wait_text("q quit");
    std::fs::create_dir_all(&config).expect("a directory");
    std::fs::write(config.join("config.toml"), "mouse = false\n").expect("a file");
    pty.wait_text("mouse is false");
    assert!(pty.is_sane().is_err_and(|wrong| !wrong.contains("mouse")));
    let bytes = quit(pty);
    assert_eq!((count(&bytes, b"\x1b[?1002h"), count(&bytes, b"\x1b[?1002l")), (1, 1));
}

#[test]
fn keys_that_are_told_apart_are_the_same_keys() {
    let home = home();
    let mut pty = Pty::start_in(&home, SIZE, KITTY, &[]);
    pty.wait_text("topic-29");
    pty.press("?");
    pty.wait_text("Esc close");
    // Esc, C-d, C-i (a tab), and C-l, as kitty's protocol has them.
    pty.press("\u{1b}[27u");
    pty.wait_text("q quit");
    pty.press("\u{1b}[105;5u");
    pty.wait("the next list", |s| s.lines().next().is_some_and(|line| line.contains("Starred")));
    pty.press("gi");
    pty.wait("the inbox", |s| under_cursor(s) == Some("topic-29"));
    pty.press("\u{1b}[100;5u");
    pty.wait("half a page down", |s| under_cursor(s).is_some_and(|topic| topic < "topic-25"));
    quit(pty);
}

#[test]
fn keys_are_counted_to_their_frames() {
    let home = home();
    let mut pty = Pty::start(&home, SIZE, &[]);
    pty.wait_text("topic-29");
    pty.press(":latency\r");
    pty.wait_text("CPU a key");
    pty.press(":latency\r");
    pty.wait("no meter", |s| !s.contains("CPU a key"));
    pty.press("gL");
    pty.wait_text("CPU a key");
    for n in 1..=20 {
        pty.press("j");
        let topic = format!("topic-{:02}", 29 - n);
        pty.wait("the cursor", |s| under_cursor(s) == Some(&topic));
    }
    // What was pressed before the frame that is shown: two keys open the meter.
    let screen = pty.wait("the count", |s| {
        let count = s.lines().find_map(|line| line.split_once("last keys")).map(|(_, n)| n.trim());
        count.is_some_and(|count| ["21", "22"].contains(&count))
    });
    let p99 = screen.lines().find_map(|line| line.split_once(" p99 ")).expect("a figure").1;
    let p99: f64 = p99.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(p99 > 0.0 && p99 < 5_000.0, "{p99}");
    quit(pty);
}
