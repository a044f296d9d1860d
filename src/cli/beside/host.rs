//! The side of the process that owns the data directory and runs the engine.
//!
//! Invariant: a key never waits for a guest. What runs on the engine's thread is one decision or
//! one question; all waiting is done on the guest's own thread here.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Answer, Lines, NAME, Request};
use crate::cli::home::Home;
use crate::engine::link::SILENCE;
use crate::engine::{Driver, EngineError, SideDoor};
use crate::limits::{HELLO_TIMEOUT, MAX_FRAME_BYTES, MAX_HELLO_BYTES};
use crate::notice::{Exit, Explain as _, Notice};
use crate::sync::{IngestMessage, SyncError};

/// Guests at a time; one more is sent away, and tries again for a moment.
const MAX_GUESTS: usize = 8;
/// How long a guest may think between two questions: an import may search a large directory.
const THINKING: Duration = Duration::from_mins(10);
/// How often a guest is told that its answer takes a while.
const WORKING_EVERY: Duration = Duration::from_secs(1);
/// The first and the longest wait before the engine is asked again.
const LOOK: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(16));
/// The rest after the system refused a connection.
const REST: Duration = Duration::from_millis(100);

/// A socket that is heard. Dropping it takes the file away.
#[derive(Debug)]
pub(in crate::cli) struct Listening {
    path: PathBuf,
}

impl Drop for Listening {
    fn drop(&mut self) {
        // A file that stays behind means nothing: the lock says who owns the directory.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Hears guests in the directory, which this process owns. What a crash left there is replaced.
pub(in crate::cli) fn listen(home: &Home, side: SideDoor) -> io::Result<Listening> {
    let dir = &home.dir;
    let fresh = "socket.new";
    let _ = std::fs::remove_file(dir.join(fresh));
    let listener = super::at(dir, fresh, |address| UnixListener::bind(address))?;
    // It is seen under its name once its rights are right, whatever the umask; until then and
    // after, guests of other users are sent away.
    std::fs::set_permissions(dir.join(fresh), std::fs::Permissions::from_mode(0o600))?;
    let path = dir.join(NAME);
    std::fs::rename(dir.join(fresh), &path)?;
    let host = Arc::new(Host { side, backend: super::address(home) });
    std::thread::Builder::new()
        .name("beside".to_owned())
        .spawn(move || accept(&listener, &host))?;
    Ok(Listening { path })
}

fn accept(listener: &UnixListener, host: &Arc<Host>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            std::thread::sleep(REST);
            continue;
        };
        if Arc::strong_count(host) > MAX_GUESTS {
            continue;
        }
        let host = Arc::clone(host);
        // A guest without a thread sees the end of the connection, as one too many does.
        let _ = std::thread::Builder::new().name("guest".to_owned()).spawn(move || {
            // A guest that is gone or talks nonsense is nobody's concern but its own.
            let _ = host.attend(stream);
        });
    }
}

struct Host {
    side: SideDoor,
    /// The remote backend of the directory.
    backend: Option<String>,
}

/// How far the engine is with a question.
enum Step<T> {
    Done(T),
    /// Not there yet; a change of these numbers is progress.
    At(u64, u64),
}

impl Host {
    fn attend(&self, stream: UnixStream) -> io::Result<()> {
        if !super::is_same_user(&stream) {
            return Ok(());
        }
        let mut lines = Lines::new(stream)?;
        let Some(hello) = lines.read(MAX_HELLO_BYTES, HELLO_TIMEOUT)? else { return Ok(()) };
        let welcome = self.welcome(&hello);
        lines.write(&welcome)?;
        if welcome != Answer::Welcome {
            return Ok(());
        }
        while let Some(request) = lines.read(MAX_FRAME_BYTES, THINKING)? {
            let answer = match request {
                Request::Hello { .. } => return Ok(()),
                Request::Decide { labels, intent } => {
                    let done = move |driver: &mut Driver| super::decide(driver, &labels, &intent);
                    match self.side.ask(done) {
                        Some(Ok(done)) => Answer::Decided(done),
                        Some(Err(notice)) => Answer::Refused(notice.into()),
                        None => Answer::Ended,
                    }
                }
                Request::Ingest { messages } => self.ingest(&mut lines, messages)?,
                Request::Settle => self.settle(&mut lines)?,
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

    fn ingest(&self, lines: &mut Lines, messages: Vec<IngestMessage>) -> io::Result<Answer> {
        let seq = match self.side.ask(move |driver| driver.ask_ingest(messages)) {
            Some(Ok(seq)) => seq,
            Some(Err(error)) => return Ok(Answer::Refused(error.notice().into())),
            None => return Ok(Answer::Ended),
        };
        let step = move |driver: &mut Driver| {
            Ok(driver.device.take_ingested(seq).map_or(Step::At(0, 0), Step::Done))
        };
        let taken = self.until(lines, step)?;
        Ok(taken.map_or_else(|answer| answer, Answer::Ingested))
    }

    /// Waits until what was done is projected and its rows are here.
    fn settle(&self, lines: &mut Lines) -> io::Result<Answer> {
        let sent = self.until(lines, |driver: &mut Driver| {
            let (pending, _) = driver.device.pending()?;
            Ok(if pending == 0 { Step::Done(driver.ask_settle()) } else { Step::At(pending, 0) })
        });
        let seq = match sent? {
            Ok(seq) => seq,
            Err(answer) => return Ok(answer),
        };
        let settled = self.until(lines, move |driver: &mut Driver| {
            driver.send()?;
            let here = driver.device.is_settled(seq)?;
            Ok(if here { Step::Done(()) } else { Step::At(0, driver.device.head()?) })
        });
        Ok(settled?.map_or_else(|answer| answer, |()| Answer::Settled))
    }

    /// Asks the engine until it is done. Fails when the guest is gone.
    fn until<T: Send + 'static>(
        &self,
        lines: &mut Lines,
        step: impl Fn(&mut Driver) -> Result<Step<T>, EngineError> + Clone + Send + 'static,
    ) -> io::Result<Result<T, Answer>> {
        let refused = |error: &EngineError| Ok(Err(Answer::Refused(error.notice().into())));
        let (mut wait, mut at) = (LOOK.0, (0, 0));
        let (mut told, mut moved) = (Instant::now(), Instant::now());
        loop {
            let step = step.clone();
            let ask = move |driver: &mut Driver| match step(driver)? {
                Step::At(..) if let Some(error) = driver.unreached() => Err(error),
                other => Ok(other),
            };
            match self.side.ask(ask) {
                None => return Ok(Err(Answer::Ended)),
                Some(Err(error)) => return refused(&error),
                Some(Ok(Step::Done(done))) => return Ok(Ok(done)),
                Some(Ok(Step::At(a, b))) if (a, b) != at => (at, moved) = ((a, b), Instant::now()),
                Some(Ok(Step::At(..))) if moved.elapsed() > SILENCE => {
                    return refused(&SyncError::Timeout.into());
                }
                Some(Ok(Step::At(..))) => {}
            }
            if told.elapsed() > WORKING_EVERY {
                told = Instant::now();
                lines.write(&Answer::Working)?;
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(LOOK.1);
        }
    }
}
