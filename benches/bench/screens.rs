//! What a user of the terminal interface waits for, in a real terminal.
//!
//! Invariant: a time runs from the write of a key, or the start of the process, to the byte that
//! completes what is waited for.

use std::path::Path;
use std::time::Duration;

use mailtui::backend::mailbox_head;
use mailtui::clock::SystemClock;
use mailtui::engine::Device;
use mailtui::engine::view::Window;
use mailtui::label::system;
use serde_json::{Value, json};

use crate::conversations;
use crate::measure::{Times, millis, once, ratio, spawning};
use crate::program::{self, BINARY, command, finish};
use crate::stage::{SEED, SMALL, Stage};
use crate::terminal::{Terminal, hints, selected};

/// Starts of each size.
const STARTS: usize = 20;
/// Starts in each of which one conversation is opened.
const OPENS: usize = 12;
/// Keys measured while nothing else happens.
pub(crate) const KEYS: usize = 300;
/// Syncs during which keys are measured.
pub(crate) const SYNCS: usize = 3;
/// The pause between two keys: a fast typist's is ten times as long.
pub(crate) const BETWEEN_KEYS: Duration = Duration::from_millis(10);
/// Nothing drawn for so long: the program has settled.
pub(crate) const QUIET: Duration = Duration::from_millis(400);
/// The first line of a conversation on the screen.
const READER_TOP: usize = 4;
/// Conversations that are opened before memory is looked at.
const READ: usize = 12;
/// Rows of the list that are gone through for conversations of five messages.
pub(crate) const SEARCHED: usize = 300;
/// Mailbox events of the sync during which keys are pressed, at most.
pub(crate) const SYNCED: u64 = 100_000;

/// The program on a mailbox, its first row drawn.
pub(crate) fn open(data: &Path, sentinel: &str) -> (Terminal, Duration) {
    let data_dir = data.to_str().expect("UTF-8");
    let mut terminal = Terminal::start(Path::new(BINARY), &["--data-dir", data_dir], data);
    let at = terminal.wait(sentinel, |screen| screen.contents().contains(sentinel));
    let took = at.duration_since(terminal.started());
    (terminal, took)
}

/// What shows that the newest row is on the screen: read from the device as it is, for `list`
/// would bring it to the backend's head.
pub(crate) fn sentinel(data: &Path) -> String {
    let device = Device::read(data, Box::new(SystemClock)).expect("a file of ours");
    let device = device.expect("a device");
    let page = device.page(&system("inbox"), &Window::First, 1).expect("a page");
    let subject = page.rows[0].subject.clone().expect("each has one");
    subject.chars().take(14).collect()
}

/// From the start of the program to the byte that completes the newest row on the screen.
pub(crate) fn start(stage: &mut Stage) -> Vec<Value> {
    let floor = millis(spawning().at(50));
    let mailboxes: Vec<_> = stage.sizes.iter().map(|&threads| stage.seeded(threads)).collect();
    let sentinels: Vec<String> = mailboxes.iter().map(|data| sentinel(data)).collect();
    let mut times = vec![Vec::new(); mailboxes.len()];
    // In turn, so that what else the machine does falls on all of them.
    for _ in 0..STARTS {
        for (at, data) in mailboxes.iter().enumerate() {
            times[at].push(open(data, &sentinels[at]).1);
        }
    }
    let times: Vec<Times> = times.into_iter().map(Times::from).collect();
    let sizes = stage.sizes.iter().zip(&times);
    let mut lines: Vec<Value> = sizes
        .map(|(threads, times)| {
            times.line("start", 50, json!({"threads": threads, "spawnTrueMs": floor}))
        })
        .collect();
    let (small, large) = (millis(times[0].at(50)), millis(times[times.len() - 1].at(50)));
    let against = json!({
        "threads": stage.largest(), "smallThreads": stage.sizes[0],
        "apartMs": ((large - small) * 100.0).round() / 100.0,
    });
    lines.push(once("start-ratio", ratio(large, small), "ratio", "lower", against));
    lines
}

/// From a key to the frame that shows what it did, while nothing else happens; and by the same
/// program during a sync and after it.
pub(crate) fn key(stage: &mut Stage) -> Vec<Value> {
    let data = stage.seeded(stage.largest());
    let (mut terminal, _) = open(&data, &sentinel(&data));
    terminal.settle(QUIET);
    let large = Times::from(some_keys(&mut terminal));
    drop(terminal);
    let events = SYNCED.min(stage.largest());
    let data = stage.behind(SMALL + events, SMALL);
    let before = stage.device_alone(&data);
    let end = mailbox_head(&data.join("backend")).expect("a file of ours");
    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    for _ in 0..SYNCS {
        Stage::without_snapshot(&data);
        let (mut terminal, _) = open(&data, &sentinel(&data));
        busy.extend(keys(&mut terminal, || device_head(&data) < end));
        terminal.settle(QUIET);
        idle.extend(some_keys(&mut terminal));
        drop(terminal);
        // Put back as it was, for the next run.
        let _ = std::fs::remove_file(data.join("mailbox.db-wal"));
        std::fs::copy(before.path().join("mailbox.db"), data.join("mailbox.db")).expect("room");
    }
    let (idle, busy) = (Times::from(idle), Times::from(busy));
    let compared = ratio(millis(busy.at(99)), millis(idle.at(99)));
    let against = json!({
        "events": events, "idleP50": millis(idle.at(50)), "idleP99": millis(idle.at(99)),
        "timesIdle": compared,
    });
    vec![
        large.line("key", 99, json!({"threads": stage.largest()})),
        busy.line("key-during-sync", 99, against),
    ]
}

/// So many keys, while nothing else happens.
fn some_keys(terminal: &mut Terminal) -> Vec<Duration> {
    let mut pressed = 0;
    keys(terminal, || {
        pressed += 1;
        pressed <= KEYS
    })
}

/// The last Mailbox event that the device of a running program has taken in.
pub(crate) fn device_head(data: &Path) -> Option<u64> {
    let device = Device::read(data, Box::new(SystemClock)).expect("a file of ours");
    device.map(|device| device.head().expect("a file of ours"))
}

/// Opens and closes the keys' box while `go_on`; how long each key took to the end of its frame,
/// which is the line of hints. Rows may come in meanwhile: the box does not depend on them.
fn keys(terminal: &mut Terminal, mut go_on: impl FnMut() -> bool) -> Vec<Duration> {
    let mut times = Vec::new();
    while go_on() || times.len() % 2 == 1 {
        terminal.settle(Duration::ZERO);
        let open = times.len() % 2 == 0;
        let at = terminal.press("?");
        let shown = terminal.wait("box", |screen| hints(screen).contains("Esc close") == open);
        times.push(shown.duration_since(at));
        std::thread::sleep(BETWEEN_KEYS);
    }
    times
}

pub(crate) fn move_cursor(terminal: &mut Terminal, key: &str) -> Duration {
    let before = terminal.selected();
    let at = terminal.press(key);
    let moved = terminal.wait("moved cursor", |screen| {
        let now = selected(screen);
        now.is_some() && now != before
    });
    moved.duration_since(at)
}

/// From Enter to the frame with the message that is read, for conversations of 5 and 300 messages.
pub(crate) fn open_thread(stage: &mut Stage) -> Vec<Value> {
    let data = stage.seeded(stage.largest());
    let rows = program::rows(&data, SEARCHED);
    let counts: Vec<u64> =
        rows.iter().map(|row| row["messageCount"].as_u64().expect("n")).collect();
    let longest = counts.iter().position(|&count| count == 300).expect("it is near the top");
    let sentinel = sentinel(&data);
    let (mut terminal, _) = open(&data, &sentinel);
    terminal.settle(QUIET);
    let mut five = Vec::new();
    for count in &counts[..counts.len() - 1] {
        if *count == 5 {
            five.push(enter(&mut terminal));
        }
        move_cursor(&mut terminal, "j");
    }
    drop(terminal);
    let long = Times::of(OPENS, || {
        let (mut terminal, _) = open(&data, &sentinel);
        terminal.settle(QUIET);
        for _ in 0..longest {
            move_cursor(&mut terminal, "j");
        }
        enter(&mut terminal)
    });
    let against = || json!({"threads": stage.largest()});
    vec![Times::from(five).line("open-5", 99, against()), long.line("open-300", 99, against())]
}

/// Opens the conversation under the cursor and goes back to the list.
fn enter(terminal: &mut Terminal) -> Duration {
    let at = terminal.press("\r");
    let took = terminal.wait("message", is_read).duration_since(at);
    terminal.settle(BETWEEN_KEYS);
    terminal.press("u");
    terminal.wait("list", |screen| selected(screen).is_some());
    terminal.settle(BETWEEN_KEYS);
    took
}

/// Whether a conversation's messages are on the screen: below bar, rule, subject and a gap.
pub(crate) fn is_read(screen: &vt100::Screen) -> bool {
    let text = screen.contents();
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.get(READER_TOP).map_or("", |line| line.trim());
    let reader = lines.last().is_some_and(|line| line.contains("u back"));
    reader && !first.is_empty() && first != "opening…"
}

/// The most memory of the whole program, the backend in it, after it was used for a while.
pub(crate) fn memory(stage: &mut Stage) -> Vec<Value> {
    let mut lines = Vec::new();
    for &threads in &stage.sizes {
        let data = stage.seeded(threads);
        let (mut terminal, _) = open(&data, &sentinel(&data));
        terminal.settle(QUIET);
        let started = terminal.peak_kib();
        for _ in 0..READ {
            enter(&mut terminal);
            move_cursor(&mut terminal, "j");
        }
        // Every label, ends of the list, an action and its undo.
        let labels = "\t".repeat(conversations::LABELS.len() / 4);
        for key in ["G", "gg", labels.as_str(), "gi", "e", "z", "gaG", "gi"] {
            terminal.press(key);
            terminal.settle(QUIET);
        }
        let used = terminal.peak_kib();
        let mib = |kib: u64| (kib as f64 / 102.4).round() / 10.0;
        let against = json!({"threads": threads, "firstScreenMiB": mib(started), "seed": SEED});
        lines.push(once("memory", mib(used), "MiB", "lower", against));
        drop(terminal);
        // What it was asked to do is done before the next bench.
        finish(command(&data, &["--sync-only", "--quiet"]));
    }
    lines
}
