//! The outbox of the backend: what was queued is sent when its time has come, once.
//!
//! Invariant: the log of a draft's store decides. A claim is appended at the head that was looked
//! at, and is on disk before the first byte leaves; whatever is claimed and not in the hands of
//! this process is of unknown end, and never sent again by itself. Rows (`storage::Outbox`) only
//! say what to look at, and when.
//!
//! `decide` is the table of cases, `loaded` what a log says of its messages, `rows` what is looked
//! at, `desk` what is in hands, `settle` what became of one, `telling` what is told of it, `filing`
//! the copy at the mail server, `parcel` how a draft becomes bytes, `rest` what goes to those alone
//! who were refused for now, `post` who gives it away, `sending` who does it while the program
//! runs: `looking` and `giving` are its threads.

mod decide;
mod desk;
mod filing;
mod giving;
mod loaded;
mod looking;
mod parcel;
mod post;
mod rest;
mod rows;
mod sending;
mod settle;
mod telling;
#[cfg(test)]
mod tests;

pub use self::post::{Parcel, Post, SmtpPost};
pub use self::sending::{Said, Sending, SendingHandle};
pub use self::settle::{Gave, Given, NotTaken};
pub use self::telling::Told;

pub(super) use self::desk::Desk;
pub(super) use self::rows::{forgotten, missing};

use std::collections::BTreeSet;
use std::sync::mpsc::SyncSender;

use self::decide::{Verdict, decide};
use self::loaded::Loaded;
use crate::backend::core::Backend;
use crate::backend::ingest::{event, event_id};
use crate::backend::storage::{self, Index, Outbox, OutboxRow, Purged, references};
use crate::crash;
use crate::id::{BlobHash, EventId, StoreId};
use crate::mail::compose::Draft;
use crate::store::{Args, Blobs, Db, Log, Packed, StoreError};
use crate::thread::{Failure, MessageQueued, SendClaimed, SendFailed, Stage, name};

/// Messages that are looked at in one turn.
const A_LOOK: usize = 200;
/// Characters of a line that says why something was not sent.
const MAX_WHY_CHARS: usize = 400;

/// A message whose time has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// The store of its draft.
    pub store: StoreId,
    /// What queued it, and is its name.
    pub queued: EventId,
    /// Where the log ended when it was looked at.
    pub head: u64,
    /// The time by the backend's clock, Unix seconds: its Date field.
    pub at: i64,
    /// What was written.
    pub draft: Draft,
    /// The bytes that others of its recipients got already, and that these get as well.
    pub raw: Option<BlobHash>,
    /// How it was queued.
    pub of: MessageQueued,
    /// The codes of its failures so far.
    pub codes: Vec<String>,
}

/// What a look at the outbox found.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// What is to be sent now.
    pub due: Vec<Due>,
    /// What is due and was passed over.
    pub passed: BTreeSet<EventId>,
    /// There was more than one turn takes.
    pub more: bool,
    /// When the next is, Unix seconds by the backend's clock.
    pub next: Option<i64>,
    /// The time by that clock.
    pub now: i64,
}

/// A message that is about to be sent.
#[derive(Debug)]
pub struct Claim {
    /// What was looked at.
    pub due: Due,
    /// The account that sends it.
    pub account: String,
    /// Its bytes.
    pub raw: Packed,
}

/// Why something was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// A stable word.
    pub code: String,
    /// One line with what happened, and what to do about it.
    pub line: String,
}

impl Backend {
    /// Wakes `bell` whenever there may be something to send.
    pub(super) fn outbox_listen(&mut self, bell: SyncSender<()>) {
        self.outbox.listen(bell);
    }

    /// Looks at what may be due: settles what is not to be sent, and says what is. Durable after
    /// the commit.
    ///
    /// # Errors
    /// As [`Backend::push`].
    pub fn outbox_look(&mut self, now: i64) -> Result<Look, StoreError> {
        self.outbox_look_past(&BTreeSet::new(), now)
    }

    /// The same, but for what is passed over.
    ///
    /// # Errors
    /// As [`Backend::push`].
    pub fn outbox_look_past(
        &mut self,
        past: &BTreeSet<EventId>,
        now: i64,
    ) -> Result<Look, StoreError> {
        self.now = now;
        let mut look = Look { now, ..Look::default() };
        let (rows, passed) = Outbox::due(&self.db, now, past, A_LOOK)?;
        (look.more, look.passed) = (rows.len() >= A_LOOK, passed);
        for row in rows {
            let Some(loaded) = readable(&self.db, &row.store)? else {
                self.begin()?;
                Outbox::wait(&self.db, &row.queued, None, now)?;
                continue;
            };
            match self.judge(&loaded, &row)? {
                Verdict::Claim => {
                    if let Some(due) = self.due(&loaded, &row.queued, now)? {
                        look.due.push(due);
                        continue;
                    }
                    let line = "what was written is not here; open the draft and save it again";
                    let why = Why::new("draft-missing", line);
                    self.fail(&loaded, &row.queued, Failure::Permanent, &why, None)?;
                }
                verdict => self.carry_out(&loaded, &row, &verdict)?,
            }
        }
        look.next = Outbox::next(&self.db)?;
        Ok(look)
    }

    fn judge(&self, loaded: &Loaded, row: &OutboxRow) -> Result<Verdict, StoreError> {
        let mut facts = loaded.facts(&row.queued, self.outbox.sending(), &self.epoch);
        if let Some(queued) = facts.queued {
            facts.known = is_known(&self.db, &queued.of.message_id)?;
            for other in loaded.related(queued) {
                facts.twin |= is_known(&self.db, &other.of.message_id)?;
            }
        }
        facts.accepted = row.accepted;
        facts.now = self.now;
        Ok(decide(&facts))
    }

    /// Everything but a claim.
    fn carry_out(
        &mut self,
        loaded: &Loaded,
        row: &OutboxRow,
        verdict: &Verdict,
    ) -> Result<(), StoreError> {
        let queued = &row.queued;
        match verdict {
            Verdict::Over => {
                self.begin()?;
                Outbox::remove(&self.db, queued)
            }
            Verdict::Wait(due) => {
                self.begin()?;
                Outbox::wait(&self.db, queued, *due, self.now)
            }
            Verdict::Fail(kind, code, line) => {
                self.begin()?;
                self.fail(loaded, queued, *kind, &Why::new(code, line), None).map(drop)
            }
            Verdict::Found => {
                self.begin()?;
                self.found(loaded, queued)
            }
            Verdict::Claim => Ok(()),
        }
    }

    fn due(&self, loaded: &Loaded, queued: &EventId, at: i64) -> Result<Option<Due>, StoreError> {
        let Some(row) = loaded.queued(queued) else { return Ok(None) };
        let Some(draft) = draft_of(&self.db, loaded, &row.of.save)? else { return Ok(None) };
        Ok(Some(Due {
            store: loaded.store.clone(),
            queued: queued.clone(),
            head: loaded.state.position,
            at,
            draft,
            raw: loaded.state.save(&row.of.save).and_then(|row| row.saved.raw.clone()),
            of: row.of.clone(),
            codes: loaded.tries(queued).codes.clone(),
        }))
    }

    /// The bytes of attachments, as far as they are here.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn outbox_blobs(
        &self,
        hashes: &[BlobHash],
    ) -> Result<Vec<(BlobHash, Vec<u8>)>, StoreError> {
        let mut found = Vec::new();
        for hash in hashes {
            found.extend(whole(&self.db, hash)?.map(|bytes| (hash.clone(), bytes)));
        }
        Ok(found)
    }

    /// Claims a message: whether it may be given away once this is on disk. Not when anything came
    /// to its log since it was looked at.
    ///
    /// # Errors
    /// As [`Backend::push`]; then nothing may be given away.
    pub fn outbox_claim(&mut self, claim: &Claim, now: i64) -> Result<bool, StoreError> {
        self.now = now;
        let Due { store, queued, head, at, of, .. } = &claim.due;
        let Some(loaded) = self.still(store, queued, *head)? else { return Ok(false) };
        self.begin()?;
        let claimed = SendClaimed {
            queued: queued.clone(),
            save: of.save.clone(),
            message_id: of.message_id.clone(),
            raw: claim.raw.hash().clone(),
            at: *at,
            to: of.to.clone(),
            subject: of.subject.clone(),
        };
        references::put(&self.db, &claim.raw)?;
        self.write(&loaded, queued, name::SEND_CLAIMED, &Args::of(&claimed))?;
        Outbox::sends(&self.db, queued, &claim.account)?;
        self.outbox.take(queued);
        crash::point("claim.before-commit");
        Ok(true)
    }

    /// A message that was to be sent cannot be, and nothing of it left; unless anything came to its
    /// log since it was looked at. What was written of it.
    ///
    /// # Errors
    /// As [`Backend::push`].
    pub fn outbox_refuse(
        &mut self,
        due: &Due,
        lasting: bool,
        why: &Why,
        now: i64,
    ) -> Result<Told, StoreError> {
        self.now = now;
        let Some(loaded) = self.still(&due.store, &due.queued, due.head)? else {
            return Ok(Told::Nothing);
        };
        self.begin()?;
        self.fail_or_retry(&loaded, &due.queued, lasting, why)
    }

    /// The store, where it ends where it did and the message may be claimed.
    fn still(
        &self,
        store: &StoreId,
        queued: &EventId,
        head: u64,
    ) -> Result<Option<Loaded>, StoreError> {
        let Some(row) = Outbox::get(&self.db, queued)? else { return Ok(None) };
        if Log::head(&self.db, store)?.position != head {
            return Ok(None);
        }
        let Some(loaded) = readable(&self.db, store)? else { return Ok(None) };
        let may = self.judge(&loaded, &row)? == Verdict::Claim;
        Ok(may.then_some(loaded))
    }

    /// Appends an event of the mail edge to a draft's store.
    fn write(
        &self,
        loaded: &Loaded,
        queued: &EventId,
        event_name: &str,
        args: &Args,
    ) -> Result<(), StoreError> {
        if loaded.state.position == 0 {
            return Ok(()); // it was purged meanwhile
        }
        // One of each at each place: what was rolled back is written under the same name.
        let at = Log::head(&self.db, &loaded.store)?.position.to_string();
        let parts = ["outbox", event_name, loaded.store.as_str(), queued.as_str(), &at];
        let event = event(event_id(&parts, &[]), event_name, args.clone(), &self.epoch)?;
        storage::append(&self.db, &self.epoch, &loaded.store, &[event])?;
        Ok(())
    }

    /// Writes that a message was not sent, or that nobody knows; what is told of it.
    fn fail(
        &mut self,
        loaded: &Loaded,
        queued: &EventId,
        kind: Failure,
        why: &Why,
        retry_at: Option<i64>,
    ) -> Result<Told, StoreError> {
        self.begin()?;
        let failed = SendFailed {
            queued: queued.clone(),
            kind,
            code: why.code.clone(),
            why: why.line.clone(),
            at: self.now,
            retry_at,
        };
        self.write(loaded, queued, name::SEND_FAILED, &Args::of(&failed))?;
        match kind {
            Failure::Temporary => Outbox::wait(&self.db, queued, retry_at, self.now)?,
            Failure::Permanent => Outbox::remove(&self.db, queued)?,
            Failure::Unknown => Outbox::doubt(&self.db, queued)?,
        }
        // What tries it again may have waited for this.
        if kind != Failure::Temporary {
            self.outbox.rung |= self.stir_others(loaded, queued)?;
        }
        Ok(match kind {
            Failure::Unknown => Told::Unknown(why.clone()),
            // It was purged meanwhile: that was not written.
            _ if loaded.state.position == 0 => Told::Nothing,
            Failure::Permanent => Told::NotSent(why.clone()),
            Failure::Temporary if retry_at.is_some_and(|at| at > self.now) => {
                Told::Later(why.clone())
            }
            Failure::Temporary => Told::Nothing,
        })
    }

    fn stir_others(&self, loaded: &Loaded, queued: &EventId) -> Result<bool, StoreError> {
        let mut stirred = false;
        for item in loaded.items().iter().filter(|item| item.queued != *queued) {
            if matches!(item.stage, Stage::Waiting { .. }) {
                Outbox::wait(&self.db, &item.queued, Some(self.now), self.now)?;
                stirred = true;
            }
        }
        Ok(stirred)
    }
}

impl Why {
    /// A reason, made safe to show and of bounded length.
    #[must_use]
    pub fn new(code: &str, line: &str) -> Self {
        let line = crate::safe_text::line(line).chars().take(MAX_WHY_CHARS).collect();
        Self { code: code.to_owned(), line }
    }
}

/// Whether a message with this Message-ID is here, or was and is purged.
fn is_known(db: &Db, message_id: &str) -> Result<bool, StoreError> {
    let named = !message_id.is_empty();
    Ok(named && (Index::holds(db, message_id)? || Purged::holds(db, message_id)?))
}

/// What a save says; `None` when it, or the blob that holds it, is not here.
fn draft_of(db: &Db, loaded: &Loaded, save: &EventId) -> Result<Option<Draft>, StoreError> {
    let Some(row) = loaded.state.save(save) else { return Ok(None) };
    if let Some(draft) = &row.saved.draft {
        return Ok(Some((**draft).clone()));
    }
    let Some(hash) = &row.saved.blob else { return Ok(None) };
    let bytes = whole(db, hash)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// The bytes of a blob; one that is damaged is as one that is not here. `doctor` tells of it.
fn whole(db: &Db, hash: &BlobHash) -> Result<Option<Vec<u8>>, StoreError> {
    match Blobs::get(db, hash) {
        Err(error) if error.is_damage() => Ok(None),
        found => found,
    }
}

/// A store; `None` where its log is damaged: that is `doctor`'s concern, and holds up no other.
fn readable(db: &Db, store: &StoreId) -> Result<Option<Loaded>, StoreError> {
    match Loaded::of(db, store) {
        Err(StoreError::Broken { .. }) => Ok(None),
        loaded => loaded.map(Some),
    }
}
