//! What is ordered of a conversation where places and labels are folders, as data.

use std::collections::{BTreeMap, BTreeSet};

use crate::bridge::Folder;
use crate::id::MessageId;
use crate::imap::edge::{FolderKey, Role, What};
use crate::imap::orders::{
    Aligned, FolderInfo, Message, Ordered, Ours, Row, doubled, orders, standing,
};
use crate::label::Place;
use crate::mail::Flags;

/// The folders, by their keys.
const FOLDERS: [(FolderKey, &str, Role); 4] = [
    (1, "inbox", Role::Inbox),
    (2, "archive", Role::Archive),
    (3, "trash", Role::Trash),
    (4, "work", Role::Label),
];

fn key(name: &str) -> FolderKey {
    FOLDERS.iter().find(|(_, of, _)| *of == name).unwrap().0
}

fn folders() -> BTreeMap<FolderKey, FolderInfo> {
    let info = |(key, name, role): &(FolderKey, &str, Role)| {
        let labels = (*role == Role::Label).then(|| (*name).to_owned()).into_iter().collect();
        let place = role.place().or(Some(Place::Archive));
        let says = Folder { place, labels, ..Folder::default() };
        (*key, FolderInfo { role: *role, says, keywords: true })
    };
    FOLDERS.iter().map(info).collect()
}

/// `PLACE LABEL…`
fn stand(text: &str) -> Aligned {
    let mut words = text.split(' ');
    let place = match words.next() {
        Some("inbox") => Place::Inbox,
        Some("trash") => Place::Trash,
        _ => Place::Archive,
    };
    let labels: BTreeSet<String> = words.map(str::to_owned).collect();
    Aligned { place, starred: false, labels }
}

/// `MESSAGE FOLDER[<TAKEN FROM][!]`, with `!` marked as deleted.
fn row((at, text): (usize, &&str)) -> Row {
    let (text, trashed) = text.strip_suffix('!').map_or((*text, false), |text| (text, true));
    let (message, folder) = text.split_once(' ').unwrap();
    let (folder, from) = folder.split_once('<').map_or((folder, None), |(f, b)| (f, Some(b)));
    Row {
        folder: key(folder),
        uid: u32::try_from(at).unwrap() + 1,
        message: MessageId::try_from(message).unwrap(),
        base: Flags { trashed, ..Flags::default() },
        keywords: Vec::new(),
        labels: None,
        moved_from: from.map(key),
    }
}

fn told(ordered: Vec<Ordered>) -> Vec<String> {
    let name = |key: FolderKey| FOLDERS.iter().find(|(of, ..)| *of == key).unwrap().1;
    let one = |(at, what): Ordered| match what {
        What::CopyTo(to) => format!("{at} copy {}", name(to)),
        What::MoveTo(to) => format!("{at} move {}", name(to)),
        What::Move(role) => format!("{at} move {}", role.default_name().to_lowercase()),
        What::Delete => format!("{at} delete"),
        What::Flags { on, off } if on.is_empty() => format!("{at} off {}", off.join(" ")),
        other => format!("{at} {other:?}"),
    };
    ordered.into_iter().map(one).collect()
}

fn check(agreed: &str, ours: &str, rows: &[&str], expected: &[&str]) {
    let held = standing(rows.iter().enumerate().map(row).collect());
    let ids: BTreeSet<&MessageId> = held.iter().map(|row| &row.message).collect();
    let message = |id: &&MessageId| Message {
        id: (*id).clone(),
        read: false,
        answered: false,
        forwarded: false,
        own: false,
    };
    let ours = Ours { stand: stand(ours), messages: ids.iter().map(message).collect() };
    let ordered = told(orders(&ours, &stand(agreed), &held, &folders()));
    assert_eq!(ordered, expected, "{agreed} → {rows:?}");
}

#[test]
fn what_waits_again_comes_to_the_inbox_once() {
    let cases = [
        (&["a archive"][..], &["0 move inbox"][..]),
        (&["a archive<inbox"], &["0 move inbox"]),
        (&["a work"], &["0 copy inbox"]),
        // From the archive, whichever of its copies we had taken from the inbox.
        (&["a work<inbox", "a archive<inbox"], &["1 move inbox"]),
        (&["a work<inbox", "a archive"], &["1 move inbox"]),
        (&["a archive<inbox", "a work<inbox"], &["0 move inbox"]),
        // What we had taken from there, and else the newest.
        (&["a archive<inbox", "b archive"], &["0 move inbox"]),
        (&["a archive", "b archive"], &["1 move inbox"]),
        (&["a archive<inbox", "b work<inbox"], &["1 copy inbox", "0 move inbox"]),
        (&["a archive", "b inbox"], &[]),
    ];
    for (rows, expected) in cases {
        check("archive", "inbox", rows, expected);
    }
}

#[test]
fn a_label_is_a_copy_and_is_made_before_what_takes_its_original_away() {
    check("inbox", "archive work", &["a inbox"], &["0 copy work", "0 move archive"]);
    check("inbox", "inbox work", &["a inbox", "a work"], &[]);
    check("inbox work", "inbox", &["a inbox", "a work"], &["1 delete"]);
    check("archive work", "archive", &["a work"], &["0 move archive"]);
}

#[test]
fn what_was_copied_twice_is_there_once() {
    let of = |copied: &[&str], rows: &[&str]| {
        let held: Vec<Row> = rows.iter().enumerate().map(row).collect();
        told(doubled(&held, &copied.iter().map(|name| key(name)).collect()))
    };
    assert_eq!(of(&["work"], &["a inbox", "a work", "a work"]), ["2 delete"]);
    assert_eq!(of(&["work"], &["a work", "b work", "a inbox"]), [""; 0]);
    // Twice in a folder into which we copied nothing is somebody's wish.
    assert_eq!(of(&["work"], &["a inbox", "a inbox"]), [""; 0]);
    assert_eq!(of(&[], &["a work", "a work"]), [""; 0]);
}

#[test]
fn what_is_marked_as_deleted_is_no_copy_and_comes_back_when_it_is_wanted() {
    // Of one that is moved by copying the marked one is as good as gone.
    check("inbox", "archive", &["a inbox!", "a archive"], &[]);
    check("archive", "inbox", &["a inbox!", "a archive<inbox"], &["0 move inbox"]);
    check("trash", "inbox", &["a inbox!", "a trash<inbox"], &["0 move inbox"]);
    // The other one is the last that nobody expunges.
    check("inbox work", "inbox", &["a inbox!", "a work"], &["0 move inbox"]);
    // Marked elsewhere and nowhere else: it is in the trash, and taken back from there.
    check("trash", "inbox", &["a inbox!"], &["0 off \\Deleted"]);
    check("trash", "archive", &["a inbox!"], &["0 off \\Deleted", "0 move archive"]);
    check("trash", "archive", &["a work!"], &["0 off \\Deleted"]);
    check("inbox", "trash", &["a inbox!"], &[]);
    // It is not taken back with a conversation that goes elsewhere.
    check("inbox", "archive", &["a inbox", "b inbox!"], &["0 move archive"]);
    check("archive", "inbox", &["a archive", "b inbox!"], &["0 move inbox"]);
}
