//! What a device shows of its own keys before anybody else knows of them.
//!
//! Invariant: stories only; what is done and what must be seen stands in one place.

use crate::support::script::check;

#[test]
fn own_keys_show_until_rows_do() {
    let stories: &[(&str, &str, &[&str])] = &[
        (
            "a label put on without a connection is there after a restart",
            "A label x T work; restart A; A shows T inbox +work",
            &["T inbox +work 1/1 | first x"],
        ),
        (
            "labels on and off again show the last",
            "A label x T work; A unlabel y T work; A shows T bare",
            &["T inbox 1/1 | first x y"],
        ),
        (
            "a key that the backend has, its answer lost, yields to a later key of another device",
            "A archive x T; push A lost; B inbox y T; push B; project; pull A; A shows T inbox",
            &["T inbox 1/1 | first x y"],
        ),
        (
            "a key that nobody knows of stands above what came from another device meanwhile",
            "A archive x T; B trash y T; push B; project; pull A; A shows T archive; push A",
            &["T archive 1/1 | first y x"],
        ),
        (
            "read marks what was shown, and a message that comes then is unread",
            "A read x T; A shows T 0/1; mail T later; project; pull A; A shows T 1/2",
            &["T inbox 1/2 | first later x"],
        ),
    ];
    for (what, story, end) in stories {
        check(what, story, end);
    }
}

#[test]
fn undo_shows_at_once() {
    let stories: &[(&str, &str, &[&str])] = &[
        (
            "of what rows show already, and over a restart",
            "A archive x T; sync; A shows T archive; A undo u T x; A shows T inbox; restart A; \
             A shows T inbox",
            &["T inbox 1/1 | first x u"],
        ),
        (
            "of what another device did",
            "A trash x T; sync; B undo u T x; B shows T inbox; restart B; B shows T inbox",
            &["T inbox 1/1 | first x u"],
        ),
        (
            "of what was never sent",
            "A trash x T; A undo u T x; A shows T inbox; restart A; A shows T inbox",
            &["T inbox 1/1 | first x u"],
        ),
    ];
    for (what, story, end) in stories {
        check(what, story, end);
    }
}
