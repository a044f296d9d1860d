//! The backend driven by hand: frames in, frames out, one commit at a time.

use std::path::Path;

use super::*;
use crate::bridge::{Folder, Incoming, Outcome};
use crate::clock::Clock;
use crate::id::{DeviceId, Epoch, EventId, ThreadId};
use crate::mailbox;
use crate::store::{Action, Args, Log, NewEvent};
use crate::sync::{Frame, PurgeOrder, SeenThread, StorePush};
use crate::thread::{LabelChange, Starred, name};

struct Still;

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

pub(super) fn open(dir: &Path) -> Backend {
    Backend::open(&Options { dir: dir.to_owned(), thread_clients: 4 }, &Still).unwrap()
}

pub(super) fn mail(id: &str, labels: &[&str]) -> Prepared {
    let raw = format!("From: a@example.org\r\nMessage-ID: <{id}@example.org>\r\n\r\n{id}\r\n");
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    let folder = Folder { labels, ..Folder::default() };
    prepare(Incoming { raw: raw.into_bytes(), folder, flags: None, file_time: None }, 1)
}

pub(super) fn take_in(backend: &mut Backend, messages: Vec<Prepared>) -> Vec<ThreadId> {
    let outcomes = backend.ingest(messages, 1).unwrap();
    backend.commit().unwrap();
    let thread = |outcome| match outcome {
        Outcome::Imported { thread, .. } => thread,
        other => panic!("{other:?}"),
    };
    outcomes.into_iter().map(thread).collect()
}

pub(super) fn star(id: &str, text: &str) -> NewEvent {
    let action = Action { id: text_id(id), name: "star".to_owned(), at: 1, redoes: None };
    NewEvent {
        id: EventId::try_from(id).unwrap(),
        name: name::THREAD_STARRED.to_owned(),
        args: Args::from_text(text.to_owned()),
        device: DeviceId::try_from("device").unwrap(),
        action: Some(action),
        epoch: Epoch::try_from("e").unwrap(),
    }
}

pub(super) fn text_id<T: for<'a> TryFrom<&'a str>>(text: &str) -> T {
    T::try_from(text).unwrap_or_else(|_| panic!("{text} is an id"))
}

/// An event of a device about links, by its action.
fn of_links(id: &str, action: &str, name: &str, args: &str) -> NewEvent {
    let action = Action { id: text_id(action), name: "links".to_owned(), at: 1, redoes: None };
    NewEvent { name: name.to_owned(), action: Some(action), ..star(id, args) }
}

#[test]
fn an_undo_beside_another_change_of_links_reaches_both_threads() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    let threads = take_in(&mut backend, ["one", "two", "six"].map(|id| mail(id, &[])).to_vec());
    let [one, two, six] = threads.as_slice() else { panic!("{threads:?}") };
    let to = |other: &ThreadId| format!("{{\"thread\":\"{other}\"}}");
    for (action, other) in [("join-two", two), ("join-six", six)] {
        let linked = |id: &str, to: &str| {
            vec![of_links(&format!("{action}-{id}"), action, name::THREAD_LINKED, to)]
        };
        push(&mut backend, one, linked("a", &to(other)));
        push(&mut backend, other, linked("b", &to(one)));
    }
    let undo = "{\"action\":\"join-two\"}";
    let events = vec![
        of_links("split-six", "split", name::THREAD_UNLINKED, &to(six)),
        of_links("undo-two", "undo", name::ACTION_UNDONE, undo),
    ];
    push(&mut backend, one, events);
    assert!(!storage::Links::are_wrong(&backend.db).unwrap());
    assert_eq!(storage::Links::root(&backend.db, two).unwrap(), *two);
}

#[test]
fn an_answer_has_the_end_of_a_log_that_is_named_twice_or_gets_an_undo_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    let threads = take_in(&mut backend, vec![mail("one", &[]), mail("two", &[])]);
    let starred = |id: &str| of_links(id, "stars", name::THREAD_STARRED, "{\"starred\":true}");
    let undo = of_links("undo-stars", "undo", name::ACTION_UNDONE, "{\"action\":\"stars\"}");
    for (at, name) in ["first-one", "first-two"].into_iter().enumerate() {
        push(&mut backend, &threads[at], vec![starred(name)]);
    }
    let offered = [(0, undo), (0, star("then-one", "{}")), (1, star("then-two", "{}"))];
    let stores = offered.map(|(at, event)| {
        let store = StoreId::thread(&threads[at]);
        StorePush { store, expect: None, events: vec![event], again: false }
    });
    backend.push(1, stores.to_vec()).unwrap();
    backend.commit().unwrap();
    let frames = backend.frames();
    let Some((_, Frame::Ack { stores })) = frames.first() else { panic!("{frames:?}") };
    // A thread and its message, the first star, the star and the undo of this push.
    assert_eq!(stores.iter().map(|ack| ack.head).collect::<Vec<_>>(), [5, 5, 5]);
    for ack in stores {
        let end = Log::head(&backend.db, &ack.store).unwrap();
        assert_eq!((ack.head, ack.chain), (end.position, end.chain));
    }
}

#[test]
fn a_label_that_was_rolled_back_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    backend.ingest(vec![mail("one", &["Work"])], 1).unwrap();
    backend.roll_back();
    take_in(&mut backend, vec![mail("one", &["Work"])]);
    let labels = mailbox::labels(backend.mailbox.db()).unwrap();
    assert!(labels.iter().any(|(_, name)| name == "Work"), "{labels:?}");
}

pub(super) fn push(backend: &mut Backend, thread: &ThreadId, events: Vec<NewEvent>) -> Vec<Frame> {
    let store = StoreId::thread(thread);
    backend.push(1, vec![StorePush { store, expect: None, events, again: false }]).unwrap();
    backend.commit().unwrap();
    backend.frames().into_iter().map(|(_, frame)| frame).collect()
}

#[test]
fn an_event_that_could_not_be_read_back_is_refused_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    let threads = take_in(&mut backend, vec![mail("one", &[])]);
    let long = format!("{{\"starred\":true,\"x\":\"{}\"}}", "y".repeat(300 * 1024));
    let starred = Args::of(&Starred { starred: true });
    let events = vec![star("long-one", &long), star("short-one", starred.text())];
    let frames = push(&mut backend, &threads[0], events);
    let Frame::Ack { stores } = &frames[0] else { panic!("{frames:?}") };
    assert_eq!((stores[0].positions.len(), stores[0].refused.len()), (1, 1));
    assert_eq!(stores[0].refused[0].code, "too-large");
    backend.drain().unwrap();
    assert!(mailbox::raw_row(backend.mailbox.db(), &threads[0]).unwrap().unwrap().shown.starred);
}

#[test]
fn a_batch_that_failed_too_often_is_put_aside_alone_and_its_thread_is_not_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    let threads = take_in(&mut backend, vec![mail("one", &[]), mail("two", &[])]);
    let bad = "CREATE TEMP TRIGGER bad BEFORE INSERT ON threadIndex WHEN new.id = 'X'
               BEGIN SELECT raise(ABORT, 'no'); END";
    let bad = bad.replace('X', threads[0].as_str());
    backend.mailbox.db().sql().execute_batch(&bad).unwrap();
    let mut failures = 0;
    while backend.step().map_or(true, |worked| worked) && failures < 20 {
        failures += 1;
    }
    let row = |backend: &Backend, thread| mailbox::raw_row(backend.mailbox.db(), thread).unwrap();
    assert!(row(&backend, &threads[1]).is_some(), "the good one waits for the bad one");
    assert!(row(&backend, &threads[0]).is_none());
    backend.mailbox.db().sql().execute_batch("DROP TRIGGER bad").unwrap();
    backend.drain().unwrap();
    assert!(row(&backend, &threads[0]).is_some(), "it is never projected");
}

#[test]
fn a_page_does_not_split_a_batch() {
    // An older program, which does not know half of what is in the log, neither.
    for lacks in [&[][..], &[mailbox::name::SUMMARY_CHANGED]] {
        check_pages(lacks);
    }
}

fn check_pages(lacks: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    let mails: Vec<Prepared> = (0..301).map(|n| mail(&format!("m{n}"), &[])).collect();
    let threads = take_in(&mut backend, mails);
    backend.drain().unwrap();
    let starred = Args::of(&Starred { starred: true });
    for (n, thread) in threads.iter().enumerate() {
        push(&mut backend, thread, vec![star(&format!("star-{n}"), starred.text())]);
    }
    // Each is a row and a label: two events of the Mailbox store.
    backend.drain().unwrap();
    backend.connect(1, text_id("device"));
    backend.handle(1, Frame::Subscribe { store: StoreId::mailbox(), cursor: None }, 1).unwrap();
    backend.commit().unwrap();
    let (mut pages, mut last) = (0, 0);
    crate::store::without(lacks);
    while backend.pump().unwrap() {
        for (_, frame) in backend.frames() {
            let Frame::Page { events, .. } = frame else { continue };
            let end = events.last().unwrap();
            let source = mailbox::MailboxEvent::source_of(&end.event.args);
            assert!(source.is_none_or(|source| source.last), "split at {}", end.position);
            assert_eq!(events[0].position, last + 1);
            (pages, last) = (pages + 1, end.position);
            backend.written(1);
        }
    }
    crate::store::without(&[]);
    assert!(pages > 1 && last > 900, "{pages} pages, {last} events");
}

#[test]
fn who_waits_for_a_pipeline_that_fails_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { dir: dir.path().to_owned(), thread_clients: 4 };
    let host = Host::start(&options, Box::new(Still)).unwrap();
    let path = dir.path().join("mailbox.db");
    let other = Db::open(&path, crate::store::Kind::Mailbox, mailbox::VERSION, "").unwrap();
    let bad = "CREATE TRIGGER bad BEFORE INSERT ON threadIndex
               BEGIN SELECT raise(ABORT, 'no room'); END";
    other.sql().execute_batch(bad).unwrap();
    let outcomes = host.handle().ingest(vec![mail("one", &[])]).unwrap().recv().unwrap().unwrap();
    assert_eq!(outcomes.len(), 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let frames = runtime.block_on(async {
        let mut frames = host.handle().connect(1, text_id("device")).await.unwrap();
        host.handle().frame(1, Frame::Settle { seq: 1 }).await.unwrap();
        let mut heard = Vec::new();
        let most = std::time::Duration::from_secs(10);
        while let Ok(Some(frame)) = tokio::time::timeout(most, frames.recv()).await {
            heard.push(frame);
        }
        heard
    });
    let Some(Frame::Error { message, retry: true, .. }) = frames.last() else {
        panic!("{frames:?}")
    };
    assert!(message.contains("no room"), "{message}");
}

/// An order on one conversation of these threads, each seen up to a position.
fn order(backend: &Backend, threads: &[(&ThreadId, u64)]) -> PurgeOrder {
    let epoch = backend.epoch().clone();
    let seen = |(thread, position): &(&ThreadId, u64)| SeenThread {
        thread: (*thread).clone(),
        seen: crate::id::Seen { epoch: epoch.clone(), position: *position },
    };
    PurgeOrder { rows: vec![threads.iter().map(seen).collect()], ..PurgeOrder::default() }
}

/// Why a conversation is kept, or how many messages go.
fn asked(backend: &mut Backend, order: &PurgeOrder) -> Result<u64, String> {
    let row = backend.purge(order).unwrap().remove(0);
    row.kept.map_or(Ok(row.messages), |(code, _)| Err(code))
}

/// A move to trash, pressed on a row that showed a log up to its second event.
fn to_trash(backend: &Backend, id: &str) -> NewEvent {
    let epoch = backend.epoch().clone();
    let seen = Some(crate::id::Seen { epoch: epoch.clone(), position: 2 });
    let args = Args::of(&LabelChange { label: text_id("trash"), seen });
    NewEvent { name: name::LABEL_APPLIED.to_owned(), args, epoch, ..star(id, "{}") }
}

#[test]
fn a_conversation_goes_only_as_it_was_looked_at() {
    const DAY: i64 = 86_400;
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    let threads = take_in(&mut backend, vec![mail("one", &[]), mail("two", &[])]);
    let [one, two] = [&threads[0], &threads[1]];
    // Each log has the beginning and a message; the key is the third event.
    let dry = |order: PurgeOrder| PurgeOrder { dry: true, ..order };
    let all = dry(order(&backend, &[(one, 2)]));
    assert_eq!(asked(&mut backend, &all), Err("not-in-trash".to_owned()));
    let anywhere = PurgeOrder { anywhere: true, ..all.clone() };
    assert_eq!(asked(&mut backend, &anywhere), Ok(1));
    let key = to_trash(&backend, "to-trash");
    push(&mut backend, one, vec![key]);
    backend.now = 1_000 * DAY;
    backend.drain().unwrap();
    backend.now = 1_029 * DAY;
    assert_eq!(asked(&mut backend, &all), Ok(1));
    let older = PurgeOrder { older: Some(30 * DAY), ..all.clone() };
    assert_eq!(asked(&mut backend, &older), Err("young".to_owned()), "whatever its date");
    backend.now += DAY;
    assert_eq!(asked(&mut backend, &older), Ok(1));
    let early = dry(order(&backend, &[(one, 1)]));
    assert_eq!(asked(&mut backend, &early), Err("new-mail".to_owned()));
    let mut other = all.clone();
    other.rows[0][0].seen.epoch = Epoch::try_from("other").unwrap();
    assert_eq!(asked(&mut backend, &other), Err("new-mail".to_owned()));
    assert!(backend.link(one, two).unwrap());
    assert_eq!(asked(&mut backend, &all), Err("grown".to_owned()));
    let both = order(&backend, &[(one, 4), (two, 3)]);
    assert_eq!(asked(&mut backend, &both), Err("not-in-trash".to_owned()), "all or none");
    let both = PurgeOrder { anywhere: true, ..both };
    assert_eq!(asked(&mut backend, &both), Ok(2));
    assert_eq!(asked(&mut backend, &both), Ok(0), "they are gone already");
    assert_eq!(backend.doctor().unwrap(), Vec::new());
}

#[test]
fn nothing_brings_a_purged_thread_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    let threads = take_in(&mut backend, vec![mail("one", &[])]);
    // Its row was never made; it is not made now.
    let one = PurgeOrder { anywhere: true, ..order(&backend, &[(&threads[0], 2)]) };
    assert_eq!(asked(&mut backend, &one), Ok(1));
    let key = to_trash(&backend, "late");
    let late = push(&mut backend, &threads[0], vec![key]);
    let Frame::Ack { stores } = &late[0] else { panic!("{late:?}") };
    assert_eq!(stores[0].refused[0].code, "purged");
    let gone = Args::nothing().without_content(&());
    let forged = push(&mut backend, &threads[0], vec![star("forged", gone.text())]);
    let Frame::Ack { stores } = &forged[0] else { panic!("{forged:?}") };
    assert_eq!(stores[0].refused[0].code, "arguments");
    assert_eq!(backend.ingest(vec![mail("one", &[])], 1).unwrap(), [Outcome::Purged]);
    backend.drain().unwrap();
    let mut backend = open(dir.path());
    backend.drain().unwrap();
    assert!(mailbox::raw_row(backend.mailbox.db(), &threads[0]).unwrap().is_none());
    assert_eq!(backend.doctor().unwrap(), Vec::new());
}

#[test]
fn doctor_counts_what_names_a_blob() {
    let dir = tempfile::tempdir().unwrap();
    let mut backend = open(dir.path());
    take_in(&mut backend, vec![mail("one", &[]), mail("two", &[])]);
    backend.db.sql().execute("UPDATE blobs SET refs = 5 WHERE key = 1", []).unwrap();
    let extra = Blobs::pack(b"nobody names this");
    Blobs::put(&backend.db, &extra).unwrap();
    let found = backend.doctor().unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|finding| finding.repaired && finding.code == "blob"), "{found:?}");
    assert_eq!(backend.doctor().unwrap(), Vec::new());
    assert!(Blobs::get(&backend.db, extra.hash()).unwrap().is_some(), "it has its 30 days");
}
