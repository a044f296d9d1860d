//! The data directories of format 3, as the program that wrote them left them: how they were made,
//! and that they are opened.
//!
//! Invariant: `tests/fixtures/format-3` is made once, by [`makes_the_fixture`] with
//! `MAILTUI_FIXTURE=make`, and never changed after a release. It holds six conversations: archived,
//! starred, muted, labelled, joined, in trash, read; a redone undo; one that was purged; labels
//! that were renamed, deleted and, by a program that did not know it, recoloured; events of a name
//! that nobody knows in both kinds of log; and actions that no backend has heard of. Under `remote`
//! is a device of a backend elsewhere, with logs that it keeps and actions that it did not send.

use std::path::{Path, PathBuf};

use mailtui::id::{DeviceId, EventId, StoreId, ThreadId};
use mailtui::store::{Args, Db, Kind, Log, NewEvent};

use crate::support::binary::{Home, Run, run, text};
use crate::support::mail::{mail, write};
use crate::support::serve::Serve;

/// Files of the fixture, and where they belong in a data directory.
const FILES: [&str; 3] = ["mailbox.db", "backend/mailbox.db", "backend/threads.db"];
const REMOTE: [&str; 2] = ["mailbox.db", "threads.db"];
/// Lines of the long message.
const LINES: usize = 3_000;
/// A name that no program knows.
const UNHEARD: &str = "v9.Unheard";

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-3")
}

fn pack(from: &Path, to: &Path) {
    let sql = rusqlite::Connection::open(from).expect("opens");
    sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("copied into the file");
    drop(sql);
    std::fs::create_dir_all(to.parent().expect("a directory")).expect("made");
    let bytes = std::fs::read(from).expect("readable");
    let packed = zstd::encode_all(bytes.as_slice(), 19).expect("packs");
    std::fs::write(to, packed).expect("written");
}

fn unpack(name: &str, to: &Path) {
    let packed = std::fs::read(fixture().join(format!("{name}.zst"))).expect("the fixture");
    let bytes = zstd::decode_all(packed.as_slice()).expect("a fixture is compressed");
    std::fs::create_dir_all(to.parent().expect("a directory")).expect("made");
    std::fs::write(to, bytes).expect("written");
}

/// Puts an event of a name that nobody knows at the end of a log.
fn append_unheard(file: &Path, kind: Kind, version: u32, store: &StoreId) {
    let mut db = Db::open(file, kind, version, "").expect("opens");
    let last = Log::all(&db, store).expect("readable").pop().expect("a log");
    let event = NewEvent {
        id: EventId::try_from("unheard-1").expect("an id"),
        name: UNHEARD.to_owned(),
        args: Args::from_text(r#"{"of":"a later version"}"#.to_owned()),
        device: DeviceId::try_from("later").expect("an id"),
        action: None,
        epoch: last.event.epoch,
    };
    db.begin().expect("begins");
    Log::append(&db, store, [&event]).expect("appended");
    db.commit().expect("committed");
}

fn mails(home: &Home) -> PathBuf {
    for (at, subject) in (1_i64..).zip(["Apples", "Pears", "Plans", "Lunch", "Joined", "Gone"]) {
        let id = subject.to_lowercase();
        mail(&id).subject(subject).at(at).write(&home.path(&format!("mail/{id}.eml")));
    }
    let other = mail("other").subject("Joined too").at(20);
    other.write(&home.path("mail/other.eml"));
    let long = mail("long").subject("Long").at(9).body("A line of it.\n".repeat(LINES));
    long.write(&home.path("mail/long.eml"));
    home.path("mail")
}

/// What both devices did, and the backend took in.
fn act(serve: &Serve, device: &Home) {
    let path = mails(device);
    let did = |args: &[&str]| drop(serve.run(device, args).ok());
    did(&["import", path.to_str().expect("text")]);
    let of = |subject| device.thread(subject);
    did(&["archive", &of("Apples")]);
    did(&["undo"]);
    did(&["redo"]);
    did(&["star", &of("Plans")]);
    did(&["label", &of("Lunch"), "+travel"]);
    did(&["labels", "rename", "travel", "Trips"]);
    did(&["label", &of("Pears"), "+old"]);
    did(&["labels", "delete", "old"]);
    did(&["read", &of("Pears")]);
    did(&["trash", &of("Gone")]);
    did(&["link", &of("Joined"), &of("Joined too")]);
    did(&["show", &of("Plans"), &of("Long"), &of("Lunch")]);
    did(&["purge", "--yes", &of("Gone")]);
}

/// Makes the fixture anew: only when asked, and only before a release of this format.
#[test]
fn makes_the_fixture() {
    if std::env::var("MAILTUI_FIXTURE").as_deref() != Ok("make") {
        return;
    }
    let (mut serve, device) = (Serve::start(), Home::new());
    act(&serve, &device);
    serve.stop();
    let home = serve.home();
    let older = |args: &[&str]| -> Run {
        let mut command = home.command(args);
        command.env("MAILTUI_KNOWS_NOT", mailtui::mailbox::name::LABEL_RECOLORED);
        run(command).ok()
    };
    older(&["--sync-only"]);
    older(&["labels", "recolor", "trips", "red"]);
    let backend = home.data().join("backend");
    let backend = if backend.exists() { backend } else { home.data() };
    let plans = ThreadId::try_from(home.thread("Plans")).expect("an id");
    let (mailbox, threads) = (backend.join("mailbox.db"), backend.join("threads.db"));
    let (version, format) = (mailtui::mailbox::VERSION, mailtui::backend::FORMAT);
    append_unheard(&mailbox, Kind::Mailbox, version, &StoreId::mailbox());
    append_unheard(&threads, Kind::Threads, format, &StoreId::thread(&plans));
    older(&["--sync-only"]);
    // What nobody has heard of yet.
    older(&["--offline", "trash", &home.thread("Long")]);
    older(&["--offline", "label", &home.thread("Plans"), "+work"]);
    let offline = |args: &[&str]| drop(run(device.command(args)).ok());
    offline(&["--offline", "archive", &device.thread("Long")]);
    offline(&["--offline", "star", &device.thread("Lunch")]);
    offline(&["--offline", "undo"]);
    for name in FILES {
        pack(&home.data().join(name), &fixture().join(format!("{name}.zst")));
    }
    for name in REMOTE {
        pack(&device.data().join(name), &fixture().join(format!("remote/{name}.zst")));
    }
}

/// Place, then starred, unread messages and user labels, by subject.
fn rows(home: &Home) -> Vec<String> {
    let mut rows: Vec<String> = home
        .list("anywhere")
        .iter()
        .map(|row| {
            let labels: Vec<String> =
                serde_json::from_value(row["labels"].clone()).expect("labels");
            let system = ["inbox", "archive", "trash", "spam", "unread", "starred"];
            let user: Vec<String> =
                labels.into_iter().filter(|label| !system.contains(&label.as_str())).collect();
            let star = if row["starred"] == true { " starred" } else { "" };
            let (unread, of) = (&row["unreadCount"], &row["messageCount"]);
            let (subject, place) = (text(row, "subject"), text(row, "place"));
            format!("{subject}: {place}{star} {unread}/{of} {}", user.join(" "))
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn a_directory_of_format_3_is_opened_by_any_command() {
    let firsts: [&[&str]; 5] =
        [&["list"], &["labels"], &["--sync-only"], &["doctor"], &["list", "--offline"]];
    for first in firsts {
        let home = Home::new();
        for name in FILES {
            unpack(name, &home.data().join(name));
        }
        run(home.command(first)).ok();
        run(home.command(&["--sync-only"])).ok();
        home.assert_healthy(&format!("{first:?}"));
        let expected = [
            "Apples: archive 1/1 ",
            "Joined: inbox 2/2 ",
            "Long: trash 1/1 ",
            "Lunch: inbox 1/1 travel",
            "Pears: inbox 0/1 ",
            "Plans: inbox starred 1/1 work",
        ];
        assert_eq!(rows(&home), expected, "{first:?}");
        let labels = run(home.command(&["labels", "--json"])).ok().lines();
        let label = |name: &str| labels.iter().find(|label| label["name"] == name);
        assert_eq!(label("Trips").expect("renamed")["color"], "red", "{first:?}");
        assert!(label("old").is_none(), "{first:?}");
        let long = home.show(&home.thread("Long"));
        let body = long["messages"][0]["text"].as_str().expect("a text");
        assert_eq!(body.lines().count(), LINES);
        // What nobody knows is kept, in both kinds of log and on the device.
        for (file, kind, version) in [
            ("mailbox.db", Kind::Mailbox, mailtui::mailbox::VERSION),
            ("backend/mailbox.db", Kind::Mailbox, mailtui::mailbox::VERSION),
            ("backend/threads.db", Kind::Threads, mailtui::backend::FORMAT),
        ] {
            let db = Db::read(&home.data().join(file), kind, version).expect("opens");
            let held = db.expect("there").sql().query_row(
                "SELECT count(*) FROM eventlog WHERE name = ?1",
                [UNHEARD],
                |row| row.get::<_, i64>(0),
            );
            assert_eq!(held.expect("counted"), 1, "{file} {first:?}");
        }
    }
}

#[test]
fn a_remote_device_of_format_3_keeps_its_logs_and_what_it_did_not_send() {
    let home = Home::new();
    for name in REMOTE {
        unpack(&format!("remote/{name}"), &home.data().join(name));
    }
    let remote = r#"{"url":"ws://127.0.0.1:9","token":"none"}"#;
    write(&home.data().join("remote.json"), remote.as_bytes());
    let expected = [
        "Apples: archive 1/1 ",
        "Joined: inbox 2/2 ",
        "Long: archive 1/1 ",
        "Lunch: inbox 1/1 travel",
        "Pears: inbox 0/1 ",
        "Plans: inbox starred 1/1 ",
    ];
    assert_eq!(rows(&home), expected);
    let plans = run(home.command(&["show", "--offline", "--json", &home.thread("Plans")])).ok();
    assert_eq!(text(&plans.object(), "subject"), "Plans");
    run(home.command(&["doctor", "--offline"])).ok();
}
