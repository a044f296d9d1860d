//! Search against notmuch and mu on the same mail, in the same run; and as somebody types.
//!
//! Invariant: each has made its index before, and prints its first 50 answers to a pipe. notmuch
//! answers with conversations, as we do, mu with messages. What is not installed is skipped, and
//! said. With `MAILTUI_BENCH_DATA` it only types, in the mailbox of that directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use mailtui::clock::SystemClock;
use mailtui::engine::Device;
use mailtui::search::{Ask, Context, Index, Order, parse};
use serde_json::{Value, json};

use crate::measure::{Times, millis, once, ratio, spawning, timed};
use crate::program;
use crate::stage::{Imported, MESSAGES, Stage};

/// Runs of each program for each query, after one that is not counted.
const RUNS: usize = 20;
/// What is typed, a letter at a time.
const TYPED: [&str; 6] = ["meeting", "report", "garden", "invoice", "from:ada", "late order"];
/// Messages of which each must be found by the number in its subject.
const RECALLED: u64 = 200;

/// Queries, which the three programs write in one way.
const QUERIES: [(&str, &str); 5] = [
    ("common", "report"),
    ("two-words", "garden market"),
    ("phrase", "\"meeting minutes\""),
    ("prefix", "gard*"),
    ("from", "from:ada"),
];

/// A peer that has its index.
struct Peer {
    name: &'static str,
    program: PathBuf,
    /// Stands before a query.
    args: Vec<String>,
    environment: Vec<(&'static str, PathBuf)>,
    indexing: Duration,
    bytes: u64,
}

/// All of it.
pub(crate) fn search(stage: &mut Stage) -> Vec<Value> {
    if let Some(data) = std::env::var_os("MAILTUI_BENCH_DATA") {
        return vec![typing(Path::new(&data))];
    }
    let imported = stage.imported();
    let home = stage.folder().join("search-peers");
    std::fs::create_dir_all(&home).expect("room on the disk");
    let (mut peers, mut lines) = (Vec::new(), Vec::new());
    for (name, made) in [("notmuch", notmuch(&home, &imported)), ("mu", mu(&home, &imported))] {
        match made {
            Ok(peer) => peers.push(peer),
            Err(why) => lines.push(json!({"bench": format!("search-{name}"), "skipped": why})),
        }
    }
    lines.push(importing(&imported, &peers));
    lines.push(size(&imported, &peers));
    // The number in a subject, which stands in one conversation.
    let newest = program::text(&program::rows(&imported.data, 1)[0], "subject");
    let rare = newest.split(' ').next_back().unwrap_or_default();
    for (kind, query) in QUERIES.into_iter().chain([("rare", rare)]) {
        lines.push(whole_process(kind, query, &imported, &peers));
    }
    lines.push(typing(&imported.data));
    lines.push(recall(&imported.data));
    lines
}

/// Messages a second, the index included, and how many times as many as the faster peer's.
fn importing(imported: &Imported, peers: &[Peer]) -> Value {
    let rate = |took: Duration| (MESSAGES as f64 / took.as_secs_f64()).round();
    let mut against = json!({"peakMiB": imported.peak_kib / 1024});
    let fastest = peers.iter().map(|peer| peer.indexing).min();
    for peer in peers {
        against[peer.name] = json!(rate(peer.indexing));
    }
    if let Some(fastest) = fastest {
        against["times"] = json!(ratio(fastest.as_secs_f64(), imported.took.as_secs_f64()));
    }
    once("search-import", rate(imported.took), "messages/s", "higher", against)
}

/// What the index takes of the disk, as a part of mu's.
fn size(imported: &Imported, peers: &[Peer]) -> Value {
    let bytes = std::fs::metadata(imported.data.join("backend").join(Index::NAME));
    let bytes = bytes.expect("an index").len();
    let mut against = json!({"mailBytes": imported.bytes});
    for peer in peers {
        against[peer.name] = json!(peer.bytes);
        against[format!("of-{}", peer.name)] = json!(ratio(bytes as f64, peer.bytes as f64));
    }
    once("search-size", bytes as f64, "bytes", "lower", against)
}

/// One query, asked by whole processes in turn.
fn whole_process(kind: &str, query: &str, imported: &Imported, peers: &[Peer]) -> Value {
    let mut times = vec![Vec::new(); peers.len() + 1];
    for round in 0..=RUNS {
        let mut commands = vec![program::command(&imported.data, &["search", query])];
        for peer in peers {
            let mut command = Command::new(&peer.program);
            command.env_clear().envs(peer.environment.clone()).args(&peer.args).arg(query);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
            commands.push(command);
        }
        for (mut command, times) in commands.into_iter().zip(&mut times) {
            let (output, took) = timed(|| command.output().expect("it starts"));
            assert!(!output.stdout.is_empty(), "{command:?} finds something");
            if round > 0 {
                times.push(took);
            }
        }
    }
    let times: Vec<Times> = times.into_iter().map(Times::from).collect();
    let mut against = json!({"spawnMs": millis(spawning().at(50))});
    for (peer, times) in peers.iter().zip(&times[1..]) {
        against[peer.name] = json!(millis(times.at(50)));
    }
    if let Some(fastest) = times[1..].iter().map(|times| millis(times.at(50))).reduce(f64::min) {
        against["ratio"] = json!(ratio(millis(times[0].at(50)), fastest));
    }
    times[0].line(&format!("search-{kind}"), 50, against)
}

/// Every beginning of what is typed, asked of an open index, for a screen of answers.
fn typing(data: &Path) -> Value {
    let device = Device::read(data, Box::new(SystemClock)).expect("a device").expect("a device");
    let index = Index::read(&data.join("backend")).expect("an index").expect("an index");
    let messages = index.count().expect("a number");
    let (mut times, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        for (typed, end) in
            TYPED.iter().flat_map(|typed| (1..=typed.len()).map(move |n| (typed, n)))
        {
            let before = on_processor();
            let begun = Instant::now();
            let zone = TimeZone::UTC;
            let context = Context { now: 0, zone: &zone, me: &[], typing: true, saved: &[] };
            let query = parse(&typed[..end], &context).query;
            let ask = Ask { query: &query, limit: 50, order: Order::Newest, typing: true };
            device.find(&index, &ask, &|| true).expect("an answer");
            times.push(begun.elapsed());
            ours.push(on_processor().saturating_sub(before));
        }
    }
    let ours = Times::from(ours);
    let (p50, p99) = (millis(ours.at(50)), millis(ours.at(99)));
    let against = json!({"messages": messages, "onProcessorP50": p50, "onProcessorP99": p99});
    Times::from(times).line("search-typing", 99, against)
}

/// What this thread had of a processor so far: on a machine that others use, the rest is waiting.
fn on_processor() -> Duration {
    // The kernel adds up when a thread gives way.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

/// How many of a hundred messages are found by a number that stands in their subject alone.
fn recall(data: &Path) -> Value {
    let (mut asked, mut found) = (0_u64, 0_u64);
    for row in program::rows(data, 0).iter().take(usize::try_from(RECALLED).expect("small")) {
        let subject = row["subject"].as_str().unwrap_or_default();
        let Some(number) = subject.split(' ').next_back() else { continue };
        let query = format!("subject:{number}");
        let command = program::command(data, &["search", &query, "--limit", "0", "--json"]);
        let output = String::from_utf8(program::finish(command).stdout).expect("UTF-8");
        let thread = program::text(row, "thread");
        asked += 1;
        found += u64::from(output.lines().any(|line| line.contains(&thread)));
    }
    let part = found as f64 * 100.0 / asked.max(1) as f64;
    once("search-recall", part, "%", "higher", json!({"asked": asked}))
}

fn notmuch(home: &Path, imported: &Imported) -> Result<Peer, String> {
    let program = installed("notmuch")?;
    let config = home.join("notmuch-config");
    let text = format!(
        "[database]\npath={}\n[user]\nname=Ada\nprimary_email=ada@example.org\n\
         [new]\ntags=inbox;unread;\n[maildir]\nsynchronize_flags=false\n",
        imported.mail.display()
    );
    std::fs::write(&config, text).map_err(|error| error.to_string())?;
    let environment = vec![("HOME", home.to_owned()), ("NOTMUCH_CONFIG", config)];
    let database = imported.mail.join(".notmuch");
    // Another bench may have made it: the time counts from nothing.
    let _ = std::fs::remove_dir_all(&database);
    let indexing = index(Command::new(&program).arg("new").envs(environment.clone()))?;
    let args = ["search", "--limit=50"].map(str::to_owned).to_vec();
    let bytes = program::disk_bytes(&database);
    Ok(Peer { name: "notmuch", program, args, environment, indexing, bytes })
}

fn mu(home: &Path, imported: &Imported) -> Result<Peer, String> {
    let program = installed("mu")?;
    let database = home.join("mu");
    let environment = vec![("HOME", home.to_owned()), ("MUHOME", database.clone())];
    let mut init = Command::new(&program);
    init.arg("init").arg(format!("--maildir={}", imported.mail.display()));
    index(init.envs(environment.clone()))?;
    let indexing = index(Command::new(&program).arg("index").envs(environment.clone()))?;
    let args = ["find", "--maxnum=50", "--sortfield=date", "--reverse"].map(str::to_owned).to_vec();
    let bytes = program::disk_bytes(&database);
    Ok(Peer { name: "mu", program, args, environment, indexing, bytes })
}

fn index(command: &mut Command) -> Result<Duration, String> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (status, took) = timed(|| command.status());
    match status {
        Ok(status) if status.success() => Ok(took),
        other => Err(format!("{command:?}: {other:?}")),
    }
}

fn installed(name: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| format!("{name} is not installed"))
}
