//! Who keeps a worker for each account of `accounts.toml`, and beside them who sends.
//!
//! Invariant: the file is looked at once a second; an account that changed gets a new worker, one
//! that went loses its own, and the others are not disturbed. Nothing here knows a password: a
//! worker asks for it when it connects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::account::{self, Account, AccountId, Accounts, Stamp};
use crate::backend::announce::{Announcement, Announcer, Told};
use crate::backend::edge_host::MailEdge;
use crate::backend::host::HostHandle;
use crate::backend::outbox::{Sending, SendingHandle, SmtpPost};
use crate::clock::{Clock as _, SystemClock};
use crate::imap::connect::Way;
use crate::imap::worker::{Handle, Job, Status, Worker};
use crate::notice::{Explain, Notice};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How one account is.
#[derive(Debug, Clone)]
pub struct AccountStatus {
    /// Its id.
    pub id: String,
    /// Its address.
    pub address: String,
    /// What its worker says.
    pub status: Status,
    /// Why its `on_new_mail` failed last.
    pub command: Option<Notice>,
}

/// What is shared with who asks.
#[derive(Debug, Default)]
struct Shared {
    accounts: Mutex<Vec<(String, String, Handle)>>,
    error: Mutex<Option<Notice>>,
    looked: AtomicBool,
    told: Arc<Mutex<Told>>,
}

/// A way to ask how accounts are, and what is sent; cheap to copy.
#[derive(Debug, Clone, Default)]
pub struct FetcherHandle(Arc<Shared>, SendingHandle);

impl FetcherHandle {
    /// How each account is, in the order of the file.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountStatus> {
        let accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        let status = |(id, address, handle): &(String, String, Handle)| AccountStatus {
            id: id.clone(),
            address: address.clone(),
            status: handle.status(),
            command: told.failed(id),
        };
        accounts.iter().map(status).collect()
    }

    /// New mail that was announced after the announcement with this number, and the number of the
    /// last; 0 is before the first.
    #[must_use]
    pub fn announced(&self, after: u64) -> (u64, Vec<Announcement>) {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner).after(after)
    }

    /// What is being sent.
    #[must_use]
    pub const fn sending(&self) -> &SendingHandle {
        &self.1
    }

    /// Why the file cannot be read, where it cannot.
    #[must_use]
    pub fn error(&self) -> Option<Notice> {
        self.0.error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the file was looked at once.
    #[must_use]
    pub fn has_looked(&self) -> bool {
        self.0.looked.load(Ordering::SeqCst)
    }
}

/// The workers, and the thread that keeps them; and who sends.
#[derive(Debug)]
pub struct Fetcher {
    /// Dropped first: what is not given away yet is stopped while the others still end.
    _sending: Sending,
    handle: FetcherHandle,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Fetcher {
    /// Starts fetching for the accounts of the data directory `dir` into a running backend.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn start(dir: &Path, host: HostHandle) -> std::io::Result<Self> {
        let post = Arc::new(SmtpPost::default());
        let sending = Sending::start(dir, host.clone(), post)?;
        let handle = FetcherHandle(Arc::default(), sending.handle());
        let (stop, stopped) = mpsc::channel();
        let announcer = Announcer::start(Arc::clone(&handle.0.told))?;
        let mut keeper = Keeper {
            dir: dir.to_owned(),
            host,
            shared: Arc::clone(&handle.0),
            workers: BTreeMap::new(),
            announcer,
            seen: Seen::Never,
        };
        let run = move || {
            loop {
                keeper.look();
                match stopped.recv_timeout(LOOK) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("fetcher".to_owned()).spawn(run)?;
        Ok(Self { _sending: sending, handle, stop: Some(stop), thread: Some(thread) })
    }

    /// A way to ask how accounts are.
    #[must_use]
    pub fn handle(&self) -> FetcherHandle {
        self.handle.clone()
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Keeps the workers.
struct Keeper {
    dir: PathBuf,
    host: HostHandle,
    shared: Arc<Shared>,
    workers: BTreeMap<String, (Account, Worker)>,
    /// Dropped after the workers: it announces what they told last.
    announcer: Announcer,
    /// What the file was when it was last read.
    seen: Seen,
}

/// A file as it was last read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// It was not yet.
    Never,
    /// It was this; `None` when it was not there.
    As(Option<Stamp>),
}

impl Keeper {
    fn look(&mut self) {
        self.forget(&account::removed(&self.dir));
        let stamp = Stamp::of(&self.dir);
        if self.seen == Seen::As(stamp) {
            return;
        }
        let read = Accounts::read(&self.dir);
        let error = read.as_ref().err().map(Explain::notice);
        *self.shared.error.lock().unwrap_or_else(PoisonError::into_inner) = error;
        if let Ok(accounts) = read {
            let mut list = accounts.list;
            if !accounts.notify {
                for account in &mut list {
                    account.settings.notify = false;
                }
            }
            self.keep(&list);
            self.seen = Seen::As(stamp);
        }
        self.shared.looked.store(true, Ordering::SeqCst);
    }

    /// Forgets what the servers of accounts had that were removed; tried again at the next look
    /// where it fails.
    fn forget(&mut self, removed: &[AccountId]) {
        if removed.is_empty() {
            return;
        }
        for id in removed {
            // One that was added again meanwhile is another one, and begins anew.
            drop(self.workers.remove(id.as_str()));
            let id = id.as_str().to_owned();
            let done = self.host.work(move |backend, _| backend.edge_forget(&id));
            if !done.is_ok_and(|done| done.recv().is_ok_and(|done| done.is_ok())) {
                return;
            }
        }
        if account::forgotten(&self.dir, removed).is_ok() {
            self.seen = Seen::Never;
        }
    }

    fn keep(&mut self, accounts: &[Account]) {
        let same = |id: &str, held: &Account| {
            accounts.iter().any(|account| account.id.as_str() == id && account == held)
        };
        let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.workers)
            .into_iter()
            .partition(|(id, (account, _))| same(id, account));
        // All are told before one is waited for.
        for (_, worker) in gone.values() {
            worker.call_off();
        }
        drop(gone);
        self.workers = kept;
        for account in accounts {
            let id = account.id.as_str().to_owned();
            if !self.workers.contains_key(&id)
                && let Ok(worker) = Worker::start(self.job(account))
            {
                self.host.tell_of_changes(worker.handle());
                self.workers.insert(id, (account.clone(), worker));
            }
        }
        let line = |account: &Account| {
            let (_, worker) = self.workers.get(account.id.as_str())?;
            let (id, address) = (account.id.to_string(), account.address.as_str().to_owned());
            Some((id, address, worker.handle()))
        };
        *self.shared.accounts.lock().unwrap_or_else(PoisonError::into_inner) =
            accounts.iter().filter_map(line).collect();
    }

    fn job(&self, account: &Account) -> Job {
        let (dir, secret, id) = (self.dir.clone(), account.secret.clone(), account.id.clone());
        Job {
            account: account.id.as_str().to_owned(),
            way: Way {
                server: account.imap.clone(),
                login: account.login.clone(),
                auth: account.auth,
                ca: account.tls_ca.clone(),
                silence: None,
            },
            password: Box::new(move || secret.read(&dir, &id).map_err(|error| error.notice())),
            edge: Box::new(MailEdge::new(self.host.clone(), self.announcer.teller(account))),
            settings: account.settings.clone(),
            random: Box::new(|| {
                let mut bytes = [0; 8];
                SystemClock.random(&mut bytes);
                u64::from_le_bytes(bytes)
            }),
        }
    }
}
