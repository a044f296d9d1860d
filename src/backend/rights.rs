//! Who may write what: the events of a push, parted into what is taken and what is refused for
//! good.
//!
//! Invariant: a fresh event is the session's device's own, and of a name that devices write. One
//! that the backend had in an epoch that is over is taken back whoever wrote it, but nothing that
//! is made from other logs, and no mark of an epoch.

use crate::backend::core::Backend;
use crate::backend::storage::Purged;
use crate::id::{DeviceId, StoreId, ThreadId};
use crate::limits::{MAX_ACTION_NAME_BYTES, MAX_MESSAGE_ARGS_BYTES, MAX_PUSHED_ARGS_BYTES};
use crate::mailbox::MailboxEvent;
use crate::store::{Log, NewEvent, Place, StoreError};
use crate::sync::{Refused, StorePush};
use crate::thread::{ThreadEvent, Writer, name, writers};

/// Why an event is refused: a stable word and a line.
type Why = (&'static str, &'static str);

/// What a push is judged by.
struct Judged<'a> {
    store: &'a StoreId,
    thread: Option<ThreadId>,
    device: Option<&'a DeviceId>,
    again: bool,
    /// Whether the store is there.
    there: bool,
    /// Whether it was purged.
    gone: bool,
}

impl Backend {
    /// Parts what a device may write into a store, which is here at this place, from what is
    /// refused for good.
    pub(super) fn sort_out(
        &self,
        device: Option<&DeviceId>,
        push: StorePush,
        found: Option<Place>,
    ) -> Result<(Vec<NewEvent>, Vec<Refused>), StoreError> {
        let StorePush { store, expect: _, events, again } = push;
        let thread = store.as_thread();
        let mailbox = store.as_str() == StoreId::MAILBOX;
        let begun = found.is_some_and(|place| place.head.position > 0);
        let there = mailbox || (thread.is_some() && begun);
        let gone = match &thread {
            Some(thread) if !there => Purged::is(&self.db, thread)?,
            _ => false,
        };
        let mut judged = Judged { store: &store, thread, device, again, there, gone };
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        for event in events {
            judged.there |= judged.begins(&event);
            match self.refusal(&judged, &event) {
                // What is there already is no writing.
                Some(_) if judged.there && Log::holds(self.log_of(&store), &store, &event.id)? => {
                    accepted.push(event);
                }
                Some((code, reason)) => {
                    let (code, reason) = (code.to_owned(), reason.to_owned());
                    refused.push(Refused { id: event.id, code, reason });
                }
                None => accepted.push(event),
            }
        }
        Ok((accepted, refused))
    }

    fn refusal(&self, judged: &Judged<'_>, event: &NewEvent) -> Option<Why> {
        let returns = judged.again && event.epoch != *self.epoch();
        let most = if returns { MAX_MESSAGE_ARGS_BYTES } else { MAX_PUSHED_ARGS_BYTES };
        let name = event.action.as_ref().map_or("", |action| &action.name);
        if event.args.text().len() > most || name.len() > MAX_ACTION_NAME_BYTES {
            Some(("too-large", "its arguments are too long"))
        } else if event.args.is_gone() {
            Some(("arguments", "arguments that say nothing"))
        } else if judged.gone {
            Some(("purged", "this conversation was purged"))
        } else if !judged.there {
            Some(("no-such-thread", "this thread is not on the backend"))
        } else if returns {
            let may = judged.may_return(event);
            (!may).then_some(("writer", "only the backend writes events of this name"))
        } else if judged.device.is_some_and(|device| event.device != *device) {
            Some(("device", "it is another device's, and was never here"))
        } else {
            let may = judged.may_write(event);
            (!may).then_some(("writer", "a device does not write events of this name"))
        }
    }
}

impl Judged<'_> {
    fn is_mailbox(&self) -> bool {
        self.store.as_str() == StoreId::MAILBOX
    }

    /// Whether this event begins a conversation that comes back, or the store of a draft.
    fn begins(&self, event: &NewEvent) -> bool {
        let created = match ThreadEvent::read(&event.name, &event.args) {
            Some(ThreadEvent::Created(created)) => Some(created.thread),
            _ => None,
        };
        let may = self.again || self.is_draft();
        may && !self.gone && created.is_some() && created == self.thread
    }

    fn is_draft(&self) -> bool {
        self.thread.as_ref().is_some_and(ThreadId::is_draft)
    }

    /// Whether this store is one that an event of this name may be in: drafts have stores of their
    /// own, and those are begun by devices.
    fn fits(&self, event: &NewEvent) -> bool {
        match event.name.as_str() {
            name::THREAD_CREATED
            | name::DRAFT_SAVED
            | name::DRAFT_DISCARDED
            | name::MESSAGE_QUEUED
            | name::SEND_CANCELLED => self.is_draft(),
            _ => true,
        }
    }

    fn may_write(&self, event: &NewEvent) -> bool {
        if self.is_mailbox() {
            // What has a source is a projection, whatever its name.
            MailboxEvent::device_may_write(&event.name)
                && MailboxEvent::source_of(&event.args).is_none()
        } else {
            writers(&event.name).contains(&Writer::Device) && self.fits(event)
        }
    }

    fn may_return(&self, event: &NewEvent) -> bool {
        if self.is_mailbox() {
            MailboxEvent::device_may_return(&event.name)
        } else {
            writers(&event.name).iter().any(|writer| *writer != Writer::Backend)
        }
    }
}
