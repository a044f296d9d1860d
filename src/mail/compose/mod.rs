//! Writing mail: what is typed, as a value.
//!
//! Invariant: pure; no file, socket, clock or randomness in here.

mod draft;

pub use draft::{Attached, Draft};
