//! `list`, `show` and `labels` by the command line's contract.
//!
//! Invariant: what is asserted is in the contract's text; the wording of plain output is not.

use serde_json::{Value, json};

use crate::support::binary::{Home, count, text};
use crate::support::mail::{base64, encoded_words, mail, many, mbox, write};

/// A home with `m-000` to `m-NNN`, each a minute after the one before.
fn home_with(count: i64) -> Home {
    let home = Home::new();
    write(&home.path("box"), &mbox(&many("m", count)));
    home.import(&home.path("box"));
    home
}

fn cursor(row: &Value) -> String {
    let at: jiff::Timestamp = text(row, "lastActivity").parse().expect("RFC 3339");
    format!("{}.{}", at.as_second(), text(row, "thread"))
}

#[test]
fn rows_have_the_contracts_fields() {
    let home = Home::new();
    mail("root").subject("A plan").write(&home.path("m/1.eml"));
    let reply = mail("reply").at(90).reply_to("root", "root").subject("Re: A plan");
    let reply = reply.set("From", "Ben Okafor <ben@example.org>");
    reply.body("Second  text.\n").write(&home.path("m/2.eml"));
    home.import(&home.path("m"));
    let row = home.list("inbox").remove(0);
    let thread = text(&row, "thread");
    let id_alphabet = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    assert!((8..=64).contains(&thread.len()) && thread.chars().all(id_alphabet), "{thread}");
    let expected = json!({
        "thread": thread,
        "subject": "A plan",
        "participants": [
            {"name": "Ada Moser", "address": "ada@example.org"},
            {"name": "Ben Okafor", "address": "ben@example.org"},
        ],
        "lastActivity": "2024-05-06T10:30:00Z",
        "labels": ["inbox", "unread"],
        "place": "inbox",
        "messageCount": 2,
        "unreadCount": 2,
        "starred": false,
        "snippet": "Second text.",
    });
    assert_eq!(row, expected);
}

#[test]
fn newest_first_then_by_thread_and_pages_join_without_gaps() {
    let home = Home::new();
    let mut mails = many("m", 70);
    mails.extend((0..10).map(|n| mail(&format!("same-{n}")).at(30)));
    write(&home.path("box"), &mbox(&mails));
    home.import(&home.path("box"));
    let all = home.list("inbox");
    assert_eq!(all.len(), 80);
    let key = |row: &Value| (std::cmp::Reverse(text(row, "lastActivity")), text(row, "thread"));
    assert!(all.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])), "the order");
    assert_eq!(home.json(&["list"]), all[..50], "50 by default, of the inbox");
    assert_eq!(home.json(&["list", "--limit", "3"]), all[..3]);
    let mut paged = home.json(&["list", "--limit", "7"]);
    for _ in 0..20 {
        let before = cursor(paged.last().expect("rows"));
        let page = home.json(&["list", "--limit", "7", "--before", &before]);
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
}

#[test]
fn labels_match_by_id_and_by_name_in_any_case() {
    let home = home_with(4);
    let threads = home.threads("inbox");
    for (thread, label) in threads.iter().zip(["Work", "Café Ärger", "Work"]) {
        home.run(&["label", thread, &format!("+{label}")]).ok();
    }
    home.run(&["trash", &threads[3]]).ok();
    let labels = home.json(&["labels"]);
    let of = |name: &str| labels.iter().find(|l| l["name"] == name).expect("listed").clone();
    let id = text(&of("Café Ärger"), "id");
    for (asked, rows) in [
        ("work", 2),
        ("WORK", 2),
        ("Café Ärger", 1),
        ("CAFÉ ÄRGER", 1),
        (id.as_str(), 1),
        ("INBOX", 3),
        ("all", 3),
        ("anywhere", 4),
        ("trash", 1),
    ] {
        assert_eq!(home.list(asked).len(), rows, "--label {asked}");
    }
    assert_eq!(of("Work")["type"], "user");
    assert_eq!((count(&of("Work"), "threadCount"), count(&of("Work"), "unreadCount")), (2, 2));
    let inbox = labels.iter().find(|l| l["id"] == "inbox").expect("the inbox is a label");
    assert_eq!((&inbox["type"], count(inbox, "threadCount")), (&json!("system"), 3));
    let unknown = home.run(&["list", "--label", "nowhere", "--json"]).exited(3);
    assert!(!text(&unknown.error(), "hint").is_empty());
}

#[test]
fn show_gives_every_field() {
    let home = Home::new();
    let subject = format!("{}\n {}", encoded_words("Größe"), encoded_words(" und  漢字"));
    let picture = base64(&[7; 1000]);
    mail("root")
        .set("Subject", &subject)
        .set("Cc", "\"Dee, C.\" <dee@example.org>, e@example.org")
        .set("Bcc", "f@example.org")
        .set("Reply-To", "list@example.org")
        .set("Date", "Mon, 6 May 2024 11:00:00 +0200")
        .parts(&[
            ("Content-Type: text/plain", b"First.\n"),
            (
                "Content-Type: image/png; name=\"p.png\"\n\
                 Content-Disposition: attachment; filename=\"p.png\"\n\
                 Content-Transfer-Encoding: base64",
                picture.as_bytes(),
            ),
            ("Content-Type: message/rfc822", b"Subject: inner\n\ninside\n"),
            ("Content-Type: text/html", b"<p>Second <b>part</b>.</p>\n"),
        ])
        .write(&home.path("m.eml"));
    home.import(&home.path("m.eml"));
    let thread = home.threads("inbox").remove(0);
    let shown = home.show(&thread);
    assert_eq!(shown["thread"], thread.as_str());
    assert_eq!(shown["subject"], "Größe und 漢字");
    assert_eq!((&shown["place"], &shown["labels"]), (&json!("inbox"), &json!(["inbox", "unread"])));
    let message = &shown["messages"][0];
    assert!(!text(message, "id").is_empty());
    let attachments = message["attachments"].as_array().expect("a list");
    assert_eq!(attachments[0], json!({"name": "p.png", "type": "image/png", "size": 1000}));
    assert_eq!(attachments[1]["type"], "message/rfc822");
    let address = |name: Value, address: &str| json!({"name": name, "address": address});
    for (field, expected) in [
        ("messageId", json!("root@example.org")),
        ("from", json!([address(json!("Ada Moser"), "ada@example.org")])),
        ("to", json!([address(json!("Ben Okafor"), "ben@example.org")])),
        (
            "cc",
            json!([
                address(json!("Dee, C."), "dee@example.org"),
                address(Value::Null, "e@example.org")
            ]),
        ),
        ("bcc", json!([address(Value::Null, "f@example.org")])),
        ("replyTo", json!([address(Value::Null, "list@example.org")])),
        ("date", json!("2024-05-06T09:00:00Z")),
        ("sortDate", json!("2024-05-06T09:00:00Z")),
        ("sortFrom", json!("date")),
        ("subject", json!("Größe und 漢字")),
        ("flags", json!([])),
        ("copies", json!(0)),
        ("defects", json!([])),
    ] {
        assert_eq!(message[field], expected, "{field} of {message:#}");
    }
    let shown_text = text(message, "text");
    assert!(
        shown_text.starts_with("First.\n\n") && shown_text.contains("Second"),
        "{shown_text:?}"
    );
}

#[test]
fn show_takes_several_and_says_which_is_missing() {
    let home = home_with(3);
    let threads = home.threads("inbox");
    let both = home.json(&["show", &threads[1], &threads[0]]);
    let ids: Vec<_> = both.iter().map(|t| text(t, "thread")).collect();
    assert_eq!(ids, [threads[1].clone(), threads[0].clone()]);
    let error = home.run(&["show", "abcdefgh", "--json"]).exited(3).error();
    for field in ["code", "message", "hint"] {
        assert!(!text(&error, field).is_empty(), "{field} of {error}");
    }
    home.run(&["show", "--json"]).exited(2);
}

#[test]
fn global_options_stand_before_or_after() {
    let home = home_with(2);
    let after = home.run(&["list", "--json", "--quiet"]).ok();
    let before = home.run(&["--json", "--quiet", "list"]).ok();
    assert_eq!(before.stdout, after.stdout);
    assert_eq!(String::from_utf8_lossy(&after.stderr), "", "quiet");
    let plain = home.run(&["list"]).ok();
    assert_eq!(String::from_utf8_lossy(&plain.stdout).lines().count(), 2, "a row a line: {plain}");
}

#[test]
fn reading_a_directory_that_is_not_there_prints_nothing_and_makes_nothing() {
    let home = Home::new();
    for args in [&["list"][..], &["labels"], &["doctor"], &["list", "--json"]] {
        let run = home.run(args).ok();
        assert_eq!(String::from_utf8_lossy(&run.stdout), "", "{args:?}");
        assert!(!home.data().exists(), "{args:?} made a data directory");
    }
}

#[test]
fn every_long_text_of_a_conversation_is_shown() {
    let home = Home::new();
    let mut mails = vec![mail("m0")];
    mails.extend((1..12).map(|n| mail(&format!("m{n}")).at(n).reply_to("m0", "m0")));
    let text = |n| format!("Line {n} of a text that makes the message long.\n").repeat(1_500);
    let mails: Vec<_> = (0..).zip(mails).map(|(n, mail): (u32, _)| mail.body(text(n))).collect();
    write(&home.path("box"), &mbox(&mails));
    home.import(&home.path("box"));
    let shown = home.show(&home.thread("m0"));
    let texts = shown["messages"].as_array().unwrap().iter();
    let lengths: Vec<usize> = texts.map(|m| m["text"].as_str().unwrap().len()).collect();
    assert_eq!(lengths.len(), 12);
    assert!(lengths.iter().all(|n| *n > 64 * 1024), "{lengths:?}");
}

#[test]
fn a_time_alone_goes_on_with_what_is_older() {
    let home = home_with(6);
    let all = home.list("inbox");
    let at = text(&all[2], "lastActivity");
    assert_eq!(home.json(&["list", "--before", &at]), all[3..]);
}
