//! The client side: owns the local stores, the overlay and the connection.
//!
//! Invariant: a key never waits for disk or network. The engine decides, shows and answers at once;
//! the durable transaction follows, and only then is an event offered to the backend. It knows no
//! backend: it is handed a way to dial one.

pub mod accounts;
mod apply;
mod blobs;
mod bootstrap;
mod checkpointer;
mod coming;
mod device;
mod doctor;
mod drafts;
mod driver;
pub mod elsewhere;
pub mod errands;
mod error;
mod finding;
pub mod handle;
mod history;
mod intents;
mod keep;
mod kept;
mod kept_disk;
mod labels;
mod lacks;
pub mod late;
mod left_out;
pub mod link;
mod links;
mod memory;
mod mend;
mod news;
pub mod original;
mod outgoing;
mod owner;
pub mod people;
pub mod policy;
mod purge;
mod purging;
#[cfg(debug_assertions)]
mod remembered;
mod rewind;
mod run;
mod saved;
pub mod search;
mod searcher;
mod searches;
mod side_door;
mod silence;
mod sink;
pub mod sizes;
mod slice;
mod slices;
mod sources;
pub mod stats;
mod syncer;
#[cfg(test)]
mod tests;
mod threads;
pub mod told;
mod undo;
pub mod view;
mod views;
mod walk;
pub mod writing;
mod written;

pub use device::{Device, KEPT_VERSION as KEPT_FORMAT};
pub use driver::{Driver, Synced};
pub use error::EngineError;
pub use keep::{FETCHES, Keeping};
pub use kept::KeptSum;
pub use mend::mend;
pub use owner::Owner;
pub use run::{ImportJob, start};
pub use side_door::{Asked, SideDoor, Task, Unanswered};
pub use silence::TellSilence;
pub use sink::{RemoteSink, changes_to_wire, from_wire, to_wire};
pub use slice::{Further, MailboxPage};
pub use sources::Sources;
