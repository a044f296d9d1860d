//! The store of a draft as the outbox sees it: its state, and how each message that was queued in
//! it was tried.
//!
//! Invariant: made from nothing but the log, up to its head.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::{self, Facts, IN_DOUBT, Tries};
use crate::id::{ActionId, Epoch, EventId, StoreId};
use crate::store::{Db, Event, Log, StoreError};
use crate::thread::{Base, OutboxItem, QueuedRow, ThreadEvent, ThreadState, decide as undos};

/// A loaded store.
#[derive(Debug)]
pub(super) struct Loaded {
    /// Which.
    pub(super) store: StoreId,
    /// Its tables.
    pub(super) state: ThreadState,
    items: Vec<OutboxItem>,
    tries: BTreeMap<EventId, Tries>,
    /// What somebody took back, whether that had an effect or not.
    taken_back: BTreeSet<EventId>,
    /// What was sent, or of unknown end, when something was queued: who queued it could know.
    doubted: BTreeMap<EventId, BTreeSet<EventId>>,
    /// What was sent when something was queued.
    sent_then: BTreeMap<EventId, BTreeSet<EventId>>,
    untried: Tries,
}

impl Loaded {
    /// Loads a store.
    pub(super) fn of(db: &Db, store: &StoreId) -> Result<Self, StoreError> {
        let (log, ..) = Log::checked(db, store, 0, usize::MAX, usize::MAX)?;
        Ok(Self::from_log(store, &log))
    }

    fn from_log(store: &StoreId, log: &[Event]) -> Self {
        let mut state = ThreadState::default();
        state.apply(log);
        let undone = undos(&Base::default(), &state.entries, 0);
        let is_undone = |action: Option<&ActionId>| action.is_some_and(|a| undone.contains_key(a));
        let (mut tries, mut taken_back) = (BTreeMap::<EventId, Tries>::new(), BTreeSet::new());
        let (mut doubted, mut sent_then) = (BTreeMap::new(), BTreeMap::new());
        for Event { event, .. } in log {
            let undone = is_undone(event.action.as_ref().map(|action| &action.id));
            match ThreadEvent::read(&event.name, &event.args) {
                Some(ThreadEvent::Queued(_)) => {
                    let open = tries.iter().filter(|(_, tries)| tries.doubt || tries.sent);
                    let open: BTreeSet<EventId> = open.map(|(id, _)| id.clone()).collect();
                    doubted.insert(event.id.clone(), open);
                    let sent = tries.iter().filter(|(_, tries)| tries.sent);
                    let sent: BTreeSet<EventId> = sent.map(|(id, _)| id.clone()).collect();
                    sent_then.insert(event.id.clone(), sent);
                    if undone {
                        taken_back.insert(event.id.clone());
                    }
                }
                Some(ThreadEvent::Cancelled(of)) if !undone => {
                    taken_back.insert(of.queued);
                }
                Some(ThreadEvent::Claimed(of)) => {
                    tries.entry(of.queued).or_default().claimed(of.at);
                }
                Some(ThreadEvent::Sent(of)) => tries.entry(of.queued).or_default().sent = true,
                Some(ThreadEvent::SendFailed(of)) => {
                    tries.entry(of.queued).or_default().failed(of.kind, &of.code);
                }
                _ => {}
            }
        }
        let (_, cells) = state.trail();
        let items = cells.outgoing.map(|outgoing| outgoing.items).unwrap_or_default();
        let (store, untried) = (store.clone(), Tries::default());
        Self { store, state, items, tries, taken_back, doubted, sent_then, untried }
    }

    /// What is in its outbox.
    pub(super) fn items(&self) -> &[OutboxItem] {
        &self.items
    }

    /// One message of its outbox.
    pub(super) fn item(&self, queued: &EventId) -> Option<&OutboxItem> {
        self.items.iter().find(|item| item.queued == *queued)
    }

    /// What queued it.
    pub(super) fn queued(&self, queued: &EventId) -> Option<&QueuedRow> {
        self.state.queued.iter().find(|row| row.queued == *queued)
    }

    /// How it was tried.
    pub(super) fn tries(&self, queued: &EventId) -> &Tries {
        self.tries.get(queued).unwrap_or(&self.untried)
    }

    /// Whether somebody took it back, whether that had an effect or not.
    pub(super) fn is_taken_back(&self, queued: &EventId) -> bool {
        self.taken_back.contains(queued)
    }

    /// What is known of something that was queued, as far as its store tells.
    pub(super) fn facts<'a>(
        &'a self,
        queued: &EventId,
        sending: &BTreeSet<EventId>,
        epoch: &'a Epoch,
    ) -> Facts<'a> {
        let row = self.queued(queued);
        Facts {
            item: self.item(queued),
            queued: row,
            tries: self.tries(queued),
            taken_back: self.is_taken_back(queued),
            sending: sending.contains(queued),
            known: false,
            twin: row.is_some_and(|row| self.has_twin(row)),
            doubt: row.is_some_and(|row| self.is_in_doubt(row)),
            tried_before: row.is_some_and(|row| self.was_tried(row)),
            behind: row.is_some_and(|row| {
                decide::ancestors(&self.state.queued, row).iter().any(|id| sending.contains(*id))
            }),
            epoch,
            accepted: 0,
            now: 0,
        }
    }

    /// Whether the same was sent, or may have been, under another name. What was in doubt already
    /// when this was queued is none: who queued it could know.
    fn has_twin(&self, row: &QueuedRow) -> bool {
        let doubted = self.doubted.get(&row.queued);
        let could_know = |other: &EventId| doubted.is_some_and(|of| of.contains(other));
        self.related(row).any(|other| {
            let tries = self.tries(&other.queued);
            tries.sent || (tries.open && !could_know(&other.queued))
        })
    }

    /// Whether this is another text than what it names, which was known to be sent.
    fn goes_beside(&self, row: &QueuedRow, other: &QueuedRow) -> bool {
        let known = self.doubted.get(&row.queued).is_some_and(|of| of.contains(&other.queued));
        let named = decide::ancestors(&self.state.queued, row).contains(&&other.queued);
        known && named && self.sent_before(row, other) && !decide::is_twin(row, other)
    }

    /// Whether what is `known` was known as sent, and not only as in doubt.
    fn sent_before(&self, row: &QueuedRow, other: &QueuedRow) -> bool {
        self.sent_then.get(&row.queued).is_some_and(|of| of.contains(&other.queued))
    }

    /// Whether anything of this store was in doubt when this was queued, and this does not say that
    /// its user knows: by trying that again, or what was refused for that doubt.
    fn is_in_doubt(&self, row: &QueuedRow) -> bool {
        let before = decide::ancestors(&self.state.queued, row);
        let was_asked = |of: &EventId, other: &EventId| {
            let refused = self.tries(of).codes.last().is_some_and(|code| code == IN_DOUBT);
            refused && self.doubted.get(of).is_some_and(|doubted| doubted.contains(other))
        };
        self.doubted.get(&row.queued).into_iter().flatten().any(|other| {
            let tries = self.tries(other);
            let knows = |of: &&EventId| *of == other || was_asked(of, other);
            (tries.open || tries.sent) && !before.iter().any(knows)
        })
    }

    /// Whether the same save was tried by the same Message-ID, under another name.
    fn was_tried(&self, row: &QueuedRow) -> bool {
        self.state.queued.iter().any(|other| {
            let tries = self.tries(&other.queued);
            let same = other.of.message_id == row.of.message_id && other.of.save == row.of.save;
            same && other.queued != row.queued && (tries.first.is_some() || tries.open)
        })
    }

    /// What else was queued of the same message; but for what was sent already when it was written
    /// on and queued once more, where this says that its user knows.
    pub(super) fn related<'a>(
        &'a self,
        row: &'a QueuedRow,
    ) -> impl Iterator<Item = &'a QueuedRow> + 'a {
        let all = &self.state.queued;
        let before = decide::ancestors(all, row);
        all.iter()
            .filter(|other| other.queued != row.queued)
            .filter(move |other| {
                before.contains(&&other.queued)
                    || decide::ancestors(all, other).contains(&&row.queued)
                    || decide::is_twin(row, other)
            })
            .filter(|other| !self.goes_beside(row, other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::DeviceId;
    use crate::store::{Action, Args, NewEvent};
    use crate::thread::name;
    use serde_json::json;

    fn id<T: for<'a> TryFrom<&'a str>>(text: &str) -> T {
        T::try_from(text).unwrap_or_else(|_| panic!("{text} is an id"))
    }

    /// `q1:s1` queues, `q2:s1*q1` again; `cq1` claims; `dq1` sent; `tq1`, `uq1`, `fq1` failed for
    /// now, unknown, for good, `iq1` for a doubt; `xq1` cancels; `~q1` undoes that it was queued,
    /// `~xq1` the cancel.
    fn log(words: &str) -> Vec<Event> {
        let event = |(at, word): (usize, &str)| {
            let (kind, rest) = word.split_at(1);
            let (name, args) = match kind {
                "q" => {
                    let (_, rest) = word.split_once(':').unwrap();
                    let (save, again) =
                        rest.split_once('*').map_or((rest, None), |(s, a)| (s, Some(a)));
                    let args = json!({"save": save, "messageId": format!("{word}@x"),
                        "again": again});
                    (name::MESSAGE_QUEUED, args)
                }
                "c" => {
                    let raw = "0".repeat(64);
                    let args = json!({"queued": rest, "save": "s", "messageId": "m@x", "raw": raw,
                        "at": 5});
                    (name::SEND_CLAIMED, args)
                }
                "d" => (name::MESSAGE_SENT, json!({"queued": rest, "save": "s", "at": 5})),
                "x" => (name::SEND_CANCELLED, json!({"queued": rest})),
                "~" => (name::ACTION_UNDONE, json!({"action": rest})),
                kind => {
                    let kind = match kind {
                        "t" => "temporary",
                        "u" => "unknown",
                        _ => "permanent",
                    };
                    let code = if word.starts_with('i') { IN_DOUBT } else { "no" };
                    let args = json!({"queued": rest, "kind": kind, "code": code, "at": 5});
                    (name::SEND_FAILED, args)
                }
            };
            let own = word.split(':').next().unwrap();
            let own = if kind == "q" || kind == "x" { own.to_owned() } else { format!("e{at}") };
            let action = Action { id: id(&own), name: "a".to_owned(), at: 1, redoes: None };
            let event = NewEvent {
                id: id(&own),
                name: name.to_owned(),
                args: Args::of(&args),
                device: id::<DeviceId>("d"),
                action: matches!(kind, "q" | "x" | "~").then_some(action),
                epoch: id("e"),
            };
            Event { position: at as u64 + 1, event }
        };
        words.split(' ').enumerate().map(event).collect()
    }

    /// What `of` is, of `twin doubt back behind`, where `sending` is on its way.
    fn check(words: &str, of: &str, sending: &str, expected: &str) {
        let loaded = Loaded::from_log(&id("thread-draft-a"), &log(words));
        let sending: BTreeSet<EventId> =
            sending.split(' ').filter(|s| !s.is_empty()).map(id).collect();
        let epoch = id("e");
        let facts = loaded.facts(&id(of), &sending, &epoch);
        let is = [
            (facts.twin, "twin"),
            (facts.doubt, "doubt"),
            (facts.taken_back, "back"),
            (facts.behind, "behind"),
        ];
        let is: Vec<_> = is.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
        assert_eq!(is.join(" "), expected, "{words}: {of}");
    }

    #[test]
    fn what_was_sent_under_another_name_is_a_twin() {
        check("q1:s1", "q1", "", "");
        check("q1:s1 q2:s1", "q2", "", "");
        check("q1:s1 q2:s1 cq1", "q2", "q1", "twin");
        check("q1:s1 q2:s1 cq1 tq1", "q2", "", "");
        check("q1:s1 q2:s1 cq1 fq1", "q2", "", "");
        check("q1:s1 q2:s1 cq1 uq1", "q2", "", "twin");
        check("q1:s1 q2:s1 cq1 dq1", "q2", "", "twin");
        check("q1:s1 q2:s2 cq1 dq1", "q2", "", "");
    }

    #[test]
    fn who_tries_again_knows_that_it_may_have_been_sent() {
        check("q1:s1 cq1 uq1 q2:s1*q1", "q2", "", "");
        check("q1:s1 cq1 uq1 q2:s1*q1 dq1", "q2", "", "twin");
        check("q1:s1 cq1 uq1 q2:s2*q1 dq1", "q2", "", "twin");
        check("q1:s1 cq1 uq1 q2:s1*q1 cq2 uq2 q3:s1*q2", "q3", "", "");
        check("q1:s1 cq1 uq1 q2:s1*q1 cq2 uq2 q3:s1", "q3", "", "doubt");
        check("q1:s1 cq1 uq1 q2:s1*q1 xq2 q3:s1*q2", "q3", "", "");
        check("q1:s1 cq1 q2:s1*q1", "q2", "q1", "twin behind");
        check("q1:s1 cq1 q2:s1*q1 tq1", "q2", "", "");
        check("q1:s1 cq1 q2:s1*q1 uq1", "q2", "", "twin");
        check("q1:s1 cq1 tq1 q2:s2*q1 cq2", "q1", "q2", "twin");
        check("q1:s1 cq1 tq1 q2:s2*q1 cq2 dq2", "q1", "", "twin");
    }

    #[test]
    fn a_doubt_stays_with_the_draft_whatever_becomes_of_its_text() {
        check("q1:s1 cq1 uq1 q2:s1", "q2", "", "doubt");
        check("q1:s1 cq1 uq1 xq1 q2:s1", "q2", "", "doubt");
        check("q1:s1 cq1 uq1 xq1 q2:s2", "q2", "", "doubt");
        check("q1:s1 cq1 uq1 xq1 q2:s2*q1", "q2", "", "");
        // Queued before anybody could know, it is another message.
        check("q1:s1 q2:s2 cq1 uq1", "q2", "", "");
        // It was refused for the doubt, and is tried again.
        check("q1:s1 cq1 uq1 xq1 q2:s2 iq2 q3:s2*q2", "q3", "", "");
        check("q1:s1 cq1 uq1 xq1 q2:s2 iq2 xq2 q3:s3*q2", "q3", "", "");
        check("q1:s1 cq1 uq1 xq1 q2:s2 fq2 q3:s2*q2", "q3", "", "doubt");
        check("q1:s1 cq1 uq1 xq1 q2:s2 iq2 q3:s2", "q3", "", "doubt");
        // Another doubt came since.
        check("q1:s1 cq1 uq1 q2:s2 iq2 q3:s1*q1 cq3 uq3 q4:s2*q2", "q4", "", "doubt");
        // It was sent when this was queued: that is asked about, once.
        check("q1:s1 cq1 dq1 q2:s2", "q2", "", "doubt");
        check("q1:s1 cq1 xq1 dq1 q2:s2", "q2", "", "doubt");
        check("q1:s1 cq1 dq1 q2:s2*q1", "q2", "", "");
        check("q1:s1 cq1 dq1 q2:s1*q1", "q2", "", "twin");
        check("q1:s1 cq1 dq1 q2:s2 iq2 q3:s2*q2", "q3", "", "");
        check("q1:s1 cq1 dq1 q2:s2*q1 cq2 dq2 q3:s3*q1", "q3", "", "doubt");
        check("q1:s1 cq1 dq1 q2:s2*q1 cq2 dq2 q3:s3*q2", "q3", "", "");
        // It is known meanwhile: what it tries again was sent.
        check("q1:s1 cq1 uq1 xq1 q2:s2 dq1", "q2", "", "doubt");
        check("q1:s1 cq1 uq1 q2:s1 dq1", "q2", "", "twin doubt");
        check("q1:s1 cq1 uq1 q2:s2 cq1 fq1", "q2", "", "");
    }

    #[test]
    fn what_was_taken_back_on_its_way_is_known() {
        check("q1:s1 cq1 xq1 tq1", "q1", "", "back");
        check("q1:s1 cq1 ~q1 tq1", "q1", "", "back");
        check("q1:s1 xq1 cq1 tq1", "q1", "", "back");
        check("q1:s1 cq1 xq1 ~xq1 tq1", "q1", "", "");
    }
}
