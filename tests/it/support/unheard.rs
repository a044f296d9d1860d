//! Devices that have not heard yet of a restore: what the life that it ended said to them may reach
//! them still, and they go by it, as they would have a moment earlier.
//!
//! Invariant: a promise ends here only for an event that a device held when the ended life ended,
//! and only when nobody else holds it: one that the ended life had in its log, and that the
//! device's rows, made of what that life said, show; or one on a thread that the ended life had
//! purged, and that the device knows to be purged. All else must come back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mailtui::id::{EventId, StoreId};
use mailtui::mailbox;
use mailtui::store::{Db, Event, Kind, Log, Own};

use crate::support::truth::purged;
use crate::support::world::World;

/// What a device held at a restore and the life before had in its logs, with where it was there;
/// or had purged.
pub(super) type Unheard = BTreeMap<EventId, (StoreId, Option<u64>)>;

/// Where each event of these stores is in the logs of a backend.
fn positions(dir: &Path, stores: &BTreeSet<StoreId>) -> BTreeMap<(StoreId, EventId), u64> {
    let open = |name: &str, kind, version| {
        Db::read(&dir.join(name), kind, version).expect("opens").expect("is there")
    };
    let threads = open("threads.db", Kind::Threads, mailtui::backend::FORMAT);
    let mailbox = open("mailbox.db", Kind::Mailbox, mailbox::VERSION);
    let log = |store: &StoreId| {
        let db = if store.as_thread().is_some() { &threads } else { &mailbox };
        Log::all(db, store).expect("readable")
    };
    let at = |store: &StoreId, event: Event| ((store.clone(), event.event.id), event.position);
    stores.iter().flat_map(|store| log(store).into_iter().map(|event| at(store, event))).collect()
}

impl World {
    /// A life of the backend has ended, and its files are still there: what devices hold of it.
    pub(super) fn note_unheard(&mut self) {
        let root = StoreId::mailbox();
        let mut held: Vec<BTreeSet<(StoreId, EventId)>> = Vec::new();
        for at in 0..self.stations.len() {
            let own = Own::all(self.device(at).db()).expect("readable").into_iter();
            let log = Log::all(self.device(at).db(), &root).expect("readable").into_iter();
            let log = log.map(|event| (root.clone(), event.event.id));
            held.push(own.map(|own| (own.store, own.id)).chain(log).collect());
        }
        let stores = held.iter().flatten().map(|(store, _)| store.clone()).collect();
        let positions = positions(&self.backend_dir, &stores);
        let gone = self.purged_stores();
        for (at, mut held) in held.into_iter().enumerate() {
            held.extend(gone.iter().flat_map(|store| self.kept_of(at, store)));
            let unheard = self.promises.unheard.entry(at).or_default();
            for (store, id) in held {
                let position = positions.get(&(store.clone(), id.clone())).copied();
                if position.is_some() || gone.contains(&store) {
                    unheard.insert(id, (store, position));
                }
            }
        }
    }

    /// The threads that the backend has purged.
    fn purged_stores(&self) -> BTreeSet<StoreId> {
        let path = self.backend_dir.join("threads.db");
        let threads = Db::read(&path, Kind::Threads, mailtui::backend::FORMAT);
        let threads = purged(&threads.expect("opens").expect("is there"));
        threads.iter().map(StoreId::thread).collect()
    }

    /// What a device's kept log of a thread holds.
    fn kept_of(&self, at: usize, store: &StoreId) -> Vec<(StoreId, EventId)> {
        let thread = store.as_thread().expect("a thread");
        let log = self.device(at).kept_log(&thread).expect("readable").into_iter();
        log.map(|event| (store.clone(), event.event.id)).collect()
    }

    /// A device is about to hear of a restore. What its rows show by what the ended life said, and
    /// it has let go for that, is promised no more where nobody holds it; where somebody else does,
    /// it is shown when that one has brought it back.
    pub(super) fn release_what_was_shown(&mut self, at: usize) {
        let Some(unheard) = self.promises.unheard.get(&at) else { return };
        let db = self.device(at).db();
        let own = Own::all(db).expect("readable").into_iter().map(|own| own.id);
        let own: BTreeSet<EventId> = own.collect();
        let shown = |store: &StoreId, position: Option<u64>| {
            let seen = match (store.as_thread(), position) {
                (Some(thread), None) => return mailbox::is_purged(db, &thread).expect("readable"),
                (Some(thread), _) => {
                    mailbox::watermark(db, &thread).expect("readable").map(|seen| seen.position)
                }
                (None, _) => Some(Log::base(db, store).expect("readable").position),
            };
            seen.is_some_and(|seen| position.is_some_and(|position| position <= seen))
        };
        let gone = unheard.iter().filter(|(id, _)| !own.contains(*id));
        let gone = gone.filter(|(_, (store, position))| shown(store, *position));
        let gone: Vec<EventId> = gone.map(|(id, _)| id.clone()).collect();
        if gone.is_empty() {
            return;
        }
        let there = self.held_somewhere();
        let (back, gone) = gone.into_iter().partition(|id| there.contains(id));
        self.promises.release(&gone);
        self.let_go_of(at, back);
    }

    /// A device that has heard of the restore keeps what it holds from then on.
    pub(super) fn has_heard(&mut self, at: usize) {
        let here = Own::setting(self.device(at).db(), "epoch").expect("readable");
        if here.as_deref() == Some(self.backend().epoch().as_str()) {
            self.promises.unheard.remove(&at);
        }
    }
}
