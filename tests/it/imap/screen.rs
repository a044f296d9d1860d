//! How soon mail is on the screen, in the real program.
//!
//! Invariant: times are medians of several, measured from the moment that the server said yes; the
//! bounds leave room for a loaded machine, the figures are printed.

use std::time::{Duration, Instant};

use super::{generated, messages};
use crate::support::binary::Home;
use crate::support::dovecot::Dovecot;
use crate::support::mail::mail;
use crate::support::pty::Pty;
use crate::support::wait_for;

/// New mail is on the screen within this; one second is promised.
const NEW: Duration = Duration::from_secs(1);
/// The first screen of a large account; two seconds are promised of an optimized build.
const FIRST: Duration = Duration::from_secs(15);
/// Rows of the first screen.
const ROWS: usize = 50;
/// How often new mail is measured.
const TIMES: usize = 7;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
fn new_mail_is_on_the_screen_within_a_second() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    for n in 0..30 {
        client.append("INBOX", "", &generated(n * 3, "INBOX"));
    }
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    super::look(&home);
    let pty = Pty::start(&home, (110, 40), &[]);
    pty.wait_text("topic 87 of INBOX");
    let mut times = Vec::new();
    for n in 0..TIMES {
        let subject = format!("delivered {n}");
        let raw = mail(&format!("d{n}")).subject(&subject).at(10_000).bytes();
        let before = Instant::now();
        server.deliver("u1", &raw);
        pty.wait_text(&subject);
        times.push(before.elapsed());
    }
    // The first may come while the program still looks at all folders.
    let middle = median(times.clone());
    println!("{{\"new_mail_ms\":{},\"times\":\"{times:?}\"}}", middle.as_millis());
    assert!(middle <= NEW, "{middle:?} of {times:?}");
}

#[test]
fn the_first_screen_of_a_large_account_comes_soon() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    let many = messages();
    for n in 0..many {
        client.append("INBOX", "\\Seen", &generated(n * 3, "INBOX"));
    }
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    let before = Instant::now();
    let pty = Pty::start(&home, (110, 60), &[]);
    let rows = |screen: &str| screen.lines().filter(|line| line.contains("topic ")).count();
    let found = wait_for(FIRST, || (rows(&pty.screen()) >= ROWS).then(|| before.elapsed()));
    let took = found.unwrap_or_else(|| panic!("{} rows: {}", rows(&pty.screen()), pty.screen()));
    println!("{{\"first_rows_ms\":{},\"messages\":{many}}}", took.as_millis());
    // The newest are first.
    let newest = format!("topic {} of INBOX", (many - 1) * 3);
    assert!(pty.screen().contains(&newest), "{newest}:\n{}", pty.screen());
}
