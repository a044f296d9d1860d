//! The events of the Mailbox store, by name and arguments.
//!
//! Invariant: names and fields are for ever. An event that mirrors a thread carries its `source`:
//! what of the thread's log its batch has taken in.

use serde::{Deserialize, Serialize};

use crate::id::{ActionId, DeviceId, Epoch, LabelId, ThreadId};
use crate::label::Place;
use crate::mail::Address;
use crate::mailbox::saved::{SearchRemoved, SearchSaved};
use crate::store::{Args, is_read};

/// The names.
pub mod name {
    /// A label was made.
    pub const LABEL_CREATED: &str = "v1.LabelCreated";
    /// A label got another name.
    pub const LABEL_RENAMED: &str = "v1.LabelRenamed";
    /// A label got another colour.
    pub const LABEL_RECOLORED: &str = "v1.LabelRecolored";
    /// A label is hidden from now on.
    pub const LABEL_DELETED: &str = "v1.LabelDeleted";
    /// A search got a name.
    pub const SEARCH_SAVED: &str = "v1.SearchSaved";
    /// A search has its name no more.
    pub const SEARCH_REMOVED: &str = "v1.SearchRemoved";
    /// A thread came into the index.
    pub const THREAD_ADDED: &str = "v1.ThreadAdded";
    /// A thread shows a label.
    pub const LABEL_APPLIED: &str = "v1.ThreadLabelApplied";
    /// A thread shows a label no more.
    pub const LABEL_REMOVED: &str = "v1.ThreadLabelRemoved";
    /// A thread's row changed.
    pub const SUMMARY_CHANGED: &str = "v1.ThreadSummaryChanged";
    /// A thread's log grew and its row did not change.
    pub const THREAD_PROJECTED: &str = "v1.ThreadProjected";
    /// A thread left the index.
    pub const THREAD_REMOVED: &str = "v1.ThreadRemoved";
    /// A thread is gone for ever, with all that was ever said of it.
    pub const THREAD_PURGED: &str = "v1.ThreadPurged";
    /// An action was undone.
    pub const ACTION_UNDONE: &str = "v1.ActionUndone";
    /// The backend's logs were put back to an earlier moment.
    pub const EPOCH_BEGAN: &str = "v1.EpochBegan";

    /// All of them: what is recorded beside tables as known.
    pub const ALL: &[&str] = &[
        LABEL_CREATED,
        LABEL_RENAMED,
        LABEL_RECOLORED,
        LABEL_DELETED,
        SEARCH_SAVED,
        SEARCH_REMOVED,
        THREAD_ADDED,
        LABEL_APPLIED,
        LABEL_REMOVED,
        SUMMARY_CHANGED,
        THREAD_PROJECTED,
        THREAD_REMOVED,
        THREAD_PURGED,
        ACTION_UNDONE,
        EPOCH_BEGAN,
    ];
}

/// What of a thread's log a batch has taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The thread.
    pub thread: ThreadId,
    /// The epoch in which the positions count.
    pub epoch: Epoch,
    /// The position before the first.
    pub from: u64,
    /// The last position.
    pub through: u64,
    /// Whether this is the batch's last event: the watermark moves with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
    /// Every action in the range; on the last event only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<SourceAction>,
}

/// An action in a batch's range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceAction {
    /// The action.
    pub id: ActionId,
    /// What it was.
    pub name: String,
    /// When, by its device's clock, Unix milliseconds.
    pub at: i64,
    /// Who did it.
    pub device: DeviceId,
    /// The last position of its events in this thread.
    pub position: u64,
    /// What it did to this thread, each as [`super::Deed`] writes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<serde_json::Value>,
    /// The undone action that it does again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redoes: Option<ActionId>,
}

/// A thread's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadFacts {
    /// The thread.
    pub id: ThreadId,
    /// The first message's subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who wrote.
    #[serde(default)]
    pub participants: Vec<Address>,
    /// The newest message's beginning.
    #[serde(default)]
    pub snippet: String,
    /// Unix seconds.
    pub last_activity: i64,
    /// Unix seconds.
    pub created_at: i64,
    /// Messages.
    pub message_count: u64,
    /// Unread messages.
    #[serde(default)]
    pub unread_count: u64,
    /// Starred.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub starred: bool,
    /// Muted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub muted: bool,
    /// Has an attachment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_attachment: bool,
    /// Where it is.
    pub place: Place,
    /// Unix seconds until which it is hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<i64>,
    /// Threads that are one conversation with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<ThreadId>,
    /// What the overlay needs of its log; opaque here.
    pub trail: Args,
}

/// `v1.ThreadAdded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadAdded {
    /// The row.
    pub thread: ThreadFacts,
    /// The labels that it shows.
    #[serde(default)]
    pub labels: Vec<LabelId>,
    /// Where from.
    pub source: Source,
}

/// `v1.ThreadSummaryChanged`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadChanged {
    /// The row.
    pub thread: ThreadFacts,
    /// Where from.
    pub source: Source,
}

/// `v1.ThreadLabelApplied` and `v1.ThreadLabelRemoved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadLabel {
    /// The label.
    pub label: LabelId,
    /// When it was put on or taken off, Unix seconds.
    #[serde(default)]
    pub at: i64,
    /// Where from.
    pub source: Source,
}

/// `v1.ThreadProjected` and `v1.ThreadRemoved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadOnly {
    /// Where from.
    pub source: Source,
}

/// `v1.ThreadPurged`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadPurged {
    /// The thread.
    pub thread: ThreadId,
    /// When, by the backend's clock, Unix seconds.
    pub at: i64,
}

/// `v1.LabelCreated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelCreated {
    /// Its id.
    pub id: LabelId,
    /// Its name.
    pub name: String,
    /// `system` or `user`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its colour, a name of the terminal's palette.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Place in the sidebar among system labels.
    #[serde(default)]
    pub display_order: i64,
    /// Unix seconds.
    #[serde(default)]
    pub created_at: i64,
}

/// `v1.LabelRenamed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelRenamed {
    /// Its id.
    pub id: LabelId,
    /// Its new name.
    pub name: String,
}

/// `v1.LabelRecolored`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelRecolored {
    /// Its id.
    pub id: LabelId,
    /// Its new colour.
    pub color: Option<String>,
}

/// `v1.LabelDeleted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelDeleted {
    /// Its id.
    pub id: LabelId,
}

/// `v1.ActionUndone`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionUndone {
    /// What was undone.
    pub action: ActionId,
}

/// `v1.EpochBegan`: the first event of an epoch that a restore began. The rows mirror the logs as
/// they were put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochBegan {
    /// The epoch.
    pub epoch: Epoch,
}

/// A Mailbox event, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailboxEvent {
    /// A new thread.
    Added(ThreadAdded),
    /// A changed row.
    Changed(ThreadChanged),
    /// A label on (`true`) or off.
    Label(ThreadLabel, bool),
    /// Nothing but the watermark.
    Projected(ThreadOnly),
    /// A thread that is gone.
    Removed(ThreadOnly),
    /// A thread that is gone for ever.
    Purged(ThreadPurged),
    /// A label made.
    LabelCreated(LabelCreated),
    /// A label renamed.
    LabelRenamed(LabelRenamed),
    /// A label recoloured.
    LabelRecolored(LabelRecolored),
    /// A label hidden.
    LabelDeleted(LabelDeleted),
    /// A search saved.
    SearchSaved(SearchSaved),
    /// A saved search removed.
    SearchRemoved(SearchRemoved),
    /// An action undone.
    Undone(ActionUndone),
    /// An epoch.
    Began(EpochBegan),
}

impl MailboxEvent {
    /// Reads an event; `None` when the name is not known or the arguments do not have its shape.
    /// One whose content was taken out moves the watermark and names its actions, as it always did.
    #[must_use]
    pub fn read(event: &str, args: &Args) -> Option<Self> {
        if args.is_gone() {
            return args.read().map(Self::Projected);
        }
        if !is_read(event) {
            return None;
        }
        Some(match event {
            name::THREAD_ADDED => Self::Added(args.read()?),
            name::SUMMARY_CHANGED => Self::Changed(args.read()?),
            name::LABEL_APPLIED => Self::Label(args.read()?, true),
            name::LABEL_REMOVED => Self::Label(args.read()?, false),
            name::THREAD_PROJECTED => Self::Projected(args.read()?),
            name::THREAD_REMOVED => Self::Removed(args.read()?),
            name::THREAD_PURGED => Self::Purged(args.read()?),
            name::LABEL_CREATED => Self::LabelCreated(args.read()?),
            name::LABEL_RENAMED => Self::LabelRenamed(args.read()?),
            name::LABEL_RECOLORED => Self::LabelRecolored(args.read()?),
            name::LABEL_DELETED => Self::LabelDeleted(args.read()?),
            name::SEARCH_SAVED => Self::SearchSaved(args.read().filter(SearchSaved::is_sound)?),
            name::SEARCH_REMOVED => {
                Self::SearchRemoved(args.read().filter(SearchRemoved::is_sound)?)
            }
            name::ACTION_UNDONE => Self::Undone(args.read()?),
            name::EPOCH_BEGAN => Self::Began(args.read()?),
            _ => return None,
        })
    }

    /// The source that arguments carry, whatever their event is.
    #[must_use]
    pub fn source_of(args: &Args) -> Option<Source> {
        #[derive(Deserialize)]
        struct Sourced {
            source: Source,
        }
        args.read::<Sourced>().map(|sourced| sourced.source)
    }

    /// Whether this program knows events of this name.
    #[must_use]
    pub fn is_known(event: &str) -> bool {
        name::ALL.contains(&event)
    }

    /// The source of an event that mirrors a thread.
    #[must_use]
    pub const fn source(&self) -> Option<&Source> {
        match self {
            Self::Added(event) => Some(&event.source),
            Self::Changed(event) => Some(&event.source),
            Self::Label(event, _) => Some(&event.source),
            Self::Projected(event) | Self::Removed(event) => Some(&event.source),
            _ => None,
        }
    }

    /// Whether it is of the index itself, and so sees all rows as they are before it.
    pub(super) const fn is_of_index(&self) -> bool {
        matches!(self, Self::Purged(_) | Self::Began(_))
    }

    /// The label, or saved search, that an event makes or changes.
    #[must_use]
    pub const fn label(&self) -> Option<&LabelId> {
        match self {
            Self::LabelCreated(event) => Some(&event.id),
            Self::LabelRenamed(event) => Some(&event.id),
            Self::LabelRecolored(event) => Some(&event.id),
            Self::LabelDeleted(event) => Some(&event.id),
            Self::SearchSaved(event) => Some(&event.id),
            Self::SearchRemoved(event) => Some(&event.id),
            _ => None,
        }
    }

    /// Whether a device that holds an event of this name may offer it again, should the backend
    /// have lost it: not what mirrors threads, which is made again from their logs.
    #[must_use]
    pub fn device_may_return(event: &str) -> bool {
        Self::device_may_write(event) || event == name::THREAD_PURGED
    }

    /// Whether devices may write an event of this name.
    #[must_use]
    pub fn device_may_write(event: &str) -> bool {
        matches!(
            event,
            name::LABEL_CREATED
                | name::LABEL_RENAMED
                | name::LABEL_RECOLORED
                | name::LABEL_DELETED
                | name::SEARCH_SAVED
                | name::SEARCH_REMOVED
                | name::ACTION_UNDONE
        )
    }
}
