//! What the engine shows: values for the UI and the command line, safe to keep and to draw.
//!
//! Invariant: a view is a snapshot; it holds no handle to a store.

use serde::{Deserialize, Serialize};

use crate::command::intent::Target;
use crate::id::{ActionId, BlobHash, DeviceId, EventId, LabelId, MessageId, ThreadId};
use crate::label::Place;
use crate::mail::compose::{Draft, Hints, Shown};
use crate::mail::{Address, Attachment, Facts, Flags, SortFrom};
use crate::mailbox::Deed;
use crate::thread::RefusedTo;

/// A row of the thread list: one conversation, its linked members merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The root: the least id among its members.
    pub thread: ThreadId,
    /// What an intent on this row must name: each member with what this row showed of it.
    pub members: Vec<Target>,
    /// The subject of its first message; `None` when absent.
    pub subject: Option<String>,
    /// Who wrote, in order of first appearance.
    pub participants: Vec<Address>,
    /// Unix seconds.
    pub last_activity: i64,
    /// All labels, places and derived ones included, sorted by id.
    pub labels: Vec<LabelId>,
    /// Where it is.
    pub place: Place,
    /// Messages.
    pub message_count: u64,
    /// Unread messages.
    pub unread_count: u64,
    /// Starred.
    pub starred: bool,
    /// Muted.
    pub muted: bool,
    /// Has an attachment.
    pub has_attachment: bool,
    /// Unix seconds until which it is hidden.
    pub snoozed_until: Option<i64>,
    /// The beginning of its newest text, one line.
    pub snippet: String,
}

/// A place in a list: `last_activity` descending, then `thread` ascending. As text
/// (`--before`): `{last_activity}.{thread}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Unix seconds.
    pub last_activity: i64,
    /// The row's root.
    pub thread: ThreadId,
}

impl Cursor {
    /// Reads the text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (at, thread) = text.split_once('.')?;
        Some(Self { last_activity: at.parse().ok()?, thread: ThreadId::try_from(thread).ok()? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.last_activity, self.thread)
    }
}

/// Which rows of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// The first rows.
    First,
    /// The last rows.
    Last,
    /// Rows after this place, it excluded.
    After(Cursor),
    /// Rows before this place, it excluded; still in list order.
    Before(Cursor),
    /// Rows from this place on, it included if it is still there.
    From(Cursor),
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The label or virtual list.
    pub label: LabelId,
    /// The rows, in list order.
    pub rows: Vec<Row>,
    /// Whether there are rows before the first.
    pub more_before: bool,
    /// Whether there are rows after the last.
    pub more_after: bool,
}

/// A label with its counts as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// Its id.
    pub id: LabelId,
    /// Its name.
    pub name: String,
    /// `system` or `user`.
    #[serde(rename = "type")]
    pub kind: LabelKind,
    /// Its colour, a name of the terminal's palette.
    pub color: Option<String>,
    /// Rows that show it.
    pub thread_count: u64,
    /// Rows that show it and have unread messages.
    pub unread_count: u64,
}

/// Whose label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelKind {
    /// Ours, fixed.
    System,
    /// Made by the user.
    User,
}

/// A conversation, open in the reader: all members' messages in `sort_date` order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Its row.
    pub row: Row,
    /// Its messages, oldest first.
    pub messages: Vec<Message>,
}

/// A message in the reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Our id.
    pub id: MessageId,
    /// The thread that it is in: of a conversation's threads one.
    pub thread: ThreadId,
    /// Message-ID without brackets.
    pub message_id: Option<String>,
    /// From.
    pub from: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc.
    pub bcc: Vec<Address>,
    /// Reply-To.
    pub reply_to: Vec<Address>,
    /// The Date header, Unix seconds.
    pub date: Option<i64>,
    /// What it is sorted by, Unix seconds.
    pub sort_date: i64,
    /// Where that comes from.
    pub sort_from: SortFrom,
    /// Decoded subject.
    pub subject: Option<String>,
    /// Shown text, safe, not wrapped.
    pub text: String,
    /// What is known beside its text.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub facts: Facts,
    /// Its flags as shown (own changes included).
    pub flags: Flags,
    /// What can be saved.
    pub attachments: Vec<Attachment>,
    /// Further messages under the same id.
    pub copies: u64,
    /// What was wrong with it.
    pub defects: Vec<String>,
    /// Its ancestors' msg-ids, oldest first.
    #[serde(skip)]
    pub references: Vec<String>,
    /// Its bytes as they came.
    #[serde(skip)]
    pub raw: Option<BlobHash>,
    /// What is here of one that is not whole: its header and texts, and never more; `raw` is `None`
    /// then.
    #[serde(skip)]
    pub outline: Option<BlobHash>,
    /// Whether the rest of it was asked for.
    #[serde(skip)]
    pub wanted: bool,
    /// How many; of one that is not whole, at its server.
    #[serde(skip)]
    pub size: u64,
}

impl Message {
    /// What its answers need of it; `hints` are what only its header says.
    #[must_use]
    pub fn shown(&self, hints: Hints) -> Shown {
        Shown {
            message: Some(self.id.clone()),
            message_id: self.message_id.clone(),
            references: self.references.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            cc: self.cc.clone(),
            reply_to: self.reply_to.clone(),
            subject: self.subject.clone(),
            date: self.date,
            text: self.text.clone(),
            hints,
        }
    }
}

/// The connection to the backend, for the status line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Link {
    /// Not there: `--offline`, not started yet, or lost until it is tried again.
    #[default]
    Offline,
    /// Trying.
    Connecting,
    /// Connected; `behind` events of the Mailbox log are still to come.
    Online {
        /// Events still to come.
        behind: u64,
    },
    /// Connected; the index is taken in as a snapshot.
    Syncing {
        /// Conversations that are here.
        done: u64,
        /// All of them.
        total: u64,
    },
    /// Refused for good (a wrong token, another backend).
    Refused,
}

impl Link {
    /// Whether rows come in that were there before.
    #[must_use]
    pub const fn takes_in(self) -> bool {
        matches!(self, Self::Syncing { .. } | Self::Online { behind: 1.. })
    }
}

/// The state of work, for the status line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// The connection.
    pub link: Link,
    /// Whether the backend is remote.
    pub remote: bool,
    /// Actions decided and not yet on disk.
    pub saving: u64,
    /// Own events on disk and not yet confirmed by the backend.
    pub pending: u64,
}

/// A running import, for the first-run screen and the status line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportProgress {
    /// Messages handled.
    pub done: u64,
    /// Messages found, when known.
    pub total: Option<u64>,
    /// New messages.
    pub imported: u64,
    /// Messages or files that failed.
    pub failed: u64,
    /// Whether it has ended (done, stopped or failed).
    pub ended: bool,
}

/// An action that was done, for the notice and undo.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Done {
    /// The action; `None` when there was nothing to do.
    pub action: Option<ActionId>,
    /// How many rows it changed.
    pub threads: usize,
    /// What is said: "Archived 3 threads."
    pub says: String,
    /// The action that was undone, now or before.
    #[serde(default)]
    pub undid: Option<ActionId>,
    /// The action that was done again.
    #[serde(default)]
    pub redid: Option<ActionId>,
    /// What an undo left alone.
    #[serde(default)]
    pub kept: Vec<Kept>,
    /// Until when they sleep, Unix seconds: each reader has its own zone and way to write it.
    #[serde(default)]
    pub until: Option<i64>,
    /// Where a draft was written down, or what was queued.
    #[serde(default)]
    pub wrote: Option<Wrote>,
}

/// Where a draft was written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrote {
    /// Its store.
    pub thread: ThreadId,
    /// The event: the name of the save, or of what was queued.
    pub event: EventId,
}

/// A draft, in the list of drafts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DraftRow {
    /// Its store.
    pub thread: ThreadId,
    /// Its first save: what it is known by.
    pub draft: EventId,
    /// Its last save.
    pub save: EventId,
    /// To whom, as typed; safe.
    pub to: String,
    /// The subject; safe.
    pub subject: String,
    /// How the text begins; safe.
    pub snippet: String,
    /// When it was written, Unix seconds, by its device's clock.
    pub at: i64,
    /// Whether something is attached.
    pub attachments: bool,
    /// What was sent of its store before, or may have been.
    #[serde(default)]
    pub before: Option<Before>,
}

/// What was sent of a draft before, or may have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// What queued it.
    pub queued: EventId,
    /// Whether it surely was.
    pub surely: bool,
}

/// How far a message in the outbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutboxState {
    /// It waits: for the backend, its hold, or its time.
    Queued,
    /// A try failed, and another will be made.
    Retrying,
    /// It is being sent.
    Sending,
    /// It was refused for good, and surely not sent.
    Failed,
    /// Nobody knows whether it was sent.
    Unknown,
    /// It was sent, and not to all to whom it was.
    Partly,
}

impl OutboxState {
    /// Whether it waits for its user.
    #[must_use]
    pub const fn is_wrong(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown | Self::Partly)
    }
}

impl OutboxRow {
    /// Whether it is never sent, for the same went by another way, or may have.
    #[must_use]
    pub fn is_twin(&self) -> bool {
        let twin = |why: &String| why.starts_with(crate::thread::TWIN);
        self.state == OutboxState::Failed && self.why.as_ref().is_some_and(twin)
    }

    /// Whether to send it again may be to send it twice.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.state == OutboxState::Unknown || self.is_in_doubt()
    }

    /// Whether it was refused since its draft was sent before, or may have been.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        let doubted = |why: &String| why.starts_with(crate::thread::DOUBTED);
        self.state == OutboxState::Failed && self.why.as_ref().is_some_and(doubted)
    }
}

/// A message in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxRow {
    /// Its store.
    pub thread: ThreadId,
    /// The event that queued it: what it is known by.
    pub queued: EventId,
    /// The save that is sent.
    pub save: EventId,
    /// To whom, as typed; safe.
    pub to: String,
    /// The subject; safe.
    pub subject: String,
    /// When it was queued, Unix seconds, by its device's clock.
    pub at: i64,
    /// How long it is held after the backend took it, in seconds.
    pub hold: u64,
    /// Not before this time, Unix seconds.
    pub send_at: Option<i64>,
    /// How far it is.
    pub state: OutboxState,
    /// Why the last try failed, in a safe line.
    pub why: Option<String>,
    /// Of what was sent: to whom it did not go, and is not tried again by itself.
    #[serde(default)]
    pub refused: Vec<RefusedTo>,
    /// When it is tried again, Unix seconds by the backend's clock.
    pub retry_at: Option<i64>,
    /// Whether the backend has it.
    pub confirmed: bool,
}

/// What is written and not sent, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outgoing {
    /// Drafts.
    pub drafts: Vec<DraftRow>,
    /// The outbox.
    pub outbox: Vec<OutboxRow>,
}

/// A draft, open to be written on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDraft {
    /// Its store.
    pub thread: ThreadId,
    /// The save that is shown.
    pub save: EventId,
    /// What was written.
    pub draft: Draft,
    /// Every save of its store, newest first.
    pub history: Vec<SaveRow>,
}

/// A save, in the history of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SaveRow {
    /// Its name.
    pub save: EventId,
    /// When, Unix seconds, by its device's clock.
    pub at: i64,
    /// What its device is called.
    pub device_name: String,
    /// How its text began; safe.
    pub snippet: String,
}

/// A cell of a thread that an undo left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The thread.
    pub thread: ThreadId,
    /// `place`, `snooze`, `starred`, `muted`, `read`, `label:ID`, `link:THREAD`.
    pub cell: String,
    /// How it stays, in words: `in trash`.
    pub stays: String,
    /// The action that wrote it since; `None` when a message came that would be hidden.
    pub by: Option<By>,
}

/// Another action, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct By {
    /// The action.
    pub action: ActionId,
    /// What it was.
    pub name: String,
    /// Who did it.
    pub device: DeviceId,
    /// What that device is called.
    pub device_name: String,
}

/// An action of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// The action.
    pub action: ActionId,
    /// When, by its device's clock, Unix milliseconds.
    pub at: i64,
    /// Who did it.
    pub device: DeviceId,
    /// What that device is called.
    pub device_name: String,
    /// Whether it is this device.
    pub here: bool,
    /// What it was, such as `archive`.
    pub name: String,
    /// What it did, in words.
    pub what: String,
    /// What it did.
    pub changes: Vec<Deed>,
    /// How many conversations it reached.
    pub threads: u64,
    /// The subject of the conversation, where it reached one and that is here.
    pub subject: Option<String>,
    /// The undo that undid it.
    pub undone_by: Option<ActionId>,
    /// The action that it undid.
    pub undoes: Option<ActionId>,
    /// The action that it did again.
    pub redoes: Option<ActionId>,
    /// Whether the backend has still to confirm some of it.
    pub pending: bool,
}

/// A part of the history, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryPage {
    /// The actions.
    pub rows: Vec<HistoryRow>,
    /// Whether there are older ones.
    pub more: bool,
}

/// Conversations that a purge is about, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PurgeSum {
    /// Conversations that go.
    pub rows: u64,
    /// Their messages.
    pub messages: u64,
    /// The bytes of those.
    pub bytes: u64,
    /// Conversations that stay: they changed, or lie elsewhere.
    pub kept: u64,
}

impl PurgeSum {
    /// What goes: "12 conversations, 40 messages (1.2 MiB)".
    #[must_use]
    pub fn what(&self) -> String {
        let count = |n: u64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
        let (rows, messages) = (count(self.rows, "conversation"), count(self.messages, "message"));
        format!("{rows}, {messages} ({})", size(self.bytes))
    }
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    for (unit, one) in UNITS {
        if bytes >= one {
            let tenths = bytes.saturating_mul(10) / one;
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_said_in_the_largest_unit() {
        for (bytes, text) in [(0, "0 bytes"), (1_023, "1023 bytes"), (1_536, "1.5 KiB")] {
            assert_eq!(super::size(bytes), text);
        }
    }
}
