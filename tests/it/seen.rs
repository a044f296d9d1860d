//! No key hides a message that its row did not show.
//!
//! Invariant: stories only. `later` is always the message that is in the log before the key, or
//! after it.

use crate::support::script::check;

#[test]
fn a_key_does_to_a_thread_what_its_row_showed() {
    let stories: &[(&str, &str, &[&str])] = &[
        (
            "a message after the key brings an archived thread back",
            "A archive x T; push A; mail T later",
            &["T inbox 2/2 | first x later"],
        ),
        (
            "a message before the key that the row did not show keeps it in the inbox",
            "mail T later; A archive x T; A shows T archive 1/1",
            &["T inbox 2/2 | first later x"],
        ),
        (
            "a message that the row showed is archived with the rest",
            "mail T later; sync; A archive x T",
            &["T archive 2/2 | first later x"],
        ),
        (
            "what comes into trash stays there",
            "A trash x T; push A; mail T later",
            &["T trash 2/2 | first x later"],
        ),
        (
            "that a thread is muted is no leave to archive what was not shown",
            "sync; mail T later; B mute y T; A archive x T; push B; push A",
            &["T inbox 2/2 muted | first later y x"],
        ),
        (
            "a muted thread that was archived with all it had stays there",
            "A mute y T; A archive x T; push A; mail T later",
            &["T archive 2/2 muted | first y x later"],
        ),
    ];
    for (what, story, end) in stories {
        check(what, story, end);
    }
}

#[test]
fn a_snooze_hides_what_its_row_showed() {
    let stories: &[(&str, &str, &[&str])] = &[
        (
            "a message after it ends it",
            "A snooze x T; push A; mail T later",
            &["T inbox 2/2 | first x later"],
        ),
        (
            "a message before it that the row did not show prevents it",
            "mail T later; A snooze x T; push A",
            &["T inbox 2/2 | first later x"],
        ),
    ];
    for (what, story, end) in stories {
        check(what, story, end);
    }
}

#[test]
fn an_undo_hides_what_its_row_showed() {
    let stories: &[(&str, &str, &[&str])] = &[
        (
            "taking a thread out of trash, undone over a message that was not shown",
            "A trash x T; A inbox y T; push A; mail T later; A undo u T y",
            &["T inbox 2/2 | first x y later u"],
        ),
        (
            "unmuting, undone over a message that came because of it",
            "A archive x T; A mute y T; sync; A unmute z T; sync; mail T later; A undo u T z",
            &["T inbox 2/2 muted | first x y z later u"],
        ),
    ];
    for (what, story, end) in stories {
        check(what, story, end);
    }
}
