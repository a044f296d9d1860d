//! The deterministic simulation: devices, a backend and the mail edge, whose every move is drawn
//! from a seed: keys, mail, frames, cuts, restarts, clocks.
//!
//! Invariant: a seed always plays the same; when the faults stop and all is said, every device
//! shows what the logs say, and nothing that was on disk anywhere is missing. A failing seed prints
//! the command that plays it again.

mod broken;
mod by_hand;
mod checks;
mod faults;
mod moves;
mod snapshots;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use mailtui::crash;
use moves::Simulation;

/// Seeds that a run without arguments plays.
const SEEDS: u64 = 500;
/// Failures of which it is said what was wrong; of the others only the seeds are listed, since a
/// fault may show in all of them.
const TOLD: usize = 20;
/// Of a hundred steps so many are hit at least, in a run of so many seeds.
const LEAST_HIT: usize = 95;
const COVERS: u64 = 300;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text:?}")))
}

/// Plays one seed on this thread: how often each step was taken, and what was wrong.
fn play(seed: u64) -> (BTreeMap<&'static str, u64>, Vec<String>) {
    let mut simulation = Simulation::new(seed);
    let played = catch_unwind(AssertUnwindSafe(|| simulation.play()));
    let wrong = played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        vec![format!("it panicked: {}", text.unwrap_or_default())]
    });
    (simulation.hits, wrong)
}

/// All that can happen: the moves, and to die at each point.
fn steps() -> Vec<&'static str> {
    let moves = moves::STEPS.iter().map(|(name, _)| *name).chain([checks::GONE]);
    let points = [crash::POINTS, crash::SIMULATED, crash::SNAPSHOTS].concat();
    moves.chain(points).collect()
}

#[test]
fn every_seed_comes_to_rest_in_agreement() {
    let first = number("MAILTUI_SIM_SEED");
    let seeds = number("MAILTUI_SIM_SEEDS").unwrap_or(if first.is_some() { 1 } else { SEEDS });
    let first = first.unwrap_or(1);
    let next = AtomicU64::new(first);
    let hits: Mutex<BTreeMap<&str, u64>> = Mutex::default();
    let failed: Mutex<BTreeMap<u64, Vec<String>>> = Mutex::default();
    let players = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..players {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        return;
                    }
                    let (seen, wrong) = play(seed);
                    for (step, times) in seen {
                        *hits.lock().unwrap().entry(step).or_default() += times;
                    }
                    if !wrong.is_empty() {
                        // At once too, past the test's own output: many seeds take long.
                        let _ = writeln!(std::io::stderr(), "seed {seed} failed");
                        failed.lock().unwrap().insert(seed, wrong);
                    }
                }
            });
        }
    });
    let (hits, failed) = (hits.into_inner().unwrap(), failed.into_inner().unwrap());
    for (seed, wrong) in failed.iter().take(TOLD) {
        println!("seed {seed}: tests/run sim --seed {seed}\n  {}", wrong.join("\n  "));
    }
    let seeds_of = || failed.keys().map(u64::to_string).collect::<Vec<_>>().join(" ");
    assert!(failed.is_empty(), "{} of {seeds} seeds failed: {}", failed.len(), seeds_of());
    let steps = steps();
    let never: Vec<_> = steps.iter().filter(|name| !hits.contains_key(**name)).collect();
    let (all, hit) = (steps.len(), steps.len() - never.len());
    println!("{hit} of {all} steps were hit; never: {never:?}");
    assert!(seeds < COVERS || hit * 100 >= all * LEAST_HIT, "too few steps were hit");
    let hits = serde_json::to_string(&hits).unwrap();
    println!("{{\"sim\":\"ok\",\"seeds\":{seeds},\"steps_hit\":{hits}}}");
}
