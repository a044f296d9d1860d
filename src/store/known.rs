//! Which event names the tables beside a log were made with.
//!
//! Invariant: an event whose name a program does not know is kept and not applied. The names that
//! it does know stand beside the tables, so that a program that knows others (a newer one, or an
//! older one after it) sees that the tables may lack what is in the log, or hold what it cannot
//! account for, and makes them again.

use std::collections::BTreeSet;

use crate::id::StoreId;
use crate::store::{Db, Log, StoreError};

/// Where the names are kept among a file's settings.
pub const KNOWN_NAMES: &str = "known-names";

/// Names in which two programs differ: what was recorded beside the tables (nothing, when they
/// were made before names were recorded) and what this one knows.
#[must_use]
pub fn differing_names(recorded: Option<&str>, names: &[&str]) -> BTreeSet<String> {
    let recorded: BTreeSet<&str> = recorded.unwrap_or_default().split(' ').collect();
    let known: BTreeSet<&str> = names.iter().copied().filter(|name| is_read(name)).collect();
    let differ = recorded.symmetric_difference(&known).filter(|name| !name.is_empty());
    differ.map(|name| (*name).to_owned()).collect()
}

/// What this program records beside tables that it makes.
#[must_use]
pub fn recorded_names(names: &[&str]) -> String {
    let known: BTreeSet<&str> = names.iter().copied().filter(|name| is_read(name)).collect();
    known.into_iter().collect::<Vec<_>>().join(" ")
}

/// Whether a store's log holds an event of one of these names. It reads the whole log.
///
/// # Errors
/// When the database refuses.
pub fn holds_any(db: &Db, store: &StoreId, names: &BTreeSet<String>) -> Result<bool, StoreError> {
    let Some(key) = Log::key(db, store, false)? else { return Ok(false) };
    let mut names_of = db.sql().prepare("SELECT DISTINCT name FROM eventlog WHERE store = ?1")?;
    let mut rows = names_of.query([key])?;
    while let Some(row) = rows.next()? {
        if names.contains(&row.get::<_, String>(0)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Keys of the stores of a file whose logs hold an event of one of these names. It reads all logs.
///
/// # Errors
/// When the database refuses.
pub fn stores_with(db: &Db, names: &BTreeSet<String>) -> Result<BTreeSet<i64>, StoreError> {
    let mut keys = BTreeSet::new();
    if names.is_empty() {
        return Ok(keys);
    }
    let mut all = db.sql().prepare("SELECT store, name FROM eventlog")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let name = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        if names.contains(name) {
            keys.insert(row.get(0)?);
        }
    }
    Ok(keys)
}

/// Whether this program reads events of this name. A debug build can be told to be a program that
/// does not: by [`without`] on one thread, by `MAILTUI_KNOWS_NOT=NAME,NAME` as a whole.
#[inline]
#[must_use]
pub fn is_read(name: &str) -> bool {
    #[cfg(debug_assertions)]
    return !older::lacks(name);
    #[cfg(not(debug_assertions))]
    {
        let _ = name;
        true
    }
}

/// From now on this thread is a program that does not know these names, for tests of old and new
/// programs together; in a release build this is nothing.
pub fn without(names: &[&str]) {
    #[cfg(debug_assertions)]
    older::set(names);
    #[cfg(not(debug_assertions))]
    let _ = names;
}

#[cfg(debug_assertions)]
mod older {
    use std::cell::RefCell;
    use std::collections::BTreeSet;
    use std::sync::OnceLock;

    thread_local! {
        static LACKS: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
    }
    static PROGRAM: OnceLock<BTreeSet<String>> = OnceLock::new();

    pub(super) fn set(names: &[&str]) {
        LACKS.with_borrow_mut(|lacks| *lacks = names.iter().map(|n| (*n).to_owned()).collect());
    }

    pub(super) fn lacks(name: &str) -> bool {
        let program = PROGRAM.get_or_init(|| {
            let names = std::env::var("MAILTUI_KNOWS_NOT").unwrap_or_default();
            names.split(',').map(str::to_owned).collect()
        });
        program.contains(name) || LACKS.with_borrow(|lacks| lacks.contains(name))
    }
}

/// Whether a store's log holds an event of this name.
///
/// # Errors
/// When the database refuses.
pub fn holds_name(db: &Db, store: &StoreId, name: &str) -> Result<bool, StoreError> {
    let Some(key) = Log::key(db, store, false)? else { return Ok(false) };
    let sql = "SELECT 1 FROM eventlog WHERE store = ?1 AND name = ?2";
    Ok(db.sql().prepare_cached(sql)?.exists(rusqlite::params![key, name])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_one_program_knows_and_the_other_does_not() {
        for (recorded, names, differ) in [
            (None, &["v1.A"][..], &["v1.A"][..]),
            (Some("v1.A v1.B"), &["v1.B", "v1.A"], &[]),
            (Some("v1.A"), &["v1.A", "v1.B"], &["v1.B"]),
            (Some("v1.A v1.B"), &["v1.A"], &["v1.B"]),
        ] {
            let found: Vec<String> = differing_names(recorded, names).into_iter().collect();
            assert_eq!(found, differ, "{recorded:?} {names:?}");
        }
        assert_eq!(recorded_names(&["v1.B", "v1.A"]), "v1.A v1.B");
    }

    #[cfg(debug_assertions)]
    #[test]
    fn a_thread_can_be_an_older_program() {
        without(&["v1.A"]);
        assert!(!is_read("v1.A") && is_read("v1.B"));
        assert_eq!(recorded_names(&["v1.A", "v1.B"]), "v1.B");
        without(&[]);
        assert!(is_read("v1.A"));
    }
}
