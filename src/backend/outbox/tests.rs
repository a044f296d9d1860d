//! The outbox of a backend, driven by hand: what is due, claimed, and becomes of it.

mod damaged;
mod interleaved;
mod lives;
mod marks;
mod partly;
mod threads;

use std::collections::BTreeSet;
use std::path::Path;

use super::settle::own;
use super::*;
use crate::backend::Backend;
use crate::backend::tests::{open, text_id};
use crate::id::ThreadId;
use crate::mail::compose::{Stamp, build};
use crate::store::{Action, Event, NewEvent};
use crate::sync::{Frame, StorePush};
use crate::thread::{DraftSaved, SendCancelled, ThreadCreated, ThreadEvent, ThreadState};

/// When the tests begin, Unix seconds: the clock of `tests::open`.
const START: i64 = 1_700_000_000;

/// A backend with drafts in it.
struct Scene {
    backend: Backend,
    now: i64,
    /// Events that a device wrote, by store.
    wrote: Vec<(StoreId, NewEvent)>,
}

impl Scene {
    fn new(dir: &Path) -> Self {
        Self { backend: open(dir), now: START, wrote: Vec::new() }
    }

    fn store(draft: &str) -> StoreId {
        text_id(&format!("thread-draft-{draft}"))
    }

    /// A device writes an event, offered in this epoch, under an action of the same name.
    fn event(&self, id: &str, name: &str, args: &Args) -> NewEvent {
        let action = Action { id: text_id(id), name: "write".to_owned(), at: -7, redoes: None };
        NewEvent {
            id: text_id(id),
            name: name.to_owned(),
            args: args.clone(),
            device: text_id("device"),
            action: Some(action),
            epoch: self.backend.epoch.clone(),
        }
    }

    fn push(&mut self, draft: &str, events: Vec<NewEvent>) {
        let store = Self::store(draft);
        self.wrote.extend(events.iter().map(|event| (store.clone(), event.clone())));
        self.backend.now = self.now;
        let push = StorePush { store, expect: None, events, again: false };
        self.backend.push(1, vec![push]).unwrap();
        let refused = |(_, frame): &(u64, Frame)| match frame {
            Frame::Ack { stores } => stores.iter().any(|ack| !ack.refused.is_empty()),
            _ => true,
        };
        assert!(!self.backend.held.iter().any(refused), "{:?}", self.backend.held);
        self.backend.held.clear();
    }

    /// A draft `d` with the save `d-s1`.
    fn write(&mut self, draft: &str, content: &Draft) {
        let content = content.clone();
        self.write_as(draft, |saved| {
            (saved.to, saved.subject) = (content.to.clone(), content.subject.clone());
            saved.draft = Some(Box::new(content));
        });
    }

    /// The same, whatever is saved.
    fn write_as(&mut self, draft: &str, change: impl FnOnce(&mut DraftSaved)) {
        let thread = Self::store(draft).as_thread().unwrap();
        let created = Args::of(&ThreadCreated { thread });
        let mut saved = DraftSaved {
            from: None,
            at: i64::MAX / 2,
            draft: None,
            blob: None,
            attachments: Vec::new(),
            to: String::new(),
            subject: String::new(),
            snippet: String::new(),
            raw: None,
        };
        change(&mut saved);
        let events = vec![
            self.event(&format!("{draft}-created"), name::THREAD_CREATED, &created),
            self.event(&format!("{draft}-s1"), name::DRAFT_SAVED, &Args::of(&saved)),
        ];
        self.push(draft, events);
    }

    /// One more save, made from another.
    fn save(&mut self, draft: &str, save: &str, from: &str) {
        let content = Box::new(letter("bob@example.org"));
        let (to, subject) = (content.to.clone(), content.subject.clone());
        let saved = DraftSaved {
            from: Some(text_id(&format!("{draft}-{from}"))),
            at: 1,
            draft: Some(content),
            blob: None,
            attachments: Vec::new(),
            to,
            subject,
            snippet: String::new(),
            raw: None,
        };
        let id = format!("{draft}-{save}");
        let event = self.event(&id, name::DRAFT_SAVED, &Args::of(&saved));
        self.push(draft, vec![event]);
    }

    /// Queues the save `d-s1` as `d-q`.
    fn queue(&mut self, draft: &str, name: &str, change: impl FnOnce(&mut MessageQueued)) {
        let mut queued = MessageQueued {
            save: text_id(&format!("{draft}-s1")),
            message_id: format!("{draft}-{name}@example.org"),
            hold: 10,
            send_at: None,
            offset: 60,
            at: -5_000,
            to: "bob@example.org".to_owned(),
            subject: "Lunch".to_owned(),
            snippet: String::new(),
            attachments: false,
            again: None,
            partial: false,
            remind: None,
        };
        change(&mut queued);
        let event =
            self.event(&format!("{draft}-{name}"), name::MESSAGE_QUEUED, &Args::of(&queued));
        self.push(draft, vec![event]);
    }

    fn cancel(&mut self, draft: &str, queued: &str, id: &str) {
        let args = Args::of(&SendCancelled { queued: text_id(&format!("{draft}-{queued}")) });
        let event = self.event(&format!("{draft}-{id}"), name::SEND_CANCELLED, &args);
        self.push(draft, vec![event]);
    }

    /// Queues the save of a draft without a hold, and claims it.
    fn claimed(&mut self, draft: &str) -> Due {
        self.queue(draft, "q", |queued| queued.hold = 0);
        let name = format!("{draft}-q");
        let due = self.due().into_iter().find(|due| due.queued.as_str() == name).unwrap();
        assert!(self.claim(&due));
        due
    }

    fn due(&mut self) -> Vec<Due> {
        self.backend.outbox_look(self.now).unwrap().due
    }

    fn claim(&mut self, due: &Due) -> bool {
        let claim =
            Claim { due: due.clone(), account: "ann".to_owned(), raw: Blobs::pack(&bytes(due)) };
        self.backend.outbox_claim(&claim, self.now).unwrap()
    }

    fn settle(&mut self, due: &Due, given: Given) -> Told {
        let message = own(bytes(due), due.at);
        let (due, account) = (due.clone(), "ann".to_owned());
        let gave = Gave { due, account, file: true, message, given };
        self.backend.outbox_settle(gave, self.now).unwrap()
    }

    fn commit(&mut self) {
        self.backend.commit().unwrap();
    }

    fn log(&self, draft: &str) -> Vec<Event> {
        Log::all(&self.backend.db, &Self::store(draft)).unwrap()
    }

    /// What stands in the log, without what a device wrote: names without their versions.
    fn told(&self, draft: &str) -> Vec<String> {
        let log = self.log(draft);
        let by_edge = log.iter().filter(|event| event.event.device.as_str() == "mail-edge");
        let told = by_edge.map(|event| {
            let name = event.event.name.trim_start_matches("v1.").to_owned();
            match ThreadEvent::read(&event.event.name, &event.event.args) {
                Some(ThreadEvent::SendFailed(failed)) => {
                    format!("{:?} {}", failed.kind, failed.code)
                }
                Some(ThreadEvent::Sent(sent)) if sent.found => format!("{name} found"),
                _ => name,
            }
        });
        told.collect()
    }

    fn fate(&self, draft: &str, name: &str) -> Fate {
        Fate::of(&self.backend, draft, name)
    }

    fn undo(&mut self, draft: &str, action: &str, id: &str) {
        let action = text_id(&format!("{draft}-{action}"));
        let undo = Args::of(&crate::thread::ActionUndone { action, seen: None });
        let undo = self.event(&format!("{draft}-{id}"), name::ACTION_UNDONE, &undo);
        self.push(draft, vec![undo]);
    }
}

/// How far a message is.
#[derive(Debug, PartialEq)]
enum Fate {
    /// It waits, and is looked at at this time.
    Waiting(Option<i64>),
    Sending,
    /// It was surely not sent.
    Failed(String),
    /// Nobody knows.
    Unknown(String),
    Sent,
    /// It was taken back, or was never queued here.
    Gone,
}

impl Fate {
    fn of(backend: &Backend, draft: &str, name: &str) -> Self {
        let queued: EventId = text_id(&format!("{draft}-{name}"));
        let loaded = Loaded::of(&backend.db, &Scene::store(draft)).unwrap();
        let Some(item) = loaded.item(&queued) else {
            return if loaded.tries(&queued).sent { Self::Sent } else { Self::Gone };
        };
        match &item.stage {
            Stage::Waiting { .. } => {
                let row = Outbox::get(&backend.db, &queued).unwrap();
                Self::Waiting(row.and_then(|row| row.due))
            }
            Stage::Claimed => Self::Sending,
            Stage::Failed { why } => Self::Failed(why.clone()),
            Stage::Unknown { why } => Self::Unknown(why.clone()),
        }
    }
}

fn letter(to: &str) -> Draft {
    Draft {
        from: "Ann <ann@example.org>".to_owned(),
        to: to.to_owned(),
        subject: "Lunch".to_owned(),
        body: "At noon?\n".to_owned(),
        ..Draft::default()
    }
}

fn bytes(due: &Due) -> Vec<u8> {
    let stamp = Stamp {
        message_id: due.of.message_id.clone(),
        date: due.at,
        utc_offset: 0,
        boundary_seed: [1; 16],
        seven_bit: false,
    };
    let none = std::collections::HashMap::<BlobHash, Vec<u8>>::new();
    build(&due.draft, &none, &stamp).unwrap().bytes
}

fn later() -> Given {
    Given::Refused(false, Why::new("slow", "it does not answer"))
}

fn taken() -> Given {
    Given::Taken { refused: Vec::new() }
}

fn thread_of(backend: &Backend, message_id: &str) -> (ThreadId, ThreadState) {
    let thread = Index::thread(&backend.db, message_id).unwrap().expect("it is there");
    let state = crate::backend::thread_client::state_of(&backend.db, &StoreId::thread(&thread));
    (thread, state.unwrap())
}

#[test]
fn a_hold_counts_from_when_the_backend_took_it_whatever_clocks_of_devices_say() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    scene.write("a", &letter("bob@example.org"));
    scene.queue("a", "q", |_| ());
    scene.write("b", &letter("bob@example.org"));
    scene.queue("b", "q", |queued| queued.send_at = Some(START + 300));
    scene.commit();
    for (after, due) in [(0, 0), (9, 0), (10, 1), (299, 1), (300, 2)] {
        scene.now = START + after;
        assert_eq!(scene.due().len(), due, "{after}");
        let a = if after < 10 { Some(START + 10) } else { Some(START + 10).filter(|_| after < 10) };
        if let Some(at) = a {
            assert_eq!(scene.fate("a", "q"), Fate::Waiting(Some(at)));
        }
    }
    // A clock that is put back makes a hold no longer than it is.
    scene.write("c", &letter("bob@example.org"));
    scene.queue("c", "q", |_| ());
    scene.now = START - 50_000;
    assert_eq!(scene.due().len(), 0);
    scene.now += 10;
    assert!(scene.due().iter().any(|due| due.queued.as_str() == "c-q"));
}

#[test]
fn what_is_sent_is_our_own_message_in_its_conversation_and_done_with() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    let asked = crate::backend::tests::mail("asked", &[]);
    let thread = crate::backend::tests::take_in(&mut scene.backend, vec![asked]).remove(0);
    let store = StoreId::thread(&thread);
    let state =
        |scene: &Scene| crate::backend::thread_client::state_of(&scene.backend.db, &store).unwrap();
    let first = state(&scene).messages[0].message.message.clone();
    let answer = Draft {
        in_reply_to: Some("asked@example.org".to_owned()),
        references: vec!["asked@example.org".to_owned()],
        answers: vec![first.clone()],
        bcc: "Carl <carl@example.org>".to_owned(),
        ..letter("a@example.org")
    };
    scene.write("a", &answer);
    scene.queue("a", "q", |queued| queued.remind = Some(3_600));
    scene.now += 10;
    let due = scene.due().remove(0);
    assert!(scene.claim(&due));
    assert!(!scene.claim(&due), "once");
    assert!(scene.due().is_empty());
    assert_eq!(scene.fate("a", "q"), Fate::Sending);
    scene.cancel("a", "q", "x");
    assert_eq!(scene.fate("a", "q"), Fate::Sending, "nobody stops it any more");
    scene.settle(&due, taken());
    scene.commit();
    assert!(scene.due().is_empty());
    assert_eq!(scene.fate("a", "q"), Fate::Sent);
    assert_eq!(scene.told("a"), ["SendClaimed", "MessageSent"]);
    let state = state(&scene);
    assert_eq!(state.messages.len(), 2);
    assert!(state.message(&first).unwrap().message.flags.answered);
    let (own, flags) = (&state.messages[1].message, state.messages[1].message.flags);
    assert!(own.sent && flags.read);
    // Its bytes do not name him.
    assert_eq!(
        own.bcc.iter().map(|one| one.address.as_str()).collect::<Vec<_>>(),
        ["carl@example.org"]
    );
    let raw = Blobs::get(&scene.backend.db, &own.raw).unwrap().unwrap();
    assert!(!String::from_utf8_lossy(&raw).contains("arl"), "{}", String::from_utf8_lossy(&raw));
    let (_, cells) = state.trail();
    assert_eq!(cells.snoozed, Some(scene.now + 3_600));
    assert_eq!(Outbox::copies(&scene.backend.db, "ann", true, 9).unwrap().len(), 1);
    scene.backend.drain().unwrap();
    assert_eq!(scene.backend.doctor().unwrap(), []);
    // Who was asked answers: nobody has to be reminded.
    let raw = b"From: a@example.org\r\nMessage-ID: <yes@example.org>\r\n\
        In-Reply-To: <a-q@example.org>\r\n\r\nyes\r\n";
    let folder = crate::bridge::Folder::default();
    let incoming =
        crate::bridge::Incoming { raw: raw.to_vec(), folder, flags: None, file_time: None };
    scene.backend.ingest(vec![crate::backend::prepare(incoming, 1)], scene.now).unwrap();
    scene.commit();
    let (same, state) = thread_of(&scene.backend, "yes@example.org");
    assert_eq!((same, state.trail().1.snoozed), (thread, None));
}

#[test]
fn what_fails_for_now_is_tried_again_and_not_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    scene.write("a", &letter("bob@example.org"));
    scene.queue("a", "q", |_| ());
    scene.now += 10;
    let (begun, mut rests, mut dates) = (scene.now, Vec::new(), BTreeSet::new());
    while let Some(due) = scene.due().pop() {
        assert!(scene.claim(&due));
        dates.insert(due.at);
        scene.settle(&due, later());
        let Fate::Waiting(Some(at)) = scene.fate("a", "q") else { break };
        rests.push((at - scene.now) / 60);
        scene.now = at - 1;
        assert!(scene.due().is_empty());
        scene.now = at;
    }
    assert_eq!(rests[..5], [1, 5, 15, 60, 60]);
    assert!((47..=49).contains(&((scene.now - begun) / 3_600)), "{rests:?}");
    assert_eq!(scene.told("a").last().unwrap(), "Permanent given-up");
    assert!(dates.len() > 40 && matches!(scene.fate("a", "q"), Fate::Failed(_)));
    assert_eq!(Outbox::waiting(&scene.backend.db).unwrap(), 0);
    // Each try has bytes of its own, and all are counted.
    scene.commit();
    scene.backend.drain().unwrap();
    assert_eq!(scene.backend.doctor().unwrap(), []);
}

#[test]
fn what_cannot_be_sent_as_it_is_says_why_and_waits_for_its_user() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    for (draft, given, told) in [
        ("a", Given::Refused(true, Why::new("smtp-no", "no")), "Permanent smtp-no"),
        ("b", Given::Unknown(Why::new("closed", "?")), "Unknown closed"),
        ("c", Given::Stopped, "Temporary stopped"),
        ("d", Given::Refused(true, Why::new("smtp-8bit", "no")), "Temporary smtp-8bit"),
    ] {
        scene.write(draft, &letter("bob@example.org"));
        let due = scene.claimed(draft);
        scene.settle(&due, given);
        assert_eq!(scene.told(draft), ["SendClaimed", told]);
        // What was only stopped, or is built otherwise, goes on at once.
        let again = scene.due();
        assert_eq!(again.len(), usize::from(told.starts_with("Temporary")), "{draft}");
        for due in again {
            assert_eq!(due.codes.len(), 1);
            assert!(scene.claim(&due));
            scene.settle(&due, Given::Refused(true, Why::new("smtp-8bit", "no")));
            let last = scene.told(draft).pop().unwrap();
            let same = if draft == "d" { "Permanent" } else { "Temporary" };
            assert_eq!(last, format!("{same} smtp-8bit"));
            Outbox::remove(&scene.backend.db, &due.queued).unwrap();
        }
    }
    // It is not built, and nothing was claimed.
    scene.write("e", &letter("nobody"));
    scene.queue("e", "q", |queued| queued.hold = 0);
    let due = scene.due().remove(0);
    scene.backend.outbox_refuse(&due, true, &Why::new("bad-address", "x"), scene.now).unwrap();
    assert_eq!(scene.told("e"), ["Permanent bad-address"]);
    // What came meanwhile is looked at first.
    scene.write("f", &letter("bob@example.org"));
    scene.queue("f", "q", |queued| queued.hold = 0);
    let due = scene.due().remove(0);
    scene.cancel("f", "q", "x");
    scene.backend.outbox_refuse(&due, true, &Why::new("no-account", "x"), scene.now).unwrap();
    assert!(!scene.claim(&due));
    assert_eq!(scene.told("f"), Vec::<String>::new());
}

#[test]
fn what_was_taken_back_on_its_way_is_not_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    for draft in ["a", "b"] {
        scene.write(draft, &letter("bob@example.org"));
        scene.queue(draft, "q", |queued| queued.hold = 0);
    }
    let due = scene.due();
    assert!(due.iter().all(|due| scene.claim(due)));
    scene.cancel("a", "q", "x");
    scene.settle(&due[0], later());
    assert_eq!(scene.told("a"), ["SendClaimed", "Permanent taken-back"]);
    scene.settle(&due[1], later());
    scene.undo("b", "q", "undo");
    scene.now += 4_000;
    assert!(scene.due().is_empty());
    assert_eq!(scene.told("b"), ["SendClaimed", "Temporary slow", "Permanent taken-back"]);
}

#[test]
fn doctor_finds_what_nobody_looks_at() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    scene.write("a", &letter("bob@example.org"));
    scene.queue("a", "q", |_| ());
    scene.commit();
    scene.backend.drain().unwrap();
    assert_eq!(scene.backend.doctor().unwrap(), []);
    scene.backend.db.sql().execute("DELETE FROM outbox", []).unwrap();
    let looked = crate::backend::inspect(dir.path()).unwrap();
    assert!(looked.iter().any(|found| found.code == "outbox" && !found.repaired), "{looked:?}");
    let found = scene.backend.doctor().unwrap();
    assert!(found.iter().any(|found| found.code == "outbox" && found.repaired), "{found:?}");
    scene.now += 10;
    assert_eq!(scene.due().len(), 1);
    // A file from before there were rows.
    let sql = "DELETE FROM outbox; DELETE FROM backend WHERE name = 'outbox-filled'";
    scene.backend.db.sql().execute_batch(sql).unwrap();
    drop(scene);
    let mut scene = Scene::new(dir.path());
    scene.now += 10;
    assert_eq!(scene.due().len(), 1);
}

#[test]
fn a_purged_draft_takes_its_bytes_and_its_row_along() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    scene.write("a", &letter("bob@example.org"));
    let due = scene.claimed("a");
    scene.commit();
    let thread = Scene::store("a").as_thread().unwrap();
    scene.backend.erase(&[(thread, scene.now)]).unwrap();
    scene.settle(&due, taken());
    scene.commit();
    assert!(scene.log("a").is_empty(), "its log does not begin again");
    scene.backend.drain().unwrap();
    assert_eq!(Outbox::waiting(&scene.backend.db).unwrap(), 0);
    assert_eq!(scene.backend.doctor().unwrap(), []);
    let (_, state) = thread_of(&scene.backend, "a-q@example.org");
    assert_eq!(state.messages.len(), 1, "it was sent all the same");
}

#[test]
fn a_cancel_that_is_undone_sends_it_after_all() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    let both = Action { id: text_id("both"), name: "write".to_owned(), at: 1, redoes: None };
    for draft in ["a", "b"] {
        scene.write(draft, &letter("bob@example.org"));
        scene.queue(draft, "q", |_| ());
        let args = Args::of(&SendCancelled { queued: text_id(&format!("{draft}-q")) });
        let cancel = scene.event(&format!("{draft}-x"), name::SEND_CANCELLED, &args);
        scene.push(draft, vec![NewEvent { action: Some(both.clone()), ..cancel }]);
    }
    assert!(scene.due().is_empty());
    scene.commit();
    assert_eq!(Outbox::waiting(&scene.backend.db).unwrap(), 0);
    scene.now += 100_000;
    // One that comes with one store of an action reaches the others.
    let undo = Args::of(&crate::thread::ActionUndone { action: both.id, seen: None });
    let undo = scene.event("a-undo", name::ACTION_UNDONE, &undo);
    scene.push("a", vec![undo]);
    assert_eq!(Outbox::waiting(&scene.backend.db).unwrap(), 2);
    assert!(scene.due().is_empty(), "its hold begins again");
    scene.now += 10;
    let due = scene.due();
    let due: Vec<_> = due.iter().map(|due| due.queued.as_str()).collect();
    assert_eq!(due, ["a-q", "b-q"]);
    scene.commit();
    scene.backend.drain().unwrap();
    assert_eq!(scene.backend.doctor().unwrap(), []);
}

#[test]
fn what_is_in_hands_is_what_is_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    scene.write("a", &letter("bob@example.org"));
    scene.queue("a", "q", |queued| queued.hold = 0);
    scene.commit();
    let due = scene.due().remove(0);
    assert!(scene.claim(&due));
    scene.backend.roll_back();
    assert!(!scene.backend.outbox.holds(&due.queued), "it was not claimed");
    assert!(scene.claim(&due));
    scene.commit();
    scene.settle(&due, taken());
    // The disk does not take it: it is said again, and nobody takes it for a crash meanwhile.
    scene.backend.roll_back();
    Outbox::stir_all(&scene.backend.db, scene.now).unwrap();
    assert!(scene.due().is_empty());
    assert_eq!(scene.settle(&due, taken()), Told::Sent(Vec::new()));
    scene.commit();
    assert_eq!(scene.told("a"), ["SendClaimed", "MessageSent"]);
    assert!(!scene.backend.outbox.holds(&due.queued));
}

#[test]
fn what_is_told_is_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    let no = |code: &str| Given::Refused(true, Why::new(code, "no"));
    let mut number = 0;
    let mut check = |given: Given, taken_back: bool, first: i64, code: Option<&str>| {
        number += 1;
        let draft = format!("d{number}");
        scene.write(&draft, &letter("bob@example.org"));
        let mut due = scene.claimed(&draft);
        if first > 0 {
            scene.settle(&due, later());
            scene.now += first;
            due = scene.due().into_iter().find(|again| again.queued == due.queued).unwrap();
            assert!(scene.claim(&due));
        }
        if taken_back {
            scene.cancel(&draft, "q", "x");
        }
        let notice = scene.settle(&due, given).notice(&due);
        assert_eq!(notice.as_ref().map(|notice| notice.code), code, "{notice:?}");
        if let Some(item) = Loaded::of(&scene.backend.db, &due.store).unwrap().item(&due.queued) {
            let failed = matches!(item.stage, Stage::Failed { .. });
            assert_eq!(failed, code == Some("not-sent"), "{:?}", item.stage);
        }
    };
    check(taken(), false, 0, Some("done"));
    check(no("smtp-no"), false, 0, Some("not-sent"));
    check(later(), false, 0, Some("sent-later"));
    check(later(), false, 3 * 24 * 3_600, Some("not-sent"));
    check(later(), true, 0, Some("not-sent"));
    check(Given::Stopped, false, 0, None);
    check(Given::Stopped, true, 0, Some("not-sent"));
    check(no("smtp-8bit"), false, 0, None);
    check(Given::Unknown(Why::new("cut", "?")), false, 0, Some("sent-unknown"));
}
