//! A damaged log is put right, with what somebody else holds of it.
//!
//! Invariant: nothing is written but what a chain proves that stands in the file already: at an
//! event, behind it, or at the log's end. So whoever offers events can bring back what was there
//! and nothing else; and what fits its chain is left as it is.
//!
//! What it cannot: an end whose chain is damaged, when something was appended behind it before it
//! was met; and an event of which no chain is left. They stay withheld.
//!
//! A chain is over ids, names and arguments. Who wrote an event, its epoch and its action are taken
//! from who offers it, and only where the row itself is not what was written.

use rusqlite::{OptionalExtension as _, params};

use crate::id::StoreId;
use crate::store::log::number;
use crate::store::{Chain, Db, Head, Log, NewEvent, StoreError};

/// What a row says, as far as it can be read.
#[derive(Debug, Default)]
struct Said {
    event: Option<NewEvent>,
    chain: Option<Chain>,
}

impl Log {
    /// Up to where a log is what was written to it, whatever follows.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn sound(db: &Db, store: &StoreId) -> Result<Head, StoreError> {
        let mut at = Self::base(db, store)?;
        loop {
            let said = said(db, store, at.position + 1)?;
            let Some(event) = said.event else { return Ok(at) };
            let next = Head { position: at.position + 1, chain: at.chain.after(&event) };
            if said.chain != Some(next.chain) {
                return Ok(at);
            }
            at = next;
        }
    }

    /// Puts a log right with events that somebody holds of it behind the position `after`, as far
    /// as its chain proves them, and with what the log says itself; how many rows were not what was
    /// written. All of it or nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn mend(
        db: &Db,
        store: &StoreId,
        after: u64,
        offered: &[NewEvent],
    ) -> Result<u64, StoreError> {
        db.sql().execute_batch("SAVEPOINT mend")?;
        let done = put_right(db, store, after, offered);
        if done.is_err() {
            db.sql().execute_batch("ROLLBACK TO mend")?;
        }
        db.sql().execute_batch("RELEASE mend")?;
        done
    }
}

fn put_right(
    db: &Db,
    store: &StoreId,
    after: u64,
    offered: &[NewEvent],
) -> Result<u64, StoreError> {
    let Some((key, head)) = Log::key(db, store, false)?.zip(Some(Log::head(db, store)?)) else {
        return Ok(0);
    };
    let mut sound = Log::base(db, store)?;
    let (mut at, mut unproven, mut put) = (sound, Vec::new(), 0);
    loop {
        let position = at.position + 1;
        let said = said(db, store, position)?;
        let fits = |own: &NewEvent| said.chain == Some(at.chain.after(own));
        let place = position.checked_sub(after + 1).and_then(|place| usize::try_from(place).ok());
        let other = place.and_then(|place| offered.get(place));
        let event = match (said.event, other) {
            (Some(own), _) if fits(&own) => own,
            (_, Some(other)) => other.clone(),
            (Some(own), None) => own,
            (None, None) => break,
        };
        at = Head { position, chain: at.chain.after(&event) };
        unproven.push(event);
        if said.chain == Some(at.chain) || head.chain == at.chain {
            for event in unproven.drain(..) {
                sound = Head { position: sound.position + 1, chain: sound.chain.after(&event) };
                put += u64::from(write(db, (key, store), sound, &event)?);
            }
        }
    }
    // Rows that fit their chain are proof of an end; that the end is further on would be too.
    let ends = sound.position >= last(db, key)?;
    let proven = head.chain == sound.chain || head.position <= sound.position;
    if ends && proven && head != sound {
        db.sql()
            .prepare_cached("UPDATE stores SET head = ?2, chain = ?3 WHERE key = ?1")?
            .execute(params![key, number(sound.position), sound.chain.bytes()])?;
        put += 1;
    }
    Ok(put)
}

/// Writes an event that is proven to its place, unless it is there; whether it was not.
fn write(
    db: &Db,
    (key, store): (i64, &StoreId),
    at: Head,
    event: &NewEvent,
) -> Result<bool, StoreError> {
    let said = said(db, store, at.position)?;
    let same = |own: &NewEvent| {
        own.id == event.id && own.name == event.name && own.args.hash() == event.args.hash()
    };
    if said.event.as_ref().is_some_and(same) {
        let set = "UPDATE eventlog SET chain = ?3 WHERE store = ?1 AND position = ?2";
        let wrong = said.chain != Some(at.chain);
        if wrong {
            let place = params![key, number(at.position), at.chain.bytes()];
            db.sql().prepare_cached(set)?.execute(place)?;
        }
        return Ok(wrong);
    }
    Log::overwrite(db, key, at, event)?;
    Ok(true)
}

/// A row, whatever of it can be read.
fn said(db: &Db, store: &StoreId, position: u64) -> Result<Said, StoreError> {
    let event = match Log::at(db, store, position) {
        Err(StoreError::Row(_)) => None,
        read => read?.map(|event| event.event),
    };
    Ok(Said { event, chain: Log::chain_at(db, store, position)? })
}

/// The last position that has a row.
fn last(db: &Db, key: i64) -> Result<u64, StoreError> {
    let sql = "SELECT position FROM eventlog WHERE store = ?1 ORDER BY position DESC LIMIT 1";
    let last: Option<i64> =
        db.sql().prepare_cached(sql)?.query_row([key], |row| row.get(0)).optional()?;
    Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::log::tests::{event, store};

    const EVENTS: u8 = 6;

    /// A log, and another like it in which something was changed.
    fn pair(change: &str) -> (Db, Db, Vec<NewEvent>) {
        let events: Vec<NewEvent> =
            (1..=EVENTS).map(|n| event(n, &format!("{{\"n\":{n}}}"))).collect();
        let [good, bad] = [(); 2].map(|()| {
            let db = Db::memory(Log::SQL).unwrap();
            Log::append(&db, &store("thread-bbbbbbbb"), &[event(99, "{}")]).unwrap();
            Log::append(&db, &store("thread-aaaaaaaa"), &events).unwrap();
            db
        });
        bad.sql().execute_batch(change).unwrap();
        (good, bad, events)
    }

    fn dump(db: &Db) -> Vec<String> {
        let sql = "SELECT s.id, s.head, s.chain, e.position, e.id, e.name, e.args, e.device,
                   e.epoch, e.action, e.chain FROM stores s JOIN eventlog e ON e.store = s.key
                   ORDER BY 1, 4";
        let mut statement = db.sql().prepare(sql).unwrap();
        let text = |row: &rusqlite::Row<'_>| {
            let column = |at| format!("{:?}", row.get_ref(at).unwrap());
            Ok((0..11).map(column).collect::<Vec<_>>().join(" "))
        };
        statement.query_map([], text).unwrap().map(Result::unwrap).collect()
    }

    fn of(set: &str, at: &str) -> String {
        format!("UPDATE eventlog SET {set} WHERE position {at} AND store = 2")
    }

    /// Every damage of one log, and of how many places its rows say it.
    fn damages() -> Vec<(String, u64)> {
        let gone = |at: &str| format!("DELETE FROM eventlog WHERE store = 2 AND position {at}");
        vec![
            (of("args = x'7b7d'", "= 1"), 1),
            (of("args = x'7b7d'", "= 6"), 1),
            (of("args = x'ff'", "= 3"), 1),
            (of("args = 'text'", "= 3"), 1),
            (of("name = 'v1.Tesu'", "= 2"), 1),
            (of("id = x'0707'", "= 4"), 1),
            (of("id = x'07070707070707070707070707070707'", "= 4"), 1),
            (of("device = '', args = x'00'", "= 4"), 1),
            (of("chain = x'00'", "= 4"), 1),
            (of("chain = zeroblob(16)", "BETWEEN 2 AND 5"), 4),
            (of("chain = zeroblob(16), args = x'00'", "BETWEEN 2 AND 5"), 4),
            (gone("= 1"), 1),
            (gone("= 3"), 1),
            (gone(">= 4"), 3),
            (gone(">= 1"), 6),
            ("UPDATE stores SET head = 4 WHERE key = 2".to_owned(), 1),
            ("UPDATE stores SET head = 1030 WHERE key = 2".to_owned(), 1),
            ("UPDATE stores SET head = 0 WHERE key = 2".to_owned(), 1),
            ("UPDATE stores SET chain = x'00' WHERE key = 2".to_owned(), 1),
        ]
    }

    #[test]
    fn what_somebody_holds_puts_every_damage_right() {
        let a = store("thread-aaaaaaaa");
        for (damage, rows) in damages() {
            let (good, bad, events) = pair(&damage);
            assert!(Log::verify(&bad, &a).unwrap().is_some(), "{damage}");
            let sound = Log::sound(&bad, &a).unwrap();
            let wanted = usize::try_from(sound.position).unwrap();
            assert_eq!(Log::chain_at(&good, &a, sound.position).unwrap(), Some(sound.chain));
            let put = Log::mend(&bad, &a, sound.position, &events[wanted..]).unwrap();
            assert_eq!((put, dump(&bad)), (rows, dump(&good)), "{damage}");
            assert_eq!(Log::verify(&bad, &a).unwrap(), None);
            assert_eq!(Log::mend(&bad, &a, 0, &events).unwrap(), 0, "nothing is left to do");
        }
    }

    #[test]
    fn nothing_comes_in_that_no_chain_proves() {
        let a = store("thread-aaaaaaaa");
        for (damage, _) in damages() {
            let (_, alone, _) = pair(&damage);
            let (_, bad, mut events) = pair(&damage);
            // What the log says by itself is all that others' words bring back.
            let by_itself = Log::mend(&alone, &a, 0, &[]).unwrap();
            for event in &mut events {
                event.args = crate::store::Args::from_text("{\"n\":\"forged\"}".to_owned());
            }
            let before = dump(&bad);
            let put = Log::mend(&bad, &a, 0, &events).unwrap();
            assert!(put <= by_itself, "{damage}: {put}");
            assert!(put > 0 || dump(&bad) == before, "{damage}");
            let forged = crate::store::Args::from_text("{\"n\":\"forged\"}".to_owned());
            let log = (1..=9).filter_map(|at| Log::at(&bad, &a, at).ok().flatten());
            assert!(log.into_iter().all(|event| event.event.args != forged), "{damage}");
        }
        let (good, sane, events) = pair("");
        let longer = [events.as_slice(), &[event(42, "{}")]].concat();
        assert_eq!(Log::mend(&sane, &a, 0, &longer).unwrap(), 0, "nothing behind the end");
        assert_eq!(dump(&sane), dump(&good));
    }

    #[test]
    fn a_log_says_its_own_ends_and_chains_again() {
        let a = store("thread-aaaaaaaa");
        for damage in [
            of("chain = x'00'", "= 4"),
            "UPDATE stores SET head = 4 WHERE key = 2".to_owned(),
            "UPDATE stores SET head = 1030 WHERE key = 2".to_owned(),
            "UPDATE stores SET chain = x'00' WHERE key = 2".to_owned(),
        ] {
            let (good, bad, _) = pair(&damage);
            assert_eq!(Log::mend(&bad, &a, 0, &[]).unwrap(), 1, "{damage}");
            assert_eq!(dump(&bad), dump(&good), "{damage}");
        }
    }

    #[test]
    fn a_part_is_taken_as_far_as_a_chain_proves_it() {
        let a = store("thread-aaaaaaaa");
        let damage = of("args = x'7b7d'", "IN (2, 5)");
        let (good, bad, events) = pair(&damage);
        assert_eq!(Log::mend(&bad, &a, 1, &events[1..3]).unwrap(), 1);
        assert_eq!(Log::sound(&bad, &a).unwrap().position, 4);
        assert_eq!(Log::mend(&bad, &a, 4, &events[4..5]).unwrap(), 1);
        assert_eq!(dump(&bad), dump(&good));
    }
}
