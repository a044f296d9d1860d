//! The materializer: Mailbox events to rows, a batch of events at a time.
//!
//! Invariant: total (what cannot be read materialises to nothing) and blind to clock, randomness
//! and configuration. The caller owns the transaction.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use crate::crash::{self, Broken};
use crate::id::{LabelId, ThreadId};
use crate::mailbox::event::{MailboxEvent, Source, ThreadFacts};
use crate::mailbox::groups::Groups;
use crate::mailbox::net::Net;
use crate::mailbox::purge::Notes;
use crate::mailbox::{history, label_log, purge};
use crate::store::{Db, Event, StoreError};

/// What a batch of events changed.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Threads whose row or labels may have changed.
    pub threads: BTreeSet<ThreadId>,
    /// Labels that may have changed.
    pub labels: BTreeSet<LabelId>,
    /// Sources of complete batches, in order.
    pub sources: Vec<Source>,
    /// Threads that are gone for ever: the caller empties what the log says of them
    /// ([`redact`](super::redact)), in the same transaction.
    pub purged: Vec<ThreadId>,
}

/// Applies events that follow on what was applied before. `groups` is settled by the caller.
///
/// Each thread's rows are written once, thread by thread, whatever the number of its events: rows
/// of one thread depend on no other's but by links, whose roots are right after each write.
///
/// # Errors
/// Only when the database refuses.
pub fn materialize(db: &Db, events: &[Event], groups: &mut Groups) -> Result<Changes, StoreError> {
    let mut changes = Changes::default();
    let (mut nets, mut notes) = (BTreeMap::new(), Notes::default());
    let mut any_purged = purge::any(db)?;
    for event in events {
        let Some(read) = MailboxEvent::read(&event.event.name, &event.event.args) else { continue };
        if let Some(source) = read.source() {
            let thread = &source.thread;
            if any_purged && purge::is_purged(db, thread)? {
                continue;
            }
            notes.add(thread, event.position);
            if source.last {
                changes.sources.push(source.clone());
            }
            if crash::broken(Broken::WatermarkByFirst) {
                mark(db, source)?;
                part(db)?;
            }
            history::take(db, event, &read)?;
            nets.entry(thread.clone()).or_insert_with(Net::default).take(read);
            continue;
        }
        if read.is_of_index() {
            // It sees the rows as they are before it.
            write_all(db, &mut nets, &mut notes, groups, &mut changes)?;
            apply(db, &read, groups, &mut changes)?;
            any_purged = any_purged || matches!(read, MailboxEvent::Purged(_));
        }
        history::take(db, event, &read)?;
        changes.labels.extend(label_log::take(db, event, &read)?);
    }
    write_all(db, &mut nets, &mut notes, groups, &mut changes)?;
    Ok(changes)
}

/// Writes what was gathered.
fn write_all(
    db: &Db,
    nets: &mut BTreeMap<ThreadId, Net>,
    notes: &mut Notes,
    groups: &mut Groups,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    std::mem::take(notes).store(db)?;
    for (thread, net) in std::mem::take(nets) {
        groups.touch(db, &thread)?;
        match &net.row {
            Some(Some(facts)) => put(db, facts, groups)?,
            Some(None) => remove(db, &thread, groups)?,
            None => {}
        }
        put_labels(db, &thread, &net)?;
        if let Some(source) = &net.mark {
            if crash::broken(Broken::WatermarkOutside) {
                part(db)?;
            }
            mark(db, source)?;
        }
        changes.threads.insert(thread);
    }
    Ok(())
}

/// Applies an event that is of the whole index.
fn apply(
    db: &Db,
    event: &MailboxEvent,
    groups: &mut Groups,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    if let MailboxEvent::Purged(gone) = event {
        groups.touch(db, &gone.thread)?;
        remove(db, &gone.thread, groups)?;
        purge::remember(db, gone)?;
        changes.threads.insert(gone.thread.clone());
        changes.purged.push(gone.thread.clone());
    }
    // What was put back mirrors the logs that were put back with it, at the same positions.
    if let MailboxEvent::Began(began) = event {
        db.sql()
            .prepare_cached("UPDATE watermarks SET epoch = ?1")?
            .execute([began.epoch.as_str()])?;
    }
    Ok(())
}

fn put_labels(db: &Db, thread: &ThreadId, net: &Net) -> Result<(), StoreError> {
    if net.reset {
        db.sql()
            .prepare_cached("DELETE FROM threadLabels WHERE threadId = ?1")?
            .execute([thread.as_str()])?;
    }
    for (label, write) in &net.labels {
        if write.off && !net.reset {
            db.sql()
                .prepare_cached("DELETE FROM threadLabels WHERE threadId = ?1 AND labelId = ?2")?
                .execute([thread.as_str(), label.as_str()])?;
        }
        if let Some(at) = write.on {
            db.sql()
                .prepare_cached(
                    "INSERT OR IGNORE INTO threadLabels(threadId, labelId, appliedAt)
                     VALUES (?1, ?2, ?3)",
                )?
                .execute(params![thread.as_str(), label.as_str(), at])?;
        }
    }
    Ok(())
}

fn put(db: &Db, thread: &ThreadFacts, groups: &mut Groups) -> Result<(), StoreError> {
    db.sql()
        .prepare_cached(
            "INSERT INTO threadIndex(id, subject, participants, snippet, lastActivity, createdAt,
                 messageCount, unreadCount, starred, muted, hasAttachment, place, snoozedUntil,
                 root, trail)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?1, ?14)
             ON CONFLICT(id) DO UPDATE SET subject = ?2, participants = ?3, snippet = ?4,
                 lastActivity = ?5, createdAt = ?6, messageCount = ?7, unreadCount = ?8,
                 starred = ?9, muted = ?10, hasAttachment = ?11, place = ?12, snoozedUntil = ?13,
                 trail = ?14",
        )?
        .execute(params![
            thread.id.as_str(),
            thread.subject,
            serde_json::to_string(&thread.participants).unwrap_or_default(),
            thread.snippet,
            thread.last_activity,
            thread.created_at,
            i64::try_from(thread.message_count).unwrap_or(i64::MAX),
            i64::try_from(thread.unread_count).unwrap_or(i64::MAX),
            thread.starred,
            thread.muted,
            thread.has_attachment,
            thread.place.as_str(),
            thread.snoozed_until,
            thread.trail.text(),
        ])?;
    link(db, &thread.id, &thread.links, groups)
}

/// Sets what a thread is linked to, and the roots of all that this joins or splits.
fn link(
    db: &Db,
    thread: &ThreadId,
    links: &[ThreadId],
    groups: &mut Groups,
) -> Result<(), StoreError> {
    if links.is_empty() && !groups.linked(db)? {
        return Ok(());
    }
    let before = neighbours(db, thread)?;
    db.sql().prepare_cached("DELETE FROM threadLinks WHERE a = ?1")?.execute([thread.as_str()])?;
    // With itself every thread is one conversation already.
    for other in links.iter().filter(|other| *other != thread) {
        groups.now_linked();
        db.sql()
            .prepare_cached("INSERT OR IGNORE INTO threadLinks(a, b) VALUES (?1, ?2)")?
            .execute([thread.as_str(), other.as_str()])?;
    }
    let after = neighbours(db, thread)?;
    if before.is_empty() && after.is_empty() {
        return Ok(());
    }
    for start in before.union(&after).chain([thread]) {
        groups.touch(db, start)?;
    }
    let mut done = BTreeSet::new();
    for start in before.union(&after).chain([thread]) {
        if !done.contains(start) {
            done.extend(root(db, start, groups)?);
        }
    }
    Ok(())
}

/// Threads of the index that are linked with this one, either way.
pub(super) fn neighbours(db: &Db, thread: &ThreadId) -> Result<BTreeSet<ThreadId>, StoreError> {
    let mut found = BTreeSet::new();
    for query in [
        "SELECT b FROM threadLinks WHERE a = ?1 AND b IN (SELECT id FROM threadIndex WHERE id = b)",
        "SELECT a FROM threadLinks WHERE b = ?1 AND a IN (SELECT id FROM threadIndex WHERE id = a)",
    ] {
        let mut statement = db.sql().prepare_cached(query)?;
        let mut rows = statement.query([thread.as_str()])?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            let id = ThreadId::try_from(id).map_err(|error| StoreError::Row(error.to_string()))?;
            found.insert(id);
        }
    }
    Ok(found)
}

/// Gives all threads that `start` reaches their common root; returns them.
fn root(db: &Db, start: &ThreadId, groups: &mut Groups) -> Result<BTreeSet<ThreadId>, StoreError> {
    let (mut reached, mut open) = (BTreeSet::from([start.clone()]), vec![start.clone()]);
    while let Some(thread) = open.pop() {
        for next in neighbours(db, &thread)? {
            if reached.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    // Under the old roots, and all of them: one that is touched later in this transaction would be
    // counted as it was under the new root, where it never was.
    for thread in &reached {
        groups.touch(db, thread)?;
    }
    if let Some(least) = reached.first() {
        let mut statement =
            db.sql().prepare_cached("UPDATE threadIndex SET root = ?2 WHERE id = ?1")?;
        for thread in &reached {
            statement.execute([thread.as_str(), least.as_str()])?;
        }
    }
    Ok(reached)
}

/// Takes a thread's row out. Those that were one conversation through it are not any more.
fn remove(db: &Db, thread: &ThreadId, groups: &mut Groups) -> Result<(), StoreError> {
    let left = neighbours(db, thread)?;
    for other in &left {
        groups.touch(db, other)?;
    }
    for table in ["threadLinks WHERE a", "threadIndex WHERE id", "threadLabels WHERE threadId"] {
        db.sql()
            .prepare_cached(&format!("DELETE FROM {table} = ?1"))?
            .execute([thread.as_str()])?;
    }
    let mut done = BTreeSet::new();
    for start in &left {
        if !done.contains(start) {
            done.extend(root(db, start, groups)?);
        }
    }
    Ok(())
}

/// Moves the watermark; those of removed threads stay.
fn mark(db: &Db, source: &Source) -> Result<(), StoreError> {
    db.sql()
        .prepare_cached(
            "INSERT INTO watermarks(threadId, epoch, position) VALUES (?1, ?2, ?3)
             ON CONFLICT(threadId) DO UPDATE SET epoch = ?2, position = ?3",
        )?
        .execute(params![
            source.thread.as_str(),
            source.epoch.as_str(),
            i64::try_from(source.through).unwrap_or(i64::MAX)
        ])?;
    Ok(())
}

/// What follows is another transaction: a rule broken on purpose.
fn part(db: &Db) -> Result<(), StoreError> {
    if !db.sql().is_autocommit() {
        db.sql().execute_batch("COMMIT; BEGIN IMMEDIATE")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{DeviceId, Epoch, EventId};
    use crate::label::Place;
    use crate::mailbox::event::{Source, ThreadAdded, name};
    use crate::mailbox::schema::{SQL, dump};
    use crate::store::{Args, Log, NewEvent};

    fn thread(id: &str) -> ThreadId {
        ThreadId::try_from(id).unwrap()
    }

    /// The event that puts a thread with these links into the index, or its row anew.
    fn put_event(position: u64, id: &str, links: &[&str], unread: u64) -> Event {
        let facts = ThreadFacts {
            id: thread(id),
            subject: None,
            participants: Vec::new(),
            snippet: String::new(),
            last_activity: 7,
            created_at: 7,
            message_count: 1,
            unread_count: unread,
            starred: false,
            muted: false,
            has_attachment: false,
            place: Place::Inbox,
            snoozed_until: None,
            links: links.iter().map(|id| thread(id)).collect(),
            trail: Args::nothing(),
        };
        let epoch = Epoch::try_from("1").unwrap();
        let source = Source {
            thread: thread(id),
            epoch: epoch.clone(),
            from: 0,
            through: position,
            last: true,
            actions: Vec::new(),
        };
        let labels = vec![Place::Inbox.label()];
        let event = NewEvent {
            id: EventId::try_from(format!("e{position}")).unwrap(),
            name: name::THREAD_ADDED.to_owned(),
            args: Args::of(&ThreadAdded { thread: facts, labels, source }),
            device: DeviceId::try_from("test").unwrap(),
            action: None,
            epoch,
        };
        Event { position, event }
    }

    /// The tables after transactions of so many events each.
    fn tables(events: &[Event], sizes: &[usize]) -> Vec<(&'static str, String)> {
        let db = Db::memory(&[Log::SQL, SQL].concat()).unwrap();
        let mut rest = events;
        for size in sizes {
            let (now, later) = rest.split_at(*size);
            let mut groups = Groups::new(false);
            materialize(&db, now, &mut groups).unwrap();
            groups.settle(&db).unwrap();
            rest = later;
        }
        dump(&db).unwrap()
    }

    #[test]
    fn how_events_fall_into_transactions_does_not_matter() {
        // (thread, its links, its unread messages), in order.
        let stories: [&[(&str, &[&str], u64)]; 3] = [
            // A new least member joins a conversation whose other member changes after it.
            &[
                ("bbbb", &["cccc"], 0),
                ("cccc", &["bbbb"], 1),
                ("aaaa", &["bbbb"], 0),
                ("cccc", &["bbbb"], 2),
            ],
            // A conversation falls apart, and a member of the part without the root changes.
            &[
                ("aaaa", &["bbbb"], 0),
                ("bbbb", &["cccc"], 0),
                ("cccc", &[], 0),
                ("aaaa", &[], 0),
                ("cccc", &[], 1),
            ],
            // A link to a thread that is not there yet.
            &[
                ("bbbb", &["aaaa"], 1),
                ("cccc", &["bbbb"], 0),
                ("aaaa", &[], 0),
                ("bbbb", &["aaaa"], 0),
            ],
        ];
        for story in stories {
            let events: Vec<Event> = (1..)
                .zip(story)
                .map(|(position, (id, links, unread))| put_event(position, id, links, *unread))
                .collect();
            let alone = tables(&events, &vec![1; events.len()]);
            for first in 0..=events.len() {
                let sizes = [first, events.len() - first];
                assert_eq!(tables(&events, &sizes), alone, "{story:?} cut at {first}");
            }
        }
    }
}
