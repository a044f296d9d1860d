//! How much may happen in a search, and which moves need not be tried in every order.
//!
//! Invariant: what is left out comes to the same. Processes share nothing but frames, and a frame
//! goes to the end of its queue; so what one does with the frame at the head of a queue commutes
//! with all that the others do, and they can neither take it away nor come before it. A set of
//! processes none of which waits for one outside (each empty queue to one of them comes from one of
//! them) may therefore go first: every order of the moves of all of them is still tried, only that
//! of theirs against the others' is not. It holds while no fault is left, which may hit anybody at
//! any time, and while no frame came twice, over which a connection may end for both sides. No run
//! goes round in circles: one speaks of a key, of a connection, or of so many pages that were
//! taken, and none of these comes from nothing.
//!
//! Every state of every process is reached all the same, with every input that it can get, and so
//! is every end. Of pairs, some are not seen: a device beside a log that has grown while it stood
//! still. But a pair is judged by the log up to what the device knows, and by whether the log has
//! what the device forgot, and the log only grows (`Facts::shrunk`); and whoever has a frame to
//! hear goes before the backend, so that nobody is held still that could learn or forget something.

use super::process::{BACKEND, Key};
use super::world::{AGAIN, CUTS, DEATHS, World};

/// Who presses which keys.
#[derive(Debug, Clone, Copy)]
pub(super) enum Keys {
    /// Each once, on either device, in any order.
    Free(&'static [Key]),
    /// Each device its own, one after the other.
    Each([&'static [Key]; 2]),
}

impl Keys {
    /// What was not pressed yet: a set, or how many of each device.
    pub(super) fn begin(self) -> [u8; 2] {
        let count = |keys: &[Key]| u8::try_from(keys.len()).expect("few keys");
        match self {
            Self::Free(keys) => [(1 << count(keys)) - 1, 0],
            Self::Each(each) => each.map(count),
        }
    }

    /// What a device may press now, and what is then left.
    pub(super) fn next(self, left: [u8; 2], who: usize) -> Vec<(Key, [u8; 2])> {
        match self {
            Self::Free(keys) => {
                let keys = keys.iter().enumerate().filter(|(n, _)| left[0] & 1 << n != 0);
                keys.map(|(n, key)| (*key, [left[0] & !(1 << n), 0])).collect()
            }
            Self::Each(each) => {
                let Some(after) = left[who].checked_sub(1) else { return Vec::new() };
                let key = each[who][each[who].len() - usize::from(left[who])];
                let mut left = left;
                left[who] = after;
                vec![(key, left)]
            }
        }
    }
}

/// How much may happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// Who presses which keys, at any time.
    pub(super) keys: Keys,
    /// Whether a message comes.
    pub(super) mail: bool,
    /// Whether all begins when the devices are connected and have heard everything.
    pub(super) connected: bool,
    /// Deaths, connections that go, and frames that come a second time: how many of each, and how
    /// many of all on one path.
    pub(super) deaths: u32,
    pub(super) cuts: u32,
    pub(super) again: u32,
    pub(super) faults: u32,
}

impl Scope {
    /// Which processes go first, where that comes to the same. They hear nothing of the others
    /// before they have moved: whatever those do, and whenever, stands behind what waits already.
    pub(super) fn first(&self, world: &World) -> [bool; 3] {
        let faults = [DEATHS, CUTS, AGAIN].into_iter().any(|fault| world.may(fault));
        // A frame that came twice may end a connection, for both sides; a key that is left to both
        // is gone for both.
        let twice = u32::from(world.left[AGAIN]) != self.again;
        let shared = matches!(self.keys, Keys::Free(_)) && world.keys != [0; 2];
        if faults || twice || shared {
            return [true; 3];
        }
        let mut least = [true; 3];
        for begin in 0..3 {
            let mut first = [false; 3];
            first[begin] = true;
            // Who may be told something by whom that was not told before.
            for _ in 0..2 {
                for at in 0..2 {
                    first[BACKEND] |= first[at] && world.down[at] == 0;
                    first[at] |= first[BACKEND] && world.up[at] == 0;
                }
            }
            let count = |first: &[bool; 3]| first.iter().filter(|goes| **goes).count();
            if count(&first) < count(&least) {
                least = first;
            }
        }
        least
    }
}
