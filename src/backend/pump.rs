//! What a device is sent of the logs that it subscribed to: pages, live frames, and parts of blobs.
//!
//! Invariant: a store is read from the device's own place in it while the device gives credit for
//! that store, and the session has room; nothing is buffered. What is sent fits the log's chain.
//! The Mailbox store always has room of its own, so that no number of threads can starve it, and
//! each thread has its turn.

use std::ops::Bound;

use crate::backend::bootstrap::Offer;
use crate::backend::core::Backend;
use crate::backend::session::Session;
use crate::crash::{self, Broken};
use crate::id::StoreId;
use crate::limits::{MAILBOX_ROOM, PAGE_BYTES, SESSION_CREDIT, STORE_CREDIT};
use crate::mailbox::MailboxEvent;
use crate::notice::Explain as _;
use crate::store::{Chain, Db, Event, Log, StoreError};
use crate::sync::Frame;

/// Where a device is in a store's log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    position: u64,
    /// Whether it has been at the head, and was not told since that it is behind: what comes is
    /// live.
    live: bool,
    /// Pages that the device takes before it must give credit again.
    credit: u32,
    /// Whether it was told that it is behind.
    told: bool,
}

impl Reading {
    /// From what a device holds.
    pub(super) const fn from(position: u64) -> Self {
        Self { position, live: false, credit: STORE_CREDIT, told: false }
    }

    /// The device has taken pages in.
    pub(super) fn credited(&mut self, pages: u32) {
        self.credit = self.credit.saturating_add(pages).min(STORE_CREDIT);
        self.told &= self.credit == 0;
    }
}

impl Backend {
    /// Reads what subscribed devices have credit for. Never called with an open transaction: what
    /// leaves is on disk.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn pump(&mut self) -> Result<bool, StoreError> {
        let mut sent = false;
        let ids: Vec<u64> = self.sessions.keys().copied().collect();
        for id in ids {
            let Some(mut session) = self.sessions.remove(&id) else { continue };
            let pumped = self.pump_one(id, &mut session);
            self.sessions.insert(id, session);
            sent |= pumped?;
        }
        Ok(sent)
    }

    /// A turn of one session: a page of the Mailbox store, a page of each thread, parts of blobs.
    fn pump_one(&mut self, id: u64, session: &mut Session) -> Result<bool, StoreError> {
        let mut sent = self.pump_chunk(id, session)?;
        sent |= self.pump_snapshot(id, session);
        for store in turns(session) {
            let room = if store.as_thread().is_some() { MAILBOX_ROOM } else { 0 };
            if session.in_flight + room >= SESSION_CREDIT {
                continue;
            }
            let Some(reading) = session.reading.get_mut(&store) else { continue };
            match self.next_page(&store, reading) {
                Ok(None) => {}
                Ok(Some(frame)) => {
                    session.in_flight += usize::from(frame.takes_credit());
                    session.last = Some(store);
                    self.ready.push((id, frame));
                    sent = true;
                }
                // What is wrong with one log is no other's concern.
                Err(error @ StoreError::Broken { .. }) => {
                    self.begin()?;
                    if self.met_damage(&store)? {
                        session.reading.remove(&store);
                        let code = "damaged-log".to_owned();
                        let message = error.notice().message;
                        self.ready.push((id, Frame::Withheld { store, code, message }));
                    }
                    sent = true;
                }
                Err(error) => return Err(error),
            }
        }
        while session.in_flight + MAILBOX_ROOM < SESSION_CREDIT {
            let Some((hash, offset)) = session.blobs.pop_front() else { break };
            let part = self.blob(&hash, offset)?;
            session.in_flight += 1;
            self.ready.push((id, part));
            sent = true;
        }
        // A long blob of an older form was written in parts.
        self.db.commit()?;
        Ok(sent)
    }

    /// Offers a snapshot to a session that reads the Mailbox log where arguments were given up
    /// meanwhile: without them its events would bring nothing.
    fn pump_snapshot(&mut self, id: u64, session: &mut Session) -> bool {
        let mailbox = StoreId::mailbox();
        let Some(position) = session.reading.get(&mailbox).map(|reading| reading.position) else {
            return false;
        };
        if self.snapshots.reaches(position) {
            return false;
        }
        session.reading.remove(&mailbox);
        if let Offer::Snapshot(manifest) = self.snapshots.offer(position) {
            self.ready.push((id, Frame::Snapshot { manifest: manifest.clone() }));
        } else {
            session.waits = Some(position);
            self.snapshots.wanted = true;
        }
        true
    }

    /// What comes next of a store, if anything does.
    fn next_page(
        &self,
        store: &StoreId,
        reading: &mut Reading,
    ) -> Result<Option<Frame>, StoreError> {
        let db = self.log_of(store);
        let head = Log::head(db, store)?.position;
        if reading.live && reading.position >= head {
            return Ok(None);
        }
        if reading.credit == 0 {
            if !reading.live || reading.told {
                return Ok(None);
            }
            (reading.live, reading.told) = (false, true);
            return Ok(Some(Frame::Behind { store: store.clone(), head }));
        }
        let (events, more, chain) = page(db, store, reading.position, self.page_events)?;
        let last = events.last().map_or(reading.position, |event| event.position);
        let store = store.clone();
        let frame = if reading.live {
            Frame::Live { store, events, head, chain }
        } else {
            Frame::Page { store, events, more, head, chain }
        };
        reading.position = last;
        reading.live |= !more;
        reading.credit -= 1;
        Ok(Some(frame))
    }
}

/// The session's stores in the order of this turn: the Mailbox store, then the threads behind the
/// one that was served last.
fn turns(session: &Session) -> Vec<StoreId> {
    let threads = |range: (Bound<&StoreId>, Bound<&StoreId>)| {
        let stores = session.reading.range::<StoreId, _>(range).map(|(store, _)| store);
        stores.filter(|store| store.as_thread().is_some()).cloned().collect::<Vec<_>>()
    };
    let mailbox = StoreId::mailbox();
    let mut turns = Vec::with_capacity(session.reading.len());
    turns.extend(session.reading.contains_key(&mailbox).then_some(mailbox));
    match &session.last {
        Some(last) if last.as_thread().is_some() => {
            turns.extend(threads((Bound::Excluded(last), Bound::Unbounded)));
            turns.extend(threads((Bound::Unbounded, Bound::Included(last))));
        }
        _ => turns.extend(threads((Bound::Unbounded, Bound::Unbounded))),
    }
    turns
}

/// Events after a position that are taken in together, of a batch all or none, and the chain after
/// them.
fn page(
    db: &Db,
    store: &StoreId,
    after: u64,
    most: usize,
) -> Result<(Vec<Event>, bool, Chain), StoreError> {
    let (mut most, mut bytes) = (most, PAGE_BYTES);
    loop {
        let (mut events, more, chain) = Log::checked(db, store, after, most, bytes)?;
        if !more || store.as_str() != StoreId::MAILBOX || crash::broken(Broken::BatchSplit) {
            return Ok((events, more, chain));
        }
        // Also of events whose names a later program will know.
        let ends = |event: &Event| {
            MailboxEvent::source_of(&event.event.args).is_none_or(|source| source.last)
        };
        if let Some(end) = events.iter().rposition(ends) {
            if end + 1 == events.len() {
                return Ok((events, true, chain));
            }
            events.truncate(end + 1);
            let chain = Log::chain_at(db, store, events[end].position)?.unwrap_or_default();
            return Ok((events, true, chain));
        }
        (most, bytes) = (most.saturating_mul(2), bytes.saturating_mul(2));
    }
}
