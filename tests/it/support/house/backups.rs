//! What a house does with snapshots, backups and new machines, as the commands do it.
//!
//! Invariant: after a restore everything is asked for that a device was told is kept.

use std::path::Path;

use mailtui::backend::backup::{self, Contents};
use mailtui::backend::{begin_again, place};
use mailtui::store::{Own, disk};

use super::{DEVICES, Done, House, told};

/// The name of a backup, in the data directory.
const BACKUP: &str = "backup";

impl House {
    /// The backend makes a snapshot, and gives up what stands below it in the log.
    pub(crate) fn snapshot(&mut self) -> Done {
        let backend = self.backend()?;
        assert!(told(backend.make_snapshot())?, "there is something to make it of");
        told(backend.truncate()).map(drop)
    }

    /// Whoever uses the second device goes on at a new machine.
    pub(crate) fn move_in(&mut self) {
        self.end_device(1);
        self.places[1] = self.dir.join(DEVICES[1]).join("new");
    }

    /// As the command does it: copies of one moment, the one file that they make, a look at it.
    pub(crate) fn back_up(&mut self) -> Done {
        let (copies, file) = (self.home().join("copies"), self.home().join(BACKUP));
        let cut = told(self.backend()?.cut())?;
        if copies.exists() {
            told(disk::remove_tree(&copies))?;
        }
        told(disk::make_dir(&copies))?;
        told(cut.copy_to(&copies, &mut |_| true))?;
        let (backend, epoch) = told(cut.identity())?;
        let size = |name| copies.join(name).metadata().expect("a copy").len();
        let files = cut.names().map(|name| (name.to_owned(), size(name))).collect();
        let contents = Contents { backend, epoch, at: 0, version: "0".to_owned(), files };
        let io = |error| backup::notice(&file, &error);
        let mut fresh = told(disk::Fresh::new(&file))?;
        backup::write(&contents, &copies, &mut fresh, &mut |_| true).map_err(io)?;
        told(fresh.finish())?;
        self.read_backup(None)?;
        told(disk::remove_tree(&copies))
    }

    fn read_backup(&self, into: Option<&Path>) -> Done {
        let file = self.home().join(BACKUP);
        let mut from = std::fs::File::open(&file).expect("it was made");
        let read = backup::read(&mut from, into, &mut |_| true);
        read.map_err(|error| backup::notice(&file, &error)).map(drop)
    }

    /// As the command does it, with the backup of [`House::back_up`].
    pub(crate) fn restore(&mut self) -> Done {
        self.end_backend();
        self.restored = true;
        self.read_backup(None)?;
        let fresh = told(place::fresh(&self.home()))?;
        self.read_backup(Some(&fresh))?;
        told(begin_again(&fresh, &self.clock))?;
        told(place::exchange(&self.home(), "before-restore", false)).map(drop)
    }

    /// Own events of a device that wait for nothing that will come by itself: the log that it kept
    /// lost its end with the power, and is fetched when it is opened.
    pub(super) fn wait_for_a_log(&mut self, at: usize) -> u64 {
        if at == 0 || !self.lost_power {
            return 0;
        }
        let device = self.device(at).expect("open");
        let own = Own::all(device.db()).expect("readable").into_iter();
        let waits = own.filter(|own| {
            let thread = own.store.as_thread().filter(|_| own.position.is_some());
            let log = thread.map(|thread| device.kept_log(&thread).expect("readable"));
            log.is_some_and(|log| log.iter().all(|event| event.event.id != own.id))
        });
        waits.count() as u64
    }
}
