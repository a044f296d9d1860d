//! One account: its connection, kept for as long as the program runs.
//!
//! Invariant: one thread an account, so that one that hangs disturbs no other; every wait has an
//! end. What is to be written waits in the backend, so it goes out whenever there is a connection
//! again. Folders are read before anything is written: a copy that a broken connection left is seen
//! first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Notify;

use crate::account::{Password, Settings};
use crate::imap::client::{Client, Woken};
use crate::imap::connect::{Way, connect};
use crate::imap::edge::{Conflict, Edge, FolderKey, FolderState};
use crate::imap::{ImapError, Role};
use crate::notice::{Explain as _, Notice};
use crate::sync::Backoff;

/// The longest a connection waits for news before it asks again: routers forget sooner than half
/// an hour (RFC 2177).
const IDLE_MOST: Duration = Duration::from_mins(9);
/// How often it is looked whether the machine slept.
const LOOK: Duration = Duration::from_secs(15);
/// What left the inbox is looked for in the other folders, so long after the last look at least.
const SEARCH_AFTER: Duration = Duration::from_secs(10);
/// The least time between two looks at the inbox for news.
const NEWS_EVERY: Duration = Duration::from_millis(300);
/// How much more than that may have passed by the clock on the wall.
const SLEPT: Duration = Duration::from_secs(30);
/// How long a sign-in that was refused is not tried again.
const REFUSED_REST: Duration = Duration::from_mins(15);
/// Texts of errors that are kept for a view of the connection.
const LAST_PROBLEMS: usize = 20;

/// What a worker is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Doing {
    /// It has not begun.
    #[default]
    Nothing,
    /// It connects.
    Connecting,
    /// It asks for the folders.
    Listing,
    /// It reads a folder: its name, messages fetched, of so many.
    Reading(String, u64, u64),
    /// It writes what was done here: so many messages.
    Writing(u64),
    /// It waits for news.
    Waiting,
    /// It tries again later.
    Resting,
    /// It ended.
    Stopped,
}

/// How far a folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderLine {
    /// Which.
    pub key: FolderKey,
    /// Its name, safe to show.
    pub shown: String,
    /// What it is for.
    pub role: Role,
    /// Messages that are known of it.
    pub messages: u64,
    /// Whether it was taken in as a whole.
    pub whole: bool,
    /// Why the server does not let it be read.
    pub problem: Option<String>,
}

/// How an account is.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// What it is doing.
    pub doing: Doing,
    /// Whether all folders were taken in once since the program began.
    pub whole: bool,
    /// How often.
    pub passes: u64,
    /// Messages that came in new since then.
    pub new: u64,
    /// Orders of messages that were carried out.
    pub written: u64,
    /// Bytes that came in.
    pub received: u64,
    /// The folders.
    pub folders: Vec<FolderLine>,
    /// What went wrong last.
    pub error: Option<Notice>,
    /// Where the server said otherwise than what was done here, the newest last.
    pub conflicts: Vec<Conflict>,
    /// What else went wrong, the newest last: lines that are safe to show.
    pub problems: Vec<String>,
}

/// What the worker's thread and others share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    status: Mutex<Status>,
    pub(super) wake: Notify,
    stop: AtomicBool,
    orders: AtomicBool,
}

impl Shared {
    pub(super) fn tell(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Whether something may have to be written; asked once.
    pub(super) fn take_orders(&self) -> bool {
        self.orders.swap(false, Ordering::SeqCst)
    }

    pub(super) fn problem(&self, line: String) {
        self.tell(|status| {
            status.problems.push(line);
            let most = status.problems.len().saturating_sub(LAST_PROBLEMS);
            status.problems.drain(..most);
        });
    }
}

/// A way to a worker; cheap to copy.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Shared>);

impl Handle {
    /// Something may have to be written.
    pub fn wake(&self) {
        self.0.orders.store(true, Ordering::SeqCst);
        self.0.wake.notify_one();
    }

    /// Whether the worker was told to stop.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.is_stopped()
    }

    /// How it is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A worker's thread.
#[derive(Debug)]
pub struct Worker {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// What a worker needs.
pub struct Job {
    /// The account's id.
    pub account: String,
    /// Where to.
    pub way: Way,
    /// The password, asked at every connection.
    pub password: Box<dyn Fn() -> Result<Password, Notice> + Send>,
    /// Who keeps what the server has.
    pub edge: Box<dyn Edge>,
    /// How it is fetched.
    pub settings: Settings,
    /// Where random numbers come from: servers are not tried again by all at once.
    pub random: Box<dyn FnMut() -> u64 + Send>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Job({})", self.account)
    }
}

impl Worker {
    /// Starts a worker.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn start(job: Job) -> Result<Self, ImapError> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("imap".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                if let Ok(runtime) = runtime {
                    runtime.block_on(Running::new(job, Arc::clone(&of_thread)).run());
                }
                of_thread.tell(|status| status.doing = Doing::Stopped);
            })
            .map_err(|_| ImapError::Stopped)?;
        Ok(Self { handle: Handle(shared), thread: Some(thread) })
    }

    /// A way to it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Tells it to stop, without waiting.
    pub fn call_off(&self) {
        self.handle.0.stop.store(true, Ordering::SeqCst);
        self.handle.0.wake.notify_one();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.call_off();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A worker at work.
pub(super) struct Running {
    pub(super) job: Job,
    pub(super) shared: Arc<Shared>,
    /// The folders, in the order in which they are read.
    pub(super) folders: Vec<FolderState>,
    /// When the inbox was last asked for.
    pub(super) inbox_asked: Instant,
    /// The connection, by a number of its own.
    pub(super) connection: u64,
    /// How often all folders were looked at since it began.
    pub(super) looks: u64,
    /// Whether something new came since this was cleared.
    pub(super) heard: bool,
    /// Whether the server tells where messages go (RFC 4315).
    pub(super) tells_places: bool,
    /// Folders whose answers were too much at once.
    pub(super) heavy: BTreeSet<FolderKey>,
    /// When the UIDs of a folder last began to count anew.
    pub(super) anew: BTreeMap<FolderKey, Instant>,
}

impl Running {
    fn new(job: Job, shared: Arc<Shared>) -> Self {
        let (heavy, anew) = (BTreeSet::new(), BTreeMap::new());
        let (folders, inbox_asked, tells_places) = (Vec::new(), Instant::now(), false);
        let (connection, looks, heard) = (0, 0, false);
        Self {
            job,
            shared,
            folders,
            inbox_asked,
            connection,
            looks,
            heard,
            tells_places,
            heavy,
            anew,
        }
    }

    async fn run(mut self) {
        let mut backoff = Backoff::default();
        while !self.shared.is_stopped() {
            let passes = self.shared.status_passes();
            let stopped = Arc::clone(&self.shared);
            let ended = tokio::select! {
                ended = self.session() => ended,
                () = stopped.until_stopped() => Err(ImapError::Stopped),
            };
            let Err(error) = ended else { continue };
            if self.shared.is_stopped() {
                break;
            }
            if self.shared.status_passes() > passes {
                backoff.reset();
            }
            let rest = match &error {
                ImapError::Refused { .. } | ImapError::NoAuth(_) => REFUSED_REST,
                _ => backoff.wait((self.job.random)()),
            };
            let notice = error.notice();
            self.shared.tell(|status| {
                status.doing = Doing::Resting;
                status.error = Some(notice);
            });
            let _ = tokio::time::timeout(rest, self.shared.until_stopped()).await;
        }
    }

    /// One connection, from its beginning to its end.
    async fn session(&mut self) -> Result<(), ImapError> {
        self.shared.tell(|status| status.doing = Doing::Connecting);
        let password = (self.job.password)().map_err(ImapError::Backend)?;
        let mut client = connect(&self.job.way, &password).await?;
        drop(password);
        client.set_rate(u64::from(self.job.settings.bandwidth_kib) * 1024);
        (self.connection, self.looks) = ((self.job.random)(), 0);
        loop {
            self.pass(&mut client).await?;
            self.looks += 1;
            self.shared.tell(|status| {
                status.passes += 1;
                status.error = None;
            });
            self.shared.take_orders();
            self.write(&mut client, false).await?;
            self.complete(&mut client).await?;
            self.file_sent(&mut client, false).await?;
            self.attend(&mut client).await?;
        }
    }

    /// Waits for news of the inbox and for orders, until it is time to look at all folders.
    async fn attend(&mut self, client: &mut Client) -> Result<(), ImapError> {
        let poll = Duration::from_mins(u64::from(self.job.settings.poll_minutes.max(1)));
        let begun = Instant::now();
        let mut until = begun + poll;
        loop {
            let asked = Instant::now();
            self.read_inbox(client).await?;
            let conflicts = self.job.edge.conflicts(&self.job.account)?;
            self.shared.tell(|status| {
                status.conflicts = conflicts;
                status.doing = Doing::Waiting;
                status.received = client.received();
            });
            if self.job.edge.away(&self.job.account)? > 0 {
                until = until.min(begun + SEARCH_AFTER);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let wake = || self.shared.wake.notified();
            let woken = if client.can("IDLE") {
                client.idle(awake(wake()), left.min(IDLE_MOST)).await?
            } else {
                let wait = left.min(LOOK);
                let _ = tokio::time::timeout(wait, wake()).await;
                client.noop().await?;
                if client.take_news().any { Woken::News } else { Woken::Time }
            };
            if self.shared.take_orders() || woken == Woken::Called {
                self.write(client, false).await?;
                self.complete(client).await?;
                self.file_sent(client, true).await?;
            } else if woken == Woken::News {
                // A server that always has news is not asked all the time.
                tokio::time::sleep(NEWS_EVERY.saturating_sub(asked.elapsed())).await;
            }
        }
    }
}

/// Ends when it is woken, or when the machine has slept: then the connection is looked at at once.
async fn awake(woken: impl Future<Output = ()>) {
    let mut woken = std::pin::pin!(woken);
    loop {
        let asleep = SystemTime::now();
        tokio::select! {
            () = &mut woken => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        if asleep.elapsed().is_ok_and(|passed| passed > LOOK + SLEPT) {
            return;
        }
    }
}

impl Shared {
    fn status_passes(&self) -> u64 {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).passes
    }

    /// Until it is told to stop. It looks by itself, since who wakes is heard by one only.
    async fn until_stopped(&self) {
        const LOOK: Duration = Duration::from_millis(100);
        while !self.is_stopped() {
            tokio::time::sleep(LOOK).await;
        }
    }
}
