//! How long keys take to their frames, by the program's own meter: what `:latency` shows.
//!
//! Invariant: the figures are read off the screen, as a user reads them; nothing is computed here
//! but medians of runs and ratios of what one run has shown.

use std::path::Path;

use mailtui::backend::mailbox_head;
use serde_json::{Value, json};

use crate::measure::{median, once, ratio};
use crate::program;
use crate::screens::{
    BETWEEN_KEYS, KEYS, QUIET, SEARCHED, SYNCED, SYNCS, device_head, is_read, move_cursor, open,
    sentinel,
};
use crate::stage::{SMALL, Stage};
use crate::terminal::Terminal;

/// The keys that are pressed in turn: moving, selecting, half pages, and a box over the list.
const TURN: [&str; 10] = ["j", "j", "x", "k", "x", "\x04", "\x15", "?", "?", "j"];
/// How often it is looked whether the sync has ended, in keys.
const LOOK: usize = 20;
/// Half pages down in the long conversation.
const HALVES: usize = 200;

/// What the program shows of its last keys, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Figures {
    keys: f64,
    p50: f64,
    p99: f64,
    max: f64,
    cpu: f64,
    cpu_p99: f64,
}

/// What stands behind a name on the screen.
fn figure(screen: &str, name: &str) -> Option<f64> {
    let at = screen.lines().find_map(|line| line.split_once(name))?.1;
    at.split_whitespace().next()?.replace(',', "").parse().ok()
}

fn figures(terminal: &mut Terminal) -> Figures {
    terminal.settle(QUIET);
    let screen = terminal.contents();
    let of = |name: &str| figure(&screen, name).unwrap_or_else(|| panic!("no {name}:\n{screen}"));
    let (cpu, cpu_p99) = (of("CPU a key"), of("CPU p99"));
    let (keys, p50) = (of("last keys"), of(" p50"));
    Figures { keys, p50, p99: of(" p99"), max: of(" max"), cpu, cpu_p99 }
}

/// Looks at the figures, with nothing counted yet but the keys that ask for them.
fn look(terminal: &mut Terminal, shown: bool) {
    for _ in 0..if shown { 2 } else { 3 } {
        terminal.press(":latency\r");
        terminal.settle(QUIET);
    }
    terminal.wait("the meter", |screen| screen.contents().contains("CPU a key"));
}

/// Presses keys while `go_on`; it is asked before each turn.
fn turns(terminal: &mut Terminal, mut go_on: impl FnMut(usize) -> bool) {
    let mut pressed = 0_usize;
    while !pressed.is_multiple_of(TURN.len()) || go_on(pressed) {
        terminal.press(TURN[pressed % TURN.len()]);
        std::thread::sleep(BETWEEN_KEYS);
        terminal.settle(std::time::Duration::ZERO);
        pressed += 1;
    }
}

fn line(bench: &str, of: &Figures, value: f64, unit: &str, more: &Value) -> Value {
    let mut against = json!({
        "keys": of.keys, "keyP50": of.p50, "keyP99": of.p99, "keyMax": of.max, "cpuMs": of.cpu,
        "cpuP99": of.cpu_p99,
    });
    if let (Some(all), Some(more)) = (against.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    once(bench, value, unit, "lower", against)
}

/// Key to frame at rest, during a sync, and in a long conversation.
pub(crate) fn latency(stage: &mut Stage) -> Vec<Value> {
    let mut lines = vec![idle(stage)];
    lines.extend(during_sync(stage));
    lines.push(held(stage));
    lines
}

fn idle(stage: &Stage) -> Value {
    let data = stage.seeded(stage.largest());
    let (mut terminal, _) = open(&data, &sentinel(&data));
    terminal.settle(QUIET);
    look(&mut terminal, false);
    turns(&mut terminal, |pressed| pressed < KEYS);
    let of = figures(&mut terminal);
    line("latency-idle", &of, of.p99, "ms", &json!({"threads": stage.largest()}))
}

/// The medians of each figure.
fn middle(of: &[Figures]) -> Figures {
    let at = |get: fn(&Figures) -> f64| median(&mut of.iter().map(get).collect::<Vec<_>>());
    Figures {
        keys: at(|of| of.keys),
        p50: at(|of| of.p50),
        p99: at(|of| of.p99),
        max: at(|of| of.max),
        cpu: at(|of| of.cpu),
        cpu_p99: at(|of| of.cpu_p99),
    }
}

fn during_sync(stage: &Stage) -> [Value; 2] {
    let events = SYNCED.min(stage.largest());
    let data = stage.behind(SMALL + events, SMALL);
    let before = stage.device_alone(&data);
    let end = mailbox_head(&data.join("backend")).expect("a file of ours");
    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    for _ in 0..SYNCS {
        Stage::without_snapshot(&data);
        let (mut terminal, _) = open(&data, &sentinel(&data));
        // The sync has begun already: the keys that ask for the meter count too.
        terminal.press(":latency\r");
        turns(&mut terminal, |pressed| {
            pressed % LOOK != 0 || device_head(&data).is_some_and(|head| Some(head) < end)
        });
        busy.push(figures(&mut terminal));
        look(&mut terminal, true);
        turns(&mut terminal, |pressed| pressed < KEYS);
        idle.push(figures(&mut terminal));
        drop(terminal);
        put_back(before.path(), &data);
    }
    let (idle, busy) = (middle(&idle), middle(&busy));
    let more = json!({
        "events": events, "idleP50": idle.p50, "idleP99": idle.p99, "idleCpuMs": idle.cpu,
        "timesIdle": ratio(busy.p99, idle.p99), "idleCpuP99": idle.cpu_p99,
    });
    [
        line("latency-during-sync", &busy, busy.p99, "ms", &more),
        line("latency-cpu", &busy, busy.cpu, "ms", &more),
    ]
}

/// The device as it was before it took in anything.
fn put_back(before: &Path, data: &Path) {
    let _ = std::fs::remove_file(data.join("mailbox.db-wal"));
    std::fs::copy(before.join("mailbox.db"), data.join("mailbox.db")).expect("room on the disk");
}

/// Half pages down, as fast as a held key, in a conversation of 300 messages, all unfolded.
fn held(stage: &Stage) -> Value {
    let data = stage.seeded(stage.largest());
    let rows = program::rows(&data, SEARCHED);
    let longest = rows.iter().position(|row| row["messageCount"].as_u64() == Some(300));
    let (mut terminal, _) = open(&data, &sentinel(&data));
    terminal.settle(QUIET);
    for _ in 0..longest.expect("it is near the top") {
        move_cursor(&mut terminal, "j");
    }
    terminal.press("\r");
    terminal.wait("message", is_read);
    terminal.settle(QUIET);
    terminal.press(";");
    terminal.settle(QUIET);
    terminal.press("gg");
    look(&mut terminal, false);
    for _ in 0..HALVES {
        terminal.press("\x04");
        std::thread::sleep(BETWEEN_KEYS);
        terminal.settle(std::time::Duration::ZERO);
    }
    let of = figures(&mut terminal);
    line("latency-held", &of, of.p99, "ms", &json!({"messages": 300, "presses": HALVES}))
}
