//! The threads that send: one looks at the outbox, and each account has at most one that gives a
//! message away.
//!
//! Invariant: a message is given away only behind a claim that is on disk, by the thread that made
//! it; what became of it is said until the backend has it on disk, or is gone. Who ends this stops
//! what was not given away, waits a moment for the rest, and leaves what then is open as a crash
//! does: as of unknown end. Nobody who presses a key waits for any of it.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::parcel::{attached, build_message, is_to_be_filed, pick};
use super::post::{Parcel, Post, both};
use super::settle::own;
use super::{Claim, Due, Gave, Told, Why};
use crate::account::{Account, Accounts, Stamp};
use crate::backend::{Backend, HostHandle};
use crate::crash;
use crate::id::{EventId, ThreadId};
use crate::notice::{Explain as _, Notice};
use crate::smtp::{Envelope, Stop, Stopper};
use crate::store::{Blobs, StoreError};

/// How often the outbox is looked at, also when nobody rings: clocks are moved.
const LOOK: Duration = Duration::from_secs(1);
/// Messages that are given away at a time, of all accounts.
const MOST_AT_A_TIME: usize = 8;
/// How long the end of the program waits for an answer of a server that was given all of a message.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// How long a result waits that the disk does not take, before it is said again.
const SAY_AGAIN: Duration = Duration::from_secs(1);
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
struct Shared {
    stop: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the outbox was looked at since something was settled.
    looked: bool,
    /// What is due and waits for its account.
    waiting: usize,
    /// What is on its way, by account; and what stops it.
    busy: BTreeMap<String, (EventId, Stopper)>,
    /// Copies that were not tried to be filed.
    unfiled: u64,
    /// When the next message is due, Unix seconds by the backend's clock.
    next: Option<i64>,
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

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
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
            Looking { office, bell: at_the_bell, accounts: Vec::new(), seen: None, read: false }
                .run(&rings);
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
struct Office {
    dir: PathBuf,
    host: HostHandle,
    post: Arc<dyn Post>,
    shared: Arc<Shared>,
}

impl Office {
    /// Asks the backend; the answer is on disk. `None` when the backend is gone.
    fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Backend, i64) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<Result<T, Notice>> {
        self.host.work(job).ok()?.recv().ok()
    }

    fn tell(&self, due: &Due, account: Option<&str>, told: Option<&Told>) {
        if let Some(notice) = told.and_then(|told| told.notice(due)) {
            self.say(due, account, notice);
        }
    }

    fn say(&self, due: &Due, account: Option<&str>, notice: Notice) {
        let (thread, queued) = (due.store.as_thread(), due.queued.clone());
        let account = account.map(str::to_owned);
        self.shared.say(Said { account, thread, queued, notice });
    }
}

/// The thread that looks at the outbox.
struct Looking {
    office: Office,
    bell: SyncSender<()>,
    accounts: Vec<Account>,
    /// The file of the accounts as it was read; `None` when there was none.
    seen: Option<Stamp>,
    /// Whether it was ever.
    read: bool,
}

impl Looking {
    fn run(mut self, rings: &Receiver<()>) {
        let bell = self.bell.clone();
        let listening = self.office.ask(move |backend, _| {
            backend.outbox_listen(bell);
            Ok(())
        });
        while listening.is_some() && !self.office.shared.is_stopped() {
            self.look();
            if rings.recv_timeout(LOOK) == Err(RecvTimeoutError::Disconnected) {
                break;
            }
        }
        self.end(rings);
    }

    /// Stops what was not given away, and waits a moment for the rest.
    fn end(&self, rings: &Receiver<()>) {
        let until = Instant::now() + LAST_ANSWERS;
        loop {
            {
                let state = self.office.shared.lock();
                if state.busy.is_empty() {
                    return;
                }
                state.busy.values().for_each(|(_, stopper)| stopper.stop());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            // A thread that ends rings.
            let _ = rings.recv_timeout(left);
        }
    }

    /// Reads the accounts where the file is another; whether they can be read.
    fn read_accounts(&mut self) -> bool {
        let stamp = Stamp::of(&self.office.dir);
        if self.read && self.seen == stamp {
            return true;
        }
        // Who keeps the accounts says what is wrong with the file.
        let Ok(accounts) = Accounts::read(&self.office.dir) else { return false };
        self.accounts = accounts.list;
        (self.seen, self.read) = (stamp, true);
        true
    }

    fn look(&mut self) {
        if !self.read_accounts() {
            self.office.shared.lock().looked = true;
            return;
        }
        let ids: Vec<String> = self.accounts.iter().map(|of| of.id.to_string()).collect();
        let look = self.office.ask(move |backend, now| {
            let look = backend.outbox_look(now)?;
            Ok((look, backend.outbox_unfiled(&ids)?))
        });
        let Some(Ok((look, unfiled))) = look else {
            self.office.shared.lock().looked = true;
            return;
        };
        let mut waiting = 0;
        for due in &look.due {
            if !self.begin(due) {
                waiting += 1;
            }
        }
        let mut state = self.office.shared.lock();
        state.waiting = waiting;
        state.unfiled = unfiled;
        state.next = look.next;
        state.looked = true;
    }

    /// Begins to send; `false` when it has to wait for its account.
    fn begin(&self, due: &Due) -> bool {
        let account = match pick(&self.accounts, &due.draft) {
            Ok(account) => account.clone(),
            Err(why) => {
                refuse(&self.office, due, due.draft.account.as_deref(), true, why);
                return true;
            }
        };
        let (stopper, stop) = Stopper::new();
        let id = account.id.as_str().to_owned();
        {
            let mut state = self.office.shared.lock();
            let is_on_its_way = |(queued, _): &(EventId, Stopper)| *queued == due.queued;
            if state.busy.values().any(is_on_its_way) {
                return true;
            }
            if state.busy.contains_key(&id) || state.busy.len() >= MOST_AT_A_TIME {
                return false;
            }
            state.busy.insert(id.clone(), (due.queued.clone(), stopper));
        }
        let at_work = AtWork { office: self.office.clone(), bell: self.bell.clone(), id };
        let due = due.clone();
        let run = move || at_work.send(&due, &account, &stop);
        // Without a thread it is dropped, which lets go of the account again.
        std::thread::Builder::new().name("sending".to_owned()).spawn(run).is_ok()
    }
}

/// A thread that sends for an account; the account is free again when this goes.
struct AtWork {
    office: Office,
    bell: SyncSender<()>,
    id: String,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut state = self.office.shared.lock();
        state.busy.remove(&self.id);
        state.looked = false; // what is left is not known before the next look
        drop(state);
        let _ = self.bell.try_send(());
    }
}

impl AtWork {
    fn send(self, due: &Due, account: &Account, stop: &Stop) {
        let office = &self.office;
        let password = match account.secret.read(&office.dir, &account.id) {
            Ok(password) => password,
            Err(error) => {
                let notice = error.notice();
                let why = Why::new(notice.code, &both(&notice.message, &notice.hint));
                return refuse(office, due, Some(&self.id), error.is_permanent(), why);
            }
        };
        let hashes = attached(due);
        let blobs = office.ask(move |backend, _| backend.outbox_blobs(&hashes));
        let Some(Ok(blobs)) = blobs else { return };
        let built = match build_message(due, account, blobs) {
            Ok(built) => built,
            Err(why) => return refuse(office, due, Some(&self.id), true, why),
        };
        let envelope = Envelope {
            from: built.envelope_from,
            to: built.envelope_to,
            smtputf8: built.needs_smtputf8,
            eight_bit: built.needs_8bit,
            partial: due.of.partial,
        };
        let message = own(built.bytes.clone(), due.at);
        let raw = Blobs::pack(&built.bytes);
        let claim = Claim { due: due.clone(), account: self.id.clone(), raw };
        let claimed = office.ask(move |backend, now| backend.outbox_claim(&claim, now));
        // Something came first, or the disk refuses: it is looked at again.
        let Some(Ok(true)) = claimed else { return };
        crash::point("claim.after-commit");
        let mut open = Open { office, queued: &due.queued, settled: false };
        let parcel =
            Parcel { account, password: &password, envelope: &envelope, message: &built.bytes };
        let given = office.post.give(&parcel, stop);
        crash::point("settle.before-begin");
        let (account, file) = (self.id.clone(), is_to_be_filed(account));
        let told = settle(office, &Gave { due: due.clone(), account, file, message, given });
        open.settled = told.is_some();
        crash::point("settle.after-commit");
        office.tell(due, Some(&self.id), told.as_ref());
    }
}

/// A message that is being given away: when this goes and nothing was said of its end, that is
/// unknown.
struct Open<'a> {
    office: &'a Office,
    queued: &'a EventId,
    settled: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.settled {
            let queued = self.queued.clone();
            self.office.ask(move |backend, _| backend.outbox_let_go(&queued));
        }
    }
}

/// Says what became of a message until it is on disk; what was written of it. `None` when the
/// backend is gone.
fn settle(office: &Office, gave: &Gave) -> Option<Told> {
    loop {
        let gave = gave.clone();
        match office.ask(move |backend, now| backend.outbox_settle(gave, now)) {
            None => return None,
            Some(Ok(told)) => return Some(told),
            // The disk may take it later; until then it is in nobody's hands but ours.
            Some(Err(_)) => std::thread::sleep(SAY_AGAIN),
        }
    }
}

/// Says that a message is not sent as it is.
fn refuse(office: &Office, due: &Due, account: Option<&str>, lasting: bool, why: Why) {
    let of = due.clone();
    let done = office.ask(move |backend, now| backend.outbox_refuse(&of, lasting, &why, now));
    office.tell(due, account, done.and_then(Result::ok).as_ref());
}
