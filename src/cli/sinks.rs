//! Where an import goes: a backend in this process, or a remote one.
//!
//! Invariant: outcomes come back in the order of submission, and each is durable.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Receiver;

use crate::backend::{BackendError, HostHandle, prepare};
use crate::bridge::import::{ImportReport, ImportRequest, Progress, import};
use crate::bridge::ledger::Ledger;
use crate::bridge::{Follow, Followed, Incoming, MailSink, Outcome, SinkError};
use crate::cli::session::Session;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::RemoteSink;
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
        let pipeline = Pipeline { host, waiting: VecDeque::new() };
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
        let db = self.session.driver.device.db();
        let root = |thread: &ThreadId| {
            let root = crate::mailbox::root_of(db, thread);
            root.map(|root| root.unwrap_or_else(|| thread.clone()))
        };
        let roots: Result<_, _> = threads.iter().map(root).collect();
        roots.map_err(|error: crate::store::StoreError| SinkError(error.notice()))
    }
}

/// Batches on their way into a backend of this process: the next is parsed while one is committed.
struct Pipeline {
    host: HostHandle,
    waiting: VecDeque<Answer>,
}

impl Pipeline {
    fn answer(&mut self) -> Result<Vec<Outcome>, SinkError> {
        let Some(answer) = self.waiting.pop_front() else { return Ok(Vec::new()) };
        let gone = || SinkError(BackendError::Stopped.notice());
        answer.recv().map_err(|_| gone())?.map_err(SinkError)
    }
}

impl MailSink for Pipeline {
    fn submit(&mut self, batch: Vec<Incoming>) -> Result<Vec<Outcome>, SinkError> {
        let now = SystemClock.now();
        let prepared = batch.into_iter().map(|incoming| prepare(incoming, now)).collect();
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
    let mut sink = Pipeline { host: host.clone(), waiting: VecDeque::new() };
    import(request, ledger, &mut sink, progress, stop)
}
