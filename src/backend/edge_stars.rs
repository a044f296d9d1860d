//! The mail edge towards servers: which messages of a conversation have its star.
//!
//! Invariant: a key stars a conversation, a server has stars of messages. Which message got the
//! star of a key is decided when it is written, and is in the conversation's log from the moment at
//! which the server has said so, or shows it: so what is shown of a message is what its server has,
//! whatever comes into the conversation later. It changes nothing of the conversation as a whole:
//! that is what the key said, and an undo of it takes back.

use std::collections::BTreeSet;

use crate::backend::core::Backend;
use crate::backend::ingest::{event, event_id};
use crate::backend::storage::{self, EdgeMessage, Edges};
use crate::backend::thread_client::state_of;
use crate::id::{MessageId, StoreId, ThreadId};
use crate::store::{Args, NewEvent, StoreError};
use crate::thread::{MessageOnly, name};

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
}
