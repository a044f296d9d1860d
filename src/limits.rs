//! Every bound that more than one room must agree on, by name and unit.
//!
//! Invariant: a queue, batch, cache, frame or retry has its limit here, or in its own file where
//! only that file needs it. This file must hold constants only.

use std::time::Duration;

/// The largest message that is taken in, in bytes. Larger ones are listed as failed.
pub const MAX_MESSAGE_BYTES: usize = 50 * 1024 * 1024;
/// The largest frame before a device has shown its token, in bytes.
pub const MAX_HELLO_BYTES: usize = 16 * 1024;
/// The largest frame on the wire, in bytes: a message in base 64 and its surroundings.
pub const MAX_FRAME_BYTES: usize = 72 * 1024 * 1024;
/// The largest frame after inflation, in bytes.
pub const MAX_INFLATED_BYTES: usize = 96 * 1024 * 1024;
/// Frames larger than this many bytes are compressed.
pub const COMPRESS_FROM_BYTES: usize = 1024;
/// Events in one page: about 5 ms of a device that has keys to answer in between.
pub const PAGE_EVENTS: usize = 100;
/// Bytes of arguments in one page, about.
pub const PAGE_BYTES: usize = 1024 * 1024;
/// Events in one push frame.
pub const PUSH_EVENTS: usize = 2_000;
/// Events that a backend takes in one push frame: what one action does to a store is not split.
pub const MAX_PUSHED_EVENTS: usize = 8 * PUSH_EVENTS;
/// The longest arguments of an event that a device may push, in bytes.
pub const MAX_PUSHED_ARGS_BYTES: usize = 256 * 1024;
/// The longest arguments of an event that is made of a message, in bytes.
pub const MAX_MESSAGE_ARGS_BYTES: usize = 16 * 1024 * 1024;
/// The longest name of an action, in bytes.
pub const MAX_ACTION_NAME_BYTES: usize = 256;
/// Messages in one ingest batch.
pub const INGEST_MESSAGES: usize = 200;
/// Bytes of raw mail in one ingest batch, about.
pub const INGEST_BYTES: usize = 8 * 1024 * 1024;
/// Shown text longer than this many bytes is a blob beside the event.
pub const MAX_INLINE_TEXT_BYTES: usize = 64 * 1024;
/// Bytes of a blob in one frame, and of the parts in which a long one is stored: never changed.
pub const BLOB_CHUNK_BYTES: usize = 1024 * 1024;
/// Pages and parts of blobs sent to a device and not yet written to its socket.
pub const SESSION_CREDIT: usize = 8;
/// Of these, what only the Mailbox store may take.
pub const MAILBOX_ROOM: usize = 2;
/// Pages of one store that a device has not yet said it has taken in.
pub const STORE_CREDIT: u32 = 16;
/// Pages of one store after which a device says so: less than a round trip before the last.
pub const CREDIT_EVERY: u32 = 4;
/// Thread clients kept loaded by an embedded backend.
pub const THREAD_CLIENTS_EMBEDDED: usize = 32;
/// Thread clients kept loaded by `serve`.
pub const THREAD_CLIENTS_SERVE: usize = 2_000;
/// Thread stores kept loaded by a device, beside those of the open conversation.
pub const THREAD_STORES_DEVICE: usize = 64;
/// How long a Thread store stays loaded that nobody asks for.
pub const THREAD_IDLE: Duration = Duration::from_mins(5);
/// Entries in a row's trail.
pub const TRAIL_ENTRIES: usize = 16;
/// How often the worker tries a batch before it projects the thread again.
pub const BATCH_ATTEMPTS: u32 = 5;
/// Devices connected to one backend at a time.
pub const MAX_SESSIONS: usize = 64;
/// Connections that have not said yet who they are: one more, and the oldest of them goes, so that
/// strangers who say nothing keep nobody out.
pub const MAX_STRANGERS: usize = 64;
/// How long a peer may take for the handshake and hello.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a command waits to reach its backend.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Silence after which a connection is pinged.
pub const PING_AFTER: Duration = Duration::from_secs(20);
/// Silence after which a connection is given up.
pub const DEAD_AFTER: Duration = Duration::from_secs(45);
/// The first wait before a reconnect; it doubles, with full jitter.
pub const RECONNECT_FIRST: Duration = Duration::from_millis(250);
/// The longest wait before a reconnect.
pub const RECONNECT_MOST: Duration = Duration::from_secs(30);
/// How long an action may stay uncommitted, so that several share one sync to disk.
pub const COMMIT_WITHIN: Duration = Duration::from_millis(5);
/// How long a blob is kept that no event names: since its last reference, or its last upload.
pub const BLOB_KEPT: Duration = Duration::from_hours(30 * 24);
/// Mailbox events after which another snapshot is made, unless there are more rows than eight times
/// this.
pub const SNAPSHOT_EVENTS: u64 = 20_000;
/// Mailbox events below the snapshot that keep their arguments: a device that was away for as long
/// takes the log, and no snapshot.
pub const LOG_KEPT: u64 = 100_000;
/// Mailbox events below those after which arguments are given up.
pub const TRUNCATE_EVENTS: u64 = 50_000;
/// Parts of a snapshot that a device asks for ahead of those that it has taken in.
pub const CHUNKS_AHEAD: usize = 4;
/// Parts of a snapshot that a device may have asked for and not got.
pub const CHUNKS_ASKED: usize = 16;
/// Conversations in one purge order.
pub const PURGE_ROWS: usize = 100;
/// How long mail stays in trash unless it is told otherwise.
pub const TRASH_KEPT: Duration = Duration::from_hours(30 * 24);
