//! A backend and two devices in one process whose disks may fail: as in the product, who hears of a
//! failure says so, gives up what was not committed, and is tried again.
//!
//! Invariant: nothing is believed that was not answered: what was kept and acknowledged is noted
//! when a call returned well, and only then. What fails says so in a notice with a code and a hint.

mod backups;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mailtui::backend::{Backend, Options, place, prepare};
use mailtui::bridge::{Folder, Incoming};
use mailtui::clock::Clock as _;
use mailtui::engine::Device;
use mailtui::id::{EventId, StoreId};
use mailtui::mailbox;
use mailtui::notice::{Explain, Notice};
use mailtui::store::{Db, Kind, Log, Own};
use mailtui::sync::Frame;
use tempfile::TempDir;

use crate::support::clock::ManualClock;
use crate::support::disk::Disk;
use crate::support::platter::Loss;
use crate::support::truth::{Truth, message_of};
use crate::support::world::scratch;

/// Rows of a snapshot that a device takes in as one transaction: few, so that it takes several.
const ROWS: usize = 4;
/// Rounds of talk after which a house that is still not quiet never will be.
const MOST_ROUNDS: usize = 100;
/// The devices' directories; the second keeps the logs that it opens.
pub(crate) const DEVICES: [&str; 2] = ["a", "b"];
/// The format of a device's kept logs.
pub(crate) const KEPT: u32 = 3;
/// The data directory that the backend is in.
const HOME: &str = "home";

/// What is done in a house, or why not.
pub(crate) type Done<T = ()> = Result<T, Notice>;

/// The whole.
pub(crate) struct House {
    dir: PathBuf,
    /// The devices' directories.
    places: [PathBuf; 2],
    /// One disk for all machines, or one for the backend and each device.
    pub(crate) disks: Vec<Disk>,
    pub(crate) backend: Option<Backend>,
    devices: [Option<Device>; 2],
    sessions: [Option<u64>; 2],
    up: [Vec<Frame>; 2],
    down: [Vec<Frame>; 2],
    next_session: u64,
    clock: ManualClock,
    /// Of the devices: each has its own randomness.
    clocks: [ManualClock; 2],
    /// Own events that a device said were saved.
    kept: BTreeMap<EventId, StoreId>,
    /// Events that the backend acknowledged.
    acknowledged: BTreeSet<EventId>,
    /// Mail that the backend said it has, by Message-ID.
    mail: BTreeSet<String>,
    /// Logs that did not fit each other, where no restore was.
    pub(crate) diverged: usize,
    restored: bool,
    lost_power: bool,
    _home: TempDir,
}

/// Copies the databases of a house.
fn copy(from: &Path, to: &Path) {
    for name in ["home/backend"].iter().chain(&DEVICES) {
        std::fs::create_dir_all(to.join(name)).expect("made");
        for entry in std::fs::read_dir(from.join(name)).expect("readable") {
            let entry = entry.expect("readable");
            std::fs::copy(entry.path(), to.join(name).join(entry.file_name())).expect("copied");
        }
    }
}

fn told<T>(done: Result<T, impl Explain>) -> Done<T> {
    done.map_err(|error| error.notice())
}

/// The databases in these directories.
fn files(dirs: &[&Path]) -> Vec<(PathBuf, &'static str, Kind, u32)> {
    let of = |dir: &&Path| {
        let threads = if dir.ends_with("backend") { mailtui::backend::FORMAT } else { KEPT };
        [
            (dir.to_path_buf(), "threads.db", Kind::Threads, threads),
            (dir.to_path_buf(), "mailbox.db", Kind::Mailbox, mailbox::VERSION),
        ]
    };
    dirs.iter().flat_map(of).collect()
}

impl House {
    /// A house with nothing in it; `apart` is with a disk for each machine.
    pub(crate) fn new(apart: bool) -> Self {
        let mut house = Self::of_files(None);
        let dir = &house.dir;
        house.disks = if apart {
            let machines = [HOME, DEVICES[0], DEVICES[1]].map(|name| dir.join(name));
            for machine in &machines {
                std::fs::create_dir(machine).expect("made");
            }
            machines.iter().map(|machine| Disk::new(machine)).collect()
        } else {
            vec![Disk::new(dir)]
        };
        house
    }

    /// A house on a disk that never fails, with a copy of the files of another that is closed. Its
    /// clock goes on an hour later.
    pub(crate) fn of_files(other: Option<&Path>) -> Self {
        let home = scratch();
        let dir = home.path().canonicalize().expect("a directory");
        let [clock, a, b] = [7, 8, 9].map(ManualClock::new);
        if let Some(other) = other {
            copy(other, &dir);
            for clock in [&clock, &a, &b] {
                clock.turn(3_600_000);
            }
        }
        Self {
            places: DEVICES.map(|name| dir.join(name)),
            dir,
            disks: Vec::new(),
            backend: None,
            devices: [None, None],
            sessions: [None, None],
            up: [Vec::new(), Vec::new()],
            down: [Vec::new(), Vec::new()],
            next_session: 1,
            clock,
            clocks: [a, b],
            kept: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
            mail: BTreeSet::new(),
            diverged: 0,
            restored: false,
            lost_power: false,
            _home: home,
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    fn home(&self) -> PathBuf {
        self.dir.join(HOME)
    }

    pub(crate) fn backend_dir(&self) -> PathBuf {
        self.home().join("backend")
    }

    /// Opens what is not open.
    pub(crate) fn open(&mut self) -> Done {
        if self.backend.is_none() {
            if place::is_broken_off(&self.home()) {
                self.restore()?;
            }
            let options = Options { dir: self.backend_dir(), thread_clients: 2 };
            self.backend = Some(told(Backend::open(&options, &self.clock))?);
        }
        for at in 0..DEVICES.len() {
            if self.devices[at].is_none() {
                let clock = Box::new(self.clocks[at].clone());
                let mut device = told(Device::open(&self.places[at], at == 1, clock))?;
                if at == 0 {
                    // As a terminal has it; the other is as a command.
                    device.sync_later();
                }
                self.devices[at] = Some(device);
            }
        }
        Ok(())
    }

    /// Everybody's process ends.
    pub(crate) fn close(&mut self) {
        self.hang_up();
        (self.backend, self.devices) = (None, [None, None]);
    }

    /// Machines whose disk is dead lose their process, and start again without what `loss` says.
    pub(crate) fn revive(&mut self, loss: &Loss) {
        for which in 0..self.disks.len() {
            if !self.disks[which].is_dead() {
                continue;
            }
            self.hang_up();
            let all = self.disks.len() == 1;
            if all || which == 0 {
                self.backend = None;
            }
            for at in 0..DEVICES.len() {
                if all || which == at + 1 {
                    self.devices[at] = None;
                }
            }
            self.lost_power = true;
            self.disks[which].start_after_cut(loss.clone());
        }
    }

    pub(crate) fn backend(&mut self) -> Done<&mut Backend> {
        self.open()?;
        Ok(self.backend.as_mut().expect("just opened"))
    }

    pub(crate) fn device(&mut self, at: usize) -> Done<&mut Device> {
        self.open()?;
        Ok(self.devices[at].as_mut().expect("just opened"))
    }

    /// A device's process ends; the next that is done with it starts it again.
    pub(crate) fn end_device(&mut self, at: usize) {
        self.cut(at);
        self.devices[at] = None;
    }

    /// The backend's process ends.
    pub(crate) fn end_backend(&mut self) {
        self.hang_up();
        self.backend = None;
    }

    /// Every connection is gone, with what was under way.
    fn hang_up(&mut self) {
        (0..DEVICES.len()).for_each(|at| self.cut(at));
    }

    /// A device's connection is gone, with what was under way.
    pub(crate) fn cut(&mut self, at: usize) {
        if let (Some(session), Some(backend)) = (self.sessions[at].take(), &mut self.backend) {
            backend.disconnect(session);
        }
        if let Some(device) = &mut self.devices[at] {
            device.disconnected();
        }
        self.up[at].clear();
        self.down[at].clear();
    }

    /// What the product does when something failed: the backend gives up what is open, and devices
    /// dial again.
    pub(crate) fn failed(&mut self) {
        if let Some(backend) = &mut self.backend {
            backend.roll_back();
        }
        self.hang_up();
    }

    /// A device puts what was decided on disk, as `Driver::commit` does.
    pub(crate) fn save(&mut self, at: usize) -> Done {
        let device = self.device(at)?;
        told(device.commit())?;
        if let Err(error) = device.sync() {
            device.distrust();
            return Err(error.notice());
        }
        for own in told(Own::all(device.db()))? {
            self.kept.insert(own.id, own.store);
        }
        Ok(())
    }

    /// Mail comes in at the backend's edge.
    pub(crate) fn mail(&mut self, id: &str, raw: Vec<u8>, folder: Folder) -> Done {
        let now = self.clock.now();
        let prepared = prepare(Incoming { raw, folder, flags: None, file_time: None }, now);
        let backend = self.backend()?;
        told(backend.ingest(vec![prepared], now))?;
        told(backend.commit())?;
        self.mail.insert(format!("{id}@example.org"));
        Ok(())
    }

    /// All that waits moves until nothing does.
    pub(crate) fn talk(&mut self) -> Done {
        for _ in 0..MOST_ROUNDS {
            let mut moved = false;
            for at in 0..DEVICES.len() {
                self.dial(at)?;
                moved |= self.arrive(at)?;
            }
            moved |= self.project()?;
            for at in 0..DEVICES.len() {
                moved |= self.hear(at)?;
            }
            if !moved {
                return Ok(());
            }
        }
        panic!("somebody waits for what will not come");
    }

    /// A slice of the pipeline, and what devices have credit for; whether there was any.
    pub(crate) fn project(&mut self) -> Done<bool> {
        let backend = self.backend()?;
        let worked = told(backend.step())?;
        told(backend.commit())?;
        let pumped = told(backend.pump())?;
        self.route()?;
        Ok(worked || pumped)
    }

    /// A device that is not connected dials, and takes the welcome in.
    pub(crate) fn dial(&mut self, at: usize) -> Done {
        self.open()?;
        if self.sessions[at].is_none() {
            let session = self.next_session;
            self.next_session += 1;
            let device = self.device(at)?.id().clone();
            let backend = self.backend()?;
            backend.connect(session, device);
            let welcome = backend.welcome();
            self.sessions[at] = Some(session);
            self.save(at)?;
            told(self.device(at)?.receive(welcome))?;
        }
        self.speak(at)
    }

    /// A device says what it has to say, if anybody may hear it.
    pub(crate) fn speak(&mut self, at: usize) -> Done {
        self.save(at)?;
        if self.sessions[at].is_some() {
            let frames = told(self.device(at)?.outgoing())?;
            self.up[at].extend(frames);
            // What was offered for the first time is said to be so on disk; only then it leaves.
            self.save(at)?;
            let frames = told(self.device(at)?.outgoing())?;
            self.up[at].extend(frames);
        }
        Ok(())
    }

    /// What a device said arrives, and the backend answers; whether there was anything.
    pub(crate) fn arrive(&mut self, at: usize) -> Done<bool> {
        let frames = std::mem::take(&mut self.up[at]);
        let moved = !frames.is_empty();
        let Some(session) = self.sessions[at] else { return Ok(false) };
        let now = self.clock.now();
        for frame in frames {
            told(self.backend()?.handle(session, frame, now))?;
        }
        told(self.backend()?.commit())?;
        self.route()?;
        Ok(moved)
    }

    fn route(&mut self) -> Done {
        for (session, frame) in self.backend()?.frames() {
            if let Frame::Ack { stores } = &frame {
                let ids = stores.iter().flat_map(|ack| &ack.positions).map(|(id, _)| id.clone());
                self.acknowledged.extend(ids);
            }
            self.diverged += usize::from(matches!(frame, Frame::Diverged { .. }));
            if let Some(at) = self.sessions.iter().position(|open| *open == Some(session)) {
                self.down[at].push(frame);
            }
        }
        Ok(())
    }

    /// A device takes in what is under way to it; whether there was anything.
    pub(crate) fn hear(&mut self, at: usize) -> Done<bool> {
        let frames = std::mem::take(&mut self.down[at]);
        let mut moved = !frames.is_empty();
        for frame in frames {
            if let Some(session) = self.sessions[at]
                && matches!(frame, Frame::Page { .. } | Frame::Live { .. } | Frame::Blob { .. })
            {
                self.backend()?.written(session);
            }
            told(self.device(at)?.receive(frame))?;
            moved |= self.take_slices(at)?;
        }
        // What of a snapshot was here when something failed comes with no other frame.
        Ok(moved | self.take_slices(at)?)
    }

    /// Slices of a snapshot that came are taken in; whether there were any.
    fn take_slices(&mut self, at: usize) -> Done<bool> {
        let before = told(self.device(at)?.head())?;
        let mut moved = false;
        while told(self.device(at)?.bootstrap_on(ROWS))? {
            moved = true;
        }
        Ok(moved || told(self.device(at)?.head())? != before)
    }

    /// All that is wrong with a house that has come to rest.
    pub(crate) fn wrong(&mut self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (at, name) in DEVICES.iter().enumerate() {
            let waits = self.wait_for_a_log(at);
            let device = self.device(at).expect("open");
            let pending = device.pending().expect("readable");
            if pending != (0, waits) {
                wrong.push(format!("{name}: pending, not projected: {pending:?}"));
            }
            let mut found = device.doctor(true).expect("the doctor runs");
            // Whose acknowledgement was lost is offered again, to a log that is gone.
            found.retain(|(code, line, _)| *code != "refused" || !line.contains("was purged"));
            wrong.extend(found.iter().map(|found| format!("{name}: {found:?}")));
        }
        let found = self.backend().expect("open").doctor().expect("the doctor runs");
        wrong
            .extend(found.iter().map(|found| format!("backend: {}: {}", found.code, found.detail)));
        wrong.extend(self.damaged());
        wrong.extend(self.disagreement());
        wrong.extend(self.lost());
        if self.diverged > 0 && !self.restored {
            wrong.push(format!("{} logs did not fit each other", self.diverged));
        }
        wrong
    }

    fn open_files(&self) -> Vec<Db> {
        let open = |(dir, name, kind, version): (PathBuf, &str, _, _)| {
            Db::read(&dir.join(name), kind, version).expect("opens")
        };
        let backend = self.backend_dir();
        let all = files(&[&backend, &self.places[0], &self.places[1]]);
        all.into_iter().filter_map(open).collect()
    }

    /// What SQLite's own check finds in any file.
    pub(crate) fn damaged(&self) -> Vec<String> {
        let found = |db: &Db| db.integrity().expect("the check runs");
        self.open_files().iter().flat_map(found).collect()
    }

    /// Both devices and the backend have the same tables.
    fn disagreement(&mut self) -> Vec<String> {
        let path = self.backend_dir().join("mailbox.db");
        let db = Db::read(&path, Kind::Mailbox, mailbox::VERSION).expect("opens").expect("there");
        let wanted = mailbox::dump(&db).expect("readable");
        let mut wrong = Vec::new();
        for (at, name) in DEVICES.iter().enumerate() {
            let device = self.device(at).expect("open");
            if mailbox::dump(device.db()).expect("readable") != wanted {
                wrong.push(format!("{name}: its tables are not the backend's"));
            }
        }
        wrong
    }

    /// What was said to be there and is not, or is there twice.
    fn lost(&self) -> Vec<String> {
        let truth = Truth::read(&self.backend_dir());
        let mut held: BTreeMap<(StoreId, EventId), usize> = BTreeMap::new();
        let mut messages: BTreeMap<String, usize> = BTreeMap::new();
        for (thread, told) in &truth.threads {
            for event in &told.log {
                let key = (StoreId::thread(thread), event.event.id.clone());
                *held.entry(key).or_default() += 1;
                if let Some(id) = message_of(event).and_then(|message| message.message_id) {
                    *messages.entry(id).or_default() += 1;
                }
            }
        }
        let path = self.backend_dir().join("mailbox.db");
        let db = Db::read(&path, Kind::Mailbox, mailbox::VERSION).expect("opens").expect("there");
        let root = StoreId::mailbox();
        for event in Log::all(&db, &root).expect("readable") {
            *held.entry((root.clone(), event.event.id)).or_default() += 1;
        }
        let ids: BTreeSet<&EventId> = held.keys().map(|(_, id)| id).collect();
        let purged = |store: &StoreId| store.as_thread().is_some_and(|t| truth.purged.contains(&t));
        let gone = |id: &EventId| self.kept.get(id).is_some_and(purged);
        let mut wrong = Vec::new();
        for (id, store) in self.kept.iter().filter(|(_, store)| !purged(store)) {
            let times = held.get(&(store.clone(), id.clone())).copied().unwrap_or_default();
            if times != 1 {
                wrong.push(format!("own event {id} of {store} is there {times} times"));
            }
        }
        for id in self.acknowledged.iter().filter(|id| !ids.contains(id) && !gone(id)) {
            wrong.push(format!("acknowledged event {id} is nowhere"));
        }
        for (id, times) in messages.iter().filter(|(_, times)| **times != 1) {
            wrong.push(format!("message {id} is there {times} times"));
        }
        for id in self.mail.iter().filter(|id| !messages.contains_key(*id)) {
            wrong.push(format!("message {id} is nowhere"));
        }
        wrong
    }

    /// Mail that was purged on purpose is not missed.
    pub(crate) fn purged(&mut self, id: &str) {
        self.mail.remove(&format!("{id}@example.org"));
    }
}
