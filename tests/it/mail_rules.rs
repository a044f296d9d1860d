//! The rules of mail that a user notices, each on messages of our own through the real binary.
//!
//! Invariant: one rule a test; the mail that breaks it is in the test.

use serde_json::{Value, json};

use crate::support::binary::{Home, count, text};
use crate::support::mail::{Mail, crlf, mail, mbox, write, write_maildir};

/// Imports bytes as a file of their own and returns the summary.
fn import(home: &Home, name: &str, bytes: &[u8]) -> Value {
    write(&home.path(name), bytes);
    home.import(&home.path(name))
}

fn import_all(mails: &[Mail]) -> Home {
    let home = Home::new();
    for (n, mail) in mails.iter().enumerate() {
        import(&home, &format!("{n}.eml"), &mail.bytes());
    }
    home
}

/// Date and Received headers; then `date`, `sortDate` and `sortFrom`.
type Dated<'a> = (&'a str, Option<&'a str>, Option<&'a str>, &'a str, &'a str);

fn row(home: &Home, thread: &str) -> Value {
    let rows = home.list("anywhere");
    rows.into_iter().find(|row| row["thread"] == thread).expect("listed")
}

#[test]
fn a_reply_brings_an_archived_thread_back_unread() {
    let home = import_all(&[mail("plan")]);
    let thread = home.thread("plan");
    home.run(&["read", &thread]).ok();
    home.run(&["archive", &thread]).ok();
    let reply = mail("reply").at(5).reply_to("plan", "plan");
    import(&home, "reply.eml", &reply.bytes());
    let now = row(&home, &thread);
    let fields = (&now["place"], count(&now, "messageCount"), count(&now, "unreadCount"));
    assert_eq!(fields, (&json!("inbox"), 2, 1));
    home.assert_healthy("a reply to an archived thread");
}

#[test]
fn own_sent_mail_neither_makes_unread_nor_brings_back() {
    let home = import_all(&[mail("plan")]);
    let thread = home.thread("plan");
    home.run(&["read", &thread]).ok();
    home.run(&["archive", &thread]).ok();
    let sent = mail("answer").at(5).reply_to("plan", "plan");
    write_maildir(&home.path("Mail/.Sent"), "", &[sent]);
    home.import(&home.path("Mail"));
    let now = row(&home, &thread);
    let fields = (&now["place"], count(&now, "messageCount"), count(&now, "unreadCount"));
    assert_eq!(fields, (&json!("archive"), 2, 0));
    assert!(now["labels"].as_array().unwrap().contains(&json!("sent")), "{now}");
}

#[test]
fn trash_and_spam_keep_what_comes_later() {
    for command in ["trash", "spam"] {
        let home = import_all(&[mail("plan")]);
        let thread = home.thread("plan");
        home.run(&["move", &thread, command]).ok();
        import(&home, "r.eml", &mail("reply").at(5).reply_to("plan", "plan").bytes());
        assert_eq!(row(&home, &thread)["place"], command);
    }
}

#[test]
fn dates_that_cannot_be_true_do_not_sort() {
    const RECEIVED: &str = "from a by b; Tue, 7 May 2024 10:00:00 +0000";
    let future = "Mon, 6 May 2199 09:00:00 +0000";
    let cases: [Dated; 6] = [
        (future, Some(RECEIVED), Some("2199-05-06T09:00:00Z"), "2024-05-07T10:00:00Z", "received"),
        ("yesterday", Some(RECEIVED), None, "2024-05-07T10:00:00Z", "received"),
        ("", Some(RECEIVED), None, "2024-05-07T10:00:00Z", "received"),
        (
            "Thu, 1 Jan 1970 00:00:10 +0000",
            Some(RECEIVED),
            Some("1970-01-01T00:00:10Z"),
            "2024-05-07T10:00:00Z",
            "received",
        ),
        ("not a date", None, None, "2024-05-06T09:00:00Z", "file"),
        (
            "Mon, 6 May 2024 08:00:00 -0300",
            Some(RECEIVED),
            Some("2024-05-06T11:00:00Z"),
            "2024-05-06T11:00:00Z",
            "date",
        ),
    ];
    for (header, received, date, sort_date, sort_from) in cases {
        let mut dated = mail("dated").set("Date", header);
        if let Some(received) = received {
            dated = dated.set("Received", received);
        }
        // The `From ` line of an mbox says 2024-05-06T09:00:00Z.
        let home = Home::new();
        import(&home, "box", &mbox(&[dated]));
        let shown = home.show(&home.thread("dated"));
        let message = &shown["messages"][0];
        assert_eq!(message["date"], json!(date), "{header:?}");
        let sort = (text(message, "sortDate"), text(message, "sortFrom"));
        assert_eq!(sort, (sort_date.to_owned(), sort_from.to_owned()), "{header:?}");
        assert_eq!(row(&home, &home.thread("dated"))["lastActivity"], sort_date, "{header:?}");
    }
}

#[test]
fn the_same_subject_alone_does_not_join() {
    let mails = [mail("a").subject("Lunch"), mail("b").at(1).subject("Re: Lunch")];
    assert_eq!(import_all(&mails).threads("inbox").len(), 2);
}

#[test]
fn what_is_no_message_id_does_not_join() {
    for word in ["<yes>", "yes", "<>", "Your message of Monday", "<no at sign>", "@", "<@>"] {
        let reply = |id: &str| mail(id).set("In-Reply-To", word).set("References", word);
        let home = import_all(&[reply("a"), reply("b"), mail("c").set("Message-ID", "<yes>")]);
        assert_eq!(home.threads("inbox").len(), 3, "{word:?}");
    }
}

#[test]
fn replies_join_in_any_order_and_across_a_missing_parent() {
    let chain = [
        mail("root"),
        mail("one").at(1).reply_to("root", "root"),
        mail("two").at(2).reply_to("root", "one"),
        mail("lone").at(3).set("References", "<gone@example.org>"),
        mail("twin").at(4).set("In-Reply-To", "<gone@example.org>"),
    ];
    let orders = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3], [1, 4, 2, 3, 0]];
    let mut seen = Vec::new();
    for order in orders {
        let home = import_all(&order.map(|n| chain[n].clone()));
        let rows = home.list("inbox");
        let mut counts: Vec<u64> = rows.iter().map(|row| count(row, "messageCount")).collect();
        counts.sort_unstable();
        assert_eq!(counts, [2, 3], "{order:?}");
        let shown = rows.iter().map(|row| home.show(&text(row, "thread")));
        let ids = |thread: Value| {
            let messages = thread["messages"].as_array().expect("messages").clone();
            messages.iter().map(|m| text(m, "messageId")).collect::<Vec<_>>()
        };
        seen.push(shown.map(ids).collect::<Vec<_>>());
        home.assert_healthy(&format!("{order:?}"));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
}

#[test]
fn equal_bytes_are_duplicates_and_other_bytes_are_copies() {
    let first = mail("same").body("The first text.\nFrom here.\n");
    let kinds =
        |summary: &Value| ["imported", "duplicates", "copies"].map(|field| count(summary, field));
    // What is only how a store keeps a message is no difference.
    let stored = first.clone().set("Status", "RO").set("X-Status", "A");
    let forged = first.clone().body("Another text.\n");
    let cases: [(&str, Vec<u8>, [u64; 3]); 6] = [
        ("first", first.bytes(), [1, 0, 0]),
        ("again", first.bytes(), [0, 1, 0]),
        ("crlf", crlf(&first.bytes()), [0, 1, 0]),
        ("mbox", mbox(std::slice::from_ref(&stored)), [0, 1, 0]),
        ("forged", forged.bytes(), [0, 0, 1]),
        ("forged-again", crlf(&forged.bytes()), [0, 1, 0]),
    ];
    let home = Home::new();
    for (name, bytes, expected) in cases {
        assert_eq!(kinds(&import(&home, name, &bytes)), expected, "{name}");
    }
    let thread = home.thread("same");
    let shown = home.show(&thread);
    assert_eq!(shown["messages"].as_array().map(Vec::len), Some(1), "{shown:#}");
    let message = &shown["messages"][0];
    assert_eq!(count(message, "copies"), 1);
    assert!(text(message, "text").starts_with("The first text."), "never in place of the first");
    assert_eq!(count(&row(&home, &thread), "messageCount"), 1);
    home.assert_healthy("copies");
}

#[test]
fn mail_without_an_id_is_known_by_its_bytes() {
    let bare = mail("bare").without("Message-ID");
    let home = import_all(&[bare.clone(), bare.clone(), bare.clone().body("Other.\n")]);
    assert_eq!(home.threads("inbox").len(), 2);
    let summary = import(&home, "crlf", &crlf(&bare.bytes()));
    assert_eq!(count(&summary, "duplicates"), 1, "{summary}");
    let shown = home.show(&home.threads("inbox")[0]);
    assert_eq!(shown["messages"][0]["messageId"], Value::Null);
}
