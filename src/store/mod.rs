//! The generic event-sourced store: an append-only log, and tables that materializers make from it.
//!
//! Invariant: log rows, tables and heads change in one SQLite transaction. This room knows no mail,
//! no network and no async; what an event means is the business of the schema above.

mod arrived;
mod base;
mod blob;
mod chain;
mod check;
mod copy;
mod db;
pub mod disk;
mod error;
mod event;
mod kind;
mod known;
mod log;
mod log_ends;
mod log_row;
mod mend;
mod own;
mod refused;
mod room;
mod salvage;
mod space;
mod upload;

pub use arrived::Arrived;
pub use blob::{Blobs, MAX_BLOB_BYTES, Packed};
pub use chain::Chain;
pub use db::{Db, Durability, Interrupter};
pub(crate) use disk::private_dir;
pub use error::StoreError;
pub use event::{Action, Args, Event, NewEvent};
pub use kind::Kind;
pub use known::{
    KNOWN_NAMES, differing_names, holds_any, holds_name, is_read, recorded_names, stores_with,
    without,
};
pub use log::{Appended, Head, Log, Place};
pub use own::{ABSENT, Own, OwnEvent};
pub use refused::Refusal;
pub use salvage::{Salvaged, put_aside};
pub use space::{Space, compact, is_database, space};
pub use upload::{Incoming as IncomingPart, MAX_UPLOADS, Taken, UPLOAD_KEPT, Unfit, Uploads};
