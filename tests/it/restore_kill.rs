//! A restore that is killed between two steps: the real program at its points, and a device at the
//! points between its two files when its kept logs go back.
//!
//! Invariant: whatever the moment, what was there is there or put aside, whole; commands say what
//! happened; and the same restore, or the next start, ends it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use mailtui::bridge::{Folder, Outcome};
use mailtui::command::intent::{Change, Intent};
use mailtui::crash::faults::die_at;
use mailtui::crash::{RESTORE, REWIND};
use mailtui::label::user_label;

use crate::support::binary::{Home, Run, run, text};
use crate::support::clock::Dice;
use crate::support::health;
use crate::support::mail::{mail, many, mbox, write};
use crate::support::platter::Loss;
use crate::support::serve::{Serve, free_port};
use crate::support::truth::Truth;
use crate::support::world::World;
use crate::support::{SCREEN_DEADLINE, wait_for};

const SIGKILL: i32 = 9;

fn killed(mut command: Command, point: &str) {
    command.env("MAILTUI_CRASH_AT", point);
    let armed = run(command);
    assert_eq!(armed.signal(), Some(SIGKILL), "{point} was not reached: {armed}");
}

/// That a command refuses to work on a directory without its backend, and makes none.
fn refused(run: Run, home: &Home, when: &str) {
    let error = run.exited(6).error();
    let said = (text(&error, "code"), text(&error, "hint"));
    assert!(said.0 == "damaged" && said.1.contains("mailtui restore"), "{when}: {error}");
    assert!(!home.data().join("backend").exists(), "{when} made an empty backend");
}

/// Directories that hold what a restore put aside.
fn aside(home: &Home) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.data()).unwrap().map(|entry| entry.unwrap().path());
    let ours = |path: &PathBuf| path.to_string_lossy().contains("before-restore");
    entries.filter(ours).collect()
}

/// `served` has a device in the directory that did work since; `bare` has been served only.
fn kill(point: &str, bare: bool) {
    let home = Home::new();
    write(&home.path("box"), &mbox(&many("m", 4)));
    home.import(&home.path("box"));
    home.run(&["backup", "b"]).ok();
    let before = home.list("anywhere");
    mail("later").write(&home.path("later.eml"));
    home.run(&["import", "later.eml"]).ok();
    home.run(&["star", &text(&before[0], "thread")]).ok();
    if bare {
        for name in ["mailbox.db", "mailbox.db-wal", "mailbox.db-shm"] {
            let _ = std::fs::remove_file(home.data().join(name));
        }
    }
    killed(home.command(&["restore", "b"]), point);
    if point == "restore.between" {
        let listen = format!("127.0.0.1:{}", free_port());
        for args in [&["list"][..], &["import", "later.eml"], &["doctor"], &["--sync-only"]] {
            refused(home.run(&[args, &["--json"]].concat()), &home, &format!("{args:?}"));
        }
        refused(home.run(&["serve", "--listen", &listen, "--json"]), &home, "serve");
    } else {
        // A device shows its rows until it has others.
        home.run(&["--sync-only"]).ok();
        let there = home.list("anywhere").len();
        assert_eq!(there, if point == "restore.after" { 4 } else { 5 }, "{point}");
    }
    home.run(&["restore", "b"]).ok();
    let after = home.list("anywhere");
    assert_eq!(after.len(), 4, "{point}: {after:?}");
    // Nobody but the device knew of the star; what only the backend had is put aside.
    assert!(bare || point != "restore.between" || after.iter().all(|row| row["place"] == "inbox"));
    let kept = aside(&home);
    let whole = kept.iter().filter(|dir| dir.join("backend/threads.db").exists()).count();
    assert!(whole >= 1, "{point}: {kept:?}");
    home.assert_healthy(point);
    // The mail that was put aside is there, as it was.
    let old = home.path("old");
    std::fs::create_dir(&old).unwrap();
    let with_later = kept.iter().any(|dir| {
        let _ = std::fs::remove_dir_all(&old);
        std::fs::create_dir(&old).unwrap();
        std::fs::rename(dir.join("backend"), old.join("backend")).is_ok() && {
            let list = home.command_on(&old, &["list", "--label", "anywhere", "--json"]);
            run(list).ok().lines().len() == 5
        }
    });
    assert!(with_later, "{point}: what was there is nowhere");
}

#[test]
fn a_restore_that_is_killed_between_its_renames_is_done_again() {
    for point in RESTORE {
        for bare in [false, true] {
            kill(point, bare);
        }
    }
}

/// A device whose kept log holds what the backend lost dies between its two files, as a process or
/// with the power.
#[test]
fn a_device_that_dies_between_its_two_files_offers_what_it_held() {
    for (seed, point) in (0..24_u64).zip(REWIND.iter().cycle()) {
        let mut world = World::new(&[("a", true), ("b", true)], seed);
        world.stations[0].later = seed % 4 < 2;
        world.restart_device(0);
        let first = world.mail(mail("one").bytes(), Folder::default());
        let Outcome::Imported { thread, .. } = first else { panic!("{first:?}") };
        world.sync();
        world.backup("one");
        world.mail(mail("two").reply_to("one", "one").bytes(), Folder::default());
        world.sync();
        world.device_mut(0).load(&thread).unwrap();
        world.sync();
        let row = world.device(0).row(&thread).unwrap().unwrap();
        let changes = vec![Change::Label(user_label("work"), true)];
        world.device_mut(0).intend(&Intent::Change { changes, targets: row.members }).unwrap();
        world.save(0);
        world.sync();
        world.restore("one");
        if seed % 3 > 0 {
            world.cut_power =
                Some(if seed % 3 == 1 { Loss::All } else { Loss::Some(Dice::new(seed)) });
        }
        die_at(point);
        world.sync();
        assert!(world.died.contains_key(point), "nobody died at {point}");
        world.heal();
        world.sync();
        let truth = Truth::read(&world.backend_dir());
        let labels = [user_label("work")].into();
        let wrong = health::of(&mut world, &truth, &labels);
        assert!(wrong.is_empty(), "{point}, seed {seed}: {}", wrong.join("\n"));
        let told = &truth.threads[&thread];
        assert_eq!(told.state.messages.len(), 2, "{point}, seed {seed}");
        assert!(told.cells.labels.contains(&user_label("work")), "{point}, seed {seed}");
    }
}

/// A change that the backend refuses for good stays in the list until it is taken away, by a
/// command alone or beside another that has the directory.
#[test]
fn the_list_of_refused_changes_is_said_until_it_is_cleared() {
    for beside in [false, true] {
        let serve = Serve::start();
        let (away, other) = (Home::new(), Home::new());
        write(&away.path("box"), &mbox(&many("m", 2)));
        serve.run(&away, &["import", "box"]).ok();
        serve.sync(&away);
        serve.sync(&other);
        let gone = away.threads("inbox").remove(0);
        away.run(&["star", &gone, "--offline"]);
        serve.run(&other, &["purge", &gone, "--anywhere", "--yes"]).ok();
        serve.run(&away, &["--sync-only", "--json"]);
        let mut owner = beside.then(|| {
            let mut watch = serve.command(&away, &["--sync-only", "--watch", "--json"]);
            watch.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts")
        });
        if beside {
            let socket = away.data().join("socket");
            wait_for(SCREEN_DEADLINE, || socket.exists().then_some(())).expect("it listens");
        }
        let found = away.run(&["doctor", "--json"]).exited(1).lines();
        assert_eq!((found.len(), &found[0]["code"]), (1, &"refused".into()), "{found:?}");
        assert_eq!(found[0]["repaired"], false);
        let cleared = away.run(&["doctor", "--clear-refused", "--json"]).ok().lines();
        assert_eq!(cleared.len(), 1, "{cleared:?}");
        assert_eq!(
            (&cleared[0]["detail"], &cleared[0]["repaired"]),
            (&found[0]["detail"], &true.into())
        );
        assert!(away.run(&["doctor", "--clear-refused", "--json"]).ok().lines().is_empty());
        let clean = away.run(&["doctor", "--json"]).ok().lines();
        assert_eq!(clean, [serde_json::json!({ "clean": true })]);
        if let Some(owner) = &mut owner {
            owner.kill().expect("it runs");
            owner.wait().expect("it ends");
        }
        let empty = Home::new();
        assert_eq!(empty.run(&["doctor", "--clear-refused"]).ok().stdout, b"");
    }
}
