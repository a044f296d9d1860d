//! An event: an immutable fact in a store's log.
//!
//! Invariant: the id, fixed at commit, is the identity for confirmation and deduplication; the
//! arguments are kept byte for byte as they were committed, for the chain.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::id::{ActionId, DeviceId, Epoch, EventId};

/// The arguments of an event: one JSON value, kept as text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Args(Box<RawValue>);

impl Args {
    /// The JSON text of `value`.
    #[must_use]
    pub fn of<T: Serialize>(value: &T) -> Self {
        serde_json::value::to_raw_value(value).map_or_else(|_| Self::nothing(), Self)
    }

    /// Arguments from stored text; anything that is not JSON is no arguments.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        RawValue::from_string(text).map_or_else(|_| Self::nothing(), Self)
    }

    /// No arguments.
    #[must_use]
    pub fn nothing() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    /// The JSON text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// Reads the arguments; `None` when they do not have this shape.
    #[must_use]
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.0.get()).ok()
    }
}

impl PartialEq for Args {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Args {}

/// All events of one intent: the unit of undo and history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its id.
    pub id: ActionId,
    /// What it was, such as `archive`.
    pub name: String,
    /// When, by the device's clock, Unix milliseconds. Never used for order.
    pub at: i64,
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
