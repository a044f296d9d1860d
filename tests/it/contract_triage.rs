//! Triage from scripts: each command is seen by the next one, is undone by `undo`, and leaves a
//! data directory in which `doctor` finds nothing.
//!
//! Invariant: every command is its own process, so nothing here can hide in memory.

use serde_json::{Value, json};

use crate::support::binary::{Home, count, text};
use crate::support::mail::{mail, mbox, write};

/// A home with one unread thread of two messages and one other.
fn home() -> Home {
    let home = Home::new();
    let mails = [mail("plan"), mail("answer").at(1).reply_to("plan", "plan"), mail("other").at(2)];
    write(&home.path("box"), &mbox(&mails));
    home.import(&home.path("box"));
    home
}

fn row(home: &Home, thread: &str) -> Value {
    let rows = home.list("anywhere");
    rows.into_iter().find(|row| row["thread"] == thread).expect("a thread never goes")
}

/// A label's counts; none when it is not listed.
fn counts(home: &Home, label: &str) -> Option<(u64, u64)> {
    let labels = home.json(&["labels"]);
    let label = labels.into_iter().find(|l| l["id"] == label)?;
    Some((count(&label, "threadCount"), count(&label, "unreadCount")))
}

/// The command before and behind the thread, and what fields of its row are afterwards.
type Case = (&'static [&'static str], &'static [&'static str], Value);

#[test]
fn each_command_is_seen_by_the_next_and_undone() {
    let cases: [Case; 7] = [
        (&["archive"], &[], json!({"place": "archive", "labels": ["archive", "unread"]})),
        (&["trash"], &[], json!({"place": "trash", "labels": ["trash", "unread"]})),
        (&["move"], &["archive"], json!({"place": "archive"})),
        (&["label"], &["+Work", "+Later"], json!({"labels": ["inbox", "later", "unread", "work"]})),
        (&["read"], &[], json!({"unreadCount": 0, "labels": ["inbox"]})),
        (&["star"], &[], json!({"starred": true, "labels": ["inbox", "starred", "unread"]})),
        (&["move"], &["trash"], json!({"place": "trash"})),
    ];
    for (before, behind, expected) in cases {
        let home = home();
        let thread = home.thread("plan");
        let was = row(&home, &thread);
        let args = [before, &[thread.as_str()], behind].concat();
        home.run(&args).ok();
        let now = row(&home, &thread);
        for (field, value) in expected.as_object().expect("an object") {
            assert_eq!(&now[field], value, "{field} after {args:?}");
        }
        home.assert_healthy(&args.join(" "));
        // Absolute: the same again changes nothing.
        home.run(&args).ok();
        assert_eq!(row(&home, &thread), now, "{args:?} twice");
        home.run(&["undo"]).ok();
        // Whether a command that changed nothing is an action is not promised.
        home.run(&["undo"]);
        assert_eq!(row(&home, &thread), was, "undo of {args:?} twice");
        home.assert_healthy(&format!("undo of {}", args.join(" ")));
    }
}

/// Section 5: removing the current place is archiving, removing another is nothing.
#[test]
fn taking_off_a_place_that_it_is_not_in_is_nothing() {
    let home = home();
    let thread = home.thread("plan");
    for (words, place) in [
        (&["-trash"][..], "inbox"),
        (&["-archive"], "inbox"),
        (&["-Inbox"], "archive"),
        (&["-inbox"], "archive"),
        (&["+Spam"], "spam"),
        (&["-inbox", "-trash"], "spam"),
        (&["-spam"], "archive"),
    ] {
        home.run(&[&["label", thread.as_str()][..], words].concat()).ok();
        assert_eq!(row(&home, &thread)["place"], place, "after {words:?}");
        home.assert_healthy(&words.join(" "));
    }
}

#[test]
fn pairs_take_back_what_the_other_did() {
    for (first, second) in [("read", "unread"), ("star", "unstar")] {
        let home = home();
        let thread = home.thread("plan");
        let was = row(&home, &thread);
        home.run(&[first, &thread]).ok();
        assert_ne!(row(&home, &thread), was, "{first}");
        home.run(&[second, &thread]).ok();
        assert_eq!(row(&home, &thread), was, "{first}, then {second}");
        home.assert_healthy(second);
    }
}

#[test]
fn labels_go_on_and_off_in_one_action() {
    let home = home();
    let thread = home.thread("plan");
    home.run(&["label", &thread, "+a", "+b"]).ok();
    home.run(&["label", &thread, "-a", "+c"]).ok();
    assert_eq!(row(&home, &thread)["labels"], json!(["b", "c", "inbox", "unread"]));
    assert_eq!((counts(&home, "b"), counts(&home, "c")), (Some((1, 1)), Some((1, 1))));
    assert_eq!(counts(&home, "a").unwrap_or((0, 0)), (0, 0));
    home.run(&["undo"]).ok();
    assert_eq!(row(&home, &thread)["labels"], json!(["a", "b", "inbox", "unread"]));
    home.assert_healthy("labels");
}

#[test]
fn several_threads_are_one_action_and_counts_follow() {
    let home = home();
    let threads = home.threads("inbox");
    assert_eq!(counts(&home, "inbox"), Some((2, 2)));
    home.run(&["archive", &threads[0], &threads[1]]).ok();
    assert_eq!((counts(&home, "inbox"), counts(&home, "archive")), (Some((0, 0)), Some((2, 2))));
    assert_eq!(home.threads("inbox"), Vec::<String>::new());
    home.run(&["undo"]).ok();
    assert_eq!((home.threads("inbox"), counts(&home, "inbox")), (threads, Some((2, 2))));
    home.assert_healthy("undo of two");
}

#[test]
fn an_action_that_nobody_knows_is_not_found() {
    let home = home();
    home.run(&["undo", "01a20422-2ec4-726b-b9ae-6676863be3b9"]).exited(3);
    home.run(&["undo"]).ok();
}

#[test]
fn undo_leaves_newer_work_alone() {
    let home = home();
    let thread = home.thread("plan");
    home.run(&["star", &thread]).ok();
    home.run(&["archive", &thread]).ok();
    home.run(&["undo"]).ok();
    let now = row(&home, &thread);
    assert_eq!((&now["place"], &now["starred"]), (&json!("inbox"), &json!(true)));
    home.run(&["undo"]).ok();
    assert_eq!(row(&home, &thread)["starred"], json!(false));
}

#[test]
fn what_is_not_there_is_said() {
    let home = home();
    let thread = home.thread("plan");
    for args in [&["archive", "abcdefgh"][..], &["label", "abcdefgh", "+x"], &["read", "abcdefgh"]]
    {
        let run = home.run(&[args, &["--json"]].concat()).exited(3);
        assert!(!text(&run.error(), "hint").is_empty(), "{args:?}");
    }
    home.run(&["label", &thread, "-nowhere", "--json"]);
    let nowhere = home.run(&["move", &thread, "nowhere", "--json"]);
    assert!(matches!(nowhere.code(), Some(2 | 3)), "{nowhere}");
    home.run(&["archive"]).exited(2);
    assert_eq!(row(&home, &thread)["place"], "inbox");
    home.assert_healthy("what is not there");
}

#[test]
fn labels_with_dashes_and_bytes_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let home = home();
    let thread = home.thread("plan");
    let labels = || row(&home, &thread)["labels"].clone();
    let before = labels();
    home.run(&["label", &thread, "+-dash", "+\u{fffd}"]).ok();
    assert_ne!(labels(), before);
    let bytes = std::ffi::OsStr::from_bytes(b"-\xff");
    home.run(&["label".as_ref(), thread.as_ref(), bytes]).exited(2);
    home.run(&["label", &thread, "-\u{fffd}", "--", "--dash"]).ok();
    assert_eq!(labels(), before);
}

#[test]
fn undo_takes_back_what_was_done_last_in_whatever_order_it_was_projected() {
    let home = home();
    let (first, last) = (home.thread("other"), home.thread("plan"));
    // Both reach the backend at once, where the older thread comes first.
    home.run(&["star", first.as_str(), "--offline"]).ok();
    home.run(&["star", last.as_str(), "--offline"]).ok();
    home.run(&["--sync-only"]).ok();
    home.run(&["undo"]).ok();
    assert_eq!(row(&home, &last)["starred"], false);
    assert_eq!(row(&home, &first)["starred"], true, "the one before it");
}
