//! How a draft begins: new, an answer, a forward, or one that was kept.
//!
//! Invariant: keys that are typed before there is something to type into wait for it; they reach
//! nothing else.

use std::collections::VecDeque;

use super::area::{Area, At};
use super::composer::{Composer, Focus, Typed, Waits};
use super::{keeping, original};
use crate::engine::handle::Request;
use crate::engine::view::{Message, OpenDraft, OutboxRow, Thread};
use crate::id::{EventId, ThreadId};
use crate::mail::compose::{self, Answer, Draft, Hints, Style};
use crate::notice::{Notice, Severity};
use crate::ui::app::{Effect, Model};
use crate::ui::keys;
use crate::ui::update::ask;

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// An answer to who wrote it.
    Sender,
    /// An answer to everybody.
    All,
    /// A forward with the message in its text.
    Inline,
    /// A forward with the message attached as it came.
    Attached,
}

/// Numbers of composers that are begun in the same millisecond.
const A_MS: i64 = 1_024;

/// The first number of a composer that is opened at this time, Unix milliseconds.
#[must_use]
pub const fn slot_at(now_ms: i64) -> i64 {
    now_ms.saturating_mul(A_MS)
}

/// Opens a composer of `draft`.
pub fn open(model: &mut Model, draft: Draft) -> &mut Composer {
    model.writing.opened += 1;
    // No other has it: a thousand composers a millisecond are opened by nobody.
    let slot = slot_at(model.now_ms).saturating_add(model.writing.opened % A_MS);
    model.notice = None;
    model.keys.clear();
    model.writing.open.insert(Box::new(Composer::new(slot, draft)))
}

/// A message that another program asked for, and what is said of that.
pub fn asked(model: &mut Model, draft: Draft, told: Option<Notice>) {
    open(model, draft);
    people(model);
    if let Some(Notice { severity, message, hint, .. }) = told {
        model.say(severity, message, hint);
    }
}

/// A new message.
pub fn new(model: &mut Model) -> Vec<Effect> {
    let draft = model.writing.identities.first().map(compose::blank).unwrap_or_default();
    open(model, draft);
    people(model);
    super::outgoing::ask_met(model)
}

/// An answer to the message that is read, or to the newest of the conversation under the cursor.
pub fn answer(model: &mut Model, how: Answering) -> Vec<Effect> {
    people(model);
    if let Some(reader) = &model.reader {
        let found = reader.messages.as_ref().and_then(|all| all.get(reader.current)).cloned();
        let thread = reader.row.thread.clone();
        match found {
            Some(message) => return original::begin(model, message, how),
            None => open(model, Draft::default()).waits = Some(Waits::Thread(thread, how)),
        }
        return Vec::new();
    }
    let Some(row) = model.list.current() else {
        model.say(Severity::Info, "There is no conversation here", "");
        return Vec::new();
    };
    let thread = row.thread.clone();
    let effects = keys::open(model);
    open(model, Draft::default()).waits = Some(Waits::Thread(thread, how));
    effects
}

/// Begins it, with what the header of the message says; whether files of the message are still to
/// be attached is up to who asks.
pub(super) fn begin(model: &mut Model, message: &Message, hints: Hints, how: Answering) {
    let style = Style {
        signature_above: false,
        utc_offset: super::sending::offset_minutes(
            shown_at(message).saturating_mul(1_000),
            &model.zone,
        ) * 60,
    };
    let (shown, me) = (message.shown(hints), &model.writing.identities);
    let draft = match how {
        Answering::Sender => compose::reply(&shown, Answer::Sender, me, style),
        Answering::All => compose::reply(&shown, Answer::All, me, style),
        Answering::Inline => compose::forward_inline(&shown, Vec::new(), me, style),
        Answering::Attached => {
            let raw = (message.raw.clone(), message.size);
            match raw {
                (Some(raw), size) => compose::forward_attached(&shown, (raw, size), me, style),
                (None, _) => compose::forward_inline(&shown, Vec::new(), me, style),
            }
        }
    };
    let draft = Draft { near: vec![message.thread.clone()], ..draft };
    let waiting = model.writing.open.take().filter(|composer| composer.waits.is_some());
    let answers = !draft.to.is_empty();
    let composer = open(model, draft);
    composer.held = waiting.map(|composer| composer.held).unwrap_or_default();
    if answers {
        // Where one writes: above all of it, or above a signature and below what is quoted.
        let lines = composer.body.lines();
        let end = lines.iter().position(|line| line == "-- ").unwrap_or(lines.len());
        let above = compose::is_above(&composer.begun.body);
        let line = if above { 0 } else { end.saturating_sub(1) };
        composer.body.place(At { line, byte: 0 });
    }
}

const fn shown_at(message: &Message) -> i64 {
    match message.date {
        Some(date) => date,
        None => message.sort_date,
    }
}

/// The conversation came whose newest message is answered.
pub fn thread_came(model: &mut Model, id: &ThreadId, thread: Option<&Thread>) -> Vec<Effect> {
    let waits = model.writing.open.as_ref().and_then(|composer| composer.waits.as_ref());
    let Some(Waits::Thread(wanted, how)) = waits else { return Vec::new() };
    let of = |thread: &Thread| {
        thread.row.thread == *wanted || thread.row.members.iter().any(|m| m.thread == *wanted)
    };
    let how = *how;
    match thread {
        Some(thread) if of(thread) => {
            let Some(message) = thread.messages.last().cloned() else { return Vec::new() };
            original::begin(model, message, how)
        }
        None if id == wanted => {
            without(model);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Opens a kept draft, at a save or at its last.
pub fn kept(model: &mut Model, thread: &ThreadId, save: Option<EventId>) -> Vec<Effect> {
    // It was left a moment ago and is on its way: it is the newest there is.
    let leaving = &mut model.writing.leaving;
    let at = leaving.iter().position(|composer| {
        composer.thread.as_ref() == Some(thread)
            && composer.then == Some(super::composer::Then::Rest)
    });
    if let Some(at) = at {
        let mut composer = leaving.remove(at);
        composer.then = None;
        composer.done = false;
        model.writing.open = Some(Box::new(composer));
        return Vec::new();
    }
    let ticket = model.writing.next_ticket();
    open(model, Draft::default()).waits = Some(Waits::Draft(ticket));
    people(model);
    ask([Request::Draft { ticket, thread: thread.clone(), save }])
}

/// A draft came that was asked for.
pub fn draft_came(model: &mut Model, ticket: u64, came: Option<OpenDraft>) -> Vec<Effect> {
    if model.writing.looked.take_if(|looked| *looked == ticket).is_some() {
        if let Some(came) = came {
            super::keys::look_back(model, came);
        }
        return Vec::new();
    }
    let waits = |composer: &Composer| composer.waits == Some(Waits::Draft(ticket));
    if !model.writing.open.as_deref().is_some_and(waits) {
        return Vec::new();
    }
    let Some(came) = came else {
        model.say(Severity::Warning, "This draft is not here any more", "");
        without(model);
        return Vec::new();
    };
    let Some(waiting) = model.writing.open.take() else { return Vec::new() };
    if let Some((row, at_once)) = waiting.rest {
        return to_the_rest(model, &came.draft, (row, at_once), waiting.held);
    }
    let composer = open(model, came.draft);
    (composer.held, composer.again) = (waiting.held, waiting.again);
    composer.doubtful = waiting.doubtful;
    composer.kept = Some((came.thread.clone(), came.save.clone(), composer.begun.clone()));
    (composer.thread, composer.from) = (Some(came.thread), Some(came.save));
    composer.saved = Some(composer.begun.clone());
    composer.history = came.history;
    to_the_end(&mut composer.body);
    release(model)
}

/// Where one writes on: behind the last word, and not below the signature.
fn to_the_end(body: &mut Area) {
    let signed = body.lines().iter().rposition(|line| line == "-- ");
    match signed.and_then(|line| line.checked_sub(1)) {
        Some(line) => body.place(At { line, byte: usize::MAX }),
        None => body.to_end(),
    }
}

/// A message of its own for those alone to whom one did not go.
fn to_the_rest(
    model: &mut Model,
    draft: &Draft,
    rest: (Box<OutboxRow>, bool),
    held: VecDeque<Typed>,
) -> Vec<Effect> {
    let only: Vec<String> = rest.0.refused.iter().map(|to| to.address.clone()).collect();
    let at_once = rest.1;
    let composer = open(model, compose::narrow(draft, &only));
    (composer.held, composer.rest) = (held, Some(rest));
    if at_once { super::sending::ask(model) } else { release(model) }
}

/// What was typed for something that does not come is a message of its own: nothing of it is lost,
/// and no key of it does anything. Where nothing was typed nothing is open any more.
pub fn without(model: &mut Model) {
    let awaits = |composer: &mut Box<Composer>| {
        matches!(composer.waits, Some(Waits::Thread(..) | Waits::Draft(_) | Waits::Original(..)))
    };
    let Some(waiting) = model.writing.open.take_if(awaits) else { return };
    let words = super::rescue::words(&waiting.held);
    if words.is_empty() {
        return;
    }
    new(model);
    if let Some(composer) = model.writing.open.as_deref_mut() {
        composer.focus = Focus::Body;
        composer.body.insert(&words);
        keeping::changed(composer, model.now_ms);
    }
    let line = "What is to be written on is not here: your words are a new message";
    model.say(Severity::Warning, line, "");
}

/// Presses the keys that waited.
pub fn release(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    loop {
        let open = model.writing.open.as_deref_mut().filter(|composer| composer.waits.is_none());
        match open.and_then(|composer| composer.held.pop_front()) {
            Some(Typed::Key(key)) => effects.extend(keys::press(model, key)),
            Some(Typed::Paste(text)) => effects.extend(keys::paste(model, &text)),
            None => break,
        }
    }
    effects
}

/// Remembers whom mail is from, of the rows that are here.
fn people(model: &mut Model) {
    super::outgoing::learn(model);
}
