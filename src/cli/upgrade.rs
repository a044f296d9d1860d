//! A data directory of an older format is brought to this one, before a command does anything else
//! on it.
//!
//! Invariant: each file changes in one transaction, so that a stop or a crash leaves the older file
//! as it was; what is done is said while it lasts.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::backend::{self, Backend, Options};
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::clock::SystemClock;
use crate::engine::Owner;
use crate::limits::THREAD_CLIENTS_EMBEDDED;
use crate::mailbox;
use crate::notice::{Explain as _, Notice};
use crate::store::{Db, Kind, StoreError};

/// How often it is said how long it takes already.
const SAY_EVERY: Duration = Duration::from_secs(1);
/// What takes less time is not worth a line.
const QUIET_FOR: Duration = Duration::from_millis(500);
/// How long another process is waited for that may be doing this: about what half a million
/// conversations take on a slow machine.
const WAIT: Duration = Duration::from_mins(5);
/// How often it is looked whether it is done.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Brings the directory to this program's format, if it is of an older one.
///
/// # Errors
/// When another process has the directory, or the disk refuses: it is then as it was.
pub(super) fn bring_up(home: &Home, output: Output) -> Result<(), Notice> {
    if !may_be_older(home) {
        return Ok(());
    }
    let Some(_owner) = own_or_wait(home, output)? else { return Ok(()) };
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

/// Takes the directory; while another process has it, waits until that has brought it to this
/// format (`None`: nothing is left to do) or ends.
fn own_or_wait(home: &Home, output: Output) -> Result<Option<Owner>, Notice> {
    let (until, mut said) = (Instant::now() + WAIT, false);
    loop {
        let in_use = match home.own() {
            Ok(owner) => return Ok(Some(owner)),
            Err(notice) if notice.code == "in-use" => notice,
            Err(notice) => return Err(notice),
        };
        if !is_older(home) {
            return Ok(None);
        }
        if Instant::now() >= until {
            let hint = "another mailtui brings it to a new format, or is of an older version: \
                        wait for it, or quit it";
            return Err(Notice { hint: hint.to_owned(), ..in_use });
        }
        if !said {
            let line = "waiting for another mailtui to bring the mail to a new format \
                        (Ctrl-C stops)";
            output.progress(line, std::io::stderr().is_terminal());
            said = true;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Whether a file is of an older format, as its readers see it.
fn is_older(home: &Home) -> bool {
    let there = home.backend_dir();
    let older = |path: &Path, kind, version| {
        matches!(Db::read(path, kind, version), Err(StoreError::Older { .. }))
    };
    older(&home.dir.join("mailbox.db"), Kind::Mailbox, mailbox::VERSION)
        || older(&there.join("mailbox.db"), Kind::Mailbox, mailbox::VERSION)
        || older(&there.join("threads.db"), Kind::Threads, backend::FORMAT)
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
                    let done = mailbox::rebuilt_percent();
                    let done =
                        done.map_or_else(String::new, |done| format!(" {done} % of the list,"));
                    let line = format!(
                        "bringing the mail to a new format, once:{done} {seconds} s (Ctrl-C stops)"
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
