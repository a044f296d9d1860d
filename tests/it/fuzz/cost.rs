//! What reading costs: twice as much of anything costs about twice as much.
//!
//! Invariant: the time that the thread had on a processor is compared, not that of the clock on the
//! wall; what seems to cost too much is measured again, and its instructions are counted, before it
//! is said. All instructions are counted where `MAILTUI_COST_COUNT` asks for it and `perf` or
//! `valgrind` can.

use std::collections::VecDeque;
use std::process::Command;
use std::sync::Mutex;

use jiff::tz::TimeZone;
use mailtui::mail::Facts;
use mailtui::mail::compose::parse_addresses;
use mailtui::mail::links::links;
use mailtui::mail::{attached, parse, searchable, snippet};
use mailtui::search::entry::Texts;
use mailtui::search::{Context, Needles};
use mailtui::sync::decode;

use super::shapes::{Read, SHAPES, Shape};

/// The smallest of a shape, in bytes.
const FIRST: usize = 64 * 1024;
/// The largest, in bytes, and that of counted runs and `MAILTUI_COST_ALL`.
const LAST: usize = 256 * 1024;
const LAST_OF_ALL: usize = 4 * 1024 * 1024;
/// What twice the size may cost.
const TWICE: f64 = 2.6;
/// Measurements of each size: the least counts. So many more where it seems too much.
const TIMES: usize = 2;
const AGAIN: usize = 4;
/// Times below this are of the clock more than of the shape, in nanoseconds.
const TOO_SHORT: u64 = 400_000;
/// Shapes that are measured at once.
const THREADS: usize = 2;

fn read(shape: &Shape, bytes: &[u8]) {
    let text = || String::from_utf8_lossy(bytes).into_owned();
    match shape.0 {
        Read::Message => message(bytes),
        Read::Page => message(&[b"Content-Type: text/html; charset=utf-8\n\n", bytes].concat()),
        Read::Field => {
            // The one value in fields that are read in different ways, a message each.
            for name in ["From", "Subject", "References", "Content-Type", "Date", "Received"] {
                message(&[name.as_bytes(), b": ", bytes, b"\n\nx\n"].concat());
            }
            message(&[b"Authentication-Results: ", bytes, b"\n\nx\n"].concat());
        }
        Read::Text => {
            let text = mailtui::safe_text::text(&text());
            let (_, _) = (links(&text, &Facts::default()), snippet(&text));
            let _ = needles("word http x e").snippet(&text);
        }
        Read::Query => {
            let text = text();
            let needles = needles(&text);
            let _ = (needles.snippet(&text), needles.find(mailtui::search::Field::Body, &text));
        }
        Read::Frame => {
            let _ = decode(&[b"\0", bytes].concat());
        }
        Read::Typed => {
            let _ = parse_addresses(&text());
        }
    }
}

fn message(raw: &[u8]) {
    let parsed = parse(raw);
    let _ = links(&parsed.text, &parsed.facts);
    let _ = attached(raw);
    let _ = Texts::of(&searchable(raw)).begins();
}

fn needles(text: &str) -> Needles {
    let context = Context { now: 0, zone: &TimeZone::UTC, me: &[], typing: true, saved: &[] };
    Needles::of(&mailtui::search::parse(text, &context).query)
}

/// What this thread had of a processor so far, in nanoseconds.
fn on_processor() -> Option<u64> {
    // The kernel adds up when a thread gives way.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().filter(|time| *time > 0)
}

/// The least that a reading of it took, of some.
fn time(shape: &Shape, bytes: &[u8], times: usize) -> u64 {
    let once = || {
        let before = on_processor().unwrap_or_default();
        read(shape, bytes);
        on_processor().unwrap_or_default() - before
    };
    (0..times).map(|_| once()).min().unwrap_or_default()
}

/// Instructions of a reading, by `perf` where the kernel counts them, else by `valgrind`.
fn count(n: usize, size: usize) -> Option<u64> {
    let me = std::env::current_exe().ok()?;
    let run = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).arg(&me).args(["--exact", "fuzz::cost::one_reading", "--nocapture"]);
        command.args(["--test-threads", "1"]).env("MAILTUI_COST_ONE", format!("{n}:{size}"));
        let run = command.output().ok()?;
        Some(String::from_utf8_lossy(&run.stderr).into_owned())
    };
    let number = |text: &str| text.replace(',', "").trim().parse::<u64>().ok();
    let perf = run("perf", &["stat", "-x;", "-e", "instructions:u"]);
    let counted =
        perf.and_then(|said| said.lines().find_map(|line| number(line.split(';').next()?)));
    counted.or_else(|| {
        let said = run("valgrind", &["--tool=callgrind", "--callgrind-out-file=/dev/null"])?;
        said.lines().find_map(|line| number(line.split_once("Collected :")?.1))
    })
}

/// As [`count`], without what the process costs beside: that of a run that reads nothing.
fn counted(n: usize, size: usize) -> Option<u64> {
    count(n, size).zip(count(n, 0)).map(|(all, none)| all.saturating_sub(none))
}

/// A reading in a process of its own, for who counts its instructions; nothing otherwise.
#[test]
fn one_reading() {
    let Ok(which) = std::env::var("MAILTUI_COST_ONE") else { return };
    let (n, size) = which.split_once(':').expect("a shape and its size");
    let size: usize = size.parse().expect("bytes");
    let shape = &SHAPES[n.parse::<usize>().expect("a shape")];
    let bytes = shape.of(size.max(1));
    if size > 0 {
        read(shape, &bytes);
    }
}

/// What is wrong with the costs of a shape.
fn wrong(n: usize, shape: &Shape, last: usize, counts: bool) -> Option<String> {
    let cost = |size: usize, times: usize| {
        if counts { counted(n, size) } else { Some(time(shape, &shape.of(size), times)) }
    };
    let (mut size, mut before) = (FIRST, cost(FIRST, TIMES)?);
    while size < last {
        size *= 2;
        let mut now = cost(size, TIMES)?;
        let is_much = |now: u64, before: u64| {
            #[expect(clippy::cast_precision_loss, reason = "it is a share")]
            let much = now as f64 > before as f64 * TWICE;
            much && (counts || now > TOO_SHORT)
        };
        if is_much(now, before) && !counts {
            // Others were at work: both once more, one after the other.
            before = before.max(cost(size / 2, AGAIN)?);
            now = now.min(cost(size, AGAIN)?);
        }
        let (was, is) = if is_much(now, before) && !counts {
            // A full machine makes each reading longer, by more where it reads more memory: what is
            // said is said of instructions, where they can be counted.
            counted(n, size / 2).zip(counted(n, size)).unwrap_or((before, now))
        } else {
            (before, now)
        };
        if is_much(is, was) {
            let what = format!("{:?} {:?}", shape.0, shape.1);
            return Some(format!("{n}: {what}: {was} at {} bytes, then {is}", size / 2));
        }
        before = now;
    }
    None
}

#[test]
fn twice_as_much_costs_about_twice() {
    if on_processor().is_none() {
        println!("skipped: this kernel does not say what a thread costs");
        return;
    }
    let asked = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let counts = asked("MAILTUI_COST_COUNT");
    if counts && count(0, FIRST).is_none() {
        println!("skipped: neither perf nor valgrind counts instructions here");
        return;
    }
    let last = if counts || asked("MAILTUI_COST_ALL") { LAST_OF_ALL } else { LAST };
    let queue: Mutex<VecDeque<_>> = Mutex::new(SHAPES.iter().enumerate().collect());
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("nobody failed").pop_front();
                    let Some((n, shape)) = next else { break };
                    found.lock().expect("nobody failed").extend(wrong(n, shape, last, counts));
                }
            });
        }
    });
    let found = found.into_inner().expect("nobody failed");
    assert!(found.is_empty(), "more than {TWICE} times:\n{}", found.join("\n"));
    println!(
        "{{\"cost\":\"ok\",\"shapes\":{},\"bytes\":{last},\"counted\":{counts}}}",
        SHAPES.len()
    );
}

#[test]
fn what_costs_its_square_is_found() {
    let bytes = |size: usize| vec![b'x'; size];
    let squared = |size: usize| {
        let (bytes, before) = (bytes(size), on_processor().unwrap_or_default());
        let seen: u64 = (0..size)
            .step_by(64)
            .map(|at| bytes[at..].iter().map(|b| u64::from(*b)).sum::<u64>())
            .sum();
        assert!(seen > 0);
        on_processor().unwrap_or_default() - before
    };
    let (first, second) = (squared(16 * 1024).max(1), squared(64 * 1024));
    assert!(on_processor().is_none() || second > 7 * first, "{first} {second}");
}
