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
/// of a file that has grown as that log has, with one `fdatasync`; the same of no more than the
/// events themselves; and a commit of as many changed pages by SQLite alone.
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
    let like_log = std::fs::File::create(copy.path().join("like-log")).expect("a file");
    let mut pages = pages(copy.path());
    for group in GROUPS {
        let (mut ours, mut floor, mut bare) = (Vec::new(), Vec::new(), Vec::new());
        let (mut bytes, mut bytes_bare) = (Vec::new(), Vec::new());
        let (mut before_commit, mut by_sqlite) = (Vec::new(), Vec::new());
        let alone = std::fs::File::create(copy.path().join("alone")).expect("a file");
        let mut end = 0;
        for at in 0..COMMITS + WARM {
            number += 1;
            let push = push(&backend, &stores, number, group);
            let events = vec![7; events_bytes(&push)];
            let before = frames(&index);
            let begun = Instant::now();
            backend.handle(1, push, 0).expect("room on the disk");
            let handled = begun.elapsed();
            backend.commit().expect("room on the disk");
            let took = begun.elapsed();
            assert!(backend.frames().iter().any(|(_, frame)| matches!(frame, Frame::Ack { .. })));
            let after = frames(&index);
            // The log begins anew now and then.
            let first = if after > before { before } else { 0 };
            let block = vec![7; usize::try_from((after - first) * LOG_FRAME).expect("small")];
            let wrote = write(&like_log, &block, LOG_HEADER + first * LOG_FRAME);
            let wrote_bare = write(&alone, &events, end);
            end += events.len() as u64;
            let committed = commit_pages(&mut pages, number, after - first);
            if at >= WARM {
                ours.push(took);
                before_commit.push(handled);
                by_sqlite.push(committed);
                floor.push(wrote);
                bare.push(wrote_bare);
                bytes.push(block.len() as f64);
                bytes_bare.push(events.len() as f64);
            }
        }
        // With the copies of the log into its file, which every so many commits pay for.
        let whole = |times: &[Duration]| times.iter().sum::<Duration>().as_secs_f64();
        let all = ratio(whole(&floor), whole(&ours));
        let (ours, floor, bare) = (Times::from(ours), Times::from(floor), Times::from(bare));
        let by_sqlite = Times::from(by_sqlite);
        let of = |floor: &Times| ratio(millis(floor.at(50)), millis(ours.at(50)));
        let against = json!({
            "group": group, "groupMs": millis(ours.at(50)),
            "beforeCommitMs": millis(Times::from(before_commit).at(50)),
            "logBytes": median(&mut bytes), "fdatasyncMs": millis(floor.at(50)),
            "ofFdatasync": of(&floor), "ofFdatasyncAll": all,
            "sqliteCommitMs": millis(by_sqlite.at(50)), "ofSqlite": of(&by_sqlite),
            "eventBytes": median(&mut bytes_bare), "eventsMs": millis(bare.at(50)),
            "ofEvents": of(&bare),
        });
        let rate = (group as f64 / ours.at(50).as_secs_f64()).round();
        lines.push(once("appends", rate, "events/s", "higher", against));
    }
    drop(backend);
    lines
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
