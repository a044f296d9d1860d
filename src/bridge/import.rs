//! Streams mail from files into a [`MailSink`], and counts what became of it.
//!
//! Invariant: one batch in memory, whatever is imported; outcomes meet the messages they are about
//! in the order of submission; nothing stops the run but the sink or the user. It must not read a
//! clock: the caller decides how often progress is drawn.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::changes::{Changes, Now};
use super::discover::{self, Source};
use super::ledger::{FileRow, Held, Ledger};
use super::mbox::{Entry, MboxReader};
use super::reading::{Origin, Reading, Single, read_single};
pub use super::report::{ImportReport, ImportRequest, Progress};
use super::survey::{self, Survey};
use super::{Follow, Incoming, MailSink, Outcome, Said, SinkError, notmuch, packed};
use crate::id::ThreadId;
use crate::{label, limits, mail};

/// Threads in one question for their roots.
const ROOTS_CHUNK: usize = 500;
/// Conversations, and messages that they name, in one batch of changes.
const FOLLOW_BATCH: (usize, usize) = (500, 20_000);

/// Imports `request.paths` into `sink`. What is as `ledger` has it is not opened; of what was known
/// and is otherwise now, the change is followed. When `stop` is set, what was submitted is finished
/// and the report says so; an import that is run again goes on, since it adds nothing twice.
///
/// # Errors
/// When the sink can take in nothing more. What it answered before stays.
pub fn import(
    request: &ImportRequest,
    ledger: &mut dyn Ledger,
    sink: &mut dyn MailSink,
    progress: &mut dyn FnMut(&Progress),
    stop: &AtomicBool,
) -> Result<ImportReport, SinkError> {
    let found = discover::discover_in(&request.paths, &request.only, stop);
    let stopped = || stop.load(Ordering::Relaxed);
    let (tags, told) = notmuch::tags(request, ledger, stop)?;
    let again = tags.changed() && request.only.is_empty();
    let survey = Survey::of(request, &found.sources, ledger, !stopped(), again);
    let mut run = Run::new(request, ledger, sink, progress, stop);
    run.tags = tags;
    run.at.bytes_total = found.sources.iter().map(Source::bytes).sum();
    let single = found.sources.iter().all(|source| !source.mbox);
    run.at.total = single.then_some(found.sources.len() as u64);
    run.report = ImportReport {
        failed: found.failures,
        skipped: found.skipped,
        notices: found.notices,
        named: found.named,
        ..ImportReport::default()
    };
    run.report.notices.extend(told);
    let Survey { roots, read, renamed, lost, same, same_bytes, left_out, touched } = survey;
    if request.only.is_empty() {
        run.report.messages += left_out.purged;
        run.report.purged += left_out.purged;
        run.report.expunged += left_out.expunged;
        run.same(same, same_bytes, touched.into_iter());
    } else {
        run.report.skipped = 0; // what was left alone was told of when all was looked at
    }
    run.tell();
    for (at, path, row) in renamed {
        run.renamed(&found.sources[at], path, row);
    }
    for (at, was) in read {
        if run.stopped() {
            break;
        }
        run.source(&found.sources[at], was)?;
    }
    run.end(&roots, &lost)
}

struct Run<'a> {
    request: &'a ImportRequest,
    /// The request's labels, cleaned.
    labels: Vec<String>,
    /// What notmuch says of messages.
    tags: notmuch::Tags,
    ledger: &'a mut dyn Ledger,
    changes: Changes,
    /// The last directory that a file was read of, and its path without links.
    here: (PathBuf, PathBuf),
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
        ledger: &'a mut dyn Ledger,
        sink: &'a mut dyn MailSink,
        progress: &'a mut dyn FnMut(&Progress),
        stop: &'a AtomicBool,
    ) -> Self {
        Self {
            request,
            labels: request.labels.iter().filter_map(|name| label::clean_name(name)).collect(),
            tags: notmuch::Tags::default(),
            changes: Changes::new(ledger),
            ledger,
            here: Default::default(),
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

    /// Files that are as they were: their messages are here already.
    fn same(&mut self, messages: u64, bytes: u64, threads: impl Iterator<Item = ThreadId>) {
        self.report.messages += messages;
        self.report.duplicates += messages;
        self.at.done += messages;
        self.at.bytes_done += bytes;
        for thread in threads {
            self.touched.entry(thread).or_default();
        }
    }

    /// A file that has only another name now, or is in another folder.
    fn renamed(&mut self, source: &Source, path: PathBuf, was: FileRow) {
        let said = Said::of(source.folder().clone(), source.flags, None, Vec::new());
        let held: Vec<Held> =
            was.held.iter().map(|held| Held { said: said.clone(), ..held.clone() }).collect();
        let threads: Vec<_> = held.iter().map(|held| held.thread.clone()).collect();
        self.same(held.len() as u64, source.bytes(), threads.into_iter());
        let imported = vec![false; held.len()];
        let row = FileRow { stamp: Some(source.stamp), held, ..FileRow::default() };
        let path_now = self.real(source);
        self.changes
            .add(self.ledger, Now { path: path_now, was: Some((path, was)), row, imported });
    }

    /// Where a file lies, without links. Files of one directory mostly follow on each other.
    fn real(&mut self, source: &Source) -> PathBuf {
        if self.here.0 != source.directory() {
            let dir = source.directory();
            self.here = (dir.to_owned(), survey::real_directory(dir));
        }
        self.here.1.join(source.name())
    }

    fn source(&mut self, source: &Source, was: Option<Box<FileRow>>) -> Result<(), SinkError> {
        let path = Rc::new(source.path());
        let before = self.at.bytes_done;
        let reading = Reading::of(source, self.real(source), was);
        let file = Rc::new(RefCell::new(reading));
        if source.mbox {
            self.mbox(source, &path, &file)?;
        } else {
            match read_single(&path) {
                Ok(Single::Message { raw, date }) => {
                    self.message(source, &path, 0, raw, date, &file)?;
                }
                Ok(Single::TooLarge) => {
                    file.borrow_mut().failed = true;
                    self.too_large(&path, 0);
                }
                Err(error) => {
                    file.borrow_mut().failed = true;
                    self.at.done += 1;
                    self.report.failed.add_io(&path, 0, &error);
                }
            }
            file.borrow_mut().ended = true;
        }
        if file.borrow().is_done() {
            self.taken(&file);
        }
        // The size when it was found, so that the sum is the total whatever was read.
        self.at.bytes_done = before + source.bytes();
        Ok(())
    }

    fn mbox(
        &mut self,
        source: &Source,
        path: &Rc<PathBuf>,
        reading: &Rc<RefCell<Reading>>,
    ) -> Result<(), SinkError> {
        let before = self.at.bytes_done;
        let fail = |error: Option<(u64, io::Error)>, failed: &mut super::failures::Failures| {
            reading.borrow_mut().failed = true;
            if let Some((at, error)) = error {
                failed.add_io(path, at, &error);
            }
        };
        let file = match packed::open(path) {
            Ok(file) => file,
            Err(error) => {
                fail(Some((0, error)), &mut self.report.failed);
                reading.borrow_mut().ended = true;
                return Ok(());
            }
        };
        let mut reader = MboxReader::new(file, limits::MAX_MESSAGE_BYTES);
        while !self.stopped() {
            match reader.next_entry() {
                Ok(None) => {
                    reading.borrow_mut().ended = true;
                    break;
                }
                Ok(Some(Entry::TooLarge { offset, .. })) => {
                    fail(None, &mut self.report.failed);
                    self.too_large(path, offset);
                }
                Ok(Some(Entry::Message { offset, date, raw })) => {
                    self.at.bytes_done = before + reader.input().position().min(source.bytes());
                    self.message(source, path, offset, raw, date, reading)?;
                }
                Err(error) => {
                    fail(Some((reader.begun_at(), error)), &mut self.report.failed);
                    reading.borrow_mut().ended = true;
                    break;
                }
            }
        }
        Ok(())
    }

    /// All of a file is answered: from now on it is known.
    fn taken(&mut self, file: &Rc<RefCell<Reading>>) {
        let now = file.borrow_mut().end();
        if let Some(now) = now {
            self.changes.add(self.ledger, now);
        }
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
        file: &Rc<RefCell<Reading>>,
    ) -> Result<(), SinkError> {
        if raw.is_empty() {
            file.borrow_mut().failed = true;
            self.report.failed.add(path, offset, "empty", "a From line without a message");
            return Ok(());
        }
        if mail::expunged(&raw) {
            self.report.expunged += 1;
            file.borrow_mut().left_out.expunged += 1;
            return Ok(());
        }
        let full = self.batch.len() >= limits::INGEST_MESSAGES
            || self.batch_bytes + raw.len() > limits::INGEST_BYTES;
        if full && !self.batch.is_empty() {
            self.submit()?;
        }
        let (mut folder, mut flags) = (source.folder().clone(), source.flags);
        let tagged = self.tags.apply(&raw, &mut folder, &mut flags);
        let source_folder = folder.clone();
        folder.place = self.request.place.or(folder.place);
        folder.revive = self.request.revive;
        for label in &self.labels {
            if !folder.labels.contains(label) {
                folder.labels.push(label.clone());
            }
        }
        self.batch_bytes += raw.len();
        let (status, keywords) = mail::stored(&raw);
        let header = tagged || status.is_some() || !keywords.is_empty();
        let said = Said::of(source_folder, flags, status, keywords);
        file.borrow_mut().waiting += 1;
        let (path, file) = (Rc::clone(path), Rc::clone(file));
        self.waiting.push_back(Origin { path, offset, said, header, file });
        self.batch.push(Incoming {
            raw,
            folder,
            flags,
            file_time: date.or(Some(source.modified())),
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
            let Some(origin) = self.waiting.pop_front() else { break };
            let file = Rc::clone(&origin.file);
            file.borrow_mut().waiting -= 1;
            self.answer(origin, outcome);
            if file.borrow().is_done() {
                self.taken(&file);
            }
        }
    }

    fn answer(&mut self, origin: Origin, outcome: Outcome) {
        let (thread, began, message, imported) = match outcome {
            Outcome::Failed { code, reason } => {
                origin.file.borrow_mut().failed = true;
                return self.failed(&origin.path, origin.offset, &code, &reason);
            }
            Outcome::Purged => {
                self.report.messages += 1;
                self.report.purged += 1;
                self.at.done += 1;
                origin.file.borrow_mut().left_out.purged += 1;
                return;
            }
            Outcome::Imported { thread, new, message } => {
                self.report.imported += 1;
                (thread, new, message, true)
            }
            Outcome::Duplicate { thread, message } => {
                self.report.duplicates += 1;
                (thread, false, message, false)
            }
            Outcome::Copy { thread, message } => {
                self.report.copies += 1;
                (thread, false, message, false)
            }
        };
        self.report.messages += 1;
        self.at.done += 1;
        // What began in this run stays so when later messages of it come.
        *self.touched.entry(thread.clone()).or_default() |= began;
        let said = (origin.said, origin.header);
        origin.file.borrow_mut().hold(message, thread, said, imported);
    }

    fn tell(&mut self) {
        self.at.imported = self.report.imported;
        self.at.failed = self.report.failed.count();
        (self.progress)(&self.at);
    }

    fn end(
        mut self,
        roots: &[PathBuf],
        lost: &[(PathBuf, FileRow)],
    ) -> Result<ImportReport, SinkError> {
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
        self.changes.flush(self.ledger);
        if !self.report.stopped {
            self.follow(roots, lost)?;
        }
        self.count_threads()?;
        self.report.left_as_expunged();
        self.report.failed.sort();
        self.report.failed_left_off = self.report.failed.left_off();
        self.tell();
        Ok(self.report)
    }

    /// Follows what changed, and remembers it once that is on disk.
    fn follow(&mut self, roots: &[PathBuf], lost: &[(PathBuf, FileRow)]) -> Result<(), SinkError> {
        let changes = std::mem::replace(&mut self.changes, Changes::new(self.ledger));
        let decided = changes.decide(self.ledger, self.request, roots, lost, &mut self.report);
        let any = !decided.follow.is_empty();
        let (mut batch, mut named) = (Vec::new(), 0);
        for follow in decided.follow {
            self.touched.entry(follow.thread.clone()).or_default();
            named += follow.covers.len();
            batch.push(follow);
            if batch.len() >= FOLLOW_BATCH.0 || named >= FOLLOW_BATCH.1 {
                self.hand_on(std::mem::take(&mut batch))?;
                named = 0;
            }
        }
        if !batch.is_empty() {
            self.hand_on(batch)?;
        }
        self.ledger.write(decided.writes);
        if any {
            let late = self.sink.finish()?;
            self.answered(late);
        }
        if self.request.only.is_empty() && !self.report.stopped {
            self.ledger.write(self.tags.rows());
            for root in roots {
                self.ledger.complete(root);
            }
        }
        Ok(())
    }

    /// A conversation that is not there is no longer anybody's to change.
    fn hand_on(&mut self, batch: Vec<Follow>) -> Result<(), SinkError> {
        self.sink.follow(batch).map(drop)
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

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
