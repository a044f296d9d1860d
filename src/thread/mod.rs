//! The Thread store's schema: one conversation, its messages and labels; the source of truth.
//!
//! Its tables are values in memory, made from the log by one pure fold (see the map for why not
//! SQLite). Invariant: total, whatever the history; no clock, randomness or file in here.

mod blobs;
mod cells;
mod epochs;
mod event;
mod fold;
mod kept;
mod outgoing;
mod refused;
mod state;
mod trail;

pub use blobs::named_blobs;
pub use cells::{Cells, Run};
pub use epochs::Epochs;
pub use event::{
    ActionUndone, DraftDiscarded, DraftSaved, EpochBegan, Failure, FlagsChanged, LabelChange,
    Linked, MessageAdded, MessageOnly, MessageQueued, MessageSent, Muted, Read, SendCancelled,
    SendClaimed, SendFailed, Snoozed, Starred, ThreadCreated, ThreadEvent, Unsnoozed, Writer, name,
    writers,
};
pub use fold::{Base, Entry, Keep, Marks, Undone, What, decide, run};
pub use kept::{Cell, Kept, Why, kept, kept_since};
pub use outgoing::{DOUBTED, DraftLine, OutboxItem, Outgoing, Stage, Step, TWIN, Title};
pub use refused::RefusedTo;
pub use state::{MessageRow, QueuedRow, SaveRow, Summary, ThreadState};
pub use trail::Trail;
