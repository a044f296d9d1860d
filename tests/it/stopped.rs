//! Long jobs that the user stops: what they did is said, and what is left.

use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::RUN_DEADLINE;
use crate::support::binary::{Home, Run, count, finish};
use crate::support::mail::{mail, mbox, write};

const THREADS: u64 = 450;
/// Conversations that a purge takes in ten parts.
const PURGED: u64 = 1_000;
/// Less than one of these parts takes.
const A_PART: Duration = Duration::from_millis(5);
/// By then a purge of all has ended, and how often a moment in it is looked for.
const LATE: Duration = Duration::from_secs(4);
const TRIES: usize = 60;
/// The first Ctrl-C comes so long after the start, and each further one that much later.
const SOONER: Duration = Duration::from_millis(60);

/// Runs a command that is stopped after a while.
fn stopped(home: &Home, args: &[&str], after: Duration) -> Run {
    let child: Child = home.command(args).arg("--json").spawn().expect("starts");
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a pid");
    std::thread::sleep(after);
    // One that has ended is not waited for yet: it is there.
    kill_process(pid, Signal::INT).expect("it is there");
    finish(child, args.join(" "), RUN_DEADLINE)
}

/// The summary of a run that was stopped in the midst of it; `None` where it was too early or too
/// late for one.
fn summary(run: &Run) -> Option<Value> {
    match run.code() {
        Some(130) => run.lines().into_iter().find(|line| line["stopped"] == true),
        // It had ended, or could not hear yet.
        Some(0) | None => None,
        Some(_) => panic!("{run}"),
    }
}

fn seeded() -> Home {
    let home = Home::new();
    crate::seed_events::seed::seed(&home.data(), THREADS, 7);
    home
}

#[test]
fn a_synchronisation_that_is_stopped_says_what_it_did() {
    let home = Home::new();
    // A backend that takes the call and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ws://{}", silent.local_addr().expect("bound"));
    std::fs::write(home.path("token"), "no token of anybody").expect("written");
    let args = ["--backend", &url, "--token-file", "token", "--sync-only"];
    let said = (5..40).find_map(|n| summary(&stopped(&home, &args, SOONER * n)));
    let said = said.expect("it is stopped while it waits");
    assert_eq!(
        (&said["pulled"], &said["pushed"], &said["pending"]),
        (&json!(0), &json!(0), &json!(0))
    );
    assert_eq!(said["behind"], Value::Null, "nobody knows: {said}");
}

#[test]
fn a_doctor_that_is_stopped_says_what_it_did_not_check() {
    let home = seeded();
    let said = (1..40).find_map(|n| summary(&stopped(&home, &["doctor"], SOONER * n)));
    let said = said.expect("it is stopped in the midst of it");
    let left = said["left"].as_array().expect("a list");
    assert_eq!((&said["found"], left.last()), (&json!(0), Some(&json!("index"))), "{said}");
    home.assert_healthy("a doctor that was stopped");
}

#[test]
fn a_purge_that_is_stopped_says_what_is_gone_and_what_is_left() {
    let home = Home::new();
    let mails: Vec<_> = (0..PURGED).map(|n| mail(&format!("m{n}"))).collect();
    write(&home.path("box"), &mbox(&mails));
    home.run(&["import", "box", "--place", "trash"]).ok();
    let args = ["purge", "--trash", "--yes"];
    // The moment is looked for by halves: before it nothing went, after it all.
    let (mut early, mut late, mut gone) = (Duration::ZERO, LATE, 0);
    let said = (0..TRIES).find_map(|_| {
        let after = (early + late) / 2;
        let run = stopped(&home, &args, after);
        let said = summary(&run).or_else(|| run.lines().pop());
        let went = said.as_ref().map_or(0, |said| count(said, "purged"));
        gone += went;
        if went == 0 {
            early = after;
        } else if gone == PURGED {
            late = after;
            home.run(&["import", "box", "--place", "trash", "--purged-too"]).ok();
            gone = 0;
        }
        if late.saturating_sub(early) < A_PART {
            // The machine was slower once than it is now.
            (early, late) = (Duration::ZERO, LATE);
        }
        said.filter(|said| said["stopped"] == true && (1..PURGED).contains(&went))
    });
    let said = said.expect("it is stopped between two parts");
    assert_eq!(gone + count(&said, "left"), PURGED, "{said}");
    assert_eq!(home.threads("trash").len() as u64, count(&said, "left"));
    home.assert_healthy("a purge that was stopped");
    home.run(&args).ok();
    assert_eq!(home.threads("trash").len(), 0, "run again, it goes on");
}
