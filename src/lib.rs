//! mailtui: the map. (Written out at the end of the house's first floor plan.)

pub mod backend;
pub mod bridge;
pub mod cli;
pub mod clock;
pub mod command;
pub mod crash;
pub mod engine;
pub mod id;
pub mod label;
pub mod limits;
pub mod mail;
pub mod mailbox;
pub mod notice;
pub mod projection;
pub mod safe_text;
pub mod store;
pub mod sync;
pub mod thread;
pub mod ui;
