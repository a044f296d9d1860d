//! What the IMAP room hands to the backend, and what it gets from there.
//!
//! Invariant: everything here is a value. A folder's rows hold what both sides last agreed on (the
//! base); what the server says otherwise is followed, what we say otherwise is ordered. The worker
//! keeps nothing of its own between two runs.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::bridge::{Folder, SinkError};
use crate::id::ThreadId;
use crate::label::Place;
use crate::mail::Flags;

/// A folder of an account, as the backend knows it.
pub type FolderKey = i64;

/// What a folder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The inbox.
    Inbox,
    /// What is done.
    Archive,
    /// Unwanted.
    Spam,
    /// Thrown away.
    Trash,
    /// Our own sent mail.
    Sent,
    /// Our own drafts.
    Drafts,
    /// A label.
    Label,
    /// Every message, with its labels (Gmail).
    All,
}

impl Role {
    /// The place that this folder is.
    #[must_use]
    pub const fn place(self) -> Option<Place> {
        match self {
            Self::Inbox => Some(Place::Inbox),
            Self::Archive | Self::All => Some(Place::Archive),
            Self::Spam => Some(Place::Spam),
            Self::Trash => Some(Place::Trash),
            Self::Sent | Self::Drafts | Self::Label => None,
        }
    }

    /// The folder of a place.
    #[must_use]
    pub const fn of_place(place: Place) -> Self {
        match place {
            Place::Inbox => Self::Inbox,
            Place::Archive => Self::Archive,
            Place::Spam => Self::Spam,
            Place::Trash => Self::Trash,
        }
    }

    /// The name under which such a folder is made where there is none.
    #[must_use]
    pub const fn default_name(self) -> &'static str {
        match self {
            Self::Inbox => "INBOX",
            Self::Archive | Self::All | Self::Label => "Archive",
            Self::Spam => "Junk",
            Self::Trash => "Trash",
            Self::Sent => "Sent",
            Self::Drafts => "Drafts",
        }
    }
}

/// A folder that the server lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name as the server writes it.
    pub name: String,
    /// Its name for people: decoded, and safe to show.
    pub shown: String,
    /// What it is for.
    pub role: Role,
    /// What it says of its messages.
    pub says: Folder,
}

/// What is known of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderState {
    /// Which.
    pub key: FolderKey,
    /// Its name as the server writes it.
    pub name: String,
    /// Its name for people.
    pub shown: String,
    /// What it is for.
    pub role: Role,
    /// What it says of its messages.
    pub says: Folder,
    /// UIDs count under this (RFC 3501, section 2.3.1.1); 0 before it was read.
    pub uidvalidity: u32,
    /// All below was taken in once; 0 while it was not read as a whole.
    pub uidnext: u32,
    /// The state that was taken in (RFC 7162); 0 where the server has none.
    pub modseq: u64,
    /// How many messages are known in it.
    pub messages: u64,
}

/// What the server says of one message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Its UID.
    pub uid: u32,
    /// Its flags.
    pub flags: Flags,
    /// Its keywords: flags that users and programs make.
    pub keywords: Vec<String>,
    /// Its labels as Gmail spells them; `None` where the server has no such.
    pub labels: Option<Vec<String>>,
    /// Bytes, where it was asked.
    pub size: Option<u32>,
    /// Its provider's word for its conversation, where there is one.
    pub conversation: Option<String>,
}

/// What the server says of a folder, or of a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The folder.
    pub folder: FolderKey,
    /// Under which its UIDs count.
    pub uidvalidity: u32,
    /// The UIDs of which everything is said: what is known in here and not said is gone.
    pub whole: Option<RangeInclusive<u32>>,
    /// What is said.
    pub messages: Vec<Known>,
    /// What is gone.
    pub vanished: Vec<RangeInclusive<u32>>,
}

/// A message that was fetched, or why it was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// What is said of it.
    pub known: Known,
    /// Its bytes, or a stable word and a line.
    pub raw: Result<Vec<u8>, (String, String)>,
    /// When the server got it, Unix seconds.
    pub received: Option<i64>,
    /// Its bytes are not all of it.
    pub outline: Option<Left>,
}

/// What was left at the server of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// How many bytes the message has there.
    pub size: u64,
    /// For each thing that is attached how large it is, about, where it was left out.
    pub files: Vec<Option<u64>>,
}

/// A message that is not whole here, and where the rest of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The folder.
    pub folder: FolderKey,
    /// Under which its UIDs count.
    pub uidvalidity: u32,
    /// Its UID.
    pub uid: u32,
}

/// What became of messages that were fetched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Took {
    /// How many are new here.
    pub new: u64,
    /// Those that are to be fetched whole after all: other bytes of them are known.
    pub whole: Vec<u32>,
}

/// Messages of one folder that were fetched together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The folder.
    pub folder: FolderKey,
    /// Under which its UIDs count.
    pub uidvalidity: u32,
    /// What it says of its messages.
    pub says: Folder,
    /// The messages.
    pub messages: Vec<Arrived>,
}

/// A folder was taken in up to here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stand {
    /// So many messages the server says are in it, at least.
    pub exists: u64,
    /// The folder.
    pub folder: FolderKey,
    /// Under which its UIDs count.
    pub uidvalidity: u32,
    /// All below.
    pub uidnext: u32,
    /// The state, or 0.
    pub modseq: u64,
}

/// A message on the server, and how it is known again before anything is done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its UID.
    pub uid: u32,
    /// Its Message-ID without brackets; `None` where it has none.
    pub message_id: Option<String>,
    /// Its bytes.
    pub size: u64,
}

/// What is to be done with messages of one folder, in the order in which it is done: what goes
/// elsewhere has no longer its UID, so flags and copies come before (RFC 3501, section 2.3.1.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Flags and keywords on and off.
    Flags {
        /// On.
        on: Vec<String>,
        /// Off.
        off: Vec<String>,
    },
    /// Labels of Gmail on and off, as it spells them.
    Labels {
        /// On.
        on: Vec<String>,
        /// Off.
        off: Vec<String>,
    },
    /// Also into this folder.
    CopyTo(FolderKey),
    /// Into the folder of this role.
    Move(Role),
    /// Into this folder.
    MoveTo(FolderKey),
    /// Out of this folder; another one has it too.
    Delete,
}

impl What {
    /// Whether a message is in two folders for a moment at least; `copies` where that is how it is
    /// moved.
    pub(super) const fn is_copy(&self, copies: bool) -> bool {
        match self {
            Self::CopyTo(_) => true,
            Self::Move(_) | Self::MoveTo(_) => copies,
            Self::Flags { .. } | Self::Labels { .. } | Self::Delete => false,
        }
    }
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The folder.
    pub folder: FolderKey,
    /// Under which its UIDs count.
    pub uidvalidity: u32,
    /// Which messages.
    pub targets: Vec<Target>,
    /// What to do.
    pub what: What,
}

/// Which orders are asked for, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wish {
    /// Of at most so many conversations.
    pub most: usize,
    /// Before all folders were looked at: nothing of conversations of which something was told that
    /// was not answered, since it is not known yet whether that is done.
    pub early: bool,
    /// The connection that will carry them out. What it was given before is answered.
    pub connection: u64,
    /// How often all folders were looked at on it.
    pub looks: u64,
}

/// What became of an order, message by message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It is in that folder now, under this UID where the server says it.
    Moved(FolderKey, Option<(u32, u32)>),
    /// The same, and it is where it was too, marked as deleted.
    Copied(FolderKey, Option<(u32, u32)>),
    /// It is marked as deleted.
    Marked,
    /// It is not there, or another message has its UID: nothing was done.
    Absent,
    /// The server says no, for good.
    Refused(String),
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What was ordered.
    pub order: Order,
    /// For each target, in order.
    pub outcomes: Vec<Outcome>,
}

/// A server said otherwise than what was done here and not written there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The conversation.
    pub thread: ThreadId,
    /// When it was heard, Unix seconds.
    pub at: i64,
    /// Where it was put here.
    pub here: Place,
    /// Where it was put there; `None` where it was expunged.
    pub there: Option<Place>,
}

impl Conflict {
    /// In one line: who said what, and what stands.
    #[must_use]
    pub fn line(&self) -> String {
        let here = self.here.as_str();
        let there = self.there.map(Place::as_str);
        there.map_or_else(
            || format!("put in {here} here, expunged at the server: it is gone"),
            |there| format!("put in {here} here, in {there} at the server: {here} stands"),
        )
    }
}

/// A message of ours that was sent, or may have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// What the backend knows it by.
    pub name: String,
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// It is filed among sent mail where it is not there; otherwise only looked for.
    pub file: bool,
}

/// What became of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filed {
    /// It is among sent mail already.
    There,
    /// It is there now.
    Done,
    /// It was looked for, and is not there.
    Absent,
    /// The server does not take it; why is among the account's problems.
    Refused,
}

/// Who keeps what a server has: the backend.
pub trait Edge: Send {
    /// The account's folders; those that are not listed any more are gone with their messages.
    ///
    /// # Errors
    /// When the backend takes nothing in.
    fn folders(&mut self, account: &str, found: Vec<Found>) -> Result<Vec<FolderState>, SinkError>;

    /// Folders that are known and not among these names, as the server writes them.
    ///
    /// # Errors
    /// As `folders`.
    fn unlisted(
        &mut self,
        account: &str,
        listed: Vec<String>,
    ) -> Result<Vec<FolderState>, SinkError>;

    /// What the server says; the UIDs that are to be fetched, ascending. Another `uidvalidity` than
    /// is known makes everything that is known of the folder gone.
    ///
    /// # Errors
    /// As `folders`.
    fn listing(&mut self, listing: Listing) -> Result<Vec<u32>, SinkError>;

    /// Messages that were fetched. Durable when returned.
    ///
    /// # Errors
    /// As `folders`.
    fn arrived(&mut self, batch: Batch) -> Result<Took, SinkError>;

    /// Messages that are not whole here and are wanted.
    ///
    /// # Errors
    /// As `folders`.
    fn wanted(&mut self, account: &str) -> Result<Vec<Missing>, SinkError> {
        let _ = account;
        Ok(Vec::new())
    }

    /// Messages that were wanted, whole, or why they cannot be had.
    ///
    /// # Errors
    /// As `folders`.
    fn completed(&mut self, batch: Batch) -> Result<(), SinkError> {
        let _ = batch;
        Ok(())
    }

    /// A folder was taken in as a whole. Where the server has more messages in it than it named,
    /// it was not: `false`, and the next look reads all of it again.
    ///
    /// # Errors
    /// As `folders`.
    fn stand(&mut self, stand: Stand) -> Result<bool, SinkError>;

    /// How many messages left a folder and were not met in another yet.
    ///
    /// # Errors
    /// As `folders`.
    fn away(&mut self, account: &str) -> Result<u64, SinkError>;

    /// Every folder was taken in as a whole since the last call: what is in none of them is gone.
    ///
    /// # Errors
    /// As `folders`.
    fn passed(&mut self, account: &str) -> Result<(), SinkError>;

    /// What is to be written to the server.
    ///
    /// # Errors
    /// As `folders`.
    fn orders(&mut self, account: &str, wish: Wish) -> Result<Vec<Order>, SinkError>;

    /// The last conflicts, the newest last.
    ///
    /// # Errors
    /// As `folders`.
    fn conflicts(&mut self, account: &str) -> Result<Vec<Conflict>, SinkError>;

    /// What became of orders.
    ///
    /// # Errors
    /// As `folders`.
    fn report(&mut self, account: &str, reports: Vec<Report>) -> Result<(), SinkError>;

    /// What is to be filed among sent mail, and what may be there; `fresh`, only what was not tried
    /// yet.
    ///
    /// # Errors
    /// As `folders`.
    fn letters(&mut self, account: &str, fresh: bool) -> Result<Vec<Letter>, SinkError> {
        let _ = (account, fresh);
        Ok(Vec::new())
    }

    /// The bytes of what is to be filed; `None` when they are gone.
    ///
    /// # Errors
    /// As `folders`.
    fn letter(&mut self, name: &str) -> Result<Option<Vec<u8>>, SinkError> {
        let _ = name;
        Ok(None)
    }

    /// What became of a letter.
    ///
    /// # Errors
    /// As `folders`.
    fn filed(&mut self, name: &str, filed: Filed) -> Result<(), SinkError> {
        let _ = (name, filed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_uid_is_done_before_what_takes_it_away() {
        let flags = What::Flags { on: Vec::new(), off: Vec::new() };
        let labels = What::Labels { on: Vec::new(), off: Vec::new() };
        let stays = [flags, labels, What::CopyTo(9)];
        let leaves = [What::Move(Role::Inbox), What::MoveTo(0), What::Delete];
        for first in &stays {
            for then in &leaves {
                assert!(first < then, "{first:?} is done before {then:?}");
            }
        }
    }
}
