//! `tests/run seed-events N DIR [--seed S]`: a data directory with N generated conversations, put
//! in as whole logs, projected, and taken in by the device; no file of mail is read.
//!
//! Invariant: equal N and seed give equal logs. Every row is made by the program's own code: the
//! backend appends and materialises, the device takes pages in as from a connection.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::{Duration, Instant};

use mailtui::backend::{Backend, Options, Packer, Whole, mailbox_head};
use mailtui::clock::Clock;
use mailtui::engine::{Device, Owner};
use mailtui::id::StoreId;
use mailtui::store::{Db, Kind, Log};
use mailtui::sync::Frame;

use super::conversations::{LABELS, conversation};
use super::random::Random;

/// Conversations put in as one transaction.
const TOGETHER: u64 = 2_000;
/// Mailbox events that the device takes in as one transaction.
const PAGE: usize = 2_000;
/// Transactions that are ready and wait for the disk, for each thread that makes them.
const AHEAD: usize = 2;

/// What was made.
#[derive(Debug)]
pub(crate) struct Seeded {
    /// Conversations.
    pub(crate) threads: u64,
    /// Their messages.
    pub(crate) messages: u64,
    /// Bytes of raw mail.
    pub(crate) bytes: u64,
    /// How long it took.
    pub(crate) took: Duration,
}

/// A clock that stands still, and random bytes from a seed.
pub(crate) struct Still(pub(crate) u64);

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        // 2026-01-01T00:00:00Z, the end of what is generated.
        1_767_225_600_000
    }

    fn random(&self, bytes: &mut [u8]) {
        let mut random = Random(self.0);
        for byte in bytes {
            *byte = u8::try_from(random.below(256)).expect("a byte");
        }
    }
}

/// Conversations that are put in together, with how many messages and bytes they hold.
struct Chunk {
    threads: Vec<Whole>,
    messages: u64,
    bytes: u64,
}

/// Makes the directory; it must not hold anything yet.
pub(crate) fn seed(dir: &Path, threads: u64, seed: u64) -> Seeded {
    seed_behind(dir, threads, seed, threads)
}

/// Makes one whose device has taken in the first `held` conversations only.
pub(crate) fn seed_behind(dir: &Path, threads: u64, seed: u64, held: u64) -> Seeded {
    let begun = Instant::now();
    let _owner = Owner::take(dir).expect("a directory of our own");
    let backend_dir = dir.join("backend");
    assert!(!backend_dir.exists(), "{} holds mail already", dir.display());
    let options = Options { dir: backend_dir.clone(), thread_clients: 1 };
    let mut backend = Backend::open(&options, &Still(seed)).expect("a backend");
    let names: Vec<String> = LABELS.iter().map(|&name| name.to_owned()).collect();
    let packer = backend.packer(&names, Still(seed).now()).expect("labels");
    let mut device = Device::open(dir, false, Box::new(Still(seed ^ 1))).expect("a device");
    device.receive(backend.welcome()).expect("a welcome");
    device.db().expect_bulk().expect("a file of ours");
    let mut done = Seeded { threads, messages: 0, bytes: 0, took: Duration::ZERO };
    std::thread::scope(|scope| {
        let chunks = threads.div_ceil(TOGETHER);
        let makers: Vec<Receiver<Chunk>> = (0..makers())
            .map(|maker| {
                let (send, receive) = mpsc::sync_channel(AHEAD);
                let packer = &packer;
                scope.spawn(move || make(packer, maker, (threads, seed), &send));
                receive
            })
            .collect();
        let (heads, heard) = mpsc::channel();
        let beside = &backend_dir;
        let device = scope.spawn(move || follow(device, beside, &heard));
        for number in 0..chunks {
            let maker = usize::try_from(number).expect("small") % makers.len();
            let chunk = makers[maker].recv().expect("a maker");
            backend.put_whole(&chunk.threads).expect("room on the disk");
            done.messages += chunk.messages;
            done.bytes += chunk.bytes;
            if number * TOGETHER < held {
                let head = mailbox_head(&backend_dir).expect("a file of ours").unwrap_or_default();
                heads.send(head).expect("the device listens");
            }
        }
        drop(heads);
        device.join().expect("the device");
    });
    assert!(!backend.step().expect("a backend"), "nothing waits");
    done.took = begun.elapsed();
    done
}

/// Threads that make conversations; two more write them.
fn makers() -> u64 {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (cpus as u64).saturating_sub(2).max(1)
}

/// Makes every chunk whose turn it is.
fn make(packer: &Packer, maker: u64, (count, seed): (u64, u64), ready: &SyncSender<Chunk>) {
    let chunks = count.div_ceil(TOGETHER);
    for chunk in (0..chunks).filter(|chunk| chunk % makers() == maker) {
        let mut made = Chunk { threads: Vec::new(), messages: 0, bytes: 0 };
        for number in chunk * TOGETHER..count.min((chunk + 1) * TOGETHER) {
            let messages = conversation(seed, number, count);
            made.messages += messages.len() as u64;
            made.bytes += messages.iter().map(|message| message.raw.len() as u64).sum::<u64>();
            made.threads.push(packer.pack(messages).expect("mail of our own is taken in"));
        }
        if ready.send(made).is_err() {
            return;
        }
    }
}

/// The device takes in what the backend has, as pages of a connection.
fn follow(mut device: Device, backend: &Path, heads: &Receiver<u64>) {
    let path = backend.join("mailbox.db");
    let log = Db::read(&path, Kind::Mailbox, mailtui::mailbox::VERSION).expect("a file of ours");
    let (log, store) = (log.expect("a backend"), StoreId::mailbox());
    let mut at = 0;
    while let Ok(head) = heads.recv() {
        while at < head {
            let (events, more) = Log::range(&log, &store, at, PAGE, usize::MAX).expect("a log");
            at = events.last().expect("it has not ended").position;
            let chain = Log::chain_at(&log, &store, at).expect("a log").expect("a position");
            let page = Frame::Page { store: store.clone(), events, more, head: at, chain };
            device.receive(page).expect("it fits");
            assert_eq!(device.head().expect("a log"), at, "the page was taken in");
        }
    }
    device.commit().expect("room on the disk");
}
