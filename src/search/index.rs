//! `search.db`: the words of messages, in tables of SQLite's FTS5.
//!
//! Invariant: it is a cache. All that is in it follows from the logs up to the row that
//! [`Index::at`] names, in the transaction that names it; deleted or damaged it is made again. What
//! is in the tables are folded words, so they part text at spaces and do nothing else with it. A
//! row is a message, and its number its date: lists are read from the newest on, and never sorted.
//! This file must not know what a word is, nor what is shown of a conversation.

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension as _, params};

use crate::id::{BlobHash, MessageId, ThreadId};
use crate::search::entry::Entry;
use crate::store::{Db, Durability, Interrupter, Kind, StoreError, disk};

/// The format of the file.
const VERSION: u32 = 1;
/// What words are made of what: other rules give other words, and the file is made again.
const RULES: &str = "3";
/// Words in memory before they become a part of the file, in bytes.
const HASH_BYTES: i64 = 8 * 1024 * 1024;
/// Pages of 4 KiB that the write-ahead log may have before they are copied.
const CHECKPOINT_PAGES: i64 = 4_000;
/// Page cache of who writes, in KiB: what is written is mostly new.
const CACHE_KIB: i64 = 4 * 1024;
/// Pages that are written at a time while parts are put together.
const MERGE_PAGES: i64 = 500;
/// Pages that are given back at a time.
const GIVEN_PAGES: i64 = 1_000;
/// Parts of a size before FTS5 puts some together, a little at a time, and all (its defaults).
const PARTS: (i64, i64) = (4, 16);
/// The latter while very much comes.
const BULK_PARTS: i64 = 32;
/// Tries to find a free number within a window before that is made larger.
const TRIES: u32 = 4;
/// Tries in the widest.
const MOST_TRIES: u32 = 10_000;
/// The widest window, in seconds, as a power of two.
const WIDEST: u32 = 20;
/// How far a message's number may lie behind its date, in seconds.
pub(super) const BEHIND: i64 = 1 << WIDEST;

/// The tables. The tokenizer parts text at what of ASCII is no letter or digit: a word has none of
/// that, and all else that happens to a word has happened to it. `message.id` is the date in Unix
/// seconds, or a free number soon after it. `short` has the beginnings of words: of one and two
/// letters those of subjects, names and files, with a mark of the field and without, of three
/// letters those of all words.
const SQL: &str = "
    CREATE TABLE IF NOT EXISTS at(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS thread(key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS message(
        id INTEGER PRIMARY KEY, thread INTEGER NOT NULL, name INTEGER NOT NULL,
        raw INTEGER NOT NULL, msgid INTEGER NOT NULL, date INTEGER NOT NULL,
        size INTEGER NOT NULL, attached INTEGER NOT NULL, gone INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS message_thread ON message(thread, name);
    CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
        subject, sender, recipient, cc, bcc, body, file, list,
        content='', contentless_delete=1, tokenize='ascii');
    CREATE VIRTUAL TABLE IF NOT EXISTS short USING fts5(
        begins, content='', contentless_delete=1, tokenize='ascii', detail=none);
";

/// How far the index is: up to which row of which file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct At {
    /// Whose logs.
    pub source: String,
    /// The last row that was taken in.
    pub row: i64,
    /// What that row is known by; empty where it is not known.
    pub mark: Vec<u8>,
    /// A number that is another when a log went.
    pub gone: u64,
}

/// The index.
#[derive(Debug)]
pub struct Index {
    pub(super) db: Db,
}

impl Index {
    /// Its name in a directory.
    pub const NAME: &'static str = "search.db";

    /// Opens or makes it; one that is damaged, or of other rules, is made again.
    ///
    /// # Errors
    /// When it cannot be written, or a newer program made it.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        match Self::open_sound(dir) {
            Ok(Some(index)) => return Ok(index),
            Ok(None) => {}
            Err(error) if is_spoilt(&error) => {}
            Err(error) => return Err(error),
        }
        Self::remove(dir)?;
        Self::open_sound(dir)?.ok_or_else(|| StoreError::Damaged {
            path: dir.join(Self::NAME),
            detail: "it cannot be made again".to_owned(),
        })
    }

    /// `None` when it is of other rules.
    fn open_sound(dir: &Path) -> Result<Option<Self>, StoreError> {
        let mut db = Db::open(&dir.join(Self::NAME), Kind::Search, VERSION, SQL)?;
        db.durable(Durability::Normal)?;
        db.sql().pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        db.sql().pragma_update(None, "cache_size", -CACHE_KIB)?;
        let mut index = Self { db };
        index.db.sql().execute_batch(super::lists::SQL)?;
        match index.value("rules")? {
            None => {
                index.begin()?;
                for table in ["words", "short"] {
                    let set = format!("INSERT INTO {table}({table}, rank) VALUES ('hashsize', ?1)");
                    index.db.sql().execute(&set, [HASH_BYTES])?;
                    // What is taken out is overwritten: it may have been purged.
                    let secure =
                        format!("INSERT INTO {table}({table}, rank) VALUES ('secure-delete', 1)");
                    index.db.sql().execute(&secure, [])?;
                }
                index.set("rules", RULES)?;
                index.commit()?;
            }
            Some(rules) if rules != RULES => return Ok(None),
            Some(_) => {}
        }
        index.db.sql().pragma_update(None, "secure_delete", true)?;
        Ok(Some(index))
    }

    /// Opens it for reading; `None` when it is not there, or of other rules.
    ///
    /// # Errors
    /// When it is damaged or newer.
    pub fn read(dir: &Path) -> Result<Option<Self>, StoreError> {
        Self::known(Db::read(&dir.join(Self::NAME), Kind::Search, VERSION)?)
    }

    /// As [`Index::read`], of a file that does not change meanwhile: see [`Db::read_quiet`].
    ///
    /// # Errors
    /// As [`Index::read`].
    pub fn read_quiet(dir: &Path) -> Result<Option<Self>, StoreError> {
        Self::known(Db::read_quiet(&dir.join(Self::NAME), Kind::Search, VERSION)?)
    }

    /// The index in a file, if it is of these rules.
    fn known(db: Option<Db>) -> Result<Option<Self>, StoreError> {
        let Some(index) = db.map(|db| Self { db }) else { return Ok(None) };
        let rules = index.value("rules")?;
        Ok((rules.as_deref() == Some(RULES)).then_some(index))
    }

    /// What breaks off a search in it.
    #[must_use]
    pub fn interrupter(&self) -> Interrupter {
        self.db.interrupter()
    }

    /// Takes the file away. It is not put aside, for it may hold what was purged since.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove(dir: &Path) -> Result<(), StoreError> {
        for end in ["", "-wal", "-shm"] {
            let path: PathBuf = dir.join(format!("{}{end}", Self::NAME));
            if path.exists() {
                disk::remove(&path)?;
            }
        }
        Ok(())
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// When another process holds the write lock for too long.
    pub fn begin(&mut self) -> Result<(), StoreError> {
        self.db.begin()
    }

    /// Ends it.
    ///
    /// # Errors
    /// When the disk refuses; nothing of it is then kept.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        self.db.commit()
    }

    /// Gives it up.
    pub fn roll_back(&mut self) {
        self.db.rollback();
    }

    /// How far it is.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn at(&self) -> Result<At, StoreError> {
        let number = |name| -> Result<Option<i64>, StoreError> {
            Ok(self.value(name)?.and_then(|text| text.parse().ok()))
        };
        Ok(At {
            source: self.value("source")?.unwrap_or_default(),
            row: number("row")?.unwrap_or(0),
            mark: self.value("mark")?.unwrap_or_default().into_bytes(),
            gone: number("gone")?.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        })
    }

    /// It is so far now.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn set_at(&self, at: &At) -> Result<(), StoreError> {
        self.set("source", &at.source)?;
        self.set("row", &at.row.to_string())?;
        self.set("mark", &String::from_utf8_lossy(&at.mark))?;
        self.set("gone", &at.gone.to_string())
    }

    fn value(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut statement = self.db.sql().prepare_cached("SELECT value FROM at WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }

    fn set(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO at(name, value) VALUES (?1, ?2)";
        self.db.sql().prepare_cached(sql)?.execute([name, value])?;
        Ok(())
    }

    /// How many messages are in it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn count(&self) -> Result<u64, StoreError> {
        let mut statement = self.db.sql().prepare_cached("SELECT count(*) FROM message")?;
        let count: i64 = statement.query_row([], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Puts messages in that are not in it; in the order of their numbers, which takes half the
    /// time of any other.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn add(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut sorted: Vec<&Entry> = entries.iter().collect();
        sorted.sort_by_key(|entry| entry.date);
        for entry in sorted {
            self.add_one(entry)?;
        }
        Ok(())
    }

    fn add_one(&self, entry: &Entry) -> Result<(), StoreError> {
        let thread = self.thread_key(&entry.thread)?;
        let (name, raw) = (number_of(entry.message.as_str()), number_of(entry.raw.as_str()));
        let there = "SELECT 1 FROM message WHERE thread = ?1 AND name = ?2 AND raw = ?3";
        if self.db.sql().prepare_cached(there)?.exists(params![thread, name, raw])? {
            return Ok(());
        }
        let id = self.free_number(entry.date, raw)?;
        let insert = "INSERT INTO message(id, thread, name, raw, msgid, date, size, attached, gone)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)";
        let size = i64::try_from(entry.size).unwrap_or(i64::MAX);
        let msgid = number_of(&entry.message_id);
        self.db.sql().prepare_cached(insert)?.execute(params![
            id,
            thread,
            name,
            raw,
            msgid,
            entry.date,
            size,
            entry.attached
        ])?;
        let texts = &entry.texts;
        let words =
            "INSERT INTO words(rowid, subject, sender, recipient, cc, bcc, body, file, list)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.db.sql().prepare_cached(words)?.execute(params![
            id,
            texts.subject,
            texts.sender,
            texts.recipient,
            texts.cc,
            texts.bcc,
            texts.body,
            texts.file,
            texts.list
        ])?;
        self.name_list(&texts.list, &entry.list)?;
        let short = "INSERT INTO short(rowid, begins) VALUES (?1, ?2)";
        self.db.sql().prepare_cached(short)?.execute(params![id, texts.begins()])?;
        Ok(())
    }

    /// A message was read again: its words stand in the place of those that it had by any of these
    /// bytes, in the state that it had. One that is not in it is left out.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn replace(&self, entry: &Entry, had: &[BlobHash]) -> Result<(), StoreError> {
        let thread = self.thread_key(&entry.thread)?;
        let name = number_of(entry.message.as_str());
        for raw in had.iter().filter(|raw| **raw != entry.raw) {
            let find = "SELECT id, date, gone FROM message
                 WHERE thread = ?1 AND name = ?2 AND raw = ?3";
            let mut find = self.db.sql().prepare_cached(find)?;
            let found = find.query_row(params![thread, name, number_of(raw.as_str())], |row| {
                Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, bool>(2)?))
            });
            let Some((id, date, gone)) = found.optional()? else { continue };
            for sql in [
                "DELETE FROM words WHERE rowid = ?1",
                "DELETE FROM short WHERE rowid = ?1",
                "DELETE FROM message WHERE id = ?1",
            ] {
                self.db.sql().prepare_cached(sql)?.execute([id])?;
            }
            self.add_one(&Entry { date, ..entry.clone() })?;
            if gone {
                self.hide(&entry.thread, &entry.message, true)?;
            }
        }
        Ok(())
    }

    fn thread_key(&self, thread: &ThreadId) -> Result<i64, StoreError> {
        let find = "SELECT key FROM thread WHERE id = ?1";
        let mut find = self.db.sql().prepare_cached(find)?;
        if let Some(key) = find.query_row([thread.as_str()], |row| row.get(0)).optional()? {
            return Ok(key);
        }
        let insert = "INSERT INTO thread(id) VALUES (?1)";
        self.db.sql().prepare_cached(insert)?.execute([thread.as_str()])?;
        Ok(self.db.sql().last_insert_rowid())
    }

    /// A number that is free: the date, or one soon after it. Where very many messages have one
    /// date, the window grows with them, so that the number of tries does not.
    fn free_number(&self, date: i64, seed: i64) -> Result<i64, StoreError> {
        let mut taken = self.db.sql().prepare_cached("SELECT 1 FROM message WHERE id = ?1")?;
        if !taken.exists([date])? {
            return Ok(date);
        }
        let mut random = seed.unsigned_abs() | 1;
        for window in 1..=WIDEST {
            // In the last, as long as it takes.
            let tries = if window == WIDEST { MOST_TRIES } else { TRIES };
            for _ in 0..tries {
                // A xorshift generator: the same message gets the same numbers.
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let step = i64::try_from(random & ((1 << window) - 1)).unwrap_or(0);
                let number = date.saturating_add(1 + step).min(date.saturating_add(BEHIND));
                if !taken.exists([number])? {
                    return Ok(number);
                }
            }
        }
        Err(StoreError::Row(format!("no number is free after {date}")))
    }

    /// A message is gone where it came from (`gone`), or there again.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn hide(
        &self,
        thread: &ThreadId,
        message: &MessageId,
        gone: bool,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE message SET gone = ?3
             WHERE thread = (SELECT key FROM thread WHERE id = ?1) AND name = ?2";
        let name = number_of(message.as_str());
        self.db.sql().prepare_cached(sql)?.execute(params![thread.as_str(), name, gone])?;
        Ok(())
    }

    /// Takes all messages of a thread out.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn drop_thread(&self, thread: &ThreadId) -> Result<(), StoreError> {
        let sql = self.db.sql();
        let find = "SELECT key FROM thread WHERE id = ?1";
        let key = sql.prepare_cached(find)?.query_row([thread.as_str()], |row| row.get(0));
        let Some(key): Option<i64> = key.optional()? else { return Ok(()) };
        let mut rows = sql.prepare_cached("SELECT id FROM message WHERE thread = ?1")?;
        let rows = rows.query_map([key], |row| row.get(0))?;
        let rows: Vec<i64> = rows.collect::<Result<_, _>>()?;
        for table in ["words", "short"] {
            let mut delete =
                sql.prepare_cached(&format!("DELETE FROM {table} WHERE rowid = ?1"))?;
            for row in &rows {
                delete.execute([row])?;
            }
        }
        sql.prepare_cached("DELETE FROM message WHERE thread = ?1")?.execute([key])?;
        sql.prepare_cached("DELETE FROM thread WHERE key = ?1")?.execute([key])?;
        // A list may have been only there; what comes in names it again.
        sql.prepare_cached("DELETE FROM list")?.execute([])?;
        Ok(())
    }

    /// The threads that are in it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn threads(&self) -> Result<Vec<String>, StoreError> {
        let mut all = self.db.sql().prepare_cached("SELECT id FROM thread")?;
        let all = all.query_map([], |row| row.get(0))?;
        Ok(all.collect::<Result<_, _>>()?)
    }

    /// Very much comes, and is put together once all of it is there: until then parts are left as
    /// they are, but for what very many would cost a search.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn begin_bulk(&self) -> Result<(), StoreError> {
        if self.value("bulk")?.is_some_and(|bulk| bulk == "1") {
            return Ok(());
        }
        self.set_parts(0, BULK_PARTS)?;
        self.set("bulk", "1")?;
        // Whoever goes on after a death puts them together, too.
        self.want_merge()
    }

    fn end_bulk(&self) -> Result<(), StoreError> {
        if self.value("bulk")?.is_some_and(|bulk| bulk == "1") {
            self.set_parts(PARTS.0, PARTS.1)?;
            self.set("bulk", "0")?;
        }
        Ok(())
    }

    /// How many parts of a size there may be before some are put together, and all of them.
    fn set_parts(&self, some: i64, all: i64) -> Result<(), StoreError> {
        for table in ["words", "short"] {
            for (name, value) in [("automerge", some), ("crisismerge", all)] {
                let set = format!("INSERT INTO {table}({table}, rank) VALUES ('{name}', ?1)");
                self.db.sql().execute(&set, [value])?;
            }
        }
        Ok(())
    }

    /// The parts of the tables are to be put together, and what was taken out of them is to go.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn want_merge(&self) -> Result<(), StoreError> {
        self.set("merge", "1")
    }

    /// Puts the parts of the tables together where that is wanted, a little at a time; `false` when
    /// it is done.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn merge_some(&mut self) -> Result<bool, StoreError> {
        if self.value("merge")?.is_none_or(|wanted| wanted == "0") {
            return Ok(false);
        }
        self.begin()?;
        let mut worked = false;
        for table in ["words", "short"] {
            let before = self.changes()?;
            let merge = format!("INSERT INTO {table}({table}, rank) VALUES ('merge', ?1)");
            self.db.sql().execute(&merge, [-MERGE_PAGES])?;
            // The statement itself counts as one.
            worked |= self.changes()? > before + 1;
        }
        // What they were made of was a quarter of the file.
        worked = worked || self.give_back()?;
        if !worked {
            self.set("merge", "0")?;
            self.end_bulk()?;
        }
        self.commit()?;
        Ok(worked)
    }

    /// Gives pages in which nothing is back to the file system, some at a time; `false` when there
    /// are none. A file of a program that could not do that keeps them for what comes.
    fn give_back(&self) -> Result<bool, StoreError> {
        let sql = self.db.sql();
        let free = || sql.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0));
        let before = free()?;
        if before == 0 {
            return Ok(false);
        }
        // It says a row for each page.
        let mut give = sql.prepare(&format!("PRAGMA incremental_vacuum({GIVEN_PAGES})"))?;
        let mut given = give.query([])?;
        while given.next()?.is_some() {}
        Ok(free()? < before)
    }

    fn changes(&self) -> Result<i64, StoreError> {
        let mut count = self.db.sql().prepare_cached("SELECT total_changes()")?;
        Ok(count.query_row([], |row| row.get(0))?)
    }

    /// What SQLite's own checks find; empty when the file is sound.
    ///
    /// # Errors
    /// When the check itself cannot run.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        self.db.integrity()
    }
}

/// Whether a file is to be made again: it is a cache, and what is in it is of no use.
#[must_use]
pub fn is_spoilt(error: &StoreError) -> bool {
    error.is_damage() || matches!(error, StoreError::Foreign { .. } | StoreError::Older { .. })
}

/// What a name counts as: eight bytes of its hash.
pub(super) fn number_of(name: &str) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(name.as_bytes()).as_bytes()[..8]);
    i64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_for_very_much_is_as_it_was_when_that_is_put_together() {
        let dir = tempfile::tempdir().unwrap();
        let mut index = Index::open(dir.path()).unwrap();
        let parts = |index: &Index, table: &str| -> (i64, i64) {
            let value = |name: &str| {
                let sql = format!("SELECT v FROM {table}_config WHERE k = ?1");
                index.db.sql().query_row(&sql, [name], |row| row.get(0)).unwrap()
            };
            (value("automerge"), value("crisismerge"))
        };
        index.begin().unwrap();
        index.begin_bulk().unwrap();
        index.begin_bulk().unwrap();
        index.commit().unwrap();
        assert_eq!(parts(&index, "words"), (0, BULK_PARTS));
        // Whoever opens it next, after a death, does so too.
        drop(index);
        let mut index = Index::open(dir.path()).unwrap();
        while index.merge_some().unwrap() {}
        for table in ["words", "short"] {
            assert_eq!(parts(&index, table), PARTS);
        }
        assert!(!index.merge_some().unwrap());
    }

    #[test]
    fn what_was_put_together_leaves_no_room_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut index = Index::open(dir.path()).unwrap();
        let pages = |index: &Index, of: &str| -> i64 {
            index.db.sql().pragma_query_value(None, of, |row| row.get(0)).unwrap()
        };
        let fill = |index: &mut Index, sql: &str| {
            index.begin().unwrap();
            index.db.sql().execute_batch(sql).unwrap();
            index.want_merge().unwrap();
            index.commit().unwrap();
        };
        let many = 3 * GIVEN_PAGES;
        fill(
            &mut index,
            &format!(
                "CREATE TABLE x(b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
                 WHERE i < {many}) INSERT INTO x SELECT randomblob(4000) FROM n; DROP TABLE x"
            ),
        );
        let (all, free) = (pages(&index, "page_count"), pages(&index, "freelist_count"));
        assert!(free > many - 10, "{free} of {all}");
        let mut steps = 0;
        while index.merge_some().unwrap() {
            steps += 1;
        }
        assert!(steps >= 3, "some at a time");
        assert_eq!(pages(&index, "freelist_count"), 0);
        assert!(pages(&index, "page_count") < all - many + 10);
        assert!(index.integrity().unwrap().is_empty());
    }
}
