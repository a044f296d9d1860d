//! The threads that send, with a server that answers as it is told.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::backend::{Host, Options};
use crate::clock::Clock;
use crate::smtp::Stop;

/// The longest that anything here takes.
const SOON: Duration = Duration::from_secs(30);

#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst) * 1_000
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(3);
    }
}

/// Tells what it is given, and answers what it is told.
struct Scripted {
    told: Mutex<Sender<(String, String, usize)>>,
    answers: Mutex<Receiver<Option<Given>>>,
    at_a_time: AtomicUsize,
}

impl Post for Scripted {
    fn give(&self, parcel: &Parcel<'_>, _: &Stop) -> Given {
        let now = self.at_a_time.fetch_add(1, Ordering::SeqCst) + 1;
        let account = parcel.account.id.to_string();
        let to = parcel.envelope.to.join(",");
        assert_eq!(parcel.password.expose(), "secret");
        assert!(!String::from_utf8_lossy(parcel.message).contains("carl"), "who is in Bcc");
        self.told.lock().unwrap().send((account, to, now)).unwrap();
        let answer = self.answers.lock().unwrap().recv_timeout(SOON).unwrap();
        self.at_a_time.fetch_sub(1, Ordering::SeqCst);
        answer.expect("a panic that the test asked for")
    }
}

struct World {
    host: Host,
    sending: Sending,
    clock: Hand,
    given: Receiver<(String, String, usize)>,
    answers: Sender<Option<Given>>,
    dir: tempfile::TempDir,
}

impl World {
    fn new(accounts: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut text = String::new();
        for id in accounts {
            let account = format!(
                "[accounts.{id}]\naddress = \"{id}@example.org\"\n\
                 imap = \"imaps://i.example.org\"\n\
                 smtp = \"smtps://s.example.org\"\npassword = {{ file = \"word\" }}\n"
            );
            text.push_str(&account);
        }
        for (name, text) in [("accounts.toml", text.as_str()), ("word", "secret\n")] {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let clock = Hand(Arc::new(AtomicI64::new(START)));
        let options = Options { dir: dir.path().join("backend"), thread_clients: 4 };
        let host = Host::start(&options, Box::new(clock.clone())).unwrap();
        let (told, given) = channel();
        let (answers, asked) = channel();
        let at_a_time = AtomicUsize::new(0);
        let post = Scripted { told: Mutex::new(told), answers: Mutex::new(asked), at_a_time };
        let sending = Sending::start(dir.path(), host.handle(), Arc::new(post)).unwrap();
        Self { host, sending, clock, given, answers, dir }
    }

    fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Backend, i64) -> T + Send + 'static,
    ) -> T {
        let asked = self.host.handle().work(move |backend, now| Ok(job(backend, now)));
        asked.unwrap().recv_timeout(SOON).unwrap().unwrap()
    }

    /// Writes a draft and queues it.
    fn queue(&self, draft: &str, content: Draft, hold: u64) {
        self.queue_all(vec![(draft.to_owned(), content)], hold);
    }

    /// The same of several, in one commit.
    fn queue_all(&self, drafts: Vec<(String, Draft)>, hold: u64) {
        self.ask(move |backend, now| {
            // The scene borrows the backend of the host for a moment.
            let aside = tempfile::tempdir().unwrap();
            let mut scene = Scene::new(aside.path());
            std::mem::swap(backend, &mut scene.backend);
            scene.now = now;
            for (draft, content) in drafts {
                scene.write(&draft, &content);
                scene.queue(&draft, "q", |queued| queued.hold = hold);
            }
            std::mem::swap(backend, &mut scene.backend);
        });
    }

    /// What the backend's file is told.
    fn sql(&self, sql: &'static str) {
        self.ask(move |backend, _| backend.db.sql().execute_batch(sql).unwrap());
    }

    fn fate(&self, draft: &str) -> Fate {
        let draft = draft.to_owned();
        self.ask(move |backend, _| Fate::of(backend, &draft, "q"))
    }

    fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is(self) {
            assert!(begun.elapsed() < SOON, "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn next(&self) -> (String, String, usize) {
        self.given.recv_timeout(SOON).unwrap()
    }
}

fn from(account: &str, to: &str) -> Draft {
    let account = Some(account.to_owned());
    Draft { account, from: String::new(), bcc: "carl@example.org".to_owned(), ..letter(to) }
}

#[test]
fn each_account_gives_away_one_at_a_time_and_success_is_said() {
    let world = World::new(&["ann", "bob"]);
    world.queue("a", from("ann", "x@example.org"), 0);
    let (account, to, _) = world.next();
    assert_eq!((account.as_str(), to.as_str()), ("ann", "x@example.org,carl@example.org"));
    world.queue("b", from("ann", "y@example.org"), 0);
    world.queue("c", from("bob", "z@example.org"), 0);
    let (account, _, at_a_time) = world.next();
    assert_eq!((account.as_str(), at_a_time), ("bob", 2), "another account does not wait");
    world.until("one waits", |world| world.sending.handle().pending() == Some(3));
    assert!(world.given.try_recv().is_err(), "the same account does");
    for _ in 0..2 {
        world.answers.send(Some(taken())).unwrap();
    }
    assert_eq!(world.next().0, "ann");
    let (address, words) = ("y@example.org".to_owned(), "no such user".to_owned());
    let refused = vec![NotTaken { address, words, lasting: true }];
    world.answers.send(Some(Given::Taken { refused })).unwrap();
    world.until("all are sent", |world| world.sending.handle().pending() == Some(0));
    for draft in ["a", "b", "c"] {
        assert_eq!(world.fate(draft), Fate::Sent, "{draft}");
    }
    let (last, said) = world.sending.handle().said(0);
    let codes: Vec<_> = said.iter().map(|said| said.notice.code).collect();
    assert_eq!((last, codes.iter().filter(|code| **code == "done").count()), (3, 2), "{said:?}");
    assert!(codes.contains(&"sent-partly"));
    assert_eq!(world.sending.handle().said(last).1, []);
    world.until("copies wait", |world| world.sending.handle().unfiled() == 3);
}

#[test]
fn a_hold_is_over_by_the_backends_clock() {
    let world = World::new(&["ann"]);
    world.queue("a", from("ann", "x@example.org"), 10);
    world.until("it is known when", |world| world.sending.handle().next() == Some(START + 10));
    assert!(world.given.try_recv().is_err());
    world.clock.0.fetch_add(10, Ordering::SeqCst);
    world.next();
    world.answers.send(Some(later())).unwrap();
    let at = START + 70;
    world.until("it rests", |world| world.fate("a") == Fate::Waiting(Some(at)));
    world.clock.0.fetch_add(60, Ordering::SeqCst);
    world.next();
    world.answers.send(Some(taken())).unwrap();
    world.until("it is sent", |world| world.fate("a") == Fate::Sent);
}

#[test]
fn what_cannot_be_sent_says_why() {
    let world = World::new(&["ann"]);
    let missing = crate::mail::compose::Attached {
        name: "x.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        hash: Blobs::name(b"not here"),
        size: 8,
    };
    let attached = Draft { attachments: vec![missing], ..from("ann", "x@example.org") };
    for (draft, content, why) in [
        ("a", from("gone", "x@example.org"), "no account gone"),
        ("b", from("ann", "nobody"), "To: "),
        ("c", attached, "x.txt"),
    ] {
        world.queue(draft, content, 0);
        world.until(
            why,
            |world| matches!(&world.fate(draft), Fate::Failed(said) if said.contains(why)),
        );
    }
    std::fs::remove_file(world.dir.path().join("word")).unwrap();
    world.queue("d", from("ann", "x@example.org"), 0);
    world.until("no password", |world| matches!(world.fate("d"), Fate::Failed(_)));
    assert!(world.given.try_recv().is_err(), "no server was asked");
}

#[test]
fn a_thread_that_ends_in_the_midst_of_it_leaves_it_unknown() {
    let world = World::new(&["ann"]);
    world.queue("a", from("ann", "x@example.org"), 0);
    world.next();
    world.answers.send(None).unwrap();
    world.until("it is unknown", |world| matches!(world.fate("a"), Fate::Unknown(_)));
    // And the account is free again.
    world.queue("b", from("ann", "y@example.org"), 0);
    world.next();
    world.answers.send(Some(Given::Stopped)).unwrap();
    world.next();
    world.answers.send(Some(taken())).unwrap();
    world.until("it is sent", |world| world.fate("b") == Fate::Sent);
    assert!(matches!(world.fate("a"), Fate::Unknown(_)), "never again by itself");
}

#[test]
fn the_end_waits_for_what_is_given_away() {
    let world = World::new(&["ann"]);
    world.queue("a", from("ann", "x@example.org"), 0);
    world.next();
    let World { host, sending, answers, dir, .. } = world;
    let ends = std::thread::spawn(move || drop(sending));
    answers.send(Some(taken())).unwrap();
    ends.join().unwrap();
    host.stop();
    let backend = open(&dir.path().join("backend"));
    assert_eq!(Fate::of(&backend, "a", "q"), Fate::Sent);
}

#[test]
fn what_the_storage_refuses_is_told_once_and_its_account_rests() {
    let world = World::new(&["ann", "bob"]);
    world.sql("CREATE TEMP TRIGGER no BEFORE INSERT ON blobs BEGIN SELECT RAISE(FAIL, 'no'); END");
    world.queue("a", from("ann", "x@example.org"), 0);
    world.until("it is told", |world| world.sending.handle().said(0).0 == 1);
    let said = world.sending.handle().said(0).1;
    assert_eq!(said[0].notice.code, "sent-later", "{said:?}");
    // It is looked at again, and nothing else is asked for that account.
    world.queue("b", from("ann", "y@example.org"), 0);
    world.until("nobody waits for it", |world| world.sending.handle().pending() == Some(0));
    assert_eq!(world.sending.handle().said(0).0, 1);
    world.sql("DROP TRIGGER no");
    world.queue("c", from("bob", "z@example.org"), 0);
    assert_eq!(world.next().0, "bob");
    world.answers.send(Some(taken())).unwrap();
    world.until("it is sent", |world| world.fate("c") == Fate::Sent);
    assert!(matches!(world.fate("a"), Fate::Waiting(Some(_))), "nothing was claimed");
    assert_eq!(world.sending.handle().said(0).0, 2);
}

#[test]
fn what_waits_for_a_busy_account_leaves_room_for_another() {
    let world = World::new(&["ann", "bob"]);
    let of_ann = |n: usize| (format!("a{n}"), from("ann", "x@example.org"));
    let mut drafts: Vec<_> = (0..A_LOOK + 5).map(of_ann).collect();
    drafts.push(("z".to_owned(), from("bob", "z@example.org")));
    world.queue_all(drafts, 0);
    let both = BTreeSet::from([world.next().0, world.next().0]);
    assert_eq!(both, BTreeSet::from(["ann".to_owned(), "bob".to_owned()]));
    let all = Some(A_LOOK + 6);
    world.until("all are known", |world| world.sending.handle().pending() == all);
    // What is taken back meanwhile waits for nobody.
    world.ask(|backend, now| {
        let aside = tempfile::tempdir().unwrap();
        let mut scene = Scene::new(aside.path());
        std::mem::swap(backend, &mut scene.backend);
        scene.now = now;
        for n in 0..A_LOOK + 5 {
            scene.cancel(&format!("a{n}"), "q", "x");
        }
        std::mem::swap(backend, &mut scene.backend);
    });
    for _ in 0..2 {
        world.answers.send(Some(taken())).unwrap();
    }
    world.until("nothing is left", |world| world.sending.handle().pending() == Some(0));
}
