//! A server that stops answering, at every point, and one that answers a byte at a time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mailtui::account::{Auth, Password, Security, Server, Settings};
use mailtui::bridge::SinkError;
use mailtui::imap::connect::Way;
use mailtui::imap::worker::{Doing, Job, Worker};
use mailtui::imap::{
    Batch, Conflict, Edge, FolderState, Found, Listing, Order, Outcome, Report, Role, Stand,
    Target, Took, What, Wish,
};

use super::{mailbox, raw};
use crate::support::binary::{Home, text};
use crate::support::dovecot::write_accounts;
use crate::support::scripted_imap::{
    Act, Begins, PASSWORD, Pair, ScriptedImap, folder, message, pair,
};
use crate::support::{SCREEN_DEADLINE, wait_for};

/// How long a silent server is waited for here.
const SILENCE: Duration = Duration::from_millis(400);
/// How long it may take until that is noticed, on a busy machine.
const NOTICED: Duration = Duration::from_secs(20);

/// Who keeps nothing, and orders until it is told that all is done: where a server hangs once it
/// hangs at the next connection too, so that it is seen also by who looks seldom.
#[derive(Default)]
struct Nobody {
    reported: usize,
    arrived: bool,
}

/// What it orders.
const ORDERS: usize = 4;

impl Edge for Nobody {
    fn folders(&mut self, _: &str, found: Vec<Found>) -> Result<Vec<FolderState>, SinkError> {
        let state = |(key, found): (i64, Found)| FolderState {
            key,
            name: found.name,
            shown: found.shown,
            role: found.role,
            says: found.says,
            uidvalidity: 7,
            uidnext: 0,
            modseq: 0,
            messages: 0,
        };
        Ok((1..).zip(found).map(state).collect())
    }

    fn unlisted(&mut self, _: &str, _: Vec<String>) -> Result<Vec<FolderState>, SinkError> {
        Ok(Vec::new())
    }

    fn listing(&mut self, listing: Listing) -> Result<Vec<u32>, SinkError> {
        if self.arrived {
            return Ok(Vec::new());
        }
        Ok(listing.messages.iter().map(|known| known.uid).collect())
    }

    fn arrived(&mut self, batch: Batch) -> Result<Took, SinkError> {
        self.arrived = true;
        Ok(Took { new: batch.messages.len() as u64, ..Took::default() })
    }

    fn stand(&mut self, _: Stand) -> Result<bool, SinkError> {
        Ok(true)
    }

    fn away(&mut self, _: &str) -> Result<u64, SinkError> {
        Ok(0)
    }

    fn passed(&mut self, _: &str) -> Result<(), SinkError> {
        Ok(())
    }

    fn orders(&mut self, _: &str, _: Wish) -> Result<Vec<Order>, SinkError> {
        if self.reported >= ORDERS {
            return Ok(Vec::new());
        }
        let id = Some("a1@example.org".to_owned());
        let target = Target { uid: 1, message_id: id, size: 0 };
        let order = |what| Order { folder: 1, uidvalidity: 7, targets: vec![target.clone()], what };
        let id = Some("a2@example.org".to_owned());
        let target = Target { uid: 2, message_id: id, size: 0 };
        let other = |what| Order { folder: 1, uidvalidity: 7, targets: vec![target.clone()], what };
        let (on, off) = (vec!["\\Seen".to_owned()], vec!["\\Flagged".to_owned()]);
        Ok(vec![
            order(What::Flags { on, off }),
            order(What::CopyTo(2)),
            other(What::Delete),
            order(What::Move(Role::Archive)),
        ])
    }

    fn conflicts(&mut self, _: &str) -> Result<Vec<Conflict>, SinkError> {
        Ok(Vec::new())
    }

    fn report(&mut self, _: &str, reports: Vec<Report>) -> Result<(), SinkError> {
        self.reported += reports.len();
        let refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(_));
        assert!(!reports.iter().any(|report| report.outcomes.iter().any(refused)), "{reports:?}");
        Ok(())
    }
}

fn worker(server: &ScriptedImap) -> Worker {
    let way = Way {
        server: Server::new("127.0.0.1", server.port, Security::Plain),
        login: "bad".to_owned(),
        auth: Auth::Password,
        ca: None,
        silence: Some(SILENCE),
    };
    let job = Job {
        account: "bad".to_owned(),
        way,
        password: Box::new(|| Ok(Password::new(PASSWORD.to_owned()).expect("a password"))),
        edge: Box::new(Nobody::default()),
        settings: Settings::default(),
        random: Box::new(|| u64::MAX / 2), // a rest that is long enough to be seen
    };
    Worker::start(job).expect("a thread")
}

/// Until the worker rests with an error, or waits for news; its stable word, or none.
fn ended(script: Vec<Pair>) -> Option<String> {
    let server = ScriptedImap::start(Begins::Clear, mailbox());
    server.script(script);
    let worker = worker(&server);
    let ended = wait_for(NOTICED, || {
        let status = worker.handle().status();
        match (&status.error, &status.doing) {
            (Some(error), _) => Some(Some(error.code.to_string())),
            (None, Doing::Waiting) => Some(None),
            _ => None,
        }
    });
    ended.expect("it is noticed")
}

#[test]
fn a_server_that_stops_answering_at_any_point_is_given_up() {
    let points = [
        "GREETING",
        "CAPABILITY",
        "AUTHENTICATE",
        "LIST",
        "SELECT",
        "UID FETCH*(UID FLAGS)",
        "UID FETCH*RFC822.SIZE)",
        "UID FETCH*BODY.PEEK[]",
        "UID FETCH*MESSAGE-ID",
        "UID STORE*+FLAGS",
        "UID STORE*-FLAGS",
        "UID COPY",
        "CREATE",
        "UID MOVE",
        "UID EXPUNGE",
    ];
    let reached = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for point in points {
            let reached = &reached;
            scope.spawn(move || {
                // In the middle of an answer, and before it.
                for acts in [vec![Act::Hang], vec![Act::Say("* OK [".to_owned()), Act::Hang]] {
                    let code = ended(vec![pair(point, acts)]);
                    assert_eq!(code.as_deref(), Some("slow"), "{point}");
                    reached.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(reached.load(Ordering::SeqCst), 2 * points.len() as u64);
    assert_eq!(ended(Vec::new()), None, "an honest server is none of these");
}

#[test]
fn a_server_that_says_a_byte_now_and_then_is_given_up() {
    let begun = Instant::now();
    let script = vec![pair("LIST", vec![Act::Drip(SILENCE / 4, 1_000)])];
    assert_eq!(ended(script).as_deref(), Some("slow"));
    assert!(begun.elapsed() < NOTICED);
}

#[test]
fn the_other_account_goes_on_while_one_hangs() {
    let home = Home::new();
    let bad = ScriptedImap::start(Begins::Clear, mailbox());
    let good = ScriptedImap::start(Begins::Clear, vec![folder("INBOX", "", Vec::new())]);
    good.with(|folders| folders[0].take(message(&raw("g1"))));
    write_accounts(&home, &format!("{}\n{}", bad.account("bad"), good.account("good")));
    bad.script(vec![pair("SELECT", vec![Act::Hang])]);
    let child = home.command(&["--sync-only", "--watch", "--json"]).spawn().expect("it starts");
    let child = Arc::new(Mutex::new(child));
    let _guard = Guard(Arc::clone(&child));
    let subjects = || -> Vec<String> {
        home.list("anywhere").iter().map(|row| text(row, "subject")).collect()
    };
    let came = wait_for(SCREEN_DEADLINE, || (subjects() == ["g1"]).then_some(()));
    assert!(came.is_some(), "{:?}", subjects());
    good.with(|folders| folders[0].take(message(&raw("g2"))));
    good.push("* 2 EXISTS\r\n");
    let came = wait_for(SCREEN_DEADLINE, || (subjects().len() == 2).then_some(()));
    assert!(came.is_some(), "{:?}", subjects());
    assert_eq!(bad.connections(), 1, "and the one that hangs is not asked again and again");
}

/// Ends the program with its test.
struct Guard(Arc<Mutex<std::process::Child>>);

impl Drop for Guard {
    fn drop(&mut self) {
        let mut child = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}
