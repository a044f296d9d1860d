//! Bad input: one clear line and a hint, the right exit code, nothing lost, nothing half-written.
//!
//! Invariant: after each of these the data directory is what it was, and `doctor` is clean.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::binary::{BINARY, Home, Run, count, run, text};
use crate::support::mail::{base64, mail, many, mbox, write};
use crate::support::pty::Pty;
use crate::support::serve::{ClosedPort, Serve, free_port};

/// A home with three threads.
fn home() -> Home {
    let home = Home::new();
    write(&home.path("box"), &mbox(&many("m", 3)));
    home.import(&home.path("box"));
    home
}

/// A run that must end with `code` and say why in one error line with a hint.
fn refused(run: Run, code: i32, when: &str) {
    let run = run.exited(code);
    let error = run.error();
    for field in ["code", "message", "hint"] {
        let said = text(&error, field);
        assert!(!said.is_empty() && !said.contains('\n'), "{field} of {when}: {said:?}");
    }
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(!said.contains("panicked"), "{when}: {run}");
}

/// All database files below the data directory.
fn databases(home: &Home) -> Vec<PathBuf> {
    let mut found = crate::support::corpora::files(&home.data());
    found.retain(|path| path.extension().is_some_and(|ending| ending == "db"));
    assert!(!found.is_empty(), "the stores are .db files");
    found
}

#[test]
fn wrong_command_lines() {
    let home = home();
    for args in [
        &["--no-such-option", "--json"][..],
        &["frobnicate", "--json"],
        &["list", "--limit", "many", "--json"],
        &["list", "--before", "not a cursor", "--json"],
        &["import", "--json"],
        &["import", "box", "--place", "nowhere", "--json"],
        &["--sync-only", "--backend", "http://127.0.0.1:1", "--json"],
        &["serve", "--listen", "here", "--json"],
    ] {
        refused(home.run(args), 2, &args.join(" "));
    }
    assert_eq!(home.run(&["list", "--limit", "many"]).exited(2).stdout, b"");
}

#[test]
fn a_token_that_others_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let file = home.path("token");
    std::fs::write(&file, "hush").unwrap();
    let closed = ClosedPort::new();
    let url = format!("ws://127.0.0.1:{}", closed.port);
    for (mode, warned) in [(0o644, true), (0o600, false)] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        let run = home.run(&["list", "--backend", &url, "--token-file", "token"]);
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(said.contains("chmod 600 token"), warned, "{mode:o}: {said}");
        assert!(!said.contains("hush"), "{said}");
    }
}

#[test]
fn paths_that_give_nothing() {
    let home = home();
    let before = home.list("anywhere");
    refused(home.run(&["import", "no/such/path", "--json"]), 3, "no such path");

    write(&home.path("empty"), b"");
    let empty = home.run(&["import", "empty", "--json"]).exited(4).object();
    assert_eq!(text(&empty["failed"][0], "code"), "empty", "{empty}");

    std::fs::create_dir(home.path("nothing")).unwrap();
    let nothing = home.run(&["import", "nothing", "--json"]).ok();
    assert_eq!(count(&nothing.object(), "messages"), 0);
    let plain = home.run(&["import", "nothing"]).ok();
    assert_ne!([plain.stdout, plain.stderr].concat(), b"", "it says that there was no mail");

    write(&home.path("junk/file.bin"), &[0, 159, 146, 150, 255, 10, 0]);
    let junk = home.run(&["import", "junk", "--json"]).exited(4).object();
    assert_eq!(text(&junk["failed"][0], "code"), "not-mail", "{junk}");

    assert_eq!(home.list("anywhere"), before);
    home.assert_healthy("paths that give nothing");
}

#[test]
fn a_truncated_mbox_gives_what_is_there() {
    let bytes = mbox(&many("cut", 3));
    let last = bytes.windows(6).rposition(|w| w == b"\nFrom ").expect("a third message");
    // Behind the last message's `From ` line; inside its header; inside its body.
    for cut in [last + 48, last + 90, bytes.len() - 8] {
        let home = Home::new();
        write(&home.path("box"), &bytes[..cut]);
        let run = home.run(&["import", "box", "--json"]);
        assert!(matches!(run.code(), Some(0 | 4)), "{run}");
        let summary = run.object();
        let failed = summary["failed"].as_array().map_or(0, Vec::len) as u64;
        assert_eq!(count(&summary, "imported") + failed, 3, "cut at {cut}: {summary}");
        assert!(count(&summary, "imported") >= 2, "cut at {cut}: {summary}");
        write(&home.path("box"), &bytes);
        home.import(&home.path("box"));
        let subjects: Vec<_> =
            home.list("anywhere").iter().map(|row| row["subject"].clone()).collect();
        for subject in ["cut-000", "cut-001", "cut-002"] {
            assert!(subjects.contains(&subject.into()), "whole again: {subjects:?}");
        }
        home.assert_healthy("a truncated mbox");
    }
}

/// A mailbox of messages that do not compress, larger than the disks below.
fn bulk() -> Vec<u8> {
    let noise = |n: u64| base64(&noise(n + 1, 6_000));
    let mails = many("bulk", 600).into_iter().zip(0..);
    mbox(&mails.map(|(mail, n)| mail.body(format!("{}\n", noise(n)))).collect::<Vec<_>>())
}

/// Bytes that do not compress (xorshift64).
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

/// A shell with the environment of a run; its arguments behind the script are the program and the
/// data directory.
fn shell(home: &Home, script: &str) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", BINARY]).arg(home.data());
    command.env_clear().envs(home.environment()).current_dir(home.path(""));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    run(command)
}

#[test]
fn files_that_may_not_grow_stop_the_import_and_nothing_is_lost() {
    let home = home();
    let before = home.list("anywhere");
    write(&home.path("bulk"), &bulk());
    // 1 MiB a file, in blocks of 512 bytes: enough for what is there, not for what comes.
    let script = "trap '' XFSZ; ulimit -f 2048; exec \"$1\" --data-dir \"$2\" import bulk --json";
    refused(shell(&home, script), 1, "a limit on file size");
    home.assert_healthy("a limit on file size");
    let kept = home.list("anywhere");
    assert!(before.iter().all(|row| kept.contains(row)), "what was there is there");
    home.import(&home.path("bulk"));
    assert_eq!(home.list("anywhere").len(), 603, "run again it completes");
    home.assert_healthy("the rest of the import");
}

/// On a disk of its own, 3 MiB: an import that fits, one that does not, and again with room.
const FULL_DISK: &str = r#"
program() { "$binary" --data-dir "$disk/data" "$@"; }
binary="$1" disk="$PWD/disk"
mkdir "$disk" && mount -t tmpfs -o size=3m tmpfs "$disk" || exit 99
program import box --json >/dev/null; echo "first $?"
program import bulk --json >/dev/null 2>error; echo "full $?"
program list --json --label anywhere --limit 0 | grep -c '"m-00[0-2]"'
mount -o remount,size=64m "$disk"
program doctor >/dev/null; echo "doctor $?"
program import bulk --json >/dev/null; echo "again $?"
program list --json --label anywhere --limit 0 | wc -l
program doctor >/dev/null; echo "doctor $?"
"#;

#[test]
fn a_full_disk_stops_the_import_and_nothing_is_lost() {
    let home = Home::new();
    write(&home.path("box"), &mbox(&many("m", 3)));
    write(&home.path("bulk"), &bulk());
    write(&home.path("script"), FULL_DISK.as_bytes());
    let run = shell(&home, "unshare --user --map-root-user --mount sh ./script \"$1\" || exit 99");
    if run.code() == Some(99) {
        println!("skipped: a disk of its own cannot be mounted here");
        return;
    }
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let expected = ["first 0", "full 1", "3", "doctor 0", "again 0", "603", "doctor 0"];
    assert_eq!(lines, expected, "{run}");
    let error = std::fs::read_to_string(home.path("error")).expect("what it said");
    let error = error.lines().find(|line| line.contains("\"error\"")).expect("an error line");
    let error: serde_json::Value = serde_json::from_str(error).expect("JSON");
    assert!(text(&error["error"], "message").contains("full"), "{error}");
    assert!(!text(&error["error"], "hint").is_empty(), "{error}");
}

#[test]
fn a_data_directory_in_use() {
    let serve = Serve::start();
    let device = Home::new();
    let data = serve.token_file().parent().expect("its directory").to_owned();
    let listen = format!("127.0.0.1:{}", free_port());
    let second = device.command_on(&data, &["serve", "--listen", &listen, "--json"]);
    refused(run(second), 6, "a data directory in use");
}

#[test]
fn a_file_in_the_place_of_the_data_directory() {
    let home = Home::new();
    write(&home.data(), b"a file");
    for args in [&["list", "--json"][..], &["labels", "--json"], &["undo", "--json"]] {
        refused(home.run(args), 1, &args.join(" "));
    }
}

#[test]
fn a_data_directory_that_nothing_is_in_yet_lists_nothing() {
    let home = Home::new();
    refused(home.run(&["archive", "nothing-here", "--json"]), 3, "archive of nothing");
    for label in ["inbox", "trash", "Unread", "all", "anywhere"] {
        assert_eq!(home.list(label), Vec::<serde_json::Value>::new(), "{label}");
    }
}

#[test]
fn a_data_directory_that_may_not_be_written_can_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    if rustix::process::geteuid().is_root() {
        println!("skipped: root may write everywhere");
        return;
    }
    let home = home();
    let before = home.list("anywhere");
    let mode = |mode| {
        for dir in [home.data(), home.data().join("backend")] {
            std::fs::set_permissions(dir, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    mode(0o500);
    let after = home.list("anywhere");
    let written = home.run(&["undo", "--json"]);
    mode(0o700);
    assert_eq!(after, before);
    refused(written, 1, "writing where one may not");
}

#[test]
fn a_disk_without_any_room_can_be_read() {
    let home = home();
    let before = home.list("anywhere");
    // No file may grow over a block of 512 bytes, not even the index of a write-ahead log.
    let program = |args: &str| {
        let limit = "trap '' XFSZ; ulimit -f 1";
        shell(&home, &format!("{limit}; exec \"$1\" --data-dir \"$2\" {args} --json"))
    };
    assert_eq!(program("list --label anywhere --limit 0").ok().lines(), before);
    let written = program(&format!("star {}", text(&before[0], "thread"))).exited(1);
    assert_eq!(text(&written.error(), "code"), "disk-full", "{written}");
    home.assert_healthy("a disk without any room");
}

#[test]
fn a_damaged_data_directory() {
    let home = home();
    for path in databases(&home) {
        let length = std::fs::metadata(&path).unwrap().len();
        std::fs::write(&path, vec![b'x'; usize::try_from(length).unwrap()]).unwrap();
        // A write-ahead log would heal what was damaged.
        for side in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{side}", path.display()));
        }
    }
    for args in [&["list", "--json"][..], &["import", "box", "--json"], &["labels", "--json"]] {
        refused(home.run(args), 6, &format!("{args:?} on a damaged directory"));
    }
    let doctor = home.run(&["doctor", "--json"]);
    assert!(!matches!(doctor.code(), Some(0) | None), "doctor sees the damage: {doctor}");
}

#[test]
fn a_directory_that_has_lost_its_mail() {
    let home = home();
    let rows = home.list("inbox");
    let backend = home.data().join("backend");
    std::fs::rename(&backend, home.path("kept")).unwrap();
    let thread = text(&rows[0], "thread");
    let commands =
        [&["doctor"][..], &["import", "box"], &["archive", &thread], &["--sync-only"], &["doctor"]];
    for args in commands {
        refused(home.run(&[args, &["--json"]].concat()), 6, &format!("{args:?} without its mail"));
        assert!(!backend.join("threads.db").exists(), "{args:?} made an empty one");
    }
    // Another mailbox's is not taken for it.
    let other = crate::bad_input::home();
    std::fs::create_dir_all(&backend).unwrap();
    for name in ["threads.db", "mailbox.db"] {
        std::fs::copy(other.data().join("backend").join(name), backend.join(name)).unwrap();
    }
    refused(home.run(&["doctor", "--json"]), 6, "another mailbox's mail");
    std::fs::remove_dir_all(&backend).unwrap();
    std::fs::rename(home.path("kept"), &backend).unwrap();
    home.run(&["undo"]).ok();
    assert_eq!(home.list("inbox"), rows);
    home.assert_healthy("its mail put back");
}

#[test]
fn a_directory_that_has_lost_its_rows() {
    let home = home();
    let rows = home.list("inbox");
    for name in ["mailbox.db", "mailbox.db-wal", "mailbox.db-shm"] {
        let _ = std::fs::remove_file(home.data().join(name));
    }
    home.run(&["archive", "abcdefgh"]).exited(3);
    for name in ["mailbox.db", "mailbox.db-wal", "mailbox.db-shm"] {
        let _ = std::fs::remove_file(home.data().join(name));
    }
    // What `list` would show can be worked on by the first command.
    home.run(&["archive", &text(&rows[0], "thread")]).ok();
    assert_eq!(home.list("inbox"), rows[1..]);
    home.run(&["undo"]).ok();
    assert_eq!(home.list("inbox"), rows);
    home.assert_healthy("rows made again");
}

#[test]
fn a_database_of_another_program() {
    for made in ["CREATE TABLE notes (a)", "PRAGMA application_id = 7"] {
        let home = Home::new();
        std::fs::create_dir(home.data()).unwrap();
        mail("m").write(&home.path("m.eml"));
        let path = home.data().join("mailbox.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch(made).unwrap();
        let before = std::fs::read(&path).unwrap();
        for args in [&["list"][..], &["import", "m.eml"], &["labels", "create", "x"], &["doctor"]] {
            let args = [args, &["--json"]].concat();
            refused(home.run(&args), 6, &format!("{args:?} on a foreign database, {made}"));
        }
        assert_eq!(std::fs::read(&path).unwrap(), before, "{made}: it was written to");
    }
}

#[test]
fn a_data_directory_of_a_newer_version() {
    let home = home();
    for path in databases(&home) {
        let db = rusqlite::Connection::open(&path).unwrap();
        db.pragma_update(None, "user_version", 1_000_000).unwrap();
    }
    for args in [&["list", "--json"][..], &["import", "box", "--json"], &["undo", "--json"]] {
        refused(home.run(args), 6, &format!("{args:?} on a newer directory"));
    }
}

#[test]
fn a_backend_that_is_not_there_or_refuses() {
    let serve = Serve::start();
    let device = Home::new();
    mail("m").write(&device.path("m.eml"));
    serve.run(&device, &["import", "m.eml"]).ok();
    write(
        &device.path("token"),
        b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    );
    let url = serve.url();
    let with = |url: &str, token: &str, args: &[&str]| {
        device.run(&[&["--backend", url, "--token-file", token, "--json"], args].concat())
    };
    refused(with(&url, "token", &["--sync-only"]), 1, "a wrong token");
    refused(with(&url, "no-such-file", &["--sync-only"]), 3, "no token file");
    let closed = ClosedPort::new();
    let nobody = format!("ws://127.0.0.1:{}", closed.port);
    let token = serve.token_file();
    let token = token.to_str().unwrap();
    refused(with(&nobody, token, &["--sync-only"]), 5, "no backend");
    refused(with(&nobody, token, &["import", "m.eml"]), 5, "no backend to import to");
    assert_eq!(device.threads("inbox").len(), 1, "what was there is there");
    mail("later").write(&device.path("later.eml"));
    refused(device.run(&["--offline", "import", "later.eml", "--json"]), 5, "import --offline");
}

#[test]
fn a_terminal_that_is_too_small_says_so_and_grows() {
    let home = home();
    let mut pty = Pty::start(&home, (20, 4), &[]);
    let screen = pty.wait("a line", |screen| !screen.trim().is_empty());
    assert!(!screen.contains("panicked"), "{screen}");
    pty.resize((80, 24));
    pty.wait_text("m-002");
    pty.resize((1, 1));
    pty.resize((60, 15));
    pty.wait_text("m-002");
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}

#[test]
fn no_terminal_gives_plain_lines() {
    let fresh = Home::new();
    let choices = fresh.run::<&str>(&[]).ok();
    let said = String::from_utf8_lossy(&choices.stdout).into_owned();
    assert!(said.contains("import"), "the choices: {choices}");
    assert!(!fresh.data().exists(), "nothing is written before a choice");
    let inbox = home().run::<&str>(&[]).ok();
    let said = String::from_utf8_lossy(&inbox.stdout).into_owned();
    assert!(["m-000", "m-001", "m-002"].iter().all(|m| said.contains(m)), "the inbox: {inbox}");
}
