//! Snoozes from the command line: said in words, undone, and ended by the backend.
//!
//! Invariant: every command is its own process, so what ends a snooze is nothing that waited.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::support::binary::Home;
use crate::support::mail::{mail, mbox, write};
use crate::support::wait_for;

fn home() -> Home {
    let home = Home::new();
    write(&home.path("box"), &mbox(&[mail("plan"), mail("other").at(1)]));
    home.import(&home.path("box"));
    home
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

#[test]
fn a_snooze_is_seen_by_the_next_command_and_undone() {
    let home = home();
    let thread = home.thread("plan");
    for place in ["inbox", "archive", "trash"] {
        home.run(&["move", &thread, place]).ok();
        home.run(&["snooze", &thread, "--until", "tomorrow 9:00"]).ok();
        assert_eq!(home.threads("snoozed"), [thread.as_str()], "out of {place}");
        assert!(!home.threads("inbox").contains(&thread) && home.threads("all").contains(&thread));
        home.assert_healthy("snooze");
        home.run(&["undo"]).ok();
        assert!(home.threads("snoozed").is_empty());
        assert!(home.threads(place).contains(&thread), "back in {place}");
    }
    home.run(&["snooze", &thread, "--until", "2d"]).ok();
    home.run(&["unsnooze", &thread]).ok();
    assert!(home.threads("inbox").contains(&thread) && home.threads("snoozed").is_empty());
    let names: Vec<_> = home.json(&["history", "--limit", "2"]);
    let names: Vec<_> = names.iter().map(|done| done["name"].clone()).collect();
    assert_eq!(names, [json!("unsnooze"), json!("snooze")]);
}

#[test]
fn what_is_no_time_is_refused_before_anything_is_done() {
    let home = home();
    let thread = home.thread("plan");
    for until in ["soon", "", "2001-01-01T00:00:00Z"] {
        let error = home.run(&["snooze", &thread, "--until", until, "--json"]).exited(2).error();
        assert_eq!(error["code"], "when", "{until:?}");
    }
    assert!(home.threads("snoozed").is_empty());
}

#[test]
fn a_snooze_that_ended_while_nothing_ran_is_over_for_the_next_command() {
    let home = home();
    let (thread, other) = (home.thread("plan"), home.thread("other"));
    assert_eq!(home.threads("inbox")[0], other, "it came last");
    let end = jiff::Timestamp::from_second(i64::try_from(now() + 3).expect("now")).expect("now");
    home.run(&["snooze", &thread, "--until", &end.to_string()]).ok();
    let awake = || (home.threads("inbox").len() == 2).then_some(());
    wait_for(Duration::from_mins(1), awake).expect("it wakes");
    assert!(now() >= u64::try_from(end.as_second()).expect("after 1970"), "not before its time");
    assert_eq!(home.threads("inbox"), [thread.as_str(), &other], "on top, as if it came now");
    home.assert_healthy("waking");
}
