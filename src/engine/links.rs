//! Conversations joined and split by hand.
//!
//! Invariant: a link is in the logs of both its threads, by one action; threads keep their ids,
//! messages and places. What a user splits stays split: each thread that leaves says so of every
//! other. Rows show it when it is projected, so that no row is half joined. No thread is loaded.

use std::collections::BTreeSet;

use crate::command::count::conversations;
use crate::engine::view::Done;
use crate::engine::{Device, EngineError};
use crate::id::{StoreId, ThreadId};
use crate::mailbox;
use crate::store::{Action, Args, StoreError};
use crate::thread::{Linked, name};

/// Pairs of threads that one split says of that they are apart: two events each, on the thread that
/// keys wait for.
const SPLIT_PAIRS: usize = 4_096;

impl Device {
    /// Makes the conversations of these threads one.
    pub(super) fn join(&mut self, threads: &[ThreadId]) -> Result<Done, EngineError> {
        let mut roots = BTreeSet::new();
        for thread in threads {
            let root = mailbox::root_of(&self.db, thread)?;
            roots.insert(root.ok_or_else(|| EngineError::NoThread(thread.to_string()))?);
        }
        let Some(least) = roots.first().filter(|_| roots.len() > 1).cloned() else {
            let says = "It is one conversation.".to_owned();
            return Ok(Done { says, ..Done::default() });
        };
        let action = self.action("join");
        for other in roots.iter().skip(1) {
            self.write_link(&least, other, true, &action)?;
        }
        let says = format!("Joined {}.", conversations(roots.len() as u64));
        Ok(Done { action: Some(action.id), threads: roots.len(), says, ..Done::default() })
    }

    /// Takes each of these threads out of its conversation; what is left of that stays together.
    pub(super) fn split(&mut self, threads: &[ThreadId]) -> Result<Done, EngineError> {
        let mut roots = BTreeSet::new();
        for thread in threads {
            let root = mailbox::root_of(&self.db, thread)?;
            roots.insert(root.ok_or_else(|| EngineError::NoThread(thread.to_string()))?);
        }
        let (mut action, mut rows) = (None, 0);
        for root in &roots {
            let members = mailbox::Conversations::of(&self.db)?.members(root)?.into_iter();
            let members: BTreeSet<ThreadId> = members.map(|member| member.row.id).collect();
            let leaving = members.iter().filter(|member| threads.contains(member));
            let leaving: BTreeSet<ThreadId> = leaving.cloned().collect();
            if members.len() < 2 {
                continue;
            }
            if leaving.len() * members.len() > SPLIT_PAIRS {
                return Err(EngineError::TooManyToSplit(members.len()));
            }
            rows += 1;
            let action = action.get_or_insert_with(|| self.action("split")).clone();
            for thread in &leaving {
                // Two that both leave say it once.
                let others = members.iter().filter(|o| *o != thread);
                for other in others.filter(|o| !leaving.contains(o) || *o > thread) {
                    self.write_link(thread, other, false, &action)?;
                }
            }
            let left = members.difference(&leaving).cloned().collect();
            self.hold_together(&left, &action)?;
        }
        let Some(action) = action else {
            let says = "There is nothing to split.".to_owned();
            return Ok(Done { says, ..Done::default() });
        };
        let says = format!("Split {}.", conversations(rows));
        let threads = usize::try_from(rows).unwrap_or(usize::MAX);
        Ok(Done { action: Some(action.id), threads, says, ..Done::default() })
    }

    /// Links threads that only those which leave held together.
    fn hold_together(
        &mut self,
        left: &BTreeSet<ThreadId>,
        action: &Action,
    ) -> Result<(), StoreError> {
        let Some(first) = left.first().cloned() else { return Ok(()) };
        let mut apart = left.clone();
        while let Some(start) = apart.pop_first() {
            let mut open = vec![start.clone()];
            while let Some(thread) = open.pop() {
                for next in mailbox::linked_with(&self.db, &thread)? {
                    if left.contains(&next) && apart.remove(&next) {
                        open.push(next);
                    }
                }
            }
            if start != first {
                self.write_link(&first, &start, true, action)?;
            }
        }
        Ok(())
    }

    fn write_link(
        &mut self,
        a: &ThreadId,
        b: &ThreadId,
        on: bool,
        action: &Action,
    ) -> Result<(), StoreError> {
        let name = if on { name::THREAD_LINKED } else { name::THREAD_UNLINKED };
        for (thread, other) in [(a, b), (b, a)] {
            let args = Args::of(&Linked { thread: other.clone(), held: Vec::new() });
            self.add(&StoreId::thread(thread), name, &args, action)?;
        }
        Ok(())
    }
}
