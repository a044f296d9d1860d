//! What a backend knows that is in no file, as text: a search through its states tells them apart
//! by it.
//!
//! Invariant: debug builds have it, and no user sees it; in which order frames for different
//! devices are held back is left out, since each hears only its own.

use crate::backend::Backend;
use crate::store::Db;

impl Backend {
    /// All that a restart would forget, but what is written and not committed.
    #[must_use]
    pub fn remembered(&self) -> String {
        let Self { db, mailbox, clients, snapshots, epoch, id, sessions, held, ready, .. } = self;
        let Self { now, untold, a_step, uploads, tidied, page_events, touched, .. } = self;
        let Self { woke, left, outbox, notices, .. } = self;
        let mut held: Vec<_> = held.iter().collect();
        held.sort_by_key(|(session, _)| *session);
        let files = (db, mailbox, clients, clients.positions(), snapshots);
        let told = (now, untold, a_step, uploads, tidied, page_events, touched);
        let who = (epoch, id, sessions, held, ready);
        format!("{:?}", (files, who, told, (woke, left, outbox, notices)))
    }

    /// The logs, with what is written and not committed.
    #[must_use]
    pub const fn logs(&self) -> &Db {
        &self.db
    }
}
