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
    let (end, when) = (batch.events.len() - 1, when(batch));
    let events = batch.events.iter().enumerate();
    events.map(|(index, event)| one(event, source(index == end), when)).collect()
}

/// When the batch's last action was done; without one, when its newest mail came. Unix seconds.
fn when(batch: &Batch) -> i64 {
    let done = batch.source.actions.iter().map(|action| action.at.div_euclid(1_000)).max();
    let mail = batch.events.iter().find_map(|event| match event {
        CrossEvent::SummaryChanged(facts) => Some(facts.last_activity),
        _ => None,
    });
    done.or(mail).unwrap_or_default()
}

fn one(event: &CrossEvent, source: Source, at: i64) -> (&'static str, Args) {
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
            (name::LABEL_APPLIED, Args::of(&ThreadLabel { label: label.clone(), at, source }))
        }
        CrossEvent::LabelRemoved(label) => {
            (name::LABEL_REMOVED, Args::of(&ThreadLabel { label: label.clone(), at, source }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ActionId, DeviceId, Epoch, StoreId};
    use crate::mailbox::SourceAction;
    use crate::projection::BatchSource;

    #[test]
    fn a_label_says_when_it_was_put_on_and_the_last_event_moves_the_watermark() {
        let thread = ThreadId::try_from("abcdefgh").unwrap();
        let action = SourceAction {
            id: ActionId::try_from("x").unwrap(),
            name: "label".to_owned(),
            at: 1_700_000_000_999,
            device: DeviceId::try_from("d").unwrap(),
            position: 2,
            changes: Vec::new(),
            redoes: None,
        };
        let label = |id: &str| crate::id::LabelId::try_from(id).unwrap();
        let source = BatchSource {
            store: StoreId::thread(&thread),
            epoch: Epoch::try_from("1").unwrap(),
            from: 1,
            through: 2,
            actions: vec![action],
        };
        let events =
            vec![CrossEvent::LabelRemoved(label("a")), CrossEvent::LabelApplied(label("b"))];
        let made: Vec<ThreadLabel> = to_mailbox(&thread, &Batch { source, events })
            .iter()
            .map(|(_, args)| args.read().unwrap())
            .collect();
        assert!(made.iter().all(|label| label.at == 1_700_000_000), "{made:?}");
        assert_eq!(made.iter().map(|label| label.source.last).collect::<Vec<_>>(), [false, true]);
        assert_eq!(made[1].source.actions.len(), 1);
    }
}
