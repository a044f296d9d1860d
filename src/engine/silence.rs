//! That a backend says nothing while something is awaited of it, told before it is given up.
//!
//! Invariant: told at once when it is due, again each so often, and taken back by the first frame.

use std::time::Duration;

/// How long nothing is heard before that is told, and how often it is told again.
const EACH: Duration = Duration::from_secs(5);

/// Hears for how long nothing was heard; `None`: it goes on, or nobody waits any more.
pub type TellSilence = Box<dyn FnMut(Option<Duration>) + Send>;

/// Who is told, if anybody.
pub(super) struct Silence {
    tell: Option<TellSilence>,
    /// How often it was told since something was heard.
    told: u32,
}

impl std::fmt::Debug for Silence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Silence").field("told", &self.told).finish_non_exhaustive()
    }
}

impl Silence {
    pub(super) const NONE: Self = Self { tell: None, told: 0 };

    pub(super) const fn of(tell: TellSilence) -> Self {
        Self { tell: Some(tell), told: 0 }
    }

    pub(super) const fn is_told(&self) -> bool {
        self.tell.is_some()
    }

    /// Nothing was heard for so long.
    pub(super) fn lasts(&mut self, silent: Duration) {
        if let Some(tell) = &mut self.tell
            && silent >= EACH * (self.told + 1)
        {
            self.told += 1;
            tell(Some(silent));
        }
    }

    /// Something was heard, or nobody waits for it any more.
    pub(super) fn ends(&mut self) {
        if std::mem::take(&mut self.told) > 0
            && let Some(tell) = &mut self.tell
        {
            tell(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn it_is_told_now_and_then_until_something_is_heard() {
        let (sender, told) = mpsc::channel();
        let mut silence = Silence::of(Box::new(move |silent| sender.send(silent).unwrap()));
        let at = Duration::from_millis;
        for ms in [0, 4_900, 5_000, 5_100, 9_900, 10_100] {
            silence.lasts(at(ms));
        }
        silence.ends();
        silence.ends();
        silence.lasts(at(5_200));
        let told: Vec<_> = told.try_iter().collect();
        assert_eq!(told, [Some(at(5_000)), Some(at(10_100)), None, Some(at(5_200))]);
    }
}
