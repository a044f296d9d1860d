//! A snapshot taken in between keys: how many rows at a time is found out by how long they take.

use std::time::{Duration, Instant};

use crate::engine::{Driver, EngineError};

/// How long a slice should take; one that took longer makes the next smaller.
const SLICE: Duration = Duration::from_millis(12);
/// Rows of the first slice, and of the largest.
const FIRST: usize = 256;
const LARGEST: usize = 8_000;

/// How large the next slice is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slices {
    /// 0 when there is nothing to take in.
    rows: usize,
}

impl Slices {
    /// Nothing to take in.
    pub(super) const NONE: Self = Self { rows: 0 };
}

impl Driver {
    /// Whether there is more of a snapshot to take in.
    #[must_use]
    pub const fn is_slicing(&self) -> bool {
        self.slices.rows > 0
    }

    /// Takes in a slice of a snapshot that came, if one did, and asks for what comes next.
    ///
    /// # Errors
    /// When the database refuses; it is then asked for again on another connection.
    pub fn slice(&mut self, now: fn() -> Instant) -> Result<(), EngineError> {
        let (begun, rows) = (now(), self.slices.rows.max(FIRST));
        let done = self.device.bootstrap_on(rows);
        let took = now().saturating_duration_since(begun);
        self.slices.rows = match done {
            Ok(true) if took > SLICE => (rows / 2).max(1),
            Ok(true) if took < SLICE / 2 => (rows * 2).min(LARGEST),
            Ok(true) => rows,
            _ => 0,
        };
        match done {
            Ok(_) => self.send(),
            Err(EngineError::Sync(error)) => {
                self.refused(error);
                Ok(())
            }
            Err(error) => {
                self.begin_anew();
                Err(error)
            }
        }
    }
}
