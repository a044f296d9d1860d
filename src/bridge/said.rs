//! What a source says of one message: its flags, its place, its labels.
//!
//! Invariant: pure. The same function makes what a new message brings, and what is compared with
//! later; so following a source and importing it cannot disagree.

use serde::{Deserialize, Serialize};

use super::{Folder, keyword};
use crate::label::Place;
use crate::mail::Flags;

/// What a source says of one message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// Its flags; a message in a drafts folder is a draft.
    #[serde(rename = "f", skip_serializing_if = "is_none")]
    pub flags: Flags,
    /// Where it is; `None` where nothing says it.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Our own sent mail.
    #[serde(rename = "s", skip_serializing_if = "std::ops::Not::not")]
    pub sent: bool,
    /// Names of user labels.
    #[serde(rename = "l", skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(flags: &Flags) -> bool {
    *flags == Flags::default()
}

impl Said {
    /// From the folder, the flags of a Maildir name, and the status and names in its header. A
    /// Maildir name outranks status headers; the folder's word stands above names.
    #[must_use]
    pub fn of(
        folder: Folder,
        named: Option<Flags>,
        status: Option<Flags>,
        keywords: Vec<String>,
    ) -> Self {
        let mut said = Self {
            flags: named.or(status).unwrap_or_default(),
            place: folder.place,
            sent: folder.sent,
            labels: folder.labels,
        };
        said.flags.draft |= folder.drafts;
        said.take_names(keywords);
        if said.flags.trashed && said.place.is_none() {
            said.place = Some(Place::Trash);
        }
        said
    }

    /// From the header of a file as [`Said::of`], where names that are labels whatever they are
    /// called may stand among the others: see [`keyword`].
    #[must_use]
    pub fn of_file(
        folder: Folder,
        named: Option<Flags>,
        status: Option<Flags>,
        mut keywords: Vec<String>,
    ) -> Self {
        let mut labels = Vec::new();
        keywords.retain(|word| match keyword::label_of(word) {
            Some(label) => {
                labels.push(label);
                false
            }
            None => true,
        });
        let mut said = Self::of(folder, named, status, keywords);
        labels.retain(|label| !said.labels.contains(label));
        said.labels.extend(labels);
        said
    }

    /// Names that mail programs write among a message's labels for what is no label of the user: an
    /// export of Gmail has no other place for them.
    fn take_names(&mut self, mut names: Vec<String>) {
        let mut said = |name: &str| {
            let before = names.len();
            names.retain(|held| !held.eq_ignore_ascii_case(name));
            names.len() < before
        };
        let (opened, unread) = (said("Opened"), said("Unread"));
        self.flags.read |= opened && !unread;
        self.flags.starred |= said("Starred");
        let drafts = said("Drafts") | said("Draft");
        self.flags.draft |= drafts;
        let sent = said("Sent");
        self.sent |= sent;
        let places = [
            (said("Trash"), Place::Trash),
            (said("Spam") | said("Junk"), Place::Spam),
            (said("Inbox"), Place::Inbox),
            (said("Archived") | said("Archive") | sent | drafts, Place::Archive),
        ];
        let named = places.into_iter().find(|(said, _)| *said).map(|(_, place)| place);
        self.place = self.place.or(named);
        self.labels.extend(names);
    }

    /// Whether it is our own: sent, or a draft.
    #[must_use]
    pub fn own(&self) -> bool {
        self.sent || self.flags.draft
    }

    /// Where it puts the message: what nothing is said of waits in the inbox, unless it is our own.
    #[must_use]
    pub fn home(&self) -> Place {
        self.place.unwrap_or(if self.own() { Place::Archive } else { Place::Inbox })
    }
}
