//! What a mail server has, as it was last agreed on: folders, the message behind every UID, and
//! the conversations of which something may have to be written.
//!
//! Invariant: a row changes in the transaction that appends what it made of a conversation's log;
//! so a crash or a backup that is put back has both or neither. What left a folder waits in
//! `edgeGone` until every folder was looked at: then it moved, or is gone.

use std::ops::RangeInclusive;

use rusqlite::{OptionalExtension, Row as SqlRow, params};
use serde::{Deserialize, Serialize};

use crate::backend::echo::Agreed;
use crate::bridge::Folder;
use crate::id::{MessageId, ThreadId};
use crate::imap::orders::{FolderInfo, Row};
use crate::imap::{FolderKey, FolderState, Found, Role, gmail};
use crate::mail::Flags;
use crate::store::{Db, StoreError};

/// What both sides last agreed on of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Base {
    /// Its flags.
    #[serde(rename = "f")]
    pub(crate) flags: Flags,
    /// Its keywords.
    #[serde(rename = "k", skip_serializing_if = "Vec::is_empty")]
    pub(crate) keywords: Vec<String>,
    /// Its labels of Gmail, as it spells them.
    #[serde(rename = "g", skip_serializing_if = "Option::is_none")]
    pub(crate) labels: Option<Vec<String>>,
    /// What its folder said, of a message whose folder is gone.
    #[serde(rename = "o", skip_serializing_if = "Option::is_none")]
    pub(crate) said: Option<Folder>,
}

/// A message in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EdgeMessage {
    /// The folder.
    pub(crate) folder: FolderKey,
    /// Its UID.
    pub(crate) uid: u32,
    /// Where it is here; `None` for one that was not taken in.
    pub(crate) known: Option<(ThreadId, MessageId)>,
    /// What was agreed on.
    pub(crate) base: Base,
    /// Its bytes.
    pub(crate) size: u64,
    /// The folder that we took it from.
    pub(crate) moved_from: Option<FolderKey>,
    /// Whether it came here from this account.
    pub(crate) brought: bool,
}

/// A folder with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EdgeFolder {
    /// Its account.
    pub(crate) account: String,
    /// Its state.
    pub(crate) state: FolderState,
    /// What it says.
    pub(crate) info: FolderInfo,
}

/// The tables.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edges;

const COLUMNS: &str = "folder, uid, thread, message, base, size, movedFrom, brought";

impl Edges {
    /// The tables.
    pub(crate) const SQL: &'static str = "
        CREATE TABLE IF NOT EXISTS edgeFolders(
            key INTEGER PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL,
            shown TEXT NOT NULL, role TEXT NOT NULL, says TEXT NOT NULL,
            uidvalidity INTEGER NOT NULL DEFAULT 0, uidnext INTEGER NOT NULL DEFAULT 0,
            modseq INTEGER NOT NULL DEFAULT 0, keywords INTEGER NOT NULL DEFAULT 1,
            messages INTEGER NOT NULL DEFAULT 0, UNIQUE(account, name));
        CREATE TABLE IF NOT EXISTS edgeMessages(
            folder INTEGER NOT NULL, uid INTEGER NOT NULL, thread TEXT, message TEXT,
            base TEXT NOT NULL, size INTEGER NOT NULL DEFAULT 0, movedFrom INTEGER,
            brought INTEGER NOT NULL DEFAULT 0, problem TEXT,
            PRIMARY KEY(folder, uid)) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS edgeMessages_thread ON edgeMessages(thread);
        CREATE TABLE IF NOT EXISTS edgeGone(
            id INTEGER PRIMARY KEY, account TEXT NOT NULL, folder INTEGER NOT NULL,
            uid INTEGER NOT NULL, thread TEXT NOT NULL, message TEXT NOT NULL, base TEXT NOT NULL,
            size INTEGER NOT NULL, movedFrom INTEGER, brought INTEGER NOT NULL);
        CREATE INDEX IF NOT EXISTS edgeGone_message ON edgeGone(account, message);
        CREATE INDEX IF NOT EXISTS edgeGone_thread ON edgeGone(thread);
        CREATE TABLE IF NOT EXISTS edgeThreads(
            thread TEXT NOT NULL, account TEXT NOT NULL, agreed TEXT NOT NULL,
            dirty INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(thread, account)) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS edgeThreads_dirty ON edgeThreads(account, thread)
            WHERE dirty = 1;
        CREATE TABLE IF NOT EXISTS edgeTurns(
            one INTEGER PRIMARY KEY CHECK (one = 1), turn INTEGER NOT NULL);
    ";

    /// A number that was never given: what a change is named by.
    pub(crate) fn turn(db: &Db) -> Result<u64, StoreError> {
        let sql = "INSERT INTO edgeTurns VALUES (1, 1)
                   ON CONFLICT(one) DO UPDATE SET turn = turn + 1 RETURNING turn";
        let turn: i64 = db.sql().prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(turn.unsigned_abs())
    }

    /// The folders of an account.
    pub(crate) fn folders(db: &Db, account: &str) -> Result<Vec<EdgeFolder>, StoreError> {
        let sql = "SELECT * FROM edgeFolders WHERE account = ?1 ORDER BY key";
        let mut statement = db.sql().prepare_cached(sql)?;
        let rows = statement.query_map([account], folder)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// One folder.
    pub(crate) fn folder(db: &Db, key: FolderKey) -> Result<Option<EdgeFolder>, StoreError> {
        let mut statement = db.sql().prepare_cached("SELECT * FROM edgeFolders WHERE key = ?1")?;
        Ok(statement.query_row([key], folder).optional()?)
    }

    /// Names and uses of the folders that are listed.
    pub(crate) fn put_folder(db: &Db, account: &str, found: &Found) -> Result<(), StoreError> {
        let (role, says) = (json(&found.role), json(&found.says));
        let of = params![account, found.name, found.shown, role, says];
        let sql = "UPDATE edgeFolders SET shown = ?3, role = ?4, says = ?5
                   WHERE account = ?1 AND name = ?2";
        if db.sql().prepare_cached(sql)?.execute(of)? > 0 {
            return Ok(());
        }
        // A key of one that is gone is not given again: messages say which they were taken from.
        let turn = signed(Self::turn(db)?);
        let sql = "INSERT INTO edgeFolders(key, account, name, shown, role, says) VALUES (
                   max(?6, (SELECT ifnull(max(key), 0) + 1 FROM edgeFolders)), ?1, ?2, ?3, ?4, ?5)";
        let of = params![account, found.name, found.shown, role, says, turn];
        db.sql().prepare_cached(sql)?.execute(of)?;
        Ok(())
    }

    /// Forgets a folder; its messages must have left it.
    pub(crate) fn drop_folder(db: &Db, key: FolderKey) -> Result<(), StoreError> {
        for sql in
            ["DELETE FROM edgeMessages WHERE folder = ?1", "DELETE FROM edgeFolders WHERE key = ?1"]
        {
            db.sql().prepare_cached(sql)?.execute([key])?;
        }
        Ok(())
    }

    /// UIDs count from another beginning.
    pub(crate) fn revalidate(db: &Db, key: FolderKey, uidvalidity: u32) -> Result<(), StoreError> {
        let sql = "UPDATE edgeFolders SET uidvalidity = ?2, uidnext = 0, modseq = 0 WHERE key = ?1";
        db.sql().prepare_cached(sql)?.execute(params![key, uidvalidity])?;
        Ok(())
    }

    /// A folder was taken in up to here.
    pub(crate) fn stand(
        db: &Db,
        key: FolderKey,
        uidnext: u32,
        modseq: u64,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE edgeFolders SET uidnext = ?2, modseq = ?3,
                   messages = (SELECT count(*) FROM edgeMessages WHERE folder = ?1) WHERE key = ?1";
        db.sql().prepare_cached(sql)?.execute(params![key, uidnext, signed(modseq)])?;
        Ok(())
    }

    /// How many messages of a folder are known.
    pub(crate) fn count(db: &Db, key: FolderKey) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM edgeMessages WHERE folder = ?1";
        let count: i64 = db.sql().prepare_cached(sql)?.query_row([key], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Conversations that have a message, as far as a mail server brought it.
    pub(crate) fn threads_of(
        db: &Db,
        message: &MessageId,
        most: usize,
    ) -> Result<Vec<ThreadId>, StoreError> {
        let sql = "SELECT DISTINCT thread FROM edgeMessages
                   WHERE message = ?1 AND thread IS NOT NULL LIMIT ?2";
        let mut statement = db.sql().prepare_cached(sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows =
            statement.query_map(params![message.as_str(), most], |row| row.get::<_, String>(0))?;
        let id =
            |id: String| ThreadId::try_from(id).map_err(|error| StoreError::Row(error.to_string()));
        rows.map(|row| id(row?)).collect()
    }

    /// The accounts that have folders.
    pub(crate) fn accounts(db: &Db) -> Result<Vec<String>, StoreError> {
        let mut statement = db.sql().prepare_cached("SELECT DISTINCT account FROM edgeFolders")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The threads of which an account has a message, each once.
    pub(crate) fn threads_at(db: &Db, account: &str) -> Result<Vec<ThreadId>, StoreError> {
        let sql = "SELECT DISTINCT thread FROM edgeMessages WHERE thread IS NOT NULL
                   AND folder IN (SELECT key FROM edgeFolders WHERE account = ?1)";
        let mut statement = db.sql().prepare_cached(sql)?;
        let rows = statement.query_map([account], |row| row.get::<_, String>(0))?;
        let id =
            |id: String| ThreadId::try_from(id).map_err(|error| StoreError::Row(error.to_string()));
        rows.map(|row| id(row?)).collect()
    }

    /// Messages of a folder with UIDs in a range.
    pub(crate) fn range(
        db: &Db,
        key: FolderKey,
        uids: &RangeInclusive<u32>,
    ) -> Result<Vec<EdgeMessage>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM edgeMessages WHERE folder = ?1 AND uid BETWEEN ?2 AND ?3"
        );
        let mut statement = db.sql().prepare_cached(&sql)?;
        let rows = statement.query_map(params![key, uids.start(), uids.end()], held)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Messages of a conversation in an account's folders.
    pub(crate) fn of_thread(
        db: &Db,
        account: &str,
        thread: &ThreadId,
    ) -> Result<Vec<EdgeMessage>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM edgeMessages WHERE thread = ?1
             AND folder IN (SELECT key FROM edgeFolders WHERE account = ?2)"
        );
        let mut statement = db.sql().prepare_cached(&sql)?;
        let rows = statement.query_map(params![thread.as_str(), account], held)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Writes a message's row; a problem says why it was not taken in.
    pub(crate) fn put(
        db: &Db,
        held: &EdgeMessage,
        problem: Option<&str>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO edgeMessages
                   (folder, uid, thread, message, base, size, movedFrom, brought, problem)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let (thread, message) = held.known.as_ref().map(|(t, m)| (t.as_str(), m.as_str())).unzip();
        db.sql().prepare_cached(sql)?.execute(params![
            held.folder,
            held.uid,
            thread,
            message,
            json(&held.base),
            signed(held.size),
            held.moved_from,
            held.brought,
            problem
        ])?;
        Ok(())
    }

    /// Takes a message's row away.
    pub(crate) fn remove(db: &Db, held: &EdgeMessage) -> Result<(), StoreError> {
        let sql = "DELETE FROM edgeMessages WHERE folder = ?1 AND uid = ?2";
        db.sql().prepare_cached(sql)?.execute(params![held.folder, held.uid])?;
        Ok(())
    }

    /// A message left its folder; where to is seen later.
    pub(crate) fn leave(db: &Db, account: &str, held: &EdgeMessage) -> Result<(), StoreError> {
        Self::remove(db, held)?;
        let Some((thread, message)) = &held.known else { return Ok(()) };
        let sql = "INSERT INTO edgeGone
                   (account, folder, uid, thread, message, base, size, movedFrom, brought)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        db.sql().prepare_cached(sql)?.execute(params![
            account,
            held.folder,
            held.uid,
            thread.as_str(),
            message.as_str(),
            json(&held.base),
            signed(held.size),
            held.moved_from,
            held.brought
        ])?;
        Ok(())
    }

    /// A message left its folder, and another one has it too: whether it is also in a third is
    /// known when all were looked at. Nothing claims this row, which has no message's name.
    pub(crate) fn leave_behind(
        db: &Db,
        account: &str,
        held: &EdgeMessage,
    ) -> Result<(), StoreError> {
        Self::remove(db, held)?;
        let Some((thread, _)) = &held.known else { return Ok(()) };
        let sql = "INSERT INTO edgeGone(account, folder, uid, thread, message, base, size, brought)
                   VALUES (?1, ?2, ?3, ?4, '', '{}', 0, 0)";
        let of = params![account, held.folder, held.uid, thread.as_str()];
        db.sql().prepare_cached(sql)?.execute(of)?;
        Ok(())
    }

    /// A message left its folder by our own word: to a place that is known, or that is seen later.
    pub(crate) fn leave_or_remove(
        db: &Db,
        account: &str,
        held: &EdgeMessage,
        known: bool,
    ) -> Result<(), StoreError> {
        if known {
            return Self::remove(db, held);
        }
        let moved = EdgeMessage { moved_from: Some(held.folder), ..held.clone() };
        Self::leave(db, account, &moved)
    }

    /// A message that left a folder and is met again: what it was there.
    pub(crate) fn claim(
        db: &Db,
        account: &str,
        message: &MessageId,
    ) -> Result<Option<EdgeMessage>, StoreError> {
        let sql = format!(
            "DELETE FROM edgeGone WHERE id = (SELECT min(id) FROM edgeGone
             WHERE account = ?1 AND message = ?2) RETURNING {COLUMNS}"
        );
        let mut statement = db.sql().prepare_cached(&sql)?;
        Ok(statement.query_row(params![account, message.as_str()], held).optional()?)
    }

    /// Everything that left a folder of an account and was not met again; forgotten with this.
    pub(crate) fn take_gone(db: &Db, account: &str) -> Result<Vec<EdgeMessage>, StoreError> {
        let sql = format!("DELETE FROM edgeGone WHERE account = ?1 RETURNING {COLUMNS}");
        let mut statement = db.sql().prepare_cached(&sql)?;
        let rows = statement.query_map([account], held)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a message of a conversation left a folder of an account and was not met again yet.
    pub(crate) fn is_away(db: &Db, account: &str, thread: &ThreadId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM edgeGone WHERE account = ?1 AND thread = ?2";
        Ok(db.sql().prepare_cached(sql)?.exists(params![account, thread.as_str()])?)
    }

    /// How many messages left a folder of an account and were not met again yet.
    pub(crate) fn count_away(db: &Db, account: &str) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM edgeGone WHERE account = ?1";
        let count: i64 = db.sql().prepare_cached(sql)?.query_row([account], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Whether any folder of any account has a message.
    pub(crate) fn is_somewhere(
        db: &Db,
        thread: &ThreadId,
        message: &MessageId,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM edgeMessages WHERE thread = ?1 AND message = ?2";
        let mut statement = db.sql().prepare_cached(sql)?;
        Ok(statement.exists(params![thread.as_str(), message.as_str()])?)
    }

    /// What was agreed on of a conversation.
    pub(crate) fn agreed(
        db: &Db,
        account: &str,
        thread: &ThreadId,
        now: i64,
    ) -> Result<Option<Agreed>, StoreError> {
        let sql = "SELECT agreed FROM edgeThreads WHERE thread = ?1 AND account = ?2";
        let mut statement = db.sql().prepare_cached(sql)?;
        let text: Option<String> =
            statement.query_row(params![thread.as_str(), account], |row| row.get(0)).optional()?;
        Ok(text.and_then(|text| parsed::<Agreed>(&text)).map(|agreed| agreed.adopted(now)))
    }

    /// Writes what was agreed on; `dirty` when something may have to be written.
    pub(crate) fn agree(
        db: &Db,
        account: &str,
        thread: &ThreadId,
        agreed: &Agreed,
        dirty: Dirty,
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO edgeThreads(thread, account, agreed, dirty)
                   VALUES (?1, ?2, ?3, ?4)";
        db.sql().prepare_cached(sql)?.execute(params![
            thread.as_str(),
            account,
            json(agreed),
            dirty as i64
        ])?;
        Ok(())
    }

    /// A conversation changed here; whether a server has any of it.
    pub(crate) fn touch(db: &Db, thread: &ThreadId) -> Result<bool, StoreError> {
        let sql = "UPDATE edgeThreads SET dirty = 1 WHERE thread = ?1";
        Ok(db.sql().prepare_cached(sql)?.execute([thread.as_str()])? > 0)
    }

    /// Conversations of which something may have to be written; `fresh` ones only, of which nothing
    /// was sent that is not confirmed.
    pub(crate) fn dirty(
        db: &Db,
        account: &str,
        most: usize,
        fresh: bool,
    ) -> Result<Vec<ThreadId>, StoreError> {
        let sql = "SELECT thread FROM edgeThreads WHERE account = ?1 AND dirty = 1
                   AND NOT (?3 AND coalesce(json_extract(agreed, '$.u'),
                                            json_extract(agreed, '$.w')) IS NOT NULL) LIMIT ?2";
        let mut statement = db.sql().prepare_cached(sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let of = params![account, most, fresh];
        let rows = statement.query_map(of, |row| row.get::<_, String>(0))?;
        let mut threads = Vec::new();
        for row in rows {
            threads.extend(ThreadId::try_from(row?).ok());
        }
        Ok(threads)
    }

    /// Conversations that wait for a look at all folders are looked at again.
    pub(crate) fn wake(db: &Db, account: &str) -> Result<(), StoreError> {
        let sql = "UPDATE edgeThreads SET dirty = 1 WHERE account = ?1 AND dirty = 2";
        db.sql().prepare_cached(sql)?.execute([account])?;
        Ok(())
    }

    /// An account goes: what it agreed on is forgotten, mail stays.
    pub(crate) fn forget(db: &Db, account: &str) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM edgeMessages WHERE folder IN
             (SELECT key FROM edgeFolders WHERE account = ?1)",
            "DELETE FROM edgeGone WHERE account = ?1",
            "DELETE FROM edgeThreads WHERE account = ?1",
            "DELETE FROM edgeFolders WHERE account = ?1",
            "DELETE FROM edgeConflicts WHERE account = ?1",
        ] {
            db.sql().execute(sql, [account])?;
        }
        Ok(())
    }
}

/// Whether something may have to be written of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dirty {
    /// Nothing.
    No = 0,
    /// It is to be looked at.
    Yes = 1,
    /// It is looked at again after all folders were.
    Later = 2,
}

impl EdgeMessage {
    /// The same, marked as deleted.
    pub(crate) fn marked(&self) -> Self {
        let mut marked = self.clone();
        marked.base.flags.trashed = true;
        marked
    }

    /// Whether it is starred there.
    pub(crate) fn is_starred(&self) -> bool {
        let flags = self.base.flags;
        self.base.labels.as_ref().map_or(flags, |held| gmail::flags(flags, held)).starred
    }

    /// As the orders see it.
    pub(crate) fn row(&self) -> Option<Row> {
        let (_, message) = self.known.as_ref()?;
        Some(Row {
            folder: self.folder,
            uid: self.uid,
            message: message.clone(),
            base: self.base.flags,
            keywords: self.base.keywords.clone(),
            labels: self.base.labels.clone(),
            moved_from: self.moved_from,
        })
    }
}

fn folder(row: &SqlRow<'_>) -> rusqlite::Result<EdgeFolder> {
    let role: Role = parsed(&row.get::<_, String>("role")?).unwrap_or(Role::Label);
    let says: Folder = parsed(&row.get::<_, String>("says")?).unwrap_or_default();
    let number = |name: &str| row.get::<_, i64>(name).map(i64::unsigned_abs);
    let uid = |name: &str| number(name).map(|value| u32::try_from(value).unwrap_or(u32::MAX));
    Ok(EdgeFolder {
        account: row.get("account")?,
        state: FolderState {
            key: row.get("key")?,
            name: row.get("name")?,
            shown: row.get("shown")?,
            role,
            says: says.clone(),
            uidvalidity: uid("uidvalidity")?,
            uidnext: uid("uidnext")?,
            modseq: number("modseq")?,
            messages: number("messages")?,
        },
        info: FolderInfo { role, says, keywords: row.get("keywords")? },
    })
}

fn held(row: &SqlRow<'_>) -> rusqlite::Result<EdgeMessage> {
    let thread = row.get::<_, Option<String>>(2)?.and_then(|id| ThreadId::try_from(id).ok());
    let message = row.get::<_, Option<String>>(3)?.and_then(|id| MessageId::try_from(id).ok());
    Ok(EdgeMessage {
        folder: row.get(0)?,
        uid: row.get(1)?,
        known: thread.zip(message),
        base: parsed(&row.get::<_, String>(4)?).unwrap_or_default(),
        size: row.get::<_, i64>(5)?.unsigned_abs(),
        moved_from: row.get(6)?,
        brought: row.get(7)?,
    })
}

fn parsed<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Numbers of a server are below 2⁶³ (RFC 7162, section 3.1); a hostile one's are cut.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
