//! `import` of the forms in which other programs keep mail: mbox dialects, packed files, exports of
//! Gmail, Thunderbird's folders, notmuch's tags.
//!
//! Invariant: every message here is our own; the same message is the same in every form.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::binary::{Home, count, text};
use crate::support::mail::{Mail, mail, many, mbox, write, write_maildir};

/// The counts of a summary: messages, imported, duplicates, copies, skipped.
fn counts(summary: &Value) -> [u64; 5] {
    ["messages", "imported", "duplicates", "copies", "skipped"].map(|field| count(summary, field))
}

/// What failed in a summary: `NAME CODE` each.
fn failed(summary: &Value) -> Vec<String> {
    let failures = summary["failed"].as_array().expect("failed is a list");
    let told = failures.iter().map(|failure| {
        assert!(!text(failure, "reason").is_empty(), "{failure}");
        let path = text(failure, "path");
        let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy();
        format!("{name} {}", text(failure, "code"))
    });
    told.collect()
}

/// An import that ends with code 4.
fn import_partly(home: &Home, path: &Path) -> Value {
    home.run(&["import", "--json", path.to_str().unwrap()]).exited(4).object()
}

/// The labels of the row with this subject, without `unread`.
fn labels(home: &Home, subject: &str) -> Vec<String> {
    let rows = home.list("anywhere");
    let row = rows.iter().find(|row| row["subject"] == subject);
    let row = row.unwrap_or_else(|| panic!("no row {subject:?} in {rows:#?}"));
    let mut labels: Vec<String> = serde_json::from_value(row["labels"].clone()).unwrap();
    labels.retain(|label| label != "unread");
    labels.sort();
    labels
}

/// The flags of the only message of the thread with this subject.
fn flags(home: &Home, subject: &str) -> Value {
    let mut flags = home.show(&home.thread(subject))["messages"][0]["flags"].clone();
    flags.as_array_mut().unwrap().sort_by_key(ToString::to_string);
    flags
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    use std::io::Write as _;
    let mut child =
        Command::new("gzip").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut input = child.stdin.take()?;
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    Some(output.stdout)
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("zstd in memory")
}

/// Bodies with lines that look like separators, and ones that nearly do.
fn hostile() -> Vec<Mail> {
    let line = "From ada@example.org Mon May  6 09:00:00 2024";
    let bodies = [
        "From now on we meet at 17:06.\n\nFrom now on, Note: bring tea.\n".to_owned(),
        format!("quoted:\n\n{line}\nand no field\n"),
        format!("quoted:\n\n>{line}\nSubject: x\n"),
        "x\n\nFrom \n\nFrom\n>From \n>>From there\n".to_owned(),
    ];
    let mails = bodies.iter().enumerate();
    mails.map(|(n, body)| mail(&format!("h{n}")).at(i64::try_from(n).unwrap()).body(body)).collect()
}

/// An mbox whose writer quotes every line by `quote`, and writes a length where `length` says so.
fn dialect(mails: &[Mail], quote: impl Fn(&[u8]) -> bool, length: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for mail in mails {
        let mut body = Vec::new();
        let bytes = mail.bytes();
        let header = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap() + 1;
        for line in bytes[header + 1..].split_inclusive(|b| *b == b'\n') {
            if quote(line) {
                body.push(b'>');
            }
            body.extend_from_slice(line);
        }
        out.extend_from_slice(b"From ada@example.org Mon May  6 09:00:00 2024\n");
        out.extend_from_slice(&bytes[..header]);
        if length {
            out.extend_from_slice(format!("Content-Length: {}\n", body.len()).as_bytes());
        }
        out.push(b'\n');
        out.extend_from_slice(&body);
        out.push(b'\n');
    }
    out
}

#[test]
fn the_dialects_of_mbox_hold_the_same_messages() {
    let home = Home::new();
    let mails = hostile();
    write_maildir(&home.path("maildir"), "", &mails);
    let known = mails.len() as u64;
    assert_eq!(counts(&home.import(&home.path("maildir"))), [known, known, 0, 0, 0]);
    let begins = |line: &[u8]| line.starts_with(b"From ");
    let deep = |line: &[u8]| {
        let at = line.iter().position(|b| *b != b'>').unwrap_or(0);
        line[at..].starts_with(b"From ")
    };
    let forms: [(&str, Vec<u8>); 5] = [
        ("mboxo", dialect(&mails, begins, false)),
        ("mboxrd", dialect(&mails, deep, false)),
        ("mboxcl", dialect(&mails, begins, true)),
        ("mboxcl2", dialect(&mails, |_| false, true)),
        ("unquoted", dialect(&mails, |_| false, false)),
    ];
    for (name, bytes) in forms {
        write(&home.path(name), &bytes);
        let summary = home.import(&home.path(name));
        assert_eq!(counts(&summary), [known, 0, known, 0, 0], "{name}: {summary}");
    }
    home.assert_healthy("dialects");
}

#[test]
fn packed_files_are_read_as_what_they_hold() {
    let home = Home::new();
    let mails = many("p", 3);
    let Some(packed) = gzip(&mbox(&mails)) else {
        println!("skipped: gzip is not installed");
        return;
    };
    let root = home.path("root");
    write(&root.join("Work.mbox.gz"), &packed);
    write(&root.join("Trash.zst"), &zstd(&mbox(&many("t", 2))));
    write(&root.join("one.eml.gz"), &gzip(&mail("one").bytes()).unwrap());
    let name = root.join("box/cur/1714986000.M1.own,S=10,W=11:2,S");
    write(&name, &gzip(&mail("two").bytes()).unwrap());
    let summary = home.import(&root);
    assert_eq!(counts(&summary), [7, 7, 0, 0, 0], "{summary}");
    assert_eq!(labels(&home, "p-000"), ["inbox", "work"]);
    assert_eq!(labels(&home, "t-001"), ["trash"]);
    assert_eq!(labels(&home, "one"), ["inbox"]);
    assert_eq!(labels(&home, "two"), ["box", "inbox"]);
    assert_eq!(flags(&home, "two"), json!(["read"]));
    // Two members in a row, and the same mail unpacked.
    write(&home.path("twice"), &[packed.clone(), packed].concat());
    assert_eq!(counts(&home.import(&home.path("twice"))), [6, 0, 6, 0, 0]);
    write(&home.path("plain"), &mbox(&mails));
    assert_eq!(counts(&home.import(&home.path("plain"))), [3, 0, 3, 0, 0]);
}

#[test]
fn a_packed_file_that_is_damaged_gives_what_stands_before() {
    let home = Home::new();
    let mails = many("d", 400);
    let Some(whole) = gzip(&mbox(&mails)) else {
        println!("skipped: gzip is not installed");
        return;
    };
    write(&home.path("cut.gz"), &whole[..whole.len() / 2]);
    let summary = import_partly(&home, &home.path("cut.gz"));
    assert_eq!(failed(&summary), ["cut.gz damaged"]);
    let failure = &summary["failed"][0];
    assert!(text(failure, "reason").contains(&format!("at byte {}", whole.len() / 2)), "{failure}");
    let imported = count(&summary, "imported");
    assert!(imported > 50 && imported < 400, "{summary}");
    let offset: usize = mails
        .iter()
        .take(usize::try_from(imported).unwrap())
        .map(|mail| mbox(std::slice::from_ref(mail)).len())
        .sum();
    assert_eq!(count(failure, "offset"), offset as u64, "where the first that is missing begins");

    write(&home.path("cut.eml.zst"), &zstd(&mail("e").bytes())[..20]);
    let summary = import_partly(&home, &home.path("cut.eml.zst"));
    assert_eq!(
        (failed(&summary), count(&summary, "imported")),
        (vec!["cut.eml.zst damaged".to_owned()], 0)
    );
    home.assert_healthy("damaged files");
}

#[test]
fn what_unpacks_without_bound_and_archives_are_refused() {
    let home = Home::new();
    let root = home.path("root");
    let mut bomb = mbox(&[mail("before"), mail("bomb").at(1)]);
    bomb.resize(66 * 1024 * 1024, b' ');
    write(&root.join("bomb.zst"), &zstd(&bomb));
    write(&root.join("Takeout.zip"), b"PK\x03\x04and so on");
    write(&root.join("x/cur/1:2,S"), b"BZh91AY&SYand so on");
    let mut tar = vec![b'x'; 512];
    tar[257..262].copy_from_slice(b"ustar");
    write(&root.join("Takeout.tar.zst"), &zstd(&tar));
    let summary = import_partly(&home, &root);
    let expected = [
        "Takeout.tar.zst not-mail",
        "Takeout.zip not-mail",
        "bomb.zst unpacks-too-large",
        "1:2,S not-mail",
    ];
    assert_eq!(failed(&summary), expected);
    assert_eq!(home.threads("inbox"), [home.thread("before")]);
    let reason = text(&summary["failed"][2], "reason");
    assert!(reason.contains("64 MiB") && reason.contains("400 times"), "{reason}");
    for at in [0, 1, 3] {
        assert!(text(&summary["failed"][at], "reason").contains("unpack it first"), "{summary}");
    }
    // Named itself, an archive still is no message.
    let summary = import_partly(&home, &root.join("Takeout.zip"));
    assert_eq!(failed(&summary), ["Takeout.zip not-mail"]);
}

/// Messages as Gmail exports them: its number of the conversation, and labels.
fn exported(id: &str, conversation: u64, labels: &str) -> Mail {
    mail(id).set("X-GM-THRID", &conversation.to_string()).set("X-Gmail-Labels", labels)
}

#[test]
fn an_export_of_gmail_says_place_flags_and_labels_in_any_language() {
    let home = Home::new();
    let cases = [
        ("Posteingang,Ungelesen,Wichtig", json!([]), vec!["important", "inbox"]),
        (
            "=?UTF-8?Q?Archiviert,Ge=C3=B6ffnet,Markiert?=",
            json!(["read", "starred"]),
            vec!["archive", "starred"],
        ),
        ("Gesendet,Arbeit/Kunden", json!(["read"]), vec!["arbeit/kunden", "archive", "sent"]),
        ("Papierkorb", json!([]), vec!["trash"]),
        ("=?UTF-8?Q?Entw=C3=BCrfe?=", json!(["draft", "read"]), vec!["archive", "drafts"]),
        ("Chat,Opened", json!(["read"]), vec!["archive", "chat"]),
        ("Inbox,\"a, b\"", json!([]), vec!["inbox"]),
    ];
    let mails: Vec<Mail> = cases
        .iter()
        .enumerate()
        .map(|(n, (labels, ..))| exported(&format!("g{n}"), 100 + n as u64, labels))
        .collect();
    write(&home.path("All mail Including Spam and Trash.mbox"), &mbox(&mails));
    home.import(&home.path("All mail Including Spam and Trash.mbox"));
    for (n, (header, expected_flags, mut expected)) in cases.into_iter().enumerate() {
        let subject = format!("g{n}");
        let mut found = labels(&home, &subject);
        // A name that is no simple word has an id made of it.
        found.retain(|label| !label.starts_with("l_"));
        expected.sort_unstable();
        assert_eq!(found, expected, "{header}");
        assert_eq!(flags(&home, &subject), expected_flags, "{header}");
    }
    let names: Vec<String> =
        home.json(&["labels"]).iter().map(|label| text(label, "name")).collect();
    for name in ["a, b", "Arbeit/Kunden"] {
        assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
    }
}

/// The subjects of each row, sorted.
fn conversations(home: &Home) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for row in home.list("anywhere") {
        let shown = home.show(&text(&row, "thread"));
        let messages = shown["messages"].as_array().expect("messages");
        let mut subjects: Vec<String> = messages.iter().map(|one| text(one, "subject")).collect();
        subjects.sort();
        rows.push(subjects);
    }
    rows.sort();
    rows
}

#[test]
fn what_gmail_calls_one_conversation_is_one_in_any_order_of_arrival() {
    let mails = [
        exported("a", 7, "Inbox"),
        exported("b", 7, "Inbox").at(1),
        // In a thread of its own by its references, and in the same by its number.
        exported("c", 7, "Inbox").at(2).reply_to("d", "d"),
        mail("d").at(3),
        exported("e", 8, "Inbox").at(4),
        mail("f").set("X-GM-THRID", "none").at(5),
    ];
    let orders: [[usize; 6]; 4] =
        [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [3, 2, 5, 0, 4, 1], [2, 0, 3, 1, 5, 4]];
    for order in orders {
        let home = Home::new();
        for at in order {
            mails[at].write(&home.path("m"));
            home.import(&home.path("m"));
        }
        assert_eq!(
            conversations(&home),
            [vec!["a", "b", "c", "d"], vec!["e"], vec!["f"]],
            "{order:?}"
        );
        home.assert_healthy("an export of Gmail");
    }
    // The same mail from elsewhere first, without Gmail's word: then the export joins it.
    let home = Home::new();
    let plain: Vec<Mail> = mails
        .iter()
        .map(|mail| mail.clone().without("X-GM-THRID").without("X-Gmail-Labels"))
        .collect();
    write_maildir(&home.path("maildir"), "", &plain);
    home.import(&home.path("maildir"));
    write(&home.path("takeout.mbox"), &mbox(&mails));
    let summary = home.import(&home.path("takeout.mbox"));
    assert_eq!(counts(&summary), [6, 0, 6, 0, 0], "{summary}");
    assert_eq!(conversations(&home), [vec!["a", "b", "c", "d"], vec!["e"], vec!["f"]]);
    assert_eq!(counts(&home.import(&home.path("takeout.mbox"))), [6, 0, 6, 0, 0]);
    home.assert_healthy("an export after a Maildir");
}

/// An mbox as Thunderbird writes it: its status in front, no empty line needed.
fn thunderbird(mails: &[(Mail, &str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (mail, status, keys) in mails {
        out.extend_from_slice(b"From - Mon May  6 09:00:00 2024\r\n");
        let head = format!(
            "X-Mozilla-Status: {status}\r\nX-Mozilla-Status2: 00000000\r\n\
             X-Mozilla-Keys: {keys}    \r\n"
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&crate::support::mail::crlf(&mail.bytes()));
    }
    out
}

#[test]
fn thunderbirds_folders_flags_and_tags_are_taken_in() {
    let home = Home::new();
    let profile = home.path("x.default");
    let local = profile.join("Mail/Local Folders");
    write(&profile.join("prefs.js"), b"user_pref(\"a\", 1);\n");
    write(&profile.join("key4.db"), b"SQLite format 3\0");
    for name in ["Inbox.msf", "Trash.msf", "Sent.msf", "Work.sbd/Clients.msf"] {
        write(&local.join(name), b"// <!-- <mdb:mork:z v=\"1.4\"/> -->\n");
    }
    write(&local.join("popstate.dat"), b"# POP3 State File\n");
    write(&local.join("Trash"), b"");
    let inbox = [
        (mail("new"), "0000", ""),
        (mail("read").at(1), "0001", "$label1 blue"),
        (mail("all").at(2), "1007", "NonJunk"),
        (mail("gone").at(3), "0009", ""),
        (mail("junk").at(4), "0001", "Junk"),
    ];
    write(&local.join("Inbox"), &thunderbird(&inbox));
    write(&local.join("Work.sbd/Clients"), &thunderbird(&[(mail("client").at(5), "0001", "")]));
    write(&local.join("Sent"), &thunderbird(&[(mail("sent").at(6), "0001", "")]));
    let run = home.run(&["import", "--json", profile.to_str().unwrap()]).ok();
    let summary = run.object();
    // prefs.js, key4.db, four indexes, popstate.dat, the empty Trash, and the message that is gone.
    assert_eq!(counts(&summary), [6, 6, 0, 0, 9], "{summary}");
    assert_eq!(count(&summary, "expunged"), 1);
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(said.contains("Thunderbird deleted"), "{said}");
    let cases = [
        ("new", json!([]), vec!["inbox"]),
        ("read", json!(["read"]), vec!["blue", "important", "inbox"]),
        ("all", json!(["answered", "forwarded", "read", "starred"]), vec!["inbox", "starred"]),
        ("junk", json!(["read"]), vec!["spam"]),
        ("client", json!(["read"]), vec!["inbox", "work/clients"]),
        ("sent", json!(["read"]), vec!["archive", "sent"]),
    ];
    for (subject, expected_flags, expected) in cases {
        assert_eq!(labels(&home, subject), expected, "{subject}");
        assert_eq!(flags(&home, subject), expected_flags, "{subject}");
    }
    // The same message without what Thunderbird wrote into it is the same message.
    mail("read").at(1).write(&home.path("read.eml"));
    assert_eq!(counts(&home.import(&home.path("read.eml"))), [1, 0, 1, 0, 0]);
    home.assert_healthy("a profile of Thunderbird");
}

/// Runs notmuch on a directory of ours; `None` where it is not installed.
fn notmuch(home: &Home, args: &[&str]) -> Option<Vec<u8>> {
    let mut command = Command::new("notmuch");
    command.env_clear().envs(home.environment()).env("NOTMUCH_CONFIG", home.path("notmuch-config"));
    let output = command.args(args).output().ok()?;
    assert!(output.status.success(), "{output:?}");
    Some(output.stdout)
}

/// A Maildir with notmuch's database, and tags of its three messages.
fn tagged(home: &Home) -> Option<std::path::PathBuf> {
    let root = home.path("Mail box");
    write_maildir(&root, "", &many("n", 3));
    let config = format!(
        "[database]\npath={}\n[new]\ntags=unread;inbox\n\
         [user]\nname=a\nprimary_email=a@example.org\n",
        root.display()
    );
    write(&home.path("notmuch-config"), config.as_bytes());
    notmuch(home, &["new", "--quiet"])?;
    notmuch(
        home,
        &["tag", "+Größe 2", "+todo", "-inbox", "-unread", "+flagged", "--", "subject:n-001"],
    )?;
    notmuch(home, &["tag", "+deleted", "--", "subject:n-002"])?;
    Some(root)
}

fn check_tagged(home: &Home) {
    assert_eq!(labels(home, "n-000"), ["inbox"]);
    assert_eq!(flags(home, "n-000"), json!([]));
    let mut found = labels(home, "n-001");
    assert!(found.iter().any(|label| label.starts_with("l_")), "{found:?}");
    found.retain(|label| !label.starts_with("l_"));
    assert_eq!(found, ["archive", "starred", "todo"]);
    assert_eq!(flags(home, "n-001"), json!(["read", "starred"]));
    assert_eq!(labels(home, "n-002"), ["trash"]);
    assert!(home.json(&["labels"]).iter().any(|label| label["name"] == "Größe 2"));
}

#[test]
fn notmuchs_tags_come_from_its_database_or_a_dump() {
    let home = Home::new();
    let Some(root) = tagged(&home) else {
        println!("skipped: notmuch is not installed");
        return;
    };
    let dump = notmuch(&home, &["dump"]).unwrap();
    let run = home.run(&["import", "--json", root.to_str().unwrap()]).ok();
    assert_eq!(counts(&run.object())[..4], [3, 3, 0, 0], "{run}");
    assert!(run.stderr.is_empty(), "{run}");
    check_tagged(&home);
    assert_eq!(std::fs::read_dir(home.path("tmp")).unwrap().count(), 0, "nothing is left there");
    // A tag that changed since is followed, though no file did.
    let home_tag = ["tag", "-todo", "+inbox", "--", "subject:n-001"];
    notmuch(&home, &home_tag).unwrap();
    let again = home.import(&root);
    assert_eq!(counts(&again)[..4], [3, 0, 3, 0], "{again}");
    let mut found = labels(&home, "n-001");
    found.retain(|label| !label.starts_with("l_"));
    assert_eq!(found, ["inbox", "starred"]);
    // While nothing changed there, no file is opened: who opened this one would find another.
    let file = |n: i64, flags: &str| root.join(format!("cur/1714986000.M{n}.own:2,{flags}"));
    let time = std::fs::metadata(file(0, "")).unwrap().modified().unwrap();
    let other = std::fs::read_to_string(file(0, "")).unwrap().replace("n-000", "x-000");
    let open = std::fs::File::options().write(true).open(file(0, "")).unwrap();
    std::io::Write::write_all(&mut &open, other.as_bytes()).unwrap();
    open.set_modified(time).unwrap();
    // A file that was renamed is read again, and its tags are still its own.
    // notmuch gave it the flags of its tags.
    std::fs::rename(file(1, "FS"), file(1, "RS")).unwrap();
    let again = home.import(&root);
    assert_eq!(counts(&again)[..4], [3, 0, 3, 0], "{again}");
    let mut found = labels(&home, "n-001");
    found.retain(|label| !label.starts_with("l_"));
    assert_eq!(found, ["inbox", "starred"]);
    // The same tags as at first from a file, for mail that notmuch has never seen.
    let other = Home::new();
    write(&other.path("tags"), &dump);
    write(&other.path("box"), &mbox(&many("n", 3)));
    other.run(&["import", "box", "--notmuch-tags", "tags"]).ok();
    check_tagged(&other);
}

#[test]
fn tags_that_cannot_be_had_are_said() {
    let home = Home::new();
    let root = home.path("Mail");
    write_maildir(&root, "S", &many("m", 1));
    std::fs::create_dir_all(root.join(".notmuch/xapian")).unwrap();
    // No database, or no program: the mail comes in all the same.
    let run = home.run(&["import", "--json", root.to_str().unwrap()]).ok();
    assert_eq!(counts(&run.object())[..4], [1, 1, 0, 0], "{run}");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(said.contains("notmuch") && said.contains("--notmuch-tags"), "{said}");
    let missing = ["import", root.to_str().unwrap(), "--notmuch-tags", "no/such"];
    home.run(&missing).exited(3);
    // A dump by hand, and one that is none.
    let id = "m-000@example.org";
    write(
        &home.path("dump"),
        format!("#notmuch-dump batch-tag:3 tags\n+a%20b +spam -- id:{id}\n").as_bytes(),
    );
    write(&home.path("none"), b"Subject: x\n\nx\n");
    let other = Home::new();
    for name in ["dump", "none"] {
        std::fs::copy(home.path(name), other.path(name)).unwrap();
    }
    write(&other.path("box"), &mbox(&many("m", 1)));
    let run = other.run(&["import", "box", "--json", "--notmuch-tags", "none"]).ok();
    assert!(String::from_utf8_lossy(&run.stderr).contains("there are no tags"), "{run}");
    let third = Home::new();
    std::fs::copy(home.path("dump"), third.path("dump")).unwrap();
    write(&third.path("box"), &mbox(&many("m", 1)));
    third.run(&["import", "box", "--notmuch-tags", "dump"]).ok();
    assert_eq!(labels(&third, "m-000").last().map(String::as_str), Some("spam"));
}

/// Writes the same messages by Python's `mailbox` into an mbox and a Maildir.
const PYTHON: &str = r#"
import mailbox, sys
bodies = [
    "From now on\n",
    "x\n\nFrom ada@example.org Mon May  6 09:00:00 2024\nSubject: no\n\nFrom \n",
    ">From x\n>>From y\n\n\n",
    "no end",
    "\n\nFrom - Mon May  6 09:00:00 2024\nX-Mozilla-Status: 0008\n",
]
box, maildir = mailbox.mbox(sys.argv[1]), mailbox.Maildir(sys.argv[2], create=True)
for n, body in enumerate(bodies):
    head = f"From: a@example.org\nSubject: py{n}\nMessage-ID: <py{n}@example.org>\n"
    message = mailbox.mboxMessage(f"{head}Date: Mon, 06 May 2024 09:0{n}:00 +0000\n\n{body}")
    if n == 0:
        message.set_flags("RF")
    box.add(message)
    maildir.add(mailbox.MaildirMessage(message))
box.flush()
"#;

#[test]
fn what_python_writes_is_the_same_from_both_forms() {
    let home = Home::new();
    let (file, maildir) = (home.path("py.mbox"), home.path("Maildir"));
    let mut command = Command::new("python3");
    command.env_clear().envs(home.environment()).args(["-c", PYTHON]).args([&file, &maildir]);
    if !command.status().is_ok_and(|status| status.success()) {
        println!("skipped: python3 is not installed");
        return;
    }
    assert_eq!(counts(&home.import(&file)), [5, 5, 0, 0, 0]);
    assert_eq!(flags(&home, "py0"), json!(["read", "starred"]));
    assert_eq!(counts(&home.import(&maildir)), [5, 0, 5, 0, 0]);
}
