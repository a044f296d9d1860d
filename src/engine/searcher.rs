//! The thread that searches, with connections of its own: neither keys nor the engine wait for it.
//!
//! Invariant: what is asked last is answered; what was asked before it is broken off, and never
//! answered after it. It reads only. Files that were made again meanwhile are opened again.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::SystemClock;
use crate::engine::search::{Indexed, Reading, Shelf, Sought};
use crate::engine::{Device, EngineError};
use crate::id::ThreadId;
use crate::notice::{Explain as _, Notice};
use crate::safe_text;
use crate::search::{Ask, Hit, Index, Needles, Snippet};
use crate::store::Interrupter;

/// How often it is looked how far the index is, while it lacks something.
const LOOK: Duration = Duration::from_secs(1);

/// Messages whose texts are looked into for a search, at most.
const MAX_QUOTED: usize = 300;
/// Of these so many are told at a time: about a screen of rows.
const QUOTED_AT_ONCE: usize = 40;

/// What the thread says.
#[derive(Debug)]
pub(super) enum Said {
    /// The conversations that were found, and whether there are more.
    Found { ticket: u64, hits: Vec<Hit>, more: bool, wrong: Option<Notice> },
    /// What of the messages that answer was asked for, by the roots of their conversations.
    Snippets { ticket: u64, of: Vec<(ThreadId, Snippet)> },
    /// How far the index is.
    Indexed(Indexed),
}

struct Job {
    number: u64,
    ticket: u64,
    sought: Sought,
    limit: usize,
}

/// What is shared with the thread.
#[derive(Default)]
struct Shared {
    /// The number of the last search that was asked for.
    newest: AtomicU64,
    /// What breaks off what the thread reads.
    reads: Mutex<Vec<Interrupter>>,
}

/// The door to the thread; it ends when this goes.
pub(super) struct Searcher {
    shared: Arc<Shared>,
    jobs: Sender<Job>,
}

impl Searcher {
    /// Starts the thread for the device in `dir`; `tell` says whether anybody listens still.
    pub(super) fn start(
        dir: PathBuf,
        shelf: Shelf,
        tell: impl Fn(Said) -> bool + Send + 'static,
    ) -> Self {
        let (jobs, asked) = mpsc::channel();
        let shared = Arc::<Shared>::default();
        let mine = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("search".to_owned());
        // Where no thread can be had nothing is found, and that is seen.
        let _ = thread.spawn(move || Reads::new(dir, shelf, mine).run(&asked, &tell));
        Self { shared, jobs }
    }

    /// Searches, instead of what was asked for before.
    pub(super) fn seek(&self, ticket: u64, sought: Sought, limit: usize) {
        let number = self.stop() + 1;
        self.shared.newest.store(number, Ordering::SeqCst);
        // A thread that is gone answers nothing.
        let _ = self.jobs.send(Job { number, ticket, sought, limit });
    }

    /// Breaks off what is under way; the number of what was asked for last.
    pub(super) fn stop(&self) -> u64 {
        let number = self.shared.newest.fetch_add(1, Ordering::SeqCst) + 1;
        let reads = self.shared.reads.lock().unwrap_or_else(PoisonError::into_inner);
        reads.iter().for_each(Interrupter::interrupt);
        number
    }
}

/// What is said where the index was damaged.
fn made_again() -> Notice {
    let hint = "what is not in it yet is not found";
    Notice::warning("index", "the index was damaged, and is made again", hint)
}

/// What a file is known by, whatever its name.
type Stamp = Option<(u64, u64)>;

fn stamp(path: &Path) -> Stamp {
    std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// The thread's files.
struct Reads {
    dir: PathBuf,
    shelf: Shelf,
    shared: Arc<Shared>,
    open: Option<Open>,
    reading: Option<Reading>,
    /// How far the index was when that was looked at last, and when.
    looked: Option<(Instant, Indexed)>,
    /// The index was damaged, and the new one may have been empty when it was asked.
    anew: bool,
}

struct Open {
    device: Device,
    index: Index,
    stamps: [Stamp; 2],
}

impl Reads {
    const fn new(dir: PathBuf, shelf: Shelf, shared: Arc<Shared>) -> Self {
        Self { dir, shelf, shared, open: None, reading: None, looked: None, anew: false }
    }

    fn run(mut self, asked: &Receiver<Job>, tell: &dyn Fn(Said) -> bool) {
        loop {
            let lacks = self.looked.is_some_and(|(_, at)| at.lacks > 0);
            let next = if lacks {
                asked.recv_timeout(LOOK)
            } else {
                asked.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            let told = match next {
                Ok(first) => self.answer(&asked.try_iter().last().unwrap_or(first), tell),
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if !told || !self.look(tell) {
                return;
            }
        }
    }

    fn is_newest(&self, job: &Job) -> bool {
        self.shared.newest.load(Ordering::SeqCst) == job.number
    }

    fn answer(&mut self, job: &Job, tell: &dyn Fn(Said) -> bool) -> bool {
        let mut found = self.find(job);
        if found.is_err() && self.is_newest(job) {
            // A file may have been made again under the last try.
            self.open = None;
            found = self.find(job);
        }
        let mut spoilt = false;
        if let Err(EngineError::Store(error)) = &found
            && self.is_newest(job)
            && crate::search::index::is_spoilt(error)
        {
            // Read in pieces, it is met only now. One that is made again finds what it has by then.
            (self.open, self.reading, self.looked) = (None, None, None);
            spoilt = (self.shelf.spoilt)();
            self.anew |= spoilt;
            if spoilt {
                found = self.find(job);
            }
        }
        if !self.is_newest(job) {
            return true; // broken off
        }
        let (mut hits, wrong) = match found {
            Ok(hits) => (hits, spoilt.then(made_again)),
            Err(error) => {
                self.open = None;
                (Vec::new(), Some(error.notice()))
            }
        };
        let more = hits.len() > job.limit;
        hits.truncate(job.limit);
        let (ticket, found) = (job.ticket, hits.clone());
        tell(Said::Found { ticket, hits: found, more, wrong }) && self.quote(job, &hits, tell)
    }

    /// Looks where the words stand, once the rows are told; what was found first before the rest.
    fn quote(&mut self, job: &Job, hits: &[Hit], tell: &dyn Fn(Said) -> bool) -> bool {
        let needles = Needles::of(&job.sought.query);
        if needles.is_empty() {
            return true;
        }
        // The texts of what was found before are told already.
        let hits = &hits[hits.len().saturating_sub(MAX_QUOTED)..];
        for hits in hits.chunks(QUOTED_AT_ONCE) {
            let mut of = Vec::with_capacity(hits.len());
            for hit in hits {
                if !self.is_newest(job) {
                    return true;
                }
                self.reading = self.reading.take().or_else(|| (self.shelf.reading)());
                let text = self.reading.as_ref().and_then(|read| read(&hit.thread, hit.date));
                let snippet = text.and_then(|text| needles.snippet(&safe_text::text(&text)));
                of.extend(snippet.map(|snippet| (hit.root.clone(), snippet)));
            }
            if !tell(Said::Snippets { ticket: job.ticket, of }) {
                return false;
            }
        }
        true
    }

    fn find(&mut self, job: &Job) -> Result<Vec<Hit>, EngineError> {
        if !self.is_newest(job) {
            return Ok(Vec::new());
        }
        let stamps = self.stamps();
        if self.open.as_ref().is_none_or(|open| open.stamps != stamps) {
            (self.open, self.reading) = (None, None);
            self.open = self.open(stamps)?;
        }
        // Without an index nothing is found, and what it lacks says why.
        let Some(open) = &self.open else { return Ok(Vec::new()) };
        let Job { sought: Sought { query, order, typing }, limit, .. } = job;
        let (order, typing) = (*order, *typing);
        let ask = Ask { query, limit: limit.saturating_add(1), order, typing };
        Ok(open.device.hits(&open.index, &ask, &|| self.is_newest(job))?.0)
    }

    fn stamps(&self) -> [Stamp; 2] {
        [stamp(&self.dir.join("mailbox.db")), stamp(&self.shelf.dir.join(Index::NAME))]
    }

    fn open(&self, stamps: [Stamp; 2]) -> Result<Option<Open>, EngineError> {
        let Some(index) = Index::read(&self.shelf.dir)? else { return Ok(None) };
        let Some(mut device) = Device::read(&self.dir, Box::new(SystemClock))? else {
            return Ok(None);
        };
        device.ask_accounts(&self.shelf.of_account);
        let mut reads = self.shared.reads.lock().unwrap_or_else(PoisonError::into_inner);
        *reads = vec![index.interrupter(), device.db().interrupter()];
        Ok(Some(Open { device, index, stamps }))
    }

    /// Looks how far the index is, unless that was known to be all a moment ago; tells it.
    fn look(&mut self, tell: &dyn Fn(Said) -> bool) -> bool {
        if self.looked.is_some_and(|(when, _)| when.elapsed() < LOOK) {
            return true;
        }
        let count = |open: &Option<Open>| {
            open.as_ref().and_then(|open| open.index.count().ok()).unwrap_or(0)
        };
        let had = count(&self.open);
        // Where nobody else does, this puts in what it lacks.
        let (lacks, kept_only) = ((self.shelf.lacks)(), self.shelf.kept_only);
        if self.open.is_none() {
            self.open = self.open(self.stamps()).unwrap_or_default();
        }
        let has = count(&self.open);
        // It may be whole before anybody saw that it lacks something: the search is asked again.
        let anew = self.anew && lacks == 0;
        self.anew &= !anew;
        let now = Indexed { has, lacks, kept_only, grew: anew || kept_only && has > had };
        let before = self.looked.replace((Instant::now(), now));
        (!anew && before.is_some_and(|(_, before)| before == now)) || tell(Said::Indexed(now))
    }
}
