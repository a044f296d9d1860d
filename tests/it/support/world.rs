//! A backend and its devices in one process: the real state machines over real files, with a
//! network between them that does what the test says.
//!
//! Invariant: frames travel as their bytes, in order, in each direction of a connection; one that
//! is cut loses what is still under way. Nothing moves by itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use mailtui::backend::{Backend, Options, prepare};
use mailtui::bridge::{Folder, Incoming, Outcome};
use mailtui::clock::Clock as _;
use mailtui::engine::Device;
use mailtui::id::{EventId, LabelId, StoreId};
use mailtui::label;
use mailtui::store::Own;
use mailtui::sync::{Frame, decode, encode};
use tempfile::TempDir;

use crate::support::clock::ManualClock;

/// Rounds of talk after which a world that is still not quiet never will be.
const MOST_ROUNDS: usize = 200;
/// Thread clients that the backend keeps loaded: few, so that they are loaded again and again.
const THREAD_CLIENTS: usize = 2;

/// A device with its end of the network.
pub(crate) struct Station {
    name: String,
    dir: PathBuf,
    device: Option<Device>,
    session: Option<u64>,
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Vec<u8>>,
    pub(crate) clock: ManualClock,
}

/// The whole.
pub(crate) struct World {
    home: TempDir,
    backend: Option<Backend>,
    pub(crate) stations: Vec<Station>,
    pub(crate) clock: ManualClock,
    next_session: u64,
    /// Own events that a device has put on disk, by store.
    pub(crate) kept: BTreeMap<EventId, StoreId>,
    /// Own events whose acknowledgement a device has taken in.
    pub(crate) acknowledged: BTreeSet<EventId>,
}

/// The fastest directory for small files that are thrown away.
fn scratch() -> TempDir {
    let shm = std::path::Path::new("/dev/shm");
    let root = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("mailtui-world-").tempdir_in(root).expect("a scratch directory")
}

impl World {
    /// A backend and one device for each name; `remote` devices keep the logs that they open.
    pub(crate) fn new(names: &[(&str, bool)], seed: u64) -> Self {
        let home = scratch();
        let clock = ManualClock::new(seed);
        let mut world = Self {
            backend: None,
            stations: Vec::new(),
            clock,
            next_session: 1,
            kept: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
            home,
        };
        world.start_backend();
        for (n, (name, remote)) in (1_u64..).zip(names) {
            // "r-" keeps the choice over a restart.
            let dir = world.home.path().join(if *remote { "r-" } else { "e-" }.to_owned() + name);
            let clock = ManualClock::new(seed.wrapping_mul(31).wrapping_add(n));
            world.stations.push(Station {
                name: (*name).to_owned(),
                dir,
                device: None,
                session: None,
                up: VecDeque::new(),
                down: VecDeque::new(),
                clock,
            });
            world.start_device(world.stations.len() - 1);
        }
        world
    }

    pub(crate) fn backend(&mut self) -> &mut Backend {
        self.backend.as_mut().expect("the backend runs")
    }

    pub(crate) fn backend_dir(&self) -> PathBuf {
        self.home.path().join("backend")
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

    fn start_backend(&mut self) {
        let options = Options { dir: self.backend_dir(), thread_clients: THREAD_CLIENTS };
        self.backend = Some(Backend::open(&options, &self.clock).expect("the backend opens"));
    }

    fn start_device(&mut self, at: usize) {
        let station = &mut self.stations[at];
        let remote = station.dir.file_name().is_some_and(|n| n.as_encoded_bytes()[0] == b'r');
        let clock = Box::new(station.clock.clone());
        station.device = Some(Device::open(&station.dir, remote, clock).expect("a device opens"));
    }

    /// The backend's process dies, with what it had not committed, and starts again.
    pub(crate) fn restart_backend(&mut self) {
        for at in 0..self.stations.len() {
            self.cut(at);
        }
        self.backend = None;
        self.start_backend();
    }

    /// A device's process dies, with what it had not committed, and starts again.
    pub(crate) fn restart_device(&mut self, at: usize) {
        self.cut(at);
        self.stations[at].device = None;
        self.start_device(at);
    }

    pub(crate) fn is_connected(&self, at: usize) -> bool {
        self.stations[at].session.is_some()
    }

    /// A device dials; the welcome is under way.
    pub(crate) fn connect(&mut self, at: usize) {
        if self.is_connected(at) {
            return;
        }
        let session = self.next_session;
        self.next_session += 1;
        let device = self.device(at).id().clone();
        self.backend().connect(session, device);
        let welcome = encode(&self.backend().welcome()).expect("encodes");
        self.stations[at].session = Some(session);
        self.stations[at].down.push_back(welcome);
    }

    /// The connection is gone, with all frames under way.
    pub(crate) fn cut(&mut self, at: usize) {
        let Some(session) = self.stations[at].session.take() else { return };
        self.backend().disconnect(session);
        self.device_mut(at).disconnected();
        self.stations[at].up.clear();
        self.stations[at].down.clear();
    }

    /// Puts what a device has decided on disk.
    pub(crate) fn save(&mut self, at: usize) {
        self.device_mut(at).commit().expect("the device commits");
        for own in Own::all(self.device(at).db()).expect("readable") {
            self.kept.insert(own.id, own.store);
        }
    }

    /// A device hands what it has to say to the network. `let_pass` may change or drop a frame.
    pub(crate) fn send(&mut self, at: usize, let_pass: impl Fn(Frame) -> Option<Frame>) {
        if !self.is_connected(at) {
            return;
        }
        let frames = self.device_mut(at).outgoing().expect("a device speaks");
        for frame in frames.into_iter().filter_map(let_pass) {
            self.stations[at].up.push_back(encode(&frame).expect("encodes"));
        }
    }

    /// The next frame of a device reaches the backend; `false` when there is none. The answer
    /// waits for [`World::commit`].
    pub(crate) fn deliver_up(&mut self, at: usize) -> bool {
        let Some(bytes) = self.stations[at].up.pop_front() else { return false };
        let Some(session) = self.stations[at].session else { return false };
        let frame = decode(&bytes).expect("decodes");
        let now = self.clock.now();
        self.backend().handle(session, frame, now).expect("the backend handles it");
        // What may leave leaves at once; an answer that does so before the commit is found out when
        // the backend dies before it.
        self.route();
        true
    }

    /// The backend commits, and its answers are under way.
    pub(crate) fn commit(&mut self) {
        self.backend().commit().expect("the backend commits");
        self.route();
    }

    /// One slice of the pipeline's work; `false` when there was none.
    pub(crate) fn step(&mut self) -> bool {
        self.commit();
        let worked = self.backend().step().expect("the pipeline works");
        self.commit();
        worked
    }

    /// The pipeline runs to the head.
    pub(crate) fn project(&mut self) {
        while self.step() {}
    }

    /// The backend reads its logs for devices that have credit.
    pub(crate) fn pump(&mut self) -> bool {
        self.commit();
        let pumped = self.backend().pump().expect("the backend reads its logs");
        self.route();
        pumped
    }

    fn route(&mut self) {
        for (session, frame) in self.backend().frames() {
            let to = self.stations.iter_mut().find(|station| station.session == Some(session));
            if let Some(station) = to {
                station.down.push_back(encode(&frame).expect("encodes"));
            }
        }
    }

    /// The next frame of the backend reaches a device; `false` when there is none.
    pub(crate) fn deliver_down(&mut self, at: usize) -> bool {
        let Some(bytes) = self.stations[at].down.pop_front() else { return false };
        let Some(session) = self.stations[at].session else { return false };
        let frame = decode(&bytes).expect("decodes");
        if matches!(frame, Frame::Page { .. } | Frame::Live { .. } | Frame::Blob { .. }) {
            self.backend().written(session);
        }
        if let Frame::Ack { stores } = &frame {
            let ids = stores.iter().flat_map(|ack| &ack.positions).map(|(id, _)| id.clone());
            self.acknowledged.extend(ids);
        }
        // A device puts what was decided on disk before it takes a frame in.
        self.save(at);
        self.device_mut(at).receive(frame).expect("a device takes a frame in");
        true
    }

    /// All that waits moves until nothing does: everything is pushed, projected and pulled.
    pub(crate) fn sync(&mut self) {
        for round in 0.. {
            assert!(round < MOST_ROUNDS, "somebody waits for what will not come");
            let mut moved = false;
            for at in 0..self.stations.len() {
                self.connect(at);
                self.save(at);
                self.send(at, Some);
                while self.deliver_up(at) {
                    moved = true;
                }
            }
            self.commit();
            moved |= self.step();
            moved |= self.pump();
            for at in 0..self.stations.len() {
                while self.deliver_down(at) {
                    moved = true;
                }
            }
            if !moved {
                return;
            }
        }
    }

    /// Mail comes in at the backend's edge, durably.
    pub(crate) fn mail(&mut self, raw: Vec<u8>, folder: Folder) -> Outcome {
        let now = self.clock.now();
        let prepared = prepare(Incoming { raw, folder, flags: None, file_time: None }, now);
        let outcomes = self.backend().ingest(vec![prepared], now).expect("mail is taken in");
        self.commit();
        outcomes.into_iter().next().expect("one answer")
    }

    /// The labels that a list or a count can be asked for: the system's and those of `more`.
    pub(crate) fn lists(more: &BTreeSet<LabelId>) -> Vec<LabelId> {
        let places = label::Place::ALL.into_iter().map(label::Place::label);
        let others = label::DERIVED.into_iter().chain(label::VIRTUAL).map(label::system);
        places.chain(others).chain(more.iter().cloned()).collect()
    }
}
