//! What keys do to the model.
//!
//! Invariant: a command acts on rows as they are in the model, which the event loop changes between
//! two keys of one frame only by keys; so they are the rows that were drawn.

use crate::command::context::{Context, Subject};
use crate::command::intent::{Change, Intent};
use crate::command::key::{Code, Key};
use crate::command::motion::{Edit, Motion};
use crate::command::order;
use crate::command::registry::{Command, Resolved, Verb};
use crate::engine::handle::Request;
use crate::engine::view::Row;
use crate::label;
use crate::notice::Severity;
use crate::ui::app::{Door, Effect, Layer, Model, Quitting, Sent, Stage, UiExit};
use crate::ui::asking;
use crate::ui::compose::composer::{Composer, Typed, Waits};
use crate::ui::compose::desk::DeskAsk;
use crate::ui::compose::{self, keeping, outgoing};
use crate::ui::ex;
use crate::ui::files;
use crate::ui::first_run::Does;
use crate::ui::foresee::foresee;
use crate::ui::help;
use crate::ui::labels;
use crate::ui::line::Line;
use crate::ui::links;
use crate::ui::palette;
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

/// Keys that are kept while a jump waits for its rows.
const MAX_HELD_KEYS: usize = 20_000;

/// Presses `key`.
pub fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    let context = model.context();
    let stops = key.ctrl || key.typed() == Some('q');
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
            Vec::new()
        }
        Resolved::Nothing => {
            let alone = std::mem::take(&mut model.keys).len() == 1;
            if let Some(c) = key.typed().filter(|_| alone) {
                paste(model, c.encode_utf8(&mut [0; 4]));
            }
            let types = key.typed().is_some() && search::is_typed(model);
            if model.layers.is_empty() && context != Context::Compose && !types {
                let hint = if key.typed() == Some('d') { "# trashes" } else { "? shows the keys" };
                model.say(Severity::Info, format!("{key} does nothing here"), hint);
            }
            Vec::new()
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
    let effects = perform(model, command, key);
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

/// Types `text` into the line that is being typed, if one is.
pub fn paste(model: &mut Model, text: &str) {
    if search::is_typed(model) {
        return search::insert(model, text);
    }
    if asking::insert(model, text) {
        return;
    }
    match model.layers.last_mut() {
        Some(Layer::Picker(picker)) => {
            picker.filter.insert(text);
            picker.cursor = 0;
        }
        Some(Layer::Rename(rename)) => rename.line.insert(text.trim_matches(['\n', '\r'])),
        Some(Layer::Wizard(wizard)) => wizard.insert(text),
        Some(Layer::Path(line)) => line.insert(text.trim_matches(['\n', '\r'])),
        Some(Layer::Purge(open)) => open.line.insert(text),
        Some(Layer::Snooze(open)) => {
            open.line.insert(text.trim_matches(['\n', '\r']));
            open.cursor = 0;
        }
        Some(Layer::Sending(open)) => {
            open.line.insert(text.trim_matches(['\n', '\r']));
            open.cursor = 0;
        }
        Some(Layer::Attach(open)) => open.line.insert(text.trim_matches(['\n', '\r'])),
        Some(Layer::FileLine(open)) => open.line.insert(text.trim_matches(['\n', '\r'])),
        Some(Layer::Links(open)) => open.insert(text),
        None => compose::keys::insert(model, text),
        _ => {}
    }
}

/// Presses the keys that waited for a jump which has landed.
pub fn release_held(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    while !model.list.jumping() {
        let Some(key) = model.held.pop_front() else { break };
        effects.extend(press(model, key));
    }
    effects
}

/// Sends `intent`, shows what follows at once, and asks for the truth right behind it.
pub fn send(model: &mut Model, intent: Intent, sent: Sent) -> Vec<Effect> {
    foresee(model, &intent);
    model.sent.push_back(sent);
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

fn perform(model: &mut Model, command: &Command, key: Key) -> Vec<Effect> {
    if model.quitting == Quitting::Saving && !matches!(command.verb, Verb::StopNow) {
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
        Verb::PickLabels => {
            let subjects = subjects(model);
            model.layers.push(Layer::Picker(Picker::new(&model.labels, subjects)));
            Vec::new()
        }
        Verb::PickTime => snooze::open(model),
        Verb::RenameLabel | Verb::RecolorLabel | Verb::DeleteLabel => {
            labels::press(model, command.verb)
        }
        Verb::SelectSome(_) | Verb::SelectRange => range::press(model, command.verb),
        Verb::Join => join(model),
        Verb::Split => split(model),
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
        Verb::Close if matches!(model.layers.last(), Some(Layer::Purge(_))) => purge::close(model),
        Verb::Close if matches!(model.layers.last(), Some(Layer::Wizard(_))) => wizard::back(model),
        Verb::Close if files::is_open(model) => files::close(model),
        Verb::Close => {
            model.layers.pop();
            Vec::new()
        }
        Verb::Palette => palette::open(model),
        Verb::Ex => ex::open(model),
        Verb::CompleteEx(_) => Vec::new(),
        Verb::Help => help::open(model, ""),
        Verb::Accounts => put_on_top(model, Layer::Accounts(0)),
        Verb::AddAccount => wizard::open(model),
        Verb::Suspend => vec![Effect::Suspend],
        Verb::Redraw => vec![Effect::Redraw],
        Verb::Tour | Verb::SkipStep => {
            tour::press(model, matches!(command.verb, Verb::SkipStep));
            Vec::new()
        }
        Verb::Quit => quit(model),
        Verb::StopNow if model.interrupted => vec![Effect::Exit(UiExit::Forced)],
        Verb::StopNow => {
            model.interrupted = true;
            quit(model)
        }
    }
}

/// To the next (`true`) or previous message; after a search, the next hit.
fn message(model: &mut Model, next: bool) -> Vec<Effect> {
    if next && search::hits(model) {
        return search::hit(model, true);
    }
    with_reader(model, |reader| reader.step(next))
}

fn put_on_top(model: &mut Model, layer: Layer) -> Vec<Effect> {
    model.layers.push(layer);
    Vec::new()
}

fn select(model: &mut Model, verb: Verb) -> Vec<Effect> {
    if matches!(verb, Verb::Clear) {
        if model.search.is_some() && model.list.selected.is_empty() {
            return search::leave(model);
        }
        model.list.selected.clear();
        model.list.range = None;
        model.notice = None;
        return Vec::new();
    }
    model.list.toggle();
    if matches!(verb, Verb::SelectNext) { go(model, Motion::Down) } else { Vec::new() }
}

fn edit(model: &mut Model, how: Edit) -> Vec<Effect> {
    if search::is_typed(model) {
        search::edit(model, how);
        return Vec::new();
    }
    match model.layers.last_mut() {
        Some(Layer::Picker(picker)) => {
            picker.filter.edit(how);
            picker.cursor = 0;
        }
        Some(Layer::Rename(rename)) => rename.line.edit(how),
        Some(Layer::Wizard(wizard)) => wizard.edit(how),
        Some(Layer::Path(line)) => line.edit(how),
        Some(Layer::Purge(open)) => open.line.edit(how),
        Some(Layer::Snooze(open)) => {
            open.line.edit(how);
            open.cursor = 0;
        }
        Some(Layer::Sending(open)) => {
            open.line.edit(how);
            open.cursor = 0;
        }
        Some(Layer::Attach(open)) => open.line.edit(how),
        Some(Layer::FileLine(open)) => open.line.edit(how),
        None => compose::keys::edit(model, how),
        _ => {}
    }
    Vec::new()
}

/// Lets what is typed go on.
fn complete(model: &mut Model) -> Vec<Effect> {
    match model.layers.last_mut() {
        Some(Layer::Sending(open)) => open.remind_next(),
        Some(Layer::Attach(_)) => return compose::keys::complete_path(model),
        _ => {}
    }
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
    let mut effects = send(model, intent, Sent::Key);
    if leaves && model.reader.is_some() {
        effects.extend(back(model));
    }
    effects
}

fn join(model: &mut Model) -> Vec<Effect> {
    let Some(intent) = order::join(&subjects(model)) else {
        model.say(Severity::Info, "Select the conversations to join", "x selects");
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

fn go(model: &mut Model, motion: Motion) -> Vec<Effect> {
    if model.context() == Context::Drafts || model.context() == Context::Outbox {
        outgoing::go(model, motion);
        return Vec::new();
    }
    let page = help::page(model);
    match (model.layers.last_mut(), &mut model.stage, &mut model.reader) {
        (Some(Layer::Accounts(top)), ..) => *top = help::scrolled(*top, motion, page),
        (Some(Layer::Picker(picker)), ..) => picker.go(motion),
        (Some(Layer::Colours(colours)), ..) => colours.go(motion),
        (Some(Layer::Snooze(open)), ..) => open.go(motion),
        (Some(Layer::Sending(open)), ..) => open.go(motion),
        (Some(Layer::Files(_) | Layer::Page(_)), ..) => files::go(model, motion),
        (Some(Layer::Links(open)), ..) => open.go(motion),
        (Some(Layer::Saves(open)), ..) => {
            let last = model.writing.open.as_ref().map_or(0, |c| c.history.len().saturating_sub(1));
            open.cursor = match motion {
                Motion::Down => open.cursor + 1,
                Motion::Up => open.cursor.saturating_sub(1),
                _ => open.cursor,
            }
            .min(last);
        }
        (None, Stage::Mail, _) if model.writing.open.is_some() => {
            if let Some(composer) = model.writing.open.as_deref_mut() {
                compose::keys::go(composer, motion);
            }
        }
        (
            Some(
                Layer::Wizard(_)
                | Layer::Path(_)
                | Layer::Purge(_)
                | Layer::Rename(_)
                | Layer::FileLine(_)
                | Layer::Attach(_)
                | Layer::Leave(_)
                | Layer::Palette(_)
                | Layer::Ex(_)
                | Layer::Help(_),
            ),
            ..,
        ) => {}
        (None, Stage::FirstRun(screen), _) => screen.go(motion),
        (None, Stage::Mail, Some(reader)) => reader.go(motion),
        (None, Stage::Mail, None) if model.history.is_some() => {
            return ask(model.history.as_mut().map(|h| h.go(motion)).unwrap_or_default());
        }
        (None, Stage::Mail, None) => {
            model.waiting_since = model.now_ms;
            let requests = model.list.go(motion);
            model.list.stretch();
            return ask(requests);
        }
    }
    Vec::new()
}

fn with_reader(model: &mut Model, act: impl FnOnce(&mut Reader)) -> Vec<Effect> {
    if let Some(reader) = &mut model.reader {
        act(reader);
    }
    Vec::new()
}

/// Opens what is under the cursor.
pub fn open(model: &mut Model) -> Vec<Effect> {
    if model.history.is_some() {
        return past::enter(model);
    }
    let Some(row) = model.list.current().cloned() else { return Vec::new() };
    if row.thread.is_draft() {
        return compose::opening::kept(model, &row.thread, None);
    }
    read(model, row)
}

/// Opens a conversation in the reader.
pub fn read(model: &mut Model, row: Row) -> Vec<Effect> {
    let request = Request::Open(row.thread.clone());
    let mut reader = Reader::new(row, model.now_ms);
    reader.needles = model.search.as_ref().map(|search| search.needles.clone());
    model.reader = Some(reader);
    ask([request])
}

pub(super) fn back(model: &mut Model) -> Vec<Effect> {
    if model.reader.take().is_none() {
        past::leave_history(model);
        return Vec::new();
    }
    // The one conversation of an action was opened at once: back is back to the history.
    if let Some(history) = &mut model.history {
        history.reached.take_if(|reached| reached.total == 1);
    }
    ask([Request::Close])
}

fn conversation(model: &mut Model, next: bool) -> Vec<Effect> {
    if model.history.is_some() {
        return past::conversation(model, next);
    }
    let before = model.list.current().map(|row| row.thread.clone());
    let requests = model.list.go(if next { Motion::Down } else { Motion::Up });
    let mut effects = ask(requests);
    if model.list.jumping() {
        // It comes within a frame; until then this one stays open.
        model.waiting_since = model.now_ms;
    } else if model.list.current().map(|row| &row.thread) == before.as_ref() {
        let what = if next { "last" } else { "first" };
        model.say(Severity::Info, format!("This is the {what} conversation"), "");
    } else {
        effects.extend(back(model));
        effects.extend(open(model));
    }
    effects
}

pub(super) fn show(model: &mut Model, label: crate::id::LabelId) -> Vec<Effect> {
    let mut effects = if model.reader.is_some() { back(model) } else { Vec::new() };
    while model.history.is_some() {
        past::leave_history(model);
    }
    model.waiting_since = model.now_ms;
    if model.search.take().is_some() {
        effects.extend(ask([Request::StopSearch]));
    }
    effects.extend(ask([model.list.show(label)]));
    if outgoing::shown(model).is_some() {
        model.writing.cursor = 0;
        effects.extend(ask([Request::Outgoing]));
        // An editor that outlived its program may have ended meanwhile.
        effects.extend(model.open.then_some(Effect::Desk(DeskAsk::Leftovers)));
    }
    effects
}

fn along(model: &mut Model, next: bool) -> Vec<Effect> {
    let entries = model.sidebar();
    let at = entries.iter().position(|entry| entry.label == model.list.label).unwrap_or(0);
    let count = entries.len();
    let to = if next { at + 1 } else { at + count - 1 } % count.max(1);
    match entries.into_iter().nth(to) {
        Some(entry) => show(model, entry.label),
        None => Vec::new(),
    }
}

fn choose(model: &mut Model, key: Key) -> Vec<Effect> {
    let readable = !model.list.rows.is_empty();
    let importing = model.import.as_ref().is_some_and(|import| !import.progress.ended);
    let Stage::FirstRun(screen) = &mut model.stage else { return Vec::new() };
    let number = key.typed().and_then(|c| c.to_digit(10));
    if number.is_none() && model.import.is_some() && readable {
        model.stage = Stage::Mail;
        return Vec::new();
    }
    if importing || screen.opening.is_some() {
        return Vec::new();
    }
    if let Some(number) = number {
        let at = screen.choices.iter().position(|choice| choice.number == Some(number));
        screen.cursor = at.unwrap_or(screen.cursor);
    }
    let Some(choice) = screen.choices.get(screen.cursor).cloned() else { return Vec::new() };
    match choice.does {
        Does::LookAround if model.open => {
            model.say(Severity::Info, "Your own mailbox is open", "`mailtui demo` looks around");
            Vec::new()
        }
        Does::LookAround => {
            screen.opening = Some("making the sample mailbox");
            vec![Effect::Open(Door::Demo, Vec::new())]
        }
        Does::Import(path) => import_from(model, path),
        Does::ImportOther => {
            model.layers.push(Layer::Path(Line::default()));
            Vec::new()
        }
        Does::AddAccount => wizard::open(model),
        Does::Later => {
            model.say(Severity::Info, format!("{}: {}", choice.title, choice.detail), "");
            Vec::new()
        }
    }
}

fn import_from(model: &mut Model, path: std::path::PathBuf) -> Vec<Effect> {
    model.notice = None;
    if model.open {
        model.import = Some(crate::ui::app::Import {
            progress: crate::engine::view::ImportProgress::default(),
            began: model.now_ms,
            stopping: false,
        });
        return ask([Request::Import(vec![path])]);
    }
    if let Stage::FirstRun(screen) = &mut model.stage {
        screen.paths = vec![path.clone()];
        screen.opening = Some("opening the mailbox");
    }
    vec![Effect::Open(Door::Own, vec![path])]
}

fn stop_import(model: &mut Model) -> Vec<Effect> {
    match &mut model.import {
        Some(import) if !import.progress.ended => {
            import.stopping = true;
            ask([Request::StopImport])
        }
        _ => Vec::new(),
    }
}

fn accept(model: &mut Model) -> Vec<Effect> {
    match model.layers.last() {
        None if search::is_typed(model) => search::keep(model),
        Some(Layer::Wizard(_)) => wizard::accept(model),
        Some(Layer::Purge(_)) => purge::accept(model),
        Some(Layer::Snooze(_)) => snooze::accept(model),
        Some(Layer::Sending(_)) => compose::sending::accept(model),
        Some(Layer::Attach(_)) => compose::keys::accept_attach(model),
        Some(Layer::FileLine(_)) => files::accept(model),
        Some(Layer::Leave(_)) => crate::ui::unsubscribe::accept(model),
        Some(Layer::Saves(_)) => compose::keys::accept_save(model),
        Some(Layer::Rename(_) | Layer::Colours(_)) => labels::accept(model),
        Some(Layer::Picker(picker)) => {
            let effects = if picker.is_toggled() { Vec::new() } else { toggle(model) };
            model.layers.pop();
            effects
        }
        Some(Layer::Path(line)) => {
            let typed = line.text().to_owned();
            let path = match &model.stage {
                Stage::FirstRun(screen) => screen.path(&typed),
                Stage::Mail => None,
            };
            model.layers.pop();
            path.map(|path| import_from(model, path)).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

fn toggle(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Picker(picker)) = model.layers.last_mut() else { return Vec::new() };
    picker.toggle().map(|intent| send(model, intent, Sent::Key)).unwrap_or_default()
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
