//! Moves by which a user orders labels and conversations: labels renamed, recoloured, deleted, put
//! on as they are made; conversations joined and split.
//!
//! Invariant: as every move, drawn from the simulation's dice alone.

use std::collections::BTreeSet;

use mailtui::command::intent::Intent;
use mailtui::id::{LabelId, ThreadId};
use mailtui::label;

use crate::simulation::moves::Simulation;

/// Names that labels get: some are those that they are made with.
const NAMES: [&str; 4] = ["Work", "Job", "spa\u{308}ter", "Play"];
/// Colours, one of which is none.
const COLORS: [&str; 3] = ["red", "bright-blue", "mauve"];

impl Simulation {
    /// Decides what the step asks of a device.
    pub(super) fn by_hand(&mut self, step: &str, at: usize) -> Option<()> {
        let intent = match step {
            "label.rename" => {
                let name = (*self.dice.pick(&NAMES)).to_owned();
                Intent::RenameLabel(self.a_label(at)?, name)
            }
            "label.recolor" => {
                let color = self.dice.pick(&COLORS);
                let color = label::color(color).map(str::to_owned);
                Intent::RecolorLabel(self.a_label(at)?, color)
            }
            "label.delete" => Intent::DeleteLabel(self.a_label(at)?),
            "label.new" => {
                let thread = self.a_thread(at)?;
                let targets = self.world.device(at).targets(&thread).expect("readable");
                let name = (*self.dice.pick(&NAMES)).to_owned();
                Intent::NewLabel { name, color: Some("green".to_owned()), targets }
            }
            "join.by-device" => Intent::Join(self.some_threads(at)?),
            _ => {
                // Mostly one that is joined with others.
                let threads = self.some_threads(at)?;
                let device = self.world.device(at);
                let joined = |thread: &&ThreadId| {
                    device.row(thread).expect("readable").is_some_and(|row| row.members.len() > 1)
                };
                let one = threads.iter().find(joined).unwrap_or(&threads[0]);
                Intent::Split(vec![one.clone()])
            }
        };
        self.intend(at, &intent)
    }

    fn a_label(&mut self, at: usize) -> Option<LabelId> {
        let labels = self.world.device(at).labels().expect("readable");
        let user = labels.into_iter().map(|label| label.id);
        let user: Vec<LabelId> = user.filter(|id| !label::is_system(id.as_str())).collect();
        (!user.is_empty()).then(|| self.dice.pick(&user).clone())
    }

    fn some_threads(&mut self, at: usize) -> Option<Vec<ThreadId>> {
        let many = 2 + self.dice.below(2);
        (0..many).map(|_| self.a_thread(at)).collect()
    }

    /// All labels that were ever made or put on.
    pub(super) fn labels(&self) -> BTreeSet<LabelId> {
        let db = self.world.device(0).db();
        let living = mailtui::mailbox::labels(db).expect("readable");
        let deleted = mailtui::mailbox::deleted_labels(db).expect("readable");
        let made = living.into_iter().chain(deleted).map(|(id, _)| id);
        let made = made.filter(|id| !label::is_system(id.as_str()));
        made.chain(Self::named_labels()).collect()
    }
}
