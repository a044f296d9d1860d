//! The logs themselves: how fast they are read and replayed, and how fast they take events in that
//! must be on the disk.
//!
//! Invariant: what is durable stands beside writes of the same sizes with one `fdatasync` each, in
//! turn, so that what else the disk does falls on both.

use std::hint::black_box;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use mailtui::backend::{Backend, FORMAT, Options};
use mailtui::clock::SystemClock;
use mailtui::id::{DeviceId, EventId, StoreId};
use mailtui::store::{Args, Db, Event, Kind, Log, NewEvent};
use mailtui::sync::{Frame, StorePush};
use mailtui::thread::ThreadState;
use serde_json::{Value, json};

use crate::measure::{Times, median, millis, once, ratio, timed};
use crate::program;
use crate::stage::Stage;

/// Thread stores that are replayed, and how often.
const REPLAYED: i64 = 10_000;
const REPLAYS: usize = 5;
/// Events that share one sync to disk.
const GROUPS: [usize; 4] = [1, 8, 64, 512];
/// Groups of each size.
const COMMITS: usize = 200;
/// Groups before the disk has settled.
const WARM: usize = 20;
/// Bytes that a write-ahead log has at most, and what one commit may put behind them.
const LOG_BYTES: usize = 32 * 1_024 * 1_024;
/// Pages of a database that stands beside ours.
const PAGES: usize = 4_000;
/// Bytes of a write-ahead log before its pages, and of each page in it (SQLite file format, 4.1).
const LOG_HEADER: u64 = 32;
const LOG_FRAME: u64 = 24 + 4_096;

/// Events a second of Thread logs that become tables: from memory, and from the file.
pub(crate) fn replay(stage: &mut Stage) -> Vec<Value> {
    let path = stage.seeded(stage.sizes[0]).join("backend/threads.db");
    let db = Db::read(&path, Kind::Threads, FORMAT).expect("a file of ours").expect("a backend");
    // By key and in one moment of the file, as threads are projected again.
    let stores = Log::stores_by_key(&db, &(1..=REPLAYED).collect()).expect("logs");
    let held = db.still().expect("a file of ours");
    let read = || -> Vec<Vec<Event>> {
        stores.iter().map(|store| Log::all(&db, store).expect("a log")).collect()
    };
    let logs = read();
    let events: usize = logs.iter().map(Vec::len).sum();
    let rate = |took: Duration| (events as f64 / took.as_secs_f64()).round();
    let fold = |events: &[Event]| {
        let mut state = ThreadState::default();
        state.apply(events);
        black_box(state.position);
    };
    let (mut folded, mut loaded, mut only_read) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REPLAYS {
        folded.push(rate(timed(|| logs.iter().for_each(|log| fold(log))).1));
        only_read.push(rate(timed(|| black_box(read().len())).1));
        let load = |store: &StoreId| fold(&Log::all(&db, store).expect("a log"));
        loaded.push(rate(timed(|| stores.iter().for_each(load)).1));
    }
    drop(held);
    let of = json!({"stores": stores.len(), "events": events});
    let read =
        json!({"stores": stores.len(), "events": events, "readOnly": median(&mut only_read)});
    vec![
        once("replay", median(&mut folded), "events/s", "higher", of),
        once("replay-load", median(&mut loaded), "events/s", "higher", read),
    ]
}

/// Events a second that a backend takes in durably, in groups of several sizes. Beside each group,
/// in turn: the bytes that its commit put into the write-ahead log, in one write at the same place
/// of a file that has bytes there already, with one `fdatasync`; the same at the end of a file that
/// grows; the same of no more than the events themselves; and a commit of as many changed pages by
/// SQLite alone.
pub(crate) fn appends(stage: &mut Stage) -> Vec<Value> {
    let seeded = stage.seeded(stage.sizes[0]).join("backend");
    let copy = tempfile::tempdir_in(stage.folder()).expect("room on the disk");
    program::copy_files(&seeded, copy.path());
    let stores = stores(copy.path());
    let options = Options { dir: copy.path().to_owned(), thread_clients: 1 };
    let mut backend = Backend::open(&options, &SystemClock).expect("a backend");
    backend.connect(1, DeviceId::try_from("bench").expect("an id"));
    let mut number = 0;
    let mut lines = Vec::new();
    // Kept open: to close what SQLite has locked would give its locks up.
    let index = std::fs::File::open(copy.path().join("threads.db-shm")).expect("an index");
    // One has its bytes already, one has none.
    let like_log = std::fs::File::create(copy.path().join("like-log")).expect("a file");
    write(&like_log, &vec![7; LOG_BYTES], 0);
    let grows = std::fs::File::create(copy.path().join("grows")).expect("a file");
    let mut pages = pages(copy.path());
    for group in GROUPS {
        let mut took = Took::default();
        let alone = std::fs::File::create(copy.path().join("alone")).expect("a file");
        let mut end = 0;
        for at in 0..COMMITS + WARM {
            number += 1;
            if at == WARM {
                took = Took::default();
            }
            let push = push(&backend, &stores, number, group);
            let events = vec![7; events_bytes(&push)];
            let before = frames(&index);
            let begun = Instant::now();
            backend.handle(1, push, 0).expect("room on the disk");
            took.before_commit.push(begun.elapsed());
            backend.commit().expect("room on the disk");
            took.ours.push(begun.elapsed());
            assert!(backend.frames().iter().any(|(_, frame)| matches!(frame, Frame::Ack { .. })));
            let after = frames(&index);
            // The log begins anew now and then.
            let first = if after > before { before } else { 0 };
            if first == 0 {
                grows.set_len(0).expect("a file");
            }
            let block = vec![7; usize::try_from((after - first) * LOG_FRAME).expect("small")];
            let place = LOG_HEADER + first * LOG_FRAME;
            took.in_place.push(write(&like_log, &block, place));
            took.growing.push(write(&grows, &block, place));
            took.events.push(write(&alone, &events, end));
            end += events.len() as u64;
            took.sqlite.push(commit_pages(&mut pages, number, after - first));
            took.bytes.push(block.len() as f64);
            took.event_bytes.push(events.len() as f64);
        }
        lines.push(took.line(group));
    }
    drop(backend);
    lines
}

/// How long each group took, and what stands beside it.
#[derive(Default)]
struct Took {
    ours: Vec<Duration>,
    before_commit: Vec<Duration>,
    /// A write where a file has bytes, a write at its end, one of the events alone.
    in_place: Vec<Duration>,
    growing: Vec<Duration>,
    events: Vec<Duration>,
    sqlite: Vec<Duration>,
    bytes: Vec<f64>,
    event_bytes: Vec<f64>,
}

impl Took {
    fn line(mut self, group: usize) -> Value {
        // With the copies of the log into its file, which every so many commits pay for.
        let whole = |times: &[Duration]| times.iter().sum::<Duration>().as_secs_f64();
        let all = ratio(whole(&self.in_place), whole(&self.ours));
        let p50 = |times: Vec<Duration>| millis(Times::from(times).at(50));
        let ours = Times::from(self.ours).at(50);
        let of = |floor: f64| ratio(floor, millis(ours));
        let (in_place, growing) = (p50(self.in_place), p50(self.growing));
        let (sqlite, events) = (p50(self.sqlite), p50(self.events));
        let against = json!({
            "group": group, "groupMs": millis(ours),
            "beforeCommitMs": p50(self.before_commit), "logBytes": median(&mut self.bytes),
            "fdatasyncMs": in_place, "ofFdatasync": of(in_place), "ofFdatasyncAll": all,
            "growMs": growing, "ofGrow": of(growing),
            "sqliteCommitMs": sqlite, "ofSqlite": of(sqlite),
            "eventBytes": median(&mut self.event_bytes), "eventsMs": events,
            "ofEvents": of(events),
        });
        let rate = (group as f64 / ours.as_secs_f64()).round();
        once("appends", rate, "events/s", "higher", against)
    }
}

/// The stores of a backend.
fn stores(dir: &Path) -> Vec<StoreId> {
    let db = Db::read(&dir.join("threads.db"), Kind::Threads, FORMAT);
    let db = db.expect("a file of ours").expect("a backend");
    Log::stores(&db).expect("logs").into_iter().map(|(store, _)| store).collect()
}

/// How many pages are in the write-ahead log, by its index (SQLite's WAL-index format: `mxFrame`).
fn frames(index: &std::fs::File) -> u64 {
    let mut most = [0; 4];
    index.read_exact_at(&mut most, 16).expect("an index");
    u64::from(u32::from_ne_bytes(most))
}

/// A database of ours in which each row fills a page.
fn pages(dir: &Path) -> Db {
    let sql = "CREATE TABLE pages(key INTEGER PRIMARY KEY, n INTEGER, fill BLOB)";
    let mut db = Db::open(&dir.join("pages.db"), Kind::Sources, 1, sql).expect("room on the disk");
    db.begin().expect("room on the disk");
    let rows = format!(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT {PAGES})
         INSERT INTO pages SELECT n, 0, zeroblob(3500) FROM numbers"
    );
    db.sql().execute_batch(&rows).expect("room on the disk");
    db.commit().expect("room on the disk");
    db
}

/// How long SQLite takes to commit so many changed pages of it.
fn commit_pages(db: &mut Db, number: usize, count: u64) -> Duration {
    let count = usize::try_from(count).expect("small");
    let first = number * 97 % PAGES.saturating_sub(count).max(1);
    let change =
        format!("UPDATE pages SET n = n + 1 WHERE key > {first} AND key <= {first} + {count}");
    db.begin().expect("room on the disk");
    db.sql().execute_batch(&change).expect("room on the disk");
    timed(|| db.commit().expect("room on the disk")).1
}

/// How long it takes to have a block at this place of a file, and on the disk.
fn write(file: &std::fs::File, block: &[u8], at: u64) -> Duration {
    let write = || file.write_all_at(block, at).and_then(|()| file.sync_data()).expect("room");
    timed(write).1
}

/// Bytes of the events of a push, as they came.
fn events_bytes(push: &Frame) -> usize {
    let Frame::Push { stores } = push else { return 0 };
    let size = |event| serde_json::to_vec(event).map_or(0, |text| text.len());
    stores.iter().flat_map(|push| &push.events).map(size).sum()
}

/// A push of one event to each of so many stores.
fn push(backend: &Backend, stores: &[StoreId], number: usize, group: usize) -> Frame {
    let event = |at: usize| NewEvent {
        id: EventId::try_from(format!("bench-{number}-{at}")).expect("an id"),
        name: "v1.ThreadStarred".to_owned(),
        args: Args::of(&json!({"starred": number.is_multiple_of(2)})),
        device: DeviceId::try_from("bench").expect("an id"),
        action: None,
        epoch: backend.epoch().clone(),
    };
    let first = number * group;
    let stores = (first..first + group).map(|at| {
        let store = stores[at % stores.len()].clone();
        StorePush { store, expect: None, again: false, events: vec![event(at)] }
    });
    Frame::Push { stores: stores.collect() }
}
