//! What is damaged on disk holds up nothing else, and is told with its reason.

use super::*;
use crate::backend::ingest::prepare;
use crate::bridge::Incoming;
use crate::store::StoreError;

/// A draft that answers a message, claimed; the conversation of that message.
fn answer_claimed(scene: &mut Scene) -> (Due, ThreadId) {
    let raw = b"From: bob@example.org\r\nTo: ann@example.org\r\nMessage-ID: <orig@x.org>\r\n\
        Subject: Lunch\r\nDate: Tue, 14 Nov 2023 00:00:00 +0000\r\n\r\nhi\r\n";
    let folder = crate::bridge::Folder::default();
    let incoming = Incoming { raw: raw.to_vec(), folder, flags: None, file_time: None };
    scene.backend.ingest(vec![prepare(incoming, START)], START).unwrap();
    let (thread, state) = thread_of(&scene.backend, "orig@x.org");
    let first = state.messages[0].message.message.clone();
    let in_reply_to = Some("orig@x.org".to_owned());
    let draft = Draft { answers: vec![first], in_reply_to, ..letter("bob@example.org") };
    scene.write("a", &draft);
    (scene.claimed("a"), thread)
}

fn break_log(scene: &mut Scene, store: &StoreId) {
    scene.commit();
    let sql = "UPDATE stores SET head = head + 1 WHERE id = ?1";
    assert_eq!(scene.backend.db.sql().execute(sql, [store.as_str()]).unwrap(), 1);
    assert!(matches!(Loaded::of(&scene.backend.db, store), Err(StoreError::Broken { .. })));
}

/// Changes the bytes of all blobs.
fn break_blobs(scene: &mut Scene) {
    scene.commit();
    let changed = scene.backend.db.sql().execute("UPDATE blobs SET data = x'00'", []).unwrap();
    assert!(changed > 0);
}

#[test]
fn what_was_sent_is_settled_though_what_it_answers_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    let (due, thread) = answer_claimed(&mut scene);
    break_log(&mut scene, &StoreId::thread(&thread));
    scene.settle(&due, taken());
    scene.commit();
    assert_eq!(scene.told("a"), ["SendClaimed", "MessageSent"]);
    assert!(Index::holds(&scene.backend.db, "a-q@example.org").unwrap());
    assert!(scene.due().is_empty());
}

#[test]
fn what_was_sent_is_settled_though_its_own_log_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    let (due, thread) = answer_claimed(&mut scene);
    scene.write("b", &letter("bob@example.org"));
    let other = scene.claimed("b");
    for (draft, due, given) in [("a", &due, taken()), ("b", &other, later())] {
        break_log(&mut scene, &Scene::store(draft));
        scene.settle(due, given);
        scene.commit();
        assert_eq!(Outbox::get(&scene.backend.db, &due.queued).unwrap().unwrap().due, None);
        assert!(!scene.backend.outbox.holds(&due.queued), "in nobody's hands");
    }
    assert!(scene.due().is_empty());
    // It is our own mail all the same, and what it answers is marked.
    let (own, state) = thread_of(&scene.backend, "a-q@example.org");
    assert_eq!((own, state.messages.len()), (thread, 2));
    assert!(state.messages[0].message.flags.answered);
    assert!(!Index::holds(&scene.backend.db, "b-q@example.org").unwrap(), "it was not sent");
    // Met among sent mail, that is not told of either.
    let found = crate::imap::Filed::There;
    scene.backend.edge_filed("a-q", &found, scene.now).unwrap();
    scene.commit();
    // The log is mended: that it was sent is known by its Message-ID.
    let sql = "UPDATE stores SET head = head - 1 WHERE id LIKE 'thread-draft-%'";
    assert_eq!(scene.backend.db.sql().execute(sql, []).unwrap(), 2);
    Outbox::stir_all(&scene.backend.db, scene.now).unwrap();
    assert!(scene.due().is_empty());
    assert_eq!(scene.told("a"), ["SendClaimed", "MessageSent found"]);
    assert_eq!(scene.told("b"), ["SendClaimed", "Unknown crashed"]);
}

#[test]
fn a_damaged_text_or_attachment_is_a_failure_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    let text = serde_json::to_vec(&letter("bob@example.org")).unwrap();
    let blob = Blobs::pack(&text);
    scene.backend.begin().unwrap();
    Blobs::put(&scene.backend.db, &blob).unwrap();
    scene.write_as("a", |saved| (saved.draft, saved.blob) = (None, Some(blob.hash().clone())));
    scene.queue("a", "q", |queued| queued.hold = 0);
    scene.write("b", &letter("bob@example.org"));
    scene.queue("b", "q", |queued| queued.hold = 0);
    assert_eq!(scene.due().len(), 2, "all is well");
    break_blobs(&mut scene);
    let due = scene.due();
    assert_eq!(due.iter().map(|due| due.queued.as_str()).collect::<Vec<_>>(), ["b-q"]);
    assert_eq!(scene.told("a"), ["Permanent draft-missing"]);
    let blobs = scene.backend.outbox_blobs(&[blob.hash().clone()]).unwrap();
    assert_eq!(blobs, [], "it is as if it were not here");
}

#[test]
fn what_was_sent_is_settled_though_its_text_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    let text = serde_json::to_vec(&letter("bob@example.org")).unwrap();
    let blob = Blobs::pack(&text);
    scene.backend.begin().unwrap();
    Blobs::put(&scene.backend.db, &blob).unwrap();
    scene.write_as("a", |saved| (saved.draft, saved.blob) = (None, Some(blob.hash().clone())));
    let due = scene.claimed("a");
    break_blobs(&mut scene);
    scene.settle(&due, taken());
    scene.commit();
    assert_eq!(scene.told("a"), ["SendClaimed", "MessageSent"]);
    // Nor is there a copy to file, and other copies do not wait for it.
    let sql = "UPDATE blobs SET data = x'00'";
    scene.backend.db.sql().execute(sql, []).unwrap();
    assert_eq!(scene.backend.edge_letter("a-q").unwrap(), None);
    assert!(scene.backend.edge_letters("ann", false).unwrap().is_empty());
}
