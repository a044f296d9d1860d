//! What became of a message that was given away, or that was found afterwards.
//!
//! Invariant: one transaction: that it was sent, the message as our own in its conversation, the
//! marks on what it answers, the copy that is to be filed. What failed surely is tried again at
//! growing rests and not for ever; what nobody knows is never tried again by itself.

use super::decide::{STOPPED, TAKEN_BACK};
use super::loaded::Loaded;
use super::parcel::can_be_built_otherwise;
use super::{Due, Told, Why, draft_of, is_known, readable, whole};
use crate::backend::core::Backend;
use crate::backend::ingest::{event, event_id, prepare};
use crate::backend::storage::{self, CopyRow, Edges, Index, Outbox};
use crate::backend::{Prepared, thread_client::state_of};
use crate::bridge::{Folder, Incoming, Outcome};
use crate::crash;
use crate::id::{EventId, MessageId, Seen, StoreId, ThreadId};
use crate::label::Place;
use crate::mail::Flags;
use crate::mail::compose::Draft;
use crate::store::{Args, Log, NewEvent, StoreError};
use crate::thread::{Failure, FlagsChanged, LabelChange, MessageSent, RefusedTo, Snoozed, name};

/// Conversations that are looked through for a message that was forwarded.
const MOST_THREADS: usize = 8;
/// Recipients to whom something did not go that its log keeps.
const MOST_REFUSED: usize = 1_000;

/// How something was sent.
struct Gone {
    /// That was found out afterwards.
    found: bool,
    /// To whom it did not go.
    refused: Vec<RefusedTo>,
}

/// What became of a message that was given to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// It was taken.
    Taken {
        /// To whom it did not go.
        refused: Vec<NotTaken>,
    },
    /// Nothing of it was taken, and nothing will be without a change (`true`), or now.
    Refused(bool, Why),
    /// Nothing of it was taken, since the program ends.
    Stopped,
    /// Nobody knows.
    Unknown(Why),
}

/// Somebody to whom a message did not go that went to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotTaken {
    /// The address, as it stood in the envelope.
    pub address: String,
    /// The server's words.
    pub words: String,
    /// Whether that lasts; else it is tried again for those.
    pub lasting: bool,
}

/// A message that was given away.
#[derive(Debug, Clone)]
pub struct Gave {
    /// What it was.
    pub due: Due,
    /// The account that gave it away.
    pub account: String,
    /// Whether a copy is to be filed at the account's server.
    pub file: bool,
    /// The message as our own.
    pub message: Prepared,
    /// What became of it.
    pub given: Given,
}

/// Our own message, as it is taken in.
#[must_use]
pub(super) fn own(raw: Vec<u8>, now: i64) -> Prepared {
    let folder = Folder { place: Some(Place::Archive), sent: true, ..Folder::default() };
    let flags = Some(Flags { read: true, ..Flags::default() });
    prepare(Incoming { raw, folder, flags, file_time: None }, now)
}

/// Our own message with whom its writer put in Bcc. What leaves has no such field, and neither has
/// the copy at the server: here alone is known who got it (RFC 5322, 3.6.3).
fn with_blind(own: Prepared, draft: Option<&Draft>) -> Prepared {
    match draft {
        Some(draft) if !draft.bcc.trim().is_empty() => own.with_bcc(draft.recipients().bcc),
        _ => own,
    }
}

impl Backend {
    /// Takes in what became of a message; durable after the commit. What was written of it.
    ///
    /// # Errors
    /// As [`Backend::push`]; it is to be said again then.
    pub fn outbox_settle(&mut self, gave: Gave, now: i64) -> Result<Told, StoreError> {
        self.now = now;
        self.begin()?;
        let queued = gave.due.queued.clone();
        let told = match readable(&self.db, &gave.due.store)? {
            Some(loaded) => self.settle(&loaded, gave)?,
            None => self.settle_unwritten(gave)?,
        };
        self.outbox.let_go(&queued);
        crash::point("settle.before-commit");
        Ok(told)
    }

    fn settle(&mut self, loaded: &Loaded, gave: Gave) -> Result<Told, StoreError> {
        let Gave { due, account, file, message, given } = gave;
        let queued = &due.queued;
        match given {
            Given::Taken { refused } => {
                // What others got is filed already.
                let account = (file && due.raw.is_none()).then_some(account.as_str());
                let to = |one: &NotTaken| {
                    let (address, reason) = (one.address.clone(), one.words.clone());
                    RefusedTo { address, reason, retried: !one.lasting }.cut()
                };
                let not_to = refused.iter().take(MOST_REFUSED).map(to).collect();
                let gone = Gone { found: false, refused: not_to };
                self.sent(loaded, queued, gone, Some(message), account, Some(&due))?;
                self.queue_rest(loaded, &due, &refused)?;
                Ok(Told::Sent(refused))
            }
            Given::Refused(true, why) if can_be_built_otherwise(&due, &why.code) => {
                self.fail(loaded, queued, Failure::Temporary, &why, Some(self.now))
            }
            Given::Refused(lasting, why) => self.fail_or_retry(loaded, queued, lasting, &why),
            Given::Stopped => {
                let why = Why::new(STOPPED, "the program ended before it was given away");
                self.fail_or_retry(loaded, queued, false, &why)
            }
            Given::Unknown(why) => self.fail(loaded, queued, Failure::Unknown, &why, None),
        }
    }

    /// The log of its draft is damaged, and takes nothing: what was sent is our own mail all the
    /// same, by which that is known should the log ever be mended. It is not sent again until then.
    fn settle_unwritten(&mut self, gave: Gave) -> Result<Told, StoreError> {
        let Gave { due, message, given, .. } = gave;
        Outbox::wait(&self.db, &due.queued, None, self.now)?;
        Ok(match given {
            Given::Taken { .. } => {
                let message = with_blind(message, Some(&due.draft));
                let conversation = self.take_own(&due.of.message_id, Some(message))?;
                self.mark(&due.queued, &due.draft, conversation.as_ref())?;
                Told::Unwritten(true)
            }
            Given::Unknown(why) => Told::Unknown(why),
            Given::Refused(..) | Given::Stopped => Told::Unwritten(false),
        })
    }

    /// This process does not give it away any more, and does not know what became of it: as after
    /// a crash.
    ///
    /// # Errors
    /// As [`Backend::push`].
    pub fn outbox_let_go(&mut self, queued: &EventId) -> Result<(), StoreError> {
        if self.outbox.let_go(queued) {
            self.begin()?;
            Outbox::wait(&self.db, queued, Some(self.now), self.now)?;
        }
        Ok(())
    }

    /// It was surely not sent: it is tried again, unless that has no use, takes too long already,
    /// or somebody took it back meanwhile.
    pub(super) fn fail_or_retry(
        &mut self,
        loaded: &Loaded,
        queued: &EventId,
        lasting: bool,
        why: &Why,
    ) -> Result<Told, StoreError> {
        if lasting {
            return self.fail(loaded, queued, Failure::Permanent, why, None);
        }
        if loaded.is_taken_back(queued) {
            let why = Why::new("taken-back", TAKEN_BACK);
            return self.fail(loaded, queued, Failure::Permanent, &why, None);
        }
        let tries = loaded.tries(queued);
        let again = if why.code == STOPPED { Some(self.now) } else { tries.again(self.now) };
        if again.is_some() {
            return self.fail(loaded, queued, Failure::Temporary, why, again);
        }
        let line = format!("given up after two days; at last: {}", why.line);
        self.fail(loaded, queued, Failure::Permanent, &Why::new("given-up", &line), None)
    }

    /// It is known now that it was sent.
    pub(super) fn found(&mut self, loaded: &Loaded, queued: &EventId) -> Result<(), StoreError> {
        let row = loaded.queued(queued);
        let here = row.map(|row| is_known(&self.db, &row.of.message_id)).transpose()?;
        let raw = row.and_then(|row| row.raw.as_ref()).filter(|_| here == Some(false));
        let raw = raw.map(|raw| whole(&self.db, raw)).transpose()?.flatten();
        let message = raw.map(|raw| own(raw, self.now));
        let gone = Gone { found: true, refused: Vec::new() };
        self.sent(loaded, queued, gone, message, None, None)
    }

    /// Writes that it was sent, and everything that follows.
    fn sent(
        &mut self,
        loaded: &Loaded,
        queued: &EventId,
        gone: Gone,
        message: Option<Prepared>,
        file: Option<&str>,
        due: Option<&Due>,
    ) -> Result<(), StoreError> {
        let row = loaded.queued(queued);
        let save = row.map(|row| row.of.save.clone());
        let save = save.or_else(|| loaded.item(queued).map(|item| item.save.clone()));
        if let Some(save) = save.or_else(|| due.map(|due| due.of.save.clone())) {
            let (queued_by, Gone { found, refused }) = (queued.clone(), gone);
            let sent = MessageSent { queued: queued_by, save, at: self.now, found, refused };
            self.write(loaded, queued, name::MESSAGE_SENT, &Args::of(&sent))?;
        }
        Outbox::remove(&self.db, queued)?;
        self.outbox.rung |= self.stir_others(loaded, queued)?;
        self.touched = true; // who files copies looks
        if let (Some(account), Some(raw)) = (file, row.and_then(|row| row.raw.as_ref())) {
            let message_id = row.map(|row| row.of.message_id.clone()).unwrap_or_default();
            let copy = CopyRow { queued: queued.clone(), message_id, raw: raw.clone() };
            Outbox::file(&self.db, account, &copy)?;
        }
        // What was purged on its way is in no log, and is mail of ours all the same.
        let Some(of) = row.map(|row| &row.of).or(due.map(|due| &due.of)) else { return Ok(()) };
        let written = draft_of(&self.db, loaded, &of.save)?;
        let draft = written.as_ref().or(due.map(|due| &due.draft));
        let message = message.map(|own| with_blind(own, draft));
        let conversation = self.take_own(&of.message_id, message)?;
        if let Some(draft) = draft {
            self.mark(queued, draft, conversation.as_ref())?;
        }
        if let (Some(thread), Some(after)) = (&conversation, of.remind) {
            self.remind(thread, queued, after)?;
        }
        Ok(())
    }

    /// Takes our own message in, and says in which conversation it is.
    fn take_own(
        &mut self,
        message_id: &str,
        message: Option<Prepared>,
    ) -> Result<Option<ThreadId>, StoreError> {
        let Some(message) = message else { return Index::thread(&self.db, message_id) };
        let outcome = self.ingest(vec![message], self.now)?.pop();
        Ok(match outcome {
            Some(
                Outcome::Imported { thread, .. }
                | Outcome::Duplicate { thread, .. }
                | Outcome::Copy { thread, .. },
            ) => Some(thread),
            _ => None,
        })
    }

    /// Marks what it answers and forwards.
    fn mark(
        &mut self,
        queued: &EventId,
        draft: &Draft,
        conversation: Option<&ThreadId>,
    ) -> Result<(), StoreError> {
        let mut near: Vec<ThreadId> = Vec::new();
        for id in draft.in_reply_to.iter().chain(draft.references.iter().rev()) {
            near.extend(Index::thread(&self.db, id)?);
        }
        near.extend(conversation.cloned());
        near.extend(draft.near.iter().take(MOST_THREADS).cloned());
        let answered = Flags { answered: true, ..Flags::default() };
        let forwarded = Flags { forwarded: true, ..Flags::default() };
        let answers = draft.answers.iter().map(|message| (message, answered));
        for (message, set) in answers.chain(draft.forwards.iter().map(|of| (of, forwarded))) {
            let elsewhere = Edges::threads_of(&self.db, message, MOST_THREADS)?;
            let mut threads = near.clone();
            threads.extend(elsewhere);
            for thread in &threads {
                if self.set_flag(thread, message, set, queued)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Sets a flag of a message, should it be in this thread; whether it is.
    fn set_flag(
        &mut self,
        thread: &ThreadId,
        message: &MessageId,
        set: Flags,
        queued: &EventId,
    ) -> Result<bool, StoreError> {
        let store = StoreId::thread(thread);
        let state = match state_of(&self.db, &store) {
            // A mark is less than what was sent: that is settled without it.
            Err(StoreError::Broken { .. }) => return Ok(false),
            state => state?,
        };
        let Some(row) = state.message(message) else { return Ok(false) };
        let flags = row.message.flags;
        if (set.answered && flags.answered) || (set.forwarded && flags.forwarded) {
            return Ok(true);
        }
        let message = message.clone();
        let change = FlagsChanged { message, set, cleared: Flags::default(), sent: None };
        let parts = ["sent", queued.as_str(), change.message.as_str()];
        self.append(&store, &[(&parts, name::FLAGS_CHANGED, Args::of(&change))])?;
        Ok(true)
    }

    /// The conversation comes back to the inbox unless somebody answers before: what comes in ends
    /// a snooze.
    fn remind(
        &mut self,
        thread: &ThreadId,
        queued: &EventId,
        after: u64,
    ) -> Result<(), StoreError> {
        let store = StoreId::thread(thread);
        let position = Log::head(&self.db, &store)?.position;
        let seen = Some(Seen { epoch: self.epoch.clone(), position });
        let until = self.now.saturating_add(i64::try_from(after).unwrap_or(i64::MAX));
        let inbox = LabelChange { label: Place::Inbox.label(), seen: seen.clone() };
        let snooze = Snoozed { until, seen };
        let (first, second) = (["remind", queued.as_str()], ["asleep", queued.as_str()]);
        self.append(
            &store,
            &[
                (&first, name::LABEL_APPLIED, Args::of(&inbox)),
                (&second, name::THREAD_SNOOZED, Args::of(&snooze)),
            ],
        )
    }

    fn append(
        &self,
        store: &StoreId,
        what: &[(&[&str], &'static str, Args)],
    ) -> Result<(), StoreError> {
        let make = |(parts, name, args): &(&[&str], &'static str, Args)| {
            event(event_id(parts, &[]), name, args.clone(), &self.epoch)
        };
        let events: Vec<NewEvent> = what.iter().map(make).collect::<Result<_, _>>()?;
        storage::append(&self.db, &self.epoch, store, &events)?;
        Ok(())
    }
}
