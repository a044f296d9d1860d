//! Chunks as they are kept and sent: compressed, with the hash of what is sent.

use crate::store::StoreError;

/// The zstd level: written once, sent to every new device.
const LEVEL: i32 = 3;
/// The longest chunk that is inflated, in bytes: one row with the longest of everything fits.
pub const MAX_CHUNK_BYTES: usize = 64 * 1024 * 1024;

/// Compresses chunks; making one costs more than a chunk.
pub struct Packer(zstd::bulk::Compressor<'static>);

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

impl Packer {
    /// A compressor.
    ///
    /// # Errors
    /// When there is no memory for one.
    pub fn new() -> Result<Self, StoreError> {
        zstd::bulk::Compressor::new(LEVEL).map(Self).map_err(|error| failed(&error))
    }

    /// The chunk as it is kept, and its hash.
    ///
    /// # Errors
    /// When it cannot be compressed (it always can).
    pub fn pack(&mut self, plain: &[u8]) -> Result<(Vec<u8>, blake3::Hash), StoreError> {
        let packed = self.0.compress(plain).map_err(|error| failed(&error))?;
        let hash = blake3::hash(&packed);
        Ok((packed, hash))
    }
}

/// A chunk as it was before [`Packer::pack`]; `plain` is how long it was.
///
/// # Errors
/// When its bytes are not those of this hash, or do not inflate to that length.
pub fn unpack(packed: &[u8], hash: &blake3::Hash, plain: usize) -> Result<Vec<u8>, StoreError> {
    if blake3::hash(packed) != *hash {
        return Err(StoreError::Row("a chunk of a snapshot is not what was announced".to_owned()));
    }
    if plain > MAX_CHUNK_BYTES {
        return Err(StoreError::Row("a chunk of a snapshot is too long".to_owned()));
    }
    let inflated = zstd::bulk::decompress(packed, plain).map_err(|error| failed(&error))?;
    if inflated.len() == plain { Ok(inflated) } else { Err(super::codec::bad()) }
}

fn failed(error: &std::io::Error) -> StoreError {
    StoreError::Row(format!("a chunk of a snapshot: {error}"))
}
