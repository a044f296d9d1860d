//! Conversations joined and split by hand: from the command line, on two devices, and against what
//! mail says of them.
//!
//! Invariant: nothing is moved: each thread keeps its id, messages and place; the row shows them
//! together or apart, counted once. What was split by hand stays split until it is joined by hand
//! or the split is undone.

use std::collections::BTreeSet;

use mailtui::bridge::{Folder, Outcome};
use mailtui::command::intent::{Change, Intent};
use mailtui::engine::view::Window;
use mailtui::id::{ActionId, ThreadId};
use mailtui::label::{Place, system};
use mailtui::mailbox;
use serde_json::Value;

use crate::support::binary::Home;
use crate::support::mail::{Mail, mail, mbox, write};
use crate::support::world::World;

/// A home with threads of these messages.
fn home(mails: &[Mail]) -> Home {
    let home = Home::new();
    write(&home.path("box"), &mbox(mails));
    home.import(&home.path("box"));
    home
}

/// How many messages each row of a list has, sorted.
fn rows(home: &Home, label: &str) -> Vec<u64> {
    let count = |row: &Value| row["messageCount"].as_u64().expect("a count");
    let mut rows: Vec<u64> = home.list(label).iter().map(count).collect();
    rows.sort_unstable();
    rows
}

#[test]
fn the_command_line_joins_and_splits_and_undo_takes_each_back() {
    let home = home(&[mail("a"), mail("b").at(1), mail("c").at(2), mail("d").at(3)]);
    let ids = ["a", "b", "c", "d"].map(|name| home.thread(name));
    let args = |verb: &str, of: &[usize]| -> Vec<String> {
        std::iter::once(verb.to_owned()).chain(of.iter().map(|at| ids[*at].clone())).collect()
    };
    for (verb, of, after) in [
        ("link", &[0, 1][..], &[1, 1, 2][..]),
        // Through any member.
        ("link", &[1, 2], &[1, 3]),
        ("link", &[0, 2], &[1, 3]),
        ("unlink", &[1], &[1, 1, 2]),
        ("unlink", &[1], &[1, 1, 2]),
        ("link", &[0, 1, 2, 3], &[4]),
        ("unlink", &[0, 1, 2, 3], &[1, 1, 1, 1]),
    ] {
        let before = rows(&home, "inbox");
        let done = home.json(&args(verb, of));
        assert_eq!(rows(&home, "inbox"), after, "{verb} {of:?}");
        home.assert_healthy(&format!("{verb} {of:?}"));
        let changed = before != after;
        assert_eq!(done[0]["action"].is_string(), changed, "{done:?}");
        if changed {
            home.run(&["undo"]).ok();
            assert_eq!(rows(&home, "inbox"), before, "undo of {verb} {of:?}");
            home.assert_healthy("undo");
            home.run(&["redo"]).ok();
            assert_eq!(rows(&home, "inbox"), after, "redo of {verb} {of:?}");
        }
    }
    home.run(&["link", &ids[0]]).exited(2);
    home.run(&["link", &ids[0], "no-such-thread"]).exited(3);
    home.run(&["unlink", "no-such-thread"]).exited(3);
}

#[test]
fn the_one_that_held_others_leaves_and_they_stay_together() {
    let home = home(&[mail("a"), mail("b").at(1), mail("c").at(2), mail("d").at(3)]);
    let mut ids = home.threads("inbox");
    ids.sort();
    // By hand, all are linked with the least.
    home.run(&[&["link".to_owned()], &ids[..]].concat()).ok();
    assert_eq!(rows(&home, "inbox"), [4]);
    home.run(&["unlink", &ids[0]]).ok();
    assert_eq!(rows(&home, "inbox"), [1, 3]);
    home.assert_healthy("the least one left");
    home.run(&["undo"]).ok();
    assert_eq!(rows(&home, "inbox"), [4]);
}

#[test]
fn an_intent_goes_to_all_members_and_only_while_they_are_joined() {
    let home = home(&[mail("a"), mail("b").at(1)]);
    let ids = home.threads("inbox");
    home.run(&["link", &ids[0], &ids[1]]).ok();
    home.run(&["archive", &ids[1]]).ok();
    assert_eq!((rows(&home, "inbox"), rows(&home, "archive")), (vec![], vec![2]));
    assert_eq!(home.show(&ids[0])["messages"].as_array().map(Vec::len), Some(2));
    home.run(&["unlink", &ids[1]]).ok();
    assert_eq!(rows(&home, "archive"), [1, 1]);
    home.run(&["trash", &ids[1]]).ok();
    assert_eq!((rows(&home, "archive"), rows(&home, "trash")), (vec![1], vec![1]));
    // The first of inbox, archive, spam, trash that a member is in.
    home.run(&["link", &ids[0], &ids[1]]).ok();
    assert_eq!((rows(&home, "archive"), rows(&home, "trash")), (vec![2], vec![]));
    home.assert_healthy("joined over two places");
}

/// Two devices and mail of threads `a` and `b`, each known to both.
struct Two {
    world: World,
    a: ThreadId,
    b: ThreadId,
}

impl Two {
    fn new() -> Self {
        let mut world = World::new(&[("A", false), ("B", true)], 5);
        let mut threads = ["a", "b"].map(|name| Some(take(&mut world, &mail(name))));
        world.sync();
        let (a, b) = (threads[0].take().expect("there"), threads[1].take().expect("there"));
        Self { world, a, b }
    }

    fn intend(&mut self, at: usize, intent: &Intent) -> Option<ActionId> {
        self.world.clock.turn(1_000);
        let done = self.world.device_mut(at).intend(intent).expect("decided");
        self.world.save(at);
        done.action
    }

    fn both(&self) -> Vec<ThreadId> {
        vec![self.a.clone(), self.b.clone()]
    }

    /// How many rows each device shows, once all is said; and nothing is wrong anywhere.
    fn rows(&mut self) -> usize {
        self.world.sync();
        let anywhere = system("anywhere");
        let rows = |world: &World, at| {
            let page = world.device(at).page(&anywhere, &Window::First, 9).expect("readable");
            let roots: BTreeSet<ThreadId> = page.rows.iter().map(|r| r.thread.clone()).collect();
            assert_eq!(world.device(at).count(&anywhere).expect("readable").0, roots.len() as u64);
            roots
        };
        assert_eq!(rows(&self.world, 0), rows(&self.world, 1));
        for at in [0, 1] {
            let found = self.world.device_mut(at).doctor(true).expect("readable");
            assert_eq!(found, [], "device {at}");
        }
        let dump = |world: &World, at| mailbox::dump(world.device(at).db()).expect("readable");
        assert_eq!(dump(&self.world, 0), dump(&self.world, 1));
        assert_eq!(self.world.backend().doctor().expect("readable"), []);
        rows(&self.world, 0).len()
    }
}

/// Takes a message in; the thread that it is in.
fn take(world: &mut World, message: &Mail) -> ThreadId {
    match world.mail(message.bytes(), Folder::default()) {
        Outcome::Imported { thread, .. } => thread,
        other => panic!("{other:?}"),
    }
}

/// A message that answers both `a` and `b`.
fn answer_to_both(name: &str) -> Mail {
    mail(name).at(9).reply_to("a", "b")
}

#[test]
fn mail_joins_what_it_answers() {
    let mut two = Two::new();
    assert_eq!(two.rows(), 2);
    take(&mut two.world, &answer_to_both("both"));
    assert_eq!(two.rows(), 1);
}

#[test]
fn what_was_split_by_hand_is_not_joined_by_later_mail_but_by_undo() {
    let mut two = Two::new();
    take(&mut two.world, &answer_to_both("both"));
    assert_eq!(two.rows(), 1);
    let of = vec![two.b.clone()];
    let split = two.intend(1, &Intent::Split(of));
    assert_eq!(two.rows(), 2);
    take(&mut two.world, &answer_to_both("again"));
    assert_eq!(two.rows(), 2);
    two.intend(0, &Intent::Undo(split));
    assert_eq!(two.rows(), 1);
}

#[test]
fn a_third_thread_does_not_join_what_was_split() {
    let mut two = Two::new();
    let intent = Intent::Join(two.both());
    two.intend(0, &intent);
    assert_eq!(two.rows(), 1);
    let of = vec![two.a.clone()];
    two.intend(1, &Intent::Split(of));
    assert_eq!(two.rows(), 2);
    // It names one that is to come; that one answers both.
    take(&mut two.world, &mail("third").at(5).reply_to("late", "late"));
    take(&mut two.world, &answer_to_both("late"));
    assert_eq!(two.rows(), 2, "with one of the two");
    // By hand all is possible.
    let intent = Intent::Join(two.both());
    two.intend(0, &intent);
    assert_eq!(two.rows(), 1);
    take(&mut two.world, &answer_to_both("last"));
    assert_eq!(two.rows(), 1);
}

#[test]
fn both_devices_do_something_else_and_agree() {
    let mut two = Two::new();
    let intent = Intent::Join(two.both());
    let join = two.intend(0, &intent);
    assert_eq!(two.rows(), 1);
    // A splits while B, which has not heard of it, undoes the join.
    let of = vec![two.b.clone()];
    let split = two.intend(0, &Intent::Split(of));
    two.intend(1, &Intent::Undo(join));
    assert_eq!(two.rows(), 2);
    two.intend(1, &Intent::Undo(split));
    assert_eq!(two.rows(), 2, "nothing joins them any more");
}

#[test]
fn a_join_made_offline_shows_when_it_is_projected_and_undone_before_that_never_does() {
    let mut two = Two::new();
    let intent = Intent::Join(two.both());
    let join = two.intend(0, &intent);
    let inbox = system("inbox");
    let shown = |two: &Two| {
        let page = two.world.device(0).page(&inbox, &Window::First, 9).expect("readable");
        page.rows.len()
    };
    assert_eq!(shown(&two), 2);
    two.world.restart_device(0);
    assert_eq!(shown(&two), 2);
    // A key in between is for the thread of its row.
    let row = two.world.device(0).row(&two.a).expect("readable").expect("there");
    let changes = vec![Change::Place(Place::Archive)];
    two.intend(0, &Intent::Change { changes, targets: row.members });
    two.intend(0, &Intent::Undo(join));
    assert_eq!(two.rows(), 2);
    assert_eq!(shown(&two), 1, "the other is archived");
}
