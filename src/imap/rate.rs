//! No more bytes in a second than the user allows.
//!
//! Invariant: pure: the clock is an argument. Over any time no more comes through than the rate
//! gives in it, and in [`BURST`] beside.

use std::time::{Duration, Instant};

/// What was not used is kept for so long.
const BURST: Duration = Duration::from_secs(1);
/// The least that is read at a time, in bytes.
const LEAST_READ: u64 = 512;

/// A bucket that fills with time, and that what comes in is taken from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    /// Bytes a second.
    rate: u64,
    /// Up to when what came in is paid for.
    paid: Option<Instant>,
}

impl Bucket {
    /// For so many bytes a second; `None` for 0, which is no limit.
    pub(super) fn of(rate: u64) -> Option<Self> {
        (rate > 0).then_some(Self { rate, paid: None })
    }

    /// Bytes that are read at a time: a part of a second's, so that the line is used evenly.
    pub(super) fn at_a_time(&self) -> u64 {
        (self.rate / 4).max(LEAST_READ)
    }

    /// So many bytes came; how long nothing is to be read now.
    pub(super) fn take(&mut self, bytes: u64, now: Instant) -> Duration {
        let begins = now.checked_sub(BURST).unwrap_or(now);
        let paid = self.paid.map_or(begins, |paid| paid.max(begins));
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate);
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let paid = paid.checked_add(cost).unwrap_or(paid);
        self.paid = Some(paid);
        paid.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_paid_for_in_time() {
        let begun = Instant::now();
        let mut bucket = Bucket::of(1_000).unwrap();
        let (mut now, mut waited) = (begun, Duration::ZERO);
        let mut came = 0;
        // Bytes as they come: many, none for a while, many.
        for (bytes, pause) in [(500, 0), (500, 0), (4_000, 0), (1, 0), (10, 60_000), (9_000, 0)] {
            now += Duration::from_millis(pause);
            came += bytes;
            let wait = bucket.take(bytes, now);
            (now, waited) = (now + wait, waited + wait);
            let most = now.duration_since(begun).as_millis() + BURST.as_millis();
            assert!(u128::from(came) <= most, "{came} bytes in {most} ms");
        }
        assert_eq!(waited, Duration::from_millis(4_001 + 8_010), "and no longer than that");
        assert!(Bucket::of(0).is_none());
        assert_eq!(Bucket::of(100).unwrap().at_a_time(), LEAST_READ);
    }
}
