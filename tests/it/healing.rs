//! A backend whose Thread log is not what was written to it, and devices that hold that log: both
//! in processes of their own.
//!
//! Invariant: what is damaged is said, makes no rows and is shown by nobody; when a device that
//! holds the log has been there, the backend's file says again what it said before, row by row, and
//! what was done meanwhile is in it too.

use std::path::{Path, PathBuf};
use std::process::Child;

use serde_json::Value;

use crate::support::binary::{Home, text};
use crate::support::mail::{mail, mbox, write};
use crate::support::serve::Serve;
use crate::support::{SCREEN_DEADLINE, wait_for};

/// A backend, a device that keeps all, and the conversation that is damaged.
struct Scene {
    serve: Serve,
    holder: Home,
    thread: String,
    shown: String,
}

fn scene() -> Scene {
    let (serve, holder) = (Serve::start(), Home::new());
    let long = "a long text of many words ".repeat(100);
    let messages = [
        mail("one").body(long),
        mail("two").reply_to("one", "one"),
        mail("three").reply_to("two", "one"),
        mail("other"),
    ];
    write(&holder.path("box"), &mbox(&messages));
    serve.run(&holder, &["import", "box"]).ok();
    holder.run(&["device", "keep", "all"]).ok();
    let thread = holder.thread("one");
    serve.run(&holder, &["star", &thread]).ok();
    serve.run(&holder, &["label", &thread, "+Trips"]).ok();
    serve.sync(&holder);
    let shown = text_of(&holder, &thread);
    Scene { serve, holder, thread, shown }
}

/// What `show` says without a connection.
fn text_of(home: &Home, thread: &str) -> String {
    home.run(&["show", thread, "--json", "--offline"]).ok().object()["messages"].to_string()
}

impl Scene {
    fn file(&self) -> PathBuf {
        self.serve.home().data().join("backend/threads.db")
    }

    /// All rows of the damaged conversation's log, and its end.
    fn rows(&self) -> Vec<String> {
        rows(&self.file(), &self.thread)
    }

    fn said(&self, words: &str) -> bool {
        let log = std::fs::read_to_string(self.serve.log()).expect("its lines");
        log.lines().any(|line| line.contains(&self.thread) && line.contains(words))
    }
}

fn open(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).expect("opens")
}

fn rows(path: &Path, thread: &str) -> Vec<String> {
    let db = open(path);
    let sql = "SELECT s.head, s.chain, e.position, e.id, e.name, e.args, e.device, e.epoch,
               e.action, e.chain FROM stores s LEFT JOIN eventlog e ON e.store = s.key
               WHERE s.id = 'thread-' || ?1 ORDER BY e.position";
    let mut statement = db.prepare(sql).expect("a statement");
    let row = |row: &rusqlite::Row<'_>| {
        let column = |at| format!("{:?}", row.get_ref(at).expect("there"));
        Ok((0..10).map(column).collect::<Vec<_>>().join(" "))
    };
    let rows = statement.query_map([thread], row).expect("readable");
    rows.collect::<Result<_, _>>().expect("readable")
}

fn change(path: &Path, thread: &str, sql: &str) {
    let of = format!("(SELECT key FROM stores WHERE id = 'thread-{thread}')");
    let sql = sql.replace("STORE", &of);
    let changed = open(path).execute(&sql, []).expect("changed");
    assert!(changed > 0, "{sql}");
}

/// One bit of the file flips, in the middle of an event's arguments.
fn flip(path: &Path, thread: &str, position: i64) {
    let args: Vec<u8> = {
        let db = open(path);
        let sql = "SELECT args FROM eventlog WHERE position = ?1
                   AND store = (SELECT key FROM stores WHERE id = 'thread-' || ?2)";
        let args = db.query_row(sql, (position, thread), |row| row.get(0)).expect("a row");
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("in the file");
        args
    };
    let mut bytes = std::fs::read(path).expect("the file");
    let part = &args[..args.len().min(200)];
    let at = bytes.windows(part.len()).position(|bytes| bytes == part).expect("it is there");
    bytes[at + part.len() / 2] ^= 0x04;
    std::fs::write(path, bytes).expect("written");
}

/// A kind of damage, and what does it to a log in a file.
type Damage = (&'static str, fn(&Path, &str));

const DAMAGES: [Damage; 7] = [
    ("a bit of an event", |path, thread| flip(path, thread, 2)),
    ("a bit of the last event", |path, thread| {
        let last = i64::try_from(rows(path, thread).len()).expect("small");
        flip(path, thread, last);
    }),
    ("an event's name", |path, thread| {
        let sql =
            "UPDATE eventlog SET name = 'v1.MessageAddee' WHERE store = STORE AND position = 3";
        change(path, thread, sql);
    }),
    ("an event's id", |path, thread| {
        let sql = "UPDATE eventlog SET id = zeroblob(16) WHERE store = STORE AND position = 3";
        change(path, thread, sql);
    }),
    ("a row is gone", |path, thread| {
        change(path, thread, "DELETE FROM eventlog WHERE store = STORE AND position = 2");
    }),
    ("the tail is cut", |path, thread| {
        change(path, thread, "DELETE FROM eventlog WHERE store = STORE AND position > 2");
    }),
    ("the whole log", |path, thread| {
        change(path, thread, "DELETE FROM eventlog WHERE store = STORE");
    }),
];

#[test]
fn a_damaged_log_comes_back_from_a_device_that_holds_it() {
    let mut scene = scene();
    let (thread, shown) = (scene.thread.clone(), scene.shown.clone());
    for (case, damage) in DAMAGES {
        scene.serve.stop();
        let before = scene.rows();
        damage(&scene.file(), &thread);
        assert!(scene.rows() != before, "{case}");
        scene.serve.restart();
        // Who does not hold it hears why it cannot be had, and nothing of it.
        let other = Home::new();
        scene.serve.sync(&other);
        let refused = scene.serve.run(&other, &["show", &thread, "--json"]).exited(1);
        assert!(refused.stdout.is_empty(), "{case}: {refused}");
        assert_eq!(text(&refused.error(), "code"), "withheld", "{case}");
        assert!(scene.said("damaged at position"), "{case}: the backend says so");
        // Who holds it goes on, and what it holds is asked for.
        scene.serve.sync(&scene.holder);
        assert_eq!(text_of(&scene.holder, &thread), shown, "{case}");
        let whole = wait_for(SCREEN_DEADLINE, || (scene.rows() == before).then_some(()));
        assert!(whole.is_some(), "{case}: it did not come back");
        assert!(scene.said("whole again"), "{case}: the backend says so");
        scene.serve.run(&other, &["show", &thread, "--json"]).ok();
        assert_eq!(text_of(&other, &thread), shown, "{case}");
        other.assert_healthy(case);
    }
    scene.serve.stop();
    scene.serve.assert_healthy("all of them");
    scene.holder.assert_healthy("all of them");
}

/// What stands in the file twice, of which one is whole.
const TWICE: [Damage; 4] = [
    ("a chain", |path, thread| {
        let sql = "UPDATE eventlog SET chain = zeroblob(16) WHERE store = STORE AND position = 3";
        change(path, thread, sql);
    }),
    ("the last chain", |path, thread| {
        let sql = "UPDATE eventlog SET chain = zeroblob(16) WHERE store = STORE AND position =
                   (SELECT max(position) FROM eventlog WHERE store = STORE)";
        change(path, thread, sql);
    }),
    ("an end too early", |path, thread| {
        change(path, thread, "UPDATE stores SET head = head - 1 WHERE key = STORE");
    }),
    ("an end too late", |path, thread| {
        change(path, thread, "UPDATE stores SET head = head + 1024 WHERE key = STORE");
    }),
];

/// It must be met before anything is appended: what comes behind it is chained to it.
const END: Damage = ("the chain at the end", |path, thread| {
    change(path, thread, "UPDATE stores SET chain = zeroblob(16) WHERE key = STORE");
});

/// A device offers something, and one that holds nothing looks: nobody is needed to put that right.
#[test]
fn what_the_log_can_say_itself_is_put_right_at_once() {
    let mut scene = scene();
    let thread = scene.thread.clone();
    scene.holder.run(&["device", "keep", "opened"]).ok();
    scene.serve.stop();
    for (case, damage) in TWICE.into_iter().chain([END]) {
        for pushed in [false, true] {
            if pushed && case == END.0 {
                continue;
            }
            let case = format!("{case}, pushed: {pushed}");
            let before = scene.rows();
            damage(&scene.file(), &thread);
            scene.serve.restart();
            if pushed {
                scene.serve.run(&scene.holder, &["star", &thread]).ok();
                scene.serve.sync(&scene.holder);
            }
            let other = Home::new();
            scene.serve.sync(&other);
            scene.serve.run(&other, &["show", &thread, "--json"]).ok();
            assert_eq!(text_of(&other, &thread), scene.shown, "{case}");
            scene.serve.stop();
            // A chain that nobody went on from is found by who looks at all of them.
            let doctor = scene.serve.home().run(&["doctor", "--json"]);
            let found = doctor.lines();
            let is_right = |line: &Value| line["repaired"] == true || line["clean"] == true;
            assert!(found.iter().all(is_right), "{case}: {doctor}");
            assert_eq!(scene.rows().len(), before.len() + usize::from(pushed), "{case}");
            assert!(pushed || scene.rows() == before, "{case}: {doctor}");
            scene.serve.assert_healthy(&case);
        }
    }
}

/// Keys on a conversation whose log is damaged are taken, and shown when it is whole.
#[test]
fn what_is_done_to_a_damaged_conversation_is_in_its_log_when_it_is_whole() {
    let mut scene = scene();
    let (other, thread) = (Home::new(), scene.thread.clone());
    scene.serve.sync(&other);
    scene.serve.stop();
    let before = scene.rows();
    flip(&scene.file(), &thread, 2);
    scene.serve.restart();
    scene.serve.run(&other, &["archive", &thread]).ok();
    scene.serve.run(&other, &["unstar", &thread]).ok();
    let places = |home: &Home| (home.threads("inbox").len(), home.threads("archive").len());
    assert_eq!((places(&other), places(&scene.holder)), ((1, 1), (2, 0)));
    scene.serve.sync(&scene.holder);
    wait_for(SCREEN_DEADLINE, || scene.said("whole again").then_some(())).expect("whole");
    for device in [&scene.holder, &other] {
        scene.serve.sync(device);
        assert_eq!(places(device), (1, 1));
        assert_eq!(device.threads("starred").len(), 0);
    }
    assert_eq!(scene.rows().len(), before.len() + 2);
    scene.serve.stop();
    scene.serve.assert_healthy("a log that went on");
    assert_eq!(places(scene.serve.home()), (1, 1));
}

/// A process that is ended with the test.
struct Watch(Child);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A device that is there when somebody else meets the damage is asked at once.
#[test]
fn a_device_that_is_connected_is_asked_at_once() {
    let mut scene = scene();
    let (other, thread) = (Home::new(), scene.thread.clone());
    scene.serve.stop();
    let before = scene.rows();
    flip(&scene.file(), &thread, 3);
    scene.serve.restart();
    let mut watch = scene.serve.command(&scene.holder, &["--sync-only", "--watch", "--json"]);
    let watch = Watch(watch.spawn().expect("runs"));
    scene.serve.sync(&other);
    assert!(!scene.said("damaged"), "nobody has looked");
    let shown = wait_for(SCREEN_DEADLINE, || {
        let run = scene.serve.run(&other, &["show", &thread, "--json"]);
        assert!(run.code() == Some(0) || run.stdout.is_empty(), "{run}");
        (run.code() == Some(0)).then_some(())
    });
    assert!(shown.is_some() && scene.said("whole again"));
    assert_eq!(text_of(&other, &thread), scene.shown);
    assert!(scene.rows() == before);
    drop(watch);
}

/// A device whose own log is damaged has nothing to give, and does not take the other for good.
#[test]
fn two_damaged_logs_do_not_spread_and_a_third_device_mends_both() {
    let mut scene = scene();
    let (third, thread) = (Home::new(), scene.thread.clone());
    scene.serve.sync(&third);
    third.run(&["device", "keep", "all"]).ok();
    scene.serve.sync(&third);
    scene.serve.stop();
    let before = scene.rows();
    flip(&scene.file(), &thread, 2);
    flip(&scene.holder.data().join("threads.db"), &thread, 3);
    // It is found, and asked for when the backend runs again.
    let found = scene.serve.home().run(&["doctor", "--json"]).exited(1).lines();
    assert!(found.iter().any(|finding| finding["code"] == "log"), "{found:?}");
    scene.serve.restart();
    let damaged = scene.rows();
    let offline = scene.holder.run(&["show", &thread, "--json", "--offline"]);
    assert!(offline.code() != Some(0) && offline.stdout.is_empty(), "{offline}");
    let run = scene.serve.run(&scene.holder, &["show", &thread, "--json"]).exited(1);
    assert!(run.stdout.is_empty(), "{run}");
    scene.serve.run(&scene.holder, &["--sync-only"]);
    assert!(scene.rows() == damaged, "there was nothing to take");
    scene.serve.sync(&third);
    let whole = wait_for(SCREEN_DEADLINE, || (scene.rows() == before).then_some(()));
    assert!(whole.is_some(), "it did not come back");
    scene.serve.sync(&scene.holder);
    for device in [&scene.holder, &third] {
        assert_eq!(text_of(device, &thread), scene.shown);
        device.assert_healthy("both are whole");
    }
    scene.serve.stop();
    scene.serve.assert_healthy("both are whole");
}
