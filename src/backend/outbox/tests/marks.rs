//! What a message that was sent leaves on those that it answers and forwards.
//!
//! Invariant: a mark is put wherever the message came from, a file as well as a server.

use super::{Scene, letter, taken};
use crate::backend::thread_client::state_of;
use crate::id::StoreId;
use crate::mail::compose::Draft;

#[test]
fn what_is_forwarded_is_marked_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(dir.path());
    let known = crate::backend::tests::mail("known", &[]);
    let thread = crate::backend::tests::take_in(&mut scene.backend, vec![known]).remove(0);
    let store = StoreId::thread(&thread);
    let first = |scene: &Scene| state_of(&scene.backend.db, &store).unwrap().messages[0].clone();
    let message = first(&scene).message.message;
    let forward = Draft { forwards: vec![message], near: vec![thread], ..letter("a@example.org") };
    scene.write("a", &forward);
    scene.queue("a", "q", |_| ());
    scene.now += 10;
    let due = scene.due().remove(0);
    assert!(scene.claim(&due));
    scene.settle(&due, taken());
    scene.commit();
    let flags = first(&scene).message.flags;
    assert!(flags.forwarded && !flags.answered);
}
