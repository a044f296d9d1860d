//! The real binary, killed with SIGKILL while it works: at every named crash point, and at random.
//! After the next start nothing that was acknowledged is missing and nothing is doubled.
//!
//! Invariant: what is acknowledged is recorded here, in the test's process, when a command has
//! ended with code 0. What was in flight may be there or not; run again, it is there once.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::RUN_DEADLINE;
use crate::support::binary::{Home, Run, count, finish, run, text};
use crate::support::mail::{many, mbox, write};
use crate::support::serve::Serve;

const SIGKILL: i32 = 9;
/// How many random kills without `MAILTUI_KILL_TIMES`.
const TIMES: usize = 20;
/// Messages in a box that is imported under fire.
const BOX: i64 = 25;

/// What a thread must look like: place and user labels.
type State = (String, BTreeSet<String>);

/// What the test knows to be durable, by subject.
#[derive(Default)]
struct Record {
    threads: BTreeMap<String, State>,
}

/// A command and what it does to the record once it is acknowledged.
struct Work {
    args: Vec<String>,
    touched: Vec<String>,
    change: fn(&mut State),
}

impl Work {
    fn import(home: &Home, name: &str, count: i64) -> Self {
        let mails = many(name, count);
        write(&home.path(name), &mbox(&mails));
        let touched = (0..count).map(|n| format!("{name}-{n:03}")).collect();
        Self { args: vec!["import".into(), name.into()], touched, change: |_| {} }
    }

    fn on(command: &[&str], home: &Home, subjects: &[String], change: fn(&mut State)) -> Self {
        let ids = subjects.iter().map(|subject| home.thread(subject));
        let (verb, rest) = command.split_first().expect("a command");
        let verb = std::iter::once((*verb).to_owned());
        let args = verb.chain(ids).chain(rest.iter().map(|&arg| arg.to_owned())).collect();
        Self { args, touched: subjects.to_vec(), change }
    }

    fn archive(home: &Home, subjects: &[String]) -> Self {
        Self::on(&["archive"], home, subjects, |state| state.0 = "archive".into())
    }

    fn label(home: &Home, subjects: &[String]) -> Self {
        let change = |state: &mut State| {
            state.1.insert("fire".into());
        };
        Self::on(&["label", "+fire"], home, subjects, change)
    }

    fn command(&self, home: &Home) -> Command {
        home.command(&self.args)
    }
}

impl Record {
    /// Takes a command as done.
    fn acknowledge(&mut self, work: &Work) {
        for subject in &work.touched {
            let new = || ("inbox".to_owned(), BTreeSet::new());
            (work.change)(self.threads.entry(subject.clone()).or_insert_with(new));
        }
    }

    /// What is missing or different, and what is there twice. Threads that `in_flight` touches may
    /// be as before or as after it.
    fn compare(&self, rows: &[Value], in_flight: Option<&Work>) -> (Vec<String>, Vec<String>) {
        let touched = |s: &String| in_flight.is_some_and(|work| work.touched.contains(s));
        let (mut lost, mut doubled, mut found) = (Vec::new(), Vec::new(), BTreeMap::new());
        for row in rows {
            let subject = text(row, "subject");
            let known = self.threads.contains_key(&subject) || touched(&subject);
            if !known || count(row, "messageCount") != 1 {
                doubled.push(format!("{row}"));
            }
            if found.insert(subject.clone(), state(row)).is_some() {
                doubled.push(subject);
            }
        }
        for (subject, before) in &self.threads {
            let mut allowed = vec![before.clone()];
            if let Some(work) = in_flight.filter(|_| touched(subject)) {
                let mut after = before.clone();
                (work.change)(&mut after);
                allowed.push(after);
            }
            match found.get(subject) {
                Some(now) if allowed.contains(now) => {}
                now => lost.push(format!("{subject}: {now:?}, not one of {allowed:?}")),
            }
        }
        (lost, doubled)
    }

    /// Asserts that a directory holds what is recorded, and nothing else.
    fn assert_holds(&self, home: &Home, in_flight: Option<&Work>, when: &str) {
        let (lost, doubled) = self.compare(&home.list("anywhere"), in_flight);
        assert!(lost.is_empty(), "lost {when}: {lost:#?}");
        assert!(doubled.is_empty(), "doubled {when}: {doubled:#?}");
    }
}

fn state(row: &Value) -> State {
    let labels: Vec<String> = serde_json::from_value(row["labels"].clone()).expect("labels");
    let user = labels.into_iter().filter(|label| label == "fire").collect();
    (text(row, "place"), user)
}

/// A home with some mail, some of it archived and labelled, all acknowledged.
fn home_with_work_done() -> (Home, Record) {
    let (home, mut record) = (Home::new(), Record::default());
    let import = Work::import(&home, "kept", 10);
    run(import.command(&home)).ok();
    record.acknowledge(&import);
    let some: Vec<String> = ["kept-001", "kept-002", "kept-003"].map(String::from).into();
    for work in [Work::archive(&home, &some[..2]), Work::label(&home, &some[1..])] {
        run(work.command(&home)).ok();
        record.acknowledge(&work);
    }
    (home, record)
}

/// Work that passes every point of the pipeline: an import, a place, a label.
fn work_for_points(home: &Home) -> Vec<Work> {
    let some: Vec<String> = (4..8).map(|n| format!("kept-{n:03}")).collect();
    vec![
        Work::import(home, "more", 6),
        Work::archive(home, &some[..2]),
        Work::label(home, &some[1..]),
    ]
}

fn crash_at(home: &Home, point: &str) {
    let (mut record, works) = (home_with_record(home), work_for_points(home));
    let mut died = false;
    for work in works {
        let mut command = work.command(home);
        command.env("MAILTUI_CRASH_AT", point);
        let armed = run(command);
        if armed.signal() == Some(SIGKILL) {
            died = true;
            home.assert_healthy(&format!("a crash at {point} in {:?}", work.args));
            record.assert_holds(home, Some(&work), &format!("by a crash at {point}"));
            run(work.command(home)).ok();
        } else {
            armed.ok();
        }
        record.acknowledge(&work);
        record.assert_holds(home, None, &format!("after {:?} and {point}", work.args));
        home.assert_healthy(&format!("{:?} again after {point}", work.args));
    }
    assert!(died, "the crash point {point} was never reached");
}

/// The record of a home of [`home_with_work_done`], made anew.
fn home_with_record(home: &Home) -> Record {
    let mut record = Record::default();
    for row in home.list("anywhere") {
        record.threads.insert(text(&row, "subject"), state(&row));
    }
    assert_eq!(record.threads.len(), 10);
    record
}

#[test]
fn every_crash_point_loses_and_doubles_nothing() {
    let failed: Vec<&str> = mailtui::crash::POINTS
        .iter()
        .copied()
        .filter(|point| {
            let (home, _) = home_with_work_done();
            std::panic::catch_unwind(|| crash_at(&home, point)).is_err()
        })
        .collect();
    assert!(failed.is_empty(), "crash points that do not hold: {failed:?}");
}

/// A small random source that a seed repeats (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Starts a command and kills it after `after`; one that has ended by then ended by itself.
fn kill_after(mut command: Command, after: Duration) -> Run {
    let mut child = command.spawn().expect("the program starts");
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
    // How long each kind of work takes when it is left alone, as the bound of the random delay.
    let mut usual = [Duration::from_millis(400); 3];
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
        let bound = u64::try_from(usual[kind].as_micros()).expect("short");
        let first = kill_after(work.command(&home), Duration::from_micros(random.below(bound)));
        let acknowledged = first.code() == Some(0);
        in_flight += usize::from(first.status.signal() == Some(SIGKILL));
        if acknowledged {
            record.acknowledge(&work);
        }
        home.assert_healthy(&format!("round {round} of seed {seed}"));
        let unsure = (!acknowledged).then_some(&work);
        let (l, d) = record.compare(&home.list("anywhere"), unsure);
        (lost, doubled) = (lost + l.len(), doubled + d.len());
        let start = Instant::now();
        if run(work.command(&home)).code() == Some(0) {
            recovered += usize::from(!acknowledged);
            usual[kind] = start.elapsed();
        }
        record.acknowledge(&work);
        let (l, d) = record.compare(&home.list("anywhere"), None);
        (lost, doubled) = (lost + l.len(), doubled + d.len());
        assert!(l.is_empty() && d.is_empty(), "seed {seed}, round {round}: {l:#?} {d:#?}");
    }
    home.assert_healthy("all rounds");
    let counts = [in_flight, lost, doubled, recovered];
    println!("{}", report(counts));
    assert_eq!((lost, doubled, recovered), (0, 0, in_flight), "seed {seed}");
    assert!(in_flight * 4 >= times, "too few kills hit: {in_flight} of {times}");
}

/// The line that `tests/run kill` ends with, its fields in this order.
fn report([in_flight, lost, doubled, recovered]: [usize; 4]) -> String {
    format!(
        "{{\"inflight\":{in_flight},\"lost\":{lost},\"doubled\":{doubled},\
         \"recovered\":{recovered}}}"
    )
}

#[test]
fn a_backend_that_is_killed_under_an_import_doubles_nothing() {
    let mut serve = Serve::start();
    let (device, mut record) = (Home::new(), Record::default());
    let mut random = Random(7);
    for round in 0..4 {
        let work = Work::import(&device, &format!("far{round}"), BOX);
        let args: Vec<&str> = work.args.iter().map(String::as_str).collect();
        let child = serve.command(&device, &args).spawn().expect("the program starts");
        std::thread::sleep(Duration::from_millis(random.below(300)));
        serve.kill();
        let first = finish(child, "import".into(), RUN_DEADLINE);
        assert!(matches!(first.code(), Some(0 | 5)), "{first}");
        serve.restart();
        serve.run(&device, &args).ok();
        record.acknowledge(&work);
        record.assert_holds(&device, None, &format!("round {round}"));
    }
    serve.stop();
    device.assert_healthy("the backend's kills");
    serve.assert_healthy("kills");
}

#[test]
fn the_record_notices_what_is_lost_and_doubled() {
    let row = |subject: &str, place: &str, messages: u64| {
        let labels: [&str; 0] = [];
        json!({ "subject": subject, "place": place, "labels": labels, "messageCount": messages })
    };
    let mut record = Record::default();
    let new = || ("inbox".to_owned(), BTreeSet::new());
    record.threads.insert("a".into(), new());
    record.threads.insert("b".into(), new());
    let compare = |rows: &[Value]| {
        let (lost, doubled) = record.compare(rows, None);
        (lost.len(), doubled.len())
    };
    let (a, b) = (row("a", "inbox", 1), row("b", "inbox", 1));
    assert_eq!(compare(&[a.clone(), b.clone()]), (0, 0));
    assert_eq!(compare(std::slice::from_ref(&a)), (1, 0));
    assert_eq!(compare(&[a.clone(), row("b", "trash", 1)]), (1, 0));
    assert_eq!(compare(&[a.clone(), b.clone(), a.clone()]), (0, 1));
    assert_eq!(compare(&[a, row("b", "inbox", 2)]), (0, 1));
    assert_eq!(compare(&[row("c", "inbox", 1), b]), (1, 1));
}
