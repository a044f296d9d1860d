//! How the machines of a world live and die: at a point that was asked for, or between two moves,
//! as by SIGKILL; and how they start again from what they left on disk.
//!
//! Invariant: what dies says nothing and cleans nothing up: its files are taken as they are at that
//! moment, before its connections are closed. Only what was committed is in them.

use std::os::unix::fs::DirBuilderExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use mailtui::backend::{Backend, Options};
use mailtui::crash::faults::Died;
use mailtui::engine::{Device, EngineError};
use mailtui::store::StoreError;
use mailtui::sync::Frame;

use crate::support::world::World;

/// Thread clients that the backend keeps loaded: few, so that they are loaded again and again.
const THREAD_CLIENTS: usize = 2;

/// What came of some work; where who did it died over it, at which point.
fn alive<T>(work: impl FnOnce() -> T) -> Result<T, Died> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.map_err(|panic| match panic.downcast::<Died>() {
        Ok(died) => *died,
        Err(panic) => resume_unwind(panic),
    })
}

/// Copies a directory as a process leaves it that dies now; the index of a write-ahead log is not
/// taken, it is memory.
fn copy(from: &Path, to: &Path) {
    std::fs::DirBuilder::new().mode(0o700).create(to).expect("made");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else if !name.as_encoded_bytes().ends_with(b"-shm") {
            std::fs::copy(&path, to.join(name)).expect("copied");
        }
    }
}

impl World {
    pub(super) fn start_backend(&mut self) {
        let options = Options { dir: self.backend_dir(), thread_clients: THREAD_CLIENTS };
        let mut backend = loop {
            match alive(|| Backend::open(&options, &self.clock)) {
                Ok(opened) => break opened.expect("the backend opens"),
                Err(Died(point)) => *self.died.entry(point).or_default() += 1,
            }
        };
        if let Some(most) = self.page_events {
            backend.set_page_events(most);
        }
        self.backend = Some(backend);
    }

    pub(super) fn start_device(&mut self, at: usize) {
        let station = &mut self.stations[at];
        let mut device = loop {
            let clock = Box::new(station.clock.clone());
            match alive(|| Device::open(&station.dir, station.remote, clock)) {
                Ok(opened) => break opened.expect("a device opens"),
                Err(Died(point)) => *self.died.entry(point).or_default() += 1,
            }
        };
        if station.later {
            device.sync_later();
        }
        station.device = Some(device);
    }

    /// Where what a process leaves behind is taken to.
    fn next_life(&mut self, dir: &Path) -> PathBuf {
        self.lives += 1;
        let name = dir.file_stem().expect("named").to_string_lossy();
        let next = self.home.path().join(format!("{name}.{}", self.lives));
        copy(dir, &next);
        next
    }

    /// The backend's process dies, with what it had not committed, and starts again. Devices do
    /// not know.
    pub(crate) fn kill_backend(&mut self) {
        let (dir, next) = (self.backend_dir(), self.next_life(&self.backend_dir()));
        self.backend = None;
        std::fs::remove_dir_all(&dir).expect("removed");
        self.backend_dir = next;
        self.old.clear();
        for station in &mut self.stations {
            station.wire.iter_mut().for_each(super::wire::Wire::lost);
        }
        self.start_backend();
        self.hold_backend_to_it();
    }

    /// The backend's process dies, and every device hears of it.
    pub(crate) fn restart_backend(&mut self) {
        self.kill_backend();
        for at in 0..self.stations.len() {
            self.cut(at);
        }
    }

    /// A device's process dies, with what it had not committed, and starts again. The backend does
    /// not know.
    pub(crate) fn kill_device(&mut self, at: usize) {
        let dir = self.stations[at].dir.clone();
        let next = self.next_life(&dir);
        self.let_go(at);
        self.stations[at].device = None;
        std::fs::remove_dir_all(&dir).expect("removed");
        self.stations[at].dir = next;
        self.start_device(at);
        self.hold_device_to_it(at);
    }

    /// A device's process dies, and the backend hears of it.
    pub(crate) fn restart_device(&mut self, at: usize) {
        self.cut(at);
        self.kill_device(at);
    }

    /// What a device does; `None` when it died over it.
    pub(crate) fn on_device<T>(
        &mut self,
        at: usize,
        work: impl FnOnce(&mut Device) -> T,
    ) -> Option<T> {
        let device = self.device_mut(at);
        match alive(|| work(device)) {
            Ok(done) => Some(done),
            Err(Died(point)) => {
                *self.died.entry(point).or_default() += 1;
                self.kill_device(at);
                None
            }
        }
    }

    /// What the backend does; `None` when it died over it.
    pub(crate) fn on_backend<T>(
        &mut self,
        work: impl FnOnce(&mut Backend) -> Result<T, StoreError>,
    ) -> Option<T> {
        let backend = self.backend();
        match alive(|| work(backend)) {
            Ok(done) => Some(done.expect("the backend works")),
            Err(Died(point)) => {
                *self.died.entry(point).or_default() += 1;
                self.kill_backend();
                None
            }
        }
    }

    /// A device takes a frame in.
    pub(super) fn take_down(&mut self, at: usize, frame: Frame) {
        match self.on_device(at, |device| device.receive(frame)) {
            None | Some(Ok(())) => {}
            // It begins anew, as the driver does.
            Some(Err(EngineError::Store(_))) => self.let_go(at),
            Some(Err(other)) => panic!("a device takes a frame in: {other}"),
        }
    }
}
