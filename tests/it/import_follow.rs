//! Importing again follows the source: what it says otherwise than it did last, and only that.
//!
//! Invariant: files change here as mail programs change them (maildir(5), mbox(5)): by renames, by
//! copies in another folder, by status headers; never a byte of a message.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::binary::{Home, count, one, run, text};
use crate::support::mail::{Mail, mail, many, mbox, write, write_maildir};

const SIGKILL: i32 = 9;

/// A Maildir tree with one message in a folder.
fn with_one(folder: &str, flags: &str) -> (Home, PathBuf) {
    let home = Home::new();
    let root = home.path("Mail");
    write_maildir(&root.join(folder), flags, &[mail("one")]);
    home.import(&root);
    (home, root)
}

/// The one file of a folder.
fn file(folder: &Path) -> PathBuf {
    let cur = fs::read_dir(folder.join("cur")).into_iter().flatten();
    let files = cur.chain(fs::read_dir(folder.join("new")).into_iter().flatten());
    let mut files: Vec<_> = files.map(|entry| entry.expect("readable").path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// Renames as a Maildir program does: other letters, another folder.
fn rename(from: &Path, folder: &Path, flags: &str) {
    let name = from.file_name().unwrap().to_str().unwrap();
    let base = name.split(":2,").next().unwrap();
    for sub in ["cur", "new", "tmp"] {
        fs::create_dir_all(folder.join(sub)).unwrap();
    }
    fs::rename(from, folder.join(format!("cur/{base}:2,{flags}"))).unwrap();
}

/// Place, labels that are the user's, and flags of the first message.
fn state(home: &Home, subject: &str) -> String {
    let rows = home.list("anywhere");
    let row = rows.iter().find(|row| row["subject"] == subject).expect("listed");
    let system = ["inbox", "archive", "spam", "trash", "starred", "unread", "sent", "drafts"];
    let labels: Vec<String> = serde_json::from_value(row["labels"].clone()).unwrap();
    let own = labels.iter().filter(|label| !system.contains(&label.as_str()));
    let shown = home.show(&text(row, "thread"));
    let mut flags: Vec<String> =
        serde_json::from_value(shown["messages"][0]["flags"].clone()).unwrap();
    flags.sort();
    let own: Vec<&str> = own.map(String::as_str).collect();
    format!("{} [{}] {}", text(row, "place"), own.join(" "), flags.join(" "))
}

#[test]
fn what_a_renamed_or_moved_file_says_is_followed() {
    // From a folder with flags to another; what is shown then, and how many were followed.
    let cases = [
        ("INBOX", "", "INBOX", "S", "inbox [] read", 1),
        ("INBOX", "S", "INBOX", "", "inbox [] ", 1),
        ("INBOX", "S", "INBOX", "FPRS", "inbox [] answered forwarded read starred", 1),
        ("INBOX", "FPRS", "INBOX", "S", "inbox [] read", 1),
        ("INBOX", "S", "INBOX", "ST", "trash [] read", 1),
        ("INBOX", "S", "Archive", "S", "archive [] read", 1),
        ("INBOX", "", "Trash", "S", "trash [] read", 1),
        ("Trash", "S", "INBOX", "S", "inbox [] read", 1),
        ("work", "S", "home", "S", "inbox [home] read", 1),
        ("work", "S", "INBOX", "S", "inbox [] read", 1),
        ("work", "S", "Archive", "FS", "archive [] read starred", 1),
        ("Drafts", "", "INBOX", "", "inbox [] ", 1),
        ("INBOX", "S", "INBOX", "S", "inbox [] read", 0),
    ];
    for (folder, flags, to, new, expected, followed) in cases {
        let (home, root) = with_one(folder, flags);
        rename(&file(&root.join(folder)), &root.join(to), new);
        let what = format!("{folder}:{flags} → {to}:{new}");
        let report = home.import(&root);
        assert_eq!(state(&home, "one"), expected, "{what}: {report}");
        assert_eq!(report["followed"].as_u64().unwrap_or(0), followed, "{what}: {report}");
        assert_eq!((count(&report, "messages"), count(&report, "duplicates")), (1, 1), "{what}");
        assert_eq!(report.get("gone"), None, "{what}: {report}");
        let again = home.import(&root);
        assert_eq!(again.get("followed"), None, "once: {what}: {again}");
        home.assert_healthy(&what);
    }
}

#[test]
fn from_new_to_cur_is_no_import_and_a_copy_elsewhere_is_followed_too() {
    let home = Home::new();
    let root = home.path("Mail");
    write_maildir(&root, "", &[]);
    mail("one").write(&root.join("new/1714986000.M1.own"));
    home.import(&root);
    rename(&root.join("new/1714986000.M1.own"), &root, "");
    let report = home.import(&root);
    assert_eq!((count(&report, "duplicates"), report.get("followed")), (1, None), "{report}");
    // A move between accounts or disks is a new file, and the old one is deleted.
    let old = file(&root);
    let moved = mail("one").set("X-Keywords", "");
    write_maildir(&root.join(".Archive"), "S", &[moved]);
    fs::remove_file(old).unwrap();
    let report = home.import(&root);
    assert_eq!((count(&report, "messages"), count(&report, "followed")), (1, 1), "{report}");
    assert_eq!(report.get("gone"), None, "{report}");
    assert_eq!(state(&home, "one"), "archive [] read");
}

#[test]
fn what_was_done_here_stands_against_a_source_that_did_not_change() {
    let (home, root) = with_one("work", "");
    let thread = home.thread("one");
    for args in [["archive", &thread], ["read", &thread], ["star", &thread]] {
        home.run(&args).ok();
    }
    home.run(&["label", &thread, "-work", "+mine"]).ok();
    for _ in 0..2 {
        home.import(&root);
        assert_eq!(state(&home, "one"), "archive [mine] read starred");
    }
    // Another flag of the same file changes that flag and nothing else.
    rename(&file(&root.join("work")), &root.join("work"), "R");
    home.import(&root);
    assert_eq!(state(&home, "one"), "archive [mine] answered read starred");
    // What is forgotten is read again, and nothing of it overwrites anything.
    fs::remove_file(home.data().join("sources.db")).unwrap();
    let report = home.import(&root);
    assert_eq!((count(&report, "duplicates"), report.get("followed")), (1, None), "{report}");
    assert_eq!(state(&home, "one"), "archive [mine] answered read starred");
    // The source is followed from there.
    rename(&file(&root.join("work")), &root.join("Trash"), "R");
    home.import(&root);
    assert_eq!(state(&home, "one"), "trash [mine] answered read starred");
    home.assert_healthy("both sides changed");
}

#[test]
fn what_is_gone_is_listed_once_and_never_deleted() {
    let home = Home::new();
    let root = home.path("Mail");
    write_maildir(&root.join("work"), "S", &many("m", 3));
    home.import(&root);
    let before = home.list("anywhere");
    let gone = root.join("work/cur/1714986000.M1.own:2,S");
    fs::remove_file(&gone).unwrap();
    let report = home.import(&root);
    let path = gone.to_str().unwrap();
    assert_eq!(report["gone"], json!([{ "path": path, "thread": home.thread("m-001") }]));
    assert_eq!((count(&report, "messages"), count(&report, "goneCount")), (2, 1), "{report}");
    assert_eq!(home.list("anywhere"), before);
    assert_eq!(home.import(&root).get("gone"), None);
    // It comes back in another folder: then it was moved.
    write_maildir(&root.join("Archive"), "S", &[mail("m-001").at(1)]);
    assert_eq!(count(&home.import(&root), "followed"), 1);
    assert_eq!(state(&home, "m-001"), "archive [] read");
    // A whole folder is gone.
    fs::remove_dir_all(root.join("work")).unwrap();
    let report = home.import(&root);
    assert_eq!(count(&report, "goneCount"), 2, "{report}");
    let plain = home.run(&["import", root.to_str().unwrap()]).ok();
    assert!(!String::from_utf8_lossy(&plain.stdout).contains("gone"), "listed once: {plain}");
    home.assert_healthy("files gone");
}

#[test]
fn a_conversation_follows_when_the_source_leaves_none_of_it_behind() {
    let home = Home::new();
    let root = home.path("Mail");
    let thread = [mail("a"), mail("b").at(1).reply_to("a", "a")];
    write_maildir(&root, "S", &thread);
    home.import(&root);
    let name = |n: usize| root.join(format!("cur/1714986000.M{n}.own:2,S"));
    rename(&name(0), &root.join(".Archive"), "S");
    home.import(&root);
    assert_eq!(state(&home, "a"), "inbox [] read", "its other message is still there");
    rename(&name(1), &root.join(".Archive"), "S");
    home.import(&root);
    assert_eq!(state(&home, "a"), "archive [] read");
    // An answer that the source does not have: the source hides it never.
    home.run(&["move", &home.thread("a"), "inbox"]).ok();
    write(&home.path("answer.eml"), &mail("c").at(2).reply_to("a", "b").bytes());
    home.import(&home.path("answer.eml"));
    for n in 0..2 {
        let from = root.join(format!(".Archive/cur/1714986000.M{n}.own:2,S"));
        rename(&from, &root.join(".Trash"), "S");
    }
    let report = home.import(&root);
    assert_eq!(state(&home, "a"), "inbox [] read", "{report}");
    home.assert_healthy("a conversation in two sources");
}

#[test]
fn a_label_stays_while_another_file_of_the_message_has_it() {
    let home = Home::new();
    let root = home.path("Mail");
    for folder in ["work", "home"] {
        write_maildir(&root.join(folder), "S", &[mail("one")]);
    }
    let report = home.import(&root);
    assert_eq!((count(&report, "imported"), count(&report, "duplicates")), (1, 1));
    assert_eq!(state(&home, "one"), "inbox [home] read", "a duplicate adds nothing");
    // A copy in a third folder, made later, is what the source says now.
    write_maildir(&root.join("third"), "S", &[mail("one")]);
    home.import(&root);
    assert_eq!(state(&home, "one"), "inbox [home third] read");
    fs::remove_file(file(&root.join("third"))).unwrap();
    let report = home.import(&root);
    assert_eq!(state(&home, "one"), "inbox [home] read");
    assert_eq!(report.get("gone"), None, "the message is still there: {report}");
}

fn status(status: &str, x_status: &str) -> Vec<Mail> {
    let marked = mail("marked").set("Status", status).set("X-Status", x_status);
    vec![mail("first").set("Status", "O"), marked.at(1), mail("last").at(2)]
}

#[test]
fn status_headers_of_an_mbox_are_followed() {
    let home = Home::new();
    let path = home.path("Mail/work");
    write(&path, &mbox(&status("O", "")));
    home.import(&home.path("Mail"));
    for (seen, more, expected) in
        [("RO", "", "inbox [work] read"), ("RO", "AF", "inbox [work] answered read starred")]
    {
        write(&path, &mbox(&status(seen, more)));
        let report = home.import(&home.path("Mail"));
        assert_eq!((count(&report, "duplicates"), count(&report, "followed")), (3, 1), "{report}");
        assert_eq!(state(&home, "marked"), expected);
        assert_eq!(state(&home, "first"), "inbox [work] ");
    }
    // One message more, one expunged, one moved to another mbox.
    let [first, marked, _last]: [Mail; 3] = status("RO", "AF").try_into().unwrap();
    write(&path, &mbox(&[first, mail("more").at(9)]));
    write(&home.path("Mail/Archive"), &mbox(&[marked]));
    let report = home.import(&home.path("Mail"));
    let counts = ["messages", "imported", "duplicates", "followed", "goneCount"];
    assert_eq!(counts.map(|field| count(&report, field)), [3, 1, 2, 1, 1], "{report}");
    assert_eq!(state(&home, "marked"), "archive [] answered read starred");
    assert_eq!(home.list("anywhere").len(), 4);
    home.assert_healthy("an mbox that changed");
}

/// Every point of an import's way, broken once; then the import is run to its end.
#[test]
fn a_crash_does_it_again_and_adds_nothing_twice() {
    let points = [
        "ingest.before-commit",
        "ingest.after-commit",
        "client.after-commit",
        "worker.after-commit",
        "page.before-commit",
    ];
    for point in points {
        let (home, root) = with_one("work", "");
        rename(&file(&root.join("work")), &root.join("Archive"), "FS");
        mail("two").at(1).write(&root.join("work/cur/1.two:2,"));
        // The second commit is the one of what is followed.
        let mut died = false;
        for nth in ["", ":2"] {
            let mut command = home.command(&["import", root.to_str().unwrap()]);
            command.env("MAILTUI_CRASH_AT", format!("{point}{nth}"));
            let broken = run(command);
            let killed = broken.status.signal() == Some(SIGKILL);
            died |= killed;
            assert!(killed || broken.code() == Some(0), "{point}{nth}: {broken}");
        }
        assert!(died, "{point} was never reached");
        home.import(&root);
        assert_eq!(state(&home, "one"), "archive [] read starred", "after {point}");
        assert_eq!(state(&home, "two"), "inbox [work] ", "after {point}");
        // What was done here since is not done again.
        home.run(&["unread", &home.thread("one")]).ok();
        home.import(&root);
        assert_eq!(state(&home, "one"), "archive [] starred", "after {point}");
        home.assert_healthy(point);
    }
}

#[test]
fn files_that_are_as_they_were_are_not_opened() {
    let home = Home::new();
    let root = home.path("Mail");
    write_maildir(&root.join("work"), "S", &many("m", 4));
    write(&root.join("box"), &mbox(&many("n", 3)));
    home.import(&root);
    let file = root.join("work/cur/1714986000.M2.own:2,S");
    // Other bytes, of the same length and time: who opened the file would find another message.
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    let other = fs::read_to_string(&file).unwrap().replace("m-002", "x-002");
    let open = fs::File::options().write(true).open(&file).unwrap();
    std::io::Write::write_all(&mut &open, other.as_bytes()).unwrap();
    open.set_modified(time).unwrap();
    let report = home.import(&root);
    let counts = ["messages", "imported", "duplicates", "threads", "newThreads"];
    assert_eq!(counts.map(|field| count(&report, field)), [7, 0, 7, 7, 0], "{report}");
    // Through another path to the same place, and for one folder of it.
    std::os::unix::fs::symlink(&root, home.path("link")).unwrap();
    assert_eq!(count(&home.import(&home.path("link")), "duplicates"), 7);
    assert_eq!(count(&home.import(&root.join("work")), "duplicates"), 4);
    let mode = fs::metadata(home.data().join("sources.db")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o600);
}

#[test]
fn what_was_purged_is_said_to_be() {
    let home = Home::new();
    let root = home.path("Mail");
    write_maildir(&root, "S", &many("m", 3));
    write(&root.join("box"), &mbox(&many("n", 2)));
    home.import(&root);
    let threads = [home.thread("m-001"), home.thread("n-001")];
    for thread in &threads {
        home.run(&["trash", thread]).ok();
    }
    home.run(&["purge", &threads[0], &threads[1], "--yes"]).ok();
    for _ in 0..3 {
        let report = home.import(&root);
        let counts = ["messages", "imported", "duplicates", "purged"];
        assert_eq!(counts.map(|field| count(&report, field)), [5, 0, 3, 2], "{report}");
    }
    let args = ["import", root.to_str().unwrap(), "--purged-too"];
    assert_eq!(count(&one(home.json(&args)), "imported"), 2);
    home.assert_healthy("purged and taken in again");
}

#[test]
fn a_damaged_memory_is_thrown_away() {
    let (home, root) = with_one("work", "S");
    for bytes in [&b"not a database at all, and longer than a header would be"[..], b""] {
        fs::write(home.data().join("sources.db"), bytes).unwrap();
        let report = home.import(&root);
        assert_eq!(count(&report, "duplicates"), 1, "{report}");
        assert_eq!(count(&home.import(&root), "duplicates"), 1);
    }
    // One of a newer version is left alone, and the import goes on without.
    let db = fs::read(home.data().join("sources.db")).unwrap();
    let mut newer = db.clone();
    newer[63] = 99; // user_version, the database header's bytes 60 to 63
    fs::write(home.data().join("sources.db"), &newer).unwrap();
    let run = home.run(&["import", root.to_str().unwrap(), "--json"]).ok();
    assert_eq!(count(&one(run.lines()), "duplicates"), 1);
    let notices = String::from_utf8_lossy(&run.stderr).into_owned();
    let notice = notices.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
    assert_eq!(notice.expect("a notice")["notice"]["code"], "newer", "{run}");
}
