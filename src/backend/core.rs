//! The backend's state, and how a frame changes it.
//!
//! Invariant: synchronous and single: one owner, no lock. Frames that say something is on disk are
//! held back until [`Backend::commit`]; several pushes share one sync to disk.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use crate::backend::bootstrap::Snapshotter;
use crate::backend::ingest::{self, Prepared};
use crate::backend::mailbox_client::MailboxClient;
use crate::backend::mend;
use crate::backend::outbox::Desk;
use crate::backend::returns;
use crate::backend::session::Session;
use crate::backend::storage::{self, Snapshots};
use crate::backend::thread_client::ThreadClients;
use crate::bridge::Outcome;
use crate::clock::Clock;
use crate::crash::{self, Broken};
use crate::id::{Epoch, EventId, LabelId, StoreId, ThreadId, base32};
use crate::limits::PAGE_EVENTS;
use crate::notice::Notice;
use crate::store::{Db, Durability, Head, Log, NewEvent, Place, StoreError, Uploads};
use crate::sync::{Frame, Refused, StoreAck, StorePush};

/// How a backend runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its directory.
    pub dir: PathBuf,
    /// Thread clients kept loaded.
    pub thread_clients: usize,
}

/// The backend.
#[derive(Debug)]
pub struct Backend {
    pub(super) db: Db,
    pub(super) mailbox: MailboxClient,
    pub(super) clients: ThreadClients,
    pub(super) snapshots: Snapshotter,
    pub(super) epoch: Epoch,
    pub(super) id: String,
    pub(super) sessions: BTreeMap<u64, Session>,
    /// Frames that may leave once the open transaction is on disk.
    pub(super) held: Vec<(u64, Frame)>,
    /// Frames that may leave.
    pub(super) ready: Vec<(u64, Frame)>,
    /// The time when it was last told, Unix seconds.
    pub(super) now: i64,
    /// Whether purges are there that the Mailbox store may not have heard of.
    pub(super) untold: bool,
    /// Threads and batches that the pipeline takes in one step.
    pub(super) a_step: usize,
    /// Blobs that devices are sending.
    pub(super) uploads: Uploads,
    /// When what nothing names was last looked for, Unix seconds.
    pub(super) tidied: i64,
    /// Events that a page holds at most, about.
    pub(super) page_events: usize,
    /// A conversation changed that a mail server has.
    pub(super) touched: bool,
    /// When snoozes that are over were last looked for, Unix seconds.
    pub(super) woke: Option<i64>,
    /// Threads whose rows say that they should wake and whose logs do not, with the logs' ends.
    pub(super) left: BTreeMap<ThreadId, u64>,
    /// What is being sent, and who sends it.
    pub(super) outbox: Desk,
    /// What who runs the backend should read.
    pub(super) notices: Vec<Notice>,
}

impl Backend {
    /// Opens or makes the backend in `options.dir`, and goes on where it was.
    ///
    /// # Errors
    /// When a file is damaged, newer or cannot be written.
    pub fn open(options: &Options, clock: &dyn Clock) -> Result<Self, StoreError> {
        let mut db = storage::open(&options.dir, clock.now())?;
        mend::has_its_logs(&options.dir, &db)?;
        let (id, epoch) = identity(&mut db, clock)?;
        let mut mailbox = MailboxClient::open(&options.dir)?;
        let epoch = mend::epoch_of(&mut db, &mailbox, epoch, clock)?;
        returns::begin_epoch(&db, &mut mailbox, &epoch)?;
        mailbox.initialize(&epoch)?;
        let mut backend = Self {
            snapshots: Snapshotter::open(&options.dir, mailbox.db())?,
            mailbox,
            clients: ThreadClients::new(options.thread_clients),
            sessions: BTreeMap::new(),
            held: Vec::new(),
            ready: Vec::new(),
            now: clock.now(),
            untold: true,
            a_step: crate::backend::worker::A_STEP.0,
            uploads: Uploads::default(),
            tidied: 0,
            page_events: PAGE_EVENTS,
            touched: true,
            woke: None,
            left: BTreeMap::new(),
            outbox: Desk::default(),
            notices: Vec::new(),
            db,
            id,
            epoch,
        };
        if crash::broken(Broken::DirtyFlag) {
            Snapshots::forget_dirty(&backend.db)?;
        }
        // A purge that a crash broke off is finished before anybody is heard.
        backend.tell_purges()?;
        backend.outbox_begins()?;
        Ok(backend)
    }

    /// Pages hold about so many events from now on: a simulation wants many pages of few.
    pub const fn set_page_events(&mut self, most: usize) {
        self.page_events = most;
    }

    /// The epoch of the logs.
    #[must_use]
    pub const fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    pub(super) fn begin(&mut self) -> Result<(), StoreError> {
        if !self.db.is_open() {
            self.db.durable(Durability::Full)?;
        }
        self.db.begin()
    }

    /// Appends a device's events; the answers leave with the commit.
    ///
    /// # Errors
    /// When the storage refuses; nothing of the open transaction is then kept.
    pub fn push(&mut self, session: u64, stores: Vec<StorePush>) -> Result<(), StoreError> {
        let mut stores = stores;
        let mut kept = self.purge_again(&mut stores)?;
        self.begin()?;
        let device = self.sessions.get(&session).map(|session| session.device.clone());
        let (mut pushed, mut answers) = (Vec::new(), Vec::new());
        let mut heads: HashMap<StoreId, Head> = HashMap::with_capacity(stores.len());
        let restored = storage::restored(&self.db)?;
        let mut grew = false;
        for push in stores {
            let (store, again, expect) = (push.store.clone(), push.again, push.expect);
            let found = Log::find(self.log_of(&store), &store)?;
            let (events, mut refused) = self.sort_out(device.as_ref(), push, found)?;
            let (mut events, moved) = self.expected((&store, found), expect, events)?;
            refused.extend(moved);
            // What comes back is taken also where nobody has its blobs any more.
            let missing = if again { Vec::new() } else { self.without_blobs(&store, &mut events)? };
            let begins = found.is_none_or(|place| place.head.position == 0);
            let mut appended = if store.as_str() == StoreId::MAILBOX {
                refused.append(&mut kept);
                self.mailbox.append(&events)?
            } else {
                let back =
                    if again { returns::unknown(&self.db, &store, &events)? } else { Vec::new() };
                let appended = self.append_mended((&store, found), restored, &events)?;
                grew |= returns::take_back(&self.db, &self.epoch, &store, &back)?;
                if let Some(thread) = store.as_thread().filter(|_| begins && !again) {
                    storage::Links::begun(&self.db, &thread)?;
                }
                appended
            };
            for (id, position) in appended.reused {
                if again && returns::is_named_by_what_it_is(&events, &id) {
                    appended.positions.push((id, position));
                } else {
                    refused.push(no(id, "id-reused", "another event has this id"));
                }
            }
            heads.insert(store.clone(), appended.head);
            answers.push((store.clone(), appended.positions, refused, missing));
            storage::Outlines::want(&self.db, &events)?;
            if store.as_thread().is_some() {
                pushed.push((store, events));
            }
        }
        grew |= storage::spread(&self.db, &self.epoch, &pushed)?;
        if grew {
            for (store, head) in &mut heads {
                *head = Log::head(self.log_of(store), store)?;
            }
        }
        storage::Links::pushed(&self.db, &pushed)?;
        self.outbox_pushed(&pushed)?;
        let mut acks = Vec::with_capacity(answers.len());
        for (store, positions, refused, missing) in answers {
            let Head { position: head, chain } = heads.get(&store).copied().unwrap_or_default();
            acks.push(StoreAck { store, positions, refused, missing, head, chain });
        }
        let early = crash::broken(Broken::AckBeforeSync);
        let frames = if early { &mut self.ready } else { &mut self.held };
        frames.push((session, Frame::Ack { stores: acks }));
        if crash::broken(Broken::LiveBeforeSync) {
            self.pump()?;
        }
        crash::point("push.before-commit");
        Ok(())
    }

    /// Parts what may be appended though the log is not where the device expects its end, from
    /// what is refused for that: a second try of what is in is not refused.
    fn expected(
        &self,
        (store, found): (&StoreId, Option<Place>),
        expect: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<(Vec<NewEvent>, Vec<Refused>), StoreError> {
        let db = self.log_of(store);
        let head = found.map_or(0, |place| place.head.position);
        if expect.is_none_or(|expected| head == expected) {
            return Ok((events, Vec::new()));
        }
        let (mut known, mut refused) = (Vec::new(), Vec::new());
        for event in events {
            if Log::holds(db, store, &event.id)? {
                known.push(event);
            } else {
                refused.push(no(event.id, "moved", "something else came first"));
            }
        }
        Ok((known, refused))
    }

    /// Takes prepared mail in; durable after the commit.
    ///
    /// # Errors
    /// As [`Backend::push`].
    pub fn ingest(
        &mut self,
        messages: Vec<Prepared>,
        now: i64,
    ) -> Result<Vec<Outcome>, StoreError> {
        self.begin()?;
        self.now = now;
        let mut outcomes = Vec::with_capacity(messages.len());
        for prepared in messages {
            let mut labels: Vec<LabelId> = Vec::new();
            // What is there already makes no label, or a deleted one would come back with it.
            let new = ingest::is_new(&self.db, &prepared)?;
            for keyword in prepared.keywords().iter().filter(|_| new) {
                labels.extend(self.mailbox.label(keyword, &self.epoch, now)?);
            }
            labels.sort();
            labels.dedup();
            outcomes.push(ingest::commit(&self.db, &self.epoch, prepared, labels)?);
        }
        crash::point("ingest.before-commit");
        Ok(outcomes)
    }

    /// Makes two threads one conversation; durable after the commit. `false` when they are already,
    /// or one of them is not there.
    ///
    /// # Errors
    /// As [`Backend::push`].
    pub fn link(&mut self, a: &ThreadId, b: &ThreadId) -> Result<bool, StoreError> {
        self.begin()?;
        for thread in [a, b] {
            if Log::head(&self.db, &StoreId::thread(thread))?.position == 0 {
                return Ok(false);
            }
        }
        ingest::join(&self.db, &self.epoch, a, b, "by-hand")
    }

    /// Puts everything since the last commit on disk; answers that were held back may leave.
    ///
    /// # Errors
    /// When the disk refuses: nothing since the last commit is kept, and no answer leaves.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        let open = self.db.is_open();
        // New labels first: a thread's event may name one.
        let done = self.mailbox.commit().and_then(|()| {
            if open {
                crash::point("commit.between");
            }
            self.db.commit()
        });
        if let Err(error) = done {
            self.roll_back();
            return Err(error);
        }
        if open {
            crash::point("ingest.after-commit");
            crash::point("push.after-commit");
        }
        self.ready.append(&mut self.held);
        self.outbox.committed();
        Ok(())
    }

    /// Gives up what is not committed, and the answers to it.
    pub fn roll_back(&mut self) {
        self.db.rollback();
        self.mailbox.rollback();
        self.snapshots.roll_back();
        self.clients.forget();
        self.outbox.roll_back();
        self.held.clear();
    }

    /// Works until nothing is dirty and the queue is empty.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn drain(&mut self) -> Result<(), StoreError> {
        while self.step()? {}
        Ok(())
    }
}

/// A refusal for good.
fn no(id: EventId, code: &str, reason: &str) -> Refused {
    Refused { id, code: code.to_owned(), reason: reason.to_owned() }
}

/// Which backend this is, and the epoch of its logs; made at the first start.
fn identity(db: &mut Db, clock: &dyn Clock) -> Result<(String, Epoch), StoreError> {
    if let (Some(id), Some(epoch)) = (Snapshots::setting(db, "backend")?, storage::epoch(db)?) {
        return Ok((id, epoch));
    }
    let mut random = [0; 8];
    clock.random(&mut random);
    let id = format!("b{}", base32(&random, 12));
    let epoch = storage::new_epoch(None, clock)?;
    db.begin()?;
    Snapshots::set(db, "backend", &id)?;
    storage::begin_first(db, &epoch)?;
    db.commit()?;
    Ok((id, epoch))
}
