//! A backend is copied, and put back.
//!
//! Invariant: by the same functions as the commands; only the one file between them is left out.

use std::path::PathBuf;

use crate::support::world::World;

impl World {
    fn backups(&self) -> PathBuf {
        self.home.path().join("backups")
    }

    /// Copies one moment of the backend aside, under a name.
    pub(crate) fn backup(&mut self, name: &str) {
        let dir = self.backups().join(name);
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("made");
        let cut = self.backend().cut().expect("a cut");
        assert!(cut.copy_to(&dir, &mut |_| true).expect("copied"));
        // Answers to what the cut committed.
        self.route();
    }

    /// The backend is put back to the moment of a backup, and begins a new epoch.
    pub(crate) fn restore(&mut self, name: &str) {
        for at in 0..self.stations.len() {
            self.cut(at);
        }
        self.old.clear();
        self.backend = None;
        let (dir, backup) = (self.backend_dir(), self.backups().join(name));
        std::fs::remove_dir_all(&dir).expect("removed");
        std::fs::create_dir(&dir).expect("made");
        for name in mailtui::backend::FILES {
            std::fs::copy(backup.join(name), dir.join(name)).expect("copied");
        }
        mailtui::backend::begin_again(&dir, &self.clock).expect("a new epoch begins");
        self.start_backend();
    }
}
