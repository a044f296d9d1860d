//! What a query may ask of who asks it, before it is read: to have it at hand takes longer than
//! most searches do.
//!
//! Invariant: pure; never too little: what is not wanted changes nothing of what is read. It may be
//! too much.

use super::operator::{self, Operator};

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wants {
    /// Saved searches, by name.
    pub saved: bool,
    /// Where a day begins.
    pub zone: bool,
    /// The user's own addresses.
    pub me: bool,
}

impl Wants {
    /// Of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        // Behind a letter or a digit it is within a word: an address. The number behind AROUND is
        // read by itself.
        let begins = |at: usize| !text[..at].ends_with(char::is_alphanumeric);
        let saved = text.match_indices('@').any(|(at, _)| begins(at) || text.contains("AROUND"));
        let zone = text.match_indices(':').any(|(at, _)| is_of_days(&text[..at]));
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        let me = words.any(|word| word.eq_ignore_ascii_case("me"));
        // A saved search may ask for all of it.
        Self { saved, zone: zone || saved, me: me || saved }
    }
}

/// Whether the operator at the end of `text` asks for days.
fn is_of_days(text: &str) -> bool {
    use Operator::{After, Before, NewerThan, OlderThan, On};
    let behind = text.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let found = operator::find(&text[behind.len()..]);
    matches!(found, Some(Before | After | On | OlderThan | NewerThan))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::super::{Context, Named, parse};
    use super::*;
    use crate::id::LabelId;

    #[test]
    fn what_queries_want() {
        for (text, expected) in [
            ("a", ""),
            ("from:ann@x.example", ""),
            ("from:ann is:unread larger:2M", ""),
            ("@work", "saved zone me"),
            ("x -@work", "saved zone me"),
            ("(@work)", "saved zone me"),
            ("from:me", "me"),
            ("a Me b", "me"),
            ("before:2020", "zone"),
            ("-ON:2020-01", "zone"),
            ("x (newer_than:2d)", "zone"),
            ("a AROUND 3@work", "saved zone me"),
        ] {
            let wants = Wants::of(text);
            let said = [(wants.saved, "saved"), (wants.zone, "zone"), (wants.me, "me")];
            let said: Vec<&str> =
                said.into_iter().filter(|(wanted, _)| *wanted).map(|(_, name)| name).collect();
            assert_eq!(said.join(" "), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_not_wanted_changes_nothing(
            parts in prop::collection::vec(prop::sample::select(vec![
                "@a", "@b", "a", "b", "me", " ", " ", "(", ")", "{", "}", "\"", "|", "-", "+", ":",
                "from:", "to:", "on:", "before:2020", "older_than:2d", "AROUND", "OR", "NOT", "3",
                ".", "\u{e9}", "_", "label:", "subject:",
            ]), 0..12),
            typing in any::<bool>(),
        ) {
            let text = parts.concat();
            let wants = Wants::of(&text);
            let saved = ["a", "b", "3", "me"].map(|name| Named {
                id: LabelId::try_from(format!("saved-{name}")).unwrap(),
                name: name.to_owned(),
                query: "on:2020 from:me x".to_owned(),
            });
            let (far, me) = (TimeZone::fixed(jiff::tz::offset(9)), ["me@x.example".to_owned()]);
            let all = Context { now: 1_600_000_000, zone: &far, me: &me, typing, saved: &saved };
            let zone = if wants.zone { &far } else { &TimeZone::UTC };
            let least = Context {
                zone,
                me: if wants.me { &me } else { &[] },
                saved: if wants.saved { &saved } else { &[] },
                ..all.clone()
            };
            let (all, least) = (parse(&text, &all), parse(&text, &least));
            prop_assert_eq!(format!("{:?}", all), format!("{:?}", least), "{}", text);
        }
    }
}
