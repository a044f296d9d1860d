//! The names of the events of a Thread store.
//!
//! Invariant: a name and what it means are for ever; [`ALL`] is recorded beside tables as known.

/// A conversation begins.
pub const THREAD_CREATED: &str = "v1.ThreadCreated";
/// A message came in, or a further copy of one.
pub const MESSAGE_ADDED: &str = "v1.MessageAdded";
/// A message was read again: by a better parser, or when the rest of its bytes came.
pub const MESSAGE_REPARSED: &str = "v1.MessageReparsed";
/// The rest of a message that is not whole is wanted.
pub const MESSAGE_WANTED: &str = "v1.MessageWanted";
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
/// The star of the conversation was put on a message at its server, by our word.
pub const MESSAGE_STARRED: &str = "v1.MessageStarred";
/// It was taken off one.
pub const MESSAGE_UNSTARRED: &str = "v1.MessageUnstarred";
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
/// A draft was written down.
pub const DRAFT_SAVED: &str = "v1.DraftSaved";
/// A draft was thrown away.
pub const DRAFT_DISCARDED: &str = "v1.DraftDiscarded";
/// A save of a draft is to be sent.
pub const MESSAGE_QUEUED: &str = "v1.MessageQueued";
/// It is not to be sent after all.
pub const SEND_CANCELLED: &str = "v1.SendCancelled";
/// It is being sent: written before the first byte leaves.
pub const SEND_CLAIMED: &str = "v1.SendClaimed";
/// It was sent.
pub const MESSAGE_SENT: &str = "v1.MessageSent";
/// It was not sent, or nobody knows whether it was.
pub const SEND_FAILED: &str = "v1.SendFailed";
/// An action was undone.
pub const ACTION_UNDONE: &str = "v1.ActionUndone";
/// The backend's logs were put back to an earlier moment.
pub const EPOCH_BEGAN: &str = "v1.EpochBegan";

/// All of them: what is recorded beside tables as known.
pub const ALL: &[&str] = &[
    THREAD_CREATED,
    MESSAGE_ADDED,
    MESSAGE_REPARSED,
    MESSAGE_WANTED,
    LABEL_APPLIED,
    LABEL_REMOVED,
    THREAD_READ,
    FLAGS_CHANGED,
    MESSAGE_REMOVED,
    MESSAGE_RETURNED,
    MESSAGE_STARRED,
    MESSAGE_UNSTARRED,
    THREAD_STARRED,
    THREAD_MUTED,
    THREAD_SNOOZED,
    THREAD_UNSNOOZED,
    THREAD_LINKED,
    THREAD_UNLINKED,
    DRAFT_SAVED,
    DRAFT_DISCARDED,
    MESSAGE_QUEUED,
    SEND_CANCELLED,
    SEND_CLAIMED,
    MESSAGE_SENT,
    SEND_FAILED,
    ACTION_UNDONE,
    EPOCH_BEGAN,
];
