//! History as this device shows it: what the Mailbox store has taken in, and above it what this
//! device did that is not projected yet.
//!
//! Invariant: order is the Mailbox store's; own actions that it does not know yet are above, the
//! newest first. Reading only.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use crate::command::past::what;
use crate::engine::view::{HistoryPage, HistoryRow, Row};
use crate::engine::{Device, EngineError};
use crate::id::{ActionId, DeviceId, LabelId, StoreId, ThreadId};
use crate::mailbox::{self, Deed, MailboxEvent, Of};
use crate::projection::deed;
use crate::store::{Action, Own, StoreError};

/// Actions read at a time when the last ones are looked through.
const LOOK_BACK: usize = 64;

/// Threads of an action that are looked at one by one, to tell how many conversations they are; of
/// more the threads are counted.
const MOST_COUNTED: u64 = 2_000;

/// An action with all that is known of it here.
#[derive(Debug, Clone)]
pub(super) struct Past {
    pub(super) id: ActionId,
    pub(super) name: String,
    pub(super) at: i64,
    pub(super) device: DeviceId,
    pub(super) deeds: Vec<Deed>,
    pub(super) redoes: Option<ActionId>,
    pub(super) undoes: Option<ActionId>,
    pub(super) threads: u64,
    pub(super) undone_by: Option<ActionId>,
    pub(super) pending: bool,
}

impl From<mailbox::Done> for Past {
    fn from(done: mailbox::Done) -> Self {
        Self {
            id: done.id,
            name: done.name,
            at: done.at,
            device: done.device,
            deeds: done.deeds,
            redoes: done.redoes,
            undoes: done.undoes,
            threads: done.threads,
            undone_by: done.undone_by,
            pending: false,
        }
    }
}

/// Actions that own events undo and whose undo the Mailbox store does not know yet, with it.
type Undoing = BTreeMap<ActionId, ActionId>;

impl Device {
    /// An action by its id, whoever did it.
    pub(super) fn past(&self, id: &ActionId) -> Result<Option<Past>, StoreError> {
        let undoing = self.undoing()?;
        if let Some(done) = mailbox::action(&self.db, id)? {
            return Ok(Some(self.with_own(done.into(), &undoing)?));
        }
        let own = Own::sample_of(&self.db, id)?;
        let action = own.into_iter().find_map(|event| event.action);
        action.map(|action| self.only_own(&action, &undoing)).transpose()
    }

    /// Shows `look` this device's actions, the newest first, until it has seen enough.
    pub(super) fn own_past(&self, mut look: impl FnMut(Past) -> bool) -> Result<(), StoreError> {
        let undoing = self.undoing()?;
        let mut own = Own::actions(&self.db)?.into_iter().peekable();
        let mut before: Option<ActionId> = None;
        loop {
            let page = mailbox::of_device(&self.db, &self.id, before.as_ref(), LOOK_BACK)?;
            let Some(last) = page.last() else { break };
            before = Some(last.id.clone());
            for done in page {
                while let Some(newer) = own.next_if(|action| action.id > done.id) {
                    if !look(self.only_own(&newer, &undoing)?) {
                        return Ok(());
                    }
                }
                own.next_if(|action| action.id == done.id);
                if !look(self.with_own(done.into(), &undoing)?) {
                    return Ok(());
                }
            }
        }
        for older in own {
            if !look(self.only_own(&older, &undoing)?) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn undoing(&self) -> Result<Undoing, StoreError> {
        let mut undoing = Undoing::new();
        for event in Own::of(&self.db, &StoreId::mailbox())? {
            let read = MailboxEvent::read(&event.name, &event.args);
            if let (Some(MailboxEvent::Undone(undo)), Some(action)) = (read, event.action) {
                undoing.entry(undo.action).or_insert(action.id);
            }
        }
        Ok(undoing)
    }

    /// A projected action with what of it is not projected yet.
    fn with_own(&self, mut past: Past, undoing: &Undoing) -> Result<Past, StoreError> {
        if past.undone_by.is_none() {
            past.undone_by = undoing.get(&past.id).cloned();
        }
        // What it did to threads besides labels is kept with them, the same on most.
        if past.threads > 0 && past.deeds.iter().all(Deed::is_of_mailbox) {
            let reached = mailbox::deeds_on(&self.db, &past.id)?;
            past.deeds
                .extend(reached.into_iter().find_map(|(_, deeds)| deeds).into_iter().flatten());
        }
        if past.device == self.id {
            let (threads, pending) = self.own_part(&past.id)?;
            past.threads += threads;
            past.pending = pending;
        }
        Ok(past)
    }

    /// An action of which nothing is projected yet.
    fn only_own(&self, action: &Action, undoing: &Undoing) -> Result<Past, StoreError> {
        let mut deeds: Vec<Deed> = Vec::new();
        for event in Own::sample_of(&self.db, &action.id)? {
            let of_label = || {
                let read = MailboxEvent::read(&event.name, &event.args);
                read.as_ref().and_then(Deed::of_mailbox)
            };
            let known = match event.store.as_thread() {
                Some(_) => deed(&event.name, &event.args),
                None => of_label(),
            };
            let known = known.unwrap_or(Deed::Unknown);
            if !deeds.contains(&known) {
                deeds.push(known);
            }
        }
        let undoes = deeds.iter().find_map(|deed| match deed {
            Deed::Undo(action) => Some(action.clone()),
            _ => None,
        });
        let (threads, pending) = self.own_part(&action.id)?;
        Ok(Past {
            id: action.id.clone(),
            name: action.name.clone(),
            at: action.at,
            device: self.id.clone(),
            deeds,
            redoes: action.redoes.clone(),
            undoes,
            threads,
            undone_by: undoing.get(&action.id).cloned(),
            pending,
        })
    }

    /// How many threads an own action reached that are not projected yet, and whether any event of
    /// it is pending.
    fn own_part(&self, id: &ActionId) -> Result<(u64, bool), StoreError> {
        let mut statement = self.db.sql().prepare_cached(
            "SELECT count(DISTINCT store), coalesce(max(position IS NULL), 0) FROM unprojected
             WHERE actionId = ?1 AND (store = ?2 OR substr(store, 8) NOT IN (
                 SELECT threadId FROM actionThreads WHERE actionId = ?1))",
        )?;
        let (stores, pending): (i64, bool) = statement
            .query_row(params![id.as_str(), StoreId::MAILBOX], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let mut of_mailbox = self
            .db
            .sql()
            .prepare_cached("SELECT 1 FROM unprojected WHERE actionId = ?1 AND store = ?2")?;
        let own = i64::from(of_mailbox.exists(params![id.as_str(), StoreId::MAILBOX])?);
        Ok((u64::try_from(stores - own).unwrap_or_default(), pending))
    }

    /// What an action did, in words.
    pub(super) fn what(&self, name: &str, deeds: &[Deed]) -> String {
        what(name, deeds, &|id| self.label_name(id))
    }

    /// What a label is called.
    pub(super) fn label_name(&self, id: &LabelId) -> String {
        let known = mailbox::shown_by_id(&self.db, id).ok().flatten().map(|(name, _)| name);
        let name = known.unwrap_or_else(|| id.as_str().to_owned());
        crate::safe_text::line(&name)
    }

    /// What a device is called in a sentence.
    pub(super) fn device_name(&self, device: &DeviceId) -> String {
        if *device == self.id { "this device".to_owned() } else { device.name().to_owned() }
    }

    /// Actions, the newest first, from behind `before` on.
    ///
    /// # Errors
    /// When the database refuses, or there is no action `before`.
    pub fn history(
        &self,
        of: &Of,
        before: Option<&ActionId>,
        limit: usize,
    ) -> Result<HistoryPage, EngineError> {
        let undoing = self.undoing()?;
        let (mut rows, mut after) = (Vec::new(), before);
        let known = before.map(|id| mailbox::action(&self.db, id)).transpose()?.flatten();
        if known.is_none() {
            for action in self.above(of)? {
                if let Some(id) = after {
                    after = after.filter(|_| action.id != *id);
                } else if rows.len() <= limit {
                    rows.push(self.only_own(&action, &undoing)?);
                }
            }
            if let Some(id) = after {
                return Err(EngineError::NoAction(id.to_string()));
            }
        }
        let position = known.map(|done| done.position);
        let left = limit.saturating_add(1).saturating_sub(rows.len());
        for done in mailbox::history(&self.db, of, position, left)? {
            rows.push(self.with_own(done.into(), &undoing)?);
        }
        let more = rows.len() > limit;
        rows.truncate(limit);
        let rows = rows.into_iter().map(|past| self.history_row(past)).collect::<Result<_, _>>()?;
        Ok(HistoryPage { rows, more })
    }

    /// Own actions that the Mailbox store does not know yet, the newest first.
    fn above(&self, of: &Of) -> Result<Vec<Action>, StoreError> {
        if of.device.as_ref().is_some_and(|device| *device != self.id) {
            return Ok(Vec::new());
        }
        let mut found = Own::actions(&self.db)?;
        if !of.threads.is_empty() {
            let mut reach = BTreeSet::new();
            for thread in &of.threads {
                let own = Own::of(&self.db, &StoreId::thread(thread))?;
                reach.extend(own.into_iter().filter_map(|event| event.action).map(|a| a.id));
            }
            found.retain(|action| reach.contains(&action.id));
        }
        let mut above = Vec::with_capacity(found.len());
        for action in found {
            if mailbox::action(&self.db, &action.id)?.is_none() {
                above.push(action);
            }
        }
        Ok(above)
    }

    fn history_row(&self, past: Past) -> Result<HistoryRow, EngineError> {
        let undone = past.undoes.as_ref().map(|id| self.past(id)).transpose()?.flatten();
        let what = match undone {
            Some(undone) => format!("undo of {}", self.what(&undone.name, &undone.deeds)),
            None => self.what(&past.name, &past.deeds),
        };
        let threads = match past.threads {
            2..=MOST_COUNTED => self.conversations(&past.id)?,
            few_or_many => few_or_many,
        };
        let subject = if threads == 1 { self.subject_of(&past.id)? } else { None };
        Ok(HistoryRow {
            what,
            subject,
            here: past.device == self.id,
            device_name: past.device.name().to_owned(),
            name: crate::safe_text::line(&past.name),
            action: past.id,
            at: past.at,
            device: past.device,
            changes: past.deeds,
            threads,
            undone_by: past.undone_by,
            undoes: past.undoes,
            redoes: past.redoes,
            pending: past.pending,
        })
    }

    /// How many conversations an action reached, as they are linked now.
    fn conversations(&self, id: &ActionId) -> Result<u64, StoreError> {
        let mut statement = self.db.sql().prepare_cached(
            "SELECT count(DISTINCT coalesce(i.root, t.id)) FROM (
                 SELECT threadId AS id FROM actionThreads WHERE actionId = ?1
                 UNION SELECT substr(store, 8) FROM unprojected
                 WHERE actionId = ?1 AND store <> ?2) t
             LEFT JOIN threadIndex i ON i.id = t.id",
        )?;
        let of = params![id.as_str(), StoreId::MAILBOX];
        let count: i64 = statement.query_row(of, |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// The subject of a conversation that an action reached.
    fn subject_of(&self, id: &ActionId) -> Result<Option<String>, StoreError> {
        let mut statement = self.db.sql().prepare_cached(
            "SELECT i.subject FROM (
                 SELECT threadId AS id FROM actionThreads WHERE actionId = ?1
                 UNION ALL SELECT substr(store, 8) FROM unprojected
                 WHERE actionId = ?1 AND store <> ?2) t
             JOIN threadIndex i ON i.id = t.id WHERE i.subject IS NOT NULL LIMIT 1",
        )?;
        let mut found = statement.query(params![id.as_str(), StoreId::MAILBOX])?;
        let subject: Option<String> = found.next()?.map(|row| row.get(0)).transpose()?;
        Ok(subject.map(|subject| crate::safe_text::line(&subject)))
    }

    /// The rows of the conversations that an action reached, at most `limit`, and how many there
    /// are.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn action_rows(
        &self,
        action: &ActionId,
        limit: usize,
    ) -> Result<(Vec<Row>, usize), EngineError> {
        let mut threads: BTreeSet<ThreadId> =
            mailbox::threads_of(&self.db, action)?.into_iter().collect();
        let own = Own::of_action(&self.db, action)?;
        threads.extend(own.iter().filter_map(|event| event.store.as_thread()));
        let mut roots = BTreeSet::new();
        for thread in &threads {
            roots.extend(mailbox::root_of(&self.db, thread)?);
        }
        let mut rows = Vec::new();
        for root in roots.iter().take(limit) {
            rows.extend(self.row(root)?);
        }
        rows.sort_by(|a, b| (b.last_activity, &a.thread).cmp(&(a.last_activity, &b.thread)));
        Ok((rows, roots.len()))
    }
}
