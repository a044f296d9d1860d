//! Ingest: a raw message becomes events of a thread, once.
//!
//! Invariant: the index entry, the choice of the thread and the append are one transaction. Two
//! threads that turn out to be one conversation are linked, never moved. The same bytes again add
//! nothing, but that a message which was gone is there again; other bytes under the same id are
//! kept as a copy.

mod outlines;
mod whole;

pub use whole::{Packer, Whole};

use crate::backend::removed::came_again;
use crate::backend::storage::{self, Index, Known, Links, Outlines, Purged, references};
use crate::bridge::{Incoming, Outcome, Said};
use crate::id::{
    BlobHash, DeviceId, Epoch, EventId, LabelId, MessageId, StoreId, ThreadId, base32,
};
use crate::imap::Left;
use crate::limits::{MAX_INLINE_TEXT_BYTES, MAX_MESSAGE_ARGS_BYTES, MAX_MESSAGE_BYTES};
use crate::mail;
use crate::search::entry::Words;
use crate::store::{Args, Blobs, Db, Log, NewEvent, Packed, StoreError};
use crate::thread::{Linked, MessageAdded, ThreadCreated, name};

/// The writer of everything that the mail edge appends.
pub(super) const MAIL_EDGE: &str = "mail-edge";

/// The most of a Bcc that is kept with a sent message, in bytes of names and addresses: its event
/// stays within what an event may have.
const MAX_BCC_BYTES: usize = MAX_MESSAGE_ARGS_BYTES / 8;

/// A message that is parsed, hashed and compressed, ready for the one transaction.
#[derive(Debug, Clone)]
pub struct Prepared(Result<Box<Ready>, (String, String)>);

#[derive(Debug, Clone)]
struct Ready {
    key: String,
    hash: [u8; 32],
    /// That of its header alone.
    head: [u8; 32],
    message: MessageAdded,
    /// The arguments of its event, as long as `message` is as it was when they were made.
    args: Option<Args>,
    /// Its words, where the index is to have them from here.
    words: Option<Box<Words>>,
    keywords: Vec<String>,
    /// What its provider says it belongs to.
    conversation: Option<String>,
    raw: Packed,
    text: Option<Packed>,
    /// Whether it is wanted though it was purged.
    revive: bool,
    /// The message that these bytes are the whole of, as who fetched them knows.
    completes: Option<MessageId>,
}

/// Does everything that needs no database; on any thread. `now` is the import time, Unix seconds.
#[must_use]
pub fn prepare(incoming: Incoming, now: i64) -> Prepared {
    prepare_by(incoming, now, &|raw| (mail::parse(raw), None))
}

/// As [`prepare`], and reads its words too: the index then need not read the message again.
#[must_use]
pub fn prepare_with_words(incoming: Incoming, now: i64) -> Prepared {
    prepare_by(incoming, now, &|raw| {
        let (parsed, searchable) = mail::parse_and_search(raw);
        (parsed, Some(Box::new(Words::of(&searchable))))
    })
}

/// What a message says, and its words where they are wanted.
type Read<'a> = &'a dyn Fn(&[u8]) -> (mail::Parsed, Option<Box<Words>>);

fn prepare_by(incoming: Incoming, now: i64, read: Read<'_>) -> Prepared {
    if incoming.raw.len() > MAX_MESSAGE_BYTES {
        let reason = format!("larger than {} MiB", MAX_MESSAGE_BYTES / (1024 * 1024));
        return Prepared(Err(("too-large".to_owned(), reason)));
    }
    if incoming.raw.iter().all(u8::is_ascii_whitespace) {
        return Prepared(Err(("empty".to_owned(), "there is nothing in it".to_owned())));
    }
    let (parsed, words) = read(&incoming.raw);
    let key = mail::message_key(&parsed, &incoming.raw);
    let (sort_date, sort_from) = mail::sort_date(&parsed, incoming.file_time, now);
    let raw = Blobs::pack(&incoming.raw);
    let long = parsed.text.len() > MAX_INLINE_TEXT_BYTES;
    let text = long.then(|| Blobs::pack(parsed.text.as_bytes()));
    let (conversation, revive) = (parsed.conversation, incoming.folder.revive);
    let said = Said::of_file(incoming.folder, incoming.flags, parsed.status, parsed.keywords);
    let message = MessageAdded {
        message: message_id(&key),
        copy: false,
        message_id: parsed.message_id,
        raw: raw.hash().clone(),
        size: incoming.raw.len() as u64,
        outline: false,
        subject: parsed.subject,
        from: parsed.from,
        to: parsed.to,
        cc: parsed.cc,
        bcc: parsed.bcc,
        reply_to: parsed.reply_to,
        date: parsed.date,
        sort_date,
        sort_from,
        snippet: mail::snippet(&parsed.text),
        text_blob: text.as_ref().map(|blob| blob.hash().clone()),
        text: (!long).then_some(parsed.text),
        facts: (!parsed.facts.is_empty()).then(|| Box::new(parsed.facts)),
        attachments: parsed.attachments,
        place: said.place,
        sent: said.sent,
        flags: said.flags,
        labels: Vec::new(),
        references: parsed.references,
        defects: parsed.defects,
    };
    // Only a header of that size can make such arguments: the text is elsewhere.
    let args = Args::of(&message);
    if args.text().len() > MAX_MESSAGE_ARGS_BYTES {
        let reason = "its header is too large".to_owned();
        return Prepared(Err(("too-large".to_owned(), reason)));
    }
    let hash = mail::canonical_hash(&incoming.raw);
    let head = mail::header_hash(&incoming.raw);
    let keywords = said.labels;
    let ready = Ready {
        key,
        hash,
        head,
        message,
        args: Some(args.made_ready()),
        words,
        keywords,
        conversation,
        raw,
        text,
        revive,
        completes: None,
    };
    Prepared(Ok(Box::new(ready)))
}

impl Ready {
    /// The message, to be changed: what was made of it is not it any more.
    fn change(&mut self) -> &mut MessageAdded {
        self.args = None;
        &mut self.message
    }
}

impl Prepared {
    /// Its words, and the bytes that they are of; they are not asked for twice.
    pub(super) fn take_words(&mut self) -> Option<(BlobHash, Words)> {
        let ready = self.0.as_mut().ok()?;
        let words = ready.words.take()?;
        Some((ready.raw.hash().clone(), *words))
    }

    /// Its provider's word for its conversation, where a server says it.
    pub(super) fn in_conversation(mut self, conversation: Option<String>) -> Self {
        if let (Ok(ready), Some(conversation)) = (&mut self.0, conversation) {
            ready.conversation = Some(conversation);
        }
        self
    }

    /// It is not whole: this was left at its server. What has no Message-ID is known by its bytes,
    /// and cannot be.
    pub(super) fn outline(mut self, left: Option<Left>) -> Self {
        if let (Ok(ready), Some(Left { size, files })) = (&mut self.0, left) {
            let message = ready.change();
            (message.outline, message.size) = (true, size);
            for (file, size) in message.attachments.iter_mut().zip(files) {
                file.size = size.unwrap_or(file.size);
            }
        }
        self
    }

    /// Its writer's Bcc, which its bytes must not have; left out where it is longer than a header.
    pub(super) fn with_bcc(mut self, bcc: Vec<mail::Address>) -> Self {
        let length =
            |one: &mail::Address| one.address.len() + one.name.as_ref().map_or(0, String::len);
        if let Ok(ready) = &mut self.0
            && bcc.iter().map(length).sum::<usize>() <= MAX_BCC_BYTES
        {
            ready.change().bcc = bcc;
        }
        self
    }

    /// These bytes are the whole of that message.
    pub(super) fn completing(mut self, message: MessageId) -> Self {
        if let Ok(ready) = &mut self.0 {
            ready.completes = Some(message);
        }
        self
    }

    /// Whether it is not whole, and what is known of it otherwise: it is to be fetched whole.
    pub(super) fn must_be_whole(&self, db: &Db) -> Result<bool, StoreError> {
        let Ok(ready) = &self.0 else { return Ok(false) };
        if !ready.message.outline {
            return Ok(false);
        }
        let named = ready.message.message_id.as_ref().is_some_and(|id| !id.is_empty());
        Ok(!named || matches!(Index::look(db, &ready.key, &ready.hash)?, Known::Other(_)))
    }

    /// Which message it is; `None` for what is not taken in.
    pub(super) fn message(&self) -> Option<&MessageId> {
        self.0.as_ref().ok().map(|ready| &ready.message.message)
    }

    /// Names of the user labels that the message brings.
    pub(super) fn keywords(&self) -> &[String] {
        self.0.as_ref().map_or(&[], |ready| &ready.keywords)
    }

    /// Who wrote it, its subject, and when; `None` for what is our own or was not taken in.
    pub(super) fn headline(&self) -> Option<(Option<&mail::Address>, Option<&str>, i64)> {
        let message = &self.0.as_ref().ok()?.message;
        let own = message.sent || message.flags.draft;
        (!own).then(|| (message.from.first(), message.subject.as_deref(), message.sort_date))
    }
}

/// Whether a message is one that is not there yet, and brings labels.
pub(super) fn is_new(db: &Db, prepared: &Prepared) -> Result<bool, StoreError> {
    let Ok(ready) = &prepared.0 else { return Ok(false) };
    if ready.keywords.is_empty() || (Purged::holds(db, &ready.key)? && !ready.revive) {
        return Ok(false);
    }
    let known = Index::look(db, &ready.key, &ready.hash)?;
    Ok(matches!(known, Known::No | Known::Named(_)))
}

/// Puts a prepared message in. The transaction is the caller's.
pub(super) fn commit(
    db: &Db,
    epoch: &Epoch,
    prepared: Prepared,
    labels: Vec<LabelId>,
) -> Result<Outcome, StoreError> {
    let mut ready = match prepared.0 {
        Ok(ready) => *ready,
        Err((code, reason)) => return Ok(Outcome::Failed { code, reason }),
    };
    if Purged::holds(db, &ready.key)? {
        if !ready.revive {
            return Ok(Outcome::Purged);
        }
        Purged::revive(db, &ready.key)?;
    }
    let message = Some(ready.message.message.clone());
    if let Some(thread) = outlines::complete(db, epoch, &ready)? {
        came_again(db, epoch, &thread, &ready.message.message)?;
        converse(db, epoch, &ready, &thread)?;
        return Ok(Outcome::Duplicate { thread, message });
    }
    match Index::look(db, &ready.key, &ready.hash)? {
        Known::Equal(thread) => {
            came_again(db, epoch, &thread, &ready.message.message)?;
            converse(db, epoch, &ready, &thread)?;
            Ok(Outcome::Duplicate { thread, message })
        }
        Known::Other(thread) => {
            ready.change().copy = true;
            append(db, epoch, &thread, &ready, None)?;
            came_again(db, epoch, &thread, &ready.message.message)?;
            converse(db, epoch, &ready, &thread)?;
            Ok(Outcome::Copy { thread, message })
        }
        known => {
            if !labels.is_empty() {
                ready.change().labels = labels;
            }
            let named = match known {
                Known::Named(thread) => Some(thread),
                _ => None,
            };
            place(db, epoch, &ready, named)
        }
    }
}

/// Chooses the thread of a new message, links the threads that it shows to be one, and appends it.
fn place(
    db: &Db,
    epoch: &Epoch,
    ready: &Ready,
    named: Option<ThreadId>,
) -> Result<Outcome, StoreError> {
    let mut threads: Vec<ThreadId> = named.into_iter().collect();
    // The nearest ancestor decides where there is a choice, and the provider's word last.
    for ancestor in ready.message.references.iter().rev().chain(&ready.conversation) {
        if let Some(thread) = Index::thread(db, ancestor)?
            && !threads.contains(&thread)
        {
            threads.push(thread);
        }
    }
    let thread = match threads.first() {
        Some(thread) => thread.clone(),
        None => new_thread(db, &ready.key)?,
    };
    let new = Log::head(db, &StoreId::thread(&thread))?.position == 0;
    let begin = new.then(|| ThreadCreated { thread: thread.clone() });
    append(db, epoch, &thread, ready, begin.as_ref())?;
    if new {
        Links::begun(db, &thread)?;
    }
    Index::name(db, &ready.key, &thread)?;
    for ancestor in ready.message.references.iter().chain(&ready.conversation) {
        Index::name(db, ancestor, &thread)?;
    }
    for other in threads.iter().skip(1) {
        join(db, epoch, &thread, other, &ready.key)?;
    }
    let message = Some(ready.message.message.clone());
    Ok(Outcome::Imported { thread, new, message })
}

/// A message that is there already, and now comes with its provider's word for its conversation:
/// joined as if it had come so at first, but for what was split by hand.
fn converse(db: &Db, epoch: &Epoch, ready: &Ready, thread: &ThreadId) -> Result<(), StoreError> {
    let Some(conversation) = &ready.conversation else { return Ok(()) };
    match Index::thread(db, conversation)? {
        None => Index::name(db, conversation, thread),
        Some(other) => join(db, epoch, thread, &other, &ready.key).map(drop),
    }
}

/// The id of a thread that begins with this message: one that was never purged.
fn new_thread(db: &Db, key: &str) -> Result<ThreadId, StoreError> {
    let mut life = 0;
    loop {
        let thread = thread_id(key, life);
        if !Purged::is(db, &thread)? {
            return Ok(thread);
        }
        life += 1;
    }
}

/// Makes two threads one conversation, in both logs; `false` when they are already, or were split
/// by hand: mail does not join again what a user took apart.
pub(super) fn join(
    db: &Db,
    epoch: &Epoch,
    a: &ThreadId,
    b: &ThreadId,
    cause: &str,
) -> Result<bool, StoreError> {
    if !Links::may_join(db, a, b)? {
        return Ok(false);
    }
    for (thread, other) in [(a, b), (b, a)] {
        link(db, epoch, thread, other, cause, &[])?;
    }
    Links::join(db, a, b)?;
    Ok(true)
}

fn append(
    db: &Db,
    epoch: &Epoch,
    thread: &ThreadId,
    ready: &Ready,
    begin: Option<&ThreadCreated>,
) -> Result<(), StoreError> {
    let id = event_id(&["message", &ready.key], &ready.hash);
    let store = StoreId::thread(thread);
    if begin.is_none() && Log::holds(db, &store, &id)? {
        return bytes_again(db, ready);
    }
    append_blobs(db, ready)?;
    Index::add(db, &ready.key, &ready.hash)?;
    if ready.message.outline {
        Outlines::note(db, &ready.message.message, thread)?;
    }
    let mut events = Vec::new();
    if let Some(begin) = begin {
        let id = event_id(&["created", thread.as_str()], &[]);
        events.push(event(id, name::THREAD_CREATED, Args::of(begin), epoch)?);
    }
    let args = ready.args.clone().unwrap_or_else(|| Args::of(&ready.message));
    events.push(event(id, name::MESSAGE_ADDED, args, epoch)?);
    storage::append(db, epoch, &store, &events)?;
    Ok(())
}

/// The log has the message, but after a restore nobody had its bytes: now they are here. That it
/// names them was counted when it came back.
fn bytes_again(db: &Db, ready: &Ready) -> Result<(), StoreError> {
    Index::add(db, &ready.key, &ready.hash)?;
    for blob in std::iter::once(&ready.raw).chain(&ready.text) {
        references::put_counted(db, blob)?;
    }
    Ok(())
}

/// What an event of a message names; each event counts.
fn append_blobs(db: &Db, ready: &Ready) -> Result<(), StoreError> {
    references::put(db, &ready.raw)?;
    if let Some(text) = &ready.text {
        references::put(db, text)?;
    }
    Ok(())
}

/// A thread is one conversation with another, which has and counts what is `held`.
pub(super) fn link(
    db: &Db,
    epoch: &Epoch,
    thread: &ThreadId,
    other: &ThreadId,
    cause: &str,
    held: &[MessageId],
) -> Result<(), StoreError> {
    let parts = ["linked", thread.as_str(), other.as_str(), cause];
    let held: Vec<MessageId> = held.to_vec();
    let names = held.iter().map(MessageId::as_str);
    let id = event_id(&parts.into_iter().chain(names).collect::<Vec<_>>(), &[]);
    let args = Args::of(&Linked { thread: other.clone(), held });
    let event = event(id, name::THREAD_LINKED, args, epoch)?;
    storage::append(db, epoch, &StoreId::thread(thread), &[event])?;
    Ok(())
}

/// An event of the mail edge.
pub(super) fn event(
    id: EventId,
    name: &str,
    args: Args,
    epoch: &Epoch,
) -> Result<NewEvent, StoreError> {
    let device =
        DeviceId::try_from(MAIL_EDGE).map_err(|error| StoreError::Row(error.to_string()))?;
    Ok(NewEvent { id, name: name.to_owned(), args, device, action: None, epoch: epoch.clone() })
}

fn digest(parts: &[&str], bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.update(bytes);
    hasher.finalize()
}

/// An id derived from content, so that retries meet: a `UUIDv8` (RFC 9562, section 5.8).
#[expect(clippy::expect_used, reason = "a UUID's text is a valid id")]
pub(super) fn event_id(parts: &[&str], bytes: &[u8]) -> EventId {
    let mut first = [0; 16];
    first.copy_from_slice(&digest(parts, bytes).as_bytes()[..16]);
    let uuid = uuid::Builder::from_custom_bytes(first).into_uuid();
    EventId::try_from(uuid.to_string()).expect("invariant: a UUID is a valid id")
}

#[expect(clippy::expect_used, reason = "base 32 is a valid id")]
fn thread_id(key: &str, life: u32) -> ThreadId {
    let again = if life == 0 { Vec::new() } else { life.to_le_bytes().to_vec() };
    let id = base32(digest(&["thread", key], &again).as_bytes(), 20);
    ThreadId::try_from(id).expect("invariant: base 32 is a valid id")
}

#[expect(clippy::expect_used, reason = "base 32 is a valid id")]
fn message_id(key: &str) -> MessageId {
    let id = base32(digest(&["id", key], &[]).as_bytes(), 20);
    MessageId::try_from(id).expect("invariant: base 32 is a valid id")
}
