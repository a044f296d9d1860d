//! Words of messages that were read while they came in, until the index asks for them.
//!
//! Invariant: a cache: what is here follows from the bytes by whose name it is asked for, and what
//! is not here is read from those. It is bounded; what came first is what the index asks for first,
//! so that is kept, and what finds no room is not.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::BlobHash;
use crate::search::entry::Words;

/// Bytes of words that are kept, about.
const MOST_BYTES: usize = 6 * 1024 * 1024;

/// The words.
#[derive(Debug, Default)]
pub struct Ahead {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    words: HashMap<BlobHash, Words>,
    bytes: usize,
}

impl Ahead {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the words of some bytes, where there is room.
    pub fn put(&self, of: BlobHash, words: Words) {
        let mut held = self.lock();
        let bytes = words.texts.bytes();
        if held.bytes + bytes > MOST_BYTES {
            return;
        }
        held.bytes += bytes;
        if let Some(same) = held.words.insert(of, words) {
            held.bytes -= same.texts.bytes();
        }
    }

    /// The words of some bytes, which are not kept any longer.
    pub fn take(&self, of: &BlobHash) -> Option<Words> {
        let mut held = self.lock();
        let words = held.words.remove(of)?;
        held.bytes -= words.texts.bytes();
        Some(words)
    }

    /// Nobody will ask for what is here: the index has all there is.
    pub fn clear(&self) {
        *self.lock() = Held::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::entry::Texts;
    use crate::store::Blobs;

    fn words(body: usize) -> Words {
        let texts = Texts { body: "x".repeat(body), ..Texts::default() };
        Words { texts, ..Words::default() }
    }

    #[test]
    fn what_came_first_is_kept_and_what_finds_no_room_is_not() {
        let (ahead, name) = (Ahead::default(), |n: u8| Blobs::name(&[n]));
        for n in 0..3 {
            ahead.put(name(n), words(MOST_BYTES / 2 - 1024));
        }
        assert_eq!(ahead.take(&name(2)), None);
        assert!(ahead.take(&name(0)).is_some() && ahead.take(&name(0)).is_none());
        ahead.put(name(2), words(MOST_BYTES / 2 - 1024));
        assert!(ahead.take(&name(2)).is_some());
        // The same twice takes its room once.
        for _ in 0..100 {
            ahead.put(name(3), words(MOST_BYTES / 4));
        }
        assert!(ahead.take(&name(1)).is_some() && ahead.take(&name(3)).is_some());
        assert_eq!(ahead.lock().bytes, 0);
        ahead.put(name(4), words(7));
        ahead.clear();
        assert_eq!((ahead.take(&name(4)), ahead.lock().bytes), (None, 0));
    }
}
