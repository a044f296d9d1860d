//! What was taken back too late: it was on its way, or sent, before the backend heard of that; and
//! what was sent.
//!
//! Invariant: told once, when an own event leaves for the rows that show it; made from what is
//! confirmed alone. It is kept with the device until somebody was told: most commands have nobody
//! to tell.

use std::collections::BTreeSet;

use crate::engine::{Device, EngineError};
use crate::id::{ActionId, EventId, StoreId, ThreadId};
use crate::mailbox;
use crate::notice::Notice;
use crate::safe_text;
use crate::store::{Db, Own, StoreError};
use crate::thread::{
    ActionUndone, RefusedTo, SendCancelled, Stage, Step, Title, Trail, What, name,
};

/// What an undo of it says.
pub const TOO_LATE: &str = "It is too late to undo that: it was sent, or is on its way.";
/// The setting with the lines of which nobody was told.
const SETTING: &str = "late";
/// Lines that are kept for who is told of them.
const MOST_KEPT: usize = 50;

impl Device {
    /// What was sent and is called `name`: by what queued it, or by its store.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sent_as(&self, name: &str) -> Result<Option<(ThreadId, EventId)>, EngineError> {
        for thread in mailbox::drafts(&self.db)? {
            let Some(outgoing) = self.trail(&thread)?.with(&[]).outgoing else { continue };
            let meant = |id: &&EventId| id.as_str() == name || thread.as_str() == name;
            if let Some(queued) = outgoing.sent().rev().find(meant) {
                return Ok(Some((thread, queued.clone())));
            }
        }
        Ok(None)
    }

    /// What was taken back too late, since this was last asked or told.
    pub fn take_late(&mut self) -> Vec<String> {
        let late = std::mem::take(&mut self.news.late);
        self.late_told(&late);
        late
    }

    /// Somebody was told: it is not kept any more. Where that is not written it is told once more.
    pub(super) fn late_told(&mut self, late: &[String]) {
        if late.is_empty() {
            return;
        }
        let done = self.begin_full().and_then(|()| Own::set(&self.db, SETTING, "[]"));
        if done.map_err(EngineError::from).and_then(|()| self.commit()).is_err() {
            self.db.rollback();
        }
    }

    /// What nobody was told of is news again.
    pub(super) fn recall_late(&mut self) -> Result<(), StoreError> {
        self.news.late = kept(&self.db)?;
        Ok(())
    }

    /// The newest that was sent of a draft's store, or of which nobody knows whether it was.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sent_before(&self, thread: &ThreadId) -> Result<Option<EventId>, EngineError> {
        let outgoing = self.trail(thread)?.with(&[]).outgoing.unwrap_or_default();
        Ok(outgoing.before().map(|(queued, _)| queued.clone()))
    }

    /// To whom what was queued did not go, though it was sent.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn refused_to(
        &self,
        thread: &ThreadId,
        queued: &EventId,
    ) -> Result<Vec<RefusedTo>, EngineError> {
        let outgoing = self.trail(thread)?.with(&[]).outgoing.unwrap_or_default();
        Ok(outgoing.refused(queued).iter().map(RefusedTo::cut).collect())
    }

    /// Notes what own events at or below a position meant to take back, and came too late for; the
    /// row of the thread shows them.
    pub(super) fn note_late(&mut self, thread: &ThreadId, through: u64) -> Result<(), StoreError> {
        if !thread.is_draft() {
            return Ok(());
        }
        let (mut queued, mut undone) = (BTreeSet::new(), BTreeSet::new());
        for own in Own::of(&self.db, &StoreId::thread(thread))? {
            if own.position.is_none_or(|position| position > through) {
                continue;
            }
            if own.name == name::SEND_CANCELLED {
                queued.extend(own.args.read().map(|of: SendCancelled| of.queued));
            } else if own.name == name::ACTION_UNDONE {
                undone.extend(own.args.read().map(|of: ActionUndone| of.action));
            }
        }
        if !queued.is_empty() || !undone.is_empty() {
            let trail = self.trail(thread)?;
            let lines = late(&trail, &queued, &undone);
            if !lines.is_empty() {
                let mut all = kept(&self.db)?;
                all.extend(lines.iter().cloned());
                let old = all.len().saturating_sub(MOST_KEPT);
                let all = serde_json::to_string(&all[old..]).unwrap_or_default();
                Own::set(&self.db, SETTING, &all)?;
            }
            self.news.late.extend(lines);
        }
        Ok(())
    }
}

/// The lines of which nobody was told.
fn kept(db: &Db) -> Result<Vec<String>, StoreError> {
    let kept = Own::setting(db, SETTING)?;
    Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()).unwrap_or_default())
}

/// What is told of one that was taken back too late.
#[must_use]
pub fn too_late(line: &str) -> Notice {
    Notice::warning("too-late", line, "look in Sent, and in the outbox")
}

/// A line for each that was taken back too late.
fn late(trail: &Trail, queued: &BTreeSet<EventId>, undone: &BTreeSet<ActionId>) -> Vec<String> {
    let outgoing = trail.with(&[]).outgoing.map(|outgoing| *outgoing).unwrap_or_default();
    let steps = trail.entries.iter().filter_map(|entry| match &entry.what {
        What::Outgoing(Step::Queued { title, .. }) => Some((entry, title)),
        _ => None,
    });
    let mut meant: Vec<(&EventId, Option<&Title>)> = Vec::new();
    for (entry, title) in steps {
        let is_undone = entry.action.as_ref().is_some_and(|action| undone.contains(action));
        if is_undone || queued.contains(&entry.id) {
            meant.push((&entry.id, Some(title)));
        }
    }
    let untold = queued.iter().filter(|id| meant.iter().all(|(other, _)| other != id));
    let untold: Vec<&EventId> = untold.collect();
    meant.extend(untold.into_iter().map(|id| (id, None)));
    let line = |(id, title): (&EventId, Option<&Title>)| {
        let item = outgoing.items.iter().find(|item| item.queued == *id);
        let title = title.or(item.map(|item| &item.title));
        let subject = title.map(|title| safe_text::line(&title.subject)).unwrap_or_default();
        let what = if subject.is_empty() { "a message".to_owned() } else { subject };
        if outgoing.is_sent(id) {
            return Some(format!("{what} was sent before it was taken back"));
        }
        match item?.stage {
            Stage::Claimed => Some(format!("{what} was on its way before it was taken back")),
            Stage::Unknown { .. } => {
                Some(format!("{what} was taken back too late: it may have been sent"))
            }
            Stage::Waiting { .. } | Stage::Failed { .. } => None,
        }
    };
    meant.into_iter().filter_map(line).collect()
}
