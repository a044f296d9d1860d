//! Who sends while the program runs, and what is known of it: `looking` looks at the outbox, and
//! has each account give away at most one message at a time (`giving`).
//!
//! Invariant: nobody who presses a key waits for any of it. Who ends this stops what was not given
//! away, waits a moment for the rest, and leaves what then is open as a crash does: as of unknown
//! end.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::looking::Looking;
use super::post::{Post, both};
use super::{Due, Told, Why};
use crate::backend::{Backend, HostHandle};
use crate::id::{EventId, ThreadId};
use crate::notice::Notice;
use crate::smtp::Stopper;
use crate::store::StoreError;

/// How long an account rests when the storage, or the machine, refuses what its next message needs:
/// until then nothing else is asked of it for that account.
const REST: Duration = Duration::from_secs(30);
/// Notices that are kept for who asks.
const KEPT: usize = 32;

/// Something that became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The account that sends it, where one was found.
    pub account: Option<String>,
    /// The store of its draft.
    pub thread: Option<ThreadId>,
    /// What queued it.
    pub queued: EventId,
    /// What to tell.
    pub notice: Notice,
}

/// What is shared with who asks.
#[derive(Debug, Default)]
pub(super) struct Shared {
    stop: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Whether the outbox was looked at since something was settled.
    pub(super) looked: bool,
    /// What is due and waits for its account.
    pub(super) waiting: usize,
    /// What is on its way, by account; and what stops it.
    pub(super) busy: BTreeMap<String, (EventId, Stopper)>,
    /// Accounts that rest, and until when.
    resting: BTreeMap<String, Instant>,
    /// Copies that were not tried to be filed.
    pub(super) unfiled: u64,
    /// When the next message is due, Unix seconds by the backend's clock.
    pub(super) next: Option<i64>,
    number: u64,
    said: VecDeque<(u64, Said)>,
}

/// A way to ask what is sent; cheap to copy.
#[derive(Debug, Clone, Default)]
pub struct SendingHandle(Arc<Shared>);

impl SendingHandle {
    /// How many messages are due or on their way; `None` while that is not known.
    #[must_use]
    pub fn pending(&self) -> Option<usize> {
        let state = self.0.lock();
        state.looked.then(|| state.waiting + state.busy.len())
    }

    /// How many sent messages were not tried to be filed at their server.
    #[must_use]
    pub fn unfiled(&self) -> u64 {
        self.0.lock().unfiled
    }

    /// When the next message is due, Unix seconds by the backend's clock.
    #[must_use]
    pub fn next(&self) -> Option<i64> {
        self.0.lock().next
    }

    /// What became of messages after the notice with this number, and the number of the last; 0 is
    /// before the first.
    #[must_use]
    pub fn said(&self, after: u64) -> (u64, Vec<Said>) {
        let state = self.0.lock();
        let new = state.said.iter().filter(|(at, _)| *at > after);
        (state.number, new.map(|(_, said)| said.clone()).collect())
    }
}

impl State {
    /// Whether an account rests.
    pub(super) fn rests(&self, account: &str) -> bool {
        self.resting.get(account).is_some_and(|until| *until > Instant::now())
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn say(&self, said: Said) {
        let mut state = self.lock();
        state.number += 1;
        let number = state.number;
        state.said.push_back((number, said));
        if state.said.len() > KEPT {
            state.said.pop_front();
        }
    }
}

/// Who sends.
#[derive(Debug)]
pub struct Sending {
    shared: Arc<Shared>,
    bell: SyncSender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Sending {
    /// Starts sending for the accounts of the data directory `dir` what a running backend has.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn start(dir: &Path, host: HostHandle, post: Arc<dyn Post>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (bell, rings) = mpsc::sync_channel(1);
        let office = Office { dir: dir.to_owned(), host, post, shared: Arc::clone(&shared) };
        let at_the_bell = bell.clone();
        let thread = std::thread::Builder::new().name("outbox".to_owned()).spawn(move || {
            Looking::new(office, at_the_bell).run(&rings);
        })?;
        Ok(Self { shared, bell, thread: Some(thread) })
    }

    /// A way to ask what is sent.
    #[must_use]
    pub fn handle(&self) -> SendingHandle {
        SendingHandle(Arc::clone(&self.shared))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // One that is full wakes the thread as well.
        let _ = self.bell.try_send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What every thread here has.
#[derive(Clone)]
pub(super) struct Office {
    pub(super) dir: PathBuf,
    host: HostHandle,
    pub(super) post: Arc<dyn Post>,
    pub(super) shared: Arc<Shared>,
}

impl Office {
    /// Asks the backend; the answer is on disk. `None` when the backend is gone.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Backend, i64) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<Result<T, Notice>> {
        self.host.work(job).ok()?.recv().ok()
    }

    /// Tells what was written of a message.
    pub(super) fn tell(&self, due: &Due, account: Option<&str>, told: Option<&Told>) {
        if let Some(notice) = told.and_then(|told| told.notice(due)) {
            self.say(due, account, notice);
        }
    }

    /// Something that was asked for a message was refused before anything of it was claimed: that
    /// is told, and its account rests.
    pub(super) fn rest(&self, due: &Due, account: &str, notice: &Notice) {
        self.shared.lock().resting.insert(account.to_owned(), Instant::now() + REST);
        let why = Why::new(notice.code, &both(&notice.message, &notice.hint));
        self.tell(due, Some(account), Some(&Told::Later(why)));
    }

    fn say(&self, due: &Due, account: Option<&str>, notice: Notice) {
        let (thread, queued) = (due.store.as_thread(), due.queued.clone());
        let account = account.map(str::to_owned);
        self.shared.say(Said { account, thread, queued, notice });
    }
}
