//! A device whose files are damaged: they are put aside, what is its own is read out of them, and
//! the rest is fetched again.
//!
//! Invariant: the damaged file stays as it is, under another name; a new one is complete before it
//! has the place. What is pending and can be read is offered again; what cannot be is said.

use std::path::{Path, PathBuf};

use crate::engine::EngineError;
use crate::engine::device::{KEPT_VERSION, make, show_own};
use crate::engine::writing::{self, Writing};
use crate::mailbox;
use crate::store::{Db, Kind, Own, Salvaged, StoreError, disk, put_aside};
use crate::thread::named_blobs;

/// Where a new file is made before it takes the damaged one's place.
const FRESH: &str = "mailbox.db.mended";

/// A finding: a code, a line, whether it is right now.
type Found = (&'static str, String, bool);

/// Looks at the files of the device in `dir`, and puts those aside that are damaged; its Mailbox
/// store also where somebody `met` damage in it. To be called by who owns the directory, before the
/// device is opened.
///
/// # Errors
/// When a file is not ours or newer, or the disk refuses.
pub fn mend(dir: &Path, remote: bool, met: Option<String>) -> Result<Vec<Found>, EngineError> {
    take_place(dir)?;
    let mut found = Vec::new();
    let path = dir.join("mailbox.db");
    if std::fs::metadata(&path).is_ok_and(|meta| meta.len() == 0) {
        let line = format!("{} is empty; what was in it is fetched again", path.display());
        found.push(("file", line, true));
    }
    for (name, kind, version) in [
        ("mailbox.db", Kind::Mailbox, mailbox::VERSION),
        ("threads.db", Kind::Threads, KEPT_VERSION),
    ] {
        let mended = Db::mend_indexes(&dir.join(name), kind, version)?;
        found.extend(mended.map(|line| ("file", line, true)));
    }
    if let Some(why) = Db::damage(&path, Kind::Mailbox, mailbox::VERSION)?.or(met) {
        let salvaged = anew(dir, &path)?;
        let aside = put_aside(&path)?;
        take_place(dir)?;
        let own = salvaged.events;
        found.push(("file", told(&path, &why, &aside, "its rows are fetched again"), true));
        found.push(if salvaged.whole {
            ("own", format!("{own} changes of this device that wait were kept"), true)
        } else {
            let line = format!(
                "{own} changes of this device that wait were kept; others could not be read"
            );
            ("own", line, false)
        });
    }
    let path = dir.join("threads.db");
    if remote && let Some(why) = Db::damage(&path, Kind::Threads, KEPT_VERSION)? {
        let aside = put_aside(&path)?;
        let line = told(&path, &why, &aside, "what it kept is fetched again");
        found.push(("file", line, true));
    }
    found.extend(mend_writing(dir)?);
    Ok(found)
}

/// What is being written: what waits to be sent names bytes that lie there.
fn mend_writing(dir: &Path) -> Result<Vec<Found>, EngineError> {
    let own = match Db::read(&dir.join("mailbox.db"), Kind::Mailbox, mailbox::VERSION)? {
        Some(db) => Own::all(&db)?,
        None => Vec::new(),
    };
    let needed = own.iter().flat_map(|own| named_blobs(&own.name, &own.args)).collect();
    let Some(mended) = Writing::mend(dir, &needed)? else { return Ok(Vec::new()) };
    let path = dir.join(writing::FILE);
    let file = told(&path, &mended.why, &mended.aside, "what could be read of it was kept");
    let others = if mended.whole { "" } else { "; others could not be read" };
    let drafts = format!("{} open drafts were kept{others}", mended.drafts);
    Ok(vec![("file", file, true), ("drafts", drafts, mended.whole)])
}

fn told(path: &Path, why: &str, aside: &Path, then: &str) -> String {
    let why = crate::safe_text::line(why);
    format!("{} is damaged ({why}); it is {} now, and {then}", path.display(), aside.display())
}

/// Makes a new file of what is the device's own in the damaged one.
fn anew(dir: &Path, damaged: &Path) -> Result<Salvaged, StoreError> {
    let fresh = dir.join(FRESH);
    for left in [fresh.clone(), side(&fresh, "-wal"), side(&fresh, "-shm")] {
        if left.exists() {
            disk::remove(&left)?;
        }
    }
    let mut db = Db::open_with(&fresh, Kind::Mailbox, mailbox::VERSION, &make)?;
    db.begin()?;
    let salvaged = match Db::salvage(damaged) {
        Ok(from) => Own::salvage(&from, &db)?,
        Err(_) => Salvaged { events: 0, whole: false },
    };
    show_own(&db, mailbox::VERSION)?;
    db.commit()?;
    db.checkpoint()?;
    Ok(salvaged)
}

fn side(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// A new file that is complete takes its place, where the damaged one is put aside already.
pub(super) fn take_place(dir: &Path) -> Result<(), StoreError> {
    let (path, fresh) = (dir.join("mailbox.db"), dir.join(FRESH));
    if path.exists() || !fresh.exists() {
        return Ok(());
    }
    disk::rename(&fresh, &path)?;
    disk::sync_dir(dir)
}
