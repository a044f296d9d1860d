//! What the composer's keys do.
//!
//! Invariant: a key that types goes where the caret is, and nowhere else; one that does nothing in
//! a field does no harm elsewhere.

use std::collections::BTreeMap;

use super::area::At;
use super::composer::{Composer, Focus, Popup, Then, Typed, Waits};
use super::desk::{DeskAsk, DeskSaid, EditorJob, EditorSaid, Leftover};
use super::{keeping, opening, sending};
use crate::command::compose::Write;
use crate::command::intent::Intent;
use crate::command::motion::{Edit, Motion};
use crate::engine::handle::Request;
use crate::engine::told::Writers;
use crate::engine::writing::{Journal, JournalEntry};
use crate::mail::compose::{
    Attached, Identity, complete, format_address, from_text, parse_addresses,
};
use crate::notice::{Notice, Severity};
use crate::ui::app::{Effect, Layer, Model, Sent};
use crate::ui::compose::opening::Answering;
use crate::ui::line::Line;
use crate::ui::update::ask;

/// The box that asks for a file.
#[derive(Debug, Clone, Default)]
pub struct AttachBox {
    /// The path that is typed.
    pub line: Line,
    /// How it may go on.
    pub found: Vec<String>,
    /// The number of what was asked last.
    pub ticket: u64,
}

/// The box with the saves of a draft.
#[derive(Debug, Clone)]
pub struct SavesBox {
    /// The save under the cursor.
    pub cursor: usize,
}

/// Does what a key asks for.
pub fn perform(model: &mut Model, write: Write) -> Vec<Effect> {
    match write {
        Write::New => return opening::new(model),
        Write::Reply => return opening::answer(model, Answering::Sender),
        Write::ReplyAll => return opening::answer(model, Answering::All),
        Write::Forward => return opening::answer(model, Answering::Inline),
        Write::Unsubscribe => return crate::ui::unsubscribe::ask_first(model),
        Write::ForwardAttached => return opening::answer(model, Answering::Attached),
        _ => {}
    }
    let now = model.now_ms;
    let Some(composer) = model.writing.open.as_deref_mut() else { return Vec::new() };
    match write {
        Write::Leave if composer.popup.take().is_some() => Vec::new(),
        Write::Leave => keeping::leave(model),
        Write::Enter => {
            enter(composer, now);
            lookup(model);
            Vec::new()
        }
        Write::Field(next) => {
            field(composer, next, now);
            Vec::new()
        }
        Write::Send => sending::ask(model),
        Write::Discard => keeping::close(model, Then::Discard),
        Write::Step(undo) => {
            if composer.area().step(undo) {
                keeping::changed(composer, now);
            }
            composer.popup = None;
            Vec::new()
        }
        Write::Identity => identity(model),
        Write::Attach => {
            model.layers.push(Layer::Attach(AttachBox::default()));
            Vec::new()
        }
        Write::Detach => detach(model),
        Write::Editor => editor(model),
        Write::Saves if composer.history.len() > 1 => {
            model.layers.push(Layer::Saves(SavesBox { cursor: 0 }));
            Vec::new()
        }
        Write::Saves => {
            model.say(Severity::Info, "It has no earlier save", "");
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Types text.
pub fn insert(model: &mut Model, text: &str) {
    let now = model.now_ms;
    let Some(composer) = model.writing.open.as_deref_mut() else { return };
    if composer.waits.is_some() {
        crate::ui::keys::hold(composer, Typed::Paste(text.to_owned()));
        return;
    }
    if composer.area().insert(text) {
        keeping::changed(composer, now);
        lookup(model);
    } else {
        model.say(Severity::Warning, "That is too long for a message", "C-x a attaches a file");
    }
}

/// Does an edit key.
pub fn edit(model: &mut Model, how: Edit) {
    let now = model.now_ms;
    let Some(composer) = model.writing.open.as_deref_mut() else { return };
    let columns = columns(composer);
    composer.area().edit(how, columns);
    if matches!(how, Edit::Left | Edit::Right | Edit::Start | Edit::End) {
        composer.popup = None;
        return;
    }
    keeping::changed(composer, now);
    lookup(model);
}

const fn columns(composer: &Composer) -> usize {
    match composer.focus {
        Focus::Body => composer.room.1,
        _ => composer.room.0,
    }
}

/// Moves the caret, or the cursor of the proposals.
pub fn go(composer: &mut Composer, motion: Motion) {
    if let Some(popup) = &mut composer.popup {
        let count = popup.found.proposals.len();
        popup.cursor = match (motion, popup.cursor) {
            (Motion::Down, None) => Some(0),
            (Motion::Down, Some(at)) => Some((at + 1).min(count.saturating_sub(1))),
            (Motion::Up, Some(at)) if at > 0 => Some(at - 1),
            (Motion::Up, _) => None,
            (_, at) => at,
        };
        return;
    }
    let (columns, height) = (columns(composer), composer.room.2);
    let height = if composer.focus == Focus::Body { height } else { 1 };
    if !composer.area().go(motion, columns, height) {
        match motion {
            Motion::Down => step(composer, true),
            Motion::Up => step(composer, false),
            _ => {}
        }
    }
}

/// To the next field, and not around.
fn step(composer: &mut Composer, down: bool) {
    let at = composer.focus as usize;
    let to = if down { at + 1 } else { at.saturating_sub(1) };
    if let Some(focus) = Focus::ALL.get(to).copied() {
        composer.focus = focus;
        composer.popup = None;
    }
}

fn field(composer: &mut Composer, next: bool, now: i64) {
    if next && proposes(composer) {
        take_proposal(composer, now);
        return;
    }
    let (at, count) = (composer.focus as usize, Focus::ALL.len());
    let to = if next { at + 1 } else { at + count - 1 } % count;
    composer.focus = Focus::ALL[to];
    composer.popup = None;
}

fn enter(composer: &mut Composer, now: i64) {
    if proposes(composer) {
        take_proposal(composer, now);
    } else if composer.focus == Focus::Body {
        composer.body.insert("\n");
        keeping::changed(composer, now);
    } else {
        composer.popup = None;
        step(composer, true);
    }
}

/// Whether a key that goes on takes an address instead: one was chosen, or half of one is typed.
fn proposes(composer: &Composer) -> bool {
    let popup = composer.popup.as_ref();
    popup.is_some_and(|popup| popup.cursor.is_some() || half(popup, composer))
}

/// Whether what a popup is for is no whole address yet: one that is typed in full is meant.
fn half(popup: &Popup, composer: &Composer) -> bool {
    let typed = composer.field(composer.focus).lines()[0].get(popup.found.range.clone());
    typed.is_some_and(|typed| !parse_addresses(typed).1.is_empty())
}

/// Puts the chosen address, or the first, where it is being typed.
fn take_proposal(composer: &mut Composer, now: i64) {
    let Some(Popup { found, cursor }) = composer.popup.take() else { return };
    let Some(proposal) = found.proposals.get(cursor.unwrap_or(0)) else { return };
    let focus = composer.focus;
    let area = composer.area();
    let rest = area.lines()[0].get(found.range.end..).unwrap_or_default().trim().is_empty();
    // One goes on with the next address; From has only one.
    let more = if rest && focus != Focus::From { ", " } else { "" };
    area.replace(found.range, &format!("{proposal}{more}"));
    keeping::changed(composer, now);
}

/// Looks for addresses that may be meant by what is typed.
fn lookup(model: &mut Model) {
    let people = &model.writing.people;
    let Some(composer) = model.writing.open.as_deref_mut() else { return };
    composer.popup = None;
    if composer.focus.field().is_none() || composer.focus == Focus::From {
        return;
    }
    let area = composer.field(composer.focus);
    let found = complete(&area.lines()[0], area.caret().byte, people);
    let typed = area.lines()[0].get(found.range.clone()).unwrap_or_default();
    // What is there already needs no proposal.
    let done = found.proposals.first().is_some_and(|first| first == typed);
    if !found.proposals.is_empty() && !done {
        composer.popup = Some(Popup { found, cursor: None });
    }
}

fn identity(model: &mut Model) -> Vec<Effect> {
    let identities = &model.writing.identities;
    if identities.len() < 2 && identities.iter().all(|me| me.aliases.is_empty()) {
        model.say(Severity::Info, "You have one address", "`mailtui account add` adds more");
        return Vec::new();
    }
    let mut all = Vec::new();
    for me in identities {
        all.push((me.account.clone(), format_address(&me.from)));
        for alias in me.aliases.iter().filter(|alias| !alias.starts_with('*')) {
            let from = crate::mail::Address { address: alias.clone(), ..me.from.clone() };
            all.push((me.account.clone(), format_address(&from)));
        }
    }
    let now = model.now_ms;
    let Some(composer) = model.writing.open.as_deref_mut() else { return Vec::new() };
    let from = composer.field(Focus::From).text();
    let at = all.iter().position(|(_, known)| *known == from);
    let (account, next) = all[at.map_or(0, |at| (at + 1) % all.len())].clone();
    composer.base.account = account;
    composer.fields[Focus::From as usize].set(&next);
    composer.fields[Focus::From as usize].to_end();
    keeping::changed(composer, now);
    Vec::new()
}

fn detach(model: &mut Model) -> Vec<Effect> {
    let now = model.now_ms;
    let Some(composer) = model.writing.open.as_deref_mut() else { return Vec::new() };
    let Some(Attached { name, .. }) = composer.base.attachments.pop() else {
        model.say(Severity::Info, "Nothing is attached", "C-x a attaches a file");
        return Vec::new();
    };
    keeping::changed(composer, now);
    let name = crate::safe_text::line(&name);
    model.say(Severity::Info, format!("{name} does not go along any more"), "");
    Vec::new()
}

fn editor(model: &mut Model) -> Vec<Effect> {
    let losses = model.writing.losses;
    let Some(composer) = model.writing.open.as_deref_mut() else { return Vec::new() };
    composer.popup = None;
    composer.waits = Some(Waits::Editor);
    let job = EditorJob {
        slot: composer.slot,
        thread: composer.thread.clone(),
        from: composer.from.clone(),
        draft: composer.draft(),
    };
    // While the editor runs nothing else is noted.
    let mut effects = keeping::note(composer, losses);
    effects.push(Effect::Edit(Box::new(job)));
    effects
}

/// The editor gave back what it had.
pub fn edited(model: &mut Model, said: EditorSaid) -> Vec<Effect> {
    let now = model.now_ms;
    let open = model.writing.open.as_deref_mut().filter(|composer| composer.slot == said.slot);
    let Some(composer) = open else { return Vec::new() };
    composer.waits = None;
    let mut effects = Vec::new();
    let mut problem = said.problem;
    if let Some(text) = said.text {
        let edited = from_text(&text, &composer.draft());
        composer.fill(edited.draft);
        // The journal got it from the editor's file.
        composer.noted.has_other();
        keeping::changed(composer, now);
        if let Some(first) = edited.problems.first() {
            let line = format!("line {}: {}", first.line, first.why);
            problem = problem.or(Some(Notice::warning("edited", line, "look at what is there")));
        }
        for path in edited.attach {
            effects.extend(attach(model, path));
        }
    }
    if let Some(notice) = problem {
        model.say(notice.severity, notice.message, notice.hint);
    }
    effects.extend(opening::release(model));
    effects
}

/// Asks for a file to be read, to be attached.
pub(in crate::ui) fn attach(model: &mut Model, path: String) -> Vec<Effect> {
    let ticket = model.writing.next_ticket();
    let Some(composer) = model.writing.open.as_deref_mut() else { return Vec::new() };
    composer.coming.push((ticket, crate::safe_text::line(&path)));
    vec![Effect::Desk(DeskAsk::Attach { ticket, path })]
}

/// Enter in the box that asks for a file.
pub fn accept_attach(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Attach(open)) = model.layers.pop() else { return Vec::new() };
    let path = open.line.text().trim().to_owned();
    if path.is_empty() { Vec::new() } else { attach(model, path) }
}

/// Tab in that box: the path goes on.
pub fn complete_path(model: &mut Model) -> Vec<Effect> {
    let ticket = model.writing.next_ticket();
    let Some(Layer::Attach(open)) = model.layers.last_mut() else { return Vec::new() };
    open.ticket = ticket;
    vec![Effect::Desk(DeskAsk::Paths { ticket, typed: open.line.text().to_owned() })]
}

/// Takes in what came from outside.
pub fn said(model: &mut Model, said: DeskSaid) -> Vec<Effect> {
    match said {
        DeskSaid::Problem(notice) => {
            model.say(notice.severity, notice.message, notice.hint);
            Vec::new()
        }
        // What a file here says stands above what the backend told.
        DeskSaid::Identities(identities, _) if identities.is_empty() && model.writing.told => {
            Vec::new()
        }
        DeskSaid::Identities(identities, holds) => {
            model.writing.told = false;
            written_as(model, identities, holds);
            Vec::new()
        }
        DeskSaid::Leftover(leftover) => recovered(model, *leftover),
        DeskSaid::File(of, step) => crate::ui::files::step(model, &of, step),
        DeskSaid::Attached(ticket, file) => attached(model, ticket, file),
        DeskSaid::Left(host, done) => {
            crate::ui::unsubscribe::left(model, &host, done);
            Vec::new()
        }
        DeskSaid::Paths(ticket, found) => {
            if let Some(Layer::Attach(open)) = model.layers.last_mut()
                && open.ticket == ticket
            {
                let common = common(&found);
                if common.len() > open.line.text().len() {
                    open.line = Line::default();
                    open.line.insert(&common);
                }
                open.found = found;
            }
            Vec::new()
        }
    }
}

/// The backend told as whom one writes.
pub fn told(model: &mut Model, (identities, holds): Writers) -> Vec<Effect> {
    if model.writing.identities.is_empty() || model.writing.told {
        model.writing.told = true;
        written_as(model, identities, holds);
    }
    Vec::new()
}

fn written_as(model: &mut Model, identities: Vec<Identity>, holds: BTreeMap<String, u64>) {
    model.writing.identities = identities;
    model.writing.holds = holds;
    let first = model.writing.identities.first().map(crate::mail::compose::blank);
    let open = model.writing.open.as_deref_mut();
    // It was begun before it was known as whom.
    if let (Some(composer), Some(blank)) = (open, first)
        && composer.field(Focus::From).is_empty()
        && composer.waits.is_none()
    {
        composer.fields[Focus::From as usize].set(&blank.from);
        composer.base.account = blank.account;
        composer.begun.from = blank.from;
        composer.begun.account.clone_from(&composer.base.account);
        if composer.body.is_empty() {
            composer.body.set(&blank.body);
            composer.body.place(At { line: 0, byte: 0 });
            composer.begun.body = blank.body;
        }
    }
}

/// What all of these begin with.
fn common(paths: &[String]) -> String {
    let Some(first) = paths.first() else { return String::new() };
    let shared = |other: &String| {
        first.char_indices().zip(other.chars()).take_while(|((_, a), b)| a == b).count()
    };
    let chars = paths.iter().map(shared).min().unwrap_or(0);
    first.chars().take(chars).collect()
}

/// A draft that an editor was given when the program was killed is a draft now.
fn recovered(model: &mut Model, leftover: Leftover) -> Vec<Effect> {
    let Leftover { slot, thread, from, draft } = leftover;
    // The journal has it before its file goes, and until the save is on disk.
    let (of, save) = (thread.clone(), from.clone());
    let entry = JournalEntry { thread: of, from: save, draft: draft.clone() };
    let mut effects = ask([Request::Journal(Journal { slot, entry: Some(Box::new(entry)) })]);
    let intent = Intent::SaveDraft { slot: Some(slot), thread, from, draft: Box::new(draft) };
    model.say(Severity::Info, "What was in the editor is in Drafts", "g d shows them");
    effects.extend(crate::ui::keys::send(model, intent, Sent::Leftover(slot)));
    effects
}

fn attached(model: &mut Model, ticket: u64, file: Result<Attached, Notice>) -> Vec<Effect> {
    let now = model.now_ms;
    let open = model.writing.open.as_deref_mut();
    let mut all = open.into_iter().chain(&mut model.writing.leaving);
    let waits = |composer: &&mut Composer| composer.coming.iter().any(|(t, _)| *t == ticket);
    let Some(composer) = all.find(waits) else { return Vec::new() };
    composer.coming.retain(|(coming, _)| *coming != ticket);
    let (slot, left) = (composer.slot, composer.then.is_some());
    match file {
        Ok(file) => {
            let size = crate::ui::text::size(file.size);
            let line = format!("Attached {} ({}, {size})", file.name, file.media_type);
            composer.base.attachments.push(file);
            keeping::changed(composer, now);
            model.say(Severity::Info, crate::safe_text::line(&line), "C-x d takes it off");
        }
        Err(notice) => model.say(notice.severity, notice.message, notice.hint),
    }
    // What was left waits for its files.
    if left { keeping::go_on(model, slot) } else { Vec::new() }
}

/// Enter in the box of saves: that one is written on from.
pub fn accept_save(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Saves(open)) = model.layers.pop() else { return Vec::new() };
    let Some(composer) = model.writing.open.as_deref_mut() else { return Vec::new() };
    let save = composer.history.get(open.cursor).map(|row| row.save.clone());
    let (Some(save), Some(thread)) = (save, composer.thread.clone()) else { return Vec::new() };
    let ticket = model.writing.next_ticket();
    model.writing.looked = Some(ticket);
    ask([Request::Draft { ticket, thread, save: Some(save) }])
}

/// An earlier save came: its words are here now, as one edit that can be taken back.
pub fn look_back(model: &mut Model, came: crate::engine::view::OpenDraft) {
    let now = model.now_ms;
    let Some(composer) = model.writing.open.as_deref_mut() else { return };
    if composer.thread.as_ref() != Some(&came.thread) {
        return;
    }
    composer.fill(came.draft);
    keeping::changed(composer, now);
    model.say(Severity::Info, "This is how it was then", "C-x u, in a field, takes it back");
}
