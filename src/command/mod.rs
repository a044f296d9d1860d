//! User intents, and the registry in which every command is declared once.
//!
//! Invariant: pure; no terminal, socket or runtime here.

pub mod events;
pub mod intent;
