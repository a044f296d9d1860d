//! When the next frame is drawn.
//!
//! Invariant: what a key does, and the first answer to it, is drawn at once, whatever else was
//! drawn just before; yet a flood of keys is drawn no more often than the eye can tell. Everything
//! else waits for the next frame of a slower pace, and what nobody asked for for that of the
//! slowest: a key that comes while a frame is drawn waits for its end. Pure: times come in.

use std::time::{Duration, Instant};

/// The shortest time between frames that keys asked for: a flood of them is one frame. With the
/// drawing after it, a key that comes right behind another is on screen within 8 ms.
const KEY_FRAME: Duration = Duration::from_millis(6);
/// The shortest time between frames that no key asked for.
const FRAME: Duration = Duration::from_millis(33);
/// For so long after a key, what it brings about is drawn at its pace.
const AFTER_KEY: Duration = Duration::from_millis(150);

/// When frames were drawn, and when the next is due.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    drawn: Instant,
    key: Option<Instant>,
    /// When the last frame was drawn that a key had asked for.
    shown: Option<Instant>,
    /// A key came and is not drawn yet.
    asks: bool,
    /// What came first after that frame has not been drawn yet.
    owes: bool,
    /// It has come.
    answered: bool,
    due: Option<Instant>,
}

impl Pace {
    /// A frame was drawn just now.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        let (key, shown, due) = (None, None, None);
        Self { drawn: now, key, shown, asks: false, owes: false, answered: false, due }
    }

    /// A key came.
    pub fn key(&mut self, now: Instant) {
        self.key = Some(now);
        self.asks = true;
        self.by(self.shown.map_or(now, |shown| shown + KEY_FRAME));
    }

    /// Something came that nobody asked for.
    pub fn told(&mut self) {
        self.by(self.drawn + FRAME);
    }

    /// Something else came that may be seen.
    pub fn news(&mut self, now: Instant) {
        self.answered |= self.owes;
        let soon = self.key.is_some_and(|key| now.saturating_duration_since(key) < AFTER_KEY);
        self.by(match (soon, self.owes) {
            (true, true) => now,
            (true, false) => self.drawn + KEY_FRAME,
            (false, _) => self.drawn + FRAME,
        });
    }

    /// A frame was drawn.
    pub const fn drawn(&mut self, now: Instant) {
        self.drawn = now;
        self.due = None;
        self.owes = self.asks || (self.owes && !self.answered);
        self.answered = false;
        if self.asks {
            self.shown = Some(now);
            self.asks = false;
        }
    }

    /// How long may be waited for more to come before the next frame; `None` when none is due.
    #[must_use]
    pub fn wait(&self, now: Instant) -> Option<Duration> {
        self.due.map(|due| due.saturating_duration_since(now))
    }

    /// Whether the next frame is due now.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    fn by(&mut self, when: Instant) {
        self.due = Some(self.due.map_or(when, |due| due.min(when)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays what comes at these milliseconds; returns when frames are drawn.
    fn check(comes: &[(u64, char)], frames: &[u64]) {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let (mut pace, mut drawn) = (Pace::new(start), Vec::new());
        for ms in 0..400 {
            for (_, what) in comes.iter().filter(|(when, _)| *when == ms) {
                match what {
                    'k' => pace.key(at(ms)),
                    'n' => pace.news(at(ms)),
                    _ => pace.told(),
                }
            }
            if pace.is_due(at(ms)) {
                pace.drawn(at(ms));
                drawn.push(ms);
            }
        }
        assert_eq!(drawn, frames, "{comes:?}");
    }

    #[test]
    fn keys_are_drawn_at_once_and_floods_are_one_frame() {
        check(&[(100, 'k')], &[100]);
        check(&[(100, 'k'), (101, 'k'), (105, 'k'), (107, 'k')], &[100, 106, 112]);
        check(&[(100, 'n')], &[100]);
        check(&[(100, 'n'), (110, 'n'), (120, 'n')], &[100, 133]);
        check(&[(100, 'n'), (110, 'n'), (111, 'k')], &[100, 111]);
        check(&[(100, 'k'), (102, 'n'), (300, 'n'), (310, 'n')], &[100, 102, 300, 333]);
        // One answer a key: what comes after it keeps the pace.
        check(&[(100, 'k'), (101, 'n'), (102, 'n'), (103, 'n')], &[100, 101, 107]);
        // A key does not wait because something else was drawn just before.
        check(&[(100, 'n'), (104, 'k'), (106, 'k')], &[100, 104, 110]);
        // What nobody asked for comes between no key and its answer.
        check(&[(100, 'k'), (101, 't'), (105, 't'), (110, 't')], &[100, 133]);
        check(&[(100, 'k'), (101, 't'), (104, 'n'), (105, 'n')], &[100, 104, 110]);
        check(&[(100, 't'), (102, 'k'), (103, 't'), (150, 'n')], &[100, 102, 135, 150]);
        check(&[], &[]);
    }
}
