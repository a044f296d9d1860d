//! The look at everything that a device keeps and is to keep, a few rows at a time.
//!
//! Invariant: each step is one transaction, and the next goes on behind it in an order of its own,
//! so that what changes meanwhile neither stops it nor makes it go round.

use crate::engine::keep::ROWS_A_STEP;
use crate::engine::kept::Kept;
use crate::engine::policy::Policy;
use crate::engine::{Device, EngineError};
use crate::id::{StoreId, ThreadId};
use crate::mailbox::{self, Bound};
use crate::store::{Durability, Log};

/// The lists in which everything is.
const ANYWHERE: &[&str] = &["inbox", "archive", "snoozed", "spam", "trash"];
/// Drafts, and messages in the outbox, that are kept whatever else is.
const MAX_WRITTEN: usize = 500;
/// Those without what was thrown away.
const LIVING: &[&str] = &["inbox", "archive", "snoozed"];

/// The lists of which a policy wants the newest.
pub(super) const fn lists(policy: &Policy) -> &'static [&'static str] {
    if policy.all { ANYWHERE } else { LIVING }
}

/// Where the look at what is kept is.
#[derive(Debug, Clone, Default)]
pub(super) enum Walk {
    /// Kept logs after this thread: are they at the head?
    Kept(String),
    /// What is pinned, and what is being written.
    Pins,
    /// Starred conversations after this one.
    Starred(Option<(i64, ThreadId)>),
    /// Conversations by age after this one, and how many were passed.
    List(Option<(i64, ThreadId)>, u64),
    /// What nothing wanted, after this thread.
    Sweep(String),
    /// What is more than the limit, after so many that stay.
    Limit(usize),
    /// Free pages.
    GiveBack,
    #[default]
    Done,
}

impl Device {
    /// A step of the look at what is kept and what is not.
    pub(super) fn walk_on(&mut self) -> Result<(), EngineError> {
        let Some(kept) = &mut self.kept else { return Ok(()) };
        if matches!(self.keeper.walk, Walk::Done) {
            return Ok(());
        }
        if !matches!(self.keeper.walk, Walk::GiveBack) {
            kept.durable(Durability::Normal)?;
            kept.begin()?;
        }
        let walk = std::mem::take(&mut self.keeper.walk);
        let done = self.walk_step(walk);
        let Some(kept) = &mut self.kept else { return Ok(()) };
        match done {
            Ok(walk) => {
                kept.commit()?;
                self.keeper.walk = walk;
                Ok(())
            }
            Err(error) => {
                kept.rollback();
                Err(error)
            }
        }
    }

    fn walk_step(&mut self, walk: Walk) -> Result<Walk, EngineError> {
        let policy = self.policy()?;
        let Some(kept) = &self.kept else { return Ok(Walk::Done) };
        if self.keeper.mark == 0 {
            // Never the one of a walk before, in whatever process.
            self.keeper.mark = self.clock.now_ms().max(1);
            self.limit = policy.limit;
            self.keeper.bytes = Kept::sum(kept)?.bytes;
        }
        if self.keeper.bytes > policy.limit && matches!(walk, Walk::Starred(_) | Walk::List(..)) {
            // What goes at the end goes now: what is kept grows beyond the limit by a step at most.
            self.keep_limit(policy.limit, 0)?;
        }
        let Some(kept) = &self.kept else { return Ok(Walk::Done) };
        Ok(match walk {
            Walk::Kept(after) => self.walk_kept(&after, policy.opened)?,
            Walk::Pins => {
                for thread in Kept::pinned(kept)? {
                    self.want_kept(&thread, 0, true)?;
                }
                // What is being written can be written on without a connection.
                for list in ["drafts", "outbox"] {
                    let list = crate::label::system(list);
                    for thread in mailbox::drafts_in(&self.db, &list, MAX_WRITTEN)? {
                        self.want_kept(&thread, 0, true)?;
                    }
                }
                if policy.starred { Walk::Starred(None) } else { Walk::List(None, 0) }
            }
            Walk::Starred(after) => {
                let (last, more) = self.want_list(&["starred"], after, |_, _| true)?;
                if more { Walk::Starred(last) } else { Walk::List(None, 0) }
            }
            Walk::List(..) if !policy.wants_list() => Walk::Sweep(String::new()),
            Walk::List(after, passed) => self.walk_list(&policy, after, passed)?,
            Walk::Sweep(after) => {
                let mark = self.keeper.mark;
                let going = Kept::unwanted(kept, &after, mark, !policy.opened, ROWS_A_STEP)?;
                for thread in &going {
                    self.drop_kept(thread)?;
                }
                if let Some(last) = going.last() {
                    Walk::Sweep(last.to_string())
                } else {
                    self.keeper.bytes = self.kept_sum()?.bytes;
                    Walk::Limit(0)
                }
            }
            Walk::Limit(stay) => match self.keep_limit(policy.limit, stay)? {
                Some(stay) => Walk::Limit(stay),
                None => Walk::GiveBack,
            },
            Walk::GiveBack => {
                if Kept::give_back(kept)? {
                    Walk::GiveBack
                } else {
                    Walk::Done
                }
            }
            Walk::Done => Walk::Done,
        })
    }

    /// Kept logs that end before what their rows show.
    fn walk_kept(&mut self, after: &str, opened: bool) -> Result<Walk, EngineError> {
        let Some(kept) = &self.kept else { return Ok(Walk::Done) };
        let threads = Kept::after(kept, after, ROWS_A_STEP)?;
        let Some(last) = threads.last() else { return Ok(Walk::Pins) };
        for thread in &threads {
            let head = Log::head(kept, &StoreId::thread(thread))?.position;
            let seen = mailbox::watermark(&self.db, thread)?;
            if head > 0 && seen.is_some_and(|seen| seen.position > head) {
                Kept::set_whole(kept, thread, false)?;
            }
        }
        let next = Walk::Kept(last.to_string());
        for thread in Kept::stale(kept, after, ROWS_A_STEP)? {
            // What lists want is looked at there.
            if thread <= *last && Kept::is_chosen(kept, &thread, opened)? {
                self.keeper.next.push_back(thread);
            }
        }
        Ok(next)
    }

    /// Conversations by age, as far as the policy wants them.
    fn walk_list(
        &mut self,
        policy: &Policy,
        after: Option<(i64, ThreadId)>,
        passed: u64,
    ) -> Result<Walk, EngineError> {
        let since = policy.days.map(|days| self.since(days));
        let newest = policy.newest.unwrap_or(0);
        let all = policy.all;
        let wants = move |at: i64, number: u64| {
            all || passed + number < newest || since.is_some_and(|since| at >= since)
        };
        let (last, more) = self.want_list(lists(policy), after, wants)?;
        let passed = passed.saturating_add(ROWS_A_STEP as u64);
        if let Some((at, _)) = &last {
            self.keeper.oldest = Some(*at);
        }
        if more { Ok(Walk::List(last, passed)) } else { Ok(Walk::Sweep(String::new())) }
    }

    /// Wants the conversations of lists after one, as long as `wants` says so of their activity and
    /// number; the last that is wanted, and whether there may be more.
    fn want_list(
        &mut self,
        lists: &[&str],
        after: Option<(i64, ThreadId)>,
        wants: impl Fn(i64, u64) -> bool,
    ) -> Result<(Option<(i64, ThreadId)>, bool), EngineError> {
        let bound = after.clone().map_or(Bound::Start, |(at, thread)| Bound::After(at, thread));
        let (rows, more) = mailbox::page(&self.db, lists, &bound, ROWS_A_STEP)?;
        let mut last = after;
        for (number, (at, root)) in (0..).zip(rows) {
            if !wants(at, number) {
                return Ok((last, false));
            }
            for (thread, _) in mailbox::seen_members(&self.db, &root)? {
                self.want_kept(&thread, at, false)?;
            }
            last = Some((at, root));
        }
        Ok((last, more))
    }

    /// Lets some of the least recently used go, after the `stay` first ones, if more is kept than
    /// the limit; how many of them stay, where it is still more.
    fn keep_limit(&mut self, limit: u64, mut stay: usize) -> Result<Option<usize>, EngineError> {
        let Some(kept) = &self.kept else { return Ok(None) };
        let oldest = Kept::oldest(kept, stay, ROWS_A_STEP)?;
        self.keeper.stuck = oldest.is_empty();
        for thread in &oldest {
            let Some(kept) = &self.kept else { break };
            if self.keeper.bytes <= limit {
                break;
            }
            let bytes = Kept::bytes(kept, thread)?;
            if self.drop_kept(thread)? {
                self.keeper.bytes = self.keeper.bytes.saturating_sub(bytes);
                self.keeper.short = true;
            } else {
                stay += 1;
            }
        }
        Ok((self.keeper.bytes > limit && !self.keeper.stuck).then_some(stay))
    }
}
