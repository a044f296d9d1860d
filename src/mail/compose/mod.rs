//! Writing mail, as values: from what was typed to the bytes that are sent. Pure.
//!
//! Invariant: nothing that was typed or that a message said can add a header field; Bcc is in no
//! bytes; equal input gives equal bytes: the time, the Message-ID and the seed of the boundary come
//! in as arguments.
//!
//! | question | file |
//! |---|---|
//! | what a draft is | `draft` |
//! | which addresses a field holds, and what is wrong where | `typed`, `domain` |
//! | its bytes | `build` → `header`, `flowed`, `transfer` |

mod build;
#[cfg(test)]
mod build_tests;
mod domain;
mod draft;
mod flowed;
mod header;
mod line;
mod transfer;
mod typed;

pub use build::{Blobs, BuildError, Built, Stamp, build};
pub use domain::address_key;
pub use draft::{AddressError, Attached, Draft, Field, Recipients};
pub use typed::{Wrong, format as format_address, format_list, parse as parse_addresses};
