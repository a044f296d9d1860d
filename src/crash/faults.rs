//! Faults that a simulation asks for within its own thread: to die at the k-th point that is
//! reached, and to break a rule on purpose, so that it shows that it would find it.
//!
//! Invariant: a release build contains none of this, [`broken`] is then the constant `false`; a
//! debug build does nothing of it unless a test on this thread asked. What dies unwinds with
//! [`Died`] and tells no panic hook; who catches it must take nothing of it for done.

/// What a simulated death unwinds with: the point at which it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Died(pub &'static str);

/// Rules that can be broken on purpose, one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// What a device takes for confirmed it finds by place, not by id.
    ConfirmByPosition,
    /// An acknowledgement leaves before what it acknowledges is on disk.
    AckBeforeSync,
    /// Events reach other devices before they are on disk.
    LiveBeforeSync,
    /// The watermark moves in another transaction than the rows.
    WatermarkOutside,
    /// The first event of a batch moves the watermark, and the rest follows.
    WatermarkByFirst,
    /// A reset drops what is pending.
    PendingDroppedOnReset,
    /// Truncation takes the ids of events with their arguments.
    IdsTruncated,
    /// A page ends within a batch.
    BatchSplit,
    /// An acknowledged event is shown no more, projected or not.
    OverlayDroppedAtAck,
    /// A later event of a store is pushed before an earlier one is acknowledged.
    LaterFirst,
    /// A restore goes on in an epoch that was there before.
    EpochUsedAgain,
    /// What must be projected is known by a flag in memory, not by a position on disk.
    DirtyFlag,
    /// An own event is forgotten before the rows that show it are on disk.
    OverlayBeforeRows,
    /// A batch that changes nothing is dropped with its actions.
    EmptyBatchDropped,
    /// The epoch of the first offer is not on disk when the offer leaves.
    EpochAfterOffer,
    /// After a restore confirmed projections are offered again.
    ProjectionsOffered,
}

impl Broken {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::ConfirmByPosition,
        Self::AckBeforeSync,
        Self::LiveBeforeSync,
        Self::WatermarkOutside,
        Self::WatermarkByFirst,
        Self::PendingDroppedOnReset,
        Self::IdsTruncated,
        Self::BatchSplit,
        Self::OverlayDroppedAtAck,
        Self::LaterFirst,
        Self::EpochUsedAgain,
        Self::DirtyFlag,
        Self::OverlayBeforeRows,
        Self::EmptyBatchDropped,
        Self::EpochAfterOffer,
        Self::ProjectionsOffered,
    ];
}

/// Whether this rule is broken on this thread.
#[cfg(debug_assertions)]
#[must_use]
pub fn broken(rule: Broken) -> bool {
    asked::BROKEN.get() == Some(rule)
}

/// Whether this rule is broken on this thread.
#[cfg(not(debug_assertions))]
#[inline]
#[must_use]
pub const fn broken(_rule: Broken) -> bool {
    false
}

#[cfg(debug_assertions)]
pub(super) use asked::reached;
#[cfg(debug_assertions)]
pub use asked::{break_rule, die_at, die_in, live};

#[cfg(debug_assertions)]
mod asked {
    use std::cell::Cell;

    use super::{Broken, Died};

    thread_local! {
        pub(super) static BROKEN: Cell<Option<Broken>> = const { Cell::new(None) };
        /// Where it dies, where not at any point, and how many points before that it lives through.
        static DEATH: Cell<Option<(Option<&'static str>, u64)>> = const { Cell::new(None) };
    }

    /// Breaks a rule on this thread, or none any more.
    pub fn break_rule(rule: Option<Broken>) {
        BROKEN.set(rule);
    }

    /// This thread dies at the `points`-th point from now on, counted from 1.
    pub fn die_in(points: u64) {
        DEATH.set(Some((None, points.saturating_sub(1))));
    }

    /// This thread dies when it reaches this point.
    pub fn die_at(point: &'static str) {
        DEATH.set(Some((Some(point), 0)));
    }

    /// It does not die; whether it would have.
    pub fn live() -> bool {
        DEATH.take().is_some()
    }

    pub(in crate::crash) fn reached(name: &'static str) {
        let Some((at, before)) = DEATH.get() else { return };
        if at.is_some_and(|at| at != name) {
            return;
        }
        DEATH.set(before.checked_sub(1).map(|before| (at, before)));
        if before == 0 {
            std::panic::resume_unwind(Box::new(Died(name)));
        }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    fn the_point_that_was_asked_for_unwinds_once() {
        let walk = || {
            crate::crash::point("push.before-commit");
            crate::crash::point("push.after-commit");
        };
        die_in(2);
        let died = std::panic::catch_unwind(walk).unwrap_err();
        assert_eq!(died.downcast_ref(), Some(&Died("push.after-commit")));
        walk();
        die_in(9);
        walk();
        assert!(live() && !live(), "it had seven points to go");
        die_at("push.after-commit");
        let died = std::panic::catch_unwind(walk).unwrap_err();
        assert_eq!(died.downcast_ref(), Some(&Died("push.after-commit")));
        assert!(!live());
    }

    #[test]
    fn one_rule_is_broken_at_a_time() {
        for rule in Broken::ALL {
            break_rule(Some(rule));
            let found = Broken::ALL.into_iter().filter(|rule| broken(*rule));
            assert_eq!(found.collect::<Vec<_>>(), [rule]);
        }
        break_rule(None);
        assert!(!Broken::ALL.into_iter().any(broken));
    }
}
