//! The meter at work: the clocks that it is given, and when its figures are shown.
//!
//! Invariant: it measures whether or not anybody looks, so that who looks sees what was; it draws
//! nothing and asks for no frame.

use std::time::{Duration, Instant};

use crate::ui::meter::{Figures, Meter};
use crate::ui::sources::Event;

/// The meter of a loop.
#[derive(Debug, Default)]
pub(super) struct Latency {
    meter: Meter,
    looked: bool,
    /// Nobody looks any more: what the next frame shows is the last of it.
    ends: bool,
}

/// The time for which this thread has worked so far.
fn worked() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

impl Latency {
    /// Keys came.
    pub(super) fn keys(&mut self, input: &[Event]) {
        let mut cpu = None;
        for at in input.iter().filter_map(Event::key_at) {
            self.meter.pressed(at, *cpu.get_or_insert_with(worked));
        }
    }

    /// A frame was written.
    pub(super) fn drawn(&mut self) {
        self.meter.drawn(Instant::now(), worked());
        if std::mem::take(&mut self.ends) {
            self.meter.clear();
        }
    }

    /// What is to be shown, while somebody looks; who stops looking begins anew the next time.
    pub(super) fn figures(&mut self, looks: bool) -> Option<Figures> {
        self.ends |= std::mem::replace(&mut self.looked, looks) && !looks;
        looks.then(|| self.meter.figures())
    }
}
