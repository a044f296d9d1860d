//! How the machines of a world live and die: at a point that was asked for, or between two moves,
//! as by SIGKILL; and how they start again from what they left on disk.
//!
//! Invariant: what dies says nothing and cleans nothing up: from that moment on its disk does
//! nothing, whatever is closed. Only what was written is there when it starts again, and where the
//! power went, only what was synced is there for sure.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use mailtui::backend::{Backend, Options};
use mailtui::crash::faults::Died;
use mailtui::engine::{Device, EngineError};
use mailtui::store::StoreError;
use mailtui::sync::Frame;

use crate::support::disk::Disk;
use crate::support::platter::Loss;
use crate::support::wire::Wire;
use crate::support::world::World;

/// Thread clients that the backend keeps loaded: few, so that they are loaded again and again.
const THREAD_CLIENTS: usize = 2;

/// Rows of a snapshot that a device takes in as one transaction: few, so that it dies in between.
pub(super) const SNAPSHOT_ROWS: usize = 8;

/// What came of some work; where who did it died over it, at which point.
fn alive<T>(work: impl FnOnce() -> T) -> Result<T, Died> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.map_err(|panic| match panic.downcast::<Died>() {
        Ok(died) => *died,
        Err(panic) => resume_unwind(panic),
    })
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

    /// What who dies now loses; where its power is gone already, all that was not synced.
    fn power_cut(&mut self, gone: bool) -> Option<Loss> {
        self.cut_power.take().or(gone.then_some(Loss::All))
    }

    /// The backend's process dies, with what it had not committed, and starts again; so does its
    /// machine when the power goes. Devices do not know.
    pub(crate) fn kill_backend(&mut self) {
        let cut = self.power_cut(self.disk.is_dead());
        self.disk.die();
        self.backend = None;
        start(&self.disk, cut);
        self.old.clear();
        for station in &mut self.stations {
            station.wire.iter_mut().for_each(Wire::lost);
        }
        self.start_backend();
        self.hold_backend_to_it();
    }

    /// The backend's process ends as it should. It is restarted before anything else is done.
    pub(crate) fn stop_backend(&mut self) {
        self.backend = None;
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
        let cut = self.power_cut(self.stations[at].disk.is_dead());
        self.stations[at].disk.die();
        self.let_go(at);
        self.stations[at].device = None;
        let lost_power = cut.is_some();
        start(&self.stations[at].disk, cut);
        self.start_device(at);
        self.hold_device_to_it(at, lost_power);
    }

    /// Restarts a device whose disk has lost the long texts that it kept.
    pub(crate) fn restart_without_texts(&mut self, at: usize) {
        let kept = self.stations[at].dir.join("threads.db");
        let kept = rusqlite::Connection::open(kept).expect("it opens");
        kept.execute_batch("DELETE FROM blobParts; DELETE FROM blobs").expect("written");
        self.restart_device(at);
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
        let done = alive(|| work(device));
        if let Err(Died(point)) = &done {
            *self.died.entry(point).or_default() += 1;
        }
        if done.is_err() || self.stations[at].disk.is_dead() {
            self.kill_device(at);
            return None;
        }
        done.ok()
    }

    /// What the backend does; `None` when it died over it, or its disk refused: then everybody
    /// connects again, as the host has it.
    pub(crate) fn on_backend<T>(
        &mut self,
        work: impl FnOnce(&mut Backend) -> Result<T, StoreError>,
    ) -> Option<T> {
        let backend = self.backend();
        let done = alive(|| work(backend));
        if let Err(Died(point)) = &done {
            *self.died.entry(point).or_default() += 1;
        }
        if done.is_err() || self.disk.is_dead() {
            self.kill_backend();
            return None;
        }
        match done.ok()? {
            Ok(done) => Some(done),
            Err(error) => {
                assert!(self.disk.failed(), "the backend: {error}");
                self.backend().roll_back();
                (0..self.stations.len()).for_each(|at| self.lose(at));
                while self.end_old(0) {}
                None
            }
        }
    }

    /// A device takes a frame in, and pages that are there behind it with it.
    pub(super) fn take_down(&mut self, at: usize, frame: Frame) {
        let Some(mut wire) = self.stations[at].wire.take() else { return };
        let (slice, slices, mut pages) = (self.slice, self.boot_slices, 0);
        let done = self.on_device(at, |device| {
            device.receive_with(frame, &mut |have, _| {
                let page = if have < slice { wire.next_page() } else { None };
                pages += u32::from(page.is_some());
                page
            })?;
            // A device whose commits are synced later leaves this to who drives it.
            let mut taken = 0;
            while taken < slices && device.bootstrap_on(SNAPSHOT_ROWS)? {
                taken += 1;
            }
            Ok(())
        });
        if wire.there {
            (0..pages).for_each(|_| self.backend().written(wire.session));
        }
        self.stations[at].wire = Some(wire);
        self.taken(at, done.map(|done| done.map(|()| true)));
    }

    /// A device took something in, or died over it, or its disk refused; whether it goes on.
    pub(super) fn taken(&mut self, at: usize, done: Option<Result<bool, EngineError>>) -> bool {
        match done {
            Some(Ok(goes_on)) => return goes_on,
            None => self.let_go(at),
            // It begins anew, as the driver does.
            Some(Err(EngineError::Store(error))) => {
                assert!(self.stations[at].disk.failed(), "a device: {error}");
                self.let_go(at);
            }
            Some(Err(other)) => panic!("a device takes a frame in: {other}"),
        }
        true
    }
}

/// A machine starts again, with a disk that works.
fn start(disk: &Disk, cut: Option<Loss>) {
    disk.heal();
    match cut {
        Some(loss) => disk.start_after_cut(loss),
        None => disk.start(),
    }
}
