//! Keeping what the policy wants on disk: looking for what is missing, fetching it beside what the
//! user does, and letting go of the rest.
//!
//! Invariant: bounded at any time (threads under way, texts under way, rows looked at in a step),
//! and begun anew at any moment: what is here is on disk and is not fetched twice. Nothing that is
//! open, pinned or pending goes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::crash;
use crate::engine::kept::{Kept, KeptSum};
use crate::engine::policy::Policy;
use crate::engine::walk::Walk;
use crate::engine::{Device, EngineError};
use crate::id::{BlobHash, StoreId, ThreadId};
use crate::mailbox;
use crate::store::{Chain, Db, Durability, Event, Log, NewEvent, Own, StoreError, Uploads};
use crate::sync::{Cursor, Frame};

/// Threads that are fetched at a time when nobody waits for anything else.
pub const FETCHES: usize = 64;
/// Threads that are fetched at a time beside a user.
pub(super) const FETCHES_BESIDE: usize = 4;
/// Texts that are asked for at a time.
const TEXTS: usize = 4;
/// Conversations that are looked at in one step.
pub(super) const ROWS_A_STEP: usize = 32;
/// Threads that changed and were not looked at yet; beyond that all are looked at.
const CHANGED: usize = 4_096;
/// Part of the limit that is left free before more is fetched, so that what is fetched does not go
/// at once.
const SPARE: u64 = 16;

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    pub(super) uploads: Uploads,
    /// Threads that come in; whether their log is still awaited.
    fetches: BTreeMap<ThreadId, bool>,
    /// Threads to fetch next.
    pub(super) next: VecDeque<ThreadId>,
    /// Texts to ask for next, and those that were asked for.
    texts: VecDeque<BlobHash>,
    asked: BTreeSet<BlobHash>,
    /// Threads whose rows have changed.
    changed: BTreeSet<ThreadId>,
    pub(super) walk: Walk,
    /// The number of this walk.
    pub(super) mark: i64,
    /// The activity of the oldest conversation that a list of the newest holds.
    pub(super) oldest: Option<i64>,
    /// Bytes that are kept, about; more than the limit though nothing may go, when `stuck`.
    pub(super) bytes: u64,
    pub(super) stuck: bool,
    /// Something is not kept since there is no room for it.
    pub(super) short: bool,
    fetched: u64,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keeping {
    /// Whether everything that is wanted is here and nothing else.
    pub done: bool,
    /// Whether frames are awaited: until they come there is nothing to do.
    pub waits: bool,
    /// Threads that were fetched since the process began.
    pub fetched: u64,
}

impl Keeper {
    /// The connection is gone: what was under way is looked for again.
    pub(super) fn disconnected(&mut self) {
        self.fetches.clear();
        self.next.clear();
        self.texts.clear();
        self.asked.clear();
        self.walk = Walk::Done;
    }

    pub(super) fn changed(&mut self, threads: &BTreeSet<ThreadId>) {
        self.changed.extend(threads.iter().cloned());
        if self.changed.len() > CHANGED {
            self.changed.clear();
            self.begin();
        }
    }

    /// So many bytes more are kept.
    pub(super) const fn grew(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.stuck = false;
    }

    /// Looks at everything again.
    pub(super) fn begin(&mut self) {
        self.walk = Walk::Kept(String::new());
        self.mark = 0;
        self.oldest = None;
        self.short = false;
    }
}

impl Device {
    /// What is kept here; the default where nothing was said.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn policy(&self) -> Result<Policy, EngineError> {
        let said = Own::setting(&self.db, "keep")?;
        Ok(said.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    /// Whether this device keeps logs at all: one beside its backend does not.
    #[must_use]
    pub const fn keeps(&self) -> bool {
        self.kept.is_some()
    }

    /// From now on this is kept, on disk when it returns; what is not wanted any more goes step by
    /// step, or with [`Device::let_go`].
    ///
    /// # Errors
    /// When the database refuses.
    pub fn keep(&mut self, policy: &Policy) -> Result<(), EngineError> {
        self.begin_full()?;
        Own::set(&self.db, "keep", &serde_json::to_string(policy).unwrap_or_default())?;
        self.commit()?;
        self.sync()?;
        self.keeper.begin();
        Ok(())
    }

    /// Pins the conversations of these threads, or lets them go again.
    ///
    /// # Errors
    /// When one is not known, or the database refuses.
    pub fn pin_kept(&mut self, names: &[ThreadId], pinned: bool) -> Result<(), EngineError> {
        let mut members = Vec::new();
        for name in names {
            let root = mailbox::root_of(&self.db, name)?;
            let root = root.ok_or_else(|| EngineError::NoThread(name.to_string()))?;
            members.extend(mailbox::seen_members(&self.db, &root)?);
        }
        if let Some(kept) = &mut self.kept {
            kept.durable(Durability::Full)?;
            kept.begin()?;
            for (thread, _) in &members {
                Kept::pin(kept, thread, pinned)?;
            }
            kept.commit()?;
        }
        self.keeper.begin();
        Ok(())
    }

    /// Takes away what is not wanted, without a connection; what is missing is fetched later.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn let_go(&mut self) -> Result<KeptSum, EngineError> {
        self.keeper.begin();
        while !matches!(self.keeper.walk, Walk::Done) {
            self.walk_on()?;
            self.keeper.next.clear();
        }
        self.keeper.begin();
        self.kept_sum()
    }

    /// It could not go on: nothing is looked for until the next connection.
    pub(super) fn keep_no_more(&mut self) {
        self.keeper.disconnected();
        self.keeper.changed.clear();
    }

    /// How much is kept.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn kept_sum(&self) -> Result<KeptSum, EngineError> {
        Ok(self.kept.as_ref().map(Kept::sum).transpose()?.unwrap_or_default())
    }

    /// A user opens a thread: it is used now.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn note_opened(&mut self, thread: &ThreadId) -> Result<(), EngineError> {
        let now = self.clock.now_ms();
        if let Some(kept) = &mut self.kept {
            kept.durable(Durability::Normal)?;
            Kept::opened(kept, thread, now)?;
        }
        Ok(())
    }

    /// Does a step of what is to be done to keep what is wanted; at most `width` threads are
    /// fetched at a time.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn keep_on(&mut self, width: usize) -> Result<Keeping, EngineError> {
        // In a new epoch a log that is here may be all that is left of what it says.
        let compared = self.epoch.is_some() && self.comparing.is_done();
        if self.kept.is_none() || !compared || self.behind() != Some(0) {
            return Ok(Keeping { waits: true, ..Keeping::default() });
        }
        self.look_at_changed()?;
        while self.keeper.fetches.len() < width {
            let Some(thread) = self.keeper.next.pop_front() else { break };
            self.fetch(&thread)?;
        }
        if self.keeper.next.len() < width {
            self.walk_on()?;
        }
        self.ask_texts()?;
        let keeper = &mut self.keeper;
        let idle = keeper.fetches.is_empty() && keeper.next.is_empty();
        let over = keeper.bytes > self.limit && !keeper.stuck;
        if idle && over && matches!(keeper.walk, Walk::Done) {
            keeper.walk = Walk::Limit(0);
        }
        let walked = matches!(keeper.walk, Walk::Done);
        Ok(Keeping {
            done: walked && idle && keeper.changed.is_empty(),
            waits: !keeper.fetches.is_empty() && (walked || keeper.fetches.len() >= width),
            fetched: keeper.fetched,
        })
    }

    /// Threads whose rows changed: those that are kept or wanted are fetched.
    fn look_at_changed(&mut self) -> Result<(), EngineError> {
        let policy = self.policy()?;
        for _ in 0..ROWS_A_STEP {
            let Some(thread) = self.keeper.changed.pop_first() else { break };
            let Some(kept) = &self.kept else { break };
            let Some(row) = mailbox::raw_row(&self.db, &thread)? else { continue };
            let since = policy.days.map(|days| self.since(days));
            let recent = |from: Option<i64>| from.is_some_and(|from| row.last_activity >= from);
            let is_written =
                |list: &'static str| row.shown.labels.contains(&crate::label::system(list));
            let wanted = policy.all
                || (thread.is_draft() && (is_written("drafts") || is_written("outbox")))
                || (policy.starred && row.shown.starred)
                || recent(since)
                || (policy.newest.is_some() && recent(self.keeper.oldest));
            if wanted || Kept::is_chosen(kept, &thread, policy.opened)? {
                self.want_kept(&thread, row.last_activity, false)?;
            } else {
                // It goes with the next look at everything, and is not counted until then.
                let head = Log::head(kept, &StoreId::thread(&thread))?.position;
                let seen = mailbox::watermark(&self.db, &thread)?;
                if head > 0 && seen.is_some_and(|seen| seen.position > head) {
                    Kept::set_whole(kept, &thread, false)?;
                }
            }
        }
        Ok(())
    }

    /// When the last `days` days began, Unix seconds.
    pub(super) fn since(&self, days: u32) -> i64 {
        self.clock.now().saturating_sub(i64::from(days) * 24 * 60 * 60)
    }

    /// A thread is wanted: it is fetched where something of it is missing and there is room, or it
    /// must be here.
    pub(super) fn want_kept(
        &mut self,
        thread: &ThreadId,
        activity: i64,
        must: bool,
    ) -> Result<(), EngineError> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let used = activity.saturating_mul(1_000);
        let head = Log::head(kept, &StoreId::thread(thread))?.position;
        if head == 0 && !must {
            let limit = self.limit;
            let full = self.keeper.bytes >= limit - limit / SPARE;
            if full && Kept::oldest_use(kept)?.is_none_or(|oldest| oldest >= used) {
                self.keeper.short = true;
                return Ok(());
            }
        }
        let whole = Kept::wanted(kept, thread, self.keeper.mark, used)?;
        let seen = mailbox::watermark(&self.db, thread)?;
        let behind = seen.is_some_and(|seen| seen.position > head);
        if behind {
            Kept::set_whole(kept, thread, false)?;
        }
        if (behind || !whole) && !self.keeper.fetches.contains_key(thread) {
            self.keeper.next.push_back(thread.clone());
        }
        Ok(())
    }

    /// Takes a kept thread away, unless it is open or something here waits for it.
    pub(super) fn drop_kept(&mut self, thread: &ThreadId) -> Result<bool, EngineError> {
        let store = StoreId::thread(thread);
        // What was not compared may hold what the backend has lost.
        let compared = self.comparing.may_push(&store);
        let open = self.open.peek(thread).is_some() || self.pinned.contains(thread) || !compared;
        let seen = mailbox::watermark(&self.db, thread)?;
        let seen = seen.filter(|seen| Some(&seen.epoch) == self.epoch.as_ref());
        let waits = Own::waits(&self.db, &store, seen.map_or(0, |seen| seen.position))?;
        if open || waits || self.keeper.fetches.contains_key(thread) {
            return Ok(false);
        }
        if let Some(kept) = &self.kept {
            Kept::drop(kept, thread)?;
        }
        self.forget_held(thread)?;
        Ok(true)
    }

    /// Forgets own events that waited for a kept log to hold them, or to go.
    fn forget_held(&mut self, thread: &ThreadId) -> Result<(), EngineError> {
        let Some(seen) = mailbox::watermark(&self.db, thread)? else { return Ok(()) };
        if Some(&seen.epoch) == self.epoch.as_ref() && Own::has(&self.db, &StoreId::thread(thread))?
        {
            self.begin_full()?;
            self.forget_projected(thread, seen.position)?;
            self.commit()?;
        }
        Ok(())
    }

    /// Asks for what is missing of a thread.
    fn fetch(&mut self, thread: &ThreadId) -> Result<(), EngineError> {
        let (Some(kept), Some(epoch)) = (&self.kept, self.epoch.clone()) else { return Ok(()) };
        let store = StoreId::thread(thread);
        let head = Log::head(kept, &store)?;
        let seen = mailbox::watermark(&self.db, thread)?;
        let Some(seen) = seen else { return Ok(()) };
        if self.open.peek(thread).is_some_and(|open| open.subscribed) {
            // It comes in by itself.
            return self.settle_kept(thread);
        }
        let behind = seen.position > head.position;
        self.keeper.fetches.insert(thread.clone(), behind);
        if behind {
            let cursor = (head.position > 0).then_some(Cursor {
                epoch,
                position: head.position,
                chain: head.chain,
            });
            self.wanted.push(Frame::Subscribe { store, cursor });
            return Ok(());
        }
        self.want_texts(thread)
    }

    /// From now on the thread is loaded, and its log comes in with it.
    pub(super) fn no_fetch(&mut self, thread: &ThreadId) {
        self.keeper.fetches.remove(thread);
    }

    /// Whether the log of a thread that is not loaded is awaited.
    pub(super) fn is_fetching(&self, thread: &ThreadId) -> bool {
        self.keeper.fetches.get(thread) == Some(&true)
    }

    /// A page of a thread that is fetched; `false`, and nothing, when it does not fit its chain.
    pub(super) fn kept_page(
        &mut self,
        thread: &ThreadId,
        events: &[Event],
        head: u64,
        chain: Chain,
    ) -> Result<bool, EngineError> {
        if !self.is_fetching(thread) {
            return Ok(true);
        }
        let Some(kept) = &self.kept else { return Ok(true) };
        let store = StoreId::thread(thread);
        let here = Log::head(kept, &store)?.position;
        let new = &events[events.partition_point(|event| event.position <= here)..];
        if new.first().is_some_and(|first| first.position != here + 1) {
            return Ok(true);
        }
        self.begin_kept(thread)?;
        let Some(kept) = &mut self.kept else { return Ok(true) };
        let (position, end, bytes) = append_kept(kept, thread, new)?;
        if !new.is_empty() && end != chain {
            kept.rollback();
            return Ok(false);
        }
        crash::point("kept.before-commit");
        kept.commit()?;
        crash::point("kept.after-commit");
        self.keeper.grew(bytes);
        self.forget_held(thread)?;
        if position >= head {
            self.wanted.push(Frame::Unsubscribe { store });
            self.keeper.fetches.insert(thread.clone(), false);
            self.want_texts(thread)?;
        }
        Ok(true)
    }

    /// Asks for the texts of a thread whose log is here; without any it is whole.
    fn want_texts(&mut self, thread: &ThreadId) -> Result<(), EngineError> {
        let Some(kept) = &self.kept else { return Ok(()) };
        for hash in Kept::missing(kept, thread)? {
            if !self.keeper.asked.contains(&hash) && !self.keeper.texts.contains(&hash) {
                self.keeper.texts.push_back(hash);
            }
        }
        self.settle_kept(thread)?;
        self.ask_texts()
    }

    fn ask_texts(&mut self) -> Result<(), EngineError> {
        let Some(kept) = &self.kept else { return Ok(()) };
        while self.keeper.asked.len() < TEXTS {
            let Some(hash) = self.keeper.texts.pop_front() else { break };
            let offset = Uploads::have(kept, &hash)?;
            self.wanted.push(Frame::BlobGet { hash: hash.clone(), offset });
            self.keeper.asked.insert(hash);
        }
        Ok(())
    }

    /// A text is here, or nowhere: the threads that wait for it may be whole.
    pub(super) fn text_came(&mut self, hash: &BlobHash) -> Result<(), EngineError> {
        self.keeper.asked.remove(hash);
        let Some(kept) = &self.kept else { return Ok(()) };
        for thread in Kept::naming(kept, hash)? {
            self.settle_kept(&thread)?;
        }
        self.ask_texts()
    }

    /// Says of a kept thread that it is whole, once it is.
    pub(super) fn settle_kept(&mut self, thread: &ThreadId) -> Result<(), EngineError> {
        let Some(kept) = &mut self.kept else { return Ok(()) };
        let head = Log::head(kept, &StoreId::thread(thread))?.position;
        let seen = mailbox::watermark(&self.db, thread)?;
        let at_head = head > 0 && seen.is_none_or(|seen| seen.position <= head);
        if at_head && Kept::missing(kept, thread)?.is_empty() {
            kept.durable(Durability::Normal)?;
            Kept::set_whole(kept, thread, true)?;
            if self.keeper.fetches.remove(thread).is_some() {
                self.keeper.fetched += 1;
                self.news.fetched += 1;
            }
        }
        Ok(())
    }
}

/// Puts events behind a kept log, and counts them; the log's end, and by how many bytes it grew.
/// The transaction is the caller's.
pub(super) fn append_kept(
    kept: &Db,
    thread: &ThreadId,
    new: &[Event],
) -> Result<(u64, Chain, u64), StoreError> {
    let records: Vec<NewEvent> = new.iter().map(|event| event.event.clone()).collect();
    let appended = Log::append(kept, &StoreId::thread(thread), &records)?;
    let bytes = Kept::note(kept, thread, new)?;
    Ok((appended.head.position, appended.head.chain, bytes))
}
