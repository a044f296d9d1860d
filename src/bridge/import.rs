//! Streams mail from files into a [`MailSink`], and counts what became of it.
//!
//! Invariant: one batch in memory, whatever is imported; outcomes meet the messages they are about
//! in the order of submission; nothing stops the run but the sink or the user. It must not read a
//! clock: the caller decides how often progress is drawn.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::discover::{self, Source};
use super::mbox::{Entry, MboxReader};
use super::probe::{self, Start};
pub use super::report::{ImportReport, ImportRequest, Progress};
use super::{Incoming, MailSink, Outcome, SinkError, from_line, packed};
use crate::id::ThreadId;
use crate::{label, limits, mail};

/// Threads in one question for their roots.
const ROOTS_CHUNK: usize = 500;

/// Imports `request.paths` into `sink`. When `stop` is set, what was submitted is finished and the
/// report says so; an import that is run again goes on, since it adds nothing twice.
///
/// # Errors
/// When the sink can take in nothing more. What it answered before stays.
pub fn import(
    request: &ImportRequest,
    sink: &mut dyn MailSink,
    progress: &mut dyn FnMut(&Progress),
    stop: &AtomicBool,
) -> Result<ImportReport, SinkError> {
    let found = discover::discover(&request.paths, stop);
    let mut run = Run::new(request, sink, progress, stop);
    run.at.bytes_total = found.sources.iter().map(|source| source.bytes).sum();
    let single = found.sources.iter().all(|source| !source.mbox);
    run.at.total = single.then_some(found.sources.len() as u64);
    run.report = ImportReport {
        failed: found.failures,
        skipped: found.skipped,
        notices: found.notices,
        named: found.named,
        ..ImportReport::default()
    };
    run.tell();
    for source in &found.sources {
        if run.stopped() {
            break;
        }
        run.source(source)?;
    }
    run.end()
}

/// Where a message that was submitted came from.
struct Origin {
    path: Rc<PathBuf>,
    offset: u64,
}

struct Run<'a> {
    request: &'a ImportRequest,
    /// The request's labels, cleaned.
    labels: Vec<String>,
    sink: &'a mut dyn MailSink,
    progress: &'a mut dyn FnMut(&Progress),
    stop: &'a AtomicBool,
    report: ImportReport,
    at: Progress,
    batch: Vec<Incoming>,
    batch_bytes: usize,
    waiting: VecDeque<Origin>,
    /// Threads touched, and whether each began in this run.
    touched: HashMap<ThreadId, bool>,
}

impl<'a> Run<'a> {
    fn new(
        request: &'a ImportRequest,
        sink: &'a mut dyn MailSink,
        progress: &'a mut dyn FnMut(&Progress),
        stop: &'a AtomicBool,
    ) -> Self {
        Self {
            request,
            labels: request.labels.iter().filter_map(|name| label::clean_name(name)).collect(),
            sink,
            progress,
            stop,
            report: ImportReport::default(),
            at: Progress::default(),
            batch: Vec::new(),
            batch_bytes: 0,
            waiting: VecDeque::new(),
            touched: HashMap::new(),
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn source(&mut self, source: &Source) -> Result<(), SinkError> {
        let path = Rc::new(source.path());
        let before = self.at.bytes_done;
        if source.mbox {
            self.mbox(source, &path)?;
        } else {
            match read_single(&path) {
                Ok(Single::Message { raw, date }) => {
                    self.message(source, &path, 0, raw, date)?;
                }
                Ok(Single::TooLarge) => self.too_large(&path, 0),
                Err(error) => {
                    self.at.done += 1;
                    self.report.failed.add_io(&path, 0, &error);
                }
            }
        }
        // The size when it was found, so that the sum is the total whatever was read.
        self.at.bytes_done = before + source.bytes;
        Ok(())
    }

    fn mbox(&mut self, source: &Source, path: &Rc<PathBuf>) -> Result<(), SinkError> {
        let before = self.at.bytes_done;
        let file = match packed::open(path) {
            Ok(file) => file,
            Err(error) => {
                self.report.failed.add_io(path, 0, &error);
                return Ok(());
            }
        };
        let mut reader = MboxReader::new(file, limits::MAX_MESSAGE_BYTES);
        while !self.stopped() {
            match reader.next_entry() {
                Ok(None) => break,
                Ok(Some(Entry::TooLarge { offset, .. })) => self.too_large(path, offset),
                Ok(Some(Entry::Message { offset, date, raw })) => {
                    self.at.bytes_done = before + reader.input().position().min(source.bytes);
                    self.message(source, path, offset, raw, date)?;
                }
                Err(error) => {
                    self.report.failed.add_io(path, reader.begun_at(), &error);
                    break;
                }
            }
        }
        Ok(())
    }

    fn too_large(&mut self, path: &Path, offset: u64) {
        let most = limits::MAX_MESSAGE_BYTES / (1024 * 1024);
        let reason = format!("larger than {most} MiB");
        self.failed(path, offset, "too-large", &reason);
    }

    /// A message that was met and not taken in.
    fn failed(&mut self, path: &Path, offset: u64, code: &str, reason: &str) {
        self.report.messages += 1;
        self.at.done += 1;
        self.report.failed.add(path, offset, code, reason);
    }

    fn message(
        &mut self,
        source: &Source,
        path: &Rc<PathBuf>,
        offset: u64,
        raw: Vec<u8>,
        date: Option<i64>,
    ) -> Result<(), SinkError> {
        if raw.is_empty() {
            self.report.failed.add(path, offset, "empty", "a From line without a message");
            return Ok(());
        }
        if mail::expunged(&raw) {
            self.report.expunged += 1;
            return Ok(());
        }
        let full = self.batch.len() >= limits::INGEST_MESSAGES
            || self.batch_bytes + raw.len() > limits::INGEST_BYTES;
        if full && !self.batch.is_empty() {
            self.submit()?;
        }
        let mut folder = source.folder().clone();
        folder.place = self.request.place.or(folder.place);
        folder.revive = self.request.revive;
        for label in &self.labels {
            if !folder.labels.contains(label) {
                folder.labels.push(label.clone());
            }
        }
        self.batch_bytes += raw.len();
        self.waiting.push_back(Origin { path: Rc::clone(path), offset });
        self.batch.push(Incoming {
            raw,
            folder,
            flags: source.flags,
            file_time: date.or(Some(source.modified)),
        });
        Ok(())
    }

    fn submit(&mut self) -> Result<(), SinkError> {
        self.batch_bytes = 0;
        let outcomes = self.sink.submit(std::mem::take(&mut self.batch))?;
        self.answered(outcomes);
        self.tell();
        Ok(())
    }

    fn answered(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            let Some(origin) = self.waiting.pop_front() else { return };
            let (thread, began) = match outcome {
                Outcome::Failed { code, reason } => {
                    self.failed(&origin.path, origin.offset, &code, &reason);
                    continue;
                }
                Outcome::Purged => {
                    self.report.messages += 1;
                    self.report.purged += 1;
                    self.at.done += 1;
                    continue;
                }
                Outcome::Imported { thread, new } => {
                    self.report.imported += 1;
                    (thread, new)
                }
                Outcome::Duplicate { thread } => {
                    self.report.duplicates += 1;
                    (thread, false)
                }
                Outcome::Copy { thread } => {
                    self.report.copies += 1;
                    (thread, false)
                }
            };
            self.report.messages += 1;
            self.at.done += 1;
            // What began in this run stays so when later messages of it come.
            *self.touched.entry(thread).or_default() |= began;
        }
    }

    fn tell(&mut self) {
        self.at.imported = self.report.imported;
        self.at.failed = self.report.failed.count();
        (self.progress)(&self.at);
    }

    fn end(mut self) -> Result<ImportReport, SinkError> {
        self.report.stopped = self.stopped();
        if self.report.stopped {
            // Read, but handed to nobody: the next run takes it in.
            self.waiting.truncate(self.waiting.len() - self.batch.len());
            self.batch.clear();
        } else if !self.batch.is_empty() {
            self.submit()?;
        }
        let outcomes = self.sink.finish()?;
        self.answered(outcomes);
        for origin in std::mem::take(&mut self.waiting) {
            self.failed(&origin.path, origin.offset, "no-answer", "the backend gave no answer");
        }
        self.count_threads()?;
        self.report.left_as_expunged();
        self.report.failed.sort();
        self.report.failed_left_off = self.report.failed.left_off();
        self.tell();
        Ok(self.report)
    }

    /// Linked threads are one row; a row began here when all its threads that were touched did.
    fn count_threads(&mut self) -> Result<(), SinkError> {
        let touched: Vec<(ThreadId, bool)> =
            std::mem::take(&mut self.touched).into_iter().collect();
        let mut rows: HashMap<ThreadId, bool> = HashMap::new();
        for chunk in touched.chunks(ROOTS_CHUNK) {
            let threads: Vec<ThreadId> = chunk.iter().map(|(thread, _)| thread.clone()).collect();
            let roots = self.sink.roots(&threads)?;
            for (root, (_, began)) in roots.into_iter().zip(chunk) {
                *rows.entry(root).or_insert(true) &= *began;
            }
        }
        self.report.threads = rows.len() as u64;
        self.report.new_threads = rows.values().filter(|began| **began).count() as u64;
        Ok(())
    }
}

/// A file that is one message.
enum Single {
    Message { raw: Vec<u8>, date: Option<i64> },
    TooLarge,
}

fn read_single(path: &Path) -> io::Result<Single> {
    let file = packed::open(path)?;
    let mut raw = Vec::new();
    // One more than the bound shows that there is more; so does a `From ` line's worth.
    let most = limits::MAX_MESSAGE_BYTES + probe::PROBE_BYTES;
    file.take(most as u64 + 1).read_to_end(&mut raw)?;
    let date = strip_front(&mut raw);
    Ok(if raw.len() > limits::MAX_MESSAGE_BYTES {
        Single::TooLarge
    } else {
        Single::Message { raw, date }
    })
}

/// Takes away what stands before the first field: empty lines, and a `From ` line that a program
/// left in front of a single message. Returns that line's date.
fn strip_front(raw: &mut Vec<u8>) -> Option<i64> {
    let start = &raw[..raw.len().min(probe::PROBE_BYTES)];
    let (at, line) = probe::first_line(start);
    let (cut, date) = match probe::start(start) {
        Start::Field => (at, None),
        Start::Mbox => {
            let end = raw[at..].iter().position(|b| *b == b'\n').map_or(raw.len(), |n| at + n + 1);
            (end, from_line::date(line))
        }
        Start::Blank | Start::Other => (0, None),
    };
    raw.drain(..cut);
    date
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
