//! What the user asked for, before it is events.
//!
//! Invariant: a change is absolute (archive, star on), never a toggle, so that a stale row cannot
//! invert it; every target carries what its row showed.

use serde::{Deserialize, Serialize};

use crate::id::{ActionId, EventId, LabelId, MessageId, Seen, ThreadId};
use crate::label::Place;
use crate::mail::compose::Draft;

/// One change, absolute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Move to a place.
    Place(Place),
    /// Put a user label on (`true`) or take it off.
    Label(LabelId, bool),
    /// Mark read (`true`) or unread.
    Read(bool),
    /// Star (`true`) or unstar.
    Star(bool),
    /// Mute (`true`) or unmute.
    Mute(bool),
    /// Hide until Unix seconds; `None` ends the snooze.
    Snooze(Option<i64>),
}

/// A thread and what of it the row showed. A linked row gives one target for each member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The thread.
    pub thread: ThreadId,
    /// What the row showed of it.
    pub seen: Seen,
}

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// Changes on threads; several changes are one action.
    Change {
        /// What.
        changes: Vec<Change>,
        /// On which.
        targets: Vec<Target>,
    },
    /// Undo an action; `None` is this device's last that still stands.
    Undo(Option<ActionId>),
    /// Do an undone action again; `None` is the one whose undo by this device is the newest.
    Redo(Option<ActionId>),
    /// Make the conversations of these threads one.
    Join(Vec<ThreadId>),
    /// Take each of these threads out of its conversation.
    Split(Vec<ThreadId>),
    /// Make a user label with this name.
    CreateLabel(String),
    /// Make a user label and put it on threads, as one action; one that is there is put on.
    NewLabel {
        /// Its name.
        name: String,
        /// Its colour, a name of the palette.
        color: Option<String>,
        /// Threads to put it on.
        targets: Vec<Target>,
    },
    /// Give a user label another name.
    RenameLabel(LabelId, String),
    /// Give a user label another colour of the palette, or none.
    RecolorLabel(LabelId, Option<String>),
    /// Hide a user label; conversations keep it, should it come back.
    DeleteLabel(LabelId),
    /// Fetch the rest of messages that are not whole. It is no action: nothing is undone of it.
    Fetch(Vec<(ThreadId, MessageId)>),
    /// Save a search under a name, in place of what was saved under it.
    SaveSearch {
        /// Its name.
        name: String,
        /// What it asks, as typed.
        query: String,
    },
    /// Remove the search that is saved under this name.
    RemoveSearch(String),
    /// Write a draft down. Answered with where it is and the name of the save.
    SaveDraft {
        /// Which writing it is, where the same text may be offered again: a save under this number
        /// goes on from the last one under it, and equal text is saved once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slot: Option<i64>,
        /// Its store; `None` makes one.
        thread: Option<ThreadId>,
        /// The save that it was made from.
        from: Option<EventId>,
        /// What was written. The bytes of what is attached are on this device already.
        draft: Box<Draft>,
    },
    /// Throw a draft away, if this is its last save.
    DiscardDraft {
        /// Its store.
        thread: ThreadId,
        /// Its last save.
        save: EventId,
    },
    /// Send a save of a draft.
    Send(SendOrder),
    /// Take what was queued back, should it not be on its way.
    CancelSend {
        /// Its store.
        thread: ThreadId,
        /// What was queued.
        queued: EventId,
    },
}

/// How long what was queued is held, in seconds, when nothing else is said.
pub const HOLD_SECONDS: u64 = 10;

/// A save of a draft, and how it is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendOrder {
    /// Its store.
    pub thread: ThreadId,
    /// The save.
    pub save: EventId,
    /// The domain of its sender, which its Message-ID ends with.
    pub domain: String,
    /// How long it is held, in seconds by the backend's clock.
    pub hold: u64,
    /// Not before this time, Unix seconds.
    pub send_at: Option<i64>,
    /// Minutes east of UTC, for the Date field.
    pub offset: i32,
    /// What was queued before and is tried again.
    pub again: Option<EventId>,
    /// Whether it goes to those whom the server takes, should it refuse others.
    pub partial: bool,
    /// The conversation comes back when nobody answers for so many seconds.
    pub remind: Option<u64>,
}
