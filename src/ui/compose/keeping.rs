//! When what is written is put in the journal, saved, and sent.
//!
//! Invariant: of one composer one intent is under way at a time, so each save names the one before.
//! The journal is told to forget only what an answered save has, and what was left is here until
//! it has forgotten it: then all of it is on disk.

use super::composer::{Composer, Then};
use super::outgoing::Held;
use super::sending::Plan;
use crate::command::intent::{Intent, SendOrder};
use crate::engine::handle::Request;
use crate::engine::view::{Done, SaveRow};
use crate::engine::writing::{Journal, JournalEntry};
use crate::notice::{Notice, Severity};
use crate::ui::app::{Effect, Model, Quitting, Sent, Shown};
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
/// How long the end of the program waits for saves that the journal has, in milliseconds.
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
    let losses = writing.losses;
    let open = writing.open.as_deref_mut().map(|composer| (composer, SAVE_MS));
    let leaving = writing.leaving.iter_mut().map(|composer| (composer, AGAIN_MS));
    for (composer, save_after) in open.into_iter().chain(leaving) {
        let Some((first, last)) = composer.changed else { continue };
        let paused = now - last >= PAUSE_MS || now - first >= UNNOTED_MS;
        if paused && !composer.noted.rests(now) {
            effects.extend(note(composer, losses));
        }
        if now - last >= save_after && composer.saving.is_none() {
            due.push((composer.slot, composer.then.is_some()));
        }
    }
    for (slot, left) in due {
        effects.extend(if left { go_on(model, slot) } else { save(model, slot) });
    }
    let waited = now - model.quitting_since;
    if model.quitting == Quitting::Saving && waited > QUIT_MS && !model.writing.leaving.is_empty() {
        effects.extend(waited_enough(model));
    }
    effects
}

/// The saves do not come: the program ends where the journal has all of it, and stays otherwise.
fn waited_enough(model: &mut Model) -> Vec<Effect> {
    let writing = &mut model.writing;
    let Some(unkept) = writing.leaving.iter().find(|composer| !is_safe(composer)) else {
        writing.leaving.clear();
        return ask([Request::Quit]);
    };
    let line = match (unkept.coming.first(), writing.refused.as_str()) {
        (Some((_, name)), _) => format!("Not ended: {name} is still being read"),
        (None, "") => "Not ended: what was written is not kept yet".to_owned(),
        (None, why) => format!("Not ended, what was written is not kept: {why}"),
    };
    let severity = if writing.refused.is_empty() { Severity::Warning } else { Severity::Error };
    model.say(severity, line, "tried again; C-c C-c ends, with the words in a file");
    Vec::new()
}

/// Whether the next start has all of it should this be the end; nothing is sent by that.
fn is_safe(composer: &Composer) -> bool {
    let sends = matches!(composer.then, Some(Then::Send(_)));
    !sends && composer.coming.is_empty() && composer.noted.has(&composer.draft())
}

/// Puts it in the journal, unless that has it.
pub(super) fn note(composer: &mut Composer, losses: u64) -> Vec<Effect> {
    let draft = composer.draft();
    if composer.saved.as_ref() == Some(&draft) {
        // What was typed since then and taken back again is not to come back.
        return forget(composer, losses);
    }
    if composer.noted.gets(&draft) {
        return Vec::new();
    }
    composer.noted.ask(draft.clone());
    // What goes on being typed is a new stretch.
    composer.changed = composer.changed.map(|(_, last)| (last, last));
    let (thread, from) = (composer.thread.clone(), composer.from.clone());
    let entry = Some(Box::new(JournalEntry { thread, from, draft }));
    ask([Request::Journal(Journal { slot: composer.slot, entry })])
}

/// The journal needs it no more, once what was decided is on disk.
fn forget(composer: &mut Composer, losses: u64) -> Vec<Effect> {
    if !composer.noted.holds() {
        return Vec::new();
    }
    composer.noted.forget();
    ask([Request::Forget { slot: composer.slot, losses }])
}

/// What is said of drafts that the disk did not take.
pub const NOT_SAVED: &str = "What was written is not saved yet";

/// Whether something that is written is not saved.
#[must_use]
pub fn is_unsaved(model: &Model) -> bool {
    let writing = &model.writing;
    let mut all = writing.open.as_deref().into_iter().chain(&writing.leaving);
    all.any(|one| !one.is_untouched() && one.saved.as_ref() != Some(&one.draft()))
}

/// What is said while the disk takes nothing.
const NOT_KEPT: &str = "What is written is not kept";

/// The journal answered for what it was asked to keep.
pub fn noted(model: &mut Model, slot: i64, done: Result<(), Notice>) {
    let now = model.now_ms;
    if let Some(composer) = model.writing.of_slot(slot) {
        composer.noted.answered(done.is_ok(), now);
    }
    if let Err(notice) = done {
        model.writing.refused.clone_from(&notice.message);
        let line = format!("{NOT_KEPT}: {}", notice.message);
        let full = notice.code == "disk-full";
        let hint = if full { "it is tried again: free some space" } else { &notice.hint };
        model.say(Severity::Error, line, hint);
        return;
    }
    let stale = |shown: &mut Shown| shown.text.starts_with(NOT_KEPT);
    if model.notice.take_if(stale).is_some() {
        model.say(Severity::Info, "What is written is kept again", "");
    }
}

/// What was decided is on disk, and the journal has forgotten this one.
pub fn kept(model: &mut Model, slot: i64) -> Vec<Effect> {
    model.writing.refused.clear();
    let mut effects = vec![Effect::Desk(DeskAsk::Forget(slot))];
    if let Some(composer) = model.writing.of_slot(slot) {
        composer.noted.forgot();
        let saved = composer.saved.clone();
        let known = composer.thread.clone().zip(composer.from.clone()).zip(saved);
        composer.kept = known.map(|((thread, from), draft)| (thread, from, draft));
        // What the editor has, or gave back since then, is not this.
        let newer = composer.saved.as_ref() != Some(&composer.draft());
        if newer || composer.waits.is_some() {
            effects.clear();
        }
    }
    model.writing.leaving.retain(|composer| composer.slot != slot || !composer.done);
    let stale = |shown: &mut Shown| shown.text.starts_with(NOT_SAVED);
    if !is_unsaved(model) && model.notice.take_if(stale).is_some() {
        model.say(Severity::Info, "What was written is saved now", "");
    }
    effects.extend(quit_when_kept(model));
    effects
}

/// The disk refused what was decided: saves and orders that were answered are gone. Saves are tried
/// again; what was to be sent is on the screen again, or a draft where another is open: nothing is
/// sent of which nobody knows any more.
pub fn taken_back(model: &mut Model, notice: &Notice) {
    let now = model.now_ms;
    let writing = &mut model.writing;
    writing.refused.clone_from(&notice.message);
    writing.losses += 1;
    for composer in writing.open.as_deref_mut().into_iter().chain(&mut writing.leaving) {
        if let Some(order) = composer.order.take() {
            writing.held.retain(|held| held.queued != order);
        }
        composer.done = false;
        composer.noted.keeps();
        let kept = composer.kept.clone();
        let known = kept.map(|(thread, from, draft)| (Some(thread), Some(from), Some(draft)));
        (composer.thread, composer.from, composer.saved) = known.unwrap_or_default();
        if composer.then.is_some() || composer.saved.as_ref() != Some(&composer.draft()) {
            composer.changed = Some((now, now));
        }
    }
    unsend(model);
    if model.quitting == Quitting::Saving && model.writing.leaving.is_empty() {
        model.unsaved = Some(notice.clone());
    }
}

/// What was to be sent is not, and is written on.
fn unsend(model: &mut Model) {
    let quits = model.quitting == Quitting::Saving;
    let writing = &mut model.writing;
    let to_send = |composer: &Composer| matches!(composer.then, Some(Then::Send(_)));
    for composer in writing.leaving.iter_mut().filter(|composer| to_send(composer)) {
        composer.then = Some(Then::Rest);
        writing.unsent = Some(composer.slot);
    }
    if quits || writing.open.is_some() {
        return;
    }
    let of_slot = |composer: &Composer| Some(composer.slot) == writing.unsent;
    if let Some(at) = writing.leaving.iter().position(of_slot) {
        let mut composer = writing.leaving.remove(at);
        composer.then = None;
        writing.open = Some(Box::new(composer));
    }
}

/// Whether an error is of an order whose words are written on: that is said already.
pub fn is_of_unsent(model: &mut Model, notice: &Notice) -> bool {
    notice.code == "no-draft" && model.writing.unsent.take().is_some()
}

/// Saves what is under this slot; the answer goes on.
fn save(model: &mut Model, slot: i64) -> Vec<Effect> {
    let losses = model.writing.losses;
    let Some(composer) = model.writing.of_slot(slot) else { return Vec::new() };
    let draft = composer.draft();
    if composer.saving.is_some() || composer.saved.as_ref() == Some(&draft) {
        composer.changed = None;
        return Vec::new();
    }
    let mut effects = note(composer, losses);
    composer.changed = None;
    composer.saving = Some(draft.clone());
    let (thread, from) = (composer.thread.clone(), composer.from.clone());
    let intent = Intent::SaveDraft { slot: Some(slot), thread, from, draft: Box::new(draft) };
    effects.extend(keys::send(model, intent, Sent::Draft(slot)));
    effects
}

/// Leaves what is open, with what is to come of it.
pub fn close(model: &mut Model, then: Then) -> Vec<Effect> {
    super::opening::without(model);
    let Some(mut composer) = model.writing.open.take() else { return Vec::new() };
    model.writing.unsent = None;
    composer.popup = None;
    if then == Then::Rest && composer.is_untouched() {
        return forget(&mut composer, model.writing.losses);
    }
    let slot = composer.slot;
    composer.then = Some(then);
    model.writing.leaving.push(*composer);
    go_on(model, slot)
}

/// Esc: what is written is a draft now, and one is back where one was.
pub fn leave(model: &mut Model) -> Vec<Effect> {
    let waits = model.writing.open.as_ref().is_some_and(|composer| composer.waits.is_some());
    super::opening::without(model);
    let Some(composer) = model.writing.open.as_deref() else { return Vec::new() };
    let kept = !composer.is_untouched();
    let changed = composer.saved.as_ref() != Some(&composer.draft());
    let effects = close(model, Then::Rest);
    match (kept, changed) {
        (true, true) => model.say(Severity::Info, "Kept as a draft", "g d shows the drafts"),
        (true, false) => {}
        (false, _) if waits => {}
        (false, _) => model.say(Severity::Info, "Nothing was written: no draft is kept", ""),
    }
    effects
}

/// Brings what was left one step further: saved, then sent or thrown away, then forgotten.
pub(super) fn go_on(model: &mut Model, slot: i64) -> Vec<Effect> {
    let (now, zone) = (model.now_ms, model.zone.clone());
    let Some(composer) = model.writing.leaving.iter_mut().find(|composer| composer.slot == slot)
    else {
        return Vec::new();
    };
    if composer.saving.is_some() || composer.done {
        return Vec::new();
    }
    let is_saved = composer.saved.as_ref() == Some(&composer.draft());
    let (Some(thread), Some(save_id), true) =
        (composer.thread.clone(), composer.from.clone(), is_saved)
    else {
        return save(model, slot);
    };
    composer.changed = None;
    match &composer.then {
        Some(Then::Send(plan)) => {
            let order = order(composer, thread, save_id, plan, now, &zone);
            keys::send(model, Intent::Send(order), Sent::Order(slot))
        }
        Some(Then::Discard) => {
            let mut effects = finish(model, slot);
            let intent = Intent::DiscardDraft { thread, save: save_id };
            effects.extend(keys::send(model, intent, Sent::Key));
            effects
        }
        // It waits for its files.
        Some(Then::Rest) if !composer.coming.is_empty() => Vec::new(),
        Some(Then::Rest) | None => finish(model, slot),
    }
}

/// All is decided: once that is on disk nothing of it is needed here any more.
fn finish(model: &mut Model, slot: i64) -> Vec<Effect> {
    let (losses, leaving) = (model.writing.losses, &mut model.writing.leaving);
    let Some(composer) = leaving.iter_mut().find(|composer| composer.slot == slot) else {
        return Vec::new();
    };
    composer.done = true;
    composer.noted.forget();
    ask([Request::Forget { slot, losses }])
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
    let (now, losses) = (model.now_ms, model.writing.losses);
    let Some(composer) = model.writing.of_slot(slot) else { return Vec::new() };
    let saving = composer.saving.take();
    let Some(wrote) = &done.wrote else {
        // It is tried again; until then the journal has it.
        composer.changed = Some((now, now));
        return Vec::new();
    };
    composer.thread = Some(wrote.thread.clone());
    composer.from = Some(wrote.event.clone());
    if let Some(saving) = &saving {
        // The name of this device is not known here.
        let snippet = crate::mail::snippet(&saving.body);
        let (save, device_name) = (wrote.event.clone(), String::new());
        composer.history.insert(0, SaveRow { save, at: now / 1_000, device_name, snippet });
    }
    composer.saved = saving;
    let mut effects = Vec::new();
    if composer.saved.as_ref() == Some(&composer.draft()) {
        composer.changed = None;
        effects.extend(forget(composer, losses));
    }
    effects.extend(go_on(model, slot));
    // The list of drafts has it before one goes there.
    effects.extend(ask([Request::Outgoing]));
    effects
}

/// Takes in the answer to an order to send.
pub fn ordered(model: &mut Model, slot: i64, done: &Done) -> Vec<Effect> {
    let leaving = &mut model.writing.leaving;
    let Some(composer) = leaving.iter_mut().find(|composer| composer.slot == slot) else {
        return Vec::new();
    };
    let mut effects = Vec::new();
    match (&done.wrote, &composer.then) {
        (Some(wrote), Some(Then::Send(plan))) => {
            composer.order = Some(wrote.event.clone());
            let rest = composer.rest.take();
            let held = Held::new(wrote, &composer.draft().to, plan, model.now_ms);
            if let Some(at) = plan.send_at {
                let when = crate::ui::date::long(at, &model.zone);
                model.say(Severity::Info, format!("It is sent {when}"), "z takes it back");
            } else {
                model.notice = None;
            }
            model.writing.held.push(held);
            effects.extend(finish(model, slot));
            // It goes to them now: nobody needs to be told any more.
            if let Some((row, _)) = rest {
                let intent = Intent::DiscardDraft { thread: row.thread, save: row.save };
                effects.extend(keys::send(model, intent, Sent::Silent));
            }
        }
        // What it was about was taken back: it is saved and sent again.
        (None, _) if composer.saved.as_ref() != Some(&composer.draft()) => {}
        _ => {
            composer.then = Some(Then::Rest);
            model.say(Severity::Error, "Not sent: it is kept as a draft", "g d shows the drafts");
            effects.extend(go_on(model, slot));
        }
    }
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
