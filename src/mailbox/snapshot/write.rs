//! The tables as chunks: the small ones and the newest conversations first, then all others in the
//! order of their ids, then history.
//!
//! Invariant: equal tables give equal chunks. A chunk is in memory at a time. The caller holds one
//! moment of the file.

use std::collections::BTreeSet;

use rusqlite::{Row, Rows, Statement};

use super::codec::{self, COLUMNS, FIRST_TABLES, Mark, TABLES, TYPES};
use crate::store::{Db, StoreError};

/// Conversations of the first chunk: more than a screen shows.
const FIRST_THREADS: usize = 200;
/// Conversations that come before the others, the newest.
const RECENT_THREADS: usize = 4_000;
/// How long a chunk gets, about, in bytes before compression: some 20 ms of a device.
const CHUNK_BYTES: usize = 512 * 1024;

/// A part of a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Its records.
    pub plain: Vec<u8>,
    /// How many of them are rows of threads.
    pub threads: u64,
    /// Whether these are among the newest, before all others.
    pub recent: bool,
    /// The least and the greatest id of these threads.
    pub ids: Option<(String, String)>,
}

impl Chunk {
    fn note(&mut self, id: &str) {
        self.threads += 1;
        match &mut self.ids {
            None => self.ids = Some((id.to_owned(), id.to_owned())),
            Some((first, last)) => {
                if id < first.as_str() {
                    id.clone_into(first);
                }
                if id > last.as_str() {
                    id.clone_into(last);
                }
            }
        }
    }
}

/// Whom the chunks are given to.
type Give<'a> = &'a mut dyn FnMut(Chunk) -> Result<(), StoreError>;

struct Writer<'a> {
    db: &'a Db,
    chunk: Chunk,
    give: Give<'a>,
}

/// Writes the confirmed tables.
///
/// # Errors
/// When the database refuses, and those of `give`.
pub fn write(db: &Db, give: Give<'_>) -> Result<(), StoreError> {
    let mut writer = Writer { db, chunk: Chunk { recent: true, ..Chunk::default() }, give };
    for table in 0..FIRST_TABLES {
        writer.table(table)?;
    }
    let recent = writer.recent()?;
    writer.next(false)?;
    writer.others(&recent)?;
    writer.marks()?;
    for table in FIRST_TABLES..TABLES.len() {
        writer.table(table)?;
    }
    writer.next(false)
}

impl Writer<'_> {
    /// Ends the chunk; the next is of the newest conversations, or not.
    fn next(&mut self, recent: bool) -> Result<(), StoreError> {
        let chunk = std::mem::replace(&mut self.chunk, Chunk { recent, ..Chunk::default() });
        if chunk.plain.is_empty() { Ok(()) } else { (self.give)(chunk) }
    }

    fn full(&mut self) -> Result<(), StoreError> {
        if self.chunk.plain.len() >= CHUNK_BYTES {
            self.next(self.chunk.recent)?;
        }
        Ok(())
    }

    fn table(&mut self, table: usize) -> Result<(), StoreError> {
        let codec::Table { name, types, which } = &TABLES[table];
        let sql = format!("SELECT * FROM {name} {which} ORDER BY 1, 2");
        let mut statement = self.db.sql().prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            codec::begin_row(&mut self.chunk.plain, table);
            for (at, kind) in types.iter().enumerate() {
                codec::cell(&mut self.chunk.plain, *kind, row.get_ref(at)?);
            }
            self.full()?;
        }
        Ok(())
    }

    /// The newest threads, the first of them in a chunk of their own.
    fn recent(&mut self) -> Result<BTreeSet<String>, StoreError> {
        let newest: Vec<String> = {
            let sql = format!(
                "SELECT id FROM threadIndex ORDER BY lastActivity DESC, id LIMIT {RECENT_THREADS}"
            );
            let mut statement = self.db.sql().prepare(&sql)?;
            let ids = statement.query_map([], |row| row.get(0))?;
            ids.collect::<Result<_, _>>()?
        };
        let one = |sql: String| self.db.sql().prepare(&sql);
        let mut rows = one(format!("{} WHERE id = ?1", select()))?;
        let mut labels = one(format!("{LABELS} WHERE threadId = ?1 ORDER BY labelId"))?;
        let mut links = one(format!("{LINKS} WHERE a = ?1 ORDER BY b"))?;
        for (at, id) in newest.iter().enumerate() {
            let mut found = rows.query([id])?;
            let Some(row) = found.next()? else { continue };
            let labels = pairs(&mut labels, id)?;
            let links: Vec<String> =
                pairs(&mut links, id)?.into_iter().map(|(link, _)| link).collect();
            self.thread(row, id, &labels, &links)?;
            if at + 1 == FIRST_THREADS {
                self.next(true)?;
            }
        }
        Ok(newest.into_iter().collect())
    }

    /// All other threads, by id; labels and links are read beside them.
    fn others(&mut self, recent: &BTreeSet<String>) -> Result<(), StoreError> {
        let db = self.db;
        let mut rows = db.sql().prepare(&format!("{} ORDER BY id", select()))?;
        let mut labels = db.sql().prepare(&format!("{LABELS} ORDER BY threadId, labelId"))?;
        let mut links = db.sql().prepare(&format!("{LINKS} ORDER BY a, b"))?;
        let (mut rows, mut labels, mut links) =
            (rows.query([])?, Beside::of(labels.query([])?)?, Beside::of(links.query([])?)?);
        while let Some(row) = rows.next()? {
            let id = row.get_ref(0)?.as_str().unwrap_or_default();
            let (labels, links) = (labels.take(id)?, links.take(id)?);
            if recent.contains(id) {
                continue;
            }
            let links: Vec<String> = links.into_iter().map(|(link, _)| link).collect();
            self.thread(row, id, &labels, &links)?;
        }
        Ok(())
    }

    fn thread(
        &mut self,
        row: &Row<'_>,
        id: &str,
        labels: &[(String, i64)],
        links: &[String],
    ) -> Result<(), StoreError> {
        let out = &mut self.chunk.plain;
        codec::begin_thread(out);
        for (at, kind) in TYPES.iter().enumerate() {
            codec::cell(out, *kind, row.get_ref(at)?);
        }
        let epoch = row.get_ref(TYPES.len())?.as_str().unwrap_or_default();
        let position: Option<i64> = row.get(TYPES.len() + 1)?;
        codec::end_thread(out, (epoch, position.unwrap_or_default()), labels, links);
        self.chunk.note(id);
        self.full()
    }

    /// Watermarks of threads that are not in the index any more.
    fn marks(&mut self) -> Result<(), StoreError> {
        let mut statement = self.db.sql().prepare(
            "SELECT threadId, epoch, position FROM watermarks
             WHERE threadId NOT IN (SELECT id FROM threadIndex) ORDER BY threadId",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (thread, epoch): (String, String) = (row.get(0)?, row.get(1)?);
            let mark = Mark { thread: &thread, epoch: &epoch, position: row.get(2)? };
            codec::mark(&mut self.chunk.plain, &mark);
            self.full()?;
        }
        Ok(())
    }
}

const LABELS: &str = "SELECT threadId, labelId, appliedAt FROM threadLabels";
const LINKS: &str = "SELECT a, b, 0 FROM threadLinks";

fn select() -> String {
    format!(
        "SELECT {COLUMNS}, epoch, position FROM threadIndex
         LEFT JOIN watermarks ON threadId = id"
    )
}

/// What belongs to one thread: the second and third columns.
fn pairs(statement: &mut Statement<'_>, id: &str) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = statement.query_map([id], |row| Ok((row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Rows that are read beside those of threads, in the same order.
struct Beside<'a> {
    rows: Rows<'a>,
    next: Option<(String, String, i64)>,
}

impl<'a> Beside<'a> {
    fn of(rows: Rows<'a>) -> Result<Self, StoreError> {
        let mut beside = Self { rows, next: None };
        beside.step()?;
        Ok(beside)
    }

    fn step(&mut self) -> Result<Option<(String, String, i64)>, StoreError> {
        let next = match self.rows.next()? {
            Some(row) => Some((row.get(0)?, row.get(1)?, row.get(2)?)),
            None => None,
        };
        Ok(std::mem::replace(&mut self.next, next))
    }

    /// What belongs to `id`; what belongs to ids before it belongs to no row.
    fn take(&mut self, id: &str) -> Result<Vec<(String, i64)>, StoreError> {
        let mut taken = Vec::new();
        while self.next.as_ref().is_some_and(|(of, ..)| of.as_str() <= id) {
            if let Some((of, what, at)) = self.step()?
                && of == id
            {
                taken.push((what, at));
            }
        }
        Ok(taken)
    }
}
