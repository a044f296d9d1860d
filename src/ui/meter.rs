//! How long keys take to the end of the frame that shows what they did, and what of the thread
//! that draws they cost.
//!
//! Invariant: pure; the clocks come in. It keeps the last [`KEPT`] keys and nothing else, and costs
//! a key no more than a push. Keys that one frame shows share what it cost.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Keys that are kept.
pub const KEPT: usize = 1_000;

/// A key that was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Drawn {
    /// From when it was read to when its frame was written.
    took: Duration,
    /// What the thread that draws did for it.
    cpu: Duration,
}

/// What is known of the last keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// How many keys these are of.
    pub keys: usize,
    /// Half of them took no longer.
    pub p50: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
    /// None took longer.
    pub max: Duration,
    /// What the thread that draws did for a key, on the average.
    pub cpu: Duration,
    /// It did no more for 99 of 100, however busy the machine was with other things.
    pub cpu_p99: Duration,
}

/// The meter.
#[derive(Debug, Default)]
pub struct Meter {
    /// When the keys were read that no frame shows yet.
    waiting: VecDeque<Instant>,
    /// How many these are; more may have come than are kept.
    came: u32,
    /// The thread's time when the first of them came.
    began: Duration,
    kept: VecDeque<Drawn>,
}

impl Meter {
    /// A key that was read at `at` is taken in; the thread that draws has worked `cpu` so far.
    pub fn pressed(&mut self, at: Instant, cpu: Duration) {
        if self.came == 0 {
            self.began = cpu;
        }
        self.came = self.came.saturating_add(1);
        self.waiting.push_back(at);
        if self.waiting.len() > KEPT {
            self.waiting.pop_front();
        }
    }

    /// A frame was written at `now` that shows what came.
    pub fn drawn(&mut self, now: Instant, cpu: Duration) {
        if self.came == 0 {
            return;
        }
        let cpu = cpu.saturating_sub(self.began) / self.came;
        self.came = 0;
        for at in self.waiting.drain(..) {
            self.kept.push_back(Drawn { took: now.saturating_duration_since(at), cpu });
        }
        let over = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..over);
    }

    /// Forgets what was drawn.
    pub fn clear(&mut self) {
        self.kept.clear();
    }

    /// What is known of the keys that are kept.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let mut took: Vec<Duration> = self.kept.iter().map(|key| key.took).collect();
        took.sort_unstable();
        let mut worked: Vec<Duration> = self.kept.iter().map(|key| key.cpu).collect();
        worked.sort_unstable();
        let part = |of: &[Duration], percent: usize| {
            let at = (of.len() * percent / 100).min(of.len().saturating_sub(1));
            of.get(at).copied().unwrap_or_default()
        };
        let at = |percent| part(&took, percent);
        let keys = u32::try_from(took.len()).unwrap_or(u32::MAX).max(1);
        let cpu = worked.iter().sum::<Duration>() / keys;
        let cpu_p99 = part(&worked, 99);
        Figures { keys: took.len(), p50: at(50), p99: at(99), max: at(100), cpu, cpu_p99 }
    }
}

/// Milliseconds, as far as they are worth reading: `0.42`, `3.1`, `120`.
#[must_use]
pub fn millis(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1_000.0;
    match ms {
        _ if ms < 1.0 => format!("{ms:.2}"),
        _ if ms < 100.0 => format!("{ms:.1}"),
        _ => format!("{ms:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_key_counts_from_when_it_was_read_to_its_frame() {
        let start = Instant::now();
        let mut meter = Meter::default();
        assert_eq!(meter.figures(), Figures::default());
        for n in 0..100 {
            meter.pressed(start + ms(n * 20), ms(n * 4));
            // The last one is slow.
            let late = if n == 99 { 50 } else { 3 };
            meter.drawn(start + ms(n * 20 + late), ms(n * 4 + 1));
        }
        let known = meter.figures();
        assert_eq!((known.keys, known.p50, known.p99, known.max), (100, ms(3), ms(50), ms(50)));
        assert_eq!(known.cpu, ms(1));
        meter.clear();
        assert_eq!(meter.figures(), Figures::default());
    }

    #[test]
    fn keys_of_one_frame_share_its_cost_and_frames_of_none_count_for_nothing() {
        let start = Instant::now();
        let mut meter = Meter::default();
        meter.drawn(start, ms(500));
        meter.pressed(start, ms(600));
        meter.pressed(start + ms(4), ms(601));
        meter.drawn(start + ms(8), ms(606));
        meter.drawn(start + ms(99), ms(999));
        let known = meter.figures();
        assert_eq!((known.keys, known.p50, known.max, known.cpu), (2, ms(8), ms(8), ms(3)));
    }

    #[test]
    fn so_many_keys_are_kept() {
        let start = Instant::now();
        let mut meter = Meter::default();
        for _ in 0..3 * KEPT {
            meter.pressed(start, ms(0));
        }
        meter.drawn(start + ms(1), ms(3_000));
        assert_eq!((meter.figures().keys, meter.figures().cpu), (KEPT, ms(1)));
        meter.pressed(start, ms(0));
        meter.drawn(start + ms(9), ms(0));
        let known = meter.figures();
        assert_eq!((known.keys, known.max), (KEPT, ms(9)));
    }

    #[test]
    fn milliseconds_are_short() {
        for (micros, said) in [(0, "0.00"), (420, "0.42"), (3_140, "3.1"), (120_400, "120")] {
            assert_eq!(millis(Duration::from_micros(micros)), said);
        }
    }
}
