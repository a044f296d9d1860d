//! The one function that changes the model: (model, message) → effects. Pure.
//!
//! Invariant: no I/O, no clock; whatever comes in whatever order, the model stays drawable. Keys
//! are carried out in `keys`, the engine's words are taken in here.

use std::time::Duration;

use crate::engine::accounts::NewMail;
use crate::engine::handle::{Request, Update};
use crate::engine::view::{Done, ImportProgress, Link, Thread};
use crate::id::ThreadId;
use crate::notice::{Notice, Severity};
use crate::ui::app::{
    Door, Effect, Import, Layer, Message, Model, NOTICE_MS, Quitting, Sent, Stage, UiExit,
};
use crate::ui::asking;
use crate::ui::compose::desk::DeskAsk;
use crate::ui::compose::{keeping, opening, original, outgoing};
use crate::ui::history::History;
use crate::ui::layout::READER_HEAD_ROWS;
use crate::ui::tour::Tour;
use crate::ui::{compose, date, keys, layout, look, panel, past, range, search, text, wizard};

/// What is loaded ahead, in rows from the cursor, in this order: the row itself, the next one and
/// the one before (`j`, `k`, and `J`, `K` in the reader), and the one after those.
const NEIGHBOURS: [isize; 4] = [0, 1, -1, 2];
/// How often what is listed is asked for again while rows come in by the thousand, in milliseconds.
const REFRESH_MS: i64 = 100;
/// How long an answer is waited for before keys go on without it, in milliseconds.
const PATIENCE_MS: i64 = 3_000;

/// Takes in `message`; returns what is to be done.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let mut effects = match message {
        Message::Key(key) => keys::press(model, key),
        Message::Mouse(mouse) => crate::ui::mouse::press(model, mouse),
        Message::Paste(text) => keys::paste(model, &text),
        Message::Resize(columns, rows) => {
            model.size = (columns, rows);
            crate::ui::files::resized(model)
        }
        Message::Opened(door) => opened(model, door),
        Message::NotOpened(notice) => not_opened(model, notice),
        Message::Engine(update) => engine(model, *update),
        Message::Desk(said) => compose::keys::said(model, *said),
        Message::Edited(said) => compose::keys::edited(model, *said),
        Message::EngineGone if model.quitting == Quitting::Saving => vec![exit(UiExit::Quit)],
        Message::EngineGone => vec![exit(UiExit::EngineGone)],
        Message::Hangup => keys::quit(model),
        Message::NoShell => {
            model.say(Severity::Info, "There is no shell to go back to", "q quits");
            Vec::new()
        }
        Message::Settings(loaded) => {
            look::changed(model, *loaded);
            Vec::new()
        }
        Message::Background(ground) => {
            look::background(model, ground);
            Vec::new()
        }
        Message::Time(now_ms) => time(model, now_ms),
        Message::Keys(bound) => {
            crate::ui::asking::bound(model, bound, true);
            Vec::new()
        }
        Message::Measured(figures) => {
            panel::measured(model, figures);
            return Vec::new();
        }
        Message::Drawn => drawn(model),
    };
    effects.extend(search::look(model));
    effects.extend(lay_out(model));
    effects.extend(original::look(model));
    effects
}

fn exit(how: UiExit) -> Effect {
    Effect::Exit(how)
}

/// Effects that ask the engine.
pub fn ask(requests: impl IntoIterator<Item = Request>) -> Vec<Effect> {
    requests.into_iter().map(Effect::Ask).collect()
}

/// Fits list, reader and help to the screen.
fn lay_out(model: &mut Model) -> Vec<Effect> {
    let areas = layout::of(model).with_panel(crate::ui::view::tour::rows(model));
    let areas = areas.with_top(crate::ui::view::search::rows(model));
    let list_rows = if areas.list.width > 0 { areas.list.height } else { areas.reader.height };
    let lines = crate::ui::view::list::row_lines(model);
    let requests = model.list.resize(usize::from((list_rows / lines).max(1)));
    crate::ui::view::compose::lay_out(model);
    crate::ui::files::lay_out(model);
    if let Some(history) = &mut model.history {
        // Its first row is its title.
        history.resize(usize::from(list_rows.saturating_sub(1)));
    }
    if let Some(reader) = &mut model.reader {
        let height = areas.reader.height.saturating_sub(READER_HEAD_ROWS);
        let now = model.now_ms.div_euclid(1_000);
        reader.lay_out(areas.reader.width.into(), height.into(), &model.zone, now);
    }
    if let Some(Layer::Accounts(top)) = model.layers.last().cloned() {
        let last = crate::ui::view::accounts::last_top(model);
        if let Some(Layer::Accounts(shown)) = model.layers.last_mut() {
            *shown = top.min(last);
        }
    }
    if let Some(Layer::Panel(shown)) = model.layers.last().cloned() {
        let last = crate::ui::view::panel::last_top(model, &shown);
        if let Some(Layer::Panel(open)) = model.layers.last_mut() {
            open.top = open.top.min(last);
        }
    }
    if let Some(Layer::Help(_)) = model.layers.last() {
        let last = crate::ui::view::help::last_top(model);
        if let Some(Layer::Help(open)) = model.layers.last_mut() {
            open.top = open.top.min(last);
        }
    }
    ask(requests)
}

fn opened(model: &mut Model, door: Door) -> Vec<Effect> {
    model.open = true;
    model.writing.losses = 0;
    model.older = None;
    // Until now nobody could answer.
    model.waiting_since = model.now_ms;
    if door == Door::Demo && !std::mem::replace(&mut model.demo, true) {
        model.tour = Some(Tour::default());
    }
    let mut requests = Vec::new();
    if let Stage::FirstRun(screen) = &mut model.stage {
        screen.opening = None;
        let paths = std::mem::take(&mut screen.paths);
        if door == Door::Demo || screen.to_mail {
            model.stage = Stage::Mail;
        } else if !paths.is_empty() {
            model.import = Some(Import {
                progress: ImportProgress::default(),
                began: model.now_ms,
                stopping: false,
            });
            requests.push(Request::Import(paths));
        }
    }
    if model.list.loaded {
        requests.extend(model.list.refresh(true));
    } else if !model.list.jumping() {
        let label = model.list.label.clone();
        requests.push(model.list.show(label));
    }
    requests.push(Request::Outgoing);
    let mut effects = ask(requests);
    effects.extend(outgoing::ask_met(model));
    effects.extend([DeskAsk::Identities, DeskAsk::Leftovers].map(Effect::Desk));
    effects
}

fn not_opened(model: &mut Model, notice: Notice) -> Vec<Effect> {
    let Stage::FirstRun(screen) = &mut model.stage else {
        return vec![exit(UiExit::NotOpened(notice))];
    };
    screen.opening = None;
    screen.paths.clear();
    screen.to_mail = false;
    model.say(notice.severity, notice.message, notice.hint);
    Vec::new()
}

fn engine(model: &mut Model, update: Update) -> Vec<Effect> {
    match update {
        Update::Page { ticket, page } => {
            let requests = model.list.take(ticket, page);
            range::say(model);
            let mut effects = ask(requests);
            effects.extend(keys::release_held(model));
            effects
        }
        Update::Labels(labels) => {
            for layer in &mut model.layers {
                if let Layer::Picker(picker) = layer {
                    picker.refresh(&labels);
                }
            }
            model.labels = labels;
            more_unread(model)
        }
        Update::Saved(saved) => search::saved::came(model, saved),
        Update::Thread(id, thread) => thread_came(model, &id, thread),
        Update::Changed => changed(model),
        Update::Outgoing(rows) => outgoing::take(model, rows),
        Update::Draft(ticket, draft) => opening::draft_came(model, ticket, draft.map(|d| *d)),
        Update::History { ticket, page } => {
            ask(model.history.as_mut().map(|h| h.take(ticket, page)).unwrap_or_default())
        }
        Update::ActionRows { action, rows, total } => past::reached(model, &action, rows, total),
        Update::People(people) => outgoing::met(model, people),
        Update::Original(came) => original::came(model, *came),
        Update::Done(done) => answered(model, done),
        update @ (Update::Noted(..) | Update::Kept(_) | Update::TakenBack(_)) => {
            written(model, update)
        }
        Update::Purge(ticket, step) => {
            crate::ui::purge::step(model, ticket, step);
            Vec::new()
        }
        Update::Notice(notice) => told(model, notice),
        kept @ (Update::Stats(_) | Update::Sizes(_)) => keep(model, kept),
        Update::Status(status) => {
            panel::connection(model, status.link);
            model.status = status;
            more_unread(model)
        }
        Update::Import(progress) => import(model, progress),
        Update::Writers(writers) => compose::keys::told(model, writers),
        Update::Accounts(accounts) => {
            model.accounts = Some(*accounts);
            Vec::new()
        }
        Update::Account(ticket, step) => {
            let mut effects = wizard::take(model, ticket, step);
            // An account that was added is somebody to write as.
            effects.push(Effect::Desk(DeskAsk::Identities));
            effects
        }
        Update::NewMail(news) => new_mail(model, &news),
        // The loop waits for it itself.
        Update::Paused => Vec::new(),
        Update::Ended if model.quitting == Quitting::Saving => {
            vec![exit(model.unsaved.take().map_or(UiExit::Quit, UiExit::Unsaved))]
        }
        Update::Ended => vec![exit(UiExit::EngineGone)],
        other => search::said(model, other),
    }
}

/// Keeps what was told to be shown.
fn keep(model: &mut Model, update: Update) -> Vec<Effect> {
    match update {
        Update::Stats(stats) => model.stats = Some(stats),
        // The mouse has the last word.
        Update::Sizes(sizes) if model.divided.held.is_none() => model.divided.sizes = sizes,
        _ => {}
    }
    Vec::new()
}

/// What is listed, while it changes all the time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Refresh {
    /// When it was last asked for again, Unix milliseconds.
    asked_ms: i64,
    /// It changed since.
    stale: bool,
}

/// When what is listed is asked for again, where that waits.
#[must_use]
pub fn refreshes_in(model: &Model) -> Option<Duration> {
    let left = model.refresh.asked_ms.saturating_add(REFRESH_MS) - model.now_ms;
    let left = Duration::from_millis(left.clamp(0, REFRESH_MS).unsigned_abs());
    model.refresh.stale.then_some(left)
}

/// Asks again for what is shown of the lists; a sync says with every slice that they changed, and
/// what it takes to ask and to draw would be taken from keys.
fn changed(model: &mut Model) -> Vec<Effect> {
    let since = model.now_ms.saturating_sub(model.refresh.asked_ms);
    let syncs = model.status.link.takes_in();
    model.refresh.stale = syncs && (0..REFRESH_MS).contains(&since);
    if model.refresh.stale {
        return Vec::new();
    }
    model.refresh.asked_ms = model.now_ms;
    let mut requests: Vec<Request> = model.list.refresh(false).into_iter().collect();
    requests.extend(model.history.as_mut().map(History::refresh).unwrap_or_default());
    requests.extend(outgoing::watches(model).then_some(Request::Outgoing));
    let mut effects = ask(requests);
    effects.extend(search::saved::changed(model));
    effects
}

/// Says what went wrong, unless that is said already.
fn told(model: &mut Model, notice: Notice) -> Vec<Effect> {
    if !keeping::is_of_unsent(model, &notice) {
        model.say(notice.severity, notice.message, notice.hint);
    }
    Vec::new()
}

/// Takes in how far what is written is kept.
fn written(model: &mut Model, update: Update) -> Vec<Effect> {
    match update {
        Update::Kept(slot) => return keeping::kept(model, slot),
        Update::Noted(slot, done) => keeping::noted(model, slot, done),
        Update::TakenBack(notice) => {
            keeping::taken_back(model, &notice);
            let (what, hint) = match model.writing.unsent {
                Some(_) if model.writing.open.is_some() => {
                    ("not sent", "there has to be room; then send it from here")
                }
                Some(_) => ("not sent", "it is kept as a draft when there is room"),
                // What is written is here, and saved as soon as that can be.
                None if keeping::is_unsaved(model) => {
                    (keeping::NOT_SAVED, "it is tried again: free some space")
                }
                None => ("not saved, and taken back", notice.hint.as_str()),
            };
            let (line, hint) = (format!("{what}: {}", notice.message), hint.to_owned());
            model.say(notice.severity, line, hint);
        }
        _ => {}
    }
    Vec::new()
}

fn thread_came(model: &mut Model, id: &ThreadId, thread: Option<Box<Thread>>) -> Vec<Effect> {
    // That typed words are kept is said last.
    let Some(thread) = thread else {
        let mut effects = conversation(model, id, None);
        effects.extend(opening::thread_came(model, id, None));
        return effects;
    };
    let mut effects = opening::thread_came(model, id, Some(&thread));
    effects.extend(conversation(model, id, Some(*thread)));
    effects
}

/// New mail is told in the terminal, and here where nothing worse is said.
fn new_mail(model: &mut Model, news: &NewMail) -> Vec<Effect> {
    let line = news.line();
    let worse = model.notice.as_ref().is_some_and(|shown| shown.severity > Severity::Info);
    if !worse {
        model.say(Severity::Info, format!("New mail: {line}"), "");
    }
    vec![Effect::Announce(line)]
}

/// A device of another backend tells of new mail by what its inbox shows.
fn more_unread(model: &mut Model) -> Vec<Effect> {
    if !model.status.remote {
        return Vec::new();
    }
    let caught_up = model.status.link == Link::Online { behind: 0 } && model.sent.is_empty();
    let inbox = model.labels.iter().find(|label| label.id.as_str() == "inbox");
    let Some(unread) = inbox.map(|inbox| inbox.unread_count) else { return Vec::new() };
    let more = model.watch.more(caught_up, unread, model.now_ms);
    let line = |more| text::plural(more, "more unread conversation", "more unread conversations");
    more.map(|more| Effect::Announce(line(more))).into_iter().collect()
}

/// Takes in a conversation, where it is the one that is read.
fn conversation(model: &mut Model, id: &ThreadId, thread: Option<Thread>) -> Vec<Effect> {
    let Some(reader) = &mut model.reader else { return Vec::new() };
    let mine = reader.row.thread == *id || reader.row.members.iter().any(|m| m.thread == *id);
    match thread {
        _ if !mine => Vec::new(),
        Some(thread) => {
            let (was, now) = (reader.row.place, thread.row.place);
            let opened = reader.messages.is_some();
            reader.take(thread);
            // What is done here is foreseen or said: this came from elsewhere.
            let own = !model.sent.is_empty() || model.now_ms - model.watch.did <= PATIENCE_MS;
            if opened && was != now && !own {
                let line =
                    format!("This conversation is in {} now", model.label_name(&now.label()));
                model.say(Severity::Warning, line, "moved elsewhere while it was open");
            }
            Vec::new()
        }
        None => gone(model),
    }
}

fn gone(model: &mut Model) -> Vec<Effect> {
    model.reader = None;
    // What was asked about it is asked about nothing.
    model.layers.retain(|layer| !of_reader(layer));
    model.say(Severity::Warning, "This conversation is not here any more", "");
    ask([Request::Close])
}

/// Whether a layer is about the conversation that is read, and about nothing without it.
const fn of_reader(layer: &Layer) -> bool {
    matches!(
        layer,
        Layer::Picker(_)
            | Layer::Rename(_)
            | Layer::Colours(_)
            | Layer::Snooze(_)
            | Layer::Move(_)
            | Layer::Find(_)
            | Layer::Links(_)
            | Layer::Purge(_)
            | Layer::Leave(_)
    )
}

fn answered(model: &mut Model, done: Done) -> Vec<Effect> {
    model.answered += 1;
    let late = model.late.pop_front();
    let sent = late.or_else(|| model.sent.pop_front());
    let effects = match sent {
        Some(Sent::Draft(slot)) => keeping::saved(model, slot, &done),
        Some(Sent::Order(slot)) => keeping::ordered(model, slot, &done),
        // Its file goes when the save is on disk.
        Some(Sent::Leftover(slot)) if done.wrote.is_some() => {
            let losses = model.writing.losses;
            // The list of drafts has it before its file is gone.
            ask([Request::Outgoing, Request::Forget { slot, losses }])
        }
        _ => Vec::new(),
    };
    past::answered(model, sent, &done);
    let is_done = done.action.is_some();
    let hint = match sent {
        Some(Sent::Key | Sent::Redo) if is_done => asking::hint(model, "undo", "undoes"),
        Some(Sent::Undo) if is_done => asking::hint(model, "redo", "does it again"),
        _ => String::new(),
    };
    let silent =
        matches!(sent, Some(Sent::Silent | Sent::Draft(_) | Sent::Order(_) | Sent::Leftover(_)));
    if !silent && (is_done || !done.says.is_empty()) {
        // What was left alone is worth a second look.
        let severity = if done.kept.is_empty() { Severity::Info } else { Severity::Warning };
        let until = done.until.map(|until| date::long(until, &model.zone));
        let says = match until {
            Some(until) => format!("{} until {until}", done.says.trim_end_matches('.')),
            None => done.says,
        };
        model.say(severity, says, hint);
    }
    let mut effects = effects;
    effects.extend(past::go_on(model));
    effects
}

fn import(model: &mut Model, progress: ImportProgress) -> Vec<Effect> {
    let began = model.import.as_ref().filter(|i| !i.progress.ended).map(|i| (i.began, i.stopping));
    let (began, stopping) = began.unwrap_or((model.now_ms, false));
    if progress.ended && matches!(model.stage, Stage::Mail) {
        let mut says =
            format!("Imported {}", text::plural(progress.imported, "message", "messages"));
        if progress.failed > 0 {
            says = format!("{says}, {} failed", text::count(progress.failed));
        }
        let failed = progress.failed > 0;
        let severity = if failed { Severity::Warning } else { Severity::Info };
        let hint = if failed { "`mailtui import` on the same path lists why" } else { "" };
        model.say(severity, says, hint);
    }
    model.import = Some(Import { progress, began, stopping });
    Vec::new()
}

fn time(model: &mut Model, now_ms: i64) -> Vec<Effect> {
    model.now_ms = now_ms;
    model.notice.take_if(|notice| now_ms - notice.since > NOTICE_MS);
    let mut effects = more_unread(model);
    effects.extend(keeping::time(model));
    effects.extend(original::time(model));
    effects.extend(search::saved::tick(model));
    if model.refresh.stale {
        effects.extend(changed(model));
    }
    let waits = !model.sent.is_empty() || model.list.jumping();
    if !waits || now_ms - model.waiting_since <= PATIENCE_MS || !model.open {
        return effects;
    }
    // An answer that does not come must not hold keys back for ever.
    let late = model.sent.drain(..);
    model.late.extend(late);
    if model.list.gathers() {
        // What waits was for what was to be selected, and is for nothing else.
        model.held.clear();
        model.say(Severity::Warning, "The list did not answer; nothing was selected or done", "");
    }
    model.list.give_up();
    effects.extend(keys::release_held(model));
    effects.extend(past::go_on(model));
    effects
}

/// What follows from having been seen: a conversation on screen is read, and the one under the
/// cursor may be opened next.
fn drawn(model: &mut Model) -> Vec<Effect> {
    if layout::too_small(model.size) {
        // Nothing of it was seen.
        return Vec::new();
    }
    let mut effects = ask(prefetch(model));
    if let Some(reader) = &mut model.reader {
        let open = model.now_ms - reader.opened_ms;
        let after = model.look.loaded.settings.mark_read_after;
        let counts = after.is_some_and(|seconds| open >= i64::from(seconds) * 1_000);
        if reader.messages.is_none() || !counts || std::mem::replace(&mut reader.marked, true) {
            return effects;
        }
        let subjects = reader.subjects();
        let unread = subjects.iter().any(|subject| subject.unread);
        let intent = unread.then(|| crate::command::read::read(&subjects)).flatten();
        effects.extend(intent.map(|i| keys::send(model, i, Sent::Silent)).unwrap_or_default());
    }
    effects
}

/// Asks for the conversations that the next keys may open, when they are others than before.
fn prefetch(model: &mut Model) -> Option<Request> {
    let list = &model.list;
    if !matches!(model.stage, Stage::Mail) || list.rows.is_empty() {
        return None;
    }
    let at = |step: &isize| list.rows.get(list.cursor.checked_add_signed(*step)?);
    let near = NEIGHBOURS.iter().filter_map(at).map(|row| row.thread.clone());
    let near: Vec<ThreadId> = near.collect();
    if near == model.prefetched {
        return None;
    }
    model.prefetched.clone_from(&near);
    Some(Request::Prefetch(near))
}
