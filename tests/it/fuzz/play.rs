//! How a target is played: rounds until its time is over, each watched, each with its own dice.
//!
//! Invariant: a panic on the thread that plays is seen even where it is caught below; hooks of
//! other threads are as before. The input of the round lies in a file before it is read, for the
//! case that nothing of this process is left to tell it.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use mailtui::crash::report::is_contained;

use super::mutate::{input, smallest};
use crate::support::clock::Dice;

/// How long each target is played, in seconds.
const SECONDS: u64 = 8;
/// How long one round may take: it is for what never ends, on a machine with much else to do.
const MOST: Duration = Duration::from_mins(1);
/// Tries to make smaller what fails.
const TRIES: usize = 3_000;

/// What is played.
pub(super) struct Target {
    pub(super) name: &'static str,
    /// What the inputs are made of; some of others' mail where `corpora` says so.
    pub(super) seeds: fn() -> Vec<Vec<u8>>,
    /// Words of the format.
    pub(super) tokens: &'static [&'static [u8]],
    /// Gives what reads an input, and panics over anything that must not be.
    pub(super) reader: fn() -> Reader,
}

pub(super) type Reader = Box<dyn FnMut(&[u8])>;

thread_local! {
    static PLAYS: Cell<bool> = const { Cell::new(false) };
    static TOLD: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// Panics of threads that play are kept, not printed.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !PLAYS.get() {
                before(info);
            } else if !is_contained() {
                let place = info.location().map(ToString::to_string).unwrap_or_default();
                let what = info.payload_as_str().unwrap_or_default().to_owned();
                TOLD.with_borrow_mut(|told| told.get_or_insert((place, what)).0.len());
            }
        }));
    });
}

/// Where it panicked over an input, and what it said.
fn fails(reader: &mut Reader, bytes: &[u8]) -> Option<(String, String)> {
    PLAYS.set(true);
    let read = catch_unwind(AssertUnwindSafe(|| reader(bytes)));
    PLAYS.set(false);
    let told = TOLD.take();
    // A panic with no hook called is one all the same.
    told.or_else(|| read.err().map(|_| ("nowhere".to_owned(), String::new())))
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text:?}")))
}

/// The dice of a round.
fn dice(seed: u64, round: u64) -> Dice {
    Dice::new(Dice::new(seed.wrapping_mul(0x0010_0001) ^ round).next())
}

/// Plays a target on a thread of its own, and waits for it.
pub(super) fn play(target: &Target) {
    listen();
    let round = Arc::new(AtomicU64::new(0));
    let (tell, told) = std::sync::mpsc::channel();
    let (at, name) = (Arc::clone(&round), target.name);
    let (seeds, tokens, reader) = (target.seeds, target.tokens, target.reader);
    std::thread::spawn(move || {
        let target = Target { name, seeds, tokens, reader };
        let played = catch_unwind(AssertUnwindSafe(|| rounds(&target, &at)));
        let _ = tell.send(played.unwrap_or_else(|_| Err("the fuzzing itself panicked".to_owned())));
    });
    let (mut last, mut since) = (u64::MAX, Instant::now());
    let played = loop {
        match told.recv_timeout(Duration::from_millis(200)) {
            Ok(played) => break played,
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => panic!("{name} is gone"),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
        }
        let now = round.load(Ordering::Relaxed);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        assert!(since.elapsed() < MOST, "{name} does not end: {}", lies(name).display());
    };
    match played {
        Ok(said) => println!("{said}"),
        Err(wrong) => panic!("{wrong}"),
    }
}

/// Where the input of the round lies.
fn lies(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}"))
}

fn rounds(target: &Target, at: &AtomicU64) -> Result<String, String> {
    let mut reader = (target.reader)();
    if let Some(path) = std::env::var_os("MAILTUI_FUZZ_INPUT") {
        let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
        let failed = fails(&mut reader, &bytes);
        return failed.map_or(Ok(String::new()), |(place, what)| Err(format!("{place}: {what}")));
    }
    let seeds = (target.seeds)();
    let seed = number("MAILTUI_FUZZ_SEED").unwrap_or(1);
    let only = number("MAILTUI_FUZZ_ROUND");
    let seconds = number("MAILTUI_FUZZ_SECONDS").unwrap_or(SECONDS);
    let (end, first) = (Instant::now() + Duration::from_secs(seconds), only.unwrap_or(0));
    let (mut round, mut bytes_read) = (first, 0);
    let file = lies(target.name);
    loop {
        at.store(round, Ordering::Relaxed);
        // Every seed is read once as it is.
        let whole = usize::try_from(round).ok().and_then(|round| seeds.get(round)).cloned();
        let bytes = whole.unwrap_or_else(|| input(&mut dice(seed, round), &seeds, target.tokens));
        std::fs::write(&file, &bytes).map_err(|error| error.to_string())?;
        if let Some(failed) = fails(&mut reader, &bytes) {
            return Err(tell(target, (seed, round), &bytes, &failed, at));
        }
        bytes_read += bytes.len();
        round += 1;
        if only.is_some() || Instant::now() >= end {
            break;
        }
    }
    let (rounds, count) = (round - first, seeds.len());
    let (name, kib) = (target.name, bytes_read / 1024);
    let said = format!("\"seed\":{seed},\"rounds\":{rounds},\"seeds\":{count},\"kib\":{kib}");
    Ok(format!("{{\"fuzz\":\"{name}\",{said}}}"))
}

/// What is said of an input that fails: how to play it again, and its smallest form.
fn tell(
    target: &Target,
    (seed, round): (u64, u64),
    bytes: &[u8],
    (place, what): &(String, String),
    at: &AtomicU64,
) -> String {
    let mut reader = (target.reader)();
    let mut same = |bytes: &[u8]| {
        at.fetch_add(1, Ordering::Relaxed);
        fails(&mut reader, bytes).is_some_and(|(other, _)| other == *place)
    };
    let small = smallest(bytes, TRIES, &mut same);
    let name = target.name;
    let file = lies(&format!("{name}-smallest"));
    let written = std::fs::write(&file, &small).is_ok();
    format!(
        "{name} fails at {place}\n  {what}\n  round: MAILTUI_FUZZ_SEED={seed} \
         MAILTUI_FUZZ_ROUND={round} cargo test --test it fuzz::{name}\n  smallest ({} bytes): \
         MAILTUI_FUZZ_INPUT={} cargo test --test it fuzz::{name}\n  it is {}\"{}\"",
        small.len(),
        file.display(),
        if written { "" } else { "not in that file: " },
        small.escape_ascii(),
    )
}

#[test]
fn what_must_not_be_is_told_with_its_smallest_input() {
    /// Panics over `ab`, and contains that as a library would.
    fn reader() -> Reader {
        Box::new(|bytes| {
            let caught = catch_unwind(|| assert!(!bytes.windows(2).any(|two| two == b"ab"), "ab!"));
            let _ = caught;
        })
    }
    listen();
    let seeds = || vec![b"x".to_vec(), b"xxxabxxx".to_vec()];
    let target = Target { name: "itself", seeds, tokens: &[b"a"], reader };
    let told = rounds(&target, &AtomicU64::new(0)).expect_err("it fails");
    assert!(told.contains("ab!") && told.contains("MAILTUI_FUZZ_ROUND=1 "), "{told}");
    assert!(told.contains("smallest (2 bytes)") && told.ends_with("\"ab\""), "{told}");
}
