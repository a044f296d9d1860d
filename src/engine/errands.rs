//! What a backend is asked to find: for the screen, and for commands beside it, on one connection.
//!
//! Invariant: a backend answers the last question of a connection, and none before it; so one of a
//! command waits while one of the screen is out, and is asked again when that took its place. The
//! screen never waits. Who gives up says so, and a connection that ends ends all of them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::engine::Device;
use crate::engine::elsewhere::FoundThere;
use crate::engine::search::Sought;
use crate::search::Order;
use crate::search::query::MAX_QUERY_BYTES;
use crate::sync::Frame;

/// Conversations that a backend is asked for, at most; it may find fewer.
pub(super) const MAX_HITS: usize = 1_000;
/// Questions of commands that wait, at most; more are not asked.
const MAX_ERRANDS: usize = 32;
/// Above the tickets of every screen: the numbers of what commands ask.
const FIRST: u64 = 1 << 52;
/// How long a command waits for a backend to say that it searches.
const GREETING: Duration = Duration::from_secs(3);
/// How long for its answer, once it may be asked.
const ANSWER: Duration = Duration::from_secs(15);

/// What a backend is asked to find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// What is asked, as text.
    query: String,
    /// The best first; else the newest.
    best: bool,
    /// Somebody is typing.
    typing: bool,
    /// How many conversations are wanted.
    limit: u64,
}

impl Question {
    /// `None` where the query is too long to be printed whole.
    #[must_use]
    pub fn of(sought: &Sought, limit: usize) -> Option<Self> {
        let query = sought.query.print(&TimeZone::UTC);
        let best = sought.order == Order::Relevance;
        let limit = limit.min(MAX_HITS) as u64;
        let fits = query.len() <= MAX_QUERY_BYTES;
        fits.then_some(Self { query, best, typing: sought.typing, limit })
    }

    pub(super) fn frame(self, seq: u64) -> Frame {
        let Self { query, best, typing, limit } = self;
        Frame::Search { seq, query, best, typing, limit }
    }
}

/// What is asked of one connection, and what it answered.
#[derive(Debug, Default)]
pub(super) struct Errands {
    /// The backend says that it searches.
    pub(super) finds: bool,
    asked: u64,
    /// The ticket of the screen that is out.
    screen: Option<u64>,
    /// The command's that is out.
    out: Option<u64>,
    /// What waits.
    waiting: VecDeque<(u64, Question)>,
    answers: BTreeMap<u64, FoundThere>,
}

impl Errands {
    /// The screen asks: what a command asked is given up by the backend, and asked again.
    fn of_screen(&mut self, seq: u64) {
        (self.screen, self.out) = (Some(seq), None);
    }

    /// A command asks; its number. One that finds no room is not answered.
    fn add(&mut self, question: Question) -> u64 {
        self.asked += 1;
        let seq = FIRST + self.asked;
        if self.waiting.len() < MAX_ERRANDS {
            self.waiting.push_back((seq, question));
        }
        seq
    }

    /// What is asked next, where nothing is out.
    fn next(&mut self) -> Option<Frame> {
        if !self.finds || self.screen.is_some() || self.out.is_some() {
            return None;
        }
        let (seq, question) = self.waiting.front()?;
        self.out = Some(*seq);
        Some(question.clone().frame(*seq))
    }

    /// An answer came; it is given back when it is the screen's.
    fn answered(&mut self, found: FoundThere) -> Option<FoundThere> {
        if found.seq < FIRST {
            self.screen = self.screen.filter(|ticket| *ticket != found.seq);
            return Some(found);
        }
        self.out = self.out.filter(|seq| *seq != found.seq);
        let asked = self.waiting.len();
        self.waiting.retain(|(seq, _)| *seq != found.seq);
        if self.waiting.len() < asked {
            self.answers.insert(found.seq, found);
        }
        None
    }

    fn forget(&mut self, seq: u64) {
        self.waiting.retain(|(waits, _)| *waits != seq);
        self.answers.remove(&seq);
        self.out = self.out.filter(|out| *out != seq);
    }

    /// The connection is gone, and all that was asked on it.
    pub(super) fn disconnected(&mut self) {
        *self = Self { asked: self.asked, ..Self::default() };
    }
}

impl Device {
    /// Asks the backend to search, for the screen.
    pub(super) fn search_there(&mut self, frame: Frame) {
        if let Frame::Search { seq, .. } = &frame {
            self.errands.of_screen(*seq);
        }
        self.want(frame);
    }

    /// Asks the backend to search, for a command; the number of the question. It waits until the
    /// backend says that it searches.
    pub fn ask_there(&mut self, question: Question) -> u64 {
        let seq = self.errands.add(question);
        self.ask_next_there();
        seq
    }

    /// The answer to a question of a command, once.
    pub fn take_found_there(&mut self, seq: u64) -> Option<FoundThere> {
        self.errands.answers.remove(&seq)
    }

    /// Nobody waits for the answer any more.
    pub fn forget_found_there(&mut self, seq: u64) {
        self.errands.forget(seq);
        self.ask_next_there();
    }

    /// How long a command waits in all, as it looks now.
    #[must_use]
    pub const fn patience_there(&self) -> Duration {
        if self.can_search_there() { ANSWER } else { GREETING }
    }

    /// Whether the backend can be asked to search now.
    #[must_use]
    pub const fn can_search_there(&self) -> bool {
        self.errands.finds && self.epoch.is_some()
    }

    /// The backend says that it searches for this device.
    pub(super) fn finder(&mut self) {
        (self.errands.finds, self.news.finder) = (true, true);
        self.ask_next_there();
    }

    /// The backend found something.
    pub(super) fn answered_there(&mut self, found: FoundThere) {
        if let Some(found) = self.errands.answered(found) {
            self.news.found = Some(found);
        }
        self.ask_next_there();
    }

    fn ask_next_there(&mut self) {
        if let Some(frame) = self.errands.next() {
            self.want(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Query;

    fn question() -> Question {
        let sought = Sought { query: Query::All, order: Order::Newest, typing: false };
        Question::of(&sought, 9).unwrap()
    }

    fn found(seq: u64) -> FoundThere {
        FoundThere { seq, hits: Vec::new(), more: false, lacks: 0, wrong: None }
    }

    /// The number of what is asked next.
    fn next(errands: &mut Errands) -> Option<u64> {
        errands.next().map(|frame| match frame {
            Frame::Search { seq, limit: 9, .. } => seq,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn a_command_waits_for_the_screen_and_for_those_before_it() {
        let mut errands = Errands::default();
        let one = errands.add(question());
        assert_eq!(next(&mut errands), None, "nobody searches");
        errands.finds = true;
        assert_eq!(next(&mut errands), Some(one));
        let two = errands.add(question());
        assert_eq!(next(&mut errands), None, "one is out");
        errands.of_screen(7);
        assert_eq!(next(&mut errands), None, "the screen asks, and goes first");
        errands.of_screen(8);
        assert_eq!(errands.answered(found(8)), Some(found(8)));
        assert_eq!(next(&mut errands), Some(one), "asked again: its answer was given up");
        assert_eq!(errands.answered(found(one)), None);
        assert_eq!(next(&mut errands), Some(two));
        assert_eq!(errands.answers.remove(&one), Some(found(one)));
        assert_eq!(errands.answered(found(one)), None);
        assert!(errands.answers.is_empty(), "nobody waits for it a second time");
    }

    #[test]
    fn what_is_given_up_is_neither_asked_nor_kept() {
        let mut errands = Errands { finds: true, ..Errands::default() };
        let (one, two) = (errands.add(question()), errands.add(question()));
        assert_eq!(next(&mut errands), Some(one));
        errands.forget(one);
        assert_eq!(next(&mut errands), Some(two));
        errands.answered(found(one));
        assert!(errands.answers.is_empty());
        errands.disconnected();
        assert_eq!((next(&mut errands), errands.finds), (None, false));
        assert!(errands.add(question()) > two, "a late answer is nobody's");
        for _ in 0..2 * MAX_ERRANDS {
            errands.add(question());
        }
        assert_eq!(errands.waiting.len(), MAX_ERRANDS);
    }
}
