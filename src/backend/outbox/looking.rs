//! The thread that looks at the outbox, and has what is due sent.
//!
//! Invariant: what waits for a busy account, or one that rests, holds up no other; nothing here
//! runs in circles.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::Due;
use super::giving::{AtWork, refuse};
use super::parcel::pick;
use super::sending::Office;
use crate::account::{Account, Accounts, Stamp};
use crate::id::EventId;
use crate::notice::Notice;
use crate::smtp::Stopper;

/// How often the outbox is looked at, also when nobody rings: clocks are moved.
const LOOK: Duration = Duration::from_secs(1);
/// Messages that are given away at a time, of all accounts.
const MOST_AT_A_TIME: usize = 8;
/// How long the end of the program waits for an answer of a server that was given all of a message.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// The thread that looks at the outbox.
pub(super) struct Looking {
    office: Office,
    bell: SyncSender<()>,
    accounts: Vec<Account>,
    /// What is due and waits for its account, by what queued it.
    waits: BTreeMap<EventId, String>,
    /// The file of the accounts as it was read; `None` when there was none.
    seen: Option<Stamp>,
    /// Whether it was ever.
    read: bool,
}

impl Looking {
    /// One that has seen nothing yet.
    pub(super) fn new(office: Office, bell: SyncSender<()>) -> Self {
        let (accounts, waits) = (Vec::new(), BTreeMap::new());
        Self { office, bell, accounts, waits, seen: None, read: false }
    }

    /// Looks until it is stopped, or the backend is gone.
    pub(super) fn run(mut self, rings: &Receiver<()>) {
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
        // What waits for an account that is busy is not looked at again: it would leave no room for
        // what another account sends.
        let passed = self.of_busy_accounts();
        let asked = passed.clone();
        let look = self.office.ask(move |backend, now| {
            let look = backend.outbox_look_past(&asked, now)?;
            Ok((look, backend.outbox_unfiled(&ids)?))
        });
        let Some(Ok((look, unfiled))) = look else {
            self.office.shared.lock().looked = true;
            return;
        };
        // What is not due any more waits for nobody; a look that took only a part says it of that.
        self.waits.retain(|queued, _| {
            look.passed.contains(queued) || (look.more && !passed.contains(queued))
        });
        let mut stuck = 0;
        for due in &look.due {
            self.waits.remove(&due.queued);
            match self.begin(due) {
                Begun::Waits(account) => drop(self.waits.insert(due.queued.clone(), account)),
                Begun::Stuck => stuck += 1,
                Begun::Done => {}
            }
        }
        let goes_on = look.more && stuck < look.due.len();
        if goes_on {
            // One that is full wakes this thread as well.
            let _ = self.bell.try_send(());
        }
        let mut state = self.office.shared.lock();
        // What rests is told of already, and nobody waits for it.
        state.waiting = self.waits.values().filter(|id| !state.rests(id)).count();
        state.unfiled = unfiled;
        state.next = look.next;
        state.looked = !goes_on;
    }

    /// What was found to wait for accounts that are busy, or rest.
    fn of_busy_accounts(&self) -> BTreeSet<EventId> {
        let state = self.office.shared.lock();
        let full = state.busy.len() >= MOST_AT_A_TIME;
        let busy = |id: &str| full || state.busy.contains_key(id) || state.rests(id);
        let waits = self.waits.iter().filter(|(_, id)| busy(id));
        waits.map(|(queued, _)| queued.clone()).collect()
    }

    /// Begins to send.
    fn begin(&self, due: &Due) -> Begun {
        let account = match pick(&self.accounts, &due.draft) {
            Ok(account) => account.clone(),
            Err(why) => {
                let account = due.draft.account.as_deref();
                // What the disk does not take is said at the next look.
                let done = refuse(&self.office, due, account, true, why);
                return if done.is_ok() { Begun::Done } else { Begun::Stuck };
            }
        };
        let (stopper, stop) = Stopper::new();
        let id = account.id.as_str().to_owned();
        {
            let mut state = self.office.shared.lock();
            let is_on_its_way = |(queued, _): &(EventId, Stopper)| *queued == due.queued;
            if state.busy.values().any(is_on_its_way) {
                return Begun::Done;
            }
            let full = state.busy.len() >= MOST_AT_A_TIME;
            if full || state.busy.contains_key(&id) || state.rests(&id) {
                return Begun::Waits(id);
            }
            state.busy.insert(id.clone(), (due.queued.clone(), stopper));
        }
        let at_work = AtWork::new(self.office.clone(), self.bell.clone(), id.clone());
        let of = due.clone();
        let run = move || at_work.send(&of, &account, &stop);
        // Without a thread it is dropped, which lets go of the account again.
        if std::thread::Builder::new().name("sending".to_owned()).spawn(run).is_err() {
            let line = "the machine gives no thread to send with";
            self.office.rest(due, &id, &Notice::error("no-thread", line, "it is tried again"));
        }
        Begun::Done
    }
}

/// What became of something that is due.
enum Begun {
    /// It waits for this account, which is busy or rests.
    Waits(String),
    /// It is on its way, or refused.
    Done,
    /// What is wrong with it could not be written.
    Stuck,
}
