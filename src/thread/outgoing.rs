//! What is being written and sent in a Thread store: drafts, and what waits in the outbox.
//!
//! A draft is a conversation of its own until it is sent; the message that it becomes is taken in
//! like any other, and joins the conversation that it answers. A save is known by its event's id
//! and names the save that it was made from.
//!
//! Invariant: pure and total. A save from another than the current one is a second draft: nothing
//! that was written is put over by something else. What was claimed or sent stands above whatever
//! cancels it, in whichever order a log has them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::EventId;
use crate::thread::RefusedTo;
use crate::thread::event::{DraftSaved, Failure, MessageQueued, SendClaimed, ThreadEvent};

/// How the reason begins of what was refused since its draft was sent before, or may have been: who
/// tries that again is to be asked first.
pub const DOUBTED: &str = "this draft may have been sent before";
/// How the reason begins of what was refused since the same message went by another way, or may
/// have: that is never sent.
pub const TWIN: &str = "the same message was sent already";
/// Characters of recipients, subject and text that a line of drafts or the outbox keeps.
pub(super) const MAX_TITLE_CHARS: usize = 120;
/// Characters of why something was not sent: what a server says, and what to do about it.
const MAX_WHY_CHARS: usize = 400;
/// Recipients to whom something did not go that are kept of it.
pub(super) const MAX_REFUSED: usize = 50;
/// Bytes of a Message-ID: what is before its `@`, and a domain (RFC 1035, 2.3.4).
const MAX_MESSAGE_ID_BYTES: usize = 320;

/// What a line of drafts or of the outbox says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Title {
    /// To whom, as it was typed.
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    pub to: String,
    /// The subject.
    #[serde(rename = "s", default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// How the text begins.
    #[serde(rename = "n", default, skip_serializing_if = "String::is_empty")]
    pub snippet: String,
    /// When it was written, Unix seconds, by its device's clock.
    #[serde(rename = "a", default)]
    pub at: i64,
    /// Whether something is attached.
    #[serde(rename = "f", default, skip_serializing_if = "std::ops::Not::not")]
    pub attachments: bool,
}

impl Title {
    fn of(to: &str, subject: &str, snippet: &str, at: i64) -> Self {
        let cut = |text: &str| text.chars().take(MAX_TITLE_CHARS).collect();
        Self { to: cut(to), subject: cut(subject), snippet: cut(snippet), at, attachments: false }
    }

    /// Of a save.
    fn of_save(save: &DraftSaved) -> Self {
        let title = Self::of(&save.to, &save.subject, &save.snippet, save.at);
        Self { attachments: !save.attachments.is_empty(), ..title }
    }

    /// Of what was queued.
    fn of_queued(queued: &MessageQueued) -> Self {
        let title = Self::of(&queued.to, &queued.subject, &queued.snippet, queued.at);
        Self { attachments: queued.attachments, ..title }
    }

    /// Of what was claimed.
    fn of_claimed(claimed: &SendClaimed) -> Self {
        Self::of(&claimed.to, &claimed.subject, "", claimed.at)
    }
}

/// A draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftLine {
    /// Its first save: what it is known by.
    #[serde(rename = "d")]
    pub draft: EventId,
    /// Its last save.
    #[serde(rename = "i")]
    pub save: EventId,
    /// What is said of it.
    #[serde(rename = "t", default)]
    pub title: Title,
}

/// How far a message in the outbox is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It waits: for the end of its hold, for its time, or for another try.
    #[serde(rename = "w")]
    Waiting {
        /// When it is tried again, Unix seconds by the backend's clock; after a try that failed.
        #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<i64>,
        /// Why the last try failed.
        #[serde(rename = "w", default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    /// It is being sent; nobody stops it any more.
    #[serde(rename = "c")]
    Claimed,
    /// It was refused for good, and surely not sent.
    #[serde(rename = "f")]
    Failed {
        /// Why.
        #[serde(rename = "w", default)]
        why: String,
    },
    /// Nobody knows whether it was sent.
    #[serde(rename = "u")]
    Unknown {
        /// Why.
        #[serde(rename = "w", default)]
        why: String,
    },
}

/// A message in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxItem {
    /// The event that queued it: what it is known by.
    #[serde(rename = "q")]
    pub queued: EventId,
    /// The save that is sent.
    #[serde(rename = "i")]
    pub save: EventId,
    /// The draft that it was.
    #[serde(rename = "d")]
    pub draft: EventId,
    /// Its Message-ID, without angle brackets; empty where that is not known.
    #[serde(rename = "m", default, skip_serializing_if = "String::is_empty")]
    pub message_id: String,
    /// What is said of it.
    #[serde(rename = "t", default)]
    pub title: Title,
    /// How long it is held after the backend took it, in seconds.
    #[serde(rename = "h", default)]
    pub hold: u64,
    /// Not before this time, Unix seconds.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<i64>,
    /// How far it is.
    #[serde(rename = "s")]
    pub stage: Stage,
}

/// What an event does to drafts and the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// A save.
    #[serde(rename = "s")]
    Saved {
        /// The save that it was made from.
        #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
        from: Option<EventId>,
        /// What is said of it.
        #[serde(rename = "t", default)]
        title: Title,
    },
    /// A draft was thrown away, if this is its last save.
    #[serde(rename = "x")]
    Discarded(EventId),
    /// A save is to be sent.
    #[serde(rename = "q")]
    Queued {
        /// Which.
        #[serde(rename = "i")]
        save: EventId,
        /// Its Message-ID.
        #[serde(rename = "m", default, skip_serializing_if = "String::is_empty")]
        message_id: String,
        /// What is said of it.
        #[serde(rename = "t", default)]
        title: Title,
        /// The hold, in seconds.
        #[serde(rename = "h", default)]
        hold: u64,
        /// Not before, Unix seconds.
        #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
        send_at: Option<i64>,
        /// What was queued before and is tried again by this.
        #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
        again: Option<EventId>,
    },
    /// It is not to be sent after all.
    #[serde(rename = "n")]
    Cancelled(EventId),
    /// The first byte of it may leave.
    #[serde(rename = "c")]
    Claimed {
        /// What was queued.
        #[serde(rename = "q")]
        queued: EventId,
        /// The save.
        #[serde(rename = "i")]
        save: EventId,
        /// What is said of it.
        #[serde(rename = "t", default)]
        title: Title,
    },
    /// It was sent.
    #[serde(rename = "d")]
    Sent {
        /// What was queued.
        #[serde(rename = "q")]
        queued: EventId,
        /// The save.
        #[serde(rename = "i")]
        save: EventId,
        /// To whom it did not go.
        #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<RefusedTo>,
    },
    /// It was not, or nobody knows.
    #[serde(rename = "e")]
    Failed {
        /// What was queued.
        #[serde(rename = "q")]
        queued: EventId,
        /// How it stands now.
        #[serde(rename = "s")]
        stage: Stage,
    },
}

impl Step {
    /// What an event does; `None` for one that is not of drafts or the outbox.
    #[must_use]
    pub fn of(event: &ThreadEvent) -> Option<Self> {
        Some(match event {
            ThreadEvent::Saved(save) => {
                Self::Saved { from: save.from.clone(), title: Title::of_save(save) }
            }
            ThreadEvent::Discarded(of) => Self::Discarded(of.save.clone()),
            ThreadEvent::Queued(of) => Self::Queued {
                save: of.save.clone(),
                message_id: known_id(&of.message_id),
                title: Title::of_queued(of),
                hold: of.hold,
                send_at: of.send_at,
                again: of.again.clone(),
            },
            ThreadEvent::Cancelled(of) => Self::Cancelled(of.queued.clone()),
            ThreadEvent::Claimed(of) => Self::Claimed {
                queued: of.queued.clone(),
                save: of.save.clone(),
                title: Title::of_claimed(of),
            },
            ThreadEvent::Sent(of) => {
                let refused = of.refused.iter().take(MAX_REFUSED).map(RefusedTo::cut).collect();
                Self::Sent { queued: of.queued.clone(), save: of.save.clone(), refused }
            }
            ThreadEvent::SendFailed(failed) => {
                let why: String = failed.why.chars().take(MAX_WHY_CHARS).collect();
                let stage = match failed.kind {
                    Failure::Temporary => Stage::Waiting { retry_at: failed.retry_at, why },
                    Failure::Permanent => Stage::Failed { why },
                    Failure::Unknown => Stage::Unknown { why },
                };
                Self::Failed { queued: failed.queued.clone(), stage }
            }
            _ => return None,
        })
    }
}

/// A Message-ID, where it is not longer than any is that was made here.
fn known_id(id: &str) -> String {
    if id.len() <= MAX_MESSAGE_ID_BYTES { id.to_owned() } else { String::new() }
}

/// Drafts and outbox of one store.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outgoing {
    /// Drafts, in the order in which they began.
    #[serde(rename = "d", default, skip_serializing_if = "Vec::is_empty")]
    pub drafts: Vec<DraftLine>,
    /// The outbox, in the order in which it was queued.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<OutboxItem>,
    /// What was sent: neither what queues it nor what claims it brings it back, wherever that
    /// stands.
    #[serde(rename = "e", default, skip_serializing_if = "BTreeSet::is_empty")]
    sent: BTreeSet<EventId>,
    /// What was sent, and did not go to these.
    #[serde(rename = "r", default, skip_serializing_if = "BTreeMap::is_empty")]
    refused: BTreeMap<EventId, Vec<RefusedTo>>,
    /// What of it waits for somebody to see that: it stays in the outbox until then.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub partly: Vec<OutboxItem>,
    /// What was taken out of the outbox while nobody knew whether it was sent.
    #[serde(rename = "u", default, skip_serializing_if = "BTreeSet::is_empty")]
    unsure: BTreeSet<EventId>,
}

impl Outgoing {
    /// Applies what the event `id` does.
    pub fn apply(&mut self, id: &EventId, step: &Step) {
        match step {
            Step::Saved { from, title } => self.saved(id, from.as_ref(), title),
            Step::Discarded(save) => {
                self.drafts.retain(|line| line.save != *save);
                self.partly.retain(|item| item.save != *save);
            }
            Step::Queued { save, message_id, title, hold, send_at, again } => {
                if let Some(again) = again {
                    // Of another save, it stays: that one was not sent by this.
                    let over = |item: &OutboxItem| {
                        item.save == *save
                            && matches!(item.stage, Stage::Failed { .. } | Stage::Unknown { .. })
                    };
                    self.items.retain(|item| item.queued != *again || !over(item));
                }
                if self.sent.contains(id) || self.items.iter().any(|item| item.queued == *id) {
                    return;
                }
                let (queued, stage) =
                    (id.clone(), Stage::Waiting { retry_at: None, why: String::new() });
                let draft = self.take_line(save).map_or_else(|| save.clone(), |line| line.draft);
                self.items.push(OutboxItem {
                    queued,
                    save: save.clone(),
                    draft,
                    message_id: message_id.clone(),
                    title: title.clone(),
                    hold: *hold,
                    send_at: *send_at,
                    stage,
                });
            }
            Step::Cancelled(queued) => self.cancelled(queued),
            Step::Claimed { queued, save, title } => self.claimed(queued, save, title),
            Step::Sent { queued, save, refused } => {
                self.take_line(save);
                let at = self.items.iter().position(|item| item.queued == *queued);
                let item = at.map(|at| self.items.remove(at));
                self.unsure.remove(queued);
                if self.sent.insert(queued.clone()) && refused.iter().any(|to| !to.retried) {
                    self.partly.extend(item);
                }
                if !refused.is_empty() {
                    self.refused.insert(queued.clone(), refused.clone());
                }
            }
            Step::Failed { queued, stage } => {
                if let Some(item) = self.items.iter_mut().find(|item| item.queued == *queued) {
                    item.stage = stage.clone();
                }
            }
        }
    }

    fn saved(&mut self, id: &EventId, from: Option<&EventId>, title: &Title) {
        let line = self.drafts.iter_mut().find(|line| Some(&line.save) == from);
        if let Some(line) = line {
            line.save = id.clone();
            line.title = title.clone();
            return;
        }
        // Writing on in what was refused takes it out of the outbox.
        let refused = |item: &OutboxItem| {
            Some(&item.save) == from && matches!(item.stage, Stage::Failed { .. })
        };
        let known = self.items.iter().position(refused).map(|at| self.items.remove(at).draft);
        let draft = known.unwrap_or_else(|| id.clone());
        self.drafts.push(DraftLine { draft, save: id.clone(), title: title.clone() });
    }

    /// Takes the draft out of which this is the last save.
    fn take_line(&mut self, save: &EventId) -> Option<DraftLine> {
        let at = self.drafts.iter().position(|line| line.save == *save)?;
        Some(self.drafts.remove(at))
    }

    /// What is not claimed is a draft again.
    fn cancelled(&mut self, queued: &EventId) {
        let open = |item: &OutboxItem| item.queued == *queued && item.stage != Stage::Claimed;
        let Some(at) = self.items.iter().position(open) else { return };
        let OutboxItem { draft, save, title, stage, .. } = self.items.remove(at);
        if matches!(stage, Stage::Unknown { .. }) {
            self.unsure.insert(queued.clone());
        }
        self.drafts.push(DraftLine { draft, save, title });
    }

    fn claimed(&mut self, queued: &EventId, save: &EventId, title: &Title) {
        if self.sent.contains(queued) {
            return;
        }
        if let Some(item) = self.items.iter_mut().find(|item| item.queued == *queued) {
            item.stage = Stage::Claimed;
            return;
        }
        // It was cancelled, or the action undone, where this came before.
        let draft = self.take_line(save).map_or_else(|| save.clone(), |line| line.draft);
        let (queued, save, title) = (queued.clone(), save.clone(), title.clone());
        let (message_id, hold, send_at, stage) = (String::new(), 0, None, Stage::Claimed);
        let item = OutboxItem { queued, save, draft, message_id, title, hold, send_at, stage };
        self.items.push(item);
    }

    /// Whether what this event queued was sent.
    #[must_use]
    pub fn is_sent(&self, queued: &EventId) -> bool {
        self.sent.contains(queued)
    }

    /// The newest that was sent, or of which nobody knows whether it was; and whether it surely
    /// was.
    #[must_use]
    pub fn before(&self) -> Option<(&EventId, bool)> {
        let unknown = |item: &&OutboxItem| matches!(item.stage, Stage::Unknown { .. });
        let unknown = self.items.iter().rfind(unknown).map(|item| &item.queued);
        let unsure = unknown.or(self.unsure.last());
        unsure.map(|id| (id, false)).or_else(|| self.sent.last().map(|id| (id, true)))
    }

    /// To whom what this event queued did not go, though it was sent.
    #[must_use]
    pub fn refused(&self, queued: &EventId) -> &[RefusedTo] {
        self.refused.get(queued).map_or(&[], Vec::as_slice)
    }

    /// What was sent: the events that queued it.
    #[must_use]
    pub fn sent(&self) -> impl DoubleEndedIterator<Item = &EventId> {
        self.sent.iter()
    }

    /// The newest of what is written and not sent.
    #[must_use]
    pub fn newest(&self) -> Option<&Title> {
        let drafts = self.drafts.iter().map(|line| &line.title);
        let items = self.items.iter().chain(&self.partly).map(|item| &item.title);
        drafts.chain(items).max_by_key(|title| title.at)
    }
}

#[cfg(test)]
#[path = "outgoing_tests.rs"]
mod tests;
