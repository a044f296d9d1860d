//! `tests/run bench [NAME…] [--threads N]`: what a user waits for, measured on the release build.
//!
//! Invariant: one JSON object a line on standard output; each number stands beside a floor or a
//! peer that was measured in the same run, so that it says something elsewhere.
//! Nothing here reaches into the program: the binary is started, typed into and looked at, and the
//! engine is asked as the interface asks it. `README.md` beside this folder says how to repeat it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench stops where it cannot measure; counts here are far below 2^52"
)]

mod bootstrap;
mod catch_up;
mod conversations;
mod devices;
mod generator;
mod inside;
mod latency;
mod logs;
mod measure;
mod peers;
mod processes;
mod program;
mod random;
mod screens;
mod search;
mod seed;
mod stage;
mod terminal;

use std::path::Path;

use serde_json::{Value, json};

use stage::{SEED, SMALL, Stage};

/// The size of the large mailbox unless `--threads` says another, in conversations.
const THREADS: u64 = 40_000;
/// A size between the small one and a large one that is worth its time.
const MIDDLE: u64 = 100_000;

/// A bench: its name, what it does, and whether it runs when none is named.
type Bench = (&'static str, fn(&mut Stage) -> Vec<Value>, bool);

const BENCHES: [Bench; 22] = [
    ("import", processes::import, true),
    ("reimport-unchanged", processes::reimport, true),
    ("list", processes::list, true),
    ("start", screens::start, true),
    ("key", screens::key, true),
    ("latency", latency::latency, true),
    ("open", screens::open_thread, true),
    ("intent", inside::intent, true),
    ("overlay-page", inside::overlay, true),
    ("archive", inside::archive, true),
    ("archive-process", processes::archive, true),
    ("memory", screens::memory, true),
    ("catch-up", catch_up::catch_up, true),
    ("bootstrap", bootstrap::bootstrap, true),
    ("replay", logs::replay, true),
    ("appends", logs::appends, true),
    ("commit-to-rows", devices::commit_to_rows, true),
    ("fair", devices::fair, true),
    ("crates", processes::crates, true),
    ("peers", peers::peers, true),
    ("search", search::search, true),
    ("build", processes::build, false),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if arguments.first().is_some_and(|first| first == "seed-events") {
        return seed_events(&arguments[1..]);
    }
    let (mut asked, mut threads, mut arguments) = (Vec::new(), THREADS, arguments.iter());
    while let Some(argument) = arguments.next() {
        if argument == "--threads" {
            threads = arguments.next().and_then(|n| n.parse().ok()).expect("--threads N");
        } else {
            asked.push(argument.as_str());
        }
    }
    let names: Vec<&str> = BENCHES.iter().map(|bench| bench.0).collect();
    if let Some(unknown) = asked.iter().find(|name| !names.contains(name)) {
        panic!("no bench {unknown:?}; there are {names:?}");
    }
    let mut sizes = vec![SMALL.min(threads), threads];
    sizes.extend((threads > 2 * MIDDLE).then_some(MIDDLE));
    let mut stage = Stage::new(sizes);
    for (name, bench, by_default) in BENCHES {
        if asked.contains(&name) || (asked.is_empty() && by_default) {
            for line in bench(&mut stage) {
                println!("{line}");
            }
        }
    }
}

/// `seed-events N DIR [--seed S]`: makes a data directory and says what is in it.
fn seed_events(arguments: &[String]) {
    let usage = "seed-events N DIR [--seed S]";
    let (plain, option) = arguments.split_at(arguments.len().min(2));
    let [count, dir] = plain else { panic!("{usage}") };
    let seed = match option {
        [] => SEED,
        [name, seed] if name == "--seed" => seed.parse().expect("a seed is a number"),
        _ => panic!("{usage}"),
    };
    let made = seed::seed(Path::new(dir), count.parse().expect("N is a number"), seed);
    let line = json!({
        "threads": made.threads, "messages": made.messages, "mailBytes": made.bytes,
        "diskBytes": program::disk_bytes(Path::new(dir)),
        "seconds": made.took.as_secs_f64().round(),
    });
    println!("{line}");
}
