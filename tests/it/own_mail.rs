//! Our own sent mail neither makes a conversation unread nor brings it back.
//!
//! Invariant: stories only; a message after `sent` is our own.

use crate::support::script::check;

#[test]
fn own_mail_changes_nothing_but_the_messages() {
    let stories: &[(&str, &str, &[&str])] = &[
        (
            "in an archived conversation",
            "A read r T; A archive x T; push A; sent T answer",
            &["T archive 0/2 | first r x answer"],
        ),
        (
            "and an archive that had not seen it archives",
            "A read r T; sync; sent T answer; A archive x T",
            &["T archive 0/2 | first r answer x"],
        ),
        (
            "an answer to it does bring it back",
            "A archive x T; sync; sent T answer; mail T reply; A shows T archive 1/1",
            &["T inbox 2/3 | first x answer reply"],
        ),
    ];
    for (what, story, end) in stories {
        check(what, story, end);
    }
}
