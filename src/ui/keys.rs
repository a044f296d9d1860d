//! What keys do to the model.
//!
//! Invariant: a command acts on rows as they are in the model, which the event loop changes between
//! two keys of one frame only by keys; so they are the rows that were drawn.

use crate::command::context::{Context, Subject};
use crate::command::intent::{Change, Intent};
use crate::command::key::{Code, Key};
use crate::command::order;
use crate::command::registry::{Command, Resolved, Verb};
use crate::engine::handle::Request;
use crate::label;
use crate::notice::Severity;
use crate::ui::advance;
use crate::ui::again;
use crate::ui::app::{Effect, Layer, Model, Quitting, Sent, UiExit};
use crate::ui::asking;
use crate::ui::compose::composer::{Composer, Typed, Waits};
use crate::ui::compose::{self, keeping, outgoing};
use crate::ui::counts;
use crate::ui::ex;
use crate::ui::files;
use crate::ui::filter;
use crate::ui::find;
use crate::ui::foresee::foresee;
use crate::ui::help;
use crate::ui::labels;
use crate::ui::layout;
use crate::ui::links;
use crate::ui::mover;
use crate::ui::palette;
use crate::ui::panel;
use crate::ui::past::{self, Wanted};
use crate::ui::picker::Picker;
use crate::ui::purge;
use crate::ui::range;
use crate::ui::reader::Reader;
use crate::ui::search;
use crate::ui::snooze;
use crate::ui::tour;
use crate::ui::update::ask;
use crate::ui::wizard;

mod beginning;
mod moving;
mod typing;

use beginning::{choose, stop_import};
use moving::{along, conversation, message, select, with_reader};
pub(super) use moving::{back, go, show};
pub use moving::{open, read};
pub use typing::paste;
use typing::{accept, complete, edit, toggle};

/// Keys that are kept while a jump waits for its rows.
const MAX_HELD_KEYS: usize = 20_000;

/// Presses `key`.
pub fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    let context = model.context();
    // What ends or stops the program, or draws anew, is for no row.
    let at_once = matches!(key.code, Code::Char('c' | 'z' | 'l'));
    let stops = (key.ctrl && at_once) || key.typed() == Some('q');
    if model.list.jumping() && context == Context::List && !stops {
        // The row that the key is for is not there yet; it comes within a frame.
        if model.held.len() < MAX_HELD_KEYS {
            model.held.push_back(key);
        }
        return Vec::new();
    }
    if context == Context::Compose && waits(model, key) {
        return Vec::new();
    }
    if counts::takes(model, context, key) {
        return Vec::new();
    }
    if model.keys.is_empty() {
        model.keys_since = model.now_ms;
    }
    model.keys.push(key);
    match model.keymap.resolve(context, &model.keys) {
        Resolved::Prefix => Vec::new(),
        Resolved::Command(command) => carry_out(model, command, key),
        // It calls off what was begun, and does nothing else.
        Resolved::Nothing if key.code == Code::Esc && model.keys.len() > 1 => {
            model.keys.clear();
            model.count = None;
            Vec::new()
        }
        Resolved::Nothing => {
            let mut effects = Vec::new();
            let pressed = std::mem::take(&mut model.keys);
            model.count = None;
            if let Some(c) = key.typed().filter(|_| pressed.len() == 1) {
                effects = paste(model, c.encode_utf8(&mut [0; 4]));
            }
            let types = key.typed().is_some() && search::is_typed(model);
            if model.layers.is_empty() && context != Context::Compose && !types {
                let hint = match pressed.as_slice() {
                    [key] if key.typed() == Some('d') => asking::hint(model, "trash", "trashes"),
                    _ => asking::hint(model, "help", "shows the keys"),
                };
                let pressed: Vec<String> = pressed.iter().map(ToString::to_string).collect();
                let line = format!("{} does nothing here", pressed.join(" "));
                model.say(Severity::Info, line, hint);
            }
            effects
        }
    }
}

/// Does `command` as its own key would.
pub(super) fn run(model: &mut Model, command: &Command) -> Vec<Effect> {
    let key = command.keys.first().and_then(|keys| Key::sequence(keys).last().copied());
    carry_out(model, command, key.unwrap_or(Key::plain(Code::Enter)))
}

fn carry_out(model: &mut Model, command: &Command, key: Key) -> Vec<Effect> {
    model.keys.clear();
    let effects = match model.count.take() {
        Some(count) => counts::perform(model, command, key, count),
        None => perform(model, command, key),
    };
    tour::did(model, command, &effects);
    effects
}

/// Whether a key waits until what is opened is there.
fn waits(model: &mut Model, key: Key) -> bool {
    let Some(composer) = model.writing.open.as_deref_mut() else { return false };
    let leaves = key.code == Code::Esc || (key.ctrl && key.code == Code::Char('c'));
    if composer.waits.is_none() || (leaves && composer.waits != Some(Waits::Editor)) {
        return false;
    }
    hold(composer, Typed::Key(key));
    true
}

/// Keeps what is typed until there is something to type into.
pub(super) fn hold(composer: &mut Composer, typed: Typed) {
    if composer.held.len() < MAX_HELD_KEYS {
        composer.held.push_back(typed);
    }
}

/// Presses the keys that waited for a jump which has landed.
pub fn release_held(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    // A key among them that leaves the list forgets what was held for it, not what came behind.
    let mut held = std::mem::take(&mut model.held);
    while !model.list.jumping() {
        let Some(key) = held.pop_front() else { break };
        effects.extend(press(model, key));
    }
    held.append(&mut model.held);
    model.held = held;
    effects
}

/// Sends `intent`, shows what follows at once, and asks for the truth right behind it.
pub fn send(model: &mut Model, intent: Intent, sent: Sent) -> Vec<Effect> {
    foresee(model, &intent);
    again::remember(model, &intent, sent);
    model.sent.push_back(sent);
    model.asked += 1;
    model.watch.did = model.now_ms;
    model.waiting_since = model.now_ms;
    let refresh = model.list.refresh(true);
    ask(std::iter::once(Request::Intend(intent)).chain(refresh))
}

/// The rows that a command is for.
pub(super) fn subjects(model: &Model) -> Vec<Subject> {
    match (&model.drawn, &model.reader) {
        (Some(drawn), _) => drawn.clone(),
        (None, Some(reader)) => reader.subjects(),
        (None, None) => model.list.subjects(),
    }
}

pub(super) fn perform(model: &mut Model, command: &Command, key: Key) -> Vec<Effect> {
    if model.quitting == Quitting::Saving && !matches!(command.verb, Verb::StopNow) {
        return Vec::new();
    }
    if unseen(model, command) {
        model.say(Severity::Info, "The screen is too small to see what that is for", "");
        return Vec::new();
    }
    match command.verb {
        verb if asking::takes(model, verb) => asking::perform(model, verb),
        Verb::Quit | Verb::Close if search::leaves(model) => search::leave(model),
        Verb::Decide(decide) => triage(model, decide(&subjects(model))),
        Verb::Motion(motion) => go(model, motion),
        Verb::Edit(how) => edit(model, how),
        Verb::Open => open(model),
        Verb::Files(verb) => files::perform(model, verb),
        Verb::Back if key.code == Code::Esc && find::clear(model) => Vec::new(),
        Verb::Back if key.code == Code::Esc && filter::clear(model) => Vec::new(),
        Verb::Back => back(model),
        Verb::Links | Verb::OpenLink | Verb::Copy(_) => links::press(model, command.verb),
        Verb::Search(what) => search::press(model, what),
        Verb::Message(next) => message(model, next),
        Verb::Fold => with_reader(model, Reader::fold),
        Verb::FoldAll(folded) => with_reader(model, |reader| reader.fold_all(folded)),
        Verb::Conversation(next) => conversation(model, next),
        Verb::Go(id) => show(model, label::system(id)),
        Verb::Along(next) => along(model, next),
        Verb::Select | Verb::SelectNext | Verb::Clear => select(model, command.verb),
        Verb::Undo => past::want(model, Wanted::Undo),
        Verb::Redo => past::want(model, Wanted::Redo),
        Verb::History => past::open_history(model),
        Verb::UndoThis => past::this(model, true),
        Verb::RedoThis => past::this(model, false),
        Verb::Choose | Verb::ChooseNumber => choose(model, key),
        Verb::Stop => stop_import(model),
        Verb::Write(write) => compose::keys::perform(model, write),
        Verb::Out(out) => outgoing::perform(model, out),
        Verb::Complete => complete(model),
        Verb::Accept => accept(model),
        Verb::Toggle => toggle(model),
        Verb::Purge(all) => purge::look(model, all),
        Verb::Close => close(model),
        Verb::Palette => palette::open(model),
        Verb::Ex => ex::open(model),
        Verb::CompleteEx(_) => Vec::new(),
        Verb::Help => help::open(model, ""),
        Verb::Accounts => put_on_top(model, Layer::Accounts(0)),
        Verb::Panel(shows) => panel::open(model, shows),
        Verb::Latency => panel::latency(model),
        Verb::AddAccount => wizard::open(model),
        Verb::Suspend => vec![Effect::Suspend],
        Verb::Redraw => vec![Effect::Redraw],
        Verb::Panes => advance::panes(model),
        Verb::Tour | Verb::SkipStep => {
            tour::press(model, matches!(command.verb, Verb::SkipStep));
            Vec::new()
        }
        Verb::Quit => quit(model),
        Verb::StopNow => stop_now(model),
        verb => on_rows(model, verb),
    }
}

/// Does what is for rows, or for the conversation that is read.
fn on_rows(model: &mut Model, verb: Verb) -> Vec<Effect> {
    match verb {
        Verb::PickLabels => {
            let subjects = subjects(model);
            model.notice = None;
            model.layers.push(Layer::Picker(Picker::new(&model.labels, subjects)));
            Vec::new()
        }
        Verb::PickTime => snooze::open(model),
        Verb::PickPlace => mover::open(model),
        Verb::ArchiveGo(next) => again::archive(model, next),
        Verb::Again => again::repeat(model),
        Verb::Find => find::open(model),
        Verb::Filter => filter::open(model),
        Verb::Quotes => with_reader(model, Reader::turn_quotes),
        Verb::Headers => with_reader(model, Reader::turn_headers),
        Verb::RenameLabel | Verb::RecolorLabel | Verb::DeleteLabel => labels::press(model, verb),
        Verb::SelectSome(_) | Verb::SelectRange => range::press(model, verb),
        Verb::Join => join(model),
        Verb::Split => split(model),
        _ => Vec::new(),
    }
}

/// Whether a command is for what cannot be seen: nothing is drawn on a screen that is too small.
fn unseen(model: &Model, command: &Command) -> bool {
    let acts = command.undoable
        || matches!(
            command.verb,
            Verb::Purge(_) | Verb::Accept | Verb::Toggle | Verb::Undo | Verb::Redo
        );
    acts && layout::too_small(model.size) && model.context() != Context::Compose
}

/// Quits; the second time at once.
fn stop_now(model: &mut Model) -> Vec<Effect> {
    if model.interrupted {
        return vec![Effect::Exit(UiExit::Forced)];
    }
    model.interrupted = true;
    quit(model)
}

/// Closes what is on top, each in its own way.
fn close(model: &mut Model) -> Vec<Effect> {
    match model.layers.last() {
        Some(Layer::Purge(_)) => purge::close(model),
        Some(Layer::Wizard(_)) => wizard::back(model),
        Some(Layer::Find(_)) => find::close(model),
        Some(Layer::Filter(_)) => filter::close(model),
        _ if files::is_open(model) => files::close(model),
        _ => {
            model.layers.pop();
            Vec::new()
        }
    }
}

fn put_on_top(model: &mut Model, layer: Layer) -> Vec<Effect> {
    model.layers.push(layer);
    Vec::new()
}

pub(super) fn triage(model: &mut Model, intent: Option<Intent>) -> Vec<Effect> {
    let Some(intent) = intent else {
        model.say(Severity::Info, "There is no conversation here", "");
        return Vec::new();
    };
    let leaves = matches!(&intent, Intent::Change { changes, .. }
    if changes.iter().any(|change| matches!(
        change,
        Change::Place(_) | Change::Read(false) | Change::Snooze(Some(_))
    )));
    let at = model.list.cursor;
    let mut effects = send(model, intent, Sent::Key);
    if leaves && model.reader.is_some() {
        effects.extend(advance::from(model, at));
    }
    effects
}

fn join(model: &mut Model) -> Vec<Effect> {
    let Some(intent) = order::join(&subjects(model)) else {
        let hint = asking::hint(model, "select", "selects");
        model.say(Severity::Info, "Select the conversations to join", hint);
        return Vec::new();
    };
    model.list.selected.clear();
    send(model, intent, Sent::Key)
}

fn split(model: &mut Model) -> Vec<Effect> {
    // Where a message is under the cursor it is its thread that leaves.
    let one = model.reader.as_ref().and_then(Reader::thread).cloned();
    let Some(intent) = order::split(&subjects(model), one.as_ref()) else {
        model.say(Severity::Info, "There is nothing to split here: it is one thread", "");
        return Vec::new();
    };
    send(model, intent, Sent::Key)
}

/// Quits when all is saved; what was decided before the mailbox was open waits for that.
pub fn quit(model: &mut Model) -> Vec<Effect> {
    if model.quitting == Quitting::Saving {
        return Vec::new();
    }
    let (waits, mut effects) = keeping::before_quit(model);
    if !model.open && model.sent.is_empty() {
        return vec![Effect::Exit(UiExit::Quit)];
    }
    model.quitting = Quitting::Saving;
    model.quitting_since = model.now_ms;
    if !waits {
        effects.extend(ask([Request::Quit]));
    }
    effects
}
