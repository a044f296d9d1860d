//! Change detection: a thread's snapshot before and after.

use crate::projection::{CrossEvent, Snapshot};

/// What changed; empty when the list would not show a difference.
#[must_use]
pub fn diff(before: Option<&Snapshot>, after: &Snapshot) -> Vec<CrossEvent> {
    let Some(before) = before else {
        return vec![CrossEvent::Created(after.clone())];
    };
    let mut events = Vec::new();
    if before.facts != after.facts {
        events.push(CrossEvent::SummaryChanged(after.facts.clone()));
    }
    let applied = after.labels.difference(&before.labels).cloned();
    let removed = before.labels.difference(&after.labels).cloned();
    events.extend(removed.map(CrossEvent::LabelRemoved));
    events.extend(applied.map(CrossEvent::LabelApplied));
    events
}
