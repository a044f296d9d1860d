//! How far a row's `seen` reaches when the backend's logs were put back since.
//!
//! Invariant: pure. A position counts in the epoch that it names; in a later one it reaches no
//! further than the log was the same in both. Epochs have no order of their own: what came later is
//! what the log says later.

use serde::{Deserialize, Serialize};

use crate::id::{Epoch, Seen};

/// Epochs told apart by one log; what is older than the last so many is taken for one.
const MAX_EPOCHS: usize = 32;

/// The epochs that began in a log, in its order, each with the log's end when it began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epochs(Vec<(Epoch, u64)>);

impl Epochs {
    /// Whether the log is as its first epoch left it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The log says that an epoch began when it ended at `at`.
    pub fn begin(&mut self, epoch: Epoch, at: u64) {
        self.0.push((epoch, at));
        if self.0.len() > MAX_EPOCHS {
            let (_, first) = self.0.remove(0);
            if let Some((_, second)) = self.0.first_mut() {
                *second = first.min(*second);
            }
        }
    }

    /// The last position of this log that a row showed which says `seen`: up to there the log of
    /// that epoch and this one are the same.
    #[must_use]
    pub fn reach(&self, seen: &Seen) -> u64 {
        let since = self.0.iter().rposition(|(epoch, _)| *epoch == seen.epoch);
        let later = &self.0[since.map_or(0, |at| at + 1)..];
        later.iter().map(|(_, at)| *at).fold(seen.position, u64::min)
    }

    /// As the log will say once something is appended to it, if it is known up to `here`.
    #[must_use]
    pub fn ahead(&self, here: &Seen) -> Self {
        let mut epochs = self.clone();
        if !self.0.iter().any(|(epoch, _)| *epoch == here.epoch) {
            epochs.begin(here.epoch.clone(), here.position);
        }
        epochs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(epoch: &str, position: u64) -> Seen {
        Seen { epoch: Epoch::try_from(epoch).unwrap(), position }
    }

    #[test]
    fn a_position_of_another_epoch_reaches_as_far_as_the_logs_were_the_same() {
        // (epochs that began with the log's end then, what the row says, how far it reaches)
        for (began, said, reaches) in [
            (&[][..], ("1", 7), 7),
            (&[("2", 5)], ("1", 7), 5),
            (&[("2", 5)], ("1", 3), 3),
            (&[("2", 5)], ("2", 9), 9),
            (&[("2", 5), ("3", 20)], ("2", 30), 20),
            (&[("2", 5), ("3", 20)], ("1", 30), 5),
            // An epoch of which this log knows nothing: both ended before.
            (&[("2", 5), ("4", 20)], ("3", 30), 5),
            (&[("2", 5), ("3", 0)], ("2", 4), 0),
        ] {
            let mut epochs = Epochs::default();
            for (epoch, at) in began {
                epochs.begin(Epoch::try_from(*epoch).unwrap(), *at);
            }
            assert_eq!(epochs.reach(&seen(said.0, said.1)), reaches, "{began:?} {said:?}");
        }
    }

    #[test]
    fn many_restores_are_a_short_list_that_reaches_no_further() {
        let mut epochs = Epochs::default();
        for n in 0..100_u64 {
            epochs.begin(Epoch::try_from(format!("e{n}")).unwrap(), 10 + n);
        }
        assert_eq!(epochs.0.len(), MAX_EPOCHS);
        assert_eq!(epochs.reach(&seen("e3", 500)), 10);
        assert_eq!(epochs.reach(&seen("e98", 500)), 109);
    }

    #[test]
    fn what_a_log_will_say_is_known_before_it_does() {
        let mut epochs = Epochs::default();
        assert_eq!(epochs.ahead(&seen("1", 4)).reach(&seen("1", 9)), 9);
        assert_eq!(epochs.ahead(&seen("2", 4)).reach(&seen("1", 9)), 4);
        epochs.begin(Epoch::try_from("2").unwrap(), 2);
        assert_eq!(epochs.ahead(&seen("2", 4)), epochs);
    }
}
