//! Drafts and the outbox on the device: written, queued, taken back, listed and opened.
//!
//! Invariant: a draft is a store of its own, which the device that begins it makes; all that is
//! listed comes from the rows' trails and this device's own events, so that it is the same offline.
//! What a save names is on disk before the save.

use std::collections::BTreeSet;

use crate::command::intent::{Intent, SendOrder};
use crate::engine::view::{
    Before, Done, DraftRow, OpenDraft, OutboxRow, OutboxState, Outgoing, SaveRow, Wrote,
};
use crate::engine::writing::{Journal, Writing};
use crate::engine::written::Written;
use crate::engine::{Device, EngineError};
use crate::id::{ActionId, BlobHash, EventId, StoreId, ThreadId, base32};
use crate::label;
use crate::mail;
use crate::mail::compose::Draft;
use crate::mailbox::{self, Groups};
use crate::projection::{above, entries, trail_of};
use crate::safe_text;
use crate::store::{Action, Args, Blobs, Own, StoreError};
use crate::thread::{
    DraftDiscarded, DraftSaved, MessageQueued, OutboxItem, RefusedTo, SendCancelled, Stage, Step,
    ThreadCreated, Trail, What, name, named_blobs,
};

/// A longer draft, as JSON, lies in a blob; in bytes.
const MAX_INLINE_BYTES: usize = 48 * 1024;
/// Conversations that are looked through for drafts and the outbox, of each list.
const MAX_LISTED: usize = 2_000;
/// Characters of base 32 before the `@` of a Message-ID.
const MESSAGE_ID_CHARS: usize = 16;
/// Domains longer than this are no domains (RFC 1035, 2.3.4), in bytes.
const MAX_DOMAIN_BYTES: usize = 255;

/// What is said when the line of what went to some only is put away.
const NOTED: &str = "Noted: it is out of the outbox.";

impl Device {
    /// Decides what is done with a draft.
    pub(super) fn draft(&mut self, intent: &Intent) -> Result<Done, EngineError> {
        match intent {
            Intent::SaveDraft { slot, thread, from, draft } => {
                self.save_draft(*slot, thread.as_ref(), from.as_ref(), draft)
            }
            Intent::DiscardDraft { thread, save } => {
                let args = Args::of(&DraftDiscarded { save: save.clone() });
                let partly = self.outgoing_of(thread)?.partly;
                let sent = partly.iter().any(|item| item.save == *save);
                let says = if sent { NOTED } else { "Discarded 1 draft." };
                self.write(thread, "discard", name::DRAFT_DISCARDED, &args, says)
            }
            Intent::Send(order) => self.send_draft(order),
            Intent::CancelSend { thread, queued } => {
                let args = Args::of(&SendCancelled { queued: queued.clone() });
                let says = "Taken back: it is a draft again, unless it is on its way.";
                self.write(thread, "cancel-send", name::SEND_CANCELLED, &args, says)
            }
            _ => Ok(Done::default()),
        }
    }

    fn save_draft(
        &mut self,
        slot: Option<i64>,
        thread: Option<&ThreadId>,
        from: Option<&EventId>,
        draft: &Draft,
    ) -> Result<Done, EngineError> {
        let text = serde_json::to_string(draft).unwrap_or_default();
        let known = slot.map(|slot| Written::last(&self.db, slot)).transpose()?.flatten();
        if let Some(known) = &known
            && known.is_of(&text)
        {
            return Ok(Done { wrote: Some(known.wrote()), ..Done::default() });
        }
        // A journal may be older than the last save: that is what it goes on from.
        let thread = known.as_ref().map(|known| &known.thread).or(thread);
        let from = known.as_ref().map(|known| &known.save).or(from);
        // Nor may it name what a disk that was full took back.
        let is_there = |thread: &ThreadId| -> Result<bool, StoreError> {
            let row = mailbox::raw_row(&self.db, thread)?.is_some();
            Ok(row || !Own::of(&self.db, &StoreId::thread(thread))?.is_empty())
        };
        let there = thread.map(is_there).transpose()?.unwrap_or(false);
        let (thread, from) = (thread.filter(|_| there), from.filter(|_| there));
        let action = self.action("draft");
        let thread = if let Some(thread) = thread {
            thread.clone()
        } else {
            let mut random = [0; 13];
            self.clock.random(&mut random);
            let thread = ThreadId::of_draft(&random);
            let args = Args::of(&ThreadCreated { thread: thread.clone() });
            self.add(&StoreId::thread(&thread), name::THREAD_CREATED, &args, &action)?;
            thread
        };
        let long = text.len() > MAX_INLINE_BYTES;
        let blob = if long { Some(self.put_own(text.as_bytes())?) } else { None };
        let saved = DraftSaved {
            from: from.cloned(),
            at: self.clock.now(),
            draft: (!long).then(|| Box::new(draft.clone())),
            blob,
            attachments: draft.attachments.iter().map(|attached| attached.hash.clone()).collect(),
            to: safe_text::line(written_to(draft)),
            subject: safe_text::line(&draft.subject),
            snippet: safe_text::line(&mail::snippet(&draft.body)),
            raw: None,
        };
        let event = self.put(&thread, name::DRAFT_SAVED, &Args::of(&saved), &action)?;
        if let Some(slot) = slot {
            Written::new(&thread, &event, &text).keep(&self.db, slot)?;
        }
        let says = "Saved 1 draft.".to_owned();
        let wrote = Some(Wrote { thread, event });
        Ok(Done { action: Some(action.id), threads: 1, says, wrote, ..Done::default() })
    }

    fn send_draft(&mut self, order: &SendOrder) -> Result<Done, EngineError> {
        let known = self.outgoing_of(&order.thread)?;
        let draft = known.drafts.iter().find(|line| line.save == order.save);
        let item = known.items.iter().find(|item| item.save == order.save);
        let title = draft.map(|line| &line.title).or(item.map(|item| &item.title));
        let Some(title) = title.cloned() else {
            return Err(EngineError::NoDraft(order.save.to_string()));
        };
        // Tried again it is the same message: who got it twice sees it once.
        let before = known.items.iter().find(|item| Some(&item.queued) == order.again.as_ref());
        let before = before.filter(|item| item.save == order.save).map(|item| &item.message_id);
        let message_id = match before.filter(|id| !id.is_empty()) {
            Some(id) => id.clone(),
            None => self.new_message_id(&order.domain),
        };
        let queued = MessageQueued {
            save: order.save.clone(),
            message_id,
            hold: order.hold,
            send_at: order.send_at,
            offset: order.offset,
            at: self.clock.now(),
            to: title.to,
            subject: title.subject,
            snippet: title.snippet,
            attachments: title.attachments,
            again: order.again.clone(),
            partial: order.partial,
            remind: order.remind,
        };
        let says = match (order.send_at, order.hold) {
            (Some(_), _) => "Queued: it is sent when its time comes.".to_owned(),
            (None, 0) => "Queued to be sent.".to_owned(),
            (None, hold) => format!("Queued: it is sent in {hold} seconds; undo takes it back."),
        };
        self.write(&order.thread, "send", name::MESSAGE_QUEUED, &Args::of(&queued), &says)
    }

    fn new_message_id(&self, domain: &str) -> String {
        let mut random = [0; 10];
        self.clock.random(&mut random);
        format!("{}@{}", base32(&random, MESSAGE_ID_CHARS), clean_domain(domain))
    }

    fn write(
        &mut self,
        thread: &ThreadId,
        action: &str,
        event: &'static str,
        args: &Args,
        says: &str,
    ) -> Result<Done, EngineError> {
        let action = self.action(action);
        let event = self.put(thread, event, args, &action)?;
        let wrote = Some(Wrote { thread: thread.clone(), event });
        let says = says.to_owned();
        Ok(Done { action: Some(action.id), threads: 1, says, wrote, ..Done::default() })
    }

    /// Adds an event to a draft's store, and shows it; its name.
    fn put(
        &mut self,
        thread: &ThreadId,
        event: &'static str,
        args: &Args,
        action: &Action,
    ) -> Result<EventId, EngineError> {
        let mut groups = Groups::of_overlay();
        groups.touch(&self.db, thread)?;
        self.add(&StoreId::thread(thread), event, args, action)?;
        self.cover(thread)?;
        groups.settle(&self.db)?;
        let last = Own::setting(&self.db, "last-id")?.unwrap_or_default();
        EventId::try_from(last).map_err(|error| StoreError::Row(error.to_string()).into())
    }

    /// Keeps bytes that an event is about to name.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put_own(&mut self, bytes: &[u8]) -> Result<BlobHash, StoreError> {
        let now = self.clock.now();
        self.writing()?.put(bytes, now)
    }

    /// The file of what is being written, made where it is not there.
    fn writing(&mut self) -> Result<&mut Writing, StoreError> {
        if self.writing.is_none() {
            self.writing = Some(Writing::open(&self.dir)?);
        }
        self.writing.as_mut().ok_or_else(|| StoreError::Row("no file to write to".to_owned()))
    }

    /// Remembers an open draft, or forgets it. What is forgotten must be on disk as a draft.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn journal(&mut self, journal: &Journal) -> Result<(), StoreError> {
        let now = self.clock.now();
        match &journal.entry {
            Some(entry) => self.writing()?.note(journal.slot, entry, now),
            None => self.writing()?.forget(journal.slot),
        }
    }

    /// Saves as drafts what the journal holds of a program that did not come to that; how many.
    /// Lets go of bytes that nothing needs any more.
    ///
    /// # Errors
    /// When the disk refuses; the journal then stays as it is.
    pub fn recover_drafts(&mut self) -> Result<usize, EngineError> {
        let Some(writing) = Writing::existing(&self.dir)? else { return Ok(0) };
        let left = writing.journal()?;
        self.writing = Some(writing);
        let mut recovered = 0;
        for (slot, entry) in &left {
            let draft = Box::new(entry.draft.clone());
            let (thread, from) = (entry.thread.clone(), entry.from.clone());
            let intent = Intent::SaveDraft { slot: Some(*slot), thread, from, draft };
            // What was saved, and not forgotten any more, is no second draft.
            recovered += usize::from(self.intend(&intent)?.action.is_some());
        }
        self.commit()?;
        for (slot, _) in &left {
            self.journal(&Journal { slot: *slot, entry: None })?;
        }
        let now = self.clock.now();
        let own = Own::all(&self.db)?;
        let needed: BTreeSet<BlobHash> =
            own.iter().flat_map(|own| named_blobs(&own.name, &own.args)).collect();
        self.writing()?.tidy(&needed, now)?;
        Ok(recovered)
    }

    /// The trail of a thread's row; an empty one where it has none yet.
    pub(super) fn trail(&self, thread: &ThreadId) -> Result<Trail, StoreError> {
        Ok(mailbox::raw_row(&self.db, thread)?.map_or_else(Trail::default, |row| trail_of(&row)))
    }

    /// What is written and sent in a store, own events included.
    fn outgoing_of(&self, thread: &ThreadId) -> Result<crate::thread::Outgoing, StoreError> {
        let trail = self.trail(thread)?;
        let own = Own::of(&self.db, &StoreId::thread(thread))?;
        let here = mailbox::watermark(&self.db, thread)?;
        let own = above(&trail, &own, &self.id, here.as_ref());
        Ok(trail.with(&own).outgoing.map(|outgoing| *outgoing).unwrap_or_default())
    }

    /// Whether an action queued something that was sent since, or may be at any moment.
    pub(super) fn is_on_its_way(&self, action: &ActionId) -> Result<bool, StoreError> {
        for thread in self.reached(action)?.into_keys().filter(ThreadId::is_draft) {
            let trail = self.trail(&thread)?;
            let own = Own::of(&self.db, &StoreId::thread(&thread))?;
            let here = mailbox::watermark(&self.db, &thread)?;
            let new = above(&trail, &own, &self.id, here.as_ref());
            let outgoing = trail.with(&new).outgoing.map(|outgoing| *outgoing).unwrap_or_default();
            let own = entries(&own, &self.id, &trail.base.epochs, here.as_ref());
            let queued = trail.entries.iter().chain(&own).filter(|entry| {
                entry.action.as_ref() == Some(action)
                    && matches!(entry.what, What::Outgoing(Step::Queued { .. }))
            });
            let gone =
                |item: &OutboxItem| matches!(item.stage, Stage::Claimed | Stage::Unknown { .. });
            if queued.map(|entry| &entry.id).any(|id| {
                let mut items = outgoing.items.iter();
                outgoing.is_sent(id) || items.any(|item| item.queued == *id && gone(item))
            }) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The Message-ID of what waits in the outbox, without angle brackets; `None` where that is not
    /// known, or nothing of this name waits.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn message_id_of(
        &self,
        thread: &ThreadId,
        queued: &EventId,
    ) -> Result<Option<String>, EngineError> {
        let items = self.outgoing_of(thread)?.items;
        let item = items.into_iter().find(|item| item.queued == *queued);
        Ok(item.map(|item| item.message_id).filter(|id| !id.is_empty()))
    }

    /// What is written and not sent, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn outgoing_rows(&self) -> Result<Outgoing, EngineError> {
        let _still = self.db.still()?;
        let mut threads: BTreeSet<ThreadId> = BTreeSet::new();
        for list in ["drafts", "outbox"] {
            for thread in mailbox::drafts_in(&self.db, &label::system(list), MAX_LISTED)? {
                threads.insert(thread);
            }
        }
        // Those that have no row yet.
        let own = Own::stores_with(&self.db, name::DRAFT_SAVED)?;
        threads.extend(own.iter().filter_map(StoreId::as_thread));
        let mut all = Outgoing::default();
        for thread in &threads {
            let mut of = self.outgoing_of(thread)?;
            let before = of.before().map(|(queued, surely)| (queued.clone(), surely));
            let before = before.map(|(queued, surely)| Before { queued, surely });
            all.drafts.extend(std::mem::take(&mut of.drafts).into_iter().map(|line| DraftRow {
                thread: thread.clone(),
                draft: line.draft,
                save: line.save,
                to: safe_text::line(&line.title.to),
                subject: safe_text::line(&line.title.subject),
                snippet: safe_text::line(&line.title.snippet),
                at: line.title.at,
                attachments: line.title.attachments,
                before: before.clone(),
            }));
            for item in &of.partly {
                let refused = of.refused(&item.queued).iter().filter(|to| !to.retried);
                let refused = refused.map(RefusedTo::cut).collect();
                all.outbox.push(partly_row(outbox_row(thread, item.clone(), true), refused));
            }
            for item in of.items {
                let confirmed = !Own::is_pending(&self.db, &item.queued)?;
                all.outbox.push(outbox_row(thread, item, confirmed));
            }
        }
        all.drafts.sort_by(|a, b| (b.at, &b.save).cmp(&(a.at, &a.save)));
        all.outbox.sort_by(|a, b| (b.at, &b.queued).cmp(&(a.at, &a.queued)));
        Ok(all)
    }

    /// A draft at a save, or at the last of what is written in its store; `None` when it is not
    /// there. Loaded threads and own events only: `Ok(Err(blob))` says what must come first.
    ///
    /// # Errors
    /// When the database, or what was written, cannot be read.
    pub fn open_draft(
        &self,
        thread: &ThreadId,
        save: Option<&EventId>,
    ) -> Result<Result<Option<OpenDraft>, BlobHash>, EngineError> {
        let saves = self.saves(thread)?;
        let last = || {
            let of = self.outgoing_of(thread).ok()?;
            let draft = of.drafts.last().map(|line| line.save.clone());
            draft.or_else(|| of.items.last().map(|item| item.save.clone()))
        };
        let wanted = save.cloned().or_else(last);
        let found = saves.iter().find(|(id, ..)| Some(id) == wanted.as_ref());
        let Some((save, saved, _)) = found else { return Ok(Ok(None)) };
        // Opened as an empty one it would be put over by what is saved next.
        let unreadable = || EngineError::Unreadable(thread.to_string());
        let draft = match (&saved.draft, &saved.blob) {
            (Some(draft), _) => draft.as_ref().clone(),
            (None, Some(hash)) => match self.blob_here(hash) {
                Some(bytes) => serde_json::from_slice(&bytes).map_err(|_| unreadable())?,
                None => return Ok(Err(hash.clone())),
            },
            (None, None) => return Err(unreadable()),
        };
        let (thread, save, history) = (thread.clone(), save.clone(), history(&saves));
        Ok(Ok(Some(OpenDraft { thread, save, draft, history })))
    }

    /// Every save of a store that is here, newest first, whether it can be read or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn draft_history(&self, thread: &ThreadId) -> Result<Vec<SaveRow>, EngineError> {
        Ok(history(&self.saves(thread)?))
    }

    /// Every save of a store that is here, with the name of its device; oldest first.
    fn saves(&self, thread: &ThreadId) -> Result<Vec<Save>, EngineError> {
        let own = Own::of(&self.db, &StoreId::thread(thread))?;
        let mut saves: Vec<Save> = Vec::new();
        if let Some(open) = self.open.peek(thread) {
            for row in open.saves() {
                let device = self.device_name(&row.device);
                saves.push((row.save.clone(), row.saved.clone(), device));
            }
        }
        for event in own.iter().filter(|own| own.name == name::DRAFT_SAVED) {
            if saves.iter().all(|(save, ..)| *save != event.id)
                && let Some(saved) = event.args.read::<DraftSaved>()
            {
                let device = event.device.as_ref().unwrap_or(&self.id);
                saves.push((event.id.clone(), saved, self.device_name(device)));
            }
        }
        Ok(saves)
    }

    /// A blob, from what was written here, memory or disk.
    fn blob_here(&self, hash: &BlobHash) -> Option<Vec<u8>> {
        let own = || self.writing.as_ref().and_then(|writing| writing.get(hash).ok().flatten());
        self.blob(hash).or_else(own)
    }

    /// How many bytes a blob has that can be sent from here.
    pub(super) fn sendable(&self, hash: &BlobHash) -> Result<Option<u64>, StoreError> {
        if let Some(kept) = &self.kept
            && let Some(size) = Blobs::size(kept, hash)?
        {
            return Ok(Some(size));
        }
        match &self.writing {
            Some(writing) => writing.size(hash),
            // A program before this one may have left it.
            None => match Writing::existing(&self.dir)? {
                Some(writing) => writing.size(hash),
                None => Ok(None),
            },
        }
    }

    /// A part of such a blob. One that is damaged here goes nowhere.
    pub(super) fn part_to_send(&mut self, hash: &BlobHash, offset: u64) -> Option<(u64, Vec<u8>)> {
        let kept =
            self.kept.as_ref().and_then(|kept| Blobs::part(kept, hash, offset).ok().flatten());
        kept.or_else(|| self.writing().ok()?.part(hash, offset).ok().flatten())
    }
}

/// A save: its event, what it says, and the name of its device.
type Save = (EventId, DraftSaved, String);

fn history(saves: &[Save]) -> Vec<SaveRow> {
    let row = |(save, saved, device): &Save| SaveRow {
        save: save.clone(),
        at: saved.at,
        device_name: device.clone(),
        snippet: safe_text::line(&saved.snippet),
    };
    saves.iter().rev().map(row).collect()
}

/// The first field that names somebody, as it was typed.
fn written_to(draft: &Draft) -> &str {
    let fields = [&draft.to, &draft.cc, &draft.bcc].map(|of| of.trim_end_matches([',', ' ']));
    fields.into_iter().find(|of| !of.is_empty()).unwrap_or_default()
}

/// A domain that can stand in a Message-ID (RFC 5322, 3.6.4: dot-atom); one of no use when not.
fn clean_domain(domain: &str) -> &str {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let good = !domain.is_empty() && domain.len() <= MAX_DOMAIN_BYTES && domain.chars().all(fits);
    // RFC 2606: a name that never is anyone's.
    if good { domain } else { "mail.invalid" }
}

fn outbox_row(thread: &ThreadId, item: OutboxItem, confirmed: bool) -> OutboxRow {
    let (state, why, retry_at) = match item.stage {
        Stage::Waiting { retry_at: Some(at), why } => (OutboxState::Retrying, why, Some(at)),
        Stage::Waiting { retry_at: None, why } => (OutboxState::Queued, why, None),
        Stage::Claimed => (OutboxState::Sending, String::new(), None),
        Stage::Failed { why } => (OutboxState::Failed, why, None),
        Stage::Unknown { why } => (OutboxState::Unknown, why, None),
    };
    OutboxRow {
        thread: thread.clone(),
        queued: item.queued,
        save: item.save,
        to: safe_text::line(&item.title.to),
        subject: safe_text::line(&item.title.subject),
        at: item.title.at,
        hold: item.hold,
        send_at: item.send_at,
        state,
        why: (!why.is_empty()).then(|| safe_text::line(&why)),
        retry_at,
        refused: Vec::new(),
        confirmed,
    }
}

/// The row of what was sent, and not to these.
fn partly_row(row: OutboxRow, refused: Vec<RefusedTo>) -> OutboxRow {
    let to = refused.iter().map(|to| format!("{}: {}", to.address, to.reason));
    let why = format!("sent, but not to {}", to.collect::<Vec<_>>().join("; "));
    OutboxRow { state: OutboxState::Partly, why: Some(why), refused, retry_at: None, ..row }
}

#[cfg(test)]
#[path = "drafts_tests.rs"]
pub(super) mod tests;
