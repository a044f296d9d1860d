//! A backend and its devices in one process: the real state machines over real files, with a
//! network between them that does what the test says.
//!
//! Invariant: nothing moves by itself. What the machines do is done here, so that one that dies in
//! it (`lives`) is started again from its files, and what it promised is remembered (`promises`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use mailtui::backend::{Backend, prepare};
use mailtui::bridge::{Folder, Incoming, Outcome};
use mailtui::clock::Clock as _;
use mailtui::engine::Device;
use mailtui::id::LabelId;
use mailtui::label;
use mailtui::sync::Frame;
use tempfile::TempDir;

use crate::support::clock::ManualClock;
use crate::support::disk::Disk;
use crate::support::lives::SNAPSHOT_ROWS;
use crate::support::platter::Loss;
use crate::support::promises::Promises;
use crate::support::wire::Wire;

/// Rounds of talk after which a world that is still not quiet never will be.
const MOST_ROUNDS: usize = 200;

/// A device with its end of the network.
pub(crate) struct Station {
    name: String,
    pub(super) remote: bool,
    pub(super) dir: PathBuf,
    pub(crate) disk: Disk,
    pub(super) device: Option<Device>,
    /// The connection, as far as the device knows.
    pub(super) wire: Option<Wire>,
    pub(crate) clock: ManualClock,
    /// Whether nothing arrives, either way.
    pub(crate) apart: bool,
    /// Whether its commits are synced to disk later.
    pub(crate) later: bool,
}

/// The whole.
pub(crate) struct World {
    pub(super) backend: Option<Backend>,
    pub(super) backend_dir: PathBuf,
    pub(crate) disk: Disk,
    /// What is lost by who dies next: nothing but what it did not write, or what its disk had not.
    pub(crate) cut_power: Option<Loss>,
    pub(crate) stations: Vec<Station>,
    /// Connections that their device has let go, and the backend has not.
    pub(super) old: Vec<Wire>,
    pub(crate) clock: ManualClock,
    next_session: u64,
    /// How many events a page of the backend holds, where it is said.
    pub(super) page_events: Option<usize>,
    /// How many events of the Mailbox log a device takes in together, about.
    pub(crate) slice: usize,
    /// How many slices of a snapshot a device takes in with a frame, at most.
    pub(crate) boot_slices: usize,
    /// How often the backend was put back.
    pub(crate) restores: u64,
    /// Points at which somebody died, and how often.
    pub(crate) died: BTreeMap<&'static str, u64>,
    /// What was put on disk, acknowledged and told to others.
    pub(crate) promises: Promises,
    // The last to go.
    pub(super) home: TempDir,
}

/// A directory of its own on a disk of its own.
fn on_a_disk(home: &TempDir, name: &str) -> (PathBuf, Disk) {
    let root = home.path().canonicalize().expect("a scratch directory").join(name);
    std::fs::create_dir(&root).expect("a disk");
    (root.join(name), Disk::new(&root))
}

/// The fastest directory for small files that are thrown away.
pub(crate) fn scratch() -> TempDir {
    let shm = std::path::Path::new("/dev/shm");
    let root = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("mailtui-world-").tempdir_in(root).expect("a scratch directory")
}

impl World {
    /// A backend and one device for each name; `remote` devices keep the logs that they open.
    pub(crate) fn new(names: &[(&str, bool)], seed: u64) -> Self {
        let home = scratch();
        let (backend_dir, disk) = on_a_disk(&home, "backend");
        let mut world = Self {
            backend: None,
            backend_dir,
            disk,
            cut_power: None,
            stations: Vec::new(),
            old: Vec::new(),
            clock: ManualClock::new(seed),
            next_session: 1,
            page_events: None,
            slice: 0,
            boot_slices: usize::MAX,
            restores: 0,
            died: BTreeMap::new(),
            promises: Promises::default(),
            home,
        };
        world.start_backend();
        for (n, (name, remote)) in (1_u64..).zip(names) {
            let (dir, disk) = on_a_disk(&world.home, name);
            world.stations.push(Station {
                name: (*name).to_owned(),
                remote: *remote,
                dir,
                disk,
                device: None,
                wire: None,
                clock: ManualClock::new(seed.wrapping_mul(31).wrapping_add(n)),
                apart: false,
                later: false,
            });
            world.start_device(world.stations.len() - 1);
        }
        world
    }

    pub(crate) fn backend(&mut self) -> &mut Backend {
        self.backend.as_mut().expect("the backend runs")
    }

    pub(crate) fn backend_dir(&self) -> PathBuf {
        self.backend_dir.clone()
    }

    pub(crate) fn device(&self, at: usize) -> &Device {
        self.stations[at].device.as_ref().expect("the device runs")
    }

    pub(crate) fn device_mut(&mut self, at: usize) -> &mut Device {
        self.stations[at].device.as_mut().expect("the device runs")
    }

    /// The device with this name.
    pub(crate) fn named(&self, name: &str) -> usize {
        let found = self.stations.iter().position(|station| station.name == name);
        found.unwrap_or_else(|| panic!("there is no device {name:?}"))
    }

    /// Another device, with nothing.
    pub(crate) fn join(&mut self, name: &str, remote: bool) -> usize {
        let at = self.stations.len();
        let (dir, disk) = on_a_disk(&self.home, name);
        self.stations.push(Station {
            name: name.to_owned(),
            remote,
            dir,
            disk,
            device: None,
            wire: None,
            clock: ManualClock::new(at as u64 + 1_000),
            apart: false,
            later: false,
        });
        self.start_device(at);
        at
    }

    /// The session of a device's connection; it must have one.
    pub(crate) fn session(&self, at: usize) -> u64 {
        self.stations[at].wire.as_ref().expect("connected").session
    }

    pub(crate) fn is_connected(&self, at: usize) -> bool {
        self.stations[at].wire.is_some()
    }

    /// A device dials; the welcome is under way.
    pub(crate) fn connect(&mut self, at: usize) {
        if self.is_connected(at) || self.stations[at].apart {
            return;
        }
        let session = self.next_session;
        self.next_session += 1;
        let device = self.device(at).id().clone();
        self.backend().connect(session, device);
        let mut wire = Wire::new(session);
        wire.send_down(&self.backend().welcome());
        self.stations[at].wire = Some(wire);
    }

    /// The connection is gone, with all frames under way, and both sides know.
    pub(crate) fn cut(&mut self, at: usize) {
        let Some(wire) = self.stations[at].wire.take() else { return };
        self.backend().disconnect(wire.session);
        self.device_mut(at).disconnected();
    }

    /// The device lets its connection go and the backend does not know: what is under way to it
    /// may still arrive, long after the device has dialled again.
    pub(crate) fn let_go(&mut self, at: usize) {
        let Some(mut wire) = self.stations[at].wire.take() else { return };
        self.device_mut(at).disconnected();
        wire.let_go();
        if wire.there {
            self.old.push(wire);
        }
    }

    /// The backend lets a session go and the device does not know: what it says is said to nobody.
    pub(crate) fn lose(&mut self, at: usize) {
        let Some(wire) = &mut self.stations[at].wire else { return };
        wire.lost();
        let session = wire.session;
        self.backend().disconnect(session);
    }

    /// A device whose connection is only believed in hears of it, as by a deadline.
    pub(crate) fn notice(&mut self, at: usize) -> bool {
        let silent = self.stations[at].wire.as_ref().is_some_and(Wire::is_silent);
        if silent {
            self.stations[at].wire = None;
            self.device_mut(at).disconnected();
        }
        silent
    }

    /// The next frame of an old connection reaches the backend; `false` when there is none.
    pub(crate) fn deliver_old(&mut self, which: usize) -> bool {
        let Some(wire) = self.old.get_mut(which) else { return false };
        let (session, Some(frame)) = (wire.session, wire.next_up()) else { return false };
        self.take_up(session, frame);
        true
    }

    /// The backend hears that an old connection is gone.
    pub(crate) fn end_old(&mut self, which: usize) -> bool {
        if which >= self.old.len() {
            return false;
        }
        let session = self.old.remove(which).session;
        self.backend().disconnect(session);
        true
    }

    /// How many old connections the backend still believes in.
    pub(crate) fn old(&self) -> usize {
        self.old.len()
    }

    /// What goes wrong in the network stops: who was apart is not, what was under way arrives, and
    /// everybody has heard what is gone.
    pub(crate) fn heal(&mut self) {
        while !self.old.is_empty() {
            while self.deliver_old(0) {}
            self.commit();
            self.end_old(0);
        }
        for at in 0..self.stations.len() {
            self.stations[at].apart = false;
            let lost = self.stations[at].wire.as_ref().is_some_and(|wire| !wire.there);
            if lost {
                while self.deliver_down(at) {}
                self.notice(at);
            }
        }
    }

    /// Pages of the backend hold about so many events from now on.
    pub(crate) fn turn_pages_of(&mut self, events: usize) {
        self.page_events = Some(events);
        self.backend().set_page_events(events);
    }

    /// Commits of a device are not synced to disk at once from now on.
    pub(crate) fn sync_later(&mut self, at: usize) {
        self.stations[at].later = true;
        self.device_mut(at).sync_later();
    }

    /// Puts what a device has decided on disk, or commits it where the disk comes later.
    pub(crate) fn save(&mut self, at: usize) {
        if self.on_device(at, Device::commit).is_some_and(|done| done.is_ok()) {
            self.note_kept(at);
        }
    }

    /// The disk has what a device committed; `false` when it had it already.
    pub(crate) fn sync_disk(&mut self, at: usize) -> bool {
        let device = self.device(at);
        let own = device.unsynced().is_some() || device.unsynced_kept().is_some();
        let waits = own || device.is_distrusted();
        if !waits || (device.is_distrusted() && device.is_saving()) {
            return false;
        }
        match self.on_device(at, Device::sync) {
            Some(Ok(())) => self.note_synced(at),
            Some(Err(_)) => self.device_mut(at).distrust(),
            None => {}
        }
        true
    }

    /// A device hands what it has to say to the network. `let_pass` may change or drop a frame.
    pub(crate) fn send(&mut self, at: usize, let_pass: impl Fn(Frame) -> Option<Frame>) {
        if !self.is_connected(at) {
            return;
        }
        let Some(Ok(frames)) = self.on_device(at, Device::outgoing) else { return };
        for frame in &frames {
            self.promises.offered(at, frame);
        }
        let Some(wire) = &mut self.stations[at].wire else { return };
        for frame in frames.into_iter().filter_map(let_pass) {
            wire.send_up(&frame);
        }
    }

    /// The next frame of a device reaches the backend; `false` when there is none. The answer
    /// waits for [`World::commit`].
    pub(crate) fn deliver_up(&mut self, at: usize) -> bool {
        let station = &mut self.stations[at];
        let Some(wire) = station.wire.as_mut().filter(|_| !station.apart) else { return false };
        let (session, Some(frame)) = (wire.session, wire.next_up()) else { return false };
        self.take_up(session, frame);
        true
    }

    fn take_up(&mut self, session: u64, frame: Frame) {
        let now = self.clock.now();
        self.on_backend(|backend| backend.handle(session, frame, now));
        // What may leave leaves at once; an answer that does so before the commit is found out when
        // the backend dies before it.
        self.route();
    }

    /// The backend commits, and its answers are under way.
    pub(crate) fn commit(&mut self) {
        self.on_backend(Backend::commit);
        self.route();
    }

    /// One slice of the pipeline's work; `false` when there was none.
    pub(crate) fn step(&mut self) -> bool {
        self.commit();
        let worked = self.on_backend(Backend::step);
        self.commit();
        worked.unwrap_or(true)
    }

    /// The pipeline runs to the head.
    pub(crate) fn project(&mut self) {
        while self.step() {}
    }

    /// The backend reads its logs for devices that have credit.
    pub(crate) fn pump(&mut self) -> bool {
        self.commit();
        let pumped = self.on_backend(Backend::pump);
        self.route();
        pumped.unwrap_or(true)
    }

    pub(super) fn route(&mut self) {
        for (session, frame) in self.backend().frames() {
            self.promises.told(&frame);
            let wires = self.stations.iter_mut().filter_map(|station| station.wire.as_mut());
            let to = wires.filter(|wire| wire.there).find(|wire| wire.session == session);
            if let Some(wire) = to {
                wire.send_down(&frame);
            }
        }
    }

    /// The next frame of the backend reaches a device; `false` when there is none.
    pub(crate) fn deliver_down(&mut self, at: usize) -> bool {
        let station = &mut self.stations[at];
        let Some(wire) = station.wire.as_mut().filter(|_| !station.apart) else { return false };
        let (session, Some(frame)) = (wire.session, wire.next_down()) else { return false };
        if frame.takes_credit() && wire.there {
            self.backend().written(session);
        }
        self.promises.heard(&frame);
        // A device puts what was decided on disk before it takes a frame in.
        self.save(at);
        if self.stations[at].wire.as_ref().is_some_and(|wire| wire.session == session) {
            let first = matches!(frame, Frame::Welcome { .. });
            if first {
                self.release_what_was_shown(at);
            }
            self.take_down(at, frame);
            if first {
                self.has_heard(at);
            }
        }
        true
    }

    /// All that waits moves until nothing does: everything is pushed, projected and pulled.
    pub(crate) fn sync(&mut self) {
        for round in 0.. {
            assert!(round < MOST_ROUNDS, "somebody waits for what will not come");
            let mut moved = false;
            for at in 0..self.stations.len() {
                moved |= self.notice(at);
                self.connect(at);
                self.save(at);
                moved |= self.sync_disk(at);
                self.send(at, Some);
                while self.deliver_up(at) {
                    moved = true;
                }
            }
            self.commit();
            moved |= self.step();
            moved |= self.pump();
            moved |= self.make_what_is_lacking();
            for at in 0..self.stations.len() {
                while self.deliver_down(at) {
                    moved = true;
                }
                moved |= self.bootstrap(at);
                moved |= self.sync_disk(at);
            }
            if !moved {
                return;
            }
        }
    }

    /// A slice of a snapshot is taken in; `false` when nothing of one waits.
    pub(crate) fn bootstrap(&mut self, at: usize) -> bool {
        let done = self.on_device(at, |device| {
            let before = device.syncing().is_some();
            let goes_on = device.bootstrap_on(SNAPSHOT_ROWS)?;
            // With the last one it asks for what comes after.
            Ok(goes_on || (before && device.syncing().is_none()))
        });
        self.taken(at, done)
    }

    /// The backend makes a snapshot that devices wait for, as its host has it.
    fn make_what_is_lacking(&mut self) -> bool {
        if !self.backend().lacks_snapshot() {
            return false;
        }
        let made = self.on_backend(Backend::make_snapshot);
        self.commit();
        made.unwrap_or(true)
    }

    /// Mail comes in at the backend's edge, durably; `None` when the backend died over it.
    pub(crate) fn try_mail(&mut self, raw: Vec<u8>, folder: Folder) -> Option<Outcome> {
        let now = self.clock.now();
        let prepared = prepare(Incoming { raw, folder, flags: None, file_time: None }, now);
        let outcomes = self.on_backend(|backend| {
            let outcomes = backend.ingest(vec![prepared], now)?;
            backend.commit()?;
            Ok(outcomes)
        });
        self.route();
        outcomes?.into_iter().next()
    }

    /// Mail comes in at the backend's edge, durably.
    pub(crate) fn mail(&mut self, raw: Vec<u8>, folder: Folder) -> Outcome {
        self.try_mail(raw, folder).expect("mail is taken in")
    }

    /// The labels that a list or a count can be asked for: the system's and those of `more`.
    pub(crate) fn lists(more: &BTreeSet<LabelId>) -> Vec<LabelId> {
        let places = label::Place::ALL.into_iter().map(label::Place::label);
        let others = label::DERIVED.into_iter().chain(label::VIRTUAL).map(label::system);
        places.chain(others).chain(more.iter().cloned()).collect()
    }
}
