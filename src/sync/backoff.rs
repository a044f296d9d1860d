//! How long to wait before the next try: doubling, full jitter.

use std::time::Duration;

use crate::limits::{RECONNECT_FIRST, RECONNECT_MOST};

/// The state of one series of tries.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after a failure: anything from 0 to the bound, by `random`.
    pub fn wait(&mut self, random: u64) -> Duration {
        let bound = RECONNECT_FIRST
            .saturating_mul(2_u32.saturating_pow(self.failures.min(16)))
            .min(RECONNECT_MOST);
        self.failures = self.failures.saturating_add(1);
        let millis = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX).max(1);
        Duration::from_millis(random % millis)
    }

    /// After a success.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_that_lost_one_backend_do_not_come_back_together() {
        // xorshift64, seeded: the same waits in every run.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for failures in [0, 3, 20] {
            let bound = RECONNECT_FIRST.saturating_mul(1 << failures.min(10)).min(RECONNECT_MOST);
            let mut tenths = [0; 10];
            for _ in 0..10_000 {
                let wait = Backoff { failures }.wait(random());
                assert!(wait < bound);
                let tenth = wait.as_millis() * 10 / bound.as_millis();
                tenths[usize::try_from(tenth).unwrap()] += 1;
            }
            assert!(tenths.iter().all(|n| (850..1_150).contains(n)), "{failures}: {tenths:?}");
        }
    }

    #[test]
    fn waits_are_bounded_and_begin_small() {
        let mut backoff = Backoff::default();
        assert!(backoff.wait(u64::MAX) < RECONNECT_FIRST);
        for n in 0..1_000 {
            assert!(backoff.wait(n * 7_919) <= RECONNECT_MOST);
        }
        backoff.reset();
        assert!(backoff.wait(u64::MAX - 3) < RECONNECT_FIRST);
    }
}
