//! The generic event-sourced store: an append-only log, and tables that materializers make from it.
//!
//! Invariant: log rows, tables and heads change in one SQLite transaction. This room knows no mail,
//! no network and no async; what an event means is the business of the schema above.

mod base;
mod blob;
mod chain;
mod db;
mod error;
mod event;
mod log;
mod own;
mod space;

pub use blob::{Blobs, Packed};
pub use chain::Chain;
pub(crate) use db::private_dir;
pub use db::{Db, Durability, Kind};
pub use error::StoreError;
pub use event::{Action, Args, Event, NewEvent};
pub use log::{Appended, Head, Log};
pub use own::{Own, OwnEvent, Refusal};
pub use space::{Space, compact, is_database, space};
