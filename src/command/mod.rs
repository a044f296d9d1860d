//! User intents, and the registry in which every command is declared once.
//!
//! Invariant: pure; no terminal, socket or runtime here. A command decides by the rows as they were
//! drawn ([`context::Subject`]) and answers with an [`intent::Intent`], or is a plain verb that the
//! UI carries out.

pub mod again;
pub mod archive;
pub mod bindings;
pub mod compose;
pub mod context;
pub mod count;
pub mod events;
pub mod files;
pub mod fuzzy;
pub mod go;
pub mod intent;
pub mod key;
pub mod keymap;
pub mod label;
pub mod line;
pub mod motion;
pub mod mute;
pub mod open;
pub mod order;
pub mod palette;
pub mod panels;
pub mod past;
pub mod preset;
pub mod program;
pub mod purge;
pub mod read;
pub mod reading;
pub mod registry;
pub mod search;
pub mod select;
pub mod snooze;
pub mod spam;
pub mod star;
pub mod tour;
pub mod trash;
pub mod undo;
pub mod when;
