//! Two devices of one served backend, over TCP on loopback: when one sees what the other did, and
//! whether one far away is heard while much mail comes in.
//!
//! Invariant: the listener, the links and the engines are the program's own; only the distance is
//! made here, by a proxy that holds back every byte for half a round trip.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use mailtui::backend::{Host, HostHandle, Prepared, listener, prepare, token};
use mailtui::command::intent::{Change, Intent};
use mailtui::engine::handle::Update;
use mailtui::engine::link::Endpoint;
use mailtui::label::user_label;
use mailtui::limits::INGEST_MESSAGES;
use serde_json::{Value, json};

use crate::conversations::conversation;
use crate::inside::{Engine, host};
use crate::measure::{Times, millis, ratio};
use crate::program;
use crate::stage::{SEED, Stage};

/// Changes that one device makes and the other shows.
const CHANGES: usize = 100;
/// The pause between two.
const BETWEEN: Duration = Duration::from_millis(30);
/// A round trip to the device far away.
const ROUND_TRIP: Duration = Duration::from_millis(40);
/// Messages a second that come in meanwhile, and for how long.
const MESSAGES_A_SECOND: usize = 2_000;
const SECONDS: usize = 8;
/// The pause between two names.
const BETWEEN_NAMES: Duration = Duration::from_millis(150);

/// A backend that listens on loopback.
struct Served {
    host: Host,
    address: SocketAddr,
    token: String,
    _runtime: tokio::runtime::Runtime,
    _dir: tempfile::TempDir,
}

impl Served {
    fn start(stage: &Stage) -> Self {
        let seeded = stage.seeded(stage.sizes[0]).join("backend");
        let dir = tempfile::tempdir_in(stage.folder()).expect("room on the disk");
        std::fs::create_dir(dir.path().join("backend")).expect("room on the disk");
        program::copy_files(&seeded, &dir.path().join("backend"));
        let host = host(dir.path());
        let secret = token(dir.path()).expect("a token");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let socket = runtime.block_on(listener::bind("127.0.0.1:0")).expect("a port");
        let address = socket.local_addr().expect("an address");
        runtime.spawn(listener::run(socket, host.handle(), secret, std::future::pending()));
        let token = std::fs::read_to_string(dir.path().join("token")).expect("a token");
        Self { host, address, token: token.trim().to_owned(), _runtime: runtime, _dir: dir }
    }

    /// A new device that has all rows.
    fn device(&self, dir: &Path, address: SocketAddr) -> Engine {
        let (url, token) = (format!("ws://{address}"), self.token.clone());
        let engine = Engine::on(dir, None, Some(Endpoint::Url { url, token }));
        engine.caught_up();
        engine
    }
}

/// From an intent on one device until another has its rows.
pub(crate) fn commit_to_rows(stage: &mut Stage) -> Vec<Value> {
    let served = Served::start(stage);
    let dirs = [0, 1].map(|_| tempfile::tempdir_in(stage.folder()).expect("room on the disk"));
    let [mut here, mut there] =
        dirs.each_ref().map(|dir| served.device(dir.path(), served.address));
    let times = Times::of(CHANGES, || {
        std::thread::sleep(BETWEEN);
        let star = !there.rows_hearing(1, &mut |_| {})[0].starred;
        let row = here.rows_hearing(1, &mut |_| {});
        let changes = vec![Change::Star(star)];
        let begun = Instant::now();
        here.changed(Intent::Change { changes, targets: row[0].members.clone() }, &mut |_| {});
        loop {
            let mut changed = false;
            let hear = &mut |update: &Update| changed |= matches!(update, Update::Changed);
            if there.rows_hearing(1, hear)[0].starred == star {
                break;
            }
            if !changed {
                there.until(|update| matches!(update, Update::Changed));
            }
        }
        begun.elapsed()
    });
    let against = json!({"conversations": stage.sizes[0], "transport": "TCP on loopback"});
    vec![times.line("commit-to-rows", 50, against)]
}

/// A device far away names a label while much mail comes in: until the backend has confirmed it.
pub(crate) fn fair(stage: &mut Stage) -> Vec<Value> {
    let served = Served::start(stage);
    let dir = tempfile::tempdir_in(stage.folder()).expect("room on the disk");
    let address = far(served.address, ROUND_TRIP / 2);
    let engine = served.device(dir.path(), address);
    let (name, label) = ("Bench 0".to_owned(), user_label("Bench 0"));
    engine.ask_intent(Intent::NewLabel { name, color: None, targets: Vec::new() });
    engine.pending_then_confirmed();
    let mut number = 0;
    let mut rename = || {
        std::thread::sleep(BETWEEN_NAMES);
        number += 1;
        let begun = Instant::now();
        engine.ask_intent(Intent::RenameLabel(label.clone(), format!("Bench {number}")));
        engine.pending_then_confirmed();
        begun.elapsed()
    };
    let idle = Times::of(20, &mut rename);
    let batches = prepared(MESSAGES_A_SECOND * SECONDS);
    let (mut times, mut imported) = (Vec::new(), 0.0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (handle, done) = (served.host.handle(), &done);
        let import = scope.spawn(move || {
            let rate = import(&handle, batches);
            done.store(true, Ordering::SeqCst);
            rate
        });
        while !done.load(Ordering::SeqCst) {
            times.push(rename());
        }
        imported = import.join().expect("an import");
    });
    let times = Times::from(times);
    let trips = ratio(millis(times.at(100)), millis(ROUND_TRIP));
    let against = json!({
        "roundTripMs": millis(ROUND_TRIP), "roundTrips": trips, "idleMs": millis(idle.at(50)),
        "importedMessagesASecond": imported.round(),
    });
    vec![times.line("confirmed-during-import", 100, against)]
}

/// Messages of conversations that the backend does not have, ready to be taken in.
fn prepared(count: usize) -> Vec<Vec<Prepared>> {
    let mut mail = (0..).flat_map(|number| conversation(SEED + 1, number, 100_000));
    let mut batches = Vec::new();
    for _ in 0..count / INGEST_MESSAGES {
        let batch = mail.by_ref().take(INGEST_MESSAGES);
        batches.push(batch.map(|message| prepare(message, 1_767_225_600)).collect());
    }
    batches
}

/// Hands mail over at the wanted rate; the rate at which the backend took it.
fn import(host: &HostHandle, batches: Vec<Vec<Prepared>>) -> f64 {
    let every = Duration::from_secs(1) * INGEST_MESSAGES as u32 / MESSAGES_A_SECOND as u32;
    let (begun, count) = (Instant::now(), batches.len());
    for (number, batch) in (0..).zip(batches) {
        let due = begun + every * number;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let answer = host.ingest(batch).expect("a backend");
        answer.recv().expect("an answer").expect("room on the disk");
    }
    (count * INGEST_MESSAGES) as f64 / begun.elapsed().as_secs_f64()
}

/// The address of a proxy to `to` through which every byte takes so long.
fn far(to: SocketAddr, delay: Duration) -> SocketAddr {
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = proxy.local_addr().expect("an address");
    std::thread::spawn(move || {
        while let Ok((near, _)) = proxy.accept() {
            let Ok(distant) = TcpStream::connect(to) else { continue };
            for (from, to) in [(&near, &distant), (&distant, &near)] {
                from.set_nodelay(true).expect("a socket");
                let (from, to) = (from.try_clone(), to.try_clone());
                carry(from.expect("a socket"), to.expect("a socket"), delay);
            }
        }
    });
    address
}

fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (send, under_way) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut buffer = [0; 64 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if send.send((Instant::now() + delay, buffer[..read].to_vec())).is_err() {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        while let Ok((due, bytes)) = under_way.recv() {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
