//! What a test knows to be durable, beside the program that is killed.
//!
//! Invariant: a command is acknowledged when it has ended with code 0, and not before. What was in
//! flight may be there or not, but as a whole thread by thread; run again, it is there once.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::{Value, json};

use super::binary::{Home, count, text};
use super::mail::{many, mbox, write};

/// What a thread must look like: place and user labels.
pub(crate) type State = (String, BTreeSet<String>);

/// The place of a thread that was purged.
const GONE: &str = "gone";

/// What the test knows to be durable, by subject.
#[derive(Default)]
pub(crate) struct Record {
    /// Subjects with their state.
    pub(crate) threads: BTreeMap<String, State>,
}

/// A command and what it does to the record once it is acknowledged.
pub(crate) struct Work {
    /// The arguments of the program.
    pub(crate) args: Vec<String>,
    touched: Vec<String>,
    change: fn(&mut State),
}

impl Work {
    /// Imports `count` new messages, a thread each.
    pub(crate) fn import(home: &Home, name: &str, count: i64) -> Self {
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

    /// Archives threads.
    pub(crate) fn archive(home: &Home, subjects: &[String]) -> Self {
        Self::on(&["archive"], home, subjects, |state| state.0 = "archive".into())
    }

    /// Labels threads `fire`.
    pub(crate) fn label(home: &Home, subjects: &[String]) -> Self {
        let change = |state: &mut State| {
            state.1.insert("fire".into());
        };
        Self::on(&["label", "+fire"], home, subjects, change)
    }

    /// Purges threads.
    pub(crate) fn purge(home: &Home, subjects: &[String]) -> Self {
        let change = |state: &mut State| *state = (GONE.into(), BTreeSet::new());
        Self::on(&["purge", "--anywhere", "--yes"], home, subjects, change)
    }

    /// The program that does it on a home.
    pub(crate) fn command(&self, home: &Home) -> Command {
        home.command(&self.args)
    }
}

impl Record {
    /// Takes a command as done.
    pub(crate) fn acknowledge(&mut self, work: &Work) {
        for subject in &work.touched {
            let new = || ("inbox".to_owned(), BTreeSet::new());
            (work.change)(self.threads.entry(subject.clone()).or_insert_with(new));
        }
    }

    /// What is missing or different, and what is there twice. Threads that `in_flight` touches may
    /// be as before or as after it.
    pub(crate) fn compare(
        &self,
        rows: &[Value],
        in_flight: Option<&Work>,
    ) -> (Vec<String>, Vec<String>) {
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
            let gone = (GONE.to_owned(), BTreeSet::new());
            match found.get(subject).unwrap_or(&gone) {
                now if allowed.contains(now) => {}
                now => lost.push(format!("{subject}: {now:?}, not one of {allowed:?}")),
            }
        }
        (lost, doubled)
    }

    /// Asserts that a directory holds what is recorded, and nothing else.
    pub(crate) fn assert_holds(&self, home: &Home, in_flight: Option<&Work>, when: &str) {
        let (lost, doubled) = self.compare(&home.list("anywhere"), in_flight);
        assert!(lost.is_empty(), "lost {when}: {lost:#?}");
        assert!(doubled.is_empty(), "doubled {when}: {doubled:#?}");
    }
}

/// The state of a row.
pub(crate) fn state(row: &Value) -> State {
    let labels: Vec<String> = serde_json::from_value(row["labels"].clone()).expect("labels");
    let user = labels.into_iter().filter(|label| label == "fire").collect();
    (text(row, "place"), user)
}

/// A small random source that a seed repeats (xorshift64*).
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
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
    assert_eq!(compare(&[row("c", "inbox", 1), b.clone()]), (1, 1));
    record.threads.insert("a".into(), (GONE.into(), BTreeSet::new()));
    assert_eq!(record.compare(std::slice::from_ref(&b), None), Default::default());
    assert_eq!(record.compare(&[row("a", "trash", 1), b], None).0.len(), 1, "it is back");
}
