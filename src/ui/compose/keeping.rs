//! When what is written is put in the journal, saved, and sent.
//!
//! Invariant: of one composer one intent is under way at a time, so each save names the one before.
//! The journal is told to forget only what an answered save has.

use super::composer::{Composer, Then, Waits};
use super::outgoing::Held;
use super::sending::Plan;
use crate::command::intent::{Intent, SendOrder};
use crate::engine::handle::Request;
use crate::engine::view::Done;
use crate::engine::writing::{Journal, JournalEntry};
use crate::notice::Severity;
use crate::ui::app::{Effect, Model, Quitting, Sent};
use crate::ui::compose::desk::DeskAsk;
use crate::ui::keys;
use crate::ui::update::ask;

/// A pause in typing after which the journal gets it, in milliseconds.
pub const PAUSE_MS: i64 = 300;
/// The longest time of typing without a pause that the journal does not have, in milliseconds.
pub const UNNOTED_MS: i64 = 2_000;
/// A pause after which it is saved while it stays open, in milliseconds.
pub const SAVE_MS: i64 = 5_000;
/// How long a save that failed waits for its next try, in milliseconds.
const AGAIN_MS: i64 = 5_000;
/// How long the end of the program waits for saves, in milliseconds; the journal has them.
const QUIT_MS: i64 = 3_000;

/// Something was typed.
pub fn changed(composer: &mut Composer, now_ms: i64) {
    let first = composer.changed.map_or(now_ms, |(first, _)| first);
    composer.changed = Some((first, now_ms));
}

/// What is due by now.
pub fn time(model: &mut Model) -> Vec<Effect> {
    let now = model.now_ms;
    let mut effects = Vec::new();
    let mut due = Vec::new();
    let writing = &mut model.writing;
    let open = writing.open.as_deref_mut().map(|composer| (composer, SAVE_MS));
    let leaving = writing.leaving.iter_mut().map(|composer| (composer, AGAIN_MS));
    for (composer, save_after) in open.into_iter().chain(leaving) {
        let Some((first, last)) = composer.changed else { continue };
        if now - last >= PAUSE_MS || now - first >= UNNOTED_MS {
            effects.extend(note(composer));
        }
        if now - last >= save_after && composer.saving.is_none() {
            due.push(composer.slot);
        }
    }
    for slot in due {
        effects.extend(save(model, slot));
    }
    let waited = now - model.waiting_since;
    if model.quitting == Quitting::Saving && waited > QUIT_MS && !model.writing.leaving.is_empty() {
        model.writing.leaving.clear();
        effects.extend(ask([Request::Quit]));
    }
    effects
}

/// Puts it in the journal, unless that has it.
pub(super) fn note(composer: &mut Composer) -> Vec<Effect> {
    let draft = composer.draft();
    if composer.saved.as_ref() == Some(&draft) {
        // What was typed since then and taken back again is not to come back.
        return forget(composer);
    }
    if composer.noted.as_ref() == Some(&draft) {
        return Vec::new();
    }
    composer.noted = Some(draft.clone());
    // What goes on being typed is a new stretch.
    composer.changed = composer.changed.map(|(_, last)| (last, last));
    let (thread, from) = (composer.thread.clone(), composer.from.clone());
    let entry = Some(Box::new(JournalEntry { thread, from, draft }));
    ask([Request::Journal(Journal { slot: composer.slot, entry })])
}

/// The journal needs it no more.
fn forget(composer: &mut Composer) -> Vec<Effect> {
    let noted = composer.noted.take().is_some();
    ask(noted.then_some(Request::Journal(Journal { slot: composer.slot, entry: None })))
}

/// Saves what is under this slot; the answer goes on.
fn save(model: &mut Model, slot: i64) -> Vec<Effect> {
    let Some(composer) = model.writing.of_slot(slot) else { return Vec::new() };
    let draft = composer.draft();
    if composer.saving.is_some() || composer.saved.as_ref() == Some(&draft) {
        composer.changed = None;
        return Vec::new();
    }
    let mut effects = note(composer);
    composer.changed = None;
    composer.saving = Some(draft.clone());
    let (thread, from) = (composer.thread.clone(), composer.from.clone());
    let intent = Intent::SaveDraft { slot: Some(slot), thread, from, draft: Box::new(draft) };
    effects.extend(keys::send(model, intent, Sent::Draft(slot)));
    effects
}

/// Leaves what is open, with what is to come of it.
pub fn close(model: &mut Model, then: Then) -> Vec<Effect> {
    let Some(mut composer) = model.writing.open.take() else { return Vec::new() };
    if matches!(composer.waits, Some(Waits::Thread(..) | Waits::Draft(_) | Waits::Original(..))) {
        return Vec::new();
    }
    composer.popup = None;
    if then == Then::Rest && composer.is_untouched() {
        return forget(&mut composer);
    }
    let slot = composer.slot;
    composer.then = Some(then);
    model.writing.leaving.push(*composer);
    go_on(model, slot)
}

/// Esc: what is written is a draft now, and one is back where one was.
pub fn leave(model: &mut Model) -> Vec<Effect> {
    let Some(composer) = model.writing.open.as_deref() else { return Vec::new() };
    let kept = !composer.is_untouched();
    let changed = composer.saved.as_ref() != Some(&composer.draft());
    let waits = composer.waits.is_some();
    let effects = close(model, Then::Rest);
    if waits {
        return effects;
    }
    match (kept, changed) {
        (true, true) => model.say(Severity::Info, "Kept as a draft", "g d shows the drafts"),
        (true, false) => {}
        (false, _) => model.say(Severity::Info, "Nothing was written: no draft is kept", ""),
    }
    effects
}

/// Brings what was left one step further: saved, then sent or thrown away, then forgotten.
fn go_on(model: &mut Model, slot: i64) -> Vec<Effect> {
    let (now, zone) = (model.now_ms, model.zone.clone());
    let Some(composer) = model.writing.leaving.iter().find(|composer| composer.slot == slot) else {
        return Vec::new();
    };
    if composer.saving.is_some() {
        return Vec::new();
    }
    let is_saved = composer.saved.as_ref() == Some(&composer.draft());
    let (Some(thread), Some(save_id), true) =
        (composer.thread.clone(), composer.from.clone(), is_saved)
    else {
        return save(model, slot);
    };
    match &composer.then {
        Some(Then::Send(plan)) => {
            let order = order(composer, thread, save_id, plan, now, &zone);
            keys::send(model, Intent::Send(order), Sent::Order(slot))
        }
        Some(Then::Discard) => {
            let mut effects = gone(model, slot);
            let intent = Intent::DiscardDraft { thread, save: save_id };
            effects.extend(keys::send(model, intent, Sent::Key));
            effects
        }
        Some(Then::Rest) | None => gone(model, slot),
    }
}

/// It is kept: nothing of it is needed here any more.
fn gone(model: &mut Model, slot: i64) -> Vec<Effect> {
    let at = model.writing.leaving.iter().position(|composer| composer.slot == slot);
    let Some(at) = at else { return Vec::new() };
    let mut composer = model.writing.leaving.remove(at);
    let mut effects = forget(&mut composer);
    effects.push(Effect::Desk(DeskAsk::Forget(slot)));
    effects
}

fn order(
    composer: &Composer,
    thread: crate::id::ThreadId,
    save: crate::id::EventId,
    plan: &Plan,
    now_ms: i64,
    zone: &jiff::tz::TimeZone,
) -> SendOrder {
    let draft = composer.draft();
    let from = draft.recipients().from.into_iter().next();
    let domain = from.and_then(|from| from.address.rsplit_once('@').map(|(_, d)| d.to_owned()));
    SendOrder {
        thread,
        save,
        domain: domain.unwrap_or_default(),
        hold: plan.hold,
        send_at: plan.send_at,
        offset: super::sending::offset_minutes(now_ms, zone),
        again: composer.again.clone(),
        partial: false,
        remind: plan.remind,
    }
}

/// Takes in the answer to a save.
pub fn saved(model: &mut Model, slot: i64, done: &Done) -> Vec<Effect> {
    let now = model.now_ms;
    let Some(composer) = model.writing.of_slot(slot) else { return Vec::new() };
    let saving = composer.saving.take();
    let Some(wrote) = &done.wrote else {
        // It is tried again; until then the journal has it.
        composer.changed = Some((now, now));
        return Vec::new();
    };
    composer.thread = Some(wrote.thread.clone());
    composer.from = Some(wrote.event.clone());
    composer.saved = saving;
    let mut effects = Vec::new();
    if composer.saved.as_ref() == Some(&composer.draft()) {
        composer.changed = None;
        effects.extend(forget(composer));
        effects.push(Effect::Desk(DeskAsk::Forget(slot)));
    }
    effects.extend(go_on(model, slot));
    // The list of drafts has it before one goes there.
    effects.extend(ask([Request::Outgoing]));
    effects.extend(quit_when_kept(model));
    effects
}

/// Takes in the answer to an order to send.
pub fn ordered(model: &mut Model, slot: i64, done: &Done) -> Vec<Effect> {
    let at = model.writing.leaving.iter().position(|composer| composer.slot == slot);
    if let (Some(at), Some(wrote)) = (at, &done.wrote)
        && let Some(Then::Send(plan)) = &model.writing.leaving[at].then
    {
        let to = model.writing.leaving[at].draft().to;
        let held = Held::new(wrote, &to, plan, model.now_ms);
        if let Some(at) = plan.send_at {
            let when = crate::ui::date::long(at, &model.zone);
            model.say(Severity::Info, format!("It is sent {when}"), "z takes it back");
        } else {
            model.notice = None;
        }
        model.writing.held.push(held);
    }
    let mut effects = gone(model, slot);
    effects.extend(quit_when_kept(model));
    effects.extend(ask([Request::Outgoing]));
    effects
}

/// Whether the end of the program has to wait; what is open is left.
pub fn before_quit(model: &mut Model) -> (bool, Vec<Effect>) {
    let effects = close(model, Then::Rest);
    (!model.writing.leaving.is_empty(), effects)
}

fn quit_when_kept(model: &Model) -> Vec<Effect> {
    let quits = model.quitting == Quitting::Saving && model.writing.leaving.is_empty();
    ask(quits.then_some(Request::Quit))
}
