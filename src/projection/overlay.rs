//! What a device shows of its own events until the watermark passes them: the thread's fold over
//! the row's trail.
//!
//! Invariant: for every intent, the overlay of its events on the row before is the row after.

use crate::id::{DeviceId, Seen};
use crate::mailbox::{Shown, ThreadRow};
use crate::projection::snapshot::shown;
use crate::store::{NewEvent, OwnEvent};
use crate::thread::{Base, Cells, Entry, Epochs, Trail, What};

/// Own events as entries over a log that is known up to `here`, with the epochs that it tells of;
/// those that it holds already are left out.
///
/// The marker of an epoch is appended to a log with the first event of that epoch: until then it is
/// not in the log, and stands where the log ends.
#[must_use]
pub fn entries(
    own: &[OwnEvent],
    device: &DeviceId,
    epochs: &Epochs,
    here: Option<&Seen>,
) -> Vec<Entry> {
    let known = here.map_or(0, |here| here.position);
    let epochs = here.map_or_else(|| epochs.clone(), |here| epochs.ahead(here));
    own.iter()
        .filter(|event| event.position.is_none_or(|position| position > known))
        .filter_map(|event| {
            let offered = NewEvent {
                id: event.id.clone(),
                name: event.name.clone(),
                args: event.args.clone(),
                device: event.device.as_ref().unwrap_or(device).clone(),
                action: event.action.clone(),
                epoch: crate::id::Epoch::try_from("own").ok()?,
            };
            Entry::of(&offered, None, &epochs)
        })
        // A message that is offered again has no place among the others before the backend says so.
        .filter(|entry| !matches!(entry.what, What::Message { .. }))
        .collect()
}

/// Own events as entries over a row's trail, as [`entries`]: without those that the trail's base
/// holds. What is offered again may come in another order, and is looked for by its id alone.
#[must_use]
pub fn above(
    trail: &Trail,
    own: &[OwnEvent],
    device: &DeviceId,
    here: Option<&Seen>,
) -> Vec<Entry> {
    let is_new = |event: &&OwnEvent| {
        let of = event.device.as_ref().unwrap_or(device);
        event.again || event.action.is_none() || !trail.base.holds(of, &event.id)
    };
    let new: Vec<OwnEvent> = own.iter().filter(is_new).cloned().collect();
    entries(&new, device, &trail.base.epochs, here)
}

/// The trail of a row. One that cannot be read is of a newer program's making: then what the row
/// itself shows is what own events go on top of, and it comes right when they are projected.
#[must_use]
pub fn trail_of(row: &ThreadRow) -> Trail {
    serde_json::from_str(&row.trail).unwrap_or_else(|_| {
        let ThreadRow { shown, message_count, .. } = row;
        let (snoozed, unread) = (shown.snoozed_until, shown.unread_count);
        let cells = Cells::of_labels(&shown.labels, snoozed, *message_count, unread);
        Trail { base: Base { cells, ..Base::default() }, entries: Vec::new() }
    })
}

/// What to show instead of the confirmed row, which has taken the log in up to `here`; `None` when
/// own events change nothing.
#[must_use]
pub fn overlay(
    row: &ThreadRow,
    own: &[OwnEvent],
    device: &DeviceId,
    here: Option<&Seen>,
) -> Option<Shown> {
    let trail = trail_of(row);
    overlaid(row, &trail, &above(&trail, own, device, here))
}

/// As [`overlay`], of entries.
fn overlaid(row: &ThreadRow, trail: &Trail, own: &[Entry]) -> Option<Shown> {
    if own.is_empty() {
        return None;
    }
    let after = shown(&trail.with(own));
    (after != row.shown).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ActionId, EventId, LabelId, StoreId, ThreadId};
    use crate::label::{Place, user_label};
    use crate::limits::TRAIL_ENTRIES;
    use crate::store::{Action, Args};
    use crate::thread::{Starred, name};

    #[test]
    fn own_events_show_over_a_row_whose_trail_is_of_a_newer_program() {
        let thread = ThreadId::try_from("thethread").unwrap();
        let labels = ["inbox", "unread", "muted"].map(|id| LabelId::try_from(id).unwrap());
        let labels = labels.into_iter().chain([user_label("work")]).collect();
        let shown = Shown {
            place: Place::Inbox,
            snoozed_until: None,
            starred: false,
            muted: true,
            unread_count: 2,
            labels,
        };
        let row = ThreadRow {
            id: thread.clone(),
            subject: None,
            participants: Vec::new(),
            snippet: String::new(),
            last_activity: 7,
            created_at: 7,
            message_count: 5,
            has_attachment: false,
            shown: shown.clone(),
            root: thread,
            trail: r#"{"e":[{"p":9,"i":"e","d":"d","w":{"newer":1}}]}"#.to_owned(),
        };
        let key = |what| Entry {
            position: u64::MAX,
            id: EventId::try_from("own").unwrap(),
            device: DeviceId::try_from("device").unwrap(),
            action: Some(ActionId::try_from("action").unwrap()),
            what,
        };
        let star = overlaid(&row, &trail_of(&row), &[key(What::Star { on: true })]).unwrap();
        let mut expected = Shown { starred: true, ..shown.clone() };
        expected.labels.insert(LabelId::try_from("starred").unwrap());
        assert_eq!(star, expected);
        let read = What::Read { read: true, seen: 8 };
        let read = overlaid(&row, &trail_of(&row), &[key(read)]).unwrap();
        assert_eq!((read.unread_count, read.place, read.labels.len()), (0, Place::Inbox, 3));
        let place = What::Place { place: Place::Archive, seen: 8 };
        assert_eq!(overlaid(&row, &trail_of(&row), &[key(place)]).unwrap().place, Place::Archive);
    }

    #[test]
    fn what_the_base_of_a_trail_holds_is_not_above_it() {
        let device = DeviceId::try_from("device").unwrap();
        let own = |number: usize, again: bool| OwnEvent {
            seq: i64::try_from(number).unwrap(),
            store: StoreId::thread(&ThreadId::try_from("thethread").unwrap()),
            id: EventId::try_from(format!("e{number:03}")).unwrap(),
            name: name::THREAD_STARRED.to_owned(),
            args: Args::of(&Starred { starred: number.is_multiple_of(2) }),
            action: Some(Action {
                id: ActionId::try_from(format!("a{number:03}")).unwrap(),
                name: "star".to_owned(),
                at: 0,
                redoes: None,
            }),
            offered: None,
            position: None,
            device: None,
            again,
        };
        let all: Vec<OwnEvent> = (0..TRAIL_ENTRIES + 4).map(|n| own(n, false)).collect();
        let entries = entries(&all, &device, &Epochs::default(), None);
        let (trail, _) = Trail::of(&entries);
        assert_eq!(trail.entries.len(), TRAIL_ENTRIES);
        let count = |own: &[OwnEvent]| above(&trail, own, &device, None).len();
        assert_eq!(count(&all), TRAIL_ENTRIES, "known by their ids in the trail itself");
        assert_eq!(count(&all[..4]), 0);
        assert_eq!((count(&[own(3, true)]), count(&[own(99, false)])), (1, 1));
    }
}
