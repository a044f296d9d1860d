//! A world of the search at one moment, and what may happen in it: numbers.
//!
//! Invariant: equal numbers are equal worlds; what a number stands for is the search's to know.

use super::process::Input;

/// A world at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct World {
    /// The processes' states.
    pub(super) at: [u32; 3],
    /// What is under way to the backend and to the devices.
    pub(super) up: [u32; 2],
    pub(super) down: [u32; 2],
    pub(super) connected: [bool; 2],
    /// Keys that were not pressed, as the scope counts them; whether the message is still to come.
    pub(super) keys: [u8; 2],
    pub(super) mail: bool,
    /// Faults that may still be: deaths, cuts, second deliveries, and of all.
    pub(super) left: [u8; 4],
    /// A frame that comes a second time, and whose it is: the device, and whether it goes up.
    pub(super) old: Option<(u8, bool, u32)>,
}

pub(super) const DEATHS: usize = 0;
pub(super) const CUTS: usize = 1;
pub(super) const AGAIN: usize = 2;
pub(super) const ALL: usize = 3;

impl World {
    pub(super) fn may(&self, fault: usize) -> bool {
        self.left[fault] > 0 && self.left[ALL] > 0
    }

    pub(super) fn spend(&mut self, fault: usize) {
        self.left[fault] -= 1;
        self.left[ALL] -= 1;
    }
}

/// What happens in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// A process takes an input; a frame that it is may be delivered once more, some time.
    Take(u8, Input, bool),
    /// A frame comes a second time.
    Again,
    /// A connection goes, with all that is under way.
    Cut(u8),
    /// A process dies over an input, in the n-th way in which it can.
    Die(u8, Input),
}
