//! The real binary, killed with SIGKILL while it works: at every named crash point, and at random.
//! After the next start nothing that was acknowledged is missing and nothing is doubled.
//!
//! Invariant: what is acknowledged is recorded here, in the test's process, when a command has
//! ended with code 0. What was in flight may be there or not; run again, it is there once. A kill
//! counts as a hit when the process held the directory and had not ended; four of five must hit.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::RUN_DEADLINE;
use crate::support::binary::{Home, Run, finish, run};
use crate::support::record::{Random, Record, Work};

const SIGKILL: i32 = 9;
/// How many random kills without `MAILTUI_KILL_TIMES`.
const TIMES: usize = 20;
/// How often it is looked whether a process has begun to work.
const LOOK_EVERY: Duration = Duration::from_micros(200);
/// Messages in a box that is imported under fire.
const BOX: i64 = 25;

/// A home with some mail, some of it archived and labelled, all acknowledged.
fn home_with_work_done() -> (Home, Record) {
    let (home, mut record) = (Home::new(), Record::default());
    let import = Work::import(&home, "kept", 10);
    run(import.command(&home)).ok();
    record.acknowledge(&import);
    for work in [Work::archive(&home, &kept(1..3)), Work::label(&home, &kept(2..4))] {
        run(work.command(&home)).ok();
        record.acknowledge(&work);
    }
    (home, record)
}

fn kept(numbers: std::ops::Range<i64>) -> Vec<String> {
    numbers.map(|n| format!("kept-{n:03}")).collect()
}

/// Does work that passes every point of the pipeline, and dies at one of them.
fn crash_at(point: &str) {
    let (home, mut record) = home_with_work_done();
    let works: [fn(&Home) -> Work; 4] = [
        |home| Work::import(home, "more", 6),
        |home| Work::archive(home, &kept(4..6)),
        |home| Work::label(home, &kept(5..8)),
        |home| Work::purge(home, &kept(7..9)),
    ];
    let mut died = false;
    for work in works.map(|work| work(&home)) {
        let mut command = work.command(&home);
        command.env("MAILTUI_CRASH_AT", point);
        let armed = run(command);
        if armed.signal() == Some(SIGKILL) {
            died = true;
            let when = format!("after a crash at {point} in {:?}", work.args);
            record.assert_holds(&home, Some(&work), &when);
            home.assert_healthy(&when);
            record.assert_holds(&home, Some(&work), &format!("after doctor {when}"));
            run(work.command(&home)).ok();
        } else {
            armed.ok();
        }
        record.acknowledge(&work);
        record.assert_holds(&home, None, &format!("after {:?} and {point}", work.args));
        home.assert_healthy(&format!("{:?} again after {point}", work.args));
    }
    assert!(died, "the crash point {point} was never reached");
}

#[test]
fn every_crash_point_loses_and_doubles_nothing() {
    // All points are tried, so that one run names every point that does not hold.
    let holds = |point: &&&str| std::panic::catch_unwind(|| crash_at(point)).is_ok();
    let failed: Vec<_> = mailtui::crash::POINTS.iter().filter(|point| !holds(point)).collect();
    assert!(failed.is_empty(), "crash points that do not hold: {failed:?}");
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Whether a process has the directory's lock open: from then on it works on what is in it.
fn is_at_work(process: u32, data: &Path) -> bool {
    let Ok(open) = std::fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    let mut open = open.flatten().filter_map(|file| std::fs::read_link(file.path()).ok());
    open.any(|path| path == data.join("lock"))
}

/// Starts a command and kills it `after` it began to work; one that has ended by then ended by
/// itself.
fn kill_at_work(mut command: Command, data: &Path, after: Duration) -> Run {
    let mut child = command.spawn().expect("the program starts");
    let deadline = Instant::now() + RUN_DEADLINE;
    while !is_at_work(child.id(), data) && child.try_wait().is_ok_and(|ended| ended.is_none()) {
        assert!(Instant::now() < deadline, "the program does not begin to work");
        std::thread::sleep(LOOK_EVERY);
    }
    std::thread::sleep(after);
    let _ = child.kill();
    finish(child, "under fire".into(), RUN_DEADLINE)
}

#[test]
fn random_kills_lose_and_double_nothing() {
    let times = usize::try_from(setting("MAILTUI_KILL_TIMES", TIMES as u64)).expect("small");
    let seed = setting("MAILTUI_KILL_SEED", 20_240_506);
    let mut random = Random(seed | 1);
    let (home, mut record) = home_with_work_done();
    let (mut in_flight, mut lost, mut doubled, mut recovered) = (0, 0, 0, 0);
    // The bound of the random delay of each kind of work: a miss shortens it more than a hit
    // lengthens it, so that it stays near where the work ends and one of ten or so misses.
    let mut usual = [Duration::from_millis(60); 3];
    for round in 0..times {
        let kind = round % 3;
        let subjects: Vec<String> = record.threads.keys().cloned().collect();
        let from = usize::try_from(random.below(subjects.len() as u64)).expect("small");
        let some = &subjects[from..(from + 5).min(subjects.len())];
        let work = match kind {
            0 => Work::import(&home, &format!("box{round}"), BOX),
            1 => Work::archive(&home, some),
            _ => Work::label(&home, some),
        };
        let bound = u64::try_from(usual[kind].as_micros()).expect("short").max(1);
        let after = Duration::from_micros(random.below(bound));
        let first = kill_at_work(work.command(&home), &home.data(), after);
        let acknowledged = first.code() == Some(0);
        let hit = first.status.signal() == Some(SIGKILL);
        in_flight += usize::from(hit);
        usual[kind] = usual[kind].mul_f64(if hit { 1.05 } else { 0.65 });
        if acknowledged {
            record.acknowledge(&work);
        }
        home.assert_healthy(&format!("round {round} of seed {seed}"));
        let unsure = (!acknowledged).then_some(&work);
        let (l, d) = record.compare(&home.list("anywhere"), unsure);
        (lost, doubled) = (lost + l.len(), doubled + d.len());
        let again = run(work.command(&home)).code() == Some(0);
        recovered += usize::from(again && !acknowledged);
        record.acknowledge(&work);
        let (l, d) = record.compare(&home.list("anywhere"), None);
        (lost, doubled) = (lost + l.len(), doubled + d.len());
        assert!(l.is_empty() && d.is_empty(), "seed {seed}, round {round}: {l:#?} {d:#?}");
    }
    home.assert_healthy("all rounds");
    let counts = [in_flight, lost, doubled, recovered];
    println!("{}", report(counts));
    assert_eq!((lost, doubled, recovered), (0, 0, in_flight), "seed {seed}");
    assert!(in_flight * 5 >= times * 4, "too few kills hit: {in_flight} of {times}");
}

/// The line that `tests/run kill` ends with, its fields in this order.
fn report([in_flight, lost, doubled, recovered]: [usize; 4]) -> String {
    format!(
        "{{\"inflight\":{in_flight},\"lost\":{lost},\"doubled\":{doubled},\
         \"recovered\":{recovered}}}"
    )
}
