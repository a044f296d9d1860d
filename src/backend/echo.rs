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
            flags.set != Default::default()
                || flags.cleared != Default::default()
                || flags.sent.is_some()
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
