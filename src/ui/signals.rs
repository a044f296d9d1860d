//! Being told to end: SIGTERM and SIGHUP become one word to the loop, which saves and gives the
//! terminal back.
//!
//! Invariant: nothing is done in a signal handler here; the runtime's own handler only sets a flag.

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Waits for the first signal that asks for an end. `false` when signals cannot be watched.
#[must_use]
pub fn wait_for_end() -> bool {
    let Ok(runtime) = Builder::new_current_thread().enable_io().build() else { return false };
    runtime.block_on(async {
        let (Ok(mut term), Ok(mut hangup)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        else {
            return false;
        };
        tokio::select! {
            told = term.recv() => told.is_some(),
            told = hangup.recv() => told.is_some(),
        }
    })
}
