//! Labels as words in a message's header: those that would be read as a flag, a place, or a note of
//! a mail program to itself are written so that they are read as what they are.
//!
//! Invariant: pure; [`label_of`] of what [`of_label`] writes is the label. What reads a header
//! decides which labels need it, not a list.

use super::{Folder, Said};
use crate::mail::compose::restate;
use crate::mail::stored;

/// What stands before such a label; nothing else is written so.
const MARK: &str = "mailtui-label:";
/// Letters that are written otherwise behind it: `$` begins words that mail programs look for
/// wherever they stand, and `%` begins what is written otherwise.
const WRITTEN: [(char, &str); 2] = [('%', "%25"), ('$', "%24")];

/// A label as a word that is read as this label and nothing else.
pub(super) fn of_label(name: &str) -> String {
    if is_plain(name) {
        return name.to_owned();
    }
    let mut word = MARK.to_owned();
    for c in name.chars() {
        match WRITTEN.iter().find(|(letter, _)| *letter == c) {
            Some((_, written)) => word.push_str(written),
            None => word.push(c),
        }
    }
    word
}

/// The label that a word means whatever it is called; `None` for a word like any other.
pub(super) fn label_of(word: &str) -> Option<String> {
    let mut rest = word.strip_prefix(MARK).filter(|name| !name.is_empty())?;
    let mut name = String::with_capacity(rest.len());
    while let Some(c) = rest.chars().next() {
        let found = WRITTEN.iter().find(|(_, written)| rest.starts_with(written));
        let (letter, len) = found.map_or((c, c.len_utf8()), |(c, written)| (*c, written.len()));
        name.push(letter);
        rest = &rest[len..];
    }
    Some(name)
}

/// Whether a label comes back as it is when it stands in a header under its name.
fn is_plain(name: &str) -> bool {
    let only = [name.to_owned()];
    restate(b"Subject: x\n\n", &only, None).is_some_and(|raw| {
        let (status, names) = stored(&raw);
        let expected = Said { labels: only.into(), ..Said::default() };
        status.is_none() && Said::of_file(Folder::default(), None, status, names) == expected
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_called_like_flags_and_places_are_labels() {
        for name in [
            "Junk",
            "junk",
            "Draft",
            "Drafts",
            "Opened",
            "Unread",
            "Starred",
            "Sent",
            "Trash",
            "Spam",
            "Inbox",
            "Archive",
            "Archived",
            "Chat",
            "NonJunk",
            "NotJunk",
            "$NotJunk",
            "$Junk",
            "$Forwarded",
            "$MDNSent",
            "$label1",
            "a $Forwarded b",
            "mailtui-label:x",
            "mailtui-label:%24",
            "JunkRecorded",
        ] {
            let word = of_label(name);
            assert!(word.starts_with(MARK), "{name}");
            assert_eq!(label_of(&word).as_deref(), Some(name));
        }
        for name in ["work", "To do", "a, \"b\"", "Gr\u{fc}\u{df}e", "100%", "junk mail"] {
            assert_eq!((of_label(name).as_str(), label_of(name)), (name, None));
        }
        assert_eq!(label_of(MARK), None);
        assert_eq!(label_of("mailtui-label:a%2"), Some("a%2".to_owned()));
    }
}
