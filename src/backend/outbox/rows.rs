//! The rows of the outbox: made for what is queued, again for what comes back, and looked for where
//! they are missing.
//!
//! Invariant: whatever waits in a store's outbox, is on its way, or of unknown end has a row; where
//! one is missing nothing is sent, and `doctor` makes it.

use std::collections::BTreeSet;

use super::decide::Verdict;
use super::loaded::Loaded;
use super::readable;
use crate::backend::core::Backend;
use crate::backend::doctor::Finding;
use crate::backend::storage::{self, Outbox, Snapshots};
use crate::id::{EventId, StoreId};
use crate::store::{Db, Durability, NewEvent, StoreError};
use crate::thread::{ActionUndone, Failure, MessageQueued, Stage, name};

/// Setting: rows were made for what was queued before there were rows.
const FILLED: &str = "outbox-filled";

/// What no row says of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::backend) struct Missing {
    queued: EventId,
    store: StoreId,
    message_id: String,
    /// Nobody knows whether it was sent.
    unknown: bool,
}

impl Missing {
    /// Makes the row.
    fn note(&self, db: &Db, now: i64) -> Result<(), StoreError> {
        Outbox::note(db, &self.queued, &self.store, &self.message_id, now)?;
        if self.unknown {
            Outbox::doubt(db, &self.queued)?;
            Outbox::wait(db, &self.queued, Some(now), now)?;
        }
        Ok(())
    }
}

impl Backend {
    /// Rows for what was queued before there were rows, and a look at everything: what was claimed
    /// by a process that is gone is of unknown end.
    pub(in crate::backend) fn outbox_begins(&mut self) -> Result<(), StoreError> {
        let filled = Snapshots::setting(&self.db, FILLED)?.is_some();
        if filled && Outbox::waiting(&self.db)? == 0 {
            return Ok(());
        }
        self.db.durable(Durability::Normal)?;
        self.db.begin()?;
        if !filled {
            missing(&self.db)?.iter().try_for_each(|one| one.note(&self.db, self.now))?;
            Snapshots::set(&self.db, FILLED, "1")?;
        }
        Outbox::stir_all(&self.db, self.now)?;
        self.db.commit()?;
        self.outbox_settles()
    }

    /// What is not to be sent is said at once, also where nothing sends: what was queued in another
    /// epoch, or was claimed, may have been sent.
    fn outbox_settles(&mut self) -> Result<(), StoreError> {
        let (rows, _) = Outbox::due(&self.db, self.now, &BTreeSet::new(), usize::MAX)?;
        for row in rows {
            let Some(loaded) = readable(&self.db, &row.store)? else { continue };
            let verdict = self.judge(&loaded, &row)?;
            if matches!(verdict, Verdict::Fail(Failure::Unknown, ..) | Verdict::Found) {
                self.carry_out(&loaded, &row, &verdict)?;
            }
        }
        self.db.commit()
    }

    /// What a push did to outboxes; in its transaction.
    pub(in crate::backend) fn outbox_pushed(
        &mut self,
        pushed: &[(StoreId, Vec<NewEvent>)],
    ) -> Result<(), StoreError> {
        let now = self.now;
        let (mut undone, mut back) = (BTreeSet::new(), BTreeSet::new());
        for (store, events) in pushed {
            let of_draft = is_draft(store);
            for event in events {
                if event.name == name::ACTION_UNDONE {
                    undone.extend(event.args.read().map(|undo: ActionUndone| undo.action));
                    back.extend(of_draft.then(|| store.clone()));
                } else if event.name == name::MESSAGE_QUEUED && of_draft {
                    let Some(of) = event.args.read::<MessageQueued>() else { continue };
                    Outbox::note(&self.db, &event.id, store, &of.message_id, now)?;
                }
            }
            self.outbox.rung |= of_draft && Outbox::stir(&self.db, store, now)?;
        }
        // An undo reaches all stores of its action. One of a cancel brings back what has no row any
        // more.
        for action in &undone {
            back.extend(storage::reached(&self.db, action)?.into_iter().filter(is_draft));
        }
        for store in &back {
            missing_in(&self.db, store)?.iter().try_for_each(|one| one.note(&self.db, now))?;
            self.outbox.rung |= Outbox::stir(&self.db, store, now)?;
        }
        Ok(())
    }

    /// Compares the rows with the logs, and makes those that are missing.
    pub(in crate::backend) fn check_outbox(&mut self) -> Result<Vec<Finding>, StoreError> {
        let found = missing(&self.db)?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        self.begin()?;
        found.iter().try_for_each(|one| one.note(&self.db, self.now))?;
        self.db.commit()?;
        let left = missing(&self.db)?;
        let mended = |one: &Missing| Finding { repaired: !left.contains(one), ..forgotten(one) };
        Ok(found.iter().map(mended).collect())
    }
}

fn is_draft(store: &StoreId) -> bool {
    store.as_thread().is_some_and(|thread| thread.is_draft())
}

/// What waits in an outbox, is on its way, or of unknown end, and has no row.
pub(in crate::backend) fn missing(db: &Db) -> Result<Vec<Missing>, StoreError> {
    let mut found = Vec::new();
    if !Outbox::is_there(db)? {
        return Ok(found);
    }
    for store in Outbox::stores(db)? {
        found.extend(missing_in(db, &store)?);
    }
    Ok(found)
}

/// The same of one store.
fn missing_in(db: &Db, store: &StoreId) -> Result<Vec<Missing>, StoreError> {
    let mut found = Vec::new();
    let loaded = match Loaded::of(db, store) {
        // That is a finding of its own.
        Err(StoreError::Broken { .. }) => return Ok(found),
        loaded => loaded?,
    };
    for item in loaded.items() {
        if matches!(item.stage, Stage::Failed { .. }) || Outbox::get(db, &item.queued)?.is_some() {
            continue;
        }
        let row = loaded.queued(&item.queued);
        found.push(Missing {
            queued: item.queued.clone(),
            store: store.clone(),
            message_id: row.map(|row| row.of.message_id.clone()).unwrap_or_default(),
            unknown: matches!(item.stage, Stage::Unknown { .. }),
        });
    }
    Ok(found)
}

/// A line about what no row says of.
pub(in crate::backend) fn forgotten(missing: &Missing) -> Finding {
    let thread = missing.store.as_thread().map(|thread| thread.to_string()).unwrap_or_default();
    let queued = &missing.queued;
    Finding::new("outbox", format!("{thread}: {queued} waits to be sent, and nobody looks at it"))
}
