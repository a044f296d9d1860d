//! What the policy wants of a backend and the limit leaves out, counted.
//!
//! Invariant: it reads only. Each conversation counts once, whichever of the policy's lists it is
//! in; what was opened once and went is not missed.

use std::collections::VecDeque;

use crate::engine::kept::Kept;
use crate::engine::walk::lists;
use crate::engine::{Device, EngineError};
use crate::id::ThreadId;
use crate::mailbox::{self, Bound};
use crate::store::Db;

/// Conversations that are read at a time.
const ROWS: usize = 1_000;

/// A conversation's place in a list: minus its activity, and its id.
type Key = (i64, ThreadId);

/// The conversations of some lists, the newest first.
struct Lists<'a> {
    db: &'a Db,
    names: &'a [&'a str],
    bound: Option<Bound>,
    read: VecDeque<Key>,
    passed: u64,
}

impl<'a> Lists<'a> {
    const fn of(db: &'a Db, names: &'a [&'a str]) -> Self {
        Self { db, names, bound: Some(Bound::Start), read: VecDeque::new(), passed: 0 }
    }

    /// The next one, as long as `wants` says so of its activity and number.
    fn next(&mut self, wants: impl Fn(i64, u64) -> bool) -> Result<Option<Key>, EngineError> {
        if self.read.is_empty()
            && let Some(bound) = self.bound.take()
        {
            let (rows, more) = mailbox::page(self.db, self.names, &bound, ROWS)?;
            self.bound = rows.last().filter(|_| more).cloned().map(|(at, id)| Bound::After(at, id));
            self.read.extend(rows.into_iter().map(|(at, root)| (-at, root)));
        }
        let next = self.read.pop_front().filter(|(age, _)| wants(-age, self.passed));
        self.passed += 1;
        Ok(next)
    }
}

impl Device {
    /// How many threads the policy wants that are not kept since the limit is reached.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn left_out(&self) -> Result<u64, EngineError> {
        let Some(kept) = self.kept.as_ref().filter(|_| self.keeper.short) else { return Ok(0) };
        let policy = self.policy()?;
        let since = policy.days.map(|days| self.since(days));
        let newest = policy.newest.unwrap_or(0);
        let by_age = |at: i64, number: u64| {
            policy.all || number < newest || since.is_some_and(|since| at >= since)
        };
        let mut aged = Lists::of(&self.db, lists(&policy));
        let mut starred = Lists::of(&self.db, &["starred"]);
        let by_star = |_, _| policy.starred;
        let (mut one, mut other) = (aged.next(by_age)?, starred.next(by_star)?);
        let mut left = 0;
        loop {
            // Both are in the same order: the lesser is next, and equals are one.
            let next = match (&one, &other) {
                (Some(one), Some(other)) => one.min(other).clone(),
                (Some(next), None) | (None, Some(next)) => next.clone(),
                (None, None) => return Ok(left),
            };
            if one.as_ref() == Some(&next) {
                one = aged.next(by_age)?;
            }
            if other.as_ref() == Some(&next) {
                other = starred.next(by_star)?;
            }
            for (thread, _) in mailbox::seen_members(&self.db, &next.1)? {
                left += u64::from(!Kept::is_whole(kept, &thread)?);
            }
        }
    }
}
