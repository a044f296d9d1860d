//! Labels by hand: made, renamed, recoloured, deleted, undone; on one device and on two.
//!
//! Invariant: what the command line says of labels is what every device shows in the end; no change
//! to a label changes a conversation.

use mailtui::bridge::Folder;
use mailtui::command::intent::Intent;
use mailtui::id::{ActionId, LabelId};
use mailtui::label::user_label;
use mailtui::mailbox;
use serde_json::{Value, json};

use crate::support::binary::{Home, count, one, text};
use crate::support::mail::{mail, mbox, write};
use crate::support::world::World;

/// A home with three threads, `a` to `c`.
fn home() -> Home {
    let home = Home::new();
    write(&home.path("box"), &mbox(&[mail("a"), mail("b").at(1), mail("c").at(2)]));
    home.import(&home.path("box"));
    home
}

/// The user's labels as `name:threads`, or `name/colour:threads`.
fn labels(home: &Home) -> Vec<String> {
    let user = |label: &Value| label["type"] == "user";
    let said = |label: &Value| {
        let color = label["color"].as_str().map(|color| format!("/{color}")).unwrap_or_default();
        format!("{}{color}:{}", text(label, "name"), count(label, "threadCount"))
    };
    home.json(&["labels"]).iter().filter(|label| user(label)).map(said).collect()
}

fn label_on(home: &Home, label: &str, subjects: &[&str]) {
    let mut args = vec!["label".to_owned()];
    args.extend(subjects.iter().map(|subject| home.thread(subject)));
    args.push(format!("+{label}"));
    home.run(&args).ok();
}

#[test]
fn every_verb_is_seen_and_undone() {
    let home = home();
    label_on(&home, "Work", &["a", "b"]);
    let done = one(home.json(&["labels", "create", "Big Plans", "--color", "Bright Blue"]));
    assert!(done["action"].is_string() && done["pending"] == 0, "{done}");
    for (verb, after, undone) in [
        (
            &["create", "More"][..],
            &["Big Plans/bright-blue:0", "More:0", "Work:2"][..],
            &["Big Plans/bright-blue:0", "Work:2"][..],
        ),
        (
            &["rename", "work", "Job"],
            &["Big Plans/bright-blue:0", "Job:2"],
            &["Big Plans/bright-blue:0", "Work:2"],
        ),
        (
            &["recolor", "WORK", "red"],
            &["Big Plans/bright-blue:0", "Work/red:2"],
            &["Big Plans/bright-blue:0", "Work:2"],
        ),
        (
            &["recolor", "Big Plans", "none"],
            &["Big Plans:0", "Work:2"],
            &["Big Plans/bright-blue:0", "Work:2"],
        ),
        (&["delete", "Work"], &["Big Plans/bright-blue:0"], &["Big Plans/bright-blue:0", "Work:2"]),
    ] {
        home.run(&[&["labels"], verb].concat()).ok();
        assert_eq!(labels(&home), after, "{verb:?}");
        home.assert_healthy(&verb.join(" "));
        home.run(&["undo"]).ok();
        assert_eq!(labels(&home), undone, "undo of {verb:?}");
        home.assert_healthy("undo");
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_a_hint() {
    let home = home();
    for (args, code, word) in [
        (&["rename", "inbox", "In"][..], 2, "system-label"),
        (&["rename", "a", "In"], 3, "no-label"),
        (&["delete", "Starred"], 2, "system-label"),
        (&["recolor", "trash", "red"], 2, "system-label"),
        (&["create", "Inbox"], 2, "system-label"),
        (&["create", "  "], 2, "no-name"),
        (&["create", "x", "--color", "mauve"], 2, "color"),
        (&["delete", "none\u{202e}"], 3, "no-label"),
    ] {
        let run = home.run(&[&["labels", "--json"], args].concat()).exited(code);
        let error = run.error();
        assert_eq!(error["code"], word, "{args:?}: {error}");
        assert!(!text(&error, "hint").is_empty(), "{args:?}");
    }
    assert_eq!(labels(&home), [""; 0]);
}

#[test]
fn a_deleted_label_is_hidden_and_comes_back_with_its_conversations() {
    let home = Home::new();
    let work = |name: &str| mail(name).set("X-Keywords", "Work");
    write(&home.path("box"), &mbox(&[work("a"), work("b").at(1), mail("c").at(2)]));
    home.import(&home.path("box"));
    let before = home.list("anywhere");
    let said = home.run(&["labels", "delete", "Work"]).ok();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("2 conversations showed it") && said.contains("undo"), "{said}");
    home.run(&["list", "--label", "Work"]).exited(3);
    for row in home.list("anywhere") {
        assert!(!row["labels"].as_array().expect("a list").contains(&json!("work")), "{row}");
    }
    // What was imported already does not bring it back.
    write(&home.path("again"), &mbox(&[work("a"), work("b").at(1)]));
    home.import(&home.path("box"));
    home.import(&home.path("again"));
    assert_eq!(labels(&home), [""; 0]);
    // Mail that has it does, and so would its name.
    write(&home.path("new"), &mbox(&[mail("d").at(3).set("X-Keywords", "work")]));
    home.import(&home.path("new"));
    assert_eq!(labels(&home), ["work:3"]);
    home.run(&["labels", "delete", "work"]).ok();
    home.run(&["labels", "create", "Work"]).ok();
    assert_eq!(labels(&home), ["Work:3"]);
    let kept: Vec<Value> =
        home.list("anywhere").into_iter().filter(|row| row["subject"] != "d").collect();
    assert_eq!(kept, before);
    home.assert_healthy("a label that came back");
}

#[test]
fn a_renamed_label_is_deleted_and_made_again_under_its_last_name() {
    let home = home();
    label_on(&home, "Work", &["a"]);
    home.run(&["labels", "rename", "Work", "Job"]).ok();
    // Its old name is free for another.
    home.run(&["labels", "create", "Work"]).ok();
    assert_eq!(labels(&home), ["Job:1", "Work:0"]);
    home.run(&["labels", "delete", "Job"]).ok();
    assert_eq!(labels(&home), ["Work:0"]);
    home.run(&["labels", "create", "job"]).ok();
    assert_eq!(labels(&home), ["job:1", "Work:0"]);
    home.assert_healthy("names that come and go");
}

#[test]
fn equal_names_show_as_one_label() {
    let home = home();
    label_on(&home, "Work", &["a", "b"]);
    label_on(&home, "Größe", &["b", "c"]);
    home.run(&["labels", "rename", "Größe", "work"]).ok();
    assert_eq!(labels(&home).len(), 1, "{:?}", labels(&home));
    assert!(labels(&home)[0].ends_with(":3"), "{:?}", labels(&home));
    assert_eq!(home.list("work").len(), 3);
    let page = home.json(&["list", "--label", "work", "--limit", "2"]);
    assert_eq!(page.len(), 2);
    let cursor = text(&page[1], "thread");
    let rest = home.json(&["list", "--label", "work", "--limit", "2", "--before", &cursor]);
    assert_eq!(rest.len(), 1);
    // One of a row's two is shown, and both go when it is taken off.
    let row = |subject: &str| {
        home.list("anywhere").into_iter().find(|row| row["subject"] == subject).expect("there")
    };
    assert_eq!(row("b")["labels"], row("a")["labels"]);
    home.run(&["label", &home.thread("b"), "-work"]).ok();
    assert_eq!(row("b")["labels"], json!(["inbox", "unread"]));
    assert_eq!(home.list("work").len(), 2);
    home.run(&["undo"]).ok();
    // The name that it had: two labels again.
    home.run(&["undo"]).ok();
    assert_eq!(labels(&home), ["Größe:2", "Work:2"]);
    home.assert_healthy("two names that were one");
}

#[test]
fn both_forms_of_a_name_are_one_label() {
    let home = home();
    label_on(&home, "Gro\u{308}\u{df}e", &["a"]);
    label_on(&home, "Gr\u{f6}\u{df}e", &["b"]);
    write(&home.path("new"), &mbox(&[mail("d").at(3)]));
    let path = home.path("new");
    home.run(&["import", path.to_str().unwrap(), "--label", "GRO\u{308}\u{df}E"]).ok();
    assert_eq!(labels(&home), ["Gr\u{f6}\u{df}e:3"]);
}

/// Two devices of a backend, with one thread.
fn world() -> World {
    let mut world = World::new(&[("A", false), ("B", true)], 11);
    world.mail(mail("one").bytes(), Folder::default());
    world.sync();
    world
}

fn intend(world: &mut World, at: usize, intent: &Intent) -> (Option<ActionId>, String) {
    world.clock.turn(1_000);
    let done = world.device_mut(at).intend(intent).expect("decided");
    world.save(at);
    (done.action, done.says)
}

fn names(world: &World, at: usize) -> Vec<String> {
    let labels = world.device(at).labels().expect("readable");
    let user = labels.into_iter();
    user.filter(|label| !mailtui::label::is_system(label.id.as_str()))
        .map(|label| match label.color {
            Some(color) => format!("{}/{color}", label.name),
            None => label.name,
        })
        .collect()
}

fn id(name: &str) -> LabelId {
    user_label(name)
}

#[test]
fn own_changes_are_shown_before_and_after_a_restart_and_confirmed() {
    let mut world = world();
    intend(&mut world, 0, &Intent::CreateLabel("Work".to_owned()));
    intend(&mut world, 0, &Intent::RecolorLabel(id("work"), Some("red".to_owned())));
    let (rename, _) = intend(&mut world, 0, &Intent::RenameLabel(id("work"), "Job".to_owned()));
    assert_eq!(names(&world, 0), ["Job/red"]);
    world.restart_device(0);
    assert_eq!(names(&world, 0), ["Job/red"]);
    assert_eq!(names(&world, 1), [""; 0]);
    intend(&mut world, 0, &Intent::Undo(rename));
    assert_eq!(names(&world, 0), ["Work/red"]);
    world.sync();
    for at in [0, 1] {
        assert_eq!(names(&world, at), ["Work/red"], "device {at}");
    }
    agree(&mut world);
}

/// Both devices and the backend have equal tables, and an index that is right.
fn agree(world: &mut World) {
    world.sync();
    let dump = |world: &World, at| mailbox::dump(world.device(at).db()).expect("readable");
    assert_eq!(dump(world, 0), dump(world, 1));
    for at in [0, 1] {
        assert_eq!(world.device_mut(at).doctor(true).expect("readable"), [], "device {at}");
    }
    assert_eq!(world.backend().doctor().expect("readable"), []);
}

#[test]
fn the_last_name_by_position_wins_on_both_devices() {
    let mut world = world();
    intend(&mut world, 0, &Intent::CreateLabel("Work".to_owned()));
    world.sync();
    // Both rename while they do not hear of each other; B is pushed first, though A did it first.
    intend(&mut world, 0, &Intent::RenameLabel(id("work"), "Mine".to_owned()));
    intend(&mut world, 1, &Intent::RenameLabel(id("work"), "Yours".to_owned()));
    assert_eq!((names(&world, 0), names(&world, 1)), (vec!["Mine".into()], vec!["Yours".into()]));
    world.connect(1);
    for _ in 0..4 {
        world.pump();
        while world.deliver_down(1) {}
        world.send(1, Some);
        while world.deliver_up(1) {}
        world.commit();
    }
    world.sync();
    for at in [0, 1] {
        assert_eq!(names(&world, at), ["Mine"], "device {at}");
    }
    agree(&mut world);
}

#[test]
fn an_undo_keeps_what_was_written_since_and_says_so() {
    let mut world = world();
    intend(&mut world, 0, &Intent::CreateLabel("Work".to_owned()));
    let (first, _) = intend(&mut world, 0, &Intent::RenameLabel(id("work"), "Job".to_owned()));
    world.sync();
    intend(&mut world, 1, &Intent::RenameLabel(id("work"), "Play".to_owned()));
    world.sync();
    let (_, says) = intend(&mut world, 0, &Intent::Undo(first));
    assert!(says.contains("stays Play"), "{says}");
    world.sync();
    assert_eq!((names(&world, 0), names(&world, 1)), (vec!["Play".into()], vec!["Play".into()]));
    // The newer one undone as well: what was before both.
    intend(&mut world, 1, &Intent::Undo(None));
    world.sync();
    assert_eq!((names(&world, 0), names(&world, 1)), (vec!["Work".into()], vec!["Work".into()]));
    agree(&mut world);
}

#[test]
fn a_label_that_two_made_is_there_until_both_took_it_back() {
    let mut world = world();
    let (a, _) = intend(&mut world, 0, &Intent::CreateLabel("Work".to_owned()));
    let (b, _) = intend(&mut world, 1, &Intent::CreateLabel("work".to_owned()));
    world.sync();
    assert_eq!(names(&world, 0).len(), 1);
    let (_, says) = intend(&mut world, 0, &Intent::Undo(a));
    assert_eq!(names(&world, 0), ["work"], "{says}");
    intend(&mut world, 1, &Intent::Undo(b));
    world.sync();
    assert_eq!((names(&world, 0), names(&world, 1)), (vec![], vec![]));
    agree(&mut world);
}

#[test]
fn a_new_label_and_what_it_is_put_on_are_one_action() {
    let mut world = world();
    let row = |world: &World| {
        let inbox = mailtui::label::system("inbox");
        let window = mailtui::engine::view::Window::First;
        world.device(0).page(&inbox, &window, 5).expect("readable").rows.remove(0)
    };
    let targets = row(&world).members;
    let name = "Später".to_owned();
    let intent = Intent::NewLabel { name, color: Some("blue".to_owned()), targets };
    let (_, says) = intend(&mut world, 0, &intent);
    assert_eq!(says, "Made the label Später on 1 conversation.");
    assert!(row(&world).labels.contains(&id("Später")));
    world.sync();
    assert_eq!(names(&world, 1), ["Später/blue"]);
    intend(&mut world, 0, &Intent::Undo(None));
    world.sync();
    assert!(!row(&world).labels.contains(&id("Später")));
    assert_eq!((names(&world, 0), names(&world, 1)), (vec![], vec![]));
    agree(&mut world);
}
