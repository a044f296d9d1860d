//! From the logs to the index of words: what came since, a batch at a time.
//!
//! Invariant: the logs are only read. A batch and how far it reaches are one transaction of the
//! index, so that a batch which is done twice changes nothing, and a purge that comes between is
//! seen by the next. What cannot be read of a message takes no other along.

use std::path::{Path, PathBuf};

use crate::backend::storage::{self, Snapshots};
use crate::id::ThreadId;
use crate::mail::{self, Searchable};
use crate::search::entry::{Entry, Texts};
use crate::search::index::{At, Index, is_spoilt};
use crate::store::{Arrived, Blobs, Db, Log, StoreError};
use crate::thread::{MessageAdded, ThreadEvent, name};

/// Events of a batch, at most: in larger ones words are sorted in memory and merged less.
const BATCH: usize = 2_000;
/// Bytes of arguments that a batch reads, about.
const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of words that are held, about; then they are written.
const HELD_BYTES: usize = 8 * 1024 * 1024;
/// Events that change what is found.
const NAMES: [&str; 3] = [name::MESSAGE_ADDED, name::MESSAGE_REMOVED, name::MESSAGE_RETURNED];

/// The logs, and the index that follows them.
#[derive(Debug)]
pub(crate) struct Feed {
    dir: PathBuf,
    logs: Db,
    index: Index,
    at: At,
    /// Messages that were put in since parts were put together.
    added: usize,
}

impl Feed {
    /// Opens both; `None` where there are no logs. An index of other logs is made again.
    pub(crate) fn open(dir: &Path) -> Result<Option<Self>, StoreError> {
        let Some(logs) = storage::read(dir)? else { return Ok(None) };
        let index = Index::open(dir)?;
        let at = index.at()?;
        let mut feed = Self { dir: dir.to_owned(), logs, index, at, added: 0 };
        if !feed.is_of_these_logs()? {
            feed.begin_again()?;
        }
        Ok(Some(feed))
    }

    /// Forgets all that is in the index.
    fn begin_again(&mut self) -> Result<(), StoreError> {
        Index::remove(&self.dir)?;
        self.index = Index::open(&self.dir)?;
        let source = Snapshots::setting(&self.logs, "backend")?.unwrap_or_default();
        self.at = At { source, ..At::default() };
        Ok(())
    }

    fn is_of_these_logs(&self) -> Result<bool, StoreError> {
        is_of(&self.logs, &self.at)
    }

    /// Takes the next batch in; `false` when there was none. `go_on` is asked between messages:
    /// when it says no, nothing of the batch is kept.
    pub(crate) fn step(&mut self, go_on: &dyn Fn() -> bool) -> Result<bool, StoreError> {
        let stepped = self.try_step(go_on);
        if let Err(error) = &stepped {
            self.index.roll_back();
            if is_spoilt(error) {
                // Which of the two files it is, is seen when they are opened.
                self.begin_again()?;
                return Ok(true);
            }
        }
        stepped
    }

    fn try_step(&mut self, go_on: &dyn Fn() -> bool) -> Result<bool, StoreError> {
        // Before the events are read: a purge that comes later is one more.
        let purges = purges(&self.logs)?;
        let (events, through) = Log::arrived(&self.logs, self.at.row, &NAMES, BATCH, BATCH_BYTES)?;
        if through <= self.at.row && purges == self.at.purges {
            return Ok(false);
        }
        self.index.begin()?;
        let purged = purges != self.at.purges;
        if purged {
            self.forget_purged()?;
        }
        let Some((through, added)) = self.take(&events, through, go_on)? else {
            self.index.roll_back();
            return Ok(false);
        };
        let at = At {
            row: through,
            mark: hex(&Log::mark_of_row(&self.logs, through)?.unwrap_or_default()),
            purges,
            source: self.at.source.clone(),
        };
        self.index.set_at(&at)?;
        if purged {
            self.index.want_merge()?;
        }
        self.index.commit()?;
        (self.at, self.added) = (at, self.added + added);
        Ok(true)
    }

    /// Puts events in; up to which row, and how many messages. `None` when it was not to go on.
    fn take(
        &self,
        events: &[Arrived],
        through: i64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<(i64, usize)>, StoreError> {
        let (mut held, mut size, mut added) = (Vec::new(), 0, 0);
        for event in events {
            if !go_on() {
                return Ok(None);
            }
            let (Some(thread), Some(args)) = (event.store.as_thread(), &event.args) else {
                continue;
            };
            match ThreadEvent::read(&event.name, args) {
                Some(ThreadEvent::Message(message)) => {
                    let entry = entry(&self.logs, thread, message);
                    size += entry.texts.body.len();
                    held.push(entry);
                    added += 1;
                }
                Some(ThreadEvent::Removed(only, gone)) => {
                    // What it is about may be among those that are held.
                    self.index.add(&held)?;
                    held.clear();
                    size = 0;
                    self.index.hide(&thread, &only.message, gone)?;
                }
                _ => {}
            }
            if size > HELD_BYTES {
                self.index.add(&held)?;
                return Ok(Some((event.row, added)));
            }
        }
        self.index.add(&held)?;
        Ok(Some((through, added)))
    }

    /// Puts the parts of the index together, a little at a time, where that is worth it: after very
    /// many messages, and after a purge, whose words are in it until then. `false` when it is done.
    pub(crate) fn merge(&mut self) -> Result<bool, StoreError> {
        if self.added > MERGE_AFTER {
            self.index.begin()?;
            self.index.want_merge()?;
            self.index.commit()?;
            self.added = 0;
        }
        self.index.merge_some()
    }

    fn forget_purged(&self) -> Result<(), StoreError> {
        let mut statement = self.logs.sql().prepare_cached("SELECT thread FROM purged")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let thread: String = row.get(0)?;
            if let Ok(thread) = ThreadId::try_from(thread) {
                self.index.drop_thread(&thread)?;
            }
        }
        Ok(())
    }
}

/// Messages that came before the parts of the index are put together.
const MERGE_AFTER: usize = 10_000;

/// How many messages the index in a directory lacks, counted up to `most`.
pub(crate) fn behind(dir: &Path, most: usize) -> Result<usize, StoreError> {
    let Some(logs) = storage::read(dir)? else { return Ok(0) };
    let at = match Index::read(dir) {
        Ok(Some(index)) => index.at()?,
        Ok(None) => At::default(),
        Err(error) if is_spoilt(&error) => At::default(),
        Err(error) => return Err(error),
    };
    let row = if is_of(&logs, &at)? { at.row } else { 0 };
    Log::arrived_count(&logs, row, &NAMES, most)
}

/// Whether an index that is so far is one of these logs: they are the same up to there.
fn is_of(logs: &Db, at: &At) -> Result<bool, StoreError> {
    let source = Snapshots::setting(logs, "backend")?.unwrap_or_default();
    if source != at.source || at.row > Log::last_row(logs)?.max(last_number(logs)?) {
        return Ok(false);
    }
    // A row that was purged since says nothing; then the number alone does.
    let mark = Log::mark_of_row(logs, at.row)?;
    Ok(mark.is_none_or(|mark| hex(&mark) == at.mark))
}

/// The last number that a row of the logs was given.
fn last_number(logs: &Db) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'eventlog'";
    Ok(logs.sql().prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

fn purges(logs: &Db) -> Result<u64, StoreError> {
    let mut count = logs.sql().prepare_cached("SELECT count(*) FROM purged")?;
    let count: i64 = count.query_row([], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// A message as it goes into the index: from its bytes, or, where they cannot be read, from what
/// its event says.
fn entry(logs: &Db, thread: ThreadId, message: MessageAdded) -> Entry {
    let raw = Blobs::get(logs, &message.raw).ok().flatten();
    let found = match raw {
        Some(raw) => mail::searchable(&raw),
        None => said(logs, &message),
    };
    Entry {
        thread,
        date: message.sort_date,
        size: message.size,
        attached: found.attached,
        message_id: message.message_id.unwrap_or_default(),
        texts: Texts::of(&found),
        message: message.message,
        raw: message.raw,
    }
}

/// What an event says of its message.
fn said(logs: &Db, message: &MessageAdded) -> Searchable {
    let long = message.text_blob.as_ref().and_then(|blob| Blobs::get(logs, blob).ok().flatten());
    let long = long.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Searchable {
        subject: message.subject.clone().unwrap_or_default(),
        from: message.from.iter().chain(&message.reply_to).cloned().collect(),
        to: message.to.clone(),
        cc: message.cc.clone(),
        bcc: message.bcc.clone(),
        text: message.text.clone().or(long).unwrap_or_default(),
        files: message.attachments.iter().filter_map(|part| part.name.clone()).collect(),
        attached: !message.attachments.is_empty(),
        ..Searchable::default()
    }
}
