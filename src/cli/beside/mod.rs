//! Commands beside an open terminal: what a writing command and the process that owns the data
//! directory say to each other over `DIR/socket`.
//!
//! Invariant: the lock says who owns the directory, never this file; a socket that nobody hears
//! means nothing. Both ends are the same user. One JSON object a line; every line, wait and number
//! of guests is bounded, and nothing can be asked but what is listed here.

mod guest;
mod hold;
mod host;

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cli::home::{Home, Where};
use crate::command::intent::Intent;
use crate::engine::elsewhere::FoundThere;
use crate::engine::errands::Question;
use crate::engine::policy::Policy;
use crate::engine::view::Done;
use crate::engine::{Driver, EngineError, KeptSum};
use crate::id::{BlobHash, ThreadId};
use crate::notice::{Exit, Explain as _, Notice};
use crate::sync::{Bytes, IngestMessage, PurgeOrder, PurgedRow};

pub(super) use guest::{Guest, GuestSink, Lost, is_heard};
pub(super) use hold::while_held;
pub(super) use host::{Listening, listen};

/// The socket's name in the data directory.
const NAME: &str = "socket";
/// The longest address that every system takes, in bytes.
const MAX_ADDRESS_BYTES: usize = 100;
/// How long one side may take to write a line that the other does not read.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// Bytes read at a time.
const READ_BYTES: usize = 64 * 1024;

/// What can be asked. The first line of a connection is `Hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Request {
    /// Who is there: a program of this version that means this backend.
    Hello {
        /// The version of the program.
        version: String,
        /// The remote backend's address; `None` is the directory's own.
        backend: Option<String>,
    },
    /// Make these labels and decide this; on disk when it is answered.
    Decide { labels: Vec<String>, intent: Intent },
    /// Take this mail in; on disk when it is answered.
    Ingest { messages: Vec<IngestMessage> },
    /// Take in what a source changed; on disk when it is answered.
    Follow { changes: Vec<serde_json::Value> },
    /// Bring this thread here from the remote backend; its log is in the files when it is answered.
    Fetch { thread: ThreadId },
    /// The bytes with this name, from memory or from the remote backend.
    Blob { hash: BlobHash },
    /// Have the remote backend search.
    Search { question: Question },
    /// From now on keep this of the remote backend; on disk when it is answered.
    Keep { policy: Policy },
    /// Pin these threads, or let them go again; on disk when it is answered.
    Pin { threads: Vec<ThreadId>, pinned: bool },
    /// Purge this where the backend is.
    Purge { order: PurgeOrder },
    /// Have the backend wait between two commits, until `Release`. This is a first line too.
    Hold {
        /// The version of the program.
        version: String,
    },
    /// The backend may go on.
    Release,
    /// Answer when all that was done is seen by the next command.
    Settle,
    /// Take the list of what the backend refused away.
    ClearRefused,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Answer {
    /// To `Hello`.
    Welcome,
    /// The answer takes a while.
    Working,
    /// To `Decide`.
    Decided(Done),
    /// To `Ingest` and `Follow`: one outcome for each message or change.
    Ingested(Vec<serde_json::Value>),
    /// To `Fetch`.
    Fetched,
    /// To `Blob`.
    Blob(Bytes),
    /// To `Search`.
    Found(FoundThere),
    /// To `Keep` and `Pin`: how much is kept now.
    Kept(KeptSum),
    /// To `Purge`.
    Purged(Vec<PurgedRow>),
    /// To `Hold`.
    Held,
    /// To `Release`: whether it was held until then.
    Released { in_time: bool },
    /// To `Settle`.
    Settled,
    /// To `ClearRefused`: its lines.
    Cleared(Vec<String>),
    /// It was not done, and this is why.
    Refused(Refusal),
    /// It was not done: this process gives the directory up.
    Ended,
}

/// A notice on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Refusal {
    code: String,
    message: String,
    hint: String,
    exit: u8,
}

impl From<Notice> for Refusal {
    fn from(notice: Notice) -> Self {
        let Notice { code, message, hint, exit, .. } = notice;
        Self { code: code.to_owned(), message, hint, exit: exit as u8 }
    }
}

impl From<Refusal> for Notice {
    fn from(refusal: Refusal) -> Self {
        let exits = [
            Exit::Usage,
            Exit::NotFound,
            Exit::Partial,
            Exit::Unreached,
            Exit::DataDir,
            Exit::Stopped,
        ];
        let exit = exits.into_iter().find(|exit| *exit as u8 == refusal.exit);
        // A command ends with the first refusal: one short word is kept for ever, which is not
        // for long.
        let code: String = refusal.code.chars().take(64).collect();
        let code: &'static str = crate::safe_text::line(&code).leak();
        Self::error(code, refusal.message, refusal.hint).exit(exit.unwrap_or(Exit::Error))
    }
}

/// The first line of a command.
fn hello(home: &Home) -> Request {
    Request::Hello { version: env!("CARGO_PKG_VERSION").to_owned(), backend: address(home) }
}

/// The address of the directory's backend; `None` is its own.
fn address(home: &Home) -> Option<String> {
    match &home.backend {
        Where::Embedded => None,
        Where::Remote(remote) => Some(remote.url.clone()),
    }
}

/// Decides for a command, its own or another process's.
pub(super) fn decide(
    driver: &mut Driver,
    labels: &[String],
    intent: &Intent,
) -> Result<Done, Notice> {
    match driver.decide(labels, intent) {
        Err(error @ (EngineError::NothingToUndo | EngineError::NothingToRedo)) => {
            Ok(Done { says: error.notice().message, ..Done::default() })
        }
        other => other.map_err(|error| error.notice()),
    }
}

/// Lines of one connection.
#[derive(Debug)]
struct Lines {
    stream: UnixStream,
    /// What was read beyond the last line.
    ahead: Vec<u8>,
}

impl Lines {
    fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_write_timeout(Some(WRITE_WITHIN))?;
        Ok(Self { stream, ahead: Vec::new() })
    }

    fn write<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.stream.write_all(&line)
    }

    /// The next line; `None` at the end of the connection.
    fn read<T: DeserializeOwned>(
        &mut self,
        limit: usize,
        within: Duration,
    ) -> io::Result<Option<T>> {
        let deadline = Instant::now() + within;
        let (mut looked, mut chunk) = (0, vec![0; READ_BYTES]);
        loop {
            if let Some(at) = self.ahead[looked..].iter().position(|byte| *byte == b'\n') {
                let rest = self.ahead.split_off(looked + at + 1);
                let line = std::mem::replace(&mut self.ahead, rest);
                return serde_json::from_slice(&line).map(Some).map_err(io::Error::from);
            }
            looked = self.ahead.len();
            if looked > limit {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long"));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(Some(left))?;
            match self.stream.read(&mut chunk) {
                Ok(0) if self.ahead.is_empty() => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.ahead.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Does something with the address of `name` in `dir`. An address is short; a directory with a
/// longer path is named by a descriptor of it.
fn at<T>(dir: &Path, name: &str, go: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let path = dir.join(name);
    if path.as_os_str().len() <= MAX_ADDRESS_BYTES {
        return go(&path);
    }
    let held = File::open(dir)?;
    go(&PathBuf::from(format!("/proc/self/fd/{}/{name}", held.as_raw_fd())))
}

/// Whether the other end is a process of this user; where the system does not say, the rights of
/// the directory and the socket have to do.
#[cfg(target_os = "linux")]
fn is_same_user(stream: &UnixStream) -> bool {
    rustix::net::sockopt::socket_peercred(stream)
        .is_ok_and(|peer| peer.uid == rustix::process::geteuid())
}

#[cfg(not(target_os = "linux"))]
fn is_same_user(_stream: &UnixStream) -> bool {
    true
}

/// Whether who listened was ended: a program that it was about to start then holds its socket, and
/// the directory, for a moment more.
#[cfg(target_os = "linux")]
fn has_ended(stream: &UnixStream) -> bool {
    rustix::net::sockopt::socket_peercred(stream).is_ok_and(|peer| is_gone(peer.pid))
}

#[cfg(target_os = "linux")]
fn is_gone(pid: rustix::process::Pid) -> bool {
    rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
}

#[cfg(not(target_os = "linux"))]
fn has_ended(_stream: &UnixStream) -> bool {
    false
}

#[cfg(test)]
mod tests;
