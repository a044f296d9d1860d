//! A batch as Mailbox events, each with its source.
//!
//! Invariant: a thread is added before its labels; the last event, and only that, moves the
//! watermark and names the actions. A batch that changes nothing is `v1.ThreadProjected`.

use crate::id::ThreadId;
use crate::mailbox::{Source, ThreadAdded, ThreadChanged, ThreadLabel, ThreadOnly, name};
use crate::projection::{Batch, CrossEvent};
use crate::store::Args;

/// Name and arguments of the batch's Mailbox events, in order.
#[must_use]
pub fn to_mailbox(thread: &ThreadId, batch: &Batch) -> Vec<(&'static str, Args)> {
    let source = |last: bool| Source {
        thread: thread.clone(),
        epoch: batch.source.epoch.clone(),
        from: batch.source.from,
        through: batch.source.through,
        last,
        actions: if last { batch.source.actions.clone() } else { Vec::new() },
    };
    if batch.events.is_empty() {
        let event = ThreadOnly { source: source(true) };
        return vec![(name::THREAD_PROJECTED, Args::of(&event))];
    }
    let end = batch.events.len() - 1;
    let events = batch.events.iter().enumerate();
    events.map(|(at, event)| one(event, source(at == end))).collect()
}

fn one(event: &CrossEvent, source: Source) -> (&'static str, Args) {
    match event {
        CrossEvent::Created(snapshot) => {
            let thread = snapshot.facts.clone();
            let labels = snapshot.labels.iter().cloned().collect();
            (name::THREAD_ADDED, Args::of(&ThreadAdded { thread, labels, source }))
        }
        CrossEvent::SummaryChanged(facts) => {
            let thread = facts.clone();
            (name::SUMMARY_CHANGED, Args::of(&ThreadChanged { thread, source }))
        }
        CrossEvent::LabelApplied(label) => {
            (name::LABEL_APPLIED, Args::of(&ThreadLabel { label: label.clone(), source }))
        }
        CrossEvent::LabelRemoved(label) => {
            (name::LABEL_REMOVED, Args::of(&ThreadLabel { label: label.clone(), source }))
        }
    }
}
