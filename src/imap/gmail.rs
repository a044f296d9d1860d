//! Labels of Gmail (the extension X-GM-EXT-1, as its provider describes it): a message lies once in
//! the folder of all mail, in the trash or in spam, and labels say the rest.
//!
//! Invariant: pure and total. Labels of the system begin with a backslash; those of the user are in
//! modified UTF-7. No label of ours is ever written as one of the system, but for `\Inbox`, which
//! is a place.

use crate::bridge::Folder;
use crate::imap::names;
use crate::label::Place;
use crate::mail::Flags;
use crate::safe_text;

/// What can label.
pub const CAPABILITY: &str = "X-GM-EXT-1";
/// The label of what waits in the inbox.
pub const INBOX: &str = "\\Inbox";
/// The label that is the flag `\Flagged`.
pub const STAR: &str = "\\Starred";

/// Whether a label is there.
#[must_use]
pub fn has(labels: &[String], label: &str) -> bool {
    labels.iter().any(|held| held.eq_ignore_ascii_case(label))
}

/// A label of the user as it is shown; `None` for one of the system. `\Important` is a guess of the
/// provider's and no word of the user's.
#[must_use]
pub fn shown(label: &str) -> Option<String> {
    if label.starts_with('\\') {
        return None;
    }
    let decoded = names::decode(label).unwrap_or_else(|| label.to_owned());
    Some(safe_text::line(&decoded)).filter(|name| !name.is_empty())
}

/// A label's name as it is written there; `None` where it would be one of the system.
#[must_use]
pub fn spelled(name: &str) -> Option<String> {
    (!name.is_empty() && !name.starts_with('\\')).then(|| names::encode(name))
}

/// What folder and labels say of a message together. The trash and spam outrank labels.
#[must_use]
pub fn says(folder: &Folder, labels: &[String]) -> Folder {
    let hidden = folder.place.filter(|place| matches!(place, Place::Trash | Place::Spam));
    let place = if has(labels, INBOX) { Place::Inbox } else { Place::Archive };
    let mut says = folder.clone();
    says.place = Some(hidden.unwrap_or(place));
    says.sent |= has(labels, "\\Sent");
    says.drafts |= has(labels, "\\Draft") || has(labels, "\\Drafts");
    says.labels.extend(labels.iter().filter_map(|label| shown(label)));
    says
}

/// Flags, with the star that a label is.
#[must_use]
pub fn flags(flags: Flags, labels: &[String]) -> Flags {
    Flags { starred: flags.starred || has(labels, STAR), ..flags }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_labels_say() {
        let all = Folder { place: Some(Place::Archive), ..Folder::default() };
        let trash = Folder { place: Some(Place::Trash), ..Folder::default() };
        let cases: [(&Folder, &[&str], &str); 8] = [
            (&all, &[], "archive"),
            (&all, &["\\Inbox"], "inbox"),
            (&all, &["\\inbox", "\\Important", "Work/2024"], "inbox Work/2024"),
            (&all, &["\\Sent", "\\Muted"], "archive sent"),
            (&all, &["\\Draft"], "archive draft"),
            (&all, &["Entw&APw-rfe", "&!!"], "archive Entwürfe &!!"),
            (&all, &["Inbox", "Sent", "a\u{1b}[2Jb"], "archive Inbox Sent a\u{fffd}[2Jb"),
            (&trash, &["\\Inbox", "work"], "trash work"),
        ];
        for (folder, labels, expected) in cases {
            let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
            let says = says(folder, &labels);
            let mut told = vec![says.place.map_or("-", Place::as_str).to_owned()];
            told.extend(says.sent.then(|| "sent".to_owned()));
            told.extend(says.drafts.then(|| "draft".to_owned()));
            told.extend(says.labels);
            assert_eq!(told.join(" "), expected, "{labels:?}");
        }
        assert!(flags(Flags::default(), &["\\Starred".to_owned()]).starred);
    }

    #[test]
    fn names_as_they_are_written() {
        for (name, expected) in [
            ("work", Some("work")),
            ("Entwürfe", Some("Entw&APw-rfe")),
            ("\\Inbox", None),
            ("\\Trash", None),
            ("", None),
        ] {
            assert_eq!(spelled(name).as_deref(), expected, "{name}");
        }
    }
}
