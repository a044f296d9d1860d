//! What writing needs of the message that it answers: its raw header, and its files.
//!
//! Invariant: the header is asked for while a message is read, so that an answer begins at once;
//! where it is not here an answer begins without it, after a moment, and says so. Files come while
//! one writes, and nothing is sent before they are there.

use std::collections::VecDeque;

use super::composer::{Composer, Waits};
use super::keeping;
use super::opening::{self, Answering};
use crate::engine::handle::Request;
use crate::engine::original::{Head, Original, OriginalAsk, Want};
use crate::engine::view::Message;
use crate::id::MessageId;
use crate::mail::compose::{Attached, Draft, Hints};
use crate::notice::{Notice, Severity};
use crate::ui::app::{Effect, Model};
use crate::ui::text;
use crate::ui::unsubscribe;
use crate::ui::update::ask;

/// Headers that are remembered.
const MAX_HEADS: usize = 64;
/// Messages larger than this are looked at only when they are answered, in bytes: all of one is
/// fetched for its header.
const AHEAD_BYTES: u64 = 1024 * 1024;
/// How long an answer waits for the header, in milliseconds.
const PATIENCE_MS: i64 = 4_000;

/// Headers of messages that were read, the newest last; `None` while one is on its way, or where
/// it is not here.
#[derive(Debug, Default)]
pub struct Heads(VecDeque<(MessageId, Option<Head>)>);

impl Heads {
    /// What is known of a message's header.
    #[must_use]
    pub fn of(&self, message: &MessageId) -> Option<&Head> {
        let found = self.0.iter().find(|(id, _)| id == message);
        found.and_then(|(_, head)| head.as_ref())
    }

    fn note(&mut self, message: MessageId, head: Option<Head>) {
        self.0.retain(|(id, _)| *id != message);
        if self.0.len() >= MAX_HEADS {
            self.0.pop_front();
        }
        self.0.push_back((message, head));
    }

    fn is_asked(&self, message: &MessageId) -> bool {
        self.0.iter().any(|(id, _)| id == message)
    }
}

/// The message that is read.
#[must_use]
pub fn read(model: &Model) -> Option<&Message> {
    let reader = model.reader.as_ref()?;
    reader.messages.as_ref()?.get(reader.current)
}

/// Asks for the header of the message that is read.
pub fn look(model: &mut Model) -> Vec<Effect> {
    let Some(message) = read(model) else { return Vec::new() };
    let small = message.raw.clone().filter(|_| message.size <= AHEAD_BYTES);
    let Some(raw) = small.or_else(|| message.outline.clone()) else {
        return Vec::new();
    };
    if model.writing.heads.is_asked(&message.id) {
        return Vec::new();
    }
    let (whole, thread) = (message.outline.is_none(), message.thread.clone());
    let message = message.id.clone();
    model.writing.heads.note(message.clone(), None);
    let ticket = model.writing.next_ticket();
    let rest = (!whole).then(|| Request::Rest { thread, message: message.clone() });
    let head = Request::Original(OriginalAsk { ticket, message, raw, want: Want::Head });
    ask([head].into_iter().chain(rest))
}

/// Asks for the rest of a message that is not whole, and says so; `None` for one that is.
pub fn rest(model: &mut Model, message: &Message) -> Option<Vec<Effect>> {
    message.outline.as_ref()?;
    let line =
        format!("Fetching the rest of it, {}, from its mail server", text::size(message.size));
    model.say(Severity::Info, line, "press it again in a moment");
    let (thread, message) = (message.thread.clone(), message.id.clone());
    Some(ask([Request::Rest { thread, message }]))
}

/// What asks for the header of a message, under a new ticket.
pub fn wanted(model: &mut Model, message: &Message) -> Option<OriginalAsk> {
    let raw = message.raw.clone().or_else(|| message.outline.clone())?;
    let message = message.id.clone();
    Some(OriginalAsk { ticket: model.writing.next_ticket(), message, raw, want: Want::Head })
}

/// Begins an answer or a forward: at once where the header is known, else when it comes.
pub fn begin(model: &mut Model, message: Message, how: Answering) -> Vec<Effect> {
    // What is not whole is not sent on: what of it is quoted is here.
    if matches!(how, Answering::Inline | Answering::Attached)
        && let Some(effects) = rest(model, &message)
    {
        return effects;
    }
    let known = model.writing.heads.of(&message.id).map(|head| head.hints.clone());
    if let Some(hints) = known {
        return begun(model, &message, hints, how);
    }
    let Some(request) = wanted(model, &message) else {
        return begun(model, &message, Hints::default(), how);
    };
    let waits = Some(Waits::Original(request.ticket, how, Box::new(message), model.now_ms));
    match model.writing.open.as_deref_mut().filter(|open| open.waits.is_some()) {
        Some(waiting) => waiting.waits = waits,
        None => opening::open(model, Draft::default()).waits = waits,
    }
    ask([Request::Original(request)])
}

fn begun(model: &mut Model, message: &Message, hints: Hints, how: Answering) -> Vec<Effect> {
    opening::begin(model, message, hints, how);
    let mut effects = files(model, message, how);
    effects.extend(super::outgoing::ask_met(model));
    effects.extend(opening::release(model));
    effects
}

/// Asks for what goes along with a forward: the files of a message that stands in the text; one of
/// one's own that named somebody in Bcc without that.
fn files(model: &mut Model, message: &Message, how: Answering) -> Vec<Effect> {
    let me = &model.writing.identities;
    let ours = message.from.iter().any(|from| me.iter().any(|me| me.is(&from.address)));
    let Some(raw) = message.raw.clone() else { return Vec::new() };
    let ticket = model.writing.ticket + 1;
    let Some(composer) = model.writing.open.as_deref_mut() else { return Vec::new() };
    let (want, said) = match how {
        Answering::Inline if !message.attachments.is_empty() => {
            let size = message.attachments.iter().map(|file| file.size).sum();
            let files = text::plural(message.attachments.len() as u64, "file", "files");
            (Want::Files, format!("{files}, {}", text::size(size)))
        }
        Answering::Attached if ours && !message.bcc.is_empty() => {
            let Some(file) = composer.base.attachments.pop() else { return Vec::new() };
            composer.begun.attachments.clone_from(&composer.base.attachments);
            (Want::Whole(file.name.clone()), crate::safe_text::line(&file.name))
        }
        _ => return Vec::new(),
    };
    composer.coming.push((ticket, said));
    model.writing.ticket = ticket;
    let message = message.id.clone();
    ask([Request::Original(OriginalAsk { ticket, message, raw, want })])
}

/// What was asked of a message came.
pub fn came(model: &mut Model, came: Original) -> Vec<Effect> {
    let Original { ticket, message, head, files } = came;
    if let Some(head) = head.clone() {
        model.writing.heads.note(message, Some(head));
    }
    if unsubscribe::came(model, ticket) {
        return Vec::new();
    }
    let open = model.writing.open.as_deref();
    let waits = match open.and_then(|composer| composer.waits.as_ref()) {
        Some(Waits::Original(wanted, ..)) => *wanted == ticket,
        _ => false,
    };
    if waits {
        return go_on(model, head.map(|head| head.hints));
    }
    attach(model, ticket, files);
    Vec::new()
}

/// Begins the answer that waits for a header.
fn go_on(model: &mut Model, hints: Option<Hints>) -> Vec<Effect> {
    let waits = model.writing.open.as_deref_mut().and_then(|composer| composer.waits.clone());
    let Some(Waits::Original(_, how, message, _)) = waits else { return Vec::new() };
    let missing = hints.is_none();
    let effects = begun(model, &message, hints.unwrap_or_default(), how);
    if missing && matches!(how, Answering::Sender | Answering::All) {
        let line = "What its header says about answers is not here";
        model.say(Severity::Warning, line, "look to whom it goes");
    }
    effects
}

/// What is due by now: an answer does not wait for a header for ever.
pub fn time(model: &mut Model) -> Vec<Effect> {
    let waits = model.writing.open.as_deref().and_then(|composer| composer.waits.as_ref());
    match waits {
        Some(Waits::Original(_, _, _, since)) if model.now_ms - since > PATIENCE_MS => {
            go_on(model, None)
        }
        _ => Vec::new(),
    }
}

/// Files of a forwarded message are kept, to go along.
fn attach(model: &mut Model, ticket: u64, files: Result<Vec<Attached>, Notice>) {
    let now = model.now_ms;
    let writing = &mut model.writing;
    let mut all = writing.open.as_deref_mut().into_iter().chain(&mut writing.leaving);
    let waits = |composer: &&mut Composer| composer.coming.iter().any(|(t, _)| *t == ticket);
    let Some(composer) = all.find(waits) else { return };
    composer.coming.retain(|(coming, _)| *coming != ticket);
    let files = match files {
        Ok(files) => files,
        Err(notice) => {
            let line = format!("The files of the message do not go along: {}", notice.message);
            return model.say(Severity::Warning, line, notice.hint);
        }
    };
    // What came with the message was not written by anybody here.
    let untouched = composer.draft() == composer.begun;
    let (count, size) = (files.len() as u64, files.iter().map(|file| file.size).sum());
    composer.base.attachments.extend(files);
    if untouched {
        composer.begun = composer.draft();
    } else {
        keeping::changed(composer, now);
    }
    let files = text::plural(count, "file goes", "files go");
    let line = format!("{files} along with it ({})", text::size(size));
    model.say(Severity::Info, line, "C-x d takes the last one off");
}
