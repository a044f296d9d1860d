//! The frames, and how they are bytes.
//!
//! Invariant: versioned, bounded before and after inflation, and total to read: bytes that are no
//! frame are an error, never a panic. A frame is one byte (0 plain, 1 zstd) and JSON.

use base64::Engine as _;
use serde::{Deserialize, Serialize};

use crate::id::{BlobHash, DeviceId, Epoch, EventId, Seen, StoreId, ThreadId};
use crate::limits::{COMPRESS_FROM_BYTES, MAX_INFLATED_BYTES};
use crate::store::{Chain, Event, NewEvent};
use crate::sync::{Manifest, SyncError};

/// The version of the protocol that this program speaks.
pub const PROTOCOL: u32 = 2;
/// A hello that names this hears [`Frame::Accounts`].
pub const ACCOUNTS: &str = "accounts";
/// A hello that names this hears [`Frame::Finder`].
pub const SEARCH: &str = "search";
/// A hello that names this hears [`Frame::Lacks`].
pub const MEND: &str = "mend";
/// The zstd level on the wire.
const LEVEL: i32 = 1;

/// Bytes in a frame, as base 64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bytes(pub Vec<u8>);

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> Self {
        base64::engine::general_purpose::STANDARD.encode(bytes.0)
    }
}

impl TryFrom<String> for Bytes {
    type Error = base64::DecodeError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        base64::engine::general_purpose::STANDARD.decode(text).map(Self)
    }
}

/// A place in a log: what a device holds of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The epoch in which the position counts.
    pub epoch: Epoch,
    /// The last position held.
    pub position: u64,
    /// The chain at it.
    pub chain: Chain,
}

/// Events for one store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorePush {
    /// The store.
    pub store: StoreId,
    /// Only if the log's last position is this one; else all of it is refused as `moved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
    /// The events, in order of commit.
    pub events: Vec<NewEvent>,
    /// Whether the backend had them once, in an epoch that is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// An event that is refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The event.
    pub id: EventId,
    /// A stable word.
    pub code: String,
    /// One line.
    pub reason: String,
}

/// What became of one store's pushed events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreAck {
    /// The store.
    pub store: StoreId,
    /// Every accepted id with its position.
    pub positions: Vec<(EventId, u64)>,
    /// What was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// Blobs that an event names and that are not there: it and those after it were not taken, and
    /// may be offered again once the blobs are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<BlobHash>,
    /// The log's last position.
    pub head: u64,
    /// The chain at it.
    pub chain: Chain,
}

/// A raw message that a device imports; `folder` and `flags` are records of the bridge, opaque
/// here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestMessage {
    /// RFC 5322 bytes.
    pub raw: Bytes,
    /// What its folder says.
    #[serde(default)]
    pub folder: serde_json::Value,
    /// What its file says.
    #[serde(default)]
    pub flags: serde_json::Value,
    /// The file's time, Unix seconds.
    #[serde(default)]
    pub file_time: Option<i64>,
}

/// A thread to purge, and what of it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenThread {
    /// The thread.
    pub thread: ThreadId,
    /// What of its log was shown.
    pub seen: Seen,
}

/// What to purge: conversations, each with all its threads, of which all or none go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PurgeOrder {
    /// The conversations.
    pub rows: Vec<Vec<SeenThread>>,
    /// Only what has been in trash for so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<i64>,
    /// Whether what is neither in trash nor spam goes too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anywhere: bool,
    /// Say what would go; nothing goes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry: bool,
}

/// What became of one conversation of a purge.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PurgedRow {
    /// Messages that went.
    #[serde(default)]
    pub messages: u64,
    /// Bytes of mail that went.
    #[serde(default)]
    pub bytes: u64,
    /// Why it was kept: a stable word and a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<(String, String)>,
}

/// A conversation that the backend found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundHit {
    /// Its root, as the backend shows it.
    pub root: ThreadId,
    /// The date of the message that answers, Unix seconds.
    pub date: i64,
    /// A line of it, where the words stand in its text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub line: String,
    /// What of the line was asked for, in bytes: begin and end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<(usize, usize)>,
}

/// A frame. Each is one WebSocket message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Frame {
    /// The device's first frame.
    Hello {
        /// The version it speaks.
        protocol: u32,
        /// Who it is.
        device: DeviceId,
        /// Its token; none on an in-process pipe.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
        /// Frames that only who asks for them gets: a program before this one knows none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hears: Vec<String>,
    },
    /// The backend's answer.
    Welcome {
        /// The version it speaks.
        protocol: u32,
        /// Which backend this is.
        backend: String,
        /// The epoch of its logs.
        epoch: Epoch,
    },
    /// Events of a device, for any number of stores.
    Push {
        /// By store.
        stores: Vec<StorePush>,
    },
    /// What became of a push; it is on disk.
    Ack {
        /// By store.
        stores: Vec<StoreAck>,
    },
    /// The device wants a store's log from here on.
    Subscribe {
        /// The store.
        store: StoreId,
        /// What it holds; `None` for nothing.
        cursor: Option<Cursor>,
    },
    /// The device wants no more of a store.
    Unsubscribe {
        /// The store.
        store: StoreId,
    },
    /// Events of a store; an answer to `Subscribe`.
    Page {
        /// The store.
        store: StoreId,
        /// In order of position.
        events: Vec<Event>,
        /// Whether another page follows.
        more: bool,
        /// The log's last position.
        head: u64,
        /// The chain after the last event of this page.
        chain: Chain,
    },
    /// Events of a store that came since.
    Live {
        /// The store.
        store: StoreId,
        /// In order of position.
        events: Vec<Event>,
        /// The log's last position.
        head: u64,
        /// The chain after the last event of this frame.
        chain: Chain,
    },
    /// The device has taken pages of a store in: as many more may come.
    Credit {
        /// The store.
        store: StoreId,
        /// How many pages, live ones included.
        pages: u32,
    },
    /// The device is too slow for a store's live frames: they end, and what it has not comes as
    /// pages, when it gives credit again.
    Behind {
        /// The store.
        store: StoreId,
        /// The log's last position.
        head: u64,
    },
    /// Nothing of this store can be sent now, and why. It is not subscribed to any more.
    Withheld {
        /// The store.
        store: StoreId,
        /// A stable word.
        code: String,
        /// One line.
        message: String,
    },
    /// The backend's log of a store is not what was written to it behind a position: what do you
    /// hold of it? Only for a device whose hello says that it hears [`MEND`].
    Lacks {
        /// The store.
        store: StoreId,
        /// The last position up to which it is.
        after: u64,
        /// The chain at it.
        chain: Chain,
    },
    /// What a device holds of a log that the backend lacks; as much as goes into a page.
    Mend {
        /// The store.
        store: StoreId,
        /// The position before the first.
        after: u64,
        /// In order of position, without a gap.
        events: Vec<NewEvent>,
    },
    /// The cursor does not match the backend's log: it agrees up to here.
    Diverged {
        /// The store.
        store: StoreId,
        /// The last position that may be common, as far as the backend knows.
        position: u64,
        /// The chain at it.
        #[serde(default)]
        chain: Chain,
    },
    /// A snapshot of a store, in place of its log up to there; an answer to `Subscribe`.
    Snapshot {
        /// Which.
        manifest: Manifest,
    },
    /// A part of a snapshot, please.
    ChunkGet {
        /// The snapshot's hash.
        snapshot: String,
        /// Which part, from 0 on.
        chunk: u64,
    },
    /// A part of a snapshot.
    Chunk {
        /// The snapshot's hash.
        snapshot: String,
        /// Which part.
        chunk: u64,
        /// Its bytes.
        data: Bytes,
    },
    /// As `Subscribe`; but the log, and no snapshot, please.
    Replay {
        /// The store.
        store: StoreId,
        /// What it holds; `None` for nothing.
        cursor: Option<Cursor>,
    },
    /// Raw mail that a device imports.
    Ingest {
        /// Returned with the answer.
        seq: u64,
        /// The messages.
        messages: Vec<IngestMessage>,
    },
    /// What became of each, in order; a record of the bridge, opaque here. It is on disk.
    Ingested {
        /// The request's.
        seq: u64,
        /// One for each message.
        outcomes: Vec<serde_json::Value>,
    },
    /// What a source of imported mail changed since; records of the bridge, opaque here.
    Follow {
        /// Returned with the answer, an `Ingested`.
        seq: u64,
        /// A conversation each.
        changes: Vec<serde_json::Value>,
    },
    /// Tell me when all that is in the logs now is projected.
    Settle {
        /// Returned with the answer.
        seq: u64,
    },
    /// Not yet; said now and then, so that waiting for it is not waiting for ever.
    Settling {
        /// The request's.
        seq: u64,
        /// Threads that are still to be projected.
        left: u64,
    },
    /// It is.
    Settled {
        /// The request's.
        seq: u64,
        /// The Mailbox log's last position.
        head: u64,
    },
    /// Purge, for ever.
    Purge {
        /// Returned with the answer.
        seq: u64,
        /// What.
        order: PurgeOrder,
    },
    /// What became of each conversation, in order. It is on disk.
    Purged {
        /// The request's.
        seq: u64,
        /// One for each conversation.
        rows: Vec<PurgedRow>,
    },
    /// A part of a blob, please.
    BlobGet {
        /// Which.
        hash: BlobHash,
        /// From which byte.
        offset: u64,
    },
    /// A part of a blob.
    Blob {
        /// Which.
        hash: BlobHash,
        /// From which byte.
        offset: u64,
        /// Its whole size; `None` when it is not there.
        size: Option<u64>,
        /// The bytes.
        data: Bytes,
    },
    /// A part of a blob, to be kept; without data it asks how much of it is there.
    BlobPut {
        /// Which.
        hash: BlobHash,
        /// From which byte: where the last part ended.
        offset: u64,
        /// Its whole size.
        size: u64,
        /// The bytes: `BLOB_CHUNK_BYTES`, or those that are left.
        data: Bytes,
    },
    /// How much of a blob is there; it is on disk, and when that is all of it, it is verified.
    BlobHave {
        /// Which.
        hash: BlobHash,
        /// Bytes from the beginning.
        have: u64,
        /// Why the part was not taken, a stable word; `busy` passes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// How the accounts are that the backend has, and as whom one writes there; a record of who
    /// fetches, opaque here. Only for a device whose hello says that it hears [`ACCOUNTS`].
    Accounts {
        /// All of it, in place of what was told before.
        told: serde_json::Value,
    },
    /// The backend searches what it holds: `Search` may be asked. Only for a device whose hello
    /// says that it hears [`SEARCH`].
    Finder {},
    /// Search what you hold; what this session asked before is given up, and has no answer.
    Search {
        /// Returned with the answer.
        seq: u64,
        /// The query as it is printed; its days are those of UTC.
        query: String,
        /// The best first, not the newest.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        best: bool,
        /// Somebody is typing: a last word of one or two letters is not looked for everywhere.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        typing: bool,
        /// At most so many conversations.
        limit: u64,
    },
    /// What was found.
    Found {
        /// The request's.
        seq: u64,
        /// In the order that was asked for.
        hits: Vec<FoundHit>,
        /// Whether there is more than that.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        more: bool,
        /// Messages that were not looked at, since the index lacks them.
        #[serde(default)]
        lacks: u64,
        /// Why nothing was found, one line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wrong: Option<String>,
    },
    /// Something was refused.
    Error {
        /// A stable word.
        code: String,
        /// One line.
        message: String,
        /// Whether the same may succeed later.
        retry: bool,
    },
    /// Are you there?
    Ping {
        /// Returned with the answer.
        n: u64,
    },
    /// I am.
    Pong {
        /// The request's.
        n: u64,
    },
}

impl Frame {
    /// Whether it takes credit of the session it is sent to, until it is written to its socket.
    #[must_use]
    pub const fn takes_credit(&self) -> bool {
        matches!(
            self,
            Self::Page { .. } | Self::Live { .. } | Self::Chunk { .. } | Self::Blob { .. }
        )
    }
}

/// A frame as bytes.
///
/// # Errors
/// When it cannot be encoded (it always can).
pub fn encode(frame: &Frame) -> Result<Vec<u8>, SyncError> {
    let mut bytes = vec![0];
    serde_json::to_writer(&mut bytes, frame).map_err(|e| SyncError::Frame(e.to_string()))?;
    if bytes.len() > COMPRESS_FROM_BYTES {
        let mut packed = vec![1];
        packed.extend(
            zstd::bulk::compress(&bytes[1..], LEVEL)
                .map_err(|error| SyncError::Frame(error.to_string()))?,
        );
        if packed.len() < bytes.len() {
            return Ok(packed);
        }
    }
    Ok(bytes)
}

/// Bytes as a frame.
///
/// # Errors
/// When they are none, or would inflate beyond the limit.
pub fn decode(bytes: &[u8]) -> Result<Frame, SyncError> {
    let bad = |error: &dyn std::fmt::Display| SyncError::Frame(error.to_string());
    match bytes.split_first() {
        Some((0, json)) => serde_json::from_slice(json).map_err(|error| bad(&error)),
        Some((1, packed)) => {
            use std::io::Read as _;
            let decoder = zstd::stream::read::Decoder::new(packed).map_err(|e| bad(&e))?;
            let mut json = Vec::new();
            let most = MAX_INFLATED_BYTES as u64;
            decoder.take(most + 1).read_to_end(&mut json).map_err(|error| bad(&error))?;
            if json.len() as u64 > most {
                return Err(SyncError::Frame("it inflates beyond the limit".to_owned()));
            }
            serde_json::from_slice(&json).map_err(|error| bad(&error))
        }
        _ => Err(SyncError::Frame("it is empty or of an unknown kind".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_frame_is_compressed_and_comes_back() {
        let frame = Frame::Error { code: "x".into(), message: "word ".repeat(2_000), retry: false };
        let bytes = encode(&frame).unwrap();
        assert!(bytes[0] == 1 && bytes.len() < 1_000);
        assert_eq!(decode(&bytes).unwrap(), frame);
    }

    #[test]
    fn a_bomb_costs_bounded_memory() {
        let bomb = zstd::bulk::compress(&vec![b' '; MAX_INFLATED_BYTES + 2], 1).unwrap();
        assert!(decode(&[&[1], bomb.as_slice()].concat()).is_err());
    }

    #[test]
    fn garbage_is_an_error() {
        for bytes in [&b""[..], b"\x00", b"\x00{}", b"\x01abc", b"\x07{}", b"\x00{\"Nope\":1}"] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
