//! `import` by the command line's contract: what is counted, what fails and why, where mail goes.
//!
//! Invariant: every message here is our own; every file of a tree is accounted for.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::binary::{Home, count, text};
use crate::support::mail::{Mail, mail, many, mbox, write, write_maildir};

/// The counts of a summary, in the order of the contract.
fn counts(summary: &Value) -> [u64; 6] {
    ["messages", "imported", "duplicates", "copies", "threads", "newThreads"]
        .map(|field| count(summary, field))
}

/// A form of mail on disk, and what writes it to a path.
type Form<'a> = (&'a str, &'a dyn Fn(&Path));

/// Two threads: one of two messages, one of one.
fn three() -> [Mail; 3] {
    [mail("one"), mail("two").at(1).reply_to("one", "one"), mail("three").at(2)]
}

#[test]
fn every_form_gives_the_same_threads() {
    let write_tree = |root: &Path| {
        for (n, mail) in three().iter().enumerate() {
            mail.write(&root.join(format!("deep/{n}/m.eml")));
        }
    };
    let forms: [Form; 4] = [
        ("mbox", &|path| write(path, &mbox(&three()))),
        ("an mbox in a directory", &|path| write(&path.join("Inbox"), &mbox(&three()))),
        ("a Maildir", &|path| write_maildir(path, "", &three())),
        (".eml files in folders", &write_tree),
    ];
    let mut shown = Vec::new();
    for (form, make) in forms {
        let home = Home::new();
        let path = home.path("source");
        make(&path);
        let summary = home.import(&path);
        assert_eq!(counts(&summary), [3, 3, 0, 0, 2, 2], "{form}: {summary}");
        assert_eq!(summary["failed"], json!([]), "{form}");
        let again = home.import(&path);
        assert_eq!(counts(&again), [3, 0, 3, 0, 2, 0], "{form}, again: {again}");
        let rows = home.list("anywhere");
        assert_eq!(rows.len(), 2, "{form}");
        shown.push(rows.iter().map(|row| text(row, "thread")).collect::<Vec<_>>());
        home.assert_healthy(form);
    }
    assert!(shown.windows(2).all(|pair| pair[0] == pair[1]), "the same threads: {shown:?}");
}

#[test]
fn one_eml_named_itself_and_several_paths_at_once() {
    let home = Home::new();
    let paths: Vec<_> = (0..3).map(|n| home.path(&format!("m{n}"))).collect();
    for (mail, path) in three().iter().zip(&paths) {
        mail.write(path);
    }
    let summary = home.import(&paths[0]);
    assert_eq!(counts(&summary), [1, 1, 0, 0, 1, 1], "{summary}");
    let args: Vec<_> = std::iter::once("import".into()).chain(paths).collect();
    let summary = home.json::<std::path::PathBuf>(&args).remove(0);
    assert_eq!(counts(&summary), [3, 2, 1, 0, 2, 1], "{summary}");
}

#[test]
fn quoted_from_lines_come_back() {
    let home = Home::new();
    let path = home.path("box");
    let body = "From here on\n>From there\n>>From deeper\nend\n";
    write(&path, &mbox(&[mail("quoted").body(body), mail("next").at(1)]));
    assert_eq!(counts(&home.import(&path)), [2, 2, 0, 0, 2, 2]);
    let shown = home.show(&home.thread("quoted"));
    assert_eq!(text(&shown["messages"][0], "text").trim_end(), body.trim_end());
    // The same message from a file is the same message: quoting is no part of it.
    mail("quoted").body(body).write(&home.path("same.eml"));
    assert_eq!(counts(&home.import(&home.path("same.eml"))), [1, 0, 1, 0, 1, 0]);
}

#[test]
fn what_is_no_mail_is_listed_and_the_rest_goes_on() {
    let home = Home::new();
    let root = home.path("tree");
    mail("good").write(&root.join("a/good.eml"));
    write(&root.join("a/notes.txt"), b"just a note\nFrom: nobody@example.org\n");
    write(&root.join("b/picture.png"), &[0x89, b'P', b'N', b'G', 0, 1, 2, 3]);
    write(&root.join("b/nothing"), b"");
    mail("last").at(1).write(&root.join("z/last"));
    let run = home.run(&["import", "--json", root.to_str().unwrap()]).exited(4);
    let summary = run.object();
    assert_eq!(counts(&summary)[..4], [2, 2, 0, 0], "{summary}");
    let failed = summary["failed"].as_array().expect("failed is a list");
    let mut found: Vec<(String, String, u64)> = Vec::new();
    for failure in failed {
        assert!(!text(failure, "reason").is_empty(), "{failure}");
        let path = text(failure, "path");
        let name = Path::new(&path).file_name().unwrap().to_string_lossy().into_owned();
        found.push((name, text(failure, "code"), count(failure, "offset")));
    }
    found.sort();
    let expected = [("notes.txt", "not-mail"), ("nothing", "empty"), ("picture.png", "not-mail")];
    let expected: Vec<_> = expected.map(|(n, c)| (n.to_owned(), c.to_owned(), 0)).into();
    assert_eq!(found, expected);
    assert_eq!(home.list("inbox").len(), 2);
}

#[test]
fn what_is_passed_over_is_counted() {
    let home = Home::new();
    let root = home.path("tree");
    write_maildir(&root, "", &[mail("in")]);
    write(&root.join("tmp/half"), b"From: a@example.org\n");
    write(&root.join(".hidden"), b"From: a@example.org\n\nx\n");
    mail("outside").write(&home.path("outside.eml"));
    std::os::unix::fs::symlink(home.path("outside.eml"), root.join("link.eml")).unwrap();
    let summary = home.import(&root);
    assert_eq!(counts(&summary)[..4], [1, 1, 0, 0], "{summary}");
    assert_eq!(summary["failed"], json!([]), "{summary}");
    assert_eq!(count(&summary, "skipped"), 3, "{summary}");
}

#[test]
fn folders_say_where_mail_goes() {
    let cases: [(&str, &str, &[&str]); 12] = [
        ("", "inbox", &[]),
        (".Archive", "archive", &[]),
        (".Trash", "trash", &[]),
        (".deleted", "trash", &[]),
        (".Spam", "spam", &[]),
        (".JUNK", "spam", &[]),
        (".Sent", "", &["sent"]),
        (".Drafts", "", &["drafts"]),
        ("Archive", "archive", &[]),
        ("junk", "spam", &[]),
        (".Projects", "inbox", &["projects"]),
        ("reading", "inbox", &["reading"]),
    ];
    let home = Home::new();
    for (n, (folder, ..)) in cases.iter().enumerate() {
        let mails = [mail(&format!("m{n}")).at(i64::try_from(n).unwrap())];
        write_maildir(&home.path("Mail").join(folder), "", &mails);
    }
    home.import(&home.path("Mail"));
    let rows = home.list("anywhere");
    assert_eq!(rows.len(), cases.len());
    for (n, (folder, place, labels)) in cases.iter().enumerate() {
        let row = rows.iter().find(|row| row["subject"] == format!("m{n}")).expect("listed");
        if !place.is_empty() {
            assert_eq!(row["place"], *place, "{folder:?}");
        }
        for label in *labels {
            let has = row["labels"].as_array().unwrap().contains(&json!(label));
            assert!(has, "{folder:?} gives {label}: {row}");
        }
    }
    home.assert_healthy("import of folders");
}

#[test]
fn flags_and_header_labels_are_taken_in() {
    let home = Home::new();
    let root = home.path("Mail");
    let cases: [(&str, Value, u64, bool); 5] = [
        ("", json!([]), 1, false),
        ("S", json!(["read"]), 0, false),
        ("FS", json!(["read", "starred"]), 0, true),
        ("RS", json!(["answered", "read"]), 0, false),
        ("F", json!(["starred"]), 1, true),
    ];
    for (letters, ..) in &cases {
        write_maildir(&root.join(format!("f{letters}")), letters, &[mail(&format!("f{letters}"))]);
    }
    write_maildir(&root.join("gone"), "ST", &[mail("gone")]);
    mail("unseen").write(&root.join("fresh/new/1714986000.M1.own"));
    write_maildir(&root.join("fresh"), "S", &[]);
    let status = mail("status").set("Status", "RO").set("X-Status", "F");
    let gmail = mail("labelled").set("X-Gmail-Labels", "Inbox,Receipts,Unread");
    write(&root.join("box"), &mbox(&[status, gmail, mail("kw").set("X-Keywords", "todo")]));
    home.import(&root);
    for (letters, flags, unread, starred) in cases {
        let thread = home.thread(&format!("f{letters}"));
        let shown = home.show(&thread);
        let mut has: Vec<String> =
            serde_json::from_value(shown["messages"][0]["flags"].clone()).unwrap();
        has.sort();
        assert_eq!(json!(has), flags, "{letters:?}");
        let rows = home.list("anywhere");
        let row = rows.iter().find(|row| row["thread"] == thread.as_str()).unwrap();
        assert_eq!((count(row, "unreadCount"), &row["starred"]), (unread, &json!(starred)));
    }
    let rows = home.list("anywhere");
    let row = |subject: &str| rows.iter().find(|row| row["subject"] == subject).expect("listed");
    assert_eq!(count(row("unseen"), "unreadCount"), 1);
    assert_eq!(row("gone")["place"], "trash");
    assert_eq!((count(row("status"), "unreadCount"), &row("status")["starred"]), (0, &json!(true)));
    assert!(row("labelled")["labels"].as_array().unwrap().contains(&json!("receipts")));
    assert!(row("kw")["labels"].as_array().unwrap().contains(&json!("todo")));
}

/// An export of Gmail says place, star and read only in its labels.
#[test]
fn system_names_among_header_labels_are_no_user_labels() {
    let cases = [
        ("Inbox,Opened,Work", json!(["inbox", "work"])),
        ("Archived,Unread", json!(["archive", "unread"])),
        ("Trash,Opened", json!(["trash"])),
        ("Spam,Unread", json!(["spam", "unread"])),
        ("Sent,Starred,Important", json!(["archive", "important", "sent", "starred"])),
        ("Inbox,Sent,Opened", json!(["inbox", "sent"])),
        ("Drafts", json!(["archive", "drafts"])),
    ];
    let home = Home::new();
    let mails: Vec<Mail> =
        cases.iter().map(|(names, _)| mail(names).set("X-Gmail-Labels", names)).collect();
    write(&home.path("box"), &mbox(&mails));
    home.import(&home.path("box"));
    let rows = home.list("anywhere");
    for (names, labels) in cases {
        let row = rows.iter().find(|row| row["subject"] == names).expect("listed");
        assert_eq!(row["labels"], labels, "{names}");
    }
}

#[test]
fn a_system_label_is_a_place_or_refused() {
    let home = Home::new();
    write(&home.path("box"), &mbox(&many("m", 1)));
    for wrong in ["starred", "Sent", "all", "  ", ""] {
        home.run(&["import", "box", "--label", wrong]).exited(2);
    }
    home.run(&["import", "box", "--label", "trash", "--place", "inbox"]).exited(2);
    assert_eq!(home.list("anywhere"), Vec::<Value>::new());
    home.run(&["import", "box", "--label", "Trash"]).ok();
    assert_eq!(home.list("trash").len(), 1);
}

#[test]
fn options_set_place_and_label() {
    let home = Home::new();
    let path = home.path("box");
    write(&path, &mbox(&many("m", 3)));
    home.json(&["import", path.to_str().unwrap(), "--place", "archive", "--label", "Old Mail"]);
    let rows = home.list("old mail");
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row["place"] == "archive"), "{rows:#?}");
    assert_eq!(home.list("inbox"), Vec::<Value>::new());
}
