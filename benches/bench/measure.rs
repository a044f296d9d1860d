//! Times, what stands beside them, and the line that says both.
//!
//! Invariant: one JSON object a line; a floor stands in it that was measured in the same run.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

/// Starts of a program that does nothing, for the floor.
const FLOOR_STARTS: usize = 30;
/// Syncs to disk, for the floor of what is durable.
const FLOOR_SYNCS: usize = 200;
/// Bytes before each of them.
const FLOOR_BYTES: usize = 4_096;

/// Times of one kind, sorted.
#[derive(Debug, Clone)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Measures `work` so often.
    pub(crate) fn of(count: usize, mut work: impl FnMut() -> Duration) -> Self {
        Self::from((0..count).map(|_| work()).collect::<Vec<_>>())
    }

    /// The time that so many of a hundred do not exceed.
    pub(crate) fn at(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }

    /// A line in milliseconds; its value is the time that `percent` of a hundred do not exceed.
    pub(crate) fn line(&self, bench: &str, percent: usize, against: Value) -> Value {
        json!({
            "bench": bench, "value": millis(self.at(percent)), "unit": "ms", "better": "lower",
            "n": self.0.len(), "p50": millis(self.at(50)), "p99": millis(self.at(99)),
            "against": with_cpus(against),
        })
    }
}

impl From<Vec<Duration>> for Times {
    fn from(mut times: Vec<Duration>) -> Self {
        assert!(!times.is_empty(), "nothing was measured");
        times.sort();
        Self(times)
    }
}

/// A line of one value that was measured once.
pub(crate) fn once(bench: &str, value: f64, unit: &str, better: &str, against: Value) -> Value {
    let value = (value * 1_000.0).round() / 1_000.0;
    json!({
        "bench": bench, "value": value, "unit": unit, "better": better, "n": 1,
        "p50": value, "p99": value, "against": with_cpus(against),
    })
}

fn with_cpus(against: Value) -> Value {
    let mut against = match against {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    against.insert("cpus".to_owned(), json!(cpus));
    Value::Object(against)
}

/// Milliseconds, to a thousandth.
pub(crate) fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

/// What `part` is of `whole`, to a hundredth.
pub(crate) fn ratio(part: f64, whole: f64) -> f64 {
    (part / whole * 100.0).round() / 100.0
}

/// The middle one.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How long something takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

/// How long it takes to start a program that does nothing, and wait for it.
pub(crate) fn spawning() -> Times {
    Times::of(FLOOR_STARTS, || {
        let (status, took) = timed(|| Command::new("true").status().expect("`true` is there"));
        assert!(status.success());
        took
    })
}

/// How long a small write takes to be on the disk that `folder` is on.
pub(crate) fn syncing(folder: &Path) -> Times {
    let path = folder.join("sync-floor");
    let mut file = std::fs::File::create(&path).expect("a file");
    let block = vec![7; FLOOR_BYTES];
    let times = Times::of(FLOOR_SYNCS, || {
        file.seek(SeekFrom::End(0)).expect("a file");
        timed(|| file.write_all(&block).and_then(|()| file.sync_data()).expect("room")).1
    });
    std::fs::remove_file(path).expect("a file of ours");
    times
}
