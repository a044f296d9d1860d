//! The event logs of many stores in one file, in arrival order.
//!
//! Invariant: in each store positions are contiguous from 1 and ids are unique; a row is never
//! changed, but for arguments whose content is taken out and whose hash stays. The head and chain
//! of a store change in the transaction that appends.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{OptionalExtension, Row, params};

use crate::id::{EventId, StoreId};
use crate::store::log_row::{args_of, pack, read};
use crate::store::{Args, Chain, Db, Event, NewEvent, StoreError};

/// A log's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The last position; 0 for a log that is empty or not there.
    pub position: u64,
    /// The chain at it.
    pub chain: Chain,
}

/// A store that is in a file: its key there, and its log's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    key: i64,
    /// The log's end.
    pub head: Head,
}

/// What an append did.
#[derive(Debug, Clone, Default)]
pub struct Appended {
    /// Every offered id with its position, whether it was new or known.
    pub positions: Vec<(EventId, u64)>,
    /// Offered ids that name another event here, and where: of these nothing is done.
    pub reused: Vec<(EventId, u64)>,
    /// How many were new.
    pub added: u64,
    /// The log's end afterwards.
    pub head: Head,
}

/// Not `ON CONFLICT`: SQLite would keep a copy of each page, to go back to.
const INSERT: &str = "
    INSERT OR IGNORE INTO eventlog(store, position, id, name, args, device, epoch, action, chain)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const OVERWRITE: &str = "
    INSERT INTO eventlog(store, position, id, name, args, device, epoch, action, chain)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT(store, position) DO UPDATE SET id = ?3, name = ?4, args = ?5, device = ?6,
        epoch = ?7, action = ?8, chain = ?9";

/// The log tables of a file.
#[derive(Debug, Clone, Copy)]
pub struct Log;

impl Log {
    /// The tables. Never changed, only added to.
    pub const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS stores(
            key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
            head INTEGER NOT NULL DEFAULT 0, chain BLOB NOT NULL DEFAULT x'');
        CREATE TABLE IF NOT EXISTS eventlog(
            gseq INTEGER PRIMARY KEY AUTOINCREMENT, store INTEGER NOT NULL,
            position INTEGER NOT NULL, id NOT NULL, name TEXT NOT NULL, args BLOB NOT NULL,
            device TEXT NOT NULL, epoch TEXT NOT NULL, action TEXT, chain BLOB NOT NULL,
            UNIQUE(store, position), UNIQUE(store, id));
        CREATE TABLE IF NOT EXISTS bases(
            store INTEGER PRIMARY KEY, position INTEGER NOT NULL, chain BLOB NOT NULL);
    ";

    /// Brings tables of the format `found` to this one; [`Log::SQL`] follows.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn upgrade(db: &Db, found: u32) -> Result<(), StoreError> {
        if found < 2 {
            // Keys of stores that are gone were given to others.
            db.sql().execute_batch(
                "ALTER TABLE stores RENAME TO stores_1;
                 CREATE TABLE stores(
                     key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
                     head INTEGER NOT NULL DEFAULT 0, chain BLOB NOT NULL DEFAULT x'');
                 INSERT INTO stores SELECT key, id, head, chain FROM stores_1;
                 DROP TABLE stores_1;",
            )?;
        }
        Ok(())
    }

    /// The key of a store in this file; made where absent when `make` is set.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn key(db: &Db, store: &StoreId, make: bool) -> Result<Option<i64>, StoreError> {
        let mut find = db.sql().prepare_cached("SELECT key FROM stores WHERE id = ?1")?;
        let found = find.query_row([store.as_str()], |row| row.get(0)).optional()?;
        if found.is_some() || !make {
            return Ok(found);
        }
        db.sql().prepare_cached("INSERT INTO stores(id) VALUES (?1)")?.execute([store.as_str()])?;
        Ok(Some(db.sql().last_insert_rowid()))
    }

    /// A log's end.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn head(db: &Db, store: &StoreId) -> Result<Head, StoreError> {
        Ok(Self::find(db, store)?.map_or_else(Head::default, |place| place.head))
    }

    /// Where a store is in this file; `None` when it is not.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn find(db: &Db, store: &StoreId) -> Result<Option<Place>, StoreError> {
        let mut statement =
            db.sql().prepare_cached("SELECT key, head, chain FROM stores WHERE id = ?1")?;
        let found = statement.query_row([store.as_str()], |row| {
            let chain = Chain::from_bytes(row.get_ref(2)?.as_blob()?);
            Ok(Place { key: row.get(0)?, head: Head { position: position(row, 1)?, chain } })
        });
        Ok(found.optional()?)
    }

    /// The chain of a store's log at a position; the empty chain at 0.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn chain_at(db: &Db, store: &StoreId, at: u64) -> Result<Option<Chain>, StoreError> {
        if at == 0 {
            return Ok(Some(Chain::default()));
        }
        let Some(key) = Self::key(db, store, false)? else { return Ok(None) };
        let mut statement = db.sql().prepare_cached(
            "SELECT chain FROM eventlog WHERE store = ?1 AND position = ?2
             UNION ALL SELECT chain FROM bases WHERE store = ?1 AND position = ?2",
        )?;
        Ok(statement
            .query_row(params![key, number(at)], |row| row.get::<_, Vec<u8>>(0))
            .optional()?
            .map(|bytes| Chain::from_bytes(&bytes)))
    }

    /// Appends what the log does not hold by id.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn append<'a>(
        db: &Db,
        store: &StoreId,
        events: impl IntoIterator<Item = &'a NewEvent>,
    ) -> Result<Appended, StoreError> {
        Self::append_at(db, store, Self::find(db, store)?, events)
    }

    /// As [`Log::append`], to a store that was looked for in this transaction and has not changed
    /// since: many stores get one event at a time, and each look costs as much as that.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn append_at<'a>(
        db: &Db,
        store: &StoreId,
        found: Option<Place>,
        events: impl IntoIterator<Item = &'a NewEvent>,
    ) -> Result<Appended, StoreError> {
        let mut head = found.map_or_else(Head::default, |place| place.head);
        let mut done = Appended { head, ..Appended::default() };
        let mut events = events.into_iter().peekable();
        if events.peek().is_none() {
            return Ok(done); // and a store that nothing is appended to is not made
        }
        let key = match found {
            Some(place) => place.key,
            None => Self::key(db, store, true)?.unwrap_or_default(),
        };
        for event in events {
            let next = Head { position: head.position + 1, chain: head.chain.after(event) };
            if Self::insert(db, key, next, event)? {
                head = next;
                done.added += 1;
                done.positions.push((event.id.clone(), head.position));
                continue;
            }
            let Some(known) = Self::position_of(db, key, &event.id)? else {
                // Its place is taken: the log goes on above what is said to be its end.
                return Err(StoreError::Broken { store: store.clone(), position: next.position });
            };
            if Self::is_same(db, store, known, event)? {
                done.positions.push((event.id.clone(), known));
            } else {
                done.reused.push((event.id.clone(), known));
            }
        }
        if done.added > 0 {
            db.sql()
                .prepare_cached("UPDATE stores SET head = ?2, chain = ?3 WHERE key = ?1")?
                .execute(params![key, number(head.position), head.chain.bytes()])?;
        }
        done.head = head;
        Ok(done)
    }

    /// Whether the event at a position says what `offered` says. The chain knows, also where the
    /// arguments are gone.
    fn is_same(db: &Db, store: &StoreId, at: u64, offered: &NewEvent) -> Result<bool, StoreError> {
        let before = Self::chain_at(db, store, at.saturating_sub(1))?;
        let after = Self::chain_at(db, store, at)?;
        // Below a log's base there is nothing to compare with.
        Ok(before.is_none_or(|before| Some(before.after(offered)) == after))
    }

    /// Puts an event into the log; `false` when its id, or its place, is taken.
    fn insert(db: &Db, key: i64, at: Head, event: &NewEvent) -> Result<bool, StoreError> {
        Self::place(db, INSERT, key, at, event)
    }

    /// Puts an event into its place, whatever is there: that keeps its place in the order of
    /// arrival.
    pub(super) fn overwrite(
        db: &Db,
        key: i64,
        at: Head,
        event: &NewEvent,
    ) -> Result<(), StoreError> {
        Self::place(db, OVERWRITE, key, at, event).map(drop)
    }

    fn place(db: &Db, sql: &str, key: i64, at: Head, event: &NewEvent) -> Result<bool, StoreError> {
        let action = event.action.as_ref().and_then(|action| serde_json::to_string(action).ok());
        let placed = db.sql().prepare_cached(sql)?.execute(params![
            key,
            number(at.position),
            IdColumn(&event.id),
            event.name,
            event.args.packed(),
            event.device.as_str(),
            event.epoch.as_str(),
            action,
            at.chain.bytes(),
        ])?;
        Ok(placed > 0)
    }

    fn position_of(db: &Db, key: i64, id: &EventId) -> Result<Option<u64>, StoreError> {
        let mut statement = db
            .sql()
            .prepare_cached("SELECT position FROM eventlog WHERE store = ?1 AND id = ?2")?;
        Ok(statement.query_row(params![key, IdColumn(id)], |row| position(row, 0)).optional()?)
    }

    /// Whether the log holds this event.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn holds(db: &Db, store: &StoreId, id: &EventId) -> Result<bool, StoreError> {
        let Some(key) = Self::key(db, store, false)? else { return Ok(false) };
        Ok(Self::position_of(db, key, id)?.is_some())
    }

    /// Events after a position, at most `most` and about `bytes` of arguments, and whether there
    /// are more.
    ///
    /// # Errors
    /// When the database refuses or a row cannot be read.
    pub fn range(
        db: &Db,
        store: &StoreId,
        after: u64,
        most: usize,
        bytes: usize,
    ) -> Result<(Vec<Event>, bool), StoreError> {
        // One statement, which locks the file once.
        let mut statement = db.sql().prepare_cached(
            "SELECT position, id, name, args, device, epoch, action FROM eventlog
             WHERE store = (SELECT key FROM stores WHERE id = ?1) AND position > ?2
             ORDER BY position",
        )?;
        let mut rows = statement.query(params![store.as_str(), number(after)])?;
        let (mut events, mut size) = (Vec::<Event>::new(), 0);
        while let Some(row) = rows.next()? {
            if events.len() >= most || (size >= bytes && !events.is_empty()) {
                return Ok((events, true));
            }
            let event = read(row, events.last())?;
            size += event.event.args.text().len();
            events.push(event);
        }
        Ok((events, false))
    }

    /// All events of a store.
    ///
    /// # Errors
    /// As [`Log::range`].
    pub fn all(db: &Db, store: &StoreId) -> Result<Vec<Event>, StoreError> {
        Ok(Self::range(db, store, 0, usize::MAX, usize::MAX)?.0)
    }

    /// The arguments of a store's events of one name, in order.
    ///
    /// # Errors
    /// As [`Log::range`].
    pub fn named(db: &Db, store: &StoreId, name: &str) -> Result<Vec<Args>, StoreError> {
        let Some(key) = Self::key(db, store, false)? else { return Ok(Vec::new()) };
        let mut statement = db.sql().prepare_cached(
            "SELECT args FROM eventlog WHERE store = ?1 AND name = ?2 ORDER BY position",
        )?;
        let mut rows = statement.query(params![key, name])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(args_of(row, 0)?);
        }
        Ok(found)
    }

    /// All stores of this file with their heads, by id.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn stores(db: &Db) -> Result<Vec<(StoreId, Head)>, StoreError> {
        let mut statement = db.sql().prepare("SELECT id, head, chain FROM stores ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            let (id, chain): (String, Vec<u8>) = (row.get(0)?, row.get(2)?);
            Ok((id, Head { position: position(row, 1)?, chain: Chain::from_bytes(&chain) }))
        })?;
        let mut stores = Vec::new();
        for row in rows {
            let (id, head) = row?;
            let id = StoreId::try_from(id).map_err(|error| StoreError::Row(error.to_string()))?;
            stores.push((id, head));
        }
        Ok(stores)
    }

    /// Forgets a store's log: it is not the one that the backend has.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn clear(db: &Db, store: &StoreId) -> Result<(), StoreError> {
        if let Some(key) = Self::key(db, store, false)? {
            db.sql().execute("DELETE FROM eventlog WHERE store = ?1", [key])?;
            db.sql().execute("UPDATE stores SET head = 0, chain = x'' WHERE key = ?1", [key])?;
            db.sql().execute("DELETE FROM bases WHERE store = ?1", [key])?;
        }
        Ok(())
    }

    /// Forgets a store as if it had never been; its key is given to no other.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn remove(db: &Db, store: &StoreId) -> Result<(), StoreError> {
        if let Some(key) = Self::key(db, store, false)? {
            let rows = "DELETE FROM eventlog WHERE store = ?1";
            db.sql().prepare_cached(rows)?.execute([key])?;
            db.sql().prepare_cached("DELETE FROM bases WHERE store = ?1")?.execute([key])?;
            db.sql().prepare_cached("DELETE FROM stores WHERE key = ?1")?.execute([key])?;
        }
        Ok(())
    }

    /// The event at a position.
    ///
    /// # Errors
    /// As [`Log::range`].
    pub fn at(db: &Db, store: &StoreId, at: u64) -> Result<Option<Event>, StoreError> {
        let (events, _) = Self::range(db, store, at.saturating_sub(1), 1, usize::MAX)?;
        Ok(events.into_iter().find(|event| event.position == at))
    }

    /// Takes the content out of an event's arguments: `left` has their hash.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn redact(db: &Db, store: &StoreId, at: u64, left: &Args) -> Result<(), StoreError> {
        let Some(key) = Self::key(db, store, false)? else { return Ok(()) };
        db.sql()
            .prepare_cached("UPDATE eventlog SET args = ?3 WHERE store = ?1 AND position = ?2")?
            .execute(params![key, number(at), pack(left.text())])?;
        Ok(())
    }

    /// The stores with these keys.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn stores_by_key(
        db: &Db,
        keys: &std::collections::BTreeSet<i64>,
    ) -> Result<Vec<StoreId>, StoreError> {
        let mut statement = db.sql().prepare_cached("SELECT id FROM stores WHERE key = ?1")?;
        let mut stores = Vec::new();
        for key in keys {
            let id: Option<String> = statement.query_row([key], |row| row.get(0)).optional()?;
            let id = id.map(StoreId::try_from).transpose();
            stores.extend(id.map_err(|error| StoreError::Row(error.to_string()))?);
        }
        Ok(stores)
    }
}

/// SQLite has signed integers only; positions never reach the sign.
#[must_use]
pub(crate) fn number(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

pub(crate) fn position(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(at)?).unwrap_or_default())
}

/// An event id as a column: UUIDs as 16 bytes, anything else as text.
struct IdColumn<'a>(&'a EventId);

impl rusqlite::ToSql for IdColumn<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = self.0.as_str();
        let (id, mut again) = (uuid::Uuid::try_parse(text), uuid::Uuid::encode_buffer());
        Ok(match id {
            Ok(id) if id.hyphenated().encode_lower(&mut again) == text => {
                ToSqlOutput::Owned(Value::Blob(id.as_bytes().to_vec()))
            }
            _ => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::id::{DeviceId, Epoch};

    pub(crate) fn event(n: u8, args: &str) -> NewEvent {
        NewEvent {
            id: EventId::try_from(uuid::Uuid::from_bytes([n; 16]).to_string()).unwrap(),
            name: "v1.Test".to_owned(),
            args: Args::from_text(args.to_owned()),
            device: DeviceId::try_from("device").unwrap(),
            action: None,
            epoch: Epoch::try_from("e1").unwrap(),
        }
    }

    pub(crate) fn store(name: &str) -> StoreId {
        StoreId::try_from(name).unwrap()
    }

    #[test]
    fn positions_are_contiguous_and_ids_unique_in_each_store() {
        let db = Db::memory(Log::SQL).unwrap();
        let (a, b) = (store("thread-aaaaaaaa"), store("thread-bbbbbbbb"));
        let first = Log::append(&db, &a, &[event(1, "{}"), event(2, "{}")]).unwrap();
        assert_eq!(first.head.position, 2);
        assert_eq!(Log::append(&db, &b, &[event(1, "{}")]).unwrap().head.position, 1);
        let again = Log::append(&db, &a, &[event(2, "{}"), event(3, "{}")]).unwrap();
        assert_eq!(again.positions.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(again.added, 1);
        assert_eq!(Log::verify(&db, &a).unwrap(), None);
    }

    #[test]
    fn an_id_that_names_another_event_is_not_taken_for_it() {
        let db = Db::memory(Log::SQL).unwrap();
        let a = store("thread-aaaaaaaa");
        Log::append(&db, &a, &[event(1, "{}"), event(2, "{}")]).unwrap();
        let head = Log::head(&db, &a).unwrap();
        let other = NewEvent { name: "v1.Other".to_owned(), ..event(1, "{}") };
        for reused in [event(1, "[]"), event(2, "{ }"), other] {
            let done = Log::append(&db, &a, &[reused.clone(), event(1, "{}")]).unwrap();
            assert_eq!(done.reused.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&reused.id]);
            assert_eq!((done.positions.len(), done.added, done.head), (1, 0, head));
        }
        // What is left of an event whose content was taken out is that event.
        let left = event(1, "{}").args.without_content(&serde_json::json!({}));
        Log::redact(&db, &a, 1, &left).unwrap();
        assert_eq!(Log::append(&db, &a, &[event(1, "{}")]).unwrap().reused, []);
        assert_eq!(Log::append(&db, &a, &[event(1, "[]")]).unwrap().reused.len(), 1);
    }

    #[test]
    fn a_changed_argument_breaks_the_chain() {
        let db = Db::memory(Log::SQL).unwrap();
        let a = store("thread-aaaaaaaa");
        Log::append(&db, &a, &[event(1, "{}"), event(2, "{}")]).unwrap();
        db.sql().execute("UPDATE eventlog SET args = x'5b5d' WHERE position = 1", []).unwrap();
        assert!(Log::verify(&db, &a).unwrap().unwrap().contains("position 1"));
    }

    #[test]
    fn content_that_was_taken_out_leaves_the_chain_whole() {
        let db = Db::memory(Log::SQL).unwrap();
        let a = store("thread-aaaaaaaa");
        let long = format!("{{\"text\":\"{}\"}}", "word ".repeat(4_000));
        let last = Log::append(&db, &a, &[event(1, &long), event(2, "{}")]).unwrap().head;
        let full = Log::at(&db, &a, 1).unwrap().unwrap().event.args;
        let left = full.without_content(&serde_json::json!({ "n": 1 }));
        Log::redact(&db, &a, 1, &left).unwrap();
        assert_eq!(Log::verify(&db, &a).unwrap(), None);
        let (events, _) = Log::range(&db, &a, 0, 9, usize::MAX).unwrap();
        assert_eq!((events[0].event.args.text(), events.len()), (left.text(), 2));
        // Another log that only ever saw what is left has the same chain.
        let other = Db::memory(Log::SQL).unwrap();
        let records: Vec<NewEvent> = events.into_iter().map(|event| event.event).collect();
        assert_eq!(Log::append(&other, &a, &records).unwrap().head, last);
        Log::remove(&db, &a).unwrap();
        assert_eq!(Log::head(&db, &a).unwrap(), Head::default());
        let again = Log::key(&db, &store("thread-bbbbbbbb"), true).unwrap();
        assert_eq!(again, Some(2), "a key names one store only");
    }

    #[test]
    fn long_arguments_come_back_byte_for_byte() {
        let db = Db::memory(Log::SQL).unwrap();
        let a = store("thread-aaaaaaaa");
        let long = format!("{{\"text\":\"{}\"}}", "wörd ".repeat(4_000));
        Log::append(&db, &a, &[event(1, &long)]).unwrap();
        assert_eq!(Log::all(&db, &a).unwrap()[0].event.args.text(), long);
    }

    #[test]
    fn a_page_says_whether_there_is_more() {
        let db = Db::memory(Log::SQL).unwrap();
        let a = store("thread-aaaaaaaa");
        let events: Vec<_> = (1..=5).map(|n| event(n, "{}")).collect();
        Log::append(&db, &a, &events).unwrap();
        let (page, more) = Log::range(&db, &a, 1, 2, usize::MAX).unwrap();
        assert_eq!((page[0].position, page.len(), more), (2, 2, true));
        assert!(!Log::range(&db, &a, 3, 2, usize::MAX).unwrap().1);
    }
}
