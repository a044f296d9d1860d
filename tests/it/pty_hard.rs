//! A terminal that is not kind: storms of sizes, floods of keys, pastes, bytes that are no text,
//! terminals without a screen or without colours.
//!
//! Invariant: no key is lost and none is made up; what is counted is what the terminal was told.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::binary::{Home, text};
use crate::support::mail::{Mail, mail, write_maildir};
use crate::support::pty::Pty;

const SIZE: (u16, u16) = (80, 24);

/// A home with so many conversations, `topic-000` the newest, not yet imported.
fn mail_at_home(count: i64) -> Home {
    let home = Home::new();
    let topic = |n: i64| mail(&format!("topic-{n:03}")).body("text").at(count - n);
    let mails: Vec<Mail> = (0..count).map(topic).collect();
    write_maildir(&home.path("Mail"), "", &mails);
    home
}

fn home(count: i64) -> Home {
    let home = mail_at_home(count);
    home.import(&home.path("Mail"));
    home
}

/// The topic under the cursor.
fn under_cursor(screen: &str) -> Option<&str> {
    // The first sign of that kind on a line may be the sidebar's.
    screen.lines().find_map(|line| {
        let row = &line[line.find('│').unwrap_or(0)..];
        let at = row.find("topic-").filter(|_| row.contains('▸'))?;
        row.get(at..at + "topic-000".len())
    })
}

fn wait_cursor(pty: &Pty, topic: &str) {
    pty.wait(&format!("the cursor on {topic}"), |screen| under_cursor(screen) == Some(topic));
}

fn quit(mut pty: Pty) {
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}

/// The list while so many messages are imported.
fn importing(messages: i64) -> (Home, Pty) {
    let home = mail_at_home(messages);
    let mut pty = Pty::start(&home, SIZE, &[]);
    pty.wait_text("Import ~/Mail");
    pty.press("2");
    pty.wait("rows", |s| s.contains("readable now") || s.contains("topic-"));
    pty.press("\r");
    pty.wait_text("topic-");
    (home, pty)
}

/// How often `part` is in `bytes`.
fn count(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).filter(|at| *at == part).count()
}

#[test]
fn a_storm_of_sizes_loses_no_key_and_draws_few_frames() {
    // Rows come in under the cursor all the while.
    let (_home, mut pty) = importing(600);
    pty.press("x");
    pty.wait_text("1 selected");
    let begun = Instant::now();
    let drawn = |pty: &Pty| count(&pty.bytes(), b"\x1b[2J");
    let before = drawn(&pty);
    for n in 0_u16..500 {
        let (columns, rows) = (20 + n * 7 % 190, 4 + n * 5 % 60);
        pty.resize((columns, rows));
        if n % 50 == 0 {
            // Each press selects a row, or unselects one: an odd number of them is found out.
            pty.press("jx");
        }
        if n % 3 == 0 {
            pty.signal(Signal::WINCH);
        }
    }
    pty.resize(SIZE);
    pty.wait_text("11 selected");
    let screen = pty.wait("the last size", |s| {
        let lines: Vec<&str> = s.lines().collect();
        lines.len() == 24 && lines.last().is_some_and(|line| line.contains("q quit"))
    });
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
    let frames = drawn(&pty) - before;
    // A frame in 33 ms; for 150 ms after a key (ten times two) one in 8 ms.
    let elapsed = usize::try_from(begun.elapsed().as_millis()).expect("small");
    let most = (elapsed / 8).min(elapsed / 33 + 10 * (150 / 8)) + 5;
    assert!(frames <= most, "{frames} frames of other sizes in {:?}", begun.elapsed());
    quit(pty);
}

#[test]
fn a_flood_of_keys_arrives_as_a_whole() {
    let home = home(300);
    let mut pty = Pty::start(&home, SIZE, &[]);
    wait_cursor(&pty, "topic-000");
    pty.press(&"j".repeat(217));
    wait_cursor(&pty, "topic-217");
    pty.press(&("j".repeat(10_000) + &"k".repeat(9)));
    wait_cursor(&pty, "topic-290");
    pty.press(&"\u{1b}[A".repeat(90));
    wait_cursor(&pty, "topic-200");
    // What is no text, and sequences that nobody knows, are no keys and swallow none.
    pty.press_bytes(b"\xff\xfe\xc3(\xf0\x9f");
    pty.press_bytes(b"\x1b[999;999~\x1b[1;9Z\x1bOz");
    pty.press("jjj");
    pty.wait("the cursor a few rows on", |s| {
        under_cursor(s).is_some_and(|topic| ("topic-201"..="topic-203").contains(&topic))
    });
    // And the size is known without a key.
    pty.resize((60, 15));
    pty.wait("the new size", |s| s.lines().count() == 15 && s.contains("q quit"));
    quit(pty);
}

#[test]
fn a_paste_is_text_and_never_keys() {
    let home = home(20);
    let mut pty = Pty::start(&home, SIZE, &[]);
    wait_cursor(&pty, "topic-000");
    let paste = |text: &str| format!("\u{1b}[200~{text}\u{1b}[201~");
    let long = "e#q\r\u{3}jx".repeat(150_000);
    pty.press(&paste(&long));
    pty.press("j");
    wait_cursor(&pty, "topic-001");
    pty.press("l");
    pty.wait_text("Label 1 conversation");
    pty.press(&paste(&long));
    pty.press("\u{15}");
    pty.press(&paste("a label\u{1b}[31m"));
    pty.wait_text("new \"a label");
    pty.press("\u{1b}");
    pty.wait("the picker closed", |s| !s.contains("Label 1 conversation"));
    quit(pty);
    assert_eq!(home.list("inbox").len(), 20);
    assert_eq!(home.list("archive").len() + home.list("trash").len(), 0);
}

/// The output of the program in a terminal that has these variables, once it has ended.
fn printed(home: &Home, environment: &[(&str, &str)]) -> String {
    let mut pty = Pty::start_in(home, SIZE, environment, &[]);
    assert_eq!(pty.wait_end(), 0, "{environment:?}");
    pty.wait_text("topic-000");
    assert_eq!(count(&pty.bytes(), b"\x1b"), 0, "{environment:?}: {}", pty.screen());
    pty.screen()
}

#[test]
fn a_terminal_without_a_screen_is_given_lines() {
    let home = home(3);
    for environment in [&[("TERM", "dumb")][..], &[("TERM", "")]] {
        let screen = printed(&home, environment);
        assert!(screen.contains("TERM"), "it says why: {screen}");
    }
    for script in [
        "\"$MAILTUI\" --data-dir \"$DATA\" | cat",
        "\"$MAILTUI\" --data-dir \"$DATA\" </dev/null",
        "\"$MAILTUI\" --data-dir \"$DATA\" <&-",
        "\"$MAILTUI\" --data-dir \"$DATA\" >out; cat out",
    ] {
        let mut pty = Pty::shell(&home, SIZE, script);
        assert_eq!(pty.wait_end(), 0, "{script}");
        pty.wait_text("topic-000");
        assert_eq!(count(&pty.bytes(), b"\x1b"), 0, "{script}");
    }
    let mut pty = Pty::shell(&home, SIZE, "\"$MAILTUI\" --data-dir \"$DATA\" >&-; echo code $?");
    pty.wait_text("code 0");
    assert_eq!(pty.wait_end(), 0);
}

/// The parameters of every select-graphic-rendition sequence that was written.
fn renditions(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let sequences = text.split("\u{1b}[").skip(1);
    let ends = sequences.filter_map(|at| {
        let end = at.find(|c: char| c.is_ascii_alphabetic())?;
        at[end..].starts_with('m').then(|| at[..end].to_owned())
    });
    ends.collect()
}

#[test]
fn colours_are_the_sixteen_of_any_terminal_or_none() {
    let home = home(3);
    for (environment, coloured) in [
        (&[("TERM", "xterm")][..], true),
        (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], true),
        (&[("TERM", "linux")], true),
        (&[("NO_COLOR", "1")], false),
        (&[("CLICOLOR", "0")], false),
        (&[("TERM", "vt100")], false),
    ] {
        let mut pty = Pty::start_in(&home, SIZE, environment, &[]);
        pty.wait_text("topic-000");
        pty.press("jxsl");
        pty.wait_text("Label 1");
        pty.press("\u{1b}?");
        pty.wait_text("Triage");
        pty.press("\u{1b}");
        quit_from_list(&mut pty);
        let used = renditions(&pty.bytes());
        // crossterm writes the sixteen as `38;5;0` to `38;5;15`.
        let colour = |sgr: &String| {
            let number = sgr.strip_prefix("38;5;").map(|rest| {
                rest.split(';').next().and_then(|n| n.parse::<u16>().ok()).expect("a number")
            });
            assert!(number.is_none_or(|number| number < 16), "{environment:?}: {sgr}");
            assert!(!sgr.starts_with("38;2") && !sgr.contains("48;"), "{environment:?}: {sgr}");
            number.is_some()
        };
        assert_eq!(used.iter().any(colour), coloured, "{environment:?}: {used:?}");
        // What colour says is said without it too: the cursor's row is reversed, its sign stands.
        assert!(used.iter().any(|sgr| sgr == "7"), "{environment:?}: {used:?}");
    }
}

fn quit_from_list(pty: &mut Pty) {
    pty.wait("the list", |s| s.contains("q quit"));
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}

#[test]
fn keys_are_answered_at_once_while_an_import_runs() {
    let (home, mut pty) = importing(900);
    let mut waits = Vec::new();
    let mut running = 0;
    for n in 1..=40 {
        let begun = Instant::now();
        pty.press("x");
        // The count in the title changes with each key, wherever rows come in.
        let selected = format!("✓ {} selected", n % 2);
        let screen = pty.wait("the answer to a key", |s| s.contains(&selected) == (n % 2 == 1));
        waits.push(begun.elapsed());
        running += usize::from(screen.contains("importing"));
    }
    waits.sort_unstable();
    println!("{running} of 40 keys while it ran; median {:?}, last {:?}", waits[20], waits[39]);
    // Far above what it takes; far below what a wait for the import would.
    assert!(waits[20] < Duration::from_millis(250), "{waits:?}");
    assert!(waits[39] < Duration::from_secs(3), "{waits:?}");
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
    let listed = home.list("anywhere");
    assert!(listed.iter().all(|row| text(row, "subject").starts_with("topic-")));
}

#[test]
fn nothing_is_held_before_a_choice() {
    let home = mail_at_home(5);
    // A directory that is there and holds no mail, as an import of nothing leaves it.
    std::fs::create_dir(home.path("empty")).expect("a directory");
    home.run(&["import".as_ref(), home.path("empty").as_os_str()]);
    let pty = Pty::start(&home, SIZE, &[]);
    pty.wait_text("No mail here yet");
    home.import(&home.path("Mail"));
    assert_eq!(home.list("inbox").len(), 5);
    quit(pty);
}
