//! The engine's thread, stepped by hand.

use super::*;
use crate::clock::SystemClock;
use crate::engine::link::Place;
use crate::engine::view::Link;
use crate::sync::Frame;

fn engine(dir: &std::path::Path) -> (Engine, Receiver<Update>) {
    let device = Device::open(dir, true, Box::new(SystemClock)).unwrap();
    let ((updates, told), (inputs, _)) = (mpsc::channel(), mpsc::channel());
    let driver = Driver::new(device, None, true);
    (Engine::new(driver, updates, mpsc::channel().0, inputs, None), told)
}

#[test]
fn what_the_disk_refused_is_written_anew_before_it_counts_as_saved() {
    let dir = tempfile::tempdir().unwrap();
    let (mut engine, told) = engine(dir.path());
    engine.driver.device.sync_later();
    engine.request(Request::Intend(Intent::CreateLabel("Work".to_owned())));
    engine.commit_soon();
    let (log, commit) = engine.driver.device.unsynced().unwrap();
    engine.synced(commit, Err(Notice::error("io", "the disk refused", "")));
    assert!(engine.driver.device.unsynced().is_some());
    // A later success of the same file is none.
    engine.synced(commit, Ok(()));
    assert!(engine.driver.device.unsynced().is_some());
    assert!(told.try_iter().any(|update| matches!(update, Update::Notice(_))));
    engine.sync_disk();
    assert!(engine.driver.device.unsynced().is_none() && engine.driver.saving == 0);
    assert!(!std::fs::metadata(log).is_ok_and(|log| log.len() > 0), "it is in the file");
}

#[test]
fn what_was_decided_is_put_on_disk_though_the_connection_ends_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let (mut engine, _told) = engine(dir.path());
    engine.request(Request::Intend(Intent::CreateLabel("Work".to_owned())));
    assert!(engine.driver.device.is_saving() && engine.due.is_some());
    let (_inputs, receiver) = mpsc::channel();
    let mut coming = Coming::new(&receiver);
    engine.link_events(LinkEvent::Down(SyncError::Timeout), &mut coming);
    engine.link_events(LinkEvent::Dialing, &mut coming);
    assert!(engine.due.is_some(), "nobody commits it");
    engine.commit();
    assert!(!engine.driver.device.is_saving() && engine.due.is_none());
}

#[test]
fn a_sync_that_failed_counts_though_another_of_the_same_said_it_was_done() {
    let dir = tempfile::tempdir().unwrap();
    let (mut engine, _told) = engine(dir.path());
    engine.driver.device.sync_later();
    engine.request(Request::Intend(Intent::CreateLabel("Work".to_owned())));
    engine.commit_soon();
    let (log, commit) = engine.driver.device.unsynced().unwrap();
    engine.driver.device.sync().unwrap();
    engine.synced(commit, Err(Notice::error("io", "the disk refused", "")));
    engine.sync_disk();
    assert!(!engine.driver.device.is_distrusted());
    assert!(!std::fs::metadata(log).is_ok_and(|log| log.len() > 0), "it is in the file");
}

#[test]
fn a_save_whose_commit_fails_stays_in_the_journal_and_is_told() {
    use crate::engine::writing::{JournalEntry, Writing};
    use crate::mail::compose::Draft;
    let dir = tempfile::tempdir().unwrap();
    let (mut engine, told) = engine(dir.path());
    let draft = Draft { body: "words".to_owned(), ..Draft::default() };
    let entry = JournalEntry { thread: None, from: None, draft: draft.clone() };
    let save = |thread, from| {
        let draft = Box::new(draft.clone());
        Request::Intend(Intent::SaveDraft { slot: Some(7), thread, from, draft })
    };
    engine.request(Request::Journal(Journal { slot: 7, entry: Some(Box::new(entry)) }));
    engine.request(save(None, None));
    engine.request(Request::Forget { slot: 7, losses: 0 });
    // SQLite gives a transaction up by itself when the disk is full.
    engine.driver.device.db.sql().execute_batch("ROLLBACK").unwrap();
    engine.commit();
    // Asked for before that was heard of.
    engine.request(Request::Forget { slot: 7, losses: 0 });
    engine.compose_on();
    let answers: Vec<Update> = told.try_iter().collect();
    assert!(answers.iter().any(|update| matches!(update, Update::Noted(7, Ok(())))));
    assert!(answers.iter().any(|update| matches!(update, Update::TakenBack(_))));
    assert!(!answers.iter().any(|update| matches!(update, Update::Kept(_))));
    assert_eq!(Writing::open(dir.path()).unwrap().journal().unwrap().len(), 1);
    // The next one may still name what is not there.
    let wrote = answers.into_iter().find_map(|update| match update {
        Update::Done(done) => done.wrote,
        _ => None,
    });
    let lost = wrote.unwrap();
    engine.request(save(Some(lost.thread.clone()), Some(lost.event)));
    engine.request(Request::Forget { slot: 7, losses: 1 });
    engine.commit();
    engine.compose_on();
    assert!(told.try_iter().any(|update| matches!(update, Update::Kept(7))));
    assert_eq!(Writing::open(dir.path()).unwrap().journal().unwrap(), []);
    let drafts = engine.driver.device.outgoing_rows().unwrap().drafts;
    assert_eq!((drafts.len(), drafts[0].snippet.as_str()), (1, "words"));
    assert_ne!(drafts[0].thread, lost.thread, "a store begins with its creation");
}

#[test]
fn each_draft_that_is_asked_for_is_answered_by_itself() {
    use crate::engine::drafts::tests::save_blob;
    use crate::mail::compose::Draft;
    let dir = tempfile::tempdir().unwrap();
    let (mut engine, told) = engine(dir.path());
    let device = &mut engine.driver.device;
    let elsewhere = crate::store::Blobs::name(b"elsewhere");
    let bad = device.put_own(b"no draft").unwrap();
    let good = device.put_own(&serde_json::to_vec(&Draft::default()).unwrap()).unwrap();
    let drafts = [elsewhere.clone(), bad, good].map(|hash| save_blob(device, hash));
    for (ticket, thread) in (1..).zip(drafts) {
        engine.request(Request::Draft { ticket, thread, save: None });
    }
    let answers = |told: &Receiver<Update>| {
        let line = |update| match update {
            Update::Draft(ticket, draft) => Some(format!("{ticket} {}", draft.is_some())),
            Update::Notice(notice) => Some(notice.code.to_owned()),
            _ => None,
        };
        told.try_iter().filter_map(line).collect::<Vec<_>>()
    };
    assert_eq!(answers(&told), ["2 false", "draft-unreadable", "3 true"]);
    engine.compose_on();
    assert_eq!(answers(&told), [""; 0], "the first waits");
    let lost = engine.driver.device.blob_part(&elsewhere, 0, None, Vec::new());
    assert!(matches!(lost, Err(EngineError::NoBlob(_))));
    engine.compose_on();
    engine.compose_on();
    assert_eq!(answers(&told), ["1 false", "draft-lost"]);
}

#[test]
fn a_backend_that_is_not_reached_is_said_once_until_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (mut engine, told) = engine(dir.path());
    let (_inputs, receiver) = mpsc::channel();
    let mut coming = Coming::new(&receiver);
    let mut said = |engine: &mut Engine, event| {
        engine.link_events(event, &mut coming);
        let notices = told.try_iter().filter(|update| matches!(update, Update::Notice(_)));
        (notices.count(), engine.driver.status().link)
    };
    let down = || LinkEvent::Down(SyncError::Timeout);
    let pong = || LinkEvent::Frame(Box::new(Frame::Pong { n: 1 }), Place::default());
    assert_eq!(said(&mut engine, LinkEvent::Dialing), (0, Link::Connecting));
    assert_eq!(said(&mut engine, down()), (1, Link::Offline));
    assert_eq!(said(&mut engine, LinkEvent::Dialing), (0, Link::Connecting));
    assert_eq!(said(&mut engine, down()), (0, Link::Offline), "the same outage");
    assert_eq!(said(&mut engine, pong()), (0, Link::Online { behind: 0 }));
    assert_eq!(said(&mut engine, down()), (1, Link::Offline), "another one");
    let (code, message) = ("token".to_owned(), "no".to_owned());
    let refused = LinkEvent::Refused(SyncError::Refused { code, message });
    assert_eq!(said(&mut engine, refused), (1, Link::Refused));
}
