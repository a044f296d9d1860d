//! What a server shows of a conversation, by the rows of its messages.
//!
//! Invariant: pure. It says what is there, and nothing of who did it.

use std::collections::BTreeMap;

use crate::imap::edge::{FolderKey, Role};
use crate::imap::gmail;
use crate::imap::orders::{Aligned, FolderInfo, Ours, Row};
use crate::label::Place;

/// A conversation as a server has it.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// As we have it: which of its messages are our own.
    pub ours: &'a Ours,
    /// Its messages there.
    pub rows: &'a [Row],
    /// The account's folders.
    pub folders: &'a BTreeMap<FolderKey, FolderInfo>,
}

impl Shown<'_> {
    fn is_own(&self, row: &Row) -> bool {
        let message = self.ours.messages.iter().find(|message| message.id == row.message);
        message.is_some_and(|message| message.own)
    }

    fn received(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| !self.is_own(row))
    }

    fn home(&self, row: &Row) -> Option<Place> {
        let of = self.folders.get(&row.folder);
        of.map(|of| if row.is_marked() { Place::Trash } else { of.home() })
    }

    fn is_in_inbox(&self, row: &Row) -> bool {
        let role = self.folders.get(&row.folder).map(|folder| folder.role);
        let labelled = row.labels.as_ref().is_some_and(|held| gmail::has(held, gmail::INBOX));
        role == Some(Role::Inbox) && !row.is_marked() || labelled
    }

    /// Whether it is in a place: a message of it is in the inbox, or none is; all that was received
    /// is in the trash or spam.
    #[must_use]
    pub fn is_in(&self, place: Place) -> bool {
        let waits = self.rows.iter().any(|row| self.is_in_inbox(row));
        match place {
            Place::Inbox => waits,
            Place::Archive => !waits && self.rows.iter().any(|row| self.home(row) == Some(place)),
            Place::Spam | Place::Trash => {
                let mut received = self.received().peekable();
                received.peek().is_some() && received.all(|row| self.home(row) == Some(place))
            }
        }
    }

    /// What we have and the server shows is agreed on.
    pub fn agree(&self, stand: &mut Aligned) {
        let ours = &self.ours.stand;
        if self.is_in(ours.place) {
            stand.place = ours.place;
        }
        if self.is_starred() == ours.starred {
            stand.starred = ours.starred;
        }
        stand.labels.extend(ours.labels.iter().filter(|label| self.has_label(label)).cloned());
    }

    /// Whether any of it is starred.
    #[must_use]
    pub fn is_starred(&self) -> bool {
        self.rows.iter().any(Row::is_starred)
    }

    /// Whether it has a label: a folder, a keyword, or one of Gmail's.
    #[must_use]
    pub fn has_label(&self, label: &str) -> bool {
        self.rows.iter().any(|row| {
            let folder = self.folders.get(&row.folder);
            let named = |held: &String| gmail::shown(held).as_deref() == Some(label);
            folder.is_some_and(|folder| folder.says.labels == [label])
                || row.keywords.iter().any(|held| held == label)
                || row.labels.iter().flatten().any(named)
        })
    }

    /// Whether all that was received is in a folder.
    #[must_use]
    pub fn is_all_in(&self, folder: FolderKey) -> bool {
        let mut received = self.received().peekable();
        received.peek().is_some()
            && received.all(|row| {
                let same = |other: &Row| other.folder == folder && other.message == row.message;
                self.rows.iter().any(same)
            })
    }
}
