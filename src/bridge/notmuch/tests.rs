//! Tests of dumps, and of the program that makes them, by programs that stand for it.

use std::process::Command;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn read(dump: &str) -> Tags {
    let mut tags = Tags::default();
    tags.read(&mut dump.as_bytes()).unwrap();
    tags
}

/// `place flags labels` of a message with this id, in a folder that says nothing.
fn told(tags: &Tags, id: &str) -> String {
    let raw = format!("Subject: x\nMessage-ID: <{id}>\n\nx\n");
    let (mut folder, mut flags) = (Folder::default(), None);
    tags.apply(raw.as_bytes(), &mut folder, &mut flags);
    let Some(flags) = flags else { return "unknown".to_owned() };
    let mut out = folder.place.map_or("-", Place::as_str).to_owned();
    for (is, name) in [
        (folder.sent, "sent"),
        (flags.read, "read"),
        (flags.starred, "starred"),
        (flags.answered, "answered"),
        (flags.forwarded, "forwarded"),
        (flags.draft, "draft"),
    ] {
        if is {
            out = format!("{out} {name}");
        }
    }
    format!("{out} {}", folder.labels.join("|")).trim_end().to_owned()
}

fn check(line: &str, id: &str, expected: &str) {
    let tags = read(line);
    assert_eq!(told(&tags, id), expected, "{line:?}");
    assert_eq!(tags.left_out, 0, "{line:?}");
}

#[test]
fn lines_of_both_forms() {
    let cases = [
        ("+inbox +unread -- id:a@b", "inbox"),
        (" -- id:a@b", "archive read"),
        ("-- id:a@b\n", "archive read"),
        (
            "+flagged +replied +passed +draft +sent -- id:a@b",
            "archive sent read starred answered forwarded draft",
        ),
        ("+inbox +spam -- id:a@b", "spam read"),
        ("+deleted +inbox +spam -- id:a@b", "trash read"),
        ("+w%c3%b6rk%20space +a%25b -old -- id:a@b", "archive read wörk space|a%b"),
        ("+x -- id:\"a@b\"", "archive read x"),
        ("a@b (inbox unread todo)", "inbox todo"),
        ("a@b ()", "archive read"),
        (
            "#notmuch-dump batch-tag:3 config,properties,tags\n#= a@b k=v\n+x -- id:a@b",
            "archive read x",
        ),
    ];
    for (line, expected) in cases {
        check(line, "a@b", expected);
    }
    // Ids with what Xapian and old versions write otherwise.
    check("+x -- id:\"q\"\"x y@b\"", "q\"xy@b", "unknown");
    check("+x -- id:\"q\"\"x@b\"", "q\"x@b", "archive read x");
    check("+x -- id:a%40b", "a@b", "archive read x");
    check("+x -- id:a%40b\n+y -- id:a@b", "a@b", "archive read y");
    check("+x -- id:a%zz@b", "a%zz@b", "archive read x");
}

#[test]
fn what_is_not_understood_is_counted() {
    let lines = [
        "+x id:a@b",
        "+x -- thread:1",
        "+%zz -- id:a@b",
        "nonsense",
        "+x -- id:\"a\"b\"",
        &format!("+{} -- id:a@b", "x".repeat(2 * MAX_LINE_BYTES)),
    ];
    let tags = read(&format!("{}\n+y -- id:c@d\n", lines.join("\n")));
    assert_eq!(tags.left_out, lines.len() as u64);
    assert_eq!(told(&tags, "a@b"), "unknown");
    assert_eq!(told(&tags, "c@d"), "archive read y");
}

#[test]
fn a_tag_outranks_the_folder_and_the_name_of_the_file() {
    let tags = read("+inbox -- id:a@b\n+x -- id:c@d\n");
    let apply = |id: &str| {
        let raw = format!("Message-ID: <{id}>\n\n");
        let mut folder = Folder { place: Some(Place::Trash), ..Folder::default() };
        let mut flags = Some(Flags { trashed: true, starred: true, ..Flags::default() });
        tags.apply(raw.as_bytes(), &mut folder, &mut flags);
        (folder.place, flags.unwrap())
    };
    let read = Flags { read: true, trashed: true, ..Flags::default() };
    assert_eq!(apply("a@b"), (Some(Place::Inbox), read));
    assert_eq!(apply("c@d"), (Some(Place::Trash), read));
    assert_eq!(apply("e@f").0, Some(Place::Trash));
}

/// What a program that stands for notmuch gives.
fn run(script: &str, stop: bool, deadline: Duration) -> (Tags, Result<(), String>) {
    let mut tags = Tags::default();
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    let result = dump::run(command, &mut tags, &AtomicBool::new(stop), deadline);
    (tags, result)
}

#[test]
fn the_program_may_fail_or_hang() {
    let long = Duration::from_mins(1);
    let (tags, result) = run("echo '+x -- id:a@b'", false, long);
    assert_eq!((told(&tags, "a@b"), result), ("archive read x".to_owned(), Ok(())));
    let (tags, result) = run("echo '+x -- id:a@b'; echo \"no \u{1b}[1m\" >&2; exit 1", false, long);
    assert_eq!(
        (told(&tags, "a@b"), result),
        ("unknown".to_owned(), Err("no \u{fffd}[1m".to_owned()))
    );
    let (_, result) = run("exit 3", false, long);
    assert!(result.unwrap_err().contains('3'));
    // A process of its own would keep the output open: exec takes its place.
    let (_, result) = run("exec sleep 60", false, Duration::from_millis(200));
    assert!(result.unwrap_err().contains("longer than"));
    let (_, result) = run("exec sleep 60", true, long);
    assert_eq!(result, Err("it was stopped".to_owned()));
    let missing = Command::new("no-such-program-of-mail");
    let result = dump::run(missing, &mut Tags::default(), &AtomicBool::new(false), long);
    assert_eq!(result, Err("notmuch is not installed".to_owned()));
}

proptest! {
    #[test]
    fn any_dump_is_read_to_its_end(
        lines in proptest::collection::vec("(\\+|-)?[ -~]{0,8}( -- id:[ -~]{0,8})?", 0..12),
    ) {
        let tags = read(&lines.join("\n"));
        prop_assert!(tags.messages.len() as u64 + tags.left_out <= 2 * lines.len() as u64);
    }
}
