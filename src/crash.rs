//! Named places between two writes, at which a test kills the program with SIGKILL; and places at
//! which it panics. What a simulation does at them, within its process, is in [`faults`]; what a
//! real panic leaves behind in [`report`].
//!
//! Invariant: a release build contains none of this. A debug build reads `MAILTUI_CRASH_AT` and
//! `MAILTUI_PANIC_AT` once: `NAME`, or `NAME:N` for the N-th time that the place is reached. This
//! file must not clean up, flush or say anything before it kills: the point is that nothing runs
//! after it.

pub mod faults;
pub mod report;

pub use faults::{Broken, broken};

/// Every name that [`point`] may be called with; the kill test reaches each of them.
pub const POINTS: &[&str] = &[
    "push.before-commit",
    "push.after-commit",
    "commit.between",
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
    "purge.before-commit",
    "purge.after-commit",
    "purge.before-told",
    "purge.after-told",
    "purge.before-done",
    "purge.before-kept",
];

/// Further points, at which only the simulation dies: the commands of the kill test write there
/// what a second try makes again.
pub const SIMULATED: &[&str] =
    &["kept.before-commit", "kept.after-commit", "ack.before-commit", "ack.after-commit"];

/// Points of putting a backup back, at which a test of their own kills.
pub const RESTORE: &[&str] = &["restore.before-aside", "restore.between", "restore.after"];

/// Points between the two files of a device whose kept log is not the backend's any more.
pub const REWIND: &[&str] = &["rewind.between", "rewind.after"];

/// Points of making a snapshot and taking one in, at which their tests and the simulation die.
pub const SNAPSHOTS: &[&str] = &[
    "snapshot.chunk",
    "snapshot.before-commit",
    "snapshot.after-commit",
    "truncate.before-commit",
    "truncate.after-commit",
    "bootstrap.before-commit",
    "bootstrap.after-commit",
    "bootstrap.before-end",
    "bootstrap.after-end",
];

/// Points between what is written to a mail server and what is known of it here.
pub const MAIL: &[&str] = &["written.before-told", "written.after-told"];

/// Points of sending: about the claim, and about what became of it.
pub const SENDING: &[&str] = &[
    "claim.before-commit",
    "claim.after-commit",
    "settle.before-begin",
    "settle.before-commit",
    "settle.after-commit",
];

/// Further names at which only a panic is tried: nothing is written there.
pub const PANICS: &[&str] = &["ui.frame", "link.frame"];

/// Every name there is.
#[cfg(any(test, debug_assertions))]
fn all() -> impl Iterator<Item = &'static &'static str> {
    [POINTS, SIMULATED, SNAPSHOTS, RESTORE, REWIND, MAIL, SENDING, PANICS].into_iter().flatten()
}

/// Dies here if the environment says so; in a release build this is nothing.
#[inline]
pub fn point(name: &'static str) {
    #[cfg(debug_assertions)]
    armed::reached(name);
    #[cfg(debug_assertions)]
    faults::reached(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static KILL: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PANIC: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static KILL_REACHED: AtomicU64 = AtomicU64::new(0);
    static PANIC_REACHED: AtomicU64 = AtomicU64::new(0);

    /// `NAME` or `NAME:N` as the name and the count; a count that is no number is 1.
    pub(super) fn parse(text: &str) -> (String, u64) {
        let (name, times) = text.split_once(':').unwrap_or((text, "1"));
        (name.to_owned(), times.parse().unwrap_or(1))
    }

    fn is_now(
        name: &str,
        variable: &str,
        armed: &OnceLock<Option<(String, u64)>>,
        reached: &AtomicU64,
    ) -> bool {
        let armed = armed.get_or_init(|| std::env::var(variable).ok().map(|v| parse(&v)));
        let Some((at, times)) = armed else { return false };
        at == name && reached.fetch_add(1, Ordering::SeqCst) + 1 == *times
    }

    pub(super) fn reached(name: &str) {
        let known = super::all().any(|known| *known == name);
        debug_assert!(known, "not in a list of points: {name}");
        if is_now(name, "MAILTUI_CRASH_AT", &KILL, &KILL_REACHED) {
            // The signal is on its way to this process; nothing after this line may run.
            let _ = kill_process(getpid(), Signal::KILL);
            loop {
                std::thread::park();
            }
        }
        if is_now(name, "MAILTUI_PANIC_AT", &PANIC, &PANIC_REACHED) {
            #[expect(clippy::panic, reason = "that is what is asked for")]
            std::panic::panic_any("a panic that MAILTUI_PANIC_AT asked for");
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_told_apart_and_the_count_is_read() {
        let listed: Vec<_> = super::all().collect();
        let names: std::collections::BTreeSet<_> = listed.iter().collect();
        assert_eq!(names.len(), listed.len(), "a name is listed twice");
        #[cfg(debug_assertions)]
        for (text, name, times) in [("a.b", "a.b", 1), ("a.b:7", "a.b", 7), ("a.b:x", "a.b", 1)] {
            assert_eq!(super::armed::parse(text), (name.to_owned(), times), "{text}");
        }
    }

    #[test]
    fn an_unarmed_point_is_nothing() {
        super::point("push.before-commit");
    }
}
