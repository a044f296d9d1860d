//! What the machines of a world have promised: that is remembered here, beside them, and they are
//! held to it when they have died and are back.
//!
//! Invariant: nothing here is read from a machine that is asked about it, but when it speaks: what
//! it put on disk, when it said so; frames, when they left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mailtui::id::{EventId, StoreId};
use mailtui::mailbox::{self, MailboxEvent};
use mailtui::store::{Chain, Db, Event, Kind, Log, NewEvent, Own, OwnEvent, disk};
use mailtui::sync::Frame;

use crate::support::truth::purged;
use crate::support::unheard::Unheard;
use crate::support::world::World;

/// What was promised.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    /// Own events that a device has put on disk, by store.
    pub(crate) kept: BTreeMap<EventId, StoreId>,
    /// Own events whose acknowledgement a device has taken in.
    pub(crate) acknowledged: BTreeSet<EventId>,
    /// Own events of each device as they were decided, those of them that are on disk or hoped to
    /// be, in order. What a restore took after the device had let it go is no longer among them.
    own: BTreeMap<usize, BTreeMap<EventId, OwnEvent>>,
    /// Those that a power cut may still take.
    hoped: BTreeMap<usize, BTreeSet<EventId>>,
    /// Events that a restore took, and that their own device had let go: it knew them to be on the
    /// backend. Another device may bring them back, after what theirs has said since.
    pub(crate) let_go: BTreeSet<EventId>,
    /// Events as they were first offered.
    offered: BTreeMap<EventId, NewEvent>,
    /// The last that left the backend of each log, and its chain there.
    told: BTreeMap<StoreId, (u64, Chain)>,
    /// Acknowledgements that left the backend.
    acks: BTreeMap<(StoreId, EventId), u64>,
    /// What devices held at a restore of which they have not heard yet.
    pub(super) unheard: BTreeMap<usize, Unheard>,
    /// Events that a restore took for good after it was over.
    pub(crate) released: BTreeSet<EventId>,
    /// Promises that were broken.
    pub(crate) wrong: Vec<String>,
}

/// Whether a batch of the Mailbox log ends with this event.
fn ends_a_batch(event: &Event) -> bool {
    let read = MailboxEvent::read(&event.event.name, &event.event.args);
    read.as_ref().and_then(MailboxEvent::source).is_none_or(|source| source.last)
}

/// The format of the Thread logs in a directory of a backend, or of a device.
fn threads_version(dir: &Path) -> u32 {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with("backend") { mailtui::backend::FORMAT } else { super::house::KEPT }
}

/// All events that the logs in a directory hold.
fn logs_in(dir: &Path) -> BTreeSet<EventId> {
    let kinds = [
        ("threads.db", Kind::Threads, threads_version(dir)),
        ("mailbox.db", Kind::Mailbox, mailbox::VERSION),
    ];
    let mut there = BTreeSet::new();
    for (name, kind, version) in kinds {
        let file = dir.join(name);
        let Some(db) = Db::read(&file, kind, version).expect("opens") else { continue };
        let mut log = file.into_os_string();
        log.push("-wal");
        disk::sync_log(log.as_ref()).expect("synced");
        for (store, _) in Log::stores(&db).expect("readable") {
            let log = Log::all(&db, &store).expect("readable");
            there.extend(log.into_iter().map(|event| event.event.id));
        }
    }
    there
}

impl Promises {
    /// A device speaks: the same id has the same bytes for ever.
    pub(crate) fn offered(&mut self, at: usize, frame: &Frame) {
        let Frame::Push { stores } = frame else { return };
        for event in stores.iter().flat_map(|push| &push.events) {
            let first = self.offered.entry(event.id.clone()).or_insert_with(|| event.clone());
            if first != event {
                self.wrong.push(format!("device {at} offers {event:?}, once {first:?}"));
            }
        }
    }

    /// A frame leaves the backend.
    pub(crate) fn told(&mut self, frame: &Frame) {
        match frame {
            Frame::Page { store, events, chain, .. } | Frame::Live { store, events, chain, .. } => {
                let Some(last) = events.last() else { return };
                if store.as_thread().is_none() && !ends_a_batch(last) {
                    self.wrong.push(format!("a page ends within a batch, at {}", last.position));
                }
                let told = self.told.entry(store.clone()).or_default();
                if told.0 <= last.position {
                    *told = (last.position, *chain);
                }
            }
            Frame::Ack { stores } => {
                for ack in stores {
                    for (id, position) in &ack.positions {
                        self.acks.insert((ack.store.clone(), id.clone()), *position);
                    }
                }
            }
            _ => {}
        }
    }

    /// A frame reaches a device.
    pub(crate) fn heard(&mut self, frame: &Frame) {
        if let Frame::Ack { stores } = frame {
            let ids = stores.iter().flat_map(|ack| &ack.positions).map(|(id, _)| id.clone());
            self.acknowledged.extend(ids);
        }
    }

    /// The own events of a device on a store, as it decided them.
    pub(crate) fn own(&self, at: usize, store: &StoreId) -> Vec<OwnEvent> {
        let own = self.own.get(&at).into_iter().flat_map(BTreeMap::values);
        own.filter(|own| own.store == *store).cloned().collect()
    }

    /// These are promised no more.
    pub(super) fn release(&mut self, gone: &BTreeSet<EventId>) {
        self.kept.retain(|id, _| !gone.contains(id));
        self.acknowledged.retain(|id| !gone.contains(id));
        for own in self.own.values_mut() {
            own.retain(|id, _| !gone.contains(id));
        }
        self.released.extend(gone.iter().cloned());
    }
}

impl World {
    /// What a device committed is on its disk, or will be at its next sync.
    pub(super) fn note_kept(&mut self, at: usize) {
        let later = self.device(at).unsynced().is_some();
        for own in Own::all(self.device(at).db()).expect("readable") {
            let known = self.promises.own.entry(at).or_default();
            if known.contains_key(&own.id) {
                continue;
            }
            if later {
                self.promises.hoped.entry(at).or_default().insert(own.id.clone());
            } else {
                self.promises.kept.insert(own.id.clone(), own.store.clone());
            }
            known.insert(own.id.clone(), own);
        }
    }

    /// All that a device committed is on its disk.
    pub(super) fn note_synced(&mut self, at: usize) {
        for id in self.promises.hoped.remove(&at).unwrap_or_default() {
            if let Some(own) = self.promises.own.get(&at).and_then(|own| own.get(&id)) {
                self.promises.kept.insert(id, own.store.clone());
            }
        }
    }

    /// A device is back after its process died: all that it committed is still there. After a power
    /// cut that is true of what was on its disk; the rest was offered to nobody, but for what comes
    /// back after a restore: others may have offered that, and it is not gone.
    pub(super) fn hold_device_to_it(&mut self, at: usize, lost_power: bool) {
        let hoped = self.promises.hoped.remove(&at).unwrap_or_default();
        let there = Own::all(self.device(at).db()).expect("readable");
        let there: BTreeSet<EventId> = there.into_iter().map(|own| own.id).collect();
        let mut logs = None;
        for id in hoped.into_iter().filter(|_| lost_power).filter(|id| !there.contains(id)) {
            // What had gone back from a log into the queue is in the log again.
            let own = self.promises.own.entry(at).or_default().remove(&id);
            let back = own.is_some_and(|own| own.again)
                && logs.get_or_insert_with(|| logs_in(&self.stations[at].dir)).contains(&id);
            if self.promises.offered.contains_key(&id) && !back {
                self.promises.wrong.push(format!("device {at} lost {id}, which it had offered"));
            }
        }
        let own = self.promises.own.get(&at).into_iter().flatten();
        let kept = own.map(|(id, own)| (id.clone(), own.store.clone()));
        self.promises.kept.extend(kept.collect::<Vec<_>>());
        self.note_kept(at);
        for own in Own::all(self.device(at).db()).expect("readable") {
            let Some(first) = self.promises.offered.get(&own.id) else { continue };
            if own.offered.as_ref() != Some(&first.epoch) {
                let line = format!("device {at} forgot when it offered {}", own.id);
                self.promises.wrong.push(line);
            }
        }
    }

    /// The backend was put back to an earlier moment: what nobody has on disk is promised no more.
    /// What somebody has comes back.
    pub(super) fn release_backend(&mut self) {
        for at in 0..self.stations.len() {
            self.save(at);
            self.sync_disk(at);
        }
        let there = self.held_somewhere();
        self.note_let_go();
        let Promises { kept, acknowledged, told, acks, .. } = &mut self.promises;
        kept.retain(|id, _| there.contains(id));
        acknowledged.retain(|id| there.contains(id));
        told.clear();
        acks.clear();
    }

    /// What a device said and the backend was put back to before, and the device itself has neither
    /// in its queue nor in a log: it shows that no longer than its rows of the ended life do, even
    /// if another device has it and brings it back.
    fn note_let_go(&mut self) {
        let backend = logs_in(&self.backend_dir());
        for at in 0..self.stations.len() {
            let own = self.promises.own.get(&at).into_iter().flat_map(BTreeMap::keys);
            let lost = own.filter(|id| !backend.contains(id)).cloned().collect();
            self.let_go_of(at, lost);
        }
    }

    /// A device has let go of those of these events that it holds nowhere.
    pub(super) fn let_go_of(&mut self, at: usize, mut events: BTreeSet<EventId>) {
        let held = self.held_by(at);
        events.retain(|id| !held.contains(id));
        let Promises { own, let_go, .. } = &mut self.promises;
        let Some(own) = own.get_mut(&at) else { return };
        let gone = events.iter().filter_map(|id| own.remove(id));
        // Of what others said and it only brought back, the order is theirs.
        let_go.extend(gone.filter(|own| own.device.is_none()).map(|own| own.id));
    }

    /// All events that a device's logs and its queue hold, on its disk.
    fn held_by(&self, at: usize) -> BTreeSet<EventId> {
        let station = &self.stations[at];
        let device = station.device.as_ref().expect("the device runs");
        let mut there = logs_in(&station.dir);
        there.extend(Own::all(device.db()).expect("readable").into_iter().map(|own| own.id));
        there
    }

    /// All events that the backend's logs hold, or a device's logs and queue on its disk.
    pub(crate) fn held_somewhere(&self) -> BTreeSet<EventId> {
        let devices = (0..self.stations.len()).flat_map(|at| self.held_by(at));
        logs_in(&self.backend_dir()).into_iter().chain(devices).collect()
    }

    /// The backend is back: what left it in any frame is in its logs, where it was.
    pub(super) fn hold_backend_to_it(&mut self) {
        let dir = self.backend_dir();
        let open = |name: &str, kind, version| {
            Db::read(&dir.join(name), kind, version).expect("opens").expect("is there")
        };
        let threads = open("threads.db", Kind::Threads, mailtui::backend::FORMAT);
        let mailbox = open("mailbox.db", Kind::Mailbox, mailbox::VERSION);
        let log = |store: &StoreId| if store.as_thread().is_some() { &threads } else { &mailbox };
        let purged = purged(&threads);
        let is_gone = |store: &StoreId| store.as_thread().is_some_and(|t| purged.contains(&t));
        let Promises { told, acks, wrong, .. } = &mut self.promises;
        for (store, (position, chain)) in told.iter().filter(|(store, _)| !is_gone(store)) {
            let found = Log::chain_at(log(store), store, *position).expect("readable");
            if found != Some(*chain) {
                wrong.push(format!("{store}: what was sent up to {position} is not in the log"));
            }
        }
        for ((store, id), position) in acks.iter().filter(|((store, _), _)| !is_gone(store)) {
            if !Log::holds(log(store), store, id).expect("readable") {
                wrong.push(format!("{store}: {id} was acknowledged at {position} and is gone"));
            }
        }
    }
}
