//! The thread that searches for devices which do not hold all mail themselves.
//!
//! Invariant: it reads only, from connections of its own; neither the backend nor a device waits
//! for it. Of a session what was asked last is answered; what it asked before is given up without
//! an answer. What goes over the wire is bounded by named limits.

use std::collections::{BTreeMap, VecDeque};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::showing::Showing;
use crate::backend::indexer::drop_spoilt_index;
use crate::backend::storage::{self, Logs, Texts};
use crate::mailbox;
use crate::notice::Explain as _;
use crate::safe_text;
use crate::search::index::is_spoilt;
use crate::search::query::MAX_QUERY_BYTES;
use crate::search::{Ask, Context, Hit, Index, Needles, Order, Query, parse};
use crate::store::{Db, Interrupter, Kind, StoreError};
use crate::sync::{FoundHit, Frame};

/// Conversations that are found for a device, at most.
const MAX_HITS: usize = 1_000;
/// Of these so many get the line in which the words stand.
const MAX_LINES: usize = 100;
/// The rows, beside the index.
const MAILBOX: &str = "mailbox.db";
/// How long one search may take.
const MOST_TIME: Duration = Duration::from_secs(10);
/// How long the thread waits for the next search before it closes its files.
const IDLE: Duration = Duration::from_mins(1);

/// Takes an answer to a session; says whether anybody listens still.
type Tell = Arc<dyn Fn(u64, Frame) -> bool + Send + Sync>;

/// What a device asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) seq: u64,
    pub(super) query: String,
    pub(super) best: bool,
    pub(super) typing: bool,
    pub(super) limit: u64,
}

/// The door to the thread; cheap to copy. The thread starts when something is asked first.
#[derive(Clone)]
pub(super) struct Finder {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Finder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Finder")
    }
}

struct Shared {
    dir: PathBuf,
    tell: Tell,
    state: Mutex<State>,
    rung: Condvar,
    /// The number of the search that is under way; another one breaks it off.
    current: AtomicU64,
}

#[derive(Default)]
struct State {
    /// What is asked, one search a session.
    asked: BTreeMap<u64, Asked>,
    /// Whose turn it is.
    turns: VecDeque<u64>,
    /// Whose search is under way.
    busy: Option<u64>,
    /// What breaks off what the thread reads.
    reads: Vec<Interrupter>,
    running: bool,
    stop: bool,
}

impl Finder {
    /// Of the backend in `dir`.
    pub(super) fn new(dir: &Path, tell: Tell) -> Self {
        let (dir, state, rung) = (dir.to_owned(), Mutex::default(), Condvar::new());
        Self { shared: Arc::new(Shared { dir, tell, state, rung, current: AtomicU64::new(0) }) }
    }

    /// A session asks, instead of what it asked before.
    pub(super) fn ask(&self, session: u64, asked: Asked) {
        let mut state = self.shared.lock();
        if state.stop {
            return;
        }
        if state.asked.insert(session, asked).is_none() {
            state.turns.push_back(session);
        }
        if state.busy == Some(session) {
            self.shared.break_off(&state);
        }
        if !state.running {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("finder".to_owned());
            // Where no thread can be had nobody answers, and the device finds what it holds.
            state.running = thread.spawn(move || shared.run()).is_ok();
        }
        drop(state);
        self.shared.rung.notify_all();
    }

    /// A session is gone: what it asked is given up.
    pub(super) fn forget(&self, session: u64) {
        let mut state = self.shared.lock();
        state.asked.remove(&session);
        state.turns.retain(|turn| *turn != session);
        if state.busy == Some(session) {
            self.shared.break_off(&state);
        }
    }

    /// The backend ends.
    pub(super) fn stop(&self) {
        let mut state = self.shared.lock();
        state.stop = true;
        self.shared.break_off(&state);
        drop(state);
        self.shared.rung.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn break_off(&self, state: &State) {
        self.current.fetch_add(1, Ordering::SeqCst);
        state.reads.iter().for_each(Interrupter::interrupt);
    }

    /// Answers until nobody asks for a while.
    fn run(&self) {
        let mut open = None;
        while let Some((session, asked, number)) = self.next() {
            let found = self.answer(&mut open, &asked, number);
            let mut state = self.lock();
            state.busy = None;
            let given_up = self.current.load(Ordering::SeqCst) != number;
            drop(state);
            if !given_up && !(self.tell)(session, found) {
                self.lock().stop = true;
            }
        }
    }

    /// What is to be answered next, and its number; `None` when the thread is to end.
    fn next(&self) -> Option<(u64, Asked, u64)> {
        let until = Instant::now() + IDLE;
        let mut state = self.lock();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if state.stop || (left.is_zero() && state.turns.is_empty()) {
                (state.running, state.reads) = (false, Vec::new());
                return None;
            }
            if let Some(session) = state.turns.pop_front()
                && let Some(asked) = state.asked.remove(&session)
            {
                state.busy = Some(session);
                let number = self.current.fetch_add(1, Ordering::SeqCst) + 1;
                return Some((session, asked, number));
            }
            let waited = self.rung.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn answer(&self, open: &mut Option<Open>, asked: &Asked, number: u64) -> Frame {
        let found = self.find(open, asked, number).or_else(|error| {
            // A file may have been made again under the last try.
            *open = None;
            let goes_on = self.current.load(Ordering::SeqCst) == number;
            if goes_on { self.find(open, asked, number) } else { Err(error) }
        });
        found.unwrap_or_else(|error| {
            *open = None;
            if is_spoilt(&error) {
                // Who follows the logs makes it again; what fails is tried by the next search.
                let _ = drop_spoilt_index(&self.dir);
            }
            let wrong = Some(error.notice().message);
            Frame::Found { seq: asked.seq, hits: Vec::new(), more: false, lacks: 0, wrong }
        })
    }

    fn find(
        &self,
        open: &mut Option<Open>,
        asked: &Asked,
        number: u64,
    ) -> Result<Frame, StoreError> {
        let seq = asked.seq;
        let lacks = storage::look(&self.dir, Logs::Backend, usize::MAX)?.lacks as u64;
        if open.as_ref().is_none_or(|open| open.stamps != stamps(&self.dir)) {
            *open = None;
            *open = Open::of(&self.dir)?;
            let mut state = self.lock();
            state.reads = open.as_ref().map(Open::interrupters).unwrap_or_default();
        }
        let Some(open) = open else {
            return Ok(Frame::Found { seq, hits: Vec::new(), more: false, lacks, wrong: None });
        };
        let begun = Instant::now();
        let go_on = || self.current.load(Ordering::SeqCst) == number && begun.elapsed() < MOST_TIME;
        let query = understood(&asked.query);
        let limit = usize::try_from(asked.limit).unwrap_or(MAX_HITS).min(MAX_HITS);
        let order = if asked.best { Order::Relevance } else { Order::Newest };
        let ask = Ask { query: &query, limit: limit + 1, order, typing: asked.typing };
        let mut hits = {
            let _still = open.mailbox.still()?;
            open.index.find(&ask, &mut Showing::of(&open.mailbox, &open.texts)?, &go_on)?
        };
        let more = hits.len() > limit || begun.elapsed() >= MOST_TIME;
        hits.truncate(limit);
        let needles = Needles::of(&query);
        let hits = hits.into_iter().enumerate().map(|(at, hit)| {
            let quoted = at < MAX_LINES && go_on();
            told(hit, quoted.then_some(&open.texts), &needles)
        });
        Ok(Frame::Found { seq, hits: hits.collect(), more, lacks, wrong: None })
    }
}

/// What a printed query asks. Its days are those of UTC, and it names nobody and no other search.
fn understood(text: &str) -> Query {
    let text = &text[..text.floor_char_boundary(MAX_QUERY_BYTES)];
    let context = Context { now: 0, zone: &TimeZone::UTC, me: &[], typing: false, saved: &[] };
    parse(text, &context).query
}

/// A hit as it is told.
fn told(hit: Hit, texts: Option<&Texts>, needles: &Needles) -> FoundHit {
    let text = texts.and_then(|texts| texts.of(&hit.thread, hit.date).ok().flatten());
    let snippet = text.and_then(|text| needles.snippet(&safe_text::text(&text)));
    let (line, marks) = snippet.map_or_else(Default::default, |snippet| {
        let marks = snippet.hits.iter().map(|at| (at.start, at.end)).collect();
        (snippet.text, marks)
    });
    FoundHit { root: hit.root, date: hit.date, line, marks }
}

/// The files that are searched.
struct Open {
    index: Index,
    mailbox: Db,
    texts: Texts,
    /// What the files were known by: one that was made again since is another.
    stamps: [Stamp; 2],
}

/// What a file is known by, whatever its name.
type Stamp = Option<(u64, u64)>;

fn stamps(dir: &Path) -> [Stamp; 2] {
    [Index::NAME, MAILBOX]
        .map(|name| std::fs::metadata(dir.join(name)).ok().map(|meta| (meta.dev(), meta.ino())))
}

impl Open {
    /// `None` where something is not there yet.
    fn of(dir: &Path) -> Result<Option<Self>, StoreError> {
        let stamps = stamps(dir);
        let Some(index) = Index::read(dir)? else { return Ok(None) };
        let path = dir.join(MAILBOX);
        let Some(mailbox) = Db::read(&path, Kind::Mailbox, mailbox::VERSION)? else {
            return Ok(None);
        };
        let texts = Texts::open(dir, Logs::Backend)?;
        Ok(texts.map(|texts| Self { index, mailbox, texts, stamps }))
    }

    fn interrupters(&self) -> Vec<Interrupter> {
        vec![self.index.interrupter(), self.mailbox.interrupter()]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::backend::indexer::index_now;
    use crate::backend::tests::{mail, open, take_in};
    use crate::backend::{Backend, Prepared};

    /// A backend's directory, and the one thread that searches in it all along.
    struct There {
        dir: tempfile::TempDir,
        backend: Backend,
        finder: Finder,
        told: Receiver<Frame>,
        seq: u64,
    }

    impl There {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let (sender, told) = channel();
            let tell: Tell = Arc::new(move |_, frame| sender.send(frame).is_ok());
            let (backend, finder) = (open(dir.path()), Finder::new(dir.path(), tell));
            Self { dir, backend, finder, told, seq: 0 }
        }

        fn take_in(&mut self, message: Prepared) {
            take_in(&mut self.backend, vec![message]);
            self.backend.drain().unwrap();
            index_now(self.dir.path(), Logs::Backend, &|| true).unwrap();
        }

        /// How many are found, and what is said to be wrong.
        fn ask(&mut self, query: &str) -> (usize, Option<String>) {
            self.seq += 1;
            let (seq, query) = (self.seq, query.to_owned());
            self.finder.ask(1, Asked { seq, query, best: false, typing: false, limit: 9 });
            match self.told.recv_timeout(MOST_TIME).unwrap() {
                Frame::Found { seq, hits, wrong, .. } if seq == self.seq => (hits.len(), wrong),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn an_index_that_was_made_again_is_the_one_that_is_searched() {
        let mut there = There::new();
        there.take_in(mail("alpha", &[]));
        assert_eq!(there.ask("alpha"), (1, None));
        // The files that the thread holds open are no longer those of the directory.
        Index::remove(there.dir.path()).unwrap();
        there.take_in(mail("beta", &[]));
        assert_eq!(there.ask("beta"), (1, None));
        assert_eq!(there.ask("alpha"), (1, None));
    }

    #[test]
    fn a_damaged_index_is_taken_away_and_searched_again_when_it_is_there_again() {
        let mut there = There::new();
        there.take_in(mail("alpha", &[]));
        let file = there.dir.path().join(Index::NAME);
        std::fs::write(&file, b"no index at all").unwrap();
        let (found, wrong) = there.ask("alpha");
        assert_eq!((found, wrong.is_some(), file.exists()), (0, true, false));
        index_now(there.dir.path(), Logs::Backend, &|| true).unwrap();
        assert_eq!(there.ask("alpha"), (1, None));
    }
}
