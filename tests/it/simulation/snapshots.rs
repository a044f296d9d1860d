//! Moves by which snapshots are made and taken in: by devices that are new, and by those that were
//! away for longer than the log reaches back.
//!
//! Invariant: as every move, drawn from the simulation's dice alone; the snapshot and the log below
//! it are the product's, at any moment, whatever else is half done.

use mailtui::backend::Backend;

use crate::simulation::moves::Simulation;

/// Devices of a world at most.
const MOST_DEVICES: usize = 4;

impl Simulation {
    /// A snapshot is made, or the log cut below it, or a device comes that has nothing.
    pub(super) fn snapshots(&mut self, step: &str) -> Option<()> {
        match step {
            "snapshot" => {
                self.may_die_at("snapshot.");
                self.world.commit();
                self.world.on_backend(Backend::make_snapshot)?.then_some(())
            }
            "truncate" => {
                if self.dice.once_in(2) {
                    self.world.commit();
                    self.world.on_backend(Backend::make_snapshot)?;
                }
                self.may_die_at("truncate.");
                self.world.commit();
                (self.world.on_backend(Backend::truncate)? > 0).then_some(())
            }
            _ => self.new_device(),
        }
    }

    fn new_device(&mut self) -> Option<()> {
        if self.world.stations.len() == MOST_DEVICES {
            return None;
        }
        let at = self.world.join("D", self.dice.once_in(2));
        self.drawn.push(Vec::new());
        if self.dice.once_in(2) {
            self.world.sync_later(at);
        }
        Some(())
    }

    /// A device takes a slice of a snapshot in.
    pub(super) fn bootstrap(&mut self, at: usize) -> Option<()> {
        // It has something to take in.
        self.world.device(at).syncing()?;
        self.may_die_at("bootstrap.");
        self.world.bootstrap(at).then_some(())
    }
}
