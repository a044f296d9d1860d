//! Rules broken on purpose, one at a time: the simulation finds each of them within its seeds, or
//! it would be worth nothing.
//!
//! Invariant: a rule is broken on the thread that plays, and on no other.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use mailtui::crash::faults::{Broken, break_rule};

use crate::simulation::{SEEDS, play};

/// The first seed that finds it, and what it says.
fn found_by(rule: Broken) -> Option<(u64, String)> {
    break_rule(Some(rule));
    let found = (1..=SEEDS).find_map(|seed| {
        let (_, wrong) = play(seed);
        Some((seed, wrong.into_iter().next()?))
    });
    break_rule(None);
    found
}

#[test]
fn every_rule_that_is_broken_on_purpose_is_found() {
    let rules = Broken::ALL;
    let (next, missed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let players = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..players {
            scope.spawn(|| {
                while let Some(rule) = rules.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match found_by(*rule) {
                        Some((seed, line)) => println!("{rule:?}: found by seed {seed}: {line}"),
                        None => missed.lock().unwrap().push(*rule),
                    }
                }
            });
        }
    });
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "not found within {SEEDS} seeds: {missed:?}");
}
