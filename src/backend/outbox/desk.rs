//! What the backend remembers of the outbox while it runs: what is in its hands, and who is woken.
//!
//! Invariant: what is in hands is what the log has of it: a change belongs to the open transaction,
//! and goes with it when that is rolled back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{SyncSender, TrySendError};

use crate::id::EventId;

/// What the backend remembers of the outbox while it runs.
#[derive(Debug, Default)]
pub(in crate::backend) struct Desk {
    /// What this process gives away now.
    sending: BTreeSet<EventId>,
    /// What came into hands (`true`) or left them in the open transaction.
    changed: Vec<(EventId, bool)>,
    /// Up to which of what nobody knows each account was asked.
    pub(super) asked: BTreeMap<String, EventId>,
    /// Who is woken when something was queued, or taken back.
    bells: Vec<SyncSender<()>>,
    /// Whether they are woken after the commit.
    pub(super) rung: bool,
}

impl Desk {
    /// What this process gives away now.
    pub(super) const fn sending(&self) -> &BTreeSet<EventId> {
        &self.sending
    }

    /// Whether this process gives it away now.
    pub(super) fn holds(&self, queued: &EventId) -> bool {
        self.sending.contains(queued)
    }

    /// It is in the hands of this process.
    pub(super) fn take(&mut self, queued: &EventId) {
        if self.sending.insert(queued.clone()) {
            self.changed.push((queued.clone(), true));
        }
    }

    /// It is not any more; whether it was.
    pub(super) fn let_go(&mut self, queued: &EventId) -> bool {
        let held = self.sending.remove(queued);
        if held {
            self.changed.push((queued.clone(), false));
        }
        held
    }

    /// Who is woken from now on.
    pub(super) fn listen(&mut self, bell: SyncSender<()>) {
        self.bells.push(bell);
        self.rung = true;
    }

    /// What was written is on disk: who sends may look.
    pub(in crate::backend) fn committed(&mut self) {
        self.changed.clear();
        if std::mem::take(&mut self.rung) {
            // One that is full has been woken already.
            let is_there = |bell: &SyncSender<()>| {
                !matches!(bell.try_send(()), Err(TrySendError::Disconnected(())))
            };
            self.bells.retain(is_there);
        }
    }

    /// What was written since the last commit is not kept.
    pub(in crate::backend) fn roll_back(&mut self) {
        for (queued, came) in std::mem::take(&mut self.changed).into_iter().rev() {
            if came {
                self.sending.remove(&queued);
            } else {
                self.sending.insert(queued);
            }
        }
    }

    /// The process that gave things away is gone.
    #[cfg(test)]
    pub(super) fn dies(&mut self) {
        self.sending.clear();
        self.changed.clear();
    }
}
