//! What the tests share: the real binary, a terminal, a backend process, and mail of our own.
//!
//! Invariant: every wait has a deadline, and every process is killed when its test ends.

pub(crate) mod authority;
mod backups;
pub(crate) mod binary;
pub(crate) mod clock;
pub(crate) mod corpora;
pub(crate) mod disk;
pub(crate) mod double;
pub(crate) mod dovecot;
pub(crate) mod health;
pub(crate) mod house;
pub(crate) mod link;
pub(crate) mod lives;
pub(crate) mod mail;
pub(crate) mod meddler;
pub(crate) mod other_client;
pub(crate) mod pair;
pub(crate) mod platter;
pub(crate) mod play;
pub(crate) mod promises;
pub(crate) mod pty;
pub(crate) mod record;
pub(crate) mod script;
mod scripted_engine;
pub(crate) mod scripted_imap;
pub(crate) mod scripted_smtp;
pub(crate) mod serve;
pub(crate) mod signposts;
pub(crate) mod slow_sink;
pub(crate) mod smtp_sink;
pub(crate) mod source;
pub(crate) mod svg;
pub(crate) mod terminal_bytes;
pub(crate) mod truth;
mod unheard;
pub(crate) mod vfs;
pub(crate) mod wire;
pub(crate) mod world;

use std::time::{Duration, Instant};

/// How long one run of the program may take before the test fails.
pub(crate) const RUN_DEADLINE: Duration = Duration::from_mins(2);
/// How long the screen or a socket may take to say what is waited for.
pub(crate) const SCREEN_DEADLINE: Duration = Duration::from_secs(20);
/// How often a condition is looked at while waiting.
pub(crate) const POLL: Duration = Duration::from_millis(5);

/// Looks at `condition` until it gives a value or `deadline` has passed.
pub(crate) fn wait_for<T>(
    deadline: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(POLL);
    }
}
