//! What both sides agreed on of a conversation, and what was sent since: so that a server's word is
//! told from an echo of our own.
//!
//! Invariant: pure. An echo is heard once as what it is: both sides agree on it then, and what was
//! done here meanwhile goes out after it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bridge::follow::Change;
use crate::id::MessageId;
use crate::imap::orders::{Aligned, Ours};
use crate::mail::Flags;

/// What both sides last agreed on, and what was ordered since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agreed {
    /// What both said.
    #[serde(flatten)]
    pub(crate) stand: Aligned,
    /// What the server was told and has not confirmed.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sent: Option<Sent>,
}

/// What the server was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    #[serde(flatten)]
    stand: Aligned,
    /// The read marks.
    #[serde(rename = "r", default)]
    read: BTreeMap<MessageId, bool>,
}

impl Sent {
    /// The conversation as it is.
    pub(crate) fn of(ours: &Ours) -> Self {
        let marked = ours.messages.iter().filter(|message| !message.own);
        Self {
            stand: ours.stand.clone(),
            read: marked.map(|message| (message.id.clone(), message.read)).collect(),
        }
    }
}

impl Agreed {
    /// Nothing was sent since.
    pub(crate) const fn of(stand: Aligned) -> Self {
        Self { stand, sent: None }
    }

    /// Takes out of a change what the server was told by us, and agrees on it.
    pub(crate) fn hear_echo(&mut self, change: &mut Change) {
        let Some(sent) = &self.sent else { return };
        let (told, stand) = (&sent.stand, &mut self.stand);
        if change.place == Some(told.place) && told.place != stand.place {
            stand.place = told.place;
            change.place = None;
        }
        let starred = stand.starred;
        for flags in &mut change.flags {
            if told.starred != starred {
                let said = if told.starred { &mut flags.set } else { &mut flags.cleared };
                if said.starred {
                    said.starred = false;
                    stand.starred = told.starred;
                }
            }
            match sent.read.get(&flags.message) {
                Some(true) => flags.set.read = false,
                Some(false) => flags.cleared.read = false,
                None => {}
            }
        }
        change.flags.retain(|flags| {
            let none = Flags::default();
            flags.set != none || flags.cleared != none || flags.sent.is_some()
        });
        change.on.retain(|label| {
            let echo = told.labels.contains(label) && stand.labels.insert(label.clone());
            !echo
        });
        change.off.retain(|label| {
            let echo = !told.labels.contains(label) && stand.labels.remove(label);
            !echo
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::follow::FlagsChange;
    use crate::imap::orders::Message;
    use crate::label::Place;

    fn message(read: bool) -> Message {
        let id = MessageId::try_from("m").unwrap();
        Message { id, read, answered: false, forwarded: false, own: false }
    }

    /// `PLACE[*] [LABEL...]`.
    fn stand(text: &str) -> Aligned {
        let mut words = text.split(' ');
        let place = words.next().unwrap();
        let starred = place.ends_with('*');
        let place = match place.trim_end_matches('*') {
            "inbox" => Place::Inbox,
            "archive" => Place::Archive,
            _ => Place::Trash,
        };
        Aligned { place, starred, labels: words.map(str::to_owned).collect() }
    }

    /// What a server's word leaves after what was sent, and what both agree on then.
    fn check(agreed: &str, sent: &str, change: &Change, left: &Change, then: &str) {
        let ours = Ours { stand: stand(sent), messages: vec![message(true)] };
        let mut agreed = Agreed { stand: stand(agreed), sent: Some(Sent::of(&ours)) };
        let mut heard = change.clone();
        agreed.hear_echo(&mut heard);
        assert_eq!((&heard, &agreed.stand), (left, &stand(then)), "{sent}: {change:?}");
        let text = serde_json::to_string(&agreed).unwrap();
        assert_eq!(serde_json::from_str::<Agreed>(&text).unwrap(), agreed);
    }

    fn flags(set: Flags, cleared: Flags) -> Change {
        let message = MessageId::try_from("m").unwrap();
        let flags = vec![FlagsChange { message, set, cleared, sent: None }];
        Change { flags, ..Change::default() }
    }

    #[test]
    fn what_was_sent_is_an_echo_and_all_else_is_not() {
        let none = Change::default();
        let place = |place| Change { place: Some(place), ..Change::default() };
        let on = |name: &str| Change { on: vec![name.to_owned()], ..Change::default() };
        let off = |name: &str| Change { off: vec![name.to_owned()], ..Change::default() };
        let (star, read, not) = (
            Flags { starred: true, ..Flags::default() },
            Flags { read: true, ..Flags::default() },
            Flags::default(),
        );
        check("inbox", "archive", &place(Place::Archive), &none, "archive");
        check("inbox", "archive", &place(Place::Trash), &place(Place::Trash), "inbox");
        check("inbox", "inbox", &place(Place::Archive), &place(Place::Archive), "inbox");
        check("inbox", "inbox*", &flags(star, not), &none, "inbox*");
        check("inbox*", "inbox", &flags(not, star), &none, "inbox");
        check("inbox*", "inbox*", &flags(not, star), &flags(not, star), "inbox*");
        check("inbox", "inbox", &flags(read, not), &none, "inbox");
        check("inbox", "inbox", &flags(not, read), &flags(not, read), "inbox");
        check("inbox", "inbox a", &on("a"), &none, "inbox a");
        check("inbox", "inbox a", &on("b"), &on("b"), "inbox");
        check("inbox a", "inbox", &off("a"), &none, "inbox");
        check("inbox a", "inbox a", &off("a"), &off("a"), "inbox a");
    }
}
