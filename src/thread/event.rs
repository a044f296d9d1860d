//! The events of a Thread store, by name and arguments.
//!
//! Invariant: names and fields are for ever; a change is a `v2.`. Reading is total: what does not
//! have the shape is `None` and materialises to nothing.

use serde::{Deserialize, Serialize};

use crate::id::{ActionId, BlobHash, Epoch, EventId, LabelId, MessageId, Seen, ThreadId};
use crate::label::Place;
use crate::mail::{Address, Attachment, Flags, SortFrom};
use crate::store::{Args, is_read};

/// The names.
pub mod name {
    /// A conversation begins.
    pub const THREAD_CREATED: &str = "v1.ThreadCreated";
    /// A message came in, or a further copy of one.
    pub const MESSAGE_ADDED: &str = "v1.MessageAdded";
    /// A label or place was put on.
    pub const LABEL_APPLIED: &str = "v1.ThreadLabelApplied";
    /// A label or place was taken off.
    pub const LABEL_REMOVED: &str = "v1.ThreadLabelRemoved";
    /// Messages were marked read or unread.
    pub const THREAD_READ: &str = "v1.ThreadRead";
    /// Flags of a message changed where it came from.
    pub const FLAGS_CHANGED: &str = "v1.MessageFlagsChanged";
    /// A message is gone where it came from.
    pub const MESSAGE_REMOVED: &str = "v1.MessageRemoved";
    /// It is there again.
    pub const MESSAGE_RETURNED: &str = "v1.MessageReturned";
    /// The thread was starred or unstarred.
    pub const THREAD_STARRED: &str = "v1.ThreadStarred";
    /// The thread was muted or unmuted.
    pub const THREAD_MUTED: &str = "v1.ThreadMuted";
    /// The thread was hidden until a time.
    pub const THREAD_SNOOZED: &str = "v1.ThreadSnoozed";
    /// A snooze ended.
    pub const THREAD_UNSNOOZED: &str = "v1.ThreadUnsnoozed";
    /// Two threads are one conversation.
    pub const THREAD_LINKED: &str = "v1.ThreadLinked";
    /// Two threads are not one conversation after all.
    pub const THREAD_UNLINKED: &str = "v1.ThreadUnlinked";
    /// An action was undone.
    pub const ACTION_UNDONE: &str = "v1.ActionUndone";
    /// The backend's logs were put back to an earlier moment.
    pub const EPOCH_BEGAN: &str = "v1.EpochBegan";

    /// All of them: what is recorded beside tables as known.
    pub const ALL: &[&str] = &[
        THREAD_CREATED,
        MESSAGE_ADDED,
        LABEL_APPLIED,
        LABEL_REMOVED,
        THREAD_READ,
        FLAGS_CHANGED,
        MESSAGE_REMOVED,
        MESSAGE_RETURNED,
        THREAD_STARRED,
        THREAD_MUTED,
        THREAD_SNOOZED,
        THREAD_UNSNOOZED,
        THREAD_LINKED,
        THREAD_UNLINKED,
        ACTION_UNDONE,
        EPOCH_BEGAN,
    ];
}

/// The blobs that an event of this name and these arguments names: what is known of it without them
/// is not all.
#[must_use]
pub fn named_blobs(event: &str, args: &Args) -> Vec<BlobHash> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        raw: BlobHash,
        #[serde(default)]
        text_blob: Option<BlobHash>,
    }
    if event != name::MESSAGE_ADDED {
        return Vec::new();
    }
    let named = args.read::<Named>();
    named.into_iter().flat_map(|named| [Some(named.raw), named.text_blob]).flatten().collect()
}

/// Who may write an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// A device, by a key or a command.
    Device,
    /// The backend's mail edge.
    MailEdge,
    /// The backend's client of the Thread store.
    ThreadClient,
    /// The backend itself; no device offers it again.
    Backend,
}

/// The writers of an event of this name; none for a name that is not known.
#[must_use]
pub fn writers(event: &str) -> &'static [Writer] {
    match event {
        name::THREAD_CREATED
        | name::MESSAGE_ADDED
        | name::FLAGS_CHANGED
        | name::MESSAGE_REMOVED
        | name::MESSAGE_RETURNED => &[Writer::MailEdge],
        name::LABEL_APPLIED
        | name::LABEL_REMOVED
        | name::THREAD_READ
        | name::THREAD_STARRED
        | name::THREAD_LINKED
        | name::THREAD_UNLINKED => &[Writer::Device, Writer::MailEdge],
        name::THREAD_MUTED | name::THREAD_SNOOZED => &[Writer::Device],
        name::THREAD_UNSNOOZED => &[Writer::Device, Writer::MailEdge, Writer::ThreadClient],
        name::ACTION_UNDONE => &[Writer::Device, Writer::ThreadClient],
        name::EPOCH_BEGAN => &[Writer::Backend],
        _ => &[],
    }
}

/// `v1.ThreadCreated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadCreated {
    /// The thread.
    pub thread: ThreadId,
}

/// `v1.MessageAdded`: a message as it was parsed, once, at ingest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageAdded {
    /// Our id.
    pub message: MessageId,
    /// Whether this is a further copy under an id that is there: other bytes, kept, never shown in
    /// place of the first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub copy: bool,
    /// Message-ID without brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The raw bytes.
    pub raw: BlobHash,
    /// How many raw bytes.
    pub size: u64,
    /// Decoded subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// From.
    #[serde(default)]
    pub from: Vec<Address>,
    /// To.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Address>,
    /// Cc.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<Address>,
    /// Bcc.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<Address>,
    /// Reply-To.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reply_to: Vec<Address>,
    /// The Date header, Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<i64>,
    /// What it is sorted by, Unix seconds.
    pub sort_date: i64,
    /// Where that comes from.
    pub sort_from: SortFrom,
    /// The beginning of its text, one line.
    #[serde(default)]
    pub snippet: String,
    /// Its shown text; `None` when it is in `textBlob`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its shown text, when it is long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_blob: Option<BlobHash>,
    /// What can be saved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Flags where it came from.
    #[serde(default)]
    pub flags: Flags,
    /// Where its folder or the user puts it; the inbox when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Our own sent mail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sent: bool,
    /// User labels that it brings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelId>,
    /// Its ancestors' msg-ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// What was wrong with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<String>,
}

/// `v1.ThreadLabelApplied` and `v1.ThreadLabelRemoved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelChange {
    /// A place or a user label.
    pub label: LabelId,
    /// What the row showed; a place needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// `v1.ThreadRead`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Read or unread.
    pub read: bool,
    /// What the row showed: nothing above it is touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// `v1.MessageFlagsChanged`: what changed of a message where it came from, and only that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagsChanged {
    /// The message.
    pub message: MessageId,
    /// Flags that are on now.
    #[serde(default)]
    pub set: Flags,
    /// Flags that are off now.
    #[serde(default)]
    pub cleared: Flags,
    /// Whether it is our own sent mail now, where that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<bool>,
}

/// `v1.MessageRemoved` and `v1.MessageReturned`: it is shown no more, or again. Nothing of it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageOnly {
    /// The message.
    pub message: MessageId,
}

/// `v1.ThreadStarred`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starred {
    /// Starred or not.
    pub starred: bool,
}

/// `v1.ThreadMuted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muted {
    /// Muted or not.
    pub muted: bool,
}

/// `v1.ThreadSnoozed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snoozed {
    /// Unix seconds.
    pub until: i64,
    /// What the row showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// `v1.ThreadUnsnoozed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsnoozed {
    /// The end of the snooze that it ends; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// The event that began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snooze: Option<EventId>,
}

/// `v1.ThreadLinked` and `v1.ThreadUnlinked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// The other thread.
    pub thread: ThreadId,
}

/// `v1.ActionUndone`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionUndone {
    /// The action that is undone.
    pub action: ActionId,
    /// What the row showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// `v1.EpochBegan`: what follows in this log was given its positions in this epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochBegan {
    /// The epoch.
    pub epoch: Epoch,
    /// The log's end when it began.
    pub at: u64,
}

/// A Thread store's event, read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every event of a log is a message")]
pub enum ThreadEvent {
    /// The beginning.
    Created(ThreadCreated),
    /// A message.
    Message(MessageAdded),
    /// A label or place, on (`true`) or off.
    Label(LabelChange, bool),
    /// Read marks.
    Read(Read),
    /// Flags of one message.
    Flags(FlagsChanged),
    /// A message is gone where it came from (`true`), or there again.
    Removed(MessageOnly, bool),
    /// The star.
    Starred(Starred),
    /// Muting.
    Muted(Muted),
    /// A snooze.
    Snoozed(Snoozed),
    /// Its end.
    Unsnoozed(Unsnoozed),
    /// A link, on (`true`) or off.
    Linked(Linked, bool),
    /// An undo.
    Undone(ActionUndone),
    /// An epoch.
    Began(EpochBegan),
}

impl ThreadEvent {
    /// Reads an event; `None` when the name is not known or the arguments do not have its shape.
    #[must_use]
    pub fn read(event: &str, args: &Args) -> Option<Self> {
        if !is_read(event) {
            return None;
        }
        Some(match event {
            name::THREAD_CREATED => Self::Created(args.read()?),
            name::MESSAGE_ADDED => Self::Message(args.read()?),
            name::LABEL_APPLIED => Self::Label(args.read()?, true),
            name::LABEL_REMOVED => Self::Label(args.read()?, false),
            name::THREAD_READ => Self::Read(args.read()?),
            name::FLAGS_CHANGED => Self::Flags(args.read()?),
            name::MESSAGE_REMOVED => Self::Removed(args.read()?, true),
            name::MESSAGE_RETURNED => Self::Removed(args.read()?, false),
            name::THREAD_STARRED => Self::Starred(args.read()?),
            name::THREAD_MUTED => Self::Muted(args.read()?),
            name::THREAD_SNOOZED => Self::Snoozed(args.read()?),
            name::THREAD_UNSNOOZED => Self::Unsnoozed(args.read()?),
            name::THREAD_LINKED => Self::Linked(args.read()?, true),
            name::THREAD_UNLINKED => Self::Linked(args.read()?, false),
            name::ACTION_UNDONE => Self::Undone(args.read()?),
            name::EPOCH_BEGAN => Self::Began(args.read()?),
            _ => return None,
        })
    }
}
