//! Logs that are not what was written to them: bits that flipped, rows that are gone.
//!
//! Invariant: what [`Log::checked`] gives fits the chain from a known place to the next, so it may
//! be passed on; a damaged event is never taken for a good one. Looking changes nothing.

use crate::id::StoreId;
use crate::store::{Chain, Db, Event, Head, Log, StoreError};

/// Events, and bytes of arguments, that a check holds at a time, about.
const VERIFY_EVENTS: usize = 1_000;
const VERIFY_BYTES: usize = 4 * 1024 * 1024;

impl Log {
    /// As [`Log::range`], and only what fits the chain, whole up to the head: what is read here may
    /// be passed on. The chain after the last event is the third value.
    ///
    /// # Errors
    /// As [`Log::range`], and [`StoreError::Broken`] where the log is not what was written.
    pub fn checked(
        db: &Db,
        store: &StoreId,
        after: u64,
        most: usize,
        bytes: usize,
    ) -> Result<(Vec<Event>, bool, Chain), StoreError> {
        // As of one moment: another process may append between two of these looks.
        let _still = db.still()?;
        let broken = |position| StoreError::Broken { store: store.clone(), position };
        let (events, more) = match Self::range(db, store, after, most, bytes) {
            Err(StoreError::Row(_)) => return Err(broken(after + 1)),
            other => other?,
        };
        let mut at = Head { position: after, chain: Chain::default() };
        at.chain = Self::chain_at(db, store, after)?.ok_or_else(|| broken(after))?;
        for event in &events {
            at = Head { position: at.position + 1, chain: at.chain.after(&event.event) };
            if event.position != at.position {
                return Err(broken(at.position));
            }
        }
        let head = Self::head(db, store)?;
        let end = if more { Self::chain_at(db, store, at.position)? } else { Some(head.chain) };
        if end != Some(at.chain) || (!more && head.position != at.position) {
            return Err(broken(Self::first_broken(db, store, after, &events)?));
        }
        Ok((events, more, at.chain))
    }

    /// The first position whose event does not give its chain; the one behind all of them where
    /// the end is cut off.
    fn first_broken(
        db: &Db,
        store: &StoreId,
        after: u64,
        events: &[Event],
    ) -> Result<u64, StoreError> {
        let mut chain = Self::chain_at(db, store, after)?.unwrap_or_default();
        for event in events {
            chain = chain.after(&event.event);
            if Self::chain_at(db, store, event.position)? != Some(chain) {
                return Ok(event.position);
            }
        }
        Ok(after + 1 + events.len() as u64)
    }

    /// Walks a store's log and compares every position and chain; what does not fit.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn verify(db: &Db, store: &StoreId) -> Result<Option<String>, StoreError> {
        let _still = db.still()?;
        let head = Self::head(db, store)?;
        let mut at = Self::base(db, store)?;
        loop {
            let read = Self::range(db, store, at.position, VERIFY_EVENTS, VERIFY_BYTES);
            let (events, more) = match read {
                Err(StoreError::Row(why)) => {
                    let line = format!("{store}: behind position {}: {why}", at.position);
                    return Ok(Some(line));
                }
                other => other?,
            };
            for event in events {
                at = Head { position: at.position + 1, chain: at.chain.after(&event.event) };
                let stored = Self::chain_at(db, store, event.position)?;
                if event.position != at.position || stored != Some(at.chain) {
                    let line = format!("{store}: the log breaks at position {}", at.position);
                    return Ok(Some(line));
                }
            }
            if !more {
                break;
            }
        }
        Ok((at != head).then(|| format!("{store}: the head is not the log's last event")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Kind;
    use crate::store::log::tests::{event, store};

    #[test]
    fn a_log_that_grows_meanwhile_is_not_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let (path, a) = (dir.path().join("t.db"), store("thread-aaaaaaaa"));
        let mut db = Db::open(&path, Kind::Threads, 1, Log::SQL).unwrap();
        std::thread::scope(|both| {
            let writer = both.spawn(|| {
                for n in 1..=u8::MAX {
                    db.begin().unwrap();
                    Log::append(&db, &a, &[event(n, "{}")]).unwrap();
                    db.commit().unwrap();
                }
            });
            let read = Db::read(&path, Kind::Threads, 1).unwrap().unwrap();
            while !writer.is_finished() {
                Log::checked(&read, &a, 0, usize::MAX, usize::MAX).unwrap();
                assert_eq!(Log::verify(&read, &a).unwrap(), None);
            }
        });
    }

    #[test]
    fn what_does_not_fit_the_chain_is_not_passed_on() {
        let broken = |change: &str, most: usize| {
            let db = Db::memory(Log::SQL).unwrap();
            let a = store("thread-aaaaaaaa");
            let events: Vec<_> = (1..=5).map(|n| event(n, "{}")).collect();
            Log::append(&db, &a, &events).unwrap();
            db.sql().execute_batch(change).unwrap();
            let read = |after| match Log::checked(&db, &a, after, most, usize::MAX) {
                Ok((events, _, _)) => Ok(events.len()),
                Err(StoreError::Broken { position, .. }) => Err(position),
                Err(error) => panic!("{error}"),
            };
            (read(0), read(3))
        };
        let of = |set: &str, at: u8| format!("UPDATE eventlog SET {set} WHERE position = {at}");
        assert_eq!(broken("", 9), (Ok(5), Ok(2)));
        assert_eq!(broken(&of("args = x'5b5d'", 2), 9), (Err(2), Ok(2)));
        assert_eq!(
            broken(&of("args = x'5b5d'", 5), 3),
            (Ok(3), Err(5)),
            "a page before it is good"
        );
        assert_eq!(broken(&of("name = 'v1.Tesu'", 4), 9).1, Err(4));
        assert_eq!(broken(&of("id = x'07070707070707070707070707070707'", 4), 9).1, Err(4));
        assert_eq!(broken(&of("chain = x'00'", 4), 4), (Err(4), Ok(2)), "the head proves them");
        assert_eq!(broken(&of("args = 'text'", 1), 9), (Err(1), Ok(2)), "not even readable");
        assert_eq!(broken("DELETE FROM eventlog WHERE position = 5", 9), (Err(5), Err(5)));
        assert_eq!(broken("DELETE FROM eventlog WHERE position = 2", 9), (Err(2), Ok(2)));
        assert_eq!(broken("UPDATE stores SET head = 4", 9), (Err(6), Err(6)));
        assert_eq!(broken("UPDATE stores SET chain = x'00'", 3), (Ok(3), Err(6)));
    }
}
