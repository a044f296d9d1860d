//! The running hash of a log over ids and arguments: two logs with the same chain at a position are
//! the same up to there.

use serde::{Deserialize, Serialize};

use crate::store::NewEvent;

/// A log's running hash at a position: 128 bits of BLAKE3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Chain([u8; 16]);

impl Chain {
    /// The chain of a log without events.
    pub const ZERO: Self = Self([0; 16]);

    /// The chain after `event`. Arguments enter as their hash, so that a log whose old arguments
    /// are gone can still be checked.
    #[must_use]
    pub fn after(self, event: &NewEvent) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0);
        hasher.update(event.id.as_str().as_bytes());
        hasher.update(event.name.as_bytes());
        hasher.update(event.args.hash().as_bytes());
        let mut next = [0; 16];
        next.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(next)
    }

    /// The bytes, as stored.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From stored bytes; a wrong length is the empty chain, which then matches nothing.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        bytes.try_into().map(Self).unwrap_or_default()
    }
}

impl From<Chain> for String {
    fn from(chain: Chain) -> Self {
        use std::fmt::Write as _;
        chain.0.iter().fold(Self::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl TryFrom<String> for Chain {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        let mut bytes = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return Err("a chain is 32 hexadecimal digits");
        }
        for (byte, pair) in bytes.iter_mut().zip(0..) {
            *byte = u8::from_str_radix(&text[pair * 2..pair * 2 + 2], 16)
                .map_err(|_| "a chain is 32 hexadecimal digits")?;
        }
        Ok(Self(bytes))
    }
}
