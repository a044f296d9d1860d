//! Named points at which a debug build kills itself, so that a test can crash it exactly there.
//!
//! Invariant: in a release build a point is nothing at all. This file must not do anything else
//! with the environment.

/// Every point, each between two writes of the pipeline.
pub const POINTS: &[&str] = &[
    "push.before-commit",
    "push.after-commit",
    "ingest.before-commit",
    "ingest.after-commit",
    "client.before-commit",
    "client.after-commit",
    "worker.before-commit",
    "worker.after-commit",
    "queue.before-ack",
    "queue.after-ack",
    "device.before-commit",
    "device.after-commit",
    "page.before-commit",
    "page.after-commit",
];

/// Dies by SIGKILL here when `MAILTUI_CRASH_AT` is `name`, or `name:N` and this is the N-th time.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static ARMED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static TIMES: AtomicU64 = AtomicU64::new(0);

    debug_assert!(POINTS.contains(&name), "a crash point that is not listed: {name}");
    let armed = ARMED.get_or_init(|| {
        let text = std::env::var("MAILTUI_CRASH_AT").ok()?;
        let (name, nth) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), nth.parse().unwrap_or(1)))
    });
    if let Some((at, nth)) = armed
        && at == name
        && TIMES.fetch_add(1, Ordering::SeqCst) + 1 == *nth
    {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::thread::park();
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub const fn point(_name: &str) {}
