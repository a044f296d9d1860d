//! The backend's part of `doctor`: every thread projected anew at its watermark, and compared.
//!
//! Invariant: looking writes nothing, so that it can be done beside a running backend; repairs are
//! events. What was found is said even when it could be repaired.

use std::path::Path;

use crate::backend::bootstrap;
use crate::backend::core::Backend;
use crate::backend::outbox;
use crate::backend::storage::references::{self, Miscounted};
use crate::backend::storage::{self, Again, Conflicts, Index, Links, Purged, Queue};
use crate::id::{StoreId, ThreadId};
use crate::imap::Conflict;
use crate::limits::TRASH_KEPT;
use crate::mailbox;
use crate::projection::{of_row, of_thread};
use crate::store::{Blobs, Db, Kind, Log, StoreError, Uploads};
use crate::thread::{ThreadState, name};

/// Something that was wrong.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// A stable word.
    pub code: String,
    /// One line.
    pub detail: String,
    /// Whether it is right now.
    pub repaired: bool,
}

impl Finding {
    pub(super) fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), repaired: false }
    }
}

/// Looks at the files of a backend that may be running.
///
/// # Errors
/// When a file cannot even be read.
pub fn inspect(dir: &Path) -> Result<Vec<Finding>, StoreError> {
    let path = dir.join("mailbox.db");
    let mailbox = Db::read(&path, Kind::Mailbox, mailbox::VERSION)?;
    let threads = storage::read(dir)?;
    let (Some(mut mailbox), Some(mut threads)) = (mailbox, threads) else {
        return Ok(Vec::new());
    };
    // One moment of each; that of the logs is the later one, as it is when rows are made of them.
    mailbox.begin_read()?;
    threads.begin_read()?;
    let mut found = check_files(&[&threads, &mailbox])?;
    found.extend(check_logs(&threads, &mailbox, &|| true)?);
    let rows = check_rows(&threads, &mailbox, &|| true)?;
    found.extend(rows.into_iter().map(|(_, finding)| finding));
    found.extend(check_left(&threads)?);
    found.extend(Links::are_wrong(&threads)?.then(astray_links));
    found.extend(references::wrong(&threads)?.iter().map(|wrong| referred(*wrong)));
    found.extend(rebuild(&mailbox, dir)?);
    found.extend(outbox::missing(&threads)?.iter().map(outbox::forgotten));
    Ok(found)
}

/// Threads in a backend's directory that are not yet projected again, and of how many; see
/// [`Backend::projecting`].
///
/// # Errors
/// When the file is damaged or newer.
pub fn projecting(dir: &Path) -> Result<Option<(u64, u64)>, StoreError> {
    storage::read(dir)?.map_or(Ok(None), |threads| Again::progress(&threads))
}

/// Where an account's server said otherwise than what was done here, the newest last; of a backend
/// in `dir`.
///
/// # Errors
/// When the file is damaged or newer.
pub fn conflicts(dir: &Path, account: &str) -> Result<Vec<Conflict>, StoreError> {
    storage::read(dir)?.map_or(Ok(Vec::new()), |threads| Conflicts::of(&threads, account))
}

/// The mail that a backend holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holds {
    /// Messages, copies included.
    pub messages: u64,
    /// Their bytes, as they came.
    pub bytes: u64,
    /// Blobs, and those of them that no event names: they go 30 days after they came.
    pub blobs: (u64, u64),
    /// Blobs that are half here.
    pub uploads: u64,
    /// Threads in trash.
    pub trashed: u64,
    /// Those that are there for longer than trash is kept.
    pub ripe: u64,
}

/// Counts the mail in a backend's directory; `None` when there is no backend.
///
/// # Errors
/// When a file is damaged or newer.
pub fn holds(dir: &Path, now: i64) -> Result<Option<Holds>, StoreError> {
    #[derive(serde::Deserialize)]
    struct Size {
        size: u64,
    }
    let Some(mut threads) = storage::read(dir)? else { return Ok(None) };
    threads.begin_read()?;
    let mut holds = Holds::default();
    for (store, _) in Log::stores(&threads)? {
        for args in Log::named(&threads, &store, name::MESSAGE_ADDED)? {
            holds.messages += 1;
            holds.bytes += args.read::<Size>().map_or(0, |message| message.size);
        }
    }
    holds.blobs = Blobs::census(&threads)?;
    (holds.uploads, _) = Uploads::census(&threads)?;
    let kept = i64::try_from(TRASH_KEPT.as_secs()).unwrap_or(i64::MAX);
    (holds.trashed, holds.ripe) = Purged::in_trash(&threads, now.saturating_sub(kept))?;
    Ok(Some(holds))
}

/// What a check is made of, in order.
const PARTS: [&str; 7] = ["files", "logs", "tables", "rows", "queue", "blobs", "outbox"];

impl Backend {
    /// Checks files, logs, rows, labels and counts, and puts rows right.
    ///
    /// # Errors
    /// When the storage cannot even be read.
    pub fn doctor(&mut self) -> Result<Vec<Finding>, StoreError> {
        Ok(self.doctor_until(&|| true)?.0)
    }

    /// As [`Backend::doctor`], until `go_on` says no; and the names of the parts that it then did
    /// not end. What was found until then is put right.
    ///
    /// # Errors
    /// As [`Backend::doctor`].
    pub fn doctor_until(
        &mut self,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(Vec<Finding>, Vec<&'static str>), StoreError> {
        let mut found = Vec::new();
        for (at, part) in PARTS.iter().enumerate() {
            found.extend(self.check(part, go_on)?);
            if !go_on() {
                return Ok((found, PARTS[at..].to_vec()));
            }
        }
        Ok((found, Vec::new()))
    }

    /// Checks one of [`PARTS`].
    fn check(&mut self, part: &str, go_on: &dyn Fn() -> bool) -> Result<Vec<Finding>, StoreError> {
        Ok(match part {
            "files" => check_files(&[&self.db, self.mailbox.db()])?,
            "logs" => {
                self.drain()?;
                let mut found = check_logs(&self.db, self.mailbox.db(), go_on)?;
                self.note_damaged(&mut found)?;
                found
            }
            "tables" => self.check_tables()?,
            "rows" => self.mend_rows(go_on)?,
            "queue" => {
                let mut found = self.check_queue()?;
                found.extend(check_left(&self.db)?);
                found.extend(self.check_links()?);
                found
            }
            "blobs" => self.count_references()?,
            _ => self.check_outbox()?,
        })
    }

    /// Rows that are not what their logs yield are projected again.
    fn mend_rows(&mut self, go_on: &dyn Fn() -> bool) -> Result<Vec<Finding>, StoreError> {
        let wrong = check_rows(&self.db, self.mailbox.db(), go_on)?;
        for (thread, _) in &wrong {
            self.project_again(&StoreId::thread(thread))?;
        }
        self.mailbox.commit()?;
        let mut found = Vec::with_capacity(wrong.len());
        for (thread, finding) in wrong {
            let left = check_row(&self.db, self.mailbox.db(), &thread)?;
            found.push(Finding { repaired: left.is_none(), ..finding });
        }
        Ok(found)
    }

    /// Damaged Thread logs are put right as far as they say themselves what was written; devices
    /// are asked for the rest, as soon as they are there.
    fn note_damaged(&mut self, found: &mut [Finding]) -> Result<(), StoreError> {
        for finding in found.iter_mut().filter(|finding| finding.code == "log") {
            let name = finding.detail.split(':').next().unwrap_or_default().to_owned();
            let Ok(store) = StoreId::try_from(name) else { continue };
            self.begin()?;
            finding.repaired = !self.met_damage(&store)?;
        }
        self.commit()
    }

    /// Compares the Mailbox tables with their log, and makes them again from it; a snapshot that a
    /// log needs and that is not there, from the tables.
    fn check_tables(&mut self) -> Result<Vec<Finding>, StoreError> {
        let mut found = rebuild(self.mailbox.db(), self.snapshots.dir())?;
        if found.iter().any(|finding| finding.code == "table") {
            self.commit()?;
            self.mailbox.remake()?;
            let left = rebuild(self.mailbox.db(), self.snapshots.dir())?;
            for finding in &mut found {
                finding.repaired = !left.contains(finding);
            }
        }
        for finding in found.iter_mut().filter(|finding| finding.code == "snapshot") {
            finding.repaired = self.make_snapshot()?;
        }
        Ok(found)
    }

    /// Compares what is known of links with the logs, and puts it right.
    fn check_links(&mut self) -> Result<Option<Finding>, StoreError> {
        if !Links::are_wrong(&self.db)? {
            return Ok(None);
        }
        self.begin()?;
        Links::put_right(&self.db)?;
        self.db.commit()?;
        Ok(Some(Finding { repaired: !Links::are_wrong(&self.db)?, ..astray_links() }))
    }

    /// Counts references to blobs, and puts them right.
    fn count_references(&mut self) -> Result<Vec<Finding>, StoreError> {
        let wrong = references::wrong(&self.db)?;
        if wrong.is_empty() {
            return Ok(Vec::new());
        }
        self.begin()?;
        references::put_right(&self.db, self.now)?;
        self.db.commit()?;
        let left = references::wrong(&self.db)?;
        let finding =
            |found: Miscounted| Finding { repaired: !left.contains(&found), ..referred(found) };
        Ok(wrong.into_iter().map(finding).collect())
    }

    fn check_queue(&self) -> Result<Vec<Finding>, StoreError> {
        let mut found = Vec::new();
        let (waiting, poisoned) = Queue::counts(&self.db)?;
        if waiting > 0 {
            found.push(Finding::new("queue", format!("{waiting} batches still wait")));
        }
        if poisoned > 0 {
            let line = format!("{poisoned} batches could not be taken in; see `poisoned`");
            found.push(Finding::new("poisoned", line));
        }
        for (store, head) in Log::stores(&self.db)? {
            let Some(thread) = store.as_thread() else { continue };
            let mark = mailbox::watermark(self.mailbox.db(), &thread)?;
            if mark.is_none_or(|seen| seen.position < head.position) {
                found
                    .push(Finding::new("behind", format!("{thread} is not projected to its head")));
            }
        }
        Ok(found)
    }
}

fn check_files(files: &[&Db]) -> Result<Vec<Finding>, StoreError> {
    let mut found = Vec::new();
    for db in files {
        let file = db.path().display();
        let lines = db.integrity()?;
        found.extend(lines.into_iter().map(|line| Finding::new("file", format!("{file}: {line}"))));
    }
    Ok(found)
}

fn check_logs(
    threads: &Db,
    mailbox: &Db,
    go_on: &dyn Fn() -> bool,
) -> Result<Vec<Finding>, StoreError> {
    let mut found = Vec::new();
    for (store, _) in Log::stores(threads)? {
        if !go_on() {
            return Ok(found);
        }
        found.extend(Log::verify(threads, &store)?.map(|line| Finding::new("log", line)));
    }
    let broken = Log::verify(mailbox, &StoreId::mailbox())?;
    found.extend(broken.map(|line| Finding::new("log", line)));
    let blobs = Blobs::verify(threads, go_on)?;
    found.extend(blobs.into_iter().map(|line| Finding::new("blob", line)));
    Ok(found)
}

/// Projects every thread anew at its watermark; those whose row, labels or links differ.
fn check_rows(
    threads: &Db,
    mailbox: &Db,
    go_on: &dyn Fn() -> bool,
) -> Result<Vec<(ThreadId, Finding)>, StoreError> {
    let mut found = Vec::new();
    for (store, _) in Log::stores(threads)? {
        if !go_on() {
            break;
        }
        let Some(thread) = store.as_thread() else { continue };
        let finding = check_row(threads, mailbox, &thread)?;
        found.extend(finding.map(|finding| (thread, finding)));
    }
    Ok(found)
}

/// Projects a thread anew at its watermark; what is wrong with its row, labels or links.
fn check_row(threads: &Db, mailbox: &Db, thread: &ThreadId) -> Result<Option<Finding>, StoreError> {
    let store = StoreId::thread(thread);
    let Some(seen) = mailbox::watermark(mailbox, thread)? else { return Ok(None) };
    if Again::waits(threads, &store)? {
        return Ok(None); // its row is of another projection, and its turn comes
    }
    let mut events = match Log::checked(threads, &store, 0, usize::MAX, usize::MAX) {
        // That is a finding of its own.
        Err(StoreError::Broken { .. }) => return Ok(None),
        other => other?.0,
    };
    events.retain(|event| event.position <= seen.position);
    let mut state = ThreadState::default();
    state.apply(&events);
    let row = mailbox::raw_row(mailbox, thread)?;
    let links = mailbox::links_of(mailbox, thread)?;
    let held = row.map(|row| of_row(&row, links));
    let line = format!("{thread}: its row is not what its log yields at {}", seen.position);
    let same = held.as_ref() == Some(&of_thread(thread, &state));
    Ok((!same).then(|| Finding::new("row", line)))
}

/// Materialises a Mailbox log anew, from its snapshot on where it was cut, and compares every
/// confirmed table.
fn rebuild(db: &Db, dir: &Path) -> Result<Vec<Finding>, StoreError> {
    let begin = |fresh: &Db| bootstrap::load(db, dir, fresh);
    let wrong = match mailbox::differing_from(db, &begin) {
        Err(StoreError::Row(line)) => return Ok(vec![Finding::new("snapshot", line)]),
        wrong => wrong?,
    };
    let line = |table| format!("{table} is not what the Mailbox log yields");
    Ok(wrong.into_iter().map(|table| Finding::new("table", line(table))).collect())
}

fn referred((name, times, there): Miscounted) -> Finding {
    let name = blake3::Hash::from_bytes(std::array::from_fn(|at| *name.get(at).unwrap_or(&0)));
    let how = if there { "and counted otherwise" } else { "and is missing" };
    let line = format!("blob {:.32}… is named by {times} events {how}", name.to_hex());
    Finding::new(if there { "blob" } else { "blob-missing" }, line)
}

/// Lines about what names threads that are not there.
fn astray_links() -> Finding {
    Finding::new("links", "what is known of joined threads is not what their logs say")
}

fn check_left(threads: &Db) -> Result<Vec<Finding>, StoreError> {
    let mut found = Vec::new();
    let (astray, undead) = (Index::astray(threads)?, Purged::undead(threads)?);
    if astray > 0 {
        let line = format!("{astray} messages are indexed in threads that are not there");
        found.push(Finding::new("index", line));
    }
    if undead > 0 {
        found.push(Finding::new("purged", format!("{undead} purged threads have a log")));
    }
    Ok(found)
}
