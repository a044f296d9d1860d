//! What is ordered of a conversation where labels are labels, as data.

use std::collections::{BTreeMap, BTreeSet};

use crate::bridge::Folder;
use crate::id::MessageId;
use crate::imap::edge::{FolderKey, Role, What};
use crate::imap::orders::{Aligned, FolderInfo, Message, Ours, Row, orders};
use crate::label::Place;
use crate::mail::Flags;

const FOLDERS: [(FolderKey, Role); 3] = [(1, Role::All), (2, Role::Trash), (3, Role::Spam)];

/// `PLACE LABEL…`
fn stand(text: &str) -> Aligned {
    let mut words = text.split(' ');
    let place = match words.next() {
        Some("inbox") => Place::Inbox,
        Some("trash") => Place::Trash,
        Some("spam") => Place::Spam,
        _ => Place::Archive,
    };
    let labels: BTreeSet<String> = words.map(str::to_owned).collect();
    Aligned { place, starred: false, labels }
}

/// `FOLDER LABEL…`, one a message, oldest first; `!` before one of our own.
fn check(agreed: &str, ours: &str, rows: &[&str], expected: &[&str]) {
    let folders: BTreeMap<FolderKey, FolderInfo> = FOLDERS
        .iter()
        .map(|(key, role)| {
            let says = Folder { place: role.place(), ..Folder::default() };
            (*key, FolderInfo { role: *role, says, keywords: true })
        })
        .collect();
    let id = |at: usize| MessageId::try_from(format!("m{at}")).unwrap();
    let (mut held, mut messages) = (Vec::new(), Vec::new());
    for (at, text) in rows.iter().enumerate() {
        let mut words = text.trim_start_matches('!').split(' ');
        let folder = words.next().and_then(|key| key.parse().ok()).unwrap();
        held.push(Row {
            folder,
            uid: u32::try_from(at).unwrap() + 1,
            message: id(at),
            base: Flags::default(),
            keywords: Vec::new(),
            labels: Some(words.map(str::to_owned).collect()),
            moved_from: None,
        });
        let own = text.starts_with('!');
        let new = Message { id: id(at), read: false, answered: false, forwarded: false, own };
        messages.push(new);
    }
    let ours = Ours { stand: stand(ours), messages };
    let told: Vec<String> = orders(&ours, &stand(agreed), &held, &folders)
        .into_iter()
        .map(|(at, what)| match what {
            What::Labels { on, off } => {
                let on = on.iter().map(|label| format!("+{label}"));
                let signed = on.chain(off.iter().map(|label| format!("-{label}")));
                format!("m{at} {}", signed.collect::<Vec<_>>().join(" "))
            }
            What::Move(role) => format!("m{at} to {role:?}"),
            other => format!("m{at} {other:?}"),
        })
        .collect();
    assert_eq!(told, expected, "{agreed:?} → {:?} with {rows:?}", ours.stand);
}

#[test]
fn places_are_labels_and_moves() {
    check("inbox", "inbox", &["1 \\Inbox"], &[]);
    check("inbox", "archive", &["1 \\Inbox", "1 work", "!1 \\Sent"], &["m0 -\\Inbox"]);
    check("inbox", "archive", &["1"], &[]);
    check("archive", "inbox", &["1", "1", "!1 \\Sent"], &["m1 +\\Inbox"]);
    check("archive", "inbox", &["1 \\Inbox", "1"], &[]);
    check("inbox", "trash", &["1 \\Inbox", "!1 \\Sent"], &["m0 to Trash", "m1 to Trash"]);
    check("inbox", "spam", &["1 \\Inbox", "!1 \\Sent"], &["m0 to Spam"]);
    check("trash", "archive", &["2 kept"], &["m0 to All"]);
    // Out of the trash first; among all mail it gets the label of the inbox.
    check("trash", "inbox", &["2", "2"], &["m0 to All", "m1 to All"]);
    check("trash", "inbox", &["1", "1"], &["m1 +\\Inbox"]);
    check("spam", "archive", &["1 \\Inbox"], &["m0 -\\Inbox"]);
}

#[test]
fn labels_are_labels() {
    check("archive", "archive work", &["1", "!1 \\Sent"], &["m0 +work"]);
    check("archive", "archive Entwürfe", &["1"], &["m0 +Entw&APw-rfe"]);
    check("archive Entwürfe a/b", "archive", &["1 Entw&APw-rfe a/b"], &["m0 -Entw&APw-rfe -a/b"]);
    check("archive", "archive work", &["1 work"], &[]);
    check("archive old", "archive new", &["1 old", "1"], &["m0 +new -old", "m1 +new"]);
    // A label of ours is none of the system, whatever its name.
    check("archive", "archive \\Inbox", &["1"], &[]);
    // What is labelled and thrown away at once is labelled first: its UID is of one folder.
    check("inbox", "trash work", &["1 \\Inbox"], &["m0 +work", "m0 to Trash"]);
}
