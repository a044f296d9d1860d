//! A generated mailbox is a mailbox like any other: sound, the same each time, and what an import
//! of the same messages would have made.
//!
//! Invariant: the generator is the one behind `tests/run seed-events`.

#[path = "../../benches/bench/conversations.rs"]
mod conversations;
#[path = "../../benches/bench/random.rs"]
mod random;
#[path = "../../benches/bench/seed.rs"]
pub(crate) mod seed;

use std::path::Path;

use mailtui::backend::{Backend, Options, prepare};
use mailtui::clock::Clock as _;
use mailtui::id::ThreadId;
use mailtui::mailbox;
use mailtui::store::{Db, Kind};

use crate::support::binary::{Home, count, text};
use crate::support::pty::Pty;

const SEED: u64 = 7;

/// What a backend's Mailbox store holds: its rows, and a hash of each other table. In which order
/// the rows came is the pipeline's business.
fn tables(backend: &Path, threads: &[ThreadId]) -> String {
    let path = backend.join("mailbox.db");
    let db = Db::read(&path, Kind::Mailbox, mailbox::VERSION).unwrap().unwrap();
    let rows = threads.iter().map(|thread| mailbox::raw_row(&db, thread).unwrap().unwrap());
    let rows: Vec<_> = rows.collect();
    let mut tables = mailbox::dump(&db).unwrap();
    tables.retain(|(name, _)| !["threadIndex", "threadEvents"].contains(name));
    let tables: Vec<String> = tables.iter().map(|(name, hash)| format!("{name} {hash}")).collect();
    format!("{rows:#?}\n{tables:#?}")
}

#[test]
fn it_is_what_ingest_and_the_pipeline_make_of_the_same_messages() {
    const THREADS: u64 = 150;
    let home = Home::new();
    seed::seed(&home.data(), THREADS, SEED);
    let clock = seed::Still(SEED);
    let options = Options { dir: home.path("ingested"), thread_clients: 1 };
    let mut backend = Backend::open(&options, &clock).unwrap();
    backend.packer(&conversations::LABELS.map(str::to_owned), clock.now()).unwrap();
    let all = (0..THREADS).flat_map(|n| conversations::conversation(SEED, n, THREADS));
    let prepared = all.map(|message| prepare(message, clock.now())).collect();
    backend.ingest(prepared, clock.now()).unwrap();
    backend.commit().unwrap();
    backend.drain().unwrap();
    let list = home.list("anywhere");
    let threads: Vec<ThreadId> =
        list.iter().map(|row| ThreadId::try_from(text(row, "thread")).unwrap()).collect();
    assert_eq!(threads.len() as u64, THREADS);
    let (put, taken) = (home.data().join("backend"), options.dir);
    let (put, taken) = (tables(&put, &threads), tables(&taken, &threads));
    let differs = put.lines().zip(taken.lines()).find(|(put, taken)| put != taken);
    assert_eq!(differs, None, "put in whole, and ingested");
    assert_eq!(put.len(), taken.len());
}

#[test]
fn a_generated_mailbox_works_and_is_the_same_each_time() {
    const THREADS: u64 = 300;
    let (home, again) = (Home::new(), Home::new());
    let made = seed::seed(&home.data(), THREADS, SEED);
    seed::seed(&again.data(), THREADS, SEED);
    home.assert_healthy("seed-events");
    let anywhere = home.list("anywhere");
    assert_eq!((made.threads, anywhere.len() as u64), (THREADS, THREADS));
    assert!(made.bytes > 100 * made.messages && !made.took.is_zero());
    assert_eq!(anywhere.iter().map(|row| count(row, "messageCount")).sum::<u64>(), made.messages);
    assert_eq!(anywhere, again.list("anywhere"));
    let thread = text(&home.list("inbox")[0], "thread");
    assert_eq!(home.show(&thread), again.show(&thread));
    home.run(&["archive", &thread]).ok();
    assert_eq!(home.list("archive")[0]["thread"], thread);
    home.run(&["undo"]).ok();
    let mut pty = Pty::start(&home, (100, 24), &[]);
    let subject = text(&home.list("inbox")[0], "subject");
    pty.wait_text(subject.split_at(12).0);
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
    assert_eq!(home.list("anywhere"), anywhere, "undone, and looked at");
    home.assert_healthy("use of a generated mailbox");
}
