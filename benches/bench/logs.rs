//! The logs themselves: how fast they are read and replayed, and how fast they take events in that
//! must be on the disk.
//!
//! Invariant: what is durable stands beside writes of the same sizes with one `fdatasync` each, in
//! turn, so that what else the disk does falls on both.

use std::hint::black_box;
use std::io::Write;
use std::os::unix::fs::MetadataExt as _;
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

/// Events a second that a backend takes in durably, in groups of several sizes, beside writes of
/// as many bytes as its write-ahead log grows by, with one `fdatasync` each.
pub(crate) fn appends(stage: &mut Stage) -> Vec<Value> {
    let seeded = stage.seeded(stage.sizes[0]).join("backend");
    let copy = tempfile::tempdir_in(stage.folder()).expect("room on the disk");
    program::copy_files(&seeded, copy.path());
    let db = Db::read(&copy.path().join("threads.db"), Kind::Threads, FORMAT);
    let db = db.expect("a file of ours").expect("a backend");
    let stores = Log::stores(&db).expect("logs");
    let stores: Vec<StoreId> = stores.into_iter().map(|(store, _)| store).collect();
    drop(db);
    let options = Options { dir: copy.path().to_owned(), thread_clients: 1 };
    let mut backend = Backend::open(&options, &SystemClock).expect("a backend");
    backend.connect(1, DeviceId::try_from("bench").expect("an id"));
    let mut number = 0;
    let mut lines = Vec::new();
    for group in GROUPS {
        let (mut ours, mut floor, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        let mut file = std::fs::File::create(copy.path().join("floor")).expect("a file");
        for at in 0..COMMITS + WARM {
            number += 1;
            let push = push(&backend, &stores, number, group);
            let before = wal(copy.path());
            let begun = Instant::now();
            backend.handle(1, push, 0).expect("room on the disk");
            backend.commit().expect("room on the disk");
            let took = begun.elapsed();
            assert!(backend.frames().iter().any(|(_, frame)| matches!(frame, Frame::Ack { .. })));
            let grown = wal(copy.path()).saturating_sub(before);
            // The log begins anew now and then; the write is then as long as the one before.
            bytes.push(if grown > 0 { grown } else { bytes.last().copied().unwrap_or(4_096) });
            let block = vec![7; usize::try_from(bytes[bytes.len() - 1]).expect("small")];
            let write = || file.write_all(&block).and_then(|()| file.sync_data()).expect("room");
            let ((), wrote) = timed(write);
            if at >= WARM {
                ours.push(took);
                floor.push(wrote);
            }
        }
        let (ours, floor) = (Times::from(ours), Times::from(floor));
        let reached = ratio(millis(floor.at(50)), millis(ours.at(50)));
        let against = json!({
            "group": group, "groupMs": millis(ours.at(50)), "fdatasyncMs": millis(floor.at(50)),
            "ofFdatasync": reached,
        });
        let rate = (group as f64 / ours.at(50).as_secs_f64()).round();
        lines.push(once("appends", rate, "events/s", "higher", against));
    }
    lines
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

/// How much of the disk the write-ahead log has.
fn wal(dir: &Path) -> u64 {
    std::fs::metadata(dir.join("threads.db-wal")).map_or(0, |file| file.size())
}
