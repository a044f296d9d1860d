//! When the backend's log is not the one that this device holds: what stands above the last common
//! position goes back into the queue, and is offered again.
//!
//! Invariant: nothing that is held above the common position is forgotten before it is in the
//! queue: they change places in one transaction, and where the log is another file, the queue comes
//! first. In a new epoch nothing is pushed into a store whose log here was not compared with the
//! backend's: the keys of one device keep their order. A row that goes back shows what this device
//! did all the same, as far as a log here has it. Of keys that it holds no more, since they
//! were projected and it keeps no log of their thread, it cannot know that they are missing; what
//! another device brings back of them stands where it comes in.

use std::collections::{BTreeSet, VecDeque};

use crate::crash::{self, Broken};
use crate::engine::kept::Kept;
use crate::engine::threads::OpenThread;
use crate::engine::{Device, EngineError};
use crate::id::{Epoch, Seen, StoreId, ThreadId};
use crate::mailbox::{self, Groups, MailboxEvent};
use crate::projection::trail_of;
use crate::store::{Db, Durability, Event, Head, Log, Own, StoreError};
use crate::sync::{Cursor, Frame, SyncError};
use crate::thread::name::EPOCH_BEGAN;

/// Logs that may be found to differ in one connection, about: more is a backend whose logs do not
/// fit themselves, and would be fetched for ever.
const MAX_DIVERGED: u32 = 100_000;
/// What one of the Mailbox log counts: it takes one for each halving of its length.
const MAILBOX_COUNTS: u32 = MAX_DIVERGED / 100;
/// Kept logs that are compared with the backend's at a time.
const COMPARED_AT_A_TIME: usize = 32;
/// Events, and bytes of arguments, read at a time, about.
const READ_EVENTS: usize = 1_000;
const READ_BYTES: usize = 4 * 1024 * 1024;
/// Setting: the epoch in which all logs here were compared with the backend's.
const COMPARED: &str = "compared";

/// What is compared with the backend's logs since this connection's welcome.
#[derive(Debug, Default)]
pub(super) struct Comparing {
    /// Whether this epoch is a new one here, and not all of it is done.
    new: bool,
    /// The epoch in which the logs here were the backend's.
    last: Option<Epoch>,
    /// Whether the Mailbox log is here as the backend has it.
    mailbox: bool,
    /// Thread logs that are to be compared.
    waiting: VecDeque<ThreadId>,
    /// Thread logs whose answer is awaited.
    asked: BTreeSet<ThreadId>,
    /// Logs that were found to differ, counted.
    differed: u32,
}

impl Comparing {
    /// Whether events may be pushed into this store.
    pub(super) fn may_push(&self, store: &StoreId) -> bool {
        let asked =
            |thread: &ThreadId| self.asked.contains(thread) || self.waiting.contains(thread);
        !self.new || (self.mailbox && !store.as_thread().is_some_and(|thread| asked(&thread)))
    }

    /// Whether all that is here was compared.
    pub(super) const fn is_done(&self) -> bool {
        !self.new
    }

    /// The epoch of what is held of logs, where that is not this connection's.
    pub(super) fn held(&self, store: &StoreId) -> Option<Epoch> {
        let is_compared = match store.as_thread() {
            Some(thread) => self.mailbox && !self.asked.contains(&thread),
            None => self.mailbox,
        };
        self.last.clone().filter(|_| self.new && !is_compared)
    }

    /// Whether this thread's log is being compared.
    pub(super) fn is_asked(&self, thread: &ThreadId) -> bool {
        self.asked.contains(thread)
    }
}

impl Device {
    /// Whether the logs here are those of this connection's backend, as far as it is known.
    #[must_use]
    pub(super) const fn is_compared(&self) -> bool {
        !self.comparing.new
    }

    /// A connection's first: whether the epoch is one in which logs have to be compared. The
    /// transaction is the caller's.
    pub(super) fn begin_comparing(&mut self, epoch: &Epoch) -> Result<(), StoreError> {
        let known = Own::setting(&self.db, "epoch")?.is_some();
        let compared = Own::setting(&self.db, COMPARED)?;
        let last = compared.or(Own::setting(&self.db, "epoch")?);
        let new = known && last.as_deref() != Some(epoch.as_str());
        if !new {
            Own::set(&self.db, COMPARED, epoch.as_str())?;
        }
        let last = last.and_then(|last| Epoch::try_from(last).ok());
        self.comparing = Comparing { new, last, ..Comparing::default() };
        Ok(())
    }

    /// A new epoch, while a snapshot of another one is taken in: the log that it was to replace is
    /// never compared, so all of it is offered. The transaction is the caller's.
    pub(super) fn offer_before_snapshot(&mut self) -> Result<(), StoreError> {
        if self.boot.is_none() {
            return Ok(());
        }
        let store = StoreId::mailbox();
        let held = self.offers(&self.db, &store, 0)?;
        Own::offer_again(&self.db, &store, &self.id, &held)
    }

    /// A new epoch: of a snapshot a purge takes rows out that its log, up to where it ends, yields.
    /// Where that purge is not here, a restore may have ended the life that it was in, and the log
    /// still fits: then the rows are fetched again. The transaction is the caller's.
    pub(super) fn leave_later_rows(&mut self) -> Result<(), StoreError> {
        let taken_in = Log::base(&self.db, &StoreId::mailbox())?.position > 0 || self.ends_first();
        if !taken_in || !mailbox::lacks_rows(&self.db)? {
            return Ok(());
        }
        if self.boot.is_some() { self.bootstrap_again() } else { self.rewind_mailbox(0) }
    }

    /// A new epoch: of what a purge emptied here the backend may have all again, and the chain is
    /// the same. The log goes back to before the first of it. The transaction is the caller's.
    pub(super) fn doubt_what_is_gone(&mut self) -> Result<(), StoreError> {
        let (store, mut at) = (StoreId::mailbox(), 0);
        while self.boot.is_none() {
            let (events, more) = Log::range(&self.db, &store, at, READ_EVENTS, READ_BYTES)?;
            if let Some(first) = events.iter().find(|event| event.event.args.is_gone()) {
                return self.rewind_mailbox(first.position - 1);
            }
            at = events.last().map_or(at, |event| event.position);
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// The Mailbox log is here up to the backend's end. In a new epoch it says which kept logs may
    /// hold what the backend has lost: those that go on above their watermark, or above where the
    /// logs part.
    pub(super) fn mailbox_compared(&mut self) -> Result<(), EngineError> {
        if !self.comparing.new || self.comparing.mailbox {
            return Ok(());
        }
        let mut waiting = VecDeque::new();
        let last = self.last_compared()?;
        if let Some(kept) = &self.kept {
            for (store, head) in Log::stores(kept)? {
                let Some(thread) = store.as_thread() else { continue };
                if head.position > self.shown_of(last.as_ref(), &thread, head.position)? {
                    waiting.push_back(thread);
                }
            }
        }
        self.comparing.mailbox = true;
        self.comparing.waiting = waiting;
        self.compare_next()
    }

    /// The epoch in which all logs here were compared with the backend's.
    fn last_compared(&self) -> Result<Option<Epoch>, StoreError> {
        let last = Own::setting(&self.db, COMPARED)?;
        Ok(last.and_then(|last| Epoch::try_from(last).ok()))
    }

    /// Up to where a row shows the log that is kept here, which ends at `position`.
    fn shown_of(
        &self,
        last: Option<&Epoch>,
        thread: &ThreadId,
        position: u64,
    ) -> Result<u64, StoreError> {
        let seen = mailbox::watermark(&self.db, thread)?.map_or(0, |seen| seen.position);
        // It may have grown since it was put back, with other events.
        let same = match (last, mailbox::raw_row(&self.db, thread)?) {
            (None, _) => 0,
            (Some(_), None) => position,
            (Some(epoch), Some(row)) => {
                let epoch = epoch.clone();
                trail_of(&row).base.epochs.reach(&Seen { epoch, position })
            }
        };
        Ok(seen.min(same))
    }

    /// In a new epoch rows go back to before what this device did: the conversations whose kept log
    /// may say so.
    pub(super) fn kept_in_doubt(&self) -> Result<BTreeSet<ThreadId>, StoreError> {
        let Some(kept) = self.kept.as_ref().filter(|_| self.comparing.new) else {
            return Ok(BTreeSet::new());
        };
        let stores = Log::stores(kept)?.into_iter().filter(|(_, head)| head.position > 0);
        Ok(stores.filter_map(|(store, _)| store.as_thread()).collect())
    }

    /// What this device did to a conversation and its row shows no more waits in the queue, and is
    /// shown, from when the row goes back: that its log is compared may be long after. Whether
    /// there was something. The transaction is the caller's. What has no row comes back with the
    /// log.
    pub(super) fn still_show(&self, thread: &ThreadId) -> Result<bool, StoreError> {
        let Some(kept) = self.kept.as_ref().filter(|_| self.comparing.new) else {
            return Ok(false);
        };
        let store = StoreId::thread(thread);
        let here = Log::head(kept, &store)?.position;
        let shown = self.shown_of(self.last_compared()?.as_ref(), thread, here)?;
        if here <= shown || mailbox::raw_row(&self.db, thread)?.is_none() {
            return Ok(false);
        }
        let mut mine = self.offers(kept, &store, shown)?;
        mine.retain(|event| event.event.device == self.id);
        let waits: BTreeSet<_> = Own::of(&self.db, &store)?.into_iter().map(|own| own.id).collect();
        if mine.iter().all(|event| waits.contains(&event.event.id)) {
            return Ok(false);
        }
        Own::offer_again(&self.db, &store, &self.id, &mine)?;
        Ok(true)
    }

    /// A thread's log was compared, and what of it is here is the backend's.
    pub(super) fn thread_compared(&mut self, thread: &ThreadId) -> Result<(), EngineError> {
        if !self.comparing.asked.remove(thread) {
            return Ok(());
        }
        if !self.open.peek(thread).is_some_and(|open| open.subscribed) {
            self.wanted.push(Frame::Unsubscribe { store: StoreId::thread(thread) });
        }
        self.compare_next()
    }

    fn compare_next(&mut self) -> Result<(), EngineError> {
        let Some(epoch) = self.epoch.clone() else { return Ok(()) };
        while self.comparing.asked.len() < COMPARED_AT_A_TIME {
            let Some(thread) = self.comparing.waiting.pop_front() else { break };
            let store = StoreId::thread(&thread);
            let Some(kept) = &self.kept else { break };
            let Head { position, chain } = Log::head(kept, &store)?;
            self.comparing.asked.insert(thread);
            let held = self.comparing.held(&store).unwrap_or_else(|| epoch.clone());
            let cursor = Some(Cursor { epoch: held, position, chain });
            self.wanted.push(Frame::Subscribe { store, cursor });
        }
        self.unsent = true;
        if self.comparing.new && self.comparing.mailbox && self.comparing.asked.is_empty() {
            self.begin_full()?;
            Own::set(&self.db, COMPARED, epoch.as_str())?;
            self.commit()?;
            self.comparing.new = false;
        }
        Ok(())
    }

    /// The backend's log is not the one that this device holds. `said` is where the backend thinks
    /// they part; where the chains differ even there, they part lower: half of it is tried next,
    /// and nothing at last.
    pub(super) fn diverged(&mut self, store: &StoreId, said: Head) -> Result<(), EngineError> {
        self.comparing.differed += if store.as_thread().is_some() { 1 } else { MAILBOX_COUNTS };
        if self.comparing.differed > MAX_DIVERGED {
            let message = "its logs are damaged: they do not fit their own chain".to_owned();
            return Err(SyncError::Refused { code: "damaged-log".to_owned(), message }.into());
        }
        let Some(thread) = store.as_thread() else {
            let common = common(&self.db, store, said)?;
            self.begin_full()?;
            self.rewind_mailbox(common)?;
            self.commit()?;
            self.news.lists = true;
            self.unsent = true;
            let cursor = self.cursor()?;
            self.wanted.push(Frame::Subscribe { store: store.clone(), cursor });
            return Ok(());
        };
        self.rewind_thread(&thread, said)?;
        self.subscribe_again(&thread)
    }

    /// A page of a thread's log does not fit its own chain. What is here was compared with the
    /// backend's log when it was asked: so that stays, and the backend says once more whether the
    /// logs are the same up to there, and goes on from there.
    pub(super) fn ask_thread_again(&mut self, thread: &ThreadId) -> Result<(), EngineError> {
        self.misfit()?;
        self.wanted.push(Frame::Unsubscribe { store: StoreId::thread(thread) });
        self.subscribe_again(thread)
    }

    /// Asks for a thread's log from where it ends here, if it is still wanted.
    fn subscribe_again(&mut self, thread: &ThreadId) -> Result<(), EngineError> {
        let store = StoreId::thread(thread);
        let awaited = self.comparing.is_asked(thread) || self.is_fetching(thread);
        let Some(epoch) = self.epoch.clone() else { return Ok(()) };
        if let Some(open) = self.open.peek_mut(thread) {
            open.subscribed = false;
            self.subscribe_thread(thread);
        } else if let Some(kept) = self.kept.as_ref().filter(|_| awaited) {
            let Head { position, chain } = Log::head(kept, &store)?;
            let epoch = self.comparing.held(&store).unwrap_or(epoch);
            let cursor = (position > 0).then_some(Cursor { epoch, position, chain });
            self.wanted.push(Frame::Subscribe { store, cursor });
        }
        Ok(())
    }

    /// Puts the Mailbox store back to a position of its log, with what own events show; what the
    /// log said above it is in the queue. The transaction is the caller's.
    fn rewind_mailbox(&mut self, common: u64) -> Result<(), StoreError> {
        let store = StoreId::mailbox();
        let based = Log::base(&self.db, &store)?.position > 0;
        // A log that goes as a whole is not compared any further: all of it is offered.
        let lost = self.offers(&self.db, &store, if based { 0 } else { common })?;
        Own::offer_again(&self.db, &store, &self.id, &lost)?;
        if based {
            // Nothing here says what the rows were at the common position.
            Log::clear(&self.db, &store)?;
            return self.bootstrap_again();
        }
        Log::truncate(&self.db, &store, common)?;
        self.remake_rows()
    }

    /// Makes the rows again from the log, and lays own events over them. The transaction is the
    /// caller's.
    pub(super) fn remake_rows(&mut self) -> Result<(), StoreError> {
        mailbox::remake(&self.db)?;
        for thread in self.kept_in_doubt()? {
            self.still_show(&thread)?;
        }
        for thread in self.own_threads()? {
            self.cover(&thread)?;
        }
        self.show_all_labels()?;
        mailbox::rebuild_shown(&self.db)
    }

    /// Puts a kept log back, and the loaded store that it makes.
    fn rewind_thread(&mut self, thread: &ThreadId, said: Head) -> Result<(), EngineError> {
        let store = StoreId::thread(thread);
        let (mut at, mut lost) = (0, Vec::new());
        if let Some(kept) = &self.kept {
            at = common(kept, &store, said)?;
            lost = self.offers(kept, &store, at)?;
        }
        self.begin_full()?;
        let mut groups = Groups::of_overlay();
        groups.touch(&self.db, thread)?;
        Own::offer_again(&self.db, &store, &self.id, &lost)?;
        self.cover(thread)?;
        groups.settle(&self.db)?;
        self.commit()?;
        self.unsent = true;
        self.news.lists = true;
        if let Err(error) = self.sync() {
            // The other file must not be without what is not in the queue on disk.
            self.distrust();
            return Err(error);
        }
        crash::point("rewind.between");
        let mut left = Vec::new();
        if let Some(kept) = &mut self.kept {
            // Once all are compared, what is here is taken for the backend's.
            kept.durable(Durability::Full)?;
            kept.begin()?;
            Log::truncate(kept, &store, at)?;
            Kept::recount(kept, thread)?;
            left = Log::all(kept, &store)?;
            kept.commit()?;
        }
        crash::point("rewind.after");
        if let Some(open) = self.open.peek_mut(thread) {
            let used_ms = open.used_ms;
            *open = OpenThread::default();
            open.used_ms = used_ms;
            open.add(&left);
        }
        Ok(())
    }

    /// What a log holds above a position and the backend may have lost: facts that nothing else
    /// yields. What others wrote in this epoch is on the backend, whatever this log looks like.
    fn offers(&self, log: &Db, store: &StoreId, above: u64) -> Result<Vec<Event>, StoreError> {
        let (mut found, mut at) = (Vec::new(), above);
        let mirrors = |event: &Event| {
            let read = MailboxEvent::read(&event.event.name, &event.event.args);
            store.as_thread().is_none()
                && read.is_some_and(|read| read.source().is_some())
                && !crash::broken(Broken::ProjectionsOffered)
        };
        loop {
            let (events, more) = Log::range(log, store, at, READ_EVENTS, READ_BYTES)?;
            at = events.last().map_or(at, |event| event.position);
            found.extend(events.into_iter().filter(|event| {
                let inner = &event.event;
                let known = Some(&inner.epoch) == self.epoch.as_ref() && inner.device != self.id;
                let marks = inner.name == EPOCH_BEGAN || inner.args.is_gone();
                !known && !marks && !mirrors(event)
            }));
            if !more {
                return Ok(found);
            }
        }
    }
}

/// The last position up to which a log here is taken to be the backend's.
fn common(log: &Db, store: &StoreId, said: Head) -> Result<u64, StoreError> {
    let head = Log::head(log, store)?.position;
    let here = Log::chain_at(log, store, said.position)?;
    Ok(if here == Some(said.chain) { said.position } else { said.position.min(head) / 2 })
}
