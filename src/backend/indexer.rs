//! The thread beside the backend that keeps the index of words.
//!
//! Invariant: nobody waits for it but who asks to; it takes no lock that the backend needs, and
//! gives way to everything else on the machine, unless somebody said to wait for it. A death at any
//! moment costs the batch that was being written. What it cannot do now it tries again, and takes
//! nothing else along.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::backend::Finding;
use crate::backend::storage::{self, Feed, Logs, Looked};
use crate::bridge::Outcome;
use crate::id::BlobHash;
use crate::search::Index;
use crate::search::ahead::Ahead;
use crate::search::entry::Words;
use crate::search::index::is_spoilt;
use crate::store::StoreError;

/// How long it waits after its start, unless there is something to do: a backend that was started
/// for one command indexes nothing.
const FIRST: Duration = Duration::from_millis(250);
/// How long it rests after it was refused.
const REST: Duration = Duration::from_secs(5);
/// How long it lets what comes gather before it looks again.
const GATHER: Duration = Duration::from_millis(50);
/// The same while somebody puts very much in and waits for none of it yet: in large batches words
/// cost less.
const GATHER_MUCH: Duration = Duration::from_millis(500);
/// How often who waits is told how far it is.
const TELL: Duration = Duration::from_millis(200);
/// How much it gives way to other threads of the machine, as `nice` counts.
const NICE: i32 = 5;

/// The thread.
#[derive(Debug)]
pub(super) struct Indexer {
    bell: Arc<Bell>,
    /// Words that were read while their messages came in.
    ahead: Arc<Ahead>,
    thread: Option<JoinHandle<()>>,
}

/// A door to it; cheap to copy.
#[derive(Debug, Clone)]
pub struct IndexHandle {
    bell: Arc<Bell>,
    dir: PathBuf,
}

#[derive(Debug, Default)]
struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How often it was rung.
    rung: u64,
    /// What it had heard when it last had nothing left to do.
    done: u64,
    /// Events that it has looked at.
    passed: usize,
    /// It was refused since.
    failed: bool,
    /// Somebody will wait for it.
    hurry: bool,
    /// How many wait for it now.
    waited: usize,
    stop: bool,
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) -> u64 {
        let mut state = self.lock();
        state.rung += 1;
        self.rung.notify_all();
        state.rung
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, most: Duration) -> MutexGuard<'a, State> {
        self.rung.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Indexer {
    /// Begins to follow the logs in `dir`.
    pub(super) fn start(dir: &Path) -> Self {
        let bell = Arc::new(Bell::default());
        let ahead = Arc::new(Ahead::default());
        let (own, words) = (Arc::clone(&bell), Arc::clone(&ahead));
        let dir = dir.to_owned();
        // Where no thread can be had, the next process catches up.
        let thread = std::thread::Builder::new().name("index".to_owned());
        let thread = thread.spawn(move || follow(&dir, &own, &words)).ok();
        Self { bell, ahead, thread }
    }

    /// Keeps the words of messages that are put into the logs, as far as they are: these are asked
    /// for.
    pub(super) fn keep(&self, words: Vec<Option<(BlobHash, Words)>>, became: &[Outcome]) {
        for (words, became) in words.into_iter().zip(became) {
            let new = matches!(became, Outcome::Imported { .. } | Outcome::Copy { .. });
            if let Some((of, words)) = words.filter(|_| new && self.thread.is_some()) {
                self.ahead.put(of, words);
            }
        }
    }

    /// What was kept may be of messages that are not in the logs after all.
    pub(super) fn forget(&self) {
        self.ahead.clear();
    }

    /// Something came.
    pub(super) fn ring(&self) {
        self.bell.ring();
    }

    /// A door to it.
    pub(super) fn handle(&self, dir: &Path) -> IndexHandle {
        IndexHandle { bell: Arc::clone(&self.bell), dir: dir.to_owned() }
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.bell.lock().stop = true;
        self.bell.rung.notify_all();
        if let Some(thread) = self.thread.take() {
            // It ends between two messages; a batch that is not whole is rolled back.
            let _ = thread.join();
        }
    }
}

impl IndexHandle {
    /// Says at the start that somebody will wait for it: it then gives way to nobody.
    pub fn hurry(&self) {
        self.bell.lock().hurry = true;
    }

    /// Waits until all that is on disk now is in the index, or it cannot be; `tell` hears how many
    /// messages are not in it, now and then, and says whether to go on. Whether it is.
    pub fn catch_up(&self, tell: &mut dyn FnMut(usize) -> bool) -> bool {
        let wanted = self.bell.ring();
        let _waiting = Waiting::begin(&self.bell);
        let (mut told, mut left) = (Instant::now(), Left::default());
        loop {
            let state = self.bell.lock();
            if state.done >= wanted {
                return true;
            }
            if state.stop || state.failed {
                return false;
            }
            let passed = self.bell.wait(state, TELL).passed;
            if told.elapsed() >= TELL {
                told = Instant::now();
                if !tell(left.now(passed, || lacking(&self.dir))) {
                    return false;
                }
            }
        }
    }
}

/// Somebody who waits for all to be in.
struct Waiting<'a>(&'a Bell);

impl<'a> Waiting<'a> {
    fn begin(bell: &'a Bell) -> Self {
        bell.lock().waited += 1;
        bell.rung.notify_all();
        Self(bell)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waited -= 1;
    }
}

/// Follows the logs until it is told to stop.
fn follow(dir: &Path, bell: &Bell, ahead: &Arc<Ahead>) {
    let (mut feed, mut nice) = (None, false);
    // When it looks unasked; and before when it does not look again.
    let (mut unasked, mut earliest) = (Some(Instant::now() + FIRST), Instant::now());
    while let Some(heard) = await_work(bell, unasked, earliest) {
        if !nice && !bell.lock().hurry {
            nice = true;
            // Elsewhere than on Linux it would be the whole process that gives way.
            #[cfg(target_os = "linux")]
            let _ = rustix::process::nice(NICE);
        }
        let done = pass(dir, &mut feed, (bell, ahead));
        let gather = if bell.lock().hurry { GATHER_MUCH } else { GATHER };
        let rest = Instant::now() + if done.is_ok() { gather } else { REST };
        (unasked, earliest) = (done.is_err().then_some(rest), rest);
        let mut state = bell.lock();
        state.failed = done.is_err();
        if done.is_ok() {
            state.done = heard;
        } else {
            feed = None; // and what is wrong with its files is seen when they are opened
        }
        bell.rung.notify_all();
    }
}

/// Waits until there may be something to do; what was heard by then, or `None` when it is to stop.
fn await_work(bell: &Bell, unasked: Option<Instant>, earliest: Instant) -> Option<u64> {
    let mut state = bell.lock();
    loop {
        let earliest = if state.waited > 0 { Instant::now() } else { earliest };
        let asked = (state.rung > state.done).then_some(earliest);
        let next = [asked, unasked].into_iter().flatten().min();
        let wait = next.map_or(REST, |next| next.saturating_duration_since(Instant::now()));
        if state.stop {
            return None;
        }
        if wait.is_zero() {
            return Some(state.rung);
        }
        state = bell.wait(state, wait);
    }
}

/// What a file is known by, whatever its name.
type Stamp = Option<(u64, u64)>;

fn stamp(dir: &Path) -> Stamp {
    let meta = std::fs::metadata(dir.join(Index::NAME)).ok()?;
    Some((meta.dev(), meta.ino()))
}

/// Takes in all that is there. An index that somebody took away meanwhile, since it was damaged, is
/// not written to: nobody would read it.
fn pass(
    dir: &Path,
    open: &mut Option<(Feed, Stamp)>,
    (bell, ahead): (&Bell, &Arc<Ahead>),
) -> Result<(), StoreError> {
    if open.as_ref().is_some_and(|(_, of)| *of != stamp(dir)) {
        *open = None;
    }
    if open.is_none() {
        let before = stamp(dir); // should it be another by then, it is opened once more
        let feed = Feed::open(dir, Logs::Backend)?;
        *open = feed.map(|feed| (feed.with(Arc::clone(ahead)), before));
    }
    let Some((feed, _)) = open else { return Ok(()) };
    let go_on = || !bell.lock().stop;
    while let Some(events) = feed.step(&go_on)? {
        let mut state = bell.lock();
        state.passed += events;
        // What came meanwhile is gathered, unless somebody waits.
        if state.hurry && state.waited == 0 && !feed.is_behind() {
            return Ok(());
        }
    }
    while go_on() && feed.merge()? {}
    Ok(())
}

/// How many events are left, without counting them each time: that reads all of them.
#[derive(Debug, Default)]
struct Left {
    /// How many there were when they were counted.
    counted: usize,
    /// How many had been looked at by then.
    passed: usize,
}

impl Left {
    /// How many there are, when so many have been looked at.
    fn now(&mut self, passed: usize, count: impl FnOnce() -> usize) -> usize {
        let since = passed - self.passed;
        if since >= self.counted {
            *self = Self { counted: count(), passed };
            return self.counted;
        }
        self.counted - since
    }
}

/// How many messages the index of a backend lacks.
fn lacking(dir: &Path) -> usize {
    storage::look(dir, Logs::Backend, usize::MAX).map_or(0, |looked| looked.lacks)
}

/// Takes into the index in `dir` what it lacks, as long as `go_on` says so; another process may do
/// the same.
///
/// # Errors
/// When a file cannot be read or written.
pub fn index_now(dir: &Path, logs: Logs, go_on: &dyn Fn() -> bool) -> Result<(), StoreError> {
    let Some(mut feed) = Feed::open(dir, logs)? else { return Ok(()) };
    while feed.step(go_on)?.is_some() {}
    while go_on() && feed.merge()? {}
    Ok(())
}

/// As [`index_now`], until `until`, which is asked between batches, after each of which `tell` is
/// called. What was taken in stays.
///
/// # Errors
/// When a file cannot be read or written.
pub fn index_until(
    dir: &Path,
    logs: Logs,
    until: Instant,
    tell: &dyn Fn(),
) -> Result<(), StoreError> {
    let Some(mut feed) = Feed::open(dir, logs)? else { return Ok(()) };
    while feed.step(&|| true)?.is_some() {
        if Instant::now() >= until {
            break;
        }
        tell();
    }
    Ok(())
}

/// Takes the index in `dir` away if it is damaged; whether it was.
///
/// # Errors
/// When a file cannot be read, or not be taken away.
pub fn drop_spoilt_index(dir: &Path) -> Result<bool, StoreError> {
    let spoilt = !damage(dir)?.is_empty();
    if spoilt {
        Index::remove(dir)?;
    }
    Ok(spoilt)
}

/// Checks the file of the index in `dir`; a damaged one is made again where `repair` says so.
///
/// # Errors
/// When a file cannot be read or written.
pub fn check_index(dir: &Path, logs: Logs, repair: bool) -> Result<Vec<Finding>, StoreError> {
    let wrong = damage(dir)?;
    let repaired = repair && !wrong.is_empty();
    if repaired {
        Index::remove(dir)?;
        index_now(dir, logs, &|| true)?;
    }
    let path = dir.join(Index::NAME);
    let line = |wrong: String| format!("{}: {wrong}", path.display());
    let all = wrong.into_iter().map(line);
    Ok(all.map(|line| Finding { repaired, ..Finding::new("search", line) }).collect())
}

/// What is wrong with the file of the index in `dir`.
fn damage(dir: &Path) -> Result<Vec<String>, StoreError> {
    match Index::read(dir).and_then(|index| index.map_or(Ok(Vec::new()), |index| index.integrity()))
    {
        Err(error) if is_spoilt(&error) => Ok(vec![error.to_string()]),
        found => found,
    }
}

/// Looks at the index in `dir`; what it lacks is counted up to `most`.
///
/// # Errors
/// When a file cannot be read.
pub fn look_at_index(dir: &Path, logs: Logs, most: usize) -> Result<Looked, StoreError> {
    storage::look(dir, logs, most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::tests::{mail, open, take_in};
    use crate::backend::thread_client::state_of;
    use crate::bridge::Incoming;
    use crate::id::{LabelId, StoreId, ThreadId};
    use crate::label;
    use crate::search::{Ask, Context, Names, Order, Rows, parse};

    /// Every thread is a conversation in the inbox.
    struct Every;

    impl Names for Every {
        fn labels(&mut self, _: &str) -> Vec<LabelId> {
            Vec::new()
        }
    }

    impl Rows for Every {
        fn shown(
            &mut self,
            thread: &ThreadId,
        ) -> Result<Option<(ThreadId, Vec<LabelId>)>, StoreError> {
            Ok(Some((thread.clone(), vec![label::system("inbox")])))
        }

        fn few(&mut self, _: &[LabelId], _: usize) -> Result<Option<Vec<ThreadId>>, StoreError> {
            Ok(None)
        }
    }

    fn found(dir: &Path, text: &str) -> usize {
        let looked = look_at_index(dir, Logs::Backend, 9).unwrap();
        assert_eq!((looked.lacks, looked.stale), (0, false));
        let zone = jiff::tz::TimeZone::UTC;
        let context = Context { now: 0, zone: &zone, me: &[], typing: false, saved: &[] };
        let query = parse(text, &context).query;
        let ask = Ask { query: &query, limit: 9, order: Order::Newest, typing: false };
        looked.index.unwrap().find(&ask, &mut Every, &|| true).unwrap().len()
    }

    #[test]
    fn what_is_gone_at_its_source_is_found_again_when_it_is_there_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut backend = open(dir.path());
        let threads = take_in(&mut backend, vec![mail("alpha", &[]), mail("beta", &[])]);
        assert_eq!(look_at_index(dir.path(), Logs::Backend, 9).unwrap().lacks, 2);
        let state = state_of(&backend.db, &StoreId::thread(&threads[0])).unwrap();
        let alpha = [(threads[0].clone(), state.messages[0].message.message.clone())];
        for (step, (removed, expected)) in
            [(false, 1), (true, 0), (true, 0), (false, 1)].into_iter().enumerate()
        {
            backend.remove_messages(&alpha, removed, &format!("step {step}")).unwrap();
            backend.commit().unwrap();
            index_now(dir.path(), Logs::Backend, &|| true).unwrap();
            assert_eq!(found(dir.path(), "alpha"), expected, "step {step}");
            assert_eq!(found(dir.path(), "beta"), 1);
        }
        // All of it at once gives the same.
        Index::remove(dir.path()).unwrap();
        index_now(dir.path(), Logs::Backend, &|| true).unwrap();
        assert_eq!((found(dir.path(), "alpha"), found(dir.path(), "beta")), (1, 1));
    }

    #[test]
    fn what_is_left_is_counted_anew_only_when_that_was_looked_at() {
        let mut left = Left::default();
        for (passed, there, expected) in
            [(0, 10, 10), (4, 99, 6), (9, 99, 1), (10, 30, 30), (39, 99, 1), (50, 0, 0), (50, 7, 7)]
        {
            assert_eq!(left.now(passed, || there), expected, "{passed} {there}");
        }
    }

    #[test]
    fn words_that_were_read_before_are_not_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut backend = open(dir.path());
        let indexer = Indexer::start(dir.path());
        let handle = indexer.handle(dir.path());
        handle.hurry();
        let raw = |n: u8| format!("Message-ID: <{n}@x.org>\n\nwritten\n").into_bytes();
        let mut come = |planted: bool, n: u8| {
            let folder = crate::bridge::Folder::default();
            let incoming = Incoming { raw: raw(n), folder, flags: None, file_time: None };
            let mut prepared = crate::backend::prepare_with_words(incoming, 1);
            let (of, mut words) = prepared.take_words().unwrap();
            assert_eq!(words.texts.body, "written");
            words.texts.body = "planted".to_owned();
            let became = backend.ingest(vec![prepared], 1).unwrap();
            indexer.keep(vec![planted.then_some((of, words))], &became);
            backend.commit().unwrap();
            assert!(handle.catch_up(&mut |_| true));
        };
        come(true, 1);
        come(false, 2);
        assert_eq!((found(dir.path(), "planted"), found(dir.path(), "written")), (1, 1));
        // What is there already comes into no log: its words are nobody's.
        come(true, 2);
        assert_eq!((found(dir.path(), "planted"), found(dir.path(), "written")), (1, 1));
        assert_eq!(indexer.ahead.take(&crate::store::Blobs::name(&raw(2))), None);
    }

    #[test]
    fn who_waits_for_the_thread_hears_when_all_is_in() {
        let dir = tempfile::tempdir().unwrap();
        let mut backend = open(dir.path());
        let indexer = Indexer::start(dir.path());
        let handle = indexer.handle(dir.path());
        for name in ["alpha", "beta", "gamma"] {
            take_in(&mut backend, vec![mail(name, &[])]);
            assert!(handle.catch_up(&mut |_| true));
            assert_eq!(found(dir.path(), name), 1);
        }
        drop(indexer);
        assert!(!handle.catch_up(&mut |_| true), "nobody does it any more");
    }
}
