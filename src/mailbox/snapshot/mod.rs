//! A snapshot of the confirmed tables: written as chunks of records, read back into the tables of
//! a device that is in use, or into empty ones.
//!
//! Invariant: what follows from other rows (labels, roots, counts, what is shown) is not in it but
//! made again, so that a thread can be taken out of a snapshot without a trace in the rest. The
//! newest conversations come first; all others in the order of their ids, which costs a tenth of
//! writing them in any other. Bytes that are no snapshot are an error, and never a panic.

mod codec;
mod index;
mod load;
mod pack;
mod write;

pub use codec::{Record, Records, without};
pub use index::Indexer;
pub use load::{
    Put, Way, begin, counts_fit, finish, is_empty, is_history, labels, load, put, roots,
    start_history, sweep,
};
pub use pack::{MAX_CHUNK_BYTES, Packer, unpack};
pub use write::{Chunk, write};

/// The format of snapshots. A device that knows only an older one takes the log instead.
pub const FORMAT: u32 = 1;
