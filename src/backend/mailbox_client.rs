//! The backend's client of the Mailbox store: the one writer of what mirrors threads.
//!
//! Invariant: idempotent by source and position: a batch at or below the watermark, or of another
//! epoch, changes nothing. All events of a batch are appended and materialised in one transaction.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::backend::ingest::event_id;
use crate::id::{DeviceId, Epoch, LabelId, StoreId, ThreadId};
use crate::label;
use crate::mailbox::{self, Groups, LabelCreated, ThreadPurged, name};
use crate::projection::{Batch, BatchSource, Snapshot, diff, of_row, to_mailbox};
use crate::store::{Appended, Args, Db, Event, Kind, Log, NewEvent, StoreError};

/// The writer of what mirrors threads.
pub(super) const CLIENT: &str = "mailbox-client";

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is in.
    Applied,
    /// It was in already.
    Known,
    /// It does not begin where the watermark is: the thread must be projected again.
    Gap,
}

/// The Mailbox store beside the logs.
#[derive(Debug)]
pub(super) struct MailboxClient {
    db: Db,
    /// `None` when they must be read again.
    names: Option<Names>,
}

/// Names of labels, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names {
    /// Labels by name.
    known: BTreeMap<String, LabelId>,
    /// The same labels.
    ids: BTreeSet<LabelId>,
    /// Those that were deleted, by their last name.
    deleted: BTreeMap<String, LabelId>,
}

impl Names {
    fn read(db: &Db) -> Result<Self, StoreError> {
        let mut names = Self::default();
        for (id, name) in mailbox::labels(db)? {
            names.add(label::folded(&name), id);
        }
        for (id, name) in mailbox::deleted_labels(db)? {
            names.deleted.entry(label::folded(&name)).or_insert(id);
        }
        Ok(names)
    }

    fn add(&mut self, folded: String, id: LabelId) {
        if let Entry::Vacant(entry) = self.known.entry(folded) {
            self.ids.insert(id.clone());
            entry.insert(id);
        }
    }
}

impl MailboxClient {
    /// Opens or makes the store.
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("mailbox.db");
        let make = |db: &Db, found| {
            mailbox::make_from(db, found, &|db| super::bootstrap::load(db, dir, db))
        };
        let mut db = Db::open_with(&path, Kind::Mailbox, mailbox::VERSION, &make)?;
        mailbox::learn(&mut db, &|db| make(db, mailbox::VERSION))?;
        mailbox::index_snoozes(&db)?;
        Ok(Self { db, names: None })
    }

    /// Makes all tables again from the log, and from the snapshot where that is cut.
    pub(super) fn remake(&mut self) -> Result<(), StoreError> {
        let dir = self.db.path().parent().unwrap_or(Path::new("")).to_owned();
        self.db.begin()?;
        let begin = |db: &Db| super::bootstrap::load(db, &dir, db);
        let made = mailbox::make_from(&self.db, mailbox::VERSION, &begin);
        if made.is_err() {
            self.rollback();
        }
        made.and_then(|()| self.db.commit())
    }

    pub(super) const fn db(&self) -> &Db {
        &self.db
    }

    /// The store with a transaction open.
    pub(super) fn writer(&mut self) -> Result<&Db, StoreError> {
        self.db.begin()?;
        Ok(&self.db)
    }

    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        self.db.commit()
    }

    pub(super) fn rollback(&mut self) {
        self.db.rollback();
        // A label that the transaction made is not there after all.
        self.names = None;
    }

    fn names(&mut self) -> Result<&mut Names, StoreError> {
        let names = match self.names.take() {
            Some(names) => names,
            None => Names::read(&self.db)?,
        };
        Ok(self.names.insert(names))
    }

    /// A restore began this epoch: its first event, in a transaction of its own.
    pub(super) fn begin_epoch(&mut self, epoch: &Epoch, args: Args) -> Result<(), StoreError> {
        let id = event_id(&["epoch", epoch.as_str()], &[]);
        let event = new_event(id, name::EPOCH_BEGAN, args, epoch)?;
        self.append(&[event])?;
        self.db.commit()
    }

    /// The system labels; events with fixed ids, so that a second time adds nothing.
    pub(super) fn initialize(&mut self, epoch: &Epoch) -> Result<(), StoreError> {
        self.db.begin()?;
        for created in mailbox::initial() {
            let id = event_id(&["label", created.id.as_str(), &created.name], &[]);
            self.create_label(id, &created, epoch)?;
        }
        self.db.commit()
    }

    fn create_label(
        &mut self,
        id: crate::id::EventId,
        label: &LabelCreated,
        epoch: &Epoch,
    ) -> Result<(), StoreError> {
        let event = new_event(id, name::LABEL_CREATED, Args::of(label), epoch)?;
        self.append(&[event])?;
        Ok(())
    }

    /// The label with this name, made where there is none; one that was deleted comes back.
    pub(super) fn label(
        &mut self,
        text: &str,
        epoch: &Epoch,
        now: i64,
    ) -> Result<Option<LabelId>, StoreError> {
        let Some(clean) = label::clean_name(text) else { return Ok(None) };
        let folded = label::folded(&clean);
        let names = self.names()?;
        if let Some(id) = names.known.get(&folded) {
            return Ok((!label::is_system(id.as_str())).then(|| id.clone()));
        }
        let deleted = names.deleted.get(&folded).cloned();
        let id = deleted.unwrap_or_else(|| label::user_label(&clean));
        // An id that is there under another name is this label, renamed since.
        if names.ids.contains(&id) {
            names.known.insert(folded, id.clone());
            return Ok(Some(id));
        }
        let names = self.names.take();
        self.db.begin()?;
        let created = LabelCreated {
            id: id.clone(),
            name: clean,
            kind: "user".to_owned(),
            color: None,
            display_order: 0,
            created_at: now,
        };
        // It may be made again later: where in the log it is made tells the two apart.
        let head = Log::head(&self.db, &StoreId::mailbox())?.position.to_string();
        let event = event_id(&["label", id.as_str(), &created.name, &head], &[]);
        self.create_label(event, &created, epoch)?;
        self.names = names;
        self.learn(folded, &id)?;
        Ok(Some(id))
    }

    /// A label was made, and nothing else: it is known by this name, where it is called so.
    fn learn(&mut self, folded: String, id: &LabelId) -> Result<(), StoreError> {
        let called = mailbox::label_name(&self.db, id)?.map(|name| label::folded(&name));
        let Some(names) = self.names.as_mut().filter(|_| called.as_ref() == Some(&folded)) else {
            self.names = None;
            return Ok(());
        };
        names.deleted.retain(|_, deleted| deleted != id);
        names.add(folded, id.clone());
        Ok(())
    }

    /// The label with this name, where there is one.
    pub(super) fn known_label(&mut self, text: &str) -> Result<Option<LabelId>, StoreError> {
        let Some(clean) = label::clean_name(text) else { return Ok(None) };
        let named = self.names()?.known.get(&label::folded(&clean)).cloned();
        let id = named.unwrap_or_else(|| label::user_label(&clean));
        let there = mailbox::is_known(&self.db, &id)?;
        Ok((there && !label::is_system(id.as_str())).then_some(id))
    }

    /// Appends events and materialises those that are new, in the open transaction.
    pub(super) fn append(&mut self, events: &[NewEvent]) -> Result<Appended, StoreError> {
        self.db.begin()?;
        let store = StoreId::mailbox();
        let before = Log::head(&self.db, &store)?.position;
        let appended = Log::append(&self.db, &store, events)?;
        if appended.added > 0 {
            let (new, _) = Log::range(&self.db, &store, before, usize::MAX, usize::MAX)?;
            let mut groups = Groups::new(false);
            let changes = mailbox::materialize(&self.db, &new, &mut groups)?;
            groups.settle(&self.db)?;
            for thread in &changes.purged {
                mailbox::redact(&self.db, thread)?;
            }
            if !changes.labels.is_empty() {
                self.names = None;
            }
        }
        Ok(appended)
    }

    /// Takes in batches of the queue. Their events become one run of the log.
    pub(super) fn take(
        &mut self,
        batches: &[&Batch],
        epoch: &Epoch,
    ) -> Result<Vec<Taken>, StoreError> {
        let (mut events, mut taken) = (Vec::new(), Vec::new());
        for batch in batches {
            let source = &batch.source;
            let Some(thread) = source.store.as_thread() else {
                taken.push(Taken::Known);
                continue;
            };
            let at = self.watermark(&thread, epoch)?;
            let gone = mailbox::is_purged(&self.db, &thread)?;
            taken.push(if gone || source.epoch != *epoch || source.through <= at {
                Taken::Known
            } else if source.from == at {
                events.extend(numbered(&thread, batch, epoch)?);
                Taken::Applied
            } else {
                Taken::Gap
            });
        }
        if !events.is_empty() {
            self.append(&events)?;
        }
        Ok(taken)
    }

    /// Says of threads that they are gone for ever, with the time; what was said of them goes.
    pub(super) fn purge(
        &mut self,
        gone: &[(ThreadId, i64)],
        epoch: &Epoch,
    ) -> Result<(), StoreError> {
        let event = |(thread, at): &(ThreadId, i64)| {
            let id = event_id(&["purged", thread.as_str()], &[]);
            let args = Args::of(&ThreadPurged { thread: thread.clone(), at: *at });
            new_event(id, name::THREAD_PURGED, args, epoch)
        };
        let events: Vec<NewEvent> = gone.iter().map(event).collect::<Result<_, _>>()?;
        self.append(&events)?;
        Ok(())
    }

    fn watermark(&self, thread: &ThreadId, epoch: &Epoch) -> Result<u64, StoreError> {
        let mark = mailbox::watermark(&self.db, thread)?;
        Ok(mark.filter(|seen| seen.epoch == *epoch).map_or(0, |seen| seen.position))
    }

    /// The snapshot that the index holds of a thread, with its watermark in this epoch.
    pub(super) fn mirrored(
        &self,
        thread: &ThreadId,
        epoch: &Epoch,
    ) -> Result<(Option<Snapshot>, u64), StoreError> {
        let Some(row) = mailbox::raw_row(&self.db, thread)? else { return Ok((None, 0)) };
        let links = mailbox::links_of(&self.db, thread)?;
        Ok((Some(of_row(&row, links)), self.watermark(thread, epoch)?))
    }

    /// Puts what the index holds of a thread right, by events: it mirrors `snapshot` of the log up
    /// to `through` afterwards.
    pub(super) fn project_again(
        &mut self,
        thread: &ThreadId,
        snapshot: &Snapshot,
        through: u64,
        log: &[Event],
        epoch: &Epoch,
    ) -> Result<(), StoreError> {
        let (held, from) = self.mirrored(thread, epoch)?;
        let batch = Batch {
            source: BatchSource {
                store: StoreId::thread(thread),
                epoch: epoch.clone(),
                from,
                through,
                actions: super::thread_client::actions(log),
            },
            events: diff(held.as_ref(), snapshot),
        };
        let head = Log::head(&self.db, &StoreId::mailbox())?.position;
        let mut events = numbered(thread, &batch, epoch)?;
        for (index, event) in (0_u64..).zip(&mut events) {
            // A repair is a fact of its own: its ids name where in the log it was made.
            let at = format!("{head}.{index}");
            event.id = event_id(&["again", thread.as_str(), &at], &[]);
        }
        self.append(&events)?;
        Ok(())
    }
}

fn numbered(thread: &ThreadId, batch: &Batch, epoch: &Epoch) -> Result<Vec<NewEvent>, StoreError> {
    let through = batch.source.through.to_string();
    let events = to_mailbox(thread, batch).into_iter().enumerate().map(|(index, (name, args))| {
        let index = index.to_string();
        let parts = ["projected", thread.as_str(), epoch.as_str(), &through, &index];
        new_event(event_id(&parts, &[]), name, args, epoch)
    });
    events.collect()
}

fn new_event(
    id: crate::id::EventId,
    name: &str,
    args: Args,
    epoch: &Epoch,
) -> Result<NewEvent, StoreError> {
    let device = DeviceId::try_from(CLIENT).map_err(|error| StoreError::Row(error.to_string()))?;
    Ok(NewEvent { id, name: name.to_owned(), args, device, action: None, epoch: epoch.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_label_has_no_name_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut client = MailboxClient::open(dir.path()).unwrap();
        let epoch = Epoch::try_from("1.e").unwrap();
        client.initialize(&epoch).unwrap();
        let mut known = Vec::new();
        for text in ["Work", "work", "Home/Garden", "inbox", "Work 2"] {
            known.push(client.label(text, &epoch, 1).unwrap());
            assert_eq!(client.names, Some(Names::read(&client.db).unwrap()), "{text}");
        }
        assert_eq!(known[0], known[1]);
        // One that was deleted is another event's word: all is read again, and it comes back.
        let gone = known[0].clone().unwrap();
        let args = Args::of(&mailbox::LabelDeleted { id: gone.clone() });
        let id = event_id(&["deleted"], &[]);
        client.append(&[new_event(id, name::LABEL_DELETED, args, &epoch).unwrap()]).unwrap();
        assert_eq!(client.names, None);
        assert_eq!(client.label("WORK", &epoch, 2).unwrap(), Some(gone));
        assert_eq!(client.names, Some(Names::read(&client.db).unwrap()));
        client.rollback();
        assert_eq!(client.names, None);
    }
}
