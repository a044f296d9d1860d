//! One process of the small world: a device or the backend, as the product has it, that takes one
//! input at a time, and dies when it is told to.
//!
//! Invariant: what it does follows from the files that it began with and its inputs, in order: its
//! clock stands, and its randomness is always the same. So a state can be made again at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailtui::backend::{Backend, Options, prepare};
use mailtui::bridge::{Folder, Incoming};
use mailtui::clock::Clock;
use mailtui::command::intent::{Change, Intent};
use mailtui::crash::faults::{Died, die_in, live};
use mailtui::engine::Device;
use mailtui::id::{DeviceId, EventId, StoreId, ThreadId};
use mailtui::label::Place;
use mailtui::store::{Own, OwnEvent};
use mailtui::sync::Frame;
use tempfile::TempDir;

use super::tables::Known;
use crate::support::disk::Disk;
use crate::support::mail::mail;
use crate::support::world::scratch;

/// The backend among the processes; the devices are 0 and 1.
pub(super) const BACKEND: usize = 2;
/// Numbers of sessions that each device has.
const SESSIONS: u64 = 1_000;
/// 2024-05-06T10:00:00Z in milliseconds.
const NOW_MS: i64 = 1_714_989_600_000;

/// A key on the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Archive,
    Trash,
    Read,
    Undo,
}

impl Key {
    fn intent(self, device: &Device, thread: &ThreadId) -> Intent {
        let change = match self {
            Self::Archive => Change::Place(Place::Archive),
            Self::Trash => Change::Place(Place::Trash),
            Self::Read => Change::Read(true),
            Self::Undo => return Intent::Undo(None),
        };
        let targets = device.targets(thread).expect("readable");
        Intent::Change { changes: vec![change], targets }
    }
}

/// What a process is given; frames by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// A device: a key is pressed, and decided in the open transaction.
    Press(Key),
    /// What is decided, or what was said, is committed.
    Commit,
    /// A device: what was committed is on disk.
    Sync,
    /// A device: a frame comes.
    Hear(u32),
    /// A device: its connection is gone.
    HangUp,
    /// The backend: a device connects.
    Dial(u8),
    /// The backend: a frame of a device comes.
    Arrive(u8, u32),
    /// The backend: a slice of the pipeline, and what devices have credit for.
    Work,
    /// The backend: a message comes to the conversation.
    Mail,
    /// The backend: a device's connection is gone.
    Gone(u8),
    /// Nothing: it dies while it rests.
    Rest,
}

/// How a process dies over an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Death {
    /// The how manieth crash point it does not pass; 0 is before the input.
    pub(super) point: u64,
    /// Whether what was not synced is gone with it.
    pub(super) power: bool,
}

/// One step of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Act {
    pub(super) input: Input,
    pub(super) dies: Option<Death>,
}

/// Where every search begins: all know one message.
pub(super) struct Base {
    /// Of each process, its files by name.
    pub(super) files: [Files; 3],
    pub(super) thread: ThreadId,
    pub(super) devices: [DeviceId; 2],
    /// The Mailbox store, and how many events it has.
    pub(super) mailbox: (StoreId, u32),
}

/// A process that starts again after a death: the files that it finds, each as small as can be, and
/// what it promised.
pub(super) struct Begun {
    files: BTreeMap<PathBuf, (usize, Vec<u8>)>,
    own: BTreeMap<EventId, OwnEvent>,
    kept: BTreeSet<EventId>,
}

impl Begun {
    fn files(&self) -> Files {
        let files = self.files.iter().map(|(name, (size, small))| {
            (name.clone(), zstd::bulk::decompress(small, *size).expect("as it was"))
        });
        files.collect()
    }
}

/// Files of one directory, by name.
pub(super) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A clock that stands, and dice that always show the same.
#[derive(Debug, Clone, Copy)]
struct Still(u8);

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        NOW_MS
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// What runs.
#[expect(clippy::large_enum_variant, reason = "there are few")]
pub(super) enum Part {
    Device(Device),
    Backend(Backend),
    Dead,
}

/// What an input gave.
#[derive(Default)]
pub(super) struct Given {
    /// Frames to or from a device.
    pub(super) frames: Vec<(u8, Frame)>,
    /// Devices whose connection it ended.
    pub(super) hung: [bool; 2],
}

/// A process.
pub(super) struct Machine {
    pub(super) who: usize,
    base: Arc<Base>,
    home: TempDir,
    pub(super) dir: PathBuf,
    pub(super) disk: Disk,
    pub(super) part: Part,
    /// Of a device: its own events as it decided them, without what a death took.
    pub(super) own: BTreeMap<EventId, OwnEvent>,
    /// Those of them that it took for saved.
    pub(super) kept: BTreeSet<EventId>,
    /// Of the backend: the devices' sessions.
    pub(super) sessions: [Option<u64>; 2],
    /// What it took in since the last commit.
    pub(super) since: Vec<Input>,
    /// Sessions that ended since.
    pub(super) ended: BTreeSet<u64>,
    /// What is known of its files, and since when.
    pub(super) known: Known,
    pub(super) looked: (u64, u64),
}

/// Puts files into a directory of their own, on a disk of its own.
fn put(files: &Files) -> (TempDir, PathBuf, Disk) {
    let home = scratch();
    let dir = home.path().canonicalize().expect("a directory");
    for (name, bytes) in files {
        std::fs::write(dir.join(name), bytes).expect("written");
    }
    let disk = Disk::new(&dir);
    (home, dir, disk)
}

impl Machine {
    /// A process that starts with these files.
    fn start(who: usize, base: &Arc<Base>, files: &Files) -> Self {
        let (home, dir, disk) = put(files);
        let mut machine = Self {
            who,
            base: Arc::clone(base),
            home,
            dir,
            disk,
            part: Part::Dead,
            own: BTreeMap::new(),
            kept: BTreeSet::new(),
            sessions: [None, None],
            since: Vec::new(),
            ended: BTreeSet::new(),
            known: Known::default(),
            looked: (0, 0),
        };
        machine.open();
        machine
    }

    /// As it is after these steps from a start.
    pub(super) fn after(
        who: usize,
        base: &Arc<Base>,
        begun: Option<&Begun>,
        acts: &[Act],
        frames: &[Frame],
    ) -> Self {
        let mut machine = match begun {
            None => Self::start(who, base, &base.files[who]),
            Some(begun) => {
                let mut machine = Self::start(who, base, &begun.files());
                (machine.own, machine.kept) = (begun.own.clone(), begun.kept.clone());
                machine.note();
                machine
            }
        };
        for act in acts {
            machine.act(*act, frames).expect("as it was the first time");
        }
        machine
    }

    fn open(&mut self) {
        let clock = Still(u8::try_from(self.who).expect("small") + 7);
        self.part = if self.who == BACKEND {
            let options = Options { dir: self.dir.clone(), thread_clients: 2 };
            Part::Backend(Backend::open(&options, &clock).expect("opens"))
        } else {
            let mut device = Device::open(&self.dir, self.who == 1, Box::new(clock));
            if let (0, Ok(device)) = (self.who, &mut device) {
                // As a terminal has it; the other is as a command.
                device.sync_later();
            }
            Part::Device(device.expect("opens"))
        };
        self.note();
    }

    /// Takes a step; `None` when it passed fewer points than it was to die at.
    pub(super) fn act(&mut self, act: Act, frames: &[Frame]) -> Option<Given> {
        let Some(Death { point, power }) = act.dies else {
            return Some(self.take(act.input, frames));
        };
        if !self.falls(act.input, point, frames) {
            return None;
        }
        if power {
            *self = self.after_power_cut();
        } else {
            self.start_again();
        }
        Some(Given::default())
    }

    /// Takes an input and dies over it; `false` when it passed fewer points than it was to die at.
    pub(super) fn falls(&mut self, input: Input, point: u64, frames: &[Frame]) -> bool {
        if point > 0 {
            die_in(point);
            let taken = catch_unwind(AssertUnwindSafe(|| self.take(input, frames)));
            live();
            match taken {
                Ok(_) => return false,
                Err(panic) => {
                    drop(panic.downcast::<Died>().unwrap_or_else(|panic| resume_unwind(panic)));
                }
            }
        }
        // Nothing of what it does from now on is on its disk.
        self.disk.die();
        self.part = Part::Dead;
        self.sessions = [None, None];
        self.since.clear();
        self.ended.clear();
        true
    }

    pub(super) fn start_again(&mut self) {
        self.disk.start();
        self.open();
    }

    /// The process on the machine that has what was synced of a dead one.
    pub(super) fn after_power_cut(&self) -> Self {
        let mut machine = Self::start(self.who, &self.base, &self.synced());
        (machine.own, machine.kept) = (self.own.clone(), self.kept.clone());
        machine.note();
        machine
    }

    /// How one that has just died of a power cut starts again.
    pub(super) fn begun(&self) -> Begun {
        let small = |bytes: &[u8]| zstd::bulk::compress(bytes, 1).expect("in memory");
        let files = self.synced().into_iter();
        let files = files.map(|(name, bytes)| (name, (bytes.len(), small(&bytes)))).collect();
        Begun { files, own: self.own.clone(), kept: self.kept.clone() }
    }

    /// What of its files is on the disk.
    pub(super) fn synced(&self) -> Files {
        let files = self.disk.kept().into_iter();
        // The index of a log is the memory of who has it open.
        let files = files.filter(|(path, _)| path.extension().is_none_or(|e| !is_index(e)));
        files.map(|(path, bytes)| (path.file_name().expect("a file").into(), bytes)).collect()
    }

    /// Notes what a device decided and what it has saved. What a death took was not saved.
    fn note(&mut self) {
        let Part::Device(device) = &self.part else { return };
        let there = Own::all(device.db()).expect("readable");
        let ids: BTreeSet<EventId> = there.iter().map(|own| own.id.clone()).collect();
        for event in there {
            self.own.entry(event.id.clone()).or_insert(event);
        }
        let saved = device.unsynced().is_none() && !device.is_saving();
        self.kept.extend(ids.iter().filter(|_| saved).cloned());
        self.own.retain(|id, _| ids.contains(id) || self.kept.contains(id));
    }

    fn take(&mut self, input: Input, frames: &[Frame]) -> Given {
        let frame = |at: u32| frames[at as usize].clone();
        let given = match &mut self.part {
            Part::Device(device) => on_device(device, input, &self.base.thread, frame),
            Part::Backend(_) => self.on_backend(input, frame),
            Part::Dead => panic!("it is dead"),
        };
        self.note();
        given
    }

    fn on_backend(&mut self, input: Input, frame: impl Fn(u32) -> Frame) -> Given {
        let Part::Backend(backend) = &mut self.part else { panic!("no backend") };
        let (mut given, now) = (Given::default(), NOW_MS / 1_000);
        match input {
            Input::Dial(at) => {
                // A number that no answer waits for; the second device's are always the higher.
                let mut all = (0..).map(|n| SESSIONS * (u64::from(at) + 1) + n);
                let session = all.find(|n| !self.ended.contains(n)).expect("enough numbers");
                backend.connect(session, self.base.devices[usize::from(at)].clone());
                self.sessions[usize::from(at)] = Some(session);
                given.frames.push((at, backend.welcome()));
            }
            Input::Gone(at) => {
                if let Some(session) = self.sessions[usize::from(at)].take() {
                    backend.disconnect(session);
                    self.ended.extend((!self.since.is_empty()).then_some(session));
                }
            }
            Input::Arrive(at, n) => {
                let session = self.sessions[usize::from(at)].expect("connected");
                if backend.handle(session, frame(n), now).is_err() {
                    backend.roll_back();
                    backend.disconnect(session);
                    self.sessions[usize::from(at)] = None;
                    self.ended.insert(session);
                    given.hung[usize::from(at)] = true;
                }
                self.since.push(input);
            }
            Input::Commit => {
                backend.commit().expect("commits");
                self.since.clear();
                self.ended.clear();
            }
            Input::Work => {
                backend.step().expect("the pipeline works");
                backend.commit().expect("commits");
                backend.pump().expect("reads");
            }
            Input::Mail => {
                let raw = mail("m2").reply_to("m1", "m1").bytes();
                let folder = Folder::default();
                let prepared = prepare(Incoming { raw, folder, flags: None, file_time: None }, now);
                backend.ingest(vec![prepared], now).expect("taken in");
                backend.commit().expect("commits");
            }
            _ => panic!("{input:?} is not for the backend"),
        }
        for (session, frame) in backend.frames() {
            if frame.takes_credit() {
                backend.written(session);
            }
            if let Some(at) = self.sessions.iter().position(|open| *open == Some(session)) {
                given.frames.push((u8::try_from(at).expect("small"), frame));
            }
        }
        given
    }

    pub(super) fn base(&self) -> &Base {
        &self.base
    }

    /// Where it lies, which is no part of its state.
    pub(super) fn place(&self) -> &Path {
        self.home.path()
    }
}

fn is_index(extension: &std::ffi::OsStr) -> bool {
    extension.as_encoded_bytes().ends_with(b"-shm")
}

fn on_device(
    device: &mut Device,
    input: Input,
    thread: &ThreadId,
    frame: impl Fn(u32) -> Frame,
) -> Given {
    let mut given = Given::default();
    match input {
        Input::Press(key) => {
            let done = device.intend(&key.intent(device, thread));
            assert!(done.is_ok() || key == Key::Undo, "a key does something");
        }
        Input::Commit => device.commit().expect("commits"),
        Input::Sync => device.sync().expect("syncs"),
        Input::HangUp => device.disconnected(),
        Input::Hear(n) => {
            if device.receive(frame(n)).is_err() {
                device.disconnected();
                given.hung[0] = true;
            }
        }
        _ => panic!("{input:?} is not for a device"),
    }
    let said = device.outgoing().expect("speaks");
    given.frames.extend(said.into_iter().map(|frame| (0, frame)));
    // Whoever draws has taken it.
    device.news();
    given
}
