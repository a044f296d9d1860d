//! A device that was away takes in what the backend has: alone, and while keys are pressed.
//!
//! Invariant: the engine, the link and the embedded backend run as in the program; a rate runs from
//! the opening of the device until it is at the backend's head.

use std::path::Path;
use std::time::{Duration, Instant};

use mailtui::backend::mailbox_head;
use mailtui::clock::SystemClock;
use mailtui::command::intent::{Change, Intent};
use mailtui::engine::Device;
use mailtui::engine::handle::Update;
use mailtui::engine::view::Link;
use serde_json::{Value, json};

use crate::inside::Engine;
use crate::measure::{Times, median, millis, ratio, timed};
use crate::stage::{SMALL, Stage};

/// Conversations of which the device takes in the rows, at most.
const CAUGHT_UP: u64 = 100_000;
/// How often it does.
const RUNS: usize = 3;
/// Intents that are measured while nothing else happens.
const INTENTS: usize = 200;
/// The pause between two intents.
const BETWEEN: Duration = Duration::from_millis(20);

/// Mailbox events a second that a device takes in, alone and while intents are decided; and how
/// long these take until their rows are there, beside those of an idle engine.
pub(crate) fn catch_up(stage: &mut Stage) -> Vec<Value> {
    let threads = stage.largest().min(CAUGHT_UP);
    let data = stage.behind(SMALL + threads, SMALL);
    let head = mailbox_head(&data.join("backend")).expect("a file of ours").expect("a backend");
    let (mut alone, mut busy, mut during) = (Vec::new(), Vec::new(), Vec::new());
    let mut idle = Vec::new();
    let mut events = 0;
    for _ in 0..RUNS {
        let (dir, from) = device_beside(stage, &data);
        events = head - from;
        let per_second = |took: Duration| (events as f64 / took.as_secs_f64()).round();
        let ((), took) = timed(|| Engine::begin(dir.path()).caught_up());
        alone.push(per_second(took));
        let (dir, _) = device_beside(stage, &data);
        let begun = Instant::now();
        let mut engine = Engine::begin(dir.path());
        let (mut behind, mut done) = (false, None);
        while done.is_none() {
            let on = during.len().is_multiple_of(2);
            during.push(one(&mut engine, on, &mut |update| {
                let Update::Status(status) = update else { return };
                behind |= matches!(status.link, Link::Online { behind: 1.. });
                if behind && matches!(status.link, Link::Online { behind: 0 }) {
                    done.get_or_insert_with(|| begun.elapsed());
                }
            }));
        }
        busy.push(per_second(done.expect("it was waited for")));
        idle.extend((0..INTENTS).map(|at| one(&mut engine, at.is_multiple_of(2), &mut |_| {})));
    }
    let (idle, during) = (Times::from(idle), Times::from(during));
    let against = json!({"events": events, "whileIntents": median(&mut busy)});
    let compared = ratio(millis(during.at(99)), millis(idle.at(99)));
    vec![
        rate("catch-up", &mut alone, against),
        rate("catch-up-busy", &mut busy, json!({"events": events})),
        idle.line("intent-idle", 99, json!({})),
        during.line("intent-during-sync", 99, json!({"timesIdle": compared})),
    ]
}

/// A copy of a mailbox's device beside its backend, and how far it is.
fn device_beside(stage: &Stage, data: &Path) -> (tempfile::TempDir, u64) {
    Stage::without_snapshot(data);
    let dir = stage.device_alone(data);
    std::os::unix::fs::symlink(data.join("backend"), dir.path().join("backend")).expect("a link");
    let device = Device::read(dir.path(), Box::new(SystemClock)).expect("a file of ours");
    (dir, device.expect("a device").head().expect("a file of ours"))
}

fn rate(bench: &str, values: &mut [f64], against: Value) -> Value {
    let mut line = crate::measure::once(bench, median(values), "events/s", "higher", against);
    line["n"] = json!(values.len());
    line
}

/// A key that stars the newest row, or takes the star off: until the rows are there.
fn one(engine: &mut Engine, on: bool, heard: &mut dyn FnMut(&Update)) -> Duration {
    std::thread::sleep(BETWEEN);
    let row = engine.rows_hearing(1, heard);
    let targets = row[0].members.clone();
    engine.changed(Intent::Change { changes: vec![Change::Star(on)], targets }, heard)
}
