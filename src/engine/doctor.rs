//! The device's part of `doctor`.

use crate::engine::kept::Kept;
use crate::engine::{Device, EngineError};
use crate::id::StoreId;
use crate::mailbox;
use crate::store::{Blobs, Db, Log, Own, Refusal, StoreError};

/// A finding: a code, a line, whether it is right now.
type Found = (&'static str, String, bool);

impl Device {
    /// Checks the file, the Mailbox log, its tables, and what is shown; makes the latter again
    /// where it is wrong and the file is ours to write. Each finding: a code, a line, whether it
    /// is right now.
    ///
    /// # Errors
    /// When the database cannot even be read.
    pub fn doctor(&mut self, writable: bool) -> Result<Vec<Found>, EngineError> {
        let mut found = Vec::new();
        found.extend(self.db.integrity()?.into_iter().map(|line| ("file", line, false)));
        found.extend(self.check_rows(writable)?);
        found.extend(self.check_kept(writable)?);
        if writable && let Some(line) = self.check_shown()? {
            found.push(("shown", line, true));
        }
        found.extend(self.refused()?.into_iter().map(|line| ("refused", line, false)));
        Ok(found)
    }

    /// Checks the Mailbox log and the rows that it yields. Rows are made again from a log that is
    /// as it was written; another is fetched again, and so are rows of which no log tells.
    fn check_rows(&mut self, writable: bool) -> Result<Vec<Found>, EngineError> {
        let store = StoreId::mailbox();
        let broken = Log::verify(&self.db, &store)?;
        let differ = mailbox::differing(&self.db)?;
        let mut repaired = false;
        if writable && self.boot.is_none() && (broken.is_some() || !differ.is_empty()) {
            repaired = if broken.is_some() || Log::base(&self.db, &store)?.position > 0 {
                self.fetch_again()?;
                true
            } else {
                self.begin_full()?;
                self.remake_rows()?;
                self.commit()?;
                mailbox::differing(&self.db)?.is_empty()
            };
        }
        let table = |table| format!("{table} is not what the Mailbox log yields");
        let mut found: Vec<Found> =
            broken.map(|line| ("log", line, repaired)).into_iter().collect();
        found.extend(differ.into_iter().map(|name| ("table", table(name), repaired)));
        Ok(found)
    }

    /// From the next connection on the rows are fetched again; until then they are shown as they
    /// are. Own events stay.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn fetch_again(&mut self) -> Result<(), EngineError> {
        self.begin_full()?;
        Log::clear(&self.db, &StoreId::mailbox())?;
        self.bootstrap_again()?;
        self.commit()?;
        self.sync()
    }

    /// Checks what is kept of a remote backend's conversations. A log that is damaged is emptied,
    /// and fetched again; so is a text, when it is shown.
    fn check_kept(&mut self, writable: bool) -> Result<Vec<Found>, EngineError> {
        let Some(kept) = &mut self.kept else { return Ok(Vec::new()) };
        let mut found: Vec<_> =
            kept.integrity()?.into_iter().map(|line| ("file", line, false)).collect();
        for (store, _) in Log::stores(kept)? {
            let Some(line) = Log::verify(kept, &store)? else { continue };
            let thread = store.as_thread().filter(|_| writable);
            if let Some(thread) = &thread {
                Kept::empty(kept, thread)?;
            }
            found.push(("log", line, thread.is_some()));
        }
        found.extend(Blobs::verify(kept, &|| true)?.into_iter().map(|line| ("blob", line, false)));
        Ok(found)
    }

    /// What the backend refused for good, a line each.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn refused(&self) -> Result<Vec<String>, EngineError> {
        let line = |refusal: Refusal| {
            let reason = crate::safe_text::line(&refusal.reason);
            let name = crate::safe_text::line(&refusal.name);
            format!("{name} on {}: {reason}", refusal.store)
        };
        Ok(Own::refused(&self.db)?.into_iter().map(line).collect())
    }

    /// Takes the list of what was refused away; its lines. Committed by who calls.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) fn clear_refused(&mut self) -> Result<Vec<String>, EngineError> {
        let lines = self.refused()?;
        self.begin_full()?;
        Own::clear_refused(&self.db)?;
        Ok(lines)
    }

    /// Makes the index of what is shown again and compares.
    fn check_shown(&mut self) -> Result<Option<String>, EngineError> {
        let before = shown_dump(&self.db)?;
        self.begin_full()?;
        let mut threads = self.own_threads()?;
        threads.append(&mut mailbox::all_overlaid(&self.db)?);
        for thread in &threads {
            self.cover(thread)?;
        }
        mailbox::rebuild_shown(&self.db)?;
        self.show_all_labels()?;
        let after = shown_dump(&self.db)?;
        self.commit()?;
        Ok((before != after).then(|| "the list showed something else than its rows".to_owned()))
    }
}

fn shown_dump(db: &Db) -> Result<Vec<String>, StoreError> {
    let mut lines = Vec::new();
    let queries = [
        "SELECT label || ' ' || age || ' ' || thread || ' ' || unread FROM shown ORDER BY 1",
        "SELECT label || ' ' || total || ' ' || unread FROM shownCounts
         WHERE total <> 0 OR unread <> 0 ORDER BY 1",
        "SELECT id || ' ' || type || ' ' || coalesce(color, '') || ' ' || displayOrder || ' ' ||
             createdAt || ' ' || deleted || ' ' || folded || ' ' || name
         FROM labelsShown ORDER BY 1",
    ];
    for query in queries {
        let mut statement = db.sql().prepare(query).map_err(StoreError::from)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(StoreError::from)?;
        lines.extend(rows.collect::<Result<Vec<String>, _>>().map_err(StoreError::from)?);
    }
    Ok(lines)
}
