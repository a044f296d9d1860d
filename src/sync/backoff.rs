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
