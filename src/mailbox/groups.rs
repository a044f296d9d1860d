//! The rows of the list that a transaction touches: counted as they were, and as they are after.
//!
//! Invariant: counts and the `shown` index change by the difference of a conversation before and
//! after, in the transaction that changes its rows; so they cannot drift.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, Row, params};

use crate::id::{LabelId, ThreadId};
use crate::label::Place;
use crate::mailbox::group::{GroupRow, MemberRow, group};
use crate::mailbox::row::Shown;
use crate::store::{Db, StoreError};

/// Keys of the `shown` index gathered in memory while it is made again.
const REINDEXED: usize = 10_000;

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
    /// Whether any two threads are linked; asked once.
    linked: Option<bool>,
    /// Whether rows may be there that are in no list yet; asked once.
    unlisted: Option<bool>,
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
        let linked = self.linked(db)?;
        let Some((root, members)) =
            conversation(db, thread, linked, |root| self.before.contains_key(root))?
        else {
            self.began(thread);
            return Ok(());
        };
        let Some(members) = members else { return Ok(()) };
        let rows = self.rows(db, &members)?;
        if self.device && self.unlisted(db)? {
            list(db, rows.1.as_ref())?;
        }
        if let Some(kept) = &mut self.members {
            kept.insert(root.clone(), members);
        }
        self.before.insert(root, rows);
        Ok(())
    }

    /// Whether any two threads are linked: where not, each is a conversation of its own.
    pub(super) fn linked(&mut self, db: &Db) -> Result<bool, StoreError> {
        if let Some(linked) = self.linked {
            return Ok(linked);
        }
        let linked = db.sql().prepare_cached("SELECT 1 FROM threadLinks")?.exists([])?;
        Ok(*self.linked.insert(linked))
    }

    /// Whether a snapshot brought rows that are in no list yet: what changes of one is a difference
    /// to what the lists have, so it is put there first.
    fn unlisted(&mut self, db: &Db) -> Result<bool, StoreError> {
        if let Some(unlisted) = self.unlisted {
            return Ok(unlisted);
        }
        let sql = "SELECT 1 FROM arrived WHERE thread = ''";
        let unlisted = db.sql().prepare_cached(sql)?.exists([])?;
        Ok(*self.unlisted.insert(unlisted))
    }

    /// The open transaction links threads.
    pub(super) const fn now_linked(&mut self) {
        self.linked = Some(true);
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
    pub fn settle(mut self, db: &Db) -> Result<bool, StoreError> {
        let mut shown = Reindexed::default();
        if let Some(kept) = &self.members {
            for (root, members) in kept {
                let was = self.before.get(root).and_then(|(_, shown)| shown.as_ref());
                let (_, now) = self.rows(db, members)?;
                shown.change(was, now.as_ref());
            }
            shown.store(db)?;
            return Ok(false);
        }
        let mut counts = Counts::default();
        let mut change = |was: Rows, now: Rows| {
            counts.add(was.0.as_ref(), -1);
            counts.add(now.0.as_ref(), 1);
            shown.change(was.1.as_ref(), now.1.as_ref());
        };
        if self.linked(db)? {
            for (root, now) in self.after(db)? {
                change(self.before.remove(&root).unwrap_or_default(), now);
            }
        } else {
            for thread in &self.threads {
                let found = conversation(db, thread, false, |_| false)?;
                let members = found.and_then(|(_, members)| members).unwrap_or_default();
                change(self.before.remove(thread).unwrap_or_default(), self.rows(db, &members)?);
            }
        }
        if self.device {
            shown.store(db)?;
        }
        counts.store(db, "labelCounts(labelId, threadCount, unreadCount)")
    }

    /// The rows of every root that was touched, or that a touched thread has now.
    fn after(&self, db: &Db) -> Result<BTreeMap<ThreadId, Rows>, StoreError> {
        let mut after: BTreeMap<ThreadId, Rows> = BTreeMap::new();
        let touched: BTreeSet<&ThreadId> = self.threads.iter().chain(self.before.keys()).collect();
        for thread in touched {
            let found = conversation(db, thread, true, |root| after.contains_key(root))?;
            if let Some((root, Some(members))) = found {
                after.insert(root, self.rows(db, &members)?);
            }
            // A root that another joined, or that is gone, is no row any more.
            after.entry(thread.clone()).or_default();
        }
        Ok(after)
    }
}

/// The row that is counted, and the row that is shown.
type Rows = (Option<GroupRow>, Option<GroupRow>);

/// Differences of counts, by label.
#[derive(Default)]
struct Counts(BTreeMap<LabelId, (i64, i64)>);

impl Counts {
    fn add(&mut self, row: Option<&GroupRow>, by: i64) {
        let Some(row) = row else { return };
        for label in &row.lists {
            let change = (by, if row.unread > 0 { by } else { 0 });
            match self.0.get_mut(label) {
                Some(entry) => *entry = (entry.0 + change.0, entry.1 + change.1),
                None => drop(self.0.insert(label.clone(), change)),
            }
        }
    }

    /// Adds them to a table with these columns; whether any changed.
    fn store(self, db: &Db, columns: &str) -> Result<bool, StoreError> {
        let mut changed = false;
        let (table, names) = columns.split_once('(').unwrap_or((columns, ""));
        let mut names = names.trim_end_matches(')').split(", ");
        let mut name = || names.next().unwrap_or_default();
        let (label, total, unread_name) = (name(), name(), name());
        let (add, drop) = (
            format!(
                "INSERT INTO {columns} VALUES (?1, ?2, ?3) ON CONFLICT({label}) DO UPDATE
                 SET {total} = {total} + ?2, {unread_name} = {unread_name} + ?3"
            ),
            // A count of nothing is no row, however it came to that.
            format!("DELETE FROM {table} WHERE {label} = ?1 AND {total} = 0 AND {unread_name} = 0"),
        );
        for (label, (threads, unread)) in self.0 {
            if (threads, unread) == (0, 0) {
                continue;
            }
            changed = true;
            db.sql().prepare_cached(&add)?.execute(params![label.as_str(), threads, unread])?;
            db.sql().prepare_cached(&drop)?.execute([label.as_str()])?;
        }
        Ok(changed)
    }
}

/// Differences of shown rows, for the device's index and its counts.
#[derive(Default)]
struct Reindexed {
    keys: Vec<ShownKey>,
    counts: Counts,
}

/// A key of the index: label, age, thread; and whether it is there then, and unread.
type ShownKey = (LabelId, i64, ThreadId, Option<bool>);

impl Reindexed {
    /// The row of one root was `before` and is `after`.
    fn change(&mut self, before: Option<&GroupRow>, after: Option<&GroupRow>) {
        if before == after {
            return;
        }
        self.counts.add(before, -1);
        self.counts.add(after, 1);
        let has = |row: Option<&GroupRow>, label: &LabelId, age: i64| {
            row.filter(|row| row.last_activity == -age && row.lists.contains(label))
                .map(|row| row.unread > 0)
        };
        if let Some(row) = before {
            let age = -row.last_activity;
            for label in row.lists.iter().filter(|label| has(after, label, age).is_none()) {
                self.keys.push((label.clone(), age, row.root.clone(), None));
            }
        }
        if let Some(row) = after {
            let (age, unread) = (-row.last_activity, row.unread > 0);
            for label in row.lists.iter().filter(|label| has(before, label, age) != Some(unread)) {
                self.keys.push((label.clone(), age, row.root.clone(), Some(unread)));
            }
        }
    }

    fn store(mut self, db: &Db) -> Result<(), StoreError> {
        let mut delete = db
            .sql()
            .prepare_cached("DELETE FROM shown WHERE label = ?1 AND age = ?2 AND thread = ?3")?;
        let mut insert = db.sql().prepare_cached(
            "INSERT OR REPLACE INTO shown(label, age, thread, unread) VALUES (?1, ?2, ?3, ?4)",
        )?;
        // In the order of the table; of one root, and so of one key, there is one change.
        self.keys.sort_unstable();
        for (label, age, thread, there) in &self.keys {
            match there {
                Some(unread) => {
                    insert.execute(params![label.as_str(), age, thread.as_str(), unread])?
                }
                None => delete.execute(params![label.as_str(), age, thread.as_str()])?,
            };
        }
        self.counts.store(db, "shownCounts(label, total, unread)")?;
        Ok(())
    }
}

/// A conversation's root, and its members where they were asked for.
type Conversation = (ThreadId, Option<Vec<MemberRow>>);

/// The root of a thread's conversation, and its members as the confirmed tables have them, unless
/// that root is `known`; `None` for a thread that is not in the index. Where nothing is `linked`,
/// others are not looked for.
fn conversation(
    db: &Db,
    thread: &ThreadId,
    linked: bool,
    known: impl Fn(&ThreadId) -> bool,
) -> Result<Option<Conversation>, StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT id, lastActivity, unreadCount, place, snoozedUntil, root FROM threadIndex
         WHERE id = ?1",
    )?;
    let mut rows = statement.query([thread.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let root = thread_id(row, 5)?;
    if known(&root) {
        return Ok(Some((root, None)));
    }
    let members = if linked { confirmed(db, &root)? } else { vec![member(db, row)?] };
    Ok(Some((root, Some(members))))
}

/// Puts a row into the lists that it is in, where it is not there already.
fn list(db: &Db, row: Option<&GroupRow>) -> Result<(), StoreError> {
    let Some(row) = row else { return Ok(()) };
    let unread = row.unread > 0;
    for label in &row.lists {
        let key = params![label.as_str(), -row.last_activity, row.root.as_str(), unread];
        if db.sql().prepare_cached(LIST)?.execute(key)? > 0 {
            count_shown(db, label, 1, i64::from(unread))?;
        }
    }
    Ok(())
}

/// Puts a row into a list, where it is not there already.
pub(super) const LIST: &str =
    "INSERT OR IGNORE INTO shown(label, age, thread, unread) VALUES (?1, ?2, ?3, ?4)";

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
        members.push(member(db, row)?);
    }
    Ok(members)
}

fn thread_id(row: &Row<'_>, at: usize) -> Result<ThreadId, StoreError> {
    let id: String = row.get(at)?;
    ThreadId::try_from(id).map_err(|error| StoreError::Row(error.to_string()))
}

fn member(db: &Db, row: &Row<'_>) -> Result<MemberRow, StoreError> {
    let (id, place) = (thread_id(row, 0)?, row.get_ref(3)?.as_str().unwrap_or_default());
    Ok(MemberRow {
        last_activity: row.get(1)?,
        unread: u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
        place: Place::parse(place).unwrap_or(Place::Inbox),
        snoozed: row.get::<_, Option<i64>>(4)?.is_some(),
        labels: super::query::labels_of(db, &id)?,
        id,
    })
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

/// Whether this device shows any thread otherwise than its confirmed row.
///
/// # Errors
/// When the database refuses.
pub fn any_overlaid(db: &Db) -> Result<bool, StoreError> {
    Ok(db.sql().prepare_cached("SELECT 1 FROM overlay")?.exists([])?)
}

/// The threads that this device shows otherwise than their confirmed rows.
///
/// # Errors
/// When the database refuses.
pub fn all_overlaid(db: &Db) -> Result<BTreeSet<ThreadId>, StoreError> {
    let mut statement = db.sql().prepare("SELECT thread FROM overlay")?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let id =
        |id: String| ThreadId::try_from(id).map_err(|error| StoreError::Row(error.to_string()));
    rows.map(|row| id(row?)).collect()
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
    let (groups, mut shown_rows) = (Groups::new(true), Reindexed::default());
    for root in roots {
        let root = ThreadId::try_from(root).map_err(|error| StoreError::Row(error.to_string()))?;
        let (_, shown) = groups.rows(db, &confirmed(db, &root)?)?;
        shown_rows.change(None, shown.as_ref());
        if shown_rows.keys.len() >= REINDEXED {
            std::mem::take(&mut shown_rows).store(db)?;
        }
    }
    shown_rows.store(db)
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
