//! Finding mail: what is asked ([`query`]), what a word is ([`words`]), and what of a message
//! answers ([`hits`]).
//!
//! Words: a *word* is what the index holds, folded; a *leaf* is one thing that a query asks of a
//! message or its conversation; a *mark* says something about a place in what was typed. Invariant:
//! index, query, snippet and highlight part text into words by one function, so what is found is
//! what is shown as found. This room must not know threads, sockets, clocks, engine or backend;
//! time and zone come in as arguments.

pub mod ahead;
mod answers;
mod begun;
pub mod complete;
pub mod entry;
pub mod error;
mod find;
mod fts;
pub mod hits;
pub mod index;
mod lists;
pub mod mark;
mod plan;
pub mod query;
mod spans;
mod walk;
pub mod words;

pub use answers::Waits;
pub use complete::{Completion, Known, Person, complete};
pub use error::SearchError;
pub use find::{Ask, Hit, Order, Rows};
pub use hits::{Needles, Snippet};
pub use index::Index;
pub use mark::{Mark, Weight};
pub use plan::Names;
pub use query::{
    Context, Field, Leaf, Named, Parsed, Query, State, Test, Thing, Wants, Where, parse,
};
