//! Messages over the ends of processes, and over backups that are put back.

use super::*;
use crate::backend::cut::begin_again;
use crate::clock::Clock;

struct Later;

impl Clock for Later {
    fn now_ms(&self) -> i64 {
        (START + 50) * 1_000
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(9);
    }
}

#[test]
fn what_a_process_that_died_had_claimed_is_of_unknown_end_and_stays_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    scene.write("a", &letter("bob@example.org"));
    let due = scene.claimed("a");
    // A claim that was never on disk was none.
    scene.backend.roll_back();
    scene.backend.outbox_let_go(&due.queued).unwrap();
    drop(scene);
    let mut scene = Scene::new(dir.path());
    assert!(scene.log("a").is_empty(), "nor was what was queued in the same transaction");
    scene.write("a", &letter("bob@example.org"));
    scene.queue("a", "q", |queued| queued.hold = 0);
    scene.commit();
    let due = scene.due().remove(0);
    assert!(scene.claim(&due));
    scene.backend.roll_back();
    drop(scene);
    let mut scene = Scene::new(dir.path());
    let due = scene.due().remove(0);
    assert!(scene.claim(&due));
    scene.commit();
    for _ in 0..3 {
        drop(scene);
        scene = Scene::new(dir.path());
        assert!(scene.due().is_empty());
        scene.commit();
        assert_eq!(scene.told("a"), ["SendClaimed", "Unknown crashed"]);
    }
    // It is met again among sent mail.
    let doubtful = scene.backend.edge_letters("ann", false).unwrap();
    assert_eq!((doubtful.len(), doubtful[0].file), (1, false));
    assert!(scene.backend.edge_letters("ann", true).unwrap().is_empty());
    assert!(scene.backend.edge_letters("bob", false).unwrap().is_empty(), "another's");
    for (filed, told) in [
        (crate::imap::Filed::Absent, 2),
        (crate::imap::Filed::There, 3),
        (crate::imap::Filed::There, 3),
    ] {
        scene.backend.edge_filed(&doubtful[0].name, &filed, scene.now).unwrap();
        scene.commit();
        assert_eq!(scene.told("a").len(), told);
    }
    assert_eq!(scene.told("a")[2], "MessageSent found");
    let (_, state) = thread_of(&scene.backend, "a-q@example.org");
    assert!(state.messages[0].message.sent);
    scene.backend.drain().unwrap();
    assert_eq!(scene.backend.doctor().unwrap(), []);
}

#[test]
fn what_was_sent_since_a_backup_is_not_sent_again_by_its_return() {
    let dir = tempfile::tempdir().unwrap();
    let back = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    scene.write("a", &letter("bob@example.org"));
    scene.queue("a", "q", |_| ());
    scene.commit();
    let cut = scene.backend.cut().unwrap();
    assert!(cut.copy_to(back.path(), &mut |_| true).unwrap());
    drop(cut);
    // Another that is queued only after the backup, and both are sent.
    scene.write("b", &letter("bob@example.org"));
    scene.queue("b", "q", |_| ());
    scene.now += 10;
    for due in scene.due() {
        assert!(scene.claim(&due));
        scene.settle(&due, taken());
    }
    scene.commit();
    let wrote = std::mem::take(&mut scene.wrote);
    let sent = scene.log("b");
    drop(scene);

    begin_again(back.path(), &Later).unwrap();
    let mut scene = Scene::new(back.path());
    scene.now += 50;
    assert!(scene.due().is_empty());
    assert_eq!(scene.told("a"), ["Unknown restored"]);
    // The device offers what it has; and one that was never offered before.
    let offer = |scene: &mut Scene, events: Vec<NewEvent>, again| {
        let push = StorePush { store: Scene::store("b"), expect: None, events, again };
        scene.backend.push(1, vec![push]).unwrap();
        scene.commit();
    };
    let of_b = wrote.into_iter().filter(|(store, _)| *store == Scene::store("b"));
    offer(&mut scene, of_b.map(|(_, event)| event).collect(), true);
    scene.now += 100;
    assert!(scene.due().is_empty());
    assert_eq!(scene.told("b"), ["Unknown restored"]);
    scene.write("c", &letter("bob@example.org"));
    scene.queue("c", "q", |queued| queued.hold = 0);
    let due = scene.due();
    assert_eq!(due.iter().map(|due| due.queued.as_str()).collect::<Vec<_>>(), ["c-q"]);
    // Nobody knows who sent it: every account's sent mail is looked through.
    assert_eq!(scene.backend.edge_letters("any", false).unwrap().len(), 2);
    // A device has kept the log of the ended life: then it is known.
    offer(&mut scene, sent.into_iter().map(|event| event.event).collect(), true);
    assert!(scene.due().iter().all(|due| due.queued.as_str() == "c-q"));
    assert_eq!(scene.fate("b", "q"), Fate::Sent);
    // And the other by its user, who knows what that means.
    scene.queue("a", "q2", |queued| {
        queued.hold = 0;
        queued.again = Some(text_id("a-q"));
        queued.message_id = "a-q@example.org".to_owned();
    });
    assert_eq!(scene.due().len(), 2);
    // Unless it is met meanwhile.
    let raw = b"From: ann@example.org\r\nMessage-ID: <a-q@example.org>\r\n\r\nAt noon?\r\n";
    let met = own(raw.to_vec(), 1);
    scene.backend.ingest(vec![met], scene.now).unwrap();
    scene.commit();
    scene.backend.outbox_looked_at().unwrap();
    Outbox::stir_all(&scene.backend.db, scene.now).unwrap();
    scene.due();
    assert_eq!(scene.told("a").last().unwrap(), "MessageSent found");
    assert_eq!(scene.fate("a", "q2"), Fate::Sent);
}

#[test]
fn a_copy_is_filed_once_and_its_failure_sends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    scene.write("a", &letter("bob@example.org"));
    let due = scene.claimed("a");
    scene.settle(&due, taken());
    scene.commit();
    let letters = scene.backend.edge_letters("ann", true).unwrap();
    assert_eq!((letters.len(), letters[0].file), (1, true));
    let name = letters[0].name.clone();
    assert_eq!(scene.backend.edge_letter(&name).unwrap().unwrap(), bytes(&due));
    let told = scene.told("a");
    let refused = crate::imap::Filed::Refused;
    for fresh in [0, 0] {
        scene.backend.edge_filed(&name, &refused, scene.now).unwrap();
        assert_eq!(scene.backend.edge_letters("ann", true).unwrap().len(), fresh);
        assert_eq!(scene.backend.edge_letters("ann", false).unwrap().len(), 1);
    }
    scene.backend.edge_filed(&name, &crate::imap::Filed::Done, scene.now).unwrap();
    assert!(scene.backend.edge_letters("ann", false).unwrap().is_empty());
    assert_eq!(scene.backend.edge_letter(&name).unwrap(), None);
    assert_eq!(scene.told("a"), told);
    assert!(scene.due().is_empty());
    for wrong in ["", "no id of ours", "../x"] {
        scene.backend.edge_filed(wrong, &refused, scene.now).unwrap();
        assert_eq!(scene.backend.edge_letter(wrong).unwrap(), None);
    }
}

#[test]
fn each_whose_end_nobody_knows_is_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    let all = super::super::filing::A_LOOK * 2 + 3;
    for n in 0..all {
        let draft = format!("d{n}");
        scene.write(&draft, &letter("bob@example.org"));
        let due = scene.claimed(&draft);
        scene.settle(&due, Given::Unknown(Why::new("cut", "?")));
    }
    scene.commit();
    let mut asked: Vec<String> = Vec::new();
    for _ in 0..3 {
        let letters = scene.backend.edge_letters("ann", false).unwrap();
        asked.extend(letters.into_iter().map(|letter| letter.name));
    }
    let names: BTreeSet<&String> = asked.iter().collect();
    assert_eq!((names.len(), asked.len()), (all, super::super::filing::A_LOOK * 3));
}
