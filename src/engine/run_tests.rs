//! The engine's thread, stepped by hand.

use super::*;
use crate::clock::SystemClock;

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
