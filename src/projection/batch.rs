//! A batch of the queue `cross-store-events`: what a range of a thread's log changed.
//!
//! Invariant: two batches of one thread that follow on each other merge into the batch that their
//! ranges together would have made; so cost follows threads, not events.

use serde::{Deserialize, Serialize};

use crate::id::{Epoch, LabelId, StoreId};
use crate::mailbox::{SourceAction, ThreadFacts};
use crate::projection::Snapshot;

/// Where a batch comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSource {
    /// The Thread store.
    pub store: StoreId,
    /// The epoch in which the positions count.
    pub epoch: Epoch,
    /// The position before the first.
    pub from: u64,
    /// The last position.
    pub through: u64,
    /// Every action in the range, also when it changed nothing.
    pub actions: Vec<SourceAction>,
}

/// A cross-store event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CrossEvent {
    /// A thread began.
    #[serde(rename = "v1.ThreadCreated")]
    Created(Snapshot),
    /// It shows a label.
    #[serde(rename = "v1.ThreadLabelApplied")]
    LabelApplied(LabelId),
    /// It shows a label no more.
    #[serde(rename = "v1.ThreadLabelRemoved")]
    LabelRemoved(LabelId),
    /// Its row changed.
    #[serde(rename = "v1.ThreadSummaryChanged")]
    SummaryChanged(ThreadFacts),
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Where from.
    pub source: BatchSource,
    /// What changed, net.
    pub events: Vec<CrossEvent>,
}

impl Batch {
    /// The batch of both ranges; `None` when `next` does not follow on this one.
    #[must_use]
    pub fn merge(&self, next: &Self) -> Option<Self> {
        let follows = self.source.store == next.source.store
            && self.source.epoch == next.source.epoch
            && self.source.through == next.source.from;
        if !follows {
            return None;
        }
        let mut merged = self.clone();
        merged.source.through = next.source.through;
        for action in &next.source.actions {
            let mut action = action.clone();
            if let Some(at) = merged.source.actions.iter().position(|held| held.id == action.id) {
                let held = merged.source.actions.remove(at);
                action.changes.splice(0..0, held.changes);
            }
            merged.source.actions.push(action);
        }
        for event in &next.events {
            merged.add(event);
        }
        Some(merged)
    }

    fn add(&mut self, event: &CrossEvent) {
        if let Some(CrossEvent::Created(snapshot)) = self.events.first_mut() {
            match event {
                CrossEvent::Created(newer) => *snapshot = newer.clone(),
                CrossEvent::LabelApplied(label) => {
                    snapshot.labels.insert(label.clone());
                }
                CrossEvent::LabelRemoved(label) => {
                    snapshot.labels.remove(label);
                }
                CrossEvent::SummaryChanged(facts) => snapshot.facts = facts.clone(),
            }
            return;
        }
        let opposite = match event {
            CrossEvent::LabelApplied(label) => Some(CrossEvent::LabelRemoved(label.clone())),
            CrossEvent::LabelRemoved(label) => Some(CrossEvent::LabelApplied(label.clone())),
            CrossEvent::SummaryChanged(_) => {
                self.events.retain(|held| !matches!(held, CrossEvent::SummaryChanged(_)));
                None
            }
            CrossEvent::Created(_) => None,
        };
        match opposite.and_then(|o| self.events.iter().position(|held| *held == o)) {
            Some(at) => {
                self.events.remove(at);
            }
            None => self.events.push(event.clone()),
        }
    }
}
