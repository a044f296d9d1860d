//! An event: an immutable fact in a store's log.
//!
//! Invariant: the id, fixed at commit, is the identity for confirmation and deduplication; the
//! arguments are kept byte for byte as they were committed, for the chain. Arguments that were
//! taken out leave their hash, so that the chain still holds.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::log_row::pack;
use crate::id::{ActionId, DeviceId, Epoch, EventId};

/// How arguments begin whose content was taken out; the hash of what they were follows.
const GONE: &str = "{\"gone\":\"";
/// Hexadecimal digits of a hash.
const HASH_DIGITS: usize = 64;

/// What is left of arguments whose content was taken out.
#[derive(Serialize)]
struct Left<'a, T> {
    /// The hash of what they were.
    gone: String,
    #[serde(flatten)]
    rest: &'a T,
}

/// The arguments of an event: one JSON value, kept as text. What is not JSON after all (a damaged
/// row) reads as nothing, and is nothing to whoever it is sent to.
#[derive(Debug, Clone)]
pub struct Args {
    text: Box<str>,
    /// What follows from the text, where it was made ahead.
    ahead: Option<Arc<Ahead>>,
}

/// What a log needs of arguments beside their text.
#[derive(Debug)]
struct Ahead {
    hash: blake3::Hash,
    packed: Vec<u8>,
}

impl PartialEq for Args {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Args {}

impl Args {
    /// The JSON text of `value`.
    #[must_use]
    pub fn of<T: Serialize>(value: &T) -> Self {
        serde_json::value::to_raw_value(value).map_or_else(|_| Self::nothing(), Self::from)
    }

    /// Arguments from stored text; anything that is not JSON is no arguments.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        RawValue::from_string(text).map_or_else(|_| Self::nothing(), Self::from)
    }

    /// Arguments from a row of a log, which were looked at when they were put there: a log is read
    /// far more often than it is written, and whoever reads them or sends them on looks again.
    pub(super) fn from_log(text: String) -> Self {
        Self { text: text.into_boxed_str(), ahead: None }
    }

    /// No arguments.
    #[must_use]
    pub fn nothing() -> Self {
        Self { text: RawValue::NULL.get().into(), ahead: None }
    }

    /// What is left when the content is taken out: the hash, for the chain, and the fields of
    /// `rest`, which must be written as an object. Taken out twice is taken out once.
    #[must_use]
    pub fn without_content<T: Serialize>(&self, rest: &T) -> Self {
        Self::of(&Left { gone: self.hash().to_hex().to_string(), rest })
    }

    /// Whether the content was taken out.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.gone().is_some()
    }

    /// The hash of the arguments as they were committed.
    #[must_use]
    pub fn hash(&self) -> blake3::Hash {
        match &self.ahead {
            Some(ahead) => ahead.hash,
            None => self.gone().unwrap_or_else(|| blake3::hash(self.text().as_bytes())),
        }
    }

    /// Hashed and compressed now, away from the thread that puts them into a log.
    #[must_use]
    pub fn made_ready(mut self) -> Self {
        let (hash, packed) = (self.hash(), pack(&self.text).into_owned());
        self.ahead = Some(Arc::new(Ahead { hash, packed }));
        self
    }

    /// The bytes that stand for them in a log.
    pub(super) fn packed(&self) -> Cow<'_, [u8]> {
        match &self.ahead {
            Some(ahead) => Cow::Borrowed(&ahead.packed),
            None => pack(&self.text),
        }
    }

    fn gone(&self) -> Option<blake3::Hash> {
        let rest = self.text().strip_prefix(GONE)?;
        let digits = rest.get(..HASH_DIGITS)?;
        rest[HASH_DIGITS..].starts_with('"').then(|| blake3::Hash::from_hex(digits).ok())?
    }

    /// The JSON text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads the arguments; `None` when they do not have this shape.
    #[must_use]
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(&self.text).ok()
    }
}

impl From<Box<RawValue>> for Args {
    fn from(value: Box<RawValue>) -> Self {
        Self { text: value.into(), ahead: None }
    }
}

impl Serialize for Args {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: Option<&RawValue> = self.read();
        value.unwrap_or(RawValue::NULL).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Args {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Box::<RawValue>::deserialize(deserializer)?.into())
    }
}

/// All events of one intent: the unit of undo and history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its id.
    pub id: ActionId,
    /// What it was, such as `archive`.
    pub name: String,
    /// When, by the device's clock, Unix milliseconds. Never used for order.
    pub at: i64,
    /// The undone action that it does again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redoes: Option<ActionId>,
}

/// An event before the backend has given it a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEvent {
    /// The identity.
    pub id: EventId,
    /// Name with version, such as `v1.ThreadLabelApplied`.
    pub name: String,
    /// Arguments.
    pub args: Args,
    /// Who committed it.
    pub device: DeviceId,
    /// The action it belongs to; mail that comes in has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// The epoch in which it was first offered.
    pub epoch: Epoch,
}

/// An event with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Contiguous from 1 in each store.
    pub position: u64,
    /// The event.
    pub event: NewEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_in_a_log_is_nothing_to_others() {
        for (text, sent) in [("{\"a\":1}", "{\"a\":1}"), ("{\"a\":", "null"), ("7 8", "null")] {
            let args = Args::from_log(text.to_owned());
            assert_eq!(serde_json::to_string(&args).unwrap(), sent, "{text}");
            assert_eq!(args.read::<serde_json::Value>().is_some(), sent != "null", "{text}");
            assert_eq!(Args::from_text(text.to_owned()).text(), sent);
            assert_eq!(args.text(), text, "the chain is over what stands there");
        }
    }

    #[test]
    fn arguments_that_were_made_ready_are_the_same_arguments() {
        for text in [format!("\"{}\"", "long ".repeat(1_000)), "{}".to_owned()] {
            let args = Args::from_text(text);
            let ready = args.clone().made_ready();
            assert_eq!((&ready, ready.hash()), (&args, args.hash()));
            assert_eq!(ready.packed(), args.packed());
        }
    }

    #[test]
    fn arguments_without_content_keep_their_hash_and_what_is_left_is_read() {
        let full = Args::of(&serde_json::json!({ "subject": "secret", "at": 7 }));
        let left = full.without_content(&serde_json::json!({ "at": 7 }));
        assert!(left.is_gone() && !full.is_gone() && !left.text().contains("secret"));
        assert_eq!(left.hash(), full.hash());
        assert_eq!(left.without_content(&serde_json::json!({ "at": 7 })), left);
        assert_eq!(left.read::<serde_json::Value>().unwrap()["at"], 7);
        for text in ["{\"gone\":\"ab\"}", "{\"gone\":7}", "null", "{\"gone\":\""] {
            assert!(!Args::from_text(text.to_owned()).is_gone(), "{text}");
        }
    }
}
