//! The rest of messages that are not whole: asked for by an event, so that it is asked for by all
//! devices, offline too, and comes to all of them.
//!
//! Invariant: asking is no action: it is in no history, and an undo does not reach it. What is
//! asked for already, and waits to be offered, is not asked for twice.

use std::time::{Duration, Instant};

use super::Engine;
use crate::command::intent::Intent;
use crate::engine::handle::Update;
use crate::engine::view::Done;
use crate::engine::{Device, EngineError};
use crate::id::{MessageId, StoreId, ThreadId};
use crate::limits::COMMIT_WITHIN;
use crate::notice::Explain as _;
use crate::store::{Args, Own};
use crate::thread::{MessageOnly, name};

impl Device {
    /// Asks for the rest of messages.
    pub(in crate::engine) fn fetch_rest(
        &mut self,
        messages: &[(ThreadId, MessageId)],
    ) -> Result<Done, EngineError> {
        for (thread, message) in messages {
            let (store, args) =
                (StoreId::thread(thread), Args::of(&MessageOnly { message: message.clone() }));
            let waits = Own::of(&self.db, &store)?;
            let same = |own: &crate::store::OwnEvent| {
                own.name == name::MESSAGE_WANTED && own.args == args && own.position.is_none()
            };
            if waits.iter().any(same) {
                continue;
            }
            let id = self.next_id();
            Own::add(&self.db, &store, &id, name::MESSAGE_WANTED, &args, None)?;
            Own::set(&self.db, "last-id", id.as_str())?;
        }
        Ok(Done::default())
    }

    /// The bytes of a message of a loaded thread, once it is whole.
    #[must_use]
    pub fn whole(&self, thread: &ThreadId, message: &MessageId) -> Option<crate::id::BlobHash> {
        let mut all = self.originals(thread).into_iter();
        let (_, _, raws) = all.find(|(id, ..)| id == message)?;
        raws.into_iter().next()?
    }
}

impl Engine {
    /// Asks for the rest of a message; it is told when it is here, with its conversation.
    pub(super) fn want(&mut self, thread: ThreadId, message: MessageId) {
        if let Err(error) = self.driver.device.intend(&Intent::Fetch(vec![(thread, message)])) {
            return self.tell(Update::Notice(error.notice()));
        }
        self.driver.saving += 1;
        let busy = self.driver.device.unsynced().is_some();
        let wait = if busy { COMMIT_WITHIN } else { Duration::ZERO };
        self.due.get_or_insert_with(|| Instant::now() + wait);
    }
}
