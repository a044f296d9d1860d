//! A search beside its backend: what the backend holds and this device does not is found there, and
//! the two are one list.
//!
//! Invariant: nobody waits for it: what this device holds is told first, and again with the rest
//! when that comes. What comes over the wire is bounded and made safe, answers what was asked last,
//! and names only conversations that this device shows.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::engine::errands::{MAX_HITS, Question};
use crate::engine::search::Sought;
use crate::engine::view::Row;
use crate::engine::{Device, EngineError};
use crate::id::ThreadId;
use crate::safe_text;
use crate::search::{Ask, Hit, Index, Order, Snippet};
use crate::sync::{FoundHit, Frame};

/// The longest line that is taken in, in bytes.
const MAX_LINE_BYTES: usize = 1_024;
/// Places of a line that are taken in.
const MAX_MARKS: usize = 64;

/// What a backend found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundThere {
    /// The number of the question.
    pub seq: u64,
    /// What was found, in the order that was asked for.
    pub hits: Vec<FoundHit>,
    /// Whether there is more.
    pub more: bool,
    /// Messages that were not looked at.
    pub lacks: u64,
    /// Why nothing was found.
    pub wrong: Option<String>,
}

/// A conversation that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// Its root.
    root: ThreadId,
    /// The date of the message that answers.
    date: i64,
}

impl Place {
    fn of(hit: &Hit) -> Self {
        Self { root: hit.root.clone(), date: hit.date }
    }
}

/// What is asked here and at the backend, and what is known of it so far.
#[derive(Debug, Default)]
pub(super) struct Both {
    /// What is asked.
    sought: Option<Sought>,
    /// Its last ticket, and how many conversations are wanted.
    ticket: u64,
    limit: usize,
    /// What this device found, and whether there is more.
    here: Option<(Vec<Place>, bool)>,
    /// What the backend found, and whether there is more.
    there: Vec<Place>,
    more: bool,
    /// How far the backend is.
    pub(super) asked: AskedThere,
    /// Where the words stand in what the backend found.
    lines: BTreeMap<ThreadId, Snippet>,
}

/// How far a backend is with a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AskedThere {
    /// There is none to ask, or it is not reached.
    #[default]
    Nobody,
    /// It was asked.
    Waits,
    /// It has answered.
    Answered {
        /// Messages that it did not look at.
        lacks: u64,
    },
}

/// One list of both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Joined {
    pub(super) ticket: u64,
    pub(super) roots: Vec<ThreadId>,
    /// Those that the backend alone found.
    pub(super) elsewhere: BTreeSet<ThreadId>,
    pub(super) more: bool,
}

impl Both {
    /// Begins another search; the frame that asks the backend, where there is one.
    pub(super) fn ask(
        &mut self,
        ticket: u64,
        sought: &Sought,
        limit: usize,
        reached: bool,
    ) -> Option<Frame> {
        // What is kept is what was typed: what the backend found of that stands until it answers.
        let same = |had: &Sought| (&had.query, had.order) == (&sought.query, sought.order);
        if !self.sought.as_ref().is_some_and(same) {
            *self = Self::default();
        }
        self.sought = Some(sought.clone());
        (self.ticket, self.limit, self.here) = (ticket, limit, None);
        let frame = reached.then(|| question(ticket, sought, limit)).flatten();
        self.asked = if frame.is_some() { AskedThere::Waits } else { AskedThere::Nobody };
        frame
    }

    /// This device found so much.
    pub(super) fn found_here(&mut self, ticket: u64, hits: &[Hit], more: bool) -> Option<Joined> {
        if ticket != self.ticket {
            return None;
        }
        self.here = Some((hits.iter().map(Place::of).collect(), more));
        Some(self.join())
    }

    /// The backend found so much; what is to be told when this device has answered as well.
    pub(super) fn found_there(&mut self, found: FoundThere) -> Option<Joined> {
        if found.seq != self.ticket || self.asked != AskedThere::Waits {
            return None;
        }
        self.asked = AskedThere::Answered { lacks: found.lacks };
        self.more = found.more;
        self.there = found.hits.iter().map(place).collect();
        self.lines.extend(found.hits.into_iter().filter_map(line));
        self.here.is_some().then(|| self.join())
    }

    /// The backend is reached, maybe again: the frame that asks it what it has not answered.
    pub(super) fn again(&mut self) -> Option<Frame> {
        if matches!(self.asked, AskedThere::Answered { .. }) {
            return None;
        }
        let frame = question(self.ticket, self.sought.as_ref()?, self.limit)?;
        self.asked = AskedThere::Waits;
        Some(frame)
    }

    /// Where the words stand in what the backend alone found.
    pub(super) fn lines(&self, of: &BTreeSet<ThreadId>) -> Vec<(ThreadId, Snippet)> {
        let line = |root: &ThreadId| Some((root.clone(), self.lines.get(root)?.clone()));
        of.iter().filter_map(line).collect()
    }

    fn join(&self) -> Joined {
        let order = self.sought.as_ref().map_or(Order::Newest, |sought| sought.order);
        let (here, more) = self.here.as_ref().map_or((&[][..], false), |(h, m)| (h, *m));
        let (places, elsewhere) = joined(here, &self.there, order);
        let roots: Vec<ThreadId> = places.iter().take(self.limit).cloned().collect();
        let more = more || self.more || places.len() > roots.len();
        let elsewhere = elsewhere.into_iter().filter(|root| roots.contains(root)).collect();
        Joined { ticket: self.ticket, roots, elsewhere, more }
    }
}

/// What asks a backend; `None` where the query is too long to be printed whole.
fn question(seq: u64, sought: &Sought, limit: usize) -> Option<Frame> {
    Question::of(sought, limit).map(|question| question.frame(seq))
}

fn place(hit: &FoundHit) -> Place {
    Place { root: hit.root.clone(), date: hit.date }
}

/// The line of a hit, if it is one; its places where they can be.
fn line(hit: FoundHit) -> Option<(ThreadId, Snippet)> {
    let FoundHit { root, line, marks, .. } = hit;
    if line.is_empty() || line.len() > MAX_LINE_BYTES {
        return None;
    }
    let text = safe_text::line(&line);
    let mut end = 0;
    let mut hits = Vec::new();
    for (from, to) in marks.into_iter().take(MAX_MARKS) {
        let whole = text == line && text.is_char_boundary(from) && text.is_char_boundary(to);
        if whole && end <= from && from < to {
            hits.push(from..to);
            end = to;
        }
    }
    Some((root, Snippet { text, hits }))
}

/// Both lists as one, each conversation once, by the newest message that answers; and what stands
/// in the second alone. By relevance what is here comes first: two indexes weigh words otherwise.
fn joined(here: &[Place], there: &[Place], order: Order) -> (Vec<ThreadId>, BTreeSet<ThreadId>) {
    let known: BTreeSet<&ThreadId> = here.iter().map(|place| &place.root).collect();
    let mut elsewhere = BTreeSet::new();
    let mut all: Vec<Place> = here.to_vec();
    for place in there {
        if !known.contains(&place.root) && elsewhere.insert(place.root.clone()) {
            all.push(place.clone());
        }
    }
    if order == Order::Newest {
        let mut newest: BTreeMap<&ThreadId, i64> = BTreeMap::new();
        for place in here.iter().chain(there) {
            let date = newest.entry(&place.root).or_insert(place.date);
            *date = place.date.max(*date);
        }
        // Stable: what is of one second stays as it was found.
        all.sort_by_key(|place| std::cmp::Reverse(newest.get(&place.root).copied()));
    }
    (all.into_iter().map(|place| place.root).collect(), elsewhere)
}

impl Device {
    /// As [`Device::find`], with what a backend found; also which of the rows it alone found.
    ///
    /// # Errors
    /// When a database refuses.
    pub fn find_with(
        &self,
        index: Option<&Index>,
        ask: &Ask<'_>,
        there: &FoundThere,
    ) -> Result<(Vec<Row>, BTreeSet<ThreadId>), EngineError> {
        let hits = index.map_or_else(
            || Ok(Vec::new()),
            |index| self.hits(index, ask, &|| true).map(|(hits, _)| hits),
        )?;
        let here: Vec<Place> = hits.iter().map(Place::of).collect();
        let there: Vec<Place> = there.hits.iter().map(place).collect();
        let (mut roots, elsewhere) = joined(&here, &there, ask.order);
        roots.truncate(ask.limit);
        Ok((self.rows(&roots)?, elsewhere))
    }

    /// The backend found something.
    pub(super) fn found_there(&mut self, frame: Frame) {
        if let Frame::Found { seq, mut hits, more, lacks, wrong } = frame {
            hits.truncate(MAX_HITS);
            let wrong = wrong.map(|wrong| safe_text::line(&wrong));
            self.answered_there(FoundThere { seq, hits, more, lacks, wrong });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Query;

    fn id(n: u8) -> ThreadId {
        ThreadId::try_from(format!("abcdefghijklmnopqrs{}", char::from(b'a' + n))).unwrap()
    }

    fn places(of: &[(u8, i64)]) -> Vec<Place> {
        of.iter().map(|(n, date)| Place { root: id(*n), date: *date }).collect()
    }

    fn hit(n: u8, date: i64) -> FoundHit {
        FoundHit { root: id(n), date, line: "some tea".into(), marks: vec![(5, 8)] }
    }

    fn check(here: &[(u8, i64)], there: &[(u8, i64)], order: Order, all: &[u8], else_: &[u8]) {
        let (roots, elsewhere) = joined(&places(here), &places(there), order);
        assert_eq!(roots, all.iter().map(|n| id(*n)).collect::<Vec<_>>(), "{here:?} {there:?}");
        assert_eq!(elsewhere, else_.iter().map(|n| id(*n)).collect(), "{here:?} {there:?}");
    }

    #[test]
    fn two_lists_are_one() {
        let newest = Order::Newest;
        check(&[], &[], newest, &[], &[]);
        check(&[(0, 9), (1, 5)], &[(2, 7)], newest, &[0, 2, 1], &[2]);
        // A newer message of it answers there.
        check(&[(0, 9), (1, 5)], &[(1, 10), (0, 9)], newest, &[1, 0], &[]);
        check(&[(0, 5)], &[(1, 5), (1, 4)], newest, &[0, 1], &[1]);
        check(&[(0, 5)], &[(1, 9)], Order::Relevance, &[0, 1], &[1]);
    }

    fn sought() -> Sought {
        Sought { query: Query::All, order: Order::Newest, typing: false }
    }

    fn there(seq: u64, hits: Vec<FoundHit>) -> FoundThere {
        FoundThere { seq, hits, more: false, lacks: 0, wrong: None }
    }

    #[test]
    fn what_comes_late_or_unasked_is_not_taken_in() {
        let mut both = Both::default();
        assert!(both.ask(1, &sought(), 10, false).is_none(), "nobody to ask");
        assert_eq!(both.found_there(there(1, vec![hit(0, 1)])), None);
        assert!(both.ask(2, &sought(), 10, true).is_some());
        assert_eq!(both.found_there(there(1, vec![hit(0, 1)])), None, "asked before");
        let first = both.found_there(there(2, vec![hit(1, 4), hit(0, 1)]));
        assert_eq!(first, None, "what is here is told first");
        let mine = [Hit { root: id(0), thread: id(0), date: 2 }];
        let joined = both.found_here(2, &mine, false).unwrap();
        assert_eq!(joined.roots, [id(1), id(0)]);
        assert_eq!(both.lines(&joined.elsewhere)[0].1.hits, vec![5..8]);
        assert_eq!(both.found_there(there(2, Vec::new())), None, "twice");
        // More of the same: what the backend found is there until it answers again.
        assert!(both.ask(3, &sought(), 20, true).is_some());
        assert_eq!(both.found_here(3, &mine, true).unwrap().roots, [id(1), id(0)]);
        assert!(both.again().is_some(), "the link was lost meanwhile");
        assert!(both.found_there(there(3, Vec::new())).is_some());
        assert_eq!(both.again(), None);
    }

    #[test]
    fn a_line_from_afar_is_made_safe() {
        let far = |line: &str, marks: &[(usize, usize)]| {
            let hit = FoundHit { root: id(0), date: 0, line: line.into(), marks: marks.into() };
            super::line(hit).map(|(_, snippet)| snippet)
        };
        assert_eq!(far("", &[]), None);
        assert_eq!(far(&"x".repeat(MAX_LINE_BYTES + 1), &[]), None);
        let odd = [(0, 1), (5, 2), (1, 99), (4, 6), (5, 6)];
        assert_eq!(far("caf\u{e9} x", &odd).unwrap().hits, vec![0..1, 5..6]);
        let hostile = far("a\u{1b}[2Jb", &[(0, 1)]).unwrap();
        assert!(!hostile.text.contains('\u{1b}') && hostile.hits.is_empty());
    }
}
