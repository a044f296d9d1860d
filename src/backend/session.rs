//! A device's session: what it subscribed to, and what may be sent to it now.
//!
//! Invariant: nothing is buffered for a slow device: what it cannot take yet stays in the log, and
//! is read from there by `pump`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::backend::bootstrap::Offer;
use crate::backend::core::Backend;
use crate::backend::ingest::prepare;
use crate::backend::pump::Reading;
use crate::backend::storage::{self, Queue, Snapshots};
use crate::bridge::{Folder, Follow, Incoming};
use crate::id::{BlobHash, DeviceId, StoreId};
use crate::limits::{CHUNKS_ASKED, MAX_PUSHED_EVENTS, SESSION_CREDIT};
use crate::mail::Flags;
use crate::store::{Db, Head, Log, StoreError};
use crate::sync::{Bytes, Cursor, Frame, IngestMessage};

/// Stores that a device may be subscribed to at a time.
const MAX_SUBSCRIPTIONS: usize = 1_024;

/// Parts of blobs that a device may have asked for at a time.
const MAX_BLOBS_ASKED: usize = 16 * 1_024;

/// How often a device may wait for the pipeline at a time.
const MAX_SETTLING: usize = 64;

/// A connected device.
#[derive(Debug)]
pub(super) struct Session {
    /// Who it is: fresh events are its own.
    pub(super) device: DeviceId,
    pub(super) reading: BTreeMap<StoreId, Reading>,
    /// The store that was served last: the next one's turn comes first.
    pub(super) last: Option<StoreId>,
    /// Frames that took credit, handed to the socket and not yet written.
    pub(super) in_flight: usize,
    /// Parts of blobs that were asked for.
    pub(super) blobs: VecDeque<(BlobHash, u64)>,
    /// Threads that must be projected before each settle is answered.
    pub(super) settling: Vec<(u64, BTreeSet<i64>)>,
    /// Parts of a snapshot that it asked for.
    chunks: VecDeque<(String, u64)>,
    /// Whether it can be asked for what it holds of a damaged log.
    pub(super) mends: bool,
    /// It waits for a snapshot: the log does not reach back to what it holds.
    pub(super) waits: Option<u64>,
}

impl Session {
    fn of(device: DeviceId) -> Self {
        Self {
            device,
            reading: BTreeMap::new(),
            last: None,
            in_flight: 0,
            blobs: VecDeque::new(),
            settling: Vec::new(),
            chunks: VecDeque::new(),
            mends: false,
            waits: None,
        }
    }
}

impl Backend {
    /// A device is there; its token was good.
    pub fn connect(&mut self, session: u64, device: DeviceId) {
        self.sessions.insert(session, Session::of(device));
    }

    /// It is gone.
    pub fn disconnect(&mut self, session: u64) {
        self.sessions.remove(&session);
    }

    /// A frame that took credit was written to the session's socket.
    pub fn written(&mut self, session: u64) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.in_flight = session.in_flight.saturating_sub(1);
        }
    }

    /// The answer to a hello.
    #[must_use]
    pub fn welcome(&self) -> Frame {
        Frame::Welcome {
            protocol: crate::sync::PROTOCOL,
            backend: self.id.clone(),
            epoch: self.epoch.clone(),
        }
    }

    /// Handles a frame. Answers are in [`Backend::frames`] after the commit.
    ///
    /// # Errors
    /// When the storage refuses; the caller rolls back and ends the session.
    pub fn handle(&mut self, session: u64, frame: Frame, now: i64) -> Result<(), StoreError> {
        self.now = now;
        match frame {
            Frame::Push { stores } => {
                let events: usize = stores.iter().map(|push| push.events.len()).sum();
                if events.max(stores.len()) > MAX_PUSHED_EVENTS {
                    self.refuse(session, "limit", "too many events in one push");
                } else {
                    self.push(session, stores)?;
                }
            }
            Frame::Ingest { seq, messages } => self.ingest_of(session, seq, messages)?,
            Frame::Follow { seq, changes } => self.follow_of(session, seq, changes)?,
            Frame::Purge { seq, order } => {
                let rows = self.purge(&order)?;
                self.held.push((session, Frame::Purged { seq, rows }));
            }
            Frame::Subscribe { store, cursor } => {
                self.subscribe(session, store, cursor.as_ref(), true)?;
            }
            Frame::Replay { store, cursor } => {
                self.subscribe(session, store, cursor.as_ref(), false)?;
            }
            Frame::ChunkGet { snapshot, chunk } => self.ask_chunk(session, snapshot, chunk),
            Frame::Unsubscribe { store } => {
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.reading.remove(&store);
                }
            }
            Frame::Settle { seq } => {
                let open = self.unprojected()?;
                let asking = self.sessions.get_mut(&session);
                match asking.filter(|asking| asking.settling.len() < MAX_SETTLING) {
                    Some(asking) => asking.settling.push((seq, open)),
                    None => self.refuse(session, "limit", "asked too often at a time"),
                }
                self.answer_settled()?;
            }
            Frame::BlobGet { hash, offset } => {
                let asking = self.sessions.get_mut(&session);
                match asking.filter(|asking| asking.blobs.len() < MAX_BLOBS_ASKED) {
                    Some(asking) => asking.blobs.push_back((hash, offset)),
                    None => self.refuse(session, "limit", "too many blobs asked for at a time"),
                }
            }
            Frame::Credit { store, pages } => {
                let open = self.sessions.get_mut(&session);
                if let Some(reading) = open.and_then(|open| open.reading.get_mut(&store)) {
                    reading.credited(pages);
                }
            }
            Frame::BlobPut { hash, offset, size, data } => {
                let have = self.put_blob(&hash, offset, size, &data.0)?;
                self.held.push((session, have));
            }
            Frame::Mend { store, after, events } => {
                self.mend_log(session, &store, after, &events)?;
            }
            Frame::Ping { n } => self.held.push((session, Frame::Pong { n })),
            _ => self.refuse(session, "frame", "a frame that only a backend sends"),
        }
        Ok(())
    }

    /// Takes in mail that a device imports.
    fn ingest_of(
        &mut self,
        session: u64,
        seq: u64,
        messages: Vec<IngestMessage>,
    ) -> Result<(), StoreError> {
        let now = self.now;
        let prepared = messages.into_iter().map(|m| prepare(incoming(m), now)).collect();
        let outcomes = self.ingest(prepared, now)?;
        let outcomes = outcomes.iter().filter_map(|o| serde_json::to_value(o).ok()).collect();
        self.held.push((session, Frame::Ingested { seq, outcomes }));
        Ok(())
    }

    /// Takes in what a source of a device changed since.
    fn follow_of(
        &mut self,
        session: u64,
        seq: u64,
        changes: Vec<serde_json::Value>,
    ) -> Result<(), StoreError> {
        let read = changes.into_iter().map(serde_json::from_value::<Follow>);
        let Ok(changes) = read.collect::<Result<Vec<_>, _>>() else {
            self.refuse(session, "frame", "a change that cannot be read");
            return Ok(());
        };
        let done = self.follow(&changes, self.now)?;
        let outcomes = done.iter().filter_map(|done| serde_json::to_value(done).ok()).collect();
        self.held.push((session, Frame::Ingested { seq, outcomes }));
        Ok(())
    }

    /// Says no for good to what a device asked.
    fn refuse(&mut self, session: u64, code: &str, message: &str) {
        let (code, message) = (code.to_owned(), message.to_owned());
        self.held.push((session, Frame::Error { code, message, retry: false }));
    }

    pub(super) fn log_of(&self, store: &StoreId) -> &Db {
        if store.as_str() == StoreId::MAILBOX { self.mailbox.db() } else { &self.db }
    }

    fn subscribe(
        &mut self,
        session: u64,
        store: StoreId,
        cursor: Option<&Cursor>,
        snapshot: bool,
    ) -> Result<(), StoreError> {
        let position = match cursor {
            None => 0,
            Some(cursor) => {
                // The same ids and arguments up to there, whatever the epoch was.
                let fits = self.fits(&store, cursor)?;
                if !fits && self.is_damaged(session, &store)? {
                    return Ok(());
                }
                // Who looked for damage may have put it right.
                if fits || self.fits(&store, cursor)? {
                    cursor.position
                } else {
                    let Head { position, chain } = self.common(&store, cursor)?;
                    self.held.push((session, Frame::Diverged { store, position, chain }));
                    return Ok(());
                }
            }
        };
        if store.as_str() == StoreId::MAILBOX && self.instead(session, position, snapshot) {
            return Ok(());
        }
        let Some(open) = self.sessions.get_mut(&session) else { return Ok(()) };
        if open.reading.len() >= MAX_SUBSCRIPTIONS {
            let (code, message) = ("limit".to_owned(), "too many subscriptions".to_owned());
            self.held.push((session, Frame::Withheld { store, code, message }));
            return Ok(());
        }
        open.reading.insert(store, Reading::from(position));
        Ok(())
    }

    /// Offers a snapshot instead of the log after a position, where there is one and it is less
    /// work, or where the log does not reach back so far. `false` when it is the log.
    fn instead(&mut self, id: u64, position: u64, snapshot: bool) -> bool {
        let offer = self.snapshots.offer(position);
        let offer = if snapshot || !self.snapshots.reaches(position) { offer } else { Offer::Log };
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        session.waits = None;
        match offer {
            Offer::Log => return false,
            Offer::Snapshot(manifest) => {
                self.held.push((id, Frame::Snapshot { manifest: manifest.clone() }));
            }
            Offer::Wait => {
                session.waits = Some(position);
                self.snapshots.wanted = true;
            }
        }
        true
    }

    /// A snapshot is there: who waits for one hears of it.
    pub(super) fn offer_waiting(&mut self) {
        let waiting: Vec<(u64, u64)> =
            self.sessions.iter().filter_map(|(id, s)| Some((*id, s.waits?))).collect();
        for (id, position) in waiting {
            self.instead(id, position, true);
        }
    }

    fn ask_chunk(&mut self, id: u64, snapshot: String, chunk: u64) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.chunks.len() < CHUNKS_ASKED {
            session.chunks.push_back((snapshot, chunk));
        } else {
            let (code, message) = ("limit".to_owned(), "too much was asked for".to_owned());
            self.held.push((id, Frame::Error { code, message, retry: false }));
        }
    }

    /// The next part of a snapshot that a session has credit for. One that is not there any more is
    /// answered with what is offered now.
    pub(super) fn pump_chunk(
        &mut self,
        id: u64,
        session: &mut Session,
    ) -> Result<bool, StoreError> {
        if session.in_flight >= SESSION_CREDIT {
            return Ok(false);
        }
        let Some((snapshot, chunk)) = session.chunks.pop_front() else { return Ok(false) };
        if let Some(data) = self.snapshots.chunk(&snapshot, chunk)? {
            session.in_flight += 1;
            self.ready.push((id, Frame::Chunk { snapshot, chunk, data: Bytes(data) }));
            return Ok(true);
        }
        session.chunks.clear();
        match self.snapshots.offer(0) {
            Offer::Snapshot(manifest) => {
                self.ready.push((id, Frame::Snapshot { manifest: manifest.clone() }));
            }
            Offer::Wait => session.waits = Some(0),
            Offer::Log => {
                session.reading.insert(StoreId::mailbox(), Reading::from(0));
            }
        }
        Ok(true)
    }

    fn fits(&self, store: &StoreId, cursor: &Cursor) -> Result<bool, StoreError> {
        let here = Log::chain_at(self.log_of(store), store, cursor.position)?;
        Ok(here == Some(cursor.chain))
    }

    /// How far a log that is not this one may be the same, as far as the backend knows.
    fn common(&self, store: &StoreId, cursor: &Cursor) -> Result<Head, StoreError> {
        let log = self.log_of(store);
        let end = if cursor.epoch == self.epoch {
            Log::head(log, store)?
        } else {
            storage::put_back(&self.db, self.mailbox.db(), store)?
        };
        if end.position <= cursor.position {
            return Ok(end);
        }
        let chain = Log::chain_at(log, store, cursor.position)?.unwrap_or_default();
        Ok(Head { position: cursor.position, chain })
    }

    /// Keys of stores that are dirty or queued.
    fn unprojected(&self) -> Result<BTreeSet<i64>, StoreError> {
        let mut open = Snapshots::dirty_keys(&self.db)?;
        open.extend(Queue::keys(&self.db)?);
        Ok(open)
    }

    /// Sessions that wait for the pipeline.
    pub(super) fn waiting(&self) -> Vec<u64> {
        let waiting = self.sessions.iter().filter(|(_, session)| !session.settling.is_empty());
        waiting.map(|(id, _)| *id).collect()
    }

    /// These stores' batches are in the Mailbox store: who waits for them may be answered.
    pub(super) fn note_worked(&mut self, keys: &[i64]) -> Result<(), StoreError> {
        if self.sessions.values().all(|session| session.settling.is_empty()) {
            return Ok(());
        }
        for key in keys {
            if Snapshots::is_dirty(&self.db, *key)? {
                continue;
            }
            for (_, open) in self.sessions.values_mut().flat_map(|s| &mut s.settling) {
                open.remove(key);
            }
        }
        self.answer_settled()
    }

    /// Says to who waits for the pipeline how far it is; called now and then.
    pub fn tell_settling(&mut self) {
        for (id, session) in &self.sessions {
            for (seq, open) in &session.settling {
                let left = open.len() as u64;
                self.ready.push((*id, Frame::Settling { seq: *seq, left }));
            }
        }
    }

    fn answer_settled(&mut self) -> Result<(), StoreError> {
        let head = Log::head(self.mailbox.db(), &StoreId::mailbox())?.position;
        for (id, session) in &mut self.sessions {
            session.settling.retain(|(seq, open)| {
                if open.is_empty() {
                    self.held.push((*id, Frame::Settled { seq: *seq, head }));
                }
                !open.is_empty()
            });
        }
        Ok(())
    }

    /// Frames that may leave now, in order for each session.
    pub fn frames(&mut self) -> Vec<(u64, Frame)> {
        std::mem::take(&mut self.ready)
    }
}

/// A message from the wire; records of the bridge that cannot be read are as if not there.
fn incoming(message: IngestMessage) -> Incoming {
    Incoming {
        raw: message.raw.0,
        folder: serde_json::from_value::<Folder>(message.folder).unwrap_or_default(),
        flags: serde_json::from_value::<Option<Flags>>(message.flags).unwrap_or_default(),
        file_time: message.file_time,
    }
}
