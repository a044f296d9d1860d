//! What a server says of a message, as it is agreed on, and what that is for a conversation.
//!
//! Invariant: pure. What is agreed on is what the server said, in its words; what they mean is
//! decided when it is compared.

use crate::backend::storage::Base;
use crate::bridge::Said;
use crate::imap::orders::is_label;
use crate::imap::{Known, gmail};
use crate::label::Place;
use crate::thread::ThreadState;

/// What the server says of a message, as it is agreed on.
pub(super) fn base_of(known: &Known) -> Base {
    Base {
        flags: known.flags,
        keywords: known.keywords.clone(),
        labels: known.labels.clone(),
        said: None,
    }
}

impl Base {
    /// With labels of Gmail set and cleared.
    pub(in crate::backend) fn labelled(&self, on: &[String], off: &[String]) -> Self {
        let mut labels = self.labels.clone().unwrap_or_default();
        labels.retain(|held| !off.contains(held) && !on.contains(held));
        labels.extend(on.iter().cloned());
        labels.sort();
        Self { labels: Some(labels), ..self.clone() }
    }

    /// With flags and keywords set and cleared.
    pub(in crate::backend) fn with(&self, on: &[String], off: &[String]) -> Self {
        let mut base = self.clone();
        for (names, to) in [(on, true), (off, false)] {
            for name in names {
                match name.as_str() {
                    "\\Seen" => base.flags.read = to,
                    "\\Flagged" => {
                        base.flags.starred = to;
                        // With Gmail it is the same as its label.
                        for held in base.labels.iter_mut().filter(|_| !to) {
                            held.retain(|label| !label.eq_ignore_ascii_case(gmail::STAR));
                        }
                    }
                    "\\Answered" => base.flags.answered = to,
                    "$Forwarded" => base.flags.forwarded = to,
                    "\\Deleted" => base.flags.trashed = to,
                    keyword => {
                        base.keywords.retain(|held| held != keyword);
                        if to {
                            base.keywords.push(keyword.to_owned());
                        }
                    }
                }
            }
        }
        base.keywords.sort();
        base
    }
}

/// What a folder and a base say of a message.
pub(super) fn said_of(folder: crate::bridge::Folder, base: &Base) -> Said {
    if let Some(held) = &base.labels {
        let flags = Some(gmail::flags(base.flags, held));
        return Said::of(gmail::says(&folder, held), flags, None, Vec::new());
    }
    // What is marked as deleted waits there to be expunged, whatever its folder is for.
    let folder = if base.flags.trashed {
        crate::bridge::Folder { place: Some(Place::Trash), labels: Vec::new(), ..folder }
    } else {
        folder
    };
    let labels = base.keywords.iter().filter(|keyword| is_label(keyword)).cloned().collect();
    Said::of(folder, Some(base.flags), None, labels)
}

/// A message's flags with the read mark that it shows.
pub(super) fn read_as_shown(
    state: &ThreadState,
    position: u64,
    flags: crate::mail::Flags,
) -> crate::mail::Flags {
    crate::mail::Flags { read: !state.trail().1.is_unread(position), ..flags }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Flags;

    #[test]
    fn a_star_that_is_taken_is_gone_as_a_flag_and_as_the_label_that_it_is() {
        let labels = ["\\Inbox", "\\starred", "work"].map(str::to_owned).to_vec();
        let flags = Flags { starred: true, ..Flags::default() };
        let base = Base { flags, labels: Some(labels), ..Base::default() };
        let off = base.with(&[], &["\\Flagged".to_owned()]);
        let left = off.labels.expect("labels");
        assert_eq!(
            (off.flags.starred, left),
            (false, vec!["\\Inbox".to_owned(), "work".to_owned()])
        );
        assert_eq!(base.with(&["\\Flagged".to_owned()], &[]), base);
    }
}
