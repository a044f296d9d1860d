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
//! | the draft of an answer or a forward | `reply` ← `shown`, `people`, `subject`, `quote` |
//! | a draft in an editor | `edit` |
//! | a link that was clicked | [`mailto`] |
//! | what to ask before it is sent | `checks` |
//! | a message of one's own that is handed on | `blind` |
//! | what goes to some of its recipients only | `narrow` |
//! | who may be meant | `complete` |
//! | how to leave a list | [`unsubscribe`] |
//! | why not | `error` |

mod blind;
mod build;
#[cfg(test)]
mod build_tests;
mod checks;
mod complete;
mod domain;
mod draft;
mod edit;
mod error;
mod flowed;
mod header;
mod line;
pub mod mailto;
mod narrow;
mod people;
mod quote;
mod reply;
mod restate;
mod shown;
mod subject;
mod transfer;
mod typed;
pub mod unsubscribe;

pub use blind::without_bcc;
pub use build::{Blobs, Built, Stamp, build};
pub use checks::{MAX_COMMON_BYTES, Warning, checks, size};
pub use complete::{Completion, MAX_PROPOSALS, People, Person, complete, token_at};
pub use domain::address_key;
pub use draft::{AddressError, Attached, Draft, Field, Recipients};
pub use edit::{Edited, Problem, Why, from_text, to_text};
pub use error::BuildError;
pub use narrow::narrow;
pub use people::{Answer, Identity};
pub use quote::quote;
pub use reply::{Style, blank, forward_attached, forward_inline, is_above, reply};
pub use restate::restate;
pub use shown::{Hints, Shown};
pub use typed::{Wrong, format as format_address, format_list, parse as parse_addresses};
