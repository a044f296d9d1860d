//! A backend whose Mailbox store is lost or damaged makes it again from the Thread logs.
//!
//! Invariant: the Thread logs are the record, and are only read. The Mailbox log begins a new life,
//! with what of the old one fits its chain: so it begins a new epoch, in which devices compare, and
//! offer what it lacks. The damaged file stays, under another name.

use std::path::Path;

use crate::backend::doctor::Finding;
use crate::backend::mailbox_client::MailboxClient;
use crate::backend::storage::{self, Again, Purged, Snapshots};
use crate::clock::Clock;
use crate::id::{Epoch, StoreId};
use crate::mailbox;
use crate::store::{Db, Event, Kind, Log, NewEvent, StoreError, disk, put_aside};

/// Where a new file is made before it takes the damaged one's place.
const FRESH: &str = "mailbox.db.mended";
/// Events, and bytes of arguments, that are read at a time, about.
const READ_EVENTS: usize = 1_000;
const READ_BYTES: usize = 4 * 1024 * 1024;

/// Looks at the Mailbox store in a backend's directory, and makes it again where it is damaged. To
/// be called by who owns the directory, before the backend is opened.
///
/// # Errors
/// When the Thread logs cannot be read, a file is not ours or newer, or the disk refuses.
pub fn mend(dir: &Path, clock: &dyn Clock) -> Result<Vec<Finding>, StoreError> {
    take_place(dir)?;
    let (threads, mut found) = (dir.join("threads.db"), Vec::new());
    for (path, kind, version) in [
        (&threads, Kind::Threads, storage::VERSION),
        (&dir.join("mailbox.db"), Kind::Mailbox, mailbox::VERSION),
    ] {
        let mended = Db::mend_indexes(path, kind, version)?;
        found.extend(mended.map(finding));
    }
    if let Some(detail) = Db::damage(&threads, Kind::Threads, storage::VERSION)? {
        return Err(StoreError::Damaged { path: threads, detail });
    }
    let path = dir.join("mailbox.db");
    let Some(why) = damage(&path)? else { return Ok(found) };
    let kept = anew(dir, &path)?;
    let mut threads = storage::open(dir, clock.now())?;
    begin_epoch(&mut threads, kept, clock)?;
    drop(threads);
    let aside = put_aside(&path)?;
    take_place(dir)?;
    let detail = format!(
        "{} is damaged ({}); it is {} now, and was made again from the conversations",
        path.display(),
        crate::safe_text::line(&why),
        aside.display(),
    );
    found.push(finding(detail));
    Ok(found)
}

fn finding(detail: String) -> Finding {
    Finding { code: "file".to_owned(), detail, repaired: true }
}

/// What is wrong with the file, or with the log in it.
fn damage(path: &Path) -> Result<Option<String>, StoreError> {
    if let Some(why) = Db::damage(path, Kind::Mailbox, mailbox::VERSION)? {
        return Ok(Some(why));
    }
    match Db::read(path, Kind::Mailbox, mailbox::VERSION) {
        Ok(Some(db)) => match Log::verify(&db, &StoreId::mailbox()) {
            Err(error) if error.is_damage() => Ok(Some(error.to_string())),
            found => found,
        },
        // It is brought to this format when it is opened.
        Ok(None) | Err(StoreError::Older { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a new file with the log of the damaged one, as far as it fits its chain; how far.
fn anew(dir: &Path, damaged: &Path) -> Result<u64, StoreError> {
    let fresh = dir.join(FRESH);
    for end in ["", "-wal", "-shm"] {
        let left = dir.join(format!("{FRESH}{end}"));
        if left.exists() {
            disk::remove(&left)?;
        }
    }
    let mut db = Db::open_with(&fresh, Kind::Mailbox, mailbox::VERSION, &mailbox::make)?;
    db.begin()?;
    let store = StoreId::mailbox();
    // A log whose first arguments were given up yields no rows: all of it begins again.
    let old =
        Db::salvage(damaged).ok().filter(|old| matches!(super::bootstrap::is_cut(old), Ok(false)));
    let mut at = 0;
    while let Some(old) = &old {
        let events = sound(old, at);
        let Some(last) = events.last() else { break };
        at = last.position;
        let events: Vec<NewEvent> = events.into_iter().map(|event| event.event).collect();
        Log::append(&db, &store, &events)?;
    }
    mailbox::remake(&db)?;
    db.commit()?;
    db.checkpoint()?;
    Ok(at)
}

/// The next events of a log that fit its chain: as many as can be had, one by one at last.
fn sound(old: &Db, after: u64) -> Vec<Event> {
    let store = StoreId::mailbox();
    for most in [READ_EVENTS, 1] {
        let Ok((events, _)) = Log::range(old, &store, after, most, READ_BYTES) else { continue };
        let Ok(Some(mut chain)) = Log::chain_at(old, &store, after) else { break };
        let fits = |(at, event): (u64, &Event)| {
            chain = chain.after(&event.event);
            let stored = Log::chain_at(old, &store, event.position);
            event.position == at && matches!(stored, Ok(Some(stored)) if stored == chain)
        };
        let fit = (after + 1..).zip(&events).map(fits).take_while(|fits| *fits).count();
        if fit > 0 {
            return events.into_iter().take(fit).collect();
        }
    }
    Vec::new()
}

/// From now on another epoch counts, in which the Mailbox log begins with what is kept of it, and
/// all threads are projected again.
fn begin_epoch(threads: &mut Db, kept: u64, clock: &dyn Clock) -> Result<Epoch, StoreError> {
    let last = storage::epoch(threads)?;
    let epoch = storage::new_epoch(last.as_ref(), clock)?;
    threads.begin()?;
    let done = storage::begin(threads, &epoch, kept)
        .and_then(|()| Again::all(threads))
        .and_then(|()| Purged::untell(threads));
    if let Err(error) = done {
        threads.rollback();
        return Err(error);
    }
    threads.commit()?;
    Ok(epoch)
}

/// A new file that is complete takes its place, where the damaged one is put aside already.
fn take_place(dir: &Path) -> Result<(), StoreError> {
    let (path, fresh) = (dir.join("mailbox.db"), dir.join(FRESH));
    if path.exists() || !fresh.exists() {
        return Ok(());
    }
    disk::rename(&fresh, &path)?;
    disk::sync_dir(dir)
}

/// The epoch in which a backend begins whose Mailbox store may be gone: a new one, where threads
/// were projected into another store than this empty one.
pub(super) fn epoch_of(
    threads: &mut Db,
    mailbox: &MailboxClient,
    epoch: Epoch,
    clock: &dyn Clock,
) -> Result<Epoch, StoreError> {
    let empty = Log::head(mailbox.db(), &StoreId::mailbox())?.position == 0;
    if !empty || !Snapshots::any(threads)? {
        return Ok(epoch);
    }
    begin_epoch(threads, 0, clock)
}

/// That the logs are there whose rows are beside them. New ones in their place would look like an
/// empty mailbox.
pub(super) fn has_its_logs(dir: &Path, threads: &Db) -> Result<(), StoreError> {
    if Snapshots::setting(threads, "backend")?.is_some() {
        return Ok(());
    }
    let rows = Db::read(&dir.join("mailbox.db"), Kind::Mailbox, mailbox::VERSION);
    let Ok(Some(rows)) = rows else { return Ok(()) };
    if Log::head(&rows, &StoreId::mailbox())?.position == 0 {
        return Ok(());
    }
    let detail = "it is empty, and rows of its mail are beside it".to_owned();
    Err(StoreError::Damaged { path: threads.path().to_owned(), detail })
}
