//! The backend's own thread: it owns the [`Backend`], answers frames, and works the pipeline.
//!
//! Invariant: every queue into it is bounded; answers leave after the commit that makes them true.
//! A device that does not read its answers is disconnected, never buffered for. What devices push
//! comes before mail that is imported, and that before the pipeline; each has a turn of
//! milliseconds, so that none starves.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc as frames;

use crate::backend::finder::Finder;
use crate::backend::indexer::{IndexHandle, Indexer};
use crate::backend::maker::Maker;
use crate::backend::{Backend, BackendError, Finding, Options, Prepared};
use crate::bridge::{Follow, Followed, Outcome};
use crate::clock::Clock;
use crate::id::DeviceId;
use crate::imap::worker::Handle;
use crate::notice::{Explain as _, Notice};
use crate::store::StoreError;
use crate::sync::Frame;

/// Inputs that wait for the backend's thread.
const INPUTS: usize = 256;
/// Inputs taken in one commit.
const INPUTS_A_COMMIT: usize = 64;
/// Frames that wait for a device's socket.
const OUTGOING: usize = 1_024;
/// How long the thread sleeps when there is nothing to do.
const IDLE: Duration = Duration::from_millis(500);
/// How long it waits for one who holds it between two commits.
const HOLD: Duration = Duration::from_secs(2);
/// How long the pipeline rests after the storage refused.
const REST: Duration = Duration::from_secs(1);
/// How long inputs are taken before their commit, and how long mail is, at least one batch.
const TAKE: Duration = Duration::from_millis(10);
/// Batches of mail and orders that wait for their turn: beyond that no input is looked at.
const BULK: usize = 64;
/// How long a sender waits before it looks again whether there is room for an input.
const ROOM_AGAIN: Duration = Duration::from_millis(1);
/// How often who waits for the pipeline hears how far it is.
const TELL: Duration = Duration::from_secs(2);

/// What the backend's thread is asked.
enum Input {
    Connect {
        session: u64,
        device: DeviceId,
        out: frames::Sender<Frame>,
    },
    Frame {
        session: u64,
        frame: Box<Frame>,
    },
    Written {
        session: u64,
    },
    Gone {
        session: u64,
    },
    Ingest {
        messages: Vec<Prepared>,
        answer: SyncSender<Result<Vec<Outcome>, Notice>>,
    },
    Follow {
        changes: Vec<Follow>,
        answer: SyncSender<Result<Vec<Followed>, Notice>>,
    },
    /// Work of the mail edge.
    Work {
        job: Job,
    },
    /// How accounts are, and who hears it.
    Accounts(Accounting),
    /// What was found for a session, beside the backend.
    Answer {
        session: u64,
        frame: Box<Frame>,
    },
    /// A session can be asked for what its device holds of damaged logs.
    Lacks {
        session: u64,
    },
    /// Who reads what who runs the backend should know.
    Notices {
        tell: Tell,
    },
    /// Who is woken when a conversation changed that a mail server has.
    Listen {
        worker: Handle,
    },
    Doctor {
        answer: SyncSender<Result<Vec<Finding>, Notice>>,
    },
    Hold {
        held: SyncSender<()>,
        release: Receiver<()>,
        done: SyncSender<bool>,
    },
    Stop,
}

/// Work that is done between two commits; it answers once that is on disk.
type Job = Box<dyn FnOnce(&mut Backend, i64, &mut Vec<Waiting>) -> Result<(), Notice> + Send>;

/// Reads what who runs the backend should know.
type Tell = Box<dyn Fn(&Notice) + Send>;

/// A running backend.
#[derive(Debug)]
pub struct Host {
    handle: HostHandle,
    thread: Option<JoinHandle<()>>,
}

/// A door to a running backend; cheap to copy.
#[derive(Debug, Clone)]
pub struct HostHandle {
    inputs: SyncSender<Input>,
    index: IndexHandle,
    finder: Finder,
}

impl Input {
    /// Whose frame it is.
    const fn session(&self) -> Option<u64> {
        match self {
            Self::Frame { session, .. } => Some(*session),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Input")
    }
}

impl Host {
    /// Opens the backend and starts its thread. What a crash left is projected at once.
    ///
    /// # Errors
    /// When the backend cannot be opened.
    pub fn start(options: &Options, clock: Box<dyn Clock>) -> Result<Self, BackendError> {
        let backend = Backend::open(options, clock.as_ref())?;
        let (inputs, receiver) = mpsc::sync_channel(INPUTS);
        let indexer = Indexer::start(&options.dir);
        let index = indexer.handle(&options.dir);
        let thread = std::thread::Builder::new()
            .name("backend".to_owned())
            .spawn(move || {
                Loop {
                    backend,
                    outs: BTreeMap::new(),
                    clock,
                    bulk: VecDeque::new(),
                    told: Instant::now(),
                    resting: false,
                    maker: Maker::new(),
                    workers: Vec::new(),
                    hearing: Hearing::default(),
                    indexer,
                    tell: None,
                }
                .run(&receiver);
            })
            .map_err(|_| BackendError::Stopped)?;
        let finder = finder(&options.dir, &inputs);
        Ok(Self { handle: HostHandle { inputs, index, finder }, thread: Some(thread) })
    }

    /// A door to it.
    #[must_use]
    pub fn handle(&self) -> HostHandle {
        self.handle.clone()
    }

    /// Ends the thread after what it is doing; everything acknowledged is on disk.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.handle.finder.stop();
        if let Some(thread) = self.thread.take() {
            // The thread may have ended already; then there is nobody to tell.
            let _ = self.handle.inputs.send(Input::Stop);
            let _ = thread.join();
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end();
    }
}

/// An answer that waits for the commit.
type Waiting = Box<dyn FnOnce(Result<(), Notice>)>;

/// Answers with what the storage gave, once it is on disk; or says at once why it gave nothing.
fn later<T: 'static>(
    answer: SyncSender<Result<T, Notice>>,
    given: Result<T, StoreError>,
    waiting: &mut Vec<Waiting>,
) -> Result<(), Notice> {
    match given {
        Ok(given) => {
            // Who asked may be gone; what was asked is done all the same.
            waiting.push(Box::new(move |done| drop(answer.send(done.map(|()| given)))));
            Ok(())
        }
        Err(error) => {
            let notice = error.notice();
            let _ = answer.send(Err(notice.clone()));
            Err(notice)
        }
    }
}

struct Loop {
    backend: Backend,
    outs: BTreeMap<u64, frames::Sender<Frame>>,
    clock: Box<dyn Clock>,
    /// Mail and orders, in order: what devices push does not wait behind them.
    bulk: VecDeque<Input>,
    /// When those who wait for the pipeline were last told how far it is.
    told: Instant,
    /// The storage refused the last slice: rest before the next.
    resting: bool,
    /// Who makes snapshots, beside this thread.
    maker: Maker,
    /// Who writes what changed to mail servers.
    workers: Vec<Handle>,
    /// Who hears how accounts are.
    hearing: Hearing,
    /// Who keeps the index of words, beside this thread.
    indexer: Indexer,
    /// Who reads what who runs the backend should know.
    tell: Option<Tell>,
}

impl Loop {
    fn run(mut self, inputs: &Receiver<Input>) {
        // What ended while nobody was there comes before anything is answered.
        let woke = self.backend.wake(self.clock.now()).and_then(|_| self.backend.commit());
        if woke.is_err() {
            self.backend.roll_back(); // the first slice tries again
        }
        let mut busy = true;
        loop {
            let wait = if self.resting { REST } else { IDLE };
            let first = if self.bulk.len() >= BULK {
                Err(RecvTimeoutError::Timeout)
            } else if (busy && !self.resting) || !self.bulk.is_empty() {
                inputs.try_recv().map_err(|error| match error {
                    mpsc::TryRecvError::Empty => RecvTimeoutError::Timeout,
                    mpsc::TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
                })
            } else {
                inputs.recv_timeout(wait)
            };
            let go_on = match first {
                Ok(first) => self.take(first, inputs),
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => false,
            };
            if !self.bulk.is_empty() {
                self.take_bulk();
            }
            if !go_on {
                return;
            }
            busy = self.slice();
        }
    }

    /// A slice of the pipeline, and the pages that devices have credit for.
    fn slice(&mut self) -> bool {
        let begun = Instant::now();
        let worked = self.backend.step().and_then(|worked| {
            self.backend.commit()?;
            self.backend.pace(begun.elapsed());
            let woke = self.backend.wake(self.clock.now())?;
            self.backend.commit()?;
            let worked = worked || woke;
            let pumped = self.backend.pump()?;
            self.maker.tend(&mut self.backend, worked || pumped)
        });
        let worked = match worked {
            // Nothing else to do: what nothing names may go, a little at a time.
            Ok(false) => self.backend.tidy(self.clock.now()),
            other => other,
        };
        self.resting = worked.is_err();
        if let Err(error) = &worked {
            self.give_up(&error.notice());
        } else if self.told.elapsed() > TELL {
            self.told = Instant::now();
            self.backend.tell_settling();
        }
        if self.backend.take_touched() {
            self.workers.iter().for_each(Handle::wake);
        }
        self.flush();
        worked.unwrap_or(false)
    }

    /// The pipeline cannot go on now: devices that wait for it hear why, and ask again.
    fn give_up(&mut self, notice: &Notice) {
        for session in self.backend.waiting() {
            if let Some(out) = self.outs.get(&session) {
                // One that has no room for it is disconnected all the same.
                let _ = out.try_send(refusal(notice));
            }
            self.drop_session(session);
        }
    }

    /// Takes what waits, in one commit; mail and orders are put aside for their own turn.
    fn take(&mut self, first: Input, inputs: &Receiver<Input>) -> bool {
        let (mut next, mut taken, begun) = (Some(first), 0, Instant::now());
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut go_on = true;
        while let Some(input) = next {
            taken += 1;
            if self.is_bulk(&input) {
                self.bulk.push_back(input);
            } else {
                match self.one(input, &mut waiting) {
                    Ok(more) => go_on &= more,
                    Err(notice) => self.fail(&mut waiting, &notice),
                }
            }
            let full = taken >= INPUTS_A_COMMIT || self.bulk.len() >= BULK;
            if !go_on || full || begun.elapsed() > TAKE {
                break;
            }
            next = inputs.try_recv().ok();
        }
        self.commit(waiting);
        go_on
    }

    /// Takes mail and orders, in one commit.
    fn take_bulk(&mut self) {
        let begun = Instant::now();
        let mut waiting: Vec<Waiting> = Vec::new();
        while let Some(input) = self.bulk.pop_front() {
            if let Err(notice) = self.one(input, &mut waiting) {
                self.fail(&mut waiting, &notice);
            }
            if begun.elapsed() > TAKE {
                break;
            }
        }
        self.commit(waiting);
    }

    /// Whether an input may take long. A settle waits for what its session handed in before.
    fn is_bulk(&self, input: &Input) -> bool {
        match input {
            Input::Ingest { .. } | Input::Follow { .. } | Input::Work { .. } => true,
            Input::Frame { session, frame } => match **frame {
                Frame::Ingest { .. } | Frame::Follow { .. } | Frame::Purge { .. } => true,
                Frame::Settle { .. } => {
                    self.bulk.iter().any(|waits| waits.session() == Some(*session))
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn commit(&mut self, mut waiting: Vec<Waiting>) {
        match self.backend.commit() {
            Ok(()) => {
                self.indexer.ring();
                for answer in waiting {
                    answer(Ok(()));
                }
            }
            Err(error) => self.fail(&mut waiting, &error.notice()),
        }
        self.flush();
    }

    fn one(&mut self, input: Input, waiting: &mut Vec<Waiting>) -> Result<bool, Notice> {
        match input {
            Input::Connect { session, device, out } => {
                self.backend.connect(session, device);
                // The queue was made just now; it is not full.
                let _ = out.try_send(self.backend.welcome());
                self.outs.insert(session, out);
            }
            Input::Frame { session, frame } => {
                let now = self.clock.now();
                self.backend.handle(session, *frame, now).map_err(|error| error.notice())?;
            }
            Input::Written { session } => self.backend.written(session),
            Input::Gone { session } => self.drop_session(session),
            Input::Answer { session, frame } => self.answer(session, *frame),
            Input::Ingest { messages, answer } => {
                let now = self.clock.now();
                let mut messages = messages;
                let words = messages.iter_mut().map(Prepared::take_words).collect::<Vec<_>>();
                let given = self.backend.ingest(messages, now);
                self.indexer.keep(words, given.as_deref().unwrap_or_default());
                later(answer, given, waiting)?;
            }
            Input::Follow { changes, answer } => {
                let now = self.clock.now();
                later(answer, self.backend.follow(&changes, now), waiting)?;
            }
            Input::Listen { worker } => {
                self.workers.retain(|held| !held.is_over());
                self.workers.push(worker);
            }
            Input::Accounts(accounting) => self.account(accounting),
            Input::Lacks { session } => {
                self.backend.hears_lacks(session).map_err(|error| error.notice())?;
            }
            Input::Notices { tell } => self.tell = Some(tell),
            Input::Work { job } => {
                let now = self.clock.now();
                job(&mut self.backend, now, waiting)?;
            }
            Input::Doctor { answer } => {
                if let Err(error) = self.backend.commit() {
                    let notice = error.notice();
                    let _ = answer.send(Err(notice.clone()));
                    return Err(notice);
                }
                let _ = answer.send(self.backend.doctor().map_err(|error| error.notice()));
            }
            Input::Hold { held, release, done } => {
                if let Err(error) = self.backend.commit() {
                    return Err(error.notice()); // who waits sees that it is not held
                }
                // Who asked may be gone; then there is nobody to wait for.
                let in_time = held.send(()).is_ok() && release.recv_timeout(HOLD).is_ok();
                let _ = done.send(in_time);
            }
            Input::Stop => return Ok(false),
        }
        Ok(true)
    }

    /// The storage refused: nothing since the last commit is kept, everybody who waits hears it,
    /// and devices connect again and offer again.
    fn fail(&mut self, waiting: &mut Vec<Waiting>, notice: &Notice) {
        self.backend.roll_back();
        self.indexer.forget();
        for answer in waiting.drain(..) {
            answer(Err(notice.clone()));
        }
        let error = refusal(notice);
        for (session, out) in std::mem::take(&mut self.outs) {
            let _ = out.try_send(error.clone());
            self.backend.disconnect(session);
        }
    }

    fn drop_session(&mut self, session: u64) {
        self.backend.disconnect(session);
        self.outs.remove(&session);
    }

    fn flush(&mut self) {
        for (session, frame) in self.backend.frames() {
            self.answer(session, frame);
        }
        self.tell_notices();
    }

    /// Puts a frame into a session's queue; one that does not empty it is given up.
    fn answer(&mut self, session: u64, frame: Frame) {
        if self.outs.get(&session).is_some_and(|out| out.try_send(frame).is_err()) {
            self.drop_session(session);
        }
    }
}

fn refusal(notice: &Notice) -> Frame {
    let (code, message) = (notice.code.to_owned(), notice.message.clone());
    Frame::Error { code, message, retry: true }
}

#[path = "door.rs"]
mod door;
#[path = "finding.rs"]
mod finding;
#[path = "hearing.rs"]
mod hearing;
#[path = "holding.rs"]
mod holding;
#[path = "lacking.rs"]
mod lacking;

use finding::finder;
use hearing::{Accounting, Hearing};
pub use holding::Hold;
