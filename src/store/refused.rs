//! Own events that the backend refused for good: a list that the user sees.
//!
//! Invariant: nothing goes of it by itself.

use crate::id::{EventId, StoreId};
use crate::store::own::{Own, parse};
use crate::store::{Db, StoreError};

/// An own event that the backend refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The event.
    pub id: EventId,
    /// Its store.
    pub store: StoreId,
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl Own {
    /// Takes a refused event out of the queue and the overlay into the visible list.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn refuse(db: &Db, id: &EventId, reason: &str) -> Result<(), StoreError> {
        db.sql()
            .prepare_cached(
                "INSERT OR REPLACE INTO refused(id, store, name, args, action, reason, offered)
                 SELECT id, store, name, args, action, ?2, offered FROM unprojected WHERE id = ?1",
            )?
            .execute([id.as_str(), reason])?;
        db.sql().prepare_cached("DELETE FROM unprojected WHERE id = ?1")?.execute([id.as_str()])?;
        Ok(())
    }

    /// Takes the visible list of refused events away.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn clear_refused(db: &Db) -> Result<(), StoreError> {
        db.sql().execute("DELETE FROM refused", [])?;
        Ok(())
    }

    /// The visible list of refused events.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn refused(db: &Db) -> Result<Vec<Refusal>, StoreError> {
        let mut statement = db.sql().prepare("SELECT id, store, name, reason FROM refused")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?))
        })?;
        let mut refused = Vec::new();
        for row in rows {
            let (id, store, name, reason) = row?;
            refused.push(Refusal { id: parse(&id)?, store: parse(&store)?, name, reason });
        }
        Ok(refused)
    }
}
