//! Servers that cannot take out one message alone (no UIDPLUS, RFC 4315) and cannot move (no MOVE,
//! RFC 6851): what is moved is copied, and stays where it was, marked as deleted.
//!
//! Invariant: nothing is expunged there by us, since that would take what others marked; what
//! stays is shown once, where it was moved to.

use std::collections::BTreeSet;

use super::{assert_equal, generated, look};
use crate::support::binary::{Home, text};
use crate::support::dovecot::{Dovecot, write_accounts};
use crate::support::mail::mail;
use crate::support::other_client::OtherClient;
use crate::support::scripted_imap::{Begins, ScriptedImap, folder, message};

/// What the server says that it can; it says with each copy where it is all the same.
const LITTLE: &str = "protocol imap {\n  imap_capability = IMAP4rev1 IDLE\n}\n";

/// Message-IDs in a folder that are not marked as deleted, and those that are.
fn held(client: &mut OtherClient, folder: &str) -> (Vec<String>, Vec<String>) {
    let (marked, plain): (Vec<_>, Vec<_>) =
        client.folder(folder).into_iter().partition(|mail| mail.has("\\Deleted"));
    let ids = |mails: Vec<crate::support::other_client::Mail>| {
        let mut ids: Vec<String> = mails.into_iter().map(|mail| mail.id).collect();
        ids.sort();
        ids
    };
    (ids(plain), ids(marked))
}

/// Subjects of a list.
fn subjects(home: &Home, label: &str) -> BTreeSet<String> {
    home.list(label).iter().map(|row| text(row, "subject")).collect()
}

fn thread(home: &Home, n: usize) -> String {
    home.thread(&format!("topic {} of INBOX", n * 3))
}

/// Message-IDs, sorted.
fn ids(of: &[usize]) -> Vec<String> {
    let mut ids: Vec<String> = of.iter().map(|n| format!("m{}@example.org", n * 3)).collect();
    ids.sort();
    ids
}

/// Subjects.
fn named(of: &[usize]) -> BTreeSet<String> {
    of.iter().map(|n| format!("topic {} of INBOX", n * 3)).collect()
}

#[test]
fn what_is_moved_without_uidplus_is_there_once_and_takes_no_other_along() {
    let Some(server) = Dovecot::start_with(LITTLE) else { return };
    let mut client = server.client("u1");
    for n in 0..6 {
        client.append("INBOX", "", &generated(n * 3, "INBOX"));
    }
    // Somebody else marked one and may take that back.
    client.ok("SELECT INBOX");
    client.ok("UID STORE 5 +FLAGS (\\Deleted)");
    client.ok("CREATE work");
    client.ok("UID COPY 6 work");
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    look(&home);
    assert_eq!(subjects(&home, "trash"), named(&[4]), "what is marked is in the trash");
    home.run(&["archive", &thread(&home, 0)]).ok();
    home.run(&["trash", &thread(&home, 1)]).ok();
    home.run(&["spam", &thread(&home, 2)]).ok();
    home.run(&["label", &thread(&home, 5), "-work"]).ok();
    let mut received = Vec::new();
    for round in 0..3 {
        let report = look(&home);
        let account = &report["accounts"][0];
        received.push(account["received"].as_u64());
        assert_eq!(account["new"], 0, "round {round}: {report}");
        let marked = ids(&[0, 1, 2, 4]);
        assert_eq!(held(&mut client, "INBOX"), (ids(&[3, 5]), marked), "round {round}");
        for (folder, n) in [("Archive", 0), ("Trash", 1), ("Junk", 2)] {
            assert_eq!(held(&mut client, folder), (ids(&[n]), vec![]), "round {round}: {folder}");
        }
        assert_eq!(held(&mut client, "work"), (vec![], ids(&[5])), "round {round}");
        for (label, of) in [("inbox", &[3, 5][..]), ("archive", &[0]), ("trash", &[1, 4])] {
            assert_eq!(subjects(&home, label), named(of), "round {round}: {label}");
        }
        assert_eq!(subjects(&home, "spam"), named(&[2]), "round {round}");
        let labels = home.json(&["show", &thread(&home, 5)])[0]["labels"].to_string();
        assert_eq!(labels.matches(',').count(), 1, "round {round}: unread, inbox: {labels}");
    }
    println!("{received:?} bytes");
    // On from there and back again, and what another one marked is taken back.
    home.run(&["trash", &thread(&home, 0)]).ok();
    home.run(&["move", &thread(&home, 1), "inbox"]).ok();
    home.run(&["move", &thread(&home, 4), "inbox"]).ok();
    for round in 0..2 {
        look(&home);
        assert_eq!(held(&mut client, "INBOX").0, ids(&[1, 3, 4, 5]), "round {round}");
        assert_eq!(held(&mut client, "Archive"), (vec![], ids(&[0])), "round {round}");
        assert_eq!(held(&mut client, "Trash"), (ids(&[0]), ids(&[1])), "round {round}");
        assert_eq!(subjects(&home, "inbox"), named(&[1, 3, 4, 5]), "round {round}");
        assert_eq!(subjects(&home, "trash"), named(&[0]), "round {round}");
    }
    assert_eq!(home.json(&["account", "list"])[0]["conflicts"].to_string(), "[]");
    // Another program expunges all that is marked: nothing is lost.
    for folder in client.folders() {
        client.ok(&format!("SELECT \"{folder}\""));
        client.ok("EXPUNGE");
    }
    look(&home);
    assert_equal(&home, &mut client, "all that was marked is expunged");
    assert_eq!(held(&mut client, "INBOX"), (ids(&[1, 3, 4, 5]), vec![]));
    assert_eq!(subjects(&home, "anywhere"), named(&[0, 1, 2, 3, 4, 5]));
    home.assert_healthy("without UIDPLUS");
}

/// Subjects in a folder, those that are marked as deleted with `!`.
fn there(server: &ScriptedImap, name: &str) -> Vec<String> {
    server.with(|folders| {
        let of = folders.iter().find(|of| of.name == name).expect("it is there");
        let one = |message: &crate::support::scripted_imap::Message| {
            let raw = String::from_utf8_lossy(&message.raw).into_owned();
            let subject = raw.lines().find_map(|line| line.strip_prefix("Subject: "));
            let marked = message.flags.iter().any(|flag| flag == "\\Deleted");
            format!("{}{}", subject.unwrap_or_default(), if marked { "!" } else { "" })
        };
        let mut all: Vec<String> = of.messages.iter().map(one).collect();
        all.sort();
        all
    })
}

#[test]
fn where_a_copy_went_that_is_not_said_is_seen() {
    let one = |id: &str| message(&mail(id).subject(id).bytes());
    let server = ScriptedImap::start(
        Begins::Clear,
        vec![
            folder("INBOX", "\\HasNoChildren", ["a", "b", "c"].map(one).to_vec()),
            folder("Archive", "\\HasNoChildren \\Archive", Vec::new()),
            folder("Trash", "\\HasNoChildren \\Trash", Vec::new()),
        ],
    );
    server.can("IMAP4rev1 IDLE SASL-IR LITERAL+ AUTH=PLAIN SPECIAL-USE");
    server.with(|folders| folders[0].messages[2].flags.push("\\Deleted".to_owned()));
    let home = Home::new();
    write_accounts(&home, &server.account("me"));
    look(&home);
    home.run(&["archive", &home.thread("a")]).ok();
    home.run(&["trash", &home.thread("b")]).ok();
    for round in 0..3 {
        look(&home);
        assert_eq!(there(&server, "INBOX"), ["a!", "b!", "c!"], "round {round}");
        assert_eq!(there(&server, "Archive"), ["a"], "round {round}");
        assert_eq!(there(&server, "Trash"), ["b"], "round {round}");
        let named = |of: &[&str]| of.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(subjects(&home, "archive"), named(&["a"]), "round {round}");
        assert_eq!(subjects(&home, "trash"), named(&["b", "c"]), "round {round}");
    }
    home.run(&["move", &home.thread("a"), "inbox"]).ok();
    home.run(&["archive", &home.thread("b")]).ok();
    for round in 0..3 {
        look(&home);
        assert_eq!(there(&server, "INBOX"), ["a", "a!", "b!", "c!"], "round {round}");
        assert_eq!(there(&server, "Archive"), ["a!", "b"], "round {round}");
        assert_eq!(there(&server, "Trash"), ["b!"], "round {round}");
    }
    let heard: Vec<String> = server.heard().into_iter().map(|heard| heard.line).collect();
    assert!(!heard.iter().any(|line| line.contains("EXPUNGE")), "{heard:?}");
    assert_eq!(home.json(&["account", "list"])[0]["conflicts"].to_string(), "[]");
    home.assert_healthy("where it went is not said");
}
