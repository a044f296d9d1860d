//! Records as bytes: what a chunk holds, one behind the other.
//!
//! Invariant: reading is total; each column has the type that its table says, or it is an error.

use std::collections::BTreeSet;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use crate::id::ThreadId;
use crate::store::StoreError;

/// A table that is copied row by row: its name, and the types of its columns: text, integer, and
/// in small letters those that may be null.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) types: &'static [u8],
    /// Which of its rows, where not all.
    pub(super) which: &'static str,
}

const fn all(name: &'static str, types: &'static [u8]) -> Table {
    Table { name, types, which: "" }
}

/// Of a table whose rows belong to threads: what is there of a thread that has no row.
const fn astray(name: &'static str, types: &'static [u8], which: &'static str) -> Table {
    Table { name, types, which }
}

/// The tables that are copied row by row; a record begins with its table's place here. What the
/// first of them hold comes first, the others last.
pub(super) const TABLES: [Table; 7] = [
    all("labelEvents", b"TITTt"),
    all("undone", b"Tt"),
    all("purged", b"TI"),
    astray("threadLabels", b"TTI", "WHERE threadId NOT IN (SELECT id FROM threadIndex)"),
    astray("threadLinks", b"TT", "WHERE a NOT IN (SELECT id FROM threadIndex)"),
    all("actions", b"ITTITTttI"),
    all("actionThreads", b"TTt"),
];
/// How many of them come first.
pub(super) const FIRST_TABLES: usize = 3;
/// The first that is of the history.
pub(super) const HISTORY: usize = 5;

/// Kinds of records beside those of tables.
const THREAD: u8 = 100;
const MARK: u8 = 101;

/// The columns of `threadIndex` that are in a snapshot, in order.
pub(super) const COLUMNS: &str = "id, subject, participants, snippet, lastActivity, createdAt, \
     messageCount, unreadCount, starred, muted, hasAttachment, place, snoozedUntil, trail";
/// Their types.
pub(super) const TYPES: &[u8; 14] = b"TtTTIIIIIIITiT";

/// A column's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing.
    Null,
    /// An integer.
    Number(i64),
    /// Text.
    Text(&'a str),
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// How far the index has taken in a thread's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark<'a> {
    /// The thread.
    pub thread: &'a str,
    /// The epoch in which the position counts.
    pub epoch: &'a str,
    /// The last position.
    pub position: i64,
}

/// A thread's row with its labels, links and watermark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread<'a> {
    /// [`COLUMNS`].
    pub cells: [Cell<'a>; TYPES.len()],
    /// Its watermark.
    pub mark: Mark<'a>,
    /// Its labels, each with since when.
    pub labels: Vec<(&'a str, i64)>,
    /// What it is linked to.
    pub links: Vec<&'a str>,
}

/// One record of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record<'a> {
    /// A row of a table, by the table's place.
    Row(usize, Vec<Cell<'a>>),
    /// A thread.
    Thread(Box<Thread<'a>>),
    /// The watermark of a thread that has no row.
    Mark(Mark<'a>),
}

fn number(out: &mut Vec<u8>, number: i64) {
    // Small numbers of either sign are short: the sign goes last, then seven bits a byte.
    let mut rest = number.cast_unsigned() << 1 ^ (number >> 63).cast_unsigned();
    while rest >= 0x80 {
        out.push(0x80 | u8::try_from(rest & 0x7f).unwrap_or_default());
        rest >>= 7;
    }
    out.push(u8::try_from(rest).unwrap_or_default());
}

fn text(out: &mut Vec<u8>, text: &str) {
    number(out, i64::try_from(text.len()).unwrap_or(i64::MAX));
    out.extend_from_slice(text.as_bytes());
}

/// Writes a column; one that is not of its type is written as nothing of that type.
pub(super) fn cell(out: &mut Vec<u8>, kind: u8, value: ValueRef<'_>) {
    if kind.is_ascii_lowercase() {
        let there = !matches!(value, ValueRef::Null);
        out.push(u8::from(there));
        if !there {
            return;
        }
    }
    match (kind.to_ascii_uppercase(), value) {
        (b'T', value) => text(out, value.as_str().unwrap_or_default()),
        (_, ValueRef::Integer(value)) => number(out, value),
        _ => number(out, 0),
    }
}

pub(super) fn begin_row(out: &mut Vec<u8>, table: usize) {
    out.push(u8::try_from(table).unwrap_or(u8::MAX));
}

pub(super) fn begin_thread(out: &mut Vec<u8>) {
    out.push(THREAD);
}

/// Writes what follows on a thread's cells.
pub(super) fn end_thread(
    out: &mut Vec<u8>,
    (epoch, position): (&str, i64),
    labels: &[(String, i64)],
    links: &[String],
) {
    text(out, epoch);
    number(out, position);
    number(out, i64::try_from(labels.len()).unwrap_or(i64::MAX));
    for (label, at) in labels {
        text(out, label);
        number(out, *at);
    }
    number(out, i64::try_from(links.len()).unwrap_or(i64::MAX));
    for link in links {
        text(out, link);
    }
}

pub(super) fn mark(out: &mut Vec<u8>, mark: &Mark<'_>) {
    out.push(MARK);
    text(out, mark.thread);
    text(out, mark.epoch);
    number(out, mark.position);
}

/// The records of a chunk, from a place on.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    /// The records of `bytes` that begin at byte `at` or after it.
    #[must_use]
    pub const fn from(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Where the next record begins.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// When these are not the bytes of records.
    pub fn read(&mut self) -> Result<Option<Record<'a>>, StoreError> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        Ok(Some(match self.byte()? {
            THREAD => Record::Thread(Box::new(self.thread()?)),
            MARK => {
                let thread = self.text()?;
                Record::Mark(self.mark(thread)?)
            }
            table => {
                let table = usize::from(table);
                let types = TABLES.get(table).ok_or_else(bad)?.types;
                let cells = types.iter().map(|kind| self.cell(*kind));
                Record::Row(table, cells.collect::<Result<_, _>>()?)
            }
        }))
    }

    fn thread(&mut self) -> Result<Thread<'a>, StoreError> {
        let mut cells = [Cell::Null; TYPES.len()];
        for (cell, kind) in cells.iter_mut().zip(TYPES) {
            *cell = self.cell(*kind)?;
        }
        let Cell::Text(id) = cells[0] else { return Err(bad()) };
        ThreadId::try_from(id).map_err(|_| bad())?;
        let mark = self.mark(id)?;
        let mut labels = Vec::with_capacity(4);
        for _ in 0..self.number()? {
            labels.push((self.text()?, self.number()?));
        }
        let mut links = Vec::new();
        for _ in 0..self.number()? {
            links.push(self.text()?);
        }
        Ok(Thread { cells, mark, labels, links })
    }

    fn mark(&mut self, thread: &'a str) -> Result<Mark<'a>, StoreError> {
        Ok(Mark { thread, epoch: self.text()?, position: self.number()? })
    }

    fn cell(&mut self, kind: u8) -> Result<Cell<'a>, StoreError> {
        if kind.is_ascii_lowercase() && self.byte()? == 0 {
            return Ok(Cell::Null);
        }
        match kind.to_ascii_uppercase() {
            b'T' => self.text().map(Cell::Text),
            _ => self.number().map(Cell::Number),
        }
    }

    fn byte(&mut self) -> Result<u8, StoreError> {
        let byte = *self.bytes.get(self.at).ok_or_else(bad)?;
        self.at += 1;
        Ok(byte)
    }

    fn number(&mut self) -> Result<i64, StoreError> {
        let (mut found, mut shift) = (0_u64, 0_u32);
        loop {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift > 63 || (shift == 63 && bits > 1) {
                return Err(bad());
            }
            found |= bits << shift;
            if byte < 0x80 {
                return Ok((found >> 1).cast_signed() ^ -(found & 1).cast_signed());
            }
            shift += 7;
        }
    }

    fn text(&mut self) -> Result<&'a str, StoreError> {
        let size = usize::try_from(self.number()?).map_err(|_| bad())?;
        let end = self.at.checked_add(size).ok_or_else(bad)?;
        let bytes = self.bytes.get(self.at..end).ok_or_else(bad)?;
        self.at = end;
        std::str::from_utf8(bytes).map_err(|_| bad())
    }
}

pub(super) fn bad() -> StoreError {
    StoreError::Row("a snapshot that cannot be read".to_owned())
}

/// A chunk without the rows of these threads, of which only watermarks stay; `None` when none of
/// them is in it.
///
/// # Errors
/// When it is no chunk.
pub fn without(bytes: &[u8], gone: &BTreeSet<&str>) -> Result<Option<Vec<u8>>, StoreError> {
    let (mut left, mut found) = (Vec::with_capacity(bytes.len()), false);
    let mut records = Records::from(bytes, 0);
    loop {
        let from = records.at();
        let Some(record) = records.read()? else { break };
        match record {
            Record::Thread(thread) if gone.contains(thread.mark.thread) => {
                found = true;
                mark(&mut left, &thread.mark);
            }
            _ => left.extend_from_slice(&bytes[from..records.at()]),
        }
    }
    Ok(found.then_some(left))
}
