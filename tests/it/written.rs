//! Properties of drafts and the outbox on random histories of several devices and the mail edge:
//! late and repeated events, undos, steps out of order.
//!
//! Invariant: pure; no database and no clock. A history is drawn as small numbers, so that a
//! failing one shrinks to a short one.

use std::collections::BTreeMap;

use mailtui::id::{ActionId, DeviceId, EventId};
use mailtui::thread::{
    Base, Cells, DraftLine, Entry, OutboxItem, Outgoing, Stage, Step, Title, Trail, What, decide,
    run,
};
use proptest::prelude::*;

/// Who writes: devices, and the mail edge behind them.
const DEVICES: usize = 2;

#[derive(Debug, Clone)]
enum Kind {
    /// From an earlier save, counted from the end; from nothing where there is none.
    Save(Option<usize>),
    Discard(usize),
    Queue(usize, bool),
    Cancel(usize),
    Claim(usize),
    Sent(usize),
    /// For now, for good, or nobody knows.
    Fail(usize, u8),
    /// Undoes the action of an earlier event of a device, counted from the end.
    Undo(usize),
}

fn kind() -> impl Strategy<Value = Kind> {
    let back = || 0_usize..4;
    prop_oneof![
        6 => prop::option::weighted(0.8, back()).prop_map(Kind::Save),
        1 => back().prop_map(Kind::Discard),
        4 => (back(), prop::bool::weighted(0.3)).prop_map(|(back, again)| Kind::Queue(back, again)),
        2 => back().prop_map(Kind::Cancel),
        3 => back().prop_map(Kind::Claim),
        2 => back().prop_map(Kind::Sent),
        2 => (back(), 0_u8..3).prop_map(|(back, how)| Kind::Fail(back, how)),
        2 => (0_usize..8).prop_map(Kind::Undo),
    ]
}

fn history() -> impl Strategy<Value = Vec<(usize, Kind)>> {
    prop::collection::vec((0..DEVICES, kind()), 1..40)
}

fn id(text: String) -> EventId {
    EventId::try_from(text).unwrap()
}

/// The entries of a history. What names something that is not there is left out, but now and then
/// names something that comes later, or never.
fn entries(history: &[(usize, Kind)]) -> Vec<Entry> {
    let (mut all, mut saves, mut queued) =
        (Vec::<Entry>::new(), Vec::<EventId>::new(), Vec::<(EventId, EventId)>::new());
    for (at, (device, kind)) in history.iter().enumerate() {
        let event = id(format!("e{at:03}"));
        let title = Title { at: i64::try_from(at).unwrap(), ..Title::default() };
        let nth = |back: &usize| saves.iter().rev().nth(*back).cloned();
        let sent = |back: &usize| queued.iter().rev().nth(*back).cloned();
        let step = match kind {
            Kind::Save(back) => Some(Step::Saved { from: back.and_then(|b| nth(&b)), title }),
            Kind::Discard(back) => nth(back).map(Step::Discarded),
            Kind::Queue(back, again) => nth(back).map(|save| {
                let again = again.then(|| sent(back).map(|(queued, _)| queued)).flatten();
                let message_id = String::new();
                Step::Queued { save, message_id, title, hold: 10, send_at: None, again }
            }),
            Kind::Cancel(back) => sent(back).map(|(queued, _)| Step::Cancelled(queued)),
            Kind::Claim(back) => {
                sent(back).map(|(queued, save)| Step::Claimed { queued, save, title })
            }
            Kind::Sent(back) => {
                sent(back).map(|(queued, save)| Step::Sent { queued, save, refused: Vec::new() })
            }
            Kind::Fail(back, how) => sent(back).map(|(queued, _)| {
                let why = String::new();
                let stage = match how {
                    0 => Stage::Waiting { retry_at: Some(7), why },
                    1 => Stage::Failed { why },
                    _ => Stage::Unknown { why },
                };
                Step::Failed { queued, stage }
            }),
            Kind::Undo(_) => None,
        };
        let undone = match kind {
            Kind::Undo(back) => {
                let keys = all.iter().rev().filter_map(|entry| entry.action.clone());
                keys.clone().nth(*back).map(|action| What::Undo { action, seen: u64::MAX })
            }
            _ => None,
        };
        let Some(what) = step.clone().map(What::Outgoing).or(undone) else { continue };
        match &step {
            Some(Step::Saved { .. }) => saves.push(event.clone()),
            Some(Step::Queued { save, .. }) => queued.push((event.clone(), save.clone())),
            _ => {}
        }
        let edge =
            matches!(step, Some(Step::Claimed { .. } | Step::Sent { .. } | Step::Failed { .. }));
        let name = if edge { "mail-edge".to_owned() } else { format!("dev-{device}") };
        let action = (!edge).then(|| ActionId::try_from(format!("a{at:03}")).unwrap());
        let device = DeviceId::try_from(name).unwrap();
        all.push(Entry { position: at as u64 + 1, id: event, device, action, what });
    }
    all
}

fn fold(entries: &[Entry]) -> Cells {
    let start = Base::default();
    run(&start, entries, &decide(&start, entries, 0))
}

fn outgoing(cells: &Cells) -> Outgoing {
    cells.outgoing.as_deref().cloned().unwrap_or_default()
}

/// The steps that stand, with their names.
fn standing(entries: &[Entry]) -> Vec<(EventId, Step)> {
    let undone = decide(&Base::default(), entries, 0);
    let stands = |entry: &&Entry| entry.action.as_ref().is_none_or(|a| !undone.contains_key(a));
    let steps = entries.iter().filter(stands).filter_map(|entry| match &entry.what {
        What::Outgoing(step) => Some((entry.id.clone(), step.clone())),
        _ => None,
    });
    steps.collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// What was written and stands is there to be read: in a draft, in the outbox, in what was
    /// written from it, or sent, or thrown away by its name.
    #[test]
    fn no_save_is_lost(history in history()) {
        let entries = entries(&history);
        let (steps, shown) = (standing(&entries), outgoing(&fold(&entries)));
        for (save, step) in &steps {
            let Step::Saved { .. } = step else { continue };
            let gone = steps.iter().any(|(_, other)| match other {
                Step::Saved { from, .. } => from.as_ref() == Some(save),
                Step::Discarded(of) | Step::Sent { save: of, .. } => of == save,
                _ => false,
            });
            let there = shown.drafts.iter().any(|line: &DraftLine| line.save == *save)
                || shown.items.iter().any(|item: &OutboxItem| item.save == *save);
            prop_assert!(gone || there, "{save} in {shown:?}");
        }
    }

    /// What was claimed stays until it is known what became of it; what was sent does not wait to
    /// be sent, whatever came after it.
    #[test]
    fn what_was_claimed_is_never_taken_back(history in history()) {
        let entries = entries(&history);
        let (steps, shown) = (standing(&entries), outgoing(&fold(&entries)));
        let mut last: BTreeMap<&EventId, &Step> = BTreeMap::new();
        for (_, step) in &steps {
            match step {
                Step::Claimed { queued, .. } | Step::Sent { queued, .. } => {
                    let sent = last.get(queued).is_some_and(|s| matches!(s, Step::Sent { .. }));
                    if !sent {
                        last.insert(queued, step);
                    }
                }
                Step::Failed { queued, .. } => {
                    if matches!(last.get(queued), Some(Step::Claimed { .. })) {
                        last.remove(queued);
                    }
                }
                _ => {}
            }
        }
        for (queued, step) in last {
            let item = shown.items.iter().find(|item| item.queued == *queued);
            if matches!(step, Step::Sent { .. }) {
                prop_assert_eq!(item, None);
            } else {
                prop_assert_eq!(item.map(|item| &item.stage), Some(&Stage::Claimed));
            }
        }
    }

    /// A row's trail yields what the log yields, and own events over it what they will yield there.
    #[test]
    fn the_trail_yields_what_the_log_yields(history in history(), known in 0_usize..40) {
        let entries = entries(&history);
        let known = known.min(entries.len());
        let (trail, cells) = Trail::of(&entries[..known]);
        prop_assert_eq!(&cells, &fold(&entries[..known]));
        let read: Trail = serde_json::from_str(&serde_json::to_string(&trail).unwrap()).unwrap();
        prop_assert_eq!(&read, &trail, "as it is stored");
        // An undo of what is older than the trail shows when it is projected.
        let older = &entries[..known.saturating_sub(mailtui::limits::TRAIL_ENTRIES)];
        let undoes_older = entries[known..].iter().any(|entry| match &entry.what {
            What::Undo { action, .. } => older.iter().any(|o| o.action.as_ref() == Some(action)),
            _ => false,
        });
        if !undoes_older {
            let after = fold(&entries);
            prop_assert_eq!(trail.with(&entries[known..]).all_labels(), after.all_labels());
            prop_assert_eq!(outgoing(&trail.with(&entries[known..])), outgoing(&after));
        }
    }
}
