//! Drafts whose text cannot be opened.

use super::*;
use crate::clock::SystemClock;

/// Saves a draft whose text lies in the blob `hash`; its store.
pub(in crate::engine) fn save_blob(device: &mut Device, hash: BlobHash) -> ThreadId {
    let mut random = [0; 13];
    device.clock.random(&mut random);
    let thread = ThreadId::of_draft(&random);
    let saved = DraftSaved {
        from: None,
        at: 1,
        draft: None,
        blob: Some(hash),
        attachments: Vec::new(),
        to: String::new(),
        subject: "Long".to_owned(),
        snippet: String::new(),
        raw: None,
    };
    let action = device.action("draft");
    device.put(&thread, name::DRAFT_SAVED, &Args::of(&saved), &action).unwrap();
    device.commit().unwrap();
    thread
}

#[test]
fn a_text_that_cannot_be_read_is_no_empty_draft() {
    let dir = tempfile::tempdir().unwrap();
    let mut device = Device::open(dir.path(), true, Box::new(SystemClock)).unwrap();
    for bytes in [&b"no draft"[..], b"", b"[1, 2]"] {
        let hash = device.put_own(bytes).unwrap();
        let thread = save_blob(&mut device, hash.clone());
        let opened = device.open_draft(&thread, None);
        assert!(matches!(opened, Err(EngineError::Unreadable(_))), "{opened:?}");
        let kept = device.writing().unwrap().get(&hash).unwrap();
        assert_eq!(kept.as_deref(), Some(bytes), "it stays");
        assert_eq!(device.draft_history(&thread).unwrap().len(), 1, "and is listed");
    }
    let hash = device.put_own(&serde_json::to_vec(&Draft::default()).unwrap()).unwrap();
    let thread = save_blob(&mut device, hash);
    assert!(matches!(device.open_draft(&thread, None), Ok(Ok(Some(_)))));
}
