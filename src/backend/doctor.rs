//! The backend's part of `doctor`: every thread projected anew at its watermark, and compared.
//!
//! Invariant: looking writes nothing, so that it can be done beside a running backend; repairs are
//! events. What was found is said even when it could be repaired.

use std::path::Path;

use crate::backend::core::Backend;
use crate::backend::storage::{self, Queue};
use crate::id::{StoreId, ThreadId};
use crate::mailbox::{self, Groups};
use crate::projection::{of_row, of_thread};
use crate::store::{Blobs, Db, Kind, Log, StoreError};
use crate::thread::ThreadState;

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
    fn new(code: &str, detail: impl Into<String>) -> Self {
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
    let (Some(mut mailbox), Some(threads)) = (mailbox, threads) else { return Ok(Vec::new()) };
    // One moment of the Mailbox store; the logs only grow, and are read after it.
    mailbox.begin_read()?;
    let mut found = check_files(&[&threads, &mailbox])?;
    found.extend(check_logs(&threads, &mailbox)?);
    found.extend(check_rows(&threads, &mailbox)?.into_iter().map(|(_, finding)| finding));
    found.extend(rebuild(&mailbox)?);
    Ok(found)
}

impl Backend {
    /// Checks files, logs, rows, labels and counts, and puts rows right.
    ///
    /// # Errors
    /// When the storage cannot even be read.
    pub fn doctor(&mut self) -> Result<Vec<Finding>, StoreError> {
        let mut found = check_files(&[&self.db, self.mailbox.db()])?;
        self.drain()?;
        found.extend(check_logs(&self.db, self.mailbox.db())?);
        let wrong = check_rows(&self.db, self.mailbox.db())?;
        for (thread, _) in &wrong {
            self.project_again(&StoreId::thread(thread))?;
        }
        self.mailbox.commit()?;
        let left: Vec<ThreadId> = check_rows(&self.db, self.mailbox.db())?
            .into_iter()
            .map(|(thread, _)| thread)
            .collect();
        found.extend(
            wrong
                .into_iter()
                .map(|(thread, finding)| Finding { repaired: !left.contains(&thread), ..finding }),
        );
        found.extend(self.check_queue()?);
        found.extend(rebuild(self.mailbox.db())?);
        Ok(found)
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

fn check_logs(threads: &Db, mailbox: &Db) -> Result<Vec<Finding>, StoreError> {
    let mut found = Vec::new();
    for (store, _) in Log::stores(threads)? {
        found.extend(Log::verify(threads, &store)?.map(|line| Finding::new("log", line)));
    }
    let broken = Log::verify(mailbox, &StoreId::mailbox())?;
    found.extend(broken.map(|line| Finding::new("log", line)));
    found.extend(Blobs::verify(threads)?.into_iter().map(|line| Finding::new("blob", line)));
    Ok(found)
}

/// Projects every thread anew at its watermark; those whose row, labels or links differ.
fn check_rows(threads: &Db, mailbox: &Db) -> Result<Vec<(ThreadId, Finding)>, StoreError> {
    let mut found = Vec::new();
    for (store, _) in Log::stores(threads)? {
        let Some(thread) = store.as_thread() else { continue };
        let Some(seen) = mailbox::watermark(mailbox, &thread)? else { continue };
        let mut events = Log::all(threads, &store)?;
        events.retain(|event| event.position <= seen.position);
        let mut state = ThreadState::default();
        state.apply(&events);
        let row = mailbox::raw_row(mailbox, &thread)?;
        let links = mailbox::links_of(mailbox, &thread)?;
        let held = row.map(|row| of_row(&row, links));
        if held.as_ref() != Some(&of_thread(&thread, &state)) {
            let line = format!("{thread}: its row is not what its log yields at {}", seen.position);
            found.push((thread, Finding::new("row", line)));
        }
    }
    Ok(found)
}

/// Materialises a Mailbox log anew and compares every confirmed table.
fn rebuild(db: &Db) -> Result<Vec<Finding>, StoreError> {
    let fresh = Db::memory(&[Log::SQL, mailbox::SQL].concat())?;
    let events = Log::all(db, &StoreId::mailbox())?;
    let mut groups = Groups::new(false);
    mailbox::materialize(&fresh, &events, &mut groups)?;
    groups.settle(&fresh)?;
    let mut found = Vec::new();
    for ((table, held), (_, anew)) in mailbox::dump(db)?.iter().zip(mailbox::dump(&fresh)?) {
        if *held != anew {
            let line = format!("{table} is not what the Mailbox log yields");
            found.push(Finding::new("table", line));
        }
    }
    Ok(found)
}
