//! `import`: mail from files, with progress, stoppable, safe to repeat.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::backend::{HostHandle, prepare};
use crate::bridge::import::{ImportReport, ImportRequest, Progress, import};
use crate::bridge::{Incoming, MailSink, Outcome, SinkError};
use crate::cli::beside::GuestSink;
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::RemoteSink;
use crate::id::ThreadId;
use crate::label::{self, Place};
use crate::notice::{Exit, Explain as _, Notice};

/// Batches that wait for the backend at a time.
const WINDOW: usize = 2;
/// How often progress is shown on a terminal.
const TICK_TERMINAL: Duration = Duration::from_millis(100);
/// How often progress is shown as a line otherwise.
const TICK_LINES: Duration = Duration::from_secs(1);

/// Imports and says what became of it.
pub(super) fn run(
    home: &Home,
    output: Output,
    request: &ImportRequest,
    wait: bool,
) -> Result<Exit, Notice> {
    if let [path] = request.paths.as_slice()
        && !path.exists()
    {
        let line = format!("{} is not there", path.display());
        let hint = "name a file or a directory that exists";
        return Err(Notice::error("no-such-path", line, hint).exit(Exit::NotFound));
    }
    if home.offline && home.is_remote() {
        let line = "mail is taken in by the backend, and --offline reaches none";
        return Err(Notice::error("offline", line, AGAIN).exit(Exit::Unreached));
    }
    let stop = super::stop::flag();
    let mut desk = Desk::open(home)?;
    let mut bar = Bar::new(output);
    let mut show = |progress: &Progress| bar.show(progress);
    let report = match &mut desk {
        Desk::Own(session) => {
            session.connect().map_err(again)?;
            into(session, request, &mut show, &stop, wait)
        }
        Desk::Beside(guest) => import(request, &mut GuestSink { guest, wait }, &mut show, &stop),
    };
    bar.end();
    let report = report.map_err(|error| again(error.0))?;
    for notice in &report.notices {
        output.notice(notice);
    }
    output.result(&report, || plain(&report))?;
    Ok(report.exit())
}

/// The hint of an import that the backend was not there for: its files are still what they were.
const AGAIN: &str = "run it again when the backend is there; what is in already is not taken twice";

fn again(notice: Notice) -> Notice {
    match notice.exit {
        Exit::Unreached => Notice { hint: AGAIN.to_owned(), ..notice },
        _ => notice,
    }
}

/// Imports through the session's backend, embedded or remote.
pub(super) fn into(
    session: &mut Session,
    request: &ImportRequest,
    progress: &mut dyn FnMut(&Progress),
    stop: &AtomicBool,
    wait: bool,
) -> Result<ImportReport, SinkError> {
    let host = session.host.as_ref().map(crate::backend::Host::handle);
    if let Some(host) = host {
        let pipeline = Pipeline { host, waiting: VecDeque::new() };
        let mut sink = EmbeddedSink { session, pipeline, wait };
        import(request, &mut sink, progress, stop)
    } else {
        let mut sink = RemoteSink::new(&mut session.driver, &session.events);
        import(request, &mut sink, progress, stop)
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
        let gone = || SinkError(crate::backend::BackendError::Stopped.notice());
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

    /// Rows are the device's business; here every thread is its own.
    fn roots(&mut self, threads: &[ThreadId]) -> Result<Vec<ThreadId>, SinkError> {
        Ok(threads.to_vec())
    }
}

/// Imports into a backend of this process while its device runs elsewhere in it.
pub(super) fn through(
    host: &HostHandle,
    request: &ImportRequest,
    progress: &mut dyn FnMut(&Progress),
    stop: &AtomicBool,
) -> Result<ImportReport, SinkError> {
    let mut sink = Pipeline { host: host.clone(), waiting: VecDeque::new() };
    import(request, &mut sink, progress, stop)
}

/// Progress on standard error.
struct Bar {
    output: Output,
    terminal: bool,
    started: Instant,
    last: Option<Instant>,
}

impl Bar {
    fn new(output: Output) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { output, terminal, started: Instant::now(), last: None }
    }

    fn show(&mut self, progress: &Progress) {
        let tick = if self.terminal { TICK_TERMINAL } else { TICK_LINES };
        if self.last.unwrap_or(self.started).elapsed() < tick {
            return;
        }
        self.last = Some(Instant::now());
        let line = line(progress, self.started.elapsed(), self.terminal);
        self.output.progress(&line, self.terminal);
    }

    fn end(&self) {
        if self.last.is_some() && self.terminal {
            self.output.progress("", true);
        }
    }
}

fn line(progress: &Progress, since: Duration, bar: bool) -> String {
    let part = match progress.total {
        Some(total) if total > 0 => Some((progress.done, total)),
        _ if progress.bytes_total > 0 => Some((progress.bytes_done, progress.bytes_total)),
        _ => None,
    };
    let mut line = format!("importing {} messages", progress.done);
    if let Some((done, total)) = part {
        let done = done.min(total);
        let percent = done * 100 / total;
        if bar {
            let full = usize::try_from(percent / 5).unwrap_or(0).min(20);
            line = format!(
                "importing {}{} {percent} %, {} messages",
                "█".repeat(full),
                "░".repeat(20 - full),
                progress.done
            );
        } else {
            let _ = write!(line, " ({percent} %)");
        }
        if let Some(left) =
            since.as_secs().checked_mul(total - done).and_then(|n| n.checked_div(done))
        {
            let _ = write!(line, ", {left} s left");
        }
    }
    if progress.failed > 0 {
        let _ = write!(line, ", {} failed", progress.failed);
    }
    line
}

fn plain(report: &ImportReport) -> String {
    let mut lines = vec![format!(
        "{} messages: {} imported, {} duplicates, {} copies, {} failed; {} conversations, {} new{}",
        report.messages,
        report.imported,
        report.duplicates,
        report.copies,
        report.failed.count(),
        report.threads,
        report.new_threads,
        if report.stopped { " (stopped; run it again to go on)" } else { "" },
    )];
    if report.purged > 0 {
        let rest = "stay purged; --purged-too brings them back";
        lines.push(format!("  {} of them {rest}", report.purged));
    }
    for failure in report.failed.listed() {
        let path = crate::safe_text::line(&failure.path.to_string_lossy());
        lines
            .push(format!("  {path} at {}: {} ({})", failure.offset, failure.reason, failure.code));
    }
    lines.join("\n")
}

/// The request of the command line. `--label inbox` says what `--place inbox` says; a label that
/// follows from the mail itself cannot be put on it.
pub(super) fn request(
    paths: Vec<PathBuf>,
    mut place: Option<Place>,
    labels: Vec<String>,
    revive: bool,
) -> Result<ImportRequest, Notice> {
    let mut names = Vec::new();
    for text in labels {
        let usage =
            |code, line: String, hint| Err(Notice::error(code, line, hint).exit(Exit::Usage));
        let Some(name) = label::clean_name(&text) else {
            let hint = "give it at least one visible character";
            return usage("no-name", "a label needs a name".to_owned(), hint);
        };
        let id = name.to_lowercase();
        match Place::parse(&id) {
            Some(named) if place.is_none_or(|place| place == named) => place = Some(named),
            Some(_) => {
                let line = format!("{name} is a second place");
                return usage("place", line, "a conversation is in one place");
            }
            None if label::is_system(&id) => {
                let line = format!("{id} follows from the mail itself");
                return usage("derived", line, "only your own labels and places can be put on");
            }
            None => names.push(name),
        }
    }
    Ok(ImportRequest { paths, place, labels: names, revive })
}
