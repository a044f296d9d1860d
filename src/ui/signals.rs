//! What the system tells the program: to end, to stop, to go on, that the terminal's size changed.
//!
//! Invariant: nothing is done in a signal handler here; the runtime's own handler only sets a flag.
//! Being told to end is obeyed even when the terminal takes no byte any more.

use std::task::Poll;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgrp, getpid, getppid, getsid, kill_process_group};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal as UnixSignal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

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

/// Signals that are watched from the moment this is made.
#[derive(Debug)]
pub struct Watch {
    runtime: Runtime,
    signals: Vec<(UnixSignal, Told)>,
}

impl Watch {
    /// Begins to watch. `None` when signals cannot be watched: then they do what they always do.
    #[must_use]
    pub fn new() -> Option<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().ok()?;
        let kinds = [
            (SignalKind::terminate(), Told::End),
            (SignalKind::hangup(), Told::End),
            (SignalKind::interrupt(), Told::Interrupt),
            (SignalKind::quit(), Told::Interrupt),
            (SignalKind::from_raw(Signal::TSTP.as_raw()), Told::Stop),
            (SignalKind::from_raw(Signal::CONT.as_raw()), Told::Continue),
            (SignalKind::window_change(), Told::Size),
        ];
        let guard = runtime.enter();
        let watch = |(kind, told)| signal(kind).ok().map(|signal| (signal, told));
        let signals: Option<Vec<_>> = kinds.into_iter().map(watch).collect();
        drop(guard);
        Some(Self { runtime, signals: signals? })
    }

    /// Passes signals on until `tell` says that nobody listens. Once it was told to end, the
    /// program is given `patience` and is then ended by `force`.
    pub fn run(mut self, tell: impl Fn(Told) -> bool, patience: Duration, force: impl Fn()) {
        let mut until = None;
        self.runtime.block_on(async {
            loop {
                let end = async {
                    match until {
                        Some(until) => sleep_until(until).await,
                        None => std::future::pending().await,
                    }
                };
                let told = tokio::select! {
                    told = next(&mut self.signals) => told,
                    () = end => return force(),
                };
                if matches!(told, Told::End | Told::Interrupt) {
                    until.get_or_insert(Instant::now() + patience);
                }
                if !tell(told) {
                    return;
                }
            }
        });
    }
}

/// The next signal.
async fn next(signals: &mut [(UnixSignal, Told)]) -> Told {
    std::future::poll_fn(|context| {
        let came = signals
            .iter_mut()
            .find_map(|(signal, told)| signal.poll_recv(context).is_ready().then_some(*told));
        came.map_or(Poll::Pending, Poll::Ready)
    })
    .await
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
