//! IMAP (RFC 3501 and RFC 9051, with what they grew): what a mail server has, and what it is told.
//!
//! Invariant: this room touches no store. What it finds goes to an [`Edge`], which the backend
//! implements; what is to be written comes from there. Nothing that a server sends is trusted:
//! every answer has a size and a deadline, and no text of it reaches an error unsanitised.
//!
//! `wire` parts a stream into responses of bounded size, and the parser is `imap-proto`;
//! [`connect`] has TCP, TLS and signing in; [`client`] is one connection, `commands` what is asked
//! on it, `reading` what its answers say; [`names`] says what a folder is, [`gmail`] what a label
//! is; [`plan`] decides what to ask, purely; [`worker`] does it for one account.

pub mod client;
mod commands;
pub mod connect;
mod edge;
mod error;
pub mod gmail;
#[cfg(test)]
mod gmail_orders_tests;
pub mod names;
pub mod orders;
#[cfg(test)]
mod orders_tests;
mod outline;
mod pass;
pub mod plan;
mod rate;
mod reading;
mod sent;
pub mod shown;
mod wanted;
mod wire;
pub mod worker;
mod write;

pub use edge::{
    Arrived, Batch, Conflict, Edge, Filed, FolderKey, FolderState, Found, Known, Left, Letter,
    Listing, Missing, Order, Outcome, Report, Role, Stand, Target, Took, What, Wish,
};
pub use error::ImapError;
pub use outline::Outline;
