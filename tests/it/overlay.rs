//! What a device shows of its own keys before anybody else knows of them.
//!
//! Invariant: what is done and what must be seen stands in one place; stories where they suffice.

use mailtui::bridge::Folder;
use mailtui::command::intent::{Change, Intent, Target};
use mailtui::engine::view::Window;
use mailtui::label::{Place, system, user_label};
use mailtui::mailbox::raw_row;
use mailtui::sync::Frame;

use crate::support::mail::many;
use crate::support::script::check;
use crate::support::world::World;

#[test]
fn own_keys_show_until_rows_do() {
    let stories: &[(&str, &str, &[&str])] = &[
        (
            "a label put on without a connection is there after a restart",
            "A label x T work; restart A; A shows T inbox +work",
            &["T inbox +work 1/1 | first x"],
        ),
        (
            "labels on and off again show the last",
            "A label x T work; A unlabel y T work; A shows T bare",
            &["T inbox 1/1 | first x y"],
        ),
        (
            "a key that the backend has, its answer lost, yields to a later key of another device",
            "A archive x T; push A lost; B inbox y T; push B; project; pull A; A shows T inbox",
            &["T inbox 1/1 | first x y"],
        ),
        (
            "a key that nobody knows of stands above what came from another device meanwhile",
            "A archive x T; B trash y T; push B; project; pull A; A shows T archive; push A",
            &["T archive 1/1 | first y x"],
        ),
        (
            "read marks what was shown, and a message that comes then is unread",
            "A read x T; A shows T 0/1; mail T later; project; pull A; A shows T 1/2",
            &["T inbox 1/2 | first later x"],
        ),
    ];
    for (what, story, end) in stories {
        check(what, story, end);
    }
}

#[test]
fn undo_shows_at_once() {
    let stories: &[(&str, &str, &[&str])] = &[
        (
            "of what rows show already, and over a restart",
            "A archive x T; sync; A shows T archive; A undo u T x; A shows T inbox; restart A; \
             A shows T inbox",
            &["T inbox 1/1 | first x u"],
        ),
        (
            "of what another device did",
            "A trash x T; sync; B undo u T x; B shows T inbox; restart B; B shows T inbox",
            &["T inbox 1/1 | first x u"],
        ),
        (
            "of what was never sent",
            "A trash x T; A undo u T x; A shows T inbox; restart A; A shows T inbox",
            &["T inbox 1/1 | first x u"],
        ),
    ];
    for (what, story, end) in stories {
        check(what, story, end);
    }
}

#[test]
fn undo_of_several_threads() {
    let stories: &[(&str, &str, &[&str])] = &[
        (
            "a label that was there before stays; each thread has one undo",
            "B label w U work; sync; A label x T,U work; sync; A undo u T,U x",
            &["T inbox 1/1 | first x u", "U inbox +work 1/1 | first w x u"],
        ),
        (
            "it reaches a thread before the key that it undoes does",
            "A archive x T,U; push A T; project; pull B; B undo u T x; push B; push A",
            &["T inbox 1/1 | first x u", "U inbox 1/1 | first x undo-x"],
        ),
    ];
    for (what, story, end) in stories {
        check(what, story, end);
    }
}

/// A backend and two devices, with so many conversations of one message, known to both devices.
fn with_conversations(count: i64) -> (World, Vec<Target>) {
    let mut world = World::new(&[("A", true), ("B", true)], 1);
    for mail in many("note", count) {
        world.mail(mail.bytes(), Folder::default());
    }
    world.sync();
    let most = usize::try_from(count).expect("small");
    let page = world.device(0).page(&system("inbox"), &Window::First, most).expect("readable");
    let targets = page.rows.into_iter().flat_map(|row| row.members).collect();
    (world, targets)
}

fn archive(targets: &[Target]) -> Intent {
    let changes = vec![Change::Place(Place::Archive)];
    Intent::Change { changes, targets: targets.to_vec() }
}

#[test]
fn nothing_is_left_behind_when_a_device_dies_between_the_list_and_the_reader() {
    let (mut world, targets) = with_conversations(1);
    world.device_mut(0).load(&targets[0].thread).expect("loads");
    world.sync();
    world.device_mut(0).intend(&archive(&targets)).expect("archives");
    world.save(0);
    world.send(0, Some);
    while world.deliver_up(0) {}
    world.project();
    world.pump();
    // The acknowledgement, and the row; not the event of the open thread.
    assert!(world.deliver_down(0) && world.deliver_down(0));
    assert_eq!(world.device(0).pending().expect("readable"), (0, 1), "the reader still needs it");
    world.restart_device(0);
    world.sync();
    let waits = world.device(0).pending().expect("readable");
    assert_eq!(waits, (0, 1), "the log that is kept does not hold it yet");
    world.device_mut(0).load(&targets[0].thread).expect("loads");
    world.sync();
    assert_eq!(world.device(0).pending().expect("readable"), (0, 0));
}

#[test]
fn a_page_never_shows_half_of_a_change() {
    let (mut world, targets) = with_conversations(200);
    world.cut(1);
    world.device_mut(0).intend(&archive(&targets)).expect("archives");
    world.save(0);
    world.send(0, Some);
    while world.deliver_up(0) {}
    world.project();
    world.connect(1);
    let (mut archived, mut pages) = (0, 0);
    while archived < targets.len() {
        assert!(pages < 20, "{archived} rows after {pages} pages");
        world.send(1, Some);
        while world.deliver_up(1) {}
        world.pump();
        while world.deliver_down(1) {
            pages += 1;
            archived = 0;
            for target in &targets {
                let row = raw_row(world.device(1).db(), &target.thread).expect("readable");
                let shown = row.expect("there").shown;
                let places = shown.labels.iter().filter_map(|label| Place::parse(label.as_str()));
                assert_eq!(places.collect::<Vec<_>>(), [shown.place], "page {pages}");
                archived += usize::from(shown.place == Place::Archive);
            }
        }
    }
}

#[test]
fn an_action_is_offered_as_a_whole_on_each_thread() {
    let (mut world, targets) = with_conversations(3);
    // One event first, so that a limit on events in a frame falls inside an action's pair.
    let star = Intent::Change { changes: vec![Change::Star(true)], targets: targets[..1].to_vec() };
    world.device_mut(0).intend(&star).expect("stars");
    let label = Change::Label(user_label("work"), true);
    let changes = vec![label, Change::Place(Place::Archive)];
    let again: Vec<Target> = targets.iter().cycle().take(1_200).cloned().collect();
    for targets in again.chunks(3) {
        let (changes, targets) = (changes.clone(), targets.to_vec());
        world.device_mut(0).intend(&Intent::Change { changes, targets }).expect("archives");
    }
    world.save(0);
    let mut split = Vec::new();
    for frame in world.device_mut(0).outgoing().expect("speaks") {
        let Frame::Push { stores } = frame else { continue };
        for push in stores {
            let last = push.events.last().and_then(|event| event.action.as_ref());
            let last = last.map(|action| action.id.clone());
            let pair =
                push.events.iter().filter(|e| e.action.as_ref().map(|a| &a.id) == last.as_ref());
            split.extend((pair.count() == 1).then_some(push.store));
        }
    }
    assert!(split.is_empty(), "half of an action was offered on {split:?}");
}
