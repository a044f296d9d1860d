//! The side of the process that owns the data directory and runs the engine.
//!
//! Invariant: a key never waits for a guest. What runs on the engine's thread is one decision or
//! one question; all waiting is done on the guest's own thread here.

use std::collections::BTreeMap;
use std::io;
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Answer, Lines, NAME, Request};
use crate::backend::HostHandle;
use crate::cli::home::Home;
use crate::engine::errands::Question;
use crate::engine::{Asked, Device, Driver, EngineError, SideDoor, Unanswered};
use crate::id::{BlobHash, ThreadId};
use crate::limits::{HELLO_TIMEOUT, MAX_FRAME_BYTES, MAX_HELLO_BYTES};
use crate::notice::{Exit, Explain as _, Notice};
use crate::sync::{Bytes, PurgeOrder, SyncError};

/// Guests at a time; one more is sent away, and tries again for a moment.
const MAX_GUESTS: usize = 8;
/// How long a guest may think between two questions: an import may search a large directory.
const THINKING: Duration = Duration::from_mins(10);
/// How often a guest is told that its answer takes a while.
const WORKING_EVERY: Duration = Duration::from_secs(1);
/// How often the end looks whether the last answers are given.
const LOOK: Duration = Duration::from_millis(1);
/// How long the end waits for the last answers.
const GOODBYE: Duration = Duration::from_secs(1);
/// The rest after the system refused a connection.
const REST: Duration = Duration::from_millis(100);

/// A socket that is heard. Dropping it takes the file away, answers what was asked already, and
/// takes in nothing more.
pub(in crate::cli) struct Listening {
    path: PathBuf,
    host: Arc<Host>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        // A file that stays behind means nothing: the lock says who owns the directory.
        let _ = std::fs::remove_file(&self.path);
        self.host.guests().close();
        let deadline = Instant::now() + GOODBYE;
        while !self.host.guests().streams.is_empty() && Instant::now() < deadline {
            std::thread::sleep(LOOK);
        }
    }
}

/// Hears guests in the directory, which this process owns. What a crash left there is replaced.
///
/// `side` leads to the engine; `embedded` to the backend, where that is in this process.
pub(in crate::cli) fn listen(
    home: &Home,
    side: SideDoor,
    embedded: Option<HostHandle>,
) -> io::Result<Listening> {
    let dir = &home.dir;
    let fresh = "socket.new";
    let _ = std::fs::remove_file(dir.join(fresh));
    let listener = super::at(dir, fresh, |address| UnixListener::bind(address))?;
    // It is seen under its name once its rights are right, whatever the umask; until then and
    // after, guests of other users are sent away.
    std::fs::set_permissions(dir.join(fresh), std::fs::Permissions::from_mode(0o600))?;
    let path = dir.join(NAME);
    std::fs::rename(dir.join(fresh), &path)?;
    let guests = Mutex::new(Guests::default());
    let host = Arc::new(Host { side, embedded, backend: super::address(home), guests });
    let listening = Listening { path, host: Arc::clone(&host) };
    std::thread::Builder::new()
        .name("beside".to_owned())
        .spawn(move || accept(&listener, &host))?;
    Ok(listening)
}

fn accept(listener: &UnixListener, host: &Arc<Host>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            std::thread::sleep(REST);
            continue;
        };
        let number = match host.guests().enter(&stream) {
            Entered::As(number) => number,
            Entered::Full => continue,
            Entered::Closing => return,
        };
        let attending = Arc::clone(host);
        let spawned = std::thread::Builder::new().name("guest".to_owned()).spawn(move || {
            // A guest that is gone or talks nonsense is nobody's concern but its own.
            let _ = attending.attend(stream);
            attending.guests().streams.remove(&number);
        });
        if spawned.is_err() {
            host.guests().streams.remove(&number);
        }
    }
}

/// Who is there.
#[derive(Default)]
struct Guests {
    next: u64,
    streams: BTreeMap<u64, UnixStream>,
    closing: bool,
}

/// Whether a guest may stay. One that may not sees the end of its connection.
enum Entered {
    As(u64),
    Full,
    Closing,
}

impl Guests {
    fn enter(&mut self, stream: &UnixStream) -> Entered {
        if self.closing {
            return Entered::Closing;
        }
        let Ok(stream) = stream.try_clone() else { return Entered::Full };
        if self.streams.len() >= MAX_GUESTS {
            return Entered::Full;
        }
        self.next += 1;
        self.streams.insert(self.next, stream);
        Entered::As(self.next)
    }

    /// What is written from now on is refused by the system, so that nobody takes it for asked;
    /// what was written before is read and answered.
    fn close(&mut self) {
        self.closing = true;
        for stream in self.streams.values() {
            // One that is gone already needs no end.
            let _ = stream.shutdown(Shutdown::Read);
        }
    }
}

struct Host {
    side: SideDoor,
    /// The backend in this process.
    embedded: Option<HostHandle>,
    /// The remote backend of the directory.
    backend: Option<String>,
    guests: Mutex<Guests>,
}

impl Host {
    fn guests(&self) -> MutexGuard<'_, Guests> {
        // A thread that failed left a list that is still one.
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attend(&self, stream: UnixStream) -> io::Result<()> {
        if !super::is_same_user(&stream) {
            return Ok(());
        }
        let mut lines = Lines::new(stream)?;
        let Some(hello) = lines.read(MAX_HELLO_BYTES, HELLO_TIMEOUT)? else { return Ok(()) };
        if let Request::Hold { version } = &hello {
            return super::hold::hold(self.embedded.as_ref(), version, &mut lines);
        }
        let welcome = self.welcome(&hello);
        lines.write(&welcome)?;
        if welcome != Answer::Welcome {
            return Ok(());
        }
        while let Some(request) = lines.read(MAX_FRAME_BYTES, THINKING)? {
            let answer = match request {
                Request::Hello { .. } | Request::Hold { .. } | Request::Release => return Ok(()),
                Request::Decide { labels, intent } => {
                    let done = move |driver: &mut Driver| super::decide(driver, &labels, &intent);
                    match self.side.ask(done) {
                        Some(Ok(done)) => Answer::Decided(done),
                        Some(Err(notice)) => Answer::Refused(notice.into()),
                        None => Answer::Ended,
                    }
                }
                Request::Ingest { messages } => {
                    self.ingested(&mut lines, move |driver| driver.ask_ingest(messages))?
                }
                Request::Follow { changes } => {
                    self.ingested(&mut lines, move |driver| driver.ask_follow(changes))?
                }
                Request::Fetch { thread } => self.fetch(&mut lines, thread)?,
                Request::Blob { hash } => self.blob(&mut lines, hash)?,
                Request::Search { question } => self.search(&mut lines, question)?,
                Request::Keep { policy } => self.kept(move |device| device.keep(&policy)),
                Request::Pin { threads, pinned } => {
                    self.kept(move |device| device.pin_kept(&threads, pinned))
                }
                Request::Purge { order } => self.purge(&mut lines, order)?,
                Request::Settle => self.settle(&mut lines)?,
                Request::ClearRefused => self.clear_refused(),
            };
            lines.write(&answer)?;
        }
        Ok(())
    }

    fn welcome(&self, hello: &Request) -> Answer {
        let Request::Hello { version, backend } = hello else { return Answer::Ended };
        let line = if version != env!("CARGO_PKG_VERSION") {
            "another version of mailtui has this data directory open"
        } else if *backend != self.backend {
            "mailtui has this data directory open with another backend"
        } else {
            let goes_on = self.side.ask(|_| ()).is_some();
            return if goes_on { Answer::Welcome } else { Answer::Ended };
        };
        Answer::Refused(Notice::error("in-use", line, "quit it first").exit(Exit::DataDir).into())
    }

    /// Asks the backend something, and waits for what `take` finds of its answer.
    fn answered<T: Send + 'static>(
        &self,
        lines: &mut Lines,
        ask: impl FnOnce(&mut Driver) -> Result<u64, EngineError> + Send + 'static,
        take: impl Fn(&mut Driver, u64) -> Result<Option<T>, EngineError> + Clone + Send + 'static,
    ) -> io::Result<Result<T, Answer>> {
        let asked = match self.side.question(ask) {
            Ok(asked) => asked,
            Err(unanswered) => return Ok(Err(unanswered.into())),
        };
        self.until(lines, Some(asked), move |driver| take(driver, asked.seq))
    }

    /// Asks the backend to take something in, and waits for what became of it.
    fn ingested(
        &self,
        lines: &mut Lines,
        ask: impl FnOnce(&mut Driver) -> Result<u64, EngineError> + Send + 'static,
    ) -> io::Result<Answer> {
        let taken = self.answered(lines, ask, |driver, seq| Ok(driver.device.take_ingested(seq)));
        Ok(taken?.map_or_else(|answer| answer, Answer::Ingested))
    }

    fn purge(&self, lines: &mut Lines, order: PurgeOrder) -> io::Result<Answer> {
        let ask = move |driver: &mut Driver| driver.ask_purge(order);
        let purged = self.answered(lines, ask, |driver, seq| Ok(driver.device.take_purged(seq)));
        Ok(purged?.map_or_else(|answer| answer, Answer::Purged))
    }

    fn fetch(&self, lines: &mut Lines, thread: ThreadId) -> io::Result<Answer> {
        let fetched = self.until(lines, None, move |driver: &mut Driver| {
            if driver.device.is_loaded(&thread) {
                return Ok(Some(()));
            }
            driver.device.note_opened(&thread)?;
            driver.device.load(&thread)?;
            driver.send()?;
            Ok(None)
        });
        Ok(fetched?.map_or_else(|answer| answer, |()| Answer::Fetched))
    }

    /// Has the backend search, for as long as a command beside it would wait itself.
    fn search(&self, lines: &mut Lines, question: Question) -> io::Result<Answer> {
        let ask = move |driver: &mut Driver| {
            let seq = driver.device.ask_there(question);
            driver.send().map(|()| seq)
        };
        let asked = match self.side.question(ask) {
            Ok(asked) => asked,
            Err(unanswered) => return Ok(unanswered.into()),
        };
        let (seq, begun) = (asked.seq, Instant::now());
        let found = self.until(lines, Some(asked), move |driver: &mut Driver| {
            driver.send()?;
            match driver.device.take_found_there(seq) {
                None if begun.elapsed() > driver.device.patience_there() => {
                    Err(SyncError::Timeout.into())
                }
                found => Ok(found),
            }
        });
        // It is asked no more, whether its guest is there or not.
        self.side.ask(move |driver| driver.device.forget_found_there(seq));
        Ok(found?.map_or_else(|answer| answer, Answer::Found))
    }

    /// Changes what the device keeps: what goes and comes by that follows, between keys.
    fn kept(
        &self,
        change: impl FnOnce(&mut Device) -> Result<(), EngineError> + Send + 'static,
    ) -> Answer {
        let done = self
            .side
            .ask(move |driver| change(&mut driver.device).and_then(|()| driver.device.kept_sum()));
        match done {
            Some(Ok(sum)) => Answer::Kept(sum),
            Some(Err(error)) => Answer::Refused(error.notice().into()),
            None => Answer::Ended,
        }
    }

    fn blob(&self, lines: &mut Lines, hash: BlobHash) -> io::Result<Answer> {
        let wanted = hash.clone();
        let ask = move |driver: &mut Driver| {
            if !driver.device.has_blob(&wanted) {
                driver.device.fetch_blob(&wanted)?;
            }
            driver.send().map(|()| 0)
        };
        let fetched = self.answered(lines, ask, move |driver, _| {
            driver.send()?;
            Ok(driver.device.blob(&hash).map(Bytes))
        });
        Ok(fetched?.map_or_else(|answer| answer, Answer::Blob))
    }

    /// Waits until what was done is projected and its rows are here.
    fn settle(&self, lines: &mut Lines) -> io::Result<Answer> {
        let sent = self.until(lines, None, |driver: &mut Driver| {
            Ok((driver.device.pending()?.0 == 0).then_some(()))
        });
        if let Err(answer) = sent? {
            return Ok(answer);
        }
        let ask = |driver: &mut Driver| {
            let seq = driver.ask_settle();
            driver.send().map(|()| seq)
        };
        let settled = self.answered(lines, ask, |driver, seq| {
            driver.send()?;
            Ok(driver.device.is_settled(seq)?.then_some(()))
        });
        Ok(settled?.map_or_else(|answer| answer, |()| Answer::Settled))
    }

    /// Takes the list of what was refused away, and returns its lines.
    fn clear_refused(&self) -> Answer {
        match self.side.ask(Driver::clear_refused) {
            Some(Ok(lines)) => Answer::Cleared(lines),
            Some(Err(error)) => Answer::Refused(error.notice().into()),
            None => Answer::Ended,
        }
    }

    /// Asks the engine until it is done, and tells the guest that it takes a while. Fails when the
    /// guest is gone.
    fn until<T: Send + 'static>(
        &self,
        lines: &mut Lines,
        asked: Option<Asked>,
        step: impl Fn(&mut Driver) -> Result<Option<T>, EngineError> + Clone + Send + 'static,
    ) -> io::Result<Result<T, Answer>> {
        let mut told = Instant::now();
        let waited = self.side.wait(asked, step, || {
            if self.guests().closing {
                return Err(None);
            }
            if told.elapsed() > WORKING_EVERY {
                told = Instant::now();
                lines.write(&Answer::Working).map_err(Some)?;
            }
            Ok(())
        });
        match waited {
            Ok(done) => Ok(done.map_err(Answer::from)),
            Err(None) => Ok(Err(Answer::Ended)),
            Err(Some(gone)) => Err(gone),
        }
    }
}

impl From<Unanswered> for Answer {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Ended => Self::Ended,
            Unanswered::Failed(error) => Self::Refused(error.notice().into()),
        }
    }
}
