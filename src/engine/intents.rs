//! Intents: decided, shown and answered in one transaction of the device.
//!
//! Invariant: everything of one action is one transaction: its events, what the list shows of them,
//! and its counts. An intent on a thread that is not loaded loads nothing.

use std::collections::BTreeSet;

use crate::command::events::{action_name, event, says};
use crate::command::intent::{Change, Intent, Target};
use crate::command::snooze;
use crate::engine::view::Done;
use crate::engine::{Device, EngineError};
use crate::id::{ActionId, DeviceId, EventId, StoreId, ThreadId};
use crate::mailbox::{self, Groups};
use crate::projection::overlay;
use crate::store::{Action, Args, Db, Own, StoreError};

impl Device {
    /// Decides an intent. Views show it when this returns; [`Device::commit`] puts it on disk.
    ///
    /// # Errors
    /// When there is nothing to do it on, or the database refuses; nothing of it is then kept.
    pub fn intend(&mut self, intent: &Intent) -> Result<Done, EngineError> {
        // What others decided before stays, whatever becomes of this one.
        let alone = !self.db.is_open();
        self.begin_full()?;
        self.unsent = true;
        self.db.sql().execute_batch("SAVEPOINT intent").map_err(StoreError::from)?;
        let done = match intent {
            Intent::Change { changes, targets } => self.change(changes, targets),
            Intent::Undo(action) => self.undo(action.as_ref()),
            Intent::Redo(action) => self.redo(action.as_ref()),
            Intent::Join(threads) => self.join(threads),
            Intent::Split(threads) => self.split(threads),
            Intent::CreateLabel(text) => self.new_label(text, None, &[]),
            Intent::NewLabel { name, color, targets } => {
                self.new_label(name, color.as_deref(), targets)
            }
            Intent::RenameLabel(label, name) => self.rename_label(label, name),
            Intent::RecolorLabel(label, color) => self.recolor_label(label, color.as_deref()),
            Intent::DeleteLabel(label) => self.delete_label(label),
            Intent::Fetch(messages) => self.fetch_rest(messages),
            Intent::SaveSearch { name, query } => self.save_search(name, query),
            Intent::RemoveSearch(name) => self.remove_search(name),
            Intent::SaveDraft { .. }
            | Intent::DiscardDraft { .. }
            | Intent::Send(_)
            | Intent::CancelSend { .. } => self.draft(intent),
        };
        let end =
            if done.is_ok() { "RELEASE intent" } else { "ROLLBACK TO intent; RELEASE intent" };
        let ended = self.db.sql().execute_batch(end).map_err(StoreError::from);
        self.news.lists = true;
        if done.is_err() && alone {
            self.db.rollback();
        }
        // Where SQLite gave the whole transaction up there is no savepoint to go back to; the next
        // commit says so to those who decided before.
        let done = done?;
        ended?;
        Ok(done)
    }

    pub(super) fn action(&mut self, name: &str) -> Action {
        if let Some(joint) = &self.joint {
            return joint.clone();
        }
        let id = ActionId::from(&self.next_id());
        Action { id, name: name.to_owned(), at: self.clock.now_ms(), redoes: None }
    }

    pub(super) fn next_id(&mut self) -> EventId {
        let mut random = [0; 10];
        self.clock.random(&mut random);
        self.ids.next(self.clock.now_ms(), random)
    }

    pub(super) fn add(
        &mut self,
        store: &StoreId,
        name: &str,
        args: &Args,
        action: &Action,
    ) -> Result<(), StoreError> {
        let id = self.next_id();
        Own::add(&self.db, store, &id, name, args, Some(action))?;
        Own::set(&self.db, "last-id", id.as_str())?;
        if store.as_thread().is_none() {
            self.show_own_labels(name, args)?;
        }
        Ok(())
    }

    fn change(&mut self, changes: &[Change], targets: &[Target]) -> Result<Done, EngineError> {
        let mut groups = Groups::of_overlay();
        let (mut rows, mut there, mut gone) = (BTreeSet::new(), Vec::new(), None);
        for target in targets {
            // A row that went between its drawing and the key keeps nothing from the others.
            let Some(root) = mailbox::root_of(&self.db, &target.thread)? else {
                gone = Some(&target.thread);
                continue;
            };
            groups.touch(&self.db, &target.thread)?;
            rows.insert(root);
            there.push(target);
        }
        if let Some(gone) = gone.filter(|_| rows.is_empty()) {
            return Err(EngineError::NoThread(gone.to_string()));
        }
        if rows.is_empty() || changes.is_empty() {
            return Ok(Done { says: says(&[], 0, &|id| id.to_string()), ..Done::default() });
        }
        let action = self.action(action_name(changes));
        let expanded = self.with_twins(changes)?;
        for target in there {
            let store = StoreId::thread(&target.thread);
            for change in &expanded {
                // A further label of the same name is taken off where it is on.
                if let Change::Label(label, false) = change
                    && !changes.contains(change)
                    && !self.carries(&target.thread, label)?
                {
                    continue;
                }
                let (name, args) = event(change, target);
                self.add(&store, name, &args, &action)?;
            }
            self.cover(&target.thread)?;
        }
        groups.settle(&self.db)?;
        let says = says(changes, rows.len(), &|id| self.label_name(id));
        let until = snooze::ends(changes);
        Ok(Done { action: Some(action.id), threads: rows.len(), says, until, ..Done::default() })
    }

    /// Shows a thread as its own events have it. The caller has touched it.
    pub(super) fn cover(&mut self, thread: &ThreadId) -> Result<(), StoreError> {
        self.news.threads.insert(thread.clone());
        cover(&self.db, &self.id, thread)
    }
}

/// Puts what a device's own events show of a thread over its row.
pub(super) fn cover(db: &Db, device: &DeviceId, thread: &ThreadId) -> Result<(), StoreError> {
    let own = Own::of(db, &StoreId::thread(thread))?;
    if own.is_empty() {
        return mailbox::set_overlay(db, thread, None);
    }
    let Some(row) = mailbox::raw_row(db, thread)? else { return Ok(()) };
    let here = mailbox::watermark(db, thread)?;
    let shown = overlay(&row, &own, device, here.as_ref());
    mailbox::set_overlay(db, thread, shown.as_ref())
}
