//! The identifiers of everything that is stored or sent, one type each.
//!
//! Invariant: an id is ASCII, from the alphabet `A-Z a-z 0-9 . _ - /`, at most [`MAX_ID_BYTES`]
//! bytes; so an id can be printed, put into a file name or a frame, and never carries mail content.
//! This file must not read a clock or a random source: both come in as arguments.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest identifier that is accepted from outside, in bytes.
pub const MAX_ID_BYTES: usize = 96;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: {0:?}")]
pub struct InvalidId(String);

fn valid(text: &str) -> bool {
    // Without a way out before the end: ids are short, and so several bytes are looked at at once.
    let fits = |b: u8| b.is_ascii_alphanumeric() | matches!(b, b'.' | b'_' | b'-' | b'/');
    !text.is_empty()
        && text.len() <= MAX_ID_BYTES
        && text.bytes().fold(true, |all, b| all & fits(b))
}

/// Reads an id where its text lies, without a copy that is gone at once.
struct Text<I>(std::marker::PhantomData<I>);

impl<I: for<'a> TryFrom<&'a str, Error = InvalidId>> Visitor<'_> for Text<I> {
    type Value = I;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<I, E> {
        I::try_from(text).map_err(E::custom)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::try_from(text.as_str())
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;
            fn try_from(text: &str) -> Result<Self, InvalidId> {
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    let shown = text.chars().filter(|c| !c.is_control()).take(MAX_ID_BYTES);
                    Err(InvalidId(shown.collect()))
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text(std::marker::PhantomData))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// One conversation; 20 characters of base 32, from the content of its first message.
    ThreadId;
    /// One message of ours; from its Message-ID, or from its bytes where it has none.
    MessageId;
    /// One event, `UUIDv7` text or derived from the content of ingested mail. The identity for
    /// confirmation and deduplication.
    EventId;
    /// All events of one intent: the unit of undo and history.
    ActionId;
    /// One installation that commits events.
    DeviceId;
    /// A label or a place. System ids are in [`crate::label`].
    LabelId;
    /// One event log: `mailbox-root` or `thread-{id}`.
    StoreId;
    /// One unbroken life of a backend's logs.
    Epoch;
    /// The BLAKE3 hash of a blob, as hex.
    BlobHash;
}

impl From<&EventId> for ActionId {
    /// An action is named like an event: both are made by one device's growing source.
    fn from(id: &EventId) -> Self {
        Self(id.0.clone())
    }
}

/// Characters at the end of a device's id that tell it from others of the same name.
const DEVICE_TAIL: usize = 12;
/// The longest name that a device's id begins with, in characters.
const MAX_DEVICE_NAME: usize = 32;
/// Characters of the tail that stand for a device without a name.
const SHORT_DEVICE: usize = 5;

impl DeviceId {
    /// An id that nobody else has, by `random`: a device on `host` is called like that.
    #[must_use]
    pub fn make(host: &str, random: &[u8; 8]) -> Self {
        let tail = base32(random, DEVICE_TAIL);
        // The first label of a host name is its own; what does not fit an id is left out.
        let own = host.split('.').next().unwrap_or_default();
        let name: String = own
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
            .take(MAX_DEVICE_NAME)
            .collect();
        let text = if name.is_empty() { format!("d{tail}") } else { format!("{name}.{tail}") };
        Self(text.into())
    }

    /// What it is called: the name of its machine, or the beginning of its id.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.0.rsplit_once('.') {
            Some((name, tail)) if tail.len() == DEVICE_TAIL && !name.is_empty() => name,
            _ => self.0.get(..SHORT_DEVICE).unwrap_or(&self.0),
        }
    }
}

/// Characters behind [`ThreadId::DRAFT`].
const DRAFT_TAIL: usize = 20;

impl ThreadId {
    /// How the id of a draft's store begins.
    pub const DRAFT: &'static str = "draft-";

    /// The store of a draft, by `random`. Other ids come from the content of mail.
    #[must_use]
    pub fn of_draft(random: &[u8; 13]) -> Self {
        Self(format!("{}{}", Self::DRAFT, base32(random, DRAFT_TAIL)).into())
    }

    /// Whether it is the store of a draft.
    #[must_use]
    pub fn is_draft(&self) -> bool {
        self.0.starts_with(Self::DRAFT)
    }
}

impl StoreId {
    /// The Mailbox store's id.
    pub const MAILBOX: &'static str = "mailbox-root";

    /// The Mailbox store.
    #[must_use]
    pub fn mailbox() -> Self {
        Self(Self::MAILBOX.into())
    }

    /// The Thread store of `thread`.
    #[must_use]
    pub fn thread(thread: &ThreadId) -> Self {
        Self(format!("thread-{thread}").into())
    }

    /// The thread whose store this is; `None` for the Mailbox store.
    #[must_use]
    pub fn as_thread(&self) -> Option<ThreadId> {
        self.0.strip_prefix("thread-").and_then(|id| ThreadId::try_from(id).ok())
    }
}

/// What of a thread's log a row showed when a key was pressed on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The epoch in which `position` counts.
    pub epoch: Epoch,
    /// The last position of the thread's log that the row had taken in.
    pub position: u64,
}

/// Lower-case base 32 (RFC 4648 alphabet, no padding) of the first `chars` × 5 bits of `bytes`.
#[must_use]
pub fn base32(bytes: &[u8], chars: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let (mut out, mut buffer, mut bits) = (String::with_capacity(chars), 0_u32, 0_u32);
    let mut input = bytes.iter();
    while out.len() < chars {
        if bits < 5 {
            buffer = (buffer << 8) | u32::from(input.next().copied().unwrap_or(0));
            bits += 8;
        }
        bits -= 5;
        out.push(char::from(ALPHABET[((buffer >> bits) & 31) as usize]));
    }
    out
}

/// Makes the ids of one device: they only grow, whatever the clock does.
#[derive(Debug, Clone)]
pub struct IdSource {
    last: u128,
}

impl IdSource {
    /// Continues after `last`, the greatest id this device ever made (`None` at first).
    #[must_use]
    pub fn after(last: Option<&EventId>) -> Self {
        let last = last
            .and_then(|id| uuid::Uuid::try_parse(id.as_str()).ok())
            .map_or(0, |id| id.as_u128());
        Self { last }
    }

    /// The next id: `UUIDv7` of `now_ms` (Unix milliseconds) and `random`, or the last id plus one
    /// where that would not grow.
    pub fn next(&mut self, now_ms: i64, random: [u8; 10]) -> EventId {
        let millis = u64::try_from(now_ms).unwrap_or(0);
        let fresh =
            uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().as_u128();
        self.last = if fresh > self.last { fresh } else { self.last + 1 };
        EventId(uuid::Uuid::from_u128(self.last).to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_refuse_what_could_carry_mail() {
        for bad in ["", "a b", "\u{1b}[0m", "é", &"x".repeat(MAX_ID_BYTES + 1)] {
            assert!(ThreadId::try_from(bad).is_err(), "{bad:?}");
        }
        assert!(serde_json::from_str::<LabelId>("\"a\\u001bb\"").is_err());
    }

    #[test]
    fn ids_of_a_device_only_grow_when_the_clock_steps_back() {
        let mut source = IdSource::after(None);
        let first = source.next(2_000, [9; 10]);
        let second = source.next(1_000, [0; 10]);
        assert!(second > first);
        let again = IdSource::after(Some(&second)).next(5, [1; 10]);
        assert!(again > second);
    }

    #[test]
    fn a_device_is_called_like_its_machine() {
        for (host, name) in [
            ("laptop", "laptop"),
            ("laptop.example.org", "laptop"),
            ("my-box_2", "my-box_2"),
            ("a b\u{1b}[2Jé", "ab2J"),
            ("", "daaaa"),
            ("\u{7}", "daaaa"),
            (&"x".repeat(300), &"x".repeat(32)),
        ] {
            let made = DeviceId::make(host, &[0; 8]);
            assert_eq!(DeviceId::try_from(made.as_str()).as_ref(), Ok(&made), "{host:?}");
            assert_eq!(made.name(), name, "{host:?}");
        }
        for (id, name) in [("x", "x"), ("dabcdefghijkl", "dabcd"), ("thread-client", "threa")] {
            assert_eq!(DeviceId::try_from(id).unwrap().name(), name);
        }
    }

    #[test]
    fn store_ids_name_their_thread() {
        let thread = ThreadId::try_from("abcdefgh").unwrap();
        assert_eq!(StoreId::thread(&thread).as_thread(), Some(thread));
        assert_eq!(StoreId::mailbox().as_thread(), None);
    }

    #[test]
    fn base32_is_rfc_4648() {
        assert_eq!(base32(b"foobar", 10), "mzxw6ytboi");
    }
}
