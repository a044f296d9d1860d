//! A device driven by hand: intents, frames of a backend that does not exist, frames to it.

use std::path::Path;

use super::Device;
use crate::clock::SystemClock;
use crate::command::intent::{Change, Intent, Target};
use crate::id::{Epoch, EventId, Seen, StoreId, ThreadId};
use crate::limits::PUSH_EVENTS;
use crate::store::{Action, Args, Chain, Event, Head, Log, NewEvent, Own};
use crate::sync::Frame;

fn device(dir: &Path) -> Device {
    Device::open(dir, false, Box::new(SystemClock)).unwrap()
}

fn welcome(device: &mut Device, backend: &str) -> Result<(), super::EngineError> {
    let epoch = Epoch::try_from("1.a").unwrap();
    device.receive(Frame::Welcome { protocol: 1, backend: backend.to_owned(), epoch })
}

fn pushed(device: &mut Device) -> Vec<(StoreId, usize)> {
    let frames = device.outgoing().unwrap();
    let push = frames.into_iter().find_map(|frame| match frame {
        Frame::Push { stores } => Some(stores),
        _ => None,
    });
    push.unwrap_or_default().into_iter().map(|push| (push.store, push.events.len())).collect()
}

#[test]
fn what_an_action_does_to_a_thread_is_in_one_frame() {
    let dir = tempfile::tempdir().unwrap();
    let mut device = device(dir.path());
    // One event before pairs: the bound of a frame falls between the two of a pair.
    device.intend(&Intent::CreateLabel("Work".to_owned())).unwrap();
    let action =
        Action { id: "a".try_into().unwrap(), name: "label".to_owned(), at: 1, redoes: None };
    for n in 0..PUSH_EVENTS {
        let thread = ThreadId::try_from(format!("thread{:06}", n / 2)).unwrap();
        let id = EventId::try_from(format!("e{n}")).unwrap();
        Own::add(
            &device.db,
            &StoreId::thread(&thread),
            &id,
            "v1.X",
            &Args::nothing(),
            Some(&action),
        )
        .unwrap();
    }
    device.commit().unwrap();
    welcome(&mut device, "b").unwrap();
    let mut all = 0;
    for frame in [pushed(&mut device), pushed(&mut device)] {
        all += frame.iter().map(|(_, events)| events).sum::<usize>();
        let torn = frame.iter().find(|(store, n)| store.as_thread().is_some() && *n != 2);
        assert_eq!(torn, None);
    }
    assert_eq!(all, PUSH_EVENTS + 1);
}

#[test]
fn a_split_of_too_many_is_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut device = device(dir.path());
    let members: Vec<String> = (0..65).map(|n| format!("thread-{n:03}")).collect();
    for id in &members {
        let row = "INSERT INTO threadIndex(id, participants, snippet, lastActivity, createdAt,
                 messageCount, unreadCount, starred, muted, hasAttachment, place, root, trail)
             VALUES (?1, '[]', '', 1, 1, 1, 0, 0, 0, 0, 'inbox', 'thread-000', '{}')";
        device.db.sql().execute(row, [id]).unwrap();
        device.db.sql().execute("INSERT INTO watermarks VALUES (?1, '1.a', 2)", [id]).unwrap();
    }
    let split = |n: usize| {
        let threads = members[1..=n].iter().map(|id| ThreadId::try_from(id.as_str()).unwrap());
        Intent::Split(threads.collect())
    };
    assert!(device.intend(&split(64)).is_err());
    assert!(Own::all(&device.db).unwrap().is_empty(), "nothing of it is kept");
    assert_eq!(device.intend(&split(2)).unwrap().threads, 1);
}

#[test]
fn a_row_that_is_gone_keeps_nothing_from_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut device = device(dir.path());
    device
        .db
        .sql()
        .execute_batch(
            "INSERT INTO threadIndex(id, participants, snippet, lastActivity, createdAt,
                 messageCount, unreadCount, starred, muted, hasAttachment, place, root, trail)
             VALUES ('thread-here', '[]', '', 1, 1, 1, 0, 0, 0, 0, 'inbox', 'thread-here', '{}');
             INSERT INTO watermarks VALUES ('thread-here', '1.a', 2);",
        )
        .unwrap();
    let target = |id: &str| Target {
        thread: ThreadId::try_from(id).unwrap(),
        seen: Seen { epoch: Epoch::try_from("1.a").unwrap(), position: 2 },
    };
    let star = |targets| Intent::Change { changes: vec![Change::Star(true)], targets };
    let done = device.intend(&star(vec![target("thread-gone"), target("thread-here")])).unwrap();
    assert_eq!(done.threads, 1);
    assert!(device.intend(&star(vec![target("thread-gone")])).is_err());
    let own = Own::all(&device.db).unwrap();
    assert_eq!(own.len(), 1, "{own:?}");
}

#[test]
fn a_backend_whose_name_could_write_on_a_terminal_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut device = device(dir.path());
    assert!(welcome(&mut device, "b\u{9b}31m").is_err());
    assert!(welcome(&mut device, "b").is_ok());
}

#[test]
fn a_log_that_does_not_fit_itself_is_not_fetched_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let mut device = device(dir.path());
    welcome(&mut device, "b").unwrap();
    let refused = (0..1_000).find_map(|_| {
        let store = StoreId::mailbox();
        device.receive(Frame::Diverged { store, position: 0, chain: Chain::default() }).err()
    });
    assert!(refused.unwrap().to_string().contains("damaged"));
    assert!(welcome(&mut device, "b").is_err(), "a connection has one welcome");
    // Another connection is another try.
    device.disconnected();
    welcome(&mut device, "b").unwrap();
    device
        .receive(Frame::Diverged {
            store: StoreId::mailbox(),
            position: 0,
            chain: Chain::default(),
        })
        .unwrap();
}

/// A Mailbox log that begins at a snapshot, with so many own events behind it.
fn put_log_behind_a_snapshot(device: &mut Device, events: u8) -> u64 {
    let store = StoreId::mailbox();
    let own = |n: u8| NewEvent {
        id: EventId::try_from(format!("e{n}")).unwrap(),
        name: "v1.X".to_owned(),
        args: Args::nothing(),
        device: device.id.clone(),
        action: None,
        epoch: Epoch::try_from("1.a").unwrap(),
    };
    let events: Vec<NewEvent> = (0..events).map(own).collect();
    device.db.begin().unwrap();
    Log::append(&device.db, &store, &events[..1]).unwrap();
    Log::clear(&device.db, &store).unwrap();
    Log::rebase(&device.db, &store, Head { position: 1, chain: Chain::ZERO }).unwrap();
    let head = Log::append(&device.db, &store, &events).unwrap().head.position;
    device.db.commit().unwrap();
    head
}

#[test]
fn a_log_that_parts_from_the_backends_above_a_snapshot_is_offered_whole_or_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut device = device(dir.path());
    welcome(&mut device, "b").unwrap();
    let head = put_log_behind_a_snapshot(&mut device, 5);
    let refuse = "PRAGMA foreign_keys = on;
        CREATE TABLE a(id INTEGER PRIMARY KEY);
        CREATE TABLE b(a REFERENCES a(id) DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER refuse AFTER INSERT ON device WHEN new.name = 'bootstrap'
        BEGIN INSERT INTO b VALUES (1); END;";
    device.db.sql().execute_batch(refuse).unwrap();
    let said = || {
        let (store, chain) = (StoreId::mailbox(), Chain::try_from("7".repeat(32)).unwrap());
        Frame::Diverged { store, position: head, chain }
    };
    let offered = |device: &Device| Own::of(&device.db, &StoreId::mailbox()).unwrap().len();
    device.receive(said()).unwrap_err();
    assert!(device.boot.is_none(), "the transaction that gave the rows up was rolled back");
    assert_eq!((device.head().unwrap(), offered(&device)), (head, 0));

    device.db.sql().execute_batch("DROP TRIGGER refuse").unwrap();
    device.receive(said()).unwrap();
    assert!(device.boot.is_some(), "nothing says what the rows were at the common position");
    assert_eq!(offered(&device), 5, "half way down nobody has compared them");
}

/// Pages of a store's log of six events, of which the last may not fit what is before.
struct Pages {
    store: StoreId,
    name: &'static str,
    args: fn(u64) -> serde_json::Value,
}

impl Pages {
    fn event(&self, n: u64) -> NewEvent {
        NewEvent {
            id: EventId::try_from(format!("e{n}")).unwrap(),
            name: self.name.to_owned(),
            args: Args::of(&(self.args)(n)),
            device: "other".try_into().unwrap(),
            action: None,
            epoch: Epoch::try_from("1.a").unwrap(),
        }
    }

    fn chain(&self, through: u64) -> Chain {
        (1..=through).fold(Chain::default(), |chain, n| chain.after(&self.event(n)))
    }

    fn page(&self, range: std::ops::RangeInclusive<u64>, chain: Chain) -> Frame {
        let events = range.map(|n| Event { position: n, event: self.event(n) }).collect();
        Frame::Page { store: self.store.clone(), events, head: 6, chain, more: false }
    }

    /// Where in this log the device asks the backend to go on.
    fn asked(&self, device: &mut Device) -> Option<(u64, Chain)> {
        device.outgoing().unwrap().into_iter().find_map(|frame| match frame {
            Frame::Subscribe { store, cursor: Some(at), .. } if store == self.store => {
                Some((at.position, at.chain))
            }
            _ => None,
        })
    }

    /// Gives a page that fits, and one that does not, as often as the device hears it.
    fn check(&self, device: &mut Device, here: fn(&Device) -> (u64, usize)) {
        device.receive(self.page(1..=4, self.chain(4))).unwrap();
        device.outgoing().unwrap();
        let held = here(device);
        assert_eq!(held.0, 4);
        let bad = self.page(5..=6, self.chain(2));
        device.receive(bad.clone()).unwrap();
        assert_eq!(here(device), held, "what is here stays");
        assert_eq!(self.asked(device), Some((4, self.chain(4))), "it goes on from there");
        // But not for ever.
        let ends = (0..1_000).find_map(|_| device.receive(bad.clone()).err());
        assert!(ends.is_some_and(|error| error.to_string().contains("fit")));
        assert_eq!(here(device), held);
    }
}

#[test]
fn a_page_that_does_not_fit_its_chain_leaves_what_is_here_and_is_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut device = device(dir.path());
    welcome(&mut device, "b").unwrap();
    let label =
        |n: u64| serde_json::json!({"label": format!("label-{n}"), "name": format!("L{n}")});
    let labels = Pages { store: StoreId::mailbox(), name: "v1.LabelCreated", args: label };
    labels.check(&mut device, |device| (device.head().unwrap(), device.labels().unwrap().len()));
}

#[test]
fn so_does_a_page_of_a_conversation_that_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut device = device(dir.path());
    welcome(&mut device, "b").unwrap();
    let thread = || ThreadId::try_from("thread-here").unwrap();
    device.load(&thread()).unwrap();
    let star = |n: u64| serde_json::json!({"starred": n.is_multiple_of(2)});
    let stars = Pages { store: StoreId::thread(&thread()), name: "v1.ThreadStarred", args: star };
    stars.check(&mut device, |device| {
        let thread = ThreadId::try_from("thread-here").unwrap();
        (device.open.peek(&thread).unwrap().position(), 0)
    });
}
