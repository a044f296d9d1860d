//! `import --watch`: a live Maildir, as mail programs change it while other commands run beside.
//!
//! Invariant: nothing sleeps; a change is waited for on the standard output of the watcher, and
//! what is said there is seen by the next command.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::binary::{Home, count, finish, run, text};
use crate::support::mail::{mail, many, write_maildir};
use crate::support::serve::Serve;
use crate::support::{RUN_DEADLINE, SCREEN_DEADLINE, wait_for};

/// A process that goes on, and the objects that it says.
struct Watching {
    child: Option<Child>,
    said: Receiver<Value>,
}

impl Watching {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("its output is piped"));
        let (tell, said) = channel();
        std::thread::spawn(move || {
            let objects = out.lines().map_while(Result::ok);
            for object in objects.filter_map(|line| serde_json::from_str(&line).ok()) {
                if tell.send(object).is_err() {
                    return;
                }
            }
        });
        Self { child: Some(child), said }
    }

    fn import(home: &Home, root: &Path) -> Self {
        Self::start(home.command(&["import", root.to_str().unwrap(), "--watch", "--json"]))
    }

    /// What it says next.
    fn next(&self) -> Value {
        self.said.recv_timeout(SCREEN_DEADLINE).expect("it says something in time")
    }

    /// What it says until the sum of a count is this: changes may be told one by one or together.
    fn until(&self, field: &str, sum: u64) -> Vec<Value> {
        let (mut said, mut so_far) = (Vec::new(), 0);
        while so_far < sum {
            let next = self.next();
            so_far += next[field].as_u64().unwrap_or(0);
            said.push(next);
        }
        assert_eq!(so_far, sum, "{said:#?}");
        said
    }

    /// Asks it to stop; it does so in good order.
    fn stop(mut self, signal: Signal) {
        let child = self.child.take().expect("it runs");
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, signal).expect("the signal is sent");
        finish(child, "--watch".into(), RUN_DEADLINE).exited(130);
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Delivers as maildir(5) says: written in `tmp`, then renamed into `new`.
fn deliver(folder: &Path, id: &str) -> PathBuf {
    let made = folder.join("tmp").join(format!("1715000000.{id}.own"));
    mail(id).write(&made);
    let there = folder.join("new").join(made.file_name().unwrap());
    fs::rename(made, &there).unwrap();
    there
}

fn row(home: &Home, subject: &str) -> Value {
    let rows = home.list("anywhere");
    rows.into_iter().find(|row| row["subject"] == subject).expect("listed")
}

#[test]
fn a_live_maildir_is_taken_in_as_it_changes() {
    let home = Home::new();
    let root = home.path("Mail");
    write_maildir(&root, "S", &many("old", 3));
    let watching = Watching::import(&home, &root);
    assert_eq!(count(&watching.next(), "imported"), 3);
    // New mail, seen by another process.
    let file = deliver(&root, "fresh");
    let said = watching.next();
    assert_eq!((count(&said, "messages"), count(&said, "imported")), (1, 1), "{said}");
    assert_eq!(count(&row(&home, "fresh"), "unreadCount"), 1);
    // Other commands work beside it.
    home.run(&["label", &home.thread("fresh"), "+mine"]).ok();
    // Read elsewhere, then filed elsewhere.
    let read = root.join("cur/1715000000.fresh.own:2,S");
    fs::rename(file, &read).unwrap();
    assert_eq!(count(&watching.next(), "followed"), 1);
    assert_eq!(count(&row(&home, "fresh"), "unreadCount"), 0);
    let work = root.join(".Work");
    for sub in ["cur", "new", "tmp"] {
        fs::create_dir_all(work.join(sub)).unwrap();
    }
    fs::rename(read, work.join("cur/1715000000.fresh.own:2,S")).unwrap();
    watching.until("followed", 1);
    let labels = row(&home, "fresh")["labels"].to_string();
    assert!(labels.contains("\"work\"") && labels.contains("\"mine\""), "{labels}");
    // Mail into the folder that appeared; and the folder is gone again.
    deliver(&work, "later");
    watching.until("imported", 1);
    fs::remove_dir_all(&work).unwrap();
    watching.until("goneCount", 2);
    assert_eq!(home.list("work").len(), 2, "never deleted");
    watching.stop(Signal::INT);
    home.assert_healthy("a watch");
    let report = home.import(&root);
    assert_eq!((count(&report, "duplicates"), count(&report, "messages")), (3, 3), "{report}");
}

#[test]
fn many_changes_at_once_are_all_taken_in() {
    let home = Home::new();
    let root = home.path("Mail");
    write_maildir(&root, "", &many("old", 40));
    let watching = Watching::import(&home, &root);
    assert_eq!(count(&watching.next(), "imported"), 40);
    for n in 0..40 {
        let name = format!("1714986000.M{n}.own:2,");
        fs::rename(root.join("cur").join(&name), root.join("cur").join(name + "S")).unwrap();
        deliver(&root, &format!("new-{n}"));
    }
    let (mut imported, mut followed) = (0, 0);
    while (imported, followed) != (40, 40) {
        let said = watching.next();
        imported += count(&said, "imported");
        followed += said["followed"].as_u64().unwrap_or(0);
    }
    let unread = home.list("unread");
    assert_eq!(unread.len(), 40);
    assert!(unread.iter().all(|row| text(row, "subject").starts_with("new-")));
    watching.stop(Signal::TERM);
    home.assert_healthy("many changes");
}

#[test]
fn beside_another_owner_it_imports_through_that_one_and_then_has_the_directory() {
    let home = Home::new();
    let root = home.path("Mail");
    write_maildir(&root, "S", &many("old", 1));
    home.import(&root);
    let owner = Watching::start(home.command(&["--sync-only", "--watch", "--json"]));
    owner.next();
    let watching = Watching::import(&home, &root);
    assert_eq!(count(&watching.next(), "duplicates"), 1);
    let file = deliver(&root, "beside");
    assert_eq!(count(&watching.next(), "imported"), 1);
    fs::rename(file, root.join("cur/1715000000.beside.own:2,F")).unwrap();
    assert_eq!(count(&watching.next(), "followed"), 1);
    assert_eq!(row(&home, "beside")["starred"], true);
    owner.stop(Signal::INT);
    deliver(&root, "after");
    assert_eq!(count(&watching.next(), "imported"), 1);
    home.run(&["archive", &home.thread("after")]).ok();
    assert_eq!(row(&home, "after")["place"], "archive");
    watching.stop(Signal::INT);
    home.assert_healthy("two that had it");
}

#[test]
fn a_remote_backend_takes_in_what_is_watched() {
    let mut serve = Serve::start();
    let home = Home::new();
    let root = home.path("Mail");
    write_maildir(&root, "", &many("old", 2));
    let args = ["import", root.to_str().unwrap(), "--watch", "--json"];
    let watching = Watching::start(serve.command(&home, &args));
    assert_eq!(count(&watching.next(), "imported"), 2);
    let name = root.join("cur/1714986000.M0.own:2,");
    fs::rename(&name, root.join("cur/1714986000.M0.own:2,RS")).unwrap();
    assert_eq!(count(&watching.next(), "followed"), 1);
    // The backend is away for a while: what changes meanwhile is taken in later.
    serve.kill();
    deliver(&root, "meanwhile");
    serve.restart();
    // It may be on the backend already when the answer is lost.
    watching.until("messages", 1);
    let other = Home::new();
    serve.sync(&other);
    let there = wait_for(SCREEN_DEADLINE, || {
        let listed = run(serve.command(&other, &["list", "--json"])).ok().lines();
        (listed.len() == 3).then_some(listed)
    });
    let unread: u64 = there.expect("all of it").iter().map(|row| count(row, "unreadCount")).sum();
    assert_eq!(unread, 2);
    watching.stop(Signal::INT);
    serve.stop();
    serve.assert_healthy("a watch");
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let home = Home::new();
    mail("one").write(&home.path("one.eml"));
    home.run(&["import", "--watch", "one.eml"]).exited(2);
    home.run(&["import", "--watch", "nowhere"]).exited(3);
}

#[test]
fn a_directory_that_vanishes_and_comes_back_is_watched_again() {
    let home = Home::new();
    let root = home.path("Mail");
    write_maildir(&root, "S", &many("old", 1));
    let watching = Watching::import(&home, &root);
    assert_eq!(count(&watching.next(), "imported"), 1);
    fs::rename(&root, home.path("away")).unwrap();
    write_maildir(&home.path("away"), "S", &[]);
    deliver(&home.path("away"), "unseen");
    fs::rename(home.path("away"), &root).unwrap();
    watching.until("imported", 1);
    deliver(&root, "seen");
    let took = wait_for(Duration::from_secs(20), || {
        home.list("anywhere").iter().any(|row| row["subject"] == "seen").then_some(())
    });
    assert!(took.is_some());
    watching.stop(Signal::INT);
}
