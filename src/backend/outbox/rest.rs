//! Those recipients of a message that went to the others whom the server refused for now: it is
//! tried again for them alone.
//!
//! Invariant: one transaction with what says that it was sent. What goes to them is a message of
//! its own for the outbox, with its own claim, that names nobody who got it; its bytes are those
//! that the others got. A program that does not know of those bytes builds them for the same people
//! only.

use super::decide::Tries;
use super::loaded::Loaded;
use super::{Due, NotTaken};
use crate::backend::core::Backend;
use crate::backend::ingest::{event, event_id};
use crate::backend::storage::{self, Outbox, references};
use crate::id::{BlobHash, EventId, base32};
use crate::mail::compose::{Built, Draft, narrow};
use crate::safe_text;
use crate::store::{Args, Blobs, Log, StoreError};
use crate::thread::{DraftSaved, Failure, MessageQueued, SendFailed, name};

/// A longer draft, as JSON, lies in a blob; in bytes.
const MAX_INLINE_BYTES: usize = 48 * 1024;
/// Characters of base 32 before the `@` of a Message-ID.
const MESSAGE_ID_CHARS: usize = 16;
/// What is said of a try, of the first one here.
const CODE: &str = "smtp-recipient";

impl Backend {
    /// Queues what was just written as sent once more, for those who were refused for now.
    pub(super) fn queue_rest(
        &mut self,
        loaded: &Loaded,
        due: &Due,
        refused: &[NotTaken],
    ) -> Result<(), StoreError> {
        let raw = loaded.queued(&due.queued).and_then(|row| row.raw.clone());
        let to: Vec<&NotTaken> = refused.iter().filter(|one| !one.lasting).collect();
        let (Some(raw), Some(first)) = (raw, to.first()) else { return Ok(()) };
        if loaded.state.position == 0 {
            return Ok(()); // it was purged meanwhile
        }
        let only: Vec<String> = to.iter().map(|one| one.address.clone()).collect();
        let draft = narrow(&due.draft, &only);
        let at = Log::head(&self.db, &loaded.store)?.position.to_string();
        let id = |what: &str| event_id(&["rest", what, due.queued.as_str(), &at], &[]);
        let (save, queued) = (id("save"), id("queue"));
        let saved = self.save_of(&draft, raw)?;
        let message_id = new_message_id(&queued, &due.of.message_id);
        let of = MessageQueued {
            save: save.clone(),
            message_id: message_id.clone(),
            hold: 0,
            send_at: None,
            offset: due.of.offset,
            at: self.now,
            to: saved.to.clone(),
            subject: due.of.subject.clone(),
            snippet: saved.snippet.clone(),
            attachments: !saved.attachments.is_empty(),
            again: Some(due.queued.clone()),
            partial: true,
            remind: None,
        };
        let line = safe_text::line(&format!("{}: {}", first.address, first.words));
        let retry_at = Tries::default().again(self.now);
        let failed = SendFailed {
            queued: queued.clone(),
            kind: Failure::Temporary,
            code: CODE.to_owned(),
            why: line,
            at: self.now,
            retry_at,
        };
        let make = |id, name, args| event(id, name, args, &self.epoch);
        let events = [
            make(save, name::DRAFT_SAVED, Args::of(&saved))?,
            make(queued.clone(), name::MESSAGE_QUEUED, Args::of(&of))?,
            make(id("failed"), name::SEND_FAILED, Args::of(&failed))?,
        ];
        storage::append(&self.db, &self.epoch, &loaded.store, &events)?;
        Outbox::note(&self.db, &queued, &loaded.store, &message_id, self.now)?;
        Outbox::wait(&self.db, &queued, retry_at, self.now)?;
        self.outbox.rung = true;
        Ok(())
    }

    fn save_of(&self, draft: &Draft, raw: BlobHash) -> Result<DraftSaved, StoreError> {
        let text = serde_json::to_string(draft).unwrap_or_default();
        let long = (text.len() > MAX_INLINE_BYTES).then(|| Blobs::pack(text.as_bytes()));
        if let Some(packed) = &long {
            references::put(&self.db, packed)?;
        }
        let to: Vec<&str> =
            [&draft.to, &draft.cc, &draft.bcc].into_iter().map(String::as_str).collect();
        let to: Vec<&str> = to.into_iter().filter(|field| !field.is_empty()).collect();
        Ok(DraftSaved {
            from: None,
            at: self.now,
            draft: long.is_none().then(|| Box::new(draft.clone())),
            blob: long.map(|packed| packed.hash().clone()),
            attachments: draft.attachments.iter().map(|file| file.hash.clone()).collect(),
            to: safe_text::line(&to.join(", ")),
            subject: safe_text::line(&draft.subject),
            snippet: safe_text::line(&crate::mail::snippet(&draft.body)),
            raw: Some(raw),
        })
    }
}

/// The message with the bytes that others got.
pub(super) fn with_bytes(built: Built, raw: Vec<u8>) -> Built {
    let ends = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(raw.len());
    let needs_smtputf8 = built.needs_smtputf8 || !raw[..ends].is_ascii();
    Built { needs_smtputf8, needs_8bit: !raw.is_ascii(), bytes: raw, ..built }
}

/// One that no message has: by it nothing can be taken for sent that was sent to others.
fn new_message_id(queued: &EventId, before: &str) -> String {
    let digest = blake3::hash(queued.as_str().as_bytes());
    let domain = before.rsplit_once('@').map_or("mail.invalid", |(_, domain)| domain);
    format!("{}@{domain}", base32(digest.as_bytes(), MESSAGE_ID_CHARS))
}
