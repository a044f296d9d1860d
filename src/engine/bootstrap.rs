//! A snapshot of the Mailbox store taken in: in place, part by part, while the rest is in use.
//!
//! Invariant: how far it is lies in the transaction that took it in, so that it goes on after a
//! crash or a broken connection. Until it is done the log says nothing: rows are of what was there
//! before, or of the snapshot, and own events cover both. A part that is not what was announced
//! changes nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::crash;
use crate::engine::checkpointer::Checkpointer;
use crate::engine::{Device, EngineError};
use crate::id::{StoreId, ThreadId};
use crate::limits::CHUNKS_AHEAD;
use crate::mailbox::snapshot::{self, Indexer, Put, Record, Records, Way};
use crate::mailbox::{self, Groups};
use crate::projection;
use crate::store::{Chain, Db, Durability, Event, Head, Log, Own, StoreError};
use crate::sync::{Frame, Manifest, SyncError};

/// Rows taken in as one transaction where nobody presses keys in between.
pub(super) const SLICE: usize = 4_000;
/// Snapshots, and parts of one, that may be declined in one connection.
const MOST_DECLINED: u32 = 3;
/// The setting that says how far it is.
const SETTING: &str = "bootstrap";

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    /// The rows belong to no log any more; a snapshot or the log's beginning is awaited.
    Anew,
    /// Chunks are taken in.
    Chunks,
    /// Rows that were put in bulk get their roots.
    Roots,
    /// And their places in the lists.
    Index,
    /// What did not arrive goes.
    Sweep,
    /// So do the events of the log that was there before.
    Log,
}

/// How far it is, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    phase: Phase,
    /// The end of the snapshot.
    position: u64,
    chain: Chain,
    /// Chunks that were taken in, and the hash over their names.
    chunks: u64,
    names: String,
    /// How many bytes of the next were, and its name.
    at: usize,
    open: String,
    /// Rows that were, of how many.
    rows: u64,
    total: u64,
    /// Rows may be there that are in no list.
    bulk: bool,
    /// Rows may be there that the snapshot does not have.
    sweep: bool,
    /// Whether the history was emptied for what comes.
    history: bool,
    /// Where the phase goes on.
    after: String,
}

impl State {
    const fn anew(bulk: bool, sweep: bool) -> Self {
        Self {
            phase: Phase::Anew,
            position: 0,
            chain: Chain::ZERO,
            chunks: 0,
            names: String::new(),
            at: 0,
            open: String::new(),
            rows: 0,
            total: 0,
            bulk,
            sweep,
            history: false,
            after: String::new(),
        }
    }

    fn keep(&self, db: &Db) -> Result<(), StoreError> {
        Own::set(db, SETTING, &serde_json::to_string(self).unwrap_or_default())
    }
}

/// A snapshot that is being taken in.
#[derive(Debug)]
pub(super) struct Boot {
    state: State,
    manifest: Option<Manifest>,
    /// Chunks that came and wait, inflated.
    came: BTreeMap<u64, Vec<u8>>,
    /// Chunks that were asked for.
    asked: u64,
    indexer: Option<Box<Indexer>>,
    checkpointer: Option<Checkpointer>,
}

impl Boot {
    fn of(state: State) -> Self {
        let (manifest, came, indexer, checkpointer) = (None, BTreeMap::new(), None, None);
        Self { asked: state.chunks, state, manifest, came, indexer, checkpointer }
    }

    /// What a device was about when it ended.
    pub(super) fn read(db: &Db) -> Result<Option<Self>, StoreError> {
        let Some(text) = Own::setting(db, SETTING)? else { return Ok(None) };
        // A state that cannot be read is one in which nothing is known of the rows.
        let state = serde_json::from_str(&text).unwrap_or(State::anew(true, true));
        Ok(Some(Self::of(state)))
    }

    /// The connection is gone, and all that was asked on it.
    pub(super) fn disconnected(&mut self) {
        self.manifest = None;
        self.came.clear();
        self.asked = self.state.chunks;
    }

    /// Whether all rows of the snapshot are here: what is left needs nothing from the backend.
    const fn is_taken_in(&self) -> bool {
        !matches!(self.state.phase, Phase::Anew | Phase::Chunks)
    }

    /// Whether something can be done without a frame.
    fn has_work(&self) -> bool {
        match self.state.phase {
            Phase::Anew => false,
            Phase::Chunks => {
                self.came.contains_key(&self.state.chunks)
                    || self.manifest.as_ref().is_some_and(|all| all.chunks.is_empty())
            }
            _ => true,
        }
    }

    /// The chunks that may be asked for now.
    fn ask(&mut self) -> Vec<Frame> {
        let Some(manifest) = &self.manifest else { return Vec::new() };
        let ahead = self.state.chunks + CHUNKS_AHEAD as u64;
        let end = ahead.min(manifest.chunks.len() as u64);
        let from = self.asked;
        self.asked = from.max(end);
        let get = |chunk| Frame::ChunkGet { snapshot: manifest.hash.clone(), chunk };
        (from..end).map(get).collect()
    }
}

/// The hash over the names of chunks.
fn names(manifest: &Manifest, chunks: u64) -> Option<String> {
    let taken = manifest.chunks.get(..usize::try_from(chunks).ok()?)?;
    let mut hasher = blake3::Hasher::new();
    for chunk in taken {
        hasher.update(chunk.hash.as_bytes());
    }
    Some(hasher.finalize().to_hex().to_string())
}

impl Device {
    /// The rows here belong to no log any more: the index is fetched again, as a snapshot where
    /// there is one. They are shown until others come; own events stay, whatever becomes of rows.
    /// The caller has a transaction open, and asks for the log again when it is committed.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn bootstrap_again(&mut self) -> Result<(), StoreError> {
        let before = self.boot.as_ref().is_some_and(|boot| boot.state.bulk);
        let state = State::anew(before, !snapshot::is_empty(&self.db)?);
        state.keep(&self.db)?;
        self.copy_here()?;
        self.boot = Some(Box::new(Boot::of(state)));
        Ok(())
    }

    /// How far a snapshot is here is what the file says of it: what was begun or given up in a
    /// transaction that was rolled back was not.
    pub(super) fn boot_of_disk(&mut self) -> Result<(), StoreError> {
        let there = Boot::read(&self.db)?;
        let state = |boot: &Boot| boot.state.clone();
        if there.as_ref().map(state) != self.boot.as_deref().map(state) {
            self.copy_here()?;
            self.boot = there.map(Box::new);
        }
        Ok(())
    }

    /// Nobody copies the write-ahead log beside this device any more: its commits do, until a
    /// snapshot is offered again.
    fn copy_here(&self) -> Result<(), StoreError> {
        if self.beside { self.db.checkpoint_elsewhere(false) } else { Ok(()) }
    }

    /// From now on the write-ahead log is copied on a thread of its own while a snapshot is taken
    /// in. Nothing else that a device does is done by a thread that its caller does not have.
    pub const fn copy_beside(&mut self) {
        self.beside = true;
    }

    /// Whether the Mailbox log is asked for only once a snapshot is done: its rows are all here.
    pub(super) fn ends_first(&self) -> bool {
        self.boot.as_ref().is_some_and(|boot| boot.is_taken_in())
    }

    /// How many conversations of a snapshot are here, and how many it has.
    #[must_use]
    pub fn syncing(&self) -> Option<(u64, u64)> {
        let state = &self.boot.as_ref()?.state;
        (state.phase != Phase::Anew).then_some((state.rows, state.total))
    }

    /// Events came while the rows belong to no log: whether they are its beginning, and the rows
    /// are gone for them.
    pub(super) fn begins_anew(&mut self, events: &[Event]) -> Result<bool, EngineError> {
        if events.first().is_none_or(|event| event.position != 1) {
            return Ok(false);
        }
        self.begin_full()?;
        mailbox::clear(&self.db)?;
        Log::clear(&self.db, &StoreId::mailbox())?;
        self.db
            .sql()
            .execute("DELETE FROM device WHERE name = ?1", [SETTING])
            .map_err(StoreError::from)?;
        self.show_all_labels()?;
        self.commit()?;
        self.copy_here()?;
        self.boot = None;
        self.news.lists = true;
        Ok(true)
    }

    /// A snapshot is offered.
    pub(super) fn snapshot(&mut self, manifest: Manifest) -> Result<(), EngineError> {
        let backend = Own::setting(&self.db, "backend")?;
        let wrong = if !manifest.is_whole() || manifest.store != StoreId::mailbox() {
            Some("the snapshot that it offers is damaged")
        } else if backend.is_some_and(|backend| backend != manifest.backend) {
            Some("the snapshot that it offers is of another mailbox")
        } else if manifest.format > snapshot::FORMAT
            || manifest.schema > mailbox::VERSION
            || manifest.projection > projection::VERSION
        {
            Some("the snapshot that it offers is of a newer version")
        } else if manifest.format < snapshot::FORMAT || manifest.schema < mailbox::VERSION {
            Some("the snapshot that it offers is of an older version")
        } else {
            None
        };
        if let Some(line) = wrong {
            return self.decline(line);
        }
        let goes_on = self.boot.as_ref().is_some_and(|boot| {
            let state = &boot.state;
            state.phase != Phase::Anew
                && (state.position, state.chain) == (manifest.position, manifest.chain)
                && names(&manifest, state.chunks).as_ref() == Some(&state.names)
        });
        if !goes_on {
            self.begin_snapshot(&manifest)?;
        }
        let Some(boot) = &mut self.boot else { return Ok(()) };
        boot.disconnected();
        let next = usize::try_from(boot.state.chunks).ok().and_then(|at| manifest.chunks.get(at));
        if next.is_some_and(|next| next.hash != boot.state.open) {
            boot.state.at = 0;
        }
        boot.manifest = Some(manifest);
        let asked = boot.ask();
        self.wanted.extend(asked);
        if self.beside && boot.checkpointer.is_none() {
            boot.checkpointer = Some(Checkpointer::start(self.db.path()));
            self.db.checkpoint_elsewhere(true)?;
        }
        Ok(())
    }

    fn begin_snapshot(&mut self, manifest: &Manifest) -> Result<(), EngineError> {
        let empty = snapshot::is_empty(&self.db)?;
        let before = self.boot.as_ref().is_some_and(|boot| boot.state.bulk);
        let state = State {
            phase: Phase::Chunks,
            position: manifest.position,
            chain: manifest.chain,
            names: names(manifest, 0).unwrap_or_default(),
            total: manifest.rows,
            ..State::anew(before || empty, !empty)
        };
        self.begin_full()?;
        snapshot::begin(&self.db, state.bulk)?;
        state.keep(&self.db)?;
        self.commit()?;
        self.boot = Some(Box::new(Boot::of(state)));
        Ok(())
    }

    /// Takes the log and not the snapshot; what is wrong with the latter is said.
    fn decline(&mut self, line: &str) -> Result<(), EngineError> {
        self.declined += 1;
        let (code, message) = ("snapshot".to_owned(), line.to_owned());
        if self.declined > MOST_DECLINED {
            return Err(SyncError::Refused { code, message }.into());
        }
        self.news.error = Some((code, message, true));
        let store = StoreId::mailbox();
        if self.boot.as_ref().is_some_and(|boot| boot.state.phase != Phase::Anew) {
            self.begin_full()?;
            self.bootstrap_again()?;
            self.commit()?;
        }
        let cursor = self.cursor()?;
        self.wanted.push(Frame::Replay { store, cursor });
        Ok(())
    }

    /// A chunk came.
    pub(super) fn chunk(
        &mut self,
        name: &str,
        number: u64,
        data: &[u8],
    ) -> Result<(), EngineError> {
        let Some(boot) = &mut self.boot else { return Ok(()) };
        let Some(manifest) = boot.manifest.as_ref().filter(|all| all.hash == name) else {
            return Ok(()); // of a snapshot that is not offered any more
        };
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(chunk) = manifest.chunks.get(at) else { return Ok(()) };
        if number < boot.state.chunks || number >= boot.asked || boot.came.contains_key(&number) {
            return Ok(());
        }
        let hash = blake3::Hash::from_hex(&chunk.hash);
        let plain = usize::try_from(chunk.plain).unwrap_or(usize::MAX);
        let inflated = hash
            .map_err(|error| StoreError::Row(error.to_string()))
            .and_then(|hash| snapshot::unpack(data, &hash, plain));
        if let Ok(inflated) = inflated {
            boot.came.insert(number, inflated);
            return Ok(());
        }
        self.declined += 1;
        if self.declined > MOST_DECLINED / 2 {
            return self.decline("a part of the snapshot is damaged again and again");
        }
        let line = "a part of the snapshot is damaged; it is fetched again".to_owned();
        self.news.error = Some(("snapshot".to_owned(), line, true));
        self.wanted.push(Frame::ChunkGet { snapshot: name.to_owned(), chunk: number });
        Ok(())
    }

    /// Takes in at most about `most` rows of what came, as one transaction. `false` when there is
    /// nothing to do until another frame comes.
    ///
    /// # Errors
    /// When the database refuses: nothing of the slice is kept.
    pub fn bootstrap_on(&mut self, most: usize) -> Result<bool, EngineError> {
        if !self.boot.as_ref().is_some_and(|boot| boot.has_work()) {
            return Ok(false);
        }
        // What was decided by keys has its own durability.
        self.commit()?;
        let Some(mut boot) = self.boot.take() else { return Ok(false) };
        let done = self.slice(&mut boot, most);
        if done.is_err() {
            self.db.rollback();
            // As it is on disk; what was in memory is asked for again.
            self.boot = Boot::read(&self.db)?.map(Box::new);
            self.copy_here()?;
        }
        match done {
            Ok(false) => {
                let asked = boot.ask();
                self.wanted.extend(asked);
                self.boot = Some(boot);
                Ok(true)
            }
            Ok(true) => {
                self.copy_here()?;
                self.drop_purged()?;
                let (store, cursor) = (StoreId::mailbox(), self.cursor()?);
                self.wanted.push(Frame::Subscribe { store, cursor });
                Ok(false)
            }
            Err(StoreError::Row(_)) => {
                self.decline("the snapshot that it offers cannot be read").map(|()| false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// One transaction; whether all is done.
    fn slice(&mut self, boot: &mut Boot, most: usize) -> Result<bool, StoreError> {
        self.db.durable(Durability::Normal)?;
        self.db.begin()?;
        let done = match boot.state.phase {
            Phase::Anew => false,
            Phase::Chunks => self.take_chunk(boot, most)?,
            Phase::Roots => {
                let mut groups = Groups::new(true);
                let next = snapshot::roots(&self.db, &boot.state.after, most / 8, &mut groups)?;
                groups.settle(&self.db)?;
                phase_done(&mut boot.state, next)
            }
            Phase::Index => {
                let indexer = boot.indexer.get_or_insert_default();
                self.news.lists = true;
                !indexer.step(&self.db, most)?
            }
            Phase::Sweep => self.sweep(boot, most / 8)?,
            Phase::Log => Log::forget(&self.db, &StoreId::mailbox(), most)? == 0,
        };
        let ended = done && self.next_phase(boot)?;
        if !ended {
            boot.state.keep(&self.db)?;
        }
        crash::point(if ended { "bootstrap.before-end" } else { "bootstrap.before-commit" });
        self.db.commit()?;
        crash::point(if ended { "bootstrap.after-end" } else { "bootstrap.after-commit" });
        Ok(ended)
    }

    /// Goes on to the next phase that has something to do; whether there is none.
    fn next_phase(&mut self, boot: &mut Boot) -> Result<bool, StoreError> {
        let state = &mut boot.state;
        state.after.clear();
        // A snapshot of before anybody did anything has no history; the one here goes all the same.
        if state.phase == Phase::Chunks && !std::mem::replace(&mut state.history, true) {
            snapshot::start_history(&self.db)?;
        }
        state.phase = match state.phase {
            Phase::Anew | Phase::Chunks if state.bulk => Phase::Roots,
            Phase::Roots => Phase::Index,
            Phase::Anew | Phase::Chunks | Phase::Index if state.sweep => Phase::Sweep,
            Phase::Log => {
                self.end(boot)?;
                return Ok(true);
            }
            _ => Phase::Log,
        };
        Ok(false)
    }

    /// The last transaction: the log begins at the snapshot.
    fn end(&mut self, boot: &Boot) -> Result<(), StoreError> {
        let (store, state) = (StoreId::mailbox(), &boot.state);
        let counts = match &boot.indexer {
            Some(indexer) if !state.sweep => Some(indexer.counts().clone()),
            _ if state.bulk => Some(Indexer::count(&self.db)?),
            _ => None,
        };
        snapshot::finish(&self.db, counts.as_ref())?;
        let base = Head { position: state.position, chain: state.chain };
        Log::rebase(&self.db, &store, base)?;
        self.db.sql().execute("DELETE FROM device WHERE name = ?1", [SETTING])?;
        // Own labels and undos below it are confirmed by being in it.
        Own::projected(&self.db, &store, state.position)?;
        for thread in self.own_threads()? {
            if mailbox::is_purged(&self.db, &thread)? {
                self.news.refused.extend(Own::purge(&self.db, &StoreId::thread(&thread))?);
            }
        }
        self.show_all_labels()?;
        self.news.lists = true;
        self.news.pulled += state.position;
        Ok(())
    }

    /// Takes in records of the chunk that is next; whether it was the last.
    fn take_chunk(&mut self, boot: &mut Boot, most: usize) -> Result<bool, StoreError> {
        let Boot { state, manifest, came, .. } = boot;
        let Some(manifest) = manifest else { return Ok(false) };
        let Some(bytes) = came.get(&state.chunks) else { return Ok(manifest.chunks.is_empty()) };
        let at = usize::try_from(state.chunks).unwrap_or(usize::MAX);
        let Some(name) = manifest.chunks.get(at) else { return Ok(true) };
        let mut own = self.own_threads()?;
        own.append(&mut self.kept_in_doubt()?);
        let bulk = state.bulk && !state.sweep && !name.recent;
        let way = Way { bulk, sweep: state.sweep, own: &own };
        let mut groups = Groups::new(true);
        let mut cover = BTreeMap::new();
        let mut records = Records::from(bytes, state.at);
        // A row in place costs several times what one in bulk does.
        let most = if bulk { most } else { most / 4 };
        let mut ended = false;
        for _ in 0..most.max(1) {
            let Some(record) = records.read()? else {
                ended = true;
                break;
            };
            if snapshot::is_history(&record) && !std::mem::replace(&mut state.history, true) {
                snapshot::start_history(&self.db)?;
            }
            let put = snapshot::put(&self.db, &record, &way, &mut groups)?;
            if let Record::Thread(thread) = &record {
                state.rows += 1;
                if let Put::Thread(id) = put {
                    let epoch = Some(thread.mark.epoch);
                    let mine = epoch == self.epoch.as_ref().map(crate::id::Epoch::as_str);
                    let through = u64::try_from(thread.mark.position).unwrap_or_default();
                    cover.insert(id, mine.then_some(through));
                }
            }
        }
        (state.at, state.open) = (records.at(), name.hash.clone());
        let labels = ended && state.chunks == 0;
        if ended {
            came.remove(&state.chunks);
            state.chunks += 1;
            (state.at, state.open) = (0, String::new());
            state.names = names(manifest, state.chunks).unwrap_or_default();
        }
        let last = state.chunks == manifest.chunks.len() as u64;
        self.cover_all(&cover, groups)?;
        if labels || last {
            snapshot::labels(&self.db)?;
            self.show_all_labels()?;
        }
        Ok(last)
    }

    /// Lays own events over rows that changed.
    fn cover_all(
        &mut self,
        changed: &BTreeMap<ThreadId, Option<u64>>,
        groups: Groups,
    ) -> Result<(), StoreError> {
        for (thread, through) in changed {
            if let Some(through) = through {
                self.forget_projected(thread, *through)?;
            }
            self.still_show(thread)?;
            self.cover(thread)?;
        }
        groups.settle(&self.db)?;
        self.news.lists |= !changed.is_empty();
        Ok(())
    }

    fn sweep(&mut self, boot: &mut Boot, most: usize) -> Result<bool, StoreError> {
        let (mut groups, mut gone) = (Groups::new(true), Vec::new());
        let next =
            snapshot::sweep(&self.db, &boot.state.after, most.max(1), &mut groups, &mut gone)?;
        for thread in &gone {
            mailbox::set_overlay(&self.db, thread, None)?;
            self.news.threads.insert(thread.clone());
        }
        groups.settle(&self.db)?;
        self.news.lists |= !gone.is_empty();
        Ok(phase_done(&mut boot.state, next))
    }
}

/// Notes where a phase goes on; whether it does not.
fn phase_done(state: &mut State, next: Option<String>) -> bool {
    let done = next.is_none();
    state.after = next.unwrap_or_default();
    done
}
