//! What must be true of a simulation at every move, and at its end.
//!
//! Invariant: what a device shows is worked out again from the backend's logs and the device's own
//! events, never from its rows.

use std::collections::{BTreeMap, BTreeSet};

use mailtui::command::intent::Target;
use mailtui::id::{ActionId, EventId, StoreId, ThreadId};
use mailtui::limits::TRAIL_ENTRIES;
use mailtui::mailbox;
use mailtui::projection::entries;
use mailtui::store::{Db, Event, Kind, Own, OwnEvent};
use mailtui::thread::{Entry, ThreadEvent, What};

use crate::simulation::moves::Simulation;
use crate::support::health;
use crate::support::truth::{Truth, cells_of, fold, hidden, log_of};

/// Rows of a table that are told of those that differ.
const ROWS_TOLD: usize = 4;

/// Counted as a step: a purge that took something.
pub(super) const GONE: &str = "purged";

/// A key on a thread: what its row named, and how many messages of the thread it showed.
pub(super) struct Press {
    pub(super) target: Target,
    pub(super) shown: u64,
}

/// One device, one thread, once in a while: it shows the log up to its watermark and its own events
/// after that.
pub(super) fn along_the_way(simulation: &mut Simulation) -> Vec<String> {
    if !simulation.world.promises.wrong.is_empty() {
        return std::mem::take(&mut simulation.world.promises.wrong);
    }
    if !simulation.dice.once_in(2) {
        return Vec::new();
    }
    let at = simulation.dice.below(simulation.world.stations.len());
    let Some(thread) = simulation.a_thread(at) else { return Vec::new() };
    let epoch = simulation.world.backend().epoch().clone();
    let (log, gone) = log_of(&simulation.world.backend_dir(), &thread);
    let device = simulation.world.device(at);
    let row = mailbox::raw_row(device.db(), &thread).expect("readable").expect("there");
    let seen = mailbox::watermark(device.db(), &thread).expect("readable").expect("there");
    let epochs = mailtui::projection::trail_of(&row).base.epochs;
    let shown = mailbox::overlaid(device.db(), &thread).expect("readable").unwrap_or(row.shown);
    if gone || seen.epoch != epoch {
        return Vec::new(); // the device has not heard of it
    }
    if (log.len() as u64) < seen.position {
        return vec![format!("device {at} shows {thread} at {}, of {}", seen.position, log.len())];
    }
    let own = own_of(simulation, at, &thread, &log);
    let own = entries(&own, device.id(), &epochs, Some(&seen));
    let before = usize::try_from(seen.position).expect("small");
    let mut all = fold(&log[..before]).entries;
    if undoes_older(&all, &own) {
        return Vec::new(); // it shows when it is projected
    }
    all.extend(own);
    let cells = cells_of(&all);
    let wanted = (cells.place, cells.snoozed, cells.unread(), cells.all_labels());
    let found = (shown.place, shown.snoozed_until, shown.unread_count, shown.labels);
    if found == wanted {
        return Vec::new();
    }
    vec![format!("device {at} shows {found:?} of {thread} at {}, not {wanted:?}", seen.position)]
}

/// The own events of a device on a thread, as it decided them, each with its place in the log.
/// What is on its disk is taken from what was seen of it when it came there, not from the device.
fn own_of(simulation: &Simulation, at: usize, thread: &ThreadId, log: &[Event]) -> Vec<OwnEvent> {
    let (store, device) = (StoreId::thread(thread), simulation.world.device(at));
    let refused = Own::refused(device.db()).expect("readable");
    let mut own: BTreeMap<EventId, OwnEvent> = BTreeMap::new();
    let unsaved = Own::of(device.db(), &store).expect("readable");
    let mut kept = simulation.world.promises.own(at, &store);
    // A device whose log was flipped fetches it again, and shows what it has of it meanwhile.
    kept.retain(|_| !simulation.flipped.contains(&at));
    for mut event in kept.into_iter().chain(unsaved) {
        event.position = log.iter().find(|e| e.event.id == event.id).map(|e| e.position);
        if !refused.iter().any(|refused| refused.id == event.id) {
            own.insert(event.id.clone(), event);
        }
    }
    own.into_values().collect()
}

/// Whether an own undo names an action of which a row's trail does not hold all.
fn undoes_older(log: &[Entry], own: &[Entry]) -> bool {
    let older = &log[..log.len().saturating_sub(TRAIL_ENTRIES)];
    own.iter().any(|entry| match &entry.what {
        What::Undo { action, .. } => older.iter().any(|old| old.action.as_ref() == Some(action)),
        _ => false,
    })
}

/// The faults stop, everybody says what there is to say, and then all agree.
pub(super) fn at_rest(simulation: &mut Simulation) -> Vec<String> {
    let devices = simulation.world.stations.len();
    for at in 0..devices {
        simulation.world.save(at);
        if let Some(thread) = simulation.a_thread(at) {
            simulation.world.device_mut(at).load(&thread).expect("loads");
        }
        simulation.world.device_mut(at).settle(u64::MAX);
    }
    simulation.world.sync();
    let truth = Truth::read(&simulation.world.backend_dir());
    if !truth.purged.is_empty() {
        *simulation.hits.entry(GONE).or_default() += truth.purged.len() as u64;
    }
    let labels = simulation.labels();
    let mut wrong = health::of(&mut simulation.world, &truth, &labels);
    for (thread, told) in &truth.threads {
        let hidden = hidden(&told.state.entries);
        wrong.extend(hidden.iter().map(|line| format!("{thread}: {line}")));
    }
    wrong.append(&mut simulation.world.promises.wrong);
    wrong.extend(undone(&truth));
    let epoch = simulation.world.backend().epoch().clone();
    simulation.presses.retain(|press| press.target.seen.epoch == epoch);
    wrong.extend(pressed(&truth, &simulation.presses));
    for (thread, name, id) in &simulation.taken_in {
        let log = truth.threads.get(thread).into_iter().flat_map(|told| &told.log);
        let is_there = log.into_iter().any(|event| event.event.id == *id);
        let released = simulation.world.promises.released.contains(id);
        if !truth.purged.contains(thread) && !is_there && !released {
            wrong.push(format!("the message {name} was taken into {thread} and is not there"));
        }
    }
    for at in 0..devices {
        wrong.extend(readers(simulation, at, &truth));
    }
    wrong
}

/// An undo has reached every thread that an event of its action is on.
fn undone(truth: &Truth) -> Vec<String> {
    let undo = |event: &Event| match ThreadEvent::read(&event.event.name, &event.event.args) {
        Some(ThreadEvent::Undone(undone)) => Some(undone.action),
        _ => None,
    };
    let undos: BTreeSet<ActionId> =
        truth.threads.values().flat_map(|told| told.log.iter().filter_map(undo)).collect();
    let mut wrong = Vec::new();
    for (thread, told) in &truth.threads {
        let of = |event: &Event| event.event.action.as_ref().map(|action| action.id.clone());
        let here: BTreeSet<ActionId> = told.log.iter().filter_map(undo).collect();
        let done: BTreeSet<ActionId> = told.log.iter().filter_map(of).collect();
        let missed = undos.intersection(&done).filter(|action| !here.contains(action));
        wrong.extend(missed.map(|action| format!("{thread}: the undo of {action} is not there")));
    }
    wrong
}

/// What a row said it had taken in is what it showed.
fn pressed(truth: &Truth, presses: &[Press]) -> Vec<String> {
    let wrong = presses.iter().filter_map(|Press { target, shown }| {
        let told = truth.threads.get(&target.thread)?;
        let log = told.log.partition_point(|event| event.position <= target.seen.position);
        let there = fold(&told.log[..log]).sorted().len() as u64;
        (there != *shown).then(|| format!("{target:?} showed {shown} messages, not {there}"))
    });
    wrong.collect()
}

/// The reader and the kept logs agree with the list.
fn readers(simulation: &mut Simulation, at: usize, truth: &Truth) -> Vec<String> {
    let mut wrong = Vec::new();
    let device = simulation.world.device_mut(at);
    if !device.is_settled(u64::MAX).expect("readable") {
        wrong.push(format!("device {at}: the settle was not answered"));
    }
    for (thread, told) in &truth.threads {
        let kept = device.kept_log(thread).expect("readable");
        let whole = !device.is_loaded(thread) || kept.is_empty() || kept.len() == told.log.len();
        if !told.log.starts_with(&kept) || !whole {
            let (here, there) = (kept.len(), told.log.len());
            let what = format!("device {at}: its log of {thread}, {here} of {there} events,");
            wrong.push(format!("{what} is not the backend's"));
        }
        let Some(open) = device.thread(thread).expect("readable") else {
            if !told.state.sorted().is_empty() {
                wrong.push(format!("device {at}: {thread} is not in its index"));
            }
            continue;
        };
        let members = open.row.members.iter();
        if !members.map(|member| &member.thread).all(|member| device.is_loaded(member)) {
            continue;
        }
        let unread =
            open.messages.iter().filter(|m| !m.flags.read && !m.flags.draft).count() as u64;
        let found = (open.messages.len() as u64, unread);
        if found != (open.row.message_count, open.row.unread_count) {
            let row = (open.row.message_count, open.row.unread_count);
            wrong.push(format!(
                "device {at}: the reader of {thread} has {found:?}, its row {row:?}"
            ));
        }
    }
    let tables = mailbox::dump(simulation.world.device(at).db()).expect("readable");
    let path = simulation.world.backend_dir().join("mailbox.db");
    let first = Db::read(&path, Kind::Mailbox, mailbox::VERSION).expect("opens").expect("there");
    let dump = mailbox::dump(&first).expect("readable");
    for ((table, _), _) in tables.iter().zip(&dump).filter(|(found, wanted)| found != wanted) {
        let rows = |db: &Db| rows(db, table);
        let (here, there) = (rows(simulation.world.device(at).db()), rows(&first));
        let here_only: Vec<_> = here.difference(&there).take(ROWS_TOLD).collect();
        let there_only: Vec<_> = there.difference(&here).take(ROWS_TOLD).collect();
        wrong.push(format!("device {at}: {table} has {here_only:?}, the backend {there_only:?}"));
    }
    wrong
}

/// The rows of a table, as text.
fn rows(db: &Db, table: &str) -> BTreeSet<String> {
    let mut statement = db.sql().prepare(&format!("SELECT * FROM {table}")).expect("a table");
    let columns = statement.column_count();
    let text = |row: &rusqlite::Row<'_>| {
        let column = |at| format!("{:?}", row.get_ref(at).expect("a column"));
        Ok((0..columns).map(column).collect::<Vec<_>>().join(" "))
    };
    let rows = statement.query_map([], text).expect("readable");
    rows.map(|row| row.expect("readable")).collect()
}
