//! A message that went to some of its recipients only.

use super::*;
use crate::backend::outbox::parcel::build_message;

fn not(address: &str, lasting: bool) -> NotTaken {
    NotTaken { address: address.to_owned(), words: "451 later".to_owned(), lasting }
}

#[test]
fn who_was_refused_for_now_gets_the_same_bytes_and_the_others_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    let to = "Ann <ann@x.org>, Bob <bob@x.org>, eve@x.org, zed@x.org";
    scene.write("a", &letter(to));
    scene.queue("a", "q", |queued| (queued.hold, queued.partial) = (0, true));
    let due = scene.due().remove(0);
    assert!(scene.claim(&due));
    let refused = vec![not("bob@x.org", false), not("eve@x.org", true), not("zed@x.org", false)];
    assert_eq!(scene.settle(&due, Given::Taken { refused: refused.clone() }), Told::Sent(refused));
    scene.commit();
    let sent = bytes(&due);
    assert_eq!(scene.due().len(), 0, "it rests first");

    scene.now += 60;
    let rest = scene.due().remove(0);
    assert_eq!((rest.draft.to.as_str(), rest.of.partial), ("Bob <bob@x.org>, zed@x.org", true));
    assert_ne!(rest.of.message_id, due.of.message_id, "nobody takes it for what was sent");
    let blobs = scene.backend.outbox_blobs(&super::super::parcel::attached(&rest)).unwrap();
    let account = "[accounts.ann]\naddress = \"ann@example.org\"\npassword = { keyring = true }\n\
                   imap = \"imaps://i.example.org\"\nsmtp = \"smtps://s.example.org\"\n";
    let accounts = crate::account::Accounts::parse(account, Path::new("a.toml")).unwrap();
    let built = build_message(&rest, &accounts.list[0], blobs).unwrap();
    assert_eq!(built.bytes, sent);
    assert_eq!(built.envelope_to, ["bob@x.org", "zed@x.org"]);

    // It was stopped in the midst: nobody knows, and the others are not asked for.
    assert!(scene.claim(&rest));
    scene.settle(&rest, Given::Taken { refused: vec![not("zed@x.org", false)] });
    scene.commit();
    scene.now += 60;
    let last = scene.due().remove(0);
    assert_eq!(last.draft.to, "zed@x.org");
    assert!(scene.claim(&last));
    scene.settle(&last, taken());
    scene.commit();
    scene.now += 3_600;
    assert_eq!(scene.due().len(), 0);
    let (_, state) = thread_of(&scene.backend, &due.of.message_id);
    assert_eq!(state.messages.len(), 1, "one message of ours");
    let (_, cells) = Loaded::of(&scene.backend.db, &Scene::store("a")).unwrap().state.trail();
    let outgoing = cells.outgoing.unwrap();
    assert_eq!((outgoing.items.len(), outgoing.partly.len(), outgoing.drafts.len()), (0, 1, 0));
    let names: Vec<_> =
        outgoing.refused(&due.queued).iter().map(|to| (to.address.as_str(), to.retried)).collect();
    assert_eq!(names, [("bob@x.org", true), ("eve@x.org", false), ("zed@x.org", true)]);
}

#[test]
fn what_became_of_the_rest_is_as_open_as_of_any_message() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    scene.write("a", &letter("ann@x.org, bob@x.org"));
    scene.queue("a", "q", |queued| (queued.hold, queued.partial) = (0, true));
    let due = scene.due().remove(0);
    assert!(scene.claim(&due));
    scene.settle(&due, Given::Taken { refused: vec![not("bob@x.org", false)] });
    scene.commit();
    scene.now += 60;
    let rest = scene.due().remove(0);
    assert!(scene.claim(&rest));
    scene.settle(&rest, Given::Unknown(Why::new("cut", "the line was cut")));
    scene.commit();
    scene.now += 100_000;
    assert_eq!(scene.due().len(), 0, "never again by itself");
    let loaded = Loaded::of(&scene.backend.db, &Scene::store("a")).unwrap();
    assert!(matches!(loaded.item(&rest.queued).unwrap().stage, Stage::Unknown { .. }));
}
