//! The events of a Thread store, by name and arguments.
//!
//! Invariant: names and fields are for ever; a change is a `v2.`. Reading is total: what does not
//! have the shape is `None` and materialises to nothing.

use serde::{Deserialize, Serialize};

use crate::id::{ActionId, BlobHash, Epoch, EventId, LabelId, MessageId, Seen, ThreadId};
use crate::label::Place;
use crate::mail::compose::Draft;
use crate::mail::{Address, Attachment, Facts, Flags, SortFrom};
use crate::store::{Args, is_read};
use crate::thread::RefusedTo;

pub mod name;

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
        name::MESSAGE_ADDED
        | name::MESSAGE_REPARSED
        | name::FLAGS_CHANGED
        | name::MESSAGE_REMOVED
        | name::MESSAGE_RETURNED
        | name::MESSAGE_STARRED
        | name::MESSAGE_UNSTARRED
        | name::SEND_CLAIMED
        | name::MESSAGE_SENT
        | name::SEND_FAILED => &[Writer::MailEdge],
        // A device begins the stores of its drafts, and no other (see `ThreadId::is_draft`).
        name::THREAD_CREATED => &[Writer::MailEdge, Writer::Device],
        name::LABEL_APPLIED
        | name::LABEL_REMOVED
        | name::THREAD_READ
        | name::THREAD_STARRED
        | name::THREAD_LINKED
        | name::THREAD_UNLINKED
        // For who wants to be reminded if nobody answers.
        | name::THREAD_SNOOZED
        // For those alone to whom a message did not go that others got.
        | name::DRAFT_SAVED
        | name::MESSAGE_QUEUED => &[Writer::Device, Writer::MailEdge],
        name::THREAD_MUTED
        | name::MESSAGE_WANTED
        | name::DRAFT_DISCARDED
        | name::SEND_CANCELLED => &[Writer::Device],
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

/// `v1.MessageAdded`: a message as it was parsed, once, at ingest; and `v1.MessageReparsed`, the
/// same read again: it replaces what is read of the bytes, not where the message is or its flags.
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
    /// How many bytes it has, at its server where it is not whole.
    pub size: u64,
    /// It is not whole: `raw` is its header, its structure and its texts, and the rest is at its
    /// server.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outline: bool,
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
    /// What is known beside its text; older messages lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Box<Facts>>,
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
/// `v1.MessageWanted`: the rest of it is to be fetched. `v1.MessageStarred` and
/// `v1.MessageUnstarred`: it has the star at its server by our word, or has it no more; what that
/// means for the conversation is said by the key that asked for it.
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
    /// Messages of this thread that the other one has as well: as long as the two are linked, that
    /// one counts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<MessageId>,
}

/// `v1.DraftSaved`. The event's id is the name of the save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DraftSaved {
    /// The save that it was made from; none for the first of a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<EventId>,
    /// When, Unix seconds, by the device's clock.
    pub at: i64,
    /// The draft; `None` when it is in `blob`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Box<Draft>>,
    /// The draft as JSON, when it is long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobHash>,
    /// The bytes of what is attached, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<BlobHash>,
    /// To whom, as typed, for lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// The subject, for lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// How its text begins, for lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub snippet: String,
    /// The bytes that others of its recipients got already; it goes to those that it names now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<BlobHash>,
}

/// `v1.DraftDiscarded`: that save, where it is the draft's last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftDiscarded {
    /// The save.
    pub save: EventId,
}

/// `v1.MessageQueued`: a save is to be sent. The event's id is what the outbox knows it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageQueued {
    /// The save that is sent, and no other.
    pub save: EventId,
    /// Its Message-ID, without angle brackets: chosen once, so that what was sent is known again.
    pub message_id: String,
    /// How long it is held after the backend took this event, in seconds by the backend's clock.
    #[serde(default)]
    pub hold: u64,
    /// Not before this time, Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<i64>,
    /// The writer's time zone: minutes east of UTC, for the Date field.
    #[serde(default)]
    pub offset: i32,
    /// When, Unix seconds, by the device's clock.
    #[serde(default)]
    pub at: i64,
    /// To whom, for lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// The subject, for lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// How the text begins, for lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub snippet: String,
    /// Whether something is attached, for lists.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub attachments: bool,
    /// What was queued before, whose end nobody knows or which was refused, and is tried again by
    /// this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<EventId>,
    /// Whether it goes to those whom the server takes, should it refuse others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The conversation comes back to the inbox when nobody has answered for so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind: Option<u64>,
}

/// `v1.SendCancelled`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendCancelled {
    /// What was queued.
    pub queued: EventId,
}

/// `v1.SendClaimed`: on disk before the first byte of it leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendClaimed {
    /// What was queued.
    pub queued: EventId,
    /// The save.
    pub save: EventId,
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// The bytes that are sent.
    pub raw: BlobHash,
    /// When, Unix seconds, by the backend's clock; its Date field.
    pub at: i64,
    /// To whom, for lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// The subject, for lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
}

/// `v1.MessageSent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageSent {
    /// What was queued.
    pub queued: EventId,
    /// The save.
    pub save: EventId,
    /// When, Unix seconds, by the backend's clock.
    pub at: i64,
    /// Whether that was found out afterwards: it is in the account's folder of sent mail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
    /// To whom it did not go, where it was to go to the others all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedTo>,
}

/// How sending failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Failure {
    /// It was surely not sent, and is tried again.
    Temporary,
    /// It was surely not sent, and is not tried again by itself.
    Permanent,
    /// Nobody knows whether it was sent.
    Unknown,
}

/// `v1.SendFailed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendFailed {
    /// What was queued.
    pub queued: EventId,
    /// How.
    pub kind: Failure,
    /// A stable word for why.
    #[serde(default)]
    pub code: String,
    /// Why, in one safe line.
    #[serde(default)]
    pub why: String,
    /// When, Unix seconds, by the backend's clock.
    pub at: i64,
    /// When it is tried again, Unix seconds by the backend's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<i64>,
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
    /// A message, read again.
    Reparsed(MessageAdded),
    /// The rest of a message is wanted.
    Wanted(MessageOnly),
    /// A message is gone where it came from (`true`), or there again.
    Removed(MessageOnly, bool),
    /// The star of the conversation is on a message (`true`) or off it, by our word.
    StarPut(MessageOnly, bool),
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
    /// A save of a draft.
    Saved(DraftSaved),
    /// A draft thrown away.
    Discarded(DraftDiscarded),
    /// A save to be sent.
    Queued(MessageQueued),
    /// Not to be sent.
    Cancelled(SendCancelled),
    /// About to be sent.
    Claimed(SendClaimed),
    /// Sent.
    Sent(MessageSent),
    /// Not sent, or unknown.
    SendFailed(SendFailed),
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
            name::MESSAGE_REPARSED => Self::Reparsed(args.read()?),
            name::MESSAGE_WANTED => Self::Wanted(args.read()?),
            name::LABEL_APPLIED => Self::Label(args.read()?, true),
            name::LABEL_REMOVED => Self::Label(args.read()?, false),
            name::THREAD_READ => Self::Read(args.read()?),
            name::FLAGS_CHANGED => Self::Flags(args.read()?),
            name::MESSAGE_REMOVED => Self::Removed(args.read()?, true),
            name::MESSAGE_RETURNED => Self::Removed(args.read()?, false),
            name::MESSAGE_STARRED => Self::StarPut(args.read()?, true),
            name::MESSAGE_UNSTARRED => Self::StarPut(args.read()?, false),
            name::THREAD_STARRED => Self::Starred(args.read()?),
            name::THREAD_MUTED => Self::Muted(args.read()?),
            name::THREAD_SNOOZED => Self::Snoozed(args.read()?),
            name::THREAD_UNSNOOZED => Self::Unsnoozed(args.read()?),
            name::THREAD_LINKED => Self::Linked(args.read()?, true),
            name::THREAD_UNLINKED => Self::Linked(args.read()?, false),
            name::DRAFT_SAVED => Self::Saved(args.read()?),
            name::DRAFT_DISCARDED => Self::Discarded(args.read()?),
            name::MESSAGE_QUEUED => Self::Queued(args.read()?),
            name::SEND_CANCELLED => Self::Cancelled(args.read()?),
            name::SEND_CLAIMED => Self::Claimed(args.read()?),
            name::MESSAGE_SENT => Self::Sent(args.read()?),
            name::SEND_FAILED => Self::SendFailed(args.read()?),
            name::ACTION_UNDONE => Self::Undone(args.read()?),
            name::EPOCH_BEGAN => Self::Began(args.read()?),
            _ => return None,
        })
    }
}
