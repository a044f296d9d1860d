//! Purge: what goes, goes everywhere and for ever; what was not looked at stays.
//!
//! Invariant: whether something is gone is asked of the bytes on disk, plain and inflated, and not
//! of the program that was to remove it.

use std::path::{Path, PathBuf};

use mailtui::backend::{Backend, Options};
use mailtui::clock::SystemClock;
use rusqlite::types::ValueRef;
use serde_json::Value;

use crate::support::binary::{Home, Run, count, run, text};
use crate::support::mail::{Mail, mail, mbox, write};
use crate::support::pty::Pty;
use crate::support::serve::Serve;

/// A word that stands in everything of the mail that is purged.
const MARKER: &str = "Zebrafinch";
/// Text that is too long for an event, and lies in a blob.
const LONG: usize = 100_000;

/// A conversation whose every part has the marker, in `name` and a reply.
fn marked(name: &str) -> Vec<Mail> {
    let attachment = format!(
        "Content-Type: text/plain\nContent-Disposition: attachment; filename=\"{MARKER}.txt\""
    );
    let body = format!("{MARKER} {name}\n");
    let long = format!("{MARKER} {}\n", "many words ".repeat(LONG / 11));
    vec![
        mail(name).subject(&format!("{name} {MARKER}")).parts(&[
            ("Content-Type: text/plain", body.as_bytes()),
            (attachment.as_str(), format!("{MARKER} inside").as_bytes()),
        ]),
        mail(&format!("{name}-re"))
            .reply_to(name, name)
            .set("From", &format!("{MARKER} <{MARKER}@example.org>"))
            .at(1)
            .body(long),
    ]
}

/// Where the marker is in the files of a directory: raw bytes, and every column, inflated.
fn traces(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let files: Vec<PathBuf> = crate::support::corpora::files(dir);
    assert!(!files.is_empty(), "there are files in {}", dir.display());
    for path in files {
        let bytes = std::fs::read(&path).expect("readable");
        if holds(&bytes) {
            found.push(format!("{}", path.display()));
        }
        if bytes.starts_with(b"SQLite format 3") {
            rows(&path, &mut found);
        }
    }
    found
}

fn holds(bytes: &[u8]) -> bool {
    let lower = bytes.to_ascii_lowercase();
    let marker = MARKER.to_ascii_lowercase();
    lower.windows(marker.len()).any(|window| window == marker.as_bytes())
}

/// Tables and columns of a database in which the marker is.
fn rows(path: &Path, found: &mut Vec<String>) {
    let db = rusqlite::Connection::open(path).expect("opens");
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table'";
    let mut tables = db.prepare(sql).expect("a schema");
    let tables: Vec<String> =
        tables.query_map([], |row| row.get(0)).expect("tables").map(Result::unwrap).collect();
    for table in tables {
        let mut all = db.prepare(&format!("SELECT * FROM {table}")).expect("a table");
        let columns = all.column_count();
        let mut rows = all.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            for column in 0..columns {
                let value = row.get_ref(column).expect("a value");
                let (ValueRef::Text(value) | ValueRef::Blob(value)) = value else { continue };
                let inflated = zstd::stream::decode_all(value).unwrap_or_default();
                if holds(value) || holds(&inflated) {
                    found.push(format!("{}: {table}.{column}", path.display()));
                }
            }
        }
    }
}

fn import(home: &Home, mails: &[Mail]) -> Value {
    write(&home.path("box"), &mbox(mails));
    home.import(&home.path("box"))
}

fn thread(home: &Home, subject: &str) -> String {
    home.thread(&format!("{subject} {MARKER}"))
}

fn compacted(home: &Home) {
    home.run(&["doctor", "--compact"]).ok();
}

fn purged(run: &Run) -> (u64, u64) {
    let object = run.object();
    (count(&object, "purged"), count(&object, "messages"))
}

#[test]
fn nothing_is_left_in_any_file_and_the_rest_is_whole() {
    let home = Home::new();
    let mut mails = marked("old");
    mails.push(mail("other").body("stays"));
    import(&home, &mails);
    let old = thread(&home, "old");
    home.run(&["label", &old, "+Work"]).ok();
    home.run(&["show", &old]).ok();
    home.run(&["trash", &old]).ok();
    assert!(traces(&home.data()).len() > 3, "the test sees what is there");
    let rest = home.list("inbox");
    let dry = home.run(&["purge", &old, "--dry-run", "--json"]).ok();
    assert_eq!((purged(&dry), dry.object()["dryRun"] == true), ((1, 2), true));
    assert_eq!(home.list("trash").len(), 1, "nothing went");
    let done = home.run(&["purge", &old, "--yes", "--json"]).ok();
    assert_eq!(purged(&done), (1, 2));
    assert!(count(&done.object(), "bytes") > LONG as u64, "{done}");
    assert_eq!((home.list("anywhere"), home.list("inbox")), (rest.clone(), rest));
    home.run(&["show", &old]).exited(3);
    home.assert_healthy("purge");
    compacted(&home);
    assert_eq!(traces(&home.data()), Vec::<String>::new());
    home.assert_healthy("compaction");
    let labels = home.json(&["labels"]);
    let work = labels.iter().find(|label| label["name"] == "Work").expect("the label stays");
    assert_eq!(work["threadCount"], 0);
    // Said twice is done once; a thread that never was is not found.
    assert_eq!(purged(&home.run(&["purge", &old, "--yes", "--json"]).ok()), (0, 0));
    home.run(&["purge", "nosuchthread", "--yes"]).exited(3);
}

#[test]
fn nothing_is_left_in_a_snapshot_and_what_is_made_of_it_is_whole() {
    let home = Home::new();
    let mut mails = marked("old");
    mails.push(mail("other").body("stays"));
    import(&home, &mails);
    let options = Options { dir: home.data().join("backend"), thread_clients: 1 };
    let mut backend = Backend::open(&options, &SystemClock).expect("a backend");
    assert!(backend.make_snapshot().expect("room on the disk"));
    assert!(backend.truncate().expect("room on the disk") > 0);
    drop(backend);
    let in_snapshot =
        |found: Vec<String>| found.iter().any(|trace| trace.contains("snapshots.db: chunks"));
    assert!(in_snapshot(traces(&home.data())), "the test sees what is there");
    home.run(&["purge", &thread(&home, "old"), "--anywhere", "--yes"]).ok();
    assert!(!in_snapshot(traces(&home.data())), "before anything is compacted");
    home.assert_healthy("a purge of what is in a snapshot");
    // Its device is gone, and its rows come from what is left of the snapshot.
    for name in ["mailbox.db", "mailbox.db-wal", "mailbox.db-shm"] {
        let _ = std::fs::remove_file(home.data().join(name));
    }
    home.run(&["--sync-only"]).ok();
    assert_eq!(home.list("anywhere").len(), 1);
    home.assert_healthy("a bootstrap from it");
    compacted(&home);
    assert_eq!(traces(&home.data()), Vec::<String>::new());
}

#[test]
fn nobody_is_asked_without_a_terminal_and_only_trash_goes() {
    let home = Home::new();
    import(&home, &[mail("a"), mail("b"), mail("c"), mail("d")]);
    let [a, b, c] = ["a", "b", "c"].map(|name| home.thread(name));
    for args in [&["purge"][..], &["purge", "--trash"], &["purge", &a], &["purge", "--json"]] {
        let refused = home.run(args).exited(2);
        assert!(String::from_utf8_lossy(&refused.stderr).contains("--yes"), "{refused}");
    }
    for args in [
        &["purge", "--trash-older", "soon", "--yes"][..],
        &["purge", &a, "--trash", "--yes"],
        &["purge", "--anywhere", "--yes"],
        &["purge", "--trash", "--anywhere", "--yes"],
    ] {
        home.run(args).exited(2);
    }
    let kept = home.run(&["purge", &a, "--yes", "--json"]).exited(4).object();
    assert_eq!((&kept["purged"], &kept["kept"][0]["code"]), (&0.into(), &"not-in-trash".into()));
    home.run(&["trash", &a, &b]).ok();
    home.run(&["move", &c, "spam"]).ok();
    let young = home.run(&["purge", "--yes", "--json"]).ok().object();
    assert_eq!((&young["purged"], &young["younger"]), (&0.into(), &2.into()));
    home.run(&["--offline", "purge", "--trash", "--yes"]).exited(5);
    assert_eq!(home.list("anywhere").len(), 4, "nothing has gone until now");
    assert_eq!(
        purged(&home.run(&["purge", "--trash-older", "0h", "--yes", "--json"]).ok()),
        (2, 2)
    );
    assert_eq!(purged(&home.run(&["purge", &c, "--yes", "--json"]).ok()), (1, 1));
    let d = home.thread("d");
    assert_eq!(purged(&home.run(&["purge", &d, "--anywhere", "--yes", "--json"]).ok()), (1, 1));
    assert_eq!(home.list("anywhere").len(), 0);
    // An undo brings nothing back, and says so.
    for says in ["Undid: spam. 1 is gone for ever.", "Undid: trash. 2 are gone for ever."] {
        let undone = home.run(&["undo"]).ok().stdout;
        let undone = String::from_utf8_lossy(&undone);
        assert!(undone.contains(says), "{undone}");
    }
    home.assert_healthy("all purged");
}

#[test]
fn what_was_purged_is_not_imported_again_unless_it_is_wanted() {
    let home = Home::new();
    let nameless = mail("nameless").without("Message-ID");
    let mails = [marked("old"), vec![mail("other"), nameless.clone()]].concat();
    import(&home, &mails);
    let old = thread(&home, "old");
    let gone = [old.as_str(), &home.thread("nameless")].map(str::to_owned);
    home.run(&["purge", &gone[0], &gone[1], "--anywhere", "--yes"]).ok();
    let again = import(&home, &mails);
    let counts = |report: &Value| {
        ["messages", "imported", "duplicates", "copies"].map(|field| count(report, field))
    };
    assert_eq!((counts(&again), count(&again, "purged")), ([4, 0, 1, 0], 3), "{again}");
    assert_eq!(home.list("anywhere").len(), 1);
    // An answer to it is new mail, and a conversation of its own.
    let answer = mail("answer").reply_to("old", "old-re").at(5);
    assert_eq!(counts(&import(&home, &[answer])), [1, 1, 0, 0]);
    assert_eq!(home.list("inbox").len(), 2);
    home.assert_healthy("an answer");
    let back = run(home.command(&["import", "box", "--purged-too", "--json"])).ok().object();
    assert_eq!(counts(&back), [1, 0, 1, 0], "{back}");
    write(&home.path("all"), &mbox(&mails));
    let back = run(home.command(&["import", "all", "--purged-too", "--json"])).ok().object();
    assert_eq!((counts(&back), &back["purged"]), ([4, 3, 1, 0], &Value::Null), "{back}");
    let rows = home.list("anywhere");
    assert!(rows.iter().all(|row| !gone.contains(&text(row, "thread"))), "{rows:?}");
    assert_eq!(rows.len(), 3, "with its answer in it: {rows:?}");
    home.assert_healthy("what came back");
    assert_eq!(counts(&import(&home, &mails)), [4, 0, 4, 0]);
}

#[test]
fn what_is_gone_is_neither_undone_nor_done_again_and_it_says_so() {
    let home = Home::new();
    import(&home, &[mail("one"), mail("two")]);
    let (one, two) = (home.thread("one"), home.thread("two"));
    let archive = |threads: &[&str]| {
        let line = [&["archive", "--json"], threads].concat();
        text(&home.run(&line).ok().object(), "action")
    };
    let (both, alone) = (archive(&[&one, &two]), archive(&[&one]));
    home.run(&["undo", &alone]).ok();
    home.run(&["purge", &one, "--anywhere", "--yes"]).ok();
    let said = |line: &[&str]| {
        let run = home.run(line).ok();
        String::from_utf8(run.stdout).expect("UTF-8").trim_end().to_owned()
    };
    let undone = "Undid: archive of 1 conversation. 1 is gone for ever.";
    assert_eq!(said(&["undo", &both]), undone);
    let redone = "Redid: archive of 1 conversation. 1 is gone for ever.";
    assert_eq!(said(&["redo", &both]), redone);
    let before = home.json(&["history"]);
    let nothing = "Nothing of it is left to do again: archive. 1 is gone for ever.";
    assert_eq!(said(&["redo", &alone]), nothing);
    let object = home.run(&["redo", &alone, "--json"]).ok().object();
    assert_eq!((&object["action"], &object["redid"]), (&Value::Null, &Value::Null), "{object}");
    assert_eq!(home.json(&["history"]), before, "an action that did nothing is none");
    home.assert_healthy("undo and redo of what is gone");
}

#[test]
fn a_blob_that_another_conversation_names_stays() {
    let home = Home::new();
    let long = "The same long text. ".repeat(LONG / 20) + "\n";
    import(&home, &[mail("one").body(&long), mail("two").body(&long), mail("three").body("x")]);
    let two = home.thread("two");
    let before = home.show(&two);
    home.run(&["purge", &home.thread("one"), "--anywhere", "--yes"]).ok();
    home.assert_healthy("the first of two");
    compacted(&home);
    assert_eq!(home.show(&two)["messages"], before["messages"]);
    let blobs = || home.json(&["doctor", "--disk"])[0]["kinds"]["blobs"].as_u64().expect("bytes");
    home.run(&["purge", &two, "--anywhere", "--yes"]).ok();
    home.assert_healthy("the second of two");
    compacted(&home);
    // A page for each of its tables and their indexes.
    assert!(blobs() <= 8 * 4096, "{}", blobs());
}

/// A serve, a device that imported, one that read it, and one that is there and knows nothing yet.
fn three() -> (Serve, [Home; 3]) {
    let serve = Serve::start();
    let homes = [Home::new(), Home::new(), Home::new()];
    let [a, b, _] = &homes;
    let mails = [marked("old"), marked("young"), vec![mail("other")]].concat();
    write(&a.path("box"), &mbox(&mails));
    serve.run(a, &["import", "box"]).ok();
    serve.sync(b);
    for home in [a, b] {
        serve.run(home, &["show", &thread(home, "old")]).ok();
    }
    serve.run(b, &["star", &thread(b, "old")]).ok();
    serve.sync(a);
    (serve, homes)
}

#[test]
fn it_goes_from_every_device_that_syncs() {
    let (mut serve, [a, b, late]) = three();
    let (old, young) = (thread(&a, "old"), thread(&a, "young"));
    // B has read it, goes away, and archives it meanwhile.
    b.run(&["archive", &old, "--offline"]).ok();
    serve.run(&a, &["trash", &old, &young]).ok();
    let done = serve.run(&a, &["purge", "--trash", "--yes", "--json"]).ok();
    assert_eq!(purged(&done), (2, 4));
    assert!(!traces(&b.data()).is_empty(), "B has not heard of it");
    let told = serve.run(&b, &["--sync-only", "--json"]);
    assert_eq!(told.object()["pending"], 0, "{told}");
    let found = b.run(&["doctor", "--json"]).exited(1);
    let lines = found.lines();
    assert!(lines.iter().all(|line| line["code"] == "refused"), "{found}");
    assert!(lines[0]["detail"].to_string().contains("purged"), "{found}");
    serve.sync(&late);
    let rows = a.list("anywhere");
    assert_eq!(rows.len(), 1);
    for home in [&b, &late] {
        assert_eq!(home.list("anywhere"), rows);
    }
    a.assert_healthy("its own purge");
    late.assert_healthy("a first sync after a purge");
    serve.stop();
    serve.assert_healthy("a purge");
    for home in [&a, &b, &late, serve.home()] {
        compacted(home);
        assert_eq!(traces(&home.data()), Vec::<String>::new());
    }
    serve.restart();
    // It is still there for work, and says no again to what was refused before.
    serve.run(&b, &["star", &b.thread("other")]).ok();
    serve.sync(&a);
    assert_eq!(a.list("starred").len(), 1);
    a.assert_healthy("work after the compaction");
}

#[test]
fn a_message_that_was_not_looked_at_keeps_its_conversation() {
    let (serve, [a, b, _]) = three();
    let old = thread(&a, "old");
    serve.run(&a, &["trash", &old]).ok();
    serve.sync(&b);
    // It comes while B looks at what it knows; the command brings B up to date first, so that what
    // it asks about is what goes: the message is counted.
    mail("late").reply_to("old", "old").at(9).write(&a.path("late.eml"));
    serve.run(&a, &["import", "late.eml"]).ok();
    let dry = serve.run(&b, &["purge", &old, "--dry-run", "--json"]).ok();
    assert_eq!(purged(&dry), (1, 3));
    assert_eq!(purged(&serve.run(&b, &["purge", "--trash", "--yes", "--json"]).ok()), (1, 3));
}

#[test]
fn trash_is_emptied_in_the_terminal_after_a_typed_yes() {
    let home = Home::new();
    import(&home, &[marked("old"), vec![mail("other")]].concat());
    home.run(&["trash", &thread(&home, "old")]).ok();
    let mut pty = Pty::start(&home, (80, 24), &[]);
    pty.wait_text("other");
    pty.press("Da");
    pty.wait_text("1 conversation, 2 messages");
    pty.press("yes\r");
    pty.wait_text("Gone for ever: 1 conversation");
    // A command beside it sees the same, and may purge as well.
    let beside = home.run(&["purge", "--trash", "--yes", "--json"]).ok();
    assert_eq!(purged(&beside), (0, 0));
    let other = home.thread("other");
    let beside = home.run(&["purge", &other, "--anywhere", "--yes", "--json"]).ok();
    assert_eq!(purged(&beside), (1, 1));
    pty.wait("an empty inbox", |screen| !screen.contains("other"));
    home.run(&["doctor", "--compact"]).exited(6);
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
    home.assert_healthy("a purge in the terminal");
    compacted(&home);
    assert_eq!(traces(&home.data()), Vec::<String>::new());
}

/// The question on a terminal: only a whole `yes` is one.
#[test]
fn a_command_in_a_terminal_asks() {
    let home = Home::new();
    import(&home, &[mail("a")]);
    home.run(&["trash", &home.thread("a")]).ok();
    for (answer, code, left) in [("y\r", 130, 1), ("\r", 130, 1), ("yes\r", 0, 0)] {
        let mut pty = Pty::start(&home, (80, 24), &["purge", "--trash"]);
        pty.wait_text("Type yes to go on");
        pty.press(answer);
        assert_eq!(pty.wait_end(), code, "{answer:?}");
        assert_eq!(home.list("trash").len(), left, "{answer:?}");
    }
}

#[test]
fn a_directory_in_use_is_not_compacted() {
    let mut serve = Serve::start();
    let refused = serve.home().run(&["doctor", "--compact"]).exited(6);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("in use"), "{refused}");
    let disk = &serve.home().json(&["doctor", "--disk"])[0];
    let kinds = disk["kinds"].as_object().expect("kinds");
    let sum: u64 = kinds.values().map(|bytes| bytes.as_u64().expect("bytes")).sum();
    assert_eq!(count(disk, "total"), sum);
    serve.stop();
    compacted(serve.home());
    serve.assert_healthy("a compaction before any mail");
    assert_eq!(Home::new().run(&["doctor", "--compact"]).ok().stdout, b"");
}
