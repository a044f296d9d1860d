//! The confirmed tables made anew from the log: to compare them, and when their format changes.
//!
//! Invariant: a page of the log in memory at a time, whatever its length. The log is only read.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::id::StoreId;
use crate::mailbox::event::name;
use crate::mailbox::groups::Groups;
use crate::mailbox::schema::{SQL, drop_tables, dump};
use crate::store::{
    Db, KNOWN_NAMES, Log, Own, StoreError, differing_names, holds_any, recorded_names,
};

/// Events, and bytes of arguments, taken at a time, about.
const PAGE_EVENTS: usize = 5_000;
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// Brings a file's tables of this room to this format, `found` being the file's (0 is a new file):
/// what follows from the log is made again from it. Own events stay; what they show is the
/// caller's to make.
///
/// # Errors
/// When the database refuses.
pub fn make(db: &Db, found: u32) -> Result<(), StoreError> {
    if found > 0 {
        Log::upgrade(db, found)?;
        Own::upgrade(db, found)?;
        drop_tables(db)?;
    }
    db.sql().execute_batch(&[Log::SQL, Own::SQL, SQL].concat())?;
    if found > 0 {
        replay(db, db)?;
    }
    Own::set(db, KNOWN_NAMES, &recorded_names(name::ALL))
}

/// Whether the tables were made by a program that knew other event names than this one.
///
/// # Errors
/// When the database refuses.
pub fn knew_others(db: &Db) -> Result<bool, StoreError> {
    Ok(!differing_names(Own::setting(db, KNOWN_NAMES)?.as_deref(), name::ALL).is_empty())
}

/// Makes the tables again with `make` when the program that made them knew other event names, and
/// the log holds an event of one: what it kept without knowing what it says is applied now.
///
/// # Errors
/// Those of `make`, and when the database refuses: nothing is then changed.
pub fn learn(
    db: &mut Db,
    make: &dyn Fn(&Db) -> Result<(), StoreError>,
) -> Result<bool, StoreError> {
    let names = differing_names(Own::setting(db, KNOWN_NAMES)?.as_deref(), name::ALL);
    if names.is_empty() {
        return Ok(false);
    }
    db.begin()?;
    let again = holds_any(db, &StoreId::mailbox(), &names)?;
    let done = if again { make(db) } else { Ok(()) };
    if let Err(error) = done.and_then(|()| Own::set(db, KNOWN_NAMES, &recorded_names(name::ALL))) {
        db.rollback();
        return Err(error);
    }
    db.commit()?;
    Ok(again)
}

/// Makes the confirmed tables again from what is left of the log; own events stay, and what they
/// show is the caller's to make. The transaction is the caller's.
///
/// # Errors
/// When the database refuses.
pub fn remake(db: &Db) -> Result<(), StoreError> {
    super::schema::clear(db)?;
    replay(db, db)
}

/// Tables whose rows are not what the log yields.
///
/// # Errors
/// When the database refuses.
pub fn differing(db: &Db) -> Result<Vec<&'static str>, StoreError> {
    let fresh = db.scratch(&[Log::SQL, Own::SQL, SQL].concat())?;
    replay(db, &fresh)?;
    let (held, anew) = (dump(db)?, dump(&fresh)?);
    let differ = held.into_iter().zip(anew).filter(|(held, anew)| held != anew);
    Ok(differ.map(|((table, _), _)| table).collect())
}

/// Events of the log that the rebuild under way in this process has done, and has to do.
static DONE: AtomicU64 = AtomicU64::new(0);
static OF: AtomicU64 = AtomicU64::new(0);

/// How far the rebuild of tables in this process is, in percent; `None` when there is none. For a
/// line that says so, and nothing else.
#[must_use]
pub fn rebuilt_percent() -> Option<u64> {
    let (done, of) = (DONE.load(Ordering::Relaxed), OF.load(Ordering::Relaxed));
    (done * 100).checked_div(of).map(|percent| percent.min(100))
}

/// Materialises the log of one file into the empty tables of another, or its own.
fn replay(from: &Db, into: &Db) -> Result<(), StoreError> {
    OF.store(Log::head(from, &StoreId::mailbox())?.position, Ordering::Relaxed);
    let done = replay_pages(from, into);
    OF.store(0, Ordering::Relaxed);
    done
}

fn replay_pages(from: &Db, into: &Db) -> Result<(), StoreError> {
    let (store, mut at) = (StoreId::mailbox(), 0);
    loop {
        let (events, more) = Log::range(from, &store, at, PAGE_EVENTS, PAGE_BYTES)?;
        let mut groups = Groups::new(false);
        super::materialize(into, &events, &mut groups)?;
        groups.settle(into)?;
        at = events.last().map_or(at, |event| event.position);
        DONE.store(at, Ordering::Relaxed);
        if !more {
            return Ok(());
        }
    }
}
