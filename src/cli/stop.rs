//! Ctrl-C and SIGTERM as a flag, for work that can stop in good order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that the first Ctrl-C or SIGTERM sets; the second ends the process at once.
pub(super) fn flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return; // without it Ctrl-C ends the process, and nothing is lost by that either
        };
        runtime.block_on(async move {
            wait().await;
            set.store(true, Ordering::SeqCst);
            wait().await;
            std::process::exit(130);
        });
    });
    flag
}

/// Waits for Ctrl-C or SIGTERM.
pub(super) async fn wait() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}
