//! Labels: their names, order and counts.
//!
//! Invariant: a deleted label's row stays as a tombstone and is hidden; counts are kept by label id
//! whether or not the row exists.

use rusqlite::params;

use crate::id::LabelId;
use crate::mailbox::event::LabelCreated;
use crate::mailbox::query;
use crate::store::{Db, StoreError};

/// The system labels, in display order: id and name.
pub const SYSTEM: [(&str, &str); 10] = [
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

/// All labels that are not deleted: the system's in display order, then the user's by name.
///
/// # Errors
/// When the database refuses.
pub fn labels(db: &Db) -> Result<Vec<LabelRow>, StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT l.id, l.name, l.type, l.color, coalesce(c.total, 0), coalesce(c.unread, 0)
         FROM labels l LEFT JOIN shownCounts c ON c.label = l.id WHERE l.deleted = 0
         ORDER BY l.type, l.displayOrder, lower(l.name), l.id",
    )?;
    let mut rows = statement.query([])?;
    let mut labels = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, kind): (String, String) = (row.get(0)?, row.get(2)?);
        labels.push(LabelRow {
            id: LabelId::try_from(id).map_err(|error| StoreError::Row(error.to_string()))?,
            name: row.get(1)?,
            user: kind == "user",
            color: row.get(3)?,
            threads: u64::try_from(row.get::<_, i64>(4)?).unwrap_or_default(),
            unread: u64::try_from(row.get::<_, i64>(5)?).unwrap_or_default(),
        });
    }
    Ok(labels)
}

/// The label with this id, or else the first with this name in any case; deleted ones are not
/// found.
///
/// # Errors
/// When the database refuses.
pub fn find_label(db: &Db, name: &str) -> Result<Option<(LabelId, String)>, StoreError> {
    let lower = name.to_lowercase();
    let all = labels(db)?;
    let by_id = all.iter().find(|label| label.id.as_str() == name);
    let by_name = || all.iter().find(|label| label.name.to_lowercase() == lower);
    let by_any_id = || all.iter().find(|label| label.id.as_str() == lower);
    let found = by_id.or_else(by_name).or_else(by_any_id);
    Ok(found.map(|label| (label.id.clone(), label.name.clone())))
}

/// Whether a row exists for this id, deleted or not: its name and whether it is deleted.
///
/// # Errors
/// When the database refuses.
pub fn by_id(db: &Db, id: &LabelId) -> Result<Option<(String, bool)>, StoreError> {
    use rusqlite::OptionalExtension as _;
    Ok(db
        .sql()
        .prepare_cached("SELECT name, deleted FROM labels WHERE id = ?1")?
        .query_row(params![id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// Conversations with a label, and those of them with unread mail, as this device shows them.
///
/// # Errors
/// When the database refuses.
pub fn shown_counts(db: &Db, label: &LabelId) -> Result<(u64, u64), StoreError> {
    query::count(db, &[label.as_str()])
}
