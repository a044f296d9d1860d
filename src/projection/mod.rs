//! From Thread stores to the Mailbox store, as pure functions on values: a thread's snapshot before
//! and after → cross-store events → Mailbox events; and own events over a row.
//!
//! Invariant: no database, clock or socket here.

mod batch;
mod deeds;
mod diff;
mod overlay;
mod snapshot;
mod to_mailbox;

/// Which projection this is: raised when a log yields another row, labels or trail than before.
/// A backend that finds rows of another one projects every thread again, in the background.
pub const VERSION: u32 = 1;

pub use batch::{Batch, BatchSource, CrossEvent};
pub use deeds::deed;
pub use diff::diff;
pub use overlay::{above, entries, overlay, trail_of};
pub use snapshot::{Snapshot, of_row, of_thread};
pub use to_mailbox::to_mailbox;
