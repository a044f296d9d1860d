//! The integration tests, one binary: what a user of the program can rely on, seen from outside.
//!
//! Invariant: every `.rs` file beside this one is listed here, so that no test is forgotten. A
//! test here drives the real binary by the command line's contract, or reads the source; it must
//! not reach into rooms' private state.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what is wrong by panicking; its support code is test code too"
)]

mod corpora_files;
mod corpora_parse;
