//! Mail on its way out into files: what a folder, a file's name and the header must say, so that
//! taking the files in gives the same.
//!
//! Invariant: the bytes are those that came wherever folder and name say enough; else only what a
//! mail store writes into a header is other. Pure: the same function as for what comes in
//! ([`Said::of`]) says what will be read.

use super::folder::of_path;
use super::{Folder, Said, keyword};
use crate::label::{self, Place};
use crate::mail::MAX_KEYWORDS;
use crate::mail::compose::restate;
use crate::mail::{Flags, stored};

/// What is to be read of a message again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where it is.
    pub place: Place,
    /// Our own sent mail.
    pub sent: bool,
    /// Its flags.
    pub flags: Flags,
    /// Names of its labels.
    pub labels: Vec<String>,
}

/// A message as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dressed {
    /// Its bytes, where they are not those that came.
    pub bytes: Option<Vec<u8>>,
    /// Whether all that is wanted will be read.
    pub whole: bool,
    /// The labels that will not.
    pub lost: Vec<String>,
}

/// The folder of a Maildir for a place: Maildir++ below the inbox.
#[must_use]
pub const fn folder(place: Place) -> &'static str {
    match place {
        Place::Inbox => "",
        Place::Archive => ".Archive",
        Place::Spam => ".Spam",
        Place::Trash => ".Trash",
    }
}

/// Flags as the end of a Maildir file's name.
#[must_use]
pub fn letters(flags: Flags) -> String {
    let known = [
        (flags.draft, 'D'),
        (flags.starred, 'F'),
        (flags.forwarded, 'P'),
        (flags.answered, 'R'),
        (flags.read, 'S'),
    ];
    let on: String = known.iter().filter(|(on, _)| *on).map(|(_, letter)| *letter).collect();
    format!(":2,{on}")
}

/// A message for a Maildir: its folder says its place, its name its flags.
#[must_use]
pub fn for_maildir(raw: &[u8], wanted: &Wanted) -> Dressed {
    dressed(raw, wanted, &of_path([folder(wanted.place)]), Some(wanted.flags))
}

/// A message for an mbox of no folder: its header says everything.
#[must_use]
pub fn for_mbox(raw: &[u8], wanted: &Wanted) -> Dressed {
    dressed(raw, wanted, &Folder::default(), None)
}

fn dressed(raw: &[u8], wanted: &Wanted, folder: &Folder, named: Option<Flags>) -> Dressed {
    let said = |bytes: &[u8]| {
        let (status, names) = stored(bytes);
        Said::of_file(folder.clone(), named, status, names)
    };
    if is_wanted(&said(raw), wanted) {
        return Dressed { bytes: None, whole: true, lost: Vec::new() };
    }
    let flags = named.is_none().then_some(wanted.flags);
    let bytes = restate(raw, &names(wanted, folder), flags);
    let read = said(bytes.as_deref().unwrap_or(raw));
    let is_read =
        |name: &String| read.labels.iter().any(|label| label::folded(label) == label::folded(name));
    let lost = wanted.labels.iter().filter(|name| !is_read(name)).cloned().collect();
    Dressed { whole: is_wanted(&read, wanted), bytes, lost }
}

/// Whether what is read is what is wanted.
fn is_wanted(said: &Said, wanted: &Wanted) -> bool {
    let set = |names: &[String]| {
        let names = names.iter().map(|name| label::folded(name));
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let flags = Flags { trashed: false, ..wanted.flags };
    said.flags == flags
        && said.home() == wanted.place
        && said.sent == wanted.sent
        && set(&said.labels) == set(&wanted.labels)
}

/// The names that say what the folder does not.
fn names(wanted: &Wanted, folder: &Folder) -> Vec<String> {
    let sent = wanted.sent.then_some("Sent");
    let own = wanted.sent || wanted.flags.draft;
    let place = match wanted.place {
        _ if folder.place.is_some() => None,
        Place::Inbox => own.then_some("Inbox"),
        Place::Archive => (!own).then_some("Archive"),
        Place::Spam => Some("Spam"),
        Place::Trash => Some("Trash"),
    };
    // Of more labels than are read the first are written, and the place always.
    let last: Vec<String> = sent.into_iter().chain(place).map(str::to_owned).collect();
    let labels = wanted.labels.iter().take(MAX_KEYWORDS.saturating_sub(last.len()));
    labels.map(|name| keyword::of_label(name)).chain(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &[u8] = b"Subject: x\nX-Keywords: old\n\nbody\n";

    fn all() -> impl Iterator<Item = Wanted> {
        Place::ALL.into_iter().flat_map(|place| {
            (0..64_u8).map(move |bits| {
                let on = |bit: u8| bits & (1 << bit) != 0;
                let flags = Flags {
                    read: on(0),
                    starred: on(1),
                    answered: on(2),
                    forwarded: on(3),
                    draft: on(4) && !on(5),
                    trashed: false,
                };
                let labels = ["To do", "a, \"b\"", "Grüße", "$x", "Junk", "Draft", "$Forwarded"];
                let labels = labels.iter().take(usize::from(bits % 8));
                let labels = labels.map(|name| (*name).to_owned()).collect();
                Wanted { place, sent: on(5), flags, labels }
            })
        })
    }

    #[test]
    fn what_is_written_is_read_again() {
        for wanted in all() {
            for dressed in [for_maildir(RAW, &wanted), for_mbox(RAW, &wanted)] {
                assert!(dressed.whole, "{wanted:?}");
            }
            let name = format!("x{}", letters(wanted.flags));
            assert_eq!(crate::bridge::maildir::flags(&name), Some(wanted.flags));
        }
    }

    #[test]
    fn bytes_stay_where_folder_and_name_say_enough() {
        let wanted = Wanted {
            place: Place::Archive,
            sent: false,
            flags: Flags { read: true, ..Flags::default() },
            labels: vec!["OLD".to_owned()],
        };
        let same = Dressed { bytes: None, whole: true, lost: Vec::new() };
        assert_eq!(for_maildir(RAW, &wanted), same);
        let many: Vec<String> = (0..MAX_KEYWORDS + 2).map(|n| format!("label no. {n}")).collect();
        let some = Wanted { labels: many[..MAX_KEYWORDS].to_vec(), ..wanted.clone() };
        assert!(for_maildir(RAW, &some).whole, "all of a thousand come back");
        let much = for_maildir(RAW, &Wanted { labels: many.clone(), ..wanted.clone() });
        assert_eq!((much.whole, much.lost), (false, many[MAX_KEYWORDS..].to_vec()));
        let other = Wanted { labels: Vec::new(), ..wanted };
        let bytes = for_maildir(RAW, &other).bytes.unwrap();
        assert_eq!(bytes, b"Subject: x\n\nbody\n");
    }
}
