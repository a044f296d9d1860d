//! `tests/run bench [NAME…]`: what a user waits for, measured on the real release binary.
//!
//! Invariant: one JSON object a line on standard output; each number stands beside a floor that was
//! measured in the same run on the same machine, so that it means something elsewhere. Nothing here
//! reaches into the program: it is started, typed into and looked at.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench stops where it cannot measure; counts here are far below 2^52"
)]

mod conversations;
mod generator;
mod program;
mod random;
mod seed;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Messages in the generated mailbox.
const MESSAGES: u64 = 20_000;
/// The seed of the generated mailbox.
const SEED: u64 = 2;
/// Starts measured by `start`, and runs by `list`.
const STARTS: usize = 20;
/// Threads that `archive-1000` archives at once, and how often.
const ARCHIVED: usize = 1_000;
const ARCHIVES: usize = 3;

const NAMES: [&str; 5] = ["import", "peak-memory", "start", "list", "archive-1000"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if arguments.first().is_some_and(|first| first == "seed-events") {
        return seed_events(&arguments[1..]);
    }
    let asked = arguments;
    if let Some(unknown) = asked.iter().find(|name| !NAMES.contains(&name.as_str())) {
        panic!("no bench {unknown:?}; there are {NAMES:?}");
    }
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|a| a == name);
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("room on the disk");
    let floor = program::floor();
    let mail = place.path().join("Mail");
    let bytes = generator::write_maildir(&mail, MESSAGES, SEED);
    let data = place.path().join("data");
    let import = import(&data, &mail, bytes);
    for (name, line) in ["import", "peak-memory"].iter().zip(import) {
        if wanted(name) {
            println!("{line}");
        }
    }
    if wanted("start") {
        println!("{}", start(&data, floor));
    }
    if wanted("list") {
        println!("{}", list(&data, floor));
    }
    if wanted("archive-1000") {
        println!("{}", archive(&data, floor));
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
        "diskBytes": disk_bytes(Path::new(dir)), "seconds": made.took.as_secs_f64().round(),
    });
    println!("{line}");
}

/// Messages a second into a fresh data directory, and the most memory it took.
fn import(data: &Path, mail: &Path, bytes: u64) -> [Value; 2] {
    let (read, reading) = timed(|| read_all(mail));
    assert_eq!(read, bytes, "what was written is what is read");
    let mut command = program::command(data, &["import", "--json"]);
    command.arg(mail);
    let (finished, took) = timed(|| program::finish_watched(command));
    let summary: Value = serde_json::from_slice(&finished.stdout).expect("a summary");
    assert_eq!(summary["imported"], MESSAGES, "{summary}");
    let rate = |took: Duration| (MESSAGES as f64 / took.as_secs_f64()).round();
    let against = json!({
        "readOnly": rate(reading), "messages": MESSAGES, "bytes": bytes,
        "diskBytes": disk_bytes(data), "cpus": cpus(),
    });
    let value = rate(took);
    let memory = (finished.peak_kib as f64 / 1024.0).round();
    [
        json!({
            "bench": "import", "value": value, "unit": "messages/s", "better": "higher",
            "n": 1, "p50": value, "p99": value, "against": against,
        }),
        json!({
            "bench": "peak-memory", "value": memory, "unit": "MiB", "better": "lower",
            "n": 1, "p50": memory, "p99": memory,
            "against": {"mailMiB": (bytes as f64 / 1_048_576.0).round()},
        }),
    ]
}

/// From the start of the program to the byte that completes the newest row on the screen.
fn start(data: &Path, floor: Duration) -> Value {
    let newest = rows(data, 1).remove(0);
    let subject: String = text(&newest, "subject").chars().take(14).collect();
    let times = (0..STARTS).map(|_| program::first_screen(data, &subject)).collect();
    line("start", times, floor)
}

fn list(data: &Path, floor: Duration) -> Value {
    let args = ["list", "--limit", "50", "--json"];
    let once = |_| timed(|| program::finish(program::command(data, &args))).1;
    line("list", (0..STARTS).map(once).collect(), floor)
}

fn archive(data: &Path, floor: Duration) -> Value {
    let rows = rows(data, 0);
    let mut times = Vec::new();
    for some in rows.chunks_exact(ARCHIVED).take(ARCHIVES) {
        let mut command = program::command(data, &["archive"]);
        command.args(some.iter().map(|row| text(row, "thread")));
        times.push(timed(|| program::finish(command)).1);
    }
    assert!(!times.is_empty(), "too few threads: {}", rows.len());
    line("archive-1000", times, floor)
}

fn rows(data: &Path, limit: usize) -> Vec<Value> {
    let limit = limit.to_string();
    let args = ["list", "--label", "inbox", "--limit", &limit, "--json"];
    let output = program::finish(program::command(data, &args)).stdout;
    let output = String::from_utf8(output).expect("UTF-8");
    output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn text(row: &Value, field: &str) -> String {
    row[field].as_str().expect("text").to_owned()
}

/// A line of times in milliseconds, against starting a program that does nothing.
fn line(bench: &str, mut times: Vec<Duration>, floor: Duration) -> Value {
    times.sort();
    let at = |percent: usize| millis(times[(times.len() * percent / 100).min(times.len() - 1)]);
    json!({
        "bench": bench, "value": at(50), "unit": "ms", "better": "lower", "n": times.len(),
        "p50": at(50), "p99": at(99),
        "against": {"spawnTrueMs": millis(floor), "cpus": cpus()},
    })
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 100_000.0).round() / 100.0
}

fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn read_all(folder: &Path) -> u64 {
    let read = |path: &PathBuf| std::fs::read(path).expect("a message").len() as u64;
    files(folder).iter().map(read).sum()
}

fn disk_bytes(folder: &Path) -> u64 {
    files(folder).iter().map(|path| path.metadata().map_or(0, |m| m.len())).sum()
}
