//! Properties of the fold of one thread and of the overlay over its row, on random histories of
//! several devices: keys of every kind, mail, undos, late and repeated ones.
//!
//! Invariant: pure; no database and no clock. A history is drawn as small numbers, so that a
//! failing one shrinks to a short one.

use std::collections::BTreeMap;

use mailtui::command::events::event;
use mailtui::command::intent::{Change, Target};
use mailtui::id::{
    ActionId, BlobHash, DeviceId, Epoch, EventId, MessageId, Seen, StoreId, ThreadId,
};
use mailtui::label::{Place, user_label};
use mailtui::limits::TRAIL_ENTRIES;
use mailtui::mail::{Flags, SortFrom};
use mailtui::mailbox::ThreadRow;
use mailtui::projection::{Snapshot, entries, of_thread, overlay};
use mailtui::store::{Action, Args, Event, NewEvent, OwnEvent};
use mailtui::thread::{
    ActionUndone, Base, Cells, Entry, EpochBegan, FlagsChanged, LabelChange, Linked, MessageAdded,
    MessageOnly, ThreadState, Trail, What, decide, name, run,
};
use proptest::prelude::*;

const DEVICES: [&str; 3] = ["dev-a", "dev-b", "dev-c"];
const LABELS: [&str; 2] = ["work", "home"];
/// The longest history: longer than a trail, so that what is older than it counts too.
const LONGEST: usize = 40;

/// One event, drawn.
#[derive(Debug, Clone)]
struct Drawn {
    device: usize,
    what: Kind,
    /// How much of the log before it its row had not seen.
    unseen: u64,
    /// How far its id stands back behind its place in the log: a late one.
    late: u64,
    /// Whether it belongs to the action of the event before it.
    joined: bool,
}

#[derive(Debug, Clone)]
enum Kind {
    Mail {
        own: bool,
        draft: bool,
        read: bool,
        place: Option<Place>,
    },
    Key(Change),
    /// Takes a place off.
    Leave(Place),
    Link,
    /// The source changed flags of an earlier message, counted from the end.
    Flags {
        back: usize,
        set: [bool; 3],
        cleared: [bool; 3],
        sent: Option<bool>,
    },
    /// A message, counted from the end, is gone where it came from, or there again.
    Gone {
        back: usize,
        on: bool,
    },
    /// The logs were put back, when this one was so much shorter.
    Epoch(u64),
    /// Undoes the action of an earlier event, counted from the end.
    Undo(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let label = (0..LABELS.len(), any::<bool>())
        .prop_map(|(label, on)| Change::Label(user_label(LABELS[label]), on));
    prop_oneof![
        4 => prop::sample::select(Place::ALL.to_vec()).prop_map(Change::Place),
        2 => label,
        2 => any::<bool>().prop_map(Change::Read),
        1 => any::<bool>().prop_map(Change::Star),
        2 => any::<bool>().prop_map(Change::Mute),
        2 => prop::option::of(Just(1_715_587_200)).prop_map(Change::Snooze),
    ]
}

fn flags() -> impl Strategy<Value = Kind> {
    let some = || prop::array::uniform3(prop::bool::weighted(0.4));
    (0_usize..6, some(), some(), prop::option::weighted(0.2, any::<bool>()))
        .prop_map(|(back, set, cleared, sent)| Kind::Flags { back, set, cleared, sent })
}

fn kind() -> impl Strategy<Value = Kind> {
    let place = prop::option::weighted(0.2, prop::sample::select(Place::ALL.to_vec()));
    let mail =
        (prop::bool::weighted(0.2), prop::bool::weighted(0.1), prop::bool::weighted(0.2), place)
            .prop_map(|(own, draft, read, place)| Kind::Mail { own, draft, read, place });
    prop_oneof![
        5 => mail,
        12 => change().prop_map(Kind::Key),
        1 => prop::sample::select(Place::ALL.to_vec()).prop_map(Kind::Leave),
        1 => Just(Kind::Link),
        3 => flags(),
        4 => (0_usize..4, prop::bool::weighted(0.6)).prop_map(|(back, on)| Kind::Gone { back, on }),
        1 => (0_u64..4).prop_map(Kind::Epoch),
        5 => (0_usize..12).prop_map(Kind::Undo),
    ]
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let unseen = prop_oneof![3 => Just(0_u64), 2 => 1_u64..6];
    let late = prop_oneof![6 => Just(0_u64), 1 => 1_u64..4];
    (0..DEVICES.len(), kind(), unseen, late, prop::bool::weighted(0.1)).prop_map(
        |(device, what, unseen, late, joined)| Drawn { device, what, unseen, late, joined },
    )
}

fn history() -> impl Strategy<Value = Vec<Drawn>> {
    prop::collection::vec(drawn(), 1..LONGEST)
}

/// Whether the mail edge writes it.
fn is_mail(what: &Kind) -> bool {
    !matches!(what, Kind::Key(_) | Kind::Leave(_) | Kind::Undo(_))
}

fn some_flags([read, starred, draft]: [bool; 3]) -> Flags {
    Flags { read, starred, draft, ..Flags::default() }
}

fn thread() -> ThreadId {
    ThreadId::try_from("thethread").unwrap()
}

fn message(position: u64, what: &Kind) -> Args {
    let Kind::Mail { own, draft, read, place } = what else { unreachable!("mail") };
    Args::of(&MessageAdded {
        message: MessageId::try_from(format!("m{position}")).unwrap(),
        copy: false,
        message_id: None,
        raw: BlobHash::try_from("00").unwrap(),
        size: 1,
        outline: false,
        subject: None,
        from: Vec::new(),
        to: Vec::new(),
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Vec::new(),
        date: None,
        sort_date: 7,
        sort_from: SortFrom::Import,
        snippet: String::new(),
        text: None,
        text_blob: None,
        attachments: Vec::new(),
        flags: Flags { draft: *draft, read: *read, ..Flags::default() },
        place: *place,
        sent: *own,
        labels: Vec::new(),
        references: Vec::new(),
        defects: Vec::new(),
        facts: None,
    })
}

/// What a row showed. What it did not may be so because it is of an epoch before.
fn seen(epochs: &[Epoch], last: u64, unseen: u64) -> Seen {
    let of = epochs.len() - 1 - usize::from(unseen > 3 && epochs.len() > 1);
    Seen { epoch: epochs[of].clone(), position: last - unseen.min(last) }
}

/// Another epoch begins, when the log ended there.
fn began(epochs: &mut Vec<Epoch>, at: u64) -> (&'static str, Args) {
    let epoch = Epoch::try_from(format!("{}.x", epochs.len() + 1)).unwrap();
    epochs.push(epoch.clone());
    (name::EPOCH_BEGAN, Args::of(&EpochBegan { epoch, at }))
}

/// The message that came as the last but so many.
fn nth_last(events: &[Event], back: usize) -> Option<MessageId> {
    let added = events.iter().filter(|event| event.event.name == name::MESSAGE_ADDED);
    let of = added.map(|event| event.position).rev().nth(back)?;
    Some(MessageId::try_from(format!("m{of}")).unwrap())
}

/// The events of a history, from position 1; the first is always a received message.
fn log(history: &[Drawn]) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let first = Drawn {
        device: 0,
        what: Kind::Mail { own: false, draft: false, read: false, place: None },
        unseen: 0,
        late: 0,
        joined: false,
    };
    let mut epochs = vec![Epoch::try_from("1").unwrap()];
    for drawn in std::iter::once(&first).chain(history) {
        let position = events.len() as u64 + 1;
        let epoch = epochs.last().expect("one").clone();
        let seen = seen(&epochs, position - 1, drawn.unseen);
        let target = Target { thread: thread(), seen: seen.clone() };
        let (name, args) = match &drawn.what {
            mail @ Kind::Mail { .. } => (name::MESSAGE_ADDED, message(position, mail)),
            Kind::Key(change) => event(change, &target),
            Kind::Leave(place) => {
                let change = LabelChange { label: place.label(), seen: Some(seen) };
                (name::LABEL_REMOVED, Args::of(&change))
            }
            Kind::Link => {
                let other = ThreadId::try_from("other").unwrap();
                (name::THREAD_LINKED, Args::of(&Linked { thread: other, held: Vec::new() }))
            }
            Kind::Flags { back, set, cleared, sent } => {
                let Some(message) = nth_last(&events, *back) else { continue };
                let (set, cleared) = (some_flags(*set), some_flags(*cleared));
                let change = FlagsChanged { message, set, cleared, sent: *sent };
                (name::FLAGS_CHANGED, Args::of(&change))
            }
            Kind::Gone { back, on } => {
                let Some(message) = nth_last(&events, *back) else { continue };
                let name = if *on { name::MESSAGE_REMOVED } else { name::MESSAGE_RETURNED };
                (name, Args::of(&MessageOnly { message }))
            }
            Kind::Epoch(shorter) => began(&mut epochs, (position - 1).saturating_sub(*shorter)),
            Kind::Undo(back) => {
                let before = events.iter().rev().filter_map(|event| event.event.action.as_ref());
                let Some(action) = before.map(|action| action.id.clone()).nth(*back) else {
                    continue;
                };
                (name::ACTION_UNDONE, Args::of(&ActionUndone { action, seen: Some(seen) }))
            }
        };
        let id = format!("e{:04}-{position}", position * 4 - drawn.late * 3 % (position * 4));
        let mail = is_mail(&drawn.what);
        let undo = matches!(drawn.what, Kind::Undo(_));
        let same = events.last().and_then(|last| last.event.action.clone());
        let same = same.filter(|action| drawn.joined && !undo && action.name != "undo");
        let device = match (&same, events.last()) {
            (Some(_), Some(last)) => last.event.device.clone(),
            _ => {
                DeviceId::try_from(if mail { "mail-edge" } else { DEVICES[drawn.device] }).unwrap()
            }
        };
        let new = Action {
            id: ActionId::try_from(format!("a{position}")).unwrap(),
            name: if undo { "undo" } else { "key" }.to_owned(),
            at: 0,
            redoes: None,
        };
        let action = (!mail).then(|| same.unwrap_or(new));
        let id = EventId::try_from(id).unwrap();
        let event = NewEvent { id, name: name.to_owned(), args, device, action, epoch };
        events.push(Event { position, event });
    }
    events
}

fn state(log: &[Event]) -> ThreadState {
    let mut state = ThreadState::default();
    state.apply(log);
    state
}

fn fold(entries: &[Entry]) -> Cells {
    let start = Base::default();
    run(&start, entries, &decide(&start, entries, 0))
}

/// The row that mirrors a thread.
fn row(state: &ThreadState) -> ThreadRow {
    let Snapshot { facts, labels } = of_thread(&thread(), state);
    ThreadRow {
        id: facts.id.clone(),
        subject: facts.subject,
        participants: facts.participants,
        snippet: facts.snippet,
        last_activity: facts.last_activity,
        created_at: facts.created_at,
        message_count: facts.message_count,
        has_attachment: facts.has_attachment,
        shown: mailtui::mailbox::Shown {
            place: facts.place,
            snoozed_until: facts.snoozed_until,
            starred: facts.starred,
            muted: facts.muted,
            unread_count: facts.unread_count,
            labels,
        },
        root: facts.id,
        trail: facts.trail.text().to_owned(),
    }
}

/// Events of one device that the backend does not have yet, as its table holds them.
fn own(events: &[Event]) -> Vec<OwnEvent> {
    let own = (1..).zip(events).map(|(seq, Event { event, .. })| OwnEvent {
        seq,
        store: StoreId::thread(&thread()),
        id: event.id.clone(),
        name: event.name.clone(),
        args: event.args.clone(),
        action: event.action.clone(),
        offered: None,
        position: None,
        device: None,
        again: false,
    });
    own.collect()
}

/// Whether an own undo names an action that the trail of `log` does not hold as a whole: that shows
/// when it is projected.
fn undoes_older(log: &[Entry], own: &[Entry]) -> bool {
    let older = &log[..log.len().saturating_sub(TRAIL_ENTRIES)];
    own.iter().any(|entry| match &entry.what {
        What::Undo { action, .. } => older.iter().any(|old| old.action.as_ref() == Some(action)),
        _ => false,
    })
}

/// Cells that no guard protects, with the unread messages one by one.
fn unguarded(cells: &Cells, positions: u64) -> impl PartialEq + std::fmt::Debug + use<> {
    let unread: Vec<u64> = (1..=positions).filter(|at| cells.is_unread(*at)).collect();
    (cells.starred, cells.muted, cells.labels.clone(), cells.links.clone(), unread)
}

/// What a device has not pushed is its own, and in order.
fn mine(drawn: Drawn) -> Drawn {
    let Drawn { what, unseen, .. } = drawn;
    let what = if is_mail(&what) { Kind::Key(Change::Star(true)) } else { what };
    Drawn { device: 1, what, unseen, late: 0, joined: false }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The overlay of own events over a row is the row once they are projected.
    #[test]
    fn the_overlay_is_the_row_to_come(
        history in history(),
        last in prop::collection::vec(drawn(), 1..4),
    ) {
        let all: Vec<Drawn> = history.iter().cloned().chain(last.into_iter().map(mine)).collect();
        let (before, all) = (log(&history), log(&all));
        let (held, pending) = all.split_at(before.len());
        let (before, after) = (state(held), state(&all));
        let device = DeviceId::try_from(DEVICES[1]).unwrap();
        let own = own(pending);
        let pending = entries(&own, &device, before.epochs(), None);
        prop_assume!(!undoes_older(&before.entries, &pending));
        let shown = overlay(&row(&before), &own, &device, None).unwrap_or(row(&before).shown);
        prop_assert_eq!(shown, row(&after).shown);
    }

    /// So it is in an epoch that just began, of which the log says nothing before the first of
    /// them is appended.
    #[test]
    fn the_overlay_knows_of_an_epoch_before_the_log_does(
        history in history(),
        last in prop::collection::vec(drawn(), 1..4),
    ) {
        let began = Drawn { device: 0, what: Kind::Epoch(0), unseen: 0, late: 0, joined: false };
        let last = std::iter::once(began).chain(last.into_iter().map(mine));
        let all: Vec<Drawn> = history.iter().cloned().chain(last).collect();
        let (before, all) = (log(&history), log(&all));
        let (held, pending) = all.split_at(before.len());
        let (before, after) = (state(held), state(&all));
        let device = DeviceId::try_from(DEVICES[1]).unwrap();
        let marker = pending[0].event.args.read::<EpochBegan>().expect("it begins with it");
        let here = Seen { epoch: marker.epoch, position: marker.at };
        let own = own(&pending[1..]);
        let pending = entries(&own, &device, before.epochs(), Some(&here));
        prop_assume!(!undoes_older(&before.entries, &pending));
        let row_before = row(&before);
        let shown = overlay(&row_before, &own, &device, Some(&here)).unwrap_or(row_before.shown);
        prop_assert_eq!(shown, row(&after).shown);
    }

    /// Own events that the row holds already, of which the device has not heard so, change nothing.
    #[test]
    fn what_the_row_holds_is_not_shown_twice(history in history()) {
        let log = log(&history);
        let device = DeviceId::try_from(DEVICES[1]).unwrap();
        let mine = |event: &&Event| event.event.device == device && event.event.action.is_some();
        let own = own(&log.iter().filter(mine).cloned().collect::<Vec<_>>());
        let row = row(&state(&log));
        prop_assert_eq!(overlay(&row, &own, &device, None).unwrap_or(row.shown.clone()), row.shown);
    }

    /// A row's trail yields what the whole log yields, and fits through its text.
    #[test]
    fn the_trail_yields_what_the_log_yields(history in history()) {
        let entries = state(&log(&history)).entries;
        let (trail, cells) = Trail::of(&entries);
        prop_assert_eq!(&cells, &fold(&entries));
        let text = serde_json::to_string(&trail).unwrap();
        let back: Trail = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back.with(&[]), cells);
        prop_assert!(trail.entries.len() <= TRAIL_ENTRIES);
    }

    /// No key hides a message that was in the log before it and not in its row.
    #[test]
    fn no_key_hides_what_its_row_did_not_show(history in history()) {
        let entries = state(&log(&history)).entries;
        let mut before = fold(&entries[..1]);
        for (at, entry) in entries.iter().enumerate().skip(1) {
            let after = fold(&entries[..=at]);
            let seen = match &entry.what {
                What::Place { seen, .. }
                | What::Leave { seen, .. }
                | What::Snooze { seen, .. }
                | What::Undo { seen, .. } => *seen,
                _ => 0,
            };
            let unseen = entries[..at].iter().any(|earlier| {
                earlier.position > seen && matches!(earlier.what, What::Message { own: false, .. })
            });
            let hides = after.hides(before.place, before.snoozed);
            prop_assert!(!(unseen && hides), "{entry:?} after {before:?} gives {after:?}");
            before = after;
        }
    }

    /// The cells count the messages that the reader shows, and a thread without any is in no list.
    #[test]
    fn what_is_gone_is_shown_nowhere(history in history()) {
        let state = state(&log(&history));
        let cells = fold(&state.entries);
        let rows = state.sorted();
        prop_assert_eq!(cells.messages(), rows.len() as u64);
        let unread = rows.iter().filter(|row| cells.is_unread(row.position)).count() as u64;
        prop_assert_eq!(cells.unread(), unread);
        prop_assert_eq!(cells.is_gone(), rows.is_empty());
        prop_assert_eq!(cells.all_labels().is_empty(), rows.is_empty());
        let any = |is: fn(&MessageAdded) -> bool| rows.iter().any(|row| is(&row.message));
        prop_assert_eq!(cells.sent, any(|message| message.sent && !message.flags.draft));
        prop_assert_eq!(cells.drafts, any(|message| message.flags.draft));
    }

    /// What is gone is not marked by a key meanwhile, and not hidden by one when it returns.
    #[test]
    fn a_key_reaches_nothing_that_is_gone(history in history()) {
        let entries = state(&log(&history)).entries;
        for (at, entry) in entries.iter().enumerate() {
            let What::Gone { on: false, marks } = &entry.what else { continue };
            let gone = entries[..at].iter().rposition(|earlier| {
                matches!(&earlier.what, What::Gone { on: true, marks: of } if of.at == marks.at)
            });
            let gone = gone.expect("it was gone before");
            let meanwhile = &entries[gone + 1..at];
            let quiet = |entry: &Entry| matches!(entry.what, What::Flags(_) | What::Undo { .. });
            prop_assume!(!meanwhile.iter().any(quiet));
            let (before, after) = (fold(&entries[..gone]), fold(&entries[..=at]));
            prop_assert_eq!(before.is_unread(marks.at), after.is_unread(marks.at));
            let hidden = (gone + 1..at).any(|key| {
                let (was, is) = (fold(&entries[..key]), fold(&entries[..=key]));
                entries[key].action.is_some() && is.hides(was.place, was.snoozed)
            });
            let own = entries.iter().any(|entry| {
                entry.position == marks.at && matches!(entry.what, What::Message { own: true, .. })
            });
            let flagged = entries[..at].iter().any(|entry| {
                matches!(&entry.what, What::Flags(of) if of.at == marks.at && of.own.is_some())
            });
            if hidden && !own && !flagged {
                prop_assert_eq!((after.place, after.snoozed), (Place::Inbox, None));
            }
        }
    }

    /// What an undone action wrote leaves no trace in the cells that hide nothing; nor in the
    /// place, when every undo had seen all.
    #[test]
    fn an_undone_action_leaves_no_trace(history in history(), all_seen in any::<bool>()) {
        let history: Vec<Drawn> = history.into_iter().map(|drawn| match drawn.what {
            Kind::Undo(_) if all_seen => Drawn { unseen: 0, ..drawn },
            _ => drawn,
        }).collect();
        let log = log(&history);
        let entries = state(&log).entries;
        let undone = decide(&Base::default(), &entries, 0);
        let stands =
            |entry: &&Entry| entry.action.as_ref().is_none_or(|a| !undone.contains_key(a));
        let left: Vec<Entry> = entries.iter().filter(stands).cloned().collect();
        let without = run(&Base::default(), &left, &BTreeMap::new());
        let with = fold(&entries);
        let last = log.len() as u64;
        prop_assert_eq!(unguarded(&with, last), unguarded(&without, last));
        if all_seen {
            prop_assert_eq!((with.place, with.snoozed), (without.place, without.snoozed));
        }
    }
}
