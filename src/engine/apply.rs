//! Frames of the backend: what they change here.
//!
//! Invariant: a page is taken in as one transaction, alone or with those behind it: its log rows,
//! tables, watermarks, and what of the own events it makes known. A page that does not follow on
//! the log is not taken in.

use std::collections::{BTreeMap, BTreeSet};

use crate::crash::{self, Broken};
use crate::engine::bootstrap::SLICE;
use crate::engine::slice::{Added, Further, MailboxPage, Slice};
use crate::engine::{Device, EngineError};
use crate::id::{DeviceId, Epoch, StoreId, ThreadId};
use crate::limits::CREDIT_EVERY;
use crate::mailbox::{self, Changes, Groups, MailboxEvent, Source};
use crate::store::{ABSENT, Chain, Db, Durability, Event, Head, Log, Own, StoreError};
use crate::sync::{Frame, StoreAck, SyncError};

/// Frames that do not fit what is here, in one connection: more is a backend that makes no sense.
const MAX_MISFITS: u32 = 64;
/// Answers of the backend that wait for whoever asked.
const ANSWERS_KEPT: usize = 64;

impl Device {
    /// Takes a frame in.
    ///
    /// # Errors
    /// When the database refuses, or the backend is another than this directory's.
    pub fn receive(&mut self, frame: Frame) -> Result<(), EngineError> {
        self.receive_with(frame, &mut |_, _| None)
    }

    /// As [`Device::receive`]; a page of the Mailbox log is taken in as one transaction with those
    /// that `more` gives.
    ///
    /// # Errors
    /// As [`Device::receive`].
    pub fn receive_with(&mut self, frame: Frame, more: Further<'_>) -> Result<(), EngineError> {
        // What was decided by keys has its own durability and is on disk first.
        self.commit()?;
        let done = self.take(frame, more);
        if done.is_err() {
            // Of a frame all or nothing.
            self.db.rollback();
            self.kept.iter_mut().for_each(Db::rollback);
            // Where this fails too, the next welcome looks.
            let _ = self.boot_of_disk();
        }
        // Who answers keys in between takes a snapshot in by slices.
        while !self.later && done.is_ok() && self.bootstrap_on(SLICE)? {}
        done
    }

    fn take(&mut self, frame: Frame, more: Further<'_>) -> Result<(), EngineError> {
        match frame {
            Frame::Welcome { backend, epoch, .. } => self.welcome(&backend, epoch),
            Frame::Page { store, events, head, chain, .. }
            | Frame::Live { store, events, head, chain } => {
                self.store_page(&store, events, head, chain, more)
            }
            Frame::Snapshot { manifest } => self.snapshot(manifest),
            Frame::Chunk { snapshot, chunk, data } => self.chunk(&snapshot, chunk, &data.0),
            Frame::Behind { store, head } => {
                if store.as_thread().is_none() {
                    self.remote_head = Some(head);
                }
                Ok(())
            }
            Frame::Withheld { store, code, message } => self.withheld(&store, &code, &message),
            Frame::Lacks { store, after, chain } => {
                self.lacks(&store, Head { position: after, chain }).map_err(EngineError::from)
            }
            Frame::Ack { stores } => self.acknowledged(&stores),
            Frame::Diverged { store, position, chain } => {
                self.diverged(&store, Head { position, chain })
            }
            Frame::Settled { seq, head } => {
                keep(&mut self.settled, seq, head);
                Ok(())
            }
            Frame::Ingested { seq, outcomes } => {
                keep(&mut self.ingested, seq, outcomes);
                Ok(())
            }
            Frame::Purged { seq, rows } => {
                keep(&mut self.purged, seq, rows);
                Ok(())
            }
            Frame::Blob { hash, offset, size, data } => self.blob_part(&hash, offset, size, data.0),
            Frame::BlobHave { hash, have, refused } => {
                self.blob_have(&hash, have, refused.as_deref());
                Ok(())
            }
            Frame::Error { code, message, retry } => {
                let message = crate::safe_text::line(&message);
                if !retry {
                    let code = crate::safe_text::line(&code);
                    self.news.error = Some((code.clone(), message.clone(), false));
                    return Err(SyncError::Refused { code, message }.into());
                }
                self.news.error = Some((code, message, true));
                Ok(())
            }
            Frame::Accounts { told } => self.told(told),
            Frame::Finder {} => {
                self.finder();
                Ok(())
            }
            found @ Frame::Found { .. } => {
                self.found_there(found);
                Ok(())
            }
            Frame::Ping { n } => {
                self.want(Frame::Pong { n });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn welcome(&mut self, backend: &str, epoch: Epoch) -> Result<(), EngineError> {
        // It is printed: it must be an id and nothing else.
        DeviceId::try_from(backend).map_err(|error| SyncError::Frame(error.to_string()))?;
        if self.epoch.is_some() {
            return Err(SyncError::Frame("a second welcome".to_owned()).into());
        }
        (self.declined, self.misfits) = (0, 0);
        self.boot_of_disk()?;
        let known = Own::setting(&self.db, "backend")?;
        if let Some(known) = known
            && known != backend
        {
            return Err(EngineError::OtherBackend(known));
        }
        let last = Own::setting(&self.db, "epoch")?;
        self.begin_full()?;
        self.begin_comparing(&epoch)?;
        Own::set(&self.db, "backend", backend)?;
        Own::set(&self.db, "epoch", epoch.as_str())?;
        if last.is_some_and(|last| last != epoch.as_str()) {
            if crash::broken(Broken::PendingDroppedOnReset) {
                Own::drop_pending(&self.db)?;
            }
            Own::forget_positions(&self.db)?;
            self.offer_before_snapshot()?;
            self.leave_later_rows()?;
            self.doubt_what_is_gone()?;
        }
        self.commit()?;
        self.epoch = Some(epoch);
        self.in_flight.clear();
        self.sent.clear();
        self.taken.clear();
        self.held_back.clear();
        self.unsent = true;
        if !self.ends_first() {
            let cursor = self.cursor()?;
            let store = StoreId::mailbox();
            self.wanted.push(Frame::Subscribe { store, cursor });
        }
        self.keeper.begin();
        let open: Vec<ThreadId> = self.open.iter().map(|(thread, _)| thread.clone()).collect();
        for thread in open {
            self.subscribe_thread(&thread);
        }
        Ok(())
    }

    /// Takes in pages of one store; of the Mailbox log, several as one transaction.
    fn store_page(
        &mut self,
        store: &StoreId,
        events: Vec<Event>,
        head: u64,
        chain: Chain,
        more: Further<'_>,
    ) -> Result<(), EngineError> {
        if let Some(thread) = store.as_thread() {
            self.thread_page(&thread, &events, head, chain)?;
            self.credit(store);
            return Ok(());
        }
        if self.boot.is_some() && !self.begins_anew(&events)? {
            return Ok(());
        }
        let mut slice = Slice::default();
        let mut page = Some(MailboxPage { events, head, chain });
        while let Some(next) = page {
            self.remote_head = Some(next.head);
            self.credit(store);
            let added = self.add_page(store, next, &mut slice);
            match added {
                Ok(Added::Yes) => {}
                Ok(Added::Gap) => {
                    self.finish(&slice)?;
                    return self.ask_again(store);
                }
                Ok(Added::Unfit) => {
                    self.db.rollback();
                    return self.ask_again(store);
                }
                Err(error) => {
                    self.db.rollback();
                    return Err(error.into());
                }
            }
            let at = slice.end.map_or(u64::MAX, |end| end.position);
            page = more(slice.events.len(), self.remote_head.is_some_and(|head| at < head));
        }
        self.finish(&slice)
    }

    /// Puts a page into the log, in the open transaction.
    fn add_page(
        &mut self,
        store: &StoreId,
        page: MailboxPage,
        slice: &mut Slice,
    ) -> Result<Added, StoreError> {
        let MailboxPage { mut events, head, chain } = page;
        let here = match slice.end {
            Some(end) => end.position,
            None => Log::head(&self.db, store)?.position,
        };
        events.drain(..events.partition_point(|event| event.position <= here));
        if !follows(&events, here, head) {
            return Ok(Added::Gap);
        }
        if events.is_empty() {
            return Ok(Added::Yes);
        }
        if slice.end.is_none() {
            self.db.durable(Durability::Normal)?;
            self.db.begin()?;
        }
        if crash::broken(Broken::OverlayBeforeRows) {
            self.forget_early(&events)?;
        }
        let appended = Log::append(&self.db, store, events.iter().map(|event| &event.event))?;
        slice.end = Some(appended.head);
        // Otherwise it is not what stands there; or a page holds an event that the log has
        // elsewhere, which would be applied a second time.
        let last = events.last().map(|event| event.position);
        if appended.head.chain != chain
            || appended.added != events.len() as u64
            || Some(appended.head.position) != last
        {
            return Ok(Added::Unfit);
        }
        slice.events.append(&mut events);
        Ok(Added::Yes)
    }

    /// Something is missing between a page and what is here, or it does not fit its own chain. What
    /// is here was compared with the backend's log when it was asked: so that stays, and the
    /// backend says once more whether the logs are the same up to there, and goes on from there.
    fn ask_again(&mut self, store: &StoreId) -> Result<(), EngineError> {
        self.misfit()?;
        let cursor = self.cursor()?;
        self.wanted.push(Frame::Unsubscribe { store: store.clone() });
        self.wanted.push(Frame::Subscribe { store: store.clone(), cursor });
        Ok(())
    }

    /// Materialises what was added to the log, and commits both.
    fn finish(&mut self, slice: &Slice) -> Result<(), EngineError> {
        if slice.end.is_none() {
            return self.took_in();
        }
        let taken = self.take_in(&slice.events);
        crash::point("page.before-commit");
        let purged = match taken {
            Ok(purged) => {
                self.db.commit()?;
                purged
            }
            Err(error) => {
                self.db.rollback();
                return Err(error.into());
            }
        };
        crash::point("page.after-commit");
        for thread in &purged {
            self.drop_thread(thread)?;
        }
        self.news.pulled += slice.events.len() as u64;
        self.news.lists = true;
        self.took_in()
    }

    /// Whether the Mailbox log is here up to the backend's end decides what may be pushed.
    fn took_in(&mut self) -> Result<(), EngineError> {
        let all = self.remote_head.is_some_and(|head| self.head().is_ok_and(|here| here >= head));
        if all { self.mailbox_compared() } else { Ok(()) }
    }

    /// Materialises events that the log holds now; the threads that were purged.
    fn take_in(&mut self, events: &[Event]) -> Result<Vec<ThreadId>, StoreError> {
        let mut groups = Groups::new(true);
        let changes = mailbox::materialize(&self.db, events, &mut groups)?;
        // Mostly nothing of its own is under way, and there is nothing to look for.
        let back = self.revive(&changes)?;
        let mut own = back || Own::any(&self.db)? || mailbox::any_overlaid(&self.db)?;
        if own {
            self.note_sources(&changes)?;
        }
        for thread in &changes.threads {
            own |= self.still_show(thread)?;
        }
        let written = |event: &&Event| MailboxEvent::device_may_return(&event.event.name);
        for event in events.iter().filter(written) {
            // Labels and undos are confirmed by being in the log.
            Own::projected_id(&self.db, &event.event.id)?;
        }
        self.show_labels(&changes.labels)?;
        for thread in changes.threads.iter().filter(|_| own) {
            self.cover(thread)?;
        }
        for thread in &changes.purged {
            mailbox::redact(&self.db, thread)?;
            mailbox::set_overlay(&self.db, thread, None)?;
            self.news.refused.extend(Own::purge(&self.db, &StoreId::thread(thread))?);
        }
        groups.settle(&self.db)?;
        if self.kept.is_some() {
            self.keeper.changed(&changes.threads);
        }
        self.news.threads.extend(changes.threads);
        Ok(changes.purged)
    }

    /// Keys on conversations that the backend did not have and has now wait again; whether there
    /// are any.
    fn revive(&mut self, changes: &Changes) -> Result<bool, StoreError> {
        if !Own::any_absent(&self.db)? {
            return Ok(false);
        }
        let mut back = 0;
        for thread in &changes.threads {
            back += Own::revive(&self.db, &StoreId::thread(thread))?;
        }
        self.unsent |= back > 0;
        Ok(back > 0)
    }

    /// What complete batches say of own events: where they are, and which are shown by rows now.
    fn note_sources(&mut self, changes: &Changes) -> Result<(), StoreError> {
        for source in &changes.sources {
            let store = StoreId::thread(&source.thread);
            for action in source.actions.iter().filter(|action| action.device == self.id) {
                Own::confirm_action(&self.db, &store, &action.id, action.position)?;
            }
            self.forget_projected(&source.thread, source.through)?;
        }
        Ok(())
    }

    /// Forgets own events before the rows that show them are there: a rule broken on purpose.
    fn forget_early(&mut self, events: &[Event]) -> Result<(), StoreError> {
        let read = |event: &Event| MailboxEvent::read(&event.event.name, &event.event.args);
        let sources = events.iter().filter_map(|event| read(event)?.source().cloned());
        let sources = sources.filter(|source| source.last).collect();
        let changes = Changes { sources, ..Changes::default() };
        self.note_sources(&changes)?;
        let mut groups = Groups::of_overlay();
        for Source { thread, .. } in &changes.sources {
            groups.touch(&self.db, thread)?;
            self.cover(thread)?;
        }
        groups.settle(&self.db)?;
        self.db.commit()?;
        self.db.begin()
    }

    /// Forgets own events that rows show now; those that a loaded log does not hold yet stay until
    /// it does, so that the reader does not flicker, and those that a kept log does not hold on
    /// disk, so that they can be offered again after a restore.
    pub(super) fn forget_projected(
        &mut self,
        thread: &ThreadId,
        through: u64,
    ) -> Result<(), StoreError> {
        let held = self.open.peek(thread).filter(|open| open.subscribed);
        let mut through = held.map_or(through, |open| open.position().min(through));
        if let Some(kept) = &self.kept {
            let here = Log::head(kept, &StoreId::thread(thread))?.position;
            if here > 0 && self.kept_disk.awaits(thread) {
                return Ok(()); // once its end is on disk
            }
            through = if here > 0 { here.min(through) } else { through };
        }
        self.note_late(thread, through)?;
        Own::projected(&self.db, &StoreId::thread(thread), through)?;
        Ok(())
    }

    /// Forgets own events that rows show and that waited for a log which is not loaded any more.
    pub(super) fn forget_shown(&mut self) -> Result<(), EngineError> {
        let Some(epoch) = Own::setting(&self.db, "epoch")? else { return Ok(()) };
        for store in Own::confirmed(&self.db)? {
            let Some(thread) = store.as_thread() else { continue };
            let Some(seen) = mailbox::watermark(&self.db, &thread)? else { continue };
            if seen.epoch.as_str() == epoch {
                self.begin_full()?;
                self.forget_projected(&thread, seen.position)?;
            }
        }
        self.commit()
    }

    /// Takes in what became of a push, as one transaction. It needs no sync to disk of its own:
    /// should it be lost, the same is offered again, and known by its ids.
    fn acknowledged(&mut self, acks: &[StoreAck]) -> Result<(), EngineError> {
        self.db.durable(Durability::Normal)?;
        self.db.begin()?;
        let done = acks.iter().try_for_each(|ack| self.store_acknowledged(ack));
        crash::point("ack.before-commit");
        match done {
            Ok(()) => {
                self.db.commit()?;
                crash::point("ack.after-commit");
                Ok(())
            }
            Err(error) => {
                self.db.rollback();
                Err(error)
            }
        }
    }

    fn store_acknowledged(&mut self, ack: &StoreAck) -> Result<(), EngineError> {
        let StoreAck { store, positions, refused, missing, .. } = ack;
        if self.is_stale(ack) || !self.in_flight.remove(store) {
            return Ok(()); // an answer to what nobody asked, or to what was answered before
        }
        self.check_ack(ack)?;
        self.unsent |= self.held_back.remove(store);
        for (id, position) in positions {
            Own::confirm(&self.db, id, *position)?;
        }
        if crash::broken(Broken::ConfirmByPosition) {
            Own::confirm_up_to(&self.db, store, ack.head)?;
        }
        self.news.pushed += positions.len() as u64;
        self.lacks_blobs(store, missing)?;
        for refusal in refused {
            if refusal.code == "purged" && Own::drop_again(&self.db, &refusal.id)? {
                continue; // it was here of what is gone for good
            }
            // Another device may hold it still: then it comes back, and this with it.
            let absent = refusal.code == "no-such-thread" && !Own::is_again(&self.db, &refusal.id)?;
            let reason = if absent { ABSENT } else { &refusal.reason };
            let reason = crate::safe_text::line(reason);
            Own::refuse(&self.db, &refusal.id, &reason)?;
            self.news.refused.push(reason);
        }
        let Some(thread) = store.as_thread() else {
            let (base, mut known) = (Log::base(&self.db, store)?.position, 0);
            for (id, at) in positions {
                if *at <= base || Log::holds(&self.db, store, id)? {
                    known += Own::projected_id(&self.db, id)?;
                }
            }
            // What the log has of it may stand before what others wrote since.
            if !refused.is_empty() || known > 0 {
                self.show_all_labels()?;
                self.news.lists = true;
            }
            return Ok(());
        };
        let seen = mailbox::watermark(&self.db, &thread)?;
        let seen = seen.filter(|seen| Some(&seen.epoch) == self.epoch.as_ref());
        if let Some(seen) = &seen {
            self.forget_projected(&thread, seen.position)?;
        }
        // Rows that a snapshot brought may have it already, and before what others did since.
        let known =
            positions.iter().any(|(_, at)| seen.as_ref().is_some_and(|s| *at <= s.position));
        let dropped = crash::broken(Broken::OverlayDroppedAtAck);
        if !refused.is_empty() || known || dropped {
            let mut groups = Groups::of_overlay();
            groups.touch(&self.db, &thread)?;
            if dropped {
                Own::projected(&self.db, &StoreId::thread(&thread), u64::MAX >> 1)?;
            }
            self.cover(&thread)?;
            groups.settle(&self.db)?;
            self.news.lists = true;
        }
        Ok(())
    }

    /// Whether an answer names nothing of what is under way.
    fn is_stale(&self, ack: &StoreAck) -> bool {
        let Some(sent) = self.sent.get(&ack.store) else { return false };
        let mut named =
            ack.positions.iter().map(|(id, _)| id).chain(ack.refused.iter().map(|no| &no.id));
        let names = !(ack.positions.is_empty() && ack.refused.is_empty());
        names && !named.any(|id| sent.contains(id))
    }

    /// Whether an answer says of everything that was sent, and of nothing else, what became of it.
    /// One that does not confirms nothing: the same is offered again on another connection.
    fn check_ack(&mut self, ack: &StoreAck) -> Result<(), EngineError> {
        let wrong =
            |what: &str| Err(SyncError::Frame(format!("an answer to a push {what}")).into());
        let mut sent = self.sent.remove(&ack.store).unwrap_or_default();
        let mut positions = BTreeMap::new();
        for (id, position) in &ack.positions {
            if positions.get(position) == Some(&id) {
                continue; // the same once more
            }
            if !sent.remove(id) {
                return wrong("names what was not pushed");
            }
            if *position == 0 || *position > ack.head || positions.insert(position, id).is_some() {
                return wrong("gives a position that cannot be");
            }
            let log =
                if ack.store.as_thread().is_some() { self.kept.as_ref() } else { Some(&self.db) };
            let there = log.map(|log| Log::at(log, &ack.store, *position)).transpose()?.flatten();
            if there.is_some_and(|there| there.event.id != *id) {
                return wrong("gives a position that another event has");
            }
        }
        if ack.refused.iter().any(|refusal| !sent.remove(&refusal.id)) {
            return wrong("refuses what was not pushed");
        }
        if sent.is_empty() || !ack.missing.is_empty() {
            Ok(())
        } else {
            wrong("leaves something out")
        }
    }

    /// This device has taken a page in: now and then the backend hears that more may come.
    fn credit(&mut self, store: &StoreId) {
        let taken = self.taken.entry(store.clone()).or_default();
        *taken += 1;
        if *taken >= CREDIT_EVERY {
            let pages = std::mem::take(taken);
            self.wanted.push(Frame::Credit { store: store.clone(), pages });
        }
    }

    /// The backend sends nothing of this store.
    fn withheld(&mut self, store: &StoreId, code: &str, message: &str) -> Result<(), EngineError> {
        let (code, message) = (crate::safe_text::line(code), crate::safe_text::line(message));
        let Some(thread) = store.as_thread() else {
            return Err(SyncError::Refused { code, message }.into());
        };
        if let Some(open) = self.open.peek_mut(&thread) {
            open.subscribed = false;
        }
        self.no_fetch(&thread);
        Err(EngineError::Withheld(thread.to_string(), message))
    }

    /// A frame did not fit what is here. It is asked for again, but not for ever.
    pub(super) fn misfit(&mut self) -> Result<(), EngineError> {
        self.misfits += 1;
        if self.misfits > MAX_MISFITS {
            return Err(SyncError::Frame("frames that do not fit each other".to_owned()).into());
        }
        Ok(())
    }

    /// Threads that own events are on.
    pub(super) fn own_threads(&self) -> Result<BTreeSet<ThreadId>, StoreError> {
        Ok(Own::all(&self.db)?.iter().filter_map(|event| event.store.as_thread()).collect())
    }
}

/// Whether new events are the ones behind `here`, each behind the one before, and none behind
/// `head`; a log that ends before what is here does not go on with it.
pub(super) fn follows(new: &[Event], here: u64, head: u64) -> bool {
    let mut expected = here;
    let contiguous = new.iter().all(|event| {
        expected += 1;
        event.position == expected
    });
    contiguous && expected <= head
}

/// Keeps an answer until it is asked for; those that nobody waits for any more go first.
fn keep<T>(answers: &mut BTreeMap<u64, T>, seq: u64, answer: T) {
    answers.insert(seq, answer);
    while answers.len() > ANSWERS_KEPT {
        answers.pop_first();
    }
}
