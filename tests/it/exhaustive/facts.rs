//! What a state of a process is known by, what is to be seen of it, and what must be true of it
//! alone and of two together.
//!
//! Invariant: two states with one name take every input alike: a name covers every table, what is
//! only remembered, what a power cut would leave, and what was promised. It does not cover numbers
//! that only say how many rows there were before. Where nobody dies any more, what a power cut
//! would leave only says what may be sent, and a second name covers no more of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use mailtui::engine::Device;
use mailtui::id::{DeviceId, EventId, StoreId, ThreadId};
use mailtui::limits::STORE_CREDIT;
use mailtui::mailbox;
use mailtui::projection::{entries, trail_of};
use mailtui::store::{Db, Event, Own, OwnEvent};
use mailtui::sync::Frame;
use mailtui::thread::Epochs;

use super::process::{BACKEND, Given, Machine, Part};
use super::tables::{Fingerprint, Known, Tables, offered, readers};
use crate::support::truth::{cells_of, fold, hidden};

/// What is to be seen of a state.
#[derive(Clone)]
pub(super) enum Facts {
    Device(Arc<View>),
    Backend(Arc<Logs>),
}

/// Of a device.
pub(super) struct View {
    /// Something is decided and not committed; committed and not on disk.
    pub(super) saving: bool,
    pub(super) unsynced: bool,
    device: DeviceId,
    /// Its row: the watermark, the epochs, and what it shows.
    seen: mailtui::id::Seen,
    epochs: Epochs,
    shown: Shown,
    /// Its own events as it decided them.
    own: Vec<OwnEvent>,
    /// Those that it saved and holds no more.
    gone: BTreeSet<(StoreId, EventId)>,
    /// All that a pair is judged by.
    pub(super) print: u128,
}

type Shown = (mailtui::label::Place, Option<i64>, u64, BTreeSet<mailtui::id::LabelId>);

/// Of the backend.
pub(super) struct Logs {
    /// Whether something was said to it that is not committed.
    pub(super) open: bool,
    /// The conversation's log as it is committed.
    log: Vec<Event>,
    /// All events that are committed, and those that a power cut would leave.
    ids: BTreeSet<(StoreId, EventId)>,
    synced: BTreeSet<(StoreId, EventId)>,
    /// All that a pair is judged by.
    pub(super) print: u128,
}

/// What a step led to.
pub(super) struct State {
    /// What it is known by: where it may still die, and where nobody dies any more.
    pub(super) names: [u128; 2],
    pub(super) facts: Facts,
    pub(super) wrong: Vec<String>,
    /// What was read of its files.
    pub(super) known: Known,
}

impl Machine {
    /// The state that it is in, after a step that gave this.
    pub(super) fn state(&mut self, given: &Given) -> State {
        let known = self.look();
        let mut name = Fingerprint::default();
        let (facts, wrong) = match &self.part {
            Part::Device(device) => {
                name.all(device.db());
                name.add(&(&self.own, &self.kept));
                name.add(&device.remembered());
                self.of_device(device, given, known.cut.as_deref())
            }
            Part::Backend(backend) => {
                let tables = known.tables.as_deref().expect("they were read");
                name.put(tables.print);
                // What is written and not committed nobody reads, but it.
                if !self.since.is_empty() {
                    name.all(backend.logs());
                }
                let place = self.place().to_string_lossy().into_owned();
                let remembered = backend.remembered().replace(&place, "");
                name.add(&self.without_numbers(remembered, tables));
                name.add(&(self.sessions.map(|open| open.is_some()), self.since.is_empty()));
                self.of_backend(tables, given, known.cut.as_deref())
            }
            Part::Dead => panic!("it is dead"),
        };
        // What is not synced and says nothing else than what is, as a log that was copied, is none.
        let here = known.tables.as_ref().map(|tables| tables.print);
        let cut = known.cut.as_ref().filter(|cut| here != Some(cut.print));
        let [mut name, mut immortal] = [name.clone(), name];
        name.put(cut.map(|cut| cut.print).unwrap_or_default());
        if let Some(cut) = cut {
            // Nobody will find it; it says what may leave.
            let ids = (self.who == BACKEND).then_some(&cut.ids);
            immortal.add(&(ids, &cut.offered, &cut.wrong));
        }
        immortal.add(&"immortal");
        let names = [name.end(), immortal.end()];
        State { names, facts, wrong, known }
    }

    /// What a backend remembers, without numbers that change nothing: what a session is called,
    /// where no answer waits for one that ended, and how much credit is left of more than all pages
    /// that can be sent, each of which has an event at least but the first of a session.
    fn without_numbers(&self, mut text: String, tables: &Tables) -> String {
        if self.ended.is_empty() {
            for (at, session) in self.sessions.iter().enumerate() {
                let Some(session) = session else { continue };
                text = text.replace(&format!("{session}: "), &format!("#{at}: "));
                text = text.replace(&format!("({session}, "), &format!("(#{at}, "));
            }
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{:?}{:?}", self.sessions, self.ended);
        }
        let mut pages: BTreeMap<&StoreId, u32> = BTreeMap::from([(&self.base().mailbox.0, 1)]);
        for (store, _) in &tables.ids {
            *pages.entry(store).or_insert(1) += 1;
        }
        let before = self.base().mailbox.1;
        pages.entry(&self.base().mailbox.0).and_modify(|pages| *pages -= before);
        assert!(pages.values().all(|pages| *pages < STORE_CREDIT), "credit may run out: {pages:?}");
        let mut parts = text.split("credit: ");
        let mut without = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            without.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        without
    }

    fn of_device(
        &self,
        device: &Device,
        given: &Given,
        cut: Option<&Tables>,
    ) -> (Facts, Vec<String>) {
        let mut wrong = said(device, given, cut);
        let thread = self.thread();
        let row = mailbox::raw_row(device.db(), thread).expect("readable").expect("there");
        let seen = mailbox::watermark(device.db(), thread).expect("readable").expect("there");
        let epochs = trail_of(&row).base.epochs;
        let shown = mailbox::overlaid(device.db(), thread).expect("readable").unwrap_or(row.shown);
        let shown = (shown.place, shown.snoozed_until, shown.unread_count, shown.labels);
        let refused = Own::refused(device.db()).expect("readable");
        wrong.extend(refused.iter().map(|event| format!("{} was refused", event.id)));
        let there = Own::all(device.db()).expect("readable");
        let there: BTreeSet<EventId> = there.into_iter().map(|own| own.id).collect();
        let gone = self.kept.iter().filter(|id| !there.contains(*id));
        let gone = gone.map(|id| (self.own[id].store.clone(), id.clone())).collect();
        let own = self.own.values().filter(|own| own.store.as_thread().as_ref() == Some(thread));
        let mut view = View {
            saving: device.is_saving(),
            unsynced: device.unsynced().is_some(),
            device: device.id().clone(),
            seen,
            epochs,
            shown,
            own: own.cloned().collect(),
            gone,
            print: 0,
        };
        let View { device, seen, epochs, shown, own, gone, .. } = &view;
        view.print = Fingerprint::of(&(device, seen, epochs, shown, own, gone));
        (Facts::Device(Arc::new(view)), wrong)
    }

    fn of_backend(
        &self,
        tables: &Tables,
        given: &Given,
        cut: Option<&Tables>,
    ) -> (Facts, Vec<String>) {
        let Tables { log, ids, .. } = tables;
        let synced = cut.map_or(ids, |cut| &cut.ids);
        let mut wrong = tables.wrong.clone();
        wrong.extend(cut.into_iter().flat_map(|cut| cut.wrong.clone()));
        wrong.extend(order(log));
        wrong.extend(hidden(&fold(log).entries));
        for (_, frame) in &given.frames {
            let told: Vec<(&StoreId, &EventId)> = match frame {
                Frame::Ack { stores } => {
                    let all = stores.iter().map(|ack| (&ack.store, &ack.positions));
                    all.flat_map(|(store, ids)| ids.iter().map(move |(id, _)| (store, id)))
                        .collect()
                }
                Frame::Page { store, events, .. } | Frame::Live { store, events, .. } => {
                    events.iter().map(|event| (store, &event.event.id)).collect()
                }
                _ => Vec::new(),
            };
            let early = told
                .into_iter()
                .filter(|(store, id)| !synced.contains(&((*store).clone(), (*id).clone())));
            wrong.extend(early.map(|(_, id)| format!("{id} leaves before it is on disk")));
        }
        let print = Fingerprint::of(&(log, ids));
        let open = !self.since.is_empty();
        let (log, ids, synced) = (log.clone(), ids.clone(), synced.clone());
        (Facts::Backend(Arc::new(Logs { open, log, ids, synced, print })), wrong)
    }

    /// What is wrong with it when nothing happens any more, and its tables.
    pub(super) fn at_rest(&mut self) -> (u128, Vec<String>) {
        let mut wrong = Vec::new();
        let dir = self.dir.clone();
        let dump = |db: &Db| Fingerprint::of(&mailbox::dump(db).expect("readable"));
        let dumped = match &mut self.part {
            Part::Device(device) => {
                let pending = device.pending().expect("readable");
                if pending != (0, 0) {
                    wrong.push(format!("pending, not projected: {pending:?}"));
                }
                let found = device.doctor(true).expect("the doctor runs");
                wrong.extend(found.iter().map(|found| format!("{found:?}")));
                dump(device.db())
            }
            Part::Backend(backend) => {
                let found = backend.doctor().expect("the doctor runs");
                wrong.extend(found.iter().map(|found| format!("{}: {}", found.code, found.detail)));
                dump(&readers(&dir, BACKEND)[1])
            }
            Part::Dead => panic!("it is dead"),
        };
        (dumped, wrong)
    }
}

impl Facts {
    pub(super) fn view(&self) -> &View {
        let Self::Device(view) = self else { panic!("of a device") };
        view
    }

    pub(super) fn logs(&self) -> &Logs {
        let Self::Backend(logs) = self else { panic!("of the backend") };
        logs
    }

    /// What a step took from the logs; `power` says whether it was a power cut.
    pub(super) fn shrunk(&self, before: &Self, power: bool) -> Vec<String> {
        let (Self::Backend(after), Self::Backend(before)) = (self, before) else {
            return Vec::new();
        };
        let wanted = if power { &before.synced } else { &before.ids };
        let lost = wanted.difference(&after.ids).map(|(store, id)| format!("{store} lost {id}"));
        lost.chain(before.synced.difference(&after.synced).map(|(_, id)| format!("{id} unsynced")))
            .collect()
    }
}

/// A device shows the log up to its watermark, and its own events after that, as it decided them,
/// whatever it still remembers. What it saved is in the log, or here.
pub(super) fn together(view: &View, logs: &Logs) -> Vec<String> {
    let name = &view.device;
    let mut wrong: Vec<String> = Vec::new();
    let lost = view.gone.difference(&logs.ids);
    wrong.extend(lost.map(|(_, id)| format!("{name} forgot {id}, which nobody has")));
    let own = view.own.iter().map(|event| {
        let there = logs.log.iter().find(|held| held.event.id == event.id);
        OwnEvent { position: there.map(|there| there.position), ..event.clone() }
    });
    let own: Vec<OwnEvent> = own.collect();
    let before = usize::try_from(view.seen.position).expect("small");
    let Some(before) = logs.log.get(..before) else {
        wrong.push(format!("{name} shows {before} events of {}", logs.log.len()));
        return wrong;
    };
    let mut all = fold(before).entries;
    all.extend(entries(&own, &view.device, &view.epochs, Some(&view.seen)));
    let cells = cells_of(&all);
    let wanted = (cells.place, cells.snoozed, cells.unread(), cells.all_labels());
    if view.shown != wanted {
        wrong.push(format!("{name} shows {:?}, not {wanted:?}", view.shown));
    }
    wrong
}

/// What a device says is on its disk, with the epoch of its first offer.
fn said(device: &Device, given: &Given, cut: Option<&Tables>) -> Vec<String> {
    let pushes = given.frames.iter().filter_map(|(_, frame)| match frame {
        Frame::Push { stores } => Some(stores),
        _ => None,
    });
    let said: Vec<_> = pushes.flatten().flat_map(|push| &push.events).collect();
    if said.is_empty() {
        return Vec::new();
    }
    let here = || offered(device.db());
    let saved = cut.map_or_else(here, |cut| cut.offered.clone());
    let lost = said.into_iter().filter(|event| {
        saved.get(&event.id).is_none_or(|offered| offered.as_ref() != Some(&event.epoch))
    });
    lost.map(|event| format!("{} is offered before that is on disk", event.id)).collect()
}

/// What a device did is in the log in the order in which it did it.
fn order(log: &[Event]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut last: BTreeMap<&DeviceId, &EventId> = BTreeMap::new();
    for event in log.iter().filter(|event| event.event.action.is_some()) {
        let id = &event.event.id;
        if let Some(before) = last.insert(&event.event.device, id)
            && before >= id
        {
            wrong.push(format!("{id} stands after {before}"));
        }
    }
    wrong
}

impl Machine {
    pub(super) fn thread(&self) -> &ThreadId {
        &self.base().thread
    }
}
