//! The backend's part of `doctor`: every thread projected anew, and compared.
//!
//! Invariant: it repairs by events only, and says what it found even when it could repair it.

use crate::backend::core::Backend;
use crate::backend::storage::Queue;
use crate::backend::thread_client::from_log;
use crate::id::StoreId;
use crate::mailbox::{self, Groups};
use crate::store::{Db, Log, StoreError};

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
    /// A finding that was not repaired.
    #[must_use]
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), repaired: false }
    }
}

impl Backend {
    /// Checks files, logs, rows, labels and counts.
    ///
    /// # Errors
    /// When the storage cannot even be read.
    pub fn doctor(&mut self) -> Result<Vec<Finding>, StoreError> {
        let mut found = Vec::new();
        for db in [&self.db, self.mailbox.db()] {
            let file = db.path().display().to_string();
            found.extend(
                db.integrity()?.into_iter().map(|l| Finding::new("file", format!("{file}: {l}"))),
            );
        }
        self.drain()?;
        self.check_logs(&mut found)?;
        self.check_rows(&mut found)?;
        let (waiting, poisoned) = Queue::counts(&self.db)?;
        if waiting > 0 {
            found.push(Finding::new("queue", format!("{waiting} batches still wait")));
        }
        if poisoned > 0 {
            let line = format!("{poisoned} batches could not be taken in; see `poisoned`");
            found.push(Finding::new("poisoned", line));
        }
        found.extend(rebuild(self.mailbox.db())?);
        Ok(found)
    }

    fn check_logs(&self, found: &mut Vec<Finding>) -> Result<(), StoreError> {
        for (store, _) in Log::stores(&self.db)? {
            found.extend(Log::verify(&self.db, &store)?.map(|line| Finding::new("log", line)));
        }
        let mailbox = Log::verify(self.mailbox.db(), &StoreId::mailbox())?;
        found.extend(mailbox.map(|line| Finding::new("log", line)));
        Ok(())
    }

    fn check_rows(&mut self, found: &mut Vec<Finding>) -> Result<(), StoreError> {
        for (store, head) in Log::stores(&self.db)? {
            let (Some(thread), Some((snapshot, through))) =
                (store.as_thread(), from_log(&self.db, &store)?)
            else {
                continue;
            };
            let (mirrored, watermark) = self.mailbox.mirrored(&thread, &self.epoch)?;
            if watermark == through && mirrored.as_ref() == Some(&snapshot) {
                continue;
            }
            let line = format!("{thread}: the row is not what its log yields (at {watermark} of {})", head.position);
            let mut finding = Finding::new("row", line);
            self.project_again(&store)?;
            self.mailbox.commit()?;
            let (mirrored, _) = self.mailbox.mirrored(&thread, &self.epoch)?;
            finding.repaired = mirrored.as_ref() == Some(&snapshot);
            found.push(finding);
        }
        Ok(())
    }
}

/// Materialises a Mailbox log anew and compares every confirmed table.
pub(crate) fn rebuild(db: &Db) -> Result<Vec<Finding>, StoreError> {
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
