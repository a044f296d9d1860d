//! What a device has asked its backend and has no answer to yet.
//!
//! Invariant: every question has a deadline, and everything that shows that an answer is on its way
//! begins it anew; so a backend that is there and does not answer is found out. Time comes in as an
//! argument; nothing is sent here.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::id::{BlobHash, StoreId};
use crate::sync::Frame;

/// A question that has a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    Store(StoreId),
    Blob(BlobHash),
    Number(u64),
}

/// The questions of one connection, with the time since which each waits.
#[derive(Debug, Default)]
pub struct Deadlines {
    named: BTreeMap<Question, Instant>,
    /// Pushes are answered in order.
    pushes: VecDeque<Instant>,
    /// The first ping that was not answered.
    ping: Option<Instant>,
}

impl Deadlines {
    /// A frame was written.
    pub fn sent(&mut self, frame: &Frame, now: Instant) {
        match frame {
            Frame::Push { .. } => self.pushes.push_back(now),
            Frame::Ping { .. } => {
                self.ping.get_or_insert(now);
            }
            Frame::Subscribe { store, .. } => {
                self.named.insert(Question::Store(store.clone()), now);
            }
            Frame::Unsubscribe { store } => {
                self.named.remove(&Question::Store(store.clone()));
            }
            Frame::BlobGet { hash, .. } | Frame::BlobPut { hash, .. } => {
                self.named.insert(Question::Blob(hash.clone()), now);
            }
            Frame::Ingest { seq, .. }
            | Frame::Follow { seq, .. }
            | Frame::Purge { seq, .. }
            | Frame::Settle { seq } => {
                self.named.insert(Question::Number(*seq), now);
            }
            _ => {}
        }
    }

    /// A frame came.
    pub fn came(&mut self, frame: &Frame, now: Instant) {
        match frame {
            Frame::Ack { .. } => {
                self.pushes.pop_front();
                self.begin_anew(now);
            }
            Frame::Pong { .. } => self.ping = None,
            Frame::Ping { .. } => {}
            Frame::Page { store, more, .. } => {
                let question = Question::Store(store.clone());
                // What was not asked for begins nothing; another page follows one that says so.
                if self.named.remove(&question).is_some() && *more {
                    self.named.insert(question, now);
                }
                self.begin_anew(now);
            }
            Frame::Live { store, .. }
            | Frame::Diverged { store, .. }
            | Frame::Behind { store, .. }
            | Frame::Withheld { store, .. } => {
                self.named.remove(&Question::Store(store.clone()));
            }
            Frame::Blob { hash, .. } | Frame::BlobHave { hash, .. } => {
                self.named.remove(&Question::Blob(hash.clone()));
                self.begin_anew(now);
            }
            Frame::Ingested { seq, .. }
            | Frame::Purged { seq, .. }
            | Frame::Settled { seq, .. } => {
                self.named.remove(&Question::Number(*seq));
                self.begin_anew(now);
            }
            // Whatever else it says, it works on what was asked.
            _ => self.begin_anew(now),
        }
    }

    /// All of it waits since now: the backend works through what was asked, or the device has not
    /// looked yet at what came.
    pub fn begin_anew(&mut self, now: Instant) {
        let waits = self.named.values_mut().chain(&mut self.pushes);
        waits.for_each(|since| *since = now);
    }

    /// Whether something has waited for so long.
    #[must_use]
    pub fn is_overdue(&self, within: Duration, now: Instant) -> bool {
        let waits = self.named.values().chain(&self.pushes).chain(&self.ping);
        waits.into_iter().any(|since| now.saturating_duration_since(*since) >= within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Chain;
    use crate::sync::Bytes;

    const WITHIN: Duration = Duration::from_secs(45);

    fn store(n: u8) -> StoreId {
        StoreId::try_from(format!("thread-{n:08}")).unwrap()
    }

    fn page(n: u8, more: bool) -> Frame {
        Frame::Page { store: store(n), events: Vec::new(), more, head: 0, chain: Chain::default() }
    }

    /// Whether what was asked is overdue when these frames came at these seconds.
    fn check(asked: &[Frame], came: &[(u64, Frame)], at: u64) -> bool {
        let begun = Instant::now();
        let mut deadlines = Deadlines::default();
        for frame in asked {
            deadlines.sent(frame, begun);
        }
        for (seconds, frame) in came {
            deadlines.came(frame, begun + Duration::from_secs(*seconds));
        }
        deadlines.is_overdue(WITHIN, begun + Duration::from_secs(at))
    }

    #[test]
    fn every_question_has_an_end() {
        let hash = || BlobHash::try_from("0a".repeat(32)).unwrap();
        let blob = Frame::Blob { hash: hash(), offset: 0, size: None, data: Bytes(Vec::new()) };
        let settled = Frame::Settled { seq: 2, head: 0 };
        let questions = [
            (Frame::Push { stores: Vec::new() }, Frame::Ack { stores: Vec::new() }),
            (Frame::Subscribe { store: store(1), cursor: None }, page(1, false)),
            (Frame::BlobGet { hash: hash(), offset: 0 }, blob),
            (Frame::Settle { seq: 2 }, settled),
            (
                Frame::Ingest { seq: 3, messages: Vec::new() },
                Frame::Ingested { seq: 3, outcomes: Vec::new() },
            ),
            (Frame::Ping { n: 1 }, Frame::Pong { n: 1 }),
        ];
        for (question, answer) in questions {
            let asked = [question];
            assert!(!check(&asked, &[], 44) && check(&asked, &[], 45), "{asked:?}");
            let pings = [(20, Frame::Ping { n: 1 }), (40, Frame::Ping { n: 2 })];
            assert!(check(&asked, &pings, 45), "being there is no answer: {asked:?}");
            assert!(!check(&asked, &[(1, answer.clone())], 1_000), "{answer:?}");
        }
        assert!(!check(&[Frame::Credit { store: store(1), pages: 1 }], &[], 1_000));
    }

    #[test]
    fn an_answer_under_way_begins_the_wait_anew() {
        let subscribe = [Frame::Subscribe { store: store(1), cursor: None }];
        assert!(!check(&subscribe, &[(40, page(1, true))], 80), "another page follows");
        assert!(check(&subscribe, &[(40, page(1, true))], 85));
        assert!(!check(&subscribe, &[(40, page(1, true)), (80, page(1, false))], 500));
        assert!(!check(&subscribe, &[(40, page(9, true))], 80), "others have their turn");
        let settle = [Frame::Settle { seq: 1 }];
        assert!(!check(&settle, &[(40, Frame::Settling { seq: 1, left: 5 })], 80));
        let gone = [subscribe[0].clone(), Frame::Unsubscribe { store: store(1) }];
        assert!(!check(&gone, &[], 500));
    }
}
