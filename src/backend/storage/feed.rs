//! From the logs to the index of words: what came since, a batch at a time.
//!
//! Invariant: the logs are only read. A batch and how far it reaches are one transaction of the
//! index, so that a batch which is done twice changes nothing, and a purge that comes between is
//! seen by the next. What cannot be read of a message takes no other along.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backend::storage::{self, Edges, Snapshots};
use crate::id::{BlobHash, StoreId, ThreadId};
use crate::mail::{self, Address, Searchable};
use crate::search::ahead::Ahead;
use crate::search::entry::{Entry, Words};
use crate::search::index::{At, Index, is_spoilt};
use crate::store::{Args, Arrived, Blobs, Db, Kind, Log, StoreError};
use crate::thread::{MessageAdded, ThreadEvent, name};

/// Events of a batch, at most: in larger ones words are sorted in memory and merged less.
const BATCH: usize = 2_000;
/// Bytes of arguments that a batch reads, about.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of words that are held, about; then they are written.
const HELD_BYTES: usize = 8 * 1024 * 1024;
/// Events whose mail is read of one moment of the logs: a reader that looks anew for each has to
/// read what it knew again, and one that never does keeps the write-ahead log from beginning anew.
const MOMENT: usize = 64;
/// Events that change what is found.
const NAMES: [&str; 4] =
    [name::MESSAGE_ADDED, name::MESSAGE_REPARSED, name::MESSAGE_REMOVED, name::MESSAGE_RETURNED];

/// Whose logs are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logs {
    /// A backend's: what goes was purged.
    Backend,
    /// Those that a device of a remote backend keeps, in a file of this format: what goes is kept
    /// no longer.
    Kept(u32),
}

/// The logs, and the index that follows them.
#[derive(Debug)]
pub(crate) struct Feed {
    dir: PathBuf,
    kind: Logs,
    logs: Db,
    index: Index,
    /// Words that were read before.
    ahead: Option<Arc<Ahead>>,
    /// Messages that were put in since parts were put together.
    added: usize,
    /// The last step left some of what was there.
    behind: bool,
}

impl Logs {
    /// Opens them for reading; `None` where there are none.
    fn open(self, dir: &Path) -> Result<Option<Db>, StoreError> {
        match self {
            Self::Backend => storage::read(dir),
            Self::Kept(version) => Db::read(&dir.join("threads.db"), Kind::Threads, version),
        }
    }

    /// What the logs are known by.
    fn name(self, logs: &Db) -> Result<String, StoreError> {
        match self {
            Self::Backend => Ok(Snapshots::setting(logs, "backend")?.unwrap_or_default()),
            Self::Kept(_) => Ok("kept".to_owned()),
        }
    }

    /// A number that is another when a log went.
    fn gone(self, logs: &Db) -> Result<u64, StoreError> {
        let sql = match self {
            Self::Backend => "SELECT count(*) FROM purged",
            // Also when another came in its place.
            Self::Kept(_) => {
                "SELECT count(*) + coalesce(sum(key * key), 0) FROM stores WHERE head > 0"
            }
        };
        let count: i64 = logs.sql().prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Whether an index that is so far is one of these logs: they are the same up to there.
    fn are_those_of(self, logs: &Db, at: &At) -> Result<bool, StoreError> {
        if self.name(logs)? != at.source || at.row > last_number(logs)? {
            return Ok(false);
        }
        // A row that was purged since says nothing; then the number alone does.
        let mark = Log::mark_of_row(logs, at.row)?;
        Ok(mark.is_none_or(|mark| hex(&mark) == at.mark))
    }
}

impl Feed {
    /// Opens both; `None` where there are no logs. An index of other logs is made again.
    pub(crate) fn open(dir: &Path, kind: Logs) -> Result<Option<Self>, StoreError> {
        let Some(logs) = kind.open(dir)? else { return Ok(None) };
        let index = Index::open(dir)?;
        let dir = dir.to_owned();
        let mut feed = Self { dir, kind, logs, index, ahead: None, added: 0, behind: false };
        if !kind.are_those_of(&feed.logs, &feed.index.at()?)? {
            feed.begin_again()?;
        }
        Ok(Some(feed))
    }

    /// Takes words from there that were read before.
    pub(crate) fn with(self, ahead: Arc<Ahead>) -> Self {
        Self { ahead: Some(ahead), ..self }
    }

    /// Whether the last step left some of what was there when it began.
    pub(crate) const fn is_behind(&self) -> bool {
        self.behind
    }

    /// Forgets all that is in the index.
    fn begin_again(&mut self) -> Result<(), StoreError> {
        Index::remove(&self.dir)?;
        self.index = Index::open(&self.dir)?;
        let source = self.kind.name(&self.logs)?;
        self.index.begin()?;
        self.index.set_at(&At { source, ..At::default() })?;
        self.index.commit()
    }

    /// Takes the next batch in; how many events it had, `None` when there was none.
    /// `go_on` is asked
    /// between messages: when it says no, nothing of the batch is kept.
    pub(crate) fn step(&mut self, go_on: &dyn Fn() -> bool) -> Result<Option<usize>, StoreError> {
        let stepped = self.try_step(go_on);
        self.index.roll_back();
        match stepped {
            Err(error) if is_spoilt(&error) => {
                // The logs are only read: were they at fault, it would be seen again at once.
                self.kind.gone(&self.logs)?;
                self.begin_again()?;
                Ok(Some(0))
            }
            other => other,
        }
    }

    fn try_step(&mut self, go_on: &dyn Fn() -> bool) -> Result<Option<usize>, StoreError> {
        let is_new = |feed: &Self| -> Result<(At, u64, bool), StoreError> {
            let (at, gone) = (feed.index.at()?, feed.kind.gone(&feed.logs)?);
            let is_new = Log::last_row(&feed.logs)? > at.row || gone != at.gone;
            Ok((at, gone, is_new))
        };
        if !is_new(self)?.2 {
            return Ok(None);
        }
        // Another process may have done it meanwhile; from here on none does.
        self.index.begin()?;
        // Before the events are read: a log that goes later is one more.
        let (at, gone, is_new) = is_new(self)?;
        if !is_new {
            return Ok(None);
        }
        let last = Log::last_row(&self.logs)?;
        let (events, through) = Log::arrived(&self.logs, at.row, &NAMES, BATCH, BATCH_BYTES)?;
        if self.added > MERGE_AFTER {
            self.index.begin_bulk()?;
        }
        if gone != at.gone {
            self.forget_gone()?;
            self.index.want_merge()?;
        }
        let rows: Vec<i64> = events.iter().map(|event| event.row).collect();
        let Some((row, added)) = self.take(events, through, go_on)? else { return Ok(None) };
        let mark = hex(&Log::mark_of_row(&self.logs, row)?.unwrap_or_default());
        self.index.set_at(&At { row, mark, gone, source: at.source })?;
        self.index.commit()?;
        self.added += added;
        self.behind = row < last;
        Ok(Some(rows.partition_point(|at| *at <= row)))
    }

    /// Puts events in; up to which row, and how many messages. `None` when it was not to go on.
    fn take(
        &self,
        events: Vec<Arrived>,
        through: i64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<(i64, usize)>, StoreError> {
        let (mut held, mut size, mut added) = (Vec::new(), 0, 0);
        let mut still = None;
        // One after the other is let go: the texts of all of them would be held twice.
        for (at, event) in events.into_iter().enumerate() {
            if !go_on() {
                return Ok(None);
            }
            if at % MOMENT == 0 {
                drop(still.take());
                still = Some(self.logs.still()?);
            }
            let (Some(thread), Some(args)) = (event.store.as_thread(), &event.args) else {
                continue;
            };
            match ThreadEvent::read(&event.name, args) {
                Some(ThreadEvent::Message(message)) => {
                    let entry = self.to_entry(thread, message);
                    size += entry.texts.body.len();
                    held.push(entry);
                    added += 1;
                }
                Some(ThreadEvent::Reparsed(message)) => {
                    // What it stands in the place of may be among those that are held.
                    self.index.add(&held)?;
                    held.clear();
                    size = 0;
                    let had = self.bytes_of(&thread, &message)?;
                    self.index.replace(&self.to_entry(thread, message), &had)?;
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

    /// A message as it goes into the index: from its bytes, or, where they cannot be read, from
    /// what its event says.
    fn to_entry(&self, thread: ThreadId, message: MessageAdded) -> Entry {
        let ahead = self.ahead.as_ref().and_then(|ahead| ahead.take(&message.raw));
        let mut words = ahead.unwrap_or_else(|| {
            let raw = Blobs::get(&self.logs, &message.raw).ok().flatten();
            let searchable = raw.map(|raw| mail::searchable(&raw));
            Words::of(&searchable.unwrap_or_else(|| said(&self.logs, &message)))
        });
        // No bytes of what was sent here have it.
        words.texts.add_bcc(&message.bcc);
        Entry {
            thread,
            date: message.sort_date,
            size: message.size,
            attached: words.attached,
            message_id: message.message_id.unwrap_or_default(),
            texts: words.texts,
            list: words.list,
            message: message.message,
            raw: message.raw,
        }
    }

    /// The names of all bytes by which a message was read, its copies' aside.
    fn bytes_of(
        &self,
        thread: &ThreadId,
        message: &MessageAdded,
    ) -> Result<Vec<BlobHash>, StoreError> {
        let (store, mut had) = (StoreId::thread(thread), Vec::new());
        for name in [name::MESSAGE_ADDED, name::MESSAGE_REPARSED] {
            for args in Log::named(&self.logs, &store, name)? {
                let of = args.read::<MessageAdded>();
                let of = of.filter(|of| !of.copy && of.message == message.message);
                had.extend(of.map(|of| of.raw));
            }
        }
        Ok(had)
    }

    /// Puts the parts of the index together, a little at a time, where that is worth it: after very
    /// many messages, and after a purge, whose words are in it until then. `false` when it is done.
    pub(crate) fn merge(&mut self) -> Result<bool, StoreError> {
        // Of a large index, putting a few more to the rest reads and writes all of it.
        if self.added > MERGE_AFTER && self.added as u64 > self.index.count()? / MERGE_FROM {
            self.index.begin()?;
            self.index.want_merge()?;
            self.index.commit()?;
            self.added = 0;
        }
        self.index.merge_some()
    }

    /// Takes out what has no log any more.
    fn forget_gone(&self) -> Result<(), StoreError> {
        let gone = match self.kind {
            Logs::Backend => {
                let mut all = self.logs.sql().prepare_cached("SELECT thread FROM purged")?;
                let all = all.query_map([], |row| row.get::<_, String>(0))?;
                all.collect::<Result<Vec<_>, _>>()?
            }
            Logs::Kept(_) => {
                let mut gone = self.index.threads()?;
                let sql = "SELECT 1 FROM stores WHERE id = 'thread-' || ?1 AND head > 0";
                let mut find = self.logs.sql().prepare_cached(sql)?;
                let mut found = Vec::with_capacity(gone.len());
                for thread in &gone {
                    found.push(find.exists([thread])?);
                }
                let mut found = found.into_iter();
                gone.retain(|_| !found.next().unwrap_or(true));
                gone
            }
        };
        for thread in gone {
            if let Ok(thread) = ThreadId::try_from(thread) {
                self.index.drop_thread(&thread)?;
            }
        }
        Ok(())
    }
}

/// Messages that came before the parts of the index are put together.
const MERGE_AFTER: usize = 10_000;
/// And which part of all they have to be, at least: one in so many.
const MERGE_FROM: u64 = 8;

/// The index in a directory, as it is.
#[derive(Debug, Default)]
pub struct Looked {
    /// For reading; `None` where none was made yet, or what is there is of no use.
    pub index: Option<Index>,
    /// How many messages it lacks, counted up to a bound.
    pub lacks: usize,
    /// It has what is gone.
    pub stale: bool,
}

/// Looks at the index in a directory; what it lacks is counted up to `most`.
pub(crate) fn look(dir: &Path, kind: Logs, most: usize) -> Result<Looked, StoreError> {
    let Some(logs) = kind.open(dir)? else { return Ok(Looked::default()) };
    let index = match Index::read(dir) {
        Err(error) if is_spoilt(&error) => None,
        index => index?,
    };
    let at = match index.as_ref().map(Index::at).transpose() {
        Err(error) if is_spoilt(&error) => At::default(),
        at => at?.unwrap_or_default(),
    };
    let theirs = kind.are_those_of(&logs, &at)?;
    let lacks = Log::arrived_count(&logs, if theirs { at.row } else { 0 }, &NAMES, most)?;
    let stale = index.is_some() && kind.gone(&logs)? != at.gone;
    Ok(Looked { index, lacks, stale })
}

/// The texts of messages, for who shows where a word stands.
#[derive(Debug)]
pub struct Texts {
    logs: Db,
}

impl Texts {
    /// Opens the logs in a directory for reading; `None` where there are none.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn open(dir: &Path, kind: Logs) -> Result<Option<Self>, StoreError> {
        Ok(kind.open(dir)?.map(|logs| Self { logs }))
    }

    /// The shown text of the message of a thread that has this date; `None` where it is not here.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn of(&self, thread: &ThreadId, date: i64) -> Result<Option<String>, StoreError> {
        let store = StoreId::thread(thread);
        let again = Log::named(&self.logs, &store, name::MESSAGE_REPARSED)?;
        for args in Log::named(&self.logs, &store, name::MESSAGE_ADDED)? {
            let Some(ThreadEvent::Message(message)) = ThreadEvent::read(name::MESSAGE_ADDED, &args)
            else {
                continue;
            };
            if message.sort_date == date {
                let again = again.iter().rev().filter_map(Args::read::<MessageAdded>);
                let again = again.filter(|_| !message.copy);
                let mut of = again.filter(|again| again.message == message.message);
                return Ok(Some(said(&self.logs, of.next().as_ref().unwrap_or(&message)).text));
            }
        }
        Ok(None)
    }

    /// The accounts that were fetched.
    ///
    /// # Errors
    /// When the database refuses.
    pub(crate) fn accounts(&self) -> Result<Vec<String>, StoreError> {
        Edges::accounts(&self.logs)
    }

    /// The threads of which an account's server has a message.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn of_account(&self, account: &str) -> Result<Vec<ThreadId>, StoreError> {
        Edges::threads_at(&self.logs, account)
    }

    /// To whom the messages of a thread went that are the user's own, and when.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn sent_to(&self, thread: &ThreadId) -> Result<Vec<(Vec<Address>, i64)>, StoreError> {
        let store = StoreId::thread(thread);
        let mut found = Vec::new();
        for args in Log::named(&self.logs, &store, name::MESSAGE_ADDED)? {
            if let Some(ThreadEvent::Message(message)) =
                ThreadEvent::read(name::MESSAGE_ADDED, &args)
                && message.sent
                && !message.flags.draft
            {
                let at = message.sort_date;
                found.push(([message.to, message.cc, message.bcc].concat(), at));
            }
        }
        Ok(found)
    }
}

/// The last number that a row of the logs was given.
fn last_number(logs: &Db) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'eventlog'";
    Ok(logs.sql().prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
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
