//! A clock and a random source that a test turns by hand.
//!
//! Invariant: the same seed and the same calls give the same times and bytes.

use std::sync::{Arc, Mutex};

use mailtui::clock::Clock;

/// 2024-05-06T09:00:00Z in milliseconds.
const START_MS: i64 = 1_714_986_000_000;

/// Numbers from a seed (`SplitMix64`, Steele, Lea, Flood 2014).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice that always fall in the same way.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 when `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("small");
        usize::try_from(self.next() % end).expect("smaller")
    }

    /// Whether something happens that does so once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of `things`, which must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }
}

/// A clock that only moves when it is told to. Clones are the same clock.
#[derive(Debug, Clone)]
pub(crate) struct ManualClock(Arc<Mutex<(i64, Dice)>>);

impl ManualClock {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new((START_MS, Dice::new(seed)))))
    }

    /// Moves it, backwards too.
    pub(crate) fn turn(&self, by_ms: i64) {
        self.0.lock().unwrap().0 += by_ms;
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.0.lock().unwrap().0
    }

    fn random(&self, bytes: &mut [u8]) {
        let dice = &mut self.0.lock().unwrap().1;
        for byte in bytes {
            *byte = dice.next().to_le_bytes()[0];
        }
    }
}
