//! `mailtui search`: what it finds, and that it never finds too little in silence.
//!
//! Invariant: what is expected is said by the mail itself, and by `list`, never by the index.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::Value;

use crate::support::binary::{Home, text};
use crate::support::mail::{Mail, mail, many, mbox, write};
use crate::support::pty::Pty;
use crate::support::record::Random;
use crate::support::serve::Serve;
use crate::support::wait_for;

/// Kills without `MAILTUI_SEARCH_KILLS`.
const KILLS: u64 = 12;

/// The subjects of what a search finds, in order.
fn found(home: &Home, query: &[&str]) -> Vec<String> {
    let args = [&["search"], query].concat();
    home.json(&args).iter().map(|row| text(row, "subject")).collect()
}

fn check(home: &Home, query: &str, expected: &[&str]) {
    let run = home.run(&["search", query, "--json"]).ok();
    let found: Vec<String> = run.lines().iter().map(|row| text(row, "subject")).collect();
    assert_eq!(found, expected, "{query}: {run}");
}

/// Mail in which each thing that can be asked stands once or twice.
fn mails() -> Vec<Mail> {
    let long = "padding ".repeat(2_000) + "\n";
    vec![
        mail("plain").at(1).body("The quick brown fox\nmeets a lazy dog at 10:30.\n"),
        mail("accents")
            .at(2)
            .body("Grüße aus Łódź, déjà vu, naïve Straße\n")
            .set("Content-Type", "text/plain; charset=utf-8"),
        mail("cjk")
            .at(3)
            .body("東京の会議は明日です\n")
            .set("Content-Type", "text/plain; charset=utf-8"),
        mail("people")
            .at(4)
            .set("From", "Zoe Quill <zoe.quill@example.org>")
            .set("Cc", "Carl Copy <carl@example.org>")
            .set("List-Id", "Gardeners <gardeners.example.org>"),
        mail("files").at(5).parts(&[
            ("Content-Type: text/plain", b"see attached"),
            (
                "Content-Type: text/csv\nContent-Disposition: attachment; \
                 filename=\"Budget-2024.csv\"",
                b"marmalade,12\n",
            ),
        ]),
        mail("rich")
            .at(6)
            .set("Content-Type", "text/html; charset=utf-8")
            .body("<style>hidden{}</style><p>Only <b>hyper</b>text &amp; more</p>\n"),
        mail("large").at(7).body(long),
        mail("answer").at(8).reply_to("plain", "plain").body("A quick answer.\n"),
    ]
}

fn home() -> Home {
    let home = Home::new();
    write(&home.path("box"), &mbox(&mails()));
    home.import(&home.path("box"));
    home
}

#[test]
fn what_is_asked_is_found() {
    let home = home();
    // A conversation is called by its first subject; `answer` is in that of `plain`.
    for (query, expected) in [
        ("quick", &["plain"][..]),
        ("quick fox", &["plain"]),
        ("\"brown fox\"", &["plain"]),
        ("\"fox brown\"", &[]),
        ("10:30", &["plain"]),
        ("qui* answer", &["plain"]),
        ("la*", &["large", "plain"]),
        ("grusse", &["accents"]),
        ("GRÜSSE lodz STRASSE", &["accents"]),
        ("会議", &["cjk"]),
        ("議会", &[]),
        ("from:zoe", &["people"]),
        ("from:zoe.quill@example.org", &["people"]),
        ("to:carl", &["people"]),
        ("cc:carl", &["people"]),
        ("from:carl", &[]),
        ("list:gardeners", &["people"]),
        ("gardeners", &[]),
        ("subject:people", &["people"]),
        ("filename:budget", &["files"]),
        ("filename:csv", &["files"]),
        ("budget-2024.csv", &["files"]),
        ("marmalade", &["files"]),
        ("filename:marmalade", &[]),
        ("has:attachment", &["files"]),
        ("hypertext", &["rich"]),
        ("hidden", &[]),
        ("larger:10k", &["large"]),
        ("padding", &["large"]),
        ("smaller:10k padding", &[]),
        ("quick OR marmalade", &["plain", "files"]),
        ("{hypertext marmalade}", &["rich", "files"]),
        ("quick -fox", &["plain"]),
        ("quick -fox -answer", &[]),
        ("before:2024-05-06", &[]),
        ("nowhere", &[]),
        ("rfc822msgid:rich@example.org", &["rich"]),
    ] {
        check(&home, query, expected);
    }
    let all = found(&home, &["after:2024-05-06"]);
    assert_eq!(all, ["plain", "large", "rich", "files", "people", "cjk", "accents"]);
    assert_eq!(found(&home, &["after:2024-05-06", "--limit", "2"]), ["plain", "large"]);
    let best = found(&home, &["{people carl quick}", "--by", "relevance"]);
    assert_eq!(best[0], "people", "more of what is asked stands in it: {best:?}");
    assert_eq!(found(&home, &["-quick", "from:zoe"]), ["people"]);
    home.run(&["search", "before:never"]).exited(2);
}

#[test]
fn labels_places_and_marks_are_asked_of_what_is_shown() {
    let home = home();
    let files = home.thread("files");
    home.run(&["label", &files, "+Money matters"]).ok();
    home.run(&["trash", &home.thread("rich")]).ok();
    home.run(&["read", &home.thread("cjk")]).ok();
    for (query, expected) in [
        ("label:money-matters", &["files"][..]),
        ("label:\"money matters\" marmalade", &["files"]),
        ("label:none", &[]),
        ("hypertext", &[]),
        ("hypertext -in:trash", &[]),
        ("hypertext -in:spam", &[]),
        ("hypertext -is:spam -label:trash", &[]),
        ("hypertext -in:inbox in:anywhere", &["rich"]),
        ("in:trash hypertext", &["rich"]),
        ("in:anywhere hypertext", &["rich"]),
        ("is:read", &["cjk"]),
        ("is:unread -label:money-matters from:zoe", &["people"]),
        ("in:inbox padding", &["large"]),
        ("marmalade OR is:read", &["files", "cjk"]),
    ] {
        check(&home, query, expected);
    }
    // Offline the row changes at once, and the index knows nothing of it.
    home.run(&["--offline", "archive", &home.thread("large")]).ok();
    check(&home, "in:inbox padding", &[]);
    check(&home, "in:archive padding", &["large"]);
    // Two rows that become one are found as one, and apart again.
    home.run(&["link", &files, &home.thread("people")]).ok();
    assert_eq!(found(&home, &["marmalade OR from:zoe"]).len(), 1);
    home.run(&["unlink", &files]).ok();
    check(&home, "marmalade OR from:zoe", &["files", "people"]);
}

#[test]
fn a_label_that_is_not_there_is_said() {
    let home = home();
    home.run(&["label", &home.thread("files"), "+Money matters"]).ok();
    for (query, said) in [
        ("label:money-maters", "did you mean label:\"Money matters\" ?"),
        ("quick -label:holidays", "`mailtui labels` lists them"),
        ("label:money-matters", ""),
        ("label:anywhere OR label:inbox", ""),
    ] {
        let run = home.run(&["search", query]).ok();
        let errors = String::from_utf8_lossy(&run.stderr);
        assert_eq!(errors.contains("no label is called"), !said.is_empty(), "{run}");
        assert!(errors.contains(said), "{run}");
    }
}

#[test]
fn what_is_mine_is_what_my_accounts_send() {
    let home = home();
    let accounts = "[accounts.zoe]\naddress = \"zoe.quill@example.org\"\nname = \"Zoe\"\n\
                    imap = \"imap+plain://localhost:1\"\npassword = { command = [\"true\"] }\n";
    let none = home.run(&["search", "from:me"]).ok();
    assert!(String::from_utf8_lossy(&none.stderr).contains("none is known to be yours"), "{none}");
    write(&home.data().join("accounts.toml"), accounts.as_bytes());
    check(&home, "from:me", &["people"]);
    check(&home, "to:ME", &[]);
}

#[test]
fn a_search_that_need_not_look_finds_what_others_find() {
    let home = home();
    let seen = home.data().join("backend/search.seen");
    // It is written once the files have not changed for a moment.
    let settle = || {
        let written = wait_for(Duration::from_mins(1), || {
            check(&home, "quick", &["plain"]);
            seen.exists().then_some(())
        });
        assert!(written.is_some(), "it is written down that nothing is lacking");
        let mode = std::fs::metadata(&seen).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    };
    settle();
    check(&home, "marmalade", &["files"]);
    check(&home, "is:unread label:nothing", &[]);
    // Beside it nothing is made, and what changes is seen at once.
    mail("fresh").at(30).body("brandnew\n").write(&home.path("fresh.eml"));
    home.import(&home.path("fresh.eml"));
    check(&home, "brandnew", &["fresh"]);
    std::fs::remove_file(&seen).expect("removed");
    settle();
    home.run(&["--offline", "archive", &home.thread("fresh")]).ok();
    check(&home, "in:inbox brandnew", &[]);
    check(&home, "in:archive brandnew", &["fresh"]);
    std::fs::remove_file(home.data().join("backend/search.db")).expect("removed");
    check(&home, "brandnew", &["fresh"]);
}

#[test]
fn an_index_that_is_gone_or_damaged_is_made_again() {
    let home = home();
    let path = home.data().join("backend/search.db");
    let mode = std::fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    check(&home, "marmalade", &["files"]);
    let whole = std::fs::read(&path).expect("readable");
    for damage in 0..4 {
        let mut bytes = whole.clone();
        match damage {
            0 => std::fs::remove_file(&path).expect("removed"),
            1 => std::fs::write(&path, b"no database").expect("written"),
            2 => {
                bytes.truncate(5_000);
                std::fs::write(&path, bytes).expect("written");
            }
            _ => {
                // The first pages tell what there is; it has to be found out while reading.
                bytes[4_096..].fill(0x5a);
                std::fs::write(&path, bytes).expect("written");
            }
        }
        if damage == 2 {
            let doctor = home.run(&["doctor"]).exited(1);
            let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
            assert!(said.contains("search.db") && said.contains("(repaired)"), "{doctor}");
            home.assert_healthy("the index was made again");
        }
        check(&home, "marmalade", &["files"]);
        mail(&format!("later-{damage}")).at(20 + damage).write(&home.path("later.eml"));
        home.import(&home.path("later.eml"));
        assert_eq!(found(&home, &["later"]).len(), 1 + usize::try_from(damage).unwrap());
    }
}

#[test]
fn what_asks_nothing_or_too_much_is_refused_at_its_place() {
    let home = home();
    for text in ["(", "\"", "OR", "()"] {
        home.run(&["search", text]).exited(2);
    }
    let words = |count: usize, between: &str| {
        (0..count).map(|n| format!("w{n}")).collect::<Vec<_>>().join(between)
    };
    for count in [97, 100, 1_000] {
        for between in [" ", " OR ", "* ", " -"] {
            home.run(&["search", &words(count, between)]).ok();
        }
        home.run(&["search", &format!("{{{}}}", words(count, "* "))]).ok();
    }
    let refused = home.run(&["--json", "search", &words(10_000, " ")]).exited(2);
    assert_eq!(text(&refused.error(), "code"), "query");
}

#[test]
fn what_was_purged_or_never_restored_is_not_found() {
    let home = home();
    home.run(&["backup", "saved"]).ok();
    mail("lost").at(30).body("evanescent\n").write(&home.path("lost.eml"));
    home.import(&home.path("lost.eml"));
    check(&home, "evanescent", &["lost"]);
    home.run(&["trash", &home.thread("files")]).ok();
    home.run(&["purge", "--trash", "--yes"]).ok();
    check(&home, "in:anywhere marmalade", &[]);
    let bytes = std::fs::read(home.data().join("backend/search.db")).expect("readable");
    let word = b"marmalade";
    assert!(!bytes.windows(word.len()).any(|window| window == word), "nor do the bytes say it");
    home.run(&["restore", "saved"]).ok();
    let there = home.list("anywhere").iter().any(|row| row["subject"] == "files");
    check(&home, "in:anywhere evanescent", &[]);
    let expected = if there { &["files"][..] } else { &[] };
    check(&home, "in:anywhere marmalade", expected);
}

#[test]
fn beside_an_open_terminal_new_mail_is_found() {
    let home = home();
    let mut pty = Pty::start(&home, (80, 24), &[]);
    pty.wait_text("large");
    mail("fresh").at(40).body("brandnew\n").write(&home.path("fresh.eml"));
    home.import(&home.path("fresh.eml"));
    check(&home, "brandnew", &["fresh"]);
    home.run(&["archive", &home.thread("fresh")]).ok();
    check(&home, "in:archive brandnew", &["fresh"]);
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
    home.assert_healthy("a search beside a terminal");
}

#[test]
fn a_device_finds_what_it_keeps() {
    let mut serve = Serve::start();
    let (sender, device) = (Home::new(), Home::new());
    write(&sender.path("box"), &mbox(&mails()));
    serve.run(&sender, &["import", "box"]).ok();
    serve.sync(&device);
    // The backend finds the rest, where it is reached.
    check(&device, "quick", &["plain"]);
    let nothing = device.run(&["--offline", "search", "quick"]).ok();
    assert!(nothing.stdout.is_empty(), "{nothing}");
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("only what this device keeps"));
    device.run(&["device", "keep", "all"]).ok();
    serve.sync(&device);
    serve.stop();
    check(&device, "quick", &["plain"]);
    check(&device, "from:zoe", &["people"]);
    device.run(&["--offline", "device", "keep", "none"]).ok();
    check(&device, "quick", &[]);
}

#[test]
fn a_killed_indexer_goes_on_where_it_was() {
    let home = Home::new();
    let mails: Vec<Mail> = many("row", 900);
    write(&home.path("box"), &mbox(&mails));
    home.import(&home.path("box"));
    let all: Vec<Value> = home.list("anywhere");
    let kills = std::env::var("MAILTUI_SEARCH_KILLS").ok().and_then(|n| n.parse().ok());
    let mut random = Random(11);
    for kill in 0..kills.unwrap_or(KILLS) {
        if kill % 3 == 0 {
            for end in ["", "-wal", "-shm"] {
                let path = home.data().join(format!("backend/search.db{end}"));
                if path.exists() {
                    std::fs::remove_file(path).expect("removed");
                }
            }
        }
        let mut child = home.command(&["--sync-only"]).spawn().expect("it starts");
        let wait = Duration::from_millis(random.below(400));
        let ended = wait_for(wait, || child.try_wait().expect("a child of ours"));
        child.kill().expect("a child of ours, killed or not there any more");
        child.wait().expect("a child of ours");
        let rows = home.json(&["search", "this", "--limit", "0"]);
        assert_eq!(rows.len(), all.len(), "kill {kill}, ended before: {ended:?}");
        assert!(rows == all, "the same rows in the same order");
    }
    home.assert_healthy("kills of the indexer");
}
