//! Labels as Gmail has them (the extension X-GM-EXT-1), on a server that keeps them as its
//! description says. Gmail itself was not asked.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::binary::{Home, text};
use crate::support::dovecot::write_accounts;
use crate::support::mail::mail;
use crate::support::scripted_imap::{Begins, CAN, ScriptedImap, folder, message};

const ALL: &str = "[Gmail]/All Mail";
const TRASH: &str = "[Gmail]/Trash";
const SPAM: &str = "[Gmail]/Spam";

/// A message of a conversation with labels.
struct Labelled(&'static str, u64, &'static [&'static str]);

fn server() -> ScriptedImap {
    let of = |all: &[Labelled]| {
        let one = |Labelled(id, conversation, labels): &Labelled| {
            let mut one = message(&mail(id).bytes());
            one.conversation = *conversation;
            one.labels = labels.iter().map(|label| (*label).to_owned()).collect();
            one
        };
        all.iter().map(one).collect::<Vec<_>>()
    };
    let all = of(&[
        Labelled("waiting", 1, &["\\Inbox", "\\Important"]),
        Labelled("done", 2, &["Work/2024", "Entw&APw-rfe"]),
        Labelled("joined", 3, &["\\Inbox", "\\Starred"]),
        Labelled("answer", 3, &["\\Sent"]),
        Labelled("draft", 5, &["\\Draft"]),
    ]);
    let server = ScriptedImap::start(
        Begins::Clear,
        vec![
            folder("INBOX", "\\HasNoChildren", of(&[Labelled("waiting", 1, &[])])),
            folder("Work/2024", "\\HasNoChildren", of(&[Labelled("done", 2, &[])])),
            folder("[Gmail]", "\\HasChildren \\Noselect", Vec::new()),
            folder(ALL, "\\HasNoChildren \\All", all),
            folder("[Gmail]/Starred", "\\HasNoChildren \\Flagged", Vec::new()),
            folder("[Gmail]/Sent Mail", "\\HasNoChildren \\Sent", Vec::new()),
            folder(SPAM, "\\HasNoChildren \\Junk", of(&[Labelled("spam", 6, &["\\Inbox"])])),
            folder(TRASH, "\\HasNoChildren \\Trash", of(&[Labelled("trash", 7, &["kept"])])),
        ],
    );
    server.can(&format!("{CAN} X-GM-EXT-1 SPECIAL-USE"));
    server
}

fn look(home: &Home) -> Value {
    home.run(&["--sync-only", "--json"]).ok().object()
}

fn subjects(home: &Home, label: &str) -> BTreeSet<String> {
    home.list(label).iter().map(|row| text(row, "subject")).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The labels of a message there.
fn labels_of(server: &ScriptedImap, folder: &str, id: &str) -> Option<BTreeSet<String>> {
    server.with(|folders| {
        let of = folders.iter().find(|of| of.name == folder).expect("it is there");
        let id = format!("<{id}@example.org>");
        let is = |raw: &[u8]| String::from_utf8_lossy(raw).contains(&format!("Message-ID: {id}"));
        let found = of.messages.iter().find(|message| is(&message.raw));
        found.map(|message| message.labels.iter().cloned().collect())
    })
}

/// Label names of the one message with this subject.
fn labels_here(home: &Home, subject: &str) -> BTreeSet<String> {
    let names = home.json(&["labels"]);
    let name = |id: &str| {
        let row = names.iter().find(|row| row["id"] == id);
        row.map_or_else(|| id.to_owned(), |row| text(row, "name"))
    };
    let shown = home.show(&home.thread(subject));
    let labels = shown["labels"].as_array().expect("labels").clone();
    labels.iter().filter_map(Value::as_str).map(name).collect()
}

#[test]
fn labels_are_places_labels_and_stars() {
    let server = server();
    let home = Home::new();
    write_accounts(&home, &server.account("me"));
    let report = look(&home);
    assert_eq!(report["accounts"][0]["new"], 7, "each message once: {report}");
    assert_eq!(subjects(&home, "spam"), set(&["spam"]));
    assert_eq!(subjects(&home, "trash"), set(&["trash"]));
    assert!(subjects(&home, "inbox").contains("waiting"));
    assert!(subjects(&home, "archive").contains("done"));
    let done = labels_here(&home, "done");
    assert!(done.contains("Work/2024") && done.contains("Entwürfe"), "{done:?}");
    assert!(!labels_here(&home, "waiting").iter().any(|label| label.contains("mportant")));
    // A conversation is what its provider says, though no message names another.
    assert_eq!(home.list("inbox").len(), 2, "two conversations wait");
    assert!(subjects(&home, "starred").len() == 1, "{:?}", home.list("starred"));
    let asked: Vec<String> = server.heard().into_iter().map(|heard| heard.line).collect();
    let selected = asked.iter().filter(|line| line.starts_with("SELECT"));
    let selected: BTreeSet<&str> = selected.map(String::as_str).collect();
    let expected = [ALL, SPAM, TRASH].map(|name| format!("SELECT \"{name}\""));
    assert_eq!(selected, expected.iter().map(String::as_str).collect(), "and no other folder");
    assert_eq!(look(&home)["accounts"][0]["new"], 0, "a second look finds nothing");
    home.assert_healthy("labels");
}

#[test]
fn what_is_done_here_is_labelled_there() {
    let server = server();
    let home = Home::new();
    write_accounts(&home, &server.account("me"));
    look(&home);
    let thread = |subject: &str| home.thread(subject);
    home.run(&["archive", &thread("waiting")]).ok();
    home.run(&["label", &thread("done"), "+Grün", "-Work/2024"]).ok();
    home.run(&["move", &thread("trash"), "inbox"]).ok();
    home.run(&["archive", &thread("spam")]).ok();
    look(&home);
    look(&home);
    let there = |folder, id| labels_of(&server, folder, id);
    assert_eq!(there(ALL, "waiting"), Some(set(&["\\Important"])), "it left the inbox alone");
    assert_eq!(there(ALL, "done"), Some(set(&["Entw&APw-rfe", "Gr&APw-n"])));
    assert_eq!(there(TRASH, "trash"), None);
    let back = there(ALL, "trash").expect("it is among all mail");
    assert!(back.contains("\\Inbox") && back.contains("kept"), "{back:?}");
    assert_eq!(there(SPAM, "spam"), None);
    assert!(!there(ALL, "spam").expect("among all mail").contains("\\Inbox"));
    // The other way round.
    home.run(&["move", &thread("waiting"), "inbox"]).ok();
    home.run(&["trash", &thread("done")]).ok();
    look(&home);
    look(&home);
    assert!(there(ALL, "waiting").expect("there").contains("\\Inbox"));
    assert!(there(ALL, "done").is_none() && there(TRASH, "done").is_some());
    assert_eq!(subjects(&home, "trash"), set(&["done"]));
    let unasked = server
        .heard()
        .into_iter()
        .find(|heard| heard.line.contains("EXPUNGE") || heard.line.starts_with("CREATE"));
    assert!(unasked.is_none(), "{unasked:?}");
    home.assert_healthy("our labels");
}

#[test]
fn what_another_client_labels_is_followed() {
    let server = server();
    let home = Home::new();
    write_accounts(&home, &server.account("me"));
    look(&home);
    server.with(|folders| {
        let all = folders.iter_mut().find(|of| of.name == ALL).expect("all mail");
        for message in &mut all.messages {
            match message.conversation {
                1 => message.labels.retain(|label| label != "\\Inbox"),
                2 => message.labels = vec!["\\Inbox".to_owned(), "new".to_owned()],
                _ => {}
            }
        }
    });
    look(&home);
    assert!(subjects(&home, "archive").contains("waiting"));
    assert!(subjects(&home, "inbox").contains("done"));
    let done = labels_here(&home, "done");
    assert!(done.contains("new") && !done.contains("Work/2024"), "{done:?}");
    home.assert_healthy("their labels");
}
