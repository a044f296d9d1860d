//! What an action did, in short: enough to say it in history and to do it again, without the log of
//! any thread.
//!
//! Invariant: written as small arrays, `["place","archive"]`; reading is total: what is not known
//! here is [`Deed::Unknown`], which can be neither named nor done again.

use serde_json::{Value, json};

use crate::id::{ActionId, LabelId, ThreadId};
use crate::label::Place;
use crate::mailbox::event::MailboxEvent;

/// Deeds of one action on one thread that are kept; of more of them nothing is known.
pub const MAX_DEEDS: usize = 32;

/// One change that an action made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Into a place.
    Place(Place),
    /// Out of a place.
    Leave(Place),
    /// A user label on (`true`) or off.
    Label(LabelId, bool),
    /// Marked read (`true`) or unread.
    Read(bool),
    /// The star on (`true`) or off.
    Star(bool),
    /// Muted (`true`) or not.
    Mute(bool),
    /// Hidden until Unix seconds; `None` ended it.
    Snooze(Option<i64>),
    /// Joined with a thread (`true`) or split from it.
    Link(ThreadId, bool),
    /// Undid an action.
    Undo(ActionId),
    /// Made a label of this name.
    Made(LabelId, String),
    /// Gave a label this name.
    Renamed(LabelId, String),
    /// Gave a label this colour.
    Recolored(LabelId, Option<String>),
    /// Hid a label.
    Deleted(LabelId),
    /// Saved a search under this name: its id, its name, what it asks.
    SearchSaved(LabelId, String, String),
    /// Removed the search of this name.
    SearchRemoved(LabelId, String),
    /// Wrote, threw away, queued or took back a draft.
    Draft(DraftDeed),
    /// Something that this version does not know.
    Unknown,
}

/// What was done with a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DraftDeed {
    /// Written down.
    Saved,
    /// Thrown away.
    Discarded,
    /// Queued to be sent.
    Queued,
    /// Taken back before it was sent.
    Cancelled,
}

impl DraftDeed {
    const ALL: [Self; 4] = [Self::Saved, Self::Discarded, Self::Queued, Self::Cancelled];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Discarded => "discarded",
            Self::Queued => "queued",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Deed {
    /// Its short form.
    #[must_use]
    pub fn value(&self) -> Value {
        match self {
            Self::Place(place) => json!(["place", place]),
            Self::Leave(place) => json!(["leave", place]),
            Self::Label(label, on) => json!(["label", label, on]),
            Self::Read(on) => json!(["read", on]),
            Self::Star(on) => json!(["star", on]),
            Self::Mute(on) => json!(["mute", on]),
            Self::Snooze(until) => json!(["snooze", until]),
            Self::Link(thread, on) => json!(["link", thread, on]),
            Self::Undo(action) => json!(["undo", action]),
            Self::Made(label, name) => json!(["made", label, name]),
            Self::Renamed(label, name) => json!(["renamed", label, name]),
            Self::Recolored(label, color) => json!(["recolored", label, color]),
            Self::Deleted(label) => json!(["deleted", label]),
            Self::SearchSaved(id, name, query) => json!(["search", id, name, query]),
            Self::SearchRemoved(id, name) => json!(["unsearch", id, name]),
            Self::Draft(deed) => json!(["draft", deed.as_str()]),
            Self::Unknown => json!(["unknown"]),
        }
    }

    /// Reads a short form.
    #[must_use]
    pub fn read(value: &Value) -> Self {
        Self::known(value).unwrap_or(Self::Unknown)
    }

    fn known(value: &Value) -> Option<Self> {
        let parts = value.as_array()?;
        let on = |at: usize| parts.get(at)?.as_bool();
        let text = |at: usize| parts.get(at)?.as_str();
        let label = || LabelId::try_from(text(1)?).ok();
        Some(match text(0)? {
            "place" => Self::Place(Place::parse(text(1)?)?),
            "leave" => Self::Leave(Place::parse(text(1)?)?),
            "label" => Self::Label(label()?, on(2)?),
            "read" => Self::Read(on(1)?),
            "star" => Self::Star(on(1)?),
            "mute" => Self::Mute(on(1)?),
            "snooze" if parts.get(1)?.is_null() => Self::Snooze(None),
            "snooze" => Self::Snooze(Some(parts.get(1)?.as_i64()?)),
            "link" => Self::Link(ThreadId::try_from(text(1)?).ok()?, on(2)?),
            "undo" => Self::Undo(ActionId::try_from(text(1)?).ok()?),
            "made" => Self::Made(label()?, text(2)?.to_owned()),
            "renamed" => Self::Renamed(label()?, text(2)?.to_owned()),
            "recolored" => Self::Recolored(label()?, text(2).map(str::to_owned)),
            "deleted" => Self::Deleted(label()?),
            "search" => Self::SearchSaved(label()?, text(2)?.to_owned(), text(3)?.to_owned()),
            "unsearch" => Self::SearchRemoved(label()?, text(2)?.to_owned()),
            "draft" => {
                let word = text(1)?;
                Self::Draft(DraftDeed::ALL.into_iter().find(|deed| deed.as_str() == word)?)
            }
            _ => return None,
        })
    }

    /// What an event of the Mailbox store itself did; `None` for one that mirrors a thread.
    #[must_use]
    pub fn of_mailbox(event: &MailboxEvent) -> Option<Self> {
        Some(match event {
            MailboxEvent::Undone(undo) => Self::Undo(undo.action.clone()),
            MailboxEvent::LabelCreated(label) => Self::Made(label.id.clone(), label.name.clone()),
            MailboxEvent::LabelRenamed(label) => {
                Self::Renamed(label.id.clone(), label.name.clone())
            }
            MailboxEvent::LabelRecolored(label) => {
                Self::Recolored(label.id.clone(), label.color.clone())
            }
            MailboxEvent::LabelDeleted(label) => Self::Deleted(label.id.clone()),
            MailboxEvent::SearchSaved(saved) => {
                Self::SearchSaved(saved.id.clone(), saved.name.clone(), saved.query.clone())
            }
            MailboxEvent::SearchRemoved(gone) => {
                Self::SearchRemoved(gone.id.clone(), gone.name.clone())
            }
            _ => return None,
        })
    }

    /// Whether it was done to the Mailbox store itself, not to a thread.
    #[must_use]
    pub const fn is_of_mailbox(&self) -> bool {
        matches!(
            self,
            Self::Made(..)
                | Self::Renamed(..)
                | Self::Recolored(..)
                | Self::Deleted(..)
                | Self::SearchSaved(..)
                | Self::SearchRemoved(..)
        )
    }
}

/// Deeds as one text, as they are stored; empty for none.
#[must_use]
pub fn deeds_text(deeds: &[Deed]) -> String {
    if deeds.is_empty() {
        return String::new();
    }
    Value::Array(deeds.iter().map(Deed::value).collect()).to_string()
}

/// Reads such a text.
#[must_use]
pub fn read_deeds(text: &str) -> Vec<Deed> {
    match serde_json::from_str(text) {
        Ok(Value::Array(deeds)) => deeds.iter().map(Deed::read).collect(),
        _ if text.is_empty() => Vec::new(),
        _ => vec![Deed::Unknown],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let label = || LabelId::try_from("work").unwrap();
        let all = [
            Deed::Place(Place::Archive),
            Deed::Leave(Place::Inbox),
            Deed::Label(label(), true),
            Deed::Read(false),
            Deed::Star(true),
            Deed::Mute(true),
            Deed::Snooze(Some(-7)),
            Deed::Snooze(None),
            Deed::Link(ThreadId::try_from("aaaaaaaa").unwrap(), false),
            Deed::Undo(ActionId::try_from("x").unwrap()),
            Deed::Made(label(), "Wörk \"1\"".to_owned()),
            Deed::Renamed(label(), "Job".to_owned()),
            Deed::Recolored(label(), None),
            Deed::Recolored(label(), Some("red".to_owned())),
            Deed::Deleted(label()),
            Deed::SearchSaved(label(), "Bills".to_owned(), "from:\"a b\" -x".to_owned()),
            Deed::SearchRemoved(label(), "Bills".to_owned()),
            Deed::Draft(DraftDeed::Queued),
            Deed::Unknown,
        ];
        assert_eq!(read_deeds(&deeds_text(&all)), all);
        assert_eq!(deeds_text(&all[..1]), r#"[["place","archive"]]"#);
    }

    #[test]
    fn what_has_no_shape_is_unknown() {
        for text in [
            r#"[["place","attic"]]"#,
            r#"[["label","a b",true]]"#,
            r#"[["label","work"]]"#,
            r#"[["snooze","soon"]]"#,
            r#"[["flown"]]"#,
            "[[]]",
            "[7]",
            "{}",
            "nonsense",
        ] {
            assert_eq!(read_deeds(text), [Deed::Unknown], "{text}");
        }
        assert_eq!(read_deeds(""), []);
    }
}
