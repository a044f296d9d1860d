//! What a device of a remote backend keeps on disk: fetched by the policy, read offline, let go of.
//!
//! Invariant: the devices are real processes; whether something is readable is asked with the
//! backend gone, and whether something is gone is asked of the files.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;

use crate::support::binary::{Home, count, text};
use crate::support::mail::{Mail, mail, many, mbox, write};
use crate::support::serve::Serve;
use crate::support::wait_for;

/// How long a killed process may have run.
const MOMENT: Duration = Duration::from_secs(5);

/// A backend with `mails`, and a device that keeps `what` and has not synchronised since.
fn device(mails: &[Mail], what: &[&str]) -> (Serve, Home) {
    let serve = Serve::start();
    let (sender, device) = (Home::new(), Home::new());
    write(&sender.path("box"), &mbox(mails));
    serve.run(&sender, &["import", "box"]).ok();
    serve.sync(&device);
    device.run(&[&["device", "keep"], what].concat()).ok();
    (serve, device)
}

/// A text that is too long to lie in its event.
fn long_text(seed: usize) -> String {
    let lines: Vec<String> =
        (0..9_000).map(|n| format!("line {} of {seed}", n * (seed + 7))).collect();
    lines.join("\n") + "\n"
}

fn kept(device: &Home) -> Value {
    device.run(&["device", "--json"]).ok().object()
}

/// Threads that can be shown without a connection.
fn readable(device: &Home, threads: &[String]) -> Vec<bool> {
    let shown = |thread: &String| device.run(&["--offline", "show", thread]).code() == Some(0);
    threads.iter().map(shown).collect()
}

fn on_disk(device: &Home) -> u64 {
    let size =
        |name: &str| std::fs::metadata(device.data().join(name)).map_or(0, |meta| meta.len());
    size("threads.db") + size("threads.db-wal")
}

#[test]
fn what_is_kept_is_read_offline_with_its_long_texts() {
    let mut mails = many("m", 12);
    mails.push(mail("long").at(90).body(long_text(1)));
    let (mut serve, device) = device(&mails, &["all"]);
    let synced = serve.sync(&device);
    assert_eq!((count(&synced, "stores"), count(&synced, "fetched")), (14, 13), "{synced}");
    assert_eq!(count(&serve.sync(&device), "fetched"), 0, "once");
    assert_eq!((count(&kept(&device), "threads"), count(&kept(&device), "whole")), (13, 13));
    serve.stop();
    let threads = device.threads("inbox");
    assert_eq!(readable(&device, &threads), vec![true; 13]);
    let shown = device.run(&["--offline", "show", &device.thread("long"), "--json"]).ok().object();
    assert_eq!(text(&shown["messages"][0], "text").trim(), long_text(1).trim());
    let kinds = device.run(&["doctor", "--disk", "--json"]).ok().object()["kinds"].clone();
    assert!(count(&kinds, "keptLogs") > 0 && count(&kinds, "keptBlobs") > 0, "{kinds}");
    device.assert_healthy("keep all");
}

#[test]
fn what_was_broken_off_goes_on() {
    let mut mails = many("m", 150);
    mails.extend((0..4).map(|n| mail(&format!("long-{n}")).at(200 + n).body(long_text(9))));
    let (mut serve, device) = device(&mails, &["all"]);
    let mut at = Vec::new();
    for least in [1, 60, 120] {
        let mut child = serve.command(&device, &["--sync-only"]).spawn().expect("it starts");
        let file = device.data().join("threads.db");
        wait_for(MOMENT, || {
            let ended = child.try_wait().expect("waitable").is_some();
            let heads = Connection::open(&file).and_then(|db| {
                let sql = "SELECT count(*) FROM keeping WHERE bytes > 0";
                db.query_row(sql, [], |row| row.get::<_, i64>(0))
            });
            (ended || heads.is_ok_and(|heads| heads >= least)).then_some(())
        });
        // It may have ended by then; what is killed is whoever is there.
        let _ = child.kill();
        child.wait().expect("waitable");
        at.push(count(&kept(&device), "threads"));
    }
    assert!(at.is_sorted(), "what was there stayed: {at:?}");
    serve.kill();
    serve.restart();
    let synced = serve.sync(&device);
    assert_eq!((count(&synced, "stores"), count(&synced, "pending")), (155, 0), "{synced}");
    serve.stop();
    assert!(readable(&device, &device.threads("inbox")).iter().all(|readable| *readable));
    device.assert_healthy("kills");
    serve.assert_healthy("kills");
}

#[test]
fn the_limit_keeps_the_newest_and_a_smaller_choice_frees_the_disk() {
    let body = |n: i64| {
        let lines: Vec<String> = (0..900).map(|line| format!("{n} {} {line}", line * n)).collect();
        lines.join("\n") + "\n"
    };
    let mails: Vec<Mail> = (1..120).map(|n| mail(&format!("m-{n}")).at(n).body(body(n))).collect();
    let (mut serve, device) = device(&mails, &["all"]);
    serve.sync(&device);
    let all = (on_disk(&device), kept(&device));
    let limit = count(&all.1, "bytes") / 2;
    device.run(&["device", "keep", "--limit", &limit.to_string()]).ok();
    let less = kept(&device);
    assert!(count(&less, "bytes") <= limit && count(&less, "threads") > 20, "{less}");
    let again = serve.sync(&device);
    let less = kept(&device);
    assert!(count(&less, "bytes") <= limit, "what does not fit is not fetched: {less} {again}");
    assert_eq!(count(&again, "stores"), 1 + count(&less, "whole"), "{again}");
    assert_eq!(count(&again, "leftOut"), 119 - count(&less, "whole"), "{again}");
    assert_eq!(count(&again, "limit"), limit, "why: {again}");
    device.run(&["device", "keep", "newest:10"]).ok();
    assert_eq!(count(&kept(&device), "threads"), 10);
    assert!(on_disk(&device) < all.0 / 3, "{} of {}", on_disk(&device), all.0);
    serve.stop();
    let threads = device.threads("inbox");
    let wanted: Vec<bool> = (0..threads.len()).map(|n| n < 10).collect();
    assert_eq!(readable(&device, &threads), wanted);
    device.run(&["device", "keep", "none"]).ok();
    assert_eq!(count(&kept(&device), "bytes"), 0);
    device.assert_healthy("less and less");
}

#[test]
fn what_does_not_fit_is_not_fetched_though_something_older_is_kept() {
    let body = |n: i64| {
        let lines: Vec<String> = (0..900).map(|line| format!("{n} {} {line}", line * n)).collect();
        lines.join("\n") + "\n"
    };
    let mails: Vec<Mail> = (1..400).map(|n| mail(&format!("m-{n}")).at(n).body(body(n))).collect();
    let (serve, device) = device(&mails, &["starred"]);
    serve.run(&device, &["star", &device.thread("m-1")]).ok();
    serve.sync(&device);
    let one = count(&kept(&device), "bytes");
    device.run(&["device", "keep", "all", "--limit", &(one * 40).to_string()]).ok();
    serve.sync(&device);
    let less = kept(&device);
    assert!(count(&less, "threads") > 30, "{less}");
    let file = Connection::open(device.data().join("threads.db")).expect("a database");
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'eventlog'";
    let ever: i64 = file.query_row(sql, [], |row| row.get(0)).expect("a count");
    // What was under way when it was full, and no more.
    assert!(ever < 540, "{ever} events were fetched");
}

#[test]
fn what_is_pinned_or_pending_stays_and_what_is_purged_goes() {
    let mails = [mail("pinned"), mail("starred").at(1), mail("mine").at(2), mail("other").at(3)];
    let (mut serve, device) = device(&mails, &["all"]);
    let thread = |name: &str| device.thread(name);
    serve.run(&device, &["star", &thread("starred")]).ok();
    serve.sync(&device);
    device.run(&["device", "pin", &thread("pinned")]).ok();
    device.run(&["--offline", "archive", &thread("mine")]).ok();
    device.run(&["device", "keep", "starred"]).ok();
    let names = ["pinned", "starred", "mine", "other"].map(thread);
    assert_eq!(readable(&device, &names), [true, true, true, false]);
    device.run(&["device", "keep", "none"]).ok();
    assert_eq!(readable(&device, &names), [true, false, true, false]);
    serve.sync(&device);
    assert_eq!(readable(&device, &names), [true, false, false, false], "nothing waits for it");
    device.run(&["device", "unpin", &names[0]]).ok();
    assert_eq!(readable(&device, &names), [false; 4]);
    device.run(&["device", "pin", &names[3]]).ok();
    serve.sync(&device);
    assert_eq!(readable(&device, &names), [false, false, false, true], "what is pinned is fetched");
    serve.run(&device, &["purge", "--anywhere", "--yes", &names[3]]).ok();
    let sum = kept(&device);
    assert_eq!((count(&sum, "threads"), count(&sum, "pinned")), (0, 0), "{sum}");
    serve.stop();
    device.run(&["device", "pin", "nothing-of-this-name"]).exited(3);
    device.run(&["device", "keep", "some"]).exited(2);
    serve.home().run(&["device", "keep", "all"]).exited(1);
}

#[test]
fn a_flipped_bit_is_fetched_again_and_never_shown() {
    let mails = [mail("one").body(long_text(3)), mail("two").at(1).body(long_text(4))];
    let (mut serve, device) = device(&mails, &["all"]);
    serve.sync(&device);
    let thread = device.thread("one");
    let flip = || {
        let db = Connection::open(device.data().join("threads.db")).expect("it opens");
        // One text in place of the other: bytes that inflate, under the wrong name.
        let sql = "UPDATE blobs SET data = (SELECT data FROM blobs ORDER BY key LIMIT 1)";
        assert_eq!(db.execute(sql, []).expect("written"), 2);
        let sql = "UPDATE blobs SET data = substr(data, 1, 20) WHERE key =
                   (SELECT min(key) FROM blobs)";
        assert_eq!(db.execute(sql, []).expect("written"), 1);
    };
    flip();
    let found = device.run(&["--offline", "doctor", "--json"]).exited(1).lines();
    assert_eq!(found.len(), 2, "{found:?}");
    device.run(&["--offline", "show", &thread]).exited(3);
    for (name, seed) in [("one", 3), ("two", 4)] {
        let shown = serve.run(&device, &["show", &device.thread(name), "--json"]).ok().object();
        assert_eq!(text(&shown["messages"][0], "text").trim(), long_text(seed).trim());
    }
    serve.stop();
    assert_eq!(readable(&device, &[thread]), [true], "it was healed on disk");
    device.assert_healthy("flipped bits");
}

#[test]
fn watching_keeps_what_is_kept_fresh() {
    let (serve, device) = device(&[mail("plan")], &["all"]);
    let mut watch = serve.command(&device, &["--sync-only", "--watch", "--json"]);
    let mut child = watch.spawn().expect("it starts");
    let sender = Home::new();
    mail("answer").at(1).reply_to("plan", "plan").write(&sender.path("a.eml"));
    mail("new").at(2).write(&sender.path("b.eml"));
    serve.run(&sender, &["import", "a.eml", "b.eml"]).ok();
    let fresh = wait_for(crate::support::SCREEN_DEADLINE, || {
        (count(&kept(&device), "whole") == 2).then_some(())
    });
    child.kill().expect("killed");
    child.wait().expect("waitable");
    assert!(fresh.is_some(), "{}", kept(&device));
    let shown = device.run(&["--offline", "show", &device.thread("plan"), "--json"]).ok().object();
    assert_eq!(shown["messages"].as_array().map(Vec::len), Some(2));
    // Beside the one that watches a choice is made all the same.
    let mut watch = serve.command(&device, &["--sync-only", "--watch", "--json"]);
    let mut child = watch.spawn().expect("it starts");
    let heard = wait_for(crate::support::SCREEN_DEADLINE, || {
        device.data().join("socket").exists().then_some(())
    });
    device.run(&["device", "keep", "newest:1"]).ok();
    let gone = wait_for(crate::support::SCREEN_DEADLINE, || {
        (count(&kept(&device), "threads") == 1).then_some(())
    });
    child.kill().expect("killed");
    child.wait().expect("waitable");
    assert!(heard.is_some() && gone.is_some(), "{}", kept(&device));
}

#[test]
fn what_the_limit_leaves_out_counts_once_whatever_wants_it() {
    let body = |n: i64| {
        let lines: Vec<String> = (0..900).map(|line| format!("{n} {} {line}", line * n)).collect();
        lines.join("\n") + "\n"
    };
    let mails: Vec<Mail> = (1..120).map(|n| mail(&format!("m-{n}")).at(n).body(body(n))).collect();
    let (serve, device) = device(&mails, &["all"]);
    for name in ["m-1", "m-2", "m-119"] {
        serve.run(&device, &["star", &device.thread(name)]).ok();
    }
    let all = serve.sync(&device);
    assert_eq!(all["leftOut"], Value::Null, "{all}");
    let limit = (count(&kept(&device), "bytes") / 4).to_string();
    device.run(&["device", "keep", "starred", "newest:30", "--limit", &limit]).ok();
    let run = serve.run(&device, &["--sync-only"]).ok();
    let whole = count(&kept(&device), "whole");
    assert!(0 < whole && whole < 32, "{run}");
    let left = format!("{} left out: the limit of {limit} bytes", 32 - whole);
    assert!(String::from_utf8_lossy(&run.stdout).contains(&left), "{left}: {run}");
}
