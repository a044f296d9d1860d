//! Where an import goes: a backend in this process, or a remote one.
//!
//! Invariant: outcomes come back in the order of submission, and each is durable.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::backend::{BackendError, HostHandle, Prepared, prepare_with_words};
use crate::bridge::import::{ImportReport, ImportRequest, Progress, import};
use crate::bridge::ledger::Ledger;
use crate::bridge::{Follow, Followed, Incoming, MailSink, Outcome, SinkError};
use crate::cli::session::Session;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::{
    Asked, Driver, EngineError, RemoteSink, SideDoor, Unanswered, changes_to_wire, from_wire,
    to_wire,
};
use crate::id::ThreadId;
use crate::notice::{Explain as _, Notice};

/// Batches that wait for the backend at a time.
const WINDOW: usize = 2;

/// Imports through the session's backend, embedded or remote.
pub(super) fn into(
    session: &mut Session,
    request: &ImportRequest,
    ledger: &mut dyn Ledger,
    progress: &mut dyn FnMut(&Progress),
    stop: &AtomicBool,
    wait: bool,
) -> Result<ImportReport, SinkError> {
    let host = session.host.as_ref().map(crate::backend::Host::handle);
    if let Some(host) = host {
        let pipeline = Pipeline::new(host);
        let mut sink = EmbeddedSink { session, pipeline, wait };
        import(request, ledger, &mut sink, progress, stop)
    } else {
        let mut sink = RemoteSink::new(&mut session.driver, &session.events);
        import(request, ledger, &mut sink, progress, stop)
    }
}

/// An answer that is awaited.
type Answer = Receiver<Result<Vec<Outcome>, Notice>>;

/// The sink of an embedded backend: parsed here, committed there, taken in by the device meanwhile.
struct EmbeddedSink<'a> {
    session: &'a mut Session,
    pipeline: Pipeline,
    wait: bool,
}

impl MailSink for EmbeddedSink<'_> {
    fn submit(&mut self, batch: Vec<Incoming>) -> Result<Vec<Outcome>, SinkError> {
        let outcomes = self.pipeline.submit(batch)?;
        while let Ok(event) = self.session.events.try_recv() {
            self.session.driver.link_event(event).map_err(|error| SinkError(error.notice()))?;
        }
        Ok(outcomes)
    }

    fn finish(&mut self) -> Result<Vec<Outcome>, SinkError> {
        let outcomes = self.pipeline.finish()?;
        if self.wait {
            self.session.synchronise().map_err(SinkError)?;
        }
        Ok(outcomes)
    }

    fn follow(&mut self, changes: Vec<Follow>) -> Result<Vec<Followed>, SinkError> {
        self.pipeline.follow(changes)
    }

    fn roots(&mut self, threads: &[ThreadId]) -> Result<Vec<ThreadId>, SinkError> {
        let roots = self.session.driver.device.roots(threads);
        roots.map_err(|error| SinkError(error.notice()))
    }
}

/// Batches on their way into a backend of this process: the next is parsed while one is committed.
struct Pipeline {
    host: HostHandle,
    waiting: VecDeque<Answer>,
    helper: Option<Helper>,
}

/// A thread that parses one half of each batch while who reads files parses the other.
struct Helper(SyncSender<Half>);

/// Half a batch, when it is, and where it goes.
type Half = (Vec<Incoming>, i64, SyncSender<Vec<Prepared>>);

impl Helper {
    /// Where no thread can be had, there is no help.
    fn start() -> Option<Self> {
        let (sender, halves) = sync_channel::<Half>(1);
        let work = move || {
            while let Ok((half, now, done)) = halves.recv() {
                // Who asked may have given up.
                let _ = done.send(prepare_all(half, now));
            }
        };
        std::thread::Builder::new().name("parse".to_owned()).spawn(work).ok()?;
        Some(Self(sender))
    }

    /// `None` when the thread has ended.
    fn begin(&self, half: Vec<Incoming>, now: i64) -> Option<Receiver<Vec<Prepared>>> {
        let (done, answer) = sync_channel(1);
        self.0.send((half, now, done)).ok().map(|()| answer)
    }
}

fn prepare_all(batch: Vec<Incoming>, now: i64) -> Vec<Prepared> {
    batch.into_iter().map(|incoming| prepare_with_words(incoming, now)).collect()
}

impl Pipeline {
    fn new(host: HostHandle) -> Self {
        Self { host, waiting: VecDeque::new(), helper: Helper::start() }
    }

    fn answer(&mut self) -> Result<Vec<Outcome>, SinkError> {
        let Some(answer) = self.waiting.pop_front() else { return Ok(Vec::new()) };
        let gone = || SinkError(BackendError::Stopped.notice());
        answer.recv().map_err(|_| gone())?.map_err(SinkError)
    }
}

impl MailSink for Pipeline {
    fn submit(&mut self, batch: Vec<Incoming>) -> Result<Vec<Outcome>, SinkError> {
        let now = SystemClock.now();
        let mut here = batch;
        let there = self.helper.as_ref().map(|helper| {
            let half = here.split_off(here.len() / 2);
            helper.begin(half, now)
        });
        let mut prepared = prepare_all(here, now);
        if let Some(there) = there {
            let ended = || SinkError(BackendError::Stopped.notice());
            prepared.extend(there.ok_or_else(ended)?.recv().map_err(|_| ended())?);
        }
        let answer = self.host.ingest(prepared).map_err(|error| SinkError(error.notice()))?;
        self.waiting.push_back(answer);
        if self.waiting.len() > WINDOW { self.answer() } else { Ok(Vec::new()) }
    }

    fn finish(&mut self) -> Result<Vec<Outcome>, SinkError> {
        let mut outcomes = Vec::new();
        while !self.waiting.is_empty() {
            outcomes.extend(self.answer()?);
        }
        Ok(outcomes)
    }

    fn follow(&mut self, changes: Vec<Follow>) -> Result<Vec<Followed>, SinkError> {
        let gone = || SinkError(BackendError::Stopped.notice());
        let answer = self.host.follow(changes).map_err(|error| SinkError(error.notice()))?;
        answer.recv().map_err(|_| gone())?.map_err(SinkError)
    }

    /// Rows are the device's business; here every thread is its own.
    fn roots(&mut self, threads: &[ThreadId]) -> Result<Vec<ThreadId>, SinkError> {
        Ok(threads.to_vec())
    }
}

/// Imports into a backend of this process while its device runs elsewhere in it.
pub(super) fn through(
    host: &HostHandle,
    request: &ImportRequest,
    ledger: &mut dyn Ledger,
    progress: &mut dyn FnMut(&Progress),
    stop: &AtomicBool,
) -> Result<ImportReport, SinkError> {
    let mut sink = Pipeline::new(host.clone());
    import(request, ledger, &mut sink, progress, stop)
}

/// The sink of a process whose device runs on another of its threads: into the embedded backend, or
/// through the device to a remote one.
pub(super) struct SideSink {
    side: SideDoor,
    embedded: Option<Pipeline>,
    wait: bool,
}

impl SideSink {
    /// Into `host`, or through the device when that is none.
    pub(super) fn new(side: SideDoor, host: Option<HostHandle>, wait: bool) -> Self {
        let embedded = host.map(Pipeline::new);
        Self { side, embedded, wait }
    }

    /// Asks the engine something.
    fn ask<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Driver) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, SinkError> {
        let ended = || SinkError(BackendError::Stopped.notice());
        self.side.ask(task).ok_or_else(ended)?.map_err(|error| SinkError(error.notice()))
    }

    /// Asks the engine until there is an answer; the end of the connection ends it.
    fn until<T: Send + 'static>(
        &self,
        asked: Asked,
        step: impl Fn(&mut Driver) -> Result<Option<T>, EngineError> + Clone + Send + 'static,
    ) -> Result<T, SinkError> {
        let nothing = || Ok::<(), SinkError>(());
        self.side.wait(Some(asked), step, nothing)?.map_err(stopped)
    }

    fn question(
        &self,
        ask: impl FnOnce(&mut Driver) -> Result<u64, EngineError> + Send + 'static,
    ) -> Result<Asked, SinkError> {
        self.side.question(ask).map_err(stopped)
    }

    fn ingested(&self, asked: Asked) -> Result<Vec<serde_json::Value>, SinkError> {
        self.until(asked, move |driver| Ok(driver.device.take_ingested(asked.seq)))
    }
}

fn stopped(unanswered: Unanswered) -> SinkError {
    SinkError(match unanswered {
        Unanswered::Ended => BackendError::Stopped.notice(),
        Unanswered::Failed(error) => error.notice(),
    })
}

impl MailSink for SideSink {
    fn submit(&mut self, batch: Vec<Incoming>) -> Result<Vec<Outcome>, SinkError> {
        if let Some(embedded) = &mut self.embedded {
            return embedded.submit(batch);
        }
        let messages = to_wire(batch);
        let asked = self.question(move |driver| driver.ask_ingest(messages))?;
        from_wire(self.ingested(asked)?)
    }

    fn finish(&mut self) -> Result<Vec<Outcome>, SinkError> {
        let outcomes = match &mut self.embedded {
            Some(embedded) => embedded.finish()?,
            None => Vec::new(),
        };
        if self.wait {
            let asked = self.question(|driver| {
                let seq = driver.ask_settle();
                driver.send().map(|()| seq)
            })?;
            self.until(asked, move |driver| {
                driver.send()?;
                Ok(driver.device.is_settled(asked.seq)?.then_some(()))
            })?;
        }
        Ok(outcomes)
    }

    fn follow(&mut self, changes: Vec<Follow>) -> Result<Vec<Followed>, SinkError> {
        if let Some(embedded) = &mut self.embedded {
            return embedded.follow(changes);
        }
        let changes = changes_to_wire(&changes);
        let asked = self.question(move |driver| driver.ask_follow(changes))?;
        from_wire(self.ingested(asked)?)
    }

    fn roots(&mut self, threads: &[ThreadId]) -> Result<Vec<ThreadId>, SinkError> {
        let threads = threads.to_vec();
        self.ask(move |driver| driver.device.roots(&threads))
    }
}
