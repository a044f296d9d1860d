//! The mail edge towards servers: which messages of a conversation have its star.
//!
//! Invariant: a key stars a conversation, a server has stars of messages. Which message got the
//! star of a key is decided when it is written, and is in the conversation's log from the moment at
//! which the server has said so, or shows it: so what is shown of a message is what its server has,
//! whatever comes into the conversation later. It changes nothing of the conversation as a whole:
//! that is what the key said, and an undo of it takes back. Where neither side has anything to say
//! any more and only one of them has a star, a word of the server was missed: it is heard then.

use std::collections::{BTreeMap, BTreeSet};

use crate::backend::core::Backend;
use crate::backend::ingest::{event, event_id};
use crate::backend::storage::{self, Dirty, EdgeMessage, Edges};
use crate::backend::thread_client::state_of;
use crate::bridge::Follow;
use crate::bridge::follow::{Change, FlagsChange};
use crate::id::{MessageId, StoreId, ThreadId};
use crate::imap::orders::{Row, orders};
use crate::imap::shown::Shown;
use crate::mail::Flags;
use crate::store::{Args, NewEvent, StoreError};
use crate::thread::{MessageOnly, ThreadState, name};

impl Backend {
    /// Notes the stars of messages of which an account's rows have another one than before; what
    /// was followed has its star already.
    pub(super) fn note_stars(
        &mut self,
        account: &str,
        thread: &ThreadId,
        messages: &BTreeSet<MessageId>,
    ) -> Result<(), StoreError> {
        if messages.is_empty() {
            return Ok(());
        }
        let store = StoreId::thread(thread);
        let state = state_of(&self.db, &store)?;
        let rows = Edges::of_thread(&self.db, account, thread)?;
        let mut events: Vec<NewEvent> = Vec::new();
        for message in messages {
            let Some(row) = state.message(message) else { continue };
            let is_it =
                |held: &&EdgeMessage| held.known.as_ref().is_some_and(|of| of.1 == *message);
            let starred = rows.iter().filter(is_it).any(EdgeMessage::is_starred);
            if starred == row.message.flags.starred {
                continue;
            }
            let name = if starred { name::MESSAGE_STARRED } else { name::MESSAGE_UNSTARRED };
            let args = Args::of(&MessageOnly { message: message.clone() });
            let turn = format!("{}.{}", self.epoch.as_str(), Edges::turn(&self.db)?);
            let id = event_id(&["star", &turn, thread.as_str(), message.as_str()], &[]);
            events.push(event(id, name, args, &self.epoch)?);
        }
        storage::append(&self.db, &self.epoch, &store, &events)?;
        Ok(())
    }

    /// Nothing is to be written of a conversation, and nothing of it is away: where only one side
    /// has a star, the server's word was missed. A message that another client moves while we
    /// write to where it was leaves its star there without a word.
    pub(super) fn hear_missed_star(
        &mut self,
        account: &str,
        thread: &ThreadId,
        state: &ThreadState,
        shown: &Shown<'_>,
    ) -> Result<(), StoreError> {
        let there = shown.is_starred();
        let Some(mut agreed) = Edges::agreed(&self.db, account, thread, self.now)? else {
            return Ok(());
        };
        if there == shown.ours.stand.starred || shown.rows.is_empty() {
            return Ok(());
        }
        let flags = other_flags(state, shown.rows);
        if flags.is_empty() {
            // The star is of no message that this server has: it is written, or taken, again.
            agreed.stand.starred = there;
            if orders(shown.ours, &agreed.stand, shown.rows, shown.folders).is_empty() {
                return Ok(()); // nothing there can have it
            }
            return Edges::agree(&self.db, account, thread, &agreed, Dirty::Yes);
        }
        let token = format!("{}.{}", self.epoch.as_str(), Edges::turn(&self.db)?);
        let change = Change { flags, ..Change::default() };
        let covers: BTreeSet<MessageId> =
            shown.rows.iter().map(|row| row.message.clone()).collect();
        let covers = covers.into_iter().collect();
        self.follow(&[Follow { thread: thread.clone(), token, covers, change }], self.now)?;
        let agreed = self.agree_again(thread, Some(agreed), shown.ours)?;
        Edges::agree(&self.db, account, thread, &agreed, Dirty::Yes)
    }
}

/// The stars of messages that a server has otherwise than the log.
fn other_flags(state: &ThreadState, rows: &[Row]) -> Vec<FlagsChange> {
    let mut there: BTreeMap<&MessageId, bool> = BTreeMap::new();
    for row in rows {
        *there.entry(&row.message).or_default() |= row.is_starred();
    }
    let (none, star) = (Flags::default(), Flags { starred: true, ..Flags::default() });
    let changes = there.into_iter().filter_map(|(message, there)| {
        let (set, cleared) = match (state.message(message)?.message.flags.starred, there) {
            (false, true) => (star, none),
            (true, false) => (none, star),
            _ => return None,
        };
        Some(FlagsChange { message: message.clone(), set, cleared, sent: None })
    });
    changes.collect()
}
