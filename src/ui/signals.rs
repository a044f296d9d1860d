//! What the system tells the program: to end, to stop, to go on, that the terminal's size changed.
//!
//! Invariant: nothing is done in a signal handler here; the runtime's own handler only sets a flag.
//! Being told to end is obeyed even when the terminal takes no byte any more.

use std::time::Duration;

use rustix::process::{Pid, Signal, getpgrp, getpid, getppid, getsid, kill_process_group};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// What a signal means to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// SIGTERM, SIGHUP: end, when all is saved.
    End,
    /// SIGINT, SIGQUIT from elsewhere (the keys do not make them here): the same, and the exit
    /// code says that the user stopped it.
    Interrupt,
    /// SIGTSTP from elsewhere.
    Stop,
    /// SIGCONT: it was stopped, by whatever signal.
    Continue,
    /// SIGWINCH.
    Size,
}

/// How far up the parents are looked for a shell that controls jobs.
const MAX_PARENTS: usize = 16;

/// Passes signals on until `tell` says that nobody listens. Once it was told to end, the program
/// is given `patience` and is then ended by `force`. Returns at once when signals cannot be
/// watched: then they do what they always do.
pub fn watch(tell: impl Fn(Told) -> bool, patience: Duration, force: impl Fn()) {
    let Ok(runtime) = Builder::new_current_thread().enable_io().enable_time().build() else {
        return;
    };
    runtime.block_on(async {
        let kinds = [
            SignalKind::terminate(),
            SignalKind::hangup(),
            SignalKind::interrupt(),
            SignalKind::quit(),
            SignalKind::from_raw(Signal::TSTP.as_raw()),
            SignalKind::from_raw(Signal::CONT.as_raw()),
            SignalKind::window_change(),
        ];
        let [
            Ok(mut term),
            Ok(mut hup),
            Ok(mut int),
            Ok(mut quit),
            Ok(mut stop),
            Ok(mut cont),
            Ok(mut size),
        ] = kinds.map(signal)
        else {
            return;
        };
        let mut until = None;
        loop {
            let end = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            let told = tokio::select! {
                _ = term.recv() => Told::End,
                _ = hup.recv() => Told::End,
                _ = int.recv() => Told::Interrupt,
                _ = quit.recv() => Told::Interrupt,
                _ = stop.recv() => Told::Stop,
                _ = cont.recv() => Told::Continue,
                _ = size.recv() => Told::Size,
                () = end => return force(),
            };
            if matches!(told, Told::End | Told::Interrupt) {
                until.get_or_insert(tokio::time::Instant::now() + patience);
            }
            if !tell(told) {
                return;
            }
        }
    });
}

/// Stops the program's process group, as the terminal's own key would; returns when it goes on.
/// `false` when it cannot be stopped.
#[must_use]
pub fn stop() -> bool {
    // SIGTSTP is watched, so it would not stop us; and its default is not given back.
    kill_process_group(getpgrp(), Signal::STOP).is_ok()
}

/// Whether somebody can continue the program once it is stopped: a parent in another process group
/// of the session (POSIX.1-2024, 3.251, orphaned process group). A program that is all that runs
/// in its terminal would stay stopped for ever.
#[must_use]
pub fn has_shell() -> bool {
    let (group, Ok(session)) = (getpgrp(), getsid(None)) else { return false };
    if session == getpid() {
        return false;
    }
    let mut parent = getppid();
    for _ in 0..MAX_PARENTS {
        let Some(pid) = parent else { return false };
        if getsid(Some(pid)) != Ok(session) {
            return false;
        }
        match rustix::process::getpgid(Some(pid)) {
            Ok(other) if other != group => return true,
            Ok(_) => parent = parent_of(pid),
            Err(_) => return false,
        }
    }
    false
}

/// The parent of another process, where the system tells.
fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything; state and parent come after it.
    let (_, rest) = stat.rsplit_once(") ")?;
    Pid::from_raw(rest.split(' ').nth(1)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_found() {
        assert_eq!(parent_of(getpid()), getppid());
    }
}
