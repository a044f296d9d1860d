//! Conversations as shown, read one after the other: of each all members with their labels.
//!
//! Invariant: what is asked of the database is asked once for many rows, and of a row nothing is
//! read that is not shown: a page of a list, or what a search found, is read at every key.

use std::sync::LazyLock;

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Row};

use crate::id::{Epoch, Seen, ThreadId};
use crate::label::Place;
use crate::mailbox::group::MemberRow;
use crate::mailbox::query::id;
use crate::mailbox::row::{self, ThreadRow};
use crate::store::{Db, StoreError};

/// A member of a conversation as shown, with what of its log the row has taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its row; `shown` is covered by the overlay.
    pub row: ThreadRow,
    /// Its watermark, where that was read.
    pub seen: Option<Seen>,
}

impl Member {
    /// What makes it a part of its conversation's row; its labels go with that.
    pub fn take_grouped(&mut self) -> MemberRow {
        MemberRow {
            id: self.row.id.clone(),
            last_activity: self.row.last_activity,
            unread: self.row.shown.unread_count,
            place: self.row.shown.place,
            snoozed: self.row.shown.snoozed_until.is_some(),
            labels: std::mem::take(&mut self.row.shown.labels),
        }
    }
}

/// A conversation's members, by id.
pub type Members = Vec<Member>;

/// Reads conversations of a moment of the file.
pub struct Conversations<'a> {
    db: &'a Db,
    statements: &'static Sql,
    /// A thread's row.
    one: CachedStatement<'a>,
    /// Rows of the others that a root shows; prepared for the first root that has some, which takes
    /// longer than to ask them.
    others: Option<CachedStatement<'a>>,
    /// Whether watermarks are read.
    seen: bool,
}

impl std::fmt::Debug for Conversations<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversations").finish_non_exhaustive()
    }
}

/// What [`member`] reads of rows that a condition chooses, and whether they are roots that show
/// others, asked by `has_others`. No id has a space in it.
fn select(which: &str, seen: bool, has_others: &str) -> String {
    let columns = row::COLUMNS;
    let (trail, epoch, position, watermarks) = if seen {
        ("trail", "epoch", "position", "LEFT JOIN watermarks ON threadId = id")
    } else {
        ("''", "NULL", "NULL", "")
    };
    format!(
        "SELECT {columns}, {trail}, {epoch}, {position}, shown,
             (SELECT group_concat(labelId, ' ') FROM threadLabels WHERE threadId = id),
             {has_others}
         FROM threadIndex t {watermarks} LEFT JOIN overlay ON thread = id WHERE {which}"
    )
}

/// Whether a row is that of a root that shows others. Where every thread is its own root, the index
/// that is asked is empty.
const HAS_OTHERS: &str =
    "EXISTS (SELECT 1 FROM threadIndex o WHERE o.root = t.id AND o.root <> o.id)";

/// The statements for a thread's row and for those of the others that a root shows.
struct Sql {
    one: String,
    others: String,
}

impl Sql {
    fn of(seen: bool) -> Self {
        Self {
            one: select("id = ?1", seen, HAS_OTHERS),
            others: select("root = ?1 AND root <> id", seen, "0"),
        }
    }
}

static WHOLE: LazyLock<Sql> = LazyLock::new(|| Sql::of(true));
static SHOWN_ONLY: LazyLock<Sql> = LazyLock::new(|| Sql::of(false));

/// Where they stand behind the columns of a row.
const EPOCH: usize = row::COUNT;
const POSITION: usize = row::COUNT + 1;
const SHOWN: usize = row::COUNT + 2;
const LABELS: usize = row::COUNT + 3;
const OTHERS: usize = row::COUNT + 4;

impl<'a> Conversations<'a> {
    /// Of a device's file; [`Db::still`] holds its moment.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn of(db: &'a Db) -> Result<Self, StoreError> {
        Self::by(db, &WHOLE, true)
    }

    /// For who shows them and does nothing to them: neither watermarks nor trails are read.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn to_show(db: &'a Db) -> Result<Self, StoreError> {
        Self::by(db, &SHOWN_ONLY, false)
    }

    fn by(db: &'a Db, statements: &'static Sql, seen: bool) -> Result<Self, StoreError> {
        let one = db.sql().prepare_cached(&statements.one)?;
        Ok(Self { db, statements, one, others: None, seen })
    }

    /// The members of the conversation with this root.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn members(&mut self, root: &ThreadId) -> Result<Members, StoreError> {
        let mut members = Vec::with_capacity(1);
        // A root that is not here may show others all the same.
        let mut has_others = true;
        if let Some(row) = self.one.query([root.as_str()])?.next()? {
            members.push(member(row, self.seen)?);
            has_others = row.get(OTHERS)?;
        }
        if has_others {
            self.add_others(root, &mut members)?;
        }
        Ok(members)
    }

    /// The members of the conversation that shows a thread; nobody where there is none. With
    /// `passing` also where it is thrown away, or spam, and that can be said at a glance: it is
    /// linked with no other, and no own event covers its row.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn showing(&mut self, thread: &ThreadId, passing: bool) -> Result<Members, StoreError> {
        let mut rows = self.one.query([thread.as_str()])?;
        let Some(row) = rows.next()? else { return Ok(Members::new()) };
        let root = row::text(row, row::ROOT)?;
        if root != thread.as_str() {
            let root: ThreadId = id(root)?;
            drop(rows);
            return self.members(&root);
        }
        let has_others: bool = row.get(OTHERS)?;
        if passing && !has_others && is_out_of_sight(row)? {
            return Ok(Members::new());
        }
        let mut members = vec![member(row, self.seen)?];
        drop(rows);
        if has_others {
            self.add_others(thread, &mut members)?;
        }
        Ok(members)
    }

    fn add_others(&mut self, root: &ThreadId, members: &mut Members) -> Result<(), StoreError> {
        let others = match &mut self.others {
            Some(others) => others,
            none => none.insert(self.db.sql().prepare_cached(&self.statements.others)?),
        };
        let mut rows = others.query([root.as_str()])?;
        while let Some(row) = rows.next()? {
            members.push(member(row, self.seen)?);
        }
        members.sort_by(|a, b| a.row.id.cmp(&b.row.id));
        Ok(())
    }
}

/// Whether the row of a root says so, and no own event says otherwise.
fn is_out_of_sight(row: &Row<'_>) -> Result<bool, StoreError> {
    let is_hidden = Place::parse(row::text(row, row::PLACE)?).is_some_and(|at| at.hidden() > 1);
    Ok(is_hidden && row.get_ref(SHOWN)? == ValueRef::Null)
}

/// Reads a row of [`select`].
fn member(read: &Row<'_>, seen: bool) -> Result<Member, StoreError> {
    let mut found = row::read(read)?;
    let seen = seen.then(|| watermark(read, &found)).transpose()?;
    let shown: Option<String> = read.get(SHOWN)?;
    match shown.and_then(|text| serde_json::from_str(&text).ok()) {
        Some(shown) => found.shown = shown,
        None if read.get_ref(LABELS)? == ValueRef::Null => {}
        None => {
            let labels = row::text(read, LABELS)?.split(' ').map(id);
            found.shown.labels = labels.collect::<Result<_, _>>()?;
        }
    }
    Ok(Member { row: found, seen })
}

fn watermark(read: &Row<'_>, found: &ThreadRow) -> Result<Seen, StoreError> {
    if read.get_ref(EPOCH)? == ValueRef::Null {
        return Err(StoreError::Row(format!("thread {} has no watermark", found.id)));
    }
    let epoch: Epoch = id(row::text(read, EPOCH)?)?;
    let position = u64::try_from(read.get::<_, i64>(POSITION)?).unwrap_or_default();
    Ok(Seen { epoch, position })
}
