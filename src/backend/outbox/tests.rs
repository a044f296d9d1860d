//! The outbox of a backend, driven by hand: what is due, claimed, and becomes of it.
