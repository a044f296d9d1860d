//! The backend's state, and how a frame changes it.
//!
//! Invariant: synchronous and single: one owner, no lock. Frames that say something is on disk are
//! held back until [`Backend::commit`]; several pushes share one sync to disk.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::backend::ingest::{self, Prepared};
use crate::backend::mailbox_client::MailboxClient;
use crate::backend::session::Session;
use crate::backend::storage::{self, Purged, Snapshots};
use crate::backend::thread_client::ThreadClients;
use crate::bridge::Outcome;
use crate::clock::Clock;
use crate::crash::{self, Broken};
use crate::id::{DeviceId, Epoch, EventId, LabelId, StoreId, ThreadId, base32};
use crate::limits::{MAX_ACTION_NAME_BYTES, MAX_PUSHED_ARGS_BYTES, PAGE_EVENTS};
use crate::mailbox::MailboxEvent;
use crate::store::{Db, Durability, Head, Log, NewEvent, StoreError, Uploads};
use crate::sync::{Frame, Refused, StoreAck, StorePush};
use crate::thread::{Writer, writers};

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
}

impl Backend {
    /// Opens or makes the backend in `options.dir`, and goes on where it was.
    ///
    /// # Errors
    /// When a file is damaged, newer or cannot be written.
    pub fn open(options: &Options, clock: &dyn Clock) -> Result<Self, StoreError> {
        let mut db = storage::open(&options.dir, clock.now())?;
        let (id, epoch) = identity(&mut db, clock)?;
        let mut backend = Self {
            mailbox: MailboxClient::open(&options.dir, &epoch)?,
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
            db,
            id,
            epoch,
        };
        if crash::broken(Broken::DirtyFlag) {
            Snapshots::forget_dirty(&backend.db)?;
        }
        // A purge that a crash broke off is finished before anybody is heard.
        backend.tell_purges()?;
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
        self.begin()?;
        let (mut pushed, mut answers) = (Vec::new(), Vec::new());
        let device = self.sessions.get(&session).and_then(|session| session.device.clone());
        for StorePush { store, expect, events } in stores {
            let (events, mut refused) = self.sort_out(&store, events, device.as_ref())?;
            let (mut events, moved) = self.expected(&store, expect, events)?;
            refused.extend(moved);
            let missing = self.without_blobs(&store, &mut events)?;
            let appended = if store.as_str() == StoreId::MAILBOX {
                self.mailbox.append(&events)?
            } else {
                Log::append(&self.db, &store, &events)?
            };
            for id in appended.reused {
                refused.push(no(id, "id-reused", "another event has this id"));
            }
            answers.push((store.clone(), appended.positions, refused, missing));
            if store.as_thread().is_some() {
                pushed.push((store, events));
            }
        }
        storage::spread(&self.db, &pushed)?;
        storage::Links::pushed(&self.db, &pushed)?;
        let mut acks = Vec::with_capacity(answers.len());
        for (store, positions, refused, missing) in answers {
            let Head { position: head, chain } = Log::head(self.log_of(&store), &store)?;
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
        store: &StoreId,
        expect: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<(Vec<NewEvent>, Vec<Refused>), StoreError> {
        let db = self.log_of(store);
        let moved = match expect {
            Some(expected) => Log::head(db, store)?.position != expected,
            None => false,
        };
        if !moved {
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

    /// Parts what a device may write into this store from what is refused for good.
    fn sort_out(
        &self,
        store: &StoreId,
        events: Vec<NewEvent>,
        device: Option<&DeviceId>,
    ) -> Result<(Vec<NewEvent>, Vec<Refused>), StoreError> {
        let mailbox = store.as_str() == StoreId::MAILBOX;
        let there =
            mailbox || (store.as_thread().is_some() && Log::head(&self.db, store)?.position > 0);
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        let gone = match store.as_thread() {
            Some(thread) if !there => Purged::is(&self.db, &thread)?,
            _ => false,
        };
        for event in events {
            let may = if mailbox {
                MailboxEvent::device_may_write(&event.name)
            } else {
                writers(&event.name).contains(&Writer::Device)
            };
            let name = event.action.as_ref().map_or("", |action| &action.name);
            if event.args.text().len() > MAX_PUSHED_ARGS_BYTES || name.len() > MAX_ACTION_NAME_BYTES
            {
                refused.push(no(event.id, "too-large", "its arguments are too long"));
            } else if device.is_some_and(|device| *device != event.device) {
                refused.push(no(event.id, "device", "another device wrote it"));
            } else if event.args.is_gone() {
                refused.push(no(event.id, "arguments", "arguments that say nothing"));
            } else if gone {
                refused.push(no(event.id, "purged", "this conversation was purged"));
            } else if !there {
                refused.push(no(event.id, "no-such-thread", "this thread is not on the backend"));
            } else if may {
                accepted.push(event);
            } else {
                refused.push(no(event.id, "writer", "a device does not write events of this name"));
            }
        }
        Ok((accepted, refused))
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
        Ok(())
    }

    /// Gives up what is not committed, and the answers to it.
    pub fn roll_back(&mut self) {
        self.db.rollback();
        self.mailbox.rollback();
        self.clients.forget();
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
    let bad = |error: crate::id::InvalidId| StoreError::Row(error.to_string());
    if let (Some(id), Some(epoch)) =
        (Snapshots::setting(db, "backend")?, Snapshots::setting(db, "epoch")?)
    {
        return Ok((id, Epoch::try_from(epoch).map_err(bad)?));
    }
    let mut random = [0; 16];
    clock.random(&mut random);
    let id = format!("b{}", base32(&random[..8], 12));
    let epoch = Epoch::try_from(format!("1.{}", base32(&random[8..], 6))).map_err(bad)?;
    db.begin()?;
    Snapshots::set(db, "backend", &id)?;
    Snapshots::set(db, "epoch", epoch.as_str())?;
    db.commit()?;
    Ok((id, epoch))
}
