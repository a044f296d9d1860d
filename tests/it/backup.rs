//! `backup` and `restore`, with the real program: of a directory, and of a backend that serves.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;

use crate::support::binary::{Home, finish, text};
use crate::support::mail::{mail, many, mbox, write};
use crate::support::serve::Serve;
use crate::support::{RUN_DEADLINE, SCREEN_DEADLINE, wait_for};

/// A home with so many messages, and a backup of it.
fn backed_up(count: i64) -> Home {
    let home = Home::new();
    write(&home.path("box"), &mbox(&many("m", count)));
    home.import(&home.path("box"));
    home.run(&["backup", "b"]).ok();
    home
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_was_lost_is_back_and_what_was_there_is_put_aside() {
    let home = backed_up(30);
    let mode = std::fs::metadata(home.path("b")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = home.list("all");
    let gone = text(&before[0], "thread");
    home.run(&["purge", &gone, "--anywhere", "--yes"]).ok();
    std::fs::rename(home.data().join("mailbox.db"), home.path("device.db")).unwrap();
    let restored = home.run(&["restore", "b", "--json"]).ok().object();
    assert_eq!(home.list("all"), before);
    let aside = text(&restored, "aside");
    assert!(Path::new(&aside).join("backend/threads.db").exists(), "{aside}");
    home.assert_healthy("restore");
    // The mail that is imported again is known.
    let again = home.import(&home.path("box"));
    assert_eq!((again["imported"].as_u64(), again["duplicates"].as_u64()), (Some(0), Some(30)));
    // Nothing of the making stays beside the file.
    let beside = names(&home.path(""));
    assert!(!beside.iter().any(|name| name.starts_with(".b") || name.contains(".new")));
}

#[test]
fn a_purge_that_the_device_knows_is_done_again() {
    let home = backed_up(3);
    let gone = home.threads("all").remove(0);
    home.run(&["purge", &gone, "--anywhere", "--yes"]).ok();
    home.run(&["restore", "b"]).ok();
    assert_eq!(home.threads("anywhere").len(), 2);
    home.assert_healthy("restore");
}

#[test]
fn nothing_is_overwritten_and_nothing_damaged_is_put_back() {
    let home = backed_up(3);
    let said = |args: &[&str], code: i32| {
        let run = home.run(&[args, &["--json"]].concat()).exited(code);
        text(&run.error(), "code")
    };
    let bytes = std::fs::read(home.path("b")).unwrap();
    assert_eq!(said(&["backup", "b"], 1), "exists");
    assert_eq!(std::fs::read(home.path("b")).unwrap(), bytes);
    home.run(&["backup", "b", "--force"]).ok();
    let held = names(&home.data().join("backend"));
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 4;
    write(&home.path("flipped"), &flipped);
    write(&home.path("cut"), &bytes[..bytes.len() - 1]);
    for file in ["flipped", "cut", "box"] {
        assert_eq!(said(&["restore", file], 1), "damaged-backup", "{file}");
    }
    assert_eq!(said(&["restore", "absent"], 3), "no-file");
    assert_eq!(names(&home.data().join("backend")), held);
    assert!(!names(&home.data()).iter().any(|name| name.starts_with("before")));
    let empty = home.command_on(&home.path("empty"), &["backup", "x", "--json"]);
    assert_eq!(text(&crate::support::binary::run(empty).exited(3).error(), "code"), "no-mail");
}

#[test]
fn restores_within_one_second_each_put_aside_what_was_there() {
    let home = backed_up(3);
    let restore = || text(&home.run(&["restore", "b", "--json"]).ok().object(), "aside");
    let mut aside: Vec<String> = (0..4).map(|_| restore()).collect();
    aside.sort();
    aside.dedup();
    assert_eq!(aside.len(), 4, "{aside:?}");
    home.assert_healthy("restore");
}

#[test]
fn what_a_killed_backup_left_goes_and_what_is_not_its_own_stays() {
    let home = backed_up(3);
    let kept = [".b.7x", "b.new", ".c.7"];
    for name in [".b.7"].iter().chain(&kept) {
        std::fs::create_dir(home.path(name)).unwrap();
        write(&home.path(name).join("threads.db"), b"a copy");
    }
    std::fs::remove_dir_all(home.path("b.new")).unwrap();
    write(&home.path("b.new"), b"the user's own");
    home.run(&["backup", "b", "--force"]).ok();
    assert!(!home.path(".b.7").exists());
    for name in kept {
        assert!(home.path(name).exists(), "{name}");
    }
    home.run(&["restore", "b"]).ok();
}

#[test]
fn a_pipe_is_no_backup_and_is_not_waited_for() {
    let home = backed_up(1);
    assert!(std::process::Command::new("mkfifo").arg(home.path("p")).status().unwrap().success());
    for name in ["p", ""] {
        let path = home.path(name);
        let run = home.run(&["restore", &path.display().to_string(), "--json"]).exited(2);
        assert_eq!(text(&run.error(), "code"), "no-file", "{name}");
    }
    let run = home.run(&["backup", "p", "--force", "--json"]).exited(2);
    assert_eq!(text(&run.error(), "message"), "p is not a file");
    let there = std::fs::symlink_metadata(home.path("p")).unwrap();
    assert!(there.file_type().is_fifo(), "it is what it was");
}

#[test]
fn a_backend_that_serves_an_import_is_backed_up_and_put_back() {
    let mut serve = Serve::start();
    let (a, b) = (Home::new(), Home::new());
    write(&a.path("first"), &mbox(&many("m", 40)));
    serve.run(&a, &["import", "first"]).ok();
    serve.sync(&b);
    // While more of it comes in.
    write(&a.path("second"), &mbox(&many("n", 400)));
    let importing = serve.command(&a, &["import", "second", "--json"]).spawn().unwrap();
    let made = wait_for(SCREEN_DEADLINE, || {
        let run = serve.home().run(&["backup", "b"]);
        (run.code() == Some(0)).then_some(())
    });
    finish(importing, "import".to_owned(), RUN_DEADLINE).ok();
    assert!(made.is_some(), "no backup of a backend that serves");
    // It goes on: what is done after the backup is known to devices.
    serve.run(&a, &["labels", "create", "Later"]).ok();
    mail("last").at(9_000).write(&b.path("last.eml"));
    serve.run(&b, &["import", "last.eml"]).ok();
    let in_use = serve.home().run(&["restore", "b", "--json"]).exited(6);
    assert_eq!(text(&in_use.error(), "code"), "in-use");
    serve.stop();
    serve.home().run(&["restore", "b"]).ok();
    serve.restart();
    for _ in 0..2 {
        serve.sync(&a);
        serve.sync(&b);
    }
    assert_eq!(a.list("anywhere"), b.list("anywhere"));
    assert_eq!(a.json(&["labels"]), b.json(&["labels"]));
    let labels = a.json(&["labels"]);
    assert!(labels.iter().any(|label| label["name"] == "Later"), "{labels:?}");
    // What the backup lacks is imported again, though a device remembers its files.
    let again = serve.run(&a, &["import", "second", "--json"]).ok().object();
    assert_eq!(again["failed"], serde_json::json!([]));
    serve.sync(&b);
    assert!(b.list("anywhere").len() >= 440);
    serve.stop();
    serve.assert_healthy("restore");
    a.assert_healthy("restore");
    b.assert_healthy("restore");
}

#[test]
fn a_device_of_a_remote_backend_says_where_its_backup_is_made() {
    let serve = Serve::start();
    let device = Home::new();
    serve.sync(&device);
    let run = serve.run(&device, &["backup", "b", "--json"]).exited(2);
    assert_eq!(text(&run.error(), "code"), "other-backend");
    let run = serve.run(&device, &["restore", "b", "--json"]).exited(2);
    assert_eq!(text(&run.error(), "code"), "other-backend");
}

/// The kept log had not been fetched again when the backend went back.
#[test]
fn what_a_device_did_to_a_kept_conversation_is_back_though_its_log_was_not_fetched_since() {
    let mut serve = Serve::start();
    let (sender, device) = (Home::new(), Home::new());
    write(&sender.path("box"), &mbox(&many("m", 4)));
    serve.run(&sender, &["import", "box"]).ok();
    serve.sync(&device);
    device.run(&["device", "keep", "all"]).ok();
    serve.sync(&device);
    serve.home().run(&["backup", "b"]).ok();
    let threads = device.threads("inbox");
    serve.run(&device, &["label", &threads[0], "+Fresh"]).ok();
    serve.run(&device, &["archive", &threads[1]]).ok();
    serve.stop();
    serve.home().run(&["restore", "b"]).ok();
    serve.restart();
    for _ in 0..2 {
        serve.sync(&device);
    }
    assert_eq!((device.threads("Fresh").len(), device.threads("archive").len()), (1, 1));
    serve.stop();
    serve.assert_healthy("restore");
    device.assert_healthy("restore");
}
