//! The terminal user interface: input → update → draw.
//!
//! Invariant: no disk and no network here; mail comes and goes through `engine::handle` alone. The
//! model is a value, `update` is pure, drawing reads the model only; threads and the terminal are
//! in `event_loop` and what it starts (`sources`, `signals`, `terminal`).

pub mod ability;
pub mod acts;
pub mod advance;
pub mod again;
pub mod announce;
pub mod app;
pub mod asked;
pub mod asking;
pub mod clipboard;
pub mod compose;
pub mod counts;
pub mod date;
pub mod event_loop;
pub mod ex;
pub mod files;
pub mod filter;
pub mod find;
pub mod first_run;
pub mod foresee;
pub mod gate;
pub mod help;
pub mod history;
mod input;
pub mod keymap;
pub mod keys;
pub mod labels;
mod latency;
pub mod layout;
pub mod line;
pub mod linear;
mod linear_loop;
pub mod linear_write;
pub mod links;
pub mod list;
pub mod look;
pub mod meter;
pub mod modes;
pub mod mouse;
pub mod mover;
pub mod osc8;
mod outside;
pub mod pace;
pub mod paint;
pub mod palette;
pub mod panel;
pub mod past;
pub mod people;
pub mod picker;
pub mod picture;
pub mod purge;
pub mod range;
pub mod reader;
pub mod search;
pub mod sidebar;
pub mod signals;
pub mod snooze;
pub mod sources;
pub mod tabs;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod tour;
pub mod unsubscribe;
pub mod update;
pub mod view;
pub mod which;
pub mod wizard;

#[cfg(test)]
mod double;
#[cfg(test)]
mod double_drafts;
#[cfg(test)]
mod double_message;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod tests;

pub use app::{Door, UiExit};
pub use event_loop::{Start, UiError, run};
pub use first_run::{FirstRun, Found};
pub use linear_loop::run as run_linear;
pub use look::{Background, Look};
pub use sources::{AccountJob, KeysJob, Open, SettingsJob, Tell};
