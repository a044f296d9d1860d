//! The sync protocol: frames, and one WebSocket for all stores of a device.
//!
//! Invariant: payloads are opaque event records; nothing here knows what an event means. The caller
//! owns the transport, so that the same code runs over TCP and an in-process pipe.

mod backoff;
mod connection;
mod deadlines;
mod error;
mod frame;
mod manifest;

pub use backoff::Backoff;
pub use connection::{Connection, Incoming, Outgoing, accept, connect};
pub use deadlines::Deadlines;
pub use error::SyncError;
pub use frame::{
    ACCOUNTS, Bytes, Cursor, FoundHit, Frame, IngestMessage, MEND, PROTOCOL, PurgeOrder, PurgedRow,
    Refused, SEARCH, SeenThread, StoreAck, StorePush, decode, encode,
};
pub use manifest::{ChunkName, Manifest};
