//! Which threads are one conversation, and which a user split: what ingest must know of the logs
//! before it joins two.
//!
//! Invariant: a function of the logs. A thread's rows say what its log yields, undone actions left
//! out; `joined` gives every thread of a conversation the least id that links reach, over threads
//! that are there. It changes in the transaction that appends what it follows from, and `doctor`
//! makes it anew and compares.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::OptionalExtension as _;

use crate::backend::thread_client::state_of;
use crate::id::{ActionId, StoreId, ThreadId};
use crate::store::{Db, Log, NewEvent, StoreError};
use crate::thread::{ActionUndone, Cells, name};

/// The tables of links.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Links;

/// The threads of a conversation, or a set of them.
type Threads = BTreeSet<ThreadId>;
/// What all logs yield: links, splits, and the least id of each conversation.
type All = (BTreeSet<(String, String)>, BTreeSet<(String, String)>, BTreeMap<String, String>);

impl Links {
    /// The tables. `linkActions` has the actions by which devices joined and split: only the undo
    /// of one of these changes anything here.
    pub(crate) const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS joined(
            thread TEXT PRIMARY KEY, root TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS joined_root ON joined(root);
        CREATE TABLE IF NOT EXISTS linked(
            a TEXT NOT NULL, b TEXT NOT NULL, PRIMARY KEY(a, b)) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS linked_b ON linked(b);
        CREATE TABLE IF NOT EXISTS splits(
            a TEXT NOT NULL, b TEXT NOT NULL, PRIMARY KEY(a, b)) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS splits_b ON splits(b);
        CREATE TABLE IF NOT EXISTS linkActions(action TEXT PRIMARY KEY) WITHOUT ROWID;
    ";

    /// The least id of the threads that are one conversation with this one.
    pub(crate) fn root(db: &Db, thread: &ThreadId) -> Result<ThreadId, StoreError> {
        let mut statement = db.sql().prepare_cached("SELECT root FROM joined WHERE thread = ?1")?;
        let found: Option<String> =
            statement.query_row([thread.as_str()], |row| row.get(0)).optional()?;
        found.map_or_else(|| Ok(thread.clone()), |id| parse(&id))
    }

    /// Whether mail may make two threads one conversation: they are not yet, and nobody has split
    /// what this would join again.
    pub(crate) fn may_join(db: &Db, a: &ThreadId, b: &ThreadId) -> Result<bool, StoreError> {
        let (a, b) = (Self::root(db, a)?, Self::root(db, b)?);
        if a == b {
            return Ok(false);
        }
        if !db.sql().prepare_cached("SELECT 1 FROM splits LIMIT 1")?.exists([])? {
            return Ok(true);
        }
        let (one, other) = (members(db, &a)?, members(db, &b)?);
        for thread in &one {
            if !pairs(db, "splits", thread)?.is_disjoint(&other) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Both logs say that two threads are one conversation.
    pub(crate) fn join(db: &Db, a: &ThreadId, b: &ThreadId) -> Result<(), StoreError> {
        for (a, b) in [(a, b), (b, a)] {
            put(db, "linked", a, &Threads::from([b.clone()]))?;
        }
        settle(db, [a, b].into_iter().cloned().collect())
    }

    /// A thread has begun: links may wait for it.
    pub(crate) fn begun(db: &Db, thread: &ThreadId) -> Result<(), StoreError> {
        if pairs(db, "linked", thread)?.is_empty() {
            return Ok(());
        }
        settle(db, Threads::from([thread.clone()]))
    }

    /// A thread is gone; its log is not there any more.
    pub(crate) fn leave(db: &Db, thread: &ThreadId) -> Result<(), StoreError> {
        let touched = members(db, &Self::root(db, thread)?)?;
        clear(db, thread)?;
        if touched.len() > 1 {
            settle(db, touched)?;
        }
        Ok(())
    }

    /// Takes in what devices pushed: links, their ends, and undos of either. The events are in the
    /// logs already, and undos have been carried to all threads that they reach.
    pub(crate) fn pushed(db: &Db, pushed: &[(StoreId, Vec<NewEvent>)]) -> Result<(), StoreError> {
        let mut changed: BTreeSet<StoreId> = BTreeSet::new();
        let mut undone: BTreeSet<ActionId> = BTreeSet::new();
        for (store, events) in pushed {
            for event in events {
                match event.name.as_str() {
                    name::THREAD_LINKED | name::THREAD_UNLINKED => {
                        changed.insert(store.clone());
                        if let Some(action) = &event.action {
                            db.sql()
                                .prepare_cached(
                                    "INSERT OR IGNORE INTO linkActions(action) VALUES (?1)",
                                )?
                                .execute([action.id.as_str()])?;
                        }
                    }
                    name::ACTION_UNDONE => {
                        // Once an action, not once a thread: a bulk is one look.
                        let undo = event.args.read::<ActionUndone>();
                        if let Some(undo) = undo.filter(|undo| undone.insert(undo.action.clone()))
                            && is_link_action(db, &undo.action)?
                        {
                            changed.extend(super::undo::reached(db, &undo.action)?);
                        }
                    }
                    _ => {}
                }
            }
        }
        let mut threads = Threads::new();
        for store in changed {
            let Some(thread) = store.as_thread() else { continue };
            threads.extend(read_again(db, &thread)?);
        }
        settle(db, threads)
    }

    /// Reads what a thread's log says of links again.
    pub(crate) fn read(db: &Db, thread: &ThreadId) -> Result<(), StoreError> {
        let (_, cells): (_, Cells) = state_of(db, &StoreId::thread(thread))?.trail();
        let nothing = cells.links.is_empty() && cells.split.is_empty();
        if nothing && pairs(db, "linked", thread)?.is_empty() {
            return Ok(());
        }
        let concerned = read_again(db, thread)?;
        settle(db, concerned)
    }

    /// Whether the tables are not what the logs yield.
    pub(crate) fn are_wrong(db: &Db) -> Result<bool, StoreError> {
        let (linked, splits, roots) = all(db)?;
        let table = |sql: &str| -> Result<BTreeSet<(String, String)>, StoreError> {
            let mut statement = db.sql().prepare(sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        Ok(table("SELECT a, b FROM linked")? != linked
            || table("SELECT a, b FROM splits")? != splits
            || table("SELECT thread, root FROM joined")? != roots.into_iter().collect())
    }

    /// Makes the tables again from the logs. The transaction is the caller's.
    pub(crate) fn put_right(db: &Db) -> Result<(), StoreError> {
        let (linked, splits, roots) = all(db)?;
        db.sql().execute_batch("DELETE FROM linked; DELETE FROM splits; DELETE FROM joined;")?;
        for (table, rows) in [("linked(a, b)", linked), ("splits(a, b)", splits)] {
            let mut insert = db.sql().prepare(&format!("INSERT INTO {table} VALUES (?1, ?2)"))?;
            for (a, b) in rows {
                insert.execute([a, b])?;
            }
        }
        for (thread, root) in roots {
            db.sql()
                .prepare_cached("INSERT INTO joined(thread, root) VALUES (?1, ?2)")?
                .execute([thread, root])?;
        }
        db.sql().execute(
            "INSERT OR IGNORE INTO linkActions(action)
             SELECT json_extract(action, '$.id') FROM eventlog
             WHERE name IN (?1, ?2) AND action IS NOT NULL",
            [name::THREAD_LINKED, name::THREAD_UNLINKED],
        )?;
        Ok(())
    }
}

fn parse(id: &str) -> Result<ThreadId, StoreError> {
    ThreadId::try_from(id).map_err(|error| StoreError::Row(error.to_string()))
}

fn is_link_action(db: &Db, action: &ActionId) -> Result<bool, StoreError> {
    let mut statement = db.sql().prepare_cached("SELECT 1 FROM linkActions WHERE action = ?1")?;
    Ok(statement.exists([action.as_str()])?)
}

/// The threads of the conversation with this root.
fn members(db: &Db, root: &ThreadId) -> Result<Threads, StoreError> {
    let mut threads = Threads::from([root.clone()]);
    let mut statement = db.sql().prepare_cached("SELECT thread FROM joined WHERE root = ?1")?;
    for thread in statement.query_map([root.as_str()], |row| row.get::<_, String>(0))? {
        threads.insert(parse(&thread?)?);
    }
    Ok(threads)
}

/// The other threads of a table's pairs with this one, whichever of the two logs says it.
fn pairs(db: &Db, table: &str, thread: &ThreadId) -> Result<Threads, StoreError> {
    let sql =
        format!("SELECT b FROM {table} WHERE a = ?1 UNION SELECT a FROM {table} WHERE b = ?1");
    let mut statement = db.sql().prepare_cached(&sql)?;
    let mut threads = Threads::new();
    for other in statement.query_map([thread.as_str()], |row| row.get::<_, String>(0))? {
        threads.insert(parse(&other?)?);
    }
    Ok(threads)
}

fn clear(db: &Db, thread: &ThreadId) -> Result<(), StoreError> {
    for gone in ["linked WHERE a", "splits WHERE a", "joined WHERE thread"] {
        let sql = format!("DELETE FROM {gone} = ?1");
        db.sql().prepare_cached(&sql)?.execute([thread.as_str()])?;
    }
    Ok(())
}

fn put(db: &Db, table: &str, thread: &ThreadId, others: &Threads) -> Result<(), StoreError> {
    let sql = format!("INSERT OR IGNORE INTO {table}(a, b) VALUES (?1, ?2)");
    let mut statement = db.sql().prepare_cached(&sql)?;
    for other in others {
        statement.execute([thread.as_str(), other.as_str()])?;
    }
    Ok(())
}

fn is_there(db: &Db, thread: &ThreadId) -> Result<bool, StoreError> {
    Ok(Log::head(db, &StoreId::thread(thread))?.position > 0)
}

/// Reads what a thread's log says of links again; returns all threads that this may concern.
fn read_again(db: &Db, thread: &ThreadId) -> Result<Threads, StoreError> {
    let mut concerned = members(db, &Links::root(db, thread)?)?;
    let (_, mut cells): (_, Cells) = state_of(db, &StoreId::thread(thread))?.trail();
    // A device may say that a thread is one with itself, or is not: that is nothing.
    cells.links.remove(thread);
    cells.split.remove(thread);
    for table in ["linked", "splits"] {
        let sql = format!("DELETE FROM {table} WHERE a = ?1");
        db.sql().prepare_cached(&sql)?.execute([thread.as_str()])?;
    }
    put(db, "linked", thread, &cells.links)?;
    put(db, "splits", thread, &cells.split)?;
    concerned.insert(thread.clone());
    concerned.extend(cells.links);
    Ok(concerned)
}

/// Gives these threads, and all that links reach from them, their least id.
fn settle(db: &Db, threads: Threads) -> Result<(), StoreError> {
    let mut left = threads;
    while let Some(start) = left.pop_first() {
        if !is_there(db, &start)? {
            continue;
        }
        let (mut reached, mut open) = (Threads::from([start.clone()]), vec![start]);
        while let Some(thread) = open.pop() {
            for next in pairs(db, "linked", &thread)? {
                if !reached.contains(&next) && is_there(db, &next)? {
                    reached.insert(next.clone());
                    open.push(next);
                }
            }
        }
        let Some(root) = reached.first() else { continue };
        for thread in &reached {
            left.remove(thread);
            let sql = if reached.len() > 1 {
                "INSERT OR REPLACE INTO joined(thread, root) VALUES (?1, ?2)"
            } else {
                "DELETE FROM joined WHERE thread = ?1 AND ?2 = ?2"
            };
            db.sql().prepare_cached(sql)?.execute([thread.as_str(), root.as_str()])?;
        }
    }
    Ok(())
}

/// What all logs yield.
fn all(db: &Db) -> Result<All, StoreError> {
    let (mut linked, mut splits) = (BTreeSet::new(), BTreeSet::new());
    let mut near: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let stores: Vec<String> = {
        let mut statement = db.sql().prepare(
            "SELECT DISTINCT s.id FROM eventlog e JOIN stores s ON s.key = e.store
             WHERE e.name IN (?1, ?2)",
        )?;
        let rows =
            statement.query_map([name::THREAD_LINKED, name::THREAD_UNLINKED], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    for store in stores {
        let store = StoreId::try_from(store).map_err(|e| StoreError::Row(e.to_string()))?;
        let Some(thread) = store.as_thread() else { continue };
        let (_, mut cells): (_, Cells) = state_of(db, &store)?.trail();
        cells.links.remove(&thread);
        cells.split.remove(&thread);
        let a = thread.as_str().to_owned();
        splits.extend(cells.split.iter().map(|b| (a.clone(), b.as_str().to_owned())));
        for b in &cells.links {
            linked.insert((a.clone(), b.as_str().to_owned()));
            if is_there(db, b)? {
                near.entry(a.clone()).or_default().insert(b.as_str().to_owned());
                near.entry(b.as_str().to_owned()).or_default().insert(a.clone());
            }
        }
    }
    let mut roots: BTreeMap<String, String> = BTreeMap::new();
    // In order of ids: who comes first is the least of all that it reaches.
    for start in near.keys() {
        let mut open = vec![start];
        while let Some(thread) = open.pop() {
            if !roots.contains_key(thread) {
                roots.insert(thread.clone(), roots.get(start).unwrap_or(start).clone());
                open.extend(near.get(thread).into_iter().flatten());
            }
        }
    }
    Ok((linked, splits, roots))
}
