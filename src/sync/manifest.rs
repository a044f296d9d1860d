//! What a snapshot of a store is, before its chunks are fetched.
//!
//! Invariant: it names every chunk by its hash and is itself known by the hash over all of it, so
//! that a part of one snapshot is never taken for a part of another.

use serde::{Deserialize, Serialize};

use crate::id::StoreId;
use crate::store::Chain;

/// A chunk of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkName {
    /// The hash of its bytes as they are sent, in hexadecimal digits.
    pub hash: String,
    /// How many these are.
    pub size: u64,
    /// How many it inflates to.
    pub plain: u64,
    /// The rows that it brings.
    #[serde(default)]
    pub rows: u64,
    /// Whether it is of the newest rows, which come before all others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recent: bool,
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of its chunks.
    pub format: u32,
    /// The version of the tables.
    pub schema: u32,
    /// The version of what rows are made of threads by.
    pub projection: u32,
    /// The backend that made it.
    pub backend: String,
    /// The store.
    pub store: StoreId,
    /// The last position of the log that it has taken in.
    pub position: u64,
    /// The chain at it.
    pub chain: Chain,
    /// The rows of all chunks.
    pub rows: u64,
    /// The chunks, in the order in which they are taken in.
    pub chunks: Vec<ChunkName>,
    /// The hash over all of the above.
    pub hash: String,
}

impl Manifest {
    /// The hash over all but itself.
    #[must_use]
    pub fn name(&self) -> String {
        let all = Self { hash: String::new(), ..self.clone() };
        // It has no map and no number that could not be written: it always is.
        let text = serde_json::to_vec(&all).unwrap_or_default();
        blake3::hash(&text).to_hex().to_string()
    }

    /// Whether it is what its hash says.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.hash == self.name() && self.rows == self.chunks.iter().map(|c| c.rows).sum::<u64>()
    }
}
