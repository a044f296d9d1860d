//! A data directory of an older format is brought to this one, before a command does anything else
//! on it.
//!
//! Invariant: each file changes in one transaction, so that a stop or a crash leaves the older file
//! as it was; what is done is said while it lasts.

use std::io::IsTerminal as _;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::backend::{self, Backend, Options};
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::clock::SystemClock;
use crate::limits::THREAD_CLIENTS_EMBEDDED;
use crate::mailbox;
use crate::notice::{Explain as _, Notice};
use crate::store::Db;

/// How often it is said how long it takes already.
const SAY_EVERY: Duration = Duration::from_secs(1);
/// What takes less time is not worth a line.
const QUIET_FOR: Duration = Duration::from_millis(500);

/// Brings the directory to this program's format, if it is of an older one.
///
/// # Errors
/// When another process has the directory, or the disk refuses: it is then as it was.
pub(super) fn bring_up(home: &Home, output: Output) -> Result<(), Notice> {
    if !may_be_older(home) {
        return Ok(());
    }
    let _owner = home.own()?;
    let _said = Said::begin(output);
    if home.dir.join("mailbox.db").exists() {
        drop(home.device()?);
    }
    if home.backend_dir().join("threads.db").exists() {
        let options = Options { dir: home.backend_dir(), thread_clients: THREAD_CLIENTS_EMBEDDED };
        drop(Backend::open(&options, &SystemClock).map_err(|error| error.notice())?);
    }
    Ok(())
}

/// Whether a file may be of an older format, by its first bytes: no database is opened for it.
fn may_be_older(home: &Home) -> bool {
    let there = home.backend_dir();
    Db::may_be_older(&home.dir.join("mailbox.db"), mailbox::VERSION)
        || Db::may_be_older(&there.join("mailbox.db"), mailbox::VERSION)
        || Db::may_be_older(&there.join("threads.db"), backend::FORMAT)
}

/// Says what is done until it is dropped.
struct Said {
    ended: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Said {
    fn begin(output: Output) -> Self {
        let (ended, end) = mpsc::channel();
        let terminal = std::io::stderr().is_terminal();
        let thread = std::thread::spawn(move || {
            let (begun, mut wait, mut said) = (Instant::now(), QUIET_FOR, false);
            while end.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let seconds = begun.elapsed().as_secs();
                // Where lines stay one is enough.
                if terminal || !said {
                    let line = format!(
                        "bringing the mail to a new format, once: {seconds} s (Ctrl-C stops)"
                    );
                    output.progress(&line, terminal);
                }
                (wait, said) = (SAY_EVERY, true);
            }
            if said && terminal {
                output.progress("", true);
            }
        });
        Self { ended: Some(ended), thread: Some(thread) }
    }
}

impl Drop for Said {
    fn drop(&mut self) {
        drop(self.ended.take());
        if let Some(thread) = self.thread.take() {
            // It only prints: how it ended is nobody's business.
            let _ = thread.join();
        }
    }
}
