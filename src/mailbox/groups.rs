//! The rows of the list that a transaction touches: counted as they were, and as they are after.
//!
//! Invariant: counts and the `shown` index change by the difference of a conversation before and
//! after, in the transaction that changes its rows; so they cannot drift.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, params};

use crate::id::{LabelId, ThreadId};
use crate::label::Place;
use crate::mailbox::group::{GroupRow, MemberRow, group};
use crate::mailbox::row::Shown;
use crate::store::{Db, StoreError};

/// Conversations touched by the open transaction.
#[derive(Debug, Default)]
pub struct Groups {
    /// By root: the row that is counted, and the row that is shown.
    before: BTreeMap<ThreadId, (Option<GroupRow>, Option<GroupRow>)>,
    threads: BTreeSet<ThreadId>,
    device: bool,
    /// Where nothing but the overlay changes: the members by root, as the confirmed tables have
    /// them before and after.
    members: Option<BTreeMap<ThreadId, Vec<MemberRow>>>,
}

impl Groups {
    /// For a store with (`true`) or without a device's own tables.
    #[must_use]
    pub fn new(device: bool) -> Self {
        Self { device, ..Self::default() }
    }

    /// For a transaction of a device that changes what its own events show and no confirmed row:
    /// rows are read once and not twice.
    #[must_use]
    pub fn of_overlay() -> Self {
        Self { device: true, members: Some(BTreeMap::new()), ..Self::default() }
    }

    /// Must be called before a row, label or overlay of `thread` changes.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn touch(&mut self, db: &Db, thread: &ThreadId) -> Result<(), StoreError> {
        if !self.threads.insert(thread.clone()) {
            return Ok(());
        }
        let Some(root) = super::query::root_of(db, thread)? else {
            self.began(thread);
            return Ok(());
        };
        if !self.before.contains_key(&root) {
            let members = confirmed(db, &root)?;
            let rows = self.rows(db, &members)?;
            if let Some(kept) = &mut self.members {
                kept.insert(root.clone(), members);
            }
            self.before.insert(root, rows);
        }
        Ok(())
    }

    /// `root` shows a row that no root showed before: what is counted of it now is all new. Must be
    /// called for every root that links make, or a later touch would take what the open
    /// transaction made for what was there.
    pub(super) fn began(&mut self, root: &ThreadId) {
        self.before.entry(root.clone()).or_default();
    }

    fn rows(
        &self,
        db: &Db,
        members: &[MemberRow],
    ) -> Result<(Option<GroupRow>, Option<GroupRow>), StoreError> {
        let counted = group(members);
        if !self.device {
            return Ok((counted, None));
        }
        let shown = covered(db, members)?.map_or_else(|| counted.clone(), |own| group(&own));
        Ok((counted, shown))
    }

    /// Threads that were touched.
    #[must_use]
    pub const fn threads(&self) -> &BTreeSet<ThreadId> {
        &self.threads
    }

    /// Puts the differences into counts and the `shown` index. Returns whether a count changed.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn settle(self, db: &Db) -> Result<bool, StoreError> {
        if let Some(kept) = &self.members {
            for (root, members) in kept {
                let was = self.before.get(root).and_then(|(_, shown)| shown.as_ref());
                let (_, shown) = self.rows(db, members)?;
                if was != shown.as_ref() {
                    reindex(db, was, shown.as_ref())?;
                }
            }
            return Ok(false);
        }
        let mut roots: BTreeSet<ThreadId> = self.before.keys().cloned().collect();
        for thread in &self.threads {
            roots.extend(super::query::root_of(db, thread)?);
        }
        let mut after = BTreeMap::new();
        for root in &roots {
            // A root that another joined is no row any more.
            let still = super::query::root_of(db, root)?.as_ref() == Some(root);
            let rows = if still { self.rows(db, &confirmed(db, root)?)? } else { (None, None) };
            after.insert(root.clone(), rows);
        }
        let mut counts = Counts::default();
        for (root, (counted, shown)) in &after {
            let (was_counted, was_shown) = self.before.get(root).cloned().unwrap_or_default();
            counts.add(was_counted.as_ref(), -1);
            counts.add(counted.as_ref(), 1);
            if self.device && was_shown != *shown {
                reindex(db, was_shown.as_ref(), shown.as_ref())?;
            }
        }
        counts.store(db)
    }
}

/// Differences of the confirmed counts, by label.
#[derive(Default)]
struct Counts(BTreeMap<LabelId, (i64, i64)>);

impl Counts {
    fn add(&mut self, row: Option<&GroupRow>, by: i64) {
        let Some(row) = row else { return };
        for label in &row.lists {
            let entry = self.0.entry(label.clone()).or_default();
            entry.0 += by;
            entry.1 += if row.unread > 0 { by } else { 0 };
        }
    }

    fn store(self, db: &Db) -> Result<bool, StoreError> {
        let mut changed = false;
        for (label, (threads, unread)) in self.0 {
            if (threads, unread) == (0, 0) {
                continue;
            }
            changed = true;
            db.sql()
                .prepare_cached(
                    "INSERT INTO labelCounts(labelId, threadCount, unreadCount) VALUES (?1, ?2, ?3)
                     ON CONFLICT(labelId) DO UPDATE SET threadCount = threadCount + ?2,
                         unreadCount = unreadCount + ?3",
                )?
                .execute(params![label.as_str(), threads, unread])?;
            // A count of nothing is no row, however it came to that.
            db.sql()
                .prepare_cached(
                    "DELETE FROM labelCounts
                     WHERE labelId = ?1 AND threadCount = 0 AND unreadCount = 0",
                )?
                .execute([label.as_str()])?;
        }
        Ok(changed)
    }
}

/// Puts the difference of a shown row into the device's index and its counts.
fn reindex(db: &Db, before: Option<&GroupRow>, after: Option<&GroupRow>) -> Result<(), StoreError> {
    let mut delete = db
        .sql()
        .prepare_cached("DELETE FROM shown WHERE label = ?1 AND age = ?2 AND thread = ?3")?;
    let mut insert = db.sql().prepare_cached(
        "INSERT OR REPLACE INTO shown(label, age, thread, unread) VALUES (?1, ?2, ?3, ?4)",
    )?;
    if let Some(row) = before {
        for label in &row.lists {
            let key = params![label.as_str(), -row.last_activity, row.root.as_str()];
            // One that was put in with a snapshot may not be in the lists yet.
            if delete.execute(key)? > 0 {
                count_shown(db, label, -1, -i64::from(row.unread > 0))?;
            }
        }
    }
    if let Some(row) = after {
        for label in &row.lists {
            let unread = row.unread > 0;
            let key = params![label.as_str(), -row.last_activity, row.root.as_str(), unread];
            insert.execute(key)?;
            count_shown(db, label, 1, i64::from(unread))?;
        }
    }
    Ok(())
}

/// Changes what a list is said to hold.
pub(super) fn count_shown(
    db: &Db,
    label: &LabelId,
    total: i64,
    unread: i64,
) -> Result<(), StoreError> {
    db.sql()
        .prepare_cached(
            "INSERT INTO shownCounts(label, total, unread) VALUES (?1, ?2, ?3)
             ON CONFLICT(label) DO UPDATE SET total = total + ?2, unread = unread + ?3",
        )?
        .execute(params![label.as_str(), total, unread])?;
    Ok(())
}

/// Whether an own event covers a member of the conversation with this root.
pub(super) fn is_covered(db: &Db, root: &ThreadId) -> Result<bool, StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT 1 FROM overlay WHERE thread = ?1 UNION ALL SELECT 1 FROM overlay WHERE thread IN (
             SELECT id FROM threadIndex WHERE root = ?1 AND root <> id)",
    )?;
    Ok(statement.exists([root.as_str()])?)
}

/// The members of a conversation as the confirmed tables have them.
pub(super) fn confirmed(db: &Db, root: &ThreadId) -> Result<Vec<MemberRow>, StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT id, lastActivity, unreadCount, place, snoozedUntil FROM threadIndex WHERE id = ?1
         UNION ALL
         SELECT id, lastActivity, unreadCount, place, snoozedUntil FROM threadIndex
         WHERE root = ?1 AND root <> id",
    )?;
    let mut rows = statement.query([root.as_str()])?;
    let mut members = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, place): (String, String) = (row.get(0)?, row.get(3)?);
        let id = ThreadId::try_from(id).map_err(|error| StoreError::Row(error.to_string()))?;
        members.push(MemberRow {
            last_activity: row.get(1)?,
            unread: u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
            place: Place::parse(&place).unwrap_or(Place::Inbox),
            snoozed: row.get::<_, Option<i64>>(4)?.is_some(),
            labels: super::query::labels_of(db, &id)?,
            id,
        });
    }
    Ok(members)
}

/// The members as this device shows them; `None` when it shows what is confirmed.
fn covered(db: &Db, members: &[MemberRow]) -> Result<Option<Vec<MemberRow>>, StoreError> {
    let mut own: Option<Vec<MemberRow>> = None;
    for (index, member) in members.iter().enumerate() {
        if let Some(shown) = overlaid(db, &member.id)? {
            cover(&mut own.get_or_insert_with(|| members.to_vec())[index], shown);
        }
    }
    Ok(own)
}

fn cover(member: &mut MemberRow, shown: Shown) {
    member.unread = shown.unread_count;
    member.place = shown.place;
    member.snoozed = shown.snoozed_until.is_some();
    member.labels = shown.labels;
}

/// What this device shows of a thread instead of its confirmed row; `None` when they are the same.
///
/// # Errors
/// When the database refuses.
pub fn overlaid(db: &Db, thread: &ThreadId) -> Result<Option<Shown>, StoreError> {
    let mut statement = db.sql().prepare_cached("SELECT shown FROM overlay WHERE thread = ?1")?;
    let text: Option<String> =
        statement.query_row([thread.as_str()], |row| row.get(0)).optional()?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Sets what this device shows of a thread; the caller has touched it.
///
/// # Errors
/// When the database refuses.
pub fn set_overlay(db: &Db, thread: &ThreadId, shown: Option<&Shown>) -> Result<(), StoreError> {
    match shown.and_then(|shown| serde_json::to_string(shown).ok()) {
        Some(text) => db
            .sql()
            .prepare_cached("INSERT OR REPLACE INTO overlay(thread, shown) VALUES (?1, ?2)")?
            .execute([thread.as_str(), &text])?,
        None => db
            .sql()
            .prepare_cached("DELETE FROM overlay WHERE thread = ?1")?
            .execute([thread.as_str()])?,
    };
    Ok(())
}

/// Makes the `shown` index again from the rows and the overlay.
///
/// # Errors
/// When the database refuses.
pub fn rebuild_shown(db: &Db) -> Result<(), StoreError> {
    db.sql().execute_batch("DELETE FROM shown; DELETE FROM shownCounts;")?;
    let roots: Vec<String> = {
        let mut statement = db.sql().prepare("SELECT id FROM threadIndex WHERE root = id")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    let groups = Groups::new(true);
    for root in roots {
        let root = ThreadId::try_from(root).map_err(|error| StoreError::Row(error.to_string()))?;
        let (_, shown) = groups.rows(db, &confirmed(db, &root)?)?;
        reindex(db, None, shown.as_ref())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{DeviceId, Epoch, EventId};
    use crate::mailbox::{
        MailboxEvent, SQL, Source, ThreadAdded, ThreadChanged, ThreadFacts, dump, materialize, name,
    };
    use crate::store::{Args, Event, Log, NewEvent, Own};

    fn facts(id: &str, links: &[&str]) -> ThreadFacts {
        let thread = |id: &str| ThreadId::try_from(id).unwrap();
        ThreadFacts {
            id: thread(id),
            subject: None,
            participants: Vec::new(),
            snippet: String::new(),
            last_activity: 5,
            created_at: 5,
            message_count: 1,
            unread_count: 1,
            starred: false,
            muted: false,
            has_attachment: false,
            place: Place::Inbox,
            snoozed_until: None,
            links: links.iter().map(|id| thread(id)).collect(),
            trail: Args::of(&()),
        }
    }

    /// `+id` adds a thread, `id` changes it; links behind a colon.
    fn event(at: u64, text: &str) -> Event {
        let (id, links) = text.split_once(':').unwrap_or((text, ""));
        let links: Vec<&str> = links.split(',').filter(|link| !link.is_empty()).collect();
        let added = id.strip_prefix('+');
        let thread = facts(added.unwrap_or(id), &links);
        let epoch = Epoch::try_from("e").unwrap();
        let source = Source {
            thread: thread.id.clone(),
            epoch: epoch.clone(),
            from: at - 1,
            through: at,
            last: true,
            actions: Vec::new(),
        };
        let labels = vec![Place::Inbox.label()];
        let (name, args) = if added.is_some() {
            (name::THREAD_ADDED, Args::of(&ThreadAdded { thread, labels, source }))
        } else {
            (name::SUMMARY_CHANGED, Args::of(&ThreadChanged { thread, source }))
        };
        assert!(MailboxEvent::read(name, &args).is_some());
        let id = EventId::try_from(format!("e{at}")).unwrap();
        let device = DeviceId::try_from("d").unwrap();
        let name = name.to_owned();
        Event { position: at, event: NewEvent { id, name, args, device, action: None, epoch } }
    }

    fn inbox(history: &[&str], batch: usize) -> (i64, Vec<(&'static str, String)>) {
        let db = Db::memory(&[Log::SQL, Own::SQL, SQL].concat()).unwrap();
        let events: Vec<Event> = (1..).zip(history).map(|(at, text)| event(at, text)).collect();
        for events in events.chunks(batch) {
            let mut groups = Groups::new(true);
            materialize(&db, events, &mut groups).unwrap();
            groups.settle(&db).unwrap();
        }
        let shown: i64 = db
            .sql()
            .query_row("SELECT count(*) FROM shown WHERE label = 'inbox'", [], |row| row.get(0))
            .unwrap();
        (shown, dump(&db).unwrap())
    }

    #[test]
    fn counts_do_not_depend_on_how_a_history_is_cut_into_batches() {
        for (history, rows) in [
            (
                &["+bbbbbbbb", "+cccccccc:bbbbbbbb", "+aaaaaaaa:bbbbbbbb", "cccccccc:bbbbbbbb"][..],
                1,
            ),
            (&["+cccccccc:aaaaaaaa", "+bbbbbbbb:cccccccc", "+aaaaaaaa", "bbbbbbbb:cccccccc"], 1),
            (&["+aaaaaaaa:bbbbbbbb", "+bbbbbbbb:cccccccc", "+cccccccc", "aaaaaaaa", "cccccccc"], 2),
            (&["+aaaaaaaa", "+bbbbbbbb", "+cccccccc:aaaaaaaa,bbbbbbbb", "cccccccc"], 3),
        ] {
            let (one, by_one) = inbox(history, 1);
            for batch in 2..=history.len() {
                let (shown, at_once) = inbox(history, batch);
                assert_eq!(shown, rows, "{history:?} by {batch}");
                assert_eq!(at_once, by_one, "{history:?} by {batch}");
            }
            assert_eq!(one, rows, "{history:?}");
        }
    }
}
