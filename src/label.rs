//! The fixed label ids, and the places.
//!
//! Invariant: a thread is in exactly one place; derived labels are never applied by hand. This file
//! must not know tables or events.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use crate::id::{LabelId, base32};

/// The longest label name that is kept, in characters.
pub const MAX_NAME_CHARS: usize = 120;

/// The one of four that a thread is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// Waits for the user.
    Inbox,
    /// Done, kept.
    Archive,
    /// Unwanted.
    Spam,
    /// Thrown away.
    Trash,
}

impl Place {
    /// All places, in the order in which a linked row shows the first that a member is in.
    pub const ALL: [Self; 4] = [Self::Inbox, Self::Archive, Self::Spam, Self::Trash];

    /// The label id of this place.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Archive => "archive",
            Self::Spam => "spam",
            Self::Trash => "trash",
        }
    }

    /// The place with this label id.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.as_str() == id)
    }

    /// How hidden a thread is there: a move to a greater value hides it.
    #[must_use]
    pub const fn hidden(self) -> u8 {
        match self {
            Self::Inbox => 0,
            Self::Archive => 1,
            Self::Spam | Self::Trash => 2,
        }
    }

    /// The label of this place.
    #[must_use]
    pub fn label(self) -> LabelId {
        system(self.as_str())
    }
}

/// Labels that the materializer derives; nobody applies them.
pub const DERIVED: [&str; 7] =
    ["starred", "unread", "sent", "drafts", "outbox", "snoozed", "muted"];

/// Lists that are not labels: every thread but trash and spam, and every thread.
pub const VIRTUAL: [&str; 2] = ["all", "anywhere"];

/// Whether `id` belongs to the system: a place, a derived label or a virtual list.
#[must_use]
pub fn is_system(id: &str) -> bool {
    Place::parse(id).is_some() || DERIVED.contains(&id) || VIRTUAL.contains(&id)
}

/// The system's label or virtual list with this id.
#[must_use]
pub fn system_id(id: &str) -> Option<LabelId> {
    is_system(id).then(|| LabelId::try_from(id).ok()).flatten()
}

/// The label with a fixed system id.
///
/// # Panics
/// Never for the ids of this file; they are valid by construction.
#[must_use]
#[expect(clippy::expect_used, reason = "the ids of this file are constants")]
pub fn system(id: &'static str) -> LabelId {
    LabelId::try_from(id).expect("invariant: system ids are valid ids")
}

/// Colours that a label can have: the names of a terminal's palette.
pub const COLORS: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// The colour with this name, in any case; `grey` and `gray` are `bright-black`.
#[must_use]
pub fn color(name: &str) -> Option<&'static str> {
    let name = name.trim().to_ascii_lowercase().replace([' ', '_'], "-");
    let name = if name == "grey" || name == "gray" { "bright-black" } else { &name };
    COLORS.into_iter().find(|known| *known == name)
}

/// The name as it is stored: marks composed, control characters and outer white space gone, inner
/// runs of white space one space, at most [`MAX_NAME_CHARS`]. `None` when nothing is left.
#[must_use]
pub fn clean_name(name: &str) -> Option<String> {
    let words: String = crate::safe_text::line(name).nfc().collect();
    let cleaned: String = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let cleaned: String = cleaned.chars().take(MAX_NAME_CHARS).collect();
    (!cleaned.is_empty()).then_some(cleaned)
}

/// What two names have in common that are one label: their case and the form of their marks do not
/// count.
#[must_use]
pub fn folded(name: &str) -> String {
    clean_name(name).unwrap_or_default().to_lowercase()
}

/// Ids of the labels that are made with `name`, in the order in which they are tried: a label that
/// was renamed keeps its id, and its old name is free for another.
pub fn ids_for(name: &str) -> impl Iterator<Item = LabelId> + use<> {
    let first = user_label(name);
    let lower = folded(name);
    let further = (2_u32..).map(move |n| hashed(&format!("{lower}\0{n}")));
    std::iter::once(first).chain(further)
}

#[expect(clippy::expect_used, reason = "base 32 holds only characters of the id alphabet")]
fn hashed(text: &str) -> LabelId {
    let id = format!("l_{}", base32(blake3::hash(text.as_bytes()).as_bytes(), 16));
    LabelId::try_from(id).expect("invariant: a hash is a valid id")
}

/// The id of the user label that is first made with `name`: the same on every device, so that two
/// devices that make it offline make one label. Simple names are their own id.
///
/// # Panics
/// Never: both forms are valid ids.
#[must_use]
#[expect(clippy::expect_used, reason = "a slug holds only characters of the id alphabet")]
pub fn user_label(name: &str) -> LabelId {
    let lower = clean_name(name).unwrap_or_default().to_lowercase();
    let simple = lower.len() <= 40
        && lower.starts_with(|c: char| c.is_ascii_alphanumeric())
        && lower
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/'))
        && !is_system(&lower);
    if simple {
        LabelId::try_from(lower).expect("invariant: a slug is a valid id")
    } else {
        hashed(&lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_names_are_their_own_id_and_others_are_hashed() {
        assert_eq!(user_label("Work").as_str(), "work");
        assert!(user_label("Größe").as_str().starts_with("l_"));
        assert!(user_label("Inbox").as_str().starts_with("l_"), "never a system id");
        assert_eq!(user_label("ÄB"), user_label("äb"));
        assert_eq!(user_label("A\u{308}b"), user_label("äb"), "however its marks are written");
    }

    #[test]
    fn an_old_name_is_free_for_another_label() {
        let ids: Vec<LabelId> = ids_for("Work").take(3).collect();
        assert_eq!(ids[0], user_label("work"));
        assert!(ids[1] != ids[2] && ids[1].as_str().starts_with("l_"));
        assert_eq!(ids, ids_for(" WORK").take(3).collect::<Vec<_>>());
    }

    #[test]
    fn colours_have_the_names_of_the_palette() {
        for (typed, known) in [
            ("red", Some("red")),
            ("Bright Blue", Some("bright-blue")),
            ("gray", Some("bright-black")),
            ("#ff0000", None),
            ("none", None),
        ] {
            assert_eq!(color(typed), known, "{typed}");
        }
    }
}
