//! Programs of different ages on the same logs: what an older one does not know it keeps, and a
//! newer one finds; and rows of another projection are made again while everything goes on.
//!
//! Invariant: an older program is this one told not to know names (`store::without`), on the thread
//! that steps it, so that old and new meet in one process.

use mailtui::bridge::Folder;
use mailtui::command::intent::{Change, Intent, Target};
use mailtui::engine::view::Window;
use mailtui::id::{StoreId, ThreadId};
use mailtui::label::{Place, system};
use mailtui::mailbox::{self, dump, name, raw_row};
use mailtui::store::{Db, Kind, Log, without};

use crate::support::binary::{Home, Run, run};
use crate::support::mail::{mail, many};
use crate::support::world::World;

/// Rounds in which all that was said is answered and read.
const ROUNDS: usize = 6;

/// What waits goes up and down, and the pipeline does one slice a round if it may; the device `old`
/// does not know `names`.
fn talk(world: &mut World, old: usize, names: &[&str], work: bool) {
    for _ in 0..ROUNDS {
        for at in 0..world.stations.len() {
            world.connect(at);
            without(if at == old { names } else { &[] });
            world.save(at);
            world.send(at, Some);
            without(&[]);
            while world.deliver_up(at) {}
        }
        world.commit();
        if work {
            world.project();
        }
        while world.pump() {}
        for at in 0..world.stations.len() {
            without(if at == old { names } else { &[] });
            while world.deliver_down(at) {}
            without(&[]);
        }
    }
}

fn targets(world: &World, at: usize) -> Vec<Target> {
    let page = world.device(at).page(&system("inbox"), &Window::First, 500).expect("readable");
    page.rows.into_iter().flat_map(|row| row.members).collect()
}

fn place_of(world: &World, at: usize, thread: &ThreadId) -> Place {
    raw_row(world.device(at).db(), thread).expect("readable").expect("there").shown.place
}

#[test]
fn a_device_keeps_what_it_does_not_know_and_shows_it_after_an_upgrade() {
    let names = [name::LABEL_RECOLORED, name::LABEL_RENAMED];
    let mut world = World::new(&[("old", true), ("new", true)], 1);
    world.mail(mail("one").bytes(), Folder::default());
    without(&names);
    world.restart_device(0);
    without(&[]);
    talk(&mut world, 0, &names, true);
    let make = Intent::CreateLabel("Work".to_owned());
    world.device_mut(1).intend(&make).expect("makes a label");
    let work = mailtui::label::user_label("Work");
    let intents = [
        Intent::RecolorLabel(work.clone(), Some("red".to_owned())),
        Intent::RenameLabel(work.clone(), "Job".to_owned()),
    ];
    for intent in &intents {
        world.device_mut(1).intend(intent).expect("decides");
    }
    let thread = targets(&world, 1)[0].clone();
    let archive = Intent::Change {
        changes: vec![Change::Label(work.clone(), true), Change::Place(Place::Archive)],
        targets: vec![thread.clone()],
    };
    world.device_mut(1).intend(&archive).expect("archives");
    talk(&mut world, 0, &names, true);

    // It has all events, and shows what it knows.
    let store = StoreId::mailbox();
    let head = |world: &World, at: usize| Log::head(world.device(at).db(), &store).expect("a head");
    assert_eq!(head(&world, 0), head(&world, 1));
    assert_eq!(place_of(&world, 0, &thread.thread), Place::Archive);
    let shown = |world: &World, at: usize| {
        let labels = mailbox::shown_labels(world.device(at).db()).expect("readable");
        let work = labels.into_iter().find(|label| label.id == work).expect("there");
        (work.name, work.color)
    };
    assert_eq!(shown(&world, 0), ("Work".to_owned(), None));
    assert_eq!(shown(&world, 1), ("Job".to_owned(), Some("red".to_owned())));

    // What it did not send yet is there after the upgrade, and so is what it did not know.
    without(&names);
    world.restart_device(0);
    let star = Intent::Change { changes: vec![Change::Star(true)], targets: vec![thread.clone()] };
    world.device_mut(0).intend(&star).expect("stars");
    world.save(0);
    without(&[]);
    world.restart_device(0);
    assert_eq!(shown(&world, 0), ("Job".to_owned(), Some("red".to_owned())));
    assert_eq!(world.device(0).pending().expect("readable").0, 1);
    let row = raw_row(world.device(0).db(), &thread.thread).expect("readable");
    assert!(!row.expect("there").shown.starred, "nothing provisional in confirmed tables");
    let page = world.device(0).page(&system("starred"), &Window::First, 9).expect("readable");
    assert_eq!(page.rows.len(), 1, "its own key shows after the upgrade");
    world.sync();
    let tables = |world: &World, at: usize| dump(world.device(at).db()).expect("readable");
    assert_eq!(tables(&world, 0), tables(&world, 1));

    // And back: an older program on the tables of a newer one has what it would have made itself.
    without(&names);
    world.restart_device(0);
    assert_eq!(shown(&world, 0), ("Work".to_owned(), None));
    assert!(mailbox::differing(world.device(0).db()).expect("readable").is_empty());
    without(&[]);
    world.restart_device(0);
    assert_eq!(tables(&world, 0), tables(&world, 1));
}

/// The backend's Mailbox store, for reading.
fn mirror(world: &World) -> Db {
    let path = world.backend_dir().join("mailbox.db");
    Db::read(&path, Kind::Mailbox, mailbox::VERSION).expect("opens").expect("there")
}

/// A backend that learns a name projects the threads whose logs hold it again, and only these.
#[test]
fn a_backend_projects_what_it_learned_to_read() {
    use mailtui::thread::name;
    let mut world = World::new(&[("a", true), ("b", false)], 2);
    for mail in many("note", 40) {
        world.mail(mail.bytes(), Folder::default());
    }
    world.sync();
    let threads = targets(&world, 0);
    let star = Intent::Change { changes: vec![Change::Star(true)], targets: threads[..3].to_vec() };
    world.device_mut(0).intend(&star).expect("stars");
    world.save(0);
    world.send(0, Some);
    while world.deliver_up(0) {}
    world.commit();
    without(&[name::THREAD_STARRED]);
    world.restart_backend();
    world.project();
    let starred = |world: &mut World| {
        let db = mirror(world);
        threads
            .iter()
            .filter(|t| raw_row(&db, &t.thread).expect("readable").expect("there").shown.starred)
            .count()
    };
    assert_eq!(starred(&mut world), 0, "it does not know stars");
    without(&[]);
    world.restart_backend();
    assert_eq!(world.backend().projecting().expect("readable"), Some((3, 3)));
    world.sync();
    assert_eq!(world.backend().projecting().expect("readable"), None);
    assert_eq!(starred(&mut world), 3);
    let findings = world.backend().doctor().expect("looks");
    assert!(findings.is_empty(), "{findings:?}");
    let tables = |world: &World, at: usize| dump(world.device(at).db()).expect("readable");
    assert_eq!(tables(&world, 0), tables(&world, 1));
}

/// Rows of another projection are made again in slices, over crashes, while keys and mail go on.
#[test]
fn another_projection_makes_rows_again_in_the_background() {
    let mut world = World::new(&[("a", true)], 3);
    for mail in many("note", 50) {
        world.mail(mail.bytes(), Folder::default());
    }
    world.sync();
    let threads = targets(&world, 0);
    // As another projection would have made them.
    let change = |file: &str, sql: &str| {
        let path = world.backend_dir().join(file);
        rusqlite::Connection::open(path).expect("opens").execute(sql, []).expect("changes")
    };
    change("threads.db", "UPDATE backend SET value = '0' WHERE name = 'projection'");
    assert_eq!(change("mailbox.db", "UPDATE threadIndex SET snippet = 'another'"), 50);
    world.restart_backend();
    assert_eq!(world.backend().projecting().expect("readable"), Some((50, 50)));
    // A key comes in between, and is answered before the rest.
    talk(&mut world, 0, &[], false);
    world.step();
    let (left, of) = world.backend().projecting().expect("readable").expect("some are left");
    assert!(0 < left && left < of, "{left} of {of}");
    let last = threads.last().expect("some").clone();
    let changes = vec![Change::Place(Place::Archive)];
    world
        .device_mut(0)
        .intend(&Intent::Change { changes, targets: vec![last.clone()] })
        .expect("ok");
    talk(&mut world, 0, &[], false);
    world.step();
    talk(&mut world, 0, &[], false);
    assert_eq!(place_of(&world, 0, &last.thread), Place::Archive);
    assert!(world.backend().projecting().expect("readable").is_some());
    // A crash, and it goes on where it was.
    world.restart_backend();
    let (after, _) = world.backend().projecting().expect("readable").expect("some are left");
    assert!(after <= left);
    world.sync();
    assert_eq!(world.backend().projecting().expect("readable"), None);
    let row = |at: &Target| raw_row(world.device(0).db(), &at.thread).expect("readable");
    assert!(threads.iter().all(|at| row(at).expect("there").snippet != "another"));
    let head = world.device(0).head().expect("readable");
    assert!(head > 100, "each row was put right by an event");
    assert_eq!(world.device(0).pending().expect("readable"), (0, 0));
    let findings = world.backend().doctor().expect("looks");
    assert!(findings.is_empty(), "{findings:?}");
    let tables = |db: &Db| dump(db).expect("readable");
    assert_eq!(tables(&mirror(&world)), tables(world.device(0).db()));
}

/// The program that knows more reads the directory of one that knew less, whichever command is
/// first: what was kept is shown.
#[test]
fn a_newer_program_shows_what_an_older_one_kept() {
    let home = Home::new();
    for (id, subject) in [("one", "Apples"), ("two", "Pears")] {
        mail(id).subject(subject).write(&home.path(&format!("mail/{id}.eml")));
    }
    let older = |args: &[&str]| {
        let mut command = home.command(args);
        command.env("MAILTUI_KNOWS_NOT", "v1.LabelRecolored,v1.ThreadStarred");
        run(command).ok()
    };
    let path = home.path("mail");
    older(&["import", path.to_str().expect("text")]);
    let pears = home.thread("Pears");
    older(&["label", &pears, "+fruit"]);
    older(&["labels", "recolor", "fruit", "red"]);
    older(&["star", &pears]);
    older(&["doctor"]);
    let stars = |run: Run| String::from_utf8_lossy(&run.stdout).contains("\"starred\":true");
    assert!(!stars(older(&["list", "--json"])), "it does not know stars");
    let colour = |run: Run| String::from_utf8_lossy(&run.stdout).contains("\"red\"");
    assert!(!colour(older(&["labels", "--json"])), "nor colours");
    // The labels are the device's own; rows come from the backend, which projects them again.
    assert!(colour(run(home.command(&["labels", "--json"])).ok()));
    run(home.command(&["doctor"])).ok();
    assert!(stars(run(home.command(&["list", "--json"])).ok()));
    home.assert_healthy("after the upgrade");
    // An older one after it has what it would have made itself.
    assert!(!colour(older(&["labels", "--json"])));
}
