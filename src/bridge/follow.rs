//! What changed at a source since it was last seen, and what that means for a conversation.
//!
//! Invariant: pure, and three-way: only what the source says otherwise than it did last is
//! followed, whatever the conversation is now; so what the user did here stands against a source
//! that did not change. Nothing here removes a message.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Said;
use crate::id::{MessageId, ThreadId};
use crate::label::Place;
use crate::mail::Flags;

/// What a source changed of one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follow {
    /// The conversation.
    pub thread: ThreadId,
    /// Names the change: the same again adds nothing, a later one has another.
    pub token: String,
    /// The messages of the conversation that the source knows: no other is hidden.
    pub covers: Vec<MessageId>,
    /// What changed.
    #[serde(flatten)]
    pub change: Change,
}

/// What changed, net.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// Flags of messages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<FlagsChange>,
    /// Where the conversation is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Names of labels that it has now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<String>,
    /// Names of labels that it has no more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub off: Vec<String>,
}

/// What changed of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagsChange {
    /// The message.
    pub message: MessageId,
    /// On now.
    #[serde(default)]
    pub set: Flags,
    /// Off now.
    #[serde(default)]
    pub cleared: Flags,
    /// Whether it is our own sent mail now, where that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<bool>,
}

/// What became of a [`Follow`]; durable when it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Followed {
    /// It is in the conversation's log.
    Done,
    /// There is no such conversation.
    Absent,
}

/// A message in a file of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The message.
    pub message: MessageId,
    /// What is said of it there.
    pub said: Said,
    /// Whether it was not known before: then it has spoken for itself when it was taken in.
    pub new: bool,
}

/// One file's word on a message, before and now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The message.
    pub message: MessageId,
    /// Before.
    pub before: Said,
    /// Now.
    pub now: Said,
}

impl Change {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What changed of a conversation, from all its occurrences in the source before and now, and
    /// the files that have another word now.
    #[must_use]
    pub fn of(before: &[Occurrence], now: &[Occurrence], pairs: &[Pair]) -> Self {
        let (on, off) = labels(before, now);
        Self { flags: flags(pairs), place: place(before, now), on, off }
    }
}

/// The conversation's place, where it changed because a message that was known moved. It follows
/// when no message is left where it is less hidden.
fn place(before: &[Occurrence], now: &[Occurrence]) -> Option<Place> {
    let (was, is) = (homes(before), homes(now));
    let moved = was.iter().any(|(message, (place, _))| {
        is.get(message).is_some_and(|(now, _)| now != place) // one that is gone moved nowhere
    });
    let (from, to) = (shown(&was)?, shown(&is)?);
    (moved && from != to).then_some(to)
}

/// Each message's place and whether it is our own: with several files the least hidden one counts.
fn homes(occurrences: &[Occurrence]) -> BTreeMap<&MessageId, (Place, bool)> {
    let mut homes = BTreeMap::new();
    for Occurrence { message, said, .. } in occurrences {
        let (home, own) = homes.entry(message).or_insert((said.home(), said.own()));
        *home = said.home().min(*home);
        *own &= said.own();
    }
    homes
}

/// Where a conversation of these messages is: our own answers do not keep it anywhere.
fn shown(homes: &BTreeMap<&MessageId, (Place, bool)>) -> Option<Place> {
    let received = homes.values().filter(|(_, own)| !own).map(|(place, _)| *place).min();
    received.or_else(|| homes.values().map(|(place, _)| *place).min())
}

/// Labels that came and went. A message that is gone leaves its labels; one that came in brought
/// its own.
fn labels(before: &[Occurrence], now: &[Occurrence]) -> (Vec<String>, Vec<String>) {
    let names = |some: &mut dyn Iterator<Item = &Occurrence>| -> BTreeSet<String> {
        some.flat_map(|occurrence| occurrence.said.labels.clone()).collect()
    };
    let here: BTreeSet<&MessageId> = now.iter().map(|occurrence| &occurrence.message).collect();
    let was = names(&mut before.iter());
    let is = names(&mut now.iter().filter(|occurrence| !occurrence.new));
    let mut kept = names(&mut before.iter().filter(|gone| !here.contains(&gone.message)));
    kept.extend(names(&mut now.iter()));
    (is.difference(&was).cloned().collect(), was.difference(&kept).cloned().collect())
}

/// Flags that changed, a message once; where two files disagree the one that sets a flag counts.
fn flags(pairs: &[Pair]) -> Vec<FlagsChange> {
    let mut changes: BTreeMap<&MessageId, FlagsChange> = BTreeMap::new();
    for Pair { message, before, now } in pairs {
        let set = minus(now.flags, before.flags);
        let mut cleared = minus(before.flags, now.flags);
        let mut sent = (before.sent != now.sent).then_some(now.sent);
        if matches!(now.home(), Place::Spam | Place::Trash) {
            // Our own mail is that in the trash too, where no folder says so.
            cleared.draft = false;
            sent = sent.filter(|sent| *sent);
        }
        if set == Flags::default() && cleared == Flags::default() && sent.is_none() {
            continue;
        }
        let empty = || FlagsChange {
            message: message.clone(),
            set: Flags::default(),
            cleared: Flags::default(),
            sent: None,
        };
        let change = changes.entry(message).or_insert_with(empty);
        change.set = plus(change.set, set);
        change.cleared = minus(plus(change.cleared, cleared), change.set);
        change.sent = sent.or(change.sent);
    }
    changes.into_values().collect()
}

/// Flags of `a` that are not in `b`. What is thrown away is a place, and no flag.
fn minus(a: Flags, b: Flags) -> Flags {
    Flags {
        read: a.read && !b.read,
        starred: a.starred && !b.starred,
        answered: a.answered && !b.answered,
        forwarded: a.forwarded && !b.forwarded,
        draft: a.draft && !b.draft,
        trashed: false,
    }
}

fn plus(a: Flags, b: Flags) -> Flags {
    Flags {
        read: a.read || b.read,
        starred: a.starred || b.starred,
        answered: a.answered || b.answered,
        forwarded: a.forwarded || b.forwarded,
        draft: a.draft || b.draft,
        trashed: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::{folder, maildir};

    /// `MESSAGE FOLDER[:FLAGS]`, separated by commas; `!` before a message that is new.
    fn occurrences(text: &str) -> Vec<Occurrence> {
        let one = |text: &str| {
            let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
            let (path, letters) = rest.split_once(':').unwrap_or((rest, ""));
            let named = maildir::flags(&format!("x:2,{letters}"));
            let folder = folder::of_path(path.split('/'));
            Occurrence {
                message: MessageId::try_from(name.trim_start_matches('!')).unwrap(),
                said: Said::of(folder, named, None, Vec::new()),
                new: name.starts_with('!'),
            }
        };
        text.split(", ").filter(|text| !text.is_empty()).map(one).collect()
    }

    fn told(change: &Change) -> String {
        let mut told = Vec::new();
        for FlagsChange { message, set, cleared, sent } in &change.flags {
            let mut one = message.to_string();
            for (sign, flags) in [('+', set), ('-', cleared)] {
                let all = [flags.read, flags.starred, flags.answered, flags.forwarded, flags.draft];
                let letters = all.iter().zip("SFRPD".chars()).filter(|(on, _)| **on);
                for (_, letter) in letters {
                    one.push(sign);
                    one.push(letter);
                }
            }
            one.extend(sent.map(|sent| if sent { "+sent" } else { "-sent" }));
            told.push(one);
        }
        told.extend(change.place.map(|place| place.as_str().to_owned()));
        told.extend(change.on.iter().map(|name| format!("+{name}")));
        told.extend(change.off.iter().map(|name| format!("-{name}")));
        told.join(" ")
    }

    /// The k-th occurrence of a message before is the k-th now, as one file.
    fn check(before: &str, now: &str, expected: &str) {
        let (was, is) = (occurrences(before), occurrences(now));
        let mut left: Vec<_> = is.iter().filter(|occurrence| !occurrence.new).collect();
        let mut pairs = Vec::new();
        for old in &was {
            let Some(at) = left.iter().position(|new| new.message == old.message) else { continue };
            let (message, before) = (old.message.clone(), old.said.clone());
            pairs.push(Pair { message, before, now: left.remove(at).said.clone() });
        }
        let change = Change::of(&was, &is, &pairs);
        assert_eq!(told(&change), expected, "{before:?} → {now:?}");
        let again = Change::of(&is, &is, &[]);
        assert!(again.is_empty(), "what did not change is not followed: {again:?}");
    }

    #[test]
    fn flags_that_changed_and_only_those() {
        let cases = [
            ("a INBOX", "a INBOX", ""),
            ("a INBOX", "a INBOX:S", "a+S"),
            ("a INBOX:S", "a INBOX:FRPS", "a+F+R+P"),
            ("a INBOX:FRPS", "a INBOX:R", "a-S-F-P"),
            ("a INBOX:FS", "a INBOX:RS", "a+R-F"),
            ("a INBOX, b INBOX", "a INBOX, b INBOX:S", "b+S"),
            ("a Drafts", "a INBOX", "a-D inbox"),
            ("a Drafts", "a Sent", "a-D+sent"),
            // Two files of one message: whichever changes first is followed.
            ("a INBOX, a work", "a INBOX:S, a work", "a+S"),
            ("a INBOX:S, a work", "a INBOX:S, a work:S", "a+S"),
            ("a INBOX, a work:S", "a INBOX:S, a work", "a+S"),
        ];
        for (before, now, expected) in cases {
            check(before, now, expected);
        }
    }

    #[test]
    fn a_conversation_moves_when_none_of_it_is_left_behind() {
        let cases = [
            ("a INBOX", "a Archive", "archive"),
            ("a Archive", "a INBOX", "inbox"),
            ("a INBOX", "a INBOX:T", "trash"),
            ("a INBOX:T", "a INBOX", "inbox"),
            ("a Trash", "a Trash/old", "+Trash/old"),
            ("a INBOX, b INBOX", "a Archive, b INBOX", ""),
            ("a Archive, b INBOX", "a Archive, b Archive", "archive"),
            ("a Archive, b INBOX", "a Archive, b Trash", "archive"),
            ("a INBOX, b INBOX", "a Trash, b Trash", "trash"),
            // Our own answer keeps nothing in the archive.
            ("a INBOX, b Sent:S", "a Trash, b Sent:S", "trash"),
            ("b Sent:S", "b Trash:S", "trash"),
            // Another file of the same message is still there.
            ("a INBOX, a Archive", "a INBOX, a Trash", ""),
            ("a INBOX, a Archive", "a Archive", "archive"),
            ("a INBOX, a Archive", "a INBOX", ""),
            // What came in has spoken for itself, and is not left behind.
            ("a INBOX", "a Archive, !b INBOX", ""),
            ("a Archive", "a Archive, !b INBOX", ""),
            // What is gone moved nowhere.
            ("a INBOX", "", ""),
            ("a INBOX, b Archive", "b Archive", ""),
            ("a INBOX, b INBOX", "b Archive", "archive"),
        ];
        for (before, now, expected) in cases {
            check(before, now, expected);
        }
    }

    #[test]
    fn labels_come_and_go_with_folders() {
        let cases = [
            ("a work", "a home", "+home -work"),
            ("a work, b work", "a home, b work", "+home"),
            ("a work, a home", "a home", "-work"),
            ("a INBOX", "a INBOX, a work", "+work"),
            ("a work", "a Archive", "archive -work"),
            ("a work", "", ""),
            ("a work, b INBOX", "b INBOX", ""),
            ("a INBOX", "a INBOX, !b work", ""),
            ("a work", "a INBOX, !b work", ""),
        ];
        for (before, now, expected) in cases {
            check(before, now, expected);
        }
    }
}
