//! A purge that the UI asked for: looked at first, done when it is wanted, a part at a time.
//!
//! Invariant: what is purged is what was found, or less; a part is one order, and keys are answered
//! between two parts. A connection that goes ends it: what is gone by then is gone, the rest stays.

use crate::command::intent::Target;
use crate::engine::handle::{PurgeOf, PurgeStep};
use crate::engine::view::{Cursor, PurgeSum};
use crate::engine::{Driver, EngineError};
use crate::label::Place;
use crate::limits::PURGE_ROWS;
use crate::notice::{Explain as _, Notice};
use crate::sync::{PurgeOrder, SeenThread};

/// Where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Looking,
    Found,
    Going,
}

/// A purge.
#[derive(Debug)]
pub(super) struct Purging {
    pub(super) ticket: u64,
    state: State,
    /// What is still to be ordered.
    open: Vec<Vec<SeenThread>>,
    /// Whether more of the trash is to be read.
    trash: bool,
    /// From where.
    after: Option<Cursor>,
    /// The order under way.
    asked: Option<(u64, Vec<Vec<SeenThread>>)>,
    found: Vec<Vec<SeenThread>>,
    sum: PurgeSum,
}

impl Purging {
    /// Looks at what would go.
    pub(super) fn look(ticket: u64, of: PurgeOf) -> Self {
        let seen = |target: Target| SeenThread { thread: target.thread, seen: target.seen };
        let (open, trash) = match of {
            PurgeOf::Trash => (Vec::new(), true),
            PurgeOf::Rows(rows) => {
                (rows.into_iter().map(|row| row.into_iter().map(seen).collect()).collect(), false)
            }
        };
        Self {
            ticket,
            state: State::Looking,
            open,
            trash,
            after: None,
            asked: None,
            found: Vec::new(),
            sum: PurgeSum::default(),
        }
    }

    /// What was found is to go.
    pub(super) fn go(&mut self) {
        if self.state == State::Found {
            self.state = State::Going;
            self.open = std::mem::take(&mut self.found);
            self.sum = PurgeSum::default();
        }
    }

    /// Goes on as far as it can now; says when it is through.
    pub(super) fn step(&mut self, driver: &mut Driver) -> Option<PurgeStep> {
        if self.state == State::Found {
            return None;
        }
        match self.advance(driver) {
            Ok(through) => through.then(|| self.through()),
            Err(error) => Some(PurgeStep::Failed(error.notice())),
        }
    }

    fn through(&mut self) -> PurgeStep {
        if self.state == State::Going {
            return PurgeStep::Gone(self.sum);
        }
        self.state = State::Found;
        PurgeStep::Found(self.sum)
    }

    /// The connection went; what was ordered may be done or not.
    pub(super) fn lost() -> PurgeStep {
        let hint = "what is gone is gone; the rest is still in trash";
        PurgeStep::Failed(Notice::warning("unreached", "the backend is not there", hint))
    }

    fn advance(&mut self, driver: &mut Driver) -> Result<bool, EngineError> {
        if let Some(error) = driver.unreached() {
            return Err(error);
        }
        if let Some((seq, rows)) = &self.asked {
            let Some(became) = driver.device.take_purged(*seq) else { return Ok(false) };
            for (row, became) in rows.iter().zip(became) {
                if became.kept.is_some() {
                    self.sum.kept += 1;
                    continue;
                }
                self.sum.rows += 1;
                self.sum.messages += became.messages;
                self.sum.bytes += became.bytes;
                self.found.push(row.clone());
            }
            self.asked = None;
        }
        // What keys decided before is known there first: a move to trash, or out of it.
        if driver.device.pending()?.0 > 0 || driver.device.is_saving() {
            return Ok(false);
        }
        if self.trash {
            let (label, after) = (Place::Trash.label(), self.after.as_ref());
            (self.open, self.after) = driver.device.rows_after(&label, after, PURGE_ROWS)?;
            self.trash = self.after.is_some();
        }
        if self.open.is_empty() {
            return Ok(true);
        }
        let rest = self.open.split_off(PURGE_ROWS.min(self.open.len()));
        let rows = std::mem::replace(&mut self.open, rest);
        let dry = self.state == State::Looking;
        let order = PurgeOrder { rows: rows.clone(), dry, ..PurgeOrder::default() };
        self.asked = Some((driver.ask_purge(order)?, rows));
        Ok(false)
    }
}
