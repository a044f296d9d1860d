//! The confirmed tables made anew from the log, and compared.
//!
//! Invariant: a page of the log in memory at a time, whatever its length; the store itself is only
//! read.

use crate::id::StoreId;
use crate::mailbox::groups::Groups;
use crate::mailbox::schema::{SQL, dump};
use crate::store::{Db, Log, Own, StoreError};

/// Events, and bytes of arguments, taken at a time, about.
const PAGE_EVENTS: usize = 5_000;
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// Tables whose rows are not what the log yields.
///
/// # Errors
/// When the database refuses.
pub fn differing(db: &Db) -> Result<Vec<&'static str>, StoreError> {
    let fresh = Db::scratch(&[Log::SQL, Own::SQL, SQL].concat())?;
    let mut at = 0;
    loop {
        let (events, more) = Log::range(db, &StoreId::mailbox(), at, PAGE_EVENTS, PAGE_BYTES)?;
        let mut groups = Groups::new(false);
        super::materialize(&fresh, &events, &mut groups)?;
        groups.settle(&fresh)?;
        at = events.last().map_or(at, |event| event.position);
        if !more {
            break;
        }
    }
    let (held, anew) = (dump(db)?, dump(&fresh)?);
    let differ = held.into_iter().zip(anew).filter(|(held, anew)| held != anew);
    Ok(differ.map(|((table, _), _)| table).collect())
}
