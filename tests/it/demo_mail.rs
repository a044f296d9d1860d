//! The sample mail: what the demo's files hold, and what becomes of them.
//!
//! Invariant: the sample shows each kind of message that its README names, points at nobody real,
//! and is whole: every answer has what it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;

use mailtui::cli::demo_mail::{WRITTEN, at};
use rustix::process::Signal;

use crate::support::binary::{Home, text};
use crate::support::pty::Pty;

/// Messages of the sample.
const MESSAGES: usize = 150;
/// Conversations of the sample.
const CONVERSATIONS: usize = 64;
/// Messages of its longest conversation.
const LONGEST: u64 = 24;

/// One message of the sample: its folder and its head, unfolded, by lower-case name.
struct Message {
    folder: &'static str,
    head: BTreeMap<String, String>,
    source: String,
}

impl Message {
    fn field(&self, name: &str) -> &str {
        self.head.get(name).map_or("", String::as_str)
    }
}

fn sample() -> Vec<Message> {
    sample_at(WRITTEN)
}

fn sample_at(now: i64) -> Vec<Message> {
    let mut all = Vec::new();
    for (folder, mbox) in at(now) {
        let mbox = String::from_utf8(mbox).expect("valid UTF-8");
        for source in mbox.trim_end().split("\n\nFrom ") {
            let (_, source) = source.split_once('\n').expect("a line between messages");
            let (head, _) = source.split_once("\n\n").expect("a head and a body");
            let head = head.replace("\n ", " ");
            let fields = head.lines().map(|line| line.split_once(": ").expect("a field"));
            let head = fields.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
            all.push(Message { folder, head: head.collect(), source: source.to_owned() });
        }
    }
    all
}

#[test]
fn every_answer_has_what_it_answers() {
    let all = sample();
    assert_eq!(all.len(), MESSAGES);
    let ids: BTreeSet<&str> = all.iter().map(|message| message.field("message-id")).collect();
    assert_eq!(ids.len(), MESSAGES);
    for message in &all {
        for id in message.field("references").split_whitespace() {
            assert!(ids.contains(id), "{}", message.source);
        }
        let last = message.field("references").split_whitespace().last().unwrap_or_default();
        assert_eq!(last, message.field("in-reply-to"));
    }
    let roots = all.iter().filter(|message| message.field("references").is_empty()).count();
    assert_eq!(roots, CONVERSATIONS);
}

#[test]
fn an_answer_is_later_than_what_it_answers_whenever_the_sample_is_opened() {
    for now in [WRITTEN, WRITTEN + 3 * 24 * 3_600, WRITTEN + 400 * 24 * 3_600 + 7] {
        let all = sample_at(now);
        let at = |message: &Message| {
            let date = jiff::fmt::rfc2822::parse(message.field("date")).expect("a date");
            date.timestamp().as_second()
        };
        let dates: BTreeMap<&str, i64> =
            all.iter().map(|message| (message.field("message-id"), at(message))).collect();
        for message in &all {
            assert!(at(message) < now, "from the future: {}", message.source);
            if let Some(before) = dates.get(message.field("in-reply-to")) {
                assert!(*before < at(message), "{}", message.source);
            }
        }
        assert!(dates.values().any(|date| now - date < 3_600), "nothing has just come in");
    }
}

/// Host names of addresses and links in `source`.
fn hosts(source: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.');
    let starts = source.match_indices('@').map(|(at, sign)| at + sign.len());
    let links = source.match_indices("://").map(|(at, sign)| at + sign.len());
    starts
        .chain(links)
        .map(move |at| source[at..].split(ends).next().unwrap_or_default().trim_end_matches('.'))
        .filter(|host| host.contains('.'))
}

#[test]
fn nobody_real_is_pointed_at() {
    let mut seen = 0;
    for message in sample() {
        for host in hosts(&message.source) {
            // RFC 2606.
            let reserved = host.ends_with(".example") || host == "example.org";
            assert!(reserved, "{host}: {}", message.source);
            seen += 1;
        }
    }
    assert!(seen > MESSAGES, "{seen}");
    assert_eq!(
        hosts("<a@b.example.>, https://c.net/x?d@e f@g").collect::<Vec<_>>(),
        ["b.example", "c.net"]
    );
}

#[test]
fn the_sample_has_what_its_readme_names() {
    let all = sample();
    let any = |what: &str| {
        assert!(all.iter().any(|message| message.source.contains(what)), "no message with {what}");
    };
    for what in [
        "charset=iso-2022-jp",
        "charset=iso-8859-1",
        "charset=iso-8859-7",
        "format=flowed",
        "quoted-printable",
        "Content-Type: application/pdf",
        "Content-Type: image/png",
        "method=REQUEST",
        "report-type=delivery-status",
        "List-Unsubscribe:",
        "[PATCH 2/3]",
        ">>> ",
    ] {
        any(what);
    }
    for folder in ["Drafts", "Trash", "Spam", "Sent", "Archive", "Family", "Band", "Tansy", "Team"]
    {
        let file = format!("{folder}.mbox");
        assert!(all.iter().any(|message| message.folder == file), "{folder}");
    }
    let html = |message: &&Message| message.field("content-type").starts_with("text/html");
    assert!(all.iter().filter(html).count() >= 5);
}

#[test]
fn the_sample_goes_through_the_import_whole() {
    let home = Home::new();
    let mail = home.path("mail");
    std::fs::create_dir(&mail).expect("a directory");
    for (name, mbox) in at(WRITTEN) {
        std::fs::write(mail.join(name), mbox).expect("written");
    }
    let report = home.import(&mail);
    assert_eq!(report["imported"], MESSAGES, "{report}");
    assert_eq!(report["failed"].as_array().map(Vec::len), Some(0), "{report}");
    let all = home.list("anywhere");
    assert_eq!(all.len(), CONVERSATIONS);
    let longest = all.iter().filter_map(|row| row["messageCount"].as_u64()).max();
    assert_eq!(longest, Some(LONGEST));
    for label in ["Team", "Tansy", "Family", "Band", "Lists", "Receipts", "Suppliers", "Travel"] {
        assert!(!home.list(label).is_empty(), "{label}");
    }
    for place in ["drafts", "sent", "starred", "unread", "trash", "spam", "archive"] {
        assert!(home.list(place).len() >= 2, "{place}");
    }
    let newest = text(&home.list("inbox")[0], "lastActivity");
    assert!(newest.starts_with("2026-11-20T16:"), "the newest has just come in: {newest}");
}

/// What is left in the temporary directory of this home.
fn left(home: &Home) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(home.path("tmp")).expect("readable");
    entries.map(|entry| entry.expect("readable").path()).collect()
}

#[test]
fn a_killed_demo_is_removed_by_the_next_and_a_running_one_is_not() {
    let home = Home::new();
    let dead = Pty::start(&home, (80, 24), &["demo"]);
    dead.wait_text("unread");
    let [sample] = &left(&home)[..] else { panic!("{:?}", left(&home)) };
    let sample = sample.clone();
    let mode =
        |path: &std::path::Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&sample), 0o700);
    assert_eq!(mode(&sample.join("mail/Inbox.mbox")), 0o600);
    // Nobody's: it has no lock, as one that is just being made.
    std::fs::create_dir(home.path("tmp/mailtui-demo-new")).expect("a directory");

    let mut beside = Pty::start(&home, (80, 24), &["demo"]);
    beside.wait_text("unread");
    assert!(sample.exists(), "it is in use");
    dead.kill();
    assert!(sample.exists(), "nothing of it could run");
    let mut next = Pty::start(&home, (80, 24), &["demo"]);
    next.wait_text("unread");
    assert!(!sample.exists(), "nobody uses it any more");
    assert_eq!(left(&home).len(), 3, "two that run and nobody's");
    for pty in [&mut beside, &mut next] {
        pty.press("q");
        assert_eq!(pty.wait_end(), 0);
    }
    assert_eq!(left(&home), [home.path("tmp/mailtui-demo-new")]);
}

#[test]
fn a_demo_that_is_told_to_end_or_crashes_leaves_nothing() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let home = Home::new();
        let mut pty = Pty::start(&home, (80, 24), &["demo"]);
        pty.wait_text("unread");
        pty.signal(signal);
        pty.wait_end();
        assert_eq!(left(&home), Vec::<std::path::PathBuf>::new(), "{signal:?}");
    }
    // While the sample is made, and in the thread that draws.
    for point in ["push.after-commit", "ingest.after-commit", "page.after-commit", "ui.frame:2"] {
        let home = Home::new();
        let mut pty = Pty::start_in(&home, (80, 24), &[("MAILTUI_PANIC_AT", point)], &["demo"]);
        assert_ne!(pty.wait_end(), 0, "{point}");
        // The report of a crash has no mail in it, and is what the user was told to look at.
        let mut left = left(&home).into_iter();
        let report = |path: &std::path::Path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("mailtui-crash-"))
        };
        assert!(left.all(|path| report(&path)), "{point}: {:?}", left.collect::<Vec<_>>());
    }
}
