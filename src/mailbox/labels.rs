//! Labels: their names, order and counts.
//!
//! Invariant: a deleted label's row stays as a tombstone and is hidden; counts are kept by label id
//! whether or not the row exists.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use rusqlite::OptionalExtension as _;

use crate::id::LabelId;
use crate::label;
use crate::mailbox::event::LabelCreated;
use crate::mailbox::query;
use crate::store::{Db, StoreError};

/// The system labels, in display order: id and name.
pub const SYSTEM: [(&str, &str); 11] = [
    ("inbox", "Inbox"),
    ("starred", "Starred"),
    ("unread", "Unread"),
    ("snoozed", "Snoozed"),
    ("sent", "Sent"),
    ("drafts", "Drafts"),
    ("archive", "Archive"),
    ("muted", "Muted"),
    ("spam", "Spam"),
    ("trash", "Trash"),
    // The last one: the others keep the order that they were made with.
    ("outbox", "Outbox"),
];

/// The events of an empty Mailbox store's first moment, in order.
#[must_use]
pub fn initial() -> Vec<LabelCreated> {
    (0..)
        .zip(SYSTEM)
        .map(|(order, (id, name))| LabelCreated {
            id: crate::label::system(id),
            name: name.to_owned(),
            kind: "system".to_owned(),
            color: None,
            display_order: order,
            created_at: 0,
        })
        .collect()
}

/// A label with its counts as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelRow {
    /// Its id.
    pub id: LabelId,
    /// Its name.
    pub name: String,
    /// Whether the user made it.
    pub user: bool,
    /// Its colour.
    pub color: Option<String>,
    /// Conversations that show it.
    pub threads: u64,
    /// Those of them with unread mail.
    pub unread: u64,
}

/// The confirmed labels that are not deleted, the system's first; equal names are told apart.
///
/// # Errors
/// When the database refuses.
pub fn labels(db: &Db) -> Result<Vec<(LabelId, String)>, StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT id, name FROM labels WHERE deleted = 0 ORDER BY type, displayOrder, id",
    )?;
    named(statement.query([])?)
}

/// The confirmed name of a label that is not deleted.
///
/// # Errors
/// When the database refuses.
pub fn label_name(db: &Db, id: &LabelId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT name FROM labels WHERE id = ?1 AND deleted = 0";
    let mut statement = db.sql().prepare_cached(sql)?;
    let mut rows = statement.query([id.as_str()])?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

/// The confirmed labels that were deleted, with their last names.
///
/// # Errors
/// When the database refuses.
pub fn deleted_labels(db: &Db) -> Result<Vec<(LabelId, String)>, StoreError> {
    let mut statement =
        db.sql().prepare_cached("SELECT id, name FROM labels WHERE deleted = 1 ORDER BY id")?;
    named(statement.query([])?)
}

/// Whether a label with this id was ever made, as far as is confirmed.
///
/// # Errors
/// When the database refuses.
pub fn is_known(db: &Db, id: &LabelId) -> Result<bool, StoreError> {
    let mut statement = db.sql().prepare_cached("SELECT 1 FROM labels WHERE id = ?1")?;
    Ok(statement.exists([id.as_str()])?)
}

fn named(mut rows: rusqlite::Rows<'_>) -> Result<Vec<(LabelId, String)>, StoreError> {
    let mut labels = Vec::new();
    while let Some(row) = rows.next()? {
        labels.push((id_of(row, 0)?, row.get(1)?));
    }
    Ok(labels)
}

fn id_of(row: &rusqlite::Row<'_>, at: usize) -> Result<LabelId, StoreError> {
    let id: String = row.get(at)?;
    LabelId::try_from(id).map_err(|error| StoreError::Row(error.to_string()))
}

/// All labels as this device shows them: the system's in display order, then the user's by name.
/// Labels with equal names are one, under the least of their ids.
///
/// # Errors
/// When the database refuses.
pub fn shown_labels(db: &Db) -> Result<Vec<LabelRow>, StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT l.id, l.name, l.type, l.color, coalesce(c.total, 0), coalesce(c.unread, 0),
             l.folded
         FROM labelsShown l LEFT JOIN shownCounts c ON c.label = l.id WHERE l.deleted = 0
         ORDER BY l.type, l.displayOrder, l.folded, l.id",
    )?;
    let mut rows = statement.query([])?;
    let mut labels: Vec<LabelRow> = Vec::new();
    let (mut last, mut twins): (String, Vec<LabelId>) = (String::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let (kind, folded): (String, String) = (row.get(2)?, row.get(6)?);
        let (id, user, color) = (id_of(row, 0)?, kind == "user", row.get::<_, Option<String>>(3)?);
        if let Some(first) = labels.last_mut().filter(|l| l.user && user && last == folded) {
            twins.push(id);
            (first.threads, first.unread) = query::count_any(db, &twins)?;
            first.color = first.color.take().or(color);
            continue;
        }
        (last, twins) = (folded, vec![id.clone()]);
        labels.push(LabelRow {
            id,
            name: row.get(1)?,
            user,
            color,
            threads: u64::try_from(row.get::<_, i64>(4)?).unwrap_or_default(),
            unread: u64::try_from(row.get::<_, i64>(5)?).unwrap_or_default(),
        });
    }
    Ok(labels)
}

/// The labels that show as one with this one, itself among them, the one that is shown first.
///
/// # Errors
/// When the database refuses.
pub fn twins(db: &Db, label: &LabelId) -> Result<Vec<LabelId>, StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT b.id FROM labelsShown a JOIN labelsShown b ON b.folded = a.folded
         WHERE a.id = ?1 AND a.deleted = 0 AND a.type = 'user'
             AND b.deleted = 0 AND b.type = 'user' ORDER BY b.id",
    )?;
    let mut rows = statement.query([label.as_str()])?;
    let mut labels = Vec::new();
    while let Some(row) = rows.next()? {
        labels.push(id_of(row, 0)?);
    }
    Ok(if labels.is_empty() { vec![label.clone()] } else { labels })
}

/// Labels that rows do not show under their own id: deleted ones (`None`), and those that show as
/// one with another.
///
/// # Errors
/// When the database refuses.
pub fn renamed_in_rows(db: &Db) -> Result<BTreeMap<LabelId, Option<LabelId>>, StoreError> {
    // Sorted here: to prepare that in SQL takes longer than to read all labels.
    let mut statement = db.sql().prepare_cached(
        "SELECT id, iif(deleted = 1, NULL, folded) FROM labelsShown
         WHERE deleted = 1 OR (deleted = 0 AND type = 'user') ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    let (mut found, mut firsts) = (BTreeMap::new(), HashMap::<String, LabelId>::new());
    while let Some(row) = rows.next()? {
        let (id, folded): (_, Option<String>) = (id_of(row, 0)?, row.get(1)?);
        match folded.map(|folded| firsts.entry(folded)) {
            None => drop(found.insert(id, None)),
            Some(Entry::Vacant(first)) => drop(first.insert(id)),
            Some(Entry::Occupied(first)) => drop(found.insert(id, Some(first.get().clone()))),
        }
    }
    Ok(found)
}

/// The label with this id, or else the first with this name in any case; deleted ones are not
/// found.
///
/// # Errors
/// When the database refuses.
pub fn find_label(db: &Db, name: &str) -> Result<Option<(LabelId, String)>, StoreError> {
    let folded = label::folded(name);
    let lower = name.to_lowercase();
    let mut statement = db.sql().prepare_cached(
        "SELECT id, name FROM labelsShown WHERE deleted = 0 AND (id = ?1 OR folded = ?2 OR id = ?3)
         ORDER BY id <> ?1, folded <> ?2, id",
    )?;
    let found = named(statement.query([name, &folded, &lower])?)?;
    let Some((id, name)) = found.into_iter().next() else { return Ok(None) };
    Ok(Some((twins(db, &id)?.into_iter().next().unwrap_or(id), name)))
}

/// What this device shows, or hides, under this id: the name, and whether it is deleted.
///
/// # Errors
/// When the database refuses.
pub fn shown_by_id(db: &Db, id: &LabelId) -> Result<Option<(String, bool)>, StoreError> {
    let mut statement =
        db.sql().prepare_cached("SELECT name, deleted FROM labelsShown WHERE id = ?1")?;
    Ok(statement.query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// The deleted label whose last name this is.
///
/// # Errors
/// When the database refuses.
pub fn deleted_by_name(db: &Db, name: &str) -> Result<Option<LabelId>, StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT id FROM labelsShown WHERE folded = ?1 AND deleted = 1 AND type = 'user'
         ORDER BY id LIMIT 1",
    )?;
    let mut rows = statement.query([label::folded(name)])?;
    rows.next()?.map(|row| id_of(row, 0)).transpose()
}
