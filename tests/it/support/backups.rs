//! A backend is copied, and put back.
//!
//! Invariant: by the same functions as the commands; only the one file between them is left out.

use std::path::PathBuf;

use mailtui::backend::Backend;
use mailtui::crash::faults;

use crate::support::wire::Wire;
use crate::support::world::World;

impl World {
    fn backups(&self) -> PathBuf {
        self.home.path().join("backups")
    }

    /// Copies one moment of the backend aside, under a name; `false` when it died over it.
    pub(crate) fn backup(&mut self, name: &str) -> bool {
        let Some(cut) = self.on_backend(Backend::cut) else { return false };
        let dir = self.backups().join(name);
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("made");
        assert!(cut.copy_to(&dir, &mut |_| true).expect("copied"));
        // Answers to what the cut committed.
        self.route();
        true
    }

    /// The backend is put back to the moment of a backup, and begins a new epoch; `false` when
    /// there is no such backup. Devices do not know.
    pub(crate) fn restore(&mut self, name: &str) -> bool {
        let backup = self.backups().join(name);
        if !backup.is_dir() {
            return false;
        }
        faults::live();
        self.disk.heal();
        self.backend = None;
        self.old.clear();
        for station in &mut self.stations {
            station.wire.iter_mut().for_each(Wire::lost);
        }
        self.note_unheard();
        self.restores += 1;
        let dir = self.backend_dir.with_file_name(format!("backend.{}", self.restores));
        std::fs::create_dir(&dir).expect("made");
        for entry in std::fs::read_dir(&backup).expect("readable") {
            let entry = entry.expect("readable");
            std::fs::copy(entry.path(), dir.join(entry.file_name())).expect("copied");
        }
        self.backend_dir = dir;
        mailtui::backend::begin_again(&self.backend_dir, &self.clock).expect("a new epoch begins");
        self.start_backend();
        self.release_backend();
        true
    }
}
