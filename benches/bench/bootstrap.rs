//! `bootstrap`: a device with nothing takes the whole index in over a loopback socket, as a
//! snapshot; the backend is a process of its own, the engine is asked as the interface asks it.
//!
//! Invariant: the snapshot is there before the clock starts; what is measured is a device's wait.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use mailtui::backend::{Backend, Options};
use mailtui::clock::SystemClock;
use mailtui::engine::Device;
use mailtui::engine::handle::{Request, Update};
use mailtui::engine::link::Endpoint;
use mailtui::engine::view::{Link, Window};
use mailtui::label::system;
use serde_json::{Value, json};

use crate::measure::{Times, median, millis, once, ratio, timed};
use crate::program;
use crate::stage::Stage;

/// Rows that are on a screen.
const ROWS: usize = 50;
/// How long all of it may take.
const DEADLINE: Duration = Duration::from_mins(5);
/// How often a page is asked for meanwhile, as a key would.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// How often a device takes each mailbox in.
const RUNS: usize = 5;
/// The other size, a tenth of the large one.
const PART: u64 = 10;

/// A `serve` that ends with this value.
struct Serve(Child, String, String);

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(data: &Path) -> Serve {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
    let address = format!("127.0.0.1:{}", port.expect("a port").port());
    let child = program::command(data, &["serve", "--listen", &address]).spawn().expect("starts");
    let begun = Instant::now();
    while TcpStream::connect(&address).is_err() {
        assert!(begun.elapsed() < DEADLINE, "serve does not listen");
        std::thread::sleep(ASK_EVERY);
    }
    let token = std::fs::read_to_string(data.join("token")).expect("a token");
    Serve(child, format!("ws://{address}"), token.trim().to_owned())
}

/// When the first rows were there, all of them, and how long answers took meanwhile.
struct Taken {
    first: Duration,
    all: Duration,
    answers: Vec<Duration>,
}

fn take_in(dir: &Path, serve: &Serve) -> Taken {
    let device = Device::open(dir, true, Box::new(SystemClock)).expect("a device");
    let endpoint = Endpoint::Url { url: serve.1.clone(), token: serve.2.clone() };
    let begun = Instant::now();
    let (handle, _side) = mailtui::engine::start(device, Some(endpoint), None).expect("an engine");
    let (mut first, mut syncing, mut answers) = (None, false, Vec::new());
    let (mut ticket, mut asked) = (0, begun);
    let (mut open, mut changed) = (false, false);
    loop {
        assert!(begun.elapsed() < DEADLINE, "it does not end");
        // As the interface does: again when rows have changed; and, as keys would, now and then.
        if !open && (changed || asked.elapsed() >= ASK_EVERY) {
            (ticket, asked, open, changed) = (ticket + 1, Instant::now(), true, false);
            let label = system("all");
            let list = Request::List { ticket, label, window: Window::First, limit: ROWS };
            handle.requests.send(list).expect("the engine runs");
        }
        match handle.updates.recv_timeout(ASK_EVERY) {
            Ok(Update::Page { ticket: of, page }) if of == ticket => {
                open = false;
                answers.push(asked.elapsed());
                if page.rows.len() == ROWS {
                    first.get_or_insert_with(|| begun.elapsed());
                }
            }
            Ok(Update::Status(status)) => match status.link {
                Link::Syncing { .. } => syncing = true,
                Link::Online { behind: 0 } if syncing => break,
                _ => {}
            },
            Ok(Update::Notice(notice)) => panic!("{}", notice.message),
            Ok(Update::Changed) => changed = first.is_none(),
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("the engine has ended"),
        }
    }
    let all = begun.elapsed();
    let _ = handle.requests.send(Request::Quit);
    while !matches!(handle.updates.recv_timeout(DEADLINE), Ok(Update::Ended) | Err(_)) {}
    Taken { first: first.expect("rows came"), all, answers }
}

/// First rows, and the whole index, of the largest mailbox beside one of a tenth.
pub(crate) fn bootstrap(stage: &mut Stage) -> Vec<Value> {
    let (large, mut lines) = (stage.largest(), Vec::new());
    let mut serves = Vec::new();
    for threads in [large.div_ceil(PART), large] {
        let data = stage.seeded(threads);
        let options = Options { dir: data.join("backend"), thread_clients: 1 };
        let mut backend = Backend::open(&options, &SystemClock).expect("a backend");
        let (_, made) = timed(|| {
            let there = backend.snapshot_position().is_some();
            there || backend.make_snapshot().expect("room on the disk")
        });
        drop(backend);
        let home = tempfile::tempdir_in(stage.folder()).expect("room on the disk");
        let link = home.path().join("backend");
        std::os::unix::fs::symlink(options.dir, link).expect("a link");
        serves.push((threads, serve(home.path()), home, made));
    }
    let mut taken = [Vec::new(), Vec::new()];
    // In turn, so that what else the machine does falls on both.
    for _ in 0..RUNS {
        for (at, (_, serve, ..)) in serves.iter().enumerate() {
            let fresh = tempfile::tempdir_in(stage.folder()).expect("room on the disk");
            taken[at].push(take_in(fresh.path(), serve));
        }
    }
    let mut firsts = Vec::new();
    for ((threads, _, _, made), runs) in serves.iter().zip(taken) {
        let mut all: Vec<f64> = runs.iter().map(|run| run.all.as_secs_f64()).collect();
        let against = json!({ "threads": threads, "snapshotSeconds": made.as_secs_f64() });
        lines.push(once("bootstrap", median(&mut all), "s", "lower", against));
        let first: Vec<Duration> = runs.iter().map(|run| run.first).collect();
        let first = Times::from(first);
        firsts.push(millis(first.at(50)));
        lines.push(first.line("bootstrap-first", 50, json!({ "threads": threads, "rows": ROWS })));
        let answers: Vec<Duration> = runs.into_iter().flat_map(|run| run.answers).collect();
        let answers = Times::from(answers);
        lines.push(answers.line("bootstrap-answer", 99, json!({ "threads": threads })));
    }
    let part = ratio(firsts[1], firsts[0]);
    let against = json!({ "of": large, "and": large.div_ceil(PART) });
    lines.push(once("bootstrap-first-ratio", part, "ratio", "lower", against));
    lines
}
