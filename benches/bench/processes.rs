//! What a user of the command line waits for: whole processes.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::measure::{Times, millis, once, ratio, spawning, syncing, timed};
use crate::program::{self, command, finish, text};
use crate::stage::{MESSAGES, Stage};

/// Runs of a command.
const RUNS: usize = 20;
/// Conversations that are archived at once, and how often.
const ARCHIVED: usize = 1_000;
const ARCHIVES: usize = 5;
const MIB: f64 = 1_048_576.0;

/// An import into a fresh data directory: how fast, how much memory, how much disk.
pub(crate) fn import(stage: &mut Stage) -> Vec<Value> {
    let done = stage.imported();
    let (read, reading) = timed(|| read_all(&done.mail));
    assert_eq!(read, done.bytes, "what was written is what is read");
    let rate = |took: Duration| (MESSAGES as f64 / took.as_secs_f64()).round();
    let memory = (done.peak_kib as f64 / 1024.0).round();
    let mail = (done.bytes as f64 / MIB).round();
    let against = json!({"readOnly": rate(reading), "messages": MESSAGES, "mailMiB": mail});
    let disk = json!({"mailMiB": mail, "diskMiB": (done.disk as f64 / MIB).round()});
    vec![
        once("import", rate(done.took), "messages/s", "higher", against),
        once("import-memory", memory, "MiB", "lower", json!({"mailMiB": mail})),
        once("disk", ratio(done.disk as f64, done.bytes as f64), "bytes/byte", "lower", disk),
    ]
}

/// The same files imported again, from start to end: none of them changed.
pub(crate) fn reimport(stage: &mut Stage) -> Vec<Value> {
    let done = stage.imported();
    let times = Times::of(RUNS, || {
        let mut command = command(&done.data, &["import", "--json"]);
        command.arg(&done.mail);
        let (finished, took) = timed(|| finish(command));
        let summary: Value = serde_json::from_slice(&finished.stdout).expect("a summary");
        assert_eq!(summary["duplicates"], MESSAGES, "{summary}");
        took
    });
    let floor = millis(spawning().at(50));
    vec![times.line("reimport-unchanged", 50, json!({"files": MESSAGES, "spawnTrueMs": floor}))]
}

/// `list --limit 50`, from start to end.
pub(crate) fn list(stage: &mut Stage) -> Vec<Value> {
    let floor = millis(spawning().at(50));
    let line = |&threads: &u64| {
        let data = stage.seeded(threads);
        let args = ["list", "--limit", "50", "--json"];
        let times = Times::of(RUNS, || timed(|| finish(command(&data, &args))).1);
        times.line("list", 50, json!({"threads": threads, "spawnTrueMs": floor}))
    };
    stage.sizes.iter().map(line).collect()
}

/// `archive` of 1,000 conversations: until it is on disk, and until lists and backend have it.
pub(crate) fn archive(stage: &mut Stage) -> Vec<Value> {
    let mut lines = Vec::new();
    for &threads in &stage.sizes {
        let data = stage.seeded(threads);
        let sync = millis(syncing(&data).at(50));
        let (durable, projected) = archived(&data);
        let against = || json!({"threads": threads, "archived": ARCHIVED, "syncMs": sync});
        lines.push(durable.line("archive-1000-durable", 50, against()));
        lines.push(projected.line("archive-1000-projected", 50, against()));
    }
    lines
}

fn archived(data: &Path) -> (Times, Times) {
    let (mut durable, mut projected) = (Vec::new(), Vec::new());
    let rows = program::rows(data, 2 * ARCHIVED * ARCHIVES);
    let chunks: Vec<&[Value]> = rows.chunks_exact(ARCHIVED.min(rows.len() / 2)).collect();
    for (at, some) in chunks.iter().enumerate() {
        let first = at % 2 == 0;
        let mut args = vec!["archive", "--quiet"];
        args.extend(first.then_some("--no-wait"));
        let mut archive = command(data, &args);
        archive.args(some.iter().map(|row| text(row, "thread")));
        let ((), took) = timed(|| drop(finish(archive)));
        if first { &mut durable } else { &mut projected }.push(took);
        // Put back, and the backend has taken all of it in before the next.
        finish(command(data, &["undo", "--quiet"]));
    }
    (Times::from(durable), Times::from(projected))
}

/// Crates that a user compiles, ours included.
pub(crate) fn crates(_stage: &mut Stage) -> Vec<Value> {
    let mut tree = cargo();
    tree.args(["tree", "--locked", "--edges", "normal,build", "--prefix", "none"]);
    let output = tree.output().expect("cargo runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut names: Vec<&str> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() > 1, "cargo says nothing");
    vec![once("crates", names.len() as f64, "crates", "lower", json!({}))]
}

/// The default build from nothing.
pub(crate) fn build(stage: &mut Stage) -> Vec<Value> {
    let target = tempfile::tempdir_in(stage.folder()).expect("room on the disk");
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--quiet"]);
    build.env("CARGO_TARGET_DIR", target.path()).stderr(Stdio::null());
    let (status, took) = timed(|| build.status().expect("cargo runs"));
    assert!(status.success());
    vec![once("build", took.as_secs_f64().round(), "s", "lower", json!({}))]
}

fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo
}

fn read_all(folder: &Path) -> u64 {
    let read = |path| std::fs::read(path).expect("a message").len() as u64;
    program::files(folder).iter().map(read).sum()
}
